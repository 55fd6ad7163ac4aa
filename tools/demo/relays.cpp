#include "tools/demo/relays.h"

#include <array>
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "tools/shared/key_file.h"

namespace toxtcp {

namespace {

constexpr const char *LISTEN_ADDRESS = "127.0.0.1";
/// Most bytes that are read of the line that a relay prints. The line is far shorter.
constexpr std::size_t MAX_LINE = 4096;

void close_descriptor(int &descriptor) {
    if (descriptor >= 0) {
        close(descriptor);
        descriptor = -1;
    }
}

/// Makes a key file in memory. On failure -1, and errno is set.
int make_key_file(const Secret_Key &key) {
    const int file = memfd_create("relay-key", MFD_CLOEXEC);
    if (file < 0) {
        return -1;
    }
    std::string text = key_file_text(key);
    const bool written = write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                         fchmod(file, S_IRUSR | S_IWUSR) == 0;
    wipe(text.data(), text.size());
    if (!written) {
        close(file);
        return -1;
    }
    return file;
}

/// Runs in the child process between fork and exec, so it must not allocate memory.
[[noreturn]] void become_relay(pid_t parent, int output, int key_file, char *const *arguments) {
    // The relay is killed when the demo ends, however that happens. Its own process group keeps Ctrl-C from the relay.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    const bool ready =
        getppid() == parent && dup2(output, STDOUT_FILENO) == STDOUT_FILENO && fcntl(key_file, F_SETFD, 0) == 0;
    if (ready) {
        execv("/proc/self/exe", arguments);
    }
    _exit(127);
}

bool start(Relay_Process &process) {
    std::array<int, 2> pipe_ends{};
    if (pipe2(pipe_ends.data(), O_CLOEXEC) != 0) {
        return false;
    }
    fcntl(pipe_ends[0], F_SETFL, O_NONBLOCK);

    std::array<std::string, 9> words{"toxtcp",
                                     "relay",
                                     "--json",
                                     "--address",
                                     LISTEN_ADDRESS,
                                     "--port",
                                     std::to_string(process.address.port),
                                     "--key-file",
                                     "/proc/self/fd/" + std::to_string(process.key_file)};
    std::array<char *, words.size() + 1> arguments{};
    for (std::size_t i = 0; i < words.size(); ++i) {
        arguments[i] = words[i].data();
    }
    const pid_t parent = getpid();
    const pid_t child = fork();
    if (child == 0) {
        become_relay(parent, pipe_ends[1], process.key_file, arguments.data());
    }
    const int error = errno;
    close(pipe_ends[1]);
    if (child < 0) {
        close(pipe_ends[0]);
        errno = error;
        return false;
    }
    process.pid = child;
    process.output = pipe_ends[0];
    process.line.clear();
    process.state = Process_State::starting;
    return true;
}

/// Takes the relay's address from the line that it printed.
bool parse_line(Relay_Process &process) {
    const nlohmann::json json = nlohmann::json::parse(process.line, nullptr, false);
    if (!json.is_object() || !json.contains("address") || !json["address"].is_string()) {
        return false;
    }
    return parse_ip_port(json["address"].get<std::string>(), process.address);
}

} // namespace

const char *to_string(Process_State state) {
    switch (state) {
    case Process_State::starting:
        return "starting";
    case Process_State::running:
        return "running";
    case Process_State::stopped:
        return "stopped";
    case Process_State::killed:
        return "killed";
    case Process_State::failed:
        return "failed";
    }
    return "?";
}

bool relay_process_create(Relay_Process &process) {
    Secret_Key secret;
    new_key_pair(process.key, secret);
    process.key_file = make_key_file(secret);
    return process.key_file >= 0 && start(process);
}

bool relay_process_restart(Relay_Process &process) {
    if (process.pid > 0) {
        waitpid(process.pid, nullptr, 0); // it was killed, so this wait is short
        process.pid = -1;
    }
    close_descriptor(process.output);
    return start(process);
}

void relay_process_read(Relay_Process &process) {
    std::array<char, 256> bytes;
    const ssize_t count = read(process.output, bytes.data(), bytes.size());
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (count > 0) {
        process.line.append(bytes.data(), static_cast<std::size_t>(count));
        if (process.line.find('\n') == std::string::npos && process.line.size() < MAX_LINE) {
            return;
        }
    }
    close_descriptor(process.output);
    if (process.state == Process_State::starting) {
        process.state = count > 0 && parse_line(process) ? Process_State::running : Process_State::failed;
    }
}

bool relay_process_reap(Relay_Process &process) {
    if (process.pid <= 0 || waitpid(process.pid, nullptr, WNOHANG) != process.pid) {
        return false;
    }
    process.pid = -1;
    if (process.state == Process_State::killed) {
        return false;
    }
    process.state = Process_State::failed;
    return true;
}

void relay_process_kill(Relay_Process &process) {
    if (process.pid > 0) {
        kill(process.pid, SIGKILL);
        process.state = Process_State::killed;
    }
}

void relay_process_stop(Relay_Process &process) {
    if (process.pid > 0 && process.state == Process_State::running) {
        kill(process.pid, SIGSTOP);
        process.state = Process_State::stopped;
    }
}

void relay_process_continue(Relay_Process &process) {
    if (process.pid > 0 && process.state == Process_State::stopped) {
        kill(process.pid, SIGCONT);
        process.state = Process_State::running;
    }
}

void relay_process_destroy(Relay_Process &process) {
    if (process.pid > 0) {
        kill(process.pid, SIGKILL);
        waitpid(process.pid, nullptr, 0);
        process.pid = -1;
    }
    close_descriptor(process.output);
    close_descriptor(process.key_file);
    process.state = Process_State::killed;
}

} // namespace toxtcp
