// Files that are read and written whole.
#pragma once

#include <string>
#include <string_view>

namespace toxtcp {

/// The content of a file or a pipe, which is waited for as long as it takes. False, with `error`.
[[nodiscard]] bool read_whole_file(const std::string &path, std::string &text, std::string &error);

/// Writes the text to this file, in the place of what was there. Who reads it sees the old or the new text, never a part:
/// a new file takes the old one's name, its owner and its mode. Links stay, and what they lead to is written.
/// What is no regular file (a device, a pipe) and what is open already (/dev/stdout) is written to. So is a file that has
/// several names, or that may be written but not replaced by another (its owner or its folder forbids it): such a one may
/// be seen half written, if at no other time. False, with `error`.
[[nodiscard]] bool replace_file(const std::string &path, const std::string &text, std::string &error);

/// Where the chain of symbolic links that begins at `path` ends; there may be nothing there. What is open already
/// (/proc/self/fd) is not followed.
[[nodiscard]] std::string follow_links(std::string path);

} // namespace toxtcp
