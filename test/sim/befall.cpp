#include "sim/run.h"

namespace toxtcp {

namespace {

constexpr const char *NAMES[] = {"kill",    "stop",   "cut relay",       "cut client",     "partition",
                                 "drop",    "lie",    "drop one way",    "slow",           "full",
                                 "unread",  "pieces", "flood",           "garbage",        "drop client",
                                 "proxy",   "sleep",  "kill connection", "kill relay",     "restart",
                                 "suspend", "oob",    "onion",           "network changed"};
static_assert(std::size(NAMES) == static_cast<std::size_t>(Fault::count));

/// Whom it meets, and until when.
struct Blow {
    std::uint32_t relay;
    std::uint32_t client;
    std::uint32_t pair;
    std::size_t side;
    std::uint64_t end;
};

void mark_relay(Run &run, const Blow &blow, std::uint64_t until) {
    run.bad_until[blow.relay] = std::max(run.bad_until[blow.relay], until);
}

void mark_client(Run &run, const Blow &blow, std::uint64_t until) {
    Client &client = run.clients[blow.client];
    client.bad_until = std::max(client.bad_until, until);
}

// ---- relays, and the ways to them ------------------------------------------------------------------------------

void befall_relay_process(Run &run, Fault fault, const Blow &blow) {
    Sim_Network &net = run.net;
    Sim_Relay &relay = run.relays[blow.relay];
    const Sim_Node &node = node_of(relay);
    if (node.down || node.refusing) {
        return;
    }
    if (fault == Fault::kill) {
        sim_relay_kill(relay, static_cast<Sim_Ending>(run.below(3)));
        mark_relay(run, blow, blow.end);
        sim_at(net, blow.end, [&relay] { sim_relay_return(relay); });
    } else if (fault == Fault::stop && !node.stopped) {
        sim_relay_stop(relay, true);
        mark_relay(run, blow, blow.end);
        sim_at(net, blow.end, [&relay] { sim_relay_stop(relay, false); });
    } else if (fault == Fault::cut_relay && !node.cut) {
        sim_cut(net, relay.node, true);
        mark_relay(run, blow, blow.end + 5 * SECOND);
        sim_at(net, blow.end, [&net, &relay] { sim_cut(net, relay.node, false, 1'000); });
    }
}

void befall_relay_honesty(Run &run, Fault fault, const Blow &blow) {
    Sim_Relay &relay = run.relays[blow.relay];
    if (fault == Fault::drop) {
        relay.drops_data = true;
        mark_relay(run, blow, blow.end);
        sim_at(run.net, blow.end, [&relay] { relay.drops_data = false; });
    } else if (fault == Fault::lie) {
        relay.lies_online = true;
        mark_relay(run, blow, NEVER); // what it told stays told
        sim_at(run.net, blow.end, [&relay] { relay.lies_online = false; });
    } else {
        const Friendship &f = run.friends[blow.pair];
        const Public_Key from = run.clients[f.peer[blow.side]].peer.key;
        const Public_Key to = run.clients[f.peer[1 - blow.side]].peer.key;
        relay.drop = [from, to](const Public_Key &a, const Public_Key &b, const Packet &) {
            return a == from && b == to;
        };
        mark_relay(run, blow, blow.end);
        sim_at(run.net, blow.end, [&relay] { relay.drop = nullptr; });
    }
}

void befall_way(Run &run, Fault fault, const Blow &blow) {
    Sim_Node &node = node_of(run.relays[blow.relay]);
    Sim_Node &other = node_of(run.clients[blow.client].peer);
    if (fault == Fault::slow) {
        const std::uint64_t usual = std::min(node.latency, USUAL_LATENCY_MS);
        node.latency = run.between(1, run.chance(30) ? 3'000 : 300);
        node.jitter = run.below(50);
        mark_relay(run, blow, blow.end + 10 * SECOND);
        sim_at(run.net, blow.end, [&node, usual] {
            node.latency = usual;
            node.jitter = 0;
        });
    } else if (fault == Fault::full) {
        node.capacity = run.between(256, 8'192);
        node.rest = run.below(200);
        node.send_piece = run.chance(50) ? run.between(1, 500) : 0;
        mark_relay(run, blow, blow.end + 5 * SECOND);
        sim_at(run.net, blow.end, [&node] {
            node.capacity = 64 * 1024;
            node.rest = 0;
            node.send_piece = 0;
        });
    } else {
        node.piece = run.between(1, 700);
        other.send_piece = run.between(1, 300);
        mark_client(run, blow, blow.end + 5 * SECOND); // who ticks by the clock sends one piece each time
        sim_at(run.net, blow.end, [&node, &other] {
            node.piece = 0;
            other.send_piece = 0;
        });
    }
}

void befall_packets(Run &run, Fault fault, const Blow &blow) {
    Sim_Relay &relay = run.relays[blow.relay];
    const Public_Key &to = run.clients[blow.client].peer.key;
    if (fault == Fault::unread) {
        node_of(relay).capacity = run.chance(50) ? run.between(256, 8'192) : 64 * 1024;
        mark_relay(run, blow, blow.end + 5 * SECOND);
        (void)sim_relay_unread(relay, to);
        sim_at(run.net, blow.end, [&run, &relay] {
            relay.unread = -1;
            node_of(relay).capacity = 64 * 1024;
            sim_touch(run.net, relay.node);
        });
    } else if (fault == Fault::drop_client) {
        mark_relay(run, blow, run.net.now + 10 * SECOND);
        (void)sim_relay_drop(relay, to, run.chance(50));
    } else if (fault == Fault::garbage) {
        std::vector<std::uint8_t> bytes(run.between(1, 3'000));
        sim_fill(run.random, bytes);
        mark_relay(run, blow, run.net.now + 10 * SECOND);
        if (run.chance(50)) {
            (void)sim_relay_inject_raw(relay, to, bytes);
        } else {
            (void)sim_relay_inject(relay, to, Bytes{bytes}.first(std::min<std::size_t>(bytes.size(), 100)));
            mark_relay(run, blow, NEVER);
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
        mark_relay(run, blow, plain[0] < 4 ? NEVER : blow.end); // it may have told lies, which stay told
        (void)sim_relay_inject(relay, to, plain, run.between(1, 2'000));
    }
}

// ---- clients, and the ways to them -----------------------------------------------------------------------------

void befall_network(Run &run, Fault fault, const Blow &blow) {
    Sim_Network &net = run.net;
    Client &client = run.clients[blow.client];
    const std::uint32_t node = client.peer.node;
    if (fault == Fault::cut_client) {
        if (!node_of(client.peer).cut) {
            sim_cut(net, node, true);
            mark_client(run, blow, blow.end + 5 * SECOND);
            sim_at(net, blow.end, [&net, node] { sim_cut(net, node, false, 1'000); });
        }
        return;
    }
    for (std::uint32_t i = 0; i < run.relays.size(); ++i) {
        const std::uint32_t relay = run.relays[i].node;
        if (run.chance(50) && client.cut_until[i] <= net.now) {
            sim_cut_between(net, node, relay, true);
            client.cut_until[i] = blow.end + 5 * SECOND;
            sim_at(net, blow.end, [&net, node, relay] { sim_cut_between(net, node, relay, false); });
        }
    }
}

void befall_proxy(Run &run, const Blow &blow) {
    const std::uint32_t index = run.clients[blow.client].proxy;
    if (index == NOBODY) {
        return;
    }
    Sim_Network &net = run.net;
    Sim_Proxy &proxy = run.proxies[index];
    Sim_Node &node = *net.nodes[proxy.node];
    if (node.stopped || node.cut) {
        return;
    }
    mark_client(run, blow, blow.end + 10 * SECOND);
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
    sim_at(net, blow.end, [&net, &proxy, &node] {
        proxy.refuses = proxy.silent = false;
        sim_stop(net, proxy.node, false);
        if (node.cut) {
            sim_cut(net, proxy.node, false, 1'000);
        }
    });
}

/// The host above runs again, and has the connections that it wants.
void run_again(Run &run, std::uint32_t client) {
    for (std::uint32_t i = 0; i < run.friends.size(); ++i) {
        for (std::size_t side = 0; side < 2; ++side) {
            if (run.friends[i].peer[side] == client) {
                befriend(run, i, side);
            }
        }
    }
}

/// The program ends, or its machine does nothing for a while.
void befall_client(Run &run, Fault fault, const Blow &blow) {
    Sim_Network &net = run.net;
    Client &client = run.clients[blow.client];
    if (!is_running(client)) {
        return;
    }
    mark_client(run, blow, blow.end + 5 * SECOND);
    if (fault == Fault::suspend) {
        client.suspended = true;
        sim_stop(net, client.peer.node, true);
        sim_at(net, blow.end, [&run, &client, me = blow.client] {
            client.suspended = false;
            client.changed_at = run.net.now;
            sim_stop(run.net, client.peer.node, false);
            run_again(run, me);
        });
        return;
    }
    kill_tcp_connections(client.peer.c);
    client.peer.c = nullptr;
    client.stale.clear();
    ++client.lives;
    if (node_of(client.peer).open_sockets() != 0) {
        fail(run, "peer %u has ended, and left sockets open", blow.client);
    }
    for (Friendship &f : run.friends) {
        for (std::size_t side = 0; side < 2; ++side) {
            f.connection[side] = f.peer[side] == blow.client ? -1 : f.connection[side];
        }
    }
    sim_at(net, blow.end, [&run, &client, me = blow.client] {
        client.peer.c = new_tcp_connections(client.peer.def);
        client.connects = node_of(client.peer).calls.connect; // those of its last life are no part of this one's pace
        run_again(run, me);
    });
}

// ---- what the host above does ----------------------------------------------------------------------------------

void fall_asleep(Run &run, const Blow &blow) {
    Friendship &f = run.friends[blow.pair];
    Client &sleeper = run.clients[f.peer[blow.side]];
    if (!is_running(sleeper)) {
        return;
    }
    f.asleep_until[blow.side] = std::max(f.asleep_until[blow.side], blow.end);
    (void)set_tcp_connection_to_status(sleeper.peer.c, f.connection[blow.side], false);
    sim_touch(run.net, sleeper.peer.node);
    sim_at(run.net, blow.end, [&run, &f, &sleeper, side = blow.side] {
        if (f.asleep_until[side] <= run.net.now && sleeper.peer.c != nullptr) {
            (void)set_tcp_connection_to_status(sleeper.peer.c, f.connection[side], true);
            sim_touch(run.net, sleeper.peer.node);
        }
        f.good_since = 0;
    });
}

void end_connection(Run &run, const Blow &blow) {
    Friendship &f = run.friends[blow.pair];
    Client &client = run.clients[f.peer[blow.side]];
    const int stale = f.connection[blow.side];
    f.good_since = 0;
    if (!is_running(client) || stale < 0) {
        return;
    }
    if (kill_tcp_connection_to(client.peer.c, stale) != Error::ok) {
        fail(run, "a connection could not be killed");
    }
    f.connection[blow.side] = -1;
    sim_touch(run.net, client.peer.node);
    sim_at(run.net, run.net.now + run.below(2 * SECOND), [&run, &client, blow, stale, life = client.lives] {
        befriend(run, blow.pair, blow.side);
        const std::uint8_t byte = 0;
        if (is_running(client) && client.lives == life &&
            send_packet_tcp_connection(client.peer.c, stale, {&byte, 1}) != Error::bad_number) {
            fail(run, "the number of a connection that is gone was served");
        }
    });
}

void end_relay(Run &run, const Blow &blow) {
    Client &client = run.clients[blow.client];
    if (!is_running(client)) {
        return;
    }
    Sim_Peer &peer = client.peer;
    const int number = tcp_relay_at(peer.c, static_cast<std::uint32_t>(run.below(1 + tcp_connections_count(peer.c))));
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

void use_host_above(Run &run, Fault fault, const Blow &blow) {
    Client &client = run.clients[blow.client];
    if (!is_running(client)) {
        return;
    }
    Tcp_Connections *const c = client.peer.c;
    if (fault == Fault::oob) {
        send_oob(run, blow.pair, blow.side);
    } else if (fault == Fault::network_changed) {
        tcp_connections_network_changed(c);
        client.changed_at = run.net.now;
    } else {
        (void)set_tcp_onion_status(c, run.chance(50));
        const int relay = get_random_tcp_onion_conn_number(c);
        const std::array<std::uint8_t, 100> request{};
        const Error error = tcp_send_onion_request(c, relay, request);
        if ((relay >= 0) != (error != Error::bad_number)) {
            fail(run, "an onion relay's number is not served");
        }
    }
    sim_touch(run.net, client.peer.node);
}

} // namespace

void befall(Run &run, Fault fault) {
    Blow blow{};
    blow.relay = static_cast<std::uint32_t>(run.below(run.relays.size()));
    blow.client = static_cast<std::uint32_t>(run.below(run.clients.size()));
    blow.pair = static_cast<std::uint32_t>(run.below(run.friends.size()));
    blow.side = run.below(2);
    const std::uint64_t time = run.chance(50) ? run.between(100, 5 * SECOND) : run.between(5 * SECOND, 60 * SECOND);
    blow.end = run.net.now + time;
    ++run.result.faults;
    tell(run, "%s: relay %u, peer %u, friendship %u side %zu, %llu ms", NAMES[static_cast<int>(fault)], blow.relay,
         blow.client, blow.pair, blow.side, static_cast<unsigned long long>(time));
    switch (fault) {
    case Fault::kill:
    case Fault::stop:
    case Fault::cut_relay:
        return befall_relay_process(run, fault, blow);
    case Fault::cut_client:
    case Fault::partition:
        return befall_network(run, fault, blow);
    case Fault::drop:
    case Fault::lie:
    case Fault::drop_one_way:
        return befall_relay_honesty(run, fault, blow);
    case Fault::slow:
    case Fault::full:
    case Fault::pieces:
        return befall_way(run, fault, blow);
    case Fault::unread:
    case Fault::flood:
    case Fault::garbage:
    case Fault::drop_client:
        return befall_packets(run, fault, blow);
    case Fault::proxy:
        return befall_proxy(run, blow);
    case Fault::restart:
    case Fault::suspend:
        return befall_client(run, fault, blow);
    case Fault::sleep:
        return fall_asleep(run, blow);
    case Fault::kill_connection:
        return end_connection(run, blow);
    case Fault::kill_relay:
        return end_relay(run, blow);
    case Fault::oob:
    case Fault::onion:
    case Fault::network_changed:
        return use_host_above(run, fault, blow);
    case Fault::count:
        return;
    }
}

} // namespace toxtcp
