// Implements layer.h with our own API.
#include "layer.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

#include <poll.h>

#include <toxtcp/tcp_connections.h>

using namespace toxtcp;

struct layer {
    layer_events events{};
    Tcp_Connections *c = nullptr;
};

namespace {

constexpr std::size_t MOST_AT_ONCE = 256;

Public_Key to_key(const std::uint8_t *bytes) {
    Public_Key key;
    std::copy_n(bytes, key.size(), key.begin());
    return key;
}

Ip_Port to_ip_port(const bench_address &relay) {
    Ip_Port address;
    address.family = Family::ipv4;
    address.ip = {127, 0, 0, 1};
    address.port = relay.port;
    return address;
}

} // namespace

struct layer *layer_new(const std::uint8_t *secret_key, const layer_events *events, bool saver) {
    auto *const made = new (std::nothrow) layer;
    if (made == nullptr) {
        return nullptr;
    }
    made->events = *events;
    Tcp_Connections_Def def;
    def.profile = saver ? Profile::saver : Profile::responsive;
    std::copy_n(secret_key, def.secret_key.bytes.size(), def.secret_key.bytes.begin());
    def.callbacks.object = made;
    def.callbacks.data = [](void *object, int id, Bytes packet, void *) {
        const layer_events &to = static_cast<layer *>(object)->events;
        to.data(to.object, id, packet.data(), packet.size());
        return true;
    };
    def.callbacks.oob = [](void *object, const Public_Key &, int, Bytes packet, void *) {
        const layer_events &to = static_cast<layer *>(object)->events;
        to.oob(to.object, packet.data(), packet.size());
    };
    made->c = new_tcp_connections(def);
    if (made->c == nullptr) {
        delete made;
        return nullptr;
    }
    return made;
}

void layer_kill(layer *layer) {
    kill_tcp_connections(layer->c);
    delete layer;
}

void layer_update_time(layer *) {}

void layer_tick(layer *layer) {
    do_tcp_connections(layer->c, nullptr);
}

void layer_wait(layer *layer, int milliseconds) {
    const int due = tcp_connections_timeout(layer->c);
    pollfd ready{tcp_connections_descriptor(layer->c), POLLIN, 0};
    poll(&ready, 1, due < 0 ? milliseconds : std::min(due, milliseconds));
}

int layer_add_peer(layer *layer, const std::uint8_t *key, int id) {
    return new_tcp_connection_to(layer->c, to_key(key), id);
}

bool layer_kill_peer(layer *layer, int peer) {
    return kill_tcp_connection_to(layer->c, peer) == Error::ok;
}

bool layer_knows_peer(layer *layer, const std::uint8_t *key) {
    return tcp_connection_to(layer->c, to_key(key)) >= 0;
}

bool layer_add_relay(layer *layer, const bench_address *relay) {
    return add_tcp_relay_global(layer->c, to_ip_port(*relay), to_key(relay->key)) == Error::ok;
}

bool layer_tie(layer *layer, int peer, const bench_address *relay) {
    return add_tcp_relay_connection(layer->c, peer, to_ip_port(*relay), to_key(relay->key)) == Error::ok;
}

unsigned layer_connected_relays(layer *layer) {
    return tcp_connected_relays_count(layer->c);
}

unsigned layer_online_relays(layer *layer, int peer) {
    return tcp_connection_to_online_tcp_relays(layer->c, peer);
}

bool layer_send(layer *layer, int peer, const std::uint8_t *data, std::size_t length) {
    return send_packet_tcp_connection(layer->c, peer, Bytes{data, length}) == Error::ok;
}

std::size_t layer_send_many(layer *layer, int peer, const bench_packet *packets, std::size_t count) {
    std::array<Bytes, MOST_AT_ONCE> spans;
    const std::size_t taken = std::min(count, spans.size());
    for (std::size_t i = 0; i < taken; ++i) {
        spans[i] = Bytes{packets[i].data, packets[i].length};
    }
    return static_cast<std::size_t>(
        std::max(0, send_packets_tcp_connection(layer->c, peer, std::span{spans}.first(taken))));
}

bool layer_can_wait(void) {
    return true;
}
