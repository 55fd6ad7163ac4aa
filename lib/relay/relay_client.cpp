#include "relay/relay_client.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace toxtcp {

namespace {

constexpr std::size_t index_of(std::uint8_t id) {
    assert(id >= FIRST_ROUTING_ID);
    return static_cast<std::size_t>(id - FIRST_ROUTING_ID);
}

/// Moves the pending bytes to the front of `out`, so that all free bytes are behind them.
void compact(Relay_Client &relay) {
    if (relay.out_begin != 0) {
        std::memmove(relay.out.data(), relay.out.data() + relay.out_begin,
                     static_cast<std::size_t>(relay.out_end - relay.out_begin));
        relay.out_end = static_cast<std::uint16_t>(relay.out_end - relay.out_begin);
        relay.out_begin = 0;
    }
}

/// Seals a control packet behind the pending bytes. False if there is no room.
bool queue(Relay_Client &relay, const Packet &packet) {
    compact(relay);
    const std::size_t size = relay_seal(relay, packet, Mutable_Bytes{relay.out}.subspan(relay.out_end));
    relay.out_end = static_cast<std::uint16_t>(relay.out_end + size);
    return size != 0;
}

void start_own_handshake(Relay_Client &relay) {
    relay.phase = Relay_Phase::handshake;
    relay.in_size = 0;
    compact(relay);
    const auto request = std::span{relay.out}.subspan(relay.out_end).first<HANDSHAKE_REQUEST_SIZE>();
    if (!start_handshake(relay.handshake, relay.random, relay.self->public_key, relay.self->secret_key, relay.key,
                         request)) {
        relay_end(relay, Reason::handshake_failed);
        return;
    }
    relay.out_end = static_cast<std::uint16_t>(relay.out_end + HANDSHAKE_REQUEST_SIZE);
}

static_assert(MAX_PROXY_REQUEST <= std::tuple_size_v<decltype(Relay_Client::out)>);

Proxy_Target target_of(const Relay_Client &relay) {
    return {relay.endpoint.address, relay.endpoint.name == nullptr ? std::string_view{} : *relay.endpoint.name};
}

void queue_proxy_request(Relay_Client &relay, Relay_Phase phase) {
    relay.phase = phase;
    relay.in_size = 0;
    compact(relay);
    const Mutable_Bytes room = Mutable_Bytes{relay.out}.subspan(relay.out_end);
    std::size_t size = 0;
    switch (phase) {
    case Relay_Phase::http:
        size = encode_http_connect(*relay.proxy, target_of(relay), room);
        break;
    case Relay_Phase::socks5_greeting:
        size = encode_socks5_greeting(*relay.proxy, room);
        break;
    case Relay_Phase::socks5_password:
        size = encode_socks5_password(*relay.proxy, room);
        break;
    default:
        size = encode_socks5_request(target_of(relay), room);
        break;
    }
    relay.out_end = static_cast<std::uint16_t>(relay.out_end + size);
}

void proxy_granted(Relay_Client &relay) {
    if (relay.phase == Relay_Phase::socks5_greeting || relay.phase == Relay_Phase::socks5_password) {
        queue_proxy_request(relay, Relay_Phase::socks5_request);
    } else {
        start_own_handshake(relay);
    }
}

Proxy_Answer parse_proxy_byte(Relay_Client &relay, std::uint8_t byte) {
    if (relay.phase == Relay_Phase::http) {
        const Proxy_Answer answer = read_http_answer(relay.http, byte);
        const bool refused = answer == Proxy_Answer::refused || answer == Proxy_Answer::authentication_failed;
        relay.proxy_status = refused ? relay.http.status : std::uint16_t{0};
        return answer;
    }
    assert(relay.in_size < relay.in.size()); // an answer has 262 bytes at most
    relay.in[relay.in_size++] = byte;
    const Bytes answer = Bytes{relay.in}.first(relay.in_size);
    switch (relay.phase) {
    case Relay_Phase::socks5_greeting:
        return parse_socks5_greeting(*relay.proxy, answer, relay.proxy_status);
    case Relay_Phase::socks5_password:
        return parse_socks5_password(answer);
    default:
        return parse_socks5_answer(answer, relay.proxy_status);
    }
}

void proxy_byte(Relay_Client &relay, std::uint8_t byte) {
    switch (parse_proxy_byte(relay, byte)) {
    case Proxy_Answer::granted:
        proxy_granted(relay);
        break;
    case Proxy_Answer::password_requested:
        queue_proxy_request(relay, Relay_Phase::socks5_password);
        break;
    case Proxy_Answer::authentication_failed:
        relay_end(relay, Reason::proxy_password);
        break;
    case Proxy_Answer::refused:
        relay_end(relay, Reason::proxy_refused);
        break;
    case Proxy_Answer::malformed:
        relay_end(relay, Reason::proxy_malformed);
        break;
    case Proxy_Answer::incomplete:
        break;
    }
}

/// Moves bytes from the input to `in` until `in` holds `size` bytes. Returns whether it does.
bool collect(Relay_Client &relay, Mutable_Bytes &input, std::size_t size) {
    if (relay.in_size < size) {
        const std::size_t count = std::min(size - relay.in_size, input.size());
        std::copy_n(input.begin(), count, relay.in.begin() + relay.in_size);
        relay.in_size = static_cast<std::uint16_t>(relay.in_size + count);
        input = input.subspan(count);
    }
    return relay.in_size >= size;
}

/// The next sealed packet: in the input if all of it is there, otherwise in `in`. Empty if the packet is not complete,
/// or if its length is not valid, which ends the relay.
Mutable_Bytes next_sealed(Relay_Client &relay, Mutable_Bytes &input) {
    if (relay.in_size == 0 && input.size() >= FRAME_HEADER_SIZE) {
        const std::size_t length = frame_length(input.data());
        if (!frame_length_is_valid(length)) {
            relay_end(relay, Reason::bad_frame_length);
            return {};
        }
        if (input.size() >= FRAME_HEADER_SIZE + length) {
            const Mutable_Bytes sealed = input.subspan(FRAME_HEADER_SIZE, length);
            input = input.subspan(FRAME_HEADER_SIZE + length);
            return sealed;
        }
    }
    if (!collect(relay, input, FRAME_HEADER_SIZE)) {
        return {};
    }
    const std::size_t length = frame_length(relay.in.data());
    if (!frame_length_is_valid(length)) {
        relay_end(relay, Reason::bad_frame_length);
        return {};
    }
    if (!collect(relay, input, FRAME_HEADER_SIZE + length)) {
        return {};
    }
    relay.in_size = 0;
    return Mutable_Bytes{relay.in}.subspan(FRAME_HEADER_SIZE, length);
}

void smooth_round_trip(Relay_Client &relay, std::uint64_t sample) {
    const auto ms = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(sample, 1, PING_TIMEOUT_MS));
    relay.round_trip = relay.round_trip == 0 ? ms : (7 * relay.round_trip + ms) / 8;
}

