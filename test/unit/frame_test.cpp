// Frames: sealed and opened byte for byte. Each nonce is used once, and a frame that was changed does not open.
#include <sodium.h>

#include "bytes.h"
#include "catch.h"
#include "vectors.h"

using namespace toxtcp;

namespace {

Channel client_end() {
    Channel channel;
    channel.key.bytes = array_from<KEY_SIZE>(vectors::SESSION_KEY);
    channel.send.bytes = array_from<NONCE_SIZE>(vectors::CLIENT_BASE);
    channel.recv.bytes = array_from<NONCE_SIZE>(vectors::RELAY_BASE);
    return channel;
}

Channel relay_end() {
    Channel channel = client_end();
    std::swap(channel.send, channel.recv);
    return channel;
}

Blob seal(Channel &channel, Bytes plain) {
    Blob frame(FRAME_OVERHEAD + plain.size());
    std::copy(plain.begin(), plain.end(), frame.begin() + FRAME_OVERHEAD);
    seal_frame(channel, frame);
    return frame;
}

Blob sealed_part(const Blob &frame) {
    return {frame.begin() + FRAME_HEADER_SIZE, frame.end()};
}

std::string open(Channel &channel, Blob sealed) {
    return to_hex(open_sealed(channel, sealed));
}

/// What `open` returns for a frame that does not open.
constexpr std::string_view NOTHING = "";

} // namespace

TEST_CASE("frames are sealed byte for byte, and each increments only the sending nonce") {
    Channel client = client_end();
    for (const vectors::Frame &step : vectors::CLIENT_FRAMES) {
        CHECK(to_hex(seal(client, from_hex(step.plain))) == step.frame);
        CHECK(to_hex(client.send.bytes) == step.nonce_after);
    }
    CHECK(to_hex(client.recv.bytes) == vectors::RELAY_BASE);
    Channel relay = relay_end();
    for (const vectors::Frame &step : vectors::RELAY_FRAMES) {
        CHECK(to_hex(seal(relay, from_hex(step.plain))) == step.frame);
        CHECK(to_hex(relay.send.bytes) == step.nonce_after);
    }
    CHECK(to_hex(relay.recv.bytes) == vectors::CLIENT_BASE);
}

TEST_CASE("frames open byte for byte, and each increments only the receiving nonce") {
    Channel relay = relay_end();
    for (const vectors::Frame &step : vectors::CLIENT_FRAMES) {
        CHECK(open(relay, sealed_part(from_hex(step.frame))) == step.plain);
        CHECK(to_hex(relay.recv.bytes) == step.nonce_after);
    }
    CHECK(to_hex(relay.send.bytes) == vectors::RELAY_BASE);
    Channel client = client_end();
    for (const vectors::Frame &step : vectors::RELAY_FRAMES) {
        CHECK(open(client, sealed_part(from_hex(step.frame))) == step.plain);
        CHECK(to_hex(client.recv.bytes) == step.nonce_after);
    }
    CHECK(to_hex(client.send.bytes) == vectors::CLIENT_BASE);
}

TEST_CASE("the shortest and the longest frame are sealed byte for byte") {
    Channel client = client_end();
    CHECK(to_hex(seal(client, from_hex("10"))) == vectors::SHORTEST_FRAME);

    client = client_end();
    const Blob longest = seal(client, pattern(MAX_PLAIN_SIZE));
    REQUIRE(longest.size() == 2050);
    CHECK(to_hex(Bytes{longest}.first(40)) == vectors::LONGEST_FRAME_START);
    std::array<std::uint8_t, crypto_hash_sha256_BYTES> hash;
    crypto_hash_sha256(hash.data(), longest.data(), longest.size());
    CHECK(to_hex(hash) == vectors::LONGEST_FRAME_SHA256);
}

TEST_CASE("a packet of every size is the same after sealing and opening, and is opened in place") {
    Channel client = client_end();
    Channel relay = relay_end();
    std::size_t good = 0;
    for (std::size_t size = 1; size <= MAX_PLAIN_SIZE; ++size) {
        const Blob plain = pattern(size);
        Blob frame = seal(client, plain);
        const std::size_t length = frame_length(frame.data());
        const Mutable_Bytes sealed = Mutable_Bytes{frame}.subspan(FRAME_HEADER_SIZE);
        const Mutable_Bytes opened = open_sealed(relay, sealed);
        good += length == size + MAC_SIZE && frame_length_is_valid(length) &&
                opened.data() == sealed.data() + MAC_SIZE &&
                std::equal(opened.begin(), opened.end(), plain.begin(), plain.end());
    }
    CHECK(good == MAX_PLAIN_SIZE);
}

TEST_CASE("frames may begin at any address, and no byte around them changes") {
    const vectors::Frame &step = vectors::CLIENT_FRAMES[3];
    const Blob plain = from_hex(step.plain);
    for (std::size_t offset = 0; offset < 32; ++offset) {
        Fenced frame(FRAME_OVERHEAD + plain.size(), offset);
        std::copy(plain.begin(), plain.end(), frame.bytes().begin() + FRAME_OVERHEAD);
        Channel client = client_end();
        increment_nonce(client.send, 3);
        seal_frame(client, frame.bytes());
        CHECK(to_hex(frame.bytes()) == step.frame);
        CHECK(frame.intact());

        Fenced sealed(sealed_part(from_hex(step.frame)), offset);
        Channel relay = relay_end();
        increment_nonce(relay.recv, 3);
        CHECK(to_hex(open_sealed(relay, sealed.bytes())) == step.plain);
        CHECK(sealed.intact());
    }
}

