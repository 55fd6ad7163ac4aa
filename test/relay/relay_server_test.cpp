// Tests that the relay server of tools/ follows the protocol, as a client sees it.
#include "tools/relay/server.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "catch.h"

using namespace toxtcp;

namespace {

using Plain = std::vector<std::uint8_t>;

/// Bytes that look random and are the same in every run.
void fill_from_counter(void *object, Mutable_Bytes bytes) {
    auto &state = *static_cast<std::uint64_t *>(object);
    for (std::uint8_t &byte : bytes) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        byte = static_cast<std::uint8_t>(state >> 56);
    }
}

struct World {
    std::uint64_t seed = 1;
    Random random{&seed, fill_from_counter};
    Relay_Server server;
    std::uint64_t now = 1'000;
};

struct Client {
    World *world = nullptr;
    Public_Key key{};
    Secret_Key secret;
    Handshake handshake;
    std::array<std::uint8_t, HANDSHAKE_REQUEST_SIZE> request{};
    Channel channel;
    int handle = -1;
};

void start(World &world, std::size_t max_clients = RELAY_SERVER_MAX_CLIENTS) {
    Relay_Server_Def def;
    world.random.fill(world.random.object, def.secret_key.bytes);
    def.random = world.random;
    def.max_clients = max_clients;
    relay_server_start(world.server, def);
}

bool receive(Client &client, Bytes bytes) {
    return relay_server_receive(client.world->server, client.handle, bytes, client.world->now);
}

Client stranger(World &world) {
    Client client;
    client.world = &world;
    world.random.fill(world.random.object, client.secret.bytes);
    client.key = public_key_of(client.secret);
    return client;
}

/// A new connection of the same client, up to the end of the handshake.
void shake_hands(Client &client) {
    World &world = *client.world;
    client.handle = relay_server_accept(world.server, world.now);
    REQUIRE(client.handle >= 0);
    REQUIRE(start_handshake(client.handshake, world.random, client.key, client.secret, world.server.public_key,
                            client.request));
    REQUIRE(receive(client, client.request));
    const Bytes answer = relay_server_pending(world.server, client.handle);
    REQUIRE(answer.size() == HANDSHAKE_RESPONSE_SIZE);
    REQUIRE(finish_handshake(client.handshake, answer.first<HANDSHAKE_RESPONSE_SIZE>(), client.channel));
    relay_server_sent(world.server, client.handle, answer.size());
}

std::vector<std::uint8_t> seal(Client &client, Bytes plain) {
    std::vector<std::uint8_t> frame(FRAME_OVERHEAD + plain.size());
    std::copy(plain.begin(), plain.end(), frame.begin() + FRAME_OVERHEAD);
    seal_frame(client.channel, frame);
    return frame;
}

/// Sends a packet. Whether the relay keeps the client after it.
bool send_plain(Client &client, Bytes plain) {
    return receive(client, seal(client, plain));
}

Plain plain_of(std::uint8_t type, Bytes body = {}, std::size_t more = 0) {
    Plain plain{type};
    plain.insert(plain.end(), body.begin(), body.end());
    plain.resize(plain.size() + more, 0xDA);
    return plain;
}

Plain ping_of(std::uint8_t type, std::uint8_t id) {
    return {type, 0, 0, 0, 0, 0, 0, 0, id};
}

/// The packets that the relay has sent since the last call, decrypted.
std::vector<Plain> drain(Client &client) {
    const Bytes pending = relay_server_pending(client.world->server, client.handle);
    std::vector<std::uint8_t> bytes{pending.begin(), pending.end()};
    relay_server_sent(client.world->server, client.handle, bytes.size());
    std::vector<Plain> packets;
    for (Mutable_Bytes rest{bytes}; !rest.empty();) {
        REQUIRE(rest.size() > FRAME_HEADER_SIZE);
        const std::size_t length = frame_length(rest.data());
        REQUIRE(rest.size() >= FRAME_HEADER_SIZE + length);
        const Mutable_Bytes plain = open_sealed(client.channel, rest.subspan(FRAME_HEADER_SIZE, length));
        REQUIRE(!plain.empty());
        packets.emplace_back(plain.begin(), plain.end());
        rest = rest.subspan(FRAME_HEADER_SIZE + length);
    }
    return packets;
}

