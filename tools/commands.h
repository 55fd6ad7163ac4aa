// The subcommands of `toxtcp`, as functions that `main` calls with the parsed command line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "proxy_option.h"
#include "relay_server.h"

namespace toxtcp {

/// Exit codes, which `--help` lists.
inline constexpr int EXIT_DONE = 0;
inline constexpr int EXIT_FAILED = 1;        ///< it did not work, standard error says why; demo: the connection broke;
                                             ///< probe: a relay is not well; ping: no answer
inline constexpr int EXIT_USAGE = 2;         ///< the command line, a file of options or a node list makes no sense
inline constexpr int EXIT_INTERRUPTED = 130; ///< stopped by a signal before its end (128 + SIGINT)

struct Relay_Options {
    std::uint16_t port = 0;     ///< 0: any free one
    std::string address = "::"; ///< numeric; "::" takes IPv4 as well
    std::string key_file;       ///< empty: a new key for each run
    std::size_t max_clients = 0;
    bool json = false;
};

/// A relay, until SIGINT or SIGTERM. Tests have it misbehave.
[[nodiscard]] int run_relay(const Relay_Options &options, const Relay_Faults &faults = {});

struct Demo_Options {
    std::uint32_t seconds = 30;
    std::uint32_t rate = 50; ///< packets per second, each way
    bool json = false;
    std::string snapshot_file; ///< where the first peer's state is written, for `toxtcp top`; empty: nowhere
    Proxy_Option proxy;        ///< both peers use it
};

/// Two peers over three relays that fail one after the other.
[[nodiscard]] int run_demo(const Demo_Options &options);

struct Probe_Options {
    std::vector<std::string> relays; ///< HOST:PORT:KEY
    std::string nodes_file;          ///< JSON of the public node list
    std::uint32_t seconds = 10;      ///< during which packets are sent through each relay
    std::uint32_t rate = 10;         ///< packets per second through each relay, all ways together
    std::uint32_t timeout = 10;      ///< s, for connect and handshake, and again for routing
    std::uint32_t parallel = 32;     ///< relays probed at a time
    std::uint32_t interval = 60;     ///< s, from one round of watching to the next
    bool ipv4 = false;               ///< IPv4 alone
    bool ipv6 = false;               ///< IPv6 alone
    bool all_ports = false;          ///< of the node list
    bool watch = false;
    bool json = false;
    std::string html_file;
    std::string history_file; ///< results of earlier rounds and runs; empty: only those of this run are known
    std::string on_change;    ///< shell command that is run when a relay's status changes; empty: none
    std::string prometheus_file;
    Proxy_Option proxy;
};

/// What relays are worth.
[[nodiscard]] int run_probe(const Probe_Options &options);

struct Ping_Options {
    std::vector<std::string> relays; ///< HOST:PORT:KEY
    std::string peer;                ///< its DHT public key
    std::string key_file;            ///< of the listener; empty: a new key for each run
    bool listen = false;
    bool data = false;       ///< data packets to a listener, not echoes to any peer
    std::uint32_t count = 0; ///< pings; 0: until it is interrupted
    double interval = 1;     ///< s
    std::uint32_t size = 56; ///< bytes of a data packet
    bool json = false;
    Proxy_Option proxy;
};

/// To a peer and back.
[[nodiscard]] int run_ping(const Ping_Options &options);

struct Top_Options {
    std::string path; ///< a snapshot's file, or a socket that says one
    double interval = 1;
    bool once = false;
};

/// A live view of a host's relays and peers.
[[nodiscard]] int run_top(const Top_Options &options);

struct Keygen_Options {
    std::string key_file;
    bool json = false;
};

/// A new secret key in a file, its public key on standard output.
[[nodiscard]] int run_keygen(const Keygen_Options &options);

} // namespace toxtcp
