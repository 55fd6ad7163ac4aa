// Whether peers that know our relays find us there, when we keep idle relays for that alone and when we do not.
#pragma once

#include <cstddef>
#include <cstdint>

#include <toxtcp/tcp_connections.h>

namespace toxtcp {

struct Found_Def {
    Profile profile = Profile::responsive;
    bool keep_idle = true; ///< tcp_connections_keep_idle_relays
    bool onion = false;    ///< we hold relays for onion packets, as toxcore does without UDP
};

struct Found_Result {
    std::size_t comers = 0;  ///< friends that came, one at a time, while no other was there
    std::size_t at_once = 0; ///< of these, found us before our host had word of them
    std::size_t late = 0;    ///< found us once it had
    double mean_ms = 0;      ///< from a friend's start until we are online to each other
    double relays = 0;       ///< that we hold while nobody is there, on average
};

/// How long after a friend's start our host has word of it over the onion, and names the relays of both.
inline constexpr std::uint64_t WORD_AFTER_MS = 20'000;

/// One client and 24 friends without UDP, and 24 relays. A friend knows three relays of its own, and those that we were
/// connected to when our host announced itself, a minute before. It calls us by OOB. Of all relays one in ten is gone then.
Found_Result run_found(std::uint64_t seed, const Found_Def &def);

} // namespace toxtcp
