// Implements toxcore's TCP_connection.h by Tcp_Connections.
#include <toxcore/TCP_connection.h>
#include <toxtcp/observe.h>

#include <cstring>
#include <new>
#include <vector>

#include "toxcore/calls.h"
#include "toxcore/convert.h"
#include "toxcore/toxcore_host.h"

using toxtcp::Bytes;
using toxtcp::Error;
using toxtcp::Ip_Port;
using toxtcp::Public_Key;
using namespace toxtcp::toxcore;

namespace {

/// The data callback as long as the host has set none.
int refuse_packet(void *, int, const std::uint8_t *, std::uint16_t, void *) {
    return -1;
}

} // namespace

struct TCP_Connections {
    Toxcore_Host host;
    toxtcp::Tcp_Connections *c = nullptr;
    Handler<tcp_data_cb> data{refuse_packet, nullptr};
    Handler<tcp_oob_cb> oob;
    Handler<tcp_onion_cb> onion;
    Handler<forwarded_response_cb> forwarding;
    bool ticking = false;
    bool destroy_requested = false; ///< killed by one of its own callbacks
};

namespace {

TCP_Connections &self(void *object) {
    return *static_cast<TCP_Connections *>(object);
}

std::uint16_t length_of(Bytes packet) {
    return static_cast<std::uint16_t>(packet.size());
}

/// The callback returns 0 if it could decrypt the packet.
bool on_data(void *object, int id, Bytes packet, void *userdata) {
    const Handler<tcp_data_cb> &data = self(object).data;
    return data.callback(data.object, id, packet.data(), length_of(packet), userdata) == 0;
}

void on_oob(void *object, const Public_Key &sender, int relay, Bytes packet, void *userdata) {
    self(object).oob(sender.data(), static_cast<unsigned int>(relay), packet.data(), length_of(packet), userdata);
}

void on_onion(void *object, Bytes packet, void *userdata) {
    self(object).onion(packet.data(), length_of(packet), userdata);
}

void on_forwarding(void *object, Bytes packet, void *userdata) {
    self(object).forwarding(packet.data(), length_of(packet), userdata);
}

int answer(Error error) {
    return error == Error::ok ? 0 : -1;
}

int answer_number(int number) {
    return number < 0 ? -1 : number;
}

/// A number above INT_MAX becomes negative, and is refused as a bad handle.
int relay_number(unsigned int number) {
    return static_cast<int>(number);
}

void destroy(TCP_Connections *tcp_c) {
    close_host(tcp_c->host);
    delete tcp_c;
}

/// The handle of a forwarder: the handle in its address, or that of the connected relay at its address. -1: none.
int find_forwarder(const toxtcp::Tcp_Connections *c, const IP_Port &forwarder) {
    unsigned int number = 0;
    if (ip_port_to_tcp_connections_number(&forwarder, &number)) {
        return relay_number(number);
    }
    const Ip_Port address = relay_address(forwarder);
    for (std::uint32_t i = 0; i < toxtcp::tcp_connections_count(c); ++i) {
        const int relay = toxtcp::tcp_relay_at(c, i);
        toxtcp::Relay_Info info;
        if (relay >= 0 && toxtcp::tcp_relay_info(c, relay, info) && info.address == address &&
            (info.state == toxtcp::Relay_State::connected || info.state == toxtcp::Relay_State::stale)) {
            return relay;
        }
    }
    return -1;
}

template <class Copy>
std::uint32_t copy_nodes(const toxtcp::Tcp_Connections *c, Node_format *to, std::uint16_t max, Copy copy) {
    return guarded<std::uint32_t>(0, [&] {
        std::vector<toxtcp::Node> nodes(std::min<std::size_t>(max, toxtcp::tcp_connected_relays_count(c)));
        const std::size_t count = copy(nodes);
        for (std::size_t i = 0; i < count; ++i) {
            std::memcpy(to[i].public_key, nodes[i].public_key.data(), toxtcp::KEY_SIZE);
            to[i].ip_port = to_toxcore(nodes[i].address, true);
        }
        return static_cast<std::uint32_t>(count);
    });
}

} // namespace

// ---- creation and tick -----------------------------------------------------------------------------------------

TCP_Connections *toxtcp::toxcore::make_connections(const Toxcore_Objects &objects, const std::uint8_t *secret_key,
                                                   const TCP_Proxy_Info *proxy_info) {
    if (secret_key == nullptr || objects.ns == nullptr || objects.rng == nullptr || objects.mono_time == nullptr) {
        return nullptr;
    }
    return guarded<TCP_Connections *>(nullptr, [&]() -> TCP_Connections * {
        auto *const tcp_c = new TCP_Connections;
        if (open_host(tcp_c->host, objects, Sockets::fastest)) {
            toxtcp::Tcp_Connections_Def def;
            def.secret_key = to_secret_key(secret_key);
            def.proxy = from_toxcore(proxy_info);
            def.host = &tcp_c->host.host;
            def.answer_echoes = false; // net_crypto answers them
            def.callbacks = {
                .object = tcp_c, .data = on_data, .oob = on_oob, .onion = on_onion, .forwarding = on_forwarding};
            tcp_c->c = guarded<toxtcp::Tcp_Connections *>(nullptr, [&] { return toxtcp::new_tcp_connections(def); });
        }
        if (tcp_c->c == nullptr) {
            destroy(tcp_c);
            return nullptr;
        }
        return tcp_c;
    });
}

