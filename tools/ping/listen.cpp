// `toxtcp ping --listen`: answers pings by data packets. The library itself answers pings by echo.
#include <algorithm>
#include <array>

#include "tools/ping/packet.h"
#include "tools/ping/ping.h"
#include "tools/shared/output.h"
#include "tools/shared/text.h"

namespace toxtcp {

namespace {

/// A caller that was silent for this long is removed. At most MAX_CALLERS are served at the same time.
constexpr std::uint64_t SILENT_CALLER_US = 60 * SECOND_US;
constexpr std::size_t MAX_CALLERS = 64;

struct Caller {
    Public_Key key{};
    int connection = -1;        ///< -1: the entry is free
    std::uint64_t heard_at = 0; ///< us, the last packet
};

struct Listener {
    Pinger &pinger;
    Ping_Connections connections{};
    std::array<Caller, MAX_CALLERS> callers{};
};

void remove_caller(Listener &listener, Caller &caller) {
    if (caller.connection >= 0) {
        static_cast<void>(kill_tcp_connection_to(listener.connections.tcp, caller.connection));
        caller.connection = -1;
    }
}

/// Makes a connection to a new caller, whose packet came over `relay`, and requests routes at this relay and at all
/// others. If there are MAX_CALLERS already, the one that was silent for longest is removed.
void add_caller(Listener &listener, const Public_Key &key, int relay) {
    Caller &caller =
        *std::min_element(listener.callers.begin(), listener.callers.end(), [](const Caller &a, const Caller &b) {
            return (a.connection < 0 ? 0 : a.heard_at) < (b.connection < 0 ? 0 : b.heard_at);
        });
    remove_caller(listener, caller);
    Tcp_Connections *const tcp = listener.connections.tcp;
    caller.key = key;
    caller.heard_at = now_us();
    caller.connection = new_tcp_connection_to(tcp, key, static_cast<int>(&caller - listener.callers.data()));
    if (caller.connection < 0) {
        return;
    }
    static_cast<void>(add_tcp_number_relay_connection(tcp, caller.connection, relay));
    ping_add_relays(listener.pinger, tcp, caller.connection);
    Relay_Info info;
    const bool is_known = tcp_relay_info(tcp, relay, info);
    ping_print_line(listener.pinger, short_key(to_string(key)) + " pings us over " +
                                         (is_known ? endpoint_text(info) : std::string{"no relay"}));
}

void handle_stranger(void *object, const Public_Key &sender, int relay, Bytes packet, void *) {
    Listener &listener = *static_cast<Listener *>(object);
    Ping_Head head{};
    if (decode_ping(packet, head) && tcp_connection_to(listener.connections.tcp, sender) < 0) {
        add_caller(listener, sender, relay);
    }
}

bool handle_request(void *object, int id, Bytes packet, void *) {
    Listener &listener = *static_cast<Listener *>(object);
    Caller &caller = listener.callers[static_cast<std::size_t>(id)];
    caller.heard_at = now_us();
    Ping_Head head{};
    if (decode_ping(packet, head) && head.kind == Ping_Kind::request) {
        head.kind = Ping_Kind::answer;
        static_cast<void>(
            send_packet_tcp_connection(listener.connections.tcp, caller.connection, encode_ping(head, packet.size())));
    }
    return false;
}

void remove_silent_callers(Listener &listener) {
    const std::uint64_t now = now_us();
    for (Caller &caller : listener.callers) {
        if (caller.connection >= 0 && now > caller.heard_at + SILENT_CALLER_US) {
            remove_caller(listener, caller);
        }
    }
}

void print_key(Listener &listener) {
    const std::string key = to_string(tcp_connections_public_key(listener.connections.tcp));
    const Ping_Options &options = listener.pinger.options;
    if (options.json) {
        ping_print(listener.pinger, nlohmann::json{{"public_key", key}}.dump() + '\n');
        return;
    }
    std::string command = "toxtcp ping";
    for (const std::string &relay : options.relays) {
        command += " --relay " + relay;
    }
    ping_print_line(listener.pinger, "listening as " + key + "\nping it with: " + command + ' ' + key);
}

} // namespace

int ping_listen(Pinger &pinger, const Secret_Key &key) {
    Listener listener{.pinger = pinger};
    Callbacks callbacks;
    callbacks.object = &listener;
    callbacks.data = handle_request;
    callbacks.oob = handle_stranger;
    if (!ping_open(pinger, listener.connections, key, callbacks)) {
        return EXIT_FAILED;
    }
    Tcp_Connections *const tcp = listener.connections.tcp;
    for (const Relay_Addresses &relay : pinger.relays) {
        for (const Relay_Address &address : relay) {
            static_cast<void>(add_relay(tcp, address));
        }
    }
    const std::uint64_t end = now_us() + pinger.connect_timeout;
    while (tcp_connected_relays_count(tcp) == 0 && now_us() < end && !pinger.interrupted) {
        ping_wait_and_serve(pinger, {&tcp, 1}, end);
    }
    const bool is_connected = tcp_connected_relays_count(tcp) != 0;
    if (!is_connected && !pinger.interrupted) {
        ping_diagnose_relays(pinger, listener.connections);
    }
    if (!is_connected || pinger.interrupted) {
        return pinger.interrupted ? EXIT_DONE : EXIT_FAILED;
    }
    print_key(listener);
    while (!pinger.interrupted) {
        ping_wait_and_serve(pinger, {&tcp, 1}, now_us() + SECOND_US);
        remove_silent_callers(listener);
    }
    return EXIT_DONE;
}

} // namespace toxtcp
