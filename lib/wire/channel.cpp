// The secure channel: nonces that count, frames sealed and opened where they lie.
#include <sodium.h>

#include <cstring>

#include <toxtcp/wire.h>

namespace toxtcp {

namespace {

// What crypto_box_afternm does, from the parts that libsodium shows, in a way that costs less: Salsa20's key is kept from
// packet to packet, and the stream is made in one piece, of a length that is quick to make. Its first 32 bytes are the
// MAC's key, with the others the packet is sealed.

constexpr std::size_t MAC_KEY_SIZE = crypto_onetimeauth_poly1305_KEYBYTES;
constexpr std::size_t STREAM_BLOCK = 64;
/// libsodium makes this many blocks at once in about the time of one or two.
constexpr std::size_t FEW_BLOCKS = 4;
constexpr std::size_t MANY_BLOCKS = 8;

constexpr std::size_t stream_size(std::size_t text) {
    const std::size_t blocks = (MAC_KEY_SIZE + text + STREAM_BLOCK - 1) / STREAM_BLOCK;
    const std::size_t odd = blocks % MANY_BLOCKS;
    return STREAM_BLOCK * (blocks - odd + (odd <= 1 ? odd : odd <= FEW_BLOCKS ? FEW_BLOCKS : MANY_BLOCKS));
}

/// The stream for one packet. It holds the MAC's key, and does not stay in memory.
struct Stream {
    std::size_t size;
    std::array<std::uint8_t, stream_size(MAX_PLAIN_SIZE)> bytes;

    Stream(std::size_t text, const Stream_Key &key, const Nonce &nonce) : size(stream_size(text)) {
        crypto_stream_salsa20(bytes.data(), size, nonce.bytes.data() + Stream_Key::PREFIX_SIZE, key.key.bytes.data());
    }
    Stream(const Stream &) = delete;
    Stream &operator=(const Stream &) = delete;
    ~Stream() { wipe(bytes.data(), size); }
};

/// The stream's key for this nonce.
const Stream_Key &stream_key(Stream_Key &kept, const Secret_Key &key, const Nonce &nonce) {
    if (!kept.known || std::memcmp(kept.prefix.data(), nonce.bytes.data(), Stream_Key::PREFIX_SIZE) != 0) {
        crypto_core_hsalsa20(kept.key.bytes.data(), nonce.bytes.data(), key.bytes.data(), nullptr);
        std::memcpy(kept.prefix.data(), nonce.bytes.data(), Stream_Key::PREFIX_SIZE);
        kept.known = true;
    }
    return kept;
}

/// Seals or opens the text where it lies: one and the same.
void apply(const Stream &stream, Mutable_Bytes text) {
    const std::uint8_t *with = stream.bytes.data() + MAC_KEY_SIZE;
    std::size_t i = 0;
    for (std::uint64_t a, b; i + sizeof a <= text.size(); i += sizeof a) {
        std::memcpy(&a, text.data() + i, sizeof a);
        std::memcpy(&b, with + i, sizeof b);
        a ^= b;
        std::memcpy(text.data() + i, &a, sizeof a);
    }
    for (; i < text.size(); ++i) {
        text[i] = static_cast<std::uint8_t>(text[i] ^ with[i]);
    }
}

} // namespace

void increment_nonce(Nonce &nonce, std::uint32_t by) noexcept {
    std::uint64_t carry = by;
    for (std::size_t i = NONCE_SIZE; i-- > 0 && carry != 0; carry >>= 8) {
        carry += nonce.bytes[i];
        nonce.bytes[i] = static_cast<std::uint8_t>(carry);
    }
}

void seal_frame(Channel &channel, Mutable_Bytes frame) noexcept {
    const std::size_t sealed = frame.size() - FRAME_HEADER_SIZE;
    const Mutable_Bytes plain = frame.subspan(FRAME_OVERHEAD);
    const Stream stream(plain.size(), stream_key(channel.send_stream, channel.key, channel.send), channel.send);
    frame[0] = static_cast<std::uint8_t>(sealed >> 8);
    frame[1] = static_cast<std::uint8_t>(sealed);
    apply(stream, plain);
    crypto_onetimeauth_poly1305(frame.data() + FRAME_HEADER_SIZE, plain.data(), plain.size(), stream.bytes.data());
    increment_nonce(channel.send);
}

Mutable_Bytes open_sealed(Channel &channel, Mutable_Bytes sealed) noexcept {
    if (sealed.size() < MIN_SEALED_SIZE || sealed.size() > MAX_SEALED_SIZE) {
        return {};
    }
    const Mutable_Bytes plain = sealed.subspan(MAC_SIZE);
    const Stream stream(plain.size(), stream_key(channel.recv_stream, channel.key, channel.recv), channel.recv);
    if (crypto_onetimeauth_poly1305_verify(sealed.data(), plain.data(), plain.size(), stream.bytes.data()) != 0) {
        return {};
    }
    apply(stream, plain);
    increment_nonce(channel.recv);
    return plain;
}

} // namespace toxtcp
