// A relay whose packets a test writes. By itself it answers only handshakes, routing requests and pings, unless told
// not to. It keeps every packet that came, decrypted.
#pragma once

#include <string>

#include "sim/network.h"

namespace toxtcp {

struct Scripted_Client {
    int socket = -1; ///< -1: its connection has ended
    bool confirmed = false;
    Public_Key key{};
    Channel channel;
    std::vector<std::uint8_t> in;
    std::vector<std::uint8_t> out;
    std::vector<Public_Key> routes; ///< requested, in order: the first has id 16
};

struct Scripted_Packet {
    std::uint64_t at = 0;
    std::string plain; ///< plain bytes, the packet type first
};

struct Scripted_Relay {
    Sim_Network *net = nullptr;
    std::uint32_t node = 0;
    Ip_Port address;
    Public_Key key{};
    Secret_Key secret_key;

    bool answers_handshake = true;
    bool answers_pings = true;
    bool answers_routes = true;
    std::string handshake_answer; ///< sent as the answer to a handshake; empty: a proper answer

    std::vector<Scripted_Client> clients; ///< all that ever came
    std::vector<Scripted_Packet> packets; ///< all that ever came
    bool broken = false;                  ///< a client sent bytes that do not open, or are no valid packet
};

/// Starts a relay. The network keeps a pointer to it, so it must not move.
void scripted_start(Scripted_Relay &relay, Sim_Network &net, Family family = Family::ipv4);

/// Seals and sends plain bytes to the last client that came.
void scripted_send(Scripted_Relay &relay, Bytes plain);
inline void scripted_send(Scripted_Relay &relay, std::initializer_list<std::uint8_t> plain) {
    scripted_send(relay, Bytes{plain.begin(), plain.size()});
}

/// Sends bytes as they are.
void scripted_send_raw(Scripted_Relay &relay, Bytes bytes);

/// Ends the last connection.
void scripted_close(Scripted_Relay &relay, bool reset = false);

/// Packets of this type that came. Data packets are counted whatever their routing id; echoes are not counted.
std::size_t scripted_count(const Scripted_Relay &relay, Packet_Type type);

/// The plain bytes of the n-th of these packets, from 0 on. Empty when there are fewer.
std::string scripted_packet(const Scripted_Relay &relay, Packet_Type type, std::size_t n);

} // namespace toxtcp
