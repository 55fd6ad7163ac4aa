// A connection layer, as the benchmarks see it: the same calls over toxcore's C ABI (layer_abi.c), whoever is linked
// behind it, and over our own API (layer_own.cpp). A thin skin: it adds one call to each of theirs.
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

/* Borrows nothing. `saver`: with the profile of that name, where there is one. Null on failure. */
struct layer *layer_new(const uint8_t *secret_key, const struct layer_events *events, bool saver);
void layer_kill(struct layer *layer);

/* Moves the clock that the layer sees, where it sees one of its host's. */
void layer_update_time(struct layer *layer);
void layer_tick(struct layer *layer);
/* Waits for something to do, as the layer's host would: until `milliseconds` have passed at the latest. */
void layer_wait(struct layer *layer, int milliseconds);

/* A connection number, negative on failure. */
int layer_add_peer(struct layer *layer, const uint8_t *key, int id);
bool layer_kill_peer(struct layer *layer, int peer);
/* Whether the peer is known, by what the API has for it. */
bool layer_knows_peer(struct layer *layer, const uint8_t *key);
bool layer_add_relay(struct layer *layer, const struct bench_address *relay);
/* Ties the peer to the relay, which is new or known. */
bool layer_tie(struct layer *layer, int peer, const struct bench_address *relay);

unsigned layer_connected_relays(struct layer *layer);
unsigned layer_online_relays(struct layer *layer, int peer);

bool layer_send(struct layer *layer, int peer, const uint8_t *data, size_t length);
/* How many went, in order from the first; a layer without such a call sends one by one. */
size_t layer_send_many(struct layer *layer, int peer, const struct bench_packet *packets, size_t count);
bool layer_has_send_many(void);
/* Whether the layer's host can wait on a descriptor, or has to call it every 50 ms as toxcore's does. */
bool layer_can_wait(void);

#ifdef __cplusplus
}
#endif
