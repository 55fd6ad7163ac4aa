// File descriptors that do not block, and that programs which are started do not get; as every POSIX system makes them.
#pragma once

#include <array>

namespace toxtcp {

/// Makes such a one of it. False with errno.
[[nodiscard]] bool keep_to_ourselves(int descriptor);

/// A socket; -1 with errno.
[[nodiscard]] int open_socket(int family, int type);

/// A pipe: the end to read from, the end to write to. False with errno; both are -1 then.
[[nodiscard]] bool open_pipe(std::array<int, 2> &ends);

} // namespace toxtcp
