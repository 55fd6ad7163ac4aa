// Finds out what kind of server is at a relay's address, after a handshake has failed there. The handshake alone does
// not tell: TLS and HTTP servers may not answer it, and a full relay closes the connection as a relay with another key
// does. So a query connects once more, through the same proxy.
//
// First the query sends nothing for some time: a full relay closes the connection in this time, and an SSH server says
// what it is. Then the query sends a greeting that TLS and HTTP servers answer. A relay with another key closes the
// connection after the greeting.
#pragma once

#include <toxtcp/observe.h>

#include "tools/shared/clock.h"
#include "tools/shared/diagnosis.h"
#include "tools/shared/relay_list.h"
#include "tools/shared/watched_host.h"

namespace toxtcp {

/// Must not move while the query is open.
struct Server_Query : Watched_Host {
    Tcp_Connections *tcp = nullptr; ///< does the dialogue with the proxy; null: the query is not open
    Host watched_functions;         ///< the functions of Watched_Host; the functions of the query call them
    Public_Key relay_key{};
    std::uint64_t ends_at = 0;    ///< us, when the query ends without a result
    std::uint64_t greet_at = 0;   ///< us, when the greeting is to be sent; 0: not known yet
    bool silence_is_over = false; ///< the socket is watched for writing again
    bool has_greeted = false;
    bool has_closed = false; ///< the server has closed the connection
    int socket = -1;         ///< last watched
    std::uint32_t tag = 0;   ///< of `socket`
};

/// Whether a query may find a more exact cause than this trouble.
[[nodiscard]] bool query_may_help(Trouble trouble);

/// Begins to connect. `timeout_us`: time for the connection and for the answer to the greeting. False when the machine
/// cannot connect.
[[nodiscard]] bool server_query_open(Server_Query &query, const Relay_Address &relay, const Proxy &proxy,
                                     std::uint64_t timeout_us);

/// Reads and sends what is due. True when the query is done, or its time is over.
[[nodiscard]] bool server_query_step(Server_Query &query, std::uint64_t now);

/// When `server_query_step` is to be called even if `tcp` has nothing to do, us; UINT64_MAX: never, the query is not
/// open.
[[nodiscard]] std::uint64_t server_query_wake_time(const Server_Query &query);

/// The cause that the query has found, or `before` if it has found no other.
[[nodiscard]] Trouble server_query_result(const Server_Query &query, Trouble before);

/// Frees the connection and the host. May be called again.
void server_query_close(Server_Query &query);

} // namespace toxtcp
