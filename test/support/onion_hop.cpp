#include "onion_hop.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace toxtcp {

namespace {

// An onion request of a TCP client has a nonce, the address of the next node, and the data for that node. The node
// takes a packet of type ONION_SEND_1, with the nonce, this data, and a "return" part that comes back with the answer.
constexpr std::uint8_t ONION_SEND_1 = 0x81;
constexpr std::uint8_t ONION_RECV_1 = 0x8e;
constexpr std::size_t ADDRESS_SIZE = 19; ///< bytes: family 1, address 16 (of IPv4, 4 are used), port 2
constexpr std::uint8_t FAMILY_IPV4 = 2;
constexpr std::size_t RETURN_SIZE =
    NONCE_SIZE + ADDRESS_SIZE + MAC_SIZE; ///< bytes; a real relay puts a sealed address there

} // namespace

int open_onion_hop() {
    const int result = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (result >= 0 && bind(result, reinterpret_cast<const sockaddr *>(&at), sizeof at) != 0) {
        close(result);
        return -1;
    }
    return result;
}

void pass_onion_request(int socket, Bytes body, std::uint64_t client) {
    if (body.size() < NONCE_SIZE + ADDRESS_SIZE || body[NONCE_SIZE] != FAMILY_IPV4) {
        return;
    }
    const Bytes address = body.subspan(NONCE_SIZE, ADDRESS_SIZE);
    const Bytes rest = body.subspan(NONCE_SIZE + ADDRESS_SIZE);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    std::memcpy(&to.sin_addr, &address[1], sizeof to.sin_addr);
    std::memcpy(&to.sin_port, &address[ADDRESS_SIZE - sizeof to.sin_port], sizeof to.sin_port);

    std::vector<std::uint8_t> packet{ONION_SEND_1};
    packet.insert(packet.end(), body.begin(), body.begin() + NONCE_SIZE);
    packet.insert(packet.end(), rest.begin(), rest.end());
    packet.resize(packet.size() + RETURN_SIZE);
    std::memcpy(&packet[packet.size() - RETURN_SIZE], &client, sizeof client);
    // If the packet is lost, the client sends its request again.
    (void)sendto(socket, packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr *>(&to), sizeof to);
}

std::optional<Onion_Answer> next_onion_answer(int socket, Mutable_Bytes buffer) {
    const ssize_t got = recv(socket, buffer.data(), buffer.size(), 0);
    if (got <= static_cast<ssize_t>(1 + RETURN_SIZE) || buffer[0] != ONION_RECV_1) {
        return std::nullopt;
    }
    Onion_Answer answer{0, Bytes{buffer}.first(static_cast<std::size_t>(got)).subspan(1 + RETURN_SIZE)};
    std::memcpy(&answer.client, &buffer[1], sizeof answer.client);
    return answer;
}

} // namespace toxtcp
