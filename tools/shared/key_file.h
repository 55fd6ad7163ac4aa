// Files that hold one secret key: 64 hexadecimal digits and a newline, readable by their owner only.
#pragma once

#include <string>

#include <toxtcp/types.h>

namespace toxtcp {

enum class Key_File : std::uint8_t { ok, missing, failed };

/// Reads a key file. For `failed`, `error` says what is wrong and what to do. For `ok`, `error` is set only if other
/// users can read the file too. For `missing` (there is no such file) it is not set.
[[nodiscard]] Key_File read_key_file(const std::string &path, Secret_Key &key, std::string &error);

/// Makes a key and writes it to a new file of mode 0600. False, with `error`, when that fails or the file exists.
[[nodiscard]] bool create_key_file(const std::string &path, Secret_Key &key, std::string &error);

/// Reads the key from this file; if the file does not exist, makes a key and the file. For an empty path, makes a key
/// and no file. False, with `error`, when that fails. `error` may also be set on success: it then says what to do about
/// the file.
[[nodiscard]] bool load_key(const std::string &path, Secret_Key &key, std::string &error);

/// The text of a key file. The caller wipes it.
[[nodiscard]] std::string key_file_text(const Secret_Key &key);

} // namespace toxtcp
