// How many relays a client holds, and how few would do.
#pragma once

#include <cstddef>
#include <cstdint>

namespace toxtcp {

struct Cover_Result {
    std::size_t friends = 0;
    std::size_t held = 0;         ///< relays connected in the end
    std::size_t greedy = 0;       ///< relays of a greedy cover: for each friend three that both know
    std::size_t original = 0;     ///< what toxcore holds: every relay at which a friend is online
    std::size_t least_online = 0; ///< relays at which the worst served friend is online in the end
    std::uint64_t settled_ms = 0; ///< from the start until the number held stayed as it is
    double friends_held = 0;      ///< relays that a friend holds, on average
};

/// The most that may be held, as a ratio to the greedy cover.
inline constexpr double MAX_COVER = 1.25;

/// One client and its friends, each of whom knows 4 to 6 of 200 relays. All of them are clients of the library; the
/// friends have one connection each.
Cover_Result run_cover(std::uint64_t seed, std::size_t friends);

} // namespace toxtcp
