// What the tick reports to the host.
#pragma once

#include "connections/core.h"

namespace toxtcp {

struct Change_Of {
    std::uint32_t relay = NO_SLOT;
    std::uint32_t peer = NO_SLOT;
    std::uint32_t previous = NO_SLOT;
    Reason reason = Reason::none;
};

/// Kept until the end of the tick, or of the next one.
void report(Tcp_Connections &c, Change_Kind kind, const Change_Of &of);
/// Calls the host.
void report_changes(Tcp_Connections &c);

} // namespace toxtcp
