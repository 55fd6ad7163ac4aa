// Runs one probe, from the first connection to the last packet.
#include <algorithm>
#include <cstring>

#include "tools/probe/probe.h"
#include "tools/shared/clock.h"
#include "tools/shared/diagnosis.h"

namespace toxtcp {

namespace {

/// If the next packet is late by more than this, the program was suspended. The packets of that time are then skipped.
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

void handle_packet(Probe &probe, std::size_t receiver, Bytes packet) {
    const std::uint64_t now = now_us();
    Payload_Head head{};
    std::memcpy(&head, packet.data(), std::min(packet.size(), sizeof head));
    const bool is_known = packet.size() == PROBE_PACKET_SIZE && head.stream < PROBE_STREAMS &&
                          sender_of(head.stream) != receiver &&
                          head.number < probe.result.streams[head.stream].packets.size();
    const Payload expected = is_known ? make_payload(probe.salt, head.stream, head.number) : Payload{};
    if (!is_known || !std::equal(packet.begin(), packet.end(), expected.begin())) {
        ++probe.result.streams[sender_of(receiver + 1)].damaged;
        return;
    }
    Probe_Stream &stream = probe.result.streams[head.stream];
    Probe_Packet &sent_packet = stream.packets[head.number];
    if (sent_packet.round_trip != 0) {
        ++stream.duplicates;
        return;
    }
    const std::uint64_t took = std::max<std::uint64_t>(now - probe.sending_since - sent_packet.sent_at, 1);
    if (took <= PROBE_LATE_US) {
        sent_packet.round_trip = took;
        ++stream.received;
    }
}

bool handle_data(void *object, int, Bytes packet, void *) {
    Probe_Peer &peer = *static_cast<Probe_Peer *>(object);
    handle_packet(*peer.probe, peer.index, packet);
    return false;
}

void handle_probe_change(void *object, const Change &change, void *) {
    Probe_Peer &peer = *static_cast<Probe_Peer *>(object);
    switch (change.kind) {
    case Change_Kind::relay_up:
        peer.up_at = now_us();
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
        peer.online_at = now_us();
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
    def.callbacks.data = handle_data;
    def.callbacks.change = handle_probe_change;
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
        probe.local_failure = std::string{"the library does not take it: "} + to_string(error);
        return false;
    }
    if (trouble_of_error(peer.watched.error) == Trouble::no_descriptors) {
        probe.local_failure = sentence(Trouble::no_descriptors);
        return false;
    }
    if (peer.watched.error != 0) { // a retry of the library would not change the result
        peer.ended = true;
        peer.reason = Reason::connect_failed;
    }
    peer.relay = tcp_relay(peer.tcp, target.relay.key);
    return true;
}

bool both_reached(const Probe &probe, std::uint64_t Probe_Peer::*time) {
    return probe.peers[0].*time != 0 && probe.peers[1].*time != 0;
}

bool a_peer_has_ended(const Probe &probe) {
    return probe.peers[0].ended || probe.peers[1].ended;
}

void send_packet(Probe &probe, std::uint64_t now) {
    const std::size_t stream_index = probe.next_stream;
    probe.next_stream = (stream_index + 1) % PROBE_STREAMS;
    Probe_Peer &sender = probe.peers[sender_of(stream_index)];
    const Probe_Peer &receiver = probe.peers[1 - sender_of(stream_index)];
    Probe_Stream &stream = probe.result.streams[stream_index];

    // Recorded before the call, since the packet may arrive at once.
    stream.packets.push_back({now - probe.sending_since, 0});
    const Payload payload = make_payload(probe.salt, stream_index, stream.packets.size() - 1);
    Error error = Error::not_online;
    if (is_oob(stream_index)) {
        error = tcp_send_oob_packet(sender.tcp, sender.relay, receiver.public_key, payload);
    } else if (tcp_connection_to_online_tcp_relays(sender.tcp, sender.connection) != 0) {
        // If no route is online, the library would send the packet as an OOB packet.
        error = send_packet_tcp_connection(sender.tcp, sender.connection, payload);
    }
    if (error != Error::ok) {
        stream.packets.pop_back();
        ++stream.refused;
        return;
    }
    probe.last_sent_at = now;
    sender.data_sent_at = is_oob(stream_index) ? sender.data_sent_at : now;
}

void send_due_packets(Probe &probe, std::uint64_t now) {
    if (now > probe.next_packet_at + CATCH_UP_US) {
        probe.next_packet_at = now;
    }
    const std::uint64_t end = std::min(now, probe.stage_ends_at - 1);
    for (; probe.next_packet_at <= end; probe.next_packet_at += SECOND_US / probe.rate) {
        send_packet(probe, now);
    }
}

bool all_packets_received(const Probe &probe) {
    return std::all_of(probe.result.streams.begin(), probe.result.streams.end(),
                       [](const Probe_Stream &stream) { return stream.received == stream.packets.size(); });
}

void enter_stage(Probe &probe, Probe_Stage stage, std::uint64_t ends) {
    probe.stage = stage;
    probe.stage_ends_at = ends;
}

void finish(Probe &probe, std::uint64_t now) {
    if (probe.sending_since != 0) {
        // The time of the last packet lasts until the next packet would have been due.
        const std::uint64_t last = std::max(probe.last_sent_at, probe.sending_since) + SECOND_US / probe.rate;
        probe.result.sending_time = std::min(std::min(now, last) - probe.sending_since, probe.duration);
    }
    probe_judge(probe);
    probe_close(probe);
    if (query_may_help(probe.trouble) && server_query_open(probe.query, probe.target, probe.proxy, probe.timeout)) {
        enter_stage(probe, Probe_Stage::querying, UINT64_MAX); // the query has a time limit of its own
    } else {
        probe.stage = Probe_Stage::done;
    }
}

void query_server(Probe &probe, std::uint64_t now) {
    if (server_query_step(probe.query, now)) {
        probe_judge_query(probe);
        probe.stage = Probe_Stage::done;
        probe_close(probe);
    }
}

/// When the time is over: sets the reason of each peer that still waits for the proxy.
void note_waiting_proxies(Probe &probe) {
    for (Probe_Peer &peer : probe.peers) {
        if (Relay_Info info; !peer.ended && tcp_relay_info(peer.tcp, peer.relay, info) && info.at_proxy) {
            peer.reason = Reason::proxy_timeout;
        }
    }
}

void advance(Probe &probe, std::uint64_t now) {
    if (probe.stage == Probe_Stage::connecting && both_reached(probe, &Probe_Peer::up_at)) {
        enter_stage(probe, Probe_Stage::routing, now + probe.timeout);
    }
    if (probe.stage == Probe_Stage::routing && both_reached(probe, &Probe_Peer::online_at)) {
        probe.sending_since = now;
        probe.next_packet_at = now;
        enter_stage(probe, Probe_Stage::sending, now + probe.duration);
    }
    if (probe.stage == Probe_Stage::sending) {
        send_due_packets(probe, now);
        if (now >= probe.stage_ends_at) {
            enter_stage(probe, Probe_Stage::awaiting_last, probe.last_sent_at + PROBE_LATE_US);
        }
    }
    const bool all_received = probe.stage == Probe_Stage::awaiting_last && all_packets_received(probe);
    const bool time_is_over = probe.stage != Probe_Stage::sending && now >= probe.stage_ends_at;
    if (time_is_over) {
        note_waiting_proxies(probe);
    }
    if (a_peer_has_ended(probe) || all_received || time_is_over) {
        finish(probe, now);
    }
}

} // namespace

void probe_begin(Probe &probe, std::uint64_t now) {
    if (!has_endpoint(probe.target) || !probe.target.reachable) {
        probe_judge(probe);
        probe.stage = Probe_Stage::done;
        return;
    }
    const Random random = system_random();
    std::array<std::uint8_t, sizeof probe.salt> salt;
    random.fill(random.object, salt);
    std::memcpy(&probe.salt, salt.data(), sizeof probe.salt);

    enter_stage(probe, Probe_Stage::connecting, now + probe.timeout);
    if (!make_peer(probe, 0) || !make_peer(probe, 1)) {
        probe.local_failure = "this machine is out of memory";
        finish(probe, now);
    } else if (!connect_peer(probe.peers[0], probe.peers[1]) || !connect_peer(probe.peers[1], probe.peers[0]) ||
               a_peer_has_ended(probe)) {
        finish(probe, now);
    }
}

void probe_step(Probe &probe, std::uint64_t now) {
    if (probe.stage == Probe_Stage::waiting || probe.stage == Probe_Stage::done) {
        return;
    }
    if (probe.stage == Probe_Stage::querying) {
        query_server(probe, now);
        return;
    }
    for (const Probe_Peer &peer : probe.peers) {
        do_tcp_connections(peer.tcp, nullptr);
    }
    advance(probe, now);
}

std::uint64_t probe_wake_time(const Probe &probe, std::uint64_t now) {
    std::uint64_t wake_at = probe.stage_ends_at;
    if (probe.stage == Probe_Stage::sending) {
        wake_at = std::min(wake_at, probe.next_packet_at);
    }
    wake_at = std::min(wake_at, server_query_wake_time(probe.query));
    for (const Tcp_Connections *const tcp : probe_connections(probe)) {
        const int timeout = tcp != nullptr ? tcp_connections_timeout(tcp) : -1;
        if (timeout >= 0) {
            wake_at = std::min(wake_at, now + static_cast<std::uint64_t>(timeout) * 1'000);
        }
    }
    return wake_at;
}

std::array<Tcp_Connections *, 3> probe_connections(const Probe &probe) {
    return {probe.peers[0].tcp, probe.peers[1].tcp, probe.query.tcp};
}

void probe_close(Probe &probe) {
    server_query_close(probe.query);
    for (Probe_Peer &peer : probe.peers) {
        kill_tcp_connections(peer.tcp);
        peer.tcp = nullptr;
        watched_host_close(peer.watched);
    }
}

} // namespace toxtcp
