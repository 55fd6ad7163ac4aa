// The hands of Prune: relays that nobody needs, sleeping relays, onion relays, routes above the number wanted.
#pragma once

#include "connections/core.h"

namespace toxtcp {

/// Relays that may go are looked for by then.
inline void prune_by(Tcp_Connections &c, std::uint64_t at) {
    c.prune_at = std::min(c.prune_at, at);
}
void prune_relays(Tcp_Connections &c);
/// Whether a relay is of use is not looked at before: peers need time to come online there.
[[nodiscard]] std::uint64_t min_lifetime_ends(const Tcp_Connections &c, const Relay &relay);
/// A sleeping relay is wanted again.
void wake_relay(Tcp_Connections &c, std::uint32_t relay);
void mark_onion(Tcp_Connections &c, std::uint32_t relay);
/// More routes online than wanted: one is pruned. Fewer: what was pruned is taken back.
void balance_routes(Tcp_Connections &c, std::uint32_t peer);
/// Has that done by then.
void balance_by(Tcp_Connections &c, std::uint32_t peer, std::uint64_t at);
/// Makes room in the relay array for one more, by giving up one that never came up. False when there is none such.
bool give_up_one(Tcp_Connections &c);

} // namespace toxtcp
