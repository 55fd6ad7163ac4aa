// The demo's relays: processes of this same program, which can be killed, stopped, continued and started again with
// the same port and key. They die with the demo, however that ends.
#pragma once

#include <string>

#include <sys/types.h>

#include <toxtcp/types.h>

namespace toxtcp {

enum class Process_State : std::uint8_t {
    starting, ///< it has not said yet where it listens
    running,
    stopped, ///< by SIGSTOP
    killed,  ///< by us
    failed   ///< ended by itself
};
const char *to_string(Process_State state);

struct Relay_Process {
    Process_State state = Process_State::failed;
    pid_t pid = -1;    ///< -1 when there is none, or it is reaped
    int output = -1;   ///< reading end of its standard output, while it starts
    int key_file = -1; ///< in memory, no disk sees the key
    std::string line;  ///< what it has said so far
    Public_Key key{};
    Ip_Port address; ///< port 0 until it has said
};

/// Draws a key and starts the process. False, with errno, when that fails.
[[nodiscard]] bool relay_process_create(Relay_Process &process);

/// Starts it again after it was killed: same port, same key.
[[nodiscard]] bool relay_process_restart(Relay_Process &process);

/// Its output is readable. It may be running, or have failed, afterwards.
void relay_process_read(Relay_Process &process);

/// Something has happened to child processes: reaps this one if it has ended. True when it did so by itself.
[[nodiscard]] bool relay_process_reap(Relay_Process &process);

void relay_process_kill(Relay_Process &process);
void relay_process_stop(Relay_Process &process);
void relay_process_continue(Relay_Process &process);

/// Kills it if need be, waits for its end, and closes what it had. Any number of times.
void relay_process_destroy(Relay_Process &process);

} // namespace toxtcp
