// For systems other than Linux: nothing is watched, and the program calls `tcp_connections_network_changed`. The
// library notices a sleep by itself if the monotonic clock runs during the sleep.
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
