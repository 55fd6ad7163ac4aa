// A peer made of toxcore's own connection layer, which exchanges packets with a peer of the test. It sends back what it
// gets, until SIGTERM.
//
//   toxcore-peer SECRET_KEY PEER_KEY (ADDRESS PORT RELAY_KEY)...      keys in hexadecimal, addresses numeric
//
// It connects to the test's peer through the relays. Each of its answers is a letter and then the packet:
//   e  answers data from the peer, as data
//   t  answers data from the peer that begins with O, as OOB over the first relay
//   o  answers OOB from anybody else, as OOB over the relay that it came by
#define _POSIX_C_SOURCE 200809L // nanosleep

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>
#include <sodium.h>

enum {
    KEY_LENGTH = 32,
    MAX_RELAYS = 6,
    MAX_PACKET = 2048, // the archive itself refuses what is too long
    TICK_NS = 2000000, // toxcore has no descriptor to wait on; short, so that the test does not wait for this program
};

// ---- declarations of the archive's functions: its package has the headers of the messenger only -----------------

typedef struct Logger Logger;
typedef struct Mono_Time Mono_Time;
typedef struct Random Random;
typedef struct Network Network;
typedef struct TCP_Connections TCP_Connections;

typedef struct Family {
    uint8_t value;
} Family;

enum { FAMILY_IPV4 = 2, FAMILY_IPV6 = 10 };

typedef union IP4 {
    uint32_t whole;
    uint8_t bytes[4];
} IP4;

typedef union IP6 {
    uint64_t halves[2];
    uint8_t bytes[16];
} IP6;

typedef struct IP {
    Family family;
    union {
        IP4 v4;
        IP6 v6;
    } ip;
} IP;

typedef struct IP_Port {
    IP ip;
    uint16_t port; // network byte order
} IP_Port;

typedef struct TCP_Proxy_Info {
    IP_Port ip_port;
    uint8_t proxy_type; // 0: none
} TCP_Proxy_Info;

typedef int data_cb(void *object, int id, const uint8_t *data, uint16_t length, void *userdata);
typedef int oob_cb(void *object, const uint8_t *public_key, unsigned int relay, const uint8_t *data, uint16_t length,
                   void *userdata);

Logger *logger_new(void);
void logger_kill(Logger *log);
const Random *system_random(void);
const Network *system_network(void);
Mono_Time *mono_time_new(uint64_t (*clock)(void *object), void *object);
void mono_time_free(Mono_Time *time);
void mono_time_update(Mono_Time *time);

TCP_Connections *new_tcp_connections(const Logger *log, const Random *random, const Network *network, Mono_Time *time,
                                     const uint8_t *secret_key, const TCP_Proxy_Info *proxy);
void kill_tcp_connections(TCP_Connections *tcp);
void do_tcp_connections(const Logger *log, TCP_Connections *tcp, void *userdata);
int new_tcp_connection_to(TCP_Connections *tcp, const uint8_t *public_key, int id);
int add_tcp_relay_connection(TCP_Connections *tcp, int connection, const IP_Port *address, const uint8_t *relay_key);
int send_packet_tcp_connection(TCP_Connections *tcp, int connection, const uint8_t *data, uint16_t length);
int tcp_send_oob_packet(TCP_Connections *tcp, unsigned int relay, const uint8_t *public_key, const uint8_t *data,
                        uint16_t length);
int tcp_send_oob_packet_using_relay(TCP_Connections *tcp, const uint8_t *relay_key, const uint8_t *public_key,
                                    const uint8_t *data, uint16_t length);
void set_packet_tcp_connection_callback(TCP_Connections *tcp, data_cb *callback, void *object);
void set_oob_packet_tcp_connection_callback(TCP_Connections *tcp, oob_cb *callback, void *object);

// ---- the peer ---------------------------------------------------------------------------------------------------

enum {
    COOKIE_REQUEST = 0x18,
    COOKIE_REQUEST_SIZE = 145,
};

struct relay {
    IP_Port address;
    uint8_t key[KEY_LENGTH];
};

struct peer {
    TCP_Connections *tcp;
    int connection;
    uint8_t other[KEY_LENGTH];
    struct relay relays[MAX_RELAYS];
    int relays_count;
};

static volatile sig_atomic_t ended = 0;

static void end(int number) {
    (void)number;
    ended = 1;
}

// The letter comes first, so that an answer is never taken for the question.
static uint16_t make_answer(uint8_t *answer, char letter, const uint8_t *data, uint16_t length) {
    answer[0] = (uint8_t)letter;
    memcpy(answer + 1, data, length);
    return (uint16_t)(length + 1);
}

