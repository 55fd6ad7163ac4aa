#include "policy/selection.h"

namespace toxtcp {

namespace {

std::uint32_t round_trip(const Route_View &view) {
    if (view.echo_round_trip != 0) {
        return view.echo_round_trip;
    }
    return view.relay_round_trip != 0 ? 2 * view.relay_round_trip : UNKNOWN_ROUND_TRIP_MS;
}

std::uint64_t cost(const Route_View &view) {
    const bool is_verified = view.standing == Route_Standing::verified;
    const bool bad_reputation = view.bad_reputation && !is_verified;
    const bool unheard = !view.heard && !is_verified;
    return std::uint64_t{view.stale} << 40 | std::uint64_t{view.distrusted} << 39 |
           static_cast<std::uint64_t>(view.standing) << 36 | std::uint64_t{bad_reputation} << 35 |
           std::uint64_t{unheard} << 34 | round_trip(view);
}

} // namespace

std::uint8_t select_route(const Route_Views &views, Route_Set avoid) {
    std::uint8_t best = NO_ROUTE;
    for (std::uint8_t i = 0; i < ROUTES; ++i) {
        if (views[i].usable && !contains(avoid, i) && (best == NO_ROUTE || cost(views[i]) < cost(views[best]))) {
            best = i;
        }
    }
    return best;
}

bool select_faster(Selection &selection, const Route_Views &views, std::uint8_t sending, std::uint8_t answering,
                   std::uint64_t now) {
    if (sending == NO_ROUTE || answering == sending || views[sending].loaded ||
        (selection.changed_at != 0 && now < std::uint64_t{selection.changed_at} * 1'000 + STAY_MS)) {
        return false;
    }
    if (select_route(views, 0) != answering || views[answering].standing != Route_Standing::verified ||
        views[answering].stale) {
        return false;
    }
    const std::uint32_t mine = round_trip(views[sending]);
    const std::uint32_t other = round_trip(views[answering]);
    if (2 * other > mine || other + FASTER_BY_MS > mine) {
        return false;
    }
    selection.changed_at = static_cast<std::uint32_t>(now / 1'000);
    return true;
}

} // namespace toxtcp
