// The state of a world, and the functions that the files of this folder share:
//   cases.cpp   which worlds there are, and their names
//   bounds.cpp  the bounds of each world
//   kinds.cpp   how a relay turns to its kind (sim/relay_kinds.h)
//   talk.cpp    the hosts of the two peers: what they send, and checks of what comes
//   run.cpp     the course of a world, and its checks
#pragma once

#include <deque>
#include <map>

#include "sim/peer.h"
#include "sim/relay_kinds.h"
#include "worlds/bounds.h"

namespace toxtcp {

/// One of the two peers.
struct World_Side {
    Sim_Peer peer;
    char name = ' ';
    int connection = -1;
    std::size_t said = 0;             ///< packets that its host has sent, or has tried to send
    std::vector<bool> spread;         ///< by packet: it went as OOB over every relay, as the other was online nowhere
    std::vector<std::uint8_t> came;   ///< by packet of the other peer: how often it came
    std::vector<std::uint64_t> heard; ///< ms, when a packet of the other peer came for the first time
    bool genuine = false;             ///< the packet that is being taken is the other peer's
    std::uint64_t bursts = 0;         ///< echoes allowed so far, for silences and for routes that came online
    bool in_silence = false;          ///< a silence lasts, and is counted in `bursts`
    std::vector<std::pair<std::uint64_t, std::uint64_t>> echoes; ///< each second: echoes sent so far, and `bursts`
    std::map<std::size_t, std::vector<std::uint64_t>> connects;  ///< by relay: ms, each connect
};

struct World_Relay {
    Sim_Relay relay;
    Relay_Kind kind = Relay_Kind::honest;
    Ip_Port first_address;      ///< the address under which it was first named
    std::uint64_t named_at = 0; ///< ms, when it was named again, at another address; 0: it was not
    Sim_Relay_Kind behaviour;   ///< of that kind, once it has turned
};

struct Stage {
    const World_Case &world;
    bool story;
    Sim_Network net;
    std::deque<World_Relay> relays;
    std::deque<Sim_Relay> more; ///< relays named later; all but the last are dead
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

/// Prepares a relay for its kind. While it is honest, it records echoes, which it may repeat later.
void watch_relay(Stage &s, World_Relay &relay);
/// From now on the relay is of its kind.
void turn_relay(Stage &s, World_Relay &relay);

// ---- talk.cpp --------------------------------------------------------------------------------------------------

/// Starts a side. `tells`: its host tells of changes of the network.
void start_side(Stage &s, World_Side &side, char name, bool tells);
/// Sends a packet every `ms` while `Stage::talking` is set.
void say_every(Stage &s, World_Side &side, std::uint64_t ms);
/// Clears `heard` of both.
void forget_heard(Stage &s);
/// The longest time from `from` on, ms, in which one of the two did not hear the other.
std::uint64_t longest_silence(const Stage &s, std::uint64_t from);

} // namespace toxtcp
