#include "abi_host.h"

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>

using namespace toxtcp;

#if TOXTCP_TOXCORE_GENERATION >= 223
struct Socket {
    int value;
};
#define NUMBER_OF(sock) ((sock).value)
#else
struct Socket {
    int sock;
};
#define NUMBER_OF(sock) ((sock).sock)
#endif

namespace {

// Numbers that no file descriptor has: code that uses them as descriptors fails.
constexpr int FIRST_SOCKET = 1'000'000;
constexpr int WARNING = 3;

Network::Socket_State *find(const Network *ns, Socket sock) {
    const auto index = static_cast<std::size_t>(NUMBER_OF(sock) - FIRST_SOCKET);
    return index < ns->sockets.size() && ns->sockets[index].open ? &ns->sockets[index] : nullptr;
}

int result(std::ptrdiff_t moved) {
    if (moved == SOCKET_WOULD_BLOCK) {
        errno = EAGAIN;
        return -1;
    }
    if (moved == SOCKET_FAILED) {
        errno = ECONNRESET;
        return -1;
    }
    return static_cast<int>(moved);
}

#ifdef TOXTCP_ABI_ORIGINAL
/// How many bytes `net_recv` would find.
std::size_t waiting(const Network *ns, Socket sock) {
    const Network::Socket_State *const state = find(ns, sock);
    const Sim_Socket &end = ns->node->sockets[static_cast<std::size_t>(state->sim)];
    return ns->node->net->links[end.link].pipe[1 - end.side].arrived;
}
#endif

Ip_Port own_address(const IP_Port &from) {
    Ip_Port to;
    to.family = from.ip.family.value == 10 ? toxtcp::Family::ipv6 : toxtcp::Family::ipv4;
    std::memcpy(to.ip.data(), from.ip.ip.v6.uint8, to.family == toxtcp::Family::ipv6 ? 16 : 4);
    std::array<std::uint8_t, 2> port;
    std::memcpy(port.data(), &from.port, 2);
    to.port = static_cast<std::uint16_t>(port[0] << 8 | port[1]);
    return to;
}

bool connect_to(const Network *ns, Socket sock, const IP_Port *address) {
    const Abi_Outside outside;
    Network::Socket_State *const state = find(ns, sock);
    // toxcore connects a socket only after these two settings, and only to an IPv4 or IPv6 address.
    if (state == nullptr || !state->nonblocking || !state->no_sigpipe ||
        (address->ip.family.value != 2 && address->ip.family.value != 10)) {
        return false;
    }
    state->sim = sim_connect(*ns->node, own_address(*address));
    return state->sim >= 0;
}

// Before 0.2.21 net_connect has no Network argument, so the network that made the latest socket is used.
#if TOXTCP_TOXCORE_GENERATION < 223
const Network *latest_network = nullptr;
#endif

const Network systems{};

} // namespace

// ---- what the archive calls ------------------------------------------------------------------------------------

