#include "policy/prune.h"

#include <tuple>

namespace toxtcp {

bool is_pruned_first(const Idle_Worth &a, const Idle_Worth &b) {
    return std::tuple{a.good_reputation, a.tied, b.round_trip} < std::tuple{b.good_reputation, b.tied, a.round_trip};
}

bool may_remove(const Away_View &relay, std::uint32_t connected, std::uint64_t now) {
    if (connected < ENOUGH_RELAYS) {
        return false;
    }
    const bool wanted = relay.tied != 0;
    return wanted ? !relay.was_up && relay.away_since != 0 && now - relay.away_since >= GIVE_UP_MS
                  : relay.attempts >= FAILED_ATTEMPTS;
}

std::uint8_t route_that_gives_way(const std::array<std::uint64_t, ROUTES> &away_since) {
    std::uint8_t longest = NO_ROUTE;
    for (std::uint8_t i = 0; i < ROUTES; ++i) {
        if (away_since[i] != 0 && (longest == NO_ROUTE || away_since[i] < away_since[longest])) {
            longest = i;
        }
    }
    return longest;
}

} // namespace toxtcp
