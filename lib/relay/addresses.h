// The addresses of a relay: up to four, tried in turn.
#pragma once

#include <algorithm>
#include <array>

#include <toxtcp/types.h>

namespace toxtcp {

inline constexpr std::uint8_t MAX_RELAY_ADDRESSES = 4;

struct Addresses {
    std::array<Ip_Port, MAX_RELAY_ADDRESSES> list{};
    std::uint8_t count = 0;
    std::uint8_t current = 0; ///< index of the address in use, or tried next
};

inline const Ip_Port &current_address(const Addresses &addresses) {
    return addresses.list[addresses.current];
}

/// Adds an address if it is not known. In a full list, the new address replaces the one that would be tried last.
/// Returns the address's index. `is_new`: the address was not known.
inline std::uint8_t add_address(Addresses &addresses, const Ip_Port &address, bool &is_new) {
    const auto end = addresses.list.begin() + addresses.count;
    const auto known = std::find(addresses.list.begin(), end, address);
    is_new = known == end;
    if (!is_new) {
        return static_cast<std::uint8_t>(known - addresses.list.begin());
    }
    std::uint8_t place = addresses.count;
    if (addresses.count == MAX_RELAY_ADDRESSES) {
        place = static_cast<std::uint8_t>((addresses.current + MAX_RELAY_ADDRESSES - 1) % MAX_RELAY_ADDRESSES);
    } else {
        ++addresses.count;
    }
    addresses.list[place] = address;
    return place;
}

/// Makes the next address the current one.
inline void next_address(Addresses &addresses) {
    addresses.current = static_cast<std::uint8_t>((addresses.current + 1) % addresses.count);
}

} // namespace toxtcp
