// Numbers, times, ports, keys and addresses as people write them: in options, config files, node lists and
// HOST:PORT:KEY. Each function answers false, and leaves the result as it was, for a text that is none. `error` then
// names the text, what is wrong with it, and what is allowed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <toxtcp/types.h>

namespace toxtcp {

/// A whole number, as decimal digits; zeros in front change nothing.
[[nodiscard]] bool read_number(std::string_view text, std::uint64_t least, std::uint64_t most, std::uint64_t &number,
                               std::string &error);

/// Seconds, as decimal digits with at most one point.
[[nodiscard]] bool read_seconds(std::string_view text, double least, double most, double &seconds, std::string &error);

/// A port that can be connected to: 1 to 65535.
[[nodiscard]] bool read_port(std::string_view text, std::uint16_t &port, std::string &error);

/// A public key, as 64 hexadecimal digits. It comes out canonical, and is none of those that nobody can have.
[[nodiscard]] bool read_key(std::string_view text, Public_Key &key, std::string &error);

/// A host as people name it.
struct Host_Name {
    std::string text;             ///< without brackets
    Family family = Family::none; ///< of a numeric address; none: a name
};

/// A name, an IPv4 address, or an IPv6 address with or without brackets. An address with a zone is refused, and so is a
/// link-local one, which needs a zone: the library's addresses have none.
[[nodiscard]] bool read_host(std::string_view text, Host_Name &host, std::string &error);

/// The same, numeric addresses alone.
[[nodiscard]] bool read_numeric_host(std::string_view text, Host_Name &host, std::string &error);

/// The name of a file: anything but nothing, and without a zero byte.
[[nodiscard]] bool read_file_name(std::string_view text, std::string &name, std::string &error);

/// The text without spaces, tabs and line ends around it.
[[nodiscard]] std::string_view trimmed(std::string_view text);

/// The text in quotation marks, printable, and cut when it is long: for an error.
[[nodiscard]] std::string in_quotes(std::string_view text);

} // namespace toxtcp
