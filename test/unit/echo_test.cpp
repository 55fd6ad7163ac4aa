// The end-to-end echo: its packets byte for byte, the same packets through libsodium's crypto_box, and what is refused.
#include <sodium.h>

#include <cstring>

#include <toxtcp/echo.h>

#include "bytes.h"
#include "catch.h"
#include "vectors.h"

using namespace toxtcp;

namespace {

using Echo_Request = std::array<std::uint8_t, ECHO_REQUEST_SIZE>;
using Echo_Response = std::array<std::uint8_t, ECHO_RESPONSE_SIZE>;

// Where the parts of a packet begin.
constexpr std::size_t REQUEST_NONCE_AT = 1 + KEY_SIZE;
constexpr std::size_t REQUEST_BOX_AT = REQUEST_NONCE_AT + NONCE_SIZE;
constexpr std::size_t RESPONSE_NONCE_AT = 1;
constexpr std::size_t RESPONSE_BOX_AT = RESPONSE_NONCE_AT + NONCE_SIZE;
constexpr std::size_t NUMBER_SIZE = sizeof(std::uint64_t);

const Secret_Key SHARED = secret_key(vectors::LONG_TERM_KEY);
const Public_Key ASKER = array_from<KEY_SIZE>(vectors::CLIENT_PUBLIC);
const Public_Key ANSWERER = array_from<KEY_SIZE>(vectors::RELAY_PUBLIC);

std::uint64_t number_of(Bytes bytes) {
    std::uint64_t number = 0;
    std::memcpy(&number, bytes.data(), sizeof number);
    return number;
}

const std::uint64_t NUMBER = number_of(from_hex(vectors::ECHO_NUMBER));

Echo_Request a_request(const Echo &echo = {.number = NUMBER}) {
    Echo_Request request;
    make_echo_request(SHARED, system_random(), ASKER, echo, request);
    return request;
}

Echo_Response a_response() {
    Echo_Response response;
    make_echo_response(SHARED, system_random(), NUMBER, response);
    return response;
}

bool opens_as_request(const Secret_Key &shared, Bytes packet) {
    Exact exact(packet);
    Echo echo;
    return open_echo_request(shared, exact.bytes(), echo);
}

bool opens_as_response(const Secret_Key &shared, Bytes packet) {
    Exact exact(packet);
    std::uint64_t number = 0;
    bool by_library = false;
    return open_echo_response(shared, exact.bytes(), number, by_library);
}

/// `packet` cut, or lengthened by zeros, to `size` bytes.
Blob of_size(Bytes packet, std::size_t size) {
    Blob bytes(packet.begin(), packet.end());
    bytes.resize(size);
    return bytes;
}

Blob with_changed(Bytes packet, std::size_t at, std::uint8_t bits) {
    Blob bytes(packet.begin(), packet.end());
    bytes[at] ^= bits;
    return bytes;
}

} // namespace

// ---- byte for byte ---------------------------------------------------------------------------------------------

TEST_CASE("the shared key of an echo is that of crypto_box, and the same at both ends") {
    Secret_Key at_asker;
    Secret_Key at_answerer;
    REQUIRE(echo_shared_key(secret_key(vectors::CLIENT_SECRET), ANSWERER, at_asker));
    REQUIRE(echo_shared_key(secret_key(vectors::RELAY_SECRET), ASKER, at_answerer));
    CHECK(to_hex(at_asker.bytes) == vectors::LONG_TERM_KEY);
    CHECK(to_hex(at_answerer.bytes) == vectors::LONG_TERM_KEY);
}

TEST_CASE("a peer's key of low order gives no shared key, whatever its top bit is") {
    for (const std::string_view text : vectors::WEAK_KEYS) {
        for (const std::uint8_t top : Blob{0x00, 0x80}) {
            Public_Key peer = array_from<KEY_SIZE>(text);
            peer.back() |= top;
            Secret_Key shared;
            INFO(to_string(peer));
            CHECK_FALSE(echo_shared_key(secret_key(vectors::CLIENT_SECRET), peer, shared));
        }
    }
}

TEST_CASE("a request is written byte for byte, and no byte around it changes") {
    for (const vectors::Echo_Request &vector : vectors::ECHO_REQUESTS) {
        if (vector.kind == Echo_Kind::foreign) {
            continue; // only net_crypto writes those
        }
        INFO(vector.name);
        Draws draws{vectors::ECHO_REQUEST_NONCE};
        Fenced request(ECHO_REQUEST_SIZE, 1);
        const Echo echo{.kind = vector.kind, .unheard = vector.unheard, .number = NUMBER};
        make_echo_request(SHARED, draws.random(), ASKER, echo, request.bytes().first<ECHO_REQUEST_SIZE>());
        CHECK(to_hex(request.bytes()) == vector.packet);
        CHECK(request.intact());
        CHECK(draws.at == NONCE_SIZE);
    }
}

