#include "tools/shared/whole_file.h"

#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/magic.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#endif

#include "tools/shared/clock.h"
#include "tools/shared/output.h"

namespace toxtcp {

namespace {

constexpr std::size_t MAX_SIZE = std::size_t{64} * 1024 * 1024;
/// Writing to a pipe fails if its reader takes nothing for this time.
constexpr int WRITE_TIMEOUT_MS = 10'000;
constexpr int MAX_LINKS = 40; ///< the system's own limit for a chain of links
constexpr const char *WRITE_ADVICE = "Name a file where you may write";

bool read_all(int fd, std::string &text) {
    std::array<char, 65'536> buffer;
    while (text.size() < MAX_SIZE) {
        pollfd readable{fd, POLLIN, 0};
        const ssize_t count = poll(&readable, 1, -1) < 0 ? -1 : read(fd, buffer.data(), buffer.size());
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

// ---- writing ---------------------------------------------------------------------------------------------------

std::string folder_of(const std::string &path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

/// Whether this folder is in /proc, where names may stand for open files.
bool is_in_proc(const std::string &folder) {
#ifdef __linux__
    struct statfs status {};
    return statfs(folder.c_str(), &status) == 0 && status.f_type == PROC_SUPER_MAGIC;
#else
    static_cast<void>(folder); // elsewhere, to open /dev/fd/1 duplicates the descriptor
    return false;
#endif
}

/// The descriptor of this process that the path names: 1 for /proc/self/fd/1. -1 if the path names none.
int own_descriptor(const std::string &path) {
    std::array<char, PATH_MAX> folder;
    const std::string own = "/proc/" + std::to_string(getpid()) + "/fd";
    if (!is_in_proc(folder_of(path)) || realpath(folder_of(path).c_str(), folder.data()) == nullptr ||
        own != folder.data()) {
        return -1;
    }
    const std::string number = path.substr(path.rfind('/') + 1);
    return number.empty() || number.find_first_not_of("0123456789") != std::string::npos || number.size() > 9
               ? -1
               : std::stoi(number);
}

/// Opens a file that is written to, not replaced. The descriptor does not block. On failure -1, and errno is set.
int open_to_write(const std::string &path) {
    const int own = own_descriptor(path);
    // If a file is open already, its descriptor is duplicated: to open the file again would write from its beginning.
    return own >= 0 ? fcntl(own, F_DUPFD_CLOEXEC, 0)
                    : open(path.c_str(), O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

bool write_stream(const std::string &path, const std::string &text) {
    const int fd = open_to_write(path);
    if (fd < 0) {
        return false;
    }
    const bool written = write_all(fd, text, WRITE_TIMEOUT_MS);
    const int error = errno;
    const bool closed = close(fd) == 0;
    errno = written ? errno : error;
    return written && closed;
}

/// Overwrites the file in place. First reserves the space, so that on a full disk the old text stays.
bool overwrite(const std::string &path, const std::string &text) {
    const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    const auto size = static_cast<off_t>(text.size());
#ifdef __APPLE__
    int error = 0; // the space cannot be reserved: a full disk may leave a part
#else
    int error = size == 0 ? 0 : posix_fallocate(fd, 0, size);
#endif
    if (error == EOPNOTSUPP || error == EINVAL) {
        error = 0; // this file system cannot reserve space
    }
    if (error == 0 && (!write_all(fd, text) || ftruncate(fd, size) != 0)) {
        error = errno;
    }
    if (close(fd) != 0 && error == 0) {
        error = errno;
    }
    errno = error;
    return error == 0;
}

/// A name for the new file: in the same folder, unique, hidden, and without the file's own name, which may already have
/// the greatest length.
std::string temporary_name(const std::string &path) {
    return folder_of(path) + "/.toxtcp-new-" + std::to_string(getpid()) + '-' + std::to_string(now_us());
}

/// Gives the new file the owner, group and mode of the old one. False when that is not possible.
bool copy_owner_and_mode(int fd, const struct stat &old) {
    struct stat now {};
    const bool same_owner = fstat(fd, &now) == 0 && now.st_uid == old.st_uid && now.st_gid == old.st_gid;
    return (same_owner || fchown(fd, old.st_uid, old.st_gid) == 0) && fchmod(fd, old.st_mode & 07777) == 0;
}

enum class Replace_Result { done, failed, impossible };

/// Writes a new file, and renames it to `path`. `old`: the file that is there; null: none. `impossible`: this user
/// cannot replace the old file by one with the same owner and mode. The old file was not changed.
Replace_Result replace_by_rename(const std::string &path, const std::string &text, const struct stat *old) {
    const std::string temporary = temporary_name(path);
    const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0) {
        const bool forbidden = errno == EACCES || errno == EPERM || errno == EROFS;
        return forbidden && old != nullptr ? Replace_Result::impossible : Replace_Result::failed;
    }
    Replace_Result result = Replace_Result::failed;
    if (old != nullptr && !copy_owner_and_mode(fd, *old)) {
        result = Replace_Result::impossible;
    } else if (write_all(fd, text)) {
        result = Replace_Result::done;
    }
    int error = errno;
    if (close(fd) != 0 && result == Replace_Result::done) {
        error = errno;
        result = Replace_Result::failed;
    }
    if (result == Replace_Result::done && std::rename(temporary.c_str(), path.c_str()) != 0) {
        error = errno;
        // The folder does not allow to rename over another user's file (/tmp), or the file is a mount point.
        result = old != nullptr && (error == EACCES || error == EPERM || error == EBUSY) ? Replace_Result::impossible
                                                                                         : Replace_Result::failed;
    }
    if (result != Replace_Result::done) {
        unlink(temporary.c_str());
    }
    errno = error;
    return result;
}

/// Whether the file has further names (hard links) or an access control list, which a new file would not have.
bool has_links_or_acl(const std::string &path, const struct stat &status) {
#ifdef __linux__
    const bool has_list = getxattr(path.c_str(), "system.posix_acl_access", nullptr, 0) > 0;
#else
    const bool has_list = false; // not checked on this system: a list is lost
    static_cast<void>(path);
#endif
    return status.st_nlink > 1 || has_list;
}

bool write_regular(const std::string &path, const std::string &text, const struct stat &old) {
    if (faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) != 0) {
        return false; // a read-only file stays as it is, even if the folder would allow to replace it
    }
    if (!has_links_or_acl(path, old)) {
        const Replace_Result replaced = replace_by_rename(path, text, &old);
        if (replaced != Replace_Result::impossible) {
            return replaced == Replace_Result::done;
        }
    }
    return overwrite(path, text);
}

/// Writes the text in the way that suits the kind of file. On failure false, and errno is set.
bool write_any(const std::string &path, const std::string &text) {
    const std::string target = follow_links(path);
    struct stat status {};
    if (own_descriptor(target) >= 0) {
        return write_stream(target, text);
    }
    if (stat(target.c_str(), &status) != 0) {
        return errno == ENOENT && replace_by_rename(target, text, nullptr) == Replace_Result::done;
    }
    if (S_ISDIR(status.st_mode)) {
        errno = EISDIR;
        return false;
    }
    return S_ISREG(status.st_mode) && !is_in_proc(folder_of(target)) ? write_regular(target, text, status)
                                                                     : write_stream(target, text);
}

/// The error message for errno: what failed and, for common causes, what to do.
std::string write_error(const std::string &path) {
    switch (errno) {
    case ENXIO:
        return path + ": cannot be written: no program reads from it. Start the one that is to read";
    case ETIMEDOUT:
        return path + ": cannot be written: the program that is to read it takes nothing";
    case EACCES:
    case EPERM:
    case EROFS:
    case ENOENT:
    case EISDIR:
        return file_failure(path, "cannot be written") + ". " + WRITE_ADVICE;
    default:
        return file_failure(path, "cannot be written");
    }
}

} // namespace

std::string file_failure(const std::string &path, const char *what) {
    return path + ": " + what + ": " + std::strerror(errno);
}

bool read_whole_file(const std::string &path, std::string &text, std::string &error) {
    text.clear();
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        error = file_failure(path, "cannot be opened");
        return false;
    }
    const bool read = read_all(fd, text);
    if (!read) {
        error = file_failure(path, "cannot be read");
    }
    close(fd);
    return read;
}

bool replace_file(const std::string &path, const std::string &text, std::string &error) {
    if (!write_any(path, text)) {
        error = write_error(path);
        return false;
    }
    return true;
}

std::string exposure_warning(const std::string &path, const char *secret) {
    struct stat status {};
    const bool exposed =
        stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & (S_IRGRP | S_IROTH)) != 0;
    return exposed ? path + ": others can read this " + secret + ": chmod 600 '" + path + '\'' : "";
}

std::string follow_links(std::string path) {
    for (int i = 0; i < MAX_LINKS; ++i) {
        std::array<char, PATH_MAX> target;
        const ssize_t size = readlink(path.c_str(), target.data(), target.size());
        if (size <= 0 || is_in_proc(folder_of(path))) {
            break;
        }
        const std::string to{target.data(), static_cast<std::size_t>(size)};
        path = to.front() == '/' ? to : folder_of(path) + '/' + to;
    }
    return path;
}

} // namespace toxtcp
