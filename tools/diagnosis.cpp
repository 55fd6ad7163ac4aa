#include "diagnosis.h"

#include <cerrno>
#include <string_view>

namespace toxtcp {

namespace {

/// What a server that is no relay says first.
Trouble kind_of_server(std::string_view said) {
    if (said.starts_with("SSH-")) {
        return Trouble::is_ssh;
    }
    if (said.starts_with("HTTP/") || said.starts_with("<")) {
        return Trouble::is_http;
    }
    // A record of TLS: an alert or a handshake, of version 3.
    if (said.size() >= 2 && (said[0] == 0x15 || said[0] == 0x16) && said[1] == 3) {
        return Trouble::is_tls;
    }
    return Trouble::is_other_server;
}

} // namespace

const char *sentence(Trouble trouble) {
    switch (trouble) {
    case Trouble::none:
        return "";
    case Trouble::refused:
        return "the host refuses the connection: nothing listens on this port. Check the port, or start the relay";
    case Trouble::no_route:
        return "this machine has no route to the address. Check its network; without IPv6, name an IPv4 address";
    case Trouble::no_answer:
        return "nothing answers: the host is down, or a firewall drops the packets. Check the address";
    case Trouble::no_descriptors:
        return "no file descriptor is left. Raise ulimit -n, or name fewer relays at a time";
    case Trouble::no_name:
        return "the host name is not found. Check its spelling";
    case Trouble::no_name_server:
        return "the host name cannot be looked up: no name server answers. Check this machine's network";
    case Trouble::wrong_key:
        return "the connection is closed in the handshake: the relay has another key. Compare it with its operator's";
    case Trouble::is_tls:
        return "a TLS server answers, not a relay. Check the port";
    case Trouble::is_ssh:
        return "an SSH server answers, not a relay. Check the port";
    case Trouble::is_http:
        return "an HTTP server answers, not a relay. Check the port";
    case Trouble::is_other_server:
        return "something that is not a relay answers, or a relay with another key. Check the port and the key";
    }
    return "";
}

Trouble trouble_of_error(int error) {
    switch (error) {
    case ECONNREFUSED:
        return Trouble::refused;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
        return Trouble::no_route;
    case ETIMEDOUT:
        return Trouble::no_answer;
    case EMFILE:
    case ENFILE:
        return Trouble::no_descriptors;
    default:
        return Trouble::none;
    }
}

Trouble diagnose(const Watched_Host &watched, Reason reason) {
    if (watched.connected == 0) {
        const bool is_late = watched.error == 0 && reason == Reason::connect_timeout;
        return is_late ? Trouble::no_answer : trouble_of_error(watched.error);
    }
    if (watched.first_size != 0) {
        return kind_of_server({reinterpret_cast<const char *>(watched.first.data()), watched.first_size});
    }
    const bool closed = reason == Reason::end_of_stream || reason == Reason::reset;
    return closed ? Trouble::wrong_key : Trouble::none;
}

std::string diagnosis(const Watched_Host &watched, Reason reason) {
    const Trouble trouble = diagnose(watched, reason);
    return trouble == Trouble::none ? to_string(reason) : sentence(trouble);
}

} // namespace toxtcp
