// The interface of a connection layer for the benchmarks. layer_abi.c implements it with toxcore's C ABI (toxcore's own
// code or ours, as linked), layer_own.cpp with our own API. Each function adds one call to that of the layer.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { BENCH_KEY_SIZE = 32, BENCH_MAX_PACKET = 2031 };

/* A relay on 127.0.0.1. */
struct bench_address {
    uint16_t port; /* host byte order */
    uint8_t key[BENCH_KEY_SIZE];
};

struct bench_packet {
    const uint8_t *data;
    size_t length;
};

struct layer_events {
    void *object;
    void (*data)(void *object, int id, const uint8_t *data, size_t length);
    void (*oob)(void *object, const uint8_t *data, size_t length);
};

struct layer;

/* Copies its arguments. `saver`: with the profile of this name, which only our own API has. Null on failure. */
struct layer *layer_new(const uint8_t *secret_key, const struct layer_events *events, bool saver);
void layer_kill(struct layer *layer);

/* Updates the clock of the host. Our own API has its own clock and needs no update. */
void layer_update_time(struct layer *layer);
void layer_tick(struct layer *layer);
/* Waits as the host of the layer would, at most `milliseconds`. */
void layer_wait(struct layer *layer, int milliseconds);

/* The handle of the connection; negative on failure. */
int layer_add_peer(struct layer *layer, const uint8_t *key, int id);
bool layer_kill_peer(struct layer *layer, int peer);
/* Whether the peer is known. */
bool layer_knows_peer(struct layer *layer, const uint8_t *key);
bool layer_add_relay(struct layer *layer, const struct bench_address *relay);
/* Ties the peer to the relay, which is new or known. */
bool layer_tie(struct layer *layer, int peer, const struct bench_address *relay);

unsigned layer_connected_relays(struct layer *layer);
unsigned layer_online_relays(struct layer *layer, int peer);

bool layer_send(struct layer *layer, int peer, const uint8_t *data, size_t length);
/* Sends packets in their order, in one call if the layer has such a call. Returns how many were sent. */
size_t layer_send_many(struct layer *layer, int peer, const struct bench_packet *packets, size_t count);
/* Whether the host can wait on a descriptor. If not, it has to tick every 50 ms, as toxcore's host does. */
bool layer_can_wait(void);

#ifdef __cplusplus
}
#endif
