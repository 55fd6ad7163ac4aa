// Addresses as text.
#include "bytes.h"
#include "catch.h"

using namespace toxtcp;

namespace {

Ip_Port make(Family family, std::string_view ip, std::uint16_t port) {
    Ip_Port address;
    address.family = family;
    address.port = port;
    const Blob bytes = from_hex(ip);
    std::copy(bytes.begin(), bytes.end(), address.ip.begin());
    return address;
}

struct Case {
    Ip_Port address;
    std::string text;
};

const Case CASES[] = {
    {make(Family::ipv4, "c0000201", 33445), "192.0.2.1:33445"},
    {make(Family::ipv4, "00000000", 0), "0.0.0.0:0"},
    {make(Family::ipv4, "ffffffff", 65535), "255.255.255.255:65535"},
    {make(Family::ipv6, "20010db8000000000000000000000001", 33445), "[2001:db8::1]:33445"},
    {make(Family::ipv6, "00000000000000000000000000000000", 1), "[::]:1"},
    {make(Family::ipv6, "00000000000000000000000000000001", 80), "[::1]:80"},
    {make(Family::ipv6, "00000000000000000000ffffc0000201", 443), "[::ffff:192.0.2.1]:443"},
    {make(Family::ipv6, "20010db8000100020003000400050006", 443), "[2001:db8:1:2:3:4:5:6]:443"},
    {make(Family::ipv6, "20010db8111122223333444455556666", 65535), "[2001:db8:1111:2222:3333:4444:5555:6666]:65535"},
};

} // namespace

TEST_CASE("an address is written with its port, IPv6 in brackets") {
    for (const Case &one : CASES) {
        CHECK(to_string(one.address) == one.text);
    }
}

TEST_CASE("an address is read from its text") {
    for (const Case &one : CASES) {
        // The old value must not show in the result.
        Ip_Port read = make(Family::tcp_ipv6, "ffffffffffffffffffffffffffffffff", 9);
        INFO(one.text);
        CHECK(parse_ip_port(one.text, read));
        CHECK(read == one.address);
    }
}

TEST_CASE("an address of a TCP family is written like the same address of the plain family") {
    CHECK(to_string(make(Family::tcp_ipv4, "c0000201", 33445)) == "192.0.2.1:33445");
    CHECK(to_string(make(Family::tcp_ipv6, "20010db8000000000000000000000001", 33445)) == "[2001:db8::1]:33445");
}

TEST_CASE("an address without a family is written as the word none") {
    CHECK(to_string(Ip_Port{}) == "none");
    CHECK(to_string(make(Family::none, "c0000201", 33445)) == "none");
}

TEST_CASE("a text that is no address is refused, and the address stays as it was") {
    const std::string texts[] = {
        "",
        ":",
        "none",
        "192.0.2.1",
        "192.0.2.1:",
        ":33445",
        "192.0.2.1:65536",
        "192.0.2.1:99999999999999999999",
        "192.0.2.1:-1",
        "192.0.2.1:+1",
        "192.0.2.1: 1",
        "192.0.2.1:1 ",
        "192.0.2.1:1\n",
        "192.0.2.1:0x10",
        "192.0.2.1:33445:1",
        "192.0.2.1:http",
        " 192.0.2.1:33445",
        "192.0.2.1 :33445",
        "192.0.2:33445",
        "192.0.2.1.1:33445",
        "192.0.2.256:33445",
        "192.0.2.:33445",
        "3221225985:33445",
        "[192.0.2.1]:33445",
        "2001:db8::1:33445",
        "2001:db8::1",
        "[2001:db8::1]",
        "[2001:db8::1]33445",
        "[2001:db8::1]:",
        "[2001:db8::1]:65536",
        "[2001:db8::1:33445",
        "2001:db8::1]:33445",
        "[[2001:db8::1]]:33445",
        "[2001:db8::1%eth0]:33445",
        "[2001:db8:::1]:33445",
        "[1:2:3:4:5:6:7:8:9]:33445",
        "[2001:db8::g]:33445",
        "[]:33445",
        "[:33445",
        "]:33445",
        "relay.example:33445",
        std::string("192.0.2.1\0:33445", 16),
        std::string("192.0.2.1\0.5:33445", 18),
        std::string("[2001:db8::1\0]:33445", 20),
        std::string("192.0.2.1:33445\0", 16),
        std::string(10'000, '1') + ":33445",
    };
    for (const std::string &text : texts) {
        const Ip_Port before = make(Family::ipv4, "0a000001", 7);
        Ip_Port address = before;
        INFO(text);
        CHECK_FALSE(parse_ip_port(text, address));
        CHECK(address == before);
    }
}
