// The default host: puts together the system's sockets, a way to wait for them, the watch for network changes, a clock
// and libsodium's randomness.
#include <toxtcp/host.h>

#include <sodium.h>

#include <new>

#include "host/acknowledged.h"
#include "host/log.h"
#include "host/network_watch.h"
#include "host/sockets.h"
#include "host/waiting.h"

namespace toxtcp {

namespace {

struct System_Host {
    Host host; // new_system_host returns a pointer to this member
    Poller poller;
    Network_Watch network;
    bool network_ready = false; ///< `network` has something to read
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
    const Poller &poller = self(object).poller;
    if (poller.object != nullptr) {
        poller.forget(poller.object, socket);
    }
    socket_close(socket);
}

bool host_watch(void *object, int socket, std::uint32_t tag, bool writing) {
    const Poller &poller = self(object).poller;
    return poller.watch(poller.object, socket, tag, writing);
}

std::size_t host_ready(void *object, std::span<Ready> ready) {
    System_Host &system_host = self(object);
    const std::size_t count = system_host.poller.ready(system_host.poller.object, ready);
    if (system_host.network_ready) {
        // Read now, and not in `network_changed`: a host that wraps this one may never call that function, and then the
        // descriptors would stay ready for ever.
        system_host.network_ready = false;
        read_network_watch(system_host.network);
    }
    return count;
}

int host_descriptor(void *object) {
    return self(object).poller.descriptor;
}

bool host_wait(void *object, int milliseconds) {
    const Poller &poller = self(object).poller;
    return poller.wait(poller.object, milliseconds);
}

bool host_network_changed(void *object) {
    return network_has_changed(self(object).network);
}

bool host_acknowledged(void *, int socket, Acknowledged &acknowledged) {
    return socket_acknowledged(socket, acknowledged);
}

std::uint64_t host_now(void *) {
    return monotonic_ms();
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
    auto *const system_host = new (std::nothrow) System_Host;
    if (system_host == nullptr) {
        return nullptr;
    }
    if (!sockets_open()) {
        delete system_host;
        return nullptr;
    }
    system_host->host = {.object = system_host,
                         .connect = host_connect,
                         .send = host_send,
                         .receive = host_receive,
                         .close = host_close,
                         .network_changed = host_network_changed,
                         .acknowledged = host_acknowledged,
                         .now = host_now,
                         .random = host_random,
                         .log = host_log};
    system_host->poller = open_epoll(system_host->network_ready);
    if (system_host->poller.object == nullptr) {
        system_host->poller = open_poll(system_host->network_ready);
    }
    if (system_host->poller.object == nullptr) {
        return &system_host->host; // no memory: the host has no readiness, and every socket is tried in every tick
    }
    system_host->host.watch = host_watch;
    system_host->host.ready = host_ready;
    system_host->host.descriptor = host_descriptor;
    system_host->host.wait = host_wait;
    open_network_watch(system_host->network);
    for (int *const descriptor : {&system_host->network.socket, &system_host->network.wake}) {
        if (*descriptor >= 0 && !host_watch(system_host, *descriptor, NETWORK_TAG, false)) {
            socket_close(*descriptor);
            *descriptor = -1;
        }
    }
    system_host->host.tells_network_changes = system_host->network.socket >= 0;
    return &system_host->host;
}

void kill_system_host(Host *host) {
    if (host != nullptr) {
        System_Host &system_host = self(host->object);
        close_network_watch(system_host.network);
        if (system_host.poller.object != nullptr) {
            system_host.poller.close(system_host.poller.object);
        }
        delete &system_host;
        sockets_close();
    }
}

} // namespace toxtcp
