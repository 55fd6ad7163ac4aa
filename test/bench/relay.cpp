// The scripted relay of the benchmarks. `bench-relay COUNT` runs COUNT relays in one process. It takes requests from
// its standard input (relay_control.h), and exits when the input ends.
#include <array>
#include <bitset>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sodium.h>

#include <toxtcp/wire.h>

#include "relay_control.h"

namespace {

using namespace toxtcp;

constexpr std::size_t READ_SIZE = std::size_t{256} * 1024;
/// Packets are sent to the client in pieces of this many bytes, as a network card delivers a fast stream.
constexpr std::size_t PIECE = std::size_t{16} * 1024;
/// Bytes; larger than any segment of the loopback device, so that its segments get as large as possible.
constexpr std::size_t MUCH = std::size_t{256} * 1024;
constexpr rlim_t DESCRIPTORS_EACH = 2;
constexpr rlim_t OTHER_DESCRIPTORS = 32;

struct Client {
    int socket = -1;
    std::size_t relay = 0;
    bool drain = false;
    bool confirmed = false;
    Public_Key key{};
    Channel channel;
    std::bitset<MAX_ROUTES> routes;
    std::vector<std::uint8_t> in;
    std::vector<std::uint8_t> out;
};

struct Listener {
    int socket = -1;
    Secret_Key secret_key;
    bench_address address{};
    Client *client = nullptr; ///< the client that connected last
};

struct Relays {
    std::vector<Listener> listeners; ///< the last is the drain
    std::vector<std::unique_ptr<Client>> clients;
    std::vector<std::uint8_t> buffer = std::vector<std::uint8_t>(READ_SIZE);
    int epoll = -1;
    bool online = true;
    std::uint64_t packets = 0;
    std::uint64_t drained = 0;
};

[[noreturn]] void fail(const char *what) {
    std::perror(what);
    std::exit(EXIT_FAILURE);
}

void watch(Relays &relays, int socket, std::uint64_t tag) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = tag;
    if (epoll_ctl(relays.epoll, EPOLL_CTL_ADD, socket, &event) != 0) {
        fail("epoll_ctl");
    }
}

int listen_somewhere(std::uint16_t &port) {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto *const any = reinterpret_cast<sockaddr *>(&address);
    if (listener < 0 || bind(listener, any, size) != 0 || listen(listener, 16) != 0 ||
        getsockname(listener, any, &size) != 0) {
        fail("listen");
    }
    port = ntohs(address.sin_port);
    return listener;
}

// ---- what goes out ---------------------------------------------------------------------------------------------

/// Seals a packet and appends it to the client's queue.
void queue(Client &client, const Packet &packet) {
    std::array<std::uint8_t, MAX_FRAME_SIZE> frame;
    const std::size_t plain = encode_packet(packet, Mutable_Bytes{frame}.subspan(FRAME_OVERHEAD));
    seal_frame(client.channel, Mutable_Bytes{frame}.first(FRAME_OVERHEAD + plain));
    client.out.insert(client.out.end(), frame.begin(),
                      frame.begin() + static_cast<std::ptrdiff_t>(FRAME_OVERHEAD + plain));
}

/// Whether the receiving socket has taken all bytes: none waits in our socket.
bool all_is_there(const Client &client) {
    int waiting = 0;
    return ioctl(client.socket, SIOCOUTQNSD, &waiting) == 0 && waiting == 0;
}

/// Sends the queue. Returns whether the socket took all of it.
bool flush(Client &client) {
    std::size_t done = 0;
    while (done < client.out.size()) {
        const ssize_t sent = send(client.socket, client.out.data() + done, client.out.size() - done, MSG_NOSIGNAL);
        if (sent <= 0) {
            break;
        }
        done += static_cast<std::size_t>(sent);
    }
    client.out.erase(client.out.begin(), client.out.begin() + static_cast<std::ptrdiff_t>(done));
    return client.out.empty();
}

/// How many frames are still in the queue, a partly sent frame included.
std::size_t frames_left(const Client &client, std::size_t frame) {
    return (client.out.size() + frame - 1) / frame;
}

