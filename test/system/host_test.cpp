// The default host on real sockets of the loopback interface: what other processes and limits do to it.
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "catch.h"
#include "system/isolated.h"
#include "toxtcp/tcp_connections.h"

using namespace toxtcp;

namespace {

constexpr std::uint32_t TAG = 7;

struct Listener {
    int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    Ip_Port address;

    Listener() {
        sockaddr_in own{};
        own.sin_family = AF_INET;
        own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(bind(socket, reinterpret_cast<sockaddr *>(&own), sizeof own) == 0);
        REQUIRE(listen(socket, 1) == 0);
        socklen_t size = sizeof own;
        REQUIRE(getsockname(socket, reinterpret_cast<sockaddr *>(&own), &size) == 0);
        address.family = Family::ipv4;
        std::memcpy(address.ip.data(), &own.sin_addr, 4);
        address.port = ntohs(own.sin_port);
    }
    Listener(const Listener &) = delete;
    Listener &operator=(const Listener &) = delete;
    ~Listener() { close(socket); }
};

bool is_readable(int descriptor, int ms) {
    pollfd ready{descriptor, POLLIN, 0};
    return poll(&ready, 1, ms) == 1;
}

} // namespace

TEST_CASE("system: a socket that is closed here and open in a forked process does not wake the host") {
    const Listener listener;
    Host *const host = new_system_host();
    REQUIRE(host != nullptr);
    const int connected = host->connect(host->object, listener.address);
    REQUIRE(connected >= 0);
    REQUIRE(host->watch(host->object, connected, TAG, false));
    const int accepted = accept(listener.socket, nullptr, nullptr);
    REQUIRE(accepted >= 0);
    std::array<int, 2> pipe_ends;
    REQUIRE(pipe(pipe_ends.data()) == 0);
    const pid_t child = fork();
    if (child == 0) {
        close(pipe_ends[1]);
        char byte = 0;
        _exit(static_cast<int>(read(pipe_ends[0], &byte, 1))); // until the parent is done
    }
    REQUIRE(child > 0);
    REQUIRE(send(accepted, "x", 1, 0) == 1);
    std::array<Ready, 4> ready;
    const auto sockets_ready = [&] { // netlink's messages are left out
        const std::size_t told = host->ready(host->object, ready);
        return std::count_if(ready.begin(), ready.begin() + static_cast<std::ptrdiff_t>(told),
                             [](const Ready &one) { return one.tag == TAG; });
    };
    while (host->wait(host->object, 10'000) && sockets_ready() == 0) {
    }
    host->close(host->object, connected);
    close(accepted);
    std::ptrdiff_t told = 0;
    for (int i = 0; i < 3; ++i) {
        told += host->wait(host->object, 20) ? sockets_ready() : 0;
    }
    CHECK(told == 0);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    CHECK(waitpid(child, nullptr, 0) == child);
    kill_system_host(host);
}

TEST_CASE("system: a tick reads the kernel's network messages, also if nobody asks for network changes", "[network]") {
    Host *const host = new_system_host();
    REQUIRE(host != nullptr);
    // The host has asked for the list of addresses, and the answer comes.
    CHECK(host->wait(host->object, 10'000));
    std::array<Ready, 8> ready;
    bool is_told = true;
    for (int look = 0; look < 100 && is_told; ++look) {
        (void)host->ready(host->object, ready);
        is_told = host->wait(host->object, 0);
    }
    CHECK_FALSE(is_told);
    kill_system_host(host);
}

TEST_CASE("system: when no descriptor is left, there is still a host, which waits by poll") {
    rlimit before{};
    REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
    rlimit none = before;
    none.rlim_cur = 0;
    REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
    Host *const host = new_system_host();
    REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
    REQUIRE(host != nullptr);
    CHECK(host->descriptor(host->object) == -1);
    CHECK_FALSE(host->tells_network_changes);

    const Listener listener;
    Tcp_Connections_Def def;
    Public_Key own;
    new_key_pair(own, def.secret_key);
    def.host = host;
    Tcp_Connections *const c = new_tcp_connections(def);
    REQUIRE(c != nullptr);
    CHECK(add_tcp_relay_global(c, listener.address, own) == Error::ok);
    do_tcp_connections(c, nullptr);
    const int accepted = accept(listener.socket, nullptr, nullptr);
    CHECK(accepted >= 0);
    while (!is_readable(accepted, 0) && tcp_connections_wait(c, 10'000)) { // until it is connected
        do_tcp_connections(c, nullptr);
    }
    CHECK(is_readable(accepted, 10'000)); // the handshake
    close(accepted);
    kill_tcp_connections(c);
    kill_system_host(host);
}

TEST_CASE("system: the host tells how many bytes the system at the other end has acknowledged", "[acknowledged]") {
    const Listener listener;
    Host *const host = new_system_host();
    REQUIRE(host != nullptr);
    const int connected = host->connect(host->object, listener.address);
    REQUIRE(connected >= 0);
    const int accepted = accept(listener.socket, nullptr, nullptr);
    REQUIRE(accepted >= 0);
    const std::array<std::uint8_t, 1'000> bytes{};
    Acknowledged acknowledged;
    // TCP's handshake is not counted.
    REQUIRE(host->acknowledged(host->object, connected, acknowledged));
    CHECK(acknowledged.bytes == 0);
    REQUIRE(host->send(host->object, connected, bytes) == 1'000);
    REQUIRE(host->send(host->object, connected, bytes) == 1'000);
    for (int i = 0; i < 10'000 && acknowledged.bytes < 2'000; ++i) {
        REQUIRE(host->acknowledged(host->object, connected, acknowledged));
        poll(nullptr, 0, 1);
    }
    CHECK(acknowledged.bytes == 2'000);
    CHECK(acknowledged.round_trip_us < 10'000'000);
    close(accepted);
    host->close(host->object, connected);
    CHECK_FALSE(host->acknowledged(host->object, connected, acknowledged));
    kill_system_host(host);
}

TEST_CASE("system: the log goes to standard error, and nothing to standard output", "[log]") {
    std::fflush(stdout); // what is buffered here would be the child's output too
    const std::string written = in_child([] {
        std::array<int, 2> output;
        std::array<int, 2> errors;
        Host *const host = new_system_host();
        if (host == nullptr || pipe(output.data()) != 0 || pipe(errors.data()) != 0 ||
            dup2(output[1], STDOUT_FILENO) < 0 || dup2(errors[1], STDERR_FILENO) < 0) {
            return std::string{"no pipes"};
        }
        host->log(host->object, Log_Level::warning, "100 % of {} relays");
        std::fflush(stdout);
        std::fflush(stderr);
        std::array<char, 200> text;
        const ssize_t size = is_readable(errors[0], 0) ? read(errors[0], text.data(), text.size()) : 0;
        return std::string{is_readable(output[0], 0) ? "output " : ""} +
               std::string(text.data(), static_cast<std::size_t>(std::max(size, ssize_t{0})));
    });
    INFO(written);
    CHECK(written.find("[toxtcp]") != std::string::npos);
    CHECK(written.find("100 % of {} relays\n") != std::string::npos);
    CHECK(written.rfind("output", 0) == std::string::npos);
}
