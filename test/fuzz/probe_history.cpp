// Fuzz target: a history of any bytes is read line by line, or refused with a cause. What is read is the same when it
// is written and read again. After a round is added, the hours are in order and within their limit.
#include <string>

#include "fuzz/fuzz.h"
#include "tools/probe/history.h"

using namespace toxtcp;

namespace {

void check_hours(const Probe_History &history) {
    fuzz_check(history.hours.size() <= MAX_HISTORY_HOURS, "no more than a week is kept");
    std::int64_t before = -1;
    for (const Probe_Hour &hour : history.hours) {
        fuzz_check(hour.began > before && hour.began % HOUR_S == 0, "hours are in order, and each is there once");
        fuzz_check(hour.rounds >= hour.good && hour.rounds > 0 && hour.rounds <= HOUR_S, "counts of rounds agree");
        before = hour.began;
    }
}

void check(const std::string &text) {
    Probe_Histories histories;
    std::vector<std::string> warnings;
    std::string error;
    if (!parse_histories(text, histories, warnings, error)) {
        fuzz_check(histories.empty() && warnings.empty() && !error.empty(), "nothing is read if it is refused");
        return;
    }
    fuzz_check(error.empty(), "there is no error where the history is read");
    for (const std::string &warning : warnings) {
        fuzz_check(warning.starts_with("line "), "a warning has a place");
    }
    const std::string printed = histories_text(histories);
    Probe_Histories again;
    std::vector<std::string> none;
    fuzz_check(parse_histories(printed, again, none, error) && none.empty(), "a history that is written can be read");
    fuzz_check(histories_text(again) == printed, "a history is the same when written again");
    for (auto &[relay, history] : histories) {
        check_hours(history);
        const std::int64_t now = history.hours.empty() ? 1'000'000 : history.hours[history.hours.size() / 2].began + 7;
        add_round(history, now, Probe_Status::good, 1'000, 2'000);
        check_hours(history);
        fuzz_check(sum_hours(history, now, DAY_S).good != 0, "a good round is counted");
        const Probe_Hour day = sum_hours(history, now, DAY_S);
        const Probe_Hour week = sum_hours(history, now, WEEK_S);
        fuzz_check(day.rounds <= week.rounds && day.good <= week.good && day.worst <= week.worst,
                   "the day's counts are part of the week's");
    }
    remove_old_hours(histories, 253'402'300'799);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::string text{reinterpret_cast<const char *>(data), size};
    check(text);
    check("{\"toxtcp_probe_history\": 1}\n" + text);
    check("{\"toxtcp_probe_history\": 1}\n{\"relay\":\"a\",\"status\":\"good\",\"hours\":[" + text + "]}");
    return 0;
}
