// Carries out Prune: closes relays that are not needed, wakes sleeping relays, keeps onion relays, limits the routes of
// a connection.
#pragma once

#include "connections/core.h"

namespace toxtcp {

/// `prune_relays` is to be called at `at`, or earlier.
inline void schedule_prune(Tcp_Connections &c, std::uint64_t at) {
    c.prune_at = std::min(c.prune_at, at);
}
void prune_relays(Tcp_Connections &c);
/// Relays that are kept connected, so that peers can come online there.
[[nodiscard]] std::uint32_t idle_wanted(const Tcp_Connections &c);
/// End of the relay's min lifetime: the relay is not closed as unused before, since peers need time to come online
/// there.
[[nodiscard]] std::uint64_t min_lifetime_ends(const Tcp_Connections &c, const Relay &relay);
/// Connects a sleeping relay again.
void wake_relay(Tcp_Connections &c, std::uint32_t relay);
/// Marks a relay for onion packets, if one more such relay is wanted.
void mark_onion(Tcp_Connections &c, std::uint32_t relay);
/// Prunes a route if more routes are online than wanted. Requests pruned routes again if fewer are.
void balance_routes(Tcp_Connections &c, std::uint32_t peer);
/// `balance_routes` is to be called for the peer at `at`, or earlier.
void schedule_balance(Tcp_Connections &c, std::uint32_t peer, std::uint64_t at);
/// Removes a relay that never came up, to make room in the relay array. False when there is no such relay.
bool remove_never_connected(Tcp_Connections &c);

} // namespace toxtcp
