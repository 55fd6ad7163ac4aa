// The program of the failover benchmark, for one side and one fault. Two peers of this side send each other small
// packets, as in a call, over three relays (test/support/stand_in.cpp). Then two of the relays fail. Prints a line of
// JSON with the lost and the late packets and the longest silence.
//
// The host above the C ABI answers echoes as net_crypto does. It cannot tell forged packets from data, so the relay
// kind `forges` is left out.
//
//   STAND_IN_RELAY FAULT SECONDS     FAULT: `killed`, or the kind that two of the relays turn into (relay_kind.h)
#define _GNU_SOURCE // SOCK_CLOEXEC

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "layer.h"

enum {
    RELAYS = 3,
    FAILING = 2,
    PEERS = 2,
    PACKET_SIZE = 120,
    SEND_EVERY_MS = 20,
    TICK_EVERY_MS = 5, // ten times as often as toxcore's host, so that ticks add little delay
    WARM_UP_MS = 3000,
    STRAGGLERS_MS = 6000,
    LATE_MS = 1000, // later packets are of no use in a call
    CONNECT_MS = 30000,
    MAX_PACKETS = 1 << 16,
};

struct stamp {
    uint64_t number;
    uint64_t time;
};

struct peer {
    struct layer *layer;
    uint8_t public_key[BENCH_KEY_SIZE];
    int connection;
    uint64_t sent;    // including refused packets, which never arrive
    uint64_t refused; // packets that the layer did not take
    uint64_t received;
    uint64_t late;
    uint64_t heard;   // time of the last packet, ms
    uint64_t longest; // the longest silence, ms
    bool *seen;
};

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

// ---- relays ----------------------------------------------------------------------------------------------------

struct relay {
    pid_t pid;
    FILE *control; // commands to the relay and its answers, one line each
    struct bench_address address;
};

static void tell_relay(struct relay *relay, const char *command, const char *argument) {
    // Not written through the stream: after a read, a stream must seek before it writes, which a socket cannot do.
    char line[2 * BENCH_KEY_SIZE + 64];
    const int size = snprintf(line, sizeof line, "%s %s\n", command, argument);
    check(write(fileno(relay->control), line, (size_t)size) == size, "a relay takes no command");
}

static void start_relay(struct relay *relay, const char *program) {
    int ends[2];
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
    relay->pid = fork();
    if (relay->pid == 0) {
        dup2(ends[1], STDIN_FILENO);
        dup2(ends[1], STDOUT_FILENO);
        execl(program, program, (char *)NULL);
        perror(program);
        _exit(EXIT_FAILURE);
    }
    close(ends[1]);
    relay->control = fdopen(ends[0], "r");
    char key[2 * BENCH_KEY_SIZE + 1];
    unsigned port = 0;
    check(relay->pid > 0 && relay->control != NULL &&
              fscanf(relay->control, " {\"port\": %u, \"public_key\": \"%64[0-9A-Fa-f]\"}", &port, key) == 2 &&
              sodium_hex2bin(relay->address.key, sizeof relay->address.key, key, strlen(key), NULL, NULL, NULL) == 0,
          "a relay does not start");
    relay->address.port = (uint16_t)port;
}

static void end_relay(struct relay *relay) {
    kill(relay->pid, SIGKILL);
    waitpid(relay->pid, NULL, 0);
    fclose(relay->control);
}

// Packets that the relay has carried so far.
static uint64_t ask_carried(struct relay *relay) {
    unsigned long long carried = 0;
    tell_relay(relay, "stat", "");
    check(fscanf(relay->control, " {\"carried\": %llu, %*[^\n]", &carried) == 1, "a relay does not answer");
    return carried;
}

// ---- peers -----------------------------------------------------------------------------------------------------

static void note_silence(struct peer *peer, uint64_t now) {
    const uint64_t silence = now - peer->heard;
    peer->longest = silence > peer->longest ? silence : peer->longest;
}

static void take_data(void *object, int id, const uint8_t *data, size_t length) {
    (void)id;
    struct peer *peer = (struct peer *)object;
    struct stamp stamp;
    if (length != PACKET_SIZE) {
        return;
    }
    memcpy(&stamp, data, sizeof stamp);
    if (stamp.number >= MAX_PACKETS || peer->seen[stamp.number]) {
        return;
    }
    const uint64_t now = now_ms();
    peer->seen[stamp.number] = true;
    ++peer->received;
    peer->late += now - stamp.time > LATE_MS;
    note_silence(peer, now);
    peer->heard = now;
}

static void take_oob(void *object, const uint8_t *data, size_t length) {
    (void)object;
    (void)data;
    (void)length;
}

static void send_one(struct peer *peer) {
    uint8_t packet[PACKET_SIZE] = {0};
    const struct stamp stamp = {peer->sent, now_ms()};
    memcpy(packet, &stamp, sizeof stamp);
    peer->refused += !layer_send(peer->layer, peer->connection, packet, sizeof packet);
    ++peer->sent;
}