/// A confirmed client: its handshake is done, and its first packet has come.
Client join(World &world) {
    Client client = stranger(world);
    shake_hands(client);
    REQUIRE(send_plain(client, ping_of(4, 1)));
    REQUIRE(drain(client) == std::vector<Plain>{ping_of(5, 1)});
    return client;
}

/// Requests a route to a peer. Returns the routing id of the relay's answer.
std::uint8_t ask_for(Client &client, const Public_Key &peer) {
    REQUIRE(send_plain(client, plain_of(0, peer)));
    const std::vector<Plain> answers = drain(client);
    REQUIRE(!answers.empty());
    REQUIRE(answers[0].size() == 34);
    CHECK(answers[0][0] == 1);
    CHECK(std::equal(peer.begin(), peer.end(), answers[0].begin() + 2));
    return answers[0][1];
}

/// Two clients that have requested each other, both with routing id 16.
std::array<Client, 2> join_pair(World &world) {
    std::array<Client, 2> pair{join(world), join(world)};
    CHECK(ask_for(pair[0], pair[1].key) == 16);
    CHECK(ask_for(pair[1], pair[0].key) == 16);
    CHECK(drain(pair[0]) == std::vector<Plain>{{2, 16}});
    return pair;
}

Public_Key some_key(std::uint8_t number) {
    Public_Key key{};
    key.fill(number);
    return key;
}

Reason reason_of(const Client &client) {
    return client.world->server.clients[static_cast<std::size_t>(client.handle)].reason;
}

} // namespace

// ---- handshake and confirmation --------------------------------------------------------------------------------

TEST_CASE("the relay answers a handshake that comes byte by byte") {
    World world;
    start(world);
    Client client = stranger(world);
    client.handle = relay_server_accept(world.server, world.now);
    REQUIRE(start_handshake(client.handshake, world.random, client.key, client.secret, world.server.public_key,
                            client.request));
    for (const std::uint8_t &byte : client.request) {
        CHECK(relay_server_pending(world.server, client.handle).empty());
        REQUIRE(receive(client, {&byte, 1}));
    }
    CHECK(relay_server_pending(world.server, client.handle).size() == HANDSHAKE_RESPONSE_SIZE);
}

TEST_CASE("the relay opens packets that come byte by byte") {
    World world;
    start(world);
    Client client = join(world);
    const Plain ping = ping_of(4, 7);
    for (const std::uint8_t byte : seal(client, ping)) {
        REQUIRE(receive(client, {&byte, 1}));
    }
    CHECK(drain(client) == std::vector<Plain>{ping_of(5, 7)});
}

TEST_CASE("the relay opens several packets that come in one piece") {
    World world;
    start(world);
    Client client = join(world);
    std::vector<std::uint8_t> both = seal(client, ping_of(4, 7));
    const std::vector<std::uint8_t> second = seal(client, ping_of(4, 8));
    both.insert(both.end(), second.begin(), second.end());
    REQUIRE(receive(client, both));
    CHECK(drain(client) == std::vector<Plain>{ping_of(5, 7), ping_of(5, 8)});
}

TEST_CASE("the relay drops a handshake that does not open") {
    World world;
    start(world);
    Client client = stranger(world);
    client.handle = relay_server_accept(world.server, world.now);
    REQUIRE(start_handshake(client.handshake, world.random, client.key, client.secret, world.server.public_key,
                            client.request));
    client.request.back() ^= 1;
    CHECK_FALSE(receive(client, client.request));
    CHECK(relay_server_dropped(world.server, client.handle));
    CHECK(reason_of(client) == Reason::handshake_failed);
    CHECK(relay_server_pending(world.server, client.handle).empty());
}

