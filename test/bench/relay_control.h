// How a client of the benchmarks controls the scripted relay (relay.cpp). The relay is a process of its own. One
// connection carries the requests and the answers. The relay works only on request, so that it does not disturb what
// the client measures.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Calls of send in a row before the relay reads. A new TCP connection sends ten segments before it needs an
 * acknowledgement. So each call delivers its bytes to the receiving socket, and no call only queues them. */
enum { BENCH_BURST = 8 };

enum relay_task {
    /* Serves all sockets until the next request. Answers 0. */
    RELAY_SERVE,
    /* Touches no socket until the next request. Answers 0. */
    RELAY_HOLD,
    /* Sends up to `count` packets of `size` bytes of data to the client of relay number `relay`, as many as its socket
     * takes. Answers how many packets the system has taken, including those left over from earlier requests. Holds. */
    RELAY_SEND_DATA,
    /* The same with OOB packets. Number n is from the peer with the key bench_peer_key(`first` + n * `step`). */
    RELAY_SEND_OOB,
    /* The same as RELAY_SEND_DATA, but in the largest pieces, and until the relay's own socket takes no more. */
    RELAY_SEND_MUCH,
    /* Serves until clients have sent `count` packets in all, pings and pongs not counted. Answers how many. Holds. */
    RELAY_AWAIT_PACKETS,
    /* Serves until the drain has received `count` bytes in all. Answers how many. Holds. */
    RELAY_AWAIT_DRAIN,
    /* From now on, each requested peer is online (`count` 1) or not (0). Answers 0. Holds. */
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
    uint16_t drain_port; /* port of a listener that discards what it receives; 0: none */
};

/* Starts the program with `count` relays. On failure, prints a message and exits. */
void relay_start_process(struct relay_process *process, const char *program, uint32_t count);
void relay_end_process(struct relay_process *process);
uint64_t relay_ask(struct relay_process *process, const struct relay_request *request);

/* The public key of peer `number`. No secret key belongs to it; none is needed. */
void bench_peer_key(uint32_t number, uint8_t *key);

#ifdef __cplusplus
}
#endif