static void tick_both(struct peer *peers) {
    const struct timespec time = {0, TICK_EVERY_MS * 1000000L};
    nanosleep(&time, NULL);
    for (int i = 0; i < PEERS; ++i) {
        layer_update_time(peers[i].layer);
        layer_tick(peers[i].layer);
    }
}

static void connect_both(struct peer *peers, const struct relay *relays) {
    uint8_t secret_keys[PEERS][BENCH_KEY_SIZE];
    for (int i = 0; i < PEERS; ++i) {
        crypto_box_keypair(peers[i].public_key, secret_keys[i]);
    }
    for (int i = 0; i < PEERS; ++i) {
        const struct layer_events events = {&peers[i], take_data, take_oob};
        peers[i].layer = layer_new(secret_keys[i], &events, false);
        peers[i].seen = (bool *)calloc(MAX_PACKETS, sizeof *peers[i].seen);
        check(peers[i].layer != NULL && peers[i].seen != NULL, "a layer does not start");
        peers[i].connection = layer_add_peer(peers[i].layer, peers[1 - i].public_key, 0);
        for (int k = 0; k < RELAYS; ++k) {
            check(layer_tie(peers[i].layer, peers[i].connection, &relays[k].address), "a relay was refused");
        }
    }
    const uint64_t begin = now_ms();
    for (bool online = false; !online;) {
        check(now_ms() < begin + CONNECT_MS, "the peers do not come online");
        tick_both(peers);
        online = true;
        for (int i = 0; i < PEERS; ++i) {
            online = online && layer_online_relays(peers[i].layer, peers[i].connection) == RELAYS;
        }
    }
}

static void talk(struct peer *peers, uint64_t milliseconds) {
    const uint64_t begin = now_ms();
    uint64_t next = begin;
    while (now_ms() < begin + milliseconds) {
        if (now_ms() >= next) {
            send_one(&peers[0]);
            send_one(&peers[1]);
            next += SEND_EVERY_MS;
        }
        tick_both(peers);
    }
}

static void fail_relay(struct relay *relay, const char *fault, const char *victim) {
    if (strcmp(fault, "killed") == 0) {
        kill(relay->pid, SIGKILL);
        return;
    }
    tell_relay(relay, "one_way", victim);
    tell_relay(relay, "kind", fault);
}

// The two relays that carry the most fail: the relay in use and another. If several carry the same, the first fails.
static void fail_relays(struct relay *relays, const char *fault, const uint8_t *victim) {
    uint64_t carried[RELAYS];
    char text[2 * BENCH_KEY_SIZE + 1];
    sodium_bin2hex(text, sizeof text, victim, BENCH_KEY_SIZE);
    for (int i = 0; i < RELAYS; ++i) {
        carried[i] = ask_carried(&relays[i]) + 1;
    }
    for (int k = 0; k < FAILING; ++k) {
        int most = 0;
        for (int i = 1; i < RELAYS; ++i) {
            most = carried[i] > carried[most] ? i : most;
        }
        carried[most] = 0;
        fail_relay(&relays[most], fault, text);
    }
}

int main(int argc, char **argv) {
    struct relay relays[RELAYS];
    struct peer peers[PEERS] = {{0}};
    check(argc == 4 && sodium_init() >= 0, "usage: STAND_IN_RELAY FAULT SECONDS");
    for (int i = 0; i < RELAYS; ++i) {
        start_relay(&relays[i], argv[1]);
    }
    connect_both(peers, relays);
    peers[0].heard = peers[1].heard = now_ms();
    talk(peers, WARM_UP_MS);
    check(peers[0].received != 0 && peers[1].received != 0, "the peers do not hear each other");
    fail_relays(relays, argv[2], peers[1].public_key);
    peers[0].longest = peers[1].longest = 0;
    talk(peers, strtoull(argv[3], NULL, 10) * 1000U);
    const uint64_t end = now_ms();
    note_silence(&peers[0], end);
    note_silence(&peers[1], end);
    for (uint64_t longest[PEERS] = {peers[0].longest, peers[1].longest}; now_ms() < end + STRAGGLERS_MS;) {
        tick_both(peers);
        peers[0].longest = longest[0]; // nothing is sent any more
        peers[1].longest = longest[1];
    }
    const uint64_t sent = peers[0].sent + peers[1].sent;
    const uint64_t received = peers[0].received + peers[1].received;
    printf("{\"sent\": %llu, \"lost\": %llu, \"refused\": %llu, \"late\": %llu, \"silence_ms\": %llu}\n",
           (unsigned long long)sent, (unsigned long long)(sent - received),
           (unsigned long long)(peers[0].refused + peers[1].refused),
           (unsigned long long)(peers[0].late + peers[1].late),
           (unsigned long long)(peers[0].longest > peers[1].longest ? peers[0].longest : peers[1].longest));
    for (int i = 0; i < RELAYS; ++i) {
        end_relay(&relays[i]);
    }
    for (int i = 0; i < PEERS; ++i) {
        layer_kill(peers[i].layer);
        free(peers[i].seen);
    }
    return EXIT_SUCCESS;
}
