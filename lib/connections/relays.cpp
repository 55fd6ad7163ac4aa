// Relays: add, connect, connection up or down, remove; and the public functions for relays.
#include "connections/relays.h"

#include <algorithm>
#include <new>

#include "connections/changes.h"
#include "connections/peers.h"
#include "connections/prune.h"
#include "connections/reconnect.h"
#include "connections/traffic.h"
#include "policy/prune.h"

namespace toxtcp {

namespace {

/// The end of a relay's connection is logged as a warning this often, and at debug level otherwise.
constexpr std::uint64_t LOG_EVERY_MS = 3'600'000;

std::string endpoint_text(const Relay_Endpoint &endpoint) {
    return endpoint.name == nullptr ? to_string(endpoint.address)
                                    : *endpoint.name + ':' + std::to_string(endpoint.address.port);
}

/// Why the proxy refused, in brackets.
std::string proxy_text(const Tcp_Connections &c, const Relay &relay) {
    const std::string text =
        relay.link == nullptr ? "" : proxy_status_text(c.context.proxy.type, relay.link->client.proxy_status);
    return text.empty() ? text : " (" + text + ')';
}

void log_end(Tcp_Connections &c, Relay &relay, Reason reason) {
    const bool is_news = relay.logged_at == 0 || c.now >= relay.logged_at + LOG_EVERY_MS;
    const Log_Level level = is_news ? Log_Level::warning : Log_Level::debug;
    relay.logged_at = is_news ? c.now : relay.logged_at;
    try {
        log(c, level,
            "relay " + to_string(relay.key).substr(0, 8) + " at " + endpoint_text(current_endpoint(relay.addresses)) +
                ": " + to_string(reason) + proxy_text(c, relay));
    } catch (const std::bad_alloc &) {
        log(c, level, to_string(reason));
    }
}

/// Notes why a relay's deadline is due, for Wake_Counts.
void note_relay_causes(Tcp_Connections &c, Relay &relay) {
    if (relay.link == nullptr) {
        return;
    }
    if (has_work(relay)) {
        note_cause(c, Wake_Cause::request);
    }
    if (relay_deadline(relay.link->client) <= c.now) {
        note_cause(c, is_connected(relay) ? Wake_Cause::ping : Wake_Cause::retry);
    }
    if (is_connected(relay) && liveness_deadline(relay.liveness, liveness_view(c, relay)) <= c.now) {
        note_cause(c, Wake_Cause::probe);
    }
    if (relay.send_window.refused) {
        relay.send_window.refused = false;
        note_cause(c, Wake_Cause::room);
    }
}

void leave_stale(Tcp_Connections &c, std::uint32_t slot) {
    ++c.relays[slot].times_stale;
    report(c, Change_Kind::relay_stale, {.relay = slot, .reason = Reason::ping_timeout});
    for_each_carried(c, slot,
                     [&](std::uint32_t peer, std::uint8_t) { replace_sending(c, peer, Reason::ping_timeout); });
}

/// Sends a ping to try whether the socket takes anything: no data may have been sent for a while.
void check_full(Tcp_Connections &c, std::uint32_t slot) {
    Relay &relay = c.relays[slot];
    relay_ping(relay.link->client, c.now);
    flush_relay(c, slot);
    if (liveness_checked_full(relay.liveness, c.now, !relay_pending(relay.link->client).empty())) {
        relay_end(relay.link->client, Reason::stuck);
    }
}

void check_liveness(Tcp_Connections &c, std::uint32_t slot) {
    Relay &relay = c.relays[slot];
    if (!is_connected(relay)) {
        return;
    }
    switch (liveness_due(relay.liveness, c.now, liveness_view(c, relay), load_ms(relay.load, c.now))) {
    case Liveness_Action::none:
        break;
    case Liveness_Action::ping:
        relay_ping(relay.link->client, c.now);
        break;
    case Liveness_Action::stale:
        leave_stale(c, slot);
        break;
    case Liveness_Action::end_unanswered:
        relay_end(relay.link->client, Reason::network_changed);
        break;
    case Liveness_Action::check_full:
        check_full(c, slot);
        break;
    }
}

} // namespace

bool has_work(const Relay &relay) {
    return relay.link != nullptr &&
           (relay.link->client.phase == Relay_Phase::ended || (is_connected(relay) && relay.unrequested != 0));
}

std::uint64_t relay_due(const Tcp_Connections &c, const Relay &relay) {
    if (relay.link == nullptr) {
        return NEVER;
    }
    const std::uint64_t due = relay_deadline(relay.link->client);
    return is_connected(relay) ? std::min(due, liveness_deadline(relay.liveness, liveness_view(c, relay))) : due;
}

Liveness_View liveness_view(const Tcp_Connections &c, const Relay &relay) {
    const Relay_Client &client = relay.link->client;
    return {.last_heard = client.last_heard,
            .ping_sent = client.ping_sent,
            .ping_unanswered = client.ping_id != 0,
            .round_trip = client.round_trip,
            .saver = c.profile == Profile::saver};
}

void coalesce_pings(Tcp_Connections &c) {
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

void consider_relay_pings(Tcp_Connections &c, std::uint32_t slot) {
    const Relay &relay = c.relays[slot];
    if (relay.link == nullptr) {
        return;
    }
    relay.link->client.relay_pings_suffice = c.profile == Profile::saver || relay.online == 0;
    wake_relay_at(c, slot, relay_due(c, relay));
}

std::uint32_t find_relay(const Tcp_Connections &c, const Public_Key &key) {
    return c.relay_index.find(key);
}

Error add_relay(Tcp_Connections &c, const Relay_Endpoint &endpoint, const Public_Key &key, std::uint32_t &slot) {
    slot = NO_SLOT;
    if (c.relays.full() && !remove_never_connected(c)) {
        return Error::limit;
    }
    try {
        slot = c.relays.add();
        if (slot == NO_SLOT) {
            return Error::limit;
        }
        c.relays[slot].key = key;
        add_address(c.relays[slot].addresses, endpoint);
        c.relay_deadlines.reserve(c.relays.size());
        c.relay_index.insert(slot);
    } catch (const std::bad_alloc &) {
        if (slot != NO_SLOT) {
            c.relays.remove(slot);
        }
        return Error::no_memory;
    }
    if (!connect_relay(c, slot)) {
        // No memory, socket, network or way to the address: the same as an attempt that fails later.
        c.relays[slot].state = Relay_State::waiting;
        c.relays[slot].last_end = Reason::connect_failed;
        queue_reconnect(c, slot, 0);
    }
    return Error::ok;
}

bool connect_relay(Tcp_Connections &c, std::uint32_t slot) {
    Relay &relay = c.relays[slot];
    relay.link.reset(new (std::nothrow) Relay_Link);
    if (relay.link == nullptr ||
        !link_open(*relay.link, c.context, current_endpoint(relay.addresses), relay.key, slot, c.now)) {
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
    relay.up_since = relay.used_since = c.now;
    relay.liveness = {};
    relay.load = {};
    relay.send_window = {};
    backoff_connected(relay.backoff);
    address_works(relay.addresses);
    --c.connecting;
    ++c.connected;
    report(c, Change_Kind::relay_up, {.relay = slot});
    mark_onion(c, slot);
    schedule_prune(c, min_lifetime_ends(c, relay));
    consider_relay_pings(c, slot);
    request_routes(c, slot);
    if (c.pace.outage_since != 0) {
        end_outage(c);
    }
}

void relay_went_down(Tcp_Connections &c, std::uint32_t slot, Reason reason) {
    Relay &relay = c.relays[slot];
    log_end(c, relay, reason);
    const std::uint64_t up = is_connected(relay) ? std::max<std::uint64_t>(c.now - relay.up_since, 1) : 0;
    disconnect_relay(c, slot, reason, Relay_State::waiting);
    if (up == 0) {
        next_address(relay.addresses, relay.was_up);
    }
    const Away_View away{relay.backoff.attempts + (up == 0), static_cast<std::uint32_t>(relay.tied.size()),
                         relay.was_up, relay.backoff.away_since};
    if (may_remove(away, c.connected, c.now)) {
        remove_relay(c, slot, reason);
        return;
    }
    queue_reconnect(c, slot, up);
    c.network_check_failed = c.network_check_failed || reason == Reason::network_changed;
    report(c, Change_Kind::relay_down, {.relay = slot, .reason = reason});
}

void disconnect_relay(Tcp_Connections &c, std::uint32_t slot, Reason reason, Relay_State next) {
    Relay &relay = c.relays[slot];
    if (relay.link == nullptr) {
        relay.state = next;
        update_reconnect_at(c);
        return;
    }
    const bool was_connected = is_connected(relay);
    link_close(*relay.link, c.context.host, reason);
    relay.last_end = relay.link->client.reason;
    relay.proxy_status = relay.link->client.proxy_status;
    relay.state = next;
    relay.up_since = 0;
    relay.liveness = {};
    relay.load = {};
    relay.send_window = {};
    relay.request_from = 0;
    if (relay.onion) {
        relay.onion = false;
        --c.onion_relays;
        schedule_prune(c, c.now);
    }
    if (was_connected) {
        --c.connected;
        if (c.connected < idle_wanted(c)) {
            schedule_prune(c, c.now); // sleeping relays may be needed
        }
    } else {
        --c.connecting;
    }
    for (const std::uint32_t reference : relay.tied) {
        if (c.peers[connection_of(reference)].routes[route_of(reference)].step != Route_Step::pruned) {
            set_step(c, connection_of(reference), route_of(reference), Route_Step::none);
        }
    }
    // A running callback may use a packet whose bytes are in the link: the link is freed when the tick ends.
    if (c.ticking) {
        relay.link->next = std::move(c.retired_links);
        c.retired_links = std::move(relay.link);
    }
    relay.link.reset();
    c.relay_deadlines.set(slot, NEVER);
    update_reconnect_at(c);
}

void remove_relay(Tcp_Connections &c, std::uint32_t slot, Reason reason) {
    disconnect_relay(c, slot, reason, Relay_State::sleeping);
    report(c, Change_Kind::relay_gone, {.relay = slot, .reason = reason});
    std::vector<std::uint32_t> &tied = c.relays[slot].tied;
    while (!tied.empty()) {
        untie(c, connection_of(tied.back()), route_of(tied.back()));
    }
    c.relay_deadlines.set(slot, NEVER);
    c.relay_index.erase(slot);
    c.relays.remove(slot);
    update_reconnect_at(c);
}

bool handle_ended_link(Tcp_Connections &c, std::uint32_t slot) {
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
        relay.liveness.made_progress = true;
    }
    if (!relay_pending(relay.link->client).empty()) {
        note_full(c, slot);
    }
    if (relay.link->client.phase == Relay_Phase::ended) {
        wake_relay_at(c, slot, c.now);
    }
}

void note_relay_heard(Tcp_Connections &c, std::uint32_t slot) {
    Relay &relay = c.relays[slot];
    if (relay.link != nullptr && relay.link->client.last_heard == c.now && liveness_heard(relay.liveness)) {
        report(c, Change_Kind::relay_recovered, {.relay = slot});
        wake_relay_at(c, slot, relay_due(c, relay)); // data may have been sent since
    }
}

void note_full(Tcp_Connections &c, std::uint32_t slot) {
    Relay &relay = c.relays[slot];
    if (is_connected(relay) && liveness_full(relay.liveness, c.now)) {
        wake_relay_at(c, slot, liveness_deadline(relay.liveness, liveness_view(c, relay)));
    }
}

bool make_send_room(Tcp_Connections &c, std::uint32_t slot) {
    Relay &relay = c.relays[slot];
    const Host &host = c.context.host;
    Acknowledged said;
    if (host.acknowledged == nullptr || !host.acknowledged(host.object, relay.link->socket, said)) {
        relay.send_window.size = UINT64_MAX;
        return true;
    }
    send_window_acknowledged(relay.send_window, c.now, {said.bytes, said.round_trip_us, said.delivery_rate});
    return send_window_room(relay.send_window, relay.link->sent) != 0;
}

void note_refused(Tcp_Connections &c, std::uint32_t slot) {
    c.relays[slot].send_window.refused = true;
    wake_relay_at(c, slot, c.now + ROOM_RETRY_MS);
}

void serve_relay(Tcp_Connections &c, std::uint32_t slot) {
    Relay &relay = c.relays[slot];
    note_relay_causes(c, relay);
    c.relay_deadlines.set(slot, NEVER);
    if (relay.link == nullptr) {
        return;
    }
    const bool had_pinged = relay.link->client.ping_id != 0;
    relay_tick(relay.link->client, c.now);
    c.pinged = c.pinged || (!had_pinged && relay.link->client.ping_id != 0);
    if (handle_ended_link(c, slot)) {
        return;
    }
    check_liveness(c, slot);
    request_routes(c, slot);
    flush_relay(c, slot);
    if (!handle_ended_link(c, slot)) {
        wake_relay_at(c, slot, relay_due(c, relay));
    }
}

// ---- public ----------------------------------------------------------------------------------------------------

namespace {

/// An attempt older than this is ended for a new address that is tried at once.
constexpr std::uint64_t ABANDON_MS = 2'000;

/// A new address of a relay is tried at once, unless another was in this time: peers tell the host addresses, which may
/// be wrong. The time is longer than two attempts and their waits take, so that all other addresses have their turns.
constexpr std::uint64_t NEW_ADDRESS_EVERY_MS = 600'000;
static_assert(NEW_ADDRESS_EVERY_MS > 2 * (CONNECT_TIMEOUT_MS + MAX_RETRY_MS + COALESCE_MS));

Error check_endpoint(const Tcp_Connections &c, const Relay_Endpoint &endpoint) {
    const Family family = endpoint.address.family;
    const bool by_name =
        endpoint.name != nullptr && c.context.proxy.type != Proxy_Type::none && is_host_name(*endpoint.name);
    const bool by_address = endpoint.name == nullptr && (family == Family::ipv4 || family == Family::ipv6);
    return (by_name || by_address) && endpoint.address.port != 0 ? Error::ok : Error::bad_address;
}

/// Our own key is valid: a host with toxcore may run a relay with the same key.
Error check_relay(const Tcp_Connections &c, const Relay_Endpoint &endpoint, const Public_Key &key) {
    if (const Error error = check_endpoint(c, endpoint); error != Error::ok) {
        return error;
    }
    return is_weak_key(key) ? Error::bad_key : Error::ok;
}

/// The host names a known relay again. A new address is tried at once if the relay is not connected, or else in its
/// turn: see NEW_ADDRESS_EVERY_MS. Earlier failures of the relay still count.
void update_known_relay(Tcp_Connections &c, std::uint32_t slot, const Relay_Endpoint &named) {
    Relay &relay = c.relays[slot];
    if (check_endpoint(c, named) != Error::ok) {
        return;
    }
    const std::uint8_t index = add_address(relay.addresses, named);
    if (index == MAX_RELAY_ADDRESSES || is_connected(relay) || c.now < relay.new_address_at) {
        return;
    }
    if (relay.state == Relay_State::connecting) {
        if (c.now < relay.link->client.started + ABANDON_MS) {
            return; // it may succeed; otherwise all addresses have their turns
        }
        disconnect_relay(c, slot, Reason::connect_failed, Relay_State::waiting);
    }
    relay.new_address_at = c.now + NEW_ADDRESS_EVERY_MS;
    relay.addresses.current = index;
    if (relay.state == Relay_State::waiting) { // and not asleep
        retry_now(c, slot);
    }
}

Error add_global(Tcp_Connections &c, const Relay_Endpoint &endpoint, const Public_Key &relay_key) {
    const Public_Key key = canonical_key(relay_key);
    if (const Error error = check_relay(c, endpoint, key); error != Error::ok) {
        return error;
    }
    update_now(c);
    std::uint32_t slot = find_relay(c, key);
    if (slot != NO_SLOT) {
        update_known_relay(c, slot, endpoint);
        return Error::already;
    }
    return add_relay(c, endpoint, key, slot);
}

Error add_to_connection(Tcp_Connections &c, int connection, const Relay_Endpoint &endpoint,
                        const Public_Key &relay_key) {
    const std::uint32_t peer = c.peers.find(connection);
    if (peer == NO_SLOT) {
        return Error::bad_handle;
    }
    const Public_Key key = canonical_key(relay_key);
    update_now(c);
    if (const std::uint32_t known = find_relay(c, key); known != NO_SLOT) {
        const Error error = tie(c, peer, known);
        if (error == Error::ok || error == Error::already) {
            update_known_relay(c, known, endpoint);
        }
        return error;
    }
    if (const Error error = check_relay(c, endpoint, key); error != Error::ok) {
        return error;
    }
    if (working_routes(c, c.peers[peer]) >= RECOMMENDED_FRIEND_TCP_CONNECTIONS || !has_place(c, peer)) {
        return Error::limit;
    }
    std::uint32_t slot = NO_SLOT;
    if (const Error error = add_relay(c, endpoint, key, slot); error != Error::ok) {
        return error;
    }
    const Error error = tie(c, peer, slot);
    if (error != Error::ok) {
        remove_relay(c, slot, Reason::killed);
    }
    return error;
}

/// Adds a relay by its host name. `add` is one of the two functions above.
template <class Add>
Error add_by_name(const std::string &host, std::uint16_t port, Add add) {
    try {
        return add(Relay_Endpoint{{.port = port}, std::make_shared<const std::string>(host)});
    } catch (const std::bad_alloc &) {
        return Error::no_memory;
    }
}

} // namespace

Error add_tcp_relay_global(Tcp_Connections *c, const Ip_Port &address, const Public_Key &relay_key) {
    return add_global(*c, {address, nullptr}, relay_key);
}

Error add_tcp_relay_global_by_name(Tcp_Connections *c, const std::string &host, std::uint16_t port,
                                   const Public_Key &relay_key) {
    return add_by_name(host, port, [&](const Relay_Endpoint &endpoint) { return add_global(*c, endpoint, relay_key); });
}

Error add_tcp_relay_connection(Tcp_Connections *c, int connection, const Ip_Port &address,
                               const Public_Key &relay_key) {
    return add_to_connection(*c, connection, {address, nullptr}, relay_key);
}

Error add_tcp_relay_connection_by_name(Tcp_Connections *c, int connection, const std::string &host, std::uint16_t port,
                                       const Public_Key &relay_key) {
    return add_by_name(host, port, [&](const Relay_Endpoint &endpoint) {
        return add_to_connection(*c, connection, endpoint, relay_key);
    });
}

Error kill_tcp_relay_connection(Tcp_Connections *c, int relay) {
    const std::uint32_t slot = c->relays.find(relay);
    if (slot == NO_SLOT) {
        return Error::bad_handle;
    }
    update_now(*c);
    remove_relay(*c, slot, Reason::killed);
    drop_stale_deadlines(*c);
    return Error::ok;
}

int tcp_relay(const Tcp_Connections *c, const Public_Key &relay_key) {
    const std::uint32_t slot = find_relay(*c, canonical_key(relay_key));
    return slot == NO_SLOT ? static_cast<int>(Error::bad_key) : c->relays.handle(slot);
}

std::uint32_t tcp_connections_count(const Tcp_Connections *c) {
    return c->relays.size();
}

std::uint32_t tcp_connected_relays_count(const Tcp_Connections *c) {
    return c->connected;
}

int tcp_relay_at(const Tcp_Connections *c, std::uint32_t index) {
    const bool used = index < c->relays.size() && c->relays.used(index);
    return used ? c->relays.handle(index) : static_cast<int>(Error::bad_handle);
}

std::size_t tcp_copy_connected_relays_index(const Tcp_Connections *c, std::span<Node> nodes, std::uint32_t index) {
    std::size_t count = 0;
    const std::uint32_t size = c->relays.size();
    for (std::uint32_t i = 0; i < size && count < nodes.size(); ++i) {
        const std::uint32_t slot = (index % size + i) % size;
        // Others cannot use a host name that only our proxy can look up.
        if (c->relays.used(slot) && is_connected(c->relays[slot]) &&
            current_endpoint(c->relays[slot].addresses).name == nullptr) {
            nodes[count++] = {c->relays[slot].key, current_endpoint(c->relays[slot].addresses).address};
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
