// Connections and routes: which relay is tied to which peer, and the step that each route has reached.
#pragma once

#include "connections/core.h"

namespace toxtcp {

[[nodiscard]] std::uint32_t find_peer(const Tcp_Connections &c, const Public_Key &key);
[[nodiscard]] std::uint8_t find_route(const Connection &peer, std::uint32_t relay);
/// Whether nothing gets through to the peer over the routes that are online (delivery.h).
[[nodiscard]] inline bool is_cut_off(const Tcp_Connections &c, const Connection &peer) {
    return peer.delivery != nullptr && delivery_is_cut_off(*peer.delivery, c.now);
}
/// Routes that count towards those wanted: those that are online, or none while the connection is cut off.
[[nodiscard]] inline std::uint8_t working_routes(const Tcp_Connections &c, const Connection &peer) {
    return is_cut_off(c, peer) ? std::uint8_t{0} : peer.online;
}
/// Whether an awake connection that is tied to this relay has fewer working routes than wanted.
[[nodiscard]] bool is_wanted_relay(const Tcp_Connections &c, const Relay &relay);
/// Whether one more relay can be tied.
[[nodiscard]] bool has_place(const Tcp_Connections &c, std::uint32_t peer);
/// Ties a relay to a connection. Where no place is free, a route over a relay that is away gives way, or, while
/// the connection is cut off, a route that was tried in vain.
[[nodiscard]] Error tie(Tcp_Connections &c, std::uint32_t peer, std::uint32_t relay);
void untie(Tcp_Connections &c, std::uint32_t peer, std::uint8_t route);
/// Requests the routes that the relay was not asked for yet, as many as there is room for.
void request_routes(Tcp_Connections &c, std::uint32_t relay);
/// Routes that the relay had no routing id for are requested again.
void retry_refused_routes(Tcp_Connections &c, std::uint32_t relay);
/// Leaves a route that is online. The peer sees us offline there until we request the route again.
void leave_route(Tcp_Connections &c, std::uint32_t peer, std::uint8_t route);
/// Sets the step of a route, and keeps all counts that depend on it.
void set_step(Tcp_Connections &c, std::uint32_t peer, std::uint8_t route, Route_Step step);
void serve_peer(Tcp_Connections &c, std::uint32_t peer);
/// When the peer has to be served.
[[nodiscard]] std::uint64_t peer_due(const Connection &peer);

} // namespace toxtcp
