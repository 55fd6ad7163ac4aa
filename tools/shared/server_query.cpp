#include "tools/shared/server_query.h"

#include <algorithm>
#include <cerrno>

namespace toxtcp {

namespace {

/// How long nothing is sent. A full relay closes the connection one round trip after the connection is made.
constexpr std::uint64_t QUERY_SILENCE_US = 2 * SECOND_US;

/// The greeting: a TLS ClientHello whose session id is empty lines, so that a web server without TLS takes it for a
/// request, and refuses it. No byte before the empty lines is a line feed. The greeting is exactly as long as the
/// handshake request, which it replaces: a relay reads the whole greeting, and then closes the connection.
constexpr char GREETING[] = "\x16\x03\x01\x00\x7b"                     // a record with a handshake of 123 bytes
                            "\x01\x00\x00\x77\x03\x03"                 // ClientHello of 119 bytes, TLS 1.2
                            "toxtcp asks which server this is"         // in place of the 32 random bytes
                            "\x20"                                     // session id: the next 32 bytes
                            "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n"         //
                            "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n"         //
                            "\x00\x08\xc0\x2b\xc0\x2f\x00\x9c\x00\x2f" // four cipher suites
                            "\x01\x00"                                 // no compression
                            "\x00\x26\x00\x15\x00\x22"                 // one extension: padding of 34 bytes
                            "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
                            "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";
static_assert(sizeof GREETING == HANDSHAKE_REQUEST_SIZE + 1);

Server_Query &query_of(void *object) {
    return static_cast<Server_Query &>(*static_cast<Watched_Host *>(object));
}

/// Sends the greeting instead of the handshake. Bytes for the proxy are sent as they are.
std::ptrdiff_t send_greeting(void *object, int socket, Bytes bytes) {
    Server_Query &query = query_of(object);
    note_handshake(query, bytes);
    if (!query.at_relay) {
        return query.watched_functions.send(object, socket, bytes);
    }
    const std::uint64_t now = now_us();
    query.greet_at = query.greet_at == 0 ? now + QUERY_SILENCE_US : query.greet_at;
    if (now < query.greet_at) {
        // Until then the socket must not be reported as ready for writing. If this fails, it is reported too often.
        static_cast<void>(query.watched_functions.watch(object, socket, query.tag, false));
        return SOCKET_WOULD_BLOCK;
    }
    const Bytes greeting{reinterpret_cast<const std::uint8_t *>(GREETING), HANDSHAKE_REQUEST_SIZE};
    const std::ptrdiff_t sent = query.watched_functions.send(object, socket, greeting.last(bytes.size()));
    query.has_greeted = query.has_greeted || sent > 0;
    return sent;
}

std::ptrdiff_t receive_answer(void *object, int socket, Mutable_Bytes first, Mutable_Bytes rest) {
    Server_Query &query = query_of(object);
    // The proxy's answer is read byte by byte, so that no byte of the server is taken for a byte of the proxy.
    const bool is_from_proxy = query.proxy != Proxy_Type::none && !query.at_relay;
    const std::size_t size = is_from_proxy ? std::min<std::size_t>(rest.size(), 1) : rest.size();
    const std::ptrdiff_t received = query.watched_functions.receive(object, socket, first, rest.first(size));
    const bool is_reset = received == SOCKET_FAILED && (errno == ECONNRESET || errno == EPIPE);
    query.has_closed = query.has_closed || (query.at_relay && (received == SOCKET_END || is_reset));
    return received;
}

bool watch_query(void *object, int socket, std::uint32_t tag, bool writing) {
    query_of(object).socket = socket;
    query_of(object).tag = tag;
    return query_of(object).watched_functions.watch(object, socket, tag, writing);
}

/// Whether nothing is sent now because the greeting is to be sent later.
bool greeting_is_pending(const Server_Query &query) {
    return query.greet_at != 0 && !query.silence_is_over;
}

} // namespace

bool query_may_help(Trouble trouble) {
    return trouble == Trouble::closed || trouble == Trouble::silent || trouble == Trouble::other_server;
}

bool server_query_open(Server_Query &query, const Relay_Address &relay, const Proxy &proxy, std::uint64_t timeout_us) {
    query = {};
    query.ends_at = now_us() + QUERY_SILENCE_US + timeout_us;
    Tcp_Connections_Def def;
    Public_Key own_key;
    new_key_pair(own_key, def.secret_key);
    if (!watched_host_open(query, proxy.type, own_key)) {
        return false;
    }
    query.relay_key = relay.relay.key;
    query.watched_functions = query.host;
    query.host.send = send_greeting;
    query.host.receive = receive_answer;
    query.host.watch = watch_query;
    def.host = &query.host;
    def.proxy = proxy;
    query.tcp = new_tcp_connections(def);
    if (query.tcp == nullptr || add_relay(query.tcp, relay) != Error::ok) {
        server_query_close(query);
        return false;
    }
    return true;
}

bool server_query_step(Server_Query &query, std::uint64_t now) {
    do_tcp_connections(query.tcp, nullptr);
    Relay_Info info;
    const bool goes_on = now < query.ends_at &&
                         tcp_relay_info(query.tcp, tcp_relay(query.tcp, query.relay_key), info) &&
                         info.last_end == Reason::none && query.first_size < query.first_bytes.size() &&
                         kind_of_server(query) == Trouble::other_server;
    if (goes_on && greeting_is_pending(query) && now >= query.greet_at) {
        query.silence_is_over = true;
        static_cast<void>(query.watched_functions.watch(&query, query.socket, query.tag, true));
    }
    return !goes_on;
}

std::uint64_t server_query_wake_time(const Server_Query &query) {
    if (query.tcp == nullptr) {
        return UINT64_MAX;
    }
    return greeting_is_pending(query) ? std::min(query.greet_at, query.ends_at) : query.ends_at;
}

Trouble server_query_result(const Server_Query &query, Trouble before) {
    if (query.first_size != 0) {
        return kind_of_server(query);
    }
    if (before != Trouble::closed || !query.has_closed) {
        return before;
    }
    return query.has_greeted ? Trouble::other_key : Trouble::full;
}

void server_query_close(Server_Query &query) {
    kill_tcp_connections(query.tcp);
    query.tcp = nullptr;
    watched_host_close(query);
}

} // namespace toxtcp
