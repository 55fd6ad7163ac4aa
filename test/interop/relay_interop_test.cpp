// The library's peers over a real relay (Debian's tox-bootstrapd), through proxies, and with a peer of toxcore's code.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <initializer_list>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <toxtcp/observe.h>

#include "catch.h"
#include "interop/real_relay.h"

using namespace toxtcp;

namespace {

using Packet_Bytes = std::vector<std::uint8_t>;
using Clock = std::chrono::steady_clock;

/// Only a test that fails waits so long.
constexpr std::chrono::seconds LIMIT{30};
/// A relay that was away is tried with growing pauses.
constexpr std::chrono::seconds COMES_BACK_LIMIT{120};
/// A relay pings each 30 s, and waits 10 s for the pong.
constexpr std::chrono::seconds PING_TIMEOUT_LIMIT{90};
/// The longest sleep, so that a condition that changes without our sockets is seen too.
constexpr int MAX_SLEEP_MS = 20;
/// The longest sleep where a host has no descriptor to wait on.
constexpr int LOOK_AT_SOCKETS_MS = 2;

// ---- our peer ---------------------------------------------------------------------------------------------------

struct Oob {
    Public_Key sender;
    int relay;
    Packet_Bytes bytes;
};

struct Peer {
    Tcp_Connections *tcp = nullptr;
    Public_Key key{};
    Secret_Key secret;
    int connection = -1;
    std::vector<Packet_Bytes> data;
    std::vector<Oob> oob;
    std::vector<Packet_Bytes> onion;
    std::vector<Packet_Bytes> forwarded;
};

Peer &peer_of(void *object) {
    return *static_cast<Peer *>(object);
}

Packet_Bytes copy(Bytes bytes) {
    return {bytes.begin(), bytes.end()};
}

bool take_data(void *object, int, Bytes packet, void *) {
    peer_of(object).data.push_back(copy(packet));
    return true;
}

void take_oob(void *object, const Public_Key &sender, int relay, Bytes packet, void *) {
    peer_of(object).oob.push_back({sender, relay, copy(packet)});
}

void take_onion(void *object, Bytes packet, void *) {
    peer_of(object).onion.push_back(copy(packet));
}

void take_forwarded(void *object, Bytes packet, void *) {
    peer_of(object).forwarded.push_back(copy(packet));
}

void start_peer(Peer &peer, const Proxy &proxy = {}) {
    new_key_pair(peer.key, peer.secret);
    Tcp_Connections_Def def;
    def.secret_key = peer.secret;
    def.proxy = proxy;
    def.callbacks = {&peer, take_data, take_oob, take_onion, take_forwarded, nullptr};
    peer.tcp = new_tcp_connections(def);
    REQUIRE(peer.tcp != nullptr);
}

void stop_peer(Peer &peer) {
    kill_tcp_connections(peer.tcp);
    peer.tcp = nullptr;
}

using Peers = std::initializer_list<Peer *>;

/// Sleeps until a peer has something to do, and ticks all peers.
void turn(Peers peers) {
    std::vector<pollfd> polled;
    int sleep = MAX_SLEEP_MS;
    for (const Peer *peer : peers) {
        polled.push_back({tcp_connections_descriptor(peer->tcp), POLLIN, 0});
        if (polled.back().fd < 0) {
            sleep = std::min(sleep, LOOK_AT_SOCKETS_MS);
        }
        const int timeout = tcp_connections_timeout(peer->tcp);
        sleep = timeout < 0 ? sleep : std::min(sleep, timeout);
    }
    poll(polled.data(), polled.size(), sleep);
    for (const Peer *peer : peers) {
        do_tcp_connections(peer->tcp, nullptr);
    }
}

/// Turns until the condition holds; false when it does not within the limit.
template <typename Condition>
[[nodiscard]] bool wait_for(Peers peers, Condition holds, Clock::duration limit = LIMIT) {
    const Clock::time_point end = Clock::now() + limit;
    while (!holds()) {
        if (Clock::now() >= end) {
            return false;
        }
        turn(peers);
    }
    return true;
}

void tie(Peer &peer, const Real_Relay &relay) {
    REQUIRE(add_tcp_relay_connection(peer.tcp, peer.connection, relay.address, relay.key) == Error::ok);
}

void introduce(Peer &peer, const Public_Key &other) {
    peer.connection = new_tcp_connection_to(peer.tcp, other, 0);
    REQUIRE(peer.connection >= 0);
}

[[nodiscard]] std::uint32_t online(const Peer &peer) {
    return tcp_connection_to_online_tcp_relays(peer.tcp, peer.connection);
}

[[nodiscard]] Connection_Info connection_info(const Peer &peer) {
    Connection_Info info;
    REQUIRE(tcp_connection_info(peer.tcp, peer.connection, info));
    return info;
}

[[nodiscard]] Relay_Info relay_info(const Peer &peer, const Real_Relay &relay) {
    Relay_Info info;
    const int number = tcp_relay(peer.tcp, relay.key);
    REQUIRE(number >= 0);
    REQUIRE(tcp_relay_info(peer.tcp, number, info));
    return info;
}

[[nodiscard]] bool connected(const Peer &peer, const Real_Relay &relay) {
    return relay_info(peer, relay).state == Relay_State::connected;
}

/// Whether the relay has answered a packet of the peer. Before that, others cannot reach the peer through this relay.
[[nodiscard]] bool known(const Peer &peer, const Real_Relay &relay) {
    return relay_info(peer, relay).round_trip != 0;
}

/// Whether the other peer is online for `peer` at this relay.
[[nodiscard]] bool online_at(const Peer &peer, const Real_Relay &relay) {
    const Connection_Info info = connection_info(peer);
    const int number = tcp_relay(peer.tcp, relay.key);
    return number >= 0 &&
           std::any_of(info.routes.begin(), info.routes.begin() + info.routes_count, [&](const Route_Info &route) {
               return route.relay == number && route.state == Route_State::online;
           });
}

[[nodiscard]] bool can_test(Family family) {
    if (family == Family::ipv6 && !has_ipv6()) {
        WARN("skipped: this machine has no ::1");
        return false;
    }
    return true;
}

/// Starts a relay. If it does not start, the failure shows what it has printed.
void start_relay(Real_Relay &relay, Family family = Family::ipv4) {
    const bool started = real_relay_start(relay, family);
    INFO(child_output(relay.child));
    REQUIRE(started);
}

// ---- numbered packets -------------------------------------------------------------------------------------------

/// A packet of `size` bytes: four bytes of number, big-endian, and then bytes that follow from the number.
Packet_Bytes numbered(std::uint32_t number, std::size_t size) {
    Packet_Bytes packet(size);
    for (std::size_t i = 0; i < size; ++i) {
        packet[i] = static_cast<std::uint8_t>(i < 4 ? number >> (24 - 8 * i) : number + 7 * i);
    }
    return packet;
}

[[nodiscard]] std::uint32_t number_of(const Packet_Bytes &packet) {
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < 4 && i < packet.size(); ++i) {
        number = number << 8 | packet[i];
    }
    return number;
}

