/// @file
/// Connections to Tox peers through TCP relays: each peer over several relays at once, so that no single relay's end
/// is noticed. This is the layer that toxcore calls TCP_connection; names are its own where it has one.
///
/// Everything happens on the caller's thread: in `do_tcp_connections`, or at once in the call that asks for it.
/// Callbacks come from within `do_tcp_connections` only; they may call anything here, `kill_...` included.
#pragma once

#include <toxtcp/host.h>
#include <toxtcp/wire.h>

/// All of the library.
namespace toxtcp {

/// All relays, and the connections to peers through them. Opaque; made by `new_tcp_connections`.
struct Tcp_Connections;

// ---- limits ----------------------------------------------------------------------------------------------------

inline constexpr std::size_t MAX_FRIEND_TCP_CONNECTIONS = 6;         ///< routes of one connection
inline constexpr std::size_t RECOMMENDED_FRIEND_TCP_CONNECTIONS = 3; ///< routes wanted, and relays kept
inline constexpr std::size_t NUM_ONION_TCP_CONNECTIONS = 3;          ///< relays marked for onion packets

// ---- making one ------------------------------------------------------------------------------------------------

/// What the tick reports. All spans and keys are valid during the call only. `object` is passed to each, and
/// `userdata` is what the tick was called with. Any may be null.
struct Callbacks {
    void *object = nullptr; ///< the host's own
    /// A packet that says it is from the peer of the connection made with `id`: data, or OOB over a relay tied to the
    /// connection. A relay proves only that it sent the packet. Return true if the packet is the peer's beyond doubt (it
    /// opened with a key that only the peer has): such packets prove that a relay delivers, and the library takes their
    /// absence for a fault. A host that cannot tell says so by `proves_packets` in Tcp_Connections_Def.
    bool (*data)(void *object, int id, Bytes packet, void *userdata) = nullptr;
    /// Any other OOB packet, and the relay that it came over (`add_tcp_number_relay_connection` ties it).
    void (*oob)(void *object, const Public_Key &sender, int relay, Bytes packet, void *userdata) = nullptr;
    /// An onion response.
    void (*onion)(void *object, Bytes packet, void *userdata) = nullptr;
    /// A forwarded packet.
    void (*forwarding)(void *object, Bytes packet, void *userdata) = nullptr;
    /// Something changed about a relay or a connection (see Change).
    void (*change)(void *object, const struct Change &change, void *userdata) = nullptr;
};

/// How power is spent against the time to fail over.
enum class Profile : std::uint8_t {
    responsive, ///< 3 idle relays are kept; a hung relay is left within 2 s
    saver       ///< 1 idle relay is kept and unused ones go at once; a hung relay is left within 3 s
};

/// What a `Tcp_Connections` is made of.
struct Tcp_Connections_Def {
    Secret_Key secret_key;                 ///< our own; peers and relays know us by its public key
    Proxy proxy;                           ///< all relays are reached through it
    const Host *host = nullptr;            ///< borrowed, must outlive; null: the system's own, made and freed inside
    Callbacks callbacks;                   ///< copied; `set_callbacks` changes them
    Profile profile = Profile::responsive; ///< power against time to fail over
    bool answer_echoes = true; ///< false: the host has a net_crypto of its own, which answers echoes of other peers
    /// False: `data` never returns true, since the host cannot tell whose a packet is. The library then relies on its
    /// echoes alone, and does not find a relay out that lets echoes pass and drops data.
    bool proves_packets = true;
};

/// Null when memory or the host's sockets are not to be had, or the proxy's address is not one.
[[nodiscard]] TOXTCP_API Tcp_Connections *new_tcp_connections(const Tcp_Connections_Def &def);

/// Closes all sockets, tells no peer, and wipes the keys. Null is allowed. From within a callback, it takes effect
/// when the tick returns.
TOXTCP_API void kill_tcp_connections(Tcp_Connections *c);

/// Other callbacks from now on.
TOXTCP_API void set_callbacks(Tcp_Connections *c, const Callbacks &callbacks);

// ---- the tick --------------------------------------------------------------------------------------------------

/// Reads what has come, does what is due, and calls the callbacks with `userdata`. One system call when there is
/// nothing to do. Call it when `tcp_connections_wait` returns; or when `tcp_connections_descriptor` is readable and when
/// `tcp_connections_deadline` has come; or, as toxcore does, every so often.
TOXTCP_API void do_tcp_connections(Tcp_Connections *c, void *userdata);

/// Waits until the tick has something to do (true), or so many milliseconds have passed (false; -1: no limit). Works on every
/// system. A signal ends the wait early. False at once from within a callback, and when the host has no `wait`.
TOXTCP_API bool tcp_connections_wait(const Tcp_Connections *c, int milliseconds);

/// When the tick next has something to do by the clock: milliseconds on the host's clock, or NEVER.
[[nodiscard]] TOXTCP_API std::uint64_t tcp_connections_deadline(const Tcp_Connections *c);

/// The same as how long from now, for poll and its kin: milliseconds, 0 when it is due, -1 for never.
[[nodiscard]] TOXTCP_API int tcp_connections_timeout(const Tcp_Connections *c);

/// The one descriptor to wait on (readable: there is something to read or write), for a program that waits for more than this
/// library. -1 when the host has none: the system's own has one on Linux only.
[[nodiscard]] TOXTCP_API int tcp_connections_descriptor(const Tcp_Connections *c);

/// Ticks by what they had to do: for a host that ticks only when it is woken, what wakes it. Each tick is counted once,
/// under the first of these that it had.
struct Wake_Counts {
    std::uint64_t ticks = 0;  ///< the sum of all others
    std::uint64_t packet = 0; ///< something came from a relay: a peer's packet, word of a peer, the end of a connection
    std::uint64_t relay_ping = 0; ///< a relay's ping, each 30 s, and nothing else
    std::uint64_t pong = 0;       ///< the answer to our ping
    std::uint64_t room = 0;       ///< a socket was connected, or took again what had to wait
    std::uint64_t ping = 0;       ///< our pings were due, or one was unanswered for too long
    std::uint64_t probe = 0;      ///< a relay that was sent to and says nothing, or has to prove itself, was looked at
    std::uint64_t retry = 0;      ///< a relay was tried again, or an attempt given up
    std::uint64_t peer = 0;       ///< a peer that does not answer, or has too many routes or too few, was looked at
    std::uint64_t prune = 0;      ///< relays that may be of no use any more were looked at
    std::uint64_t request = 0;    ///< what the host had called, or a callback, left something to do
    std::uint64_t spurious = 0;   ///< nothing: the host came by itself, as toxcore does each 50 ms
};

/// Since it was made.
[[nodiscard]] TOXTCP_API Wake_Counts tcp_connections_wakes(const Tcp_Connections *c);

/// The host has another network (a phone left its Wi-Fi, a laptop woke): every relay is proved or connected again at
/// once, those first that bring the most peers back.
TOXTCP_API void tcp_connections_network_changed(Tcp_Connections *c);

/// Whether idle relays are kept only so that peers can find us (true at first). False lets them go.
TOXTCP_API void tcp_connections_keep_idle_relays(Tcp_Connections *c, bool keep);

/// Our own public key.
[[nodiscard]] TOXTCP_API const Public_Key &tcp_connections_public_key(const Tcp_Connections *c);

// ---- peers -----------------------------------------------------------------------------------------------------

/// A connection to the peer of this DHT public key. Its number; `already` when the peer has one, `bad_key` for our own
/// and for a null key. `id` is the host's, and comes with its packets.
[[nodiscard]] TOXTCP_API int new_tcp_connection_to(Tcp_Connections *c, const Public_Key &public_key, int id);

/// Ends it, and tells every relay concerned.
TOXTCP_API Error kill_tcp_connection_to(Tcp_Connections *c, int connection);

/// False puts it to sleep: its relays are remembered, and those that only sleepers use are left. True wakes it.
/// `already` when it is so.
TOXTCP_API Error set_tcp_connection_to_status(Tcp_Connections *c, int connection, bool awake);

/// The number of the peer's connection, or `bad_key`.
[[nodiscard]] TOXTCP_API int tcp_connection_to(const Tcp_Connections *c, const Public_Key &public_key);

/// How many relays the peer is online at, for this connection; 0 for a bad number.
[[nodiscard]] TOXTCP_API std::uint32_t tcp_connection_to_online_tcp_relays(const Tcp_Connections *c, int connection);

// ---- relays ----------------------------------------------------------------------------------------------------

/// Ties a relay to a connection, connecting to it when it is new. `already` when it is tied, `limit` when six are, or
/// when it is new and the peer is online at three.
TOXTCP_API Error add_tcp_relay_connection(Tcp_Connections *c, int connection, const Ip_Port &address,
                                          const Public_Key &relay_key);

/// The same for a relay that only the proxy can find: by a host name, which the proxy looks up (with Tor an onion
/// address too). `host` is copied. `bad_address` without a proxy, and for what is no host name (letters, digits, hyphens,
/// underscores and dots, 255 at most).
TOXTCP_API Error add_tcp_relay_connection_by_name(Tcp_Connections *c, int connection, const std::string &host,
                                                  std::uint16_t port, const Public_Key &relay_key);

/// The same for a relay known by its number, as OOB packets come with.
TOXTCP_API Error add_tcp_number_relay_connection(Tcp_Connections *c, int connection, int relay);

/// Connects to a relay for no peer in particular. `already` when it is known.
TOXTCP_API Error add_tcp_relay_global(Tcp_Connections *c, const Ip_Port &address, const Public_Key &relay_key);

/// The same by a host name that the proxy looks up (see `add_tcp_relay_connection_by_name`).
TOXTCP_API Error add_tcp_relay_global_by_name(Tcp_Connections *c, const std::string &host, std::uint16_t port,
                                              const Public_Key &relay_key);

/// Ends a relay and unties it from every connection.
TOXTCP_API Error kill_tcp_relay_connection(Tcp_Connections *c, int relay);

/// The number of the relay with this key, or `bad_key`.
[[nodiscard]] TOXTCP_API int tcp_relay(const Tcp_Connections *c, const Public_Key &relay_key);

/// Length of the relay array, holes included.
[[nodiscard]] TOXTCP_API std::uint32_t tcp_connections_count(const Tcp_Connections *c);

/// Relays connected now.
[[nodiscard]] TOXTCP_API std::uint32_t tcp_connected_relays_count(const Tcp_Connections *c);

/// The number of the relay in slot `index` (below `tcp_connections_count`), or `bad_handle` for a hole.
[[nodiscard]] TOXTCP_API int tcp_relay_at(const Tcp_Connections *c, std::uint32_t index);

/// A relay as others may be told of it.
struct Node {
    Public_Key public_key; ///< the relay's
    Ip_Port address;       ///< where we are connected to it
};

/// Copies connected relays from a random place in the array on. How many.
TOXTCP_API std::size_t tcp_copy_connected_relays(const Tcp_Connections *c, std::span<Node> nodes);

/// The same from slot `index` modulo the array's length on.
TOXTCP_API std::size_t tcp_copy_connected_relays_index(const Tcp_Connections *c, std::span<Node> nodes,
                                                       std::uint32_t index);

/// The address of a random connected relay. False when there is none.
[[nodiscard]] TOXTCP_API bool tcp_get_random_conn_ip_port(const Tcp_Connections *c, Ip_Port &address);

// ---- sending ---------------------------------------------------------------------------------------------------

/// Sends 1 to MAX_DATA_SIZE bytes to the peer at once, over the route in use. `full` when that relay's socket takes no more
/// now, or, for more than 512 bytes, when the path to the relay holds no more (Host::acknowledged): packets of a stream stay in
/// order. `tcp_connections_wait` returns when there may be room. Where the socket takes nothing for 250 ms, the next packet goes
/// another way.
/// With the peer online nowhere it goes as OOB (up to MAX_OOB_DATA_SIZE) over every relay where we have asked for it.
TOXTCP_API Error send_packet_tcp_connection(Tcp_Connections *c, int connection, Bytes packet);

/// The same for many packets in the fewest system calls. How many were sent, in order from the first; when none was,
/// why (an Error).
[[nodiscard]] TOXTCP_API int send_packets_tcp_connection(Tcp_Connections *c, int connection,
                                                         std::span<const Bytes> packets);

/// 1 to MAX_OOB_DATA_SIZE bytes to any key that the relay knows; `bad_key` for a null key.
TOXTCP_API Error tcp_send_oob_packet(Tcp_Connections *c, int relay, const Public_Key &public_key, Bytes packet);
/// The same, with the relay named by its key.
TOXTCP_API Error tcp_send_oob_packet_using_relay(Tcp_Connections *c, const Public_Key &relay_key,
                                                 const Public_Key &public_key, Bytes packet);

// ---- onion and forwarding --------------------------------------------------------------------------------------

/// Marks three relays for onion packets, and keeps them awake; or no more. `already` when it is so.
TOXTCP_API Error set_tcp_onion_status(Tcp_Connections *c, bool status);

/// The number of a random relay marked for onion packets, or `not_online`.
[[nodiscard]] TOXTCP_API int get_random_tcp_onion_conn_number(const Tcp_Connections *c);

/// An onion request (nonce and payload) over this relay; 1 to MAX_ONION_SIZE bytes.
TOXTCP_API Error tcp_send_onion_request(Tcp_Connections *c, int relay, Bytes packet);

/// Has the relay forward data to a DHT node, through a chain of 0 to 4 nodes known by key.
TOXTCP_API Error tcp_send_forward_request(Tcp_Connections *c, int relay, const Ip_Port &dht_node,
                                          std::span<const Public_Key> chain, Bytes data);

// ---- what an operator wants to know ----------------------------------------------------------------------------

/// How a relay does.
enum class Relay_State : std::uint8_t {
    connecting, ///< connect, proxy, handshake
    connected,
    stale,   ///< connected, but a probe is unanswered: used last
    waiting, ///< it ended, and is tried again later
    sleeping ///< left while all who use it sleep
};
/// In a word. Static.
TOXTCP_API const char *to_string(Relay_State state);

/// How far a route has come: the way to one peer through one relay.
enum class Route_State : std::uint8_t {
    none,       ///< tied; the relay is not up, or has not answered our request
    registered, ///< we have asked the relay for the peer
    online      ///< and the peer for us: data goes through
};
/// In a word. Static.
TOXTCP_API const char *to_string(Route_State state);

/// What went through since the relay or the connection was made: packets that carry something for a peer, so data and
/// OOB, and for a relay onion and forwarding packets too.
struct Traffic {
    std::uint64_t packets_sent = 0;     ///< taken by a socket
    std::uint64_t packets_received = 0; ///< opened, whether somebody wanted them or not
    std::uint64_t bytes_sent = 0;       ///< of payload
    std::uint64_t bytes_received = 0;   ///< of payload
};

/// What there is to know of a relay.
struct Relay_Info {
    int handle = 0;                              ///< stays the same for as long as the relay is known
    Public_Key public_key{};                     ///< the relay's
    Ip_Port address;                             ///< where it is; of a name: the port, and no family
    std::string name = {};                       ///< its host name, where the proxy finds it by that; else empty
    Relay_State state = Relay_State::connecting; ///< how it does
    Reason last_end = Reason::none;              ///< why its connection last ended
    std::uint16_t proxy_status = 0;              ///< with `proxy_refused` or `proxy_password`: `proxy_status_text`
    std::uint64_t connected_since = 0;           ///< ms on the host's clock; 0 when it is not
    std::uint32_t round_trip = 0;                ///< ms, smoothed; 0 before the first pong
    std::uint32_t connections = 0;               ///< tied to it
    std::uint32_t online = 0;                    ///< of these, peers online through it
    std::uint32_t carries = 0;                   ///< connections that send over it now
    std::uint32_t attempts = 0;                  ///< failed in a row; reset by a connection that lasts a minute
    std::uint32_t times_stale = 0;                ///< times it was stale
    std::uint32_t failures = 0;                  ///< times a peer's traffic left it, since another relay delivered
    bool onion = false;                          ///< marked for onion packets
    Traffic traffic;                             ///< of all who use it
};

/// Whether a route carries the data, and if not, why.
enum class Route_Use : std::uint8_t {
    in_use,     ///< it carries the data
    ready,      ///< verified, and another one is in use
    unverified, ///< no echo was answered over it yet
    failed,     ///< its last echo was not answered, while another route's was
    avoided,    ///< traffic has left it of late, since the peer heard nothing of us over it
    stale,      ///< its relay does not answer
    offline,    ///< the peer is not online there, or the relay is not connected
    refused,    ///< the relay has no routing id left for it
    pruned,     ///< left, since the peer is online at enough other relays
    withdrawn   ///< left for a while, so that a peer which was not heard sends over another
};
/// In a word. Static.
TOXTCP_API const char *to_string(Route_Use use);

/// What there is to know of a route. Echoes count since the peer came online at its relay.
struct Route_Info {
    int relay = 0;                         ///< handle
    Route_State state = Route_State::none; ///< how far it has come
    Route_Use use = Route_Use::offline;    ///< whether it carries the data, and if not, why
    std::uint32_t echo_round_trip = 0;     ///< ms end to end, smoothed; 0: no echo was answered
    std::uint64_t last_proved = 0; ///< ms on the host's clock, when the newest echo that was answered went out: the
                                   ///< last proof that the route delivers; 0: no echo was answered
};

/// What there is to know of a connection.
struct Connection_Info {
    int handle = 0;                ///< stays the same for as long as there is the connection
    int id = 0;                    ///< the host's
    Public_Key public_key{};       ///< the peer's
    bool awake = true;             ///< false: put to sleep
    std::uint8_t routes_count = 0; ///< how many of `routes` count
    std::array<Route_Info, MAX_FRIEND_TCP_CONNECTIONS> routes{}; ///< those that count come first
    int sending = static_cast<int>(Error::not_online);   ///< relay that data goes over, as far as it was chosen yet
    int receiving = static_cast<int>(Error::not_online); ///< relay that the last packet came over
    std::uint32_t moves = 0;                             ///< times its traffic went to another relay
    std::uint32_t failures = 0;                          ///< times its traffic left a relay for that
    std::uint32_t echoes_sent = 0;                       ///< modulo 65,536
    std::uint32_t echoes_answered = 0;                   ///< modulo 65,536
    std::uint64_t last_heard = 0; ///< ms on the host's clock, the last packet that opened; 0 for never
    Traffic traffic;              ///< over all relays
};

/// Fills `info` with what there is to know of a relay. False for a bad number.
[[nodiscard]] TOXTCP_API bool tcp_relay_info(const Tcp_Connections *c, int relay, Relay_Info &info);

/// Fills `info` with what there is to know of a connection. False for a bad number.
[[nodiscard]] TOXTCP_API bool tcp_connection_info(const Tcp_Connections *c, int connection, Connection_Info &info);

/// All of this as one JSON object on one line, for programs that watch ours (`toxtcp top`): `version` (1), `time_ms` on
/// the host's clock, `public_key`, `relays` and `connections`, each an array of objects with the members of the infos by
/// their names; times since something are in ms and named `..._ms`, numbers that stand for nothing are null. Costs a walk
/// over everything; empty when out of memory.
[[nodiscard]] TOXTCP_API std::string tcp_connections_json(const Tcp_Connections *c);

/// What changed.
enum class Change_Kind : std::uint8_t {
    relay_up,      ///< the handshake is done
    relay_down,    ///< its connection ended (reason); it is tried again, or sleeps
    relay_gone,    ///< it is not in the array any more (reason)
    relay_stale, ///< a probe is unanswered
    relay_recovered, ///< it answers again
    relay_failed,  ///< it delivered nothing for one peer, and another relay did
    route_online,  ///< the peer is online at this relay
    route_offline, ///< and no longer
    route_pruned,    ///< left, since the peer is online at more relays than wanted, or was not heard there
    moved          ///< a connection sends over another relay from now on
};
/// In a word or two. Static.
TOXTCP_API const char *to_string(Change_Kind kind);

/// One change, as the callback is told of it.
struct Change {
    Change_Kind kind = Change_Kind::relay_up; ///< tells which of the others count
    Reason reason = Reason::none;             ///< `none` where it does not apply
    int relay = -1;                           ///< number, -1 where it does not apply
    int connection = -1;                      ///< number, -1 where it does not apply
    int previous = -1;                        ///< for `moved`: the relay before, -1 for none
};

} // namespace toxtcp
