// The tick: reads the sockets, does what is due, reports changes. Also makes and destroys a Tcp_Connections.
#include <sodium.h>

#include <algorithm>
#include <bit>
#include <iterator>
#include <new>

#include "connections/changes.h"
#include "connections/peers.h"
#include "connections/prune.h"
#include "connections/reconnect.h"
#include "connections/relays.h"
#include "connections/traffic.h"

namespace toxtcp {

namespace {

/// When a deadline is overdue by this much, the host was asleep or did not tick: sockets may have died in that time.
constexpr std::uint64_t SUSPENDED_MS = 20'000;

/// How often the host is asked whether its network has changed. It is asked at once when NETWORK_TAG is ready.
constexpr std::uint64_t ASK_NETWORK_MS = 250;

/// Finds the route of the event's routing id. False when the id has no reference, or its reference is outdated.
bool find_route_of(const Tcp_Connections &c, std::uint32_t relay_slot, const Relay_Event &event, std::uint32_t &peer,
                   std::uint8_t &route) {
    if (event.reference == NO_REFERENCE) {
        return false;
    }
    peer = connection_of(event.reference);
    route = route_of(event.reference);
    const Route &found = c.peers[peer].routes[route];
    return found.relay == relay_slot && found.id == event.packet.id;
}

void count_packet(Connection &peer, std::uint8_t route, Bytes data) {
    peer.receiving = route;
    ++peer.traffic.packets_received;
    peer.traffic.bytes_received += data.size();
}

/// A packet in the form of an echo: handled here, or for the host's own net_crypto.
void deliver_echo(Tcp_Connections &c, std::uint32_t peer_slot, std::uint8_t route, Bytes data) {
    if (handle_echo(c, peer_slot, route, data)) {
        return;
    }
    Connection &peer = c.peers[peer_slot];
    count_packet(peer, route, data);
    if (c.callbacks.data != nullptr) {
        c.answer_peer = peer_slot;
        c.answer_route = route;
        // The result is ignored: a relay may repeat such a packet.
        static_cast<void>(c.callbacks.data(c.callbacks.object, peer.id, data, c.userdata));
        c.answer_peer = NO_SLOT;
    }
}

/// A packet in the peer's name. The host tells whether the packet opens: only then it proves that the peer is heard.
void deliver(Tcp_Connections &c, std::uint32_t peer_slot, std::uint8_t route, Bytes data) {
    static_assert(ECHO_RESPONSE == (ECHO_REQUEST | 1));
    if ((data[0] | 1) == ECHO_RESPONSE) {
        deliver_echo(c, peer_slot, route, data);
        return;
    }
    Connection &peer = c.peers[peer_slot];
    count_packet(peer, route, data);
    const std::uint32_t untie_count = c.untie_count;
    if (c.callbacks.data != nullptr && c.callbacks.data(c.callbacks.object, peer.id, data, c.userdata) &&
        c.untie_count == untie_count) { // otherwise the callback may have ended the connection
        note_heard(c, peer_slot, route);
    }
}

void handle_routing_response(Tcp_Connections &c, std::uint32_t slot, const Packet &packet) {
    Relay_Client &client = c.relays[slot].link->client;
    const std::uint32_t peer_slot = find_peer(c, *reinterpret_cast<const Public_Key *>(packet.public_key));
    const std::uint8_t route = peer_slot == NO_SLOT ? NO_ROUTE : find_route(c.peers[peer_slot], slot);
    const bool requested = route != NO_ROUTE && c.peers[peer_slot].routes[route].step == Route_Step::requested;
    if (packet.id < FIRST_ROUTING_ID) {
        if (requested) {
            set_step(c, peer_slot, route, Route_Step::refused);
        }
    } else if (requested) {
        relay_set_reference(client, packet.id, route_reference(peer_slot, route));
        c.peers[peer_slot].routes[route].id = packet.id;
        set_step(c, peer_slot, route, Route_Step::registered);
    } else {
        relay_leave_route(client, packet.id); // the route is not wanted any more
    }
}

void handle_oob(Tcp_Connections &c, std::uint32_t slot, const Packet &packet) {
    const Public_Key sender = canonical_key(*reinterpret_cast<const Public_Key *>(packet.public_key));
    const std::uint32_t peer = find_peer(c, sender);
    const std::uint8_t route = peer == NO_SLOT ? NO_ROUTE : find_route(c.peers[peer], slot);
    if (route != NO_ROUTE) {
        deliver(c, peer, route, packet.data);
    } else if (!handle_stranger_echo(c, slot, sender, packet.data) && c.callbacks.oob != nullptr) {
        c.callbacks.oob(c.callbacks.object, sender, c.relays.handle(slot), packet.data, c.userdata);
    }
}

void handle_event(Tcp_Connections &c, std::uint32_t slot, const Relay_Event &event) {
    note_cause(c, event.kind == Relay_Event_Kind::pong ? Wake_Cause::pong : Wake_Cause::packet);
    std::uint32_t peer = NO_SLOT;
    std::uint8_t route = NO_ROUTE;
    Traffic &traffic = c.relays[slot].traffic;
    traffic.packets_received += !event.packet.data.empty();
    traffic.bytes_received += event.packet.data.size();
    switch (event.kind) {
    case Relay_Event_Kind::data:
        if (find_route_of(c, slot, event, peer, route)) {
            deliver(c, peer, route, event.packet.data);
        }
        break;
    case Relay_Event_Kind::confirmed:
        relay_came_up(c, slot);
        break;
    case Relay_Event_Kind::routing_response:
        handle_routing_response(c, slot, event.packet);
        break;
    case Relay_Event_Kind::peer_online:
        if (find_route_of(c, slot, event, peer, route)) {
            set_step(c, peer, route, Route_Step::online);
        }
        break;
    case Relay_Event_Kind::peer_offline:
        if (find_route_of(c, slot, event, peer, route)) {
            set_step(c, peer, route, Route_Step::registered);
        }
        break;
    case Relay_Event_Kind::oob:
        handle_oob(c, slot, event.packet);
        break;
    case Relay_Event_Kind::onion:
        if (c.callbacks.onion != nullptr) {
            c.callbacks.onion(c.callbacks.object, event.packet.data, c.userdata);
        }
        break;
    case Relay_Event_Kind::forwarding:
        if (c.callbacks.forwarding != nullptr) {
            c.callbacks.forwarding(c.callbacks.object, event.packet.data, c.userdata);
        }
        break;
    case Relay_Event_Kind::pong:
        retry_refused_routes(c, slot);
        break;
    case Relay_Event_Kind::none:
    case Relay_Event_Kind::ended:
        break;
    }
}

/// Handles the packets of the last read. False when a callback ended or replaced the link.
bool handle_input(Tcp_Connections &c, std::uint32_t slot, Relay_Link *link, Mutable_Bytes input) {
    for (;;) {
        const Relay_Event event = relay_next(link->client, input, c.now);
        if (event.kind == Relay_Event_Kind::none || event.kind == Relay_Event_Kind::ended) {
            return true;
        }
        handle_event(c, slot, event);
        if (c.destroy_requested || c.relays[slot].link.get() != link) {
            return false;
        }
    }
}

/// One relay's turn to be read. Returns whether there may be more to read.
bool read_relay(Tcp_Connections &c, std::uint32_t slot) {
    const Mutable_Bytes buffer{c.read_buffer.get(), READ_SIZE};
    Relay_Link *const link = c.relays[slot].link.get();
    bool more = link != nullptr;
    bool came = false;
    for (int i = 0; more && i < READS_PER_TURN; ++i) {
        const std::size_t asked = relay_missing(link->client).size() + buffer.size();
        Mutable_Bytes input;
        const std::size_t got = link_receive(*link, c.context.host, buffer, input);
        came = came || got != 0;
        if (got != 0 && !handle_input(c, slot, link, input)) {
            return false;
        }
        more = got == asked && link->client.phase != Relay_Phase::ended;
    }
    if (link == nullptr) {
        return false;
    }
    if (handle_ended_link(c, slot)) {
        note_cause(c, Wake_Cause::packet);
        return false;
    }
    if (came && link->client.ping_heard == c.now) {
        note_cause(c, Wake_Cause::relay_ping);
        retry_refused_routes(c, slot);
        wake_relay_at(c, slot, relay_due(c, c.relays[slot])); // our own ping may have been sent too
    } else if (came && c.causes == 0) {
        note_cause(c, Wake_Cause::packet); // a part of a packet
    }
    note_relay_heard(c, slot);
    relay_flush_control(link->client);
    flush_relay(c, slot);
    request_routes(c, slot);
    return more;
}

bool is_linked(const Tcp_Connections &c, std::uint32_t slot) {
    return slot < c.relays.size() && c.relays.used(slot) && c.relays[slot].link != nullptr;
}

/// Each relay that the host reports ready has one turn. Returns whether there may be more to read.
bool read_ready(Tcp_Connections &c) {
    const Host &host = c.context.host;
    std::array<Ready, READY_PORTION> ready;
    const std::size_t count = host.ready(host.object, ready);
    bool more = count == ready.size();
    for (std::size_t i = 0; i < count && !c.destroy_requested; ++i) {
        if (ready[i].writable && is_linked(c, ready[i].tag)) {
            note_cause(c, Wake_Cause::room);
            flush_relay(c, ready[i].tag);
            request_routes(c, ready[i].tag);
        }
        if (ready[i].readable && is_linked(c, ready[i].tag)) {
            more = read_relay(c, ready[i].tag) || more;
        } else if (ready[i].tag == NETWORK_TAG) {
            note_cause(c, Wake_Cause::request);
            c.ask_network_at = 0;
        }
    }
    return more;
}

/// The same for a host that cannot report readiness: every relay has a turn.
bool read_all(Tcp_Connections &c) {
    bool more = false;
    for (std::uint32_t slot = 0; slot < c.relays.size() && !c.destroy_requested; ++slot) {
        if (is_linked(c, slot)) {
            flush_relay(c, slot);
            more = read_relay(c, slot) || more;
        }
    }
    return more;
}

void serve_due(Tcp_Connections &c) {
    // The number is limited: a relay or peer that is due again at once may wait for the next tick.
    for (std::uint32_t i = 0; i < 2 * c.relays.count() && c.relay_deadlines.first() <= c.now; ++i) {
        serve_relay(c, c.relay_deadlines.first_slot());
    }
    for (std::uint32_t i = 0; i < c.peers.count() && c.peer_deadlines.first() <= c.now; ++i) {
        serve_peer(c, c.peer_deadlines.first_slot());
    }
    if (c.prune_at <= c.now) {
        note_cause(c, Wake_Cause::prune);
        prune_relays(c);
    }
    if (c.network_check_failed) {
        c.network_check_failed = false;
        schedule_reconnects(c);
    }
    if (c.pinged) {
        c.pinged = false;
        coalesce_pings(c);
    }
    if (c.reconnect_at <= c.now || (c.causes != 0 && c.coalesced_reconnect_at <= c.now)) {
        note_cause(c, Wake_Cause::retry);
        reconnect(c);
    }
}

/// Counts the tick for the first of its causes.
void count_wake(Tcp_Connections &c) {
    std::uint64_t Wake_Counts::*const counts[] = {
        &Wake_Counts::packet, &Wake_Counts::relay_ping, &Wake_Counts::pong, &Wake_Counts::room,  &Wake_Counts::ping,
        &Wake_Counts::probe,  &Wake_Counts::retry,      &Wake_Counts::peer, &Wake_Counts::prune, &Wake_Counts::request};
    static_assert(std::size(counts) == static_cast<std::size_t>(Wake_Cause::request) + 1);
    ++c.wakes.ticks;
    ++(c.causes == 0 ? c.wakes.spurious : c.wakes.*counts[std::countr_zero(c.causes)]);
}

/// Frees one link at a time: destroying a long list at once would recurse as deep as the list is long.
void free_retired_links(Tcp_Connections &c) {
    while (c.retired_links != nullptr) {
        c.retired_links = std::move(c.retired_links->next);
    }
}

void destroy(Tcp_Connections *c) {
    for (std::uint32_t slot = 0; slot < c->relays.size(); ++slot) {
        if (c->relays.used(slot) && c->relays[slot].link != nullptr) {
            link_close(*c->relays[slot].link, c->context.host, Reason::killed);
        }
    }
    Host *const own_host = c->own_host;
    delete c;
    kill_system_host(own_host);
}

bool is_complete(const Host &host) {
    const bool readiness = host.watch != nullptr;
    return host.connect != nullptr && host.send != nullptr && host.receive != nullptr && host.close != nullptr &&
           host.now != nullptr && host.random != nullptr && readiness == (host.ready != nullptr) &&
           readiness == (host.descriptor != nullptr) && (readiness || host.wait == nullptr);
}

} // namespace

// ---- what the other files use ----------------------------------------------------------------------------------

Tcp_Connections::Tcp_Connections(const Tcp_Connections_Def &def, const Host &host)
    : context{host, {public_key_of(def.secret_key), def.secret_key}, def.proxy}, callbacks(def.callbacks),
      profile(def.profile), answer_echoes(def.answer_echoes), proves_packets(def.proves_packets),
      now(host.now(host.object)), read_buffer(new std::uint8_t[READ_SIZE]), batch_buffer(new std::uint8_t[BATCH_SIZE]) {
    host.random(host.object, hash_key);
    echo_tag = random_below(*this, UINT32_MAX) & 0x1FFFFFFFU;
}

std::uint32_t random_below(const Tcp_Connections &c, std::uint32_t limit) {
    std::array<std::uint8_t, sizeof(std::uint64_t)> bytes;
    c.context.host.random(c.context.host.object, bytes);
    std::uint64_t value = 0; // little-endian, so that a simulation is the same on every machine
    for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte) {
        value = value << 8 | *byte;
    }
    return static_cast<std::uint32_t>(value % limit); // 64 bits: the bias is negligible
}

