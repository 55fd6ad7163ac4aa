// `toxtcp probe`: finds the relays, runs rounds of probes, many relays at the same time, and writes the results.
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <deque>
#include <set>

#include <poll.h>
#include <unistd.h>

#include "tools/probe/probe.h"
#include "tools/probe/shell_commands.h"
#include "tools/shared/clock.h"
#include "tools/shared/descriptors.h"
#include "tools/shared/node_list.h"
#include "tools/shared/output.h"
#include "tools/shared/poll_us.h"
#include "tools/shared/signals.h"
#include "tools/shared/sleep_limit.h"
#include "tools/shared/terminal.h"
#include "tools/shared/text.h"
#include "tools/shared/whole_file.h"

namespace toxtcp {

namespace {

constexpr std::uint64_t REDRAW_US = SECOND_US / 5;
constexpr int BAR_WIDTH = 30;
constexpr int COMMAND_POLL_MS = 50; ///< between two checks whether commands have ended
/// Each of a probe's two peers has a socket, an epoll, and two descriptors that tell of changes of the network.
constexpr rlim_t DESCRIPTORS_PER_PROBE = 8;
constexpr rlim_t PROBER_DESCRIPTORS = 64; ///< those that no probe has: standard streams, signals, ...

/// A relay whose status has changed.
struct Status_Change {
    Relay_Address target;
    Probe_Status before = Probe_Status::skipped;
    Probe_Status now = Probe_Status::skipped;
    std::string why;
};

/// The state that lasts longer than one round.
struct Prober {
    Probe_Options options;
    int signals = -1;
    bool interrupted = false;
    bool print_failed = false;    ///< printing failed, and that was reported
    bool has_bad_entries = false; ///< of the node list; they were left out
    bool shows_progress = false;
    Proxy proxy;
    std::vector<Named_Relay> named_relays;
    Probe_Histories histories;
    Running_Commands running_commands;         ///< commands of --on-change
    std::deque<Status_Change> pending_changes; ///< changes whose command is not started yet, in order
};

struct Round {
    std::vector<std::unique_ptr<Probe>> probes; ///< those from index `next` on have not begun
    std::size_t next = 0;
    std::size_t done = 0;              ///< how many are done
    std::uint64_t next_drawing_at = 0; ///< us, of the progress bar
};

// ---- which relays ----------------------------------------------------------------------------------------------

bool read_nodes(Prober &prober) {
    std::string text;
    std::string error;
    std::vector<std::string> warnings;
    const std::string &path = prober.options.nodes_file;
    if (!read_whole_file(path, text, error)) {
        print_error("probe", error + ". It is to be the public Tox node list, as JSON");
        return false;
    }
    if (!parse_node_list(text, prober.options.all_ports, prober.named_relays, warnings, error)) {
        print_error("probe", path + ' ' + error);
        return false;
    }
    for (const std::string &warning : warnings) {
        print_error("probe", path + ' ' + warning);
    }
    prober.has_bad_entries = !warnings.empty();
    return true;
}

int read_relays(Prober &prober) {
    for (const std::string &word : prober.options.relays) {
        Named_Relay relay;
        std::string error;
        if (!parse_relay(word, relay, error)) {
            print_error("probe", error);
            return EXIT_USAGE;
        }
        prober.named_relays.push_back(relay);
    }
    if (!prober.options.nodes_file.empty() && !read_nodes(prober)) {
        return EXIT_USAGE;
    }
    if (prober.named_relays.empty()) {
        print_error("probe", prober.options.nodes_file.empty()
                                 ? "no relay is named; name some as HOST:PORT:KEY, or --nodes FILE"
                                 : prober.options.nodes_file + " names no TCP relay");
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

/// Reads the history file. A file that does not exist is an empty history.
bool read_history(Prober &prober) {
    const std::string &path = prober.options.history_file;
    if (path.empty() || (access(path.c_str(), F_OK) != 0 && errno == ENOENT)) {
        return true;
    }
    std::string text;
    std::string error;
    std::vector<std::string> warnings;
    if (!read_whole_file(path, text, error)) {
        print_error("probe", error);
        return false;
    }
    if (!parse_histories(text, prober.histories, warnings, error)) {
        print_error("probe", path + ' ' + error);
        return false;
    }
    for (const std::string &warning : warnings) {
        print_error("probe", path + ' ' + warning);
    }
    return true;
}

/// The target's address and key. Two names of the same target have the same id.
std::string target_id(const Relay_Address &target) {
    return (has_endpoint(target) ? endpoint_text(target) : to_string(target.relay) + ' ' + family_name(target)) + ' ' +
           to_string(target.relay.key);
}

/// Removes targets that are in the list already, maybe by another name.
void remove_duplicates(std::vector<Relay_Address> &targets) {
    std::set<std::string> seen;
    std::erase_if(targets, [&seen](const Relay_Address &target) { return !seen.insert(target_id(target)).second; });
}

/// How many probes may run at the same time: `wanted`, or fewer if the system's limit of descriptors is too low. Raises
/// the limit if that is possible.
std::size_t max_probes(std::size_t wanted) {
    const rlim_t limit = raise_descriptor_limit(wanted * DESCRIPTORS_PER_PROBE + PROBER_DESCRIPTORS);
    const rlim_t left = limit > PROBER_DESCRIPTORS ? limit - PROBER_DESCRIPTORS : 0;
    return std::clamp<std::size_t>(static_cast<std::size_t>(left / DESCRIPTORS_PER_PROBE), 1, wanted);
}

// ---- the progress bar ------------------------------------------------------------------------------------------

void draw_progress(const Prober &prober, Round &round, std::uint64_t now) {
    if (!prober.shows_progress || now < round.next_drawing_at) {
        return;
    }
    round.next_drawing_at = now + REDRAW_US;
    const std::size_t all = round.probes.size();
    const int filled =
        static_cast<int>(static_cast<std::size_t>(BAR_WIDTH) * round.done / std::max<std::size_t>(all, 1));
    const std::string bar(static_cast<std::size_t>(filled), '#');
    std::fprintf(stderr, "\r[%-*s] %zu of %zu relays probed, %zu at work\033[K", BAR_WIDTH, bar.c_str(), round.done,
                 all, round.next - round.done);
}

void clear_progress(const Prober &prober) {
    if (prober.shows_progress) {
        std::fputs("\r\033[K", stderr);
    }
}

void print_progress(const Prober &prober, const char *what) {
    if (prober.shows_progress) {
        std::fprintf(stderr, "\r%s\033[K", what);
    }
}

// ---- commands for changes --------------------------------------------------------------------------------------

void start_command_for(Prober &prober, const Status_Change &change) {
    const Relay_Address &target = change.target;
    const std::vector<Variable> variables{
        {"TOXTCP_RELAY", to_string(target.relay)},
        {"TOXTCP_ADDRESS", has_endpoint(target) ? endpoint_text(target) : ""},
        {"TOXTCP_PUBLIC_KEY", to_string(target.relay.key)},
        {"TOXTCP_STATUS", to_string(change.now)},
        {"TOXTCP_STATUS_BEFORE", to_string(change.before)},
        {"TOXTCP_WHY", printable(change.why)},
    };
    if (std::string error; !start_command(prober.options.on_change, variables, prober.running_commands, error)) {
        print_error("probe", "the command for a change of " + to_string(target.relay) + " was " + error);
    }
}

/// Reports the failures of commands that have ended, and starts as many commands for pending changes as may run.
void serve_commands(Prober &prober) {
    for (const std::string &failure : reap_commands(prober.running_commands)) {
        print_error("probe", "the command for a change " + failure);
    }
    for (; !prober.pending_changes.empty() && prober.running_commands.size() < MAX_RUNNING_COMMANDS;
         prober.pending_changes.pop_front()) {
        start_command_for(prober, prober.pending_changes.front());
    }
}

/// Adds a change. It is merged with a pending change of the same relay, so that no more changes are pending than there
/// are relays. If the relay then has the status from before both changes, neither is pending any more.
void add_change(std::deque<Status_Change> &pending_changes, Status_Change change) {
    const auto earlier =
        std::find_if(pending_changes.begin(), pending_changes.end(), [&change](const Status_Change &other) {
            return target_id(other.target) == target_id(change.target);
        });
    if (earlier == pending_changes.end()) {
        pending_changes.push_back(std::move(change));
    } else if (earlier->before == change.now) {
        pending_changes.erase(earlier);
    } else {
        change.before = earlier->before;
        *earlier = std::move(change);
    }
}

// ---- one round -------------------------------------------------------------------------------------------------

void handle_signals(Prober &prober) {
    while (next_signal(prober.signals) != 0) {
        prober.interrupted = true;
    }
}

bool is_running(const Probe &probe) {
    return probe.stage != Probe_Stage::waiting && probe.stage != Probe_Stage::done;
}

/// Sleeps until a descriptor is ready or a probe has work. Then handles signals, commands and these probes.
void wait_and_serve(Prober &prober, Round &round) {
    std::vector<pollfd> polled{{prober.signals, POLLIN, 0}};
    std::vector<std::pair<Probe *, std::size_t>> running; ///< each with the index in `polled` behind its descriptors
    std::uint64_t now = now_us();
    std::uint64_t wake_at = now + REDRAW_US;
    bool one_has_no_descriptor = false;
    for (std::size_t i = 0; i < round.next; ++i) {
        Probe &probe = *round.probes[i];
        if (is_running(probe)) {
            wake_at = std::min(wake_at, probe_wake_time(probe, now));
            for (const Tcp_Connections *const tcp : probe_connections(probe)) {
                if (tcp != nullptr) {
                    polled.push_back({tcp_connections_descriptor(tcp), POLLIN, 0});
                    one_has_no_descriptor = one_has_no_descriptor || has_no_descriptor(tcp);
                }
            }
            running.emplace_back(&probe, polled.size());
        }
    }
    wake_at = one_has_no_descriptor ? std::min(wake_at, now + TICK_INTERVAL_MS * 1'000) : wake_at;
    const std::uint64_t sleep = wake_at > now ? wake_at - now : 0;
    if (poll_us(polled, sleep) < 0) {
        return;
    }
    if (polled[0].revents != 0) {
        handle_signals(prober);
    }
    stop_if_reader_is_gone("probe", prober.interrupted, prober.print_failed);
    serve_commands(prober);
    std::size_t i = 1;
    for (const auto &[probe, end] : running) {
        bool ready = one_has_no_descriptor;
        for (; i < end; ++i) {
            ready = ready || polled[i].revents != 0;
        }
        now = now_us();
        if (ready || probe_wake_time(*probe, now) <= now) {
            probe_step(*probe, now);
            round.done += probe->stage == Probe_Stage::done;
        }
    }
}

void make_probes(const Prober &prober, const std::vector<Relay_Address> &targets, Round &round) {
    for (const Relay_Address &target : targets) {
        auto probe = std::make_unique<Probe>();
        probe->target = target;
        probe->proxy = prober.proxy;
        probe->rate = prober.options.rate;
        probe->duration = prober.options.seconds * SECOND_US;
        probe->timeout = prober.options.timeout * SECOND_US;
        round.probes.push_back(std::move(probe));
    }
}

void run_round(Prober &prober, Round &round) {
    const std::size_t max_running = max_probes(prober.options.parallel);
    while (round.done < round.probes.size() && !prober.interrupted) {
        while (round.next < round.probes.size() && round.next - round.done < max_running) {
            Probe &probe = *round.probes[round.next++];
            probe_begin(probe, now_us());
            round.done += probe.stage == Probe_Stage::done;
        }
        draw_progress(prober, round, now_us());
        wait_and_serve(prober, round);
    }
    for (const std::unique_ptr<Probe> &probe : round.probes) {
        probe_close(*probe);
    }
}

void add_to_history(Prober &prober, std::int64_t time, Probed_Relay &probed) {
    Probe_History &history = prober.histories[target_id(probed.target)];
    history.name = to_string(probed.target.relay);
    history.family = family_name(probed.target);
    const Probe_Result &result = probed.result;
    probed.status_before = history.last;
    add_round(history, time, result.status, result.median, result.worst);
    probed.history = history;
}

/// Whether this is a history of the target's name, port and key, at another address of the same family or without one.
bool has_same_name(const std::string &id, const Probe_History &history, const Relay_Address &target) {
    const std::string family = family_name(target);
    return history.name == to_string(target.relay) && id.ends_with(to_string(target.relay.key)) &&
           (history.family == family || history.family == "-" || family == "-");
}

/// If a name has a new address, or has lost its address: moves the history of a former address of this name to the new
/// target. Of several such histories the one with the best status is moved, so that a worse status now is a change.
void follow_names(Probe_Histories &histories, const std::vector<Probed_Relay> &relays) {
    std::set<std::string> present;
    for (const Probed_Relay &probed : relays) {
        present.insert(target_id(probed.target));
    }
    std::set<std::string> followed;
    Probe_Histories found;
    for (const Probed_Relay &probed : relays) {
        const std::string own = target_id(probed.target);
        if (histories.contains(own) || probed.result.status == Probe_Status::skipped) {
            continue;
        }
        for (const auto &[other, history] : histories) {
            if (!present.contains(other) && has_same_name(other, history, probed.target)) {
                followed.insert(other);
                const auto [best, is_first] = found.emplace(own, history);
                if (!is_first && history.last < best->second.last) {
                    best->second = history;
                }
            }
        }
    }
    for (const std::string &other : followed) {
        histories.erase(other);
    }
    histories.merge(found);
}

/// Probes all relays once. False when it was interrupted.
bool probe_all(Prober &prober, Probe_Report &report) {
    const std::uint64_t began = now_us();
    std::vector<Relay_Address> targets;
    print_progress(prober, "looking up names");
    const Family wanted = prober.options.ipv4 ? Family::ipv4 : prober.options.ipv6 ? Family::ipv6 : Family::none;
    if (prober.proxy.type != Proxy_Type::none) {
        targets = addresses_for_proxy(prober.named_relays, wanted);
    } else if (!find_addresses(prober.named_relays, wanted, prober.signals, targets)) {
        clear_progress(prober);
        prober.interrupted = true;
        return false;
    }
    remove_duplicates(targets);
    Round round;
    make_probes(prober, targets, round);
    run_round(prober, round);
    clear_progress(prober);
    if (prober.interrupted) {
        return false;
    }
    report.time = std::time(nullptr);
    for (const std::unique_ptr<Probe> &probe : round.probes) {
        Probed_Relay &probed = report.relays.emplace_back();
        probed.target = probe->target;
        probed.result = std::move(probe->result);
    }
    follow_names(prober.histories, report.relays);
    for (Probed_Relay &probed : report.relays) {
        add_to_history(prober, report.time, probed);
    }
    remove_old_hours(prober.histories, report.time);
    sort_by_quality(report.relays);
    report.took = seconds(now_us() - began);
    report.rate = prober.options.rate;
    return true;
}

// ---- output ----------------------------------------------------------------------------------------------------

bool write_to(const std::string &path, const std::string &text) {
    std::string error;
    if (!path.empty() && !replace_file(path, text, error)) {
        print_error("probe", error);
        return false;
    }
    return true;
}

bool print_report(Prober &prober, const Probe_Report &report) {
    const bool redraws = prober.options.watch && !prober.options.json && is_terminal(STDOUT_FILENO);
    const std::string text = prober.options.json ? probe_json(report, prober.options.watch) : probe_table(report);
    // Lines that do not fit on the screen stay in the terminal's scroll-back.
    return print_until_interrupted("probe", (redraws ? "\033[H\033[J" : "") + text, prober.signals, prober.interrupted,
                                   prober.print_failed);
}

/// Prints the report and writes all files. False when something could not be written.
bool write_output(Prober &prober, const Probe_Report &report) {
    const bool printed = print_report(prober, report);
    const bool page = prober.options.html_file.empty() || write_to(prober.options.html_file, probe_page(report));
    const bool metrics =
        prober.options.prometheus_file.empty() || write_to(prober.options.prometheus_file, probe_metrics(report));
    const std::string &history_file = prober.options.history_file;
    const bool history = history_file.empty() || write_to(history_file, histories_text(prober.histories));
    return printed && page && metrics && history;
}

// ---- rounds ----------------------------------------------------------------------------------------------------

/// Starts the command for each relay that has changed. Done last in a round, so that the command finds the files of
/// this round.
void run_change_commands(Prober &prober, const Probe_Report &report) {
    for (const Probed_Relay &probed : report.relays) {
        if (!prober.options.on_change.empty() && has_changed(probed)) {
            add_change(prober.pending_changes,
                       {probed.target, probed.status_before, probed.result.status, probed.result.why});
        }
    }
    serve_commands(prober);
}

/// Waits until the next round begins, or until a signal comes.
void wait_until(Prober &prober, std::uint64_t until) {
    for (std::uint64_t now = now_us(); now < until && !prober.interrupted; now = now_us()) {
        pollfd polled{prober.signals, POLLIN, 0};
        const auto limit = static_cast<std::uint64_t>(prober.pending_changes.empty() ? 1'000 : COMMAND_POLL_MS);
        poll(&polled, 1, static_cast<int>(std::min((until - now) / 1'000 + 1, limit)));
        handle_signals(prober);
        stop_if_reader_is_gone("probe", prober.interrupted, prober.print_failed);
        serve_commands(prober);
    }
}

/// Waits until all commands have been started and have ended, to report their failures. A signal ends the wait.
void wait_for_commands(Prober &prober) {
    while ((!prober.running_commands.empty() || !prober.pending_changes.empty()) && !prober.interrupted) {
        pollfd polled{prober.signals, POLLIN, 0};
        poll(&polled, 1, COMMAND_POLL_MS);
        handle_signals(prober);
        serve_commands(prober);
    }
    if (!prober.pending_changes.empty()) {
        print_error("probe", "interrupted: the command was not run for " +
                                 std::to_string(prober.pending_changes.size()) + " of the relays that have changed");
    }
}

int probe_once(Prober &prober) {
    Probe_Report report;
    if (!probe_all(prober, report)) {
        return EXIT_INTERRUPTED;
    }
    if (report.relays.empty()) {
        print_error("probe", "none of the relays has an address of the wanted family; try without --ipv4 and --ipv6");
        return EXIT_FAILED;
    }
    const bool is_written = write_output(prober, report);
    run_change_commands(prober, report);
    if (!is_written && prober.interrupted && !prober.print_failed) {
        return EXIT_INTERRUPTED; // by a signal, while the output waited for its reader
    }
    return is_written && all_well(report) && !prober.has_bad_entries ? EXIT_DONE : EXIT_FAILED;
}

} // namespace

int run_probe(const Probe_Options &options) {
    Prober prober;
    prober.options = options;
    prober.shows_progress = is_terminal(STDERR_FILENO);
    if (const int read = read_relays(prober); read != EXIT_DONE) {
        return read;
    }
    if (!options.on_change.empty() && !options.watch && options.history_file.empty()) {
        print_error("probe", "--on-change needs --watch or --history: without them no earlier status is known");
        return EXIT_USAGE;
    }
    if (!read_history(prober)) {
        return EXIT_USAGE;
    }
    if (const int found = find_proxy("probe", options.proxy, prober.proxy); found != EXIT_DONE) {
        return found;
    }
    prober.signals = open_signals({SIGINT, SIGTERM, SIGHUP});
    if (prober.signals < 0) {
        print_error("probe", std::string{"cannot watch signals: "} + std::strerror(errno));
        return EXIT_FAILED;
    }
    std::uint64_t next_round_at = now_us();
    int result = EXIT_DONE;
    do {
        wait_until(prober, next_round_at);
        next_round_at = now_us() + options.interval * SECOND_US;
        const int round = prober.interrupted ? EXIT_INTERRUPTED : probe_once(prober);
        if (round == EXIT_INTERRUPTED && options.watch) {
            break; // with --watch, a signal is the usual end: the exit code is that of the last complete round
        }
        result = round;
    } while (options.watch && !prober.interrupted);
    wait_for_commands(prober);
    close_signals(prober.signals);
    return prober.print_failed ? EXIT_FAILED : result;
}

} // namespace toxtcp
