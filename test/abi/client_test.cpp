// TCP_client.h through the archive. [original] means the same as in connections_test.cpp.
#include "abi_world.h"

using namespace toxtcp;

namespace {

/// A host with one TCP_Client_Connection, and a record of what its handlers were told.
struct Client {
    struct Told {
        std::uint32_t number;
        int con_id;
        int status; ///< of the peer; 0 for data
        std::string bytes;
    };

    Abi_Peer &host;
    TCP_Client_Connection *con;
    std::vector<std::pair<int, Public_Key>> routes;
    std::vector<Told> statuses;
    std::vector<Told> data;
    std::vector<std::pair<Public_Key, std::string>> oob;
    std::vector<std::string> onion;
    std::vector<std::string> forwarding;
    bool kill_on_data = false;

    Client(Abi_World &world, const Ip_Port &address, const Public_Key &relay, const TCP_Proxy_Info *proxy = nullptr)
        : host{world.add_host()}, con{abi_new_client(host, abi_address(address), relay, proxy)} {
        REQUIRE(con != nullptr);
        listen();
    }
    Client(const Client &) = delete;
    Client &operator=(const Client &) = delete;
    ~Client() { abi_kill_client(con); }

    [[nodiscard]] TCP_Client_Status status() const { return ::tcp_con_status(con); }

    void listen();
};

std::string text(const std::uint8_t *bytes, std::uint16_t length) {
    return {reinterpret_cast<const char *>(bytes), length};
}

Public_Key key_at(const std::uint8_t *bytes) {
    Public_Key key;
    std::copy_n(bytes, KEY_SIZE, key.begin());
    return key;
}

Client &client_of(void *object) {
    return *static_cast<Client *>(object);
}

void Client::listen() {
    ::routing_response_handler(
        con,
        [](void *object, std::uint8_t con_id, const std::uint8_t *key) {
            client_of(object).routes.emplace_back(con_id, key_at(key));
            return 0;
        },
        this);
    ::routing_status_handler(
        con,
        [](void *object, std::uint32_t number, std::uint8_t con_id, std::uint8_t status) {
            client_of(object).statuses.push_back({number, con_id, status, {}});
            return 0;
        },
        this);
    ::routing_data_handler(
        con,
        [](void *object, std::uint32_t number, std::uint8_t con_id, const std::uint8_t *bytes, std::uint16_t length,
           void *userdata) {
            Client &self = client_of(object);
            CHECK(userdata == &self.host);
            self.data.push_back({number, con_id, 0, text(bytes, length)});
            if (self.kill_on_data) {
                abi_kill_client(self.con);
                self.con = nullptr;
            }
            return 0;
        },
        this);
    ::oob_data_handler(
        con,
        [](void *object, const std::uint8_t *key, const std::uint8_t *bytes, std::uint16_t length, void *userdata) {
            CHECK(userdata == &client_of(object).host);
            client_of(object).oob.emplace_back(key_at(key), text(bytes, length));
            return 0;
        },
        this);
    ::onion_response_handler(
        con,
        [](void *object, const std::uint8_t *bytes, std::uint16_t length, void *userdata) {
            CHECK(userdata == &client_of(object).host);
            client_of(object).onion.push_back(text(bytes, length));
            return 0;
        },
        this);
    ::forwarding_handler(
        con,
        [](void *object, const std::uint8_t *bytes, std::uint16_t length, void *userdata) {
            CHECK(userdata == &client_of(object).host);
            client_of(object).forwarding.push_back(text(bytes, length));
        },
        this);
}

template <class Done>
bool run(Abi_World &world, std::initializer_list<Client *> clients, std::uint64_t ms, Done done) {
    for (std::uint64_t passed = 0; passed <= ms; passed += ABI_TICK_MS) {
        for (Client *const client : clients) {
            if (client->con != nullptr) {
                abi_do_client(client->host, client->con);
            }
        }
        if (done()) {
            return true;
        }
        sim_advance(world.net, ABI_TICK_MS);
    }
    return false;
}

void pass(Abi_World &world, std::initializer_list<Client *> clients, std::uint64_t ms) {
    run(world, clients, ms, [] { return false; });
}

/// Two clients of one relay, each of which has requested a route to the other.
struct Routed {
    Abi_World world;
    Sim_Relay &relay = world.add_relay();
    Client a{world, relay.address, relay.key};
    Client b{world, relay.address, relay.key};

