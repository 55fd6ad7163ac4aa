#include "whole_file.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace toxtcp {

namespace {

constexpr std::size_t MAX_SIZE = std::size_t{64} * 1024 * 1024;
/// A socket that is silent for so long will say no more.
constexpr int PATIENCE_MS = 2'000;

std::string failure(const std::string &path, const char *what) {
    return path + ": " + what + ": " + std::strerror(errno);
}

int connect_to(const std::string &path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    // Not blocking: a socket whose owner does not accept answers EAGAIN, and does not hold us.
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, reinterpret_cast<const sockaddr *>(&address), sizeof address) != 0) {
        const int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

int open_any(const std::string &path) {
    struct stat status {};
    if (stat(path.c_str(), &status) != 0) {
        return -1;
    }
    return S_ISSOCK(status.st_mode) ? connect_to(path) : open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

bool read_all(int fd, std::string &text) {
    std::array<char, 65'536> buffer;
    while (text.size() < MAX_SIZE) {
        pollfd readable{fd, POLLIN, 0};
        const int ready = poll(&readable, 1, PATIENCE_MS);
        if (ready == 0) {
            errno = ETIMEDOUT;
            return false;
        }
        const ssize_t count = ready < 0 ? -1 : read(fd, buffer.data(), buffer.size());
        if (count == 0) {
            return true;
        }
        if (count < 0 && errno != EINTR && errno != EAGAIN) {
            return false;
        }
        text.append(buffer.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
    }
    errno = EFBIG;
    return false;
}

bool write_all(int fd, const std::string &text) {
    std::size_t written = 0;
    while (written < text.size()) {
        const ssize_t count = write(fd, text.data() + written, text.size() - written);
        if (count < 0 && errno != EINTR) {
            return false;
        }
        written += count > 0 ? static_cast<std::size_t>(count) : 0;
    }
    return true;
}

} // namespace

bool read_whole_file(const std::string &path, std::string &text, std::string &error) {
    text.clear();
    const int fd = open_any(path);
    if (fd < 0) {
        error = failure(path, "cannot be opened");
        return false;
    }
    const bool read = read_all(fd, text);
    if (!read) {
        error = failure(path, "cannot be read");
    }
    close(fd);
    return read;
}

bool replace_file(const std::string &path, const std::string &text, std::string &error) {
    const std::string beside = path + ".new-" + std::to_string(getpid());
    const int fd = open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        error = failure(path, "cannot be written") + ". Name a file where you may write";
        return false;
    }
    const bool written = write_all(fd, text);
    if (!written || close(fd) != 0 || std::rename(beside.c_str(), path.c_str()) != 0) {
        error = failure(path, "cannot be written");
        if (!written) {
            close(fd);
        }
        unlink(beside.c_str());
        return false;
    }
    return true;
}

} // namespace toxtcp
