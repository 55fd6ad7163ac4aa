#include "support/line.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>
#include <sstream>
#include <utility>

namespace toxtcp {

namespace {

constexpr std::uint64_t SECOND_NS = 1'000'000'000;
constexpr double MILLISECOND_NS = 1'000'000;
constexpr double MEGABIT = 1'000'000;
// Limits that keep every sum of times or sizes far below the largest value of its type.
constexpr double MAX_DELAY_MS = 60'000;
constexpr double MAX_RATE_MBIT = 100'000;
constexpr double MAX_QUEUE = 1e9;
constexpr double MAX_SEED = 1e15; // a double holds every whole number up to this

/// A random number from 0 up to, but not including, 1. SplitMix64 needs no state but the number of the draw.
double random_share(const Line &line) {
    std::uint64_t mixed = line.def.seed + (line.drawn + 1) * 0x9E3779B97F4A7C15u;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
    mixed ^= mixed >> 31;
    return static_cast<double>(mixed >> 11) * 0x1p-53;
}

bool set(Line_Def &def, const std::string &name, double value) {
    if (name == "delay_ms" && value <= MAX_DELAY_MS) {
        def.delay_ns = static_cast<std::uint64_t>(value * MILLISECOND_NS);
    } else if (name == "rate_mbit" && value <= MAX_RATE_MBIT) {
        def.rate = static_cast<std::uint64_t>(value * MEGABIT);
    } else if (name == "queue" && value <= MAX_QUEUE) {
        def.queue = static_cast<std::size_t>(value);
    } else if (name == "loss" && value <= 1) {
        def.loss = value;
    } else if (name == "seed" && value <= MAX_SEED) {
        def.seed = static_cast<std::uint64_t>(value);
    } else {
        return false;
    }
    return true;
}

} // namespace

bool parse_line(const std::string &text, std::size_t mtu, Line_Def &def) {
    def = {};
    std::set<std::string> named;
    std::istringstream parts{text};
    for (std::string part; std::getline(parts, part, ',');) {
        const std::size_t equals = part.find('=');
        if (equals == std::string::npos) {
            return false;
        }
        const std::string name = part.substr(0, equals);
        const std::string number = part.substr(equals + 1);
        char *end = nullptr;
        const double value = std::strtod(number.c_str(), &end);
        if (number.empty() || *end != 0 || !std::isfinite(value) || value < 0 || !named.insert(name).second ||
            !set(def, name, value)) {
            return false;
        }
    }
    return !named.empty() && (def.rate == 0 || def.queue >= mtu);
}

std::size_t queued_bytes(const Line &line, std::uint64_t now_ns) {
    if (line.idle_ns <= now_ns) {
        return 0;
    }
    // These bytes were taken by `offer`, which takes no more than `def.queue`, so the result fits.
    const double left_s = static_cast<double>(line.idle_ns - now_ns) / static_cast<double>(SECOND_NS);
    return static_cast<std::size_t>(std::ceil(left_s * static_cast<double>(line.def.rate) / 8));
}

Fate offer(Line &line, std::span<const std::uint8_t> packet, std::uint64_t now_ns) {
    std::uint64_t sent_ns = now_ns;
    if (line.def.rate != 0) {
        if (queued_bytes(line, now_ns) + packet.size() > line.def.queue) {
            ++line.counts.dropped;
            return Fate::dropped;
        }
        line.idle_ns = std::max(line.idle_ns, now_ns) + packet.size() * 8 * SECOND_NS / line.def.rate;
        sent_ns = line.idle_ns;
    }
    const bool lost = random_share(line) < line.def.loss;
    ++line.drawn;
    if (lost) {
        ++line.counts.lost;
        return Fate::lost;
    }
    line.under_way.push_back({sent_ns + line.def.delay_ns, {packet.begin(), packet.end()}});
    return Fate::sent;
}

std::uint64_t next_arrival(const Line &line) {
    return line.under_way.empty() ? NO_ARRIVAL : line.under_way.front().arrives_ns;
}

bool take(Line &line, std::uint64_t now_ns, std::vector<std::uint8_t> &packet) {
    if (next_arrival(line) > now_ns) {
        return false;
    }
    packet = std::move(line.under_way.front().bytes);
    line.under_way.pop_front();
    ++line.counts.arrived;
    return true;
}

} // namespace toxtcp
