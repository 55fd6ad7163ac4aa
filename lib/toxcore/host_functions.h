// The functions of toxcore that the archives call. The host program contains toxcore and provides them. Their
// signatures differ between the generations. The functions at the end of this file hide the differences.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <toxcore/TCP_client.h>

extern "C" {

#if TOXTCP_TOXCORE_GENERATION >= 223
struct Socket {
    int value;
};
using Line = std::uint32_t;
#else
struct Socket {
    int sock;
};
using Line = int;
#endif

void logger_write(const Logger *logger, int level, const char *file, Line line, const char *func, const char *format,
                  ...);
std::uint64_t current_time_monotonic(Mono_Time *mono_time);
void random_bytes(const Random *rng, std::uint8_t *bytes, std::size_t length);

bool sock_valid(Socket sock);
Socket net_socket(const Network *ns, Family domain, int type, int protocol);
bool set_socket_nonblock(const Network *ns, Socket sock);
bool set_socket_nosigpipe(const Network *ns, Socket sock);
int net_recv(const Network *ns, const Logger *logger, Socket sock, std::uint8_t *buf, std::size_t len,
             const IP_Port *ip_port);
void kill_sock(const Network *ns, Socket sock);

#if TOXTCP_TOXCORE_GENERATION == 218
const Network *system_network(void);
bool net_connect(const Logger *logger, Socket sock, const IP_Port *ip_port);
int net_send(const Network *ns, const Logger *logger, Socket sock, const std::uint8_t *buf, std::size_t len,
             const IP_Port *ip_port);
#elif TOXTCP_TOXCORE_GENERATION == 220
const Network *os_network(void);
bool net_connect(const Memory *mem, const Logger *logger, Socket sock, const IP_Port *ip_port);
int net_send(const Network *ns, const Logger *logger, Socket sock, const std::uint8_t *buf, std::size_t len,
             const IP_Port *ip_port);
#else
const Network *os_network(void);
bool net_connect(const Network *ns, const Memory *mem, const Logger *logger, Socket sock, const IP_Port *ip_port,
                 int *err);
int net_send(const Network *ns, const Logger *logger, Socket sock, const std::uint8_t *buf, std::size_t len,
             const IP_Port *ip_port, Net_Profile *net_profile);
void netprof_record_packet(Net_Profile *profile, std::uint8_t id, std::size_t length, int direction);
#endif

} // extern "C"

// Types that older generations lack. There, pointers to these types are always null.
#if TOXTCP_TOXCORE_GENERATION < 220
struct Memory;
#endif
#if TOXTCP_TOXCORE_GENERATION < 223
struct Net_Profile;
#endif

namespace toxtcp::toxcore {

/// The toxcore objects that the host passes. All are borrowed.
struct Parts {
    const ::Logger *logger = nullptr;
    const ::Memory *mem = nullptr;
    const ::Random *rng = nullptr; // toxcore's type, not toxtcp::Random
    const ::Network *ns = nullptr;
    ::Mono_Time *mono_time = nullptr;
    ::Net_Profile *profile = nullptr;
};

inline int number_of(Socket sock) {
#if TOXTCP_TOXCORE_GENERATION >= 223
    return sock.value;
#else
    return sock.sock;
#endif
}

inline const Network *systems_network() {
#if TOXTCP_TOXCORE_GENERATION == 218
    return system_network();
#else
    return os_network();
#endif
}

/// Whether `ns` is the system's own network. Compares the members, since toxcore 0.2.18 copies the system's network
/// into each Tox instance, at another address. (A `Network` is `{ const Network_Funcs *funcs; void *obj; }`.)
inline bool is_systems_network(const Network *ns) {
    const Network *const system = systems_network();
    struct Held {
        const void *funcs = nullptr;
        const void *obj = nullptr;
        bool operator==(const Held &) const = default;
    };
    if (system == nullptr || ns == system) {
        return ns == system;
    }
    Held of_system;
    Held of_ns;
    std::memcpy(&of_system, static_cast<const void *>(system), sizeof of_system);
    std::memcpy(&of_ns, static_cast<const void *>(ns), sizeof of_ns);
    return of_ns == of_system;
}

inline bool connect_socket([[maybe_unused]] const Parts &parts, Socket sock, const IP_Port &address) {
#if TOXTCP_TOXCORE_GENERATION == 218
    return net_connect(parts.logger, sock, &address);
#elif TOXTCP_TOXCORE_GENERATION == 220
    return net_connect(parts.mem, parts.logger, sock, &address);
#else
    int error = 0;
    return net_connect(parts.ns, parts.mem, parts.logger, sock, &address, &error);
#endif
}

/// Does not count the bytes in the profile: the caller does, with `record`.
inline int send_to_socket(const Parts &parts, Socket sock, const std::uint8_t *buf, std::size_t len,
                          const IP_Port &address) {
#if TOXTCP_TOXCORE_GENERATION >= 223
    return net_send(parts.ns, parts.logger, sock, buf, len, &address, nullptr);
#else
    return net_send(parts.ns, parts.logger, sock, buf, len, &address);
#endif
}

enum class Direction : int { sent = 0, received = 1 };

inline void record([[maybe_unused]] const Parts &parts, [[maybe_unused]] Direction direction,
                   [[maybe_unused]] std::uint8_t id, [[maybe_unused]] std::size_t length) {
#if TOXTCP_TOXCORE_GENERATION >= 223
    if (parts.profile != nullptr) {
        netprof_record_packet(parts.profile, id, length, static_cast<int>(direction));
    }
#endif
}

} // namespace toxtcp::toxcore
