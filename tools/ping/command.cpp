// `toxtcp ping`: the command line, the relays, and what the modes share.
#include "tools/ping/ping.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <deque>

#include <poll.h>
#include <unistd.h>

#include "tools/ping/tried_relay.h"
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
/// Longest sleep. After it, the program checks whether standard output still has a reader.
constexpr std::uint64_t MAX_SLEEP_US = SECOND_US;

/// The known addresses of the relay with this key; null: none.
Relay_Addresses *addresses_of(Pinger &pinger, const Public_Key &key) {
    const auto relay = std::find_if(pinger.relays.begin(), pinger.relays.end(),
                                    [&key](const Relay_Addresses &known) { return known.front().relay.key == key; });
    return relay == pinger.relays.end() ? nullptr : &*relay;
}

/// Adds an address to the relay with the same key; adds the relay if it is new.
void add_address(Pinger &pinger, const Relay_Address &address) {
    Relay_Addresses *const known_addresses = addresses_of(pinger, address.relay.key);
    if (known_addresses == nullptr) {
        pinger.relays.push_back({address});
        return;
    }
    const auto is_same = [&address](const Relay_Address &other) {
        return endpoint_text(other) == endpoint_text(address);
    };
    if (std::any_of(known_addresses->begin(), known_addresses->end(), is_same)) {
        return;
    }
    if (known_addresses->size() == MAX_ADDRESSES_OF_RELAY) {
        print_error("ping", endpoint_text(address) + " is left out: of a relay, " +
                                std::to_string(MAX_ADDRESSES_OF_RELAY) + " addresses are tried");
    } else {
        known_addresses->push_back(address);
    }
}

/// Time to connect to the relay with the most addresses if only its last address works, us.
std::uint64_t connect_timeout_of(const std::vector<Relay_Addresses> &relays) {
    std::size_t most = 1;
    for (const Relay_Addresses &relay : relays) {
        most = std::max(most, relay.size());
    }
    return CONNECT_TIMEOUT_US + (most - 1) * FURTHER_ADDRESS_US;
}

