// The cost of a packet without any layer: libsodium opens or seals it, and the kernel sends it. Prints a line of JSON.
//
//   RELAY open SIZE COUNT      opening a sealed data packet of SIZE bytes
//   RELAY seal SIZE COUNT      sealing such a packet
//   RELAY bare SIZE COUNT      sending its frame, already sealed, by a bare send()
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sodium.h>
#include <sys/socket.h>
#include <unistd.h>

#include "measured.h"
#include "relay_control.h"

enum {
    FRAME_HEADER = 2,
    PACKETS = 44, // about as many as one large read brings
};

struct limit {
    uint8_t key[crypto_box_BEFORENMBYTES];
    uint8_t nonce[crypto_box_NONCEBYTES];
    uint8_t plain[BENCH_MAX_PACKET + 1];
    uint8_t sealed[PACKETS][FRAME_HEADER + crypto_box_MACBYTES + BENCH_MAX_PACKET + 1];
    size_t plain_size;
    uint64_t count;
    uint64_t failed;
    int socket;
    uint64_t sent;
};

static void open_all(void *object) {
    struct limit *limit = (struct limit *)object;
    const size_t size = limit->plain_size + crypto_box_MACBYTES;
    for (uint64_t i = 0; i < limit->count; ++i) {
        limit->failed += crypto_box_open_easy_afternm(limit->plain, limit->sealed[i % PACKETS] + FRAME_HEADER, size,
                                                      limit->nonce, limit->key) != 0;
    }
}

static void seal_all(void *object) {
    struct limit *limit = (struct limit *)object;
    for (uint64_t i = 0; i < limit->count; ++i) {
        limit->failed += crypto_box_easy_afternm(limit->sealed[i % PACKETS] + FRAME_HEADER, limit->plain,
                                                 limit->plain_size, limit->nonce, limit->key) != 0;
    }
}

static void send_all(void *object) {
    struct limit *limit = (struct limit *)object;
    const size_t size = FRAME_HEADER + crypto_box_MACBYTES + limit->plain_size;
    for (uint64_t i = 0; i < BENCH_BURST; ++i) {
        const ssize_t sent = send(limit->socket, limit->sealed[i % PACKETS], size, MSG_NOSIGNAL);
        limit->failed += sent != (ssize_t)size;
        limit->sent += sent > 0 ? (uint64_t)sent : 0;
    }
}

static void connect_to_drain(struct limit *limit, uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    limit->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(limit->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(limit->socket, (const struct sockaddr *)&address, sizeof address) != 0) {
        perror("the benchmark's relay");
        exit(EXIT_FAILURE);
    }
}

static double send_bare(struct limit *limit, const char *relay_program) {
    struct relay_process relay;
    relay_start_process(&relay, relay_program, 1);
    connect_to_drain(limit, relay.drain_port);
    const uint64_t warm = limit->count / 8;
    uint64_t spent = 0;
    uint64_t measured_packets = 0;
    for (uint64_t done = 0; done < limit->count + warm; done += BENCH_BURST) {
        const uint64_t round = measured(send_all, limit);
        spent += done < warm ? 0 : round;
        measured_packets += done < warm ? 0 : BENCH_BURST;
        const struct relay_request request = {.task = RELAY_AWAIT_DRAIN, .count = limit->sent};
        relay_ask(&relay, &request);
    }
    close(limit->socket);
    relay_end_process(&relay);
    return (double)spent / (double)measured_packets;
}

int main(int argc, char **argv) {
    static struct limit limit;
    if (argc != 5 || sodium_init() < 0) {
        fprintf(stderr, "usage: RELAY_PROGRAM open|seal|bare SIZE COUNT\n");
        return 2;
    }
    limit.plain_size = strtoul(argv[3], NULL, 10) + 1; // 1: the routing id
    const uint64_t count = strtoull(argv[4], NULL, 10);
    if (limit.plain_size > sizeof limit.plain) {
        return 2;
    }
    randombytes_buf(limit.key, sizeof limit.key);
    limit.count = PACKETS;
    seal_all(&limit);
    limit.count = count;
    double ns = 0;
    if (strcmp(argv[2], "bare") == 0) {
        ns = send_bare(&limit, argv[1]);
    } else {
        ns = (double)measured(argv[2][0] == 'o' ? open_all : seal_all, &limit) / (double)count;
    }
    printf("{\"ns\": %.1f}\n", ns);
    return limit.failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
