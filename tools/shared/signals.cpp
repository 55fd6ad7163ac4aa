#include "tools/shared/signals.h"

#include <array>
#include <cerrno>
#include <csignal>

#include <unistd.h>

#include "tools/shared/descriptors.h"

namespace toxtcp {

namespace {

int write_end = -1;

void forward_signal(int signal) {
    const int error = errno;
    const auto byte = static_cast<unsigned char>(signal);
    // If the pipe is full, many signals are waiting to be read, and this one may be lost.
    [[maybe_unused]] const ssize_t written = write(write_end, &byte, 1);
    errno = error;
}

} // namespace

int open_signals(std::initializer_list<int> signals) {
    std::array<int, 2> ends;
    if (!open_pipe(ends)) {
        return -1;
    }
    write_end = ends[1];
    struct sigaction action {};
    sigemptyset(&action.sa_mask);
    action.sa_handler = forward_signal;
    action.sa_flags = SA_RESTART;
    for (const int signal : signals) {
        sigaction(signal, &action, nullptr);
    }
    std::signal(SIGPIPE, SIG_IGN);
    return ends[0];
}

int next_signal(int descriptor) {
    unsigned char signal = 0;
    return read(descriptor, &signal, 1) == 1 ? signal : 0;
}

void close_signals(int descriptor) {
    close(descriptor);
    close(write_end); // the handlers stay; signals that come later are lost
    write_end = -1;
}

} // namespace toxtcp
