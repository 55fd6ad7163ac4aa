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
            {"no, with a password", "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", Reason::proxy_refused},
            {"elsewhere", "HTTP/1.1 302 Found\r\nLocation: elsewhere\r\n\r\n", Reason::proxy_refused},
            {"not HTTP", "SSH-2.0-OpenSSH_9.2\r\n", Reason::proxy_malformed},
            {"no number", "HTTP/1.1 abc\r\n\r\n", Reason::proxy_malformed},
            {"a number of four digits", "HTTP/1.1 2000 OK\r\n\r\n", Reason::proxy_malformed},
            {"headers without end", "HTTP/1.1 200 OK\r\n" + std::string(100'000, 'h'), Reason::proxy_malformed},
        };
    }
    return {
        {"another version", std::string("\4\0", 2), Reason::proxy_malformed},
        {"no such method", "\5\377", Reason::proxy_refused},
        {"a password", "\5\2", Reason::proxy_refused},
        {"an HTTP proxy", "HTTP/1.1 400 Bad request\r\n\r\n", Reason::proxy_malformed},
        {"another version, later", std::string("\5\0\4\0\0\1\0\0\0\0\0\0", 12), Reason::proxy_malformed},
        {"refused", std::string("\5\0\5\5\0\1\0\0\0\0\0\0", 12), Reason::proxy_refused},
        {"not allowed", std::string("\5\0\5\2\0\1\0\0\0\0\0\0", 12), Reason::proxy_refused},
        {"no such address type", std::string("\5\0\5\0\0\2\0\0\0\0\0\0", 12), Reason::proxy_malformed},
        {"reserved byte set", std::string("\5\0\5\0\1\1\0\0\0\0\0\0", 12), Reason::proxy_malformed},
    };
}

} // namespace

TEST_CASE("proxy: IPv4 and IPv6 relays are reached through either kind") {
    const auto type = GENERATE(Proxy_Type::http, Proxy_Type::socks5);
    const auto relay_family = GENERATE(Family::ipv4, Family::ipv6);
    const auto proxy_family = GENERATE(Family::ipv4, Family::ipv6);
    const bool slow = GENERATE(false, true);
    Proxied p{ANY_TICKING(), type, relay_family, proxy_family};
    INFO(to_string(p.world.ticking));
    p.proxy.bound_type = slow ? 4 : 1;
    if (slow) { // byte by byte, each on its own
        p.world.tick_often();
        p.world.net.nodes[p.proxy.node]->piece = 1;
        p.world.net.nodes[p.proxy.node]->spread = 2;
    }
    const int ab = befriend(p.a, p.b.key, 1);
    tie(p.a, ab, p.relay);
    tie(p.b, befriend(p.b, p.a.key, 2), p.relay);
    REQUIRE(p.world.until(9'000, [&] { return tcp_connection_to_online_tcp_relays(p.a.c, ab) == 1; }));
    CHECK(p.proxy.granted == 1);
    CHECK(p.proxy.to_ipv6 == (relay_family == Family::ipv6 ? 1 : 0));
    CHECK(send_text(p.a, ab, "through the proxy") == Error::ok);
    p.world.advance(1'000);
    CHECK(heard_once(p.b.data, "through the proxy"));
    CHECK(relay_info(p.a, 0).address == p.relay.address); // not the proxy's
}

TEST_CASE("proxy: the answer of a SOCKS5 proxy may carry any type of address") {
    Proxied p{ANY_TICKING(), Proxy_Type::socks5, Family::ipv4};
    INFO(to_string(p.world.ticking));
    p.proxy.bound_type = GENERATE(as<std::uint8_t>(), 1, 3, 4);
    hold(p.a, p.relay);
    CHECK(p.world.until(1'000, [&] { return is_up(p.a, p.relay); }));
}

TEST_CASE("proxy: one that refuses, and one that is not there") {
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
    REQUIRE(count_changes(p.a, Change_Kind::relay_down) >= 1); // and it is tried again
    CHECK(last_change(p.a, Change_Kind::relay_down)->change.reason == reason);
    CHECK(count_lines(p.a, Log_Level::warning) == 1);
}

TEST_CASE("proxy: one that never answers ends by the time limit") {
    const auto type = GENERATE(Proxy_Type::http, Proxy_Type::socks5);
    Proxied p{ANY_TICKING(), type, Family::ipv4};
    INFO(to_string(p.world.ticking));
    p.proxy.silent = true;
    hold(p.a, p.relay);
    p.world.advance(9'900);
    CHECK(state_of(p.a, p.relay) == Relay_State::connecting);
    p.world.advance(300);
    REQUIRE(count_changes(p.a, Change_Kind::relay_down) >= 1); // and it is tried again
    CHECK(last_change(p.a, Change_Kind::relay_down)->change.reason == Reason::connect_timeout);
}

TEST_CASE("proxy: every answer that is none ends the relay with the reason, and one line") {
    const auto type = GENERATE(Proxy_Type::http, Proxy_Type::socks5);
    const std::vector<Bad_Answer> answers = bad_answers(type);
    const std::size_t which = GENERATE_COPY(range(std::size_t{0}, answers.size()));
    const std::size_t piece = GENERATE(0U, 1U);
    Proxied p{ANY_TICKING(), type, Family::ipv4};
    INFO(answers[which].name << ", " << to_string(p.world.ticking) << ", pieces of " << piece);
    p.world.tick_often();
    p.world.net.nodes[p.proxy.node]->piece = piece;
    p.proxy.answers.assign(answers[which].bytes.begin(), answers[which].bytes.end());
    hold(p.a, p.relay);
    p.world.advance(8'000);
    REQUIRE(count_changes(p.a, Change_Kind::relay_down) >= 1); // and it is tried again
    CHECK(last_change(p.a, Change_Kind::relay_down)->change.reason == answers[which].reason);
    CHECK(count_lines(p.a, Log_Level::warning) == 1);
    CHECK(node_of(p.a).open_sockets() <= 1);
}
