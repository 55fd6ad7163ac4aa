// Signals as bytes on a descriptor, so that a program can wait for them with `poll`.
#pragma once

#include <initializer_list>

namespace toxtcp {

/// Opens a descriptor on which each of these signals comes as a byte from now on, and ignores SIGPIPE. On failure -1,
/// and errno is set. To be called once.
[[nodiscard]] int open_signals(std::initializer_list<int> signals);

/// Takes the next signal that came; 0: none.
[[nodiscard]] int next_signal(int descriptor);

/// Closes the descriptor. Signals that come later are lost.
void close_signals(int descriptor);

} // namespace toxtcp
