// main.cpp: sends each line that is typed to a peer, and prints the lines of the peer. The program waits in a poll of
// its own for the keyboard and for the library. An existing event loop can wait for the library in the same way. This
// needs Linux. On other systems the library has no single descriptor to wait for; use `tcp_connections_wait` there, as
// the example `talk` does.
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>

#include <toxtcp/tcp_connections.h>

using namespace toxtcp;

struct Lines {
    Tcp_Connections *tcp = nullptr;
    Ip_Port relay;
    Public_Key relay_key;
    int peer = -1;      // the handle of the connection to the peer
    std::string unsent; // typed lines that could not be sent yet
};

static bool begin(Lines &lines, const std::string &text) {
    Public_Key key;
    if (!parse_public_key(text, key)) {
        return false;
    }
    lines.peer = new_tcp_connection_to(lines.tcp, key, 0);
    return lines.peer >= 0 &&
           add_tcp_relay_connection(lines.tcp, lines.peer, lines.relay, lines.relay_key) == Error::ok;
}

/// Returns false if the program cannot go on.
static bool send_lines(Lines &lines) {
    for (std::size_t end; (end = lines.unsent.find('\n')) != std::string::npos; lines.unsent.erase(0, end + 1)) {
        if (lines.peer < 0) {
            if (!begin(lines, lines.unsent.substr(0, end))) {
                std::fprintf(stderr, "the first line has to be the key of a peer\n");
                return false;
            }
            continue;
        }
        if (tcp_connection_to_online_tcp_relays(lines.tcp, lines.peer) == 0) {
            return true; // the peer is not online yet: try again after the next tick
        }
        const auto *const bytes = reinterpret_cast<const std::uint8_t *>(lines.unsent.data());
        const Error error = send_packet_tcp_connection(lines.tcp, lines.peer, {bytes, end + 1});
        if (error == Error::too_long) {
            std::fprintf(stderr, "this line is too long\n");
        } else if (error != Error::ok) {
            return true; // the path is full: try again after the next tick
        }
    }
    return true;
}

static bool take_packet(void *, int, Bytes packet, void *) {
    std::fwrite(packet.data(), 1, packet.size(), stdout);
    std::fflush(stdout);
    return false; // plain text: any relay could have written it
}

int main(int argc, char **argv) {
    Lines lines;
    if (argc != 3 || !parse_ip_port(argv[1], lines.relay) || !parse_public_key(argv[2], lines.relay_key)) {
        std::fprintf(stderr, "usage: lines RELAY_IP:PORT RELAY_KEY\n");
        return 2;
    }
    Public_Key own;
    Tcp_Connections_Def def;
    new_key_pair(own, def.secret_key);
    def.callbacks.data = take_packet;
    def.proves_packets = false; // take_packet cannot tell who sent a packet
    lines.tcp = new_tcp_connections(def);
    if (lines.tcp == nullptr) {
        return 1;
    }
    std::printf("I am %s\nand the key of the peer is:\n", to_string(own).c_str());
    std::fflush(stdout);
    for (bool goes_on = true; goes_on;) {
        std::array<pollfd, 2> waits{{{STDIN_FILENO, POLLIN, 0}, {tcp_connections_descriptor(lines.tcp), POLLIN, 0}}};
        poll(waits.data(), waits.size(), tcp_connections_timeout(lines.tcp));
        if (waits[0].revents != 0) {
            std::array<char, 1024> typed;
            const ssize_t count = read(STDIN_FILENO, typed.data(), typed.size());
            goes_on = count > 0;
            lines.unsent.append(typed.data(), goes_on ? static_cast<std::size_t>(count) : 0);
        }
        do_tcp_connections(lines.tcp, &lines); // one system call when there is nothing to do
        goes_on = send_lines(lines) && goes_on;
    }
    kill_tcp_connections(lines.tcp);
}
