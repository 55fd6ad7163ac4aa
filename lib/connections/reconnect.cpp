#include "connections/reconnect.h"

#include <algorithm>
#include <new>
#include <tuple>

#include "connections/peers.h"
#include "connections/prune.h"
#include "connections/relays.h"

namespace toxtcp {

namespace {

bool is_waiting(const Tcp_Connections &c, std::uint32_t slot) {
    return c.relays.used(slot) && c.relays[slot].state == Relay_State::waiting;
}

bool is_outage(const Tcp_Connections &c) {
    return c.pace.outage_since != 0;
}

bool host_tells_changes(const Tcp_Connections &c) {
    return c.context.host.tells_network_changes;
}

bool has_priority(const Tcp_Connections &c, const Relay &relay) {
    return is_outage(c) ? has_outage_priority(relay.backoff, c.pace) : is_wanted_relay(c, relay);
}

/// The relay whose turn it is; NO_SLOT when no relay may be tried now.
std::uint32_t next_in_queue(const Tcp_Connections &c) {
    std::uint32_t next = NO_SLOT;
    Waiting_Relay first;
    for (std::uint32_t slot = 0; slot < c.relays.size(); ++slot) {
        if (!is_waiting(c, slot)) {
            continue;
        }
        const Relay &relay = c.relays[slot];
        const Waiting_Relay waiting{has_priority(c, relay), relay.backoff.queue_order};
        if (backoff_ready_at(relay.backoff, c.pace) <= c.now && (next == NO_SLOT || is_tried_before(waiting, first))) {
            next = slot;
            first = waiting;
        }
    }
    return next;
}

} // namespace

void queue_reconnect(Tcp_Connections &c, std::uint32_t slot, std::uint64_t up) {
    if (c.connected == 0 && !is_outage(c)) {
        outage_begins(c.pace, c.now);
    }
    Relay &relay = c.relays[slot];
    backoff_failed(relay.backoff, c.now, up, is_wanted_relay(c, relay), random_below(c, UINT32_MAX));
    if (is_outage(c)) {
        backoff_limit_in_outage(relay.backoff, c.now);
        if (up != 0) { // no other relay is tried before the one that was just lost
            c.pace.next_at = std::max(c.pace.next_at, backoff_ready_at(relay.backoff, c.pace));
        }
    }
    update_reconnect_at(c);
}

void retry_now(Tcp_Connections &c, std::uint32_t slot) {
    backoff_ready(c.relays[slot].backoff, c.now);
    c.relays[slot].backoff.queue_order = 0; // before all others
    c.pace.round_since = 0;                 // of which none has priority
    update_reconnect_at(c);
}

void update_reconnect_at(Tcp_Connections &c) {
    c.reconnect_at = c.coalesced_reconnect_at = NEVER;
    for (std::uint32_t slot = 0; slot < c.relays.size(); ++slot) {
        if (is_waiting(c, slot)) {
            const Backoff &backoff = c.relays[slot].backoff;
            const std::uint64_t at = backoff_ready_at(backoff, c.pace);
            c.coalesced_reconnect_at = std::min(c.coalesced_reconnect_at, at);
            c.reconnect_at = std::min(c.reconnect_at, is_outage(c) ? at : backoff_wake_at(backoff));
        }
    }
    if (c.reconnect_at != NEVER) {
        c.reconnect_at = std::max({c.reconnect_at, c.pace.next_at, c.now});
        c.coalesced_reconnect_at = std::max(c.coalesced_reconnect_at, c.pace.next_at);
    }
}

void reconnect(Tcp_Connections &c) {
    if (c.now < c.pace.next_at) {
        return;
    }
    const std::uint32_t slot = next_in_queue(c);
    if (slot != NO_SLOT) {
        if (!has_priority(c, c.relays[slot])) {
            c.pace.round_since = c.now;
        }
        const bool begun = connect_relay(c, slot);
        c.pace.has_network = c.pace.has_network || begun;
        c.pace.next_at = c.now + reconnect_pace(c.pace, c.now, host_tells_changes(c));
        if (!begun) {
            c.relays[slot].last_end = Reason::connect_failed;
            next_address(c.relays[slot].addresses, c.relays[slot].was_up);
            queue_reconnect(c, slot, 0);
        }
    }
    update_reconnect_at(c);
}

void end_outage(Tcp_Connections &c) {
    if (!outage_ends(c.pace, c.now)) {
        update_reconnect_at(c);
        return;
    }
    for (std::uint32_t slot = 0; slot < c.relays.size(); ++slot) {
        if (c.relays.used(slot) && c.relays[slot].state == Relay_State::connecting &&
            c.now - c.relays[slot].link->client.started >= OUTAGE_PACE_MS) {
            // This attempt began before the network was back. The system repeats it at growing intervals, which is too
            // late.
            disconnect_relay(c, slot, Reason::connect_timeout, Relay_State::waiting);
        }
        if (is_waiting(c, slot)) {
            backoff_reset(c.relays[slot].backoff, c.now);
        }
    }
    schedule_reconnects(c);
}

void start_network_check(Tcp_Connections &c) {
    c.network_changed = false;
    pace_renew(c.pace, c.now);
    for (std::uint32_t slot = 0; slot < c.relays.size(); ++slot) {
        if (!c.relays.used(slot)) {
            continue;
        }
        Relay &relay = c.relays[slot];
        if (is_connected(relay)) {
            liveness_start_network_check(relay.liveness, c.now, relay.link->client.round_trip);
            relay_ping(relay.link->client, c.now);
            wake_relay_at(c, slot, relay_due(c, relay));
            flush_relay(c, slot);
        } else if (relay.state == Relay_State::connecting && relay.link->client.started < c.now) {
            disconnect_relay(c, slot, Reason::network_changed, Relay_State::waiting);
        }
        if (is_waiting(c, slot)) {
            backoff_reset(relay.backoff, c.now);
        }
    }
    schedule_reconnects(c);
}

void schedule_reconnects(Tcp_Connections &c) {
    struct Gain {
        bool was_in_use;
        bool was_up;
        std::size_t peers; ///< peers that this relay brings back and no relay before it: an upper bound
        std::uint32_t slot;
        bool operator<(const Gain &other) const {
            return std::tie(was_in_use, was_up, peers, other.slot) <
                   std::tie(other.was_in_use, other.was_up, other.peers, slot);
        }
    };
    std::vector<bool> is_back;
    std::vector<Gain> gains;
    try {
        is_back.resize(c.peers.size());
        gains.reserve(c.relays.count());
    } catch (const std::bad_alloc &) {
        update_reconnect_at(c);
        return; // the usual order remains
    }
    const auto brings = [&](std::uint32_t reference) {
        return c.peers[connection_of(reference)].awake && !is_back[connection_of(reference)];
    };
    const auto bring_back = [&](const Relay &relay) {
        for (const std::uint32_t reference : relay.tied) {
            is_back[connection_of(reference)] = true;
        }
    };
    for (std::uint32_t slot = 0; slot < c.peers.size(); ++slot) {
        is_back[slot] = c.peers.used(slot) && c.peers[slot].online != 0;
    }
    for (std::uint32_t slot = 0; slot < c.relays.size(); ++slot) {
        if (is_waiting(c, slot)) {
            const Relay &relay = c.relays[slot];
            gains.push_back({was_in_use(relay.backoff, c.pace), relay.was_up, relay.tied.size(), slot});
        } else if (c.relays.used(slot) && is_connected(c.relays[slot]) &&
                   c.now < min_lifetime_ends(c, c.relays[slot])) {
            bring_back(c.relays[slot]); // its peers will soon come online
        }
    }
    std::make_heap(gains.begin(), gains.end());
    c.pace.next_at = std::min(c.pace.next_at, c.now);
    for (std::uint64_t turn = 0; !gains.empty();) {
        // Relays before this one may have brought back some of its peers. A gain only shrinks, so a relay at the top
        // whose gain is still right has the greatest.
        std::pop_heap(gains.begin(), gains.end());
        Relay &relay = c.relays[gains.back().slot];
        const auto peers = static_cast<std::size_t>(std::count_if(relay.tied.begin(), relay.tied.end(), brings));
        if (peers != gains.back().peers) {
            gains.back().peers = peers;
            std::push_heap(gains.begin(), gains.end());
            continue;
        }
        bring_back(relay);
        relay.backoff.ready_at = c.now;
        relay.backoff.may_coalesce = false;
        relay.backoff.queue_order = turn++;
        gains.pop_back();
    }
    update_reconnect_at(c);
}

} // namespace toxtcp
