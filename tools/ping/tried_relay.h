// A relay with a `Tcp_Connections` of its own, so that for each of its addresses it is known why the connection failed.
#pragma once

#include <map>

#include "tools/ping/ping.h"
#include "tools/shared/diagnosis.h"

namespace toxtcp {

/// Why an address could not be connected to.
struct Failure {
    Trouble trouble = Trouble::none;
    std::string why;
};

struct Tried_Relay {
    Relay_Addresses addresses{};
    Ping_Connections connections{};
    std::string name{};                        ///< the address that was connected last; the first one if none was
    std::string address_in_use{};              ///< with a proxy: the address in use, or of the next attempt
    bool was_up = false;                       ///< connected at any time
    std::map<std::string, Failure> failures{}; ///< by address: the last attempt; before `was_up` only
};

/// Begins to connect. `callbacks.change` has to call `tried_relay_changed`. False, after an error message, when out of
/// memory or file descriptors.
[[nodiscard]] bool tried_relay_open(const Pinger &pinger, Tried_Relay &relay, const Relay_Addresses &addresses,
                                    const Secret_Key &key, const Callbacks &callbacks);

/// Updates the relay after a change that the library has reported.
void tried_relay_changed(Tried_Relay &relay, const Change &change);

[[nodiscard]] inline const Public_Key &key_of(const Tried_Relay &relay) {
    return relay.addresses.front().relay.key;
}

/// Whether the relay is connected now.
[[nodiscard]] bool is_up(const Tried_Relay &relay);

/// Whether as many attempts in a row have failed as the relay has addresses.
[[nodiscard]] bool has_tried_all(const Tried_Relay &relay);

/// Why the relay is not connected. If several addresses failed, the reason of each.
[[nodiscard]] std::string why_not_connected(const Tried_Relay &relay);

/// Prints to standard error why these relays are not connected, one line for each address that failed. First queries
/// the servers there (server_query.h), which takes some seconds, so it is to be called when no relay at all is
/// connected. Prints nothing if `pinger` is interrupted.
void print_failures(Pinger &pinger, const std::vector<Tried_Relay *> &relays);

} // namespace toxtcp
