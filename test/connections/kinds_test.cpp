// Kinds of fault that once took clients off the network, or let one peer harm another. Each test is about one kind.
#include <toxtcp/echo.h>

#include "connections/peers.h"
#include "connections/relays.h"
#include "sim/world.h"

using namespace toxtcp;

namespace {

/// From now on the relay ends every connection as soon as its client has sent something.
void shake_hands_and_close(World &world, Sim_Relay &relay) {
    relay.seen = [&world, &relay](const Public_Key &from, const Packet &) {
        sim_at(world.net, world.net.now, [&relay, client = from] { (void)sim_relay_drop(relay, client); });
    };
}

/// Names relays that have ended.
void hold_dead(World &world, Sim_Peer &peer, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        Sim_Relay &relay = world.add_relay();
        hold(peer, relay);
        sim_relay_kill(relay, Sim_Ending::reset);
    }
}

/// Ends the peer's connection and makes it again, over all relays.
void remake(World &world, Sim_Peer &peer, int &connection, const Public_Key &other) {
    REQUIRE(kill_tcp_connection_to(peer.c, connection) == Error::ok);
    connection = befriend(peer, other, 1);
    for (const Sim_Relay &relay : world.relays) {
        tie(peer, connection, relay);
    }
}

/// The first relay says to `peer` that the other end of this connection is online there, or offline.
void say(World &world, Sim_Peer &peer, int connection, bool online) {
    Sim_Relay &relay = world.relays.front();
    const Connection &to = peer.c->peers[peer.c->peers.find(connection)];
    const std::uint8_t id = to.routes[find_route(to, find_relay(*peer.c, relay.key))].id;
    const std::array<std::uint8_t, 2> plain{online ? std::uint8_t{2} : std::uint8_t{3}, id};
    REQUIRE(sim_relay_inject(relay, peer.key, plain));
}

std::uint64_t echo_bytes(const Sim_Peer &peer, int connection) {
    const Connection_Info info = connection_info(peer, connection);
    return info.echoes_sent * ECHO_REQUEST_SIZE + info.echoes_answered * ECHO_RESPONSE_SIZE;
}

/// After two minutes the relay is back. The client must be connected there in time. `told`: the host reports a change.
void check_return(World &world, Sim_Peer &a, Sim_Relay &relay, bool told) {
    world.advance(120'000);
    sim_relay_return(relay);
    if (told) {
        tcp_connections_network_changed(a.c);
    }
    CHECK(world.until(told ? 3'000 : 15'000, [&] { return is_up(a, relay); }));
}

} // namespace

// ---- the queue of relays that wait -----------------------------------------------------------------------------

