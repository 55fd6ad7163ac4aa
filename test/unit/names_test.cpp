// Every value of the enumerations that have a `to_string` has a name. No two values of one enumeration share a name.
#include <toxtcp/observe.h>

#include <set>
#include <string>

#include "catch.h"

using namespace toxtcp;

namespace {

/// Each value from `first` to `last` has a name of its own. The values just outside have none: a value that was added
/// there makes the test fail until the test includes it.
template <typename Enum>
void check_names(Enum first, Enum last) {
    std::set<std::string> names;
    const int low = static_cast<int>(first);
    const int high = static_cast<int>(last);
    for (int value = low; value <= high; ++value) {
        const char *const name = to_string(static_cast<Enum>(value));
        REQUIRE(name != nullptr);
        INFO(name);
        CHECK_FALSE(std::string(name).empty());
        CHECK(std::string(name).find("unknown") == std::string::npos);
        CHECK(names.insert(name).second);
    }
    for (const int stranger : {low - 1, high + 1}) {
        if (stranger >= 0 || low < 0) {
            CHECK(std::string(to_string(static_cast<Enum>(stranger))).find("unknown") == 0);
        }
    }
}

} // namespace

TEST_CASE("every error has a name of its own") {
    check_names(Error::bad_argument, Error::ok);
}

TEST_CASE("every reason has a name of its own") {
    check_names(Reason::none, Reason::stuck);
}

TEST_CASE("every state of a relay has a name of its own") {
    check_names(Relay_State::connecting, Relay_State::sleeping);
}

TEST_CASE("every state of a route has a name of its own") {
    check_names(Route_State::none, Route_State::online);
}

TEST_CASE("every use of a route has a name of its own") {
    check_names(Route_Use::in_use, Route_Use::withdrawn);
}

TEST_CASE("every kind of change has a name of its own") {
    check_names(Change_Kind::relay_up, Change_Kind::moved);
}
