// `toxtcp ping --data`: sends data packets to a `toxtcp ping --listen` over the route that the library chooses, and
// times the answers.
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

struct Data_Ping {
    Pinger &pinger;
    Public_Key peer{};
    std::string name{}; ///< the peer's key, shortened
    Ping_Connections connections{};
    int connection = -1;
    std::uint64_t run = 0;
    std::vector<std::uint64_t> sent_at{}; ///< us, when each ping was sent, by number
    std::vector<bool> answered{};         ///< by number
    std::vector<double> round_trips{};    ///< ms, in the order of the answers
    std::uint64_t duplicates = 0;
    std::uint64_t began_at = 0;
    std::map<std::string, std::uint64_t> answers_by_relay{}; ///< number of answers, by the name of the relay
};

/// "192.0.2.1:33445", or "no relay".
std::string relay_name(const Data_Ping &ping, int relay) {
    Relay_Info info;
    return tcp_relay_info(ping.connections.tcp, relay, info) ? endpoint_text(info) : "no relay";
}

/// The path of an answer, in words: the relay that data is sent over and, if it is another, the relay that the answer
/// came over. `carrier`: the relay that the answer came over.
std::string answer_path(const Data_Ping &ping, std::string &carrier) {
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

void handle_answer(Data_Ping &ping, Bytes packet) {
    const std::uint64_t now = now_us();
    Ping_Head head{};
    if (!decode_ping(packet, head) || head.kind != Ping_Kind::answer || head.run != ping.run ||
        head.number >= ping.sent_at.size()) {
        return;
    }
    if (ping.answered[head.number]) {
        ++ping.duplicates;
        return;
    }
    ping.answered[head.number] = true;
    const double round_trip = milliseconds(now - ping.sent_at[head.number]);
    ping.round_trips.push_back(round_trip);
    std::string carrier;
    const std::string via = answer_path(ping, carrier);
    ++ping.answers_by_relay[carrier];
    ping_print_line(ping.pinger, format("%zu bytes from %s: seq=%llu via %s time=%.3f ms", packet.size(),
                                        ping.name.c_str(), Count{head.number + 1}, via.c_str(), round_trip));
}

void handle_change(void *object, const Change &change, void *) {
    const Data_Ping &ping = *static_cast<Data_Ping *>(object);
    if (change.kind == Change_Kind::moved && change.previous >= 0) {
        ping_print_line(ping.pinger,
                        "now over " + relay_name(ping, change.relay) + ", no longer over " +
                            relay_name(ping, change.previous) +
                            (change.reason == Reason::none ? "" : std::string{" ("} + to_string(change.reason) + ')'));
    }
}

bool is_online(const Data_Ping &ping) {
    return tcp_connection_to_online_tcp_relays(ping.connections.tcp, ping.connection) != 0;
}

void wait_and_serve(Data_Ping &ping, std::uint64_t wake_at) {
    ping_wait_and_serve(ping.pinger, {&ping.connections.tcp, 1}, wake_at);
}

/// Sends hello packets, as OOB packets, until the peer is online at one of the relays. False if that takes too long.
bool wait_for_peer(Data_Ping &ping) {
    Pinger &pinger = ping.pinger;
    const std::uint64_t end = now_us() + pinger.connect_timeout;
    std::uint64_t next_hello = 0;
    while (!is_online(ping) && now_us() < end && !pinger.interrupted) {
        if (now_us() >= next_hello) {
            next_hello = now_us() + HELLO_EVERY_US;
            const Ping_Head hello{ping.run, 0, Ping_Kind::hello};
            static_cast<void>(
                send_packet_tcp_connection(ping.connections.tcp, ping.connection, encode_ping(hello, MIN_PING_SIZE)));
        }
        wait_and_serve(ping, std::min(next_hello, end));
    }
    const bool is_found = is_online(ping);
    if (!is_found && !pinger.interrupted) {
        if (tcp_connected_relays_count(ping.connections.tcp) == 0) {
            ping_diagnose_relays(pinger, ping.connections);
        } else {
            print_error("ping",
                        ping.name +
                            " does not answer through these relays. Does `toxtcp ping --listen` run there, over "
                            "one of them, and is this the key that it printed?");
        }
    }
    return is_found;
}

void send_ping(Data_Ping &ping) {
    const std::uint64_t number = ping.sent_at.size();
    if (number != 0 && !ping.answered[number - 1]) {
        ping_print_line(ping.pinger, format("no answer yet to seq=%llu", Count{number}));
    }
    ping.sent_at.push_back(now_us());
    ping.answered.push_back(false);
    const std::vector<std::uint8_t> packet =
        encode_ping({ping.run, number, Ping_Kind::request}, ping.pinger.options.size);
    const Error error = send_packet_tcp_connection(ping.connections.tcp, ping.connection, packet);
    if (error != Error::ok) {
        ping_print_line(ping.pinger, format("seq=%llu was not sent: %s", Count{number + 1}, to_string(error)));
    }
}

/// A route as the summary shows it.
struct Route_Summary {
    std::string relay;
    Route_Words words;
    std::uint64_t echo_round_trip = 0; ///< ms; 0: not known
    std::optional<std::uint64_t> proved_ms;
};

std::vector<Route_Summary> route_summaries(const Data_Ping &ping, const Connection_Info &connection) {
    const std::uint64_t now = ping.connections.watched.host.now(ping.connections.watched.host.object);
    std::vector<Route_Summary> summaries;
    for (std::size_t i = 0; i < connection.routes_count; ++i) {
        const Route_Info &route = connection.routes[i];
        Relay_Info relay;
        if (tcp_relay_info(ping.connections.tcp, route.relay, relay)) {
            Route_Summary &summary = summaries.emplace_back();
            summary.relay = endpoint_text(relay);
            summary.words = route_words(
                {to_string(route.use), to_string(route.state), to_string(relay.state), to_string(relay.last_end)});
            summary.echo_round_trip = route.echo_round_trip;
            if (route.last_proved != 0) {
                summary.proved_ms = now - std::min(now, route.last_proved);
            }
        }
    }
    return summaries;
}

std::string routes_text(const Data_Ping &ping) {
    Connection_Info connection;
    if (!tcp_connection_info(ping.connections.tcp, ping.connection, connection)) {
        return {};
    }
    std::string text = format("%u echoes sent, %u answered\n", connection.echoes_sent, connection.echoes_answered);
    for (const Route_Summary &route : route_summaries(ping, connection)) {
        text += "route over " + route.relay + ": " + route.words.word + (route.words.detail.empty() ? "" : ", ") +
                route.words.detail;
        if (route.proved_ms) {
            text += "; echo " + round_trip(route.echo_round_trip) + ", the last answered " +
                    duration(*route.proved_ms) + " ago";
        }
        text += '\n';
    }
    return text;
}

void add_routes(const Data_Ping &ping, nlohmann::json &json) {
    Connection_Info connection;
    if (!tcp_connection_info(ping.connections.tcp, ping.connection, connection)) {
        return;
    }
    json["echoes_sent"] = connection.echoes_sent;
    json["echoes_answered"] = connection.echoes_answered;
    json["routes"] = nlohmann::json::array();
    for (const Route_Summary &route : route_summaries(ping, connection)) {
        json["routes"].push_back(
            {{"relay", route.relay},
             {"use", route.words.word},
             {"why", route.words.detail},
             {"echo_round_trip_ms", route.echo_round_trip},
             {"proved_ms", route.proved_ms ? nlohmann::json(*route.proved_ms) : nlohmann::json{}}});
    }
}

std::string statistics(const Data_Ping &ping) {
    std::string text =
        "\n--- " + to_string(ping.peer) + " ping statistics ---\n" +
        ping_loss("packets", ping.sent_at.size(), ping.round_trips.size(), ping.duplicates, ping.began_at) + '\n';
    if (!ping.round_trips.empty()) {
        text += "rtt " + ping_spread(ping.round_trips) + '\n';
    }
    for (const auto &[relay, count] : ping.answers_by_relay) {
        text += relay + " carried " + std::to_string(count) + '\n';
    }
    return text + routes_text(ping);
}

std::string summary_json(const Data_Ping &ping) {
    nlohmann::json json{{"peer", to_string(ping.peer)},      {"mode", "data"},
                        {"sent", ping.sent_at.size()},       {"answered", ping.round_trips.size()},
                        {"answered_twice", ping.duplicates}, {"carried", ping.answers_by_relay}};
    add_routes(ping, json);
    ping_add_times(json, ping.round_trips);
    return json.dump(2) + '\n';
}

} // namespace

