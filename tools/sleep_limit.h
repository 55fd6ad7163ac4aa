// Commands wait for several Tcp_Connections and for signals in one `ppoll`, on their descriptors.
#pragma once

#include <algorithm>

#include <toxtcp/tcp_connections.h>

namespace toxtcp {

/// Where the system has no descriptor that stands for all sockets, they are looked at this often.
inline constexpr int LOOK_AT_SOCKETS_MS = 5;

/// True: no descriptor tells that there is something to do, so it has to be looked.
inline bool has_to_look(const Tcp_Connections *tcp) {
    return tcp_connections_descriptor(tcp) < 0;
}

/// How long a command may sleep: ms, -1 for as long as it likes.
inline int sleep_limit(const Tcp_Connections *tcp) {
    const int due = tcp_connections_timeout(tcp);
    return !has_to_look(tcp) ? due : due < 0 ? LOOK_AT_SOCKETS_MS : std::min(due, LOOK_AT_SOCKETS_MS);
}

} // namespace toxtcp
