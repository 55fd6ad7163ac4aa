// The library's form of the system's socket addresses.
#pragma once

#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <toxtcp/types.h>

namespace toxtcp {

/// `address`: a sockaddr_in or a sockaddr_in6, as its family says.
[[nodiscard]] inline Ip_Port to_ip_port(const sockaddr *address) {
    Ip_Port result;
    if (address->sa_family == AF_INET) {
        sockaddr_in ipv4;
        std::memcpy(&ipv4, address, sizeof ipv4);
        result.family = Family::ipv4;
        result.port = ntohs(ipv4.sin_port);
        std::memcpy(result.ip.data(), &ipv4.sin_addr, sizeof ipv4.sin_addr);
    } else {
        sockaddr_in6 ipv6;
        std::memcpy(&ipv6, address, sizeof ipv6);
        result.family = Family::ipv6;
        result.port = ntohs(ipv6.sin6_port);
        std::memcpy(result.ip.data(), &ipv6.sin6_addr, sizeof ipv6.sin6_addr);
    }
    return result;
}

} // namespace toxtcp
