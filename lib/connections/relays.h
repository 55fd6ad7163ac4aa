// Relays: adding, connecting, up, down, gone.
#pragma once

#include "connections/core.h"

namespace toxtcp {

[[nodiscard]] std::uint32_t find_relay(const Tcp_Connections &c, const Public_Key &key);
/// Adds a relay and begins to connect.
[[nodiscard]] Error add_relay(Tcp_Connections &c, const Relay_Place &place, const Public_Key &key, std::uint32_t &slot);
/// Where it is, or is looked for next.
[[nodiscard]] Relay_Place current_place(const Relay &relay);
/// Begins to connect. False when there is no memory or socket for it: nothing has changed.
[[nodiscard]] bool connect_relay(Tcp_Connections &c, std::uint32_t slot);
void relay_came_up(Tcp_Connections &c, std::uint32_t slot);
/// Its connection ended: what becomes of it is decided here.
void relay_went_down(Tcp_Connections &c, std::uint32_t slot, Reason reason);
/// Closes its connection, and forgets what held for that one only.
void disconnect_relay(Tcp_Connections &c, std::uint32_t slot, Reason reason, Relay_State next);
void remove_relay(Tcp_Connections &c, std::uint32_t slot, Reason reason);
/// Deals with a link that has ended; true when it had.
bool settle_relay(Tcp_Connections &c, std::uint32_t slot);
void flush_relay(Tcp_Connections &c, std::uint32_t slot);
void serve_relay(Tcp_Connections &c, std::uint32_t slot);
/// When the clock has something to do for a relay.
[[nodiscard]] std::uint64_t relay_due(const Tcp_Connections &c, const Relay &relay);
/// Whether the relay has work that no clock tells of: routes to request, an end to deal with.
[[nodiscard]] bool has_work(const Relay &relay);
/// Pings all relays whose pings are due before long, so that they share a wake-up.
void coalesce_pings(Tcp_Connections &c);
/// Whether the relay's own pings take the place of ours, by what the relay is used for.
void consider_relay_pings(Tcp_Connections &c, std::uint32_t slot);

// The hands of Liveness.
[[nodiscard]] Liveness_View liveness_view(const Tcp_Connections &c, const Relay &relay);
void note_relay_heard(Tcp_Connections &c, std::uint32_t slot);
void note_full(Tcp_Connections &c, std::uint32_t slot);

// The hands of Send window.
/// There is too little room by what is known. Asks the host what is acknowledged; whether there is room then.
[[nodiscard]] bool make_send_room(Tcp_Connections &c, std::uint32_t slot);
/// A large packet was refused. Nobody tells when bytes are acknowledged, so the host is woken to try again.
void note_refused(Tcp_Connections &c, std::uint32_t slot);

/// Data was sent to the relay. Inline, as it is the way of each packet.
inline void note_relay_sent(Tcp_Connections &c, std::uint32_t slot, std::size_t bytes) {
    Relay &relay = c.relays[slot];
    load_sent(relay.load, c.now, bytes);
    relay.liveness.took_since = true;
    if (liveness_sent(relay.liveness, c.now, relay.link->client.last_heard, load_ms(relay.load, c.now))) {
        wake_relay_at(c, slot, liveness_deadline(relay.liveness, liveness_view(c, relay)));
    }
}

inline bool is_stale(const Relay &relay) {
    return is_connected(relay) && relay.liveness.stale;
}

/// Calls `visit(connection slot, route)` for every connection whose data this relay carries: it has at most 240.
template <class Visit>
void for_each_carried(Tcp_Connections &c, std::uint32_t slot, Visit visit) {
    if (c.relays[slot].carries == 0) {
        return; // as one that is not connected
    }
    for (std::size_t i = 0; i < MAX_ROUTES; ++i) {
        const Relay_Client &client = c.relays[slot].link->client;
        if (client.online[i]) {
            const std::uint32_t reference = client.numbers[i];
            if (c.peers[connection_of(reference)].sending == route_of(reference)) {
                visit(connection_of(reference), route_of(reference));
            }
        }
    }
}

} // namespace toxtcp
