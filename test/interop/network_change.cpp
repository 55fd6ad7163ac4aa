// Says at each line of its input whether the default host has seen the network change since the last one.
#include <cstdio>

#include <toxtcp/host.h>

int main() {
    using namespace toxtcp;
    Host *const host = new_system_host();
    if (host == nullptr) {
        return 1;
    }
    for (int c = std::getchar(); c != EOF; c = std::getchar()) {
        host->wait(host->object, 200); // netlink is not late, but it is another thread of the kernel's
        std::array<Ready, 8> sockets;
        (void)host->ready(host->object, sockets);
        std::puts(host->network_changed(host->object) ? "changed" : "same");
        std::fflush(stdout);
    }
    kill_system_host(host);
}
