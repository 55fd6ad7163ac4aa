// Why a relay cannot be used. Each cause has one sentence, which also says what to do. The manual page lists them all.
#pragma once

#include <string>

#include <toxtcp/observe.h>

#include "tools/shared/watched_host.h"

namespace toxtcp {

enum class Trouble : std::uint8_t {
    none,
    refused,         ///< the connection is refused
    no_route,        ///< this machine has no route to the address
    no_host,         ///< the local network has no such host, or a router has no route to it
    no_answer,       ///< nothing answers at the address
    no_descriptors,  ///< this process, or the system, has no file descriptor left
    no_name,         ///< the host name does not exist
    no_name_server,  ///< no name server answers
    is_silent,       ///< it accepts the connection, and then sends nothing
    closes,          ///< the connection is closed in the handshake: `other_key` or `is_full`
    other_key,       ///< the connection is closed when something is sent
    is_full,         ///< the connection is closed before anything is sent
    is_tls,          ///< not a relay, but a TLS server
    is_ssh,          ///< not a relay, but an SSH server
    is_http,         ///< not a relay, but an HTTP server
    is_other_server, ///< not a relay, but an unknown server; or a relay with another key

    // Troubles with the proxy: nothing is known of the relay.
    proxy_unreachable, ///< the proxy cannot be connected to
    proxy_refused,     ///< the proxy refuses to connect to the relay
    proxy_password,    ///< the proxy wants a user and a password, or others
    proxy_method,      ///< the proxy accepts neither a user with a password nor a client without
    proxy_closed,      ///< the proxy closes the connection without an answer
    proxy_silent,      ///< the proxy neither connects to the relay nor refuses to
    is_no_proxy,       ///< the server is not a proxy of this kind
};

/// Whether this is a trouble with the proxy.
[[nodiscard]] bool is_of_proxy(Trouble trouble);

/// The sentence for this trouble; empty for `none`. Static.
[[nodiscard]] const char *sentence(Trouble trouble);

/// The trouble that this errno of a connection means; `none` if no trouble fits.
[[nodiscard]] Trouble trouble_of_error(int error);

/// The kind of a server that is no relay, by the first bytes that it sent; `is_other_server` if they do not tell.
[[nodiscard]] Trouble kind_of_server(const Watched_Host &watched);

/// Why the one relay that this host connects to never came up, found from what the host saw and from the library's
/// `reason`. `none` if these do not tell.
[[nodiscard]] Trouble diagnose(const Watched_Host &watched, Reason reason);

/// The sentence for what `diagnose` finds, or for `none` the library's name of the reason. `proxy_status` is the one in
/// the library's Relay_Info.
[[nodiscard]] std::string diagnosis(const Watched_Host &watched, Reason reason, std::uint16_t proxy_status);

/// The same from what the library knows of the relay now; "no answer yet" while the first attempt lasts. The host
/// connects to no other relay, or to all relays through a proxy.
[[nodiscard]] std::string why_not_connected(const Watched_Host &watched, const Relay_Info &relay);

} // namespace toxtcp
