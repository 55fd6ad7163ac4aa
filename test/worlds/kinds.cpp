#include <toxtcp/echo.h>

#include "worlds/stage.h"

namespace toxtcp {

namespace {

constexpr std::uint64_t HANG_AFTER_MS = 700; ///< from a cold start: time to come up

void drop_clients(Stage &s, World_Relay &relay) {
    (void)sim_relay_drop(relay.relay, s.a.peer.key);
    (void)sim_relay_drop(relay.relay, s.b.peer.key);
}

void flap(Stage &s, World_Relay &relay) {
    drop_clients(s, relay);
    sim_at(s.net, s.net.now + FLAP_MS, [&s, &relay] { flap(s, relay); });
}

/// What a relay makes up in a peer's name: bytes of no meaning, an echo's answer that does not open, and what the peer
/// itself had sent before.
std::string forged_bytes(World_Relay &relay, bool to_b) {
    const auto &carried = to_b ? relay.carried_to_b : relay.carried_to_a;
    std::string bytes;
    switch (relay.forged++ / 2 % 4) {
    case 0:
        bytes = std::string(1, static_cast<char>(ECHO_RESPONSE)) + std::string(ECHO_RESPONSE_SIZE - 1, 'x');
        break;
    case 1:
        bytes = carried[0];
        break;
    case 2:
        bytes = carried[1];
        break;
    default:
        break;
    }
    return bytes.empty() ? std::string{FORGED} : bytes;
}

void forge_for(World_Relay &relay, const Public_Key &victim, const Public_Key &name, bool to_b) {
    const int handle = relay_server_find(relay.relay.server, victim);
    if (handle < 0) {
        return;
    }
    const auto &routes = relay.relay.server.clients[static_cast<std::size_t>(handle)].routes;
    for (std::size_t i = 0; i < routes.size(); ++i) {
        if (routes[i].used && routes[i].peer == name) {
            const std::string id(1, static_cast<char>(FIRST_ROUTING_ID + i));
            (void)sim_relay_inject(relay.relay, victim, bytes_of(id + forged_bytes(relay, to_b)));
            return;
        }
    }
}

void forge(Stage &s, World_Relay &relay) {
    forge_for(relay, s.a.peer.key, s.b.peer.key, false);
    forge_for(relay, s.b.peer.key, s.a.peer.key, true);
    sim_at(s.net, s.net.now + FORGE_EVERY_MS, [&s, &relay] { forge(s, relay); });
}

void name_again(Stage &s, World_Relay &relay) {
    for (World_Side *const side : {&s.a, &s.b}) {
        (void)add_tcp_relay_connection(side->peer.c, side->connection, relay.relay.address, relay.relay.key);
        sim_touch(s.net, side->peer.node);
    }
    relay.named_at = s.net.now;
}

} // namespace

void watch_relay(Stage &s, World_Relay &relay) {
    relay.relay.drop = [&s, &relay](const Public_Key &, const Public_Key &to, const Packet &packet) {
        const bool to_b = to == s.b.peer.key;
        if (!relay.turned) {
            const bool is_response = is_echo_response(packet.data);
            if (is_response || is_echo_request(packet.data)) {
                (to_b ? relay.carried_to_b : relay.carried_to_a)[is_response ? 1 : 0] = {packet.data.begin(),
                                                                                         packet.data.end()};
            }
            return false;
        }
        return !relay_carries(relay.kind, packet.data, to_b);
    };
}

void turn_relay(Stage &s, World_Relay &relay) {
    const bool cold = s.world.start == World_Start::cold;
    relay.turned = true;
    switch (relay.kind) {
    case Relay_Kind::refuses:
        sim_relay_kill(relay.relay, Sim_Ending::reset);
        break;
    case Relay_Kind::silent:
        relay.relay.never_answers_handshake = true;
        drop_clients(s, relay);
        break;
    case Relay_Kind::shakes_hands:
        relay.relay.seen = [&s, &relay](const Public_Key &from, const Packet &) {
            const Public_Key client = from;
            sim_at(s.net, s.net.now, [&relay, client] { (void)sim_relay_drop(relay.relay, client); });
        };
        break;
    case Relay_Kind::hangs:
        sim_at(s.net, s.net.now + (cold ? HANG_AFTER_MS : 0), [&relay] { sim_relay_stop(relay.relay, true); });
        break;
    case Relay_Kind::late:
        node_of(relay.relay).latency += LATE_MS / 2; // on the way to it, and from it
        break;
    case Relay_Kind::flaps:
        flap(s, relay);
        break;
    case Relay_Kind::moves:
        sim_relay_move(relay.relay);
        sim_at(s.net, s.net.now + MOVED_NAMED_AFTER_MS, [&s, &relay] { name_again(s, relay); });
        break;
    case Relay_Kind::forges:
        forge(s, relay);
        break;
    case Relay_Kind::honest:
    case Relay_Kind::drops:
    case Relay_Kind::drops_one_way:
    case Relay_Kind::drops_big:
    case Relay_Kind::passes_echoes:
    case Relay_Kind::count:
        break; // `watch_relay` asks `relay_carries`
    }
}

} // namespace toxtcp
