// The relay array: adding, connecting, up, down, gone.
#include <algorithm>
#include <new>

#include "connections/state.h"

namespace toxtcp {

namespace {

void log_end(const Tcp_Connections &c, const Relay &relay, Reason reason) {
    // That it ended is worth a line; that it is still away is not, each time it is tried.
    const Log_Level level = relay.attempts == 0 ? Log_Level::warning : Log_Level::debug;
    try {
        log(c, level,
            "relay " + to_string(relay.key).substr(0, 8) + " at " + to_string(relay.address) + ": " +
                to_string(reason));
    } catch (const std::bad_alloc &) {
        log(c, level, to_string(reason));
    }
}

/// What a relay's deadline, when it comes, is for.
void note_relay_causes(Tcp_Connections &c, const Relay &relay) {
    if (retry_deadline(c, relay) <= c.now) {
        note_cause(c, Wake_Cause::retry);
    }
    if (relay.link == nullptr) {
        return;
    }
    if (is_asked(relay)) {
        note_cause(c, Wake_Cause::asked);
    }
    if (relay_deadline(relay.link->client) <= c.now) {
        note_cause(c, is_connected(relay) ? Wake_Cause::ping : Wake_Cause::retry);
    }
    if (health_deadline(c, relay) <= c.now) {
        note_cause(c, Wake_Cause::probe);
    }
}

} // namespace

bool is_asked(const Relay &relay) {
    return relay.link != nullptr &&
           (relay.link->client.phase == Relay_Phase::ended || (is_connected(relay) && relay.unasked != 0));
}

std::uint64_t relay_due(const Tcp_Connections &c, const Relay &relay) {
    std::uint64_t due = retry_deadline(c, relay);
    if (relay.link != nullptr) {
        due = std::min({due, relay_deadline(relay.link->client), health_deadline(c, relay)});
    }
    return due;
}

void ping_along(Tcp_Connections &c) {
    for (std::uint32_t slot = 0; slot < c.relays.size(); ++slot) {
        if (!c.relays.used(slot) || !is_connected(c.relays[slot])) {
            continue;
        }
        Relay &relay = c.relays[slot];
        if (relay.link->client.ping_id == 0 && relay_ping_due(relay.link->client) <= c.now + PING_TOGETHER_MS) {
            relay_ping(relay.link->client, c.now);
            flush_relay(c, slot);
            wake_relay_at(c, slot, relay_due(c, relay));
        }
    }
}

void consider_sparing(Tcp_Connections &c, std::uint32_t slot) {
    const Relay &relay = c.relays[slot];
    if (relay.link == nullptr) {
        return;
    }
    // Which relay carries a peer's data is chosen by round trips, which only our own pings tell.
    relay.link->client.sparing = c.profile == Profile::saver || relay.online == 0;
    wake_relay_at(c, slot, relay_due(c, relay));
}

std::uint32_t find_relay(const Tcp_Connections &c, const Public_Key &key) {
    return c.relay_index.find(key);
}

Error add_relay(Tcp_Connections &c, const Ip_Port &address, const Public_Key &key, std::uint32_t &slot) {
    slot = NO_SLOT;
    try {
        slot = c.relays.add();
        if (slot == NO_SLOT) {
            return Error::limit;
        }
        c.relays[slot].key = key;
        c.relays[slot].address = address;
        c.relays[slot].rank = random_below(c, UINT32_MAX);
        c.relay_deadlines.reserve(c.relays.size());
        c.relay_index.insert(slot);
    } catch (const std::bad_alloc &) {
        if (slot != NO_SLOT) {
            c.relays.remove(slot);
        }
        return Error::no_memory;
    }
    if (!connect_relay(c, slot)) {
        c.relay_index.erase(slot);
        c.relays.remove(slot);
        return Error::not_online;
    }
    return Error::ok;
}

bool connect_relay(Tcp_Connections &c, std::uint32_t slot) {
    Relay &relay = c.relays[slot];
    relay.link.reset(new (std::nothrow) Relay_Link);
    if (relay.link == nullptr || !link_open(*relay.link, c.context, relay.address, relay.key, slot, c.now)) {
        relay.link.reset();
        return false;
    }
    relay.state = Relay_State::connecting;
    ++c.connecting;
    wake_relay_at(c, slot, relay_due(c, relay));
    return true;
}

void relay_came_up(Tcp_Connections &c, std::uint32_t slot) {
    Relay &relay = c.relays[slot];
    relay.state = Relay_State::connected;
    relay.was_up = true;
    relay.attempts = 0;
    relay.up_since = relay.used_since = c.now;
    --c.connecting;
    ++c.connected;
    report(c, Change_Kind::relay_up, {.relay = slot});
    mark_onion(c, slot);
    hold_by(c, judged_at(c, relay));
    consider_sparing(c, slot);
    ask_for_routes(c, slot);
    if (c.outage) {
        outage_is_over(c);
    }
}

void relay_went_down(Tcp_Connections &c, std::uint32_t slot, Reason reason) {
    Relay &relay = c.relays[slot];
    log_end(c, relay, reason);
    if (!relay.was_up) {
        remove_relay(c, slot, reason);
        return;
    }
    if (!is_connected(relay)) {
        ++relay.attempts;
    }
    const bool enough = c.connected >= RECOMMENDED_FRIEND_TCP_CONNECTIONS;
    if (relay.tied.empty() && relay.attempts >= MAX_IDLE_ATTEMPTS && enough) {
        remove_relay(c, slot, reason);
        return;
    }
    disconnect_relay(c, slot, reason, Relay_State::waiting);
    plan_retry(c, slot);
    c.proof_failed = c.proof_failed || reason == Reason::network_changed;
    report(c, Change_Kind::relay_down, {.relay = slot, .reason = reason});
}

void disconnect_relay(Tcp_Connections &c, std::uint32_t slot, Reason reason, Relay_State next) {
    Relay &relay = c.relays[slot];
    if (relay.link == nullptr) {
        relay.state = next;
        return;
    }
    const bool was_connected = is_connected(relay);
    link_close(*relay.link, c.context.host, reason);
    relay.last_end = relay.link->client.reason;
    relay.state = next;
    relay.up_since = 0;
    relay.suspect = relay.doubted = false;
    relay.sent_since = relay.prove_until = relay.full_since = 0;
    relay.ask_from = 0;
    if (relay.onion) {
        relay.onion = false;
        --c.onion_relays;
        hold_by(c, c.now);
    }
    if (was_connected) {
        --c.connected;
    } else {
        --c.connecting;
    }
    for (const std::uint32_t name : relay.tied) {
        if (c.peers[connection_of(name)].routes[route_of(name)].step != Route_Step::shed) {
            set_step(c, connection_of(name), route_of(name), Route_Step::none);
        }
    }
    // The bytes of the packet that a callback holds may lie in the link.
    if (c.ticking) {
        relay.link->next = std::move(c.graveyard);
        c.graveyard = std::move(relay.link);
    }
    relay.link.reset();
    c.relay_deadlines.set(slot, NEVER);
    if (was_connected && c.connected == 0) {
        c.outage = true;
    }
}

void remove_relay(Tcp_Connections &c, std::uint32_t slot, Reason reason) {
    Relay &relay = c.relays[slot];
    disconnect_relay(c, slot, reason, Relay_State::waiting);
    report(c, Change_Kind::relay_gone, {.relay = slot, .reason = reason});
    while (!relay.tied.empty()) {
        untie(c, connection_of(relay.tied.back()), route_of(relay.tied.back()));
    }
    c.relay_deadlines.set(slot, NEVER);
    c.relay_index.erase(slot);
    c.relays.remove(slot);
}

bool settle_relay(Tcp_Connections &c, std::uint32_t slot) {
    const Relay_Link *const link = c.relays[slot].link.get();
    if (link == nullptr || link->client.phase != Relay_Phase::ended) {
        return false;
    }
    relay_went_down(c, slot, link->client.reason);
    return true;
}

void flush_relay(Tcp_Connections &c, std::uint32_t slot) {
    Relay &relay = c.relays[slot];
    if (relay.link == nullptr) {
        return;
    }
    if (link_flush(*relay.link, c.context.host, slot)) {
        relay.took_since = true;
    }
    if (!relay_pending(relay.link->client).empty()) {
        note_full(c, slot);
    }
    if (relay.link->client.phase == Relay_Phase::ended) {
        wake_relay_at(c, slot, c.now);
    }
}

void serve_relay(Tcp_Connections &c, std::uint32_t slot) {
    Relay &relay = c.relays[slot];
    note_relay_causes(c, relay);
    c.relay_deadlines.set(slot, NEVER);
    if (relay.link != nullptr) {
        const bool had_pinged = relay.link->client.ping_id != 0;
        relay_tick(relay.link->client, c.now);
        c.pinged = c.pinged || (!had_pinged && relay.link->client.ping_id != 0);
        if (settle_relay(c, slot)) {
            return;
        }
        check_relay_health(c, slot);
        ask_for_routes(c, slot);
        flush_relay(c, slot);
        if (settle_relay(c, slot)) {
            return;
        }
    }
    retry_relay(c, slot);
    wake_relay_at(c, slot, relay_due(c, relay));
}

// ---- public ----------------------------------------------------------------------------------------------------

namespace {

Error check_relay(const Ip_Port &address, const Public_Key &key) {
    const bool known = address.family == Family::ipv4 || address.family == Family::ipv6;
    if (!known || address.port == 0) {
        return Error::bad_address;
    }
    // Our own key is a good one: toxcore's host may run a relay itself, and be found there.
    return key == Public_Key{} ? Error::bad_key : Error::ok;
}

} // namespace

Error add_tcp_relay_global(Tcp_Connections *c, const Ip_Port &address, const Public_Key &relay_key) {
    if (const Error error = check_relay(address, relay_key); error != Error::ok) {
        return error;
    }
    if (find_relay(*c, relay_key) != NO_SLOT) {
        return Error::already;
    }
    enter(*c);
    std::uint32_t slot = NO_SLOT;
    return add_relay(*c, address, relay_key, slot);
}

Error add_tcp_relay_connection(Tcp_Connections *c, int connection, const Ip_Port &address,
                               const Public_Key &relay_key) {
    const std::uint32_t peer = c->peers.find(connection);
    if (peer == NO_SLOT) {
        return Error::bad_number;
    }
    const std::uint32_t known = find_relay(*c, relay_key);
    if (known != NO_SLOT) {
        return add_tcp_number_relay_connection(c, connection, c->relays.number(known));
    }
    if (const Error error = check_relay(address, relay_key); error != Error::ok) {
        return error;
    }
    const Connection &to = c->peers[peer];
    if (to.online >= RECOMMENDED_FRIEND_TCP_CONNECTIONS || find_route(to, NO_RELAY) == NO_ROUTE) {
        return Error::limit;
    }
    enter(*c);
    std::uint32_t slot = NO_SLOT;
    if (const Error error = add_relay(*c, address, relay_key, slot); error != Error::ok) {
        return error;
    }
    const Error error = add_tcp_number_relay_connection(c, connection, c->relays.number(slot));
    if (error != Error::ok) {
        remove_relay(*c, slot, Reason::killed);
    }
    return error;
}

Error kill_tcp_relay_connection(Tcp_Connections *c, int relay) {
    const std::uint32_t slot = c->relays.find(relay);
    if (slot == NO_SLOT) {
        return Error::bad_number;
    }
    enter(*c);
    remove_relay(*c, slot, Reason::killed);
    put_deadlines_right(*c);
    return Error::ok;
}

int tcp_relay(const Tcp_Connections *c, const Public_Key &relay_key) {
    const std::uint32_t slot = find_relay(*c, relay_key);
    return slot == NO_SLOT ? static_cast<int>(Error::bad_key) : c->relays.number(slot);
}

std::uint32_t tcp_connections_count(const Tcp_Connections *c) {
    return c->relays.size();
}

std::uint32_t tcp_connected_relays_count(const Tcp_Connections *c) {
    return c->connected;
}

int tcp_relay_at(const Tcp_Connections *c, std::uint32_t index) {
    const bool used = index < c->relays.size() && c->relays.used(index);
    return used ? c->relays.number(index) : static_cast<int>(Error::bad_number);
}

std::size_t tcp_copy_connected_relays_index(const Tcp_Connections *c, std::span<Node> nodes, std::uint32_t index) {
    std::size_t count = 0;
    const std::uint32_t size = c->relays.size();
    for (std::uint32_t i = 0; i < size && count < nodes.size(); ++i) {
        const std::uint32_t slot = (index % size + i) % size;
        if (c->relays.used(slot) && is_connected(c->relays[slot])) {
            nodes[count++] = {c->relays[slot].key, c->relays[slot].address};
        }
    }
    return count;
}

std::size_t tcp_copy_connected_relays(const Tcp_Connections *c, std::span<Node> nodes) {
    const std::uint32_t size = c->relays.size();
    return size == 0 ? 0 : tcp_copy_connected_relays_index(c, nodes, random_below(*c, size));
}

bool tcp_get_random_conn_ip_port(const Tcp_Connections *c, Ip_Port &address) {
    Node node;
    if (tcp_copy_connected_relays(c, {&node, 1}) == 0) {
        return false;
    }
    address = node.address;
    return true;
}

} // namespace toxtcp
