// Delivery alone: evidence and time in, an action out. No network, no relay.
#include "policy/delivery.h"

#include <algorithm>
#include <bit>

#include "catch.h"

using namespace toxtcp;

namespace {

constexpr std::uint64_t START = 1'000'000;
constexpr Route_Set ALL = 0b111;

/// A connection with three usable routes, of which 0 is in use. Delivery is asked when it wants to be, as a tick does it.
struct Scene {
    Delivery d;
    Delivery_View view{.usable = ALL, .sending = 0};
    std::uint64_t now = START;
    Route_Set echoed = 0;   ///< since it was last looked at
    std::size_t echoes = 0; ///< in all
    bool unheard = false;   ///< the last echoes said so
    std::size_t moves = 0;
    Route_Set withdrawn = 0; ///< routes that the peer was made to leave
    std::size_t withdrawals = 0;
    std::uint8_t failed = NO_ROUTE;
    std::size_t turns_in_vain = 0;              ///< after which it was due at once again
    std::array<std::uint32_t, ROUTES> stamps{}; ///< of the last echo over each route

    ~Scene() { CHECK(turns_in_vain == 0); }
    Scene() {
        for (std::uint8_t i = 0; i < 3; ++i) {
            delivery_reset_route(d, i);
        }
    }

    void serve() {
        const Delivery_Action action = delivery_due(d, now, view);
        for (std::uint8_t i = 0; i < ROUTES; ++i) {
            if (contains(action.echo, i)) {
                stamps[i] = delivery_stamp(now);
                ++echoes;
            }
        }
        echoed = both(echoed, action.echo);
        unheard = action.echo != 0 ? action.unheard : unheard;
        failed = action.failed != NO_ROUTE ? action.failed : failed;
        if (action.take_back) {
            view.usable = both(view.usable, withdrawn);
            withdrawn = 0;
        }
        withdrawals += action.withdraw != 0;
        withdrawn = both(withdrawn, action.withdraw);
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

    /// Lets time pass in steps of 10 ms; data is sent every `every` ms (0: none), `step` is called at each.
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

    bool answer(std::uint8_t route, bool by_library = true) {
        return delivery_answered(d, now, route, stamps[route], by_library, view.sending, view.load);
    }

    /// Over the route in use unless another is named.
    void peer_echo(std::uint32_t stamp, std::uint32_t silence, std::uint8_t route = NO_ROUTE) {
        delivery_peer_echo(d, now, stamp, silence, route == NO_ROUTE ? view.sending : route, view.sending);
    }

    /// Both talk, and every echo is answered after `round_trip`.
    void talk(std::uint64_t ms, std::uint64_t round_trip = 20) {
        pass(ms, 20, [&] {
            (void)delivery_heard(d, now);
            for (std::uint8_t i = 0; i < 3; ++i) {
                if (stamps[i] != 0 && now == stamps[i] + round_trip) {
                    (void)answer(i);
                }
            }
        });
    }

    Route_Set take_echoed() {
        const Route_Set taken = echoed;
        echoed = 0;
        return taken;
    }
};

} // namespace

TEST_CASE("delivery: a route is verified once there is something to send, and an idle connection is left alone") {
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

TEST_CASE("delivery: a silence is checked after 300 ms, not after 290") {
    Scene s;
    s.talk(3'000);
    s.take_echoed();
    s.view.usable = ALL;
    const std::uint64_t sent = s.now + 10;
    (void)delivery_sent(s.d, sent);
    s.d.waiting_since = sent;
    s.d.verify_at = static_cast<std::uint32_t>(sent + 10'000); // of no interest here
    s.now = sent + 299;
    s.serve();
    CHECK(s.take_echoed() == 0);
    s.now = sent + 300;
    s.serve();
    CHECK(s.take_echoed() == ALL);
    CHECK(s.unheard);
}

TEST_CASE("delivery: traffic moves within 0.6 s and four round trips of the last word, at the worst instant") {
    const std::uint64_t round_trip = GENERATE(20U, 100U, 300U);
    Scene s;
    s.talk(10'000, round_trip);
    REQUIRE(s.moves == 0);
    const std::uint64_t dead = s.now;
    s.pass(5'000, 20, [&] {
        for (std::uint8_t i = 1; i < 3; ++i) { // 0 carries nothing any more
            if (s.stamps[i] > dead && s.now == s.stamps[i] + round_trip) {
                (void)s.answer(i);
            }
        }
    });
    CHECK(s.moves == 1);
    // The data that goes over the new route needs half a round trip more.
    CHECK(s.d.sending_since - dead + round_trip / 2 <= 600 + 4 * round_trip);
    CHECK(s.failed == 0);
}

TEST_CASE("delivery: a route that answers late is slow, and has not failed") {
    Scene s;
    s.talk(5'000);
    const std::uint64_t at = s.now;
    s.pass(4'000, 20, [&] {
        for (std::uint8_t i = 0; i < 3; ++i) {
            if (s.stamps[i] > at && s.now == s.stamps[i] + (i == 0 ? 1'000U : 20U)) {
                (void)s.answer(i);
            }
        }
    });
    CHECK(s.view.sending != 0);
    CHECK(s.failed == NO_ROUTE);
}

TEST_CASE("delivery: all routes are equally slow: no move") {
    Scene s;
    s.talk(60'000, 1'900);
    CHECK(s.moves == 0);
}

TEST_CASE("delivery: a peer that makes pauses is not checked at each of them") {
    Scene s;
    // It says something once a second, we talk all the time: after a few pauses, one check in 2 s at most.
    s.pass(20'000, 20, [&] {
        if (s.now % 1'000 == 0) {
            (void)delivery_heard(s.d, s.now);
        }
        for (std::uint8_t i = 0; i < 3; ++i) {
            if (s.stamps[i] != 0 && s.now == s.stamps[i] + 20) {
                (void)s.answer(i);
            }
        }
    });
    CHECK(s.moves == 0);
    s.echoes = 0;
    s.pass(20'000, 20, [&] {
        if (s.now % 1'000 == 0) {
            (void)delivery_heard(s.d, s.now);
        }
        for (std::uint8_t i = 0; i < 3; ++i) {
            if (s.stamps[i] != 0 && s.now == s.stamps[i] + 20) {
                (void)s.answer(i);
            }
        }
    });
    CHECK(s.echoes <= 10 + 3); // the route in use every 2 s, and all of them once
    CHECK(s.moves == 0);
}

TEST_CASE("delivery: a muted peer with this library costs a few echoes in a minute, and no move") {
    Scene s;
    s.talk(5'000);
    s.echoes = 0;
    s.pass(60'000, 20, [&] {
        for (std::uint8_t i = 0; i < 3; ++i) {
            if (s.stamps[i] != 0 && s.now == s.stamps[i] + 20) {
                (void)s.answer(i);
            }
        }
    });
    CHECK(s.moves == 0);
    CHECK(s.echoes <= 40);
}

TEST_CASE("delivery: a peer that answers no echo makes traffic rotate through all routes, for ever, ever more slowly") {
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
    CHECK(moved[0] - START <= 3'100);
    CHECK(moved[1] - START <= 6'200); // the third route: within 9 s with two that deliver nothing
    CHECK(moved.back() - moved[moved.size() - 2] <= 60'100);
    CHECK(moved.back() - moved[moved.size() - 2] >= 20'000);
    CHECK(s.failed == NO_ROUTE); // a rotation is no verdict
}

TEST_CASE("delivery: a peer without this library that is silent is made to send over another route") {
    for (const std::uint8_t good : {std::uint8_t{1}, std::uint8_t{2}}) {
        Scene s;
        s.view.heard = 0;
        s.talk(5'000);
        REQUIRE(s.answer(0, false) == false);
        s.d.library = false; // the peer was one of toxcore's all the time
        const std::uint64_t silent_since = s.now;
        std::uint64_t heard_at = 0;
        // It sends over the first route that is not withdrawn. Only `good` carries anything.
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
        // What helped holds for a while, and ends.
        CHECK(s.withdrawn != 0);
        s.pass(2 * HOLD_MS, 0);
        CHECK(s.withdrawn == 0);
    }
}

TEST_CASE("delivery: nothing is withdrawn from a peer with this library, nor while the link is loaded, nor when idle") {
    Scene s;
    s.view.heard = 0;
    s.talk(5'000); // with this library
    s.pass(10'000);
    CHECK(s.withdrawals == 0);
    s.d.library = false;
    s.view.load = 2'000;
    s.pass(10'000);
    CHECK(s.withdrawals == 0);
    s.view.load = 0;
    s.pass(500);
    CHECK(s.withdrawals == 1);
    Scene idle;
    idle.view.heard = 0;
    idle.talk(5'000);
    idle.d.library = false;
    idle.pass(60'000, 0);
    CHECK(idle.withdrawals == 0);
}

TEST_CASE("delivery: a complaint is checked first, a second one makes traffic rotate") {
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
    s.talk(100); // all answer
    complain();  // the same complaint, over another relay
    CHECK(s.moves == 0);
    s.talk(400);
    complain();
    CHECK(s.moves == 1);
    CHECK(delivery_distrusts(s.d, 0, s.now));
    CHECK_FALSE(delivery_distrusts(s.d, 0, s.now + DISTRUST_MS + 2'000));
}

TEST_CASE("delivery: a second complaint that comes before echoes can be answered counts as soon as they could") {
    Scene s;
    s.talk(5'000, 400);
    s.pass(3'000, 20, [&] { (void)delivery_heard(s.d, s.now); }); // nothing answers any more
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
    CHECK(s.moves == 1); // once
}

TEST_CASE("delivery: while routes are judged, a second complaint waits without a tick") {
    Scene s;
    s.talk(5'000, 400);
    s.pass(3'000, 20, [&] { (void)delivery_heard(s.d, s.now); }); // nothing answers any more
    s.peer_echo(delivery_stamp(s.now), 1'000);
    s.serve();
    s.pass(350);
    s.peer_echo(delivery_stamp(s.now), 1'350);
    s.serve();
    s.pass(20);
    REQUIRE(s.answer(1)); // the route in use may answer for twice as long
    s.pass(1'000);
    CHECK(s.view.sending == 1);
    CHECK(s.moves == 1);
    CHECK(s.turns_in_vain == 0);
}

TEST_CASE("delivery: in a silence, the route that traffic has moved to has the next echo, unless it had the last one") {
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
        CHECK(contains(both(last, next), moved_to));
        last = next;
    }
}

TEST_CASE("delivery: in a long silence, a late answer makes echoes frequent again") {
    Scene s;
    s.talk(5'000);
    s.pass(4'700);
    const std::uint32_t stamp = s.stamps[2];
    REQUIRE(stamp != 0);
    s.take_echoed();
    const std::size_t echoes = s.echoes;
    SECTION("a late answer") {
        CHECK(delivery_answered(s.d, s.now, 2, stamp, true, s.view.sending, 0));
        s.pass(1'500);
        CHECK(s.take_echoed() == ALL);
        CHECK(s.echoes >= echoes + 3);
    }
    SECTION("none") {
        s.pass(1'500);
        CHECK(s.echoes <= echoes + 2);
    }
}

TEST_CASE("delivery: a complaint counts against a route only when data has gone over it") {
    Scene s;
    s.talk(5'000);
    s.peer_echo(delivery_stamp(s.now), 1'000);
    s.serve();
    s.pass(300, 20, [&] {
        for (std::uint8_t i = 1; i < 3; ++i) { // 0 carries nothing any more
            if (s.now == s.stamps[i] + 20) {
                (void)s.answer(i);
            }
        }
    });
    REQUIRE(s.moves == 1);
    delivery_moved(s.d, s.now); // as if it had moved just now
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

TEST_CASE("delivery: all routes are asked when the one in use is lost") {
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

TEST_CASE("delivery: a complaint that does not come over the route in use has it judged after one round trip") {
    const bool is_missing = GENERATE(true, false);
    Scene s;
    s.talk(5'000, 400);
    const std::uint64_t hangs = s.now; // both ends fall silent together
    std::uint64_t moved = 0;
    s.take_echoed();
    s.pass(3'000, 20, [&] {
        if (s.now == hangs + 520) { // the peer's echoes of its silence, over all routes
            s.peer_echo(77, 300, 1);
            s.peer_echo(77, 300, 2);
        }
        if (s.now == hangs + 560 && !is_missing) {
            s.peer_echo(77, 300, 0);
        }
        for (const std::uint8_t route : {std::uint8_t{1}, std::uint8_t{2}}) {
            if (s.stamps[route] != 0 && s.now == s.stamps[route] + 400 && s.moves == 0 && s.answer(route)) {
                s.serve();
            }
        }
        moved = moved == 0 && s.moves != 0 ? s.now : moved;
    });
    const std::uint64_t least = PATIENCE_MS + (is_missing ? 400 : 2 * 400);
    INFO("moved after " << moved - hangs);
    CHECK(moved >= hangs + least);
    CHECK(moved <= hangs + least + JUDGE_MARGIN_MS + 40);
    CHECK(s.moves == 1);
}

TEST_CASE("delivery: a complaint has all routes asked, whatever echoes are out") {
    Scene s;
    s.talk(5'000);
    s.d.probed = GENERATE(Route_Set{0b010}, ALL); // a while ago, and no answer since
    s.d.probed_at = delivery_stamp(s.now - 1'000);
    s.d.end_at = delivery_stamp(s.now + 1'500);
    s.take_echoed();
    s.peer_echo(77, 1'000);
    s.serve();
    CHECK(s.take_echoed() == ALL);
}

TEST_CASE("delivery: complaints have routes asked while others are not counted") {
    Scene s;
    s.talk(5'000);
    s.d.rounds = 5; // it has gone on for long
    s.d.complained_at = delivery_stamp(s.now);
    s.pass(1'500, 290, [&] { (void)delivery_heard(s.d, s.now); });
    s.d.verify_at = delivery_stamp(s.now + VERIFY_MS / 4); // the last echo was a while ago
    s.take_echoed();
    s.peer_echo(delivery_stamp(s.now), 1'000);
    s.serve();
    CHECK(s.take_echoed() == ALL);
    CHECK(s.moves == 0);
}

TEST_CASE("delivery: traffic that goes from route to route comes to each of them") {
    Scene s; // 0 and 2 carry nothing but echoes, 1 not even those
    s.talk(5'000);
    std::vector<std::uint8_t> used;
    for (int i = 0; i < 10; ++i) { // a complaint every 8 s
        s.peer_echo(delivery_stamp(s.now), 10'000);
        s.pass(8'000, 20, [&] {
            (void)delivery_heard(s.d, s.now);
            for (const std::uint8_t route : {std::uint8_t{0}, std::uint8_t{2}}) {
                if (s.stamps[route] != 0 && s.now == s.stamps[route] + 20) {
                    (void)s.answer(route);
                }
            }
        });
        used.push_back(s.view.sending);
    }
    CHECK(std::count(used.begin(), used.end(), 0) > 2);
    CHECK(std::count(used.begin(), used.end(), 2) > 2);
}

TEST_CASE("delivery: an answer from before the peer came online at the route proves nothing") {
    Scene s;
    s.talk(3'000);
    s.pass(400, 20); // echoes that are not answered
    const std::uint32_t before = s.stamps[1];
    delivery_reset_route(s.d, 1); // its relay ends the connection
    s.pass(1'000, 20);
    delivery_route_online(s.d, s.now, 1);
    s.pass(100, 20);
    CHECK(s.stamps[1] != before);
    CHECK_FALSE(delivery_answered(s.d, s.now, 1, before, true, 0, 0));
    CHECK(s.d.routes[1].proof == Proof::none);
    CHECK(s.answer(1));
    CHECK(s.d.routes[1].round_trip <= 100);
}

TEST_CASE("delivery: a late answer does not put off what a quick one tells") {
    Scene s;
    s.talk(5'000);
    s.pass(400);
    const std::uint32_t first = s.stamps[1];
    while (s.stamps[1] == first) { // until it is asked again
        s.pass(10);
        REQUIRE(s.now < first + 2'000);
    }
    CHECK(delivery_answered(s.d, s.now, 1, first, true, 0, 0)); // its relay had stopped
    s.pass(20);
    REQUIRE(s.moves == 0);
    CHECK(s.answer(1));
    s.pass(100);
    CHECK(s.moves == 1);
}

TEST_CASE("delivery: echoes that have become rare go over all routes") {
    Scene s;
    s.talk(5'000);
    s.pass(60'000);
    s.take_echoed();
    s.pass(MAX_REPEAT_MS + 20);
    CHECK(s.take_echoed() == ALL);
}

TEST_CASE("delivery: echoes of a silence come to every route in turn") {
    Scene s; // the peer has answered no echo
    s.d.library = true;
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
    CHECK(both(both(echoes[1], echoes[2]), echoes[3]) == ALL);
}

TEST_CASE("delivery: a complaint that a relay repeats counts once") {
    Scene s;
    s.talk(5'000);
    for (int i = 0; i < 50; ++i) {
        s.peer_echo(77, 1'000);
        s.peer_echo(60, 1'000); // an older one
        s.talk(400);
    }
    CHECK(s.moves == 0);
}

TEST_CASE("delivery: who complains to somebody that says nothing changes nothing") {
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

TEST_CASE("delivery: a link that we load ourselves is not judged by late echoes while the peer is heard") {
    Scene s;
    s.talk(5'000);
    s.view.load = 5'000;
    const std::uint64_t at = s.now;
    s.pass(60'000, 20, [&] {
        (void)delivery_heard(s.d, s.now);
        for (std::uint8_t i = 1; i < 3; ++i) {
            if (s.stamps[i] > at && s.now == s.stamps[i] + 20) {
                (void)s.answer(i);
            }
        }
    });
    CHECK(s.moves == 0);
}

TEST_CASE("delivery: an answer counts once, and only if the echo is ours and of late") {
    Scene s;
    s.pass(20, 20);
    REQUIRE(contains(s.take_echoed(), 1));
    CHECK_FALSE(s.answer(4)); // never asked
    CHECK_FALSE(delivery_answered(s.d, s.now, 7, s.stamps[1], false, 0, 0));
    CHECK(s.answer(1));
    CHECK_FALSE(s.answer(1));
    s.now += ANSWERS_WITHIN_MS + 1'000;
    CHECK_FALSE(s.answer(0));
}

TEST_CASE("delivery: a route that comes online anew knows nothing of the one before in its place") {
    Scene s;
    s.talk(5'000);
    REQUIRE(s.d.routes[1].proof == Proof::verified);
    delivery_reset_route(s.d, 1);
    CHECK(s.d.routes[1].proof == Proof::none);
    CHECK_FALSE(s.answer(1));
    s.take_echoed();
    s.talk(100);
    CHECK(contains(s.take_echoed(), 1));
}

TEST_CASE("delivery: a route was last proved when its newest answered echo was sent, however long ago that is") {
    Scene s;
    CHECK(delivery_proved_at(s.d, 0) == 0);
    s.talk(5'000);
    const std::uint64_t proved = delivery_proved_at(s.d, 0);
    CHECK(proved % (std::uint64_t{1} << 32) == s.stamps[0]);
    CHECK(proved + VERIFY_MS + 500 > s.now);
    const std::uint64_t before = delivery_proved_at(s.d, 1);
    REQUIRE(before != 0);
    s.pass(4'000, 20); // echoes go out, and none is answered
    CHECK(s.stamps[1] > before);
    CHECK(delivery_proved_at(s.d, 1) == before);
    s.now += GENERATE(std::uint64_t{1} << 31, std::uint64_t{1} << 32, std::uint64_t{3} << 32);
    CHECK(delivery_proved_at(s.d, 0) == proved);
    delivery_reset_route(s.d, 0);
    CHECK(delivery_proved_at(s.d, 0) == 0);
}

TEST_CASE("delivery: a host that cannot tell whose packets are has its route verified, and complains of nothing") {
    Scene s;
    s.d.proves = false;
    const auto answer_all = [&](Route_Set but) {
        return [&s, but] {
            for (std::uint8_t i = 0; i < 3; ++i) {
                if (s.stamps[i] != 0 && s.now == s.stamps[i] + 20 && !contains(but, i)) {
                    (void)s.answer(i);
                }
            }
        };
    };
    s.pass(5'000, 20, answer_all(0));
    s.echoes = 0;
    s.pass(60'000, 20, answer_all(0));
    CHECK(s.moves == 0);
    CHECK_FALSE(s.unheard);
    CHECK(s.echoes >= 60'000 / VERIFY_MS - 3);
    CHECK(s.echoes <= 2 * 60'000 / VERIFY_MS);
    // The route in use drops everything from some instant between two echoes on.
    s.pass(GENERATE(10U, 700U, 1'300U, 1'990U), 20, answer_all(0));
    const std::uint64_t at = s.now;
    while (s.moves == 0 && s.now < at + 10'000) {
        s.pass(10, 20, answer_all(set_of(0)));
    }
    CHECK(s.view.sending != 0);
    CHECK(s.now - at <= 3'000);
    CHECK_FALSE(s.unheard);
}

TEST_CASE("delivery: in a call, echoes are a small part of the bytes") {
    Scene s;
    s.talk(10'000);
    s.echoes = 0;
    s.talk(60'000);
    // 50 packets a second of 150 bytes at least, against echoes of 145.
    CHECK(s.echoes * 145 * 100 <= 3 * 60 * 50 * 150);
}

TEST_CASE("delivery: with one route only, a silent peer is told so ever more rarely, and nothing is decided") {
    Scene s;
    s.view.usable = 0b1;
    s.pass(200, 20);
    CHECK(s.echoes == 1); // the route is verified
    s.pass(60'000, 20);
    CHECK(s.echoes <= 20);
    s.pass(60'000, 20);
    CHECK(s.echoes > 20); // it may have a choice, and learns only by this that it is not heard
    CHECK(s.echoes <= 30);
    CHECK(s.unheard);
    CHECK(s.moves == 0);
}

TEST_CASE("delivery: after a silence of any length, traffic moves to a route that comes online and answers alone") {
    const std::uint64_t silence = GENERATE(5'000U, 60'000U, 400'000U);
    Scene s;
    s.view.usable = 0b11;
    s.talk(3'000);
    s.pass(silence, 20);
    delivery_route_online(s.d, s.now, 2);
    s.view.usable = ALL;
    s.pass(1'000, 20, [&] {
        if (s.stamps[2] != 0 && s.now == s.stamps[2] + 100) {
            (void)s.answer(2);
        }
    });
    CHECK(s.view.sending == 2);
}

TEST_CASE("delivery: a route that was slow, and carries nothing now, is left within 3 s") {
    Scene s;
    s.talk(3'000);
    const std::uint64_t slow = GENERATE(2'000U, 10'000U, 60'000U);
    s.d.routes[0].round_trip = static_cast<std::uint16_t>(slow);
    s.pass(3'000, 20, [&] {
        for (std::uint8_t i = 1; i < 3; ++i) {
            if (s.stamps[i] != 0 && s.now == s.stamps[i] + 100) {
                (void)s.answer(i);
            }
        }
    });
    CHECK(s.moves == 1);
    CHECK(s.view.sending != 0);
}

TEST_CASE("delivery: a route that is fast again counts as fast at once") {
    Scene s;
    s.talk(3'000);
    s.d.routes[0].round_trip = 10'000;
    s.talk(3'000);
    CHECK(s.d.routes[0].round_trip < 100);
}

TEST_CASE("delivery: complaints count however seldom we talk, and however slow the route was") {
    const std::uint64_t every = GENERATE(20U, 260U, 400U, 500U);
    const std::uint16_t slow = GENERATE(std::uint16_t{20}, std::uint16_t{10'000});
    Scene s;
    s.talk(3'000);
    s.d.routes[0].round_trip = slow;
    const std::uint64_t from = s.now;
    std::uint64_t said = 0;
    s.pass(3'000, every, [&] {
        (void)delivery_heard(s.d, s.now);
        for (std::uint8_t i = 0; i < 3; ++i) { // echoes pass, and data does not
            if (s.stamps[i] != 0 && s.now == s.stamps[i] + 20) {
                (void)s.answer(i);
            }
        }
        const std::uint64_t unheard = s.now - from;
        if (s.moves == 0 && unheard >= said + 450 && unheard >= 600) {
            said = unheard;
            s.peer_echo(static_cast<std::uint32_t>(s.now - 10), static_cast<std::uint32_t>(unheard));
            s.serve();
        }
    });
    CHECK(s.moves == 1);
}

TEST_CASE("delivery: a complaint of a time that began after the last complaint is a first one") {
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

TEST_CASE("delivery: a rotation passes by relays that do not answer their pings") {
    Scene s;
    s.talk(3'000); // the peer has this library
    s.view.stale = 0b100;
    bool was_stale = false;
    s.pass(120'000, 20, [&] { was_stale = was_stale || s.view.sending == 2; });
    CHECK(s.moves >= 3);
    CHECK_FALSE(was_stale);
}

TEST_CASE("delivery: after a pause without data, what was due before it sends no echo") {
    Scene s;
    s.talk(3'000);
    s.pass(40, 20); // data that is not answered
    s.echoes = 0;
    s.now += 20'000; // the host slept
    s.serve();
    CHECK(s.echoes == 0);
}

TEST_CASE("delivery: short times do not matter after weeks without data") {
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
