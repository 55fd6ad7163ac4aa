// `toxtcp demo`: starts three relays and two peers, sends packets both ways, and injects faults into the relays.
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <poll.h>
#include <unistd.h>

#include "tools/demo/demo.h"
#include "tools/shared/descriptors.h"
#include "tools/shared/diagnosis.h"
#include "tools/shared/output.h"
#include "tools/shared/poll_us.h"
#include "tools/shared/signals.h"
#include "tools/shared/sleep_limit.h"
#include "tools/shared/terminal.h"
#include "tools/shared/whole_file.h"

namespace toxtcp {

namespace {

constexpr std::uint64_t RELAYS_START_US = 10 * SECOND_US; ///< more than they need, even slowed down by sanitizers
constexpr std::uint64_t PEERS_ONLINE_US = 10 * SECOND_US; ///< the library's own limit for one relay
constexpr std::uint64_t LAST_PACKETS_US = SECOND_US / 2;  ///< wait for packets that are on their way when sending ends
constexpr std::uint64_t REDRAW_US = SECOND_US / 4;
/// Longest sleep. After it, the demo checks whether relays have ended, and whether its output still has a reader.
constexpr std::uint64_t MAX_SLEEP_US = SECOND_US / 4;
/// Descriptors that a process may need: the demo about 30, each of its relays 34.
constexpr rlim_t DESCRIPTORS = 64;
/// If the next packet is late by more than this, the demo was suspended. The packets of that time are then skipped.
constexpr std::uint64_t CATCH_UP_US = SECOND_US / 2;
/// The demo's time is divided into this many parts. At the end of each part but the last, a fault begins or ends.
constexpr std::uint64_t PARTS = 5;

// ---- the peers -------------------------------------------------------------------------------------------------

bool handle_data(void *object, int, Bytes packet, void *) {
    Demo_Peer &peer = *static_cast<Demo_Peer *>(object);
    Demo &demo = *peer.demo;
    const std::uint64_t last_heard_at = peer.incoming.heard_at;
    const std::uint64_t now = now_us();
    if (demo.began == 0 || !stream_receive(peer.incoming, packet, now)) {
        return false;
    }
    demo_note_silence(demo, static_cast<std::size_t>(&peer - demo.peers.data()), last_heard_at, now);
    return true;
}

void handle_change(void *object, const Change &change, void *) {
    show_change(*static_cast<Demo_Peer *>(object), change);
}

/// The demo's log, in place of the system's. It prints errors only, since a relay that ends is shown as an event. In
/// the table view there is no log, which would garble the table.
void handle_log(void *, Log_Level level, const char *message) {
    if (level >= Log_Level::error) {
        print_error("demo", std::string{"library: "} + message);
    }
}

bool make_peer(Demo &demo, std::size_t index) {
    Demo_Peer &peer = demo.peers[index];
    peer.demo = &demo;
    peer.name = index == 0 ? "A" : "B";
    Tcp_Connections_Def def;
    new_key_pair(peer.public_key, def.secret_key);
    if (!watched_host_open(peer.watched, demo.proxy.type, peer.public_key)) {
        return false;
    }
    peer.watched.host.log = demo.view == Demo_View::lines ? handle_log : nullptr;
    def.host = &peer.watched.host;
    def.callbacks.object = &peer;
    def.callbacks.data = handle_data;
    def.callbacks.change = handle_change;
    def.proxy = demo.proxy;
    peer.tcp = new_tcp_connections(def);
    return peer.tcp != nullptr;
}

/// Makes the peer's connection to the other peer, from nothing but the other's public key.
bool connect_peer(Demo_Peer &peer, const Demo_Peer &other) {
    peer.connection = new_tcp_connection_to(peer.tcp, other.public_key, 0);
    if (peer.connection < 0) {
        return false;
    }
    for (std::size_t i = 0; i < DEMO_RELAYS; ++i) {
        const Relay_Process &relay = peer.demo->relays[i];
        if (add_tcp_relay_connection(peer.tcp, peer.connection, relay.address, relay.key) != Error::ok) {
            return false;
        }
        peer.relays[i] = tcp_relay(peer.tcp, relay.key);
    }
    return true;
}

bool make_peers(Demo &demo) {
    return make_peer(demo, 0) && make_peer(demo, 1) && connect_peer(demo.peers[0], demo.peers[1]) &&
           connect_peer(demo.peers[1], demo.peers[0]);
}

void kill_peers(Demo &demo) {
    for (Demo_Peer &peer : demo.peers) {
        kill_tcp_connections(peer.tcp);
        peer.tcp = nullptr;
        watched_host_close(peer.watched);
    }
}

// ---- waiting ---------------------------------------------------------------------------------------------------

void reap_relays(Demo &demo) {
    for (std::size_t i = 0; i < DEMO_RELAYS; ++i) {
        if (relay_process_reap(demo.relays[i])) {
            demo.relay_failed = true;
            show_event(demo, "relay " + std::to_string(i + 1) + " has ended by itself");
        }
    }
}

/// Sleeps until a descriptor is ready or a peer's tick is due, at most until `wake_at` (us). Then serves what is ready.
void wait_and_serve(Demo &demo, std::uint64_t wake_at) {
    std::array<pollfd, 1 + DEMO_PEERS + DEMO_RELAYS> polled{};
    polled[0] = {demo.signals, POLLIN, 0};
    const std::uint64_t now = now_us();
    std::uint64_t sleep_us = std::min(wake_at > now ? wake_at - now : 0, MAX_SLEEP_US);
    for (std::size_t i = 0; i < DEMO_PEERS; ++i) {
        const Demo_Peer &peer = demo.peers[i];
        polled[1 + i] = {peer.tcp != nullptr ? tcp_connections_descriptor(peer.tcp) : -1, POLLIN, 0};
        const int timeout = peer.tcp != nullptr ? sleep_limit(peer.tcp) : -1;
        if (timeout >= 0) {
            sleep_us = std::min(sleep_us, static_cast<std::uint64_t>(timeout) * 1'000);
        }
    }
    for (std::size_t i = 0; i < DEMO_RELAYS; ++i) {
        polled[1 + DEMO_PEERS + i] = {demo.relays[i].output, POLLIN, 0};
    }
    if (poll_us(polled, sleep_us) < 0) {
        return;
    }
    demo.interrupted = demo.interrupted || polled[0].revents != 0;
    stop_if_reader_is_gone("demo", demo.interrupted, demo.print_failed);
    reap_relays(demo);
    for (std::size_t i = 0; i < DEMO_PEERS; ++i) {
        const Demo_Peer &peer = demo.peers[i];
        if (peer.tcp != nullptr &&
            (polled[1 + i].revents != 0 || has_no_descriptor(peer.tcp) || tcp_connections_timeout(peer.tcp) == 0)) {
            do_tcp_connections(peer.tcp, nullptr);
        }
    }
    for (std::size_t i = 0; i < DEMO_RELAYS; ++i) {
        if (polled[1 + DEMO_PEERS + i].revents != 0) {
            relay_process_read(demo.relays[i]);
        }
    }
}

/// Runs `wait_and_serve` until the condition holds. False if it does not hold within `limit_us`, or if a signal comes
/// first.
template <typename Condition>
bool wait_for(Demo &demo, std::uint64_t limit_us, Condition is_true) {
    const std::uint64_t end = now_us() + limit_us;
    while (!is_true() && !demo.interrupted && now_us() < end) {
        wait_and_serve(demo, end);
    }
    return is_true();
}

// ---- start -----------------------------------------------------------------------------------------------------

/// What failed and why, by the errno of the call.
std::string failure_text(const std::string &what, int cause) {
    return trouble_of_error(cause) == Trouble::no_descriptors
               ? sentence(Trouble::no_descriptors) + (" to " + std::to_string(DESCRIPTORS))
               : what + ": " + std::strerror(cause);
}

bool watch_signals(Demo &demo) {
    if (raise_descriptor_limit(DESCRIPTORS) < DESCRIPTORS) {
        print_error("demo", failure_text("", EMFILE));
        return false;
    }
    demo.signals = open_signals({SIGINT, SIGTERM, SIGHUP});
    if (demo.signals < 0) {
        print_error("demo", failure_text("cannot watch signals", errno));
    }
    return demo.signals >= 0;
}

bool all_relays_run(const Demo &demo) {
    return std::all_of(demo.relays.begin(), demo.relays.end(),
                       [](const Relay_Process &relay) { return relay.state == Process_State::running; });
}

bool start_relays(Demo &demo) {
    for (Relay_Process &relay : demo.relays) {
        if (!relay_process_create(relay)) {
            print_error("demo", failure_text("cannot start a relay", errno));
            return false;
        }
    }
    wait_for(demo, RELAYS_START_US, [&demo] { return all_relays_run(demo) || demo.relay_failed; });
    if (!all_relays_run(demo) && !demo.interrupted) {
        print_error("demo", "a relay did not start; try `toxtcp relay --address 127.0.0.1` to see why");
        return false;
    }
    return !demo.interrupted;
}

bool peers_are_online(const Demo &demo) {
    return std::all_of(demo.peers.begin(), demo.peers.end(), [](const Demo_Peer &peer) {
        return tcp_connection_to_online_tcp_relays(peer.tcp, peer.connection) != 0;
    });
}

/// Why a peer is not online for the other.
std::string why_not_online(const Demo &demo) {
    for (const Demo_Peer &peer : demo.peers) {
        if (tcp_connected_relays_count(peer.tcp) != 0) {
            continue;
        }
        Relay_Info relay; // the first one whose attempt has ended, or waits for the proxy
        for (std::size_t i = 0; i < DEMO_RELAYS && relay.last_end == Reason::none && !relay.at_proxy; ++i) {
            static_cast<void>(tcp_relay_info(peer.tcp, peer.relays[i], relay));
        }
        if (relay.last_end == Reason::none && !relay.at_proxy) {
            relay.last_end = Reason::connect_timeout; // the demo waits as long as the library does
        }
        return std::string{"peer "} + peer.name +
               " cannot connect to any relay: " + why_not_connected(peer.watched, relay);
    }
    return "the peers are connected to relays, and did not find each other there";
}

bool start_peers(Demo &demo) {
    if (!make_peers(demo)) {
        print_error("demo", failure_text("cannot make the peers", errno == EMFILE ? EMFILE : ENOMEM));
        return false;
    }
    if (!wait_for(demo, PEERS_ONLINE_US, [&demo] { return peers_are_online(demo); }) && !demo.interrupted) {
        print_error("demo", why_not_online(demo));
        return false;
    }
    return !demo.interrupted;
}

// ---- the faults ------------------------------------------------------------------------------------------------

/// The relay that a peer sends over, if it runs; else any relay that runs; DEMO_RELAYS if none runs.
std::size_t relay_in_use(const Demo &demo) {
    const auto runs = [&demo](std::size_t relay) {
        return relay < DEMO_RELAYS && demo.relays[relay].state == Process_State::running;
    };
    for (const Demo_Peer &peer : demo.peers) {
        Connection_Info info;
        if (tcp_connection_info(peer.tcp, peer.connection, info) && runs(relay_index(peer, info.sending))) {
            return relay_index(peer, info.sending);
        }
    }
    for (std::size_t relay = 0; relay < DEMO_RELAYS; ++relay) {
        if (runs(relay)) {
            return relay;
        }
    }
    return DEMO_RELAYS;
}

std::size_t find_relay_in_state(const Demo &demo, Process_State state) {
    const auto found = std::find_if(demo.relays.begin(), demo.relays.end(),
                                    [state](const Relay_Process &relay) { return relay.state == state; });
    return static_cast<std::size_t>(found - demo.relays.begin());
}

void note_fault(Demo &demo, std::size_t relay, const char *what) {
    const std::string text = "relay " + std::to_string(relay + 1) + what;
    demo.faults.push_back({now_us() - demo.began, text, {}});
    show_event(demo, "*** " + text);
}

void kill_relay_in_use(Demo &demo) {
    const std::size_t relay = relay_in_use(demo);
    if (relay < DEMO_RELAYS) {
        relay_process_kill(demo.relays[relay]);
        note_fault(demo, relay, " killed");
    }
}

void stop_relay_in_use(Demo &demo) {
    const std::size_t relay = relay_in_use(demo);
    if (relay < DEMO_RELAYS) {
        relay_process_stop(demo.relays[relay]);
        note_fault(demo, relay, " stopped");
    }
}

void restart_killed_relay(Demo &demo) {
    const std::size_t relay = find_relay_in_state(demo, Process_State::killed);
    if (relay < DEMO_RELAYS) {
        demo.relay_failed = !relay_process_restart(demo.relays[relay]) || demo.relay_failed;
        note_fault(demo, relay, " started again");
    }
}

void continue_stopped_relay(Demo &demo) {
    const std::size_t relay = find_relay_in_state(demo, Process_State::stopped);
    if (relay < DEMO_RELAYS) {
        relay_process_continue(demo.relays[relay]);
        note_fault(demo, relay, " continued");
    }
}

/// In this order, at least one relay runs at any time.
constexpr std::array<void (*)(Demo &), PARTS - 1> FAULTS{kill_relay_in_use, stop_relay_in_use, restart_killed_relay,
                                                         continue_stopped_relay};

// ---- the streams -----------------------------------------------------------------------------------------------

void send_packets(Demo &demo, std::uint64_t now) {
    for (std::size_t i = 0; i < DEMO_PEERS; ++i) {
        Demo_Peer &peer = demo.peers[i];
        Stream &outgoing = demo.peers[1 - i].incoming;
        const Stream_Packet packet = stream_next(outgoing, now);
        const bool accepted = send_packet_tcp_connection(peer.tcp, peer.connection, packet) == Error::ok;
        stream_sent(outgoing, accepted);
    }
}

/// Writes the first peer's snapshot for `toxtcp top`. Reports a failure once.
void write_snapshot(Demo &demo) {
    std::string error;
    const std::string &path = demo.options.snapshot_file;
    if (!path.empty() && !replace_file(path, tcp_connections_json(demo.peers[0].tcp) + '\n', error) &&
        !demo.snapshot_failed) {
        demo.snapshot_failed = true;
        print_error("demo", error);
    }
}

void run_streams(Demo &demo) {
    const std::uint64_t duration = demo.options.seconds * SECOND_US;
    const std::uint64_t interval = SECOND_US / demo.options.rate;
    demo.began = now_us();
    for (Demo_Peer &peer : demo.peers) {
        stream_begin(peer.incoming, demo.began);
    }
    const std::uint64_t end = demo.began + duration;
    std::uint64_t next_packet_at = demo.began;
    std::uint64_t next_drawing_at = demo.began;
    std::size_t next_fault = 0;
    for (std::uint64_t now = demo.began; now < end && !demo.interrupted; now = now_us()) {
        if (now > next_packet_at + CATCH_UP_US) {
            next_packet_at = now;
        }
        for (; next_packet_at <= now; next_packet_at += interval) {
            send_packets(demo, now);
        }
        if (next_fault < FAULTS.size() && now >= demo.began + (next_fault + 1) * duration / PARTS) {
            FAULTS[next_fault++](demo);
        }
        if (now >= next_drawing_at) {
            draw_table(demo);
            write_snapshot(demo);
            next_drawing_at = now + REDRAW_US;
        }
        wait_and_serve(demo, std::min({next_packet_at, next_drawing_at, end}));
    }
    demo.ended = now_us();
    for (std::size_t i = 0; i < DEMO_PEERS; ++i) {
        // The silence that lasts until the end counts, too.
        stream_silence(demo.peers[i].incoming, demo.ended);
        demo_note_silence(demo, i, demo.peers[i].incoming.heard_at, demo.ended);
    }
}

bool all_packets_received(const Demo &demo) {
    return std::all_of(demo.peers.begin(), demo.peers.end(),
                       [](const Demo_Peer &peer) { return stream_lost(peer.incoming) == 0; });
}

void end_demo(Demo &demo) {
    kill_peers(demo);
    for (Relay_Process &relay : demo.relays) {
        relay_process_destroy(relay);
    }
    if (demo.signals >= 0) {
        close_signals(demo.signals);
    }
}

/// Sends the packets, injects the faults and prints the summary. Returns the exit code.
int run_to_summary(Demo &demo) {
    run_streams(demo);
    if (!demo.interrupted) {
        wait_for(demo, LAST_PACKETS_US, [&demo] { return all_packets_received(demo); });
    }
    draw_table(demo);
    demo_print(demo, demo.options.json ? summary_json(demo) : summary_text(demo));
    return demo_failures(demo).empty() && !demo.snapshot_failed ? EXIT_DONE : EXIT_FAILED;
}

} // namespace

void demo_print(Demo &demo, const std::string &text) {
    print_until_interrupted("demo", text, demo.signals, demo.interrupted, demo.print_failed);
}

void demo_note_silence(Demo &demo, std::size_t receiver, std::uint64_t from, std::uint64_t to) {
    for (std::size_t i = 0; i < demo.faults.size(); ++i) {
        const bool last = i + 1 == demo.faults.size();
        const std::uint64_t begin = std::max(from, demo.began + demo.faults[i].at_us);
        const std::uint64_t end = last ? to : std::min(to, demo.began + demo.faults[i + 1].at_us);
        if (end > begin) {
            std::uint64_t &longest = demo.faults[i].silence[receiver];
            longest = std::max(longest, end - begin);
        }
    }
}

int run_demo(const Demo_Options &options) {
    Demo demo;
    demo.options = options;
    demo.view = options.json ? Demo_View::nothing : is_terminal(STDOUT_FILENO) ? Demo_View::table : Demo_View::lines;
    if (const int found = find_proxy("demo", options.proxy, demo.proxy); found != EXIT_DONE) {
        return found;
    }
    int result = EXIT_FAILED;
    if (watch_signals(demo) && start_relays(demo) && start_peers(demo)) {
        result = run_to_summary(demo);
    }
    end_demo(demo);
    return demo.print_failed ? EXIT_FAILED : demo.interrupted ? EXIT_INTERRUPTED : result;
}

} // namespace toxtcp