/// Sizes of packets, bytes: the number alone, the most that one packet carries, and sizes that net_crypto sends.
constexpr std::array<std::size_t, 4> SIZES{4, 1400, 60, MAX_DATA_SIZE};

constexpr std::uint32_t PACKETS = 400;
/// The most packets under way. A relay drops what its receiver's socket does not take.
constexpr std::size_t WINDOW = 32;

[[nodiscard]] std::vector<Packet_Bytes> stream() {
    std::vector<Packet_Bytes> packets;
    for (std::uint32_t number = 0; number < PACKETS; ++number) {
        packets.push_back(numbered(number, SIZES[number % SIZES.size()]));
    }
    return packets;
}

/// Sends packets until WINDOW of them are under way, or the socket is full.
void send_some(Peer &from, const std::vector<Packet_Bytes> &packets, std::size_t &sent, std::size_t heard) {
    while (sent < packets.size() && sent < heard + WINDOW) {
        const Error error = send_packet_tcp_connection(from.tcp, from.connection, packets[sent]);
        if (error == Error::full) {
            return;
        }
        REQUIRE(error == Error::ok);
        ++sent;
    }
}

/// Numbered packets, both ways at once: all arrive, once each, whole and in order.
void carry_numbered_packets(Peer &a, Peer &b) {
    const std::vector<Packet_Bytes> packets = stream();
    std::size_t sent_by_a = 0;
    std::size_t sent_by_b = 0;
    const bool arrived = wait_for({&a, &b}, [&] {
        send_some(a, packets, sent_by_a, b.data.size());
        send_some(b, packets, sent_by_b, a.data.size());
        return a.data.size() >= packets.size() && b.data.size() >= packets.size();
    });
    CAPTURE(sent_by_a, sent_by_b, a.data.size(), b.data.size());
    REQUIRE(arrived);
    CHECK(a.data == packets);
    CHECK(b.data == packets);
    a.data.clear();
    b.data.clear();
}

/// OOB both ways between peers without a connection: it comes with the sender's key, and the relay that it came by.
void carry_oob(Peer &a, Peer &b, const Real_Relay &relay) {
    const std::vector<Packet_Bytes> packets{numbered(1, 1), numbered(2, 113), numbered(3, MAX_OOB_DATA_SIZE)};
    for (const Packet_Bytes &packet : packets) {
        REQUIRE(tcp_send_oob_packet_using_relay(a.tcp, relay.key, b.key, packet) == Error::ok);
        REQUIRE(tcp_send_oob_packet(b.tcp, tcp_relay(b.tcp, relay.key), a.key, packet) == Error::ok);
    }
    REQUIRE(wait_for({&a, &b}, [&] { return a.oob.size() >= packets.size() && b.oob.size() >= packets.size(); }));
    for (std::size_t i = 0; i < packets.size(); ++i) {
        CHECK(a.oob[i].bytes == packets[i]);
        CHECK(a.oob[i].sender == b.key);
        CHECK(a.oob[i].relay == tcp_relay(a.tcp, relay.key));
        CHECK(b.oob[i].bytes == packets[i]);
        CHECK(b.oob[i].sender == a.key);
        CHECK(b.oob[i].relay == tcp_relay(b.tcp, relay.key));
    }
    CHECK(a.oob.size() == packets.size());
    CHECK(b.oob.size() == packets.size());
    CHECK(a.data.empty());
    CHECK(b.data.empty());
    a.oob.clear();
    b.oob.clear();
}

