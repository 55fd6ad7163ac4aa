// The output of the demo: event lines, the live table, the summary, JSON.
#include <algorithm>
#include <optional>

#include <nlohmann/json.hpp>

#include "tools/demo/demo.h"
#include "tools/shared/route_words.h"
#include "tools/shared/terminal.h"
#include "tools/shared/text.h"

namespace toxtcp {

namespace {

/// Number of latest events below the table. Table and events take 23 lines.
constexpr std::size_t TABLE_EVENTS = 10;

std::string event_line(const Demo_Event &event) {
    return format("%7.2f s  %s", seconds(event.at_us), event.text.c_str());
}

std::string relay_name(const Demo_Peer &peer, int handle) {
    const std::size_t index = relay_index(peer, handle);
    return index < DEMO_RELAYS ? "relay " + std::to_string(index + 1) : std::string{"no relay"};
}

std::uint64_t elapsed(const Demo &demo) {
    const std::uint64_t end = demo.ended != 0 ? demo.ended : now_us();
    return demo.began == 0 ? 0 : end - demo.began;
}

// ---- the table -------------------------------------------------------------------------------------------------

/// A relay as one peer sees it, and the peer's route over it to the other.
struct Relay_View {
    const char *state = "gone";
    std::uint32_t round_trip = 0; ///< ms, to the relay and back
    std::uint64_t sent = 0;
    bool carries = false;
    std::uint32_t echo_round_trip = 0; ///< ms, to the other peer and back; 0: not known
    std::uint64_t last_proved = 0;     ///< ms on the host's clock, 0: never
    Route_Words words;
};

Relay_View relay_view(const Demo_Peer &peer, std::size_t relay) {
    Relay_View view;
    Route_Facts facts;
    Relay_Info info;
    if (tcp_relay_info(peer.tcp, peer.relays[relay], info)) {
        view.state = to_string(info.state);
        view.round_trip = info.round_trip;
        view.sent = info.traffic.packets_sent;
        facts.relay_state = view.state;
        facts.relay_last_end = to_string(info.last_end);
    }
    Connection_Info connection;
    if (!tcp_connection_info(peer.tcp, peer.connection, connection)) {
        return view;
    }
    view.carries = connection.sending == peer.relays[relay];
    for (std::size_t i = 0; i < connection.routes_count; ++i) {
        const Route_Info &route = connection.routes[i];
        if (route.relay == peer.relays[relay]) {
            view.echo_round_trip = route.echo_round_trip;
            view.last_proved = route.last_proved;
            facts.use = to_string(route.use);
            facts.state = to_string(route.state);
            view.words = route_words(facts);
        }
    }
    return view;
}

/// How long ago the route was proved, ms.
std::optional<std::uint64_t> proved_ms(const Demo_Peer &peer, const Relay_View &view) {
    if (view.last_proved == 0) {
        return std::nullopt;
    }
    const std::uint64_t now = peer.watched.host.now(peer.watched.host.object);
    return now - std::min(now, view.last_proved);
}

constexpr const char *RELAY_HEADS = "relay  port process    echo proved  A to B          echo proved  B to A";
constexpr const char *RELAY_LEGEND = "echo: time to the other end and back; proved: time since an echo was answered";

std::string route_cells(const Demo_Peer &peer, std::size_t relay) {
    const Relay_View view = relay_view(peer, relay);
    const std::optional<std::uint64_t> proved = proved_ms(peer, view);
    return format("  %6s %6s  %-12s", round_trip(view.echo_round_trip).c_str(),
                  proved ? duration(*proved).c_str() : "-", view.words.word.c_str());
}

std::string relay_line(const Demo &demo, std::size_t relay) {
    const Relay_Process &process = demo.relays[relay];
    const std::string line =
        format("%5zu %5u %-7s", relay + 1, unsigned{process.address.port}, to_string(process.state)) +
        route_cells(demo.peers[0], relay) + route_cells(demo.peers[1], relay);
    return line.substr(0, line.find_last_not_of(' ') + 1);
}

std::string echoes_text(const Demo_Peer &peer) {
    Connection_Info info;
    return tcp_connection_info(peer.tcp, peer.connection, info)
               ? format("%u of %u", info.echoes_answered, info.echoes_sent)
               : "-";
}

/// The relays, and each peer's routes over them.
std::vector<std::string> relay_lines(const Demo &demo) {
    std::vector<std::string> lines{RELAY_HEADS};
    for (std::size_t relay = 0; relay < DEMO_RELAYS; ++relay) {
        lines.push_back(relay_line(demo, relay));
    }
    lines.push_back(format("echoes answered        %-30s%s", echoes_text(demo.peers[0]).c_str(),
                           echoes_text(demo.peers[1]).c_str()));
    lines.emplace_back(RELAY_LEGEND);
    return lines;
}

constexpr const char *STREAM_HEADS = "           sent received   lost  twice   late     delay   silence   longest";

std::string stream_line(const Demo &demo, std::size_t receiver) {
    const Stream &stream = demo.peers[receiver].incoming;
    const std::uint64_t end = demo.ended != 0 ? demo.ended : now_us();
    return format("%s  %7llu %8llu %6llu %6llu %6llu %6.2f ms %7.2f s %7.2f s", direction_name(demo, receiver).c_str(),
                  Count{stream.sent}, Count{stream.received}, Count{stream_lost(stream)}, Count{stream.duplicates},
                  Count{stream.out_of_order}, milliseconds(stream_median_delay(stream)),
                  seconds(end - std::min(end, stream.heard_at)), seconds(stream.longest_silence));
}

std::vector<std::string> table_lines(const Demo &demo) {
    std::vector<std::string> lines;
    lines.push_back(format("toxtcp demo   %.1f of %u s   %u packets/s each way   Ctrl-C ends it",
                           seconds(elapsed(demo)), demo.options.seconds, demo.options.rate));
    lines.emplace_back();
    const std::vector<std::string> relays = relay_lines(demo);
    lines.insert(lines.end(), relays.begin(), relays.end());
    lines.emplace_back();
    lines.emplace_back(STREAM_HEADS);
    lines.push_back(stream_line(demo, 1));
    lines.push_back(stream_line(demo, 0));
    lines.emplace_back();
    const std::size_t shown = std::min(TABLE_EVENTS, demo.events.size());
    for (std::size_t i = demo.events.size() - shown; i < demo.events.size(); ++i) {
        lines.push_back(event_line(demo.events[i]));
    }
    lines.resize(lines.size() + TABLE_EVENTS - shown);
    return lines;
}

// ---- the summary -----------------------------------------------------------------------------------------------

std::string streams_text(const Demo &demo) {
    std::string text = "             sent  received    lost  duplicated  out of order  refused     delay\n";
    for (const std::size_t receiver : {std::size_t{1}, std::size_t{0}}) {
        const Stream &stream = demo.peers[receiver].incoming;
        text += format("%s  %9llu %9llu %7llu %11llu %13llu %8llu %6.2f ms\n", direction_name(demo, receiver).c_str(),
                       Count{stream.sent}, Count{stream.received}, Count{stream_lost(stream)}, Count{stream.duplicates},
                       Count{stream.out_of_order}, Count{stream.refused}, milliseconds(stream_median_delay(stream)));
    }
    return text;
}

nlohmann::json stream_json(const Demo &demo, std::size_t receiver) {
    const Demo_Peer &sender = demo.peers[1 - receiver];
    const Stream &stream = demo.peers[receiver].incoming;
    Connection_Info info;
    const bool is_known = tcp_connection_info(sender.tcp, sender.connection, info);
    return {{"sent", stream.sent},
            {"refused", stream.refused},
            {"received", stream.received},
            {"lost", stream_lost(stream)},
            {"duplicated", stream.duplicates},
            {"out_of_order", stream.out_of_order},
            {"damaged", stream.damaged},
            {"delay_median_ms", milliseconds(stream_median_delay(stream))},
            {"delay_max_ms", milliseconds(stream.delay_max)},
            {"longest_silence_ms", milliseconds(stream.longest_silence)},
            {"moves", is_known ? info.moves : 0},
            {"echoes_sent", is_known ? info.echoes_sent : 0},
            {"echoes_answered", is_known ? info.echoes_answered : 0}};
}

nlohmann::json relay_json(const Demo &demo, std::size_t relay) {
    nlohmann::json json{{"relay", relay + 1},
                        {"address", to_string(demo.relays[relay].address)},
                        {"public_key", to_string(demo.relays[relay].key)},
                        {"process", to_string(demo.relays[relay].state)}};
    for (std::size_t i = 0; i < DEMO_PEERS; ++i) {
        const Relay_View view = relay_view(demo.peers[i], relay);
        const std::optional<std::uint64_t> proved = proved_ms(demo.peers[i], view);
        json[i == 0 ? "a" : "b"] = {{"state", view.state},
                                    {"round_trip_ms", view.round_trip},
                                    {"packets_sent", view.sent},
                                    {"carries", view.carries},
                                    {"route", view.words.word},
                                    {"why", view.words.detail},
                                    {"echo_round_trip_ms", view.echo_round_trip},
                                    {"proved_ms", proved ? nlohmann::json(*proved) : nlohmann::json{}}};
    }
    return json;
}

} // namespace

std::string direction_name(const Demo &demo, std::size_t receiver) {
    return std::string{demo.peers[1 - receiver].name} + " -> " + demo.peers[receiver].name;
}

std::size_t relay_index(const Demo_Peer &peer, int handle) {
    const auto found = std::find(peer.relays.begin(), peer.relays.end(), handle);
    return handle < 0 ? DEMO_RELAYS : static_cast<std::size_t>(found - peer.relays.begin());
}

void show_event(Demo &demo, const std::string &text) {
    demo.events.push_back({demo.began == 0 ? 0 : now_us() - demo.began, text});
    if (demo.view == Demo_View::lines) {
        demo_print(demo, event_line(demo.events.back()) + '\n');
    }
}

void show_change(Demo_Peer &peer, const Change &change) {
    Demo &demo = *peer.demo;
    const Demo_Peer &other = demo.peers[&peer == &demo.peers[0] ? 1 : 0];
    const std::size_t index = relay_index(peer, change.relay);
    if (index < DEMO_RELAYS && (change.kind == Change_Kind::relay_up || change.kind == Change_Kind::relay_down)) {
        const bool was_down = peer.down[index];
        peer.down[index] = change.kind == Change_Kind::relay_down;
        if (was_down && peer.down[index]) {
            return;
        }
    }
    const std::string name = std::string{peer.name} + ": ";
    const std::string relay = relay_name(peer, change.relay);
    const std::string why = change.reason == Reason::none ? "" : std::string{" ("} + to_string(change.reason) + ')';
    switch (change.kind) {
    case Change_Kind::relay_up:
        show_event(demo, name + relay + " is connected");
        break;
    case Change_Kind::relay_down:
        show_event(demo, name + relay + " is down" + why);
        break;
    case Change_Kind::relay_gone:
        show_event(demo, name + relay + " is given up" + why);
        break;
    case Change_Kind::relay_stale:
        show_event(demo, name + relay + " is stale: a probe is unanswered");
        break;
    case Change_Kind::relay_recovered:
        show_event(demo, name + relay + " answers again");
        break;
    case Change_Kind::relay_failed:
        show_event(demo, name + relay + " delivers nothing: left for another");
        break;
    case Change_Kind::route_online:
        show_event(demo, name + other.name + " is online at " + relay);
        break;
    case Change_Kind::route_offline:
        show_event(demo, name + other.name + " is offline at " + relay);
        break;
    case Change_Kind::route_pruned:
        show_event(demo, name + "leaves the route at " + relay);
        break;
    case Change_Kind::moved:
        show_event(demo, name + "sends over " + relay +
                             (change.previous < 0 ? "" : ", no longer over " + relay_name(peer, change.previous)));
        break;
    }
}

void draw_table(Demo &demo) {
    if (demo.view != Demo_View::table) {
        return;
    }
    const std::vector<std::string> lines = table_lines(demo);
    // The last column stays empty: a character there may move the cursor to the next line.
    const std::size_t columns = terminal_size().columns - 1;
    std::string screen;
    if (demo.table_drawn) {
        screen = "\r\033[" + std::to_string(lines.size()) + 'A';
    }
    for (const std::string &line : lines) {
        screen += line.substr(0, columns) + "\033[K\n";
    }
    demo.table_drawn = true;
    demo_print(demo, screen);
}

std::vector<std::string> demo_failures(const Demo &demo) {
    std::vector<std::string> failures;
    const std::uint64_t alive_from = demo.ended - ALIVE_WITHIN_US - 1'000'000 / demo.options.rate;
    for (std::size_t receiver = 0; receiver < DEMO_PEERS; ++receiver) {
        const Stream &stream = demo.peers[receiver].incoming;
        const std::string direction = direction_name(demo, receiver);
        if (stream.longest_silence > MAX_SILENCE_US) {
            failures.push_back(direction + format(" was silent for %.1f s", seconds(stream.longest_silence)));
        }
        if (stream.received == 0 || stream.heard_at < alive_from) {
            failures.push_back(direction + " was not alive at the end");
        }
        if (stream.duplicates != 0) {
            failures.push_back(direction + format(" brought %llu packets twice", Count{stream.duplicates}));
        }
        if (stream.damaged != 0) {
            failures.push_back(direction + format(" brought %llu packets that were never sent", Count{stream.damaged}));
        }
    }
    if (demo.relay_failed) {
        failures.emplace_back("a relay process ended by itself");
    }
    return failures;
}

std::string summary_text(const Demo &demo) {
    std::string text = format("\nAfter %.1f s%s:\n", seconds(elapsed(demo)), demo.interrupted ? " (interrupted)" : "") +
                       streams_text(demo);
    if (demo.view == Demo_View::lines) { // the table has shown them already
        text += '\n';
        for (const std::string &line : relay_lines(demo)) {
            text += line + '\n';
        }
    }
    text +=
        "\nLongest silence after               " + direction_name(demo, 1) + "     " + direction_name(demo, 0) + '\n';
    for (const Demo_Fault &fault : demo.faults) {
        text += format("%6.1f s  %-24s %6.2f s   %6.2f s\n", seconds(fault.at_us), fault.text.c_str(),
                       seconds(fault.silence[1]), seconds(fault.silence[0]));
    }
    const std::vector<std::string> failures = demo_failures(demo);
    if (failures.empty()) {
        return text + "\nThe connection held" + (demo.interrupted ? " so far" : "") + ".\n";
    }
    text += "\nThe connection did not hold:\n";
    for (const std::string &what : failures) {
        text += "  " + what + '\n';
    }
    return text;
}

std::string summary_json(const Demo &demo) {
    nlohmann::json json;
    const std::vector<std::string> failures = demo_failures(demo);
    json["held"] = failures.empty();
    json["why_not"] = failures;
    json["interrupted"] = demo.interrupted;
    json["seconds"] = seconds(elapsed(demo));
    json["rate"] = demo.options.rate;
    json["a_to_b"] = stream_json(demo, 1);
    json["b_to_a"] = stream_json(demo, 0);
    json["faults"] = nlohmann::json::array();
    for (const Demo_Fault &fault : demo.faults) {
        json["faults"].push_back(
            {{"at_s", seconds(fault.at_us)},
             {"what", fault.text},
             {"longest_silence_ms",
              {{"a_to_b", milliseconds(fault.silence[1])}, {"b_to_a", milliseconds(fault.silence[0])}}}});
    }
    json["relays"] = nlohmann::json::array();
    for (std::size_t relay = 0; relay < DEMO_RELAYS; ++relay) {
        json["relays"].push_back(relay_json(demo, relay));
    }
    json["events"] = nlohmann::json::array();
    for (const Demo_Event &event : demo.events) {
        json["events"].push_back({{"at_s", seconds(event.at_us)}, {"what", event.text}});
    }
    return json.dump(2) + '\n';
}

} // namespace toxtcp