std::uint64_t send_packets(Relays &relays, const relay_request &request) {
    Client *const client = relays.listeners[request.relay].client;
    if (client == nullptr || !client->confirmed) {
        return 0;
    }
    std::vector<std::uint8_t> data(request.size, std::uint8_t{0x5A});
    Public_Key key{};
    Packet packet;
    packet.type = request.task == RELAY_SEND_OOB ? Packet_Type::oob_recv : Packet_Type::data;
    packet.id = FIRST_ROUTING_ID;
    packet.public_key = key.data();
    packet.data = data;
    const bool much = request.task == RELAY_SEND_MUCH;
    const std::size_t piece = much ? MUCH : PIECE;
    const std::size_t head = request.task == RELAY_SEND_OOB ? 1 + KEY_SIZE : 1;
    const std::size_t frame = FRAME_OVERHEAD + head + request.size;
    const std::size_t left_before = frames_left(*client, frame);
    std::uint64_t sealed = 0;
    bool room = flush(*client);
    while (room && sealed < request.count) {
        while (sealed < request.count && client->out.size() + frame <= piece) {
            if (request.task == RELAY_SEND_OOB) {
                bench_peer_key(request.first + static_cast<std::uint32_t>(sealed) * request.step, key.data());
            }
            queue(*client, packet);
            ++sealed;
        }
        room = flush(*client) && (much || all_is_there(*client));
    }
    return left_before + sealed - frames_left(*client, frame);
}

// ---- what comes in ---------------------------------------------------------------------------------------------

void take_packet(Relays &relays, Client &client, const Packet &packet) {
    Packet answer;
    switch (packet.type) {
    case Packet_Type::ping:
        answer.type = Packet_Type::pong;
        answer.ping_id = packet.ping_id;
        queue(client, answer);
        return;
    case Packet_Type::pong:
        return;
    case Packet_Type::routing_request: {
        std::size_t route = 0;
        while (route < MAX_ROUTES && client.routes[route]) {
            ++route;
        }
        answer.type = Packet_Type::routing_response;
        answer.id = route == MAX_ROUTES ? std::uint8_t{0} : static_cast<std::uint8_t>(FIRST_ROUTING_ID + route);
        answer.public_key = packet.public_key;
        queue(client, answer);
        if (route < MAX_ROUTES) {
            client.routes.set(route);
            if (relays.online) {
                answer.type = Packet_Type::connect_notification;
                queue(client, answer);
            }
        }
        break;
    }
    case Packet_Type::disconnect_notification:
        client.routes.reset(static_cast<std::size_t>(packet.id - FIRST_ROUTING_ID));
        break;
    default:
        break;
    }
    ++relays.packets;
}

bool take_handshake(const Listener &listener, Client &client) {
    if (client.in.size() < HANDSHAKE_REQUEST_SIZE) {
        return true;
    }
    std::array<std::uint8_t, HANDSHAKE_RESPONSE_SIZE> response;
    const auto request = std::span<const std::uint8_t>{client.in}.first<HANDSHAKE_REQUEST_SIZE>();
    if (!answer_handshake(system_random(), listener.secret_key, request, response, client.key, client.channel)) {
        return false;
    }
    client.out.insert(client.out.end(), response.begin(), response.end());
    client.in.erase(client.in.begin(), client.in.begin() + HANDSHAKE_REQUEST_SIZE);
    client.confirmed = true;
    return true;
}

bool take_frames(Relays &relays, Client &client) {
    std::size_t at = 0;
    while (client.in.size() - at >= FRAME_HEADER_SIZE) {
        const std::size_t length = frame_length(client.in.data() + at);
        if (!frame_length_is_valid(length)) {
            return false;
        }
        if (client.in.size() - at < FRAME_HEADER_SIZE + length) {
            break;
        }
        const Mutable_Bytes sealed = Mutable_Bytes{client.in}.subspan(at + FRAME_HEADER_SIZE, length);
        const Mutable_Bytes plain = open_sealed(client.channel, sealed);
        Packet packet;
        if (plain.empty() || decode_packet(Sender::client, plain, packet) != Reason::none) {
            return false;
        }
        take_packet(relays, client, packet);
        at += FRAME_HEADER_SIZE + length;
    }
    client.in.erase(client.in.begin(), client.in.begin() + static_cast<std::ptrdiff_t>(at));
    return true;
}

