// Files read whole, and replaced whole: whoever reads one sees the old one or the new one, never half.
#pragma once

#include <string>

namespace toxtcp {

/// The file's bytes, up to 64 MiB. From a Unix socket at that path: all that it says until it closes. False, with
/// `error`, when there is no such file, or what keeps it from being read.
[[nodiscard]] bool read_whole_file(const std::string &path, std::string &text, std::string &error);

/// Writes a new file beside it, and renames that. False, with `error`.
[[nodiscard]] bool replace_file(const std::string &path, const std::string &text, std::string &error);

} // namespace toxtcp
