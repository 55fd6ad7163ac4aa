// Which relays a connection has, and how peers come online there.
#include <toxtcp/echo.h>

#include "sim/world.h"

using namespace toxtcp;

TEST_CASE("routes: a connection is made by the peer's key, and has up to 6 relays") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    const Public_Key friend_key = some_key(world);

    CHECK(new_tcp_connection_to(a.c, friend_key, 7) == 0);
    CHECK(new_tcp_connection_to(a.c, friend_key, 8) == static_cast<int>(Error::already));
    CHECK(new_tcp_connection_to(a.c, a.key, 9) == static_cast<int>(Error::bad_key));
    CHECK(tcp_connection_to(a.c, friend_key) == 0);
    CHECK(tcp_connection_to(a.c, some_key(world)) == static_cast<int>(Error::bad_key));

    for (int i = 0; i < static_cast<int>(MAX_FRIEND_TCP_CONNECTIONS); ++i) {
        CHECK(tie(a, 0, world.add_relay()) == i);
    }
    const Sim_Relay &known = world.relays.front();
    CHECK(add_tcp_relay_connection(a.c, 0, known.address, known.key) == Error::already);
    const Sim_Relay &seventh = world.add_relay();
    CHECK(add_tcp_relay_connection(a.c, 0, seventh.address, seventh.key) == Error::limit);
    CHECK_FALSE(knows(a, seventh)); // the refused relay is not kept
    CHECK(connection_info(a, 0).routes_count == MAX_FRIEND_TCP_CONNECTIONS);
    CHECK(connection_info(a, 0).id == 7);
    CHECK(connection_info(a, 0).public_key == friend_key);

    world.advance(2'000);
    CHECK(tcp_connected_relays_count(a.c) == MAX_FRIEND_TCP_CONNECTIONS);
    CHECK(tcp_connection_to_online_tcp_relays(a.c, 0) == 0);
    CHECK(tcp_connection_to_online_tcp_relays(a.c, 1) == 0);
}

TEST_CASE("routes: while the peer is online at 3 relays, a new relay is refused and a known one is not") {
    Two_Peers f{ANY_TICKING(), 3};
    INFO(to_string(f.world.ticking));
    const Sim_Relay &fresh = f.world.add_relay();
    CHECK(add_tcp_relay_connection(f.a.c, f.a_to_b, fresh.address, fresh.key) == Error::limit);
    for (int i = 0; i < 3; ++i) {
        const Sim_Relay &known = f.world.add_relay();
        hold(f.a, known);
        CHECK(add_tcp_relay_connection(f.a.c, f.a_to_b, known.address, known.key) == Error::ok);
    }
    const Sim_Relay &seventh = f.world.add_relay();
    hold(f.a, seventh);
    CHECK(add_tcp_relay_connection(f.a.c, f.a_to_b, seventh.address, seventh.key) == Error::limit);
    CHECK(add_tcp_number_relay_connection(f.a.c, f.a_to_b, tcp_relay(f.a.c, seventh.key)) == Error::limit);
}

TEST_CASE("routes: a relay that is added to a connection carries its data") {
    Two_Peers f{ANY_TICKING(), 1};
    INFO(to_string(f.world.ticking));
    CHECK(tcp_connections_count(f.a.c) == 1);
    CHECK(count_changes(f.a, Change_Kind::relay_up) == 1);
    CHECK(count_changes(f.a, Change_Kind::route_online) == 1);
    CHECK(last_change(f.a, Change_Kind::route_online)->change.connection == f.a_to_b);
    CHECK(connection_info(f.a, f.a_to_b).routes[0].state == Route_State::online);
    CHECK(send_text(f.a, f.a_to_b, "over it") == Error::ok);
    f.world.advance(100);
    REQUIRE(heard_once(f.b.data, "over it"));
    CHECK(f.b.data.front().id == Two_Peers::ID_AT_B);
}

TEST_CASE("routes: a global relay is connected without a connection, and can be added to one later") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    const Sim_Relay &four = world.add_relay(Family::ipv4);
    const Sim_Relay &six = world.add_relay(Family::ipv6);
    CHECK(hold(a, four) == 0);
    CHECK(hold(a, six) == 1);
    CHECK(add_tcp_relay_global(a.c, four.address, four.key) == Error::already);
    CHECK(state_of(a, four) == Relay_State::connecting);
    world.advance(200);
    CHECK(state_of(a, four) == Relay_State::connected);
    CHECK(state_of(a, six) == Relay_State::connected);
    CHECK(relay_server_find(four.server, a.key) >= 0);
    CHECK(relay_info(a, 1).address == six.address);
    CHECK(relay_info(a, 1).public_key == six.key);
    CHECK(relay_info(a, 0).connections == 0);

    // A connection can then use it as well.
    const int connection = befriend(a, some_key(world), 1);
    CHECK(add_tcp_relay_connection(a.c, connection, four.address, four.key) == Error::ok);
    CHECK(tcp_connections_count(a.c) == 2);
    CHECK(relay_info(a, 0).connections == 1);
}

