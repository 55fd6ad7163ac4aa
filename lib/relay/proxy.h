// What is said to a proxy before the relay is reached: HTTP CONNECT, and SOCKS5 (RFC 1928) without authentication.
#pragma once

#include <toxtcp/types.h>

namespace toxtcp {

enum class Proxy_Answer : std::uint8_t { incomplete, granted, refused, malformed };

/// Sizes written; `out` holds at least 200 bytes.
std::size_t print_http_connect(const Ip_Port &relay, Mutable_Bytes out);
std::size_t print_socks5_greeting(Mutable_Bytes out);
std::size_t print_socks5_request(const Ip_Port &relay, Mutable_Bytes out);

/// Judge the bytes that came so far. They are to be fed byte by byte, since what follows a granting answer is the
/// relay's.
Proxy_Answer parse_http_answer(Bytes answer);
Proxy_Answer parse_socks5_greeting(Bytes answer);
Proxy_Answer parse_socks5_answer(Bytes answer);

} // namespace toxtcp
