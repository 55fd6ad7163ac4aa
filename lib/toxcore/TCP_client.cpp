// Implements toxcore's TCP_client.h by Relay_Link.
#include <toxcore/TCP_client.h>

#include <memory>

#include "relay/relay_link.h"
#include "toxcore/calls.h"
#include "toxcore/convert.h"
#include "toxcore/toxcore_host.h"

using toxtcp::Bytes;
using toxtcp::Error;
using toxtcp::Packet;
using toxtcp::Packet_Type;
using toxtcp::Relay_Event;
using toxtcp::Relay_Event_Kind;
using toxtcp::Relay_Phase;
using namespace toxtcp::toxcore;

struct TCP_Client_Connection {
    Toxcore_Host host;
    toxtcp::Link_Context context;
    toxtcp::Relay_Link link;
    IP_Port address{};
    Handler<tcp_routing_response_cb> response;
    Handler<tcp_routing_status_cb> status;
    Handler<tcp_routing_data_cb> data;
    Handler<tcp_oob_data_cb> oob;
    Handler<tcp_onion_response_cb> onion;
    Handler<forwarded_response_cb> forwarding;
    void *custom_object = nullptr;
    std::uint32_t custom_uint = 0;
    /// Reported after the socket failed, until `report_until`.
    TCP_Client_Status status_before_failure = TCP_CLIENT_NO_STATUS;
    std::uint64_t report_until = 0; ///< ms
    bool ticking = false;
    bool destroy_requested = false; ///< killed by one of its own callbacks
};

