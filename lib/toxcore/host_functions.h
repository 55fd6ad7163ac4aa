// The functions of toxcore that the archives call. The host program contains toxcore and provides them. Some signatures
// differ between the generations: there is one header for each (generation_218.h, ...), which hides the differences
// behind the same functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <toxcore/TCP_connection.h>

// Types that older generations lack. There, pointers to these types are always null.
struct Memory;
struct Net_Profile;

namespace toxtcp::toxcore {

/// The toxcore objects that the host passes. All are borrowed.
struct Toxcore_Objects {
    const ::Logger *logger = nullptr;
    const ::Memory *mem = nullptr;
    const ::Random *rng = nullptr; // toxcore's type, not toxtcp::Random
    const ::Network *ns = nullptr;
    ::Mono_Time *mono_time = nullptr;
    ::Net_Profile *profile = nullptr;
};

enum class Direction : int { sent = 0, received = 1 };

} // namespace toxtcp::toxcore

#if TOXTCP_TOXCORE_GENERATION == 218
#include "toxcore/generation_218.h"
#elif TOXTCP_TOXCORE_GENERATION == 220
#include "toxcore/generation_220.h"
#else
#include "toxcore/generation_223.h"
#endif

extern "C" {

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

} // extern "C"

namespace toxtcp::toxcore {

/// Whether `ns` is the system's own network. Compares the members, since toxcore 0.2.18 copies the system's network
/// into each Tox instance, at another address. (A `Network` is `{ const Network_Funcs *funcs; void *obj; }`.)
inline bool is_systems_network(const Network *ns) {
    const Network *const system = system_network_of_host();
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

// What every generation's constructors do (generation_218.cpp, ...).
TCP_Client_Connection *make_client(const Toxcore_Objects &objects, const IP_Port *ip_port,
                                   const std::uint8_t *public_key, const std::uint8_t *self_public_key,
                                   const std::uint8_t *self_secret_key, const TCP_Proxy_Info *proxy_info);
TCP_Connections *make_connections(const Toxcore_Objects &objects, const std::uint8_t *secret_key,
                                  const TCP_Proxy_Info *proxy_info);
/// For `tcp_relay_is_valid`, which 0.2.18 lacks.
bool knows_relay(const TCP_Connections &tcp_c, const std::uint8_t *relay_pk);

} // namespace toxtcp::toxcore
