// main.cpp: a word with one peer through one relay
#include <cstdio>
#include <string_view>

#include <toxtcp/tcp_connections.h>

using namespace toxtcp;

struct Talk {
    Tcp_Connections *tcp = nullptr;
    int peer = -1; // handle of the connection to the peer
    bool calls = false;
    bool over = false;
};

static Error say(const Talk &talk, std::string_view text) {
    return send_packet_tcp_connection(talk.tcp, talk.peer,
                                      {reinterpret_cast<const std::uint8_t *>(text.data()), text.size()});
}

static bool take_packet(void *, int, Bytes packet, void *userdata) {
    Talk &talk = *static_cast<Talk *>(userdata);
    std::printf("heard: %.*s\n", static_cast<int>(packet.size()), reinterpret_cast<const char *>(packet.data()));
    talk.over = talk.calls || say(talk, "welcome") != Error::ok;
    return false; // plain text: any relay could have written it
}

// A packet from a key that is not a peer yet. Makes it a peer, over the relay that the packet came over.
static void take_call(void *, const Public_Key &sender, int relay, Bytes, void *userdata) {
    Talk &talk = *static_cast<Talk *>(userdata);
    talk.peer = new_tcp_connection_to(talk.tcp, sender, 0);
    talk.over = add_tcp_number_relay_connection(talk.tcp, talk.peer, relay) != Error::ok;
}

int main(int argc, char **argv) {
    Ip_Port address;
    Public_Key relay, own, peer;
    if (argc < 3 || !parse_ip_port(argv[1], address) || !parse_public_key(argv[2], relay) ||
        (argc > 3 && !parse_public_key(argv[3], peer))) {
        std::fprintf(stderr, "usage: talk RELAY_IP:PORT RELAY_KEY [KEY_OF_PEER]\n");
        return 2;
    }
    Tcp_Connections_Def def;
    new_key_pair(own, def.secret_key);
    def.callbacks.data = take_packet;
    def.callbacks.oob = take_call;
    def.proves_packets = false; // take_packet cannot tell whose a packet is
    Talk talk;
    talk.tcp = new_tcp_connections(def);
    if (talk.tcp == nullptr) {
        return 1;
    }
    talk.calls = argc > 3;
    if (talk.calls) {
        talk.peer = new_tcp_connection_to(talk.tcp, peer, 0);
        talk.over = add_tcp_relay_connection(talk.tcp, talk.peer, address, relay) != Error::ok;
    } else {
        std::printf("I am %s\n", to_string(own).c_str());
        std::fflush(stdout);
        talk.over = add_tcp_relay_global(talk.tcp, address, relay) != Error::ok;
    }
    while (!talk.over) {
        const bool quiet = !tcp_connections_wait(talk.tcp, 500); // ms
        do_tcp_connections(talk.tcp, &talk);
        if (quiet && talk.calls && say(talk, "hello") == Error::ok) {
            std::printf("said: hello\n");
        }
    }
    kill_tcp_connections(talk.tcp);
}
