// Load: how late an answer may be because of the data that we have sent.
//
// Rule: we assume that a link carries ASSUMED_RATE at least. Bytes sent faster than that may still wait in a queue on
//       the way, and an echo or a ping sent after them waits as long. Its answer may be late by that time.
// Bound: MAX_LOAD_MS at most.
#pragma once

#include <algorithm>
#include <cstdint>

namespace toxtcp {

inline constexpr std::uint32_t ASSUMED_RATE = 32; ///< bytes a ms: 256 kbit/s
inline constexpr std::uint32_t MAX_LOAD_MS = 10'000;
inline constexpr std::uint32_t LOADED_MS = 200; ///< with more than this, a late answer tells nothing about the route

struct Load {
    std::uint32_t backlog = 0; ///< bytes that may be queued, at `at`
    std::uint32_t at = 0;      ///< ms, low 32 bits
};

inline void load_settle(Load &load, std::uint64_t now) {
    const std::uint32_t passed = static_cast<std::uint32_t>(now) - load.at;
    if (passed != 0) { // often 0: several packets are sent in a ms
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

/// How late an answer may be, ms.
[[nodiscard]] inline std::uint32_t load_ms(Load load, std::uint64_t now) {
    load_settle(load, now);
    return load.backlog / ASSUMED_RATE;
}

} // namespace toxtcp
