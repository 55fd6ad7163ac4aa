#include "tools/shared/output.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "tools/shared/text.h"

namespace toxtcp {

namespace {

/// Most bytes of one `write`. A pipe that is writable for `poll` takes as many without blocking.
constexpr std::size_t PRINT_SIZE = 4096;

bool is_open_for_writing(int descriptor) {
    const int flags = fcntl(descriptor, F_GETFL);
    return flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
}

/// Writes once. Returns the number of bytes taken, 0 if none could be taken now. On failure -1, and errno is set.
ssize_t write_some(int descriptor, std::string_view text) {
    const ssize_t count = write(descriptor, text.data(), text.size());
    return count < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK) ? 0 : count;
}

std::string write_failure(int cause) {
    return cause == EPIPE ? std::string{"nobody reads standard output any more"}
                          : std::string{"cannot write to standard output: "} + std::strerror(cause);
}

} // namespace

void print_error(const char *command, const std::string &what) {
    std::fprintf(stderr, "toxtcp %s: %s.\n", command, without_controls(what).c_str());
}

void reserve_standard_descriptors() {
    for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (fcntl(descriptor, F_GETFD) < 0) {
            // `open` takes the lowest free number, which is this one. It is opened the wrong way round (input for
            // writing, output for reading), so that using it fails.
            static_cast<void>(open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY));
        }
    }
}

bool print(std::string_view text, std::string &error, int signals) {
    std::array<pollfd, 2> polled{pollfd{STDOUT_FILENO, POLLOUT, 0}, pollfd{signals, POLLIN, 0}};
    error.clear();
    while (!text.empty()) {
        const int ready = poll(polled.data(), polled.size(), -1);
        if (ready < 0 && errno == EINTR) {
            continue; // a signal came, and can be read from `signals` now
        }
        // A signal ends this only while the reader takes nothing. If `poll` fails, the text is written without waiting.
        if (ready > 0 && polled[0].revents == 0 && polled[1].revents != 0) {
            return false;
        }
        const ssize_t count = write_some(STDOUT_FILENO, text.substr(0, PRINT_SIZE));
        if (count < 0) {
            error = write_failure(errno);
            return false;
        }
        text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

bool reader_is_gone(std::string &error) {
    pollfd polled{STDOUT_FILENO, 0, 0};
    if (poll(&polled, 1, 0) <= 0 || (polled.revents & (POLLERR | POLLHUP)) == 0) {
        return false;
    }
    error = write_failure(EPIPE);
    return true;
}

bool print_until_interrupted(const char *command, std::string_view text, int signals, bool &interrupted,
                             bool &print_failed) {
    std::string error;
    if (print_failed) {
        return false;
    }
    if (print(text, error, signals)) {
        return true;
    }
    interrupted = true; // if `print` did not fail, a signal has stopped it
    print_failed = !error.empty();
    if (print_failed) {
        print_error(command, error);
    }
    return false;
}

void stop_if_reader_is_gone(const char *command, bool &interrupted, bool &print_failed) {
    std::string error;
    if (!print_failed && reader_is_gone(error)) {
        print_error(command, error);
        print_failed = interrupted = true;
    }
}

bool output_is_closed(std::string &error) {
    if (is_open_for_writing(STDOUT_FILENO)) {
        return false;
    }
    error = "standard output is closed. Redirect it to /dev/null if nobody wants it";
    return true;
}

bool write_all(int descriptor, std::string_view text, int timeout_ms) {
    while (!text.empty()) {
        const ssize_t count = write_some(descriptor, text);
        if (count < 0) {
            return false;
        }
        pollfd writable{descriptor, POLLOUT, 0};
        if (count == 0 && poll(&writable, 1, timeout_ms) == 0) {
            errno = ETIMEDOUT;
            return false;
        }
        text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

} // namespace toxtcp
