#include "sim/seed.h"

#include <cstdio>
#include <cstring>
#include <deque>
#include <map>

#include "connections/state.h"
#include "sim/peer.h"
#include "sim/proxy.h"
#include "sim/relay.h"

namespace toxtcp {

namespace {

constexpr std::uint64_t SECOND = 1'000;

/// Two who talk, while both are online at an honest relay, must have heard each other this recently, by how many of their
/// relays are not honest: the time to find out one dropper after the other.
constexpr std::uint64_t HEARD_WITHIN[] = {10 * SECOND, 30 * SECOND, 60 * SECOND, 150 * SECOND};
/// After the last fault everybody must be heard within this time.
constexpr std::uint64_t HEALED_WITHIN = 60 * SECOND;
constexpr std::uint64_t RECENT = 10 * SECOND;
/// The host above tells each side of the relays that both know this often, as toxcore does.
constexpr std::uint64_t SHARE_EVERY = 7 * SECOND;

enum class Fault : std::uint8_t {
    kill,
    stop,
    cut_relay,
    cut_client,
    drop,
    lie,
    drop_one_way,
    slow,
    full,
    pieces,
    flood,
    garbage,
    drop_client,
    sleep,
    kill_connection,
    kill_relay,
    onion,
    network_changed,
    count
};

constexpr const char *FAULT_NAMES[] = {"kill",       "stop",         "cut relay",      "cut client", "drop",
                                       "lie",        "drop one way", "slow",           "full",       "pieces",
                                       "flood",      "garbage",      "drop client",    "sleep",      "kill connection",
                                       "kill relay", "onion",        "network changed"};
static_assert(std::size(FAULT_NAMES) == static_cast<std::size_t>(Fault::count));

constexpr std::uint32_t NOBODY = UINT32_MAX;
constexpr std::uint32_t MARK = 0x70C7CB; ///< what a relay makes up begins otherwise

/// A packet that was sent: over which relay, if it was one, and exactly one.
struct Sent {
    std::uint32_t relay = NOBODY;
    bool received = false;
};

/// One direction of a friendship.
struct Flow {
    std::vector<Sent> sent;
    std::map<std::uint32_t, std::uint32_t> last; ///< by relay, the last number that came over it
    std::uint64_t heard_at = 0;
    bool talks = true;
    std::uint64_t period = 100;
};

struct Friendship {
    std::array<std::uint32_t, 2> peer{};
    std::array<int, 2> connection{-1, -1};
    std::vector<std::uint32_t> relays;
    std::array<Flow, 2> flow;     ///< by sender
    std::uint64_t good_since = 0; ///< both have been online at an honest relay since; 0: not now
    std::size_t bad = 0;          ///< relays that are not honest or not well
};

#pragma pack(push, 1)
struct Payload {
    std::uint32_t mark = MARK;
    std::uint32_t friendship;
    std::uint32_t side; ///< of the sender
    std::uint32_t number;
};
#pragma pack(pop)

struct Run {
    explicit Run(std::uint64_t seed) : net(seed) { random.state = seed * 0x9E3779B97F4A7C15U + 1; }

    Sim_Network net;
    Sim_Random random; ///< the story's; the network has its own
    std::deque<Sim_Relay> relays;
    std::vector<std::uint64_t> bad_until; ///< by relay: not honest, or not well, before
    std::vector<std::uint64_t> client_bad_until;
    std::deque<Sim_Proxy> proxies;
    std::deque<Sim_Peer> peers;
    std::deque<Friendship> friends;
    std::vector<Fault> faults;
    std::map<Public_Key, std::uint32_t> relay_of;
    std::uint64_t faults_end = 0;
    bool story = false;
    Seed_Result result;

