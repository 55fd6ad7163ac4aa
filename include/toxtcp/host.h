/// @file
/// What the library needs from its environment, as a struct of function pointers: sockets, readiness, clock,
/// randomness, log. A program uses the default host (`new_system_host`) or brings its own (docs/porting.md).
#pragma once

#include <toxtcp/types.h>

namespace toxtcp {

/// The level of a log line, the least important first.
enum class Log_Level : std::uint8_t { trace, debug, info, warning, error };

/// What `send` and `receive` return when they moved no bytes.
inline constexpr std::ptrdiff_t SOCKET_WOULD_BLOCK = -1; ///< nothing can be moved now, or still connecting
inline constexpr std::ptrdiff_t SOCKET_FAILED = -2;      ///< refused, reset, unreachable: the socket is lost
inline constexpr std::ptrdiff_t SOCKET_END = 0;          ///< the other side has closed (receive only)

/// One socket that is ready.
struct Ready {
    std::uint32_t tag; ///< the tag that was passed to `watch`
    bool readable;     ///< there are bytes, an end or a failure to `receive`
    bool writable;     ///< connected and with room for bytes, or failed
};

/// How the bytes that were sent over a socket arrive.
struct Acknowledged {
    std::uint64_t bytes = 0;         ///< bytes that the other end's system has acknowledged since the socket was made
    std::uint32_t round_trip_us = 0; ///< shortest round trip to the other end's system in the last minutes, us
    std::uint64_t delivery_rate = 0; ///< rate at which the path delivers, bytes per second; 0: not known
};

/// A tag that stands for no socket. When `ready` reports it, the library calls `Host::network_changed`.
inline constexpr std::uint32_t NETWORK_TAG = UINT32_MAX;

/// The environment of one `Tcp_Connections`. The library calls the functions from within its own functions only, and
/// passes `object` to each. A host must outlive its `Tcp_Connections`, and must not serve a second one, since both
/// would use the same tags.
struct Host {
    void *object = nullptr; ///< the host's own, passed to each function

    /// Begins a TCP connection and does not wait for it. Returns a socket number of the host's choice, 0 or more; -1 on
    /// failure.
    int (*connect)(void *object, const Ip_Port &address) = nullptr;

    /// Sends as many of the bytes as the socket takes; at least one byte is given. Returns their number,
    /// SOCKET_WOULD_BLOCK or SOCKET_FAILED.
    std::ptrdiff_t (*send)(void *object, int socket, Bytes bytes) = nullptr;

    /// Receives into `first`, and when `first` is full into `rest`. `first` may be empty. Returns the number of bytes
    /// in all, or SOCKET_END, SOCKET_WOULD_BLOCK, SOCKET_FAILED. May return fewer bytes than have arrived.
    std::ptrdiff_t (*receive)(void *object, int socket, Mutable_Bytes first, Mutable_Bytes rest) = nullptr;

    /// Closes a socket. After that, `connect` may return the same number again.
    void (*close)(void *object, int socket) = nullptr;

    /// Readiness: `watch`, `ready` and `descriptor` are optional, but all three or none. Without them, the library
    /// tries every socket in every tick.
    ///
    /// Watches a socket for reading, and for writing as well if `writing` is set. A further call for the same socket
    /// replaces `tag` and `writing`. `close` ends the watching. False on failure.
    bool (*watch)(void *object, int socket, std::uint32_t tag, bool writing) = nullptr;
    /// Writes to `ready` which watched sockets are ready now, and returns how many. Does not wait. Level-triggered: a
    /// socket is reported as long as it is ready. If more are ready than fit, the next calls must report the others
    /// too.
    std::size_t (*ready)(void *object, std::span<Ready> ready) = nullptr;
    /// Returns a file descriptor that is readable when `ready` would report something; -1: there is none.
    int (*descriptor)(void *object) = nullptr;

    /// Optional, and only with readiness. Waits until `ready` would report something, or until the time is over (ms;
    /// -1: no limit). True if `ready` would report something. A signal may end the wait early. Used by
    /// `tcp_connections_wait`.
    bool (*wait)(void *object, int milliseconds) = nullptr;

    /// Optional. Whether the machine's network has changed, or the machine has slept, since the last call. Called at
    /// most a few times a second, from ticks, and at once when `ready` reports NETWORK_TAG. Null: the host cannot tell;
    /// the program calls `tcp_connections_network_changed` if it learns of a change.
    bool (*network_changed)(void *object) = nullptr;
    /// True if `network_changed` reports every change of the network, not only the machine's sleep. If false, the
    /// library tries relays more often while none can be connected.
    bool tells_network_changes = false;

    /// Optional. How many bytes the other end of a connected socket (relay or proxy) has acknowledged. The library then
    /// refuses large packets while more bytes are in flight than the path holds (docs/performance.md), so that a file
    /// does not delay a call. False: not known for this socket; the library does not ask again on this connection. Null
    /// or false: packets are refused only when the socket takes no more.
    bool (*acknowledged)(void *object, int socket, Acknowledged &acknowledged) = nullptr;

    /// The time in milliseconds, of a clock that never goes back. The time may stand still between ticks.
    std::uint64_t (*now)(void *object) = nullptr;

    /// Fills `bytes` with random bytes that are good enough for keys.
    void (*random)(void *object, Mutable_Bytes bytes) = nullptr;

    /// Optional. Takes one log line, without a newline. `message` is valid during the call only.
    void (*log)(void *object, Log_Level level, const char *message) = nullptr;

    /// Optional, for statistics. Called for each packet that a relay sent and that was decrypted. `first` is the
    /// packet's first byte (type or routing id), `length` its size in bytes.
    void (*opened)(void *object, std::uint8_t first, std::size_t length) = nullptr;
};

/// Makes the default host. It has non-blocking sockets, a monotonic clock, libsodium's random numbers, and a log, which
/// is spdlog's logger `toxtcp`. If the program has registered no such logger before the first message, one is made that
/// writes to standard error. If the library was built with `-Dlog=none`, there is no log. Free the host with
/// `kill_system_host`. Null: no memory, or libsodium or the system's sockets cannot be initialised.
///
/// On Linux the host waits with epoll, or with `poll` if no file descriptor is left for epoll. It learns of network
/// changes by netlink, where the system allows it, and of acknowledged bytes by TCP_INFO. On other systems the host
/// waits with `poll` (on Windows with WSAPoll), has no descriptor, and reports neither network changes nor acknowledged
/// bytes.
[[nodiscard]] TOXTCP_API Host *new_system_host();

/// Frees a host that `new_system_host` made. Null is allowed.
TOXTCP_API void kill_system_host(Host *host);

} // namespace toxtcp
