// The program `toxtcp`: reads the command line and calls the subcommand.
#include <CLI/CLI.hpp>

#include "commands.h"
#include "relay_server.h"

namespace {

constexpr const char *EXIT_CODES = "Exit codes: 0 done, 1 failed (standard error says why), 2 wrong usage.";

constexpr const char *DEMO_NOTES =
    "Starts three relays as processes of its own and connects two peers that know each other only by public key.\n"
    "Numbered packets go both ways. The relay in use is killed; later another one in use is stopped (SIGSTOP);\n"
    "later the killed one comes back, and the stopped one is continued.\n\n"
    "Exit codes: 0 the connection held (no silence above 5 s, nothing twice, alive to the end), 1 it did not or the\n"
    "demo could not run (standard error says why), 2 wrong usage, 130 interrupted.";

} // namespace

int main(int argc, char **argv) {
    using namespace toxtcp;

    CLI::App app{"toxtcp keeps one connection to each Tox peer alive over several TCP relays."};
    app.set_version_flag("--version", "toxtcp " TOXTCP_VERSION);
    app.require_subcommand(1);
    app.footer(std::string{"`toxtcp COMMAND --help` tells more. "} + EXIT_CODES);

    Demo_Options demo_options;
    CLI::App *demo = app.add_subcommand("demo", "See a connection outlive its relays");
    demo->add_option("--seconds", demo_options.seconds, "How long packets are sent")
        ->check(CLI::Range(5, 3'600))
        ->capture_default_str();
    demo->add_option("--rate", demo_options.rate, "Packets per second, each way")
        ->check(CLI::Range(1, 10'000))
        ->capture_default_str();
    demo->add_flag("--json", demo_options.json, "Print nothing but the summary, as one JSON object");
    demo->footer(DEMO_NOTES);

    Relay_Options relay_options;
    relay_options.max_clients = RELAY_SERVER_MAX_CLIENTS;
    CLI::App *relay = app.add_subcommand("relay", "Run a relay for development and tests");
    relay->add_option("--port", relay_options.port, "TCP port; 0: any that is free")->capture_default_str();
    relay->add_option("--address", relay_options.address, "Numeric address to listen on; :: is all, IPv4 too")
        ->capture_default_str();
    relay->add_option("--key-file", relay_options.key_file,
                      "Secret key, 64 hexadecimal digits; made when it does not exist. Without: a new key each time");
    relay->add_option("--max-clients", relay_options.max_clients, "Further clients are turned away")
        ->check(CLI::Range(1, 100'000))
        ->capture_default_str();
    relay->add_flag("--json", relay_options.json, "Print address, port and key as one JSON object on one line");
    relay->footer(
        std::string{"Prints one line when it is ready, and runs until SIGINT or SIGTERM. It has no DHT: onion "
                    "and forwarding\nrequests are ignored.\n\n"} +
        EXIT_CODES);

    Keygen_Options keygen_options;
    CLI::App *keygen = app.add_subcommand("keygen", "Make a secret key file, and print its public key");
    keygen->add_option("file", keygen_options.key_file, "The file to make; one that exists is never overwritten")
        ->required();
    keygen->add_flag("--json", keygen_options.json, "Print a JSON object");
    keygen->footer(EXIT_CODES);

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError &error) {
        return app.exit(error) == 0 ? EXIT_DONE : EXIT_USAGE;
    }
    if (*demo) {
        return run_demo(demo_options);
    }
    if (*relay) {
        return run_relay(relay_options);
    }
    return run_keygen(keygen_options);
}
