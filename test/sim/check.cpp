#include "sim/run.h"

namespace toxtcp {

namespace {

/// Two who talk, while both are online at an honest relay, must have heard each other this recently, by how many of their
/// relays are not honest: the time to find out one dropper after the other.
constexpr std::uint64_t HEARD_WITHIN[] = {15 * SECOND, 60 * SECOND, 75 * SECOND, 150 * SECOND};
static_assert(std::size(HEARD_WITHIN) == std::tuple_size_v<decltype(Seed_Result::longest_silence_ms)>);
constexpr std::uint64_t RECENT = 10 * SECOND;

/// Of pings, from one check to the next: one a second more than the usual, and those that prove a network.
constexpr std::uint32_t MAX_PINGS = 3;
/// The pace of connects (retry.cpp), and beyond it only relays that are new to the client or known again.
constexpr std::uint64_t MAX_CONNECTS = 10 + 2 * MAX_SIM_RELAYS;

/// Whether so much waits at a relay for this client, after a flood, that it drops packets for it.
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

/// Whether nothing stands in the way of the two.
bool is_well(const Run &run, const Friendship &f) {
    for (std::size_t side = 0; side < 2; ++side) {
        const Client &client = run.clients[f.peer[side]];
        if (f.connection[side] < 0 || !talks(run, f) || client.bad_until > run.net.now || !is_running(client)) {
            return false;
        }
    }
    return std::any_of(f.relays.begin(), f.relays.end(), [&](std::uint32_t relay) {
        return is_good(run, f, relay) && online_at(run, f, 0, relay) && online_at(run, f, 1, relay);
    });
}

/// For the story: how each of their relays stands with the two.
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
    const auto bad = static_cast<std::size_t>(
        std::count_if(f.relays.begin(), f.relays.end(), [&](std::uint32_t relay) { return !is_good(run, f, relay); }));
    const bool well = is_well(run, f);
    if (!well || bad != f.bad) {
        f.good_since = 0;
    }
    f.bad = bad;
    if (!well) {
        return;
    }
    f.good_since = f.good_since == 0 ? now : f.good_since;
    const std::size_t kind = std::min(bad, std::size(HEARD_WITHIN) - 1);
    for (std::size_t side = 0; side < 2; ++side) {
        const std::uint64_t silence = now - std::max(f.flow[side].heard_at, f.good_since);
        run.result.longest_silence_ms[kind] = std::max(run.result.longest_silence_ms[kind], silence);
        if (silence > HEARD_WITHIN[kind]) {
            tell_routes(run, f);
            fail(run, "friendship %u: peer %u has not heard peer %u for %llu ms, with an honest relay and %zu others",
                 index, f.peer[1 - side], f.peer[side], static_cast<unsigned long long>(silence), bad);
        }
    }
}

/// Arrays that are used again where they are free, lists that are as long as they must be, and no more.
void check_memory(Run &run, std::uint32_t index) {
    const Tcp_Connections &c = *run.clients[index].peer.c;
    if (c.relays.size() > run.relays.size()) {
        fail(run, "peer %u holds more relays than there are", index);
    }
    if (c.peers.size() >= run.clients.size()) {
        fail(run, "peer %u holds more connections than it has friends", index);
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
            client.bad_until <= run.net.now) {
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

void check_client(Run &run, std::uint32_t index) {
    Client &client = run.clients[index];
    Sim_Peer &peer = client.peer;
    const Sim_Node &node = node_of(peer);
    if (peer.broken != nullptr) {
        fail(run, "peer %u: %s", index, peer.broken);
    }
    if (node.spins > 5 + node.runs / 50) { // once in a while it is due again at once; to go on like that is a busy loop
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

void check(Run &run) {
    for (std::uint32_t i = 0; i < run.friends.size(); ++i) {
        check_silence(run, i);
    }
    for (std::uint32_t i = 0; i < run.clients.size(); ++i) {
        check_client(run, i);
    }
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

bool all_heard(const Run &run) {
    for (const Friendship &f : run.friends) {
        for (const Flow &flow : f.flow) {
            if (flow.heard_at + RECENT < run.net.now) {
                return false;
            }
        }
    }
    return true;
}

} // namespace toxtcp
