// Send_Window against a model of a path: a queue that is served at a rate, and a round trip.
#include <deque>

#include "catch.h"
#include "policy/send_window.h"

using namespace toxtcp;

namespace {

constexpr std::uint64_t PACKET = 1'400; // bytes

/// A sender that always has another packet, and the path that takes them.
struct Path {
    std::uint64_t rate = 0;       ///< bytes a ms
    std::uint64_t round_trip = 0; ///< ms
    std::uint64_t tick = 1;       ///< ms
    Send_Window window;
    std::uint64_t now = 5'000'000;
    std::uint64_t sent = 0;
    std::uint64_t served = 0;
    std::uint64_t arrived = 0;            ///< acknowledgements
    std::deque<std::uint64_t> on_the_way; ///< `served`, of each ms
    std::uint64_t measured = 0;           ///< bytes a second, by the system
    std::uint64_t longest_queue = 0;      ///< bytes

    /// The sender has its turn each `tick` ms.
    void run(std::uint64_t ms) {
        longest_queue = 0;
        for (const std::uint64_t end = now + ms; now < end; ++now) {
            served = std::min(sent, served + rate);
            on_the_way.push_back(served);
            arrived = on_the_way.front();
            on_the_way.pop_front();
            while (now % tick == 0 && has_room()) {
                sent += PACKET;
            }
            longest_queue = std::max(longest_queue, sent - served);
        }
    }

    /// Bytes that the path serves in so many ms.
    std::uint64_t serve(std::uint64_t ms) {
        const std::uint64_t before = served;
        run(ms);
        return served - before;
    }

    bool has_room() {
        if (send_window_room(window, sent) == 0) {
            send_window_acknowledged(window, now, {arrived, static_cast<std::uint32_t>(1'000 * round_trip), measured});
        }
        return send_window_room(window, sent) != 0;
    }

    /// How much may wait on the way by the bound.
    std::uint64_t allowed() const {
        const std::uint64_t product = rate * round_trip;
        const std::uint64_t smallest = MIN_SEND_WINDOW - std::min(MIN_SEND_WINDOW, product);
        // And what comes in the ms that the model moves by.
        return std::max(product / 4 + rate * TICK_MS + product / 50, smallest) + 2 * rate + PACKET;
    }
};

Path path_of(std::uint64_t rate, std::uint64_t round_trip) {
    Path path;
    path.rate = rate;
    path.round_trip = round_trip;
    path.on_the_way.assign(round_trip - 1, 0);
    return path;
}

/// A home line near and far, a slow one, a fast one, one machine.
Path any_path() {
    const auto [rate, round_trip] = GENERATE(table<std::uint64_t, std::uint64_t>(
        {{2'500, 50}, {625, 200}, {125, 300}, {25'000, 10}, {50, 1'000}, {10'000, 2}}));
    return path_of(rate, round_trip);
}

} // namespace

TEST_CASE("send window: a sender uses the whole path, and queues little on the way") {
    Path path = any_path();
    INFO(path.rate << " bytes/ms, " << path.round_trip << " ms");
    path.run(10'000);
    const std::uint64_t served = path.serve(20'000);
    CHECK(served >= path.rate * 20'000 * 97 / 100);
    CHECK(path.longest_queue <= path.allowed());
}

TEST_CASE("send window: a sender that has its turn 20 times a second uses the whole path, too") {
    Path path = any_path();
    INFO(path.rate << " bytes/ms, " << path.round_trip << " ms");
    path.tick = TICK_MS;
    path.run(30'000);
    const std::uint64_t served = path.serve(20'000);
    CHECK(served >= path.rate * 20'000 * 90 / 100);
    CHECK(path.longest_queue <= path.allowed());
}

TEST_CASE("send window: a path that becomes slower is followed") {
    Path path = any_path();
    INFO(path.rate << " bytes/ms, " << path.round_trip << " ms");
    path.run(10'000);
    path.rate = path.rate / 5;
    path.run(2 * RATE_LASTS_MS + 6 * path.round_trip + 1'000);
    const std::uint64_t served = path.serve(10'000);
    CHECK(path.longest_queue <= path.allowed());
    CHECK(served >= path.rate * 10'000 * 97 / 100);
}

TEST_CASE("send window: a path that becomes faster is followed within ten round trips") {
    Path path = any_path();
    INFO(path.rate << " bytes/ms, " << path.round_trip << " ms");
    path.run(10'000);
    path.rate = 4 * path.rate;
    path.run(10 * std::max(path.round_trip, RATE_SAMPLE_MS));
    const std::uint64_t served = path.serve(10'000);
    CHECK(served >= path.rate * 10'000 * 97 / 100);
}

TEST_CASE("send window: bytes that are acknowledged at once, when a lost packet is repaired, do not widen it") {
    Path path = path_of(625, 200);
    path.run(10'000);
    const std::uint64_t size = path.window.size;
    const std::uint64_t acknowledged = path.window.acknowledged;
    Send_Window &window = path.window;
    path.measured = 1'000 * path.rate;
    send_window_acknowledged(window, path.now + 1'000, {acknowledged + 3'000 * path.rate, 200'000, path.measured});
    CHECK(window.size <= size + size / 50);
    window = {};
    send_window_acknowledged(window, path.now + 1'000, {0, 200'000, 0});
    send_window_acknowledged(window, path.now + 2'000, {3'000 * path.rate, 200'000, 0});
    CHECK(window.size > 2 * size); // where the system has no measure
}

TEST_CASE("send window: after a long pause it begins anew") {
    Path path = path_of(25'000, 100);
    path.run(10'000);
    REQUIRE(path.window.size > MIN_SEND_WINDOW);
    path.now += 3'600'000;
    path.on_the_way.assign(path.round_trip - 1, path.sent);
    path.served = path.sent;
    send_window_acknowledged(path.window, path.now, {path.sent, 100'000, 0});
    CHECK(path.window.size == MIN_SEND_WINDOW);
    CHECK(send_window_room(path.window, path.sent) == MIN_SEND_WINDOW);
}

TEST_CASE("send window: a host that says impossible things limits to nothing less than the smallest window") {
    Send_Window window;
    send_window_acknowledged(window, 5'000'000, {UINT64_MAX / 2, UINT32_MAX, UINT64_MAX});
    CHECK(window.size >= MIN_SEND_WINDOW);
    send_window_acknowledged(window, 5'000'000 + UINT32_MAX, {});
    CHECK(window.size >= MIN_SEND_WINDOW);
    CHECK(send_window_room(window, 0) >= MIN_SEND_WINDOW);
}