TEST_CASE("routes: an echo by OOB over a relay where the peer is not online is answered by OOB over that relay") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer_Def def;
    def.answers_echoes = GENERATE(true, false); // false: the host answers, in its callback
    Sim_Peer &a = world.add_peer(def);
    Sim_Peer &b = world.add_peer();
    const Sim_Relay &relay = world.add_relay();
    const int a_to_b = befriend(a, b.key, 1);
    tie(a, a_to_b, relay);
    const int at_b = hold(b, relay);
    world.advance(1'000);
    REQUIRE((is_up(a, relay) && is_up(b, relay)));
    Secret_Key shared;
    REQUIRE(echo_shared_key(b.def.secret_key, a.key, shared));
    const Random random = sim_random_source(world.net.random);
    a.on_data = [&](const Sim_Packet &packet) {
        Echo echo;
        std::array<std::uint8_t, ECHO_RESPONSE_SIZE> response;
        REQUIRE(open_echo_request(shared, bytes_of(packet.bytes), echo));
        make_echo_response(shared, random, echo.number, response);
        CHECK(send_packet_tcp_connection(a.c, a_to_b, response) == Error::ok);
    };
    std::array<std::uint8_t, ECHO_REQUEST_SIZE> request;
    make_echo_request(shared, random, b.key, {.kind = Echo_Kind::echo, .number = 77}, request);
    REQUIRE(tcp_send_oob_packet(b.c, at_b, a.key, request) == Error::ok);
    world.advance(500);
    std::uint64_t number = 0;
    bool by_library = false;
    REQUIRE(b.oob.size() == 1);
    CHECK(open_echo_response(shared, bytes_of(b.oob[0].bytes), number, by_library));
    CHECK(number == 77);
}

