// The bounds of each world: the table of docs/failover.md as functions of the world. All times are in ms.
#pragma once

#include "worlds/worlds.h"

namespace toxtcp {

/// The round trip from end to end over an honest relay. One way, each client adds 5 ms to the relay's own latency.
std::uint64_t round_trip(const World_Case &world);

/// The pause between two packets of a peer.
std::uint64_t interval_of(const World_Case &world, bool of_b);

/// The longest silence while an honest route is online at both ends.
std::uint64_t silence_bound(const World_Case &world);

/// The time from when an honest route is online at both ends until the first packet has come in each direction.
std::uint64_t first_packet_bound(const World_Case &world);

/// The time from the start, or from the return of the first relay, until an honest route is online at both ends.
std::uint64_t online_bound(const World_Case &world);

/// The time from the end of an outage until an honest relay is connected.
std::uint64_t connected_bound(const World_Case &world);

/// The most connects to a relay of this kind in an hour, after the first minute.
std::size_t connects_bound(Relay_Kind kind);

inline constexpr std::uint64_t NAMED_AGAIN_MS = 3'000; ///< until a relay named at a new address is connected
inline constexpr std::uint64_t DAY_WAKES = 2'000;      ///< wake-ups in a day without a network

} // namespace toxtcp
