#include "snapshot.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "text.h"

namespace toxtcp {

namespace {

using Json = nlohmann::json;

constexpr int KNOWN_VERSION = 1;

std::string text_of(const Json &object, const char *name) {
    return printable(object.at(name).get<std::string>());
}

std::uint64_t number_of(const Json &object, const char *name) {
    return object.at(name).get<std::uint64_t>();
}

template <class Number>
std::optional<Number> optional_of(const Json &object, const char *name) {
    const Json &value = object.at(name);
    return value.is_null() ? std::optional<Number>{} : value.get<Number>();
}

Snapshot_Relay relay_of(const Json &json) {
    Snapshot_Relay relay;
    relay.number = json.at("number").get<int>();
    relay.address = text_of(json, "address");
    relay.public_key = text_of(json, "public_key");
    relay.state = text_of(json, "state");
    relay.last_end = text_of(json, "last_end");
    relay.connected_ms = optional_of<std::uint64_t>(json, "connected_ms");
    relay.round_trip_ms = number_of(json, "round_trip_ms");
    relay.connections = number_of(json, "connections");
    relay.online = number_of(json, "online");
    relay.carries = number_of(json, "carries");
    relay.suspicions = number_of(json, "suspicions");
    relay.failures = number_of(json, "failures");
    relay.packets_sent = number_of(json, "packets_sent");
    relay.packets_received = number_of(json, "packets_received");
    return relay;
}

Snapshot_Peer peer_of(const Json &json) {
    Snapshot_Peer peer;
    peer.number = json.at("number").get<int>();
    peer.public_key = text_of(json, "public_key");
    peer.awake = json.at("awake").get<bool>();
    peer.sending = optional_of<int>(json, "sending");
    peer.receiving = optional_of<int>(json, "receiving");
    peer.moves = number_of(json, "moves");
    peer.failures = number_of(json, "failures");
    peer.heard_ms = optional_of<std::uint64_t>(json, "heard_ms");
    peer.packets_sent = number_of(json, "packets_sent");
    peer.packets_received = number_of(json, "packets_received");
    const Json &routes = json.at("routes");
    peer.routes = routes.size();
    peer.online = static_cast<std::size_t>(std::count_if(routes.begin(), routes.end(), [](const Json &route) {
        return route.at("state").get<std::string>() == "online";
    }));
    return peer;
}

} // namespace

bool parse_snapshot(const std::string &json, Snapshot &snapshot, std::string &error) {
    try {
        const Json root = Json::parse(json);
        if (root.at("version").get<int>() != KNOWN_VERSION) {
            error = "is a snapshot of another version than this program knows";
            return false;
        }
        Snapshot read;
        read.time_ms = number_of(root, "time_ms");
        read.public_key = text_of(root, "public_key");
        for (const Json &relay : root.at("relays")) {
            read.relays.push_back(relay_of(relay));
        }
        for (const Json &peer : root.at("connections")) {
            read.peers.push_back(peer_of(peer));
        }
        snapshot = std::move(read);
        return true;
    } catch (const Json::exception &) {
        error = "is no snapshot, as the library's tcp_connections_json writes it";
        return false;
    }
}

} // namespace toxtcp
