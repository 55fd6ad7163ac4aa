#include "tools/shared/relay_list.h"

#include "tools/shared/text.h"
#include "tools/shared/values.h"

namespace toxtcp {

namespace {

const std::string RELAY_FORM =
    ". A relay is HOST:PORT:KEY, for example 192.0.2.1:33445:" + std::string(2 * KEY_SIZE, 'A');

bool refuse(const std::string &word, const std::string &what, std::string &error) {
    error = "relay " + in_quotes(word) + ": " + what + RELAY_FORM;
    return false;
}

} // namespace

std::string to_string(const Named_Relay &relay) {
    const bool numeric_ipv6 = relay.host.find(':') != std::string::npos;
    const std::string host = printable(relay.host);
    return (numeric_ipv6 ? '[' + host + ']' : host) + ':' + std::to_string(relay.port);
}

std::string endpoint_text(const Relay_Address &relay) {
    return relay.by_name ? to_string(relay.relay) : to_string(relay.address);
}

std::string endpoint_text(const Relay_Info &relay) {
    return relay.name.empty() ? to_string(relay.address) : relay.name + ':' + std::to_string(relay.address.port);
}

Error add_relay(Tcp_Connections *tcp, const Relay_Address &relay) {
    return relay.by_name ? add_tcp_relay_global_by_name(tcp, relay.relay.host, relay.relay.port, relay.relay.key)
                         : add_tcp_relay_global(tcp, relay.address, relay.relay.key);
}

Error add_relay(Tcp_Connections *tcp, int connection, const Relay_Address &relay) {
    return relay.by_name
               ? add_tcp_relay_connection_by_name(tcp, connection, relay.relay.host, relay.relay.port, relay.relay.key)
               : add_tcp_relay_connection(tcp, connection, relay.address, relay.relay.key);
}

std::vector<Relay_Address> addresses_for_proxy(const std::vector<Named_Relay> &relays, Family wanted) {
    std::vector<Relay_Address> found;
    for (const Named_Relay &relay : relays) {
        Relay_Address entry{relay, {}, true, {}, false, 0, false};
        entry.by_name = !parse_ip_port(to_string(relay), entry.address);
        if (entry.by_name || wanted == Family::none || wanted == entry.address.family) {
            found.push_back(std::move(entry));
        }
    }
    return found;
}

bool parse_relay(const std::string &word, Named_Relay &relay, std::string &error) {
    const std::size_t before_key = word.rfind(':');
    const std::size_t before_port =
        before_key == std::string::npos || before_key == 0 ? std::string::npos : word.rfind(':', before_key - 1);
    if (before_port == std::string::npos) {
        return refuse(word, "two colons are wanted, before the port and before the key", error);
    }
    const std::string host_word = word.substr(0, before_port);
    const std::string port_word = word.substr(before_port + 1, before_key - before_port - 1);
    Named_Relay read;
    Host_Name host;
    std::string fault;
    if (!read_host(host_word, host, fault)) {
        return refuse(word, "host " + fault, error);
    }
    if (host.family == Family::ipv6 && host_word.front() != '[') {
        return refuse(word, "the IPv6 address wants brackets around it: [" + host.text + ']', error);
    }
    if (!read_port(port_word, read.port, fault)) {
        return refuse(word, "port " + fault, error);
    }
    if (!read_key(word.substr(before_key + 1), read.key, fault)) {
        return refuse(word, "key " + fault, error);
    }
    read.host = host.text;
    relay = std::move(read);
    return true;
}

} // namespace toxtcp
