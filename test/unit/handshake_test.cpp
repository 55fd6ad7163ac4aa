// The handshake: byte for byte on both sides, and what it refuses.
#include <sodium.h>

#include "bytes.h"
#include "catch.h"
#include "vectors.h"

using namespace toxtcp;

namespace {

using Request = std::array<std::uint8_t, HANDSHAKE_REQUEST_SIZE>;
using Response = std::array<std::uint8_t, HANDSHAKE_RESPONSE_SIZE>;

Public_Key public_key(std::string_view text) {
    return array_from<KEY_SIZE>(text);
}

/// The client of vectors.h, which has made its request.
struct Client {
    Draws draws{vectors::CLIENT_DRAWS};
    Handshake handshake;
    Request request{};
    bool started = start_handshake(handshake, draws.random(), public_key(vectors::CLIENT_PUBLIC),
                                   secret_key(vectors::CLIENT_SECRET), public_key(vectors::RELAY_PUBLIC), request);
};

/// The relay of vectors.h, which can answer one request.
struct Relay {
    Draws draws{vectors::RELAY_DRAWS};
    Response response{};
    Public_Key client{};
    Channel channel;

    bool answer(const Request &request) {
        return answer_handshake(draws.random(), secret_key(vectors::RELAY_SECRET), request, response, client, channel);
    }
};

/// A nonce and a sealed hello with this session key, as anyone who holds a long-term key can write them.
Blob hello_of(const Public_Key &session_key) {
    Blob plain(session_key.begin(), session_key.end());
    plain.resize(KEY_SIZE + NONCE_SIZE, 0x33);
    Blob out(NONCE_SIZE, 0x44);
    out.resize(NONCE_SIZE + plain.size() + MAC_SIZE);
    const Secret_Key key = secret_key(vectors::LONG_TERM_KEY);
    crypto_secretbox_easy(out.data() + NONCE_SIZE, plain.data(), plain.size(), out.data(), key.bytes.data());
    return out;
}

/// Points of small order: with one of these, every secret key gives the same shared key.
constexpr std::string_view WEAK_KEYS[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

bool is_zero(const Secret_Key &key) {
    return sodium_is_zero(key.bytes.data(), key.bytes.size()) == 1;
}

} // namespace

TEST_CASE("the client's request is byte for byte as its keys and its random bytes make it") {
    Client client;
    REQUIRE(client.started);
    CHECK(to_hex(client.request) == vectors::REQUEST);
    CHECK(client.draws.at == client.draws.bytes.size());
    CHECK(to_hex(client.handshake.base.bytes) == vectors::CLIENT_BASE);
}

TEST_CASE("the relay's answer is byte for byte as its keys and its random bytes make it") {
    Relay relay;
    REQUIRE(relay.answer(array_from<HANDSHAKE_REQUEST_SIZE>(vectors::REQUEST)));
    CHECK(to_hex(relay.response) == vectors::RESPONSE);
    CHECK(relay.draws.at == relay.draws.bytes.size());
    CHECK(to_hex(relay.client) == vectors::CLIENT_PUBLIC);
}

TEST_CASE("after the handshake both ends hold the session key, and each seals with the nonce that it sent") {
    Relay relay;
    REQUIRE(relay.answer(array_from<HANDSHAKE_REQUEST_SIZE>(vectors::REQUEST)));
    CHECK(to_hex(relay.channel.key.bytes) == vectors::SESSION_KEY);
    CHECK(to_hex(relay.channel.send.bytes) == vectors::RELAY_BASE);
    CHECK(to_hex(relay.channel.recv.bytes) == vectors::CLIENT_BASE);

    Client client;
    Channel channel;
    REQUIRE(client.started);
    REQUIRE(finish_handshake(client.handshake, array_from<HANDSHAKE_RESPONSE_SIZE>(vectors::RESPONSE), channel));
    CHECK(to_hex(channel.key.bytes) == vectors::SESSION_KEY);
    CHECK(to_hex(channel.send.bytes) == vectors::CLIENT_BASE);
    CHECK(to_hex(channel.recv.bytes) == vectors::RELAY_BASE);
}

TEST_CASE("two ends with new keys and the system's random bytes agree") {
    Public_Key client_key;
    Public_Key relay_key;
    Secret_Key client_secret;
    Secret_Key relay_secret;
    new_key_pair(client_key, client_secret);
    new_key_pair(relay_key, relay_secret);
    Handshake handshake;
    Request request;
    Response response;
    Public_Key seen;
    Channel client;
    Channel relay;
    REQUIRE(start_handshake(handshake, system_random(), client_key, client_secret, relay_key, request));
    REQUIRE(answer_handshake(system_random(), relay_secret, request, response, seen, relay));
    REQUIRE(finish_handshake(handshake, response, client));
    CHECK(seen == client_key);
    CHECK(client.key.bytes == relay.key.bytes);
    CHECK(client.send.bytes == relay.recv.bytes);
    CHECK(client.recv.bytes == relay.send.bytes);
    CHECK(client.send.bytes != client.recv.bytes);
}

TEST_CASE("a request with one bit changed is refused, whichever bit it is") {
    const auto honest = array_from<HANDSHAKE_REQUEST_SIZE>(vectors::REQUEST);
    Relay relay;
    std::size_t refused = 0;
    for (std::size_t bit = 0; bit < 8 * honest.size(); ++bit) {
        const bool answered = relay.answer(with_bit_changed(honest, bit));
        INFO("bit " << bit);
        CHECK_FALSE(answered);
        refused += !answered;
    }
    CHECK(refused == 1024);
    CHECK(relay.draws.at == 0);
    CHECK(relay.response == Response{});
    CHECK(relay.answer(honest));
}

TEST_CASE("an answer with one bit changed is refused, whichever bit it is") {
    const auto honest = array_from<HANDSHAKE_RESPONSE_SIZE>(vectors::RESPONSE);
    Client client;
    REQUIRE(client.started);
    std::size_t refused = 0;
    for (std::size_t bit = 0; bit < 8 * honest.size(); ++bit) {
        Handshake handshake = client.handshake;
        Channel channel;
        refused += !finish_handshake(handshake, with_bit_changed(honest, bit), channel) && is_zero(channel.key);
    }
    CHECK(refused == 768);
    Channel channel;
    CHECK(finish_handshake(client.handshake, honest, channel));
}

TEST_CASE("a request to one relay does not open at another") {
    Secret_Key other = secret_key(vectors::RELAY_SECRET);
    other.bytes[5] ^= 1;
    Draws draws{vectors::RELAY_DRAWS};
    Response response;
    Public_Key seen;
    Channel channel;
    CHECK_FALSE(answer_handshake(draws.random(), other, array_from<HANDSHAKE_REQUEST_SIZE>(vectors::REQUEST), response,
                                 seen, channel));
}

TEST_CASE("an answer from someone without the relay's key does not open") {
    Client client;
    Relay relay;
    REQUIRE(relay.answer(client.request));
    Public_Key other = public_key(vectors::RELAY_PUBLIC);
    other[3] ^= 1;
    Draws draws{vectors::CLIENT_DRAWS};
    Handshake handshake;
    Request request;
    REQUIRE(start_handshake(handshake, draws.random(), public_key(vectors::CLIENT_PUBLIC),
                            secret_key(vectors::CLIENT_SECRET), other, request));
    Channel channel;
    CHECK_FALSE(finish_handshake(handshake, relay.response, channel));
}

TEST_CASE("the client's secrets of a handshake are wiped once an answer has come, good or bad") {
    auto response = array_from<HANDSHAKE_RESPONSE_SIZE>(vectors::RESPONSE);
    for (const bool good : {true, false}) {
        Client client;
        REQUIRE_FALSE(is_zero(client.handshake.long_term));
        REQUIRE_FALSE(is_zero(client.handshake.session_secret));
        response[40] = static_cast<std::uint8_t>(response[40] ^ (good ? 0 : 1));
        Channel channel;
        REQUIRE(finish_handshake(client.handshake, response, channel) == good);
        CHECK(is_zero(client.handshake.long_term));
        CHECK(is_zero(client.handshake.session_secret));
        CHECK_FALSE(finish_handshake(client.handshake, response, channel));
    }
}

TEST_CASE("a handshake is not started with a relay whose key is weak") {
    for (const std::string_view weak : WEAK_KEYS) {
        Draws draws{vectors::CLIENT_DRAWS};
        Handshake handshake;
        Request request{};
        INFO(weak);
        CHECK_FALSE(start_handshake(handshake, draws.random(), public_key(vectors::CLIENT_PUBLIC),
                                    secret_key(vectors::CLIENT_SECRET), public_key(weak), request));
        CHECK(request == Request{});
        CHECK(is_zero(handshake.session_secret));
    }
}

TEST_CASE("a request of a client whose key is weak is refused, although its seal is right") {
    for (const std::string_view weak : WEAK_KEYS) {
        // The shared point is zero for every secret key, so everybody knows the shared key: HSalsa20 of zero.
        std::array<std::uint8_t, KEY_SIZE> known;
        const std::array<std::uint8_t, KEY_SIZE> zero{};
        crypto_core_hsalsa20(known.data(), zero.data(), zero.data(), nullptr);
        Client client;
        Request request = client.request;
        const Public_Key key = public_key(weak);
        std::copy(key.begin(), key.end(), request.begin());
        const Blob plain = pattern(KEY_SIZE + NONCE_SIZE);
        crypto_secretbox_easy(request.data() + KEY_SIZE + NONCE_SIZE, plain.data(), plain.size(),
                              request.data() + KEY_SIZE, known.data());
        Relay relay;
        INFO(weak);
        CHECK_FALSE(relay.answer(request));
    }
}

TEST_CASE("a weak session key is refused on both sides, although its seal is right") {
    for (const std::string_view weak : WEAK_KEYS) {
        INFO(weak);
        const Blob hello = hello_of(public_key(weak));
        Client client;
        Response response;
        std::copy(hello.begin(), hello.end(), response.begin());
        Channel channel;
        CHECK_FALSE(finish_handshake(client.handshake, response, channel));
        CHECK(is_zero(channel.key));

        Request request = client.request;
        std::copy(hello.begin(), hello.end(), request.begin() + KEY_SIZE);
        Relay relay;
        CHECK_FALSE(relay.answer(request));
        CHECK(is_zero(relay.channel.key));
    }
    // The same hello with a good key is taken.
    const Blob hello = hello_of(public_key(vectors::RELAY_PUBLIC));
    Client client;
    Response response;
    std::copy(hello.begin(), hello.end(), response.begin());
    Channel channel;
    CHECK(finish_handshake(client.handshake, response, channel));
    Request request = client.request;
    std::copy(hello.begin(), hello.end(), request.begin() + KEY_SIZE);
    Relay relay;
    CHECK(relay.answer(request));
}
