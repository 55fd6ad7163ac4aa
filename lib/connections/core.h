// What a Tcp_Connections is inside: the relay array, the connection array, and what belongs to both. The other headers of
// this folder say what each of its files does with them:
//   relays.h     relays: adding, connecting, up, down, gone
//   peers.h      connections and routes: which relay is tied to which peer
//   traffic.h    the hands of Delivery and Selection: which route carries the data, echoes
//   reconnect.h  the hands of Backoff: which relay is connected next
//   prune.h      the hands of Prune: relays and routes that may go
//   changes.h    what the tick reports
//   validate.h   whether all of this agrees, for tests
// A reference to a relay or a connection does not outlive a callback of the host or an addition: the arrays move then.
#pragma once

#include <memory>
#include <vector>

#include <toxtcp/echo.h>
#include <toxtcp/tcp_connections.h>

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

/// Relays known at once. Each may cost a socket, and a host rarely has more than a few thousand.
inline constexpr std::uint32_t MAX_RELAYS = 1U << 14;
inline constexpr std::uint16_t NO_RELAY = UINT16_MAX;
static_assert(ROUTES == MAX_FRIEND_TCP_CONNECTIONS);

/// One read takes at most this. Large enough that a call is shared by dozens of packets, small enough for the cache.
inline constexpr std::size_t READ_SIZE = 64 * 1024;
/// Reads from one relay in one turn, after which the others have theirs; and turns in one tick. What is left in a
/// socket stays ready, and is read in the next tick.
inline constexpr int READS_PER_TURN = 4;
inline constexpr int TURNS_PER_TICK = 4;
/// Readiness is asked for in portions of this many sockets.
inline constexpr std::size_t READY_PORTION = 64;
/// Packets sealed for one system call by the batch call.
inline constexpr std::size_t BATCH_SIZE = 64 * 1024;

/// Changes that wait for the tick to report them. What is beyond is not reported; the infos tell it all the same.
inline constexpr std::size_t MAX_CHANGES = 4096;

// ---- routes, connections, relays -------------------------------------------------------------------------------

enum class Route_Step : std::uint8_t {
    none,       ///< tied, and not requested: the relay is not up, or has no room for the request
    requested,  ///< the request is out
    registered, ///< the relay has given an id
    online,     ///< and the peer is there
    refused,    ///< the relay has no id for us: its table is full
    pruned      ///< left, since the peer is online at enough others; taken back when routes are few
};

struct Route {
    std::uint32_t place = 0;        ///< in the relay's `tied`
    std::uint16_t relay = NO_RELAY; ///< slot
    std::uint8_t id = 0;            ///< routing id, when registered or online
    Route_Step step = Route_Step::none;
};

/// A route's reference, as routing ids carry it and relays list it: connection slot * 8 + place among its routes.
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
    std::array<Route, ROUTES> routes{}; ///< holes have no relay
    int id = 0;
    bool awake = true;
    bool yielded = false;              ///< the peer was left to choose which route is pruned first
    std::uint8_t online = 0;           ///< routes that are
    std::uint8_t sending = NO_ROUTE;   ///< the route in use
    std::uint8_t receiving = NO_ROUTE; ///< of the last packet, whoever sent it
    std::uint8_t heard = NO_ROUTE;     ///< of the last packet that opened
    std::uint16_t echoes_sent = 0;
    std::uint16_t echoes_answered = 0;
    std::uint16_t failures = 0; ///< routes left because another one delivered
    std::uint32_t moves = 0;
    Selection selection;
    std::uint64_t balance_at = NEVER;   ///< when its number of routes is looked at
    std::uint64_t heard_at = 0;         ///< ms, the last packet that opened, before `delivery` was there; 0: never
    std::unique_ptr<Delivery> delivery; ///< not null while the peer is online somewhere, and then only
    Traffic traffic;
};

struct Relay {
    Public_Key key{};
    Addresses addresses;                         ///< one of no family: the port at `name`
    std::shared_ptr<const std::string> name;     ///< of the host, looked up by the proxy; null: it has none
    Relay_State state = Relay_State::connecting; ///< never `stale`, which Liveness tells
    std::unique_ptr<Relay_Link> link;            ///< null while it sleeps or waits

    // Its routes, and counts of them.
    std::vector<std::uint32_t> tied; ///< references
    std::uint32_t request_from = 0;  ///< place in `tied` where requesting goes on
    std::uint32_t unrequested = 0;   ///< routes at Route_Step::none
    std::uint32_t ids = 0;           ///< requests out, and routing ids held
    std::uint32_t pruned = 0;
    std::uint32_t refused = 0;
    std::uint32_t online = 0;        ///< peers online through it
    std::uint32_t online_asleep = 0; ///< of these, whose connection sleeps
    std::uint32_t carries = 0;       ///< connections whose data it carries

