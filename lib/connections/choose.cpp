// Which route a connection's data takes. The rule:
//
//   A route can be used when the peer is online there and the relay's connection is up. Of those that can, the one
//   with the least penalty is chosen (health.cpp: suspect relays last, then relays of bad name, then relays convicted
//   for this peer, then relays in doubt), and among equals the one with the shortest round trip. But who has sent
//   nothing yet answers on the route that brought the question: that one delivers.
//
//   The choice then stays, whatever the others' figures do. It is left only
//   - when it cannot be used any more, or its relay becomes suspect: at once;
//   - when the peer is silent on it (health.cpp);
//   - when a healthy route is faster by half and by 100 ms at least, once in 30 s.
//   A full socket sends that one packet over the next best; the choice stays.
#include "connections/state.h"

namespace toxtcp {

namespace {

constexpr std::uint32_t FASTER_BY_MS = 100;
constexpr std::uint64_t STAY_AT_LEAST_MS = 30'000;
/// Before the first pong a relay counts as slower than any that has answered in reason.
constexpr std::uint32_t UNKNOWN_ROUND_TRIP_MS = 1'000;

std::uint32_t round_trip(const Relay &relay) {
    const std::uint32_t known = relay.link->client.round_trip;
    return known == 0 ? UNKNOWN_ROUND_TRIP_MS : known;
}

} // namespace

bool route_usable(const Tcp_Connections &c, const Connection &peer, std::uint32_t route) {
    return peer.routes[route].step == Route_Step::online &&
           relay_confirmed(c.relays[peer.routes[route].relay].link->client);
}

std::uint8_t best_route(const Tcp_Connections &c, const Connection &peer, std::uint32_t without) {
    std::uint8_t best = NO_ROUTE;
    std::uint64_t best_cost = UINT64_MAX;
    for (std::uint8_t i = 0; i < MAX_FRIEND_TCP_CONNECTIONS; ++i) {
        if ((without >> i & 1) != 0 || !route_usable(c, peer, i)) {
            continue;
        }
        const bool answers = peer.sending == NO_ROUTE && i == peer.settled;
        const std::uint64_t cost = std::uint64_t{route_penalty(c, peer.routes[i])} << 32 |
                                   (answers ? 0 : round_trip(c.relays[peer.routes[i].relay]));
        if (cost < best_cost) {
            best = i;
            best_cost = cost;
        }
    }
    return best;
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
        peer.waiting_since = 0; // there is no way for it to be heard, and its silence tells nothing
        peer.tried = 0;
        return;
    }
    ++c.relays[peer.routes[route].relay].carries;
    peer.moved_at = c.now;
    peer.follow_after = 0;
    peer.moves += old != NO_ROUTE;
    if (reason != Reason::convicted && peer.waiting_since != 0) {
        // What was sent before has nothing to do with this route.
        peer.waiting_since = c.now;
        peer.tried = 0;
        wake_peer_at(c, peer_slot, c.now);
    }
    report(c, Change_Kind::moved,
           {.relay = peer.routes[route].relay,
            .peer = peer_slot,
            .previous = old == NO_ROUTE ? NO_SLOT : peer.routes[old].relay,
            .reason = reason});
}

void consider_round_trip(Tcp_Connections &c, std::uint32_t relay_slot) {
    Relay &relay = c.relays[relay_slot];
    if (relay.carries == 0) {
        return;
    }
    const Relay_Client &client = relay.link->client;
    for (std::size_t i = 0; i < MAX_ROUTES; ++i) {
        if (!client.online[i]) {
            continue;
        }
        const std::uint32_t name = client.numbers[i];
        Connection &peer = c.peers[connection_of(name)];
        if (peer.sending != route_of(name) || c.now - peer.moved_at < STAY_AT_LEAST_MS) {
            continue;
        }
        const std::uint8_t best = best_route(c, peer, 0);
        const Relay &other = c.relays[peer.routes[best].relay];
        if (best != peer.sending && route_penalty(c, peer.routes[best]) == 0 &&
            2 * round_trip(other) + FASTER_BY_MS <= round_trip(relay) + round_trip(other) &&
            2 * round_trip(other) <= round_trip(relay)) {
            set_sending(c, connection_of(name), best, Reason::none);
        }
    }
}

} // namespace toxtcp
