// Delivery alone: evidence and time in, an action out. No network, no relay.
#include "policy/delivery.h"

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
    std::uint8_t failed = NO_ROUTE;
    std::array<std::uint32_t, ROUTES> stamps{}; ///< of the last echo over each route

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
        std::uint8_t to = action.move_to;
        if (action.rotate) {
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
            }
        }
    }
    void pass(std::uint64_t ms, std::uint64_t every = 20) {
        pass(ms, every, [] {});
    }

    bool answer(std::uint8_t route, bool by_library = true) {
        return delivery_answered(d, now, route, stamps[route], by_library, view.sending, view.load);
    }

    /// Both talk, and every echo is answered after `round_trip`.
    void talk(std::uint64_t ms, std::uint64_t round_trip = 20) {
        pass(ms, 20, [&] {
            delivery_heard(d, now);
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
            delivery_heard(s.d, s.now);
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
            delivery_heard(s.d, s.now);
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
    CHECK(moved.back() - moved[moved.size() - 2] >= 30'000);
    CHECK(s.failed == NO_ROUTE); // a rotation is no verdict
}

TEST_CASE("delivery: a complaint is checked first, a second one makes traffic rotate") {
    Scene s;
    s.talk(5'000);
    s.take_echoed();
    std::uint32_t clock = 77;
    const auto complain = [&] {
        delivery_peer_echo(s.d, s.now, clock++, 1'000);
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

TEST_CASE("delivery: a complaint that a relay repeats counts once") {
    Scene s;
    s.talk(5'000);
    for (int i = 0; i < 50; ++i) {
        delivery_peer_echo(s.d, s.now, 77, 1'000);
        delivery_peer_echo(s.d, s.now, 60, 1'000); // an older one
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
        delivery_peer_echo(s.d, s.now, 77 + i, 1'000);
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
        delivery_heard(s.d, s.now);
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

TEST_CASE("delivery: in a call, echoes are a small part of the bytes") {
    Scene s;
    s.talk(10'000);
    s.echoes = 0;
    s.talk(60'000);
    // 50 packets a second of 150 bytes at least, against echoes of 145.
    CHECK(s.echoes * 145 * 100 <= 3 * 60 * 50 * 150);
}

TEST_CASE("delivery: with one route only, there is nothing to decide, and no echo after the first") {
    Scene s;
    s.view.usable = 0b1;
    s.pass(60'000, 20);
    CHECK(s.echoes == 1);
    CHECK(s.moves == 0);
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
