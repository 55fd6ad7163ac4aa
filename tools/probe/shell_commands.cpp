#include "tools/probe/shell_commands.h"

#include <algorithm>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/shared/proxy_option.h"

extern char **environ;

namespace toxtcp {

namespace {

/// The settings of a new process: its standard streams and signals.
struct Spawn {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;

    Spawn() {
        posix_spawn_file_actions_init(&files);
        posix_spawnattr_init(&attributes);
        posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
        // This program ignores SIGPIPE; a child would inherit that. The command starts with all signals at their
        // defaults.
        sigset_t none;
        sigset_t all;
        sigemptyset(&none);
        sigfillset(&all);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setsigdefault(&attributes, &all);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    }
    Spawn(const Spawn &) = delete;
    Spawn &operator=(const Spawn &) = delete;
    ~Spawn() {
        posix_spawn_file_actions_destroy(&files);
        posix_spawnattr_destroy(&attributes);
    }
};

bool sets_variable(const char *entry, const char *name) {
    const std::size_t size = std::strlen(name);
    return std::strncmp(entry, name, size) == 0 && entry[size] == '=';
}

/// Whether the command does not get this entry of the program's own environment.
bool is_left_out(const char *entry, const std::vector<Variable> &variables) {
    return sets_variable(entry, PROXY_PASSWORD_VARIABLE) ||
           std::any_of(variables.begin(), variables.end(),
                       [entry](const Variable &variable) { return sets_variable(entry, variable.first); });
}

} // namespace

bool start_command(const std::string &command, const std::vector<Variable> &variables, Running_Commands &running,
                   std::string &error) {
    std::vector<std::string> words{"/bin/sh", "-c", command};
    std::vector<std::string> settings;
    for (const Variable &variable : variables) {
        settings.push_back(std::string{variable.first} + '=' + variable.second);
    }
    std::vector<char *> argv;
    for (std::string &word : words) {
        argv.push_back(word.data());
    }
    argv.push_back(nullptr);
    std::vector<char *> environment;
    for (char **entry = environ; *entry != nullptr; ++entry) {
        if (!is_left_out(*entry, variables)) {
            environment.push_back(*entry);
        }
    }
    for (std::string &setting : settings) {
        environment.push_back(setting.data());
    }
    environment.push_back(nullptr);

    const Spawn spawn;
    pid_t process = 0;
    const int failure =
        posix_spawn(&process, argv[0], &spawn.files, &spawn.attributes, argv.data(), environment.data());
    if (failure != 0) {
        error = std::string{"not run: "} + std::strerror(failure);
        return false;
    }
    running.push_back(process);
    return true;
}

std::vector<std::string> reap_commands(Running_Commands &running) {
    std::vector<std::string> failures;
    std::erase_if(running, [&failures](pid_t process) {
        int status = 0;
        if (waitpid(process, &status, WNOHANG) == 0) {
            return false;
        }
        if (WIFEXITED(status) && WEXITSTATUS(status) != 0) {
            failures.push_back("exited with " + std::to_string(WEXITSTATUS(status)));
        } else if (WIFSIGNALED(status)) {
            failures.push_back("was killed by signal " + std::to_string(WTERMSIG(status)));
        }
        return true;
    });
    return failures;
}

} // namespace toxtcp
