// Every small world: two peers, one to four relays of which one at least is honest, and what may go wrong, all of it.
// Each runs on a simulated clock, and is judged by the bounds that the design promises.
#pragma once

#include <string>
#include <vector>

#include "support/relay_kind.h"

namespace toxtcp {

enum class World_Start : std::uint8_t {
    cold, ///< the relays are of their kinds from the start
    warm  ///< all are honest until the peers have talked for a while, and turn at the same time
};
enum class World_Traffic : std::uint8_t {
    both,    ///< each says something every 40 ms
    one_way, ///< a does, and b once a second
    seldom   ///< each says something every 700 ms
};
enum class World_Peers : std::uint8_t {
    none_answer, ///< both have this library, and answer no echo
    answer,      ///< both have this library
    toxcore      ///< b sends as toxcore does: everything over the first route that is online, its answers to echoes too
};
enum class World_Event : std::uint8_t {
    none,
    noticed,   ///< a has no network for a minute, and its host says when it has one again
    unnoticed, ///< the same, and nobody says anything
    changed, ///< a is in another network at once: its connections are dead, and its host says that the network changed
    full,    ///< dead relays take all other places of the connection; a minute later both are told of one more
    hour,    ///< an hour passes, and connects are counted
    day      ///< a has no network for a day, wake-ups are counted, and its host says when it has one again
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
    std::string fault;         ///< empty: all held
    std::uint64_t longest = 0; ///< ms, the longest silence in either direction
    std::uint64_t bound = 0;   ///< ms, what was allowed
    std::uint64_t echoes = 0;  ///< the most that one end sent within 10 s
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
/// The inverse of the first. False when the text names no world.
bool parse_world(const std::string &text, World_Case &world);

/// Runs one. `story`: tells on standard output what the peers report and which silences were long.
World_Result run_world(const World_Case &world, bool story = false);

} // namespace toxtcp
