#include "tools/probe/history.h"

#include <algorithm>
#include <optional>

#include <nlohmann/json.hpp>

#include "tools/shared/values.h"

namespace toxtcp {

namespace {

using Json = nlohmann::json;

constexpr std::string_view FORMAT_LINE = "{\"toxtcp_probe_history\": 1}";

/// An hour is [began, rounds, good, median_us, worst_us].
constexpr std::size_t HOUR_FIELDS = 5;
/// The last second of the year 9999. Later times are refused, so that no sum of times overflows.
constexpr std::int64_t MAX_TIME_S = 253'402'300'799;
constexpr std::uint64_t MAX_ROUND_TRIP_US = 3'600'000'000;

void remove_old_hours(Probe_History &history, std::int64_t now) {
    std::erase_if(history.hours, [now](const Probe_Hour &hour) { return hour.began <= now - WEEK_S - HOUR_S; });
    if (history.hours.size() > MAX_HISTORY_HOURS) {
        history.hours.erase(history.hours.begin(), history.hours.end() - MAX_HISTORY_HOURS);
    }
}

/// Adds the rounds of one hour to those of another.
void add_rounds(Probe_Hour &sum, const Probe_Hour &more) {
    const std::uint64_t good = std::uint64_t{sum.good} + more.good;
    if (more.good != 0) {
        sum.median = (sum.median * sum.good + more.median * more.good) / good;
    }
    sum.worst = std::max(sum.worst, more.worst);
    sum.rounds += more.rounds;
    sum.good += more.good;
}

std::optional<std::uint64_t> number(const Json &json, std::uint64_t most) {
    if (!json.is_number_unsigned() || json.get<std::uint64_t>() > most) {
        return std::nullopt;
    }
    return json.get<std::uint64_t>();
}

std::optional<Probe_Hour> read_hour(const Json &json) {
    if (!json.is_array() || json.size() != HOUR_FIELDS) {
        return std::nullopt;
    }
    const auto began = number(json[0], MAX_TIME_S);
    const auto rounds = number(json[1], HOUR_S); // there is at least a second between two rounds
    const auto good = number(json[2], HOUR_S);
    const auto median = number(json[3], MAX_ROUND_TRIP_US);
    const auto worst = number(json[4], MAX_ROUND_TRIP_US);
    if (!began || !rounds || !good || !median || !worst || *began % HOUR_S != 0 || *rounds == 0 || *good > *rounds) {
        return std::nullopt;
    }
    return Probe_Hour{static_cast<std::int64_t>(*began), static_cast<std::uint32_t>(*rounds),
                      static_cast<std::uint32_t>(*good), *median, *worst};
}

std::optional<Probe_Status> read_status(const Json &json) {
    const auto found = std::find_if(PROBE_STATUSES.begin(), PROBE_STATUSES.end(),
                                    [&json](Probe_Status status) { return json == to_string(status); });
    return found == PROBE_STATUSES.end() ? std::nullopt : std::optional{*found};
}

/// Whether a member that may be missing is a string.
bool is_text(const Json &json, const char *member) {
    return !json.contains(member) || json[member].is_string();
}

/// Reads the line of one relay. False when the line is wrong, or when this relay had a line before.
bool read_line(std::string_view line, Probe_Histories &histories) {
    const Json json = Json::parse(line, nullptr, false);
    if (!json.is_object() || !json.contains("relay") || !json["relay"].is_string() || !json.contains("status") ||
        !json.contains("hours") || !json["hours"].is_array() || !is_text(json, "name") || !is_text(json, "family") ||
        json["hours"].size() > MAX_HISTORY_HOURS) {
        return false;
    }
    Probe_History history;
    const auto status = read_status(json["status"]);
    if (!status) {
        return false;
    }
    history.last = *status;
    history.name = json.value("name", "");
    history.family = json.value("family", "");
    for (const Json &one : json["hours"]) {
        const auto hour = read_hour(one);
        if (!hour || (!history.hours.empty() && history.hours.back().began >= hour->began)) {
            return false;
        }
        history.hours.push_back(*hour);
    }
    return histories.emplace(json["relay"].get<std::string>(), std::move(history)).second;
}

std::string_view next_line(std::string_view &text) {
    const std::size_t end = text.find('\n');
    const std::string_view line = trimmed(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    return line;
}

} // namespace

void add_round(Probe_History &history, std::int64_t now, Probe_Status status, std::uint64_t median,
               std::uint64_t worst) {
    if (status == Probe_Status::skipped || now < 0 || now > MAX_TIME_S) {
        return;
    }
    history.last = status;
    const bool good = status == Probe_Status::good;
    const std::int64_t began = now - now % HOUR_S;
    auto hour = std::lower_bound(history.hours.begin(), history.hours.end(), began,
                                 [](const Probe_Hour &other, std::int64_t time) { return other.began < time; });
    if (hour == history.hours.end() || hour->began != began) {
        hour = history.hours.insert(hour, Probe_Hour{.began = began});
    }
    if (hour->rounds < HOUR_S) {
        add_rounds(*hour, {.rounds = 1, .good = good, .median = good ? median : 0, .worst = good ? worst : 0});
    }
    remove_old_hours(history, now);
}

Probe_Hour sum_hours(const Probe_History &history, std::int64_t now, std::int64_t seconds) {
    Probe_Hour sum;
    for (const Probe_Hour &hour : history.hours) {
        if (hour.began <= now && hour.began + HOUR_S > now - seconds) {
            sum.began = sum.rounds == 0 ? hour.began : sum.began;
            add_rounds(sum, hour);
        }
    }
    return sum;
}

void remove_old_hours(Probe_Histories &histories, std::int64_t now) {
    for (auto &[relay, history] : histories) {
        remove_old_hours(history, now);
    }
    std::erase_if(histories, [](const auto &one) { return one.second.hours.empty(); });
}

std::string histories_text(const Probe_Histories &histories) {
    std::string text{FORMAT_LINE};
    text += '\n';
    for (const auto &[relay, history] : histories) {
        Json hours = Json::array();
        for (const Probe_Hour &hour : history.hours) {
            hours.push_back({hour.began, hour.rounds, hour.good, hour.median, hour.worst});
        }
        const Json line{{"relay", relay},
                        {"name", history.name},
                        {"family", history.family},
                        {"status", to_string(history.last)},
                        {"hours", std::move(hours)}};
        text += line.dump(-1, ' ', true, Json::error_handler_t::replace) + '\n';
    }
    return text;
}

bool parse_histories(std::string_view text, Probe_Histories &histories, std::vector<std::string> &warnings,
                     std::string &error) {
    histories.clear();
    if (trimmed(text).empty()) {
        return true;
    }
    if (next_line(text) != FORMAT_LINE) {
        error = "is no history of toxtcp probe: its first line is not " + std::string{FORMAT_LINE};
        return false;
    }
    for (std::size_t number = 2; !text.empty(); ++number) {
        const std::string_view line = next_line(text);
        if (!line.empty() && !read_line(line, histories)) {
            warnings.push_back("line " + std::to_string(number) +
                               " is not the history of a relay, or of one that has a line already; it is left out");
        }
    }
    return true;
}

} // namespace toxtcp
