// Prune: which relays and routes may the library give up?
//
// Rule: 1. A connected relay where no peer is online, while more relays are connected than wanted. First those of bad
//          reputation, then those with the fewest connections tied, then those with the longest round trip. A relay
//          that is tied to a connection is disconnected and kept (it may be removed where the host wants no idle
//          relays). It is connected again when the host names it again, or when fewer relays are connected than wanted.
//       2. A relay that only sleeping connections need: the others that are tied to it have enough routes. It is
//          disconnected and kept.
//       3. A relay that is away: after FAILED_ATTEMPTS if no connection is tied to it, or after GIVE_UP_MS if it was
//          never up. Only while three others are connected.
//       4. A route over a relay that is away, or that rule 1 disconnected, when another relay needs its place. The
//          relay that is away longest goes first. While a connection is cut off, a route that was tried in vain gives
//          way too, after these.
//       5. One route of a peer that is online at more than three relays: one that failed, or else where the relay is of
//          least use to others.
//       While a connection is cut off (delivery.h), no route that is online counts as one that works: no route is
//       pruned, all routes are requested, all relays tied to the connection are connected, and new relays are taken.
// Bound: no relay that the host named is lost while fewer than three others are connected. No route stays given up while
//        nothing gets through to the peer.
#pragma once

#include <array>
#include <cstdint>

#include "policy/route_set.h"

namespace toxtcp {

inline constexpr std::uint32_t ENOUGH_RELAYS = 3;
inline constexpr std::uint32_t FAILED_ATTEMPTS = 8; ///< about a minute
inline constexpr std::uint64_t GIVE_UP_MS = 3'600'000;

/// Rule 1. The worth of an idle relay: the relay that is worth least goes first.
struct Idle_Worth {
    bool good_reputation = true;
    std::uint32_t tied = 0;       ///< connections tied to it
    std::uint32_t round_trip = 0; ///< ms
};
[[nodiscard]] bool is_pruned_first(const Idle_Worth &a, const Idle_Worth &b);

/// Rule 3.
struct Away_View {
    std::uint32_t attempts = 0;   ///< failed in a row
    std::uint32_t tied = 0;       ///< connections tied to it
    bool was_up = false;          ///< it was connected once
    std::uint64_t away_since = 0; ///< ms
};
[[nodiscard]] bool may_remove(const Away_View &relay, std::uint32_t connected, std::uint64_t now);

/// Rule 4. `away_since`: for each route, since when its relay is away, ms; 0: it is not away, or there is no route.
/// Returns the route that gives way, or NO_ROUTE.
[[nodiscard]] std::uint8_t route_that_gives_way(const std::array<std::uint64_t, ROUTES> &away_since);

} // namespace toxtcp
