// The system's own host: sockets, epoll, netlink, CLOCK_MONOTONIC, libsodium's randomness.
#include <toxtcp/host.h>

#include <sodium.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <new>

#include "host/log.h"
#include "host/network_watch.h"
#include "host/sockets.h"

namespace toxtcp {

namespace {

struct System_Host {
    Host host; // first: what the caller holds is a pointer to it
    int epoll = -1;
    Network_Watch network;
};

System_Host &self(void *object) {
    return *static_cast<System_Host *>(object);
}

int host_connect(void *, const Ip_Port &address) {
    return socket_connect(address);
}

std::ptrdiff_t host_send(void *, int socket, Bytes bytes) {
    return socket_send(socket, bytes);
}

std::ptrdiff_t host_receive(void *, int socket, Mutable_Bytes first, Mutable_Bytes rest) {
    return socket_receive(socket, first, rest);
}

void host_close(void *object, int socket) {
    // Closing takes it out of epoll only if no other process has the descriptor: one that was forked off may.
    if (self(object).epoll >= 0) {
        epoll_ctl(self(object).epoll, EPOLL_CTL_DEL, socket, nullptr);
    }
    close(socket);
}

bool watch(int epoll, int socket, std::uint32_t tag, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.u32 = tag;
    return epoll_ctl(epoll, EPOLL_CTL_MOD, socket, &event) == 0 ||
           (errno == ENOENT && epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event) == 0);
}

bool host_watch(void *object, int socket, std::uint32_t tag, bool writing) {
    return watch(self(object).epoll, socket, tag, EPOLLIN | (writing ? EPOLLOUT : 0U));
}

std::size_t host_ready(void *object, std::span<Ready> ready) {
    System_Host &made = self(object);
    std::array<epoll_event, 64> events;
    const int limit = static_cast<int>(std::min(events.size(), ready.size()));
    const int count = std::max(0, epoll_wait(made.epoll, events.data(), limit, 0));
    std::size_t told = 0;
    for (const epoll_event &event : std::span{events}.first(static_cast<std::size_t>(count))) {
        if (event.data.u32 == NETWORK_TAG) {
            read_network_watch(made.network);
        }
        const bool failed = (event.events & (EPOLLERR | EPOLLHUP)) != 0;
        ready[told++] = {event.data.u32, failed || (event.events & EPOLLIN) != 0,
                         failed || (event.events & EPOLLOUT) != 0};
    }
    return told;
}

int host_descriptor(void *object) {
    return self(object).epoll;
}

bool host_network_changed(void *object) {
    return network_has_changed(self(object).network);
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
    made->host = {.object = made,
                  .connect = host_connect,
                  .send = host_send,
                  .receive = host_receive,
                  .close = host_close,
                  .network_changed = host_network_changed,
                  .now = host_now,
                  .random = host_random,
                  .log = host_log};
    made->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (made->epoll < 0) {
        return &made->host; // no descriptor is left: every socket is tried in every tick
    }
    made->host.watch = host_watch;
    made->host.ready = host_ready;
    made->host.descriptor = host_descriptor;
    open_network_watch(made->network);
    for (int *const descriptor : {&made->network.socket, &made->network.wake}) {
        if (*descriptor >= 0 && !watch(made->epoll, *descriptor, NETWORK_TAG, EPOLLIN)) {
            close(*descriptor);
            *descriptor = -1;
        }
    }
    made->host.tells_network_changes = made->network.socket >= 0;
    return &made->host;
}

void kill_system_host(Host *host) {
    if (host != nullptr) {
        System_Host &made = self(host->object);
        close_network_watch(made.network);
        if (made.epoll >= 0) {
            close(made.epoll);
        }
        delete &made;
    }
}

} // namespace toxtcp
