#include "sim/seed.h"

#include "sim/run.h"

namespace toxtcp {

namespace {

/// After the last fault everybody must be heard within this time.
constexpr std::uint64_t HEALED_WITHIN = 60 * SECOND;
/// One seed in so many ends with an hour of dead relays.
constexpr std::uint64_t HOUR_IN_SEEDS = 50;
constexpr std::uint64_t MINUTE = 60 * SECOND;
constexpr std::uint64_t HOUR = 60 * MINUTE;

void add_relay(Run &run) {
    const auto number = static_cast<std::uint32_t>(run.relays.size());
    Sim_Relay &relay = run.relays.emplace_back();
    sim_relay_start(relay, run.net, run.chance(20) ? Family::ipv6 : Family::ipv4);
    run.relay_of[relay.key] = number;
    node_of(relay).latency = run.between(1, USUAL_LATENCY_MS);
    relay.seen = [&run, number](const Public_Key &from, const Packet &packet) {
        const auto client = run.client_of.find(from);
        if (packet.type == Packet_Type::ping && client != run.client_of.end()) {
            ++run.clients[client->second].pings[number];
        }
    };
    sim_relay_watch(run.kinds.emplace_back(), relay);
}

void add_client(Run &run, bool proxied, bool hostile) {
    Sim_Peer_Def def;
    const std::uint64_t mode = run.below(4);
    def.mode = mode == 0 ? Tick_Mode::interval : Tick_Mode::deadline;
    def.readiness = mode != 1;
    def.profile = run.chance(20) ? Profile::saver : Profile::responsive;
    def.answers_echoes = run.chance(85);
    def.tells_network_changes = run.chance(50);
    const auto number = static_cast<std::uint32_t>(run.clients.size());
    Client &client = run.clients.emplace_back();
    if (hostile) {
        make_hostile(run, number, def, run.net.now + SECOND);
    }
    if (proxied && run.chance(50)) {
        client.proxy = static_cast<std::uint32_t>(run.proxies.size());
        sim_proxy_start(run.proxies.emplace_back(), run.net, run.chance(50) ? Proxy_Type::http : Proxy_Type::socks5);
        def.proxy = run.proxies.back().proxy;
    }
    sim_peer_start(client.peer, run.net, def);
    run.client_of[client.peer.key] = number;
    client.peer.on_connect = [&run, &client](const Ip_Port &address) {
        for (std::uint32_t relay = 0; relay < run.relays.size(); ++relay) {
            if (run.relays[relay].address == address) {
                std::uint64_t &first = client.first_attempt[relay];
                first = first == 0 ? run.net.now : first;
                client.attempts[relay] += run.net.now >= first + MINUTE ? 1U : 0U;
            }
        }
    };
    listen(run, number);
}

void add_friendship(Run &run, std::uint32_t a, std::uint32_t b) {
    const std::size_t relays = run.relays.size();
    Friendship &f = run.friends.emplace_back();
    f.peer = {a, b};
    for (std::uint32_t relay = 0; relay < relays && f.relays.size() < MAX_FRIEND_TCP_CONNECTIONS; ++relay) {
        const std::size_t missing = RECOMMENDED_FRIEND_TCP_CONNECTIONS -
                                    std::min<std::size_t>(RECOMMENDED_FRIEND_TCP_CONNECTIONS, f.relays.size());
        if (relays - relay <= missing || run.chance(60)) {
            f.relays.push_back(relay);
        }
    }
    f.flow[0].period = run.between(50, 500);
    f.flow[1].period = run.between(50, 500);
}

void populate(Run &run) {
    const std::size_t relays = run.between(3, MAX_SIM_RELAYS);
    const std::size_t clients = run.between(2, 5);
    for (std::size_t i = 0; i < relays; ++i) {
        add_relay(run);
    }
    run.bad_until.resize(relays);
    const bool proxied = run.chance(20);
    const bool hostile = clients > 2 && run.chance(20);
    run.only_hostile_peers = hostile && run.chance(30);
    for (std::size_t i = 0; i < clients; ++i) {
        add_client(run, proxied, hostile && i + 1 == clients);
    }
    for (std::uint32_t a = 0; a < clients; ++a) {
        for (std::uint32_t b = a + 1; b < clients; ++b) {
            if (b == a + 1 || run.chance(50)) { // every client has a friend; not all are friends
                add_friendship(run, a, b);
            }
        }
    }
    if (run.only_hostile_peers) {
        return;
    }
    for (std::uint8_t fault = 0; fault < static_cast<std::uint8_t>(Fault_Kind::count); ++fault) {
        if (run.chance(30)) {
            run.faults.push_back(static_cast<Fault_Kind>(fault));
        }
    }
    if (run.chance(20)) {
        turn_from_the_start(run);
    }
}

void begin(Run &run, std::uint64_t start) {
    for (std::uint32_t i = 0; i < run.friends.size(); ++i) {
        for (std::size_t side = 0; side < 2; ++side) {
            sim_at(run.net, start + run.below(SECOND), [&run, i, side] { befriend(run, i, side); });
            every(run, start + SECOND, [&run, i, side] {
                send_some(run, i, side);
                return run.friends[i].flow[side].period;
            });
            every(run, start + SHARE_EVERY + run.below(SECOND), [&run, i, side] {
                share_relays(run, run.friends[i], side);
                return SHARE_EVERY;
            });
        }
    }
    const std::uint64_t pace = run.between(200, 8 * SECOND);
    if (!run.faults.empty()) {
        every(run, start + 3 * SECOND, [&run, pace] {
            if (run.net.now < run.faults_end) {
                inject_fault(run, run.faults[run.below(run.faults.size())]);
            }
            return 1 + run.below(2 * pace);
        });
    }
    every(run, start + SECOND, [&run] {
        check_silences(run);
        return CHECK_SILENCE_EVERY_MS;
    });
    every(run, start + SECOND, [&run] {
        check(run);
        return SECOND;
    });
}

/// An hour, less five minutes, in which relays are dead or flap, and peers send little.
void pass_hour(Run &run) {
    for (Friendship &f : run.friends) {
        for (Flow &flow : f.flow) {
            flow.period = 20 * SECOND;
        }
    }
    run.only_hostile_peers = false; // from now on relays are bad too
    turn_dead(run);
    const auto is_over = [&run] { return !run.result.fault.empty(); };
    for (Client &client : run.clients) {
        client.first_attempt = {};
        client.attempts = {};
    }
    // Not a full hour: after an hour the library gives up relays that were never connected, and the host names them
    // again.
    sim_until(run.net, HOUR - 5 * MINUTE, is_over);
    check_attempts(run);
}

} // namespace

void every(Run &run, std::uint64_t at, std::function<std::uint64_t()> action) {
    sim_at(run.net, at, [&run, action = std::move(action)] {
        const std::uint64_t pause = action();
        if (run.result.fault.empty()) {
            every(run, run.net.now + pause, action);
        }
    });
}

Seed_Result run_seed(std::uint64_t seed, bool story) {
    Run run(seed);
    run.story = story;
    populate(run);
    const std::uint64_t start = run.net.now;
    run.faults_end = start + run.between(20, 150) * SECOND;
    begin(run, start);
    // The last fault may last a minute.
    const std::uint64_t healed = run.faults_end + 65 * SECOND;
    sim_until(run.net, healed - start, [&run] { return !run.result.fault.empty(); });
    for (std::uint32_t relay = 0; relay < run.relays.size(); ++relay) {
        if (run.kinds[relay].kind != Relay_Kind::honest) {
            turn_honest(run, relay);
        }
    }
    const bool back = sim_until(run.net, HEALED_WITHIN, [&run] { return !run.result.fault.empty() || all_heard(run); });
    if (!back) {
        fail(run, "not everybody is heard %llu s after the last fault",
             static_cast<unsigned long long>(HEALED_WITHIN / SECOND));
    }
    if (run.result.fault.empty() && seed % HOUR_IN_SEEDS == 0) {
        pass_hour(run);
    }
    run.result.simulated_ms = run.net.now - start;
    digest(run, run.result.received);
    return run.result;
}

} // namespace toxtcp
