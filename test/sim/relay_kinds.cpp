#include "sim/relay_kinds.h"

#include <toxtcp/echo.h>

#include "sim/peer.h"

namespace toxtcp {

namespace {

std::vector<Public_Key> clients_of(const Sim_Relay &relay) {
    std::vector<Public_Key> keys;
    for (const Relay_Server_Client &client : relay.server.clients) {
        if (client.phase == Relay_Server_Phase::confirmed) {
            keys.push_back(client.key);
        }
    }
    return keys;
}

void drop_clients(Sim_Relay &relay) {
    for (const Public_Key &client : clients_of(relay)) {
        (void)sim_relay_drop(relay, client);
    }
}

/// Calls `action` now and every `pause` ms, until the relay's kind changes.
void repeat(Sim_Relay_Kind &kind, std::uint64_t pause, void (*action)(Sim_Relay_Kind &kind)) {
    action(kind);
    Sim_Network &net = *kind.relay->net;
    sim_at(net, net.now + pause, [&kind, pause, action, turn = kind.turns] {
        if (kind.turns == turn) {
            repeat(kind, pause, action);
        }
    });
}

/// What a relay forges in a peer's name, in turn: an echo response that does not open, the peer's own last echo request
/// and response once more, and bytes of no meaning.
std::string forged_bytes(const Sim_Relay_Kind &kind, const Public_Key &name, const Public_Key &victim) {
    if (kind.forged % 4 == 0) {
        return std::string(1, static_cast<char>(ECHO_RESPONSE)) + std::string(ECHO_RESPONSE_SIZE - 1, 'x');
    }
    const auto carried = kind.carried.find({name, victim});
    const bool repeats = kind.forged % 4 < 3 && carried != kind.carried.end();
    const std::string bytes = repeats ? carried->second[kind.forged % 4 - 1] : std::string{};
    return bytes.empty() ? std::string{FORGED} : bytes;
}

/// Sends each client one forged packet from each peer that it has requested.
void forge(Sim_Relay_Kind &kind) {
    Sim_Relay &relay = *kind.relay;
    for (const Public_Key &victim : clients_of(relay)) {
        const int handle = relay_server_find(relay.server, victim);
        if (handle < 0) {
            continue; // it was dropped meanwhile
        }
        const std::vector<Relay_Server_Route> routes = relay.server.clients[static_cast<std::size_t>(handle)].routes;
        for (std::size_t i = 0; i < routes.size(); ++i) {
            if (routes[i].used) {
                const std::string id(1, static_cast<char>(FIRST_ROUTING_ID + i));
                (void)sim_relay_inject(relay, victim, bytes_of(id + forged_bytes(kind, routes[i].peer, victim)));
            }
        }
    }
    ++kind.forged;
}

void note_echo(Sim_Relay_Kind &kind, const Public_Key &from, const Public_Key &to, Bytes data) {
    const bool is_response = is_echo_response(data);
    if (is_response || is_echo_request(data)) {
        kind.carried[{from, to}][is_response ? 1 : 0] = {data.begin(), data.end()};
    }
}

void reflect(Sim_Relay_Kind &kind, const Public_Key &from, const Public_Key &to, const Packet &packet) {
    std::vector<std::uint8_t> bytes = reflected(packet.data, to.data());
    if (packet.type == Packet_Type::data && !bytes.empty()) {
        bytes.insert(bytes.begin(), packet.id);
        Sim_Network &net = *kind.relay->net;
        sim_at(net, net.now, [&kind, from, bytes] { (void)sim_relay_inject(*kind.relay, from, bytes); });
    }
}

void turn_back(Sim_Relay_Kind &kind) {
    Sim_Relay &relay = *kind.relay;
    switch (kind.kind) {
    case Relay_Kind::refuses:
        sim_relay_return(relay);
        break;
    case Relay_Kind::silent:
        relay.never_answers_handshake = false;
        break;
    case Relay_Kind::hangs:
        sim_relay_stop(relay, false);
        break;
    case Relay_Kind::late:
        node_of(relay).lag = 0;
        break;
    default:
        break; // the other kinds leave nothing to undo
    }
}

} // namespace

void sim_relay_watch(Sim_Relay_Kind &kind, Sim_Relay &relay) {
    kind.relay = &relay;
    relay.drop = [&kind](const Public_Key &from, const Public_Key &to, const Packet &packet) {
        if (kind.kind == Relay_Kind::honest) {
            note_echo(kind, from, to, packet.data);
            return false;
        }
        if (kind.kind == Relay_Kind::forges) {
            reflect(kind, from, to, packet);
        }
        return !relay_carries(kind.kind, packet.data, kind.is_victim && kind.is_victim(to));
    };
    relay.seen = [&kind, before = relay.seen](const Public_Key &from, const Packet &packet) {
        if (before) {
            before(from, packet);
        }
        if (kind.kind == Relay_Kind::shakes_hands) {
            Sim_Network &net = *kind.relay->net;
            sim_at(net, net.now, [&kind, client = from] { (void)sim_relay_drop(*kind.relay, client); });
        }
    };
}

void sim_relay_turn(Sim_Relay_Kind &kind, Relay_Kind to, std::uint64_t hang_after) {
    Sim_Relay &relay = *kind.relay;
    turn_back(kind);
    kind.kind = to;
    ++kind.turns;
    switch (to) {
    case Relay_Kind::refuses:
        sim_relay_kill(relay, Sim_Ending::reset);
        break;
    case Relay_Kind::silent:
        relay.never_answers_handshake = true;
        drop_clients(relay);
        break;
    case Relay_Kind::hangs:
        sim_at(*relay.net, relay.net->now + hang_after, [&kind, turn = kind.turns] {
            if (kind.turns == turn) {
                sim_relay_stop(*kind.relay, true);
            }
        });
        break;
    case Relay_Kind::late:
        node_of(relay).lag = LATE_MS / 2; // once on the way to the relay, once on the way from it
        break;
    case Relay_Kind::flaps:
        repeat(kind, FLAP_MS, [](Sim_Relay_Kind &one) { drop_clients(*one.relay); });
        break;
    case Relay_Kind::forges:
        repeat(kind, FORGE_EVERY_MS, forge);
        break;
    case Relay_Kind::moves:
        sim_relay_move(relay);
        break;
    case Relay_Kind::honest:
    case Relay_Kind::shakes_hands:
    case Relay_Kind::drops:
    case Relay_Kind::drops_one_way:
    case Relay_Kind::drops_big:
    case Relay_Kind::passes_echoes:
    case Relay_Kind::count:
        break; // `sim_relay_watch` does this packet by packet
    }
}

} // namespace toxtcp
