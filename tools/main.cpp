// The program `toxtcp`: reads the command line and calls the subcommand.
#include <csignal>
#include <cstdio>
#include <sstream>

#include <CLI/CLI.hpp>

#include "tools/commands.h"
#include "tools/relay/server.h"
#include "tools/shared/config_file.h"
#include "tools/shared/output.h"
#include "tools/shared/text.h"
#include "tools/shared/values.h"
#include "tools/shared/whole_file.h"

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
    "Exit codes: 0 all are well, 1 some are not (or could not be probed, or read in the node list), 2 wrong usage or no\n"
    "node list, 130 interrupted.";

constexpr const char *PING_NOTES =
    "Each ping is one end-to-end echo over every relay. Every Tox client that is connected to one of the relays answers,\n"
    "and so does a `toxtcp ping --listen`. A client's DHT public key is not the key in its Tox ID, and is a new one each\n"
    "time that the client starts; a program gets it by tox_self_get_dht_id. With --data the peer is a\n"
    "`toxtcp ping --listen`, which prints its key.\n\n"
    "Exit codes: 0 answers came, 1 none came, 2 wrong usage, 130 interrupted before it began.";

constexpr const char *TOP_NOTES =
    "FILE is the file to which a host writes snapshots with the library's tcp_connections_json. SOCKET is a Unix\n"
    "socket that sends a snapshot to each client that connects. If standard output is not a terminal, one snapshot\n"
    "is shown.\n\n"
    "Of a relay:   PING       time to the relay and back\n"
    "              PEERS      peers that are online there\n"
    "              USED       peers whose data is sent over it\n"
    "              FAULTS     times that it did not answer, or did not deliver\n"
    "Of a peer:    ROUTES     relays where the peer is online, of all that are tried\n"
    "              HEARD AGO  time since the last packet that certainly came from the peer\n"
    "              ECHOES     sent to the peer, and answered by it; both counts start again from 0 at 65,536\n"
    "              MOVES      times that its data moved to another relay\n"
    "              FAULTS     times that it moved because a relay did not deliver\n"
    "Of a route:   ECHO       time of an echo to the peer and back\n"
    "              PROVED AGO time since the last answered echo, the last proof that the route delivers\n\n";

// ---- options whose values are read by values.h -------------------------------------------------------------------

/// Adds an option with one value. `read` converts the text to the value, or returns false with an error.
/// `default_text`: the default value, as the help shows it.
template <class Read>
CLI::Option *add_value(CLI::App &command, const std::string &name, const std::string &kind, Read read,
                       const std::string &help, const std::string &default_text = {}) {
    const auto store = [name, read](const CLI::results_t &words) {
        std::string error;
        if (!read(words.front(), error)) {
            throw CLI::ValidationError(name, error);
        }
        return true;
    };
    return command.add_option(name, store, help)->type_name(kind)->default_str(default_text);
}

template <class Number>
CLI::Option *add_number(CLI::App &command, const std::string &name, Number &number, std::uint64_t least,
                        std::uint64_t most, const std::string &help) {
    const auto read = [&number, least, most](const std::string &word, std::string &error) {
        std::uint64_t value = 0;
        const bool is_valid = read_number(word, least, most, value, error);
        number = is_valid ? static_cast<Number>(value) : number;
        return is_valid;
    };
    return add_value(command, name, "NUMBER", read,
                     help + " (" + std::to_string(least) + " to " + std::to_string(most) + ')', std::to_string(number));
}

CLI::Option *add_seconds(CLI::App &command, const std::string &name, double &seconds, double least, double most,
                         const std::string &help) {
    const auto read = [&seconds, least, most](const std::string &word, std::string &error) {
        return read_seconds(word, least, most, seconds, error);
    };
    std::ostringstream default_text;
    default_text << seconds;
    return add_value(command, name, "SECONDS", read, help, default_text.str());
}

CLI::Option *add_file(CLI::App &command, const std::string &name, std::string &path, const std::string &help) {
    const auto read = [&path](const std::string &word, std::string &error) {
        return read_file_name(word, path, error);
    };
    return add_value(command, name, "FILE", read, help);
}

void add_proxy(CLI::App &command, Proxy_Option &proxy) {
    const auto read = [&proxy](const std::string &word, std::string &error) { return read_proxy(word, proxy, error); };
    CLI::Option *const option =
        add_value(command, "--proxy", "URL", read, "Use this proxy: socks5://USER@HOST:PORT or http://USER@HOST:PORT");
    add_file(command, "--proxy-password-file", proxy.password_file,
             "File with the user's password on its first line; default: the variable TOXTCP_PROXY_PASSWORD")
        ->needs(option);
}

// ---- the commands ------------------------------------------------------------------------------------------------

