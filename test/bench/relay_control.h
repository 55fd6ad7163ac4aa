// The benchmarks' scripted relay (relay.cpp), as the client drives it: a process of its own, and one connection that
// carries requests and answers. The relay does nothing but what it is asked for, so that what the client measures is
// disturbed by nobody.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Calls of send in a row before the relay reads. A fresh connection lets ten segments out before it wants an answer: so
 * each call goes all the way to the receiving socket, and none is merely queued. */
enum { BENCH_BURST = 8 };

enum relay_task {
    /* Serves all sockets until the next request. Answers 0. */
    RELAY_SERVE,
    /* Touches no socket until the next request. Answers 0. */
    RELAY_HOLD,
    /* Sends `count` packets of `size` bytes of data to the client of relay number `relay`, as many as its socket takes.
     * Answers how many of these, and of those that were left from before, are with the system now. Holds. */
    RELAY_SEND_DATA,
    /* The same with OOB packets, each from the peer of bench_peer_key(`first` + n * `step`). */
    RELAY_SEND_OOB,
    /* The same with whole frames written in the fewest and largest pieces, and more than any window takes. */
    RELAY_SEND_MUCH,
    /* Serves until `count` packets other than pings and pongs have come from clients in all. Answers how many. Holds. */
    RELAY_AWAIT_PACKETS,
    /* Serves until `count` bytes have come to the drain. Answers how many. Holds. */
    RELAY_AWAIT_DRAIN,
    /* From now on, whoever is asked for is there (`count` 1) or not (0). Answers 0. Holds. */
    RELAY_SET_ONLINE,
};

struct relay_request {
    uint8_t key[BENCH_KEY_SIZE];
    uint32_t task;
    uint32_t relay;
    uint32_t size;
    uint32_t first;
    uint32_t step;
    uint32_t padding;
    uint64_t count;
};

struct relay_process {
    int control;
    int pid;
    uint32_t count;
    struct bench_address *relays;
    uint16_t drain_port; /* takes bytes and forgets them; 0: there is none */
};

/* Starts the program with this many relays. Ends the whole program with a message when it does not work. */
void relay_start_process(struct relay_process *process, const char *program, uint32_t count);
void relay_end_process(struct relay_process *process);
uint64_t relay_ask(struct relay_process *process, const struct relay_request *request);

/* The key of the n-th peer: nobody has its secret, and nobody needs it. */
void bench_peer_key(uint32_t number, uint8_t *key);

#ifdef __cplusplus
}
#endif