/// All that two of our peers do with one relay: first OOB without a connection, then data over a connection.
void carry_everything(Family family, const Proxy &proxy = {}) {
    Real_Relay relay;
    start_relay(relay, family);
    Peer a;
    Peer b;
    start_peer(a, proxy);
    start_peer(b, proxy);
    REQUIRE(add_tcp_relay_global(a.tcp, relay.address, relay.key) == Error::ok);
    REQUIRE(add_tcp_relay_global(b.tcp, relay.address, relay.key) == Error::ok);
    REQUIRE(wait_for({&a, &b}, [&] { return known(a, relay) && known(b, relay); }));
    carry_oob(a, b, relay);

    introduce(a, b.key);
    introduce(b, a.key);
    tie(a, relay);
    REQUIRE(add_tcp_number_relay_connection(b.tcp, b.connection, tcp_relay(b.tcp, relay.key)) == Error::ok);
    REQUIRE(wait_for({&a, &b}, [&] { return online(a) == 1 && online(b) == 1; }));
    carry_numbered_packets(a, b);

    // The relay tells b when a leaves.
    REQUIRE(kill_tcp_connection_to(a.tcp, a.connection) == Error::ok);
    CHECK(wait_for({&a, &b}, [&] { return online(b) == 0; }));
    CHECK(connected(b, relay));
    stop_peer(a);
    stop_peer(b);
    child_stop(relay.child);
}

} // namespace

// ---- one relay --------------------------------------------------------------------------------------------------

