// Carries out Backoff: which relay is connected next, and when.
#pragma once

#include "connections/core.h"

namespace toxtcp {

/// A relay's attempt failed (`up` is 0), or its connection ended after `up` ms: the relay waits for its turn.
void wait_for_turn(Tcp_Connections &c, std::uint32_t relay, std::uint64_t up);
/// A waiting relay is to be tried next, as soon as the pace allows.
void retry_now(Tcp_Connections &c, std::uint32_t relay);
/// Connects the relay whose turn it is, if the pace allows.
void reconnect(Tcp_Connections &c);
/// Computes when the next turn is. To be called whenever a relay begins or ends to wait.
void plan_reconnects(Tcp_Connections &c);
/// A relay came up and ended an outage: the others are tried now, unless an outage ended shortly before.
void end_outage(Tcp_Connections &c);
/// The network has changed: each connected relay must answer a ping, and those waiting or connecting are tried anew.
void prove_network(Tcp_Connections &c);
/// All waiting relays are tried from now on. Those that bring back the most peers are first.
void schedule_reconnects(Tcp_Connections &c);

} // namespace toxtcp
