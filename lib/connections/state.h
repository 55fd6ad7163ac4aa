// What a Tcp_Connections is inside, and what its files ask of one another. Each file below keeps one idea:
//   relays.cpp     the relay array: adding, connecting, up, down, gone
//   peers.cpp      the connection array, and routes: which relay is tied to which peer
//   tick.cpp       reading, what is due, reporting
//   send.cpp       data, OOB, onion, forwarding on their way out
//   choose.cpp     which route a connection's data takes
//   health.cpp     relays that hang, drop and lie
//   retry.cpp      when a relay is tried again
//   hold.cpp       how many relays are held: use, sleep, onion, shedding
//   info.cpp       what an operator wants to know
//   snapshot.cpp   the same as JSON
//   validate.cpp   whether all of this agrees, for tests
#pragma once

#include <memory>
#include <vector>

#include <toxtcp/tcp_connections.h>

#include "base/deadlines.h"
#include "base/key_index.h"
#include "relay/relay_link.h"
#include "base/slots.h"

namespace toxtcp {

// ---- limits ----------------------------------------------------------------------------------------------------

/// Relays known at once. Each may cost a socket, and a host rarely has more than a few thousand.
inline constexpr std::uint32_t MAX_RELAYS = 1U << 14;
inline constexpr std::uint16_t NO_RELAY = UINT16_MAX;
inline constexpr std::uint8_t NO_ROUTE = UINT8_MAX;

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

/// A relay that nobody is tied to is given up after so many attempts, where enough others are connected.
inline constexpr std::uint32_t MAX_IDLE_ATTEMPTS = 5;

/// A relay is of use, or may sleep, this long after it came up: time for peers to come online there (as in toxcore).
inline constexpr std::uint64_t ANNOUNCE_TIMEOUT_MS = 10'000;

// ---- routes ----------------------------------------------------------------------------------------------------

enum class Route_Step : std::uint8_t {
    none,       ///< tied, and not asked for: the relay is not up, or has no room for the request
    asked,      ///< the request is out
    registered, ///< the relay has given an id
    online,     ///< and the peer is there
    refused,    ///< the relay has no id for us: its table is full
    shed        ///< let go, to hold fewer relays; taken back when routes are few
};

struct Route {
    std::uint32_t place : 24 = 0;      ///< in the relay's `tied`
    std::uint32_t convictions : 8 = 0; ///< as many as double the time to come
    std::uint32_t avoid_until = 0;     ///< s: convicted for this peer
    std::uint16_t relay = NO_RELAY;    ///< slot
    std::uint8_t id = 0;               ///< routing id, when registered or online
    Route_Step step = Route_Step::none;
};

/// A route's name, as routing ids carry it and relays list it: connection slot * 8 + place among its routes.
constexpr std::uint32_t route_name(std::uint32_t connection, std::uint32_t route) {
    return connection << 3 | route;
}
constexpr std::uint32_t connection_of(std::uint32_t name) {
    return name >> 3;
}
constexpr std::uint32_t route_of(std::uint32_t name) {
    return name & 7;
}

struct Connection {
    Public_Key key{};
    std::array<Route, MAX_FRIEND_TCP_CONNECTIONS> routes{}; ///< holes have no relay
    int id = 0;
    bool awake = true;
    bool yielded = false;              ///< the peer was left to choose which route goes first (hold.cpp)
    std::uint8_t online = 0;           ///< routes that are
    std::uint8_t sending = NO_ROUTE;   ///< the choice
    std::uint8_t receiving = NO_ROUTE; ///< the last packet's

    // What silence tells (health.cpp).
    std::uint8_t accused = NO_ROUTE; ///< the route that traffic left for silence
    std::uint8_t trial = 0;          ///< what speaks against it: answers since it was left
    std::uint8_t tried = 0;          ///< routes that traffic left in this silence, as bits
    std::uint8_t settled = NO_ROUTE; ///< the route that the peer sends over, a stray packet aside
    std::uint8_t strays = 0;         ///< packets in a row over `receiving` that is not `settled`
    std::uint8_t prompt = 0;         ///< prompt answers of late
    std::uint8_t prompt_wanted = 3;  ///< of them, to count as a peer that answers
    std::uint16_t follow_after = 0;  ///< ms from the last move until traffic follows the peer to `settled`; 0: no
    std::uint16_t convictions = 0;
    std::uint32_t patience = 0; ///< ms of silence before traffic moves; 0: the base
    std::uint32_t moves = 0;
    std::uint64_t waiting_since = 0;  ///< ms, the first packet sent since the peer was last heard; 0: none
    std::uint64_t moved_at = 0;       ///< ms
    std::uint64_t heard_at = 0;       ///< ms
    std::uint64_t balance_at = NEVER; ///< when its number of routes is looked at (hold.cpp)

