// `toxtcp ping`: packets to a peer through relays and back, and which relay carries them. The peer is another
// `toxtcp ping`, which listens.
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <map>

#include <poll.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <toxtcp/tcp_connections.h>

#include "clock.h"
#include "commands.h"
#include "key_file.h"
#include "relay_list.h"
#include "signals.h"
#include "text.h"

namespace toxtcp {

namespace {

constexpr std::uint64_t HELLO_EVERY_US = SECOND_US / 2;  ///< until the peer has heard of us
constexpr std::uint64_t MEET_WITHIN_US = 15 * SECOND_US; ///< the library's limit for a relay, and some more
constexpr std::uint64_t LAST_ANSWER_US = 2 * SECOND_US;
/// A listener forgets who was silent for so long, and serves so many at once.
constexpr std::uint64_t FORGET_AFTER_US = 60 * SECOND_US;
constexpr std::size_t MAX_CALLERS = 64;

enum class Kind : std::uint8_t { hello = 'h', request = 'p', answer = 'a' };

struct Ping_Head {
    std::uint64_t run; ///< of the pinging program: answers to another one are not counted
    std::uint64_t number;
    Kind kind;
};
constexpr std::size_t HEAD_SIZE = 17;
constexpr std::array<std::uint8_t, 3> MARK{'t', 't', 'p'};
constexpr std::size_t MIN_SIZE = MARK.size() + HEAD_SIZE;

std::vector<std::uint8_t> print_ping(const Ping_Head &head, std::size_t size) {
    std::vector<std::uint8_t> packet(std::max(size, MIN_SIZE));
    std::copy(MARK.begin(), MARK.end(), packet.begin());
    packet[3] = static_cast<std::uint8_t>(head.kind);
    std::memcpy(packet.data() + 4, &head.run, sizeof head.run);
    std::memcpy(packet.data() + 12, &head.number, sizeof head.number);
    return packet;
}

bool parse_ping(Bytes packet, Ping_Head &head) {
    if (packet.size() < MIN_SIZE || !std::equal(MARK.begin(), MARK.end(), packet.begin())) {
        return false;
    }
    head.kind = static_cast<Kind>(packet[3]);
    std::memcpy(&head.run, packet.data() + 4, sizeof head.run);
    std::memcpy(&head.number, packet.data() + 12, sizeof head.number);
    return head.kind == Kind::hello || head.kind == Kind::request || head.kind == Kind::answer;
}

void complain(const std::string &what) {
    std::fprintf(stderr, "toxtcp ping: %s.\n", what.c_str());
}

/// What both ends have.
struct Pinger {
    Ping_Options options;
    Host *system_host = nullptr;
    Host host;
    Tcp_Connections *tcp = nullptr;
    std::vector<Relay_Address> relays;
    int signals = -1;
    bool interrupted = false;
};

/// "192.0.2.1:33445", or "no relay".
std::string relay_name(const Pinger &pinger, int relay) {
    Relay_Info info;
    return tcp_relay_info(pinger.tcp, relay, info) ? to_string(info.address) : "no relay";
}

// ---- set-up ----------------------------------------------------------------------------------------------------

int find_relays(Pinger &pinger) {
    std::vector<Named_Relay> named;
    for (const std::string &word : pinger.options.relays) {
        std::string error;
        Named_Relay relay;
        if (!parse_relay(word, relay, error)) {
            complain(error);
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
            complain(to_string(relay.relay) + ' ' + relay.error);
        } else if (relay.reachable && !has_one) {
            pinger.relays.push_back(relay);
        }
    }
    if (pinger.relays.empty()) {
        complain("none of the relays has an address that this machine can reach");
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

bool make_connections(Pinger &pinger, const Secret_Key &key, const Callbacks &callbacks) {
    pinger.system_host = new_system_host();
    if (pinger.system_host != nullptr) {
        pinger.host = *pinger.system_host;
        pinger.host.log = nullptr; // what happens to relays is printed as it concerns the packets
        Tcp_Connections_Def def;
        def.secret_key = key;
        def.host = &pinger.host;
        def.callbacks = callbacks;
        pinger.tcp = new_tcp_connections(def);
    }
    if (pinger.tcp == nullptr) {
        complain("out of memory or file descriptors; raise ulimit -n");
    }
    return pinger.tcp != nullptr;
}

void end(Pinger &pinger) {
    kill_tcp_connections(pinger.tcp);
    kill_system_host(pinger.system_host);
    if (pinger.signals >= 0) {
        close(pinger.signals);
    }
}

/// Sleeps until something comes or is due, and serves what came.
void turn(Pinger &pinger, std::uint64_t wake) {
    std::array<pollfd, 2> polled{pollfd{pinger.signals, POLLIN, 0},
                                 pollfd{tcp_connections_descriptor(pinger.tcp), POLLIN, 0}};
    const std::uint64_t now = now_us();
    std::uint64_t sleep = wake > now ? wake - now : 0;
    const int timeout = tcp_connections_timeout(pinger.tcp);
    if (timeout >= 0) {
        sleep = std::min(sleep, static_cast<std::uint64_t>(timeout) * 1'000);
    }
    const timespec time{static_cast<time_t>(sleep / SECOND_US), static_cast<long>(sleep % SECOND_US * 1'000)};
    if (ppoll(polled.data(), polled.size(), &time, nullptr) < 0) {
        return;
    }
    while (next_signal(pinger.signals) != 0) {
        pinger.interrupted = true;
    }
    do_tcp_connections(pinger.tcp, nullptr);
}

// ---- the one who listens ---------------------------------------------------------------------------------------

struct Caller {
    Public_Key key{};
    int connection = -1; ///< -1: the place is free
    std::uint64_t heard = 0;
};

struct Listener {
    Pinger pinger;
    std::array<Caller, MAX_CALLERS> callers;
};

void forget(Listener &listener, Caller &caller) {
    if (caller.connection >= 0) {
        static_cast<void>(kill_tcp_connection_to(listener.pinger.tcp, caller.connection));
        caller.connection = -1;
    }
}

/// Someone whom we do not know has sent us a packet over a relay: from now on we ask for them there as well, and at all
/// the others.
void meet(Listener &listener, const Public_Key &key, int relay) {
    Caller &caller =
        *std::min_element(listener.callers.begin(), listener.callers.end(), [](const Caller &a, const Caller &b) {
            return (a.connection < 0 ? 0 : a.heard) < (b.connection < 0 ? 0 : b.heard);
        });
    forget(listener, caller);
    Pinger &pinger = listener.pinger;
    caller.key = key;
    caller.heard = now_us();
    caller.connection = new_tcp_connection_to(pinger.tcp, key, static_cast<int>(&caller - listener.callers.data()));
    if (caller.connection < 0) {
        return;
    }
    static_cast<void>(add_tcp_number_relay_connection(pinger.tcp, caller.connection, relay));
    for (const Relay_Address &known : pinger.relays) {
        static_cast<void>(add_tcp_relay_connection(pinger.tcp, caller.connection, known.address, known.relay.key));
    }
    if (!pinger.options.json) {
        std::printf("%s pings us over %s\n", short_key(to_string(key)).c_str(), relay_name(pinger, relay).c_str());
        std::fflush(stdout);
    }
}

void hear_stranger(void *object, const Public_Key &sender, int relay, Bytes packet, void *) {
    Listener &listener = *static_cast<Listener *>(object);
    Ping_Head head{};
    if (parse_ping(packet, head) && tcp_connection_to(listener.pinger.tcp, sender) < 0) {
        meet(listener, sender, relay);
    }
}

bool answer(void *object, int id, Bytes packet, void *) {
    Listener &listener = *static_cast<Listener *>(object);
    Caller &caller = listener.callers[static_cast<std::size_t>(id)];
    caller.heard = now_us();
    Ping_Head head{};
    if (parse_ping(packet, head) && head.kind == Kind::request) {
        head.kind = Kind::answer;
        static_cast<void>(
            send_packet_tcp_connection(listener.pinger.tcp, caller.connection, print_ping(head, packet.size())));
    }
    return false;
}

void forget_the_silent(Listener &listener) {
    const std::uint64_t now = now_us();
    for (Caller &caller : listener.callers) {
        if (caller.connection >= 0 && now > caller.heard + FORGET_AFTER_US) {
            forget(listener, caller);
        }
    }
}

void say_who_listens(const Pinger &pinger) {
    const std::string key = to_string(tcp_connections_public_key(pinger.tcp));
    if (pinger.options.json) {
        std::printf("%s\n", nlohmann::json{{"public_key", key}}.dump().c_str());
    } else {
        std::string command = "toxtcp ping";
        for (const std::string &relay : pinger.options.relays) {
            command += " --relay " + relay;
        }
        std::printf("listening as %s\nping it with: %s %s\n", key.c_str(), command.c_str(), key.c_str());
    }
    std::fflush(stdout);
}

int listen_for_pings(Listener &listener) {
    Pinger &pinger = listener.pinger;
    Secret_Key key;
    std::string error;
    const bool loaded = load_key(pinger.options.key_file, key, error);
    if (!error.empty()) {
        complain(error);
    }
    Callbacks callbacks;
    callbacks.object = &listener;
    callbacks.data = answer;
    callbacks.oob = hear_stranger;
    if (!loaded || !make_connections(pinger, key, callbacks)) {
        return EXIT_FAILED;
    }
    for (const Relay_Address &relay : pinger.relays) {
        static_cast<void>(add_tcp_relay_global(pinger.tcp, relay.address, relay.relay.key));
    }
    const std::uint64_t began = now_us();
    while (tcp_connected_relays_count(pinger.tcp) == 0 && now_us() < began + MEET_WITHIN_US && !pinger.interrupted) {
        turn(pinger, began + MEET_WITHIN_US);
    }
    if (pinger.interrupted) {
        return EXIT_DONE;
    }
    if (tcp_connected_relays_count(pinger.tcp) == 0) {
        complain("no relay can be connected to; `toxtcp probe` tells what is wrong with them");
        return EXIT_FAILED;
    }
    say_who_listens(pinger);
    while (!pinger.interrupted) {
        turn(pinger, now_us() + SECOND_US);
        forget_the_silent(listener);
    }
    return EXIT_DONE;
}

// ---- the one who pings -----------------------------------------------------------------------------------------

struct Ping {
    Pinger pinger;
    Public_Key peer{};
    std::string name; ///< the peer's, short
    int connection = -1;
    std::uint64_t run = 0;
    std::vector<std::uint64_t> sent; ///< us, by number; 0: the library did not take it
    std::vector<bool> answered;      ///< by number
    std::vector<double> round_trips; ///< ms, in the order of the answers
    std::uint64_t twice = 0;
    std::uint64_t began = 0;
    std::map<std::string, std::uint64_t> carried; ///< answers, by the relay that brought them
};

void say(const Ping &ping, const std::string &line) {
    if (!ping.pinger.options.json) {
        std::printf("%s\n", line.c_str());
        std::fflush(stdout);
    }
}

/// Over which relay the answer came, and where ours went if that is another.
std::string way(const Ping &ping, std::string &carrier) {
    Connection_Info info;
    if (!tcp_connection_info(ping.pinger.tcp, ping.connection, info)) {
        return "?";
    }
    carrier = relay_name(ping.pinger, info.receiving);
    if (info.sending < 0 || info.sending == info.receiving) {
        return carrier;
    }
    return relay_name(ping.pinger, info.sending) + ", back via " + carrier;
}

void hear_answer(Ping &ping, Bytes packet) {
    const std::uint64_t now = now_us();
    Ping_Head head{};
    if (!parse_ping(packet, head) || head.kind != Kind::answer || head.run != ping.run ||
        head.number >= ping.sent.size()) {
        return;
    }
    if (ping.answered[head.number]) {
        ++ping.twice;
        return;
    }
    ping.answered[head.number] = true;
    const double round_trip = milliseconds(now - ping.sent[head.number]);
    ping.round_trips.push_back(round_trip);
    std::string carrier;
    const std::string via = way(ping, carrier);
    ++ping.carried[carrier];
    say(ping, format("%zu bytes from %s: seq=%llu via %s time=%.3f ms", packet.size(), ping.name.c_str(),
                     Count{head.number + 1}, via.c_str(), round_trip));
}

void hear_change(void *object, const Change &change, void *) {
    const Ping &ping = *static_cast<Ping *>(object);
    if (change.kind == Change_Kind::moved && change.previous >= 0) {
        say(ping, "now over " + relay_name(ping.pinger, change.relay) + ", no longer over " +
                      relay_name(ping.pinger, change.previous) +
                      (change.reason == Reason::none ? "" : std::string{" ("} + to_string(change.reason) + ')'));
    }
}

bool is_online(const Ping &ping) {
    return tcp_connection_to_online_tcp_relays(ping.pinger.tcp, ping.connection) != 0;
}

/// Says hello, as OOB, until the peer asks for us at one of the relays.
bool find_peer(Ping &ping) {
    Pinger &pinger = ping.pinger;
    const std::uint64_t end = now_us() + MEET_WITHIN_US;
    std::uint64_t next = 0;
    while (!is_online(ping) && now_us() < end && !pinger.interrupted) {
        if (now_us() >= next) {
            next = now_us() + HELLO_EVERY_US;
            const Ping_Head hello{ping.run, 0, Kind::hello};
            static_cast<void>(send_packet_tcp_connection(pinger.tcp, ping.connection, print_ping(hello, MIN_SIZE)));
        }
        turn(pinger, std::min(next, end));
    }
    if (!is_online(ping) && !pinger.interrupted) {
        complain(tcp_connected_relays_count(pinger.tcp) == 0
                     ? "no relay can be connected to; `toxtcp probe` tells what is wrong with them"
                     : ping.name + " does not answer through these relays. Does `toxtcp ping --listen` run there, over "
                                   "one of them, and is this the key that it printed?");
    }
    return is_online(ping);
}

void send_ping(Ping &ping) {
    const std::uint64_t number = ping.sent.size();
    if (number != 0 && !ping.answered[number - 1]) {
        say(ping, format("no answer yet to seq=%llu", Count{number}));
    }
    ping.sent.push_back(now_us());
    ping.answered.push_back(false);
    const std::vector<std::uint8_t> packet = print_ping({ping.run, number, Kind::request}, ping.pinger.options.size);
    const Error error = send_packet_tcp_connection(ping.pinger.tcp, ping.connection, packet);
    if (error != Error::ok) {
        say(ping, format("seq=%llu was not sent: %s", Count{number + 1}, to_string(error)));
    }
}

bool all_answered(const Ping &ping) {
    return ping.round_trips.size() == ping.sent.size();
}

void send_pings(Ping &ping) {
    Pinger &pinger = ping.pinger;
    const auto interval = static_cast<std::uint64_t>(pinger.options.interval * 1e6);
    const std::uint32_t count = pinger.options.count;
    ping.began = now_us();
    for (std::uint64_t next = ping.began; !pinger.interrupted && (count == 0 || ping.sent.size() < count);) {
        if (now_us() >= next) {
            send_ping(ping);
            next = std::max(next + interval, now_us());
        }
        turn(pinger, next);
    }
    const std::uint64_t end = now_us() + LAST_ANSWER_US;
    while (!pinger.interrupted && !all_answered(ping) && now_us() < end) {
        turn(pinger, end);
    }
}

struct Spread {
    double least = 0, mean = 0, most = 0, deviation = 0; // ms
};

Spread spread_of(const std::vector<double> &values) {
    Spread spread;
    if (values.empty()) {
        return spread;
    }
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

void print_statistics(const Ping &ping) {
    const std::size_t lost = ping.sent.size() - ping.round_trips.size();
    const double loss =
        ping.sent.empty() ? 0 : 100.0 * static_cast<double>(lost) / static_cast<double>(ping.sent.size());
    const Spread spread = spread_of(ping.round_trips);
    std::printf("\n--- %s ping statistics ---\n", to_string(ping.peer).c_str());
    std::printf("%zu packets sent, %zu answered, ", ping.sent.size(), ping.round_trips.size());
    if (ping.twice != 0) {
        std::printf("%llu answered twice, ", Count{ping.twice});
    }
    std::printf("%.1f %% loss, time %.0f ms\n", loss, milliseconds(now_us() - ping.began));
    if (!ping.round_trips.empty()) {
        std::printf("rtt min/avg/max/mdev = %.3f/%.3f/%.3f/%.3f ms\n", spread.least, spread.mean, spread.most,
                    spread.deviation);
    }
    for (const auto &[relay, count] : ping.carried) {
        std::printf("%s carried %llu\n", relay.c_str(), Count{count});
    }
}

void print_json(const Ping &ping) {
    const Spread spread = spread_of(ping.round_trips);
    nlohmann::json json{{"peer", to_string(ping.peer)},        {"sent", ping.sent.size()},
                        {"answered", ping.round_trips.size()}, {"answered_twice", ping.twice},
                        {"round_trips_ms", ping.round_trips},  {"carried", ping.carried}};
    if (!ping.round_trips.empty()) {
        json["round_trip_ms"] = {
            {"min", spread.least}, {"avg", spread.mean}, {"max", spread.most}, {"mdev", spread.deviation}};
    }
    std::printf("%s\n", json.dump(2).c_str());
}

int ping_peer(Ping &ping) {
    Pinger &pinger = ping.pinger;
    Public_Key own;
    Secret_Key key;
    new_key_pair(own, key);
    std::memcpy(&ping.run, own.data(), sizeof ping.run);
    Callbacks callbacks;
    callbacks.object = &ping;
    callbacks.data = [](void *object, int, Bytes packet, void *) {
        hear_answer(*static_cast<Ping *>(object), packet);
        return false;
    };
    callbacks.change = hear_change;
    if (!make_connections(pinger, key, callbacks)) {
        return EXIT_FAILED;
    }
    ping.connection = new_tcp_connection_to(pinger.tcp, ping.peer, 0);
    if (ping.connection < 0) {
        complain(std::string{"no connection to this key can be had: "} +
                 to_string(static_cast<Error>(ping.connection)));
        return EXIT_FAILED;
    }
    for (const Relay_Address &relay : pinger.relays) {
        static_cast<void>(add_tcp_relay_connection(pinger.tcp, ping.connection, relay.address, relay.relay.key));
    }
    say(ping, format("PING %s over %zu %s: %u bytes", ping.name.c_str(), pinger.relays.size(),
                     pinger.relays.size() == 1 ? "relay" : "relays", pinger.options.size));
    if (!find_peer(ping)) {
        return pinger.interrupted ? EXIT_INTERRUPTED : EXIT_FAILED;
    }
    send_pings(ping);
    if (pinger.options.json) {
        print_json(ping);
    } else {
        print_statistics(ping);
    }
    std::fflush(stdout);
    return ping.round_trips.empty() ? EXIT_FAILED : EXIT_DONE;
}

/// Signals and relays; then `go`.
template <class End, class Go>
int run(End &one, const Ping_Options &options, Go go) {
    Pinger &pinger = one.pinger;
    pinger.options = options;
    pinger.signals = open_signals({SIGINT, SIGTERM, SIGHUP});
    if (pinger.signals < 0) {
        complain(std::string{"cannot watch signals: "} + std::strerror(errno));
        return EXIT_FAILED;
    }
    const int found = find_relays(pinger);
    const int result = found == EXIT_DONE ? go(one) : found;
    end(pinger);
    return result;
}

} // namespace

int run_ping(const Ping_Options &options) {
    if (options.relays.empty()) {
        complain("no relay is named; name at least one with --relay HOST:PORT:KEY");
        return EXIT_USAGE;
    }
    if (options.listen == !options.peer.empty()) {
        complain("either the key of a peer, or --listen");
        return EXIT_USAGE;
    }
    if (options.listen) {
        Listener listener;
        return run(listener, options, listen_for_pings);
    }
    Ping ping;
    if (!parse_public_key(options.peer, ping.peer)) {
        complain(printable(options.peer) +
                 " is no key; a key is 64 hexadecimal digits, as `toxtcp ping --listen` prints it");
        return EXIT_USAGE;
    }
    ping.name = short_key(to_string(ping.peer));
    return run(ping, options, ping_peer);
}

} // namespace toxtcp
