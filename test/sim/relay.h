// A relay in the simulated network: the relay server of tools/ on a node of its own. It can be made to misbehave.
#pragma once

#include <functional>
#include <map>

#include "sim/network.h"
#include "tools/relay/server.h"

namespace toxtcp {

struct Sim_Relay {
    Sim_Network *net = nullptr;
    std::uint32_t node = 0;
    Ip_Port address;
    Public_Key key{};
    Relay_Server server;

    // How it misbehaves. These may be changed at any time.
    bool drops_data = false;  ///< says that peers are online, and carries no data or OOB packet
    bool lies_online = false; ///< says that a peer is online as soon as a route to it is requested
    bool never_answers_handshake = false;
    int unread = -1; ///< socket of a client that it no longer reads from, but still sends to; -1: none
    /// Whether this packet (data or OOB) from one client for another is dropped; may be empty.
    std::function<bool(const Public_Key &from, const Public_Key &to, const Packet &packet)> drop;

    // What was observed.
    std::uint64_t dropped = 0;
    std::map<Packet_Type, std::uint64_t> received; ///< packets of each type, from all clients, without echoes
    std::uint64_t echoes = 0;                      ///< echo requests and responses among the data and OOB packets
    std::function<void(const Public_Key &from, const Packet &packet)> seen; ///< may be empty
    Reason offence = Reason::none; ///< why a client was dropped for what it sent; none: no client was
    bool nonce_repeated = false;   ///< a client sealed a packet with a nonce that does not come after its last one

    std::vector<Nonce> nonces;                      ///< by handle: the client's nonce after its last packet
    std::vector<int> handles;                       ///< by socket: the client's handle; -1 for none
    std::vector<int> sockets;                       ///< by handle: the client's socket; -1 for none
    std::vector<std::pair<int, std::uint8_t>> lies; ///< handle and routing id of false "online" packets to send
};

/// Starts a relay. The network keeps a pointer to it, so it must not move.
void sim_relay_start(Sim_Relay &relay, Sim_Network &net, Family family = Family::ipv4,
                     const Relay_Server_Def &def = {});

/// Ends the relay's process, which forgets all clients.
void sim_relay_kill(Sim_Relay &relay, Sim_Ending ending = Sim_Ending::end_of_stream);

/// The relay listens again, with the same key at the same address.
void sim_relay_return(Sim_Relay &relay);

/// Moves the relay to a new address, which is then in `address`. The relay forgets all clients, and nobody listens at
/// the old address.
void sim_relay_move(Sim_Relay &relay, Family family = Family::ipv4);

inline void sim_relay_stop(Sim_Relay &relay, bool stopped) {
    sim_stop(*relay.net, relay.node, stopped);
}

inline Sim_Node &node_of(Sim_Relay &relay) {
    return *relay.net->nodes[relay.node];
}

/// Seals plain bytes for the client with this key and sends them, `times` times. False when it is not connected.
bool sim_relay_inject(Sim_Relay &relay, const Public_Key &client, Bytes plain, std::size_t times = 1);

/// Sends the client bytes as they are, between two frames. False when it is not connected.
bool sim_relay_inject_raw(Sim_Relay &relay, const Public_Key &client, Bytes bytes);

/// Reads nothing more from one client, until it connects again. False when it is not connected.
bool sim_relay_unread(Sim_Relay &relay, const Public_Key &client);

/// Ends the connection of one client. False when it is not connected.
bool sim_relay_drop(Sim_Relay &relay, const Public_Key &client, bool reset = false);

} // namespace toxtcp
