// Implements layer.h with toxcore's C ABI: toxcore's own code or ours, as linked.
#define _POSIX_C_SOURCE 200809L // nanosleep

#include "layer.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>
#include <sodium.h>
#include <toxcore/TCP_connection.h>

// Functions of toxcore that a host calls and our headers do not declare.
Logger *logger_new(void);
void logger_kill(Logger *log);
const Random *system_random(void);
const Network *system_network(void);
Mono_Time *mono_time_new(uint64_t (*clock)(void *object), void *object);
void mono_time_free(Mono_Time *mono_time);
void mono_time_update(Mono_Time *mono_time);

enum { FAMILY_IPV4 = 2 };

// net_crypto's cookie request: type, key, nonce, box(key, key, number). Its response: type, nonce, box(cookie, number).
// net_crypto stands above the layer, so the host answers the requests.
enum {
    COOKIE_REQUEST = 0x18,
    COOKIE_RESPONSE = 0x19,
    NUMBER_SIZE = 8,
    COOKIE_SIZE = 112,
    ASKED_SIZE = 2 * BENCH_KEY_SIZE + NUMBER_SIZE,
    ANSWERED_SIZE = COOKIE_SIZE + NUMBER_SIZE,
    ASKED_AT = 1 + BENCH_KEY_SIZE + crypto_box_NONCEBYTES,
    REQUEST_SIZE = ASKED_AT + crypto_box_MACBYTES + ASKED_SIZE,
    ANSWERED_AT = 1 + crypto_box_NONCEBYTES,
    RESPONSE_SIZE = ANSWERED_AT + crypto_box_MACBYTES + ANSWERED_SIZE,
    ANSWERING_PEERS = 8, // only the first peers answer; the failover benchmark has no more
};

struct layer {
    struct layer_events events;
    Logger *log;
    Mono_Time *mono_time;
    TCP_Connections *tcp;
    uint8_t secret_key[BENCH_KEY_SIZE];
    int connections[ANSWERING_PEERS]; // by id
};

/* Answers as net_crypto does. */
static int answer_cookie_request(const struct layer *layer, int id, const uint8_t *data) {
    uint8_t asked[ASKED_SIZE];
    uint8_t answered[ANSWERED_SIZE];
    uint8_t response[RESPONSE_SIZE] = {COOKIE_RESPONSE};
    const uint8_t *const asker = data + 1;
    if (id < 0 || id >= ANSWERING_PEERS ||
        crypto_box_open_easy(asked, data + ASKED_AT, sizeof asked + crypto_box_MACBYTES, asker + BENCH_KEY_SIZE, asker,
                             layer->secret_key) != 0) {
        return -1;
    }
    randombytes_buf(answered, COOKIE_SIZE);
    memcpy(answered + COOKIE_SIZE, asked + 2 * BENCH_KEY_SIZE, NUMBER_SIZE);
    randombytes_buf(response + 1, crypto_box_NONCEBYTES);
    if (crypto_box_easy(response + ANSWERED_AT, answered, sizeof answered, response + 1, asker, layer->secret_key) !=
        0) {
        return -1;
    }
    send_packet_tcp_connection(layer->tcp, layer->connections[id], response, sizeof response);
    return 0;
}

static int take_data(void *object, int id, const uint8_t *data, uint16_t length, void *userdata) {
    (void)userdata;
    const struct layer *layer = (const struct layer *)object;
    if (length == REQUEST_SIZE && data[0] == COOKIE_REQUEST) {
        return answer_cookie_request(layer, id, data);
    }
    layer->events.data(layer->events.object, id, data, length);
    return 0;
}

static int take_oob(void *object, const uint8_t *public_key, unsigned int relay, const uint8_t *data, uint16_t length,
                    void *userdata) {
    (void)public_key;
    (void)relay;
    (void)userdata;
    const struct layer *layer = (const struct layer *)object;
    layer->events.oob(layer->events.object, data, length);
    return 0;
}

