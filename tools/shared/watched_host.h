// The system's host, with a record of its connections. The record shows, for example, whether a relay cannot be
// connected to, or accepts the connection and then sends nothing.
#pragma once

#include <array>

#include <toxtcp/host.h>
#include <toxtcp/wire.h>

namespace toxtcp {

struct Watched_Host {
    Host *system = nullptr; ///< freed by `watched_host_close`
    Host host;              ///< for a Tcp_Connections. It points to this struct, which must not move

    Proxy_Type proxy = Proxy_Type::none; ///< none: the host connects to relays without a proxy
    Public_Key own_key{};                ///< the handshake with a relay begins with it

    // About the connections to the last address.
    Ip_Port address;       ///< the last address that was connected to; with a proxy, the proxy's
    bool at_relay = false; ///< the last attempt has reached the handshake with the relay; the proxy has answered
    std::uint64_t connecting_since = 0;        ///< us, when the first attempt to connect began
    int error = 0;                             ///< errno of the last failure; 0: none since bytes were last sent
    std::array<std::uint8_t, 8> first_bytes{}; ///< the relay's first bytes, in the last attempt that received any
    std::size_t first_size = 0;                ///< number of bytes in `first_bytes`
    bool first_bytes_are_old = false; ///< `first_bytes` are those of an earlier attempt: the next bytes replace them
    std::uint64_t connected_at = 0;   ///< us, when a connection first took bytes; 0: never

    // About all connections.
    std::uint64_t heard_at = 0; ///< us, when the last packet was opened; 0: never
    std::array<std::uint64_t, static_cast<std::size_t>(Packet_Type::data)> opened{}; ///< packets by type, below `data`
};

/// Makes the host for a Tcp_Connections with this public key. False when out of memory or file descriptors.
[[nodiscard]] bool watched_host_open(Watched_Host &watched, Proxy_Type proxy, const Public_Key &own_key);

/// Notes whether these bytes, which are about to be sent, begin the handshake with the relay.
void note_handshake(Watched_Host &watched, Bytes bytes);

/// Frees the host. May be called again.
void watched_host_close(Watched_Host &watched);

} // namespace toxtcp
