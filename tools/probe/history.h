// The history of `toxtcp probe`: the results of earlier rounds for each relay, summed up by the hour, and the text of
// the file that keeps them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tools/probe/status.h"

namespace toxtcp {

inline constexpr std::int64_t HOUR_S = 3'600;
inline constexpr std::int64_t DAY_S = 24 * HOUR_S;
inline constexpr std::int64_t WEEK_S = 7 * DAY_S;

/// Most hours that are kept of one relay: a week, and the hour that has begun. There can be more only after the
/// system's clock was set back.
inline constexpr std::size_t MAX_HISTORY_HOURS = 7 * 24 + 1;

/// The rounds that ended within one hour. Rounds that skipped the relay are not counted.
struct Probe_Hour {
    std::int64_t began = 0;   ///< seconds since 1970, a multiple of HOUR_S
    std::uint32_t rounds = 0; ///< 1 or more
    std::uint32_t good = 0;   ///< rounds in which the relay was good
    std::uint64_t median = 0; ///< us, mean of the median round trips of the good rounds; 0: no round was good
    std::uint64_t worst = 0;  ///< us, longest round trip of the good rounds
};

struct Probe_History {
    Probe_Status last = Probe_Status::skipped; ///< in the last round that was not skipped; skipped: none
    std::vector<Probe_Hour> hours;             ///< oldest first, each hour once
    std::string name;   ///< "relay.example:443", the latest name; empty: from an older file, which has no names
    std::string family; ///< as `family_name` gives it
};

/// By the relay's address and key, as `target_id` (command.cpp) writes them.
using Probe_Histories = std::map<std::string, Probe_History>;

/// Adds the result of a round that ended at `now` (seconds since 1970), and removes hours that ended more than a week
/// before.
void add_round(Probe_History &history, std::int64_t now, Probe_Status status, std::uint64_t median,
               std::uint64_t worst);

/// The sum of all hours of which a part lies in the last `seconds` before `now`. `rounds` is 0 if there is no such
/// hour.
[[nodiscard]] Probe_Hour sum_hours(const Probe_History &history, std::int64_t now, std::int64_t seconds);

/// Removes hours that ended more than a week before `now`, and relays without any hour left.
void remove_old_hours(Probe_Histories &histories, std::int64_t now);

/// The text of the history file: a line that names the format, then a line of JSON for each relay.
[[nodiscard]] std::string histories_text(const Probe_Histories &histories);

/// Reads the text of a history file; an empty text is a history without relays. A wrong line is left out, with a
/// warning that names the line. False, with `error` and empty `histories`, when the text is no history.
[[nodiscard]] bool parse_histories(std::string_view text, Probe_Histories &histories,
                                   std::vector<std::string> &warnings, std::string &error);

} // namespace toxtcp
