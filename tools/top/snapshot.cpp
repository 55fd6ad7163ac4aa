#include "tools/top/snapshot.h"

#include <algorithm>
#include <limits>

#include <nlohmann/json.hpp>

#include "tools/shared/text.h"

namespace toxtcp {

namespace {

using Json = nlohmann::json;

constexpr std::uint64_t KNOWN_VERSION = 2;

/// Thrown and caught within this file. `what`: what is wrong with the snapshot.
struct Not_A_Snapshot {
    std::string what;
};

[[noreturn]] void refuse(const char *name, const char *what) {
    throw Not_A_Snapshot{std::string{name} + ' ' + what};
}

const Json &member(const Json &object, const char *name) {
    if (!object.is_object()) {
        refuse(name, "is not within an object");
    }
    const auto found = object.find(name);
    if (found == object.end()) {
        refuse(name, "is missing");
    }
    return *found;
}

/// Reads a number. All numbers in a snapshot are whole, and none is negative.
template <class Number>
Number number_of(const Json &value, const char *name) {
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > std::uint64_t{std::numeric_limits<Number>::max()}) {
        refuse(name, "is not a whole number in the allowed range");
    }
    return value.get<Number>();
}

std::uint64_t count_of(const Json &object, const char *name) {
    return number_of<std::uint64_t>(member(object, name), name);
}

/// Reads a number that may be null.
template <class Number>
std::optional<Number> optional_of(const Json &object, const char *name) {
    const Json &value = member(object, name);
    return value.is_null() ? std::nullopt : std::optional{number_of<Number>(value, name)};
}

std::string text_of(const Json &object, const char *name) {
    const Json &value = member(object, name);
    if (!value.is_string()) {
        refuse(name, "is no text");
    }
    return printable(value.get<std::string>());
}

bool flag_of(const Json &object, const char *name) {
    const Json &value = member(object, name);
    if (!value.is_boolean()) {
        refuse(name, "is neither true nor false");
    }
    return value.get<bool>();
}

template <class Row, class Read>
std::vector<Row> rows_of(const Json &object, const char *name, Read read) {
    const Json &array = member(object, name);
    if (!array.is_array()) {
        refuse(name, "is no array");
    }
    std::vector<Row> rows;
    for (const Json &row : array) {
        rows.push_back(read(row));
    }
    return rows;
}

Snapshot_Relay relay_of(const Json &json) {
    Snapshot_Relay relay;
    relay.handle = number_of<int>(member(json, "handle"), "handle");
    relay.address = text_of(json, "address");
    relay.public_key = text_of(json, "public_key");
    relay.state = text_of(json, "state");
    relay.last_end = text_of(json, "last_end");
    relay.connected_ms = optional_of<std::uint64_t>(json, "connected_ms");
    relay.round_trip_ms = count_of(json, "round_trip_ms");
    relay.connections = count_of(json, "connections");
    relay.online = count_of(json, "online");
    relay.carries = count_of(json, "carries");
    relay.times_stale = count_of(json, "times_stale");
    relay.failures = count_of(json, "failures");
    relay.packets_sent = count_of(json, "packets_sent");
    relay.packets_received = count_of(json, "packets_received");
    return relay;
}

Snapshot_Route route_of(const Json &json) {
    Snapshot_Route route;
    route.relay = number_of<int>(member(json, "relay"), "relay");
    route.state = text_of(json, "state");
    route.use = text_of(json, "use");
    route.echo_round_trip_ms = count_of(json, "echo_round_trip_ms");
    route.proved_ms = optional_of<std::uint64_t>(json, "proved_ms");
    return route;
}

Snapshot_Peer peer_of(const Json &json) {
    Snapshot_Peer peer;
    peer.handle = number_of<int>(member(json, "handle"), "handle");
    peer.public_key = text_of(json, "public_key");
    peer.awake = flag_of(json, "awake");
    peer.sending = optional_of<int>(json, "sending");
    peer.receiving = optional_of<int>(json, "receiving");
    peer.moves = count_of(json, "moves");
    peer.failures = count_of(json, "failures");
    peer.echoes_sent = count_of(json, "echoes_sent");
    peer.echoes_answered = count_of(json, "echoes_answered");
    peer.heard_ms = optional_of<std::uint64_t>(json, "heard_ms");
    peer.packets_sent = count_of(json, "packets_sent");
    peer.packets_received = count_of(json, "packets_received");
    peer.routes = rows_of<Snapshot_Route>(json, "routes", route_of);
    peer.online = static_cast<std::size_t>(std::count_if(
        peer.routes.begin(), peer.routes.end(), [](const Snapshot_Route &route) { return route.state == "online"; }));
    return peer;
}

Snapshot snapshot_of(const Json &root) {
    if (count_of(root, "version") != KNOWN_VERSION) {
        refuse("version", "is another than this program knows");
    }
    Snapshot snapshot;
    snapshot.time_ms = count_of(root, "time_ms");
    snapshot.public_key = text_of(root, "public_key");
    snapshot.relays = rows_of<Snapshot_Relay>(root, "relays", relay_of);
    snapshot.peers = rows_of<Snapshot_Peer>(root, "connections", peer_of);
    return snapshot;
}

} // namespace

bool parse_snapshot(const std::string &json, Snapshot &snapshot, std::string &error) {
    if (json.empty()) {
        error = "is empty";
        return false;
    }
    try {
        snapshot = snapshot_of(Json::parse(json));
        return true;
    } catch (const Json::exception &) {
        error = "is not JSON, or is cut off";
    } catch (const Not_A_Snapshot &fault) {
        error = "is no snapshot, as the library's tcp_connections_json writes it: " + fault.what;
    }
    return false;
}

} // namespace toxtcp