TEST_CASE("a request that is opened tells its kind, its time and its number") {
    for (const vectors::Echo_Request &vector : vectors::ECHO_REQUESTS) {
        INFO(vector.name);
        Exact packet(from_hex(vector.packet));
        Echo echo{.kind = Echo_Kind::unheard, .unheard = 77, .number = 77}; // all of it must be overwritten
        CHECK(is_echo_request(packet.bytes()));
        CHECK_FALSE(is_echo_response(packet.bytes()));
        CHECK(echo_asker(packet.bytes()) == ASKER);
        REQUIRE(open_echo_request(SHARED, packet.bytes(), echo));
        CHECK(echo.kind == vector.kind);
        CHECK(echo.unheard == vector.unheard);
        CHECK(echo.number == NUMBER);
    }
}

TEST_CASE("a response is written byte for byte, and no byte around it changes") {
    Draws draws{vectors::ECHO_RESPONSE_NONCE};
    Fenced response(ECHO_RESPONSE_SIZE, 1);
    make_echo_response(SHARED, draws.random(), NUMBER, response.bytes().first<ECHO_RESPONSE_SIZE>());
    REQUIRE(vectors::ECHO_RESPONSES[0].by_library);
    CHECK(to_hex(response.bytes()) == vectors::ECHO_RESPONSES[0].packet);
    CHECK(response.intact());
    CHECK(draws.at == NONCE_SIZE);
}

TEST_CASE("a response that is opened tells its number, and only a cookie of zeros means this library") {
    for (const vectors::Echo_Response &vector : vectors::ECHO_RESPONSES) {
        INFO(vector.name);
        Exact packet(from_hex(vector.packet));
        std::uint64_t number = 0;
        bool by_library = !vector.by_library;
        CHECK(is_echo_response(packet.bytes()));
        CHECK_FALSE(is_echo_request(packet.bytes()));
        REQUIRE(open_echo_response(SHARED, packet.bytes(), number, by_library));
        CHECK(number == NUMBER);
        CHECK(by_library == vector.by_library);
    }
}

TEST_CASE("a random cookie is never taken for this library's") {
    std::size_t by_library_count = 0;
    for (int i = 0; i < 1'000; ++i) {
        std::array<std::uint8_t, ECHO_COOKIE_SIZE + NUMBER_SIZE> plain;
        randombytes_buf(plain.data(), plain.size());
        Echo_Response response{ECHO_RESPONSE};
        crypto_box_easy_afternm(response.data() + RESPONSE_BOX_AT, plain.data(), plain.size(),
                                response.data() + RESPONSE_NONCE_AT, SHARED.bytes.data());
        std::uint64_t number = 0;
        bool by_library = true;
        REQUIRE(open_echo_response(SHARED, response, number, by_library));
        REQUIRE(number == number_of(Bytes{plain}.subspan(ECHO_COOKIE_SIZE)));
        by_library_count += by_library;
    }
    CHECK(by_library_count == 0);
}

TEST_CASE("each packet has a nonce of its own") {
    CHECK(to_hex(a_request()) != to_hex(a_request()));
    CHECK(to_hex(a_response()) != to_hex(a_response()));
}

TEST_CASE("any number of 64 bits and any time of 32 bits come back unchanged") {
    for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
        for (const std::uint32_t unheard : {0U, 255U, 256U, 0x80000000U, ~0U}) {
            Echo echo;
            REQUIRE(open_echo_request(
                SHARED, a_request({.kind = Echo_Kind::unheard, .unheard = unheard, .number = number}), echo));
            CHECK(echo.kind == Echo_Kind::unheard);
            CHECK(echo.unheard == unheard);
            CHECK(echo.number == number);
        }
        Echo_Response response;
        make_echo_response(SHARED, system_random(), number, response);
        std::uint64_t back = ~number;
        bool by_library = false;
        REQUIRE(open_echo_response(SHARED, response, back, by_library));
        CHECK(back == number);
        CHECK(by_library);
    }
}

// ---- compared with libsodium's crypto_box ----------------------------------------------------------------------

