// Connections and routes: which relay is tied to which peer, and how far that is.
#pragma once

#include "connections/core.h"

namespace toxtcp {

[[nodiscard]] std::uint32_t find_peer(const Tcp_Connections &c, const Public_Key &key);
[[nodiscard]] std::uint8_t find_route(const Connection &peer, std::uint32_t relay);
/// Whether one more relay can be tied.
[[nodiscard]] bool has_place(const Tcp_Connections &c, std::uint32_t peer);
/// Ties a relay to a connection. Where no place is free, a route over a relay that is away gives way.
[[nodiscard]] Error tie(Tcp_Connections &c, std::uint32_t peer, std::uint32_t relay);
void untie(Tcp_Connections &c, std::uint32_t peer, std::uint8_t route);
/// Requests routes of the relay that were not requested yet, as far as there is room.
void request_routes(Tcp_Connections &c, std::uint32_t relay);
/// Routes that the relay had no id for may be requested once more.
void forget_refusals(Tcp_Connections &c, std::uint32_t relay);
/// The peer sees us offline on a route that was online, until it is requested again.
void leave_route(Tcp_Connections &c, std::uint32_t peer, std::uint8_t route);
/// Moves a route to another step, and keeps every count that depends on it.
void set_step(Tcp_Connections &c, std::uint32_t peer, std::uint8_t route, Route_Step step);
void serve_peer(Tcp_Connections &c, std::uint32_t peer);
/// When the clock has something to do for a peer.
[[nodiscard]] std::uint64_t peer_due(const Connection &peer);

} // namespace toxtcp
