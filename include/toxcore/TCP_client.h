/** @file
 * toxcore's TCP client in toxtcp's words: one connection to one relay. For C11 and C++20.
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

typedef struct Logger Logger;       /**< takes log lines */
typedef struct Mono_Time Mono_Time; /**< tells the time */
typedef struct Random Random;       /**< gives random bytes */
typedef struct Network Network;     /**< makes sockets, the system's or simulated ones */
#if TOXTCP_TOXCORE_GENERATION >= 220
typedef struct Memory Memory; /**< allocates */
#endif
#if TOXTCP_TOXCORE_GENERATION >= 223
typedef struct Net_Profile Net_Profile; /**< counts packets */
#endif

/* ---- addresses ------------------------------------------------------------------------------------------------- */

#ifndef C_TOXCORE_TOXCORE_NETWORK_H

/** What an address is one of. */
typedef struct Family {
    uint8_t value; /**< 2: IPv4, 10: IPv6, 12: TCP over IPv4, 13: TCP over IPv6, 14: the number of a relay */
} Family;

/** The 4 bytes of an IPv4 address, in network byte order. */
typedef union IP4 {
    uint32_t uint32;    /**< as one number */
    uint16_t uint16[2]; /**< as 2 numbers */
    uint8_t uint8[4];   /**< byte by byte */
} IP4;

/** The 16 bytes of an IPv6 address, in network byte order. */
typedef union IP6 {
    uint8_t uint8[16];  /**< byte by byte */
    uint16_t uint16[8]; /**< as 8 numbers */
    uint32_t uint32[4]; /**< as 4 numbers */
    uint64_t uint64[2]; /**< as 2 numbers */
} IP6;

/** An address without a port. */
typedef struct IP {
    Family family; /**< tells which member of `ip` counts */
    union {
        IP4 v4; /**< for IPv4, and for the number of a relay, as it lies in memory */
        IP6 v6; /**< for IPv6 */
    } ip;       /**< the address's bytes */
} IP;

/** An address and a port, all of it in network byte order. */
typedef struct IP_Port {
    IP ip;         /**< the address */
    uint16_t port; /**< in network byte order too */
} IP_Port;

#endif /* C_TOXCORE_TOXCORE_NETWORK_H */

/** What a forwarded packet is handed to. */
typedef void forwarded_response_cb(void *object, const uint8_t *data, uint16_t length, void *userdata);

/* ---- one relay ------------------------------------------------------------------------------------------------- */

#ifndef C_TOXCORE_TOXCORE_TCP_CLIENT_H

/** How relays are reached. */
typedef enum TCP_Proxy_Type {
    TCP_PROXY_NONE,   /**< directly */
    TCP_PROXY_HTTP,   /**< by an HTTP proxy's CONNECT */
    TCP_PROXY_SOCKS5, /**< by a SOCKS5 proxy, without a password */
} TCP_Proxy_Type;

/** The proxy that relays are reached through. */
typedef struct TCP_Proxy_Info {
    IP_Port ip_port;    /**< of the proxy */
    uint8_t proxy_type; /**< a TCP_Proxy_Type */
} TCP_Proxy_Info;

/** How far a connection to a relay has come. */
typedef enum TCP_Client_Status {
    TCP_CLIENT_NO_STATUS,                /**< it is none */
    TCP_CLIENT_PROXY_HTTP_CONNECTING,    /**< the HTTP proxy is asked */
    TCP_CLIENT_PROXY_SOCKS5_CONNECTING,  /**< the SOCKS5 proxy is greeted */
    TCP_CLIENT_PROXY_SOCKS5_UNCONFIRMED, /**< the SOCKS5 proxy is asked */
    TCP_CLIENT_CONNECTING,               /**< connecting, or our part of the handshake is not sent yet */
    TCP_CLIENT_UNCONFIRMED,              /**< the relay's answer is awaited */
    TCP_CLIENT_CONFIRMED,                /**< packets go both ways */
    TCP_CLIENT_DISCONNECTED,             /**< it is over, and may be killed */
} TCP_Client_Status;

/** A connection to one relay. Whoever made it kills it. */
typedef struct TCP_Client_Connection TCP_Client_Connection;

/** Begins to connect. Keys have 32 bytes and are copied; `proxy_info` may be null. Everything else is borrowed. Null
 * when the address is neither IPv4 nor IPv6, and when there is no socket or no memory. */
#if TOXTCP_TOXCORE_GENERATION == 218
TCP_Client_Connection *new_TCP_connection(const Logger *logger, const Mono_Time *mono_time, const Random *rng,
                                          const Network *ns, const IP_Port *ip_port, const uint8_t *public_key,
                                          const uint8_t *self_public_key, const uint8_t *self_secret_key,
                                          const TCP_Proxy_Info *proxy_info);
