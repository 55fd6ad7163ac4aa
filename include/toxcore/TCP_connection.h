/** @file
 * toxcore's TCP connections in toxtcp's words: connections to peers, each over several relays. For C11 and C++20.
 *
 * TOXTCP_TOXCORE_GENERATION, and what to include before, as TCP_client.h says.
 *
 * Where nothing else is said, functions that return an int answer 0, or -1 when they did nothing. A callback may call
 * anything here. Keys have 32 bytes. */
#pragma once

#include "TCP_client.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifndef C_TOXCORE_TOXCORE_DHT_H
/** A relay as others may be told of it. */
typedef struct Node_format {
    uint8_t public_key[32]; /**< the relay's */
    IP_Port ip_port;        /**< where it is; TCP IPv4 or TCP IPv6 */
} Node_format;
#endif

#ifndef C_TOXCORE_TOXCORE_TCP_CONNECTION_H

/** All relays, and the connections to peers through them. */
typedef struct TCP_Connections TCP_Connections;

/* ---- making one, and its tick ---------------------------------------------------------------------------------- */

/** The secret key and the proxy are copied, everything else is borrowed. Null on failure. */
#if TOXTCP_TOXCORE_GENERATION == 218
TCP_Connections *new_tcp_connections(const Logger *logger, const Random *rng, const Network *ns, Mono_Time *mono_time,
                                     const uint8_t *secret_key, const TCP_Proxy_Info *proxy_info);
#elif TOXTCP_TOXCORE_GENERATION == 220
TCP_Connections *new_tcp_connections(const Logger *logger, const Memory *mem, const Random *rng, const Network *ns,
                                     Mono_Time *mono_time, const uint8_t *secret_key, const TCP_Proxy_Info *proxy_info);
#else
TCP_Connections *new_tcp_connections(const Logger *logger, const Memory *mem, const Random *rng, const Network *ns,
                                     Mono_Time *mono_time, const uint8_t *secret_key, const TCP_Proxy_Info *proxy_info,
                                     Net_Profile *tcp_np);
#endif

/** Null is allowed. Secret keys are wiped. */
void kill_tcp_connections(TCP_Connections *tcp_c);

/** All reading, and all callbacks, which get `userdata`. */
void do_tcp_connections(const Logger *logger, TCP_Connections *tcp_c, void *userdata);

/** Our own public key. */
const uint8_t *tcp_connections_public_key(const TCP_Connections *tcp_c);

/* ---- callbacks ------------------------------------------------------------------------------------------------- */

/** Data from the peer of the connection that was made with `id`, or OOB from it over a relay tied to that. */
typedef int tcp_data_cb(void *object, int id, const uint8_t *data, uint16_t length, void *userdata);
/** Any other OOB packet, and the number of the relay it came over. */
typedef int tcp_oob_cb(void *object, const uint8_t *public_key, unsigned int tcp_connections_number,
                       const uint8_t *data, uint16_t length, void *userdata);
/** An answer to an onion packet. */
typedef int tcp_onion_cb(void *object, const uint8_t *data, uint16_t length, void *userdata);

/** Sets what is called with packets of peers; null: nothing. `object` is passed to it, as below. */
void set_packet_tcp_connection_callback(TCP_Connections *tcp_c, tcp_data_cb *callback, void *object);
/** Sets what is called with all other OOB packets. */
void set_oob_packet_tcp_connection_callback(TCP_Connections *tcp_c, tcp_oob_cb *callback, void *object);
/** Sets what is called with answers to onion packets. */
void set_onion_packet_tcp_connection_callback(TCP_Connections *tcp_c, tcp_onion_cb *callback, void *object);
/** Sets what is called with forwarded packets. */
void set_forwarding_packet_tcp_connection_callback(TCP_Connections *tcp_c, forwarded_response_cb *callback,
                                                   void *object);

/* ---- peers ----------------------------------------------------------------------------------------------------- */

/** The new connection's number; -1 when the peer has one. `id` is what callbacks get. */
int new_tcp_connection_to(TCP_Connections *tcp_c, const uint8_t *public_key, int id);
/** Ends a connection to a peer, and tells every relay concerned. */
int kill_tcp_connection_to(TCP_Connections *tcp_c, int connections_number);

/** False: to sleep, true: awake. -1 when it is so already. */
int set_tcp_connection_to_status(const TCP_Connections *tcp_c, int connections_number, bool status);

