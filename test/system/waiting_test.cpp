// A program that waits by `tcp_connections_wait` alone, on real sockets.
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <ctime>

#include "catch.h"
#include <toxtcp/observe.h>

using namespace toxtcp;

namespace {

using Clock = std::chrono::steady_clock;

Tcp_Connections *start() {
    Tcp_Connections_Def def;
    def.secret_key.bytes.fill(7);
    return new_tcp_connections(def);
}

std::int64_t ms_of_wait(Tcp_Connections *c, int milliseconds, bool &has_work) {
    const Clock::time_point begun = Clock::now();
    has_work = tcp_connections_wait(c, milliseconds);
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun).count();
}

void take_alarm(int) {}

} // namespace

TEST_CASE("system: with nothing to do, a wait lasts until its limit") {
    Tcp_Connections *const c = start();
    REQUIRE(c != nullptr);
    do_tcp_connections(c, nullptr);
    while (tcp_connections_wait(c, 50)) { // netlink's first messages
        do_tcp_connections(c, nullptr);
    }
    bool has_work = true;
    CHECK(ms_of_wait(c, 0, has_work) < 5'000);
    CHECK_FALSE(has_work);
    CHECK(ms_of_wait(c, 50, has_work) >= 49);
    CHECK_FALSE(has_work);
    CHECK(tcp_connections_wakes(c).spurious <= 1); // the first tick
    kill_tcp_connections(c);
}

TEST_CASE("system: a wait without a limit ends by a deadline, by a socket and by a signal") {
    Tcp_Connections *const c = start();
    REQUIRE(c != nullptr);
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in bound{};
    socklen_t size = sizeof bound;
    bound.sin_family = AF_INET;
    bound.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(bind(listener, reinterpret_cast<sockaddr *>(&bound), size) == 0);
    REQUIRE(listen(listener, 8) == 0);
    REQUIRE(getsockname(listener, reinterpret_cast<sockaddr *>(&bound), &size) == 0);
    Secret_Key relay;
    relay.bytes.fill(9);
    const Ip_Port address{.family = Family::ipv4, .ip = {127, 0, 0, 1}, .port = ntohs(bound.sin_port)};
    REQUIRE(add_tcp_relay_global(c, address, public_key_of(relay)) == Error::ok);
    const int theirs = accept(listener, nullptr, nullptr);
    REQUIRE(theirs >= 0);
    // The relay never answers the handshake, so the attempt times out and is repeated: each wait ends.
    const Wake_Counts before = tcp_connections_wakes(c);
    while (tcp_connections_wakes(c).retry == before.retry) {
        CHECK(tcp_connections_wait(c, -1));
        do_tcp_connections(c, nullptr);
    }
    CHECK(tcp_connections_wakes(c).room > before.room);
    CHECK(tcp_connections_wakes(c).spurious == before.spurious);
    close(theirs);
    close(listener);
    kill_tcp_connections(c);

    Tcp_Connections *const idle = start();
    REQUIRE(idle != nullptr);
    struct sigaction action {};
    action.sa_handler = take_alarm;
    REQUIRE(sigaction(SIGALRM, &action, nullptr) == 0);
    itimerval soon{};
    soon.it_value.tv_usec = 50'000;
    soon.it_interval.tv_usec = 50'000; // in case the first signal comes before the wait
    REQUIRE(setitimer(ITIMER_REAL, &soon, nullptr) == 0);
    while (tcp_connections_wait(idle, -1)) {
        do_tcp_connections(idle, nullptr);
    }
    const itimerval none{};
    REQUIRE(setitimer(ITIMER_REAL, &none, nullptr) == 0);
    CHECK(tcp_connections_deadline(idle) == NEVER);
    kill_tcp_connections(idle);
}
