// The HTML page that an operator can publish: one file without scripts, which fetches nothing.
#include <array>
#include <ctime>

#include "tools/probe/probe.h"
#include "tools/shared/text.h"

namespace toxtcp {

namespace {

constexpr const char *HEAD = R"html(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>Tox relays</title>
<style>
:root {
    --page: #ffffff; --card: #f4f5f7; --text: #1b1f24; --faint: #59636e; --line: #d5d9de; --median: #0b5cad; --worst: #9db7d1;
    --good: #116329; --middling: #7d4e00; --bad: #a40e26; --off: #59636e;
}
@media (prefers-color-scheme: dark) {
    :root {
        --page: #101418; --card: #191f26; --text: #e3e8ee; --faint: #9aa5b1; --line: #323a44; --median: #6cb2f7;
        --worst: #44607e; --good: #56d273; --middling: #e0ab4a; --bad: #ff7b84; --off: #9aa5b1;
    }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 76rem; background: var(--page); color: var(--text);
    font: 1rem/1.45 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.5rem; }
.when { margin: .25rem 0 1rem; color: var(--faint); }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .5rem .6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { color: var(--faint); font-weight: 600; }
.number { text-align: right; white-space: nowrap; }
.relay strong, .relay span { display: block; overflow-wrap: anywhere; }
.relay span, figcaption { color: var(--faint); font-size: .8rem; }
.key { font-family: ui-monospace, monospace; }
.status { font-weight: 700; }
.status span { display: block; max-width: 18rem; font-weight: 400; font-size: .8rem; }
.good { color: var(--good); } .dropping { color: var(--middling); }
.lying, .refusing, .hung, .dead { color: var(--bad); } .skipped { color: var(--off); }
figure { margin: 0 0 .4rem; }
svg { display: block; width: 15rem; max-width: 100%; height: 3rem; border-bottom: 1px solid var(--line); }
svg * { vector-effect: non-scaling-stroke; }
polyline, path { fill: none; stroke-width: 1.5; }
polyline.median { stroke: var(--median); } polyline.worst { stroke: var(--worst); } .lost { stroke: var(--bad); }
circle.median { fill: var(--median); } circle.worst { fill: var(--worst); }
footer { margin-top: 1rem; color: var(--faint); font-size: .85rem; }
footer p { margin: .3rem 0; }
@media (max-width: 60rem) {
    thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
    table, tbody, tr, td { display: block; }
    tr { margin-bottom: .8rem; padding: .5rem; border-radius: .5rem; background: var(--card); }
    td { border: 0; padding: .2rem .3rem; }
    .number { display: inline-block; min-width: 31%; text-align: left; }
    .number::before { content: attr(data-name); display: block; color: var(--faint); font-size: .75rem; }
    .status span { max-width: none; }
    svg { width: 100%; }
}
</style>
</head>
<body>
)html";

constexpr const char *COLUMNS = R"html(<table>
<thead><tr><th>Status</th><th>Relay</th><th class="number">Connect</th><th class="number">Median</th>
<th class="number">Worst</th><th class="number">Loss</th><th class="number">Rate</th><th>Round trips</th></tr></thead>
<tbody>
)html";

constexpr const char *NOTES = R"html(<footer>
<p>Each relay carried data and out-of-band packets between two fresh identities, both ways. A round trip is the time of
a packet through the relay and back; the chart's darker line is the median, the lighter one the worst, and a red mark at
the foot a lost packet. Below it are the last day and week: how many probes found the relay good, the mean of their medians,
and, by the hour, a chart whose red marks are hours with a probe that was not good.</p>
<p>good: delivers. dropping: delivers a part. lying: says online, and delivers nothing. refusing: answers, but does not
serve. hung: takes connections, and says nothing. dead: cannot be connected. skipped: could not be tried from here.</p>
</footer>
</body>
</html>
)html";

/// The text, escaped for HTML. Text from a node list may contain markup and control characters.
std::string escape(const std::string &text) {
    std::string escaped;
    for (const char c : text) {
        switch (c) {
        case '&':
            escaped += "&amp;";
            break;
        case '<':
            escaped += "&lt;";
            break;
        case '>':
            escaped += "&gt;";
            break;
        case '"':
            escaped += "&quot;";
            break;
        default:
            escaped += c >= ' ' || c < 0 ? c : ' ';
        }
    }
    return escaped;
}

