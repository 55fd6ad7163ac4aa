#include "tools/shared/terminal.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <sys/ioctl.h>
#include <unistd.h>

namespace toxtcp {

namespace {

// Enter: the second screen, no cursor, no line wrap, an empty screen. Leave: the reverse.
constexpr const char *ENTER = "\033[?1049h\033[?25l\033[?7l\033[2J";
constexpr const char *LEAVE = "\033[?7h\033[?25h\033[?1049l";

/// Writes without the standard library's buffers, so that a frame is one `write` if the terminal takes it all.
void write_to_terminal(const std::string &text) {
    std::size_t written = 0;
    while (written < text.size()) {
        const ssize_t count = write(STDOUT_FILENO, text.data() + written, text.size() - written);
        if (count < 0 && errno != EINTR) {
            return;
        }
        written += count > 0 ? static_cast<std::size_t>(count) : 0;
    }
}

} // namespace

Terminal_Size terminal_size() {
    Terminal_Size result;
    winsize size{};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
        result.columns = size.ws_col > 1 ? size.ws_col : result.columns;
        result.rows = size.ws_row > 1 ? size.ws_row : result.rows;
    }
    return result;
}

bool is_terminal(int descriptor) {
    const char *const kind = std::getenv("TERM");
    return isatty(descriptor) == 1 && kind != nullptr && std::strcmp(kind, "dumb") != 0;
}

void screen_enter(Screen &screen) {
    if (screen.entered) {
        return;
    }
    screen.entered = true;
    screen.keys_changed = tcgetattr(STDIN_FILENO, &screen.before) == 0;
    if (screen.keys_changed) {
        termios now = screen.before;
        now.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
        tcsetattr(STDIN_FILENO, TCSANOW, &now);
    }
    write_to_terminal(ENTER);
}

void screen_leave(Screen &screen) {
    if (!screen.entered) {
        return;
    }
    screen.entered = false;
    write_to_terminal(LEAVE);
    if (screen.keys_changed) {
        tcsetattr(STDIN_FILENO, TCSANOW, &screen.before);
    }
}

void screen_draw(const std::vector<std::string> &lines) {
    const Terminal_Size size = terminal_size();
    const std::size_t count = std::min(lines.size(), size.rows);
    std::string frame = "\033[H";
    for (std::size_t i = 0; i < count; ++i) {
        frame += lines[i].substr(0, size.columns);
        // After a full line the cursor is still on the last column: to erase would remove the character there.
        frame += lines[i].size() < size.columns ? "\033[K" : "";
        frame += i + 1 < size.rows ? "\r\n" : "";
    }
    frame += count < size.rows ? "\033[J" : "";
    write_to_terminal(frame);
}

} // namespace toxtcp
