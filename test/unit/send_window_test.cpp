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
    std::uint64_t tick = 1;       ///< ms between two turns of the sender
    Send_Window window;
    std::uint64_t now = 5'000'000;
    std::uint64_t sent = 0;
    std::uint64_t served = 0;
    std::uint64_t arrived = 0;            ///< bytes acknowledged
    std::deque<std::uint64_t> on_the_way; ///< `served` at the end of each ms of the last round trip
    std::uint64_t measured = 0;           ///< bytes a second, by the system's own measure; 0: none
    std::uint64_t longest_queue = 0;      ///< bytes

    /// Lets `ms` pass. The sender has its turn every `tick` ms.
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

    /// Lets `ms` pass. The bytes that the path serves in that time.
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

    /// Bytes that may wait on the way, by the bound in send_window.h.
    std::uint64_t allowed() const {
        const std::uint64_t product = rate * round_trip;
        const std::uint64_t smallest = MIN_SEND_WINDOW - std::min(MIN_SEND_WINDOW, product);
        // And what one step of the model, 1 ms, adds.
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

/// Paths with rates from 50 to 25,000 bytes a ms and round trips from 2 ms to 1 s.
Path any_path() {
    const auto [rate, round_trip] = GENERATE(table<std::uint64_t, std::uint64_t>(
        {{2'500, 50}, {625, 200}, {125, 300}, {25'000, 10}, {50, 1'000}, {10'000, 2}}));
    return path_of(rate, round_trip);
}

} // namespace

TEST_CASE("send window: a sender uses 97 % of the path's rate, and its queue stays within the bound") {
    Path path = any_path();
    INFO(path.rate << " bytes/ms, " << path.round_trip << " ms");
    path.run(10'000);
    const std::uint64_t served = path.serve(20'000);
    CHECK(served >= path.rate * 20'000 * 97 / 100);
    CHECK(path.longest_queue <= path.allowed());
}

TEST_CASE("send window: a sender that has its turn only 20 times a second uses 90 % of the path's rate") {
    Path path = any_path();
    INFO(path.rate << " bytes/ms, " << path.round_trip << " ms");
    path.tick = TICK_MS;
    path.run(30'000);
    const std::uint64_t served = path.serve(20'000);
    CHECK(served >= path.rate * 20'000 * 90 / 100);
    CHECK(path.longest_queue <= path.allowed());
}

TEST_CASE("send window: the window follows a path that becomes slower") {
    Path path = any_path();
    INFO(path.rate << " bytes/ms, " << path.round_trip << " ms");
    path.run(10'000);
    path.rate = path.rate / 5;
    path.run(2 * RATE_LASTS_MS + 6 * path.round_trip + 1'000);
    const std::uint64_t served = path.serve(10'000);
    CHECK(path.longest_queue <= path.allowed());
    CHECK(served >= path.rate * 10'000 * 97 / 100);
}

TEST_CASE("send window: the window follows a path that becomes faster within ten round trips") {
    Path path = any_path();
    INFO(path.rate << " bytes/ms, " << path.round_trip << " ms");
    path.run(10'000);
    path.rate = 4 * path.rate;
    path.run(10 * std::max(path.round_trip, RATE_SAMPLE_MS));
    const std::uint64_t served = path.serve(10'000);
    CHECK(served >= path.rate * 10'000 * 97 / 100);
}

TEST_CASE("send window: many bytes acknowledged at once, when a lost packet is repaired, do not widen it") {
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

TEST_CASE("send window: after a long pause the window is at its minimum again") {
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

TEST_CASE("send window: impossible values from the host do not make the window smaller than its minimum") {
    Send_Window window;
    send_window_acknowledged(window, 5'000'000, {UINT64_MAX / 2, UINT32_MAX, UINT64_MAX});
    CHECK(window.size >= MIN_SEND_WINDOW);
    send_window_acknowledged(window, 5'000'000 + UINT32_MAX, {});
    CHECK(window.size >= MIN_SEND_WINDOW);
    CHECK(send_window_room(window, 0) >= MIN_SEND_WINDOW);
}
