// The demo's relays: processes that run this program's `relay` command. They can be killed, stopped, continued, and
// started again with the same port and key. They end when the demo ends, even if the demo is killed.
#pragma once

#include <string>

#include <sys/types.h>

#include <toxtcp/types.h>

namespace toxtcp {

enum class Process_State : std::uint8_t {
    starting, ///< it has not yet printed the address that it listens on
    running,
    stopped, ///< by SIGSTOP
    killed,  ///< by the demo
    failed   ///< it ended by itself, or did not start
};
const char *to_string(Process_State state);

struct Relay_Process {
    Process_State state = Process_State::failed;
    pid_t pid = -1;    ///< -1: no process, or it was reaped
    int output = -1;   ///< pipe end to read its standard output from, while it starts; else -1
    int key_file = -1; ///< descriptor of a file in memory, so that the key is on no disk; -1: none
    std::string line;  ///< what it has printed so far
    Public_Key key{};
    Ip_Port address; ///< port 0 until the process has printed its address
};

/// Makes a new key and starts the process. On failure false, and errno is set.
[[nodiscard]] bool relay_process_create(Relay_Process &process);

/// Starts the process again after it was killed, with the same port and key. On failure false, and errno is set.
[[nodiscard]] bool relay_process_restart(Relay_Process &process);

/// Reads the process's output; to be called when `output` is readable. Afterwards the state may be `running` or
/// `failed`.
void relay_process_read(Relay_Process &process);

/// Reaps the process if it has ended; to be called after SIGCHLD. True if it ended by itself.
[[nodiscard]] bool relay_process_reap(Relay_Process &process);

void relay_process_kill(Relay_Process &process);
void relay_process_stop(Relay_Process &process);
void relay_process_continue(Relay_Process &process);

/// Kills the process if it runs, waits for its end, and closes its descriptors. May be called again.
void relay_process_destroy(Relay_Process &process);

} // namespace toxtcp
