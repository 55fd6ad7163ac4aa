// A simulated relay that turns to a kind of support/relay_kind.h, and back. The small worlds and the simulator share it.
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
    Relay_Kind kind = Relay_Kind::honest; ///< what it is now
    /// Whether a relay that drops one way carries nothing to this client.
    std::function<bool(const Public_Key &to)> is_victim;

    // The inside.
    std::uint32_t turns = 0;  ///< tells what an earlier turn had planned from what this one has
    std::uint32_t forged = 0; ///< rounds of packets made up
    /// The last echo request and response that it carried while honest, by sender and receiver.
    std::map<std::pair<Public_Key, Public_Key>, std::array<std::string, 2>> carried;
};

/// Takes a relay that was started. Both must not move. The relay's `drop` is used, its `seen` is called as before.
void sim_relay_watch(Sim_Relay_Kind &kind, Sim_Relay &relay);

/// From now on the relay is of this kind. One that hangs does so after `hang_after` ms. One that moves is at its new
/// address, and does not turn back.
void sim_relay_turn(Sim_Relay_Kind &kind, Relay_Kind to, std::uint64_t hang_after = 0);

} // namespace toxtcp
