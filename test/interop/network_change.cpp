// For each line of its input, says whether the default host has seen a network change since the line before.
#include <cstdio>

#include <toxtcp/host.h>

int main() {
    using namespace toxtcp;
    Host *const host = new_system_host();
    if (host == nullptr) {
        return 1;
    }
    for (int c = std::getchar(); c != EOF; c = std::getchar()) {
        bool changed = false;
        bool waits = true;
        while (waits) { // until no message has come for 200 ms, since netlink's may come a moment later
            waits = host->wait(host->object, 200);
            std::array<Ready, 8> sockets;
            (void)host->ready(host->object, sockets);
            changed = host->network_changed(host->object) || changed;
        }
        std::puts(changed ? "changed" : "same");
        std::fflush(stdout);
    }
    kill_system_host(host);
}
