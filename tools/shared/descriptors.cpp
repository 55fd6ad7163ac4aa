#include "tools/shared/descriptors.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace toxtcp {

bool set_nonblocking_cloexec(int descriptor) {
    return fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 && fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0;
}

int open_socket(int family, int type) {
    const int descriptor = socket(family, type, 0);
    if (descriptor >= 0 && !set_nonblocking_cloexec(descriptor)) {
        const int error = errno;
        close(descriptor);
        errno = error;
        return -1;
    }
    return descriptor;
}

rlim_t raise_descriptor_limit(rlim_t needed) {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return needed;
    }
    if (limit.rlim_cur < needed) {
        limit.rlim_cur = std::min(needed, limit.rlim_max);
        setrlimit(RLIMIT_NOFILE, &limit);
        getrlimit(RLIMIT_NOFILE, &limit);
    }
    return limit.rlim_cur;
}

bool open_pipe(std::array<int, 2> &ends) {
    if (pipe(ends.data()) != 0) {
        ends = {-1, -1};
        return false;
    }
    if (!set_nonblocking_cloexec(ends[0]) || !set_nonblocking_cloexec(ends[1])) {
        close(ends[0]);
        close(ends[1]);
        ends = {-1, -1};
        return false;
    }
    return true;
}

} // namespace toxtcp
