// `stand-in-relay`: a relay on real sockets of 127.0.0.1, of any kind in relay_kind.h. Commands change its kind.
//
//   stand-in-relay [COMMAND...]      each argument is one command, carried out before the relay listens
//
// It prints {"port": N, "public_key": "HEX"} once it listens, and then reads commands from standard input, one a line:
//
//   kind NAME      the relay is of this kind from now on (relay_kind.h); at first it is honest
//   one_way KEY    the client to whom `drops_one_way` carries nothing. Without this command: the client that connected
//                  last before the first packet came to a relay of that kind
//   flaw NAME      one small flaw in addition to the kind (FLAW_NAMES below); at first none
//   stat           prints one line of JSON, see `print_stat`
//   port N         as an argument only: the port to listen on. Without this command: any free port
//
// It has no DHT, but carries onion requests (onion_hop.h) while it is honest. When it refuses and then becomes another
// kind, it listens again on the same port with the same key. It ends when its standard input ends, and with exit status
// 1 at a command that it does not know.
#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sodium.h>

#include "onion_hop.h"
#include "relay_kind.h"
#include "tools/relay/server.h"

namespace toxtcp {

namespace {

constexpr std::size_t READ_SIZE = std::size_t{64} * 1024; ///< bytes, the most that is read from a client in a turn
constexpr std::uint64_t LONGEST_WAIT_MS = 1'000;
constexpr std::uint64_t SECOND_MS = 1'000;
constexpr std::size_t FORGED_SIZE = 100; ///< bytes of a forged packet's data
constexpr int LISTEN_BACKLOG = 64;

/// A flaw that only `toxtcp probe` must find. It is no kind of relay: kinds are what matters to a connection.
enum class Flaw : std::uint8_t {
    none,
    loses,      ///< loses every fifth packet
    changes,    ///< changes a byte of every fifth packet
    no_oob,     ///< delivers no OOB packet
    no_routes,  ///< tells no client that a peer is online
    no_answers, ///< sends nothing but its part of the handshake
    count
};
constexpr const char *FLAW_NAMES[] = {"none", "loses", "changes", "no_oob", "no_routes", "no_answers"};
static_assert(std::size(FLAW_NAMES) == static_cast<std::size_t>(Flaw::count));
constexpr std::uint64_t FLAWED_PACKET = 5; ///< one packet in so many is lost or changed

/// How often something happened: in all, and most within any one second.
struct Rate {
    std::uint64_t total = 0;
    std::size_t most = 0;
    std::deque<std::uint64_t> last; ///< ms, each time within the last second
};

struct Held {
    std::uint64_t due; ///< ms
    int client;
    std::vector<std::uint8_t> bytes;
};

struct Stand_In {
    Relay_Server server;
    Relay_Kind kind = Relay_Kind::honest;
    Flaw flaw = Flaw::none;
    std::optional<Public_Key> victim; ///< of `drops_one_way`

    std::uint16_t port = 0; ///< 0: any; after it has listened: its real port
    int listener = -1;
    int onion = -1;           ///< UDP, see onion_hop.h
    std::vector<int> sockets; ///< by client handle, -1 for none
    std::deque<Held> held;    ///< bytes that a late relay has not looked at yet, in the order in which they came
    std::uint64_t flap_due = 0;
    std::uint64_t forge_due = 0;
    std::string commands; ///< read from standard input: the start of a line that is not complete
    bool over = false;    ///< standard input has ended
    std::vector<std::uint8_t> buffer = std::vector<std::uint8_t>(READ_SIZE);