TEST_CASE("a peer that only waits hears all packets that come one by one, and no wake-up is spurious", "[waits]") {
    constexpr std::uint32_t COUNT = 100;
    Real_Relay relay;
    start_relay(relay);
    Peer a;
    Peer b;
    start_peer(a);
    start_peer(b);
    introduce(a, b.key);
    introduce(b, a.key);
    tie(a, relay);
    tie(b, relay);
    REQUIRE(wait_for({&a, &b}, [&] { return online(a) == 1 && online(b) == 1; }));
    // First by tcp_connections_wait, then by the descriptor where there is one.
    for (const bool by_call : {true, false}) {
        if (!by_call && tcp_connections_descriptor(a.tcp) < 0) {
            break;
        }
        a.data.clear();
        const Wake_Counts before = tcp_connections_wakes(a.tcp);
        std::atomic<bool> over = false;
        std::thread other{[&] {
            const Packet_Bytes packet = numbered(1, 100);
            Clock::time_point next = Clock::now();
            for (std::uint32_t sent = 0; !over;) {
                if (sent < COUNT && Clock::now() >= next) {
                    sent += send_packet_tcp_connection(b.tcp, b.connection, packet) == Error::ok ? 1 : 0;
                    next += std::chrono::milliseconds{10};
                }
                tcp_connections_wait(b.tcp, 2);
                do_tcp_connections(b.tcp, nullptr);
            }
        }};
        for (const Clock::time_point end = Clock::now() + LIMIT; a.data.size() < COUNT && Clock::now() < end;) {
            if (by_call) {
                tcp_connections_wait(a.tcp, 10'000);
            } else {
                pollfd ready{tcp_connections_descriptor(a.tcp), POLLIN, 0};
                poll(&ready, 1, tcp_connections_timeout(a.tcp));
            }
            do_tcp_connections(a.tcp, nullptr);
        }
        over = true;
        other.join();
        const Wake_Counts after = tcp_connections_wakes(a.tcp);
        INFO((by_call ? "by the call" : "by the descriptor"));
        CHECK(a.data.size() == COUNT);
        CHECK(after.spurious == before.spurious);
        CHECK(after.ticks - before.ticks <= COUNT + 20); // 20: pings, pongs and echoes
    }
    stop_peer(a);
    stop_peer(b);
    child_stop(relay.child);
}

TEST_CASE("a real relay carries data and OOB both ways, over IPv4", "[carries]") {
    carry_everything(Family::ipv4);
}

TEST_CASE("a real relay carries data and OOB both ways, over IPv6", "[carries]") {
    if (can_test(Family::ipv6)) {
        carry_everything(Family::ipv6);
    }
}

// ---- through a proxy --------------------------------------------------------------------------------------------

namespace {

void carry_everything_through(Proxy_Type type, Family family) {
    if (!can_test(family)) {
        return;
    }
    if (!real_proxy_exists(type)) {
        WARN("skipped: the build found no such proxy");
        return;
    }
    Real_Proxy proxy;
    const bool started = real_proxy_start(proxy, type);
    INFO(child_output(proxy.child));
    REQUIRE(started);
    carry_everything(family, proxy.proxy);

    // The proxy was really used: when it is killed, the relay is no longer connected.
    Real_Relay relay;
    start_relay(relay, family);
    Peer peer;
    start_peer(peer, proxy.proxy);
    REQUIRE(add_tcp_relay_global(peer.tcp, relay.address, relay.key) == Error::ok);
    REQUIRE(wait_for({&peer}, [&] { return connected(peer, relay); }));
    child_kill(proxy.child);
    CHECK(wait_for({&peer}, [&] { return tcp_connected_relays_count(peer.tcp) == 0; }));
    stop_peer(peer);
    child_stop(relay.child);
}

} // namespace

TEST_CASE("a relay with an IPv4 address is reached through an HTTP proxy", "[proxy]") {
    carry_everything_through(Proxy_Type::http, Family::ipv4);
}

TEST_CASE("a relay with an IPv6 address is reached through an HTTP proxy", "[proxy]") {
    carry_everything_through(Proxy_Type::http, Family::ipv6);
}

TEST_CASE("a relay with an IPv4 address is reached through a SOCKS5 proxy", "[proxy]") {
    carry_everything_through(Proxy_Type::socks5, Family::ipv4);
}

TEST_CASE("a relay with an IPv6 address is reached through a SOCKS5 proxy", "[proxy]") {
    carry_everything_through(Proxy_Type::socks5, Family::ipv6);
}

// ---- faults -----------------------------------------------------------------------------------------------------

namespace {

constexpr std::size_t RELAYS = 3;
constexpr std::chrono::milliseconds PACE{5};

/// Two peers with a connection to each other over three relays. Each sends a packet every PACE.
struct Crowd {
    std::array<Real_Relay, RELAYS> relays;
    Peer a;
    Peer b;
    std::uint32_t next = 0; ///< number of the next packet, either way
    Clock::time_point due;
};

void start_crowd(Crowd &crowd) {
    start_peer(crowd.a);
    start_peer(crowd.b);
    introduce(crowd.a, crowd.b.key);
    introduce(crowd.b, crowd.a.key);
    for (Real_Relay &relay : crowd.relays) {
        start_relay(relay);
        tie(crowd.a, relay);
        tie(crowd.b, relay);
    }
    REQUIRE(wait_for({&crowd.a, &crowd.b}, [&] { return online(crowd.a) == RELAYS && online(crowd.b) == RELAYS; }));
}

void stop_crowd(Crowd &crowd) {
    stop_peer(crowd.a);
    stop_peer(crowd.b);
    for (Real_Relay &relay : crowd.relays) {
        child_stop(relay.child);
    }
}

/// Sends a packet each way, when it is due. What is refused while relays come and go is lost, as on any network.
void send_when_due(Crowd &crowd) {
    if (Clock::now() < crowd.due) {
        return;
    }
    crowd.due = Clock::now() + PACE;
    const Packet_Bytes packet = numbered(crowd.next, 60 + crowd.next % 1000);
    for (const Peer *peer : {&crowd.a, &crowd.b}) {
        static_cast<void>(send_packet_tcp_connection(peer->tcp, peer->connection, packet));
    }
    ++crowd.next;
}

/// Keeps sending until the condition holds; false when it does not within the limit.
template <typename Condition>
[[nodiscard]] bool stream_until(Crowd &crowd, Condition holds, Clock::duration limit = LIMIT) {
    return wait_for(
        {&crowd.a, &crowd.b},
        [&] {
            send_when_due(crowd);
            return holds();
        },
        limit);
}

/// Whether the last packet that came is whole, and its number is not below `number`.
[[nodiscard]] bool heard_since(const Peer &peer, std::uint32_t number) {
    if (peer.data.empty()) {
        return false;
    }
    const Packet_Bytes &last = peer.data.back();
    return number_of(last) >= number && last == numbered(number_of(last), last.size());
}

/// Whether each peer hears a packet that the other sends from now on.
[[nodiscard]] bool data_goes_on(Crowd &crowd) {
    const std::uint32_t from = crowd.next;
    return stream_until(crowd, [&] { return heard_since(crowd.a, from) && heard_since(crowd.b, from); });
}

/// The relay that peer a sends over.
[[nodiscard]] Real_Relay &relay_in_use(Crowd &crowd) {
    const int number = connection_info(crowd.a).sending;
    const auto found = std::find_if(crowd.relays.begin(), crowd.relays.end(), [&](const Real_Relay &relay) {
        return tcp_relay(crowd.a.tcp, relay.key) == number;
    });
    REQUIRE(found != crowd.relays.end());
    return *found;
}

[[nodiscard]] bool is_back(const Crowd &crowd, const Real_Relay &relay) {
    return connected(crowd.a, relay) && connected(crowd.b, relay) && online_at(crowd.a, relay) &&
           online_at(crowd.b, relay);
}

/// Peer a sends over another relay than this one, and has counted a move.
void check_moved_from(Crowd &crowd, const Real_Relay &relay, std::uint32_t moves_before) {
    const Connection_Info info = connection_info(crowd.a);
    CHECK(info.moves > moves_before);
    CHECK(info.sending != tcp_relay(crowd.a.tcp, relay.key));
}

} // namespace

TEST_CASE("when a real relay in use is killed, traffic moves to another, and it is back after a restart", "[fault]") {
    Crowd crowd;
    start_crowd(crowd);
    REQUIRE(data_goes_on(crowd));

    Real_Relay &relay = relay_in_use(crowd);
    const std::uint32_t moves = connection_info(crowd.a).moves;
    child_kill(relay.child);
    REQUIRE(data_goes_on(crowd));
    check_moved_from(crowd, relay, moves);
    CHECK(stream_until(crowd, [&] { return online(crowd.a) == RELAYS - 1 && online(crowd.b) == RELAYS - 1; }));

    REQUIRE(real_relay_restart(relay));
    CHECK(stream_until(
        crowd, [&] { return is_back(crowd, relay); }, COMES_BACK_LIMIT));
    CHECK(data_goes_on(crowd));
    stop_crowd(crowd);
}

TEST_CASE("when a real relay in use hangs, traffic moves to another, and it is back when it goes on", "[fault]") {
    Crowd crowd;
    start_crowd(crowd);
    REQUIRE(data_goes_on(crowd));

    Real_Relay &relay = relay_in_use(crowd);
    const std::uint32_t moves = connection_info(crowd.a).moves;
    child_hang(relay.child);
    REQUIRE(child_runs(relay.child));
    // Packets from before the relay hung may come late. So packets that are sent after the move have to come.
    REQUIRE(data_goes_on(crowd));
    REQUIRE(stream_until(crowd, [&] { return connection_info(crowd.a).moves > moves; }));
    REQUIRE(data_goes_on(crowd));
    check_moved_from(crowd, relay, moves);

    child_go_on(relay.child);
    CHECK(stream_until(
        crowd, [&] { return is_back(crowd, relay); }, COMES_BACK_LIMIT));
    CHECK(data_goes_on(crowd));
    stop_crowd(crowd);
}

TEST_CASE("when a real relay in use ends in order, traffic moves to another", "[fault]") {
    Crowd crowd;
    start_crowd(crowd);
    REQUIRE(data_goes_on(crowd));

    Real_Relay &relay = relay_in_use(crowd);
    const std::uint32_t moves = connection_info(crowd.a).moves;
    child_stop(relay.child);
    REQUIRE(data_goes_on(crowd));
    check_moved_from(crowd, relay, moves);
    stop_crowd(crowd);
}

// ---- what a relay passes on to the DHT --------------------------------------------------------------------------

namespace {

/// Packet kinds between DHT nodes, as toxcore numbers them.
constexpr std::uint8_t ONION_SEND_1 = 0x81;
constexpr std::uint8_t ANNOUNCE_RESPONSE = 0x84;
constexpr std::uint8_t ONION_RECV_1 = 0x8e;
constexpr std::uint8_t FORWARDING = 0x91;
constexpr std::uint8_t FORWARD_REPLY = 0x92;

/// The way back that a node adds to an onion packet: nonce, sealed address and its MAC.
constexpr std::size_t ONION_ADDRESS_SIZE = 1 + 16 + 2;
constexpr std::size_t ONION_RETURN_SIZE = NONCE_SIZE + ONION_ADDRESS_SIZE + MAC_SIZE;

/// Stands in for the next DHT node: a UDP socket on loopback.
struct Dht_Node {
    int socket = -1;
    Ip_Port address;
};

void start_node(Dht_Node &node) {
    node.socket = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    REQUIRE(bind(node.socket, reinterpret_cast<sockaddr *>(&name), size) == 0);
    REQUIRE(getsockname(node.socket, reinterpret_cast<sockaddr *>(&name), &size) == 0);
    node.address = loopback(Family::ipv4, ntohs(name.sin_port));
}

/// Waits for the next packet of this kind. The relay sends a DHT node other packets too.
[[nodiscard]] Packet_Bytes hear(Peer &peer, const Dht_Node &node, std::uint8_t kind) {
    Packet_Bytes packet(MAX_SEALED_SIZE);
    ssize_t size = 0;
    const bool heard = wait_for({&peer}, [&] {
        size = recv(node.socket, packet.data(), packet.size(), 0);
        return size > 0 && packet[0] == kind;
    });
    REQUIRE(heard);
    packet.resize(static_cast<std::size_t>(size));
    return packet;
}

void say(const Dht_Node &node, const Ip_Port &to, const Packet_Bytes &packet) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    name.sin_port = htons(to.port);
    const ssize_t size =
        sendto(node.socket, packet.data(), packet.size(), 0, reinterpret_cast<sockaddr *>(&name), sizeof name);
    REQUIRE(size == static_cast<ssize_t>(packet.size()));
}

void append(Packet_Bytes &packet, const Packet_Bytes &more) {
    packet.insert(packet.end(), more.begin(), more.end());
}

/// One peer, its relay, and a DHT node behind the relay.
struct Behind {
    Real_Relay relay;
    Dht_Node node;
    Peer peer;
    std::uint64_t connected_since = 0;
};

void start_behind(Behind &behind) {
    start_relay(behind.relay);
    start_node(behind.node);
    start_peer(behind.peer);
    REQUIRE(add_tcp_relay_global(behind.peer.tcp, behind.relay.address, behind.relay.key) == Error::ok);
    REQUIRE(wait_for({&behind.peer}, [&] { return connected(behind.peer, behind.relay); }));
    behind.connected_since = relay_info(behind.peer, behind.relay).connected_since;
}

/// The relay has taken all packets so far, and the peer is still connected: OOB to a second peer comes through.
void check_still_up(Behind &behind) {
    Peer other;
    start_peer(other);
    REQUIRE(add_tcp_relay_global(other.tcp, behind.relay.address, behind.relay.key) == Error::ok);
    REQUIRE(wait_for({&behind.peer, &other}, [&] { return known(other, behind.relay); }));
    const Packet_Bytes packet = numbered(1, 100);
    REQUIRE(tcp_send_oob_packet_using_relay(behind.peer.tcp, behind.relay.key, other.key, packet) == Error::ok);
    CHECK(wait_for({&behind.peer, &other}, [&] { return !other.oob.empty(); }));
    CHECK(relay_info(behind.peer, behind.relay).connected_since == behind.connected_since);
    CHECK(relay_info(behind.peer, behind.relay).last_end == Reason::none);
    stop_peer(other);
}

void stop_behind(Behind &behind) {
    stop_peer(behind.peer);
    child_stop(behind.relay.child);
    close(behind.node.socket);
}

[[nodiscard]] Public_Key numbered_key(std::uint32_t number) {
    Public_Key key{};
    const Packet_Bytes bytes = numbered(number, key.size());
    std::copy(bytes.begin(), bytes.end(), key.begin());
    return key;
}

/// An address as onion packets carry it: family, 16 bytes, port.
[[nodiscard]] Packet_Bytes onion_address(const Ip_Port &address) {
    Packet_Bytes bytes{static_cast<std::uint8_t>(address.family)};
    bytes.insert(bytes.end(), address.ip.begin(), address.ip.end());
    bytes.push_back(static_cast<std::uint8_t>(address.port >> 8));
    bytes.push_back(static_cast<std::uint8_t>(address.port));
    return bytes;
}

} // namespace

