// How many bytes the other end of a socket has acknowledged. One of two files is built: acknowledged_linux.cpp or
// acknowledged_none.cpp.
#pragma once

#include <toxtcp/host.h>

namespace toxtcp {

/// False: the system cannot tell.
bool socket_acknowledged(int socket, Acknowledged &acknowledged);

} // namespace toxtcp
