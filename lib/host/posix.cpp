// The system's own host: POSIX sockets, epoll, CLOCK_MONOTONIC, libsodium's randomness.
#include <toxtcp/host.h>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sodium.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <new>

#include "host/log.h"

namespace toxtcp {

namespace {

struct System_Host {
    Host host; // first: what the caller holds is a pointer to it
    int epoll = -1;
};

System_Host &self(void *object) {
    return *static_cast<System_Host *>(object);
}

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

int host_connect(void *, const Ip_Port &address) {
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

std::ptrdiff_t moved(ssize_t result) {
    if (result >= 0) {
        return result;
    }
    // A socket that is still connecting says that it is not connected.
    const bool later = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ENOTCONN;
    return later ? SOCKET_WOULD_BLOCK : SOCKET_FAILED;
}

std::ptrdiff_t host_send(void *, int socket, Bytes bytes) {
    return moved(send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL));
}

std::ptrdiff_t host_receive(void *, int socket, Mutable_Bytes first, Mutable_Bytes rest) {
    if (first.empty()) {
        return moved(recv(socket, rest.data(), rest.size(), 0));
    }
    const std::array<iovec, 2> parts{{{first.data(), first.size()}, {rest.data(), rest.size()}}};
    return moved(readv(socket, parts.data(), static_cast<int>(parts.size())));
}

void host_close(void *, int socket) {
    close(socket); // which takes it out of epoll as well
}

bool host_watch(void *object, int socket, std::uint32_t tag, bool writing) {
    epoll_event event{};
    event.events = EPOLLIN | (writing ? EPOLLOUT : 0U);
    event.data.u32 = tag;
    return epoll_ctl(self(object).epoll, EPOLL_CTL_MOD, socket, &event) == 0 ||
           (errno == ENOENT && epoll_ctl(self(object).epoll, EPOLL_CTL_ADD, socket, &event) == 0);
}

std::size_t host_ready(void *object, std::span<Ready> ready) {
    std::array<epoll_event, 64> events;
    const int limit = static_cast<int>(std::min(events.size(), ready.size()));
    const int count = std::max(0, epoll_wait(self(object).epoll, events.data(), limit, 0));
    for (int i = 0; i < count; ++i) {
        const epoll_event &event = events[static_cast<std::size_t>(i)];
        const bool failed = (event.events & (EPOLLERR | EPOLLHUP)) != 0;
        ready[static_cast<std::size_t>(i)] = {event.data.u32, failed || (event.events & EPOLLIN) != 0,
                                              failed || (event.events & EPOLLOUT) != 0};
    }
    return static_cast<std::size_t>(count);
}

int host_descriptor(void *object) {
    return self(object).epoll;
}

std::uint64_t host_now(void *) {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1000 + static_cast<std::uint64_t>(time.tv_nsec) / 1'000'000;
}

void host_random(void *, Mutable_Bytes bytes) {
    randombytes_buf(bytes.data(), bytes.size());
}

void host_log(void *, Log_Level level, const char *message) {
    write_log(level, message);
}

} // namespace

Host *new_system_host() {
    if (sodium_init() < 0) {
        return nullptr;
    }
    auto *const made = new (std::nothrow) System_Host;
    if (made == nullptr) {
        return nullptr;
    }
    made->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (made->epoll < 0) {
        delete made;
        return nullptr;
    }
    made->host = {.object = made,
                  .connect = host_connect,
                  .send = host_send,
                  .receive = host_receive,
                  .close = host_close,
                  .watch = host_watch,
                  .ready = host_ready,
                  .descriptor = host_descriptor,
                  .now = host_now,
                  .random = host_random,
                  .log = host_log};
    return &made->host;
}

void kill_system_host(Host *host) {
    if (host != nullptr) {
        System_Host &made = self(host->object);
        close(made.epoll);
        delete &made;
    }
}

} // namespace toxtcp
