// One Tox client without UDP. Its commands come on its standard input, and what happens to it is printed on its
// standard output, one line each. The program is built twice: with the library's TCP connections, and with toxcore's
// own. A test starts two of them, which are friends.
//
//   tox-pair [http|socks5 PROXY_PORT]
//
// Commands:
//
//   at ADDRESS                   the address of the relays and nodes that are named from now on; 127.0.0.1 before
//   relay TCP_PORT UDP_PORT KEY  a relay that is a node of the DHT as well
//   node UDP_PORT KEY            a node of the DHT, for the onion, that is no relay
//   tcp_relay TCP_PORT KEY       a relay that is no node of the DHT
//   friend KEY                   adds a friend by its long-term public key, without a friend request
//   messages COUNT               sends COUNT messages; the other client prints `messages COUNT` when all have come, in
//                                order
//   stream MS                    sends a message every MS ms from now on; 0: stops
//   listen                       from now on, the time without a message of the stream is measured
//   silence                      prints `silence LONGEST NOW`: the longest time without a message of the stream, and
//                                the time since the last one, both in ms
//   call MS                      sends a lossy packet of CALL_PACKET_SIZE bytes every MS ms from now on; 0: stops. The
//                                client also looks for packets every MS ms: otherwise it would hear them later than a
//                                call does
//   measure                      from now on, the call's packets are counted, and the time without one is measured
//   called                       prints `called LONGEST NOW SENT RECEIVED WAITED`, since `measure`:
//                                LONGEST: the longest time without a packet of the call, ms
//                                NOW: the time since the last packet, ms
//                                SENT: packets that were to be sent
//                                RECEIVED: packets that came; a packet that comes twice is counted once
//                                WAITED: the longest turn of the main loop less the processor time that the turn took,
//                                ms: the delay that the machine has caused
//   ways                         prints `way SENT TOOK` for each packet of the call since `measure`, in the order of
//                                arrival: when it was sent, and how long it took, both in us of the machine's clock
//                                (so both clients must be on one machine); `ways COUNT` at the end
//   file SIZE PACE               sends a file of SIZE bytes, at most PACE bytes a ms (0: as toxcore asks for them).
//                                The other client prints `file SIZE` when all of it has come and is right
//   got                          prints `got BYTES PAUSE`: the bytes of the file that have come so far, and the
//                                longest time without any, in ms, from the first byte until now
//   sockets                      prints `sockets PORT:SENT:RECEIVED:WAITING...`, for each TCP connection: the other
//                                end's port, the bytes that the other end has acknowledged, the bytes that came from
//                                it, and the bytes that wait to be sent
//   conference                   makes a conference and invites the friend, who joins
//   say COUNT                    sends COUNT messages to the conference; the other client prints `said COUNT`
//   quit
//
// The client prints `key KEY` and `dht_key KEY` first. Later it prints `connected` and `disconnected` (itself),
// `online` and `offline` (the friend), and `joined` (the conference). It prints `failed ...` and ends when something
// goes wrong.
#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <inttypes.h>
#include <linux/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <tox/tox.h>

enum {
    KEY_SIZE = 32,
    MAX_LINE = 256,
    FRIEND = 0,     // there is only one
    CONFERENCE = 0, // there is only one
    BUSY_WAIT_MS = 1,
    MAX_CHUNK = 1371,  // bytes that toxcore asks for at once; fewer at a file's end
    CALL_PACKET = 200, // the first packet type that is lossy and free for clients
    CALL_PACKET_SIZE = 100,
    MAX_CALL_PACKETS = 1 << 16, // 20 min at 20 ms
    MAX_DESCRIPTORS = 256,
};

// A packet of the call that has come.
struct Way {
    uint64_t sent; // when it was sent, us
    uint64_t took; // how long it took, us
};

struct Client {
    Tox *tox;
    char address[MAX_LINE]; // of the relays and nodes that are named next
    bool online;
    bool over;

    uint32_t to_send;  // numbered messages for the friend
    uint32_t sent;     // of these
    uint32_t received; // in a row, from 0

    uint32_t to_say; // numbered messages to the conference
    uint32_t said;   // of these
    uint32_t heard;  // in a row, from 0

