// Reputation: to how many different peers did a relay not deliver recently, while another relay delivered?
//
// Rule: each peer counts once. Failures for BAD_NAME_PEERS peers within FORGIVE_MS give the relay a bad name. Among
//       routes that are not verified, a relay of bad name is chosen last. When relays are pruned, it goes first. A bad
//       name delays no connect and ends no connection.
// Bound: a single peer, however it behaves, gives no relay a bad name. A bad name lasts FORGIVE_MS without new
//        failures.
#pragma once

#include <array>
#include <cstdint>

namespace toxtcp {

inline constexpr std::uint64_t FORGIVE_MS = 600'000;
inline constexpr std::size_t BAD_NAME_PEERS = 2;

struct Reputation {
    struct Failure {
        std::uint32_t peer = UINT32_MAX; ///< slot of the connection to the peer
        std::uint64_t at = 0;            ///< ms; 0: none
    };
    std::array<Failure, BAD_NAME_PEERS> failures{}; ///< the latest, of different peers
};

void reputation_failed(Reputation &reputation, std::uint32_t peer, std::uint64_t now);
[[nodiscard]] bool has_bad_name(const Reputation &reputation, std::uint64_t now);

} // namespace toxtcp
