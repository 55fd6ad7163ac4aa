// The state of a run of the simulator, and the functions that its files share:
//   seed.cpp    draws the network, and runs it
//   talk.cpp    the hosts of the clients: friendships, and packets that say which friendship they belong to
//   hostile.cpp clients that misbehave towards their peers
//   faults.cpp  the other faults
//   check.cpp   what must hold in spite of them
#pragma once

#include <cstdarg>
#include <cstdio>
#include <deque>
#include <map>

#include "connections/peers.h"
#include "connections/relays.h"
#include "connections/validate.h"
#include "sim/peer.h"
#include "sim/proxy.h"
#include "sim/relay_kinds.h"
#include "sim/seed.h"

namespace toxtcp {

inline constexpr std::uint64_t SECOND = 1'000;
/// How often a host names the relays that both sides know to the library, as toxcore does.
inline constexpr std::uint64_t SHARE_EVERY = 7 * SECOND;

enum class Fault_Kind : std::uint8_t {
    kill,            ///< a relay's process ends, and comes back
    stop,            ///< a relay's process hangs
    cut_relay,       ///< a relay has no network
    cut_client,      ///< a client has no network
    partition,       ///< some relays cannot be reached from one client
    turn,            ///< a relay turns to another kind (support/relay_kind.h)
    conspire,        ///< several relays turn at the same time, to the same kind or to different ones
    slow,            ///< a relay has a long latency
    full,            ///< a relay reads little and seldom
    unread,          ///< a relay reads nothing more from one client
    pieces,          ///< bytes come and go in small pieces
    flood,           ///< a relay sends one packet very often
    garbage,         ///< a relay sends random bytes, sealed or not
    drop_client,     ///< a relay ends one connection
    proxy,           ///< a proxy refuses, hangs or is cut off
    sleep,           ///< a host sets a connection asleep for a while
    kill_connection, ///< a host ends a connection and makes it again
    kill_relay,      ///< a host ends a relay
    restart,         ///< a client's program ends, and starts again with the same key
    suspend,         ///< a client's machine sleeps
    oob,             ///< a host sends an OOB packet over a relay of its choice
    onion,           ///< a host wants relays for onion packets, or no longer wants them
    network_changed, ///< a host tells of a change of its network, true or not
    count
};

inline constexpr std::uint32_t NOBODY = UINT32_MAX;
inline constexpr std::size_t MAX_SIM_RELAYS = 8;
inline constexpr std::uint64_t USUAL_LATENCY_MS = 60; ///< the longest latency of a relay without a fault

/// A set of relays, a bit for each.
using Relay_Set = std::uint8_t;
static_assert(MAX_SIM_RELAYS <= 8 * sizeof(Relay_Set));

/// A packet that was sent: the relays that it was sent over (several for OOB), and those that it has come over.
struct Sent {
    Relay_Set over = 0;
    Relay_Set came = 0;
    bool aside = false; ///< sent by Fault_Kind::oob: its arrival does not end a silence
};

/// The echoes that one side has sent, second by second.
struct Echo_Watch {
    static constexpr std::size_t SECONDS = 10;

    int connection = -1;       ///< the connection whose echoes are counted
    std::uint32_t life = 0;    ///< the client's life (`lives`) that the connection belongs to
    std::uint16_t counter = 0; ///< the connection's own count of echoes at the last check
    std::uint64_t sent = 0;
    std::uint64_t granted = 0; ///< echoes allowed for silences and for routes that came online
    std::size_t place = 0;     ///< in `before`: the oldest check
    std::array<std::pair<std::uint64_t, std::uint64_t>, SECONDS> before{}; ///< `sent` and `granted` at each check
};

/// One direction of a friendship.
struct Flow {
    std::vector<Sent> sent;
    std::array<std::int64_t, MAX_SIM_RELAYS> last; ///< by relay: number of the last packet that came over it; -1: none
    std::uint64_t heard_at = 0;
    std::uint64_t said_at = 0; ///< ms, the host last sent something
    std::uint64_t period = 100;
    bool in_silence = false; ///< a silence lasts, for which both ends' echoes were granted
    Echo_Watch echoes;       ///< of the sender
    std::uint64_t moves = 0; ///< how often the sender's traffic left a route that did not deliver

