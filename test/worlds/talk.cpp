#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <sodium.h>
#include <toxtcp/echo.h>

#include "connections/core.h"
#include "worlds/stage.h"

namespace toxtcp {

namespace {

constexpr std::uint64_t PATIENCE_MS = 300;     ///< a silence, if the other sends without pauses
constexpr std::uint64_t LONG_SILENCE_MS = 400; ///< printed in a story

/// The text of a peer's packet `number`. Every second packet is big; all are where a relay drops big packets.
std::string text_of(const World_Case &world, char who, std::size_t number) {
    const bool all_big =
        std::find(world.relays.begin(), world.relays.end(), Relay_Kind::drops_big) != world.relays.end();
    std::string text(1, who);
    text += std::to_string(number) + ' ';
    text.resize(all_big || number % 2 == 0 ? DROPPED_FROM + 100 : 100, 'x');
    return text;
}

/// Sends as toxcore does: over the first route that is online.
bool send_as_toxcore(World_Side &side, Bytes bytes) {
    Tcp_Connections &c = *side.peer.c;
    const std::uint32_t slot = c.peers.find(side.connection);
    for (std::uint8_t i = 0; i < ROUTES; ++i) {
        const Route &route = c.peers[slot].routes[i];
        if (route.step == Route_Step::online && is_connected(c.relays[route.relay])) {
            Packet packet;
            packet.type = Packet_Type::data;
            packet.id = route.id;
            packet.data = bytes;
            return link_send(*c.relays[route.relay].link, c.context.host, packet, route.relay) == Error::ok;
        }
    }
    return false;
}

/// Answers an echo as net_crypto does, with a cookie of no meaning.
void answer_as_toxcore(Stage &s, World_Side &side, const World_Side &other, const std::string &request) {
    Secret_Key shared;
    Echo echo;
    if (!echo_shared_key(side.peer.def.secret_key, other.peer.key, shared) ||
        !open_echo_request(shared, bytes_of(request), echo)) {
        return;
    }
    std::array<std::uint8_t, ECHO_COOKIE_SIZE + sizeof echo.number> plain;
    plain.fill(1);
    std::memcpy(plain.data() + ECHO_COOKIE_SIZE, &echo.number, sizeof echo.number);
    std::array<std::uint8_t, ECHO_RESPONSE_SIZE> response{ECHO_RESPONSE};
    sim_fill(s.net.random, std::span{response}.subspan(1, crypto_box_NONCEBYTES));
    (void)crypto_box_easy_afternm(response.data() + 1 + crypto_box_NONCEBYTES, plain.data(), plain.size(),
                                  response.data() + 1, shared.bytes.data());
    (void)send_as_toxcore(side, response);
}

bool is_toxcore(const Stage &s, const World_Side &side) {
    return s.world.peers == World_Peers::toxcore && &side == &s.b;
}

/// Counts each silence once, since it allows a burst of echoes over all routes.
void note_silence(const Stage &s, World_Side &side) {
    const std::uint64_t usual = std::max(PATIENCE_MS, 2 * interval_of(s.world, &side == &s.a));
    if (!side.in_silence && s.net.now - (side.heard.empty() ? 0 : side.heard.back()) > usual) {
        side.in_silence = true;
        side.bursts += s.relays.size() + s.more.size();
    }
}

void take(Stage &s, World_Side &side, const World_Side &other, const Sim_Packet &packet) {
    side.peer.data.clear(); // all that is needed is noted here
    const std::string &bytes = packet.bytes;
    const auto first = static_cast<std::uint8_t>(bytes.front());
    side.genuine = false;
    if (first == ECHO_REQUEST && is_toxcore(s, side)) {
        answer_as_toxcore(s, side, other, bytes);
        return;
    }
    if (bytes.starts_with(FORGED) || first == ECHO_REQUEST || first == ECHO_RESPONSE) {
        return;
    }
    const std::size_t number = bytes.size() < 2 ? 0 : std::strtoull(bytes.c_str() + 1, nullptr, 10);
    if (number >= other.said || bytes != text_of(s.world, other.name, number)) {
        fail_world(s, "a packet arrived altered: " + bytes.substr(0, 20));
        return;
    }
    side.came.resize(std::max(side.came.size(), number + 1));
    const std::size_t times = ++side.came[number];
    if (times > (other.spread[number] ? s.relays.size() : 1)) {
        fail_world(s, "a packet arrived twice: " + bytes.substr(0, 20));
    }
    if (times > 1) {
        return; // the layer above has this packet already
    }
    side.genuine = true;
    const std::uint64_t silence = side.heard.empty() ? 0 : s.net.now - side.heard.back();
    if (s.story && silence >= LONG_SILENCE_MS) {
        std::printf("%8" PRIu64 "  %c: hears %c again after %" PRIu64 " ms\n", s.net.now, side.name, other.name,
                    silence);
    }
    note_silence(s, side);
    side.in_silence = false;
    side.heard.push_back(s.net.now);
}

/// A relay's name in a story: its slot and kind.
std::string name_of(const Stage &s, const World_Side &side, int number) {
    for (std::size_t i = 0; i < s.relays.size(); ++i) {
        if (number >= 0 && tcp_relay(side.peer.c, s.relays[i].relay.key) == number) {
            return std::to_string(i) + ' ' + to_string(s.relays[i].kind);
        }
    }
    return "none";
}

void tell_change(const Stage &s, const World_Side &side, const Change &change) {
    std::printf("%8" PRIu64 "  %c: %s, relay %s", s.net.now, side.name, to_string(change.kind),
                name_of(s, side, change.relay).c_str());
    if (change.kind == Change_Kind::moved) {
        std::printf(", before %s", name_of(s, side, change.previous).c_str());
    }
    if (change.reason != Reason::none) {
        std::printf(": %s", to_string(change.reason));
    }
    std::printf("\n");
}

void note_connect(const Stage &s, World_Side &side, const Ip_Port &address) {
    for (std::size_t i = 0; i < s.relays.size(); ++i) {
        if (address == s.relays[i].relay.address || address == s.relays[i].first_address) {
            side.connects[i].push_back(s.net.now);
        }
    }
}

void count_echoes(Stage &s, World_Side &side) {
    Connection_Info info;
    if (tcp_connection_info(side.peer.c, side.connection, info)) {
        const std::uint64_t before = side.echoes.empty() ? 0 : side.echoes.back().first;
        note_silence(s, side);
        side.echoes.emplace_back(before + static_cast<std::uint16_t>(info.echoes_sent - before), side.bursts);
    }
    sim_at(s.net, s.net.now + 1'000, [&s, &side] { count_echoes(s, side); });
}

} // namespace

void fail_world(Stage &s, const std::string &fault) {
    if (s.result.fault.empty()) {
        s.result.fault = fault;
    }
    if (s.story) {
        std::printf("%8" PRIu64 "  FAILED: %s\n", s.net.now, fault.c_str());
    }
}

void start_side(Stage &s, World_Side &side, char name, bool tells) {
    side.name = name;
    Sim_Peer_Def def;
    def.answers_echoes =
        s.world.peers == World_Peers::answer || (s.world.peers == World_Peers::toxcore && &side == &s.a);
    def.tells_network_changes = tells;
    sim_peer_start(side.peer, s.net, def);
    side.peer.on_connect = [&s, &side](const Ip_Port &address) { note_connect(s, side, address); };
    World_Side &other = &side == &s.a ? s.b : s.a;
    side.peer.on_data = [&s, &side, &other](const Sim_Packet &packet) { take(s, side, other, packet); };
    side.peer.is_authentic = [&side](const Sim_Packet &) { return side.genuine; };
    side.peer.on_change = [&s, &side](const Change &change) {
        side.peer.changes.clear();
        side.bursts += change.kind == Change_Kind::route_online ? 1 : 0;
        if (change.kind == Change_Kind::moved && change.reason != Reason::not_delivering) {
            side.bursts += s.relays.size() + s.more.size(); // the route in use was lost: an echo over each
        }
        if (s.story) {
            tell_change(s, side, change);
        }
    };
    count_echoes(s, side);
}

void say_every(Stage &s, World_Side &side, std::uint64_t ms) {
    sim_at(s.net, s.net.now + ms, [&s, &side, ms] {
        if (s.talking) {
            const std::string text = text_of(s.world, side.name, side.said++);
            side.spread.push_back(tcp_connection_to_online_tcp_relays(side.peer.c, side.connection) == 0);
            if (is_toxcore(s, side)) {
                (void)send_as_toxcore(side, bytes_of(text));
            } else {
                (void)send_packet_tcp_connection(side.peer.c, side.connection, bytes_of(text));
            }
            sim_touch(s.net, side.peer.node);
        }
        say_every(s, side, ms);
    });
}

void forget_heard(Stage &s) {
    s.a.heard.clear();
    s.b.heard.clear();
}

std::uint64_t longest_silence(const Stage &s, std::uint64_t from) {
    std::uint64_t longest = 0;
    for (const World_Side *const side : {&s.a, &s.b}) {
        std::uint64_t last = from;
        for (const std::uint64_t at : side->heard) {
            if (at >= from) {
                longest = std::max(longest, at - last);
                last = at;
            }
        }
        longest = std::max(longest, s.net.now - last);
    }
    return longest;
}

} // namespace toxtcp