TEST_CASE("crypto_box opens a request with the keys of the two ends, and its plain bytes are as the protocol says") {
    const Echo_Request request = a_request();
    std::array<std::uint8_t, 2 * KEY_SIZE + NUMBER_SIZE> plain;
    REQUIRE(crypto_box_open_easy(plain.data(), request.data() + REQUEST_BOX_AT, request.size() - REQUEST_BOX_AT,
                                 request.data() + REQUEST_NONCE_AT, ASKER.data(),
                                 from_hex(vectors::RELAY_SECRET).data()) == 0);
    CHECK(to_hex(plain) ==
          std::string{vectors::CLIENT_PUBLIC} + std::string(2 * KEY_SIZE, '0') + std::string{vectors::ECHO_NUMBER});
}

TEST_CASE("crypto_box opens a response with the keys of the two ends, and its plain bytes are as the protocol says") {
    const Echo_Response response = a_response();
    std::array<std::uint8_t, ECHO_COOKIE_SIZE + NUMBER_SIZE> plain;
    REQUIRE(crypto_box_open_easy(plain.data(), response.data() + RESPONSE_BOX_AT, response.size() - RESPONSE_BOX_AT,
                                 response.data() + RESPONSE_NONCE_AT, ANSWERER.data(),
                                 from_hex(vectors::CLIENT_SECRET).data()) == 0);
    CHECK(to_hex(plain) == std::string(2 * ECHO_COOKIE_SIZE, '0') + std::string{vectors::ECHO_NUMBER});
}

TEST_CASE("a request that crypto_box sealed opens") {
    std::array<std::uint8_t, 2 * KEY_SIZE + NUMBER_SIZE> plain{};
    std::copy(ANSWERER.begin(), ANSWERER.end(), plain.begin()); // any key but the asker's
    std::memcpy(plain.data() + 2 * KEY_SIZE, &NUMBER, NUMBER_SIZE);
    Echo_Request request{ECHO_REQUEST};
    std::copy(ASKER.begin(), ASKER.end(), request.begin() + 1);
    randombytes_buf(request.data() + REQUEST_NONCE_AT, NONCE_SIZE);
    REQUIRE(crypto_box_easy(request.data() + REQUEST_BOX_AT, plain.data(), plain.size(),
                            request.data() + REQUEST_NONCE_AT, ANSWERER.data(),
                            from_hex(vectors::CLIENT_SECRET).data()) == 0);
    Echo echo;
    REQUIRE(open_echo_request(SHARED, request, echo));
    CHECK(echo.kind == Echo_Kind::foreign);
    CHECK(echo.number == NUMBER);
}

TEST_CASE("a response that crypto_box sealed opens") {
    std::array<std::uint8_t, ECHO_COOKIE_SIZE + NUMBER_SIZE> plain{};
    plain[0] = 1;
    std::memcpy(plain.data() + ECHO_COOKIE_SIZE, &NUMBER, NUMBER_SIZE);
    Echo_Response response{ECHO_RESPONSE};
    randombytes_buf(response.data() + RESPONSE_NONCE_AT, NONCE_SIZE);
    REQUIRE(crypto_box_easy(response.data() + RESPONSE_BOX_AT, plain.data(), plain.size(),
                            response.data() + RESPONSE_NONCE_AT, ASKER.data(),
                            from_hex(vectors::RELAY_SECRET).data()) == 0);
    std::uint64_t number = 0;
    bool by_library = true;
    REQUIRE(open_echo_response(SHARED, response, number, by_library));
    CHECK(number == NUMBER);
    CHECK_FALSE(by_library);
}

// ---- what is refused -------------------------------------------------------------------------------------------

TEST_CASE("a request is refused when any byte of it differs") {
    const Echo_Request request = a_request();
    const Secret_Key answerer = secret_key(vectors::RELAY_SECRET);
    REQUIRE(opens_as_request(SHARED, request));
    for (std::size_t at = 0; at < request.size(); ++at) {
        for (const std::uint8_t bits : Blob{0x01, 0xFF}) {
            const Blob changed = with_changed(request, at, bits);
            INFO("byte " << at);
            // The answerer derives the shared key from the asker's key in the packet.
            Secret_Key shared;
            REQUIRE(echo_shared_key(answerer, echo_asker(changed), shared));
            CHECK_FALSE(opens_as_request(shared, changed));
        }
    }
}

