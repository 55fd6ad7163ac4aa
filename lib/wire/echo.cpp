// The end-to-end echo. The plain bytes of both the request and the response end with the number.
#include <toxtcp/echo.h>

#include <sodium.h>

#include <algorithm>
#include <cstring>

namespace toxtcp {

namespace {

constexpr std::size_t NUMBER_SIZE = sizeof(std::uint64_t);
/// The time that stands in place of the key: the most significant byte first. Behind the time comes the rest of the
/// asker's key, inverted. So the box itself tells who asks: a relay that sends a request back in the peer's name cannot
/// change the key in the box.
constexpr std::size_t UNHEARD_SIZE = sizeof(std::uint32_t);
constexpr std::size_t REQUEST_PLAIN_SIZE = 2 * KEY_SIZE + NUMBER_SIZE;
constexpr std::size_t RESPONSE_PLAIN_SIZE = ECHO_COOKIE_SIZE + NUMBER_SIZE;
constexpr std::size_t REQUEST_NONCE = 1 + KEY_SIZE; // offset
constexpr std::size_t RESPONSE_NONCE = 1;
static_assert(ECHO_REQUEST_SIZE == REQUEST_NONCE + NONCE_SIZE + REQUEST_PLAIN_SIZE + MAC_SIZE);
static_assert(ECHO_RESPONSE_SIZE == RESPONSE_NONCE + NONCE_SIZE + RESPONSE_PLAIN_SIZE + MAC_SIZE);

/// Draws a nonce, and writes the nonce and the box to `out`.
template <std::size_t SIZE>
void seal(const Secret_Key &shared, const Random &random, const std::array<std::uint8_t, SIZE> &plain,
          Mutable_Bytes out) {
    random.fill(random.object, out.first(NONCE_SIZE));
    crypto_box_easy_afternm(out.data() + NONCE_SIZE, plain.data(), plain.size(), out.data(), shared.bytes.data());
}

template <std::size_t SIZE>
bool open(const Secret_Key &shared, Bytes in, std::array<std::uint8_t, SIZE> &plain) {
    return crypto_box_open_easy_afternm(plain.data(), in.data() + NONCE_SIZE, in.size() - NONCE_SIZE, in.data(),
                                        shared.bytes.data()) == 0;
}

/// Whether the key in the box is a time and the asker's key, inverted.
bool is_time(const Public_Key &key, const Public_Key &asker) {
    return std::equal(key.begin() + UNHEARD_SIZE, key.end(), asker.begin() + UNHEARD_SIZE,
                      [](std::uint8_t a, std::uint8_t b) { return (a ^ b) == UINT8_MAX; });
}

} // namespace

bool echo_shared_key(const Secret_Key &own_secret_key, const Public_Key &peer, Secret_Key &shared) {
    return crypto_box_beforenm(shared.bytes.data(), peer.data(), own_secret_key.bytes.data()) == 0;
}

void make_echo_request(const Secret_Key &shared, const Random &random, const Public_Key &own_public_key,
                       const Echo &echo, std::span<std::uint8_t, ECHO_REQUEST_SIZE> out) {
    std::array<std::uint8_t, REQUEST_PLAIN_SIZE> plain{};
    std::copy(own_public_key.begin(), own_public_key.end(), plain.begin());
    if (echo.kind == Echo_Kind::unheard) {
        for (std::size_t i = 0; i < KEY_SIZE; ++i) {
            plain[i] = i < UNHEARD_SIZE ? static_cast<std::uint8_t>(echo.unheard >> (8 * (UNHEARD_SIZE - 1 - i)))
                                        : static_cast<std::uint8_t>(~plain[i]);
        }
    }
    std::memcpy(plain.data() + plain.size() - NUMBER_SIZE, &echo.number, NUMBER_SIZE);
    out[0] = ECHO_REQUEST;
    std::copy(own_public_key.begin(), own_public_key.end(), out.begin() + 1);
    seal(shared, random, plain, out.subspan<REQUEST_NONCE>());
}

bool is_echo_request(Bytes packet) {
    return packet.size() == ECHO_REQUEST_SIZE && packet[0] == ECHO_REQUEST;
}

bool is_echo_response(Bytes packet) {
    return packet.size() == ECHO_RESPONSE_SIZE && packet[0] == ECHO_RESPONSE;
}

Public_Key echo_asker(Bytes request) {
    Public_Key key;
    std::copy_n(request.begin() + 1, KEY_SIZE, key.begin());
    return key;
}

bool open_echo_request(const Secret_Key &shared, Bytes request, Echo &echo) {
    std::array<std::uint8_t, REQUEST_PLAIN_SIZE> plain;
    if (!is_echo_request(request) || !open(shared, request.subspan(REQUEST_NONCE), plain)) {
        return false;
    }
    Public_Key key;
    std::copy_n(plain.begin(), KEY_SIZE, key.begin());
    echo = {};
    if (is_time(key, echo_asker(request))) {
        echo.kind = Echo_Kind::unheard;
        for (std::size_t i = 0; i < UNHEARD_SIZE; ++i) {
            echo.unheard = echo.unheard << 8 | key[i];
        }
    } else if (key != echo_asker(request)) {
        echo.kind = Echo_Kind::foreign;
    }
    std::memcpy(&echo.number, plain.data() + plain.size() - NUMBER_SIZE, NUMBER_SIZE);
    return true;
}

void make_echo_response(const Secret_Key &shared, const Random &random, std::uint64_t number,
                        std::span<std::uint8_t, ECHO_RESPONSE_SIZE> out) {
    std::array<std::uint8_t, RESPONSE_PLAIN_SIZE> plain{};
    std::memcpy(plain.data() + ECHO_COOKIE_SIZE, &number, NUMBER_SIZE);
    out[0] = ECHO_RESPONSE;
    seal(shared, random, plain, out.subspan<RESPONSE_NONCE>());
}

bool open_echo_response(const Secret_Key &shared, Bytes response, std::uint64_t &number, bool &by_library) {
    std::array<std::uint8_t, RESPONSE_PLAIN_SIZE> plain;
    if (!is_echo_response(response) || !open(shared, response.subspan(RESPONSE_NONCE), plain)) {
        return false;
    }
    std::memcpy(&number, plain.data() + ECHO_COOKIE_SIZE, NUMBER_SIZE);
    by_library = sodium_is_zero(plain.data(), ECHO_COOKIE_SIZE) != 0;
    return true;
}

} // namespace toxtcp