std::string utc(std::int64_t time) {
    const auto seconds = static_cast<std::time_t>(time);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    std::array<char, 64> text;
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts)};
}

std::string number_cell(const char *name, const std::string &value) {
    return std::string{"<td class=\"number\" data-name=\""} + name + "\">" + value + "</td>";
}

std::string time_text(std::uint64_t us) {
    return us == 0 ? "–" : format("%.1f ms", milliseconds(us));
}

std::string status_cell(const Probe_Result &result) {
    const std::string why = result.why.empty() ? "" : "<span>" + escape(result.why) + "</span>";
    return std::string{"<td class=\"status "} + to_string(result.status) + "\">" + to_string(result.status) + why +
           "</td>";
}

std::string faint(const std::string &text) {
    return text.empty() ? text : "<span>" + escape(text) + "</span>";
}

std::string relay_cell(const Relay_Address &target) {
    const std::string name = to_string(target.relay);
    const std::string address = has_endpoint(target) ? endpoint_text(target) : "";
    const std::string operator_text = target.relay.maintainer.empty() || target.relay.location.empty()
                                          ? target.relay.maintainer + target.relay.location
                                          : target.relay.maintainer + ", " + target.relay.location;
    return "<td class=\"relay\"><strong>" + escape(name) + "</strong>" +
           faint((address == name ? "" : address + ' ') + family_name(target)) + faint(operator_text) +
           "<span class=\"key\">" + to_string(target.relay.key) + "</span></td>";
}

std::string figure(const std::string &chart, const std::string &caption) {
    return chart.empty() ? chart : "<figure>" + chart + "<figcaption>" + caption + "</figcaption></figure>";
}

std::string span_text(const char *name, const Probe_Hour &span) {
    const std::string share = format("%s: %.1f %% of %u good", name, 100.0 * span.good / span.rounds, span.rounds);
    return span.median == 0 ? share : share + ", " + time_text(span.median);
}

/// The history of the last day and week; empty if there were fewer than two rounds.
std::string history_figure(const Probe_History &history, std::int64_t now) {
    const Probe_Hour day = sum_hours(history, now, DAY_S);
    const Probe_Hour week = sum_hours(history, now, WEEK_S);
    if (week.rounds < 2) {
        return {};
    }
    const std::string last_day = day.rounds == 0 ? "day: not probed" : span_text("day", day);
    return "<figure>" + probe_history_chart(history) + "<figcaption>" + last_day + "<br>" + span_text("week", week) +
           "</figcaption></figure>";
}

std::string chart_cell(const Probed_Relay &probed, std::int64_t time) {
    const std::string now =
        figure(probe_chart(probed.result), format("0 to %.1f ms", milliseconds(probed.result.worst)));
    return "<td>" + now + history_figure(probed.history, time) + "</td>";
}

std::string row(const Probed_Relay &probed, std::int64_t time) {
    const Probe_Result &result = probed.result;
    const bool was_used = result.sent != 0;
    return "<tr>" + status_cell(result) + relay_cell(probed.target) + '\n' +
           number_cell("Connect", time_text(result.connect)) + number_cell("Median", time_text(result.median)) +
           number_cell("Worst", time_text(result.worst)) +
           number_cell("Loss", was_used ? format("%.1f %%", 100 * probe_loss(result)) : "–") +
           number_cell("Rate", was_used ? format("%.1f/s", probe_rate(result)) : "–") + '\n' +
           chart_cell(probed, time) + "</tr>\n";
}

} // namespace

std::string probe_page(const Probe_Report &report) {
    std::string page = HEAD;
    page += "<h1>Tox relays</h1>\n<p class=\"when\">" + probe_summary(report) + ". Probed " + utc(report.time) +
            format(", with at most %u packets a second each.</p>\n", report.rate) + COLUMNS;
    for (const Probed_Relay &probed : report.relays) {
        page += row(probed, report.time);
    }
    return page + "</tbody>\n</table>\n" + NOTES;
}

} // namespace toxtcp
