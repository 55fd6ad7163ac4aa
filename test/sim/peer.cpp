#include "sim/peer.h"

#include "connections/peers.h"
#include "connections/relays.h"
#include "connections/validate.h"

namespace toxtcp {

namespace {

std::string text_of(Bytes bytes) {
    return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

/// Every callback calls this first.
void check_callback(Sim_Peer &peer, const void *userdata) {
    if (!peer.ticking) {
        peer.broken = "a callback came from outside the tick";
    } else if (userdata != &peer) {
        peer.broken = "a callback came with another userdata than the tick's";
    } else if (peer.c == nullptr) {
        peer.broken = "a callback came after all was killed";
    }
}

void take(Sim_Peer &peer, std::vector<Sim_Packet> &list, const std::function<void(const Sim_Packet &)> &hook,
          Sim_Packet packet, void *userdata) {
    check_callback(peer, userdata);
    packet.at = peer.net->now;
    list.push_back(packet);
    if (hook) {
        hook(packet); // the copy: the list may grow while the hook runs
    }
}

Callbacks callbacks_of(Sim_Peer &peer) {
    Callbacks callbacks;
    callbacks.object = &peer;
    callbacks.data = [](void *object, int id, Bytes packet, void *userdata) {
        Sim_Peer &p = *static_cast<Sim_Peer *>(object);
        const Sim_Packet taken{0, id, -1, {}, text_of(packet)};
        take(p, p.data, p.on_data, taken, userdata);
        return p.def.proves_packets && (p.is_authentic ? p.is_authentic(taken) : !taken.bytes.starts_with(FORGED));
    };
    callbacks.oob = [](void *object, const Public_Key &sender, int relay, Bytes packet, void *userdata) {
        Sim_Peer &p = *static_cast<Sim_Peer *>(object);
        take(p, p.oob, p.on_oob, {0, -1, relay, sender, text_of(packet)}, userdata);
    };
    callbacks.onion = [](void *object, Bytes packet, void *userdata) {
        Sim_Peer &p = *static_cast<Sim_Peer *>(object);
        take(p, p.onion, p.on_onion, {0, -1, -1, {}, text_of(packet)}, userdata);
    };
    callbacks.forwarding = [](void *object, Bytes packet, void *userdata) {
        Sim_Peer &p = *static_cast<Sim_Peer *>(object);
        take(p, p.forwarding, p.on_forwarding, {0, -1, -1, {}, text_of(packet)}, userdata);
    };
    callbacks.change = [](void *object, const Change &change, void *userdata) {
        Sim_Peer &p = *static_cast<Sim_Peer *>(object);
        check_callback(p, userdata);
        p.changes.push_back({p.net->now, change});
        if (p.on_change) {
            p.on_change(change);
        }
    };
    return callbacks;
}

} // namespace

void sim_peer_start(Sim_Peer &peer, Sim_Network &net, const Sim_Peer_Def &def) {
    peer.net = &net;
    peer.node = sim_add_node(net, {});
    Sim_Node &node = node_of(peer);
    node.object = &peer;
    node.run = [](void *object) {
        Sim_Peer &p = *static_cast<Sim_Peer *>(object);
        const std::uint64_t spurious = p.c == nullptr ? 0 : tcp_connections_wakes(p.c).spurious;
        sim_peer_tick(p);
        if (node_of(p).interval == 0 && p.c != nullptr && tcp_connections_wakes(p.c).spurious != spurious) {
            p.broken = "it was woken for nothing";
        }
    };
    if (def.mode == Tick_Mode::interval || !def.readiness) {
        node.interval = SIM_TICK_MS;
    } else {
        node.deadline = [](void *object) {
            const Sim_Peer &p = *static_cast<Sim_Peer *>(object);
            return p.c == nullptr ? NEVER : tcp_connections_deadline(p.c);
        };
    }
    peer.host = sim_host(net, peer.node, def.readiness);
    peer.host.tells_network_changes = def.tells_network_changes;
    peer.host.connect = [](void *object, const Ip_Port &address) {
        Sim_Node &self = *static_cast<Sim_Node *>(object);
        if (const Sim_Peer &p = *static_cast<Sim_Peer *>(self.object); p.on_connect) {
            p.on_connect(address);
        }
        return sim_connect(self, address);
    };
    if (def.secret_key != nullptr) {
        peer.def.secret_key.bytes = def.secret_key->bytes;
    } else {
        sim_fill(node.random, peer.def.secret_key.bytes);
    }
    peer.key = public_key_of(peer.def.secret_key);
    peer.def.host = &peer.host;
    peer.def.proxy = def.proxy;
    peer.def.profile = def.profile;
    peer.def.answer_echoes = def.answers_echoes;
    peer.def.proves_packets = def.proves_packets;
    peer.def.callbacks = callbacks_of(peer);
    peer.c = new_tcp_connections(peer.def);
}

void sim_peer_tick(Sim_Peer &peer) {
    if (peer.c == nullptr) {
        return;
    }
    const Sim_Node &node = node_of(peer);
    const std::uint64_t deadline = tcp_connections_deadline(peer.c);
    const bool due = deadline <= peer.net->now;
    const std::uint64_t progress = node.progress;
    peer.ticking = true;
    do_tcp_connections(peer.c, &peer);
    peer.ticking = false;
    // A callback may have killed the library's object, and then sets the pointer to null. Where no socket was used and
    // nothing was due, nothing can have changed, and nothing is checked: this saves most ticks of a host that ticks
    // every 50 ms.
    if (peer.c != nullptr && peer.broken == nullptr &&
        (due || node.progress != progress || tcp_connections_deadline(peer.c) != deadline)) {
        peer.broken = validate(*peer.c);
    }
}

std::size_t count_changes(const Sim_Peer &peer, Change_Kind kind, int relay) {
    return static_cast<std::size_t>(std::count_if(peer.changes.begin(), peer.changes.end(), [&](const Sim_Change &one) {
        return one.change.kind == kind && (relay < 0 || one.change.relay == relay);
    }));
}

const Sim_Change *first_change(const Sim_Peer &peer, Change_Kind kind, int relay) {
    for (const Sim_Change &one : peer.changes) {
        if (one.change.kind == kind && (relay < 0 || one.change.relay == relay)) {
            return &one;
        }
    }
    return nullptr;
}

const Sim_Change *last_change(const Sim_Peer &peer, Change_Kind kind, int relay) {
    for (auto one = peer.changes.rbegin(); one != peer.changes.rend(); ++one) {
        if (one->change.kind == kind && (relay < 0 || one->change.relay == relay)) {
            return &*one;
        }
    }
    return nullptr;
}

std::size_t count_lines(Sim_Peer &peer, Log_Level level) {
    const std::vector<Sim_Line> &log = node_of(peer).log;
    return static_cast<std::size_t>(
        std::count_if(log.begin(), log.end(), [&](const Sim_Line &line) { return line.level >= level; }));
}

} // namespace toxtcp
