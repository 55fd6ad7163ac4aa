// The policy Delivery alone: its functions get evidence and the time, and answer an action. No network, no relay.
// A complaint is an echo in which the peer says that it does not hear us.
#include "policy/delivery.h"
#include "policy/load.h"

#include <algorithm>
#include <bit>

#include <toxtcp/types.h>

#include "catch.h"

using namespace toxtcp;

namespace {

/// When a test begins, on the host's clock. Each test runs with several: times of 32 bits are to do no harm anywhere.
std::uint64_t start = 0;
constexpr Route_Set ALL = 0b111;

/// A connection with three usable routes. Route 0 is in use at first. `delivery_due` is called at its deadline, as the
/// library's tick does.
struct Scene {
    Delivery d;
    Delivery_View view{.usable = ALL, .sending = 0};
    std::uint64_t now = start;
    Route_Set refused = 0;  ///< routes over which no echo can be sent
    Route_Set echoed = 0;   ///< routes that were sent an echo since the last `take_echoed`
    std::size_t echoes = 0; ///< sent in all
    bool unheard = false;   ///< the last echoes said "I do not hear you"
    std::size_t moves = 0;
    Route_Set withdrawn = 0; ///< routes that are withdrawn now: the peer sees us offline there
    std::size_t withdrawals = 0;
    std::uint8_t failed = NO_ROUTE;
    std::size_t turns_in_vain = 0;                 ///< calls of `delivery_due` after which it was due again at once
    std::array<std::uint64_t, ROUTES> echoed_at{}; ///< when the last echo went over each route; 0: none did

    ~Scene() { CHECK(turns_in_vain == 0); }
    Scene() {
        for (std::uint8_t i = 0; i < 3; ++i) {
            delivery_reset_route(d, i);
        }
    }

    void serve() {
        Delivery_Action action = delivery_due(d, now, view);
        delivery_unsent(d, now, action, static_cast<Route_Set>(action.echo & refused));
        action.echo = without(action.echo, refused);
        for (std::uint8_t i = 0; i < ROUTES; ++i) {
            if (contains(action.echo, i)) {
                echoed_at[i] = now;
                ++echoes;
            }
        }
        echoed = union_of(echoed, action.echo);
        unheard = action.echo != 0 ? action.unheard : unheard;
        failed = action.failed != NO_ROUTE ? action.failed : failed;
        if (action.request_withdrawn) {
            view.usable = union_of(view.usable, withdrawn);
            withdrawn = 0;
        }
        withdrawals += action.withdraw != 0;
        withdrawn = union_of(withdrawn, action.withdraw);
        view.usable = without(view.usable, action.withdraw);
        std::uint8_t to = action.move_to;
        if (contains(action.withdraw, view.sending)) {
            to = view.usable == 0 ? NO_ROUTE : static_cast<std::uint8_t>(std::countr_zero(view.usable));
        } else if (action.rotate) {
            for (std::uint8_t i = 0; i < 3 && to == NO_ROUTE; ++i) {
                to = contains(view.usable, i) && !contains(action.avoid, i) ? i : NO_ROUTE;
            }
        }
        if (to != NO_ROUTE && to != view.sending) {
            view.sending = to;
            ++moves;
            delivery_moved(d, now);
        }
    }

    /// Answers the echoes that went over `routes` after `since`, and `round_trip` ms ago.
    void answer_after(std::uint64_t round_trip, Route_Set routes = ALL, std::uint64_t since = 0) {
        for (std::uint8_t i = 0; i < ROUTES; ++i) {
            if (contains(routes, i) && echoed_at[i] > since && now == echoed_at[i] + round_trip) {
                (void)answer(i);
            }
        }
    }

    /// Lets `ms` pass in steps of 10 ms, and calls `step` at each. Data is sent every `every` ms; 0: none is sent.
    template <class Step>
    void pass(std::uint64_t ms, std::uint64_t every, Step step) {
        for (const std::uint64_t end = now + ms; now < end;) {
            now += 10;
            if (every != 0 && now % every == 0) {
                (void)delivery_sent(d, now);
            }
            step();
            if (delivery_deadline(d) <= now) {
                serve();
                turns_in_vain += delivery_deadline(d) <= now;
            }
        }
    }
    void pass(std::uint64_t ms, std::uint64_t every = 20) {
        pass(ms, every, [] {});
    }

    /// A time as Delivery keeps it.
    std::uint32_t short_time(std::uint64_t at) const { return static_cast<std::uint32_t>(at - full_time(0)); }
    std::uint64_t full_time(std::uint32_t at) const { return (std::uint64_t{d.period} << 30) + at; }

    bool answer(std::uint8_t route, bool by_library = true) {
        return delivery_answered(d, now, route, delivery_stamp(echoed_at[route]), by_library, view.sending, view.load);
    }

    /// An echo of the peer comes over `route`, or over the route in use. `stamp`: the peer's clock. `silence`: ms for
    /// which the peer has not heard us.
    void peer_echo(std::uint32_t stamp, std::uint32_t silence, std::uint8_t route = NO_ROUTE) {
        delivery_peer_echo(d, now, stamp, silence, route == NO_ROUTE ? view.sending : route, view.sending);
    }

    /// For `ms` both sides send, and every echo is answered after `round_trip` ms.
    void talk(std::uint64_t ms, std::uint64_t round_trip = 20) {
        pass(ms, 20, [&] {
            (void)delivery_heard(d, now);
            answer_after(round_trip);
        });
    }

    Route_Set take_echoed() {
        const Route_Set taken = echoed;
        echoed = 0;
        return taken;
    }
};

} // namespace

