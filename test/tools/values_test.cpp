// Values as people write them, node lists and config files: what is clearly meant is read. An error names the value,
// what is wrong, and what is allowed.
#include <algorithm>
#include <ctime>

#include "catch.h"
#include "tools/shared/config_file.h"
#include "tools/shared/node_list.h"
#include "tools/shared/relay_list.h"
#include "tools/shared/text.h"
#include "tools/shared/values.h"

using namespace toxtcp;

namespace {

const std::string KEY = "10" + std::string(62, '0');
const std::string OTHER_KEY = "20" + std::string(62, '0');

bool has(const std::string &text, const std::string &part) {
    return text.find(part) != std::string::npos;
}

/// An error must repeat the value, and say what is allowed.
void check_error(const std::string &error, const std::string &value) {
    INFO(error);
    CHECK(has(error, value.substr(0, 20)));
    CHECK(has(error, "llowed is "));
}

/// HOST:PORT of each relay.
std::vector<std::string> names(const std::vector<Named_Relay> &relays) {
    std::vector<std::string> all;
    std::transform(relays.begin(), relays.end(), std::back_inserter(all),
                   [](const Named_Relay &relay) { return to_string(relay); });
    return all;
}

struct List {
    bool ok = false;
    std::vector<std::string> relays{};
    std::vector<std::string> warnings{};
    std::string error{};
};

List read_list(const std::string &text, bool all_ports = false) {
    List list;
    std::vector<Named_Relay> relays;
    list.ok = parse_node_list(text, all_ports, relays, list.warnings, list.error);
    list.relays = names(relays);
    return list;
}

std::string node(const std::string &members, const std::string &key = KEY) {
    return R"({"public_key": ")" + key + R"(", )" + members + "}";
}

std::string list_of(const std::string &nodes) {
    return R"({"last_scan": 0, "nodes": [)" + nodes + "]}";
}

const std::string GOOD = node(R"("ipv4": "192.0.2.9", "tcp_ports": [443])", OTHER_KEY);

} // namespace

TEST_CASE("a number is decimal, whole and within its bounds") {
    std::uint64_t number = 7;
    std::string error;
    for (const auto &[text, value] : {std::pair{"0", 0}, {"443", 443}, {"0443", 443}, {"00", 0}, {"65535", 65535}}) {
        CHECK(read_number(text, 0, 65535, number, error));
        CHECK(number == static_cast<std::uint64_t>(value));
    }
    for (const std::string text : {"", " ", "65536", "99999999999999999999999", "-1", "+1", "1 ", " 1", "0x10", "1e3",
                                   "1.0", "nan", "1\n", "١"}) {
        number = 7;
        CHECK_FALSE(read_number(text, 0, 65535, number, error));
        CHECK(number == 7);
        CHECK(has(error, "from 0 to 65535"));
    }
    CHECK_FALSE(read_number("3", 4, 9, number, error));
    CHECK(error == R"("3" is wrong: it is too small. Allowed is a whole number from 4 to 9)");
}

TEST_CASE("a time is a finite decimal number within its bounds") {
    double seconds = 7;
    std::string error;
    for (const auto &[text, value] :
         {std::pair{"1", 1.0}, {"0.25", 0.25}, {".5", 0.5}, {"3600", 3600.0}, {"2.", 2.0}}) {
        INFO(text);
        CHECK(read_seconds(text, 0.01, 3600, seconds, error));
        CHECK(seconds == value);
    }
    for (const std::string text : {"", ".", "nan", "inf", "-1", "+1", "1e1", "0x1p3", "1,5", "1.2.3", "1s", "3600.1",
                                   "0.009", "0", "1e999", " 1"}) {
        INFO(text);
        seconds = 7;
        CHECK_FALSE(read_seconds(text, 0.01, 3600, seconds, error));
        CHECK(seconds == 7);
        check_error(error, text);
    }
    CHECK_FALSE(read_seconds(std::string(400, '9'), 0.01, 3600, seconds, error));
}

TEST_CASE("a port that can be connected to is 1 to 65535") {
    std::uint16_t port = 0;
    std::string error;
    CHECK((read_port("1", port, error) && port == 1));
    CHECK((read_port("65535", port, error) && port == 65535));
    CHECK_FALSE(read_port("0", port, error));
    CHECK_FALSE(read_port("65536", port, error));
    CHECK(port == 65535);
}