    Rate packets; ///< data and OOB packets that came, other than cookie requests and responses
    std::uint64_t carried = 0;
    std::uint64_t dropped = 0;
    Rate cookie_requests; ///< that came, carried or not
    Rate cookie_responses;
};

std::uint64_t now_ms() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000 + static_cast<std::uint64_t>(time.tv_nsec) / 1'000'000;
}

void count(Rate &rate, std::uint64_t now) {
    while (!rate.last.empty() && now - rate.last.front() >= SECOND_MS) {
        rate.last.pop_front();
    }
    rate.last.push_back(now);
    rate.most = std::max(rate.most, rate.last.size());
    ++rate.total;
}

// ---- packets ---------------------------------------------------------------------------------------------------

const Relay_Server_Route *online_route(const Relay_Server_Client &client, std::uint8_t id) {
    const auto index = static_cast<std::size_t>(id - FIRST_ROUTING_ID);
    return index < client.routes.size() && client.routes[index].peer_client >= 0 ? &client.routes[index] : nullptr;
}

/// The key of the client that a data or OOB packet is for; null for a data packet on a route that is not online.
const std::uint8_t *receiver_of(const Relay_Server_Client &from, const Packet &packet) {
    if (packet.type == Packet_Type::oob_send) {
        return packet.public_key;
    }
    const Relay_Server_Route *const route = online_route(from, packet.id);
    return route != nullptr ? route->peer.data() : nullptr;
}

Public_Key last_client(const Relay_Server &server) {
    const Relay_Server_Client *last = nullptr;
    for (const Relay_Server_Client &client : server.clients) {
        if (client.phase == Relay_Server_Phase::confirmed && (last == nullptr || client.started >= last->started)) {
            last = &client;
        }
    }
    return last != nullptr ? last->key : Public_Key{};
}

bool is_victim(Stand_In &relay, const std::uint8_t *receiver) {
    if (relay.kind != Relay_Kind::drops_one_way) {
        return false;
    }
    if (!relay.victim) {
        relay.victim = last_client(relay.server);
    }
    return std::equal(relay.victim->begin(), relay.victim->end(), receiver);
}

/// The number that comes back with an onion answer: the time at which the client connected, ms, and in the low byte its
/// handle (clients are few). The time keeps the answer from a later client with the same handle.
std::uint64_t onion_tag(const Stand_In &relay, int client) {
    return relay.server.clients[static_cast<std::size_t>(client)].started << 8 | static_cast<std::uint8_t>(client);
}

void pass_onion_answers(Stand_In &relay) {
    while (const std::optional<Onion_Answer> answer = next_onion_answer(relay.onion, relay.buffer)) {
        const auto client = static_cast<std::uint8_t>(answer->client);
        if (client < relay.server.clients.size() && onion_tag(relay, client) == answer->client) {
            std::vector<std::uint8_t> response{static_cast<std::uint8_t>(Packet_Type::onion_response)};
            response.insert(response.end(), answer->body.begin(), answer->body.end());
            (void)relay_server_inject(relay.server, client, response);
        }
    }
}

/// Relay_Faults::receive: counts what clients send, and decides whether it has an effect.
bool take_packet(Stand_In &relay, int client, const Packet &packet) {
    if (packet.type == Packet_Type::onion_request && relay.kind == Relay_Kind::honest) {
        pass_onion_request(relay.onion, packet.data, onion_tag(relay, client));
    }
    if (packet.type != Packet_Type::data && packet.type != Packet_Type::oob_send) {
        return true;
    }
    const std::uint64_t now = now_ms();
    if (packet.data[0] == ECHO_REQUEST || packet.data[0] == ECHO_RESPONSE) {
        count(packet.data[0] == ECHO_REQUEST ? relay.cookie_requests : relay.cookie_responses, now);
    } else {
        count(relay.packets, now);
    }
    const auto &from = relay.server.clients[static_cast<std::size_t>(client)];
    const std::uint8_t *const receiver = receiver_of(from, packet);
    if (receiver == nullptr) {
        return false;
    }
    const std::uint64_t all = relay.packets.total + relay.cookie_requests.total + relay.cookie_responses.total;
    const bool flawed = all % FLAWED_PACKET == 0;
    if (!relay_carries(relay.kind, packet.data, is_victim(relay, receiver)) || (flawed && relay.flaw == Flaw::loses)) {
        ++relay.dropped;
        std::vector<std::uint8_t> back = reflected(packet.data, receiver);
        if (relay.kind == Relay_Kind::forges && packet.type == Packet_Type::data && !back.empty()) {
            back.insert(back.begin(), packet.id);
            (void)relay_server_inject(relay.server, client, back);
        }
        return false;
    }
    if (flawed && relay.flaw == Flaw::changes) {
        // The bytes are in the server's buffer, which is not const.
        const_cast<std::uint8_t &>(packet.data.back()) ^= 1;
    }
    ++relay.carried;
    return true;
}

/// Relay_Faults::send
bool may_send(const Stand_In &relay, const Packet &packet) {
    switch (relay.flaw) {
    case Flaw::no_oob:
        return packet.type != Packet_Type::oob_recv;
    case Flaw::no_routes:
        return packet.type != Packet_Type::connect_notification;
    case Flaw::no_answers:
        return false;
    default:
        return true;
    }
}

/// Sends both ends of every pair of online routes a packet that the other end did not send.
void forge(Stand_In &relay) {
    std::array<std::uint8_t, 1 + FORGED_SIZE> plain;
    for (int client = 0; client < static_cast<int>(relay.server.clients.size()); ++client) {
        const std::size_t routes = relay.server.clients[static_cast<std::size_t>(client)].routes.size();
        for (std::size_t i = 0; i < routes; ++i) {
            const auto id = static_cast<std::uint8_t>(i + FIRST_ROUTING_ID);
            const bool room = relay_server_pending(relay.server, client).size() < READ_SIZE;
            if (room && online_route(relay.server.clients[static_cast<std::size_t>(client)], id) != nullptr) {
                constexpr std::uint8_t CRYPTO_DATA = 0x1b; // what the peer's own packets begin with
                randombytes_buf(plain.data(), plain.size());
                plain[0] = id;
                plain[1] = CRYPTO_DATA;
                (void)relay_server_inject(relay.server, client, plain);
            }
        }
    }
}

// ---- sockets ---------------------------------------------------------------------------------------------------

int socket_of(const Stand_In &relay, int client) {
    return relay.sockets[static_cast<std::size_t>(client)];
}

void end_client(Stand_In &relay, int client) {
    close(socket_of(relay, client));
    relay.sockets[static_cast<std::size_t>(client)] = -1;
    std::erase_if(relay.held, [client](const Held &held) { return held.client == client; });
    relay_server_close(relay.server, client);
}

void end_all(Stand_In &relay) {
    for (int client = 0; client < static_cast<int>(relay.sockets.size()); ++client) {
        if (socket_of(relay, client) >= 0) {
            end_client(relay, client);
        }
    }
}

/// Sends as much as the client's socket takes.
void flush(Stand_In &relay, int client) {
    for (Bytes left = relay_server_pending(relay.server, client); !left.empty();
         left = relay_server_pending(relay.server, client)) {
        const ssize_t sent = send(socket_of(relay, client), left.data(), left.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EINTR) {
            return; // the socket is full; or it has failed, which the next read tells
        }
        relay_server_sent(relay.server, client, sent > 0 ? static_cast<std::size_t>(sent) : 0);
    }
    const Relay_Server_Phase phase = relay.server.clients[static_cast<std::size_t>(client)].phase;
    if (relay.kind == Relay_Kind::shakes_hands && phase == Relay_Server_Phase::unconfirmed) {
        end_client(relay, client);
    }
}

void serve_changes(Stand_In &relay) {
    for (int client = relay_server_changed(relay.server); client >= 0; client = relay_server_changed(relay.server)) {
        if (relay_server_dropped(relay.server, client)) {
            end_client(relay, client);
        } else {
            flush(relay, client);
        }
    }
}

void take_bytes(Stand_In &relay, int client, Bytes bytes, std::uint64_t now) {
    if (!relay_server_receive(relay.server, client, bytes, now)) {
        end_client(relay, client);
    }
    serve_changes(relay);
}

void take_held(Stand_In &relay, std::uint64_t now) {
    while (!relay.held.empty() && relay.held.front().due <= now) {
        const Held held = std::move(relay.held.front());
        relay.held.pop_front();
        take_bytes(relay, held.client, held.bytes, now);
    }
}

void read_client(Stand_In &relay, int client, std::uint64_t now) {
    const ssize_t got = recv(socket_of(relay, client), relay.buffer.data(), relay.buffer.size(), MSG_DONTWAIT);
    if (got <= 0) {
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            end_client(relay, client);
        }
        return;
    }
    const Bytes bytes = Bytes{relay.buffer}.first(static_cast<std::size_t>(got));
    if (relay.kind == Relay_Kind::late) {
        relay.held.push_back({now + LATE_MS, client, {bytes.begin(), bytes.end()}});
    } else if (relay.kind != Relay_Kind::silent) {
        take_bytes(relay, client, bytes, now);
    }
}

