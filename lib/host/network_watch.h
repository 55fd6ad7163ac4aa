// Finds out whether the machine's network has changed, or the machine has slept. On Linux, netlink reports changes of
// the network. A sleep shows in the difference of two clocks, since one of them stands still during a sleep.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace toxtcp {

/// A sleep that is longer than this counts as a change of the network, since connections may be lost.
inline constexpr std::int64_t SLEPT_MS = 1'000;

struct Network_Watch {
    int socket = -1; ///< netlink; -1: the system forbids it (Android 11 and later), or no descriptor was left
    int wake = -1;   ///< timer, readable when the machine wakes up or its calendar clock is set; -1: none
    bool changed = false;

    bool asleep_known = false;
    std::int64_t asleep_ms = 0; ///< total sleep since boot

    /// Hashes of the addresses and default routes that exist, and of the devices that are down. The kernel
    /// repeats messages, for example each time a router announces an address again: a known hash is such a repetition.
    std::vector<std::uint64_t> known;
};

/// Limit of `known`. When it is reached, `known` is cleared, and what the kernel repeats counts as a change again.
inline constexpr std::size_t MAX_KNOWN = 4'096;

/// Opens the netlink socket and the timer, if the system allows it.
void open_network_watch(Network_Watch &watch);
void close_network_watch(Network_Watch &watch);

/// Reads everything from the netlink socket and the timer.
void read_network_watch(Network_Watch &watch);

/// Processes the messages of one read from the netlink socket. Also called by tests.
void handle_netlink(Network_Watch &watch, std::span<const std::uint8_t> messages);

/// Compares two clocks, ms: `boot` counts the time of sleep, `monotonic` does not.
void note_clocks(Network_Watch &watch, std::int64_t boot, std::int64_t monotonic);

/// Whether something has changed since the last call. Reads the clocks, but no descriptor.
[[nodiscard]] bool network_has_changed(Network_Watch &watch);

} // namespace toxtcp
