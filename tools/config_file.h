// Options from a file: `name = value`, one a line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace toxtcp {

struct Setting {
    std::string name;
    std::string value;
    std::size_t line = 0;
};

/// Reads the text of such a file. A value may stand in quotation marks ("..." or '...'); # begins a comment; a byte-order
/// mark, and line ends of either kind, are taken. Each name stands there once, with a value that is not empty. False, with
/// `error` that begins with the line.
[[nodiscard]] bool parse_config(std::string_view text, std::vector<Setting> &settings, std::string &error);

} // namespace toxtcp
