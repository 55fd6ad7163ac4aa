// A toxtcp::Host made of what toxcore gives: its network, clock, randomness, log.
#pragma once

#include <unordered_map>

#include <toxtcp/host.h>

#include "toxcore/host_functions.h"

namespace toxtcp::toxcore {

/// The sockets of the system's own network are called directly, and there is readiness. Any other network may be made
/// of anything, so that each of its sockets is called through toxcore, and tried in every tick.
struct Toxcore_Host {
    Host host;
    Parts parts;
    Host *system = nullptr;                     ///< for the system's own network
    std::uint64_t now = 0;                      ///< ms, the latest that the clock has said
    std::unordered_map<int, IP_Port> addresses; ///< of the sockets of another network: its calls want them
};

enum class Sockets : std::uint8_t {
    fastest, ///< direct where they can be
    plain    ///< always through toxcore: no readiness, and nothing that it costs
};

/// False when the system gives no memory or descriptors. `made` must stay where it is.
[[nodiscard]] bool open_host(Toxcore_Host &made, const Parts &parts, Sockets sockets);
void close_host(Toxcore_Host &made);

} // namespace toxtcp::toxcore
