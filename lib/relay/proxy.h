// What is said to a proxy before the relay is reached: HTTP CONNECT (RFC 9110) with Basic authentication (RFC 7617), and
// SOCKS5 (RFC 1928) with user and password (RFC 1929). Bytes in, bytes and a verdict out.
#pragma once

#include <string_view>

#include <toxtcp/types.h>

namespace toxtcp {

/// The most that an HTTP proxy may answer before it grants or refuses.
inline constexpr std::size_t MAX_PROXY_ANSWER = 16 * 1024;
/// Room for whatever is said to a proxy.
inline constexpr std::size_t MAX_PROXY_REQUEST = 1'536;

/// Where the proxy is to connect to.
struct Proxy_Target {
    const Ip_Port &address; ///< of a name: its port alone
    std::string_view name;  ///< looked up by the proxy; empty: the address counts
};

/// Sizes written; `out` holds MAX_PROXY_REQUEST bytes. The proxy is one that `proxy_is_usable`.
std::size_t print_http_connect(const Proxy &proxy, const Proxy_Target &target, Mutable_Bytes out);
std::size_t print_socks5_greeting(const Proxy &proxy, Mutable_Bytes out);
std::size_t print_socks5_password(const Proxy &proxy, Mutable_Bytes out);
std::size_t print_socks5_request(const Proxy_Target &target, Mutable_Bytes out);

enum class Proxy_Answer : std::uint8_t {
    incomplete,
    granted,        ///< what follows is the relay's
    asks_password,  ///< of a SOCKS5 greeting: the password is to be sent
    wants_password, ///< there is none, or it is wrong
    refused,
    malformed
};

/// An HTTP proxy's answer, read byte by byte.
struct Http_Answer {
    std::uint16_t size = 0;   ///< bytes so far
    std::uint16_t status = 0; ///< of the last status line; 0: not known yet
    std::uint8_t place = 0;   ///< in the status line; UINT8_MAX: behind it
    bool in_header = false;   ///< the line that is being read is not empty
};
Proxy_Answer read_http_answer(Http_Answer &answer, std::uint8_t byte);

/// Judge the bytes that came so far. They are to be fed byte by byte, since what follows a granting answer is the
/// relay's. `status`: the reply's code, where there is one.
Proxy_Answer parse_socks5_greeting(const Proxy &proxy, Bytes answer);
Proxy_Answer parse_socks5_password(Bytes answer);
Proxy_Answer parse_socks5_answer(Bytes answer, std::uint16_t &status);

/// Whether a proxy like this can be spoken to: an address and a port, a user and a password that fit.
[[nodiscard]] bool proxy_is_usable(const Proxy &proxy);

/// Whether this can be a host's name: it goes into a request as it is.
[[nodiscard]] bool is_host_name(std::string_view name);

} // namespace toxtcp
