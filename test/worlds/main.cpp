// toxtcp-worlds: runs all small worlds, a part of them, or one; see README.md here.
#include <CLI/CLI.hpp>

#include <atomic>
#include <chrono>
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <map>
#include <mutex>
#include <thread>

#include <unistd.h>

#include "sim/network.h"
#include "worlds/worlds.h"

namespace {

using namespace toxtcp;

constexpr std::size_t BAR_WIDTH = 40;
constexpr std::size_t REDRAWN_EVERY = 64; ///< worlds

struct Tally {
    std::size_t worlds = 0;
    std::size_t failed = 0;
    std::uint64_t longest = 0; ///< ms, silence
};

/// Tallies of one row of the summary, by column.
using Row = std::map<std::string, Tally>;

struct Session {
    std::vector<World_Case> worlds;
    std::atomic<std::size_t> next{0};
    std::mutex mutex; ///< guards the members below
    std::size_t done = 0;
    std::size_t failed = 0;
    std::size_t most_shown = 40;
    std::uint64_t simulated_ms = 0;
    std::uint64_t echoes = 0;
    std::map<std::string, Row> by_kind;
    std::map<std::string, Row> by_event;
    std::map<std::string, std::size_t> faults; ///< how often each occurred, by its text up to the first digit
    bool is_terminal = isatty(STDERR_FILENO) != 0;
};

// ---- a world that crashes --------------------------------------------------------------------------------------

thread_local char running[256] = "";

void tell_crash(int signal) {
    static constexpr char BEFORE[] = "\ncrashed: tools/dev worlds --story --world ";
    // Only what a signal handler may call.
    (void)!write(STDOUT_FILENO, BEFORE, sizeof BEFORE - 1);
    (void)!write(STDOUT_FILENO, running, std::strlen(running));
    (void)!write(STDOUT_FILENO, "\n", 1);
    std::signal(signal, SIG_DFL);
    std::raise(signal);
}

// ---- counting --------------------------------------------------------------------------------------------------

void add(Tally &tally, const World_Result &result) {
    ++tally.worlds;
    tally.failed += result.fault.empty() ? 0 : 1;
    tally.longest = std::max(tally.longest, result.longest);
}

bool has(const World_Case &world, Relay_Kind kind) {
    return std::find(world.relays.begin(), world.relays.end(), kind) != world.relays.end();
}

void count(Session &session, const World_Case &world, const World_Result &result) {
    const std::string column = std::string{to_string(world.start)} + '/' + to_string(world.traffic);
    bool only_honest = true;
    for (std::size_t i = 0; i < static_cast<std::size_t>(Relay_Kind::count); ++i) {
        const auto kind = static_cast<Relay_Kind>(i);
        if (kind != Relay_Kind::honest && has(world, kind)) {
            only_honest = false;
            add(session.by_kind[to_string(kind)][column], result);
        }
    }
    if (only_honest) {
        add(session.by_kind["(all honest)"][column], result);
    }
    add(session.by_event[std::string{to_string(world.event)} + ", " + to_string(world.peers)][column], result);
}

void draw_bar(const Session &session) {
    const std::size_t filled = BAR_WIDTH * session.done / session.worlds.size();
    std::fprintf(stderr, "\r[%s%s] %zu of %zu, %zu failed ", std::string(filled, '#').c_str(),
                 std::string(BAR_WIDTH - filled, '.').c_str(), session.done, session.worlds.size(), session.failed);
}

void print_failure(const std::string &id, const std::string &fault) {
    std::printf("%s: %s\n  to see it again: tools/dev worlds --world %s --story\n", id.c_str(), fault.c_str(),
                id.c_str());
    std::fflush(stdout);
}

void note(Session &session, const World_Case &world, const World_Result &result) {
    const std::lock_guard lock{session.mutex};
    ++session.done;
    session.simulated_ms += result.simulated_ms;
    session.echoes = std::max(session.echoes, result.echoes);
    count(session, world, result);
    if (!result.fault.empty()) {
        ++session.failed;
        ++session.faults[result.fault.substr(0, result.fault.find_first_of("0123456789"))];
        if (session.failed <= session.most_shown) {
            if (session.is_terminal) {
                std::fprintf(stderr, "\r\033[K"); // removes the bar
            }
            print_failure(to_string(world), result.fault);
        }
    }
    if (session.is_terminal && (session.done % REDRAWN_EVERY == 0 || session.done == session.worlds.size())) {
        draw_bar(session);
    }
}

void work(Session &session) {
    for (std::size_t i = session.next++; i < session.worlds.size(); i = session.next++) {
        const World_Case &world = session.worlds[i];
        std::snprintf(running, sizeof running, "%s", to_string(world).c_str());
        note(session, world, run_world(world));
    }
}

// ---- output ----------------------------------------------------------------------------------------------------

void print_rows(const char *title, const std::map<std::string, Row> &rows) {
    static constexpr const char *COLUMNS[] = {"cold/both",   "cold/one_way",   "cold/seldom",
                                              "warm/both",   "warm/one_way",   "warm/seldom",
                                              "pruned/both", "pruned/one_way", "pruned/seldom"};
    std::printf("%-18s", title);
    for (const char *const column : COLUMNS) {
        std::printf(" %18s", column);
    }
    std::printf("\n");
    for (const auto &[name, row] : rows) {
        std::printf("%-18s", name.c_str());
        for (const char *const column : COLUMNS) {
            const auto cell = row.find(column);
            const Tally tally = cell == row.end() ? Tally{} : cell->second;
            char text[64];
            std::snprintf(text, sizeof text, "%zu/%zu %.1f s", tally.failed, tally.worlds,
                          static_cast<double>(tally.longest) / 1'000);
            std::printf(" %18s", tally.worlds == 0 ? "-" : text);
        }
        std::printf("\n");
    }
}

void print_summary(const Session &session, std::size_t all, double seconds) {
    std::printf(
        "failed/worlds and longest silence, by kind of fault in the world (a world counts for each of its own)\n");
    print_rows("", session.by_kind);
    print_rows("event, peer", session.by_event);
    if (!session.faults.empty()) {
        std::printf("failures by what they say\n");
    }
    for (const auto &[fault, times] : session.faults) {
        std::printf("%8zu  %s\n", times, fault.c_str());
    }
    std::printf("%zu of %zu worlds, %zu failed; %.1f simulated days, %.0f s, %.0f worlds a second; at most %" PRIu64
                " echoes in 10 s\n",
                session.worlds.size(), all, session.failed, static_cast<double>(session.simulated_ms) / 86.4e6, seconds,
                static_cast<double>(session.worlds.size()) / seconds, session.echoes);
}

/// Reads K/N: the K-th of N even shares. False when the text is something else.
bool parse_share(const std::string &text, std::size_t &part, std::size_t &parts) {
    int end = 0;
    return std::sscanf(text.c_str(), "%zu/%zu%n", &part, &parts, &end) == 2 &&
           static_cast<std::size_t>(end) == text.size() && part >= 1 && part <= parts;
}

/// Shuffles the worlds, in each run in the same way, so that every share has worlds of all kinds.
std::vector<World_Case> shuffled(std::vector<World_Case> worlds) {
    Sim_Random random{1};
    for (std::size_t left = worlds.size(); left > 1; --left) {
        std::swap(worlds[left - 1], worlds[sim_below(random, left)]);
    }
    return worlds;
}

int run_one(const std::string &id, bool story) {
    World_Case world;
    if (!parse_world(id, world)) {
        std::fprintf(stderr, "no such world: %s\n", id.c_str());
        return 2;
    }
    std::snprintf(running, sizeof running, "%s", id.c_str());
    const World_Result result = run_world(world, story);
    std::printf("%s: longest silence %" PRIu64 " of at most %" PRIu64 " ms: %s\n", id.c_str(), result.longest,
                result.bound, result.fault.empty() ? "all held" : result.fault.c_str());
    return result.fault.empty() ? 0 : 1;
}

} // namespace

int main(int argc, char **argv) {
    CLI::App app{"Runs every small world on a simulated clock, or some, and checks what must hold."};
    std::string id;
    std::string share = "1/1";
    std::size_t from = 0;
    std::size_t number = SIZE_MAX;
    std::size_t jobs = std::max(1U, std::thread::hardware_concurrency());
    bool story = false;
    bool list = false;
    Session session;
    CLI::Option *const only = app.add_option("--world", id, "run this world only");
    app.add_flag("--story", story, "print what happens (with --world)")->needs(only);
    app.add_option("--share", share, "K/N: the K-th of N even shares")->capture_default_str();
    app.add_option("--from", from, "leave out so many of these")->capture_default_str();
    app.add_option("--count", number, "run so many at most");
    app.add_option("--jobs", jobs, "at once")->capture_default_str()->check(CLI::PositiveNumber);
    app.add_option("--show", session.most_shown, "failures that are told at most")->capture_default_str();
    app.add_flag("--list", list, "print the worlds, and run none");
    CLI11_PARSE(app, argc, argv);

    for (const int signal : {SIGABRT, SIGSEGV, SIGFPE, SIGILL}) {
        std::signal(signal, tell_crash);
    }
#ifdef SIGBUS
    std::signal(SIGBUS, tell_crash);
#endif
    if (*only) {
        return run_one(id, story);
    }
    std::size_t part = 0;
    std::size_t parts = 0;
    if (!parse_share(share, part, parts)) {
        std::fprintf(stderr, "no share: %s; it is K/N, as 1/20\n", share.c_str());
        return 2;
    }
    const std::vector<World_Case> all = shuffled(all_worlds());
    for (std::size_t i = part - 1, place = 0; i < all.size() && session.worlds.size() < number; i += parts, ++place) {
        if (place >= from) {
            session.worlds.push_back(all[i]);
        }
    }
    if (list) {
        for (const World_Case &world : session.worlds) {
            std::printf("%s\n", to_string(world).c_str());
        }
        return 0;
    }
    const auto start = std::chrono::steady_clock::now();
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < jobs; ++i) {
        threads.emplace_back([&session] { work(session); });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    if (session.is_terminal) {
        std::fprintf(stderr, "\n");
    }
    print_summary(session, all.size(), std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    return session.failed == 0 && !session.worlds.empty() ? 0 : 1;
}