/// A relay's ping proves that its packets reach us. If the relay's previous ping is at least PING_TIMEOUT_MS ago, the
/// new ping also proves that our packets reach the relay: without our pong, the relay would have dropped us by now.
void handle_ping(Relay_Client &relay, std::uint64_t now) {
    relay.ping_proves = relay.ping_heard != 0 && now - relay.ping_heard >= PING_TIMEOUT_MS;
    relay.ping_heard = now;
    const std::uint64_t soon = relay.ping_proves ? PING_INTERVAL_MS + PING_GRACE_MS : PING_TOGETHER_MS;
    if (relay.relay_pings_suffice && now + soon >= relay_ping_due(relay)) {
        relay_ping(relay, now); // it would be due soon; sent now, it needs no wake-up of its own
    }
}

/// Handles a packet that was opened. Returns the event for the owner; `none` if the packet is dealt with here, or
/// ignored.
Relay_Event_Kind handle_packet(Relay_Client &relay, const Packet &packet, std::uint64_t now) {
    switch (packet.type) {
    case Packet_Type::data:
        return relay.online[index_of(packet.id)] ? Relay_Event_Kind::data : Relay_Event_Kind::none;
    case Packet_Type::oob_recv:
        return Relay_Event_Kind::oob;
    case Packet_Type::onion_response:
        return Relay_Event_Kind::onion;
    case Packet_Type::forwarding:
        return Relay_Event_Kind::forwarding;
    case Packet_Type::ping:
        // The relay waits for the answer to its last ping only. A ping of id 0 is not answered, as in toxcore.
        if (packet.ping_id != 0) {
            relay.pong_id = packet.ping_id;
            relay.pong_waiting = true;
        }
        handle_ping(relay, now);
        return Relay_Event_Kind::none;
    case Packet_Type::pong:
        if (packet.ping_id != relay.ping_id) {
            return Relay_Event_Kind::none;
        }
        relay.ping_id = 0;
        smooth_round_trip(relay, now - relay.ping_sent);
        return Relay_Event_Kind::pong;
    case Packet_Type::routing_response: {
        const std::uint32_t request = relay.responses++;
        if (packet.id < FIRST_ROUTING_ID) {
            return Relay_Event_Kind::routing_response;
        }
        // The response is old if its request was sent before we told the relay that we leave this id. The relay frees
        // the id when it reads this, so the response does not count.
        const bool is_old = static_cast<std::int32_t>(relay.references[index_of(packet.id)] - request) > 0;
        if (relay.known[index_of(packet.id)] || is_old) {
            return Relay_Event_Kind::none;
        }
        relay.known.set(index_of(packet.id));
        relay.references[index_of(packet.id)] = NO_REFERENCE;
        return Relay_Event_Kind::routing_response;
    }
    case Packet_Type::connect_notification:
        if (!relay.known[index_of(packet.id)] || relay.leaving[index_of(packet.id)] ||
            relay.online[index_of(packet.id)]) {
            return Relay_Event_Kind::none;
        }
        relay.online.set(index_of(packet.id));
        return Relay_Event_Kind::peer_online;
    case Packet_Type::disconnect_notification:
        if (!relay.online[index_of(packet.id)]) {
            return Relay_Event_Kind::none;
        }
        relay.online.reset(index_of(packet.id));
        return Relay_Event_Kind::peer_offline;
    default:
        return Relay_Event_Kind::none;
    }
}

} // namespace

