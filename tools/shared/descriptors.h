// File descriptors that do not block and that are closed on exec, made with calls that every POSIX system has.
#pragma once

#include <array>

namespace toxtcp {

/// Sets both flags. On failure false, and errno is set.
[[nodiscard]] bool set_nonblocking_cloexec(int descriptor);

/// Opens a socket. On failure -1, and errno is set.
[[nodiscard]] int open_socket(int family, int type);

/// Opens a pipe: `ends` are the end to read from and the end to write to. On failure false, and errno is set.
[[nodiscard]] bool open_pipe(std::array<int, 2> &ends);

} // namespace toxtcp
