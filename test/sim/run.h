// What a run of the simulator is inside, and what its files ask of one another:
//   seed.cpp    who is there, and the course of the story
//   talk.cpp    the host above the library: friendships, and packets that know where they belong
//   hostile.cpp hosts that do what no honest one does
//   faults.cpp  what goes wrong
//   check.cpp   what must hold all the same
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
/// The host above tells each side of the relays that both know this often, as toxcore does.
inline constexpr std::uint64_t SHARE_EVERY = 7 * SECOND;

enum class Fault_Kind : std::uint8_t {
    kill,            ///< a relay's process ends, and comes back
    stop,            ///< a relay's process hangs
    cut_relay,       ///< a relay has no network
    cut_client,      ///< a client has none
    partition,       ///< some relays cannot be reached from one client
    turn,            ///< a relay turns to another kind (support/relay_kind.h)
    conspire,        ///< several relays turn at the same time, to the same kind or to different ones
    slow,            ///< a relay is far away
    full,            ///< a relay reads little and seldom
    unread,          ///< a relay reads nothing more of one client
    pieces,          ///< bytes come and go in small pieces
    flood,           ///< a relay sends one packet very often
    garbage,         ///< a relay sends what is none
    drop_client,     ///< a relay ends one connection
    proxy,           ///< a proxy refuses, hangs or is cut off
    sleep,           ///< the host above has no need of a connection for a while
    kill_connection, ///< the host above ends a connection and makes it again
    kill_relay,      ///< the host above ends a relay
    restart,         ///< a client ends, and comes back with the same key
    suspend,         ///< a client's machine sleeps
    oob,             ///< the host above sends OOB on its own
    onion,           ///< the host above wants onion relays, or no more
    network_changed, ///< the host above says so, true or not
    count
};

inline constexpr std::uint32_t NOBODY = UINT32_MAX;
inline constexpr std::size_t MAX_SIM_RELAYS = 8;
inline constexpr std::uint64_t USUAL_LATENCY_MS = 60; ///< of a relay, at most

/// A set of relays.
using Relay_Set = std::uint8_t;
static_assert(MAX_SIM_RELAYS <= 8 * sizeof(Relay_Set));

/// A packet that was sent: over which relays (several for OOB), and which of these it came over.
struct Sent {
    Relay_Set over = 0;
    Relay_Set came = 0;
    bool aside = false; ///< by the host above, as OOB over a relay of its choice: it proves nothing of ours
};

/// What was seen of one side's echoes, second by second.
struct Echo_Watch {
    static constexpr std::size_t SECONDS = 10;

    int connection = -1;       ///< which this is about
    std::uint32_t life = 0;    ///< of the client
    std::uint16_t counter = 0; ///< of the connection, when it was last looked at
    std::uint64_t sent = 0;
    std::uint64_t granted = 0; ///< for silences, and for routes that came online
    std::size_t place = 0;     ///< in `before`
    std::array<std::pair<std::uint64_t, std::uint64_t>, SECONDS> before{}; ///< `sent` and `granted`, oldest at `place`
};

/// One direction of a friendship.
struct Flow {
    std::vector<Sent> sent;
    std::array<std::int64_t, MAX_SIM_RELAYS> last; ///< by relay, the last number that came over it, -1 for none
    std::uint64_t heard_at = 0;
    std::uint64_t said_at = 0; ///< the host above sent something
    std::uint64_t period = 100;
    bool in_silence = false; ///< it is not heard, and this is granted to both ends' echoes
    Echo_Watch echoes;       ///< of the sender
    std::uint64_t moves = 0; ///< of the sender's traffic, since a route did not deliver

    Flow() { last.fill(-1); }
};

struct Friendship {
    std::array<std::uint32_t, 2> peer{};
    std::array<int, 2> connection{-1, -1};
    std::array<std::uint64_t, 2> asleep_until{}; ///< by side
    std::vector<std::uint32_t> relays;
    std::array<Flow, 2> flow;     ///< by sender
    std::uint64_t good_since = 0; ///< both have been online at an honest relay since; 0: not now
    Relay_Set bad = 0;            ///< relays that are not honest or not well
};

