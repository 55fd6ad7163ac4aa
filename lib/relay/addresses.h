// The addresses of a relay: up to eight, tried in turn.
//
// Rule: - The first address is where the relay was connected last; before it was ever connected, the address that was
//         named first. The first address keeps its place.
//       - In a full list, a new address takes the place of an address that has failed since it was named or connected.
//         Where none has failed yet, the new address is not taken.
//       - Addresses are tried in turn. Of a relay that was connected once, every second attempt goes to the first
//         address, since any peer may name wrong addresses.
// Bound: whatever addresses are named, every second attempt is at the address where the relay was connected last. Only a
//        new address that is tried at once comes before it: one in ten minutes (connections/relays.cpp).
#pragma once

#include <algorithm>
#include <array>

#include "relay/relay_client.h"

namespace toxtcp {

/// Three ports on IPv4 and on IPv6 are six addresses: lists of public relays have such relays.
inline constexpr std::uint8_t MAX_RELAY_ADDRESSES = 8;

struct Known_Address {
    Relay_Endpoint endpoint;
    bool failed = false; ///< since it was named, or since the relay was connected there
};

struct Addresses {
    std::array<Known_Address, MAX_RELAY_ADDRESSES> list{};
    std::uint8_t count = 0;
    std::uint8_t current = 0; ///< index of the address in use, or tried next
    std::uint8_t turn = 0;    ///< index of the address whose turn it was last
};

inline bool is_same(const Relay_Endpoint &a, const Relay_Endpoint &b) {
    const bool same_name = a.name == b.name || (a.name != nullptr && b.name != nullptr && *a.name == *b.name);
    return a.address == b.address && same_name;
}

/// Of the present connection or attempt, or of the next attempt.
inline const Relay_Endpoint &current_endpoint(const Addresses &addresses) {
    return addresses.list[addresses.current].endpoint;
}

/// Adds an address. Returns its index, or MAX_RELAY_ADDRESSES when it is known or not taken.
inline std::uint8_t add_address(Addresses &addresses, const Relay_Endpoint &endpoint) {
    const auto is_known = [&endpoint](const Known_Address &known) { return is_same(known.endpoint, endpoint); };
    if (std::any_of(addresses.list.begin(), addresses.list.begin() + addresses.count, is_known)) {
        return MAX_RELAY_ADDRESSES;
    }
    if (addresses.count < MAX_RELAY_ADDRESSES) {
        addresses.list[addresses.count] = {endpoint};
        return addresses.count++;
    }
    // From the end: where the relay was connected lately is at the front, and replaced last.
    for (std::uint8_t i = MAX_RELAY_ADDRESSES - 1; i > 0; --i) {
        if (addresses.list[i].failed && i != addresses.current) {
            addresses.list[i] = {endpoint};
            return i;
        }
    }
    return MAX_RELAY_ADDRESSES;
}

/// The attempt at the current address has failed. `was_up`: the relay was connected once.
inline void next_address(Addresses &addresses, bool was_up) {
    addresses.list[addresses.current].failed = true;
    if (was_up && addresses.current != 0) {
        addresses.current = 0;
        return;
    }
    const std::uint8_t begin = was_up && addresses.count > 1 ? 1 : 0;
    ++addresses.turn;
    addresses.turn = addresses.turn < addresses.count ? addresses.turn : begin;
    addresses.current = addresses.turn;
}

/// The relay is connected at the current address.
inline void address_works(Addresses &addresses) {
    const auto current = addresses.list.begin() + addresses.current;
    current->failed = false;
    std::rotate(addresses.list.begin(), current, current + 1);
    addresses.current = addresses.turn = 0;
}

} // namespace toxtcp
