// What the modes of `toxtcp ping` share: relays, connections, waiting, and the summary at the end.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <toxtcp/tcp_connections.h>

#include "tools/commands.h"
#include "tools/shared/clock.h"
#include "tools/shared/relay_list.h"
#include "tools/shared/watched_host.h"

namespace toxtcp {

/// Time to connect to a relay with one address, and time for each further address. The library's limit for an attempt
/// is 10 s.
inline constexpr std::uint64_t MEET_WITHIN_US = 15 * SECOND_US;
inline constexpr std::uint64_t NEXT_ADDRESS_US = 10 * SECOND_US;
/// The library keeps this many addresses of a relay.
inline constexpr std::size_t MAX_ADDRESSES_OF_RELAY = 8;
inline constexpr std::uint64_t LAST_ANSWER_US = 2 * SECOND_US; ///< time for the last answers, after the last ping

/// The addresses of one relay: all have the same key. At least one, at most MAX_ADDRESSES_OF_RELAY.
using Relay_Addresses = std::vector<Relay_Address>;

/// What each mode needs, whether it listens or pings.
struct Pinger {
    Ping_Options options;
    std::vector<Relay_Addresses> relays; ///< this machine has a route to each address, or a proxy looks it up
    std::uint64_t meet_within = 0;       ///< us, to connect to a relay and to meet the peer
    Proxy proxy;
    int signals = -1;          ///< descriptor that signals come from
    bool interrupted = false;  ///< by a signal, or because nothing can be printed
    bool cannot_print = false; ///< and that was reported
};

/// A `Tcp_Connections` and its host. The host logs nothing, since the modes print what happens to relays. Must not move
/// while it is open.
struct Ping_Connections {
    Watched_Host watched;
    Tcp_Connections *tcp = nullptr;

    Ping_Connections() = default;
    Ping_Connections(const Ping_Connections &) = delete;
    Ping_Connections &operator=(const Ping_Connections &) = delete;
    ~Ping_Connections();
};

/// Frees the connections and the host. May be called again.
void ping_close(Ping_Connections &connections);

/// Prints the text without a buffer. If that fails, the pings end.
void ping_print(Pinger &pinger, const std::string &text);

/// Prints a line to standard output, except with --json.
void ping_say(Pinger &pinger, const std::string &line);

/// Opens `connections`. False, after an error message, when out of memory or file descriptors.
[[nodiscard]] bool ping_open(const Pinger &pinger, Ping_Connections &connections, const Secret_Key &key,
                             const Callbacks &callbacks);

/// Ties all relays to the connection, each with all its addresses.
void ping_add_relays(const Pinger &pinger, Tcp_Connections *tcp, int connection);

/// Sleeps until a descriptor is ready or something is due, at most until `wake` (us). Then reads signals and runs the
/// tick of each of `all`.
void ping_turn(Pinger &pinger, std::span<Tcp_Connections *const> all, std::uint64_t wake);

/// Prints to standard error why no relay can be connected to. To find out, connects to each relay on its own, and waits
/// until all addresses have failed. Closes `connections` first.
void ping_complain_of_relays(Pinger &pinger, Ping_Connections &connections);

/// Sends `count` pings, one each interval, then waits for the last answers. `send` sends one ping. `all_answered` says
/// whether no answer is missing. `turn` sleeps, at most until the time that it is given (us).
template <class Send, class All_Answered, class Turn>
void ping_each_interval(const Pinger &pinger, Send send, All_Answered all_answered, Turn turn) {
    const auto interval = static_cast<std::uint64_t>(pinger.options.interval * 1e6);
    const std::uint32_t count = pinger.options.count;
    std::uint64_t sent = 0;
    for (std::uint64_t next = now_us(); !pinger.interrupted && (count == 0 || sent < count);) {
        if (now_us() >= next) {
            send();
            ++sent;
            next = std::max(next + interval, now_us());
        }
        turn(next);
    }
    const std::uint64_t end = now_us() + LAST_ANSWER_US;
    while (!pinger.interrupted && !all_answered() && now_us() < end) {
        turn(end);
    }
}

// ---- the summary at the end ------------------------------------------------------------------------------------

/// "3 packets sent, 2 answered, 33.3 % loss, time 3021 ms". `twice`: how many answers came a second time.
[[nodiscard]] std::string ping_loss(const char *what, std::size_t sent, std::size_t answered, std::uint64_t twice,
                                    std::uint64_t began);

/// "min/avg/max/mdev = 1.000/1.500/2.000/0.500 ms". `times`: ms, at least one.
[[nodiscard]] std::string ping_spread(const std::vector<double> &times);

/// Adds `round_trips_ms` to the object and, if there is at least one time, their spread as `round_trip_ms`.
void ping_add_times(nlohmann::json &json, const std::vector<double> &times);

// ---- the modes -------------------------------------------------------------------------------------------------

/// Answers pings of both modes until interrupted (listen.cpp).
[[nodiscard]] int ping_listen(Pinger &pinger, const Secret_Key &key);

/// Pings any Tox peer with echoes over every relay (echo.cpp).
[[nodiscard]] int ping_by_echo(Pinger &pinger, const Public_Key &peer);

/// Pings a `toxtcp ping --listen` with data packets over the route in use (data.cpp).
[[nodiscard]] int ping_by_data(Pinger &pinger, const Public_Key &peer);

} // namespace toxtcp
