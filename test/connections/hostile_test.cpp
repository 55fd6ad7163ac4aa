// Hostile relays: whatever such a relay sends, only its own connection ends, with a reason and one line of log.
// The other relays are not disturbed.
#include "sim/world.h"

#include <toxtcp/echo.h>

using namespace toxtcp;

namespace {

/// Two peers talk over an honest relay. A scripted relay that will send what it must not is tied to a's connection too.
struct Hostile {
    World world;
    Sim_Peer &a;
    Sim_Peer &b;
    Sim_Relay &honest;
    Scripted_Relay &bad;
    int a_to_b = -1;
    int b_to_a = -1;
    int bad_handle = -1;
    std::size_t said = 0;

    explicit Hostile(Ticking ticking)
        : world{ticking}, a{world.add_peer()}, b{world.add_peer()}, honest{world.add_relay()},
          bad{world.add_scripted()} {
        a_to_b = befriend(a, b.key, 70);
        b_to_a = befriend(b, a.key, 80);
        tie(a, a_to_b, honest);
        tie(b, b_to_a, honest);
    }

    void bring_up() {
        bad_handle = tie(a, a_to_b, bad);
        REQUIRE(world.until(2'000, [&] {
            return tcp_connection_to_online_tcp_relays(a.c, a_to_b) == 1 && !bad.clients.empty() &&
                   bad.clients.back().routes.size() == 1;
        }));
        world.advance(200);
        REQUIRE(is_up(a, bad));
    }

    void talk(int packets = 3) {
        for (int i = 0; i < packets; ++i) {
            CHECK(send_text(a, a_to_b, "a" + std::to_string(said)) == Error::ok);
            CHECK(send_text(b, b_to_a, "b" + std::to_string(said)) == Error::ok);
            ++said;
            world.advance(50);
        }
    }

    /// The bad relay's connection has ended for this reason, with one line of log, and nothing else has changed.
    void check_ended(Reason reason) {
        talk();
        world.advance(200);
        const Change_Kind kind = Change_Kind::relay_down;
        REQUIRE(count_changes(a, kind) >= 1);
        INFO("reason " << to_string(last_change(a, kind)->change.reason) << ", expected " << to_string(reason));
        CHECK(last_change(a, kind)->change.reason == reason);
        CHECK(relay_info(a, tcp_relay(a.c, bad.key)).last_end == reason);
        REQUIRE(count_lines(a, Log_Level::warning) == 1);
        CHECK(node_of(a).log.front().level == Log_Level::warning);
        CHECK(node_of(a).log.front().text.find(to_string(reason)) != std::string::npos);
        CHECK(node_of(a).log.front().text.find(to_string(bad.key).substr(0, 8)) != std::string::npos);
        CHECK(is_up(a, honest));
        CHECK(count_changes(a, Change_Kind::relay_up, tcp_relay(a.c, honest.key)) == 1);
        CHECK(tcp_connection_to_online_tcp_relays(a.c, a_to_b) == 1);
        REQUIRE(b.data.size() == said);
        REQUIRE(a.data.size() == said);
        for (std::size_t i = 0; i < said; ++i) {
            CHECK(b.data[i].bytes == "a" + std::to_string(i));
            CHECK(a.data[i].bytes == "b" + std::to_string(i));
        }
    }
};

struct Bad_Packet {
    const char *name;
    std::string plain;
    Reason reason;
};

std::string with_key(char type, std::size_t data, std::size_t key = 32) {
    return std::string(1, type) + std::string(key, 'k') + std::string(data, 'd');
}

