// `toxtcp top`: shows a running host's relays and peers, from the snapshots that the host writes.
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <map>
#include <numeric>
#include <tuple>

#include <poll.h>
#include <unistd.h>

#include "tools/commands.h"
#include "tools/shared/clock.h"
#include "tools/shared/output.h"
#include "tools/shared/route_words.h"
#include "tools/shared/signals.h"
#include "tools/shared/terminal.h"
#include "tools/shared/text.h"
#include "tools/top/snapshot.h"
#include "tools/top/snapshot_source.h"

namespace toxtcp {

namespace {

/// After this time without a new snapshot, the view says that the host may have ended.
constexpr std::uint64_t STALE_AFTER_US = 3 * SECOND_US;
/// Most characters of a line.
constexpr std::size_t MAX_COLUMNS = 80;

struct Rate {
    double sent = 0; ///< packets per second
    double received = 0;
};

struct Top {
    Top_Options options;
    int signals = -1;
    Screen screen;
    bool is_ending = false;
    bool shows_routes = true;            ///< the routes are shown
    bool needs_drawing = true;           ///< the screen is to be drawn again
    Snapshot_Source source;              ///< of the snapshot that is being read, if any
    Snapshot newest;                     ///< the newest snapshot
    Snapshot previous;                   ///< the snapshot before `newest`, of another time
    bool has_snapshot = false;           ///< `newest` has been read
    std::uint64_t newest_written_at = 0; ///< us, when `newest` was written
    std::string error;                   ///< why there is no newer snapshot; empty: no error
    std::map<int, Rate> relay_rates;     ///< by handle
    std::map<int, Rate> peer_rates;      ///< by handle
};

// ---- reading ---------------------------------------------------------------------------------------------------

/// The rate per second between two counts. 0 if the count is lower than before: it has started again.
double per_second(std::uint64_t now, std::uint64_t before, std::uint64_t ms) {
    return now < before || ms == 0 ? 0 : static_cast<double>(now - before) * 1e3 / static_cast<double>(ms);
}

template <class Counted>
std::map<int, Rate> rates_of(const std::vector<Counted> &now, const std::vector<Counted> &before, std::uint64_t ms) {
    std::map<int, Rate> rates;
    for (const Counted &counted : now) {
        const auto old = std::find_if(before.begin(), before.end(), [&counted](const Counted &other) {
            return other.handle == counted.handle && other.public_key == counted.public_key;
        });
        if (old != before.end()) {
            rates[counted.handle] = {per_second(counted.packets_sent, old->packets_sent, ms),
                                     per_second(counted.packets_received, old->packets_received, ms)};
        }
    }
    return rates;
}

void add_snapshot(Top &top, const Snapshot &snapshot, std::uint64_t written_at) {
    if (top.has_snapshot && snapshot.time_ms == top.newest.time_ms) {
        return;
    }
    top.previous = top.newest;
    top.newest = snapshot;
    const std::uint64_t ms = snapshot.time_ms - std::min(snapshot.time_ms, top.previous.time_ms);
    top.relay_rates = rates_of(top.newest.relays, top.previous.relays, ms);
    top.peer_rates = rates_of(top.newest.peers, top.previous.peers, ms);
    top.has_snapshot = true;
    top.newest_written_at = written_at;
}

void end_reading(Top &top, Source_State state) {
    Snapshot snapshot;
    if (state != Source_State::whole) {
        return;
    }
    if (parse_snapshot(top.source.text, snapshot, top.error)) {
        top.error.clear();
        add_snapshot(top, snapshot, top.source.written_at);
    } else {
        top.error = top.source.path + ' ' + top.error;
    }
}

void begin_reading(Top &top) {
    end_reading(top, source_open(top.source, top.error));
}

void continue_reading(Top &top) {
    end_reading(top, source_read(top.source, top.error));
}

bool is_reading(const Top &top) {
    return top.source.descriptor >= 0;
}

/// A timeout for `poll`, rounded up, so that `poll` does not return too early.
int milliseconds_until(std::uint64_t when) {
    const std::uint64_t now = now_us();
    return when > now ? static_cast<int>((when - now) / 1'000 + 1) : 0;
}

// ---- showing ---------------------------------------------------------------------------------------------------

/// The end of the text, since addresses differ at their ends: at most `width` characters, after two dots if it is cut.
std::string keep_end(const std::string &text, std::size_t width) {
    return text.size() <= width ? text : ".." + text.substr(text.size() - width + 2);
}

const Snapshot_Relay *find_relay(const Snapshot &snapshot, int handle) {
    const auto found = std::find_if(snapshot.relays.begin(), snapshot.relays.end(),
                                    [handle](const Snapshot_Relay &relay) { return relay.handle == handle; });
    return found == snapshot.relays.end() ? nullptr : &*found;
}

Rate rate_of(const std::map<int, Rate> &rates, int handle) {
    const auto found = rates.find(handle);
    return found == rates.end() ? Rate{} : found->second;
}

constexpr const char *RELAY_HEADS = "RELAY                 STATE       UP FOR    PING PEERS USED  OUT/S   IN/S FAULTS";

std::string relay_line(const Top &top, const Snapshot_Relay &relay) {
    const Rate rate = rate_of(top.relay_rates, relay.handle);
    return format("%-21s %-10s %7s %7s %5llu %4llu %6.1f %6.1f %6llu", keep_end(relay.address, 21).c_str(),
                  relay.state.substr(0, 10).c_str(), relay.connected_ms ? duration(*relay.connected_ms).c_str() : "-",
                  round_trip(relay.round_trip_ms).c_str(), Count{relay.online}, Count{relay.carries}, rate.sent,
                  rate.received, Count{relay.times_stale + relay.failures});
}

constexpr const char *PEER_HEADS = "PEER         ROUTES HEARD AGO ECHOES SENT ANSWERED MOVES  OUT/S   IN/S FAULTS";
constexpr const char *ROUTE_HEADS = "  ROUTE OVER               ECHO PROVED AGO  USED, OR WHY NOT";

/// How long ago the peer was heard. "unproved": packets came, but the host cannot tell whether the peer sent them.
std::string heard_text(const Snapshot_Peer &peer) {
    return peer.heard_ms ? duration(*peer.heard_ms) : peer.packets_received != 0 ? "unproved" : "never";
}

std::string peer_line(const Top &top, const Snapshot_Peer &peer) {
    const Rate rate = rate_of(top.peer_rates, peer.handle);
    const std::string routes = peer.awake ? format("%zu/%zu", peer.online, peer.routes.size()) : "asleep";
    return format("%-12s %6s %9s %11llu %8llu %5llu %6.1f %6.1f %6llu", short_key(peer.public_key).c_str(),
                  routes.c_str(), heard_text(peer).c_str(), Count{peer.echoes_sent}, Count{peer.echoes_answered},
                  Count{peer.moves}, rate.sent, rate.received, Count{peer.failures});
}

std::string route_line(const Top &top, const Snapshot_Route &route) {
    const Snapshot_Relay *const relay = find_relay(top.newest, route.relay);
    Route_Facts facts{route.use, route.state, "", ""};
    if (relay != nullptr) {
        facts.relay_state = relay->state;
        facts.relay_last_end = relay->last_end;
    }
    const Route_Words words = route_words(facts);
    const std::string line =
        format("  %-21s %7s %10s  %s%s%s", relay == nullptr ? "?" : keep_end(relay->address, 21).c_str(),
               round_trip(route.echo_round_trip_ms).c_str(), route.proved_ms ? duration(*route.proved_ms).c_str() : "-",
               words.word.c_str(), words.detail.empty() ? "" : ": ", words.detail.c_str());
    return line.substr(0, MAX_COLUMNS);
}

/// How many lines a peer takes: its own, and those of its routes if they are shown.
std::size_t peer_size(const Top &top, const Snapshot_Peer &peer) {
    return 1 + (top.shows_routes ? peer.routes.size() : 0);
}

std::vector<std::string> peer_lines(const Top &top, const Snapshot_Peer &peer) {
    std::vector<std::string> lines{peer_line(top, peer)};
    for (std::size_t i = 0; i + 1 < peer_size(top, peer); ++i) {
        lines.push_back(route_line(top, peer.routes[i]));
    }
    return lines;
}

/// Adds the lines of as many rows as fit into `free_lines`, then a line that says how many rows are left out. If the
/// first row alone does not fit, a part of its lines is added.
template <class Row, class Size, class Lines>
void add_rows(std::vector<std::string> &lines, const std::vector<const Row *> &rows, std::size_t free_lines,
              const char *what, Size size_of, Lines lines_of) {
    const std::size_t all = std::accumulate(rows.begin(), rows.end(), std::size_t{0},
                                            [&](std::size_t sum, const Row *row) { return sum + size_of(*row); });
    std::size_t left = all <= free_lines ? free_lines : free_lines - std::min<std::size_t>(free_lines, 1);
    std::size_t shown = 0;
    for (; shown < rows.size() && (shown == 0 || size_of(*rows[shown]) <= left) && left != 0; ++shown) {
        std::vector<std::string> more = lines_of(*rows[shown]);
        more.resize(std::min(more.size(), left));
        left -= more.size();
        lines.insert(lines.end(), more.begin(), more.end());
    }
    if (shown < rows.size() && free_lines != 0) {
        lines.push_back(format("... and %zu more %s", rows.size() - shown, what));
    }
}

template <class Row, class Rank>
std::vector<const Row *> sorted(const std::vector<Row> &rows, Rank rank) {
    std::vector<const Row *> pointers;
    for (const Row &row : rows) {
        pointers.push_back(&row);
    }
    std::stable_sort(pointers.begin(), pointers.end(),
                     [&rank](const Row *a, const Row *b) { return rank(*a) > rank(*b); });
    return pointers;
}

std::string head_line(const Top &top) {
    const auto connected = std::count_if(top.newest.relays.begin(), top.newest.relays.end(),
                                         [](const Snapshot_Relay &relay) { return relay.connected_ms.has_value(); });
    const auto online = std::count_if(top.newest.peers.begin(), top.newest.peers.end(),
                                      [](const Snapshot_Peer &peer) { return peer.online != 0; });
    return format("host %s   %td of %zu relays connected   %td of %zu peers online",
                  short_key(top.newest.public_key).c_str(), connected, top.newest.relays.size(), online,
                  top.newest.peers.size());
}

std::string state_line(const Top &top) {
    if (!top.error.empty()) {
        return printable(top.error);
    }
    const std::uint64_t age = now_us() - top.newest_written_at;
    return age < STALE_AFTER_US ? "" : "the host has written nothing for " + duration(age / 1'000) + "; does it run?";
}

/// All lines of the view, for a terminal with this many rows.
std::vector<std::string> view(const Top &top, std::size_t rows) {
    std::vector<std::string> lines{"toxtcp top " + printable(keep_end(top.source.path, 40)) +
                                   (top.options.once ? "" : "   q ends it, r shows or hides routes")};
    if (!top.has_snapshot) {
        lines.push_back(top.error.empty() ? "waiting for the host" : "waiting: " + printable(top.error));
        return lines;
    }
    lines.push_back(head_line(top));
    lines.push_back(state_line(top));
    const auto relays = sorted(top.newest.relays, [](const Snapshot_Relay &relay) {
        return std::tuple{relay.carries, relay.online, relay.connected_ms.has_value()};
    });
    const auto peers = sorted(top.newest.peers, [](const Snapshot_Peer &peer) {
        return std::tuple{peer.online != 0, peer.packets_sent + peer.packets_received};
    });
    std::vector<std::string> peer_heads{"", PEER_HEADS};
    if (top.shows_routes) {
        peer_heads.emplace_back(ROUTE_HEADS);
    }
    const auto size_of = [&top](const Snapshot_Peer &peer) { return peer_size(top, peer); };
    std::size_t peers_size = 0;
    for (const Snapshot_Peer *const peer : peers) {
        peers_size += size_of(*peer);
    }
    // Relays get the lines that peers do not need, and at least half of all lines if there are enough relays.
    const std::size_t heads = lines.size() + 1 + peer_heads.size();
    const std::size_t free_lines = rows - std::min(rows, heads);
    const std::size_t relay_lines_count =
        std::min(relays.size(), std::max(free_lines / 2, free_lines - std::min(free_lines, peers_size)));
    lines.emplace_back(RELAY_HEADS);
    add_rows(
        lines, relays, relay_lines_count, "relays", [](const Snapshot_Relay &) { return std::size_t{1}; },
        [&top](const Snapshot_Relay &relay) { return std::vector{relay_line(top, relay)}; });
    lines.insert(lines.end(), peer_heads.begin(), peer_heads.end());
    add_rows(lines, peers, free_lines - relay_lines_count, "peers", size_of,
             [&top](const Snapshot_Peer &peer) { return peer_lines(top, peer); });
    return lines;
}

// ---- the loop --------------------------------------------------------------------------------------------------

void suspend(Top &top) {
    screen_leave(top.screen);
    // SIGTSTP has a handler here and does not stop the process; SIGSTOP does.
    raise(SIGSTOP);
    screen_enter(top.screen);
}

void handle_signals(Top &top) {
    for (int signal = next_signal(top.signals); signal != 0; signal = next_signal(top.signals)) {
        if (signal == SIGTSTP) {
            suspend(top);
        } else if (signal != SIGWINCH && signal != SIGCONT) {
            top.is_ending = true;
        }
    }
}

void handle_keys(Top &top) {
    std::array<char, 64> keys;
    const ssize_t count = read(STDIN_FILENO, keys.data(), keys.size());
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) {
        top.is_ending = true; // the terminal is gone
        return;
    }
    for (ssize_t i = 0; i < count; ++i) {
        const char key = keys[static_cast<std::size_t>(i)];
        top.is_ending = top.is_ending || key == 'q';
        top.shows_routes = top.shows_routes != (key == 'r');
    }
}

/// Sleeps until a signal, a key or bytes of the snapshot come, at most until `wake_at` (us). Handles signals and keys
/// first, so that the source cannot delay them.
void wait_and_serve(Top &top, std::uint64_t wake_at) {
    std::array<pollfd, 3> polled{pollfd{top.signals, POLLIN, 0}, pollfd{STDIN_FILENO, POLLIN, 0},
                                 pollfd{top.source.descriptor, POLLIN, 0}};
    const bool was_reading = is_reading(top);
    const int ready = poll(polled.data(), polled.size(), milliseconds_until(wake_at));
    if (ready > 0 && polled[0].revents != 0) {
        handle_signals(top);
    }
    if (ready > 0 && polled[1].revents != 0) {
        handle_keys(top);
    }
    if (was_reading && ((ready > 0 && polled[2].revents != 0) || now_us() >= top.source.timeout_at)) {
        continue_reading(top);
    }
    // A part of a snapshot changes nothing on the screen.
    top.needs_drawing = top.needs_drawing || ready <= 0 || polled[0].revents != 0 || polled[1].revents != 0 ||
                        (was_reading && !is_reading(top));
}

void run_live(Top &top) {
    const auto interval = static_cast<std::uint64_t>(top.options.interval * 1e6);
    std::uint64_t next_reading_at = 0;
    screen_enter(top.screen);
    while (!top.is_ending) {
        if (!is_reading(top) && now_us() >= next_reading_at) {
            begin_reading(top);
            next_reading_at = now_us() + interval;
        }
        if (top.needs_drawing) {
            screen_draw(view(top, terminal_size().rows));
            top.needs_drawing = false;
        }
        wait_and_serve(top, is_reading(top) ? top.source.timeout_at : next_reading_at);
    }
    screen_leave(top.screen);
}

// ---- once ------------------------------------------------------------------------------------------------------

int show_once(Top &top) {
    begin_reading(top);
    while (is_reading(top)) {
        pollfd polled{top.source.descriptor, POLLIN, 0};
        poll(&polled, 1, milliseconds_until(top.source.timeout_at));
        continue_reading(top);
    }
    if (!top.has_snapshot) {
        print_error("top",
                    top.error + ". A host writes it with tcp_connections_json; try `toxtcp demo --snapshot FILE`");
        return EXIT_FAILED;
    }
    std::string text;
    for (const std::string &line : view(top, SIZE_MAX)) {
        text += line + '\n';
    }
    if (std::string error; !print(text, error)) {
        print_error("top", error);
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

} // namespace

int run_top(const Top_Options &options) {
    Top top;
    top.options = options;
    top.source.path = options.path;
    if (options.once || !is_terminal(STDOUT_FILENO) || isatty(STDIN_FILENO) == 0) {
        top.options.once = true;
        return show_once(top);
    }
    top.signals = open_signals({SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH});
    if (top.signals < 0) {
        print_error("top", std::string{"cannot watch signals: "} + std::strerror(errno));
        return EXIT_FAILED;
    }
    run_live(top);
    source_close(top.source);
    close_signals(top.signals);
    return EXIT_DONE;
}

} // namespace toxtcp
