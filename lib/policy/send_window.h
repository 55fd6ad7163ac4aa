// Send window: how many bytes may be in flight to a relay before large packets are refused?
//
// Rule: - Bytes in flight are those that our socket has taken and the relay's system has not acknowledged. They wait in
//         the socket, or in a queue of the network.
//       - The path itself holds the bandwidth-delay product (BDP): the rate at which bytes are acknowledged, times the
//         shortest round trip. The rate is the greatest sample of the last RATE_LASTS_MS to twice that time. A sample
//         is limited to the rate that the system measures, because much is acknowledged at once when a lost packet is
//         repaired.
//       - The window is the BDP, a quarter of it, and what the path takes in TICK_MS; at least MIN_SEND_WINDOW. While
//         more is in flight, large data packets are refused, so that net_crypto sends no faster than the path takes
//         them. Small packets, such as those of a call, are always sent.
//       - Where the host cannot tell what is acknowledged, no packet is refused.
// Bound: the bytes that we queue delay a packet by TICK_MS and a quarter of the shortest round trip, or by the time
//        that the path needs for MIN_SEND_WINDOW bytes. When a path becomes slower, the window follows after at most
//        twice RATE_LASTS_MS.
// Reason: net_crypto sends faster and faster until packets are lost. Without the window, a file fills the queues of the
//         network. TCP then loses packets and needs about a second to repair the loss. In that second a call beside the
//         file is silent, and net_crypto slows down to a tenth (docs/performance.md).
#pragma once

#include <cstddef>
#include <cstdint>

namespace toxtcp {

/// Packets of more bytes are large. The audio packets of a call have at most 500; echoes and acknowledgements are
/// smaller.
inline constexpr std::size_t MAX_SMALL_DATA = 512;
inline constexpr std::uint64_t MIN_SEND_WINDOW = 32'768; ///< bytes
/// toxcore ticks at least 20 times a second, and sends all its packets of a tick at once: that many must wait in the
/// socket.
inline constexpr std::uint64_t TICK_MS = 50;
inline constexpr std::uint64_t RATE_SAMPLE_MS = 50; ///< a sample lasts at least this long, and a round trip
inline constexpr std::uint64_t RATE_LASTS_MS = 5'000;
/// After a refusal the host is woken after this time, because no event tells when bytes are acknowledged.
inline constexpr std::uint64_t ROOM_RETRY_MS = 5;

/// Of one TCP connection.
struct Send_Window {
    std::uint64_t acknowledged = 0;        ///< bytes in all, as the host said last
    std::uint64_t size = MIN_SEND_WINDOW;  ///< bytes that may be in flight
    std::uint64_t sample_at = 0;           ///< ms, start of the present sample
    std::uint64_t sample_acknowledged = 0; ///< bytes acknowledged in all at that time
    std::uint64_t period_at = 0;           ///< ms, start of the present period of RATE_LASTS_MS
    std::uint32_t rate = 0;                ///< bytes a ms, the greatest sample of this period
    std::uint32_t rate_before = 0;         ///< the same of the period before
    bool refused = false;                  ///< a packet was refused, and the host is to be woken after ROOM_RETRY_MS
};

/// What the host says of the path.
struct Path_View {
    std::uint64_t acknowledged = 0;  ///< bytes in all
    std::uint32_t round_trip_us = 0; ///< the shortest round trip
    std::uint64_t delivery_rate = 0; ///< bytes a second, as the system measures it; 0: not known
};

/// How many bytes may still be sent, as far as is known. `sent`: bytes that the socket has taken in all. When the
/// answer is 0, ask the host what is acknowledged, and call `send_window_acknowledged`.
[[nodiscard]] inline std::uint64_t send_window_room(const Send_Window &window, std::uint64_t sent) {
    const std::uint64_t in_flight = sent > window.acknowledged ? sent - window.acknowledged : 0;
    return in_flight < window.size ? window.size - in_flight : 0;
}

/// The host said what is acknowledged: measures the rate and sets the window.
void send_window_acknowledged(Send_Window &window, std::uint64_t now, const Path_View &path);

} // namespace toxtcp
