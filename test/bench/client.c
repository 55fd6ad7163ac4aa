// The program of the packet benchmark. It runs one scenario with one layer and the scripted relay, and prints the
// figures as one line of JSON. `packet.py` runs the scenarios with each layer and compares them; `plot.py` runs
// `sweep`.
//
//   RELAY receive SIZE COUNT ROUND      receiving COUNT data packets, about ROUND bytes of them at a time
//   RELAY send SIZE COUNT               sending COUNT packets, one call for each
//   RELAY batch SIZE COUNT TOGETHER     sending COUNT packets, TOGETHER of them in one call
//   RELAY idle RELAYS TICKS             a tick with nothing to do
//   RELAY peers COUNT...                adding, finding, killing a peer, a routing response, an OOB packet
//   RELAY heap RELAYS PEERS             bytes of heap for a connected relay, and for a peer with 3 routes
//   RELAY much SIZE BYTES               receiving BYTES in the largest segments: how many packets arrive
//   RELAY compiler                      the compiler of this program
//   RELAY sweep RELAYS PEERS SIZE       receiving, sending and idling with RELAYS relays and PEERS peers
#define _POSIX_C_SOURCE 200809L // nanosleep

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "layer.h"
#include "measured.h"
#include "relay_control.h"

enum {
    MAX_RELAYS_EACH = 3, // routes of one peer
    MAX_BATCH = 64,
    SETUP_TRIES = 20000,  // of 1 ms each
    STALLED_AFTER = 3000, // ticks without a packet, 1 ms apart after the first TIRED_AFTER
    TIRED_AFTER = 64,
    REPETITIONS = 5,
    PORTION = 100, // peers, route requests or OOB packets that are measured at a time
};

struct bench {
    struct layer *layer;
    struct relay_process relay;
    uint64_t expected; // packets that the relay has to receive, in all
    uint64_t got;      // data and OOB packets that the client received
    uint32_t peers;
};

static void fail(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(EXIT_FAILURE);
}

static void check(bool good, const char *what) {
    if (!good) {
        fail(what);
    }
}

static void pause_ms(long milliseconds) {
    const struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&time, NULL);
}

static void take_data(void *object, int id, const uint8_t *data, size_t length) {
    (void)id;
    (void)data;
    (void)length;
    struct bench *bench = (struct bench *)object;
    ++bench->got;
}

static void take_oob(void *object, const uint8_t *data, size_t length) {
    (void)data;
    (void)length;
    struct bench *bench = (struct bench *)object;
    ++bench->got;
}

// ---- the relay -------------------------------------------------------------------------------------------------

static uint64_t ask(struct bench *bench, enum relay_task task, uint64_t count) {
    const struct relay_request request = {.task = task, .count = count};
    return relay_ask(&bench->relay, &request);
}

static uint64_t ask_to_send(struct bench *bench, enum relay_task task, uint32_t relay, uint32_t size, uint64_t count) {
    const struct relay_request request = {.task = task, .relay = relay, .size = size, .count = count};
    return relay_ask(&bench->relay, &request);
}

// ---- setting up ------------------------------------------------------------------------------------------------

static int add_peer(struct bench *bench) {
    uint8_t key[BENCH_KEY_SIZE];
    bench_peer_key(bench->peers, key);
    const int peer = layer_add_peer(bench->layer, key, (int)bench->peers);
    check(peer >= 0, "a peer was refused");
    ++bench->peers;
    return peer;
}

static void tick(struct bench *bench) {
    layer_update_time(bench->layer);
    layer_tick(bench->layer);
}

static void tie(struct bench *bench, int peer, uint32_t relay) {
    check(layer_tie(bench->layer, peer, &bench->relay.relays[relay]), "a relay was refused");
}

static void wait_online(struct bench *bench, int peer, unsigned relays) {
    ask(bench, RELAY_SERVE, 0);
    for (int i = 0; layer_online_relays(bench->layer, peer) < relays; ++i) {
        check(i < SETUP_TRIES, "a peer did not come online");
        pause_ms(1);
        tick(bench);
    }
    ask(bench, RELAY_HOLD, 0);
}

