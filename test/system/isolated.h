// Runs code in a child process, where it would change the whole test program: network namespaces and seccomp.
#pragma once

#include <functional>
#include <string>

namespace toxtcp {

/// What a child's text begins with when the system does not permit the test.
inline constexpr const char *CANNOT = "cannot: ";

/// Runs `body` in a child process and returns the text that `body` returns, or the signal that the child died of.
std::string in_child(const std::function<std::string()> &body);

/// Makes the calling process root of a network namespace of its own, in which loopback is up. False, if not permitted.
bool enter_own_network();

/// Makes a process that is root of its network namespace leave it for a new one, in which loopback is up.
bool enter_another_network();

/// A system call that `forbid` lets fail.
struct Forbidden {
    int call;
    int first_argument; ///< the call fails only with this value; -1: with any
};
/// From now on such system calls fail with `error` in the calling process. False, if not permitted.
bool forbid(Forbidden forbidden, int error);

/// From now on any system call kills the calling process (SIGSYS), except those that wait (by epoll or by `poll`), read
/// a clock, write or exit. False, if not permitted.
bool allow_only_waiting(bool on_epoll);

} // namespace toxtcp
