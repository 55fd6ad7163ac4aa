#include "tools/shared/values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

#include <arpa/inet.h>

#include "tools/shared/text.h"

namespace toxtcp {

namespace {

constexpr std::size_t MAX_QUOTED = 80; ///< most characters of a wrong value that an error quotes: more than a key has
constexpr std::size_t KEY_DIGITS = 2 * KEY_SIZE;
constexpr std::size_t TOX_ID_DIGITS = KEY_DIGITS + 12; ///< a key, 4 bytes of nospam and a checksum of 2
constexpr std::size_t MAX_NAME = 253;                  ///< characters of a host name (DNS)
constexpr std::size_t MAX_LABEL = 63;                  ///< characters between two dots (DNS)

constexpr const char *KEY_ALLOWED = "a public key of 64 hexadecimal digits";
constexpr const char *HOST_ALLOWED = "a host name, an IPv4 address or an IPv6 address";

bool refuse(std::string_view text, const std::string &what, const std::string &allowed, std::string &error) {
    error = in_quotes(text) + " is wrong: " + what + ". Allowed is " + allowed;
    return false;
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_hex_digit(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// Describes the first character for which `is_allowed` is false: "character 3 is no digit". Empty if all are allowed.
template <class Is_Allowed>
std::string first_wrong_character(std::string_view text, Is_Allowed is_allowed, const char *wanted) {
    const auto wrong = std::find_if_not(text.begin(), text.end(), is_allowed);
    return wrong == text.end() ? std::string{}
                               : "character " + std::to_string(wrong - text.begin() + 1) + " is no " + wanted;
}

// ---- hosts -----------------------------------------------------------------------------------------------------

bool is_ipv4(const std::string &text) {
    std::array<std::uint8_t, 4> ip;
    return inet_pton(AF_INET, text.c_str(), ip.data()) == 1;
}

/// What is wrong with an IPv6 address; empty if nothing.
std::string ipv6_fault(const std::string &text) {
    if (text.find('%') != std::string::npos) {
        return "it has a zone (what follows %), and an address of a relay cannot hold one";
    }
    std::array<std::uint8_t, 16> ip;
    if (inet_pton(AF_INET6, text.c_str(), ip.data()) != 1) {
        return "it is no IPv6 address";
    }
    const bool link_local = ip[0] == 0xFE && (ip[1] & 0xC0U) == 0x80;
    return link_local ? "it is link-local, which needs a zone (%eth0), and an address of a relay cannot hold one" : "";
}

/// Whether the system's resolver would read the text as an IPv4 address, in any of its forms (192.0.2.1, 0x7F.1): the
/// part behind the last dot is a number.
bool looks_like_ipv4(std::string_view text) {
    const std::string_view last = text.substr(text.rfind('.') + 1); // the whole text if it has no dot
    const bool hexadecimal = last.starts_with("0x") || last.starts_with("0X");
    return !last.empty() && (hexadecimal || std::all_of(last.begin(), last.end(), is_digit));
}

/// What is wrong with a host name; empty if nothing.
std::string name_fault(std::string_view text) {
    if (text.find("://") != std::string_view::npos) {
        return "it is a URL";
    }
    if (std::any_of(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; })) {
        return "it has letters beyond ASCII: write the form that begins with xn--";
    }
    if (text.size() > MAX_NAME) {
        return "it is longer than " + std::to_string(MAX_NAME) + " characters";
    }
    // Underscores are not allowed in host names, but are in use.
    const auto is_allowed = [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_'; };
    if (std::string fault = first_wrong_character(text, is_allowed, "letter, digit, dot or hyphen"); !fault.empty()) {
        return fault;
    }
    const std::string_view name = text.ends_with('.') ? text.substr(0, text.size() - 1) : text;
    for (std::size_t at = 0; at <= name.size();) {
        const std::size_t end = std::min(name.find('.', at), name.size());
        if (end == at || end - at > MAX_LABEL) {
            return "between two of its dots there is nothing, or more than " + std::to_string(MAX_LABEL) +
                   " characters";
        }
        at = end + 1;
    }
    return "";
}

} // namespace

bool read_number(std::string_view text, std::uint64_t least, std::uint64_t most, std::uint64_t &number,
                 std::string &error) {
    const std::string allowed = "a whole number from " + std::to_string(least) + " to " + std::to_string(most);
    if (text.empty()) {
        return refuse(text, "it is empty", allowed, error);
    }
    if (const std::string fault = first_wrong_character(text, is_digit, "digit"); !fault.empty()) {
        return refuse(text, fault, allowed, error);
    }
    std::uint64_t read = 0;
    const bool fits = std::from_chars(text.data(), text.data() + text.size(), read).ec == std::errc{};
    if (!fits || read > most) {
        return refuse(text, "it is too large", allowed, error);
    }
    if (read < least) {
        return refuse(text, "it is too small", allowed, error);
    }
    number = read;
    return true;
}

bool read_seconds(std::string_view text, double least, double most, double &seconds, std::string &error) {
    const std::string allowed = format("a number of seconds from %g to %g", least, most);
    bool has_point = false;
    const auto is_allowed = [&has_point](char c) {
        const bool first_point = c == '.' && !has_point;
        has_point = has_point || first_point;
        return is_digit(c) || first_point;
    };
    if (std::none_of(text.begin(), text.end(), is_digit)) {
        return refuse(text, text.empty() ? "it is empty" : "it has no digit", allowed, error);
    }
    if (const std::string fault = first_wrong_character(text, is_allowed, "digit"); !fault.empty()) {
        return refuse(text, fault, allowed, error);
    }
    // Not from_chars, which libc++ has for whole numbers only. The program never leaves the locale "C".
    const double read = std::strtod(std::string{text}.c_str(), nullptr);
    if (read > most || read < least) {
        return refuse(text, read < least ? "it is too small" : "it is too large", allowed, error);
    }
    seconds = read;
    return true;
}

bool read_port(std::string_view text, std::uint16_t &port, std::string &error) {
    std::uint64_t number = 0;
    if (!read_number(text, 1, UINT16_MAX, number, error)) {
        return false;
    }
    port = static_cast<std::uint16_t>(number);
    return true;
}

bool read_key(std::string_view text, Public_Key &key, std::string &error) {
    if (const std::string fault = first_wrong_character(text, is_hex_digit, "hexadecimal digit"); !fault.empty()) {
        return refuse(text, fault, KEY_ALLOWED, error);
    }
    Public_Key read;
    if (!parse_public_key(std::string{text}, read)) {
        return refuse(text,
                      text.size() == TOX_ID_DIGITS ? "it is as long as a Tox ID, which is another thing"
                                                   : "it has " + std::to_string(text.size()) + " digits",
                      KEY_ALLOWED, error);
    }
    read = canonical_key(read);
    if (is_weak_key(read)) {
        return refuse(text, "it is one of the few keys that nobody can have",
                      std::string{KEY_ALLOWED} + ", not of low order", error);
    }
    key = read;
    return true;
}

bool read_host(std::string_view text, Host_Name &host, std::string &error) {
    const bool bracketed = text.size() >= 2 && text.front() == '[' && text.back() == ']';
    Host_Name read{std::string{bracketed ? text.substr(1, text.size() - 2) : text}, Family::none};
    std::string fault;
    if (read.text.empty()) {
        fault = "it is empty";
    } else if (read.text.find('\0') != std::string::npos) {
        fault = "it has a zero byte"; // the system would end the name there
    } else if (bracketed || (read.text.find(':') != std::string::npos && read.text.find("://") == std::string::npos)) {
        fault = ipv6_fault(read.text);
        read.family = Family::ipv6;
    } else if (looks_like_ipv4(read.text)) {
        fault = is_ipv4(read.text) ? "" : "it is no IPv4 address of four numbers from 0 to 255";
        read.family = Family::ipv4;
    } else {
        fault = name_fault(read.text);
    }
    if (!fault.empty()) {
        return refuse(text, fault, HOST_ALLOWED, error);
    }
    host = std::move(read);
    return true;
}

bool read_numeric_host(std::string_view text, Host_Name &host, std::string &error) {
    Host_Name read;
    if (!read_host(text, read, error)) {
        return false;
    }
    if (read.family == Family::none) {
        return refuse(text, "it is a name", "a numeric IPv4 or IPv6 address", error);
    }
    host = std::move(read);
    return true;
}

bool read_file_name(std::string_view text, std::string &name, std::string &error) {
    if (text.empty() || text.find('\0') != std::string_view::npos) {
        return refuse(text, text.empty() ? "it is empty" : "it has a zero byte", "the name of a file", error);
    }
    name = text;
    return true;
}

std::string_view trimmed(std::string_view text) {
    const std::size_t begin = std::min(text.find_first_not_of(SPACES), text.size());
    const std::size_t end = text.find_last_not_of(SPACES);
    return end == std::string_view::npos ? std::string_view{} : text.substr(begin, end + 1 - begin);
}

std::string in_quotes(std::string_view text) {
    const bool is_long = text.size() > MAX_QUOTED;
    return '"' + printable(std::string{text.substr(0, MAX_QUOTED)}) + (is_long ? "...\"" : "\"");
}

} // namespace toxtcp
