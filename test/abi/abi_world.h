// A simulated network with relays and hosts. Its destructor checks that no socket was misused or left open.
#pragma once

#include <deque>

#include "abi_host.h"
#include "catch.h"
#include "relay/scripted.h"
#include "sim/proxy.h"

namespace toxtcp {

struct Abi_World {
    Sim_Network net;
    std::deque<Sim_Relay> relays;
    std::deque<Scripted_Relay> scripted;
    std::deque<Sim_Proxy> proxies;
    std::deque<Abi_Peer> peers;

    Abi_World() = default;
    Abi_World(const Abi_World &) = delete;
    Abi_World &operator=(const Abi_World &) = delete;

    ~Abi_World() {
        for (Abi_Peer &peer : peers) {
            kill_tcp_connections(peer.c);
            peer.c = nullptr;
            CHECK(abi_open_sockets(peer.network) == 0);
        }
        INFO((net.misuse.empty() ? std::string{} : net.misuse.front()));
        CHECK(net.misuse.empty());
    }

    Abi_Peer &add_peer() {
        abi_peer_start(peers.emplace_back(), net);
        REQUIRE(peers.back().c != nullptr);
        return peers.back();
    }

    /// A host without a TCP_Connections.
    Abi_Peer &add_host() {
        abi_peer_prepare(peers.emplace_back(), net);
        return peers.back();
    }

    Sim_Relay &add_relay(Family family = Family::ipv4) {
        sim_relay_start(relays.emplace_back(), net, family);
        return relays.back();
    }

    Scripted_Relay &add_scripted() {
        scripted_start(scripted.emplace_back(), net);
        return scripted.back();
    }

    Sim_Proxy &add_proxy(Proxy_Type type) {
        sim_proxy_start(proxies.emplace_back(), net, type);
        return proxies.back();
    }

    /// Ticks all hosts every ABI_TICK_MS until `done()`, but not longer than `ms`. Returns whether it was done.
    template <class Done>
    bool until(std::uint64_t ms, Done done) {
        for (std::uint64_t passed = 0; passed <= ms; passed += ABI_TICK_MS) {
            for (Abi_Peer &peer : peers) {
                abi_tick(peer);
            }
            if (done()) {
                return true;
            }
            sim_advance(net, ABI_TICK_MS);
        }
        return false;
    }

    void pass(std::uint64_t ms) {
        until(ms, [] { return false; });
    }
};

/// A key that nobody has.
inline Public_Key some_key(Abi_World &world) {
    Secret_Key secret;
    sim_fill(world.net.random, secret.bytes);
    return public_key_of(secret);
}

template <class Any_Relay>
int hold(Abi_Peer &peer, const Any_Relay &relay) {
    const IP_Port address = abi_address(relay.address);
    return ::add_tcp_relay_global(peer.c, &address, relay.key.data());
}

template <class Any_Relay>
int tie(Abi_Peer &peer, int connection, const Any_Relay &relay) {
    const IP_Port address = abi_address(relay.address);
    return ::add_tcp_relay_connection(peer.c, connection, &address, relay.key.data());
}

inline const std::uint8_t *bytes_of(const std::string &text) {
    return reinterpret_cast<const std::uint8_t *>(text.data());
}

inline std::uint16_t size_of(const std::string &text) {
    return static_cast<std::uint16_t>(text.size());
}

inline int send(Abi_Peer &peer, int connection, const std::string &text) {
    return ::send_packet_tcp_connection(peer.c, connection, bytes_of(text), size_of(text));
}

inline bool heard(const std::vector<Abi_Packet> &packets, const std::string &text) {
    return std::any_of(packets.begin(), packets.end(), [&](const Abi_Packet &packet) { return packet.bytes == text; });
}

/// Two peers that have a connection to each other over some relays, and are online at all of them.
struct Abi_Two_Peers {
    Abi_World world;
    Abi_Peer &a;
    Abi_Peer &b;
    int a_to_b = -1; ///< a's connection to b
    int b_to_a = -1;

    explicit Abi_Two_Peers(int relays = 1) : a{world.add_peer()}, b{world.add_peer()} {
        a_to_b = ::new_tcp_connection_to(a.c, b.key.data(), 10);
        b_to_a = ::new_tcp_connection_to(b.c, a.key.data(), 20);
        for (int i = 0; i < relays; ++i) {
            Sim_Relay &relay = world.add_relay();
            REQUIRE(tie(a, a_to_b, relay) == 0);
            REQUIRE(tie(b, b_to_a, relay) == 0);
        }
        REQUIRE(world.until(5'000, [&] { return online(relays); }));
    }

    [[nodiscard]] bool online(int relays) const {
        return ::tcp_connection_to_online_tcp_relays(a.c, a_to_b) == static_cast<std::uint32_t>(relays) &&
               ::tcp_connection_to_online_tcp_relays(b.c, b_to_a) == static_cast<std::uint32_t>(relays);
    }
};

} // namespace toxtcp
