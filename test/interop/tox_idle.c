// A Tox client without UDP that does nothing but tick, so that a test can count its system calls.
//
//   tox-idle ITERATIONS (TCP_PORT UDP_PORT KEY)...   relays on 127.0.0.1, which are nodes of the DHT as well
//
// The client waits until all relays are connected and it is online, and 5 s more. Then it calls tox_iterate ITERATIONS
// times, 50 ms apart. Two calls of access() mark the begin and the end of these ticks in a trace. The exit status is 2
// if the client does not come so far.
#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <tox/tox.h>

enum {
    TICK_MS = 50,
    CONNECT_TICKS = 60 * 1000 / TICK_MS,
    SETTLE_TICKS = 5 * 1000 / TICK_MS,
    MAX_RELAYS = 8,
    DESCRIPTORS = 64,
};

static void tick(Tox *tox) {
    tox_iterate(tox, NULL);
    const struct timespec pause = {0, TICK_MS * 1000000L};
    nanosleep(&pause, NULL);
}

static bool is_connected(uint16_t port) {
    for (int descriptor = 0; descriptor < DESCRIPTORS; ++descriptor) {
        struct sockaddr_in peer;
        socklen_t size = sizeof peer;
        if (getpeername(descriptor, (struct sockaddr *)&peer, &size) == 0 && peer.sin_family == AF_INET &&
            ntohs(peer.sin_port) == port) {
            return true;
        }
    }
    return false;
}

static bool parse_key(const char *text, uint8_t *key) {
    for (int i = 0; i < TOX_PUBLIC_KEY_SIZE; ++i) {
        unsigned int byte;
        if (sscanf(text + 2 * i, "%2x", &byte) != 1) {
            return false;
        }
        key[i] = (uint8_t)byte;
    }
    return true;
}

int main(int argc, char **argv) {
    const int relays = (argc - 2) / 3;
    if (argc < 5 || relays > MAX_RELAYS) {
        return 2;
    }
    struct Tox_Options *const options = tox_options_new(NULL);
    tox_options_set_udp_enabled(options, false);
    tox_options_set_local_discovery_enabled(options, false);
    Tox *const tox = tox_new(options, NULL);
    tox_options_free(options);
    if (tox == NULL) {
        return 2;
    }
    uint16_t ports[MAX_RELAYS];
    for (int i = 0; i < relays; ++i) {
        uint8_t key[TOX_PUBLIC_KEY_SIZE];
        ports[i] = (uint16_t)atoi(argv[2 + 3 * i]);
        const uint16_t udp_port = (uint16_t)atoi(argv[3 + 3 * i]);
        if (!parse_key(argv[4 + 3 * i], key) || !tox_bootstrap(tox, "127.0.0.1", udp_port, key, NULL) ||
            !tox_add_tcp_relay(tox, "127.0.0.1", ports[i], key, NULL)) {
            return 2;
        }
    }
    int connected = 0;
    for (int i = 0; i < CONNECT_TICKS; ++i) {
        tick(tox);
        connected = 0;
        for (int relay = 0; relay < relays; ++relay) {
            connected += is_connected(ports[relay]) ? 1 : 0;
        }
        if (connected == relays && tox_self_get_connection_status(tox) == TOX_CONNECTION_TCP) {
            break;
        }
    }
    for (int i = 0; i < SETTLE_TICKS; ++i) {
        tick(tox);
    }
    if (connected < relays || tox_self_get_connection_status(tox) != TOX_CONNECTION_TCP) {
        return 2;
    }
    access("/idle-begins", F_OK);
    for (int i = atoi(argv[1]); i > 0; --i) {
        tick(tox);
    }
    access("/idle-ends", F_OK);
    tox_kill(tox);
    return 0;
}
