#include "isolated.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <vector>

namespace toxtcp {

namespace {

constexpr std::uint32_t CALL_AT = offsetof(seccomp_data, nr);
// The low half of the first argument.
constexpr std::uint32_t ARGUMENT_AT =
    offsetof(seccomp_data, args) + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? sizeof(std::uint32_t) : 0);

sock_filter statement(int code, std::uint32_t value) {
    return {static_cast<std::uint16_t>(code), 0, 0, value};
}

/// If the value is equal, goes on with the next statement. Otherwise skips `skip` statements.
sock_filter unless_equal_skip(std::uint32_t value, std::size_t skip) {
    return {BPF_JMP | BPF_JEQ | BPF_K, 0, static_cast<std::uint8_t>(skip), value};
}

bool install(std::vector<sock_filter> filter) {
    const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

bool write_file(const char *name, const std::string &text) {
    std::ofstream file{name};
    file << text << std::flush;
    return file.good();
}

} // namespace

std::string in_child(const std::function<std::string()> &body) {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) {
        return "no pipe";
    }
    const pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        const std::string text = body();
        const ssize_t written = write(ends[1], text.data(), text.size());
        // Not _exit: a sanitizer's _exit makes other system calls first.
        syscall(SYS_exit_group, written == static_cast<ssize_t>(text.size()) ? 0 : 1);
    }
    close(ends[1]);
    std::string text;
    std::array<char, 256> buffer;
    for (ssize_t got; (got = read(ends[0], buffer.data(), buffer.size())) > 0;) {
        text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status)) : text;
}

bool enter_own_network() {
    const std::string user = "0 " + std::to_string(geteuid()) + " 1";
    const std::string group = "0 " + std::to_string(getegid()) + " 1";
    return unshare(CLONE_NEWUSER) == 0 && write_file("/proc/self/setgroups", "deny") &&
           write_file("/proc/self/uid_map", user) && write_file("/proc/self/gid_map", group) && enter_another_network();
}

bool enter_another_network() {
    if (unshare(CLONE_NEWNET) != 0) {
        return false;
    }
    const int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ifreq loopback{};
    loopback.ifr_name[0] = 'l';
    loopback.ifr_name[1] = 'o';
    loopback.ifr_flags = IFF_UP;
    const bool up = any >= 0 && ioctl(any, SIOCSIFFLAGS, &loopback) == 0;
    close(any);
    return up;
}

bool forbid(Forbidden forbidden, int error) {
    std::vector<sock_filter> filter{
        statement(BPF_LD | BPF_W | BPF_ABS, CALL_AT),
        unless_equal_skip(static_cast<std::uint32_t>(forbidden.call), forbidden.first_argument < 0 ? 1 : 3)};
    if (forbidden.first_argument >= 0) {
        filter.push_back(statement(BPF_LD | BPF_W | BPF_ABS, ARGUMENT_AT));
        filter.push_back(unless_equal_skip(static_cast<std::uint32_t>(forbidden.first_argument), 1));
    }
    filter.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error)));
    filter.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    return install(filter);
}

bool allow_only_waiting(bool on_epoll) {
    std::vector<long> calls{SYS_clock_gettime, SYS_write, SYS_exit_group, on_epoll ? SYS_epoll_pwait : SYS_ppoll};
#ifdef SYS_epoll_wait
    calls.push_back(on_epoll ? SYS_epoll_wait : SYS_poll);
#endif
    std::vector<sock_filter> filter{statement(BPF_LD | BPF_W | BPF_ABS, CALL_AT)};
    for (const long call : calls) {
        filter.push_back(unless_equal_skip(static_cast<std::uint32_t>(call), 1));
        filter.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    }
    filter.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_KILL));
    return install(filter);
}

} // namespace toxtcp
