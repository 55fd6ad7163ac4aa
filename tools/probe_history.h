// What earlier rounds of `toxtcp probe` found out about each relay, by the hour, and the file that keeps it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "probe_status.h"

namespace toxtcp {

inline constexpr std::int64_t HOUR_S = 3'600;
inline constexpr std::int64_t DAY_S = 24 * HOUR_S;
inline constexpr std::int64_t WEEK_S = 7 * DAY_S;

/// Hours of one relay that are kept at most: a week, and the hour that has begun. Only a clock that was set makes more.
inline constexpr std::size_t MAX_HISTORY_HOURS = 7 * 24 + 1;

/// The rounds that ended within one hour. Rounds that the relay was skipped in are not counted.
struct Probe_Hour {
    std::int64_t began = 0;   ///< seconds since 1970, a multiple of HOUR_S
    std::uint32_t rounds = 0; ///< 1 or more
    std::uint32_t good = 0;   ///< rounds of these in which the relay was good
    std::uint64_t median = 0; ///< us, mean of the good rounds' median round trips; 0: no round was good
    std::uint64_t worst = 0;  ///< us, longest round trip of the good rounds
};

struct Probe_History {
    Probe_Status last = Probe_Status::skipped; ///< in the last round that counted; skipped: there was none
    std::vector<Probe_Hour> hours;             ///< the oldest first, each hour once
};

/// By the relay's address and key, as `identity` says them.
using Probe_Histories = std::map<std::string, Probe_History>;

/// Adds a round's result. Hours that ended more than a week before `now` are forgotten.
void add_round(Probe_History &history, std::int64_t now, Probe_Status status, std::uint64_t median,
               std::uint64_t worst);

/// The sum of the hours that lie within so many seconds before `now`, as one; `rounds` is 0 when there is none.
[[nodiscard]] Probe_Hour sum_hours(const Probe_History &history, std::int64_t now, std::int64_t seconds);

/// Forgets what is older than a week, and relays of which nothing is left.
void forget_old_hours(Probe_Histories &histories, std::int64_t now);

/// The file's text: a line that names the format, then a line of JSON for each relay.
[[nodiscard]] std::string print_histories(const Probe_Histories &histories);

/// Reads such a text; an empty one is a history without relays. A line that is wrong costs its relay, with a warning that
/// names the line. False, with `error`, when the text is no history: `histories` is empty then.
[[nodiscard]] bool parse_histories(std::string_view text, Probe_Histories &histories,
                                   std::vector<std::string> &warnings, std::string &error);

} // namespace toxtcp
