// The archive uses its host's network, clock, log and statistics, and copes with whatever they do.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "abi_world.h"

using namespace toxtcp;

namespace {

#if TOXTCP_TOXCORE_GENERATION == 218
const Network *systems_network() {
    return ::system_network();
}
#else
const Network *systems_network() {
    return ::os_network();
}
#endif

/// While it lives, the process can open no file descriptor.
struct No_Descriptors {
    rlimit before{};

    No_Descriptors() {
        REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
        rlimit none = before;
        none.rlim_cur = 0;
        REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
    }
    No_Descriptors(const No_Descriptors &) = delete;
    No_Descriptors &operator=(const No_Descriptors &) = delete;
    ~No_Descriptors() { setrlimit(RLIMIT_NOFILE, &before); }
};

/// A relay on a real socket of 127.0.0.1. It works only inside `serve`.
struct Loopback_Relay {
    struct Connection {
        int socket;
        int handle;
    };

    Relay_Server server;
    Sim_Random random{1};
    Ip_Port address;
    Public_Key key{};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    std::vector<Connection> connections;

    Loopback_Relay() {
        Relay_Server_Def def;
        sim_fill(random, def.secret_key.bytes);
        def.random = sim_random_source(random);
        relay_server_start(server, def);
        key = server.public_key;
        sockaddr_in bound{};
        socklen_t size = sizeof bound;
        bound.sin_family = AF_INET;
        bound.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        auto *const any = reinterpret_cast<sockaddr *>(&bound);
        REQUIRE(bind(listener, any, size) == 0);
        REQUIRE(listen(listener, 8) == 0);
        REQUIRE(getsockname(listener, any, &size) == 0);
        address = {.family = toxtcp::Family::ipv4, .ip = {127, 0, 0, 1}, .port = ntohs(bound.sin_port)};
    }
    Loopback_Relay(const Loopback_Relay &) = delete;
    Loopback_Relay &operator=(const Loopback_Relay &) = delete;
    ~Loopback_Relay() {
        close(listener);
        for (const Connection &connection : connections) {
            close(connection.socket);
        }
    }

