// Clients that misbehave towards their peers. This must have no effect on anybody else.
#include <toxtcp/echo.h>

#include "sim/run.h"

namespace toxtcp {

namespace {

void stall(Run &run, std::uint32_t me) {
    Client &client = run.clients[me];
    if (!is_running(client)) {
        return;
    }
    client.suspended = true;
    sim_stop(run.net, client.peer.node, true);
    sim_at(run.net, run.net.now + run.between(3'100, 5'000), [&run, &client] {
        client.suspended = false;
        client.changed_at = run.net.now;
        sim_stop(run.net, client.peer.node, false);
    });
}

/// Sends each friend the bytes that `make` returns, as data.
template <class Make>
void send_friends(Run &run, std::uint32_t me, Make make) {
    Client &client = run.clients[me];
    if (!is_running(client)) {
        return;
    }
    for (Friendship &f : run.friends) {
        const std::size_t side = f.peer[0] == me ? 0 : 1;
        if (f.peer[side] == me && f.connection[side] >= 0) {
            (void)send_packet_tcp_connection(client.peer.c, f.connection[side],
                                             make(run.clients[f.peer[1 - side]].peer.key));
        }
    }
    sim_touch(run.net, client.peer.node);
}

void send_junk(Run &run, std::uint32_t me) {
    send_friends(run, me, [&run](const Public_Key &) {
        std::vector<std::uint8_t> bytes(run.between(1, 300));
        sim_fill(run.random, bytes);
        if (run.chance(30)) {
            bytes.resize(ECHO_REQUEST_SIZE);
            bytes[0] = ECHO_REQUEST;
        }
        return bytes;
    });
}

/// Complains to each friend that it has heard nothing, for a time drawn at random.
void complain(Run &run, std::uint32_t me) {
    send_friends(run, me, [&run, me](const Public_Key &to) {
        const Sim_Peer &peer = run.clients[me].peer;
        Secret_Key shared;
        std::vector<std::uint8_t> bytes(ECHO_REQUEST_SIZE);
        if (echo_shared_key(peer.def.secret_key, to, shared)) {
            Echo echo;
            echo.kind = Echo_Kind::unheard;
            echo.unheard = static_cast<std::uint32_t>(run.chance(50) ? run.between(300, 60'000) : UINT32_MAX);
            echo.number = run.net.now << 32 | run.below(UINT32_MAX);
            make_echo_request(shared, sim_random_source(run.random), peer.key, echo,
                              std::span<std::uint8_t, ECHO_REQUEST_SIZE>{bytes});
        }
        return bytes;
    });
}

/// Ends one of its relays, and names all of them again.
void change_relays(Run &run, std::uint32_t me) {
    Client &client = run.clients[me];
    if (!is_running(client)) {
        return;
    }
    Tcp_Connections *const c = client.peer.c;
    const int relay = tcp_relay_at(c, static_cast<std::uint32_t>(run.below(1 + tcp_connections_count(c))));
    (void)kill_tcp_relay_connection(c, relay);
    for (Friendship &f : run.friends) {
        if (f.peer[0] == me || f.peer[1] == me) {
            share_relays(run, f, f.peer[0] == me ? 0 : 1);
        }
    }
}

/// Ends its connections to all friends and makes them again, so that it goes offline and online for them.
void toggle_routes(Run &run, std::uint32_t me) {
    Client &client = run.clients[me];
    for (std::uint32_t i = 0; i < run.friends.size() && is_running(client); ++i) {
        Friendship &f = run.friends[i];
        const std::size_t side = f.peer[0] == me ? 0 : 1;
        if (f.peer[side] == me && f.connection[side] >= 0) {
            (void)kill_tcp_connection_to(client.peer.c, f.connection[side]);
            f.connection[side] = -1;
            befriend(run, i, side);
        }
    }
}

} // namespace

void make_hostile(Run &run, std::uint32_t client, Sim_Peer_Def &def, std::uint64_t start) {
    const auto begin = [&](std::uint64_t least, std::uint64_t most, void (*action)(Run &, std::uint32_t)) {
        every(run, start + run.below(most), [&run, client, least, most, action] {
            action(run, client);
            return run.between(least, most);
        });
    };
    run.clients[client].hostile = true;
    def.answers_echoes = run.chance(60);
    if (run.chance(40)) {
        begin(5 * SECOND, 60 * SECOND, stall);
    }
    if (run.chance(40)) {
        begin(50, 50, send_junk);
    }
    if (run.chance(50)) {
        begin(100, 1'000, complain);
    }
    if (run.chance(40)) {
        begin(500, 3'000, change_relays);
    }
    if (run.chance(20)) {
        begin(25, 500, toggle_routes);
    }
}

} // namespace toxtcp
