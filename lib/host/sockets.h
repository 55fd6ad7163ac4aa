// TCP sockets of the system, as a Host has them. One of two files is built: sockets_posix.cpp, or sockets_windows.cpp.
#pragma once

#include <toxtcp/host.h>

#ifdef _WIN32
#include <winsock2.h>
#else
#include <poll.h>
#endif

namespace toxtcp {

/// Before all others, and after all others. False: the system has no sockets.
bool sockets_open();
void sockets_close();

/// A non-blocking socket that begins to connect, or -1.
int socket_connect(const Ip_Port &address);
std::ptrdiff_t socket_send(int socket, Bytes bytes);
std::ptrdiff_t socket_receive(int socket, Mutable_Bytes first, Mutable_Bytes rest);
void socket_close(int socket);

/// ms, of a clock that never goes back.
std::uint64_t monotonic_ms();

/// A socket as `poll` takes it.
#ifdef _WIN32
using Poll_Entry = WSAPOLLFD;
#else
using Poll_Entry = pollfd;
#endif

/// `poll`: how many entries have something to tell, 0 when the time (ms, -1: no limit) is over, negative on failure.
int sockets_poll(std::span<Poll_Entry> entries, int milliseconds);

} // namespace toxtcp
