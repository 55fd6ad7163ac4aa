// A run of the simulator: draws a network of relays, clients and friendships from a seed, injects faults, and checks
// what must hold. Every seed has some kinds of fault and not the others, so that each kind also occurs alone.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace toxtcp {

/// The largest values that a run has seen. Each of them has a bound.
struct Seed_Extremes {
    /// Between two friends that send and have an honest relay in common, by their other relays. [0]: all are honest.
    /// [1]: echoes detect each bad relay. [2]: echoes miss one or two bad relays. [3]: echoes miss more.
    std::array<std::uint64_t, 4> longest_silence_ms{};
    /// Without a connected relay, though one can be reached. [0]: after the host told of a change of its network.
    /// [1]: otherwise.
    std::array<std::uint64_t, 2> longest_outage_ms{};
    std::uint64_t echoes = 0; ///< to one peer in 10 s
    /// Connects to one relay in an hour, after the first minute. [0]: to a dead relay. [1]: to a relay that flaps.
    std::array<std::uint32_t, 2> attempts{};
};

/// The result of a run. `fault` is empty when every invariant held.
struct Seed_Result {
    std::string fault;
    std::uint64_t simulated_ms = 0;
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    std::uint64_t faults = 0; ///< faults that were injected
    Seed_Extremes most;
    std::uint64_t digest = 0; ///< a hash of what happened; the same for the same seed
};

/// Runs a seed. `story`: prints each event when it happens.
Seed_Result run_seed(std::uint64_t seed, bool story = false);

} // namespace toxtcp