void log(const Tcp_Connections &c, Log_Level level, const char *message) {
    if (c.context.host.log != nullptr) {
        c.context.host.log(c.context.host.object, level, message);
    }
}

void log(const Tcp_Connections &c, Log_Level level, const std::string &message) {
    log(c, level, message.c_str());
}

void drop_stale_deadlines(Tcp_Connections &c) {
    for (std::uint64_t at = c.relay_deadlines.first(); at < Deadlines::LATEST; at = c.relay_deadlines.first()) {
        const std::uint32_t slot = c.relay_deadlines.first_slot();
        const std::uint64_t due = relay_due(c, c.relays[slot]);
        if (due <= at || has_work(c.relays[slot])) {
            break;
        }
        c.relay_deadlines.set(slot, due);
    }
    for (std::uint64_t at = c.peer_deadlines.first(); at < Deadlines::LATEST; at = c.peer_deadlines.first()) {
        const std::uint32_t slot = c.peer_deadlines.first_slot();
        const std::uint64_t due = peer_due(c.peers[slot]);
        if (at <= c.now || due <= at) {
            break;
        }
        c.peer_deadlines.set(slot, due);
    }
}

// ---- public ----------------------------------------------------------------------------------------------------

Tcp_Connections *new_tcp_connections(const Tcp_Connections_Def &def) {
    if (sodium_init() < 0 || !proxy_is_usable(def.proxy) || (def.host != nullptr && !is_complete(*def.host))) {
        return nullptr;
    }
    Host *const own_host = def.host == nullptr ? new_system_host() : nullptr;
    const Host *const host = def.host == nullptr ? own_host : def.host;
    if (host == nullptr) {
        return nullptr;
    }
    try {
        auto *const c = new Tcp_Connections(def, *host);
        c->own_host = own_host;
        return c;
    } catch (const std::bad_alloc &) {
        kill_system_host(own_host);
        return nullptr;
    }
}

