// Fuzz target: a relay that has answered the handshake and now sends anything. The input is a program of sealed
// packets, of other bytes, of cuts, of time, and of what the client's owner does.
#include "fuzz/client.h"

namespace toxtcp {

namespace {

/// Enough to fill the routing table and every queue.
constexpr int MAX_STEPS = 1'000;

struct Plain {
    std::array<std::uint8_t, MAX_PLAIN_SIZE> bytes{};
    std::size_t size = 0;

    void add(std::uint8_t byte) {
        if (size < bytes.size()) {
            bytes[size++] = byte;
        }
    }
    void add(Bytes more) {
        for (const std::uint8_t byte : more) {
            add(byte);
        }
    }
    /// The same byte `count` times.
    void pad(std::size_t count, std::uint8_t byte) {
        while (count-- > 0) {
            add(byte);
        }
    }
};

void send(Fuzz_Client &client, Plain plain) {
    fuzz_client_seal(client, Bytes{plain.bytes}.first(plain.size));
}

Public_Key some_key(Fuzz_Input &input) {
    Public_Key key{};
    key.front() = input.byte();
    return key;
}

std::uint8_t type(Packet_Type of) {
    return static_cast<std::uint8_t>(of);
}

/// A packet that is well-formed, or nearly.
void send_packet(Fuzz_Client &client, Fuzz_Input &input, std::uint8_t of) {
    Plain plain;
    plain.add(of);
    switch (static_cast<Packet_Type>(of)) {
    case Packet_Type::routing_response:
        plain.add(input.byte());
        plain.add(some_key(input));
        break;
    case Packet_Type::connect_notification:
    case Packet_Type::disconnect_notification:
        plain.add(input.byte());
        break;
    case Packet_Type::ping:
        plain.pad(8, input.byte());
        break;
    case Packet_Type::pong: {
        std::uint64_t id = client.ping_id ^ std::uint64_t{input.byte()} >> 6;
        for (int i = 0; i < 8; ++i, id >>= 8) {
            plain.add(static_cast<std::uint8_t>(id));
        }
        break;
    }
    case Packet_Type::oob_recv:
        plain.add(some_key(input));
        plain.pad(input.size(MAX_OOB_DATA_SIZE + 1), 'o');
        break;
    default:
        plain.pad(input.size(MAX_PLAIN_SIZE), 'd');
        break;
    }
    send(client, plain);
}

void send_raw(Fuzz_Client &client, Bytes bytes) {
    client.coming.insert(client.coming.end(), bytes.begin(), bytes.end());
}

void relay_does(Fuzz_Client &client, Fuzz_Input &input) {
    switch (input.below(8)) {
    case 0:
        send_packet(client, input, type(Packet_Type::routing_response));
        break;
    case 1:
        send_packet(client, input, static_cast<std::uint8_t>(type(Packet_Type::routing_response) + input.below(15)));
        break;
    case 2:
        send_packet(client, input, input.byte());
        break;
    case 3: { // a routing id is given, comes online, and carries data
        const std::uint8_t id = input.byte();
        Plain plain;
        plain.add(type(Packet_Type::routing_response));
        plain.add(id);
        plain.add(some_key(input));
        send(client, plain);
        send(client, {{type(Packet_Type::connect_notification), id}, 2});
        send(client, {{id, 'd'}, 2});
        break;
    }
    case 4: {
        Plain plain;
        plain.add(input.bytes(input.size(64)));
        send(client, plain);
        break;
    }
    case 5: { // the same packet for a range of ids
        const std::uint8_t of = input.byte();
        const std::size_t first = input.byte();
        const std::size_t count = input.byte();
        for (std::size_t id = first; id < std::min<std::size_t>(first + count, 256); ++id) {
            Plain plain;
            plain.add(of);
            plain.add(static_cast<std::uint8_t>(id));
            plain.pad(of == type(Packet_Type::routing_response) ? KEY_SIZE : 0, 'k');
            send(client, plain);
        }
        break;
    }
    case 6:
        send_raw(client, input.bytes(input.size(64)));
        break;
    case 7:
        if (!client.coming.empty()) { // a byte is changed on its way
            client.coming[input.word() % client.coming.size()] ^= input.byte();
        }
        break;
    }
}

void owner_does(Fuzz_Client &client, Fuzz_Input &input) {
    switch (input.below(8)) {
    case 0: {
        const bool asked = relay_request_route(client.relay, some_key(input));
        fuzz_check(!asked || relay_confirmed(client.relay), "routes are requested only after the handshake");
        break;
    }
    case 1:
        fuzz_client_leave(client, input.byte());
        break;
    case 2:
        fuzz_client_reference(client, input.byte(), input.word());
        break;
    case 3: {
        const std::uint8_t id = input.byte();
        const std::vector<std::uint8_t> data(input.size(MAX_PLAIN_SIZE), id);
        fuzz_client_send(client, id, data, input.flag() ? input.size(MAX_FRAME_SIZE) : MAX_FRAME_SIZE);
        break;
    }
    case 4:
        relay_ping(client.relay, client.now);
        break;
    case 5:
        relay_flush_control(client.relay);
        break;
    case 6:
        for (unsigned id = FIRST_ROUTING_ID; id < 256; ++id) {
            fuzz_client_leave(client, static_cast<std::uint8_t>(id));
        }
        break;
    case 7:
        if (input.byte() == 0xFF) {
            relay_end(client.relay, Reason::killed);
        }
        break;
    }
    fuzz_client_check(client);
}

void step(Fuzz_Client &client, Fuzz_Input &input) {
    const std::uint8_t choice = input.byte();
    switch (choice % 8) {
    case 0:
    case 1:
    case 2:
        relay_does(client, input);
        break;
    case 3:
        owner_does(client, input);
        break;
    case 4:
        fuzz_client_deliver(client, choice < 128 ? client.coming.size() : input.size(512), (choice & 16) != 0);
        break;
    case 5:
        fuzz_client_take(client, choice < 128 ? SIZE_MAX : input.size(512));
        break;
    case 6:
        fuzz_client_wait(client, input.byte());
        break;
    case 7:
        fuzz_client_wait(client, input.word());
        break;
    }
}

} // namespace

} // namespace toxtcp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    using namespace toxtcp;
    Fuzz_Input input{{data, size}};
    Fuzz_Client client;
    fuzz_client_confirmed(client);
    for (int steps = 0; steps < MAX_STEPS && !input.done(); ++steps) {
        step(client, input);
    }
    // Whatever was done, the relay can read the client's bytes, and silence ends the connection.
    fuzz_client_deliver(client, SIZE_MAX, true);
    fuzz_client_take(client, SIZE_MAX);
    fuzz_client_wait(client, PING_INTERVAL_MS);
    fuzz_client_take(client, SIZE_MAX);
    fuzz_client_wait(client, PING_TIMEOUT_MS);
    fuzz_check(client.ended, "a relay that has fallen silent is left");
    return 0;
}