TEST_CASE("kinds: after an outage, any number of dead relays do not delay the relay that was in use") {
    World world{ANY_TICKING()};
    const std::size_t dead = GENERATE(3U, 10U, 40U);
    const std::size_t in_lower_slots = GENERATE(0U, 1U) * dead;
    const bool told = GENERATE(true, false);
    INFO(to_string(world.ticking) << ", " << dead << " dead, " << in_lower_slots << " in lower slots, told " << told);
    Sim_Peer &a = world.add_peer();
    hold_dead(world, a, in_lower_slots);
    Sim_Relay &honest = world.add_relay();
    hold(a, honest);
    hold_dead(world, a, dead - in_lower_slots);
    world.advance(10'000);
    REQUIRE(is_up(a, honest));
    sim_relay_kill(honest, Sim_Ending::reset);
    check_return(world, a, honest, told);
}

TEST_CASE("kinds: after an outage, relays that were in use and have died do not delay the one that returns") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    const bool told = GENERATE(true, false);
    const std::size_t in_use = told ? 15 : 6;
    Sim_Peer &a = world.add_peer();
    for (std::size_t i = 0; i < in_use; ++i) {
        hold(a, world.add_relay());
    }
    world.advance(8'000);
    REQUIRE(tcp_connected_relays_count(a.c) == in_use);
    for (Sim_Relay &relay : world.relays) {
        sim_relay_kill(relay, Sim_Ending::reset);
    }
    hold_dead(world, a, 10);
    check_return(world, a, world.relays[in_use - 1], told);
}

TEST_CASE("kinds: in an outage, relays that were never connected take turns") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    hold_dead(world, a, 6);
    world.advance(120'000);
    Sim_Relay &back = world.relays[GENERATE(0U, 3U, 5U)];
    sim_relay_return(back);
    CHECK(world.until(15'000, [&] { return is_up(a, back); }));
}

TEST_CASE("kinds: relays that accept and close do not delay another relay's return") {
    Two_Peers f{ANY_TICKING(), 2};
    INFO(to_string(f.world.ticking));
    for (int i = 0; i < 4; ++i) {
        Sim_Relay &relay = f.world.add_relay();
        shake_hands_and_close(f.world, relay);
        hold(f.a, relay);
    }
    f.world.advance(60'000);
    sim_relay_kill(f.relay(0));
    f.world.advance(5'000);
    sim_relay_return(f.relay(0));
    CHECK(f.world.until(10'000, [&] { return is_up(f.a, f.relay(0)); }));
}

TEST_CASE("kinds: a relay that was in use and then accepts and closes does not delay a relay lost long before") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    Sim_Relay &lost_before = world.add_relay();
    Sim_Relay &closes = world.add_relay();
    hold(a, lost_before);
    hold(a, closes);
    world.advance(10'000);
    sim_relay_kill(lost_before);
    world.advance(LOST_TOGETHER_MS + 1'000);
    shake_hands_and_close(world, closes);
    REQUIRE(sim_relay_drop(closes, a.key));
    check_return(world, a, lost_before, false);
}

TEST_CASE("kinds: relays that failed several peers are connected again without extra delay when they restart") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    for (int i = 0; i < 3; ++i) {
        world.add_relay();
    }
    std::vector<int> connections;
    for (int i = 0; i < 3; ++i) {
        Sim_Peer &b = world.add_peer();
        connections.push_back(befriend(a, b.key, i));
        const int back = befriend(b, a.key, 0);
        for (Sim_Relay &relay : world.relays) {
            tie(a, connections.back(), relay);
            tie(b, back, relay);
        }
        b.on_data = [&b, back](const Sim_Packet &packet) { (void)send_text(b, back, packet.bytes); };
    }
    world.advance(2'000);
    for (std::size_t turn = 0; turn < 6; ++turn) { // each relay drops everything for 10 s, twice
        world.relays[turn % 3].drops_data = true;
        for (int i = 0; i < 100; ++i) {
            for (const int connection : connections) {
                (void)send_text(a, connection, "x");
            }
            world.advance(100);
        }
        world.relays[turn % 3].drops_data = false;
    }
    std::uint32_t failures = 0;
    for (Sim_Relay &relay : world.relays) {
        failures += relay_info(a, tcp_relay(a.c, relay.key)).failures;
        sim_relay_kill(relay);
    }
    CHECK(failures >= 6);
    world.advance(1'000);
    for (Sim_Relay &relay : world.relays) {
        sim_relay_return(relay);
    }
    CHECK(world.until(3'000, [&] { return tcp_connected_relays_count(a.c) == 3; }));
}

TEST_CASE("kinds: when an outage ends, a slow network or a proxy delays the first relay by about one connect") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    const bool told = GENERATE(true, false);
    Sim_Peer_Def def;
    const Proxy_Type type = GENERATE(Proxy_Type::none, Proxy_Type::socks5);
    if (type != Proxy_Type::none) {
        def.proxy = world.add_proxy(type).proxy;
    }
    Sim_Peer &a = world.add_peer(def);
    for (int i = 0; i < 3; ++i) {
        hold(a, world.add_relay());
    }
    REQUIRE(world.until(5'000, [&] { return tcp_connected_relays_count(a.c) == 3; }));
    sim_cut(world.net, a.node, true);
    world.advance(120'000);
    REQUIRE(tcp_connected_relays_count(a.c) == 0);
    node_of(a).latency = 545; // a round trip of 1.1 s
    sim_cut(world.net, a.node, false, 30'000);
    if (told) {
        tcp_connections_network_changed(a.c);
    }
    // Round trips: TCP's handshake, two with the proxy, and the relay's handshake.
    const std::uint64_t connect = 1'100U * (type == Proxy_Type::none ? 2U : 4U);
    CHECK(world.until((told ? 3'000 : 15'000) + connect, [&] { return tcp_connected_relays_count(a.c) != 0; }));
}

TEST_CASE("kinds: a relay that was away for a minute is connected again, although two others carry on") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    f.talk(5'000);
    sim_relay_kill(f.relay(1));
    f.talk(55'000);
    sim_relay_return(f.relay(1));
    f.talk(10'500);
    CHECK(tcp_connection_to_online_tcp_relays(f.a.c, f.a_to_b) == 3);
}

TEST_CASE("kinds: a relay that fails for hours costs one line of log an hour") {
    Two_Peers f{Ticking::when_woken};
    enum class Kind { refuses, silent, shakes_hands, flaps };
    const Kind kind = GENERATE(Kind::refuses, Kind::silent, Kind::shakes_hands, Kind::flaps);
    INFO(static_cast<int>(kind));
    f.world.advance(5'000);
    Sim_Relay &bad = f.relay(0);
    switch (kind) {
    case Kind::refuses:
        sim_relay_kill(bad);
        break;
    case Kind::silent:
        bad.never_answers_handshake = true;
        (void)sim_relay_drop(bad, f.a.key);
        break;
    case Kind::shakes_hands:
        shake_hands_and_close(f.world, bad);
        (void)sim_relay_drop(bad, f.a.key);
        break;
    case Kind::flaps:
        (void)sim_relay_drop(bad, f.a.key);
        break;
    }
    for (int i = 0; i < 3 * 360; ++i) {
        f.world.advance(10'000);
        if (kind == Kind::flaps) {
            (void)sim_relay_drop(bad, f.a.key);
        }
    }
    CHECK(count_lines(f.a, Log_Level::warning) >= 1);
    CHECK(count_lines(f.a, Log_Level::warning) <= 3);
}

TEST_CASE("kinds: relays that cannot be connected do not use up the slots") {
    World world{Ticking::when_woken};
    Sim_Peer &a = world.add_peer();
    for (int i = 0; i < 4; ++i) {
        hold(a, world.add_relay());
    }
    world.advance(3'000);
    Sim_Relay &dead = world.add_relay();
    sim_relay_kill(dead);
    const Public_Key peer = some_key(world);
    for (int i = 0; i < 2'000; ++i) {
        const int connection = befriend(a, peer, i);
        REQUIRE(add_tcp_relay_connection(a.c, connection, dead.address, some_key(world)) == Error::ok);
        REQUIRE(kill_tcp_connection_to(a.c, connection) == Error::ok);
        if (i % 200 == 199) { // no connection is tied to these relays any more
            world.advance(600'000);
            REQUIRE(tcp_connected_relays_count(a.c) >= 3);
        }
    }
    CHECK(tcp_connections_count(a.c) <= 300);
    sim_relay_return(dead);
    hold(a, dead);
    CHECK(world.until(3'000, [&] { return is_up(a, dead); }));
}

// ---- one relay, one key ----------------------------------------------------------------------------------------

TEST_CASE("kinds: a key and the same key with its unused top bit set are one relay, and one peer") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    Sim_Relay &relay = world.add_relay();
    Public_Key other = relay.key;
    other[KEY_SIZE - 1] ^= 0x80;
    hold(a, relay);
    CHECK(add_tcp_relay_global(a.c, relay.address, other) == Error::already);
    CHECK(tcp_relay(a.c, other) == tcp_relay(a.c, relay.key));
    const Public_Key key = some_key(world);
    Public_Key same = key;
    same[KEY_SIZE - 1] ^= 0x80;
    const int connection = befriend(a, key, 1);
    CHECK(new_tcp_connection_to(a.c, same, 2) == static_cast<int>(Error::already));
    CHECK(add_tcp_relay_connection(a.c, connection, relay.address, other) == Error::ok);
    CHECK(add_tcp_relay_connection(a.c, connection, relay.address, relay.key) == Error::already);
    world.advance(600'000);
    CHECK(node_of(a).calls.connect == 1);
}

// ---- one peer and the others -----------------------------------------------------------------------------------

TEST_CASE("kinds: what one peer does moves no other peer's traffic, and does not change a new peer's relay") {
    World world{Ticking::when_woken};
    Sim_Peer &a = world.add_peer();
    Sim_Peer &friendly = world.add_peer();
    enum class Kind { stalls, is_muted, complains, is_away, picks_a_relay, picks_and_comes_back };
    const Kind kind = GENERATE(Kind::stalls, Kind::is_muted, Kind::complains, Kind::is_away, Kind::picks_a_relay,
                               Kind::picks_and_comes_back);
    INFO(static_cast<int>(kind));
    const bool picks = kind == Kind::picks_a_relay || kind == Kind::picks_and_comes_back;
    Sim_Peer_Def def;
    def.answers_echoes = kind != Kind::is_muted;
    Sim_Peer &hostile = world.add_peer(def);
    const int to_friendly = befriend(a, friendly.key, 1);
    int to_hostile = befriend(a, hostile.key, 2);
    const int friendly_back = befriend(friendly, a.key, 1);
    const int hostile_back = befriend(hostile, a.key, 1);
    for (int i = 0; i < 3; ++i) {
        Sim_Relay &relay = world.add_relay();
        tie(a, to_friendly, relay);
        tie(a, to_hostile, relay);
        tie(friendly, friendly_back, relay);
        tie(hostile, hostile_back, relay);
        if (kind == Kind::complains) { // data for the hostile peer is lost, and its echoes say so all the time
            relay.drop = [key = hostile.key](const Public_Key &, const Public_Key &to, const Packet &packet) {
                return to == key && !is_echo_request(packet.data) && !is_echo_response(packet.data);
            };
        }
    }
    std::size_t deaf_at = world.relays.size();
    if (picks) {
        // In the last 10 s of each minute, the first relay or the second delivers nothing to the hostile peer.
        node_of(world.relays[2]).latency = 50;
        for (std::size_t i = 0; i < 2; ++i) {
            world.relays[i].drop = [&deaf_at, i, key = hostile.key](const Public_Key &, const Public_Key &to,
                                                                    const Packet &) {
                return deaf_at == i && to == key;
            };
        }
    }
    world.advance(3'000);
    for (std::uint64_t i = 0; i < 6'000; ++i) { // ten minutes
        if (kind == Kind::picks_and_comes_back && i % 600 == 599) {
            CHECK(kill_tcp_connection_to(a.c, to_hostile) == Error::ok);
            (void)befriend(a, some_key(world), 3); // takes its slot
            to_hostile = befriend(a, hostile.key, 2);
            for (const Sim_Relay &relay : world.relays) {
                tie(a, to_hostile, relay);
            }
        }
        deaf_at = i % 600 >= 500 ? i / 600 % 2 : world.relays.size();
        (void)send_text(a, to_friendly, "x");
        (void)send_text(a, to_hostile, "x");
        (void)send_text(friendly, friendly_back, "y");
        const bool stalls = kind == Kind::stalls && i % 600 >= 560;
        const bool silent = stalls || kind == Kind::is_muted || (kind == Kind::is_away && i > 100);
        if (!silent) {
            (void)send_text(hostile, hostile_back, "z");
        }
        if (kind == Kind::is_away && i == 100) {
            sim_stop(world.net, hostile.node, true); // its program hangs, its system still takes packets
        }
        world.advance(100);
    }
    CHECK(connection_info(a, to_friendly).moves == 0);
    CHECK(connection_info(friendly, friendly_back).moves == 0);
    std::uint32_t failures = 0;
    for (const Sim_Relay &relay : world.relays) {
        const Relay_Info info = relay_info(a, tcp_relay(a.c, relay.key));
        CHECK(info.state == Relay_State::connected);
        CHECK(info.attempts == 0);
        failures += info.failures;
    }
    CHECK(count_changes(a, Change_Kind::relay_down) == 0);
    CHECK(friendly.data.size() >= 5'999);
    CHECK((!picks || failures >= 4));
    // A new peer gets the fastest relay, whatever the hostile peer did.
    node_of(world.relays[0]).latency = 1;
    world.advance(120'000);
    Sim_Peer &late = world.add_peer();
    const int to_late = befriend(a, late.key, 3);
    const int late_back = befriend(late, a.key, 1);
    for (Sim_Relay &relay : world.relays) {
        tie(a, to_late, relay);
        tie(late, late_back, relay);
    }
    world.advance(3'000);
    CHECK(send_text(a, to_late, "hello") == Error::ok);
    CHECK(connection_info(a, to_late).sending == tcp_relay(a.c, world.relays[0].key));
}

TEST_CASE("kinds: routes that go offline and online all the time take no echoes from other peers, nor from their own") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    enum class Kind { one_peer, one_relay, one_relay_and_many_peers };
    const Kind kind = GENERATE(Kind::one_peer, Kind::one_relay, Kind::one_relay_and_many_peers);
    INFO(static_cast<int>(kind));
    Sim_Peer &a = world.add_peer();
    Sim_Peer &b = world.add_peer();
    int to_b = befriend(a, b.key, 1);
    int b_back = befriend(b, a.key, 1);
    for (int i = 0; i < 3; ++i) {
        world.add_relay();
    }
    Sim_Relay &flapping = world.relays[0];
    node_of(flapping).latency = 50; // not the route in use
    for (Sim_Relay &relay : world.relays) {
        tie(a, to_b, relay);
        tie(b, b_back, relay);
    }
    std::vector<Sim_Peer *> others;
    std::vector<int> to_others;
    std::vector<int> backs;
    for (int i = 0; i < (kind == Kind::one_relay_and_many_peers ? 20 : 1); ++i) {
        others.push_back(&world.add_peer());
        to_others.push_back(befriend(a, others.back()->key, 2 + i));
        backs.push_back(befriend(*others.back(), a.key, 1));
        for (Sim_Relay &relay : world.relays) { // of many peers, each is at the flapping relay only
            if (kind != Kind::one_relay_and_many_peers || &relay == &flapping) {
                tie(a, to_others.back(), relay);
                tie(*others.back(), backs.back(), relay);
            }
        }
    }
    REQUIRE(world.until(5'000, [&] { return tcp_connection_to_online_tcp_relays(a.c, to_b) == 3; }));
    bool online = true;
    const auto pass = [&](std::uint64_t ms) {
        for (std::uint64_t i = 0; i < ms / 25; ++i) {
            online = !online;
            if (kind == Kind::one_peer) {
                remake(world, *others[0], backs[0], a.key);
            } else {
                for (const int connection : to_others) {
                    say(world, a, connection, online);
                }
                say(world, a, to_b, online);
            }
            if (i % 4 == 0) {
                (void)send_text(a, to_b, "x");
                (void)send_text(b, b_back, "y");
                for (const int connection : to_others) {
                    (void)send_text(a, connection, "x");
                }
            }
            world.advance(25);
        }
    };
    const auto echoes_to_others = [&] {
        std::size_t echoes = 0;
        for (const int connection : to_others) {
            echoes += connection_info(a, connection).echoes_sent;
        }
        return echoes;
    };
    pass(10'000);
    const std::size_t before = echoes_to_others();
    pass(10'000);
    CHECK(echoes_to_others() - before <= std::max<std::size_t>(2 * to_others.size(), 10) * 10);
    // The route in use fails, and echoes find another.
    for (Sim_Relay &relay : world.relays) {
        if (relay.key == relay_info(a, connection_info(a, to_b).sending).public_key) {
            relay.drop = [&](const Public_Key &from, const Public_Key &to, const Packet &packet) {
                return (from == b.key || to == b.key) && !is_echo_request(packet.data) &&
                       !is_echo_response(packet.data);
            };
        }
    }
    const std::uint64_t at = world.net.now;
    pass(30'000);
    CHECK(longest_silence(a, at) <= 3'000);
    CHECK(longest_silence(b, at) <= 3'000);
}

TEST_CASE("kinds: after relays in use were lost one after another, traffic leaves one that drops everything as fast") {
    Two_Peers f{ANY_TICKING(), ROUTES};
    INFO(to_string(f.world.ticking));
    f.talk(5'000);
    for (int i = 0; i < 4; ++i) { // each time both ends send echoes over all routes, to find the best
        Sim_Relay &lost = f.in_use();
        sim_relay_kill(lost);
        f.talk(500);
        sim_relay_return(lost);
        f.talk(500);
    }
    f.in_use().drop = [](const Public_Key &, const Public_Key &, const Packet &) { return true; };
    const std::uint64_t at = f.world.net.now;
    f.talk(10'000);
    CHECK(longest_silence(f.a, at) <= 1'000);
    CHECK(longest_silence(f.b, at) <= 1'000);
}

// ---- slow is not dead ------------------------------------------------------------------------------------------

TEST_CASE("kinds: with round trips of 1.9 s to every relay traffic moves at most once, and no relay fails") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    for (Sim_Relay &relay : f.world.relays) {
        node_of(relay).latency = 945;
    }
    f.talk(10'000);
    const std::uint32_t moves = connection_info(f.a, f.a_to_b).moves;
    const std::uint32_t times_stale = relay_info(f.a, 0).times_stale;
    f.talk(600'000);
    CHECK(connection_info(f.a, f.a_to_b).moves <= moves + 1);
    CHECK(relay_info(f.a, 0).times_stale <= times_stale + 1);
    CHECK(count_changes(f.a, Change_Kind::relay_failed) == 0);
    CHECK(count_changes(f.a, Change_Kind::relay_down) == 0);
}

TEST_CASE("kinds: a socket that fills long after the last tick is not ended as stuck") {
    Two_Peers f{Ticking::when_woken};
    f.talk(3'000);
    Sim_Relay &relay = f.in_use();
    const int number = tcp_relay(f.a.c, relay.key);
    f.world.advance(8'000);
    node_of(relay).capacity = 8 * 1024;
    const std::string packet(MAX_OOB_DATA_SIZE, 'x');
    for (int i = 0; i < 63; ++i) { // more than the socket takes
        (void)tcp_send_oob_packet(f.a.c, number, f.b.key, bytes_of(packet));
    }
    f.world.advance(3'000);
    CHECK(count_changes(f.a, Change_Kind::relay_down) == 0);
    CHECK(is_up(f.a, relay));
}

TEST_CASE("kinds: a new route in the place of an old one counts as untried in the current silence") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    f.talk(5'000);
    // All relays drop data and let echoes pass, so traffic rotates through them.
    const auto passes_echoes = [](const Public_Key &, const Public_Key &, const Packet &packet) {
        return !is_echo_request(packet.data) && !is_echo_response(packet.data);
    };
    for (Sim_Relay &relay : f.world.relays) {
        relay.drop = passes_echoes;
    }
    f.talk(8'000);
    // Each relay is replaced by an honest one, whose route takes the place of the old route.
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(kill_tcp_relay_connection(f.a.c, tcp_relay(f.a.c, f.relay(i).key)) == Error::ok);
        CHECK(kill_tcp_relay_connection(f.b.c, tcp_relay(f.b.c, f.relay(i).key)) == Error::ok);
        Sim_Relay &honest = f.world.add_relay();
        tie(f.a, f.a_to_b, honest);
        tie(f.b, f.b_to_a, honest);
    }
    const std::uint64_t at = f.world.net.now;
    f.talk(10'000);
    CHECK(longest_silence(f.a, at) <= 3'000);
    CHECK(longest_silence(f.b, at) <= 3'000);
}

// ---- what echoes cost ------------------------------------------------------------------------------------------

TEST_CASE("kinds: echoes are less than 3 % of a call's bytes, and none are sent on an idle connection") {
    Two_Peers f{Ticking::when_woken};
    const std::string packet(200, 'v'); // an audio frame at 48 kbit/s is 227 bytes in toxcore's RTP and crypto packets
    std::uint64_t sent = 0;
    for (int i = 0; i < 5 * 60 * 50; ++i) {
        sent += send_text(f.a, f.a_to_b, packet) == Error::ok ? packet.size() : 0;
        sent += send_text(f.b, f.b_to_a, packet) == Error::ok ? packet.size() : 0;
        f.world.advance(20);
    }
    const std::uint64_t echoes = echo_bytes(f.a, f.a_to_b) + echo_bytes(f.b, f.b_to_a);
    CHECK(echoes != 0);
    CHECK(echoes * 100 < sent * 3);
    f.world.advance(5'000);
    const std::uint32_t before =
        connection_info(f.a, f.a_to_b).echoes_sent + connection_info(f.b, f.b_to_a).echoes_sent;
    f.world.advance(3'600'000);
    CHECK(connection_info(f.a, f.a_to_b).echoes_sent + connection_info(f.b, f.b_to_a).echoes_sent == before);
}
