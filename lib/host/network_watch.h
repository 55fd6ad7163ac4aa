// Has the machine's network changed, or has the machine slept? Linux tells of the first by netlink. A sleep shows in two
// clocks, of which one stands still meanwhile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace toxtcp {

/// A machine that has slept for longer than this has lost its connections, as far as anyone knows.
inline constexpr std::int64_t SLEPT_MS = 1'000;

struct Network_Watch {
    int socket = -1; ///< netlink; -1: the system forbids it (Android 11 and later), or there was no descriptor
    int wake = -1;   ///< timer that gets readable when the machine wakes up, or its calendar clock is set; -1: none
    bool changed = false;

    bool asleep_known = false;
    std::int64_t asleep_ms = 0; ///< since boot

    /// Addresses and default routes that are there, and devices that are not running, as hashes: the kernel repeats
    /// itself, for example whenever a router announces an address again.
    std::vector<std::uint64_t> known;
};

/// Limit of `known`. A machine that has more is told of some of them again.
inline constexpr std::size_t MAX_KNOWN = 4'096;

/// Opens the netlink socket and the timer, if the system allows it.
void open_network_watch(Network_Watch &watch);
void close_network_watch(Network_Watch &watch);

/// Reads all that the netlink socket and the timer have.
void read_network_watch(Network_Watch &watch);

/// Judges what netlink said: for `read_network_watch`, and for tests.
void take_netlink(Network_Watch &watch, std::span<const std::uint8_t> messages);

/// What two clocks say, ms: the one that counts sleep and the one that does not.
void note_clocks(Network_Watch &watch, std::int64_t boot, std::int64_t monotonic);

/// Whether something has changed since this was last asked. No system call.
[[nodiscard]] bool network_has_changed(Network_Watch &watch);

} // namespace toxtcp
