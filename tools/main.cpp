// The program `toxtcp`: reads the command line and calls the subcommand.
#include <CLI/CLI.hpp>

#include "commands.h"
#include "config_file.h"
#include "relay_server.h"

namespace toxtcp {

namespace {

constexpr const char *EXIT_CODES = "Exit codes: 0 done, 1 failed (standard error says why), 2 wrong usage.";

constexpr const char *DEMO_NOTES =
    "Starts three relays as processes of its own and connects two peers that know each other only by public key.\n"
    "Numbered packets go both ways. The relay in use is killed; later another one in use is stopped (SIGSTOP);\n"
    "later the killed one comes back, and the stopped one is continued.\n\n"
    "Exit codes: 0 the connection held (no silence above 5 s, nothing twice, alive to the end), 1 it did not or the\n"
    "demo could not run (standard error says why), 2 wrong usage, 130 interrupted.";

constexpr const char *PROBE_NOTES =
    "Two fresh identities connect to each relay, at each of its addresses, and send each other data and out-of-band\n"
    "packets through it, never more than --rate a second. A relay is found to be good, dropping (delivers a part),\n"
    "lying (says online, delivers nothing), refusing (answers, does not serve), hung (takes connections, says\n"
    "nothing) or dead (cannot be connected); skipped, when this machine has no way to its address.\n\n"
    "Exit codes: 0 all are well, 1 some are not (or could not be probed), 2 wrong usage, 130 interrupted.";

constexpr const char *PING_NOTES =
    "Each ping is one end-to-end echo over every relay. Every Tox client that is connected to one of the relays answers,\n"
    "and so does a `toxtcp ping --listen`. A client's DHT public key is not the key in its Tox ID, and is a new one each\n"
    "time that the client starts; a program gets it by tox_self_get_dht_id. With --data the peer is a\n"
    "`toxtcp ping --listen`, which prints its key.\n\n"
    "Exit codes: 0 answers came, 1 none came, 2 wrong usage, 130 interrupted before it began.";

constexpr const char *TOP_NOTES =
    "FILE is what a host writes every so often with the library's tcp_connections_json, SOCKET a Unix socket where it\n"
    "says that to whoever connects. Where standard output is no terminal, it is shown once.\n\n"
    "Of a relay:   PING       time to the relay and back\n"
    "              PEERS      peers that are online there\n"
    "              USED       peers whose data is sent over it\n"
    "              FAULTS     times that it did not answer, or did not deliver\n"
    "Of a peer:    ROUTES     relays where the peer is online, of all that are tried\n"
    "              HEARD AGO  since the last packet that is the peer's for certain\n"
    "              ECHOES     sent to the peer, and answered by it; their counts begin anew at 65,536\n"
    "              MOVES      times that its data was sent over another relay from then on\n"
    "              FAULTS     times that this was so since a relay did not deliver\n"
    "Of a route:   ECHO       time of an echo to the peer and back\n"
    "              PROVED AGO since the last echo that was answered: the last proof that the route delivers\n\n";

void add_demo(CLI::App &app, Demo_Options &options) {
    CLI::App *const demo = app.add_subcommand("demo", "See a connection outlive its relays");
    demo->add_option("--seconds", options.seconds, "How long packets are sent")
        ->check(CLI::Range(5, 3'600))
        ->capture_default_str();
    demo->add_option("--rate", options.rate, "Packets per second, each way")
        ->check(CLI::Range(1, 10'000))
        ->capture_default_str();
    demo->add_option("--snapshot", options.snapshot_file,
                     "Write the first peer's state to this file, for `toxtcp top`");
    demo->add_flag("--json", options.json, "Print nothing but the summary, as one JSON object");
    demo->footer(DEMO_NOTES);
}

void add_relay(CLI::App &app, Relay_Options &options, std::string &config_file) {
    CLI::App *const relay = app.add_subcommand("relay", "Run a relay for development and tests");
    relay->add_option("--port", options.port, "TCP port; 0: any that is free")->capture_default_str();
    relay->add_option("--address", options.address, "Numeric address to listen on; :: is all, IPv4 too")
        ->capture_default_str();
    relay->add_option("--key-file", options.key_file,
                      "Secret key, 64 hexadecimal digits; made when it does not exist. Without: a new key each time");
    relay->add_option("--max-clients", options.max_clients, "Further clients are turned away")
        ->check(CLI::Range(1, 100'000))
        ->capture_default_str();
    relay->add_flag("--json", options.json, "Print address, port and key as one JSON object on one line");
    relay->add_option("--config", config_file, "A file of these options, one a line: port = 33445")
        ->check(CLI::ExistingFile)
        ->configurable(false);
    relay->footer(
        std::string{"Prints one line when it is ready, and runs until SIGINT or SIGTERM. It has no DHT: onion "
                    "and forwarding\nrequests are ignored. What the command line says wins over the file.\n\n"} +
        EXIT_CODES);
}

void add_probe(CLI::App &app, Probe_Options &options) {
    CLI::App *const probe = app.add_subcommand("probe", "Find out what relays are worth");
    probe->add_option("relay", options.relays, "HOST:PORT:KEY; an IPv6 address in brackets");
    probe->add_option("--nodes", options.nodes_file,
                      "Probe the relays of this file: the public Tox node list, as JSON");
    probe->add_option("--seconds", options.seconds, "How long packets are sent through each relay")
        ->check(CLI::Range(1, 3'600))
        ->capture_default_str();
    probe->add_option("--rate", options.rate, "At most so many packets per second through each relay")
        ->check(CLI::Range(1, 10'000))
        ->capture_default_str();
    probe->add_option("--timeout", options.timeout, "Seconds for connect and handshake, and again for routing")
        ->check(CLI::Range(1, 10))
        ->capture_default_str();
    probe->add_option("--parallel", options.parallel, "So many relays at a time")
        ->check(CLI::Range(1, 1'000))
        ->capture_default_str();
    CLI::Option *const ipv4 = probe->add_flag("--ipv4", options.ipv4, "IPv4 addresses only");
    probe->add_flag("--ipv6", options.ipv6, "IPv6 addresses only")->excludes(ipv4);
    probe->add_flag("--all-ports", options.all_ports, "All TCP ports of the node list, not the first of each alone");
    probe->add_flag("--watch", options.watch, "Go on, and show each round's results, until it is interrupted");
    probe->add_option("--interval", options.interval, "Seconds from one round's beginning to the next")
        ->check(CLI::Range(1, 86'400))
        ->capture_default_str();
    probe->add_flag("--json", options.json, "Print JSON; with --watch, one line for each round");
    probe->add_option("--html", options.html_file, "Write a page to publish");
    probe->add_option("--prometheus", options.prometheus_file, "Write metrics, for the textfile collector");
    probe->footer(PROBE_NOTES);
}

void add_ping(CLI::App &app, Ping_Options &options) {
    CLI::App *const ping = app.add_subcommand("ping", "Ping a Tox peer through relays, and time the answers");
    ping->add_option("key", options.peer, "The peer's DHT public key");
    // Without the last, a peer's key right behind would be taken for one more relay.
    ping->add_option("--relay", options.relays, "HOST:PORT:KEY; may be given several times")
        ->expected(1)
        ->take_all()
        ->allow_extra_args(false);
    CLI::Option *const listen = ping->add_flag("--listen", options.listen, "Be a peer: print a key, and answer");
    ping->add_option("--key-file", options.key_file, "The listener's secret key; made when it does not exist")
        ->needs(listen);
    CLI::Option *const data = ping->add_flag(
        "--data", options.data, "Send data packets to a --listen, over the relay that the library chooses");
    data->excludes(listen);
    ping->add_option("-c,--count", options.count, "End after so many pings; 0: when interrupted")
        ->capture_default_str();
    ping->add_option("-i,--interval", options.interval, "Seconds between pings, 0.2 or more without --data")
        ->check(CLI::Range(0.01, 3'600.0))
        ->capture_default_str();
    ping->add_option("-s,--size", options.size, "Bytes of a data packet")
        ->check(CLI::Range(20, 1'024))
        ->capture_default_str()
        ->needs(data);
    ping->add_flag("--json", options.json, "Print nothing but the summary, or the listener's key, as JSON");
    ping->footer(PING_NOTES);
}

void add_top(CLI::App &app, Top_Options &options) {
    CLI::App *const top = app.add_subcommand("top", "Watch a running host's relays and peers");
    top->add_option("file", options.path, "The snapshot's file, or a Unix socket")->required();
    top->add_option("--interval", options.interval, "Seconds between two looks")
        ->check(CLI::Range(0.1, 60.0))
        ->capture_default_str();
    top->add_flag("--once", options.once, "Show it once, as plain lines");
    top->footer(std::string{TOP_NOTES} + EXIT_CODES);
}

void add_keygen(CLI::App &app, Keygen_Options &options) {
    CLI::App *const keygen = app.add_subcommand("keygen", "Make a secret key file, and print its public key");
    keygen->add_option("file", options.key_file, "The file to make; one that exists is never overwritten")->required();
    keygen->add_flag("--json", options.json, "Print a JSON object");
    keygen->footer(EXIT_CODES);
}

} // namespace

} // namespace toxtcp

int main(int argc, char **argv) {
    using namespace toxtcp;

    CLI::App app{"toxtcp keeps one connection to each Tox peer alive over several TCP relays."};
    app.set_version_flag("--version", "toxtcp " TOXTCP_VERSION);
    app.require_subcommand(1);
    app.footer(std::string{"`toxtcp COMMAND --help` tells more. "} + EXIT_CODES);

    Demo_Options demo;
    Relay_Options relay;
    relay.max_clients = RELAY_SERVER_MAX_CLIENTS;
    std::string relay_config;
    Probe_Options probe;
    Ping_Options ping;
    Top_Options top;
    Keygen_Options keygen;
    add_demo(app, demo);
    add_probe(app, probe);
    add_ping(app, ping);
    add_top(app, top);
    add_relay(app, relay, relay_config);
    add_keygen(app, keygen);

    try {
        app.parse(argc, argv);
        if (!relay_config.empty()) {
            read_config_file(*app.get_subcommand("relay"), relay_config);
        }
    } catch (const CLI::ParseError &error) {
        return app.exit(error) == 0 ? EXIT_DONE : EXIT_USAGE;
    }
    const std::string command = app.get_subcommands().front()->get_name();
    if (command == "demo") {
        return run_demo(demo);
    }
    if (command == "probe") {
        return run_probe(probe);
    }
    if (command == "ping") {
        return run_ping(ping);
    }
    if (command == "top") {
        return run_top(top);
    }
    return command == "relay" ? run_relay(relay) : run_keygen(keygen);
}
