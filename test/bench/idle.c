// An idle client on the real clock, with toxcore's own code or ours. Its friends have the same code and send nothing.
// Prints a line of JSON with the wake-ups between the marks (measured.h). strace counts the system calls between them.
//
//   SECONDS IN_USE SAVER PORT:KEY...
//
// IN_USE: 1 if a friend is online at each relay, 0 if there are no friends. SAVER: 1 for the profile `saver`, else 0.
#define _POSIX_C_SOURCE 200809L

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>

#include "layer.h"
#include "measured.h"

enum {
    MOST_RELAYS = 64,
    RELAYS_OF_A_FRIEND = 3,
    SETTLE_S = 20,
    LONGEST_WAIT_MS = 1000000,
    TICK_MS = 50,
    KEY_DIGITS = 2 * BENCH_KEY_SIZE
};

struct idle {
    struct layer *layer;
    uint64_t until; // ms
    uint64_t wakes;
};

static struct bench_address relays[MOST_RELAYS];
static unsigned relay_count;

static uint64_t now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000U + (uint64_t)time.tv_nsec / 1000000U;
}

static void check(bool good, const char *what) {
    if (!good) {
        fprintf(stderr, "%s\n", what);
        exit(EXIT_FAILURE);
    }
}

static void ignore_data(void *object, int id, const uint8_t *data, size_t length) {
    (void)object, (void)id, (void)data, (void)length;
}

static void ignore_oob(void *object, const uint8_t *data, size_t length) {
    (void)object, (void)data, (void)length;
}

static struct layer *new_layer(const uint8_t *secret_key, bool saver) {
    const struct layer_events events = {NULL, ignore_data, ignore_oob};
    struct layer *const layer = layer_new(secret_key, &events, saver);
    check(layer != NULL, "no layer");
    return layer;
}

/* Waits and ticks as the host of the layer would. */
static void run(void *object) {
    struct idle *const idle = (struct idle *)object;
    const uint64_t longest = layer_can_wait() ? LONGEST_WAIT_MS : TICK_MS;
    for (uint64_t now = now_ms(); now < idle->until; now = now_ms()) {
        const uint64_t left = idle->until - now;
        layer_wait(idle->layer, (int)(left < longest ? left : longest));
        layer_update_time(idle->layer);
        layer_tick(idle->layer);
        idle->wakes += now_ms() < idle->until; // the end is not a wake-up
    }
}

/* A friend's process: online at its relays until its parent ends. */
static void be_friend(const uint8_t *secret_key, const uint8_t *client, unsigned first) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct layer *const layer = new_layer(secret_key, false);
    const int peer = layer_add_peer(layer, client, 0);
    for (unsigned i = 0; i < RELAYS_OF_A_FRIEND; ++i) {
        layer_tie(layer, peer, &relays[(first + i) % relay_count]);
    }
    struct idle idle = {layer, UINT64_MAX, 0};
    run(&idle);
}

static void read_relay(const char *text) {
    unsigned port = 0;
    char digits[KEY_DIGITS + 1];
    size_t size = 0;
    check(relay_count < MOST_RELAYS && sscanf(text, "%5u:%64s", &port, digits) == 2 &&
              sodium_hex2bin(relays[relay_count].key, BENCH_KEY_SIZE, digits, strlen(digits), NULL, &size, NULL) == 0 &&
              size == BENCH_KEY_SIZE,
          "a relay is PORT:KEY");
    relays[relay_count++].port = (uint16_t)port;
}

int main(int argc, char **argv) {
    check(argc > 4 && sodium_init() >= 0, "usage: idle SECONDS IN_USE SAVER PORT:KEY...");
    for (int i = 4; i < argc; ++i) {
        read_relay(argv[i]);
    }
    const unsigned seconds = (unsigned)strtoul(argv[1], NULL, 10);
    uint8_t key[BENCH_KEY_SIZE];
    uint8_t secret_key[BENCH_KEY_SIZE];
    crypto_box_keypair(key, secret_key);
    struct idle idle = {new_layer(secret_key, strcmp(argv[3], "1") == 0), 0, 0};
    for (unsigned first = 0; strcmp(argv[2], "1") == 0 && first < relay_count; first += RELAYS_OF_A_FRIEND) {
        uint8_t friend_key[BENCH_KEY_SIZE];
        uint8_t friend_secret[BENCH_KEY_SIZE];
        crypto_box_keypair(friend_key, friend_secret);
        if (fork() == 0) {
            be_friend(friend_secret, key, first);
        }
        const int peer = layer_add_peer(idle.layer, friend_key, (int)first);
        for (unsigned i = 0; i < RELAYS_OF_A_FRIEND; ++i) {
            layer_tie(idle.layer, peer, &relays[(first + i) % relay_count]);
        }
    }
    for (unsigned i = 0; i < relay_count; ++i) {
        layer_add_relay(idle.layer, &relays[i]); // for the scene without friends; with friends, all relays are known
    }
    idle.until = now_ms() + SETTLE_S * 1000U;
    run(&idle);
    idle.wakes = 0;
    idle.until = now_ms() + seconds * 1000U;
    measured(run, &idle);
    printf("{\"held\": %u, \"wakes\": %llu}\n", layer_connected_relays(idle.layer), (unsigned long long)idle.wakes);
    layer_kill(idle.layer);
    return EXIT_SUCCESS;
}
