// The default host tells of network changes: in a network namespace, and where the system forbids netlink.
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstdlib>

#include "catch.h"
#include "isolated.h"
#include <toxtcp/host.h>

using namespace toxtcp;

namespace {

bool wait_for_any(const Host &host, int wait_ms) {
    return host.wait(host.object, wait_ms);
}

/// Asks what a tick asks: what is ready, then whether the network changed.
bool tick(const Host &host) {
    std::array<Ready, 4> ready;
    host.ready(host.object, ready);
    return host.network_changed(host.object);
}

/// Runs commands that change the network, and collects in `text` what went wrong.
struct Findings {
    const Host &host;
    std::string text;

    void run(const std::string &command) {
        if (std::system((command + " 2>/dev/null").c_str()) != 0) {
            text += "failed: " + command + "\n";
        }
    }

    /// The command must be told as one change. `settle_ms`: how long the kernel may take.
    void expect_change(const std::string &command, int settle_ms = 10'000) {
        run(command);
        // IPv6 addresses are checked for duplicates first, which takes more than a second.
        bool changed = false;
        while (!changed && wait_for_any(host, settle_ms)) {
            changed = tick(host);
        }
        if (!changed) {
            text += "not told: " + command + "\n";
        }
        bool twice = tick(host);
        for (int i = 0; i < 20 && wait_for_any(host, 0); ++i) { // a message that waits may be of no change
            twice = tick(host) || twice;
        }
        if (twice || wait_for_any(host, 0)) {
            text += "told twice: " + command + "\n";
        }
    }

    /// The command must not be told as a change.
    void expect_none(const std::string &command) {
        run(command);
        // The kernel sends its messages before the command ends.
        for (int i = 0; i < 5; ++i) {
            if (tick(host)) {
                text += "told without need: " + command + "\n";
            }
        }
    }
};

/// Runs `body` in a network namespace of its own with two devices, `d0` and `d1`. No findings may be left.
template <class Body>
void in_own_network(Body body) {
    const std::string found = in_child([&]() -> std::string {
        if (!enter_own_network()) {
            return std::string{CANNOT} + "no network namespace";
        }
        if (std::system(
                "ip link add d0 type veth peer name d1 2>/dev/null && ip link set d0 up && ip link set d1 up") != 0) {
            return std::string{CANNOT} + "no ip, or no veth device";
        }
        Host *const host = new_system_host();
        if (host == nullptr || host->network_changed == nullptr) {
            return "no host";
        }
        Findings findings{*host, {}};
        body(findings);
        kill_system_host(host);
        return findings.text;
    });
    if (found.starts_with(CANNOT)) {
        WARN("skipped, " << found);
        return;
    }
    CHECK(found == "");
}

} // namespace

TEST_CASE("system: an address or a device that comes or goes is a network change, told once", "[network]") {
    in_own_network([](Findings &findings) {
        findings.expect_change("ip addr add 10.9.0.1/24 dev d0");
        findings.expect_change("ip -6 addr add fd00::1/64 dev d0");
        findings.expect_change("ip addr del 10.9.0.1/24 dev d0");
        findings.expect_change("ip addr add 10.9.0.1/24 dev d0");
        findings.expect_change("ip link del d0");
    });
}

TEST_CASE("system: a default route that comes, changes or goes is a network change, told once", "[network]") {
    in_own_network([](Findings &findings) {
        findings.expect_change("ip addr add 10.9.0.1/24 dev d0");
        findings.expect_change("ip route add default via 10.9.0.2");
        findings.expect_change("ip route replace default via 10.9.0.3");
        findings.expect_change("ip route del default");
    });
}

