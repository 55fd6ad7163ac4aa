// Shell commands that a user wants to be run when something happens.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace toxtcp {

/// A variable's name, and its value, of which a zero byte and what follows it are left out.
using Variable = std::pair<const char *, std::string>;

/// Commands that have been started and have not ended.
using Running_Commands = std::vector<pid_t>;

/// Commands that may run at a time.
inline constexpr std::size_t MAX_RUNNING_COMMANDS = 32;

/// Starts `/bin/sh -c COMMAND` with these variables in its environment, and returns at once. The command reads nothing; what
/// it prints goes to standard error. False, with `error`, when that fails, or when too many are running.
[[nodiscard]] bool start_command(const std::string &command, const std::vector<Variable> &variables,
                                 Running_Commands &running, std::string &error);

/// Removes the commands that have ended, and describes each that failed: "exited with 3", "was killed by signal 9".
[[nodiscard]] std::vector<std::string> ended_commands(Running_Commands &running);

} // namespace toxtcp
