// main.c: a Tox client that waits until it is connected through a relay. Its code does not mention toxtcp.
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tox/tox.h>

enum { KEY_SIZE = 32, MS = 1000000 };

static bool read_key(const char *text, uint8_t *key) {
    for (int i = 0; i < KEY_SIZE; ++i) {
        unsigned int byte;
        if (sscanf(text + 2 * i, "%2x", &byte) != 1) {
            return false;
        }
        key[i] = (uint8_t)byte;
    }
    return true;
}

int main(int argc, char **argv) {
    uint8_t key[KEY_SIZE];
    if (argc != 4 || strlen(argv[3]) != 2 * KEY_SIZE || !read_key(argv[3], key)) {
        fprintf(stderr, "usage: client RELAY_HOST PORT KEY\n");
        return 2;
    }
    const uint16_t port = (uint16_t)strtoul(argv[2], NULL, 10);
    struct Tox_Options *options = tox_options_new(NULL);
    tox_options_set_udp_enabled(options, false);
    Tox *tox = tox_new(options, NULL);
    tox_options_free(options);
    // The relay is also a node of the DHT, on the same port.
    if (tox == NULL || !tox_add_tcp_relay(tox, argv[1], port, key, NULL) ||
        !tox_bootstrap(tox, argv[1], port, key, NULL)) {
        fprintf(stderr, "this relay cannot be used\n");
        return 1;
    }
    while (tox_self_get_connection_status(tox) != TOX_CONNECTION_TCP) {
        tox_iterate(tox, NULL);
        const struct timespec pause = {0, (long)tox_iteration_interval(tox) * MS};
        nanosleep(&pause, NULL);
    }
    printf("connected through the relay\n");
    tox_kill(tox);
    return 0;
}
