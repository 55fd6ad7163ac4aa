#include "relay/proxy.h"

#include <algorithm>
#include <cstdio>

#include "wire/base64.h"
#include "wire/inet.h"

namespace toxtcp {

namespace {

constexpr std::uint8_t SOCKS5_VERSION = 5;
constexpr std::uint8_t PASSWORD_VERSION = 1;
constexpr std::uint8_t NO_AUTHENTICATION = 0;
constexpr std::uint8_t BY_PASSWORD = 2;
constexpr std::uint16_t NO_ACCEPTABLE_METHOD = 0xFF;
constexpr std::size_t MAX_NAME = 255; ///< length of a host name, user or password: SOCKS5 has one byte for it

bool is_digit(std::uint8_t c) {
    return c >= '0' && c <= '9';
}

std::uint8_t lower(std::uint8_t c) {
    return c >= 'A' && c <= 'Z' ? static_cast<std::uint8_t>(c + 'a' - 'A') : c;
}

/// Writes to a buffer that is known to be large enough. Strings are not used, since they allocate: relays are connected
/// again from within the tick, where memory may be short.
struct Writer {
    Mutable_Bytes out;
    std::size_t size = 0;

    void byte(std::uint8_t value) { out[size++] = value; }
    void text(std::string_view value) {
        std::copy(value.begin(), value.end(), out.begin() + static_cast<std::ptrdiff_t>(size));
        size += value.size();
    }
    /// The length in one byte, then the text.
    void counted(std::string_view value) {
        byte(static_cast<std::uint8_t>(value.size()));
        text(value);
    }
};

/// "192.0.2.1:443", "[2001:db8::1]:443" or "name:443".
void encode_host_port(const Proxy_Target &target, Writer &writer) {
    const bool v6 = target.name.empty() && target.address.family == Family::ipv6;
    std::array<char, INET6_ADDRSTRLEN> ip{};
    std::string_view host = target.name;
    if (host.empty()) {
        inet_ntop(v6 ? AF_INET6 : AF_INET, target.address.ip.data(), ip.data(), ip.size());
        host = ip.data();
    }
    std::array<char, 8> port{};
    std::snprintf(port.data(), port.size(), ":%u", unsigned{target.address.port});
    writer.text(v6 ? "[" : "");
    writer.text(host);
    writer.text(v6 ? "]" : "");
    writer.text(port.data());
}

void encode_basic(const Proxy &proxy, Writer &writer) {
    std::array<std::uint8_t, 2 * MAX_NAME + 1> plain;
    Writer pair{plain};
    pair.text(proxy.user);
    pair.text(":");
    pair.text(proxy.password);
    std::array<char, base64_size(2 * MAX_NAME + 1)> coded;
    encode_base64(Bytes{plain}.first(pair.size), coded);
    writer.text("Proxy-Authorization: Basic ");
    writer.text(coded.data());
    writer.text("\r\n");
    wipe(plain.data(), plain.size());
    wipe(coded.data(), coded.size());
}

/// What a status code means. After 1xx another status line follows. 2xx grants, but only at the end of the headers.
Proxy_Answer answer_for_status(std::uint16_t status) {
    if (status / 100 <= 2) {
        return Proxy_Answer::incomplete;
    }
    return status == 407 || status == 401 ? Proxy_Answer::authentication_failed : Proxy_Answer::refused;
}

/// Reads the next byte of "HTTP/1.1 200 Connection established". Each byte is checked at once, so that a server that is
/// no proxy is found early. Real proxies write the name in upper or lower case, and more than one space.
Proxy_Answer read_status_line(Http_Answer &answer, std::uint8_t byte) {
    constexpr std::string_view name = "http/";
    constexpr std::uint8_t VERSION = name.size();
    constexpr std::uint8_t SPACE = VERSION + 1;
    constexpr std::uint8_t FIRST_DIGIT = SPACE + 1;
    constexpr std::uint8_t AFTER_DIGITS = FIRST_DIGIT + 3;
    const bool is_space = byte == ' ' || byte == '\t';
    bool fits = true;
    if (answer.state < VERSION) {
        fits = lower(byte) == static_cast<std::uint8_t>(name[answer.state]);
        ++answer.state;
    } else if (answer.state == VERSION) {
        fits = is_digit(byte);
        ++answer.state;
    } else if (answer.state == SPACE) {
        fits = is_digit(byte) || byte == '.' || is_space;
        answer.state = static_cast<std::uint8_t>(answer.state + is_space);
        answer.status = 0;
    } else if (answer.state < AFTER_DIGITS) {
        const bool is_early = is_space && answer.state == FIRST_DIGIT;
        fits = is_digit(byte) || is_early;
        if (!is_early) {
            answer.status = static_cast<std::uint16_t>(10 * answer.status + byte - '0');
            ++answer.state;
        }
    } else if (answer.state == AFTER_DIGITS) {
        fits = (is_space || byte == '\r' || byte == '\n') && answer.status >= 100;
        ++answer.state;
        if (fits && answer_for_status(answer.status) != Proxy_Answer::incomplete) {
            return answer_for_status(answer.status);
        }
    }
    if (!fits) {
        return Proxy_Answer::malformed;
    }
    if (byte == '\n') { // the headers begin
        answer.state = UINT8_MAX;
        answer.in_header = false;
    }
    return Proxy_Answer::incomplete;
}

} // namespace

std::size_t encode_http_connect(const Proxy &proxy, const Proxy_Target &target, Mutable_Bytes out) {
    Writer writer{out};
    writer.text("CONNECT ");
    encode_host_port(target, writer);
    writer.text(" HTTP/1.1\r\nHost: ");
    encode_host_port(target, writer);
    writer.text("\r\n");
    if (!proxy.user.empty()) {
        encode_basic(proxy, writer);
    }
    writer.text("\r\n");
    return writer.size;
}

std::size_t encode_socks5_greeting(const Proxy &proxy, Mutable_Bytes out) {
    Writer writer{out};
    writer.byte(SOCKS5_VERSION);
    writer.byte(proxy.user.empty() ? 1 : 2); // number of methods that follow
    writer.byte(NO_AUTHENTICATION);
    if (!proxy.user.empty()) {
        writer.byte(BY_PASSWORD);
    }
    return writer.size;
}

std::size_t encode_socks5_password(const Proxy &proxy, Mutable_Bytes out) {
    Writer writer{out};
    writer.byte(PASSWORD_VERSION);
    writer.counted(proxy.user);
    writer.counted(proxy.password);
    return writer.size;
}

std::size_t encode_socks5_request(const Proxy_Target &target, Mutable_Bytes out) {
    const bool v6 = target.address.family == Family::ipv6;
    Writer writer{out};
    writer.byte(SOCKS5_VERSION);
    writer.byte(1); // connect
    writer.byte(0);
    if (!target.name.empty()) {
        writer.byte(3);
        writer.counted(target.name);
    } else {
        writer.byte(v6 ? 4 : 1);
        writer.text({reinterpret_cast<const char *>(target.address.ip.data()), v6 ? 16U : 4U});
    }
    writer.byte(static_cast<std::uint8_t>(target.address.port >> 8));
    writer.byte(static_cast<std::uint8_t>(target.address.port & 0xFF));
    return writer.size;
}

Proxy_Answer read_http_answer(Http_Answer &answer, std::uint8_t byte) {
    if (answer.size == MAX_PROXY_ANSWER) {
        return Proxy_Answer::malformed;
    }
    ++answer.size;
    if (answer.state != UINT8_MAX) {
        return read_status_line(answer, byte);
    }
    if (byte == '\n') { // line ends are CR LF, or LF alone
        const bool is_end = !answer.in_header;
        answer.in_header = false;
        if (is_end && answer.status >= 200) {
            return Proxy_Answer::granted;
        }
        answer.state = is_end ? 0 : UINT8_MAX; // after 1xx another status line follows
    } else if (byte != '\r') {
        answer.in_header = true;
    }
    return Proxy_Answer::incomplete;
}

Proxy_Answer parse_socks5_greeting(const Proxy &proxy, Bytes answer, std::uint16_t &status) {
    if (!answer.empty() && answer[0] != SOCKS5_VERSION) {
        return Proxy_Answer::malformed;
    }
    if (answer.size() < 2) {
        return Proxy_Answer::incomplete;
    }
    if (answer[1] == NO_AUTHENTICATION) {
        return Proxy_Answer::granted;
    }
    if (answer[1] == BY_PASSWORD && !proxy.user.empty()) {
        return Proxy_Answer::password_requested;
    }
    // Without a user, a user is what the proxy misses. The code tells the other case from a wrong password.
    status = proxy.user.empty() ? status : NO_ACCEPTABLE_METHOD;
    return Proxy_Answer::authentication_failed;
}

Proxy_Answer parse_socks5_password(Bytes answer) {
    if (answer.size() < 2) {
        return Proxy_Answer::incomplete; // the version byte is not checked, since proxies differ in it
    }
    return answer[1] == 0 ? Proxy_Answer::granted : Proxy_Answer::authentication_failed;
}

Proxy_Answer parse_socks5_answer(Bytes answer, std::uint16_t &status) {
    if (!answer.empty() && answer[0] != SOCKS5_VERSION) {
        return Proxy_Answer::malformed;
    }
    if (answer.size() >= 2 && answer[1] != 0) {
        status = answer[1];
        return Proxy_Answer::refused;
    }
    if (answer.size() < 5) {
        return Proxy_Answer::incomplete;
    }
    std::size_t address = 0;
    switch (answer[3]) {
    case 0: // no type: some proxies write 0 and a zero address of four bytes
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

bool proxy_is_usable(const Proxy &proxy) {
    if (proxy.type == Proxy_Type::none) {
        return true;
    }
    const bool addressed = proxy.address.family == Family::ipv4 || proxy.address.family == Family::ipv6;
    const bool fits = proxy.user.size() <= MAX_NAME && proxy.password.size() <= MAX_NAME;
    const bool is_whole = !proxy.user.empty() || proxy.password.empty();
    // Basic authentication separates user and password by a colon.
    const bool is_split = proxy.type == Proxy_Type::http && proxy.user.find(':') != std::string::npos;
    return proxy.type <= Proxy_Type::socks5 && addressed && proxy.address.port != 0 && fits && is_whole && !is_split;
}

bool is_host_name(std::string_view name) {
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
               c == '_';
    };
    return !name.empty() && name.size() <= MAX_NAME && std::all_of(name.begin(), name.end(), fits);
}

} // namespace toxtcp
