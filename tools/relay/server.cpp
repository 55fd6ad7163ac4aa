#include "tools/relay/server.h"

#include <algorithm>
#include <cstring>

namespace toxtcp {

std::size_t Relay_Server_Key_Hash::operator()(const Public_Key &key) const noexcept {
    std::size_t hash;
    std::memcpy(&hash, key.data(), sizeof hash);
    return hash;
}

namespace {

using Phase = Relay_Server_Phase;

constexpr std::size_t index_of(std::uint8_t id) {
    return static_cast<std::size_t>(id - FIRST_ROUTING_ID);
}

constexpr std::uint8_t id_of(std::size_t index) {
    return static_cast<std::uint8_t>(index + FIRST_ROUTING_ID);
}

bool is_handle(const Relay_Server &server, int client) {
    return client >= 0 && static_cast<std::size_t>(client) < server.clients.size() &&
           server.clients[static_cast<std::size_t>(client)].phase != Phase::free;
}

Relay_Server_Client &client_at(Relay_Server &server, int client) {
    return server.clients[static_cast<std::size_t>(client)];
}

const Relay_Server_Client &client_at(const Relay_Server &server, int client) {
    return server.clients[static_cast<std::size_t>(client)];
}

bool has_channel(const Relay_Server_Client &client) {
    return client.phase == Phase::unconfirmed || client.phase == Phase::confirmed;
}

Public_Key key_at(const std::uint8_t *bytes) {
    Public_Key key;
    std::copy_n(bytes, key.size(), key.begin());
    return key;
}

// ---- the queue to a client -------------------------------------------------------------------------------------

void add_to_changed(Relay_Server &server, int client) {
    if (!client_at(server, client).changed) {
        client_at(server, client).changed = true;
        server.changed.push_back(client);
    }
}

std::size_t queued_size(const Relay_Server_Client &client) {
    return client.out.size() - client.out_begin;
}

/// Makes room for `size` bytes at the end of the client's queue.
Mutable_Bytes extend_queue(Relay_Server &server, int client, std::size_t size) {
    Relay_Server_Client &to = client_at(server, client);
    add_to_changed(server, client);
    if (to.out_begin > queued_size(to)) {
        // More than half of the queue has been sent, so the bytes to move are fewer than the bytes already sent.
        to.out.erase(to.out.begin(), to.out.begin() + static_cast<std::ptrdiff_t>(to.out_begin));
        to.out_begin = 0;
    }
    to.out.resize(to.out.size() + size);
    return Mutable_Bytes{to.out}.last(size);
}

/// Drops the client at once. Its peers are told later, by `tell_peers_of_dropped`: to tell a peer may overflow the
/// peer's queue, which drops this peer too, and so on.
void drop(Relay_Server &server, int client, Reason reason) {
    Relay_Server_Client &from = client_at(server, client);
    if (from.phase == Phase::free || from.phase == Phase::dropped) {
        return;
    }
    if (from.phase == Phase::confirmed) {
        server.confirmed.erase(from.key);
    }
    from.phase = Phase::dropped;
    from.reason = reason;
    from.channel = {};
    from.out.clear();
    from.out_begin = 0;
    add_to_changed(server, client);
    server.unannounced.push_back(client);
}

void send(Relay_Server &server, int client, const Packet &packet) {
    Relay_Server_Client &to = client_at(server, client);
    if (!has_channel(to) || (server.faults.send && !server.faults.send(client, to.key, packet))) {
        return;
    }
    const bool may_be_lost = packet.type == Packet_Type::data || packet.type == Packet_Type::oob_recv;
    if (may_be_lost && queued_size(to) > server.def.data_queue) {
        return;
    }
    if (queued_size(to) > server.def.queue) {
        drop(server, client, Reason::reset);
        return;
    }
    const Mutable_Bytes frame = extend_queue(server, client, MAX_FRAME_SIZE);
    const std::size_t size = encode_packet(packet, frame.subspan(FRAME_OVERHEAD));
    const std::size_t used = size == 0 ? 0 : FRAME_OVERHEAD + size;
    if (used != 0) {
        seal_frame(to.channel, frame.first(used));
    }
    to.out.resize(to.out.size() - MAX_FRAME_SIZE + used);
}

void send_id(Relay_Server &server, int client, Packet_Type type, std::uint8_t id) {
    Packet packet;
    packet.type = type;
    packet.id = id;
    send(server, client, packet);
}

void send_ping(Relay_Server &server, int client, Packet_Type type, std::uint64_t ping_id) {
    Packet packet;
    packet.type = type;
    packet.ping_id = ping_id;
    send(server, client, packet);
}

void send_routing_response(Relay_Server &server, int client, std::uint8_t id, const Public_Key &peer) {
    Packet packet;
    packet.type = Packet_Type::routing_response;
    packet.id = id;
    packet.public_key = peer.data();
    send(server, client, packet);
}

// ---- routes ----------------------------------------------------------------------------------------------------

/// Tells the client that its peer is offline: the peer has disconnected, or has removed its own route. The client's
/// route stays, and comes online again when the peer requests it.
void set_route_offline(Relay_Server &server, int client, std::uint8_t id) {
    client_at(server, client).routes[index_of(id)].peer_client = -1;
    send_id(server, client, Packet_Type::disconnect_notification, id);
}

void remove_route(Relay_Server &server, int client, std::uint8_t id) {
    Relay_Server_Client &from = client_at(server, client);
    if (index_of(id) >= from.routes.size() || !from.routes[index_of(id)].used) {
        return;
    }
    Relay_Server_Route &route = from.routes[index_of(id)];
    if (route.peer_client >= 0) {
        set_route_offline(server, route.peer_client, route.peer_route_id);
    }
    from.routing_ids.erase(route.peer);
    route = {};
}

/// The lowest free routing id; 0 when all 240 are in use.
std::uint8_t new_routing_id(Relay_Server_Client &client) {
    if (client.routing_ids.size() == MAX_ROUTES) {
        return 0;
    }
    const auto unused = std::find_if(client.routes.begin(), client.routes.end(),
                                     [](const Relay_Server_Route &route) { return !route.used; });
    const auto index = static_cast<std::size_t>(unused - client.routes.begin());
    if (unused == client.routes.end()) {
        client.routes.emplace_back();
    }
    return id_of(index);
}

/// Both clients are connected and have requested each other: from now on, data packets are forwarded.
void set_routes_online(Relay_Server &server, int client, std::uint8_t id, int other, std::uint8_t other_id) {
    Relay_Server_Route &route = client_at(server, client).routes[index_of(id)];
    Relay_Server_Route &other_route = client_at(server, other).routes[index_of(other_id)];
    route.peer_client = other;
    route.peer_route_id = other_id;
    other_route.peer_client = client;
    other_route.peer_route_id = id;
    send_id(server, client, Packet_Type::connect_notification, id);
    send_id(server, other, Packet_Type::connect_notification, other_id);
}

void handle_routing_request(Relay_Server &server, int client, const Public_Key &peer) {
    Relay_Server_Client &from = client_at(server, client);
    if (peer == from.key) {
        send_routing_response(server, client, 0, peer);
        return;
    }
    if (const auto known = from.routing_ids.find(peer); known != from.routing_ids.end()) {
        send_routing_response(server, client, known->second, peer);
        return;
    }
    const std::uint8_t id = new_routing_id(from);
    send_routing_response(server, client, id, peer);
    if (id == 0) {
        return;
    }
    from.routes[index_of(id)] = {true, peer, -1, 0};
    from.routing_ids.emplace(peer, id);

    const int other = relay_server_find(server, peer);
    if (other >= 0) {
        const auto &peer_requests = client_at(server, other).routing_ids;
        if (const auto request = peer_requests.find(from.key); request != peer_requests.end()) {
            set_routes_online(server, client, id, other, request->second);
        }
    }
}

/// Tells the peers of all dropped clients. This may drop more clients, which are added to the end of the list.
void tell_peers_of_dropped(Relay_Server &server) {
    for (std::size_t i = 0; i < server.unannounced.size(); ++i) {
        const int client = server.unannounced[i];
        for (std::size_t route = 0; route < client_at(server, client).routes.size(); ++route) {
            remove_route(server, client, id_of(route));
        }
    }
    server.unannounced.clear();
}

// ---- packets ---------------------------------------------------------------------------------------------------

void forward_data(Relay_Server &server, const Relay_Server_Client &from, const Packet &packet) {
    if (index_of(packet.id) >= from.routes.size()) {
        return;
    }
    const Relay_Server_Route &route = from.routes[index_of(packet.id)];
    if (route.peer_client >= 0) {
        Packet forwarded = packet;
        forwarded.id = route.peer_route_id;
        send(server, route.peer_client, forwarded);
    }
}

void forward_oob(Relay_Server &server, const Relay_Server_Client &from, const Packet &packet) {
    const int receiver = relay_server_find(server, key_at(packet.public_key));
    if (receiver >= 0) {
        Packet forwarded = packet;
        forwarded.type = Packet_Type::oob_recv;
        forwarded.public_key = from.key.data();
        send(server, receiver, forwarded);
    }
}

void handle_packet(Relay_Server &server, int client, const Packet &packet) {
    Relay_Server_Client &from = client_at(server, client);
    switch (packet.type) {
    case Packet_Type::routing_request:
        handle_routing_request(server, client, key_at(packet.public_key));
        break;
    case Packet_Type::disconnect_notification:
        remove_route(server, client, packet.id);
        break;
    case Packet_Type::ping:
        if (packet.ping_id != 0) { // there is no pong of id 0
            send_ping(server, client, Packet_Type::pong, packet.ping_id);
        }
        break;
    case Packet_Type::pong:
        if (packet.ping_id == from.ping_id) {
            from.ping_id = 0;
        }
        break;
    case Packet_Type::data:
        forward_data(server, from, packet);
        break;
    case Packet_Type::oob_send:
        forward_oob(server, from, packet);
        break;
    default: // onion and forwarding packets need a DHT; this relay has none
        break;
    }
}

/// The first packet of a connection was opened, which proves that the client has its secret key and is connected now.
/// Of two connections with the same key, the older is dropped: the client has abandoned it. That can be this
/// connection, if its first packet came late.
void confirm(Relay_Server &server, int client) {
    Relay_Server_Client &from = client_at(server, client);
    if (const int other = relay_server_find(server, from.key); other >= 0) {
        const bool is_older = from.started < client_at(server, other).started;
        drop(server, is_older ? client : other, Reason::end_of_stream);
        tell_peers_of_dropped(server);
        if (is_older) {
            return;
        }
    }
    from.phase = Phase::confirmed;
    server.confirmed.emplace(from.key, client);
}

void handle_frame(Relay_Server &server, int client, Mutable_Bytes sealed) {
    Relay_Server_Client &from = client_at(server, client);
    const Mutable_Bytes plain = open_sealed(from.channel, sealed);
    Packet packet;
    const Reason fault = plain.empty() ? Reason::bad_seal : decode_packet(Sender::client, plain, packet);
    if (fault != Reason::none) {
        drop(server, client, fault);
        return;
    }
    if (from.phase == Phase::unconfirmed) {
        confirm(server, client);
    }
    if (from.phase != Phase::confirmed) {
        return;
    }
    if (!server.faults.receive || server.faults.receive(client, from.key, packet)) {
        handle_packet(server, client, packet);
    }
}

void handle_handshake(Relay_Server &server, int client, std::uint64_t now) {
    Relay_Server_Client &from = client_at(server, client);
    if (server.faults.handshake && !server.faults.handshake(client)) {
        return;
    }
    const auto request = std::span<const std::uint8_t>{from.in}.first<HANDSHAKE_REQUEST_SIZE>();
    std::array<std::uint8_t, HANDSHAKE_RESPONSE_SIZE> response;
    if (!answer_handshake(server.def.random, server.def.secret_key, request, response, from.key, from.channel)) {
        drop(server, client, Reason::handshake_failed);
        return;
    }
    std::copy(response.begin(), response.end(), extend_queue(server, client, response.size()).begin());
    from.phase = Phase::unconfirmed;
    from.pinged = now;
}

/// Moves bytes to the client's buffer until it holds `size` bytes. True if it does.
bool collect(Relay_Server_Client &client, Bytes &bytes, std::size_t size) {
    const std::size_t count = std::min(size - std::min(size, client.in_size), bytes.size());
    std::copy_n(bytes.begin(), count, client.in.begin() + static_cast<std::ptrdiff_t>(client.in_size));
    client.in_size += count;
    bytes = bytes.subspan(count);
    return client.in_size >= size;
}

/// Takes one handshake request or frame from the bytes. False when it is not complete, or when the client was dropped.
bool handle_next(Relay_Server &server, int client, Bytes &bytes, std::uint64_t now) {
    Relay_Server_Client &from = client_at(server, client);
    if (from.phase == Phase::handshake) {
        if (!collect(from, bytes, HANDSHAKE_REQUEST_SIZE)) {
            return false;
        }
        from.in_size = 0;
        handle_handshake(server, client, now);
    } else {
        if (!collect(from, bytes, FRAME_HEADER_SIZE)) {
            return false;
        }
        const std::size_t length = frame_length(from.in.data());
        if (!frame_length_is_valid(length)) {
            drop(server, client, Reason::bad_frame_length);
            return false;
        }
        if (!collect(from, bytes, FRAME_HEADER_SIZE + length)) {
            return false;
        }
        from.in_size = 0;
        handle_frame(server, client, Mutable_Bytes{from.in}.subspan(FRAME_HEADER_SIZE, length));
    }
    return from.phase != Phase::dropped;
}

// ---- time ------------------------------------------------------------------------------------------------------

std::uint64_t client_deadline(const Relay_Server_Client &client) {
    switch (client.phase) {
    case Phase::handshake:
        return client.started + RELAY_SERVER_HANDSHAKE_TIMEOUT_MS;
    case Phase::unconfirmed: // pinged like a confirmed client; its pong confirms it
    case Phase::confirmed:
        return client.pinged + (client.ping_id != 0 ? RELAY_SERVER_PING_TIMEOUT_MS : RELAY_SERVER_PING_INTERVAL_MS);
    default:
        return UINT64_MAX;
    }
}

void ping(Relay_Server &server, int client, std::uint64_t now) {
    std::array<std::uint8_t, sizeof(std::uint64_t)> random;
    server.def.random.fill(server.def.random.object, random);
    std::uint64_t id;
    std::memcpy(&id, random.data(), sizeof id);
    id += id == 0; // a ping must not have the id 0

    client_at(server, client).ping_id = id;
    client_at(server, client).pinged = now;
    send_ping(server, client, Packet_Type::ping, id);
}

void tick(Relay_Server &server, int client, std::uint64_t now) {
    const Relay_Server_Client &due = client_at(server, client);
    if (now < client_deadline(due)) {
        return;
    }
    if (due.phase == Phase::handshake) {
        drop(server, client, Reason::connect_timeout);
    } else if (due.ping_id != 0) {
        drop(server, client, Reason::ping_timeout);
    } else {
        ping(server, client, now);
    }
}

} // namespace

// ---- the server ------------------------------------------------------------------------------------------------

void relay_server_start(Relay_Server &server, const Relay_Server_Def &def) {
    server = {};
    server.def = def;
    server.public_key = public_key_of(def.secret_key);
}

int relay_server_accept(Relay_Server &server, std::uint64_t now) {
    int client;
    if (!server.free.empty()) {
        client = server.free.back();
        server.free.pop_back();
    } else if (server.clients.size() < server.def.max_clients) {
        client = static_cast<int>(server.clients.size());
        server.clients.emplace_back();
    } else {
        return -1;
    }
    client_at(server, client).phase = Phase::handshake;
    client_at(server, client).started = now;
    server.deadline = std::min(server.deadline, client_deadline(client_at(server, client)));
    return client;
}

void relay_server_close(Relay_Server &server, int client) {
    if (!is_handle(server, client)) {
        return;
    }
    drop(server, client, Reason::end_of_stream);
    tell_peers_of_dropped(server);
    std::erase(server.changed, client);
    client_at(server, client) = {};
    server.free.push_back(client);
}

bool relay_server_receive(Relay_Server &server, int client, Bytes bytes, std::uint64_t now) {
    if (!is_handle(server, client) || client_at(server, client).phase == Phase::dropped) {
        return false;
    }
    while (!bytes.empty() && handle_next(server, client, bytes, now)) {
    }
    tell_peers_of_dropped(server);
    return client_at(server, client).phase != Phase::dropped;
}

Bytes relay_server_pending(const Relay_Server &server, int client) {
    return is_handle(server, client) ? Bytes{client_at(server, client).out}.subspan(client_at(server, client).out_begin)
                                     : Bytes{};
}

void relay_server_sent(Relay_Server &server, int client, std::size_t count) {
    if (!is_handle(server, client)) {
        return;
    }
    Relay_Server_Client &to = client_at(server, client);
    to.out_begin += std::min(count, queued_size(to));
    if (queued_size(to) == 0) {
        to.out.clear();
        to.out_begin = 0;
    }
}

int relay_server_changed(Relay_Server &server) {
    if (server.changed.empty()) {
        return -1;
    }
    const int client = server.changed.back();
    server.changed.pop_back();
    client_at(server, client).changed = false;
    return client;
}

bool relay_server_dropped(const Relay_Server &server, int client) {
    return is_handle(server, client) && client_at(server, client).phase == Phase::dropped;
}

void relay_server_tick(Relay_Server &server, std::uint64_t now) {
    if (now < server.deadline) {
        return;
    }
    server.deadline = UINT64_MAX;
    for (int client = 0; client < static_cast<int>(server.clients.size()); ++client) {
        tick(server, client, now);
        server.deadline = std::min(server.deadline, client_deadline(client_at(server, client)));
    }
    tell_peers_of_dropped(server);
}

std::uint64_t relay_server_deadline(const Relay_Server &server) {
    return server.deadline;
}

int relay_server_find(const Relay_Server &server, const Public_Key &key) {
    const auto found = server.confirmed.find(key);
    return found != server.confirmed.end() ? found->second : -1;
}

std::size_t relay_server_clients(const Relay_Server &server) {
    return server.confirmed.size();
}

void relay_server_drop(Relay_Server &server, int client, Reason reason) {
    if (is_handle(server, client)) {
        drop(server, client, reason);
        tell_peers_of_dropped(server);
    }
}

bool relay_server_inject(Relay_Server &server, int client, Bytes plain) {
    if (!is_handle(server, client) || !has_channel(client_at(server, client)) || plain.empty() ||
        plain.size() > MAX_PLAIN_SIZE) {
        return false;
    }
    const Mutable_Bytes frame = extend_queue(server, client, FRAME_OVERHEAD + plain.size());
    std::copy(plain.begin(), plain.end(), frame.begin() + FRAME_OVERHEAD);
    seal_frame(client_at(server, client).channel, frame);
    return true;
}

bool relay_server_inject_raw(Relay_Server &server, int client, Bytes bytes) {
    if (!is_handle(server, client) || client_at(server, client).phase == Phase::dropped) {
        return false;
    }
    const Mutable_Bytes added = extend_queue(server, client, bytes.size());
    std::copy(bytes.begin(), bytes.end(), added.begin());
    return true;
}

} // namespace toxtcp