TEST_CASE("a sealed packet with one bit changed does not open, and changes neither buffer nor channel") {
    const vectors::Frame &step = vectors::CLIENT_FRAMES[0];
    const Blob honest = sealed_part(from_hex(step.frame));
    Channel relay = relay_end();
    const Channel before = relay;
    std::size_t refused = 0;
    for (std::size_t bit = 0; bit < 8 * honest.size(); ++bit) {
        Blob forged = honest;
        forged[bit / 8] = static_cast<std::uint8_t>(forged[bit / 8] ^ 1U << bit % 8);
        Fenced fenced(forged);
        refused +=
            open_sealed(relay, fenced.bytes()).empty() && to_hex(fenced.bytes()) == to_hex(forged) && fenced.intact();
    }
    CHECK(refused == 8 * honest.size());
    CHECK(to_hex(relay.recv.bytes) == to_hex(before.recv.bytes));
    CHECK(to_hex(relay.send.bytes) == to_hex(before.send.bytes));
    CHECK(relay.key.bytes == before.key.bytes);
    // The honest packet opens, so the nonce was not the reason that the others did not.
    CHECK(open(relay, honest) == step.plain);
}

TEST_CASE("a sealed packet that was cut or made longer does not open") {
    const Blob honest = sealed_part(from_hex(vectors::CLIENT_FRAMES[0].frame));
    Channel relay = relay_end();
    for (std::size_t size = 0; size < honest.size(); ++size) {
        Exact cut(Bytes{honest}.first(size));
        INFO("cut to " << size);
        CHECK(open_sealed(relay, cut.bytes()).empty());
    }
    Blob longer = honest;
    longer.push_back(0);
    CHECK(open(relay, longer) == NOTHING);
    CHECK(to_hex(relay.recv.bytes) == vectors::CLIENT_BASE);
    CHECK(open(relay, honest) == vectors::CLIENT_FRAMES[0].plain);
}

TEST_CASE("a genuine seal over an empty packet does not open") {
    Channel client = client_end();
    Channel relay = relay_end();
    const Blob frame = seal(client, {});
    REQUIRE(frame.size() == FRAME_OVERHEAD);
    Exact sealed(sealed_part(frame));
    CHECK(open_sealed(relay, sealed.bytes()).empty());
    CHECK(to_hex(relay.recv.bytes) == vectors::CLIENT_BASE);
}

TEST_CASE("a frame that comes twice, too early, or from the other direction does not open") {
    const Blob first = sealed_part(from_hex(vectors::CLIENT_FRAMES[0].frame));
    const Blob second = sealed_part(from_hex(vectors::CLIENT_FRAMES[1].frame));
    Channel relay = relay_end();
    CHECK(open(relay, second) == NOTHING);
    CHECK(open(relay, first) == vectors::CLIENT_FRAMES[0].plain);
    CHECK(open(relay, first) == NOTHING);
    CHECK(open(relay, sealed_part(from_hex(vectors::RELAY_FRAMES[0].frame))) == NOTHING);
    CHECK(open(relay, second) == vectors::CLIENT_FRAMES[1].plain);
}

TEST_CASE("a frame of another session does not open") {
    Channel relay = relay_end();
    relay.key.bytes[0] ^= 1;
    CHECK(open(relay, sealed_part(from_hex(vectors::CLIENT_FRAMES[0].frame))) == NOTHING);
}

TEST_CASE("a frame's header is its sealed length, big-endian") {
    const std::uint8_t header[] = {0x01, 0x02};
    CHECK(frame_length(header) == 0x0102);
    const std::uint8_t most[] = {0xFF, 0xFF};
    CHECK(frame_length(most) == 0xFFFF);
}

TEST_CASE("a frame's length is valid from 17 to 2048") {
    CHECK_FALSE(frame_length_is_valid(0));
    CHECK_FALSE(frame_length_is_valid(16));
    CHECK(frame_length_is_valid(17));
    CHECK(frame_length_is_valid(18));
    CHECK(frame_length_is_valid(2047));
    CHECK(frame_length_is_valid(2048));
    CHECK_FALSE(frame_length_is_valid(2049));
    CHECK_FALSE(frame_length_is_valid(0xFFFF));
}

TEST_CASE("a sealed packet equals libsodium's box, at every size and where the nonce carries") {
    Channel client = client_end();
    Channel relay = client_end();
    bool same = true;
    for (std::size_t size = 1; size <= MAX_PLAIN_SIZE; ++size) {
        if (size % 16 == 0) { // the next increment changes the prefix for which the stream key is kept
            std::fill(client.send.bytes.begin() + Stream_Key::PREFIX_SIZE, client.send.bytes.end(), std::uint8_t{0xFF});
        }
        relay.recv = client.send;
        Blob plain(size);
        for (std::size_t i = 0; i < size; ++i) {
            plain[i] = static_cast<std::uint8_t>(i * 31 + size);
        }
        Blob expected(size + MAC_SIZE);
        REQUIRE(crypto_box_easy_afternm(expected.data(), plain.data(), size, client.send.bytes.data(),
                                        client.key.bytes.data()) == 0);
        same = same && sealed_part(seal(client, plain)) == expected;
        Blob opened = expected;
        const Mutable_Bytes text = open_sealed(relay, opened);
        same = same && std::equal(text.begin(), text.end(), plain.begin(), plain.end());
    }
    CHECK(same);
}
