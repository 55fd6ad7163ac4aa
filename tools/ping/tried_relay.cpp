#include "tools/ping/tried_relay.h"

#include <algorithm>
#include <deque>

#include "tools/shared/output.h"
#include "tools/shared/server_query.h"

namespace toxtcp {

namespace {

/// Time for what answers instead of a relay to tell what it is.
constexpr std::uint64_t QUERY_WITHIN_US = HOLD_US + 8 * SECOND_US;

/// What the library knows of the relay; nothing if it did not take the relay.
Relay_Info info_of(const Tried_Relay &relay) {
    const Tcp_Connections *const tcp = relay.connections.tcp;
    Relay_Info info;
    static_cast<void>(tcp_relay_info(tcp, tcp_relay(tcp, key_of(relay)), info));
    return info;
}

struct Open_Query {
    Failure *failure = nullptr; ///< of the address
    Server_Query query{};
};

/// Finds out what answers at the addresses that failed, where that may tell more.
void query_failed(Pinger &pinger, const std::vector<Tried_Relay *> &relays) {
    std::deque<Open_Query> queries; // a deque, so that its elements do not move
    std::vector<Tcp_Connections *> open;
    for (Tried_Relay *const relay : relays) {
        for (const Relay_Address &address : relay->addresses) {
            const auto failed = relay->failures.find(place_of(address));
            if (failed == relay->failures.end() || !query_may_help(failed->second.trouble)) {
                continue;
            }
            Open_Query &one = queries.emplace_back();
            one.failure = &failed->second;
            if (server_query_open(one.query, address, pinger.proxy)) {
                open.push_back(one.query.tcp);
            }
        }
    }
    const std::uint64_t end = now_us() + QUERY_WITHIN_US;
    while (!open.empty() && !pinger.interrupted) {
        std::uint64_t wake = end;
        for (const Open_Query &one : queries) {
            wake = one.query.tcp != nullptr ? std::min(wake, server_query_wake(one.query)) : wake;
        }
        ping_turn(pinger, open, wake);
        for (Open_Query &one : queries) {
            if (one.query.tcp != nullptr && (server_query_turn(one.query, now_us()) || now_us() >= end)) {
                const Trouble found = server_query_result(one.query, one.failure->trouble);
                one.failure->why = found != one.failure->trouble ? sentence(found) : one.failure->why;
                std::erase(open, one.query.tcp);
                server_query_close(one.query);
            }
        }
    }
    for (Open_Query &one : queries) {
        server_query_close(one.query);
    }
}

} // namespace

bool tried_relay_open(const Pinger &pinger, Tried_Relay &relay, const Relay_Addresses &addresses, const Secret_Key &key,
                      const Callbacks &callbacks) {
    relay.addresses = addresses;
    relay.name = relay.tried = place_of(addresses.front());
    if (!ping_open(pinger, relay.connections, key, callbacks)) {
        return false;
    }
    for (const Relay_Address &address : addresses) {
        const Error error = add_relay(relay.connections.tcp, address);
        if (error != Error::ok && error != Error::already) {
            complain("ping", place_of(address) + ": " + to_string(error));
        }
    }
    return true;
}

void tried_relay_changed(Tried_Relay &relay, const Change &change) {
    const Watched_Host &watched = relay.connections.watched;
    Relay_Info info;
    if (!tcp_relay_info(relay.connections.tcp, change.relay, info)) {
        return;
    }
    if (change.kind == Change_Kind::relay_up) {
        relay.was_up = true;
        relay.name = place_of(info);
        relay.failures.clear();
    } else if (change.kind == Change_Kind::relay_down && !relay.was_up) {
        // `info` has the next address already. With a proxy, all connections of the host go to the proxy's address.
        const std::string failed = watched.proxy == Proxy_Type::none ? to_string(watched.address) : relay.tried;
        relay.failures[failed] = {diagnose(watched, change.reason),
                                  diagnosis(watched, change.reason, info.proxy_status)};
    }
    relay.tried = place_of(info);
}

bool is_up(const Tried_Relay &relay) {
    return tcp_connected_relays_count(relay.connections.tcp) != 0;
}

bool has_tried_all(const Tried_Relay &relay) {
    return info_of(relay).attempts >= relay.addresses.size();
}

std::string why_not(const Tried_Relay &relay) {
    if (relay.failures.empty()) {
        const Relay_Info info = info_of(relay);
        return relay.was_up ? to_string(info.last_end) : why_not_connected(relay.connections.watched, info);
    }
    if (relay.addresses.size() == 1) {
        return relay.failures.begin()->second.why;
    }
    std::string text;
    for (const auto &[address, failure] : relay.failures) {
        text += (text.empty() ? "" : "; ") + address + ": " + failure.why;
    }
    return text;
}

void complain_of(Pinger &pinger, const std::vector<Tried_Relay *> &relays) {
    query_failed(pinger, relays);
    for (const Tried_Relay *const relay : relays) {
        if (pinger.interrupted) {
            return;
        }
        for (const auto &[address, failure] : relay->failures) {
            complain("ping", address + " is not connected: " + failure.why);
        }
        if (relay->failures.empty()) {
            complain("ping", relay->name + " is not connected: " + why_not(*relay));
        }
    }
}

} // namespace toxtcp
