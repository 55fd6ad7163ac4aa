// The secure channel: increments nonces, and seals and opens frames in place.
#include <sodium.h>

#include <cstring>

#include <toxtcp/wire.h>

namespace toxtcp {

namespace {

// The result is the same as that of crypto_box_afternm. It costs less, since the Salsa20 key is kept from packet to
// packet and the key stream is made by one call, in a length that libsodium makes fast. The first 32 bytes of the
// stream are the MAC's key. The packet is XORed with the rest.

constexpr std::size_t MAC_KEY_SIZE = crypto_onetimeauth_poly1305_KEYBYTES;
constexpr std::size_t STREAM_BLOCK = 64;
/// libsodium makes 4 or 8 blocks in one call in about the time of one or two.
constexpr std::size_t FEW_BLOCKS = 4;
constexpr std::size_t MANY_BLOCKS = 8;

constexpr std::size_t stream_size(std::size_t text) {
    const std::size_t blocks = (MAC_KEY_SIZE + text + STREAM_BLOCK - 1) / STREAM_BLOCK;
    const std::size_t odd = blocks % MANY_BLOCKS;
    return STREAM_BLOCK * (blocks - odd + (odd <= 1 ? odd : odd <= FEW_BLOCKS ? FEW_BLOCKS : MANY_BLOCKS));
}

/// The key stream for one packet. It contains the MAC's key, so the destructor wipes it.
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

/// The Salsa20 key for this nonce. Derived anew only if the kept key is for another prefix.
const Stream_Key &stream_key(Stream_Key &kept, const Secret_Key &key, const Nonce &nonce) {
    if (!kept.known || std::memcmp(kept.prefix.data(), nonce.bytes.data(), Stream_Key::PREFIX_SIZE) != 0) {
        crypto_core_hsalsa20(kept.key.bytes.data(), nonce.bytes.data(), key.bytes.data(), nullptr);
        std::memcpy(kept.prefix.data(), nonce.bytes.data(), Stream_Key::PREFIX_SIZE);
        kept.known = true;
    }
    return kept;
}

/// XORs the text with the stream, in place. This both encrypts and decrypts.
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
