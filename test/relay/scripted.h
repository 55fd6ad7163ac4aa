// A relay that does what a test tells it, and nothing else: it answers handshakes, routing requests and pings unless
// told not to, and keeps every packet that came, opened.
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
    std::vector<Public_Key> routes; ///< asked for, in order: the first has id 16
};

struct Scripted_Packet {
    std::uint64_t at = 0;
    std::string plain; ///< with its type
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
    std::string handshake_answer; ///< instead of a proper one; may be empty

    std::vector<Scripted_Client> clients; ///< all that ever came
    std::vector<Scripted_Packet> packets; ///< all that ever came
    bool broken = false;                  ///< a client sent what does not open, or is no packet
};

/// Starts one, and keeps the pointer: it must not move.
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

/// The plain bytes of the n-th of them, nothing when there are not so many.
std::string scripted_packet(const Scripted_Relay &relay, Packet_Type type, std::size_t n);

} // namespace toxtcp