/** Reads and sends what there is, and calls the callbacks with `userdata`. */
void do_TCP_connection(const Logger *logger, const Mono_Time *mono_time, TCP_Client_Connection *con, void *userdata);
/** Closes its socket and wipes its keys. Null is allowed. */
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
/** Reads and sends what there is, and calls the callbacks with `userdata`. */
void do_tcp_connection(const Logger *logger, const Mono_Time *mono_time, TCP_Client_Connection *con, void *userdata);
/** Closes its socket and wipes its keys. Null is allowed. */
void kill_tcp_connection(TCP_Client_Connection *con);
#endif

/** The relay's key: 32 bytes, there for as long as the connection is. */
const uint8_t *tcp_con_public_key(const TCP_Client_Connection *con);
/** The relay's address, as it was given. */
IP_Port tcp_con_ip_port(const TCP_Client_Connection *con);
/** How far it has come. If the socket fails before the relay has answered, this stays as it was until the 10 s that a
 * connection may take are over. */
TCP_Client_Status tcp_con_status(const TCP_Client_Connection *con);

/** A pointer that is the caller's to use; null at first. */
void *tcp_con_custom_object(const TCP_Client_Connection *con);
/** A number that is the caller's to use; 0 at first. */
uint32_t tcp_con_custom_uint(const TCP_Client_Connection *con);
/** Sets the caller's pointer. */
void tcp_con_set_custom_object(TCP_Client_Connection *con, void *object);
/** Sets the caller's number. */
void tcp_con_set_custom_uint(TCP_Client_Connection *con, uint32_t value);

/* All senders: 1 when it is sent (or sure to be), 0 when the socket takes nothing for now, -1 when it cannot be sent.
 * `con_id` is a routing id of the protocol less 16: 0 to 239. */

/** Asks for the peer of this key, who gets a `con_id`. 1 sent, 0 not now, -1 never. */
int send_routing_request(const Logger *logger, TCP_Client_Connection *con, const uint8_t *public_key);
/** Gives a `con_id` up. 1 sent, 0 not now, -1 never. */
int send_disconnect_request(const Logger *logger, TCP_Client_Connection *con, uint8_t con_id);
/** Data to the peer that has this `con_id` and is online. 1 sent, 0 not now, -1 never. */
int send_data(const Logger *logger, TCP_Client_Connection *con, uint8_t con_id, const uint8_t *data, uint16_t length);
/** Up to 1024 bytes to any key that the relay knows. 1 sent, 0 not now, -1 never. */
int send_oob_packet(const Logger *logger, TCP_Client_Connection *con, const uint8_t *public_key, const uint8_t *data,
                    uint16_t length);
/** An onion packet for the relay to pass on. 1 sent, 0 not now, -1 never. */
int send_onion_request(const Logger *logger, TCP_Client_Connection *con, const uint8_t *data, uint16_t length);
/** Has the relay send data to a node of the DHT. 1 sent, 0 not now, -1 never. */
int send_forward_request_tcp(const Logger *logger, TCP_Client_Connection *con, const IP_Port *dest, const uint8_t *data,
                             uint16_t length);

/** The number that callbacks get with this con_id; UINT32_MAX before. 0, or -1 when the relay has not given it. */
int set_tcp_connection_number(TCP_Client_Connection *con, uint8_t con_id, uint32_t number);

/* What the callbacks return is not looked at. Keys and data are valid during the call. */

/** The relay has given the peer of this key a `con_id`. */
typedef int tcp_routing_response_cb(void *object, uint8_t con_id, const uint8_t *public_key);
/** The peer went offline (`status` 1) or online (2). */
typedef int tcp_routing_status_cb(void *object, uint32_t number, uint8_t con_id, uint8_t status);
/** Data from the peer. */
typedef int tcp_routing_data_cb(void *object, uint32_t number, uint8_t con_id, const uint8_t *data, uint16_t length,
                                void *userdata);
/** An OOB packet from whoever has this key. */
typedef int tcp_oob_data_cb(void *object, const uint8_t *public_key, const uint8_t *data, uint16_t length,
                            void *userdata);
/** An answer to an onion packet. */
typedef int tcp_onion_response_cb(void *object, const uint8_t *data, uint16_t length, void *userdata);

/** Sets what is called when the relay has given a `con_id`; null: nothing. `object` is passed to it, as below. */
void routing_response_handler(TCP_Client_Connection *con, tcp_routing_response_cb *callback, void *object);
/** Sets what is called when a peer goes online or offline. */
void routing_status_handler(TCP_Client_Connection *con, tcp_routing_status_cb *callback, void *object);
/** Sets what is called with data. */
void routing_data_handler(TCP_Client_Connection *con, tcp_routing_data_cb *callback, void *object);
/** Sets what is called with OOB packets. */
void oob_data_handler(TCP_Client_Connection *con, tcp_oob_data_cb *callback, void *object);
/** Sets what is called with answers to onion packets. */
void onion_response_handler(TCP_Client_Connection *con, tcp_onion_response_cb *callback, void *object);
/** Sets what is called with forwarded packets. */
void forwarding_handler(TCP_Client_Connection *con, forwarded_response_cb *callback, void *object);

#endif /* C_TOXCORE_TOXCORE_TCP_CLIENT_H */

#ifdef __cplusplus
} /* extern "C" */
#endif
