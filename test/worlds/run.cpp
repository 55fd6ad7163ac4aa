#include <cstdio>
#include <deque>

#include "sim/peer.h"
#include "sim/relay.h"
#include "worlds/worlds.h"

namespace toxtcp {

namespace {

constexpr std::uint64_t TALK_EVERY_MS = 40;
constexpr std::uint64_t ANSWER_EVERY_MS = 1'000;
constexpr std::uint64_t SELDOM_EVERY_MS = 700;
constexpr std::uint64_t WARM_MS = 10'000;
constexpr std::uint64_t OUTAGE_AFTER_MS = 5'000;
constexpr std::uint64_t OUTAGE_MS = 60'000;
constexpr std::uint64_t WATCH_MS = 30'000; ///< longer than every bound
constexpr std::uint64_t QUIET_MS = 70'000;
constexpr std::uint64_t HANG_AFTER_MS = 700; ///< from a cold start: time to come up

// The bounds (design): where another relay is honest, the two hear each other again within these.
constexpr std::uint64_t PROMPT_MS = 600;
constexpr std::uint64_t ROUND_TRIPS = 4;
constexpr std::uint64_t AT_MOST_MS = 3'000;
constexpr std::uint64_t UNPROVED_MS = 9'000;       ///< echoes pass and data does not, or none is answered
constexpr std::uint64_t UNPROVED_MANY_MS = 20'000; ///< with more than two such relays
constexpr std::uint64_t COLD_MS = 1'000;
constexpr std::uint64_t NOTICED_MS = 3'000;
constexpr std::uint64_t UNNOTICED_MS = 15'000;

struct Stage {
    const World_Case &world;
    bool story;
    Sim_Network net;
    std::deque<Sim_Relay> relays;
    Sim_Peer a;
    Sim_Peer b;
    int ab = -1;
    int ba = -1;
    std::size_t said = 0;
    bool talking = false;
    World_Result result;

