// Converts toxcore's addresses, proxies and keys to the library's types, and addresses back.
#pragma once

#include <toxcore/TCP_client.h>
#include <toxtcp/types.h>

#include <algorithm>
#include <bit>

namespace toxtcp::toxcore {

inline constexpr std::uint8_t FAMILY_IPV4 = 2;
inline constexpr std::uint8_t FAMILY_IPV6 = 10;
inline constexpr std::uint8_t FAMILY_TCP_IPV4 = 12;
inline constexpr std::uint8_t FAMILY_TCP_IPV6 = 13;
inline constexpr std::uint8_t FAMILY_TCP_SERVER = 14; ///< holds the handle of a relay, not an address

/// Converts between host and network byte order, in either direction.
inline std::uint16_t swap_if_little_endian(std::uint16_t value) {
    const std::array<std::uint8_t, 2> bytes{static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
    return std::bit_cast<std::uint16_t>(bytes);
}

inline Family from_toxcore(::Family family) {
    switch (family.value) {
    case FAMILY_IPV4:
        return Family::ipv4;
    case FAMILY_IPV6:
        return Family::ipv6;
    case FAMILY_TCP_IPV4:
        return Family::tcp_ipv4;
    case FAMILY_TCP_IPV6:
        return Family::tcp_ipv6;
    default:
        return Family::none;
    }
}

inline bool is_ipv6(Family family) {
    return family == Family::ipv6 || family == Family::tcp_ipv6;
}

/// The family becomes `none` unless it is IPv4 or IPv6, plain or TCP.
inline Ip_Port from_toxcore(const ::IP_Port &from) {
    Ip_Port to;
    to.family = from_toxcore(from.ip.family);
    if (is_ipv6(to.family)) {
        std::copy_n(from.ip.ip.v6.uint8, 16, to.ip.begin());
    } else {
        std::copy_n(from.ip.ip.v4.uint8, 4, to.ip.begin());
    }
    to.port = swap_if_little_endian(from.port);
    return to;
}

/// The same, but the TCP families become plain IPv4 and IPv6.
inline Ip_Port relay_address(const ::IP_Port &from) {
    Ip_Port to = from_toxcore(from);
    to.family = to.family == Family::tcp_ipv4 ? Family::ipv4 : to.family == Family::tcp_ipv6 ? Family::ipv6 : to.family;
    return to;
}

/// `of_relay`: with a TCP family, as in lists of nodes. Otherwise with a plain family, as for a socket.
inline ::IP_Port to_toxcore(const Ip_Port &from, bool of_relay) {
    ::IP_Port to{};
    if (is_ipv6(from.family)) {
        to.ip.family.value = of_relay ? FAMILY_TCP_IPV6 : FAMILY_IPV6;
        std::copy_n(from.ip.begin(), 16, to.ip.ip.v6.uint8);
    } else {
        to.ip.family.value = of_relay ? FAMILY_TCP_IPV4 : FAMILY_IPV4;
        std::copy_n(from.ip.begin(), 4, to.ip.ip.v4.uint8);
    }
    to.port = swap_if_little_endian(from.port);
    return to;
}

/// A null pointer: no proxy.
inline Proxy from_toxcore(const TCP_Proxy_Info *from) {
    Proxy to;
    if (from != nullptr && from->proxy_type != TCP_PROXY_NONE) {
        to.type = static_cast<Proxy_Type>(from->proxy_type); // the same values; unknown values are refused later
        to.address = relay_address(from->ip_port);
    }
    return to;
}

/// A null pointer gives the null key, which no peer has.
inline Public_Key to_key(const std::uint8_t *bytes) {
    Public_Key key{};
    if (bytes != nullptr) {
        std::copy_n(bytes, KEY_SIZE, key.begin());
    }
    return key;
}

inline Secret_Key to_secret_key(const std::uint8_t *bytes) {
    Secret_Key key;
    std::copy_n(bytes, KEY_SIZE, key.bytes.begin());
    return key;
}

} // namespace toxtcp::toxcore
