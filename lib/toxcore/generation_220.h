// What toxcore 0.2.19 and 0.2.20 have otherwise than other generations. Included by host_functions.h.
#pragma once

extern "C" {

struct Socket {
    int sock;
};
using Line = int;

const Network *os_network(void);
bool net_connect(const Memory *mem, const Logger *logger, Socket sock, const IP_Port *ip_port);
int net_send(const Network *ns, const Logger *logger, Socket sock, const std::uint8_t *buf, std::size_t len,
             const IP_Port *ip_port);

} // extern "C"

namespace toxtcp::toxcore {

inline int number_of(Socket sock) {
    return sock.sock;
}

inline const Network *system_network_of_host() {
    return os_network();
}

inline bool connect_socket(const Toxcore_Objects &objects, Socket sock, const IP_Port &address) {
    return net_connect(objects.mem, objects.logger, sock, &address);
}

inline int send_to_socket(const Toxcore_Objects &objects, Socket sock, const std::uint8_t *buf, std::size_t len,
                          const IP_Port &address) {
    return net_send(objects.ns, objects.logger, sock, buf, len, &address);
}

inline void record(const Toxcore_Objects &, Direction, std::uint8_t, std::size_t) {}

} // namespace toxtcp::toxcore
