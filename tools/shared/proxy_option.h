// The option --proxy socks5://user@host:port, and where the proxy's password comes from.
#pragma once

#include <string>
#include <string_view>

#include <toxtcp/types.h>

namespace toxtcp {

inline constexpr const char *PROXY_PASSWORD_VARIABLE = "TOXTCP_PROXY_PASSWORD";

/// A proxy as the command line names it. Type `none`: no proxy.
struct Proxy_Option {
    Proxy_Type type = Proxy_Type::none;
    std::string user;
    std::string host; ///< a name, or a numeric address without brackets
    std::uint16_t port = 0;
    std::string password_file; ///< empty: none
};

/// Reads SCHEME://[USER@]HOST[:PORT]. SCHEME is socks5 (default port 1080) or http (default port 8080). USER may
/// contain any byte as %XX. A password in the URL is refused, since every user of the machine could see it in the list
/// of processes. False, with `error` and `proxy` unchanged, when the text is wrong.
[[nodiscard]] bool read_proxy(std::string_view text, Proxy_Option &proxy, std::string &error);

/// Reads the proxy's password: the first line of the password file or, without such a file, the environment variable.
/// Then looks up the proxy's addresses, and chooses the first that accepts a connection. Returns an exit code
/// (tools/commands.h): EXIT_DONE, or after an error message another one. Both waits may be long, so this is called
/// before `open_signals`, while a signal ends the program.
[[nodiscard]] int find_proxy(const char *command, const Proxy_Option &option, Proxy &proxy);

} // namespace toxtcp
