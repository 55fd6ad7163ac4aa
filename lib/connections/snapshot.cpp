// tcp_connections_json: all infos of all relays and connections as JSON. No string needs escaping: keys, addresses and
// host names hold no character that JSON escapes.
#include <algorithm>
#include <new>

#include "connections/core.h"

namespace toxtcp {

namespace {

void member(std::string &json, const char *name, const std::string &value) {
    json += json.back() == '{' ? "\"" : ",\"";
    json += name;
    json += "\":";
    json += value;
}

template <class Number>
void number(std::string &json, const char *name, Number value) {
    member(json, name, std::to_string(value));
}

void flag(std::string &json, const char *name, bool value) {
    member(json, name, value ? "true" : "false");
}

void text(std::string &json, const char *name, const std::string &value) {
    member(json, name, '"' + value + '"');
}

/// A handle; null where it is negative, which means that there is no relay.
void relay_handle(std::string &json, const char *name, int relay) {
    member(json, name, relay < 0 ? "null" : std::to_string(relay));
}

/// The time from `at` to `now`, ms; null where `at` is 0 (never).
void age(std::string &json, const char *name, std::uint64_t now, std::uint64_t at) {
    member(json, name, at == 0 ? "null" : std::to_string(now - std::min(now, at)));
}

void traffic(std::string &json, const Traffic &traffic) {
    number(json, "packets_sent", traffic.packets_sent);
    number(json, "packets_received", traffic.packets_received);
    number(json, "bytes_sent", traffic.bytes_sent);
    number(json, "bytes_received", traffic.bytes_received);
}

void next_element(std::string &json) {
    json += json.back() == '[' ? "{" : ",{";
}

void relay(std::string &json, const Relay_Info &info, std::uint64_t now) {
    next_element(json);
    number(json, "handle", info.handle);
    text(json, "public_key", to_string(info.public_key));
    text(json, "address",
         info.name.empty() ? to_string(info.address) : info.name + ':' + std::to_string(info.address.port));
    text(json, "state", to_string(info.state));
    text(json, "last_end", to_string(info.last_end));
    number(json, "proxy_status", info.proxy_status);
    flag(json, "at_proxy", info.at_proxy);
    age(json, "connected_ms", now, info.connected_since);
    number(json, "round_trip_ms", info.round_trip);
    number(json, "connections", info.connections);
    number(json, "online", info.online);
    number(json, "carries", info.carries);
    number(json, "attempts", info.attempts);
    number(json, "times_stale", info.times_stale);
    number(json, "failures", info.failures);
    flag(json, "onion", info.onion);
    traffic(json, info.traffic);
    json += '}';
}

void route(std::string &json, const Route_Info &info, std::uint64_t now) {
    next_element(json);
    number(json, "relay", info.relay);
    text(json, "state", to_string(info.state));
    text(json, "use", to_string(info.use));
    number(json, "echo_round_trip_ms", info.echo_round_trip);
    age(json, "proved_ms", now, info.last_proved);
    json += '}';
}

void connection(std::string &json, const Connection_Info &info, std::uint64_t now) {
    next_element(json);
    number(json, "handle", info.handle);
    number(json, "id", info.id);
    text(json, "public_key", to_string(info.public_key));
    flag(json, "awake", info.awake);
    relay_handle(json, "sending", info.sending);
    relay_handle(json, "receiving", info.receiving);
    number(json, "moves", info.moves);
    number(json, "failures", info.failures);
    number(json, "echoes_sent", info.echoes_sent);
    number(json, "echoes_answered", info.echoes_answered);
    age(json, "heard_ms", now, info.last_heard);
    traffic(json, info.traffic);
    json += ",\"routes\":[";
    for (std::size_t i = 0; i < info.routes_count; ++i) {
        route(json, info.routes[i], now);
    }
    json += "]}";
}

std::string print(const Tcp_Connections &c) {
    const std::uint64_t now = time_now(c);
    std::string json = "{";
    number(json, "version", 2);
    number(json, "time_ms", now);
    text(json, "public_key", to_string(tcp_connections_public_key(&c)));
    json += ",\"relays\":[";
    for (std::uint32_t slot = 0; slot < c.relays.size(); ++slot) {
        Relay_Info info;
        if (c.relays.used(slot) && tcp_relay_info(&c, c.relays.handle(slot), info)) {
            relay(json, info, now);
        }
    }
    json += "],\"connections\":[";
    for (std::uint32_t slot = 0; slot < c.peers.size(); ++slot) {
        Connection_Info info;
        if (c.peers.used(slot) && tcp_connection_info(&c, c.peers.handle(slot), info)) {
            connection(json, info, now);
        }
    }
    json += "]}";
    return json;
}

} // namespace

std::string tcp_connections_json(const Tcp_Connections *c) {
    try {
        return print(*c);
    } catch (const std::bad_alloc &) {
        return {};
    }
}

} // namespace toxtcp
