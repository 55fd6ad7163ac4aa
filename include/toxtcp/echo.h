/// @file
/// The end-to-end echo (docs/protocol.md): a ping of the peer through one chosen relay. The request is net_crypto's
/// cookie request, which every Tox client answers at once. The response is net_crypto's cookie response. Both packets,
/// with sizes in bytes:
///
///     request    0x18, asker's DHT public key 32, nonce 24, box(key 32, zeros 32, number 8)
///     response   0x19, nonce 24, box(cookie 112, the same number 8)
///
/// Both boxes are sealed with the key shared by the two DHT key pairs. A box opens only if one of the two ends sealed
/// it. A relay can send a packet back to the end that sealed it: use numbers that tell your own requests from the
/// peer's. A request that was sent back in the peer's name opens as one of kind `foreign`.
///
/// net_crypto puts its long-term key into the request's box. The peer copies this key into the cookie; the library
/// ignores the cookie. In the key's place, the library sends its DHT key, or the time for which it has not heard the
/// peer: ms in 4 bytes, big-endian, and the last 28 bytes of its DHT key with all bits inverted. A peer with this
/// library then looks for another route. Any other peer answers as usual.
#pragma once

#include <toxtcp/wire.h>

namespace toxtcp {

inline constexpr std::uint8_t ECHO_REQUEST = 0x18;     ///< first byte of a cookie request
inline constexpr std::uint8_t ECHO_RESPONSE = 0x19;    ///< first byte of a cookie response
inline constexpr std::size_t ECHO_COOKIE_SIZE = 112;   ///< bytes of a cookie
inline constexpr std::size_t ECHO_REQUEST_SIZE = 145;  ///< bytes of a request
inline constexpr std::size_t ECHO_RESPONSE_SIZE = 161; ///< bytes of a response

/// Computes the key shared by the own DHT key pair and the peer's. False if the peer's key is of low order. Costs one
/// scalar multiplication, about 50 us.
[[nodiscard]] TOXTCP_API bool echo_shared_key(const Secret_Key &own_secret_key, const Public_Key &peer,
                                              Secret_Key &shared);

/// What a request has in the place of the key. The asker is the side that sent the request.
enum class Echo_Kind : std::uint8_t {
    foreign, ///< a cookie request of net_crypto
    echo,    ///< an echo of this library
    unheard  ///< an echo of this library whose asker does not hear the other side
};

/// The content of a request.
struct Echo {
    Echo_Kind kind = Echo_Kind::echo; ///< who made the request, and what it says
    std::uint32_t unheard = 0;        ///< kind `unheard`: time since the asker last heard the other side, ms; else 0
    std::uint64_t number = 0;         ///< chosen by the asker; the response repeats it
};

/// Writes a request. `echo.kind` must not be `foreign`.
TOXTCP_API void make_echo_request(const Secret_Key &shared, const Random &random, const Public_Key &own_public_key,
                                  const Echo &echo, std::span<std::uint8_t, ECHO_REQUEST_SIZE> out);

/// Whether a packet has the form of a request.
[[nodiscard]] TOXTCP_API bool is_echo_request(Bytes packet);
/// Whether a packet has the form of a response.
[[nodiscard]] TOXTCP_API bool is_echo_response(Bytes packet);

/// The asker's DHT public key as written in a packet that `is_echo_request`. Do not trust it before the
/// request was opened.
[[nodiscard]] TOXTCP_API Public_Key echo_asker(Bytes request);

/// Opens a request. False if it does not open.
[[nodiscard]] TOXTCP_API bool open_echo_request(const Secret_Key &shared, Bytes request, Echo &echo);

/// Writes the response to a request that was opened. The cookie is all zeros, which net_crypto's never is. So the asker
/// learns that this side has the library, and would say by an echo of kind `unheard` that it does not hear the asker.
TOXTCP_API void make_echo_response(const Secret_Key &shared, const Random &random, std::uint64_t number,
                                   std::span<std::uint8_t, ECHO_RESPONSE_SIZE> out);

/// Opens a response. `by_library`: the response was made by `make_echo_response` and not by net_crypto. False if it
/// does not open.
[[nodiscard]] TOXTCP_API bool open_echo_response(const Secret_Key &shared, Bytes response, std::uint64_t &number,
                                                 bool &by_library);

} // namespace toxtcp
