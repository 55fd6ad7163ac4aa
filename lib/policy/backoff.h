// Backoff: when is a relay that is away tried again?
//
// Rule: - A relay waits 250 ms after its first failure, and twice as long after each further one, up to 3 min. One that a
//         peer lacks waits 8 s at most for its first NEEDED_ATTEMPTS.
//       - Only a connection that lasted USEFUL_MS resets this. One that ended earlier counts as one more failure.
//       - All that wait stand in one queue: those that a peer lacks first, then the longest waiting. One pace for all.
//       - While nothing is connected (an outage) the relays' own waits do not count. The pace alone does: 0.35 s at first,
//         then slower with time. A change of network starts it anew. What fails in an outage waits 8 s at most after it.
//       - The pace becomes very slow only where the host tells of changes and every attempt fails at once: there is no
//         network. Where attempts begin and come to nothing, what is broken is farther away, and nobody will tell.
// Bound: a dead relay is tried at most 40 times in an hour after the first minute, one that flaps 60 times. A day without a
//       network takes less than 1,000 attempts where the host tells of changes. Otherwise the pace is 2 s at the slowest,
//       so that the end of an outage is found within 15 s.
#pragma once

#include <cstdint>

namespace toxtcp {

inline constexpr std::uint64_t FIRST_RETRY_MS = 250;
inline constexpr std::uint64_t MAX_RETRY_MS = 180'000;
inline constexpr std::uint64_t NEEDED_RETRY_MS = 8'000;
inline constexpr std::uint32_t NEEDED_ATTEMPTS = 20; ///< some three minutes, more where each attempt takes its 10 s
inline constexpr std::uint64_t USEFUL_MS = 60'000;
inline constexpr std::uint64_t PACE_MS = 100;
inline constexpr std::uint64_t OUTAGE_PACE_MS = 350;
inline constexpr std::uint64_t MAX_OUTAGE_PACE_MS = 120'000;
inline constexpr std::uint64_t RELAPSE_MS = 10'000;
inline constexpr std::uint64_t UNTOLD_OUTAGE_PACE_MS = 2'000;
/// A retry that has waited this long may wait for another wake-up, but no longer than the second time.
inline constexpr std::uint64_t PATIENT_RETRY_MS = 30'000;
inline constexpr std::uint64_t COALESCE_MS = 30'000;

/// Of one relay.
struct Backoff {
    std::uint32_t attempts = 0;      ///< failed in a row
    bool patient = false;            ///< its retry may wait for another wake-up
    std::uint64_t ready_at = 0;      ///< ms, not tried before, outages aside
    std::uint64_t waiting_since = 0; ///< ms, the end of its last attempt or connection
    std::uint64_t away_since = 0;    ///< ms, since when it is away; 0: it is not
};

/// An attempt failed, or a connection ended after `up` ms (0 for an attempt). `random` is any number.
void backoff_failed(Backoff &backoff, std::uint64_t now, std::uint64_t up, bool needed, std::uint32_t random);
/// It failed while nothing was connected, which tells little of it: when something is, it does not wait long.
void backoff_excuse(Backoff &backoff, std::uint64_t now);
/// It is connected.
void backoff_connected(Backoff &backoff);
/// To be tried at `at`, whatever was before: the network has changed, or its address.
void backoff_reset(Backoff &backoff, std::uint64_t at);
/// When its retry should wake the host.
[[nodiscard]] std::uint64_t backoff_wake_at(const Backoff &backoff);

/// Of all relays.
struct Reconnect_Pace {
    std::uint64_t outage_since = 0; ///< ms, since when nothing is connected; 0: something is
    std::uint64_t next_at = 0;      ///< ms, no attempt before
    std::uint64_t ended_at = 0;     ///< ms, when the last outage ended; 0: there was none
    std::uint64_t ended_since = 0;  ///< ms, when that one had begun
    bool has_network = false;       ///< an attempt in this outage did not fail at once
};

/// Nothing is connected any more. An outage that ended less than RELAPSE_MS ago goes on: what came up was of no use.
void outage_begins(Reconnect_Pace &pace, std::uint64_t now);
/// Something is connected. False when the last outage has ended just before: those that wait have had their turn then.
[[nodiscard]] bool outage_ends(Reconnect_Pace &pace, std::uint64_t now);

/// The network has changed: what was before tells nothing.
void pace_renew(Reconnect_Pace &pace, std::uint64_t now);

/// ms between two attempts. `told`: the host tells of changes of the network.
[[nodiscard]] std::uint64_t reconnect_pace(const Reconnect_Pace &pace, std::uint64_t now, bool told);

/// A relay in the queue.
struct Waiting_Relay {
    bool needed = false;             ///< a peer lacks it
    std::uint64_t waiting_since = 0; ///< ms
};
/// Whether `a` has its turn before `b`.
[[nodiscard]] bool goes_before(const Waiting_Relay &a, const Waiting_Relay &b);

} // namespace toxtcp
