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
};

struct Mono_Time {
    std::uint64_t ms = 0;
};

struct Random {
    mutable toxtcp::Sim_Random state;
};

struct Memory {};

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
    };
    toxtcp::Sim_Node *node = nullptr;
    mutable std::vector<Socket_State> sockets; ///< by the number that toxcore sees
    mutable std::uint64_t calls = 0;
    mutable std::uint64_t bytes_sent = 0;
};

namespace toxtcp {

inline constexpr std::uint64_t ABI_TICK_MS = 50;

struct Abi_Packet {
    int id = -1;       ///< of the connection; -1 for OOB, onion and forwarding
    int relay = -1;    ///< number, for OOB
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

/// The constructors, with this host's parts; null as they may answer.
TCP_Connections *abi_new_connections(Abi_Peer &peer, const Network *network, const TCP_Proxy_Info *proxy = nullptr);
TCP_Client_Connection *abi_new_client(Abi_Peer &peer, const IP_Port &address, const Public_Key &relay,
                                      const TCP_Proxy_Info *proxy = nullptr);
void abi_do_client(Abi_Peer &peer, TCP_Client_Connection *client);
void abi_kill_client(TCP_Client_Connection *client);

/// Prepares it, and makes the TCP_Connections with all callbacks set to note what they are told.
void abi_peer_start(Abi_Peer &peer, Sim_Network &net);
void abi_set_callbacks(Abi_Peer &peer);

/// Sets the clock to what it is in the network, and ticks.
void abi_tick(Abi_Peer &peer);

IP_Port abi_address(const Ip_Port &address);

/// Lets time pass, a tick of all every so often, until `done()` or for `ms`. Whether it was done.
template <class Done>
bool abi_until(std::initializer_list<Abi_Peer *> peers, std::uint64_t ms, Done done) {
    for (std::uint64_t passed = 0; passed <= ms; passed += ABI_TICK_MS) {
        for (Abi_Peer *const peer : peers) {
            abi_tick(*peer);
        }
        if (done()) {
            return true;
        }
        sim_advance(*(*peers.begin())->net, ABI_TICK_MS);
    }
    return false;
}

inline void abi_pass(std::initializer_list<Abi_Peer *> peers, std::uint64_t ms) {
    abi_until(peers, ms, [] { return false; });
}

} // namespace toxtcp
