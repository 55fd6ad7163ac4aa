// `toxtcp ping`: the command line, the relays, and what the modes share.
#include "ping.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstring>

#include <poll.h>
#include <unistd.h>

#include "signals.h"
#include "text.h"

namespace toxtcp {

namespace {

/// The shortest between pings by echo: a peer with this library answers 20 echoes a second at most, and is at three relays.
constexpr double MIN_ECHO_INTERVAL = 0.2; // s

int find_relays(Pinger &pinger) {
    std::vector<Named_Relay> named;
    for (const std::string &word : pinger.options.relays) {
        std::string error;
        Named_Relay relay;
        if (!parse_relay(word, relay, error)) {
            ping_complain(error);
            return EXIT_USAGE;
        }
        named.push_back(relay);
    }
    std::vector<Relay_Address> found;
    if (!find_addresses(named, Family::none, pinger.signals, found)) {
        pinger.interrupted = true;
        return EXIT_INTERRUPTED;
    }
    for (const Relay_Address &relay : found) {
        const bool has_one =
            std::any_of(pinger.relays.begin(), pinger.relays.end(),
                        [&relay](const Relay_Address &other) { return other.relay.key == relay.relay.key; });
        if (relay.address.family == Family::none) {
            ping_complain(to_string(relay.relay) + ' ' + relay.error);
        } else if (relay.reachable && !has_one) {
            pinger.relays.push_back(relay);
        }
    }
    if (pinger.relays.empty()) {
        ping_complain("none of the relays has an address that this machine can reach");
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

struct Spread {
    double least = 0, mean = 0, most = 0, deviation = 0; // ms
};

Spread spread_of(const std::vector<double> &values) {
    Spread spread;
    double sum = 0;
    double squares = 0;
    for (const double value : values) {
        sum += value;
        squares += value * value;
    }
    const auto count = static_cast<double>(values.size());
    spread.mean = sum / count;
    spread.deviation = std::sqrt(std::max(0.0, squares / count - spread.mean * spread.mean));
    spread.least = *std::min_element(values.begin(), values.end());
    spread.most = *std::max_element(values.begin(), values.end());
    return spread;
}

/// What is wrong with the command line; nothing when it makes sense.
std::string usage_fault(const Ping_Options &options, Public_Key &peer) {
    if (options.relays.empty()) {
        return "no relay is named; name at least one with --relay HOST:PORT:KEY";
    }
    if (options.listen == !options.peer.empty()) {
        return "either the key of a peer, or --listen";
    }
    if (options.listen) {
        return "";
    }
    if (!std::isfinite(options.interval)) { // which is within any range, for who only looks for what is outside
        return "the interval is not a number";
    }
    if (!parse_public_key(options.peer, peer)) {
        return printable(options.peer) + " is no key; a key is 64 hexadecimal digits";
    }
    peer = canonical_key(peer); // as the library names it
    if (is_weak_key(peer)) {
        return options.peer + " is a key that nobody can have";
    }
    if (!options.data && options.interval < MIN_ECHO_INTERVAL) {
        return format("the interval between echoes is at least %.1f s, or peers do not answer them all",
                      MIN_ECHO_INTERVAL);
    }
    return "";
}

} // namespace

// ---- what the modes share --------------------------------------------------------------------------------------

void ping_complain(const std::string &what) {
    std::fprintf(stderr, "toxtcp ping: %s.\n", what.c_str());
}

void ping_complain_of_relays() {
    ping_complain("no relay can be connected to; `toxtcp probe` tells what is wrong with them");
}

void ping_say(const Pinger &pinger, const std::string &line) {
    if (!pinger.options.json) {
        std::printf("%s\n", line.c_str());
        std::fflush(stdout);
    }
}

Ping_Connections::~Ping_Connections() {
    kill_tcp_connections(tcp);
    kill_system_host(system_host);
}

bool ping_open(Ping_Connections &connections, const Secret_Key &key, const Callbacks &callbacks) {
    connections.system_host = new_system_host();
    if (connections.system_host != nullptr) {
        connections.host = *connections.system_host;
        connections.host.log = nullptr;
        Tcp_Connections_Def def;
        def.secret_key = key;
        def.host = &connections.host;
        def.callbacks = callbacks;
        def.proves_packets = false; // pings are not sealed
        connections.tcp = new_tcp_connections(def);
    }
    if (connections.tcp == nullptr) {
        ping_complain("out of memory or file descriptors; raise ulimit -n");
    }
    return connections.tcp != nullptr;
}

void ping_turn(Pinger &pinger, std::span<Tcp_Connections *const> all, std::uint64_t wake) {
    std::vector<pollfd> polled{pollfd{pinger.signals, POLLIN, 0}};
    const std::uint64_t now = now_us();
    std::uint64_t sleep = wake > now ? wake - now : 0;
    for (const Tcp_Connections *const tcp : all) {
        polled.push_back({tcp_connections_descriptor(tcp), POLLIN, 0});
        const int timeout = tcp_connections_timeout(tcp);
        if (timeout >= 0) {
            sleep = std::min(sleep, static_cast<std::uint64_t>(timeout) * 1'000);
        }
    }
    const timespec time{static_cast<time_t>(sleep / SECOND_US), static_cast<long>(sleep % SECOND_US * 1'000)};
    if (ppoll(polled.data(), polled.size(), &time, nullptr) < 0) {
        return;
    }
    while (next_signal(pinger.signals) != 0) {
        pinger.interrupted = true;
    }
    for (Tcp_Connections *const tcp : all) {
        do_tcp_connections(tcp, nullptr);
    }
}

std::string ping_loss(const char *what, std::size_t sent, std::size_t answered, std::uint64_t twice,
                      std::uint64_t began) {
    const double loss = sent == 0 ? 0 : 100.0 * static_cast<double>(sent - answered) / static_cast<double>(sent);
    std::string text = format("%zu %s sent, %zu answered, ", sent, what, answered);
    if (twice != 0) {
        text += format("%llu answered twice, ", Count{twice});
    }
    return text + format("%.1f %% loss, time %.0f ms", loss, milliseconds(now_us() - began));
}

std::string ping_spread(const std::vector<double> &times) {
    const Spread spread = spread_of(times);
    return format("min/avg/max/mdev = %.3f/%.3f/%.3f/%.3f ms", spread.least, spread.mean, spread.most,
                  spread.deviation);
}

void ping_add_times(nlohmann::json &json, const std::vector<double> &times) {
    json["round_trips_ms"] = times;
    if (!times.empty()) {
        const Spread spread = spread_of(times);
        json["round_trip_ms"] = {
            {"min", spread.least}, {"avg", spread.mean}, {"max", spread.most}, {"mdev", spread.deviation}};
    }
}

int run_ping(const Ping_Options &options) {
    Public_Key peer{};
    if (const std::string fault = usage_fault(options, peer); !fault.empty()) {
        ping_complain(fault);
        return EXIT_USAGE;
    }
    Pinger pinger;
    pinger.options = options;
    pinger.signals = open_signals({SIGINT, SIGTERM, SIGHUP});
    if (pinger.signals < 0) {
        ping_complain(std::string{"cannot watch signals: "} + std::strerror(errno));
        return EXIT_FAILED;
    }
    int result = find_relays(pinger);
    if (result == EXIT_DONE) {
        result = options.listen ? ping_listen(pinger)
                 : options.data ? ping_by_data(pinger, peer)
                                : ping_by_echo(pinger, peer);
    }
    close(pinger.signals);
    return result;
}

} // namespace toxtcp
