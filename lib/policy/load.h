// Load: how late an answer may be because of what we ourselves have sent.
//
// Rule: a link is taken to carry ASSUMED_RATE at least. What was sent beyond that rate may still wait in a queue on the
//       way, and everything behind it waits as long. Echoes and pings are granted that time on top.
// Bound: at most MAX_LOAD_MS is granted.
#pragma once

#include <algorithm>
#include <cstdint>

namespace toxtcp {

inline constexpr std::uint32_t ASSUMED_RATE = 32; ///< bytes a ms: 256 kbit/s
inline constexpr std::uint32_t MAX_LOAD_MS = 10'000;
inline constexpr std::uint32_t LOADED_MS = 200; ///< more than this, and a late answer says nothing of the route

struct Load {
    std::uint32_t backlog = 0; ///< bytes that may be queued, at `at`
    std::uint32_t at = 0;      ///< ms, low 32 bits
};

inline void load_settle(Load &load, std::uint64_t now) {
    const std::uint32_t passed = static_cast<std::uint32_t>(now) - load.at;
    if (passed != 0) { // 0 for most packets: several are sent in a ms
        load.at = static_cast<std::uint32_t>(now);
        const std::uint64_t drained = std::uint64_t{passed} * ASSUMED_RATE;
        load.backlog -= static_cast<std::uint32_t>(std::min<std::uint64_t>(drained, load.backlog));
    }
}

inline void load_sent(Load &load, std::uint64_t now, std::size_t bytes) {
    load_settle(load, now);
    load.backlog = static_cast<std::uint32_t>(
        std::min<std::size_t>(load.backlog + bytes, std::size_t{MAX_LOAD_MS} * ASSUMED_RATE));
}

/// Extra time for an answer, ms.
[[nodiscard]] inline std::uint32_t load_ms(Load load, std::uint64_t now) {
    load_settle(load, now);
    return load.backlog / ASSUMED_RATE;
}

} // namespace toxtcp
