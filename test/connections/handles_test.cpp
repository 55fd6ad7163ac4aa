// Handles carry a generation. And what every public function answers to arguments that make no sense.
#include <limits>

#include "sim/world.h"

using namespace toxtcp;

namespace {

/// Every function that takes a connection's handle refuses `number`.
void check_bad_connection(Sim_Peer &peer, int number, const Sim_Relay &relay) {
    const std::string text = "text";
    const Bytes packet = bytes_of(text);
    CAPTURE(number);
    Connection_Info info;
    CHECK(kill_tcp_connection_to(peer.c, number) == Error::bad_handle);
    CHECK(set_tcp_connection_to_status(peer.c, number, true) == Error::bad_handle);
    CHECK(set_tcp_connection_to_status(peer.c, number, false) == Error::bad_handle);
    CHECK(tcp_connection_to_online_tcp_relays(peer.c, number) == 0);
    CHECK(add_tcp_relay_connection(peer.c, number, relay.address, relay.key) == Error::bad_handle);
    CHECK(add_tcp_number_relay_connection(peer.c, number, tcp_relay(peer.c, relay.key)) == Error::bad_handle);
    CHECK(send_packet_tcp_connection(peer.c, number, packet) == Error::bad_handle);
    CHECK(send_packets_tcp_connection(peer.c, number, std::span{&packet, 1}) == static_cast<int>(Error::bad_handle));
    CHECK_FALSE(tcp_connection_info(peer.c, number, info));
}

void check_bad_relay(Sim_Peer &peer, int number, int connection) {
    const std::string text = "text";
    const Bytes packet = bytes_of(text);
    CAPTURE(number);
    Relay_Info info;
    Ip_Port node;
    REQUIRE(parse_ip_port("192.0.2.7:33445", node));
    CHECK(add_tcp_number_relay_connection(peer.c, connection, number) == Error::bad_handle);
    CHECK(kill_tcp_relay_connection(peer.c, number) == Error::bad_handle);
    CHECK(tcp_send_oob_packet(peer.c, number, Public_Key{1}, packet) == Error::bad_handle);
    CHECK(tcp_send_onion_request(peer.c, number, packet) == Error::bad_handle);
    CHECK(tcp_send_forward_request(peer.c, number, node, {}, packet) == Error::bad_handle);
    CHECK_FALSE(tcp_relay_info(peer.c, number, info));
}

constexpr int index_of(int number) {
    return number & static_cast<int>(MAX_SLOTS - 1);
}

} // namespace

