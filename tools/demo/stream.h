// A stream of numbered, time-stamped packets in one direction. Sender and receiver share one struct, as both are in
// this process. All times are in microseconds; the caller passes the time in.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <toxtcp/types.h>

namespace toxtcp {

/// Bytes of a packet: number 8, time 8, an authenticator of both 32, and filling. As large as a voice packet.
inline constexpr std::size_t STREAM_PACKET_SIZE = 160;
using Stream_Packet = std::array<std::uint8_t, STREAM_PACKET_SIZE>;

/// Delays are counted in steps of 50 us up to 100 ms, which is fine enough for the median delay over a relay nearby.
inline constexpr std::uint64_t DELAY_STEP_US = 50;
inline constexpr std::size_t DELAY_STEPS = 2000;

struct Stream {
    Secret_Key key;                 ///< of sender and receiver only: a relay cannot forge packets
    std::uint64_t sent = 0;         ///< packets that the library accepted
    std::uint64_t refused = 0;      ///< packets that the library did not accept
    std::uint64_t received = 0;     ///< different packets
    std::uint64_t duplicates = 0;   ///< packets that had been received before
    std::uint64_t out_of_order = 0; ///< packets that came after one with a higher number
    std::uint64_t damaged = 0;      ///< packets that differ from every packet that was sent
    std::uint64_t highest = 0;      ///< highest number received, plus one
    std::uint64_t delay_max = 0;    ///< us
    std::uint64_t heard_at = 0;     ///< us, when the last packet came; before the first packet: when the stream began
    std::uint64_t longest_silence = 0;               ///< us, longest silence: between two packets, or before the first
    std::vector<bool> seen;                          ///< by number: the packet came
    std::array<std::uint64_t, DELAY_STEPS> delays{}; ///< packets by delay; the last step has all longer ones
};

void stream_begin(Stream &stream, std::uint64_t now);

/// The next packet to send. `stream_sent` then tells the stream whether the library accepted the packet.
[[nodiscard]] Stream_Packet stream_next(const Stream &stream, std::uint64_t now);
void stream_sent(Stream &stream, bool accepted);

/// Checks and counts a received packet. True if it is certainly the sender's and had not been received before; such a
/// packet ends a silence.
[[nodiscard]] bool stream_receive(Stream &stream, Bytes packet, std::uint64_t now);

/// How long no packet has come, us. Also updates `longest`, so that a silence that has not ended counts.
std::uint64_t stream_silence(Stream &stream, std::uint64_t now);

/// The median delay, us: rounded up to a whole step, at most 100 ms. 0 if nothing came.
[[nodiscard]] std::uint64_t stream_median_delay(const Stream &stream);

[[nodiscard]] inline std::uint64_t stream_lost(const Stream &stream) {
    return stream.sent - stream.received;
}

} // namespace toxtcp
