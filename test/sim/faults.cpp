#include "sim/run.h"

namespace toxtcp {

namespace {

constexpr const char *NAMES[] = {"kill",     "stop",        "cut relay", "cut client", "partition",       "turn",
                                 "conspire", "slow",        "full",      "unread",     "pieces",          "flood",
                                 "garbage",  "drop client", "proxy",     "sleep",      "kill connection", "kill relay",
                                 "restart",  "suspend",     "oob",       "onion",      "network changed"};
static_assert(std::size(NAMES) == static_cast<std::size_t>(Fault_Kind::count));

/// What is drawn for each fault. A kind of fault uses some of these.
struct Fault {
    std::uint32_t relay;
    std::uint32_t client;
    std::uint32_t pair;
    std::size_t side;
    std::uint64_t end; ///< ms
};

void mark_relay(Run &run, const Fault &fault, std::uint64_t until) {
    run.bad_until[fault.relay] = std::max(run.bad_until[fault.relay], until);
}

/// The fault lasts until `until`. What it has delayed has arrived `settles` ms later.
void mark_client(Run &run, const Fault &fault, std::uint64_t until, std::uint64_t settles = 5 * SECOND) {
    Client &client = run.clients[fault.client];
    client.bad_until = std::max(client.bad_until, until);
    client.settled_at = std::max(client.settled_at, until + settles);
}

// ---- relays, and the ways to them ------------------------------------------------------------------------------

void relay_process(Run &run, Fault_Kind kind, const Fault &fault) {
    Sim_Network &net = run.net;
    Sim_Relay &relay = run.relays[fault.relay];
    const Sim_Node &node = node_of(relay);
    if (node.down || node.refusing || run.kinds[fault.relay].kind != Relay_Kind::honest) {
        return;
    }
    if (kind == Fault_Kind::kill) {
        sim_relay_kill(relay, static_cast<Sim_Ending>(run.below(3)));
        mark_relay(run, fault, fault.end);
        sim_at(net, fault.end, [&relay] { sim_relay_return(relay); });
    } else if (kind == Fault_Kind::stop && !node.stopped) {
        sim_relay_stop(relay, true);
        mark_relay(run, fault, fault.end);
        sim_at(net, fault.end, [&relay] { sim_relay_stop(relay, false); });
    } else if (kind == Fault_Kind::cut_relay && !node.cut) {
        sim_cut(net, relay.node, true);
        mark_relay(run, fault, fault.end + 5 * SECOND);
        sim_at(net, fault.end, [&net, &relay] { sim_cut(net, relay.node, false, 1'000); });
    }
}

bool can_turn(Run &run, std::uint32_t relay) {
    const Sim_Node &node = node_of(run.relays[relay]);
    return run.kinds[relay].kind == Relay_Kind::honest && !node.down && !node.stopped && !node.cut;
}

/// Makes the relay this kind until `end`. The relay may also say that all peers are online.
void turn(Run &run, std::uint32_t relay, Relay_Kind to, const Public_Key &victim, std::uint64_t end) {
    Sim_Relay_Kind &kind = run.kinds[relay];
    const bool lies = run.chance(25);
    run.relays[relay].lies_online = lies;
    kind.is_victim = [victim](const Public_Key &client) { return client == victim; };
    run.bad_until[relay] =
        std::max(run.bad_until[relay], end == NEVER ? NEVER : end + 10 * SECOND); // until delayed packets have come
    tell(run, "  relay %u: %s%s", relay, to_string(to), lies ? ", says that all are online" : "");
    sim_relay_turn(kind, to);
    if (end != NEVER) {
        sim_at(run.net, end, [&run, relay, turn = kind.turns] {
            if (run.kinds[relay].turns == turn) {
                turn_honest(run, relay);
            }
        });
    }
}

Relay_Kind draw_kind(Run &run) {
    constexpr Relay_Kind KINDS[] = {Relay_Kind::refuses,   Relay_Kind::silent,        Relay_Kind::shakes_hands,
                                    Relay_Kind::hangs,     Relay_Kind::drops,         Relay_Kind::drops_one_way,
                                    Relay_Kind::drops_big, Relay_Kind::passes_echoes, Relay_Kind::forges,
                                    Relay_Kind::late,      Relay_Kind::flaps};
    return KINDS[run.below(std::size(KINDS))];
}

/// Each friendship keeps one honest relay. Most other relays turn to another kind at the same time.
void conspire(Run &run, std::uint32_t pair, std::uint64_t end) {
    Relay_Set honest = 0;
    for (const Friendship &f : run.friends) {
        honest = static_cast<Relay_Set>(honest | 1U << f.relays[run.below(f.relays.size())]);
    }
    const bool all_alike = run.chance(50);
    const Relay_Kind common = draw_kind(run);
    for (std::uint32_t relay = 0; relay < run.relays.size(); ++relay) {
        const std::size_t side = run.below(4) == 0 ? 1 : 0; // most of them have the same victim
        const Relay_Kind kind = all_alike ? common : draw_kind(run);
        const bool turns = run.chance(80);
        if ((honest >> relay & 1) == 0 && turns && can_turn(run, relay)) {
            turn(run, relay, kind, run.clients[run.friends[pair].peer[side]].peer.key, end);
        }
    }
}

void way(Run &run, Fault_Kind kind, const Fault &fault) {
    Sim_Node &node = node_of(run.relays[fault.relay]);
    Sim_Node &other = node_of(run.clients[fault.client].peer);
    if (kind == Fault_Kind::slow) {
        const std::uint64_t usual = std::min(node.latency, USUAL_LATENCY_MS);
        node.latency = run.between(1, run.chance(30) ? 3'000 : 300);
        node.jitter = run.below(50);
        mark_relay(run, fault, fault.end + 10 * SECOND);
        sim_at(run.net, fault.end, [&node, usual] {
            node.latency = usual;
            node.jitter = 0;
        });
    } else if (kind == Fault_Kind::full) {
        node.capacity = run.between(256, 8'192);
        node.rest = run.below(200);
        node.send_piece = run.chance(50) ? run.between(1, 500) : 0;
        mark_relay(run, fault, fault.end + 5 * SECOND);
        sim_at(run.net, fault.end, [&node] {
            node.capacity = 64 * 1024;
            node.rest = 0;
            node.send_piece = 0;
        });
    } else {
        node.piece = run.between(1, 700);
        other.send_piece = run.between(1, 300);
        mark_client(run, fault, fault.end); // a client that ticks by the clock sends one piece a tick
        if (std::any_of(run.clients.begin(), run.clients.end(), ticks_by_the_clock)) {
            mark_relay(run, fault, fault.end); // and reads one piece a tick
        }
        sim_at(run.net, fault.end, [&node, &other] {
            node.piece = 0;
            other.send_piece = 0;
        });
    }
}

void packets(Run &run, Fault_Kind kind, const Fault &fault) {
    Sim_Relay &relay = run.relays[fault.relay];
    const Public_Key &to = run.clients[fault.client].peer.key;
    if (kind == Fault_Kind::unread) {
        node_of(relay).capacity = run.chance(50) ? run.between(256, 8'192) : 64 * 1024;
        mark_relay(run, fault, fault.end + 5 * SECOND);
        (void)sim_relay_unread(relay, to);
        sim_at(run.net, fault.end, [&run, &relay] {
            relay.unread = -1;
            node_of(relay).capacity = 64 * 1024;
            sim_touch(run.net, relay.node);
        });
    } else if (kind == Fault_Kind::drop_client) {
        mark_relay(run, fault, run.net.now + 10 * SECOND);
        (void)sim_relay_drop(relay, to, run.chance(50));
    } else if (kind == Fault_Kind::garbage) {
        std::vector<std::uint8_t> bytes(run.between(1, 3'000));
        sim_fill(run.random, bytes);
        mark_relay(run, fault, run.net.now + 10 * SECOND);
        if (run.chance(50)) {
            (void)sim_relay_inject_raw(relay, to, bytes);
        } else {
            (void)sim_relay_inject(relay, to, Bytes{bytes}.first(std::min<std::size_t>(bytes.size(), 100)));
            mark_relay(run, fault, NEVER);
        }
    } else {
        constexpr std::uint8_t TYPES[] = {1, 2, 3, 4, 5, 7, 9, 11, 16, 17, 40};
        std::vector<std::uint8_t> plain(2 + KEY_SIZE + run.below(600), 0xFF);
        plain[0] = TYPES[run.below(std::size(TYPES))];
        plain[1] = static_cast<std::uint8_t>(run.between(16, 30));
        if (plain[0] == 1) {
            plain.resize(2 + KEY_SIZE);
        } else if (plain[0] < 4) {
            plain.resize(2);
        } else if (plain[0] < 6) {
            plain.resize(9);
        }
        mark_relay(run, fault, plain[0] < 4 ? NEVER : fault.end); // clients go on to believe false answers
        (void)sim_relay_inject(relay, to, plain, run.between(1, 2'000));
    }
}

// ---- clients, and the ways to them -----------------------------------------------------------------------------

void network(Run &run, Fault_Kind kind, const Fault &fault) {
    Sim_Network &net = run.net;
    Client &client = run.clients[fault.client];
    const std::uint32_t node = client.peer.node;
    if (kind == Fault_Kind::cut_client) {
        if (!node_of(client.peer).cut) {
            sim_cut(net, node, true);
            net.nodes[node]->unreachable = run.chance(50); // its own network fails, or one further away
            mark_client(run, fault, fault.end);
            sim_at(net, fault.end, [&run, node, me = fault.client] {
                run.net.nodes[node]->unreachable = false;
                sim_cut(run.net, node, false, 1'000);
                tell_network_changed(run, run.clients[me]);
            });
        }
        return;
    }
    for (std::uint32_t i = 0; i < run.relays.size(); ++i) {
        const std::uint32_t relay = run.relays[i].node;
        if (run.chance(50) && client.cut_until[i] <= net.now) {
            sim_cut_between(net, node, relay, true);
            client.cut_until[i] = fault.end + 5 * SECOND;
            sim_at(net, fault.end, [&net, node, relay] { sim_cut_between(net, node, relay, false); });
        }
    }
}

void proxy(Run &run, const Fault &fault) {
    const std::uint32_t index = run.clients[fault.client].proxy;
    if (index == NOBODY) {
        return;
    }
    Sim_Network &net = run.net;
    Sim_Proxy &proxy = run.proxies[index];
    Sim_Node &node = *net.nodes[proxy.node];
    if (node.stopped || node.cut) {
        return;
    }
    mark_client(run, fault, fault.end, 10 * SECOND);
    switch (run.below(4)) {
    case 0:
        proxy.refuses = true;
        break;
    case 1:
        proxy.silent = true;
        break;
    case 2:
        sim_stop(net, proxy.node, true);
        break;
    default:
        sim_cut(net, proxy.node, true);
        break;
    }
    sim_at(net, fault.end, [&net, &proxy, &node] {
        proxy.refuses = proxy.silent = false;
        sim_stop(net, proxy.node, false);
        if (node.cut) {
            sim_cut(net, proxy.node, false, 1'000);
        }
    });
}

/// A client's host runs again, and makes the connections that are missing.
void run_again(Run &run, std::uint32_t client) {
    for (std::uint32_t i = 0; i < run.friends.size(); ++i) {
        for (std::size_t side = 0; side < 2; ++side) {
            if (run.friends[i].peer[side] == client) {
                befriend(run, i, side);
            }
        }
    }
}

/// A client's program ends and starts again, or its machine sleeps.
void client(Run &run, Fault_Kind kind, const Fault &fault) {
    Sim_Network &net = run.net;
    Client &client = run.clients[fault.client];
    if (!is_running(client)) {
        return;
    }
    mark_client(run, fault, fault.end);
    if (kind == Fault_Kind::suspend) {
        client.suspended = true;
        sim_stop(net, client.peer.node, true);
        sim_at(net, fault.end, [&run, &client, me = fault.client] {
            client.suspended = false;
            client.changed_at = run.net.now;
            sim_stop(run.net, client.peer.node, false);
            tell_network_changed(run, client);
            run_again(run, me);
        });
        return;
    }
    kill_tcp_connections(client.peer.c);
    client.peer.c = nullptr;
    client.stale.clear();
    ++client.lives;
    if (node_of(client.peer).open_sockets() != 0) {
        fail(run, "peer %u has ended, and left sockets open", fault.client);
    }
    for (Friendship &f : run.friends) {
        for (std::size_t side = 0; side < 2; ++side) {
            f.connection[side] = f.peer[side] == fault.client ? -1 : f.connection[side];
        }
    }
    sim_at(net, fault.end, [&run, &client, me = fault.client] {
        client.peer.c = new_tcp_connections(client.peer.def);
        client.connects = node_of(client.peer).calls.connect; // not those of its last life
        client.echo_level = 0;
        client.befriended = 0;
        run_again(run, me);
    });
}

// ---- what hosts do ---------------------------------------------------------------------------------------------

void fall_asleep(Run &run, const Fault &fault) {
    Friendship &f = run.friends[fault.pair];
    Client &sleeper = run.clients[f.peer[fault.side]];
    if (!is_running(sleeper)) {
        return;
    }
    f.asleep_until[fault.side] = std::max(f.asleep_until[fault.side], fault.end);
    (void)set_tcp_connection_to_status(sleeper.peer.c, f.connection[fault.side], false);
    sim_touch(run.net, sleeper.peer.node);
    sim_at(run.net, fault.end, [&run, &f, &sleeper, side = fault.side] {
        if (f.asleep_until[side] <= run.net.now && sleeper.peer.c != nullptr) {
            (void)set_tcp_connection_to_status(sleeper.peer.c, f.connection[side], true);
            sim_touch(run.net, sleeper.peer.node);
        }
        f.good_since = 0;
    });
}

void end_connection(Run &run, const Fault &fault) {
    Friendship &f = run.friends[fault.pair];
    Client &client = run.clients[f.peer[fault.side]];
    const int stale = f.connection[fault.side];
    f.good_since = 0;
    if (!is_running(client) || stale < 0) {
        return;
    }
    if (kill_tcp_connection_to(client.peer.c, stale) != Error::ok) {
        fail(run, "a connection could not be killed");
    }
    f.connection[fault.side] = -1;
    sim_touch(run.net, client.peer.node);
    sim_at(run.net, run.net.now + run.below(2 * SECOND), [&run, &client, fault, stale, life = client.lives] {
        befriend(run, fault.pair, fault.side);
        const std::uint8_t byte = 0;
        if (is_running(client) && client.lives == life &&
            send_packet_tcp_connection(client.peer.c, stale, {&byte, 1}) != Error::bad_handle) {
            fail(run, "the number of a connection that is gone was served");
        }
    });
}

void end_relay(Run &run, const Fault &fault) {
    Client &client = run.clients[fault.client];
    if (!is_running(client)) {
        return;
    }
    Sim_Peer &peer = client.peer;
    const int number = tcp_relay_at(peer.c, static_cast<std::uint32_t>(run.below(1 + tcp_connections_count(peer.c))));
    if (Relay_Info info; tcp_relay_info(peer.c, number, info)) {
        std::uint64_t &until = client.cut_until[run.relay_of.at(info.public_key)];
        until = std::max(until, run.net.now + SHARE_EVERY); // then the host names it again
    }
    if (number >= 0 && kill_tcp_relay_connection(peer.c, number) != Error::ok) {
        fail(run, "a relay could not be killed");
    }
    if (number >= 0) {
        client.stale.push_back(number);
    }
    for (Friendship &f : run.friends) {
        f.good_since = 0;
    }
    sim_touch(run.net, peer.node);
}

void host_call(Run &run, Fault_Kind kind, const Fault &fault) {
    Client &client = run.clients[fault.client];
    if (!is_running(client)) {
        return;
    }
    Tcp_Connections *const c = client.peer.c;
    if (kind == Fault_Kind::oob) {
        send_oob(run, fault.pair, fault.side);
    } else if (kind == Fault_Kind::network_changed) {
        tcp_connections_network_changed(c);
        client.changed_at = run.net.now;
    } else {
        (void)set_tcp_onion_status(c, run.chance(50));
        const int relay = get_random_tcp_onion_conn_number(c);
        const std::array<std::uint8_t, 100> request{};
        const Error error = tcp_send_onion_request(c, relay, request);
        if ((relay >= 0) != (error != Error::bad_handle)) {
            fail(run, "an onion relay's number is not served");
        }
    }
    sim_touch(run.net, client.peer.node);
}

} // namespace

void tell_network_changed(Run &run, Client &client) {
    if (client.peer.host.tells_network_changes && is_running(client)) {
        tcp_connections_network_changed(client.peer.c);
        client.changed_at = client.told_at = run.net.now;
        sim_touch(run.net, client.peer.node);
    }
}

void turn_honest(Run &run, std::uint32_t relay) {
    Sim_Relay &one = run.relays[relay];
    sim_relay_turn(run.kinds[relay], Relay_Kind::honest);
    if (one.lies_online) {
        one.lies_online = false;
        for (const Client &client : run.clients) {
            (void)sim_relay_drop(one, client.peer.key); // else they still believe what it has said
        }
    }
}

void turn_from_the_start(Run &run) {
    conspire(run, static_cast<std::uint32_t>(run.below(run.friends.size())), NEVER);
}

void turn_dead(Run &run) {
    constexpr Relay_Kind KINDS[] = {Relay_Kind::refuses, Relay_Kind::silent, Relay_Kind::shakes_hands,
                                    Relay_Kind::flaps};
    Relay_Set honest = 0;
    for (const Friendship &f : run.friends) {
        honest = static_cast<Relay_Set>(honest | 1U << f.relays[run.below(f.relays.size())]);
    }
    for (std::uint32_t relay = 0; relay < run.relays.size(); ++relay) {
        if ((honest >> relay & 1) == 0) {
            turn(run, relay, KINDS[run.below(std::size(KINDS))], {}, NEVER);
        }
    }
}

void inject_fault(Run &run, Fault_Kind kind) {
    Fault fault{};
    fault.relay = static_cast<std::uint32_t>(run.below(run.relays.size()));
    fault.client = static_cast<std::uint32_t>(run.below(run.clients.size()));
    fault.pair = static_cast<std::uint32_t>(run.below(run.friends.size()));
    fault.side = run.below(2);
    const std::uint64_t time = run.chance(50) ? run.between(100, 5 * SECOND) : run.between(5 * SECOND, 60 * SECOND);
    fault.end = run.net.now + time;
    ++run.result.faults;
    tell(run, "%s: relay %u, peer %u, friendship %u side %zu, %llu ms", NAMES[static_cast<int>(kind)], fault.relay,
         fault.client, fault.pair, fault.side, static_cast<unsigned long long>(time));
    switch (kind) {
    case Fault_Kind::kill:
    case Fault_Kind::stop:
    case Fault_Kind::cut_relay:
        return relay_process(run, kind, fault);
    case Fault_Kind::cut_client:
    case Fault_Kind::partition:
        return network(run, kind, fault);
    case Fault_Kind::turn:
        if (can_turn(run, fault.relay)) {
            turn(run, fault.relay, draw_kind(run), run.clients[fault.client].peer.key, fault.end);
        }
        return;
    case Fault_Kind::conspire:
        return conspire(run, fault.pair, run.chance(50) ? NEVER : fault.end);
    case Fault_Kind::slow:
    case Fault_Kind::full:
    case Fault_Kind::pieces:
        return way(run, kind, fault);
    case Fault_Kind::unread:
    case Fault_Kind::flood:
    case Fault_Kind::garbage:
    case Fault_Kind::drop_client:
        return packets(run, kind, fault);
    case Fault_Kind::proxy:
        return proxy(run, fault);
    case Fault_Kind::restart:
    case Fault_Kind::suspend:
        return client(run, kind, fault);
    case Fault_Kind::sleep:
        return fall_asleep(run, fault);
    case Fault_Kind::kill_connection:
        return end_connection(run, fault);
    case Fault_Kind::kill_relay:
        return end_relay(run, fault);
    case Fault_Kind::oob:
    case Fault_Kind::onion:
    case Fault_Kind::network_changed:
        return host_call(run, kind, fault);
    case Fault_Kind::count:
        return;
    }
}

} // namespace toxtcp
