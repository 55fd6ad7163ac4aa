// Reputation: how many different peers a relay failed lately, while another relay served them.
//
// Rule: each peer counts once. Two or more in FORGIVE_MS give the relay a bad name, which only lowers its preference among
//       routes that are not verified, and lets it go first when relays are pruned. It delays no connect and ends nothing.
// Bound: one peer, however it behaves, gives no relay a bad name; a bad name lasts FORGIVE_MS without new failures.
#pragma once

#include <array>
#include <cstdint>

namespace toxtcp {

inline constexpr std::uint64_t FORGIVE_MS = 600'000;
inline constexpr std::size_t BAD_NAME_PEERS = 2;

struct Reputation {
    struct Failure {
        std::uint32_t peer = UINT32_MAX; ///< whom, by a number that stays
        std::uint64_t at = 0;            ///< ms; 0: none
    };
    std::array<Failure, BAD_NAME_PEERS> failures{}; ///< the latest, of different peers
};

void reputation_failed(Reputation &reputation, std::uint32_t peer, std::uint64_t now);
[[nodiscard]] bool has_bad_name(const Reputation &reputation, std::uint64_t now);

} // namespace toxtcp
