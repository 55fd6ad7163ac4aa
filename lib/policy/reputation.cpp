#include "policy/reputation.h"

#include <algorithm>

namespace toxtcp {

void reputation_failed(Reputation &reputation, std::uint32_t peer, std::uint64_t now) {
    auto &failures = reputation.failures;
    auto place = std::find_if(failures.begin(), failures.end(), [peer](const auto &one) { return one.peer == peer; });
    if (place == failures.end()) {
        place = std::min_element(failures.begin(), failures.end(),
                                 [](const auto &a, const auto &b) { return a.at < b.at; });
    }
    *place = {peer, now};
}

bool has_bad_name(const Reputation &reputation, std::uint64_t now) {
    return std::all_of(reputation.failures.begin(), reputation.failures.end(),
                       [now](const auto &one) { return one.at != 0 && now < one.at + FORGIVE_MS; });
}

} // namespace toxtcp
