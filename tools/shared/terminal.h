// The terminal: its size, and a full screen that a command uses alone, and restores when it ends.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <termios.h>

namespace toxtcp {

struct Terminal_Size {
    std::size_t columns = 80;
    std::size_t rows = 24;
};

/// The size of the terminal on standard output; 80x24 if it is not known.
[[nodiscard]] Terminal_Size terminal_size();

/// Whether this descriptor is a terminal that understands cursor movements.
[[nodiscard]] bool is_terminal(int descriptor);

struct Screen {
    bool entered = false;
    bool keys_changed = false; ///< the terminal's settings were changed, and `before` is to be restored
    termios before{};
};

/// Takes the whole terminal: an empty second screen, no cursor, keys without echo and without waiting for the end of a
/// line.
void screen_enter(Screen &screen);

/// Restores the terminal as it was. May be called again.
void screen_leave(Screen &screen);

/// Draws the lines (printable ASCII) from the top, cut to the terminal's size. It overwrites the old lines in one
/// write, so that nothing flickers.
void screen_draw(const std::vector<std::string> &lines);

} // namespace toxtcp
