// A relay that fails when told to (relay_control.h): `fault-relay 1`, told over its standard input, ends with that.
// Honest otherwise: it is the relay of `toxtcp relay`.
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <deque>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sodium.h>

#include "relay_control.h"
#include "tools/relay_server.h"

namespace {

using namespace toxtcp;

constexpr int LONGEST_WAIT_MS = 1'000;

struct Held {
    std::uint64_t due;
    int client;
    std::vector<std::uint8_t> bytes;
};

struct Fault_Relay {
    Relay_Server server;
    int listener = -1;
    std::vector<int> sockets; ///< by client handle, -1 for none
    std::deque<Held> held;    ///< in the order in which it came
    std::uint64_t delay = 0;  ///< ms
    std::uint64_t carried = 0;
    bool drops = false;
    bool drops_from = false;
    Public_Key from{};
};

std::uint64_t now_ms() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000 + static_cast<std::uint64_t>(time.tv_nsec) / 1'000'000;
}

bool takes(Fault_Relay &relay, const Public_Key &key, const Packet &packet) {
    const bool carries = packet.type == Packet_Type::data || packet.type == Packet_Type::oob_send;
    if (!carries) {
        return true;
    }
    if (relay.drops || (relay.drops_from && key == relay.from)) {
        return false;
    }
    relay.carried += packet.type == Packet_Type::data;
    return true;
}

void end_client(Fault_Relay &relay, int client) {
    close(relay.sockets[static_cast<std::size_t>(client)]);
    relay.sockets[static_cast<std::size_t>(client)] = -1;
    std::erase_if(relay.held, [client](const Held &held) { return held.client == client; });
    relay_server_close(relay.server, client);
}

void flush(Fault_Relay &relay) {
    for (int client = relay_server_changed(relay.server); client >= 0; client = relay_server_changed(relay.server)) {
        const int socket = relay.sockets[static_cast<std::size_t>(client)];
        const Bytes pending = relay_server_pending(relay.server, client);
        if (relay_server_dropped(relay.server, client)) {
            end_client(relay, client);
        } else if (!pending.empty()) {
            const ssize_t sent = send(socket, pending.data(), pending.size(), MSG_NOSIGNAL);
            relay_server_sent(relay.server, client, sent > 0 ? static_cast<std::size_t>(sent) : 0);
        }
    }
}

void accept_client(Fault_Relay &relay, std::uint64_t now) {
    const int socket = accept4(relay.listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    const int client = socket < 0 ? -1 : relay_server_accept(relay.server, now);
    if (client < 0) {
        close(socket);
        return;
    }
    const int on = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    relay.sockets.resize(std::max(relay.sockets.size(), static_cast<std::size_t>(client) + 1), -1);
    relay.sockets[static_cast<std::size_t>(client)] = socket;
}

void read_client(Fault_Relay &relay, int client, std::uint64_t now) {
    std::array<std::uint8_t, std::size_t{64} * 1024> buffer;
    const ssize_t got = recv(relay.sockets[static_cast<std::size_t>(client)], buffer.data(), buffer.size(), 0);
    if (got > 0) {
        relay.held.push_back({now + relay.delay, client, {buffer.begin(), buffer.begin() + got}});
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        end_client(relay, client);
    }
}

void take_held(Fault_Relay &relay, std::uint64_t now) {
    while (!relay.held.empty() && relay.held.front().due <= now) {
        const Held held = std::move(relay.held.front());
        relay.held.pop_front();
        if (!relay_server_receive(relay.server, held.client, held.bytes, now)) {
            end_client(relay, held.client);
        }
    }
}

/// False when nobody is there any more to tell.
bool obey(Fault_Relay &relay) {
    relay_request request;
    if (read(STDIN_FILENO, &request, sizeof request) != static_cast<ssize_t>(sizeof request)) {
        return false;
    }
    std::uint64_t answer = 0;
    switch (request.task) {
    case FAULT_COUNT:
        answer = relay.carried;
        break;
    case FAULT_DROP:
        relay.drops = true;
        break;
    case FAULT_DROP_FROM:
        relay.drops_from = true;
        std::memcpy(relay.from.data(), request.key, relay.from.size());
        break;
    case FAULT_DELAY:
        relay.delay = request.count;
        break;
    default:
        return false;
    }
    return write(STDIN_FILENO, &answer, sizeof answer) == static_cast<ssize_t>(sizeof answer);
}

int wait_time(const Fault_Relay &relay, std::uint64_t now) {
    std::uint64_t due = std::min(now + LONGEST_WAIT_MS, relay_server_deadline(relay.server));
    due = relay.held.empty() ? due : std::min(due, relay.held.front().due);
    return due <= now ? 0 : static_cast<int>(due - now);
}

bool listen_somewhere(Fault_Relay &relay, bench_address &address) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    auto *const any = reinterpret_cast<sockaddr *>(&at);
    relay.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (relay.listener < 0 || bind(relay.listener, any, size) != 0 || listen(relay.listener, 16) != 0 ||
        getsockname(relay.listener, any, &size) != 0) {
        return false;
    }
    address.port = ntohs(at.sin_port);
    std::memcpy(address.key, relay.server.public_key.data(), relay.server.public_key.size());
    return true;
}

} // namespace

int main() {
    static Fault_Relay relay;
    Relay_Server_Def def;
    Public_Key key;
    bench_address address{};
    const std::uint16_t no_drain = 0;
    if (sodium_init() < 0) {
        return EXIT_FAILURE;
    }
    new_key_pair(key, def.secret_key);
    def.random = system_random();
    relay_server_start(relay.server, def);
    relay.server.faults.receive = [](int, const Public_Key &from, const Packet &packet) {
        return takes(relay, from, packet);
    };
    if (!listen_somewhere(relay, address) ||
        write(STDIN_FILENO, &address, sizeof address) != static_cast<ssize_t>(sizeof address) ||
        write(STDIN_FILENO, &no_drain, sizeof no_drain) != static_cast<ssize_t>(sizeof no_drain)) {
        std::perror("fault-relay");
        return EXIT_FAILURE;
    }
    for (bool told = true; told;) {
        std::vector<pollfd> ready{{STDIN_FILENO, POLLIN, 0}, {relay.listener, POLLIN, 0}};
        std::vector<int> clients;
        for (std::size_t i = 0; i < relay.sockets.size(); ++i) {
            if (relay.sockets[i] >= 0) {
                ready.push_back({relay.sockets[i], POLLIN, 0});
                clients.push_back(static_cast<int>(i));
            }
        }
        poll(ready.data(), ready.size(), wait_time(relay, now_ms()));
        const std::uint64_t now = now_ms();
        for (std::size_t i = 0; i < clients.size(); ++i) {
            if (ready[i + 2].revents != 0) {
                read_client(relay, clients[i], now);
            }
        }
        if (ready[1].revents != 0) {
            accept_client(relay, now);
        }
        take_held(relay, now);
        relay_server_tick(relay.server, now);
        flush(relay);
        told = ready[0].revents == 0 || obey(relay);
    }
    return EXIT_SUCCESS;
}
