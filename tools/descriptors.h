// File descriptors that do not block and that are closed when another program is executed, on every POSIX system.
#pragma once

#include <array>

namespace toxtcp {

/// Sets both flags. False with errno.
[[nodiscard]] bool set_nonblocking_cloexec(int descriptor);

/// A socket; -1 with errno.
[[nodiscard]] int open_socket(int family, int type);

/// A pipe: the end to read from, the end to write to. False with errno; both are -1 then.
[[nodiscard]] bool open_pipe(std::array<int, 2> &ends);

} // namespace toxtcp
