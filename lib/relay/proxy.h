// The dialogue with a proxy before the relay is reached: HTTP CONNECT (RFC 9110) with Basic authentication (RFC 7617),
// or SOCKS5 (RFC 1928) with user and password (RFC 1929). The functions write requests and parse answers; they send
// nothing.
#pragma once

#include <string_view>

#include <toxtcp/types.h>

namespace toxtcp {

/// Limit of an HTTP proxy's answer, status lines and headers together, bytes.
inline constexpr std::size_t MAX_PROXY_ANSWER = 16 * 1024;
/// Size of a buffer that any request to a proxy fits in, bytes.
inline constexpr std::size_t MAX_PROXY_REQUEST = 1'536;

/// The relay that the proxy is to connect to.
struct Proxy_Target {
    const Ip_Port &address; ///< with a name, only the port is used
    std::string_view name;  ///< host name that the proxy looks up; empty: `address` is used
};

/// Write a request to `out`, which has at least MAX_PROXY_REQUEST bytes, and return its size. `proxy_is_usable` must
/// hold.
std::size_t encode_http_connect(const Proxy &proxy, const Proxy_Target &target, Mutable_Bytes out);
std::size_t encode_socks5_greeting(const Proxy &proxy, Mutable_Bytes out);
std::size_t encode_socks5_password(const Proxy &proxy, Mutable_Bytes out);
std::size_t encode_socks5_request(const Proxy_Target &target, Mutable_Bytes out);

enum class Proxy_Answer : std::uint8_t {
    incomplete,
    granted,               ///< go on with the next request, or with the relay if this was the last
    password_requested,    ///< SOCKS5 greeting: send user and password
    authentication_failed, ///< user and password are missing, or they are wrong
    refused,
    malformed
};

/// An HTTP proxy's answer, read byte by byte.
struct Http_Answer {
    std::uint16_t size = 0;   ///< bytes so far
    std::uint16_t status = 0; ///< of the last status line; 0: not known yet
    std::uint8_t state = 0;   ///< what is expected next in the status line; UINT8_MAX: a header
    bool in_header = false;   ///< the current header line is not empty
};
Proxy_Answer read_http_answer(Http_Answer &answer, std::uint8_t byte);

/// Parse all bytes of the current answer. To be called after each byte, since the bytes that follow a granting answer
/// are the relay's. `status`: the code of a refusal, otherwise unchanged.
Proxy_Answer parse_socks5_greeting(const Proxy &proxy, Bytes answer, std::uint16_t &status);
Proxy_Answer parse_socks5_password(Bytes answer);
Proxy_Answer parse_socks5_answer(Bytes answer, std::uint16_t &status);

/// Whether the settings are valid: address and port, lengths of user and password. No proxy at all is valid, too.
[[nodiscard]] bool proxy_is_usable(const Proxy &proxy);

/// Whether this can be a host name: 1 to 255 letters, digits, hyphens, underscores and dots. A request has the name as
/// it is, so no other byte may be in it.
[[nodiscard]] bool is_host_name(std::string_view name);

} // namespace toxtcp
