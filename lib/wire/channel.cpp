// The secure channel: nonces that count, frames sealed and opened where they lie.
#include <sodium.h>

#include <toxtcp/wire.h>

namespace toxtcp {

void increment_nonce(Nonce &nonce, std::uint32_t by) noexcept {
    std::uint64_t carry = by;
    for (std::size_t i = NONCE_SIZE; i-- > 0 && carry != 0; carry >>= 8) {
        carry += nonce.bytes[i];
        nonce.bytes[i] = static_cast<std::uint8_t>(carry);
    }
}

void seal_frame(Channel &channel, Mutable_Bytes frame) noexcept {
    const std::size_t sealed = frame.size() - FRAME_HEADER_SIZE;
    std::uint8_t *const mac = frame.data() + FRAME_HEADER_SIZE;
    std::uint8_t *const plain = frame.data() + FRAME_OVERHEAD;
    frame[0] = static_cast<std::uint8_t>(sealed >> 8);
    frame[1] = static_cast<std::uint8_t>(sealed);
    crypto_box_detached_afternm(plain, mac, plain, frame.size() - FRAME_OVERHEAD, channel.send.bytes.data(),
                                channel.key.bytes.data());
    increment_nonce(channel.send);
}

Mutable_Bytes open_sealed(Channel &channel, Mutable_Bytes sealed) noexcept {
    if (sealed.size() < MIN_SEALED_SIZE) {
        return {};
    }
    const Mutable_Bytes plain = sealed.subspan(MAC_SIZE);
    if (crypto_box_open_detached_afternm(plain.data(), plain.data(), sealed.data(), plain.size(),
                                         channel.recv.bytes.data(), channel.key.bytes.data()) != 0) {
        return {};
    }
    increment_nonce(channel.recv);
    return plain;
}

} // namespace toxtcp