void read_client(Relays &relays, Client &client) {
    bool good = true;
    while (good) {
        const ssize_t got = recv(client.socket, relays.buffer.data(), relays.buffer.size(), 0);
        if (got < 0 && errno == EAGAIN) {
            break;
        }
        good = got > 0;
        if (good && client.drain) {
            relays.drained += static_cast<std::uint64_t>(got);
        } else if (good) {
            client.in.insert(client.in.end(), relays.buffer.begin(), relays.buffer.begin() + got);
            good = (client.confirmed || take_handshake(relays.listeners[client.relay], client)) &&
                   (!client.confirmed || take_frames(relays, client));
        }
    }
    flush(client);
    // Makes the system acknowledge at once what was read, so that the client's next burst does not have to wait.
    const int on = 1;
    setsockopt(client.socket, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
    if (!good) {
        Listener &listener = relays.listeners[client.relay];
        listener.client = listener.client == &client ? nullptr : listener.client;
        close(client.socket);
        client.socket = -1; // its struct stays: an event may still name it
    }
}

void accept_client(Relays &relays, std::size_t number) {
    const int socket = accept4(relays.listeners[number].socket, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0) {
        return;
    }
    const int on = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    auto client = std::make_unique<Client>();
    client->socket = socket;
    client->relay = number;
    client->drain = number + 1 == relays.listeners.size();
    relays.listeners[number].client = client.get();
    relays.clients.push_back(std::move(client));
    watch(relays, socket, relays.listeners.size() + relays.clients.size() - 1);
}

/// Serves the sockets until `done` is true or, with `until_told`, until a request comes.
template <class Done>
void serve(Relays &relays, bool until_told, Done done) {
    constexpr std::uint64_t TAG_CONTROL = UINT64_MAX;
    if (until_told) {
        watch(relays, STDIN_FILENO, TAG_CONTROL);
    }
    bool told = false;
    while (!told && !done()) {
        std::array<epoll_event, 64> events;
        const int count = epoll_wait(relays.epoll, events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < count; ++i) {
            const std::uint64_t tag = events[static_cast<std::size_t>(i)].data.u64;
            if (tag == TAG_CONTROL) {
                told = true;
            } else if (tag < relays.listeners.size()) {
                accept_client(relays, tag);
            } else if (Client &client = *relays.clients[tag - relays.listeners.size()]; client.socket >= 0) {
                read_client(relays, client);
            }
        }
    }
    if (until_told) {
        epoll_ctl(relays.epoll, EPOLL_CTL_DEL, STDIN_FILENO, nullptr);
    }
}

// ---- the control -----------------------------------------------------------------------------------------------

bool read_request(relay_request &request) {
    std::size_t size = 0;
    while (size < sizeof request) {
        const ssize_t got =
            read(STDIN_FILENO, reinterpret_cast<std::uint8_t *>(&request) + size, sizeof request - size);
        if (got <= 0) {
            return false;
        }
        size += static_cast<std::size_t>(got);
    }
    return true;
}

void answer(const void *data, std::size_t size) {
    if (write(STDIN_FILENO, data, size) != static_cast<ssize_t>(size)) {
        std::exit(EXIT_FAILURE);
    }
}

void answer(std::uint64_t number) {
    answer(&number, sizeof number);
}

void obey(Relays &relays, const relay_request &request) {
    switch (request.task) {
    case RELAY_SERVE:
        answer(0);
        serve(relays, true, [] { return false; });
        break;
    case RELAY_SEND_DATA:
    case RELAY_SEND_OOB:
    case RELAY_SEND_MUCH:
        answer(send_packets(relays, request));
        break;
    case RELAY_AWAIT_PACKETS:
        serve(relays, false, [&] { return relays.packets >= request.count; });
        answer(relays.packets);
        break;
    case RELAY_AWAIT_DRAIN:
        serve(relays, false, [&] { return relays.drained >= request.count; });
        answer(relays.drained);
        break;
    case RELAY_SET_ONLINE:
        relays.online = request.count != 0;
        answer(0);
        break;
    default:
        answer(0);
        break;
    }
}

} // namespace

int main(int argc, char **argv) {
    const std::size_t count = argc == 2 ? std::strtoul(argv[1], nullptr, 10) : 0;
    if (count == 0 || sodium_init() < 0) {
        std::fprintf(stderr, "usage: bench-relay COUNT, with its control as standard input\n");
        return 2;
    }
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = std::min(limit.rlim_max, std::max(limit.rlim_cur, DESCRIPTORS_EACH * count + OTHER_DESCRIPTORS));
    setrlimit(RLIMIT_NOFILE, &limit);

    Relays relays;
    relays.epoll = epoll_create1(EPOLL_CLOEXEC);
    relays.listeners.resize(count + 1);
    for (std::size_t i = 0; i <= count; ++i) {
        Listener &listener = relays.listeners[i];
        Public_Key key;
        new_key_pair(key, listener.secret_key);
        std::memcpy(listener.address.key, key.data(), key.size());
        listener.socket = listen_somewhere(listener.address.port);
        watch(relays, listener.socket, i);
        if (i < count) {
            answer(&listener.address, sizeof listener.address);
        }
    }
    answer(&relays.listeners.back().address.port, sizeof(std::uint16_t));
    for (relay_request request; read_request(request);) {
        obey(relays, request);
    }
    return EXIT_SUCCESS;
}
