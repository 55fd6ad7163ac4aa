#include "tools/ping/packet.h"

#include <algorithm>
#include <cstring>

namespace toxtcp {

namespace {

// The offsets of the parts in a packet.
constexpr std::array<std::uint8_t, 3> MARK{'t', 't', 'p'};
constexpr std::size_t KIND_OFFSET = MARK.size();
constexpr std::size_t RUN_OFFSET = KIND_OFFSET + 1;
constexpr std::size_t NUMBER_OFFSET = RUN_OFFSET + sizeof(Ping_Head::run);
static_assert(MIN_PING_SIZE == NUMBER_OFFSET + sizeof(Ping_Head::number));

} // namespace

std::vector<std::uint8_t> encode_ping(const Ping_Head &head, std::size_t size) {
    std::vector<std::uint8_t> packet(std::max(size, MIN_PING_SIZE));
    std::copy(MARK.begin(), MARK.end(), packet.begin());
    packet[KIND_OFFSET] = static_cast<std::uint8_t>(head.kind);
    std::memcpy(packet.data() + RUN_OFFSET, &head.run, sizeof head.run);
    std::memcpy(packet.data() + NUMBER_OFFSET, &head.number, sizeof head.number);
    return packet;
}

bool decode_ping(Bytes packet, Ping_Head &head) {
    if (packet.size() < MIN_PING_SIZE || !std::equal(MARK.begin(), MARK.end(), packet.begin())) {
        return false;
    }
    head.kind = static_cast<Ping_Kind>(packet[KIND_OFFSET]);
    std::memcpy(&head.run, packet.data() + RUN_OFFSET, sizeof head.run);
    std::memcpy(&head.number, packet.data() + NUMBER_OFFSET, sizeof head.number);
    return head.kind == Ping_Kind::hello || head.kind == Ping_Kind::request || head.kind == Ping_Kind::answer;
}

} // namespace toxtcp
