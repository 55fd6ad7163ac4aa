// The policies Selection, Liveness, Reputation, Backoff, Prune and Load, each alone, at the limits of its rules.
#include "catch.h"
#include "policy/backoff.h"
#include "policy/liveness.h"
#include "policy/load.h"
#include "policy/prune.h"
#include "policy/reputation.h"
#include "policy/selection.h"

using namespace toxtcp;

namespace {

constexpr std::uint64_t NOW = 5'000'000;

Route_View verified(std::uint32_t round_trip) {
    Route_View view;
    view.usable = true;
    view.standing = Route_Standing::verified;
    view.echo_round_trip = round_trip;
    return view;
}

Route_View unknown(std::uint32_t relay_round_trip) {
    Route_View view;
    view.usable = true;
    view.relay_round_trip = relay_round_trip;
    return view;
}

} // namespace

// ---- selection

TEST_CASE("selection: a route that is not usable, or is to be avoided, is not chosen") {
    Route_Views views;
    CHECK(select_route(views, 0) == NO_ROUTE);
    views[2] = verified(10);
    CHECK(select_route(views, 0) == 2);
    CHECK(select_route(views, set_of(2)) == NO_ROUTE);
}

TEST_CASE("selection: a verified route comes before an unknown one, and an unknown one before a failed one") {
    Route_Views views;
    views[0] = unknown(1);
    views[1] = verified(900);
    views[2] = unknown(1);
    views[2].standing = Route_Standing::failed;
    CHECK(select_route(views, 0) == 1);
    CHECK(select_route(views, set_of(1)) == 0);
    CHECK(select_route(views, union_of(set_of(0), set_of(1))) == 2);
}

TEST_CASE("selection: a route over a stale relay comes last, a distrusted route just before it") {
    Route_Views views;
    views[0] = verified(10);
    views[0].stale = true;
    views[1] = verified(20);
    views[1].distrusted = true;
    views[2] = unknown(500);
    CHECK(select_route(views, 0) == 2);
    CHECK(select_route(views, set_of(2)) == 1);
}

TEST_CASE("selection: a bad reputation counts only among routes that are not verified") {
    Route_Views views;
    views[0] = unknown(10);
    views[0].bad_reputation = true;
    views[1] = unknown(400);
    CHECK(select_route(views, 0) == 1);
    views[0] = verified(10);
    views[0].bad_reputation = true;
    views[1] = verified(400);
    CHECK(select_route(views, 0) == 0);
}

TEST_CASE("selection: the route over which the peer was heard is preferred only among unverified routes") {
    Route_Views views;
    views[0] = unknown(10);
    views[1] = unknown(400);
    views[1].heard = true;
    CHECK(select_route(views, 0) == 1);
    views[1].bad_reputation = true;
    CHECK(select_route(views, 0) == 0);
    views[0] = verified(10);
    views[1] = verified(400);
    views[1].heard = true;
    CHECK(select_route(views, 0) == 0);
}

TEST_CASE("selection: the shortest end-to-end round trip comes first; where unknown, twice the relay's") {
    Route_Views views;
    views[0] = verified(300);
    views[1] = verified(90);
    views[2] = verified(100);
    CHECK(select_route(views, 0) == 1);
    views = {};
    views[0] = unknown(300);
    views[1] = unknown(20);
    views[2] = unknown(0); // not measured yet
    CHECK(select_route(views, 0) == 1);
}

TEST_CASE("selection: traffic moves to a route that takes at most half the time and is 50 ms faster") {
    Route_Views views;
    views[0] = verified(200);
    views[1] = verified(101);
    Selection selection;
    CHECK_FALSE(select_faster(selection, views, 0, 1, NOW));
    views[1] = verified(100);
    CHECK(select_faster(selection, views, 0, 1, NOW));
    views[0] = verified(60);
    views[1] = verified(11);
    selection = {};
    CHECK_FALSE(select_faster(selection, views, 0, 1, NOW)); // 49 ms
    views[1] = verified(10);
    CHECK(select_faster(selection, views, 0, 1, NOW));
}

TEST_CASE("selection: one change in 10 s, and none while the link is loaded") {
    Route_Views views;
    views[0] = verified(500);
    views[1] = verified(10);
    Selection selection;
    views[0].loaded = true;
    CHECK_FALSE(select_faster(selection, views, 0, 1, NOW));
    views[0].loaded = false;
    CHECK(select_faster(selection, views, 0, 1, NOW));
    CHECK_FALSE(select_faster(selection, views, 0, 1, NOW + STAY_MS - 1));
    CHECK(select_faster(selection, views, 0, 1, NOW + STAY_MS));
}

