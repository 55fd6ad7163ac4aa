// The results of a round as a table, as JSON, and in Prometheus' text format.
#include <nlohmann/json.hpp>

#include "tools/probe/probe.h"
#include "tools/shared/clock.h"
#include "tools/shared/text.h"

namespace toxtcp {

namespace {

using Json = nlohmann::json;

// ---- the table -------------------------------------------------------------------------------------------------

std::string time_cell(std::uint64_t us) {
    return us == 0 ? "-" : format("%.1f ms", milliseconds(us));
}

std::string table_line(const Probed_Relay &probed) {
    const Probe_Result &result = probed.result;
    const bool was_used = result.sent != 0;
    const std::string name = to_string(probed.target.relay);
    const std::string endpoint = has_endpoint(probed.target) ? endpoint_text(probed.target) : name;
    std::string line =
        format("%-8s %10s %10s %10s %7s %9s  %s  %s", to_string(result.status), time_cell(result.connect).c_str(),
               time_cell(result.median).c_str(), time_cell(result.worst).c_str(),
               was_used ? format("%.1f %%", 100 * probe_loss(result)).c_str() : "-",
               was_used ? format("%.1f/s", probe_rate(result)).c_str() : "-", family_name(probed.target), name.c_str());
    line += (endpoint == name ? "" : " at " + endpoint) + '\n';
    if (!result.why.empty()) {
        line += "         " + printable(result.why) + '\n';
    }
    return line;
}

// ---- JSON ------------------------------------------------------------------------------------------------------

/// A time in milliseconds; null for 0, which stands for never.
Json time_json(std::uint64_t us) {
    return us == 0 ? Json{} : Json(milliseconds(us));
}

Json stream_json(const Probe_Stream &stream) {
    return {{"sent", stream.packets.size()},
            {"received", stream.received},
            {"twice", stream.duplicates},
            {"damaged", stream.damaged},
            {"refused", stream.refused}};
}

/// The sum of the rounds in a span of time; null if there were none.
Json span_json(const Probe_Hour &span) {
    return span.rounds == 0 ? Json{}
                            : Json{{"probes", span.rounds},
                                   {"good", span.good},
                                   {"round_trip_median_ms", time_json(span.median)},
                                   {"round_trip_worst_ms", time_json(span.worst)}};
}

Json relay_json(const Probed_Relay &probed, std::int64_t time) {
    const Probe_Result &result = probed.result;
    const Relay_Address &target = probed.target;
    Json json{{"relay", to_string(target.relay)},
              {"address", has_endpoint(target) ? Json(endpoint_text(target)) : Json{}},
              {"family", family_name(target)},
              {"public_key", to_string(target.relay.key)},
              {"maintainer", target.relay.maintainer},
              {"location", target.relay.location},
              {"status", to_string(result.status)},
              {"why", result.why},
              {"resolve_ms", milliseconds(target.lookup_us)},
              {"connect_ms", time_json(result.connect)},
              {"handshake_ms", time_json(result.handshake)},
              {"routing_ms", time_json(result.routing)},
              {"round_trip_median_ms", time_json(result.median)},
              {"round_trip_worst_ms", time_json(result.worst)},
              {"sent", result.sent},
              {"received", result.received},
              {"loss", result.sent == 0 ? Json{} : Json(probe_loss(result))},
              {"packets_per_second", result.sent == 0 ? Json{} : Json(probe_rate(result))}};
    const std::array<const char *, PROBE_STREAMS> names{"data_a_to_b", "data_b_to_a", "oob_a_to_b", "oob_b_to_a"};
    for (std::size_t i = 0; i < PROBE_STREAMS; ++i) {
        json["streams"][names[i]] = stream_json(result.streams[i]);
    }
    json["last_day"] = span_json(sum_hours(probed.history, time, DAY_S));
    json["last_week"] = span_json(sum_hours(probed.history, time, WEEK_S));
    return json;
}

// ---- Prometheus ------------------------------------------------------------------------------------------------

std::string escape_label(const std::string &text) {
    std::string escaped;
    for (const char c : text) {
        switch (c) {
        case '\\':
            escaped += "\\\\";
            break;
        case '"':
            escaped += "\\\"";
            break;
        case '\n':
            escaped += "\\n";
            break;
        default:
            escaped += c;
        }
    }
    return escaped;
}

std::string labels(const Probed_Relay &probed, const std::string &more = {}) {
    const Relay_Address &target = probed.target;
    return "{relay=\"" + escape_label(to_string(target.relay)) + "\",address=\"" +
           (has_endpoint(target) ? escape_label(endpoint_text(target)) : "none") + "\",family=\"" +
           family_name(target) + "\",public_key=\"" + to_string(target.relay.key) + '"' + more + '}';
}

struct Metric {
    const char *name;
    const char *help;
    /// The value; a negative number if there is none.
    double (*value)(const Probe_Result &result);
};

double in_seconds(std::uint64_t us) {
    return us == 0 ? -1 : seconds(us);
}

constexpr std::array METRICS{
    Metric{"toxtcp_probe_up", "1 when the relay is good, 0 when it is not.",
           [](const Probe_Result &r) {
               return r.status == Probe_Status::skipped ? -1.0 : r.status == Probe_Status::good;
           }},
    Metric{"toxtcp_probe_connect_seconds", "Time until the TCP connection was there.",
           [](const Probe_Result &r) { return in_seconds(r.connect); }},
    Metric{"toxtcp_probe_handshake_seconds", "Time from then until the handshake was done.",
           [](const Probe_Result &r) { return in_seconds(r.handshake); }},
    Metric{"toxtcp_probe_routing_seconds", "Time from then until the relay had brought two peers together.",
           [](const Probe_Result &r) { return in_seconds(r.routing); }},
    Metric{"toxtcp_probe_round_trip_median_seconds", "Median time of a packet through the relay and back.",
           [](const Probe_Result &r) { return in_seconds(r.median); }},
    Metric{"toxtcp_probe_round_trip_worst_seconds", "Longest time of a packet through the relay and back.",
           [](const Probe_Result &r) { return in_seconds(r.worst); }},
    Metric{"toxtcp_probe_packets_sent", "Packets sent through the relay in the last probe.",
           [](const Probe_Result &r) { return static_cast<double>(r.sent); }},
    Metric{"toxtcp_probe_packets_received", "Packets of these that came.",
           [](const Probe_Result &r) { return static_cast<double>(r.received); }},
    Metric{"toxtcp_probe_loss_ratio", "Part of the packets that did not come, 0 to 1.",
           [](const Probe_Result &r) { return r.sent == 0 ? -1.0 : probe_loss(r); }},
    Metric{"toxtcp_probe_packets_per_second", "Packets delivered per second.",
           [](const Probe_Result &r) { return r.sent == 0 ? -1.0 : probe_rate(r); }},
};

void add_head(std::string &text, const char *name, const char *help) {
    text += format("# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

void add_metric(std::string &text, const Probe_Report &report, const Metric &metric) {
    add_head(text, metric.name, metric.help);
    for (const Probed_Relay &probed : report.relays) {
        const double value = metric.value(probed.result);
        if (value >= 0) {
            text += metric.name + labels(probed) + format(" %.9g\n", value);
        }
    }
}

void add_status(std::string &text, const Probe_Report &report) {
    add_head(text, "toxtcp_probe_status", "1 for the status that the relay has, 0 for those that it has not.");
    for (const Probed_Relay &probed : report.relays) {
        for (const Probe_Status status : PROBE_STATUSES) {
            text += "toxtcp_probe_status" + labels(probed, std::string{",status=\""} + to_string(status) + '"') +
                    (probed.result.status == status ? " 1\n" : " 0\n");
        }
    }
}

} // namespace

std::string probe_table(const Probe_Report &report) {
    std::string text = format("%-8s %10s %10s %10s %7s %9s  %-4s  %s\n", "STATUS", "CONNECT", "MEDIAN", "WORST", "LOSS",
                              "RATE", "", "RELAY");
    for (const Probed_Relay &probed : report.relays) {
        text += table_line(probed);
    }
    return text + '\n' + probe_summary(report) +
           format(" (%.1f s, at most %u packets/s each)\n", report.took, report.rate);
}

std::string probe_json(const Probe_Report &report, bool one_line) {
    Json json{{"time", report.time}, {"seconds", report.took}, {"rate", report.rate}, {"relays", Json::array()}};
    json["all_well"] = all_well(report);
    for (const Probed_Relay &probed : report.relays) {
        json["relays"].push_back(relay_json(probed, report.time));
    }
    // Text from a node list need not be valid UTF-8.
    return json.dump(one_line ? -1 : 2, ' ', false, Json::error_handler_t::replace) + '\n';
}

std::string probe_metrics(const Probe_Report &report) {
    std::string text;
    for (const Metric &metric : METRICS) {
        add_metric(text, report, metric);
    }
    add_status(text, report);
    add_head(text, "toxtcp_probe_last_run_timestamp_seconds", "When the last probe ended.");
    text += format("toxtcp_probe_last_run_timestamp_seconds %lld\n", static_cast<long long>(report.time));
    add_head(text, "toxtcp_probe_last_run_duration_seconds", "How long it took.");
    text += format("toxtcp_probe_last_run_duration_seconds %.3f\n", report.took);
    return text;
}

} // namespace toxtcp
