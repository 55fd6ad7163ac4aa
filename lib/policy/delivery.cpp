#include "policy/delivery.h"

#include <algorithm>
#include <bit>
#include <cassert>

#include "policy/load.h"

namespace toxtcp {

namespace {

/// Times of 32 bits count from the beginning of the last period but one (2^30 ms), so those of the last 12 days are exact.
constexpr unsigned PERIOD_BITS = 30;
/// A single echo has at least this long to be answered. Then all routes are probed.
constexpr std::uint32_t SINGLE_LASTS_MS = 400;
/// A complaint that was this much longer on its way than the fastest echo is outdated, and ignored, unless the peer has
/// heard nothing for that time and ROTATE_MS, and we have sent over the route in use for as long.
constexpr std::int32_t STALE_COMPLAINT_MS = 500;
/// After so long without an echo of the peer, its clock may have come around.
constexpr std::uint32_t PEER_CLOCK_LASTS_MS = 1U << PERIOD_BITS;
/// Granted beyond the round trip between our data and a complaint that the peer did not hear the data.
constexpr std::uint32_t COMPLAINT_MARGIN_MS = 50;
/// Average pause between two echoes to a peer: two a second.
constexpr std::uint32_t ECHO_PAUSE_MS = 500;
/// How much longer one complaint may be on its way than another.
constexpr std::uint32_t COMPLAINT_SLACK_MS = 500;
/// Where nothing can be verified now, the next look is after this time.
constexpr std::uint32_t VERIFY_AGAIN_MS = 500;
/// Complaints go over all routes again when the pause between two complaints is this long for each route.
constexpr std::uint32_t COMPLAIN_OVER_ALL_MS = 1'000;
/// From this complaint of a silence on, complaints go over the route in use and over one other route alternately.
constexpr std::uint8_t ALTERNATE_FROM = 4;
constexpr std::uint8_t ALTERNATE_UNANSWERED_FROM = 2; ///< the same for a peer that answers no echo
/// When a route comes online in a silence, the pauses between complaints are again those after this many complaints.
constexpr std::uint8_t COMPLAINTS_AT_RESTART = 2;
constexpr std::uint32_t ANSWERED_RECENTLY_MS = 2'000;
constexpr std::uint32_t MAX_LOAD_GRANTED_MS = 2'000;
/// At most this much of a measured round trip counts where other routes answer: a route that was slow before may carry
/// nothing now.
constexpr std::uint32_t GRANTED_BESIDE_OTHERS_MS = 300;
/// The same for the time until a complaint of the peer counts.
constexpr std::uint32_t MAX_GRANTED_MS = 1'000;
constexpr std::uint8_t MAX_DOUBLINGS = 5;
/// Routes that are requested again come online, and the peer learns it, a round trip to the relay and this time later.
constexpr std::uint32_t REQUEST_WITHDRAWN_MS = 150;

std::uint64_t full_time(const Delivery &d, std::uint32_t at) {
    return (std::uint64_t{d.period} << PERIOD_BITS) + at;
}

/// Never 0, which means "not set".
std::uint32_t short_time(const Delivery &d, std::uint64_t at) {
    const std::uint64_t first = full_time(d, 1);
    return static_cast<std::uint32_t>(std::clamp(at, first, first + UINT32_MAX - 1) - first + 1);
}

std::uint32_t later(const Delivery &d, std::uint64_t now, std::uint64_t ms) {
    return short_time(d, now + ms);
}

/// A time of 0 (not set) counts as reached.
bool reached(const Delivery &d, std::uint32_t at, std::uint64_t now) {
    return at == 0 || full_time(d, at) <= now;
}

std::uint64_t age_of(const Delivery &d, std::uint32_t at, std::uint64_t now) {
    return now - std::min(now, full_time(d, at));
}

/// When the next complaint, rotation or withdrawal of this silence is due.
std::uint64_t next_in_silence(const Delivery &d) {
    const std::uint64_t at = std::min(full_time(d, d.next_complaint_at), full_time(d, d.rotate_at));
    return d.peer_has_library ? at : std::min(at, full_time(d, d.withdraw_at));
}

std::uint32_t complaint_delay(const Delivery &d) {
    return std::clamp<std::uint32_t>(2U * d.pause, COMPLAINT_DELAY_MS, MAX_COMPLAINT_DELAY_MS);
}

std::uint32_t rotation_delay(const Delivery &d) {
    const std::uint32_t base = std::clamp<std::uint32_t>(2U * d.pause, ROTATE_MS, MAX_ROTATE_MS);
    return std::min(base << std::min(d.rounds, MAX_DOUBLINGS), MAX_ROTATE_MS);
}

std::uint32_t complaint_pause(std::uint8_t complaints_sent) {
    std::uint32_t pause = complaints_sent <= 1 ? FIRST_COMPLAINT_PAUSE_MS : SECOND_COMPLAINT_PAUSE_MS;
    for (std::uint8_t i = 2; i < complaints_sent && pause < MAX_COMPLAINT_PAUSE_MS; ++i) {
        pause += pause / 5;
    }
    return std::min(pause, MAX_COMPLAINT_PAUSE_MS);
}

bool is_verified(const Delivery &d, std::uint8_t route) {
    return route != NO_ROUTE && d.routes[route].proof == Proof::verified;
}

/// Estimate for the route in use: the peer is as far from the relay as we are.
std::uint32_t usual_round_trip(const Delivery_View &view) {
    return std::max(UNKNOWN_ECHO_MS, 2 * view.relay_round_trip);
}

/// Of the route in use: measured, or else estimated.
std::uint32_t round_trip(const Delivery &d, const Delivery_View &view) {
    return is_verified(d, view.sending) ? d.routes[view.sending].round_trip : usual_round_trip(view);
}

bool answered_recently(const Delivery &d, std::uint8_t route, std::uint64_t now) {
    return d.routes[route].answered != 0 && age_of(d, d.routes[route].answered, now) < ANSWERED_RECENTLY_MS;
}

/// Whether an echo that was sent at `since` or later was answered over the route.
bool answered_since(const Delivery &d, std::uint8_t route, std::uint64_t since) {
    const std::uint32_t answered = d.routes[route].answered;
    return answered != 0 && full_time(d, answered) >= since;
}

bool is_talking(const Delivery &d, std::uint64_t now) {
    return d.sent_at != 0 && now <= d.sent_at + TALKING_MS;
}

/// How long a burst may be out.
std::uint32_t lasts(const Delivery &d, const Delivery_View &view, bool single) {
    const std::uint32_t base =
        single ? std::max(SINGLE_LASTS_MS, 2 * round_trip(d, view) + 3 * ANSWER_MARGIN_MS) : BURST_LASTS_MS;
    return base + std::min(view.load, MAX_LOAD_GRANTED_MS);
}

bool has_other(Route_Set routes, std::uint8_t than) {
    return without(routes, set_of(than)) != 0;
}

/// Whether there is another route to go to.
bool has_choice(const Delivery_View &view) {
    return has_other(view.usable, view.sending);
}

/// Sends echoes over `routes`. While the route in use owes an answer, they join the present burst, so that its time to
/// answer does not begin anew; routes that come online do not put off the end of the burst more than once. Otherwise
/// they are a new burst.
void probe_routes(Delivery &d, std::uint64_t now, const Delivery_View &view, Route_Set routes, bool single,
                  Delivery_Action &action) {
    action.echo = union_of(action.echo, routes);
    action.first_echo = union_of(action.first_echo, without(routes, d.ever_probed));
    d.ever_probed = union_of(d.ever_probed, routes);
    const bool is_new = d.single && !single && contains(routes, view.sending);
    const bool is_pending = contains(without(d.probed, d.answered), view.sending) && !is_new;
    const bool keeps_end = is_pending && !d.single && !contains(routes, view.sending);
    if (!is_pending) {
        d.answered = 0;
        d.probed = 0;
        d.probed_at = short_time(d, now);
        d.answer_due_at = 0;
    }
    action.first_of_burst = union_of(action.first_of_burst, without(routes, d.probed));
    d.probed = union_of(d.probed, routes);
    d.all_probed_at = routes == view.usable ? short_time(d, now) : d.all_probed_at;
    d.single = single;
    d.end_at = keeps_end ? d.end_at : later(d, now, lasts(d, view, single));
    d.verify_at = later(d, now, std::max(VERIFY_MS, ECHO_PAUSE_MS * static_cast<std::uint32_t>(std::popcount(routes))));
}

void finish(Delivery &d) {
    d.probed = d.answered = 0;
    d.answer_due_at = 0;
    d.single = false;
}

void end_offers(Delivery &d) {
    d.offers = 0;
    d.offer_heard = false;
    d.requested_withdrawn = false;
}

/// When the route in use must have answered; 0: no other route has answered. Earlier where a complaint of the peer did
/// not come over the route in use.
std::uint32_t answer_deadline(const Delivery &d) {
    const bool is_sooner = d.complaint_missing_at > d.probed_at && d.complaint_missing_at < d.answer_due_at;
    return d.answer_due_at != 0 && is_sooner ? d.complaint_missing_at : d.answer_due_at;
}

std::uint8_t fastest(const Delivery &d, Route_Set routes, std::uint64_t now) {
    std::uint8_t best = NO_ROUTE;
    for (std::uint8_t i = 0; i < ROUTES; ++i) {
        if (!contains(routes, i)) {
            continue;
        }
        const auto cost = [&](std::uint8_t route) {
            return d.routes[route].round_trip + (delivery_distrusts(d, route, now) ? 0x10000U : 0U) +
                   (contains(d.tried, route) ? 0x20000U : 0U);
        };
        if (best == NO_ROUTE || cost(i) < cost(best)) {
            best = i;
        }
    }
    return best;
}

void cut_off(Delivery &d, Delivery_Action &action) {
    d.cut_off = true;
    action.cut_off = true;
}

void rotate(Delivery &d, std::uint64_t now, const Delivery_View &view, bool distrust, Delivery_Action &action) {
    if (distrust) {
        d.distrusted = union_of(d.distrusted, set_of(view.sending));
        d.distrust_until = later(d, now, DISTRUST_MS << std::min(d.distrusts, MAX_DOUBLINGS));
        d.distrusts = static_cast<std::uint8_t>(std::min(d.distrusts + 1, 250));
    }
    d.tried = union_of(d.tried, set_of(view.sending));
    if (without(view.usable, union_of(d.tried, view.stale)) == 0) {
        d.rounds = static_cast<std::uint8_t>(std::min(d.rounds + 1, 250));
        d.tried = set_of(view.sending);
        cut_off(d, action);
    }
    action.rotate = true;
    action.avoid = d.tried;
    // Prefer routes that have answered recently: the others may carry nothing at all.
    Route_Set responsive = 0;
    for (std::uint8_t i = 0; i < ROUTES; ++i) {
        responsive = union_of(responsive, answered_recently(d, i, now) ? set_of(i) : Route_Set{0});
    }
    responsive = static_cast<Route_Set>(without(responsive, d.tried) & view.usable);
    action.avoid = responsive == 0 ? d.tried : without(ALL_ROUTES, responsive);
    d.rotate_at = later(d, now, rotation_delay(d));
    finish(d);
}

void check_burst(Delivery &d, std::uint64_t now, const Delivery_View &view, Delivery_Action &action) {
    if (d.probed == 0) {
        return;
    }
    const Route_Set others = static_cast<Route_Set>(without(d.answered, set_of(view.sending)) & view.usable);
    const bool delivers = contains(d.answered, view.sending);
    if (d.answer_due_at != 0 && (reached(d, answer_deadline(d), now) || reached(d, d.end_at, now))) {
        d.answer_due_at = 0;
        if (!delivers && contains(d.probed, view.sending) && others != 0) {
            const bool is_heard = d.heard_at > full_time(d, d.probed_at);
            if (is_heard && view.load > LOADED_MS) { // the peer is heard: our own data makes the answer late
                finish(d);
                return;
            }
            action.move_to = fastest(d, others, now);
            d.routes[view.sending].proof = Proof::failed;
            if (delivery_rotates(d)) { // the next rotation is for another route
                d.tried = union_of(d.tried, set_of(view.sending));
            }
            d.moved_from = view.sending; // if the route is only slow, its answer comes before `moved_from_until`
            d.moved_from_until = later(d, now, BURST_LASTS_MS);
            d.moved = true;
            return;
        }
    }
    if (without(d.probed, d.answered) == 0) {
        d.unanswered = 0;
        finish(d);
        return;
    }
    if (!reached(d, d.end_at, now)) {
        return;
    }
    // A route that came online meanwhile joins an echo over the route in use. That is no echo over all routes yet.
    const bool is_partial = without(view.usable, d.probed) != 0;
    const bool unproved = contains(d.probed, view.sending) && d.answered == 0 && is_partial;
    if (d.answered != 0) {
        for (std::uint8_t i = 0; i < ROUTES; ++i) {
            if (contains(without(d.probed, d.answered), i)) {
                d.routes[i].proof = Proof::failed;
            }
        }
    } else if (!is_partial) {
        d.unanswered = static_cast<std::uint8_t>(std::min(d.unanswered + 1, 250));
        d.peer_answers = d.peer_answers && d.unanswered < MAX_UNANSWERED;
    }
    finish(d);
    if (unproved && is_talking(d, now)) {
        probe_routes(d, now, view, view.usable, false, action);
    }
}

void check_moved_from(Delivery &d, std::uint64_t now, Delivery_Action &action) {
    if (d.moved_from != NO_ROUTE && reached(d, d.moved_from_until, now)) {
        action.failed = d.routes[d.moved_from].proof == Proof::failed ? d.moved_from : NO_ROUTE;
        d.moved_from = NO_ROUTE;
    }
}

/// One of the routes that are not in use: the next in turn. Empty when there is no other route.
Route_Set next_other_route(Delivery &d, const Delivery_View &view) {
    const Route_Set others = without(view.usable, set_of(view.sending));
    if (without(others, d.probed_in_turn) == 0) {
        d.probed_in_turn = 0;
    }
    const Route_Set left = without(others, d.probed_in_turn);
    return static_cast<Route_Set>(left & (~left + 1));
}

/// We have a single route. The peer may have another, and only a complaint tells the peer that we do not hear it.
void complain_alone(Delivery &d, std::uint64_t now, const Delivery_View &view, Delivery_Action &action) {
    if (reached(d, d.rotate_at, now)) {
        d.rotate_at = later(d, now, rotation_delay(d));
    }
    if (reached(d, d.next_complaint_at, now)) {
        probe_routes(d, now, view, view.usable, false, action);
        action.unheard = true;
        d.complaints_sent = static_cast<std::uint8_t>(std::min(d.complaints_sent + 1, 250));
        d.next_complaint_at = later(d, now, complaint_pause(d.complaints_sent));
        d.timers_armed = next_in_silence(d) <= d.sent_at + TALKING_MS;
    }
}

void check_silence(Delivery &d, std::uint64_t now, const Delivery_View &view, Delivery_Action &action) {
    if (d.silence_since == 0 || !d.timers_armed || action.move_to != NO_ROUTE) {
        return;
    }
    if (!is_talking(d, now)) {
        d.timers_armed = false; // too late: the host has not ticked
        return;
    }
    // The peer may hear us, and have nothing to say.
    const bool may_be_mute = d.peer_has_library && answered_since(d, view.sending, d.silence_since);
    if (reached(d, d.rotate_at, now) && (!may_be_mute || now >= d.silence_since + MAX_ROTATE_MS)) {
        cut_off(d, action);
    }
    if (!has_choice(view)) {
        complain_alone(d, now, view, action);
        return;
    }
    if (reached(d, d.next_complaint_at, now)) {
        Route_Set routes = view.usable;
        const auto count = static_cast<std::uint32_t>(std::popcount(view.usable));
        if (d.complaints_sent != 0 && complaint_pause(d.complaints_sent) < count * COMPLAIN_OVER_ALL_MS) {
            routes = set_of(view.sending);
            const std::uint64_t last = full_time(d, d.next_complaint_at) - complaint_pause(d.complaints_sent);
            if (!answered_since(d, view.sending, last)) {
                // The route in use may carry nothing. So another route gets the complaint too. Later each second
                // complaint goes over another route alone.
                const bool alternates =
                    d.complaints_sent >= (d.peer_answers ? ALTERNATE_FROM : ALTERNATE_UNANSWERED_FROM);
                const Route_Set other = next_other_route(d, view);
                const bool alone = contains(d.probed_last, view.sending) && alternates && other != 0;
                routes = alternates && !alone ? routes : union_of(alone ? Route_Set{0} : routes, other);
            }
        }
        probe_routes(d, now, view, routes, false, action);
        d.probed_in_turn = routes == view.usable ? Route_Set{0} : union_of(d.probed_in_turn, routes);
        d.probed_last = routes;
        action.unheard = true;
        d.complaints_sent = static_cast<std::uint8_t>(std::min(d.complaints_sent + 1, 250));
        d.next_complaint_at = later(d, now, complaint_pause(d.complaints_sent));
        d.timers_armed = next_in_silence(d) <= d.sent_at + TALKING_MS;
    }
    if (!reached(d, d.rotate_at, now)) {
        return;
    }
    if (may_be_mute) {
        d.rotate_at = later(d, now, rotation_delay(d));
    } else {
        d.moved = true;
        rotate(d, now, view, false, action);
    }
}

std::uint8_t next_of(Route_Set routes, std::uint8_t after) {
    for (std::uint8_t i = 1; i <= ROUTES; ++i) {
        const auto route = static_cast<std::uint8_t>((after + i) % ROUTES);
        if (contains(routes, route)) {
            return route;
        }
    }
    return NO_ROUTE;
}

/// How long an offer lasts until the next. The time doubles when all routes have been offered.
std::uint32_t offer_lasts(const Delivery &d, const Delivery_View &view, bool answers) {
    std::uint32_t usual = complaint_delay(d) + 2 * std::min(round_trip(d, view), 2 * usual_round_trip(view));
    if (d.offers == 0) {
        usual = answers ? std::max(ROTATE_MS, usual) : usual + WITHDRAW_AFTER_MS;
    }
    return usual << std::min<std::uint32_t>(d.offers / (ROUTES + 1U), MAX_DOUBLINGS);
}

/// The routes to withdraw next: the route that the peer was heard over last, then all routes but one, in turn.
Route_Set next_to_withdraw(Delivery &d, std::uint64_t now, const Delivery_View &view, Delivery_Action &action) {
    const auto before = static_cast<Route_Set>(d.withdrawn_before & view.usable);
    const bool is_first = d.offers == 0;
    d.offers = static_cast<std::uint8_t>(std::min(d.offers + 1, 250));
    d.withdrawn_before = 0;
    if (before != 0 && without(view.usable, before) != 0) {
        return before; // what helped the last time
    }
    if (is_first && contains(view.usable, view.heard) && has_other(view.usable, view.heard)) {
        d.offered = view.heard;
        return set_of(view.heard);
    }
    if (!d.requested_withdrawn) {
        d.offered = next_of(union_of(view.usable, d.withdrawn), d.offered);
    }
    d.requested_withdrawn = !d.requested_withdrawn && !contains(view.usable, d.offered);
    if (d.requested_withdrawn) {
        d.withdrawn = 0;
        d.withdraw_at = later(d, now, REQUEST_WITHDRAWN_MS + view.relay_round_trip);
        action.request_withdrawn = true;
    }
    return contains(view.usable, d.offered) ? without(view.usable, set_of(d.offered)) : Route_Set{0};
}

/// A peer without this library sends over a route that carries nothing: it is made to choose another route.
void check_withdrawal(Delivery &d, std::uint64_t now, const Delivery_View &view, Delivery_Action &action) {
    if (d.peer_has_library || !is_talking(d, now)) {
        end_offers(d);
    }
    // Since an offer the peer is heard, but answers no echo: it may not hear us.
    const bool is_unproved = d.offers != 0 && d.offer_heard;
    if (is_unproved && view.heard != view.sending && contains(view.usable, view.heard)) {
        action.move_to = view.heard; // this route carries data, and not echoes alone
    }
    const bool is_silent = (d.silence_since != 0 || is_unproved) && is_talking(d, now);
    if (d.withdrawn != 0 && reached(d, d.withdrawn_until, now)) {
        if (is_silent) {
            d.withdrawn_until = later(d, now, VERIFY_AGAIN_MS);
        } else {
            d.withdrawn_before = d.withdrawn;
            d.withdrawn = 0;
            action.request_withdrawn = true;
        }
    }
    if (!is_silent || !(d.timers_armed || is_unproved) || d.peer_has_library || !reached(d, d.withdraw_at, now)) {
        return;
    }
    bool answers = false;
    for (std::uint8_t i = 0; i < ROUTES; ++i) {
        answers = answers || answered_since(d, i, d.silence_since);
    }
    const std::uint32_t lasts = offer_lasts(d, view, answers);
    if (view.load > LOADED_MS || (d.offers == 0 && now < d.silence_since + lasts)) {
        d.withdraw_at = short_time(d, std::max(d.silence_since + lasts, now + VERIFY_AGAIN_MS / 4));
        return;
    }
    d.withdraw_at = later(d, now, lasts);
    d.offer_heard = false;
    if (const Route_Set routes = next_to_withdraw(d, now, view, action); routes != 0) {
        d.withdrawn = union_of(d.withdrawn, routes);
        d.withdrawn_until = later(
            d, now, std::min(WITHDRAWN_FOR_MS << std::min(d.successful_offers, MAX_DOUBLINGS), MAX_WITHDRAWN_FOR_MS));
        action.withdraw = routes;
    }
}

/// The peer says that it has not heard us for `unheard` ms. Whether it should have heard, in that time, data that we
/// sent over the route in use at least `within` ms ago.
bool should_be_heard(const Delivery &d, std::uint64_t now, std::uint32_t within, std::uint32_t unheard) {
    if (d.sending_since == 0 || age_of(d, d.sending_since, now) < within) {
        return false;
    }
    if (now <= d.sent_at + STREAM_GAP_MS && age_of(d, d.stream_since, now) >= within + STREAM_GAP_MS) {
        return unheard >= STREAM_GAP_MS; // a stream has a packet in every STREAM_GAP_MS
    }
    const auto counts = [&](std::uint32_t sent) {
        const std::uint64_t age = age_of(d, sent, now);
        return age >= within && age + COMPLAINT_MARGIN_MS <= unheard && age <= age_of(d, d.sending_since, now);
    };
    if (counts(short_time(d, d.sent_at)) || counts(d.stream_since) || counts(d.sent_before)) {
        return true;
    }
    // The times of older data are not known. The pauses before it were probably like the last pause.
    const std::uint32_t pauses = 2 * std::min(short_time(d, d.sent_at) - d.sent_before, TALKING_MS);
    return is_talking(d, now) && age_of(d, d.sending_since, now) >= within + pauses && unheard >= within + pauses;
}

/// The peer does not hear us: probes all routes, unless they were probed just now or the peer answers no echo.
void check_routes(Delivery &d, std::uint64_t now, const Delivery_View &view, Delivery_Action &action) {
    const bool are_probed =
        without(view.usable, d.probed) == 0 && !d.single && !reached(d, d.all_probed_at, now - COMPLAINT_GAP_MS);
    if (!are_probed && (d.peer_answers || d.unanswered < MAX_UNANSWERED)) {
        probe_routes(d, now, view, view.usable, false, action);
    }
}

void rotate_for_complaint(Delivery &d, std::uint64_t now, const Delivery_View &view, Delivery_Action &action) {
    d.peer_complained_at = short_time(d, now);
    d.second_complaint_due = 0;
    if (has_choice(view)) {
        rotate(d, now, view, true, action);
    } else {
        cut_off(d, action);
    }
}

void check_complaint(Delivery &d, std::uint64_t now, const Delivery_View &view, Delivery_Action &action) {
    const std::uint32_t unheard = d.complaint;
    d.complaint = 0;
    if (unheard == 0) {
        return;
    }
    if (!is_talking(d, now) || action.move_to != NO_ROUTE || action.rotate) {
        return;
    }
    const std::uint32_t load = std::min(view.load, MAX_LOAD_GRANTED_MS);
    const std::uint32_t usual = std::min(round_trip(d, view), MAX_GRANTED_MS);
    const std::uint32_t settled =
        std::min((usual + COMPLAINT_MARGIN_MS) << std::min(d.rounds, MAX_DOUBLINGS), ROTATE_MS);
    if (!should_be_heard(d, now, settled + load, unheard)) {
        // With this route's round trip, the peer could not have heard our data in time. With a short round trip it
        // could: then the routes are probed, to learn whether the route is slow or carries nothing.
        const std::uint32_t quick = std::min(usual, GRANTED_BESIDE_OTHERS_MS) + COMPLAINT_MARGIN_MS;
        const bool may_probe = d.peer_complained_at == 0 || reached(d, d.verify_at, now + VERIFY_MS / 4);
        if (may_probe && should_be_heard(d, now, quick + load, unheard)) {
            check_routes(d, now, view, action);
        }
        return;
    }
    // If the last complaint is longer ago than `unheard`, the peer has heard us since: this complaint is a first one.
    const std::uint32_t lasts = std::min(COMPLAINT_LASTS_MS, unheard + COMPLAINT_SLACK_MS);
    if (d.peer_complained_at != 0 && age_of(d, d.peer_complained_at, now) > lasts) {
        d.peer_complained_at = 0;
        d.second_complaint_due = 0;
        d.tried = 0;
        d.rounds = static_cast<std::uint8_t>(d.rounds - (d.rounds > 0));
    }
    // Complaints of a peer that answers no echo come seldom. A complaint about a longer time counts as two.
    const bool counts_twice = !d.peer_answers && should_be_heard(d, now, settled + load + COMPLAINT_GAP_MS, unheard);
    if (d.peer_complained_at == 0 && !counts_twice) {
        d.peer_complained_at = short_time(d, now);
        check_routes(d, now, view, action);
        return;
    }
    if (d.peer_complained_at != 0 && age_of(d, d.peer_complained_at, now) < COMPLAINT_GAP_MS + load) {
        return;
    }
    if (d.answer_due_at != 0) {
        d.complaint = static_cast<std::uint16_t>(unheard); // kept until it is known whether the route in use answers
        return;
    }
    // Traffic rotates where the route in use answers and the peer still does not hear us, and where the route had time
    // to answer and did not.
    const std::uint64_t age = age_of(d, d.peer_complained_at, now);
    if (!counts_twice && !answered_recently(d, view.sending, now) && age < settled) {
        d.second_complaint_due = later(d, now, settled - age);
        return;
    }
    rotate_for_complaint(d, now, view, action);
}

/// A second complaint came before echoes could be answered. There was time for the answers now, and none made traffic
/// move: traffic rotates.
void check_second_complaint(Delivery &d, std::uint64_t now, const Delivery_View &view, Delivery_Action &action) {
    if (d.second_complaint_due == 0 || !reached(d, d.second_complaint_due, now) || d.answer_due_at != 0) {
        return;
    }
    d.second_complaint_due = 0;
    if (is_talking(d, now) && action.move_to == NO_ROUTE && !action.rotate) {
        rotate_for_complaint(d, now, view, action);
    }
}

/// Whether the route flaps, and came online too recently to be probed for it.
bool is_settling(const Delivery &d, std::uint8_t route, std::uint64_t now) {
    const Route_Delivery &one = d.routes[route];
    return one.flaps > FREE_FLAPS && age_of(d, one.since, now) < std::uint64_t{FLAP_WAIT_MS}
                                                                     << (one.flaps - FREE_FLAPS - 1);
}

/// Usable routes that were not sent an echo yet, and are to be sent one.
Route_Set unknown_routes(const Delivery &d, std::uint64_t now, const Delivery_View &view) {
    Route_Set routes = without(view.usable, d.ever_probed);
    for (std::uint8_t i = 0; i < ROUTES && routes != 0; ++i) {
        routes = is_settling(d, i, now) ? without(routes, set_of(i)) : routes;
    }
    return routes;
}

void verify(Delivery &d, std::uint64_t now, const Delivery_View &view, Delivery_Action &action) {
    if (!is_talking(d, now) || action.move_to != NO_ROUTE || action.rotate) {
        return;
    }
    if (const Route_Set unknown = unknown_routes(d, now, view); unknown != 0) {
        // In a silence the route in use is probed too: if only the new route answers, traffic moves there.
        const bool silent = d.complaints_sent != 0;
        const bool known = !silent && (is_verified(d, view.sending) || contains(d.probed, view.sending));
        action.unheard = action.unheard || silent;
        probe_routes(d, now, view, known ? unknown : union_of(unknown, set_of(view.sending)), false, action);
    } else if (d.probed != 0 || view.load > LOADED_MS || !has_choice(view) || d.complaints_sent != 0 ||
               (!d.peer_answers && d.unanswered >= MAX_UNANSWERED)) {
        return;
    } else if (reached(d, d.verify_at, now)) {
        const bool all = d.verifications >= PROBE_ALL_EVERY;
        d.verifications = static_cast<std::uint8_t>(all ? 0 : d.verifications + 1);
        probe_routes(d, now, view, all ? view.usable : set_of(view.sending), !all, action);
    }
}

std::uint32_t earlier(const Delivery &d, std::uint32_t at, std::uint64_t now, std::uint32_t ms) {
    return reached(d, at, now + ms) ? at : later(d, now, ms);
}

/// Another route may deliver now: the complaints of this silence become frequent again.
void restart_complaints(Delivery &d, std::uint64_t now) {
    d.complaints_sent = std::min(d.complaints_sent, COMPLAINTS_AT_RESTART);
    d.next_complaint_at = earlier(d, d.next_complaint_at, now, FIRST_COMPLAINT_PAUSE_MS);
}

void forget_complaints(Delivery &d) {
    d.peer_complained_at = 0;
    d.second_complaint_due = 0;
    d.tried = 0;
    d.rounds = 0;
    d.cut_off = false;
}

/// A new conversation begins.
void forget(Delivery &d) {
    finish(d);
    d.verify_at = 0;
    d.verifications = PROBE_ALL_EVERY;
    d.distrusted = 0;
    d.distrusts = 0;
    forget_complaints(d);
    d.peer_clock = 0;
}

constexpr std::array TIMES{
    &Delivery::sending_since,
    &Delivery::stream_since,
    &Delivery::sent_before,
    &Delivery::next_complaint_at,
    &Delivery::rotate_at,
    &Delivery::withdraw_at,
    &Delivery::withdrawn_until,
    &Delivery::probed_at,
    &Delivery::all_probed_at,
    &Delivery::end_at,
    &Delivery::answer_due_at,
    &Delivery::moved_from_until,
    &Delivery::verify_at,
    &Delivery::distrust_until,
    &Delivery::peer_complained_at,
    &Delivery::complaint_missing_at,
    &Delivery::second_complaint_due,
};

/// To be called before a time of 32 bits is set. A time that is too old to be kept becomes the oldest that can be.
void keep_times_in_range(Delivery &d, std::uint64_t now) {
    const auto period = static_cast<std::uint16_t>(std::max<std::uint64_t>(now >> PERIOD_BITS, 1) - 1);
    if (period == d.period) {
        return;
    }
    const Delivery old = d;
    d.period = period;
    const auto move = [&](std::uint32_t &at) { at = at == 0 ? 0 : short_time(d, full_time(old, at)); };
    for (std::uint32_t Delivery::*const time : TIMES) {
        move(d.*time);
    }
    for (Route_Delivery &route : d.routes) {
        move(route.since);
        move(route.answered);
    }
}

} // namespace

std::uint64_t delivery_sent(Delivery &d, std::uint64_t now) {
    keep_times_in_range(d, now);
    if (now > d.sent_at + TALKING_MS) {
        if (now > d.sent_at + FORGET_MS) {
            forget(d);
            end_offers(d);
            d.silence_since = 0;
        }
        d.sending_since = 0;
    }
    d.sending_since = d.sending_since == 0 ? short_time(d, now) : d.sending_since;
    if (now > d.sent_at + STREAM_GAP_MS) {
        d.sent_before = short_time(d, d.sent_at);
        d.stream_since = short_time(d, now);
    }
    d.sent_at = now;
    if (d.silence_since == 0 && d.proves_packets) {
        d.silence_since = now;
        d.complaints_sent = 0;
        d.moved = false;
        d.timers_armed = false;
        d.next_complaint_at = later(d, now, complaint_delay(d));
        d.rotate_at = later(d, now, rotation_delay(d));
        if (d.offers == 0) {
            d.withdraw_at = later(d, now, complaint_delay(d) + WITHDRAW_AFTER_MS);
        }
    }
    std::uint64_t at = UINT64_MAX;
    if (!d.timers_armed && d.proves_packets) {
        d.timers_armed = true;
        at = std::max(now, next_in_silence(d));
    }
    if (!d.due_now && reached(d, d.verify_at, now)) {
        d.due_now = true;
        at = now;
    }
    return at;
}

bool delivery_silence_ends(Delivery &d, std::uint64_t now) {
    keep_times_in_range(d, now);
    if (d.offers != 0 && !d.offer_heard) {
        d.offer_heard = true;
        d.due_now = true;
        d.ever_probed = 0; // probe all routes: the peer may not hear us yet
        d.verify_at = 0;
        d.withdraw_at = later(d, now, SINGLE_LASTS_MS + complaint_delay(d));
    }
    if (!d.moved) {
        const auto gap = static_cast<std::uint32_t>(std::min<std::uint64_t>(now - d.silence_since, MAX_ROTATE_MS));
        // A single long silence among the last three is not the peer's habit.
        const std::uint32_t usual = std::min<std::uint32_t>(gap, std::max(d.last_gap, d.gap_before));
        d.pause = static_cast<std::uint16_t>(usual > d.pause ? usual : d.pause - (d.pause - usual) / 16);
        d.gap_before = d.last_gap;
        d.last_gap = static_cast<std::uint16_t>(gap);
    }
    d.silence_since = 0;
    if (d.peer_complained_at == 0 || age_of(d, d.peer_complained_at, now) > COMPLAINT_LASTS_MS) {
        forget_complaints(d);
    }
    return d.due_now;
}

bool delivery_answered(Delivery &d, std::uint64_t now, std::uint8_t route, std::uint32_t stamp, bool by_library,
                       std::uint8_t sending, std::uint32_t load) {
    if (route >= ROUTES || !contains(d.ever_probed, route)) {
        return false;
    }
    keep_times_in_range(d, now);
    Route_Delivery &answering = d.routes[route];
    const std::uint32_t age = static_cast<std::uint32_t>(now) - stamp;
    if (age > std::min<std::uint64_t>(ANSWERS_WITHIN_MS, now)) {
        return false;
    }
    const std::uint32_t sent = short_time(d, now - age);
    const bool repeated = answering.answered != 0 && sent <= answering.answered;
    const bool too_old = answering.since != 0 && sent < answering.since;
    if (repeated || too_old) {
        return false;
    }
    answering.answered = sent;
    const std::uint32_t sample = std::max(age, 1U);
    const bool settles =
        answering.proof == Proof::verified && 2 * sample >= answering.round_trip; // otherwise it is new or faster
    answering.round_trip = static_cast<std::uint16_t>(settles ? (3 * answering.round_trip + sample) / 4 : sample);
    answering.proof = Proof::verified;
    d.peer_answers = true;
    d.unanswered = 0;
    if (d.offers != 0 && d.offer_heard) {
        end_offers(d);
        d.successful_offers = static_cast<std::uint8_t>(std::min(d.successful_offers + 1, 250));
    }
    d.peer_has_library = d.peer_has_library || by_library;
    if (d.probed == 0 || sent < d.probed_at) {
        if (d.silence_since != 0 && d.complaints_sent > COMPLAINTS_AT_RESTART) {
            restart_complaints(d, now); // an old echo is answered in a silence: a route works again
            d.due_now = true;
        }
        return true;
    }
    d.answered = union_of(d.answered, set_of(route));
    if (route == sending || contains(d.answered, sending)) {
        d.answer_due_at = 0;
        d.due_now = d.due_now || d.complaint != 0;
    } else if (contains(d.probed, sending)) {
        const std::uint32_t usual =
            is_verified(d, sending) ? std::min<std::uint32_t>(d.routes[sending].round_trip, GRANTED_BESIDE_OTHERS_MS)
                                    : 0U;
        const std::uint32_t grant = 2 * std::max(usual, age) + ANSWER_MARGIN_MS + std::min(load, MAX_LOAD_GRANTED_MS);
        const std::uint32_t at = later(d, now - age, grant); // the route in use was probed then, or before
        d.answer_due_at = d.answer_due_at == 0 ? at : std::min(at, d.answer_due_at);
    }
    return true;
}

void delivery_peer_echo(Delivery &d, std::uint64_t now, std::uint32_t stamp, std::uint32_t unheard, std::uint8_t route,
                        std::uint8_t sending) {
    keep_times_in_range(d, now);
    const std::uint32_t quiet = static_cast<std::uint32_t>(now) - (d.peer_clock + d.peer_offset); // since its last echo
    if (d.peer_clock != 0 && quiet < PEER_CLOCK_LASTS_MS && static_cast<std::int32_t>(stamp - d.peer_clock) < 0) {
        return;
    }
    const bool is_same = stamp == d.peer_clock; // the same burst, over another route
    // How much longer this echo was on its way than the fastest echo. The two clocks need not agree.
    const std::uint32_t offset = static_cast<std::uint32_t>(now) - stamp;
    const auto delay = static_cast<std::int32_t>(offset - d.peer_offset);
    if (d.peer_clock == 0 || delay < 0 || quiet > FORGET_MS) { // the clocks drift apart
        d.peer_offset = offset;
    } else if (delay > STALE_COMPLAINT_MS) {
        const std::uint64_t sending_for = d.sending_since == 0 ? 0 : age_of(d, d.sending_since, now);
        const bool counts =
            std::min<std::uint64_t>(unheard, sending_for) >= ROTATE_MS + static_cast<std::uint32_t>(delay);
        unheard = counts ? unheard : 0;
    } else {
        d.peer_offset += static_cast<std::uint32_t>(delay) / 8;
    }
    d.peer_clock = stamp;
    d.peer_has_library = true;
    if (unheard == 0 || route == sending) {
        d.complaint_missing_at = 0;
    } else if (!is_same) {
        const std::uint32_t usual = is_verified(d, sending) ? d.routes[sending].round_trip : UNKNOWN_ECHO_MS;
        d.complaint_missing_at = later(d, now, std::min(usual, GRANTED_BESIDE_OTHERS_MS) / 2 + ANSWER_MARGIN_MS);
    }
    if (unheard != 0 && !is_same && is_talking(d, now)) {
        d.complaint = static_cast<std::uint16_t>(std::min<std::uint32_t>(unheard, UINT16_MAX));
        d.due_now = true;
    }
}

void delivery_reset_route(Delivery &d, std::uint8_t route) {
    assert(route < ROUTES);
    d.routes[route] = {};
    d.ever_probed = without(d.ever_probed, set_of(route));
    d.probed = without(d.probed, set_of(route));
    d.answered = without(d.answered, set_of(route));
    d.tried = without(d.tried, set_of(route));
    d.distrusted = without(d.distrusted, set_of(route));
    d.moved_from = d.moved_from == route ? NO_ROUTE : d.moved_from;
}

void delivery_route_offline(Delivery &d, std::uint64_t now, std::uint8_t route) {
    const bool is_flap = age_of(d, d.routes[route].since, now) < FLAP_WITHIN_MS;
    const int flaps = is_flap ? std::min(d.routes[route].flaps + 1, int{MAX_FLAPS}) : 0;
    delivery_reset_route(d, route);
    d.routes[route].flaps = static_cast<std::uint8_t>(flaps);
}

void delivery_route_online(Delivery &d, std::uint64_t now, std::uint8_t route) {
    const std::uint8_t flaps = d.routes[route].flaps;
    delivery_reset_route(d, route);
    keep_times_in_range(d, now);
    d.routes[route].since = short_time(d, now);
    d.routes[route].flaps = flaps;
    if (is_settling(d, route, now)) {
        return; // it is probed later, and until then changes nothing
    }
    d.verify_at = 0;
    d.rounds = 0;
    if (d.silence_since == 0) {
        return;
    }
    d.rotate_at = earlier(d, d.rotate_at, now, rotation_delay(d));
    if (d.complaints_sent != 0) {
        restart_complaints(d, now);
    }
}

void delivery_untied(Delivery &d, std::uint8_t route) {
    d.withdrawn = without(d.withdrawn, set_of(route));
    d.withdrawn_before = without(d.withdrawn_before, set_of(route));
    d.routes[route].flaps = 0;
}

void delivery_moved(Delivery &d, std::uint64_t now) {
    keep_times_in_range(d, now);
    d.sending_since = 0;
    d.rotate_at = later(d, now, rotation_delay(d));
    d.answer_due_at = 0;
    d.complaint_missing_at = 0;
    d.second_complaint_due = 0;
}

void delivery_lost(Delivery &d) {
    d.ever_probed = 0;
    d.verify_at = 0;
}

std::uint32_t delivery_unheard(const Delivery &d, std::uint64_t now) {
    return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(now - d.heard_at, 1, UINT32_MAX)); // 0: never heard
}

