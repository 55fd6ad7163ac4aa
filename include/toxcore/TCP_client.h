/** @file
 * The interface of toxcore's TCP_client.h, as toxtcp implements it: one connection to one relay. For C11 and C++20.
 *
 * TOXTCP_TOXCORE_GENERATION selects the toxcore version whose ABI is declared: 218 (toxcore 0.2.18), 220 (0.2.19 and
 * 0.2.20) or 223 (0.2.21 to 0.2.23). The default is 218. It must match the archive that the program is linked with.
 *
 * A program that also includes toxcore's own headers must include them first. This header then leaves out the structs
 * and functions that they have declared. */
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

/* ---- toxcore's objects, opaque here ---------------------------------------------------------------------------- */

typedef struct Logger Logger;       /**< receives log lines */
typedef struct Mono_Time Mono_Time; /**< the clock */
typedef struct Random Random;       /**< generates random bytes */
typedef struct Network Network;     /**< creates sockets: the system's or simulated sockets */
#if TOXTCP_TOXCORE_GENERATION >= 220
typedef struct Memory Memory; /**< allocates memory */
#endif
#if TOXTCP_TOXCORE_GENERATION >= 223
typedef struct Net_Profile Net_Profile; /**< counts packets */
#endif

/* ---- addresses ------------------------------------------------------------------------------------------------- */

#ifndef C_TOXCORE_TOXCORE_NETWORK_H

/** The kind of an address. */
typedef struct Family {
    uint8_t value; /**< 2: IPv4, 10: IPv6, 12: TCP over IPv4, 13: TCP over IPv6, 14: the handle of a relay */
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
    Family family; /**< selects the member of `ip` */
    union {
        IP4 v4; /**< for IPv4; for family 14, the handle of a relay in host byte order */
        IP6 v6; /**< for IPv6 */
    } ip;       /**< the bytes of the address */
} IP;

/** An address and a port. */
typedef struct IP_Port {
    IP ip;         /**< the address */
    uint16_t port; /**< in network byte order */
} IP_Port;

#endif /* C_TOXCORE_TOXCORE_NETWORK_H */

/** Called with a forwarded packet. `data` is valid during the call. */
typedef void forwarded_response_cb(void *object, const uint8_t *data, uint16_t length, void *userdata);

/* ---- one relay ------------------------------------------------------------------------------------------------- */

#ifndef C_TOXCORE_TOXCORE_TCP_CLIENT_H

/** The kind of proxy. */
typedef enum TCP_Proxy_Type {
    TCP_PROXY_NONE,   /**< no proxy */
    TCP_PROXY_HTTP,   /**< an HTTP proxy, with CONNECT */
    TCP_PROXY_SOCKS5, /**< a SOCKS5 proxy, without a password */
} TCP_Proxy_Type;

/** The proxy between the client and its relays. */
typedef struct TCP_Proxy_Info {
    IP_Port ip_port;    /**< the address of the proxy */
    uint8_t proxy_type; /**< a TCP_Proxy_Type */
} TCP_Proxy_Info;

/** The state of a connection to a relay. */
typedef enum TCP_Client_Status {
    TCP_CLIENT_NO_STATUS,                /**< never returned */
    TCP_CLIENT_PROXY_HTTP_CONNECTING,    /**< waiting for the HTTP proxy */
    TCP_CLIENT_PROXY_SOCKS5_CONNECTING,  /**< waiting for the SOCKS5 proxy's answer to the greeting */
    TCP_CLIENT_PROXY_SOCKS5_UNCONFIRMED, /**< waiting for the SOCKS5 proxy's answer to the request */
    TCP_CLIENT_CONNECTING,               /**< connecting to the relay, or sending the handshake request */
    TCP_CLIENT_UNCONFIRMED,              /**< waiting for the handshake response of the relay */
    TCP_CLIENT_CONFIRMED,                /**< connected: packets can be sent and received */
    TCP_CLIENT_DISCONNECTED,             /**< ended; the caller can kill it */
} TCP_Client_Status;

/** A connection to one relay. The caller creates it and must kill it. */
typedef struct TCP_Client_Connection TCP_Client_Connection;

/** Starts to connect to a relay. The keys (32 bytes each), the address and the proxy are copied. `proxy_info` may be
 * null: no proxy. The other objects are borrowed and must outlive the connection. Returns null if the address is
 * neither IPv4 nor IPv6, if another argument is invalid, or if there is no socket or no memory. */
#if TOXTCP_TOXCORE_GENERATION == 218
TCP_Client_Connection *new_TCP_connection(const Logger *logger, const Mono_Time *mono_time, const Random *rng,
                                          const Network *ns, const IP_Port *ip_port, const uint8_t *public_key,
                                          const uint8_t *self_public_key, const uint8_t *self_secret_key,
                                          const TCP_Proxy_Info *proxy_info);
/** Receives and sends what is possible without waiting, and passes `userdata` to the callbacks. */
void do_TCP_connection(const Logger *logger, const Mono_Time *mono_time, TCP_Client_Connection *con, void *userdata);
/** Closes the socket, wipes the keys and frees the connection. Null is allowed. Callbacks may call it. */
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
/** Receives and sends what is possible without waiting, and passes `userdata` to the callbacks. */
void do_tcp_connection(const Logger *logger, const Mono_Time *mono_time, TCP_Client_Connection *con, void *userdata);
/** Closes the socket, wipes the keys and frees the connection. Null is allowed. Callbacks may call it. */
void kill_tcp_connection(TCP_Client_Connection *con);
#endif