    Traffic traffic;
};

struct Relay {
    Public_Key key{};
    Ip_Port address;
    std::unique_ptr<Relay_Link> link; ///< null while it sleeps or waits
    std::vector<std::uint32_t> tied;  ///< names of the routes over it
    std::uint32_t ask_from = 0;       ///< place in `tied` where asking for routes goes on
    std::uint32_t unasked = 0;        ///< routes at Route_Step::none
    std::uint32_t ids = 0;            ///< requests out, and routing ids held
    std::uint32_t shed = 0;           ///< routes let go
    std::uint32_t refused = 0;        ///< routes that it had no id for
    std::uint32_t online = 0;         ///< peers online through it
    std::uint32_t online_asleep = 0;  ///< of these, whose connection sleeps
    std::uint32_t carries = 0;        ///< connections whose data it carries

    Relay_State state = Relay_State::connecting; ///< never `suspect`, which is told by the member
    bool was_up = false;
    bool onion = false;
    bool retry_waits = false; ///< until something else wakes us, within reason
    Reason last_end = Reason::none;
    std::uint64_t up_since = 0;
    std::uint64_t used_since = 0; ///< it came up, or was asked for a route: its use is not judged before 10 s more
    std::uint64_t retry_at = NEVER;
    std::uint32_t attempts = 0; ///< failed in a row
    std::uint32_t rank = 0;     ///< drawn, so that equal relays are tried in any order

    // Health (health.cpp).
    std::uint64_t full_since = 0; ///< ms, its socket did not take all; 0: it did, or there was nothing to take
    bool took_since = false;      ///< it has taken something since then
    bool suspect = false;
    bool doubted = false;          ///< its neighbours were proved already
    std::uint64_t sent_since = 0;  ///< ms, the first data sent since it was last heard; 0: none
    std::uint64_t prove_until = 0; ///< to be heard by then or ended: the network has changed; 0: no
    std::uint32_t blame = 0;       ///< convictions not yet forgiven
    std::uint32_t penalties = 0;   ///< times it was dropped for them
    std::uint64_t forgive_at = 0;
    std::uint64_t penalty_until = 0; ///< last choice everywhere before
    std::uint32_t suspicions = 0;
    std::uint32_t convictions = 0;

    Traffic traffic;
};

// ---- the whole -------------------------------------------------------------------------------------------------

struct Tcp_Connections {
    explicit Tcp_Connections(const Tcp_Connections_Def &def, const Host &host);

    Link_Context context;
    Host *own_host = nullptr; ///< when the host is ours to free
    Callbacks callbacks;
    Profile profile;
    Hash_Key hash_key{};

    Slots<Relay> relays{MAX_RELAYS};
    Slots<Connection> peers{MAX_SLOTS};
    Key_Index<Relay> relay_index{relays, hash_key};
    Key_Index<Connection> peer_index{peers, hash_key};
    Deadlines relay_deadlines;
    Deadlines peer_deadlines;
    std::uint64_t hold_at = NEVER; ///< when the number of relays held is looked at
    std::uint64_t join_at = NEVER; ///< when a retry that waits for another wake-up may go with it, or earlier

    std::uint32_t connected = 0;  ///< relays
    std::uint32_t connecting = 0; ///< relays
    std::uint32_t onion_relays = 0;
    bool onion = false;
    bool keep_idle = true;
    bool network_changed = false;
    bool proof_failed = false;      ///< a relay ended for it in this tick
    bool pinged = false;            ///< a ping was due in this tick: others go along
    bool outage = false;            ///< no relay is connected, though some were
    std::uint64_t next_connect = 0; ///< ms, the pace of reconnecting

