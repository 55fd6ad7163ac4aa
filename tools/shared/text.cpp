#include "tools/shared/text.h"

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>

namespace toxtcp {

namespace {

constexpr std::size_t SHORT_KEY_DIGITS = 12;

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

std::string short_key(const std::string &key) {
    return key.substr(0, SHORT_KEY_DIGITS);
}

} // namespace toxtcp
