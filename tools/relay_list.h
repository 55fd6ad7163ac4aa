// The relays that people name, and what the names stand for.
#pragma once

#include <string>
#include <vector>

#include <toxtcp/types.h>

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
    Ip_Port address;           ///< family `none` when there is none
    bool reachable = false;    ///< this machine has a way to such addresses
    std::string error;         ///< why there is no address
    bool is_our_fault = false; ///< that there is none: this machine could not look the name up
    std::uint64_t took_us = 0; ///< to find it
};

/// Finds the first address of each wanted family for every relay, many at a time, since names may take long; `wanted`
/// none: both. Returns early, and false, when `signals` becomes readable.
[[nodiscard]] bool find_addresses(const std::vector<Named_Relay> &relays, Family wanted, int signals,
                                  std::vector<Relay_Address> &addresses);

} // namespace toxtcp
