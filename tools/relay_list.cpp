#include "relay_list.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "text.h"

namespace toxtcp {

namespace {

using Json = nlohmann::json;

bool parse_port(const std::string &text, std::uint16_t &port) {
    const bool digits = !text.empty() && text.size() <= 5 &&
                        std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    const unsigned long number = digits ? std::stoul(text) : 0;
    if (number == 0 || number > UINT16_MAX) {
        return false;
    }
    port = static_cast<std::uint16_t>(number);
    return true;
}

std::string string_of(const Json &node, const char *name) {
    const auto found = node.find(name);
    return found != node.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

/// The list writes "-" and "NONE" for addresses that a node does not have.
bool is_host(const std::string &host) {
    return !host.empty() && host != "-" && host != "NONE";
}

void add_port(const Json &value, std::vector<std::uint16_t> &ports) {
    if (value.is_number_integer() && value.get<std::int64_t>() > 0 && value.get<std::int64_t>() <= UINT16_MAX) {
        ports.push_back(value.get<std::uint16_t>());
    }
}

/// A node without TCP ports is no relay, and none of our business.
std::vector<std::uint16_t> ports_of(const Json &node, bool all_ports) {
    std::vector<std::uint16_t> ports;
    if (const auto list = node.find("tcp_ports"); list != node.end() && list->is_array()) {
        for (const Json &port : *list) {
            add_port(port, ports);
        }
    }
    if (!all_ports && ports.size() > 1) {
        ports.resize(1);
    }
    return ports;
}

void add_node(const Json &node, bool all_ports, std::vector<Named_Relay> &relays, std::vector<std::string> &warnings) {
    if (!node.is_object()) {
        warnings.emplace_back("an entry of the node list is no object, and left out");
        return;
    }
    Named_Relay relay;
    relay.maintainer = string_of(node, "maintainer");
    relay.location = string_of(node, "location");
    const std::vector<std::uint16_t> ports = ports_of(node, all_ports);
    const std::string key = string_of(node, "public_key");
    if (!ports.empty() && !parse_public_key(key, relay.key)) {
        warnings.push_back("the node of " + printable(relay.maintainer) +
                           " has no key of 64 hexadecimal digits, and is left out");
        return;
    }
    for (const std::uint16_t port : ports) {
        relay.port = port;
        for (const auto &[member, family] : {std::pair{"ipv4", Family::ipv4}, std::pair{"ipv6", Family::ipv6}}) {
            relay.host = string_of(node, member);
            relay.only = family;
            if (is_host(relay.host)) {
                relays.push_back(relay);
            }
        }
    }
}

} // namespace

std::string to_string(const Named_Relay &relay) {
    const bool numeric_ipv6 = relay.host.find(':') != std::string::npos;
    const std::string host = printable(relay.host);
    return (numeric_ipv6 ? '[' + host + ']' : host) + ':' + std::to_string(relay.port);
}

bool parse_relay(const std::string &word, Named_Relay &relay, std::string &error) {
    const std::string wanted = "; a relay is HOST:PORT:KEY, for example 192.0.2.1:33445:" + std::string(64, 'A');
    const std::size_t before_key = word.rfind(':');
    const std::size_t before_port =
        before_key == std::string::npos || before_key == 0 ? std::string::npos : word.rfind(':', before_key - 1);
    if (before_port == std::string::npos) {
        error = printable(word) + " is no relay" + wanted;
        return false;
    }
    relay = {};
    relay.host = word.substr(0, before_port);
    const bool bracketed = relay.host.size() > 2 && relay.host.front() == '[' && relay.host.back() == ']';
    if (bracketed) {
        relay.host = relay.host.substr(1, relay.host.size() - 2);
    }
    if (relay.host.empty() || (!bracketed && relay.host.find(':') != std::string::npos)) {
        error = printable(word) + " names no host, or an IPv6 address without brackets" + wanted;
        return false;
    }
    if (!parse_port(word.substr(before_port + 1, before_key - before_port - 1), relay.port)) {
        error = printable(word) + " has no port from 1 to 65535" + wanted;
        return false;
    }
    if (!parse_public_key(word.substr(before_key + 1), relay.key)) {
        error = printable(word) + " does not end in a key of 64 hexadecimal digits" + wanted;
        return false;
    }
    return true;
}

bool parse_node_list(const std::string &json, bool all_ports, std::vector<Named_Relay> &relays,
                     std::vector<std::string> &warnings, std::string &error) {
    const Json list = Json::parse(json, nullptr, false);
    const auto nodes = list.is_object() ? list.find("nodes") : list.end();
    if (!list.is_object() || nodes == list.end() || !nodes->is_array()) {
        error = "is no node list: it must be a JSON object with an array `nodes`, as the public Tox node list has it";
        return false;
    }
    for (const Json &node : *nodes) {
        add_node(node, all_ports, relays, warnings);
    }
    return true;
}

} // namespace toxtcp
