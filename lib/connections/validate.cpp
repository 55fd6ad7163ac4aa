#include "connections/validate.h"

#include "connections/peers.h"
#include "connections/relays.h"

namespace toxtcp {

namespace {

struct Counts {
    std::uint32_t unrequested = 0;
    std::uint32_t ids = 0;
    std::uint32_t pruned = 0;
    std::uint32_t online = 0;
    std::uint32_t online_asleep = 0;
    std::uint32_t carries = 0;
};

const char *check_relay(const Tcp_Connections &c, std::uint32_t slot) {
    const Relay &relay = c.relays[slot];
    if (find_relay(c, relay.key) != slot) {
        return "a relay is not found by its key";
    }
    const bool linked = relay.state == Relay_State::connecting || relay.state == Relay_State::connected;
    if ((relay.link != nullptr) != linked) {
        return "a relay's state does not fit its link";
    }
    if (is_connected(relay) != (linked && relay.link->client.phase == Relay_Phase::confirmed) &&
        relay.link->client.phase != Relay_Phase::ended) {
        return "a relay's state does not fit its phase";
    }
    Counts counts;
    for (std::uint32_t place = 0; place < relay.tied.size(); ++place) {
        const std::uint32_t reference = relay.tied[place];
        if (connection_of(reference) >= c.peers.size() || !c.peers.used(connection_of(reference))) {
            return "a relay lists a connection that is gone";
        }
        const Connection &peer = c.peers[connection_of(reference)];
        const Route &route = peer.routes[route_of(reference)];
        if (route.relay != slot || route.tied_index != place) {
            return "a relay lists a route that is not its own";
        }
        const bool has_id = route.step == Route_Step::registered || route.step == Route_Step::online;
        if (has_id &&
            (!is_connected(relay) || relay.link->client.references[route.id - FIRST_ROUTING_ID] != reference)) {
            return "a routing id does not lead to its route";
        }
        if (!is_connected(relay) && route.step != Route_Step::none && route.step != Route_Step::pruned) {
            return "a route has outlived its relay's connection";
        }
        counts.unrequested += route.step == Route_Step::none;
        counts.pruned += route.step == Route_Step::pruned;
        counts.ids += has_id || route.step == Route_Step::requested;
        counts.online += route.step == Route_Step::online;
        counts.online_asleep += route.step == Route_Step::online && !peer.awake;
        counts.carries += peer.sending == route_of(reference);
        if (place < relay.request_from && route.step == Route_Step::none) {
            return "a route is never asked for";
        }
    }
    if (counts.unrequested != relay.unrequested || counts.pruned != relay.pruned || counts.ids != relay.ids ||
        counts.online != relay.online || counts.online_asleep != relay.online_asleep ||
        counts.carries != relay.carries) {
        return "a relay's counts are wrong";
    }
    if (linked) {
        const Relay_Client &client = relay.link->client;
        std::size_t named = 0;
        for (std::size_t i = 0, left = client.known.count(); left != 0; ++i) {
            left -= client.known[i];
            named += client.known[i] && client.references[i] != NO_REFERENCE;
        }
        if (client.phase == Relay_Phase::confirmed && named > relay.ids) {
            return "a routing id leads to a route that is gone";
        }
        if (c.relay_deadlines.get(slot) > relay_deadline(client)) {
            return "a relay's deadline is later than what is due";
        }
    }
    return nullptr;
}

const char *check_peer(const Tcp_Connections &c, std::uint32_t slot) {
    const Connection &peer = c.peers[slot];
    if (find_peer(c, peer.key) != slot) {
        return "a connection is not found by its key";
    }
    std::uint32_t online = 0;
    for (std::uint32_t i = 0; i < MAX_FRIEND_TCP_CONNECTIONS; ++i) {
        const Route &route = peer.routes[i];
        if (route.relay == NO_RELAY) {
            if (peer.sending == i || peer.receiving == i) {
                return "a connection uses a route that is not there";
            }
            continue;
        }
        if (!c.relays.used(route.relay)) {
            return "a route leads to a relay that is gone";
        }
        const Relay &relay = c.relays[route.relay];
        if (route.tied_index >= relay.tied.size() || relay.tied[route.tied_index] != route_reference(slot, i)) {
            return "a route is not in its relay's list";
        }
        online += route.step == Route_Step::online;
        if (peer.sending == i && route.step != Route_Step::online) {
            return "a connection sends where its peer is not";
        }
    }
    if ((peer.delivery != nullptr) != (online != 0)) {
        return "a connection's delivery does not fit its routes online";
    }
    return online == peer.online ? nullptr : "a connection's count of routes online is wrong";
}

} // namespace

const char *validate(const Tcp_Connections &c) {
    std::uint32_t connected = 0;
    std::uint32_t connecting = 0;
    std::uint32_t onion = 0;
    for (std::uint32_t slot = 0; slot < c.relays.size(); ++slot) {
        if (c.relays.used(slot)) {
            if (const char *const fault = check_relay(c, slot); fault != nullptr) {
                return fault;
            }
            connected += is_connected(c.relays[slot]);
            connecting += c.relays[slot].state == Relay_State::connecting;
            onion += c.relays[slot].onion;
        }
    }
    for (std::uint32_t slot = 0; slot < c.peers.size(); ++slot) {
        if (c.peers.used(slot)) {
            if (const char *const fault = check_peer(c, slot); fault != nullptr) {
                return fault;
            }
        }
    }
    if (c.relay_index.count() != c.relays.count() || c.peer_index.count() != c.peers.count()) {
        return "an index holds what is gone";
    }
    if (connected != c.connected || connecting != c.connecting) {
        return "the count of relays connected is wrong";
    }
    return onion == c.onion_relays && onion <= NUM_ONION_TCP_CONNECTIONS ? nullptr
                                                                         : "the count of onion relays is wrong";
}

} // namespace toxtcp
