// An idle hour of our library on a simulated clock. Prints a line of JSON for each scene and each profile.
#include "idle_scene.h"

using namespace toxtcp;

namespace {

void measure(std::size_t relays, bool in_use, Profile profile) {
    Idle_Scene scene(relays, in_use);
    Sim_Peer client;
    Sim_Peer_Def def;
    def.profile = profile;
    sim_peer_start(client, scene.net, def);
    for (const Sim_Relay &relay : scene.relays) {
        (void)add_tcp_relay_global(client.c, relay.address, relay.key);
    }
    std::vector<int> connections;
    for (const Sim_Peer &peer : scene.friends) {
        connections.push_back(new_tcp_connection_to(client.c, peer.key, 0));
    }
    scene.befriend(client.key, [&](std::size_t peer, const Sim_Relay &relay) {
        (void)add_tcp_relay_connection(client.c, connections[peer], relay.address, relay.key);
    });
    sim_advance(scene.net, SETTLE_MS);
    scene.traffic = {};
    const Wake_Counts before = tcp_connections_wakes(client.c);
    const std::uint64_t calls = node_of(client).calls.total();
    sim_advance(scene.net, HOUR_MS);
    const Wake_Counts after = tcp_connections_wakes(client.c);
    const auto count = [&](std::uint64_t Wake_Counts::*cause) {
        return static_cast<unsigned long long>(after.*cause - before.*cause);
    };
    std::printf(
        "{\"relays\": %zu, \"in_use\": %s, \"side\": \"%s\", \"held\": %u, \"wakes\": %llu, \"packets\": %llu, "
        "\"bytes\": %llu, \"calls\": %llu, \"causes\": {\"relay's ping\": %llu, \"our ping\": %llu, \"pong\": %llu, "
        "\"packet\": %llu, \"peer\": %llu, \"other\": %llu, \"none\": %llu}}\n",
        relays, in_use ? "true" : "false", profile == Profile::saver ? "saver" : "responsive",
        tcp_connected_relays_count(client.c), count(&Wake_Counts::ticks),
        static_cast<unsigned long long>(scene.traffic.packets), static_cast<unsigned long long>(scene.traffic.bytes),
        static_cast<unsigned long long>(node_of(client).calls.total() - calls), count(&Wake_Counts::relay_ping),
        count(&Wake_Counts::ping), count(&Wake_Counts::pong), count(&Wake_Counts::packet), count(&Wake_Counts::peer),
        count(&Wake_Counts::room) + count(&Wake_Counts::probe) + count(&Wake_Counts::retry) +
            count(&Wake_Counts::prune) + count(&Wake_Counts::request),
        count(&Wake_Counts::spurious));
}

} // namespace

int main() {
    for_each_scene([](std::size_t relays, bool in_use) {
        measure(relays, in_use, Profile::responsive);
        measure(relays, in_use, Profile::saver);
    });
}
