// The client's side of one relay connection: proxy, handshake, secure channel, pings, routing table. It is a state
// machine: received bytes and the time go in, bytes to send and events come out. It has no socket and no clock, and
// does not allocate. All of its memory is in Relay_Client, about 5.5 KiB, whatever the relay sends.
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
/// When one relay is pinged, each relay whose ping is due within this time is pinged too, so that one wake-up serves
/// all relays. The time is half of the interval: of two relays, one is then always near enough to go with the other.
inline constexpr std::uint64_t PING_TOGETHER_MS = PING_INTERVAL_MS / 2;
/// Where the relay's pings replace ours (Relay_Client::relay_pings_suffice). The relay's next ping may be late by
/// PING_GRACE_MS, since relays count in whole seconds. We still ping every RELAXED_PING_INTERVAL_MS, since only a pong
/// tells the round trip.
inline constexpr std::uint64_t PING_GRACE_MS = 2'000;
inline constexpr std::uint64_t RELAXED_PING_INTERVAL_MS = 600'000;
/// Bytes for control packets behind the rest of a data packet: enough for the few that are due at once. A control
/// packet that finds no room waits as a flag, and never as bytes, so a relay that does not read cannot use up memory.
inline constexpr std::size_t CONTROL_ROOM = 160;

/// Stands for no reference: the owner has not attached one to the routing id yet.
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

/// The address of a relay, or its host name and port.
struct Relay_Endpoint {
    Ip_Port address;                         ///< with a name, only the port is used
    std::shared_ptr<const std::string> name; ///< host name that the proxy looks up; null: none
};

/// Our key pair. The owner of the relays owns it. It must outlive them.
struct Identity {
    Public_Key public_key{};
    Secret_Key secret_key;
};

/// Called for each packet that was opened, with its first byte and its length (Host::opened). Null by default.
struct Opened_Callback {
    void *object = nullptr;
    void (*call)(void *object, std::uint8_t first, std::size_t length) = nullptr;
};

struct Relay_Client {
    const Identity *self = nullptr;
    Random random;
    Opened_Callback opened;
    Public_Key key{};
    Relay_Endpoint endpoint;
    const Proxy *proxy = nullptr; ///< borrowed from the owner
    Http_Answer http;
    std::uint16_t proxy_status = 0; ///< the proxy's code for its refusal; 0: none

    Relay_Phase phase = Relay_Phase::ended;
    Reason reason = Reason::none; ///< why the connection ended

    bool ping_waiting = false;    ///< our ping is to be sealed as soon as there is room
    bool pong_waiting = false;    ///< the same for the pong to the relay's last ping
    bool leaving_waiting = false; ///< at least one id is in `leaving`
    /// Set by the owner: where the relay's pings prove that the connection works, ours are sent rarely.
    bool relay_pings_suffice = false;
    bool ping_proves = false;     ///< the relay's last ping proves that our pong to an earlier one arrived
    std::uint64_t ping_id = 0;    ///< id of our unanswered ping; 0: none
    std::uint64_t pong_id = 0;    ///< id of the relay's last ping
    std::uint64_t ping_sent = 0;  ///< ms, when our last ping was requested; 0: none yet
    std::uint64_t started = 0;    ///< ms, when `relay_start` was called
    std::uint64_t last_heard = 0; ///< ms, when the last packet opened, or the handshake's answer
    std::uint64_t ping_heard = 0; ///< ms, the relay's last ping; 0: none
    std::uint32_t round_trip = 0; ///< ms, smoothed as TCP does; 0 before the first pong

    Channel channel;
    Handshake handshake;

    std::uint32_t requests = 0;  ///< routing requests sent
    std::uint32_t responses = 0; ///< routing responses received; they come in the order of the requests

    /// Known id: the reference that the owner attached, or NO_REFERENCE. Other id: the value of `requests` when we told
    /// the relay that we leave the id.
    std::array<std::uint32_t, MAX_ROUTES> references{};
    std::bitset<MAX_ROUTES> known;   ///< ids that the relay has given us
    std::bitset<MAX_ROUTES> online;  ///< known ids whose peer is online
    std::bitset<MAX_ROUTES> leaving; ///< known ids that we have left, while the relay is not told yet

    std::uint16_t in_size = 0; ///< bytes in `in`: a part of a frame, or of an answer
    std::uint16_t out_begin = 0;
    std::uint16_t out_end = 0;
    std::array<std::uint8_t, MAX_FRAME_SIZE> in;
    std::array<std::uint8_t, MAX_FRAME_SIZE + CONTROL_ROOM> out; ///< to be sent before anything else
};

