// Charts as SVG elements. Their colours come from the style sheet of the page (page.cpp).
#include <algorithm>

#include "tools/probe/probe.h"
#include "tools/shared/clock.h"
#include "tools/shared/text.h"

namespace toxtcp {

namespace {

constexpr double WIDTH = 240;
constexpr double HEIGHT = 48;
constexpr double MARK_HEIGHT = 6;     ///< height of the mark for a lost packet or a bad hour
constexpr std::size_t MAX_STEPS = 60; ///< one point for every 4 units of width

/// One step of the time axis.
struct Step {
    std::vector<std::uint64_t> round_trips; ///< us
    std::uint64_t lost = 0;
    bool bad = false; ///< some round was not good
    std::uint64_t median = 0;
    std::uint64_t worst = 0;
};

double x_of(std::size_t step, std::size_t steps) {
    return steps < 2 ? WIDTH / 2 : WIDTH * static_cast<double>(step) / static_cast<double>(steps - 1);
}

/// The top of the chart is the longest round trip.
double y_of(std::uint64_t us, std::uint64_t longest) {
    return HEIGHT - (HEIGHT - 2) * static_cast<double>(us) / static_cast<double>(longest);
}

std::string points(const std::vector<Step> &steps, std::uint64_t Step::*value, std::uint64_t longest) {
    std::string text;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        if (steps[i].*value != 0) {
            text +=
                format("%s%.1f,%.1f", text.empty() ? "" : " ", x_of(i, steps.size()), y_of(steps[i].*value, longest));
        }
    }
    return text;
}

std::string line(const std::vector<Step> &steps, std::uint64_t Step::*value, std::uint64_t longest,
                 const char *style_class) {
    const std::string list = points(steps, value, longest);
    if (list.find(' ') == std::string::npos) { // a single point is no line
        const std::size_t comma = list.find(',');
        return "<circle class=\"" + std::string{style_class} + "\" cx=\"" + list.substr(0, comma) + "\" cy=\"" +
               list.substr(comma + 1) + "\" r=\"2\"/>";
    }
    return "<polyline class=\"" + std::string{style_class} + "\" points=\"" + list + "\"/>";
}

std::string marks(const std::vector<Step> &steps) {
    std::string path;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        if (steps[i].lost != 0 || steps[i].bad) {
            path += format("M%.1f %.1fv-%.1f", x_of(i, steps.size()), HEIGHT, MARK_HEIGHT);
        }
    }
    return path.empty() ? path : "<path class=\"lost\" d=\"" + path + "\"/>";
}

std::string draw(const std::vector<Step> &steps, const std::string &label) {
    std::uint64_t longest = 0;
    for (const Step &step : steps) {
        longest = std::max(longest, step.worst);
    }
    std::string svg = format("<svg viewBox=\"0 0 %.0f %.0f\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"",
                             WIDTH, HEIGHT) +
                      label + "\">";
    if (longest != 0) {
        svg += line(steps, &Step::worst, longest, "worst") + line(steps, &Step::median, longest, "median");
    }
    return svg + marks(steps) + "</svg>";
}

void add_packets(const Probe_Stream &stream, std::uint64_t duration, std::vector<Step> &steps) {
    for (const Probe_Packet &packet : stream.packets) {
        const std::size_t index = static_cast<std::size_t>(packet.sent_at * steps.size() / duration);
        Step &step = steps[std::min(index, steps.size() - 1)];
        if (packet.round_trip == 0) {
            ++step.lost;
        } else {
            step.round_trips.push_back(packet.round_trip);
        }
    }
}

void sum_up(Step &step) {
    if (!step.round_trips.empty()) {
        std::sort(step.round_trips.begin(), step.round_trips.end());
        step.median = step.round_trips[step.round_trips.size() / 2];
        step.worst = step.round_trips.back();
    }
}

} // namespace

std::string probe_chart(const Probe_Result &result) {
    if (result.sent == 0) {
        return {};
    }
    const std::uint64_t duration = std::max<std::uint64_t>(result.sending_time, 1);
    std::vector<Step> steps(std::clamp<std::size_t>(static_cast<std::size_t>(result.sent), 1, MAX_STEPS));
    for (const Probe_Stream &stream : result.streams) {
        add_packets(stream, duration, steps);
    }
    std::for_each(steps.begin(), steps.end(), sum_up);
    return draw(steps,
                format("Round trips over %.0f s, %.1f ms at the most; %llu of %llu packets lost", seconds(duration),
                       milliseconds(result.worst), Count{result.sent - result.received}, Count{result.sent}));
}

std::string probe_history_chart(const Probe_History &history) {
    const std::vector<Probe_Hour> &hours = history.hours;
    if (hours.size() < 2) {
        return {};
    }
    std::vector<Step> steps(static_cast<std::size_t>((hours.back().began - hours.front().began) / HOUR_S + 1));
    std::uint64_t bad = 0;
    for (const Probe_Hour &hour : hours) {
        Step &step = steps[static_cast<std::size_t>((hour.began - hours.front().began) / HOUR_S)];
        step.median = hour.median;
        step.worst = hour.worst;
        step.bad = hour.good != hour.rounds;
        bad += step.bad;
    }
    return draw(steps, format("Round trips of the last %zu hours; in %llu some probes were not good", steps.size(),
                              Count{bad}));
}

} // namespace toxtcp
