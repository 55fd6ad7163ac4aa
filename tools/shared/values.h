// Reads numbers, times, ports, keys and addresses from text: from options, config files, node lists and HOST:PORT:KEY.
// For a wrong text, each function returns false and leaves the result unchanged. `error` then names the text, what is
// wrong with it, and what is allowed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <toxtcp/types.h>

namespace toxtcp {

/// A whole number from `least` to `most`, as decimal digits. Leading zeros are allowed.
[[nodiscard]] bool read_number(std::string_view text, std::uint64_t least, std::uint64_t most, std::uint64_t &number,
                               std::string &error);

/// Seconds, as decimal digits with at most one point.
[[nodiscard]] bool read_seconds(std::string_view text, double least, double most, double &seconds, std::string &error);

/// A port that can be connected to: 1 to 65535.
[[nodiscard]] bool read_port(std::string_view text, std::uint16_t &port, std::string &error);

/// A public key, as 64 hexadecimal digits. The result is canonical. Keys of low order, which nobody can have, are
/// refused.
[[nodiscard]] bool read_key(std::string_view text, Public_Key &key, std::string &error);

/// A host as the user names it.
struct Host_Name {
    std::string text;             ///< without brackets
    Family family = Family::none; ///< the family of a numeric address; none: it is a name
};

/// A name, an IPv4 address, or an IPv6 address with or without brackets. The library's addresses have no zone, so an
/// address with a zone is refused, and so is a link-local address, which needs one.
[[nodiscard]] bool read_host(std::string_view text, Host_Name &host, std::string &error);

/// The same, but only numeric addresses.
[[nodiscard]] bool read_numeric_host(std::string_view text, Host_Name &host, std::string &error);

/// The name of a file: not empty, and without a zero byte.
[[nodiscard]] bool read_file_name(std::string_view text, std::string &name, std::string &error);

inline constexpr std::string_view SPACES = " \t\r\n";

/// The text without SPACES around it.
[[nodiscard]] std::string_view trimmed(std::string_view text);

/// The text in quotation marks, made printable and cut if it is long. For error messages.
[[nodiscard]] std::string in_quotes(std::string_view text);

} // namespace toxtcp
