// What toxcore 0.2.18 has otherwise than later generations. Included by host_functions.h.
#pragma once

extern "C" {

struct Socket {
    int sock;
};
using Line = int;

const Network *system_network(void);
bool net_connect(const Logger *logger, Socket sock, const IP_Port *ip_port);
int net_send(const Network *ns, const Logger *logger, Socket sock, const std::uint8_t *buf, std::size_t len,
             const IP_Port *ip_port);

} // extern "C"

// The names of these functions in 0.2.18.
#define do_tcp_connection do_TCP_connection
#define kill_tcp_connection kill_TCP_connection

namespace toxtcp::toxcore {

inline int number_of(Socket sock) {
    return sock.sock;
}

inline const Network *system_network_of_host() {
    return system_network();
}

inline bool connect_socket(const Toxcore_Objects &objects, Socket sock, const IP_Port &address) {
    return net_connect(objects.logger, sock, &address);
}

inline int send_to_socket(const Toxcore_Objects &objects, Socket sock, const std::uint8_t *buf, std::size_t len,
                          const IP_Port &address) {
    return net_send(objects.ns, objects.logger, sock, buf, len, &address);
}

inline void record(const Toxcore_Objects &, Direction, std::uint8_t, std::size_t) {}

} // namespace toxtcp::toxcore
