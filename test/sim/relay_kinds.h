// Makes a simulated relay behave as a kind of support/relay_kind.h, and honest again. Worlds and simulator use it.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "sim/relay.h"
#include "support/relay_kind.h"

namespace toxtcp {

struct Sim_Relay_Kind {
    Sim_Relay *relay = nullptr;
    Relay_Kind kind = Relay_Kind::honest; ///< how it behaves now
    /// Whether a relay that drops one way carries nothing to this client.
    std::function<bool(const Public_Key &to)> is_victim;

    // Internal state.
    std::uint32_t turns = 0;  ///< changes of kind so far; actions planned before the last one do nothing
    std::uint32_t forged = 0; ///< rounds of forged packets so far
    /// The last echo request and response that it carried while honest, by sender and receiver.
    std::map<std::pair<Public_Key, Public_Key>, std::array<std::string, 2>> carried;
};

/// Attaches to a relay that was started. Both must not move. Replaces the relay's `drop`; its `seen` is still called.
void sim_relay_watch(Sim_Relay_Kind &kind, Sim_Relay &relay);

/// The relay behaves as this kind from now on. `hangs`: it hangs after `hang_after` ms. `moves`: it is at its new
/// address at once, and stays there when it becomes another kind.
void sim_relay_turn(Sim_Relay_Kind &kind, Relay_Kind to, std::uint64_t hang_after = 0);

} // namespace toxtcp
