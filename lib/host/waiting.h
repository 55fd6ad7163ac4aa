// Which sockets are ready: one of the system's ways to ask, or to wait. They are functions that a Host can have.
#pragma once

#include <toxtcp/host.h>

namespace toxtcp {

/// All functions are called with `object`.
struct Waiting {
    void *object = nullptr; ///< null: this way is not to be had
    bool (*watch)(void *object, int socket, std::uint32_t tag, bool writing) = nullptr;
    void (*forget)(void *object, int socket) = nullptr; ///< before a socket is closed
    std::size_t (*ready)(void *object, std::span<Ready> ready) = nullptr;
    bool (*wait)(void *object, int milliseconds) = nullptr;
    void (*close)(void *object) = nullptr;
    int descriptor = -1; ///< -1: there is none that stands for all sockets
};

/// Linux: one system call, whatever the number of sockets. Not to be had when no descriptor is left, and elsewhere: of two
/// files, epoll.cpp and epoll_none.cpp, one is built. `network_ready` outlives it, and is set when NETWORK_TAG is ready.
Waiting open_epoll(bool &network_ready);

/// The same on every system: `poll`, or WSAPoll. Needs no descriptor. Not to be had without memory.
Waiting open_poll(bool &network_ready);

} // namespace toxtcp
