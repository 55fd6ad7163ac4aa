// The default host's sockets: descriptors that a child process holds as well, and the system calls of an idle tick.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>

#include "catch.h"
#include "isolated.h"
#include <toxtcp/tcp_connections.h>

using namespace toxtcp;

namespace {

/// Listens for connections on 127.0.0.1, and sends nothing.
struct Tcp_Listener {
    int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    Ip_Port address;

    Tcp_Listener() {
        sockaddr_in bound{};
        socklen_t size = sizeof bound;
        bound.sin_family = AF_INET;
        bound.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        auto *const any = reinterpret_cast<sockaddr *>(&bound);
        REQUIRE(bind(socket, any, size) == 0);
        REQUIRE(listen(socket, 8) == 0);
        REQUIRE(getsockname(socket, any, &size) == 0);
        address = {.family = Family::ipv4, .ip = {127, 0, 0, 1}, .port = ntohs(bound.sin_port)};
    }
    Tcp_Listener(const Tcp_Listener &) = delete;
    Tcp_Listener &operator=(const Tcp_Listener &) = delete;
    ~Tcp_Listener() { stop(); }

    void stop() {
        if (socket >= 0) {
            close(socket);
            socket = -1;
        }
    }
};

/// A child process that holds all of our descriptors, and does nothing.
struct Forked {
    pid_t child = fork();

    Forked() {
        if (child == 0) {
            for (;;) {
                pause();
            }
        }
        REQUIRE(child > 0);
    }
    Forked(const Forked &) = delete;
    Forked &operator=(const Forked &) = delete;
    ~Forked() {
        kill(child, SIGKILL);
        waitpid(child, nullptr, 0);
    }
};

} // namespace

TEST_CASE("system: when a relay ends while a forked child holds its socket, the waiting host does not spin") {
    Tcp_Listener listener;
    Tcp_Connections_Def def;
    def.secret_key.bytes.fill(7);
    Tcp_Connections *const c = new_tcp_connections(def);
    REQUIRE(c != nullptr);
    Secret_Key relay;
    relay.bytes.fill(9);
    REQUIRE(add_tcp_relay_global(c, listener.address, public_key_of(relay)) == Error::ok);
    const int theirs = accept4(listener.socket, nullptr, nullptr, SOCK_CLOEXEC);
    REQUIRE(theirs >= 0);
    {
        const Forked child;
        shutdown(listener.socket, SHUT_RDWR); // connects are refused from now on, though the child holds the socket
        shutdown(theirs, SHUT_RDWR);
        close(theirs);
        bool quiet = false;
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds{10};
        while (!quiet && std::chrono::steady_clock::now() < limit) {
            tcp_connections_wait(c, 100);
            do_tcp_connections(c, nullptr);
            quiet = !tcp_connections_wait(c, 0);
        }
        CHECK(quiet);
    }
    kill_tcp_connections(c);
}

TEST_CASE("system: an idle tick asks once which sockets are ready, and calls the system for nothing else") {
    Tcp_Listener listener;
    const std::string found = in_child([&]() -> std::string {
        Host *const host = new_system_host();
        const int socket = host == nullptr ? -1 : host->connect(host->object, listener.address);
        if (socket < 0 || !host->watch(host->object, socket, 1, false)) {
            return "no socket";
        }
        std::array<Ready, 64> ready;
        // Reads netlink's first message: which addresses there are.
        host->ready(host->object, ready);
        host->network_changed(host->object);
        if (!allow_only_waiting(host->descriptor(host->object) >= 0)) {
            return std::string{CANNOT} + "no seccomp";
        }
        std::size_t count = 0;
        for (int i = 0; i < 100; ++i) {
            count += host->ready(host->object, ready);
            count += host->network_changed(host->object) ? 1 : 0;
            count += host->now(host->object) == 0 ? 1 : 0;
        }
        return count == 0 ? "" : "not idle";
    });
    if (found.starts_with(CANNOT)) {
        WARN("skipped, " << found);
        return;
    }
    CHECK(found == "");
}
