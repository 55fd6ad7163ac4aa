#include "relay/proxy.h"

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "wire/inet.h"

namespace toxtcp {

namespace {

constexpr std::uint8_t SOCKS5_VERSION = 5;

std::string_view text(Bytes bytes) {
    return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

} // namespace

std::size_t print_http_connect(const Ip_Port &relay, Mutable_Bytes out) {
    // Not by way of strings: a relay is connected again from within the tick, where memory may be short.
    const bool v6 = relay.family == Family::ipv6;
    std::array<char, INET6_ADDRSTRLEN> ip{};
    inet_ntop(v6 ? AF_INET6 : AF_INET, relay.ip.data(), ip.data(), ip.size());
    std::array<char, 80> host;
    std::snprintf(host.data(), host.size(), v6 ? "[%s]:%u" : "%s:%u", ip.data(), unsigned{relay.port});
    const int size = std::snprintf(reinterpret_cast<char *>(out.data()), out.size(),
                                   "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", host.data(), host.data());
    return static_cast<std::size_t>(size);
}

std::size_t print_socks5_greeting(Mutable_Bytes out) {
    out[0] = SOCKS5_VERSION;
    out[1] = 1; // one method is offered:
    out[2] = 0; // no authentication
    return 3;
}

std::size_t print_socks5_request(const Ip_Port &relay, Mutable_Bytes out) {
    const std::size_t length = relay.family == Family::ipv6 ? 16 : 4;
    out[0] = SOCKS5_VERSION;
    out[1] = 1; // connect
    out[2] = 0;
    out[3] = relay.family == Family::ipv6 ? 4 : 1;
    std::copy_n(relay.ip.begin(), length, out.begin() + 4);
    out[4 + length] = static_cast<std::uint8_t>(relay.port >> 8);
    out[5 + length] = static_cast<std::uint8_t>(relay.port & 0xFF);
    return 6 + length;
}

Proxy_Answer parse_http_answer(Bytes answer) {
    const std::string_view line = text(answer);
    // "HTTP/1.1 200": every byte is judged as soon as it is there, so that what is no proxy is left at once.
    constexpr std::string_view shape = "HTTP/1.# ###";
    for (std::size_t i = 0; i < std::min(line.size(), shape.size()); ++i) {
        if (shape[i] == '#' ? !is_digit(line[i]) : line[i] != shape[i]) {
            return Proxy_Answer::malformed;
        }
    }
    if (line.size() >= shape.size() && line[9] != '2') {
        return Proxy_Answer::refused;
    }
    if (line.size() > shape.size() && line[shape.size()] != ' ' && line[shape.size()] != '\r') {
        return Proxy_Answer::malformed;
    }
    return line.ends_with("\r\n\r\n") ? Proxy_Answer::granted : Proxy_Answer::incomplete;
}

Proxy_Answer parse_socks5_greeting(Bytes answer) {
    if (!answer.empty() && answer[0] != SOCKS5_VERSION) {
        return Proxy_Answer::malformed;
    }
    if (answer.size() < 2) {
        return Proxy_Answer::incomplete;
    }
    return answer[1] == 0 ? Proxy_Answer::granted : Proxy_Answer::refused;
}

Proxy_Answer parse_socks5_answer(Bytes answer) {
    if (!answer.empty() && answer[0] != SOCKS5_VERSION) {
        return Proxy_Answer::malformed;
    }
    if (answer.size() >= 2 && answer[1] != 0) {
        return Proxy_Answer::refused;
    }
    if (answer.size() >= 3 && answer[2] != 0) {
        return Proxy_Answer::malformed;
    }
    if (answer.size() < 5) {
        return Proxy_Answer::incomplete;
    }
    std::size_t address = 0;
    switch (answer[3]) {
    case 1:
        address = 4;
        break;
    case 3:
        address = std::size_t{1} + answer[4];
        break;
    case 4:
        address = 16;
        break;
    default:
        return Proxy_Answer::malformed;
    }
    return answer.size() < 4 + address + 2 ? Proxy_Answer::incomplete : Proxy_Answer::granted;
}

} // namespace toxtcp
