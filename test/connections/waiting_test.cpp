// A host that waits by `tcp_connections_wait` alone, without a descriptor and a deadline.
#include "sim/world.h"

using namespace toxtcp;

namespace {

struct Outcome {
    std::size_t heard = 0;       ///< packets that the waiting peer heard
    std::size_t heard_there = 0; ///< packets that the other peer heard
    Wake_Counts wakes;
};

/// Two peers talk for a minute over three relays, and the relay in use hangs after 30 s. Then nothing happens for an
/// hour. Peer a only waits, or is woken by the simulator as by a descriptor and a deadline. Returns what the peers
/// heard, and a's wake-ups.
Outcome live_through(bool only_waits) {
    Two_Peers f{Ticking::when_woken};
    Sim_Node &node = node_of(f.a);
    if (only_waits) {
        node.run = nullptr;
        node.deadline = nullptr;
    }
    const auto pass = [&](std::uint64_t ms) {
        const std::uint64_t end = f.world.net.now + ms;
        while (only_waits && f.world.net.now < end) {
            if (tcp_connections_wait(f.a.c, static_cast<int>(end - f.world.net.now))) {
                sim_peer_tick(f.a);
            }
        }
        f.world.advance(end - f.world.net.now);
    };
    for (std::size_t i = 0; i < 600; ++i) {
        if (i == 300) {
            sim_relay_stop(f.in_use(), true);
        }
        CHECK(send_text(f.b, f.b_to_a, "b" + std::to_string(i)) == Error::ok);
        CHECK(send_text(f.a, f.a_to_b, "a" + std::to_string(i)) == Error::ok);
        pass(100);
    }
    pass(3'600'000);
    CHECK(f.b.data.size() >= 590);
    return {f.a.data.size(), f.b.data.size(), tcp_connections_wakes(f.a.c)};
}

} // namespace

TEST_CASE("waiting: a host that only waits hears as much as one with a descriptor, and wakes no more often") {
    const Outcome waits = live_through(true);
    const Outcome woken = live_through(false);
    INFO("wakes " << waits.wakes.ticks << " and " << woken.wakes.ticks);
    CHECK(waits.heard >= 590);
    CHECK(waits.heard + 5 >= woken.heard);
    CHECK(waits.heard_there + 5 >= woken.heard_there);
    CHECK(waits.wakes.spurious == 0);
    CHECK(waits.wakes.ticks <= woken.wakes.ticks + woken.wakes.ticks / 100);
    CHECK(waits.wakes.ticks > 600);
}

TEST_CASE("waiting: a wait ends by its limit, a deadline or a packet, whichever comes first") {
    Two_Peers f{Ticking::when_woken};
    node_of(f.a).run = nullptr;
    node_of(f.a).deadline = nullptr;
    const auto wait = [&](int ms) {
        const std::uint64_t begun = f.world.net.now;
        const bool has_work = tcp_connections_wait(f.a.c, ms);
        return std::pair{has_work, f.world.net.now - begun};
    };
    while (tcp_connections_timeout(f.a.c) < 1'000) {
        wait(-1);
        sim_peer_tick(f.a);
    }
    CHECK(wait(0) == std::pair{false, std::uint64_t{0}});
    CHECK(wait(500) == std::pair{false, std::uint64_t{500}});
    REQUIRE(send_text(f.b, f.b_to_a, "hello") == Error::ok);
    const auto [has_work, waited] = wait(-1);
    CHECK(has_work);
    CHECK(waited < 100);
    CHECK(f.a.data.empty());
    sim_peer_tick(f.a);
    CHECK(f.a.data.size() == 1);
    while (wait(0).first) {
        sim_peer_tick(f.a);
    }
    const std::uint64_t deadline = tcp_connections_deadline(f.a.c);
    f.world.net.now += 1;
    CHECK(wait(-1).first);
    CHECK(f.world.net.now <= deadline);
}

TEST_CASE("waiting: in a callback, and with a host that cannot wait, tcp_connections_wait returns at once") {
    Two_Peers f{Ticking::when_woken};
    bool called = false;
    f.a.on_data = [&](const Sim_Packet &) {
        const std::uint64_t begun = f.world.net.now;
        called = !tcp_connections_wait(f.a.c, 1'000) && f.world.net.now == begun;
    };
    REQUIRE(send_text(f.b, f.b_to_a, "hello") == Error::ok);
    f.world.advance(1'000);
    CHECK(called);
    World without{Ticking::without_readiness};
    CHECK_FALSE(tcp_connections_wait(without.add_peer().c, 1'000));
}
