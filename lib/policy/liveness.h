// Liveness: does a relay's TCP connection still work? Where traffic goes is Delivery's matter.
//
// Rule: - Data was sent and the relay says nothing for PROBE_MS: it is pinged, once a second at most. Without an answer in
//         three of its round trips (STALE_MS at least, MAX_STALE_MS at most) it is stale, until it says anything. What we
//         sent beyond a slow link's rate is granted on top (load.h).
//       - The network has changed: a relay that does not answer a ping in PROVE_MS is ended.
//       - Its socket is full and took nothing for STUCK_MS: it is ended, since a new connection may be read again.
//       - The protocol's own pings (relay/relay_client.h) end a connection after 10 s without an answer.
// Bound: a relay that hangs is stale within PROBE_MS + 1 s + MAX(STALE_MS, three round trips) of its last word; one that
//       answers in 1.9 s never is.
#pragma once

#include <cstdint>

namespace toxtcp {

inline constexpr std::uint64_t PROBE_MS = 500;
inline constexpr std::uint64_t PROBE_EVERY_MS = 1'000;
inline constexpr std::uint64_t STALE_MS = 600;
inline constexpr std::uint64_t MAX_STALE_MS = 6'000;
inline constexpr std::uint64_t SAVER_EXTRA_MS = 600; ///< in the saving profile, on top of PROBE_MS
inline constexpr std::uint64_t PROVE_MS = 1'500;
inline constexpr std::uint64_t STUCK_MS = 5'000;
static_assert(PROBE_MS + PROBE_EVERY_MS + STALE_MS + SAVER_EXTRA_MS < 3'000);

enum class Liveness_Action : std::uint8_t {
    none,
    ping,
    stale,
    end_unproved, ///< the network has changed, and the relay does not answer
    check_full,   ///< see whether the socket takes anything, and say so by `liveness_checked_full`
};

struct Liveness {
    std::uint64_t sent_since = 0;  ///< ms, the first data sent since the relay was heard; 0: none
    std::uint64_t prove_until = 0; ///< ms, to answer by then; 0: no
    std::uint64_t full_since = 0;  ///< ms, the socket did not take all; 0: it did
    std::uint32_t granted = 0;     ///< ms, for what we had sent when the silence began, or the ping went out
    bool took_since = false;       ///< it has taken something since then
    bool stale = false;
};

/// What the relay's link knows.
struct Liveness_View {
    std::uint64_t last_heard = 0; ///< ms, anything
    std::uint64_t ping_sent = 0;  ///< ms, the last ping
    bool ping_out = false;        ///< and it is not answered yet
    std::uint32_t round_trip = 0; ///< ms to the relay and back; 0: not measured
    bool saver = false;
};

/// Data was sent. True if `liveness_deadline` has become earlier by it.
/// `load`: ms granted for what was sent.
[[nodiscard]] bool liveness_sent(Liveness &liveness, std::uint64_t now, std::uint64_t last_heard, std::uint32_t load);
/// The relay said something. True if it was stale.
[[nodiscard]] bool liveness_heard(Liveness &liveness);
/// The socket did not take all. True if `liveness_deadline` has become earlier by it.
[[nodiscard]] bool liveness_full(Liveness &liveness, std::uint64_t now);
/// The network has changed, and the relay was pinged.
void liveness_prove(Liveness &liveness, std::uint64_t now);
/// After `check_full`: whether something still waits. True: the connection is stuck, and is to be ended.
[[nodiscard]] bool liveness_checked_full(Liveness &liveness, std::uint64_t now, bool waits);

/// `load`: ms granted for what was sent.
[[nodiscard]] Liveness_Action liveness_due(Liveness &liveness, std::uint64_t now, const Liveness_View &view,
                                           std::uint32_t load);
[[nodiscard]] std::uint64_t liveness_deadline(const Liveness &liveness, const Liveness_View &view);

} // namespace toxtcp