void kill_tcp_connections(Tcp_Connections *c) {
    if (c == nullptr) {
        return;
    }
    if (c->ticking) {
        c->destroy_requested = true;
    } else {
        destroy(c);
    }
}

void set_callbacks(Tcp_Connections *c, const Callbacks &callbacks) {
    c->callbacks = callbacks;
}

void do_tcp_connections(Tcp_Connections *c, void *userdata) {
    if (c->ticking) {
        return; // called from a callback: the running tick does the work
    }
    c->ticking = true;
    c->userdata = userdata;
    c->now = time_now(*c);
    c->causes = 0;
    const Host &host = c->context.host;
    if (c->connected != 0 && c->relay_deadlines.first() + SUSPENDED_MS < c->now) {
        c->network_changed = true;
    }
    if (c->network_changed || !c->changes.empty()) {
        note_cause(*c, Wake_Cause::request);
    }
    bool more = true;
    for (int turn = 0; more && turn < TURNS_PER_TICK && !c->destroy_requested; ++turn) {
        more = host.ready != nullptr ? read_ready(*c) : read_all(*c);
    }
    if (!c->destroy_requested) {
        if (c->now >= c->ask_network_at && host.network_changed != nullptr) {
            c->ask_network_at = c->now + ASK_NETWORK_MS;
            c->network_changed = host.network_changed(host.object) || c->network_changed;
        }
        if (c->network_changed) {
            note_cause(*c, Wake_Cause::request);
            start_network_check(*c);
        }
        serve_due(*c);
        if (!c->changes.empty()) {
            report_changes(*c);
        }
    }
    if (!c->destroy_requested) {
        drop_stale_deadlines(*c);
        count_wake(*c);
    }
    free_retired_links(*c);
    c->ticking = false;
    c->userdata = nullptr;
    if (c->destroy_requested) {
        destroy(c);
    }
}

