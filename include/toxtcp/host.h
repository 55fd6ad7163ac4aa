/// @file
/// What the library needs of the world, as a struct of function pointers: sockets, readiness, clock, randomness, log.
#pragma once

#include <toxtcp/types.h>

namespace toxtcp {

/// How much a line of log matters, from the least on.
enum class Log_Level : std::uint8_t { trace, debug, info, warning, error };

/// What a socket call answers when it moved no bytes.
inline constexpr std::ptrdiff_t SOCKET_WOULD_BLOCK = -1; ///< nothing now, or still connecting
inline constexpr std::ptrdiff_t SOCKET_FAILED = -2;      ///< refused, reset, unreachable: it will never work again
inline constexpr std::ptrdiff_t SOCKET_END = 0;          ///< the other side has closed (receive only)

/// One socket that is ready.
struct Ready {
    std::uint32_t tag; ///< what it was watched with
    bool readable;     ///< or at its end, or failed: `receive` tells
    bool writable;     ///< or connected, or failed
};

/// Of the bytes that were sent over a socket.
struct Acknowledged {
    std::uint64_t bytes = 0;         ///< that the system at the other end has acknowledged, since the socket was made
    std::uint32_t round_trip_us = 0; ///< the shortest round trip to it in the last minutes, microseconds
    std::uint64_t delivery_rate = 0; ///< bytes a second that the path delivers, by the system's measure; 0: not known
};

/// The tag of what is no socket of the library's: `Host::network_changed` has something to say.
inline constexpr std::uint32_t NETWORK_TAG = UINT32_MAX;

/// The functions are called from within the library's own calls only, all with `object`. One host serves one
/// `Tcp_Connections`, since the tags are its own, and must outlive it.
struct Host {
    void *object = nullptr; ///< the host's own, passed to each function

    /// Begins a TCP connection, not waiting for it. A number of the host's choosing, 0 or more; -1 when there is none.
    int (*connect)(void *object, const Ip_Port &address) = nullptr;

    /// Sends what fits: how many bytes, SOCKET_WOULD_BLOCK or SOCKET_FAILED. Never called with nothing.
    std::ptrdiff_t (*send)(void *object, int socket, Bytes bytes) = nullptr;

    /// Receives into `first`, and once it is full into `rest`; `first` may be empty. How many bytes in all, or
    /// SOCKET_END, SOCKET_WOULD_BLOCK, SOCKET_FAILED. May fill less than there is.
    std::ptrdiff_t (*receive)(void *object, int socket, Mutable_Bytes first, Mutable_Bytes rest) = nullptr;

    /// Closes a socket; its number may be given to another from then on.
    void (*close)(void *object, int socket) = nullptr;

    /// Optional, all three or none: readiness. Without them, every socket is tried in every tick.
    ///
    /// Watches a socket for reading, and if `writing` is set for writing as well; called again to change that.
    /// Closing a socket ends it. False on failure.
    bool (*watch)(void *object, int socket, std::uint32_t tag, bool writing) = nullptr;
    /// Which watched sockets are ready now, without waiting: how many were written to `ready`. A socket stays
    /// ready for as long as there is something for it to do (level-triggered). When there are more than fit, all have
    /// their turn over the calls.
    std::size_t (*ready)(void *object, std::span<Ready> ready) = nullptr;
    /// A file descriptor that polls readable when `ready` would find something; -1 when there is none.
    int (*descriptor)(void *object) = nullptr;

    /// Optional, with readiness only: waits until `ready` would find something (true), or so many milliseconds have passed
    /// (-1: no limit). May return earlier, as a signal makes it do. For `tcp_connections_wait`.
    bool (*wait)(void *object, int milliseconds) = nullptr;

    /// Optional: whether the machine's network has changed, or the machine has slept, since this was last asked. Asked a few
    /// times a second while the host ticks, and at once when `ready` names NETWORK_TAG. Null: the host cannot tell, and
    /// calls `tcp_connections_network_changed` itself if it learns of a change.
    bool (*network_changed)(void *object) = nullptr;
    /// Whether `network_changed` tells of every change of the network, and not of sleep alone. If not, relays are tried more
    /// often while none can be connected.
    bool tells_network_changes = false;

    /// Optional: what the system at the other end of a connected socket, relay or proxy, has acknowledged. The library then
    /// refuses large packets when more is in flight than the path holds, so that a file neither fills the queues of the
    /// network nor delays a call. False: it cannot be known of this socket. Null, or false: packets are refused when the
    /// socket takes no more.
    bool (*acknowledged)(void *object, int socket, Acknowledged &acknowledged) = nullptr;

    /// Milliseconds of a clock that never goes back. It may stand still between ticks.
    std::uint64_t (*now)(void *object) = nullptr;

    /// Fills with random bytes that nobody can guess.
    void (*random)(void *object, Mutable_Bytes bytes) = nullptr;

    /// Takes one line of log, without a newline; valid during the call only. May be null.
    void (*log)(void *object, Log_Level level, const char *message) = nullptr;

    /// For statistics: told of every packet that a relay has sent, once it is opened, by its first byte and its length.
    /// May be null.
    void (*opened)(void *object, std::uint8_t first, std::size_t length) = nullptr;
};

/// The system's own: non-blocking sockets, a monotonic clock, libsodium's randomness, and spdlog's default logger (nothing,
/// where the library was built with `-Dlog=none`). On Linux it waits by epoll, and by `poll` when no file descriptor is left
/// for epoll. There it is told of network changes by netlink, where the system allows it, and of what is acknowledged by
/// TCP_INFO. Elsewhere it waits by `poll` (on Windows by WSAPoll), has no descriptor, and is told of neither. Null when out of
/// memory.
[[nodiscard]] TOXTCP_API Host *new_system_host();

/// Null is allowed.
TOXTCP_API void kill_system_host(Host *host);

} // namespace toxtcp
