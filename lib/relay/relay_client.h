// One relay as its client sees it: proxy, handshake, secure channel, pings, routing table. A state machine: bytes and
// time in, bytes and events out. No socket, no clock, and no allocation in here; its whole memory is this struct,
// some 5.5 KiB, whatever the relay sends.
#pragma once

#include <bitset>
#include <memory>

#include <toxtcp/wire.h>

#include "relay/proxy.h"

namespace toxtcp {

/// Limit for connect, proxy and handshake together (protocol: 10 s).
inline constexpr std::uint64_t CONNECT_TIMEOUT_MS = 10'000;
/// The client pings this often (protocol: 30 s), and waits this long for the pong (protocol: 10 s).
inline constexpr std::uint64_t PING_INTERVAL_MS = 30'000;
inline constexpr std::uint64_t PING_TIMEOUT_MS = 10'000;
/// A ping that is due this soon goes along with another, so that the pings of all relays fall on one wake-up. Half of the
/// interval: no two can then stay apart.
inline constexpr std::uint64_t PING_TOGETHER_MS = PING_INTERVAL_MS / 2;
/// Where the relay's own pings take the place of ours (Relay_Client::relay_pings_suffice): how much later than the usual interval the
/// next of them may come (relays count in seconds), and after how long one of ours goes all the same, as only its answer
/// tells the round trip.
inline constexpr std::uint64_t PING_GRACE_MS = 2'000;
inline constexpr std::uint64_t RELAXED_PING_INTERVAL_MS = 600'000;
/// Room for control packets behind the rest of a data packet: enough for the few that fall due at once. What finds no
/// room waits as a flag, and never as bytes, so that a relay that does not read cannot make us grow.
inline constexpr std::size_t CONTROL_ROOM = 160;

/// The reference of a routing id that has none yet.
inline constexpr std::uint32_t NO_REFERENCE = UINT32_MAX;

enum class Relay_Phase : std::uint8_t {
    http,
    socks5_greeting,
    socks5_password,
    socks5_request,
    handshake,
    confirmed,
    ended
};

/// Where a relay is.
struct Relay_Place {
    Ip_Port address;                         ///< where it has a name: the port alone counts
    std::shared_ptr<const std::string> name; ///< looked up by the proxy; null: none
};

/// Who we are. Owned by whoever owns the relays, and outlives them.
struct Identity {
    Public_Key public_key{};
    Secret_Key secret_key;
};

/// Told of every packet that opens, by its first byte and its length. None by default.
struct Opened {
    void *object = nullptr;
    void (*tell)(void *object, std::uint8_t first, std::size_t length) = nullptr;
};

struct Relay_Client {
    const Identity *self = nullptr;
    Random random;
    Opened opened;
    Public_Key key{};
    Relay_Place place;
    const Proxy *proxy = nullptr; ///< the owner's
    Http_Answer http;
    std::uint16_t proxy_status = 0; ///< why it refused, in its own numbers; 0: it did not

    Relay_Phase phase = Relay_Phase::ended;
    Reason reason = Reason::none; ///< why it ended

    bool ping_waiting = false;    ///< to be sealed as soon as there is room
    bool pong_waiting = false;    ///< the same; answers the relay's last ping
    bool leaving_waiting = false; ///< some id of `leaving` is to be told
    bool relay_pings_suffice = false;         ///< set by the owner: what the relay's pings prove need not be proved by ours
    bool ping_proves = false;     ///< the relay's last ping tells that our pong to the one before has reached it
    std::uint64_t ping_id = 0;    ///< of our ping that is out, 0 when none is
    std::uint64_t pong_id = 0;    ///< of the relay's last ping
    std::uint64_t ping_sent = 0;  ///< ms, when our last ping was asked for; before the first: when it was confirmed
    std::uint64_t started = 0;    ///< ms
    std::uint64_t last_heard = 0; ///< ms, the last packet that opened
    std::uint64_t ping_heard = 0; ///< ms, the relay's last ping; 0: none
    std::uint32_t round_trip = 0; ///< ms, smoothed as TCP does; 0 before the first pong

    Channel channel;
    Handshake handshake;

    std::uint32_t requests = 0;  ///< of routes, that were sent
    std::uint32_t responses = 0; ///< to these: they come in their order

    /// What the owner attached to each routing id. Of an id that is not known: `requests` when we were done with it.
    std::array<std::uint32_t, MAX_ROUTES> references{};
    std::bitset<MAX_ROUTES> known;   ///< the relay has given us this id
    std::bitset<MAX_ROUTES> online;  ///< and reported its peer online
    std::bitset<MAX_ROUTES> leaving; ///< we are done with it, and the relay is to be told

