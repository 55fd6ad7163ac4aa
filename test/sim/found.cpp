#include "sim/found.h"

#include <deque>

#include "sim/peer.h"
#include "sim/relay.h"

namespace toxtcp {

namespace {

constexpr std::size_t FOUND_RELAYS = 24;
constexpr std::size_t FRIENDS = 24;
constexpr std::uint64_t STEP_MS = 10;
/// Before each friend comes: by then the library has ended relays that it does not use.
constexpr std::uint64_t SETTLE_MS = 60'000;
constexpr std::uint64_t CALL_EVERY_MS = 1'000;
constexpr std::uint64_t GIVE_UP_MS = 60'000;

struct Place {
    explicit Place(std::uint64_t seed) : net(seed) {}

    Sim_Network net;
    std::deque<Sim_Relay> relays;
    Sim_Peer us;
};

/// A friend, with what its host knows.
struct New_Peer {
    Sim_Peer peer;
    std::vector<Node> relays; ///< its own
    int ours = -1;            ///< handle of our connection to it
};

Node node_of_relay(const Sim_Relay &relay) {
    return {relay.key, relay.address};
}

void name_relays(Place &place, Sim_Peer &peer, int connection, const std::vector<Node> &relays) {
    for (const Node &relay : relays) {
        (void)add_tcp_relay_connection(peer.c, connection, relay.address, relay.public_key);
    }
    sim_touch(place.net, peer.node);
}

/// The relays that our host announces: some that we are connected to.
std::vector<Node> announce(const Place &place) {
    std::vector<Node> nodes(RECOMMENDED_FRIEND_TCP_CONNECTIONS);
    nodes.resize(tcp_copy_connected_relays(place.us.c, nodes));
    return nodes;
}

void kill_some(Place &place, std::vector<Sim_Relay *> &killed) {
    for (Sim_Relay &relay : place.relays) {
        if (sim_below(place.net.random, 10) == 0) {
            sim_relay_kill(relay);
            killed.push_back(&relay);
        }
    }
}

/// A friend comes, finds us or does not, and leaves. Returns how long this took, ms; GIVE_UP_MS if it did not find us.
std::uint64_t come_and_go(Place &place, New_Peer &comer, const std::vector<Node> &announced) {
    const std::uint64_t came = place.net.now;
    const int theirs = new_tcp_connection_to(comer.peer.c, place.us.key, 0);
    name_relays(place, comer.peer, theirs, announced);
    name_relays(place, comer.peer, theirs, comer.relays);
    bool has_word = false;
    while (place.net.now < came + GIVE_UP_MS && (tcp_connection_to_online_tcp_relays(comer.peer.c, theirs) == 0 ||
                                                 tcp_connection_to_online_tcp_relays(place.us.c, comer.ours) == 0)) {
        if ((place.net.now - came) % CALL_EVERY_MS == 0) {
            (void)send_packet_tcp_connection(comer.peer.c, theirs, bytes_of("are you there?"));
            sim_touch(place.net, comer.peer.node);
        }
        sim_advance(place.net, STEP_MS);
        if (!has_word && place.net.now >= came + WORD_AFTER_MS) {
            has_word = true;
            name_relays(place, place.us, comer.ours, announced);
            name_relays(place, place.us, comer.ours, comer.relays);
        }
    }
    const std::uint64_t took = place.net.now - came;
    (void)kill_tcp_connection_to(comer.peer.c, theirs);
    sim_touch(place.net, comer.peer.node);
    return took;
}

} // namespace

Found_Result run_found(std::uint64_t seed, const Found_Def &def) {
    Place place(seed);
    for (std::size_t i = 0; i < FOUND_RELAYS; ++i) {
        sim_relay_start(place.relays.emplace_back(), place.net);
        node_of(place.relays.back()).latency = 1 + sim_below(place.net.random, 60);
    }
    Sim_Peer_Def us;
    us.profile = def.profile;
    sim_peer_start(place.us, place.net, us);
    tcp_connections_keep_idle_relays(place.us.c, def.keep_idle);
    (void)set_tcp_onion_status(place.us.c, def.onion);
    for (const Sim_Relay &relay : place.relays) {
        (void)add_tcp_relay_global(place.us.c, relay.address, relay.key);
    }

    std::deque<New_Peer> new_peers(FRIENDS);
    for (New_Peer &comer : new_peers) {
        sim_peer_start(comer.peer, place.net);
        comer.ours = new_tcp_connection_to(place.us.c, comer.peer.key, 0);
        for (std::size_t i = 0; i < RECOMMENDED_FRIEND_TCP_CONNECTIONS; ++i) {
            comer.relays.push_back(node_of_relay(place.relays[sim_below(place.net.random, FOUND_RELAYS)]));
        }
    }
    // When a friend calls us, our host ties the relay of the call to the connection, as net_crypto does.
    place.us.on_oob = [&place](const Sim_Packet &packet) {
        const int connection = tcp_connection_to(place.us.c, packet.sender);
        (void)add_tcp_number_relay_connection(place.us.c, connection, packet.relay);
    };

    Found_Result result;
    for (New_Peer &comer : new_peers) {
        sim_advance(place.net, SETTLE_MS);
        result.relays += static_cast<double>(tcp_connected_relays_count(place.us.c)) / FRIENDS;
        const std::vector<Node> announced = announce(place);
        std::vector<Sim_Relay *> killed;
        kill_some(place, killed);
        const std::uint64_t took = come_and_go(place, comer, announced);
        for (Sim_Relay *const relay : killed) {
            sim_relay_return(*relay);
        }
        ++result.new_peers;
        result.at_once += took < WORD_AFTER_MS ? 1 : 0;
        result.late += took >= WORD_AFTER_MS && took < GIVE_UP_MS ? 1 : 0;
        result.mean_ms += static_cast<double>(took) / FRIENDS;
    }
    return result;
}

} // namespace toxtcp
