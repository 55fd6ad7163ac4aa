#include "tools/shared/route_words.h"

#include <algorithm>
#include <array>

#include <toxtcp/observe.h>

namespace toxtcp {

namespace {

struct Use_Words {
    Route_Use use;
    const char *word;
    const char *detail;
};

constexpr std::array<Use_Words, 9> USES{{
    {Route_Use::in_use, "in use", ""},
    {Route_Use::ready, "ready", "another route is in use"},
    {Route_Use::unverified, "unverified", "no echo answered yet"},
    {Route_Use::failed, "failed", "last echo was not answered"},
    {Route_Use::avoided, "avoided", "the peer heard nothing here"},
    {Route_Use::stale, "relay silent", "its ping is unanswered"},
    {Route_Use::refused, "refused", "the relay has no room"},
    {Route_Use::pruned, "spare", "the peer is at enough others"},
    {Route_Use::withdrawn, "left", "the peer was not heard here"},
}};

/// The words for a route that is not online: either the relay is not connected, or the peer is not online there.
Route_Words words_of_offline(const Route_Facts &route) {
    if (route.relay_state == to_string(Relay_State::waiting)) {
        return {"relay down", route.relay_last_end};
    }
    if (route.relay_state == to_string(Relay_State::connecting)) {
        return {"connecting", "to the relay"};
    }
    if (route.relay_state == to_string(Relay_State::sleeping)) {
        return {"asleep", "no peer needs the relay now"};
    }
    if (route.state == to_string(Route_State::registered)) {
        return {"peer away", "the peer is not at this relay"};
    }
    return {"not yet", "the relay has not answered"};
}

} // namespace

Route_Words route_words(const Route_Facts &route) {
    if (route.use == to_string(Route_Use::offline)) {
        return words_of_offline(route);
    }
    const auto found = std::find_if(USES.begin(), USES.end(),
                                    [&route](const Use_Words &words) { return route.use == to_string(words.use); });
    if (found != USES.end()) {
        return {found->word, found->detail};
    }
    // This program does not know the name, which is of another version of the library: show the name itself.
    return {route.use.substr(0, MAX_ROUTE_WORD), ""};
}

} // namespace toxtcp
