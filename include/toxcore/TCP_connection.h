/** @file
 * The interface of toxcore's TCP_connection.h, as toxtcp implements it: connections to peers, each over several relays.
 * For C11 and C++20. TCP_client.h says how to set TOXTCP_TOXCORE_GENERATION, and which headers to include first.
 *
 * `connections_number` is the handle of a connection, `tcp_connections_number` the handle of a relay. Functions that
 * return an int return 0, or -1 when they did nothing, unless their comment says otherwise. A callback may call any
 * function of this header. Keys have 32 bytes. */
#pragma once

#include "TCP_client.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifndef C_TOXCORE_TOXCORE_DHT_H
/** The key and the address of a relay, in the form that clients send to each other. */
typedef struct Node_format {
    uint8_t public_key[32]; /**< the key of the relay */
    IP_Port ip_port;        /**< the address of the relay; family TCP over IPv4 or TCP over IPv6 */
} Node_format;
#endif

#ifndef C_TOXCORE_TOXCORE_TCP_CONNECTION_H

/** All relays, and the connections to peers through them. */
typedef struct TCP_Connections TCP_Connections;

/* ---- creation and tick ----------------------------------------------------------------------------------------- */

/** Creates an empty set of relays and connections. The secret key and the proxy are copied. The other objects are
 * borrowed and must outlive the result. Returns null on failure. */
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

/** Closes all sockets, wipes the secret keys and frees the memory. Null is allowed. */
void kill_tcp_connections(TCP_Connections *tcp_c);

/** Receives what has come and does what is due by the clock. Calls the callbacks, and passes `userdata` to them. */
void do_tcp_connections(const Logger *logger, TCP_Connections *tcp_c, void *userdata);

/** The public key of this client. */
const uint8_t *tcp_connections_public_key(const TCP_Connections *tcp_c);

/* ---- callbacks ------------------------------------------------------------------------------------------------- */

/** A packet that claims to be from the peer of the connection created with `id`: data, or OOB over a relay that is tied
 * to this connection. Return 0 if the packet could be decrypted: this proves that the relay delivers. */
typedef int tcp_data_cb(void *object, int id, const uint8_t *data, uint16_t length, void *userdata);
/** Any other OOB packet, and the handle of the relay that it came over. */
typedef int tcp_oob_cb(void *object, const uint8_t *public_key, unsigned int tcp_connections_number,
                       const uint8_t *data, uint16_t length, void *userdata);
/** The response to an onion request. */
typedef int tcp_onion_cb(void *object, const uint8_t *data, uint16_t length, void *userdata);

/** Sets the callback for packets of peers. Here and below, null removes the callback, and `object` is passed to it. */
void set_packet_tcp_connection_callback(TCP_Connections *tcp_c, tcp_data_cb *callback, void *object);
/** Sets the callback for all other OOB packets. */
void set_oob_packet_tcp_connection_callback(TCP_Connections *tcp_c, tcp_oob_cb *callback, void *object);
/** Sets the callback for responses to onion requests. */
void set_onion_packet_tcp_connection_callback(TCP_Connections *tcp_c, tcp_onion_cb *callback, void *object);
/** Sets the callback for forwarded packets. */
void set_forwarding_packet_tcp_connection_callback(TCP_Connections *tcp_c, forwarded_response_cb *callback,
                                                   void *object);

/* ---- peers ----------------------------------------------------------------------------------------------------- */

/** Adds a connection to the peer with this key. Returns its handle, or -1 on failure, for example if the peer already
 * has a connection. The data callback gets `id`. */
int new_tcp_connection_to(TCP_Connections *tcp_c, const uint8_t *public_key, int id);
/** Ends a connection to a peer and tells the relays that are tied to it. */
int kill_tcp_connection_to(TCP_Connections *tcp_c, int connections_number);

/** False puts the connection to sleep, true wakes it. -1 if it is already in that state. */
int set_tcp_connection_to_status(const TCP_Connections *tcp_c, int connections_number, bool status);

/** The number of relays at which the peer is online; 0 for an invalid handle. */
uint32_t tcp_connection_to_online_tcp_relays(const TCP_Connections *tcp_c, int connections_number);

/* ---- relays ---------------------------------------------------------------------------------------------------- */

