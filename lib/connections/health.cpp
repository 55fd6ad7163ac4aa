// Relays that hang, drop and lie, told from those whose peers are merely quiet.
//
// A relay that hangs: data was sent and nothing at all has come from the relay for PROBE_AFTER_MS. It is pinged; when
// the pong is late it is in doubt, and the relays that would take over are pinged as well, so that traffic does not move
// from one hung relay to another; when the pong is very late it is suspect, and its traffic moves. Anything that it says
// clears it. Whether it is dropped, the protocol's own ping timeout decides.
//
// A relay that reads nothing more, though it may well go on to send: its socket is full, and has taken nothing for
// STUCK_AFTER_MS. It is ended, since a new connection to it may be read again. (toxcore's relays do this when a packet
// comes in two pieces of which the first fills their side of the socket.)
//
// A relay that drops, or says "online" of a peer that is not: data was sent and the peer is silent on every route for
// longer than our patience with it. Its traffic moves, once, and the route that it left is accused. Is the peer heard soon
// after, and does it go on to answer promptly, then the relay is convicted for that peer, and avoided for a time that
// doubles. If not, the peer may well be a quiet or a slow one: our patience grows with its silences, and no more moves
// follow in this one unless it had been answering promptly before. Convictions add up to blame; a relay with much of it
// is the last choice of all peers, and with more is left where others suffice.
//
// A peer that goes over to another relay may do so because it hears nothing of us: our traffic follows it there, unless it
// has just moved itself.
#include <algorithm>

#include "connections/state.h"

