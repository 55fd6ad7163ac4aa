// A client of the library in the simulated network. It records all that the library reports to it.
#pragma once

#include <functional>
#include <string>

#include "sim/network.h"

namespace toxtcp {

enum class Tick_Mode : std::uint8_t {
    interval, ///< every 50 ms, as toxcore does
    deadline  ///< when something is ready or a deadline is due, as a host that waits
};

inline constexpr std::uint64_t SIM_TICK_MS = 50;

/// Data that a relay forges in a peer's name begins with this. To the layer above it is a packet that does not open.
inline constexpr char FORGED[] = "forged";

struct Sim_Packet {
    std::uint64_t at = 0;
    int id = -1;    ///< of the connection; -1 for OOB, onion and forwarding packets
    int relay = -1; ///< its handle; -1 for data, onion and forwarding packets
    Public_Key sender{};
    std::string bytes;
};

struct Sim_Change {
    std::uint64_t at = 0;
    Change change;
};

struct Sim_Peer {
    Sim_Network *net = nullptr;
    std::uint32_t node = 0;
    Host host;
    Tcp_Connections_Def def;
    Tcp_Connections *c = nullptr;
    Public_Key key{};

    // What the library reported.
    std::vector<Sim_Packet> data;
    std::vector<Sim_Packet> oob;
    std::vector<Sim_Packet> onion;
    std::vector<Sim_Packet> forwarding;
    std::vector<Sim_Change> changes;
    bool ticking = false;
    const char *broken = nullptr; ///< what the library did wrong: an invariant or a promise is broken

    // Called from the callbacks; may be empty.
    std::function<void(const Sim_Packet &)> on_data;
    std::function<bool(const Sim_Packet &)> is_authentic; ///< empty: all but those that begin with FORGED
    std::function<void(const Sim_Packet &)> on_oob;
    std::function<void(const Sim_Packet &)> on_onion;
    std::function<void(const Sim_Packet &)> on_forwarding;
    std::function<void(const Change &)> on_change;
    std::function<void(const Ip_Port &)> on_connect; ///< not from a callback: before each connect

    Sim_Peer() = default;
    Sim_Peer(const Sim_Peer &) = delete;
    Sim_Peer &operator=(const Sim_Peer &) = delete;
    ~Sim_Peer() { kill_tcp_connections(c); }
};

/// The options of a peer.
struct Sim_Peer_Def {
    Tick_Mode mode = Tick_Mode::deadline;
    bool readiness = true; ///< false: no readiness functions, and Tick_Mode::interval
    Proxy proxy;
    Profile profile = Profile::responsive;
    bool answers_echoes = true;
    bool tells_network_changes = false;
    bool proves_packets = true;
    const Secret_Key *secret_key = nullptr; ///< null: a random key
};

/// Starts a peer. The network keeps a pointer to it, so it must not move.
void sim_peer_start(Sim_Peer &peer, Sim_Network &net, const Sim_Peer_Def &def = {});

inline Sim_Node &node_of(Sim_Peer &peer) {
    return *peer.net->nodes[peer.node];
}

/// One tick now. A host may tick at any time.
void sim_peer_tick(Sim_Peer &peer);

/// How often a change of this kind was reported about this relay (-1: any).
std::size_t count_changes(const Sim_Peer &peer, Change_Kind kind, int relay = -1);

/// The first such change, and the last; null when there is none.
const Sim_Change *first_change(const Sim_Peer &peer, Change_Kind kind, int relay = -1);
const Sim_Change *last_change(const Sim_Peer &peer, Change_Kind kind, int relay = -1);

/// How many lines of log have this level or a higher one.
std::size_t count_lines(Sim_Peer &peer, Log_Level level);

inline Bytes bytes_of(const std::string &text) {
    return {reinterpret_cast<const std::uint8_t *>(text.data()), text.size()};
}

} // namespace toxtcp
