// Looks up the addresses of host names. The system's resolver blocks, so several threads call it at the same time.
#include "tools/shared/relay_list.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/shared/clock.h"
#include "tools/shared/descriptors.h"
#include "tools/shared/diagnosis.h"

namespace toxtcp {

namespace {

constexpr std::size_t MAX_THREADS = 16;
constexpr std::size_t MAX_ADDRESSES = 16; ///< of a relay; a name server may send any number
constexpr int LOOK_AGAIN_MS = 200;        ///< how often `done` is checked; needed if the pipe could not be opened

struct Lookup {
    Named_Relay relay;
    std::vector<Relay_Address> found; ///< one for each address, or one with an error
};

struct Resolver {
    std::vector<Lookup> lookups;
    Family wanted = Family::none;
    std::atomic<std::size_t> next{0};
    std::atomic<std::size_t> done{0};
    std::array<int, 2> all_done{-1, -1}; ///< a pipe; a byte in it says that all look-ups are done
    std::vector<std::thread> threads;
};

Ip_Port to_ip_port(const sockaddr *address) {
    Ip_Port result;
    if (address->sa_family == AF_INET) {
        sockaddr_in ipv4;
        std::memcpy(&ipv4, address, sizeof ipv4);
        result.family = Family::ipv4;
        result.port = ntohs(ipv4.sin_port);
        std::memcpy(result.ip.data(), &ipv4.sin_addr, sizeof ipv4.sin_addr);
    } else {
        sockaddr_in6 ipv6;
        std::memcpy(&ipv6, address, sizeof ipv6);
        result.family = Family::ipv6;
        result.port = ntohs(ipv6.sin6_port);
        std::memcpy(result.ip.data(), &ipv6.sin6_addr, sizeof ipv6.sin6_addr);
    }
    return result;
}

/// Whether this machine has a route to the address; true if that cannot be found out. To connect a datagram socket only
/// asks the routing table, and sends nothing.
bool has_way_to(const sockaddr *address, socklen_t size) {
    const int fd = open_socket(address->sa_family, SOCK_DGRAM);
    const bool has = (fd >= 0 && connect(fd, address, size) == 0) || trouble_of_error(errno) != Trouble::no_route;
    if (fd >= 0) {
        close(fd);
    }
    return has;
}

bool has_descriptor_left() {
    const int fd = open("/", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0 || trouble_of_error(errno) != Trouble::no_descriptors;
}

bool is_unknown_name(int error) {
#ifdef EAI_NODATA
    return error == EAI_NONAME || error == EAI_NODATA;
#else
    return error == EAI_NONAME;
#endif
}

/// Describes the resolver's error in `found`.
void note_failure(Relay_Address &found, int error) {
    Trouble trouble = Trouble::none;
    if (!has_descriptor_left()) {
        trouble = Trouble::no_descriptors; // the resolver may report this as another error
    } else if (error == EAI_AGAIN) {
        trouble = Trouble::no_name_server;
    } else if (is_unknown_name(error)) {
        trouble = Trouble::no_name;
    }
    found.is_our_fault = trouble == Trouble::no_descriptors || trouble == Trouble::no_name_server;
    found.error = trouble != Trouble::none ? sentence(trouble)
                                           : std::string{"the host name cannot be looked up: "} + gai_strerror(error);
}

bool is_wanted(Family family, const Named_Relay &relay, Family wanted) {
    return (relay.only == Family::none || relay.only == family) && (wanted == Family::none || wanted == family);
}

void look_up(Lookup &lookup, Family wanted) {
    const Named_Relay &relay = lookup.relay;
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo *list = nullptr;
    const std::uint64_t began = now_us();
    const int error = getaddrinfo(relay.host.c_str(), std::to_string(relay.port).c_str(), &hints, &list);
    const std::uint64_t took = now_us() - began;
    if (error != 0) {
        Relay_Address found{relay, {}, true, {}, false, took};
        note_failure(found, error);
        lookup.found.push_back(std::move(found));
        return;
    }
    for (const addrinfo *entry = list; entry != nullptr; entry = entry->ai_next) {
        if (entry->ai_family != AF_INET && entry->ai_family != AF_INET6) {
            continue;
        }
        const Ip_Port address = to_ip_port(entry->ai_addr);
        if (is_wanted(address.family, relay, wanted) && lookup.found.size() < MAX_ADDRESSES) {
            lookup.found.push_back({relay, address, has_way_to(entry->ai_addr, entry->ai_addrlen), {}, false, took});
        }
    }
    freeaddrinfo(list);
    if (lookup.found.empty() && relay.only != Family::none && (wanted == Family::none || wanted == relay.only)) {
        const char *const family = relay.only == Family::ipv4 ? "IPv4" : "IPv6";
        lookup.found.push_back({relay, {}, true, std::string{"the host has no "} + family + " address", false, took});
    }
}

void work(Resolver *resolver) {
    for (std::size_t i = resolver->next++; i < resolver->lookups.size(); i = resolver->next++) {
        look_up(resolver->lookups[i], resolver->wanted);
        if (++resolver->done == resolver->lookups.size()) {
            [[maybe_unused]] const ssize_t written = write(resolver->all_done[1], "", 1);
        }
    }
}

/// Waits until all look-ups are done. False when a signal came first.
bool wait_for_all(const Resolver &resolver, int signals) {
    std::array<pollfd, 2> polled{pollfd{resolver.all_done[0], POLLIN, 0}, pollfd{signals, POLLIN, 0}};
    while (resolver.done < resolver.lookups.size()) {
        if (poll(polled.data(), polled.size(), LOOK_AGAIN_MS) > 0 && polled[1].revents != 0) {
            return false;
        }
    }
    return true;
}

} // namespace

bool find_addresses(const std::vector<Named_Relay> &relays, Family wanted, int signals,
                    std::vector<Relay_Address> &addresses) {
    auto resolver = std::make_unique<Resolver>();
    resolver->wanted = wanted;
    static_cast<void>(!open_pipe(resolver->all_done)); // without it, LOOK_AGAIN_MS does
    for (const Named_Relay &relay : relays) {
        resolver->lookups.push_back({relay, {}});
    }
    for (std::size_t i = 0; i < std::min(MAX_THREADS, relays.size()); ++i) {
        resolver->threads.emplace_back(work, resolver.get());
    }
    if (!wait_for_all(*resolver, signals)) {
        // The system's resolver cannot be stopped. The program ends soon, and the threads with it. Until then they use
        // `resolver`, so it is not freed.
        for (std::thread &thread : resolver->threads) {
            thread.detach();
        }
        [[maybe_unused]] const Resolver *const left = resolver.release();
        return false;
    }
    for (std::thread &thread : resolver->threads) {
        thread.join();
    }
    for (const int end : resolver->all_done) {
        if (end >= 0) {
            close(end);
        }
    }
    for (Lookup &lookup : resolver->lookups) {
        addresses.insert(addresses.end(), lookup.found.begin(), lookup.found.end());
    }
    return true;
}

} // namespace toxtcp
