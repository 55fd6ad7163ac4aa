// Snapshots as `toxtcp top` reads them: of this library, of newer libraries, and texts that are no snapshot.
#include "tools/top/snapshot.h"

#include <nlohmann/json.hpp>

#include "sim/world.h"
#include "tools/shared/route_words.h"

using namespace toxtcp;

namespace {

using Json = nlohmann::json;

/// The library's snapshot of two peers that have talked over three relays, of which one is dead now.
Json real_snapshot() {
    Two_Peers f{Ticking::when_woken};
    f.talk(5'000, 20);
    Sim_Relay &gone = &f.relay(0) == &f.in_use() ? f.relay(1) : f.relay(0);
    sim_relay_kill(gone);
    f.talk(1'000, 20);
    return Json::parse(tcp_connections_json(f.a.c));
}

Snapshot parsed(const Json &json) {
    Snapshot snapshot;
    std::string error;
    REQUIRE(parse_snapshot(json.dump(), snapshot, error));
    return snapshot;
}

std::string refusal(const std::string &text) {
    Snapshot snapshot;
    snapshot.public_key = "as it was";
    std::string error;
    CHECK_FALSE(parse_snapshot(text, snapshot, error));
    CHECK(snapshot.public_key == "as it was");
    CHECK_FALSE(error.empty());
    return error;
}

/// An object of each kind in a snapshot, by its path.
const std::vector<Json::json_pointer> OBJECTS{
    Json::json_pointer{""},
    Json::json_pointer{"/relays/0"},
    Json::json_pointer{"/connections/0"},
    Json::json_pointer{"/connections/0/routes/0"},
};

/// Members that are not read.
const std::set<std::string> UNREAD{"id",    "attempts",   "proxy_status",  "at_proxy",
                                   "onion", "bytes_sent", "bytes_received"};
/// Members that may be null.
const std::set<std::string> NULLABLE{"connected_ms", "sending", "receiving", "heard_ms", "proved_ms"};

} // namespace

TEST_CASE("snapshot: relays, peers and routes are read as the library reports them") {
    Two_Peers f{Ticking::when_woken};
    f.talk(5'000, 20);
    const std::string text = tcp_connections_json(f.a.c);
    const Connection_Info info = connection_info(f.a, f.a_to_b);
    const Snapshot snapshot = parsed(Json::parse(text));
    CHECK(snapshot.time_ms == f.world.net.now);
    CHECK(snapshot.public_key == to_string(f.a.key));
    REQUIRE(snapshot.relays.size() == 3);
    for (const Snapshot_Relay &relay : snapshot.relays) {
        const Relay_Info known = relay_info(f.a, relay.handle);
        CHECK(relay.public_key == to_string(known.public_key));
        CHECK(relay.address == to_string(known.address));
        CHECK(relay.state == "connected");
        CHECK(relay.connected_ms == f.world.net.now - known.connected_since);
        CHECK(relay.round_trip_ms == known.round_trip);
        CHECK(relay.packets_sent == known.traffic.packets_sent);
    }
    REQUIRE(snapshot.peers.size() == 1);
    const Snapshot_Peer &peer = snapshot.peers[0];
    CHECK(peer.public_key == to_string(f.b.key));
    CHECK(peer.awake);
    CHECK(peer.sending == info.sending);
    CHECK(peer.echoes_sent == info.echoes_sent);
    CHECK(peer.echoes_answered == info.echoes_answered);
    CHECK(peer.echoes_answered != 0);
    CHECK(peer.heard_ms == f.world.net.now - info.last_heard);
    CHECK(peer.online == 3);
    REQUIRE(peer.routes.size() == info.routes_count);
    for (std::size_t i = 0; i < peer.routes.size(); ++i) {
        CHECK(peer.routes[i].relay == info.routes[i].relay);
        CHECK(peer.routes[i].state == to_string(info.routes[i].state));
        CHECK(peer.routes[i].use == to_string(info.routes[i].use));
        CHECK(peer.routes[i].echo_round_trip_ms == info.routes[i].echo_round_trip);
        CHECK(peer.routes[i].echo_round_trip_ms != 0);
        CHECK(peer.routes[i].proved_ms == f.world.net.now - info.routes[i].last_proved);
    }
}

TEST_CASE("snapshot: a route that was never proved has no time of a proof") {
    Two_Peers f{Ticking::when_woken};
    const Snapshot snapshot = parsed(Json::parse(tcp_connections_json(f.a.c)));
    for (const Snapshot_Route &route : snapshot.peers.at(0).routes) {
        CHECK(route.use == to_string(Route_Use::unverified));
        CHECK(route.echo_round_trip_ms == 0);
        CHECK_FALSE(route.proved_ms);
    }
}

TEST_CASE("snapshot: members that only a newer library writes are ignored") {
    Json json = real_snapshot();
    for (const Json::json_pointer &path : OBJECTS) {
        json[path]["of_tomorrow"] = {{"more", 1}};
    }
    CHECK(parsed(json).peers.size() == 1);
}

TEST_CASE("snapshot: a missing member is an error that names the member") {
    const Json whole = real_snapshot();
    std::size_t tried = 0;
    for (const Json::json_pointer &path : OBJECTS) {
        for (const auto &[name, value] : whole[path].items()) {
            if (UNREAD.count(name) == 0) {
                Json json = whole;
                json[path].erase(name);
                INFO(path.to_string() << ' ' << name);
                CHECK(refusal(json.dump()).find(name + " is missing") != std::string::npos);
                ++tried;
            }
        }
    }
    CHECK(tried > 30);
}

TEST_CASE("snapshot: a member of another type or out of its range is an error that names the member") {
    const Json whole = real_snapshot();
    const std::vector<Json> values{Json{},        Json("text"),   Json(true),
                                   Json(-1),      Json(1.5),      Json(1e300),
                                   Json::array(), Json::object(), Json::parse("18446744073709551616")};
    std::size_t tried = 0;
    for (const Json::json_pointer &path : OBJECTS) {
        for (const auto &[name, value] : whole[path].items()) {
            for (const Json &wrong : values) {
                const bool is_right = wrong.type() == value.type() || UNREAD.count(name) != 0 ||
                                      (wrong.is_null() && NULLABLE.count(name) != 0);
                if (!is_right) {
                    Json json = whole;
                    json[path][name] = wrong;
                    INFO(path.to_string() << ' ' << name << " = " << wrong.dump());
                    CHECK(refusal(json.dump()).find(name) != std::string::npos);
                    ++tried;
                }
            }
        }
    }
    CHECK(tried > 200);
}

TEST_CASE("snapshot: a handle of 2^31 is refused") {
    Json json = real_snapshot();
    json["connections"][0]["routes"][0]["relay"] = std::uint64_t{1} << 31;
    CHECK(refusal(json.dump()).find("relay") != std::string::npos);
}

TEST_CASE("snapshot: a text that is not JSON, is cut, or is other JSON is refused") {
    const std::string text = real_snapshot().dump();
    CHECK(refusal("").find("empty") != std::string::npos);
    for (const char *const other : {"{", "[]", "null", "1", "\"text\"", "{}", "\xFF\xFE{}", "not JSON"}) {
        INFO(other);
        refusal(other);
    }
    for (std::size_t size = 0; size < text.size(); ++size) {
        refusal(text.substr(0, size));
    }
    Json json = Json::parse(text);
    json["version"] = 1;
    CHECK(refusal(json.dump()).find("version") != std::string::npos);
}

TEST_CASE("snapshot: control characters in texts are replaced, so that they cannot steer a terminal") {
    Json json = real_snapshot();
    json["relays"][0]["address"] = "\033[2Jhere\n";
    json["connections"][0]["routes"][0]["use"] = "\033]0;title\a";
    const Snapshot snapshot = parsed(json);
    CHECK(snapshot.relays[0].address == "?[2Jhere?");
    CHECK(snapshot.peers[0].routes[0].use == "?]0;title?");
}

TEST_CASE("words: every use of a route has a short word of its own") {
    std::set<std::string> seen;
    for (int use = 0; use <= static_cast<int>(Route_Use::withdrawn); ++use) {
        if (static_cast<Route_Use>(use) == Route_Use::offline) {
            continue;
        }
        const Route_Words words = route_words({to_string(static_cast<Route_Use>(use)), "online", "connected", "none"});
        CHECK_FALSE(words.word.empty());
        CHECK(words.word.size() <= MAX_ROUTE_WORD);
        CHECK(seen.insert(words.word).second);
    }
}

TEST_CASE("words: a route that is not online tells the state of its relay, or its own") {
    const auto offline = [](Route_State route, Relay_State relay, Reason last_end) {
        return route_words({to_string(Route_Use::offline), to_string(route), to_string(relay), to_string(last_end)});
    };
    std::set<std::string> seen;
    for (int state = 0; state <= static_cast<int>(Relay_State::sleeping); ++state) {
        if (static_cast<Relay_State>(state) != Relay_State::stale) { // it has the words of `connected`
            const Route_Words words = offline(Route_State::none, static_cast<Relay_State>(state), Reason::reset);
            CHECK(words.word.size() <= MAX_ROUTE_WORD);
            CHECK(seen.insert(words.word).second);
        }
    }
    CHECK(seen.insert(offline(Route_State::registered, Relay_State::connected, Reason::none).word).second);
    CHECK(offline(Route_State::none, Relay_State::waiting, Reason::reset).detail == to_string(Reason::reset));
}

TEST_CASE("words: a use that is not known is shown in the library's own word, cut if it is too long") {
    CHECK(route_words({"frobnicated by tomorrow", "online", "connected", "none"}).word == "frobnicated ");
}
