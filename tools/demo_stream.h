// Numbered, time-stamped packets in one direction, as sender and receiver together know them. Time is in microseconds
// and handed in.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <toxtcp/types.h>

namespace toxtcp {

/// Number 8, time 8, their authenticator 32, and filling, as large as a packet of voice.
inline constexpr std::size_t STREAM_PACKET_SIZE = 160;
using Stream_Packet = std::array<std::uint8_t, STREAM_PACKET_SIZE>;

/// Delays are counted by steps of 50 us up to 100 ms: enough to tell the median of a relay nearby.
inline constexpr std::uint64_t DELAY_STEP_US = 50;
inline constexpr std::size_t DELAY_STEPS = 2000;

struct Stream {
    Secret_Key key;                                  ///< of sender and receiver: what it has sealed is no relay's
    std::uint64_t sent = 0;                          ///< packets that the library took
    std::uint64_t refused = 0;                       ///< and did not take: nothing was there to carry them
    std::uint64_t received = 0;                      ///< different ones
    std::uint64_t duplicated = 0;                    ///< came again
    std::uint64_t out_of_order = 0;                  ///< came after one with a higher number
    std::uint64_t damaged = 0;                       ///< what was never sent
    std::uint64_t highest = 0;                       ///< number received, plus one
    std::uint64_t delay_max = 0;                     ///< us
    std::uint64_t heard = 0;                         ///< us, the last packet; before the first: the beginning
    std::uint64_t longest = 0;                       ///< us, between two packets, or before the first
    std::vector<bool> seen;                          ///< by number
    std::array<std::uint64_t, DELAY_STEPS> delays{}; ///< how many packets took so long; the last: or longer
};

void stream_begin(Stream &stream, std::uint64_t now);

/// The next packet to send. It counts once `stream_sent` says so.
[[nodiscard]] Stream_Packet stream_next(const Stream &stream, std::uint64_t now);
void stream_sent(Stream &stream, bool taken);

/// A packet came. Whether it is a new one of the sender's beyond doubt, which ends a silence.
[[nodiscard]] bool stream_take(Stream &stream, Bytes packet, std::uint64_t now);

/// How long it has been silent; a silence that lasts counts for `longest` as well.
std::uint64_t stream_silence(Stream &stream, std::uint64_t now);

/// Half of the packets took no longer than this; us, and no more than the longest that is counted.
[[nodiscard]] std::uint64_t stream_median_delay(const Stream &stream);

[[nodiscard]] inline std::uint64_t stream_lost(const Stream &stream) {
    return stream.sent - stream.received;
}

} // namespace toxtcp
