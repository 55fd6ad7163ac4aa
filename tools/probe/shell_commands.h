// Runs the user's shell commands (--on-change), without waiting for their end.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace toxtcp {

/// Name and value of an environment variable. The value ends at its first zero byte.
using Variable = std::pair<const char *, std::string>;

/// The process ids of the commands that have been started and have not ended.
using Running_Commands = std::vector<pid_t>;

/// Most commands that may run at the same time.
inline constexpr std::size_t MAX_RUNNING_COMMANDS = 32;

/// Starts `/bin/sh -c COMMAND` with these variables in its environment, which has no proxy's password, and returns at
/// once. The command's standard input is empty, and its output goes to standard error. False, with `error`, when that
/// fails.
[[nodiscard]] bool start_command(const std::string &command, const std::vector<Variable> &variables,
                                 Running_Commands &running, std::string &error);

/// Removes the commands that have ended. Returns a text for each that failed: "exited with 3", "was killed by signal
/// 9".
[[nodiscard]] std::vector<std::string> reap_commands(Running_Commands &running);

} // namespace toxtcp
