// What each world may take: the table "Bounds" of the design, as functions of the world. All times are in ms.
#pragma once

#include "worlds/worlds.h"

namespace toxtcp {

/// Round trip from end to end over an honest relay: each client adds 5 ms one way to what the relay has.
std::uint64_t round_trip(const World_Case &world);

/// Pause between two packets of a peer.
std::uint64_t interval_of(const World_Case &world, bool of_b);

/// The longest silence while an honest route is online at both ends.
std::uint64_t silence_bound(const World_Case &world);

/// From an honest route's coming online at both ends to the first packet in each direction.
std::uint64_t first_packet_bound(const World_Case &world);

/// From the start, or from the first relay's coming back, to an honest route that is online at both ends.
std::uint64_t online_bound(const World_Case &world);

/// From the end of an outage to the first honest relay that is connected.
std::uint64_t connected_bound(const World_Case &world);

/// Connects to a relay of this kind in an hour, after the first minute.
std::size_t connects_bound(Relay_Kind kind);

inline constexpr std::uint64_t NAMED_AGAIN_MS = 3'000; ///< a relay named at another address is connected there
inline constexpr std::uint64_t DAY_WAKES = 2'000;      ///< without a network, where the system tells of changes

} // namespace toxtcp