TEST_CASE("selection: traffic moves only to the route that has just answered, and only if it is the best") {
    Route_Views views;
    views[0] = verified(500);
    views[1] = verified(10);
    views[2] = verified(20);
    Selection selection;
    CHECK_FALSE(select_faster(selection, views, 0, 2, NOW));
    CHECK_FALSE(select_faster(selection, views, 0, 0, NOW));
    CHECK(select_faster(selection, views, 0, 1, NOW));
}

// ---- liveness

TEST_CASE("liveness: while nothing is sent, nothing is due") {
    Liveness liveness;
    CHECK(liveness_deadline(liveness, {.last_heard = NOW}) == UINT64_MAX);
}

TEST_CASE("liveness: a relay that is silent after data is pinged, and is stale if it does not answer in time") {
    Liveness liveness;
    Liveness_View view{.last_heard = NOW, .ping_sent = NOW - 20'000};
    REQUIRE(liveness_sent(liveness, NOW + 10, NOW, 0));
    CHECK_FALSE(liveness_sent(liveness, NOW + 20, NOW, 0));
    CHECK(liveness_deadline(liveness, view) == NOW + PROBE_MS);
    CHECK(liveness_due(liveness, NOW + PROBE_MS - 1, view, 0) == Liveness_Action::none);
    CHECK(liveness_due(liveness, NOW + PROBE_MS, view, 0) == Liveness_Action::ping);
    view.ping_unanswered = true;
    view.ping_sent = NOW + PROBE_MS;
    CHECK(liveness_due(liveness, view.ping_sent + STALE_MS - 1, view, 0) == Liveness_Action::none);
    CHECK(liveness_due(liveness, view.ping_sent + STALE_MS, view, 0) == Liveness_Action::stale);
    CHECK(liveness_deadline(liveness, view) == UINT64_MAX); // stale is reported once
    CHECK(liveness_heard(liveness));
    CHECK_FALSE(liveness_heard(liveness));
}

TEST_CASE("liveness: a relay with a round trip of 1.9 s is slow, and not stale") {
    Liveness liveness;
    Liveness_View view{.last_heard = NOW, .ping_sent = NOW, .ping_unanswered = true, .round_trip = 1'900};
    REQUIRE(liveness_sent(liveness, NOW + 1, NOW, 0));
    CHECK(liveness_deadline(liveness, view) >= NOW + 2 * 1'900);
}

TEST_CASE("liveness: the load that we cause is added to the time that a relay has to answer") {
    Liveness idle;
    Liveness loaded;
    const Liveness_View view{.last_heard = NOW, .ping_sent = NOW, .ping_unanswered = true, .round_trip = 50};
    REQUIRE(liveness_sent(idle, NOW + 1, NOW, 0));
    REQUIRE(liveness_sent(loaded, NOW + 1, NOW, 4'000));
    CHECK(liveness_deadline(loaded, view) == liveness_deadline(idle, view) + 4'000);
}

TEST_CASE("liveness: a silent relay is pinged once a second at most") {
    Liveness liveness;
    const Liveness_View view{.last_heard = NOW, .ping_sent = NOW - 100};
    REQUIRE(liveness_sent(liveness, NOW + 1, NOW, 0));
    CHECK(liveness_deadline(liveness, view) == NOW - 100 + PROBE_EVERY_MS);
}

TEST_CASE("liveness: a full socket that takes nothing for 5 s is stuck, one that took something is not") {
    Liveness liveness;
    const Liveness_View view{.last_heard = NOW};
    REQUIRE(liveness_full(liveness, NOW));
    CHECK_FALSE(liveness_full(liveness, NOW + 100));
    CHECK(liveness_due(liveness, NOW + STUCK_MS - 1, view, 0) == Liveness_Action::none);
    CHECK(liveness_due(liveness, NOW + STUCK_MS, view, 0) == Liveness_Action::check_full);
    liveness.made_progress = true;
    CHECK_FALSE(liveness_checked_full(liveness, NOW + STUCK_MS, true));
    CHECK(liveness_due(liveness, NOW + 2 * STUCK_MS, view, 0) == Liveness_Action::check_full);
    CHECK(liveness_checked_full(liveness, NOW + 2 * STUCK_MS, true));
    CHECK_FALSE(liveness_checked_full(liveness, NOW + 2 * STUCK_MS, false));
}

TEST_CASE("liveness: after a change of network a relay that does not answer in time is ended") {
    Liveness liveness;
    const Liveness_View view{.last_heard = NOW};
    liveness_start_network_check(liveness, NOW, 0);
    CHECK(liveness_due(liveness, NOW + NETWORK_CHECK_MS - 1, view, 0) == Liveness_Action::none);
    CHECK(liveness_due(liveness, NOW + NETWORK_CHECK_MS, view, 0) == Liveness_Action::end_unanswered);
    (void)liveness_heard(liveness);
    CHECK(liveness_due(liveness, NOW + NETWORK_CHECK_MS, view, 0) == Liveness_Action::none);
}

TEST_CASE("liveness: after a change of network a relay has two of its round trips to answer, and 6 s at most") {
    const Liveness_View view{.last_heard = NOW};
    const auto checked_until = [&view](std::uint32_t round_trip) {
        Liveness liveness;
        liveness_start_network_check(liveness, NOW, round_trip);
        return liveness_deadline(liveness, view);
    };
    CHECK(checked_until(50) == NOW + NETWORK_CHECK_MS);
    CHECK(checked_until(2'000) == NOW + 4'000);
    CHECK(checked_until(60'000) == NOW + MAX_NETWORK_CHECK_MS);
}

// ---- reputation

TEST_CASE("reputation: failures for one peer give no bad reputation; failures for two peers do, for ten minutes") {
    Reputation reputation;
    for (int i = 0; i < 100; ++i) {
        reputation_failed(reputation, 7, NOW + static_cast<std::uint64_t>(i));
    }
    CHECK_FALSE(has_bad_reputation(reputation, NOW + 100));
    reputation_failed(reputation, 8, NOW + 100);
    CHECK(has_bad_reputation(reputation, NOW + 100));
    CHECK(has_bad_reputation(reputation, NOW + 99 + FAILURE_LIFETIME_MS - 1));
    CHECK_FALSE(has_bad_reputation(reputation, NOW + 99 + FAILURE_LIFETIME_MS));
}

// ---- backoff

TEST_CASE("backoff: a dead relay is tried at most 40 times in an hour after the first minute, and never given up") {
    const bool needed = GENERATE(true, false);
    const std::uint32_t random = GENERATE(0U, 12'345U, UINT32_MAX);
    Backoff backoff;
    std::uint64_t now = NOW;
    int late = 0;
    std::uint64_t longest_early = 0;
    std::uint64_t longest = 0;
    while (now < NOW + 3'660'000) {
        backoff_failed(backoff, now, 0, needed, random);
        CHECK(backoff.ready_at >= now);
        longest = std::max(longest, backoff.ready_at - now);
        if (now < NOW + 100'000) {
            longest_early = std::max(longest_early, backoff.ready_at - now);
        }
        now = backoff.ready_at;
        late += now >= NOW + 60'000 && now < NOW + 3'660'000 ? 1 : 0;
    }
    CHECK(late <= 40);
    CHECK(late >= 15);
    CHECK(longest <= MAX_RETRY_MS);
    if (needed) {
        CHECK(longest_early <= 10'000);
    }
}

TEST_CASE("backoff: a relay that flaps is tried at most 60 times in an hour, whatever its period") {
    const std::uint64_t up = GENERATE(1U, 500U, 5'000U, 30'000U, 59'999U, 60'000U, 61'000U);
    Backoff backoff;
    int connects = 0;
    for (std::uint64_t now = NOW; now < NOW + 3'660'000;) {
        backoff_connected(backoff);
        now += up;
        backoff_failed(backoff, now, up, true, 0);
        now = backoff.ready_at;
        connects += now >= NOW + 60'000 && now < NOW + 3'660'000 ? 1 : 0;
    }
    CHECK(connects <= 60);
}

TEST_CASE("backoff: only a connection that lasted a minute resets the wait") {
    Backoff backoff;
    for (int i = 0; i < 12; ++i) {
        backoff_failed(backoff, NOW, 0, false, 0);
    }
    backoff_failed(backoff, NOW, USEFUL_MS - 1, false, 0);
    CHECK(backoff.attempts == 13);
    backoff_failed(backoff, NOW, USEFUL_MS, false, 0);
    CHECK(backoff.attempts == 0);
    CHECK(backoff.ready_at <= NOW + FIRST_RETRY_MS);
}

TEST_CASE("backoff: a day without a network takes less than 1,000 attempts where the host tells of its end") {
    Reconnect_Pace pace;
    outage_begins(pace, NOW);
    int attempts = 0;
    for (std::uint64_t now = NOW; now < NOW + 86'400'000; now += reconnect_pace(pace, now, true)) {
        ++attempts;
    }
    CHECK(attempts <= 1'000);
    CHECK(reconnect_pace(pace, NOW + 1'000, true) == OUTAGE_PACE_MS);
    CHECK(reconnect_pace(pace, NOW + 86'400'000, true) == MAX_OUTAGE_PACE_MS);
    CHECK(reconnect_pace(pace, NOW + 86'400'000, false) == MAX_UNREPORTED_OUTAGE_PACE_MS);
}

TEST_CASE("backoff: while attempts do not fail at once, the pace of an outage is as if the host told no changes") {
    Reconnect_Pace pace;
    outage_begins(pace, NOW);
    pace.has_network = true;
    CHECK(reconnect_pace(pace, NOW + 86'400'000, true) == MAX_UNREPORTED_OUTAGE_PACE_MS);
    pace_renew(pace, NOW + 86'400'000);
    CHECK_FALSE(pace.has_network);
}

TEST_CASE("backoff: a relay that failed in an outage, however often, waits 8 s at most after it") {
    Backoff backoff;
    for (int i = 0; i < 1'000; ++i) {
        backoff_failed(backoff, NOW, 0, i % 2 == 0, 0);
        backoff_limit_in_outage(backoff, NOW);
        CHECK(backoff.ready_at <= NOW + NEEDED_RETRY_MS);
        CHECK_FALSE(backoff.may_coalesce);
    }
    backoff_failed(backoff, NOW, 0, true, 0); // after the outage
    CHECK(backoff.ready_at <= NOW + NEEDED_RETRY_MS);
}

TEST_CASE("backoff: an outage that ended only for a moment keeps its beginning") {
    Reconnect_Pace pace;
    outage_begins(pace, NOW);
    CHECK(outage_ends(pace, NOW + 100'000));
    outage_begins(pace, NOW + 101'000);
    CHECK(pace.outage_since == NOW);
    CHECK_FALSE(outage_ends(pace, NOW + 102'000));
    outage_begins(pace, NOW + 200'000);
    CHECK(pace.outage_since == NOW + 200'000);
}

TEST_CASE("backoff: a change of network starts the pace anew, also soon after an outage") {
    Reconnect_Pace pace;
    outage_begins(pace, NOW);
    CHECK(outage_ends(pace, NOW + 100'000));
    pace_renew(pace, NOW + 101'000);
    CHECK(pace.outage_since == 0);
    outage_begins(pace, NOW + 102'000);
    CHECK(pace.outage_since == NOW + 102'000);
    CHECK(reconnect_pace(pace, NOW + 112'000, true) > OUTAGE_PACE_MS);
    pace_renew(pace, NOW + 200'000);
    CHECK(pace.next_at == NOW + 200'000);
    CHECK(reconnect_pace(pace, NOW + 200'000, true) == PACE_MS);
    CHECK(reconnect_pace(pace, NOW + 200'000 + AFTER_CHANGE_MS, true) == OUTAGE_PACE_MS);
}

TEST_CASE("backoff: a relay that was in use when the outage began has priority once in each round") {
    Reconnect_Pace pace;
    Backoff used;
    backoff_failed(used, NOW, IN_USE_MS, true, 0);
    outage_begins(pace, NOW + LOST_TOGETHER_MS);
    CHECK(has_outage_priority(used, pace));
    backoff_failed(used, NOW + 100'000, 0, true, 0);
    CHECK_FALSE(has_outage_priority(used, pace));
    pace.round_since = NOW + 100'001; // another relay is tried
    CHECK(has_outage_priority(used, pace));
    backoff_failed(used, NOW + 200'000, IN_USE_MS - 1, true, 0); // a moment of network takes nothing away
    CHECK(was_in_use(used, pace));
    pace_renew(pace, NOW + 300'000); // nor does a change of network
    CHECK(was_in_use(used, pace));
}

TEST_CASE("backoff: an outage that goes on keeps its round, so that a relay which flaps has its turn only once") {
    Reconnect_Pace pace;
    Backoff flaps;
    backoff_failed(flaps, NOW, IN_USE_MS, true, 0);
    outage_begins(pace, NOW);
    CHECK(outage_ends(pace, NOW + 1'000));
    backoff_failed(flaps, NOW + 1'100, 100, true, 0);
    outage_begins(pace, NOW + 1'100);
    CHECK_FALSE(has_outage_priority(flaps, pace));
}

TEST_CASE("backoff: relays that were lost long before the outage, or accept and close, have no priority in it") {
    Reconnect_Pace pace;
    Backoff lost_before;
    Backoff closes;
    backoff_failed(lost_before, NOW, USEFUL_MS, true, 0);
    outage_begins(pace, NOW + LOST_TOGETHER_MS + 1);
    backoff_failed(closes, NOW + LOST_TOGETHER_MS, IN_USE_MS - 1, true, 0);
    CHECK_FALSE(has_outage_priority(lost_before, pace));
    CHECK_FALSE(has_outage_priority(closes, pace));
}

TEST_CASE("backoff: a relay with priority comes first, then the relay that has waited longest") {
    CHECK(is_tried_before({true, NOW}, {false, NOW - 1'000}));
    CHECK(is_tried_before({false, NOW - 1}, {false, NOW}));
    CHECK_FALSE(is_tried_before({false, NOW}, {false, NOW}));
}

TEST_CASE("backoff: a relay with a new address is ready at once, and its failures still count") {
    Backoff backoff;
    for (int i = 0; i < 30; ++i) {
        backoff_failed(backoff, NOW, 0, false, 0);
    }
    backoff_ready(backoff, NOW);
    CHECK(backoff_wake_at(backoff) == NOW);
    backoff_failed(backoff, NOW, 0, false, 0);
    CHECK(backoff.ready_at == NOW + MAX_RETRY_MS);
}

// ---- prune

TEST_CASE("prune: relays of bad reputation go first, then those with the fewest tied peers, then the slowest") {
    CHECK(is_pruned_first({false, 9, 1}, {true, 0, 1}));
    CHECK(is_pruned_first({true, 0, 1}, {true, 1, 900}));
    CHECK(is_pruned_first({true, 1, 900}, {true, 1, 1}));
    CHECK_FALSE(is_pruned_first({true, 1, 1}, {true, 1, 1}));
}

TEST_CASE("prune: no relay that is away is removed while fewer than three others are connected") {
    const Away_View hopeless{.attempts = 1'000, .tied = 0, .was_up = false, .away_since = 1};
    CHECK_FALSE(may_remove(hopeless, 2, NOW));
    CHECK(may_remove(hopeless, 3, NOW));
    CHECK_FALSE(may_remove({.attempts = FAILED_ATTEMPTS - 1, .tied = 0, .was_up = false, .away_since = 1}, 3, NOW));
}

TEST_CASE("prune: a relay with a tied peer is removed after an hour if it never was up, and never otherwise") {
    const Away_View tied{.attempts = 50, .tied = 1, .was_up = false, .away_since = NOW};
    CHECK_FALSE(may_remove(tied, 3, NOW + GIVE_UP_MS - 1));
    CHECK(may_remove(tied, 3, NOW + GIVE_UP_MS));
    Away_View proved = tied;
    proved.was_up = true;
    CHECK_FALSE(may_remove(proved, 3, NOW + 100 * GIVE_UP_MS));
}

TEST_CASE("prune: the route whose relay is away longest gives way; no route does while no relay is away") {
    CHECK(route_that_gives_way({}) == NO_ROUTE);
    CHECK(route_that_gives_way({0, NOW, NOW - 5, 0, NOW - 1, 0}) == 2);
}

// ---- load

TEST_CASE("load: data that is sent faster than a slow link carries it counts as load, which drains with time") {
    Load load;
    load_sent(load, NOW, 320'000);
    CHECK(load_ms(load, NOW) == 10'000);
    CHECK(load_ms(load, NOW + 4'000) == 6'000);
    CHECK(load_ms(load, NOW + 10'000) == 0);
    load_sent(load, NOW + 10'000, 1'000'000);
    CHECK(load_ms(load, NOW + 10'000) == MAX_LOAD_MS);
    Load call;
    for (std::uint64_t at = NOW; at < NOW + 60'000; at += 20) {
        load_sent(call, at, 150);
        CHECK(load_ms(call, at) <= 10);
    }
}
