// Relays: add, connect, connection up or down, remove. Carries out Liveness and Send window.
#pragma once

#include "connections/core.h"

namespace toxtcp {

[[nodiscard]] std::uint32_t find_relay(const Tcp_Connections &c, const Public_Key &key);
/// Adds a relay and begins to connect to it.
[[nodiscard]] Error add_relay(Tcp_Connections &c, const Relay_Endpoint &endpoint, const Public_Key &key,
                              std::uint32_t &slot);
/// Begins to connect. False when memory or a socket cannot be had, or the connect fails at once: nothing has changed.
[[nodiscard]] bool connect_relay(Tcp_Connections &c, std::uint32_t slot);
void relay_came_up(Tcp_Connections &c, std::uint32_t slot);
/// The relay's connection or attempt ended: the relay waits for the next attempt, or is removed.
void relay_went_down(Tcp_Connections &c, std::uint32_t slot, Reason reason);
/// Closes the connection, and resets what belongs to that connection. `next`: the relay's state from now on.
void disconnect_relay(Tcp_Connections &c, std::uint32_t slot, Reason reason, Relay_State next);
void remove_relay(Tcp_Connections &c, std::uint32_t slot, Reason reason);
/// Calls relay_went_down if the link has ended. Returns whether it has.
bool handle_ended_link(Tcp_Connections &c, std::uint32_t slot);
void flush_relay(Tcp_Connections &c, std::uint32_t slot);
void serve_relay(Tcp_Connections &c, std::uint32_t slot);
/// When the relay has to be served; NEVER while it has no link.
[[nodiscard]] std::uint64_t relay_due(const Tcp_Connections &c, const Relay &relay);
/// Whether the relay has to be served at once: it has routes to request, or its link has ended.
[[nodiscard]] bool has_work(const Relay &relay);
/// Pings all relays whose pings are due soon, so that the pings share a wake-up.
void coalesce_pings(Tcp_Connections &c);
/// Decides whether the relay's own pings take the place of ours: in the saving profile, and where no peer is online.
void consider_relay_pings(Tcp_Connections &c, std::uint32_t slot);

// For Liveness.
[[nodiscard]] Liveness_View liveness_view(const Tcp_Connections &c, const Relay &relay);
void note_relay_heard(Tcp_Connections &c, std::uint32_t slot);
void note_full(Tcp_Connections &c, std::uint32_t slot);

// For Send window.
/// Asks the host what is acknowledged, since the window is full as far as is known. Returns whether there is room now.
[[nodiscard]] bool make_send_room(Tcp_Connections &c, std::uint32_t slot);
/// A large packet was refused. The host is woken to try again, because no event tells when bytes are acknowledged.
void note_refused(Tcp_Connections &c, std::uint32_t slot);

/// Data was sent to the relay. Inline: called for each packet.
inline void note_relay_sent(Tcp_Connections &c, std::uint32_t slot, std::size_t bytes) {
    Relay &relay = c.relays[slot];
    load_sent(relay.load, c.now, bytes);
    relay.liveness.made_progress = true;
    if (liveness_sent(relay.liveness, c.now, relay.link->client.last_heard, load_ms(relay.load, c.now))) {
        wake_relay_at(c, slot, liveness_deadline(relay.liveness, liveness_view(c, relay)));
    }
}

inline bool is_stale(const Relay &relay) {
    return is_connected(relay) && relay.liveness.stale;
}

/// Calls `visit(connection slot, route)` for every connection whose data this relay carries: at most MAX_ROUTES.
template <class Visit>
void for_each_carried(Tcp_Connections &c, std::uint32_t slot, Visit visit) {
    if (c.relays[slot].carries == 0) {
        return; // also when the relay is not connected
    }
    for (std::size_t i = 0; i < MAX_ROUTES; ++i) {
        const Relay_Client &client = c.relays[slot].link->client;
        if (client.online[i]) {
            const std::uint32_t reference = client.references[i];
            if (c.peers[connection_of(reference)].sending == route_of(reference)) {
                visit(connection_of(reference), route_of(reference));
            }
        }
    }
}

} // namespace toxtcp