std::uint64_t tcp_connections_deadline(const Tcp_Connections *c) {
    if (!c->changes.empty() || c->network_changed) {
        return c->now;
    }
    return std::min({c->relay_deadlines.first(), c->peer_deadlines.first(), c->prune_at, c->reconnect_at});
}

int tcp_connections_timeout(const Tcp_Connections *c) {
    const std::uint64_t deadline = tcp_connections_deadline(c);
    if (deadline == NEVER) {
        return -1;
    }
    const std::uint64_t now = time_now(*c);
    return deadline <= now ? 0 : static_cast<int>(std::min<std::uint64_t>(deadline - now, INT32_MAX));
}

bool tcp_connections_wait(const Tcp_Connections *c, int milliseconds) {
    const Host &host = c->context.host;
    if (c->ticking || host.wait == nullptr) {
        return false;
    }
    const int due = tcp_connections_timeout(c);
    const bool is_limited = milliseconds >= 0 && (due < 0 || milliseconds < due);
    return host.wait(host.object, is_limited ? milliseconds : due) || tcp_connections_timeout(c) == 0;
}

int tcp_connections_descriptor(const Tcp_Connections *c) {
    const Host &host = c->context.host;
    return host.descriptor == nullptr ? -1 : host.descriptor(host.object);
}

Wake_Counts tcp_connections_wakes(const Tcp_Connections *c) {
    return c->wakes;
}

void tcp_connections_network_changed(Tcp_Connections *c) {
    c->network_changed = true;
}

const Public_Key &tcp_connections_public_key(const Tcp_Connections *c) {
    return c->context.self.public_key;
}

} // namespace toxtcp
