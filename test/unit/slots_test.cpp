// The array of slots: handles, their generations, and the limit.
#include "base/slots.h"

#include "catch.h"

using namespace toxtcp;

TEST_CASE("slots: a slot whose handle was never shown keeps it, however often it is used again") {
    Slots<int> slots{4};
    for (std::uint32_t i = 0; i < 2 * MAX_GENERATIONS; ++i) {
        REQUIRE(slots.add() == 0);
        slots.remove(0);
    }
    REQUIRE(slots.add() == 0);
    CHECK(slots.handle(0) == 0);
}

TEST_CASE("slots: a handle that was shown is stale once its tenant has gone") {
    Slots<int> slots{4};
    REQUIRE(slots.add() == 0);
    const int first = slots.handle(0);
    slots.remove(0);
    CHECK(slots.find(first) == NO_SLOT);
    REQUIRE(slots.add() == 0);
    CHECK(slots.find(first) == NO_SLOT);
    CHECK(slots.handle(0) != first);
    // A host that guesses the next handle may hold it from then on: it counts as shown.
    slots.remove(0);
    REQUIRE(slots.add() == 0);
    const int guessed = static_cast<int>(2 * MAX_SLOTS);
    CHECK(slots.find(guessed) == 0);
    slots.remove(0);
    REQUIRE(slots.add() == 0);
    CHECK(slots.find(guessed) == NO_SLOT);
}

TEST_CASE("slots: there are no more slots than the limit, and a slot without a generation left is lost") {
    Slots<int> slots{2};
    REQUIRE(slots.add() == 0);
    REQUIRE(slots.add() == 1);
    CHECK(slots.full());
    CHECK(slots.add() == NO_SLOT);
    for (std::uint32_t i = 0; i < MAX_GENERATIONS; ++i) {
        REQUIRE(slots.handle(1) >= 0);
        slots.remove(1);
        REQUIRE(slots.add() == (i + 1 < MAX_GENERATIONS ? 1 : NO_SLOT));
    }
    CHECK(slots.count() == 1);
    CHECK(slots.full());
}
