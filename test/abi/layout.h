// Checks at compile time that the ABI's structures are laid out as in toxcore's objects. Compiles as C11 and as C++20.
#pragma once

#include <assert.h>
#include <stddef.h>

#include <toxcore/TCP_connection.h>

static_assert(sizeof(Family) == 1, "a family is one byte");
static_assert(sizeof(IP4) == 4, "4 bytes of IPv4");
static_assert(sizeof(IP6) == 16, "16 bytes of IPv6");
static_assert(sizeof(IP) == 24, "the family, and room for IPv6, aligned to 8");
static_assert(offsetof(IP, family) == 0, "the family comes first");
static_assert(offsetof(IP, ip) == 8, "then the address, aligned to 8");
static_assert(sizeof(IP_Port) == 32, "an address and a port, aligned to 8");
static_assert(offsetof(IP_Port, ip) == 0, "the address comes first");
static_assert(offsetof(IP_Port, port) == 24, "then the port");
static_assert(sizeof(Node_format) == 64, "a key and where it is");
static_assert(offsetof(Node_format, public_key) == 0, "the key comes first");
static_assert(offsetof(Node_format, ip_port) == 32, "then where it is");
static_assert(sizeof(TCP_Proxy_Info) == 40, "an address and a type, aligned to 8");
static_assert(offsetof(TCP_Proxy_Info, ip_port) == 0, "the address comes first");
static_assert(offsetof(TCP_Proxy_Info, proxy_type) == 32, "then the type");
static_assert(sizeof(TCP_Client_Status) == 4, "an enum is an int");
static_assert(TCP_PROXY_NONE == 0 && TCP_PROXY_HTTP == 1 && TCP_PROXY_SOCKS5 == 2, "the proxies' numbers");
static_assert(TCP_CLIENT_NO_STATUS == 0 && TCP_CLIENT_PROXY_HTTP_CONNECTING == 1 &&
                  TCP_CLIENT_PROXY_SOCKS5_CONNECTING == 2 && TCP_CLIENT_PROXY_SOCKS5_UNCONFIRMED == 3 &&
                  TCP_CLIENT_CONNECTING == 4 && TCP_CLIENT_UNCONFIRMED == 5 && TCP_CLIENT_CONFIRMED == 6 &&
                  TCP_CLIENT_DISCONNECTED == 7,
              "the states' numbers");

// Declared a second time, as in toxcore's own header: if our header differs, this does not compile.
#ifdef __cplusplus
extern "C" {
#endif
int set_tcp_connection_to_status(const TCP_Connections *tcp_c, int connections_number, bool status);
int add_tcp_number_relay_connection(const TCP_Connections *tcp_c, int connections_number,
                                    unsigned int tcp_connections_number);
#ifdef __cplusplus
}
#endif
