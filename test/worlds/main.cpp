// Runs all small worlds, a share of them, or one; see README.md here.
#include <CLI/CLI.hpp>

#include <atomic>
#include <cstdio>
#include <map>
#include <mutex>
#include <thread>

#include <unistd.h>

#include "worlds/worlds.h"

namespace {

using namespace toxtcp;

struct Tally {
    std::size_t worlds = 0;
    std::size_t failed = 0;
    std::uint64_t longest = 0;
    std::string worst;
};

struct Session {
    std::vector<World_Case> worlds;
    std::atomic<std::size_t> next{0};
    std::mutex mutex;
    std::size_t done = 0;
    std::size_t failed = 0;
    std::size_t shown = 0;
    std::size_t most_shown = 40;
    std::map<std::string, Tally> tallies;
};

void count(Session &session, const std::string &group, const World_Case &world, const World_Result &result) {
    Tally &tally = session.tallies[group];
    ++tally.worlds;
    tally.failed += result.fault.empty() ? 0 : 1;
    if (result.longest > tally.longest) {
        tally.longest = result.longest;
        tally.worst = to_string(world);
    }
}

void note(Session &session, const World_Case &world, const World_Result &result) {
    const std::lock_guard lock{session.mutex};
    ++session.done;
    const std::string id = to_string(world);
    const std::size_t relays = id.rfind('/');
    count(session, id.substr(0, relays), world, result);
    for (std::size_t kind = 1; kind < static_cast<std::size_t>(Relay_Kind::count); ++kind) {
        if (std::find(world.relays.begin(), world.relays.end(), static_cast<Relay_Kind>(kind)) != world.relays.end()) {
            count(session, std::string{"with "} + to_string(static_cast<Relay_Kind>(kind)), world, result);
        }
    }
    if (!result.fault.empty()) {
        ++session.failed;
        if (session.shown++ < session.most_shown) {
            std::printf("%s: %s\n  to see it: tools/dev worlds --world %s --story\n", id.c_str(), result.fault.c_str(),
                        id.c_str());
        }
    }
    if (isatty(STDERR_FILENO) != 0 && (session.done % 64 == 0 || session.done == session.worlds.size())) {
        const std::size_t filled = 40 * session.done / session.worlds.size();
        std::fprintf(stderr, "\r[%s%s] %zu of %zu, %zu failed ", std::string(filled, '#').c_str(),
                     std::string(40 - filled, '.').c_str(), session.done, session.worlds.size(), session.failed);
    }
}

void work(Session &session) {
    for (std::size_t i = session.next++; i < session.worlds.size(); i = session.next++) {
        note(session, session.worlds[i], run_world(session.worlds[i]));
    }
}

} // namespace

int main(int argc, char **argv) {
    CLI::App app{"Runs every small world, or some"};
    std::string world;
    std::size_t share = 1;
    std::size_t part = 0;
    std::size_t jobs = 1;
    bool story = false;
    bool list = false;
    Session session;
    app.add_option("--world", world, "one, by its name");
    app.add_option("--share", share, "one of so many, drawn evenly")->check(CLI::PositiveNumber);
    app.add_option("--part", part, "which of these");
    app.add_option("--jobs", jobs, "at once")->check(CLI::PositiveNumber);
    app.add_option("--show", session.most_shown, "failures that are told");
    app.add_flag("--story", story, "tell what the peers report");
    app.add_flag("--list", list, "only name them");
    CLI11_PARSE(app, argc, argv);
    if (!world.empty()) {
        World_Case one;
        if (!parse_world(world, one)) {
            std::fprintf(stderr, "no such world: %s\n", world.c_str());
            return 2;
        }
        const World_Result result = run_world(one, story);
        std::printf("%s: longest silence %llu of at most %llu ms: %s\n", world.c_str(),
                    static_cast<unsigned long long>(result.longest), static_cast<unsigned long long>(result.bound),
                    result.fault.empty() ? "ok" : result.fault.c_str());
        return result.fault.empty() ? 0 : 1;
    }
    const std::vector<World_Case> all = all_worlds();
    for (std::size_t i = part % share; i < all.size(); i += share) {
        session.worlds.push_back(all[i]);
        if (list) {
            std::printf("%s\n", to_string(all[i]).c_str());
        }
    }
    if (list) {
        return 0;
    }
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < jobs; ++i) {
        threads.emplace_back([&session] { work(session); });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    if (isatty(STDERR_FILENO) != 0) {
        std::fprintf(stderr, "\n");
    }
    std::printf("%-40s %8s %8s %9s\n", "start/traffic/peer/outage/round trip", "worlds", "failed", "silence");
    for (const auto &[group, tally] : session.tallies) {
        std::printf("%-40s %8zu %8zu %6llu ms  %s\n", group.c_str(), tally.worlds, tally.failed,
                    static_cast<unsigned long long>(tally.longest), tally.worst.c_str());
    }
    std::printf("%zu of %zu worlds, %zu failed\n", session.worlds.size(), all.size(), session.failed);
    return session.failed == 0 ? 0 : 1;
}
