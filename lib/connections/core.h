// The state of a Tcp_Connections: the relay array, the connection array, and what both share. The other headers of this
// folder declare the functions that work on it:
//   relays.h     relays: add, connect, connection up or down, remove; carries out Liveness and Send window
//   peers.h      connections and routes: which relay is tied to which peer
//   traffic.h    carries out Delivery and Selection: which route carries the data, echoes
//   reconnect.h  carries out Backoff: which relay is connected next
//   prune.h      carries out Prune: relays and routes that are given up
//   changes.h    what the tick reports to the host
//   validate.h   for tests: whether arrays, indexes and counts agree
// Do not keep a reference to a relay or a connection across a callback of the host or an addition: the arrays may move.
#pragma once

#include <memory>
#include <vector>

#include <toxtcp/echo.h>
#include <toxtcp/observe.h>

#include "base/deadlines.h"
#include "base/key_index.h"
#include "base/slots.h"
#include "policy/backoff.h"
#include "policy/delivery.h"
#include "policy/liveness.h"
#include "policy/load.h"
#include "policy/reputation.h"
#include "policy/selection.h"
#include "policy/send_window.h"
#include "relay/addresses.h"
#include "relay/relay_link.h"

namespace toxtcp {

// ---- limits ----------------------------------------------------------------------------------------------------

/// Relays known at once. Each may need a socket, and a host rarely has more than a few thousand sockets.
inline constexpr std::uint32_t MAX_RELAYS = 1U << 14;
inline constexpr std::uint16_t NO_RELAY = UINT16_MAX;
static_assert(ROUTES == MAX_FRIEND_TCP_CONNECTIONS);

/// Bytes of one read. Large enough for dozens of packets in one system call, small enough for the cache.
inline constexpr std::size_t READ_SIZE = 64 * 1024;
/// Reads from one relay in one turn, before the other relays have their turn; and turns in one tick. A socket with
/// bytes left stays ready, and is read again in the next tick.
inline constexpr int READS_PER_TURN = 4;
inline constexpr int TURNS_PER_TICK = 4;
/// The host is asked for at most this many ready sockets at once.
inline constexpr std::size_t READY_PORTION = 64;
/// Bytes that send_packets_tcp_connection seals for one system call.
inline constexpr std::size_t BATCH_SIZE = 64 * 1024;

/// Changes that wait for the tick to report them. Further changes are not reported; Relay_Info and Connection_Info show
/// them all the same.
inline constexpr std::size_t MAX_CHANGES = 4096;

// ---- routes, connections, relays -------------------------------------------------------------------------------

enum class Route_Step : std::uint8_t {
    none,       ///< tied, and not requested: the relay is not up, or has no room for the request
    requested,  ///< the request was sent
    registered, ///< the relay has given a routing id
    online,     ///< the same, and the peer is online at this relay
    refused,    ///< the relay has no routing id left for us
    pruned      ///< left, and may be requested again: the peer has enough other routes, or it is withdrawn (delivery.h)
};

struct Route {
    std::uint32_t tied_index = 0;   ///< index in the relay's `tied`
    std::uint16_t relay = NO_RELAY; ///< slot of the relay
    std::uint8_t id = 0;            ///< routing id, when registered or online
    Route_Step step = Route_Step::none;
};

/// Limits how many packets of a kind are sent. The limits are in traffic.cpp.
struct Budget {
    std::uint32_t used_until = 0; ///< ms, low 32 bits: each packet moves this time on by the average pause
};

/// The reference of a route, attached to routing ids and listed by relays: connection slot * 8 + index of the route.
constexpr std::uint32_t route_reference(std::uint32_t connection, std::uint32_t route) {
    return connection << 3 | route;
}
constexpr std::uint32_t connection_of(std::uint32_t reference) {
    return reference >> 3;
}
constexpr std::uint8_t route_of(std::uint32_t reference) {
    return static_cast<std::uint8_t>(reference & 7);
}

struct Connection {
    Public_Key key{};
    std::array<Route, ROUTES> routes{}; ///< a free place has no relay
    int id = 0;                         ///< the host's, for its callback
    bool awake = true;
    bool yielded = false;              ///< we have waited for the peer to prune a route first
    std::uint8_t online = 0;           ///< routes that are online
    std::uint8_t sending = NO_ROUTE;   ///< the route in use
    std::uint8_t receiving = NO_ROUTE; ///< the route of the last packet, whether it opened or not
    std::uint8_t heard = NO_ROUTE;     ///< the route of the last packet that opened
    std::uint16_t echoes_sent = 0;
    std::uint16_t echoes_answered = 0;
    std::uint16_t failures = 0; ///< times that traffic left a route because another delivered
    std::uint32_t moves = 0;    ///< changes of the route in use
    Selection selection;
    Budget echo_budget;                 ///< for echoes that we send to this peer
    std::uint64_t balance_at = NEVER;   ///< ms, when routes are pruned or requested again
    std::uint64_t heard_at = 0;         ///< ms, of the last packet that opened, before this `delivery`; 0: never
    std::unique_ptr<Delivery> delivery; ///< not null exactly while the peer is online somewhere
    Traffic traffic;
};

struct Relay {
    Public_Key key{};
    Addresses addresses;
    Relay_State state = Relay_State::connecting; ///< never `stale`: see `is_stale`
    std::unique_ptr<Relay_Link> link;            ///< null while it sleeps or waits

