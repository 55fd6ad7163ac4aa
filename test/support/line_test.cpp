// The line's rate, queue, delay and loss, on a simulated clock.
#include "support/line.h"

#include "catch.h"

using namespace toxtcp;

namespace {

constexpr std::size_t MTU = 1500;
constexpr std::uint64_t MS = 1'000'000;

/// A packet of 1,500 bytes takes 12 ms to send. Three packets fit into the queue.
Line slow_line() {
    Line line;
    line.def = {.delay_ns = 100 * MS, .rate = 1'000'000, .queue = 3 * MTU};
    return line;
}

const std::vector<std::uint8_t> PACKET(MTU);

std::vector<std::uint64_t> arrivals(Line &line) {
    std::vector<std::uint64_t> times;
    std::vector<std::uint8_t> packet;
    while (next_arrival(line) != NO_ARRIVAL) {
        const std::uint64_t at = next_arrival(line);
        CHECK_FALSE(take(line, at - 1, packet));
        REQUIRE(take(line, at, packet));
        times.push_back(at);
    }
    return times;
}

} // namespace

TEST_CASE("packets arrive one sending time apart, after the delay") {
    Line line = slow_line();
    for (int i = 0; i < 3; ++i) {
        CHECK(offer(line, PACKET, 5 * MS) == Fate::sent);
    }
    CHECK(arrivals(line) == std::vector<std::uint64_t>{117 * MS, 129 * MS, 141 * MS});
    CHECK(line.counts.arrived == 3);
}

TEST_CASE("the time in which a line was idle makes later packets neither earlier nor later") {
    Line line = slow_line();
    CHECK(offer(line, PACKET, 0) == Fate::sent);
    CHECK(offer(line, PACKET, 500 * MS) == Fate::sent);
    CHECK(offer(line, PACKET, 500 * MS) == Fate::sent);
    CHECK(arrivals(line) == std::vector<std::uint64_t>{112 * MS, 612 * MS, 624 * MS});
}

TEST_CASE("a packet that does not fit into the queue is dropped, and a smaller one may still fit") {
    Line line = slow_line();
    for (int i = 0; i < 3; ++i) {
        CHECK(offer(line, PACKET, 0) == Fate::sent);
    }
    CHECK(queued_bytes(line, 0) == 3 * MTU);
    CHECK(offer(line, PACKET, 0) == Fate::dropped);
    CHECK(offer(line, PACKET, 12 * MS - 1000) == Fate::dropped);
    CHECK(queued_bytes(line, 6 * MS) == 3 * MTU - MTU / 2);
    CHECK(offer(line, std::vector<std::uint8_t>(MTU / 2), 6 * MS) == Fate::sent);
    CHECK(line.counts.dropped == 2);
    CHECK(arrivals(line).size() == 4);
}

TEST_CASE("the queue has room again when its packets are sent, not when they arrive") {
    Line line = slow_line();
    for (int i = 0; i < 3; ++i) {
        CHECK(offer(line, PACKET, 0) == Fate::sent);
    }
    CHECK(offer(line, PACKET, 12 * MS) == Fate::sent);
    CHECK(queued_bytes(line, 48 * MS) == 0);
}

TEST_CASE("a line that is offered too much carries its rate, with the delay of a full queue") {
    Line line;
    line.def = {.delay_ns = 5 * MS, .rate = 200'000'000, .queue = 1'000'000};
    std::uint64_t carried = 0;
    std::uint64_t last_wait = 0;
    std::vector<std::uint8_t> packet;
    for (std::uint64_t now = 0; now < 1000 * MS; now += MS / 20) { // 240 Mbit/s
        if (offer(line, PACKET, now) == Fate::sent) {
            last_wait = line.under_way.back().arrives_ns - now;
        }
        while (take(line, now, packet)) {
            carried += packet.size();
        }
    }
    // 25,000,000 bytes a second, from 5 ms on.
    CHECK(carried >= 24'870'000);
    CHECK(carried <= 24'880'000);
    CHECK(last_wait >= 44 * MS);
    CHECK(last_wait <= 45 * MS);
    CHECK(line.counts.dropped > 0);
}

TEST_CASE("without a limited rate no packet waits") {
    Line line;
    line.def = {.delay_ns = 20 * MS};
    for (int i = 0; i < 1000; ++i) {
        CHECK(offer(line, PACKET, 0) == Fate::sent);
    }
    CHECK(queued_bytes(line, 0) == 0);
    CHECK(arrivals(line) == std::vector<std::uint64_t>(1000, 20 * MS));
}

TEST_CASE("the seed alone decides which packets are lost, and their share is the given loss") {
    const auto lost = [](double share, std::uint64_t seed) {
        Line line;
        line.def = {.rate = 1'000'000'000, .queue = 1'000'000, .loss = share, .seed = seed};
        std::vector<int> numbers;
        for (int i = 0; i < 100'000; ++i) {
            if (offer(line, PACKET, static_cast<std::uint64_t>(i) * MS) == Fate::lost) {
                numbers.push_back(i);
            }
        }
        CHECK(line.counts.lost == numbers.size());
        CHECK(line.under_way.size() == 100'000 - numbers.size());
        return numbers;
    };
    const std::vector<int> some = lost(0.005, 1);
    CHECK(some.size() > 430); // 500 are expected, with a standard deviation of 22
    CHECK(some.size() < 570);
    CHECK(some == lost(0.005, 1));
    CHECK(some != lost(0.005, 2));
    CHECK(lost(0, 1).empty());
    CHECK(lost(1, 1).size() == 100'000);
}

TEST_CASE("a lost packet takes its time to be sent, as any other") {
    Line line = slow_line();
    line.def.loss = 1;
    CHECK(offer(line, PACKET, 0) == Fate::lost);
    CHECK(queued_bytes(line, 0) == MTU);
}

TEST_CASE("a line is read from its text, and a wrong text is refused") {
    Line_Def def;
    REQUIRE(parse_line("delay_ms=2.5,rate_mbit=20,queue=100000,loss=0.005,seed=7", MTU, def));
    CHECK(def.delay_ns == 2'500'000);
    CHECK(def.rate == 20'000'000);
    CHECK(def.queue == 100'000);
    CHECK(def.loss == 0.005);
    CHECK(def.seed == 7);
    REQUIRE(parse_line("delay_ms=1", MTU, def));
    CHECK(def.rate == 0);
    for (const char *const wrong :
         {"", "delay_ms", "delay_ms=", "delay_ms=-1", "delay_ms=1x", "delay_ms=nan", "delay_ms=1,delay_ms=1",
          "delay_ms=1,what=2", "loss=1.5", "rate_mbit=5", "rate_mbit=5,queue=1499", "delay_ms=1e9"}) {
        INFO(wrong);
        CHECK_FALSE(parse_line(wrong, MTU, def));
    }
}
