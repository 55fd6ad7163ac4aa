// Elsewhere than on Linux the program calls `tcp_connections_network_changed`. A clock that runs while the machine sleeps
// shows a sleep by itself.
#include "host/network_watch.h"

namespace toxtcp {

void open_network_watch(Network_Watch &watch) {
    watch = {};
}

void close_network_watch(Network_Watch &) {}

void read_network_watch(Network_Watch &) {}

bool network_has_changed(Network_Watch &) {
    return false;
}

} // namespace toxtcp