void accept_client(Stand_In &relay, std::uint64_t now) {
    const int socket = accept4(relay.listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0) {
        return;
    }
    const int client = relay_server_accept(relay.server, now);
    if (client < 0) {
        close(socket);
        return;
    }
    const int on = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    relay.sockets.resize(relay.server.clients.size(), -1);
    relay.sockets[static_cast<std::size_t>(client)] = socket;
}

bool listen_at_port(Stand_In &relay) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(relay.port);
    socklen_t size = sizeof at;
    auto *const any = reinterpret_cast<sockaddr *>(&at);
    relay.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    // Without SO_REUSEADDR the relay could not listen again while connections that it has ended still hold its port.
    const int on = 1;
    if (relay.listener < 0 || setsockopt(relay.listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(relay.listener, any, size) != 0 || listen(relay.listener, LISTEN_BACKLOG) != 0 ||
        getsockname(relay.listener, any, &size) != 0) {
        std::perror("stand-in-relay: cannot listen");
        return false;
    }
    relay.port = ntohs(at.sin_port);
    return true;
}

// ---- commands --------------------------------------------------------------------------------------------------

void set_kind(Stand_In &relay, Relay_Kind kind, std::uint64_t now) {
    relay.kind = kind;
    relay.flap_due = relay.forge_due = now;
    if (kind == Relay_Kind::refuses || kind == Relay_Kind::silent || kind == Relay_Kind::shakes_hands) {
        end_all(relay);
    }
    if (kind == Relay_Kind::refuses && relay.listener >= 0) {
        close(relay.listener);
        relay.listener = -1;
    }
    if (kind != Relay_Kind::late && kind != Relay_Kind::hangs) {
        for (Held &held : relay.held) {
            held.due = now;
        }
    }
}

