// Relays that end, hang or are cut off: the traffic moves to another relay, and the peers hear each other again soon.
#include "sim/world.h"

using namespace toxtcp;

namespace {

std::size_t lost_at_b(const Two_Peers &f) {
    return f.said - f.refused - f.b.data.size();
}

/// No packet reached b twice.
void check_nothing_twice(const Two_Peers &f) {
    std::set<std::string> seen;
    for (const Sim_Packet &packet : f.b.data) {
        CHECK(seen.insert(packet.bytes).second);
    }
}

} // namespace

TEST_CASE("failover: after an end of stream or a reset, the tick that sees it moves the traffic") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    f.talk(3'000, 20);
    Sim_Relay &relay = f.in_use();
    const int number = tcp_relay(f.a.c, relay.key);
    const std::uint64_t at = f.world.net.now;
    sim_relay_kill(relay, GENERATE(Sim_Ending::end_of_stream, Sim_Ending::reset));
    f.talk(3'000, 20);
    f.world.advance(200);
    const Sim_Change *down = first_change(f.a, Change_Kind::relay_down, number);
    const Sim_Change *moved = last_change(f.a, Change_Kind::moved);
    REQUIRE(down != nullptr);
    REQUIRE(moved != nullptr);
    CHECK(moved->at == down->at);
    CHECK(moved->change.previous == number);
    CHECK(moved->at <= at + 100);
    CHECK(longest_silence(f.b, at) <= 300);
    CHECK(lost_at_b(f) <= 100 / 20 + 2); // packets in flight, or sent before the end was seen
    check_nothing_twice(f);
    CHECK(connection_info(f.a, f.a_to_b).moves == 1);
}

TEST_CASE("failover: when relays are killed one after the other, the last one carries all traffic") {
    Two_Peers f{ANY_TICKING(), 4};
    INFO(to_string(f.world.ticking));
    for (int i = 0; i < 3; ++i) {
        f.talk(2'000, 50);
        const std::uint64_t at = f.world.net.now;
        sim_relay_kill(f.in_use(), Sim_Ending::reset);
        f.talk(1'000, 50);
        CHECK(longest_silence(f.b, at) <= 400);
        CHECK(longest_silence(f.a, at) <= 400);
    }
    CHECK(tcp_connection_to_online_tcp_relays(f.a.c, f.a_to_b) == 1);
}

TEST_CASE("failover: a relay that hangs is left within 3 s of its last answer") {
    Sim_Peer_Def def;
    def.profile = GENERATE(Profile::responsive, Profile::saver);
    const std::uint64_t every = GENERATE(20U, 100U, 700U);
    Two_Peers f{ANY_TICKING(), 3, 1, def};
    INFO(to_string(f.world.ticking) << ", a packet every " << every << " ms, profile "
                                    << static_cast<int>(def.profile));
    f.talk(5'000, every);
    Sim_Relay &relay = f.in_use();
    const int number = tcp_relay(f.a.c, relay.key);
    const std::uint64_t at = f.world.net.now;
    std::uint64_t limit = 3'000 + every;
    SECTION("its process is stopped") {
        sim_relay_stop(relay, true);
    }
    SECTION("its machine is gone") {
        sim_relay_kill(relay, Sim_Ending::silence);
    }
    SECTION("the network to it is cut") {
        sim_cut(f.world.net, relay.node, true);
    }
    SECTION("it is cut off from one of the two") {
        sim_cut_between(f.world.net, relay.node, f.b.node, true);
        limit = 5'000 + every; // a sees a relay that answers pings and delivers nothing
    }
    f.talk(10'000, every);
    CHECK(longest_silence(f.a, at) <= limit);
    CHECK(longest_silence(f.b, at) <= limit);
    CHECK(connection_info(f.a, f.a_to_b).sending != number);
    CHECK(connection_info(f.a, f.a_to_b).moves <= 2);
    check_nothing_twice(f);
}

TEST_CASE("failover: a relay that hangs under one-way traffic is left within 3 s as well") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    for (int i = 0; i < 50; ++i) {
        CHECK(send_text(f.a, f.a_to_b, std::to_string(i)) == Error::ok);
        f.world.advance(20);
    }
    const std::uint64_t at = f.world.net.now;
    sim_relay_stop(f.in_use(), true);
    for (int i = 50; i < 500; ++i) {
        CHECK(send_text(f.a, f.a_to_b, std::to_string(i)) == Error::ok);
        f.world.advance(20);
    }
    CHECK(longest_silence(f.b, at) <= 3'000);
}

TEST_CASE("failover: when all relays but one hang, that one carries the traffic") {
    Two_Peers f{ANY_TICKING(), 3};
    INFO(to_string(f.world.ticking));
    f.talk(12'000, 50);
    const std::uint64_t at = f.world.net.now;
    const std::size_t survivor = GENERATE(0U, 1U, 2U);
    for (std::size_t i = 0; i < 3; ++i) {
        sim_relay_stop(f.relay(i), i != survivor);
    }
    f.talk(8'000, 50);
    CHECK(longest_silence(f.a, at) <= 4'000);
    CHECK(longest_silence(f.b, at) <= 4'000);
}

TEST_CASE("failover: a stale relay that answers again is used again, and was never disconnected") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    f.talk(5'000, 100);
    Sim_Relay &relay = f.in_use();
    const int number = tcp_relay(f.a.c, relay.key);
    sim_relay_stop(relay, true);
    f.talk(5'000, 100);
    CHECK(state_of(f.a, relay) == Relay_State::stale);
    CHECK(relay_info(f.a, number).times_stale == 1);
    CHECK(count_changes(f.a, Change_Kind::relay_stale, number) == 1);
    sim_relay_stop(relay, false);
    f.talk(1'000, 100);
    CHECK(state_of(f.a, relay) == Relay_State::connected);
    CHECK(count_changes(f.a, Change_Kind::relay_recovered, number) == 1);
    CHECK(count_changes(f.a, Change_Kind::relay_down) == 0);
    CHECK(tcp_connection_to_online_tcp_relays(f.a.c, f.a_to_b) == 3);
    // The other relays end: now the relay that had hung carries the traffic.
    for (Sim_Relay &other : f.world.relays) {
        if (&other != &relay) {
            sim_relay_kill(other);
        }
    }
    const std::uint64_t at = f.world.net.now;
    f.talk(1'000, 100);
    CHECK(longest_silence(f.b, at) <= 500);
}

TEST_CASE("failover: a hung relay is disconnected by the protocol's own time limit, and no peer is online there") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    f.talk(5'000, 100);
    Sim_Relay &relay = f.in_use();
    const int number = tcp_relay(f.a.c, relay.key);
    sim_relay_stop(relay, true);
    f.talk(45'000, 100);
    REQUIRE(count_changes(f.a, Change_Kind::relay_down, number) >= 1);
    CHECK(tcp_connection_to_online_tcp_relays(f.a.c, f.a_to_b) == 2);
}

TEST_CASE("failover: at most one extra ping a second on a relay in use, and one per echo on another relay") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    const int connection = befriend(a, some_key(world), 0);
    for (int i = 0; i < 3; ++i) {
        tie(a, connection, world.add_scripted());
    }
    REQUIRE(world.until(2'000, [&] { return tcp_connected_relays_count(a.c) == 3; }));
    world.advance(500);
    for (Scripted_Relay &relay : world.scripted) {
        scripted_send(relay, {2, 16});
    }
    world.advance(500);
    constexpr std::size_t SECONDS = 120;
    for (std::size_t i = 0; i < SECONDS * 10; ++i) {
        CHECK(send_text(a, connection, "x") == Error::ok);
        world.advance(100);
    }
    // The peer says nothing and answers no echo, so traffic rotates.
    for (Scripted_Relay &relay : world.scripted) {
        const std::size_t pings = scripted_count(relay, Packet_Type::ping);
        const std::size_t data = scripted_count(relay, Packet_Type::data);
        const auto of_routes = std::count_if(relay.packets.begin(), relay.packets.end(), [](const auto &one) {
            return static_cast<std::uint8_t>(one.plain.front()) >= FIRST_ROUTING_ID;
        });
        const std::size_t echoes = static_cast<std::size_t>(of_routes) - data;
        INFO("pings " << pings << ", data " << data << ", echoes " << echoes);
        CHECK(pings <= 1 + SECONDS / 30 + (data != 0 ? SECONDS : echoes));
        for (std::size_t i = 0; i + 2 < relay.packets.size(); ++i) {
            CHECK(relay.packets[i].at <= relay.packets[i + 1].at);
        }
    }
    CHECK(count_changes(a, Change_Kind::relay_stale) == 0);
}

TEST_CASE("failover: a slow relay is not taken for a hung one") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    for (Sim_Relay &relay : f.world.relays) {
        node_of(relay).latency = 300; // a round trip of 610 ms
    }
    f.talk(120'000, 250);
    CHECK(count_changes(f.a, Change_Kind::relay_stale) == 0);
    CHECK(connection_info(f.a, f.a_to_b).moves <= 1);
    CHECK(lost_at_b(f) <= 8); // under way
}

TEST_CASE("failover: a relay that stops reading but still sends is disconnected as stuck, and connected again") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    f.talk(3'000, 20);
    Sim_Relay &relay = f.in_use();
    const int number = tcp_relay(f.a.c, relay.key);
    const std::uint64_t at = f.world.net.now;
    node_of(relay).capacity = 100; // small: the socket is full before traffic leaves the relay for its silence
    REQUIRE(sim_relay_unread(relay, f.a.key));
    f.talk(10'000, 20);
    const Sim_Change *down = first_change(f.a, Change_Kind::relay_down, number);
    REQUIRE(down != nullptr);
    CHECK(down->change.reason == Reason::stuck);
    CHECK(down->at >= at + 5'000);
    CHECK(down->at <= at + 7'000);
    CHECK(longest_silence(f.b, at) <= 1'500); // the other relays took over as soon as the socket was full
    CHECK(f.refused <= 20);
    CHECK(relay_info(f.a, number).state == Relay_State::connected);
    CHECK(count_changes(f.a, Change_Kind::relay_stale) == 0);
    CHECK(count_changes(f.a, Change_Kind::relay_down) == 1);
}

TEST_CASE("failover: a relay whose socket was full for a while and is then idle is not taken for stuck") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    f.talk(3'000, 20);
    Sim_Relay &relay = f.in_use();
    node_of(relay).capacity = 2'000;
    const std::string text(1'300, 'x');
    const bool in_part = GENERATE(true, false);
    for (int i = 0; i < (in_part ? 2 : 1); ++i) {
        CHECK(send_text(f.a, f.a_to_b, text) == Error::ok);
    }
    node_of(relay).capacity = in_part ? 2'000 : 0;
    CHECK(send_text(f.a, f.a_to_b, text) == Error::full);
    f.world.advance(100);
    node_of(relay).capacity = 64 * 1024;
    f.world.advance(60'000);
    CHECK(count_changes(f.a, Change_Kind::relay_down) == 0);
}

TEST_CASE("failover: while the peer hangs, no relay is counted as failed") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    f.talk(5'000, 100);
    sim_stop(f.world.net, f.b.node, true);
    for (int i = 0; i < 300; ++i) {
        (void)send_text(f.a, f.a_to_b, "anyone there?");
        f.world.advance(100);
    }
    sim_stop(f.world.net, f.b.node, false);
    f.talk(10'000, 100);
    for (const Sim_Relay &relay : f.world.relays) {
        const Relay_Info info = relay_info(f.a, tcp_relay(f.a.c, relay.key));
        CHECK(info.failures == 0);
        CHECK(info.state == Relay_State::connected);
    }
}