    std::uint64_t below(std::uint64_t limit) { return sim_below(random, limit); }
    std::uint64_t between(std::uint64_t low, std::uint64_t high) { return low + below(high - low + 1); }
    bool chance(std::uint64_t percent) { return below(100) < percent; }
};

void digest(Run &run, std::uint64_t value) {
    run.result.digest = (run.result.digest ^ value) * 0x100000001B3U + run.net.now;
}

template <class... Args>
void fail(Run &run, const char *format, Args... args) {
    if (run.result.fault.empty()) {
        char text[256];
        std::snprintf(text, sizeof text, format, args...);
        run.result.fault = std::to_string(run.net.now) + " ms: " + text;
    }
}

template <class... Args>
void tell(Run &run, const char *format, Args... args) {
    if (run.story) {
        std::printf("%8llu  ", static_cast<unsigned long long>(run.net.now));
        std::printf(format, args...);
        std::printf("\n");
    }
}

// ---- the host above: friendships and packets -------------------------------------------------------------------

void share_relays(Run &run, Friendship &f, std::size_t side) {
    Sim_Peer &peer = run.peers[f.peer[side]];
    for (const std::uint32_t relay : f.relays) {
        if (f.connection[side] >= 0) {
            (void)add_tcp_relay_connection(peer.c, f.connection[side], run.relays[relay].address,
                                           run.relays[relay].key);
        }
    }
    sim_touch(run.net, peer.node);
}

void befriend(Run &run, std::uint32_t index, std::size_t side) {
    Friendship &f = run.friends[index];
    Sim_Peer &peer = run.peers[f.peer[side]];
    f.connection[side] = new_tcp_connection_to(peer.c, run.peers[f.peer[1 - side]].key, static_cast<int>(index));
    if (f.connection[side] < 0) {
        fail(run, "no connection to a new friend: %s", to_string(static_cast<Error>(f.connection[side])));
    }
    share_relays(run, f, side);
}

std::array<std::uint64_t, 16> packets_sent(const Run &run, const Sim_Peer &peer, std::array<std::uint32_t, 16> &over) {
    std::array<std::uint64_t, 16> counts{};
    for (std::uint32_t i = 0; i < counts.size() && i < tcp_connections_count(peer.c); ++i) {
        Relay_Info info;
        over[i] = NOBODY;
        if (tcp_relay_info(peer.c, tcp_relay_at(peer.c, i), info)) {
            counts[i] = info.traffic.packets_sent;
            over[i] = run.relay_of.at(info.public_key);
        }
    }
    return counts;
}

void send_one(Run &run, std::uint32_t index, std::size_t side) {
    Friendship &f = run.friends[index];
    Flow &flow = f.flow[side];
    Sim_Peer &peer = run.peers[f.peer[side]];
    if (f.connection[side] < 0 || !flow.talks) {
        return;
    }
    std::vector<std::uint8_t> packet(sizeof(Payload) + run.below(run.chance(5) ? 1'400 : 100));
    const Payload payload{MARK, index, static_cast<std::uint32_t>(side), static_cast<std::uint32_t>(flow.sent.size())};
    std::memcpy(packet.data(), &payload, sizeof payload);
    std::array<std::uint32_t, 16> over{};
    const auto before = packets_sent(run, peer, over);
    flow.sent.emplace_back();
    const bool batch = run.chance(10);
    const Bytes one{packet};
    const Error error =
        batch ? (send_packets_tcp_connection(peer.c, f.connection[side], {&one, 1}) == 1 ? Error::ok : Error::full)
              : send_packet_tcp_connection(peer.c, f.connection[side], packet);
    sim_touch(run.net, peer.node);
    if (error == Error::ok) {
        ++run.result.sent;
        const auto after = packets_sent(run, peer, over);
        std::uint32_t copies = 0;
        for (std::size_t i = 0; i < after.size(); ++i) {
            if (over[i] != NOBODY && after[i] != before[i]) {
                ++copies;
                flow.sent.back().relay = over[i];
            }
        }
        if (copies != 1) {
            flow.sent.back().relay = NOBODY; // OOB over several
        }
        if (copies == 0) {
            fail(run, "a packet was sent over no relay");
        }
    }
}

void take_data(Run &run, std::uint32_t me, const Sim_Packet &packet) {
    Payload payload{};
    if (packet.bytes.size() >= sizeof payload) {
        std::memcpy(&payload, packet.bytes.data(), sizeof payload);
    }
    if (packet.bytes.size() < sizeof payload || payload.mark != MARK) {
        return; // a relay made it up
    }
    if (payload.friendship >= run.friends.size() || payload.side > 1) {
        return fail(run, "peer %u got a packet that nobody sent", me);
    }
    Friendship &f = run.friends[payload.friendship];
    Flow &flow = f.flow[payload.side];
    if (f.peer[1 - payload.side] != me || packet.id != static_cast<int>(payload.friendship)) {
        return fail(run, "peer %u got a packet for peer %u", me, f.peer[1 - payload.side]);
    }
    if (payload.number >= flow.sent.size()) {
        return fail(run, "peer %u got a packet that was never sent", me);
    }
    Sent &sent = flow.sent[payload.number];
    if (sent.received && sent.relay != NOBODY) {
        return fail(run, "friendship %u: packet %u came twice", payload.friendship, payload.number);
    }
    Connection_Info info;
    Relay_Info relay;
    const int connection = f.connection[1 - payload.side];
    if (!tcp_connection_info(run.peers[me].c, connection, info) ||
        !tcp_relay_info(run.peers[me].c, info.receiving, relay)) {
        return fail(run, "peer %u does not know what a packet came over", me);
    }
    const std::uint32_t over = run.relay_of.at(relay.public_key);
    if (sent.relay != NOBODY) {
        if (over != sent.relay) {
            return fail(run, "friendship %u: packet %u went over relay %u and came over %u", payload.friendship,
                        payload.number, sent.relay, over);
        }
        const auto last = flow.last.find(over);
        if (last != flow.last.end() && last->second >= payload.number) {
            return fail(run, "friendship %u: packet %u came after %u over relay %u", payload.friendship, payload.number,
                        last->second, over);
        }
        flow.last[over] = payload.number;
    }
    sent.received = true;
    flow.heard_at = run.net.now;
    ++run.result.received;
    digest(run, payload.number);
}

// ---- what befalls them -----------------------------------------------------------------------------------------

void befall(Run &run, Fault fault) {
    Sim_Network &net = run.net;
    const auto relay = static_cast<std::uint32_t>(run.below(run.relays.size()));
    const auto peer = static_cast<std::uint32_t>(run.below(run.peers.size()));
    const auto pair = static_cast<std::uint32_t>(run.below(run.friends.size()));
    const std::size_t side = run.below(2);
    const std::uint64_t time = run.chance(50) ? run.between(100, 5 * SECOND) : run.between(5 * SECOND, 60 * SECOND);
    const std::uint64_t end = net.now + time;
    Sim_Relay &r = run.relays[relay];
    Sim_Peer &p = run.peers[peer];
    Sim_Node &node = node_of(r);
    const auto is_bad = [&](std::uint64_t until) { run.bad_until[relay] = std::max(run.bad_until[relay], until); };
    ++run.result.faults;
    tell(run, "%s: relay %u, peer %u, friendship %u side %zu, %llu ms", FAULT_NAMES[static_cast<int>(fault)], relay,
         peer, pair, side, static_cast<unsigned long long>(time));
    switch (fault) {
    case Fault::kill:
        if (!node.down) {
            sim_relay_kill(r, static_cast<Sim_Ending>(run.below(3)));
            is_bad(end);
            sim_at(net, end, [&r] { sim_relay_return(r); });
        }
        break;
    case Fault::stop:
        if (!node.stopped && !node.down) {
            sim_relay_stop(r, true);
            is_bad(end);
            sim_at(net, end, [&r] { sim_relay_stop(r, false); });
        }
        break;
    case Fault::cut_relay:
        if (!node.cut && !node.down) {
            sim_cut(net, r.node, true);
            is_bad(end + 5 * SECOND);
            sim_at(net, end, [&run, &r] { sim_cut(run.net, r.node, false, 1'000); });
        }
        break;
    case Fault::cut_client:
        if (!node_of(p).cut) {
            sim_cut(net, p.node, true);
            run.client_bad_until[peer] = end + 5 * SECOND;
            sim_at(net, end, [&run, &p] { sim_cut(run.net, p.node, false, 1'000); });
        }
        break;
    case Fault::drop:
        r.drops_data = true;
        is_bad(end);
        sim_at(net, end, [&r] { r.drops_data = false; });
        break;
    case Fault::lie:
        r.lies_online = true;
        is_bad(run.faults_end); // what it told stays
        sim_at(net, end, [&r] { r.lies_online = false; });
        break;
    case Fault::drop_one_way: {
        const Public_Key from = run.peers[run.friends[pair].peer[side]].key;
        const Public_Key to = run.peers[run.friends[pair].peer[1 - side]].key;
        r.drop = [from, to](const Public_Key &a, const Public_Key &b, const Packet &) { return a == from && b == to; };
        is_bad(end);
        sim_at(net, end, [&r] { r.drop = nullptr; });
        break;
    }
    case Fault::slow:
        node.latency = run.between(1, run.chance(30) ? 3'000 : 300);
        node.jitter = run.below(50);
        is_bad(end + 10 * SECOND);
        sim_at(net, end, [&node] {
            node.latency = 5;
            node.jitter = 0;
        });
        break;
    case Fault::full:
        node.capacity = run.between(256, 8'192);
        node.rest = run.below(200);
        node.send_piece = run.chance(50) ? run.between(1, 500) : 0;
        is_bad(end + 5 * SECOND);
        sim_at(net, end, [&node] {
            node.capacity = 64 * 1024;
            node.rest = 0;
            node.send_piece = 0;
        });
        break;
    case Fault::pieces:
        node.piece = run.between(1, 700);
        node_of(p).send_piece = run.between(1, 300);
        sim_at(net, end, [&node, &p] {
            node.piece = 0;
            node_of(p).send_piece = 0;
        });
        break;
    case Fault::flood: {
        std::vector<std::uint8_t> plain(2 + KEY_SIZE + run.below(600), 0xFF);
        constexpr std::uint8_t TYPES[] = {1, 2, 3, 4, 5, 7, 9, 11, 16, 17, 40};
        plain[0] = TYPES[run.below(std::size(TYPES))];
        plain[1] = static_cast<std::uint8_t>(run.between(16, 30));
        if (plain[0] == 1) {
            plain.resize(2 + KEY_SIZE);
        } else if (plain[0] < 4) {
            plain.resize(2);
        } else if (plain[0] < 6) {
            plain.resize(9);
        }
        is_bad(end + (plain[0] < 4 ? run.faults_end : 0)); // it may have told lies
        sim_relay_inject(r, p.key, plain, run.between(1, 2'000));
        break;
    }
    case Fault::garbage: {
        std::vector<std::uint8_t> bytes(run.between(1, 3'000));
        sim_fill(run.random, bytes);
        is_bad(net.now + 10 * SECOND);
        if (run.chance(50)) {
            sim_relay_inject_raw(r, p.key, bytes);
        } else {
            sim_relay_inject(r, p.key, Bytes{bytes}.first(std::min<std::size_t>(bytes.size(), 100)));
            is_bad(run.faults_end);
        }
        break;
    }
    case Fault::drop_client:
        is_bad(net.now + 10 * SECOND);
        sim_relay_drop(r, p.key, run.chance(50));
        break;
    case Fault::sleep: {
        Friendship &f = run.friends[pair];
        Sim_Peer &sleeper = run.peers[f.peer[side]];
        f.flow[0].talks = f.flow[1].talks = false;
        (void)set_tcp_connection_to_status(sleeper.c, f.connection[side], false);
        sim_touch(net, sleeper.node);
        sim_at(net, end, [&run, &f, side] {
            Sim_Peer &woken = run.peers[f.peer[side]];
            (void)set_tcp_connection_to_status(woken.c, f.connection[side], true);
            f.flow[0].talks = f.flow[1].talks = true;
            f.good_since = 0;
            sim_touch(run.net, woken.node);
        });
        break;
    }
    case Fault::kill_connection: {
        Friendship &f = run.friends[pair];
        const int stale = f.connection[side];
        f.good_since = 0;
        if (stale < 0) {
            break;
        }
        if (kill_tcp_connection_to(run.peers[f.peer[side]].c, stale) != Error::ok) {
            fail(run, "a connection could not be killed");
        }
        f.connection[side] = -1;
        sim_touch(net, run.peers[f.peer[side]].node);
        sim_at(net, net.now + run.below(2 * SECOND), [&run, pair, side, stale] {
            befriend(run, pair, side);
            Friendship &again = run.friends[pair];
            Sim_Peer &q = run.peers[again.peer[side]];
            const std::uint8_t byte = 0;
            if (send_packet_tcp_connection(q.c, stale, {&byte, 1}) != Error::bad_number) {
                fail(run, "a stale number was served");
            }
        });
        break;
    }
    case Fault::kill_relay: {
        const int number = tcp_relay_at(p.c, static_cast<std::uint32_t>(run.below(1 + tcp_connections_count(p.c))));
        if (number >= 0 && kill_tcp_relay_connection(p.c, number) != Error::ok) {
            fail(run, "a relay could not be killed");
        }
        for (Friendship &f : run.friends) {
            f.good_since = 0;
        }
        sim_touch(net, p.node);
        break;
    }
    case Fault::onion:
        (void)set_tcp_onion_status(p.c, run.chance(50));
        sim_touch(net, p.node);
        break;
    case Fault::network_changed:
        tcp_connections_network_changed(p.c);
        sim_touch(net, p.node);
        break;
    case Fault::count:
        break;
    }
}

// ---- what must hold --------------------------------------------------------------------------------------------

bool online_at(const Run &run, const Friendship &f, std::size_t side, std::uint32_t relay) {
    Connection_Info info;
    if (!tcp_connection_info(run.peers[f.peer[side]].c, f.connection[side], info)) {
        return false;
    }
    const int number = tcp_relay(run.peers[f.peer[side]].c, run.relays[relay].key);
    for (std::size_t i = 0; i < info.routes_count; ++i) {
        if (info.routes[i].relay == number && info.routes[i].state == Route_State::online) {
            return true;
        }
    }
    return false;
}

std::size_t count_bad(const Run &run, const Friendship &f) {
    return static_cast<std::size_t>(std::count_if(
        f.relays.begin(), f.relays.end(), [&run](std::uint32_t relay) { return run.bad_until[relay] > run.net.now; }));
}

bool is_well(const Run &run, const Friendship &f) {
    if (f.connection[0] < 0 || f.connection[1] < 0 || !f.flow[0].talks || !f.flow[1].talks ||
        run.client_bad_until[f.peer[0]] > run.net.now || run.client_bad_until[f.peer[1]] > run.net.now) {
        return false;
    }
    for (const std::uint32_t relay : f.relays) {
        if (run.bad_until[relay] <= run.net.now && online_at(run, f, 0, relay) && online_at(run, f, 1, relay)) {
            return true;
        }
    }
    return false;
}

void check(Run &run) {
    const std::uint64_t now = run.net.now;
    for (std::uint32_t i = 0; i < run.friends.size(); ++i) {
        Friendship &f = run.friends[i];
        const std::size_t bad = count_bad(run, f);
        if (!is_well(run, f) || bad > f.bad) {
            f.good_since = 0;
        }
        f.bad = bad;
        if (!is_well(run, f)) {
            continue;
        }
        f.good_since = f.good_since == 0 ? now : f.good_since;
        for (std::size_t side = 0; side < 2; ++side) {
            const std::uint64_t silence = now - std::max(f.flow[side].heard_at, f.good_since);
            run.result.longest_silence_ms = std::max(run.result.longest_silence_ms, silence);
            if (silence > HEARD_WITHIN[std::min(bad, std::size(HEARD_WITHIN) - 1)]) {
                fail(run,
                     "friendship %u: peer %u has not heard peer %u for %llu ms, with an honest relay and %zu others", i,
                     f.peer[1 - side], f.peer[side], static_cast<unsigned long long>(silence), bad);
            }
        }
    }
    for (std::uint32_t i = 0; i < run.peers.size(); ++i) {
        Sim_Peer &peer = run.peers[i];
        if (peer.broken != nullptr) {
            fail(run, "peer %u: %s", i, peer.broken);
        }
        if (node_of(peer).spins > 2 + node_of(peer).runs / 50) {
            fail(run, "peer %u is busy with nothing", i);
        }
        if (peer.c->relays.size() > run.relays.size()) {
            fail(run, "peer %u holds more relays than there are", i);
        }
        if (tcp_connections_deadline(peer.c) < now - SECOND) {
            fail(run, "peer %u is late", i);
        }
        peer.data.clear();
        peer.oob.clear();
        peer.onion.clear();
        peer.forwarding.clear();
        node_of(peer).log.clear();
        for (const Sim_Change &change : peer.changes) {
            tell(run, "  [%llu] peer %u: %s relay %d connection %d before %d: %s",
                 static_cast<unsigned long long>(change.at), i, to_string(change.change.kind), change.change.relay,
                 change.change.connection, change.change.previous, to_string(change.change.reason));
        }
        peer.changes.clear();
    }
    if (!run.net.misuse.empty()) {
        fail(run, "misuse of the host: %s", run.net.misuse.front().c_str());
    }
}

// ---- a run -----------------------------------------------------------------------------------------------------

/// Does something again and again, until the story ends.
void every(Run &run, std::uint64_t at, std::function<std::uint64_t()> action) {
    sim_at(run.net, at, [&run, action] {
        const std::uint64_t pause = action();
        if (run.result.fault.empty()) {
            every(run, run.net.now + pause, action);
        }
    });
}

void populate(Run &run) {
    const std::size_t relays = run.between(3, 8);
    const std::size_t peers = run.between(2, 5);
    for (std::size_t i = 0; i < relays; ++i) {
        sim_relay_start(run.relays.emplace_back(), run.net, run.chance(20) ? Family::ipv6 : Family::ipv4);
        run.relay_of[run.relays.back().key] = static_cast<std::uint32_t>(i);
        node_of(run.relays.back()).latency = run.between(1, 60);
    }
    run.bad_until.resize(relays);
    const bool proxied = run.chance(20);
    for (std::size_t i = 0; i < peers; ++i) {
        Sim_Peer_Def def;
        const std::uint64_t mode = run.below(4);
        def.mode = mode == 0 ? Tick_Mode::interval : Tick_Mode::deadline;
        def.readiness = mode != 1;
        def.profile = run.chance(20) ? Profile::saver : Profile::responsive;
        if (proxied && run.chance(50)) {
            sim_proxy_start(run.proxies.emplace_back(), run.net,
                            run.chance(50) ? Proxy_Type::http : Proxy_Type::socks5);
            def.proxy = run.proxies.back().proxy;
        }
        sim_peer_start(run.peers.emplace_back(), run.net, def);
        const auto me = static_cast<std::uint32_t>(i);
        run.peers.back().on_data = [&run, me](const Sim_Packet &packet) { take_data(run, me, packet); };
    }
    run.client_bad_until.resize(peers);
    for (std::uint32_t a = 0; a < peers; ++a) {
        for (std::uint32_t b = a + 1; b < peers; ++b) {
            if (b != a + 1 && run.chance(50)) {
                continue; // all are connected somehow, not all with all
            }
            Friendship &f = run.friends.emplace_back();
            f.peer = {a, b};
            for (std::uint32_t relay = 0; relay < relays && f.relays.size() < MAX_FRIEND_TCP_CONNECTIONS; ++relay) {
                if (relays - relay <= 3 - std::min<std::size_t>(3, f.relays.size()) || run.chance(60)) {
                    f.relays.push_back(relay);
                }
            }
            f.flow[0].period = run.between(20, 400);
            f.flow[1].period = run.between(20, 400);
        }
    }
}

} // namespace

Seed_Result run_seed(std::uint64_t seed, bool story) {
    Run run(seed);
    run.story = story;
    populate(run);
    for (std::uint8_t fault = 0; fault < static_cast<std::uint8_t>(Fault::count); ++fault) {
        if (run.chance(30)) {
            run.faults.push_back(static_cast<Fault>(fault));
        }
    }
    const std::uint64_t start = run.net.now;
    run.faults_end = start + run.between(20, 150) * SECOND;
    for (std::uint32_t i = 0; i < run.friends.size(); ++i) {
        for (std::size_t side = 0; side < 2; ++side) {
            sim_at(run.net, start + run.below(SECOND), [&run, i, side] { befriend(run, i, side); });
            every(run, start + SECOND, [&run, i, side] {
                send_one(run, i, side);
                return run.friends[i].flow[side].period;
            });
            every(run, start + SHARE_EVERY + run.below(SECOND), [&run, i, side] {
                share_relays(run, run.friends[i], side);
                return SHARE_EVERY;
            });
        }
    }
    const std::uint64_t pace = run.between(200, 8 * SECOND);
    if (!run.faults.empty()) {
        every(run, start + 3 * SECOND, [&run, pace] {
            if (run.net.now < run.faults_end) {
                befall(run, run.faults[run.below(run.faults.size())]);
            }
            return 1 + run.below(2 * pace);
        });
    }
    every(run, start + SECOND, [&run] {
        check(run);
        return SECOND;
    });
    // The longest fault lasts a minute beyond the last.
    const std::uint64_t healed = run.faults_end + 65 * SECOND;
    sim_until(run.net, healed - start, [&run] { return !run.result.fault.empty(); });
    for (Sim_Relay &relay : run.relays) {
        relay.lies_online = relay.drops_data = false;
        relay.drop = nullptr;
    }
    const auto all_heard = [&run] {
        for (const Friendship &f : run.friends) {
            for (const Flow &flow : f.flow) {
                if (flow.heard_at + RECENT < run.net.now) {
                    return false;
                }
            }
        }
        return true;
    };
    const bool back = sim_until(run.net, HEALED_WITHIN, [&] { return !run.result.fault.empty() || all_heard(); });
    if (!back) {
        fail(run, "not everybody is heard %llu s after the last fault",
             static_cast<unsigned long long>(HEALED_WITHIN / SECOND));
    }
    run.result.simulated_ms = run.net.now - start;
    digest(run, run.result.received);
    return run.result;
}

} // namespace toxtcp
