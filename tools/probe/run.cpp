// Runs one probe, from the first connection to the last packet.
#include <algorithm>
#include <cstring>

#include "tools/probe/probe.h"
#include "tools/shared/clock.h"
#include "tools/shared/diagnosis.h"

namespace toxtcp {

namespace {

/// If the probe is late by more than this, the program did not run for a while. The probe then skips the packets that
/// it has not sent.
constexpr std::uint64_t CATCH_UP_US = SECOND_US / 2;

using Payload = std::array<std::uint8_t, PROBE_PACKET_SIZE>;

struct Payload_Head {
    std::uint64_t salt;
    std::uint64_t stream;
    std::uint64_t number;
};

/// A packet's content. Every byte depends on the salt, the stream or the number, so that a changed or invented packet
/// is noticed.
Payload make_payload(std::uint64_t salt, std::size_t stream, std::uint64_t number) {
    Payload payload{};
    const Payload_Head head{salt, stream, number};
    std::memcpy(payload.data(), &head, sizeof head);
    std::uint64_t word = salt ^ number;
    for (std::size_t i = sizeof head; i < payload.size(); ++i) {
        word = word * 6'364'136'223'846'793'005U + 1'442'695'040'888'963'407U;
        payload[i] = static_cast<std::uint8_t>(word >> 56);
    }
    return payload;
}

void take_packet(Probe &probe, std::size_t receiver, Bytes packet) {
    const std::uint64_t now = now_us();
    Payload_Head head{};
    std::memcpy(&head, packet.data(), std::min(packet.size(), sizeof head));
    const bool ours = packet.size() == PROBE_PACKET_SIZE && head.stream < PROBE_STREAMS &&
                      sender_of(head.stream) != receiver &&
                      head.number < probe.result.streams[head.stream].packets.size();
    const Payload expected = ours ? make_payload(probe.salt, head.stream, head.number) : Payload{};
    if (!ours || !std::equal(packet.begin(), packet.end(), expected.begin())) {
        ++probe.result.streams[sender_of(receiver + 1)].damaged;
        return;
    }
    Probe_Stream &stream = probe.result.streams[head.stream];
    Probe_Packet &sent = stream.packets[head.number];
    if (sent.round_trip != 0) {
        ++stream.twice;
        return;
    }
    const std::uint64_t took = std::max<std::uint64_t>(now - probe.began - sent.sent, 1);
    if (took <= PROBE_LATE_US) {
        sent.round_trip = took;
        ++stream.received;
    }
}

bool take_data(void *object, int, Bytes packet, void *) {
    Probe_Peer &peer = *static_cast<Probe_Peer *>(object);
    take_packet(*peer.probe, peer.index, packet);
    return false;
}

void note_change(void *object, const Change &change, void *) {
    Probe_Peer &peer = *static_cast<Probe_Peer *>(object);
    switch (change.kind) {
    case Change_Kind::relay_up:
        peer.up = now_us();
        break;
    case Change_Kind::relay_down:
    case Change_Kind::relay_gone:
        peer.ended = true;
        peer.reason = change.reason;
        if (Relay_Info info; tcp_relay_info(peer.tcp, change.relay, info)) {
            peer.proxy_status = info.proxy_status;
        }
        break;
    case Change_Kind::route_online:
        peer.online = now_us();
        break;
    default:
        break;
    }
}

bool make_peer(Probe &probe, std::size_t index) {
    Probe_Peer &peer = probe.peers[index];
    peer.probe = &probe;
    peer.index = index;
    Tcp_Connections_Def def;
    new_key_pair(peer.public_key, def.secret_key);
    if (!watched_host_open(peer.watched, probe.proxy.type, peer.public_key)) {
        return false;
    }
    def.host = &peer.watched.host;
    def.callbacks.object = &peer;
    def.callbacks.data = take_data;
    def.callbacks.change = note_change;
    def.proves_packets = false; // there is no other relay to move to
    def.proxy = probe.proxy;
    peer.tcp = new_tcp_connections(def);
    return peer.tcp != nullptr;
}

/// Adds the relay and the connection to the other peer. False, with `cannot`, when this machine is not able to.
bool connect_peer(Probe_Peer &peer, const Probe_Peer &other) {
    Probe &probe = *peer.probe;
    const Relay_Address &target = probe.target;
    peer.connection = new_tcp_connection_to(peer.tcp, other.public_key, 0);
    const Error error =
        peer.connection < 0 ? static_cast<Error>(peer.connection) : add_relay(peer.tcp, peer.connection, target);
    if (error != Error::ok) {
        probe.cannot = std::string{"the library does not take it: "} + to_string(error);
        return false;
    }
    if (trouble_of_error(peer.watched.error) == Trouble::no_descriptors) {
        probe.cannot = sentence(Trouble::no_descriptors);
        return false;
    }
    if (peer.watched.error != 0) { // a retry of the library would not change the result
        peer.ended = true;
        peer.reason = Reason::connect_failed;
    }
    peer.relay = tcp_relay(peer.tcp, target.relay.key);
    return true;
}

bool both(const Probe &probe, std::uint64_t Probe_Peer::*time) {
    return probe.peers[0].*time != 0 && probe.peers[1].*time != 0;
}

bool one_has_ended(const Probe &probe) {
    return probe.peers[0].ended || probe.peers[1].ended;
}

void send_packet(Probe &probe, std::uint64_t now) {
    const std::size_t which = probe.next_stream;
    probe.next_stream = (which + 1) % PROBE_STREAMS;
    Probe_Peer &sender = probe.peers[sender_of(which)];
    const Probe_Peer &receiver = probe.peers[1 - sender_of(which)];
    Probe_Stream &stream = probe.result.streams[which];

    // Recorded before the call, since the packet may arrive at once.
    stream.packets.push_back({now - probe.began, 0});
    const Payload payload = make_payload(probe.salt, which, stream.packets.size() - 1);
    Error error = Error::not_online;
    if (is_oob(which)) {
        error = tcp_send_oob_packet(sender.tcp, sender.relay, receiver.public_key, payload);
    } else if (tcp_connection_to_online_tcp_relays(sender.tcp, sender.connection) != 0) { // offline, it would go as OOB
        error = send_packet_tcp_connection(sender.tcp, sender.connection, payload);
    }
    if (error != Error::ok) {
        stream.packets.pop_back();
        ++stream.refused;
        return;
    }
    probe.last_sent = now;
    sender.sent = is_oob(which) ? sender.sent : now;
}

void send_due(Probe &probe, std::uint64_t now) {
    if (now > probe.next_packet + CATCH_UP_US) {
        probe.next_packet = now;
    }
    const std::uint64_t end = std::min(now, probe.stage_ends - 1);
    for (; probe.next_packet <= end; probe.next_packet += SECOND_US / probe.rate) {
        send_packet(probe, now);
    }
}

bool all_has_come(const Probe &probe) {
    return std::all_of(probe.result.streams.begin(), probe.result.streams.end(),
                       [](const Probe_Stream &stream) { return stream.received == stream.packets.size(); });
}

void enter_stage(Probe &probe, Probe_Stage stage, std::uint64_t ends) {
    probe.stage = stage;
    probe.stage_ends = ends;
}

void finish(Probe &probe, std::uint64_t now) {
    if (probe.began != 0) {
        // The last packet counts with the time until the next one was due.
        const std::uint64_t last = std::max(probe.last_sent, probe.began) + SECOND_US / probe.rate;
        probe.result.carried = std::min(std::min(now, last) - probe.began, probe.duration);
    }
    probe_judge(probe);
    probe_end(probe);
    if (query_may_help(probe.trouble) && server_query_open(probe.query, probe.target, probe.proxy)) {
        enter_stage(probe, Probe_Stage::identifying, now + HOLD_US + probe.patience);
    } else {
        probe.stage = Probe_Stage::done;
    }
}

void identify(Probe &probe, std::uint64_t now) {
    if (server_query_turn(probe.query, now) || now >= probe.stage_ends) {
        probe_judge_query(probe);
        probe.stage = Probe_Stage::done;
        probe_end(probe);
    }
}

/// When the time is over: which peers the proxy has kept waiting.
void note_proxies(Probe &probe) {
    for (Probe_Peer &peer : probe.peers) {
        if (Relay_Info info; !peer.ended && tcp_relay_info(peer.tcp, peer.relay, info) && info.at_proxy) {
            peer.reason = Reason::proxy_timeout;
        }
    }
}

void advance(Probe &probe, std::uint64_t now) {
    if (probe.stage == Probe_Stage::connecting && both(probe, &Probe_Peer::up)) {
        enter_stage(probe, Probe_Stage::routing, now + probe.patience);
    }
    if (probe.stage == Probe_Stage::routing && both(probe, &Probe_Peer::online)) {
        probe.began = now;
        probe.next_packet = now;
        enter_stage(probe, Probe_Stage::carrying, now + probe.duration);
    }
    if (probe.stage == Probe_Stage::carrying) {
        send_due(probe, now);
        if (now >= probe.stage_ends) {
            enter_stage(probe, Probe_Stage::settling, probe.last_sent + PROBE_LATE_US);
        }
    }
    const bool all_here = probe.stage == Probe_Stage::settling && all_has_come(probe);
    const bool too_late = probe.stage != Probe_Stage::carrying && now >= probe.stage_ends;
    if (too_late) {
        note_proxies(probe);
    }
    if (one_has_ended(probe) || all_here || too_late) {
        finish(probe, now);
    }
}

} // namespace

void probe_begin(Probe &probe, std::uint64_t now) {
    if (!has_place(probe.target) || !probe.target.reachable) {
        probe_judge(probe);
        probe.stage = Probe_Stage::done;
        return;
    }
    const Random random = system_random();
    std::array<std::uint8_t, sizeof probe.salt> salt;
    random.fill(random.object, salt);
    std::memcpy(&probe.salt, salt.data(), sizeof probe.salt);

    enter_stage(probe, Probe_Stage::connecting, now + probe.patience);
    if (!make_peer(probe, 0) || !make_peer(probe, 1)) {
        probe.cannot = "this machine is out of memory";
        finish(probe, now);
    } else if (!connect_peer(probe.peers[0], probe.peers[1]) || !connect_peer(probe.peers[1], probe.peers[0]) ||
               one_has_ended(probe)) {
        finish(probe, now);
    }
}

void probe_turn(Probe &probe, std::uint64_t now) {
    if (probe.stage == Probe_Stage::waiting || probe.stage == Probe_Stage::done) {
        return;
    }
    if (probe.stage == Probe_Stage::identifying) {
        identify(probe, now);
        return;
    }
    for (const Probe_Peer &peer : probe.peers) {
        do_tcp_connections(peer.tcp, nullptr);
    }
    advance(probe, now);
}

std::uint64_t probe_wake(const Probe &probe, std::uint64_t now) {
    std::uint64_t wake = probe.stage_ends;
    if (probe.stage == Probe_Stage::carrying) {
        wake = std::min(wake, probe.next_packet);
    }
    if (probe.stage == Probe_Stage::identifying) {
        wake = std::min(wake, server_query_wake(probe.query));
    }
    for (const Tcp_Connections *const tcp : probe_connections(probe)) {
        const int timeout = tcp != nullptr ? tcp_connections_timeout(tcp) : -1;
        if (timeout >= 0) {
            wake = std::min(wake, now + static_cast<std::uint64_t>(timeout) * 1'000);
        }
    }
    return wake;
}

std::array<Tcp_Connections *, 3> probe_connections(const Probe &probe) {
    return {probe.peers[0].tcp, probe.peers[1].tcp, probe.query.tcp};
}

void probe_end(Probe &probe) {
    server_query_close(probe.query);
    for (Probe_Peer &peer : probe.peers) {
        kill_tcp_connections(peer.tcp);
        peer.tcp = nullptr;
        watched_host_close(peer.watched);
    }
}

} // namespace toxtcp
