/* toxcore's TCP client in toxtcp's words: one connection to one relay. For C11 and C++20.
 *
 * TOXTCP_TOXCORE_GENERATION says whose ABI it is: 218 (toxcore 0.2.18), 220 (0.2.19 and 0.2.20) or 223 (0.2.21 to
 * 0.2.23); 218 when it is not defined. It has to fit the archive that is linked.
 *
 * A program that includes toxcore's own headers as well includes them before this one: what they have declared is
 * then not declared again. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#ifndef TOXTCP_TOXCORE_GENERATION
#define TOXTCP_TOXCORE_GENERATION 218
#endif
#if TOXTCP_TOXCORE_GENERATION != 218 && TOXTCP_TOXCORE_GENERATION != 220 && TOXTCP_TOXCORE_GENERATION != 223
#error "TOXTCP_TOXCORE_GENERATION is 218, 220 or 223"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the host's own, opaque here ------------------------------------------------------------------------------- */

typedef struct Logger Logger;
typedef struct Mono_Time Mono_Time;
typedef struct Random Random;
typedef struct Network Network;
#if TOXTCP_TOXCORE_GENERATION >= 220
typedef struct Memory Memory;
#endif
#if TOXTCP_TOXCORE_GENERATION >= 223
typedef struct Net_Profile Net_Profile;
#endif

/* ---- addresses ------------------------------------------------------------------------------------------------- */

#ifndef C_TOXCORE_TOXCORE_NETWORK_H

/* 2: IPv4, 10: IPv6, 12: TCP over IPv4, 13: TCP over IPv6, 14: the number of a relay. */
typedef struct Family {
    uint8_t value;
} Family;

typedef union IP4 {
    uint32_t uint32;
    uint16_t uint16[2];
    uint8_t uint8[4];
} IP4;

typedef union IP6 {
    uint8_t uint8[16];
    uint16_t uint16[8];
    uint32_t uint32[4];
    uint64_t uint64[2];
} IP6;

typedef struct IP {
    Family family;
    union {
        IP4 v4;
        IP6 v6;
    } ip;
} IP;

/* All of it in network byte order, the port too. */
typedef struct IP_Port {
    IP ip;
    uint16_t port;
} IP_Port;

#endif /* C_TOXCORE_TOXCORE_NETWORK_H */

/* What a forwarded packet is handed to. */
typedef void forwarded_response_cb(void *object, const uint8_t *data, uint16_t length, void *userdata);

/* ---- one relay ------------------------------------------------------------------------------------------------- */

#ifndef C_TOXCORE_TOXCORE_TCP_CLIENT_H

typedef enum TCP_Proxy_Type {
    TCP_PROXY_NONE,
    TCP_PROXY_HTTP,
    TCP_PROXY_SOCKS5,
} TCP_Proxy_Type;

typedef struct TCP_Proxy_Info {
    IP_Port ip_port;
    uint8_t proxy_type; /* a TCP_Proxy_Type */
} TCP_Proxy_Info;

typedef enum TCP_Client_Status {
    TCP_CLIENT_NO_STATUS,
    TCP_CLIENT_PROXY_HTTP_CONNECTING,
    TCP_CLIENT_PROXY_SOCKS5_CONNECTING,
    TCP_CLIENT_PROXY_SOCKS5_UNCONFIRMED,
    TCP_CLIENT_CONNECTING,
    TCP_CLIENT_UNCONFIRMED,
    TCP_CLIENT_CONFIRMED,
    TCP_CLIENT_DISCONNECTED,
} TCP_Client_Status;

typedef struct TCP_Client_Connection TCP_Client_Connection;

/* Begins to connect. Keys have 32 bytes and are copied; `proxy_info` may be null. Everything else is borrowed. Null
 * when the address is neither IPv4 nor IPv6, and when there is no socket or no memory. */
#if TOXTCP_TOXCORE_GENERATION == 218
TCP_Client_Connection *new_TCP_connection(const Logger *logger, const Mono_Time *mono_time, const Random *rng,
                                          const Network *ns, const IP_Port *ip_port, const uint8_t *public_key,
                                          const uint8_t *self_public_key, const uint8_t *self_secret_key,
                                          const TCP_Proxy_Info *proxy_info);