    void *userdata = nullptr; ///< of the tick that runs
    std::uint64_t now = 0;    ///< ms, when the tick began
    bool ticking = false;
    bool doomed = false;      ///< killed within its own tick
    std::uint32_t causes = 0; ///< of the tick that runs: a bit for each Wake_Cause
    Wake_Counts wakes;
    std::vector<Change> changes;           ///< to be reported at the end of the tick, when all is in order
    std::unique_ptr<Relay_Link> graveyard; ///< links that ended in this tick, whose bytes may be in use: a list

    std::unique_ptr<std::uint8_t[]> read_buffer;
    std::unique_ptr<std::uint8_t[]> batch_buffer;
};

inline std::uint64_t time_now(const Tcp_Connections &c) {
    return c.context.host.now(c.context.host.object);
}

/// Begins a call of the host: the time is what the clock says, but one and the same within a tick.
inline void enter(Tcp_Connections &c) {
    if (!c.ticking) {
        c.now = time_now(c);
    }
}

/// A random number below `limit` (not 0).
std::uint32_t random_below(const Tcp_Connections &c, std::uint32_t limit);

void log(const Tcp_Connections &c, Log_Level level, const std::string &message);
void log(const Tcp_Connections &c, Log_Level level, const char *message);

inline bool is_connected(const Relay &relay) {
    return relay.state == Relay_State::connected;
}

/// A new deadline for a relay, or for a peer, if it is earlier than the one it has.
void wake_relay_at(Tcp_Connections &c, std::uint32_t relay, std::uint64_t at);
void wake_peer_at(Tcp_Connections &c, std::uint32_t peer, std::uint64_t at);

/// Deadlines are left where they are when what they were for is done otherwise: a packet costs less so. But those that
/// would wake the host for nothing are put right, before it asks when to come again.
void put_deadlines_right(Tcp_Connections &c);

/// What this tick had to do. In the order of Wake_Counts: the first is what is counted.
enum class Wake_Cause : std::uint8_t { packet, relay_ping, pong, room, ping, probe, retry, peer, hold, asked };
inline void note_cause(Tcp_Connections &c, Wake_Cause cause) {
    c.causes |= 1U << static_cast<unsigned>(cause);
}

/// Reports to the host. From within the tick only.
struct Change_Of {
    std::uint32_t relay = NO_SLOT;
    std::uint32_t peer = NO_SLOT;
    std::uint32_t previous = NO_SLOT;
    Reason reason = Reason::none;
};
void report(Tcp_Connections &c, Change_Kind kind, const Change_Of &of);

// ---- relays.cpp ------------------------------------------------------------------------------------------------

[[nodiscard]] std::uint32_t find_relay(const Tcp_Connections &c, const Public_Key &key);
/// Adds a relay and connects to it.
[[nodiscard]] Error add_relay(Tcp_Connections &c, const Ip_Port &address, const Public_Key &key, std::uint32_t &slot);
/// False when there is no memory or socket for it: it is as it was.
[[nodiscard]] bool connect_relay(Tcp_Connections &c, std::uint32_t slot);
void relay_came_up(Tcp_Connections &c, std::uint32_t slot);
/// Its connection ended: what becomes of it is decided here.
void relay_went_down(Tcp_Connections &c, std::uint32_t slot, Reason reason);
/// Closes its connection, and forgets what held for that one only.
void disconnect_relay(Tcp_Connections &c, std::uint32_t slot, Reason reason, Relay_State next);
void remove_relay(Tcp_Connections &c, std::uint32_t slot, Reason reason);
/// Deals with a link that has ended; true when it had.
bool settle_relay(Tcp_Connections &c, std::uint32_t slot);
void flush_relay(Tcp_Connections &c, std::uint32_t slot);
void serve_relay(Tcp_Connections &c, std::uint32_t slot);
/// When the clock has something to do for a relay.
[[nodiscard]] std::uint64_t relay_due(const Tcp_Connections &c, const Relay &relay);
/// Whether something was left for the relay's turn that no clock tells: routes to ask for, an end to deal with.
[[nodiscard]] bool is_asked(const Relay &relay);
/// Pings all relays whose pings are due before long.
void ping_along(Tcp_Connections &c);
/// Whether the relay's own pings take the place of ours, by what it is used for.
void consider_sparing(Tcp_Connections &c, std::uint32_t slot);

// ---- peers.cpp -------------------------------------------------------------------------------------------------

[[nodiscard]] std::uint32_t find_peer(const Tcp_Connections &c, const Public_Key &key);
[[nodiscard]] std::uint8_t find_route(const Connection &peer, std::uint32_t relay);
void untie(Tcp_Connections &c, std::uint32_t peer, std::uint32_t route);
/// Asks the relay for routes that it has not been asked for, as far as there is room.
void ask_for_routes(Tcp_Connections &c, std::uint32_t relay);
/// Routes that the relay had no id for may be asked for once more.
void forget_refusals(Tcp_Connections &c, std::uint32_t relay);
/// Moves a route to another step, and keeps every count that depends on it.
void set_step(Tcp_Connections &c, std::uint32_t peer, std::uint32_t route, Route_Step step);
void serve_peer(Tcp_Connections &c, std::uint32_t peer);
/// When the clock has something to do for a peer.
[[nodiscard]] std::uint64_t peer_due(const Connection &peer);

// ---- choose.cpp ------------------------------------------------------------------------------------------------

[[nodiscard]] bool route_usable(const Tcp_Connections &c, const Connection &peer, std::uint32_t route);
/// The best usable route other than those in the mask; NO_ROUTE when there is none.
[[nodiscard]] std::uint8_t best_route(const Tcp_Connections &c, const Connection &peer, std::uint32_t without);
void set_sending(Tcp_Connections &c, std::uint32_t peer, std::uint8_t route, Reason reason);
/// Looks whether one of the routes over this relay should be left for a much faster one.
void consider_round_trip(Tcp_Connections &c, std::uint32_t relay);

// ---- health.cpp ------------------------------------------------------------------------------------------------

void note_sent(Tcp_Connections &c, std::uint32_t peer, std::uint32_t route);
void note_heard(Tcp_Connections &c, std::uint32_t peer, std::uint8_t route);
void note_full(Tcp_Connections &c, std::uint32_t relay);
void note_relay_heard(Tcp_Connections &c, std::uint32_t relay);
void check_relay_health(Tcp_Connections &c, std::uint32_t relay);
[[nodiscard]] std::uint64_t health_deadline(const Tcp_Connections &c, const Relay &relay);
void check_peer_silence(Tcp_Connections &c, std::uint32_t peer);
[[nodiscard]] std::uint64_t silence_deadline(const Connection &peer);
/// How bad it would be to send over this route: 0 is healthy.
[[nodiscard]] std::uint32_t route_penalty(const Tcp_Connections &c, const Route &route);

// ---- retry.cpp -------------------------------------------------------------------------------------------------

void plan_retry(Tcp_Connections &c, std::uint32_t relay);
void retry_relay(Tcp_Connections &c, std::uint32_t relay);
[[nodiscard]] std::uint64_t retry_deadline(const Tcp_Connections &c, const Relay &relay);
/// The retries that wait for another wake-up, and are due by now.
void join_retries(Tcp_Connections &c);
/// A relay came up after none was: the others are not tried by the clock, but now.
void outage_is_over(Tcp_Connections &c);
void prove_network(Tcp_Connections &c);
/// All relays that wait are tried from now on, one after the other, those first that bring the most peers back.
void line_up(Tcp_Connections &c);

// ---- hold.cpp --------------------------------------------------------------------------------------------------

/// Looks at what is held before long.
inline void hold_by(Tcp_Connections &c, std::uint64_t at) {
    c.hold_at = std::min(c.hold_at, at);
}
void hold_relays(Tcp_Connections &c);
/// Whether a relay is of use is not looked at before.
[[nodiscard]] std::uint64_t judged_at(const Tcp_Connections &c, const Relay &relay);
void wake_relay(Tcp_Connections &c, std::uint32_t relay);
void mark_onion(Tcp_Connections &c, std::uint32_t relay);
/// More routes online than wanted: one is let go. Fewer: what was let go is taken back.
void balance_routes(Tcp_Connections &c, std::uint32_t peer);
/// Has that done before long.
void balance_by(Tcp_Connections &c, std::uint32_t peer, std::uint64_t at);

// ---- validate.cpp ----------------------------------------------------------------------------------------------

/// Null when arrays, maps and counts agree, else what does not.
[[nodiscard]] const char *validate(const Tcp_Connections &c);

} // namespace toxtcp
