// Selection: which route carries a connection's data.
//
// Rule: 1. a relay that answers its pings before one that does not (stale);
//       2. a route that traffic has not rotated away from of late before one that it has;
//       3. a verified route before one that is not known, and this before one that failed;
//       4. among routes that are not known, a relay of good name before one of bad name, then the route over which the
//          peer was heard last;
//       5. the shorter end-to-end round trip; without one, twice the relay's own.
//       The choice stays. It is left when the route is lost, when its relay turns stale, when Delivery says so, or when
//       another verified route takes half the time and FASTER_BY_MS less: STAY_MS after the last such change at the
//       earliest, and never while we load the link ourselves.
// Bound: one change for a faster route in STAY_MS.
#pragma once

#include <array>

#include "policy/route_set.h"

namespace toxtcp {

inline constexpr std::uint32_t FASTER_BY_MS = 50;
inline constexpr std::uint64_t STAY_MS = 10'000;
/// Before the first answer a relay counts as slower than any that has answered in reason.
inline constexpr std::uint32_t UNKNOWN_ROUND_TRIP_MS = 1'000;

enum class Route_Standing : std::uint8_t { verified, unknown, failed };

/// One route as Selection sees it.
struct Route_View {
    bool usable = false;
    bool stale = false;      ///< the relay does not answer its pings
    bool distrusted = false; ///< traffic rotated away from it of late
    bool bad_name = false;   ///< the relay failed other peers (reputation.h)
    bool heard = false;      ///< the peer's last packet came over it
    bool loaded = false;     ///< by what we send
    Route_Standing standing = Route_Standing::unknown;
    std::uint32_t echo_round_trip = 0;  ///< ms end to end; 0: not measured
    std::uint32_t relay_round_trip = 0; ///< ms to the relay and back; 0: not measured
};

using Route_Views = std::array<Route_View, ROUTES>;

struct Selection {
    std::uint32_t changed_at = 0; ///< s, the last change for a faster route; 0: none yet
};

/// The best usable route that is not in `avoid`; NO_ROUTE when there is none.
[[nodiscard]] std::uint8_t select_route(const Route_Views &views, Route_Set avoid);

/// Whether traffic moves to `answering`, the route over which an echo was just answered, because it is so much faster than
/// the one in use.
[[nodiscard]] bool select_faster(Selection &selection, const Route_Views &views, std::uint8_t sending,
                                 std::uint8_t answering, std::uint64_t now);

} // namespace toxtcp
