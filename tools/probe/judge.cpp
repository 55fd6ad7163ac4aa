// Judges a relay by what its probe has seen.
#include <algorithm>
#include <tuple>

#include "tools/probe/probe.h"
#include "tools/shared/clock.h"
#include "tools/shared/diagnosis.h"
#include "tools/shared/text.h"

namespace toxtcp {

namespace {

std::string for_reason(Reason reason) {
    return reason == Reason::none ? std::string{} : std::string{": "} + to_string(reason);
}

std::string after(std::uint64_t us) {
    return format("%.0f s", seconds(us));
}

/// The longer of the two times, us; 0 if one of them is 0, which stands for never.
std::uint64_t slower(std::uint64_t a, std::uint64_t b) {
    return a == 0 || b == 0 ? 0 : std::max(a, b);
}

std::uint64_t span(std::uint64_t from, std::uint64_t to) {
    return from == 0 || to == 0 ? 0 : std::max<std::uint64_t>(to - std::min(from, to), 1);
}

void sum_up(Probe_Result &result) {
    std::vector<std::uint64_t> round_trips;
    result.sent = 0;
    for (const Probe_Stream &stream : result.streams) {
        result.sent += stream.packets.size();
        for (const Probe_Packet &packet : stream.packets) {
            if (packet.round_trip != 0) {
                round_trips.push_back(packet.round_trip);
            }
        }
    }
    result.received = round_trips.size();
    if (!round_trips.empty()) {
        const auto middle = round_trips.begin() + static_cast<std::ptrdiff_t>(round_trips.size() / 2);
        std::nth_element(round_trips.begin(), middle, round_trips.end());
        result.median = *middle;
        result.worst = *std::max_element(middle, round_trips.end());
    }
}

void time_stages(Probe &probe) {
    const Probe_Peer &a = probe.peers[0];
    const Probe_Peer &b = probe.peers[1];
    Probe_Result &result = probe.result;
    result.connect =
        slower(span(a.watched.connecting, a.watched.connected), span(b.watched.connecting, b.watched.connected));
    result.handshake = slower(span(a.watched.connected, a.up), span(b.watched.connected, b.up));
    // A peer can be online only after both have requested each other, which they do once they are up.
    const std::uint64_t both_up = slower(a.up, b.up);
    result.routing = slower(span(both_up, a.online), span(both_up, b.online));
}

/// The peer that got less far: peer 0 if its time is 0 (never), else peer 1.
const Probe_Peer &laggard(const Probe &probe, std::uint64_t (*time)(const Probe_Peer &)) {
    return time(probe.peers[0]) == 0 ? probe.peers[0] : probe.peers[1];
}

void say(Probe_Result &result, Probe_Status status, const std::string &why) {
    result.status = status;
    result.why = why;
}

/// Whether the proxy's answer says that the proxy tried to reach the relay and failed.
bool is_of_relay(Proxy_Type proxy, std::uint16_t status) {
    return proxy == Proxy_Type::http ? status == 404 || (status >= 500 && status <= 504)
                                     : (status >= 4 && status <= 6) || status >= 0xF0;
}

/// If there was trouble with the proxy, sets the result and returns true: `dead` if the proxy could not reach the
/// relay, else `skipped`, since then nothing is known of the relay.
bool judge_proxy(Probe &probe, const Probe_Peer &peer, Reason reason) {
    const bool is = is_of_proxy(diagnose(peer.watched, reason));
    if (is) {
        const bool is_dead = reason == Reason::proxy_refused && is_of_relay(probe.proxy.type, peer.proxy_status);
        say(probe.result, is_dead ? Probe_Status::dead : Probe_Status::skipped,
            diagnosis(peer.watched, reason, peer.proxy_status));
        probe.result.not_probed = !is_dead;
    }
    return is;
}

void judge_connecting(Probe &probe) {
    Probe_Result &result = probe.result;
    const auto reason_of = [](const Probe_Peer &peer) {
        return peer.reason != Reason::none ? peer.reason : Reason::connect_timeout;
    };
    if (probe.peers[0].watched.connected == 0 || probe.peers[1].watched.connected == 0) {
        // A peer whose connection failed tells more than a peer that still waits.
        const auto failed = std::find_if(probe.peers.begin(), probe.peers.end(), [](const Probe_Peer &peer) {
            return peer.watched.connected == 0 && peer.watched.error != 0;
        });
        const Probe_Peer &peer = failed != probe.peers.end()
                                     ? *failed
                                     : laggard(probe, [](const Probe_Peer &p) { return p.watched.connected; });
        if (!judge_proxy(probe, peer, reason_of(peer))) {
            probe.trouble = diagnose(peer.watched, reason_of(peer));
            say(result,
                probe.trouble == Trouble::closes     ? Probe_Status::refusing
                : probe.trouble == Trouble::no_route ? Probe_Status::skipped // for example, a multicast address
                                                     : Probe_Status::dead,
                diagnosis(peer.watched, reason_of(peer), peer.proxy_status));
        }
        return;
    }
    // If the relay has ended one peer's connection while the other still waits, the ended one has the reason.
    const auto ended =
        std::find_if(probe.peers.begin(), probe.peers.end(), [](const Probe_Peer &p) { return p.ended; });
    const Probe_Peer &peer =
        ended != probe.peers.end() ? *ended : laggard(probe, [](const Probe_Peer &p) { return p.up; });
    const Reason reason = reason_of(peer);
    if (judge_proxy(probe, peer, reason)) {
        return;
    }
    probe.trouble = diagnose(peer.watched, reason);
    const bool is_hung = reason == Reason::connect_timeout && peer.watched.first_size == 0;
    say(result, is_hung ? Probe_Status::hung : Probe_Status::refusing,
        diagnosis(peer.watched, reason, peer.proxy_status));
}

void judge_routing(Probe &probe) {
    const Probe_Peer &peer = laggard(probe, [](const Probe_Peer &p) { return p.online; });
    const bool answered = peer.watched.opened[static_cast<std::size_t>(Packet_Type::routing_response)] != 0;
    const std::string waited = after(probe.patience);
    if (probe.peers[0].ended || probe.peers[1].ended) {
        const Probe_Peer &ended = probe.peers[0].ended ? probe.peers[0] : probe.peers[1];
        say(probe.result, ended.reason == Reason::ping_timeout ? Probe_Status::hung : Probe_Status::refusing,
            "ends the connection when asked for routing" + for_reason(ended.reason));
    } else if (answered) {
        say(probe.result, Probe_Status::refusing, "never says that the other is online, within " + waited);
    } else {
        say(probe.result, Probe_Status::hung, "shakes hands, and no answer to a routing request within " + waited);
    }
}

/// Whether the relay has been silent since a peer last sent data, although the library then pings the relay.
bool is_silent(const Probe &probe) {
    return std::any_of(probe.peers.begin(), probe.peers.end(), [](const Probe_Peer &peer) {
        return peer.watched.heard < peer.sent || (peer.ended && peer.reason == Reason::ping_timeout);
    });
}

std::string losses(const Probe_Result &result) {
    std::string text;
    for (std::size_t i = 0; i < PROBE_STREAMS; ++i) {
        const Probe_Stream &stream = result.streams[i];
        const std::uint64_t lost = stream.packets.size() - stream.received;
        if (lost != 0) {
            text += text.empty() ? "" : ", ";
            text += format("%s %llu of %zu", PROBE_STREAM_NAMES[i], Count{lost}, stream.packets.size());
        }
    }
    return text;
}

bool delivers_no_data(const Probe_Stream &stream) {
    return !stream.packets.empty() && stream.received == 0;
}

void judge_carrying(Probe &probe) {
    Probe_Result &result = probe.result;
    const auto damaged = [](const Probe_Stream &stream) { return stream.damaged != 0; };
    const std::string lost = "loses " + losses(result);
    if (result.received < result.sent && is_silent(probe)) {
        say(result, Probe_Status::hung,
            result.received == 0 ? "says online, and nothing more" : "stopped answering while in use; " + lost);
    } else if (probe.peers[0].ended || probe.peers[1].ended) {
        const Probe_Peer &ended = probe.peers[0].ended ? probe.peers[0] : probe.peers[1];
        say(result, Probe_Status::dropping, "ends the connection while in use" + for_reason(ended.reason));
    } else if (delivers_no_data(result.streams[0]) || delivers_no_data(result.streams[1])) {
        const bool both_ways = delivers_no_data(result.streams[0]) && delivers_no_data(result.streams[1]);
        say(result, Probe_Status::lying,
            std::string{"says online, and delivers no data"} + (both_ways ? "" : " one way") + "; " + lost);
    } else if (std::any_of(result.streams.begin(), result.streams.end(), damaged)) {
        say(result, Probe_Status::lying, "delivers packets that were never sent");
    } else if (result.sent == 0) {
        say(result, Probe_Status::refusing, "says online, and takes no packets");
    } else if (probe_loss(result) > PROBE_LOSS_ALLOWED) {
        say(result, Probe_Status::dropping, lost);
    } else {
        say(result, Probe_Status::good, "");
    }
}

} // namespace

double probe_loss(const Probe_Result &result) {
    return result.sent == 0 ? 0 : static_cast<double>(result.sent - result.received) / static_cast<double>(result.sent);
}

double probe_rate(const Probe_Result &result) {
    return result.carried == 0 ? 0 : static_cast<double>(result.received) / seconds(result.carried);
}

void probe_judge(Probe &probe) {
    Probe_Result &result = probe.result;
    sum_up(result);
    time_stages(probe);
    if (!has_place(probe.target)) {
        result.not_probed = probe.target.is_our_fault;
        say(result, result.not_probed ? Probe_Status::skipped : Probe_Status::dead, probe.target.error);
    } else if (!probe.target.reachable) {
        say(result, Probe_Status::skipped, sentence(Trouble::no_route));
    } else if (!probe.cannot.empty()) {
        say(result, Probe_Status::skipped, probe.cannot);
        result.not_probed = true;
    } else if (result.handshake == 0) {
        judge_connecting(probe);
    } else if (result.routing == 0) {
        judge_routing(probe);
    } else {
        judge_carrying(probe);
    }
}

void probe_judge_query(Probe &probe) {
    const Trouble found = server_query_result(probe.query, probe.trouble);
    if (found != probe.trouble) {
        say(probe.result, Probe_Status::refusing, sentence(found));
    }
}

void sort_by_quality(std::vector<Probed_Relay> &relays) {
    const auto rank = [](const Probed_Relay &probed) {
        const Probe_Result &result = probed.result;
        return std::tuple{result.status,
                          probe_loss(result),
                          result.median,
                          result.worst,
                          to_string(probed.target.relay),
                          probed.target.address.family};
    };
    std::stable_sort(relays.begin(), relays.end(),
                     [&rank](const Probed_Relay &a, const Probed_Relay &b) { return rank(a) < rank(b); });
}

const char *family_name(const Relay_Address &target) {
    const Family family = target.address.family != Family::none ? target.address.family : target.relay.only;
    return family == Family::ipv4 ? "IPv4" : family == Family::ipv6 ? "IPv6" : "-";
}

bool has_changed(const Probed_Relay &probed) {
    const Probe_Status now = probed.result.status;
    return now != Probe_Status::skipped && probed.status_before != Probe_Status::skipped && now != probed.status_before;
}

bool all_well(const Probe_Report &report) {
    const auto well = [](const Probed_Relay &probed) {
        return probed.result.status == Probe_Status::good ||
               (probed.result.status == Probe_Status::skipped && !probed.result.not_probed);
    };
    const auto good = [](const Probed_Relay &probed) { return probed.result.status == Probe_Status::good; };
    return std::all_of(report.relays.begin(), report.relays.end(), well) &&
           std::any_of(report.relays.begin(), report.relays.end(), good);
}

std::string probe_summary(const Probe_Report &report) {
    std::string text = std::to_string(report.relays.size()) + (report.relays.size() == 1 ? " relay" : " relays");
    const char *separator = ": ";
    for (const Probe_Status status : PROBE_STATUSES) {
        const auto count =
            std::count_if(report.relays.begin(), report.relays.end(),
                          [status](const Probed_Relay &probed) { return probed.result.status == status; });
        if (count != 0) {
            text += separator + std::to_string(count) + ' ' + to_string(status);
            separator = ", ";
        }
    }
    return text;
}

} // namespace toxtcp
