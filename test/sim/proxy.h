// An HTTP CONNECT or SOCKS5 proxy in the simulated network. Slow ones are made by the node's `piece` and `spread`.
#pragma once

#include <map>
#include <string>

#include "sim/network.h"

namespace toxtcp {

struct Sim_Proxy_Session {
    int client = -1;   ///< socket
    int upstream = -1; ///< socket, -1 before the request
    bool greeted = false;
    bool trusted = false; ///< it needs no password, or has given it
    bool connecting = false;
    bool open = false;                     ///< granted: bytes pass
    std::vector<std::uint8_t> from_client; ///< read and not passed on
    std::vector<std::uint8_t> to_client;
};

struct Sim_Proxy {
    Sim_Network *net = nullptr;
    std::uint32_t node = 0;
    Proxy proxy; ///< as a client is told of it

    // How it behaves. These may be changed at any time.
    bool refuses = false;                 ///< says no to every request
    bool silent = false;                  ///< never answers
    int closes = 0;                       ///< 1: closes at the first bytes, 2: resets
    std::vector<std::uint8_t> answers;    ///< what it says to the first bytes instead of an answer; none: a proper one
    std::uint8_t bound_type = 1;          ///< SOCKS5 address type in its answers: 0, 1, 3 or 4
    std::string user;                     ///< that it wants; empty: none
    std::string password;                 ///< the same
    std::map<std::string, Ip_Port> names; ///< of hosts that it can look up; their ports do not count

    std::uint64_t granted = 0;
    std::uint64_t by_name = 0; ///< requests for a host by its name
    std::uint64_t to_ipv6 = 0; ///< of those granted
    std::vector<Sim_Proxy_Session> sessions;
};

/// Starts one, and keeps the pointer: it must not move.
void sim_proxy_start(Sim_Proxy &proxy, Sim_Network &net, Proxy_Type type, Family family = Family::ipv4);

} // namespace toxtcp