TEST_CASE("a request whose asker was changed on the way opens as a foreign one") {
    // The box does not cover the asker's key: with the right shared key the request still opens, as a foreign one.
    const Echo_Request request = a_request();
    for (std::size_t at = 1; at <= KEY_SIZE; ++at) {
        Echo echo;
        INFO("byte " << at);
        REQUIRE(open_echo_request(SHARED, with_changed(request, at, 0x80), echo));
        CHECK(echo.kind == Echo_Kind::foreign);
    }
}

TEST_CASE("a request that is sent back to its asker, in the name of the other end, opens as a foreign one") {
    for (const Echo_Kind kind : {Echo_Kind::echo, Echo_Kind::unheard}) {
        Echo_Request request = a_request({.kind = kind, .unheard = 1'000, .number = NUMBER});
        std::copy(ANSWERER.begin(), ANSWERER.end(), request.begin() + 1);
        Echo echo;
        REQUIRE(open_echo_request(SHARED, request, echo));
        CHECK(echo.kind == Echo_Kind::foreign);
        CHECK(echo.unheard == 0);
    }
}

TEST_CASE("a response is refused when any byte of it differs") {
    const Echo_Response response = a_response();
    REQUIRE(opens_as_response(SHARED, response));
    for (std::size_t at = 0; at < response.size(); ++at) {
        for (const std::uint8_t bits : Blob{0x01, 0x80, 0xFF}) {
            INFO("byte " << at);
            CHECK_FALSE(opens_as_response(SHARED, with_changed(response, at, bits)));
        }
    }
}

TEST_CASE("a packet of any other length is neither a request nor a response") {
    const Echo_Request request = a_request();
    const Echo_Response response = a_response();
    for (std::size_t size = 0; size <= ECHO_RESPONSE_SIZE + 40; ++size) {
        INFO(size << " bytes");
        const Blob part_of_request = of_size(request, size);
        const Blob part_of_response = of_size(response, size);
        CHECK(is_echo_request(part_of_request) == (size == ECHO_REQUEST_SIZE));
        CHECK(is_echo_response(part_of_response) == (size == ECHO_RESPONSE_SIZE));
        CHECK(opens_as_request(SHARED, part_of_request) == (size == ECHO_REQUEST_SIZE));
        CHECK(opens_as_response(SHARED, part_of_response) == (size == ECHO_RESPONSE_SIZE));
    }
}

TEST_CASE("a packet with any other first byte is refused") {
    for (unsigned type = 0; type < 256; ++type) {
        INFO("type " << type);
        Echo_Request request = a_request();
        request[0] = static_cast<std::uint8_t>(type);
        CHECK(is_echo_request(request) == (type == ECHO_REQUEST));
        CHECK(opens_as_request(SHARED, request) == (type == ECHO_REQUEST));
        CHECK_FALSE(opens_as_response(SHARED, request));
        Echo_Response response = a_response();
        response[0] = static_cast<std::uint8_t>(type);
        CHECK(is_echo_response(response) == (type == ECHO_RESPONSE));
        CHECK(opens_as_response(SHARED, response) == (type == ECHO_RESPONSE));
        CHECK_FALSE(opens_as_request(SHARED, response));
    }
}

TEST_CASE("the box of a request does not open as that of a response, nor the reverse") {
    // The box is cut or filled to the size of the other packet, behind the other packet's first byte.
    const Echo_Request request = a_request();
    Blob as_response(1, ECHO_RESPONSE);
    as_response.insert(as_response.end(), request.begin() + REQUEST_NONCE_AT, request.end());
    CHECK_FALSE(opens_as_response(SHARED, of_size(as_response, ECHO_RESPONSE_SIZE)));

    const Echo_Response response = a_response();
    Blob as_request(1, ECHO_REQUEST);
    as_request.insert(as_request.end(), ASKER.begin(), ASKER.end());
    as_request.insert(as_request.end(), response.begin() + RESPONSE_NONCE_AT, response.end());
    CHECK_FALSE(opens_as_request(SHARED, of_size(as_request, ECHO_REQUEST_SIZE)));
}

TEST_CASE("nothing opens with another key") {
    const Echo_Request request = a_request();
    const Echo_Response response = a_response();
    for (std::size_t at = 0; at < KEY_SIZE; ++at) {
        Secret_Key other = SHARED;
        other.bytes[at] ^= 1;
        INFO("byte " << at << " of the key");
        CHECK_FALSE(opens_as_request(other, request));
        CHECK_FALSE(opens_as_response(other, response));
    }
    CHECK_FALSE(opens_as_request({}, request));
    CHECK_FALSE(opens_as_response({}, response));
}
