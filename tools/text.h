// What printing needs and the standard library lacks.
#pragma once

#include <cstdint>
#include <string>

namespace toxtcp {

/// What %llu wants.
using Count = unsigned long long;

/// As printf, into a string; what is longer than 511 bytes is cut.
[[nodiscard, gnu::format(printf, 1, 2)]] std::string format(const char *pattern, ...);

[[nodiscard]] inline double seconds(std::uint64_t us) {
    return static_cast<double>(us) / 1e6;
}

[[nodiscard]] inline double milliseconds(std::uint64_t us) {
    return static_cast<double>(us) / 1e3;
}

/// The text with a question mark for every byte that is no printable ASCII: what others wrote must not steer a terminal.
[[nodiscard]] std::string printable(std::string text);

/// The first digits of a key, which tell it from the others that one meets.
[[nodiscard]] std::string short_key(const std::string &key);

} // namespace toxtcp
