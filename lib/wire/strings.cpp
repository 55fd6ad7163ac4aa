// A name for every value that a user can meet.
#include <toxtcp/tcp_connections.h>

namespace toxtcp {

const char *to_string(Error error) {
    switch (error) {
    case Error::ok:
        return "ok";
    case Error::bad_number:
        return "no such number, or no longer";
    case Error::bad_key:
        return "no key that can be used here";
    case Error::bad_address:
        return "no address that can be used here";
    case Error::empty:
        return "nothing to send";
    case Error::too_long:
        return "too long for this kind of packet";
    case Error::full:
        return "the socket is full for now";
    case Error::not_online:
        return "nothing is connected that could carry it";
    case Error::already:
        return "it is so already";
    case Error::limit:
        return "a limit is reached";
    case Error::no_memory:
        return "out of memory";
    case Error::bad_argument:
        return "an argument is out of its range";
    }
    return "unknown error";
}

const char *to_string(Reason reason) {
    switch (reason) {
    case Reason::none:
        return "none";
    case Reason::killed:
        return "killed";
    case Reason::unused:
        return "unused";
    case Reason::asleep:
        return "asleep";
    case Reason::connect_failed:
        return "connecting failed";
    case Reason::connect_timeout:
        return "connecting took too long";
    case Reason::proxy_refused:
        return "the proxy refused";
    case Reason::proxy_malformed:
        return "the proxy's answer is malformed";
    case Reason::handshake_failed:
        return "the handshake failed";
    case Reason::end_of_stream:
        return "closed by the relay";
    case Reason::reset:
        return "connection reset";
    case Reason::ping_timeout:
        return "ping unanswered";
    case Reason::bad_frame_length:
        return "bad frame length";
    case Reason::bad_seal:
        return "a frame does not open";
    case Reason::bad_packet_type:
        return "bad packet type";
    case Reason::bad_packet_length:
        return "bad packet length";
    case Reason::bad_routing_id:
        return "bad routing id";
    case Reason::bad_ping_id:
        return "bad ping id";
    case Reason::not_delivering:
        return "delivers nothing";
    case Reason::network_changed:
        return "network changed";
    case Reason::stuck:
        return "takes nothing";
    }
    return "unknown reason";
}

const char *to_string(Relay_State state) {
    switch (state) {
    case Relay_State::connecting:
        return "connecting";
    case Relay_State::connected:
        return "connected";
    case Relay_State::suspect:
        return "suspect";
    case Relay_State::waiting:
        return "waiting";
    case Relay_State::sleeping:
        return "sleeping";
    }
    return "unknown state";
}

const char *to_string(Route_State state) {
    switch (state) {
    case Route_State::none:
        return "none";
    case Route_State::registered:
        return "registered";
    case Route_State::online:
        return "online";
    }
    return "unknown state";
}

const char *to_string(Route_Use use) {
    switch (use) {
    case Route_Use::in_use:
        return "in use";
    case Route_Use::ready:
        return "ready";
    case Route_Use::unverified:
        return "unverified";
    case Route_Use::failed:
        return "failed";
    case Route_Use::avoided:
        return "avoided";
    case Route_Use::stale:
        return "stale";
    case Route_Use::offline:
        return "offline";
    case Route_Use::refused:
        return "refused";
    case Route_Use::shed:
        return "shed";
    case Route_Use::withdrawn:
        return "withdrawn";
    }
    return "unknown";
}

const char *to_string(Change_Kind kind) {
    switch (kind) {
    case Change_Kind::relay_up:
        return "relay up";
    case Change_Kind::relay_down:
        return "relay down";
    case Change_Kind::relay_gone:
        return "relay gone";
    case Change_Kind::relay_suspect:
        return "relay suspect";
    case Change_Kind::relay_trusted:
        return "relay trusted";
    case Change_Kind::relay_failed:
        return "relay failed";
    case Change_Kind::route_online:
        return "route online";
    case Change_Kind::route_offline:
        return "route offline";
    case Change_Kind::route_shed:
        return "route let go";
    case Change_Kind::moved:
        return "moved";
    }
    return "unknown change";
}

} // namespace toxtcp
