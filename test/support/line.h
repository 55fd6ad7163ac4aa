// One direction of a wide-area line: a rate with a queue before it, a delay, and loss. Packets and the time go in, packets
// come out: it has no socket and no clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace toxtcp {

struct Line_Def {
    std::uint64_t delay_ns = 0; ///< from a packet's last bit sent until it arrives
    std::uint64_t rate = 0;     ///< bits a second; 0: without a limit, and then there is no queue
    std::size_t queue = 0;      ///< bytes that may wait to be sent; a packet that does not fit in is dropped
    double loss = 0;            ///< share of the packets sent that never arrive, 0 to 1
    std::uint64_t seed = 0;     ///< decides which packets are lost
};

/// Reads `delay_ms=25,rate_mbit=20,queue=100000,loss=0.005,seed=7`: each value at most once, in any order. A value that
/// is not named is 0. False when the text is something else, or when the rate is limited and a packet of `mtu` bytes
/// does not fit into the queue.
bool parse_line(const std::string &text, std::size_t mtu, Line_Def &def);

struct Line_Counts {
    std::uint64_t arrived = 0; ///< packets that `take` gave
    std::uint64_t dropped = 0; ///< packets that the queue had no room for
    std::uint64_t lost = 0;    ///< packets that were lost on the way
};

struct Line_Packet {
    std::uint64_t arrives_ns = 0;
    std::vector<std::uint8_t> bytes;
};

struct Line {
    Line_Def def;
    std::uint64_t idle_ns = 0; ///< when the last packet taken has been sent
    std::uint64_t drawn = 0;   ///< random numbers drawn so far
    std::deque<Line_Packet> under_way;
    Line_Counts counts;
};

/// What became of a packet that was offered.
enum class Fate { sent, dropped, lost };

/// Bytes in the queue: taken and not sent yet.
std::size_t queued_bytes(const Line &line, std::uint64_t now_ns);

/// Offers a packet to the line. `now_ns` is never earlier than in the call before.
Fate offer(Line &line, std::span<const std::uint8_t> packet, std::uint64_t now_ns);

/// What `next_arrival` answers when no packet is under way.
inline constexpr std::uint64_t NO_ARRIVAL = std::numeric_limits<std::uint64_t>::max();

/// When the next packet arrives.
std::uint64_t next_arrival(const Line &line);

/// The next packet that has arrived by now. False when there is none.
bool take(Line &line, std::uint64_t now_ns, std::vector<std::uint8_t> &packet);

} // namespace toxtcp