std::uint32_t delivery_stamp(std::uint64_t now) {
    return std::max(static_cast<std::uint32_t>(now), 1U);
}

Delivery_Action delivery_due(Delivery &d, std::uint64_t now, const Delivery_View &view) {
    Delivery_Action action;
    keep_times_in_range(d, now);
    d.due_now = false;
    if (view.sending == NO_ROUTE) {
        // Nothing can be sent, so silence tells nothing.
        finish(d);
        d.silence_since = 0;
        d.complaint = 0;
        forget_complaints(d);
        return action;
    }
    if (d.distrusted != 0 && reached(d, d.distrust_until, now)) {
        d.distrusted = 0;
    }
    check_moved_from(d, now, action);
    check_withdrawal(d, now, view, action);
    check_burst(d, now, view, action);
    check_silence(d, now, view, action);
    check_complaint(d, now, view, action);
    check_second_complaint(d, now, view, action);
    verify(d, now, view, action);
    if (reached(d, d.verify_at, now)) {
        d.verify_at = later(d, now, VERIFY_AGAIN_MS);
    }
    return action;
}

void delivery_unsent(Delivery &d, std::uint64_t now, const Delivery_Action &action, Route_Set unsent) {
    if (unsent == 0) {
        return;
    }
    d.ever_probed = without(d.ever_probed, static_cast<Route_Set>(unsent & action.first_echo));
    d.probed = without(d.probed, static_cast<Route_Set>(unsent & action.first_of_burst));
    d.verify_at = later(d, now, VERIFY_AGAIN_MS);
}

