// toxtcp-sim: runs seeds. For each seed that breaks an invariant it prints the command that shows this again.
#include <CLI/CLI.hpp>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>

#include <toxtcp/tcp_connections.h>

#include "sim/cover.h"
#include "sim/found.h"
#include "sim/seed.h"

namespace {

struct Sum {
    std::uint64_t seeds = 0;
    std::uint64_t failed = 0;
    std::uint64_t simulated_ms = 0;
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    std::uint64_t faults = 0;
    toxtcp::Seed_Extremes most;
};

template <class Array>
void take_most(Array &most, const Array &other) {
    for (std::size_t i = 0; i < most.size(); ++i) {
        most[i] = std::max(most[i], other[i]);
    }
}

void add(Sum &sum, const Sum &other) {
    sum.seeds += other.seeds;
    sum.failed += other.failed;
    sum.simulated_ms += other.simulated_ms;
    sum.sent += other.sent;
    sum.received += other.received;
    sum.faults += other.faults;
    take_most(sum.most.longest_silence_ms, other.most.longest_silence_ms);
    take_most(sum.most.longest_outage_ms, other.most.longest_outage_ms);
    take_most(sum.most.attempts, other.most.attempts);
    sum.most.echoes = std::max(sum.most.echoes, other.most.echoes);
}

void print_failure(std::uint64_t seed, const std::string &fault) {
    std::printf("seed %" PRIu64 ": %s\n  to see it again: tools/dev sim --seed %" PRIu64 " --story\n", seed,
                fault.c_str(), seed);
    std::fflush(stdout);
}

/// `at`: receives the seed that is running.
Sum run_seeds(std::uint64_t from, std::uint64_t to, std::uint64_t step, bool again, std::uint64_t &at) {
    Sum sum;
    for (std::uint64_t seed = from; seed < to; seed += step) {
        at = seed;
        const toxtcp::Seed_Result result = toxtcp::run_seed(seed);
        std::string fault = result.fault;
        if (fault.empty() && again && toxtcp::run_seed(seed).digest != result.digest) {
            fault = "a second run of the same seed went another way";
        }
        add(sum, {1, fault.empty() ? 0U : 1U, result.simulated_ms, result.sent, result.received, result.faults,
                  result.most});
        if (!fault.empty()) {
            print_failure(seed, fault);
        }
    }
    return sum;
}

/// Runs the seeds in `jobs` processes. Each reports its sum through a pipe. Each also keeps its current seed in shared
/// memory, so that the seed is known when the process crashes.
Sum run_parallel(std::uint64_t from, std::uint64_t to, std::uint64_t jobs, bool again) {
    std::vector<std::pair<pid_t, int>> children;
    void *const shared =
        mmap(nullptr, jobs * sizeof(std::uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        std::printf("no memory for %" PRIu64 " processes\n", jobs);
        return {.failed = 1, .most = {}};
    }
    std::uint64_t *const at = static_cast<std::uint64_t *>(shared);
    for (std::uint64_t job = 0; job < jobs; ++job) {
        int ends[2];
        if (pipe(ends) != 0) {
            break;
        }
        const pid_t pid = fork();
        if (pid == 0) {
            const Sum sum = run_seeds(from + job, to, jobs, again, at[job]);
            _exit(write(ends[1], &sum, sizeof sum) == static_cast<ssize_t>(sizeof sum) ? 0 : 1);
        }
        close(ends[1]);
        children.emplace_back(pid, ends[0]);
    }
    Sum sum;
    for (std::size_t job = 0; job < children.size(); ++job) {
        const auto [pid, end] = children[job];
        Sum one;
        int status = 0;
        const bool reported = read(end, &one, sizeof one) == static_cast<ssize_t>(sizeof one);
        close(end);
        if (waitpid(pid, &status, 0) != pid || status != 0 || !reported) {
            print_failure(at[job],
                          "the simulator crashed, and has left out those seeds after it that were this process's");
            one.failed = 1;
        }
        add(sum, one);
    }
    munmap(shared, jobs * sizeof *at);
    return sum;
}

double seconds(std::uint64_t ms) {
    return static_cast<double>(ms) / 1'000;
}

void print_most(const toxtcp::Seed_Extremes &most) {
    std::printf("longest silence with an honest relay in common: %.1f s; with others: %.1f s; with others that no echo "
                "finds out, one or two: %.1f s, more: %.1f s\n",
                seconds(most.longest_silence_ms[0]), seconds(most.longest_silence_ms[1]),
                seconds(most.longest_silence_ms[2]), seconds(most.longest_silence_ms[3]));
    std::printf("longest outage that could have ended: %.1f s after the host told of its network, %.1f s without\n",
                seconds(most.longest_outage_ms[0]), seconds(most.longest_outage_ms[1]));
    std::printf("most echoes to a peer in 10 s: %" PRIu64 "; most connects in an hour to a relay that is dead: %" PRIu32
                ", that flaps: %" PRIu32 "\n",
                most.echoes, most.attempts[0], most.attempts[1]);
}

/// Prints the table of `cover`. Whether each run had few enough relays, and each friend enough of them.
bool print_cover(const std::vector<std::size_t> &friends, std::uint64_t seeds) {
    std::printf("each friend knows 4 to 6 of 200 relays, and is to be online at 3\n"
                "%8s %6s %12s %13s %6s %13s %12s %10s\n",
                "friends", "seed", "relays held", "greedy cover", "ratio", "the original", "least online", "settled");
    bool good = true;
    for (const std::size_t count : friends) {
        for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
            const toxtcp::Cover_Result result = toxtcp::run_cover(seed, count);
            const double ratio = static_cast<double>(result.held) / static_cast<double>(result.greedy);
            std::printf("%8zu %6" PRIu64 " %12zu %13zu %6.2f %13zu %12zu %8.0f s\n", count, seed, result.held,
                        result.greedy, ratio, result.original, result.least_online, seconds(result.settled_ms));
            std::fflush(stdout);
            good =
                good && ratio <= toxtcp::MAX_COVER && result.least_online >= toxtcp::RECOMMENDED_FRIEND_TCP_CONNECTIONS;
        }
    }
    return good;
}

/// Prints the table of `found`. Whether all friends found us in the end, and more of them at once with idle relays.
bool print_found(std::uint64_t seeds) {
    struct Row {
        const char *name;
        toxtcp::Found_Def def;
    };
    using toxtcp::Profile;
    const Row rows[] = {
        {"responsive, 3 idle relays kept", {Profile::responsive, true, false}},
        {"saver, 1 idle relay kept", {Profile::saver, true, false}},
        {"no idle relay kept", {Profile::responsive, false, false}},
        {"no idle relay kept, 3 for onion packets", {Profile::responsive, false, true}},
    };
    std::printf("friends come one at a time, and one relay in ten is gone; our host has word of each friend %" PRIu64
                " s later\n%-41s %6s %7s %14s %10s %10s\n",
                toxtcp::WORD_AFTER_MS / 1'000, "", "relays", "friends", "found at once", "found late", "mean time");
    std::vector<std::size_t> at_once;
    bool all_found = true;
    for (const Row &row : rows) {
        toxtcp::Found_Result sum;
        for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
            const toxtcp::Found_Result one = toxtcp::run_found(seed, row.def);
            sum.new_peers += one.new_peers;
            sum.at_once += one.at_once;
            sum.late += one.late;
            sum.mean_ms += one.mean_ms / static_cast<double>(seeds);
            sum.relays += one.relays / static_cast<double>(seeds);
        }
        std::printf("%-41s %6.1f %7zu %13.0f%% %9.0f%% %8.1f s\n", row.name, sum.relays, sum.new_peers,
                    100 * static_cast<double>(sum.at_once) / static_cast<double>(sum.new_peers),
                    100 * static_cast<double>(sum.late) / static_cast<double>(sum.new_peers), sum.mean_ms / 1'000);
        std::fflush(stdout);
        all_found = all_found && sum.at_once + sum.late == sum.new_peers;
        at_once.push_back(sum.at_once);
    }
    return all_found && at_once[0] >= at_once[1] && at_once[1] > at_once[2];
}

} // namespace

int main(int argc, char **argv) {
    CLI::App app{"Simulates whole networks on a simulated clock, one for each seed, and checks what must hold."};
    std::uint64_t seeds = 1'000;
    std::uint64_t from = 1;
    std::uint64_t seed = 0;
    std::uint64_t jobs = static_cast<std::uint64_t>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
    bool story = false;
    bool again = false;
    app.add_option("--seeds", seeds, "how many seeds to run")->capture_default_str();
    app.add_option("--from", from, "the first seed")->capture_default_str();
    app.add_option("--jobs", jobs, "processes")->capture_default_str()->check(CLI::PositiveNumber);
    app.add_flag("--again", again, "run each seed twice, to see that both go the same way");
    CLI::Option *const only = app.add_option("--seed", seed, "run this seed only");
    app.add_flag("--story", story, "print what happens (with --seed)")->needs(only);
    CLI::App *const cover = app.add_subcommand("cover", "how many relays a client holds, against the fewest that do");
    std::vector<std::size_t> friends{10, 100, 1'000};
    std::uint64_t worlds = 3;
    cover->add_option("--friends", friends, "how many friends it has")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
    cover->add_option("--seeds", worlds, "networks for each")->capture_default_str();
    CLI::App *const found = app.add_subcommand("found", "whether peers find us at the relays that we keep for them");
    std::uint64_t places = 5;
    found->add_option("--seeds", places, "networks for each")->capture_default_str()->check(CLI::PositiveNumber);
    CLI11_PARSE(app, argc, argv);

    if (*cover) {
        return print_cover(friends, worlds) ? 0 : 1;
    }
    if (*found) {
        return print_found(places) ? 0 : 1;
    }

    if (*only) {
        const toxtcp::Seed_Result result = toxtcp::run_seed(seed, story);
        std::printf("seed %" PRIu64 ": %s; %" PRIu64 " faults, %" PRIu64 " of %" PRIu64
                    " packets received, digest %016" PRIx64 "\n",
                    seed, result.fault.empty() ? "all invariants held" : result.fault.c_str(), result.faults,
                    result.received, result.sent, result.digest);
        return result.fault.empty() ? 0 : 1;
    }
    const Sum sum = run_parallel(from, from + seeds, jobs, again);
    std::printf("%" PRIu64 " seeds, %" PRIu64 " failed; %.1f simulated hours, %" PRIu64 " faults, %" PRIu64
                " of %" PRIu64 " packets received\n",
                sum.seeds, sum.failed, static_cast<double>(sum.simulated_ms) / 3.6e6, sum.faults, sum.received,
                sum.sent);
    print_most(sum.most);
    return sum.failed == 0 ? 0 : 1;
}