TEST_CASE("a key is 64 hexadecimal digits, is made canonical, and is refused if it is weak") {
    Public_Key key{};
    std::string error;
    CHECK(read_key(KEY, key, error));
    CHECK(to_string(key) == KEY);
    CHECK(read_key(std::string(62, 'a') + "aB", key, error));
    CHECK(to_string(key) == std::string(62, 'A') + "2B");

    const std::string largest = std::string(62, 'F') + "7F"; // 2^255 - 1; the field's prime is 18 less
    for (const std::string &text :
         {std::string{}, KEY.substr(1), KEY + "0", KEY.substr(1) + "g", KEY.substr(1) + ' ', std::string(64, '0'),
          "01" + std::string(62, '0'), "EC" + largest.substr(2), std::string(62, '0') + "80", std::string(76, 'A')}) {
        INFO(text);
        const Public_Key before = key;
        CHECK_FALSE(read_key(text, key, error));
        CHECK(key == before);
        check_error(error, text);
    }
    CHECK_FALSE(read_key(std::string(76, 'A'), key, error));
    CHECK(has(error, "Tox ID"));
}

TEST_CASE("a host is a name or a numeric address, and an address that needs a zone is refused") {
    Host_Name host;
    std::string error;
    const std::tuple<const char *, const char *, Family> good[] = {
        {"192.0.2.1", "192.0.2.1", Family::ipv4},
        {"2001:db8::1", "2001:db8::1", Family::ipv6},
        {"[2001:db8::1]", "2001:db8::1", Family::ipv6},
        {"::", "::", Family::ipv6},
        {"::ffff:192.0.2.1", "::ffff:192.0.2.1", Family::ipv6},
        {"localhost", "localhost", Family::none},
        {"relay.example", "relay.example", Family::none},
        {"relay.example.", "relay.example.", Family::none},
        {"a_b-c.xn--p1ai", "a_b-c.xn--p1ai", Family::none},
        {"1and1.example", "1and1.example", Family::none},
    };
    for (const auto &[text, name, family] : good) {
        INFO(text);
        CHECK(read_host(text, host, error));
        CHECK(host.text == name);
        CHECK(host.family == family);
    }
    for (const std::string &text : {std::string{},
                                    std::string{"[]"},
                                    std::string{"192.0.2.256"},
                                    std::string{"192.0.2"},
                                    std::string{"1"},
                                    std::string{"192.0.2.010"},
                                    std::string{"0x7f000001"},
                                    std::string{"1.2.3.0x4"},
                                    std::string{"[192.0.2.1]"},
                                    std::string{"2001:db8::g"},
                                    std::string{"1:2:3:4:5:6:7:8:9"},
                                    std::string{"a b"},
                                    std::string{"a..b"},
                                    std::string{".a"},
                                    std::string{"."},
                                    std::string{"https://relay.example"},
                                    std::string{"caf\xC3\xA9.example"},
                                    std::string{"a\nb"},
                                    std::string("192.0.2.1\0", 10),
                                    std::string("a\0b", 3),
                                    std::string(64, 'a'),
                                    std::string(127, 'a') + '.' + std::string(127, 'a'),
                                    std::string{"user@relay.example"}}) {
        INFO(text);
        CHECK_FALSE(read_host(text, host, error));
        CHECK(has(error, "Allowed is a host name"));
    }
    for (const std::string text : {"fe80::1%eth0", "[fe80::1%eth0]", "fe80::1", "febf::1", "2001:db8::1%1"}) {
        INFO(text);
        CHECK_FALSE(read_host(text, host, error));
        CHECK(has(error, "zone"));
    }
    CHECK(read_numeric_host("::1", host, error));
    CHECK_FALSE(read_numeric_host("localhost", host, error));
    CHECK(error == R"("localhost" is wrong: it is a name. Allowed is a numeric IPv4 or IPv6 address)");
}

