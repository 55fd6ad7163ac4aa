// A way to find out which sockets are ready, and to wait for them: epoll or poll. system_host.cpp makes a Host's
// functions of it.
#pragma once

#include <toxtcp/host.h>

namespace toxtcp {

/// All functions are called with `object`. `watch`, `ready` and `wait` do what the functions of Host with these names
/// do.
struct Poller {
    void *object = nullptr; ///< null: this way is not available
    bool (*watch)(void *object, int socket, std::uint32_t tag, bool writing) = nullptr;
    void (*forget)(void *object, int socket) = nullptr; ///< to be called before a socket is closed
    std::size_t (*ready)(void *object, std::span<Ready> ready) = nullptr;
    bool (*wait)(void *object, int milliseconds) = nullptr;
    void (*close)(void *object) = nullptr;
    int descriptor = -1; ///< readable when any socket is ready; -1: there is none
};

/// epoll, on Linux: one system call, whatever the number of sockets. Not available if no descriptor or no memory is
/// left, or if epoll_none.cpp was built in place of epoll.cpp. `network_ready` is set when NETWORK_TAG is ready. It
/// must outlive the result.
Poller open_epoll(bool &network_ready);

/// `poll` on every system (WSAPoll on Windows). Needs no descriptor. Not available if no memory is left.
Poller open_poll(bool &network_ready);

} // namespace toxtcp
