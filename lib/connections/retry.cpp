// When a relay that was up is tried again: soon, then ever later, with chance in it, and never many at once. While
// nothing at all is connected it is rather the network that is gone: then a few attempts a second go on, so that its
// return is noticed, and what answers first brings the others back.
#include <algorithm>
#include <new>

#include "connections/state.h"

namespace toxtcp {

namespace {

constexpr std::uint64_t FIRST_RETRY_MS = 250;
constexpr std::uint64_t MAX_RETRY_MS = 120'000;
constexpr std::uint32_t MAX_DOUBLINGS = 10;
/// A relay that would give a peer back one of the routes it lacks waits no longer than this, for its first attempts.
constexpr std::uint64_t NEEDED_RETRY_MS = 4'000;
constexpr std::uint32_t NEEDED_ATTEMPTS = 20;

/// In an outage no relay waits longer than this, and an attempt that nobody answers is given up after the other: the
/// system sends the packet that opens a connection at growing intervals, too late for us.
constexpr std::uint64_t OUTAGE_RETRY_MS = 1'500;
constexpr std::uint64_t OUTAGE_PATIENCE_MS = 2'000;
/// But each so many attempts one is given all its time, for a network that became slow.
constexpr std::uint32_t PATIENT_ATTEMPT = 8;

/// A retry that comes so much later than the failure before it may wait for another wake-up, but no longer than this: a
/// client with a relay that is up wakes twice a minute at least.
constexpr std::uint64_t PATIENT_RETRY_MS = 30'000;
constexpr std::uint64_t RETRY_WAITS_MS = 30'000;

/// Pace of connects: between any two of one client.
constexpr std::uint64_t OUTAGE_PACE_MS = 600;
constexpr std::uint64_t PACE_MS = 100;

/// A relay that is there answers a ping in this time, after a change of network.
constexpr std::uint64_t PROOF_MS = 2'000;

/// Half of it to all of it.
std::uint64_t with_chance(const Tcp_Connections &c, std::uint64_t ms) {
    return ms / 2 + random_below(c, static_cast<std::uint32_t>(ms / 2 + 1));
}

void retry_at(Tcp_Connections &c, std::uint32_t slot, std::uint64_t at) {
    Relay &relay = c.relays[slot];
    relay.retry_at = std::max(at, relay.penalty_until);
    relay.retry_waits = !c.outage && relay.retry_at >= c.now + PATIENT_RETRY_MS;
    if (relay.retry_waits) {
        c.join_at = std::min(c.join_at, relay.retry_at);
    }
    c.relay_deadlines.set(slot, retry_deadline(c, relay));
}

std::uint64_t earliest_retry(const Tcp_Connections &c, const Relay &relay) {
    return relay.retry_at == NEVER ? NEVER : std::max(relay.retry_at, c.next_connect);
}

/// Whether a peer that is online has fewer routes than wanted while this relay is away.
bool is_needed(const Tcp_Connections &c, const Relay &relay) {
    return c.profile != Profile::saver && std::any_of(relay.tied.begin(), relay.tied.end(), [&c](std::uint32_t name) {
               const Connection &peer = c.peers[connection_of(name)];
               return peer.awake && peer.online != 0 && peer.online < RECOMMENDED_FRIEND_TCP_CONNECTIONS;
           });
}

bool is_waiting(const Tcp_Connections &c, std::uint32_t slot) {
    return c.relays.used(slot) && c.relays[slot].state == Relay_State::waiting;
}

/// An attempt that began before the network was back is worth less than a new one.
bool is_stale_attempt(const Tcp_Connections &c, std::uint32_t slot, std::uint64_t age) {
    return c.relays.used(slot) && c.relays[slot].state == Relay_State::connecting &&
           c.now - c.relays[slot].link->client.started >= age;
}

} // namespace

void plan_retry(Tcp_Connections &c, std::uint32_t slot) {
    const Relay &relay = c.relays[slot];
    std::uint64_t pause = std::min(FIRST_RETRY_MS << std::min(relay.attempts, MAX_DOUBLINGS), MAX_RETRY_MS);
    if (pause > NEEDED_RETRY_MS && relay.attempts < NEEDED_ATTEMPTS && is_needed(c, relay)) {
        pause = NEEDED_RETRY_MS;
    }
    retry_at(c, slot, c.now + with_chance(c, c.outage ? std::min(pause, OUTAGE_RETRY_MS) : pause));
    if (c.outage && relay.attempts == 0) {
        for (std::uint32_t other = 0; other < c.relays.size(); ++other) {
            if (is_waiting(c, other) && c.relays[other].retry_at > c.now + OUTAGE_RETRY_MS) {
                retry_at(c, other, c.now + with_chance(c, OUTAGE_RETRY_MS));
            }
        }
    }
}

std::uint64_t retry_deadline(const Tcp_Connections &c, const Relay &relay) {
    if (relay.state == Relay_State::waiting) {
        const std::uint64_t at = earliest_retry(c, relay);
        return at == NEVER || !relay.retry_waits || c.outage ? at : at + RETRY_WAITS_MS;
    }
    if (relay.state == Relay_State::connecting && relay.was_up && c.outage &&
        relay.attempts % PATIENT_ATTEMPT != PATIENT_ATTEMPT - 1) {
        return relay.link->client.started + OUTAGE_PATIENCE_MS;
    }
    return NEVER;
}

void retry_relay(Tcp_Connections &c, std::uint32_t slot) {
    if (c.now < retry_deadline(c, c.relays[slot])) {
        return;
    }
    if (c.relays[slot].state == Relay_State::connecting) {
        relay_end(c.relays[slot].link->client, Reason::connect_timeout);
        wake_relay_at(c, slot, c.now);
        return;
    }
    c.next_connect = c.now + (c.outage ? OUTAGE_PACE_MS : PACE_MS);
    if (!connect_relay(c, slot)) {
        ++c.relays[slot].attempts;
        plan_retry(c, slot);
    }
}

void join_retries(Tcp_Connections &c) {
    c.join_at = NEVER;
    for (std::uint32_t slot = 0; slot < c.relays.size(); ++slot) {
        if (is_waiting(c, slot) && c.relays[slot].retry_waits) {
            if (earliest_retry(c, c.relays[slot]) <= c.now) {
                c.relays[slot].retry_waits = false;
                retry_relay(c, slot);
                c.relay_deadlines.set(slot, relay_due(c, c.relays[slot]));
            } else {
                c.join_at = std::min(c.join_at, earliest_retry(c, c.relays[slot]));
            }
        }
    }
}

void outage_is_over(Tcp_Connections &c) {
    c.outage = false;
    for (std::uint32_t slot = 0; slot < c.relays.size(); ++slot) {
        if (is_stale_attempt(c, slot, OUTAGE_PATIENCE_MS / 2)) {
            disconnect_relay(c, slot, Reason::connect_timeout, Relay_State::waiting);
        }
        if (is_waiting(c, slot)) {
            c.relays[slot].attempts = 0;
        }
    }
    line_up(c);
}

void prove_network(Tcp_Connections &c) {
    c.network_changed = false;
    for (std::uint32_t slot = 0; slot < c.relays.size(); ++slot) {
        if (!c.relays.used(slot)) {
            continue;
        }
        Relay &relay = c.relays[slot];
        if (is_connected(relay)) {
            relay.prove_until = c.now + PROOF_MS;
            relay_ping(relay.link->client, c.now);
            wake_relay_at(c, slot, relay.prove_until);
            flush_relay(c, slot);
        } else if (is_stale_attempt(c, slot, 1) && relay.was_up) {
            disconnect_relay(c, slot, Reason::network_changed, Relay_State::waiting);
        }
        if (is_waiting(c, slot)) {
            relay.attempts = 0;
        }
    }
    line_up(c);
}

void line_up(Tcp_Connections &c) {
    struct Gain {
        std::size_t peers; ///< that this relay brings back and none before it, as far as it is known
        std::uint32_t slot;
        bool operator<(const Gain &other) const {
            return peers != other.peers ? peers < other.peers : slot > other.slot;
        }
    };
    std::vector<bool> is_back;
    std::vector<Gain> gains;
    try {
        is_back.resize(c.peers.size());
        gains.reserve(c.relays.count());
    } catch (const std::bad_alloc &) {
        return; // each at its own time
    }
    const auto brings = [&](std::uint32_t name) {
        return c.peers[connection_of(name)].awake && !is_back[connection_of(name)];
    };
    const auto bring_back = [&](const Relay &relay) {
        for (const std::uint32_t name : relay.tied) {
            is_back[connection_of(name)] = true;
        }
    };
    for (std::uint32_t slot = 0; slot < c.peers.size(); ++slot) {
        is_back[slot] = c.peers.used(slot) && c.peers[slot].online != 0;
    }
    for (std::uint32_t slot = 0; slot < c.relays.size(); ++slot) {
        if (is_waiting(c, slot)) {
            gains.push_back({c.relays[slot].tied.size(), slot});
        } else if (c.relays.used(slot) && is_connected(c.relays[slot]) && c.now < judged_at(c, c.relays[slot])) {
            bring_back(c.relays[slot]); // its peers are about to come online
        }
    }
    std::make_heap(gains.begin(), gains.end());
    c.next_connect = c.now;
    std::uint64_t at = c.now;
    while (!gains.empty()) {
        // Its gain may have been another's meanwhile. It only shrinks, so the first that is as great as it was is the greatest.
        std::pop_heap(gains.begin(), gains.end());
        const std::vector<std::uint32_t> &tied = c.relays[gains.back().slot].tied;
        const auto peers = static_cast<std::size_t>(std::count_if(tied.begin(), tied.end(), brings));
        if (peers != gains.back().peers) {
            gains.back().peers = peers;
            std::push_heap(gains.begin(), gains.end());
            continue;
        }
        bring_back(c.relays[gains.back().slot]);
        retry_at(c, gains.back().slot, at);
        at += c.connected == 0 ? OUTAGE_PACE_MS : PACE_MS;
        gains.pop_back();
    }
}

} // namespace toxtcp
