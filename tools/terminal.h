// The terminal, if there is one: its size, and a screen of one's own that is given back in any case but SIGKILL.
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

/// Of the terminal on standard output; 80x24 where it does not tell.
[[nodiscard]] Terminal_Size terminal_size();

/// Whether this descriptor is a terminal that moves its cursor when told to.
[[nodiscard]] bool is_terminal(int descriptor);

struct Screen {
    bool entered = false;
    bool keys_changed = false; ///< `before` is to be restored
    termios before{};
};

/// Takes the whole terminal: other contents, no cursor, no echo, keys at once.
void screen_enter(Screen &screen);

/// Gives it back as it was. Any number of times.
void screen_leave(Screen &screen);

/// Draws the lines (printable ASCII) from the top, cut where the terminal ends: in one write and over what was there, so
/// that nothing flickers.
void screen_draw(const std::vector<std::string> &lines);

} // namespace toxtcp