TEST_CASE("a client is confirmed by its first packet, not by its handshake") {
    World world;
    start(world);
    Client client = stranger(world);
    shake_hands(client);
    CHECK(relay_server_find(world.server, client.key) == -1);
    REQUIRE(send_plain(client, ping_of(4, 1)));
    CHECK(relay_server_find(world.server, client.key) == client.handle);
    CHECK(relay_server_clients(world.server) == 1);
}

TEST_CASE("a replayed handshake does not end the client's connection") {
    World world;
    start(world);
    Client client = join(world);
    Client thief = client;
    thief.handle = relay_server_accept(world.server, world.now);
    REQUIRE(receive(thief, client.request));
    CHECK_FALSE(receive(thief, seal(thief, ping_of(4, 1))));
    CHECK(relay_server_find(world.server, client.key) == client.handle);
    CHECK(send_plain(client, ping_of(4, 1)));
}

TEST_CASE("a client that connects again replaces its old connection") {
    World world;
    start(world);
    auto [a, b] = join_pair(world);
    drain(b);
    Client old = a;
    shake_hands(a);
    REQUIRE(send_plain(a, ping_of(4, 1)));
    CHECK(relay_server_dropped(world.server, old.handle));
    CHECK(relay_server_find(world.server, a.key) == a.handle);
    CHECK(drain(b) == std::vector<Plain>{{3, 16}});

    drain(a);
    CHECK(ask_for(a, b.key) == 16);
    CHECK(drain(b) == std::vector<Plain>{{2, 16}});
}

TEST_CASE("a late packet of a client's old connection does not end its new connection") {
    World world;
    start(world);
    Client old = stranger(world);
    shake_hands(old);
    Client client = old;
    ++world.now;
    shake_hands(client);
    REQUIRE(send_plain(client, ping_of(4, 1)));
    CHECK_FALSE(send_plain(old, ping_of(4, 1)));
    CHECK(relay_server_dropped(world.server, old.handle));
    CHECK(relay_server_find(world.server, client.key) == client.handle);
    CHECK(drain(client) == std::vector<Plain>{ping_of(5, 1)});
}

// ---- routing ---------------------------------------------------------------------------------------------------

TEST_CASE("routing ids count up from 16, and the same key gets the same id again") {
    World world;
    start(world);
    Client client = join(world);
    CHECK(ask_for(client, some_key(1)) == 16);
    CHECK(ask_for(client, some_key(2)) == 17);
    CHECK(ask_for(client, some_key(1)) == 16);
}

TEST_CASE("a request for the client's own key is refused with id 0") {
    World world;
    start(world);
    Client client = join(world);
    CHECK(ask_for(client, client.key) == 0);
}

TEST_CASE("the 241st request is refused with id 0, and a route that a client leaves makes room") {
    World world;
    start(world);
    Client client = join(world);
    for (int i = 0; i < 240; ++i) {
        CHECK(ask_for(client, some_key(static_cast<std::uint8_t>(i))) == 16 + i);
    }
    CHECK(ask_for(client, some_key(250)) == 0);
    REQUIRE(send_plain(client, plain_of(3, Plain{100})));
    CHECK(ask_for(client, some_key(250)) == 100);
    CHECK(ask_for(client, some_key(251)) == 0);
}

TEST_CASE("two clients are told that they are online when both have requested each other, and not before") {
    World world;
    start(world);
    Client a = join(world);
    Client b = join(world);
    REQUIRE(send_plain(a, plain_of(0, some_key(9))));
    REQUIRE(send_plain(a, plain_of(0, b.key)));
    CHECK(drain(a).size() == 2);
    CHECK(drain(b).empty());

    REQUIRE(send_plain(b, plain_of(0, a.key)));
    const std::vector<Plain> told = drain(b);
    REQUIRE(told.size() == 2);
    CHECK(told[1] == Plain{2, 16});
    CHECK(drain(a) == std::vector<Plain>{{2, 17}});
}

