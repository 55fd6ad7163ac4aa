// What an idle client costs: wake-ups, each with a counted cause, and pings that are sent together. And in which order
// relays are connected again after a change of network.
#include <set>

#include "sim/world.h"

using namespace toxtcp;

namespace {

constexpr std::uint64_t HOUR_MS = 3'600'000;

std::uint64_t sum_of_causes(const Wake_Counts &w) {
    return w.packet + w.relay_ping + w.pong + w.room + w.ping + w.probe + w.retry + w.peer + w.prune + w.request +
           w.spurious;
}

} // namespace

TEST_CASE("idle: each wake-up has a counted cause, and the saver profile with 3 relays has at most 130 in an hour") {
    Sim_Peer_Def def;
    def.profile = GENERATE(Profile::responsive, Profile::saver);
    World world{Ticking::when_woken};
    Sim_Peer &a = world.add_peer(def);
    for (int i = 0; i < 3; ++i) {
        hold(a, world.add_relay());
        world.advance(3'300);
    }
    world.advance(60'000);
    const Wake_Counts before = tcp_connections_wakes(a.c);
    const std::uint64_t runs = node_of(a).runs;
    world.advance(HOUR_MS);
    const Wake_Counts after = tcp_connections_wakes(a.c);
    CHECK(after.ticks - before.ticks == node_of(a).runs - runs);
    CHECK(after.ticks == sum_of_causes(after));
    CHECK(after.spurious == 0);
    CHECK(after.ticks - before.ticks <= (def.profile == Profile::saver ? 130 : 390));
    CHECK(after.ticks > before.ticks);
}

TEST_CASE("idle: ticks that the host makes without need are counted as spurious") {
    World world{Ticking::every_50_ms};
    Sim_Peer &a = world.add_peer();
    hold(a, world.add_relay());
    world.advance(HOUR_MS / 60);
    const Wake_Counts wakes = tcp_connections_wakes(a.c);
    CHECK(wakes.ticks == sum_of_causes(wakes));
    CHECK(wakes.ticks == HOUR_MS / 60 / SIM_TICK_MS);
    CHECK(wakes.spurious > wakes.ticks * 9 / 10);
}

TEST_CASE("idle: the pings to all relays are sent together") {
    World world{Ticking::when_woken};
    Sim_Peer &a = world.add_peer();
    for (int i = 0; i < 3; ++i) {
        hold(a, world.add_scripted());
        world.advance(7'000);
    }
    world.advance(60'000);
    std::set<std::uint64_t> instants;
    const std::uint64_t from = world.net.now;
    world.advance(10 * 30'000);
    std::size_t pings = 0;
    for (const Scripted_Relay &relay : world.scripted) {
        for (const auto &packet : relay.packets) {
            if (packet.plain[0] == static_cast<char>(Packet_Type::ping) && packet.at >= from) {
                instants.insert(packet.at);
                ++pings;
            }
        }
    }
    CHECK(pings >= 3 * 9);
    CHECK(instants.size() <= 11);
}

TEST_CASE("idle: a relay's own pings replace most of the client's, until the relay falls silent") {
    World world{Ticking::when_woken};
    Sim_Peer &a = world.add_peer();
    Sim_Relay &relay = world.add_relay();
    hold(a, relay);
    world.advance(60'000);
    const std::uint64_t pings = relay.received[Packet_Type::ping];
    const std::uint64_t pongs = relay.received[Packet_Type::pong];
    world.advance(HOUR_MS);
    CHECK(relay.received[Packet_Type::pong] - pongs >= 118);
    CHECK(relay.received[Packet_Type::ping] - pings <= 60);
    CHECK(is_up(a, relay));
    sim_relay_stop(relay, true);
    CHECK(world.until(50'000, [&] { return !is_up(a, relay); }));
    CHECK(relay_info(a, tcp_relay(a.c, relay.key)).last_end == Reason::ping_timeout);
}

TEST_CASE("idle: after a change of network, the relays that bring back the most peers are connected first") {
    // For each of four peers, its relays: relay 2 brings back three peers, relay 1 two of the same, relay 0 the fourth.
    constexpr std::size_t TIES[][2] = {{2, 1}, {2, 1}, {2, 2}, {0, 0}};
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    for (int i = 0; i < 3; ++i) {
        world.add_relay();
    }
    for (std::size_t i = 0; i < std::size(TIES); ++i) {
        Sim_Peer &other = world.add_peer();
        const int a_to_b = befriend(a, other.key, static_cast<int>(i));
        const int b_to_a = befriend(other, a.key, 0);
        for (const std::size_t relay : std::set<std::size_t>(std::begin(TIES[i]), std::end(TIES[i]))) {
            tie(a, a_to_b, world.relays[relay]);
            tie(other, b_to_a, world.relays[relay]);
        }
    }
    world.advance(20'000);
    a.changes.clear();
    // The client gets another address: nothing reaches its old connections any more.
    sim_cut(world.net, a.node, true);
    tcp_connections_network_changed(a.c);
    world.advance(100);
    sim_cut(world.net, a.node, false, HOUR_MS);
    world.advance(10'000);
    std::vector<int> order;
    for (const Sim_Change &change : a.changes) {
        if (change.change.kind == Change_Kind::relay_up) {
            order.push_back(change.change.relay);
        }
    }
    const std::vector<int> expected{tcp_relay(a.c, world.relays[2].key), tcp_relay(a.c, world.relays[0].key),
                                    tcp_relay(a.c, world.relays[1].key)};
    CHECK(order == expected);
}