void do_TCP_connection(const Logger *logger, const Mono_Time *mono_time, TCP_Client_Connection *con, void *userdata);
void kill_TCP_connection(TCP_Client_Connection *con);
#else
TCP_Client_Connection *new_tcp_connection(const Logger *logger, const Memory *mem, const Mono_Time *mono_time,
                                          const Random *rng, const Network *ns, const IP_Port *ip_port,
                                          const uint8_t *public_key, const uint8_t *self_public_key,
                                          const uint8_t *self_secret_key, const TCP_Proxy_Info *proxy_info
#if TOXTCP_TOXCORE_GENERATION >= 223
                                          ,
                                          Net_Profile *net_profile
#endif
);
void do_tcp_connection(const Logger *logger, const Mono_Time *mono_time, TCP_Client_Connection *con, void *userdata);
void kill_tcp_connection(TCP_Client_Connection *con);
#endif

/* Of the relay. */
const uint8_t *tcp_con_public_key(const TCP_Client_Connection *con);
IP_Port tcp_con_ip_port(const TCP_Client_Connection *con);
TCP_Client_Status tcp_con_status(const TCP_Client_Connection *con);

/* The caller's to use: null and 0 at first. */
void *tcp_con_custom_object(const TCP_Client_Connection *con);
uint32_t tcp_con_custom_uint(const TCP_Client_Connection *con);
void tcp_con_set_custom_object(TCP_Client_Connection *con, void *object);
void tcp_con_set_custom_uint(TCP_Client_Connection *con, uint32_t value);

/* All senders: 1 when it is sent (or sure to be), 0 when the socket takes nothing for now, -1 when it cannot be sent.
 * `con_id` is a routing id of the protocol less 16: 0 to 239. */
int send_routing_request(const Logger *logger, TCP_Client_Connection *con, const uint8_t *public_key);
int send_disconnect_request(const Logger *logger, TCP_Client_Connection *con, uint8_t con_id);
int send_data(const Logger *logger, TCP_Client_Connection *con, uint8_t con_id, const uint8_t *data, uint16_t length);
int send_oob_packet(const Logger *logger, TCP_Client_Connection *con, const uint8_t *public_key, const uint8_t *data,
                    uint16_t length);
int send_onion_request(const Logger *logger, TCP_Client_Connection *con, const uint8_t *data, uint16_t length);
int send_forward_request_tcp(const Logger *logger, TCP_Client_Connection *con, const IP_Port *dest, const uint8_t *data,
                             uint16_t length);

/* The number that callbacks get with this con_id; UINT32_MAX before. 0, or -1 when the relay has not given it. */
int set_tcp_connection_number(TCP_Client_Connection *con, uint8_t con_id, uint32_t number);

/* `status` of a peer: 1 offline, 2 online. What the callbacks return is not looked at. */
typedef int tcp_routing_response_cb(void *object, uint8_t con_id, const uint8_t *public_key);
typedef int tcp_routing_status_cb(void *object, uint32_t number, uint8_t con_id, uint8_t status);
typedef int tcp_routing_data_cb(void *object, uint32_t number, uint8_t con_id, const uint8_t *data, uint16_t length,
                                void *userdata);
typedef int tcp_oob_data_cb(void *object, const uint8_t *public_key, const uint8_t *data, uint16_t length,
                            void *userdata);
typedef int tcp_onion_response_cb(void *object, const uint8_t *data, uint16_t length, void *userdata);

void routing_response_handler(TCP_Client_Connection *con, tcp_routing_response_cb *callback, void *object);
void routing_status_handler(TCP_Client_Connection *con, tcp_routing_status_cb *callback, void *object);
void routing_data_handler(TCP_Client_Connection *con, tcp_routing_data_cb *callback, void *object);
void oob_data_handler(TCP_Client_Connection *con, tcp_oob_data_cb *callback, void *object);
void onion_response_handler(TCP_Client_Connection *con, tcp_onion_response_cb *callback, void *object);
void forwarding_handler(TCP_Client_Connection *con, forwarded_response_cb *callback, void *object);

#endif /* C_TOXCORE_TOXCORE_TCP_CLIENT_H */

#ifdef __cplusplus
} /* extern "C" */
#endif
