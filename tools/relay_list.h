// The relays that people name, and what the names stand for.
#pragma once

#include <string>
#include <vector>

#include <toxtcp/tcp_connections.h>

namespace toxtcp {

/// A relay as people name it.
struct Named_Relay {
    std::string host; ///< a name, or a numeric address without brackets
    std::uint16_t port = 0;
    Public_Key key{};
    Family only = Family::none; ///< of this family alone; none: of both
    std::string maintainer;     ///< as the node list says; may hold anything
    std::string location;
};

/// "relay.example:33445", with an IPv6 address in brackets.
[[nodiscard]] std::string to_string(const Named_Relay &relay);

/// Reads HOST:PORT:KEY, where HOST is a name, an IPv4 address, or an IPv6 address in brackets. False, with `error`
/// (values.h).
[[nodiscard]] bool parse_relay(const std::string &word, Named_Relay &relay, std::string &error);

/// One address of a relay.
struct Relay_Address {
    Named_Relay relay;
    Ip_Port address;           ///< family `none` when there is none, or when it is the proxy's to find
    bool reachable = false;    ///< this machine has a way to such addresses
    std::string error;         ///< why there is no address
    bool is_our_fault = false; ///< that there is none: this machine could not look the name up
    std::uint64_t took_us = 0; ///< to find it
    bool by_name = false;      ///< the proxy looks the host up
};

/// Whether it can be connected to.
[[nodiscard]] inline bool has_place(const Relay_Address &relay) {
    return relay.address.family != Family::none || relay.by_name;
}

/// "192.0.2.1:33445", or the host's name where the proxy looks it up.
[[nodiscard]] std::string place_of(const Relay_Address &relay);
[[nodiscard]] std::string place_of(const Relay_Info &relay);

/// Adds it, by its address or by its name.
[[nodiscard]] Error add_relay(Tcp_Connections *tcp, const Relay_Address &relay);
[[nodiscard]] Error add_relay(Tcp_Connections *tcp, int connection, const Relay_Address &relay);

/// What a proxy is told: numeric addresses of a wanted family as they are, and names for it to look up, so that nobody else
/// hears of them.
[[nodiscard]] std::vector<Relay_Address> leave_to_proxy(const std::vector<Named_Relay> &relays, Family wanted);

/// Finds the addresses of the wanted families for every relay, many at a time, since names may take long; `wanted`
/// none: both. Returns early, and false, when `signals` becomes readable.
[[nodiscard]] bool find_addresses(const std::vector<Named_Relay> &relays, Family wanted, int signals,
                                  std::vector<Relay_Address> &addresses);

} // namespace toxtcp