    void serve(std::uint64_t now) {
        for (int accepted; (accepted = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
            connections.push_back({accepted, relay_server_accept(server, now)});
        }
        std::array<std::uint8_t, 4096> buffer;
        for (Connection &connection : connections) {
            for (ssize_t got; (got = recv(connection.socket, buffer.data(), buffer.size(), 0)) > 0;) {
                REQUIRE(relay_server_receive(server, connection.handle,
                                             Bytes{buffer}.first(static_cast<std::size_t>(got)), now));
            }
        }
        for (Connection &connection : connections) {
            const Bytes pending = relay_server_pending(server, connection.handle);
            const ssize_t sent = send(connection.socket, pending.data(), pending.size(), MSG_NOSIGNAL);
            relay_server_sent(server, connection.handle, static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
        }
    }
};

} // namespace

TEST_CASE("a Network that is not the system's is called for every socket") {
    Abi_Two_Peers f;
    CHECK(f.a.network.calls > 0);
    const std::uint64_t before = f.a.network.bytes_sent;
    CHECK(send(f.a, f.a_to_b, std::string(100, 'x')) == 0);
    CHECK(f.a.network.bytes_sent - before > 100);
    CHECK(systems_network()->calls == 0);
}

TEST_CASE("for the system's Network, or a copy of it, real sockets are used, also without a descriptor for epoll") {
    const bool copied = GENERATE(false, true); // toxcore 0.2.18 copies it
    const bool descriptors_left = GENERATE(true, false);
    INFO((copied ? "copied" : "as it is") << (descriptors_left ? "" : ", no descriptor left"));
    const Network copy = *systems_network();
    Loopback_Relay relay;
    Abi_World world;
    std::optional<No_Descriptors> none;
    if (!descriptors_left) {
        none.emplace();
    }
    for (int i = 0; i < 2; ++i) {
        Abi_Peer &peer = world.add_host();
        Abi_Parts parts = parts_of(peer);
        parts.network = copied ? &copy : systems_network();
        peer.c = abi_new_connections(peer, parts);
        REQUIRE(peer.c != nullptr);
        abi_set_callbacks(peer);
    }
    none.reset();
    Abi_Peer &a = world.peers[0];
    Abi_Peer &b = world.peers[1];
    const std::array<int, 2> ends{::new_tcp_connection_to(a.c, b.key.data(), 10),
                                  ::new_tcp_connection_to(b.c, a.key.data(), 20)};
    REQUIRE(tie(a, ends[0], relay) == 0);
    REQUIRE(tie(b, ends[1], relay) == 0);
    // Real sockets do not follow the simulated clock, so this waits for events and not for a time.
    const auto until = [&](auto done) {
        for (int turns = 0; turns < 60'000; ++turns) {
            relay.serve(world.net.now);
            abi_tick(a);
            abi_tick(b);
            if (done()) {
                return true;
            }
            usleep(500);
            world.net.now += turns % 2 == 0 ? 1 : 0;
        }
        return false;
    };
    REQUIRE(until([&] {
        return ::tcp_connection_to_online_tcp_relays(a.c, ends[0]) == 1 &&
               ::tcp_connection_to_online_tcp_relays(b.c, ends[1]) == 1;
    }));
    int sent = 0;
    REQUIRE(until([&] {
        sent += sent < 200 && send(a, ends[0], "message " + std::to_string(sent)) == 0 ? 1 : 0;
        return b.data.size() == 200;
    }));
    for (std::size_t i = 0; i < b.data.size(); ++i) {
        CHECK(b.data[i].bytes == "message " + std::to_string(i));
    }
    CHECK(systems_network()->calls == 0);
    CHECK(copy.calls == 0);
    CHECK(a.network.calls == 0);
#if TOXTCP_TOXCORE_GENERATION >= 223
    CHECK(a.profile.directions[0].packets >= 200);
    CHECK(b.profile.directions[1].by_id[16] == 200 + b.cookie_requests);
#endif
}

TEST_CASE("while the host's clock stands still, everything goes on that does not wait for a time") {
    Abi_World world;
    Abi_Peer &a = world.add_peer();
    Abi_Peer &b = world.add_peer();
    Sim_Relay &relay = world.add_relay();
    const int a_to_b = ::new_tcp_connection_to(a.c, b.key.data(), 10);
    const int b_to_a = ::new_tcp_connection_to(b.c, a.key.data(), 20);
    REQUIRE(tie(a, a_to_b, relay) == 0);
    REQUIRE(tie(b, b_to_a, relay) == 0);
    const auto until = [&](auto done) {
        for (int ticks = 0; ticks < 400; ++ticks) {
            ::do_tcp_connections(&a.logger, a.c, &a);
            ::do_tcp_connections(&b.logger, b.c, &b);
            if (done()) {
                return true;
            }
            sim_advance(world.net, 10);
        }
        return false;
    };
    const std::uint64_t stands = a.clock.ms;
    REQUIRE(until([&] { return ::tcp_connection_to_online_tcp_relays(a.c, a_to_b) == 1; }));
    for (int i = 0; i < 20; ++i) {
        const std::string message = "message " + std::to_string(i);
        REQUIRE(send(a, a_to_b, message) == 0);
        REQUIRE(until([&] { return heard(b.data, message); }));
    }
    CHECK(b.data.size() == 20);
    CHECK(a.clock.ms == stands);
    // The clock moves again, by all the time that it missed.
    CHECK(world.until(2'000, [&] { return send(b, b_to_a, "moving") == 0 && heard(a.data, "moving"); }));
}

TEST_CASE("a clock that is set back or leaps leaves the connection up") {
    Abi_Two_Peers f{2};
    // The last leap is to before the clock's start: as an unsigned number, this is millions of years ahead.
    for (const std::int64_t leap : {-500, 3'600'000, -3'600'000}) {
        INFO("leap " << leap);
        const auto sleepy = [&](Abi_Peer &peer) {
            peer.clock.ms = f.world.net.now + static_cast<std::uint64_t>(leap);
            ::do_tcp_connections(&peer.logger, peer.c, &peer);
        };
        sleepy(f.a);
        sleepy(f.b);
        f.a.data.clear();
        CHECK(f.world.until(20'000, [&] { return send(f.b, f.b_to_a, "after") == 0 && heard(f.a.data, "after"); }));
    }
}

TEST_CASE("a relay's fault is written to the host's logger") {
    Abi_World world;
    Abi_Peer &a = world.add_peer();
    Scripted_Relay &relay = world.add_scripted();
    REQUIRE(hold(a, relay) == 0);
    REQUIRE(world.until(2'000, [&] { return ::tcp_connected_relays_count(a.c) == 1; }));
    CHECK(a.logger.warnings.empty());
    const std::string rubbish(300, '\1');
    scripted_send_raw(relay, Bytes{bytes_of(rubbish), rubbish.size()});
    CHECK(world.until(2'000, [&] { return !a.logger.warnings.empty(); }));
}

TEST_CASE("a value that the log callback leaves in errno ends no socket", "[original]") {
    Abi_World world;
    Abi_Peer &a = world.add_peer();
    Abi_Peer &b = world.add_host();
    a.logger.leaves_errno = ECONNRESET;
    b.logger.leaves_errno = ECONNRESET;
    Sim_Relay &relay = world.add_relay();
    REQUIRE(hold(a, relay) == 0);
    TCP_Client_Connection *const client = abi_new_client(b, abi_address(relay.address), relay.key);
    REQUIRE(client != nullptr);
    REQUIRE(world.until(2'000, [&] {
        abi_do_client(b, client);
        return ::tcp_connected_relays_count(a.c) == 1 && ::tcp_con_status(client) == TCP_CLIENT_CONFIRMED;
    }));
    world.until(2'000, [&] {
        abi_do_client(b, client);
        return false;
    });
    CHECK(a.network.sockets.size() == 1);
    CHECK(::tcp_connected_relays_count(a.c) == 1);
    CHECK(::tcp_con_status(client) == TCP_CLIENT_CONFIRMED);
    abi_kill_client(client);
}

TEST_CASE("when the host has no socket, the relay is kept, and connected once there is one") {
    Abi_World world;
    Abi_Peer &a = world.add_peer();
    Sim_Relay &relay = world.add_relay();
    const int connection = ::new_tcp_connection_to(a.c, some_key(world).data(), 1);
    a.network.closed = true;
    CHECK(hold(a, relay) == 0);
    CHECK(tie(a, connection, relay) == 0);
    a.network.closed = false;
    CHECK(world.until(2'000, [&] { return ::tcp_connected_relays_count(a.c) == 1; }));
}

#if TOXTCP_TOXCORE_GENERATION >= 220
TEST_CASE("while the host's own memory fails, no relay is connected and no socket leaks") {
    Abi_World world;
    Abi_Peer &a = world.add_peer();
    Sim_Relay &relay = world.add_relay();
    a.memory.failing = true;
    CHECK(hold(a, relay) == 0); // kept, and tried again
    CHECK(abi_new_client(a, abi_address(relay.address), relay.key) == nullptr);
    CHECK(abi_open_sockets(a.network) == 0);
    a.memory.failing = false;
    CHECK(world.until(2'000, [&] { return ::tcp_connected_relays_count(a.c) == 1; }));
}
#endif

#if TOXTCP_TOXCORE_GENERATION >= 223
TEST_CASE("statistics: every send is counted with its bytes, every packet of a relay once it is opened") {
    Abi_Two_Peers f;
    const Net_Profile::Direction &sent = f.a.profile.directions[0];
    const Net_Profile::Direction &received = f.b.profile.directions[1];
    CHECK(sent.packets > 0);
    CHECK(sent.bytes == f.a.network.bytes_sent);
    const Net_Profile::Direction before = sent;
    const Net_Profile::Direction before_received = received;
    const std::string message(100, 'm');
    for (int i = 0; i < 10; ++i) {
        CHECK(send(f.a, f.a_to_b, message) == 0);
    }
    CHECK(sent.packets == before.packets + 10);
    // A send is counted by its first byte. Here this byte is 0: a frame begins with its length, 101 + 16 of the seal.
    CHECK(sent.by_id[0] == before.by_id[0] + 10);
    CHECK(sent.bytes == before.bytes + 10 * (2 + 16 + 1 + message.size()));
    REQUIRE(f.world.until(1'000, [&] { return f.b.data.size() == 10; }));
    CHECK(received.by_id[16] == before_received.by_id[16] + 10 + f.b.cookie_requests);
    CHECK(received.bytes >= before_received.bytes + 10 * (1 + message.size()));
    CHECK(received.by_id[1] == 1); // the answer to its routing request
    CHECK(received.by_id[2] == 1); // the peer is online
}

TEST_CASE("statistics: a client is counted too, and a host may pass null to have none") {
    Abi_World world;
    Abi_Peer &a = world.add_host();
    Scripted_Relay &relay = world.add_scripted();
    TCP_Client_Connection *const client = abi_new_client(a, abi_address(relay.address), relay.key);
    const IP_Port address = abi_address(relay.address);
    TCP_Client_Connection *const silent =
        ::new_tcp_connection(&a.logger, &a.memory, &a.clock, &a.random, &a.network, &address, relay.key.data(),
                             a.key.data(), a.secret_key.bytes.data(), nullptr, nullptr);
    REQUIRE(client != nullptr);
    REQUIRE(silent != nullptr);
    for (int ticks = 0; ticks < 40; ++ticks) {
        abi_do_client(a, client);
        abi_do_client(a, silent);
        sim_advance(world.net, ABI_TICK_MS);
    }
    CHECK(::tcp_con_status(client) == TCP_CLIENT_CONFIRMED);
    CHECK(::tcp_con_status(silent) == TCP_CLIENT_CONFIRMED);
    CHECK(2 * a.profile.directions[0].bytes == a.network.bytes_sent);
    CHECK(a.profile.directions[1].by_id[5] == 1); // the pong to its first ping
    CHECK(a.profile.directions[1].bytes == 9);
    abi_kill_client(client);
    abi_kill_client(silent);
}
#endif
