#include "sim/cover.h"

#include <deque>

#include "sim/peer.h"
#include "sim/relay.h"

namespace toxtcp {

namespace {

constexpr std::size_t COVER_RELAYS = 200;
constexpr std::uint64_t SECOND_MS = 1'000;
constexpr std::uint64_t START_MS = 10 * SECOND_MS; ///< all friends have come by then
constexpr std::uint64_t RUN_MS = 150 * SECOND_MS;
/// How often each host names the relays of a friendship to the library.
constexpr std::uint64_t SHARE_EVERY_MS = 30 * SECOND_MS;
constexpr std::uint64_t TALK_EVERY = 4 * SECOND_MS;

struct Friend {
    Sim_Peer peer;
    int theirs = -1; ///< handle of the friend's connection to us
    int ours = -1;   ///< handle of our connection to the friend
    std::vector<std::uint32_t> relays;
};

struct Cover {
    explicit Cover(std::uint64_t seed) : net(seed) {}

    Sim_Network net;
    std::deque<Sim_Relay> relays;
    Sim_Peer us;
    std::deque<Friend> friends;
};

/// The size of a greedy cover. It takes the relay that most friends with fewer than three relays know, again and again,
/// until every friend has three.
std::size_t greedy_cover(const std::deque<Friend> &friends) {
    std::vector<std::size_t> wants(friends.size(), RECOMMENDED_FRIEND_TCP_CONNECTIONS);
    std::vector<bool> taken(COVER_RELAYS);
    for (std::size_t count = 0;; ++count) {
        std::vector<std::size_t> wanted(COVER_RELAYS);
        for (std::size_t i = 0; i < friends.size(); ++i) {
            for (const std::uint32_t relay : friends[i].relays) {
                wanted[relay] += wants[i] != 0 && !taken[relay];
            }
        }
        const auto best = std::max_element(wanted.begin(), wanted.end());
        if (*best == 0) {
            return count;
        }
        const auto relay = static_cast<std::uint32_t>(best - wanted.begin());
        taken[relay] = true;
        for (std::size_t i = 0; i < friends.size(); ++i) {
            const auto &known = friends[i].relays;
            wants[i] -= wants[i] != 0 && std::find(known.begin(), known.end(), relay) != known.end();
        }
    }
}

std::size_t count_known(const std::deque<Friend> &friends) {
    std::set<std::uint32_t> known;
    for (const Friend &f : friends) {
        known.insert(f.relays.begin(), f.relays.end());
    }
    return known.size();
}

void share(Cover &cover, Sim_Peer &peer, int connection, const std::vector<std::uint32_t> &relays) {
    for (const std::uint32_t relay : relays) {
        (void)add_tcp_relay_connection(peer.c, connection, cover.relays[relay].address, cover.relays[relay].key);
    }
    sim_touch(cover.net, peer.node);
}

void talk(Cover &cover, Sim_Peer &peer, int connection) {
    (void)send_packet_tcp_connection(peer.c, connection, bytes_of("still here"));
    peer.data.clear();
    peer.changes.clear();
    sim_touch(cover.net, peer.node);
}

template <class Action>
void every(Sim_Network &net, std::uint64_t at, std::uint64_t pause, Action action) {
    sim_at(net, at, [&net, pause, action] {
        action();
        every(net, net.now + pause, pause, action);
    });
}

void add_friend(Cover &cover, std::size_t index) {
    Friend &f = cover.friends.emplace_back();
    Sim_Network &net = cover.net;
    sim_peer_start(f.peer, net);
    for (const std::size_t count = 4 + sim_below(net.random, 3); f.relays.size() < count;) {
        const auto relay = static_cast<std::uint32_t>(sim_below(net.random, COVER_RELAYS));
        if (std::find(f.relays.begin(), f.relays.end(), relay) == f.relays.end()) {
            f.relays.push_back(relay);
        }
    }
    const std::uint64_t comes = net.now + sim_below(net.random, START_MS);
    sim_at(net, comes, [&cover, &f, index] {
        f.ours = new_tcp_connection_to(cover.us.c, f.peer.key, static_cast<int>(index));
        f.theirs = new_tcp_connection_to(f.peer.c, cover.us.key, 0);
    });
    every(net, comes, SHARE_EVERY_MS, [&cover, &f] {
        share(cover, cover.us, f.ours, f.relays);
        share(cover, f.peer, f.theirs, f.relays);
    });
    every(net, comes + TALK_EVERY + sim_below(net.random, TALK_EVERY), TALK_EVERY, [&cover, &f] {
        talk(cover, cover.us, f.ours);
        talk(cover, f.peer, f.theirs);
    });
}

} // namespace

Cover_Result run_cover(std::uint64_t seed, std::size_t friends) {
    Cover cover(seed);
    for (std::size_t i = 0; i < COVER_RELAYS; ++i) {
        sim_relay_start(cover.relays.emplace_back(), cover.net);
        node_of(cover.relays.back()).latency = 1 + sim_below(cover.net.random, 60);
    }
    sim_peer_start(cover.us, cover.net);
    for (std::size_t i = 0; i < friends; ++i) {
        add_friend(cover, i);
    }

    Cover_Result result;
    result.friends = friends;
    for (std::uint64_t time = SECOND_MS; time <= RUN_MS; time += SECOND_MS) {
        sim_advance(cover.net, SECOND_MS);
        const std::size_t held = tcp_connected_relays_count(cover.us.c);
        result.settled_ms = held == result.held ? result.settled_ms : time;
        result.held = held;
    }
    result.greedy = greedy_cover(cover.friends);
    result.original = count_known(cover.friends);
    result.least_online = MAX_FRIEND_TCP_CONNECTIONS;
    for (const Friend &f : cover.friends) {
        const std::size_t online = tcp_connection_to_online_tcp_relays(cover.us.c, f.ours);
        result.least_online = std::min(result.least_online, online);
        result.friends_held += tcp_connected_relays_count(f.peer.c) / static_cast<double>(friends);
    }
    return result;
}

} // namespace toxtcp
