/// @file
/// The end-to-end echo: net_crypto's cookie request, which every Tox peer answers at once, and its cookie response. One
/// round trip through one named relay; the answer opens only if the peer itself sealed it.
///
///     request    0x18, asker's DHT public key 32, nonce 24, box(key 32, zeros 32, number 8)
///     response   0x19, nonce 24, box(cookie 112, the same number 8)
///
/// Both boxes are sealed with the key shared by the two DHT key pairs. The key inside the request is copied into the
/// cookie, which an echo throws away. net_crypto puts its long-term key there. An echo of this library puts its DHT key
/// there, or how long it has heard nothing of the peer: a peer with this library then looks for another route, any other
/// peer answers as usual.
#pragma once

#include <toxtcp/wire.h>

namespace toxtcp {

inline constexpr std::uint8_t ECHO_REQUEST = 0x18;     ///< first byte of a cookie request
inline constexpr std::uint8_t ECHO_RESPONSE = 0x19;    ///< first byte of a cookie response
inline constexpr std::size_t ECHO_COOKIE_SIZE = 112;   ///< bytes of a cookie
inline constexpr std::size_t ECHO_REQUEST_SIZE = 145;  ///< bytes of a request
inline constexpr std::size_t ECHO_RESPONSE_SIZE = 161; ///< bytes of a response

/// The key shared by our DHT key pair and the peer's. False for a peer's key of low order. Costs a scalar
/// multiplication, some 50 us.
[[nodiscard]] TOXTCP_API bool echo_shared_key(const Secret_Key &own_secret_key, const Public_Key &peer,
                                              Secret_Key &shared);

/// What the asker put into a request.
enum class Echo_Kind : std::uint8_t {
    foreign, ///< net_crypto's own cookie request
    echo,    ///< an echo of this library
    unheard  ///< the same, from a peer that hears nothing of us
};

/// A request, opened.
struct Echo {
    Echo_Kind kind = Echo_Kind::echo; ///< whose request it is, and what it says
    std::uint32_t unheard = 0;        ///< for `unheard`: ms since the asker last heard a packet of ours
    std::uint64_t number = 0;         ///< comes back with the response
};

/// Writes a request. Not of kind `foreign`.
TOXTCP_API void make_echo_request(const Secret_Key &shared, const Random &random, const Public_Key &own_public_key,
                                  const Echo &echo, std::span<std::uint8_t, ECHO_REQUEST_SIZE> out);

/// Whether a packet has the form of a request.
[[nodiscard]] TOXTCP_API bool is_echo_request(Bytes packet);
/// Whether a packet has the form of a response.
[[nodiscard]] TOXTCP_API bool is_echo_response(Bytes packet);

/// The asker's DHT public key, as it stands in a request: not yet to be believed.
[[nodiscard]] TOXTCP_API Public_Key echo_asker(Bytes request);

/// Opens a request. False when it does not open.
[[nodiscard]] TOXTCP_API bool open_echo_request(const Secret_Key &shared, Bytes request, Echo &echo);

/// Writes the response to a request that has opened. The cookie is all zeros, which net_crypto's never is: it tells the
/// asker that this library answers, so that an asker with this library knows it would be told were it not heard.
TOXTCP_API void make_echo_response(const Secret_Key &shared, const Random &random, std::uint64_t number,
                                   std::span<std::uint8_t, ECHO_RESPONSE_SIZE> out);

/// Opens a response. `by_library`: `make_echo_response` made it, and not net_crypto. False when it does not open.
[[nodiscard]] TOXTCP_API bool open_echo_response(const Secret_Key &shared, Bytes response, std::uint64_t &number,
                                                 bool &by_library);

} // namespace toxtcp
