// A program that has toxcore's functions: sockets in memory, a clock that stands still between ticks, randomness from a
// seed, a log that is kept. What the archives borrow of their host is all here, made of the simulated network.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "layout.h"
#include "sim/relay.h"

// The host's own, opaque to the archive.

struct Logger {
    std::vector<std::string> warnings;
    int leaves_errno = 0; ///< what its callback leaves in errno when a call that moved no bytes is logged; 0: nothing
};

struct Mono_Time {
    std::uint64_t ms = 0;
};

struct Random {
    mutable toxtcp::Sim_Random state;
};

struct Memory {
    bool failing = false;
};

struct Net_Profile {
    struct Direction {
        std::uint64_t packets = 0;
        std::uint64_t bytes = 0;
        std::array<std::uint64_t, 256> by_id{};
    };
    std::array<Direction, 2> directions; ///< 0: sent, 1: received
};

struct Network {
    struct Socket_State {
        int sim = -1; ///< of the simulated network, once it connects
        bool open = true;
        bool nonblocking = false;
        bool no_sigpipe = false;
        bool heard = false;  ///< something has come
        bool failed = false; ///< a call has failed
    };
    // toxcore's own begins with two pointers: a table of functions, and their object. They tell one network from another.
    const void *functions = this; ///< a copy keeps those of its original
    void *object = nullptr;

    toxtcp::Sim_Node *node = nullptr;
    bool closed = false;                       ///< no socket is to be had
    mutable std::vector<Socket_State> sockets; ///< by the number that toxcore sees
    mutable std::uint64_t calls = 0;
    mutable std::uint64_t bytes_sent = 0;
};

extern "C" {
/// The one that the archive takes for the system's, and therefore never calls.
#if TOXTCP_TOXCORE_GENERATION == 218
const Network *system_network(void);
#else
const Network *os_network(void);
#endif
}

namespace toxtcp {

inline constexpr std::uint64_t ABI_TICK_MS = 50;

// ---- memory that runs out --------------------------------------------------------------------------------------

/// Allocations fail within calls of the ABI that a test has made so, and never in the host's own functions or callbacks.
struct Abi_Memory {
    bool failing = false;
    bool outside = false;      ///< in the host
    std::uint64_t counted = 0; ///< allocations so far within such calls
    std::uint64_t from = 0;    ///< the first that fails, counted from 0...
    std::uint64_t to = 0;      ///< ...and the first that does not fail any more
};
extern Abi_Memory abi_memory;

/// While it lives, the host runs.
struct Abi_Outside {
    bool before = abi_memory.outside;
    Abi_Outside() { abi_memory.outside = true; }
    Abi_Outside(const Abi_Outside &) = delete;
    Abi_Outside &operator=(const Abi_Outside &) = delete;
    ~Abi_Outside() { abi_memory.outside = before; }
};

/// While it lives, allocations `from` to `to` fail, but for the host's.
struct Abi_Failing {
    Abi_Failing(std::uint64_t from, std::uint64_t to);
    Abi_Failing(const Abi_Failing &) = delete;
    Abi_Failing &operator=(const Abi_Failing &) = delete;
    ~Abi_Failing() { abi_memory.failing = false; }
};

// ---- hosts -----------------------------------------------------------------------------------------------------

struct Abi_Packet {
    int id = -1;    ///< of the connection; -1 for OOB, onion and forwarding
    int relay = -1; ///< number, for OOB
    Public_Key sender{};
    std::string bytes;
    void *userdata = nullptr;
};

/// A host with one TCP_Connections.
struct Abi_Peer {
    Sim_Network *net = nullptr;
    Logger logger;
    Memory memory;
    Mono_Time clock;
    ::Random random;
    Network network;
    Net_Profile profile;
    Secret_Key secret_key;
    Public_Key key{};
    TCP_Connections *c = nullptr;

    std::vector<Abi_Packet> data;
    std::size_t cookie_requests = 0; ///< among the data, and not listed there
    std::vector<Abi_Packet> oob;
    std::vector<Abi_Packet> onion;
    std::vector<Abi_Packet> forwarding;
    std::function<void(const Abi_Packet &)> on_data; ///< may be empty

    Abi_Peer() = default;
    Abi_Peer(const Abi_Peer &) = delete;
    Abi_Peer &operator=(const Abi_Peer &) = delete;
    ~Abi_Peer() { kill_tcp_connections(c); }
};

/// All but the TCP_Connections. It must not move.
void abi_peer_prepare(Abi_Peer &peer, Sim_Network &net);

/// Sockets that are open on it.
std::size_t abi_open_sockets(const Network &network);

/// The constructors, with this host's parts; null as they may answer.
TCP_Connections *abi_new_connections(Abi_Peer &peer, const Network *network, const TCP_Proxy_Info *proxy = nullptr);
TCP_Client_Connection *abi_new_client(Abi_Peer &peer, const IP_Port &address, const Public_Key &relay,
                                      const TCP_Proxy_Info *proxy = nullptr);
/// A tick of it, with the clock as it is in the network, and `&peer` as the userdata.
void abi_do_client(Abi_Peer &peer, TCP_Client_Connection *client);
void abi_kill_client(TCP_Client_Connection *client);

/// Prepares it, and makes the TCP_Connections with all callbacks set to note what they are told.
void abi_peer_start(Abi_Peer &peer, Sim_Network &net);
void abi_set_callbacks(Abi_Peer &peer);

/// Sets the clock to what it is in the network, and ticks.
void abi_tick(Abi_Peer &peer);

IP_Port abi_address(const Ip_Port &address);

} // namespace toxtcp
