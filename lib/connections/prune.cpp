#include "connections/prune.h"

#include <sodium.h>

#include <algorithm>
#include <new>
#include <tuple>
#include <utility>

#include "connections/changes.h"
#include "connections/peers.h"
#include "connections/reconnect.h"
#include "connections/relays.h"
#include "policy/prune.h"

namespace toxtcp {

namespace {

/// Between pruning two routes of one connection: the peer sees the first change before it decides about the next.
constexpr std::uint64_t BALANCE_EVERY_MS = 5'000;
/// When all routes that could be pruned are alike to us, we let the peer choose for this time, and up to half as long
/// again. That is enough for the peer to prune up to three routes.
constexpr std::uint64_t YIELD_MS = 30'000;
/// The min lifetime of a relay: time for peers to come online there (as in toxcore).
constexpr std::uint64_t ANNOUNCE_TIMEOUT_MS = 10'000;
/// The same in the saving profile. A peer that is at the relay comes online within a few round trips.
constexpr std::uint64_t SAVER_ANNOUNCE_TIMEOUT_MS = 5'000;

/// Whether a connection may want this relay again later: it has pruned its route there, or has enough other routes.
bool is_spare(const Tcp_Connections &c, const Relay &relay) {
    return std::any_of(relay.tied.begin(), relay.tied.end(), [&c](std::uint32_t reference) {
        const Connection &peer = c.peers[connection_of(reference)];
        return peer.routes[route_of(reference)].step == Route_Step::pruned ||
               peer.online >= RECOMMENDED_FRIEND_TCP_CONNECTIONS;
    });
}

void close_idle(Tcp_Connections &c, std::uint32_t slot, Reason reason) {
    disconnect_relay(c, slot, reason, Relay_State::sleeping);
    report(c, Change_Kind::relay_down, {.relay = slot, .reason = reason});
}

void close_relays_of_sleepers(Tcp_Connections &c) {
    for (std::uint32_t slot = 0; slot < c.relays.size(); ++slot) {
        if (!c.relays.used(slot)) {
            continue;
        }
        const Relay &relay = c.relays[slot];
        if (is_connected(relay) && !relay.onion && relay.online != 0 && relay.online == relay.online_asleep &&
            !is_wanted_relay(c, relay)) {
            if (c.now >= min_lifetime_ends(c, relay)) {
                close_idle(c, slot, Reason::asleep);
            } else {
                schedule_prune(c, min_lifetime_ends(c, relay));
            }
        }
    }
}

void close_unused_relays(Tcp_Connections &c) {
    if (c.connected <= idle_wanted(c)) {
        return;
    }
    std::vector<std::uint32_t> unused;
    try {
        unused.reserve(c.connected);
    } catch (const std::bad_alloc &) {
        return;
    }
    for (std::uint32_t slot = 0; slot < c.relays.size(); ++slot) {
        if (!c.relays.used(slot)) {
            continue;
        }
        const Relay &relay = c.relays[slot];
        if (is_connected(relay) && !relay.onion && relay.online == 0) {
            if (c.now >= min_lifetime_ends(c, relay)) {
                unused.push_back(slot);
            } else {
                schedule_prune(c, min_lifetime_ends(c, relay));
            }
        }
    }
    std::sort(unused.begin(), unused.end(), [&c](std::uint32_t a, std::uint32_t b) {
        const auto worth = [&c](std::uint32_t slot) {
            const Relay &relay = c.relays[slot];
            return Idle_Worth{!is_stale(relay) && !has_bad_reputation(relay.reputation, c.now),
                              static_cast<std::uint32_t>(relay.tied.size()), relay.link->client.round_trip};
        };
        return is_pruned_first(worth(a), worth(b));
    });
    for (const std::uint32_t slot : unused) {
        if (c.connected <= idle_wanted(c)) {
            return;
        }
        Relay &relay = c.relays[slot];
        relay.unused = !is_spare(c, relay);
        if (relay.tied.empty() || (relay.unused && !c.keep_idle)) {
            remove_relay(c, slot, Reason::unused);
        } else {
            close_idle(c, slot, Reason::unused);
        }
    }
}

/// Removes sleeping relays that no connection is tied to any more.
void remove_orphans(Tcp_Connections &c) {
    for (std::uint32_t slot = 0; slot < c.relays.size(); ++slot) {
        if (c.relays.used(slot) && c.relays[slot].state == Relay_State::sleeping && c.relays[slot].tied.empty()) {
            remove_relay(c, slot, Reason::unused);
        }
    }
}

/// Too few relays are connected: connects the sleeping relays of awake connections that have too few routes.
void wake_sleeping_relays(Tcp_Connections &c) {
    for (std::uint32_t slot = 0; slot < c.relays.size(); ++slot) {
        if (c.relays.used(slot) && c.relays[slot].state == Relay_State::sleeping &&
            is_wanted_relay(c, c.relays[slot])) {
            wake_relay(c, slot);
            c.relays[slot].backoff.queue_order = c.now + 1; // after the relays that were in use
        }
    }
}

void keep_onion_relays(Tcp_Connections &c) {
    for (std::uint32_t slot = 0; slot < c.relays.size(); ++slot) {
        if (c.relays.used(slot) && is_connected(c.relays[slot])) {
            mark_onion(c, slot);
        }
    }
    std::uint32_t coming = c.onion_relays + c.connecting;
    for (std::uint32_t slot = 0; slot < c.relays.size() && coming < NUM_ONION_TCP_CONNECTIONS; ++slot) {
        if (c.relays.used(slot) && c.relays[slot].state == Relay_State::sleeping) {
            wake_relay(c, slot);
            ++coming;
        }
    }
}

/// A rank of the relay that both ends of a connection compute alike, so that both prune the same route first.
std::uint64_t common_rank(const Public_Key &relay, const Public_Key &a, const Public_Key &b) {
    std::array<std::uint8_t, 2 * KEY_SIZE> pair;
    std::copy(a.begin(), a.end(), pair.begin() + (a < b ? 0 : KEY_SIZE));
    std::copy(b.begin(), b.end(), pair.begin() + (a < b ? KEY_SIZE : 0));
    std::array<std::uint8_t, crypto_generichash_BYTES_MIN> hash;
    crypto_generichash(hash.data(), hash.size(), relay.data(), relay.size(), pair.data(), pair.size());
    std::uint64_t rank = 0; // big-endian on every machine, as both ends must get the same rank
    for (std::size_t i = 0; i < sizeof rank; ++i) {
        rank = rank << 8 | hash[i];
    }
    return rank;
}

/// Whether some connection needs its route over this relay.
bool is_needed(const Tcp_Connections &c, const Relay &relay) {
    const Relay_Client &client = relay.link->client;
    for (std::size_t id = 0; id < MAX_ROUTES; ++id) {
        if (!client.online[id] || client.references[id] == NO_REFERENCE) {
            continue;
        }
        const Connection &peer = c.peers[connection_of(client.references[id])];
        const std::uint8_t route = route_of(client.references[id]);
        if (working_routes(c, peer) <= RECOMMENDED_FRIEND_TCP_CONNECTIONS || peer.sending == route ||
            peer.receiving == route) {
            return true;
        }
    }
    return false;
}

/// The route to prune first: one that failed, then one over a relay that no connection needs, and among these over the
/// relay with the fewest peers online, which will soon be unused. A route in use by one of the two is kept. `alike`: the
/// routes differ in their rank only.
std::uint8_t route_to_prune(const Tcp_Connections &c, const Connection &peer, bool &alike) {
    using Use = std::tuple<bool, bool, std::uint32_t>;
    std::uint8_t least = NO_ROUTE;
    std::pair<Use, std::uint64_t> least_worth{};
    Use most{};
    for (std::uint8_t i = 0; i < ROUTES; ++i) {
        const Route &route = peer.routes[i];
        if (route.step != Route_Step::online || i == peer.sending || i == peer.receiving || i == peer.heard) {
            continue;
        }
        const Relay &relay = c.relays[route.relay];
        const Use use{peer.delivery->routes[i].proof != Proof::failed, is_needed(c, relay), relay.online};
        const std::pair worth{use, common_rank(relay.key, c.context.self.public_key, peer.key)};
        if (least == NO_ROUTE || worth < least_worth) {
            least = i;
            least_worth = worth;
        }
        most = std::max(most, use);
    }
    alike = most == least_worth.first;
    return least;
}

} // namespace

void prune_relays(Tcp_Connections &c) {
    c.prune_at = NEVER;
    if (c.onion) {
        keep_onion_relays(c);
    }
    close_relays_of_sleepers(c);
    close_unused_relays(c);
    remove_orphans(c);
    if (c.connected < idle_wanted(c)) {
        wake_sleeping_relays(c);
    }
}

std::uint32_t idle_wanted(const Tcp_Connections &c) {
    if (!c.keep_idle) {
        return 0;
    }
    return c.profile == Profile::saver ? 1 : RECOMMENDED_FRIEND_TCP_CONNECTIONS;
}

std::uint64_t min_lifetime_ends(const Tcp_Connections &c, const Relay &relay) {
    const bool saver = c.profile == Profile::saver;
    return relay.used_since + (saver ? SAVER_ANNOUNCE_TIMEOUT_MS : ANNOUNCE_TIMEOUT_MS);
}

void wake_relay(Tcp_Connections &c, std::uint32_t slot) {
    Relay &relay = c.relays[slot];
    if (relay.state == Relay_State::sleeping) {
        relay.state = Relay_State::waiting;
        relay.unused = false;
        backoff_reset(relay.backoff, c.now);
        retry_now(c, slot);
    }
}

void mark_onion(Tcp_Connections &c, std::uint32_t slot) {
    Relay &relay = c.relays[slot];
    if (c.onion && !relay.onion && c.onion_relays < NUM_ONION_TCP_CONNECTIONS) {
        relay.onion = true;
        ++c.onion_relays;
    }
}

void schedule_balance(Tcp_Connections &c, std::uint32_t slot, std::uint64_t at) {
    Connection &peer = c.peers[slot];
    peer.balance_at = std::min(peer.balance_at, at);
    wake_peer_at(c, slot, peer.balance_at);
}

void balance_routes(Tcp_Connections &c, std::uint32_t slot) {
    Connection &peer = c.peers[slot];
    if (c.now < peer.balance_at) {
        wake_peer_at(c, slot, peer.balance_at);
        return;
    }
    peer.balance_at = NEVER;
    const bool cut_off = is_cut_off(c, peer);
    if (cut_off) {
        schedule_balance(c, slot, c.now + BALANCE_EVERY_MS);
    } else if (peer.online > RECOMMENDED_FRIEND_TCP_CONNECTIONS) {
        bool alike = false;
        const std::uint8_t least = route_to_prune(c, peer, alike);
        if (alike && !peer.yielded) {
            peer.yielded = true;
            schedule_balance(c, slot, c.now + YIELD_MS + random_below(c, YIELD_MS / 2));
            return;
        }
        if (least != NO_ROUTE) {
            leave_route(c, slot, least);
            schedule_prune(c, c.now);
        }
        schedule_balance(c, slot, c.now + BALANCE_EVERY_MS + random_below(c, BALANCE_EVERY_MS));
        return;
    }
    peer.yielded = false;
    if (working_routes(c, peer) < RECOMMENDED_FRIEND_TCP_CONNECTIONS && peer.awake) {
        for (std::uint8_t i = 0; i < ROUTES; ++i) {
            const Route &route = peer.routes[i];
            if (route.relay == NO_RELAY) {
                continue;
            }
            if (peer.delivery != nullptr && contains(peer.delivery->withdrawn, i)) {
                continue;
            }
            if (route.step == Route_Step::pruned) {
                set_step(c, slot, i, Route_Step::none);
            }
            Relay &relay = c.relays[route.relay];
            if (!relay.unused || cut_off) {
                wake_relay(c, route.relay);
            }
            request_routes(c, route.relay);
            if (cut_off) {
                relay.used_since = c.now; // the other end needs time to come there, too
            }
        }
    }
}

bool remove_never_connected(Tcp_Connections &c) {
    std::uint32_t most = NO_SLOT;
    for (std::uint32_t slot = 0; slot < c.relays.size(); ++slot) {
        if (!c.relays.used(slot)) {
            continue;
        }
        const Relay &relay = c.relays[slot];
        const bool may_go = relay.state == Relay_State::waiting && relay.tied.empty() && !relay.was_up;
        if (may_go && (most == NO_SLOT || relay.backoff.attempts > c.relays[most].backoff.attempts)) {
            most = slot;
        }
    }
    if (most == NO_SLOT) {
        return false;
    }
    remove_relay(c, most, Reason::unused);
    return true;
}

// ---- public ----------------------------------------------------------------------------------------------------

Error set_tcp_onion_status(Tcp_Connections *c, bool status) {
    if (c->onion == status) {
        return Error::already;
    }
    update_now(*c);
    c->onion = status;
    if (status) {
        keep_onion_relays(*c);
        return Error::ok;
    }
    for (std::uint32_t slot = 0; slot < c->relays.size(); ++slot) {
        if (c->relays.used(slot) && c->relays[slot].onion) {
            c->relays[slot].onion = false;
            --c->onion_relays;
        }
    }
    schedule_prune(*c, c->now);
    return Error::ok;
}

int get_random_tcp_onion_conn_number(const Tcp_Connections *c) {
    const std::uint32_t size = c->relays.size();
    const std::uint32_t start = size == 0 ? 0 : random_below(*c, size);
    for (std::uint32_t i = 0; i < size; ++i) {
        const std::uint32_t slot = (start + i) % size;
        if (c->relays.used(slot) && c->relays[slot].onion && is_connected(c->relays[slot])) {
            return c->relays.handle(slot);
        }
    }
    return static_cast<int>(Error::not_online);
}

void tcp_connections_keep_idle_relays(Tcp_Connections *c, bool keep) {
    update_now(*c);
    c->keep_idle = keep;
    schedule_prune(*c, c->now);
}

} // namespace toxtcp
