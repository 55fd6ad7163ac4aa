// Measures whether friends find us at the relays that we announced, if we keep idle relays for this and if we do not.
#pragma once

#include <cstddef>
#include <cstdint>

#include <toxtcp/observe.h>

namespace toxtcp {

struct Found_Def {
    Profile profile = Profile::responsive;
    bool keep_idle = true; ///< tcp_connections_keep_idle_relays
    bool onion = false;    ///< we also hold relays for onion packets, as toxcore does without UDP
};

struct Found_Result {
    std::size_t new_peers = 0; ///< friends that came, one at a time, while no other was there
    std::size_t at_once = 0;   ///< friends that found us before our host learnt of them (WORD_AFTER_MS)
    std::size_t late = 0;      ///< friends that found us after that
    double mean_ms = 0;        ///< from a friend's start until we are online to each other
    double relays = 0;         ///< relays that we hold while no friend is there, on average
};

/// This long after a friend's start our host learns of it over the onion, and names the relays of both to the library.
inline constexpr std::uint64_t WORD_AFTER_MS = 20'000;

/// Simulates us, 24 friends and 24 relays, without UDP. The friends come one after the other, each a minute after the
/// last has left. A friend knows three relays of its own, and up to three that we are connected to just before it
/// comes. Then one relay in ten ends, on average, and the friend calls us by OOB packets.
Found_Result run_found(std::uint64_t seed, const Found_Def &def);

} // namespace toxtcp