TEST_CASE("a value in an error is cut and printable") {
    CHECK(in_quotes("a\033[2Jb") == "\"a?[2Jb\"");
    CHECK(in_quotes(std::string(1'000, 'x')).size() < 100);
}

TEST_CASE("control characters and bytes that are no UTF-8 are shown by their numbers") {
    const std::string letters = "a~ \xC2\xA0\xC3\xA9\xE0\xA0\x80\xE7\xAF\x80\xF0\x9F\x98\x80";
    CHECK(without_controls(letters) == letters);
    CHECK(without_controls(std::string_view{"\0\n\x1B\x7F", 4}) == "\\x00\\x0a\\x1b\\x7f");
    CHECK(without_controls("\xC2\x9B"
                           "1m") == "\\xc2\\x9b1m");
    // U+001B in more bytes than it needs; bytes that begin no character; a character that is cut off.
    CHECK(without_controls("\xC0\x9B \xE0\x80\x9B \xF0\x80\x80\x9B") ==
          "\\xc0\\x9b \\xe0\\x80\\x9b \\xf0\\x80\\x80\\x9b");
    CHECK(without_controls("\x9B \xF5\x80\x80\x80 \xE7\xAF") == "\\x9b \\xf5\\x80\\x80\\x80 \\xe7\\xaf");
}

TEST_CASE("HOST:PORT:KEY is read from its end, and its error names the part that is wrong") {
    Named_Relay relay;
    std::string error;
    CHECK(parse_relay("[2001:db8::1]:0443:" + KEY, relay, error));
    CHECK(relay.host == "2001:db8::1");
    CHECK(relay.port == 443);
    CHECK(to_string(relay) == "[2001:db8::1]:443");
    const std::pair<std::string, const char *> wrong[] = {
        {"", "two colons"},
        {"relay.example", "two colons"},
        {"relay.example:443", "two colons"},
        {":443:" + KEY, "host \"\""},
        {"relay.example::" + KEY, "port \"\""},
        {"relay.example:0:" + KEY, "port \"0\""},
        {"relay.example:70000:" + KEY, "port \"70000\""},
        {"relay.example:443:" + KEY.substr(1), "key \""},
        {"relay.example:443:" + std::string(64, '0'), "nobody can have"},
        {"2001:db8::1:443:" + KEY, "brackets"},
        {"[fe80::1%eth0]:443:" + KEY, "zone"},
    };
    for (const auto &[word, part] : wrong) {
        INFO(word);
        CHECK_FALSE(parse_relay(word, relay, error));
        CHECK(has(error, part));
        CHECK(has(error, "A relay is HOST:PORT:KEY"));
    }
    CHECK(relay.host == "2001:db8::1");
}

TEST_CASE("a node list is read in every form whose meaning is clear") {
    using Names = std::vector<std::string>;
    const std::pair<const char *, Names> nodes[] = {
        {R"("ipv4": "192.0.2.1", "ipv6": "-", "tcp_ports": [443])", {"192.0.2.1:443"}},
        {R"("ipv4": "NONE", "ipv6": "2001:db8::1", "tcp_ports": [443])", {"[2001:db8::1]:443"}},
        {R"("ipv4": "none", "ipv6": "[::1]", "tcp_ports": ["443"])", {"[::1]:443"}},
        {R"("ipv4": "N/A", "ipv6": "", "tcp_ports": [])", {}},
        {R"("ipv4": "-", "ipv6": null, "tcp_ports": null)", {}},
        {R"("ipv4": "-", "ipv6": "-", "tcp_ports": "-")", {}},
        {R"("ipv4": " 192.0.2.1 ", "tcp_ports": 443)", {"192.0.2.1:443"}},
        {R"("ipv4": "192.0.2.1", "tcp_ports": "443")", {"192.0.2.1:443"}},
        {R"("ipv4": "192.0.2.1", "tcp_ports": "443, 33445")", {"192.0.2.1:443"}},
        {R"("ipv4": "192.0.2.1", "tcp_ports": [443, 443, 33445])", {"192.0.2.1:443"}},
        {R"("ipv4": "relay.example", "ipv6": "relay.example", "tcp_ports": [443])",
         {"relay.example:443", "relay.example:443"}},
        {R"("ipv4": "192.0.2.1", "tcp_ports": [443], "motd": {"a": [1, {"b": "}]"}]}, "x": "\"]}"})",
         {"192.0.2.1:443"}},
        {R"("ipv4": "192.0.2.1", "port": 33445)", {}},
        {R"("ipv4": "::1", "tcp_ports": [443])", {"[::1]:443"}},
    };
    for (const auto &[members, relays] : nodes) {
        INFO(members);
        std::string text = node(members);
        const bool has_brace_too_many = text.ends_with("}}") && has(members, "\"]}\"}");
        text.resize(text.size() - has_brace_too_many);
        for (const std::string &list :
             {list_of(text), "\xEF\xBB\xBF" + list_of(text) + "\r\n", list_of(text + ",\n"), "[" + text + "]"}) {
            const List read = read_list(list);
            INFO(list);
            CHECK(read.ok);
            CHECK(read.relays == relays);
            CHECK(read.warnings.empty());
        }
    }
    const std::string ports = list_of(node(R"("ipv4": "192.0.2.1", "ipv6": "::1", "tcp_ports": ["443,3389", 33445])"));
    CHECK(read_list(ports, true).relays ==
          Names{"192.0.2.1:443", "192.0.2.1:3389", "192.0.2.1:33445", "[::1]:443", "[::1]:3389", "[::1]:33445"});
}