void kill_tcp_connections(TCP_Connections *tcp_c) {
    if (tcp_c == nullptr) {
        return;
    }
    toxtcp::kill_tcp_connections(tcp_c->c);
    if (tcp_c->ticking) {
        tcp_c->destroy_requested = true;
    } else {
        destroy(tcp_c);
    }
}

void do_tcp_connections(const Logger *, TCP_Connections *tcp_c, void *userdata) {
    if (tcp_c->ticking) {
        return;
    }
    tcp_c->ticking = true;
    guarded([&] { toxtcp::do_tcp_connections(tcp_c->c, userdata); });
    tcp_c->ticking = false;
    if (tcp_c->destroy_requested) {
        destroy(tcp_c);
    }
}

const std::uint8_t *tcp_connections_public_key(const TCP_Connections *tcp_c) {
    return toxtcp::tcp_connections_public_key(tcp_c->c).data();
}

// ---- callbacks -------------------------------------------------------------------------------------------------

void set_packet_tcp_connection_callback(TCP_Connections *tcp_c, tcp_data_cb *callback, void *object) {
    tcp_c->data = {callback == nullptr ? refuse_packet : callback, object};
}

void set_oob_packet_tcp_connection_callback(TCP_Connections *tcp_c, tcp_oob_cb *callback, void *object) {
    tcp_c->oob = {callback, object};
}

void set_onion_packet_tcp_connection_callback(TCP_Connections *tcp_c, tcp_onion_cb *callback, void *object) {
    tcp_c->onion = {callback, object};
}

void set_forwarding_packet_tcp_connection_callback(TCP_Connections *tcp_c, forwarded_response_cb *callback,
                                                   void *object) {
    tcp_c->forwarding = {callback, object};
}

// ---- peers -----------------------------------------------------------------------------------------------------

int new_tcp_connection_to(TCP_Connections *tcp_c, const std::uint8_t *public_key, int id) {
    return guarded(-1, [&] { return answer_number(toxtcp::new_tcp_connection_to(tcp_c->c, to_key(public_key), id)); });
}

int kill_tcp_connection_to(TCP_Connections *tcp_c, int connections_number) {
    return guarded(-1, [&] { return answer(toxtcp::kill_tcp_connection_to(tcp_c->c, connections_number)); });
}

int set_tcp_connection_to_status(const TCP_Connections *tcp_c, int connections_number, bool status) {
    return guarded(-1,
                   [&] { return answer(toxtcp::set_tcp_connection_to_status(tcp_c->c, connections_number, status)); });
}

std::uint32_t tcp_connection_to_online_tcp_relays(const TCP_Connections *tcp_c, int connections_number) {
    return toxtcp::tcp_connection_to_online_tcp_relays(tcp_c->c, connections_number);
}

// ---- relays ----------------------------------------------------------------------------------------------------

std::uint32_t tcp_connections_count(const TCP_Connections *tcp_c) {
    return toxtcp::tcp_connections_count(tcp_c->c);
}

std::uint32_t tcp_connected_relays_count(const TCP_Connections *tcp_c) {
    return toxtcp::tcp_connected_relays_count(tcp_c->c);
}

bool toxtcp::toxcore::knows_relay(const TCP_Connections &tcp_c, const std::uint8_t *relay_pk) {
    return toxtcp::tcp_relay(tcp_c.c, to_key(relay_pk)) >= 0;
}

int add_tcp_relay_connection(TCP_Connections *tcp_c, int connections_number, const IP_Port *ip_port,
                             const std::uint8_t *relay_pk) {
    return guarded(-1, [&] {
        return answer(
            toxtcp::add_tcp_relay_connection(tcp_c->c, connections_number, relay_address(*ip_port), to_key(relay_pk)));
    });
}

int add_tcp_number_relay_connection(const TCP_Connections *tcp_c, int connections_number,
                                    unsigned int tcp_connections_number) {
    return guarded(-1, [&] {
        return answer(toxtcp::add_tcp_number_relay_connection(tcp_c->c, connections_number,
                                                              relay_number(tcp_connections_number)));
    });
}

int add_tcp_relay_global(TCP_Connections *tcp_c, const IP_Port *ip_port, const std::uint8_t *relay_pk) {
    return guarded(
        -1, [&] { return answer(toxtcp::add_tcp_relay_global(tcp_c->c, relay_address(*ip_port), to_key(relay_pk))); });
}

int kill_tcp_relay_connection(TCP_Connections *tcp_c, int tcp_connections_number) {
    return guarded(-1, [&] { return answer(toxtcp::kill_tcp_relay_connection(tcp_c->c, tcp_connections_number)); });
}