TEST_CASE("a peer is told when a client disconnects, and its route is online again when the client returns") {
    World world;
    start(world);
    auto [a, b] = join_pair(world);
    drain(b);
    relay_server_close(world.server, a.handle);
    CHECK(drain(b) == std::vector<Plain>{{3, 16}});
    REQUIRE(send_plain(b, plain_of(16, {}, 10)));

    shake_hands(a);
    CHECK(ask_for(a, b.key) == 16);
    CHECK(drain(b) == std::vector<Plain>{{2, 16}});
}

TEST_CASE("a peer is told when a client leaves the route to it, and the client is not told") {
    World world;
    start(world);
    auto [a, b] = join_pair(world);
    drain(b);
    REQUIRE(send_plain(a, plain_of(3, Plain{16})));
    CHECK(drain(a).empty());
    CHECK(drain(b) == std::vector<Plain>{{3, 16}});

    REQUIRE(send_plain(b, plain_of(16, {}, 10)));
    CHECK(drain(a).empty());
}

// ---- packets ---------------------------------------------------------------------------------------------------

TEST_CASE("data reaches the peer with the peer's own routing id") {
    World world;
    start(world);
    Client a = join(world);
    Client b = join(world);
    CHECK(ask_for(a, some_key(9)) == 16);
    CHECK(ask_for(a, b.key) == 17);
    CHECK(ask_for(b, a.key) == 16);
    drain(a);
    drain(b);
    REQUIRE(send_plain(a, plain_of(17, {}, MAX_DATA_SIZE)));
    CHECK(drain(b) == std::vector<Plain>{plain_of(16, {}, MAX_DATA_SIZE)});
    REQUIRE(send_plain(b, plain_of(16, {}, 1)));
    CHECK(drain(a) == std::vector<Plain>{plain_of(17, {}, 1)});
}

TEST_CASE("data for a route that is not online is dropped, and is no error") {
    World world;
    start(world);
    Client a = join(world);
    Client b = join(world);
    CHECK(ask_for(a, b.key) == 16);
    CHECK(send_plain(a, plain_of(16, {}, 10)));
    CHECK(send_plain(a, plain_of(99, {}, 10)));
    CHECK(drain(a).empty());
    CHECK(drain(b).empty());
}

TEST_CASE("OOB packets reach any client that is connected, with the sender's key") {
    World world;
    start(world);
    Client a = join(world);
    Client b = join(world);
    REQUIRE(send_plain(a, plain_of(6, b.key, MAX_OOB_DATA_SIZE)));
    CHECK(drain(b) == std::vector<Plain>{plain_of(7, a.key, MAX_OOB_DATA_SIZE)});
    REQUIRE(send_plain(a, plain_of(6, some_key(9), 10)));
    CHECK(drain(a).empty());
}

TEST_CASE("onion and forward requests are ignored") {
    World world;
    start(world);
    Client client = join(world);
    CHECK(send_plain(client, plain_of(8, {}, 200)));
    CHECK(send_plain(client, plain_of(10, Plain{2, 127, 0, 0, 1, 0, 80}, 20)));
    CHECK(drain(client).empty());
    CHECK(send_plain(client, ping_of(4, 3)));
    CHECK(drain(client) == std::vector<Plain>{ping_of(5, 3)});
}

