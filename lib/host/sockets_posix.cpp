#include "host/sockets.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>

#include "host/sockaddr.h"

namespace toxtcp {

namespace {

// The process must get no SIGPIPE when the other side has closed the connection.
#ifdef MSG_NOSIGNAL
constexpr int SEND_FLAGS = MSG_NOSIGNAL;
#else
constexpr int SEND_FLAGS = 0; // macOS: the socket has SO_NOSIGPIPE instead
#endif

/// Non-blocking, and closed when another program is executed; or -1.
int open_socket(int family) {
#if defined(SOCK_NONBLOCK) && defined(SOCK_CLOEXEC)
    return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
#else
    const int fd = socket(family, SOCK_STREAM, IPPROTO_TCP);
    if (fd >= 0 && (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)) {
        close(fd);
        return -1;
    }
    return fd;
#endif
}

std::ptrdiff_t moved(ssize_t result) {
    if (result >= 0) {
        return result;
    }
    // ENOTCONN: the socket is still connecting.
    const bool later = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ENOTCONN;
    return later ? SOCKET_WOULD_BLOCK : SOCKET_FAILED;
}

} // namespace

bool sockets_open() {
    return true;
}

void sockets_close() {}

int socket_connect(const Ip_Port &address) {
    sockaddr_storage to;
    const socklen_t size = to_sockaddr(address, to);
    const int fd = open_socket(to.ss_family);
    if (fd < 0) {
        return -1;
    }
    // Small packets are sent without delay.
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
#ifdef SO_NOSIGPIPE
    setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
    if (connect(fd, reinterpret_cast<const sockaddr *>(&to), size) != 0 && errno != EINPROGRESS) {
        close(fd);
        return -1;
    }
    return fd;
}

std::ptrdiff_t socket_send(int socket, Bytes bytes) {
    return moved(send(socket, bytes.data(), bytes.size(), SEND_FLAGS));
}

std::ptrdiff_t socket_receive(int socket, Mutable_Bytes first, Mutable_Bytes rest) {
    if (first.empty()) {
        return moved(recv(socket, rest.data(), rest.size(), 0));
    }
    const std::array<iovec, 2> parts{{{first.data(), first.size()}, {rest.data(), rest.size()}}};
    return moved(readv(socket, parts.data(), static_cast<int>(parts.size())));
}

std::uint64_t monotonic_ms() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000 + static_cast<std::uint64_t>(time.tv_nsec) / 1'000'000;
}

void socket_close(int socket) {
    close(socket);
}

int sockets_poll(std::span<Poll_Entry> entries, int milliseconds) {
    return poll(entries.data(), static_cast<nfds_t>(entries.size()), milliseconds);
}

} // namespace toxtcp
