// The format of a file of options: `name = value`, one on each line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace toxtcp {

struct Setting {
    std::string name;
    std::string value;
    std::size_t line = 0; ///< line in the file, from 1 on
};

/// Reads the text of a file of options. A value may stand in quotation marks ("..." or '...'), and # begins a comment.
/// A byte-order mark is allowed, and so are both kinds of line ends. Refused are a name that is set twice and an empty
/// value. On failure the result is false, and `error` begins with the number of the line.
[[nodiscard]] bool parse_config(std::string_view text, std::vector<Setting> &settings, std::string &error);

} // namespace toxtcp
