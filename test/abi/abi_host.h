// A host program for the archives. It defines all functions of toxcore that the archives call: sockets of the simulated
// network, a clock that is set before each tick, randomness from a seed, and a log that is kept.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "layout.h"
#include "sim/relay.h"

// The host's own contents of toxcore's types. The archive sees pointers to them.

struct Logger {
    std::vector<std::string> warnings;
    int leaves_errno = 0; ///< its callback sets errno to this when a call that moved no bytes is logged; 0: never
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
        int sim = -1; ///< socket in the simulated network, once it connects
        bool open = true;
        bool nonblocking = false;
        bool no_sigpipe = false;
        bool heard = false;  ///< bytes have come
        bool failed = false; ///< a call has failed
    };
    // toxcore's own begins with two pointers: a table of functions, and their object. The archive compares them.
    const void *functions = this; ///< a copy keeps the value of its original
    void *object = nullptr;

    toxtcp::Sim_Node *node = nullptr;
    bool closed = false;                       ///< new sockets are refused
    mutable std::vector<Socket_State> sockets; ///< the archive sees the index plus FIRST_SOCKET
    mutable std::uint64_t calls = 0;
    mutable std::uint64_t bytes_sent = 0;
};

extern "C" {
/// The network that the archive takes for the system's: for it the archive calls no socket function of the host.
#if TOXTCP_TOXCORE_GENERATION == 218
const Network *system_network(void);
#else
const Network *os_network(void);
#endif
}

namespace toxtcp {

inline constexpr std::uint64_t ABI_TICK_MS = 50;

// ---- memory that runs out --------------------------------------------------------------------------------------

/// Which allocations fail: some of those that the archive makes, and never those of the host's functions and callbacks.
struct Abi_Memory {
    bool failing = false;
    bool outside = false;      ///< the host's code runs now, not the archive's
    std::uint64_t counted = 0; ///< the archive's allocations so far
    std::uint64_t from = 0;    ///< the first that fails, counted from 0
    std::uint64_t to = 0;      ///< the first after it that does not fail
};
extern Abi_Memory abi_memory;

/// While it lives, allocations count as the host's own, and do not fail.
struct Abi_Outside {
    bool before = abi_memory.outside;
    Abi_Outside() { abi_memory.outside = true; }
    Abi_Outside(const Abi_Outside &) = delete;
    Abi_Outside &operator=(const Abi_Outside &) = delete;
    ~Abi_Outside() { abi_memory.outside = before; }
};

/// While it lives, the archive's allocations from number `from` up to, but without, number `to` fail.
struct Abi_Failing {
    Abi_Failing(std::uint64_t from, std::uint64_t to);
    Abi_Failing(const Abi_Failing &) = delete;
    Abi_Failing &operator=(const Abi_Failing &) = delete;
    ~Abi_Failing() { abi_memory.failing = false; }
};

// ---- hosts -----------------------------------------------------------------------------------------------------

struct Abi_Packet {
    int id = -1;    ///< of the connection; -1 for OOB, onion and forwarding
    int relay = -1; ///< its number, for OOB
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
    std::size_t cookie_requests = 0; ///< that came as data; not listed in `data`
    std::vector<Abi_Packet> oob;
    std::vector<Abi_Packet> onion;
    std::vector<Abi_Packet> forwarding;
    std::function<void(const Abi_Packet &)> on_data; ///< may be empty

    Abi_Peer() = default;
    Abi_Peer(const Abi_Peer &) = delete;
    Abi_Peer &operator=(const Abi_Peer &) = delete;
    ~Abi_Peer() { kill_tcp_connections(c); }
};

/// Sets up the host without a TCP_Connections. The host must not move afterwards.
void abi_peer_prepare(Abi_Peer &peer, Sim_Network &net);

/// How many sockets of the network are open.
std::size_t abi_open_sockets(const Network &network);

/// What a host must give to a TCP_Connections.
struct Abi_Parts {
    const ::Random *random = nullptr;
    const Network *network = nullptr;
    Mono_Time *clock = nullptr;
    const std::uint8_t *secret_key = nullptr;
};
Abi_Parts parts_of(Abi_Peer &peer);

/// Call the constructors. Null where the constructor returns null.
TCP_Connections *abi_new_connections(Abi_Peer &peer, const Abi_Parts &parts);
TCP_Client_Connection *abi_new_client(Abi_Peer &peer, const IP_Port &address, const Public_Key &relay,
                                      const TCP_Proxy_Info *proxy = nullptr);
/// Sets the host's clock to the network's time, and ticks the client with `&peer` as the userdata.
void abi_do_client(Abi_Peer &peer, TCP_Client_Connection *client);
void abi_kill_client(TCP_Client_Connection *client);

/// Sets up the host and its TCP_Connections, with callbacks that record all that they are told.
void abi_peer_start(Abi_Peer &peer, Sim_Network &net);
void abi_set_callbacks(Abi_Peer &peer);

/// Sets the host's clock to the network's time, and ticks its TCP_Connections.
void abi_tick(Abi_Peer &peer);

IP_Port abi_address(const Ip_Port &address);

} // namespace toxtcp
