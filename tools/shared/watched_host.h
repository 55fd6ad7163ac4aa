// The system's host with a record of what happened on it. The record tells, for example, a relay that cannot be reached
// from one that accepts the connection and then sends nothing.
#pragma once

#include <array>

#include <toxtcp/host.h>
#include <toxtcp/wire.h>

namespace toxtcp {

struct Watched_Host {
    Host *system = nullptr; ///< freed by `watched_host_close`
    Host host;              ///< for a Tcp_Connections; it points to this struct, which must not move

    Proxy_Type proxy = Proxy_Type::none; ///< connections go to a proxy of this kind; none: to the relay itself
    Public_Key own_key{};                ///< the handshake with a relay begins with it

    // What was seen of connections to the address that was tried last.
    Ip_Port address;                     ///< with a proxy, the proxy's
    bool at_relay = false;               ///< the last attempt has come to this handshake, past the proxy
    std::uint64_t connecting = 0;        ///< us, when the first attempt to connect began
    int error = 0;                       ///< errno of the last failure; 0: none since bytes were last sent
    std::array<std::uint8_t, 8> first{}; ///< the relay's first bytes, in the last attempt that received any
    std::size_t first_size = 0;          ///< bytes in `first`
    bool begun_anew = false;             ///< `first` is of an earlier attempt: the next bytes replace it
    std::uint64_t connected = 0;         ///< us, when a connection first took bytes; 0: never

    // What was seen of all connections.
    std::uint64_t heard = 0; ///< us, when the last packet was opened; 0: never
    std::array<std::uint64_t, static_cast<std::size_t>(Packet_Type::data)> opened{}; ///< packets by type, below `data`
};

/// Makes the host for a Tcp_Connections with this public key. False when out of memory or file descriptors.
[[nodiscard]] bool watched_host_open(Watched_Host &watched, Proxy_Type proxy, const Public_Key &own_key);

/// Notes whether these bytes, which are about to be sent, begin the handshake with the relay.
void note_handshake(Watched_Host &watched, Bytes bytes);

/// Frees the host. May be called again.
void watched_host_close(Watched_Host &watched);

} // namespace toxtcp
