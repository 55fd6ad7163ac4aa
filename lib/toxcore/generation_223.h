// What toxcore 0.2.21 to 0.2.23 have otherwise than earlier generations. Included by host_functions.h.
#pragma once

extern "C" {

struct Socket {
    int value;
};
using Line = std::uint32_t;

const Network *os_network(void);
bool net_connect(const Network *ns, const Memory *mem, const Logger *logger, Socket sock, const IP_Port *ip_port,
                 int *err);
int net_send(const Network *ns, const Logger *logger, Socket sock, const std::uint8_t *buf, std::size_t len,
             const IP_Port *ip_port, Net_Profile *net_profile);
void netprof_record_packet(Net_Profile *profile, std::uint8_t id, std::size_t length, int direction);

} // extern "C"

namespace toxtcp::toxcore {

inline int number_of(Socket sock) {
    return sock.value;
}

inline const Network *system_network_of_host() {
    return os_network();
}

inline bool connect_socket(const Toxcore_Objects &objects, Socket sock, const IP_Port &address) {
    int error = 0;
    return net_connect(objects.ns, objects.mem, objects.logger, sock, &address, &error);
}

/// Does not count the bytes in the profile: the caller does, with `record`.
inline int send_to_socket(const Toxcore_Objects &objects, Socket sock, const std::uint8_t *buf, std::size_t len,
                          const IP_Port &address) {
    return net_send(objects.ns, objects.logger, sock, buf, len, &address, nullptr);
}

inline void record(const Toxcore_Objects &objects, Direction direction, std::uint8_t id, std::size_t length) {
    if (objects.profile != nullptr) {
        netprof_record_packet(objects.profile, id, length, static_cast<int>(direction));
    }
}

} // namespace toxtcp::toxcore
