// A simulated network with its relays, proxies and peers, for Catch2 tests. Its destructor checks that every peer kept
// its promises and used its host well.
#pragma once

#include "sim/peer.h"
#include "sim/test_network.h"

namespace toxtcp {

/// When the peers of a test tick. Every behaviour must hold in all three ways.
enum class Ticking : std::uint8_t { every_50_ms, when_woken, without_readiness };

inline const char *to_string(Ticking ticking) {
    switch (ticking) {
    case Ticking::every_50_ms:
        return "a tick every 50 ms";
    case Ticking::when_woken:
        return "ticks when woken";
    default:
        return "no readiness";
    }
}

struct World : Test_Network {
    Ticking ticking;
    Sim_Peer_Def usual; ///< of peers that are added without a Sim_Peer_Def of their own
    std::deque<Sim_Peer> peers;

    explicit World(Ticking ticking_ = Ticking::when_woken, std::uint64_t seed = 1, const Sim_Peer_Def &usual_ = {})
        : Test_Network{seed}, ticking{ticking_}, usual{usual_} {}
    World(const World &) = delete;
    World &operator=(const World &) = delete;

    ~World() {
        for (Sim_Peer &peer : peers) {
            Sim_Node &node = node_of(peer);
            INFO("peer on node " << peer.node << ", spins " << node.spins << " of " << node.runs << " runs");
            CHECK((peer.broken == nullptr ? std::string{} : std::string{peer.broken}).empty());
            // A few runs that use no socket and are due again at once are allowed. Many of them are a busy loop.
            CHECK(node.spins <= 2 + node.runs / 100);
            kill_tcp_connections(peer.c);
            peer.c = nullptr;
            CHECK(node.open_sockets() == 0);
        }
    }

    Sim_Peer &add_peer() { return add_peer(usual); }
    Sim_Peer &add_peer(Sim_Peer_Def def) {
        def.mode = ticking == Ticking::every_50_ms ? Tick_Mode::interval : Tick_Mode::deadline;
        def.readiness = ticking != Ticking::without_readiness;
        sim_peer_start(peers.emplace_back(), net, def);
        REQUIRE(peers.back().c != nullptr);
        return peers.back();
    }

    void advance(std::uint64_t ms) { sim_advance(net, ms); }

    /// For tests in which a peer gets one byte at a time, which would take long at 20 ticks a second.
    void tick_often() {
        for (Sim_Peer &peer : peers) {
            node_of(peer).interval = std::min<std::uint64_t>(node_of(peer).interval, 1);
        }
    }

    template <class Done>
    bool until(std::uint64_t ms, Done done) {
        return sim_until(net, ms, done);
    }
};

// ---- what tests ask and do -------------------------------------------------------------------------------------

inline int befriend(Sim_Peer &peer, const Public_Key &key, int id) {
    const int connection = new_tcp_connection_to(peer.c, key, id);
    REQUIRE(connection >= 0);
    return connection;
}

template <class Any_Relay>
int tie(Sim_Peer &peer, int connection, const Any_Relay &relay) {
    REQUIRE(add_tcp_relay_connection(peer.c, connection, relay.address, relay.key) == Error::ok);
    return tcp_relay(peer.c, relay.key);
}

template <class Any_Relay>
int hold(Sim_Peer &peer, const Any_Relay &relay) {
    REQUIRE(add_tcp_relay_global(peer.c, relay.address, relay.key) == Error::ok);
    return tcp_relay(peer.c, relay.key);
}

inline Relay_Info relay_info(const Sim_Peer &peer, int relay) {
    Relay_Info info;
    REQUIRE(tcp_relay_info(peer.c, relay, info));
    return info;
}

template <class Any_Relay>
bool knows(const Sim_Peer &peer, const Any_Relay &relay) {
    return tcp_relay(peer.c, relay.key) >= 0;
}

template <class Any_Relay>
Relay_State state_of(const Sim_Peer &peer, const Any_Relay &relay) {
    return relay_info(peer, tcp_relay(peer.c, relay.key)).state;
}

template <class Any_Relay>
bool is_up(const Sim_Peer &peer, const Any_Relay &relay) {
    return knows(peer, relay) && relay_info(peer, tcp_relay(peer.c, relay.key)).connected_since != 0;
}

inline Connection_Info connection_info(const Sim_Peer &peer, int connection) {
    Connection_Info info;
    REQUIRE(tcp_connection_info(peer.c, connection, info));
    return info;
}

inline Error send_text(Sim_Peer &peer, int connection, const std::string &text) {
    return send_packet_tcp_connection(peer.c, connection, bytes_of(text));
}

/// Whether exactly one of the packets is this text.
inline bool heard_once(const std::vector<Sim_Packet> &packets, const std::string &text) {
    return std::count_if(packets.begin(), packets.end(), [&](const Sim_Packet &one) { return one.bytes == text; }) == 1;
}

// ---- the usual case --------------------------------------------------------------------------------------------

struct Two_Peers : Two_Peers_In<World, Sim_Peer> {
    explicit Two_Peers(Ticking ticking, std::size_t relays = 3, std::uint64_t seed = 1, const Sim_Peer_Def &def = {})
        : Two_Peers_In{relays, ticking, seed, def} {}

    Sim_Relay &relay(std::size_t i) { return world.relays[i]; }

    /// The relay with this handle at `peer`.
    Sim_Relay &relay_of(const Sim_Peer &peer, int number) {
        const Public_Key key = relay_info(peer, number).public_key;
        for (Sim_Relay &relay : world.relays) {
            if (relay.key == key) {
                return relay;
            }
        }
        FAIL("no such relay");
        return world.relays.front();
    }

    /// The relay that a sends over. Sends a first packet if none was sent yet.
    Sim_Relay &in_use() {
        if (connection_info(a, a_to_b).sending < 0) {
            REQUIRE(send_text(a, a_to_b, "the first") == Error::ok);
        }
        return relay_of(a, connection_info(a, a_to_b).sending);
    }

    /// Both send a packet every `every` ms, for `ms` ms: "a0" and "b0", then "a1" and "b1", and so on.
    void talk(std::uint64_t ms, std::uint64_t every = 100) {
        for (const std::uint64_t end = world.net.now + ms; world.net.now < end;) {
            refused += send_text(a, a_to_b, "a" + std::to_string(said)) == Error::ok ? 0 : 1;
            refused += send_text(b, b_to_a, "b" + std::to_string(said)) == Error::ok ? 0 : 1;
            ++said;
            world.advance(every);
        }
    }

    std::size_t said = 0;
    std::size_t refused = 0;
};

/// The longest time, ms, in which no packet came to `peer`, from `from` until now.
inline std::uint64_t longest_silence(const Sim_Peer &peer, std::uint64_t from) {
    std::uint64_t longest = 0;
    std::uint64_t last = from;
    for (const Sim_Packet &packet : peer.data) {
        if (packet.at >= from) {
            longest = std::max(longest, packet.at - last);
            last = packet.at;
        }
    }
    return std::max(longest, peer.net->now - last);
}

} // namespace toxtcp

/// Runs the test case that uses it once for each way of ticking.
#define ANY_TICKING() GENERATE(Ticking::every_50_ms, Ticking::when_woken, Ticking::without_readiness)
