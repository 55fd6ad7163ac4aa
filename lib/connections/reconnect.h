// Carries out Backoff: which relay is connected next, and when.
#pragma once

#include "connections/core.h"

namespace toxtcp {

/// A relay's attempt failed (`up` is 0), or its connection ended after `up` ms: it waits in the queue for its turn.
void queue_reconnect(Tcp_Connections &c, std::uint32_t relay, std::uint64_t up);
/// A waiting relay is to be tried next, as soon as the pace allows. Its failures still count.
void retry_now(Tcp_Connections &c, std::uint32_t relay);
/// Connects the relay whose turn it is, if the pace allows.
void reconnect(Tcp_Connections &c);
/// Sets `reconnect_at` and `coalesced_reconnect_at`. To be called whenever a relay begins or ends to wait.
void update_reconnect_at(Tcp_Connections &c);
/// A relay came up and ended an outage: the others are tried now, unless an outage ended shortly before.
void end_outage(Tcp_Connections &c);
/// The network has changed: each connected relay must answer a ping, and those waiting or connecting are tried anew.
void start_network_check(Tcp_Connections &c);
/// All waiting relays are tried from now on. Those that were in use are first, then those that were ever connected, and
/// among these those that bring back the most peers.
void schedule_reconnects(Tcp_Connections &c);

} // namespace toxtcp
