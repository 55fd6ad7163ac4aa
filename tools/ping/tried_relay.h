// A relay with a `Tcp_Connections` of its own, which tells for each address of the relay why it cannot be connected to.
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
    std::string tried{};                       ///< with a proxy: the address in use, or tried next
    bool was_up = false;                       ///< connected at any time
    std::map<std::string, Failure> failures{}; ///< by address: the last attempt; before `was_up` only
};

/// Begins to connect. `callbacks.change` has to call `tried_relay_changed`. False, after an error message, when out of
/// memory or file descriptors.
[[nodiscard]] bool tried_relay_open(const Pinger &pinger, Tried_Relay &relay, const Relay_Addresses &addresses,
                                    const Secret_Key &key, const Callbacks &callbacks);

/// Notes what a change of the relay tells.
void tried_relay_changed(Tried_Relay &relay, const Change &change);

[[nodiscard]] inline const Public_Key &key_of(const Tried_Relay &relay) {
    return relay.addresses.front().relay.key;
}

/// Whether the relay is connected now.
[[nodiscard]] bool is_up(const Tried_Relay &relay);

/// Whether as many attempts in a row have failed as the relay has addresses.
[[nodiscard]] bool has_tried_all(const Tried_Relay &relay);

/// Why the relay is not connected. If several addresses failed, the reason of each.
[[nodiscard]] std::string why_not(const Tried_Relay &relay);

/// Prints to standard error why these relays are not connected, one line for each address that failed. To be called when
/// no relay at all is connected, since it first asks what answers there instead of a relay (server_query.h), for some
/// seconds. Prints nothing if `pinger` is interrupted.
void complain_of(Pinger &pinger, const std::vector<Tried_Relay *> &relays);

} // namespace toxtcp
