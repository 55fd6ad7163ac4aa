// What an observer is told of routes: echoes, the last proof of delivery, and why a route is not used.
#include <toxtcp/echo.h>

#include "sim/world.h"

using namespace toxtcp;

namespace {

Route_Info route_info(const Sim_Peer &peer, int connection, const Sim_Relay &relay) {
    const Connection_Info info = connection_info(peer, connection);
    for (std::size_t i = 0; i < info.routes_count; ++i) {
        if (info.routes[i].relay == tcp_relay(peer.c, relay.key)) {
            return info.routes[i];
        }
    }
    FAIL("no route over this relay");
    return {};
}

/// A relay other than `relay`.
Sim_Relay &other_than(Two_Peers &f, const Sim_Relay &relay) {
    return &f.relay(0) == &relay ? f.relay(1) : f.relay(0);
}

bool is_echo(const Packet &packet) {
    return is_echo_request(packet.data) || is_echo_response(packet.data);
}

} // namespace

TEST_CASE("infos: a route tells its echo time and its last proof, and the connection how many echoes were answered") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    for (const Sim_Relay &relay : f.world.relays) {
        const Route_Info before = route_info(f.a, f.a_to_b, relay);
        CHECK(before.use == Route_Use::unverified);
        CHECK(before.last_proved == 0);
        CHECK(before.echo_round_trip == 0);
    }
    for (Sim_Relay &relay : f.world.relays) {
        node_of(relay).latency = 30;
    }
    f.talk(5'000, 20);
    const Connection_Info info = connection_info(f.a, f.a_to_b);
    CHECK(info.echoes_sent >= 3);
    CHECK(info.echoes_answered + 1 >= info.echoes_sent); // one may be under way
    for (const Sim_Relay &relay : f.world.relays) {
        const Route_Info route = route_info(f.a, f.a_to_b, relay);
        CHECK(route.use == (route.relay == info.sending ? Route_Use::in_use : Route_Use::ready));
        CHECK(route.last_proved != 0);
        CHECK(route.last_proved <= f.world.net.now);
        CHECK(route.echo_round_trip >= 4 * 30);
        CHECK(route.echo_round_trip <= 4 * 30 + 200);
    }
    CHECK(route_info(f.a, f.a_to_b, f.in_use()).last_proved + 3'000 > f.world.net.now);
    // Nothing is sent, so nothing is proved: the time stays.
    const std::uint64_t proved = route_info(f.a, f.a_to_b, f.in_use()).last_proved;
    f.world.advance(60'000);
    CHECK(route_info(f.a, f.a_to_b, f.in_use()).last_proved == proved);
    CHECK(connection_info(f.a, f.a_to_b).echoes_sent == info.echoes_sent);
}

TEST_CASE("infos: a route that stops delivering keeps the time of its last proof, and is reported as failed") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    f.talk(5'000, 20);
    Sim_Relay &relay = f.in_use();
    const std::uint64_t at = f.world.net.now;
    relay.drops_data = true;
    f.talk(4'000, 20);
    const Route_Info route = route_info(f.a, f.a_to_b, relay);
    CHECK(route.use == Route_Use::failed);
    CHECK(route.last_proved != 0);
    CHECK(route.last_proved <= at);
    const Connection_Info info = connection_info(f.a, f.a_to_b);
    CHECK(info.echoes_answered < info.echoes_sent);
    CHECK(route_info(f.a, f.a_to_b, f.in_use()).last_proved > at);
}

TEST_CASE("infos: a route says why it is not used: its relay, its peer or its past failures") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    f.talk(5'000, 20);
    Sim_Relay &used = f.in_use();
    SECTION("its relay is gone") {
        Sim_Relay &relay = other_than(f, used);
        sim_relay_kill(relay);
        f.world.advance(500);
        CHECK(route_info(f.a, f.a_to_b, relay).use == Route_Use::offline);
        CHECK(route_info(f.a, f.a_to_b, relay).last_proved == 0); // a proof counts while the peer is online there
        CHECK(relay_info(f.a, tcp_relay(f.a.c, relay.key)).state != Relay_State::connected);
    }
    SECTION("the peer is gone") {
        kill_tcp_connections(f.b.c);
        f.b.c = nullptr;
        f.world.advance(500);
        for (const Sim_Relay &relay : f.world.relays) {
            const Route_Info route = route_info(f.a, f.a_to_b, relay);
            CHECK(route.use == Route_Use::offline);
            CHECK(route.state == Route_State::registered);
        }
    }
    SECTION("its relay hangs") {
        sim_relay_stop(used, true);
        f.talk(3'000, 20);
        const Route_Use use = route_info(f.a, f.a_to_b, used).use;
        CHECK((use == Route_Use::stale || use == Route_Use::failed));
        f.talk(4'000, 20);
        CHECK(route_info(f.a, f.a_to_b, used).use == Route_Use::stale);
    }
    SECTION("it lets echoes pass and drops the data") {
        used.drop = [](const Public_Key &, const Public_Key &, const Packet &packet) { return !is_echo(packet); };
        f.talk(9'000, 20);
        CHECK(route_info(f.a, f.a_to_b, used).use == Route_Use::avoided);
    }
}

TEST_CASE("infos: a route for which the relay has no routing id is reported as refused") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    Scripted_Relay &relay = world.add_scripted();
    relay.answers_routes = false;
    const Public_Key key = some_key(world);
    const int connection = befriend(a, key, 0);
    tie(a, connection, relay);
    REQUIRE(world.until(1'000, [&] { return scripted_count(relay, Packet_Type::routing_request) == 1; }));
    CHECK(connection_info(a, connection).routes[0].use == Route_Use::offline);
    scripted_send(relay, bytes_of(std::string{'\1', '\0'} + std::string{key.begin(), key.end()}));
    world.advance(200);
    CHECK(connection_info(a, connection).routes[0].use == Route_Use::refused);
    CHECK(is_up(a, relay));
}

TEST_CASE("hosts that cannot authenticate packets: traffic stays on a healthy relay, and leaves one that drops it") {
    Sim_Peer_Def def;
    def.proves_packets = false;
    Two_Peers f{ANY_TICKING(), 3, 1, def};
    INFO(to_string(f.world.ticking));
    f.talk(60'000, GENERATE(20U, 300U, 1'000U));
    CHECK(connection_info(f.a, f.a_to_b).moves == 0);
    CHECK(connection_info(f.b, f.b_to_a).moves == 0);
    CHECK(count_changes(f.a, Change_Kind::relay_failed) == 0);
    CHECK(connection_info(f.a, f.a_to_b).last_heard == 0); // no packet is the peer's for certain
    CHECK(route_info(f.a, f.a_to_b, f.in_use()).last_proved + 5'000 > f.world.net.now);
    Sim_Relay &relay = f.in_use();
    relay.drops_data = true;
    f.talk(1'000, 20);
    const std::uint64_t at = f.world.net.now;
    f.talk(10'000, 20);
    CHECK(longest_silence(f.b, at) <= 3'000);
    CHECK(longest_silence(f.a, at) <= 3'000);
    CHECK(route_info(f.a, f.a_to_b, relay).use == Route_Use::failed);
}

TEST_CASE("infos: routes that are not needed, since the peer is online at enough others, are reported as pruned") {
    Two_Peers f{ANY_TICKING(), 5};
    INFO(to_string(f.world.ticking));
    f.talk(120'000, 500);
    REQUIRE(tcp_connection_to_online_tcp_relays(f.a.c, f.a_to_b) == 3);
    const Connection_Info info = connection_info(f.a, f.a_to_b);
    REQUIRE(info.routes_count == 5);
    // Where one end prunes a route, the other end sees the peer go offline.
    std::size_t pruned = 0;
    for (const Sim_Relay &relay : f.world.relays) {
        pruned += route_info(f.a, f.a_to_b, relay).use == Route_Use::pruned ? 1 : 0;
        pruned += route_info(f.b, f.b_to_a, relay).use == Route_Use::pruned ? 1 : 0;
    }
    CHECK(pruned >= 2);
}