/// Prints a line of JSON. "carried", "dropped": data and OOB packets. "cookie_requests", "cookie_responses": those that
/// came, carried or not. "most_cookie_requests_in_a_second". "most_in_a_second": other data and OOB packets that came.
/// "clients": confirmed clients. "online": ends of online routes.
void print_stat(const Stand_In &relay) {
    std::size_t online = 0;
    for (const Relay_Server_Client &client : relay.server.clients) {
        online += static_cast<std::size_t>(std::count_if(client.routes.begin(), client.routes.end(),
                                                         [](const auto &route) { return route.peer_client >= 0; }));
    }
    std::printf("{\"carried\": %llu, \"dropped\": %llu, \"most_in_a_second\": %zu, \"cookie_requests\": %llu, "
                "\"cookie_responses\": %llu, \"most_cookie_requests_in_a_second\": %zu, \"clients\": %zu, "
                "\"online\": %zu}\n",
                static_cast<unsigned long long>(relay.carried), static_cast<unsigned long long>(relay.dropped),
                relay.packets.most, static_cast<unsigned long long>(relay.cookie_requests.total),
                static_cast<unsigned long long>(relay.cookie_responses.total), relay.cookie_requests.most,
                relay_server_clients(relay.server), online);
    std::fflush(stdout);
}

