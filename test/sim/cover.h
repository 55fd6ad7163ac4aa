// Measures how many relays a client holds for its friends, compared with a greedy cover.
#pragma once

#include <cstddef>
#include <cstdint>

namespace toxtcp {

struct Cover_Result {
    std::size_t friends = 0;
    std::size_t held = 0;         ///< relays connected at the end
    std::size_t greedy = 0;       ///< relays of a greedy cover, which holds three of each friend's relays
    std::size_t original = 0;     ///< relays that toxcore would hold: all at which a friend is online
    std::size_t least_online = 0; ///< relays at which the friend with the fewest is online at the end
    std::uint64_t settled_ms = 0; ///< from the start until the number held last changed
    double friends_held = 0;      ///< relays that a friend holds, on average
};

/// The most relays that may be held, as a ratio to the greedy cover.
inline constexpr double MAX_COVER = 1.25;

/// Simulates one client and its friends, each of whom knows 4 to 6 of 200 relays. All of them use the library. Each
/// friend has one connection only.
Cover_Result run_cover(std::uint64_t seed, std::size_t friends);

} // namespace toxtcp
