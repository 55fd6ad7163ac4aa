// TCP sockets of POSIX, as a Host has them.
#pragma once

#include <toxtcp/host.h>

namespace toxtcp {

/// A non-blocking socket that begins to connect, or -1.
int socket_connect(const Ip_Port &address);
std::ptrdiff_t socket_send(int socket, Bytes bytes);
std::ptrdiff_t socket_receive(int socket, Mutable_Bytes first, Mutable_Bytes rest);

} // namespace toxtcp
