// Reads and writes whole files.
#pragma once

#include <string>
#include <string_view>

namespace toxtcp {

/// Reads all of a file or a pipe, of at most 64 MiB. Waits for a pipe's writer without limit. False, with `error`, when
/// that fails.
[[nodiscard]] bool read_whole_file(const std::string &path, std::string &text, std::string &error);

/// Replaces the content of a file by `text`. A reader sees the old or the new content, never a part: the text is
/// written to a new file, which gets the old one's name, owner and mode. A symbolic link stays, and its target is
/// replaced. Some files are written to as they are: what is no regular file (a device, a pipe), and what is open
/// already (/dev/stdout). A regular file is overwritten in place if it has several names, or if this user may write it
/// but not replace it (its owner or its folder forbids that); a reader may then see a part. False, with `error`, when
/// that fails.
[[nodiscard]] bool replace_file(const std::string &path, const std::string &text, std::string &error);

/// The end of the chain of symbolic links that begins at `path`; there need not be a file. Links to files that are open
/// already (/proc/self/fd) are not followed.
[[nodiscard]] std::string follow_links(std::string path);

/// What to do about a file with a secret if other users can read the file; empty if they cannot. `secret`: "key".
[[nodiscard]] std::string exposure_of(const std::string &path, const char *secret);

} // namespace toxtcp