/// A client, with what the run knows of it.
struct Client {
    Sim_Peer peer;
    std::uint32_t proxy = NOBODY;
    std::uint32_t lives = 1; ///< times it was started
    bool suspended = false;
    std::uint64_t bad_until = 0;  ///< it has no network, or no program, before
    std::uint64_t settled_at = 0; ///< what that has delayed is through
    bool hostile = false;
    std::uint64_t echo_level = 0;                                ///< echoes sent, less those that the time since allows
    std::uint64_t apart_since = 0;                               ///< no relay is connected since; 0: one is
    std::array<std::uint64_t, MAX_SIM_RELAYS> reachable_since{}; ///< this relay; 0: it is not
    std::array<std::uint64_t, MAX_SIM_RELAYS> first_attempt{};   ///< to connect to this relay in the hour; 0: none yet
    std::array<std::uint32_t, MAX_SIM_RELAYS> attempts{};        ///< later than a minute after it
    std::array<std::uint64_t, MAX_SIM_RELAYS> cut_until{};       ///< from this relay
    std::array<std::uint32_t, MAX_SIM_RELAYS> pings{};           ///< to this relay, since it was last looked at
    std::uint64_t connects = 0;                                  ///< when it was last looked at
    std::uint64_t changed_at = 0; ///< its network, as it was told, or found when it woke up
    std::uint64_t told_at = 0;    ///< its host told the library that it changed
    std::vector<int> stale;       ///< numbers of relays that it ended itself
};

struct Run {
    explicit Run(std::uint64_t seed) : net(seed) { random.state = seed * 0x9E3779B97F4A7C15U + 1; }

    Sim_Network net;
    Sim_Random random; ///< the story's; the network has its own
    std::deque<Sim_Relay> relays;
    std::deque<Sim_Relay_Kind> kinds;     ///< by relay
    std::vector<std::uint64_t> bad_until; ///< by relay: not honest, or not well, before
    std::deque<Sim_Proxy> proxies;
    std::deque<Client> clients;
    std::deque<Friendship> friends;
    std::vector<Fault_Kind> faults;
    bool only_hostile_peers = false; ///< nothing else is wrong
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

/// Whether the host above can call this client's library.
inline bool is_running(const Client &client) {
    return client.peer.c != nullptr && !client.suspended;
}

inline bool ticks_by_the_clock(const Client &client) {
    return client.peer.net->nodes[client.peer.node]->interval != 0;
}

/// Whether the hosts above of both have anything to say.
inline bool talks(const Run &run, const Friendship &f) {
    return f.asleep_until[0] <= run.net.now && f.asleep_until[1] <= run.net.now;
}

/// Whether one of the two is hostile: nothing is promised to them.
inline bool is_hostile(const Run &run, const Friendship &f) {
    return run.clients[f.peer[0]].hostile || run.clients[f.peer[1]].hostile;
}

// ---- seed.cpp --------------------------------------------------------------------------------------------------

/// Does something at a time, then again after as many ms as it answers, until the run ends.
void every(Run &run, std::uint64_t at, std::function<std::uint64_t()> action);

// ---- talk.cpp --------------------------------------------------------------------------------------------------

/// Makes the connection of one side of a friendship, unless it is there or its client is not.
void befriend(Run &run, std::uint32_t friendship, std::size_t side);
/// The host above tells one side of the relays that both know.
void share_relays(Run &run, Friendship &f, std::size_t side);
/// One packet, or several at once.
void send_some(Run &run, std::uint32_t friendship, std::size_t side);
/// One packet as OOB, over any relay.
void send_oob(Run &run, std::uint32_t friendship, std::size_t side);
/// Has a client's packets looked at as they come.
void listen(Run &run, std::uint32_t client);

// ---- faults.cpp ------------------------------------------------------------------------------------------------

void inject_fault(Run &run, Fault_Kind kind);
/// Several relays are not honest from the start.
void turn_from_the_start(Run &run);
/// Relays are dead from now on, or flap. Each two friends keep one that is honest.
void turn_dead(Run &run);
/// A relay that has turned is honest again.
void turn_honest(Run &run, std::uint32_t relay);

/// The host tells the library that its network has changed, if it is one that tells.
void tell_network_changed(Run &run, Client &client);

// ---- hostile.cpp -----------------------------------------------------------------------------------------------

/// Draws what a client's host does to others, and has it begin at `start`. Before the client is started.
void make_hostile(Run &run, std::uint32_t client, Sim_Peer_Def &def, std::uint64_t start);

// ---- check.cpp -------------------------------------------------------------------------------------------------

inline constexpr std::uint64_t CHECK_SILENCE_EVERY_MS = 200;

/// Grants one echo over each route, once, for a silence of this side.
void note_silence(const Run &run, Friendship &f, std::size_t side);
/// Whether all who talk hear each other.
void check_silences(Run &run);
/// What else must hold at any time; called every second.
void check(Run &run);
/// That relays which were dead, or flapped, for an hour were connected as seldom as promised.
void check_attempts(Run &run);
/// Whether everybody was heard lately.
bool all_heard(const Run &run);

} // namespace toxtcp
