// TCP_connection.h through the archive. The tests marked [original] are run with toxcore's own code as well, which
// shows that they ask for what toxcore does.
#include "abi_world.h"

using namespace toxtcp;

TEST_CASE("the own public key belongs to the secret key", "[original]") {
    Abi_World world;
    Abi_Peer &a = world.add_peer();
    CHECK(std::equal(a.key.begin(), a.key.end(), ::tcp_connections_public_key(a.c)));
}

TEST_CASE("connections are numbered from 0, and a peer has one", "[original]") {
    Abi_World world;
    Abi_Peer &a = world.add_peer();
    const Public_Key first = some_key(world);
    const Public_Key second = some_key(world);
    CHECK(::new_tcp_connection_to(a.c, first.data(), 5) == 0);
    CHECK(::new_tcp_connection_to(a.c, first.data(), 6) == -1);
    CHECK(::new_tcp_connection_to(a.c, second.data(), 7) == 1);
    CHECK(::kill_tcp_connection_to(a.c, 0) == 0);
    CHECK(::kill_tcp_connection_to(a.c, 0) == -1);
    CHECK(::kill_tcp_connection_to(a.c, -1) == -1);
    CHECK(::kill_tcp_connection_to(a.c, 99) == -1);
    CHECK(::new_tcp_connection_to(a.c, first.data(), 5) >= 0);
}

TEST_CASE("a null key is refused, as a pointer and as bytes") {
    Abi_World world;
    Abi_Peer &a = world.add_peer();
    Sim_Relay &relay = world.add_relay();
    const IP_Port address = abi_address(relay.address);
    REQUIRE(::new_tcp_connection_to(a.c, some_key(world).data(), 5) == 0);
    const std::uint8_t text[] = "text";
    const Public_Key null{};
    for (const std::uint8_t *const key : {static_cast<const std::uint8_t *>(nullptr), null.data()}) {
        CHECK(::new_tcp_connection_to(a.c, key, 5) == -1);
        CHECK(::add_tcp_relay_connection(a.c, 0, &address, key) == -1);
        CHECK(::add_tcp_relay_global(a.c, &address, key) == -1);
        CHECK(::tcp_send_oob_packet(a.c, 0, key, text, sizeof(text)) == -1);
        CHECK(::tcp_send_oob_packet_using_relay(a.c, key, key, text, sizeof(text)) == -1);
    }
    CHECK(::tcp_connections_count(a.c) == 0);
}

TEST_CASE("setting the status that a connection already has is refused", "[original]") {
    Abi_World world;
    Abi_Peer &a = world.add_peer();
    REQUIRE(::new_tcp_connection_to(a.c, some_key(world).data(), 5) == 0);
    CHECK(::set_tcp_connection_to_status(a.c, 0, true) == -1);
    CHECK(::set_tcp_connection_to_status(a.c, 0, false) == 0);
    CHECK(::set_tcp_connection_to_status(a.c, 0, false) == -1);
    CHECK(::set_tcp_connection_to_status(a.c, 0, true) == 0);
    CHECK(::set_tcp_connection_to_status(a.c, 1, true) == -1);
    CHECK(::tcp_connection_to_online_tcp_relays(a.c, 0) == 0);
    CHECK(::tcp_connection_to_online_tcp_relays(a.c, 1) == 0);
}