// Each relay gets a peer that is online there. Otherwise the layer would close the relay. The first peer has number 0.
static void connect_relays(struct bench *bench, uint32_t relays) {
    int *numbers = (int *)calloc(relays, sizeof *numbers);
    check(numbers != NULL, "no memory");
    ask(bench, RELAY_SERVE, 0);
    for (uint32_t i = 0; i < relays; ++i) {
        numbers[i] = add_peer(bench);
        tie(bench, numbers[i], i);
    }
    for (uint32_t i = 0; i < relays; ++i) {
        wait_online(bench, numbers[i], 1);
    }
    free(numbers);
    pause_ms(20); // for the first pings and their pongs
    ask(bench, RELAY_SERVE, 0);
    for (int i = 0; i < 50; ++i) {
        pause_ms(1);
        tick(bench);
    }
    ask(bench, RELAY_HOLD, 0);
    // The packets that the relay has received so far. Later packets are added to this number.
    bench->expected = ask(bench, RELAY_AWAIT_PACKETS, 0);
}

static void start(struct bench *bench, const char *relay_program, uint32_t relays) {
    memset(bench, 0, sizeof *bench);
    uint8_t public_key[BENCH_KEY_SIZE];
    uint8_t secret_key[BENCH_KEY_SIZE];
    check(sodium_init() >= 0, "libsodium does not start");
    crypto_box_keypair(public_key, secret_key);
    relay_start_process(&bench->relay, relay_program, relays);
    const struct layer_events events = {bench, take_data, take_oob};
    bench->layer = layer_new(secret_key, &events, false);
    check(bench->layer != NULL, "the layer does not start");
}

static void stop(struct bench *bench) {
    layer_kill(bench->layer);
    relay_end_process(&bench->relay);
}

// ---- receiving -------------------------------------------------------------------------------------------------

struct receiving {
    struct bench *bench;
    uint64_t until; // packets
    bool stalled;
};

static void receive_all(void *object) {
    struct receiving *receiving = (struct receiving *)object;
    struct bench *bench = receiving->bench;
    uint64_t before = bench->got;
    for (int idle = 0; bench->got < receiving->until && idle < STALLED_AFTER; ++idle) {
        layer_tick(bench->layer);
        if (bench->got != before) {
            before = bench->got;
            idle = 0;
        } else if (idle > TIRED_AFTER) {
            pause_ms(1);
        }
    }
    receiving->stalled = bench->got < receiving->until;
}

// The processor time to receive `count` packets over relay number `relay`, ns.
static uint64_t receive(struct bench *bench, uint32_t relay, uint32_t size, uint64_t count, uint64_t round_bytes,
                        bool *stalled) {
    uint64_t spent = 0;
    uint64_t done = 0;
    const uint64_t round = round_bytes / (size + 19U) + 1;
    struct receiving receiving = {bench, bench->got, false};
    while (done < count && !receiving.stalled) {
        const uint64_t there =
            ask_to_send(bench, RELAY_SEND_DATA, relay, size, round < count - done ? round : count - done);
        check(there != 0, "the relay cannot send");
        receiving.until += there;
        done += there;
        layer_update_time(bench->layer);
        spent += measured(receive_all, &receiving);
    }
    *stalled = receiving.stalled;
    return spent;
}

static void run_receive(struct bench *bench, uint32_t size, uint64_t count, uint64_t round_bytes) {
    bool stalled = false;
    connect_relays(bench, 1);
    receive(bench, 0, size, count / 8 + 1, round_bytes, &stalled); // warm-up
    const uint64_t before = bench->got;
    const uint64_t spent = receive(bench, 0, size, count, round_bytes, &stalled);
    const uint64_t got = bench->got - before;
    printf("{\"packets\": %llu, \"ns\": %.1f, \"stalled\": %s}\n", (unsigned long long)got,
           got == 0 ? 0.0 : (double)spent / (double)got, stalled ? "true" : "false");
}

static void run_much(struct bench *bench, uint32_t size, uint64_t bytes) {
    const uint64_t frame = size + 19U;
    connect_relays(bench, 1);
    const uint64_t wanted = bytes / frame;
    uint64_t sent = 0;
    struct receiving receiving = {bench, bench->got, false};
    const uint64_t before = bench->got;
    while (sent < wanted && !receiving.stalled) {
        const uint64_t there = ask_to_send(bench, RELAY_SEND_MUCH, 0, size, wanted - sent);
        sent += there;
        receiving.until += there;
        layer_update_time(bench->layer);
        receive_all(&receiving);
    }
    printf("{\"sent\": %llu, \"received\": %llu, \"stalled\": %s}\n", (unsigned long long)sent,
           (unsigned long long)(bench->got - before), receiving.stalled ? "true" : "false");
}

