// An HTTP CONNECT or SOCKS5 proxy in the simulated network. The node's `piece` and `spread` make it slow.
#pragma once

#include <map>
#include <string>

#include "sim/network.h"

namespace toxtcp {

struct Sim_Proxy_Session {
    int client = -1;   ///< socket
    int upstream = -1; ///< socket, -1 before the request
    bool greeted = false;
    bool trusted = false; ///< the client needs no password, or has given it
    bool connecting = false;
    bool open = false;                     ///< the request was granted: bytes pass
    std::vector<std::uint8_t> from_client; ///< read, and not yet used or passed on
    std::vector<std::uint8_t> to_client;
};

struct Sim_Proxy {
    Sim_Network *net = nullptr;
    std::uint32_t node = 0;
    Proxy proxy; ///< its type and address, for the clients

    // How it behaves. These may be changed at any time.
    bool refuses = false;                 ///< refuses every request
    bool silent = false;                  ///< never answers
    int closes = 0;                       ///< 1: closes at the first bytes, 2: resets
    std::vector<std::uint8_t> answers;    ///< its answer to the first bytes; empty: a proper answer
    std::uint8_t bound_type = 1;          ///< SOCKS5 address type in its answers: 0, 1, 3 or 4
    std::string user;                     ///< user name that it requires; empty: none
    std::string password;                 ///< password that it requires
    std::map<std::string, Ip_Port> names; ///< host names that it knows; these ports are ignored

    std::uint64_t granted = 0;
    std::uint64_t by_name = 0; ///< requests for a host by its name
    std::uint64_t to_ipv6 = 0; ///< connects to an IPv6 address, granted later or not
    std::vector<Sim_Proxy_Session> sessions;
};

/// Starts a proxy. The network keeps a pointer to it, so it must not move.
void sim_proxy_start(Sim_Proxy &proxy, Sim_Network &net, Proxy_Type type, Family family = Family::ipv4);

} // namespace toxtcp