TEST_CASE("a malformed packet has its sender dropped, and nobody else, with the reason") {
    World world;
    start(world);
    auto [a, b] = join_pair(world);
    drain(b);
    Reason expected = Reason::none;
    SECTION("a frame of length 0") {
        CHECK_FALSE(receive(a, Plain{0, 0}));
        expected = Reason::bad_frame_length;
    }
    SECTION("a frame that cannot hold a packet") {
        CHECK_FALSE(receive(a, Plain{0, 16}));
        expected = Reason::bad_frame_length;
    }
    SECTION("a frame above the limit") {
        CHECK_FALSE(receive(a, Plain{8, 1}));
        expected = Reason::bad_frame_length;
    }
    SECTION("a packet that does not open") {
        std::vector<std::uint8_t> frame = seal(a, ping_of(4, 1));
        frame.back() ^= 1;
        CHECK_FALSE(receive(a, frame));
        expected = Reason::bad_seal;
    }
    SECTION("a packet sent twice") {
        const std::vector<std::uint8_t> frame = seal(a, ping_of(4, 1));
        CHECK(receive(a, frame));
        CHECK_FALSE(receive(a, frame));
        expected = Reason::bad_seal;
    }
    SECTION("a reserved type") {
        CHECK_FALSE(send_plain(a, plain_of(12, {}, 10)));
        expected = Reason::bad_packet_type;
    }
    SECTION("a packet of one byte") {
        CHECK_FALSE(send_plain(a, plain_of(16)));
        expected = Reason::bad_packet_length;
    }
    SECTION("a pong of id 0") {
        CHECK_FALSE(send_plain(a, ping_of(5, 0)));
        expected = Reason::bad_ping_id;
    }
    CHECK(reason_of(a) == expected);
    CHECK(relay_server_dropped(world.server, a.handle));
    CHECK_FALSE(receive(a, Plain{0}));
    CHECK(drain(b) == std::vector<Plain>{{3, 16}});
    CHECK(send_plain(b, ping_of(4, 2)));
}

TEST_CASE("a ping of id 0 is ignored") {
    World world;
    start(world);
    auto [a, b] = join_pair(world);
    drain(a);
    CHECK(send_plain(a, ping_of(4, 0)));
    CHECK(drain(a).empty());
    CHECK_FALSE(relay_server_dropped(world.server, a.handle));
}

// ---- queues ----------------------------------------------------------------------------------------------------

TEST_CASE("data for a client that does not read is dropped, and its queue is bounded") {
    World world;
    start(world);
    auto [a, b] = join_pair(world);
    drain(b);
    for (int i = 0; i < 200; ++i) {
        REQUIRE(send_plain(a, plain_of(16, {}, MAX_DATA_SIZE)));
        REQUIRE(send_plain(a, plain_of(6, b.key, MAX_OOB_DATA_SIZE)));
    }
    const std::size_t queued = relay_server_pending(world.server, b.handle).size();
    CHECK(queued > RELAY_SERVER_DATA_QUEUE);
    CHECK(queued <= RELAY_SERVER_DATA_QUEUE + MAX_FRAME_SIZE);

    // A control packet is queued behind the data. Dropped packets have used no nonce, so later packets still open.
    REQUIRE(send_plain(b, ping_of(4, 9)));
    const std::vector<Plain> packets = drain(b);
    CHECK(packets.back() == ping_of(5, 9));
    REQUIRE(send_plain(a, plain_of(16, {}, 5)));
    CHECK(drain(b) == std::vector<Plain>{plain_of(16, {}, 5)});
}

TEST_CASE("a client that sends pings and never reads the pongs is dropped") {
    World world;
    start(world);
    Client client = join(world);
    const std::size_t pongs = RELAY_SERVER_QUEUE / (FRAME_OVERHEAD + 9) + 2;
    std::size_t sent = 0;
    while (sent < 2 * pongs && send_plain(client, ping_of(4, 1))) {
        ++sent;
        REQUIRE(relay_server_pending(world.server, client.handle).size() <= RELAY_SERVER_QUEUE + MAX_FRAME_SIZE);
    }
    CHECK(sent <= pongs);
    CHECK(relay_server_dropped(world.server, client.handle));
    CHECK(relay_server_pending(world.server, client.handle).empty());
}

TEST_CASE("a queue that is sent in small pieces loses no packet") {
    World world;
    start(world);
    auto [a, b] = join_pair(world);
    drain(b);
    std::vector<std::uint8_t> got;
    const auto take_some = [&, &receiver = b](std::size_t most) {
        const Bytes pending = relay_server_pending(world.server, receiver.handle);
        const std::size_t count = std::min(most, pending.size());
        got.insert(got.end(), pending.begin(), pending.begin() + static_cast<std::ptrdiff_t>(count));
        relay_server_sent(world.server, receiver.handle, count);
        return count;
    };
    for (int i = 0; i < 100; ++i) {
        REQUIRE(send_plain(a, plain_of(16, {}, 500)));
        take_some(333);
    }
    while (take_some(333) != 0) {
    }
    REQUIRE(relay_server_inject_raw(world.server, b.handle, got));
    CHECK(drain(b) == std::vector<Plain>(100, plain_of(16, {}, 500)));
}