namespace toxtcp {

namespace {

// ---- hanging relays: the sum of these keeps failover within 2 s (responsive) and 3 s (saver) of the last answer

constexpr std::uint64_t PROBE_AFTER_MS = 1'000;
/// A relay that was not in use, and whose silence means nothing, has this long for a first sign of life.
constexpr std::uint64_t PROBE_AFTER_FIRST_MS = 200;
constexpr std::uint64_t DOUBT_AFTER_MS = 300;
constexpr std::uint64_t SUSPECT_AFTER_MS = 800;
/// A slow relay is granted twice its round trip, but not more than this.
constexpr std::uint64_t SUSPECT_AFTER_MOST_MS = 1'600;
constexpr std::uint64_t SAVER_EXTRA_MS = 600;

/// Other routes take over at once from one that is full, so this is only about what waits in its socket.
constexpr std::uint64_t STUCK_AFTER_MS = 5'000;

// ---- silent peers

constexpr std::uint32_t PATIENCE_MS = 3'000;
constexpr std::uint32_t MAX_PATIENCE_MS = 120'000;
/// Being heard this soon after a move was the move's doing.
constexpr std::uint64_t CONVICT_WITHIN_MS = 1'500;
/// An answer this soon is a prompt one, and so many in a row make a peer one that answers.
constexpr std::uint64_t PROMPT_MS = 1'000;
constexpr std::uint8_t PROMPT_ENOUGH = 3;
constexpr int MAX_PROMPT_WANTED = 48;
/// A relay is convicted when the peer, having been heard soon after the move, answers promptly so often on the new route.
constexpr std::uint8_t TRIAL_ANSWERS = 2;
/// The peer has gone over to another relay when so many packets in a row came over that: a full socket sends a few astray.
constexpr std::uint8_t STRAYS_ENOUGH = 3;
constexpr std::uint32_t FOLLOW_AFTER_MS = 4'000;

// ---- what convictions cost

constexpr std::uint32_t AVOID_S = 30;
constexpr std::uint32_t MAX_AVOID_DOUBLINGS = 6;
constexpr std::uint32_t BLAME_LAST_CHOICE = 3;
constexpr std::uint32_t BLAME_DROPPED = 5;
/// One conviction is forgiven after each such time without another.
constexpr std::uint64_t FORGIVE_MS = 600'000;
constexpr std::uint64_t PENALTY_MS = 60'000;
constexpr std::uint32_t MAX_PENALTY_DOUBLINGS = 6;

std::uint32_t patience_with(const Connection &peer) {
    return peer.patience == 0 ? PATIENCE_MS : peer.patience;
}

bool answers_promptly(const Connection &peer) {
    return peer.prompt >= peer.prompt_wanted;
}

/// Whether its silence, if it is silent at all, moves its traffic no more. A peer that has not been answering promptly is
/// left one move for each silence; for another, all routes are tried, and then all again, as it may be its own that drops:
/// it learns from our moves that we do not hear it.
bool is_at_an_end(const Connection &peer) {
    return peer.waiting_since == 0 || peer.sending == NO_ROUTE ||
           (peer.tried != 0 && (!answers_promptly(peer) || patience_with(peer) == MAX_PATIENCE_MS));
}

/// When it does.
std::uint64_t move_time(const Connection &peer) {
    return (peer.tried == 0 ? peer.waiting_since : peer.moved_at) + patience_with(peer);
}

bool is_silent(const Relay &relay) {
    return relay.sent_since != 0 && relay.link->client.last_heard < relay.sent_since;
}

std::uint64_t probe_time(const Tcp_Connections &c, const Relay &relay) {
    const std::uint64_t extra = c.profile == Profile::saver ? SAVER_EXTRA_MS : 0;
    return extra + std::max(relay.link->client.last_heard + PROBE_AFTER_MS, relay.sent_since + PROBE_AFTER_FIRST_MS);
}

std::uint64_t suspect_after(const Relay &relay) {
    return std::clamp<std::uint64_t>(2 * relay.link->client.round_trip, SUSPECT_AFTER_MS, SUSPECT_AFTER_MOST_MS);
}

bool ping_is_out(const Relay &relay) {
    return relay.link->client.ping_id != 0;
}

/// Calls `visit(peer slot, route)` for every connection whose data this relay carries: it has at most 240.
template <class Visit>
void for_each_carried(Tcp_Connections &c, const Relay &relay, Visit visit) {
    if (relay.carries == 0) {
        return; // as one that is not connected
    }
    const Relay_Client &client = relay.link->client;
    for (std::size_t i = 0; i < MAX_ROUTES; ++i) {
        if (client.online[i]) {
            const std::uint32_t name = client.numbers[i];
            if (c.peers[connection_of(name)].sending == route_of(name)) {
                visit(connection_of(name), route_of(name));
            }
        }
    }
}

void doubt(Tcp_Connections &c, Relay &relay) {
    relay.doubted = true;
    for_each_carried(c, relay, [&](std::uint32_t peer_slot, std::uint32_t route) {
        for (std::uint32_t other = 0; other < MAX_FRIEND_TCP_CONNECTIONS; ++other) {
            const Connection &peer = c.peers[peer_slot];
            if (other != route && route_usable(c, peer, other)) {
                Relay &next = c.relays[peer.routes[other].relay];
                if (c.now - next.link->client.last_heard > DOUBT_AFTER_MS) {
                    // As if data had been sent: in doubt until it answers, and suspect if it does not.
                    relay_ping(next.link->client, c.now);
                    next.doubted = true;
                    next.sent_since = is_silent(next) ? next.sent_since : c.now;
                    flush_relay(c, peer.routes[other].relay);
                    wake_relay_at(c, peer.routes[other].relay, health_deadline(c, next));
                }
            }
        }
    });
}

void suspect(Tcp_Connections &c, std::uint32_t slot) {
    Relay &relay = c.relays[slot];
    relay.suspect = true;
    ++relay.suspicions;
    report(c, Change_Kind::relay_suspect, {.relay = slot, .reason = Reason::ping_timeout});
    for_each_carried(c, relay, [&](std::uint32_t peer, std::uint32_t) {
        set_sending(c, peer, best_route(c, c.peers[peer], 0), Reason::ping_timeout);
    });
}

/// It may be that nobody has tried for a while whether the socket takes something: a ping does.
void check_full(Tcp_Connections &c, std::uint32_t slot) {
    Relay &relay = c.relays[slot];
    relay_ping(relay.link->client, c.now);
    flush_relay(c, slot);
    relay.full_since = 0;
    if (relay_pending(relay.link->client).empty()) {
        return;
    }
    if (relay.took_since) {
        note_full(c, slot);
    } else {
        relay_end(relay.link->client, Reason::stuck);
    }
}

/// Others suffice: three more are connected, and none of its peers is online here only.
bool others_suffice(const Tcp_Connections &c, const Relay &relay) {
    return c.connected > RECOMMENDED_FRIEND_TCP_CONNECTIONS &&
           std::all_of(relay.tied.begin(), relay.tied.end(), [&c](std::uint32_t name) {
               const Connection &peer = c.peers[connection_of(name)];
               return peer.routes[route_of(name)].step != Route_Step::online || peer.online > 1;
           });
}

void avoid(Tcp_Connections &c, Route &route) {
    const auto seconds = static_cast<std::uint32_t>(c.now / 1000);
    route.avoid_until = std::max(route.avoid_until, seconds + (AVOID_S << route.convictions));
}

void convict(Tcp_Connections &c, std::uint32_t peer_slot, std::uint8_t route_index) {
    Connection &peer = c.peers[peer_slot];
    Route &route = peer.routes[route_index];
    const std::uint16_t slot = route.relay;
    Relay &relay = c.relays[slot];
    ++peer.convictions;
    ++relay.convictions;
    avoid(c, route);
    route.convictions = static_cast<std::uint8_t>(std::min<std::uint32_t>(route.convictions + 1U, MAX_AVOID_DOUBLINGS));
    report(c, Change_Kind::relay_convicted, {.relay = slot, .peer = peer_slot, .reason = Reason::convicted});

    if (c.now >= relay.forgive_at) {
        const std::uint64_t times = relay.forgive_at == 0 ? 0 : 1 + (c.now - relay.forgive_at) / FORGIVE_MS;
        relay.blame -= static_cast<std::uint32_t>(std::min<std::uint64_t>(times, relay.blame));
    }
    relay.forgive_at = c.now + FORGIVE_MS;
    if (++relay.blame >= BLAME_LAST_CHOICE) {
        relay.penalty_until = c.now + (PENALTY_MS << std::min(relay.penalties, MAX_PENALTY_DOUBLINGS));
        ++relay.penalties;
        for_each_carried(c, relay, [&](std::uint32_t other, std::uint32_t) {
            set_sending(c, other, best_route(c, c.peers[other], 0), Reason::convicted);
        });
    }
    if (relay.blame >= BLAME_DROPPED && is_connected(relay) && others_suffice(c, relay)) {
        relay_end(relay.link->client, Reason::convicted);
        wake_relay_at(c, slot, c.now);
    }
}

/// The move was for nothing: it takes more to be taken for a peer that answers promptly, and be moved for again.
void acquit(Connection &peer) {
    peer.accused = NO_ROUTE;
    peer.prompt_wanted = static_cast<std::uint8_t>(std::min(2 * peer.prompt_wanted, MAX_PROMPT_WANTED));
}

/// Being heard soon after our traffic had moved tells that the route it left delivered nothing, or that the one did which
/// the peer has left meanwhile. If these are over the same relay, or the peer has stayed where it was, it is clear which;
/// and a peer that was never heard before has left none.
void accuse(Tcp_Connections &c, std::uint32_t peer_slot, std::uint8_t heard_over) {
    Connection &peer = c.peers[peer_slot];
    if (c.now > peer.moved_at + CONVICT_WITHIN_MS) {
        acquit(peer);
    } else if (peer.settled == heard_over || peer.settled == peer.accused || peer.settled == NO_ROUTE) {
        peer.trial = 1;
    } else {
        peer.accused = NO_ROUTE;
        avoid(c, peer.routes[peer.settled]);
        if (peer.sending == peer.settled && route_usable(c, peer, heard_over)) {
            set_sending(c, peer_slot, heard_over, Reason::convicted);
        }
    }
}

/// What an answer after this long a silence tells of the peer.
void note_answer(Tcp_Connections &c, std::uint32_t peer_slot, std::uint64_t silence, bool on_trial) {
    Connection &peer = c.peers[peer_slot];
    const bool is_prompt = silence <= PROMPT_MS;
    // One slow answer does not make a slow peer of one that has long been prompt.
    peer.prompt =
        static_cast<std::uint8_t>(is_prompt ? std::min(peer.prompt + 1, 2 * peer.prompt_wanted) : peer.prompt / 2);
    if (is_prompt && answers_promptly(peer)) {
        peer.patience = 0;
    } else if (!is_prompt) {
        // The longest of its last silences counts, those of long ago less and less.
        const std::uint64_t remembered = peer.patience - peer.patience / 64;
        peer.patience = static_cast<std::uint32_t>(
            std::clamp<std::uint64_t>(std::max(2 * silence, remembered), PATIENCE_MS, MAX_PATIENCE_MS));
    }
    if (on_trial) {
        const std::uint8_t accused = peer.accused;
        if (!is_prompt) {
            acquit(peer); // it is the peer that is slow
        } else if (++peer.trial > TRIAL_ANSWERS) {
            peer.accused = NO_ROUTE;
            peer.prompt_wanted = PROMPT_ENOUGH;
            peer.patience = 0; // the silence was not the peer's
            convict(c, peer_slot, accused);
        }
    }
}

void follow_peer(Tcp_Connections &c, std::uint32_t peer_slot) {
    Connection &peer = c.peers[peer_slot];
    if (peer.follow_after == 0) {
        return;
    }
    if (const std::uint64_t at = peer.moved_at + peer.follow_after; c.now < at) {
        wake_peer_at(c, peer_slot, at);
        return;
    }
    peer.follow_after = 0;
    const std::uint8_t to = peer.settled;
    if (to != NO_ROUTE && peer.sending != NO_ROUTE && route_usable(c, peer, to) &&
        route_penalty(c, peer.routes[to]) <= route_penalty(c, peer.routes[peer.sending])) {
        set_sending(c, peer_slot, to, Reason::none);
    }
}

void note_settled(Tcp_Connections &c, std::uint32_t peer_slot, std::uint8_t route) {
    Connection &peer = c.peers[peer_slot];
    peer.strays = peer.receiving == route ? static_cast<std::uint8_t>(peer.strays + 1) : std::uint8_t{1};
    if (peer.settled != NO_ROUTE && peer.strays < STRAYS_ENOUGH) {
        return;
    }
    const bool has_moved = peer.settled != NO_ROUTE;
    peer.settled = route;
    peer.strays = 0;
    if (has_moved && peer.sending != route) {
        // Two who have both just moved would otherwise follow each other for ever.
        const bool has_stayed = c.now >= peer.moved_at + FOLLOW_AFTER_MS;
        peer.follow_after =
            static_cast<std::uint16_t>(FOLLOW_AFTER_MS + (has_stayed ? 0 : random_below(c, FOLLOW_AFTER_MS)));
        follow_peer(c, peer_slot);
    }
}

} // namespace

std::uint32_t route_penalty(const Tcp_Connections &c, const Route &route) {
    const Relay &relay = c.relays[route.relay];
    return (relay.suspect ? 8U : 0U) | (relay.penalty_until > c.now ? 4U : 0U) |
           (route.avoid_until > c.now / 1000 ? 2U : 0U) | (relay.doubted ? 1U : 0U);
}

void note_sent(Tcp_Connections &c, std::uint32_t peer_slot, std::uint32_t route) {
    Connection &peer = c.peers[peer_slot];
    const std::uint16_t slot = peer.routes[route].relay;
    Relay &relay = c.relays[slot];
    if (!is_silent(relay)) {
        relay.sent_since = std::max<std::uint64_t>(c.now, relay.link->client.last_heard + 1);
        wake_relay_at(c, slot, health_deadline(c, relay));
    }
    if (peer.waiting_since == 0) {
        peer.waiting_since = c.now;
        wake_peer_at(c, peer_slot, c.now + patience_with(peer));
    }
}

void note_heard(Tcp_Connections &c, std::uint32_t peer_slot, std::uint8_t route) {
    Connection &peer = c.peers[peer_slot];
    const std::uint64_t waiting_since = peer.waiting_since;
    const bool was_on_trial = peer.accused != NO_ROUTE && peer.trial != 0;
    if (peer.accused != NO_ROUTE && !was_on_trial) {
        accuse(c, peer_slot, route);
    }
    if (peer.settled == route) {
        peer.strays = 0;
    } else {
        note_settled(c, peer_slot, route);
    }
    peer.heard_at = c.now;
    peer.receiving = route;
    peer.tried = 0;
    if (waiting_since != 0) {
        peer.waiting_since = 0;
        // The answer that opens a trial ends the long silence, and says nothing of how prompt the peer is.
        note_answer(c, peer_slot, c.now - waiting_since, was_on_trial);
    }
}

void note_full(Tcp_Connections &c, std::uint32_t slot) {
    Relay &relay = c.relays[slot];
    if (relay.full_since == 0 && is_connected(relay)) {
        relay.full_since = c.now;
        relay.took_since = false;
        wake_relay_at(c, slot, health_deadline(c, relay));
    }
}

void note_relay_heard(Tcp_Connections &c, std::uint32_t slot) {
    Relay &relay = c.relays[slot];
    if (relay.link == nullptr || relay.link->client.last_heard != c.now) {
        return;
    }
    relay.doubted = false;
    relay.prove_until = 0;
    if (relay.suspect) {
        relay.suspect = false;
        report(c, Change_Kind::relay_trusted, {.relay = slot});
    }
}

std::uint64_t health_deadline(const Tcp_Connections &c, const Relay &relay) {
    if (!is_connected(relay)) {
        return NEVER;
    }
    const std::uint64_t end = std::min(relay.prove_until == 0 ? NEVER : relay.prove_until,
                                       relay.full_since == 0 ? NEVER : relay.full_since + STUCK_AFTER_MS);
    if (relay.suspect || !is_silent(relay)) {
        return end;
    }
    if (!ping_is_out(relay)) {
        return std::min(end, probe_time(c, relay));
    }
    const std::uint64_t asked = std::max(relay.link->client.ping_sent, probe_time(c, relay));
    return std::min(end, asked + (relay.doubted ? suspect_after(relay) : DOUBT_AFTER_MS));
}

void check_relay_health(Tcp_Connections &c, std::uint32_t slot) {
    Relay &relay = c.relays[slot];
    if (c.now < health_deadline(c, relay)) {
        return;
    }
    if (relay.prove_until != 0 && c.now >= relay.prove_until) {
        relay_end(relay.link->client, Reason::network_changed);
    } else if (relay.full_since != 0 && c.now >= relay.full_since + STUCK_AFTER_MS) {
        check_full(c, slot);
    } else if (!ping_is_out(relay)) {
        relay_ping(relay.link->client, c.now);
    } else if (!relay.doubted) {
        doubt(c, relay);
    } else {
        suspect(c, slot);
    }
}

std::uint64_t silence_deadline(const Connection &peer) {
    const std::uint64_t follow = peer.follow_after == 0 ? NEVER : peer.moved_at + peer.follow_after;
    return std::min(follow, is_at_an_end(peer) ? NEVER : move_time(peer));
}

void check_peer_silence(Tcp_Connections &c, std::uint32_t slot) {
    Connection &peer = c.peers[slot];
    follow_peer(c, slot);
    if (is_at_an_end(peer)) {
        return;
    }
    if (const std::uint64_t due = move_time(peer); c.now < due) {
        wake_peer_at(c, slot, due);
        return;
    }
    const std::uint8_t old = peer.sending;
    std::uint32_t tried = peer.tried | 1U << old;
    std::uint8_t next = best_route(c, peer, tried);
    if (next == NO_ROUTE) {
        tried = 1U << old;
        next = best_route(c, peer, tried);
    }
    if (next == NO_ROUTE || c.relays[peer.routes[next].relay].suspect) {
        return;
    }
    set_sending(c, slot, next, Reason::convicted);
    peer.tried = static_cast<std::uint8_t>(tried);
    peer.accused = old;
    peer.trial = 0;
    peer.patience = std::min(2 * patience_with(peer), MAX_PATIENCE_MS);
    wake_peer_at(c, slot, c.now + patience_with(peer));
}

} // namespace toxtcp
