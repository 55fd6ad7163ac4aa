// What an operator wants to know of a relay and of a connection.
#include "connections/state.h"

namespace toxtcp {

namespace {

Relay_State told_state(const Relay &relay) {
    return is_connected(relay) && relay.suspect ? Relay_State::suspect : relay.state;
}

Route_State told_state(const Route &route) {
    switch (route.step) {
    case Route_Step::registered:
        return Route_State::registered;
    case Route_Step::online:
        return Route_State::online;
    default:
        return Route_State::none;
    }
}

} // namespace

bool tcp_relay_info(const Tcp_Connections *c, int relay_number, Relay_Info &info) {
    const std::uint32_t slot = c->relays.find(relay_number);
    if (slot == NO_SLOT) {
        return false;
    }
    const Relay &relay = c->relays[slot];
    info = {.number = relay_number,
            .public_key = relay.key,
            .address = relay.address,
            .state = told_state(relay),
            .last_end = relay.last_end,
            .connected_since = relay.up_since,
            .round_trip = relay.link == nullptr ? 0 : relay.link->client.round_trip,
            .connections = static_cast<std::uint32_t>(relay.tied.size()),
            .online = relay.online,
            .carries = relay.carries,
            .attempts = relay.attempts,
            .suspicions = relay.suspicions,
            .convictions = relay.convictions,
            .onion = relay.onion,
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
    info.number = connection;
    info.id = peer.id;
    info.public_key = peer.key;
    info.awake = peer.awake;
    info.moves = peer.moves;
    info.convictions = peer.convictions;
    info.last_heard = peer.heard_at;
    info.traffic = peer.traffic;
    const auto relay_of = [&](std::uint8_t route) {
        return route == NO_ROUTE ? static_cast<int>(Error::not_online) : c->relays.number(peer.routes[route].relay);
    };
    info.sending = relay_of(peer.sending);
    info.receiving = relay_of(peer.receiving);
    for (const Route &route : peer.routes) {
        if (route.relay != NO_RELAY) {
            info.routes[info.routes_count++] = {.relay = c->relays.number(route.relay),
                                                .state = told_state(route),
                                                .convicted = route.avoid_until > c->now / 1000};
        }
    }
    return true;
}

} // namespace toxtcp
