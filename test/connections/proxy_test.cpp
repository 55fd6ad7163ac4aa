// Relays through an HTTP CONNECT and a SOCKS5 proxy, and proxies that misbehave.
#include "sim/world.h"

using namespace toxtcp;

namespace {

struct Proxied {
    World world;
    Sim_Proxy &proxy;
    Sim_Relay &relay;
    Sim_Peer &a;
    Sim_Peer &b;

    Proxied(Ticking ticking, Proxy_Type type, Family relay_family, Family proxy_family = Family::ipv4)
        : world{ticking}, proxy{world.add_proxy(type, proxy_family)}, relay{world.add_relay(relay_family)},
          a{world.add_peer(through(proxy))}, b{world.add_peer()} {}

    static Sim_Peer_Def through(const Sim_Proxy &proxy) {
        Sim_Peer_Def def;
        def.proxy = proxy.proxy;
        return def;
    }
};

struct Bad_Answer {
    const char *name;
    std::string bytes;
    Reason reason;
};

std::vector<Bad_Answer> bad_answers(Proxy_Type type) {
    if (type == Proxy_Type::http) {
        return {
            {"no", "HTTP/1.1 403 Forbidden\r\n\r\n", Reason::proxy_refused},
            {"a password", "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", Reason::proxy_password},
            {"elsewhere", "HTTP/1.1 302 Found\r\nLocation: elsewhere\r\n\r\n", Reason::proxy_refused},
            {"not HTTP", "SSH-2.0-OpenSSH_9.2\r\n", Reason::proxy_malformed},
            {"no number", "HTTP/1.1 abc\r\n\r\n", Reason::proxy_malformed},
            {"a number of four digits", "HTTP/1.1 2000 OK\r\n\r\n", Reason::proxy_malformed},
            {"a number of two digits", "HTTP/1.1 20 OK\r\n\r\n", Reason::proxy_malformed},
            {"no, after it is asked to go on", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 502 Bad gateway\r\n\r\n",
             Reason::proxy_refused},
            {"headers without end", "HTTP/1.1 200 OK\r\n" + std::string(100'000, 'h'), Reason::proxy_malformed},
        };
    }
    return {
        {"another version", std::string("\4\0", 2), Reason::proxy_malformed},
        {"no such method", "\5\377", Reason::proxy_password},
        {"a password", "\5\2", Reason::proxy_password},
        {"an HTTP proxy", "HTTP/1.1 400 Bad request\r\n\r\n", Reason::proxy_malformed},
        {"another version, later", std::string("\5\0\4\0\0\1\0\0\0\0\0\0", 12), Reason::proxy_malformed},
        {"refused", std::string("\5\0\5\5\0\1\0\0\0\0\0\0", 12), Reason::proxy_refused},
        {"not allowed", std::string("\5\0\5\2\0\1\0\0\0\0\0\0", 12), Reason::proxy_refused},
        {"no such address type", std::string("\5\0\5\0\0\2\0\0\0\0\0\0", 12), Reason::proxy_malformed},
    };
}

} // namespace

TEST_CASE("proxy: IPv4 and IPv6 relays are reached through either kind of proxy") {
    const auto type = GENERATE(Proxy_Type::http, Proxy_Type::socks5);
    const auto relay_family = GENERATE(Family::ipv4, Family::ipv6);
    const auto proxy_family = GENERATE(Family::ipv4, Family::ipv6);
    const bool slow = GENERATE(false, true);
    Proxied p{ANY_TICKING(), type, relay_family, proxy_family};
    INFO(to_string(p.world.ticking));
    p.proxy.bound_type = slow ? 4 : 1;
    if (slow) { // the bytes to and from the proxy arrive one by one, with pauses
        p.world.tick_often();
        p.world.net.nodes[p.proxy.node]->piece = 1;
        p.world.net.nodes[p.proxy.node]->spread = 2;
    }
    const int a_to_b = befriend(p.a, p.b.key, 1);
    tie(p.a, a_to_b, p.relay);
    tie(p.b, befriend(p.b, p.a.key, 2), p.relay);
    REQUIRE(p.world.until(9'000, [&] { return tcp_connection_to_online_tcp_relays(p.a.c, a_to_b) == 1; }));
    CHECK(p.proxy.granted == 1);
    CHECK(p.proxy.to_ipv6 == (relay_family == Family::ipv6 ? 1 : 0));
    CHECK(send_text(p.a, a_to_b, "through the proxy") == Error::ok);
    p.world.advance(1'000);
    CHECK(heard_once(p.b.data, "through the proxy"));
    CHECK(relay_info(p.a, 0).address == p.relay.address); // not the address of the proxy
}

TEST_CASE("proxy: the answer of a SOCKS5 proxy may carry any type of address") {
    Proxied p{ANY_TICKING(), Proxy_Type::socks5, Family::ipv4};
    INFO(to_string(p.world.ticking));
    p.proxy.bound_type = GENERATE(as<std::uint8_t>(), 1, 3, 4);
    hold(p.a, p.relay);
    CHECK(p.world.until(1'000, [&] { return is_up(p.a, p.relay); }));
}

TEST_CASE("proxy: a user and a password are given to the proxy, and appear in no log and no snapshot") {
    const auto type = GENERATE(Proxy_Type::http, Proxy_Type::socks5);
    const bool right = GENERATE(true, false);
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Proxy &proxy = world.add_proxy(type);
    proxy.user = std::string(254, 'u') + '@';
    proxy.password = std::string(250, 'p') + "\r\n: \xFF";
    Sim_Peer_Def def;
    def.proxy = proxy.proxy;
    def.proxy.user = proxy.user;
    def.proxy.password = right ? proxy.password : "another";
    Sim_Peer &a = world.add_peer(def);
    Sim_Relay &relay = world.add_relay();
    hold(a, relay);
    world.advance(1'000);
    CHECK(is_up(a, relay) == right);
    CHECK(proxy.granted == (right ? 1 : 0));
    if (!right) {
        CHECK(relay_info(a, tcp_relay(a.c, relay.key)).last_end == Reason::proxy_password);
        CHECK(relay_info(a, tcp_relay(a.c, relay.key)).proxy_status == (type == Proxy_Type::http ? 407 : 0));
    }
    CHECK(tcp_connections_json(a.c).find("another") == std::string::npos);
    for (const Sim_Line &line : node_of(a).log) {
        CHECK(line.text.find("another") == std::string::npos);
    }
}

TEST_CASE("proxy: a SOCKS5 proxy that accepts no offered way to log in is told from one that refuses the relay") {
    const std::string user = GENERATE("", "user");
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Proxy &proxy = world.add_proxy(Proxy_Type::socks5);
    proxy.answers = {5, GENERATE(as<std::uint8_t>(), 1, 0xFF)};
    Sim_Peer_Def def;
    def.proxy = proxy.proxy;
    def.proxy.user = user;
    Sim_Peer &a = world.add_peer(def);
    Sim_Relay &relay = world.add_relay();
    hold(a, relay);
    world.advance(1'000);
    const Relay_Info info = relay_info(a, tcp_relay(a.c, relay.key));
    CHECK(info.last_end == Reason::proxy_password);
    CHECK(info.proxy_status == (user.empty() ? 0 : 0xFF));
}

TEST_CASE("proxy: a user or a password that does not fit is refused by new_tcp_connections") {
    World world;
    Sim_Proxy &proxy = world.add_proxy(Proxy_Type::http);
    Tcp_Connections_Def def;
    def.proxy = proxy.proxy;
    const auto is_taken = [&def] {
        Tcp_Connections *const c = new_tcp_connections(def);
        kill_tcp_connections(c);
        return c != nullptr;
    };
    def.proxy.user = std::string(255, 'u');
    def.proxy.password = std::string(255, 'p');
    CHECK(is_taken());
    def.proxy.password += 'p';
    CHECK_FALSE(is_taken());
    def.proxy.password = "";
    CHECK(is_taken());
    def.proxy.user += 'u';
    CHECK_FALSE(is_taken());
    def.proxy.user = "a:b";
    CHECK_FALSE(is_taken()); // Basic authentication separates user and password by a colon
    def.proxy.type = Proxy_Type::socks5;
    CHECK(is_taken());
    def.proxy.user = "";
    def.proxy.password = "of nobody";
    CHECK_FALSE(is_taken());
}

TEST_CASE("proxy: a relay can be given by a host name that only the proxy can look up") {
    const auto type = GENERATE(Proxy_Type::http, Proxy_Type::socks5);
    const bool with_user = GENERATE(false, true);
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Proxy &proxy = world.add_proxy(type);
    Sim_Relay &relay = world.add_relay();
    const std::string host = "abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrstuvwx.onion";
    proxy.names[host] = relay.address;
    Sim_Peer_Def def;
    def.proxy = proxy.proxy;
    def.proxy.user = proxy.user = with_user ? "a circuit" : "";
    Sim_Peer &a = world.add_peer(def);
    Sim_Peer &b = world.add_peer();
    const int a_to_b = befriend(a, b.key, 1);
    tie(b, befriend(b, a.key, 2), relay);
    REQUIRE(add_tcp_relay_connection_by_name(a.c, a_to_b, host, relay.address.port, relay.key) == Error::ok);
    REQUIRE(world.until(2'000, [&] { return tcp_connection_to_online_tcp_relays(a.c, a_to_b) == 1; }));
    CHECK(proxy.by_name == 1);
    const Relay_Info info = relay_info(a, tcp_relay(a.c, relay.key));
    CHECK(info.name == host);
    CHECK(info.address.port == relay.address.port);
    CHECK(tcp_connections_json(a.c).find('"' + host + ':' + std::to_string(relay.address.port)) != std::string::npos);
    Node node;
    CHECK(tcp_copy_connected_relays(a.c, {&node, 1}) == 0); // others could not look the name up
    CHECK(add_tcp_relay_connection_by_name(a.c, a_to_b, host, relay.address.port, relay.key) == Error::already);
    sim_relay_drop(relay, a.key);
    CHECK(world.until(2'000, [&] { return proxy.by_name == 2 && is_up(a, relay); }));
}

TEST_CASE("proxy: a relay's names and addresses are tried in turn") {
    const auto type = GENERATE(Proxy_Type::http, Proxy_Type::socks5);
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking));
    Sim_Proxy &proxy = world.add_proxy(type);
    Sim_Relay &relay = world.add_relay();
    Sim_Peer_Def def;
    def.proxy = proxy.proxy;
    Sim_Peer &a = world.add_peer(def);
    REQUIRE(add_tcp_relay_global_by_name(a.c, "old.example", relay.address.port, relay.key) == Error::ok);
    world.advance(1'000);
    CHECK(relay_info(a, tcp_relay(a.c, relay.key)).last_end == Reason::proxy_refused);
    SECTION("an address") {
        CHECK(add_tcp_relay_global(a.c, relay.address, relay.key) == Error::already);
    }
    SECTION("another name") {
        proxy.names["new.example"] = relay.address;
        CHECK(add_tcp_relay_global_by_name(a.c, "new.example", relay.address.port, relay.key) == Error::already);
    }
    CHECK(world.until(2'000, [&] { return is_up(a, relay); }));
}

TEST_CASE("proxy: a relay with several host names is reached by any of them, however often all are named") {
    const int good = GENERATE(0, 1, 4, 7);
    World world{ANY_TICKING()};
    INFO(to_string(world.ticking) << ", name " << good);
    Sim_Proxy &proxy = world.add_proxy(Proxy_Type::socks5);
    Sim_Relay &relay = world.add_relay();
    Sim_Peer_Def def;
    def.proxy = proxy.proxy;
    Sim_Peer &a = world.add_peer(def);
    proxy.names["relay" + std::to_string(good)] = relay.address;
    for (int i = 0; i < 5 && !is_up(a, relay); ++i) {
        for (int name = 0; name < 8; ++name) {
            (void)add_tcp_relay_global_by_name(a.c, "relay" + std::to_string(name), relay.address.port, relay.key);
        }
        world.advance(5'000);
    }
    CHECK(is_up(a, relay));
}

TEST_CASE("proxy: text that is no host name is refused, and so is any name without a proxy") {
    World world;
    Sim_Peer_Def def;
    def.proxy = world.add_proxy(Proxy_Type::http).proxy;
    Sim_Peer &a = world.add_peer(def);
    const Public_Key key = some_key(world);
    for (const std::string &host :
         {std::string{}, std::string(256, 'a'), std::string{"a b"}, std::string{"a\r\nHost: b"}, std::string{"a\0b", 3},
          std::string{"[::1]"}, std::string{"a:1"}}) {
        CHECK(add_tcp_relay_global_by_name(a.c, host, 443, key) == Error::bad_address);
    }
    CHECK(add_tcp_relay_global_by_name(a.c, "relay.example", 0, key) == Error::bad_address);
    CHECK(add_tcp_relay_global_by_name(a.c, std::string(255, 'a'), 443, key) == Error::ok);
    Sim_Peer &direct = world.add_peer();
    CHECK(add_tcp_relay_global_by_name(direct.c, "relay.example", 443, key) == Error::bad_address);
}

TEST_CASE("proxy: answers that real proxies give are understood") {
    struct Answer {
        Proxy_Type type;
        std::string bytes;
    };
    const std::string long_headers = "HTTP/1.1 200 OK\r\nVia: " + std::string(8'000, 'x') + "\r\n\r\n";
    const std::vector<Answer> answers = {
        {Proxy_Type::http, "HTTP/1.0 200\r\n\r\n"},
        {Proxy_Type::http, "HTTP/1.1 200 OK\n\n"},
        {Proxy_Type::http, "http/1.1 200 Connection established\r\n\r\n"},
        {Proxy_Type::http, "HTTP/2.0 200 OK\r\n\r\n"},
        {Proxy_Type::http, "HTTP/2 204 No content\r\nX: y\r\n\r\n"},
        {Proxy_Type::http, "HTTP/1.1  200  OK\r\n\r\n"},
        {Proxy_Type::http, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"},
        {Proxy_Type::http, long_headers},
        {Proxy_Type::socks5, std::string("\5\0\5\0\1\1\0\0\0\0\0\0", 12)}, // the reserved byte is set
        {Proxy_Type::socks5, std::string("\5\0\5\0\0\0\0\0\0\0\0\0", 12)}, // no type of address
        {Proxy_Type::socks5, std::string("\5\0\5\0\0\3\4relay\0", 13)},    // a name, and a port
    };
    const std::size_t which = GENERATE_COPY(range(std::size_t{0}, answers.size()));
    const bool byte_by_byte = GENERATE(false, true);
    Proxied p{Ticking::when_woken, answers[which].type, Family::ipv4};
    INFO(which);
    p.world.net.nodes[p.proxy.node]->piece = byte_by_byte ? 1 : 0;
    p.proxy.answers.assign(answers[which].bytes.begin(), answers[which].bytes.end());
    hold(p.a, p.relay);
    // The answer is accepted. What follows is taken as the relay's handshake: it is missing, too short or wrong.
    p.world.advance(10'500);
    REQUIRE(count_changes(p.a, Change_Kind::relay_down) >= 1);
    const Reason reason = last_change(p.a, Change_Kind::relay_down)->change.reason;
    CHECK((reason == Reason::connect_timeout || reason == Reason::handshake_failed));
}

TEST_CASE("proxy: a proxy that closes before it grants the connection is reported as the reason") {
    const auto type = GENERATE(Proxy_Type::http, Proxy_Type::socks5);
    const bool reset = GENERATE(false, true);
    Proxied p{ANY_TICKING(), type, Family::ipv4};
    INFO(to_string(p.world.ticking));
    p.proxy.closes = reset ? 2 : 1;
    hold(p.a, p.relay);
    p.world.advance(1'000);
    REQUIRE(count_changes(p.a, Change_Kind::relay_down) >= 1);
    CHECK(last_change(p.a, Change_Kind::relay_down)->change.reason == Reason::proxy_closed);
}

TEST_CASE("proxy: a proxy that refuses, and a proxy that is not there, are reported as the reason") {
    const auto type = GENERATE(Proxy_Type::http, Proxy_Type::socks5);
    Proxied p{ANY_TICKING(), type, Family::ipv4};
    INFO(to_string(p.world.ticking));
    Reason reason = Reason::proxy_refused;
    SECTION("it refuses") {
        p.proxy.refuses = true;
    }
    SECTION("the relay behind it is not there") {
        node_of(p.relay).refusing = true;
    }
    SECTION("it is not there") {
        p.world.net.nodes[p.proxy.node]->refusing = true;
        reason = Reason::connect_failed;
    }
    hold(p.a, p.relay);
    p.world.advance(1'000);
    REQUIRE(count_changes(p.a, Change_Kind::relay_down) >= 1); // once or more: the relay is tried again
    CHECK(last_change(p.a, Change_Kind::relay_down)->change.reason == reason);
    CHECK(count_lines(p.a, Log_Level::warning) == 1);
}

TEST_CASE("proxy: an attempt through a proxy that never answers ends by the time limit") {
    const auto type = GENERATE(Proxy_Type::http, Proxy_Type::socks5);
    Proxied p{ANY_TICKING(), type, Family::ipv4};
    INFO(to_string(p.world.ticking));
    p.proxy.silent = true;
    hold(p.a, p.relay);
    p.world.advance(9'900);
    CHECK(state_of(p.a, p.relay) == Relay_State::connecting);
    CHECK(relay_info(p.a, 0).at_proxy);
    p.world.advance(300);
    REQUIRE(count_changes(p.a, Change_Kind::relay_down) >= 1); // once or more: the relay is tried again
    CHECK(last_change(p.a, Change_Kind::relay_down)->change.reason == Reason::proxy_timeout);
}

TEST_CASE("proxy: every wrong or refusing answer ends the attempt with its reason, and one line of log") {
    const auto type = GENERATE(Proxy_Type::http, Proxy_Type::socks5);
    const std::vector<Bad_Answer> answers = bad_answers(type);
    const std::size_t which = GENERATE_COPY(range(std::size_t{0}, answers.size()));
    const std::size_t piece = GENERATE(0U, 1U) * (answers[which].bytes.size() > 1'000 ? 16 : 1);
    Proxied p{ANY_TICKING(), type, Family::ipv4};
    INFO(answers[which].name << ", " << to_string(p.world.ticking) << ", pieces of " << piece);
    p.world.tick_often();
    p.world.net.nodes[p.proxy.node]->piece = piece;
    p.proxy.answers.assign(answers[which].bytes.begin(), answers[which].bytes.end());
    hold(p.a, p.relay);
    p.world.advance(8'000);
    REQUIRE(count_changes(p.a, Change_Kind::relay_down) >= 1); // once or more: the relay is tried again
    CHECK(last_change(p.a, Change_Kind::relay_down)->change.reason == answers[which].reason);
    CHECK(count_lines(p.a, Log_Level::warning) == 1);
    CHECK(node_of(p.a).open_sockets() <= 1);
}
