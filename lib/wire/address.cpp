// Converts addresses to text and back.

#include <charconv>

#include <toxtcp/types.h>

#include "wire/inet.h"

namespace toxtcp {

namespace {

bool is_ipv6(Family family) {
    return family == Family::ipv6 || family == Family::tcp_ipv6;
}

} // namespace

std::string to_string(const Ip_Port &address) {
    if (address.family == Family::none) {
        return "none";
    }
    const bool v6 = is_ipv6(address.family);
    char text[INET6_ADDRSTRLEN] = "";
    inet_ntop(v6 ? AF_INET6 : AF_INET, address.ip.data(), text, sizeof text);
    std::string result = v6 ? "[" : "";
    result += text;
    result += v6 ? "]:" : ":";
    return result += std::to_string(address.port);
}

bool parse_ip_port(const std::string &text, Ip_Port &address) {
    const std::size_t colon = text.rfind(':');
    // inet_pton would ignore the text after a zero byte.
    if (colon == std::string::npos || text.find('\0') != std::string::npos) {
        return false;
    }
    std::string host = text.substr(0, colon);
    Ip_Port read;
    const char *const end = text.data() + text.size();
    const auto [last, error] = std::from_chars(text.data() + colon + 1, end, read.port);
    if (error != std::errc() || last != end) {
        return false;
    }
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
        read.family = Family::ipv6;
    } else {
        read.family = Family::ipv4;
    }
    if (inet_pton(read.family == Family::ipv6 ? AF_INET6 : AF_INET, host.c_str(), read.ip.data()) != 1) {
        return false;
    }
    address = read;
    return true;
}

} // namespace toxtcp
