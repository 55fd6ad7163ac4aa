// Selection: which route carries a connection's data.
//
// Rule: the best route is, in this order of importance:
//       1. one whose relay answers its pings (is not stale);
//       2. one that is not distrusted (delivery.h);
//       3. verified rather than unknown, and unknown rather than failed;
//       4. unless verified: one whose relay has a good reputation (reputation.h), then the one that the peer was heard
//          over;
//       5. the one with the shortest end-to-end round trip, or, not measured, twice the round trip to the relay.
//       The connection keeps its route until the route is lost, its relay becomes stale, Delivery decides so, or
//       another verified route is much faster: at most half the round trip, and at least FASTER_BY_MS less. A change
//       for a faster route is made once in STAY_MS at most, and not while our own data loads the link.
// Bound: one change for a faster route in STAY_MS.
#pragma once

#include <array>

#include "policy/route_set.h"

namespace toxtcp {

inline constexpr std::uint32_t FASTER_BY_MS = 50;
inline constexpr std::uint64_t STAY_MS = 10'000;
/// Assumed for a relay that has not answered a ping yet: slower than relays usually are.
inline constexpr std::uint32_t UNKNOWN_ROUND_TRIP_MS = 1'000;

enum class Route_Standing : std::uint8_t { verified, unknown, failed };

/// One route as Selection sees it.
struct Route_View {
    bool usable = false;
    bool stale = false;          ///< the relay does not answer its pings
    bool distrusted = false;     ///< traffic rotated away from it recently, after complaints
    bool bad_reputation = false; ///< the relay failed other peers (reputation.h)
    bool heard = false;          ///< the peer was heard over it last
    bool loaded = false;         ///< by our own data (load.h)
    Route_Standing standing = Route_Standing::unknown;
    std::uint32_t echo_round_trip = 0;  ///< ms end to end; 0: not measured
    std::uint32_t relay_round_trip = 0; ///< ms to the relay and back; 0: not measured
};

using Route_Views = std::array<Route_View, ROUTES>;

struct Selection {
    std::uint32_t changed_at = 0; ///< s, of the last change for a faster route; 0: none yet
};

/// The best usable route that is not in `avoid`; NO_ROUTE when there is none.
[[nodiscard]] std::uint8_t select_route(const Route_Views &views, Route_Set avoid);

/// Whether traffic moves to the route `answering`, over which an echo was just answered, because this route is much
/// faster than the route in use.
[[nodiscard]] bool select_faster(Selection &selection, const Route_Views &views, std::uint8_t sending,
                                 std::uint8_t answering, std::uint64_t now);

} // namespace toxtcp