namespace {

constexpr std::uint8_t OFFLINE = 1;
constexpr std::uint8_t ONLINE = 2;

/// Bytes that one read takes at most, and reads in one tick. The next tick reads what is left.
constexpr std::size_t READ_SIZE = 16 * 1024;
constexpr int READS_PER_TICK = 16;

/// Tags are for readiness, which Sockets::plain does not have.
constexpr std::uint32_t NO_TAG = 0;

std::uint16_t length_of(Bytes packet) {
    return static_cast<std::uint16_t>(packet.size());
}

/// toxcore counts routing ids from 0.
std::uint8_t con_id_of(const Packet &packet) {
    return static_cast<std::uint8_t>(packet.id - toxtcp::FIRST_ROUTING_ID);
}
std::uint8_t routing_id(std::uint8_t con_id) {
    return static_cast<std::uint8_t>(con_id + toxtcp::FIRST_ROUTING_ID);
}

bool is_online(const TCP_Client_Connection &con) {
    return toxtcp::relay_confirmed(con.link.client);
}

void destroy(TCP_Client_Connection *con) {
    toxtcp::link_close(con->link, con->context.host, toxtcp::Reason::killed);
    close_host(con->host);
    delete con;
}

void dispatch(TCP_Client_Connection &con, const Relay_Event &event, void *userdata) {
    const Packet &packet = event.packet;
    switch (event.kind) {
    case Relay_Event_Kind::routing_response:
        if (packet.id >= toxtcp::FIRST_ROUTING_ID) {
            con.response(con_id_of(packet), packet.public_key);
        }
        break;
    case Relay_Event_Kind::peer_online:
        con.status(event.reference, con_id_of(packet), ONLINE);
        break;
    case Relay_Event_Kind::peer_offline:
        con.status(event.reference, con_id_of(packet), OFFLINE);
        break;
    case Relay_Event_Kind::data:
        con.data(event.reference, con_id_of(packet), packet.data.data(), length_of(packet.data), userdata);
        break;
    case Relay_Event_Kind::oob:
        con.oob(packet.public_key, packet.data.data(), length_of(packet.data), userdata);
        break;
    case Relay_Event_Kind::onion:
        con.onion(packet.data.data(), length_of(packet.data), userdata);
        break;
    case Relay_Event_Kind::forwarding:
        con.forwarding(packet.data.data(), length_of(packet.data), userdata);
        break;
    case Relay_Event_Kind::confirmed:
    case Relay_Event_Kind::pong:
    case Relay_Event_Kind::none:
    case Relay_Event_Kind::ended:
        break;
    }
}

/// Reads once and handles the packets. Returns whether there may be more to read.
bool read(TCP_Client_Connection &con, void *userdata, std::uint64_t now) {
    std::array<std::uint8_t, READ_SIZE> buffer;
    const std::size_t asked = toxtcp::relay_missing(con.link.client).size() + buffer.size();
    toxtcp::Mutable_Bytes input;
    const std::size_t got = toxtcp::link_receive(con.link, con.context.host, buffer, input);
    if (got == 0) {
        return false;
    }
    for (;;) {
        const Relay_Event event = toxtcp::relay_next(con.link.client, input, now);
        if (event.kind == Relay_Event_Kind::none || event.kind == Relay_Event_Kind::ended) {
            return got == asked && event.kind == Relay_Event_Kind::none;
        }
        dispatch(con, event, userdata);
        if (con.destroy_requested) {
            return false;
        }
    }
}

TCP_Client_Status status_of(const toxtcp::Relay_Client &client) {
    switch (client.phase) {
    case Relay_Phase::http:
        return TCP_CLIENT_PROXY_HTTP_CONNECTING;
    case Relay_Phase::socks5_greeting:
        return TCP_CLIENT_PROXY_SOCKS5_CONNECTING;
    case Relay_Phase::socks5_password: // not reached: toxcore's proxies have no password
    case Relay_Phase::socks5_request:
        return TCP_CLIENT_PROXY_SOCKS5_UNCONFIRMED;
    case Relay_Phase::handshake:
        return toxtcp::relay_pending(client).empty() ? TCP_CLIENT_UNCONFIRMED : TCP_CLIENT_CONNECTING;
    case Relay_Phase::confirmed:
        return TCP_CLIENT_CONFIRMED;
    case Relay_Phase::ended:
        break;
    }
    return TCP_CLIENT_DISCONNECTED;
}

/// toxcore does not notice a socket that fails before the handshake is done: its status stays the same until the
/// connect timeout. This function does the same. If received bytes are wrong, the connection ends at once, as in
/// toxcore.
void note_failure(TCP_Client_Connection &con, TCP_Client_Status before) {
    const toxtcp::Reason reason = con.link.client.reason;
    if (before != TCP_CLIENT_CONFIRMED &&
        (reason == toxtcp::Reason::connect_failed || reason == toxtcp::Reason::end_of_stream ||
         reason == toxtcp::Reason::proxy_closed)) {
        con.status_before_failure = before;
        con.report_until = con.link.client.started + toxtcp::CONNECT_TIMEOUT_MS;
    }
}

void tick(TCP_Client_Connection &con, void *userdata) {
    const toxtcp::Host &host = con.context.host;
    const std::uint64_t now = host.now(host.object);
    if (con.link.client.phase == Relay_Phase::ended) {
        if (now >= con.report_until) {
            con.status_before_failure = TCP_CLIENT_NO_STATUS;
        }
        return;
    }
    TCP_Client_Status status = status_of(con.link.client);
    toxtcp::link_flush(con.link, host, NO_TAG);
    for (int i = 0; i < READS_PER_TICK && con.link.client.phase != Relay_Phase::ended; ++i) {
        status = status_of(con.link.client);
        if (!read(con, userdata, now)) {
            break;
        }
    }
    toxtcp::relay_tick(con.link.client, now);
    toxtcp::relay_flush_control(con.link.client);
    toxtcp::link_flush(con.link, host, NO_TAG);
    if (con.link.client.phase == Relay_Phase::ended) {
        note_failure(con, status);
        toxtcp::link_close(con.link, host, con.link.client.reason);
    }
}

int answer(Error error) {
    return error == Error::ok ? 1 : error == Error::full ? 0 : -1;
}

int send(TCP_Client_Connection &con, const Packet &packet) {
    if (!is_online(con) || packet.data.empty() || packet.data.data() == nullptr) {
        return -1;
    }
    toxtcp::link_flush(con.link, con.context.host, NO_TAG); // whatever is pending goes first
    return answer(toxtcp::link_send(con.link, con.context.host, packet, NO_TAG));
}

} // namespace