    Stage(const World_Case &world_, bool story_) : world(world_), story(story_) {}
};

void fail(Stage &s, const std::string &fault) {
    if (s.result.fault.empty()) {
        s.result.fault = fault;
    }
}

std::string text_of(const Stage &s, char who) {
    // Of two sizes, unless a relay drops the big ones: then all are.
    const bool big = s.said % 2 == 0 || std::find(s.world.relays.begin(), s.world.relays.end(),
                                                  Relay_Kind::drops_big) != s.world.relays.end();
    return who + std::to_string(s.said) + ' ' + std::string(big ? DROPPED_FROM + 100 : 100, 'x');
}

void say_every(Stage &s, Sim_Peer &peer, const int &connection, char who, std::uint64_t ms) {
    sim_at(s.net, s.net.now + ms, [&s, &peer, &connection, who, ms] {
        if (s.talking) {
            ++s.said;
            (void)send_packet_tcp_connection(peer.c, connection, bytes_of(text_of(s, who)));
            sim_touch(s.net, peer.node);
        }
        say_every(s, peer, connection, who, ms);
    });
}

std::uint64_t interval_of(const World_Case &world, bool of_b) {
    switch (world.traffic) {
    case World_Traffic::both:
        return TALK_EVERY_MS;
    case World_Traffic::one_way:
        return of_b ? ANSWER_EVERY_MS : TALK_EVERY_MS;
    default:
        return SELDOM_EVERY_MS;
    }
}

// ---- kinds of relays -------------------------------------------------------------------------------------------

void flap(Stage &s, Sim_Relay &relay) {
    (void)sim_relay_drop(relay, s.a.key);
    (void)sim_relay_drop(relay, s.b.key);
    sim_at(s.net, s.net.now + FLAP_MS, [&s, &relay] { flap(s, relay); });
}

void forge_for(Sim_Relay &relay, const Public_Key &victim, const Public_Key &name) {
    const int handle = relay_server_find(relay.server, victim);
    if (handle < 0) {
        return;
    }
    const auto &routes = relay.server.clients[static_cast<std::size_t>(handle)].routes;
    for (std::size_t i = 0; i < routes.size(); ++i) {
        if (routes[i].used && routes[i].peer == name) {
            std::string plain(1, static_cast<char>(FIRST_ROUTING_ID + i));
            (void)sim_relay_inject(relay, victim, bytes_of(plain + FORGED));
        }
    }
}

void forge(Stage &s, Sim_Relay &relay) {
    forge_for(relay, s.a.key, s.b.key);
    forge_for(relay, s.b.key, s.a.key);
    sim_at(s.net, s.net.now + FORGE_EVERY_MS, [&s, &relay] { forge(s, relay); });
}

/// From now on the relay is of this kind.
void turn(Stage &s, Sim_Relay &relay, Relay_Kind kind) {
    const bool cold = s.world.start == World_Start::cold;
    const auto drop_clients = [&s, &relay] {
        (void)sim_relay_drop(relay, s.a.key);
        (void)sim_relay_drop(relay, s.b.key);
    };
    switch (kind) {
    case Relay_Kind::refuses:
        if (cold) {
            node_of(relay).refusing = true;
        } else {
            sim_relay_kill(relay, Sim_Ending::reset);
        }
        break;
    case Relay_Kind::silent:
        relay.never_answers_handshake = true;
        drop_clients();
        break;
    case Relay_Kind::shakes_hands:
        relay.seen = [&s, &relay](const Public_Key &from, const Packet &) {
            const Public_Key client = from;
            sim_at(s.net, s.net.now, [&relay, client] { (void)sim_relay_drop(relay, client); });
        };
        break;
    case Relay_Kind::hangs:
        sim_at(s.net, s.net.now + (cold ? HANG_AFTER_MS : 0), [&relay] { sim_relay_stop(relay, true); });
        break;
    case Relay_Kind::late:
        node_of(relay).latency += LATE_MS / 2; // on the way to it, and from it
        break;
    case Relay_Kind::flaps:
        flap(s, relay);
        break;
    case Relay_Kind::forges:
        forge(s, relay);
        [[fallthrough]];
    default:
        relay.drop = [&s, kind](const Public_Key &, const Public_Key &to, const Packet &packet) {
            return !relay_carries(kind, packet.data, to == s.b.key);
        };
        break;
    }
}

// ---- what is allowed -------------------------------------------------------------------------------------------

std::uint64_t round_trip(const World_Case &world) {
    return 20 + 4 * world.latency;
}

bool is_up_and_bad(Relay_Kind kind) {
    return kind == Relay_Kind::hangs || kind == Relay_Kind::drops || kind == Relay_Kind::drops_one_way ||
           kind == Relay_Kind::drops_big || kind == Relay_Kind::passes_echoes || kind == Relay_Kind::forges ||
           kind == Relay_Kind::late;
}

std::uint64_t bound_of(const World_Case &world) {
    const auto count = [&](auto is) { return std::count_if(world.relays.begin(), world.relays.end(), is); };
    const auto bad = count(is_up_and_bad);
    const auto passing = count([](Relay_Kind kind) { return kind == Relay_Kind::passes_echoes; });
    const auto big = count([](Relay_Kind kind) { return kind == Relay_Kind::drops_big; });
    const std::uint64_t prompt = std::min(PROMPT_MS + ROUND_TRIPS * round_trip(world), AT_MOST_MS);
    const std::uint64_t usual = world.traffic == World_Traffic::both && big == 0 ? prompt : AT_MOST_MS;
    const auto unproved = world.answers ? passing : bad;
    const std::uint64_t bound = unproved == 0 ? usual : unproved + big <= 2 ? UNPROVED_MS : UNPROVED_MANY_MS;
    return bound + interval_of(world, true);
}

// ---- the course of it ------------------------------------------------------------------------------------------

void start_peer(Stage &s, Sim_Peer &peer) {
    Sim_Peer_Def def;
    def.answers_echoes = s.world.answers;
    sim_peer_start(peer, s.net, def);
    peer.on_change = [&s, &peer](const Change &change) {
        if (s.story) {
            std::printf("%8llu  %c: %s, relay %d, before %d: %s\n", static_cast<unsigned long long>(s.net.now),
                        &peer == &s.a ? 'a' : 'b', to_string(change.kind), change.relay, change.previous,
                        to_string(change.reason));
        }
    };
}

void befriend(Stage &s) {
    s.ab = new_tcp_connection_to(s.a.c, s.b.key, 1);
    s.ba = new_tcp_connection_to(s.b.c, s.a.key, 2);
    for (const Sim_Relay &relay : s.relays) {
        (void)add_tcp_relay_connection(s.a.c, s.ab, relay.address, relay.key);
        (void)add_tcp_relay_connection(s.b.c, s.ba, relay.address, relay.key);
    }
    sim_touch(s.net, s.a.node);
    sim_touch(s.net, s.b.node);
}

bool online_at(const Sim_Peer &peer, int connection, const Sim_Relay &relay) {
    Connection_Info info;
    const int number = tcp_relay(peer.c, relay.key);
    if (number < 0 || !tcp_connection_info(peer.c, connection, info)) {
        return false;
    }
    return std::any_of(info.routes.begin(), info.routes.begin() + info.routes_count, [&](const Route_Info &route) {
        return route.relay == number && route.state == Route_State::online;
    });
}

bool honest_online(const Stage &s) {
    for (std::size_t i = 0; i < s.relays.size(); ++i) {
        if (s.world.relays[i] == Relay_Kind::honest && online_at(s.a, s.ab, s.relays[i]) &&
            online_at(s.b, s.ba, s.relays[i])) {
            return true;
        }
    }
    return false;
}

std::size_t genuine(const Sim_Peer &peer) {
    return static_cast<std::size_t>(std::count_if(peer.data.begin(), peer.data.end(), [](const Sim_Packet &packet) {
        return !packet.bytes.starts_with(FORGED);
    }));
}

/// The longest time without the other's packets from `from` on, in either direction.
std::uint64_t longest_silence(const Stage &s, std::uint64_t from) {
    std::uint64_t longest = 0;
    for (const Sim_Peer *const peer : {&s.a, &s.b}) {
        std::uint64_t last = from;
        for (const Sim_Packet &packet : peer->data) {
            if (packet.at >= from && !packet.bytes.starts_with(FORGED)) {
                longest = std::max(longest, packet.at - last);
                last = packet.at;
            }
        }
        longest = std::max(longest, s.net.now - last);
    }
    return longest;
}

void check_silence(Stage &s, std::uint64_t from, const char *when) {
    const std::uint64_t bound = bound_of(s.world);
    const std::uint64_t longest = longest_silence(s, from);
    s.result.longest = std::max(s.result.longest, longest);
    s.result.bound = bound;
    if (longest > bound) {
        fail(s, std::string{"silent for "} + std::to_string(longest) + " ms of at most " + std::to_string(bound) +
                    ", " + when);
    }
}

void forget_data(Stage &s) {
    s.a.data.clear();
    s.b.data.clear();
}

/// From nothing to the first packet in each direction.
void begin(Stage &s) {
    const std::uint64_t honest_within = NOTICED_MS + 4 * round_trip(s.world);
    s.talking = true;
    if (!sim_until(s.net, honest_within, [&] { return honest_online(s); })) {
        fail(s, "no honest route came online");
        return;
    }
    const std::uint64_t at = s.net.now;
    forget_data(s);
    const bool plain = s.world.start == World_Start::warm;
    const std::uint64_t within = plain ? COLD_MS : std::max(bound_of(s.world), COLD_MS);
    const std::uint64_t bound = within + ROUND_TRIPS * round_trip(s.world) + interval_of(s.world, true);
    if (!sim_until(s.net, 2 * UNPROVED_MANY_MS, [&] { return genuine(s.a) != 0 && genuine(s.b) != 0; })) {
        fail(s, "never a packet from a cold start");
    } else if (s.net.now - at > bound) {
        fail(s, "the first packets took " + std::to_string(s.net.now - at) + " ms of at most " + std::to_string(bound));
    }
}

void suffer_outage(Stage &s) {
    sim_advance(s.net, OUTAGE_AFTER_MS);
    sim_cut(s.net, s.a.node, true);
    sim_advance(s.net, OUTAGE_MS);
    sim_cut(s.net, s.a.node, false, OUTAGE_MS);
    const bool noticed = s.world.outage == World_Outage::noticed;
    if (noticed) {
        tcp_connections_network_changed(s.a.c);
        sim_touch(s.net, s.a.node);
    }
    const std::uint64_t bound = (noticed ? NOTICED_MS : UNNOTICED_MS) + 2 * round_trip(s.world);
    const bool back = sim_until(s.net, bound, [&] {
        for (std::size_t i = 0; i < s.relays.size(); ++i) {
            Relay_Info info;
            if (s.world.relays[i] == Relay_Kind::honest &&
                tcp_relay_info(s.a.c, tcp_relay(s.a.c, s.relays[i].key), info) && info.connected_since != 0) {
                return true;
            }
        }
        return false;
    });
    if (!back) {
        fail(s, "no honest relay was connected within " + std::to_string(bound) + " ms after the outage");
        return;
    }
    if (!sim_until(s.net, NOTICED_MS + 4 * round_trip(s.world), [&] { return honest_online(s); })) {
        fail(s, "no honest route came back online after the outage");
        return;
    }
    const std::uint64_t at = s.net.now;
    forget_data(s);
    sim_advance(s.net, WATCH_MS);
    check_silence(s, at, "after the outage");
}

/// Nothing is said: no echo is sent.
void fall_silent(Stage &s) {
    s.talking = false;
    sim_advance(s.net, QUIET_MS / 7);
    const auto echoes = [&] {
        std::uint64_t count = 0;
        for (const Sim_Relay &relay : s.relays) {
            count += relay.echoes;
        }
        return count;
    };
    const std::uint64_t before = echoes();
    sim_advance(s.net, QUIET_MS);
    if (echoes() != before) {
        fail(s, "echoes on an idle connection: " + std::to_string(echoes() - before));
    }
}

void check_peers(Stage &s) {
    for (const Sim_Peer *const peer : {&s.a, &s.b}) {
        if (peer->broken != nullptr) {
            fail(s, peer->broken);
        }
    }
    if (!s.net.misuse.empty()) {
        fail(s, s.net.misuse.front());
    }
}

} // namespace

World_Result run_world(const World_Case &world, bool story) {
    Stage s{world, story};
    for (std::size_t i = 0; i < world.relays.size(); ++i) {
        sim_relay_start(s.relays.emplace_back(), s.net);
        node_of(s.relays.back()).latency = world.latency;
    }
    start_peer(s, s.a);
    start_peer(s, s.b);
    const auto turn_all = [&] {
        for (std::size_t i = 0; i < world.relays.size(); ++i) {
            if (world.relays[i] != Relay_Kind::honest) {
                turn(s, s.relays[i], world.relays[i]);
            }
        }
    };
    if (world.start == World_Start::cold) {
        turn_all();
    }
    befriend(s);
    say_every(s, s.a, s.ab, 'a', interval_of(world, false));
    say_every(s, s.b, s.ba, 'b', interval_of(world, true));
    begin(s);
    if (world.start == World_Start::warm) {
        sim_advance(s.net, WARM_MS);
        turn_all();
    }
    const std::uint64_t at = s.net.now;
    forget_data(s);
    if (world.outage == World_Outage::none) {
        sim_advance(s.net, WATCH_MS);
        check_silence(s, at, "after the turn");
    } else {
        suffer_outage(s);
    }
    Connection_Info info;
    if (tcp_connection_info(s.a.c, s.ab, info) && info.echoes_sent > 20 + 2 * (s.net.now - 1'000) / 1'000) {
        fail(s, "too many echoes: " + std::to_string(info.echoes_sent));
    }
    fall_silent(s);
    check_peers(s);
    return s.result;
}

} // namespace toxtcp