    Flow() { last.fill(-1); }
};

struct Friendship {
    std::array<std::uint32_t, 2> peer{};
    std::array<int, 2> connection{-1, -1};
    std::array<std::uint64_t, 2> asleep_until{}; ///< by side
    std::vector<std::uint32_t> relays;
    std::array<Flow, 2> flow; ///< by sender
    /// ms, since when both are online at an honest relay, and `bad`, `unproved` and `faults` have not changed; 0: not now
    std::uint64_t good_since = 0;
    Relay_Set bad = 0;        ///< relays that are not honest or not working
    std::size_t unproved = 0; ///< bad relays that echoes do not detect
    std::uint64_t faults = 0; ///< changes when a fault begins at one of the relays
};

/// A client, with what the run knows of it.
struct Client {
    Sim_Peer peer;
    std::uint32_t proxy = NOBODY;
    std::uint32_t lives = 1;      ///< times it was started
    std::uint32_t befriended = 0; ///< connections that it has made in this life
    bool suspended = false;
    std::uint64_t bad_until = 0;  ///< ms, it has no network or no program until then
    std::uint64_t settled_at = 0; ///< ms, what this has delayed has arrived by then
    bool hostile = false;
    std::uint64_t echo_level = 0;  ///< echoes sent beyond those that the time since then allows
    std::uint64_t apart_since = 0; ///< ms, no relay is connected since then; 0: a relay is connected

    // By relay.
    std::array<std::uint64_t, MAX_SIM_RELAYS> reachable_since{}; ///< ms; 0: it is not reachable, or not wanted
    std::array<std::uint64_t, MAX_SIM_RELAYS> first_attempt{};   ///< ms, the first connect in the hour; 0: none yet
    std::array<std::uint32_t, MAX_SIM_RELAYS> attempts{};        ///< connects a minute after the first or later
    std::array<std::uint64_t, MAX_SIM_RELAYS> cut_until{};       ///< ms, the client is cut off from it until then
    std::array<std::uint32_t, MAX_SIM_RELAYS> pings{};           ///< to the relay, since the last check

    std::uint64_t connects = 0;   ///< connects until the last check, to all relays
    std::uint64_t changed_at = 0; ///< ms, its host told of a network change, or its machine woke up
    std::uint64_t told_at = 0;    ///< ms, its host told of a network change that had happened
    std::vector<int> stale;       ///< handles of relays that its host has ended
};

struct Run {
    explicit Run(std::uint64_t seed) : net(seed) { random.state = seed * 0x9E3779B97F4A7C15U + 1; }

    Sim_Network net;
    Sim_Random random; ///< for all that is drawn here; the network has its own
    std::deque<Sim_Relay> relays;
    std::deque<Sim_Relay_Kind> kinds;     ///< by relay
    std::vector<std::uint64_t> bad_until; ///< by relay: ms, it is not honest or not working until then
    std::deque<Sim_Proxy> proxies;
    std::deque<Client> clients;
    std::deque<Friendship> friends;
    std::vector<Fault_Kind> faults;
    bool only_hostile_peers = false; ///< hostile peers are the only fault
    std::map<Public_Key, std::uint32_t> relay_of;
    std::map<Public_Key, std::uint32_t> client_of;
    std::uint64_t faults_end = 0;
    bool story = false;
    Seed_Result result;

