// The handshake: client and relay send one message each, sealed with the long-term keys. The messages agree on the
// session key and the nonces.
#include <sodium.h>

#include <algorithm>

#include <toxtcp/wire.h>

namespace toxtcp {

namespace {

// Both messages end with a nonce (24) and a sealed hello: session public key (32) and base nonce (24).
constexpr std::size_t HELLO_SIZE = KEY_SIZE + NONCE_SIZE;
constexpr std::size_t SEALED_HELLO_SIZE = HELLO_SIZE + MAC_SIZE;
constexpr std::size_t ANSWER_SIZE = NONCE_SIZE + SEALED_HELLO_SIZE;
static_assert(ANSWER_SIZE == HANDSHAKE_RESPONSE_SIZE && KEY_SIZE + ANSWER_SIZE == HANDSHAKE_REQUEST_SIZE);

struct Hello {
    Public_Key session_key;
    Nonce base;
};

void fill(const Random &random, Mutable_Bytes bytes) {
    random.fill(random.object, bytes);
}

void draw_session(const Random &random, Secret_Key &secret, Hello &hello) {
    fill(random, secret.bytes);
    crypto_scalarmult_base(hello.session_key.data(), secret.bytes.data());
    fill(random, hello.base.bytes);
}

void seal_hello(const Random &random, const Secret_Key &key, const Hello &hello,
                std::span<std::uint8_t, ANSWER_SIZE> out) {
    std::array<std::uint8_t, HELLO_SIZE> plain;
    std::copy(hello.session_key.begin(), hello.session_key.end(), plain.begin());
    std::copy(hello.base.bytes.begin(), hello.base.bytes.end(), plain.begin() + KEY_SIZE);
    fill(random, out.first<NONCE_SIZE>());
    crypto_box_easy_afternm(out.data() + NONCE_SIZE, plain.data(), plain.size(), out.data(), key.bytes.data());
}

bool open_hello(const Secret_Key &key, std::span<const std::uint8_t, ANSWER_SIZE> in, Hello &hello) {
    std::array<std::uint8_t, HELLO_SIZE> plain;
    if (crypto_box_open_easy_afternm(plain.data(), in.data() + NONCE_SIZE, SEALED_HELLO_SIZE, in.data(),
                                     key.bytes.data()) != 0) {
        return false;
    }
    std::copy_n(plain.begin(), KEY_SIZE, hello.session_key.begin());
    std::copy_n(plain.begin() + KEY_SIZE, NONCE_SIZE, hello.base.bytes.begin());
    return true;
}

/// False for a key of low order: everybody could compute the shared key.
bool share_key(const Public_Key &theirs, const Secret_Key &ours, Secret_Key &shared) {
    return crypto_box_beforenm(shared.bytes.data(), theirs.data(), ours.bytes.data()) == 0;
}

} // namespace

bool start_handshake(Handshake &handshake, const Random &random, const Public_Key &own_public_key,
                     const Secret_Key &own_secret_key, const Public_Key &relay_public_key,
                     std::span<std::uint8_t, HANDSHAKE_REQUEST_SIZE> request) {
    if (!share_key(relay_public_key, own_secret_key, handshake.long_term)) {
        return false;
    }
    Hello hello;
    draw_session(random, handshake.session_secret, hello);
    handshake.base = hello.base;
    std::copy(own_public_key.begin(), own_public_key.end(), request.begin());
    seal_hello(random, handshake.long_term, hello, request.subspan<KEY_SIZE, ANSWER_SIZE>());
    return true;
}

bool finish_handshake(Handshake &handshake, std::span<const std::uint8_t, HANDSHAKE_RESPONSE_SIZE> response,
                      Channel &channel) {
    Hello hello;
    channel = {};
    const bool agreed = open_hello(handshake.long_term, response, hello) &&
                        share_key(hello.session_key, handshake.session_secret, channel.key);
    channel.send = handshake.base;
    channel.recv = hello.base;
    handshake = {};
    return agreed;
}

bool answer_handshake(const Random &random, const Secret_Key &relay_secret_key,
                      std::span<const std::uint8_t, HANDSHAKE_REQUEST_SIZE> request,
                      std::span<std::uint8_t, HANDSHAKE_RESPONSE_SIZE> response, Public_Key &client_public_key,
                      Channel &channel) {
    std::copy_n(request.begin(), KEY_SIZE, client_public_key.begin());
    // X25519 ignores the top bit, and no real key has it set. If it were changed on the way, the request would still
    // open, but the relay would know the client by a wrong key.
    if ((client_public_key.back() & 0x80) != 0) {
        return false;
    }
    Secret_Key long_term;
    Hello theirs;
    if (!share_key(client_public_key, relay_secret_key, long_term) ||
        !open_hello(long_term, request.subspan<KEY_SIZE, ANSWER_SIZE>(), theirs)) {
        return false;
    }
    Secret_Key session_secret;
    Hello ours;
    draw_session(random, session_secret, ours);
    channel = {};
    if (!share_key(theirs.session_key, session_secret, channel.key)) {
        return false;
    }
    channel.send = ours.base;
    channel.recv = theirs.base;
    seal_hello(random, long_term, ours, response);
    return true;
}

} // namespace toxtcp
