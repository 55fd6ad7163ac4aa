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

/// Time to connect to a relay with one address, and time for each further address. The library ends an attempt after
/// 10 s.
inline constexpr std::uint64_t CONNECT_TIMEOUT_US = 15 * SECOND_US;
inline constexpr std::uint64_t FURTHER_ADDRESS_US = 10 * SECOND_US;
/// The library keeps this many addresses of a relay.
inline constexpr std::size_t MAX_ADDRESSES_OF_RELAY = 8;
inline constexpr std::uint64_t LAST_ANSWER_US = 2 * SECOND_US; ///< time for the last answers, after the last ping

/// The addresses of one relay: all have the same key. At least one, at most MAX_ADDRESSES_OF_RELAY.
using Relay_Addresses = std::vector<Relay_Address>;

/// What each mode needs, whether it listens or pings.
struct Pinger {
    Ping_Options options;
    std::vector<Relay_Addresses> relays; ///< only addresses that this machine has a route to, or that a proxy looks up
    std::uint64_t connect_timeout = 0;   ///< us, to connect to a relay and to find the peer there
    Proxy proxy;
    int signals = -1;          ///< descriptor of open_signals
    bool interrupted = false;  ///< by a signal, or because printing failed
    bool print_failed = false; ///< printing failed, and that was reported
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

/// Prints the text without a buffer. If that fails, `pinger` is interrupted.
void ping_print(Pinger &pinger, const std::string &text);

/// Prints a line to standard output, except with --json.
void ping_print_line(Pinger &pinger, const std::string &line);

/// Opens `connections`. False, after an error message, when out of memory or file descriptors.
[[nodiscard]] bool ping_open(const Pinger &pinger, Ping_Connections &connections, const Secret_Key &key,
                             const Callbacks &callbacks);

/// Ties all relays to the connection, each with all its addresses.
void ping_add_relays(const Pinger &pinger, Tcp_Connections *tcp, int connection);

/// Sleeps until a descriptor is ready or a tick is due, at most until `wake_at` (us). Then reads signals and ticks each
/// of `all`.
void ping_wait_and_serve(Pinger &pinger, std::span<Tcp_Connections *const> all, std::uint64_t wake_at);

/// Connects to each relay on its own, waits until all addresses have failed, and prints the causes to standard error.
/// Closes `connections` first.
void ping_diagnose_relays(Pinger &pinger, Ping_Connections &connections);

/// Sends `count` pings, one each interval, then waits for the last answers. `send` sends one ping. `all_answered`: no
/// answer is missing. `wait_and_serve` sleeps at most until its argument (us), and handles what has come.
template <class Send, class All_Answered, class Wait_And_Serve>
void ping_each_interval(const Pinger &pinger, Send send, All_Answered all_answered, Wait_And_Serve wait_and_serve) {
    const auto interval = static_cast<std::uint64_t>(pinger.options.interval * 1e6);
    const std::uint32_t count = pinger.options.count;
    std::uint64_t sent = 0;
    for (std::uint64_t next_ping = now_us(); !pinger.interrupted && (count == 0 || sent < count);) {
        if (now_us() >= next_ping) {
            send();
            ++sent;
            next_ping = std::max(next_ping + interval, now_us());
        }
        wait_and_serve(next_ping);
    }
    const std::uint64_t end = now_us() + LAST_ANSWER_US;
    while (!pinger.interrupted && !all_answered() && now_us() < end) {
        wait_and_serve(end);
    }
}

// ---- the summary at the end ------------------------------------------------------------------------------------

/// "3 packets sent, 2 answered, 33.3 % loss, time 3021 ms". `duplicates`: answers that came a second time. `began_at`:
/// us.
[[nodiscard]] std::string ping_loss(const char *what, std::size_t sent, std::size_t answered, std::uint64_t duplicates,
                                    std::uint64_t began_at);

/// "min/avg/max/mdev = 1.000/1.500/2.000/0.500 ms". `times`: ms, at least one.
[[nodiscard]] std::string ping_spread(const std::vector<double> &times);

/// Adds `round_trips_ms` to the object and, if there is at least one time, their spread as `round_trip_ms`.
void ping_add_times(nlohmann::json &json, const std::vector<double> &times);

// ---- the modes -------------------------------------------------------------------------------------------------

/// Answers pings by echo and by data until interrupted (listen.cpp).
[[nodiscard]] int ping_listen(Pinger &pinger, const Secret_Key &key);

/// Pings any Tox peer with echoes over every relay (echo.cpp).
[[nodiscard]] int ping_by_echo(Pinger &pinger, const Public_Key &peer);

/// Pings a `toxtcp ping --listen` with data packets over the route in use (data.cpp).
[[nodiscard]] int ping_by_data(Pinger &pinger, const Public_Key &peer);

} // namespace toxtcp