int ping_by_data(Pinger &pinger, const Public_Key &peer) {
    Data_Ping ping{.pinger = pinger, .peer = peer, .name = short_key(to_string(peer))};
    Public_Key own;
    Secret_Key key;
    new_key_pair(own, key);
    std::memcpy(&ping.run, own.data(), sizeof ping.run);
    Callbacks callbacks;
    callbacks.object = &ping;
    callbacks.data = [](void *object, int, Bytes packet, void *) {
        handle_answer(*static_cast<Data_Ping *>(object), packet);
        return false;
    };
    callbacks.change = handle_change;
    if (!ping_open(pinger, ping.connections, key, callbacks)) {
        return EXIT_FAILED;
    }
    Tcp_Connections *const tcp = ping.connections.tcp;
    ping.connection = new_tcp_connection_to(tcp, ping.peer, 0);
    if (ping.connection < 0) {
        print_error("ping", std::string{"no connection to this key can be had: "} +
                                to_string(static_cast<Error>(ping.connection)));
        return EXIT_FAILED;
    }
    ping_add_relays(pinger, tcp, ping.connection);
    ping_print_line(pinger, format("PING %s over %zu %s: %u bytes", ping.name.c_str(), pinger.relays.size(),
                                   pinger.relays.size() == 1 ? "relay" : "relays", pinger.options.size));
    if (!wait_for_peer(ping)) {
        return pinger.interrupted ? EXIT_INTERRUPTED : EXIT_FAILED;
    }
    ping.began_at = now_us();
    ping_each_interval(
        pinger, [&ping] { send_ping(ping); }, [&ping] { return ping.round_trips.size() == ping.sent_at.size(); },
        [&ping](std::uint64_t wake_at) { wait_and_serve(ping, wake_at); });
    ping_print(pinger, pinger.options.json ? summary_json(ping) : statistics(ping));
    return ping.round_trips.empty() ? EXIT_FAILED : EXIT_DONE;
}

} // namespace toxtcp
