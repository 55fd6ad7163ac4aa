// The system's TCP sockets, for the functions of a Host. One of two files is built: sockets_posix.cpp or
// sockets_windows.cpp.
#pragma once

#include <toxtcp/host.h>

#ifdef _WIN32
#include <winsock2.h>
#else
#include <poll.h>
#endif

namespace toxtcp {

/// `sockets_open` is called before all other functions, `sockets_close` after them. False: the system has no sockets.
bool sockets_open();
void sockets_close();

/// A non-blocking socket that begins to connect, or -1.
int socket_connect(const Ip_Port &address);
std::ptrdiff_t socket_send(int socket, Bytes bytes);
std::ptrdiff_t socket_receive(int socket, Mutable_Bytes first, Mutable_Bytes rest);
void socket_close(int socket);

/// The time of a clock that never goes back, ms.
std::uint64_t monotonic_ms();

/// An entry of the list that `poll` takes.
#ifdef _WIN32
using Poll_Entry = WSAPOLLFD;
#else
using Poll_Entry = pollfd;
#endif

/// Calls `poll`. Returns how many entries are ready, 0 if the time is over, negative on failure. `milliseconds`: -1 is
/// no limit.
int sockets_poll(std::span<Poll_Entry> entries, int milliseconds);

} // namespace toxtcp
