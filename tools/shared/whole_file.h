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
/// replaced. Files that are not regular (a device, a pipe) or are open already (/dev/stdout) are written to, not
/// replaced. A regular file is overwritten in place if it has several names, or if this user may write it but not
/// replace it (its owner or its folder forbids that); a reader may then see a part. False, with `error`, when that
/// fails.
[[nodiscard]] bool replace_file(const std::string &path, const std::string &text, std::string &error);

/// The end of the chain of symbolic links that begins at `path`; there need not be a file. Links to files that are open
/// already (/proc/self/fd) are not followed.
[[nodiscard]] std::string follow_links(std::string path);

/// "PATH: WHAT: the system's text for errno", for an error message.
[[nodiscard]] std::string file_failure(const std::string &path, const char *what);

/// What to do about a file with a secret if other users can read the file; empty if they cannot. `secret`: "key".
[[nodiscard]] std::string exposure_warning(const std::string &path, const char *secret);

} // namespace toxtcp
