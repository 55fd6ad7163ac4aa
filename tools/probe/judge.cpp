// Finds a relay's status and the reason for it, from the record of its probe.
#include <algorithm>
#include <tuple>

#include "tools/probe/probe.h"
#include "tools/shared/clock.h"
#include "tools/shared/diagnosis.h"
#include "tools/shared/text.h"

namespace toxtcp {

namespace {

std::string reason_text(Reason reason) {
    return reason == Reason::none ? std::string{} : std::string{": "} + to_string(reason);
}

std::string seconds_text(std::uint64_t us) {
    return format("%.0f s", seconds(us));
}

/// The longer of the two times, us; 0 if one of them is 0, which stands for never.
std::uint64_t longer_time(std::uint64_t a, std::uint64_t b) {
    return a == 0 || b == 0 ? 0 : std::max(a, b);
}

std::uint64_t time_between(std::uint64_t from, std::uint64_t to) {
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
    result.connect = longer_time(time_between(a.watched.connecting_since, a.watched.connected_at),
                                 time_between(b.watched.connecting_since, b.watched.connected_at));
    result.handshake =
        longer_time(time_between(a.watched.connected_at, a.up_at), time_between(b.watched.connected_at, b.up_at));
    // A peer can be online only after both have requested each other, which they do once they are up.
    const std::uint64_t both_up = longer_time(a.up_at, b.up_at);
    result.routing = longer_time(time_between(both_up, a.online_at), time_between(both_up, b.online_at));
}

/// A peer that has not reached this stage: peer 0 if its time of the stage is 0 (never), else peer 1.
const Probe_Peer &peer_behind(const Probe &probe, std::uint64_t (*time)(const Probe_Peer &)) {
    return time(probe.peers[0]) == 0 ? probe.peers[0] : probe.peers[1];
}

void set_status(Probe_Result &result, Probe_Status status, const std::string &why) {
    result.status = status;
    result.why = why;
}

/// Whether the proxy's answer says that the proxy tried to connect to the relay and failed.
bool proxy_could_not_reach_relay(Proxy_Type proxy, std::uint16_t status) {
    return proxy == Proxy_Type::http ? status == 404 || (status >= 500 && status <= 504)
                                     : (status >= 4 && status <= 6) || status >= 0xF0;
}

/// If the proxy failed, sets the result and returns true. The status is `dead` if the proxy could not reach the relay,
/// else `skipped`: then nothing is known of the relay.
bool judge_proxy(Probe &probe, const Probe_Peer &peer, Reason reason) {
    const bool proxy_failed = is_proxy_trouble(diagnose(peer.watched, reason));
    if (proxy_failed) {
        const bool is_dead =
            reason == Reason::proxy_refused && proxy_could_not_reach_relay(probe.proxy.type, peer.proxy_status);
        set_status(probe.result, is_dead ? Probe_Status::dead : Probe_Status::skipped,
                   diagnosis_text(peer.watched, reason, peer.proxy_status));
        probe.result.not_probed = !is_dead;
    }
    return proxy_failed;
}

void judge_connecting(Probe &probe) {
    Probe_Result &result = probe.result;
    const auto reason_of = [](const Probe_Peer &peer) {
        return peer.reason != Reason::none ? peer.reason : Reason::connect_timeout;
    };
    if (probe.peers[0].watched.connected_at == 0 || probe.peers[1].watched.connected_at == 0) {
        // Prefer a peer whose connection failed to a peer that still waits: the failure has a cause.
        const auto failed = std::find_if(probe.peers.begin(), probe.peers.end(), [](const Probe_Peer &peer) {
            return peer.watched.connected_at == 0 && peer.watched.error != 0;
        });
        const Probe_Peer &peer = failed != probe.peers.end()
                                     ? *failed
                                     : peer_behind(probe, [](const Probe_Peer &p) { return p.watched.connected_at; });
        if (!judge_proxy(probe, peer, reason_of(peer))) {
            probe.trouble = diagnose(peer.watched, reason_of(peer));
            set_status(result,
                       probe.trouble == Trouble::closed     ? Probe_Status::refusing
                       : probe.trouble == Trouble::no_route ? Probe_Status::skipped // for example, a multicast address
                                                            : Probe_Status::dead,
                       diagnosis_text(peer.watched, reason_of(peer), peer.proxy_status));
        }
        return;
    }
    // If the relay has ended one peer's connection while the other peer still waits, the ended connection has the
    // reason.
    const auto ended =
        std::find_if(probe.peers.begin(), probe.peers.end(), [](const Probe_Peer &p) { return p.ended; });
    const Probe_Peer &peer =
        ended != probe.peers.end() ? *ended : peer_behind(probe, [](const Probe_Peer &p) { return p.up_at; });
    const Reason reason = reason_of(peer);
    if (judge_proxy(probe, peer, reason)) {
        return;
    }
    probe.trouble = diagnose(peer.watched, reason);
    const bool is_hung = reason == Reason::connect_timeout && peer.watched.first_size == 0;
    set_status(result, is_hung ? Probe_Status::hung : Probe_Status::refusing,
               diagnosis_text(peer.watched, reason, peer.proxy_status));
}

void judge_routing(Probe &probe) {
    const Probe_Peer &peer = peer_behind(probe, [](const Probe_Peer &p) { return p.online_at; });
    const bool answered = peer.watched.opened[static_cast<std::size_t>(Packet_Type::routing_response)] != 0;
    const std::string waited = seconds_text(probe.timeout);
    if (probe.peers[0].ended || probe.peers[1].ended) {
        const Probe_Peer &ended = probe.peers[0].ended ? probe.peers[0] : probe.peers[1];
        set_status(probe.result, ended.reason == Reason::ping_timeout ? Probe_Status::hung : Probe_Status::refusing,
                   "ends the connection when asked for routing" + reason_text(ended.reason));
    } else if (answered) {
        set_status(probe.result, Probe_Status::refusing, "never says that the other is online, within " + waited);
    } else {
        set_status(probe.result, Probe_Status::hung,
                   "shakes hands, and no answer to a routing request within " + waited);
    }
}

/// Whether the relay has sent nothing since a peer last sent data. The library pings the relay then, so it should
/// answer.
bool fell_silent(const Probe &probe) {
    return std::any_of(probe.peers.begin(), probe.peers.end(), [](const Probe_Peer &peer) {
        return peer.watched.heard_at < peer.data_sent_at || (peer.ended && peer.reason == Reason::ping_timeout);
    });
}

std::string losses_text(const Probe_Result &result) {
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

bool delivers_nothing(const Probe_Stream &stream) {
    return !stream.packets.empty() && stream.received == 0;
}

void judge_delivery(Probe &probe) {
    Probe_Result &result = probe.result;
    const auto damaged = [](const Probe_Stream &stream) { return stream.damaged != 0; };
    const std::string lost_text = "loses " + losses_text(result);
    if (result.received < result.sent && fell_silent(probe)) {
        set_status(result, Probe_Status::hung,
                   result.received == 0 ? "says online, and nothing more"
                                        : "stopped answering while in use; " + lost_text);
    } else if (probe.peers[0].ended || probe.peers[1].ended) {
        const Probe_Peer &ended = probe.peers[0].ended ? probe.peers[0] : probe.peers[1];
        set_status(result, Probe_Status::dropping, "ends the connection while in use" + reason_text(ended.reason));
    } else if (delivers_nothing(result.streams[0]) || delivers_nothing(result.streams[1])) {
        const bool both_ways = delivers_nothing(result.streams[0]) && delivers_nothing(result.streams[1]);
        set_status(result, Probe_Status::lying,
                   std::string{"says online, and delivers no data"} + (both_ways ? "" : " one way") + "; " + lost_text);
    } else if (std::any_of(result.streams.begin(), result.streams.end(), damaged)) {
        set_status(result, Probe_Status::lying, "delivers packets that were never sent");
    } else if (result.sent == 0) {
        set_status(result, Probe_Status::refusing, "says online, and takes no packets");
    } else if (probe_loss(result) > PROBE_LOSS_ALLOWED) {
        set_status(result, Probe_Status::dropping, lost_text);
    } else {
        set_status(result, Probe_Status::good, "");
    }
}

} // namespace

double probe_loss(const Probe_Result &result) {
    return result.sent == 0 ? 0 : static_cast<double>(result.sent - result.received) / static_cast<double>(result.sent);
}

double probe_rate(const Probe_Result &result) {
    return result.sending_time == 0 ? 0 : static_cast<double>(result.received) / seconds(result.sending_time);
}

void probe_judge(Probe &probe) {
    Probe_Result &result = probe.result;
    sum_up(result);
    time_stages(probe);
    if (!has_endpoint(probe.target)) {
        result.not_probed = probe.target.is_local_fault;
        set_status(result, result.not_probed ? Probe_Status::skipped : Probe_Status::dead, probe.target.error);
    } else if (!probe.target.reachable) {
        set_status(result, Probe_Status::skipped, sentence(Trouble::no_route));
    } else if (!probe.local_failure.empty()) {
        set_status(result, Probe_Status::skipped, probe.local_failure);
        result.not_probed = true;
    } else if (result.handshake == 0) {
        judge_connecting(probe);
    } else if (result.routing == 0) {
        judge_routing(probe);
    } else {
        judge_delivery(probe);
    }
}

void probe_judge_query(Probe &probe) {
    const Trouble found = server_query_result(probe.query, probe.trouble);
    if (found != probe.trouble) {
        set_status(probe.result, Probe_Status::refusing, sentence(found));
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
    const Family family = target.address.family != Family::none ? target.address.family : target.relay.family;
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
