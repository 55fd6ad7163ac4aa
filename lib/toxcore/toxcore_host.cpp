#include "toxcore/toxcore_host.h"

#include <new>

#include "toxcore/convert.h"

namespace toxtcp::toxcore {

namespace {

constexpr int SOCKET_TYPE_STREAM = 1;
constexpr int PROTOCOL_TCP = 1;

Toxcore_Host &self(void *object) {
    return *static_cast<Toxcore_Host *>(object);
}

Socket socket_of(int number) {
    return {number};
}

// ---- the system's own network ----------------------------------------------------------------------------------

int system_connect(void *object, const Ip_Port &address) {
    const Host &system = *self(object).system;
    return system.connect(system.object, address);
}

std::ptrdiff_t system_send(void *object, int socket, Bytes bytes) {
    const Host &system = *self(object).system;
    const std::ptrdiff_t sent = system.send(system.object, socket, bytes);
    if (sent > 0) {
        record(self(object).objects, Direction::sent, bytes.front(), static_cast<std::size_t>(sent));
    }
    return sent;
}

std::ptrdiff_t system_receive(void *object, int socket, Mutable_Bytes first, Mutable_Bytes rest) {
    const Host &system = *self(object).system;
    return system.receive(system.object, socket, first, rest);
}

void system_close(void *object, int socket) {
    const Host &system = *self(object).system;
    system.close(system.object, socket);
}

bool system_watch(void *object, int socket, std::uint32_t tag, bool writing) {
    const Host &system = *self(object).system;
    return system.watch(system.object, socket, tag, writing);
}

std::size_t system_ready(void *object, std::span<Ready> ready) {
    const Host &system = *self(object).system;
    return system.ready(system.object, ready);
}

int system_descriptor(void *object) {
    const Host &system = *self(object).system;
    return system.descriptor(system.object);
}

bool system_network_changed(void *object) {
    const Host &system = *self(object).system;
    return system.network_changed(system.object);
}

bool system_acknowledged(void *object, int socket, Acknowledged &acknowledged) {
    const Host &system = *self(object).system;
    return system.acknowledged(system.object, socket, acknowledged);
}

// ---- any other network -----------------------------------------------------------------------------------------

int network_connect(void *object, const Ip_Port &address) {
    Toxcore_Host &toxcore_host = self(object);
    const Toxcore_Objects &objects = toxcore_host.objects;
    const IP_Port to = to_toxcore(address, false);
    const Socket sock = net_socket(objects.ns, to.ip.family, SOCKET_TYPE_STREAM, PROTOCOL_TCP);
    if (!sock_valid(sock)) {
        return -1;
    }
    const int number = number_of(sock);
    bool usable = number >= 0 && set_socket_nosigpipe(objects.ns, sock) && set_socket_nonblock(objects.ns, sock) &&
                  connect_socket(objects, sock, to);
    if (usable) {
        try {
            toxcore_host.addresses[number] = to;
        } catch (const std::bad_alloc &) {
            usable = false;
        }
    }
    if (!usable) {
        kill_sock(objects.ns, sock);
        return -1;
    }
    return number;
}

// A call that moved no bytes is always reported as SOCKET_WOULD_BLOCK. errno cannot tell a failure: toxcore's functions
// call the host's log callback, which may change errno. A lost connection is detected by the end of its stream or by a
// time limit, as in toxcore's own code.

std::ptrdiff_t network_send(void *object, int socket, Bytes bytes) {
    Toxcore_Host &toxcore_host = self(object);
    const int sent = send_to_socket(toxcore_host.objects, socket_of(socket), bytes.data(), bytes.size(),
                                    toxcore_host.addresses[socket]);
    if (sent > 0) {
        record(toxcore_host.objects, Direction::sent, bytes.front(), static_cast<std::size_t>(sent));
        return sent;
    }
    return SOCKET_WOULD_BLOCK;
}

std::ptrdiff_t receive_into(Toxcore_Host &toxcore_host, int socket, Mutable_Bytes bytes) {
    const int got = net_recv(toxcore_host.objects.ns, toxcore_host.objects.logger, socket_of(socket), bytes.data(),
                             bytes.size(), &toxcore_host.addresses[socket]);
    return got > 0 ? got : got == 0 ? SOCKET_END : SOCKET_WOULD_BLOCK;
}

std::ptrdiff_t network_receive(void *object, int socket, Mutable_Bytes first, Mutable_Bytes rest) {
    Toxcore_Host &toxcore_host = self(object);
    if (first.empty()) {
        return receive_into(toxcore_host, socket, rest);
    }
    const std::ptrdiff_t got = receive_into(toxcore_host, socket, first);
    if (got != static_cast<std::ptrdiff_t>(first.size())) {
        return got;
    }
    // If this read meets the end or a failure, the next call meets it again.
    const std::ptrdiff_t more = receive_into(toxcore_host, socket, rest);
    return more > 0 ? got + more : got;
}

void network_close(void *object, int socket) {
    Toxcore_Host &toxcore_host = self(object);
    kill_sock(toxcore_host.objects.ns, socket_of(socket));
    toxcore_host.addresses.erase(socket);
}

// ---- clock, randomness, log: always toxcore's ------------------------------------------------------------------

/// Reads toxcore's live clock. Its cached time may be late by a whole tick. If the host simulates time, both are equal.
/// If the clock is set back, the result stays the same until the clock has caught up.
std::uint64_t host_now(void *object) {
    Toxcore_Host &toxcore_host = self(object);
    toxcore_host.now = std::max(toxcore_host.now, current_time_monotonic(toxcore_host.objects.mono_time));
    return toxcore_host.now;
}

void host_random(void *object, Mutable_Bytes bytes) {
    random_bytes(self(object).objects.rng, bytes.data(), bytes.size());
}

void host_log(void *object, Log_Level level, const char *message) {
    logger_write(self(object).objects.logger, static_cast<int>(level), "toxtcp", 0, "toxtcp", "%s", message);
}

void host_opened(void *object, std::uint8_t type, std::size_t length) {
    record(self(object).objects, Direction::received, type, length);
}

} // namespace

bool open_host(Toxcore_Host &toxcore_host, const Toxcore_Objects &objects, Sockets sockets) {
    toxcore_host.objects = objects;
    Host &host = toxcore_host.host;
    host.object = &toxcore_host;
    host.now = host_now;
    host.random = host_random;
    host.log = objects.logger != nullptr ? host_log : nullptr;
    host.opened = objects.profile != nullptr ? host_opened : nullptr;
    if (sockets == Sockets::plain || !is_systems_network(objects.ns)) {
        host.connect = network_connect;
        host.send = network_send;
        host.receive = network_receive;
        host.close = network_close;
        return true;
    }
    host.connect = system_connect;
    host.send = system_send;
    host.receive = system_receive;
    host.close = system_close;
    toxcore_host.system = new_system_host();
    if (toxcore_host.system == nullptr) {
        return false;
    }
    if (toxcore_host.system->ready != nullptr) {
        host.watch = system_watch;
        host.ready = system_ready;
        host.descriptor = system_descriptor;
    }
    host.network_changed = system_network_changed;
    host.acknowledged = system_acknowledged;
    host.tells_network_changes = toxcore_host.system->tells_network_changes;
    return true;
}

void close_host(Toxcore_Host &toxcore_host) {
    kill_system_host(toxcore_host.system);
    toxcore_host.system = nullptr;
}

} // namespace toxtcp::toxcore