void relay_start(Relay_Client &relay, const Identity &self, const Random &random, const Relay_Endpoint &endpoint,
                 const Public_Key &key, const Proxy &proxy, std::uint64_t now) {
    relay.self = &self;
    relay.random = random;
    relay.key = key;
    relay.endpoint = endpoint;
    relay.proxy = &proxy;
    relay.http = {};
    relay.proxy_status = 0;
    relay.reason = Reason::none;
    relay.started = now;
    relay.in_size = relay.out_begin = relay.out_end = 0;
    // The pings and routing ids of the previous connection are not valid any more.
    relay.ping_waiting = relay.pong_waiting = relay.leaving_waiting = false;
    relay.ping_id = relay.ping_sent = relay.last_heard = relay.ping_heard = 0;
    relay.ping_proves = false;
    relay.round_trip = 0;
    relay.requests = relay.responses = 0;
    relay.references.fill(0);
    relay.known.reset();
    relay.online.reset();
    relay.leaving.reset();
    switch (proxy.type) {
    case Proxy_Type::none:
        start_own_handshake(relay);
        break;
    case Proxy_Type::http:
        queue_proxy_request(relay, Relay_Phase::http);
        break;
    case Proxy_Type::socks5:
        queue_proxy_request(relay, Relay_Phase::socks5_greeting);
        break;
    }
}

void relay_end(Relay_Client &relay, Reason reason) {
    if (relay.phase != Relay_Phase::ended) {
        relay.phase = Relay_Phase::ended;
        relay.reason = reason;
        relay.handshake = {};
        relay.channel = {};
    }
}

Mutable_Bytes relay_missing(Relay_Client &relay) {
    if (relay.phase != Relay_Phase::confirmed || relay.in_size < FRAME_HEADER_SIZE) {
        return {};
    }
    const std::size_t size = FRAME_HEADER_SIZE + frame_length(relay.in.data());
    return Mutable_Bytes{relay.in}.subspan(relay.in_size, size - relay.in_size);
}

