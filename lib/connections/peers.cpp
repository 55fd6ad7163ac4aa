// Connections and routes, and the public functions for connections.
#include "connections/peers.h"

#include <algorithm>
#include <new>

#include "connections/changes.h"
#include "connections/prune.h"
#include "connections/relays.h"
#include "connections/traffic.h"
#include "policy/prune.h"

namespace toxtcp {

namespace {

/// When one route too many came online, routes are pruned after this time, and up to as long again at random: the peer
/// does the same, and both should rarely prune at the same moment.
constexpr std::uint64_t BALANCE_AFTER_MS = 10'000;

bool holds_id(Route_Step step) {
    return step == Route_Step::requested || step == Route_Step::registered || step == Route_Step::online;
}

void count(Tcp_Connections &c, Connection &peer, Relay &relay, Route_Step step, std::uint32_t by) {
    relay.unrequested += step == Route_Step::none ? by : 0;
    relay.pruned += step == Route_Step::pruned ? by : 0;
    relay.refused += step == Route_Step::refused ? by : 0;
    relay.ids += holds_id(step) ? by : 0;
    if (step == Route_Step::online) {
        relay.online += by;
        relay.online_asleep += peer.awake ? 0 : by;
        peer.online = static_cast<std::uint8_t>(peer.online + by);
        if (relay.online == relay.online_asleep) {
            schedule_prune(c, std::max(c.now, min_lifetime_ends(c, relay)));
        }
    }
}

} // namespace

std::uint32_t find_peer(const Tcp_Connections &c, const Public_Key &key) {
    return c.peer_index.find(key);
}

std::uint8_t find_route(const Connection &peer, std::uint32_t relay) {
    for (std::uint8_t i = 0; i < ROUTES; ++i) {
        if (peer.routes[i].relay == relay) {
            return i;
        }
    }
    return NO_ROUTE;
}

void set_step(Tcp_Connections &c, std::uint32_t peer_slot, std::uint8_t route_index, Route_Step step) {
    Connection &peer = c.peers[peer_slot];
    Route &route = peer.routes[route_index];
    Relay &relay = c.relays[route.relay];
    const Route_Step old = route.step;
    if (old == step) {
        return;
    }
    if (step == Route_Step::online && peer.delivery == nullptr) {
        peer.delivery.reset(new (std::nothrow) Delivery);
        if (peer.delivery == nullptr) {
            // No memory: the route is left, and requested again.
            relay_leave_route(relay.link->client, route.id);
            set_step(c, peer_slot, route_index, Route_Step::none);
            return;
        }
        peer.delivery->proves_packets = c.proves_packets;
    }
    count(c, peer, relay, old, UINT32_MAX); // one less
    count(c, peer, relay, step, 1);
    route.step = step;
    if (step == Route_Step::none) {
        relay.request_from = std::min<std::uint32_t>(relay.request_from, route.tied_index);
    }
    if (old == Route_Step::online || step == Route_Step::online) {
        consider_relay_pings(c, route.relay);
    }
    const std::uint32_t others_unrequested = relay.unrequested - (step == Route_Step::none ? 1 : 0);
    if (holds_id(old) && !holds_id(step) && others_unrequested != 0 && is_connected(relay)) {
        wake_relay_at(c, route.relay, c.now); // its id is free for a route that waits
    }
    if (step == Route_Step::online) {
        report(c, Change_Kind::route_online, {.relay = route.relay, .peer = peer_slot});
        delivery_route_online(*peer.delivery, c.now, route_index);
        wake_peer_at(c, peer_slot, delivery_deadline(*peer.delivery));
        if (peer.online > RECOMMENDED_FRIEND_TCP_CONNECTIONS) {
            schedule_balance(c, peer_slot,
                             c.now + BALANCE_AFTER_MS + random_below(c, static_cast<std::uint32_t>(BALANCE_AFTER_MS)));
        }
    } else if (old == Route_Step::online) {
        if (step == Route_Step::registered) {
            delivery_route_offline(*peer.delivery, c.now, route_index);
        } else {
            delivery_reset_route(*peer.delivery, route_index);
        }
        report(c, step == Route_Step::pruned ? Change_Kind::route_pruned : Change_Kind::route_offline,
               {.relay = route.relay, .peer = peer_slot});
        if (peer.sending == route_index) {
            replace_sending(c, peer_slot, Reason::none);
        }
        if (peer.online < RECOMMENDED_FRIEND_TCP_CONNECTIONS) {
            schedule_balance(c, peer_slot, c.now);
        }
        if (peer.online == 0) {
            peer.heard_at = std::max(peer.heard_at, peer.delivery->heard_at);
            peer.delivery.reset();
        }
    }
}

void leave_route(Tcp_Connections &c, std::uint32_t peer_slot, std::uint8_t route_index) {
    const Route &route = c.peers[peer_slot].routes[route_index];
    relay_leave_route(c.relays[route.relay].link->client, route.id);
    set_step(c, peer_slot, route_index, Route_Step::pruned);
    flush_relay(c, route.relay);
}

void request_routes(Tcp_Connections &c, std::uint32_t relay_slot) {
    Relay &relay = c.relays[relay_slot];
    if (!is_connected(relay) || relay.unrequested == 0) {
        return;
    }
    while (relay.unrequested != 0 && relay.ids < MAX_ROUTES && relay.request_from < relay.tied.size()) {
        const std::uint32_t reference = relay.tied[relay.request_from];
        const Connection &peer = c.peers[connection_of(reference)];
        if (peer.routes[route_of(reference)].step == Route_Step::none) {
            if (!relay_request_route(relay.link->client, peer.key)) {
                // No room: flush, and if that makes no room, wait until the socket takes more.
                flush_relay(c, relay_slot);
                if (!relay_request_route(relay.link->client, peer.key)) {
                    return;
                }
            }
            set_step(c, connection_of(reference), route_of(reference), Route_Step::requested);
            relay.used_since = c.now;
        }
        ++relay.request_from;
    }
    flush_relay(c, relay_slot);
}

void retry_refused_routes(Tcp_Connections &c, std::uint32_t relay_slot) {
    const Relay &relay = c.relays[relay_slot];
    for (std::size_t i = 0; relay.refused != 0 && i < relay.tied.size(); ++i) {
        const std::uint32_t reference = relay.tied[i];
        if (c.peers[connection_of(reference)].routes[route_of(reference)].step == Route_Step::refused) {
            set_step(c, connection_of(reference), route_of(reference), Route_Step::none);
        }
    }
}

namespace {

/// A free place, or the place of the route that gives way; NO_ROUTE when there is none.
std::uint8_t find_place(const Tcp_Connections &c, const Connection &peer) {
    if (const std::uint8_t free = find_route(peer, NO_RELAY); free != NO_ROUTE) {
        return free;
    }
    std::array<std::uint64_t, ROUTES> away_since{};
    for (std::uint8_t i = 0; i < ROUTES; ++i) {
        const Relay &relay = c.relays[peer.routes[i].relay];
        const bool is_away = relay.state == Relay_State::waiting || relay.state == Relay_State::connecting;
        const bool in_vain = is_cut_off(c, peer) && contains(peer.delivery->tried, i) && i != peer.sending;
        away_since[i] = is_away ? relay.backoff.away_since : relay.unused ? relay.used_since : in_vain ? c.now : 0;
    }
    return route_that_gives_way(away_since);
}

} // namespace

bool is_wanted_relay(const Tcp_Connections &c, const Relay &relay) {
    return std::any_of(relay.tied.begin(), relay.tied.end(), [&c](std::uint32_t reference) {
        const Connection &peer = c.peers[connection_of(reference)];
        const std::size_t wanted = c.profile == Profile::saver ? 1 : RECOMMENDED_FRIEND_TCP_CONNECTIONS;
        return peer.awake && working_routes(c, peer) < wanted;
    });
}

bool has_place(const Tcp_Connections &c, std::uint32_t peer_slot) {
    return find_place(c, c.peers[peer_slot]) != NO_ROUTE;
}

Error tie(Tcp_Connections &c, std::uint32_t peer_slot, std::uint32_t relay_slot) {
    Connection &peer = c.peers[peer_slot];
    Relay &relay = c.relays[relay_slot];
    if (find_route(peer, relay_slot) != NO_ROUTE) {
        // The host may have heard that the peer is at this relay: if the relay sleeps, it is connected again.
        if (peer.awake && working_routes(c, peer) < RECOMMENDED_FRIEND_TCP_CONNECTIONS) {
            wake_relay(c, relay_slot);
        }
        return Error::already;
    }
    const std::uint8_t place = find_place(c, peer);
    if (place == NO_ROUTE) {
        return Error::limit;
    }
    try {
        if (relay.tied.size() == relay.tied.capacity()) {
            relay.tied.reserve(relay.tied.size() + relay.tied.size() / 4 + 4);
        }
        relay.tied.push_back(route_reference(peer_slot, place));
    } catch (const std::bad_alloc &) {
        return Error::no_memory;
    }
    Route &route = peer.routes[place];
    if (route.relay != NO_RELAY) {
        untie(c, peer_slot, place);
    }
    route.relay = static_cast<std::uint16_t>(relay_slot);
    route.tied_index = static_cast<std::uint32_t>(relay.tied.size() - 1);
    ++relay.unrequested;
    if (peer.awake) {
        wake_relay(c, relay_slot);
    }
    request_routes(c, relay_slot);
    return Error::ok;
}

void untie(Tcp_Connections &c, std::uint32_t peer_slot, std::uint8_t route_index) {
    Connection &peer = c.peers[peer_slot];
    Route &route = peer.routes[route_index];
    Relay &relay = c.relays[route.relay];
    const std::uint16_t relay_slot = route.relay;
    if (route.step == Route_Step::registered || route.step == Route_Step::online) {
        relay_leave_route(relay.link->client, route.id);
        flush_relay(c, relay_slot);
    }
    // Takes the route out of all counts: set_step leaves it counted as unrequested, and the next line ends that too.
    set_step(c, peer_slot, route_index, Route_Step::none);
    --relay.unrequested;
    // The last route in the relay's list takes the free place. That route may still have to be requested.
    const std::uint32_t last = relay.tied.back();
    relay.tied[route.tied_index] = last;
    c.peers[connection_of(last)].routes[route_of(last)].tied_index = route.tied_index;
    relay.request_from = std::min<std::uint32_t>(relay.request_from, route.tied_index);
    relay.tied.pop_back();
    ++c.untie_count;
    route = Route{};
    if (peer.delivery != nullptr) {
        delivery_untied(*peer.delivery, route_index);
    }
    peer.receiving = peer.receiving == route_index ? NO_ROUTE : peer.receiving;
    peer.heard = peer.heard == route_index ? NO_ROUTE : peer.heard;
}

std::uint64_t peer_due(const Connection &peer) {
    return std::min(peer.delivery == nullptr ? NEVER : delivery_deadline(*peer.delivery), peer.balance_at);
}

void serve_peer(Tcp_Connections &c, std::uint32_t peer_slot) {
    note_cause(c, Wake_Cause::peer);
    c.peer_deadlines.set(peer_slot, NEVER);
    serve_delivery(c, peer_slot);
    balance_routes(c, peer_slot);
}

// ---- public ----------------------------------------------------------------------------------------------------

int new_tcp_connection_to(Tcp_Connections *c, const Public_Key &public_key, int id) {
    const Public_Key key = canonical_key(public_key);
    if (is_weak_key(key) || key == c->context.self.public_key) {
        return static_cast<int>(Error::bad_key);
    }
    if (find_peer(*c, key) != NO_SLOT) {
        return static_cast<int>(Error::already);
    }
    std::uint32_t slot = NO_SLOT;
    try {
        slot = c->peers.add();
        if (slot == NO_SLOT) {
            return static_cast<int>(Error::limit);
        }
        c->peer_deadlines.reserve(c->peers.size());
        c->peers[slot].key = key;
        c->peers[slot].id = id;
        c->peer_index.insert(slot);
    } catch (const std::bad_alloc &) {
        if (slot != NO_SLOT) {
            c->peers.remove(slot);
        }
        return static_cast<int>(Error::no_memory);
    }
    return c->peers.handle(slot);
}

Error kill_tcp_connection_to(Tcp_Connections *c, int connection) {
    const std::uint32_t slot = c->peers.find(connection);
    if (slot == NO_SLOT) {
        return Error::bad_handle;
    }
    update_now(*c);
    Connection &peer = c->peers[slot];
    set_sending(*c, slot, NO_ROUTE, Reason::killed);
    for (std::uint8_t i = 0; i < ROUTES; ++i) {
        if (peer.routes[i].relay != NO_RELAY) {
            untie(*c, slot, i);
        }
    }
    c->peer_deadlines.set(slot, NEVER);
    c->peer_index.erase(slot);
    c->peers.remove(slot);
    drop_stale_deadlines(*c);
    return Error::ok;
}

Error set_tcp_connection_to_status(Tcp_Connections *c, int connection, bool awake) {
    const std::uint32_t slot = c->peers.find(connection);
    if (slot == NO_SLOT) {
        return Error::bad_handle;
    }
    Connection &peer = c->peers[slot];
    if (peer.awake == awake) {
        return Error::already;
    }
    update_now(*c);
    peer.awake = awake;
    for (const Route &route : peer.routes) {
        if (route.relay == NO_RELAY) {
            continue;
        }
        Relay &relay = c->relays[route.relay];
        if (route.step == Route_Step::online) {
            relay.online_asleep += awake ? UINT32_MAX : 1;
        }
        if (awake) {
            wake_relay(*c, route.relay);
        }
    }
    schedule_prune(*c, c->now);
    return Error::ok;
}

int tcp_connection_to(const Tcp_Connections *c, const Public_Key &public_key) {
    const std::uint32_t slot = find_peer(*c, canonical_key(public_key));
    return slot == NO_SLOT ? static_cast<int>(Error::bad_key) : c->peers.handle(slot);
}

std::uint32_t tcp_connection_to_online_tcp_relays(const Tcp_Connections *c, int connection) {
    const std::uint32_t slot = c->peers.find(connection);
    return slot == NO_SLOT ? 0 : c->peers[slot].online;
}

Error add_tcp_number_relay_connection(Tcp_Connections *c, int connection, int relay) {
    const std::uint32_t peer_slot = c->peers.find(connection);
    const std::uint32_t relay_slot = c->relays.find(relay);
    if (peer_slot == NO_SLOT || relay_slot == NO_SLOT) {
        return Error::bad_handle;
    }
    update_now(*c);
    return tie(*c, peer_slot, relay_slot);
}

} // namespace toxtcp
