// How long a command may sleep, with one Tcp_Connections. A command waits for signals and for all of its
// Tcp_Connections in one `ppoll` on their descriptors.
#pragma once

#include <algorithm>

#include <toxtcp/tcp_connections.h>

namespace toxtcp {

/// Interval of the ticks, ms, on systems where a Tcp_Connections has no descriptor that becomes readable when one of
/// its sockets is ready.
inline constexpr int TICK_INTERVAL_MS = 5;

/// Whether there is no descriptor to poll, so that the library has to be ticked every TICK_INTERVAL_MS.
inline bool has_no_descriptor(const Tcp_Connections *tcp) {
    return tcp_connections_descriptor(tcp) < 0;
}

/// How long a command may sleep, ms; -1: no limit.
inline int sleep_limit(const Tcp_Connections *tcp) {
    const int due = tcp_connections_timeout(tcp);
    return !has_no_descriptor(tcp) ? due : due < 0 ? TICK_INTERVAL_MS : std::min(due, TICK_INTERVAL_MS);
}

} // namespace toxtcp
