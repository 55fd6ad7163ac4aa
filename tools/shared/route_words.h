// Words for whether a route is in use and, if not, why. `toxtcp top`, `demo` and `ping` share them.
#pragma once

#include <string>

namespace toxtcp {

/// What is known of a route: the library's names (`to_string`) for each value.
struct Route_Facts {
    std::string use;            ///< of a Route_Use
    std::string state;          ///< of a Route_State
    std::string relay_state;    ///< of a Relay_State; empty: the relay is not known
    std::string relay_last_end; ///< of a Reason
};

struct Route_Words {
    std::string word;   ///< "in use", or why it is not, in at most MAX_ROUTE_WORD characters
    std::string detail; ///< what that means; may be empty
};

inline constexpr std::size_t MAX_ROUTE_WORD = 12;

[[nodiscard]] Route_Words route_words(const Route_Facts &route);

} // namespace toxtcp
