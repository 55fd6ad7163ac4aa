// Asks the server at a relay's address what it is. A probe that fails shows only a part of that: TLS and HTTP servers
// may answer nothing to a relay's client, and a full relay closes the connection as a relay with another key does. So
// this connects once more, through the same proxy.
//
// First nothing is sent for HOLD_US: a full relay closes the connection in this time, and an SSH server names itself.
// Then a greeting is sent that TLS and HTTP servers answer. A relay with another key closes the connection then.
#pragma once

#include <toxtcp/observe.h>

#include "tools/shared/clock.h"
#include "tools/shared/diagnosis.h"
#include "tools/shared/relay_list.h"
#include "tools/shared/watched_host.h"

namespace toxtcp {

/// How long nothing is sent. A full relay closes the connection one round trip after the connection is made.
inline constexpr std::uint64_t HOLD_US = 2 * SECOND_US;

/// Must not move while it is open.
struct Server_Query : Watched_Host {
    Tcp_Connections *tcp = nullptr; ///< does the dialogue with the proxy; null: the query is not open
    Host watching;                  ///< the functions of Watched_Host, which those of the query call
    Public_Key relay_key{};
    std::uint64_t greet_at = 0; ///< us, when the greeting is to be sent; 0: not known yet
    bool hold_is_over = false;  ///< the socket is watched for writing again
    bool has_greeted = false;
    bool has_closed = false; ///< the server has closed the connection
    int socket = -1;         ///< last watched
    std::uint32_t tag = 0;   ///< of `socket`
};

/// Whether a query may find more than this trouble tells.
[[nodiscard]] bool query_may_help(Trouble trouble);

/// Begins to connect. False when that is not possible.
[[nodiscard]] bool server_query_open(Server_Query &query, const Relay_Address &relay, const Proxy &proxy);

/// Reads and sends what is due. True when the query is done.
[[nodiscard]] bool server_query_turn(Server_Query &query, std::uint64_t now);

/// When `server_query_turn` is to be called even if `tcp` has nothing to do: us; UINT64_MAX: never.
[[nodiscard]] std::uint64_t server_query_wake(const Server_Query &query);

/// What the query has found, or `before` if it has found nothing more.
[[nodiscard]] Trouble server_query_result(const Server_Query &query, Trouble before);

/// Frees the connection and the host. May be called again.
void server_query_close(Server_Query &query);

} // namespace toxtcp
