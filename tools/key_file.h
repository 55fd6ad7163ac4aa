// Files that hold one secret key: 64 hexadecimal digits and a newline, readable by their owner only.
#pragma once

#include <string>

#include <toxtcp/types.h>

namespace toxtcp {

enum class Key_File : std::uint8_t { ok, missing, failed };

/// Reads a key file. `error` says what is wrong, and what to do, unless it is just missing; and when the key was read
/// but others can read it too, so says `error`.
[[nodiscard]] Key_File read_key_file(const std::string &path, Secret_Key &key, std::string &error);

/// Draws a key and writes it to a new file of mode 0600. False, with `error`, when that fails or the file is there.
[[nodiscard]] bool create_key_file(const std::string &path, Secret_Key &key, std::string &error);

/// The key in this file, which is made when it does not exist; a fresh one, in no file, for an empty path. False, with
/// `error`, when that fails; `error` may also say what should be done about a key that was read.
[[nodiscard]] bool load_key(const std::string &path, Secret_Key &key, std::string &error);

/// The text of a key file. The caller wipes it.
[[nodiscard]] std::string print_key_file(const Secret_Key &key);

} // namespace toxtcp
