// Relays for onion packets, forwarding, and the connected relays that a client may name to others.
#include "sim/world.h"

using namespace toxtcp;

namespace {

std::size_t onion_marks(const Sim_Peer &peer) {
    std::size_t count = 0;
    for (std::uint32_t i = 0; i < tcp_connections_count(peer.c); ++i) {
        Relay_Info info;
        count += tcp_relay_info(peer.c, tcp_relay_at(peer.c, i), info) && info.onion ? 1 : 0;
    }
    return count;
}

} // namespace

TEST_CASE("onion: on request 3 relays are marked for onion packets, and a random one is handed out") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    CHECK(get_random_tcp_onion_conn_number(a.c) == static_cast<int>(Error::not_online));
    CHECK(set_tcp_onion_status(a.c, false) == Error::already);
    CHECK(set_tcp_onion_status(a.c, true) == Error::ok);
    CHECK(set_tcp_onion_status(a.c, true) == Error::already);
    CHECK(get_random_tcp_onion_conn_number(a.c) == static_cast<int>(Error::not_online));
    for (int i = 0; i < 5; ++i) {
        hold(a, world.add_relay());
    }
    world.advance(1'000);
    CHECK(onion_marks(a) == NUM_ONION_TCP_CONNECTIONS);
    std::set<int> handed_out;
    for (int i = 0; i < 200; ++i) {
        const int number = get_random_tcp_onion_conn_number(a.c);
        REQUIRE(number >= 0);
        CHECK(relay_info(a, number).onion);
        handed_out.insert(number);
    }
    CHECK(handed_out.size() == NUM_ONION_TCP_CONNECTIONS);
    CHECK(set_tcp_onion_status(a.c, false) == Error::ok);
    CHECK(onion_marks(a) == 0);
    CHECK(get_random_tcp_onion_conn_number(a.c) == static_cast<int>(Error::not_online));
}

TEST_CASE("onion: when a relay for onion packets ends, another is marked") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    Sim_Peer &b = world.add_peer();
    CHECK(set_tcp_onion_status(a.c, true) == Error::ok);
    // Four relays in use, so that none is closed as unused.
    for (int i = 0; i < 2; ++i) {
        Sim_Peer &other = i == 0 ? b : world.add_peer();
        for (int k = 0; k < 2; ++k) {
            Sim_Relay &relay = world.add_relay();
            const int connection =
                tcp_connection_to(a.c, other.key) < 0 ? befriend(a, other.key, i) : tcp_connection_to(a.c, other.key);
            tie(a, connection, relay);
            const int back =
                tcp_connection_to(other.c, a.key) < 0 ? befriend(other, a.key, i) : tcp_connection_to(other.c, a.key);
            tie(other, back, relay);
        }
    }
    world.advance(2'000);
    REQUIRE(onion_marks(a) == 3);
    for (Sim_Relay &relay : world.relays) {
        if (relay_info(a, tcp_relay(a.c, relay.key)).onion) {
            sim_relay_kill(relay);
            break;
        }
    }
    world.advance(500);
    CHECK(onion_marks(a) == 3);
}