TEST_CASE("a real relay takes an onion request and brings the response back", "[onion]") {
    Behind behind;
    start_behind(behind);
    Peer &peer = behind.peer;
    REQUIRE(set_tcp_onion_status(peer.tcp, true) == Error::ok);
    const int relay = get_random_tcp_onion_conn_number(peer.tcp);
    REQUIRE(relay == tcp_relay(peer.tcp, behind.relay.key));
    CHECK(relay_info(peer, behind.relay).onion);

    const Packet_Bytes nonce = numbered(77, NONCE_SIZE);
    const Packet_Bytes payload = numbered(78, 500);
    Packet_Bytes request = nonce;
    append(request, onion_address(behind.node.address));
    append(request, payload);
    REQUIRE(tcp_send_onion_request(peer.tcp, relay, request) == Error::ok);

    // To the node: kind, nonce, payload, and the way back.
    const Packet_Bytes passed = hear(peer, behind.node, ONION_SEND_1);
    REQUIRE(passed.size() == 1 + nonce.size() + payload.size() + ONION_RETURN_SIZE);
    CHECK(std::equal(nonce.begin(), nonce.end(), passed.begin() + 1));
    CHECK(std::equal(payload.begin(), payload.end(), passed.begin() + 1 + NONCE_SIZE));

    Packet_Bytes response = numbered(79, 200);
    response[0] = ANNOUNCE_RESPONSE;
    Packet_Bytes answer{ONION_RECV_1};
    answer.insert(answer.end(), passed.end() - ONION_RETURN_SIZE, passed.end());
    append(answer, response);
    say(behind.node, behind.relay.udp, answer);
    REQUIRE(wait_for({&peer}, [&] { return !peer.onion.empty(); }));
    CHECK(peer.onion == std::vector<Packet_Bytes>{response});
    check_still_up(behind);
    stop_behind(behind);
}

