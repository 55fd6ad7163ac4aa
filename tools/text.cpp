#include "text.h"

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

std::string printable(std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return text;
}

std::string short_key(const std::string &key) {
    return key.substr(0, SHORT_KEY_DIGITS);
}

} // namespace toxtcp
