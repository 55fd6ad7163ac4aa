#include "tools/shared/watched_host.h"

#include <algorithm>
#include <cerrno>

#include "tools/shared/clock.h"

namespace toxtcp {

namespace {

Watched_Host &at(void *object) {
    return *static_cast<Watched_Host *>(object);
}

const Host &system_of(void *object) {
    return *at(object).system;
}

int begin(void *object, const Ip_Port &address) {
    Watched_Host &watched = at(object);
    if (address != watched.address) {
        watched.address = address;
        watched.connecting = watched.connected = 0;
        watched.error = 0;
        watched.first_size = 0;
    }
    watched.connecting = watched.connecting == 0 ? now_us() : watched.connecting;
    const int socket = system_of(object).connect(system_of(object).object, address);
    watched.error = socket < 0 ? errno : watched.error;
    watched.begun_anew = true;
    watched.at_relay = false;
    return socket;
}

void note_failure(Watched_Host &watched, std::ptrdiff_t result) {
    if (result == SOCKET_FAILED) {
        watched.error = errno;
    }
}

void note_first(Watched_Host &watched, Bytes bytes) {
    watched.first_size = watched.begun_anew ? 0 : watched.first_size;
    watched.begun_anew = false;
    const std::size_t count = std::min(bytes.size(), watched.first.size() - watched.first_size);
    std::copy_n(bytes.begin(), count, watched.first.begin() + static_cast<std::ptrdiff_t>(watched.first_size));
    watched.first_size += count;
}

std::ptrdiff_t send_some(void *object, int socket, Bytes bytes) {
    note_handshake(at(object), bytes);
    const std::ptrdiff_t sent = system_of(object).send(system_of(object).object, socket, bytes);
    note_failure(at(object), sent);
    if (sent > 0) {
        at(object).connected = at(object).connected == 0 ? now_us() : at(object).connected;
        at(object).error = 0;
    }
    return sent;
}

std::ptrdiff_t receive_some(void *object, int socket, Mutable_Bytes first, Mutable_Bytes rest) {
    const std::ptrdiff_t received = system_of(object).receive(system_of(object).object, socket, first, rest);
    note_failure(at(object), received);
    // A relay's bytes that come together with the proxy's answer are not noted.
    if (received > 0 && (at(object).proxy == Proxy_Type::none || at(object).at_relay)) {
        const auto count = static_cast<std::size_t>(received);
        note_first(at(object), first.first(std::min(count, first.size())));
        note_first(at(object), rest.first(count - std::min(count, first.size())));
    }
    return received;
}

void close_socket(void *object, int socket) {
    system_of(object).close(system_of(object).object, socket);
}

bool watch_socket(void *object, int socket, std::uint32_t tag, bool writing) {
    return system_of(object).watch(system_of(object).object, socket, tag, writing);
}

std::size_t which_are_ready(void *object, std::span<Ready> ready) {
    return system_of(object).ready(system_of(object).object, ready);
}

int descriptor_of(void *object) {
    return system_of(object).descriptor(system_of(object).object);
}

bool wait_for_any(void *object, int milliseconds) {
    return system_of(object).wait(system_of(object).object, milliseconds);
}

bool network_of(void *object) {
    return system_of(object).network_changed(system_of(object).object);
}

bool acknowledged_of(void *object, int socket, Acknowledged &acknowledged) {
    return system_of(object).acknowledged(system_of(object).object, socket, acknowledged);
}

std::uint64_t time_of(void *object) {
    return system_of(object).now(system_of(object).object);
}

void draw_random(void *object, Mutable_Bytes bytes) {
    system_of(object).random(system_of(object).object, bytes);
}

void note_opened(void *object, std::uint8_t first, std::size_t) {
    Watched_Host &watched = at(object);
    watched.heard = now_us();
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
                    .connect = begin,
                    .send = send_some,
                    .receive = receive_some,
                    .close = close_socket,
                    .watch = watch_socket,
                    .ready = which_are_ready,
                    .descriptor = descriptor_of,
                    .wait = wait_for_any,
                    .network_changed = network_of,
                    .tells_network_changes = watched.system->tells_network_changes,
                    .acknowledged = acknowledged_of,
                    .now = time_of,
                    .random = draw_random,
                    .log = nullptr,
                    .opened = note_opened};
    return true;
}

void watched_host_close(Watched_Host &watched) {
    kill_system_host(watched.system);
    watched.system = nullptr;
}

} // namespace toxtcp