    std::uint16_t in_size = 0; ///< bytes of a frame, or of an answer, that is not complete
    std::uint16_t out_begin = 0;
    std::uint16_t out_end = 0;
    std::array<std::uint8_t, MAX_FRAME_SIZE> in;
    std::array<std::uint8_t, MAX_FRAME_SIZE + CONTROL_ROOM> out; ///< sealed, to be sent before anything else
};

// ---- set-up and end --------------------------------------------------------------------------------------------

/// Begins anew, for a socket that is being connected to the relay, or to the proxy. `self` and `proxy` are borrowed.
void relay_start(Relay_Client &relay, const Identity &self, const Random &random, const Relay_Place &place,
                 const Public_Key &key, const Proxy &proxy, std::uint64_t now);

/// Ends it for a reason from outside; secrets are wiped. The first reason stays.
void relay_end(Relay_Client &relay, Reason reason);

inline bool relay_confirmed(const Relay_Client &relay) {
    return relay.phase == Relay_Phase::confirmed;
}

// ---- bytes in --------------------------------------------------------------------------------------------------

enum class Relay_Event_Kind : std::uint8_t {
    none,             ///< all input is used up
    confirmed,        ///< the handshake is done
    routing_response, ///< packet.id, packet.public_key; an id below 16 means refused
    peer_online,      ///< packet.id
    peer_offline,     ///< packet.id
    data,             ///< packet.id, packet.data
    oob,              ///< packet.public_key, packet.data
    onion,            ///< packet.data
    forwarding,       ///< packet.data
    pong,             ///< round_trip is new
    ended             ///< relay.reason
};

struct Relay_Event {
    Relay_Event_Kind kind = Relay_Event_Kind::none;
    std::uint32_t reference = NO_REFERENCE; ///< of packet.id, where it has one
    Packet packet;                    ///< valid until the next call for this relay
};

/// Where the next received bytes belong before any others: the missing part of a frame already begun, or nothing.
[[nodiscard]] Mutable_Bytes relay_missing(Relay_Client &relay);

/// `count` bytes were received to there.
void relay_filled(Relay_Client &relay, std::size_t count);

/// The next event from `input`, which is shortened by what was used; packets are opened in place. To be called until
/// it answers `none`, with the same input, and to be abandoned when the relay was ended or started in between.
[[nodiscard]] Relay_Event relay_next(Relay_Client &relay, Mutable_Bytes &input, std::uint64_t now);

// ---- time in ---------------------------------------------------------------------------------------------------

/// Does what is due: pings, and ends what has timed out.
void relay_tick(Relay_Client &relay, std::uint64_t now);

/// When `relay_tick` has something to do.
[[nodiscard]] std::uint64_t relay_deadline(const Relay_Client &relay);

/// When our next ping is due as long as the relay's own pings go on as they do; `relay_deadline` is earlier where one of
/// these would be missed before.
[[nodiscard]] std::uint64_t relay_ping_due(const Relay_Client &relay);

/// Pings now, unless a ping is out.
void relay_ping(Relay_Client &relay, std::uint64_t now);

// ---- bytes out -------------------------------------------------------------------------------------------------

/// What is to be sent first, and how much of it was. Control packets that found no room are sealed as it frees.
[[nodiscard]] inline Bytes relay_pending(const Relay_Client &relay) {
    return Bytes{relay.out}.subspan(relay.out_begin, static_cast<std::size_t>(relay.out_end - relay.out_begin));
}
void relay_sent(Relay_Client &relay, std::size_t count);

/// Whether a data packet could be sealed now: nothing is pending.
[[nodiscard]] inline bool relay_takes_data(const Relay_Client &relay) {
    return relay.phase == Relay_Phase::confirmed && relay.out_begin == relay.out_end;
}

/// Size of the frame that `packet` makes, 0 when it breaks a limit.
/// Seals it to `frame`, to be sent at once; what the socket did not take of a frame that it took in part is handed
/// back to `relay_keep`. Frames of which nothing was sent may be taken back, the last first.
[[nodiscard]] std::size_t relay_seal(Relay_Client &relay, const Packet &packet, Mutable_Bytes frame);
void relay_keep(Relay_Client &relay, Bytes rest);
void relay_take_back(Relay_Client &relay, std::uint32_t frames);

// ---- control ---------------------------------------------------------------------------------------------------

/// Asks for a peer. False when there is no room for now: ask again later.
[[nodiscard]] bool relay_request_route(Relay_Client &relay, const Public_Key &peer);

/// Done with a routing id (16..255); the relay is told, sooner or later.
void relay_leave_route(Relay_Client &relay, std::uint8_t id);

/// Attaches the owner's reference to a routing id that the relay has given us. False when it has not.
bool relay_set_reference(Relay_Client &relay, std::uint8_t id, std::uint32_t reference);

/// Seals what is due and waiting, as far as there is room.
void relay_flush_control(Relay_Client &relay);

} // namespace toxtcp
