// How the library treats its host: system calls, readiness, sleep between ticks, sockets that cut bytes anywhere.
#include "sim/world.h"

using namespace toxtcp;

TEST_CASE("host: a tick with nothing to do is one system call, however many relays there are") {
    World world{Ticking::when_woken};
    Sim_Peer &a = world.add_peer();
    const int relays = GENERATE(0, 1, 64);
    std::vector<int> connections;
    for (int i = 0; i < relays; ++i) {
        Sim_Peer &other = world.add_peer();
        Sim_Relay &relay = world.add_relay();
        tie(a, befriend(a, other.key, i), relay);
        tie(other, befriend(other, a.key, 0), relay);
    }
    world.advance(12'345);
    CHECK(tcp_connected_relays_count(a.c) == static_cast<std::uint32_t>(relays));
    const Sim_Calls before = node_of(a).calls;
    for (int i = 0; i < 100; ++i) {
        sim_peer_tick(a);
    }
    CHECK(node_of(a).calls.total() - before.total() == 100);
    CHECK(node_of(a).calls.ready - before.ready == 100);
}

TEST_CASE("host: an idle client that sleeps between ticks hardly ever wakes") {
    Two_Peers f{Ticking::when_woken, 3};
    f.world.advance(60'000);
    const std::uint64_t before = node_of(f.a).runs;
    f.world.advance(3'600'000);
    // Every 30 s for each relay: our ping, its pong, its ping, our pong.
    CHECK(node_of(f.a).runs - before <= 3 * 120 * 4);
    CHECK(tcp_connection_to_online_tcp_relays(f.a.c, f.a_to_b) == 3);
    CHECK(count_lines(f.a, Log_Level::warning) == 0);
}

TEST_CASE("host: the descriptor, the deadline and the timeout say what the host has to wait for") {
    World world{Ticking::when_woken};
    Sim_Peer &a = world.add_peer();
    CHECK(tcp_connections_descriptor(a.c) == static_cast<int>(a.node));
    CHECK(tcp_connections_deadline(a.c) == NEVER);
    CHECK(tcp_connections_timeout(a.c) == -1);
    hold(a, world.add_relay());
    CHECK(tcp_connections_deadline(a.c) > world.net.now);
    CHECK(tcp_connections_deadline(a.c) <= world.net.now + 10'000);
    world.advance(60'000);
    const std::uint64_t deadline = tcp_connections_deadline(a.c);
    REQUIRE(deadline != NEVER);
    CHECK(static_cast<std::uint64_t>(tcp_connections_timeout(a.c)) == deadline - world.net.now);
    sim_stop(world.net, a.node, true);
    world.advance(deadline - world.net.now + 1);
    CHECK(tcp_connections_timeout(a.c) == 0);
}

TEST_CASE("host: the stream may be cut into pieces of any size, both ways") {
    const std::size_t piece = GENERATE(1U, 2U, 7U, 100U, 2'000U);
    const std::uint64_t seed = GENERATE(1U, 2U, 3U);
    World world{ANY_TICKING(), seed};
    INFO(to_string(world.ticking) << ", pieces of up to " << piece << ", seed " << seed);
    Sim_Peer &a = world.add_peer();
    Sim_Peer &b = world.add_peer();
    Sim_Relay &relay = world.add_relay();
    world.tick_often();
    node_of(relay).piece = piece;
    node_of(a).send_piece = piece;
    const int a_to_b = befriend(a, b.key, 1);
    const int b_to_a = befriend(b, a.key, 2);
    tie(a, a_to_b, relay);
    tie(b, b_to_a, relay);
    REQUIRE(world.until(60'000, [&] {
        return tcp_connection_to_online_tcp_relays(a.c, a_to_b) == 1 &&
               tcp_connection_to_online_tcp_relays(b.c, b_to_a) == 1;
    }));
    std::vector<std::string> sent;
    for (std::size_t i = 0; i < 40; ++i) {
        std::string text = std::to_string(i) + ":";
        // Not longer than what gets through before a ping behind it times out.
        const std::size_t most = std::min(50 * piece, MAX_DATA_SIZE - 4);
        text.resize(text.size() + sim_below(world.net.random, most), static_cast<char>('a' + i % 26));
        // A socket that takes a few bytes at a time is often full, so each send is tried again.
        REQUIRE(world.until(100'000, [&] { return send_text(a, a_to_b, text) == Error::ok; }));
        REQUIRE(world.until(100'000, [&] { return send_text(b, b_to_a, text) == Error::ok; }));
        sent.push_back(text);
    }
    CHECK(world.until(200'000, [&] { return a.data.size() == sent.size() && b.data.size() == sent.size(); }));
    REQUIRE(a.data.size() == sent.size());
    REQUIRE(b.data.size() == sent.size());
    for (std::size_t i = 0; i < sent.size(); ++i) {
        CHECK(a.data[i].bytes == sent[i]);
        CHECK(b.data[i].bytes == sent[i]);
    }
    CHECK(count_lines(a, Log_Level::warning) == 0);
}

TEST_CASE("host: bytes may arrive one at a time, with time between") {
    Ticking ticking = ANY_TICKING();
    World world{ticking};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    Scripted_Relay &relay = world.add_scripted();
    world.net.nodes[relay.node]->piece = 1;
    world.net.nodes[relay.node]->spread = 3;
    hold(a, relay);
    REQUIRE(world.until(5'000, [&] { return is_up(a, relay); }));
    scripted_send(relay, bytes_of("\11first"));
    scripted_send(relay, bytes_of("\11second"));
    world.advance(1'000);
    CHECK(heard_once(a.onion, "first"));
    CHECK(heard_once(a.onion, "second"));
}

TEST_CASE("control packets are never lost to a full socket") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    Scripted_Relay &relay = world.add_scripted();
    const int first = befriend(a, some_key(world), 0);
    std::vector<int> old;
    tie(a, first, relay);
    for (int i = 0; i < 50; ++i) {
        old.push_back(befriend(a, some_key(world), i));
        tie(a, old.back(), relay);
    }
    REQUIRE(world.until(1'000, [&] { return !relay.clients.empty() && relay.clients[0].routes.size() == 51; }));
    scripted_send(relay, {2, 16});
    world.advance(200);
    // The relay's process stops, and the socket to it is filled to the last byte.
    sim_stop(world.net, relay.node, true);
    world.net.nodes[relay.node]->capacity = 10'000;
    int sent = 0;
    while (sent < 100 && send_text(a, first, std::string(1'000, 'x')) == Error::ok) {
        ++sent;
    }
    CHECK(send_text(a, first, "x") == Error::full);
    // Disconnect notifications, routing requests and a pong: there is room for none of them.
    for (const int connection : old) {
        CHECK(kill_tcp_connection_to(a.c, connection) == Error::ok);
    }
    for (int i = 0; i < 60; ++i) {
        tie(a, befriend(a, some_key(world), 100 + i), relay);
    }
    scripted_send(relay, bytes_of("\4pingping"));
    world.advance(500);
    CHECK(send_text(a, first, "x") == Error::full);
    CHECK(is_up(a, relay));
    sim_stop(world.net, relay.node, false);
    world.advance(1'000);
    CHECK_FALSE(relay.broken);
    CHECK(scripted_count(relay, Packet_Type::data) == static_cast<std::size_t>(sent));
    CHECK(scripted_count(relay, Packet_Type::disconnect_notification) == 50);
    CHECK(scripted_count(relay, Packet_Type::routing_request) == 51 + 60);
    CHECK(scripted_packet(relay, Packet_Type::pong, scripted_count(relay, Packet_Type::pong) - 1) == "\5pingping");
    CHECK(send_text(a, first, "x") == Error::ok);
    CHECK(relay_info(a, 0).connections == 61);
}

TEST_CASE("a socket that is full for a while: data is refused, and what was taken arrives whole and once") {
    Two_Peers f{ANY_TICKING(), 1};
    INFO(to_string(f.world.ticking));
    Sim_Node &node = node_of(f.relay(0));
    node.capacity = 3'000;
    node.piece = 500;
    node.rest = 20; // a slow reader
    std::vector<std::string> taken;
    for (int i = 0; i < 300; ++i) {
        const std::string text = std::to_string(i) + std::string(700, 'x');
        if (send_text(f.a, f.a_to_b, text) == Error::ok) {
            taken.push_back(text);
        }
        f.world.advance(10);
    }
    f.world.advance(10'000);
    CHECK(taken.size() > 50);
    CHECK(taken.size() < 300);
    REQUIRE(f.b.data.size() == taken.size());
    for (std::size_t i = 0; i < taken.size(); ++i) {
        CHECK(f.b.data[i].bytes == taken[i]);
    }
    CHECK(count_changes(f.a, Change_Kind::relay_down) == 0);
}

TEST_CASE("two runs with the same seed are the same") {
    const auto run = [](std::uint64_t seed) {
        Two_Peers f{Ticking::when_woken, 4, seed};
        for (Sim_Relay &relay : f.world.relays) {
            node_of(relay).jitter = 20;
            node_of(relay).piece = 50;
        }
        f.talk(5'000);
        sim_relay_kill(f.in_use());
        f.talk(5'000);
        std::uint64_t sum = f.world.net.order + 7 * f.world.net.links_made + sim_random(f.world.net.random);
        for (const Sim_Packet &packet : f.b.data) {
            sum = sum * 31 + packet.at;
        }
        return sum;
    };
    const std::uint64_t first = run(11);
    CHECK(run(11) == first);
    CHECK(run(12) != first);
}
