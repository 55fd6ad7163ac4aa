// `toxtcp ping --data`: sends data packets to a `toxtcp ping --listen` over the route that the library chooses, and
// takes the answers.
#include <cstring>
#include <map>
#include <optional>

#include "tools/ping/packet.h"
#include "tools/ping/ping.h"
#include "tools/shared/output.h"
#include "tools/shared/route_words.h"
#include "tools/shared/text.h"

namespace toxtcp {

namespace {

constexpr std::uint64_t HELLO_EVERY_US = SECOND_US / 2; ///< between two hellos, until the peer is online

struct Ping {
    Pinger &pinger;
    Public_Key peer{};
    std::string name{}; ///< the peer's key, shortened
    Ping_Connections connections{};
    int connection = -1;
    std::uint64_t run = 0;
    std::vector<std::uint64_t> sent{}; ///< us, when each ping was sent, by number
    std::vector<bool> answered{};      ///< by number
    std::vector<double> round_trips{}; ///< ms, in the order of the answers
    std::uint64_t twice = 0;
    std::uint64_t began = 0;
    std::map<std::string, std::uint64_t> carried{}; ///< number of answers, by the relay that carried them
};

/// "192.0.2.1:33445", or "no relay".
std::string relay_name(const Ping &ping, int relay) {
    Relay_Info info;
    return tcp_relay_info(ping.connections.tcp, relay, info) ? place_of(info) : "no relay";
}

/// The relay that the answer came over (`carrier`), in words; if we send over another relay, both.
std::string way(const Ping &ping, std::string &carrier) {
    Connection_Info info;
    if (!tcp_connection_info(ping.connections.tcp, ping.connection, info)) {
        return "?";
    }
    carrier = relay_name(ping, info.receiving);
    if (info.sending < 0 || info.sending == info.receiving) {
        return carrier;
    }
    return relay_name(ping, info.sending) + ", back via " + carrier;
}

void hear_answer(Ping &ping, Bytes packet) {
    const std::uint64_t now = now_us();
    Ping_Head head{};
    if (!parse_ping(packet, head) || head.kind != Ping_Kind::answer || head.run != ping.run ||
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
    ping_say(ping.pinger, format("%zu bytes from %s: seq=%llu via %s time=%.3f ms", packet.size(), ping.name.c_str(),
                                 Count{head.number + 1}, via.c_str(), round_trip));
}

void hear_change(void *object, const Change &change, void *) {
    const Ping &ping = *static_cast<Ping *>(object);
    if (change.kind == Change_Kind::moved && change.previous >= 0) {
        ping_say(ping.pinger,
                 "now over " + relay_name(ping, change.relay) + ", no longer over " +
                     relay_name(ping, change.previous) +
                     (change.reason == Reason::none ? "" : std::string{" ("} + to_string(change.reason) + ')'));
    }
}

bool is_online(const Ping &ping) {
    return tcp_connection_to_online_tcp_relays(ping.connections.tcp, ping.connection) != 0;
}

void turn(Ping &ping, std::uint64_t wake) {
    ping_turn(ping.pinger, {&ping.connections.tcp, 1}, wake);
}

/// Sends hello packets, which go as OOB, until the peer has requested a route to us at one of the relays.
bool find_peer(Ping &ping) {
    Pinger &pinger = ping.pinger;
    const std::uint64_t end = now_us() + pinger.meet_within;
    std::uint64_t next = 0;
    while (!is_online(ping) && now_us() < end && !pinger.interrupted) {
        if (now_us() >= next) {
            next = now_us() + HELLO_EVERY_US;
            const Ping_Head hello{ping.run, 0, Ping_Kind::hello};
            static_cast<void>(
                send_packet_tcp_connection(ping.connections.tcp, ping.connection, print_ping(hello, MIN_PING_SIZE)));
        }
        turn(ping, std::min(next, end));
    }
    const bool is_found = is_online(ping);
    if (!is_found && !pinger.interrupted) {
        if (tcp_connected_relays_count(ping.connections.tcp) == 0) {
            ping_complain_of_relays(pinger, ping.connections);
        } else {
            complain("ping", ping.name +
                                 " does not answer through these relays. Does `toxtcp ping --listen` run there, over "
                                 "one of them, and is this the key that it printed?");
        }
    }
    return is_found;
}

void send_ping(Ping &ping) {
    const std::uint64_t number = ping.sent.size();
    if (number != 0 && !ping.answered[number - 1]) {
        ping_say(ping.pinger, format("no answer yet to seq=%llu", Count{number}));
    }
    ping.sent.push_back(now_us());
    ping.answered.push_back(false);
    const std::vector<std::uint8_t> packet =
        print_ping({ping.run, number, Ping_Kind::request}, ping.pinger.options.size);
    const Error error = send_packet_tcp_connection(ping.connections.tcp, ping.connection, packet);
    if (error != Error::ok) {
        ping_say(ping.pinger, format("seq=%llu was not sent: %s", Count{number + 1}, to_string(error)));
    }
}

/// A route as the summary shows it.
struct Told_Route {
    std::string relay;
    Route_Words words;
    std::uint64_t echo_round_trip = 0; ///< ms; 0: not known
    std::optional<std::uint64_t> proved_ms;
};

std::vector<Told_Route> told_routes(const Ping &ping, const Connection_Info &connection) {
    const std::uint64_t now = ping.connections.watched.host.now(ping.connections.watched.host.object);
    std::vector<Told_Route> told;
    for (std::size_t i = 0; i < connection.routes_count; ++i) {
        const Route_Info &route = connection.routes[i];
        Relay_Info relay;
        if (tcp_relay_info(ping.connections.tcp, route.relay, relay)) {
            Told_Route &one = told.emplace_back();
            one.relay = place_of(relay);
            one.words = route_words(
                {to_string(route.use), to_string(route.state), to_string(relay.state), to_string(relay.last_end)});
            one.echo_round_trip = route.echo_round_trip;
            if (route.last_proved != 0) {
                one.proved_ms = now - std::min(now, route.last_proved);
            }
        }
    }
    return told;
}

std::string routes_text(const Ping &ping) {
    Connection_Info connection;
    if (!tcp_connection_info(ping.connections.tcp, ping.connection, connection)) {
        return {};
    }
    std::string text = format("%u echoes sent, %u answered\n", connection.echoes_sent, connection.echoes_answered);
    for (const Told_Route &route : told_routes(ping, connection)) {
        text += "route over " + route.relay + ": " + route.words.word + (route.words.more.empty() ? "" : ", ") +
                route.words.more;
        if (route.proved_ms) {
            text += "; echo " + round_trip(route.echo_round_trip) + ", the last answered " +
                    duration(*route.proved_ms) + " ago";
        }
        text += '\n';
    }
    return text;
}

void add_routes(const Ping &ping, nlohmann::json &json) {
    Connection_Info connection;
    if (!tcp_connection_info(ping.connections.tcp, ping.connection, connection)) {
        return;
    }
    json["echoes_sent"] = connection.echoes_sent;
    json["echoes_answered"] = connection.echoes_answered;
    json["routes"] = nlohmann::json::array();
    for (const Told_Route &route : told_routes(ping, connection)) {
        json["routes"].push_back(
            {{"relay", route.relay},
             {"use", route.words.word},
             {"why", route.words.more},
             {"echo_round_trip_ms", route.echo_round_trip},
             {"proved_ms", route.proved_ms ? nlohmann::json(*route.proved_ms) : nlohmann::json{}}});
    }
}

std::string statistics(const Ping &ping) {
    std::string text = "\n--- " + to_string(ping.peer) + " ping statistics ---\n" +
                       ping_loss("packets", ping.sent.size(), ping.round_trips.size(), ping.twice, ping.began) + '\n';
    if (!ping.round_trips.empty()) {
        text += "rtt " + ping_spread(ping.round_trips) + '\n';
    }
    for (const auto &[relay, count] : ping.carried) {
        text += relay + " carried " + std::to_string(count) + '\n';
    }
    return text + routes_text(ping);
}

std::string summary_json(const Ping &ping) {
    nlohmann::json json{{"peer", to_string(ping.peer)}, {"mode", "data"},
                        {"sent", ping.sent.size()},     {"answered", ping.round_trips.size()},
                        {"answered_twice", ping.twice}, {"carried", ping.carried}};
    add_routes(ping, json);
    ping_add_times(json, ping.round_trips);
    return json.dump(2) + '\n';
}

} // namespace

int ping_by_data(Pinger &pinger, const Public_Key &peer) {
    Ping ping{.pinger = pinger, .peer = peer, .name = short_key(to_string(peer))};
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
    if (!ping_open(pinger, ping.connections, key, callbacks)) {
        return EXIT_FAILED;
    }
    Tcp_Connections *const tcp = ping.connections.tcp;
    ping.connection = new_tcp_connection_to(tcp, ping.peer, 0);
    if (ping.connection < 0) {
        complain("ping", std::string{"no connection to this key can be had: "} +
                             to_string(static_cast<Error>(ping.connection)));
        return EXIT_FAILED;
    }
    ping_add_relays(pinger, tcp, ping.connection);
    ping_say(pinger, format("PING %s over %zu %s: %u bytes", ping.name.c_str(), pinger.relays.size(),
                            pinger.relays.size() == 1 ? "relay" : "relays", pinger.options.size));
    if (!find_peer(ping)) {
        return pinger.interrupted ? EXIT_INTERRUPTED : EXIT_FAILED;
    }
    ping.began = now_us();
    ping_each_interval(
        pinger, [&ping] { send_ping(ping); }, [&ping] { return ping.round_trips.size() == ping.sent.size(); },
        [&ping](std::uint64_t wake) { turn(ping, wake); });
    ping_print(pinger, pinger.options.json ? summary_json(ping) : statistics(ping));
    return ping.round_trips.empty() ? EXIT_FAILED : EXIT_DONE;
}

} // namespace toxtcp