/** The length of the array of relays, including unused slots. */
uint32_t tcp_connections_count(const TCP_Connections *tcp_c);
/** The number of relays that are connected now. */
uint32_t tcp_connected_relays_count(const TCP_Connections *tcp_c);
#if TOXTCP_TOXCORE_GENERATION >= 220
/** Whether a relay with this key is known. */
bool tcp_relay_is_valid(const TCP_Connections *tcp_c, const uint8_t *relay_pk);
#endif

/** Ties a relay to a connection, and connects to the relay if it is new. -1 if the relay is already tied, if six relays
 * are tied and none of them is away, or if the relay is new and the peer is online at three relays. */
int add_tcp_relay_connection(TCP_Connections *tcp_c, int connections_number, const IP_Port *ip_port,
                             const uint8_t *relay_pk);
/** The same for a known relay, by its handle. */
int add_tcp_number_relay_connection(const TCP_Connections *tcp_c, int connections_number,
                                    unsigned int tcp_connections_number);
/** Connects to a relay without tying it to a connection. -1 if the relay is already known, or if the address is neither
 * IPv4 nor IPv6 (families 2, 10, 12 and 13). */
int add_tcp_relay_global(TCP_Connections *tcp_c, const IP_Port *ip_port, const uint8_t *relay_pk);
/** Removes a relay and unties it from every connection. */
int kill_tcp_relay_connection(TCP_Connections *tcp_c, int tcp_connections_number);

/** Copies up to `max_num` connected relays, in the order of the array from a random slot on. Returns how many. */
uint32_t tcp_copy_connected_relays(const TCP_Connections *tcp_c, Node_format *tcp_relays, uint16_t max_num);
/** The same from slot `idx` on, modulo the length of the array. */
uint32_t tcp_copy_connected_relays_index(const TCP_Connections *tcp_c, Node_format *tcp_relays, uint16_t max_num,
                                         uint32_t idx);
/** The address of a random relay that is kept for onion packets. False if there is none. */
bool tcp_get_random_conn_ip_port(const TCP_Connections *tcp_c, IP_Port *ip_port);

/** Makes an address of family 14 that holds the handle of a relay. Onion paths and forwarding use such addresses. */
IP_Port tcp_connections_number_to_ip_port(unsigned int tcp_connections_number);
/** Reads the handle of a relay from an address of family 14. False for another family. */
bool ip_port_to_tcp_connections_number(const IP_Port *ip_port, unsigned int *tcp_connections_number);

/* ---- sending --------------------------------------------------------------------------------------------------- */

/** Sends data to the peer, over one relay at which the peer is online. If the peer is online at none, it sends the data
 * as OOB over every relay at which it has requested the peer. */
int send_packet_tcp_connection(const TCP_Connections *tcp_c, int connections_number, const uint8_t *packet,
                               uint16_t length);
/** Sends an OOB packet to any client that is connected to this relay. */
int tcp_send_oob_packet(const TCP_Connections *tcp_c, unsigned int tcp_connections_number, const uint8_t *public_key,
                        const uint8_t *packet, uint16_t length);
/** The same, with the relay named by its key. */
int tcp_send_oob_packet_using_relay(const TCP_Connections *tcp_c, const uint8_t *relay_pk, const uint8_t *public_key,
                                    const uint8_t *packet, uint16_t length);

/** True keeps three relays for onion packets, false no longer does. -1 if nothing changes. */
int set_tcp_onion_status(TCP_Connections *tcp_c, bool status);
/** The handle of a random relay that is kept for onion packets, or -1. */
int get_random_tcp_onion_conn_number(const TCP_Connections *tcp_c);
/** Sends an onion request, which the relay passes on over UDP. */
int tcp_send_onion_request(TCP_Connections *tcp_c, unsigned int tcp_connections_number, const uint8_t *data,
                           uint16_t length);

/** Asks a connected relay to forward data to `dht_node`. `tcp_forwarder` is the address of the relay, or an address of
 * family 14 with its handle. The data goes through `chain_length` nodes (0 to 4). Their keys are in `chain_keys`, one
 * after the other. */
int tcp_send_forward_request(const Logger *logger, TCP_Connections *tcp_c, const IP_Port *tcp_forwarder,
                             const IP_Port *dht_node, const uint8_t *chain_keys, uint16_t chain_length,
                             const uint8_t *data, uint16_t data_length);

#endif /* C_TOXCORE_TOXCORE_TCP_CONNECTION_H */

#ifdef __cplusplus
} /* extern "C" */
#endif
