// Liveness: does a relay's TCP connection still work? Liveness does not choose routes; Delivery and Selection do.
//
// Rule: - Data was sent and nothing came from the relay for PROBE_MS: the relay is pinged, once a second at most.
//         Without an answer within three of its round trips (STALE_MS at least, MAX_STALE_MS at most) the relay is
//         stale, until anything comes from it. Our own data may delay the answer: that time is granted on top (load.h).
//       - The network has changed: the relay is pinged. If nothing comes from it within two of its round trips
//         (NETWORK_CHECK_MS at least, MAX_NETWORK_CHECK_MS at most) the connection is ended.
//       - The socket is full and took nothing for STUCK_MS: the connection is ended, as the relay may read a new one.
//       - The protocol's own pings (relay/relay_client.h) end a connection after 10 s without an answer.
// Bound: a relay that hangs is stale within PROBE_MS + 1 s + max(STALE_MS, three round trips) after the first data that
//       it leaves unanswered. A relay with a measured round trip of 1.9 s does not become stale,
//       and a change of network that broke nothing ends no connection with a measured round trip below 3 s.
#pragma once

#include <cstdint>

namespace toxtcp {

inline constexpr std::uint64_t PROBE_MS = 500;
inline constexpr std::uint64_t PROBE_EVERY_MS = 1'000;
inline constexpr std::uint64_t STALE_MS = 600;
inline constexpr std::uint64_t MAX_STALE_MS = 6'000;
inline constexpr std::uint64_t SAVER_EXTRA_MS = 600; ///< in the saving profile, before the ping and again before stale
inline constexpr std::uint64_t NETWORK_CHECK_MS = 1'500;
inline constexpr std::uint64_t MAX_NETWORK_CHECK_MS = 6'000;
inline constexpr std::uint64_t STUCK_MS = 5'000;
static_assert(PROBE_MS + STALE_MS + 2 * SAVER_EXTRA_MS < 3'000 && PROBE_EVERY_MS + STALE_MS + SAVER_EXTRA_MS < 3'000);

enum class Liveness_Action : std::uint8_t {
    none,
    ping,
    stale,
    end_unanswered, ///< the network has changed, and the relay does not answer
    check_full,     ///< try whether the socket takes anything, then call `liveness_checked_full`
};

struct Liveness {
    std::uint64_t unanswered_since = 0;    ///< ms, the first data sent since anything came from the relay; 0: none
    std::uint64_t network_check_until = 0; ///< ms, the relay must answer before this time; 0: not asked to
    std::uint64_t full_since = 0;          ///< ms, since when the socket does not take all; 0: it does
    std::uint32_t granted = 0;             ///< ms granted for our own data, when the silence began or the ping was sent
    bool made_progress = false;            ///< the socket has taken something since `full_since`
    bool stale = false;
};

/// What the relay's link knows.
struct Liveness_View {
    std::uint64_t last_heard = 0; ///< ms, when anything came from the relay
    std::uint64_t ping_sent = 0;  ///< ms, the last ping
    bool ping_unanswered = false; ///< the last ping is not answered yet
    std::uint32_t round_trip = 0; ///< ms to the relay and back; 0: not measured
    bool saver = false;
};

/// Data was sent. True if this made `liveness_deadline` earlier. `load`: ms granted for our own data (load.h).
[[nodiscard]] bool liveness_sent(Liveness &liveness, std::uint64_t now, std::uint64_t last_heard, std::uint32_t load);
/// Something came from the relay. True if the relay was stale.
[[nodiscard]] bool liveness_heard(Liveness &liveness);
/// The socket did not take all. True if this made `liveness_deadline` earlier.
[[nodiscard]] bool liveness_full(Liveness &liveness, std::uint64_t now);
/// The network has changed, and the relay was pinged. `round_trip`: ms to the relay and back; 0: not measured.
void liveness_start_network_check(Liveness &liveness, std::uint64_t now, std::uint32_t round_trip);
/// After `check_full`. `waits`: bytes still wait for the socket. True: the connection is stuck, and is to be ended.
[[nodiscard]] bool liveness_checked_full(Liveness &liveness, std::uint64_t now, bool waits);

/// `load`: ms granted for our own data (load.h).
[[nodiscard]] Liveness_Action liveness_due(Liveness &liveness, std::uint64_t now, const Liveness_View &view,
                                           std::uint32_t load);
[[nodiscard]] std::uint64_t liveness_deadline(const Liveness &liveness, const Liveness_View &view);

} // namespace toxtcp
