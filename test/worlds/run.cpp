#include "worlds/stage.h"

namespace toxtcp {

namespace {

constexpr std::uint64_t SECOND = 1'000;
constexpr std::uint64_t MINUTE = 60 * SECOND;
constexpr std::uint64_t HOUR = 60 * MINUTE;

constexpr std::uint64_t WARM_MS = 10 * SECOND;
constexpr std::uint64_t PRUNE_MS = 120 * SECOND; ///< both ends have pruned a route by then
constexpr std::uint64_t BEFORE_EVENT_MS = 5 * SECOND;
constexpr std::uint64_t WATCH_MS = 30 * SECOND; ///< longer than every bound
constexpr std::uint64_t CALM_MS = 10 * SECOND;  ///< after the last packet; later no echo may be sent
constexpr std::uint64_t QUIET_MS = 70 * SECOND;
constexpr std::size_t ECHO_WINDOW_S = 10; ///< two echoes a second, and a burst for each silence

std::string of_at_most(std::uint64_t value, std::uint64_t bound) {
    return std::to_string(value) + " of at most " + std::to_string(bound);
}

// ---- what is observed ------------------------------------------------------------------------------------------

bool relay_info_of(const World_Side &side, const World_Relay &relay, Relay_Info &info) {
    return tcp_relay_info(side.peer.c, tcp_relay(side.peer.c, relay.relay.key), info);
}

bool is_connected_to(const World_Side &side, const World_Relay &relay) {
    Relay_Info info;
    return relay_info_of(side, relay, info) && info.connected_since != 0;
}

bool is_online_at(const World_Side &side, const Sim_Relay &relay) {
    Connection_Info info;
    const int number = tcp_relay(side.peer.c, relay.key);
    if (number < 0 || !tcp_connection_info(side.peer.c, side.connection, info)) {
        return false;
    }
    return std::any_of(info.routes.begin(), info.routes.begin() + info.routes_count, [&](const Route_Info &route) {
        return route.relay == number && route.state == Route_State::online;
    });
}

bool is_honest_online(const Stage &s) {
    return std::any_of(s.relays.begin(), s.relays.end(), [&](const World_Relay &relay) {
        return relay.kind == Relay_Kind::honest && is_online_at(s.a, relay.relay) && is_online_at(s.b, relay.relay);
    });
}

std::uint64_t echoes_seen(const Stage &s) {
    std::uint64_t count = 0;
    for (const World_Relay &relay : s.relays) {
        count += relay.relay.echoes;
    }
    return count;
}

// ---- what must hold --------------------------------------------------------------------------------------------

void check_silence(Stage &s, std::uint64_t from, const char *when) {
    const std::uint64_t longest = longest_silence(s, from);
    s.result.longest = std::max(s.result.longest, longest);
    s.result.bound = silence_bound(s.world);
    if (longest > s.result.bound) {
        fail_world(s, "silent for " + of_at_most(longest, s.result.bound) + " ms, " + when);
    }
}

/// Checks that a relay is connected at its new address, unless the peer is online at enough other relays.
void check_moved(Stage &s, const World_Relay &relay) {
    for (const World_Side *const side : {&s.a, &s.b}) {
        Relay_Info info;
        const bool is_known = relay_info_of(*side, relay, info);
        const bool has_enough =
            tcp_connection_to_online_tcp_relays(side->peer.c, side->connection) >= RECOMMENDED_FRIEND_TCP_CONNECTIONS;
        if (!has_enough && (!is_known || info.connected_since == 0)) {
            fail_world(s, std::string{"a relay that moved was not connected at its new address, by "} + side->name);
        }
    }
}

void check_echoes(Stage &s) {
    const std::uint64_t burst = s.relays.size() + s.more.size();
    for (const World_Side *const side : {&s.a, &s.b}) {
        for (std::size_t i = 0; i < side->echoes.size(); ++i) {
            // A silence may be counted just before or after its burst: one burst for that. One more for a complaint.
            const bool has_before = i >= ECHO_WINDOW_S;
            const std::uint64_t before = has_before ? side->echoes[i - ECHO_WINDOW_S].first : 0;
            const std::uint64_t bursts = has_before ? side->echoes[i - ECHO_WINDOW_S].second : 0;
            const std::uint64_t bursts_now = side->echoes[std::min(i + 1, side->echoes.size() - 1)].second;
            const std::uint64_t sent = side->echoes[i].first - before;
            const std::uint64_t bound = 2 * ECHO_WINDOW_S + 2 * burst + bursts_now - bursts;
            s.result.echoes = std::max(s.result.echoes, sent);
            if (sent > bound) {
                fail_world(s, std::string{"echoes within 10 s, by "} + side->name + ": " + of_at_most(sent, bound));
                return;
            }
        }
    }
}

void check_connects(Stage &s, std::uint64_t from) {
    for (const World_Side *const side : {&s.a, &s.b}) {
        for (const auto &[index, times] : side->connects) {
            const auto count = static_cast<std::size_t>(
                std::count_if(times.begin(), times.end(), [from](std::uint64_t at) { return at >= from; }));
            const Relay_Kind kind = s.relays[index].kind;
            if (count > connects_bound(kind)) {
                fail_world(s, std::string{"connects to relay "} + std::to_string(index) + ", which " + to_string(kind) +
                                  ", in an hour: " + of_at_most(count, connects_bound(kind)));
            }
        }
    }
}

void check_peers(Stage &s) {
    for (const World_Side *const side : {&s.a, &s.b}) {
        if (side->peer.broken != nullptr) {
            fail_world(s, side->peer.broken);
        }
    }
    for (const World_Relay &relay : s.relays) {
        if (relay.relay.nonce_repeated) {
            fail_world(s, "a nonce was used twice");
        }
        if (relay.relay.offence != Reason::none) {
            fail_world(s, std::string{"a relay dropped a peer for what it sent: "} + to_string(relay.relay.offence));
        }
    }
    if (!s.net.misuse.empty()) {
        fail_world(s, s.net.misuse.front());
    }
}

// ---- the course of it ------------------------------------------------------------------------------------------

void befriend(Stage &s) {
    s.a.connection = new_tcp_connection_to(s.a.peer.c, s.b.peer.key, 1);
    s.b.connection = new_tcp_connection_to(s.b.peer.c, s.a.peer.key, 2);
    for (World_Side *const side : {&s.a, &s.b}) {
        for (const World_Relay &relay : s.relays) {
            (void)add_tcp_relay_connection(side->peer.c, side->connection, relay.first_address, relay.relay.key);
        }
        sim_touch(s.net, side->peer.node);
    }
}

void turn_all(Stage &s) {
    for (World_Relay &relay : s.relays) {
        turn_relay(s, relay);
        if (relay.kind == Relay_Kind::moves) {
            // `limit` ms after it was named at its new address.
            const std::uint64_t limit = NAMED_AGAIN_MS + 2 * round_trip(s.world);
            sim_at(s.net, s.net.now + MOVED_NAMED_AFTER_MS + limit, [&s, &relay] { check_moved(s, relay); });
        }
    }
}

/// From the start to the first packet in each direction.
void begin(Stage &s) {
    s.talking = true;
    if (!sim_until(s.net, online_bound(s.world), [&] { return is_honest_online(s); })) {
        fail_world(s, "no honest route came online");
        return;
    }
    const std::uint64_t at = s.net.now;
    forget_heard(s);
    const std::uint64_t bound = first_packet_bound(s.world);
    if (!sim_until(s.net, 2 * MINUTE, [&] { return !s.a.heard.empty() && !s.b.heard.empty(); })) {
        fail_world(s, "never a packet from the start");
    } else if (s.net.now - at > bound) {
        fail_world(s, "the first packets took " + of_at_most(s.net.now - at, bound) + " ms");
    }
}

bool is_asleep(const World_Side &side, const World_Relay &relay) {
    Relay_Info info;
    return relay_info_of(side, relay, info) && info.state == Relay_State::sleeping;
}

/// Waits until both ends have pruned a route and its relay sleeps. This relay will be of the first kind.
void prune_route(Stage &s) {
    const auto is_pruned = [&s](const World_Relay &relay) { return is_asleep(s.a, relay) && is_asleep(s.b, relay); };
    const auto find = [&] { return std::find_if(s.relays.begin(), s.relays.end(), is_pruned); };
    if (sim_until(s.net, PRUNE_MS, [&] { return find() != s.relays.end(); })) {
        std::swap(s.relays.front().kind, find()->kind);
    } else {
        fail_world(s, "no route was pruned");
    }
}

/// A relay is connected again. Checks that an honest route comes online and that the usual bound of silence holds.
void watch_return(Stage &s, const char *when) {
    if (!sim_until(s.net, online_bound(s.world), [&] { return is_honest_online(s); })) {
        fail_world(s, std::string{"no honest route came back online "} + when);
        return;
    }
    const std::uint64_t at = s.net.now;
    forget_heard(s);
    sim_advance(s.net, WATCH_MS);
    check_silence(s, at, when);
}

void end_outage(Stage &s, std::uint64_t lasted) {
    node_of(s.a.peer).unreachable = false;
    sim_cut(s.net, s.a.peer.node, false, std::min(lasted, MINUTE));
    if (s.world.event != World_Event::unnoticed) {
        tcp_connections_network_changed(s.a.peer.c);
        sim_touch(s.net, s.a.peer.node);
    }
    const std::uint64_t bound = connected_bound(s.world);
    const bool back = sim_until(s.net, bound, [&] {
        return std::any_of(s.relays.begin(), s.relays.end(), [&](const World_Relay &relay) {
            return relay.kind == Relay_Kind::honest && is_connected_to(s.a, relay);
        });
    });
    if (!back) {
        fail_world(s, "no honest relay was connected within " + std::to_string(bound) + " ms after the outage");
        return;
    }
    watch_return(s, "after the outage");
}

void pass_outage(Stage &s) {
    sim_advance(s.net, BEFORE_EVENT_MS);
    sim_cut(s.net, s.a.peer.node, true);
    sim_advance(s.net, MINUTE);
    end_outage(s, MINUTE);
}

/// Nobody sends anything meanwhile, so the library is woken by its own deadlines alone.
void pass_day_without_network(Stage &s) {
    sim_advance(s.net, BEFORE_EVENT_MS);
    s.talking = false;
    node_of(s.a.peer).unreachable = true;
    sim_cut(s.net, s.a.peer.node, true);
    const std::uint64_t before = tcp_connections_wakes(s.a.peer.c).ticks;
    sim_advance(s.net, 24 * HOUR);
    const std::uint64_t wakes = tcp_connections_wakes(s.a.peer.c).ticks - before;
    if (wakes > DAY_WAKES) {
        fail_world(s, "wake-ups in a day without a network: " + of_at_most(wakes, DAY_WAKES));
    }
    s.talking = true;
    end_outage(s, 24 * HOUR);
}

/// From now on all that a's connections carry is lost, and neither end is told.
void lose_connections(Stage &s) {
    for (Sim_Link &link : s.net.links) {
        if (link.state == Sim_Link::State::open && link.node[0] == s.a.peer.node) {
            for (Sim_Pipe &pipe : link.pipe) {
                pipe.last_arrival = s.net.now + 24 * HOUR;
            }
        }
    }
}

void pass_change(Stage &s) {
    sim_advance(s.net, BEFORE_EVENT_MS);
    lose_connections(s);
    tcp_connections_network_changed(s.a.peer.c);
    sim_touch(s.net, s.a.peer.node);
    const std::uint64_t at = s.net.now;
    const std::uint64_t bound = connected_bound(s.world);
    const bool back = sim_until(s.net, bound, [&] {
        return std::any_of(s.relays.begin(), s.relays.end(), [&](const World_Relay &relay) {
            Relay_Info info;
            return relay.kind == Relay_Kind::honest && relay_info_of(s.a, relay, info) && info.connected_since > at;
        });
    });
    if (!back) {
        fail_world(s, "no honest relay was connected within " + std::to_string(bound) + " ms in another network");
        return;
    }
    watch_return(s, "in another network");
}

/// Names the last relay of `more` to both peers. False when one of them does not take it.
bool name_one_more(Stage &s) {
    const Sim_Relay &relay = s.more.back();
    bool taken = true;
    for (World_Side *const side : {&s.a, &s.b}) {
        taken =
            add_tcp_relay_connection(side->peer.c, side->connection, relay.address, relay.key) == Error::ok && taken;
        sim_touch(s.net, side->peer.node);
    }
    return taken;
}

void pass_full(Stage &s) {
    sim_advance(s.net, BEFORE_EVENT_MS);
    const std::uint64_t from = s.net.now;
    forget_heard(s);
    while (s.world.relays.size() + s.more.size() < MAX_FRIEND_TCP_CONNECTIONS) {
        sim_relay_start(s.more.emplace_back(), s.net);
        sim_relay_kill(s.more.back());
        (void)name_one_more(s);
    }
    sim_advance(s.net, MINUTE);
    sim_relay_start(s.more.emplace_back(), s.net);
    node_of(s.more.back()).latency = s.world.latency;
    const auto has_enough = [](const World_Side &side) {
        return tcp_connection_to_online_tcp_relays(side.peer.c, side.connection) >= RECOMMENDED_FRIEND_TCP_CONNECTIONS;
    };
    const bool have_enough = has_enough(s.a) || has_enough(s.b);
    const bool taken = name_one_more(s);
    if (!have_enough) {
        const auto is_online = [&] { return is_online_at(s.a, s.more.back()) && is_online_at(s.b, s.more.back()); };
        if (!taken) {
            fail_world(s, "one more relay was not taken, though the others are dead");
        } else if (!sim_until(s.net, online_bound(s.world), is_online)) {
            fail_world(s, "one more relay did not come online, though the others are dead");
        }
    }
    sim_advance(s.net, WATCH_MS);
    check_silence(s, from, "with all places taken");
}

void pass_hour(Stage &s) {
    const std::uint64_t from = s.net.now;
    forget_heard(s);
    sim_advance(s.net, MINUTE + HOUR);
    check_silence(s, from, "in an hour");
    check_connects(s, from + MINUTE);
}

void pass_event(Stage &s) {
    switch (s.world.event) {
    case World_Event::none: {
        const std::uint64_t from = s.net.now;
        forget_heard(s);
        sim_advance(s.net, WATCH_MS);
        check_silence(s, from, "after the turn");
        break;
    }
    case World_Event::noticed:
    case World_Event::unnoticed:
        pass_outage(s);
        break;
    case World_Event::changed:
        pass_change(s);
        break;
    case World_Event::full:
        pass_full(s);
        break;
    case World_Event::hour:
        pass_hour(s);
        break;
    case World_Event::day:
        pass_day_without_network(s);
        break;
    }
}

/// Checks that no echo is sent when nobody sends data.
void fall_silent(Stage &s) {
    s.talking = false;
    sim_advance(s.net, CALM_MS);
    const std::uint64_t before = echoes_seen(s);
    sim_advance(s.net, QUIET_MS);
    const std::uint64_t forged = std::any_of(s.relays.begin(), s.relays.end(),
                                             [](const World_Relay &relay) { return relay.kind == Relay_Kind::forges; });
    // Each time that a relay repeats an echo request, the request is answered.
    if (forged == 0 && echoes_seen(s) != before) {
        fail_world(s, "echoes on an idle connection: " + std::to_string(echoes_seen(s) - before));
    }
}

} // namespace

World_Result run_world(const World_Case &world, bool story) {
    Stage s{world, story};
    for (const Relay_Kind kind : world.relays) {
        World_Relay &relay = s.relays.emplace_back();
        relay.kind = kind;
        sim_relay_start(relay.relay, s.net);
        relay.first_address = relay.relay.address;
        node_of(relay.relay).latency = world.latency;
        watch_relay(s, relay);
    }
    const bool tells =
        world.event == World_Event::noticed || world.event == World_Event::changed || world.event == World_Event::day;
    start_side(s, s.a, 'a', tells);
    start_side(s, s.b, 'b', tells);
    if (world.start == World_Start::cold) {
        turn_all(s);
    }
    befriend(s);
    say_every(s, s.a, interval_of(world, false));
    say_every(s, s.b, interval_of(world, true));
    begin(s);
    if (world.start == World_Start::pruned) {
        prune_route(s);
    }
    if (world.start != World_Start::cold) {
        sim_advance(s.net, WARM_MS);
        turn_all(s);
    }
    pass_event(s);
    check_echoes(s);
    fall_silent(s);
    check_peers(s);
    s.result.simulated_ms = s.net.now;
    return s.result;
}

} // namespace toxtcp
