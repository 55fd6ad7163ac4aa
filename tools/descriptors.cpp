#include "descriptors.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace toxtcp {

bool keep_to_ourselves(int descriptor) {
    return fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 && fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0;
}

int open_socket(int family, int type) {
    const int descriptor = socket(family, type, 0);
    if (descriptor >= 0 && !keep_to_ourselves(descriptor)) {
        const int error = errno;
        close(descriptor);
        errno = error;
        return -1;
    }
    return descriptor;
}

bool open_pipe(std::array<int, 2> &ends) {
    if (pipe(ends.data()) != 0) {
        ends = {-1, -1};
        return false;
    }
    return keep_to_ourselves(ends[0]) && keep_to_ourselves(ends[1]);
}

} // namespace toxtcp
