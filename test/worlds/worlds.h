// The worlds: all small networks of two peers and one to four relays, with every kind of relay and every event. At
// least one relay is honest. A world runs on a simulated clock, and is judged by the bounds of docs/failover.md.
#pragma once

#include <string>
#include <vector>

#include "support/relay_kind.h"

namespace toxtcp {

enum class World_Start : std::uint8_t {
    cold, ///< the relays are of their kinds from the start
    warm, ///< all are honest while the peers talk for a while, then all turn to their kinds at the same time
    /// The same, and the peers talk until both have pruned a route. The relay of this route turns to the first kind.
    pruned
};
enum class World_Traffic : std::uint8_t {
    both,    ///< each sends a packet every 40 ms
    one_way, ///< a sends a packet every 40 ms, b once a second
    seldom   ///< each sends a packet every 700 ms
};
enum class World_Peers : std::uint8_t {
    none_answer, ///< both have this library, and answer no echo
    answer,      ///< both have this library
    toxcore      ///< b sends as toxcore does: all packets, also answers to echoes, over its first route that is online
};
enum class World_Event : std::uint8_t {
    none,
    noticed,   ///< a has no network for a minute, and its host tells when the network is back
    unnoticed, ///< a has no network for a minute, and its host does not tell
    changed,   ///< a is in another network at once: its connections are dead, and its host tells of the change
    full,      ///< dead relays take all other places of the connection; a minute later both are told of one more
    hour,      ///< an hour passes, and connects are counted
    day        ///< a has no network for a day, wake-ups are counted, and its host tells when the network is back
};

struct World_Case {
    World_Start start = World_Start::warm;
    World_Traffic traffic = World_Traffic::both;
    World_Peers peers = World_Peers::answer;
    World_Event event = World_Event::none;
    std::uint64_t latency = 0; ///< ms that each relay adds, one way
    std::vector<Relay_Kind> relays;
};

/// How a world went.
struct World_Result {
    std::string fault;         ///< empty: all bounds held
    std::uint64_t longest = 0; ///< ms, the longest silence in either direction
    std::uint64_t bound = 0;   ///< ms, the longest silence allowed
    std::uint64_t echoes = 0;  ///< the most echoes that one end sent within 10 s
    std::uint64_t simulated_ms = 0;
};

/// All worlds, always in the same order.
std::vector<World_Case> all_worlds();

/// `warm/both/answers/none/20/hangs,honest,drops`: start, traffic, peer, event, round trip, relays by slot.
std::string to_string(const World_Case &world);
const char *to_string(World_Start start);
const char *to_string(World_Traffic traffic);
const char *to_string(World_Peers peers);
const char *to_string(World_Event event);
/// Reads what `to_string` of a World_Case writes. False when the text names no world.
bool parse_world(const std::string &text, World_Case &world);

/// Runs a world. `story`: prints what the peers report, and long silences.
World_Result run_world(const World_Case &world, bool story = false);

} // namespace toxtcp
