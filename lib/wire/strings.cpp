// Texts for the values of the public enums, and for the codes of proxies.
#include <toxtcp/observe.h>

namespace toxtcp {

const char *to_string(Error error) {
    switch (error) {
    case Error::ok:
        return "ok";
    case Error::bad_handle:
        return "no such handle, or no longer";
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
    case Reason::proxy_password:
        return "the proxy wants a user and a password, or others";
    case Reason::proxy_closed:
        return "the proxy closed the connection";
    case Reason::proxy_timeout:
        return "the proxy did not answer in time";
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

const char *proxy_status_text(Proxy_Type type, std::uint16_t status) {
    struct Text {
        std::uint16_t status;
        const char *text;
    };
    // SOCKS5: RFC 1928, and the codes that Tor adds for onion services. HTTP: RFC 9110.
    static constexpr Text SOCKS5[] = {{1, "general failure"},
                                      {2, "not allowed by its rules"},
                                      {3, "the network cannot be reached"},
                                      {4, "the host cannot be reached, or its name is not found"},
                                      {5, "the relay refuses the connection"},
                                      {6, "the connection took too long"},
                                      {7, "it does not know this command"},
                                      {8, "it does not know this type of address"},
                                      {0xF0, "the onion address is not found"},
                                      {0xF1, "the onion address's descriptor is wrong"},
                                      {0xF2, "the onion service does not answer its introduction"},
                                      {0xF3, "the onion service does not answer at the meeting point"},
                                      {0xF4, "the onion service wants a client's key"},
                                      {0xF5, "the onion service has another client's key"},
                                      {0xF6, "the onion address is wrong"},
                                      {0xF7, "the onion service took too long"},
                                      {0xFF, "it accepts none of the ways to log in that it is offered"}};
    static constexpr Text HTTP[] = {{400, "bad request"},
                                    {401, "a password is wanted"},
                                    {403, "forbidden by its rules"},
                                    {404, "not found"},
                                    {405, "it does not connect for others"},
                                    {407, "a password is wanted"},
                                    {500, "it cannot connect, or has failed"},
                                    {501, "it does not connect for others"},
                                    {502, "the relay cannot be reached"},
                                    {503, "the relay cannot be reached now"},
                                    {504, "the relay does not answer"}};
    const std::span<const Text> texts = type == Proxy_Type::http ? std::span<const Text>{HTTP} : SOCKS5;
    for (const Text &one : texts) {
        if (type != Proxy_Type::none && one.status == status) {
            return one.text;
        }
    }
    return "";
}

const char *to_string(Relay_State state) {
    switch (state) {
    case Relay_State::connecting:
        return "connecting";
    case Relay_State::connected:
        return "connected";
    case Relay_State::stale:
        return "stale";
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
    case Route_Use::pruned:
        return "pruned";
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
    case Change_Kind::relay_stale:
        return "relay stale";
    case Change_Kind::relay_recovered:
        return "relay recovered";
    case Change_Kind::relay_failed:
        return "relay failed";
    case Change_Kind::route_online:
        return "route online";
    case Change_Kind::route_offline:
        return "route offline";
    case Change_Kind::route_pruned:
        return "route pruned";
    case Change_Kind::moved:
        return "moved";
    }
    return "unknown change";
}

} // namespace toxtcp
