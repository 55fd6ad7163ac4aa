// The hands of Backoff: which relay is connected next, and when.
#pragma once

#include "connections/core.h"

namespace toxtcp {

/// A relay's attempt failed, or its connection ended after `up` ms: it waits for its turn.
void wait_for_turn(Tcp_Connections &c, std::uint32_t relay, std::uint64_t up);
/// A relay that waits is to be tried as soon as the pace allows.
void retry_now(Tcp_Connections &c, std::uint32_t relay);
/// Connects those that have their turn by now.
void reconnect(Tcp_Connections &c);
/// Works out when the next turn is: after anything that changes who waits.
void plan_reconnects(Tcp_Connections &c);
/// A relay came up after none was: the others are not tried by the clock, but now.
void end_outage(Tcp_Connections &c);
/// The network has changed: every relay has to prove itself, or is connected again.
void prove_network(Tcp_Connections &c);
/// All relays that wait are tried from now on, those first that bring the most peers back.
void schedule_reconnects(Tcp_Connections &c);

} // namespace toxtcp
