#include "tools/shared/text.h"

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>

namespace toxtcp {

namespace {

constexpr std::size_t SHORT_KEY_DIGITS = 12;

/// The size of the first character of the text, in bytes; 0 if it is a control character or not UTF-8.
std::size_t character_size(std::string_view text) {
    const auto byte = [text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
    const unsigned first = byte(0);
    if (first < 0x80) {
        return first < ' ' || first == 0x7F ? 0 : 1;
    }
    if (first < 0xC2 || first > 0xF4) {
        return 0;
    }
    const std::size_t size = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xC0U) != 0x80) {
            return 0;
        }
    }
    // U+0080 to U+009F are control characters. A character that is longer than needed may hide one.
    const bool is_control = first == 0xC2 && byte(1) < 0xA0;
    const bool is_too_long = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
    return is_control || is_too_long ? 0 : size;
}

} // namespace

std::string format(const char *pattern, ...) {
    std::array<char, 512> text;
    va_list arguments;
    va_start(arguments, pattern);
    const int size = std::vsnprintf(text.data(), text.size(), pattern, arguments);
    va_end(arguments);
    return {text.data(), std::min(static_cast<std::size_t>(std::max(size, 0)), text.size() - 1)};
}

std::string duration(std::uint64_t ms) {
    if (ms < 10'000) {
        return format("%.1f s", static_cast<double>(ms) / 1e3);
    }
    const Count seconds = ms / 1'000;
    if (seconds < 600) {
        return format("%llu s", seconds);
    }
    return seconds < 36'000 ? format("%llu min", seconds / 60) : format("%llu h", seconds / 3'600);
}

std::string round_trip(std::uint64_t ms) {
    return ms == 0 ? "-" : ms < 1'000 ? format("%llu ms", Count{ms}) : duration(ms);
}

std::string printable(std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return text;
}

std::string without_controls(std::string_view text) {
    std::string shown;
    while (!text.empty()) {
        const std::size_t size = character_size(text);
        shown += size != 0 ? std::string{text.substr(0, size)}
                           : format("\\x%02x", unsigned{static_cast<unsigned char>(text.front())});
        text.remove_prefix(std::max<std::size_t>(size, 1));
    }
    return shown;
}

std::string short_key(const std::string &key) {
    return key.substr(0, SHORT_KEY_DIGITS);
}

} // namespace toxtcp
