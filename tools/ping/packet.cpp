#include "tools/ping/packet.h"

#include <algorithm>
#include <cstring>

namespace toxtcp {

namespace {

// Where the parts begin.
constexpr std::array<std::uint8_t, 3> MARK{'t', 't', 'p'};
constexpr std::size_t KIND = MARK.size();
constexpr std::size_t RUN = KIND + 1;
constexpr std::size_t NUMBER = RUN + sizeof(Ping_Head::run);
static_assert(MIN_PING_SIZE == NUMBER + sizeof(Ping_Head::number));

} // namespace

std::vector<std::uint8_t> print_ping(const Ping_Head &head, std::size_t size) {
    std::vector<std::uint8_t> packet(std::max(size, MIN_PING_SIZE));
    std::copy(MARK.begin(), MARK.end(), packet.begin());
    packet[KIND] = static_cast<std::uint8_t>(head.kind);
    std::memcpy(packet.data() + RUN, &head.run, sizeof head.run);
    std::memcpy(packet.data() + NUMBER, &head.number, sizeof head.number);
    return packet;
}

bool parse_ping(Bytes packet, Ping_Head &head) {
    if (packet.size() < MIN_PING_SIZE || !std::equal(MARK.begin(), MARK.end(), packet.begin())) {
        return false;
    }
    head.kind = static_cast<Ping_Kind>(packet[KIND]);
    std::memcpy(&head.run, packet.data() + RUN, sizeof head.run);
    std::memcpy(&head.number, packet.data() + NUMBER, sizeof head.number);
    return head.kind == Ping_Kind::hello || head.kind == Ping_Kind::request || head.kind == Ping_Kind::answer;
}

} // namespace toxtcp