TEST_CASE("a real relay takes a forward request and brings the reply back", "[onion]") {
    Behind behind;
    start_behind(behind);
    Peer &peer = behind.peer;
    const int relay = tcp_relay(peer.tcp, behind.relay.key);

    const Packet_Bytes data = numbered(80, 300);
    REQUIRE(tcp_send_forward_request(peer.tcp, relay, behind.node.address, {}, data) == Error::ok);

    // To the node: kind, the way back with its length before it, data.
    const Packet_Bytes passed = hear(peer, behind.node, FORWARDING);
    REQUIRE(passed.size() > 2 + data.size());
    const std::size_t back = 1U + passed[1];
    REQUIRE(passed.size() == 1 + back + data.size());
    CHECK(std::equal(data.begin(), data.end(), passed.end() - static_cast<std::ptrdiff_t>(data.size())));

    const Packet_Bytes reply = numbered(81, 200);
    Packet_Bytes answer{FORWARD_REPLY};
    answer.insert(answer.end(), passed.begin() + 1, passed.begin() + 1 + static_cast<std::ptrdiff_t>(back));
    append(answer, reply);
    say(behind.node, behind.relay.udp, answer);
    REQUIRE(wait_for({&peer}, [&] { return !peer.forwarded.empty(); }));
    CHECK(peer.forwarded == std::vector<Packet_Bytes>{reply});
    check_still_up(behind);
    stop_behind(behind);
}

TEST_CASE("a real relay takes a forward request with a chain of every length, and of the greatest size", "[onion]") {
    Behind behind;
    start_behind(behind);
    Peer &peer = behind.peer;
    const int relay = tcp_relay(peer.tcp, behind.relay.key);
    std::vector<Public_Key> chain;
    for (std::size_t length = 0; length <= MAX_FORWARD_CHAIN_LENGTH; ++length) {
        CAPTURE(length);
        const Packet_Bytes data = numbered(90, MAX_FORWARD_DATA_SIZE - length * (1 + KEY_SIZE));
        REQUIRE(tcp_send_forward_request(peer.tcp, relay, behind.node.address, chain, data) == Error::ok);
        const Packet_Bytes passed = hear(peer, behind.node, FORWARDING);

        // The relay passes the chain on unchanged: the nodes follow it.
        Packet_Bytes wanted;
        for (const Public_Key &key : chain) {
            wanted.push_back(0x90);
            wanted.insert(wanted.end(), key.begin(), key.end());
        }
        append(wanted, data);
        REQUIRE(passed.size() >= wanted.size());
        CHECK(std::equal(wanted.begin(), wanted.end(), passed.end() - static_cast<std::ptrdiff_t>(wanted.size())));
        chain.push_back(numbered_key(static_cast<std::uint32_t>(length)));
    }
    check_still_up(behind);
    stop_behind(behind);
}