std::vector<Bad_Packet> bad_packets() {
    const std::string ping_id = "12345678";
    return {
        {"routing request, which only clients send", with_key(0, 0), Reason::bad_packet_type},
        {"OOB send, which only clients send", with_key(6, 10), Reason::bad_packet_type},
        {"onion request, which only clients send", "\10" + std::string(100, 'o'), Reason::bad_packet_type},
        {"forward request, which only clients send", "\12" + std::string(100, 'f'), Reason::bad_packet_type},
        {"reserved type 12", "\14 something", Reason::bad_packet_type},
        {"reserved type 13", "\15 something", Reason::bad_packet_type},
        {"reserved type 14", "\16 something", Reason::bad_packet_type},
        {"reserved type 15", "\17 something", Reason::bad_packet_type},
        {"a lone routing response", "\1", Reason::bad_packet_length},
        {"a lone ping", "\4", Reason::bad_packet_length},
        {"a lone onion response", "\11", Reason::bad_packet_length},
        {"a lone forwarding", "\13", Reason::bad_packet_length},
        {"data with no data", "\20", Reason::bad_packet_length},
        {"data with no data, on the last id", "\377", Reason::bad_packet_length},
        {"routing response, short", "\1\20" + std::string(31, 'k'), Reason::bad_packet_length},
        {"routing response, long", "\1\20" + std::string(33, 'k'), Reason::bad_packet_length},
        {"connect notification, long", std::string("\2\20\0", 3), Reason::bad_packet_length},
        {"disconnect notification, long", std::string("\3\20\0", 3), Reason::bad_packet_length},
        {"connect notification for id 0", std::string("\2\0", 2), Reason::bad_routing_id},
        {"connect notification for id 15", "\2\17", Reason::bad_routing_id},
        {"disconnect notification for id 0", std::string("\3\0", 2), Reason::bad_routing_id},
        {"disconnect notification for id 15", "\3\17", Reason::bad_routing_id},
        {"ping, short", "\4" + ping_id.substr(1), Reason::bad_packet_length},
        {"ping, long", "\4" + ping_id + "9", Reason::bad_packet_length},
        {"pong, short", "\5" + ping_id.substr(1), Reason::bad_packet_length},
        {"pong, long", "\5" + ping_id + "9", Reason::bad_packet_length},
        {"pong of id 0", "\5" + std::string(8, '\0'), Reason::bad_ping_id},
        {"OOB with no data", with_key(7, 0), Reason::bad_packet_length},
        {"OOB with half a key", with_key(7, 0, 16), Reason::bad_packet_length},
        {"OOB with too much data", with_key(7, MAX_OOB_DATA_SIZE + 1), Reason::bad_packet_length},
    };
}

struct Bad_Frame {
    const char *name;
    std::string bytes;
    Reason reason;
};

std::vector<Bad_Frame> bad_frames() {
    return {
        {"an empty frame", std::string("\0\0", 2), Reason::bad_frame_length},
        {"an empty frame, and rubbish", std::string("\0\0rubbish", 9), Reason::bad_frame_length},
        {"a frame that can carry nothing", std::string("\0\20", 2) + std::string(16, 'x'), Reason::bad_frame_length},
        {"a frame above the limit", std::string("\10\1", 2) + std::string(2049, 'x'), Reason::bad_frame_length},
        {"the header of a frame above the limit", "\10\1", Reason::bad_frame_length},
        {"the longest frame there is", "\377\377", Reason::bad_frame_length},
        {"a page of HTTP", "HTTP/1.1 400 Bad request\r\n\r\n", Reason::bad_frame_length},
        {"the shortest frame, not sealed", std::string("\0\21", 2) + std::string(17, 'x'), Reason::bad_seal},
        {"the longest good frame, not sealed", std::string("\10\0", 2) + std::string(2048, 'x'), Reason::bad_seal},
        {"zeros", std::string("\0\40", 2) + std::string(32, '\0'), Reason::bad_seal},
    };
}

} // namespace

