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

Relay_Server_Client &at(Relay_Server &server, int client) {
    return server.clients[static_cast<std::size_t>(client)];
}

const Relay_Server_Client &at(const Relay_Server &server, int client) {
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

void note_change(Relay_Server &server, int client) {
    if (!at(server, client).changed) {
        at(server, client).changed = true;
        server.changed.push_back(client);
    }
}

std::size_t queued(const Relay_Server_Client &client) {
    return client.out.size() - client.out_begin;
}

/// Makes room for `size` bytes at the end of the client's queue.
Mutable_Bytes extend_queue(Relay_Server &server, int client, std::size_t size) {
    Relay_Server_Client &to = at(server, client);
    note_change(server, client);
    if (to.out_begin > queued(to)) {
        // More than half of it has been sent, so moving the rest costs less than sending it did.
        to.out.erase(to.out.begin(), to.out.begin() + static_cast<std::ptrdiff_t>(to.out_begin));
        to.out_begin = 0;
    }
    to.out.resize(to.out.size() + size);
    return Mutable_Bytes{to.out}.last(size);
}

/// Removes the client from the server at once. `settle` later tells the client's peers: done here, that could overflow
/// a peer's queue, and so drop the peer in turn.
void drop(Relay_Server &server, int client, Reason reason) {
    Relay_Server_Client &from = at(server, client);
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
    note_change(server, client);
    server.leaving.push_back(client);
}

void send(Relay_Server &server, int client, const Packet &packet) {
    Relay_Server_Client &to = at(server, client);
    if (!has_channel(to) || (server.faults.send && !server.faults.send(client, to.key, packet))) {
        return;
    }
    const bool may_be_lost = packet.type == Packet_Type::data || packet.type == Packet_Type::oob_recv;
    if (may_be_lost && queued(to) > server.def.data_queue) {
        return;
    }
    if (queued(to) > server.def.queue) {
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

/// The peer is gone, or has ended the route on its side. The client is told, and its request for the peer stays.
void take_offline(Relay_Server &server, int client, std::uint8_t id) {
    at(server, client).routes[index_of(id)].other = -1;
    send_id(server, client, Packet_Type::disconnect_notification, id);
}

void leave_route(Relay_Server &server, int client, std::uint8_t id) {
    Relay_Server_Client &from = at(server, client);
    if (index_of(id) >= from.routes.size() || !from.routes[index_of(id)].used) {
        return;
    }
    Relay_Server_Route &route = from.routes[index_of(id)];
    if (route.other >= 0) {
        take_offline(server, route.other, route.other_id);
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

/// Both clients are connected and have requested each other: packets go through from now on.
void bring_online(Relay_Server &server, int client, std::uint8_t id, int other, std::uint8_t other_id) {
    Relay_Server_Route &route = at(server, client).routes[index_of(id)];
    Relay_Server_Route &other_route = at(server, other).routes[index_of(other_id)];
    route.other = other;
    route.other_id = other_id;
    other_route.other = client;
    other_route.other_id = id;
    send_id(server, client, Packet_Type::connect_notification, id);
    send_id(server, other, Packet_Type::connect_notification, other_id);
}

void take_routing_request(Relay_Server &server, int client, const Public_Key &peer) {
    Relay_Server_Client &from = at(server, client);
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
        const auto &asked_for = at(server, other).routing_ids;
        if (const auto ours = asked_for.find(from.key); ours != asked_for.end()) {
            bring_online(server, client, id, other, ours->second);
        }
    }
}

/// Tells the peers of all dropped clients. This may drop more clients, which are added to the end of the list.
void settle(Relay_Server &server) {
    for (std::size_t i = 0; i < server.leaving.size(); ++i) {
        const int client = server.leaving[i];
        for (std::size_t route = 0; route < at(server, client).routes.size(); ++route) {
            leave_route(server, client, id_of(route));
        }
    }
    server.leaving.clear();
}

// ---- packets ---------------------------------------------------------------------------------------------------

void forward_data(Relay_Server &server, const Relay_Server_Client &from, const Packet &packet) {
    if (index_of(packet.id) >= from.routes.size()) {
        return;
    }
    const Relay_Server_Route &route = from.routes[index_of(packet.id)];
    if (route.other >= 0) {
        Packet forwarded = packet;
        forwarded.id = route.other_id;
        send(server, route.other, forwarded);
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

void take_packet(Relay_Server &server, int client, const Packet &packet) {
    Relay_Server_Client &from = at(server, client);
    switch (packet.type) {
    case Packet_Type::routing_request:
        take_routing_request(server, client, key_at(packet.public_key));
        break;
    case Packet_Type::disconnect_notification:
        leave_route(server, client, packet.id);
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
    default: // onion and forwarding need a DHT, which this relay has not
        break;
    }
}

/// A packet has opened, which proves that the client has its secret key and is connected now. If another connection has
/// the same key, the client has given up the older of the two, which is dropped. The older one can be this one, if its
/// first packet came late.
void confirm(Relay_Server &server, int client) {
    Relay_Server_Client &from = at(server, client);
    if (const int other = relay_server_find(server, from.key); other >= 0) {
        const bool late = from.started < at(server, other).started;
        drop(server, late ? client : other, Reason::end_of_stream);
        settle(server);
        if (late) {
            return;
        }
    }
    from.phase = Phase::confirmed;
    server.confirmed.emplace(from.key, client);
}

void take_sealed(Relay_Server &server, int client, Mutable_Bytes sealed) {
    Relay_Server_Client &from = at(server, client);
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
        take_packet(server, client, packet);
    }
}

void take_handshake(Relay_Server &server, int client, std::uint64_t now) {
    Relay_Server_Client &from = at(server, client);
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
bool take_next(Relay_Server &server, int client, Bytes &bytes, std::uint64_t now) {
    Relay_Server_Client &from = at(server, client);
    if (from.phase == Phase::handshake) {
        if (!collect(from, bytes, HANDSHAKE_REQUEST_SIZE)) {
            return false;
        }
        from.in_size = 0;
        take_handshake(server, client, now);
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
        take_sealed(server, client, Mutable_Bytes{from.in}.subspan(FRAME_HEADER_SIZE, length));
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

    at(server, client).ping_id = id;
    at(server, client).pinged = now;
    send_ping(server, client, Packet_Type::ping, id);
}

void tick(Relay_Server &server, int client, std::uint64_t now) {
    const Relay_Server_Client &due = at(server, client);
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
    at(server, client).phase = Phase::handshake;
    at(server, client).started = now;
    server.deadline = std::min(server.deadline, client_deadline(at(server, client)));
    return client;
}

void relay_server_close(Relay_Server &server, int client) {
    if (!is_handle(server, client)) {
        return;
    }
    drop(server, client, Reason::end_of_stream);
    settle(server);
    std::erase(server.changed, client);
    at(server, client) = {};
    server.free.push_back(client);
}

bool relay_server_receive(Relay_Server &server, int client, Bytes bytes, std::uint64_t now) {
    if (!is_handle(server, client) || at(server, client).phase == Phase::dropped) {
        return false;
    }
    while (!bytes.empty() && take_next(server, client, bytes, now)) {
    }
    settle(server);
    return at(server, client).phase != Phase::dropped;
}

Bytes relay_server_pending(const Relay_Server &server, int client) {
    return is_handle(server, client) ? Bytes{at(server, client).out}.subspan(at(server, client).out_begin) : Bytes{};
}

void relay_server_sent(Relay_Server &server, int client, std::size_t count) {
    if (!is_handle(server, client)) {
        return;
    }
    Relay_Server_Client &to = at(server, client);
    to.out_begin += std::min(count, queued(to));
    if (queued(to) == 0) {
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
    at(server, client).changed = false;
    return client;
}

bool relay_server_dropped(const Relay_Server &server, int client) {
    return is_handle(server, client) && at(server, client).phase == Phase::dropped;
}

void relay_server_tick(Relay_Server &server, std::uint64_t now) {
    if (now < server.deadline) {
        return;
    }
    server.deadline = UINT64_MAX;
    for (int client = 0; client < static_cast<int>(server.clients.size()); ++client) {
        tick(server, client, now);
        server.deadline = std::min(server.deadline, client_deadline(at(server, client)));
    }
    settle(server);
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
        settle(server);
    }
}

bool relay_server_inject(Relay_Server &server, int client, Bytes plain) {
    if (!is_handle(server, client) || !has_channel(at(server, client)) || plain.empty() ||
        plain.size() > MAX_PLAIN_SIZE) {
        return false;
    }
    const Mutable_Bytes frame = extend_queue(server, client, FRAME_OVERHEAD + plain.size());
    std::copy(plain.begin(), plain.end(), frame.begin() + FRAME_OVERHEAD);
    seal_frame(at(server, client).channel, frame);
    return true;
}

bool relay_server_inject_raw(Relay_Server &server, int client, Bytes bytes) {
    if (!is_handle(server, client) || at(server, client).phase == Phase::dropped) {
        return false;
    }
    const Mutable_Bytes room = extend_queue(server, client, bytes.size());
    std::copy(bytes.begin(), bytes.end(), room.begin());
    return true;
}

} // namespace toxtcp
