#include "tools/top/snapshot_source.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tools/shared/clock.h"
#include "tools/shared/descriptors.h"
#include "tools/shared/text.h"

namespace toxtcp {

namespace {

/// Most bytes of a snapshot. A host with 100,000 peers writes about this much.
constexpr std::size_t MAX_SIZE = std::size_t{64} * 1024 * 1024;
/// Most bytes that one call reads, so that a large file does not delay the other work of the caller.
constexpr std::size_t PORTION_SIZE = std::size_t{1024} * 1024;
/// Time for a whole snapshot.
constexpr std::uint64_t READ_TIMEOUT_US = 5 * SECOND_US;

Source_State fail(Snapshot_Source &source, const std::string &why, std::string &error) {
    error = source.path + ": " + why;
    source_close(source);
    return Source_State::failed;
}

Source_State fail_by_errno(Snapshot_Source &source, const char *what, std::string &error) {
    return fail(source, std::string{what} + ": " + std::strerror(errno), error);
}

/// Connects to a Unix socket. Fails at once if too many connections wait for the host. On failure
/// -1, and errno is set.
int connect_to(const std::string &path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    const int descriptor = open_socket(AF_UNIX, SOCK_STREAM);
    if (descriptor >= 0 && connect(descriptor, reinterpret_cast<const sockaddr *>(&address), sizeof address) != 0) {
        const int error = errno;
        close(descriptor);
        errno = error;
        return -1;
    }
    return descriptor;
}

/// How long ago the file was written, us.
std::uint64_t age_of(const struct stat &status) {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
#ifdef __APPLE__
    const timespec &written = status.st_mtimespec;
#else
    const timespec &written = status.st_mtim;
#endif
    const std::int64_t age =
        (now.tv_sec - written.tv_sec) * std::int64_t{SECOND_US} + (now.tv_nsec - written.tv_nsec) / 1'000;
    return static_cast<std::uint64_t>(std::max<std::int64_t>(age, 0));
}

} // namespace

Source_State source_open(Snapshot_Source &source, std::string &error) {
    source_close(source);
    source.text.clear();
    struct stat status {};
    if (stat(source.path.c_str(), &status) != 0) {
        return fail_by_errno(source, "cannot be opened", error);
    }
    source.descriptor = S_ISSOCK(status.st_mode)
                            ? connect_to(source.path)
                            : open(source.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (source.descriptor < 0) {
        return fail_by_errno(source, "cannot be opened", error);
    }
    const std::uint64_t now = now_us();
    source.timeout_at = now + READ_TIMEOUT_US;
    source.written_at = S_ISREG(status.st_mode) ? now - std::min(now, age_of(status)) : now;
    return Source_State::reading;
}

Source_State source_read(Snapshot_Source &source, std::string &error) {
    std::array<char, 65'536> buffer;
    for (std::size_t read_size = 0; read_size < PORTION_SIZE;) {
        const ssize_t count = read(source.descriptor, buffer.data(), buffer.size());
        if (count == 0) {
            source_close(source);
            return Source_State::whole;
        }
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
            break;
        }
        if (count < 0) {
            return fail_by_errno(source, "cannot be read", error);
        }
        source.text.append(buffer.data(), static_cast<std::size_t>(count));
        read_size += static_cast<std::size_t>(count);
    }
    if (source.text.size() > MAX_SIZE) {
        return fail(source, "is too long for a snapshot", error);
    }
    if (now_us() >= source.timeout_at) {
        return fail(source, format("has not ended within %.0f s", seconds(READ_TIMEOUT_US)), error);
    }
    return Source_State::reading;
}

void source_close(Snapshot_Source &source) {
    if (source.descriptor >= 0) {
        close(source.descriptor);
        source.descriptor = -1;
    }
}

} // namespace toxtcp