TEST_CASE("hostile: every malformed packet ends its relay's connection with the reason") {
    const std::vector<Bad_Packet> packets = bad_packets();
    const std::size_t which = GENERATE_COPY(range(std::size_t{0}, packets.size()));
    const std::size_t piece = GENERATE(0U, 1U);
    Hostile h{ANY_TICKING()};
    INFO(packets[which].name << ", " << to_string(h.world.ticking) << ", pieces of " << piece);
    h.bring_up();
    h.world.tick_often();
    h.world.net.nodes[h.bad.node]->piece = piece;
    h.bad.answers_handshake = false; // so that it does not come back
    scripted_send(h.bad, bytes_of(packets[which].plain));
    scripted_send(h.bad, bytes_of("\11this comes too late"));
    h.world.advance(piece == 0 ? 300 : 3'000);
    CHECK(h.a.onion.empty());
    h.check_ended(packets[which].reason);
}

TEST_CASE("hostile: every malformed frame ends its relay's connection with the reason") {
    const std::vector<Bad_Frame> frames = bad_frames();
    const std::size_t which = GENERATE_COPY(range(std::size_t{0}, frames.size()));
    const std::size_t piece = GENERATE(0U, 1U);
    Hostile h{ANY_TICKING()};
    INFO(frames[which].name << ", " << to_string(h.world.ticking) << ", pieces of " << piece);
    h.bring_up();
    h.world.tick_often();
    h.world.net.nodes[h.bad.node]->piece = piece;
    h.bad.answers_handshake = false;
    scripted_send_raw(h.bad, bytes_of(frames[which].bytes));
    h.world.advance(piece == 0 ? 300 : 3'000);
    h.check_ended(frames[which].reason);
}

TEST_CASE("hostile: a frame does not open if it is sent twice, follows a missing frame, or has a changed bit") {
    Hostile h{ANY_TICKING()};
    INFO(to_string(h.world.ticking));
    h.bring_up();
    h.bad.answers_handshake = false;
    Scripted_Client &client = h.bad.clients.back();
    const auto frame = [&] {
        std::vector<std::uint8_t> bytes(FRAME_OVERHEAD + 6);
        const std::string plain = "\11onion";
        std::copy(plain.begin(), plain.end(), bytes.begin() + FRAME_OVERHEAD);
        seal_frame(client.channel, bytes);
        return bytes;
    };
    SECTION("sent twice") {
        const auto bytes = frame();
        scripted_send_raw(h.bad, bytes);
        scripted_send_raw(h.bad, bytes);
        h.world.advance(200);
        CHECK(h.a.onion.size() == 1);
    }
    SECTION("left out") {
        (void)frame();
        scripted_send_raw(h.bad, frame());
        h.world.advance(200);
        CHECK(h.a.onion.empty());
    }
    SECTION("changed") {
        for (const std::size_t at : {FRAME_HEADER_SIZE, FRAME_HEADER_SIZE + MAC_SIZE, FRAME_OVERHEAD + 5}) {
            auto bytes = frame();
            bytes[at] ^= 1;
            if (at == FRAME_OVERHEAD + 5) {
                scripted_send_raw(h.bad, bytes);
            }
        }
        h.world.advance(200);
        CHECK(h.a.onion.empty());
    }
    h.check_ended(Reason::bad_seal);
}

TEST_CASE("hostile: a wrong answer to the handshake ends the connection with the reason") {
    Hostile h{ANY_TICKING()};
    const std::size_t piece = GENERATE(0U, 1U);
    INFO(to_string(h.world.ticking) << ", pieces of " << piece);
    h.world.tick_often();
    h.world.net.nodes[h.bad.node]->piece = piece;
    REQUIRE(h.world.until(1'000, [&] { return tcp_connection_to_online_tcp_relays(h.a.c, h.a_to_b) == 1; }));
    SECTION("rubbish") {
        h.bad.handshake_answer = std::string(HANDSHAKE_RESPONSE_SIZE, 'x');
    }
    SECTION("more rubbish") {
        h.bad.handshake_answer = std::string(5'000, 'x');
    }
    SECTION("the relay has another key") {
        Secret_Key other;
        sim_fill(h.world.net.random, other.bytes);
        h.bad.key = public_key_of(other); // the key that a is told
        h.bad.handshake_answer = std::string(HANDSHAKE_RESPONSE_SIZE, '\0');
        CHECK(add_tcp_relay_connection(h.a.c, h.a_to_b, h.bad.address, h.bad.key) == Error::ok);
        h.world.advance(300);
        // The relay cannot open a's request, and sends nothing that could be the answer.
        CHECK(h.bad.broken);
        scripted_send_raw(h.bad, bytes_of(h.bad.handshake_answer));
    }
    if (!knows(h.a, h.bad)) {
        tie(h.a, h.a_to_b, h.bad);
    }
    h.world.advance(piece == 0 ? 1'000 : 3'000);
    h.check_ended(Reason::handshake_failed);
}

TEST_CASE("hostile: an attempt whose handshake is never answered in full ends by the time limit") {
    Hostile h{ANY_TICKING()};
    INFO(to_string(h.world.ticking));
    h.bad.handshake_answer = std::string(HANDSHAKE_RESPONSE_SIZE - 1, 'x');
    tie(h.a, h.a_to_b, h.bad);
    h.world.advance(10'500);
    h.check_ended(Reason::connect_timeout);
}

TEST_CASE("hostile: a relay that was connected and fails its next handshake is kept, and the reason is told") {
    Hostile h{ANY_TICKING()};
    INFO(to_string(h.world.ticking));
    h.bring_up();
    h.bad.handshake_answer = std::string(HANDSHAKE_RESPONSE_SIZE, 'x');
    scripted_close(h.bad);
    h.world.advance(2'000);
    CHECK(relay_info(h.a, h.bad_handle).last_end == Reason::handshake_failed);
    CHECK(count_changes(h.a, Change_Kind::relay_gone) == 0);
    h.talk();
}

TEST_CASE("hostile: packets that are odd but allowed do not end the connection") {
    Hostile h{ANY_TICKING()};
    INFO(to_string(h.world.ticking));
    h.bring_up();
    const Public_Key stranger = some_key(h.world);
    const auto response = [&](std::uint8_t id, const Public_Key &key) {
        std::string plain{1, static_cast<char>(id)};
        plain[0] = 1;
        plain += static_cast<char>(id);
        plain.resize(2);
        return plain + std::string(key.begin(), key.end());
    };
    scripted_send(h.bad, bytes_of(response(16, stranger))); // the id is in use
    scripted_send(h.bad, bytes_of(response(0, stranger)));  // a refusal that nobody asked for
    scripted_send(h.bad, bytes_of(response(0, h.b.key)));   // a refusal after the id was given
    scripted_send(h.bad, {3, 16});                          // offline, but was not online
    scripted_send(h.bad, {2, 200});                         // an id that nobody has
    scripted_send(h.bad, {3, 200});
    scripted_send(h.bad, bytes_of("\20data before online"));
    scripted_send(h.bad, bytes_of("\310data for nobody"));
    scripted_send(h.bad, {5, 1, 2, 3, 4, 5, 6, 7, 8});
    scripted_send(h.bad, {4, 0, 0, 0, 0, 0, 0, 0, 0}); // a ping of id 0: not answered
    scripted_send(h.bad, {2, 16});
    scripted_send(h.bad, {2, 16}); // online twice
    scripted_send(h.bad, bytes_of("\20data"));
    scripted_send(h.bad, {3, 16});
    scripted_send(h.bad, bytes_of("\20data after offline"));
    h.world.advance(300);
    CHECK(is_up(h.a, h.bad));
    REQUIRE(h.a.data.size() == 1);
    CHECK(h.a.data[0].bytes == "data");
    CHECK(tcp_connection_to_online_tcp_relays(h.a.c, h.a_to_b) == 1);
    CHECK(count_lines(h.a, Log_Level::warning) == 0);
}

TEST_CASE("hostile: a routing id that the relay gives for a peer that was not requested is given back") {
    Hostile h{ANY_TICKING()};
    INFO(to_string(h.world.ticking));
    h.bring_up();
    for (int id = 30; id < 256; ++id) {
        const Public_Key stranger = some_key(h.world);
        std::string plain = "\1";
        plain += static_cast<char>(id);
        scripted_send(h.bad, bytes_of(plain + std::string(stranger.begin(), stranger.end())));
    }
    h.world.advance(1'000);
    CHECK(is_up(h.a, h.bad));
    CHECK(scripted_count(h.bad, Packet_Type::disconnect_notification) == 226);
    CHECK_FALSE(h.bad.broken);
    // There is still room for routes that are requested.
    const int other = befriend(h.a, some_key(h.world), 1);
    tie(h.a, other, h.bad);
    h.world.advance(300);
    CHECK(connection_info(h.a, other).routes[0].state == Route_State::registered);
}

TEST_CASE("hostile: a flood of packets from one relay does not keep another from being read in the same tick") {
    const std::string plain = GENERATE(std::string("\11onion"), std::string("\13forwarding"), std::string("\4pingping"),
                                       std::string("\5pongpong"), std::string("\2\20"), std::string("\3\20"),
                                       std::string("\20data"), std::string("\7") + std::string(32, 'k') + "oob");
    Hostile h{ANY_TICKING()};
    INFO(to_string(h.world.ticking) << ", type " << static_cast<int>(plain[0]));
    h.bring_up();
    node_of(h.a).capacity = std::size_t{2} << 20; // one tick may read far less
    sim_stop(h.world.net, h.a.node, true);
    while (h.bad.clients.back().out.empty()) {
        scripted_send(h.bad, bytes_of(plain));
    }
    CHECK(send_text(h.b, h.b_to_a, "through the flood") == Error::ok);
    h.world.advance(100);
    const std::uint64_t before = node_of(h.a).calls.receive;
    sim_peer_tick(h.a);
    CHECK(heard_once(h.a.data, "through the flood"));
    CHECK(node_of(h.a).calls.receive - before <= 40); // one tick reads a bounded amount
    const std::size_t in_one_tick = h.a.onion.size() + h.a.forwarding.size() + h.a.oob.size();
    CHECK(in_one_tick <= 64 * 1024);
    sim_stop(h.world.net, h.a.node, false);
}

TEST_CASE("hostile: a relay that does not read cannot make the client queue packets without limit") {
    Hostile h{ANY_TICKING()};
    INFO(to_string(h.world.ticking));
    h.bring_up();
    sim_stop(h.world.net, h.bad.node, true);
    h.world.net.nodes[h.bad.node]->capacity = 1'000;
    scripted_send(h.bad, {2, 16});
    h.world.advance(100);
    // Many pings, routing requests and disconnect notifications: each that cannot be sent is kept as one flag.
    for (int i = 0; i < 1'000; ++i) {
        scripted_send(h.bad, bytes_of("\4pingping"));
        const int connection = befriend(h.a, some_key(h.world), i);
        tie(h.a, connection, h.bad);
        if (i % 2 == 0) {
            CHECK(kill_tcp_connection_to(h.a.c, connection) == Error::ok);
        }
    }
    h.world.advance(500);
    CHECK(h.world.net.links[node_of(h.a).sockets[1].link].pipe[0].size() <= 1'000);
    sim_stop(h.world.net, h.bad.node, false);
    h.world.net.nodes[h.bad.node]->capacity = 64 * 1024;
    h.world.advance(2'000);
    CHECK_FALSE(h.bad.broken);
    CHECK(is_up(h.a, h.bad));
}

TEST_CASE("hostile: an echo in the name of the null key, which anybody can seal, is not answered") {
    Hostile h{ANY_TICKING()};
    INFO(to_string(h.world.ticking));
    h.bring_up();
    const Public_Key nobody{};
    const Secret_Key zero;
    std::array<std::uint8_t, ECHO_REQUEST_SIZE> request;
    make_echo_request(zero, sim_random_source(h.world.net.random), nobody, {.kind = Echo_Kind::unheard}, request);
    std::string plain = "\7" + std::string(nobody.begin(), nobody.end());
    plain.append(request.begin(), request.end());
    const std::size_t before = h.bad.packets.size();
    scripted_send(h.bad, bytes_of(plain));
    h.world.advance(1'000);
    CHECK(std::none_of(h.bad.packets.begin() + static_cast<std::ptrdiff_t>(before), h.bad.packets.end(),
                       [](const Scripted_Packet &one) { return one.plain[0] == 6; }));
    CHECK(is_up(h.a, h.bad));
}
