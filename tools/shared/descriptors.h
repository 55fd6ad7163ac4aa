// File descriptors that do not block and that are closed on exec, made with calls that every POSIX system has.
#pragma once

#include <array>

#include <sys/resource.h>

namespace toxtcp {

/// Sets both flags. On failure false, and errno is set.
[[nodiscard]] bool set_nonblocking_cloexec(int descriptor);

/// Opens a socket. On failure -1, and errno is set.
[[nodiscard]] int open_socket(int family, int type);

/// Raises this process's limit of descriptors to `needed`, if the limit is lower, or as far as the system allows. Returns
/// the limit; `needed` if it is not known.
[[nodiscard]] rlim_t raise_descriptor_limit(rlim_t needed);

/// Opens a pipe: `ends` are the end to read from and the end to write to. On failure false, and errno is set.
[[nodiscard]] bool open_pipe(std::array<int, 2> &ends);

} // namespace toxtcp