    uint64_t stream_interval; // ms, 0: no stream
    uint64_t stream_due;
    uint32_t stream_sent;
    uint32_t stream_received;
    uint64_t heard_at; // ms, the stream's last message
    uint64_t silence;  // ms, the longest time without one

    uint64_t call_interval; // ms, 0: no call
    uint64_t call_due;
    uint32_t call_number;     // of the next packet that we send
    uint32_t call_sent;       // since `measure`
    uint32_t call_received;   // since `measure`
    uint64_t call_heard_at;   // ms, the call's last packet
    uint64_t call_silence;    // ms, the longest time without one
    uint64_t turn_begin;      // ms
    uint64_t turn_begin_used; // ms of processor time
    uint64_t waited;          // ms, the longest turn less its processor time
    bool call_seen[MAX_CALL_PACKETS];
    struct Way ways[MAX_CALL_PACKETS]; // `call_received` of them, in the order of arrival

    uint64_t file_size; // of the file that we receive
    uint64_t file_done;
    uint64_t file_heard_at; // ms, its last bytes
    uint64_t file_pause;    // ms, the longest time without bytes
    bool file_wrong;
    bool sending_file;
    uint32_t file_number; // of the file that we send
    uint64_t file_pace;   // bytes a ms, 0: as toxcore asks for them
    uint64_t file_begun;  // ms
    uint64_t file_asked;  // bytes that toxcore has asked for so far
    uint64_t file_sent;

    char line[MAX_LINE];
    size_t line_size;
};

static void say(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    fflush(stdout);
}

static void fail(const char *what) {
    say("failed %s", what);
    exit(1);
}

