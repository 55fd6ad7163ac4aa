// An idle hour of toxcore's own code on a simulated clock. Its host ticks every 50 ms. Prints a line of JSON for each
// scene.
#include "abi/abi_host.h"
#include "idle_scene.h"

using namespace toxtcp;

int main() {
    for_each_scene([](std::size_t relays, bool in_use) {
        Idle_Scene scene(relays, in_use);
        Abi_Peer client;
        abi_peer_start(client, scene.net);
        for (const Sim_Relay &relay : scene.relays) {
            const IP_Port address = abi_address(relay.address);
            ::add_tcp_relay_global(client.c, &address, relay.key.data());
        }
        std::vector<int> connections;
        for (const Sim_Peer &peer : scene.friends) {
            connections.push_back(::new_tcp_connection_to(client.c, peer.key.data(), 0));
        }
        scene.befriend(client.key, [&](std::size_t peer, const Sim_Relay &relay) {
            const IP_Port address = abi_address(relay.address);
            ::add_tcp_relay_connection(client.c, connections[peer], &address, relay.key.data());
        });
        std::uint64_t ticks = 0;
        const auto run = [&](std::uint64_t ms) {
            for (std::uint64_t passed = 0; passed < ms; passed += ABI_TICK_MS, ++ticks) {
                abi_tick(client);
                sim_advance(scene.net, ABI_TICK_MS);
            }
        };
        run(SETTLE_MS);
        ticks = 0;
        scene.traffic = {};
        run(HOUR_MS);
        std::printf(
            "{\"relays\": %zu, \"in_use\": %s, \"side\": \"toxcore\", \"held\": %u, \"wakes\": %llu, \"packets\": %llu, "
            "\"bytes\": %llu}\n",
            relays, in_use ? "true" : "false", ::tcp_connected_relays_count(client.c),
            static_cast<unsigned long long>(ticks), static_cast<unsigned long long>(scene.traffic.packets),
            static_cast<unsigned long long>(scene.traffic.bytes));
        std::fflush(stdout);
    });
}
