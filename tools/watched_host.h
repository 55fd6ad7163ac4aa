// The system's host, and when something happened on it: what tells a relay that cannot be reached from one that can,
// and says nothing.
#pragma once

#include <array>

#include <toxtcp/host.h>
#include <toxtcp/wire.h>

namespace toxtcp {

struct Watched_Host {
    Host *system = nullptr; ///< ours to free
    Host host;              ///< to make a Tcp_Connections with; points here, so this must not move

    Proxy_Type proxy = Proxy_Type::none; ///< what connections go to is a proxy of this kind
    std::uint64_t connecting = 0;        ///< us, the first attempt began
    int error = 0;                       ///< errno of the last attempt that failed; 0 once one has worked
    std::array<std::uint8_t, 8> first{}; ///< what the last attempt that was answered was answered first
    std::size_t first_size = 0;          ///< of these
    bool begun_anew = false;             ///< these are of an attempt before this one
    std::uint64_t connected = 0;         ///< us, it took the first bytes
    std::uint64_t heard = 0;             ///< us, the last packet was opened
    std::array<std::uint64_t, static_cast<std::size_t>(Packet_Type::data)> opened{}; ///< packets, by type below data
};

/// False when out of memory or file descriptors.
[[nodiscard]] bool watched_host_open(Watched_Host &watched, Proxy_Type proxy);

/// Any number of times.
void watched_host_close(Watched_Host &watched);

} // namespace toxtcp
