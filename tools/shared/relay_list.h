// Relays as users name them, and their addresses.
#pragma once

#include <string>
#include <vector>

#include <toxtcp/observe.h>

namespace toxtcp {

/// A relay as the user names it.
struct Named_Relay {
    std::string host; ///< a name, or a numeric address without brackets
    std::uint16_t port = 0;
    Public_Key key{};
    Family family = Family::none; ///< only addresses of this family are used; none: of both families
    std::string maintainer;       ///< from the node list, unchecked: may hold any bytes
    std::string location;         ///< the same
};

/// "relay.example:33445", with an IPv6 address in brackets.
[[nodiscard]] std::string to_string(const Named_Relay &relay);

/// Reads HOST:PORT:KEY, where HOST is a name, an IPv4 address, or an IPv6 address in brackets. False, with `error`
/// (values.h).
[[nodiscard]] bool parse_relay(const std::string &word, Named_Relay &relay, std::string &error);

/// One address of a relay.
struct Relay_Address {
    Named_Relay relay;
    Ip_Port address;             ///< family `none`: there is no address, or the proxy looks the name up
    bool reachable = false;      ///< this machine has a route to the address
    std::string error;           ///< why there is no address
    bool is_local_fault = false; ///< there is no address because this machine could not look the name up
    std::uint64_t lookup_us = 0; ///< how long the look-up took
    bool by_name = false;        ///< the proxy looks the host name up
};

/// Whether the relay can be tried: there is an address, or a name for the proxy.
[[nodiscard]] inline bool has_endpoint(const Relay_Address &relay) {
    return relay.address.family != Family::none || relay.by_name;
}

/// "192.0.2.1:33445", or the host's name where the proxy looks it up.
[[nodiscard]] std::string endpoint_text(const Relay_Address &relay);
[[nodiscard]] std::string endpoint_text(const Relay_Info &relay);

/// Adds the relay to the library, by its address or by its name: as a global relay, or tied to `connection`.
[[nodiscard]] Error add_relay(Tcp_Connections *tcp, const Relay_Address &relay);
[[nodiscard]] Error add_relay(Tcp_Connections *tcp, int connection, const Relay_Address &relay);

/// The addresses that a proxy is given. Numeric addresses are given if they are of the wanted family (`wanted` none: of
/// both). Host names are given as names: only the proxy looks them up, so nobody else learns them.
[[nodiscard]] std::vector<Relay_Address> addresses_for_proxy(const std::vector<Named_Relay> &relays, Family wanted);

/// Looks up the addresses of the wanted family (`wanted` none: of both) for every relay, and appends them to
/// `addresses`. A look-up may take long, so many run at the same time. Returns early with false when `signals` becomes
/// readable.
[[nodiscard]] bool find_addresses(const std::vector<Named_Relay> &relays, Family wanted, int signals,
                                  std::vector<Relay_Address> &addresses);

} // namespace toxtcp
