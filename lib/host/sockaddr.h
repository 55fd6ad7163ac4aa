// Converts an address to the form that the system's socket calls take.
#pragma once

#include <cstring>

#include <toxtcp/types.h>

#include "wire/inet.h"

namespace toxtcp {

inline socklen_t to_sockaddr(const Ip_Port &address, sockaddr_storage &out) {
    out = {};
    if (address.family == Family::ipv6) {
        sockaddr_in6 v6{};
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(address.port);
        std::memcpy(&v6.sin6_addr, address.ip.data(), 16);
        std::memcpy(&out, &v6, sizeof v6);
        return sizeof v6;
    }
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(address.port);
    std::memcpy(&v4.sin_addr, address.ip.data(), 4);
    std::memcpy(&out, &v4, sizeof v4);
    return sizeof v4;
}

} // namespace toxtcp