    Routed() {
        REQUIRE(run(world, {&a, &b}, 2'000,
                    [&] { return a.status() == TCP_CLIENT_CONFIRMED && b.status() == TCP_CLIENT_CONFIRMED; }));
        CHECK(::send_routing_request(&a.host.logger, a.con, b.host.key.data()) == 1);
        REQUIRE(run(world, {&a, &b}, 2'000, [&] { return !a.routes.empty(); }));
        CHECK(::set_tcp_connection_number(a.con, 0, 77) == 0);
        CHECK(::send_routing_request(&b.host.logger, b.con, a.host.key.data()) == 1);
        REQUIRE(run(world, {&a, &b}, 2'000, [&] { return !a.statuses.empty() && !b.statuses.empty(); }));
    }
};

int send(Client &client, std::uint8_t con_id, const std::string &bytes) {
    return ::send_data(&client.host.logger, client.con, con_id, bytes_of(bytes), size_of(bytes));
}

} // namespace

TEST_CASE("a client goes from connecting to confirmed", "[original]") {
    Abi_World world;
    Sim_Relay &relay = world.add_relay();
    Client a{world, relay.address, relay.key};
    CHECK(a.status() == TCP_CLIENT_CONNECTING);
    bool unconfirmed = false;
    CHECK(run(world, {&a}, 2'000, [&] {
        unconfirmed |= a.status() == TCP_CLIENT_UNCONFIRMED;
        return a.status() == TCP_CLIENT_CONFIRMED;
    }));
    CHECK(unconfirmed);
    CHECK(std::equal(relay.key.begin(), relay.key.end(), ::tcp_con_public_key(a.con)));
    const IP_Port address = ::tcp_con_ip_port(a.con);
    const IP_Port expected = abi_address(relay.address);
    CHECK(address.ip.family.value == expected.ip.family.value);
    CHECK(address.ip.ip.v4.uint32 == expected.ip.ip.v4.uint32);
    CHECK(address.port == expected.port);
}

TEST_CASE("a client keeps the object and the number that its owner sets", "[original]") {
    Abi_World world;
    Sim_Relay &relay = world.add_relay();
    Client a{world, relay.address, relay.key};
    CHECK(::tcp_con_custom_object(a.con) == nullptr);
    CHECK(::tcp_con_custom_uint(a.con) == 0);
    ::tcp_con_set_custom_object(a.con, &relay);
    ::tcp_con_set_custom_uint(a.con, 0xFFFFFFFE);
    CHECK(::tcp_con_custom_object(a.con) == &relay);
    CHECK(::tcp_con_custom_uint(a.con) == 0xFFFFFFFE);
}

TEST_CASE("a client needs an address that is IPv4 or IPv6, and a socket", "[original]") {
    Abi_World world;
    Abi_Peer &host = world.add_host();
    IP_Port address = abi_address(world.add_relay().address);
    const Public_Key key = world.relays[0].key;
    for (const std::uint8_t family : std::vector<std::uint8_t>{0, 11, 12, 13, 14}) {
        address.ip.family.value = family;
        CHECK(abi_new_client(host, address, key) == nullptr);
    }
    address = abi_address(world.relays[0].address);
    host.network.closed = true;
    CHECK(abi_new_client(host, address, key) == nullptr);
    CHECK(abi_open_sockets(host.network) == 0);
    abi_kill_client(nullptr);
}

TEST_CASE("a client is disconnected when the relay has another key", "[original]") {
    Abi_World world;
    Client a{world, world.add_relay().address, some_key(world)};
    CHECK(run(world, {&a}, 15'000, [&] { return a.status() == TCP_CLIENT_DISCONNECTED; }));
}

TEST_CASE("a client whose connect is refused has the status connecting until its 10 s are over", "[original]") {
    Abi_World world;
    Sim_Relay &relay = world.add_relay();
    sim_relay_kill(relay);
    Client a{world, relay.address, relay.key};
    pass(world, {&a}, 50);
    CHECK(a.status() == TCP_CLIENT_CONNECTING);
    pass(world, {&a}, 8'000);
    CHECK(a.status() == TCP_CLIENT_CONNECTING);
    CHECK(::send_oob_packet(&a.host.logger, a.con, some_key(world).data(), bytes_of("x"), 1) != 1);
    CHECK(run(world, {&a}, 4'000, [&] { return a.status() == TCP_CLIENT_DISCONNECTED; }));
    pass(world, {&a}, 500);
    CHECK(a.status() == TCP_CLIENT_DISCONNECTED);
}

TEST_CASE("a client whose relay ends without an answer is unconfirmed until its 10 s are over", "[original]") {
    Abi_World world;
    Client a{world, world.add_relay().address, some_key(world)}; // the relay cannot open the handshake
    pass(world, {&a}, 1'000);
    CHECK(a.status() == TCP_CLIENT_UNCONFIRMED);
    CHECK(run(world, {&a}, 11'000, [&] { return a.status() == TCP_CLIENT_DISCONNECTED; }));
}

TEST_CASE("a client whose proxy is not there has the proxy's status until its 10 s are over", "[original]") {
    Abi_World world;
    Sim_Relay &relay = world.add_relay();
    const auto [type, status] = GENERATE(std::pair{Proxy_Type::http, TCP_CLIENT_PROXY_HTTP_CONNECTING},
                                         std::pair{Proxy_Type::socks5, TCP_CLIENT_PROXY_SOCKS5_CONNECTING});
    Sim_Relay &none = world.add_relay();
    sim_relay_kill(none);
    const TCP_Proxy_Info proxy{abi_address(none.address), static_cast<std::uint8_t>(type)};
    Client a{world, relay.address, relay.key, &proxy};
    pass(world, {&a}, 1'000);
    CHECK(a.status() == status);
    CHECK(run(world, {&a}, 11'000, [&] { return a.status() == TCP_CLIENT_DISCONNECTED; }));
}

TEST_CASE("a client is disconnected when the relay ends") {
    Abi_World world;
    Sim_Relay &relay = world.add_relay();
    Client b{world, relay.address, relay.key};
    REQUIRE(run(world, {&b}, 2'000, [&] { return b.status() == TCP_CLIENT_CONFIRMED; }));
    sim_relay_kill(relay);
    CHECK(run(world, {&b}, 2'000, [&] { return b.status() == TCP_CLIENT_DISCONNECTED; }));
    pass(world, {&b}, 500);
    CHECK(b.status() == TCP_CLIENT_DISCONNECTED);
}

namespace {

/// Connects a client through the proxy. Its first status is `first`. `then`: it becomes SOCKS5_UNCONFIRMED afterwards.
void come_up_through(Sim_Proxy &proxy, Abi_World &world, TCP_Client_Status first, bool then) {
    Sim_Relay &relay = world.add_relay();
    TCP_Proxy_Info info{};
    info.ip_port = abi_address(proxy.proxy.address);
    info.proxy_type = static_cast<std::uint8_t>(proxy.proxy.type);
    Client a{world, relay.address, relay.key, &info};
    CHECK(a.status() == first);
    bool asked = false;
    CHECK(run(world, {&a}, 5'000, [&] {
        asked |= a.status() == TCP_CLIENT_PROXY_SOCKS5_UNCONFIRMED;
        return a.status() == TCP_CLIENT_CONFIRMED;
    }));
    CHECK(asked == then);
    CHECK(proxy.granted == 1);
}

} // namespace

TEST_CASE("a client's status shows each step with a SOCKS5 proxy", "[original]") {
    Abi_World world;
    come_up_through(world.add_proxy(Proxy_Type::socks5), world, TCP_CLIENT_PROXY_SOCKS5_CONNECTING, true);
}

// Not [original]: the simulated proxy does not take how toxcore's own HTTP request ends its first line.
TEST_CASE("a client's status shows the step with an HTTP proxy") {
    Abi_World world;
    come_up_through(world.add_proxy(Proxy_Type::http), world, TCP_CLIENT_PROXY_HTTP_CONNECTING, false);
}

TEST_CASE("when two clients have requested each other, both are told, and exchange data", "[original]") {
    Routed r;
    REQUIRE(r.a.routes.size() == 1);
    CHECK(r.a.routes[0].first == 0);
    CHECK(r.a.routes[0].second == r.b.host.key);
    REQUIRE(r.a.statuses.size() == 1);
    CHECK(r.a.statuses[0].number == 77);
    CHECK(r.a.statuses[0].con_id == 0);
    CHECK(r.a.statuses[0].status == 2);
    REQUIRE(r.b.statuses.size() == 1);
    CHECK(r.b.statuses[0].number == UINT32_MAX);
    CHECK(::set_tcp_connection_number(r.a.con, 1, 5) == -1);
    CHECK(::set_tcp_connection_number(r.a.con, 240, 5) == -1);
    CHECK(::set_tcp_connection_number(r.b.con, 0, 88) == 0);

    CHECK(send(r.a, 0, "hello b") == 1);
    CHECK(send(r.b, 0, "hello a") == 1);
    CHECK(send(r.a, 1, "nobody") == -1);
    CHECK(send(r.a, 240, "nobody") == -1);
    pass(r.world, {&r.a, &r.b}, 500);
    REQUIRE(r.a.data.size() == 1);
    CHECK(r.a.data[0].number == 77);
    CHECK(r.a.data[0].con_id == 0);
    CHECK(r.a.data[0].bytes == "hello a");
    REQUIRE(r.b.data.size() == 1);
    CHECK(r.b.data[0].number == 88);
    CHECK(r.b.data[0].bytes == "hello b");
}

TEST_CASE("when a client leaves a peer, the peer is told", "[original]") {
    Routed r;
    CHECK(::send_disconnect_request(&r.a.host.logger, r.a.con, 240) == -1);
    CHECK(::send_disconnect_request(&r.a.host.logger, r.a.con, 0) == 1);
    CHECK(::set_tcp_connection_number(r.a.con, 0, 5) == -1);
    CHECK(send(r.a, 0, "gone") == -1);
    pass(r.world, {&r.a, &r.b}, 500);
    REQUIRE(r.b.statuses.size() == 2);
    CHECK(r.b.statuses[1].status == 1);
    CHECK(send(r.b, 0, "gone") == -1);
    CHECK(r.a.statuses.size() == 1);
}

TEST_CASE("a client sends out-of-band packets", "[original]") {
    Routed r;
    const std::string longest(1'024, 'o');
    const Logger *const logger = &r.a.host.logger;
    CHECK(::send_oob_packet(logger, r.a.con, r.b.host.key.data(), bytes_of(longest), size_of(longest)) == 1);
    CHECK(::send_oob_packet(logger, r.a.con, r.b.host.key.data(), bytes_of(longest), 0) == -1);
    CHECK(::send_oob_packet(logger, r.a.con, r.b.host.key.data(), bytes_of(longest + "o"), 1'025) == -1);
    pass(r.world, {&r.a, &r.b}, 500);
    REQUIRE(r.b.oob.size() == 1);
    CHECK(r.b.oob[0].first == r.a.host.key);
    CHECK(r.b.oob[0].second == longest);
}

TEST_CASE("a client sends and receives onion and forwarding packets", "[original]") {
    Abi_World world;
    Scripted_Relay &relay = world.add_scripted();
    Client a{world, relay.address, relay.key};
    REQUIRE(run(world, {&a}, 2'000, [&] { return a.status() == TCP_CLIENT_CONFIRMED; }));
    Ip_Port node;
    REQUIRE(parse_ip_port("192.0.2.7:33445", node));
    const IP_Port to = abi_address(node);
    CHECK(::send_onion_request(&a.host.logger, a.con, bytes_of("nonce and payload"), 17) == 1);
    CHECK(::send_forward_request_tcp(&a.host.logger, a.con, &to, bytes_of("data"), 4) == 1);
    const std::string longest(UINT16_MAX, 'f');
    CHECK(::send_forward_request_tcp(&a.host.logger, a.con, &to, bytes_of(longest), size_of(longest)) == -1);
    for (const char *const packet : {"\11the answer", "\13from afar"}) {
        const std::string plain = packet;
        scripted_send(relay, Bytes{bytes_of(plain), plain.size()});
    }
    pass(world, {&a}, 500);
    CHECK(scripted_packet(relay, Packet_Type::onion_request, 0) == "\10nonce and payload");
    CHECK(scripted_packet(relay, Packet_Type::forward_request, 0) ==
          std::string("\12\2\300\0\2\7\202\245", 8) + "data");
    CHECK(a.onion == std::vector<std::string>{"the answer"});
    CHECK(a.forwarding == std::vector<std::string>{"from afar"});
}

TEST_CASE("a client answers pings, and is disconnected when its own are not answered", "[original]") {
    Abi_World world;
    Scripted_Relay &relay = world.add_scripted();
    Client a{world, relay.address, relay.key};
    REQUIRE(run(world, {&a}, 2'000, [&] { return a.status() == TCP_CLIENT_CONFIRMED; }));
    scripted_send(relay, {4, 1, 2, 3, 4, 5, 6, 7, 8});
    pass(world, {&a}, 500);
    CHECK(scripted_packet(relay, Packet_Type::pong, 0) == "\5\1\2\3\4\5\6\7\10");
    pass(world, {&a}, 60'000);
    CHECK(a.status() == TCP_CLIENT_CONFIRMED);
    relay.answers_pings = false;
    CHECK(run(world, {&a}, 45'000, [&] { return a.status() == TCP_CLIENT_DISCONNECTED; }));
}

TEST_CASE("a client with a full socket refuses packets, and loses none that it has taken", "[original]") {
    Routed r;
    const std::string large(1'000, 'l');
    std::size_t sent = 0;
    int last = 1;
    // Nobody ticks: the relay's end of the socket fills.
    while (sent < 10'000 && (last = send(r.a, 0, large)) == 1) {
        ++sent;
    }
    CHECK(last == 0);
    CHECK(sent > 10);
    CHECK(run(r.world, {&r.a, &r.b}, 20'000, [&] { return r.b.data.size() >= sent; }));
    CHECK(r.b.data.size() == sent);
    CHECK(send(r.a, 0, "on") == 1);
}

TEST_CASE("a client that is not connected refuses to send") {
    Abi_World world;
    Sim_Relay &relay = world.add_relay();
    Client a{world, relay.address, relay.key};
    const Public_Key key = some_key(world);
    CHECK(::send_routing_request(&a.host.logger, a.con, key.data()) == -1);
    CHECK(::send_disconnect_request(&a.host.logger, a.con, 0) == -1);
    CHECK(::send_oob_packet(&a.host.logger, a.con, key.data(), bytes_of("x"), 1) == -1);
    CHECK(::send_onion_request(&a.host.logger, a.con, bytes_of("x"), 1) == -1);
}

TEST_CASE("a client may be killed by its own callback") {
    Routed r;
    r.b.kill_on_data = true;
    for (int i = 0; i < 5; ++i) {
        CHECK(send(r.a, 0, "one of five") == 1);
    }
    pass(r.world, {&r.a, &r.b}, 500);
    CHECK(r.b.data.size() == 1);
    CHECK(r.b.con == nullptr);
    CHECK(abi_open_sockets(r.b.host.network) == 0);
    REQUIRE(r.a.statuses.size() == 2);
    CHECK(r.a.statuses[1].status == 1);
}
