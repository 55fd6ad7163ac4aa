// --proxy socks5://user@host:port, and where its password comes from.
#pragma once

#include <string>
#include <string_view>

#include <toxtcp/types.h>

namespace toxtcp {

inline constexpr const char *PROXY_PASSWORD_VARIABLE = "TOXTCP_PROXY_PASSWORD";

/// As it is named. No proxy: of type `none`.
struct Proxy_Option {
    Proxy_Type type = Proxy_Type::none;
    std::string user;
    std::string host; ///< a name, or a numeric address without brackets
    std::uint16_t port = 0;
    std::string password_file; ///< empty: none
};

/// Reads SCHEME://[USER@]HOST[:PORT], where SCHEME is socks5 (port 1080) or http (port 8080), and a user may have any byte
/// as %XX. A password in it is refused, since everybody could see it in the list of processes. False, with `error`, and
/// `proxy` as it was, when it is none.
[[nodiscard]] bool read_proxy(std::string_view text, Proxy_Option &proxy, std::string &error);

/// Finds its address, and its password: the first line of the file, or else what the environment says. False, with
/// `error`, when it cannot.
[[nodiscard]] bool find_proxy(const Proxy_Option &option, Proxy &proxy, std::string &error);

} // namespace toxtcp
