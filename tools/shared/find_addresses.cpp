// Looks up the addresses of host names. The system's resolver blocks, so several threads call it at the same time.
#include "tools/shared/relay_list.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <memory>
#include <thread>

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/shared/clock.h"
#include "tools/shared/descriptors.h"
#include "tools/shared/diagnosis.h"
#include "tools/shared/socket_address.h"

namespace toxtcp {

namespace {

constexpr std::size_t MAX_THREADS = 16;
constexpr std::size_t MAX_ADDRESSES = 16; ///< of a relay; a name server may send any number
/// Time between two checks of `done`, for the case that the pipe could not be opened.
constexpr int CHECK_DONE_MS = 200;

struct Lookup {
    Named_Relay relay;
    std::vector<Relay_Address> found; ///< one for each address, or one with an error
};

struct Resolver {
    std::vector<Lookup> lookups;
    Family wanted = Family::none;
    std::atomic<std::size_t> next{0};
    std::atomic<std::size_t> done{0};
    std::array<int, 2> done_pipe{-1, -1}; ///< a pipe; a byte in it says that all look-ups are done
    std::vector<std::thread> threads;
};

/// Whether this machine has a route to the address; true if that is not known. To connect a datagram socket reads the
/// routing table, and sends nothing.
bool has_route_to(const sockaddr *address, socklen_t size) {
    const int fd = open_socket(address->sa_family, SOCK_DGRAM);
    const bool has_route = (fd >= 0 && connect(fd, address, size) == 0) || trouble_of_error(errno) != Trouble::no_route;
    if (fd >= 0) {
        close(fd);
    }
    return has_route;
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
void describe_failure(Relay_Address &found, int error) {
    Trouble trouble = Trouble::none;
    if (!has_descriptor_left()) {
        trouble = Trouble::no_descriptors; // the resolver may report this as another error
    } else if (error == EAI_AGAIN) {
        trouble = Trouble::no_name_server;
    } else if (is_unknown_name(error)) {
        trouble = Trouble::unknown_name;
    }
    found.is_local_fault = trouble == Trouble::no_descriptors || trouble == Trouble::no_name_server;
    found.error = trouble != Trouble::none ? sentence(trouble)
                                           : std::string{"the host name cannot be looked up: "} + gai_strerror(error);
}

bool is_wanted(Family family, const Named_Relay &relay, Family wanted) {
    return (relay.family == Family::none || relay.family == family) && (wanted == Family::none || wanted == family);
}

void look_up(Lookup &lookup, Family wanted) {
    const Named_Relay &relay = lookup.relay;
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo *list = nullptr;
    const std::uint64_t began_us = now_us();
    const int error = getaddrinfo(relay.host.c_str(), std::to_string(relay.port).c_str(), &hints, &list);
    const std::uint64_t took_us = now_us() - began_us;
    if (error != 0) {
        Relay_Address found{relay, {}, true, {}, false, took_us};
        describe_failure(found, error);
        lookup.found.push_back(std::move(found));
        return;
    }
    for (const addrinfo *entry = list; entry != nullptr; entry = entry->ai_next) {
        if (entry->ai_family != AF_INET && entry->ai_family != AF_INET6) {
            continue;
        }
        const Ip_Port address = to_ip_port(entry->ai_addr);
        if (is_wanted(address.family, relay, wanted) && lookup.found.size() < MAX_ADDRESSES) {
            lookup.found.push_back(
                {relay, address, has_route_to(entry->ai_addr, entry->ai_addrlen), {}, false, took_us});
        }
    }
    freeaddrinfo(list);
    if (lookup.found.empty() && relay.family != Family::none && (wanted == Family::none || wanted == relay.family)) {
        const char *const family = relay.family == Family::ipv4 ? "IPv4" : "IPv6";
        lookup.found.push_back(
            {relay, {}, true, std::string{"the host has no "} + family + " address", false, took_us});
    }
}

void run_lookups(Resolver *resolver) {
    for (std::size_t i = resolver->next++; i < resolver->lookups.size(); i = resolver->next++) {
        look_up(resolver->lookups[i], resolver->wanted);
        if (++resolver->done == resolver->lookups.size()) {
            [[maybe_unused]] const ssize_t written = write(resolver->done_pipe[1], "", 1);
        }
    }
}

/// Waits until all look-ups are done. False when a signal came first.
bool wait_for_all(const Resolver &resolver, int signals) {
    std::array<pollfd, 2> polled{pollfd{resolver.done_pipe[0], POLLIN, 0}, pollfd{signals, POLLIN, 0}};
    while (resolver.done < resolver.lookups.size()) {
        if (poll(polled.data(), polled.size(), CHECK_DONE_MS) > 0 && polled[1].revents != 0) {
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
    static_cast<void>(!open_pipe(resolver->done_pipe)); // without the pipe, `done` is checked again after CHECK_DONE_MS
    for (const Named_Relay &relay : relays) {
        resolver->lookups.push_back({relay, {}});
    }
    for (std::size_t i = 0; i < std::min(MAX_THREADS, relays.size()); ++i) {
        resolver->threads.emplace_back(run_lookups, resolver.get());
    }
    if (!wait_for_all(*resolver, signals)) {
        // The system's resolver cannot be stopped. The program ends soon, and the threads with it. Until then they use
        // `resolver`, so it is not freed.
        for (std::thread &thread : resolver->threads) {
            thread.detach();
        }
        [[maybe_unused]] const Resolver *const leaked = resolver.release();
        return false;
    }
    for (std::thread &thread : resolver->threads) {
        thread.join();
    }
    for (const int end : resolver->done_pipe) {
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