TEST_CASE("a relay is added once, by an address of the IPv4 and IPv6 families or of their TCP variants", "[original]") {
    Abi_World world;
    Abi_Peer &a = world.add_peer();
    Sim_Relay &first = world.add_relay();
    Sim_Relay &second = world.add_relay();
    Sim_Relay &third = world.add_relay(toxtcp::Family::ipv6);
    CHECK(::tcp_connections_count(a.c) == 0);
    CHECK(hold(a, first) == 0);
    CHECK(hold(a, first) == -1);
    IP_Port address = abi_address(second.address);
    address.ip.family.value = 12;
    CHECK(::add_tcp_relay_global(a.c, &address, second.key.data()) == 0);
    address = abi_address(third.address);
    address.ip.family.value = 13;
    CHECK(::add_tcp_relay_global(a.c, &address, third.key.data()) == 0);
    for (const std::uint8_t family : std::vector<std::uint8_t>{0, 11, 14, 255}) {
        address.ip.family.value = family;
        CHECK(::add_tcp_relay_global(a.c, &address, some_key(world).data()) == -1);
    }
    CHECK(::tcp_connections_count(a.c) == 3);
    CHECK(::tcp_connected_relays_count(a.c) == 0);
    CHECK(world.until(2'000, [&] { return ::tcp_connected_relays_count(a.c) == 3; }));
#if TOXTCP_TOXCORE_GENERATION >= 220
    CHECK(::tcp_relay_is_valid(a.c, first.key.data()));
    CHECK_FALSE(::tcp_relay_is_valid(a.c, some_key(world).data()));
#endif
    CHECK(::kill_tcp_relay_connection(a.c, 1) == 0);
    CHECK(::kill_tcp_relay_connection(a.c, 1) == -1);
    CHECK(::kill_tcp_relay_connection(a.c, 3) == -1);
    CHECK(::kill_tcp_relay_connection(a.c, -1) == -1);
    CHECK(::tcp_connections_count(a.c) == 3);
    CHECK(::tcp_connected_relays_count(a.c) == 2);
    CHECK(hold(a, second) == 0);
}

TEST_CASE("a relay is tied to a connection once, and six at most", "[original]") {
    Abi_World world;
    Abi_Peer &a = world.add_peer();
    const int connection = ::new_tcp_connection_to(a.c, some_key(world).data(), 5);
    REQUIRE(hold(a, world.add_relay()) == 0);
    CHECK(tie(a, connection, world.relays[0]) == 0);
    CHECK(tie(a, connection, world.relays[0]) == -1);
    CHECK(::add_tcp_number_relay_connection(a.c, connection, 0) == -1);
    CHECK(tie(a, 99, world.relays[0]) == -1);
    CHECK(::add_tcp_number_relay_connection(a.c, connection, 1) == -1);
    CHECK(::add_tcp_number_relay_connection(a.c, connection, UINT_MAX) == -1);
    REQUIRE(hold(a, world.add_relay()) == 0);
    CHECK(::add_tcp_number_relay_connection(a.c, 99, 1) == -1);
    CHECK(::add_tcp_number_relay_connection(a.c, connection, 1) == 0);
    for (int i = 2; i < 6; ++i) {
        CHECK(tie(a, connection, world.add_relay()) == 0);
    }
    CHECK(tie(a, connection, world.add_relay()) == -1);
}

TEST_CASE("a relay that is away and is named at another address is connected there") {
    Abi_World world;
    Abi_Peer &a = world.add_peer();
    Sim_Relay &relay = world.add_relay();
    const bool tied = GENERATE(true, false);
    const int connection = ::new_tcp_connection_to(a.c, some_key(world).data(), 5);
    REQUIRE((tied ? tie(a, connection, relay) : hold(a, relay)) == 0);
    CHECK(world.until(2'000, [&] { return ::tcp_connected_relays_count(a.c) == 1; }));
    sim_relay_move(relay);
    CHECK(world.until(2'000, [&] { return ::tcp_connected_relays_count(a.c) == 0; }));
    sim_advance(world.net, 60'000);
    (void)(tied ? tie(a, connection, relay) : hold(a, relay)); // it is known, so this fails, as in toxcore
    CHECK(world.until(3'000, [&] { return ::tcp_connected_relays_count(a.c) == 1; }));
}

TEST_CASE("no new relay is tied while the peer is online at three", "[original]") {
    Abi_Two_Peers f{3};
    Sim_Relay &fourth = f.world.add_relay();
    CHECK(tie(f.a, f.a_to_b, fourth) == -1);
    CHECK(hold(f.a, fourth) == 0);
    CHECK(tie(f.a, f.a_to_b, fourth) == 0);
}

TEST_CASE("data comes with the host's id and the tick's userdata", "[original]") {
    Abi_Two_Peers f{2};
    CHECK(send(f.a, f.a_to_b, "hello b") == 0);
    CHECK(send(f.b, f.b_to_a, "hello a") == 0);
    CHECK(send(f.a, 99, "nobody") == -1);
    CHECK(send(f.a, f.a_to_b, std::string(3'000, 'x')) == -1);
    f.world.pass(500);
    REQUIRE(f.a.data.size() == 1);
    REQUIRE(f.b.data.size() == 1);
    CHECK(f.a.data[0].id == f.ID_AT_A);
    CHECK(f.a.data[0].bytes == "hello a");
    CHECK(f.a.data[0].userdata == &f.a);
    CHECK(f.b.data[0].id == f.ID_AT_B);
    CHECK(f.b.data[0].bytes == "hello b");
    ::set_packet_tcp_connection_callback(f.b.c, nullptr, nullptr);
    CHECK(send(f.a, f.a_to_b, "unheard") == 0);
    f.world.pass(500);
    CHECK(f.b.data.size() == 1);
}

TEST_CASE("nothing is sent while no relay is connected", "[original]") {
    Abi_World world;
    Abi_Peer &a = world.add_peer();
    const Public_Key key = some_key(world);
    const int connection = ::new_tcp_connection_to(a.c, key.data(), 5);
    CHECK(send(a, connection, "nowhere") == -1);
    CHECK(tie(a, connection, world.add_relay()) == 0);
    CHECK(send(a, connection, "not yet") == -1);
    CHECK(::tcp_send_oob_packet(a.c, 0, key.data(), bytes_of("x"), 1) == -1);
}

TEST_CASE("a peer without a connection to us gets OOB packets, and can make one over their relay", "[original]") {
    Abi_World world;
    Abi_Peer &a = world.add_peer();
    Abi_Peer &b = world.add_peer();
    Sim_Relay &relay = world.add_relay();
    const int a_to_b = ::new_tcp_connection_to(a.c, b.key.data(), 10);
    REQUIRE(tie(a, a_to_b, relay) == 0);
    REQUIRE(hold(b, relay) == 0);
    REQUIRE(world.until(5'000, [&] { return send(a, a_to_b, "who is there") == 0 && !b.oob.empty(); }));
    CHECK(b.oob[0].sender == a.key);
    CHECK(b.oob[0].bytes == "who is there");
    CHECK(b.oob[0].userdata == &b);
    REQUIRE(b.oob[0].relay == 0);
    CHECK(b.data.empty());

    const int b_to_a = ::new_tcp_connection_to(b.c, a.key.data(), 20);
    CHECK(::add_tcp_number_relay_connection(b.c, b_to_a, static_cast<unsigned int>(b.oob[0].relay)) == 0);
    CHECK(world.until(5'000, [&] {
        return ::tcp_connection_to_online_tcp_relays(a.c, a_to_b) == 1 &&
               ::tcp_connection_to_online_tcp_relays(b.c, b_to_a) == 1;
    }));
    // Over a relay that is tied to the connection, an out-of-band packet is delivered as data.
    CHECK(::tcp_send_oob_packet_using_relay(a.c, relay.key.data(), b.key.data(), bytes_of("aside"), 5) == 0);
    CHECK(world.until(1'000, [&] { return heard(b.data, "aside"); }));
}

TEST_CASE("out-of-band packets are sent by a relay's number or key", "[original]") {
    Abi_World world;
    Abi_Peer &a = world.add_peer();
    Abi_Peer &b = world.add_peer();
    Sim_Relay &relay = world.add_relay();
    REQUIRE(hold(a, relay) == 0);
    REQUIRE(hold(b, relay) == 0);
    // A relay accepts a client once it has had a packet from it.
    world.pass(1'000);
    const std::string longest(1'024, 'o');
    CHECK(::tcp_send_oob_packet(a.c, 0, b.key.data(), bytes_of(longest), size_of(longest)) == 0);
    CHECK(::tcp_send_oob_packet_using_relay(a.c, relay.key.data(), b.key.data(), bytes_of("short"), 5) == 0);
    CHECK(::tcp_send_oob_packet(a.c, 0, b.key.data(), bytes_of(longest), 0) == -1);
    CHECK(::tcp_send_oob_packet(a.c, 0, b.key.data(), bytes_of(longest + "o"), 1'025) == -1);
    CHECK(::tcp_send_oob_packet(a.c, 1, b.key.data(), bytes_of("short"), 5) == -1);
    CHECK(::tcp_send_oob_packet(a.c, UINT_MAX, b.key.data(), bytes_of("short"), 5) == -1);
    CHECK(::tcp_send_oob_packet_using_relay(a.c, some_key(world).data(), b.key.data(), bytes_of("short"), 5) == -1);
    world.pass(500);
    REQUIRE(b.oob.size() == 2);
    CHECK(b.oob[0].bytes == longest);
    CHECK(b.oob[1].bytes == "short");
}

TEST_CASE("onion packets are sent over relays that are kept for them", "[original]") {
    Abi_World world;
    Abi_Peer &a = world.add_peer();
    Scripted_Relay &relay = world.add_scripted();
    CHECK(::set_tcp_onion_status(a.c, false) == -1);
    CHECK(::set_tcp_onion_status(a.c, true) == 0);
    CHECK(::set_tcp_onion_status(a.c, true) == -1);
    CHECK(::get_random_tcp_onion_conn_number(a.c) == -1);
    REQUIRE(hold(a, relay) == 0);
    REQUIRE(world.until(2'000, [&] { return ::get_random_tcp_onion_conn_number(a.c) == 0; }));
    CHECK(::tcp_send_onion_request(a.c, 0, bytes_of("nonce and payload"), 17) == 0);
    CHECK(::tcp_send_onion_request(a.c, 1, bytes_of("nonce and payload"), 17) == -1);
    CHECK(::tcp_send_onion_request(a.c, UINT_MAX, bytes_of("nonce and payload"), 17) == -1);
    world.pass(500);
    REQUIRE(scripted_count(relay, Packet_Type::onion_request) == 1);
    CHECK(scripted_packet(relay, Packet_Type::onion_request, 0) == "\10nonce and payload");
    const std::string response = "\11the answer";
    scripted_send(relay, Bytes{bytes_of(response), response.size()});
    world.pass(500);
    REQUIRE(a.onion.size() == 1);
    CHECK(a.onion[0].bytes == "the answer");
    CHECK(a.onion[0].userdata == &a);
    CHECK(::set_tcp_onion_status(a.c, false) == 0);
    CHECK(::get_random_tcp_onion_conn_number(a.c) == -1);
}

namespace {

/// Sends a request through `forwarder` to 192.0.2.7:33445. `keys`: the chain, one key after the other.
int forward(Abi_Peer &peer, const IP_Port &forwarder, const std::vector<std::uint8_t> &keys) {
    const IP_Port to = abi_address({.family = toxtcp::Family::ipv4, .ip = {192, 0, 2, 7}, .port = 33'445});
    return ::tcp_send_forward_request(&peer.logger, peer.c, &forwarder, &to, keys.data(),
                                      static_cast<std::uint16_t>(keys.size() / KEY_SIZE), bytes_of("data"), 4);
}

/// The beginning of such a packet: its type, and the address with family and port.
const std::string forward_head("\12\2\300\0\2\7\202\245", 8);

} // namespace

TEST_CASE("a forward request is sent by a relay's address, with a chain of keys or without", "[original]") {
    Abi_World world;
    Abi_Peer &a = world.add_peer();
    Scripted_Relay &relay = world.add_scripted();
    const IP_Port address = abi_address(relay.address);
    CHECK(forward(a, address, {}) == -1);
    REQUIRE(hold(a, relay) == 0);
    CHECK(forward(a, address, {}) == -1);
    world.pass(1'000);
    CHECK(forward(a, address, {}) == 0);
    CHECK(forward(a, address, std::vector<std::uint8_t>(2 * KEY_SIZE, 'k')) == 0);
    CHECK(forward(a, address, std::vector<std::uint8_t>(5 * KEY_SIZE, 'k')) == -1);
    CHECK(forward(a, abi_address(world.add_relay().address), {}) == -1);
    world.pass(500);
    REQUIRE(scripted_count(relay, Packet_Type::forward_request) == 2);
    const std::string hop = "\220" + std::string(KEY_SIZE, 'k');
    CHECK(scripted_packet(relay, Packet_Type::forward_request, 0) == forward_head + "data");
    CHECK(scripted_packet(relay, Packet_Type::forward_request, 1) == forward_head + hop + hop + "data");

    const std::string forwarded = "\13from afar";
    scripted_send(relay, Bytes{bytes_of(forwarded), forwarded.size()});
    world.pass(500);
    REQUIRE(a.forwarding.size() == 1);
    CHECK(a.forwarding[0].bytes == "from afar");
    CHECK(a.forwarding[0].userdata == &a);
}

TEST_CASE("a forward request is sent by a relay's number, too") {
    Abi_World world;
    Abi_Peer &a = world.add_peer();
    Scripted_Relay &relay = world.add_scripted();
    REQUIRE(hold(a, relay) == 0);
    world.pass(1'000);
    CHECK(forward(a, ::tcp_connections_number_to_ip_port(0), {}) == 0);
    CHECK(forward(a, ::tcp_connections_number_to_ip_port(1), {}) == -1);
    CHECK(forward(a, ::tcp_connections_number_to_ip_port(UINT_MAX), {}) == -1);
    world.pass(500);
    CHECK(scripted_packet(relay, Packet_Type::forward_request, 0) == forward_head + "data");
}

TEST_CASE("a relay's number can be stored in an IP_Port and read back", "[original]") {
    for (const unsigned int number : {0U, 1U, 0x00100002U, UINT_MAX}) {
        const IP_Port address = ::tcp_connections_number_to_ip_port(number);
        CHECK(address.ip.family.value == 14);
        unsigned int back = 77;
        CHECK(::ip_port_to_tcp_connections_number(&address, &back));
        CHECK(back == number);
    }
    IP_Port address = ::tcp_connections_number_to_ip_port(1);
    address.ip.family.value = 2;
    unsigned int back = 0;
    CHECK_FALSE(::ip_port_to_tcp_connections_number(&address, &back));
}

TEST_CASE("connected relays are copied in the array's order, with the TCP address families", "[original]") {
    Abi_World world;
    Abi_Peer &a = world.add_peer();
    std::array<Node_format, 4> nodes{};
    CHECK(::tcp_copy_connected_relays(a.c, nodes.data(), 4) == 0);
    CHECK(::tcp_copy_connected_relays_index(a.c, nodes.data(), 4, 1) == 0);
    REQUIRE(hold(a, world.add_relay()) == 0);
    REQUIRE(hold(a, world.add_relay(toxtcp::Family::ipv6)) == 0);
    REQUIRE(hold(a, world.add_relay()) == 0);
    CHECK(::tcp_copy_connected_relays(a.c, nodes.data(), 4) == 0);
    REQUIRE(world.until(2'000, [&] { return ::tcp_connected_relays_count(a.c) == 3; }));
    const auto is = [](const Node_format &node, const Sim_Relay &relay) {
        IP_Port expected = abi_address(relay.address);
        expected.ip.family.value = relay.address.family == toxtcp::Family::ipv6 ? 13 : 12;
        const std::size_t size = relay.address.family == toxtcp::Family::ipv6 ? 16 : 4;
        return std::equal(relay.key.begin(), relay.key.end(), node.public_key) &&
               node.ip_port.ip.family.value == expected.ip.family.value && node.ip_port.port == expected.port &&
               std::equal(node.ip_port.ip.ip.v6.uint8, node.ip_port.ip.ip.v6.uint8 + size, expected.ip.ip.v6.uint8);
    };
    CHECK(::tcp_copy_connected_relays(a.c, nodes.data(), 4) == 3);
    CHECK(::tcp_copy_connected_relays(a.c, nodes.data(), 2) == 2);
    CHECK(::tcp_copy_connected_relays(a.c, nodes.data(), 0) == 0);
    REQUIRE(::tcp_copy_connected_relays_index(a.c, nodes.data(), 2, 5) == 2);
    CHECK(is(nodes[0], world.relays[2]));
    CHECK(is(nodes[1], world.relays[0]));
    REQUIRE(::tcp_copy_connected_relays_index(a.c, nodes.data(), 1, 0) == 1);
    CHECK(is(nodes[0], world.relays[0]));
}

TEST_CASE("a random relay's address is that of a relay for onion packets, with a socket's family", "[original]") {
    Abi_World world;
    Abi_Peer &a = world.add_peer();
    IP_Port address{};
    REQUIRE(hold(a, world.add_relay()) == 0);
    world.pass(1'000);
    REQUIRE(::tcp_connected_relays_count(a.c) == 1);
    CHECK_FALSE(::tcp_get_random_conn_ip_port(a.c, &address));
    REQUIRE(::set_tcp_onion_status(a.c, true) == 0);
    REQUIRE(world.until(2'000, [&] { return ::tcp_get_random_conn_ip_port(a.c, &address); }));
    const IP_Port expected = abi_address(world.relays[0].address);
    CHECK(address.ip.family.value == 2);
    CHECK(address.ip.ip.v4.uint32 == expected.ip.ip.v4.uint32);
    CHECK(address.port == expected.port);
}

TEST_CASE("all connected relays are copied, where toxcore's own code copies none") {
    Abi_World world;
    Abi_Peer &a = world.add_peer();
    REQUIRE(hold(a, world.add_relay()) == 0);
    REQUIRE(hold(a, world.add_relay()) == 0);
    REQUIRE(world.until(2'000, [&] { return ::tcp_connected_relays_count(a.c) == 2; }));
    std::array<Node_format, 4> nodes{};
    CHECK(::tcp_copy_connected_relays_index(a.c, nodes.data(), 4, 1) == 2);
    CHECK(std::equal(nodes[0].public_key, nodes[0].public_key + KEY_SIZE, world.relays[1].key.begin()));
    CHECK(std::equal(nodes[1].public_key, nodes[1].public_key + KEY_SIZE, world.relays[0].key.begin()));
}

TEST_CASE("relays that only sleeping connections use are closed, and come back when these wake", "[original]") {
    Abi_Two_Peers f{2};
    REQUIRE(::set_tcp_connection_to_status(f.a.c, f.a_to_b, false) == 0);
    CHECK(f.world.until(60'000, [&] { return ::tcp_connected_relays_count(f.a.c) == 0; }));
    CHECK(abi_open_sockets(f.a.network) == 0);
    CHECK(::tcp_connections_count(f.a.c) == 2);
    REQUIRE(::set_tcp_connection_to_status(f.a.c, f.a_to_b, true) == 0);
    CHECK(f.world.until(10'000, [&] { return f.online(2); }));
    CHECK(send(f.a, f.a_to_b, "awake") == 0);
    CHECK(f.world.until(1'000, [&] { return heard(f.b.data, "awake"); }));
}

TEST_CASE("the peer is told when a connection to it is killed", "[original]") {
    Abi_Two_Peers f{2};
    REQUIRE(::kill_tcp_connection_to(f.a.c, f.a_to_b) == 0);
    CHECK(send(f.a, f.a_to_b, "gone") == -1);
    CHECK(f.world.until(1'000, [&] { return ::tcp_connection_to_online_tcp_relays(f.b.c, f.b_to_a) == 0; }));
}

TEST_CASE("a callback may kill the connection, its relays, or everything") {
    const int victim = GENERATE(0, 1, 2);
    Abi_Two_Peers f{2};
    int calls = 0;
    f.a.on_data = [&](const Abi_Packet &) {
        ++calls;
        switch (victim) {
        case 0:
            CHECK(::kill_tcp_connection_to(f.a.c, f.a_to_b) == 0);
            break;
        case 1:
            CHECK(::kill_tcp_relay_connection(f.a.c, 0) == 0);
            CHECK(::kill_tcp_relay_connection(f.a.c, 1) == 0);
            break;
        default:
            ::kill_tcp_connections(f.a.c);
            f.a.c = nullptr;
        }
    };
    for (int i = 0; i < 5; ++i) {
        CHECK(send(f.b, f.b_to_a, "one of five") == 0);
    }
    f.world.pass(1'000);
    CHECK(calls == 1);
    CHECK(::tcp_connection_to_online_tcp_relays(f.b.c, f.b_to_a) == 0);
    if (victim != 0) {
        CHECK(abi_open_sockets(f.a.network) == 0);
    }
}

TEST_CASE("a callback may tick, which does nothing, and send") {
    Abi_Two_Peers f;
    f.a.on_data = [&](const Abi_Packet &) {
        abi_tick(f.a);
        CHECK(send(f.a, f.a_to_b, "echo") == 0);
    };
    CHECK(send(f.b, f.b_to_a, "call") == 0);
    CHECK(f.world.until(1'000, [&] { return heard(f.b.data, "echo"); }));
    CHECK(f.a.data.size() == 1);
}

TEST_CASE("traffic goes on over another relay when one dies") {
    Abi_Two_Peers f{3};
    for (int i = 0; i < 2; ++i) {
        sim_relay_kill(f.world.relays[static_cast<std::size_t>(i)]);
        REQUIRE(f.world.until(1'000, [&] { return send(f.a, f.a_to_b, "still here") == 0 && !f.b.data.empty(); }));
        f.b.data.clear();
    }
}

TEST_CASE("the number of a killed relay is refused, also when its slot is in use again") {
    Abi_World world;
    Abi_Peer &a = world.add_peer();
    REQUIRE(hold(a, world.add_relay()) == 0);
    REQUIRE(::kill_tcp_relay_connection(a.c, 0) == 0);
    REQUIRE(hold(a, world.add_relay()) == 0);
    world.pass(1'000);
    REQUIRE(::tcp_connected_relays_count(a.c) == 1);
    CHECK(::tcp_send_oob_packet(a.c, 0, a.key.data(), bytes_of("x"), 1) == -1);
    CHECK(::kill_tcp_relay_connection(a.c, 0) == -1);
}

TEST_CASE(
    "without randomness, a network, a clock or a key there is no TCP_Connections, and killing null does nothing") {
    Abi_World world;
    Abi_Peer &a = world.add_host();
    const auto [random, network, clock, key] = parts_of(a);
    CHECK(abi_new_connections(a, {nullptr, network, clock, key}) == nullptr);
    CHECK(abi_new_connections(a, {random, nullptr, clock, key}) == nullptr);
    CHECK(abi_new_connections(a, {random, network, nullptr, key}) == nullptr);
    CHECK(abi_new_connections(a, {random, network, clock, nullptr}) == nullptr);
    ::kill_tcp_connections(nullptr);
}
