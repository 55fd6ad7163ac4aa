// Reconnection: a dead relay is tried with growing pauses. After an outage of all relays the client is back soon,
// without a storm of connects.
#include "sim/world.h"

using namespace toxtcp;

namespace {

/// Advances by `ms`, and returns the highest number of connects in one second.
std::uint64_t most_connects_in_a_second(World &world, Sim_Peer &peer, std::uint64_t ms) {
    std::uint64_t most = 0;
    for (std::uint64_t passed = 0; passed < ms; passed += 1'000) {
        const std::uint64_t before = node_of(peer).calls.connect;
        world.advance(1'000);
        most = std::max(most, node_of(peer).calls.connect - before);
    }
    return most;
}

} // namespace

TEST_CASE("reconnect: a dead relay is tried with growing pauses, and stays tied to its connections") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    Sim_Relay &dead = f.relay(0);
    const int number = tcp_relay(f.a.c, dead.key);
    sim_relay_kill(dead);
    std::vector<std::uint64_t> attempts;
    std::uint64_t connects = node_of(f.a).calls.connect;
    for (int i = 0; i < 3'600; ++i) {
        f.world.advance(1'000);
        if (node_of(f.a).calls.connect != connects) {
            connects = node_of(f.a).calls.connect;
            attempts.push_back(f.world.net.now);
        }
    }
    CHECK(attempts.size() >= 20); // it is never given up
    CHECK(std::count_if(attempts.begin(), attempts.end(),
                        [&](std::uint64_t at) { return at > attempts[0] + 60'000; }) <= 40);
    for (std::size_t i = 1; i < attempts.size(); ++i) {
        CHECK(attempts[i] - attempts[i - 1] <= 212'000); // 3 min, and the time that it may wait for another wake-up
    }
    CHECK(relay_info(f.a, number).state == Relay_State::waiting);
    CHECK(relay_info(f.a, number).attempts >= 20);
    CHECK(connection_info(f.a, f.a_to_b).routes_count == 3);
    sim_relay_return(dead);
    CHECK(f.world.until(212'000, [&] { return tcp_connection_to_online_tcp_relays(f.a.c, f.a_to_b) == 3; }));
    CHECK(relay_info(f.a, number).attempts != 0); // until the connection has lasted for a minute
    f.world.advance(61'000);
    sim_relay_drop(dead, f.a.key);
    CHECK(f.world.until(1'000, [&] { return is_up(f.a, dead); }));
}

TEST_CASE("reconnect: a relay with several addresses is reached at any of them, however often all are named") {
    const std::size_t good = GENERATE(0U, 1U, 3U, 5U, 7U);
    const bool silent = GENERATE(false, true); // at the other addresses nobody answers, or connects are refused
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking) << ", address " << good << ", silent: " << silent);
    Sim_Peer &a = world.add_peer();
    Sim_Relay &relay = world.add_relay();
    std::vector<Ip_Port> addresses;
    for (std::size_t i = 0; i < 8; ++i) {
        Sim_Relay &other = world.add_relay();
        node_of(other).blackhole = silent;
        node_of(other).refusing = !silent;
        addresses.push_back(i == good ? relay.address : other.address);
    }
    for (int i = 0; i < 20 && !is_up(a, relay); ++i) {
        for (const Ip_Port &address : addresses) {
            (void)add_tcp_relay_global(a.c, address, relay.key);
        }
        world.advance(5'000);
    }
    CHECK(is_up(a, relay));
}

TEST_CASE("reconnect: wrong addresses that a peer names keep no relay away, and cost few attempts") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    Sim_Relay &relay = f.relay(0);
    const int hostile = befriend(f.a, some_key(f.world), 1);
    Ip_Port wrong = sim_new_address(f.world.net);
    const auto name_wrong_addresses = [&](std::uint64_t ms) {
        for (const std::uint64_t end = f.world.net.now + ms; f.world.net.now < end && !is_up(f.a, relay);) {
            ++wrong.port;
            REQUIRE(add_tcp_relay_connection(f.a.c, hostile, wrong, relay.key) != Error::limit);
            f.world.advance(2'200);
        }
    };
    sim_relay_kill(relay);
    f.world.advance(1'000);
    name_wrong_addresses(60'000);
    const std::uint64_t connects = node_of(f.a).calls.connect;
    name_wrong_addresses(3'600'000);
    REQUIRE_FALSE(is_up(f.a, relay));
    CHECK(node_of(f.a).calls.connect - connects <= 40 + 6);
    sim_relay_return(relay);
    name_wrong_addresses(2 * 212'000); // two attempts
    CHECK(is_up(f.a, relay));
}

TEST_CASE("reconnect: an address is not taken from a peer whose connection takes no further relay") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    const int other = befriend(f.a, some_key(f.world), 1);
    for (std::size_t i = 0; i < MAX_FRIEND_TCP_CONNECTIONS; ++i) {
        tie(f.a, other, f.world.add_relay());
    }
    f.world.advance(1'000);
    Sim_Relay &relay = f.relay(0);
    sim_relay_move(relay);
    f.world.advance(1'000);
    CHECK(add_tcp_relay_connection(f.a.c, other, relay.address, relay.key) == Error::limit);
    f.world.advance(60'000);
    CHECK_FALSE(is_up(f.a, relay));
    CHECK(add_tcp_relay_connection(f.a.c, f.a_to_b, relay.address, relay.key) == Error::already);
    CHECK(f.world.until(500, [&] { return is_up(f.a, relay); })); // a new address is tried at once
}

TEST_CASE("reconnect: relays that were closed as not needed come back when no relay is connected") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer_Def def;
    def.profile = GENERATE(Profile::responsive, Profile::saver);
    Sim_Peer &a = world.add_peer(def);
    const int friendship = befriend(a, world.add_peer().key, 0); // a peer that is online nowhere
    const std::uint32_t kept = def.profile == Profile::saver ? 1 : RECOMMENDED_FRIEND_TCP_CONNECTIONS;
    std::vector<Sim_Relay *> relays;
    for (int i = 0; i < 5; ++i) {
        relays.push_back(&world.add_relay());
        tie(a, friendship, *relays.back());
    }
    world.advance(12'000);
    CHECK(tcp_connected_relays_count(a.c) == kept);
    world.advance(60'000); // none comes back without need
    CHECK(tcp_connected_relays_count(a.c) == kept);
    for (Sim_Relay *const relay : relays) {
        if (is_up(a, *relay)) {
            sim_relay_kill(*relay);
        }
    }
    CHECK(world.until(4'000, [&] { return tcp_connected_relays_count(a.c) != 0; }));
}

TEST_CASE("reconnect: relays that were closed as not needed come back when fewer are connected than wanted") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    Sim_Peer &b = world.add_peer();
    const int a_to_b = befriend(a, b.key, 0);
    for (int i = 0; i < 4; ++i) {
        tie(a, a_to_b, world.add_relay());
    }
    world.advance(15'000);
    REQUIRE(tcp_connected_relays_count(a.c) == RECOMMENDED_FRIEND_TCP_CONNECTIONS);
    int killed = 0;
    for (Sim_Relay &relay : world.relays) {
        if (!is_up(a, relay)) {
            tie(b, befriend(b, a.key, 0), relay); // the peer is at this relay alone
        } else if (killed++ < 2) {
            sim_relay_kill(relay);
        }
    }
    CHECK(world.until(4'000, [&] { return tcp_connection_to_online_tcp_relays(a.c, a_to_b) == 1; }));
}

TEST_CASE("reconnect: a relay that was closed as not needed gives its place to a new one") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    const int friendship = befriend(a, world.add_peer().key, 0);
    for (std::size_t i = 0; i < MAX_FRIEND_TCP_CONNECTIONS; ++i) {
        tie(a, friendship, world.add_relay());
    }
    world.advance(12'000);
    REQUIRE(tcp_connected_relays_count(a.c) == RECOMMENDED_FRIEND_TCP_CONNECTIONS);
    Sim_Relay &more = world.add_relay();
    tie(a, friendship, more);
    CHECK(world.until(2'000, [&] { return is_up(a, more); }));
}

TEST_CASE("reconnect: a relay that restarts is back soon") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    sim_relay_kill(f.relay(0));
    f.world.advance(200);
    sim_relay_return(f.relay(0));
    CHECK(f.world.until(2'000, [&] { return tcp_connection_to_online_tcp_relays(f.a.c, f.a_to_b) == 3; }));
}

TEST_CASE("reconnect: clients that lose the same relay do not come back all at once") {
    World world{Ticking::when_woken};
    Sim_Relay &relay = world.add_relay();
    for (int i = 0; i < 40; ++i) {
        Sim_Peer &peer = world.add_peer();
        hold(peer, relay);
    }
    world.advance(2'000);
    REQUIRE(relay_server_clients(relay.server) == 40);
    sim_relay_kill(relay);
    world.advance(20'000);
    std::set<std::uint64_t> deadlines;
    for (Sim_Peer &peer : world.peers) {
        deadlines.insert(tcp_connections_deadline(peer.c) / 10);
    }
    CHECK(deadlines.size() >= 20);
}

TEST_CASE("reconnect: after a total outage the connections are back within 5 s, without a storm of connects") {
    Two_Peers f{ANY_TICKING(), 4};
    INFO(to_string(f.world.ticking));
    const std::uint64_t outage = GENERATE(15'000U, 70'000U, 600'000U);
    f.talk(5'000, 100);
    enum class Kind { cut, unreachable, relays_killed };
    const Kind kind = GENERATE(Kind::cut, Kind::unreachable, Kind::relays_killed);
    INFO("outage of " << outage << " ms, kind " << static_cast<int>(kind));
    switch (kind) {
    case Kind::cut: // what was sent is sent again, but as late as TCP does that
        sim_cut(f.world.net, f.a.node, true);
        break;
    case Kind::unreachable:
        node_of(f.a).unreachable = true;
        sim_cut(f.world.net, f.a.node, true);
        break;
    case Kind::relays_killed:
        for (Sim_Relay &relay : f.world.relays) {
            sim_relay_kill(relay, Sim_Ending::reset);
        }
        break;
    }
    std::uint64_t most = 0;
    for (std::uint64_t passed = 0; passed < outage; passed += 1'000) {
        const std::uint64_t before = node_of(f.a).calls.connect;
        f.talk(1'000, 200);
        most = std::max(most, node_of(f.a).calls.connect - before);
    }
    CHECK(most <= (kind == Kind::unreachable ? 4 : 3));
    const std::uint64_t at = f.world.net.now;
    node_of(f.a).unreachable = false;
    sim_cut(f.world.net, f.a.node, false, outage);
    for (Sim_Relay &relay : f.world.relays) {
        sim_relay_return(relay);
    }
    bool back = false;
    for (int i = 0; i < 50 && !back; ++i) {
        f.talk(100, 100);
        back = !f.a.data.empty() && !f.b.data.empty() && f.a.data.back().at > at && f.b.data.back().at > at;
    }
    CHECK(back);
    const std::uint64_t before = node_of(f.a).calls.connect;
    f.talk(10'000, 100);
    CHECK(node_of(f.a).calls.connect - before <= 8);
    CHECK(tcp_connection_to_online_tcp_relays(f.a.c, f.a_to_b) >= 3);
}

TEST_CASE("reconnect: a client with many relays and friends comes back to all its friends within 5 s") {
    World world{Ticking::when_woken};
    Sim_Peer &a = world.add_peer();
    for (int i = 0; i < 8; ++i) {
        world.add_relay();
    }
    std::vector<int> connections;
    for (int i = 0; i < 12; ++i) {
        Sim_Peer &other = world.add_peer();
        connections.push_back(befriend(a, other.key, i));
        const int back = befriend(other, a.key, 0);
        for (std::size_t k = 0; k < 3; ++k) {
            Sim_Relay &relay = world.relays[(static_cast<std::size_t>(i) + k * 3) % 8];
            tie(a, connections.back(), relay);
            tie(other, back, relay);
        }
    }
    world.advance(15'000);
    sim_cut(world.net, a.node, true);
    CHECK(most_connects_in_a_second(world, a, 120'000) <= 3);
    CHECK(tcp_connected_relays_count(a.c) == 0);
    sim_cut(world.net, a.node, false, 60'000);
    CHECK(world.until(5'000, [&] {
        return std::all_of(connections.begin(), connections.end(),
                           [&](int connection) { return tcp_connection_to_online_tcp_relays(a.c, connection) >= 1; });
    }));
}

TEST_CASE("reconnect: a client that is told of a network change is back within 4 s") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    f.talk(2'000, 100);
    // The client gets another address: nothing reaches its old connections any more, and new ones work.
    sim_cut(f.world.net, f.a.node, true);
    f.talk(300, 100);
    sim_cut(f.world.net, f.a.node, false, 3'600'000);
    tcp_connections_network_changed(f.a.c);
    const std::uint64_t at = f.world.net.now;
    f.talk(8'000, 100);
    CHECK(longest_silence(f.b, at) <= 4'000);
    CHECK(longest_silence(f.a, at) <= 4'000);
    CHECK(tcp_connection_to_online_tcp_relays(f.a.c, f.a_to_b) == 3);
    CHECK(relay_info(f.a, 0).last_end == Reason::network_changed);
}

TEST_CASE("reconnect: a reported network change that broke nothing ends no connection and moves no traffic") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    f.talk(2'000, 100);
    tcp_connections_network_changed(f.a.c);
    f.talk(5'000, 100);
    CHECK(count_changes(f.a, Change_Kind::relay_down) == 0);
    CHECK(connection_info(f.a, f.a_to_b).moves == 0);
}

TEST_CASE("reconnect: a network change that broke nothing ends no idle connection with a round trip of 2 s") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    node_of(a).latency = 1'000;
    for (int i = 0; i < 3; ++i) {
        hold(a, world.add_relay());
    }
    world.advance(15'000);
    REQUIRE(tcp_connected_relays_count(a.c) == 3);
    tcp_connections_network_changed(a.c);
    world.advance(8'000);
    CHECK(count_changes(a, Change_Kind::relay_down) == 0);
}

TEST_CASE("reconnect: a client that slept for an hour is back within 5 s of waking") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    f.talk(2'000, 100);
    sim_stop(f.world.net, f.a.node, true);
    sim_cut(f.world.net, f.a.node, true);
    f.world.advance(3'600'000);
    sim_cut(f.world.net, f.a.node, false, 60'000);
    sim_stop(f.world.net, f.a.node, false);
    const std::uint64_t at = f.world.net.now;
    f.talk(6'000, 100);
    CHECK(longest_silence(f.a, at) <= 5'000);
    CHECK(longest_silence(f.b, at) <= 5'000);
}

TEST_CASE("few relays: with the peer online at more relays than wanted, both ends prune the same ones") {
    Two_Peers f{ANY_TICKING(), 6};
    INFO(to_string(f.world.ticking));
    f.talk(120'000, 500);
    CHECK(tcp_connection_to_online_tcp_relays(f.a.c, f.a_to_b) == 3);
    CHECK(tcp_connection_to_online_tcp_relays(f.b.c, f.b_to_a) == 3);
    CHECK(tcp_connected_relays_count(f.a.c) == 3);
    CHECK(tcp_connected_relays_count(f.b.c) == 3);
    CHECK(connection_info(f.a, f.a_to_b).moves == 0);
    CHECK(connection_info(f.a, f.a_to_b).routes_count == 6); // they are remembered
    // Two of the three die: pruned relays are used again.
    int killed = 0;
    for (Sim_Relay &relay : f.world.relays) {
        if (killed < 2 && is_up(f.a, relay)) {
            sim_relay_kill(relay);
            ++killed;
        }
    }
    f.talk(30'000, 500);
    CHECK(tcp_connection_to_online_tcp_relays(f.a.c, f.a_to_b) >= 3);
}