std::uint64_t delivery_deadline(const Delivery &d) {
    if (d.due_now) {
        return d.sent_at;
    }
    std::uint64_t at = UINT64_MAX;
    if (d.probed != 0) {
        at = full_time(d, d.end_at);
        at = d.answer_due_at != 0 ? std::min(at, full_time(d, answer_deadline(d))) : at;
    }
    at = d.moved_from != NO_ROUTE ? std::min(at, full_time(d, d.moved_from_until)) : at;
    at = d.withdrawn != 0 ? std::min(at, full_time(d, d.withdrawn_until)) : at;
    at = d.offers != 0 && d.offer_heard ? std::min(at, full_time(d, d.withdraw_at)) : at;
    if (d.second_complaint_due != 0 && d.answer_due_at == 0) { // otherwise not before that answer is due
        at = std::min(at, full_time(d, d.second_complaint_due));
    }
    if (d.silence_since != 0 && d.timers_armed) {
        at = std::min(at, next_in_silence(d));
    }
    return at;
}

std::uint64_t delivery_proved_at(const Delivery &d, std::uint8_t route) {
    const std::uint32_t answered = d.routes[route].answered;
    return answered == 0 ? 0 : full_time(d, answered);
}

bool delivery_distrusts(const Delivery &d, std::uint8_t route, std::uint64_t now) {
    return contains(d.distrusted, route) && !reached(d, d.distrust_until, now);
}

} // namespace toxtcp