extern "C" {

#if TOXTCP_TOXCORE_GENERATION >= 223
void logger_write(const Logger *log, int level, const char *, std::uint32_t, const char *, const char *format, ...) {
#else
void logger_write(const Logger *log, int level, const char *, int, const char *, const char *format, ...) {
#endif
    const Abi_Outside outside;
    std::array<char, 512> text;
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(text.data(), text.size(), format, arguments);
    va_end(arguments);
    if (level >= WARNING) {
        const_cast<Logger *>(log)->warnings.emplace_back(text.data());
    }
}

std::uint64_t current_time_monotonic(Mono_Time *mono_time) {
    return mono_time->ms;
}

void random_bytes(const ::Random *rng, std::uint8_t *bytes, std::size_t length) {
    sim_fill(rng->state, {bytes, length});
}

bool sock_valid(Socket sock) {
    return NUMBER_OF(sock) != -1;
}

Socket net_socket(const Network *ns, ::Family domain, int type, int protocol) {
    const Abi_Outside outside;
    ++ns->calls;
    if (ns->closed || (domain.value != 2 && domain.value != 10) || type != 1 || protocol != 1) {
        return {-1};
    }
#if TOXTCP_TOXCORE_GENERATION < 223
    latest_network = ns;
#endif
    ns->sockets.emplace_back();
    return {FIRST_SOCKET + static_cast<int>(ns->sockets.size()) - 1};
}

bool set_socket_nonblock(const Network *ns, Socket sock) {
    Network::Socket_State *const state = find(ns, sock);
    return state != nullptr && (state->nonblocking = true);
}

bool set_socket_nosigpipe(const Network *ns, Socket sock) {
    Network::Socket_State *const state = find(ns, sock);
    return state != nullptr && (state->no_sigpipe = true);
}

#if TOXTCP_TOXCORE_GENERATION == 218
bool net_connect(const Logger *, Socket sock, const IP_Port *ip_port) {
    return connect_to(latest_network, sock, ip_port);
}
#elif TOXTCP_TOXCORE_GENERATION == 220
bool net_connect(const Memory *mem, const Logger *, Socket sock, const IP_Port *ip_port) {
    return !mem->failing && connect_to(latest_network, sock, ip_port);
}
#else
bool net_connect(const Network *ns, const Memory *mem, const Logger *, Socket sock, const IP_Port *ip_port, int *err) {
    *err = 0;
    return !mem->failing && connect_to(ns, sock, ip_port);
}
#endif

/// toxcore's calls log their result, and the log's callback may change errno.
static int logged(const Logger *log, int moved) {
    if (moved <= 0 && log->leaves_errno != 0) {
        errno = log->leaves_errno;
    }
    return moved;
}

static int send_bytes(const Network *ns, Socket sock, const std::uint8_t *buf, std::size_t len,
                      const IP_Port *ip_port) {
    const Abi_Outside outside;
    const Network::Socket_State *const state = find(ns, sock);
    ++ns->calls;
    if (state == nullptr || ip_port->port == 0) {
        errno = EBADF;
        return -1;
    }
    const int sent = result(sim_send(*ns->node, state->sim, {buf, len}));
    ns->bytes_sent += static_cast<std::uint64_t>(std::max(sent, 0));
    return sent;
}

#if TOXTCP_TOXCORE_GENERATION >= 223
void netprof_record_packet(Net_Profile *profile, std::uint8_t id, std::size_t length, int direction) {
    if (profile != nullptr) {
        Net_Profile::Direction &counts = profile->directions.at(static_cast<std::size_t>(direction));
        ++counts.packets;
        ++counts.by_id[id];
        counts.bytes += length;
    }
}

int net_send(const Network *ns, const Logger *log, Socket sock, const std::uint8_t *buf, std::size_t len,
             const IP_Port *ip_port, Net_Profile *net_profile) {
    const int sent = send_bytes(ns, sock, buf, len, ip_port);
    if (sent > 0) {
        netprof_record_packet(net_profile, buf[0], static_cast<std::size_t>(sent), 0);
    }
    return logged(log, sent);
}
#else
int net_send(const Network *ns, const Logger *log, Socket sock, const std::uint8_t *buf, std::size_t len,
             const IP_Port *ip_port) {
    return logged(log, send_bytes(ns, sock, buf, len, ip_port));
}
#endif

int net_recv(const Network *ns, const Logger *log, Socket sock, std::uint8_t *buf, std::size_t len,
             const IP_Port *ip_port) {
    const Abi_Outside outside;
    Network::Socket_State *const state = find(ns, sock);
    ++ns->calls;
    if (state == nullptr || ip_port->port == 0) {
        errno = EBADF;
        return -1;
    }
    const std::ptrdiff_t got = sim_receive(*ns->node, state->sim, {buf, len});
    state->heard = state->heard || got > 0;
    if (got == SOCKET_FAILED && state->heard && state->failed) {
        return 0; // a system tells of a reset once, and of the end from then on
    }
    state->failed = state->failed || got == SOCKET_FAILED;
    return logged(log, result(got));
}

void kill_sock(const Network *ns, Socket sock) {
    const Abi_Outside outside;
    Network::Socket_State *const state = find(ns, sock);
    ++ns->calls;
    if (state != nullptr) {
        if (state->sim >= 0) {
            sim_close(*ns->node, state->sim);
        }
        state->open = false;
    }
}

#if TOXTCP_TOXCORE_GENERATION == 218
const Network *system_network(void) {
#else
const Network *os_network(void) {
#endif
    return &systems;
}

#ifdef TOXTCP_ABI_ORIGINAL
// What toxcore's own code calls besides.

std::uint64_t mono_time_get(const Mono_Time *mono_time) {
    constexpr std::uint64_t START = 1'000'000; // far from 0, which means "never" in toxcore
    return START + mono_time->ms / 1000;
}

bool mono_time_is_timeout(const Mono_Time *mono_time, std::uint64_t timestamp, std::uint64_t timeout) {
    return timestamp + timeout <= mono_time_get(mono_time);
}

std::uint32_t random_u32(const ::Random *rng) {
    return static_cast<std::uint32_t>(sim_random(rng->state));
}

std::uint64_t random_u64(const ::Random *rng) {
    return sim_random(rng->state);
}

void random_nonce(const ::Random *rng, std::uint8_t *nonce) {
    random_bytes(rng, nonce, NONCE_SIZE);
}

std::int32_t crypto_new_keypair(const ::Random *rng, std::uint8_t *public_key, std::uint8_t *secret_key) {
    Secret_Key secret;
    sim_fill(rng->state, secret.bytes);
    const Public_Key key = public_key_of(secret);
    std::copy(secret.bytes.begin(), secret.bytes.end(), secret_key);
    std::copy(key.begin(), key.end(), public_key);
    return 0;
}

std::uint16_t net_socket_data_recv_buffer(const Network *ns, Socket sock) {
    return static_cast<std::uint16_t>(std::min<std::size_t>(waiting(ns, sock), UINT16_MAX));
}
#endif

} // extern "C"

// ---- for the tests ---------------------------------------------------------------------------------------------

namespace toxtcp {

void abi_peer_prepare(Abi_Peer &peer, Sim_Network &net) {
    peer.net = &net;
    const std::uint32_t number = sim_add_node(net, {});
    peer.network.node = net.nodes[number].get();
    peer.random.state.state = sim_random(net.random);
    peer.clock.ms = net.now;
    sim_fill(net.random, peer.secret_key.bytes);
    peer.key = public_key_of(peer.secret_key);
}

std::size_t abi_open_sockets(const Network &network) {
    return static_cast<std::size_t>(std::count_if(network.sockets.begin(), network.sockets.end(),
                                                  [](const Network::Socket_State &state) { return state.open; }));
}

Abi_Parts parts_of(Abi_Peer &peer) {
    return {&peer.random, &peer.network, &peer.clock, peer.secret_key.bytes.data()};
}

TCP_Connections *abi_new_connections(Abi_Peer &peer, const Abi_Parts &parts) {
    const TCP_Proxy_Info none{};
    const auto &[random, network, clock, secret] = parts;
#if TOXTCP_TOXCORE_GENERATION == 218
    return ::new_tcp_connections(&peer.logger, random, network, clock, secret, &none);
#elif TOXTCP_TOXCORE_GENERATION == 220
    return ::new_tcp_connections(&peer.logger, &peer.memory, random, network, clock, secret, &none);
#else
    return ::new_tcp_connections(&peer.logger, &peer.memory, random, network, clock, secret, &none, &peer.profile);
#endif
}

TCP_Client_Connection *abi_new_client(Abi_Peer &peer, const IP_Port &address, const Public_Key &relay,
                                      const TCP_Proxy_Info *proxy) {
    const std::uint8_t *const secret = peer.secret_key.bytes.data();
#if TOXTCP_TOXCORE_GENERATION == 218
    return new_TCP_connection(&peer.logger, &peer.clock, &peer.random, &peer.network, &address, relay.data(),
                              peer.key.data(), secret, proxy);
#elif TOXTCP_TOXCORE_GENERATION == 220
    return new_tcp_connection(&peer.logger, &peer.memory, &peer.clock, &peer.random, &peer.network, &address,
                              relay.data(), peer.key.data(), secret, proxy);
#else
    return new_tcp_connection(&peer.logger, &peer.memory, &peer.clock, &peer.random, &peer.network, &address,
                              relay.data(), peer.key.data(), secret, proxy, &peer.profile);
#endif
}

#if TOXTCP_TOXCORE_GENERATION == 218
#define do_tcp_connection do_TCP_connection
#define kill_tcp_connection kill_TCP_connection
#endif

void abi_do_client(Abi_Peer &peer, TCP_Client_Connection *client) {
    peer.clock.ms = peer.net->now;
    do_tcp_connection(&peer.logger, &peer.clock, client, &peer);
}

void abi_kill_client(TCP_Client_Connection *client) {
    kill_tcp_connection(client);
}

void abi_set_callbacks(Abi_Peer &peer) {
    static const auto note = [](const std::uint8_t *bytes, std::uint16_t length) {
        return std::string(reinterpret_cast<const char *>(bytes), length);
    };
    ::set_packet_tcp_connection_callback(
        peer.c,
        [](void *object, int id, const std::uint8_t *data, std::uint16_t length, void *userdata) {
            const Abi_Outside outside;
            Abi_Peer &self = *static_cast<Abi_Peer *>(object);
            if (length == 145 && data[0] == 0x18) {
                ++self.cookie_requests; // net_crypto would answer it
                return 0;
            }
            self.data.push_back({.id = id, .bytes = note(data, length), .userdata = userdata});
            if (self.on_data) {
                self.on_data(Abi_Packet{self.data.back()});
            }
            return 0;
        },
        &peer);
    ::set_oob_packet_tcp_connection_callback(
        peer.c,
        [](void *object, const std::uint8_t *sender, unsigned int relay, const std::uint8_t *data, std::uint16_t length,
           void *userdata) {
            const Abi_Outside outside;
            Abi_Packet packet{.relay = static_cast<int>(relay), .bytes = note(data, length), .userdata = userdata};
            std::copy_n(sender, KEY_SIZE, packet.sender.begin());
            static_cast<Abi_Peer *>(object)->oob.push_back(packet);
            return 0;
        },
        &peer);
    ::set_onion_packet_tcp_connection_callback(
        peer.c,
        [](void *object, const std::uint8_t *data, std::uint16_t length, void *userdata) {
            const Abi_Outside outside;
            static_cast<Abi_Peer *>(object)->onion.push_back({.bytes = note(data, length), .userdata = userdata});
            return 0;
        },
        &peer);
    ::set_forwarding_packet_tcp_connection_callback(
        peer.c,
        [](void *object, const std::uint8_t *data, std::uint16_t length, void *userdata) {
            const Abi_Outside outside;
            static_cast<Abi_Peer *>(object)->forwarding.push_back({.bytes = note(data, length), .userdata = userdata});
        },
        &peer);
}

void abi_peer_start(Abi_Peer &peer, Sim_Network &net) {
    abi_peer_prepare(peer, net);
    peer.c = abi_new_connections(peer, parts_of(peer));
    if (peer.c != nullptr) {
        abi_set_callbacks(peer);
    }
}

void abi_tick(Abi_Peer &peer) {
    if (peer.c != nullptr) {
        peer.clock.ms = peer.net->now;
        ::do_tcp_connections(&peer.logger, peer.c, &peer);
    }
}

IP_Port abi_address(const Ip_Port &address) {
    IP_Port to{};
    to.ip.family.value = address.family == toxtcp::Family::ipv6 ? 10 : 2;
    std::memcpy(to.ip.ip.v6.uint8, address.ip.data(), address.family == toxtcp::Family::ipv6 ? 16 : 4);
    const std::array<std::uint8_t, 2> port{static_cast<std::uint8_t>(address.port >> 8),
                                           static_cast<std::uint8_t>(address.port)};
    std::memcpy(&to.port, port.data(), 2);
    return to;
}

} // namespace toxtcp
