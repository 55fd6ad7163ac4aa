// A child process for what would change the whole test program: namespaces, seccomp, a fork that is the test's subject.
#pragma once

#include <functional>
#include <string>

namespace toxtcp {

/// What a child reports when the system does not let it try.
inline constexpr const char *CANNOT = "cannot: ";

/// Runs `body` in a child process, and answers the text that it answers; or, if the child dies, which signal it died of.
std::string in_child(const std::function<std::string()> &body);

/// Makes the calling process root of a network namespace of its own, in which loopback is up. False, if not permitted.
bool enter_own_network();

/// The same once more, for a process that is root of one: it leaves the network that it is in for a new one.
bool enter_another_network();

/// From now on these system calls fail with `error` in the calling process. False, if not permitted.
struct Forbidden {
    int call;
    int first_argument; ///< -1: whatever it is
};
bool forbid(Forbidden forbidden, int error);

/// From now on the calling process dies (SIGSYS) of any system call but those that wait (on epoll, or by `poll`), read a clock
/// or exit.
bool allow_only_waiting(bool on_epoll);

} // namespace toxtcp
