// One seed, one run: a network of relays, clients and friendships, and what goes wrong. Every seed switches some kinds
// of fault on and the others off, so that each kind is also met alone.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace toxtcp {

/// The longest and the most that a run has seen, each of which has a bound.
struct Seed_Extremes {
    /// Of two who talk and have an honest relay in common: while all are; while echoes find out all the others; while they
    /// do not find out one or two of them; while they do not find out more.
    std::array<std::uint64_t, 4> longest_silence_ms{};
    /// Without a relay, though one could be connected: from a change of the network that the host told of; without.
    std::array<std::uint64_t, 2> longest_outage_ms{};
    std::uint64_t echoes = 0; ///< to one peer in 10 s
    /// Connects in an hour, after the first minute: to a relay that is dead, and to one that flaps.
    std::array<std::uint32_t, 2> attempts{};
};

/// What a run came to. `fault` is empty when every invariant held.
struct Seed_Result {
    std::string fault;
    std::uint64_t simulated_ms = 0;
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    std::uint64_t faults = 0; ///< that were injected
    Seed_Extremes most;
    std::uint64_t digest = 0; ///< of all that happened: the same seed, the same digest
};

/// Runs one. `story` prints what happens as it does.
Seed_Result run_seed(std::uint64_t seed, bool story = false);

} // namespace toxtcp
