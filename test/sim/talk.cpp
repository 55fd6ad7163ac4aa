#include <cstring>

#include "sim/run.h"

namespace toxtcp {

namespace {

constexpr std::uint32_t MARK = 0x70C7CB; ///< every real packet begins with it, and no forged one
constexpr std::size_t MAX_BATCH = 8;

#pragma pack(push, 1)
struct Payload {
    std::uint32_t mark = MARK;
    std::uint32_t friendship;
    std::uint32_t side; ///< of the sender
    std::uint32_t number;
};
#pragma pack(pop)

std::vector<std::uint8_t> make_packet(Run &run, std::uint32_t friendship, std::size_t side) {
    Flow &flow = run.friends[friendship].flow[side];
    std::vector<std::uint8_t> packet(sizeof(Payload) + run.below(run.chance(5) ? 1'400 : 100));
    const Payload payload{MARK, friendship, static_cast<std::uint32_t>(side),
                          static_cast<std::uint32_t>(flow.sent.size())};
    std::memcpy(packet.data(), &payload, sizeof payload);
    flow.sent.emplace_back();
    return packet;
}

/// Packets sent over each relay, by slot. Reads the library's own counts, which is fast: it is called for every packet.
std::array<std::uint64_t, MAX_SIM_RELAYS> packets_sent(const Sim_Peer &peer) {
    std::array<std::uint64_t, MAX_SIM_RELAYS> counts{};
    for (std::uint32_t slot = 0; slot < peer.c->relays.size() && slot < counts.size(); ++slot) {
        counts[slot] = peer.c->relays.used(slot) ? peer.c->relays[slot].traffic.packets_sent : 0;
    }
    return counts;
}

/// Notes that `count` packets of a flow were sent, from number `first` on. The counts tell over which relays.
void note_sent(Run &run, const Sim_Peer &peer, Flow &flow, std::size_t first, std::size_t count,
               const std::array<std::uint64_t, MAX_SIM_RELAYS> &before) {
    const auto after = packets_sent(peer);
    Relay_Set over = 0;
    for (std::uint32_t slot = 0; slot < after.size(); ++slot) {
        if (after[slot] != before[slot]) {
            over = static_cast<Relay_Set>(over | 1U << run.relay_of.at(peer.c->relays[slot].key));
        }
    }
    if (over == 0) {
        fail(run, "a packet was sent over no relay");
    }
    for (std::size_t i = first; i < first + count; ++i) {
        flow.sent[i].over = over;
    }
    run.result.sent += count;
}

bool find_payload(const Sim_Packet &packet, Payload &payload) {
    if (packet.bytes.size() < sizeof payload) {
        return false;
    }
    std::memcpy(&payload, packet.bytes.data(), sizeof payload);
    return payload.mark == MARK;
}

/// Checks a packet that came over a relay: it was sent to this client over this relay, and comes in order and once.
void take(Run &run, std::uint32_t me, const Payload &payload, std::uint32_t relay) {
    if (payload.friendship >= run.friends.size() || payload.side > 1) {
        return fail(run, "peer %u got a packet that nobody sent", me);
    }
    Friendship &f = run.friends[payload.friendship];
    Flow &flow = f.flow[payload.side];
    if (f.peer[1 - payload.side] != me) {
        return fail(run, "peer %u got a packet for peer %u", me, f.peer[1 - payload.side]);
    }
    if (payload.number >= flow.sent.size() || flow.sent[payload.number].over == 0) {
        return fail(run, "peer %u got a packet that was never sent", me);
    }
    Sent &sent = flow.sent[payload.number];
    if ((sent.over >> relay & 1) == 0) {
        return fail(run, "friendship %u: packet %u came over relay %u, which it did not go over", payload.friendship,
                    payload.number, relay);
    }
    if ((sent.came >> relay & 1) != 0) {
        return fail(run, "friendship %u: packet %u came twice", payload.friendship, payload.number);
    }
    if (flow.last[relay] >= payload.number) {
        return fail(run, "friendship %u: packet %u came after %lld over relay %u", payload.friendship, payload.number,
                    static_cast<long long>(flow.last[relay]), relay);
    }
    flow.last[relay] = payload.number;
    run.result.received += sent.came == 0 ? 1 : 0;
    sent.came = static_cast<Relay_Set>(sent.came | 1U << relay);
    if (!sent.aside) {
        note_silence(run, f, payload.side);
        flow.in_silence = false;
        flow.heard_at = run.net.now;
    }
    digest(run, payload.number);
}

void take_data(Run &run, std::uint32_t me, const Sim_Packet &packet) {
    Payload payload{};
    if (!find_payload(packet, payload)) {
        return; // a relay has forged it
    }
    if (packet.id != static_cast<int>(payload.friendship) || payload.friendship >= run.friends.size()) {
        return fail(run, "peer %u got a packet for connection %u as one of connection %d", me, payload.friendship,
                    packet.id);
    }
    const Friendship &f = run.friends[payload.friendship];
    const Tcp_Connections *const c = run.clients[me].peer.c;
    Connection_Info info;
    Relay_Info relay;
    if (!tcp_connection_info(c, f.connection[f.peer[0] == me ? 0 : 1], info) ||
        !tcp_relay_info(c, info.receiving, relay)) {
        return fail(run, "peer %u does not know what a packet came over", me);
    }
    take(run, me, payload, run.relay_of.at(relay.public_key));
}

/// Takes an OOB packet, which came over a relay that is not tied to its sender's connection.
void take_oob(Run &run, std::uint32_t me, const Sim_Packet &packet) {
    Payload payload{};
    if (!find_payload(packet, payload)) {
        return;
    }
    const auto sender = run.client_of.find(packet.sender);
    Relay_Info relay;
    if (payload.friendship >= run.friends.size() || payload.side > 1 || sender == run.client_of.end() ||
        run.friends[payload.friendship].peer[payload.side] != sender->second) {
        return fail(run, "peer %u got a packet under a wrong name", me);
    }
    if (!tcp_relay_info(run.clients[me].peer.c, packet.relay, relay)) {
        return fail(run, "peer %u does not know what an OOB packet came over", me);
    }
    take(run, me, payload, run.relay_of.at(relay.public_key));
}

} // namespace

void share_relays(Run &run, Friendship &f, std::size_t side) {
    Client &client = run.clients[f.peer[side]];
    if (!is_running(client) || f.connection[side] < 0) {
        return;
    }
    for (const std::uint32_t relay : f.relays) {
        (void)add_tcp_relay_connection(client.peer.c, f.connection[side], run.relays[relay].address,
                                       run.relays[relay].key);
    }
    sim_touch(run.net, client.peer.node);
}

void befriend(Run &run, std::uint32_t index, std::size_t side) {
    Friendship &f = run.friends[index];
    Client &client = run.clients[f.peer[side]];
    if (!is_running(client) || f.connection[side] >= 0) {
        return;
    }
    f.connection[side] =
        new_tcp_connection_to(client.peer.c, run.clients[f.peer[1 - side]].peer.key, static_cast<int>(index));
    if (f.connection[side] < 0) {
        fail(run, "no connection to a new friend: %s", to_string(static_cast<Error>(f.connection[side])));
    }
    ++client.befriended;
    if (f.asleep_until[side] > run.net.now) {
        (void)set_tcp_connection_to_status(client.peer.c, f.connection[side], false);
    }
    share_relays(run, f, side);
}

void send_some(Run &run, std::uint32_t index, std::size_t side) {
    Friendship &f = run.friends[index];
    Flow &flow = f.flow[side];
    Client &client = run.clients[f.peer[side]];
    Sim_Peer &peer = client.peer;
    if (!is_running(client) || f.connection[side] < 0 || !talks(run, f)) {
        return;
    }
    const auto before = packets_sent(peer);
    const std::size_t first = flow.sent.size();
    int sent = 0;
    if (run.chance(4)) {
        std::array<std::vector<std::uint8_t>, MAX_BATCH> packets;
        std::array<Bytes, MAX_BATCH> batch;
        const std::size_t count = run.between(1, MAX_BATCH);
        for (std::size_t i = 0; i < count; ++i) {
            packets[i] = make_packet(run, index, side);
            batch[i] = packets[i];
        }
        sent = std::max(0, send_packets_tcp_connection(peer.c, f.connection[side], std::span{batch}.first(count)));
    } else {
        const std::vector<std::uint8_t> packet = make_packet(run, index, side);
        sent = send_packet_tcp_connection(peer.c, f.connection[side], packet) == Error::ok;
    }
    sim_touch(run.net, peer.node);
    flow.said_at = run.net.now;
    if (sent > 0) {
        note_sent(run, peer, flow, first, static_cast<std::size_t>(sent), before);
    }
}

void send_oob(Run &run, std::uint32_t index, std::size_t side) {
    Friendship &f = run.friends[index];
    Client &client = run.clients[f.peer[side]];
    if (!is_running(client)) {
        return;
    }
    Sim_Peer &peer = client.peer;
    Flow &flow = f.flow[side];
    const auto before = packets_sent(peer);
    const auto place = static_cast<std::uint32_t>(run.below(1 + tcp_connections_count(peer.c)));
    const std::vector<std::uint8_t> packet = make_packet(run, index, side);
    flow.sent.back().aside = true;
    const Public_Key &to = run.clients[f.peer[1 - side]].peer.key;
    if (tcp_send_oob_packet(peer.c, tcp_relay_at(peer.c, place), to, packet) == Error::ok) {
        note_sent(run, peer, flow, flow.sent.size() - 1, 1, before);
    }
    sim_touch(run.net, peer.node);
}

void listen(Run &run, std::uint32_t client) {
    Sim_Peer &peer = run.clients[client].peer;
    peer.on_data = [&run, client](const Sim_Packet &packet) { take_data(run, client, packet); };
    peer.is_authentic = [](const Sim_Packet &packet) {
        Payload payload{};
        return find_payload(packet, payload);
    };
    peer.on_oob = [&run, client](const Sim_Packet &packet) { take_oob(run, client, packet); };
}

} // namespace toxtcp
