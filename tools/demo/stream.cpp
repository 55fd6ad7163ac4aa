#include "tools/demo/stream.h"

#include <algorithm>
#include <cstring>

#include <sodium.h>

namespace toxtcp {

namespace {

struct Stamp {
    std::uint64_t number;
    std::uint64_t time;
};

constexpr std::uint8_t FILLING = 0x5A;

static_assert(crypto_auth_KEYBYTES == KEY_SIZE);
constexpr std::size_t FILLING_OFFSET = sizeof(Stamp) + crypto_auth_BYTES;

} // namespace

void stream_begin(Stream &stream, std::uint64_t now) {
    stream = {};
    crypto_auth_keygen(stream.key.bytes.data());
    stream.heard_at = now;
}

Stream_Packet stream_next(const Stream &stream, std::uint64_t now) {
    const Stamp stamp{stream.sent, now};
    Stream_Packet packet;
    packet.fill(FILLING);
    std::memcpy(packet.data(), &stamp, sizeof stamp);
    crypto_auth(packet.data() + sizeof stamp, packet.data(), sizeof stamp, stream.key.bytes.data());
    return packet;
}

void stream_sent(Stream &stream, bool accepted) {
    ++(accepted ? stream.sent : stream.refused);
}

bool stream_receive(Stream &stream, Bytes packet, std::uint64_t now) {
    Stamp stamp{};
    if (packet.size() == STREAM_PACKET_SIZE) {
        std::memcpy(&stamp, packet.data(), sizeof stamp);
    }
    const bool is_valid =
        packet.size() == STREAM_PACKET_SIZE && stamp.number < stream.sent && stamp.time <= now &&
        crypto_auth_verify(packet.data() + sizeof stamp, packet.data(), sizeof stamp, stream.key.bytes.data()) == 0 &&
        std::all_of(packet.begin() + FILLING_OFFSET, packet.end(), [](std::uint8_t byte) { return byte == FILLING; });
    if (!is_valid) {
        ++stream.damaged;
        return false;
    }
    stream.seen.resize(std::max<std::size_t>(stream.seen.size(), stream.sent));
    if (stream.seen[stamp.number]) {
        ++stream.duplicates;
        return false;
    }
    stream.seen[stamp.number] = true;
    ++stream.received;
    stream.out_of_order += stamp.number < stream.highest;
    stream.highest = std::max(stream.highest, stamp.number + 1);
    const std::uint64_t delay = now - stamp.time;
    stream.delay_max = std::max(stream.delay_max, delay);
    ++stream.delays[std::min<std::uint64_t>(delay / DELAY_STEP_US, DELAY_STEPS - 1)];
    stream_silence(stream, now);
    stream.heard_at = now;
    return true;
}

std::uint64_t stream_silence(Stream &stream, std::uint64_t now) {
    const std::uint64_t silence = now - std::min(now, stream.heard_at);
    stream.longest_silence = std::max(stream.longest_silence, silence);
    return silence;
}

std::uint64_t stream_median_delay(const Stream &stream) {
    std::uint64_t faster = 0;
    std::size_t step = 0;
    while (step < DELAY_STEPS && 2 * (faster + stream.delays[step]) < stream.received) {
        faster += stream.delays[step++];
    }
    return stream.received == 0 ? 0 : (step + 1) * DELAY_STEP_US;
}

} // namespace toxtcp
