#include "tools/ping/tried_relay.h"

#include <algorithm>
#include <deque>

#include "tools/shared/output.h"
#include "tools/shared/server_query.h"

namespace toxtcp {

namespace {

constexpr std::uint64_t QUERY_TIMEOUT_US = 8 * SECOND_US;

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

/// Queries the servers at the addresses that failed, where a query may find a more exact cause.
void query_servers(Pinger &pinger, const std::vector<Tried_Relay *> &relays) {
    std::deque<Open_Query> queries; // a deque, so that its elements do not move
    std::vector<Tcp_Connections *> open;
    for (Tried_Relay *const relay : relays) {
        for (const Relay_Address &address : relay->addresses) {
            const auto failed = relay->failures.find(endpoint_text(address));
            if (failed == relay->failures.end() || !query_may_help(failed->second.trouble)) {
                continue;
            }
            Open_Query &open_query = queries.emplace_back();
            open_query.failure = &failed->second;
            if (server_query_open(open_query.query, address, pinger.proxy, QUERY_TIMEOUT_US)) {
                open.push_back(open_query.query.tcp);
            }
        }
    }
    while (!open.empty() && !pinger.interrupted) {
        std::uint64_t wake_at = UINT64_MAX;
        for (const Open_Query &open_query : queries) {
            wake_at = std::min(wake_at, server_query_wake_time(open_query.query));
        }
        ping_wait_and_serve(pinger, open, wake_at);
        for (Open_Query &open_query : queries) {
            if (open_query.query.tcp != nullptr && server_query_step(open_query.query, now_us())) {
                const Trouble found = server_query_result(open_query.query, open_query.failure->trouble);
                open_query.failure->why =
                    found != open_query.failure->trouble ? sentence(found) : open_query.failure->why;
                std::erase(open, open_query.query.tcp);
                server_query_close(open_query.query);
            }
        }
    }
    for (Open_Query &open_query : queries) {
        server_query_close(open_query.query);
    }
}

} // namespace

bool tried_relay_open(const Pinger &pinger, Tried_Relay &relay, const Relay_Addresses &addresses, const Secret_Key &key,
                      const Callbacks &callbacks) {
    relay.addresses = addresses;
    relay.name = relay.address_in_use = endpoint_text(addresses.front());
    if (!ping_open(pinger, relay.connections, key, callbacks)) {
        return false;
    }
    for (const Relay_Address &address : addresses) {
        const Error error = add_relay(relay.connections.tcp, address);
        if (error != Error::ok && error != Error::already) {
            print_error("ping", endpoint_text(address) + ": " + to_string(error));
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
        relay.name = endpoint_text(info);
        relay.failures.clear();
    } else if (change.kind == Change_Kind::relay_down && !relay.was_up) {
        // `info` already has the address of the next attempt. With a proxy, `watched.address` is the proxy's.
        const std::string failed =
            watched.proxy == Proxy_Type::none ? to_string(watched.address) : relay.address_in_use;
        relay.failures[failed] = {diagnose(watched, change.reason),
                                  diagnosis_text(watched, change.reason, info.proxy_status)};
    }
    relay.address_in_use = endpoint_text(info);
}

bool is_up(const Tried_Relay &relay) {
    return tcp_connected_relays_count(relay.connections.tcp) != 0;
}

bool has_tried_all(const Tried_Relay &relay) {
    return info_of(relay).attempts >= relay.addresses.size();
}

std::string why_not_connected(const Tried_Relay &relay) {
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

void print_failures(Pinger &pinger, const std::vector<Tried_Relay *> &relays) {
    query_servers(pinger, relays);
    for (const Tried_Relay *const relay : relays) {
        if (pinger.interrupted) {
            return;
        }
        for (const auto &[address, failure] : relay->failures) {
            print_error("ping", address + " is not connected: " + failure.why);
        }
        if (relay->failures.empty()) {
            print_error("ping", relay->name + " is not connected: " + why_not_connected(*relay));
        }
    }
}

} // namespace toxtcp