static uint64_t clock_us(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

static uint64_t clock_ms(clockid_t clock) {
    return clock_us(clock) / 1000;
}

static uint64_t now_ms(void) {
    return clock_ms(CLOCK_MONOTONIC);
}

// The file's byte at an offset. The bytes repeat only after a long time.
static uint8_t file_byte(uint64_t at) {
    const uint64_t mixed = at * 0x9E3779B97F4A7C15u;
    return (uint8_t)(mixed >> 56);
}

static void print_key(const char *word, const uint8_t *key) {
    char text[2 * KEY_SIZE + 1];
    for (size_t i = 0; i < KEY_SIZE; ++i) {
        snprintf(text + 2 * i, 3, "%02X", key[i]);
    }
    say("%s %s", word, text);
}

static void read_key(const char *text, uint8_t *key) {
    if (strlen(text) != 2 * KEY_SIZE) {
        fail("key");
    }
    for (size_t i = 0; i < KEY_SIZE; ++i) {
        const char digits[3] = {text[2 * i], text[2 * i + 1], 0};
        key[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
}

// ---- what happens ----------------------------------------------------------------------------------------------

static void on_self(Tox *tox, TOX_CONNECTION status, void *user_data) {
    (void)tox;
    (void)user_data;
    say(status != TOX_CONNECTION_NONE ? "connected" : "disconnected");
}

static void on_friend(Tox *tox, uint32_t friend_number, TOX_CONNECTION status, void *user_data) {
    struct Client *const client = user_data;
    (void)tox;
    (void)friend_number;
    if (status == TOX_CONNECTION_UDP) {
        fail("udp");
    }
    client->online = status != TOX_CONNECTION_NONE;
    say(client->online ? "online" : "offline");
}

static void on_message(Tox *tox, uint32_t friend_number, TOX_MESSAGE_TYPE type, const uint8_t *message, size_t length,
                       void *user_data) {
    struct Client *const client = user_data;
    (void)tox;
    (void)friend_number;
    char text[MAX_LINE] = {0};
    memcpy(text, message, length < sizeof text ? length : sizeof text - 1);
    unsigned int number = 0;
    unsigned int of = 0;
    if (type == TOX_MESSAGE_TYPE_ACTION) { // the stream
        // Some may be missing, if the friend was offline meanwhile.
        if (sscanf(text, "%u", &number) != 1 || number < client->stream_received) {
            fail("stream order");
        }
        client->stream_received = number + 1;
        const uint64_t now = now_ms();
        if (now - client->heard_at > client->silence) {
            client->silence = now - client->heard_at;
        }
        client->heard_at = now;
    } else if (sscanf(text, "%u of %u", &number, &of) == 2) {
        if (number != client->received++) {
            fail("message order");
        }
        if (client->received == of) {
            client->received = 0;
            say("messages %u", of);
        }
    }
}

static void on_lossy_packet(Tox *tox, uint32_t friend_number, const uint8_t *data, size_t length, void *user_data) {
    struct Client *const client = user_data;
    (void)tox;
    (void)friend_number;
    uint32_t number;
    if (length != CALL_PACKET_SIZE || data[0] != CALL_PACKET) {
        fail("lossy packet");
    }
    memcpy(&number, data + 1, sizeof number);
    if (number >= MAX_CALL_PACKETS) {
        fail("lossy packet number");
    }
    if (client->call_seen[number]) {
        return;
    }
    client->call_seen[number] = true;
    uint64_t sent;
    memcpy(&sent, data + 1 + sizeof number, sizeof sent);
    client->ways[client->call_received].sent = sent;
    client->ways[client->call_received].took = clock_us(CLOCK_MONOTONIC) - sent;
    ++client->call_received;
    const uint64_t now = now_ms();
    if (now - client->call_heard_at > client->call_silence) {
        client->call_silence = now - client->call_heard_at;
    }
    client->call_heard_at = now;
}

static void on_file(Tox *tox, uint32_t friend_number, uint32_t file_number, uint32_t kind, uint64_t file_size,
                    const uint8_t *filename, size_t filename_length, void *user_data) {
    struct Client *const client = user_data;
    (void)kind;
    (void)filename;
    (void)filename_length;
    client->file_size = file_size;
    client->file_done = 0;
    client->file_pause = 0;
    if (!tox_file_control(tox, friend_number, file_number, TOX_FILE_CONTROL_RESUME, NULL)) {
        fail("file control");
    }
}

static void on_file_chunk(Tox *tox, uint32_t friend_number, uint32_t file_number, uint64_t position,
                          const uint8_t *data, size_t length, void *user_data) {
    struct Client *const client = user_data;
    (void)tox;
    (void)friend_number;
    (void)file_number;
    for (size_t i = 0; i < length; ++i) {
        client->file_wrong |= data[i] != file_byte(position + i);
    }
    const uint64_t now = now_ms();
    if (client->file_done != 0 && now - client->file_heard_at > client->file_pause) {
        client->file_pause = now - client->file_heard_at;
    }
    client->file_heard_at = now;
    client->file_done += length;
    if (length == 0) {
        if (client->file_wrong || client->file_done != client->file_size) {
            fail("file");
        }
        say("file %llu", (unsigned long long)client->file_done);
    }
}

static void on_file_request(Tox *tox, uint32_t friend_number, uint32_t file_number, uint64_t position, size_t length,
                            void *user_data) {
    struct Client *const client = user_data;
    (void)tox;
    (void)friend_number;
    (void)file_number;
    if (length == 0) {
        client->sending_file = false;
        return;
    }
    if (position != client->file_asked || length > MAX_CHUNK) {
        fail("file request");
    }
    client->file_asked += length;
}

static void on_invite(Tox *tox, uint32_t friend_number, TOX_CONFERENCE_TYPE type, const uint8_t *cookie, size_t length,
                      void *user_data) {
    (void)type;
    (void)user_data;
    if (tox_conference_join(tox, friend_number, cookie, length, NULL) != CONFERENCE) {
        fail("conference join");
    }
}

static void on_peers(Tox *tox, uint32_t conference_number, void *user_data) {
    (void)user_data;
    if (tox_conference_peer_count(tox, conference_number, NULL) == 2) {
        say("joined");
    }
}

static void on_conference_message(Tox *tox, uint32_t conference_number, uint32_t peer_number, TOX_MESSAGE_TYPE type,
                                  const uint8_t *message, size_t length, void *user_data) {
    struct Client *const client = user_data;
    (void)type;
    char text[MAX_LINE] = {0};
    memcpy(text, message, length < sizeof text ? length : sizeof text - 1);
    unsigned int number = 0;
    unsigned int of = 0;
    if (tox_conference_peer_number_is_ours(tox, conference_number, peer_number, NULL) ||
        sscanf(text, "%u of %u", &number, &of) != 2) {
        return;
    }
    if (number != client->heard++) {
        fail("conference order");
    }
    if (client->heard == of) {
        client->heard = 0;
        say("said %u", of);
    }
}

// ---- what is due -----------------------------------------------------------------------------------------------

static bool send_text(struct Client *client, TOX_MESSAGE_TYPE type, const char *text) {
    TOX_ERR_FRIEND_SEND_MESSAGE error;
    tox_friend_send_message(client->tox, FRIEND, type, (const uint8_t *)text, strlen(text), &error);
    return error == TOX_ERR_FRIEND_SEND_MESSAGE_OK;
}

static bool send_chunk(struct Client *client) {
    uint8_t chunk[MAX_CHUNK];
    const uint64_t left = client->file_asked - client->file_sent;
    const size_t length = left < MAX_CHUNK ? (size_t)left : MAX_CHUNK;
    for (size_t i = 0; i < length; ++i) {
        chunk[i] = file_byte(client->file_sent + i);
    }
    TOX_ERR_FILE_SEND_CHUNK error;
    if (tox_file_send_chunk(client->tox, FRIEND, client->file_number, client->file_sent, chunk, length, &error)) {
        client->file_sent += length;
        return true;
    }
    if (error != TOX_ERR_FILE_SEND_CHUNK_SENDQ) {
        fail("file chunk");
    }
    return false; // the queue is full: it is tried again later
}

static void send_call_packet(struct Client *client) {
    uint8_t packet[CALL_PACKET_SIZE] = {CALL_PACKET};
    const uint64_t now = clock_us(CLOCK_MONOTONIC);
    memcpy(packet + 1, &client->call_number, sizeof client->call_number);
    memcpy(packet + 1 + sizeof client->call_number, &now, sizeof now);
    // A packet that is refused is lost, as in a real call.
    tox_friend_send_lossy_packet(client->tox, FRIEND, packet, sizeof packet, NULL);
    if (++client->call_number == MAX_CALL_PACKETS) {
        fail("too long a call");
    }
    ++client->call_sent;
}

static void send_due(struct Client *client) {
    char text[MAX_LINE];
    while (client->sent < client->to_send) {
        snprintf(text, sizeof text, "%u of %u", client->sent, client->to_send);
        if (!send_text(client, TOX_MESSAGE_TYPE_NORMAL, text)) {
            break; // the queue is full: it is tried again later
        }
        ++client->sent;
    }
    while (client->said < client->to_say) {
        snprintf(text, sizeof text, "%u of %u", client->said, client->to_say);
        if (!tox_conference_send_message(client->tox, CONFERENCE, TOX_MESSAGE_TYPE_NORMAL, (const uint8_t *)text,
                                         strlen(text), NULL)) {
            break;
        }
        ++client->said;
    }
    const uint64_t now = now_ms();
    if (client->sending_file) {
        const uint64_t paced = (now - client->file_begun) * client->file_pace;
        const uint64_t until = client->file_pace != 0 && paced < client->file_asked ? paced : client->file_asked;
        while (client->file_sent < until && send_chunk(client)) {
        }
    }
    if (client->stream_interval != 0 && now >= client->stream_due) {
        snprintf(text, sizeof text, "%u", client->stream_sent);
        if (send_text(client, TOX_MESSAGE_TYPE_ACTION, text)) {
            ++client->stream_sent;
        }
        client->stream_due = now + client->stream_interval;
    }
    if (client->call_interval != 0 && now >= client->call_due) {
        send_call_packet(client);
        client->call_due = now + client->call_interval;
    }
}

static void print_ways(const struct Client *client) {
    for (uint32_t i = 0; i < client->call_received; ++i) {
        printf("way %" PRIu64 " %" PRIu64 "\n", client->ways[i].sent, client->ways[i].took);
    }
    say("ways %u", client->call_received);
}

static void print_got(const struct Client *client) {
    uint64_t pause = client->file_pause;
    if (client->file_done != 0 && client->file_done < client->file_size && now_ms() - client->file_heard_at > pause) {
        pause = now_ms() - client->file_heard_at;
    }
    say("got %" PRIu64 " %" PRIu64, client->file_done, pause);
}

static void print_sockets(void) {
    printf("sockets");
    for (int descriptor = 0; descriptor < MAX_DESCRIPTORS; ++descriptor) {
        struct sockaddr_in peer;
        socklen_t size = sizeof peer;
        struct tcp_info info;
        socklen_t info_size = sizeof info;
        if (getpeername(descriptor, (struct sockaddr *)&peer, &size) == 0 && peer.sin_family == AF_INET &&
            getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &info_size) == 0) {
            printf(" %u:%" PRIu64 ":%" PRIu64 ":%u", ntohs(peer.sin_port), (uint64_t)info.tcpi_bytes_acked,
                   (uint64_t)info.tcpi_bytes_received, info.tcpi_notsent_bytes);
        }
    }
    say("");
}

static void obey(struct Client *client, const char *line) {
    unsigned int tcp_port = 0;
    unsigned int udp_port = 0;
    unsigned int count = 0;
    unsigned int pace = 0;
    char text[MAX_LINE] = {0};
    uint8_t key[KEY_SIZE];
    if (sscanf(line, "at %255s", client->address) == 1) {
        // sscanf has stored the address
    } else if (sscanf(line, "relay %u %u %255s", &tcp_port, &udp_port, text) == 3) {
        read_key(text, key);
        if (!tox_bootstrap(client->tox, client->address, (uint16_t)udp_port, key, NULL) ||
            !tox_add_tcp_relay(client->tox, client->address, (uint16_t)tcp_port, key, NULL)) {
            fail("relay");
        }
    } else if (sscanf(line, "node %u %255s", &udp_port, text) == 2) {
        read_key(text, key);
        if (!tox_bootstrap(client->tox, client->address, (uint16_t)udp_port, key, NULL)) {
            fail("node");
        }
    } else if (sscanf(line, "tcp_relay %u %255s", &tcp_port, text) == 2) {
        read_key(text, key);
        if (!tox_add_tcp_relay(client->tox, client->address, (uint16_t)tcp_port, key, NULL)) {
            fail("relay");
        }
    } else if (sscanf(line, "friend %255s", text) == 1) {
        read_key(text, key);
        if (tox_friend_add_norequest(client->tox, key, NULL) != FRIEND) {
            fail("friend");
        }
    } else if (sscanf(line, "messages %u", &count) == 1) {
        client->to_send = count;
        client->sent = 0;
    } else if (sscanf(line, "stream %u", &count) == 1) {
        client->stream_interval = count;
    } else if (strcmp(line, "listen") == 0) {
        client->silence = 0;
        client->heard_at = now_ms();
    } else if (strcmp(line, "silence") == 0) {
        const uint64_t last = now_ms() - client->heard_at;
        const uint64_t longest = last > client->silence ? last : client->silence;
        say("silence %llu %llu", (unsigned long long)longest, (unsigned long long)last);
    } else if (sscanf(line, "call %u", &count) == 1) {
        client->call_interval = count;
    } else if (strcmp(line, "measure") == 0) {
        client->call_silence = 0;
        client->waited = 0;
        client->call_sent = client->call_received = 0;
        client->call_heard_at = now_ms();
    } else if (strcmp(line, "called") == 0) {
        const uint64_t last = now_ms() - client->call_heard_at;
        const uint64_t longest = last > client->call_silence ? last : client->call_silence;
        say("called %llu %llu %u %u %llu", (unsigned long long)longest, (unsigned long long)last, client->call_sent,
            client->call_received, (unsigned long long)client->waited);
    } else if (strcmp(line, "ways") == 0) {
        print_ways(client);
    } else if (strcmp(line, "got") == 0) {
        print_got(client);
    } else if (strcmp(line, "sockets") == 0) {
        print_sockets();
    } else if (sscanf(line, "file %u %u", &count, &pace) == 2) {
        const uint8_t name[] = "file";
        client->file_number =
            tox_file_send(client->tox, FRIEND, TOX_FILE_KIND_DATA, count, NULL, name, sizeof name - 1, NULL);
        if (client->file_number == UINT32_MAX) {
            fail("file send");
        }
        client->sending_file = true;
        client->file_pace = pace;
        client->file_begun = now_ms();
        client->file_asked = client->file_sent = 0;
    } else if (strcmp(line, "conference") == 0) {
        if (tox_conference_new(client->tox, NULL) != CONFERENCE ||
            !tox_conference_invite(client->tox, FRIEND, CONFERENCE, NULL)) {
            fail("conference");
        }
    } else if (sscanf(line, "say %u", &count) == 1) {
        client->to_say = count;
        client->said = 0;
    } else if (strcmp(line, "quit") == 0) {
        client->over = true;
    } else {
        fail(line);
    }
}

// Waits for a line, `timeout` ms at most, and obeys all lines that are there. When the input ends, the client ends.
static void read_lines(struct Client *client, int timeout) {
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    while (!client->over && poll(&input, 1, timeout) > 0) {
        const ssize_t got = read(STDIN_FILENO, client->line + client->line_size, MAX_LINE - 1 - client->line_size);
        if (got <= 0) {
            client->over = true;
            return;
        }
        client->line_size += (size_t)got;
        client->line[client->line_size] = 0;
        for (char *end; (end = strchr(client->line, '\n')) != NULL;) {
            *end = 0;
            obey(client, client->line);
            client->line_size -= (size_t)(end + 1 - client->line);
            memmove(client->line, end + 1, client->line_size + 1);
        }
        timeout = 0;
    }
}

static void log_warning(Tox *tox, TOX_LOG_LEVEL level, const char *file, uint32_t line, const char *func,
                        const char *message, void *user_data) {
    (void)tox;
    (void)user_data;
    if (level >= TOX_LOG_LEVEL_WARNING) {
        fprintf(stderr, "%s:%u %s: %s\n", file, line, func, message);
    }
}

static void note_turn(struct Client *client) {
    const uint64_t now = now_ms();
    const uint64_t used = clock_ms(CLOCK_PROCESS_CPUTIME_ID);
    const uint64_t took = now - client->turn_begin;
    const uint64_t worked = used - client->turn_begin_used;
    if (client->turn_begin != 0 && took > worked && took - worked > client->waited) {
        client->waited = took - worked;
    }
    client->turn_begin = now;
    client->turn_begin_used = used;
}

// The time until toxcore or the call has something to do, ms.
static int wait_time(const struct Client *client) {
    const uint32_t interval = tox_iteration_interval(client->tox);
    if (client->call_interval == 0) {
        return (int)interval;
    }
    const uint64_t now = now_ms();
    const uint64_t left = client->call_due > now ? client->call_due - now : 0;
    return left < interval ? (int)left : (int)interval;
}

int main(int argc, char **argv) {
    struct Tox_Options *const options = tox_options_new(NULL);
    tox_options_set_ipv6_enabled(options, false);
    tox_options_set_udp_enabled(options, false);
    tox_options_set_local_discovery_enabled(options, false);
    tox_options_set_log_callback(options, log_warning);
    if (argc == 3) {
        tox_options_set_proxy_type(options, strcmp(argv[1], "http") == 0 ? TOX_PROXY_TYPE_HTTP : TOX_PROXY_TYPE_SOCKS5);
        tox_options_set_proxy_host(options, "127.0.0.1");
        tox_options_set_proxy_port(options, (uint16_t)strtoul(argv[2], NULL, 10));
    }
    static struct Client client = {.address = "127.0.0.1"};
    client.tox = tox_new(options, NULL);
    tox_options_free(options);
    if (client.tox == NULL) {
        fail("tox_new");
    }
    tox_callback_self_connection_status(client.tox, on_self);
    tox_callback_friend_connection_status(client.tox, on_friend);
    tox_callback_friend_message(client.tox, on_message);
    tox_callback_friend_lossy_packet(client.tox, on_lossy_packet);
    tox_callback_file_recv(client.tox, on_file);
    tox_callback_file_recv_chunk(client.tox, on_file_chunk);
    tox_callback_file_chunk_request(client.tox, on_file_request);
    tox_callback_conference_invite(client.tox, on_invite);
    tox_callback_conference_peer_list_changed(client.tox, on_peers);
    tox_callback_conference_message(client.tox, on_conference_message);

    uint8_t key[KEY_SIZE];
    tox_self_get_public_key(client.tox, key);
    print_key("key", key);
    tox_self_get_dht_id(client.tox, key);
    print_key("dht_key", key);
    while (!client.over) {
        note_turn(&client);
        tox_iterate(client.tox, &client);
        send_due(&client);
        const bool busy = client.sending_file || client.file_done < client.file_size;
        read_lines(&client, busy ? BUSY_WAIT_MS : wait_time(&client));
    }
    tox_kill(client.tox);
    return 0;
}