    // Its routes, and counts of them.
    std::vector<std::uint32_t> tied; ///< references of routes
    std::uint32_t request_from = 0;  ///< index in `tied`: no route before it is at Route_Step::none
    std::uint32_t unrequested = 0;   ///< routes at Route_Step::none
    std::uint32_t ids = 0;           ///< routes with a request out or a routing id
    std::uint32_t pruned = 0;        ///< routes at Route_Step::pruned
    std::uint32_t refused = 0;       ///< routes at Route_Step::refused
    std::uint32_t online = 0;        ///< routes at Route_Step::online
    std::uint32_t online_asleep = 0; ///< of these, routes of sleeping connections
    std::uint32_t carries = 0;       ///< connections whose route in use is over this relay

    bool was_up = false; ///< it was connected once
    bool onion = false;  ///< marked for onion packets
    bool unused = false; ///< it sleeps because no peer was online there
    Reason last_end = Reason::none;
    std::uint16_t proxy_status = 0;
    std::uint64_t up_since = 0;       ///< ms, since when it is connected; 0: it is not
    std::uint64_t used_since = 0;     ///< ms, when it came up or a route was last requested: see `min_lifetime_ends`
    std::uint64_t logged_at = 0;      ///< ms, of the last warning about its end: one an hour
    std::uint64_t new_address_at = 0; ///< ms, from this time on a new address is tried at once
    std::uint32_t times_stale = 0;
    std::uint32_t failures = 0; ///< times that a peer's traffic left it because another relay delivered

    Liveness liveness;       ///< of the present TCP connection
    Load load;               ///< of the present TCP connection
    Send_Window send_window; ///< of the present TCP connection
    Backoff backoff;
    Reputation reputation;
    Traffic traffic;
};

// ---- the whole -------------------------------------------------------------------------------------------------

/// Why the tick was needed. In the order of Wake_Counts: a tick with several causes counts for the first of them.
enum class Wake_Cause : std::uint8_t { packet, relay_ping, pong, room, ping, probe, retry, peer, prune, request };

/// A cache of keys shared with peers, for echoes: to compute a key costs a scalar multiplication.
struct Echo_Keys {
    struct Entry {
        Public_Key peer{};
        Secret_Key shared;
    };
    std::array<Entry, 16> entries;
};

struct Tcp_Connections {
    explicit Tcp_Connections(const Tcp_Connections_Def &def, const Host &host);

    Link_Context context;
    Host *own_host = nullptr; ///< the default host, which we free; null: the host belongs to the caller
    Callbacks callbacks;
    Profile profile;
    bool answer_echoes = true;
    bool proves_packets = true;
    Hash_Key hash_key{};

