// What tests of the C++ API (world.h) and of the C ABI (abi/abi_world.h) share: a simulated network with relays and
// proxies, and two peers in it.
#pragma once

#include <deque>

#include "catch.h"
#include "relay/scripted.h"
#include "sim/proxy.h"
#include "sim/relay.h"

namespace toxtcp {

/// A simulated network with its relays and proxies. Its destructor checks that no socket was misused.
struct Test_Network {
    Sim_Network net;
    std::deque<Sim_Relay> relays;
    std::deque<Scripted_Relay> scripted;
    std::deque<Sim_Proxy> proxies;

    explicit Test_Network(std::uint64_t seed = 1) : net{seed} {}
    Test_Network(const Test_Network &) = delete;
    Test_Network &operator=(const Test_Network &) = delete;

    ~Test_Network() {
        INFO((net.misuse.empty() ? std::string{} : net.misuse.front()));
        CHECK(net.misuse.empty());
    }

    Sim_Relay &add_relay(Family family = Family::ipv4, const Relay_Server_Def &def = {}) {
        sim_relay_start(relays.emplace_back(), net, family, def);
        return relays.back();
    }

    Scripted_Relay &add_scripted() {
        scripted_start(scripted.emplace_back(), net);
        return scripted.back();
    }

    Sim_Proxy &add_proxy(Proxy_Type type, Family family = Family::ipv4) {
        sim_proxy_start(proxies.emplace_back(), net, type, family);
        return proxies.back();
    }
};

/// A key that nobody has.
inline Public_Key some_key(Test_Network &network) {
    Secret_Key secret;
    sim_fill(network.net.random, secret.bytes);
    return public_key_of(secret);
}

/// Two peers that have a connection to each other over some relays, and are online at all of them. `World` is derived
/// from Test_Network, and `befriend` and `tie` take its `Peer`.
template <class World, class Peer>
struct Two_Peers_In {
    World world;
    Peer &a;
    Peer &b;
    int a_to_b = -1; ///< a's connection to b
    int b_to_a = -1;

    static constexpr int ID_AT_A = 70;
    static constexpr int ID_AT_B = 80;

    template <class... Arguments>
    explicit Two_Peers_In(std::size_t relays, const Arguments &...of_world)
        : world{of_world...}, a{world.add_peer()}, b{world.add_peer()} {
        a_to_b = befriend(a, b.key, ID_AT_A);
        b_to_a = befriend(b, a.key, ID_AT_B);
        for (std::size_t i = 0; i < relays; ++i) {
            world.add_relay();
            (void)tie(a, a_to_b, world.relays.back());
            (void)tie(b, b_to_a, world.relays.back());
        }
        REQUIRE(world.until(5'000, [&] { return online(relays); }));
    }

    [[nodiscard]] bool online(std::size_t relays) const {
        return tcp_connection_to_online_tcp_relays(a.c, a_to_b) == relays &&
               tcp_connection_to_online_tcp_relays(b.c, b_to_a) == relays;
    }
};

} // namespace toxtcp
