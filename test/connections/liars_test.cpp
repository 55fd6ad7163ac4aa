// Relays that report a peer as online but do not deliver its packets, and which relay a connection sends over.
#include <toxtcp/echo.h>

#include "connections/core.h"
#include "sim/relay_kinds.h"
#include "sim/world.h"

using namespace toxtcp;

namespace {

/// From now on b answers each packet at once, as a peer does that acknowledges what it hears.
void answer_all(Two_Peers &f) {
    f.b.on_data = [&f](const Sim_Packet &packet) { (void)send_text(f.b, f.b_to_a, "re " + packet.bytes); };
}

void ask(Two_Peers &f, std::uint64_t ms, std::uint64_t every) {
    for (const std::uint64_t end = f.world.net.now + ms; f.world.net.now < end;) {
        (void)send_text(f.a, f.a_to_b, "q" + std::to_string(f.said++));
        f.world.advance(every);
    }
}

} // namespace

TEST_CASE("liars: a relay that drops all data is left within 5 s, and its failure is counted") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    f.talk(5'000, 100);
    Sim_Relay &relay = f.in_use();
    const int number = tcp_relay(f.a.c, relay.key);
    relay.drops_data = true;
    const std::uint64_t at = f.world.net.now;
    f.talk(20'000, 100);
    CHECK(longest_silence(f.a, at) <= 5'000);
    CHECK(longest_silence(f.b, at) <= 5'000);
    CHECK(connection_info(f.a, f.a_to_b).sending != number);
    const Relay_Info at_a = relay_info(f.a, number);
    const Relay_Info at_b = relay_info(f.b, tcp_relay(f.b.c, relay.key));
    CHECK(at_a.failures + at_b.failures >= 1);
    CHECK(count_changes(f.a, Change_Kind::relay_failed) == at_a.failures);
    for (const Sim_Relay &other : f.world.relays) {
        if (&other != &relay) {
            CHECK(relay_info(f.a, tcp_relay(f.a.c, other.key)).failures == 0);
        }
    }
}

TEST_CASE("liars: a relay that drops data from the first packet on is left within 5 s as well") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    for (Sim_Relay &relay : f.world.relays) {
        node_of(relay).latency = &relay == &f.relay(1) ? 5 : 50;
    }
    f.relay(1).drops_data = true; // the fastest
    f.world.advance(31'000);
    const std::uint64_t at = f.world.net.now;
    f.talk(30'000, 100);
    CHECK(f.relay(1).dropped > 0);
    CHECK(longest_silence(f.a, at) <= 5'000);
    CHECK(longest_silence(f.b, at) <= 5'000);
}

TEST_CASE("liars: when two of three relays drop all data, traffic moves to the third") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    f.talk(5'000, 100);
    const std::size_t honest = GENERATE(0U, 1U, 2U);
    for (std::size_t i = 0; i < 3; ++i) {
        f.relay(i).drops_data = i != honest;
    }
    const std::uint64_t at = f.world.net.now;
    f.talk(30'000, 100);
    CHECK(longest_silence(f.a, at) <= 10'000); // 5 s for each relay that drops
    CHECK(longest_silence(f.b, at) <= 10'000);
    const std::uint64_t later = f.world.net.now;
    f.talk(20'000, 100);
    CHECK(longest_silence(f.a, later) <= 500);
    CHECK(longest_silence(f.b, later) <= 500);
}

TEST_CASE("liars: a relay that drops one peer's packets but not the answers is left within 5 s") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    answer_all(f);
    ask(f, 5'000, 100);
    Sim_Relay &relay = f.in_use();
    relay.drop = [&](const Public_Key &from, const Public_Key &, const Packet &) { return from == f.a.key; };
    const std::uint64_t at = f.world.net.now;
    ask(f, 30'000, 100);
    CHECK(relay.dropped > 0);
    CHECK(longest_silence(f.a, at) <= 5'000);
    CHECK(longest_silence(f.b, at) <= 5'000);
    CHECK(connection_info(f.a, f.a_to_b).sending != tcp_relay(f.a.c, relay.key));
    CHECK(relay_info(f.a, tcp_relay(f.a.c, relay.key)).failures == 1);
}

TEST_CASE("liars: a relay that drops only the answers is left, although the answering peer hears every packet") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    answer_all(f);
    ask(f, 5'000, 100);
    Sim_Relay &back = f.relay_of(f.b, connection_info(f.b, f.b_to_a).sending);
    back.drop = [&](const Public_Key &from, const Public_Key &, const Packet &) { return from == f.b.key; };
    const std::uint64_t at = f.world.net.now;
    ask(f, 30'000, 100);
    CHECK(back.dropped > 0);
    CHECK(longest_silence(f.b, at) <= 500); // b lost nothing
    CHECK(longest_silence(f.a, at) <= 10'000);
    const std::uint64_t later = f.world.net.now;
    ask(f, 30'000, 100);
    CHECK(longest_silence(f.a, later) <= 500);
}

TEST_CASE("liars: when the fastest relay drops all data from the start, packets and answers go another way") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    answer_all(f);
    for (Sim_Relay &relay : f.world.relays) {
        node_of(relay).latency = &relay == &f.relay(0) ? 5 : 50;
    }
    f.relay(0).drops_data = true; // the fastest for both
    f.world.advance(31'000);
    const std::uint64_t at = f.world.net.now;
    ask(f, 30'000, 100);
    CHECK(f.relay(0).dropped > 0);
    CHECK(longest_silence(f.b, at) <= 5'000);
    CHECK(longest_silence(f.a, at) <= 10'000);
}

TEST_CASE("liars: a relay that drops one peer's packets still carries the other peers' traffic") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    Sim_Peer &third = f.world.add_peer();
    const int to_third = befriend(f.a, third.key, 3);
    const int from_third = befriend(third, f.a.key, 4);
    for (const Sim_Relay &relay : f.world.relays) {
        tie(f.a, to_third, relay);
        tie(third, from_third, relay);
    }
    f.world.advance(2'000);
    f.talk(5'000, 100);
    Sim_Relay &relay = f.in_use();
    relay.drop = [&](const Public_Key &from, const Public_Key &to, const Packet &) {
        return from == f.b.key || to == f.b.key;
    };
    for (int i = 0; i < 200; ++i) {
        CHECK(send_text(f.a, to_third, "x" + std::to_string(i)) == Error::ok);
        CHECK(send_text(third, from_third, "y" + std::to_string(i)) == Error::ok);
        f.talk(100, 100);
    }
    CHECK(third.data.size() >= 198);
    CHECK(connection_info(f.a, to_third).moves == 0);
    CHECK(connection_info(f.a, to_third).failures == 0);
    CHECK(connection_info(f.a, f.a_to_b).sending != tcp_relay(f.a.c, relay.key));
}

TEST_CASE("liars: a relay that reports an absent peer as online is left for a relay where the peer is") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    Sim_Peer &b = world.add_peer();
    Sim_Relay &liar = world.add_relay();
    Sim_Relay &honest = world.add_relay();
    liar.lies_online = true;
    node_of(honest).latency = 50; // the liar is the faster one
    const int a_to_b = befriend(a, b.key, 1);
    const int b_to_a = befriend(b, a.key, 2);
    tie(a, a_to_b, liar);
    tie(a, a_to_b, honest);
    tie(b, b_to_a, honest);
    world.advance(2'000);
    CHECK(tcp_connection_to_online_tcp_relays(a.c, a_to_b) == 2);
    b.on_data = [&](const Sim_Packet &) { (void)send_text(b, b_to_a, "yes"); };
    const std::uint64_t at = world.net.now;
    for (int i = 0; i < 200; ++i) {
        (void)send_text(a, a_to_b, "there?");
        world.advance(100);
    }
    CHECK(longest_silence(b, at) <= 5'000);
    CHECK(connection_info(a, a_to_b).sending == tcp_relay(a.c, honest.key));
    CHECK(relay_info(a, tcp_relay(a.c, liar.key)).failures == 1);
    CHECK(relay_info(a, tcp_relay(a.c, honest.key)).failures == 0);
}

TEST_CASE("liars: when the relays of all routes online carry nothing, a pruned route is requested again") {
    const Relay_Kind kind =
        GENERATE(Relay_Kind::drops, Relay_Kind::drops_one_way, Relay_Kind::passes_echoes, Relay_Kind::forges);
    INFO(to_string(kind));
    Two_Peers f{ANY_TICKING(), 4};
    INFO(to_string(f.world.ticking));
    std::array<Sim_Relay_Kind, 4> kinds;
    for (std::size_t i = 0; i < kinds.size(); ++i) {
        kinds[i].is_victim = [&f](const Public_Key &to) { return to == f.b.key; };
        sim_relay_watch(kinds[i], f.relay(i));
    }
    f.talk(100'000, 100);
    REQUIRE(tcp_connected_relays_count(f.a.c) == 3);
    REQUIRE(tcp_connected_relays_count(f.b.c) == 3);
    for (std::size_t i = 0; i < kinds.size(); ++i) {
        if (is_up(f.a, f.relay(i)) || is_up(f.b, f.relay(i))) {
            sim_relay_turn(kinds[i], kind);
        }
    }
    const std::uint64_t at = f.world.net.now;
    f.talk(60'000, 100);
    CHECK(longest_silence(f.a, at) <= 20'000);
    CHECK(longest_silence(f.b, at) <= 20'000);
    CHECK(longest_silence(f.b, f.world.net.now - 30'000) <= 500); // routes are pruned again, and not the one that works
}

TEST_CASE("liars: while nothing gets through, relays that the host names are taken, however many are online") {
    const std::size_t relays = GENERATE(3U, 6U);
    Two_Peers f{ANY_TICKING(), relays};
    INFO(to_string(f.world.ticking));
    f.talk(5'000, 100);
    Sim_Relay &more = f.world.add_relay();
    const auto name = [&](const Sim_Peer &peer, int connection) {
        return add_tcp_relay_connection(peer.c, connection, more.address, more.key);
    };
    CHECK(name(f.a, f.a_to_b) == Error::limit);
    for (std::size_t i = 0; i < relays; ++i) {
        f.relay(i).drops_data = true;
    }
    f.talk(10'000, 100);
    CHECK(name(f.a, f.a_to_b) == Error::ok);
    CHECK(name(f.b, f.b_to_a) == Error::ok);
    const std::uint64_t at = f.world.net.now;
    f.talk(10'000, 100);
    CHECK(longest_silence(f.a, at) <= 4'000);
    CHECK(longest_silence(f.b, at) <= 4'000);
}

TEST_CASE("liars: a relay that begins to delay packets by seconds is left") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    answer_all(f);
    ask(f, 5'000, 100);
    Sim_Relay &relay = f.in_use();
    node_of(relay).latency = 3'000;
    ask(f, 10'000, 100);
    const std::uint64_t later = f.world.net.now;
    ask(f, 10'000, 100);
    CHECK(connection_info(f.a, f.a_to_b).sending != tcp_relay(f.a.c, relay.key));
    CHECK(longest_silence(f.b, later) <= 500);
}

TEST_CASE("liars: an echo of ours that a relay sends back in the peer's name is not answered, and not the host's") {
    Sim_Peer_Def def;
    def.answers_echoes = GENERATE(true, false);
    Two_Peers f{ANY_TICKING(), 3, 1, def};
    INFO(to_string(f.world.ticking));
    Sim_Relay &other = f.world.add_relay(); // b is not there
    hold(f.a, other);
    std::string request; // the last one of a
    std::uint8_t id = 0;
    std::size_t answered = 0;
    const auto note = [&](const Public_Key &from, const Public_Key &, const Packet &packet) {
        if (from == f.a.key && is_echo_request(packet.data)) {
            request.assign(packet.data.begin(), packet.data.end());
            id = packet.id;
        }
        answered += from == f.a.key && is_echo_response(packet.data);
        return false;
    };
    Sim_Relay &relay = f.in_use();
    relay.drop = note;
    other.drop = note;
    f.talk(5'000, 100);
    f.world.advance(5'000); // idle: no echo goes
    REQUIRE(request.size() == ECHO_REQUEST_SIZE);
    REQUIRE(is_up(f.a, other));
    Public_Key name = f.b.key;
    name.back() =
        static_cast<std::uint8_t>(name.back() ^ (GENERATE(false, true) ? 0x80 : 0)); // another form of the key
    std::copy(name.begin(), name.end(), request.begin() + 1);
    const std::size_t before = answered;
    const std::size_t taken = f.a.data.size();
    SECTION("over the connection") {
        REQUIRE(sim_relay_inject(relay, f.a.key, bytes_of(std::string(1, static_cast<char>(id)) + request)));
    }
    SECTION("out of band") {
        REQUIRE(sim_relay_inject(other, f.a.key, bytes_of("\7" + std::string(name.begin(), name.end()) + request)));
    }
    f.world.advance(1'000);
    CHECK(answered == before);
    CHECK(f.a.data.size() == taken);
    CHECK(f.a.oob.empty());
}

TEST_CASE("liars: a complaint of ours from an earlier run that a relay sends back is not the peer's") {
    Sim_Peer_Def def;
    def.answers_echoes = false; // the peer does not have this library
    Two_Peers f{ANY_TICKING(), 3, 1, def};
    INFO(to_string(f.world.ticking));
    f.talk(5'000);
    Secret_Key shared;
    REQUIRE(echo_shared_key(f.a.def.secret_key, f.b.key, shared));
    std::uint32_t stamp = 1'000'000'000;
    for (int i = 0; i < 40; ++i) {
        std::array<std::uint8_t, ECHO_REQUEST_SIZE> complaint;
        const Echo echo{.kind = Echo_Kind::unheard, .unheard = 5'000, .number = std::uint64_t{stamp += 500} << 32};
        make_echo_request(shared, sim_random_source(f.world.net.random), f.a.key, echo, complaint);
        std::copy(f.b.key.begin(), f.b.key.end(), complaint.begin() + 1);
        std::string plain = "\7" + std::string(f.b.key.begin(), f.b.key.end());
        plain.append(complaint.begin(), complaint.end());
        REQUIRE(sim_relay_inject(f.in_use(), f.a.key, bytes_of(plain)));
        f.talk(500);
    }
    const Delivery &delivery = *f.a.c->peers[f.a.c->peers.find(f.a_to_b)].delivery;
    CHECK(delivery.peer_clock < 1'000'000'000);
    CHECK(connection_info(f.a, f.a_to_b).moves == 0);
}

TEST_CASE("liars: repeated failures make a relay the last choice for all peers, also for a new one") {
    World world{Ticking::when_woken};
    Sim_Peer &a = world.add_peer();
    std::vector<Sim_Relay *> honest;
    Sim_Relay &liar = world.add_relay();
    for (int i = 0; i < 4; ++i) {
        honest.push_back(&world.add_relay());
        node_of(*honest.back()).latency = 50;
    }
    std::vector<int> connections;
    for (int i = 0; i < 8; ++i) {
        Sim_Peer &b = world.add_peer();
        connections.push_back(befriend(a, b.key, i));
        const int back = befriend(b, a.key, 0);
        for (Sim_Relay &relay : world.relays) {
            tie(a, connections.back(), relay);
            tie(b, back, relay);
        }
        b.on_data = [&b, back](const Sim_Packet &packet) { (void)send_text(b, back, packet.bytes); };
    }
    world.advance(2'000);
    for (int i = 0; i < 600; ++i) {
        liar.drops_data = i >= 50;
        for (const int connection : connections) {
            (void)send_text(a, connection, "x");
        }
        world.advance(100);
    }
    const int number = tcp_relay(a.c, liar.key);
    CHECK(relay_info(a, number).failures >= 3);
    CHECK(relay_info(a, number).carries == 0);
    for (Sim_Relay *relay : honest) {
        CHECK(relay_info(a, tcp_relay(a.c, relay->key)).failures == 0);
    }
    // A new peer's packets avoid the liar, although it is the fastest relay.
    Sim_Peer &late = world.add_peer();
    const int to_late = befriend(a, late.key, 99);
    const int back = befriend(late, a.key, 0);
    tie(a, to_late, liar);
    tie(late, back, liar);
    tie(a, to_late, *honest[0]);
    tie(late, back, *honest[0]);
    world.advance(3'000);
    (void)send_text(a, to_late, "hello");
    world.advance(500);
    CHECK(late.data.size() == 1);
}

TEST_CASE("liars: an honest peer that says little or nothing causes few moves, and no relay is counted as failed") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    std::size_t answers = 0;
    SECTION("it never says anything") {}
    SECTION("it says something of its own now and then") {
        answers = 40;
    }
    SECTION("it says something often") {
        answers = 300;
    }
    for (std::size_t i = 0; i < 3'000; ++i) { // ten minutes
        CHECK(send_text(f.a, f.a_to_b, "x") == Error::ok);
        if (answers != 0 && sim_below(f.world.net.random, 3'000) < answers) {
            CHECK(send_text(f.b, f.b_to_a, "by the way") == Error::ok);
        }
        f.world.advance(200);
    }
    CHECK(connection_info(f.a, f.a_to_b).moves <= (answers == 0 ? 1 : 3));
    for (const Sim_Relay &relay : f.world.relays) {
        const Relay_Info info = relay_info(f.a, tcp_relay(f.a.c, relay.key));
        CHECK(info.failures == 0);
        CHECK(info.times_stale == 0);
    }
    CHECK(f.b.data.size() >= 2'999);
    CHECK(connection_info(f.b, f.b_to_a).failures == 0);
}

TEST_CASE("liars: a peer that is silent for seconds and then goes on causes at most one counted failure") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    for (int round = 0; round < 10; ++round) {
        f.talk(10'000, 100);
        for (std::uint64_t i = 0; i < 40 + sim_below(f.world.net.random, 100); ++i) { // b says nothing, a goes on
            (void)send_text(f.a, f.a_to_b, "x");
            f.world.advance(100);
        }
    }
    std::uint32_t failures = 0;
    for (const Sim_Relay &relay : f.world.relays) {
        failures += relay_info(f.a, tcp_relay(f.a.c, relay.key)).failures;
    }
    CHECK(failures <= 1); // if b goes on just after a move, it looks as if the old relay had dropped the packets
}

TEST_CASE("choice: the relay with the shortest round trip is chosen, among healthy ones") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    Sim_Peer &b = world.add_peer();
    const int a_to_b = befriend(a, b.key, 1);
    const int b_to_a = befriend(b, a.key, 2);
    for (const std::uint64_t latency : {200U, 20U, 400U}) {
        Sim_Relay &relay = world.add_relay();
        node_of(relay).latency = latency;
        tie(a, a_to_b, relay);
        tie(b, b_to_a, relay);
    }
    world.advance(40'000);
    CHECK(send_text(a, a_to_b, "x") == Error::ok);
    CHECK(connection_info(a, a_to_b).sending == tcp_relay(a.c, world.relays[1].key));
}

TEST_CASE("choice: a stream does not hop between healthy relays") {
    Two_Peers f{ANY_TICKING(), 3};
    INFO(to_string(f.world.ticking));
    for (Sim_Relay &relay : f.world.relays) {
        node_of(relay).latency = 20 + sim_below(f.world.net.random, 40);
        node_of(relay).jitter = 60;
    }
    f.talk(600'000, 200);
    CHECK(connection_info(f.a, f.a_to_b).moves == 0);
    CHECK(connection_info(f.b, f.b_to_a).moves == 0);
    CHECK(count_changes(f.a, Change_Kind::relay_stale) == 0);
}

TEST_CASE("choice: a relay that has become much slower is left for a fast one, once") {
    Two_Peers f{ANY_TICKING(), 2};
    INFO(to_string(f.world.ticking));
    f.talk(35'000, 200);
    Sim_Relay &relay = f.in_use();
    node_of(relay).latency = 400;
    f.talk(180'000, 200);
    CHECK(connection_info(f.a, f.a_to_b).sending != tcp_relay(f.a.c, relay.key));
    CHECK(connection_info(f.a, f.a_to_b).moves == 1);
    CHECK(relay_info(f.a, tcp_relay(f.a.c, relay.key)).failures == 0);
}
