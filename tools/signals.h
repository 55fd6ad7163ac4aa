// Signals as something to poll for.
#pragma once

#include <initializer_list>

namespace toxtcp {

/// From now on these signals come as bytes at this descriptor, and SIGPIPE not at all; -1 with errno. To be called once.
[[nodiscard]] int open_signals(std::initializer_list<int> signals);

/// The next signal that came, 0 when none has.
[[nodiscard]] int next_signal(int descriptor);

/// Frees the descriptor. Signals that come later are lost.
void close_signals(int descriptor);

} // namespace toxtcp
