// What a world is inside, and what its files ask of one another:
//   cases.cpp   which worlds there are, and their names
//   bounds.cpp  what each may take
//   kinds.cpp   how a relay turns to its kind (sim/relay_kinds.h)
//   talk.cpp    the hosts above the library: what they say, and whether what comes is what was said
//   run.cpp     the course of a world, and its judgement
#pragma once

#include <deque>
#include <map>

#include "sim/peer.h"
#include "sim/relay_kinds.h"
#include "worlds/bounds.h"

namespace toxtcp {

/// One of the two.
struct World_Side {
    Sim_Peer peer;
    char name = ' ';
    int connection = -1;
    std::size_t said = 0;           ///< packets that it was to send
    std::vector<bool> spread;       ///< by number: it went as OOB over every relay, since the other was online nowhere
    std::vector<std::uint8_t> came; ///< by number, how often each of the other's packets came
    std::vector<std::uint64_t> heard; ///< ms, each packet of the other's
    bool genuine = false;             ///< the packet that is being taken is the other's
    std::uint64_t bursts = 0;         ///< echoes that silences and routes that came online allow, in all
    bool in_silence = false;          ///< and this silence is counted there
    std::vector<std::pair<std::uint64_t, std::uint64_t>> echoes; ///< each second: sent, and `bursts`
    std::map<std::size_t, std::vector<std::uint64_t>> connects;  ///< by relay, ms, each attempt
};

struct World_Relay {
    Sim_Relay relay;
    Relay_Kind kind = Relay_Kind::honest;
    Ip_Port first_address;      ///< under which it was named
    std::uint64_t named_at = 0; ///< ms, when it was named again, at another address; 0: it was not
    Sim_Relay_Kind behaviour;   ///< of that kind, once it has turned
};

struct Stage {
    const World_Case &world;
    bool story;
    Sim_Network net;
    std::deque<World_Relay> relays;
    std::deque<Sim_Relay> more; ///< that the peers are told of later; all but the last are dead
    World_Side a;
    World_Side b;
    bool talking = false;
    World_Result result;

    Stage(const World_Case &world_, bool story_) : world(world_), story(story_) {}
};

/// The first failure is the world's result.
void fail_world(Stage &s, const std::string &fault);

// ---- kinds.cpp -------------------------------------------------------------------------------------------------

/// From a relay's move until both hosts name it at its new address.
inline constexpr std::uint64_t MOVED_NAMED_AFTER_MS = 2'000;

/// Has an honest relay note what it could repeat later.
void watch_relay(Stage &s, World_Relay &relay);
/// From now on the relay is of its kind.
void turn_relay(Stage &s, World_Relay &relay);

// ---- talk.cpp --------------------------------------------------------------------------------------------------

/// Starts a side. `tells`: its host tells of changes of the network.
void start_side(Stage &s, World_Side &side, char name, bool tells);
/// Says something every `ms` while the stage's are talking.
void say_every(Stage &s, World_Side &side, std::uint64_t ms);
/// Both forget what they have heard.
void forget_heard(Stage &s);
/// The longest time without the other's packets from `from` on, ms, in either direction.
std::uint64_t longest_silence(const Stage &s, std::uint64_t from);

} // namespace toxtcp
