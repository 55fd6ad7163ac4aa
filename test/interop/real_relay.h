// Programs that people run, as child processes on loopback: tox-bootstrapd as a relay, and an HTTP and a SOCKS5 proxy.
// Each has a directory of its own, which is removed when the test program ends. No child outlives the test program.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include <toxtcp/types.h>

namespace toxtcp {

struct Child {
    pid_t pid = -1;        ///< -1 when none runs
    std::string directory; ///< its files, and its output in the file `output`
};

/// Starts a program (words[0] is its path) with a directory of its own, made when `child` has none yet.
[[nodiscard]] bool child_start(Child &child, const std::vector<std::string> &words);

/// Whether the child runs. A child that has ended by itself is reaped.
[[nodiscard]] bool child_runs(Child &child);

void child_hang(Child &child);        ///< SIGSTOP, and waits until it has stopped
void child_go_on(const Child &child); ///< SIGCONT
void child_kill(Child &child);        ///< SIGKILL, and reaps it

/// SIGTERM, and reaps it. Returns its exit status; -1 when it died of a signal or had to be killed.
int child_stop(Child &child);

/// All that the child has printed so far.
[[nodiscard]] std::string child_output(const Child &child);

struct Real_Relay {
    Child child;
    Ip_Port address;
    Public_Key key{};
    Ip_Port udp; ///< where its DHT node listens
};

/// Starts a tox-bootstrapd on free ports of 127.0.0.1 or ::1, and waits until it answers.
[[nodiscard]] bool real_relay_start(Real_Relay &relay, Family family);

/// Starts a relay that was killed again, on the same ports and with the same key.
[[nodiscard]] bool real_relay_restart(Real_Relay &relay);

struct Real_Proxy {
    Child child;
    Proxy proxy;
};

/// Whether the build found a proxy program of this kind.
[[nodiscard]] bool real_proxy_exists(Proxy_Type type);

/// Starts a proxy on a free port of 127.0.0.1, and waits until it answers.
[[nodiscard]] bool real_proxy_start(Real_Proxy &proxy, Proxy_Type type);

/// Whether this machine has an address ::1.
[[nodiscard]] bool has_ipv6();

/// Loopback's address with this port.
[[nodiscard]] Ip_Port loopback(Family family, std::uint16_t port);

} // namespace toxtcp
