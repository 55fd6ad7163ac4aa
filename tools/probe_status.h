// What a probe finds a relay to be.
#pragma once

#include <array>
#include <cstdint>

namespace toxtcp {

enum class Probe_Status : std::uint8_t {
    good,
    dropping, ///< delivers a part, or ends the connection while it is in use
    lying,    ///< says online, and delivers nothing, at least one way
    refusing, ///< answers, but does not serve: closes before the handshake is done, has another key, gives no route
    hung,     ///< can be connected to, and says nothing, or nothing any more
    dead,     ///< cannot be connected to, or has no address
    skipped   ///< not tried: this machine has no way to such addresses, or no file descriptor for it
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
