// When a relay is disconnected, when it is tried again, and when it sleeps.
#include "sim/world.h"

using namespace toxtcp;

namespace {

constexpr std::uint64_t SLACK_MS = 2 * SIM_TICK_MS;

} // namespace

TEST_CASE("holding: an attempt to connect to a relay ends after 10 s") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    Sim_Relay &relay = world.add_relay();
    SECTION("nothing comes back") {
        node_of(relay).blackhole = true;
    }
    SECTION("its process is stopped") {
        sim_relay_stop(relay, true);
    }
    SECTION("it never answers the handshake") {
        relay.never_answers_handshake = true;
    }
    SECTION("the way is cut") {
        sim_cut(world.net, relay.node, true);
    }
    const int number = hold(a, relay);
    world.advance(9'950);
    CHECK(state_of(a, relay) == Relay_State::connecting);
    CHECK(count_changes(a, Change_Kind::relay_gone) == 0);
    world.advance(50 + SLACK_MS);
    REQUIRE(count_changes(a, Change_Kind::relay_down, number) == 1);
    CHECK(last_change(a, Change_Kind::relay_down)->change.reason == Reason::connect_timeout);
    CHECK(count_lines(a, Log_Level::warning) == 1);
}

TEST_CASE("a relay that has never been connected is tried again") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    Sim_Relay &relay = world.add_relay();
    node_of(relay).refusing = true;
    const int number = hold(a, relay);
    world.advance(200);
    REQUIRE(count_changes(a, Change_Kind::relay_down, number) == 1);
    CHECK(last_change(a, Change_Kind::relay_down)->change.reason == Reason::connect_failed);
    CHECK(count_changes(a, Change_Kind::relay_gone) == 0);
    world.advance(600'000);
    CHECK(count_lines(a, Log_Level::warning) == 1); // one line an hour
    node_of(relay).refusing = false;
    CHECK(world.until(15'000, [&] { return is_up(a, relay); }));
}

TEST_CASE("holding: a relay is pinged every 30 s, and disconnected when no pong comes within 10 s") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    Scripted_Relay &relay = world.add_scripted();
    const int number = hold(a, relay);
    REQUIRE(world.until(1'000, [&] { return is_up(a, relay); }));
    const std::uint64_t up = world.net.now;
    world.advance(100'000);
    // The first ping is sent at once: it confirms us to the relay, and measures the round trip.
    REQUIRE(scripted_count(relay, Packet_Type::ping) == 4);
    CHECK(relay_info(a, number).round_trip >= 20);
    CHECK(relay_info(a, number).round_trip <= 20 + 2 * SIM_TICK_MS);
    CHECK(relay.packets.front().at <= up + 100);
    for (std::size_t i = 1; i < relay.packets.size(); ++i) {
        CHECK(relay.packets[i].at - relay.packets[i - 1].at >= 30'000);
        CHECK(relay.packets[i].at - relay.packets[i - 1].at <= 30'000 + SLACK_MS);
    }
    relay.answers_pings = false;
    REQUIRE(world.until(31'000, [&] { return scripted_count(relay, Packet_Type::ping) == 5; }));
    world.advance(10'000 - SLACK_MS);
    CHECK(is_up(a, relay));
    world.advance(2 * SLACK_MS);
    CHECK_FALSE(is_up(a, relay));
    CHECK(relay_info(a, number).last_end == Reason::ping_timeout);
    CHECK(last_change(a, Change_Kind::relay_down)->change.reason == Reason::ping_timeout);
    CHECK(count_lines(a, Log_Level::warning) == 1);
}

TEST_CASE("holding: a relay's pings are answered, each with its own 8 bytes") {
    World world{ANY_TICKING()};
    Sim_Peer &a = world.add_peer();
    Scripted_Relay &relay = world.add_scripted();
    hold(a, relay);
    REQUIRE(world.until(1'000, [&] { return is_up(a, relay); }));
    scripted_send(relay, {4, 1, 2, 3, 4, 5, 6, 7, 8});
    world.advance(200);
    scripted_send(relay, {4, 0, 0, 0, 0, 0, 0, 0, 9});
    world.advance(200);
    REQUIRE(scripted_count(relay, Packet_Type::pong) == 2);
    CHECK(scripted_packet(relay, Packet_Type::pong, 0) == std::string("\5\1\2\3\4\5\6\7\10", 9));
    CHECK(scripted_packet(relay, Packet_Type::pong, 1) == std::string("\5\0\0\0\0\0\0\0\11", 9));
    // A pong that nobody asked for is ignored.
    scripted_send(relay, {5, 1, 2, 3, 4, 5, 6, 7, 8});
    world.advance(200);
    CHECK(is_up(a, relay));
}

TEST_CASE("holding: unused relays are closed after 10 s, but 3 are kept so that peers can reach the client") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    for (int i = 0; i < 6; ++i) {
        hold(a, world.add_relay());
    }
    REQUIRE(world.until(1'000, [&] { return tcp_connected_relays_count(a.c) == 6; }));
    world.advance(9'800);
    CHECK(tcp_connected_relays_count(a.c) == 6);
    world.advance(500);
    CHECK(tcp_connected_relays_count(a.c) == 3);
    CHECK(count_changes(a, Change_Kind::relay_gone) == 3);
    CHECK(last_change(a, Change_Kind::relay_gone)->change.reason == Reason::unused);
    CHECK(node_of(a).open_sockets() == 3);
    world.advance(60'000);
    CHECK(tcp_connected_relays_count(a.c) == 3);
    CHECK(count_lines(a, Log_Level::warning) == 0); // nothing is wrong with them
}

TEST_CASE("holding: relays with a peer online and relays for onion packets are kept") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    for (int i = 0; i < 5; ++i) {
        Sim_Peer &other = world.add_peer();
        Sim_Relay &relay = world.add_relay();
        tie(a, befriend(a, other.key, i), relay);
        tie(other, befriend(other, a.key, 0), relay);
    }
    world.advance(30'000);
    CHECK(tcp_connected_relays_count(a.c) == 5);
    CHECK(count_changes(a, Change_Kind::relay_gone) == 0);
    // The peers go offline, but onion packets need three relays.
    CHECK(set_tcp_onion_status(a.c, true) == Error::ok);
    for (std::size_t i = 1; i < world.peers.size(); ++i) {
        kill_tcp_connections(world.peers[i].c);
        world.peers[i].c = nullptr;
    }
    world.advance(30'000);
    CHECK(tcp_connected_relays_count(a.c) == 3);
    for (std::uint32_t i = 0; i < tcp_connections_count(a.c); ++i) {
        Relay_Info info;
        REQUIRE(tcp_relay_info(a.c, tcp_relay_at(a.c, i), info));
        CHECK(info.onion == (info.state == Relay_State::connected)); // the others are remembered for their peers
    }
}

TEST_CASE("holding: a host can have all idle relays closed; otherwise the saver profile keeps one") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer_Def def;
    def.profile = GENERATE(Profile::responsive, Profile::saver);
    Sim_Peer &a = world.add_peer(def);
    for (int i = 0; i < 5; ++i) {
        hold(a, world.add_relay());
    }
    world.advance(15'000);
    CHECK(tcp_connected_relays_count(a.c) == (def.profile == Profile::saver ? 1U : 3U));
    tcp_connections_keep_idle_relays(a.c, false);
    world.advance(1'000);
    CHECK(tcp_connected_relays_count(a.c) == 0);
    CHECK(node_of(a).open_sockets() == 0);
}

TEST_CASE("holding: a relay that was connected and ended is connected again, and its connections stay tied") {
    Two_Peers f{ANY_TICKING(), 2};
    INFO(to_string(f.world.ticking));
    Sim_Relay &relay = f.relay(0);
    const int number = tcp_relay(f.a.c, relay.key);
    const auto ending = GENERATE(Sim_Ending::end_of_stream, Sim_Ending::reset);
    sim_relay_kill(relay, ending);
    f.world.advance(5'000);
    CHECK_FALSE(is_up(f.a, relay));
    CHECK(count_changes(f.a, Change_Kind::relay_gone) == 0);
    CHECK(tcp_relay(f.a.c, relay.key) == number);
    CHECK(connection_info(f.a, f.a_to_b).routes_count == 2);
    CHECK(connection_info(f.a, f.a_to_b).routes[0].state == Route_State::none);
    CHECK(tcp_connection_to_online_tcp_relays(f.a.c, f.a_to_b) == 1);
    sim_relay_return(relay);
    CHECK(f.world.until(20'000, [&] { return tcp_connection_to_online_tcp_relays(f.a.c, f.a_to_b) == 2; }));
    CHECK(tcp_relay(f.a.c, relay.key) == number);
    CHECK(count_changes(f.a, Change_Kind::relay_up, number) == 2);
}

TEST_CASE("holding: a relay that has never been connected stays tied, and is connected when it is there") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    Sim_Relay &relay = world.add_relay();
    node_of(relay).refusing = true;
    const int connection = befriend(a, some_key(world), 0);
    const int number = tie(a, connection, relay);
    world.advance(1'000);
    CHECK(count_changes(a, Change_Kind::relay_gone) == 0);
    CHECK(connection_info(a, connection).routes_count == 1);
    sim_relay_return(relay);
    CHECK(world.until(2'000, [&] { return is_up(a, relay); }));
    CHECK(tcp_relay(a.c, relay.key) == number);
    world.advance(200);
    CHECK(connection_info(a, connection).routes[0].state == Route_State::registered);
}

TEST_CASE("holding: a relay used only by sleeping connections is closed and remembered; waking brings it back") {
    Two_Peers f{ANY_TICKING(), 2};
    INFO(to_string(f.world.ticking));
    f.world.advance(20'000);
    CHECK(set_tcp_connection_to_status(f.a.c, f.a_to_b, true) == Error::already);
    CHECK(set_tcp_connection_to_status(f.a.c, f.a_to_b, false) == Error::ok);
    CHECK(set_tcp_connection_to_status(f.a.c, f.a_to_b, false) == Error::already);
    CHECK_FALSE(connection_info(f.a, f.a_to_b).awake);
    f.world.advance(1'000);
    CHECK(tcp_connected_relays_count(f.a.c) == 0);
    CHECK(node_of(f.a).open_sockets() == 0);
    CHECK(state_of(f.a, f.relay(0)) == Relay_State::sleeping);
    CHECK(relay_info(f.a, 0).last_end == Reason::asleep);
    CHECK(last_change(f.a, Change_Kind::relay_down)->change.reason == Reason::asleep);
    CHECK(connection_info(f.a, f.a_to_b).routes_count == 2);
    CHECK(tcp_connection_to_online_tcp_relays(f.b.c, f.b_to_a) == 0);
    CHECK(count_lines(f.a, Log_Level::warning) == 0);

    f.world.advance(600'000);
    CHECK(node_of(f.a).open_sockets() == 0);
    CHECK(set_tcp_connection_to_status(f.a.c, f.a_to_b, true) == Error::ok);
    CHECK(f.world.until(2'000, [&] {
        return tcp_connection_to_online_tcp_relays(f.a.c, f.a_to_b) == 2 &&
               tcp_connection_to_online_tcp_relays(f.b.c, f.b_to_a) == 2;
    }));
    CHECK(send_text(f.b, f.b_to_a, "awake?") == Error::ok);
    f.world.advance(200);
    CHECK(heard_once(f.a.data, "awake?"));
}

TEST_CASE("holding: a sleeping connection still gets data over a relay that an awake connection uses") {
    Two_Peers f{ANY_TICKING(), 2};
    INFO(to_string(f.world.ticking));
    Sim_Peer &third = f.world.add_peer();
    tie(f.a, befriend(f.a, third.key, 3), f.relay(1));
    tie(third, befriend(third, f.a.key, 4), f.relay(1));
    f.world.advance(20'000);
    CHECK(set_tcp_connection_to_status(f.a.c, f.a_to_b, false) == Error::ok);
    f.world.advance(5'000);
    CHECK(state_of(f.a, f.relay(0)) == Relay_State::sleeping);
    CHECK(state_of(f.a, f.relay(1)) == Relay_State::connected);
    CHECK(send_text(f.b, f.b_to_a, "psst") == Error::ok);
    f.world.advance(200);
    CHECK(heard_once(f.a.data, "psst"));
}

TEST_CASE("holding: relays of sleeping connections are kept while an awake connection there has too few routes") {
    Two_Peers f{ANY_TICKING(), 2};
    INFO(to_string(f.world.ticking));
    Sim_Peer &absent = f.world.add_peer();
    const int other = befriend(f.a, absent.key, 5);
    for (Sim_Relay &relay : f.world.relays) {
        tie(f.a, other, relay);
    }
    f.world.advance(20'000);
    CHECK(set_tcp_connection_to_status(f.a.c, f.a_to_b, false) == Error::ok);
    const std::uint64_t connects = node_of(f.a).calls.connect;
    f.world.advance(600'000);
    CHECK(node_of(f.a).calls.connect == connects);
    CHECK(tcp_connected_relays_count(f.a.c) == 2);

    // The other peer comes online at three relays: now these two are not needed.
    const int back = befriend(absent, f.a.key, 6);
    for (int i = 0; i < 3; ++i) {
        Sim_Relay &relay = f.world.add_relay();
        tie(f.a, other, relay);
        tie(absent, back, relay);
    }
    f.world.advance(20'000);
    CHECK(tcp_connection_to_online_tcp_relays(f.a.c, other) == 3);
    CHECK(state_of(f.a, f.relay(0)) == Relay_State::sleeping);
    CHECK(state_of(f.a, f.relay(1)) == Relay_State::sleeping);
}

TEST_CASE("holding: a relay is not put to sleep in the first 10 s after it was connected") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    Sim_Peer &b = world.add_peer();
    Sim_Relay &relay = world.add_relay();
    const int a_to_b = befriend(a, b.key, 0);
    tie(a, a_to_b, relay);
    tie(b, befriend(b, a.key, 0), relay);
    CHECK(set_tcp_connection_to_status(a.c, a_to_b, false) == Error::ok);
    REQUIRE(world.until(1'000, [&] { return tcp_connection_to_online_tcp_relays(a.c, a_to_b) == 1; }));
    world.advance(9'500);
    CHECK(is_up(a, relay));
    world.advance(1'500);
    CHECK(state_of(a, relay) == Relay_State::sleeping);
}

TEST_CASE("holding: a relay that sleeps wakes when an awake connection is tied to it") {
    Two_Peers f{ANY_TICKING(), 1};
    INFO(to_string(f.world.ticking));
    f.world.advance(20'000);
    CHECK(set_tcp_connection_to_status(f.a.c, f.a_to_b, false) == Error::ok);
    f.world.advance(1'000);
    REQUIRE(state_of(f.a, f.relay(0)) == Relay_State::sleeping);
    const int other = befriend(f.a, some_key(f.world), 5);
    CHECK(add_tcp_relay_connection(f.a.c, other, f.relay(0).address, f.relay(0).key) == Error::ok);
    CHECK(f.world.until(1'000, [&] { return is_up(f.a, f.relay(0)); }));
}

TEST_CASE("holding: a sleeping relay wakes when the host names it again for a peer that has too few relays") {
    Two_Peers f{ANY_TICKING(), 3};
    INFO(to_string(f.world.ticking));
    Sim_Relay &more = f.world.add_relay();
    const int other = befriend(f.a, some_key(f.world), 5);
    tie(f.a, other, more);
    tie(f.a, f.a_to_b, more);
    f.world.advance(20'000);
    REQUIRE(state_of(f.a, more) == Relay_State::sleeping);
    CHECK(add_tcp_relay_connection(f.a.c, f.a_to_b, more.address, more.key) == Error::already);
    f.world.advance(1'000);
    CHECK(state_of(f.a, more) == Relay_State::sleeping);
    CHECK(add_tcp_relay_connection(f.a.c, other, more.address, more.key) == Error::already);
    CHECK(f.world.until(1'000, [&] { return is_up(f.a, more); }));
}
