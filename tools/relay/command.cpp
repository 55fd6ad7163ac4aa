// `toxtcp relay`: runs the relay server (server.h) on real sockets. The library's own host waits for them.
#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <toxtcp/host.h>

#include "tools/commands.h"
#include "tools/relay/server.h"
#include "tools/shared/clock.h"
#include "tools/shared/descriptors.h"
#include "tools/shared/key_file.h"
#include "tools/shared/output.h"
#include "tools/shared/signals.h"
#include "tools/shared/socket_address.h"

namespace toxtcp {

namespace {

constexpr std::size_t READ_SIZE = std::size_t{64} * 1024; ///< most bytes of one read from a client
constexpr int LISTEN_BACKLOG = 512;
constexpr std::size_t MAX_READY_SOCKETS = 64;
constexpr std::uint64_t ACCEPT_PAUSE_MS = 1'000; ///< pause when no descriptor is left for a new client
constexpr rlim_t RELAY_DESCRIPTORS = 32;         ///< those that no client has: standard streams, the host, signals, ...

/// The tags of descriptors: a client's handle, NETWORK_TAG (used by the host itself), or one of these two.
constexpr std::uint32_t TAG_LISTENER = NETWORK_TAG - 1;
constexpr std::uint32_t TAG_SIGNAL = NETWORK_TAG - 2;

struct Client_Socket {
    int socket = -1;
    bool writing = false; ///< the socket is full, and is watched until it is writable
};

struct Relay_Loop {
    Relay_Server server;
    Host *host = nullptr;
    int listener = -1;
    int watched_listener = -1; ///< a duplicate of `listener`, which the host watches; -1: not watched now
    int signals = -1;
    std::uint64_t accept_again_at = 0;  ///< ms; until then the listener is not watched; 0: it is watched
    std::vector<Client_Socket> sockets; ///< by client handle
    std::vector<std::uint8_t> buffer;
};

std::uint64_t now_ms() {
    return now_us() / 1'000;
}

// ---- set-up ----------------------------------------------------------------------------------------------------

bool load_relay_key(const std::string &path, Secret_Key &key) {
    std::string error;
    const bool loaded = load_key(path, key, error);
    if (!error.empty()) {
        print_error("relay", error);
    }
    return loaded;
}

union Socket_Address {
    sockaddr any;
    sockaddr_in ipv4;
    sockaddr_in6 ipv6;
};

/// Reads a numeric address. Returns its size in bytes; 0 when the text is no address.
socklen_t parse_address(const std::string &text, std::uint16_t port, Socket_Address &address) {
    address = {};
    if (inet_pton(AF_INET, text.c_str(), &address.ipv4.sin_addr) == 1) {
        address.ipv4.sin_family = AF_INET;
        address.ipv4.sin_port = htons(port);
        return sizeof address.ipv4;
    }
    if (inet_pton(AF_INET6, text.c_str(), &address.ipv6.sin6_addr) == 1) {
        address.ipv6.sin6_family = AF_INET6;
        address.ipv6.sin6_port = htons(port);
        return sizeof address.ipv6;
    }
    return 0;
}

/// Opens a listening socket. `bound` is the address that it got. On failure -1, and errno is set.
int listen_on(const std::string &text, std::uint16_t port, Ip_Port &bound) {
    Socket_Address address;
    socklen_t size = parse_address(text, port, address);
    if (size == 0) {
        errno = EINVAL;
        return -1;
    }
    const int listener = open_socket(address.any.sa_family, SOCK_STREAM);
    if (listener < 0) {
        return -1;
    }
    // A relay that is started again gets its port at once, although the system still remembers old connections.
    const int yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (address.any.sa_family == AF_INET6) {
        const int no = 0;
        setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
    }
    if (bind(listener, &address.any, size) != 0 || listen(listener, LISTEN_BACKLOG) != 0 ||
        getsockname(listener, &address.any, &size) != 0) {
        const int error = errno;
        close(listener);
        errno = error;
        return -1;
    }
    bound = to_ip_port(&address.any);
    return listener;
}

std::string listen_failure(const Relay_Options &options) {
    const std::string endpoint = options.address + " port " + std::to_string(options.port);
    switch (errno) {
    case EADDRINUSE:
        return endpoint + " is in use. Choose another --port, or --port 0 for any that is free";
    case EACCES:
        return endpoint + " is not allowed to this user. Choose a --port from 1024 on";
    case EADDRNOTAVAIL:
        return options.address + " is not an address of this machine. Try --address ::";
    default:
        return "cannot listen on " + endpoint + ": " + std::strerror(errno);
    }
}

bool open_listener(Relay_Loop &loop, const Relay_Options &options, Ip_Port &bound) {
    loop.listener = listen_on(options.address, options.port, bound);
    if (loop.listener < 0 && options.address == "::" && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
        // This machine has no IPv6, so listen on all IPv4 addresses.
        loop.listener = listen_on("0.0.0.0", options.port, bound);
    }
    if (loop.listener < 0) {
        print_error("relay", listen_failure(options));
        return false;
    }
    return true;
}

/// How many clients may connect: `wanted`, or fewer if the system's limit of descriptors is too low. Raises the limit
/// if that is possible.
std::size_t max_clients(std::size_t wanted) {
    const rlim_t needed = static_cast<rlim_t>(wanted) + RELAY_DESCRIPTORS;
    const rlim_t limit = raise_descriptor_limit(needed);
    if (limit >= needed) {
        return wanted;
    }
    const rlim_t clients = limit > RELAY_DESCRIPTORS ? limit - RELAY_DESCRIPTORS : 1;
    print_error("relay", "the system allows " + std::to_string(clients) + " clients only; raise it with ulimit -n " +
                             std::to_string(needed));
    return static_cast<std::size_t>(clients);
}

bool watch(const Relay_Loop &loop, int descriptor, std::uint32_t tag, bool writing = false) {
    return loop.host->watch(loop.host->object, descriptor, tag, writing);
}

/// Closes a descriptor that the host may watch.
void close_watched(const Relay_Loop &loop, int &descriptor) {
    if (descriptor >= 0) {
        loop.host->close(loop.host->object, descriptor);
        descriptor = -1;
    }
}

bool watch_listener(Relay_Loop &loop) {
    loop.watched_listener = fcntl(loop.listener, F_DUPFD_CLOEXEC, 0);
    if (loop.watched_listener >= 0 && !watch(loop, loop.watched_listener, TAG_LISTENER)) {
        close_watched(loop, loop.watched_listener);
    }
    return loop.watched_listener >= 0;
}

bool open_loop(Relay_Loop &loop) {
    loop.buffer.resize(READ_SIZE);
    loop.signals = open_signals({SIGINT, SIGTERM});
    loop.host = new_system_host();
    if (loop.signals < 0 || loop.host == nullptr || loop.host->watch == nullptr ||
        !watch(loop, loop.signals, TAG_SIGNAL) || !watch_listener(loop)) {
        print_error("relay", std::string{"cannot set up its event loop: "} + std::strerror(errno));
        return false;
    }
    return true;
}

bool print_ready(const Relay_Options &options, const Ip_Port &bound, const Public_Key &public_key, int signals) {
    const std::string address = to_string(bound);
    const std::string key = to_string(public_key);
    const nlohmann::json json{{"address", address}, {"port", bound.port}, {"public_key", key}};
    const std::string line =
        options.json ? json.dump()
                     : "relay address=" + address + " port=" + std::to_string(bound.port) + " public_key=" + key;
    std::string error;
    if (!print(line + '\n', error, signals)) {
        print_error("relay", error.empty() ? "interrupted before it was ready" : error);
        return false;
    }
    return true;
}

// ---- the loop --------------------------------------------------------------------------------------------------

void end_client(Relay_Loop &loop, int client) {
    Client_Socket &socket = loop.sockets[static_cast<std::size_t>(client)];
    close_watched(loop, socket.socket);
    socket = {};
    relay_server_close(loop.server, client);
}

void set_writing(Relay_Loop &loop, int client, bool writing) {
    Client_Socket &socket = loop.sockets[static_cast<std::size_t>(client)];
    if (socket.writing != writing) {
        socket.writing = writing;
        static_cast<void>(watch(loop, socket.socket, static_cast<std::uint32_t>(client), writing));
    }
}

void flush(Relay_Loop &loop, int client) {
    const int socket = loop.sockets[static_cast<std::size_t>(client)].socket;
    Bytes pending = relay_server_pending(loop.server, client);
    while (!pending.empty()) {
        const ssize_t count = send(socket, pending.data(), pending.size(), 0);
        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            break;
        }
        if (count < 0 && errno != EINTR) {
            end_client(loop, client);
            return;
        }
        relay_server_sent(loop.server, client, count > 0 ? static_cast<std::size_t>(count) : 0);
        pending = relay_server_pending(loop.server, client);
    }
    set_writing(loop, client, !pending.empty());
}

/// Serves all clients on the server's list of changes. When one client is ended, others may be added to the list.
void serve_changes(Relay_Loop &loop) {
    for (int client = relay_server_changed(loop.server); client >= 0; client = relay_server_changed(loop.server)) {
        if (relay_server_dropped(loop.server, client)) {
            end_client(loop, client);
        } else if (!loop.sockets[static_cast<std::size_t>(client)].writing) {
            flush(loop, client);
        }
    }
}

void read_client(Relay_Loop &loop, int client, std::uint64_t now) {
    const int socket = loop.sockets[static_cast<std::size_t>(client)].socket;
    const ssize_t count = recv(socket, loop.buffer.data(), loop.buffer.size(), 0);
    if (count > 0) {
        const Bytes received = Bytes{loop.buffer}.first(static_cast<std::size_t>(count));
        if (!relay_server_receive(loop.server, client, received, now)) {
            end_client(loop, client);
        }
    } else if (count == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
        end_client(loop, client);
    }
}

void accept_client(Relay_Loop &loop, int socket, std::uint64_t now) {
    const int client = relay_server_accept(loop.server, now);
    if (client < 0) {
        close(socket);
        return;
    }
    if (loop.sockets.size() <= static_cast<std::size_t>(client)) {
        loop.sockets.resize(static_cast<std::size_t>(client) + 1);
    }
    loop.sockets[static_cast<std::size_t>(client)] = {socket, false};
    const int yes = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (!set_nonblocking_cloexec(socket) || !watch(loop, socket, static_cast<std::uint32_t>(client))) {
        end_client(loop, client);
    }
}

void accept_clients(Relay_Loop &loop, std::uint64_t now) {
    while (true) {
        const int socket = accept(loop.listener, nullptr, nullptr);
        if (socket >= 0) {
            accept_client(loop, socket, now);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            // The client stays in the listener's queue. The listener would be ready again at once, in an endless loop.
            close_watched(loop, loop.watched_listener);
            loop.accept_again_at = now + ACCEPT_PAUSE_MS;
            return;
        } else if (errno != ECONNABORTED && errno != EINTR) {
            return;
        }
    }
}

void serve(Relay_Loop &loop, const Ready &ready, std::uint64_t now) {
    if (ready.tag == TAG_LISTENER) {
        accept_clients(loop, now);
        return;
    }
    if (ready.tag >= loop.sockets.size()) {
        return; // the tag is NETWORK_TAG
    }
    // The client may have ended since `ready` was filled, and its handle may be another client's by now. To read from
    // and write to that client does no harm, since its socket does not block.
    const int client = static_cast<int>(ready.tag);
    if (loop.sockets[ready.tag].socket >= 0 && ready.writable) {
        flush(loop, client);
    }
    if (loop.sockets[ready.tag].socket >= 0 && ready.readable) {
        read_client(loop, client, now);
    }
    serve_changes(loop);
}

int wait_limit(const Relay_Loop &loop, std::uint64_t now) {
    std::uint64_t deadline = relay_server_deadline(loop.server);
    if (loop.accept_again_at != 0) {
        deadline = std::min(deadline, loop.accept_again_at);
    }
    if (deadline == UINT64_MAX) {
        return -1;
    }
    return deadline <= now ? 0 : static_cast<int>(std::min<std::uint64_t>(deadline - now, 60'000));
}

void run_loop(Relay_Loop &loop) {
    std::array<Ready, MAX_READY_SOCKETS> ready_sockets;
    while (true) {
        static_cast<void>(loop.host->wait(loop.host->object, wait_limit(loop, now_ms())));
        const std::uint64_t now = now_ms();
        const std::size_t count = loop.host->ready(loop.host->object, ready_sockets);
        for (const Ready &ready : std::span{ready_sockets}.first(count)) {
            if (ready.tag == TAG_SIGNAL) {
                return;
            }
            serve(loop, ready, now);
        }
        if (loop.accept_again_at != 0 && now >= loop.accept_again_at) {
            loop.accept_again_at = watch_listener(loop) ? 0 : now + ACCEPT_PAUSE_MS;
        }
        relay_server_tick(loop.server, now);
        serve_changes(loop);
    }
}

void close_loop(Relay_Loop &loop) {
    if (loop.host != nullptr) {
        for (Client_Socket &socket : loop.sockets) {
            close_watched(loop, socket.socket);
        }
        close_watched(loop, loop.watched_listener);
        kill_system_host(loop.host);
    }
    if (loop.listener >= 0) {
        close(loop.listener);
    }
    if (loop.signals >= 0) {
        close_signals(loop.signals);
    }
}

} // namespace

int run_relay(const Relay_Options &options, const Relay_Faults &faults) {
    Relay_Loop loop;
    Relay_Server_Def def;
    def.random = system_random();
    def.max_clients = max_clients(options.max_clients);
    if (!load_relay_key(options.key_file, def.secret_key)) {
        return EXIT_FAILED;
    }
    relay_server_start(loop.server, def);
    loop.server.faults = faults;

    Ip_Port bound;
    const bool ready = open_listener(loop, options, bound) && open_loop(loop) &&
                       print_ready(options, bound, loop.server.public_key, loop.signals);
    if (ready) {
        run_loop(loop);
    }
    close_loop(loop);
    return ready ? EXIT_DONE : EXIT_FAILED;
}

} // namespace toxtcp
