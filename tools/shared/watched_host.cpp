#include "tools/shared/watched_host.h"

#include <algorithm>
#include <cerrno>

#include "tools/shared/clock.h"

namespace toxtcp {

namespace {

Watched_Host &watched_of(void *object) {
    return *static_cast<Watched_Host *>(object);
}

const Host &system_of(void *object) {
    return *watched_of(object).system;
}

int connect_socket(void *object, const Ip_Port &address) {
    Watched_Host &watched = watched_of(object);
    if (address != watched.address) {
        watched.address = address;
        watched.connecting_since = watched.connected_at = 0;
        watched.error = 0;
        watched.first_size = 0;
    }
    watched.connecting_since = watched.connecting_since == 0 ? now_us() : watched.connecting_since;
    const int socket = system_of(object).connect(system_of(object).object, address);
    watched.error = socket < 0 ? errno : watched.error;
    watched.first_bytes_are_old = true;
    watched.at_relay = false;
    return socket;
}

void note_error(Watched_Host &watched, std::ptrdiff_t result) {
    if (result == SOCKET_FAILED) {
        watched.error = errno;
    }
}

void note_first_bytes(Watched_Host &watched, Bytes bytes) {
    watched.first_size = watched.first_bytes_are_old ? 0 : watched.first_size;
    watched.first_bytes_are_old = false;
    const std::size_t count = std::min(bytes.size(), watched.first_bytes.size() - watched.first_size);
    std::copy_n(bytes.begin(), count, watched.first_bytes.begin() + static_cast<std::ptrdiff_t>(watched.first_size));
    watched.first_size += count;
}

std::ptrdiff_t send_bytes(void *object, int socket, Bytes bytes) {
    note_handshake(watched_of(object), bytes);
    const std::ptrdiff_t sent = system_of(object).send(system_of(object).object, socket, bytes);
    note_error(watched_of(object), sent);
    if (sent > 0) {
        watched_of(object).connected_at =
            watched_of(object).connected_at == 0 ? now_us() : watched_of(object).connected_at;
        watched_of(object).error = 0;
    }
    return sent;
}

std::ptrdiff_t receive_bytes(void *object, int socket, Mutable_Bytes first, Mutable_Bytes rest) {
    const std::ptrdiff_t received = system_of(object).receive(system_of(object).object, socket, first, rest);
    note_error(watched_of(object), received);
    // A relay's bytes that come together with the proxy's answer are not noted.
    if (received > 0 && (watched_of(object).proxy == Proxy_Type::none || watched_of(object).at_relay)) {
        const auto count = static_cast<std::size_t>(received);
        note_first_bytes(watched_of(object), first.first(std::min(count, first.size())));
        note_first_bytes(watched_of(object), rest.first(count - std::min(count, first.size())));
    }
    return received;
}

void close_socket(void *object, int socket) {
    system_of(object).close(system_of(object).object, socket);
}

bool watch_socket(void *object, int socket, std::uint32_t tag, bool writing) {
    return system_of(object).watch(system_of(object).object, socket, tag, writing);
}

std::size_t ready_sockets(void *object, std::span<Ready> ready) {
    return system_of(object).ready(system_of(object).object, ready);
}

int host_descriptor(void *object) {
    return system_of(object).descriptor(system_of(object).object);
}

bool wait_for_sockets(void *object, int milliseconds) {
    return system_of(object).wait(system_of(object).object, milliseconds);
}

bool has_network_changed(void *object) {
    return system_of(object).network_changed(system_of(object).object);
}

bool acknowledged_bytes(void *object, int socket, Acknowledged &acknowledged) {
    return system_of(object).acknowledged(system_of(object).object, socket, acknowledged);
}

std::uint64_t system_time(void *object) {
    return system_of(object).now(system_of(object).object);
}

void fill_random(void *object, Mutable_Bytes bytes) {
    system_of(object).random(system_of(object).object, bytes);
}

void note_opened(void *object, std::uint8_t first, std::size_t) {
    Watched_Host &watched = watched_of(object);
    watched.heard_at = now_us();
    if (first < watched.opened.size()) {
        ++watched.opened[first];
    }
}

} // namespace

void note_handshake(Watched_Host &watched, Bytes bytes) {
    watched.at_relay = watched.at_relay || (bytes.size() >= HANDSHAKE_REQUEST_SIZE &&
                                            std::equal(watched.own_key.begin(), watched.own_key.end(), bytes.begin()));
}

bool watched_host_open(Watched_Host &watched, Proxy_Type proxy, const Public_Key &own_key) {
    watched = {};
    watched.proxy = proxy;
    watched.own_key = own_key;
    watched.system = new_system_host();
    if (watched.system == nullptr) {
        return false;
    }
    // No log: the commands themselves report what is wrong with a relay.
    watched.host = {.object = &watched,
                    .connect = connect_socket,
                    .send = send_bytes,
                    .receive = receive_bytes,
                    .close = close_socket,
                    .watch = watch_socket,
                    .ready = ready_sockets,
                    .descriptor = host_descriptor,
                    .wait = wait_for_sockets,
                    .network_changed = has_network_changed,
                    .tells_network_changes = watched.system->tells_network_changes,
                    .acknowledged = acknowledged_bytes,
                    .now = system_time,
                    .random = fill_random,
                    .log = nullptr,
                    .opened = note_opened};
    return true;
}

void watched_host_close(Watched_Host &watched) {
    kill_system_host(watched.system);
    watched.system = nullptr;
}

} // namespace toxtcp