// ---- a peer of toxcore ------------------------------------------------------------------------------------------

#ifdef TOXCORE_PEER

namespace {

/// toxcore-peer as a child process; how it answers is told in toxcore_peer.c.
struct Toxcore_Peer {
    Child child;
    Public_Key key{};
    std::vector<std::string> words; ///< what it was started with
};

void start_toxcore_peer(Toxcore_Peer &peer, const Public_Key &other, const std::vector<const Real_Relay *> &relays) {
    Secret_Key secret;
    new_key_pair(peer.key, secret);
    peer.words = {TOXCORE_PEER, to_string(Public_Key{secret.bytes}), to_string(other)};
    for (const Real_Relay *relay : relays) {
        peer.words.insert(peer.words.end(), {"127.0.0.1", std::to_string(relay->address.port), to_string(relay->key)});
    }
    REQUIRE(child_start(peer.child, peer.words));
}

/// It ends with status 0, which under a leak checker shows that it leaked nothing.
void stop_toxcore_peer(Toxcore_Peer &peer) {
    const int status = child_stop(peer.child);
    INFO(child_output(peer.child));
    CHECK(status == 0);
}

[[nodiscard]] Packet_Bytes answer_to(const Packet_Bytes &packet, char letter) {
    Packet_Bytes answer{static_cast<std::uint8_t>(letter)};
    append(answer, packet);
    return answer;
}

/// Our peer and a toxcore peer, with a connection to each other over one relay.
struct Pair {
    Real_Relay relay;
    Peer ours;
    Toxcore_Peer theirs;
};

void start_pair(Pair &pair) {
    start_relay(pair.relay);
    start_peer(pair.ours);
    start_toxcore_peer(pair.theirs, pair.ours.key, {&pair.relay});
    introduce(pair.ours, pair.theirs.key);
    tie(pair.ours, pair.relay);
    const bool met = wait_for({&pair.ours}, [&] { return online(pair.ours) == 1; });
    INFO(child_output(pair.theirs.child));
    REQUIRE(met);
}

void stop_pair(Pair &pair) {
    stop_toxcore_peer(pair.theirs);
    stop_peer(pair.ours);
    child_stop(pair.relay.child);
}

/// Packets that are sent until one is answered: what is under way when a process dies is lost.
struct Answered {
    std::uint32_t next = 0; ///< number of the next packet
    Clock::time_point due;
};

/// Sends packets until one of them is answered; false when none is within the limit.
[[nodiscard]] bool answered_anew(Peer &ours, Answered &answered) {
    constexpr std::size_t size = 100;
    const std::uint32_t from = answered.next;
    const auto is_answer = [&](const Packet_Bytes &answer) {
        const std::uint32_t number = number_of({answer.begin() + 1, answer.end()});
        return number >= from && answer == answer_to(numbered(number, size), 'e');
    };
    return wait_for({&ours}, [&] {
        if (Clock::now() >= answered.due) {
            answered.due = Clock::now() + PACE;
            const Packet_Bytes packet = numbered(answered.next++, size);
            static_cast<void>(send_packet_tcp_connection(ours.tcp, ours.connection, packet));
        }
        return !ours.data.empty() && is_answer(ours.data.back());
    });
}

} // namespace

TEST_CASE("our peer and a toxcore peer exchange data through a real relay", "[toxcore]") {
    Pair pair;
    start_pair(pair);
    std::vector<Packet_Bytes> packets;
    std::vector<Packet_Bytes> answers;
    for (std::uint32_t number = 0; number < PACKETS; ++number) {
        // The answer is one byte longer.
        packets.push_back(numbered(number, SIZES[number % SIZES.size()] - 1));
        answers.push_back(answer_to(packets.back(), 'e'));
    }
    std::size_t sent = 0;
    const bool answered = wait_for({&pair.ours}, [&] {
        send_some(pair.ours, packets, sent, pair.ours.data.size());
        return pair.ours.data.size() >= packets.size();
    });
    CAPTURE(sent, pair.ours.data.size());
    REQUIRE(answered);
    CHECK(pair.ours.data == answers);
    CHECK(pair.ours.oob.empty());
    stop_pair(pair);
}

TEST_CASE("OOB from toxcore over a tied relay is data from its connection", "[toxcore]") {
    Pair pair;
    start_pair(pair);
    Packet_Bytes packet = numbered(1, 200);
    packet[0] = 'O';
    REQUIRE(send_packet_tcp_connection(pair.ours.tcp, pair.ours.connection, packet) == Error::ok);
    REQUIRE(wait_for({&pair.ours}, [&] { return !pair.ours.data.empty(); }));
    CHECK(pair.ours.data == std::vector<Packet_Bytes>{answer_to(packet, 't')});

    // OOB from our peer is data for the toxcore peer too, so its answer is data.
    const Packet_Bytes other = numbered(2, 300);
    REQUIRE(tcp_send_oob_packet_using_relay(pair.ours.tcp, pair.relay.key, pair.theirs.key, other) == Error::ok);
    REQUIRE(wait_for({&pair.ours}, [&] { return pair.ours.data.size() == 2; }));
    CHECK(pair.ours.data[1] == answer_to(other, 'e'));
    CHECK(pair.ours.oob.empty());
    stop_pair(pair);
}