void add_demo(CLI::App &app, Demo_Options &options) {
    CLI::App *const demo = app.add_subcommand("demo", "See a connection outlive its relays");
    add_number(*demo, "--seconds", options.seconds, 5, 3'600, "How long packets are sent");
    add_number(*demo, "--rate", options.rate, 1, 10'000, "Packets per second, each way");
    add_file(*demo, "--snapshot", options.snapshot_file, "Write the first peer's state to this file, for `toxtcp top`");
    demo->add_flag("--json", options.json, "Print nothing but the summary, as one JSON object");
    add_proxy(*demo, options.proxy);
    demo->footer(DEMO_NOTES);
}

void add_relay(CLI::App &app, Relay_Options &options, std::string &config_file) {
    CLI::App *const relay = app.add_subcommand("relay", "Run a relay for development and tests");
    add_number(*relay, "--port", options.port, 0, UINT16_MAX, "TCP port; 0: any that is free");
    const auto read_address = [&options](const std::string &word, std::string &error) {
        Host_Name host;
        const bool is_valid = read_numeric_host(word, host, error);
        options.address = is_valid ? host.text : options.address;
        return is_valid;
    };
    add_value(*relay, "--address", "ADDRESS", read_address, "Numeric address to listen on; :: is all, IPv4 too",
              options.address);
    add_file(*relay, "--key-file", options.key_file,
             "Secret key, 64 hexadecimal digits; made when it does not exist. Without: a new key each time");
    add_number(*relay, "--max-clients", options.max_clients, 1, 100'000, "Further clients are turned away");
    relay->add_flag("--json", options.json, "Print address, port and key as one JSON object on one line");
    add_file(*relay, "--config", config_file, "A file of these options, one a line: port = 33445")->configurable(false);
    relay->footer(
        std::string{"Prints one line when it is ready, and runs until SIGINT or SIGTERM. It has no DHT: onion "
                    "and forwarding\nrequests are ignored. What the command line says wins over the file.\n\n"} +
        EXIT_CODES);
}

void add_probe(CLI::App &app, Probe_Options &options) {
    CLI::App *const probe = app.add_subcommand("probe", "Test relays, and show how well each one works");
    probe->add_option("relay", options.relays, "HOST:PORT:KEY; an IPv6 address in brackets");
    add_file(*probe, "--nodes", options.nodes_file, "Probe the relays of this file: the public Tox node list, as JSON");
    add_number(*probe, "--seconds", options.seconds, 1, 3'600, "How long packets are sent through each relay");
    add_number(*probe, "--rate", options.rate, 1, 10'000, "At most so many packets per second through each relay");
    add_number(*probe, "--timeout", options.timeout, 1, 10, "Seconds for connect and handshake, and again for routing");
    add_number(*probe, "--parallel", options.parallel, 1, 1'000, "So many relays at a time");
    CLI::Option *const ipv4 = probe->add_flag("--ipv4", options.ipv4, "IPv4 addresses only");
    probe->add_flag("--ipv6", options.ipv6, "IPv6 addresses only")->excludes(ipv4);
    probe->add_flag("--all-ports", options.all_ports, "All TCP ports of the node list, not the first of each alone");
    probe->add_flag("--watch", options.watch, "Go on, and show each round's results, until it is interrupted");
    add_number(*probe, "--interval", options.interval, 1, 86'400, "Seconds from one round's beginning to the next");
    probe->add_flag("--json", options.json, "Print JSON; with --watch, one line for each round");
    add_file(*probe, "--html", options.html_file, "Write a page to publish");
    add_file(*probe, "--history", options.history_file,
             "Keep a week's results in this file, for the page and for --on-change of the next run");
    const auto read_command = [&options](const std::string &word, std::string &error) {
        error = word.empty() ? "an empty command" : "";
        options.on_change = word;
        return !word.empty();
    };
    add_value(*probe, "--on-change", "COMMAND", read_command,
              "Run this shell command for each relay whose status has changed; needs --watch or --history");
    add_file(*probe, "--prometheus", options.prometheus_file, "Write metrics, for the textfile collector");
    add_proxy(*probe, options.proxy);
    probe->footer(PROBE_NOTES);
}

void add_ping(CLI::App &app, Ping_Options &options) {
    CLI::App *const ping = app.add_subcommand("ping", "Ping a Tox peer through relays, and time the answers");
    ping->add_option("key", options.peer, "The peer's DHT public key");
    // Without allow_extra_args(false), the peer's key after this option would be read as another relay.
    ping->add_option("--relay", options.relays, "HOST:PORT:KEY; may be given several times")
        ->expected(1)
        ->take_all()
        ->allow_extra_args(false);
    CLI::Option *const listen = ping->add_flag("--listen", options.listen, "Be a peer: print a key, and answer");
    add_file(*ping, "--key-file", options.key_file, "The listener's secret key; made when it does not exist")
        ->needs(listen);
    CLI::Option *const data = ping->add_flag(
        "--data", options.data, "Send data packets to a --listen, over the relay that the library chooses");
    data->excludes(listen);
    add_number(*ping, "-c,--count", options.count, 0, UINT32_MAX, "End after so many pings; 0: when interrupted");
    add_seconds(*ping, "-i,--interval", options.interval, 0.01, 3'600,
                "Seconds between pings, 0.2 or more without --data");
    add_number(*ping, "-s,--size", options.size, 20, 1'024, "Bytes of a data packet")->needs(data);
    ping->add_flag("--json", options.json, "Print nothing but the summary, or the listener's key, as JSON");
    add_proxy(*ping, options.proxy);
    ping->footer(PING_NOTES);
}

void add_top(CLI::App &app, Top_Options &options) {
    CLI::App *const top = app.add_subcommand("top", "Watch a running host's relays and peers");
    add_file(*top, "file", options.path, "The snapshot's file, or a Unix socket")->required();
    add_seconds(*top, "--interval", options.interval, 0.1, 60, "Seconds between two looks");
    top->add_flag("--once", options.once, "Show it once, as plain lines");
    top->footer(std::string{TOP_NOTES} + EXIT_CODES);
}

void add_keygen(CLI::App &app, Keygen_Options &options) {
    CLI::App *const keygen = app.add_subcommand("keygen", "Make a secret key file, and print its public key");
    add_file(*keygen, "file", options.key_file, "The file to make; one that exists is never overwritten")->required();
    keygen->add_flag("--json", options.json, "Print a JSON object");
    keygen->footer(EXIT_CODES);
}

// ---- options in a file -------------------------------------------------------------------------------------------

/// Sets an option to the value from the file, unless the command line has set it. Throws CLI11's exceptions for a wrong
/// name or value.
void apply_setting(CLI::App &command, const Setting &setting) {
    CLI::Option *const option = command.get_option_no_throw("--" + setting.name);
    if (option == nullptr || !option->get_configurable() || setting.name == "help") {
        throw CLI::ConfigError(setting.name + " is no option of `" + command.get_name() + '`');
    }
    if (option->count() != 0) {
        return;
    }
    const bool is_flag = option->get_items_expected_max() == 0;
    if (is_flag && setting.value != "true" && setting.value != "false") {
        throw CLI::ConfigError(setting.name + ": " + in_quotes(setting.value) + " is wrong. Allowed is true or false");
    }
    option->add_result(setting.value);
    option->run_callback();
}

void read_config_file(CLI::App &command, const std::string &path) {
    std::string text;
    std::string error;
    std::vector<Setting> settings;
    if (!read_whole_file(path, text, error)) {
        throw CLI::ConfigError(error);
    }
    if (!parse_config(text, settings, error)) {
        throw CLI::ConfigError(path + ' ' + error);
    }
    for (const Setting &setting : settings) {
        try {
            apply_setting(command, setting);
        } catch (const CLI::Error &fault) {
            throw CLI::ConfigError(path + " line " + std::to_string(setting.line) + ": " + fault.what());
        }
    }
}

/// CLI11's message for a wrong command line, without the control characters of the words that it quotes.
std::string usage_message(const CLI::App *app, const CLI::Error &fault) {
    return CLI::FailureMessage::simple(
        app, CLI::Error(fault.get_name(), without_controls(fault.what()), fault.get_exit_code()));
}

/// Prints CLI11's message: the error in the command line, or the help that the user requested. Returns the exit code.
int print_message(const CLI::App &app, const CLI::ParseError &exception) {
    std::ostringstream out;
    std::ostringstream errors;
    const bool is_help = app.exit(exception, out, errors) == 0;
    std::string error;
    std::fputs(errors.str().c_str(), stderr);
    if (!print(out.str(), error)) {
        std::fprintf(stderr, "toxtcp: %s.\n", error.c_str());
        return EXIT_FAILED;
    }
    return is_help ? EXIT_DONE : EXIT_USAGE;
}

} // namespace

} // namespace toxtcp

int main(int argc, char **argv) {
    using namespace toxtcp;

    reserve_standard_descriptors();
    std::signal(SIGPIPE, SIG_IGN); // if the reader is gone, `write` returns an error
    CLI::App app{"toxtcp keeps one connection to each Tox peer alive over several TCP relays."};
    app.set_version_flag("--version", "toxtcp " TOXTCP_VERSION);
    app.require_subcommand(1);
    app.failure_message(usage_message);
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
        return print_message(app, error);
    }
    if (std::string error; output_is_closed(error)) {
        std::fprintf(stderr, "toxtcp: %s.\n", error.c_str());
        return EXIT_FAILED;
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
