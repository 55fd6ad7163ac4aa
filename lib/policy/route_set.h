// Sets of a connection's routes, for all policies.
#pragma once

#include <cstdint>

namespace toxtcp {

inline constexpr std::uint8_t ROUTES = 6; ///< of one connection (MAX_FRIEND_TCP_CONNECTIONS)
inline constexpr std::uint8_t NO_ROUTE = UINT8_MAX;

/// A set of routes of one connection, as bits.
using Route_Set = std::uint8_t;

inline constexpr Route_Set ALL_ROUTES = (1U << ROUTES) - 1;

constexpr Route_Set set_of(std::uint8_t route) {
    return route == NO_ROUTE ? Route_Set{0} : static_cast<Route_Set>(1U << route);
}
constexpr bool contains(Route_Set set, std::uint8_t route) {
    return (set & set_of(route)) != 0;
}
constexpr Route_Set without(Route_Set set, Route_Set others) {
    return static_cast<Route_Set>(set & ~others);
}
constexpr Route_Set union_of(Route_Set a, Route_Set b) {
    return static_cast<Route_Set>(a | b);
}

} // namespace toxtcp