TEST_CASE("handles: the handle of a killed connection is refused, also when its slot is in use again") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    CHECK(kill_tcp_connection_to(f.a.c, f.a_to_b) == Error::ok);
    check_bad_connection(f.a, f.a_to_b, f.relay(0));
    const int next = befriend(f.a, f.b.key, 1'234);
    CHECK(next != f.a_to_b);
    CHECK(index_of(next) == index_of(f.a_to_b)); // the slot is used again, with another handle
    check_bad_connection(f.a, f.a_to_b, f.relay(0));
    for (Sim_Relay &relay : f.world.relays) {
        tie(f.a, next, relay);
    }
    REQUIRE(f.world.until(2'000, [&] { return tcp_connection_to_online_tcp_relays(f.a.c, next) == 3; }));
    check_bad_connection(f.a, f.a_to_b, f.relay(0));
    CHECK(send_text(f.b, f.b_to_a, "hello") == Error::ok);
    f.world.advance(200);
    REQUIRE(f.a.data.size() == 1);
    CHECK(f.a.data[0].id == 1'234);
    CHECK(tcp_connection_to(f.a.c, f.b.key) == next);
}

TEST_CASE("handles: the handle of a killed relay is refused, also when its slot is in use again") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    const int old = tcp_relay(f.a.c, f.relay(1).key);
    CHECK(kill_tcp_relay_connection(f.a.c, old) == Error::ok);
    check_bad_relay(f.a, old, f.a_to_b);
    const Sim_Relay &fresh = f.world.add_relay();
    const int next = hold(f.a, fresh);
    CHECK(next != old);
    CHECK(index_of(next) == index_of(old));
    f.world.advance(500);
    CHECK(is_up(f.a, fresh));
    check_bad_relay(f.a, old, f.a_to_b);
    CHECK(tcp_relay_at(f.a.c, static_cast<std::uint32_t>(index_of(old))) == next);
    CHECK(relay_info(f.a, next).public_key == fresh.key);
}

TEST_CASE("handles: no handle is given out twice, and a slot whose generations are used up is not used again") {
    World world;
    Sim_Peer &a = world.add_peer();
    std::set<int> seen;
    for (std::uint32_t i = 0; i < MAX_GENERATIONS + 100; ++i) {
        const int number = new_tcp_connection_to(a.c, some_key(world), 0);
        REQUIRE(number >= 0);
        REQUIRE(seen.insert(number).second);
        CHECK(index_of(number) == (i < MAX_GENERATIONS ? 0 : 1));
        REQUIRE(kill_tcp_connection_to(a.c, number) == Error::ok);
    }
    seen.clear();
    Ip_Port address = sim_new_address(world.net);
    for (std::uint32_t i = 0; i < MAX_GENERATIONS + 100; ++i) {
        const Public_Key key = some_key(world);
        REQUIRE(add_tcp_relay_global(a.c, address, key) == Error::ok);
        const int number = tcp_relay(a.c, key);
        REQUIRE(seen.insert(number).second);
        CHECK(index_of(number) == (i < MAX_GENERATIONS ? 0 : 1));
        REQUIRE(kill_tcp_relay_connection(a.c, number) == Error::ok);
    }
}

TEST_CASE("bad arguments: handles that were never given out are refused") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    std::vector<int> numbers{-1,
                             -2,
                             -11,
                             std::numeric_limits<int>::min(),
                             std::numeric_limits<int>::max(),
                             3,
                             15,
                             16,
                             17,
                             static_cast<int>(MAX_SLOTS - 1),
                             static_cast<int>(MAX_SLOTS), // the first slot's next generation
                             static_cast<int>(MAX_SLOTS) + 1,
                             static_cast<int>(MAX_SLOTS) * 1'000};
    for (int i = 0; i < 1'000; ++i) {
        const auto number = static_cast<int>(sim_random(f.world.net.random));
        if (number < 0 || number > 2) {
            numbers.push_back(number);
        }
    }
    for (const int number : numbers) {
        check_bad_connection(f.a, number, f.relay(0));
        check_bad_relay(f.a, number, f.a_to_b);
        if (number > 2 || number < 0) {
            CHECK(tcp_relay_at(f.a.c, static_cast<std::uint32_t>(number)) == static_cast<int>(Error::bad_handle));
        }
    }
    f.talk(500);
    f.world.advance(100);
    CHECK(f.b.data.size() == f.said); // none of the calls did any harm
}

TEST_CASE("bad arguments: packets that are empty, null or too long are refused") {
    Two_Peers f{ANY_TICKING(), 1};
    INFO(to_string(f.world.ticking));
    const std::string long_text(3'000, 'x');
    const Bytes all = bytes_of(long_text);
    const Bytes null_with_size{static_cast<const std::uint8_t *>(nullptr), 0};
    Ip_Port node;
    REQUIRE(parse_ip_port("[2001:db8::7]:33445", node));

    for (const Bytes nothing : {Bytes{}, null_with_size, all.first(0)}) {
        CHECK(send_packet_tcp_connection(f.a.c, f.a_to_b, nothing) == Error::empty);
        CHECK(send_packets_tcp_connection(f.a.c, f.a_to_b, std::span{&nothing, 1}) == static_cast<int>(Error::empty));
        CHECK(tcp_send_oob_packet(f.a.c, 0, f.b.key, nothing) == Error::empty);
        CHECK(tcp_send_oob_packet_using_relay(f.a.c, f.relay(0).key, f.b.key, nothing) == Error::empty);
        CHECK(tcp_send_onion_request(f.a.c, 0, nothing) == Error::empty);
        CHECK(tcp_send_forward_request(f.a.c, 0, node, {}, nothing) == Error::empty);
    }
    CHECK(send_packets_tcp_connection(f.a.c, f.a_to_b, {}) == static_cast<int>(Error::empty));

    CHECK(send_packet_tcp_connection(f.a.c, f.a_to_b, all.first(MAX_DATA_SIZE + 1)) == Error::too_long);
    CHECK(send_packet_tcp_connection(f.a.c, f.a_to_b, all) == Error::too_long);
    CHECK(tcp_send_oob_packet(f.a.c, 0, f.b.key, all.first(MAX_OOB_DATA_SIZE + 1)) == Error::too_long);
    CHECK(tcp_send_oob_packet_using_relay(f.a.c, f.relay(0).key, f.b.key, all.first(MAX_OOB_DATA_SIZE + 1)) ==
          Error::too_long);
    CHECK(tcp_send_onion_request(f.a.c, 0, all.first(MAX_ONION_SIZE + 1)) == Error::too_long);
    CHECK(tcp_send_forward_request(f.a.c, 0, node, {}, all.first(MAX_FORWARD_DATA_SIZE + 1)) == Error::too_long);
    const std::array<Public_Key, 5> chain{};
    CHECK(tcp_send_forward_request(f.a.c, 0, node, std::span{chain}.first(1), all.first(MAX_FORWARD_DATA_SIZE - 32)) ==
          Error::too_long);
    CHECK(tcp_send_forward_request(f.a.c, 0, node, std::span{chain}.first(4),
                                   all.first(MAX_FORWARD_DATA_SIZE - 4 * 33)) == Error::ok);
    CHECK(tcp_send_forward_request(f.a.c, 0, node, chain, all.first(1)) == Error::bad_argument);
    CHECK(tcp_send_forward_request(f.a.c, 0, Ip_Port{}, {}, all.first(1)) == Error::bad_address);

    f.world.advance(200);
    CHECK(f.b.data.empty());
    CHECK(tcp_connected_relays_count(f.a.c) == 1);
}

TEST_CASE("bad arguments: keys and addresses that no relay or peer can have are refused") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    Sim_Relay &relay = world.add_relay();
    const int connection = befriend(a, some_key(world), 0);
    Ip_Port no_port = relay.address;
    no_port.port = 0;
    Ip_Port tcp_family = relay.address;
    tcp_family.family = Family::tcp_ipv4;
    Ip_Port odd_family = relay.address;
    odd_family.family = static_cast<Family>(99);
    for (const Ip_Port &address : {Ip_Port{}, no_port, tcp_family, odd_family}) {
        CHECK(add_tcp_relay_global(a.c, address, relay.key) == Error::bad_address);
        CHECK(add_tcp_relay_connection(a.c, connection, address, relay.key) == Error::bad_address);
    }
    // A key that no relay can have.
    CHECK(add_tcp_relay_global(a.c, relay.address, Public_Key{}) == Error::bad_key);
    CHECK(add_tcp_relay_connection(a.c, connection, relay.address, Public_Key{}) == Error::bad_key);
    CHECK(tcp_relay(a.c, relay.key) == static_cast<int>(Error::bad_key));
    CHECK(tcp_send_oob_packet_using_relay(a.c, relay.key, a.key, bytes_of("text")) == Error::bad_key);
    // A key that no peer can have.
    CHECK(new_tcp_connection_to(a.c, Public_Key{}, 1) == static_cast<int>(Error::bad_key));
    CHECK(tcp_connections_count(a.c) <= 1);
    CHECK(tcp_connected_relays_count(a.c) == 0);
    CHECK(node_of(a).open_sockets() == 0);
    CHECK(connection_info(a, connection).routes_count == 0);
    const int held = hold(a, relay);
    CHECK(held >= 0);
    CHECK(tcp_send_oob_packet(a.c, held, Public_Key{}, bytes_of("text")) == Error::bad_key);
}

TEST_CASE("bad arguments: nothing is sent over a relay that is not connected") {
    World world{ANY_TICKING()};
    Sim_Peer &a = world.add_peer();
    Sim_Relay &relay = world.add_relay();
    sim_relay_stop(relay, true);
    const int connection = befriend(a, some_key(world), 0);
    const int number = tie(a, connection, relay);
    world.advance(100);
    const std::string text = "text";
    const Bytes packet = bytes_of(text);
    CHECK(send_packet_tcp_connection(a.c, connection, packet) == Error::not_online);
    CHECK(send_packets_tcp_connection(a.c, connection, std::span{&packet, 1}) == static_cast<int>(Error::not_online));
    CHECK(tcp_send_oob_packet(a.c, number, Public_Key{1}, packet) == Error::not_online);
    CHECK(tcp_send_oob_packet_using_relay(a.c, relay.key, Public_Key{1}, packet) == Error::not_online);
    CHECK(tcp_send_onion_request(a.c, number, packet) == Error::not_online);
    CHECK(tcp_send_forward_request(a.c, number, relay.address, {}, packet) == Error::not_online);
    CHECK(get_random_tcp_onion_conn_number(a.c) == static_cast<int>(Error::not_online));
}

TEST_CASE("bad arguments: new_tcp_connections refuses a proxy or a host that it cannot use") {
    World world;
    Sim_Peer &a = world.add_peer();
    Tcp_Connections_Def def = a.def;
    def.proxy.type = Proxy_Type::socks5; // at no address
    CHECK(new_tcp_connections(def) == nullptr);
    def.proxy.address = {Family::ipv4, {192, 0, 2, 1}, 0};
    CHECK(new_tcp_connections(def) == nullptr);
    def.proxy.address = {Family::tcp_ipv4, {192, 0, 2, 1}, 1080};
    CHECK(new_tcp_connections(def) == nullptr);
    def.proxy = {};
    Host host = a.host;
    def.host = &host;
    host.watch = nullptr; // readiness is all three or none
    CHECK((new_tcp_connections(def) == nullptr) == (host.ready != nullptr));
    host = a.host;
    host.send = nullptr;
    CHECK(new_tcp_connections(def) == nullptr);
    host = a.host;
    host.log = nullptr; // may be missing
    Tcp_Connections *const c = new_tcp_connections(def);
    CHECK(c != nullptr);
    kill_tcp_connections(c);
}

TEST_CASE("when the host has no socket to give, a new or known relay is kept and tried again") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    Sim_Relay &relay = world.add_relay();
    node_of(a).max_sockets = 0;
    hold(a, relay);
    CHECK(state_of(a, relay) == Relay_State::waiting);
    node_of(a).max_sockets = 10;
    world.advance(2'000);
    REQUIRE(is_up(a, relay));
    node_of(a).max_sockets = 0;
    sim_relay_drop(relay, a.key);
    world.advance(20'000);
    CHECK(state_of(a, relay) == Relay_State::waiting);
    CHECK(node_of(a).calls.connect < 60);
    node_of(a).max_sockets = 10;
    CHECK(world.until(10'000, [&] { return is_up(a, relay); }));
}