// ---- sending ---------------------------------------------------------------------------------------------------

struct sending {
    struct bench *bench;
    int peer;
    struct bench_packet packets[MAX_BATCH];
    size_t together; // packets in one call; 0: each by layer_send
    uint64_t count;
    uint64_t sent;
};

static void send_some(void *object) {
    struct sending *sending = (struct sending *)object;
    struct layer *layer = sending->bench->layer;
    const struct bench_packet *packets = sending->packets;
    while (sending->sent < sending->count) {
        size_t sent = 0;
        if (sending->together == 0) {
            sent = layer_send(layer, sending->peer, packets->data, packets->length);
        } else {
            sent = layer_send_many(layer, sending->peer, packets, sending->together);
        }
        if (sent == 0) {
            return; // full: the burst ends here
        }
        sending->sent += sent;
    }
}

static uint64_t send_packets(struct bench *bench, int peer, uint32_t size, uint64_t count, size_t together,
                             uint64_t *sent) {
    static uint8_t data[MAX_BATCH][BENCH_MAX_PACKET];
    struct sending sending = {.bench = bench, .peer = peer, .together = together};
    for (size_t i = 0; i < MAX_BATCH; ++i) {
        memset(data[i], (int)i, sizeof data[i]);
        sending.packets[i] = (struct bench_packet){data[i], size};
    }
    const uint64_t burst = BENCH_BURST * (together > 0 ? together : 1);
    uint64_t spent = 0;
    *sent = 0;
    while (*sent < count) {
        sending.sent = 0;
        sending.count = burst;
        layer_update_time(bench->layer);
        spent += measured(send_some, &sending);
        check(sending.sent != 0, "nothing can be sent");
        *sent += sending.sent;
        bench->expected += sending.sent;
        ask(bench, RELAY_AWAIT_PACKETS, bench->expected);
        layer_tick(bench->layer); // sends what is left over
    }
    return spent;
}

static void run_send(struct bench *bench, uint32_t size, uint64_t count, size_t together) {
    check(together <= MAX_BATCH, "too many together");
    uint64_t sent = 0;
    connect_relays(bench, 1);
    send_packets(bench, 0, size, count / 8 + 1, together, &sent);
    const uint64_t spent = send_packets(bench, 0, size, count, together, &sent);
    printf("{\"packets\": %llu, \"ns\": %.1f}\n", (unsigned long long)sent, (double)spent / (double)sent);
}

// ---- idling ----------------------------------------------------------------------------------------------------

struct idling {
    struct bench *bench;
    uint64_t ticks;
};

static void idle(void *object) {
    const struct idling *idling = (const struct idling *)object;
    for (uint64_t i = 0; i < idling->ticks; ++i) {
        layer_tick(idling->bench->layer);
    }
}

static uint64_t idle_ticks(struct bench *bench, uint64_t ticks) {
    struct idling idling = {bench, ticks};
    layer_update_time(bench->layer);
    return measured(idle, &idling);
}

static void run_idle(struct bench *bench, uint64_t ticks) {
    connect_relays(bench, bench->relay.count);
    struct idling warm = {bench, 10};
    idle(&warm);
    const uint64_t spent = idle_ticks(bench, ticks);
    check(layer_connected_relays(bench->layer) == bench->relay.count, "a relay was lost");
    printf("{\"ticks\": %llu, \"ns\": %.1f}\n", (unsigned long long)ticks, (double)spent / (double)ticks);
}

// ---- peers -----------------------------------------------------------------------------------------------------

struct portion {
    struct bench *bench;
    uint8_t keys[PORTION][BENCH_KEY_SIZE];
    int numbers[PORTION];
};

static void add_portion(void *object) {
    struct portion *portion = (struct portion *)object;
    for (int i = 0; i < PORTION; ++i) {
        portion->numbers[i] = layer_add_peer(portion->bench->layer, portion->keys[i], i);
    }
}

static void find_portion(void *object) {
    struct portion *portion = (struct portion *)object;
    bool found = true;
    for (int i = 0; i < PORTION; ++i) {
        found = layer_knows_peer(portion->bench->layer, portion->keys[i]) && found;
    }
    check(found, "a peer was not found");
}

