// The subcommands of `toxtcp`, as functions that `main` calls with the parsed command line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace toxtcp {

/// Exit codes, which `--help` lists.
inline constexpr int EXIT_DONE = 0;
inline constexpr int EXIT_FAILED = 1;        ///< it did not work, standard error says why; demo: the connection broke
inline constexpr int EXIT_USAGE = 2;         ///< the command line makes no sense
inline constexpr int EXIT_INTERRUPTED = 130; ///< demo: stopped by a signal before its end (128 + SIGINT)

struct Relay_Options {
    std::uint16_t port = 0;     ///< 0: any free one
    std::string address = "::"; ///< numeric; "::" takes IPv4 as well
    std::string key_file;       ///< empty: a new key for each run
    std::size_t max_clients = 0;
    bool json = false;
};

/// A relay, until SIGINT or SIGTERM.
[[nodiscard]] int run_relay(const Relay_Options &options);

struct Demo_Options {
    std::uint32_t seconds = 30;
    std::uint32_t rate = 50; ///< packets per second, each way
    bool json = false;
};

/// Two peers over three relays that fail one after the other.
[[nodiscard]] int run_demo(const Demo_Options &options);

struct Keygen_Options {
    std::string key_file;
    bool json = false;
};

/// A new secret key in a file, its public key on standard output.
[[nodiscard]] int run_keygen(const Keygen_Options &options);

} // namespace toxtcp
