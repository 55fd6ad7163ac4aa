// How every command writes to standard output and standard error.
#pragma once

#include <string>
#include <string_view>

namespace toxtcp {

/// Opens each of standard input, output and error that is closed, so that no socket and no file gets its number. To
/// read from or write to such a descriptor fails. To be called first.
void reserve_standard_descriptors();

/// Prints "toxtcp COMMAND: WHAT." to standard error, without control characters.
void print_error(const char *command, const std::string &what);

/// Prints the whole text, without a buffer. False, with `error`, when that fails. False, with an empty `error`, when a
/// signal came at the descriptor `signals` (signals.h) while the text waited for its reader.
[[nodiscard]] bool print(std::string_view text, std::string &error, int signals = -1);

/// Whether standard output has no reader any more: the other end of the pipe is closed, or the terminal is gone. If so,
/// `error` says it.
[[nodiscard]] bool reader_is_gone(std::string &error);

/// Prints for a command that runs until it is interrupted. Sets `interrupted` if a signal came. If printing fails,
/// prints an error message and sets `interrupted` and `print_failed`; with `print_failed` set, prints nothing. Returns
/// whether the text was printed.
bool print_until_interrupted(const char *command, std::string_view text, int signals, bool &interrupted,
                             bool &print_failed);

/// If standard output has no reader any more and `print_failed` is not set: prints an error message and sets both.
void stop_if_reader_is_gone(const char *command, bool &interrupted, bool &print_failed);

/// Whether standard output was closed when the program started. If so, `error` says it.
[[nodiscard]] bool output_is_closed(std::string &error);

/// Writes the whole text. On failure false, and errno is set: to ETIMEDOUT when a descriptor that does not block took
/// nothing for `timeout_ms` (-1: no limit).
[[nodiscard]] bool write_all(int descriptor, std::string_view text, int timeout_ms = -1);

} // namespace toxtcp
