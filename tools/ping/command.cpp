// `toxtcp ping`: the command line, the relays, and what the modes share.
#include "tools/ping/ping.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstring>

#include <poll.h>
#include <unistd.h>

#include "tools/shared/diagnosis.h"
#include "tools/shared/key_file.h"
#include "tools/shared/output.h"
#include "tools/shared/poll_us.h"
#include "tools/shared/signals.h"
#include "tools/shared/sleep_limit.h"
#include "tools/shared/text.h"
#include "tools/shared/values.h"

namespace toxtcp {

namespace {

/// Shortest time between pings by echo, s. A peer with this library is connected to three relays, and answers at most
/// 20 echoes a second over all of them.
constexpr double MIN_ECHO_INTERVAL = 0.2;
/// Time between two checks whether standard output still has a reader.
constexpr std::uint64_t LOOK_FOR_READER_US = SECOND_US;

int find_relays(Pinger &pinger) {
    std::vector<Named_Relay> named;
    for (const std::string &word : pinger.options.relays) {
        std::string error;
        Named_Relay relay;
        if (!parse_relay(word, relay, error)) {
            complain("ping", error);
            return EXIT_USAGE;
        }
        named.push_back(relay);
    }
    std::vector<Relay_Address> found;
    if (pinger.proxy.type != Proxy_Type::none) {
        found = leave_to_proxy(named, Family::none);
    } else if (!find_addresses(named, Family::none, pinger.signals, found)) {
        pinger.interrupted = true;
        return EXIT_INTERRUPTED;
    }
    const auto has_one_of = [](const std::vector<Relay_Address> &relays, const Relay_Address &relay) {
        return std::any_of(relays.begin(), relays.end(),
                           [&relay](const Relay_Address &other) { return other.relay.key == relay.relay.key; });
    };
    std::vector<Relay_Address> out_of_reach;
    for (const Relay_Address &relay : found) {
        const bool has_one = has_one_of(pinger.relays, relay);
        if (!has_place(relay)) {
            complain("ping", to_string(relay.relay) + ": " + relay.error);
        } else if (!relay.reachable) {
            out_of_reach.push_back(relay);
        } else if (!has_one) {
            pinger.relays.push_back(relay);
        }
    }
    for (const Relay_Address &relay : out_of_reach) {
        if (!has_one_of(pinger.relays, relay)) { // not even at another of its addresses
            complain("ping", to_string(relay.relay) + ": " + sentence(Trouble::no_route));
        }
    }
    if (pinger.relays.empty()) {
        complain("ping", "no relay is left");
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

bool load_listener_key(const std::string &path, Secret_Key &key) {
    std::string error;
    const bool loaded = load_key(path, key, error);
    if (!error.empty()) {
        complain("ping", error);
    }
    return loaded;
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

/// What is wrong with the command line; empty if nothing. Also reads the peer's key.
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
    if (std::string error; !read_key(options.peer, peer, error)) {
        return "key " + error;
    }
    if (!options.data && options.interval < MIN_ECHO_INTERVAL) {
        return format("the interval between echoes is at least %.1f s, or peers do not answer them all",
                      MIN_ECHO_INTERVAL);
    }
    return "";
}

} // namespace

// ---- what the modes share --------------------------------------------------------------------------------------

void ping_complain_of_relays(const Ping_Connections &connections) {
    const bool is_our_fault = trouble_of_error(connections.watched.error) == Trouble::no_descriptors;
    complain("ping", is_our_fault ? sentence(Trouble::no_descriptors)
                                  : "no relay can be connected to; `toxtcp probe` tells what is wrong with them");
}

void ping_print(Pinger &pinger, const std::string &text) {
    std::string error;
    if (pinger.cannot_print || print(text, error, pinger.signals)) {
        return;
    }
    pinger.interrupted = true; // if `print` did not fail, a signal has stopped it
    pinger.cannot_print = !error.empty();
    if (pinger.cannot_print) {
        complain("ping", error);
    }
}

void ping_say(Pinger &pinger, const std::string &line) {
    if (!pinger.options.json) {
        ping_print(pinger, line + '\n');
    }
}

Ping_Connections::~Ping_Connections() {
    kill_tcp_connections(tcp);
    watched_host_close(watched);
}

bool ping_open(const Pinger &pinger, Ping_Connections &connections, const Secret_Key &key, const Callbacks &callbacks) {
    if (watched_host_open(connections.watched, pinger.proxy.type, public_key_of(key))) {
        Tcp_Connections_Def def;
        def.secret_key = key;
        def.host = &connections.watched.host;
        def.callbacks = callbacks;
        def.proves_packets = false; // ping packets carry no proof that they are the peer's
        def.proxy = pinger.proxy;
        connections.tcp = new_tcp_connections(def);
    }
    if (connections.tcp == nullptr) {
        complain("ping", "out of memory");
    }
    return connections.tcp != nullptr;
}

/// Ends the pings if standard output has no reader any more. A listener that prints JSON goes on, since it has nothing
/// more to print.
void note_no_reader(Pinger &pinger) {
    std::string error;
    const bool is_silent = pinger.options.listen && pinger.options.json;
    if (!is_silent && !pinger.cannot_print && reader_is_gone(error)) {
        complain("ping", error);
        pinger.cannot_print = pinger.interrupted = true;
    }
}

void ping_turn(Pinger &pinger, std::span<Tcp_Connections *const> all, std::uint64_t wake) {
    std::vector<pollfd> polled{pollfd{pinger.signals, POLLIN, 0}};
    const std::uint64_t now = now_us();
    std::uint64_t sleep = std::min(wake > now ? wake - now : 0, LOOK_FOR_READER_US);
    for (const Tcp_Connections *const tcp : all) {
        polled.push_back({tcp_connections_descriptor(tcp), POLLIN, 0});
        const int timeout = sleep_limit(tcp);
        if (timeout >= 0) {
            sleep = std::min(sleep, static_cast<std::uint64_t>(timeout) * 1'000);
        }
    }
    if (poll_us(polled, sleep) < 0) {
        return;
    }
    while (next_signal(pinger.signals) != 0) {
        pinger.interrupted = true;
    }
    note_no_reader(pinger);
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
        complain("ping", fault);
        return EXIT_USAGE;
    }
    Pinger pinger;
    pinger.options = options;
    // Read before `open_signals`: the file may be a pipe without a writer, and a signal must still end the wait.
    Secret_Key key;
    if (options.listen && !load_listener_key(options.key_file, key)) {
        return EXIT_FAILED;
    }
    pinger.signals = open_signals({SIGINT, SIGTERM, SIGHUP});
    if (pinger.signals < 0) {
        complain("ping", std::string{"cannot watch signals: "} + std::strerror(errno));
        return EXIT_FAILED;
    }
    int result = EXIT_USAGE;
    if (std::string error; !find_proxy(options.proxy, pinger.proxy, error)) {
        complain("ping", error);
    } else {
        result = find_relays(pinger);
    }
    if (result == EXIT_DONE) {
        result = options.listen ? ping_listen(pinger, key)
                 : options.data ? ping_by_data(pinger, peer)
                                : ping_by_echo(pinger, peer);
    }
    close_signals(pinger.signals);
    return pinger.cannot_print ? EXIT_FAILED : result;
}

} // namespace toxtcp
