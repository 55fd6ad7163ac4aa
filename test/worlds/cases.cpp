#include <algorithm>
#include <sstream>

#include "worlds/worlds.h"

namespace toxtcp {

namespace {

constexpr const char *STARTS[] = {"cold", "warm"};
constexpr const char *TRAFFIC[] = {"both", "one_way", "seldom"};
constexpr const char *PEERS[] = {"none_answer", "answers"};
constexpr const char *OUTAGES[] = {"none", "noticed", "unnoticed"};

constexpr std::uint64_t LATENCIES[] = {0, 70};
constexpr std::size_t MOST_RELAYS = 4;
constexpr std::size_t KINDS = static_cast<std::size_t>(Relay_Kind::count);

template <std::size_t SIZE>
bool find_name(const char *const (&names)[SIZE], const std::string &text, std::size_t &index) {
    const auto found = std::find_if(std::begin(names), std::end(names), [&](const char *name) { return text == name; });
    index = static_cast<std::size_t>(found - std::begin(names));
    return found != std::end(names);
}

/// Round trip from end to end, ms: each client adds 5 ms to what a relay has.
std::uint64_t round_trip_of(std::uint64_t latency) {
    return 20 + 4 * latency;
}

/// Every order of kinds with an honest one among them.
std::vector<std::vector<Relay_Kind>> relay_sets(std::size_t count) {
    std::size_t combinations = 1;
    for (std::size_t i = 0; i < count; ++i) {
        combinations *= KINDS;
    }
    std::vector<std::vector<Relay_Kind>> sets;
    for (std::size_t number = 0; number < combinations; ++number) {
        std::vector<Relay_Kind> set;
        for (std::size_t rest = number; set.size() < count; rest /= KINDS) {
            set.push_back(static_cast<Relay_Kind>(rest % KINDS));
        }
        if (std::find(set.begin(), set.end(), Relay_Kind::honest) != set.end()) {
            sets.push_back(set);
        }
    }
    return sets;
}

} // namespace

std::vector<World_Case> all_worlds() {
    std::vector<World_Case> worlds;
    for (std::size_t count = 1; count <= MOST_RELAYS; ++count) {
        const bool is_small = count < MOST_RELAYS;
        for (const std::vector<Relay_Kind> &relays : relay_sets(count)) {
            for (const World_Start start : {World_Start::cold, World_Start::warm}) {
                if (!is_small) {
                    worlds.push_back({.start = start, .relays = relays});
                    continue;
                }
                for (const World_Traffic traffic :
                     {World_Traffic::both, World_Traffic::one_way, World_Traffic::seldom}) {
                    for (const bool answers : {true, false}) {
                        for (const std::uint64_t latency : LATENCIES) {
                            for (const World_Outage outage :
                                 {World_Outage::none, World_Outage::noticed, World_Outage::unnoticed}) {
                                worlds.push_back({start, traffic, answers, outage, latency, relays});
                            }
                        }
                    }
                }
            }
        }
    }
    return worlds;
}

std::string to_string(const World_Case &world) {
    std::string text = std::string{STARTS[static_cast<std::size_t>(world.start)]} + '/' +
                       TRAFFIC[static_cast<std::size_t>(world.traffic)] + '/' + PEERS[world.answers ? 1 : 0] + '/' +
                       OUTAGES[static_cast<std::size_t>(world.outage)] + '/' +
                       std::to_string(round_trip_of(world.latency)) + '/';
    for (std::size_t i = 0; i < world.relays.size(); ++i) {
        text += (i == 0 ? "" : ",") + std::string{to_string(world.relays[i])};
    }
    return text;
}

bool parse_world(const std::string &text, World_Case &world) {
    std::istringstream in{text};
    std::vector<std::string> parts;
    for (std::string part; std::getline(in, part, '/');) {
        parts.push_back(part);
    }
    std::size_t start = 0;
    std::size_t traffic = 0;
    std::size_t peer = 0;
    std::size_t outage = 0;
    if (parts.size() != 6 || !find_name(STARTS, parts[0], start) || !find_name(TRAFFIC, parts[1], traffic) ||
        !find_name(PEERS, parts[2], peer) || !find_name(OUTAGES, parts[3], outage)) {
        return false;
    }
    world.start = static_cast<World_Start>(start);
    world.traffic = static_cast<World_Traffic>(traffic);
    world.answers = peer == 1;
    world.outage = static_cast<World_Outage>(outage);
    const auto latency = std::find_if(std::begin(LATENCIES), std::end(LATENCIES), [&](std::uint64_t one) {
        return std::to_string(round_trip_of(one)) == parts[4];
    });
    if (latency == std::end(LATENCIES)) {
        return false;
    }
    world.latency = *latency;
    world.relays.clear();
    std::istringstream relays{parts[5]};
    for (std::string name; std::getline(relays, name, ',');) {
        const std::optional<Relay_Kind> kind = parse_relay_kind(name);
        if (!kind) {
            return false;
        }
        world.relays.push_back(*kind);
    }
    return !world.relays.empty() && world.relays.size() <= MOST_RELAYS;
}

} // namespace toxtcp