static void kill_portion(void *object) {
    struct portion *portion = (struct portion *)object;
    for (int i = 0; i < PORTION; ++i) {
        check(layer_kill_peer(portion->bench->layer, portion->numbers[i]), "a peer was not killed");
    }
}

static double per_item(uint64_t *spent) {
    return (double)median(spent, REPETITIONS) / PORTION;
}

static void measure_peers(struct bench *bench, uint32_t count, bool first) {
    while (bench->peers < count) {
        add_peer(bench);
    }
    static struct portion portion;
    portion.bench = bench;
    uint64_t add[REPETITIONS];
    uint64_t find[REPETITIONS];
    uint64_t end[REPETITIONS];
    uint64_t response[REPETITIONS];
    uint64_t oob[REPETITIONS];
    for (uint32_t run = 0; run < REPETITIONS; ++run) {
        for (uint32_t i = 0; i < PORTION; ++i) {
            bench_peer_key(UINT32_MAX - run * PORTION - i, portion.keys[i]);
        }
        layer_update_time(bench->layer);
        add[run] = measured(add_portion, &portion);
        for (uint32_t i = 0; i < PORTION; ++i) {
            check(portion.numbers[i] >= 0, "a peer was refused");
            // Finding uses peers from the whole array. The peers that were just added are all at its end.
            bench_peer_key((uint32_t)((uint64_t)count * i / PORTION), portion.keys[i]);
        }
        find[run] = measured(find_portion, &portion);
        end[run] = measured(kill_portion, &portion);
    }
    for (uint32_t run = 0; run < REPETITIONS; ++run) {
        // Requests routes for new peers. All responses have come before the tick that is measured.
        for (uint32_t i = 0; i < PORTION; ++i) {
            bench_peer_key(UINT32_MAX / 2 - run * PORTION - i, portion.keys[i]);
        }
        add_portion(&portion);
        for (uint32_t i = 0; i < PORTION; ++i) {
            tie(bench, portion.numbers[i], 0);
            if (i % 5 == 4) {
                tick(bench); // some layers queue only a few requests
            }
        }
        bench->expected += PORTION;
        ask(bench, RELAY_AWAIT_PACKETS, bench->expected);
        struct idling one = {bench, 1};
        response[run] = measured(idle, &one);
        kill_portion(&portion);
        for (int i = 0; i < 20; ++i) {
            tick(bench);
        }
        bench->expected += PORTION;
        ask(bench, RELAY_AWAIT_PACKETS, bench->expected);

        const struct relay_request request = {.task = RELAY_SEND_OOB,
                                              .relay = 0,
                                              .size = 100,
                                              .count = PORTION,
                                              .first = run,
                                              .step = count / PORTION > 0 ? count / PORTION - 1 : 0};
        struct receiving receiving = {bench, bench->got, false};
        receiving.until += relay_ask(&bench->relay, &request);
        layer_update_time(bench->layer);
        oob[run] = measured(receive_all, &receiving);
        check(!receiving.stalled, "an OOB packet did not come");
    }
    printf("%s\"%u\": {\"add\": %.1f, \"find\": %.1f, \"kill\": %.1f, \"response\": %.1f, \"oob\": %.1f}",
           first ? "" : ", ", (unsigned)count, per_item(add), per_item(find), per_item(end), per_item(response),
           per_item(oob));
}

static void run_peers(struct bench *bench, int counts, char **arguments) {
    connect_relays(bench, 1);
    ask(bench, RELAY_SET_ONLINE, 0);
    printf("{");
    for (int i = 0; i < counts; ++i) {
        measure_peers(bench, (uint32_t)strtoul(arguments[i], NULL, 10), i == 0);
    }
    printf("}\n");
}

// ---- heap ------------------------------------------------------------------------------------------------------

