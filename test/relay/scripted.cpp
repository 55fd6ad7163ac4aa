#include "relay/scripted.h"

#include <array>

#include <toxtcp/echo.h>

namespace toxtcp {

namespace {

Sim_Node &node_of(Scripted_Relay &relay) {
    return *relay.net->nodes[relay.node];
}

bool is_type(const Scripted_Packet &packet, Packet_Type type) {
    const auto first = static_cast<std::uint8_t>(packet.plain.front());
    const Bytes data{reinterpret_cast<const std::uint8_t *>(packet.plain.data()) + 1, packet.plain.size() - 1};
    if (is_echo_request(data) || is_echo_response(data)) {
        return false;
    }
    return type == Packet_Type::data ? first >= FIRST_ROUTING_ID : first == static_cast<std::uint8_t>(type);
}

void flush(Scripted_Relay &relay, Scripted_Client &client) {
    if (client.socket < 0) {
        client.out.clear();
        return;
    }
    while (!client.out.empty()) {
        const std::ptrdiff_t sent = sim_send(node_of(relay), client.socket, client.out);
        if (sent < 0) {
            break;
        }
        client.out.erase(client.out.begin(), client.out.begin() + sent);
    }
    sim_watch(node_of(relay), client.socket, static_cast<std::uint32_t>(client.socket), !client.out.empty());
}

void end_client(Scripted_Relay &relay, Scripted_Client &client, bool reset) {
    if (client.socket >= 0) {
        sim_close(node_of(relay), client.socket, reset);
        client.socket = -1;
    }
}

void send(Scripted_Client &client, Bytes plain) {
    std::vector<std::uint8_t> frame(FRAME_OVERHEAD + plain.size());
    std::copy(plain.begin(), plain.end(), frame.begin() + FRAME_OVERHEAD);
    seal_frame(client.channel, frame);
    client.out.insert(client.out.end(), frame.begin(), frame.end());
}

void take_handshake(Scripted_Relay &relay, Scripted_Client &client) {
    std::array<std::uint8_t, HANDSHAKE_REQUEST_SIZE> request;
    std::copy_n(client.in.begin(), request.size(), request.begin());
    client.in.erase(client.in.begin(), client.in.begin() + HANDSHAKE_REQUEST_SIZE);
    std::array<std::uint8_t, HANDSHAKE_RESPONSE_SIZE> response;
    if (!answer_handshake(sim_random_source(node_of(relay).random), relay.secret_key, request, response, client.key,
                          client.channel)) {
        relay.broken = true;
        return;
    }
    if (!relay.handshake_answer.empty()) {
        client.out.assign(relay.handshake_answer.begin(), relay.handshake_answer.end());
    } else if (relay.answers_handshake) {
        client.confirmed = true;
        client.out.insert(client.out.end(), response.begin(), response.end());
    }
}

void answer(const Scripted_Relay &relay, Scripted_Client &client, const Packet &packet) {
    if (packet.type == Packet_Type::routing_request && relay.answers_routes) {
        client.routes.emplace_back();
        std::copy_n(packet.public_key, KEY_SIZE, client.routes.back().begin());
        std::array<std::uint8_t, 2 + KEY_SIZE> plain{
            1, static_cast<std::uint8_t>(FIRST_ROUTING_ID + client.routes.size() - 1)};
        std::copy_n(packet.public_key, KEY_SIZE, plain.begin() + 2);
        send(client, plain);
    } else if (packet.type == Packet_Type::ping && relay.answers_pings) {
        Packet pong = packet;
        pong.type = Packet_Type::pong;
        std::array<std::uint8_t, 9> plain;
        send(client, Bytes{plain}.first(encode_packet(pong, plain)));
    }
}

/// Takes one frame. False when no frame is complete.
bool take_frame(Scripted_Relay &relay, Scripted_Client &client) {
    if (client.in.size() < FRAME_HEADER_SIZE) {
        return false;
    }
    const std::size_t length = frame_length(client.in.data());
    if (client.in.size() < FRAME_HEADER_SIZE + length) {
        return false;
    }
    const Mutable_Bytes plain =
        open_sealed(client.channel, Mutable_Bytes{client.in}.subspan(FRAME_HEADER_SIZE, length));
    Packet packet;
    if (plain.empty() || decode_packet(Sender::client, plain, packet) != Reason::none) {
        relay.broken = true;
    } else {
        relay.packets.push_back({relay.net->now, {plain.begin(), plain.end()}});
        answer(relay, client, packet);
    }
    client.in.erase(client.in.begin(), client.in.begin() + static_cast<std::ptrdiff_t>(FRAME_HEADER_SIZE + length));
    return true;
}

void read(Scripted_Relay &relay, Scripted_Client &client) {
    std::array<std::uint8_t, 16 * 1024> buffer;
    for (;;) {
        const std::ptrdiff_t got = sim_receive(node_of(relay), client.socket, buffer);
        if (got == SOCKET_WOULD_BLOCK) {
            break;
        }
        if (got <= 0) {
            end_client(relay, client, false);
            return;
        }
        client.in.insert(client.in.end(), buffer.begin(), buffer.begin() + got);
    }
    if (!client.confirmed && client.in.size() >= HANDSHAKE_REQUEST_SIZE) {
        take_handshake(relay, client);
    }
    while (client.confirmed && take_frame(relay, client)) {
    }
}

void run(void *object) {
    Scripted_Relay &relay = *static_cast<Scripted_Relay *>(object);
    Sim_Node &node = node_of(relay);
    for (int socket = sim_accept(node); socket >= 0; socket = sim_accept(node)) {
        relay.clients.emplace_back();
        relay.clients.back().socket = socket;
    }
    std::array<Ready, 64> ready;
    const std::size_t count = sim_ready(node, ready);
    for (const Ready &one : std::span{ready}.first(count)) {
        for (Scripted_Client &client : relay.clients) {
            if (client.socket == static_cast<int>(one.tag)) {
                if (one.readable) {
                    read(relay, client);
                }
                flush(relay, client);
                break;
            }
        }
    }
}

} // namespace

void scripted_start(Scripted_Relay &relay, Sim_Network &net, Family family) {
    relay.net = &net;
    relay.address = sim_new_address(net, family);
    relay.node = sim_add_node(net, relay.address);
    Sim_Node &node = node_of(relay);
    node.object = &relay;
    node.run = run;
    sim_fill(node.random, relay.secret_key.bytes);
    relay.key = public_key_of(relay.secret_key);
}

void scripted_send(Scripted_Relay &relay, Bytes plain) {
    send(relay.clients.back(), plain);
    flush(relay, relay.clients.back());
}

void scripted_send_raw(Scripted_Relay &relay, Bytes bytes) {
    Scripted_Client &client = relay.clients.back();
    client.out.insert(client.out.end(), bytes.begin(), bytes.end());
    flush(relay, client);
}

void scripted_close(Scripted_Relay &relay, bool reset) {
    end_client(relay, relay.clients.back(), reset);
}

std::size_t scripted_count(const Scripted_Relay &relay, Packet_Type type) {
    return static_cast<std::size_t>(std::count_if(relay.packets.begin(), relay.packets.end(),
                                                  [&](const Scripted_Packet &one) { return is_type(one, type); }));
}

std::string scripted_packet(const Scripted_Relay &relay, Packet_Type type, std::size_t n) {
    for (const Scripted_Packet &packet : relay.packets) {
        if (is_type(packet, type) && n-- == 0) {
            return packet.plain;
        }
    }
    return {};
}

} // namespace toxtcp
