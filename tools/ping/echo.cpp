// `toxtcp ping`: sends end-to-end echoes to any Tox peer, over every relay at once. A Tox client answers each echo
// (toxtcp/echo.h) over the relay that the echo came by. It answers everybody, and its user does not notice.
#include <algorithm>
#include <deque>

#include <toxtcp/echo.h>

#include "tools/ping/tried_relay.h"
#include "tools/shared/output.h"
#include "tools/shared/text.h"

namespace toxtcp {

namespace {

/// After the first relay is connected, the others have this time to connect, so that each can carry the first echo.
constexpr std::uint64_t OTHERS_WITHIN_US = SECOND_US;

struct Echo_Ping;

/// One relay, with a `Tcp_Connections` of its own: a shared one would keep only three global relays connected.
struct Echo_Relay {
    Echo_Ping *ping = nullptr;
    std::uint16_t index = 0; ///< in `Echo_Ping::relays`
    Tried_Relay tried{};
    bool printed_up = false;              ///< the last line about this relay said that it is connected
    std::vector<std::uint64_t> sent_at{}; ///< us, when each echo was sent, by the ping's number; 0: not sent
    std::vector<bool> answered{};         ///< by the ping's number
    std::vector<double> round_trips{};    ///< ms, in the order of the answers
    std::uint64_t last_answer_at = 0;     ///< us, when the last answer came; 0: never
    std::size_t sent_count = 0;
    std::uint64_t duplicates = 0;
};

struct Echo_Ping {
    Pinger &pinger;
    Public_Key peer{};
    std::string name{}; ///< the peer's key, shortened
    Public_Key own_key{};
    Secret_Key shared{};
    std::uint64_t number_mask = 0;   ///< random; makes the numbers of this run differ from those of other runs
    std::deque<Echo_Relay> relays{}; ///< a deque, so that its elements do not move
    std::vector<Tcp_Connections *> all_connections{}; ///< those of all relays
    std::size_t pings = 0;                            ///< number of pings; each is one echo over every relay
    std::vector<bool> answered{};                     ///< by the ping's number: an answer came over at least one relay
    std::vector<double> round_trips{};                ///< ms, of the first answer to each ping
    std::uint64_t duplicates = 0;
    bool peer_has_library = false; ///< the last answer was made by this library, not by net_crypto
    std::uint64_t began_at = 0;    ///< us, the first ping; 0: not yet
};

// ---- the number in an echo: it tells the ping and the relay; only the peer can read it -------------------------

std::uint64_t make_number(const Echo_Relay &relay, std::size_t ping) {
    return (std::uint64_t{ping} << 16 | relay.index) ^ relay.ping->number_mask;
}

/// Finds the relay over which the echo with this number was sent, and the number of its ping. Null if no such echo was
/// sent.
Echo_Relay *find_sent_echo(Echo_Ping &ping, std::uint64_t number, std::size_t &ping_number) {
    number ^= ping.number_mask;
    const std::size_t index = number & 0xFFFF;
    ping_number = number >> 16;
    if (index >= ping.relays.size() || ping_number >= ping.pings || ping.relays[index].sent_at[ping_number] == 0) {
        return nullptr;
    }
    return &ping.relays[index];
}

// ---- receiving -------------------------------------------------------------------------------------------------

void handle_oob(void *object, const Public_Key &sender, int, Bytes packet, void *) {
    const std::uint64_t now = now_us();
    const Echo_Relay &arrived_over = *static_cast<Echo_Relay *>(object);
    Echo_Ping &ping = *arrived_over.ping;
    std::uint64_t number = 0;
    bool peer_has_library = false;
    std::size_t ping_number = 0;
    if (sender != ping.peer || !open_echo_response(ping.shared, packet, number, peer_has_library)) {
        return;
    }
    Echo_Relay *const relay = find_sent_echo(ping, number, ping_number);
    if (relay == nullptr) {
        return;
    }
    if (relay->answered[ping_number]) {
        ++relay->duplicates;
        ++ping.duplicates;
        return;
    }
    relay->answered[ping_number] = true;
    relay->last_answer_at = now;
    ping.peer_has_library = peer_has_library;
    const double round_trip = milliseconds(now - relay->sent_at[ping_number]);
    relay->round_trips.push_back(round_trip);
    if (!ping.answered[ping_number]) {
        ping.answered[ping_number] = true;
        ping.round_trips.push_back(round_trip);
    }
    const std::string return_text = relay == &arrived_over ? "" : ", back via " + arrived_over.tried.name;
    ping_print_line(ping.pinger,
                    format("%zu bytes from %s: seq=%zu via %s%s time=%.3f ms", packet.size(), ping.name.c_str(),
                           ping_number + 1, relay->tried.name.c_str(), return_text.c_str(), round_trip));
}

void handle_relay_change(void *object, const Change &change, void *) {
    Echo_Relay &relay = *static_cast<Echo_Relay *>(object);
    tried_relay_changed(relay.tried, change);
    const bool now_up = is_up(relay.tried);
    if (now_up == relay.printed_up || relay.ping->began_at == 0) {
        return;
    }
    relay.printed_up = now_up; // the failed attempts that follow are not printed
    ping_print_line(relay.ping->pinger, relay.tried.name + (now_up ? " is connected"
                                                                   : std::string{" is not connected any more: "} +
                                                                         to_string(change.reason)));
}

// ---- sending ---------------------------------------------------------------------------------------------------

void send_ping(Echo_Ping &ping) {
    const std::size_t number = ping.pings++;
    if (number != 0 && !ping.answered[number - 1]) {
        ping_print_line(ping.pinger, format("no answer yet to seq=%zu", number));
    }
    ping.answered.push_back(false);
    bool is_sent = false;
    Error error = Error::not_online;
    for (Echo_Relay &relay : ping.relays) {
        relay.sent_at.push_back(0);
        relay.answered.push_back(false);
        if (!is_up(relay.tried)) {
            continue;
        }
        std::array<std::uint8_t, ECHO_REQUEST_SIZE> request;
        make_echo_request(ping.shared, system_random(), ping.own_key, {.number = make_number(relay, number)}, request);
        const std::uint64_t now = now_us();
        error = tcp_send_oob_packet_using_relay(relay.tried.connections.tcp, key_of(relay.tried), ping.peer, request);
        if (error == Error::ok) {
            relay.sent_at[number] = now;
            ++relay.sent_count;
            is_sent = true;
        }
    }
    if (!is_sent) {
        ping_print_line(ping.pinger, format("seq=%zu was not sent: %s", number + 1, to_string(error)));
    }
}

bool all_answered(const Echo_Ping &ping) {
    return std::all_of(ping.relays.begin(), ping.relays.end(),
                       [](const Echo_Relay &relay) { return relay.round_trips.size() == relay.sent_count; });
}

std::size_t connected_count(const Echo_Ping &ping) {
    return static_cast<std::size_t>(std::count_if(ping.relays.begin(), ping.relays.end(),
                                                  [](const Echo_Relay &relay) { return is_up(relay.tried); }));
}

bool connect_relays(Echo_Ping &ping) {
    Secret_Key key;
    new_key_pair(ping.own_key, key);
    // This cannot fail: `usage_fault` has refused weak keys.
    if (!echo_shared_key(key, ping.peer, ping.shared)) {
        return false;
    }
    const Random random = system_random();
    random.fill(random.object, {reinterpret_cast<std::uint8_t *>(&ping.number_mask), sizeof ping.number_mask});
    for (const Relay_Addresses &addresses : ping.pinger.relays) {
        const auto index = static_cast<std::uint16_t>(ping.relays.size());
        Echo_Relay &relay = ping.relays.emplace_back();
        relay.ping = &ping;
        relay.index = index;
        Callbacks callbacks;
        callbacks.object = &relay;
        callbacks.oob = handle_oob;
        callbacks.change = handle_relay_change;
        if (!tried_relay_open(ping.pinger, relay.tried, addresses, key, callbacks)) {
            return false;
        }
        ping.all_connections.push_back(relay.tried.connections.tcp);
    }
    std::uint64_t end = now_us() + ping.pinger.connect_timeout;
    while (connected_count(ping) < ping.relays.size() && now_us() < end && !ping.pinger.interrupted) {
        ping_wait_and_serve(ping.pinger, ping.all_connections, end);
        if (connected_count(ping) != 0) {
            end = std::min(end, now_us() + OTHERS_WITHIN_US);
        }
    }
    for (Echo_Relay &relay : ping.relays) {
        relay.printed_up = is_up(relay.tried);
        if (!relay.printed_up && connected_count(ping) != 0) {
            ping_print_line(ping.pinger, relay.tried.name + " is not connected: " + why_not_connected(relay.tried));
        }
    }
    return true;
}

// ---- the summary at the end ------------------------------------------------------------------------------------

const char *answerer_name(const Echo_Ping &ping) {
    return ping.peer_has_library ? "toxtcp" : "net_crypto";
}

std::string statistics(const Echo_Ping &ping) {
    std::string text = "\n--- " + to_string(ping.peer) + " ping statistics ---\n" +
                       ping_loss("pings", ping.pings, ping.round_trips.size(), ping.duplicates, ping.began_at) + '\n';
    if (!ping.round_trips.empty()) {
        text += "first answer " + ping_spread(ping.round_trips) +
                (ping.peer_has_library ? ", from this library\n" : ", from a Tox client\n");
    }
    for (const Echo_Relay &relay : ping.relays) {
        text += "via " + relay.tried.name + ": ";
        if (relay.sent_count == 0) {
            text += "not connected (" + why_not_connected(relay.tried) + ")\n";
        } else if (relay.round_trips.empty()) {
            text += format("0 of %zu answered\n", relay.sent_count);
        } else {
            text += format("%zu of %zu answered, the last %s ago, %s\n", relay.round_trips.size(), relay.sent_count,
                           duration((now_us() - relay.last_answer_at) / 1'000).c_str(),
                           ping_spread(relay.round_trips).c_str());
        }
    }
    return text;
}

std::string summary_json(const Echo_Ping &ping) {
    nlohmann::json relays = nlohmann::json::array();
    for (const Echo_Relay &relay : ping.relays) {
        const bool is_connected = is_up(relay.tried);
        nlohmann::json relay_object{
            {"relay", relay.tried.name},         {"public_key", to_string(key_of(relay.tried))},
            {"connected", is_connected},         {"why", is_connected ? "" : why_not_connected(relay.tried)},
            {"sent", relay.sent_count},          {"answered", relay.round_trips.size()},
            {"answered_twice", relay.duplicates}};
        relay_object["last_answer_ms"] =
            relay.last_answer_at == 0 ? nlohmann::json{} : nlohmann::json((now_us() - relay.last_answer_at) / 1'000);
        ping_add_times(relay_object, relay.round_trips);
        relays.push_back(std::move(relay_object));
    }
    nlohmann::json json{
        {"peer", to_string(ping.peer)},
        {"mode", "echo"},
        {"sent", ping.pings},
        {"answered", ping.round_trips.size()},
        {"answered_twice", ping.duplicates},
        {"answered_by", ping.round_trips.empty() ? nlohmann::json{} : nlohmann::json(answerer_name(ping))},
        {"relays", std::move(relays)}};
    ping_add_times(json, ping.round_trips);
    return json.dump(2) + '\n';
}

} // namespace

int ping_by_echo(Pinger &pinger, const Public_Key &peer) {
    Echo_Ping ping{.pinger = pinger, .peer = peer, .name = short_key(to_string(peer))};
    ping_print_line(pinger, format("PING %s over %zu %s: echoes of %zu bytes", ping.name.c_str(), pinger.relays.size(),
                                   pinger.relays.size() == 1 ? "relay" : "relays", ECHO_REQUEST_SIZE));
    if (!connect_relays(ping)) {
        return EXIT_FAILED;
    }
    if (connected_count(ping) == 0 && !pinger.interrupted) {
        std::vector<Tried_Relay *> relays;
        for (Echo_Relay &relay : ping.relays) {
            relays.push_back(&relay.tried);
        }
        print_failures(pinger, relays);
    }
    if (pinger.interrupted) {
        return EXIT_INTERRUPTED;
    }
    if (connected_count(ping) == 0) {
        return EXIT_FAILED;
    }
    ping.began_at = now_us();
    ping_each_interval(
        pinger, [&ping] { send_ping(ping); }, [&ping] { return all_answered(ping); },
        [&ping](std::uint64_t wake_at) { ping_wait_and_serve(ping.pinger, ping.all_connections, wake_at); });
    ping_print(pinger, pinger.options.json ? summary_json(ping) : statistics(ping));
    if (ping.round_trips.empty()) {
        print_error("ping",
                    ping.name +
                        " answers no echo over these relays. Is it connected to one of them, and is this its DHT "
                        "key? That is not the key in its Tox ID, and a client has a new one each time it starts");
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

} // namespace toxtcp
