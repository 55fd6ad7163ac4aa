#include "host/sockets.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace toxtcp {

namespace {

socklen_t to_sockaddr(const Ip_Port &address, sockaddr_storage &out) {
    out = {};
    if (address.family == Family::ipv6) {
        sockaddr_in6 v6{};
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(address.port);
        std::memcpy(&v6.sin6_addr, address.ip.data(), 16);
        std::memcpy(&out, &v6, sizeof v6);
        return sizeof v6;
    }
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(address.port);
    std::memcpy(&v4.sin_addr, address.ip.data(), 4);
    std::memcpy(&out, &v4, sizeof v4);
    return sizeof v4;
}

std::ptrdiff_t moved(ssize_t result) {
    if (result >= 0) {
        return result;
    }
    // A socket that is still connecting says that it is not connected.
    const bool later = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ENOTCONN;
    return later ? SOCKET_WOULD_BLOCK : SOCKET_FAILED;
}

} // namespace

int socket_connect(const Ip_Port &address) {
    sockaddr_storage to;
    const socklen_t size = to_sockaddr(address, to);
    const int fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (fd < 0) {
        return -1;
    }
    // Packets are small and wanted soon.
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, reinterpret_cast<const sockaddr *>(&to), size) != 0 && errno != EINPROGRESS) {
        close(fd);
        return -1;
    }
    return fd;
}

std::ptrdiff_t socket_send(int socket, Bytes bytes) {
    return moved(send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL));
}

std::ptrdiff_t socket_receive(int socket, Mutable_Bytes first, Mutable_Bytes rest) {
    if (first.empty()) {
        return moved(recv(socket, rest.data(), rest.size(), 0));
    }
    const std::array<iovec, 2> parts{{{first.data(), first.size()}, {rest.data(), rest.size()}}};
    return moved(readv(socket, parts.data(), static_cast<int>(parts.size())));
}

} // namespace toxtcp
