#include "policy/backoff.h"

#include <algorithm>

namespace toxtcp {

namespace {

/// The pause after so many failed attempts is the last one shorter than NEEDED_RETRY_MS.
constexpr std::uint32_t OUTAGE_ATTEMPTS = 5;

std::uint64_t doubled(std::uint64_t first, std::uint32_t times) {
    return std::min(first << std::min(times, 20U), MAX_RETRY_MS);
}

std::uint64_t pause_after(std::uint32_t attempts, bool needed) {
    const std::uint64_t pause = doubled(FIRST_RETRY_MS, attempts);
    if (!needed || pause <= NEEDED_RETRY_MS) {
        return pause;
    }
    return attempts < NEEDED_ATTEMPTS ? NEEDED_RETRY_MS : doubled(NEEDED_RETRY_MS, attempts - NEEDED_ATTEMPTS + 1);
}

} // namespace

void backoff_failed(Backoff &backoff, std::uint64_t now, std::uint64_t up, bool needed, std::uint32_t random) {
    const bool was_up = up != 0;
    backoff.lost_at = up >= IN_USE_MS ? now : backoff.lost_at;
    backoff.attempts = up >= USEFUL_MS ? 0 : backoff.attempts + 1;
    const std::uint64_t pause = pause_after(backoff.attempts - (backoff.attempts > 0), needed);
    // Random pauses keep the clients of a relay that restarts from coming all at once. The first pause varies most.
    const std::uint64_t spread = backoff.attempts <= 1 ? pause : pause / 8;
    backoff.ready_at = now + pause - random % (spread + 1) / (backoff.attempts <= 1 ? 2 : 1);
    backoff.may_coalesce = pause >= MIN_COALESCED_RETRY_MS;
    backoff.queue_order = now;
    if (backoff.away_since == 0 || was_up) {
        backoff.away_since = now;
    }
}

void backoff_limit_in_outage(Backoff &backoff, std::uint64_t now) {
    backoff.attempts = std::min(backoff.attempts, OUTAGE_ATTEMPTS);
    backoff.ready_at = std::min(backoff.ready_at, now + NEEDED_RETRY_MS);
    backoff.may_coalesce = false;
}

void backoff_connected(Backoff &backoff) {
    backoff.away_since = 0;
}

void backoff_ready(Backoff &backoff, std::uint64_t at) {
    backoff.ready_at = at;
    backoff.may_coalesce = false;
}

void backoff_reset(Backoff &backoff, std::uint64_t at) {
    backoff.attempts = 0;
    backoff_ready(backoff, at);
}

std::uint64_t backoff_wake_at(const Backoff &backoff) {
    return backoff.ready_at + (backoff.may_coalesce ? COALESCE_MS : 0);
}

void outage_begins(Reconnect_Pace &pace, std::uint64_t now) {
    const bool goes_on = pace.last_outage_end != 0 && now < pace.last_outage_end + SAME_OUTAGE_MS;
    pace.outage_since = goes_on ? pace.last_outage_start : now;
    pace.round_since = goes_on ? pace.round_since : now;
    pace.has_network = false;
    pace.next_at = std::max(pace.next_at, goes_on ? now + OUTAGE_PACE_MS : now);
}

bool outage_ends(Reconnect_Pace &pace, std::uint64_t now) {
    const bool is_first = pace.last_outage_end == 0 || now >= pace.last_outage_end + SAME_OUTAGE_MS;
    pace.last_outage_start = pace.outage_since;
    pace.last_outage_end = now;
    pace.outage_since = 0;
    return is_first;
}

void pace_renew(Reconnect_Pace &pace, std::uint64_t now) {
    pace.changed_at = pace.next_at = now;
    pace.last_outage_end = 0;
    pace.has_network = false;
}

std::uint64_t reconnect_pace(const Reconnect_Pace &pace, std::uint64_t now, bool tells_changes) {
    if (pace.outage_since == 0 || now < pace.changed_at + AFTER_CHANGE_MS) {
        return PACE_MS;
    }
    const std::uint64_t lasts = now - std::max(pace.outage_since, pace.changed_at);
    const std::uint64_t slowest =
        tells_changes && !pace.has_network ? MAX_OUTAGE_PACE_MS : MAX_UNREPORTED_OUTAGE_PACE_MS;
    return std::clamp(lasts / (lasts < 60'000 ? 10 : 5), OUTAGE_PACE_MS, slowest);
}

std::uint64_t backoff_ready_at(const Backoff &backoff, const Reconnect_Pace &pace) {
    return pace.outage_since == 0 ? backoff.ready_at : std::min(backoff.ready_at, backoff.queue_order + OUTAGE_PACE_MS);
}

bool was_in_use(const Backoff &backoff, const Reconnect_Pace &pace) {
    return backoff.lost_at != 0 && backoff.lost_at + LOST_TOGETHER_MS >= pace.outage_since;
}

bool has_outage_priority(const Backoff &backoff, const Reconnect_Pace &pace) {
    return was_in_use(backoff, pace) && backoff.queue_order <= pace.round_since;
}

bool is_tried_before(const Waiting_Relay &a, const Waiting_Relay &b) {
    return a.priority != b.priority ? a.priority : a.queue_order < b.queue_order;
}

} // namespace toxtcp