TEST_CASE("onion: sleeping relays are woken for onion packets, and never put to sleep while marked") {
    Two_Peers f{ANY_TICKING(), 3};
    INFO(to_string(f.world.ticking));
    f.world.advance(20'000);
    CHECK(set_tcp_connection_to_status(f.a.c, f.a_to_b, false) == Error::ok);
    f.world.advance(2'000);
    REQUIRE(tcp_connected_relays_count(f.a.c) == 0);
    CHECK(set_tcp_onion_status(f.a.c, true) == Error::ok);
    CHECK(f.world.until(2'000, [&] { return onion_marks(f.a) == 3; }));
    f.world.advance(60'000);
    CHECK(tcp_connected_relays_count(f.a.c) == 3);
    CHECK(onion_marks(f.a) == 3);
    CHECK(set_tcp_onion_status(f.a.c, false) == Error::ok);
    f.world.advance(15'000);
    CHECK(tcp_connected_relays_count(f.a.c) == 0);
}

TEST_CASE("onion: onion requests are sent, and responses are received") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    Scripted_Relay &relay = world.add_scripted();
    const int number = hold(a, relay);
    CHECK(tcp_send_onion_request(a.c, number, bytes_of("early")) == Error::not_online);
    CHECK(set_tcp_onion_status(a.c, true) == Error::ok);
    world.advance(1'000);
    CHECK(tcp_send_onion_request(a.c, number, bytes_of("nonce and payload")) == Error::ok);
    const std::string longest(MAX_ONION_SIZE, 'o');
    CHECK(tcp_send_onion_request(a.c, number, bytes_of(longest)) == Error::ok);
    world.advance(200);
    REQUIRE(scripted_count(relay, Packet_Type::onion_request) == 2);
    CHECK(scripted_packet(relay, Packet_Type::onion_request, 0) == "\10nonce and payload");
    CHECK(scripted_packet(relay, Packet_Type::onion_request, 1) == "\10" + longest);
    scripted_send(relay, bytes_of("\11the answer"));
    scripted_send(relay, bytes_of("\11" + longest));
    world.advance(200);
    REQUIRE(a.onion.size() == 2);
    CHECK(a.onion[0].bytes == "the answer");
    CHECK(a.onion[1].bytes == longest);
}

TEST_CASE("forwarding: requests carry address, chain and data, and forwarded packets are received") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    Scripted_Relay &relay = world.add_scripted();
    const int number = hold(a, relay);
    world.advance(1'000);
    Ip_Port node;
    REQUIRE(parse_ip_port("192.0.2.7:33445", node));
    const std::vector<Public_Key> chain{some_key(world), some_key(world)};
    const std::string data(MAX_FORWARD_DATA_SIZE - 2 * (1 + KEY_SIZE), 'f');
    CHECK(tcp_send_forward_request(a.c, number, node, {}, bytes_of("hello")) == Error::ok);
    CHECK(tcp_send_forward_request(a.c, number, node, chain, bytes_of(data)) == Error::ok);
    world.advance(200);
    REQUIRE(scripted_count(relay, Packet_Type::forward_request) == 2);
    const std::string head = std::string("\12\2\300\0\2\7\202\245", 8);
    CHECK(scripted_packet(relay, Packet_Type::forward_request, 0) == head + "hello");
    CHECK(scripted_packet(relay, Packet_Type::forward_request, 1) ==
          head + "\220" + std::string(chain[0].begin(), chain[0].end()) + "\220" +
              std::string(chain[1].begin(), chain[1].end()) + data);
    scripted_send(relay, bytes_of("\13forwarded"));
    world.advance(200);
    REQUIRE(a.forwarding.size() == 1);
    CHECK(a.forwarding[0].bytes == "forwarded");
}

TEST_CASE("onion: connected relays are copied out, from a random place or from an index, and counted") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    std::array<Node, 8> nodes;
    Ip_Port address;
    CHECK(tcp_copy_connected_relays(a.c, nodes) == 0);
    CHECK(tcp_copy_connected_relays_index(a.c, nodes, 3) == 0);
    CHECK_FALSE(tcp_get_random_conn_ip_port(a.c, address));
    CHECK(tcp_connections_count(a.c) == 0);
    CHECK(tcp_connected_relays_count(a.c) == 0);
    CHECK(tcp_connections_public_key(a.c) == a.key);

    for (int i = 0; i < 5; ++i) {
        hold(a, world.add_relay());
    }
    Sim_Relay &dead = world.relays[2];
    sim_relay_stop(dead, true);
    CHECK(tcp_copy_connected_relays(a.c, nodes) == 0); // none is connected yet
    world.advance(1'000);
    CHECK(tcp_connections_count(a.c) == 5);
    CHECK(tcp_connected_relays_count(a.c) == 4);

    // From an index on, in the array's order and around its end, without the relay that is not connected.
    for (std::uint32_t index = 0; index < 12; ++index) {
        REQUIRE(tcp_copy_connected_relays_index(a.c, nodes, index) == 4);
        std::size_t at = 0;
        for (std::uint32_t i = 0; i < 5; ++i) {
            const std::uint32_t slot = (index + i) % 5;
            if (slot != 2) {
                CHECK(nodes[at].public_key == world.relays[slot].key);
                CHECK(nodes[at].address == world.relays[slot].address);
                ++at;
            }
        }
    }
    CHECK(tcp_copy_connected_relays_index(a.c, std::span{nodes}.first(2), 3) == 2);
    CHECK(tcp_copy_connected_relays_index(a.c, {}, 0) == 0);
    CHECK(tcp_copy_connected_relays(a.c, {}) == 0);

    std::set<Public_Key> firsts;
    std::set<std::uint8_t> addresses;
    for (int i = 0; i < 200; ++i) {
        REQUIRE(tcp_copy_connected_relays(a.c, nodes) == 4);
        firsts.insert(nodes[0].public_key);
        REQUIRE(tcp_get_random_conn_ip_port(a.c, address));
        addresses.insert(address.ip[3]);
    }
    CHECK(firsts.size() == 4);
    CHECK(addresses.size() == 4);

    // By slot.
    for (std::uint32_t i = 0; i < 5; ++i) {
        CHECK(tcp_relay_at(a.c, i) == static_cast<int>(i));
    }
    CHECK(tcp_relay_at(a.c, 5) == static_cast<int>(Error::bad_handle));
}
