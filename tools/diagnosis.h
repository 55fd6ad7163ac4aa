// Why a relay cannot be used: one sentence for each cause, which says what to do. The manual page has the table.
#pragma once

#include <string>

#include "watched_host.h"

namespace toxtcp {

enum class Trouble : std::uint8_t {
    none,
    refused,         ///< the connection is refused
    no_route,        ///< this machine has no way to the address
    no_answer,       ///< nothing answers there
    no_descriptors,  ///< this process, or the system, has no file descriptor left
    no_name,         ///< the name is not found
    no_name_server,  ///< no name server answers
    is_silent,       ///< the connection is there, and nothing comes
    closes,          ///< the connection is closed in the handshake
    is_tls,          ///< not a relay, but a TLS server
    is_ssh,          ///< the same, SSH
    is_http,         ///< the same, HTTP
    is_other_server, ///< the same, unknown

    // The proxy is at fault, and nothing is known of the relay.
    proxy_unreachable, ///< it does not take the connection
    proxy_refused,     ///< it says no
    proxy_password,    ///< it wants a password, or another one
    proxy_closed,      ///< it closes the connection
    is_no_proxy,       ///< it is no proxy of this kind
};

/// Whether it tells nothing of the relay.
[[nodiscard]] bool is_of_proxy(Trouble trouble);

/// Static.
[[nodiscard]] const char *sentence(Trouble trouble);

/// What an error of the system means for a connection; `none` for one that has no sentence.
[[nodiscard]] Trouble trouble_of_error(int error);

/// Why the one relay of this host never came up, by what the host saw, and the reason that the library gave. `none` when
/// the relay shows no sign of what it is.
[[nodiscard]] Trouble diagnose(const Watched_Host &watched, Reason reason);

/// A sentence for it, or the library's word. `proxy_status`: of the relay's info.
[[nodiscard]] std::string diagnosis(const Watched_Host &watched, Reason reason, std::uint16_t proxy_status);

} // namespace toxtcp
