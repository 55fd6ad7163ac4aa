/// @file
/// What a host can observe of its relays and connections: states, counters, changes, and all of it as JSON.
#pragma once

#include <toxtcp/tcp_connections.h>

namespace toxtcp {

// ---- relays ----------------------------------------------------------------------------------------------------

/// The state of a relay.
enum class Relay_State : std::uint8_t {
    connecting, ///< connect, proxy dialogue or handshake
    connected,  ///< handshake done
    stale,      ///< connected, but a ping is unanswered; other relays are preferred
    waiting,    ///< disconnected; the next attempt has a time
    sleeping    ///< disconnected and remembered: no peer was online there, or all connections that use it sleep
};
/// One word. Static.
TOXTCP_API const char *to_string(Relay_State state);

/// Packets for or from peers (data and OOB; for a relay also onion and forwarding), since the relay was added or the
/// connection was made.
struct Traffic {
    std::uint64_t packets_sent = 0;     ///< accepted by a socket
    std::uint64_t packets_received = 0; ///< decrypted, whether or not a callback took them
    std::uint64_t bytes_sent = 0;       ///< of payload
    std::uint64_t bytes_received = 0;   ///< of payload
};

/// A relay. Times are ms on the host's clock.
struct Relay_Info {
    int handle = 0;                              ///< valid until the relay is removed
    Public_Key public_key{};                     ///< the relay's
    Ip_Port address;                             ///< in use, or tried next; of a relay with a host name the port alone
    std::string name = {};                       ///< host name that the proxy resolves; empty: none
    Relay_State state = Relay_State::connecting; ///< now
    Reason last_end = Reason::none;              ///< why the last connection or attempt ended
    std::uint16_t proxy_status = 0;              ///< with `proxy_refused` or `proxy_password`: for `proxy_status_text`
    std::uint64_t connected_since = 0;           ///< 0: not connected
    std::uint32_t round_trip = 0;                ///< of pings, ms, smoothed; 0: not measured
    std::uint32_t connections = 0;               ///< connections that are tied to the relay
    std::uint32_t online = 0;                    ///< those of them whose peer is online at the relay
    std::uint32_t carries = 0;                   ///< those of them that send over the relay now
    std::uint32_t attempts = 0;                  ///< failed in a row; 0 again once a connection has lasted a minute
    std::uint32_t times_stale = 0;               ///< how often the relay became stale
    std::uint32_t failures = 0;                  ///< how often traffic left it because another relay delivered
    bool onion = false;                          ///< kept for onion packets
    bool at_proxy = false;                       ///< connecting, and the proxy has not yet answered the request
    Traffic traffic;                             ///< of all connections
};

/// Fills `info`. False for an invalid handle.
[[nodiscard]] TOXTCP_API bool tcp_relay_info(const Tcp_Connections *c, int relay, Relay_Info &info);

// ---- connections -----------------------------------------------------------------------------------------------

/// The state of a route, the way to one peer through one relay.
enum class Route_State : std::uint8_t {
    none,       ///< the relay is tied, but not connected, or it has not answered the request for a route
    registered, ///< the relay has given a routing id for the peer
    online      ///< the peer has requested a route too: data can be sent
};
/// One word. Static.
TOXTCP_API const char *to_string(Route_State state);

/// Whether a route carries the data; if it does not, the reason.
enum class Route_Use : std::uint8_t {
    in_use,     ///< carries the data
    ready,      ///< verified; another route is in use
    unverified, ///< no echo was answered over it yet
    failed,     ///< its last echo was not answered, while that of another route was
    avoided,    ///< traffic left it lately, because the peer did not receive over it
    stale,      ///< its relay does not answer pings
    offline,    ///< the peer is not online there, or the relay is not connected
    refused,    ///< the relay has no routing id left for it
    pruned,     ///< given up, since the peer is online at enough other relays
    withdrawn   ///< given up for a while, so that a peer that was not heard sends over another route
};
/// One word or two. Static.
TOXTCP_API const char *to_string(Route_Use use);

/// A route. Echoes count since the peer came online at the relay.
struct Route_Info {
    int relay = 0;                         ///< handle
    Route_State state = Route_State::none; ///< now
    Route_Use use = Route_Use::offline;    ///< whether it carries the data; if not, why
    std::uint32_t echo_round_trip = 0;     ///< end to end, ms, smoothed; 0: no echo was answered
    /// When the newest answered echo was sent, ms on the host's clock: the last proof that the route delivers. 0: no
    /// echo was answered.
    std::uint64_t last_proved = 0;
};

/// A connection to a peer.
struct Connection_Info {
    int handle = 0;                ///< valid until the connection is ended
    int id = 0;                    ///< as given to `new_tcp_connection_to`
    Public_Key public_key{};       ///< the peer's
    bool awake = true;             ///< false: put to sleep
    std::uint8_t routes_count = 0; ///< entries of `routes` that are filled, from the first
    std::array<Route_Info, MAX_FRIEND_TCP_CONNECTIONS> routes{}; ///< one for each relay that is tied
    int sending = static_cast<int>(Error::not_online);   ///< relay of the route in use; negative: none is chosen
    int receiving = static_cast<int>(Error::not_online); ///< relay of the peer's last packet; negative: none
    std::uint32_t moves = 0;                             ///< how often traffic moved to another route
    std::uint32_t failures = 0;        ///< moves because the route in use did not deliver and another did
    std::uint32_t echoes_sent = 0;     ///< modulo 65,536
    std::uint32_t echoes_answered = 0; ///< modulo 65,536
    std::uint64_t last_heard = 0; ///< when the last proven packet of the peer came, ms on the host's clock; 0: never
    Traffic traffic;              ///< over all relays
};

/// Fills `info`. False for an invalid handle.
[[nodiscard]] TOXTCP_API bool tcp_connection_info(const Tcp_Connections *c, int connection, Connection_Info &info);

// ---- changes ---------------------------------------------------------------------------------------------------

/// What changed.
enum class Change_Kind : std::uint8_t {
    relay_up,        ///< the handshake is done
    relay_down,      ///< disconnected (`reason`); the relay is tried again, or sleeps
    relay_gone,      ///< removed from the array (`reason`)
    relay_stale,     ///< a ping is unanswered
    relay_recovered, ///< a stale relay answers again
    relay_failed,    ///< it did not deliver for one peer, while another relay did
    route_online,    ///< the peer is online at this relay
    route_offline,   ///< the peer is no longer online at this relay
    route_pruned,    ///< given up: the peer is online at more relays than needed, or was not heard over this relay
    moved            ///< a connection sends over another relay now
};
/// One word or two. Static.
TOXTCP_API const char *to_string(Change_Kind kind);

/// One change, for the `change` callback. Handles are -1 where they do not apply.
struct Change {
    Change_Kind kind = Change_Kind::relay_up; ///< tells which of the other members are set
    Reason reason = Reason::none;             ///< `none` where it does not apply
    int relay = -1;                           ///< handle
    int connection = -1;                      ///< handle
    int previous = -1;                        ///< with `moved`: the relay in use before; -1: none
};

// ---- ticks -----------------------------------------------------------------------------------------------------

/// Ticks, counted by their cause: for a host that ticks only when something is due, what wakes it. Each tick counts
/// once, under the first of its causes in this order.
struct Wake_Counts {
    std::uint64_t ticks = 0;      ///< the sum of all others
    std::uint64_t packet = 0;     ///< a relay sent something about or from a peer, or a connection to a relay ended
    std::uint64_t relay_ping = 0; ///< a relay sent its ping (every 30 s), and nothing else
    std::uint64_t pong = 0;       ///< a relay answered a ping
    std::uint64_t room = 0;       ///< a socket was connected, or has room again for what had to wait
    std::uint64_t ping = 0;       ///< pings were due, or one was unanswered for too long
    std::uint64_t probe = 0;      ///< a relay that was sent to and is silent, or has to prove itself, was checked
    std::uint64_t retry = 0;      ///< a relay was tried again, or an attempt was given up
    std::uint64_t peer = 0;       ///< a peer that does not answer, or has too many or too few routes, was checked
    std::uint64_t prune = 0;      ///< relays that may be unused were checked
    std::uint64_t request = 0;    ///< a call of the host, or a callback, left something to do
    std::uint64_t spurious = 0;   ///< nothing to do: the host ticked by itself, as toxcore does every 50 ms
};

/// Counted since the object was made.
[[nodiscard]] TOXTCP_API Wake_Counts tcp_connections_wakes(const Tcp_Connections *c);

// ---- all of it -------------------------------------------------------------------------------------------------

/// Everything above as one JSON object on one line, for programs that watch a client (`toxtcp top`): `version` (2),
/// `time_ms` on the host's clock, `public_key`, and the arrays `relays` and `connections`, whose objects have the
/// members of Relay_Info and Connection_Info. A time becomes the ms that have passed since, with a name in `..._ms`.
/// A time or a relay that does not exist is null. A round trip that was not measured is 0. `address` has the host name
/// where the relay is reached by one. Walks over all relays and connections. Empty when out of memory.
[[nodiscard]] TOXTCP_API std::string tcp_connections_json(const Tcp_Connections *c);

} // namespace toxtcp
