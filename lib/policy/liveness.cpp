#include "policy/liveness.h"

#include <algorithm>

namespace toxtcp {

namespace {

bool is_silent(const Liveness &liveness, const Liveness_View &view) {
    return liveness.unanswered_since != 0 && view.last_heard < liveness.unanswered_since;
}

std::uint64_t probe_at(const Liveness &liveness, const Liveness_View &view) {
    const std::uint64_t silent = std::max(view.last_heard + PROBE_MS, liveness.unanswered_since + PROBE_MS / 2);
    return std::max(silent + (view.saver ? SAVER_EXTRA_MS : 0), view.ping_sent + PROBE_EVERY_MS);
}

std::uint64_t stale_at(const Liveness &liveness, const Liveness_View &view) {
    const std::uint64_t grace = std::clamp<std::uint64_t>(3 * view.round_trip, STALE_MS, MAX_STALE_MS);
    // A ping that was sent before our data counts only from half of PROBE_MS after the data.
    const std::uint64_t asked = std::max(view.ping_sent, liveness.unanswered_since + PROBE_MS / 2);
    return asked + grace + liveness.granted + (view.saver ? SAVER_EXTRA_MS : 0);
}

} // namespace

bool liveness_sent(Liveness &liveness, std::uint64_t now, std::uint64_t last_heard, std::uint32_t load) {
    if (liveness.unanswered_since != 0 && last_heard < liveness.unanswered_since) {
        return false;
    }
    liveness.unanswered_since = std::max(now, last_heard + 1);
    liveness.granted = load;
    return true;
}

bool liveness_heard(Liveness &liveness) {
    liveness.network_check_until = 0;
    const bool was_stale = liveness.stale;
    liveness.stale = false;
    return was_stale;
}

bool liveness_full(Liveness &liveness, std::uint64_t now) {
    if (liveness.full_since != 0) {
        return false;
    }
    liveness.full_since = now;
    liveness.made_progress = false;
    return true;
}

void liveness_start_network_check(Liveness &liveness, std::uint64_t now, std::uint32_t round_trip) {
    liveness.network_check_until =
        now + std::clamp<std::uint64_t>(2 * std::uint64_t{round_trip}, NETWORK_CHECK_MS, MAX_NETWORK_CHECK_MS);
}

bool liveness_checked_full(Liveness &liveness, std::uint64_t now, bool waits) {
    liveness.full_since = 0;
    if (waits && liveness.made_progress) {
        static_cast<void>(liveness_full(liveness, now));
        return false;
    }
    return waits;
}

Liveness_Action liveness_due(Liveness &liveness, std::uint64_t now, const Liveness_View &view, std::uint32_t load) {
    if (now < liveness_deadline(liveness, view)) {
        return Liveness_Action::none;
    }
    if (liveness.network_check_until != 0 && now >= liveness.network_check_until) {
        return Liveness_Action::end_unanswered;
    }
    if (liveness.full_since != 0 && now >= liveness.full_since + STUCK_MS) {
        return Liveness_Action::check_full;
    }
    if (!view.ping_unanswered) {
        liveness.granted = load;
        return Liveness_Action::ping;
    }
    liveness.stale = true;
    return Liveness_Action::stale;
}

std::uint64_t liveness_deadline(const Liveness &liveness, const Liveness_View &view) {
    std::uint64_t at = liveness.network_check_until == 0 ? UINT64_MAX : liveness.network_check_until;
    if (liveness.full_since != 0) {
        at = std::min(at, liveness.full_since + STUCK_MS);
    }
    if (!liveness.stale && is_silent(liveness, view)) {
        at = std::min(at, view.ping_unanswered ? stale_at(liveness, view) : probe_at(liveness, view));
    }
    return at;
}

} // namespace toxtcp
