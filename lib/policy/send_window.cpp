#include "policy/send_window.h"

#include <algorithm>

namespace toxtcp {

namespace {

void note_rate(Send_Window &window, std::uint64_t now, std::uint32_t rate) {
    if (now >= window.period_at + RATE_LASTS_MS) {
        window.rate_before = now < window.period_at + 2 * RATE_LASTS_MS ? window.rate : 0;
        window.rate = 0;
        window.period_at = now;
    }
    window.rate = std::max(window.rate, rate);
}

} // namespace

void send_window_acknowledged(Send_Window &window, std::uint64_t now, const Path_View &path) {
    window.acknowledged = path.acknowledged;
    const std::uint64_t passed = now - window.sample_at;
    if (passed >= RATE_SAMPLE_MS && passed >= path.round_trip_us / 1'000) {
        const std::uint64_t taken = path.acknowledged - std::min(path.acknowledged, window.sample_acknowledged);
        const std::uint64_t limit = path.delivery_rate == 0 ? UINT32_MAX : path.delivery_rate / 1'000;
        note_rate(window, now,
                  static_cast<std::uint32_t>(std::min({taken / passed, limit, std::uint64_t{UINT32_MAX}})));
        window.sample_at = now;
        window.sample_acknowledged = path.acknowledged;
        const std::uint64_t rate = std::max(window.rate, window.rate_before);
        const std::uint64_t ms = path.round_trip_us / 800 + TICK_MS; // the round trip and a quarter of it
        window.size = std::max(MIN_SEND_WINDOW, rate * ms);
    }
}

} // namespace toxtcp
