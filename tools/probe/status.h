// The status that a probe gives to a relay. The manual page explains each status.
#pragma once

#include <array>
#include <cstdint>

namespace toxtcp {

enum class Probe_Status : std::uint8_t {
    good,
    dropping, ///< delivers only a part of the packets, or ends the connection while it is in use
    lying,    ///< says that the peer is online, and delivers no data (at least in one direction) or forged packets
    refusing, ///< answers, but does not serve: ends the connection too early, has another key, or gives no route
    hung,     ///< can be connected to, but sends nothing, or stopped answering
    dead,     ///< cannot be connected to, or has no address
    skipped   ///< not known: this machine has no route to the address, or this machine or the proxy failed
};
inline constexpr std::array PROBE_STATUSES{Probe_Status::good,     Probe_Status::dropping, Probe_Status::lying,
                                           Probe_Status::refusing, Probe_Status::hung,     Probe_Status::dead,
                                           Probe_Status::skipped};

[[nodiscard]] constexpr const char *to_string(Probe_Status status) {
    constexpr std::array NAMES{"good", "dropping", "lying", "refusing", "hung", "dead", "skipped"};
    static_assert(NAMES.size() == PROBE_STATUSES.size());
    return NAMES[static_cast<std::size_t>(status)];
}

} // namespace toxtcp
