// Over which relay a packet is sent, when sending is refused, and how out-of-band packets are delivered.
#include "connections/core.h"
#include "sim/world.h"

using namespace toxtcp;

namespace {

std::uint64_t data_over(const Sim_Relay &relay) {
    const auto found = relay.received.find(Packet_Type::data);
    return found == relay.received.end() ? 0 : found->second;
}

std::uint64_t oob_over(const Sim_Relay &relay) {
    const auto found = relay.received.find(Packet_Type::oob_send);
    return found == relay.received.end() ? 0 : found->second;
}

std::uint64_t acknowledged_bytes = 0;

/// From now on the peer's host says that `bytes` of each socket are acknowledged, with a round trip of 100 ms.
/// UINT64_MAX: the host cannot tell.
void let_tell(const Sim_Peer &peer, std::uint64_t bytes) {
    acknowledged_bytes = bytes;
    peer.c->context.host.acknowledged = [](void *, int, Acknowledged &acknowledged) {
        acknowledged = {acknowledged_bytes, 100'000, 0};
        return acknowledged_bytes != UINT64_MAX;
    };
    for (std::uint32_t slot = 0; slot < peer.c->relays.size(); ++slot) {
        peer.c->relays[slot].send_window = {};
    }
}

} // namespace

TEST_CASE("sending: data goes over one online relay and stays on it") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    f.talk(60'000);
    f.world.advance(200);
    std::size_t used = 0;
    for (const Sim_Relay &relay : f.world.relays) {
        used += data_over(relay) != 0 ? 1 : 0;
    }
    CHECK(used <= 3); // one until the fastest was known, and then one for each direction
    CHECK(connection_info(f.a, f.a_to_b).moves == 0);
    CHECK(connection_info(f.b, f.b_to_a).moves == 0);
    CHECK(f.refused == 0);
    REQUIRE(f.b.data.size() == f.said);
    REQUIRE(f.a.data.size() == f.said);
    for (std::size_t i = 0; i < f.said; ++i) {
        CHECK(f.b.data[i].bytes == "a" + std::to_string(i));
    }
    const Connection_Info info = connection_info(f.a, f.a_to_b);
    CHECK(info.traffic.packets_sent == f.said);
    CHECK(info.traffic.packets_received == f.said);
    CHECK(relay_info(f.a, info.sending).carries == 1);
    CHECK(info.last_heard + 1'000 > f.world.net.now);
}

TEST_CASE("a full socket refuses the packet: the stream stays on its relay, and goes on as soon as there is room") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    f.talk(3'000);
    Sim_Relay &first = f.in_use();
    const int chosen = connection_info(f.a, f.a_to_b).sending;
    const std::size_t heard = f.b.data.size();
    node_of(first).capacity = 2'000;
    const std::string text(1'300, 'x');
    CHECK(send_text(f.a, f.a_to_b, text + "0") == Error::ok);
    CHECK(send_text(f.a, f.a_to_b, text + "1") == Error::ok); // the socket takes a part of it
    CHECK(send_text(f.a, f.a_to_b, text + "2") == Error::full);
    node_of(first).capacity = 64 * 1024;
    CHECK(send_text(f.a, f.a_to_b, text + "3") == Error::ok); // there is room again, and it is seen without a tick
    f.world.advance(500);
    CHECK(f.b.data.size() == heard + 3);
    CHECK_FALSE(heard_once(f.b.data, text + "2"));
    CHECK(connection_info(f.a, f.a_to_b).sending == chosen);
    CHECK(connection_info(f.a, f.a_to_b).moves == 0);
    CHECK(count_changes(f.a, Change_Kind::relay_down) == 0);
}

TEST_CASE("more is in flight than the path holds: large packets are refused, small ones sent, the host is woken") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    f.talk(3'000);
    const int chosen = connection_info(f.a, f.a_to_b).sending;
    const std::uint64_t begun = f.a.c->relays[f.a.c->relays.find(chosen)].link->sent;
    let_tell(f.a, begun);
    const std::string text(1'300, 'x');
    std::size_t sent = 0;
    while (sent < 1'000 && send_text(f.a, f.a_to_b, text) == Error::ok) {
        ++sent;
        f.world.advance(20); // the relay takes it, and none of it is acknowledged
    }
    CHECK(sent * text.size() <= MIN_SEND_WINDOW);
    CHECK((sent + 1) * (text.size() + 100) >= MIN_SEND_WINDOW);
    CHECK(tcp_connections_timeout(f.a.c) <= static_cast<int>(ROOM_RETRY_MS));
    const std::vector<Bytes> packets(20, bytes_of(text));
    for (int i = 0; i < 40; ++i) { // for longer than a relay's socket may be full
        CHECK(send_text(f.a, f.a_to_b, text) == Error::full);
        CHECK(send_packets_tcp_connection(f.a.c, f.a_to_b, packets) == static_cast<int>(Error::full));
        CHECK(send_text(f.a, f.a_to_b, "small") == Error::ok);
        CHECK(send_text(f.b, f.b_to_a, "heard") == Error::ok);
        f.world.advance(20);
    }
    let_tell(f.a, f.a.c->relays[f.a.c->relays.find(chosen)].link->sent);
    CHECK(send_text(f.a, f.a_to_b, text) == Error::ok);
    CHECK(send_packets_tcp_connection(f.a.c, f.a_to_b, packets) == 20);
    f.world.advance(200);
    CHECK(connection_info(f.a, f.a_to_b).sending == chosen);
    CHECK(connection_info(f.a, f.a_to_b).moves == 0);
    CHECK(std::count_if(f.b.data.begin(), f.b.data.end(), [&](const auto &one) { return one.bytes == text; }) ==
          static_cast<std::ptrdiff_t>(sent + 21));
}

TEST_CASE("with a host that cannot tell what is acknowledged, as much is sent as the socket takes") {
    Two_Peers f{ANY_TICKING()};
    f.talk(3'000);
    let_tell(f.a, UINT64_MAX);
    const std::string text(1'300, 'x');
    for (int i = 0; i < 200; ++i) {
        CHECK(send_text(f.a, f.a_to_b, text) == Error::ok);
        f.world.advance(20);
    }
}

TEST_CASE("traffic leaves a relay that has stopped reading before that relay is disconnected") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    f.talk(3'000);
    Sim_Relay &first = f.in_use();
    node_of(first).capacity = 2'000;
    REQUIRE(sim_relay_unread(first, f.a.key));
    const std::string text(1'300, 'x');
    std::size_t refused = 0;
    for (int i = 0; i < 100; ++i) {
        refused += send_text(f.a, f.a_to_b, text + std::to_string(i)) == Error::ok ? 0 : 1;
        f.world.advance(20);
    }
    f.world.advance(200);
    CHECK(refused <= 20); // 0.4 s at 50 packets a second
    CHECK(heard_once(f.b.data, text + "99"));
    CHECK(count_changes(f.a, Change_Kind::relay_down) == 0);
}

TEST_CASE("sending: when the relay in use is gone, another one takes over") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    f.talk(1'000);
    const Sim_Relay *const first = &f.in_use();
    SECTION("killed by us") {
        CHECK(kill_tcp_relay_connection(f.a.c, tcp_relay(f.a.c, first->key)) == Error::ok);
    }
    SECTION("ended by the relay") {
        sim_relay_kill(const_cast<Sim_Relay &>(*first));
        f.world.advance(100);
    }
    CHECK(send_text(f.a, f.a_to_b, "over another") == Error::ok);
    f.world.advance(200);
    CHECK(heard_once(f.b.data, "over another"));
    CHECK(&f.in_use() != first);
}

TEST_CASE("sending: many packets in one call arrive in order, and are sent with one system call") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    std::vector<std::string> texts;
    std::vector<Bytes> packets;
    for (int i = 0; i < 40; ++i) {
        texts.push_back(std::to_string(i) + std::string(1'000, 'x'));
    }
    for (const std::string &text : texts) {
        packets.push_back(bytes_of(text));
    }
    const std::uint64_t before = node_of(f.a).calls.total();
    CHECK(send_packets_tcp_connection(f.a.c, f.a_to_b, packets) == 40);
    CHECK(node_of(f.a).calls.total() - before == 1);
    f.world.advance(500);
    REQUIRE(f.b.data.size() == 40);
    for (std::size_t i = 0; i < 40; ++i) {
        CHECK(f.b.data[i].bytes == texts[i]);
    }
    // With little room in the sockets, as many are sent as fit. The caller has to send the rest again.
    for (Sim_Relay &relay : f.world.relays) {
        node_of(relay).capacity = 5'000;
    }
    const int sent = send_packets_tcp_connection(f.a.c, f.a_to_b, packets);
    CHECK(sent >= 4);
    CHECK(sent < 40);
    CHECK(send_packets_tcp_connection(f.a.c, f.a_to_b, packets) == static_cast<int>(Error::full));
    f.world.advance(500);
    CHECK(f.b.data.size() == 40 + static_cast<std::size_t>(sent));
}

TEST_CASE("sending: one call sends the packets before a too long one; a too long first packet is an error") {
    Two_Peers f{ANY_TICKING(), 1};
    const std::string good = "good";
    const std::string bad(MAX_DATA_SIZE + 1, 'x');
    const std::vector<Bytes> packets{bytes_of(good), bytes_of(good), bytes_of(bad), bytes_of(good)};
    CHECK(send_packets_tcp_connection(f.a.c, f.a_to_b, packets) == 2);
    CHECK(send_packets_tcp_connection(f.a.c, f.a_to_b, std::span{packets}.subspan(2)) ==
          static_cast<int>(Error::too_long));
    f.world.advance(200);
    CHECK(f.b.data.size() == 2);
}

TEST_CASE("sending: while the peer is online nowhere, data goes as OOB over every relay that gave a routing id") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    Sim_Peer &b = world.add_peer();
    const int a_to_b = befriend(a, b.key, 1);
    CHECK(send_text(a, a_to_b, "too early") == Error::not_online);
    for (int i = 0; i < 3; ++i) {
        tie(a, a_to_b, world.add_relay());
    }
    CHECK(send_text(a, a_to_b, "too early") == Error::not_online);
    const int at_b = hold(b, world.relays[1]);
    world.advance(1'000);
    CHECK(send_text(a, a_to_b, "as OOB") == Error::ok);
    CHECK(send_packet_tcp_connection(a.c, a_to_b, bytes_of(std::string(MAX_OOB_DATA_SIZE + 1, 'x'))) ==
          Error::too_long);
    CHECK(send_packet_tcp_connection(a.c, a_to_b, bytes_of(std::string(MAX_OOB_DATA_SIZE, 'x'))) == Error::ok);
    world.advance(200);
    for (const Sim_Relay &relay : world.relays) {
        CHECK(oob_over(relay) == 2);
        CHECK(data_over(relay) == 0);
    }
    REQUIRE(b.oob.size() == 2);
    CHECK(b.oob[0].bytes == "as OOB");
    CHECK(b.oob[0].sender == a.key);
    CHECK(b.oob[0].relay == at_b);
    CHECK(b.data.empty());
}

TEST_CASE("sending: OOB from a peer over a relay tied to its connection is data from that connection") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    Sim_Peer &b = world.add_peer();
    Sim_Relay &tied = world.add_relay();
    Sim_Relay &other = world.add_relay();
    const int b_to_a = befriend(b, a.key, 44);
    tie(b, b_to_a, tied);
    hold(b, other);
    const int tied_at_a = hold(a, tied);
    const int other_at_a = hold(a, other);
    world.advance(1'000);
    CHECK(tcp_send_oob_packet(a.c, tied_at_a, b.key, bytes_of("data")) == Error::ok);
    CHECK(tcp_send_oob_packet(a.c, other_at_a, b.key, bytes_of("oob")) == Error::ok);
    CHECK(tcp_send_oob_packet_using_relay(a.c, other.key, b.key, bytes_of("by key")) == Error::ok);
    world.advance(200);
    REQUIRE(b.data.size() == 1);
    CHECK(b.data[0].id == 44);
    CHECK(b.data[0].bytes == "data");
    REQUIRE(b.oob.size() == 2);
    CHECK(b.oob[0].relay == tcp_relay(b.c, other.key));
    CHECK(heard_once(b.oob, "oob"));
    CHECK(heard_once(b.oob, "by key"));
    CHECK(connection_info(b, b_to_a).traffic.packets_received == 1);
}

TEST_CASE("sizes: the longest packet of each kind arrives whole") {
    Two_Peers f{ANY_TICKING(), 1};
    const std::string data(MAX_DATA_SIZE, 'd');
    CHECK(send_text(f.a, f.a_to_b, data) == Error::ok);
    CHECK(send_text(f.a, f.a_to_b, "d") == Error::ok);
    const std::string oob(MAX_OOB_DATA_SIZE, 'o');
    CHECK(tcp_send_oob_packet(f.a.c, 0, f.b.key, bytes_of(oob)) == Error::ok);
    f.world.advance(200);
    REQUIRE(f.b.data.size() == 3);
    CHECK(f.b.data[0].bytes == data);
    CHECK(f.b.data[1].bytes == "d");
    CHECK(f.b.data[2].bytes == oob);
}