TEST_CASE("a bad entry of a node list loses only that entry, and its warning names line, column and cause") {
    const std::string bad_key = KEY.substr(1) + "x";
    const std::pair<std::string, const char *> entries[] = {
        {"7", "kind number"},
        {"\"node\"", "kind string"},
        {"[1, [2]]", "kind array"},
        {"null", "kind null"},
        {node(R"("ipv4": "192.0.2.1", "tcp_ports": [443])", bad_key), "hexadecimal"},
        {node(R"("ipv4": "192.0.2.1", "tcp_ports": [443])", std::string(64, '0')), "nobody can have"},
        {R"({"ipv4": "192.0.2.1", "tcp_ports": [443]})", "public_key"},
        {node(R"("ipv4": "192.0.2.1", "tcp_ports": [70000])"), "too large"},
        {node(R"("ipv4": "192.0.2.1", "tcp_ports": [443.5])"), "digit"},
        {node(R"("ipv4": "192.0.2.1", "tcp_ports": [true])"), "kind boolean"},
        {node(R"("ipv4": "192.0.2.1", "tcp_ports": "http")"), "digit"},
        {node(R"("ipv4": 7, "tcp_ports": [443])"), "kind number"},
        {node(R"("ipv4": "192.0.2.1\u0000", "tcp_ports": [443])"), "zero byte"},
        {node(R"("ipv4": "fe80::1%eth0", "tcp_ports": [443])"), "zone"},
        {node(R"("ipv4": "-", "ipv6": "-", "tcp_ports": [443])"), "no address"},
        {node(R"("ipv4": "192.0.2.1", "tcp_ports": [443, ])"), "no JSON"},
        {node(R"("ipv4": "192.0.2.1" "tcp_ports": [443])"), "no JSON"},
        {node("\"ipv4\": \"192.0.2.1\xFF\", \"tcp_ports\": [443]"), "UTF-8"},
        {node("\"ipv4\": \"192.0.2.1,\n\"tcp_ports\": [443]"), "no JSON"},
        {node(R"("ipv4": "192.0.2.1", "tcp_ports": [443)"), "no JSON"},
        {node(R"("ipv4": "192.0.2.1", "tcp_ports": 443])"), "no JSON"},
        {node(R"("ipv4": "192.0.2.1", "tcp_ports": [443])") + "}", "no JSON"},
        {node(R"("ipv4": "192.0.2.1", "tcp_ports": [443])").substr(0, KEY.size() + 58), "no JSON"},
        {"@", "no JSON"},
    };
    for (const auto &[entry, cause] : entries) {
        for (const std::string &list : {list_of("\n" + entry + ",\n" + GOOD), list_of(GOOD + ",\n" + entry),
                                        list_of(GOOD + ",\n" + entry + ",\n" + GOOD)}) {
            INFO(list);
            const List read = read_list(list);
            INFO(read.error);
            REQUIRE(read.ok);
            CHECK(std::count(read.relays.begin(), read.relays.end(), "192.0.2.9:443") ==
                  (list.ends_with(GOOD + "]}") && list.find(GOOD) != list.rfind(GOOD) ? 2 : 1));
            REQUIRE(read.warnings.size() == 1);
            INFO(read.warnings.front());
            CHECK(read.warnings.front().starts_with("line "));
            CHECK(has(read.warnings.front(), cause));
            CHECK(has(read.warnings.front(), "left out"));
        }
    }
    const List read = read_list("{\"nodes\": [\n  " + GOOD + ",\n    7, \"\xC3\xA9\", 8]}");
    REQUIRE(read.warnings.size() == 3);
    CHECK(read.warnings[0].starts_with("line 3, column 5: "));
    CHECK(read.warnings[1].starts_with("line 3, column 8: "));
    CHECK(read.warnings[2].starts_with("line 3, column 13: ")); // a column is a character, not a byte
}

TEST_CASE("an entry whose string does not end, in a list of one line, loses only that entry") {
    const std::string broken = R"({"public_key": ")" + KEY + R"(", "ipv4": "192.0.2.1, "tcp_ports": [443]})";
    const List read = read_list(list_of(GOOD + "," + broken + "," + GOOD + "," + GOOD));
    CHECK(read.ok);
    CHECK(read.relays.size() == 3);
    CHECK(read.warnings.size() == 1);
}

