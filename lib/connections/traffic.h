// Carries out Delivery and Selection: which route carries a connection's data, and echoes in both directions.
#pragma once

#include "connections/core.h"

namespace toxtcp {

/// Whether the peer is online at the route, and the relay's connection is up.
[[nodiscard]] bool route_usable(const Tcp_Connections &c, const Connection &peer, std::uint8_t route);
/// The best usable route that is not in `avoid`; NO_ROUTE when there is none.
[[nodiscard]] std::uint8_t best_route(const Tcp_Connections &c, const Connection &peer, Route_Set avoid);
void set_sending(Tcp_Connections &c, std::uint32_t peer, std::uint8_t route, Reason reason);
/// The route in use is lost, or there was none: traffic goes over the best route, and Delivery will probe all routes.
void replace_sending(Tcp_Connections &c, std::uint32_t peer, Reason reason);

/// Asks Delivery what to do for a connection now, and does it.
void serve_delivery(Tcp_Connections &c, std::uint32_t peer);

/// Data was sent over the route in use.
inline void note_data_sent(Tcp_Connections &c, std::uint32_t peer_slot, std::size_t packets, std::size_t bytes) {
    Connection &peer = c.peers[peer_slot];
    peer.traffic.packets_sent += packets;
    peer.traffic.bytes_sent += bytes;
    if (const std::uint64_t at = delivery_sent(*peer.delivery, c.now); at != NEVER) {
        wake_peer_at(c, peer_slot, at);
    }
}

/// A packet opened that came over this route.
inline void note_heard(Tcp_Connections &c, std::uint32_t peer_slot, std::uint8_t route) {
    Connection &peer = c.peers[peer_slot];
    peer.heard = route;
    if (peer.delivery != nullptr) {
        if (delivery_heard(*peer.delivery, c.now)) {
            wake_peer_at(c, peer_slot, c.now);
        }
    } else {
        peer.heard_at = c.now;
    }
}

/// Sends the answer to an echo over the route that the echo came over, so that the answer proves both directions of the
/// route. Where the peer is not online at the route, the answer goes by OOB.
Error send_answer(Tcp_Connections &c, std::uint32_t peer, std::uint8_t route, Bytes answer);
/// Handles a packet that is an echo request or response. True when the packet is done with, and not for the host.
/// `route`: the route that the packet came over.
[[nodiscard]] bool handle_echo(Tcp_Connections &c, std::uint32_t peer, std::uint8_t route, Bytes packet);
/// The same for an OOB packet from a key that has no route over this relay. Only requests are handled.
[[nodiscard]] bool handle_stranger_echo(Tcp_Connections &c, std::uint32_t relay, const Public_Key &sender,
                                        Bytes packet);

} // namespace toxtcp