void relay_filled(Relay_Client &relay, std::size_t count) {
    relay.in_size = static_cast<std::uint16_t>(relay.in_size + count);
}

Relay_Event relay_next(Relay_Client &relay, Mutable_Bytes &input, std::uint64_t now) {
    Relay_Event event;
    while (relay.phase < Relay_Phase::handshake && !input.empty()) {
        proxy_byte(relay, input.front());
        input = input.subspan(1);
    }
    if (relay.phase == Relay_Phase::handshake && collect(relay, input, HANDSHAKE_RESPONSE_SIZE)) {
        relay.in_size = 0;
        const auto response = std::span<const std::uint8_t>{relay.in}.first<HANDSHAKE_RESPONSE_SIZE>();
        if (finish_handshake(relay.handshake, response, relay.channel)) {
            relay.phase = Relay_Phase::confirmed;
            relay.last_heard = now;
            relay_ping(relay, now); // a relay accepts a client only with its first packet
            event.kind = Relay_Event_Kind::confirmed;
            return event;
        }
        relay_end(relay, Reason::handshake_failed);
    }
    while (relay.phase == Relay_Phase::confirmed) {
        const Mutable_Bytes sealed = next_sealed(relay, input);
        if (sealed.empty()) {
            break;
        }
        const Mutable_Bytes plain = open_sealed(relay.channel, sealed);
        if (relay.opened.call != nullptr && !plain.empty()) {
            relay.opened.call(relay.opened.object, plain.front(), plain.size());
        }
        const Reason fault = plain.empty() ? Reason::bad_seal : decode_packet(Sender::relay, plain, event.packet);
        if (fault != Reason::none) {
            relay_end(relay, fault);
            break;
        }
        relay.last_heard = now;
        event.kind = handle_packet(relay, event.packet, now);
        if (event.kind != Relay_Event_Kind::none) {
            if (event.packet.id >= FIRST_ROUTING_ID) {
                event.reference = relay.references[index_of(event.packet.id)];
            }
            return event;
        }
    }
    event.kind = relay.phase == Relay_Phase::ended ? Relay_Event_Kind::ended : Relay_Event_Kind::none;
    return event;
}

bool relay_at_proxy(const Relay_Client &relay) {
    const bool has_sent = relay.out_begin != 0 || relay_pending(relay).empty();
    return relay.phase < Relay_Phase::handshake && has_sent;
}

void relay_tick(Relay_Client &relay, std::uint64_t now) {
    if (now < relay_deadline(relay)) {
        return;
    }
    if (relay.phase != Relay_Phase::confirmed) {
        relay_end(relay, relay_at_proxy(relay) ? Reason::proxy_timeout : Reason::connect_timeout);
    } else if (relay.ping_id != 0) {
        relay_end(relay, Reason::ping_timeout);
    } else {
        relay_ping(relay, now);
    }
}

std::uint64_t relay_deadline(const Relay_Client &relay) {
    switch (relay.phase) {
    case Relay_Phase::ended:
        return UINT64_MAX;
    case Relay_Phase::confirmed:
        if (relay.ping_id != 0) {
            return relay.ping_sent + PING_TIMEOUT_MS;
        }
        return std::min(relay_ping_due(relay), std::max(relay.ping_sent + PING_INTERVAL_MS,
                                                        relay.ping_heard + PING_INTERVAL_MS + PING_GRACE_MS));
    default:
        return relay.started + CONNECT_TIMEOUT_MS;
    }
}

std::uint64_t relay_ping_due(const Relay_Client &relay) {
    return relay.ping_sent +
           (relay.relay_pings_suffice && relay.ping_proves ? RELAXED_PING_INTERVAL_MS : PING_INTERVAL_MS);
}