    Slots<Relay> relays{MAX_RELAYS};
    Slots<Connection> peers{MAX_SLOTS};
    Key_Index<Relay> relay_index{relays, hash_key};
    Key_Index<Connection> peer_index{peers, hash_key};
    Deadlines relay_deadlines;
    Deadlines peer_deadlines;
    std::uint64_t prune_at = NEVER;               ///< ms, when `prune_relays` is called
    std::uint64_t reconnect_at = NEVER;           ///< ms, when the host is woken to connect the next relay
    std::uint64_t coalesced_reconnect_at = NEVER; ///< ms, when a tick that has another cause connects it
    Reconnect_Pace pace;

    std::uint32_t connected = 0;    ///< relays in this state
    std::uint32_t connecting = 0;   ///< relays in this state
    std::uint32_t onion_relays = 0; ///< relays marked for onion packets
    bool onion = false;             ///< the host wants onion relays
    bool keep_idle = true;
    bool network_changed = false;
    std::uint64_t ask_network_at = 0;  ///< ms, the host is asked for changes of the network from this time on
    bool network_check_failed = false; ///< in this tick a relay's connection ended after a change of network
    bool pinged = false;               ///< in this tick a ping was due: pings that are due soon are sent too

    Echo_Keys echo_keys;
    Budget echo_budget;         ///< for echoes that we send to all peers together
    Budget stranger_budget;     ///< for answers to keys that have no connection
    std::uint32_t echo_tag = 0; ///< 29 random bits in the numbers of our echoes, to tell them from net_crypto's
                                ///< requests

    // While the host's callback has a cookie request: the answer takes the route that brought the request.
    std::uint8_t answer_route = NO_ROUTE; ///< the route that brought the request
    std::uint32_t answer_peer = NO_SLOT;  ///< slot of its connection

    void *userdata = nullptr;      ///< of the running tick
    std::uint64_t now = 0;         ///< ms, start of the running tick, or of the host's last call
    std::uint32_t untie_count = 0; ///< routes untied so far: shows whether a callback has untied a route
    bool ticking = false;
    bool destroy_requested = false; ///< killed within its own tick, and destroyed when the tick ends
    std::uint32_t causes = 0;       ///< of the running tick: a bit for each Wake_Cause
    Wake_Counts wakes;
    std::vector<Change> changes;               ///< reported at the end of the tick, when the state is consistent
    std::unique_ptr<Relay_Link> retired_links; ///< list of links that ended in this tick, whose bytes may be in use

    std::unique_ptr<std::uint8_t[]> read_buffer;
    std::unique_ptr<std::uint8_t[]> batch_buffer;
};

inline std::uint64_t time_now(const Tcp_Connections &c) {
    return c.context.host.now(c.context.host.object);
}

/// To be called first in a call of the host: reads the clock, except within a tick, where the time stays the same.
inline void update_now(Tcp_Connections &c) {
    if (!c.ticking) {
        c.now = time_now(c);
    }
}

/// A random number below `limit`. `limit` is not 0.
std::uint32_t random_below(const Tcp_Connections &c, std::uint32_t limit);

void log(const Tcp_Connections &c, Log_Level level, const std::string &message);
void log(const Tcp_Connections &c, Log_Level level, const char *message);

inline void note_cause(Tcp_Connections &c, Wake_Cause cause) {
    c.causes |= 1U << static_cast<unsigned>(cause);
}

/// Sets the deadline of a relay, or of a peer, if the new deadline is earlier.
inline void wake_relay_at(Tcp_Connections &c, std::uint32_t relay, std::uint64_t at) {
    c.relay_deadlines.set_earlier(relay, at);
}
inline void wake_peer_at(Tcp_Connections &c, std::uint32_t peer, std::uint64_t at) {
    c.peer_deadlines.set_earlier(peer, at);
}

/// Timers are cancelled lazily, so that packets do not touch the heap. This drops entries that are no longer due before
/// the host asks when to come again.
void drop_stale_deadlines(Tcp_Connections &c);

inline bool is_connected(const Relay &relay) {
    return relay.state == Relay_State::connected;
}

} // namespace toxtcp
