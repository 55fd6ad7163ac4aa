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

/// "3.1 s", "75 s", "12 min", "30 h": in at most 7 characters up to eleven years.
[[nodiscard]] std::string duration(std::uint64_t ms);

/// "12 ms", or a duration from a second on; "-" for 0, which stands for a time that is not known.
[[nodiscard]] std::string round_trip(std::uint64_t ms);

/// The text with a question mark for every byte that is no printable ASCII: what others wrote must not steer a terminal.
[[nodiscard]] std::string printable(std::string text);

/// The first digits of a key, which tell it from the others that one meets.
[[nodiscard]] std::string short_key(const std::string &key);

} // namespace toxtcp
