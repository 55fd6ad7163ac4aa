#include "host/network_watch.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

namespace toxtcp {

namespace {

constexpr std::size_t BUFFER_SIZE = 8 * 1024; // what the kernel sends at once at the most

std::int64_t clock_ms(clockid_t clock) {
    timespec time{};
    clock_gettime(clock, &time);
    return std::int64_t{time.tv_sec} * 1'000 + time.tv_nsec / 1'000'000;
}

/// FNV-1a: of our own kernel's words, so that nobody picks them.
void mix(std::uint64_t &hash, const void *data, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
        hash = (hash ^ static_cast<const std::uint8_t *>(data)[i]) * 0x100000001B3U;
    }
}

template <class T>
void mix(std::uint64_t &hash, const T &value) {
    mix(hash, &value, sizeof value);
}

/// Mixes in the attributes of these types.
void mix_attributes(std::uint64_t &hash, const rtattr *attribute, std::size_t left, std::uint16_t a, std::uint16_t b) {
    for (int size = static_cast<int>(left); RTA_OK(attribute, size); attribute = RTA_NEXT(attribute, size)) {
        if (attribute->rta_type == a || attribute->rta_type == b) {
            mix(hash, attribute->rta_type);
            mix(hash, RTA_DATA(attribute), RTA_PAYLOAD(attribute));
        }
    }
}

/// True if it was not known.
bool remember(Network_Watch &watch, std::uint64_t hash) {
    const auto end = watch.known.begin() + static_cast<std::ptrdiff_t>(watch.known_count);
    if (std::find(watch.known.begin(), end, hash) != end) {
        return false;
    }
    if (watch.known_count == watch.known.size()) {
        watch.known_count = 0; // a machine with so many will say some of them again
    }
    watch.known[watch.known_count++] = hash;
    return true;
}

void forget(Network_Watch &watch, std::uint64_t hash) {
    const auto end = watch.known.begin() + static_cast<std::ptrdiff_t>(watch.known_count);
    const auto found = std::find(watch.known.begin(), end, hash);
    if (found != end) {
        *found = watch.known[--watch.known_count];
    }
}

/// What a message is about, as a hash; 0 for what does not matter to a TCP connection across the network.
std::uint64_t subject(const nlmsghdr &header, const std::uint8_t *body, std::size_t size) {
    std::uint64_t hash = 0xCBF29CE484222325U;
    if (header.nlmsg_type == RTM_NEWADDR || header.nlmsg_type == RTM_DELADDR) {
        ifaddrmsg address;
        if (size < sizeof address) {
            return 0;
        }
        std::memcpy(&address, body, sizeof address);
        if (address.ifa_scope != RT_SCOPE_UNIVERSE || (address.ifa_flags & IFA_F_TENTATIVE) != 0) {
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

void take_message(Network_Watch &watch, const nlmsghdr &header, const std::uint8_t *body, std::size_t size) {
    const bool comes = header.nlmsg_type == RTM_NEWADDR || header.nlmsg_type == RTM_NEWROUTE;
    const bool goes = header.nlmsg_type == RTM_DELADDR || header.nlmsg_type == RTM_DELROUTE;
    const std::uint64_t about = comes || goes ? subject(header, body, size) : 0;
    if (about == 0) {
        return;
    }
    const bool is_listed = (header.nlmsg_flags & NLM_F_MULTI) != 0; // an answer to our question what there is
    if (goes) {
        forget(watch, about);
        watch.changed = true;
    } else if (remember(watch, about) && !is_listed) {
        watch.changed = true;
    }
}

/// Asks what addresses there are. The answers come as messages.
void ask_for_addresses(int socket) {
    struct {
        nlmsghdr header;
        ifaddrmsg body;
    } request{};
    request.header.nlmsg_len = sizeof request;
    request.header.nlmsg_type = RTM_GETADDR;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    static_cast<void>(send(socket, &request, sizeof request, 0)); // without it, what is repeated first counts as new
}

} // namespace

void open_network_watch(Network_Watch &watch) {
    watch = {};
    watch.socket = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (watch.socket < 0) {
        return;
    }
    sockaddr_nl own{};
    own.nl_family = AF_NETLINK;
    own.nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
    if (bind(watch.socket, reinterpret_cast<const sockaddr *>(&own), sizeof own) != 0) {
        close_network_watch(watch);
        return;
    }
    ask_for_addresses(watch.socket);
}

void close_network_watch(Network_Watch &watch) {
    if (watch.socket >= 0) {
        close(watch.socket);
        watch.socket = -1;
    }
}

void take_netlink(Network_Watch &watch, std::span<const std::uint8_t> messages) {
    while (messages.size() >= sizeof(nlmsghdr)) {
        nlmsghdr header;
        std::memcpy(&header, messages.data(), sizeof header);
        if (header.nlmsg_len < NLMSG_HDRLEN || header.nlmsg_len > messages.size()) {
            return;
        }
        take_message(watch, header, messages.data() + NLMSG_HDRLEN, header.nlmsg_len - std::size_t{NLMSG_HDRLEN});
        messages = messages.subspan(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), messages.size()));
    }
}

void read_network_watch(Network_Watch &watch) {
    alignas(nlmsghdr) std::array<std::uint8_t, BUFFER_SIZE> buffer;
    for (;;) {
        const ssize_t got = recv(watch.socket, buffer.data(), buffer.size(), 0);
        if (got <= 0) {
            watch.changed = watch.changed || (got < 0 && errno == ENOBUFS); // so much happened that some was lost
            if (got == 0 || errno != ENOBUFS) {
                return;
            }
            continue;
        }
        take_netlink(watch, std::span{buffer}.first(static_cast<std::size_t>(got)));
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
