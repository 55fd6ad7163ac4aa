// Helpers to format text for output.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace toxtcp {

/// The type that %llu expects.
using Count = unsigned long long;

/// Like `printf`, into a string. The result is cut after 511 bytes.
[[nodiscard, gnu::format(printf, 1, 2)]] std::string format(const char *pattern, ...);

[[nodiscard]] inline double seconds(std::uint64_t us) {
    return static_cast<double>(us) / 1e6;
}

[[nodiscard]] inline double milliseconds(std::uint64_t us) {
    return static_cast<double>(us) / 1e3;
}

/// "3.1 s", "75 s", "12 min", "30 h": at most 7 characters for up to eleven years.
[[nodiscard]] std::string duration(std::uint64_t ms);

/// "12 ms", or the text of `duration` from one second on. "-" for 0, which means that the time is not known.
[[nodiscard]] std::string round_trip(std::uint64_t ms);

/// The text with a question mark in place of every byte that is not printable ASCII, so that text from outside cannot
/// send control codes to a terminal.
[[nodiscard]] std::string printable(std::string text);

/// The text with every control character, and every byte that is not UTF-8, written as \xNN: letters of all languages
/// stay. For error messages, which may contain names of files and words of the command line.
[[nodiscard]] std::string without_controls(std::string_view text);

/// The first 12 digits of a key, enough to tell keys apart in practice.
[[nodiscard]] std::string short_key(const std::string &key);

} // namespace toxtcp