/** The public key of the relay: 32 bytes, valid as long as the connection. */
const uint8_t *tcp_con_public_key(const TCP_Client_Connection *con);
/** The address of the relay, as the caller gave it. */
IP_Port tcp_con_ip_port(const TCP_Client_Connection *con);
/** The state of the connection. If the socket fails before the handshake is done, the state stays the same until 10 s
 * after the start, as in toxcore. */
TCP_Client_Status tcp_con_status(const TCP_Client_Connection *con);

/** A pointer for the caller's own use; null at first. */
void *tcp_con_custom_object(const TCP_Client_Connection *con);
/** A number for the caller's own use; 0 at first. */
uint32_t tcp_con_custom_uint(const TCP_Client_Connection *con);
/** Sets the caller's pointer. */
void tcp_con_set_custom_object(TCP_Client_Connection *con, void *object);
/** Sets the caller's number. */
void tcp_con_set_custom_uint(TCP_Client_Connection *con, uint32_t value);

/* Send functions return 1 if the packet was sent or queued, 0 if there is no room for it now, and -1 if it cannot be
 * sent. `con_id` is the routing id of the protocol minus 16: 0 to 239. */

/** Requests a route to the peer with this key. The relay assigns a `con_id`. 1: sent, 0: no room now, -1: failed. */
int send_routing_request(const Logger *logger, TCP_Client_Connection *con, const uint8_t *public_key);
/** Gives up a `con_id`. 1: sent or queued, -1: failed. */
int send_disconnect_request(const Logger *logger, TCP_Client_Connection *con, uint8_t con_id);
/** Sends data to the peer with this `con_id`, which must be online. 1: sent, 0: no room now, -1: failed. */
int send_data(const Logger *logger, TCP_Client_Connection *con, uint8_t con_id, const uint8_t *data, uint16_t length);
/** Sends 1 to 1024 bytes to any client of the same relay. 1: sent, 0: no room now, -1: failed. */
int send_oob_packet(const Logger *logger, TCP_Client_Connection *con, const uint8_t *public_key, const uint8_t *data,
                    uint16_t length);
/** Sends an onion request, which the relay passes on over UDP. 1: sent, 0: no room now, -1: failed. */
int send_onion_request(const Logger *logger, TCP_Client_Connection *con, const uint8_t *data, uint16_t length);
/** Asks the relay to forward data to a DHT node. 1: sent, 0: no room now, -1: failed. */
int send_forward_request_tcp(const Logger *logger, TCP_Client_Connection *con, const IP_Port *dest, const uint8_t *data,
                             uint16_t length);

/** Sets the number that the callbacks get with this `con_id`; before, they get UINT32_MAX. Returns 0, or -1 if the
 * relay has not assigned this `con_id`. */
int set_tcp_connection_number(TCP_Client_Connection *con, uint8_t con_id, uint32_t number);

/* The return values of the callbacks are ignored. Keys and data are valid during the call. */

/** The relay has assigned a `con_id` to the peer with this key. */
typedef int tcp_routing_response_cb(void *object, uint8_t con_id, const uint8_t *public_key);
/** The peer went offline (`status` 1) or online (2). */
typedef int tcp_routing_status_cb(void *object, uint32_t number, uint8_t con_id, uint8_t status);
/** Data from the peer. */
typedef int tcp_routing_data_cb(void *object, uint32_t number, uint8_t con_id, const uint8_t *data, uint16_t length,
                                void *userdata);
/** An OOB packet from the client with this key. */
typedef int tcp_oob_data_cb(void *object, const uint8_t *public_key, const uint8_t *data, uint16_t length,
                            void *userdata);
/** The response to an onion request. */
typedef int tcp_onion_response_cb(void *object, const uint8_t *data, uint16_t length, void *userdata);

/** Sets the callback for a new `con_id`. Here and below, null removes the callback; `object` is passed to it. */
void routing_response_handler(TCP_Client_Connection *con, tcp_routing_response_cb *callback, void *object);
/** Sets the callback for a peer that goes online or offline. */
void routing_status_handler(TCP_Client_Connection *con, tcp_routing_status_cb *callback, void *object);
/** Sets the callback for data. */
void routing_data_handler(TCP_Client_Connection *con, tcp_routing_data_cb *callback, void *object);
/** Sets the callback for OOB packets. */
void oob_data_handler(TCP_Client_Connection *con, tcp_oob_data_cb *callback, void *object);
/** Sets the callback for responses to onion requests. */
void onion_response_handler(TCP_Client_Connection *con, tcp_onion_response_cb *callback, void *object);
/** Sets the callback for forwarded packets. */
void forwarding_handler(TCP_Client_Connection *con, forwarded_response_cb *callback, void *object);

#endif /* C_TOXCORE_TOXCORE_TCP_CLIENT_H */

#ifdef __cplusplus
} /* extern "C" */
#endif
