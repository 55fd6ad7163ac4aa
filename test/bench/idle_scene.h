// The scenes of an idle client on a simulated clock: relays, friends that send nothing, and a count of the traffic.
#pragma once

#include <cstdio>
#include <deque>

#include "sim/peer.h"
#include "sim/relay.h"

namespace toxtcp {

inline constexpr std::uint64_t SETTLE_MS = 120'000;
inline constexpr std::uint64_t HOUR_MS = 3'600'000;

/// The client's traffic in both directions.
struct Idle_Traffic {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0; ///< of frames, without the headers of TCP and IP
};

struct Idle_Scene {
    Sim_Network net;
    std::deque<Sim_Relay> relays;
    std::deque<Sim_Peer> friends;
    Idle_Traffic traffic;

    /// `in_use`: a friend is online at each relay, and each friend has three relays. Otherwise there are no friends.
    Idle_Scene(std::size_t relay_count, bool in_use) {
        for (std::size_t i = 0; i < relay_count; ++i) {
            sim_relay_start(relays.emplace_back(), net);
            node_of(relays.back()).latency = 5 + 13 * i % 60; // different, so that their pings come one by one
        }
        for (std::size_t i = 0; in_use && i < (relay_count + 2) / 3; ++i) {
            sim_peer_start(friends.emplace_back(), net);
        }
    }

    /// Calls `tie(friend, relay)` for each relay that the client must tie to a friend. Ties the friends to `client`.
    template <class Tie>
    void befriend(const Public_Key &client, Tie tie) {
        for (std::size_t i = 0; i < friends.size(); ++i) {
            const int back = new_tcp_connection_to(friends[i].c, client, 0);
            for (std::size_t k = 0; k < 3; ++k) {
                const Sim_Relay &relay = relays[(3 * i + k) % relays.size()];
                (void)add_tcp_relay_connection(friends[i].c, back, relay.address, relay.key);
                tie(i, relay);
            }
            sim_touch(net, friends[i].node);
        }
        for (Sim_Relay &relay : relays) {
            relay.server.faults.send = [this, client](int, const Public_Key &to, const Packet &packet) {
                note(to == client, packet);
                return true;
            };
            relay.seen = [this, client](const Public_Key &from, const Packet &packet) { note(from == client, packet); };
        }
    }

    void note(bool ours, const Packet &packet) {
        std::array<std::uint8_t, MAX_PLAIN_SIZE> plain;
        traffic.packets += ours;
        traffic.bytes += ours ? FRAME_OVERHEAD + encode_packet(packet, plain) : 0;
    }
};

/// Calls `measure(relays, in_use)`, which prints a line of JSON, for each scene.
template <class Measure>
void for_each_scene(Measure measure) {
    measure(3, false);
    for (const std::size_t relays : {3U, 8U, 32U}) {
        measure(relays, true);
    }
}

} // namespace toxtcp
