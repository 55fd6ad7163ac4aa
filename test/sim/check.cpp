#include <bit>

#include "sim/run.h"

namespace toxtcp {

namespace {

// The longest silence allowed between two who send and are online at the same honest relay (table in docs/failover.md).
constexpr std::uint64_t PROMPT_MS = 600;
constexpr std::uint64_t ROUND_TRIPS = 4;
constexpr std::uint64_t AT_MOST_MS = 3 * SECOND;
/// With up to two bad relays that echoes do not detect: they pass echoes and drop data, or the peer answers no echo.
constexpr std::uint64_t FEW_UNPROVED_MS = 9 * SECOND;
constexpr std::uint64_t MANY_UNPROVED_MS = 20 * SECOND; ///< with up to five of them
constexpr std::size_t FEW_UNPROVED = 2;

/// From the end of an outage to the first relay that is connected.
constexpr std::uint64_t BACK_WHEN_TOLD_MS = 3 * SECOND;
constexpr std::uint64_t BACK_MS = 15 * SECOND;

/// Echoes to a peer: so many a second, and one more over each route for each silence.
constexpr std::uint64_t ECHOES_A_SECOND = 2;
/// Echoes to all peers of a client: so many a second, and MOST_ECHOES at once (lib/connections/traffic.cpp).
constexpr std::uint64_t ALL_ECHOES_A_SECOND = 10;
constexpr std::uint64_t MOST_ECHOES = 40;
/// No echo is sent later than this after the last data.
constexpr std::uint64_t CALM_MS = 5 * SECOND;
/// To the library a peer is silent after this time, or after twice its usual pause if this is longer.
constexpr std::uint64_t SILENCE_MS = 300;

/// The most connects to a relay in an hour, after the first minute.
constexpr std::uint32_t DEAD_ATTEMPTS = 40;
constexpr std::uint32_t FLAPPING_ATTEMPTS = 60;

constexpr std::uint64_t RECENT = 10 * SECOND;

/// Pings to a relay from one check to the next: the protocol's, one a second in a silence, and one that tests a
/// connection.
constexpr std::uint32_t MAX_PINGS = 3;
/// Connects of a client from one check to the next: the usual pace (policy/backoff.h), and beyond it only relays that
/// are new to the client or named again.
constexpr std::uint64_t MAX_CONNECTS = 10 + 2 * MAX_SIM_RELAYS;

/// Whether the relay drops packets for this client because too much waits for it, as after a flood.
bool is_congested(const Sim_Relay &relay, const Client &client) {
    const int handle = relay_server_find(relay.server, client.peer.key);
    return handle >= 0 && relay_server_pending(relay.server, handle).size() > relay.server.def.data_queue;
}

bool is_good(const Run &run, const Friendship &f, std::uint32_t relay) {
    const std::uint64_t now = run.net.now;
    for (const std::uint32_t peer : f.peer) {
        if (is_congested(run.relays[relay], run.clients[peer])) {
            return false;
        }
    }
    return run.bad_until[relay] <= now && run.clients[f.peer[0]].cut_until[relay] <= now &&
           run.clients[f.peer[1]].cut_until[relay] <= now;
}

bool online_at(const Run &run, const Friendship &f, std::size_t side, std::uint32_t relay) {
    const Tcp_Connections &c = *run.clients[f.peer[side]].peer.c;
    const std::uint32_t slot = c.peers.find(f.connection[side]);
    const std::uint32_t over = find_relay(c, run.relays[relay].key);
    if (slot == NO_SLOT || over == NO_SLOT) {
        return false;
    }
    const std::uint8_t route = find_route(c.peers[slot], over);
    return route != NO_ROUTE && c.peers[slot].routes[route].step == Route_Step::online;
}

/// The friendship's relays that are not honest or not working.
Relay_Set bad_relays(const Run &run, const Friendship &f) {
    Relay_Set bad = 0;
    for (const std::uint32_t relay : f.relays) {
        bad = static_cast<Relay_Set>(bad | (is_good(run, f, relay) ? 0U : 1U << relay));
    }
    return bad;
}

/// A sum that changes whenever a fault begins at one of the friendship's relays, or on the way to it. The relay may have
/// been bad before, and have worked nevertheless.
std::uint64_t sum_of_faults(const Run &run, const Friendship &f) {
    std::uint64_t sum = 0;
    for (const std::uint32_t relay : f.relays) {
        sum += run.bad_until[relay] + run.clients[f.peer[0]].cut_until[relay] + run.clients[f.peer[1]].cut_until[relay];
    }
    return sum;
}

bool answers_echoes(const Run &run, const Friendship &f) {
    return run.clients[f.peer[0]].peer.def.answer_echoes && run.clients[f.peer[1]].peer.def.answer_echoes;
}

/// How many bad relays echoes do not detect.
std::size_t count_unproved(const Run &run, const Friendship &f, Relay_Set bad) {
    return static_cast<std::size_t>(std::count_if(f.relays.begin(), f.relays.end(), [&](std::uint32_t relay) {
        const Relay_Kind kind = run.kinds[relay].kind;
        const bool passes = kind == Relay_Kind::passes_echoes || kind == Relay_Kind::drops_big;
        return (bad >> relay & 1) != 0 && (passes || !answers_echoes(run, f));
    }));
}

/// The round trip between the two over the slowest of their honest relays, ms, with the pauses between ticks.
std::uint64_t round_trip(Run &run, const Friendship &f) {
    std::uint64_t longest = 0;
    for (const std::uint32_t relay : f.relays) {
        if (is_good(run, f, relay)) {
            longest = std::max(longest, node_of(run.relays[relay]).latency);
        }
    }
    std::uint64_t time = 4 * longest;
    for (const std::uint32_t peer : f.peer) {
        Client &client = run.clients[peer];
        const std::uint64_t proxy = client.proxy == NOBODY ? 0 : run.net.nodes[run.proxies[client.proxy].node]->latency;
        time += 2 * (node_of(client.peer).latency + 2 * proxy) + (ticks_by_the_clock(client) ? SIM_TICK_MS : 0);
    }
    return time;
}

std::uint64_t silence_bound(Run &run, const Friendship &f, std::size_t unproved) {
    // A period of both ends is added: an end notices a silence from its own next packet on, and the first packet that
    // it hears again is the next one of the other end. An end that ticks by the clock decides at ticks only: four are
    // added.
    const bool by_clock = ticks_by_the_clock(run.clients[f.peer[0]]) || ticks_by_the_clock(run.clients[f.peer[1]]);
    const std::uint64_t own = f.flow[0].period + f.flow[1].period + (by_clock ? 4 * SIM_TICK_MS : 0);
    if (unproved != 0) {
        return (unproved <= FEW_UNPROVED ? FEW_UNPROVED_MS : MANY_UNPROVED_MS) + own;
    }
    // The library waits for twice the pause that the other end usually makes.
    const std::uint64_t pause = std::max(f.flow[0].period, f.flow[1].period);
    const std::uint64_t patience = std::max(2 * pause, SILENCE_MS) - SILENCE_MS;
    return std::min(PROMPT_MS + patience + ROUND_TRIPS * round_trip(run, f), AT_MOST_MS) + own;
}

/// Whether the two must hear each other: both are awake and settled, and online at the same good relay.
bool is_well(const Run &run, const Friendship &f) {
    for (std::size_t side = 0; side < 2; ++side) {
        const Client &client = run.clients[f.peer[side]];
        if (f.connection[side] < 0 || !talks(run, f) || client.settled_at > run.net.now || !is_running(client)) {
            return false;
        }
    }
    return std::any_of(f.relays.begin(), f.relays.end(), [&](std::uint32_t relay) {
        return is_good(run, f, relay) && online_at(run, f, 0, relay) && online_at(run, f, 1, relay);
    });
}

/// Prints in a story: the state of each relay of a friendship, and which relays the two use.
void tell_routes(Run &run, const Friendship &f) {
    for (const std::uint32_t relay : f.relays) {
        tell(run, "  relay %u: %s%s%s", relay, is_good(run, f, relay) ? "good" : "bad",
             online_at(run, f, 0, relay) ? ", online for the first" : "",
             online_at(run, f, 1, relay) ? ", online for the second" : "");
    }
    for (std::size_t side = 0; side < 2; ++side) {
        const Tcp_Connections *const c = run.clients[f.peer[side]].peer.c;
        Connection_Info info;
        Relay_Info sending;
        Relay_Info receiving;
        if (tcp_connection_info(c, f.connection[side], info)) {
            const bool sends = tcp_relay_info(c, info.sending, sending);
            const bool receives = tcp_relay_info(c, info.receiving, receiving);
            tell(run, "  peer %u connection %d: sends over relay %d, has received over relay %d, heard at %llu",
                 f.peer[side], f.connection[side], sends ? static_cast<int>(run.relay_of.at(sending.public_key)) : -1,
                 receives ? static_cast<int>(run.relay_of.at(receiving.public_key)) : -1,
                 static_cast<unsigned long long>(f.flow[1 - side].heard_at));
        }
    }
}

void check_silence(Run &run, std::uint32_t index) {
    const std::uint64_t now = run.net.now;
    Friendship &f = run.friends[index];
    const bool well = is_well(run, f);
    const Relay_Set bad = bad_relays(run, f);
    const std::size_t unproved = count_unproved(run, f, bad);
    const std::uint64_t faults = sum_of_faults(run, f);
    if (!well || bad != f.bad || unproved != f.unproved || faults != f.faults) {
        f.good_since = 0;
    }
    f.faults = faults;
    f.bad = bad;
    f.unproved = unproved;
    if (!well) {
        return;
    }
    f.good_since = f.good_since == 0 ? now : f.good_since;
    const std::size_t kind = bad == 0 ? 0 : unproved == 0 ? 1 : unproved <= FEW_UNPROVED ? 2 : 3;
    for (std::size_t side = 0; side < 2; ++side) {
        const std::uint64_t silence = now - std::max(f.flow[side].heard_at, f.good_since);
        const std::uint64_t bound = silence_bound(run, f, unproved);
        if (f.flow[side].period < SECOND) { // with longer periods, a pause is no silence
            run.result.most.longest_silence_ms[kind] = std::max(run.result.most.longest_silence_ms[kind], silence);
        }
        if (silence > bound) {
            tell_routes(run, f);
            fail(run,
                 "friendship %u: peer %u has not heard peer %u for %llu of at most %llu ms, with an honest relay, %d "
                 "others, of which echoes pass %zu",
                 index, f.peer[1 - side], f.peer[side], static_cast<unsigned long long>(silence),
                 static_cast<unsigned long long>(bound), std::popcount(bad), unproved);
        }
    }
}

// ---- echoes ----------------------------------------------------------------------------------------------------

void check_echoes_to(Run &run, std::uint32_t index, std::size_t side) {
    Friendship &f = run.friends[index];
    Client &client = run.clients[f.peer[side]];
    Echo_Watch &echoes = f.flow[side].echoes;
    Connection_Info info;
    if (client.peer.c == nullptr || !tcp_connection_info(client.peer.c, f.connection[side], info)) {
        return; // there is no connection, so no echo
    }
    if (echoes.connection != f.connection[side] || echoes.life != client.lives) {
        // The connection is new. Echoes granted in the last second were granted to it.
        const std::uint64_t granted =
            echoes.before[(echoes.place + Echo_Watch::SECONDS - 1) % Echo_Watch::SECONDS].second;
        echoes.connection = f.connection[side];
        echoes.life = client.lives;
        echoes.counter = 0;
        echoes.sent = 0;
        echoes.before.fill({0, granted});
    }
    const auto counter = static_cast<std::uint16_t>(info.echoes_sent);
    const std::uint64_t sent = static_cast<std::uint16_t>(counter - echoes.counter);
    echoes.counter = counter;
    echoes.sent += sent;
    client.echo_level += sent;
    if (sent != 0) {
        tell(run, "  peer %u connection %d: %llu echoes in the last second", f.peer[side], f.connection[side],
             static_cast<unsigned long long>(sent));
    }
    auto &[sent_before, granted_before] = echoes.before[echoes.place];
    // Bursts (one echo over each route) that `granted` does not have within these seconds: one that was sent just
    // before its silence was noticed here; one that was sent late, and granted before these seconds; two for
    // complaints. And one if the other end's period is long: before the library knows that period, it takes the other
    // end for silent.
    const std::uint64_t bursts = f.flow[1 - side].period > SILENCE_MS ? 5 : 4;
    const std::uint64_t most =
        ECHOES_A_SECOND * Echo_Watch::SECONDS + bursts * f.relays.size() + echoes.granted - granted_before;
    if (echoes.sent - sent_before > most) {
        fail(run, "friendship %u: peer %u has sent %llu echoes of at most %llu in %zu s", index, f.peer[side],
             static_cast<unsigned long long>(echoes.sent - sent_before), static_cast<unsigned long long>(most),
             Echo_Watch::SECONDS);
    }
    run.result.most.echoes = std::max(run.result.most.echoes, echoes.sent - sent_before);
    sent_before = echoes.sent;
    granted_before = echoes.granted;
    echoes.place = (echoes.place + 1) % Echo_Watch::SECONDS;
    if (sent != 0 && f.flow[side].said_at + CALM_MS + SECOND < run.net.now) {
        fail(run, "friendship %u: peer %u sends echoes, though it has nothing to say", index, f.peer[side]);
    }
}

void check_echoes(Run &run) {
    for (Client &client : run.clients) {
        client.echo_level -= std::min(client.echo_level, ALL_ECHOES_A_SECOND);
    }
    for (std::uint32_t i = 0; i < run.friends.size(); ++i) {
        if (!is_hostile(run, run.friends[i])) {
            check_echoes_to(run, i, 0);
            check_echoes_to(run, i, 1);
        }
    }
    for (std::uint32_t i = 0; i < run.clients.size(); ++i) {
        if (run.clients[i].echo_level > MOST_ECHOES + ALL_ECHOES_A_SECOND) {
            fail(run, "peer %u has sent %llu echoes more than %llu a second", i,
                 static_cast<unsigned long long>(run.clients[i].echo_level),
                 static_cast<unsigned long long>(ALL_ECHOES_A_SECOND));
        }
    }
}

// ---- outages ---------------------------------------------------------------------------------------------------

/// Whether a connection that is awake wants this relay.
bool is_wanted(const Run &run, std::uint32_t index, std::uint32_t relay) {
    return std::any_of(run.friends.begin(), run.friends.end(), [&](const Friendship &f) {
        const std::size_t side = f.peer[0] == index ? 0 : 1;
        return f.peer[side] == index && f.connection[side] >= 0 && f.asleep_until[side] <= run.net.now &&
               std::find(f.relays.begin(), f.relays.end(), relay) != f.relays.end();
    });
}

/// Checks that a client without a connected relay soon connects to a relay that it can reach.
void check_outage(Run &run, std::uint32_t index) {
    const std::uint64_t now = run.net.now;
    Client &client = run.clients[index];
    const bool running = is_running(client) && client.bad_until <= now;
    std::uint64_t since = NEVER;
    for (std::uint32_t relay = 0; relay < run.relays.size(); ++relay) {
        std::uint64_t &reachable = client.reachable_since[relay];
        const bool reaches =
            running && run.bad_until[relay] <= now && client.cut_until[relay] <= now && is_wanted(run, index, relay);
        reachable = !reaches ? 0 : reachable == 0 ? now : reachable;
        since = std::min(since, reachable == 0 ? NEVER : reachable);
    }
    if (!running || client.hostile || client.peer.c->connected != 0) {
        client.apart_since = 0;
        return;
    }
    client.apart_since = client.apart_since == 0 ? now : client.apart_since;
    since = std::max(since, client.apart_since);
    const bool told = client.told_at + SECOND >= since;
    const std::uint64_t from = told ? std::max(since, client.told_at) : since;
    const std::uint64_t bound = told ? BACK_WHEN_TOLD_MS : BACK_MS;
    if (from != NEVER && now > from) {
        run.result.most.longest_outage_ms[told ? 0 : 1] =
            std::max(run.result.most.longest_outage_ms[told ? 0 : 1], now - from);
        if (now - from > bound) {
            fail(run, "peer %u has no relay for %llu of at most %llu ms, though it could", index,
                 static_cast<unsigned long long>(now - from), static_cast<unsigned long long>(bound));
        }
    }
}

// ---- the rest --------------------------------------------------------------------------------------------------

/// Checks that memory does not grow: free slots are used again, and lists are no longer than needed.
void check_memory(Run &run, std::uint32_t index) {
    const Tcp_Connections &c = *run.clients[index].peer.c;
    if (c.relays.size() > run.relays.size()) {
        fail(run, "peer %u holds more relays than there are", index);
    }
    if (c.peers.count() >= run.clients.size()) {
        fail(run, "peer %u holds more connections than it has friends", index);
    }
    // A slot is given up for good when its generations are used up, so that no handle is given out twice.
    if (c.peers.size() >= run.clients.size() + run.clients[index].befriended / MAX_GENERATIONS) {
        fail(run, "peer %u does not use the slots of its connections again", index);
    }
    if (c.changes.capacity() > 2 * MAX_CHANGES || c.retired_links != nullptr) {
        fail(run, "peer %u keeps what it has no use for", index);
    }
    for (std::uint32_t slot = 0; slot < c.relays.size(); ++slot) {
        if (c.relays.used(slot) && c.relays[slot].tied.capacity() > 2 * run.clients.size()) {
            fail(run, "peer %u: a relay's list of routes grows", index);
        }
    }
}

void check_limits(Run &run, std::uint32_t index) {
    Client &client = run.clients[index];
    const Tcp_Connections &c = *client.peer.c;
    const Sim_Node &node = node_of(client.peer);
    if (node.open_sockets() != c.connected + c.connecting) {
        fail(run, "peer %u has %zu sockets for %u relays", index, node.open_sockets(), c.connected + c.connecting);
    }
    if (node.calls.connect - client.connects > MAX_CONNECTS) {
        fail(run, "peer %u has connected %llu times in a second", index,
             static_cast<unsigned long long>(node.calls.connect - client.connects));
    }
    client.connects = node.calls.connect;
    const bool changed = run.net.now - client.changed_at < 5 * SECOND;
    for (std::uint32_t relay = 0; relay < run.relays.size(); ++relay) {
        if (client.pings[relay] > MAX_PINGS && !changed && run.bad_until[relay] <= run.net.now &&
            client.settled_at <= run.net.now) {
            fail(run, "peer %u has pinged relay %u %u times in a second", index, relay, client.pings[relay]);
        }
    }
    client.pings = {};
    for (const int stale : client.stale) {
        Relay_Info info;
        if (tcp_relay_info(&c, stale, info)) {
            fail(run, "the number of a relay that is gone was served");
        }
    }
}

/// The flow that a connection sends; null for none. `hostile`: whether one of its two ends is hostile.
Flow *flow_of(Run &run, std::uint32_t client, int connection, bool &hostile) {
    for (Friendship &f : run.friends) {
        for (std::size_t side = 0; side < 2; ++side) {
            if (f.peer[side] == client && f.connection[side] == connection) {
                hostile = is_hostile(run, f);
                return &f.flow[side];
            }
        }
    }
    return nullptr;
}

/// Checks, where a hostile peer is the only fault, that it has no effect on others.
void check_harmless(Run &run, std::uint32_t index, const Change &change, Flow *flow, bool hostile) {
    const bool is_ours = change.reason == Reason::none || change.reason == Reason::unused ||
                         change.reason == Reason::asleep || change.reason == Reason::killed;
    if (change.kind == Change_Kind::relay_stale || (change.kind == Change_Kind::relay_down && !is_ours) ||
        (change.kind == Change_Kind::relay_gone && !is_ours)) {
        fail(run, "peer %u: %s, %s, for what another peer does", index, to_string(change.kind),
             to_string(change.reason));
    }
    if (change.kind == Change_Kind::moved && change.reason == Reason::not_delivering && flow != nullptr && !hostile &&
        ++flow->moves > 1) {
        fail(run, "peer %u: traffic to a peer moves for what another peer does", index);
    }
}

void check_change(Run &run, std::uint32_t index, const Change &change) {
    bool hostile = false;
    Flow *const flow = flow_of(run, index, change.connection, hostile);
    if (change.kind == Change_Kind::route_online && flow != nullptr) {
        ++flow->echoes.granted;
    }
    if (change.kind == Change_Kind::moved && change.reason != Reason::not_delivering && flow != nullptr) {
        flow->echoes.granted += ROUTES; // the route in use was lost: an echo over each route
    }
    if (run.only_hostile_peers && !run.clients[index].hostile) {
        check_harmless(run, index, change, flow, hostile);
    }
}

void check_client(Run &run, std::uint32_t index) {
    Client &client = run.clients[index];
    Sim_Peer &peer = client.peer;
    const Sim_Node &node = node_of(peer);
    if (peer.broken != nullptr) {
        fail(run, "peer %u: %s", index, peer.broken);
    }
    if (node.spins > 5 + node.runs / 50) { // a few are allowed; many are a busy loop
        fail(run, "peer %u is busy with nothing", index);
    }
    if (is_running(client)) {
        if (const char *const fault = validate(*peer.c); fault != nullptr) {
            fail(run, "peer %u: %s", index, fault);
        }
        if (tcp_connections_deadline(peer.c) < run.net.now - SECOND && run.net.now - client.changed_at > SECOND) {
            fail(run, "peer %u is late", index);
        }
        check_memory(run, index);
        check_limits(run, index);
    }
    for (const Sim_Change &change : peer.changes) {
        check_change(run, index, change.change);
        tell(run, "  [%llu] peer %u: %s relay %d connection %d before %d: %s",
             static_cast<unsigned long long>(change.at), index, to_string(change.change.kind), change.change.relay,
             change.change.connection, change.change.previous, to_string(change.change.reason));
    }
    peer.changes.clear();
    peer.data.clear();
    peer.oob.clear();
    peer.onion.clear();
    peer.forwarding.clear();
    node_of(peer).log.clear();
}

} // namespace

void note_silence(const Run &run, Friendship &f, std::size_t side) {
    Flow &flow = f.flow[side];
    const std::uint64_t usual = flow.period > SILENCE_MS ? flow.period + SILENCE_MS / 2 : SILENCE_MS;
    const bool silent = flow.heard_at + usual < run.net.now;
    if (silent && !flow.in_silence) {
        f.flow[0].echoes.granted += f.relays.size();
        f.flow[1].echoes.granted += f.relays.size(); // it gets a complaint, and checks its routes
    }
    flow.in_silence = silent;
}

void check_silences(Run &run) {
    for (std::uint32_t i = 0; i < run.friends.size(); ++i) {
        Friendship &f = run.friends[i];
        if (!is_hostile(run, f)) {
            check_silence(run, i);
            note_silence(run, f, 0);
            note_silence(run, f, 1);
        }
    }
    for (std::uint32_t i = 0; i < run.clients.size(); ++i) {
        check_outage(run, i);
    }
}

void check(Run &run) {
    for (std::uint32_t i = 0; i < run.clients.size(); ++i) {
        check_client(run, i);
    }
    check_echoes(run);
    for (const Sim_Relay &relay : run.relays) {
        if (relay.nonce_repeated) {
            fail(run, "a nonce was used twice");
        }
        if (relay.offence != Reason::none) {
            fail(run, "a relay could not open or understand what a client sent: %s", to_string(relay.offence));
        }
    }
    if (!run.net.misuse.empty()) {
        fail(run, "misuse of the host: %s", run.net.misuse.front().c_str());
    }
}

void check_attempts(Run &run) {
    for (std::uint32_t index = 0; index < run.clients.size(); ++index) {
        if (run.clients[index].hostile) {
            continue; // its host ends relays and names them again
        }
        for (std::uint32_t relay = 0; relay < run.relays.size(); ++relay) {
            const Relay_Kind kind = run.kinds[relay].kind;
            if (kind == Relay_Kind::honest) {
                continue; // it is connected each time the host names it, and left while no peer is online there
            }
            const std::uint32_t most = kind == Relay_Kind::flaps ? FLAPPING_ATTEMPTS : DEAD_ATTEMPTS;
            std::uint32_t &longest = run.result.most.attempts[kind == Relay_Kind::flaps ? 1 : 0];
            const std::uint32_t attempts = run.clients[index].attempts[relay];
            longest = std::max(longest, attempts);
            if (attempts > most) {
                fail(run, "peer %u has tried relay %u, which %s, %u of at most %u times in an hour", index, relay,
                     to_string(kind), attempts, most);
            }
        }
    }
}

bool all_heard(const Run &run) {
    for (const Friendship &f : run.friends) {
        if (is_hostile(run, f)) {
            continue;
        }
        for (const Flow &flow : f.flow) {
            if (flow.heard_at + RECENT < run.net.now) {
                return false;
            }
        }
    }
    return true;
}

} // namespace toxtcp