/** Relays at which the peer is online; 0 for a number that is none. */
uint32_t tcp_connection_to_online_tcp_relays(const TCP_Connections *tcp_c, int connections_number);

/* ---- relays ---------------------------------------------------------------------------------------------------- */

/** Length of the array of relays, holes included. */
uint32_t tcp_connections_count(const TCP_Connections *tcp_c);
/** Relays connected now. */
uint32_t tcp_connected_relays_count(const TCP_Connections *tcp_c);
#if TOXTCP_TOXCORE_GENERATION >= 220
/** Whether a relay with this key is known. */
bool tcp_relay_is_valid(const TCP_Connections *tcp_c, const uint8_t *relay_pk);
#endif

/** Ties a relay to a connection. -1 when the relay is tied already, when six are tied, and when it is new and the peer
 * is online at three. */
int add_tcp_relay_connection(TCP_Connections *tcp_c, int connections_number, const IP_Port *ip_port,
                             const uint8_t *relay_pk);
/** The same for a relay that is known by its number. */
int add_tcp_number_relay_connection(const TCP_Connections *tcp_c, int connections_number,
                                    unsigned int tcp_connections_number);
/** A relay for no peer in particular. -1 when it is known, and for families other than IPv4 and IPv6, TCP or not. */
int add_tcp_relay_global(TCP_Connections *tcp_c, const IP_Port *ip_port, const uint8_t *relay_pk);
/** Ends a relay, and unties it from every connection. */
int kill_tcp_relay_connection(TCP_Connections *tcp_c, int tcp_connections_number);

/** Copies connected relays, in the array's order from a random place. How many. */
uint32_t tcp_copy_connected_relays(const TCP_Connections *tcp_c, Node_format *tcp_relays, uint16_t max_num);
/** The same from `idx` modulo the array's length. */
uint32_t tcp_copy_connected_relays_index(const TCP_Connections *tcp_c, Node_format *tcp_relays, uint16_t max_num,
                                         uint32_t idx);
/** The address of a random relay that is kept for onion packets; false when there is none. */
bool tcp_get_random_conn_ip_port(const TCP_Connections *tcp_c, IP_Port *ip_port);

/** A relay's number in an address, as onion paths and forwarding name it. */
IP_Port tcp_connections_number_to_ip_port(unsigned int tcp_connections_number);
/** And back; false when it is no such address. */
bool ip_port_to_tcp_connections_number(const IP_Port *ip_port, unsigned int *tcp_connections_number);

/* ---- sending --------------------------------------------------------------------------------------------------- */

/** Data over one relay where the peer is online; if there is none, OOB over every relay that was asked for it. */
int send_packet_tcp_connection(const TCP_Connections *tcp_c, int connections_number, const uint8_t *packet,
                               uint16_t length);
/** An OOB packet to any key that the relay knows. */
int tcp_send_oob_packet(const TCP_Connections *tcp_c, unsigned int tcp_connections_number, const uint8_t *public_key,
                        const uint8_t *packet, uint16_t length);
/** The same, with the relay named by its key. */
int tcp_send_oob_packet_using_relay(const TCP_Connections *tcp_c, const uint8_t *relay_pk, const uint8_t *public_key,
                                    const uint8_t *packet, uint16_t length);

/** Keep three relays for onion packets, or no longer. -1 when it is so already. */
int set_tcp_onion_status(TCP_Connections *tcp_c, bool status);
/** The number of a random relay that is kept for onion packets, or -1. */
int get_random_tcp_onion_conn_number(const TCP_Connections *tcp_c);
/** An onion packet for the relay to pass on. */
int tcp_send_onion_request(TCP_Connections *tcp_c, unsigned int tcp_connections_number, const uint8_t *data,
                           uint16_t length);

/** Has the relay that `tcp_forwarder` numbers forward data to `dht_node`, through `chain_length` nodes (0 to 4) whose
 * keys lie one after the other in `chain_keys`. */
int tcp_send_forward_request(const Logger *logger, TCP_Connections *tcp_c, const IP_Port *tcp_forwarder,
                             const IP_Port *dht_node, const uint8_t *chain_keys, uint16_t chain_length,
                             const uint8_t *data, uint16_t data_length);

#endif /* C_TOXCORE_TOXCORE_TCP_CONNECTION_H */

#ifdef __cplusplus
} /* extern "C" */
#endif
