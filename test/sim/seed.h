// One seed, one run: a network of relays, clients and friendships, and what befalls them. Every seed switches some kinds
// of fault on and the others off, so that each kind is also met alone.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace toxtcp {

/// What a run came to. `fault` is empty when every invariant held.
struct Seed_Result {
    std::string fault;
    std::uint64_t simulated_ms = 0;
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    std::uint64_t faults = 0; ///< that befell the network
    /// Of two who talk and have an honest relay in common: while so many others are not honest, 3 for more.
    std::array<std::uint64_t, 4> longest_silence_ms{};
    std::uint64_t digest = 0; ///< of all that happened: the same seed, the same digest
};

/// Runs one. `story` prints what happens as it does.
Seed_Result run_seed(std::uint64_t seed, bool story = false);

} // namespace toxtcp
