#include "policy/reputation.h"

#include <algorithm>

namespace toxtcp {

void reputation_failed(Reputation &reputation, std::uint64_t peer, std::uint64_t now) {
    auto &failures = reputation.failures;
    auto place =
        std::find_if(failures.begin(), failures.end(), [peer](const auto &failure) { return failure.peer == peer; });
    if (place == failures.end()) {
        place = std::min_element(failures.begin(), failures.end(),
                                 [](const auto &a, const auto &b) { return a.at < b.at; });
    }
    *place = {peer, now};
}

bool has_bad_reputation(const Reputation &reputation, std::uint64_t now) {
    return std::all_of(reputation.failures.begin(), reputation.failures.end(), [now](const auto &failure) {
        return failure.at != 0 && now < failure.at + FAILURE_LIFETIME_MS;
    });
}

} // namespace toxtcp