TEST_CASE("our peer and a toxcore peer without a connection exchange OOB", "[toxcore]") {
    Pair pair;
    start_pair(pair);
    Peer stranger;
    start_peer(stranger);
    REQUIRE(add_tcp_relay_global(stranger.tcp, pair.relay.address, pair.relay.key) == Error::ok);
    REQUIRE(wait_for({&stranger}, [&] { return connected(stranger, pair.relay); }));

    // The answer is one byte longer.
    for (const std::size_t size : {std::size_t{1}, std::size_t{200}, MAX_OOB_DATA_SIZE - 1}) {
        CAPTURE(size);
        const Packet_Bytes packet = numbered(static_cast<std::uint32_t>(size), size);
        REQUIRE(tcp_send_oob_packet_using_relay(stranger.tcp, pair.relay.key, pair.theirs.key, packet) == Error::ok);
        REQUIRE(wait_for({&stranger, &pair.ours}, [&] { return !stranger.oob.empty(); }));
        REQUIRE(stranger.oob.size() == 1);
        CHECK(stranger.oob[0].bytes == answer_to(packet, 'o'));
        CHECK(stranger.oob[0].sender == pair.theirs.key);
        CHECK(stranger.oob[0].relay == tcp_relay(stranger.tcp, pair.relay.key));
        stranger.oob.clear();
    }
    CHECK(stranger.data.empty());
    CHECK(pair.ours.data.empty());
    stop_peer(stranger);
    stop_pair(pair);
}

TEST_CASE("a toxcore peer that dies and starts again is heard again", "[toxcore]") {
    Pair pair;
    start_pair(pair);
    Answered answered;
    REQUIRE(answered_anew(pair.ours, answered));
    // The relay may not have seen that the process died. It sees it when the next process connects with the same key.
    child_kill(pair.theirs.child);
    REQUIRE(child_start(pair.theirs.child, pair.theirs.words));
    CHECK(answered_anew(pair.ours, answered));
    CHECK(connected(pair.ours, pair.relay));
    stop_pair(pair);
}

TEST_CASE("a real relay keeps our peer, which answers its pings, and drops a hanging toxcore peer", "[idle]") {
    Pair pair;
    start_relay(pair.relay);
    start_peer(pair.ours);
    REQUIRE(add_tcp_relay_global(pair.ours.tcp, pair.relay.address, pair.relay.key) == Error::ok);
    // Our peer connects first, so that its pong is due before the toxcore peer's.
    REQUIRE(wait_for({&pair.ours}, [&] { return connected(pair.ours, pair.relay); }));
    start_toxcore_peer(pair.theirs, pair.ours.key, {&pair.relay});
    introduce(pair.ours, pair.theirs.key);
    tie(pair.ours, pair.relay);
    REQUIRE(wait_for({&pair.ours}, [&] { return online(pair.ours) == 1; }));
    const std::uint64_t connected_since = relay_info(pair.ours, pair.relay).connected_since;

    child_hang(pair.theirs.child);
    CHECK(wait_for(
        {&pair.ours}, [&] { return online(pair.ours) == 0; }, PING_TIMEOUT_LIMIT));
    CHECK(connected(pair.ours, pair.relay));
    CHECK(relay_info(pair.ours, pair.relay).connected_since == connected_since);
    CHECK(relay_info(pair.ours, pair.relay).round_trip != 0);

    child_go_on(pair.theirs.child);
    stop_pair(pair);
}

TEST_CASE("when a real relay to a toxcore peer is killed, data goes on over the other relays", "[toxcore]") {
    std::array<Real_Relay, RELAYS> relays;
    for (Real_Relay &relay : relays) {
        start_relay(relay);
    }
    Peer ours;
    Toxcore_Peer theirs;
    start_peer(ours);
    start_toxcore_peer(theirs, ours.key, {&relays[0], &relays[1], &relays[2]});
    introduce(ours, theirs.key);
    for (const Real_Relay &relay : relays) {
        tie(ours, relay);
    }
    REQUIRE(wait_for({&ours}, [&] { return online(ours) == RELAYS; }));

    Answered answered;
    REQUIRE(answered_anew(ours, answered));
    const Connection_Info before = connection_info(ours);
    const auto used = std::find_if(relays.begin(), relays.end(), [&](const Real_Relay &relay) {
        return tcp_relay(ours.tcp, relay.key) == before.sending;
    });
    REQUIRE(used != relays.end());
    child_kill(used->child);
    REQUIRE(answered_anew(ours, answered));
    CHECK(connection_info(ours).moves > before.moves);
    CHECK(connection_info(ours).sending != before.sending);

    stop_toxcore_peer(theirs);
    stop_peer(ours);
    for (Real_Relay &relay : relays) {
        child_stop(relay.child);
    }
}

#endif
