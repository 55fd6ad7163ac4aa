// Prune: which relays and routes may go?
//
// Rule: 1. A connected relay where no peer is online, when more such are connected than wanted: those of bad name first,
//          then those that fewest peers are tied to, then the slow. While peers are tied to it, it is remembered: for when
//          the host names it again, or nothing is connected any more.
//       2. A relay that only sleeping connections use: it is left, and remembered.
//       3. A relay that is away and that nobody is tied to, after FAILED_ATTEMPTS; or that never came up in GIVE_UP_MS,
//          whoever is tied to it. Only while three others are connected.
//       4. A route over a relay that is away, or remembered by rule 1, as soon as another relay wants its place: the
//          longest away first.
//       5. One route of a peer that is online at more than three, where it does least for others.
// Bound: none that the host wants is lost while fewer than three others are connected.
#pragma once

#include <array>
#include <cstdint>

#include "policy/route_set.h"

namespace toxtcp {

inline constexpr std::uint32_t ENOUGH_RELAYS = 3;
inline constexpr std::uint32_t FAILED_ATTEMPTS = 8; ///< about a minute
inline constexpr std::uint64_t GIVE_UP_MS = 3'600'000;

/// Rule 1. The value of an idle relay: what compares less goes first.
struct Idle_Worth {
    bool good_name = true;
    std::uint32_t tied = 0;
    std::uint32_t round_trip = 0; ///< ms
};
[[nodiscard]] bool goes_first(const Idle_Worth &a, const Idle_Worth &b);

/// Rule 3.
struct Away_View {
    std::uint32_t attempts = 0;
    std::uint32_t tied = 0;
    bool was_up = false;
    std::uint64_t away_since = 0; ///< ms
};
[[nodiscard]] bool may_forget(const Away_View &relay, std::uint32_t connected, std::uint64_t now);

/// Rule 4. For each route since when its relay is away, ms; 0: it is not, or there is no route. The route that gives way,
/// or NO_ROUTE.
[[nodiscard]] std::uint8_t route_that_gives_way(const std::array<std::uint64_t, ROUTES> &away_since);

} // namespace toxtcp
