#include "sim/relay.h"

#include <array>

#include <toxtcp/echo.h>

namespace toxtcp {

namespace {

constexpr std::size_t READ_SIZE = 64 * 1024; // as tools/relay/server.h assumes
constexpr std::size_t READY_PORTION = 64;

void close_client(Sim_Relay &relay, int socket, bool reset = false) {
    const int handle = relay.handles[static_cast<std::size_t>(socket)];
    relay.handles[static_cast<std::size_t>(socket)] = -1;
    relay.unread = relay.unread == socket ? -1 : relay.unread;
    if (handle >= 0) {
        relay.sockets[static_cast<std::size_t>(handle)] = -1;
        relay_server_close(relay.server, handle);
    }
    sim_close(node_of(relay), socket, reset);
}

void flush_client(Sim_Relay &relay, int socket) {
    Sim_Node &node = node_of(relay);
    const int handle = relay.handles[static_cast<std::size_t>(socket)];
    for (;;) {
        const Bytes pending = relay_server_pending(relay.server, handle);
        if (pending.empty()) {
            break;
        }
        const std::ptrdiff_t sent = sim_send(node, socket, pending);
        if (sent == SOCKET_WOULD_BLOCK) {
            sim_watch(node, socket, static_cast<std::uint32_t>(socket), true);
            return;
        }
        if (sent < 0) {
            close_client(relay, socket);
            return;
        }
        relay_server_sent(relay.server, handle, static_cast<std::size_t>(sent));
    }
    sim_watch(node, socket, static_cast<std::uint32_t>(socket), false);
}

void accept_clients(Sim_Relay &relay) {
    Sim_Node &node = node_of(relay);
    for (int socket = sim_accept(node); socket >= 0; socket = sim_accept(node)) {
        const int handle = relay_server_accept(relay.server, relay.net->now);
        relay.handles.resize(std::max(relay.handles.size(), static_cast<std::size_t>(socket) + 1), -1);
        relay.handles[static_cast<std::size_t>(socket)] = handle;
        if (handle < 0) {
            close_client(relay, socket, true);
            continue;
        }
        relay.sockets.resize(std::max(relay.sockets.size(), static_cast<std::size_t>(handle) + 1), -1);
        relay.sockets[static_cast<std::size_t>(handle)] = socket;
    }
}

void read_client(Sim_Relay &relay, int socket) {
    if (socket == relay.unread) {
        return;
    }
    static thread_local std::array<std::uint8_t, READ_SIZE> buffer;
    Sim_Node &node = node_of(relay);
    for (;;) {
        const std::ptrdiff_t got = sim_receive(node, socket, buffer);
        if (got == SOCKET_WOULD_BLOCK) {
            return;
        }
        if (got <= 0) {
            close_client(relay, socket);
            return;
        }
        const int handle = relay.handles[static_cast<std::size_t>(socket)];
        if (!relay_server_receive(relay.server, handle, Bytes{buffer}.first(static_cast<std::size_t>(got)),
                                  relay.net->now)) {
            return; // the client is dropped, and `settle` closes it
        }
        if (node.rest != 0) {
            return; // a slow reader: one piece in each run
        }
    }
}

/// Notes why a client was dropped. To be gone, late or slow to read is no offence; every other reason is.
void note_end(Sim_Relay &relay, Reason reason) {
    const bool is_innocent = reason == Reason::end_of_stream || reason == Reason::connect_timeout ||
                             reason == Reason::ping_timeout || reason == Reason::reset;
    relay.offence = is_innocent ? relay.offence : reason;
}

void settle(Sim_Relay &relay) {
    for (const auto &[handle, id] : relay.lies) {
        const std::array plain{static_cast<std::uint8_t>(Packet_Type::connect_notification), id};
        (void)relay_server_inject(relay.server, handle, plain);
    }
    relay.lies.clear();
    for (int handle = relay_server_changed(relay.server); handle >= 0; handle = relay_server_changed(relay.server)) {
        const int socket = static_cast<std::size_t>(handle) < relay.sockets.size()
                               ? relay.sockets[static_cast<std::size_t>(handle)]
                               : -1;
        if (socket < 0) {
            continue;
        }
        if (relay_server_dropped(relay.server, handle)) {
            note_end(relay, relay.server.clients[static_cast<std::size_t>(handle)].reason);
            close_client(relay, socket);
        } else {
            flush_client(relay, socket);
        }
    }
}

void run_relay(void *object) {
    Sim_Relay &relay = *static_cast<Sim_Relay *>(object);
    Sim_Node &node = node_of(relay);
    accept_clients(relay);
    std::array<Ready, READY_PORTION> ready;
    const std::size_t count = sim_ready(node, ready);
    for (const Ready &one : std::span{ready}.first(count)) {
        const int socket = static_cast<int>(one.tag);
        if (one.readable) {
            read_client(relay, socket);
        }
        if (one.writable && relay.handles[static_cast<std::size_t>(socket)] >= 0) {
            flush_client(relay, socket);
        }
    }
    if (relay_server_deadline(relay.server) <= relay.net->now) {
        relay_server_tick(relay.server, relay.net->now);
    }
    settle(relay);
}

/// The key of the client that the packet is for, in `key`; null when it is for nobody.
const Public_Key *receiver_of(const Sim_Relay &relay, int client, const Packet &packet, Public_Key &key) {
    if (packet.type == Packet_Type::oob_send) {
        std::copy_n(packet.public_key, KEY_SIZE, key.begin());
        return &key;
    }
    const auto &routes = relay.server.clients[static_cast<std::size_t>(client)].routes;
    const std::size_t index = packet.id < FIRST_ROUTING_ID ? SIZE_MAX : packet.id - std::size_t{FIRST_ROUTING_ID};
    if (packet.type != Packet_Type::data || index >= routes.size() || !routes[index].used) {
        return nullptr;
    }
    key = routes[index].peer;
    return &key;
}

/// Client and relay count nonces by the same code. If the code counts wrongly, they still understand each other. So the
/// count is checked here.
void check_nonce(Sim_Relay &relay, std::size_t client) {
    const Nonce &nonce = relay.server.clients[client].channel.recv;
    relay.nonce_repeated = relay.nonce_repeated || nonce.bytes <= relay.nonces[client].bytes;
    relay.nonces[client] = nonce;
}

bool takes(Sim_Relay &relay, int client, const Public_Key &from, const Packet &packet) {
    check_nonce(relay, static_cast<std::size_t>(client));
    if (is_echo_request(packet.data) || is_echo_response(packet.data)) {
        ++relay.echoes;
    } else {
        ++relay.received[packet.type];
    }
    if (relay.seen) {
        relay.seen(from, packet);
    }
    if (packet.type != Packet_Type::data && packet.type != Packet_Type::oob_send) {
        return true;
    }
    Public_Key to{};
    const bool dropped = relay.drops_data || (relay.drop && receiver_of(relay, client, packet, to) != nullptr &&
                                              relay.drop(from, to, packet));
    relay.dropped += dropped ? 1 : 0;
    return !dropped;
}

void start_server(Sim_Relay &relay, const Relay_Server_Def &def) {
    relay_server_start(relay.server, def);
    relay.handles.clear();
    relay.sockets.clear();
    relay.lies.clear();
}

void settle_at_new_address(Sim_Relay &relay, Family family) {
    relay.address = sim_new_address(*relay.net, family);
    relay.node = sim_add_node(*relay.net, relay.address);
    Sim_Node &node = node_of(relay);
    node.object = &relay;
    node.run = run_relay;
    node.deadline = [](void *object) { return relay_server_deadline(static_cast<Sim_Relay *>(object)->server); };
}

} // namespace

void sim_relay_start(Sim_Relay &relay, Sim_Network &net, Family family, const Relay_Server_Def &def) {
    relay.net = &net;
    settle_at_new_address(relay, family);
    Sim_Node &node = node_of(relay);

    Relay_Server_Def own = def;
    sim_fill(node.random, own.secret_key.bytes);
    own.random = sim_random_source(node.random);
    relay.key = public_key_of(own.secret_key);
    start_server(relay, own);

    relay.server.faults.handshake = [&relay](int client) {
        relay.nonces.resize(relay.server.clients.size());
        relay.nonces[static_cast<std::size_t>(client)] = {};
        return !relay.never_answers_handshake;
    };
    relay.server.faults.receive = [&relay](int client, const Public_Key &key, const Packet &packet) {
        return takes(relay, client, key, packet);
    };
    relay.server.faults.send = [&relay](int client, const Public_Key &, const Packet &packet) {
        if (relay.lies_online && packet.type == Packet_Type::routing_response && packet.id >= FIRST_ROUTING_ID) {
            relay.lies.emplace_back(client, packet.id);
        }
        return true;
    };
}

void sim_relay_kill(Sim_Relay &relay, Sim_Ending ending) {
    sim_kill(*relay.net, relay.node, ending);
    const Relay_Server_Def def = relay.server.def;
    const Relay_Faults faults = relay.server.faults;
    start_server(relay, def);
    relay.server.faults = faults;
    sim_stop(*relay.net, relay.node, false); // a dead process is not a stopped one
}

void sim_relay_return(Sim_Relay &relay) {
    sim_return(*relay.net, relay.node);
}

void sim_relay_move(Sim_Relay &relay, Family family) {
    sim_relay_kill(relay, Sim_Ending::reset);
    Sim_Node &left = node_of(relay);
    left.run = nullptr;
    left.deadline = nullptr;
    settle_at_new_address(relay, family);
    node_of(relay).latency = left.latency;
}

bool sim_relay_inject(Sim_Relay &relay, const Public_Key &client, Bytes plain, std::size_t times) {
    const int handle = relay_server_find(relay.server, client);
    for (std::size_t i = 0; i < times; ++i) {
        if (handle < 0 || !relay_server_inject(relay.server, handle, plain)) {
            return false;
        }
    }
    settle(relay);
    return true;
}

bool sim_relay_inject_raw(Sim_Relay &relay, const Public_Key &client, Bytes bytes) {
    const int handle = relay_server_find(relay.server, client);
    if (handle < 0 || !relay_server_inject_raw(relay.server, handle, bytes)) {
        return false;
    }
    settle(relay);
    return true;
}

bool sim_relay_unread(Sim_Relay &relay, const Public_Key &client) {
    const int handle = relay_server_find(relay.server, client);
    relay.unread = handle < 0 ? -1 : relay.sockets[static_cast<std::size_t>(handle)];
    return handle >= 0;
}

bool sim_relay_drop(Sim_Relay &relay, const Public_Key &client, bool reset) {
    const int handle = relay_server_find(relay.server, client);
    if (handle < 0) {
        return false;
    }
    close_client(relay, relay.sockets[static_cast<std::size_t>(handle)], reset);
    settle(relay);
    return true;
}

} // namespace toxtcp
