#include "connections/traffic.h"

#include <algorithm>
#include <cstring>

#include "connections/changes.h"
#include "connections/peers.h"
#include "connections/relays.h"

namespace toxtcp {

namespace {

/// How often packets may be sent.
struct Rate {
    std::uint32_t pause_ms; ///< one in this time on average
    std::uint32_t most;     ///< at once
};

/// Echoes to one peer: four bursts over all its routes, then two a second. So many bursts are needed where relays fail
/// one after another: each route in use that is lost, and each silence, takes one at each end. A peer or a relay that
/// causes more (by routes that go offline and online again) does not take the budget of other peers.
constexpr Rate PEER_ECHOES{500, 4 * ROUTES};
/// Echoes to all peers together.
constexpr Rate ALL_ECHOES{100, 40};
/// Echoes that are no complaints leave half of that budget to complaints, which end a silence.
constexpr Rate ALL_PROBES{ALL_ECHOES.pause_ms, ALL_ECHOES.most / 2};
/// Answers to keys that have no connection.
constexpr Rate STRANGER_ANSWERS{50, 40};
/// No budget is used for longer than this. A time that seems to be later is in the past: times of 32 bits wrap.
constexpr std::uint32_t LONGEST_USE_MS = 20'000;
static_assert(PEER_ECHOES.pause_ms * PEER_ECHOES.most < LONGEST_USE_MS);
static_assert(ALL_ECHOES.pause_ms * ALL_ECHOES.most < LONGEST_USE_MS);
static_assert(STRANGER_ANSWERS.pause_ms * STRANGER_ANSWERS.most < LONGEST_USE_MS);

/// ms from now on for which the budget is used.
std::uint32_t used_for(const Budget &budget, std::uint64_t now) {
    const std::uint32_t ms = budget.used_until - static_cast<std::uint32_t>(now);
    return ms > LONGEST_USE_MS ? 0 : ms;
}

bool has_room(const Budget &budget, std::uint64_t now, Rate rate) {
    return used_for(budget, now) + rate.pause_ms <= rate.most * rate.pause_ms;
}

void spend(Budget &budget, std::uint64_t now, Rate rate) {
    budget.used_until = static_cast<std::uint32_t>(now) + used_for(budget, now) + rate.pause_ms;
}

/// Null for a key of low order.
const Secret_Key *shared_key(Tcp_Connections &c, const Public_Key &peer) {
    if (is_weak_key(peer)) {
        return nullptr; // also the null key, which marks a free entry
    }
    Echo_Keys::Entry &entry = c.echo_keys.entries[peer[0] % c.echo_keys.entries.size()];
    if (entry.peer != peer) {
        entry.peer = {};
        if (!echo_shared_key(c.context.self.secret_key, peer, entry.shared)) {
            return nullptr;
        }
        entry.peer = peer;
    }
    return &entry.shared;
}

// ---- the number of our echo = time:32, echo_tag:29, route:3

std::uint64_t make_number(const Tcp_Connections &c, std::uint32_t stamp, std::uint8_t route) {
    return std::uint64_t{stamp} << 32 | c.echo_tag << 3 | route;
}

Route_Set usable_routes(const Tcp_Connections &c, const Connection &peer) {
    Route_Set routes = 0;
    for (std::uint8_t i = 0; i < ROUTES; ++i) {
        routes = union_of(routes, route_usable(c, peer, i) ? set_of(i) : Route_Set{0});
    }
    return routes;
}

Route_Set stale_routes(const Tcp_Connections &c, const Connection &peer) {
    Route_Set routes = 0;
    for (std::uint8_t i = 0; i < ROUTES; ++i) {
        const bool stale = route_usable(c, peer, i) && is_stale(c.relays[peer.routes[i].relay]);
        routes = union_of(routes, stale ? set_of(i) : Route_Set{0});
    }
    return routes;
}

std::uint32_t load_of(const Tcp_Connections &c, const Connection &peer) {
    return peer.sending == NO_ROUTE ? 0 : load_ms(c.relays[peer.routes[peer.sending].relay].load, c.now);
}

Route_Views route_views(const Tcp_Connections &c, const Connection &peer) {
    Route_Views views;
    for (std::uint8_t i = 0; i < ROUTES; ++i) {
        if (!route_usable(c, peer, i)) {
            continue;
        }
        const Relay &relay = c.relays[peer.routes[i].relay];
        const Route_Delivery &delivery = peer.delivery->routes[i];
        views[i] = {.usable = true,
                    .stale = relay.liveness.stale,
                    .distrusted = delivery_distrusts(*peer.delivery, i, c.now),
                    .bad_reputation = has_bad_reputation(relay.reputation, c.now),
                    .heard = peer.heard == i,
                    .loaded = load_ms(relay.load, c.now) > LOADED_MS,
                    .standing = delivery.proof == Proof::verified ? Route_Standing::verified
                                : delivery.proof == Proof::failed ? Route_Standing::failed
                                                                  : Route_Standing::unknown,
                    .echo_round_trip = delivery.proof == Proof::verified ? delivery.round_trip : 0U,
                    .relay_round_trip = relay.link->client.round_trip};
    }
    return views;
}

Error send_packet(Tcp_Connections &c, std::uint32_t relay_slot, const Packet &packet) {
    Relay &relay = c.relays[relay_slot];
    const Error error = link_send(*relay.link, c.context.host, packet, relay_slot);
    if (error == Error::full) {
        note_full(c, relay_slot);
    } else if (error == Error::not_online) {
        wake_relay_at(c, relay_slot, c.now);
    } else if (error == Error::ok) {
        ++relay.traffic.packets_sent;
        relay.traffic.bytes_sent += packet.data.size();
        note_relay_sent(c, relay_slot, packet.data.size());
    }
    return error;
}

Packet data_packet(const Route &route, Bytes bytes) {
    Packet packet;
    packet.type = Packet_Type::data;
    packet.id = route.id;
    packet.data = bytes;
    return packet;
}

Packet oob_packet(const Public_Key &receiver, Bytes bytes) {
    Packet packet;
    packet.type = Packet_Type::oob_send;
    packet.public_key = receiver.data();
    packet.data = bytes;
    return packet;
}

/// Returns the routes over which no echo was sent: a budget is used up, or a socket is full.
Route_Set send_echoes(Tcp_Connections &c, std::uint32_t peer_slot, Route_Set routes, bool unheard) {
    Route_Set unsent = routes;
    const Secret_Key *const shared = shared_key(c, c.peers[peer_slot].key);
    const std::uint32_t stamp = delivery_stamp(c.now);
    Echo echo;
    if (unheard) {
        echo.kind = Echo_Kind::unheard;
        echo.unheard = delivery_unheard(*c.peers[peer_slot].delivery, c.now);
    }
    for (std::uint8_t i = 0; i < ROUTES; ++i) {
        Connection &peer = c.peers[peer_slot];
        if (!contains(routes, i) || !route_usable(c, peer, i)) {
            continue;
        }
        if (shared == nullptr || !has_room(peer.echo_budget, c.now, PEER_ECHOES) ||
            !has_room(c.echo_budget, c.now, unheard ? ALL_ECHOES : ALL_PROBES)) {
            break;
        }
        std::array<std::uint8_t, ECHO_REQUEST_SIZE> request;
        echo.number = make_number(c, stamp, i);
        make_echo_request(*shared, host_random(c.context.host), c.context.self.public_key, echo, request);
        if (send_packet(c, peer.routes[i].relay, data_packet(peer.routes[i], request)) == Error::ok) {
            ++peer.echoes_sent;
            spend(peer.echo_budget, c.now, PEER_ECHOES);
            spend(c.echo_budget, c.now, ALL_ECHOES);
            unsent = without(unsent, set_of(i));
        }
    }
    return unsent;
}

void fail_route(Tcp_Connections &c, std::uint32_t peer_slot, std::uint8_t route) {
    const std::uint16_t slot = c.peers[peer_slot].routes[route].relay;
    Relay &relay = c.relays[slot];
    ++relay.failures;
    ++c.peers[peer_slot].failures;
    std::uint64_t peer = 0;
    std::memcpy(&peer, c.peers[peer_slot].key.data(), sizeof peer);
    reputation_failed(relay.reputation, peer, c.now);
    report(c, Change_Kind::relay_failed, {.relay = slot, .peer = peer_slot, .reason = Reason::not_delivering});
}

/// Whether this object made an echo of this number. Requests and answers are sealed with the same key in both
/// directions, so our own requests open too: a relay can send them back, with the peer as the asker.
bool is_own(const Tcp_Connections &c, std::uint64_t number) {
    return (static_cast<std::uint32_t>(number) >> 3) == c.echo_tag;
}

/// Handles the answer to an echo of ours. False when the packet is no such answer.
bool handle_answer(Tcp_Connections &c, std::uint32_t peer_slot, Bytes packet) {
    const Secret_Key *const shared = shared_key(c, c.peers[peer_slot].key);
    std::uint64_t number = 0;
    bool by_library = false;
    if (shared == nullptr || !open_echo_response(*shared, packet, number, by_library)) {
        return false;
    }
    if (!is_own(c, number)) {
        return false;
    }
    Connection &peer = c.peers[peer_slot];
    const auto route = static_cast<std::uint8_t>(number & 7);
    const auto stamp = static_cast<std::uint32_t>(number >> 32);
    if (peer.delivery != nullptr &&
        delivery_answered(*peer.delivery, c.now, route, stamp, by_library, peer.sending, load_of(c, peer))) {
        ++peer.echoes_answered;
        wake_peer_at(c, peer_slot, delivery_deadline(*peer.delivery));
        if (!delivery_rotates(*peer.delivery) &&
            select_faster(peer.selection, route_views(c, peer), peer.sending, route, c.now)) {
            set_sending(c, peer_slot, route, Reason::none);
        }
    }
    return true; // also an answer that a relay repeats is not for the host
}

/// Handles a request of the peer: tells Delivery, and answers. False when the packet is for the host: not a valid
/// request, or the host answers echoes.
bool handle_request(Tcp_Connections &c, std::uint32_t peer_slot, std::uint8_t route, Bytes packet) {
    const Secret_Key *const shared = shared_key(c, c.peers[peer_slot].key);
    Echo echo;
    if (shared == nullptr || canonical_key(echo_asker(packet)) != c.peers[peer_slot].key ||
        !open_echo_request(*shared, packet, echo)) {
        return false;
    }
    if (is_own(c, echo.number)) {
        return true; // says nothing, and an answer would be taken for the peer's
    }
    if (Delivery *const delivery = c.peers[peer_slot].delivery.get();
        delivery != nullptr && echo.kind != Echo_Kind::foreign) {
        delivery_peer_echo(*delivery, c.now, static_cast<std::uint32_t>(echo.number >> 32), echo.unheard, route,
                           c.peers[peer_slot].sending);
        if (delivery->due_now) {
            wake_peer_at(c, peer_slot, c.now);
        }
    }
    if (!c.answer_echoes) {
        return false;
    }
    std::array<std::uint8_t, ECHO_RESPONSE_SIZE> response;
    make_echo_response(*shared, host_random(c.context.host), echo.number, response);
    static_cast<void>(send_answer(c, peer_slot, route, response));
    return true;
}

} // namespace

Error send_answer(Tcp_Connections &c, std::uint32_t peer_slot, std::uint8_t route_index, Bytes answer) {
    const Connection &peer = c.peers[peer_slot];
    const Route &route = peer.routes[route_index];
    if (route.relay == NO_RELAY || !is_connected(c.relays[route.relay])) {
        return Error::not_online; // the host has ended it in its callback
    }
    const bool online = route_usable(c, peer, route_index);
    return send_packet(c, route.relay, online ? data_packet(route, answer) : oob_packet(peer.key, answer));
}

bool route_usable(const Tcp_Connections &c, const Connection &peer, std::uint8_t route) {
    return peer.routes[route].step == Route_Step::online &&
           relay_confirmed(c.relays[peer.routes[route].relay].link->client);
}

std::uint8_t best_route(const Tcp_Connections &c, const Connection &peer, Route_Set avoid) {
    return select_route(route_views(c, peer), avoid);
}

void set_sending(Tcp_Connections &c, std::uint32_t peer_slot, std::uint8_t route, Reason reason) {
    Connection &peer = c.peers[peer_slot];
    const std::uint8_t old = peer.sending;
    if (old == route) {
        return;
    }
    if (old != NO_ROUTE) {
        --c.relays[peer.routes[old].relay].carries;
    }
    peer.sending = route;
    if (route == NO_ROUTE) {
        return;
    }
    ++c.relays[peer.routes[route].relay].carries;
    delivery_moved(*peer.delivery, c.now);
    peer.moves += old != NO_ROUTE;
    report(c, Change_Kind::moved,
           {.relay = peer.routes[route].relay,
            .peer = peer_slot,
            .previous = old == NO_ROUTE ? NO_SLOT : peer.routes[old].relay,
            .reason = reason});
}

void replace_sending(Tcp_Connections &c, std::uint32_t peer_slot, Reason reason) {
    set_sending(c, peer_slot, best_route(c, c.peers[peer_slot], 0), reason);
    delivery_lost(*c.peers[peer_slot].delivery);
}

void serve_delivery(Tcp_Connections &c, std::uint32_t peer_slot) {
    Connection &peer = c.peers[peer_slot];
    if (peer.delivery == nullptr) {
        return;
    }
    const Relay *const carrier = peer.sending == NO_ROUTE ? nullptr : &c.relays[peer.routes[peer.sending].relay];
    const Delivery_View view{.usable = usable_routes(c, peer),
                             .sending = peer.sending,
                             .stale = stale_routes(c, peer),
                             .heard = peer.heard,
                             .load = load_of(c, peer),
                             .relay_round_trip = carrier == nullptr ? 0 : carrier->link->client.round_trip};
    const Delivery_Action action = delivery_due(*peer.delivery, c.now, view);
    if (action.failed != NO_ROUTE) {
        fail_route(c, peer_slot, action.failed);
    }
    if (action.move_to != NO_ROUTE) {
        set_sending(c, peer_slot, action.move_to, Reason::not_delivering);
    } else if (action.rotate) {
        const std::uint8_t next = best_route(c, peer, action.avoid);
        if (next != NO_ROUTE && !is_stale(c.relays[peer.routes[next].relay])) {
            set_sending(c, peer_slot, next, Reason::not_delivering);
        }
    }
    for (std::uint8_t i = 0; i < ROUTES; ++i) {
        if (contains(action.withdraw, i) && route_usable(c, c.peers[peer_slot], i)) {
            leave_route(c, peer_slot, i);
        }
    }
    if (action.request_withdrawn || action.cut_off) {
        c.peers[peer_slot].balance_at = c.now; // `serve_peer` balances the routes next
    }
    if (action.echo != 0) {
        const Route_Set unsent = send_echoes(c, peer_slot, action.echo, action.unheard);
        delivery_unsent(*c.peers[peer_slot].delivery, c.now, action, unsent);
    }
    wake_peer_at(c, peer_slot, delivery_deadline(*c.peers[peer_slot].delivery));
}

bool handle_echo(Tcp_Connections &c, std::uint32_t peer, std::uint8_t route, Bytes packet) {
    if (is_echo_response(packet)) {
        return handle_answer(c, peer, packet);
    }
    return is_echo_request(packet) && handle_request(c, peer, route, packet);
}

bool handle_stranger_echo(Tcp_Connections &c, std::uint32_t relay, const Public_Key &sender, Bytes packet) {
    if (!is_echo_request(packet) || canonical_key(echo_asker(packet)) != sender) {
        return false;
    }
    const bool answers = c.answer_echoes && has_room(c.stranger_budget, c.now, STRANGER_ANSWERS);
    if (answers) {
        spend(c.stranger_budget, c.now,
              STRANGER_ANSWERS); // also for a request that does not open: that costs time, too
    } else if (find_peer(c, sender) == NO_SLOT) {
        return false; // only a request to a peer can be one of ours
    }
    const Secret_Key *const shared = shared_key(c, sender);
    Echo echo;
    if (shared == nullptr || !open_echo_request(*shared, packet, echo)) {
        return false;
    }
    if (const bool own = is_own(c, echo.number); own || !answers) {
        return own;
    }
    std::array<std::uint8_t, ECHO_RESPONSE_SIZE> response;
    make_echo_response(*shared, host_random(c.context.host), echo.number, response);
    static_cast<void>(send_packet(c, relay, oob_packet(sender, response)));
    return true;
}

} // namespace toxtcp
