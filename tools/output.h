// Standard output, as every command writes to it.
#pragma once

#include <string>
#include <string_view>

namespace toxtcp {

/// Gives standard input, output and error a descriptor where the caller left none, so that no socket and no file takes
/// their numbers. Reading and writing these fails. To be called first.
void fill_standard_descriptors();

/// Prints all of it at once. False when that fails, with `error`; or when a signal came first at the descriptor
/// `signals` (signals.h), and then `error` is empty.
[[nodiscard]] bool print(std::string_view text, std::string &error, int signals = -1);

/// Whether what is printed has no reader any more: the pipe is closed at its other end, or the terminal is gone. `error`
/// says so.
[[nodiscard]] bool reader_is_gone(std::string &error);

/// Whether standard output was closed when the program started. `error` says so.
[[nodiscard]] bool output_is_closed(std::string &error);

/// Writes all of it. False with errno: ETIMEDOUT when the descriptor, which does not block, took nothing for so long.
[[nodiscard]] bool write_all(int descriptor, std::string_view text, int patience_ms = -1);

} // namespace toxtcp