std::uint32_t tcp_copy_connected_relays(const TCP_Connections *tcp_c, Node_format *tcp_relays, std::uint16_t max_num) {
    return copy_nodes(tcp_c->c, tcp_relays, max_num, [&](std::span<toxtcp::Node> nodes) {
        return toxtcp::tcp_copy_connected_relays(tcp_c->c, nodes);
    });
}

std::uint32_t tcp_copy_connected_relays_index(const TCP_Connections *tcp_c, Node_format *tcp_relays,
                                              std::uint16_t max_num, std::uint32_t idx) {
    return copy_nodes(tcp_c->c, tcp_relays, max_num, [&](std::span<toxtcp::Node> nodes) {
        return toxtcp::tcp_copy_connected_relays_index(tcp_c->c, nodes, idx);
    });
}

bool tcp_get_random_conn_ip_port(const TCP_Connections *tcp_c, IP_Port *ip_port) {
    return guarded(false, [&] {
        // As in toxcore, only a relay that is kept for onion packets.
        const int relay = toxtcp::get_random_tcp_onion_conn_number(tcp_c->c);
        toxtcp::Relay_Info info;
        if (relay < 0 || !toxtcp::tcp_relay_info(tcp_c->c, relay, info)) {
            return false;
        }
        *ip_port = to_toxcore(info.address, false);
        return true;
    });
}

IP_Port tcp_connections_number_to_ip_port(unsigned int tcp_connections_number) {
    IP_Port ip_port{};
    ip_port.ip.family.value = FAMILY_TCP_SERVER;
    ip_port.ip.ip.v4.uint32 = tcp_connections_number;
    return ip_port;
}

bool ip_port_to_tcp_connections_number(const IP_Port *ip_port, unsigned int *tcp_connections_number) {
    *tcp_connections_number = ip_port->ip.ip.v4.uint32;
    return ip_port->ip.family.value == FAMILY_TCP_SERVER;
}

// ---- sending ---------------------------------------------------------------------------------------------------

int send_packet_tcp_connection(const TCP_Connections *tcp_c, int connections_number, const std::uint8_t *packet,
                               std::uint16_t length) {
    return guarded(-1, [&] {
        return answer(toxtcp::send_packet_tcp_connection(tcp_c->c, connections_number, Bytes{packet, length}));
    });
}

int tcp_send_oob_packet(const TCP_Connections *tcp_c, unsigned int tcp_connections_number,
                        const std::uint8_t *public_key, const std::uint8_t *packet, std::uint16_t length) {
    return guarded(-1, [&] {
        return answer(toxtcp::tcp_send_oob_packet(tcp_c->c, relay_number(tcp_connections_number), to_key(public_key),
                                                  Bytes{packet, length}));
    });
}

int tcp_send_oob_packet_using_relay(const TCP_Connections *tcp_c, const std::uint8_t *relay_pk,
                                    const std::uint8_t *public_key, const std::uint8_t *packet, std::uint16_t length) {
    return guarded(-1, [&] {
        return answer(toxtcp::tcp_send_oob_packet_using_relay(tcp_c->c, to_key(relay_pk), to_key(public_key),
                                                              Bytes{packet, length}));
    });
}

int set_tcp_onion_status(TCP_Connections *tcp_c, bool status) {
    return guarded(-1, [&] { return answer(toxtcp::set_tcp_onion_status(tcp_c->c, status)); });
}

int get_random_tcp_onion_conn_number(const TCP_Connections *tcp_c) {
    return guarded(-1, [&] { return answer_number(toxtcp::get_random_tcp_onion_conn_number(tcp_c->c)); });
}

int tcp_send_onion_request(TCP_Connections *tcp_c, unsigned int tcp_connections_number, const std::uint8_t *data,
                           std::uint16_t length) {
    return guarded(-1, [&] {
        return answer(
            toxtcp::tcp_send_onion_request(tcp_c->c, relay_number(tcp_connections_number), Bytes{data, length}));
    });
}

int tcp_send_forward_request(const Logger *, TCP_Connections *tcp_c, const IP_Port *tcp_forwarder,
                             const IP_Port *dht_node, const std::uint8_t *chain_keys, std::uint16_t chain_length,
                             const std::uint8_t *data, std::uint16_t data_length) {
    return guarded(-1, [&] {
        std::array<Public_Key, toxtcp::MAX_FORWARD_CHAIN_LENGTH> chain;
        const int relay = find_forwarder(tcp_c->c, *tcp_forwarder);
        if (relay < 0 || chain_length > chain.size()) {
            return -1;
        }
        for (std::size_t i = 0; i < chain_length; ++i) {
            chain[i] = to_key(chain_keys + i * toxtcp::KEY_SIZE);
        }
        return answer(toxtcp::tcp_send_forward_request(tcp_c->c, relay, from_toxcore(*dht_node),
                                                       std::span{chain}.first(chain_length), Bytes{data, data_length}));
    });
}
