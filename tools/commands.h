// The subcommands of `toxtcp`: for each one its options, and the function that `main` calls with them. Each function
// returns an exit code.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tools/relay/server.h"
#include "tools/shared/proxy_option.h"

namespace toxtcp {

/// Exit codes, which `--help` lists.
inline constexpr int EXIT_DONE = 0;
inline constexpr int EXIT_FAILED = 1;        ///< failed, standard error says why; demo: the connection did not hold;
                                             ///< probe: a relay is not good; ping: no answer
inline constexpr int EXIT_USAGE = 2;         ///< the command line, a file of options or a node list is wrong
inline constexpr int EXIT_INTERRUPTED = 130; ///< a signal ended the command early (128 + SIGINT)

struct Relay_Options {
    std::uint16_t port = 0;     ///< 0: any free port
    std::string address = "::"; ///< numeric; "::" takes IPv4 as well
    std::string key_file;       ///< empty: a new key for each run
    std::size_t max_clients = 0;
    bool json = false;
};

/// Runs a relay until SIGINT or SIGTERM. Tests pass `faults` to make the relay misbehave.
[[nodiscard]] int run_relay(const Relay_Options &options, const Relay_Faults &faults = {});

struct Demo_Options {
    std::uint32_t seconds = 30;
    std::uint32_t rate = 50; ///< packets per second, each way
    bool json = false;
    std::string snapshot_file; ///< file for the first peer's snapshots, for `toxtcp top`; empty: none
    Proxy_Option proxy;        ///< both peers use it
};

/// Connects two peers over three relays, and makes relays fail one after the other.
[[nodiscard]] int run_demo(const Demo_Options &options);

struct Probe_Options {
    std::vector<std::string> relays; ///< HOST:PORT:KEY
    std::string nodes_file;          ///< the public node list, as JSON
    std::uint32_t seconds = 10;      ///< how long packets are sent through each relay
    std::uint32_t rate = 10;         ///< packets per second through each relay, all streams together
    std::uint32_t timeout = 10;      ///< s, for connect and handshake; the same again for routing
    std::uint32_t parallel = 32;     ///< most relays that are probed at the same time
    std::uint32_t interval = 60;     ///< s, from the beginning of one round to that of the next
    bool ipv4 = false;               ///< IPv4 addresses only
    bool ipv6 = false;               ///< IPv6 addresses only
    bool all_ports = false;          ///< all TCP ports of each node in the node list; else only the first port
    bool watch = false;
    bool json = false;
    std::string html_file;
    std::string history_file; ///< file of the results of earlier rounds and runs; empty: none
    std::string on_change;    ///< shell command to run when a relay's status changes; empty: none
    std::string prometheus_file;
    Proxy_Option proxy;
};

/// Probes relays, and reports how well each one works.
[[nodiscard]] int run_probe(const Probe_Options &options);

struct Ping_Options {
    std::vector<std::string> relays; ///< HOST:PORT:KEY
    std::string peer;                ///< the peer's DHT public key
    std::string key_file;            ///< the listener's key file; empty: a new key for each run
    bool listen = false;
    bool data = false;       ///< true: data packets to a listener; false: echoes to any peer
    std::uint32_t count = 0; ///< pings; 0: until interrupted
    double interval = 1;     ///< s
    std::uint32_t size = 56; ///< bytes of a data packet
    bool json = false;
    Proxy_Option proxy;
};

/// Pings a peer through relays, or answers such pings.
[[nodiscard]] int run_ping(const Ping_Options &options);

struct Top_Options {
    std::string path;    ///< the snapshot file, or a Unix socket that sends a snapshot
    double interval = 1; ///< s
    bool once = false;
};

/// Shows a live view of a host's relays and peers.
[[nodiscard]] int run_top(const Top_Options &options);

struct Keygen_Options {
    std::string key_file;
    bool json = false;
};

/// Writes a new secret key to a file, and prints its public key.
[[nodiscard]] int run_keygen(const Keygen_Options &options);

} // namespace toxtcp