// A test that runs at several starts: near 0, across a period of 2^30 ms, across 2^32 ms, and after 95 years.
#define DELIVERY_TEST(name) DELIVERY_TEST_AT(name, __LINE__)
#define DELIVERY_TEST_AT(name, line) DELIVERY_TEST_IN(name, line)
#define DELIVERY_TEST_IN(name, line)                                                                                   \
    static void delivery_test_##line();                                                                                \
    TEST_CASE(name) {                                                                                                  \
        start = GENERATE(std::uint64_t{1'000'000}, std::uint64_t{2'147'481'400}, std::uint64_t{2'949'998'400},         \
                         std::uint64_t{4'294'966'200}, std::uint64_t{2'999'999'997'700});                              \
        CAPTURE(start);                                                                                                \
        delivery_test_##line();                                                                                        \
    }                                                                                                                  \
    static void delivery_test_##line()

DELIVERY_TEST("delivery: no echo is sent on an idle connection; with the first data all routes are verified") {
    Scene s;
    s.pass(3'600'000, 0);
    CHECK(s.echoes == 0);
    CHECK(delivery_deadline(s.d) == UINT64_MAX);
    s.pass(20, 20);
    CHECK(s.take_echoed() == ALL);
    CHECK_FALSE(s.unheard);
    CHECK(s.answer(0));
    CHECK(s.d.routes[0].proof == Proof::verified);
}

DELIVERY_TEST("delivery: a silence of 300 ms makes an echo go over all routes, 299 ms do not") {
    Scene s;
    s.talk(3'000);
    s.take_echoed();
    s.view.usable = ALL;
    const std::uint64_t sent = s.now + 10;
    (void)delivery_sent(s.d, sent);
    s.d.silence_since = sent;
    s.d.verify_at = s.short_time(sent + 10'000); // no verification in this test
    s.now = sent + 299;
    s.serve();
    CHECK(s.take_echoed() == 0);
    s.now = sent + 300;
    s.serve();
    CHECK(s.take_echoed() == ALL);
    CHECK(s.unheard);
}

DELIVERY_TEST("delivery: when a route dies, traffic leaves it within 0.6 s and four round trips") {
    const std::uint64_t round_trip = GENERATE(20U, 100U, 300U);
    Scene s;
    s.talk(10'000, round_trip);
    REQUIRE(s.moves == 0);
    const std::uint64_t dead = s.now;
    s.pass(5'000, 20, [&] {
        s.answer_after(round_trip, without(ALL, set_of(0)), dead); // route 0 carries nothing any more
    });
    CHECK(s.moves == 1);
    // The data that goes over the new route needs half a round trip more.
    CHECK(s.full_time(s.d.sending_since) - dead + round_trip / 2 <= 600 + 4 * round_trip);
    CHECK(s.failed == 0);
}

DELIVERY_TEST("delivery: a route whose echoes are answered late is left, but not reported as failed") {
    Scene s;
    s.talk(5'000);
    const std::uint64_t at = s.now;
    s.pass(4'000, 20, [&] {
        s.answer_after(1'000, set_of(0), at);
        s.answer_after(20, without(ALL, set_of(0)), at);
    });
    CHECK(s.view.sending != 0);
    CHECK(s.failed == NO_ROUTE);
}

DELIVERY_TEST("delivery: traffic stays where it is when all routes are equally slow") {
    Scene s;
    s.talk(60'000, 1'900);
    CHECK(s.moves == 0);
}

DELIVERY_TEST("delivery: a peer that often pauses does not cause echoes at each pause") {
    Scene s;
    // The peer sends once a second, and we send all the time. After a few pauses there is at most one check in 2 s.
    s.pass(20'000, 20, [&] {
        if (s.now % 1'000 == 0) {
            (void)delivery_heard(s.d, s.now);
        }
        s.answer_after(20);
    });
    CHECK(s.moves == 0);
    s.echoes = 0;
    s.pass(20'000, 20, [&] {
        if (s.now % 1'000 == 0) {
            (void)delivery_heard(s.d, s.now);
        }
        s.answer_after(20);
    });
    CHECK(s.echoes <= 10 + 3); // the route in use every 2 s, and all routes once
    CHECK(s.moves == 0);
}

DELIVERY_TEST("delivery: a muted peer with this library costs a few echoes in a minute, and no move") {
    Scene s;
    s.talk(5'000);
    s.echoes = 0;
    s.pass(60'000, 20, [&] { s.answer_after(20); });
    CHECK(s.moves == 0);
    CHECK(s.echoes <= 40);
}

DELIVERY_TEST(
    "delivery: a peer that answers no echo makes traffic rotate through all routes, for ever, ever more slowly") {
    Scene s;
    std::vector<std::uint64_t> moved;
    std::size_t moves = 0;
    s.pass(600'000, 20, [&] {
        if (s.moves != moves) {
            moves = s.moves;
            moved.push_back(s.now);
        }
    });
    REQUIRE(moved.size() >= 10);
    CHECK(moved[0] - start <= 3'100);
    CHECK(moved[1] - start <= 6'200); // the third route: within 9 s with two that deliver nothing
    CHECK(moved.back() - moved[moved.size() - 2] <= 60'100);
    CHECK(moved.back() - moved[moved.size() - 2] >= 20'000);
    CHECK(s.failed == NO_ROUTE); // a rotation says nothing about the route
}

DELIVERY_TEST("delivery: a peer without this library that is silent is made to send over another route") {
    for (const std::uint8_t good : {std::uint8_t{1}, std::uint8_t{2}}) {
        Scene s;
        s.view.heard = 0;
        s.talk(5'000);
        REQUIRE(s.answer(0, false) == false);
        s.d.peer_has_library = false; // from here on the peer is one that uses toxcore
        const std::uint64_t silent_since = s.now;
        std::uint64_t heard_at = 0;
        // The peer sends over the first route that is not withdrawn. Only the route `good` carries packets.
        s.pass(8'000, 20, [&] {
            if (std::countr_zero(s.view.usable) == good) {
                heard_at = heard_at == 0 ? s.now : heard_at;
                s.view.heard = good;
                (void)delivery_heard(s.d, s.now);
                (void)s.answer(good, false);
            }
        });
        CHECK(heard_at - silent_since <= (good == 1 ? 1'500 : 3'500));
        CHECK(s.d.heard_at > s.now - 100);
        CHECK(s.view.sending == good);
        CHECK(s.withdrawals <= 3);
        // The routes stay withdrawn for a while. Then they are taken back.
        CHECK(s.withdrawn != 0);
        s.pass(2 * WITHDRAWN_FOR_MS, 0);
        CHECK(s.withdrawn == 0);
    }
}

DELIVERY_TEST("delivery: no route is withdrawn from a peer with this library, on a loaded link, or when idle") {
    Scene s;
    s.view.heard = 0;
    s.talk(5'000); // the peer answers as this library does
    s.pass(10'000);
    CHECK(s.withdrawals == 0);
    s.d.peer_has_library = false;
    s.view.load = 2'000;
    s.pass(10'000);
    CHECK(s.withdrawals == 0);
    s.view.load = 0;
    s.pass(500);
    CHECK(s.withdrawals == 1);
    Scene idle;
    idle.view.heard = 0;
    idle.talk(5'000);
    idle.d.peer_has_library = false;
    idle.pass(60'000, 0);
    CHECK(idle.withdrawals == 0);
}

DELIVERY_TEST("delivery: the first complaint only causes echoes, the second one makes traffic rotate") {
    Scene s;
    s.talk(5'000);
    s.take_echoed();
    std::uint32_t clock = 77;
    const auto complain = [&] {
        s.peer_echo(clock++, 1'000);
        CHECK(delivery_deadline(s.d) <= s.now);
        s.serve();
    };
    complain();
    CHECK(s.take_echoed() == ALL);
    CHECK_FALSE(s.unheard);
    CHECK(s.moves == 0);
    s.talk(100); // all routes answer
    complain();  // less than COMPLAINT_GAP_MS later: counts as the same complaint
    CHECK(s.moves == 0);
    s.talk(400);
    complain();
    CHECK(s.moves == 1);
    CHECK(delivery_distrusts(s.d, 0, s.now));
    CHECK_FALSE(delivery_distrusts(s.d, 0, s.now + DISTRUST_MS + 2'000));
}

DELIVERY_TEST("delivery: a second complaint before echoes can be answered takes effect when they could have been") {
    Scene s;
    s.talk(5'000, 400);
    s.pass(3'000, 20, [&] { (void)delivery_heard(s.d, s.now); }); // no echo is answered any more
    const std::uint64_t first = s.now;
    const auto complain = [&](std::uint32_t unheard) {
        s.peer_echo(delivery_stamp(s.now), unheard);
        s.serve();
    };
    complain(1'000);
    s.pass(350);
    complain(1'350);
    CHECK(s.moves == 0);
    s.pass(first + 400 - s.now);
    CHECK(s.moves == 0);
    s.pass(100);
    CHECK(s.moves == 1);
    s.pass(1'000);
    CHECK(s.moves == 1); // the complaint counts once
}

DELIVERY_TEST("delivery: a second complaint that waits until the routes are judged wakes nobody needlessly") {
    Scene s;
    s.talk(5'000, 400);
    s.pass(3'000, 20, [&] { (void)delivery_heard(s.d, s.now); }); // no echo is answered any more
    s.peer_echo(delivery_stamp(s.now), 1'000);
    s.serve();
    s.pass(350);
    s.peer_echo(delivery_stamp(s.now), 1'350);
    s.serve();
    s.pass(20);
    REQUIRE(s.answer(1)); // the route in use has about twice this round trip to answer
    s.pass(1'000);
    CHECK(s.view.sending == 1);
    CHECK(s.moves == 1);
    CHECK(s.turns_in_vain == 0);
}

DELIVERY_TEST("delivery: in a silence, the next echo goes over the new route in use, unless the last one did") {
    Scene s;
    s.talk(5'000);
    s.pass(6'000); // so that echoes alternate between the route in use and the others
    const auto next_echo = [&] {
        s.take_echoed();
        for (int wait = 0; wait < 1'000 && s.echoed == 0; ++wait) {
            s.pass(10);
        }
        return s.take_echoed();
    };
    Route_Set last = next_echo();
    for (int i = 0; i < 12; ++i) {
        s.view.sending = static_cast<std::uint8_t>((s.view.sending + 1) % 3);
        const std::uint8_t moved_to = s.view.sending;
        delivery_moved(s.d, s.now);
        const Route_Set next = next_echo();
        CHECK(contains(union_of(last, next), moved_to));
        last = next;
    }
}

DELIVERY_TEST("delivery: in a long silence, a late answer makes echoes frequent again") {
    Scene s;
    s.talk(5'000);
    s.pass(4'700);
    const std::uint64_t sent = s.echoed_at[2];
    REQUIRE(sent != 0);
    s.take_echoed();
    const std::size_t echoes = s.echoes;
    SECTION("a late answer") {
        CHECK(delivery_answered(s.d, s.now, 2, delivery_stamp(sent), true, s.view.sending, 0));
        s.pass(1'500);
        CHECK(s.take_echoed() == ALL);
        CHECK(s.echoes >= echoes + 3);
    }
    SECTION("none") {
        s.pass(1'500);
        CHECK(s.echoes <= echoes + 2);
    }
}

DELIVERY_TEST("delivery: a complaint counts against a route only when data has gone over it") {
    Scene s;
    s.talk(5'000);
    s.peer_echo(delivery_stamp(s.now), 1'000);
    s.serve();
    s.pass(300, 20, [&] {
        s.answer_after(20, without(ALL, set_of(0))); // route 0 carries nothing any more
    });
    REQUIRE(s.moves == 1);
    delivery_moved(s.d, s.now); // as if traffic had moved just now
    s.pass(230, 0);
    (void)delivery_sent(s.d, s.now);
    s.pass(10, 0);
    s.peer_echo(delivery_stamp(s.now), 1'000);
    s.serve();
    CHECK(s.moves == 1);
    s.pass(100, 20);
    s.peer_echo(delivery_stamp(s.now), 1'000);
    s.serve();
    CHECK(s.moves == 2);
}

DELIVERY_TEST("delivery: when the route in use is lost, an echo goes over all others") {
    Scene s;
    s.talk(5'000);
    s.take_echoed();
    s.view = {.usable = 0b110, .sending = 1};
    delivery_reset_route(s.d, 0);
    delivery_moved(s.d, s.now);
    delivery_lost(s.d);
    s.pass(20, 20);
    CHECK(s.take_echoed() == 0b110);
}

DELIVERY_TEST("delivery: a route in use over which no complaint comes is judged after one round trip, not after two") {
    const bool is_missing = GENERATE(true, false);
    Scene s;
    s.talk(5'000, 400);
    const std::uint64_t hangs = s.now; // from now on neither end hears the other
    std::uint64_t moved = 0;
    s.take_echoed();
    s.pass(3'000, 20, [&] {
        if (s.now == hangs + 520) { // the peer's complaint, over routes 1 and 2
            s.peer_echo(77, 300, 1);
            s.peer_echo(77, 300, 2);
        }
        if (s.now == hangs + 560 && !is_missing) {
            s.peer_echo(77, 300, 0);
        }
        for (const std::uint8_t route : {std::uint8_t{1}, std::uint8_t{2}}) {
            if (s.echoed_at[route] != 0 && s.now == s.echoed_at[route] + 400 && s.moves == 0 && s.answer(route)) {
                s.serve();
            }
        }
        moved = moved == 0 && s.moves != 0 ? s.now : moved;
    });
    const std::uint64_t least = COMPLAINT_DELAY_MS + (is_missing ? 400 : 2 * 400);
    INFO("moved after " << moved - hangs);
    CHECK(moved >= hangs + least);
    CHECK(moved <= hangs + least + ANSWER_MARGIN_MS + 40);
    CHECK(s.moves == 1);
}

DELIVERY_TEST("delivery: a complaint makes echoes go over all routes, even while earlier echoes are unanswered") {
    Scene s;
    s.talk(5'000);
    s.d.probed = GENERATE(Route_Set{0b010}, ALL); // echoes of 1 s ago, not answered yet
    s.d.probed_at = s.short_time(s.now - 1'000);
    s.d.end_at = s.short_time(s.now + 1'500);
    s.take_echoed();
    s.peer_echo(77, 1'000);
    s.serve();
    CHECK(s.take_echoed() == ALL);
}

DELIVERY_TEST(
    "delivery: complaints that come together probe the routes once, even while earlier echoes are unanswered") {
    Scene s;
    s.talk(5'000);
    s.d.probed = ALL; // echoes of 1 s ago, not answered yet
    s.d.probed_at = s.d.all_probed_at = s.short_time(s.now - 1'000);
    s.d.end_at = s.short_time(s.now + 1'500);
    s.take_echoed();
    s.peer_echo(77, 1'000);
    s.serve();
    CHECK(s.take_echoed() == ALL);
    const std::uint32_t gap = GENERATE(4U, COMPLAINT_GAP_MS - 1, COMPLAINT_GAP_MS + 10);
    s.now += gap;
    (void)delivery_sent(s.d, s.now);
    s.d.peer_complained_at = 0; // as if each were a first complaint
    s.d.answer_due_at = 0;
    s.peer_echo(78, 1'000, 1);
    s.serve();
    CHECK(s.take_echoed() == (gap < COMPLAINT_GAP_MS ? Route_Set{0} : ALL));
}

DELIVERY_TEST("delivery: a complaint that does not count against the route yet still causes echoes over all routes") {
    Scene s;
    s.talk(5'000);
    s.d.rounds = 5; // traffic has rotated for long
    s.d.peer_complained_at = s.short_time(s.now);
    s.pass(1'500, 290, [&] { (void)delivery_heard(s.d, s.now); });
    s.d.verify_at = s.short_time(s.now + VERIFY_MS / 4); // the last echo was a while ago
    s.take_echoed();
    s.peer_echo(delivery_stamp(s.now), 1'000);
    s.serve();
    CHECK(s.take_echoed() == ALL);
    CHECK(s.moves == 0);
}

DELIVERY_TEST("delivery: rotation after complaints reaches every route that answers echoes") {
    Scene s; // routes 0 and 2 carry echoes but no data, route 1 carries nothing
    s.talk(5'000);
    std::vector<std::uint8_t> used;
    for (int i = 0; i < 10; ++i) { // a complaint every 8 s
        s.peer_echo(delivery_stamp(s.now), 10'000);
        s.pass(8'000, 20, [&] {
            (void)delivery_heard(s.d, s.now);
            s.answer_after(20, union_of(set_of(0), set_of(2)));
        });
        used.push_back(s.view.sending);
    }
    CHECK(std::count(used.begin(), used.end(), 0) > 2);
    CHECK(std::count(used.begin(), used.end(), 2) > 2);
}

DELIVERY_TEST("delivery: the answer to an echo from before the peer came online at the route proves nothing") {
    Scene s;
    s.talk(3'000);
    s.pass(400, 20); // echoes that are not answered
    const std::uint64_t before = s.echoed_at[1];
    delivery_reset_route(s.d, 1); // the relay of route 1 ends its connection
    s.pass(1'000, 20);
    delivery_route_online(s.d, s.now, 1);
    s.pass(100, 20);
    CHECK(s.echoed_at[1] != before);
    CHECK_FALSE(delivery_answered(s.d, s.now, 1, delivery_stamp(before), true, 0, 0));
    CHECK(s.d.routes[1].proof == Proof::none);
    CHECK(s.answer(1));
    CHECK(s.d.routes[1].round_trip <= 100);
}

DELIVERY_TEST("delivery: a late answer over a route does not delay the move that a quick answer causes") {
    Scene s;
    s.talk(5'000);
    s.pass(400);
    const std::uint64_t first = s.echoed_at[1];
    while (s.echoed_at[1] == first) { // until the next echo goes over route 1
        s.pass(10);
        REQUIRE(s.now < first + 2'000);
    }
    CHECK(
        delivery_answered(s.d, s.now, 1, delivery_stamp(first), true, 0, 0)); // late: the relay had stopped for a while
    s.pass(20);
    REQUIRE(s.moves == 0);
    CHECK(s.answer(1));
    s.pass(100);
    CHECK(s.moves == 1);
}

DELIVERY_TEST("delivery: in a long silence, when echoes have become rare, they go over all routes") {
    Scene s;
    s.talk(5'000);
    s.pass(60'000);
    s.take_echoed();
    s.pass(MAX_COMPLAINT_PAUSE_MS + 20);
    CHECK(s.take_echoed() == ALL);
}

DELIVERY_TEST("delivery: in a silence, echoes go over every route in turn") {
    Scene s; // the peer has answered no echo
    s.d.peer_has_library = true;
    s.pass(1'000, 20, [&] { (void)delivery_heard(s.d, s.now); });
    s.take_echoed();
    std::vector<Route_Set> echoes;
    s.pass(3'000, 20, [&] {
        if (const Route_Set routes = s.take_echoed(); routes != 0) {
            echoes.push_back(routes);
        }
    });
    REQUIRE(echoes.size() >= 4);
    CHECK(echoes[0] == ALL);
    CHECK(union_of(union_of(echoes[1], echoes[2]), echoes[3]) == ALL);
}

DELIVERY_TEST("delivery: a complaint that a relay repeats counts once") {
    Scene s;
    s.talk(5'000);
    for (int i = 0; i < 50; ++i) {
        s.peer_echo(77, 1'000);
        s.peer_echo(60, 1'000); // an older one
        s.talk(400);
    }
    CHECK(s.moves == 0);
}

DELIVERY_TEST(
    "delivery: a complaint that comes late counts only if it is about a longer time, and about the route in use") {
    Scene s;
    s.talk(2'000);
    s.peer_echo(static_cast<std::uint32_t>(s.now), 0); // the fastest echo
    const auto complain = [&](std::uint32_t unheard) {
        s.peer_echo(static_cast<std::uint32_t>(s.now - 2'000), unheard); // 2 s late
        s.talk(1'000);
    };
    complain(10'000);
    complain(10'000);
    CHECK(s.moves == 0); // when the peer said that, we had only begun to send
    s.talk(5'000);
    complain(4'000);
    complain(4'000);
    CHECK(s.moves == 0); // the peer may have heard us since
    complain(10'000);
    complain(10'000);
    CHECK(s.moves == 1);
}

DELIVERY_TEST("delivery: a connection is cut off after 3 s of silence, until the peer is heard or data stops") {
    Scene s;
    s.talk(5'000);
    s.pass(2'900);
    CHECK_FALSE(delivery_is_cut_off(s.d, s.now));
    s.pass(200);
    CHECK(delivery_is_cut_off(s.d, s.now));
    SECTION("the peer is heard") {
        s.talk(20);
        CHECK_FALSE(delivery_is_cut_off(s.d, s.now));
    }
    SECTION("data stops") {
        s.pass(CUT_OFF_LASTS_MS - 1'000, 0);
        CHECK(delivery_is_cut_off(s.d, s.now));
        s.pass(1'100, 0);
        CHECK_FALSE(delivery_is_cut_off(s.d, s.now));
    }
}

DELIVERY_TEST("delivery: a connection with a muted peer with this library is cut off after a minute, not before") {
    Scene s;
    s.talk(5'000);
    s.pass(59'000, 20, [&] { s.answer_after(20); });
    CHECK_FALSE(delivery_is_cut_off(s.d, s.now));
    s.pass(5'000, 20, [&] { s.answer_after(20); });
    CHECK(delivery_is_cut_off(s.d, s.now));
}

DELIVERY_TEST("delivery: a connection is cut off when traffic has rotated through all routes for complaints") {
    Scene s;
    s.view.usable = GENERATE(Route_Set{0b001}, Route_Set{0b111});
    s.talk(5'000);
    std::size_t moves = 0;
    s.pass(20'000, 20, [&] {
        (void)delivery_heard(s.d, s.now);
        s.answer_after(20); // echoes pass, and data does not
        if (s.now % 1'000 == 0) {
            s.peer_echo(delivery_stamp(s.now), 10'000);
        }
        moves = delivery_is_cut_off(s.d, s.now) ? moves : s.moves;
    });
    CHECK(delivery_is_cut_off(s.d, s.now));
    CHECK(moves + 1 == static_cast<std::size_t>(std::popcount(s.view.usable)));
    s.talk(12'000); // no complaint comes any more
    CHECK_FALSE(delivery_is_cut_off(s.d, s.now));
}

DELIVERY_TEST("delivery: complaints have no effect while we send nothing") {
    Scene s;
    s.talk(5'000);
    s.pass(5'000, 0);
    s.take_echoed();
    for (std::uint32_t i = 0; i < 20; ++i) {
        s.peer_echo(77 + i, 1'000);
        s.pass(500, 0);
    }
    CHECK(s.moves == 0);
    CHECK(s.take_echoed() == 0);
}

DELIVERY_TEST("delivery: missing answers do not move traffic off a link that we load while the peer is heard") {
    Scene s;
    s.talk(5'000);
    s.view.load = 5'000;
    const std::uint64_t at = s.now;
    s.pass(60'000, 20, [&] {
        (void)delivery_heard(s.d, s.now);
        s.answer_after(20, without(ALL, set_of(0)), at);
    });
    CHECK(s.moves == 0);
}

DELIVERY_TEST("delivery: an answer counts once, and only for an echo that we sent within the last minute") {
    Scene s;
    s.pass(20, 20);
    REQUIRE(contains(s.take_echoed(), 1));
    CHECK_FALSE(s.answer(4)); // no echo went over route 4
    CHECK_FALSE(delivery_answered(s.d, s.now, 7, delivery_stamp(s.echoed_at[1]), false, 0, 0));
    CHECK(s.answer(1));
    CHECK_FALSE(s.answer(1));
    s.now += ANSWERS_WITHIN_MS + 1'000;
    CHECK_FALSE(s.answer(0));
}

DELIVERY_TEST("delivery: a route that comes online again has no proof, and is verified anew") {
    Scene s;
    s.talk(5'000);
    REQUIRE(s.d.routes[1].proof == Proof::verified);
    delivery_route_offline(s.d, s.now, 1);
    CHECK(s.d.routes[1].proof == Proof::none);
    CHECK_FALSE(s.answer(1));
    s.take_echoed();
    delivery_route_online(s.d, s.now, 1);
    s.talk(100);
    CHECK(contains(s.take_echoed(), 1));
}

DELIVERY_TEST(
    "delivery: a route that flaps is probed ever more seldom, and a route that comes back is probed at once") {
    const std::uint64_t period = GENERATE(20U, 1'000U, 5'000U, 70'000U); // half of it online
    Scene s;
    s.talk(5'000);
    std::size_t probes = 0;
    for (const std::uint64_t end = s.now + 600'000; s.now < end;) {
        delivery_route_offline(s.d, s.now, 1);
        s.view.usable = without(ALL, set_of(1));
        s.talk(period / 2);
        delivery_route_online(s.d, s.now, 1);
        s.view.usable = ALL;
        s.take_echoed();
        s.talk(period / 2);
        probes += contains(s.take_echoed(), 1);
    }
    INFO(period);
    CHECK(probes >= 600'000 / 70'000); // the probes of all routes are not meant
    CHECK(probes <= 600'000 / 2 / 15'000);
    // The peer stays online for a minute, or another relay takes the place.
    const bool settles = GENERATE(false, true);
    s.talk(settles ? 70'000 : 0);
    delivery_route_offline(s.d, s.now, 1);
    s.view.usable = without(ALL, set_of(1));
    if (!settles) {
        delivery_untied(s.d, 1);
    }
    s.talk(1'000);
    delivery_route_online(s.d, s.now, 1);
    s.view.usable = ALL;
    s.take_echoed();
    s.talk(100);
    CHECK(contains(s.take_echoed(), 1));
}

DELIVERY_TEST("delivery: in a silence, a route that flaps makes neither complaints nor rotations frequent") {
    const bool flaps = GENERATE(false, true);
    Scene s;
    s.pass(60'000, 20);
    s.echoes = 0;
    for (int i = 0; i < 60; ++i) {
        if (flaps) {
            delivery_route_offline(s.d, s.now, 1);
            delivery_route_online(s.d, s.now, 1);
        }
        s.pass(1'000, 20);
    }
    CHECK(s.echoes <= 40);
}

DELIVERY_TEST("delivery: echoes that could not be sent do not count as unanswered, and are sent when they can be") {
    Scene s;
    s.talk(5'000);
    REQUIRE(s.d.peer_answers);
    s.refused = ALL;
    s.d.peer_has_library = true;
    s.echoes = 0;
    s.pass(120'000, 20);
    CHECK(s.echoes == 0);
    CHECK(s.d.peer_answers);
    CHECK(s.d.unanswered == 0);
    for (std::uint8_t i = 0; i < 3; ++i) {
        CHECK(s.d.routes[i].proof == Proof::verified);
    }
    // A new route that could not be probed is probed later.
    s.talk(5'000);
    delivery_route_online(s.d, s.now, 2);
    s.talk(5'000);
    s.refused = 0;
    s.take_echoed();
    s.talk(1'000);
    CHECK(contains(s.take_echoed(), 2));
}

DELIVERY_TEST("delivery: an echo that was sent still counts when the next over the same route could not be sent") {
    Scene s;
    s.talk(5'000);
    s.pass(340, 20); // a complaint goes over all routes
    REQUIRE(s.d.probed == ALL);
    s.refused = ALL;
    s.pass(ROTATE_MS - 700, 20, [&] { s.answer_after(1'000, set_of(2)); });
    CHECK(s.view.sending == 2);
}

DELIVERY_TEST(
    "delivery: the time of a route's last proof is when its newest answered echo was sent, however long ago") {
    Scene s;
    CHECK(delivery_proved_at(s.d, 0) == 0);
    s.talk(5'000);
    const std::uint64_t proved = delivery_proved_at(s.d, 0);
    CHECK(proved == s.echoed_at[0]);
    CHECK(proved + VERIFY_MS + 500 > s.now);
    const std::uint64_t before = delivery_proved_at(s.d, 1);
    REQUIRE(before != 0);
    s.pass(4'000, 20); // echoes go out, and no echo is answered
    CHECK(s.echoed_at[1] > before);
    CHECK(delivery_proved_at(s.d, 1) == before);
    s.now += GENERATE(std::uint64_t{1} << 31, std::uint64_t{1} << 32, std::uint64_t{3} << 32);
    CHECK(delivery_proved_at(s.d, 0) == proved);
    delivery_reset_route(s.d, 0);
    CHECK(delivery_proved_at(s.d, 0) == 0);
}

DELIVERY_TEST("delivery: a route that comes and goes does not hide that the route in use carries nothing") {
    Scene s;
    s.talk(10'000);
    REQUIRE(s.view.sending == 0);
    const std::uint64_t at = s.now; // from here on route 0 carries nothing to the peer, which is still heard
    std::uint64_t comes_at = NEVER;
    s.pass(9'000, 20, [&] {
        (void)delivery_heard(s.d, s.now);
        s.answer_after(300, set_of(2), at);
        if (s.echoed_at[0] > at && comes_at == NEVER) { // route 1 is back whenever an echo waits for its answer
            comes_at = s.now + 200;
        } else if (s.now == comes_at) {
            s.view.usable = union_of(s.view.usable, set_of(1));
            delivery_route_online(s.d, s.now, 1);
        } else if (contains(s.view.usable, 1) && s.now >= s.echoed_at[0] + 500) {
            s.view.usable = without(s.view.usable, set_of(1));
            delivery_reset_route(s.d, 1);
            comes_at = NEVER;
        }
    });
    CHECK(s.view.sending == 2);
}

DELIVERY_TEST("delivery: where the host cannot tell the peer's packets, echoes alone verify the route in use") {
    Scene s;
    s.d.proves_packets = false;
    const auto answer_all = [&](Route_Set but) { return [&s, but] { s.answer_after(20, without(ALL, but)); }; };
    s.pass(5'000, 20, answer_all(0));
    s.echoes = 0;
    s.pass(60'000, 20, answer_all(0));
    CHECK(s.moves == 0);
    CHECK_FALSE(s.unheard);
    CHECK(s.echoes >= 60'000 / VERIFY_MS - 3);
    CHECK(s.echoes <= 2 * 60'000 / VERIFY_MS);
    // From an instant between two echoes on, the route in use drops everything.
    s.pass(GENERATE(10U, 700U, 1'300U, 1'990U), 20, answer_all(0));
    const std::uint64_t at = s.now;
    while (s.moves == 0 && s.now < at + 10'000) {
        s.pass(10, 20, answer_all(set_of(0)));
    }
    CHECK(s.view.sending != 0);
    CHECK(s.now - at <= 3'000);
    CHECK_FALSE(s.unheard);
}

DELIVERY_TEST("delivery: in a call, echoes are at most 3 % of the bytes") {
    Scene s;
    s.talk(10'000);
    s.echoes = 0;
    s.talk(60'000);
    // A call sends at least 50 packets of 150 bytes a second. An echo has 145 bytes.
    CHECK(s.echoes * 145 * 100 <= 3 * 60 * 50 * 150);
}

DELIVERY_TEST("delivery: with one route only, a silent peer gets ever rarer complaints, and traffic does not move") {
    Scene s;
    s.view.usable = 0b1;
    s.pass(200, 20);
    CHECK(s.echoes == 1); // the route is verified
    s.pass(60'000, 20);
    CHECK(s.echoes <= 20);
    s.pass(60'000, 20);
    CHECK(s.echoes > 20); // the peer may have another route, and only echoes tell it that we do not hear it
    CHECK(s.echoes <= 30);
    CHECK(s.unheard);
    CHECK(s.moves == 0);
}

DELIVERY_TEST("delivery: after a silence of any length, traffic moves to a new route that alone answers") {
    const std::uint64_t silence = GENERATE(5'000U, 60'000U, 400'000U);
    Scene s;
    s.view.usable = 0b11;
    s.talk(3'000);
    s.pass(silence, 20);
    delivery_route_online(s.d, s.now, 2);
    s.view.usable = ALL;
    s.pass(1'000, 20, [&] {
        if (s.echoed_at[2] != 0 && s.now == s.echoed_at[2] + 100) {
            (void)s.answer(2);
        }
    });
    CHECK(s.view.sending == 2);
}

DELIVERY_TEST("delivery: a route that was slow, and carries nothing now, is left within 3 s") {
    Scene s;
    s.talk(3'000);
    const std::uint64_t slow = GENERATE(2'000U, 10'000U, 60'000U);
    s.d.routes[0].round_trip = static_cast<std::uint16_t>(slow);
    s.pass(3'000, 20, [&] { s.answer_after(100, without(ALL, set_of(0))); });
    CHECK(s.moves == 1);
    CHECK(s.view.sending != 0);
}

DELIVERY_TEST("delivery: a route that is fast again counts as fast at once") {
    Scene s;
    s.talk(3'000);
    s.d.routes[0].round_trip = 10'000;
    s.talk(3'000);
    CHECK(s.d.routes[0].round_trip < 100);
}

DELIVERY_TEST("delivery: complaints count however rarely we send, and however slow the route was") {
    const std::uint64_t every = GENERATE(20U, 260U, 400U, 500U);
    const std::uint16_t slow = GENERATE(std::uint16_t{20}, std::uint16_t{10'000});
    Scene s;
    s.talk(3'000);
    s.d.routes[0].round_trip = slow;
    const std::uint64_t from = s.now;
    std::uint64_t said = 0;
    s.pass(3'000, every, [&] {
        (void)delivery_heard(s.d, s.now);
        s.answer_after(20); // echoes pass, and data does not
        const std::uint64_t unheard = s.now - from;
        if (s.moves == 0 && unheard >= said + 450 && unheard >= 600) {
            said = unheard;
            s.peer_echo(static_cast<std::uint32_t>(s.now - 10), static_cast<std::uint32_t>(unheard));
            s.serve();
        }
    });
    CHECK(s.moves == 1);
}

DELIVERY_TEST("delivery: a complaint about a new silence counts as a first complaint") {
    Scene s;
    s.talk(3'000);
    s.peer_echo(static_cast<std::uint32_t>(s.now - 10), 400);
    s.serve();
    s.talk(8'000); // the peer hears us again
    s.peer_echo(static_cast<std::uint32_t>(s.now - 10), 400);
    s.serve();
    s.talk(1'000);
    CHECK(s.moves == 0);
}

DELIVERY_TEST("delivery: a rotation skips routes whose relay is stale") {
    Scene s;
    s.talk(3'000); // the peer has this library
    s.view.stale = 0b100;
    bool was_stale = false;
    s.pass(120'000, 20, [&] { was_stale = was_stale || s.view.sending == 2; });
    CHECK(s.moves >= 3);
    CHECK_FALSE(was_stale);
}

DELIVERY_TEST("delivery: an echo that was due before a long pause without data is not sent after it") {
    Scene s;
    s.talk(3'000);
    s.pass(40, 20); // data that is not answered
    s.echoes = 0;
    s.now += 20'000; // the host slept
    s.serve();
    CHECK(s.echoes == 0);
}

DELIVERY_TEST("delivery: 32-bit times that have wrapped in weeks without data do no harm") {
    Scene s;
    s.talk(5'000);
    const std::uint64_t weeks = GENERATE(std::uint64_t{1} << 31, (std::uint64_t{1} << 32) - 1'000,
                                         std::uint64_t{1} << 32, std::uint64_t{3} << 32);
    s.pass(10'000, 0);
    s.now += weeks / 20 * 20;
    s.echoes = 0;
    s.talk(5'000);
    CHECK(s.echoes >= 1);
    CHECK(s.echoes <= 12);
    CHECK(s.moves == 0);
}

DELIVERY_TEST("delivery: in a conversation of weeks without a pause answers and complaints are still believed") {
    Scene s;
    delivery_route_online(s.d, s.now, 0); // and never goes offline
    s.talk(5'000);
    s.peer_echo(1'000, 0);
    const int days = GENERATE(20, 26, 40, 48);
    for (const std::uint64_t end = s.now + static_cast<std::uint64_t>(days) * 86'400'000; s.now < end;
         s.now += 60'000) {
        // One friend that keeps in touch, with no other route to verify.
        (void)delivery_sent(s.d, s.now);
        (void)delivery_heard(s.d, s.now);
    }
    s.talk(3'000);
    const std::uint32_t peer_clock = 1'000 + static_cast<std::uint32_t>(days) * 86'400'000U;
    CHECK(s.d.routes[0].answered != 0);
    CHECK(delivery_proved_at(s.d, 0) + 5'000 > s.now);
    s.peer_echo(peer_clock, 400);
    CHECK(s.d.complaint == 400);
}

DELIVERY_TEST("delivery: a route that traffic left is trusted again for good after its time") {
    Scene s;
    s.talk(3'000);
    s.d.distrusted = 0b010;
    s.d.distrust_until = s.short_time(s.now + DISTRUST_MS);
    for (const std::uint64_t end = s.now + 30ULL * 86'400'000; s.now < end; s.now += 60'000) {
        (void)delivery_sent(s.d, s.now);
        (void)delivery_heard(s.d, s.now);
    }
    s.talk(3'000);
    CHECK(s.d.distrusted == 0);
}

DELIVERY_TEST("delivery: an old complaint that a relay repeats when the peer comes back is not believed") {
    Scene s;
    for (std::uint8_t i = 0; i < 3; ++i) {
        delivery_route_online(s.d, s.now, i);
    }
    s.talk(90'000);
    s.peer_echo(900'000'000, 0);
    delivery_reset_route(s.d, 0);
    delivery_route_online(s.d, s.now, 0);
    s.talk(1'000);
    s.peer_echo(5'000, 400);
    CHECK(s.d.complaint == 0);
}

DELIVERY_TEST("delivery: a silence that a pause of any length interrupts begins anew with the next data") {
    Scene s;
    s.talk(5'000);
    s.pass(2'000); // no answer comes
    REQUIRE(s.d.silence_since != 0);
    const std::uint64_t days = GENERATE(1U, 13U, 25U, 30U, 50U);
    s.now += days * 86'400'000;
    const std::uint64_t again = s.now;
    s.echoes = 0;
    std::uint64_t complained = 0;
    s.pass(5'000, 20, [&] { complained = complained == 0 && s.echoes != 0 && s.unheard ? s.now - again : complained; });
    CHECK(complained >= COMPLAINT_DELAY_MS);
    CHECK(complained <= MAX_COMPLAINT_DELAY_MS + 100);
}

DELIVERY_TEST("delivery: a stream of weeks to a peer that has nothing to say, and answers echoes, does not rotate") {
    Scene s;
    s.talk(5'000);
    s.pass(1'000, 20, [&] { s.answer_after(20); });
    s.d.silence_since -= std::min<std::uint64_t>(s.d.silence_since - 1, 26ULL * 86'400'000);
    s.moves = 0;
    s.pass(30'000, 20, [&] { s.answer_after(20); });
    CHECK(s.moves == 0);
}

DELIVERY_TEST("delivery: traffic leaves a loaded route that does not answer, if the peer was never heard") {
    Scene s;
    s.view.load = LOADED_MS + 1;
    s.pass(5'000, 20, [&] {
        if (s.echoed_at[1] != 0 && s.now == s.echoed_at[1] + 30) {
            (void)s.answer(1);
        }
    });
    CHECK(s.view.sending == 1);
}
