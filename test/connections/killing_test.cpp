// Connections, relays and the whole Tcp_Connections are killed, from outside and from within every callback.
#include "sim/world.h"

using namespace toxtcp;

namespace {

/// Peer a has a connection to another peer, which two scripted relays report as online.
struct Scene {
    World world{ANY_TICKING()};
    Sim_Peer &a = world.add_peer();
    Scripted_Relay &first = world.add_scripted();
    Scripted_Relay &second = world.add_scripted();
    Public_Key key = some_key(world);
    int connection = -1;

    Scene() {
        connection = befriend(a, key, 70);
        tie(a, connection, first);
        tie(a, connection, second);
        REQUIRE(world.until(1'000, [&] { return first.clients.size() == 1 && first.clients[0].routes.size() == 1; }));
        REQUIRE(world.until(1'000, [&] { return second.clients.size() == 1 && second.clients[0].routes.size() == 1; }));
        scripted_send(first, {2, 16});
        scripted_send(second, {2, 16});
        REQUIRE(world.until(1'000, [&] { return tcp_connection_to_online_tcp_relays(a.c, connection) == 2; }));
        CHECK(send_text(a, connection, "so that a relay is in use") == Error::ok);
        world.advance(100);
    }

    /// Sends one packet of every kind, then all of them again: so packets follow after the one whose callback kills.
    void burst(Scripted_Relay &relay) {
        std::string oob = "\7" + std::string(key.begin(), key.end()) + "oob of a friend";
        std::string strange = "\7" + std::string(32, 's') + "oob of a stranger";
        for (int i = 0; i < 2; ++i) {
            scripted_send(relay, bytes_of("\20data"));
            scripted_send(relay, bytes_of(oob));
            scripted_send(relay, bytes_of(strange));
            scripted_send(relay, bytes_of("\11onion"));
            scripted_send(relay, bytes_of("\13forwarding"));
            scripted_send(relay, {4, 1, 2, 3, 4, 5, 6, 7, 8});
            scripted_send(relay, {3, 16});
            scripted_send(relay, {2, 16});
        }
    }

    [[nodiscard]] std::size_t told() const {
        return a.data.size() + a.oob.size() + a.onion.size() + a.forwarding.size();
    }
};

enum class Trigger { data, oob, onion, forwarding, offline, online, moved, down, up };
enum class Victim { connection, its_relay, other_relay, both_relays, everything };

/// Calls `act` in every callback of the kind `trigger`.
void set_hook(Scene &s, Trigger trigger, const std::function<void()> &act) {
    const auto on_packet = [act](const Sim_Packet &) { act(); };
    const auto on_change = [&s, act](Change_Kind kind) {
        s.a.on_change = [act, kind](const Change &change) {
            if (change.kind == kind) {
                act();
            }
        };
    };
    switch (trigger) {
    case Trigger::data:
        s.a.on_data = on_packet;
        break;
    case Trigger::oob:
        s.a.on_oob = on_packet;
        break;
    case Trigger::onion:
        s.a.on_onion = on_packet;
        break;
    case Trigger::forwarding:
        s.a.on_forwarding = on_packet;
        break;
    case Trigger::offline:
        on_change(Change_Kind::route_offline);
        break;
    case Trigger::online:
        on_change(Change_Kind::route_online);
        break;
    case Trigger::moved:
        on_change(Change_Kind::moved);
        break;
    case Trigger::down:
        on_change(Change_Kind::relay_down);
        break;
    case Trigger::up:
        on_change(Change_Kind::relay_up);
        hold(s.a, s.world.add_scripted());
        break;
    }
}

} // namespace

TEST_CASE("killing: killing a connection is told to its relays, and to no other relay") {
    Scene s;
    INFO(to_string(s.world.ticking));
    Scripted_Relay &third = s.world.add_scripted();
    const int other = befriend(s.a, some_key(s.world), 71);
    tie(s.a, other, s.first);
    tie(s.a, other, third);
    s.world.advance(500);
    REQUIRE(s.first.clients[0].routes.size() == 2);
    CHECK(kill_tcp_connection_to(s.a.c, s.connection) == Error::ok);
    s.world.advance(200);
    CHECK(scripted_count(s.first, Packet_Type::disconnect_notification) == 1);
    CHECK(scripted_packet(s.first, Packet_Type::disconnect_notification, 0) == "\3\20");
    CHECK(scripted_count(s.second, Packet_Type::disconnect_notification) == 1);
    CHECK(scripted_count(third, Packet_Type::disconnect_notification) == 0);
    CHECK(relay_info(s.a, tcp_relay(s.a.c, s.first.key)).connections == 1);
    CHECK(relay_info(s.a, tcp_relay(s.a.c, s.first.key)).online == 0);
    CHECK(relay_info(s.a, tcp_relay(s.a.c, s.first.key)).carries == 0);
    Connection_Info info;
    CHECK_FALSE(tcp_connection_info(s.a.c, s.connection, info));
    CHECK(tcp_connection_to(s.a.c, s.key) == static_cast<int>(Error::bad_key));
    // Packets that are still on their way are delivered to nobody.
    s.burst(s.second);
    s.world.advance(200);
    CHECK(s.a.data.empty());
    CHECK(is_up(s.a, s.first));
    CHECK(is_up(s.a, s.second));
}

TEST_CASE("killing: a connection killed before the relay answers its routing request does not stay there") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Peer &a = world.add_peer();
    Scripted_Relay &relay = world.add_scripted();
    hold(a, relay);
    REQUIRE(world.until(1'000, [&] { return is_up(a, relay); }));
    const Public_Key key = some_key(world);
    const int connection = befriend(a, key, 0);
    tie(a, connection, relay);
    CHECK(kill_tcp_connection_to(a.c, connection) == Error::ok);
    world.advance(500);
    CHECK(scripted_count(relay, Packet_Type::routing_request) == 1);
    CHECK(scripted_packet(relay, Packet_Type::disconnect_notification, 0) == "\3\20");
    // The same peer again: it is requested again, and gets another id.
    tie(a, befriend(a, key, 1), relay);
    world.advance(500);
    CHECK(scripted_count(relay, Packet_Type::routing_request) == 2);
    scripted_send(relay, {2, 17});
    scripted_send(relay, bytes_of("\21hello"));
    scripted_send(relay, bytes_of("\20nobody"));
    world.advance(200);
    REQUIRE(a.data.size() == 1);
    CHECK(a.data[0].id == 1);
    CHECK(a.data[0].bytes == "hello");
}

TEST_CASE("killing: when a connection is killed, the peer sees the other end go offline") {
    Two_Peers f{ANY_TICKING()};
    INFO(to_string(f.world.ticking));
    CHECK(kill_tcp_connection_to(f.a.c, f.a_to_b) == Error::ok);
    f.world.advance(200);
    CHECK(tcp_connection_to_online_tcp_relays(f.b.c, f.b_to_a) == 0);
    CHECK(count_changes(f.b, Change_Kind::route_offline) == 3);
}

TEST_CASE("killing: killing a relay leaves no route behind") {
    Two_Peers f{ANY_TICKING(), 2};
    INFO(to_string(f.world.ticking));
    const int used = tcp_relay(f.a.c, f.in_use().key);
    CHECK(kill_tcp_relay_connection(f.a.c, used) == Error::ok);
    CHECK(connection_info(f.a, f.a_to_b).routes_count == 1);
    CHECK(connection_info(f.a, f.a_to_b).sending != used);
    CHECK(tcp_connection_to_online_tcp_relays(f.a.c, f.a_to_b) == 1);
    CHECK(tcp_connections_count(f.a.c) == 2); // free slots included
    CHECK(tcp_relay_at(f.a.c, static_cast<std::uint32_t>(used)) == static_cast<int>(Error::bad_handle));
    CHECK(kill_tcp_relay_connection(f.a.c, used) == Error::bad_handle);
    CHECK(node_of(f.a).open_sockets() == 1);
    f.world.advance(200);
    CHECK(count_changes(f.a, Change_Kind::relay_gone, used) == 1);
    CHECK(last_change(f.a, Change_Kind::relay_gone, used)->change.reason == Reason::killed);
    CHECK(tcp_connection_to_online_tcp_relays(f.b.c, f.b_to_a) == 1);
    f.talk(1'000);
    CHECK(heard_once(f.b.data, "a0"));
    CHECK(count_lines(f.a, Log_Level::warning) == 0);
}

TEST_CASE("killing: callbacks may kill their connection, its relays, or everything") {
    const auto trigger = GENERATE(Trigger::data, Trigger::oob, Trigger::onion, Trigger::forwarding, Trigger::offline,
                                  Trigger::online, Trigger::moved, Trigger::down, Trigger::up);
    const auto victim =
        GENERATE(Victim::connection, Victim::its_relay, Victim::other_relay, Victim::both_relays, Victim::everything);
    Scene s;
    INFO(to_string(s.world.ticking) << ", callback " << static_cast<int>(trigger) << ", victim "
                                    << static_cast<int>(victim));
    const int carrier = connection_info(s.a, s.connection).sending;
    Scripted_Relay &its = tcp_relay(s.a.c, s.first.key) == carrier ? s.first : s.second;
    Scripted_Relay &other = &its == &s.first ? s.second : s.first;
    const int its_number = tcp_relay(s.a.c, its.key);
    const int other_number = tcp_relay(s.a.c, other.key);

    int killed = 0;
    std::size_t told_at_kill = 0;
    const auto kill = [&] {
        if (killed++ != 0) {
            return;
        }
        told_at_kill = s.told();
        switch (victim) {
        case Victim::connection:
            CHECK(kill_tcp_connection_to(s.a.c, s.connection) == Error::ok);
            break;
        case Victim::its_relay:
            CHECK(kill_tcp_relay_connection(s.a.c, its_number) == Error::ok);
            break;
        case Victim::other_relay:
            CHECK(kill_tcp_relay_connection(s.a.c, other_number) == Error::ok);
            break;
        case Victim::both_relays:
            CHECK(kill_tcp_relay_connection(s.a.c, other_number) == Error::ok);
            CHECK(kill_tcp_relay_connection(s.a.c, its_number) == Error::ok);
            break;
        case Victim::everything:
            kill_tcp_connections(s.a.c);
            s.a.c = nullptr;
            break;
        }
    };
    set_hook(s, trigger, kill);
    if (trigger != Trigger::up) {
        s.burst(its);
        if (trigger == Trigger::down) {
            scripted_close(its);
        }
    }
    s.world.advance(300);
    REQUIRE(killed != 0);
    const bool in_packets = trigger <= Trigger::forwarding;
    switch (victim) {
    case Victim::connection: {
        Connection_Info info;
        CHECK_FALSE(tcp_connection_info(s.a.c, s.connection, info));
        CHECK(relay_info(s.a, other_number).connections == 0);
        CHECK(scripted_count(other, Packet_Type::disconnect_notification) == 1);
        const std::size_t before = s.a.data.size();
        s.burst(other);
        s.world.advance(100);
        CHECK(s.a.data.size() == before);
        CHECK(s.a.onion.size() >= 2); // the relay itself goes on
        break;
    }
    case Victim::its_relay:
    case Victim::both_relays:
        CHECK((!in_packets || s.told() == told_at_kill)); // nothing more of the killed relay's burst came
        CHECK(tcp_relay(s.a.c, its.key) < 0);
        CHECK(connection_info(s.a, s.connection).routes_count == (victim == Victim::its_relay ? 1 : 0));
        CHECK(its.clients.back().socket < 0);
        break;
    case Victim::other_relay:
        CHECK(tcp_relay(s.a.c, other.key) < 0);
        CHECK(connection_info(s.a, s.connection).routes_count == 1);
        CHECK(s.told() >= (trigger == Trigger::up ? 0 : 10)); // the whole burst came
        break;
    case Victim::everything:
        CHECK((!in_packets || s.told() == told_at_kill));
        CHECK(node_of(s.a).open_sockets() == 0);
        break;
    }
}

TEST_CASE("killing: callbacks may call any function") {
    Scene s;
    INFO(to_string(s.world.ticking));
    Sim_Relay &fresh = s.world.add_relay();
    const Public_Key another = some_key(s.world);
    bool done = false;
    s.a.on_data = [&](const Sim_Packet &) {
        if (done) {
            return;
        }
        done = true;
        do_tcp_connections(s.a.c, nullptr); // does nothing, since a tick is running
        const int made = new_tcp_connection_to(s.a.c, another, 71);
        CHECK(made >= 0);
        CHECK(add_tcp_relay_connection(s.a.c, made, fresh.address, fresh.key) == Error::ok);
        for (int i = 0; i < 100; ++i) { // so many that the arrays grow during the tick
            const int many = new_tcp_connection_to(s.a.c, some_key(s.world), 100 + i);
            CHECK(add_tcp_number_relay_connection(s.a.c, many, tcp_relay(s.a.c, s.first.key)) == Error::ok);
            CHECK(add_tcp_number_relay_connection(s.a.c, many, tcp_relay(s.a.c, s.second.key)) == Error::ok);
        }
        CHECK(send_text(s.a, s.connection, "answer") == Error::ok);
        CHECK(set_tcp_onion_status(s.a.c, true) == Error::ok);
        CHECK(set_tcp_connection_to_status(s.a.c, s.connection, false) == Error::ok);
        CHECK(set_tcp_connection_to_status(s.a.c, s.connection, true) == Error::ok);
        tcp_connections_network_changed(s.a.c);
        set_callbacks(s.a.c, s.a.def.callbacks);
    };
    s.burst(s.first);
    s.world.advance(3'000);
    CHECK(done);
    CHECK(s.a.data.size() == 4);
    CHECK(is_up(s.a, fresh));
    CHECK(s.first.clients.back().routes.size() >= 101);
    CHECK(scripted_count(s.first, Packet_Type::data) + scripted_count(s.second, Packet_Type::data) == 2);
}

TEST_CASE("killing: every callback may add relays and connections until the arrays have moved in memory") {
    const auto trigger = GENERATE(Trigger::data, Trigger::oob, Trigger::onion, Trigger::forwarding, Trigger::offline,
                                  Trigger::online, Trigger::moved, Trigger::down, Trigger::up);
    Scene s;
    INFO(to_string(s.world.ticking) << ", callback " << static_cast<int>(trigger));
    Sim_Relay &dead = s.world.add_relay();
    sim_relay_kill(dead);
    int added = 0;
    const auto add_many = [&] {
        if (added != 0) {
            return;
        }
        for (; added < 300; ++added) { // more than twice what the arrays have room for
            const int many = new_tcp_connection_to(s.a.c, some_key(s.world), 100 + added);
            CHECK(add_tcp_relay_connection(s.a.c, many, dead.address, some_key(s.world)) == Error::ok);
            CHECK(add_tcp_number_relay_connection(s.a.c, many, tcp_relay(s.a.c, s.first.key)) == Error::ok);
        }
    };
    set_hook(s, trigger, add_many);
    s.burst(s.first);
    s.burst(s.second);
    if (trigger == Trigger::down) {
        scripted_close(s.second);
    }
    s.world.advance(1'000);
    CHECK(added == 300);
    CHECK(s.told() == 20); // both whole bursts came
    CHECK(s.first.clients.back().routes.size() >= 240);
}

TEST_CASE("killing: connections that are ended and made again over a slow relay get their own peer's packets") {
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Relay &relay = world.add_relay();
    Sim_Peer &a = world.add_peer();
    Sim_Peer &x = world.add_peer();
    Sim_Peer &y = world.add_peer();
    hold(a, relay);
    const int from_x = befriend(x, a.key, 1);
    const int from_y = befriend(y, a.key, 1);
    tie(x, from_x, relay);
    tie(y, from_y, relay);
    REQUIRE(world.until(2'000, [&] { return is_up(a, relay) && is_up(x, relay) && is_up(y, relay); }));
    world.net.nodes[relay.node]->latency = 500;
    const auto begin = [&](const Sim_Peer &peer, int id) {
        const int connection = befriend(a, peer.key, id);
        tie(a, connection, relay);
        return connection;
    };
    const auto end = [&](int connection) { CHECK(kill_tcp_connection_to(a.c, connection) == Error::ok); };
    // The relay answers a repeated request twice, and its second answer is no longer true when it comes.
    const int first = begin(x, 1);
    world.advance(300);
    end(first);
    const int second = begin(x, 1);
    world.advance(850);
    end(second);
    begin(y, 2);
    world.advance(1'100);
    begin(x, 3);
    world.advance(4'000);
    CHECK(send_text(x, from_x, "x's") == Error::ok);
    CHECK(send_text(y, from_y, "y's") == Error::ok);
    world.advance(4'000);
    REQUIRE(heard_once(a.data, "x's"));
    REQUIRE(heard_once(a.data, "y's"));
    for (const Sim_Packet &packet : a.data) {
        CHECK(packet.id == (packet.bytes == "x's" ? 3 : 2));
    }
}

TEST_CASE("killing: callbacks may be missing, and may be changed") {
    Scene s;
    INFO(to_string(s.world.ticking));
    set_callbacks(s.a.c, {});
    s.burst(s.first);
    s.world.advance(200);
    CHECK(s.told() == 0);
    set_callbacks(s.a.c, s.a.def.callbacks);
    s.burst(s.first);
    s.world.advance(200);
    CHECK(s.told() == 10);
}

TEST_CASE("killing: kill_tcp_connections closes every socket, and accepts null") {
    Two_Peers f{ANY_TICKING()};
    CHECK(node_of(f.a).open_sockets() == 3);
    kill_tcp_connections(f.a.c);
    f.a.c = nullptr;
    CHECK(node_of(f.a).open_sockets() == 0);
    kill_tcp_connections(nullptr);
    f.world.advance(200);
    CHECK(tcp_connection_to_online_tcp_relays(f.b.c, f.b_to_a) == 0);
}
