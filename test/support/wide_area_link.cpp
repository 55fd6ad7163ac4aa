// Two network namespaces, near and far, joined by lines with a delay, a rate, a queue and loss (line.h). The packets go
// through this program, over a TUN device at each end of each link.
//
//   wide-area-link [LINE_THERE LINE_BACK]...
//
// A line is `delay_ms=25,rate_mbit=20,queue=100000,loss=0.005,seed=7`; a value that is left out is 0. Link i (from 0)
// has the address 198.18.i.1 at the near end, and 198.18.i.2 at the far end.
//
// When the network is up, the program prints a line of JSON: `user`, `near` and `far` are files to enter by setns(2),
// the user namespace first. The program ends when its standard input ends. It answers a line `counts` on standard input
// with a line of JSON: the counts of both lines of each link. Exit status 77, after a line with the reason: the system
// does not permit namespaces or TUN devices.
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <string>
#include <vector>

#include "support/line.h"
#include "system/isolated.h"

using namespace toxtcp;

namespace {

constexpr int SKIPPED = 77;
constexpr std::size_t MTU = 1500;
constexpr int MAX_LINKS = 250;
// Packets may arrive this late, so that a fast line wakes this program at most 10,000 times a second.
constexpr std::uint64_t GRAIN_NS = 100'000;
constexpr std::uint64_t SECOND_NS = 1'000'000'000;
// The most packets that are read from one device before the other devices have their turn.
constexpr int MAX_READS = 64;

struct Link {
    std::array<Line, 2> lines;          ///< there and back
    std::array<int, 2> devices{-1, -1}; ///< near and far; lines[i] leads from devices[i] to the other
};

[[noreturn]] void give_up(const std::string &what, int status) {
    std::printf("%s: %s\n", what.c_str(), std::strerror(errno));
    std::exit(status);
}

std::uint64_t now_ns() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * SECOND_NS + static_cast<std::uint64_t>(time.tv_nsec);
}

// ---- devices ---------------------------------------------------------------------------------------------------

sockaddr make_address(std::uint32_t host_order) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(host_order);
    sockaddr any{};
    std::memcpy(&any, &address, sizeof any);
    return any;
}

/// Makes a TUN device with the address 198.18.NUMBER.HOST/24 in the network of this process, and brings it up.
int open_device(std::uint32_t number, std::uint32_t host) {
    const int device = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (device < 0) {
        give_up("skipped: no TUN device can be opened", SKIPPED);
    }
    ifreq request{};
    const std::string name = "wan" + std::to_string(number);
    std::copy(name.begin(), name.end(), request.ifr_name);
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    if (ioctl(device, TUNSETIFF, &request) != 0) {
        give_up("skipped: no TUN device can be made", SKIPPED);
    }
    // Only packets of the two ends may be counted. IPv6 would send packets of its own, so it is switched off. (Where
    // the system has no IPv6, there is no such file.)
    std::ofstream{"/proc/sys/net/ipv6/conf/" + name + "/disable_ipv6"} << 1;
    const int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const auto set = [&](unsigned long call) {
        if (ioctl(any, call, &request) != 0) {
            give_up("a TUN device cannot be set up", 1);
        }
    };
    request.ifr_addr = make_address((198u << 24) | (18u << 16) | (number << 8) | host);
    set(SIOCSIFADDR);
    request.ifr_netmask = make_address(0xFFFFFF00u);
    set(SIOCSIFNETMASK);
    request.ifr_mtu = MTU;
    set(SIOCSIFMTU);
    request.ifr_flags = IFF_UP | IFF_RUNNING | IFF_POINTOPOINT | IFF_NOARP;
    set(SIOCSIFFLAGS);
    close(any);
    return device;
}

std::vector<Link> read_links(int argc, char **argv) {
    if (argc % 2 == 0 || argc > 1 + 2 * MAX_LINKS) {
        std::fprintf(stderr, "usage: wide-area-link [LINE_THERE LINE_BACK]...\n");
        std::exit(2);
    }
    std::vector<Link> links(static_cast<std::size_t>(argc / 2));
    for (int i = 1; i < argc; ++i) {
        Line &line = links[static_cast<std::size_t>((i - 1) / 2)].lines[static_cast<std::size_t>((i - 1) % 2)];
        if (!parse_line(argv[i], MTU, line.def)) {
            std::fprintf(stderr, "wide-area-link: not a line: %s\n", argv[i]);
            std::exit(2);
        }
    }
    return links;
}

// ---- packets ---------------------------------------------------------------------------------------------------

/// Reads the packets that are sent at one end of a link.
void read_device(Link &link, std::size_t end) {
    std::array<std::uint8_t, 2 * MTU> packet;
    for (int i = 0; i < MAX_READS; ++i) {
        const ssize_t got = read(link.devices[end], packet.data(), packet.size());
        if (got <= 0) {
            return;
        }
        offer(link.lines[end], {packet.data(), static_cast<std::size_t>(got)}, now_ns());
    }
}

