// Sending: data to a peer over the route in use (or another route), OOB, onion requests, forwarding requests.
#include <cstring>

#include "connections/peers.h"
#include "connections/relays.h"
#include "connections/traffic.h"

namespace toxtcp {

namespace {

/// A socket that takes nothing for this time is stalled: data then goes over another route.
constexpr std::uint64_t STALLED_MS = 250;

/// Whether the relay's socket is full, and has taken nothing for STALLED_MS.
bool is_stalled(const Tcp_Connections &c, const Relay &relay) {
    const Liveness &liveness = relay.liveness;
    return liveness.full_since != 0 && !liveness.made_progress && c.now >= liveness.full_since + STALLED_MS;
}

/// Inline, since each packet comes here: without the keyword GCC finds the function too long.
inline Error send_over(Tcp_Connections &c, std::uint32_t relay_slot, const Packet &packet) {
    Relay &relay = c.relays[relay_slot];
    if (!is_connected(relay)) {
        return Error::not_online;
    }
    if (packet.data.size() > MAX_SMALL_DATA && packet.type == Packet_Type::data &&
        send_window_room(relay.send_window, relay.link->sent) == 0 && !make_send_room(c, relay_slot)) {
        note_refused(c, relay_slot);
        return Error::full;
    }
    const Error error = link_send(*relay.link, c.context.host, packet, relay_slot);
    if (error == Error::ok) {
        ++relay.traffic.packets_sent;
        relay.traffic.bytes_sent += packet.data.size();
        note_relay_sent(c, relay_slot, packet.data.size());
        if (!relay_takes_data(relay.link->client)) {
            note_full(c, relay_slot); // the socket took a part of the frame
        }
    } else if (error == Error::full) {
        note_full(c, relay_slot);
    } else if (error == Error::not_online) {
        wake_relay_at(c, relay_slot, c.now); // sending ended the link: the next tick deals with it
    }
    return error;
}

Error send_as_oob(Tcp_Connections &c, std::uint32_t peer_slot, Bytes data) {
    Connection &peer = c.peers[peer_slot];
    Packet packet;
    packet.type = Packet_Type::oob_send;
    packet.public_key = peer.key.data();
    packet.data = data;
    Error result = Error::not_online;
    bool sent = false;
    for (const Route &route : peer.routes) {
        if (route.step != Route_Step::registered) {
            continue;
        }
        const Error error = data.size() > MAX_OOB_DATA_SIZE ? Error::too_long : send_over(c, route.relay, packet);
        sent = sent || error == Error::ok;
        result = error == Error::not_online ? result : error;
    }
    if (sent) {
        ++peer.traffic.packets_sent;
        peer.traffic.bytes_sent += data.size();
    }
    return sent ? Error::ok : result;
}

/// How many of the packets, counted from the first, there is room for.
std::size_t packets_that_fit(std::span<const Bytes> packets, std::uint64_t room) {
    std::size_t count = 0;
    for (std::uint64_t bytes = 0; count < packets.size(); ++count) {
        if (bytes >= room && packets[count].size() > MAX_SMALL_DATA) {
            break;
        }
        bytes += packets[count].size();
    }
    return count;
}

/// Sends packets from the first on until one is not taken. Returns how many were sent.
std::size_t send_batch(Tcp_Connections &c, std::uint32_t peer_slot, std::uint8_t route,
                       std::span<const Bytes> packets) {
    Connection &peer = c.peers[peer_slot];
    const std::uint16_t relay_slot = peer.routes[route].relay;
    Relay &relay = c.relays[relay_slot];
    std::size_t fit = packets_that_fit(packets, send_window_room(relay.send_window, relay.link->sent));
    if (fit < packets.size() && make_send_room(c, relay_slot)) {
        fit = packets_that_fit(packets, send_window_room(relay.send_window, relay.link->sent));
    }
    const std::size_t sent = link_send_data(*relay.link, c.context.host, peer.routes[route].id, packets.first(fit),
                                            {c.batch_buffer.get(), BATCH_SIZE}, relay_slot);
    if (sent != 0) {
        std::size_t bytes = 0;
        for (const Bytes packet : packets.first(sent)) {
            bytes += packet.size();
        }
        relay.traffic.packets_sent += sent;
        relay.traffic.bytes_sent += bytes;
        note_relay_sent(c, relay_slot, bytes);
        note_data_sent(c, peer_slot, sent, bytes);
    }
    if (relay.link->client.phase == Relay_Phase::ended) {
        wake_relay_at(c, relay_slot, c.now);
    } else if (sent < fit) {
        note_full(c, relay_slot);
    } else if (sent < packets.size()) {
        note_refused(c, relay_slot);
    }
    return sent;
}

Error check_size(Bytes data, std::size_t limit) {
    return data.empty() || data.data() == nullptr ? Error::empty : data.size() > limit ? Error::too_long : Error::ok;
}

/// Sends over the route in use, or, when its socket is stalled (STALLED_MS), over the best other route. A socket that
/// is merely full is no reason: packets of a stream that go over two routes arrive out of order. `with` sends over one
/// route, and answers ok or an error.
template <class With>
Error over_routes(Tcp_Connections &c, std::uint32_t peer_slot, With with) {
    Connection &peer = c.peers[peer_slot];
    if (peer.sending == NO_ROUTE || !route_usable(c, peer, peer.sending)) {
        replace_sending(c, peer_slot, Reason::none);
    }
    Error result = Error::not_online;
    Route_Set tried = 0;
    for (std::uint8_t route = peer.sending; route != NO_ROUTE; route = best_route(c, peer, tried)) {
        const Error error = with(route);
        if (error != Error::not_online && error != Error::full) {
            return error;
        }
        if (error == Error::full) {
            result = error;
            if (!is_stalled(c, c.relays[peer.routes[route].relay])) {
                break;
            }
        }
        tried = union_of(tried, set_of(route));
    }
    return result;
}

} // namespace

Error send_packet_tcp_connection(Tcp_Connections *c, int connection, Bytes packet) {
    const std::uint32_t slot = c->peers.find(connection);
    if (slot == NO_SLOT) {
        return Error::bad_handle;
    }
    if (const Error error = check_size(packet, MAX_DATA_SIZE); error != Error::ok) {
        return error;
    }
    const Connection &peer = c->peers[slot];
    update_now(*c);
    if (slot == c->answer_peer && is_echo_response(packet)) {
        return send_answer(*c, slot, c->answer_route, packet); // the host answers a cookie request in its callback
    }
    if (peer.online != 0) {
        const Error error = over_routes(*c, slot, [&](std::uint8_t route) {
            Packet out;
            out.type = Packet_Type::data;
            out.id = peer.routes[route].id;
            out.data = packet;
            const Error sent = send_over(*c, peer.routes[route].relay, out);
            if (sent == Error::ok) {
                note_data_sent(*c, slot, 1, packet.size());
            }
            return sent;
        });
        if (error != Error::not_online) {
            return error;
        }
    }
    return send_as_oob(*c, slot, packet);
}

int send_packets_tcp_connection(Tcp_Connections *c, int connection, std::span<const Bytes> packets) {
    const std::uint32_t slot = c->peers.find(connection);
    if (slot == NO_SLOT) {
        return static_cast<int>(Error::bad_handle);
    }
    if (packets.empty()) {
        return static_cast<int>(Error::empty);
    }
    if (const Error error = check_size(packets.front(), MAX_DATA_SIZE); error != Error::ok) {
        return static_cast<int>(error);
    }
    std::size_t sent = 0;
    Error error = Error::not_online;
    if (c->peers[slot].online != 0) {
        update_now(*c);
        error = over_routes(*c, slot, [&](std::uint8_t route) {
            sent += send_batch(*c, slot, route, packets.subspan(sent));
            const bool more = sent < packets.size() && check_size(packets[sent], MAX_DATA_SIZE) == Error::ok;
            return more ? Error::full : Error::ok;
        });
    }
    while (error == Error::not_online && sent < packets.size() && send_as_oob(*c, slot, packets[sent]) == Error::ok) {
        ++sent;
    }
    return sent != 0 ? static_cast<int>(sent) : static_cast<int>(error);
}

Error tcp_send_oob_packet(Tcp_Connections *c, int relay, const Public_Key &public_key, Bytes packet) {
    const std::uint32_t slot = c->relays.find(relay);
    if (slot == NO_SLOT) {
        return Error::bad_handle;
    }
    if (public_key == Public_Key{}) {
        return Error::bad_key;
    }
    if (const Error error = check_size(packet, MAX_OOB_DATA_SIZE); error != Error::ok) {
        return error;
    }
    Packet out;
    out.type = Packet_Type::oob_send;
    out.public_key = public_key.data();
    out.data = packet;
    update_now(*c);
    return send_over(*c, slot, out);
}

Error tcp_send_oob_packet_using_relay(Tcp_Connections *c, const Public_Key &relay_key, const Public_Key &public_key,
                                      Bytes packet) {
    const int relay = tcp_relay(c, relay_key);
    return relay < 0 ? Error::bad_key : tcp_send_oob_packet(c, relay, public_key, packet);
}

Error tcp_send_onion_request(Tcp_Connections *c, int relay, Bytes packet) {
    const std::uint32_t slot = c->relays.find(relay);
    if (slot == NO_SLOT) {
        return Error::bad_handle;
    }
    if (const Error error = check_size(packet, MAX_ONION_SIZE); error != Error::ok) {
        return error;
    }
    Packet out;
    out.type = Packet_Type::onion_request;
    out.data = packet;
    update_now(*c);
    return send_over(*c, slot, out);
}

Error tcp_send_forward_request(Tcp_Connections *c, int relay, const Ip_Port &dht_node,
                               std::span<const Public_Key> chain, Bytes data) {
    const std::uint32_t slot = c->relays.find(relay);
    if (slot == NO_SLOT) {
        return Error::bad_handle;
    }
    if (chain.size() > MAX_FORWARD_CHAIN_LENGTH) {
        return Error::bad_argument;
    }
    std::array<std::uint8_t, MAX_PLAIN_SIZE> body;
    const std::size_t address = encode_packed_address(dht_node, body);
    if (address == 0) {
        return Error::bad_address;
    }
    const std::size_t links = encode_forward_chain(chain, Mutable_Bytes{body}.subspan(address));
    if (const Error error = check_size(data, MAX_FORWARD_DATA_SIZE - links); error != Error::ok) {
        return error;
    }
    std::memcpy(body.data() + address + links, data.data(), data.size());
    Packet out;
    out.type = Packet_Type::forward_request;
    out.data = Bytes{body}.first(address + links + data.size());
    update_now(*c);
    return send_over(*c, slot, out);
}

} // namespace toxtcp