static int take_data(void *object, int id, const uint8_t *data, uint16_t length, void *userdata) {
    (void)id;
    (void)userdata;
    struct peer *peer = (struct peer *)object;
    uint8_t answer[MAX_PACKET];
    if (length == 0 || length >= MAX_PACKET) {
        return -1;
    }
    if (length == COOKIE_REQUEST_SIZE && data[0] == COOKIE_REQUEST) {
        return 0; // an echo of the library: net_crypto would answer it, but there is none in this program
    }
    if (data[0] == 'O') {
        const uint16_t size = make_answer(answer, 't', data, length);
        return tcp_send_oob_packet_using_relay(peer->tcp, peer->relays[0].key, peer->other, answer, size);
    }
    const uint16_t size = make_answer(answer, 'e', data, length);
    return send_packet_tcp_connection(peer->tcp, peer->connection, answer, size);
}

static int take_oob(void *object, const uint8_t *public_key, unsigned int relay, const uint8_t *data, uint16_t length,
                    void *userdata) {
    (void)userdata;
    struct peer *peer = (struct peer *)object;
    uint8_t answer[MAX_PACKET];
    if (length >= MAX_PACKET) {
        return -1;
    }
    const uint16_t size = make_answer(answer, 'o', data, length);
    return tcp_send_oob_packet(peer->tcp, relay, public_key, answer, size);
}

static bool read_key(const char *text, uint8_t *key) {
    size_t length = 0;
    return strlen(text) == 2 * KEY_LENGTH &&
           sodium_hex2bin(key, KEY_LENGTH, text, strlen(text), NULL, &length, NULL) == 0 && length == KEY_LENGTH;
}

static bool read_relay(struct relay *relay, const char *address, const char *port, const char *key) {
    IP *const ip = &relay->address.ip;
    if (inet_pton(AF_INET, address, ip->ip.v4.bytes) == 1) {
        ip->family.value = FAMILY_IPV4;
    } else if (inet_pton(AF_INET6, address, ip->ip.v6.bytes) == 1) {
        ip->family.value = FAMILY_IPV6;
    } else {
        return false;
    }
    relay->address.port = htons((uint16_t)strtoul(port, NULL, 10));
    return relay->address.port != 0 && read_key(key, relay->key);
}

static bool read_arguments(struct peer *peer, uint8_t *secret_key, int argc, char **argv) {
    if (argc < 6 || argc % 3 != 0 || argc > 3 + 3 * MAX_RELAYS) {
        return false;
    }
    for (int i = 3; i < argc; i += 3) {
        if (!read_relay(&peer->relays[peer->relays_count], argv[i], argv[i + 1], argv[i + 2])) {
            return false;
        }
        ++peer->relays_count;
    }
    return read_key(argv[1], secret_key) && read_key(argv[2], peer->other);
}

static bool connect_to_other(struct peer *peer) {
    peer->connection = new_tcp_connection_to(peer->tcp, peer->other, 0);
    bool tied = peer->connection >= 0;
    for (int i = 0; tied && i < peer->relays_count; ++i) {
        const struct relay *relay = &peer->relays[i];
        tied = add_tcp_relay_connection(peer->tcp, peer->connection, &relay->address, relay->key) == 0;
    }
    return tied;
}

int main(int argc, char **argv) {
    struct peer peer = {0};
    uint8_t secret_key[KEY_LENGTH];
    if (sodium_init() < 0 || !read_arguments(&peer, secret_key, argc, argv)) {
        fprintf(stderr, "usage: toxcore-peer SECRET_KEY PEER_KEY (ADDRESS PORT RELAY_KEY)...\n");
        return 2;
    }
    signal(SIGTERM, end);

    Logger *log = logger_new();
    Mono_Time *mono_time = mono_time_new(NULL, NULL);
    const TCP_Proxy_Info no_proxy = {{{{0}, {{0}}}, 0}, 0};
    peer.tcp = log != NULL && mono_time != NULL
                   ? new_tcp_connections(log, system_random(), system_network(), mono_time, secret_key, &no_proxy)
                   : NULL;
    sodium_memzero(secret_key, sizeof secret_key);
    bool works = peer.tcp != NULL;
    if (works) {
        set_packet_tcp_connection_callback(peer.tcp, take_data, &peer);
        set_oob_packet_tcp_connection_callback(peer.tcp, take_oob, &peer);
        works = connect_to_other(&peer);
    }
    while (works && ended == 0) {
        mono_time_update(mono_time);
        do_tcp_connections(log, peer.tcp, NULL);
        const struct timespec tick = {0, TICK_NS};
        nanosleep(&tick, NULL);
    }
    kill_tcp_connections(peer.tcp);
    mono_time_free(mono_time);
    logger_kill(log);
    if (!works) {
        fprintf(stderr, "toxcore-peer: toxcore did not take the peer or a relay\n");
    }
    return works ? 0 : 1;
}
