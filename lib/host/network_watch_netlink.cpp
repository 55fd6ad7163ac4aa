#include "host/network_watch.h"

#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <limits>
#include <new>

namespace toxtcp {

namespace {

constexpr std::uint32_t LOOPBACK = 1; // the loopback device's index in every network namespace

constexpr std::size_t BUFFER_SIZE = 8 * 1024; // bytes; the kernel sends no more at once

std::int64_t clock_ms(clockid_t clock) {
    timespec time{};
    clock_gettime(clock, &time);
    return std::int64_t{time.tv_sec} * 1'000 + time.tv_nsec / 1'000'000;
}

constexpr std::uint64_t FNV_START = 0xCBF29CE484222325U;

/// FNV-1a. It need not resist an attacker, since the data comes from our own kernel.
void mix(std::uint64_t &hash, const void *data, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
        hash = (hash ^ static_cast<const std::uint8_t *>(data)[i]) * 0x100000001B3U;
    }
}

template <class T>
void mix(std::uint64_t &hash, const T &value) {
    mix(hash, &value, sizeof value);
}

/// Mixes in the attributes of types `a` and `b`.
void mix_attributes(std::uint64_t &hash, const rtattr *attribute, std::size_t left, std::uint16_t a, std::uint16_t b) {
    for (int size = static_cast<int>(left); RTA_OK(attribute, size); attribute = RTA_NEXT(attribute, size)) {
        if (attribute->rta_type == a || attribute->rta_type == b) {
            mix(hash, attribute->rta_type);
            mix(hash, RTA_DATA(attribute), RTA_PAYLOAD(attribute));
        }
    }
}

/// Adds a hash to `known`. True if it was not there.
bool remember(Network_Watch &watch, std::uint64_t hash) {
    if (std::find(watch.known.begin(), watch.known.end(), hash) != watch.known.end()) {
        return false;
    }
    if (watch.known.size() == MAX_KNOWN) {
        watch.known.clear();
    }
    try {
        watch.known.push_back(hash);
    } catch (const std::bad_alloc &) {
        // No memory: a repetition counts as new again.
    }
    return true;
}

/// A hash of the address or default route that a message is about. 0: the message does not matter, since it cannot
/// affect a TCP connection to another machine.
std::uint64_t subject_hash(const nlmsghdr &header, const std::uint8_t *body, std::size_t size) {
    std::uint64_t hash = FNV_START;
    if (header.nlmsg_type == RTM_NEWADDR || header.nlmsg_type == RTM_DELADDR) {
        ifaddrmsg address;
        if (size < sizeof address) {
            return 0;
        }
        std::memcpy(&address, body, sizeof address);
        if (address.ifa_scope != RT_SCOPE_UNIVERSE || address.ifa_index == LOOPBACK ||
            (address.ifa_flags & IFA_F_TENTATIVE) != 0) {
            return 0;
        }
        mix(hash, address.ifa_family);
        mix(hash, address.ifa_index);
        mix_attributes(hash, reinterpret_cast<const rtattr *>(body + NLMSG_ALIGN(sizeof address)),
                       size - std::min(size, std::size_t{NLMSG_ALIGN(sizeof address)}), IFA_ADDRESS, IFA_LOCAL);
        return hash;
    }
    rtmsg route;
    if (size < sizeof route) {
        return 0;
    }
    std::memcpy(&route, body, sizeof route);
    if (route.rtm_dst_len != 0 || route.rtm_type != RTN_UNICAST || (route.rtm_flags & RTM_F_CLONED) != 0) {
        return 0; // not a default route
    }
    mix(hash, route.rtm_family);
    mix(hash, route.rtm_table);
    mix_attributes(hash, reinterpret_cast<const rtattr *>(body + NLMSG_ALIGN(sizeof route)),
                   size - std::min(size, std::size_t{NLMSG_ALIGN(sizeof route)}), RTA_GATEWAY, RTA_OIF);
    return hash;
}

/// Notices a device (a cable, a radio) that is up again with the same address. A device that goes down is no change,
/// since it opens no new way to the relays. It is remembered in `known`: the kernel repeats such messages at every
/// radio scan, and only the first message after the device was down counts.
void handle_link(Network_Watch &watch, const std::uint8_t *body, std::size_t size) {
    ifinfomsg link;
    if (size < sizeof link) {
        return;
    }
    std::memcpy(&link, body, sizeof link);
    std::uint64_t hash = FNV_START;
    mix(hash, std::uint16_t{RTM_NEWLINK});
    mix(hash, link.ifi_index);
    if ((link.ifi_flags & IFF_RUNNING) == 0) {
        static_cast<void>(remember(watch, hash));
        return;
    }
    const std::uint64_t device_hash = hash;
    mix_attributes(hash, reinterpret_cast<const rtattr *>(body + NLMSG_ALIGN(sizeof link)),
                   size - std::min(size, std::size_t{NLMSG_ALIGN(sizeof link)}), IFLA_MASTER, IFLA_MASTER);
    const bool has_master =
        hash != device_hash; // part of a bridge, such as a container's device: has no address of its own
    const bool was_down = std::erase(watch.known, device_hash) != 0;
    watch.changed = watch.changed || (was_down && !has_master && link.ifi_index != static_cast<int>(LOOPBACK));
}

void handle_message(Network_Watch &watch, const nlmsghdr &header, const std::uint8_t *body, std::size_t size) {
    if (header.nlmsg_type == RTM_NEWLINK) {
        handle_link(watch, body, size);
        return;
    }
    const bool comes = header.nlmsg_type == RTM_NEWADDR || header.nlmsg_type == RTM_NEWROUTE;
    const bool goes = header.nlmsg_type == RTM_DELADDR || header.nlmsg_type == RTM_DELROUTE;
    const std::uint64_t hash = comes || goes ? subject_hash(header, body, size) : 0;
    if (hash == 0) {
        return;
    }
    const bool is_listed = (header.nlmsg_flags & NLM_F_MULTI) != 0; // part of the answer to ask_for_addresses
    // When a device goes down, Linux drops its IPv4 routes without a message. So a route that the kernel calls new is a
    // change, even if its hash is still in `known`.
    const bool is_new_route =
        header.nlmsg_type == RTM_NEWROUTE && (header.nlmsg_flags & (NLM_F_CREATE | NLM_F_REPLACE)) == NLM_F_CREATE;
    if (goes) {
        std::erase(watch.known, hash);
        watch.changed = true;
    } else if ((remember(watch, hash) && !is_listed) || is_new_route) {
        watch.changed = true;
    }
}

/// Asks the kernel for all addresses. The answers come as messages.
void ask_for_addresses(int socket) {
    struct {
        nlmsghdr header;
        ifaddrmsg body;
    } request{};
    request.header.nlmsg_len = sizeof request;
    request.header.nlmsg_type = RTM_GETADDR;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    static_cast<void>(send(socket, &request, sizeof request, 0)); // if it fails, the first repetition counts as new
}

int open_netlink() {
    const int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (netlink < 0) {
        return -1;
    }
    sockaddr_nl own{};
    own.nl_family = AF_NETLINK;
    own.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
    if (bind(netlink, reinterpret_cast<const sockaddr *>(&own), sizeof own) != 0) {
        close(netlink);
        return -1;
    }
    ask_for_addresses(netlink);
    return netlink;
}

/// A timer that never expires. It becomes readable when the calendar clock jumps, as it does at the end of a sleep.
int open_wake_timer() {
    const int timer = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (timer < 0) {
        return -1;
    }
    itimerspec never{};
    never.it_value.tv_sec = std::numeric_limits<time_t>::max();
    if (timerfd_settime(timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, nullptr) != 0) {
        close(timer);
        return -1;
    }
    return timer;
}

void close_if_open(int &descriptor) {
    if (descriptor >= 0) {
        close(descriptor);
        descriptor = -1;
    }
}

void read_netlink(Network_Watch &watch) {
    alignas(nlmsghdr) std::array<std::uint8_t, BUFFER_SIZE> buffer;
    bool lost = false; // the kernel dropped messages, since there were too many
    for (;;) {
        const ssize_t got = recv(watch.socket, buffer.data(), buffer.size(), 0);
        if (got > 0) {
            handle_netlink(watch, std::span{buffer}.first(static_cast<std::size_t>(got)));
        } else if (got < 0 && errno == ENOBUFS) {
            lost = true;
        } else if (lost) {
            // `known` may be wrong now. The kernel is asked only when the socket is empty, so that the answer has room.
            lost = false;
            watch.changed = true;
            watch.known.clear();
            ask_for_addresses(watch.socket);
        } else {
            return;
        }
    }
}

} // namespace