int find_relays(Pinger &pinger) {
    std::vector<Named_Relay> named;
    for (const std::string &word : pinger.options.relays) {
        std::string error;
        Named_Relay relay;
        if (!parse_relay(word, relay, error)) {
            print_error("ping", error);
            return EXIT_USAGE;
        }
        named.push_back(relay);
    }
    std::vector<Relay_Address> found;
    if (pinger.proxy.type != Proxy_Type::none) {
        found = addresses_for_proxy(named, Family::none);
    } else if (!find_addresses(named, Family::none, pinger.signals, found)) {
        pinger.interrupted = true;
        return EXIT_INTERRUPTED;
    }
    std::vector<Relay_Address> out_of_reach;
    for (const Relay_Address &address : found) {
        if (!has_endpoint(address)) {
            print_error("ping", to_string(address.relay) + ": " + address.error);
        } else if (!address.reachable) {
            out_of_reach.push_back(address);
        } else {
            add_address(pinger, address);
        }
    }
    for (const Relay_Address &address : out_of_reach) {
        if (addresses_of(pinger, address.relay.key) == nullptr) { // no other address of the relay is reachable either
            print_error("ping", to_string(address.relay) + ": " + sentence(Trouble::no_route));
        }
    }
    pinger.connect_timeout = connect_timeout_of(pinger.relays);
    if (pinger.relays.empty()) {
        print_error("ping", "no relay is left");
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

bool load_listener_key(const std::string &path, Secret_Key &key) {
    std::string error;
    const bool loaded = load_key(path, key, error);
    if (!error.empty()) {
        print_error("ping", error);
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

void ping_diagnose_relays(Pinger &pinger, Ping_Connections &connections) {
    ping_close(connections); // the attempts below need its file descriptors
    Public_Key own_key;
    Secret_Key key;
    new_key_pair(own_key, key);
    std::deque<Tried_Relay> relays; // a deque, so that its elements do not move
    std::vector<Tcp_Connections *> all;
    for (const Relay_Addresses &addresses : pinger.relays) {
        Tried_Relay &relay = relays.emplace_back();
        Callbacks callbacks;
        callbacks.object = &relay;
        callbacks.change = [](void *object, const Change &change, void *) {
            tried_relay_changed(*static_cast<Tried_Relay *>(object), change);
        };
        if (!tried_relay_open(pinger, relay, addresses, key, callbacks)) {
            return;
        }
        all.push_back(relay.connections.tcp);
    }
    const auto is_done = [](const Tried_Relay &relay) { return relay.was_up || has_tried_all(relay); };
    const std::uint64_t end = now_us() + pinger.connect_timeout;
    while (!std::all_of(relays.begin(), relays.end(), is_done) && now_us() < end && !pinger.interrupted) {
        ping_wait_and_serve(pinger, all, end);
    }
    std::vector<Tried_Relay *> failed;
    for (Tried_Relay &relay : relays) {
        if (!relay.was_up) {
            failed.push_back(&relay);
        } else if (!pinger.interrupted) {
            print_error("ping", relay.name + " was not connected in time, but is now. Try again");
        }
    }
    print_failures(pinger, failed);
}

void ping_print(Pinger &pinger, const std::string &text) {
    print_until_interrupted("ping", text, pinger.signals, pinger.interrupted, pinger.print_failed);
}

void ping_print_line(Pinger &pinger, const std::string &line) {
    if (!pinger.options.json) {
        ping_print(pinger, line + '\n');
    }
}

Ping_Connections::~Ping_Connections() {
    ping_close(*this);
}

void ping_close(Ping_Connections &connections) {
    kill_tcp_connections(connections.tcp);
    connections.tcp = nullptr;
    watched_host_close(connections.watched);
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
        const bool is_out_of_descriptors = trouble_of_error(errno) == Trouble::no_descriptors;
        print_error("ping", is_out_of_descriptors ? sentence(Trouble::no_descriptors) : "out of memory");
    }
    return connections.tcp != nullptr;
}

void ping_add_relays(const Pinger &pinger, Tcp_Connections *tcp, int connection) {
    for (const Relay_Addresses &relay : pinger.relays) {
        for (const Relay_Address &address : relay) {
            static_cast<void>(add_relay(tcp, connection, address));
        }
    }
}

/// Interrupts the command if standard output has no reader any more. A listener with --json continues, since it has
/// nothing more to print.
void ping_stop_if_reader_is_gone(Pinger &pinger) {
    if (!pinger.options.listen || !pinger.options.json) {
        stop_if_reader_is_gone("ping", pinger.interrupted, pinger.print_failed);
    }
}

void ping_wait_and_serve(Pinger &pinger, std::span<Tcp_Connections *const> all, std::uint64_t wake_at) {
    std::vector<pollfd> polled{pollfd{pinger.signals, POLLIN, 0}};
    const std::uint64_t now = now_us();
    std::uint64_t sleep_us = std::min(wake_at > now ? wake_at - now : 0, MAX_SLEEP_US);
    for (const Tcp_Connections *const tcp : all) {
        polled.push_back({tcp_connections_descriptor(tcp), POLLIN, 0});
        const int timeout = sleep_limit(tcp);
        if (timeout >= 0) {
            sleep_us = std::min(sleep_us, static_cast<std::uint64_t>(timeout) * 1'000);
        }
    }
    if (poll_us(polled, sleep_us) < 0) {
        return;
    }
    while (next_signal(pinger.signals) != 0) {
        pinger.interrupted = true;
    }
    ping_stop_if_reader_is_gone(pinger);
    for (Tcp_Connections *const tcp : all) {
        do_tcp_connections(tcp, nullptr);
    }
}

std::string ping_loss(const char *what, std::size_t sent, std::size_t answered, std::uint64_t duplicates,
                      std::uint64_t began_at) {
    const double loss = sent == 0 ? 0 : 100.0 * static_cast<double>(sent - answered) / static_cast<double>(sent);
    std::string text = format("%zu %s sent, %zu answered, ", sent, what, answered);
    if (duplicates != 0) {
        text += format("%llu answered twice, ", Count{duplicates});
    }
    return text + format("%.1f %% loss, time %.0f ms", loss, milliseconds(now_us() - began_at));
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
        print_error("ping", fault);
        return EXIT_USAGE;
    }
    Pinger pinger;
    pinger.options = options;
    // The key and the proxy come before `open_signals`: a file may be a pipe without a writer, the look-up of the
    // proxy's name may take long, and a signal must still end the wait.
    Secret_Key key;
    if (options.listen && !load_listener_key(options.key_file, key)) {
        return EXIT_FAILED;
    }
    if (const int found = find_proxy("ping", options.proxy, pinger.proxy); found != EXIT_DONE) {
        return found;
    }
    pinger.signals = open_signals({SIGINT, SIGTERM, SIGHUP});
    if (pinger.signals < 0) {
        print_error("ping", std::string{"cannot watch signals: "} + std::strerror(errno));
        return EXIT_FAILED;
    }
    int result = find_relays(pinger);
    if (result == EXIT_DONE) {
        result = options.listen ? ping_listen(pinger, key)
                 : options.data ? ping_by_data(pinger, peer)
                                : ping_by_echo(pinger, peer);
    }
    close_signals(pinger.signals);
    return pinger.print_failed ? EXIT_FAILED : result;
}

} // namespace toxtcp
