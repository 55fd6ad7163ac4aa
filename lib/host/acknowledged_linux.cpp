// Reads TCP_INFO. The kernel's header is used, since libc's may lack the fields that are needed. Only one of the two
// headers can be included.
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>

#include "host/acknowledged.h"

namespace toxtcp {

bool socket_acknowledged(int socket, Acknowledged &acknowledged) {
    tcp_info info{};
    socklen_t size = sizeof info;
    // Linux before 4.9 does not fill all of these fields.
    if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
        size < offsetof(tcp_info, tcpi_delivery_rate) + sizeof info.tcpi_delivery_rate || info.tcpi_bytes_acked == 0) {
        return false;
    }
    acknowledged.bytes = info.tcpi_bytes_acked - 1; // the SYN counts as one byte
    acknowledged.round_trip_us = info.tcpi_min_rtt;
    acknowledged.delivery_rate = info.tcpi_delivery_rate;
    return true;
}

} // namespace toxtcp
