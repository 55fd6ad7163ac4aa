#include "tools/ping/tried_relay.h"

#include "tools/shared/diagnosis.h"
#include "tools/shared/output.h"

namespace toxtcp {

namespace {

/// What the library knows of the relay; nothing if it did not take the relay.
Relay_Info info_of(const Tried_Relay &relay) {
    const Tcp_Connections *const tcp = relay.connections.tcp;
    Relay_Info info;
    static_cast<void>(tcp_relay_info(tcp, tcp_relay(tcp, key_of(relay)), info));
    return info;
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
        relay.failures[failed] = diagnosis(watched, change.reason, info.proxy_status);
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
        return relay.failures.begin()->second;
    }
    std::string text;
    for (const auto &[address, why] : relay.failures) {
        text += (text.empty() ? "" : "; ") + address + ": " + why;
    }
    return text;
}

void complain_of(const Tried_Relay &relay) {
    for (const auto &[address, why] : relay.failures) {
        complain("ping", address + " is not connected: " + why);
    }
    if (relay.failures.empty()) {
        complain("ping", relay.name + " is not connected: " + why_not(relay));
    }
}

} // namespace toxtcp