// ---- set-up and end --------------------------------------------------------------------------------------------

/// Begins a new connection, for a socket that is being connected to the relay, or to the proxy. `self` and `proxy` are
/// borrowed.
void relay_start(Relay_Client &relay, const Identity &self, const Random &random, const Relay_Endpoint &endpoint,
                 const Public_Key &key, const Proxy &proxy, std::uint64_t now);

/// Ends the connection and wipes its secrets. If it has ended already, the first reason stays.
void relay_end(Relay_Client &relay, Reason reason);

inline bool relay_confirmed(const Relay_Client &relay) {
    return relay.phase == Relay_Phase::confirmed;
}

/// Whether the proxy has received bytes, and has neither granted nor refused the connection to the relay.
bool relay_at_proxy(const Relay_Client &relay);

// ---- bytes in --------------------------------------------------------------------------------------------------

enum class Relay_Event_Kind : std::uint8_t {
    none,             ///< no event; all input is used up
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
    std::uint32_t reference = NO_REFERENCE; ///< attached to packet.id; NO_REFERENCE: none
    Packet packet;                          ///< valid until the next call for this relay
};

/// The missing part of a frame that arrived in part: the next received bytes must be put there first. Empty if there is
/// no such frame.
[[nodiscard]] Mutable_Bytes relay_missing(Relay_Client &relay);

/// `count` bytes were put into `relay_missing`.
void relay_filled(Relay_Client &relay, std::size_t count);

/// Returns the next event from `input`, and removes the bytes that it used from `input`. Packets are opened in place.
/// Call it with the same input until it returns `none` or `ended`. If the relay was ended or started meanwhile, drop
/// the input.
[[nodiscard]] Relay_Event relay_next(Relay_Client &relay, Mutable_Bytes &input, std::uint64_t now);

// ---- time in ---------------------------------------------------------------------------------------------------

/// Does what is due at this time: pings the relay, or ends the connection after a time limit.
void relay_tick(Relay_Client &relay, std::uint64_t now);

/// When `relay_tick` has something to do, ms; UINT64_MAX: never.
[[nodiscard]] std::uint64_t relay_deadline(const Relay_Client &relay);

/// When our next ping is due, ms, provided that the relay's own pings go on. `relay_deadline` may be earlier: it also
/// looks for a ping of the relay that did not come.
[[nodiscard]] std::uint64_t relay_ping_due(const Relay_Client &relay);

/// Pings now, unless a ping is unanswered.
void relay_ping(Relay_Client &relay, std::uint64_t now);

// ---- bytes out -------------------------------------------------------------------------------------------------

/// The bytes to be sent before any others; `relay_sent` takes how many of them were sent. Control packets that found no
/// room are sealed when there is room again.
[[nodiscard]] inline Bytes relay_pending(const Relay_Client &relay) {
    return Bytes{relay.out}.subspan(relay.out_begin, static_cast<std::size_t>(relay.out_end - relay.out_begin));
}
void relay_sent(Relay_Client &relay, std::size_t count);

/// Whether a data packet can be sealed now: the handshake is done, and nothing is pending.
[[nodiscard]] inline bool relay_takes_data(const Relay_Client &relay) {
    return relay.phase == Relay_Phase::confirmed && relay.out_begin == relay.out_end;
}

/// Seals `packet` to `frame`, to be sent at once. Returns the size of the frame, or 0 if the packet breaks a limit or
/// does not fit. If the socket takes only a part of the frame, give the rest to `relay_keep`. If it takes nothing of
/// the frames that were sealed last, give their number to `relay_undo_seal`, so that their nonces are used again.
[[nodiscard]] std::size_t relay_seal(Relay_Client &relay, const Packet &packet, Mutable_Bytes frame);
void relay_keep(Relay_Client &relay, Bytes rest);
void relay_undo_seal(Relay_Client &relay, std::uint32_t frames);

// ---- control ---------------------------------------------------------------------------------------------------

/// Requests a route to a peer. False if there is no room for the request now: try again later.
[[nodiscard]] bool relay_request_route(Relay_Client &relay, const Public_Key &peer);

/// Leaves a routing id (16..255). The relay is told as soon as there is room.
void relay_leave_route(Relay_Client &relay, std::uint8_t id);

/// Attaches the owner's reference to a routing id. False if the relay has not given us this id.
bool relay_set_reference(Relay_Client &relay, std::uint8_t id, std::uint32_t reference);

/// Seals the control packets that wait, as far as there is room.
void relay_flush_control(Relay_Client &relay);

} // namespace toxtcp
