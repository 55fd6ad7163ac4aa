// Send window: how many bytes may be in flight to a relay before large packets are refused?
//
// Rule: - Bytes in flight are those that our socket has taken and the relay's system has not acknowledged. They wait in the
//         socket, or in a queue of the network.
//       - The path itself holds the bandwidth-delay product (BDP): the rate at which bytes are acknowledged, times the
//         shortest round trip. The rate is the greatest in RATE_LASTS_MS to twice that. No sample counts for more than the
//         system's own measure: when a lost packet is repaired, much is acknowledged at once.
//       - The window is the BDP, a quarter more, and what the path takes in TICK_MS; MIN_SEND_WINDOW at least. While more is
//         in flight, large data packets are refused. net_crypto then sends no faster than the path takes them. Small
//         packets, a call's, are always sent.
//       - Where the host cannot tell what is acknowledged, nothing is refused.
// Bound: what we queue on the way delays a packet by TICK_MS and a quarter of the shortest round trip, or by the time that the
//        path needs for MIN_SEND_WINDOW bytes. A path that becomes slower is followed after twice RATE_LASTS_MS.
// Reason: net_crypto sends faster and faster until packets are lost. Without this a file fills the queues of the network; TCP
//         loses packets there and takes about a second to repair it, in which the call beside the file is silent, and
//         net_crypto slows down to a tenth (docs/performance.md).
#pragma once

#include <cstddef>
#include <cstdint>

namespace toxtcp {

/// Packets of more bytes are large. A call's audio has at most 500, an echo or an acknowledgement fewer.
inline constexpr std::size_t MAX_SMALL_DATA = 512;
inline constexpr std::uint64_t MIN_SEND_WINDOW = 32'768; ///< bytes
/// toxcore ticks 20 times a second at least, and sends what it has in one burst: so much has to wait in the socket.
inline constexpr std::uint64_t TICK_MS = 50;
inline constexpr std::uint64_t RATE_SAMPLE_MS = 50; ///< a rate is measured over so long at least, and over a round trip
inline constexpr std::uint64_t RATE_LASTS_MS = 5'000;
/// A host that waits for room is woken after so long, ms: nothing else tells when bytes are acknowledged.
inline constexpr std::uint64_t ROOM_RETRY_MS = 5;

/// Of one TCP connection.
struct Send_Window {
    std::uint64_t acknowledged = 0; ///< bytes, as the host said last
    std::uint64_t size = MIN_SEND_WINDOW;
    std::uint64_t sample_at = 0; ///< ms, when the sample began that is being taken
    std::uint64_t sample_acknowledged = 0;
    std::uint64_t period_at = 0;   ///< ms, when the period began of which `rate` is
    std::uint32_t rate = 0;        ///< bytes a ms, the greatest of this period
    std::uint32_t rate_before = 0; ///< and of the one before
    bool refused = false;          ///< a packet, so that the host is to be woken when there may be room
};

/// What the host says of the path.
struct Path_View {
    std::uint64_t acknowledged = 0;  ///< bytes in all
    std::uint32_t round_trip_us = 0; ///< the shortest
    std::uint64_t delivery_rate = 0; ///< bytes a second, by the system's measure; 0: not known
};

/// How many bytes may still be sent, by what is known; `sent`: bytes that the socket has taken in all. 0: the host is to be
/// asked what is acknowledged, and `send_window_acknowledged` be told.
[[nodiscard]] inline std::uint64_t send_window_room(const Send_Window &window, std::uint64_t sent) {
    const std::uint64_t in_flight = sent > window.acknowledged ? sent - window.acknowledged : 0;
    return in_flight < window.size ? window.size - in_flight : 0;
}

void send_window_acknowledged(Send_Window &window, std::uint64_t now, const Path_View &path);

} // namespace toxtcp
