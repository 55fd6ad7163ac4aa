// A simulated network with relays and hosts. Its destructor checks that no socket was left open.
#pragma once

#include "abi_host.h"
#include "sim/test_network.h"

namespace toxtcp {

struct Abi_World : Test_Network {
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

inline int befriend(Abi_Peer &peer, const Public_Key &key, int id) {
    return ::new_tcp_connection_to(peer.c, key.data(), id);
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

struct Abi_Two_Peers : Two_Peers_In<Abi_World, Abi_Peer> {
    explicit Abi_Two_Peers(std::size_t relays = 1) : Two_Peers_In{relays} {}
};

} // namespace toxtcp
