// Reputation: to how many different peers did a relay not deliver recently, while another relay delivered?
//
// Rule: each peer counts once. Failures for BAD_REPUTATION_PEERS peers within FAILURE_LIFETIME_MS give the relay a bad
//       reputation. Among routes that are not verified, a relay of bad reputation is chosen last. When relays are
//       pruned, it goes first. A bad reputation delays no connect and ends no connection.
// Bound: a single peer, however it behaves, gives no relay a bad reputation. A bad reputation lasts FAILURE_LIFETIME_MS
//        without new failures.
#pragma once

#include <array>
#include <cstdint>

namespace toxtcp {

inline constexpr std::uint64_t FAILURE_LIFETIME_MS = 600'000;
inline constexpr std::size_t BAD_REPUTATION_PEERS = 2;

struct Reputation {
    struct Failure {
        std::uint64_t peer = 0; ///< a part of its key: its connection may be made anew, in another slot
        std::uint64_t at = 0;   ///< ms; 0: none
    };
    std::array<Failure, BAD_REPUTATION_PEERS> failures{}; ///< the latest, of different peers
};

void reputation_failed(Reputation &reputation, std::uint64_t peer, std::uint64_t now);
[[nodiscard]] bool has_bad_reputation(const Reputation &reputation, std::uint64_t now);

} // namespace toxtcp
