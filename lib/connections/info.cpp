// The public functions that describe a relay or a connection: Relay_Info and Connection_Info.
#include "connections/core.h"
#include "connections/relays.h"
#include "connections/traffic.h"

namespace toxtcp {

namespace {

Relay_State public_state(const Relay &relay) {
    return is_stale(relay) ? Relay_State::stale : relay.state;
}

Route_State public_state(const Route &route) {
    switch (route.step) {
    case Route_Step::registered:
        return Route_State::registered;
    case Route_Step::online:
        return Route_State::online;
    default:
        return Route_State::none;
    }
}

Route_Use use_of(const Tcp_Connections &c, const Connection &peer, std::uint8_t route) {
    if (peer.routes[route].step == Route_Step::refused) {
        return Route_Use::refused;
    }
    if (peer.routes[route].step == Route_Step::pruned) {
        const bool withdrawn = peer.delivery != nullptr && contains(peer.delivery->withdrawn, route);
        return withdrawn ? Route_Use::withdrawn : Route_Use::pruned;
    }
    if (!route_usable(c, peer, route)) {
        return Route_Use::offline;
    }
    if (peer.sending == route) {
        return Route_Use::in_use;
    }
    if (is_stale(c.relays[peer.routes[route].relay])) {
        return Route_Use::stale;
    }
    const Route_Delivery &delivery = peer.delivery->routes[route];
    if (delivery_distrusts(*peer.delivery, route, c.now)) {
        return Route_Use::avoided;
    }
    switch (delivery.proof) {
    case Proof::verified:
        return Route_Use::ready;
    case Proof::failed:
        return Route_Use::failed;
    case Proof::none:
        break;
    }
    return Route_Use::unverified;
}

} // namespace

bool tcp_relay_info(const Tcp_Connections *c, int relay_handle, Relay_Info &info) {
    const std::uint32_t slot = c->relays.find(relay_handle);
    if (slot == NO_SLOT) {
        return false;
    }
    const Relay &relay = c->relays[slot];
    const Relay_Endpoint &endpoint = current_endpoint(relay.addresses);
    info = {.handle = relay_handle,
            .public_key = relay.key,
            .address = endpoint.address,
            .name = endpoint.name == nullptr ? std::string{} : *endpoint.name,
            .state = public_state(relay),
            .last_end = relay.last_end,
            .proxy_status = relay.proxy_status,
            .connected_since = relay.up_since,
            .round_trip = relay.link == nullptr ? 0 : relay.link->client.round_trip,
            .connections = static_cast<std::uint32_t>(relay.tied.size()),
            .online = relay.online,
            .carries = relay.carries,
            .attempts = relay.backoff.attempts,
            .times_stale = relay.times_stale,
            .failures = relay.failures,
            .onion = relay.onion,
            .at_proxy = relay.link != nullptr && relay_at_proxy(relay.link->client),
            .traffic = relay.traffic};
    return true;
}

bool tcp_connection_info(const Tcp_Connections *c, int connection, Connection_Info &info) {
    const std::uint32_t slot = c->peers.find(connection);
    if (slot == NO_SLOT) {
        return false;
    }
    const Connection &peer = c->peers[slot];
    info = Connection_Info{};
    info.handle = connection;
    info.id = peer.id;
    info.public_key = peer.key;
    info.awake = peer.awake;
    info.moves = peer.moves;
    info.failures = peer.failures;
    info.echoes_sent = peer.echoes_sent;
    info.echoes_answered = peer.echoes_answered;
    info.last_heard = peer.delivery == nullptr ? peer.heard_at : std::max(peer.heard_at, peer.delivery->heard_at);
    info.traffic = peer.traffic;
    const auto relay_of = [&](std::uint8_t route) {
        return route == NO_ROUTE ? static_cast<int>(Error::not_online) : c->relays.handle(peer.routes[route].relay);
    };
    info.sending = relay_of(peer.sending);
    info.receiving = relay_of(peer.receiving);
    for (std::uint8_t i = 0; i < ROUTES; ++i) {
        if (peer.routes[i].relay != NO_RELAY) {
            info.routes[info.routes_count++] = {
                .relay = c->relays.handle(peer.routes[i].relay),
                .state = public_state(peer.routes[i]),
                .use = use_of(*c, peer, i),
                .echo_round_trip = peer.delivery == nullptr ? 0U : peer.delivery->routes[i].round_trip,
                .last_proved = peer.delivery == nullptr ? 0U : delivery_proved_at(*peer.delivery, i)};
        }
    }
    return true;
}

} // namespace toxtcp