TEST_CASE("relay_server_changed names each client that has bytes to be sent or is dropped") {
    World world;
    start(world);
    auto [a, b] = join_pair(world);
    while (relay_server_changed(world.server) >= 0) {
    }
    REQUIRE(send_plain(a, plain_of(16, {}, 5)));
    CHECK(relay_server_changed(world.server) == b.handle);
    CHECK(relay_server_changed(world.server) == -1);

    relay_server_drop(world.server, a.handle, Reason::killed);
    std::vector<int> told{relay_server_changed(world.server), relay_server_changed(world.server)};
    std::sort(told.begin(), told.end());
    CHECK(told == std::vector<int>{a.handle, b.handle});
    CHECK(relay_server_changed(world.server) == -1);
    CHECK(relay_server_dropped(world.server, a.handle));
    CHECK_FALSE(relay_server_dropped(world.server, b.handle));

    // A closed handle is not named: it may belong to another client by then.
    REQUIRE(send_plain(b, ping_of(4, 1)));
    relay_server_close(world.server, b.handle);
    CHECK(relay_server_changed(world.server) == -1);
}

// ---- time ------------------------------------------------------------------------------------------------------

TEST_CASE("a client that does not shake hands within 10 s is dropped") {
    World world;
    start(world);
    Client client = stranger(world);
    client.handle = relay_server_accept(world.server, world.now);
    CHECK(relay_server_deadline(world.server) == world.now + 10'000);
    relay_server_tick(world.server, world.now + 9'999);
    CHECK_FALSE(relay_server_dropped(world.server, client.handle));
    relay_server_tick(world.server, world.now + 10'000);
    CHECK(relay_server_dropped(world.server, client.handle));
    CHECK(reason_of(client) == Reason::connect_timeout);
}

TEST_CASE("a client is pinged every 30 s, and has 10 s to answer") {
    World world;
    start(world);
    Client client = join(world);
    for (int i = 0; i < 3; ++i) {
        relay_server_tick(world.server, world.now + 29'999);
        CHECK(drain(client).empty());
        world.now += 30'000;
        CHECK(relay_server_deadline(world.server) <= world.now);
        relay_server_tick(world.server, world.now);
        const std::vector<Plain> pings = drain(client);
        REQUIRE(pings.size() == 1);
        REQUIRE(pings[0].size() == 9);
        CHECK(pings[0][0] == 4);
        CHECK(relay_server_deadline(world.server) == world.now + 10'000);

        REQUIRE(send_plain(client, ping_of(5, 77))); // a pong with a wrong id
        if (i < 2) {
            Plain pong = pings[0];
            pong[0] = 5;
            REQUIRE(send_plain(client, pong));
        }
        relay_server_tick(world.server, world.now + 9'999);
        CHECK_FALSE(relay_server_dropped(world.server, client.handle));
    }
    relay_server_tick(world.server, world.now + 10'000);
    CHECK(relay_server_dropped(world.server, client.handle));
    CHECK(reason_of(client) == Reason::ping_timeout);
}

TEST_CASE("a relay without clients has no deadline") {
    World world;
    start(world);
    CHECK(relay_server_deadline(world.server) == UINT64_MAX);
    relay_server_close(world.server, relay_server_accept(world.server, world.now));
    relay_server_tick(world.server, world.now + 60'000);
    CHECK(relay_server_deadline(world.server) == UINT64_MAX);
}

// ---- handles ---------------------------------------------------------------------------------------------------

TEST_CASE("no more clients than the limit are accepted, and a client that goes makes room") {
    World world;
    start(world, 2);
    Client a = join(world);
    Client b = join(world);
    CHECK(relay_server_accept(world.server, world.now) == -1);
    relay_server_close(world.server, a.handle);
    CHECK(relay_server_accept(world.server, world.now) == a.handle);
    CHECK(send_plain(b, ping_of(4, 1)));
}

TEST_CASE("a handle that no client has does no harm") {
    World world;
    start(world);
    for (const int handle : {-1, 0, 5}) {
        CHECK_FALSE(relay_server_receive(world.server, handle, Plain{1, 2, 3}, world.now));
        CHECK(relay_server_pending(world.server, handle).empty());
        relay_server_sent(world.server, handle, 10);
        relay_server_close(world.server, handle);
        relay_server_drop(world.server, handle, Reason::killed);
        CHECK_FALSE(relay_server_dropped(world.server, handle));
        CHECK_FALSE(relay_server_inject(world.server, handle, Plain{1, 2, 3}));
        CHECK_FALSE(relay_server_inject_raw(world.server, handle, Plain{1, 2, 3}));
    }
}

// ---- misbehaving on request ------------------------------------------------------------------------------------

TEST_CASE("faults decide which packets have an effect, and which are sent") {
    World world;
    start(world);
    auto [a, b] = join_pair(world);
    drain(b);
    SECTION("a handshake is not answered") {
        world.server.faults.handshake = [](int) { return false; };
        Client late = stranger(world);
        late.handle = relay_server_accept(world.server, world.now);
        REQUIRE(start_handshake(late.handshake, world.random, late.key, late.secret, world.server.public_key,
                                late.request));
        CHECK(receive(late, late.request));
        CHECK(relay_server_pending(world.server, late.handle).empty());
    }
    SECTION("data of one client goes nowhere") {
        world.server.faults.receive = [&deaf_to = a.key](int, const Public_Key &key, const Packet &packet) {
            return key != deaf_to || packet.type != Packet_Type::data;
        };
        CHECK(send_plain(a, plain_of(16, {}, 5)));
        CHECK(drain(b).empty());
        CHECK(send_plain(b, plain_of(16, {}, 5)));
        CHECK(drain(a).size() == 1);
    }
    SECTION("pongs are not sent, and the channel keeps its order") {
        world.server.faults.send = [](int, const Public_Key &, const Packet &packet) {
            return packet.type != Packet_Type::pong;
        };
        CHECK(send_plain(a, ping_of(4, 1)));
        CHECK(drain(a).empty());
        CHECK(send_plain(b, plain_of(16, {}, 5)));
        CHECK(drain(a) == std::vector<Plain>{plain_of(16, {}, 5)});
    }
}

TEST_CASE("any plain bytes and any raw bytes can be injected") {
    World world;
    start(world);
    Client client = join(world);
    REQUIRE(relay_server_inject(world.server, client.handle, Plain{13}));
    REQUIRE(relay_server_inject(world.server, client.handle, Plain(MAX_PLAIN_SIZE, 1)));
    CHECK(drain(client) == std::vector<Plain>{{13}, Plain(MAX_PLAIN_SIZE, 1)});
    CHECK_FALSE(relay_server_inject(world.server, client.handle, Plain(MAX_PLAIN_SIZE + 1, 1)));
    CHECK_FALSE(relay_server_inject(world.server, client.handle, {}));

    const Plain raw{0, 0, 1, 2, 3};
    REQUIRE(relay_server_inject_raw(world.server, client.handle, raw));
    const Bytes pending = relay_server_pending(world.server, client.handle);
    CHECK(Plain{pending.begin(), pending.end()} == raw);
}

TEST_CASE("the same input and the same random bytes make the same output") {
    std::array<std::vector<std::uint8_t>, 2> outputs;
    for (std::vector<std::uint8_t> &output : outputs) {
        World world;
        start(world);
        auto [a, b] = join_pair(world);
        REQUIRE(send_plain(a, plain_of(16, {}, 50)));
        relay_server_tick(world.server, world.now + 30'000);
        const Bytes pending = relay_server_pending(world.server, b.handle);
        output.assign(pending.begin(), pending.end());
    }
    CHECK_FALSE(outputs[0].empty());
    CHECK(outputs[0] == outputs[1]);
}