    bool was_up = false;
    bool onion = false;
    bool unused = false; ///< it sleeps since nobody was online there
    Reason last_end = Reason::none;
    std::uint16_t proxy_status = 0;
    std::uint64_t up_since = 0;
    std::uint64_t used_since = 0; ///< it came up, or a route was requested: its use is not judged before 10 s more
    std::uint64_t logged_at = 0;  ///< ms, the last line about its end: one an hour
    std::uint32_t times_stale = 0;
    std::uint32_t failures = 0; ///< times that a peer's traffic left it, since another relay delivered

    Liveness liveness;       ///< of this TCP connection
    Load load;               ///< likewise
    Send_Window send_window; ///< likewise
    Backoff backoff;
    Reputation reputation;
    Traffic traffic;
};

// ---- the whole -------------------------------------------------------------------------------------------------

/// What this tick had to do. In the order of Wake_Counts: the first is what is counted.
enum class Wake_Cause : std::uint8_t { packet, relay_ping, pong, room, ping, probe, retry, peer, prune, request };

/// Keys shared with the peers that were echoed last: each costs a scalar multiplication.
struct Echo_Keys {
    struct Entry {
        Public_Key peer{};
        Secret_Key shared;
    };
    std::array<Entry, 16> entries;
};

/// How many packets of a kind may still go out.
struct Budget {
    std::uint32_t left = 0;
    std::uint64_t at = 0; ///< ms, when it was filled up last
};

struct Tcp_Connections {
    explicit Tcp_Connections(const Tcp_Connections_Def &def, const Host &host);

    Link_Context context;
    Host *own_host = nullptr; ///< when the host is ours to free
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
    std::uint64_t prune_at = NEVER;     ///< when relays that may go are looked for
    std::uint64_t reconnect_at = NEVER; ///< when a relay is connected again, at the latest
    std::uint64_t ready_at = NEVER;     ///< the same, where the host is awake anyway
    Reconnect_Pace pace;

    std::uint32_t connected = 0;  ///< relays
    std::uint32_t connecting = 0; ///< relays
    std::uint32_t onion_relays = 0;
    bool onion = false;
    bool keep_idle = true;
    bool network_changed = false;
    std::uint64_t ask_network_at = 0; ///< ms, the host is not asked before whether its network has changed
    bool proof_failed = false;        ///< a relay did not survive a change of network in this tick
    bool pinged = false;              ///< a ping was due in this tick: others go along

    Echo_Keys echo_keys;
    Budget echo_budget;                  ///< echoes that we send
    Budget stranger_budget;              ///< answers to those who have no connection
    std::uint32_t echo_tag = 0;          ///< in the numbers of our echoes: tells them from net_crypto's
    std::uint8_t answer_over = NO_ROUTE; ///< while a cookie request is with the host: the answer takes this route
    std::uint32_t answer_to = NO_SLOT;   ///< of this connection

    void *userdata = nullptr; ///< of the tick that runs
    std::uint64_t now = 0;    ///< ms, when the tick began, or the call of the host
    std::uint32_t untied = 0; ///< routes untied so far: tells whether a callback has taken one away
    bool ticking = false;
    bool destroy_requested = false; ///< killed within its own tick
    std::uint32_t causes = 0;       ///< of the tick that runs: a bit for each Wake_Cause
    Wake_Counts wakes;
    std::vector<Change> changes;               ///< to be reported at the end of the tick, when all is in order
    std::unique_ptr<Relay_Link> retired_links; ///< links that ended in this tick, whose bytes may be in use: a list

    std::unique_ptr<std::uint8_t[]> read_buffer;
    std::unique_ptr<std::uint8_t[]> batch_buffer;
};

inline std::uint64_t time_now(const Tcp_Connections &c) {
    return c.context.host.now(c.context.host.object);
}

/// Begins a call of the host: the time is what the clock says, but one and the same within a tick.
inline void update_now(Tcp_Connections &c) {
    if (!c.ticking) {
        c.now = time_now(c);
    }
}

/// A random number below `limit` (not 0).
std::uint32_t random_below(const Tcp_Connections &c, std::uint32_t limit);

void log(const Tcp_Connections &c, Log_Level level, const std::string &message);
void log(const Tcp_Connections &c, Log_Level level, const char *message);

inline void note_cause(Tcp_Connections &c, Wake_Cause cause) {
    c.causes |= 1U << static_cast<unsigned>(cause);
}

/// A new deadline for a relay, or for a peer, if it is earlier than the one it has.
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
