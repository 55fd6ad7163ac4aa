// A relay in the simulated network: the relay server of tools/ on a node of its own, with what can go wrong about it.
#pragma once

#include <functional>
#include <map>

#include "sim/network.h"
#include "tools/relay_server.h"

namespace toxtcp {

struct Sim_Relay {
    Sim_Network *net = nullptr;
    std::uint32_t node = 0;
    Ip_Port address;
    Public_Key key{};
    Relay_Server server;

    // How it misbehaves. These may be changed at any time.
    bool drops_data = false;  ///< says online, and delivers nothing
    bool lies_online = false; ///< says online as soon as it is asked for somebody
    bool never_answers_handshake = false;
    int unread = -1; ///< a client's socket that it reads no more, though it goes on to send; -1: none
    /// Whether this packet (data or OOB) from one client for another is dropped; may be empty.
    std::function<bool(const Public_Key &from, const Public_Key &to, const Packet &packet)> drop;

    // What was seen of it.
    std::uint64_t dropped = 0;
    std::map<Packet_Type, std::uint64_t> received; ///< packets of each type, from all clients; echoes aside
    std::uint64_t echoes = 0;                      ///< echo requests and responses among the data and OOB packets
    std::function<void(const Public_Key &from, const Packet &packet)> seen; ///< may be empty
    Reason offence = Reason::none; ///< a client was dropped for what it sent: this one
    bool nonce_repeated = false;   ///< a client sealed a packet with a nonce that does not come after its last one

    std::vector<Nonce> nonces;                      ///< by handle, after the last packet that was seen of it
    std::vector<int> handles;                       ///< by socket; -1 for none
    std::vector<int> sockets;                       ///< by handle; -1 for none
    std::vector<std::pair<int, std::uint8_t>> lies; ///< handle, routing id: still to be told
};

/// Starts one, and keeps the pointer: it must not move.
void sim_relay_start(Sim_Relay &relay, Sim_Network &net, Family family = Family::ipv4,
                     const Relay_Server_Def &def = {});

/// Its process ends, and forgets all clients.
void sim_relay_kill(Sim_Relay &relay, Sim_Ending ending = Sim_Ending::end_of_stream);

/// It comes back with the same key at the same address.
void sim_relay_return(Sim_Relay &relay);

inline void sim_relay_stop(Sim_Relay &relay, bool stopped) {
    sim_stop(*relay.net, relay.node, stopped);
}

inline Sim_Node &node_of(Sim_Relay &relay) {
    return *relay.net->nodes[relay.node];
}

/// Seals plain bytes for the client of this key, as often as said. False when it is not connected.
bool sim_relay_inject(Sim_Relay &relay, const Public_Key &client, Bytes plain, std::size_t times = 1);

/// Sends it bytes as they are, between two frames.
bool sim_relay_inject_raw(Sim_Relay &relay, const Public_Key &client, Bytes bytes);

/// Reads nothing more of one client, until that connects anew.
bool sim_relay_unread(Sim_Relay &relay, const Public_Key &client);

/// Ends the connection of one client.
bool sim_relay_drop(Sim_Relay &relay, const Public_Key &client, bool reset = false);

} // namespace toxtcp
