// toxtcp-sim: runs seeds, and says which one broke an invariant and how to see it again.
#include <CLI/CLI.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>

#include "sim/seed.h"

namespace {

struct Sum {
    std::uint64_t seeds = 0;
    std::uint64_t failed = 0;
    std::uint64_t simulated_ms = 0;
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    std::uint64_t faults = 0;
    std::uint64_t longest_silence_ms = 0;
};

void add(Sum &sum, const Sum &other) {
    sum.seeds += other.seeds;
    sum.failed += other.failed;
    sum.simulated_ms += other.simulated_ms;
    sum.sent += other.sent;
    sum.received += other.received;
    sum.faults += other.faults;
    sum.longest_silence_ms = std::max(sum.longest_silence_ms, other.longest_silence_ms);
}

Sum run_seeds(std::uint64_t from, std::uint64_t to, std::uint64_t step, bool again) {
    Sum sum;
    for (std::uint64_t seed = from; seed < to; seed += step) {
        const toxtcp::Seed_Result result = toxtcp::run_seed(seed);
        std::string fault = result.fault;
        if (fault.empty() && again && toxtcp::run_seed(seed).digest != result.digest) {
            fault = "a second run of the same seed went another way";
        }
        add(sum, {1, fault.empty() ? 0U : 1U, result.simulated_ms, result.sent, result.received, result.faults,
                  result.longest_silence_ms});
        if (!fault.empty()) {
            std::printf("seed %" PRIu64 ": %s\n  to see it again: tools/dev sim --seed %" PRIu64 " --story\n", seed,
                        fault.c_str(), seed);
            std::fflush(stdout);
        }
    }
    return sum;
}

/// One process for each core; they report through a pipe.
Sum run_parallel(std::uint64_t from, std::uint64_t to, std::uint64_t jobs, bool again) {
    std::vector<std::pair<pid_t, int>> children;
    for (std::uint64_t job = 0; job < jobs; ++job) {
        int ends[2];
        if (pipe(ends) != 0) {
            break;
        }
        const pid_t pid = fork();
        if (pid == 0) {
            const Sum sum = run_seeds(from + job, to, jobs, again);
            _exit(write(ends[1], &sum, sizeof sum) == static_cast<ssize_t>(sizeof sum) ? 0 : 1);
        }
        close(ends[1]);
        children.emplace_back(pid, ends[0]);
    }
    Sum sum;
    for (const auto &[pid, end] : children) {
        Sum one;
        int status = 0;
        const bool reported = read(end, &one, sizeof one) == static_cast<ssize_t>(sizeof one);
        close(end);
        if (waitpid(pid, &status, 0) != pid || status != 0 || !reported) {
            std::printf("a process of the simulator crashed\n");
            one.failed = 1;
        }
        add(sum, one);
    }
    return sum;
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
    CLI11_PARSE(app, argc, argv);

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
                " of %" PRIu64 " packets received; longest silence with an honest relay in common: %.1f s\n",
                sum.seeds, sum.failed, static_cast<double>(sum.simulated_ms) / 3.6e6, sum.faults, sum.received,
                sum.sent, static_cast<double>(sum.longest_silence_ms) / 1000);
    return sum.failed == 0 ? 0 : 1;
}