std::optional<Flaw> parse_flaw(std::string_view name) {
    const auto *const found = std::find(std::begin(FLAW_NAMES), std::end(FLAW_NAMES), name);
    return found != std::end(FLAW_NAMES) ? std::optional{static_cast<Flaw>(found - std::begin(FLAW_NAMES))}
                                         : std::nullopt;
}

std::optional<Public_Key> parse_hex_key(const std::string &text) {
    Public_Key key;
    std::size_t size = 0;
    const bool parsed = sodium_hex2bin(key.data(), key.size(), text.data(), text.size(), nullptr, &size, nullptr) == 0;
    return parsed && size == key.size() ? std::optional{key} : std::nullopt;
}

/// Carries out a command. False when it is not a command.
bool obey(Stand_In &relay, const std::string &line, bool is_argument) {
    const std::size_t space = line.find(' ');
    const std::string word = line.substr(0, space);
    const std::string rest = space == std::string::npos ? "" : line.substr(space + 1);
    if (word == "kind") {
        const std::optional<Relay_Kind> kind = parse_relay_kind(rest);
        if (kind) {
            set_kind(relay, *kind, now_ms());
        }
        return kind && (is_argument || relay.listener >= 0 || kind == Relay_Kind::refuses || listen_at_port(relay));
    }
    if (word == "flaw") {
        const std::optional<Flaw> flaw = parse_flaw(rest);
        relay.flaw = flaw.value_or(relay.flaw);
        return flaw.has_value();
    }
    if (word == "one_way") {
        relay.victim = parse_hex_key(rest);
        return relay.victim.has_value();
    }
    if (word == "port" && is_argument) {
        const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), relay.port);
        return error == std::errc{} && end == rest.data() + rest.size();
    }
    if (word == "stat") {
        print_stat(relay);
        return true;
    }
    return false;
}

/// Carries out the commands on standard input. False when a line is not a command.
bool read_commands(Stand_In &relay) {
    std::array<char, 4096> text;
    const ssize_t got = read(STDIN_FILENO, text.data(), text.size());
    relay.over = got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN);
    relay.commands.append(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
    for (std::size_t end = relay.commands.find('\n'); end != std::string::npos; end = relay.commands.find('\n')) {
        const std::string line = relay.commands.substr(0, end);
        relay.commands.erase(0, end + 1);
        if (!obey(relay, line, false)) {
            std::fprintf(stderr, "stand-in-relay: cannot do `%s`\n", line.c_str());
            return false;
        }
    }
    return true;
}

// ---- the loop --------------------------------------------------------------------------------------------------

/// Whether the server's timers run. A relay that hangs does nothing; a relay that is silent ends no connection.
bool ticks(const Stand_In &relay) {
    return relay.kind != Relay_Kind::hangs && relay.kind != Relay_Kind::silent;
}

int wait_time(const Stand_In &relay, std::uint64_t now) {
    std::uint64_t due = now + LONGEST_WAIT_MS;
    if (ticks(relay)) {
        due = std::min(due, relay_server_deadline(relay.server));
        due = relay.held.empty() ? due : std::min(due, relay.held.front().due);
    }
    if (relay.kind == Relay_Kind::forges) {
        due = std::min(due, relay.forge_due);
    } else if (relay.kind == Relay_Kind::flaps) {
        due = std::min(due, relay.flap_due);
    }
    return due <= now ? 0 : static_cast<int>(due - now);
}

void do_due(Stand_In &relay, std::uint64_t now) {
    if (relay.kind == Relay_Kind::flaps && now >= relay.flap_due) {
        end_all(relay);
        relay.flap_due = now + FLAP_MS;
    }
    if (relay.kind == Relay_Kind::forges && now >= relay.forge_due) {
        forge(relay);
        // Counted from the due time, so that the rate is 20 a second. Times that were missed are not made up for.
        relay.forge_due = std::max(relay.forge_due + FORGE_EVERY_MS, now);
    }
    if (ticks(relay)) {
        take_held(relay, now);
        relay_server_tick(relay.server, now);
        serve_changes(relay);
    }
}