struct layer *layer_new(const uint8_t *secret_key, const struct layer_events *events, bool saver) {
    (void)saver;
    struct layer *layer = (struct layer *)calloc(1, sizeof *layer);
    if (layer == NULL || sodium_init() < 0) {
        free(layer);
        return NULL;
    }
    const TCP_Proxy_Info no_proxy = {{{{0}, {{0}}}, 0}, TCP_PROXY_NONE};
    layer->events = *events;
    memcpy(layer->secret_key, secret_key, sizeof layer->secret_key);
    layer->log = logger_new();
    layer->mono_time = mono_time_new(NULL, NULL);
    if (layer->log != NULL && layer->mono_time != NULL) {
        layer->tcp =
            new_tcp_connections(layer->log, system_random(), system_network(), layer->mono_time, secret_key, &no_proxy);
    }
    if (layer->tcp == NULL) {
        layer_kill(layer);
        return NULL;
    }
    set_packet_tcp_connection_callback(layer->tcp, take_data, layer);
    set_oob_packet_tcp_connection_callback(layer->tcp, take_oob, layer);
    return layer;
}

void layer_kill(struct layer *layer) {
    kill_tcp_connections(layer->tcp);
    mono_time_free(layer->mono_time);
    logger_kill(layer->log);
    free(layer);
}

void layer_update_time(struct layer *layer) {
    mono_time_update(layer->mono_time);
}

void layer_tick(struct layer *layer) {
    do_tcp_connections(layer->log, layer->tcp, NULL);
}

void layer_wait(struct layer *layer, int milliseconds) {
    (void)layer;
    const struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
    nanosleep(&time, NULL);
}

int layer_add_peer(struct layer *layer, const uint8_t *key, int id) {
    const int connection = new_tcp_connection_to(layer->tcp, key, id);
    if (id >= 0 && id < ANSWERING_PEERS) {
        layer->connections[id] = connection;
    }
    return connection;
}

bool layer_kill_peer(struct layer *layer, int peer) {
    return kill_tcp_connection_to(layer->tcp, peer) == 0;
}

bool layer_knows_peer(struct layer *layer, const uint8_t *key) {
    return new_tcp_connection_to(layer->tcp, key, 0) < 0; // a known peer is refused
}

static IP_Port to_ip_port(const struct bench_address *relay) {
    IP_Port address;
    memset(&address, 0, sizeof address);
    address.ip.family.value = FAMILY_IPV4;
    address.ip.ip.v4.uint32 = htonl(INADDR_LOOPBACK);
    address.port = htons(relay->port);
    return address;
}

bool layer_add_relay(struct layer *layer, const struct bench_address *relay) {
    const IP_Port address = to_ip_port(relay);
    return add_tcp_relay_global(layer->tcp, &address, relay->key) == 0;
}

bool layer_tie(struct layer *layer, int peer, const struct bench_address *relay) {
    const IP_Port address = to_ip_port(relay);
    return add_tcp_relay_connection(layer->tcp, peer, &address, relay->key) == 0;
}

unsigned layer_connected_relays(struct layer *layer) {
    return tcp_connected_relays_count(layer->tcp);
}

unsigned layer_online_relays(struct layer *layer, int peer) {
    return tcp_connection_to_online_tcp_relays(layer->tcp, peer);
}

bool layer_send(struct layer *layer, int peer, const uint8_t *data, size_t length) {
    return send_packet_tcp_connection(layer->tcp, peer, data, (uint16_t)length) == 0;
}

size_t layer_send_many(struct layer *layer, int peer, const struct bench_packet *packets, size_t count) {
    size_t sent = 0;
    while (sent < count && layer_send(layer, peer, packets[sent].data, packets[sent].length)) {
        ++sent;
    }
    return sent;
}

bool layer_can_wait(void) {
    return false;
}