    std::uint64_t below(std::uint64_t limit) { return sim_below(random, limit); }
    std::uint64_t between(std::uint64_t low, std::uint64_t high) { return low + below(high - low + 1); }
    bool chance(std::uint64_t percent) { return below(100) < percent; }
};

inline void digest(Run &run, std::uint64_t value) {
    run.result.digest = (run.result.digest ^ value) * 0x100000001B3U + run.net.now;
}

/// The first failure is the run's result, and ends it.
[[gnu::format(printf, 2, 3)]] inline void fail(Run &run, const char *format, ...) {
    if (run.result.fault.empty()) {
        std::va_list args;
        va_start(args, format);
        char text[256];
        std::vsnprintf(text, sizeof text, format, args);
        va_end(args);
        run.result.fault = std::to_string(run.net.now) + " ms: " + text;
    }
}

[[gnu::format(printf, 2, 3)]] inline void tell(const Run &run, const char *format, ...) {
    if (run.story) {
        std::va_list args;
        va_start(args, format);
        std::printf("%8llu  ", static_cast<unsigned long long>(run.net.now));
        std::vprintf(format, args);
        std::printf("\n");
        va_end(args);
    }
}

/// Whether the client's host runs, and can call its library.
inline bool is_running(const Client &client) {
    return client.peer.c != nullptr && !client.suspended;
}

inline bool ticks_by_the_clock(const Client &client) {
    return client.peer.net->nodes[client.peer.node]->interval != 0;
}

/// Whether both sides are awake, and so send packets.
inline bool talks(const Run &run, const Friendship &f) {
    return f.asleep_until[0] <= run.net.now && f.asleep_until[1] <= run.net.now;
}

/// Whether one of the two is hostile. To such a friendship nothing is promised.
inline bool is_hostile(const Run &run, const Friendship &f) {
    return run.clients[f.peer[0]].hostile || run.clients[f.peer[1]].hostile;
}

// ---- seed.cpp --------------------------------------------------------------------------------------------------

/// Calls `action` at the time `at`, and again after as many ms as it returns, until a check has failed.
void every(Run &run, std::uint64_t at, std::function<std::uint64_t()> action);

// ---- talk.cpp --------------------------------------------------------------------------------------------------

/// Makes the connection of one side of a friendship, unless the connection exists or the client does not run.
void befriend(Run &run, std::uint32_t friendship, std::size_t side);
/// The host of one side names the relays that both sides know to its library.
void share_relays(Run &run, Friendship &f, std::size_t side);
/// Sends one packet, or several in one call.
void send_some(Run &run, std::uint32_t friendship, std::size_t side);
/// Sends one OOB packet over a relay drawn at random.
void send_oob(Run &run, std::uint32_t friendship, std::size_t side);
/// Has the packets that come to a client checked.
void listen(Run &run, std::uint32_t client);

// ---- faults.cpp ------------------------------------------------------------------------------------------------

void inject_fault(Run &run, Fault_Kind kind);
/// Makes several relays bad from the start.
void turn_from_the_start(Run &run);
/// Makes relays dead or flapping from now on. Each friendship keeps an honest relay.
void turn_dead(Run &run);
/// Makes a relay honest again.
void turn_honest(Run &run, std::uint32_t relay);

/// A network change has happened: the client's host tells the library, if it is a host that tells.
void tell_network_changed(Run &run, Client &client);

// ---- hostile.cpp -----------------------------------------------------------------------------------------------

/// Draws how a client misbehaves from the time `start` on. To be called before the client is started.
void make_hostile(Run &run, std::uint32_t client, Sim_Peer_Def &def, std::uint64_t start);

// ---- check.cpp -------------------------------------------------------------------------------------------------

inline constexpr std::uint64_t CHECK_SILENCE_EVERY_MS = 200;

/// Grants both sides one echo over each route when a silence of this side begins.
void note_silence(const Run &run, Friendship &f, std::size_t side);
/// Checks that all who send hear each other, and that every client has a relay.
void check_silences(Run &run);
/// Checks the invariants that must hold at any time. Called every second.
void check(Run &run);
/// Checks that relays which were dead or flapped for an hour were connected to as seldom as promised.
void check_attempts(Run &run);
/// Whether everybody was heard in the last seconds, hostile friendships aside.
bool all_heard(const Run &run);

} // namespace toxtcp
