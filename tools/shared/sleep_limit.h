// How long a command may sleep. A command waits for signals and for several Tcp_Connections in one `ppoll` on their
// descriptors.
#pragma once

#include <algorithm>

#include <toxtcp/tcp_connections.h>

namespace toxtcp {

/// Interval of the ticks, ms, where the system has no descriptor that stands for all sockets.
inline constexpr int LOOK_AT_SOCKETS_MS = 5;

/// True if there is no descriptor to poll, so that the library has to be ticked every LOOK_AT_SOCKETS_MS.
inline bool has_to_look(const Tcp_Connections *tcp) {
    return tcp_connections_descriptor(tcp) < 0;
}

/// How long a command may sleep, ms; -1: no limit.
inline int sleep_limit(const Tcp_Connections *tcp) {
    const int due = tcp_connections_timeout(tcp);
    return !has_to_look(tcp) ? due : due < 0 ? LOOK_AT_SOCKETS_MS : std::min(due, LOOK_AT_SOCKETS_MS);
}

} // namespace toxtcp
