#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>

#include "host/waiting.h"

namespace toxtcp {

namespace {

struct Epoll {
    int descriptor;
    bool *network_ready;
};

int descriptor_of(void *object) {
    return static_cast<Epoll *>(object)->descriptor;
}

bool epoll_watch(void *object, int socket, std::uint32_t tag, bool writing) {
    epoll_event event{};
    event.events = EPOLLIN | (writing ? EPOLLOUT : 0U);
    event.data.u32 = tag;
    const int epoll = descriptor_of(object);
    return epoll_ctl(epoll, EPOLL_CTL_MOD, socket, &event) == 0 ||
           (errno == ENOENT && epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event) == 0);
}

void epoll_forget(void *object, int socket) {
    // close() removes the socket from epoll only if no other process has it open, such as a forked child.
    epoll_ctl(descriptor_of(object), EPOLL_CTL_DEL, socket, nullptr);
}

std::size_t epoll_ready(void *object, std::span<Ready> ready) {
    std::array<epoll_event, 64> events;
    const int limit = static_cast<int>(std::min(events.size(), ready.size()));
    const int count = std::max(0, epoll_wait(descriptor_of(object), events.data(), limit, 0));
    std::size_t told = 0;
    for (const epoll_event &event : std::span{events}.first(static_cast<std::size_t>(count))) {
        const bool failed = (event.events & (EPOLLERR | EPOLLHUP)) != 0;
        if (event.data.u32 == NETWORK_TAG) {
            *static_cast<Epoll *>(object)->network_ready = true;
        }
        ready[told++] = {event.data.u32, failed || (event.events & EPOLLIN) != 0,
                         failed || (event.events & EPOLLOUT) != 0};
    }
    return told;
}

bool epoll_wait_for_any(void *object, int milliseconds) {
    epoll_event event{};
    return epoll_wait(descriptor_of(object), &event, 1, milliseconds) > 0;
}

void close_epoll(void *object) {
    close(descriptor_of(object));
    delete static_cast<Epoll *>(object);
}

} // namespace

Poller open_epoll(bool &network_ready) {
    const int descriptor = epoll_create1(EPOLL_CLOEXEC);
    if (descriptor < 0) {
        return {};
    }
    auto *const epoll = new (std::nothrow) Epoll{descriptor, &network_ready};
    if (epoll == nullptr) {
        close(descriptor);
        return {};
    }
    return {.object = epoll,
            .watch = epoll_watch,
            .forget = epoll_forget,
            .ready = epoll_ready,
            .wait = epoll_wait_for_any,
            .close = close_epoll,
            .descriptor = descriptor};
}

} // namespace toxtcp