// ---- creation and tick -----------------------------------------------------------------------------------------

TCP_Client_Connection *toxtcp::toxcore::make_client(const Toxcore_Objects &objects, const IP_Port *ip_port,
                                                    const std::uint8_t *public_key, const std::uint8_t *self_public_key,
                                                    const std::uint8_t *self_secret_key,
                                                    const TCP_Proxy_Info *proxy_info) {
    if (objects.ns == nullptr || objects.rng == nullptr || objects.mono_time == nullptr || ip_port == nullptr ||
        public_key == nullptr || self_public_key == nullptr || self_secret_key == nullptr) {
        return nullptr;
    }
    const toxtcp::Ip_Port address = from_toxcore(*ip_port);
    const toxtcp::Proxy proxy = from_toxcore(proxy_info);
    if ((address.family != toxtcp::Family::ipv4 && address.family != toxtcp::Family::ipv6) ||
        proxy.type > toxtcp::Proxy_Type::socks5) {
        return nullptr;
    }
    return guarded<TCP_Client_Connection *>(nullptr, [&]() -> TCP_Client_Connection * {
        auto *const con = new TCP_Client_Connection;
        con->address = *ip_port;
        if (open_host(con->host, objects, Sockets::plain)) {
            con->context = {con->host.host, {to_key(self_public_key), to_secret_key(self_secret_key)}, proxy};
            if (toxtcp::link_open(con->link, con->context, {address, nullptr}, to_key(public_key), NO_TAG,
                                  con->context.host.now(con->context.host.object))) {
                return con;
            }
        }
        destroy(con);
        return nullptr;
    });
}

void do_tcp_connection(const Logger *, const Mono_Time *, TCP_Client_Connection *con, void *userdata) {
    if (con->ticking) {
        return;
    }
    con->ticking = true;
    guarded([&] { tick(*con, userdata); });
    con->ticking = false;
    if (con->destroy_requested) {
        destroy(con);
    }
}

void kill_tcp_connection(TCP_Client_Connection *con) {
    if (con == nullptr) {
        return;
    }
    if (con->ticking) {
        con->destroy_requested = true;
    } else {
        destroy(con);
    }
}

// ---- properties ------------------------------------------------------------------------------------------------

const std::uint8_t *tcp_con_public_key(const TCP_Client_Connection *con) {
    return con->link.client.key.data();
}

IP_Port tcp_con_ip_port(const TCP_Client_Connection *con) {
    return con->address;
}

TCP_Client_Status tcp_con_status(const TCP_Client_Connection *con) {
    return con->status_before_failure != TCP_CLIENT_NO_STATUS ? con->status_before_failure
                                                              : status_of(con->link.client);
}

void *tcp_con_custom_object(const TCP_Client_Connection *con) {
    return con->custom_object;
}

std::uint32_t tcp_con_custom_uint(const TCP_Client_Connection *con) {
    return con->custom_uint;
}

void tcp_con_set_custom_object(TCP_Client_Connection *con, void *object) {
    con->custom_object = object;
}

void tcp_con_set_custom_uint(TCP_Client_Connection *con, std::uint32_t value) {
    con->custom_uint = value;
}

int set_tcp_connection_number(TCP_Client_Connection *con, std::uint8_t con_id, std::uint32_t number) {
    // A con_id that was given up is refused, even if the relay has not been told yet.
    const bool left = con_id >= toxtcp::MAX_ROUTES || con->link.client.leaving[con_id];
    return !left && toxtcp::relay_set_reference(con->link.client, routing_id(con_id), number) ? 0 : -1;
}

