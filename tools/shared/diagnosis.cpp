#include "tools/shared/diagnosis.h"

#include <cerrno>
#include <string_view>

namespace toxtcp {

namespace {

constexpr std::uint16_t SOCKS5_NO_METHOD = 0xFF; ///< RFC 1928: the proxy accepts no method that was offered

} // namespace

const char *sentence(Trouble trouble) {
    switch (trouble) {
    case Trouble::none:
        return "";
    case Trouble::refused:
        return "the host refuses the connection: nothing listens on this port. Check the port, or start the relay";
    case Trouble::no_route:
        return "this machine has no route to the address. Check its network; without IPv6, name an IPv4 address";
    case Trouble::no_host:
        return "no host answers at this address, or a router has no route to it. Check the address, and that the host "
               "runs";
    case Trouble::no_answer:
        return "nothing answers: the host is down, or a firewall drops the packets. Check the address";
    case Trouble::no_descriptors:
        return "no file descriptor is left. Raise ulimit -n";
    case Trouble::unknown_name:
        return "the host name is not found. Check its spelling";
    case Trouble::no_name_server:
        return "the host name cannot be looked up: no name server answers. Check this machine's network";
    case Trouble::silent:
        return "the host takes the connection and says nothing: the relay hangs, or is full. Try later, or tell its "
               "operator";
    case Trouble::closed:
        return "the connection is closed in the handshake: the relay has another key, or is full. Compare the key with "
               "its operator's, or try later";
    case Trouble::other_key:
        return "the connection is closed in the handshake: the relay has another key, or this is no relay. Compare the "
               "key with its operator's, and check the port";
    case Trouble::full:
        return "the connection is closed before the handshake: the relay is full, or turns this machine away. Try "
               "later, or tell its operator";
    case Trouble::tls_server:
        return "a TLS server answers, not a relay. Check the port";
    case Trouble::ssh_server:
        return "an SSH server answers, not a relay. Check the port";
    case Trouble::http_server:
        return "an HTTP server answers, not a relay. Check the port";
    case Trouble::other_server:
        return "something that is not a relay answers, or a relay with another key. Check the port and the key";
    case Trouble::proxy_unreachable:
        return "the proxy cannot be connected to. Check its address, and that it runs";
    case Trouble::proxy_refused:
        return "the proxy refuses to connect to the relay. Check the relay's address, and the proxy's rules";
    case Trouble::proxy_password:
        return "the proxy wants a user and a password, or others. Name the user in --proxy, and give the password by "
               "--proxy-password-file";
    case Trouble::proxy_method:
        return "the proxy accepts neither a user with a password nor a client without. Change its settings, which may "
               "shut out this machine";
    case Trouble::proxy_closed:
        return "the proxy closes the connection without an answer. Check that it is a proxy of this kind, and its log";
    case Trouble::proxy_silent:
        return "the proxy has not connected to the relay in time: it has no way there yet, or the relay is down. Try "
               "later, or read the proxy's log";
    case Trouble::not_a_proxy:
        return "what answers is no proxy of this kind. Check the proxy's address, and socks5:// or http://";
    }
    return "";
}

bool is_proxy_trouble(Trouble trouble) {
    return trouble >= Trouble::proxy_unreachable;
}

Trouble trouble_of_error(int error) {
    switch (error) {
    case ECONNREFUSED:
        return Trouble::refused;
    case ENETUNREACH:
    case ENETDOWN:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
        return Trouble::no_route;
    case EHOSTUNREACH:
        return Trouble::no_host;
    case ETIMEDOUT:
        return Trouble::no_answer;
    case ECONNRESET: // the connection was made, and reset at once
    case EPIPE:
        return Trouble::closed;
    case EMFILE:
    case ENFILE:
        return Trouble::no_descriptors;
    default:
        return Trouble::none;
    }
}

Trouble kind_of_server(const Watched_Host &watched) {
    const std::string_view said{reinterpret_cast<const char *>(watched.first_bytes.data()), watched.first_size};
    if (said.starts_with("SSH-")) {
        return Trouble::ssh_server;
    }
    if (said.starts_with("HTTP/") || said.starts_with("<")) {
        return Trouble::http_server;
    }
    // A TLS record: an alert (0x15) or a handshake (0x16), of major version 3.
    if (said.size() >= 2 && (said[0] == 0x15 || said[0] == 0x16) && said[1] == 3) {
        return Trouble::tls_server;
    }
    return Trouble::other_server;
}

Trouble diagnose(const Watched_Host &watched, Reason reason) {
    switch (reason) {
    case Reason::proxy_refused:
        return Trouble::proxy_refused;
    case Reason::proxy_password:
        return Trouble::proxy_password;
    case Reason::proxy_closed:
        return Trouble::proxy_closed;
    case Reason::proxy_timeout:
        return Trouble::proxy_silent;
    case Reason::proxy_malformed:
        return Trouble::not_a_proxy;
    default:
        break;
    }
    const bool is_local = trouble_of_error(watched.error) == Trouble::no_descriptors;
    if (watched.proxy != Proxy_Type::none && watched.connected_at == 0 && !is_local) {
        return Trouble::proxy_unreachable;
    }
    if (watched.connected_at == 0) {
        const bool is_late = watched.error == 0 && reason == Reason::connect_timeout;
        return is_late ? Trouble::no_answer : trouble_of_error(watched.error);
    }
    if (watched.first_size != 0 || reason == Reason::handshake_failed) {
        return kind_of_server(watched);
    }
    // A full relay closes the connection at once, and a relay with another key closes it after the handshake. Here both
    // look the same, since the handshake is sent as soon as the connection is made; a query (server_query.h) tells them
    // apart. The reason is also `connect_failed` when the connection was made and reset at once.
    if (reason == Reason::end_of_stream || reason == Reason::reset || reason == Reason::connect_failed) {
        return Trouble::closed;
    }
    return reason == Reason::connect_timeout ? Trouble::silent : Trouble::none;
}

std::string diagnosis_text(const Watched_Host &watched, Reason reason, std::uint16_t proxy_status) {
    const Trouble found = diagnose(watched, reason);
    const bool is_method = found == Trouble::proxy_password && proxy_status == SOCKS5_NO_METHOD;
    const Trouble trouble = is_method ? Trouble::proxy_method : found;
    const std::string said = trouble == Trouble::proxy_refused ? proxy_status_text(watched.proxy, proxy_status) : "";
    return (trouble == Trouble::none ? to_string(reason) : sentence(trouble)) +
           (said.empty() ? said : " (it says: " + said + ')');
}

std::string why_not_connected(const Watched_Host &watched, const Relay_Info &relay) {
    const bool is_first = relay.last_end == Reason::none;
    const Reason reason = is_first && relay.at_proxy ? Reason::proxy_timeout : relay.last_end;
    const bool is_early = reason == Reason::none && diagnose(watched, reason) == Trouble::none;
    return is_early ? "no answer yet" : diagnosis_text(watched, reason, relay.proxy_status);
}

} // namespace toxtcp