/// What poll() waits for: standard input, the listener, the onion's socket, and then an entry for each of `clients`.
std::vector<pollfd> watched(const Stand_In &relay, std::vector<int> &clients) {
    std::vector<pollfd> watched{{STDIN_FILENO, POLLIN, 0}};
    clients.clear();
    if (relay.kind == Relay_Kind::hangs) {
        return watched;
    }
    watched.push_back({relay.listener, POLLIN, 0});
    watched.push_back({relay.onion, POLLIN, 0});
    for (int client = 0; client < static_cast<int>(relay.sockets.size()); ++client) {
        if (socket_of(relay, client) >= 0) {
            const bool waits = !relay_server_pending(relay.server, client).empty();
            watched.push_back({socket_of(relay, client), static_cast<short>(waits ? POLLIN | POLLOUT : POLLIN), 0});
            clients.push_back(client);
        }
    }
    return watched;
}

/// A turn of the loop. False when the relay cannot go on.
bool turn(Stand_In &relay) {
    std::vector<int> clients;
    std::vector<pollfd> ready = watched(relay, clients);
    if (poll(ready.data(), ready.size(), wait_time(relay, now_ms())) < 0) {
        return errno == EINTR;
    }
    const std::uint64_t now = now_ms();
    for (std::size_t i = 0; i < clients.size(); ++i) {
        const pollfd &one = ready[i + 3];
        // The client may have been ended in this turn, while another client was served.
        if ((one.revents & POLLOUT) != 0 && socket_of(relay, clients[i]) == one.fd) {
            flush(relay, clients[i]);
        }
        if ((one.revents & ~POLLOUT) != 0 && socket_of(relay, clients[i]) == one.fd) {
            read_client(relay, clients[i], now);
        }
        serve_changes(relay);
    }
    if (ready.size() > 1 && ready[1].revents != 0) {
        accept_client(relay, now);
    }
    if (ready.size() > 2 && ready[2].revents != 0) {
        pass_onion_answers(relay);
        serve_changes(relay);
    }
    do_due(relay, now);
    return ready[0].revents == 0 || read_commands(relay);
}

bool start(Stand_In &relay, int argc, char **argv) {
    Relay_Server_Def def;
    Public_Key key;
    new_key_pair(key, def.secret_key);
    def.random = system_random();
    relay_server_start(relay.server, def);
    relay.server.faults.receive = [&relay](int client, const Public_Key &, const Packet &packet) {
        return take_packet(relay, client, packet);
    };
    relay.server.faults.send = [&relay](int, const Public_Key &, const Packet &packet) {
        return may_send(relay, packet);
    };
    for (int i = 1; i < argc; ++i) {
        if (!obey(relay, argv[i], true)) {
            std::fprintf(stderr, "stand-in-relay: `%s` is no command; they are in its source\n", argv[i]);
            return false;
        }
    }
    relay.onion = open_onion_hop();
    if (relay.onion < 0) {
        std::perror("stand-in-relay: cannot open a UDP socket");
        return false;
    }
    // A relay that refuses listens for a moment too, so that it has a port.
    if (!listen_at_port(relay)) {
        return false;
    }
    set_kind(relay, relay.kind, now_ms());
    std::printf("{\"port\": %u, \"public_key\": \"%s\"}\n", unsigned{relay.port}, to_string(key).c_str());
    return std::fflush(stdout) == 0;
}

int run(int argc, char **argv) {
    Stand_In relay;
    if (sodium_init() < 0 || !start(relay, argc, argv)) {
        return EXIT_FAILURE;
    }
    while (!relay.over) {
        if (!turn(relay)) {
            return EXIT_FAILURE;
        }
    }
    return EXIT_SUCCESS;
}

} // namespace

} // namespace toxtcp

int main(int argc, char **argv) {
    return toxtcp::run(argc, argv);
}