// ---- sending ---------------------------------------------------------------------------------------------------

int send_routing_request(const Logger *, TCP_Client_Connection *con, const std::uint8_t *public_key) {
    if (!is_online(*con)) {
        return -1;
    }
    toxtcp::link_flush(con->link, con->context.host, NO_TAG);
    const bool asked = toxtcp::relay_request_route(con->link.client, to_key(public_key));
    toxtcp::link_flush(con->link, con->context.host, NO_TAG);
    return !is_online(*con) ? -1 : asked ? 1 : 0;
}

/// Never refused for lack of room: the request is then queued.
int send_disconnect_request(const Logger *, TCP_Client_Connection *con, std::uint8_t con_id) {
    if (!is_online(*con) || con_id >= toxtcp::MAX_ROUTES) {
        return -1;
    }
    toxtcp::relay_leave_route(con->link.client, routing_id(con_id));
    toxtcp::link_flush(con->link, con->context.host, NO_TAG);
    return is_online(*con) ? 1 : -1;
}

int send_data(const Logger *, TCP_Client_Connection *con, std::uint8_t con_id, const std::uint8_t *data,
              std::uint16_t length) {
    if (con_id >= toxtcp::MAX_ROUTES || !con->link.client.online[con_id]) {
        return -1;
    }
    Packet packet;
    packet.type = Packet_Type::data;
    packet.id = routing_id(con_id);
    packet.data = Bytes{data, length};
    return send(*con, packet);
}

int send_oob_packet(const Logger *, TCP_Client_Connection *con, const std::uint8_t *public_key,
                    const std::uint8_t *data, std::uint16_t length) {
    Packet packet;
    packet.type = Packet_Type::oob_send;
    packet.public_key = public_key;
    packet.data = Bytes{data, length};
    return send(*con, packet);
}

int send_onion_request(const Logger *, TCP_Client_Connection *con, const std::uint8_t *data, std::uint16_t length) {
    Packet packet;
    packet.type = Packet_Type::onion_request;
    packet.data = Bytes{data, length};
    return send(*con, packet);
}

int send_forward_request_tcp(const Logger *, TCP_Client_Connection *con, const IP_Port *dest, const std::uint8_t *data,
                             std::uint16_t length) {
    std::array<std::uint8_t, toxtcp::MAX_PLAIN_SIZE> body;
    const std::size_t address = toxtcp::encode_packed_address(from_toxcore(*dest), body);
    if (address == 0 || data == nullptr || length == 0 || length > toxtcp::MAX_FORWARD_DATA_SIZE) {
        return -1;
    }
    std::copy_n(data, length, body.begin() + static_cast<std::ptrdiff_t>(address));
    Packet packet;
    packet.type = Packet_Type::forward_request;
    packet.data = Bytes{body}.first(address + length);
    return send(*con, packet);
}

// ---- callbacks -------------------------------------------------------------------------------------------------

void routing_response_handler(TCP_Client_Connection *con, tcp_routing_response_cb *callback, void *object) {
    con->response = {callback, object};
}

void routing_status_handler(TCP_Client_Connection *con, tcp_routing_status_cb *callback, void *object) {
    con->status = {callback, object};
}

void routing_data_handler(TCP_Client_Connection *con, tcp_routing_data_cb *callback, void *object) {
    con->data = {callback, object};
}

void oob_data_handler(TCP_Client_Connection *con, tcp_oob_data_cb *callback, void *object) {
    con->oob = {callback, object};
}

void onion_response_handler(TCP_Client_Connection *con, tcp_onion_response_cb *callback, void *object) {
    con->onion = {callback, object};
}

void forwarding_handler(TCP_Client_Connection *con, forwarded_response_cb *callback, void *object) {
    con->forwarding = {callback, object};
}