/// Delivers the packets that have arrived at both ends.
void deliver(Link &link) {
    std::vector<std::uint8_t> packet;
    for (std::size_t end = 0; end < 2; ++end) {
        while (take(link.lines[end], now_ns(), packet)) {
            if (write(link.devices[1 - end], packet.data(), packet.size()) < 0) {
                give_up("a packet cannot be delivered", 1);
            }
        }
    }
}

void wake_at(int timer, std::uint64_t at_ns) {
    itimerspec spec{};
    if (at_ns != NO_ARRIVAL) {
        spec.it_value.tv_sec = static_cast<time_t>(at_ns / SECOND_NS);
        spec.it_value.tv_nsec = static_cast<long>(at_ns % SECOND_NS);
    }
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &spec, nullptr);
}

void print_counts(const std::vector<Link> &links) {
    std::string text;
    for (const Link &link : links) {
        text += text.empty() ? "[" : ", [";
        for (std::size_t i = 0; i < 2; ++i) {
            const Line_Counts &counts = link.lines[i].counts;
            text += std::string{i == 0 ? "" : ", "} + "{\"arrived\": " + std::to_string(counts.arrived) +
                    ", \"dropped\": " + std::to_string(counts.dropped) + ", \"lost\": " + std::to_string(counts.lost) +
                    "}";
        }
        text += "]";
    }
    std::printf("[%s]\n", text.c_str());
    std::fflush(stdout);
}

/// Answers the commands on standard input. False when it has ended.
bool read_commands(const std::vector<Link> &links, std::string &text) {
    std::array<char, 256> buffer;
    const ssize_t got = read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got <= 0) {
        return false;
    }
    text.append(buffer.data(), static_cast<std::size_t>(got));
    for (std::size_t end; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1)) {
        if (text.compare(0, end, "counts") == 0) {
            print_counts(links);
        }
    }
    return true;
}

/// Carries packets until standard input ends.
void carry(std::vector<Link> &links) {
    const int poll = epoll_create1(EPOLL_CLOEXEC);
    const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    const auto watch = [&](int descriptor, std::uint64_t tag) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = tag;
        if (epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event) != 0) {
            give_up("epoll", 1);
        }
    };
    const std::uint64_t timer_tag = 2 * links.size();
    const std::uint64_t input_tag = timer_tag + 1;
    for (std::size_t i = 0; i < links.size(); ++i) {
        watch(links[i].devices[0], 2 * i);
        watch(links[i].devices[1], 2 * i + 1);
    }
    watch(timer, timer_tag);
    watch(STDIN_FILENO, input_tag);

    std::uint64_t set_to = NO_ARRIVAL;
    std::string commands;
    for (;;) {
        std::array<epoll_event, 64> events;
        const int count = epoll_wait(poll, events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < count; ++i) {
            const std::uint64_t tag = events[static_cast<std::size_t>(i)].data.u64;
            if (tag == timer_tag) {
                set_to = NO_ARRIVAL; // it is set again, and then is no longer readable
            } else if (tag == input_tag) {
                if (!read_commands(links, commands)) {
                    return;
                }
            } else {
                read_device(links[tag / 2], tag % 2);
            }
        }
        std::uint64_t next = NO_ARRIVAL;
        for (Link &link : links) {
            deliver(link);
            next = std::min({next, next_arrival(link.lines[0]), next_arrival(link.lines[1])});
        }
        if (next != NO_ARRIVAL) {
            next = std::max(next, now_ns() + GRAIN_NS);
        }
        // The timer is only moved to an earlier time. When it fires too early, nothing is due, and it is set again.
        if (next < set_to || set_to == NO_ARRIVAL) {
            wake_at(timer, next);
            set_to = next;
        }
    }
}

} // namespace

int main(int argc, char **argv) {
    std::vector<Link> links = read_links(argc, argv);
    // With this priority packets are not late because of other programs. Where it is not permitted, the program runs
    // without it.
    sched_param priority{};
    priority.sched_priority = 1;
    sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &priority);

    std::array<int, 2> networks{-1, -1};
    for (std::size_t end = 0; end < 2; ++end) {
        if (!(end == 0 ? enter_own_network() : enter_another_network())) {
            give_up("skipped: no network namespace can be made", SKIPPED);
        }
        networks[end] = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
        if (networks[end] < 0) {
            give_up("a network namespace cannot be opened", 1);
        }
        for (std::size_t i = 0; i < links.size(); ++i) {
            links[i].devices[end] = open_device(static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(end + 1));
        }
    }
    const std::string process = "/proc/" + std::to_string(getpid());
    std::printf("{\"user\": \"%s/ns/user\", \"near\": \"%s/fd/%d\", \"far\": \"%s/fd/%d\"}\n", process.c_str(),
                process.c_str(), networks[0], process.c_str(), networks[1]);
    std::fflush(stdout);
    carry(links);
    return 0;
}
