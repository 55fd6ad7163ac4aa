// Backoff: when is a relay that is not connected tried again?
//
// Rule: - A relay waits 250 ms after its first failure, and twice as long after each further failure, up to 3 min. A
//         relay that a peer needs waits 8 s at most for its first NEEDED_ATTEMPTS.
//       - Only a connection that lasted USEFUL_MS resets the wait. A connection that ended earlier is one more failure.
//       - All waiting relays stand in one queue: first those that a peer needs, then those that wait longest. The pace
//         is the time between two attempts, whichever relays they are for.
//       - While no relay is connected (an outage) the relays' own waits are OUTAGE_PACE_MS at most, and the pace
//         decides: one attempt in 0.35 s at first, then fewer with time. After a change of network the pace is PACE_MS
//         for AFTER_CHANGE_MS, and then as at the beginning of an outage. A relay that fails during an outage waits 8 s
//         at most when the outage is over.
//       - The relays that were in use when the outage began go first, each once, then one other relay, and so on.
//         Relays that are dead for long do not delay them.
//       - The pace becomes very slow only where the host tells of network changes and every attempt fails at once: then
//         there is no network. Where attempts begin and then fail, the fault is farther away, and the host cannot tell
//         its end.
// Bound: while another relay stays connected, a dead relay is tried at most 40 times in an hour after the first minute
//       (and once more in ten minutes if new addresses are named for it), a relay that flaps 60 times. A day without a
//       network takes less than 1,000 attempts where the host tells of changes. Otherwise the pace is 2 s at the
//       slowest, so that the end of an outage is found within 15 s if at most six relays were in use when it began, and
//       within 3 s after a change of network if at most 15 were. Any number of other relays may be dead.
#pragma once

#include <cstdint>

namespace toxtcp {

inline constexpr std::uint64_t FIRST_RETRY_MS = 250;
inline constexpr std::uint64_t MAX_RETRY_MS = 180'000;
inline constexpr std::uint64_t NEEDED_RETRY_MS = 8'000;
inline constexpr std::uint32_t NEEDED_ATTEMPTS = 20; ///< about 3 min, or more where each attempt takes its 10 s
inline constexpr std::uint64_t USEFUL_MS = 60'000;
inline constexpr std::uint64_t PACE_MS = 100;
inline constexpr std::uint64_t OUTAGE_PACE_MS = 350;
inline constexpr std::uint64_t MAX_OUTAGE_PACE_MS = 120'000;
inline constexpr std::uint64_t AFTER_CHANGE_MS = 3'000;
inline constexpr std::uint64_t SAME_OUTAGE_MS = 10'000;
/// A relay is in use when it is connected for this time. A relay that accepts and closes is not.
inline constexpr std::uint64_t IN_USE_MS = 5'000;
/// The connections that an outage ends may end so much earlier than the last of them: a silent connection is pinged
/// within 30 s, and ends 10 s later.
inline constexpr std::uint64_t LOST_TOGETHER_MS = 60'000;
inline constexpr std::uint64_t MAX_UNREPORTED_OUTAGE_PACE_MS = 2'000;
/// A retry after a wait this long may wait COALESCE_MS more, for a wake-up that has another cause.
inline constexpr std::uint64_t MIN_COALESCED_RETRY_MS = 30'000;
inline constexpr std::uint64_t COALESCE_MS = 30'000;

/// Of one relay.
struct Backoff {
    std::uint32_t attempts = 0;    ///< failed in a row
    bool may_coalesce = false;     ///< the retry may wait for a wake-up that has another cause
    std::uint64_t ready_at = 0;    ///< ms, the end of the relay's wait: see `backoff_ready_at`
    std::uint64_t queue_order = 0; ///< the lowest first: ms, the end of the last attempt or connection
    std::uint64_t away_since = 0;  ///< ms, since when the relay is not connected; 0: it is connected
    std::uint64_t lost_at = 0;     ///< ms, the end of the last connection that was in use; 0: there was none
};

/// An attempt failed, or a connection ended after `up` ms (0 for an attempt). `needed`: a peer needs the relay.
/// `random`: any random number.
void backoff_failed(Backoff &backoff, std::uint64_t now, std::uint64_t up, bool needed, std::uint32_t random);
/// The relay failed in an outage, which tells little about it: when the outage is over, it does not wait long.
void backoff_limit_in_outage(Backoff &backoff, std::uint64_t now);
/// The relay is connected.
void backoff_connected(Backoff &backoff);
/// The relay may be tried at `at`. Its failures still count: it has a new address, which may be wrong.
void backoff_ready(Backoff &backoff, std::uint64_t at);
/// The relay is to be tried at `at`, whatever happened before: the network has changed, or the relay slept.
void backoff_reset(Backoff &backoff, std::uint64_t at);
/// When the retry should wake the host.
[[nodiscard]] std::uint64_t backoff_wake_at(const Backoff &backoff);

/// Of all relays.
struct Reconnect_Pace {
    std::uint64_t outage_since = 0;      ///< ms, start of the outage; 0: there is no outage
    std::uint64_t next_at = 0;           ///< ms, the next attempt is not before this time
    std::uint64_t last_outage_end = 0;   ///< ms, end of the last outage; 0: there was none
    std::uint64_t last_outage_start = 0; ///< ms, start of the last outage
    std::uint64_t changed_at = 0;        ///< ms, the last change of network; 0: there was none
    std::uint64_t round_since = 0;       ///< ms, start of the round (`has_outage_priority`)
    bool has_network = false;            ///< an attempt in this outage did not fail at once
};

/// No relay is connected any more. An outage that ended less than SAME_OUTAGE_MS ago goes on: the connection that
/// ended it was of no use.
void outage_begins(Reconnect_Pace &pace, std::uint64_t now);
/// A relay is connected. False when an outage ended less than SAME_OUTAGE_MS ago: the waiting relays were tried then.
[[nodiscard]] bool outage_ends(Reconnect_Pace &pace, std::uint64_t now);

/// The network has changed: earlier failures tell nothing about the new network.
void pace_renew(Reconnect_Pace &pace, std::uint64_t now);

/// ms between two attempts. `tells_changes`: the host tells of network changes.
[[nodiscard]] std::uint64_t reconnect_pace(const Reconnect_Pace &pace, std::uint64_t now, bool tells_changes);

/// ms, the relay is not tried before this time.
[[nodiscard]] std::uint64_t backoff_ready_at(const Backoff &backoff, const Reconnect_Pace &pace);
/// Whether the relay was in use when the outage began. Without an outage: whether it ever was in use.
[[nodiscard]] bool was_in_use(const Backoff &backoff, const Reconnect_Pace &pace);
/// Whether the relay goes before others in an outage: it was in use, and was not tried in this round. A round begins with
/// the outage, and with each attempt to connect a relay that has no priority.
[[nodiscard]] bool has_outage_priority(const Backoff &backoff, const Reconnect_Pace &pace);

/// A relay in the queue.
struct Waiting_Relay {
    bool priority = false;         ///< a peer needs it; in an outage: `has_outage_priority`
    std::uint64_t queue_order = 0; ///< the lowest first
};
/// Whether `a` is tried before `b`.
[[nodiscard]] bool is_tried_before(const Waiting_Relay &a, const Waiting_Relay &b);

} // namespace toxtcp
