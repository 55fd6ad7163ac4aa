// Checks that the simulator can fail. The program is linked with a library that has a fault planted in it. It runs
// seeds until one fails for the expected reason; if none does, the program fails. The arguments: how many seeds at
// most, and a text that the failure contains.
#include <cinttypes>
#include <cstdio>
#include <cstdlib>

#include "sim/seed.h"

int main(int argc, char **argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: %s SEEDS TEXT\n", argv[0]);
        return 2;
    }
    const std::uint64_t seeds = std::strtoull(argv[1], nullptr, 10);
    const std::string expected = argv[2];
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        const std::string fault = toxtcp::run_seed(seed).fault;
        if (fault.find(expected) != std::string::npos) {
            std::printf("seed %" PRIu64 " of at most %" PRIu64 ": %s\n", seed, seeds, fault.c_str());
            return 0;
        }
        if (!fault.empty()) {
            std::printf("seed %" PRIu64 " fails as well: %s\n", seed, fault.c_str());
        }
    }
    std::printf("no seed of %" PRIu64 " says: %s\n", seeds, expected.c_str());
    return 1;
}
