#include "connections/changes.h"

#include <new>

namespace toxtcp {

void report(Tcp_Connections &c, Change_Kind kind, const Change_Slots &slots) {
    if (c.callbacks.change == nullptr || c.changes.size() >= MAX_CHANGES) {
        return;
    }
    const auto relay_handle = [&c](std::uint32_t slot) { return slot == NO_SLOT ? -1 : c.relays.handle(slot); };
    try {
        c.changes.push_back({.kind = kind,
                             .reason = slots.reason,
                             .relay = relay_handle(slots.relay),
                             .connection = slots.peer == NO_SLOT ? -1 : c.peers.handle(slots.peer),
                             .previous = relay_handle(slots.previous)});
    } catch (const std::bad_alloc &) {
        // Not reported. Relay_Info and Connection_Info show it all the same.
    }
}

void report_changes(Tcp_Connections &c) {
    while (!c.changes.empty() && !c.destroy_requested) {
        std::vector<Change> changes;
        changes.swap(c.changes);
        for (const Change &change : changes) {
            if (c.callbacks.change != nullptr && !c.destroy_requested) {
                c.callbacks.change(c.callbacks.object, change, c.userdata);
            }
        }
    }
}

} // namespace toxtcp