TEST_CASE("a text that is no complete node list is refused with place and cause, and no entry is read") {
    const std::string whole = list_of("\n" + GOOD + ",\n" + GOOD + "\n");
    for (std::size_t size = 1; size < whole.size(); ++size) {
        const List read = read_list(whole.substr(0, size));
        INFO(whole.substr(0, size));
        CHECK_FALSE(read.ok);
        CHECK(read.relays.empty());
        CHECK(read.error.starts_with("line "));
        CHECK(has(read.error, "cut off"));
    }
    std::string utf16;
    for (const char c : whole) {
        utf16 += {c, '\0'};
    }
    std::string big_endian;
    for (const char c : whole) {
        big_endian += {'\0', c};
    }
    for (const std::string &text : {utf16, big_endian, "\xFF\xFE" + utf16, "\xFE\xFF" + big_endian}) {
        const List read = read_list(text);
        CHECK_FALSE(read.ok);
        CHECK(has(read.error, "UTF-16"));
    }
    const std::pair<const char *, const char *> wrong[] = {
        {"", "empty"},
        {" \n", "empty"},
        {"7", "{"},
        {"<html>", "{"},
        {"{}", "no array"},
        {"{\"nodes\": 7}", "no array"},
        {"{\"nodes\" [1]}", "colon"},
        {"{nodes: []}", "name"},
    };
    for (const auto &[text, part] : wrong) {
        const List read = read_list(text);
        INFO(read.error);
        CHECK_FALSE(read.ok);
        CHECK(read.error.starts_with("line "));
        CHECK(has(read.error, part));
        CHECK(has(read.error, "llowed is "));
    }
}

TEST_CASE("a long node list whose entries do not end is refused in seconds, not hours") {
    const std::clock_t began = std::clock(); // processor time, which other programs do not lengthen
    const auto check = [](const std::string &piece, std::size_t size) {
        std::string text = "{\"nodes\": [";
        while (text.size() < size) {
            text += piece;
        }
        CHECK_FALSE(read_list(text).ok);
    };
    for (const char *const piece : {"[", "{", "\"", "[{\"a\":1},{", "{\"a\":["}) {
        check(piece, 400'000);
    }
    // Each } is an entry of its own and costs an exception, which takes long with sanitizers. So there are only 40'000.
    // The spaces between them make the text so long that a scan of all of it for each entry is noticed.
    check("}" + std::string(99, ' '), 4'000'000);
    CHECK(std::clock() - began < 60 * CLOCKS_PER_SEC);
}

TEST_CASE("a config file is read in every form whose meaning is clear") {
    std::vector<Setting> settings;
    std::string error;
    CHECK(parse_config(
        "\xEF\xBB\xBF# a relay\r\nport = 0443\r\n\r\n  address=\"::\" # all\nkey-file = 'a # b'\njson = true", settings,
        error));
    REQUIRE(settings.size() == 4);
    CHECK((settings[0].name == "port" && settings[0].value == "0443" && settings[0].line == 2));
    CHECK((settings[1].name == "address" && settings[1].value == "::" && settings[1].line == 4));
    CHECK((settings[2].name == "key-file" && settings[2].value == "a # b"));
    CHECK((settings[3].name == "json" && settings[3].value == "true" && settings[3].line == 6));
    CHECK(parse_config("", settings, error));
    CHECK(settings.empty());
}

TEST_CASE("a wrong line of a config file is an error with the number of the line") {
    std::vector<Setting> settings{{"before", "1", 1}};
    std::string error;
    for (const std::string &line :
         {std::string{"port ="}, std::string{"port"}, std::string{"key-file = \"\""}, std::string{"port = # 443"},
          std::string{"= 443"}, std::string{"[relay]"}, std::string{"port = \"443"}, std::string{"port = \"443\" 7"},
          std::string{"Port = 443"}, std::string{"a b = 443"}, std::string("port = 4\0", 9),
          std::string{"max-clients = 7"}, std::string{"\xEF\xBB\xBFport = 443"}}) {
        INFO(line);
        CHECK_FALSE(parse_config("max-clients = 7\n" + line + "\njson = true\n", settings, error));
        INFO(error);
        CHECK(error.starts_with("line 2: "));
        CHECK(has(error, "llowed is "));
        CHECK(settings.size() == 1);
    }
    CHECK_FALSE(parse_config("\xFF\xFEp\0o\0", settings, error));
    CHECK(has(error, "UTF-16"));
}
