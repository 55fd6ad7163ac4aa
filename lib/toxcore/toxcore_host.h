// A toxtcp::Host that uses toxcore's network, clock, randomness and log.
#pragma once

#include <unordered_map>

#include <toxtcp/host.h>

#include "toxcore/host_functions.h"

namespace toxtcp::toxcore {

/// If toxcore uses the system's own network, the sockets are called directly, with readiness. Any other network may be
/// simulated: its sockets are called through toxcore's functions, and each socket is tried in every tick.
struct Toxcore_Host {
    Host host;
    Toxcore_Objects objects;
    Host *system = nullptr;                     ///< for the system's own network; otherwise null
    std::uint64_t now = 0;                      ///< ms, the latest time that the clock returned
    std::unordered_map<int, IP_Port> addresses; ///< by socket, for another network: toxcore's calls need them
};

enum class Sockets : std::uint8_t {
    fastest, ///< called directly if toxcore uses the system's own network
    plain    ///< always called through toxcore: no readiness, and no descriptors for it
};

/// False if memory runs out or the system's sockets cannot be used. `toxcore_host` must not be moved afterwards.
[[nodiscard]] bool open_host(Toxcore_Host &toxcore_host, const Toxcore_Objects &objects, Sockets sockets);
void close_host(Toxcore_Host &toxcore_host);

} // namespace toxtcp::toxcore
