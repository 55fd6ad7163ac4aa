// Why a relay cannot be used. Each cause has one sentence, which also says what to do. The manual page lists them all.
#pragma once

#include <string>

#include <toxtcp/observe.h>

#include "tools/shared/watched_host.h"

namespace toxtcp {

enum class Trouble : std::uint8_t {
    none,
    refused,        ///< the connection is refused
    no_route,       ///< this machine has no route to the address
    no_host,        ///< the local network has no such host, or a router has no route to it
    no_answer,      ///< nothing answers at the address
    no_descriptors, ///< this process, or the system, has no file descriptor left
    unknown_name,   ///< the host name does not exist
    no_name_server, ///< no name server answers
    silent,         ///< the host accepts the connection, and then sends nothing
    closed,         ///< the connection is closed in the handshake: `other_key` or `full`
    other_key,      ///< the connection is closed when something is sent
    full,           ///< the connection is closed before anything is sent
    tls_server,     ///< not a relay, but a TLS server
    ssh_server,     ///< not a relay, but an SSH server
    http_server,    ///< not a relay, but an HTTP server
    other_server,   ///< not a relay, but an unknown server; or a relay with another key

    // Troubles with the proxy: nothing is known of the relay.
    proxy_unreachable, ///< the proxy cannot be connected to
    proxy_refused,     ///< the proxy refuses to connect to the relay
    proxy_password,    ///< the proxy wants a user and a password, or others
    proxy_method,      ///< the proxy accepts neither a user with a password nor a client without
    proxy_closed,      ///< the proxy closes the connection without an answer
    proxy_silent,      ///< the proxy neither connects to the relay nor refuses to
    not_a_proxy,       ///< the server is not a proxy of this kind
};

/// Whether the proxy is the cause.
[[nodiscard]] bool is_proxy_trouble(Trouble trouble);

/// The sentence for this trouble; empty for `none`. Static.
[[nodiscard]] const char *sentence(Trouble trouble);

/// The trouble that this errno of a connection means; `none` if no trouble fits.
[[nodiscard]] Trouble trouble_of_error(int error);

/// The kind of a server that is not a relay, by the first bytes that it sent; `other_server` if the bytes do not tell.
[[nodiscard]] Trouble kind_of_server(const Watched_Host &watched);

/// Why this host could not connect to its only relay, from the host's record and the library's `reason`. `none` if
/// these do not tell.
[[nodiscard]] Trouble diagnose(const Watched_Host &watched, Reason reason);

/// The sentence for the trouble that `diagnose` finds; for `none`, the library's name of the reason. `proxy_status`: as
/// in the library's Relay_Info.
[[nodiscard]] std::string diagnosis_text(const Watched_Host &watched, Reason reason, std::uint16_t proxy_status);

/// The same for the current state of the relay; "no answer yet" while the first attempt lasts. The record of `watched`
/// is about this relay only if the host connects to no other relay, or to all relays through a proxy.
[[nodiscard]] std::string why_not_connected(const Watched_Host &watched, const Relay_Info &relay);

} // namespace toxtcp
