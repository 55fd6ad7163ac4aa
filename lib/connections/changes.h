// Changes that the tick reports to the host by its callback.
#pragma once

#include "connections/core.h"

namespace toxtcp {

/// The slots that a change is about; NO_SLOT: none.
struct Change_Slots {
    std::uint32_t relay = NO_SLOT;
    std::uint32_t peer = NO_SLOT;
    std::uint32_t previous = NO_SLOT;
    Reason reason = Reason::none;
};

/// Keeps a change until the end of this tick, or, between two ticks, of the next tick.
void report(Tcp_Connections &c, Change_Kind kind, const Change_Slots &slots);
/// Calls the host's callback for each change.
void report_changes(Tcp_Connections &c);

} // namespace toxtcp