TEST_CASE("system: refreshed lifetimes, and changes that open no way out, are no network change", "[network]") {
    in_own_network([](Findings &findings) {
        findings.expect_change("ip addr add 10.9.0.1/24 dev d0");
        findings.expect_change("ip -6 addr add fd00::1/64 dev d0");
        findings.expect_change("ip route add default via 10.9.0.2");
        for (const std::string seconds : {"500", "600", "700"}) {
            const std::string lifetime = " valid_lft " + seconds + " preferred_lft " + seconds;
            findings.expect_none("ip addr change 10.9.0.1/24 dev d0" + lifetime);
            findings.expect_none("ip -6 addr change fd00::1/64 dev d0" + lifetime);
            findings.expect_none("ip route replace default via 10.9.0.2");
        }
        findings.expect_none("ip addr add 127.0.0.9/8 dev lo");
        findings.expect_none("ip addr add 10.9.1.1/24 dev d1 scope link");
        findings.expect_none("ip route add 10.77.0.0/16 via 10.9.0.2");
        findings.expect_none("ip neigh add 10.9.0.7 lladdr 02:11:22:33:44:55 dev d0");
    });
}

TEST_CASE("system: a default route that is set again after its device was down is a network change", "[network]") {
    in_own_network([](Findings &findings) {
        findings.expect_change("ip addr add 10.9.0.1/24 dev d0");
        findings.expect_change("ip route add default via 10.9.0.2");
        findings.run("ip link set d0 down"); // removes the route as well, and Linux sends no message of that
        findings.run("ip link set d0 up");
        tick(findings.host);
        findings.expect_change("ip route add default via 10.9.0.2");
    });
}

TEST_CASE("system: with very many addresses, refreshed lifetimes are still no network change", "[network]") {
    in_own_network([](Findings &findings) {
        const auto all = [](const std::string &word, const std::string &more) {
            return "for i in $(seq 1 100); do echo addr " + word + " 10.9.$i.1/24 dev d0 " + more +
                   "; done | ip -batch -";
        };
        findings.expect_change(all("add", ""));
        for (const std::string seconds : {"500", "600", "700"}) {
            findings.expect_none(all("change", "valid_lft " + seconds + " preferred_lft " + seconds));
        }
    });
}

TEST_CASE("system: addresses of the loopback device are no network change, whatever their scope", "[network]") {
    in_own_network([](Findings &findings) { findings.expect_none("ip addr add 10.9.0.1/32 dev lo"); });
}

TEST_CASE("system: addresses that were there before the host was made are known to it", "[network]") {
    in_own_network([](Findings &findings) {
        findings.expect_change("ip addr add 10.9.0.1/24 dev d0");
        Host *const later = new_system_host();
        Findings of_later{*later, {}};
        of_later.expect_none("ip addr change 10.9.0.1/24 dev d0 valid_lft 500 preferred_lft 500");
        of_later.expect_change("ip addr del 10.9.0.1/24 dev d0");
        findings.text += of_later.text;
        kill_system_host(later);
    });
}

TEST_CASE("system: a flood of messages, more than the kernel keeps, is a network change, and later ones are told",
          "[network]") {
    in_own_network([](Findings &findings) {
        findings.run(
            "for i in $(seq 1 250); do for j in $(seq 1 20); do echo addr add 10.$j.$i.1/24 dev d0; done; done "
            "| ip -batch -");
        bool changed = false;
        for (int i = 0; i < 1'000; ++i) {
            changed |= tick(findings.host);
        }
        findings.text += changed ? "" : "the flood is not told\n";
        findings.expect_none("ip addr change 10.20.250.1/24 dev d0 valid_lft 500 preferred_lft 500");
        findings.expect_change("ip addr del 10.20.250.1/24 dev d0");
    });
}

TEST_CASE("system: where netlink is forbidden, the host works without it", "[network]") {
    const Forbidden forbidden = GENERATE(Forbidden{SYS_socket, AF_NETLINK}, Forbidden{SYS_bind, -1});
    const int error = GENERATE(EACCES, EPERM, EAFNOSUPPORT);
    const std::string found = in_child([&]() -> std::string {
        if (!forbid(forbidden, error)) {
            return std::string{CANNOT} + "no seccomp";
        }
        Host *const host = new_system_host();
        if (host == nullptr || host->ready == nullptr || host->network_changed == nullptr) {
            return "no host";
        }
        const bool told = tick(*host) || tick(*host) || wait_for_any(*host, 0);
        kill_system_host(host);
        return told ? "told of a change" : "";
    });
    if (found.starts_with(CANNOT)) {
        WARN("skipped, " << found);
        return;
    }
    CHECK(found == "");
}