static void run_heap(struct bench *bench, uint32_t peers) {
    const uint32_t relays = bench->relay.count;
    check(relays > MAX_RELAYS_EACH, "too few relays");
    int *numbers = (int *)calloc(relays, sizeof *numbers);
    check(numbers != NULL, "no memory");
    for (uint32_t i = 0; i < relays; ++i) {
        numbers[i] = add_peer(bench);
    }
    const uint64_t empty = heap_in_use();
    for (uint32_t i = 0; i < relays; ++i) {
        tie(bench, numbers[i], i); // some layers close a relay that no peer needs
    }
    for (uint32_t i = 0; i < relays; ++i) {
        wait_online(bench, numbers[i], 1);
    }
    const uint64_t connected = heap_in_use();
    int first = 0;
    for (uint32_t i = 0; i < peers; ++i) {
        const int peer = add_peer(bench);
        first = i == 0 ? peer : first;
        for (uint32_t k = 0; k < MAX_RELAYS_EACH; ++k) {
            tie(bench, peer, k);
        }
    }
    wait_online(bench, first, MAX_RELAYS_EACH); // a relay takes 240 peers; the others wait and cost the same
    const uint64_t tied = heap_in_use();
    printf("{\"relay\": %.1f, \"peer\": %.1f}\n", (double)(connected - empty) / relays,
           (double)(tied - connected) / peers);
    free(numbers);
}

// ---- a point of the sweep --------------------------------------------------------------------------------------

static void run_sweep(struct bench *bench, uint32_t peers, uint32_t size) {
    enum { PACKETS = 2000, ROUND = 32 * 1024, TICKS = 2000 };
    bool stalled = false;
    uint64_t sent = 0;
    connect_relays(bench, bench->relay.count);
    while (bench->peers < peers) {
        add_peer(bench);
    }
    receive(bench, 0, size, PACKETS / 4, ROUND, &stalled);
    const uint64_t got = bench->got;
    const uint64_t receiving = receive(bench, 0, size, PACKETS, ROUND, &stalled);
    const uint64_t received = bench->got - got;
    const uint64_t sending = send_packets(bench, 0, size, PACKETS, 0, &sent);
    const uint64_t idling = idle_ticks(bench, TICKS);
    printf("{\"receive\": %.1f, \"send\": %.1f, \"idle\": %.1f, \"stalled\": %s}\n",
           received == 0 ? 0.0 : (double)receiving / (double)received, (double)sending / (double)sent,
           (double)idling / TICKS, stalled ? "true" : "false");
}

static unsigned long argument(int argc, char **argv, int index) {
    check(index < argc, "arguments are missing: the source says which");
    return strtoul(argv[index], NULL, 10);
}

int main(int argc, char **argv) {
    check(argc >= 3, "usage: RELAY_PROGRAM SCENARIO ARGUMENTS");
    const char *scenario = argv[2];
    if (strcmp(scenario, "compiler") == 0) {
        printf("{\"compiler\": \"%s\"}\n", __VERSION__);
        return EXIT_SUCCESS;
    }
    const bool several =
        strcmp(scenario, "idle") == 0 || strcmp(scenario, "heap") == 0 || strcmp(scenario, "sweep") == 0;
    struct bench bench;
    start(&bench, argv[1], several ? (uint32_t)argument(argc, argv, 3) : 1);
    if (strcmp(scenario, "receive") == 0) {
        run_receive(&bench, (uint32_t)argument(argc, argv, 3), argument(argc, argv, 4), argument(argc, argv, 5));
    } else if (strcmp(scenario, "send") == 0) {
        run_send(&bench, (uint32_t)argument(argc, argv, 3), argument(argc, argv, 4), 0);
    } else if (strcmp(scenario, "batch") == 0) {
        run_send(&bench, (uint32_t)argument(argc, argv, 3), argument(argc, argv, 4), argument(argc, argv, 5));
    } else if (strcmp(scenario, "idle") == 0) {
        run_idle(&bench, argument(argc, argv, 4));
    } else if (strcmp(scenario, "peers") == 0) {
        run_peers(&bench, argc - 3, argv + 3);
    } else if (strcmp(scenario, "heap") == 0) {
        run_heap(&bench, (uint32_t)argument(argc, argv, 4));
    } else if (strcmp(scenario, "much") == 0) {
        run_much(&bench, (uint32_t)argument(argc, argv, 3), argument(argc, argv, 4));
    } else if (strcmp(scenario, "sweep") == 0) {
        run_sweep(&bench, (uint32_t)argument(argc, argv, 4), (uint32_t)argument(argc, argv, 5));
    } else {
        fail("no such scenario");
    }
    stop(&bench);
    return EXIT_SUCCESS;
}