TEST_CASE("routes: a relay is added by the handle that an OOB packet came with") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    Sim_Peer &b = world.add_peer();
    const Sim_Relay &relay = world.add_relay();
    const int at_a = hold(a, relay);
    const int b_to_a = befriend(b, a.key, 5);
    const int at_b = tie(b, b_to_a, relay);
    REQUIRE(world.until(1'000, [&] { return is_up(a, relay) && is_up(b, relay); }));
    world.advance(100);
    CHECK(tcp_send_oob_packet(b.c, at_b, a.key, bytes_of("here I am")) == Error::ok);
    REQUIRE(world.until(1'000, [&] { return !a.oob.empty(); }));
    CHECK(a.oob.front().sender == b.key);
    CHECK(a.oob.front().relay == at_a);
    CHECK(a.oob.front().bytes == "here I am");

    const int a_to_b = befriend(a, a.oob.front().sender, 6);
    CHECK(add_tcp_number_relay_connection(a.c, a_to_b, a.oob.front().relay) == Error::ok);
    CHECK(add_tcp_number_relay_connection(a.c, a_to_b, a.oob.front().relay) == Error::already);
    CHECK(world.until(1'000, [&] {
        return tcp_connection_to_online_tcp_relays(a.c, a_to_b) == 1 &&
               tcp_connection_to_online_tcp_relays(b.c, b_to_a) == 1;
    }));
}

TEST_CASE("routes: a relay shared by several peers is one TCP connection") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    Sim_Relay &relay = world.add_relay();
    std::vector<int> connections;
    for (int i = 0; i < 4; ++i) {
        Sim_Peer &other = world.add_peer();
        connections.push_back(befriend(a, other.key, i));
        tie(a, connections.back(), relay);
        tie(other, befriend(other, a.key, 0), relay);
    }
    REQUIRE(world.until(2'000, [&] { return relay_info(a, 0).online == 4; }));
    CHECK(tcp_connections_count(a.c) == 1);
    CHECK(node_of(a).open_sockets() == 1);
    CHECK(relay_info(a, 0).connections == 4);
    for (int i = 0; i < 4; ++i) {
        CHECK(send_text(a, connections[static_cast<std::size_t>(i)], "to " + std::to_string(i)) == Error::ok);
    }
    world.advance(200);
    for (std::size_t i = 0; i < 4; ++i) {
        Sim_Peer &other = world.peers[i + 1];
        REQUIRE(other.data.size() == 1);
        CHECK(other.data.front().bytes == "to " + std::to_string(i));
    }
}

TEST_CASE("routes: when a relay comes up, a routing request goes out for every connection tied to it") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    Scripted_Relay &relay = world.add_scripted();
    std::set<std::string> wanted;
    for (int i = 0; i < 200; ++i) {
        const Public_Key key = some_key(world);
        tie(a, befriend(a, key, i), relay);
        wanted.insert(std::string(1, '\0') + std::string{key.begin(), key.end()});
    }
    REQUIRE(world.until(2'000, [&] { return scripted_count(relay, Packet_Type::routing_request) >= 200; }));
    world.advance(1'000);
    CHECK(scripted_count(relay, Packet_Type::routing_request) == 200); // each once
    for (std::size_t i = 0; i < 200; ++i) {
        wanted.erase(scripted_packet(relay, Packet_Type::routing_request, i));
    }
    CHECK(wanted.empty());
    CHECK_FALSE(relay.broken);
    CHECK(connection_info(a, 199).routes[0].state == Route_State::registered);
}

TEST_CASE("routes: tying a connection to a connected relay sends its routing request at once, without a tick") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    Scripted_Relay &relay = world.add_scripted();
    hold(a, relay);
    REQUIRE(world.until(1'000, [&] { return is_up(a, relay); }));
    const int connection = befriend(a, some_key(world), 0);
    sim_stop(world.net, a.node, true);
    tie(a, connection, relay);
    world.advance(100);
    CHECK(scripted_count(relay, Packet_Type::routing_request) == 1);
    sim_stop(world.net, a.node, false);
    world.advance(100);
    CHECK(connection_info(a, connection).routes[0].state == Route_State::registered);
}

TEST_CASE("routes: a peer comes online when it connects to the relay, and goes offline when it leaves") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    Sim_Peer &b = world.add_peer();
    Sim_Relay &relay = world.add_relay();
    const int a_to_b = befriend(a, b.key, 1);
    tie(a, a_to_b, relay);
    world.advance(5'000);
    CHECK(connection_info(a, a_to_b).routes[0].state == Route_State::registered);
    tie(b, befriend(b, a.key, 2), relay);
    REQUIRE(world.until(1'000, [&] { return tcp_connection_to_online_tcp_relays(a.c, a_to_b) == 1; }));
    kill_tcp_connections(b.c);
    b.c = nullptr;
    REQUIRE(world.until(1'000, [&] { return tcp_connection_to_online_tcp_relays(a.c, a_to_b) == 0; }));
    CHECK(connection_info(a, a_to_b).routes[0].state == Route_State::registered);
    CHECK(count_changes(a, Change_Kind::route_offline) == 1);
}

TEST_CASE("routes: with more peers than routing ids, refusals do no harm, and ids that become free are used") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    Sim_Relay &relay = world.add_relay();
    for (int i = 0; i < 300; ++i) {
        tie(a, befriend(a, some_key(world), i), relay);
    }
    world.advance(5'000);
    REQUIRE(is_up(a, relay));
    const auto registered = [&] {
        std::size_t count = 0;
        for (int i = 0; i < 300; ++i) {
            Connection_Info info;
            count += tcp_connection_info(a.c, i, info) && info.routes[0].state == Route_State::registered ? 1 : 0;
        }
        return count;
    };
    CHECK(registered() == MAX_ROUTES);
    // Ids that become free go to peers that were refused, and to peers that come later.
    for (int i = 0; i < 100; ++i) {
        CHECK(kill_tcp_connection_to(a.c, i) == Error::ok);
    }
    world.advance(2'000);
    CHECK(registered() == 200);
    const int late = befriend(a, some_key(world), 0);
    tie(a, late, relay);
    world.advance(200);
    CHECK(connection_info(a, late).routes[0].state == Route_State::registered);
    CHECK(is_up(a, relay));
    CHECK(count_lines(a, Log_Level::warning) == 0);
}

TEST_CASE("routes: a peer that runs a relay under its own key is reached through that relay") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Relay &relay = world.add_relay();
    Sim_Peer_Def def;
    def.secret_key = &relay.server.def.secret_key;
    Sim_Peer &a = world.add_peer(def);
    Sim_Peer &b = world.add_peer();
    REQUIRE(a.key == relay.key);
    const int a_to_b = befriend(a, b.key, 1);
    const int b_to_a = befriend(b, a.key, 2);
    tie(a, a_to_b, relay);
    tie(b, b_to_a, relay);
    REQUIRE(world.until(5'000, [&] {
        return tcp_connection_to_online_tcp_relays(a.c, a_to_b) == 1 &&
               tcp_connection_to_online_tcp_relays(b.c, b_to_a) == 1;
    }));
    CHECK(send_text(a, a_to_b, "from the relay's owner") == Error::ok);
    CHECK(send_text(b, b_to_a, "to it") == Error::ok);
    world.advance(500);
    CHECK(heard_once(b.data, "from the relay's owner"));
    CHECK(heard_once(a.data, "to it"));
}