void open_network_watch(Network_Watch &watch) {
    watch = {};
    watch.socket = open_netlink();
    watch.wake = open_wake_timer();
}

void close_network_watch(Network_Watch &watch) {
    close_if_open(watch.socket);
    close_if_open(watch.wake);
}

void handle_netlink(Network_Watch &watch, std::span<const std::uint8_t> messages) {
    while (messages.size() >= sizeof(nlmsghdr)) {
        nlmsghdr header;
        std::memcpy(&header, messages.data(), sizeof header);
        if (header.nlmsg_len < NLMSG_HDRLEN || header.nlmsg_len > messages.size()) {
            return;
        }
        handle_message(watch, header, messages.data() + NLMSG_HDRLEN, header.nlmsg_len - std::size_t{NLMSG_HDRLEN});
        messages = messages.subspan(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), messages.size()));
    }
}

void read_network_watch(Network_Watch &watch) {
    if (watch.socket >= 0) {
        read_netlink(watch);
    }
    if (watch.wake >= 0) {
        // Fails with ECANCELED. The timer then waits for the next jump. The clocks tell whether this one was a sleep.
        std::uint64_t ends = 0;
        static_cast<void>(!read(watch.wake, &ends, sizeof ends));
    }
}

void note_clocks(Network_Watch &watch, std::int64_t boot, std::int64_t monotonic) {
    const std::int64_t asleep = boot - monotonic;
    watch.changed = watch.changed || (watch.asleep_known && asleep - watch.asleep_ms > SLEPT_MS);
    watch.asleep_known = true;
    watch.asleep_ms = asleep;
}

bool network_has_changed(Network_Watch &watch) {
    note_clocks(watch, clock_ms(CLOCK_BOOTTIME), clock_ms(CLOCK_MONOTONIC));
    const bool changed = watch.changed;
    watch.changed = false;
    return changed;
}

} // namespace toxtcp
