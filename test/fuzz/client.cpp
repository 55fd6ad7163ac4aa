#include "fuzz/client.h"

#include <memory>

namespace toxtcp {

namespace {

constexpr std::uint64_t RELAY_SEED = 1;
constexpr std::uint64_t CLIENT_SEED = 2;
constexpr Ip_Port ADDRESS{Family::ipv6, {0x20, 1, 0xD, 0xB8}, 33445};

constexpr std::size_t index_of(std::uint8_t id) {
    return static_cast<std::size_t>(id - FIRST_ROUTING_ID);
}

const Identity &self() {
    static const Identity identity{public_key_of(fuzz_secret_key(CLIENT_SEED)), fuzz_secret_key(CLIENT_SEED)};
    return identity;
}

const Public_Key &relay_key() {
    static const Public_Key key = public_key_of(fuzz_relay_secret());
    return key;
}

/// These proxies live to the end: a client borrows its proxy.
const Proxy &proxy_of(Proxy_Type type, bool with_user) {
    static const std::array<Proxy, 6> proxies = [] {
        std::array<Proxy, 6> made;
        for (std::size_t i = 0; i < made.size(); ++i) {
            made[i].type = static_cast<Proxy_Type>(i % 3);
            made[i].user = i < 3 ? "" : "user";
            made[i].password = i < 3 ? "" : "password";
        }
        return made;
    }();
    return proxies[static_cast<std::size_t>(type) + (with_user ? 3 : 0)];
}

void start(Fuzz_Client &client, Proxy_Type proxy, bool with_user = false) {
    relay_start(client.relay, self(), fuzz_random(client.random), {ADDRESS, nullptr}, relay_key(),
                proxy_of(proxy, with_user), client.now);
    client.coming.clear();
    client.sent.clear();
    client.ended = client.answered = false;
    client.given.reset();
    client.online.reset();
    fuzz_check(client.relay.known.none() && client.relay.leaving.none() && client.relay.ping_id == 0,
               "a new connection keeps nothing of the one before");
    fuzz_client_check(client);
}

bool lies_in(Bytes bytes, Bytes whole) {
    return bytes.data() >= whole.data() && bytes.data() + bytes.size() <= whole.data() + whole.size();
}

void check_id_event(Fuzz_Client &client, const Relay_Event &event) {
    const std::uint8_t id = event.packet.id;
    if (event.kind == Relay_Event_Kind::routing_response && id < FIRST_ROUTING_ID) {
        return; // refused
    }
    fuzz_check(id >= FIRST_ROUTING_ID, "an event's routing id is 16 or more");
    const std::size_t index = index_of(id);
    switch (event.kind) {
    case Relay_Event_Kind::routing_response:
        fuzz_check(!client.given[index], "an id that is in use is not given again");
        client.given.set(index);
        client.references[index] = NO_REFERENCE;
        break;
    case Relay_Event_Kind::peer_online:
        fuzz_check(client.given[index] && !client.online[index], "a peer comes online once, on an id that was given");
        client.online.set(index);
        break;
    case Relay_Event_Kind::peer_offline:
        fuzz_check(client.online[index], "only a peer that was online goes offline");
        client.online.reset(index);
        break;
    default:
        fuzz_check(client.online[index], "data comes from a peer that is online");
        break;
    }
    fuzz_check(event.reference == client.references[index], "an event has the reference of its id");
}

void check_event(Fuzz_Client &client, const Relay_Event &event, Bytes buffer) {
    const Bytes own{client.relay.in};
    const auto is_held = [&](Bytes bytes) { return lies_in(bytes, own) || lies_in(bytes, buffer); };
    fuzz_check(!client.ended || event.kind == Relay_Event_Kind::ended, "after the end there are no more events");
    switch (event.kind) {
    case Relay_Event_Kind::none:
        fuzz_check(client.relay.phase != Relay_Phase::ended, "an end has an event");
        break;
    case Relay_Event_Kind::ended:
        fuzz_check(client.relay.phase == Relay_Phase::ended, "after the event the connection has ended");
        break;
    case Relay_Event_Kind::confirmed:
        fuzz_check(relay_confirmed(client.relay), "after the event the connection is confirmed");
        fuzz_check(client.answered, "only the relay's answer confirms the client");
        break;
    case Relay_Event_Kind::data:
        fuzz_check(is_held(event.packet.data) && !event.packet.data.empty(), "data lies where it was read to");
        check_id_event(client, event);
        break;
    case Relay_Event_Kind::routing_response:
        fuzz_check(is_held({event.packet.public_key, KEY_SIZE}), "a key lies where it was read to");
        check_id_event(client, event);
        break;
    case Relay_Event_Kind::peer_online:
    case Relay_Event_Kind::peer_offline:
        check_id_event(client, event);
        break;
    case Relay_Event_Kind::oob:
        fuzz_check(is_held({event.packet.public_key, KEY_SIZE}), "a key lies where it was read to");
        fuzz_check(is_held(event.packet.data) && !event.packet.data.empty(), "OOB data lies where it was read to");
        fuzz_check(event.packet.data.size() <= MAX_OOB_DATA_SIZE, "OOB data is within its limit");
        break;
    case Relay_Event_Kind::onion:
    case Relay_Event_Kind::forwarding:
        fuzz_check(is_held(event.packet.data) && !event.packet.data.empty(), "data lies where it was read to");
        break;
    case Relay_Event_Kind::pong:
        fuzz_check(client.relay.round_trip > 0 && client.relay.round_trip <= PING_TIMEOUT_MS,
                   "a round trip is within its limits");
        break;
    }
}

void read_packet(Fuzz_Client &client, Bytes plain) {
    Packet packet;
    fuzz_check(decode_packet(Sender::client, plain, packet) == Reason::none, "the client sends only valid packets");
    if (packet.type == Packet_Type::ping) {
        client.ping_id = packet.ping_id;
    }
}

void read_frames(Fuzz_Client &client) {
    std::size_t at = 0;
    while (client.sent.size() - at >= FRAME_HEADER_SIZE) {
        const std::size_t length = frame_length(client.sent.data() + at);
        fuzz_check(frame_length_is_valid(length), "the client's frames have a valid length");
        if (client.sent.size() - at < FRAME_HEADER_SIZE + length) {
            break;
        }
        const Mutable_Bytes plain =
            open_sealed(client.channel, Mutable_Bytes{client.sent}.subspan(at + FRAME_HEADER_SIZE, length));
        fuzz_check(!plain.empty(), "the client's frames open, in the order in which they come");
        read_packet(client, plain);
        at += FRAME_HEADER_SIZE + length;
    }
    client.sent.erase(client.sent.begin(), client.sent.begin() + static_cast<std::ptrdiff_t>(at));
}

void take(Fuzz_Client &client, Bytes bytes) {
    client.sent.insert(client.sent.end(), bytes.begin(), bytes.end());
    if (relay_confirmed(client.relay)) {
        read_frames(client);
    }
}

} // namespace

const Secret_Key &fuzz_relay_secret() {
    static const Secret_Key key = fuzz_secret_key(RELAY_SEED);
    return key;
}

void fuzz_client_start(Fuzz_Client &client, Proxy_Type proxy, bool with_user) {
    static const std::array<std::unique_ptr<Fuzz_Client>, 6> started = [] {
        std::array<std::unique_ptr<Fuzz_Client>, 6> made;
        for (std::size_t i = 0; i < made.size(); ++i) {
            made[i] = std::make_unique<Fuzz_Client>();
            start(*made[i], static_cast<Proxy_Type>(i % 3), i >= 3);
        }
        return made;
    }();
    client = *started[static_cast<std::size_t>(proxy) + (with_user ? 3 : 0)];
    client.relay.random = fuzz_random(client.random);
}

void fuzz_client_restart(Fuzz_Client &client, Proxy_Type proxy) {
    start(client, proxy);
}

bool fuzz_client_answer(Fuzz_Client &client, std::array<std::uint8_t, HANDSHAKE_RESPONSE_SIZE> &response) {
    if (client.answered || client.sent.size() < HANDSHAKE_REQUEST_SIZE) {
        return false;
    }
    const auto request = Bytes{client.sent}.last<HANDSHAKE_REQUEST_SIZE>();
    Public_Key key;
    Channel channel;
    if (!answer_handshake(fuzz_random(client.random), fuzz_relay_secret(), request, response, key, channel)) {
        return false;
    }
    fuzz_check(key == self().public_key, "the client's request names its key");
    client.channel = channel;
    client.answered = true;
    client.sent.clear();
    return true;
}

void fuzz_client_confirmed(Fuzz_Client &client) {
    static const std::unique_ptr<Fuzz_Client> confirmed = [] {
        auto made = std::make_unique<Fuzz_Client>();
        start(*made, Proxy_Type::none);
        fuzz_client_take(*made, HANDSHAKE_REQUEST_SIZE);
        std::array<std::uint8_t, HANDSHAKE_RESPONSE_SIZE> response;
        fuzz_check(fuzz_client_answer(*made, response), "an honest request is answered");
        made->coming.assign(response.begin(), response.end());
        fuzz_client_deliver(*made, response.size(), false);
        fuzz_check(relay_confirmed(made->relay), "an honest answer confirms");
        return made;
    }();
    client = *confirmed;
    client.relay.random = fuzz_random(client.random);
}

void fuzz_client_deliver(Fuzz_Client &client, std::size_t count, bool missing) {
    count = std::min(count, client.coming.size());
    Bytes bytes = Bytes{client.coming}.first(count);
    if (missing) {
        const Mutable_Bytes first = relay_missing(client.relay);
        fuzz_check(first.empty() || lies_in(first, client.relay.in), "the missing part lies in the client's buffer");
        const std::size_t fill = std::min(first.size(), bytes.size());
        std::copy_n(bytes.begin(), fill, first.begin());
        relay_filled(client.relay, fill);
        bytes = bytes.subspan(fill);
    }
    // A buffer of exactly this size, so that AddressSanitizer reports an access beyond it.
    const auto buffer = std::make_unique<std::uint8_t[]>(bytes.size());
    std::copy(bytes.begin(), bytes.end(), buffer.get());
    client.coming.erase(client.coming.begin(), client.coming.begin() + static_cast<std::ptrdiff_t>(count));

    Mutable_Bytes input{buffer.get(), bytes.size()};
    const Bytes all = input;
    for (std::size_t events = 0;; ++events) {
        const Mutable_Bytes before = input;
        const Relay_Event event = relay_next(client.relay, input, client.now);
        fuzz_check(lies_in(input, all) && input.size() <= before.size(), "the input is shortened from its front");
        check_event(client, event, all);
        if (event.kind == Relay_Event_Kind::none || event.kind == Relay_Event_Kind::ended) {
            fuzz_check(event.kind == Relay_Event_Kind::ended || input.empty(), "all input is used up");
            break;
        }
        fuzz_check(events <= all.size() / (FRAME_OVERHEAD + 1) + 2, "every event uses up bytes");
    }
    fuzz_client_check(client);
}

void fuzz_client_wait(Fuzz_Client &client, std::uint64_t ms) {
    client.now += ms;
    relay_tick(client.relay, client.now);
    fuzz_check(relay_deadline(client.relay) > client.now, "after a tick nothing is due");
    fuzz_client_check(client);
}

void fuzz_client_take(Fuzz_Client &client, std::size_t count) {
    const Bytes pending = relay_pending(client.relay);
    count = std::min(count, pending.size());
    if (count != 0 && client.relay.phase != Relay_Phase::ended) {
        take(client, pending.first(count));
        relay_sent(client.relay, count);
    }
    fuzz_client_check(client);
}

bool fuzz_client_seal(Fuzz_Client &client, Bytes plain) {
    if (!client.answered || plain.empty() || plain.size() > MAX_PLAIN_SIZE) {
        return false;
    }
    const std::size_t at = client.coming.size();
    client.coming.resize(at + FRAME_OVERHEAD + plain.size());
    const Mutable_Bytes frame = Mutable_Bytes{client.coming}.subspan(at);
    std::copy(plain.begin(), plain.end(), frame.begin() + FRAME_OVERHEAD);
    seal_frame(client.channel, frame);
    return true;
}

void fuzz_client_leave(Fuzz_Client &client, std::uint8_t id) {
    relay_leave_route(client.relay, id);
    if (id >= FIRST_ROUTING_ID) {
        client.given.reset(index_of(id));
        client.online.reset(index_of(id));
    }
    fuzz_client_check(client);
}

void fuzz_client_reference(Fuzz_Client &client, std::uint8_t id, std::uint32_t reference) {
    const bool set = relay_set_reference(client.relay, id, reference);
    const bool given = id >= FIRST_ROUTING_ID && client.given[index_of(id)];
    fuzz_check(set || !given, "an id that was given takes a reference");
    if (set) {
        client.references[index_of(id)] = reference;
    }
}

void fuzz_client_send(Fuzz_Client &client, std::uint8_t id, Bytes data, std::size_t taken) {
    if (!relay_takes_data(client.relay)) {
        return;
    }
    Packet packet;
    packet.type = Packet_Type::data;
    packet.id = id;
    packet.data = data;
    const std::size_t wanted = FRAME_OVERHEAD + 1 + data.size();
    const auto frame = std::make_unique<std::uint8_t[]>(wanted);
    const std::size_t size = relay_seal(client.relay, packet, {frame.get(), wanted});
    const bool valid = id >= FIRST_ROUTING_ID && !data.empty() && data.size() <= MAX_DATA_SIZE;
    fuzz_check(size == (valid ? wanted : 0), "a packet is sealed exactly if it is within its limits");
    if (size == 0) {
        return;
    }
    taken = std::min(taken, size);
    if (taken == 0) {
        relay_undo_seal(client.relay, 1);
    } else {
        if (taken < size) {
            relay_keep(client.relay, Bytes{frame.get(), size}.subspan(taken));
        }
        take(client, Bytes{frame.get(), taken});
    }
    fuzz_client_check(client);
}

void fuzz_client_check(Fuzz_Client &client) {
    const Relay_Client &relay = client.relay;
    if (client.ended) {
        fuzz_check(relay.phase == Relay_Phase::ended, "a connection that has ended stays so");
    }
    client.ended = relay.phase == Relay_Phase::ended;
    fuzz_check(!client.ended || relay.reason != Reason::none, "a connection that has ended has a reason");
    fuzz_check(client.ended || relay.reason == Reason::none, "a connection that has not ended has no reason");
    fuzz_check(relay.in_size <= relay.in.size(), "input is within its buffer");
    fuzz_check(relay.out_begin <= relay.out_end && relay.out_end <= relay.out.size(), "output is within its buffer");
    fuzz_check(!relay_confirmed(relay) || client.answered, "only the relay's answer confirms the client");
    if (client.ended) {
        fuzz_check(relay_deadline(relay) == UINT64_MAX, "a connection that has ended is never due");
        fuzz_check(relay.channel.key.bytes == Secret_Key{}.bytes &&
                       relay.handshake.session_secret.bytes == Secret_Key{}.bytes,
                   "a connection that has ended keeps no secret");
    }
    if (relay_confirmed(relay)) {
        fuzz_check(client.online == relay.online, "the online peers are right");
        fuzz_check((client.given & (~relay.known | relay.leaving)).none(), "an id that was given is known");
    }
}

} // namespace toxtcp