void relay_ping(Relay_Client &relay, std::uint64_t now) {
    if (relay.phase != Relay_Phase::confirmed || relay.ping_id != 0) {
        return;
    }
    std::array<std::uint8_t, sizeof relay.ping_id> id;
    relay.random.fill(relay.random.object, id);
    std::memcpy(&relay.ping_id, id.data(), id.size());
    relay.ping_id += relay.ping_id == 0; // 0 is not allowed
    relay.ping_sent = now;
    relay.ping_waiting = true;
    relay_flush_control(relay);
}

void relay_sent(Relay_Client &relay, std::size_t count) {
    assert(count <= relay_pending(relay).size());
    relay.out_begin = static_cast<std::uint16_t>(relay.out_begin + count);
    if (relay.out_begin == relay.out_end) {
        relay.out_begin = relay.out_end = 0;
    }
    relay_flush_control(relay);
}

std::size_t relay_seal(Relay_Client &relay, const Packet &packet, Mutable_Bytes frame) {
    if (frame.size() <= FRAME_OVERHEAD) {
        return 0;
    }
    const std::size_t limit = std::min(frame.size(), MAX_FRAME_SIZE) - FRAME_OVERHEAD;
    const std::size_t size = encode_packet(packet, frame.subspan(FRAME_OVERHEAD, limit));
    if (size == 0) {
        return 0;
    }
    seal_frame(relay.channel, frame.first(FRAME_OVERHEAD + size));
    return FRAME_OVERHEAD + size;
}

void relay_keep(Relay_Client &relay, Bytes rest) {
    assert(rest.size() <= relay.out.size());
    std::copy(rest.begin(), rest.end(), relay.out.begin());
    relay.out_begin = 0;
    relay.out_end = static_cast<std::uint16_t>(rest.size());
}

void relay_undo_seal(Relay_Client &relay, std::uint32_t frames) {
    for (; frames > 0; --frames) {
        for (std::size_t i = NONCE_SIZE; i-- > 0 && relay.channel.send.bytes[i]-- == 0;) {
        }
    }
}

bool relay_request_route(Relay_Client &relay, const Public_Key &peer) {
    relay_flush_control(relay); // an id that we leave may be the same peer's: the relay must hear of that first
    Packet packet;
    packet.type = Packet_Type::routing_request;
    packet.public_key = peer.data();
    const bool sent = relay.phase == Relay_Phase::confirmed && !relay.leaving_waiting && queue(relay, packet);
    relay.requests += sent;
    return sent;
}

void relay_leave_route(Relay_Client &relay, std::uint8_t id) {
    if (id >= FIRST_ROUTING_ID && relay.known[index_of(id)] && !relay.leaving[index_of(id)]) {
        relay.leaving.set(index_of(id));
        relay.online.reset(index_of(id));
        relay.references[index_of(id)] = NO_REFERENCE;
        relay.leaving_waiting = true;
        relay_flush_control(relay);
    }
}

bool relay_set_reference(Relay_Client &relay, std::uint8_t id, std::uint32_t reference) {
    if (id < FIRST_ROUTING_ID || !relay.known[index_of(id)]) {
        return false;
    }
    relay.references[index_of(id)] = reference;
    return true;
}

void relay_flush_control(Relay_Client &relay) {
    if (relay.phase != Relay_Phase::confirmed) {
        return;
    }
    Packet packet;
    for (std::size_t i = 0; relay.leaving_waiting && i < MAX_ROUTES; ++i) {
        if (relay.leaving[i]) {
            packet.type = Packet_Type::disconnect_notification;
            packet.id = static_cast<std::uint8_t>(i + FIRST_ROUTING_ID);
            if (!queue(relay, packet)) {
                return;
            }
            relay.leaving.reset(i);
            relay.known.reset(i);
            relay.references[i] = relay.requests;
        }
    }
    relay.leaving_waiting = false;
    if (relay.pong_waiting) {
        packet.type = Packet_Type::pong;
        packet.ping_id = relay.pong_id;
        relay.pong_waiting = !queue(relay, packet);
    }
    if (relay.ping_waiting) {
        packet.type = Packet_Type::ping;
        packet.ping_id = relay.ping_id;
        relay.ping_waiting = !queue(relay, packet);
    }
}

} // namespace toxtcp
