#include "sim/proxy.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <sodium.h>

namespace toxtcp {

namespace {

/// Bytes; enough for any request. In each direction no more is read before it is passed on.
constexpr std::size_t BUFFER = 16 * 1024;

Sim_Node &node_of(Sim_Proxy &proxy) {
    return *proxy.net->nodes[proxy.node];
}

void say(Sim_Proxy_Session &session, std::string_view text) {
    session.to_client.insert(session.to_client.end(), text.begin(), text.end());
}

void say(Sim_Proxy_Session &session, std::initializer_list<std::uint8_t> bytes) {
    session.to_client.insert(session.to_client.end(), bytes);
}

void call(Sim_Proxy &proxy, Sim_Proxy_Session &session, const Ip_Port &address) {
    session.upstream = proxy.refuses ? -1 : sim_connect(node_of(proxy), address);
    session.connecting = true;
    if (session.upstream >= 0) {
        sim_watch(node_of(proxy), session.upstream, static_cast<std::uint32_t>(session.upstream), true);
        proxy.to_ipv6 += address.family == Family::ipv6 ? 1 : 0;
    }
}

/// Answers the request.
void answer(Sim_Proxy &proxy, Sim_Proxy_Session &session, bool granted) {
    session.connecting = false;
    session.open = granted;
    proxy.granted += granted ? 1 : 0;
    if (proxy.proxy.type == Proxy_Type::http) {
        say(session, granted ? "HTTP/1.1 200 Connection established\r\nVia: a simulation\r\n\r\n"
                             : "HTTP/1.1 502 Bad gateway\r\nContent-Length: 0\r\n\r\n");
        return;
    }
    say(session, {5, static_cast<std::uint8_t>(granted ? 0 : 5), 0, proxy.bound_type});
    const std::size_t length = proxy.bound_type == 1 ? 4U : proxy.bound_type == 4 ? 16U : 8U;
    if (proxy.bound_type == 3) {
        say(session, {8});
    }
    say(session, std::string(length + 2, '\0'));
}

/// The address of what a client named by an address or a host name. Family none when the name is not known.
Ip_Port look_up(Sim_Proxy &proxy, const std::string &host_port) {
    Ip_Port address;
    if (parse_ip_port(host_port, address)) {
        return address;
    }
    const std::size_t colon = host_port.rfind(':');
    const auto named = proxy.names.find(host_port.substr(0, colon));
    if (colon == std::string::npos || named == proxy.names.end()) {
        return {};
    }
    ++proxy.by_name;
    address = named->second;
    address.port = static_cast<std::uint16_t>(std::stoul(host_port.substr(colon + 1)));
    return address;
}

std::string basic(const Sim_Proxy &proxy) {
    const std::string plain = proxy.user + ':' + proxy.password;
    std::string coded(sodium_base64_encoded_len(plain.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
    sodium_bin2base64(coded.data(), coded.size(), reinterpret_cast<const unsigned char *>(plain.data()), plain.size(),
                      sodium_base64_VARIANT_ORIGINAL);
    return "\r\nProxy-Authorization: Basic " + std::string{coded.c_str()} + "\r\n";
}

void read_http_request(Sim_Proxy &proxy, Sim_Proxy_Session &session) {
    const std::string text{session.from_client.begin(), session.from_client.end()};
    const std::size_t end = text.find("\r\n\r\n");
    if (end == std::string::npos) {
        return;
    }
    session.from_client.erase(session.from_client.begin(), session.from_client.begin() + static_cast<long>(end) + 4);
    const bool has_password = text.find("\r\nProxy-Authorization:") != std::string::npos;
    if (proxy.user.empty() ? has_password : text.find(basic(proxy)) == std::string::npos) {
        say(session, "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n");
        return;
    }
    const std::string_view method = "CONNECT ";
    const std::size_t space = text.find(" HTTP/1.1\r\n");
    const std::string target = space == std::string::npos ? "" : text.substr(method.size(), space - method.size());
    const Ip_Port address = look_up(proxy, target);
    if (!text.starts_with(method) || address.family == Family::none ||
        text.find("\r\nHost: " + target + "\r\n") == std::string::npos) {
        answer(proxy, session, false);
        return;
    }
    call(proxy, session, address);
}

/// Takes the first `size` bytes of those that the client has sent; none when there are fewer.
std::vector<std::uint8_t> take_from(Sim_Proxy_Session &session, std::size_t size) {
    std::vector<std::uint8_t> &in = session.from_client;
    if (in.size() < size) {
        return {};
    }
    const auto end = in.begin() + static_cast<long>(size);
    std::vector<std::uint8_t> taken{in.begin(), end};
    in.erase(in.begin(), end);
    return taken;
}

/// The start of SOCKS5: methods, and a password where one is required. Whether the client may send its request.
bool greet(Sim_Proxy &proxy, Sim_Proxy_Session &session) {
    const std::vector<std::uint8_t> &in = session.from_client;
    if (!session.greeted) {
        const std::vector<std::uint8_t> methods = take_from(session, in.size() < 2 ? SIZE_MAX : 2U + in[1]);
        if (methods.empty()) {
            return false;
        }
        const std::uint8_t wanted = proxy.user.empty() ? 0 : 2;
        const bool offered = std::find(methods.begin() + 2, methods.end(), wanted) != methods.end();
        session.greeted = true;
        session.trusted = wanted == 0;
        say(session, {5, offered && methods[0] == 5 ? wanted : std::uint8_t{0xFF}});
    }
    if (!session.trusted) {
        const std::size_t after_user = in.size() < 2 ? SIZE_MAX : 2U + in[1];
        const std::size_t size = in.size() <= after_user ? SIZE_MAX : after_user + 1 + in[after_user];
        const std::vector<std::uint8_t> given = take_from(session, size);
        if (given.empty()) {
            return false;
        }
        const std::string user{given.begin() + 2, given.begin() + static_cast<long>(after_user)};
        const std::string password{given.begin() + static_cast<long>(after_user) + 1, given.end()};
        session.trusted = user == proxy.user && password == proxy.password && given[0] == 1;
        say(session, {1, static_cast<std::uint8_t>(session.trusted ? 0 : 1)});
    }
    return session.trusted;
}

void read_socks5_request(Sim_Proxy &proxy, Sim_Proxy_Session &session) {
    if (!greet(proxy, session)) {
        return;
    }
    const std::vector<std::uint8_t> &in = session.from_client;
    const std::size_t length = in.size() < 5 ? SIZE_MAX / 2 : in[3] == 4 ? 16U : in[3] == 3 ? 1U + in[4] : 4U;
    const std::vector<std::uint8_t> request = take_from(session, 4 + length + 2);
    if (request.empty()) {
        return;
    }
    Ip_Port address;
    const auto port = static_cast<std::uint16_t>(request[4 + length] << 8 | request[5 + length]);
    if (request[3] == 3) {
        address = look_up(proxy, std::string{request.begin() + 5, request.begin() + 4 + static_cast<long>(length)} +
                                     ':' + std::to_string(port));
    } else {
        address.family = length == 16 ? Family::ipv6 : Family::ipv4;
        std::copy_n(request.begin() + 4, length, address.ip.begin());
        address.port = port;
    }
    if (address.family == Family::none) {
        answer(proxy, session, false);
    } else {
        call(proxy, session, address);
    }
}

void end_session(Sim_Proxy &proxy, Sim_Proxy_Session &session) {
    for (int *socket : {&session.client, &session.upstream}) {
        if (*socket >= 0) {
            sim_close(node_of(proxy), *socket);
            *socket = -1;
        }
    }
}

/// Reads as much as there is room for. False when the connection has ended.
bool read_side(Sim_Proxy &proxy, int socket, std::vector<std::uint8_t> &to) {
    std::array<std::uint8_t, BUFFER> buffer;
    while (to.size() < BUFFER) {
        const std::ptrdiff_t got = sim_receive(node_of(proxy), socket, Mutable_Bytes{buffer}.first(BUFFER - to.size()));
        if (got <= 0) {
            return got == SOCKET_WOULD_BLOCK;
        }
        to.insert(to.end(), buffer.begin(), buffer.begin() + got);
    }
    return true;
}

bool write_side(Sim_Proxy &proxy, int socket, std::vector<std::uint8_t> &from) {
    while (!from.empty()) {
        const std::ptrdiff_t sent = sim_send(node_of(proxy), socket, from);
        if (sent < 0) {
            return sent == SOCKET_WOULD_BLOCK;
        }
        from.erase(from.begin(), from.begin() + sent);
    }
    return true;
}

void serve(Sim_Proxy &proxy, Sim_Proxy_Session &session, int socket, const Ready &ready) {
    Sim_Node &node = node_of(proxy);
    if (session.connecting && socket == session.upstream) {
        // The first event of the connection to the target: it is writable if the target has accepted it.
        std::uint8_t byte = 0;
        const bool failed = ready.readable && sim_receive(node, socket, {&byte, 1}) != SOCKET_WOULD_BLOCK;
        answer(proxy, session, !failed && ready.writable);
    }
    bool good = true;
    if (socket == session.client && ready.readable) {
        good = read_side(proxy, session.client, session.from_client);
        if (proxy.closes != 0) {
            sim_close(node, session.client, proxy.closes == 2);
            session.client = -1;
            return;
        }
        if (good && !session.from_client.empty() && !session.open && !session.connecting && !proxy.silent) {
            if (!proxy.answers.empty()) {
                session.to_client = proxy.answers;
                session.from_client.clear();
            } else if (proxy.proxy.type == Proxy_Type::http) {
                read_http_request(proxy, session);
            } else {
                read_socks5_request(proxy, session);
            }
            if (session.connecting && session.upstream < 0) {
                answer(proxy, session, false);
            }
        }
    }
    if (session.open) {
        good = good && read_side(proxy, session.upstream, session.to_client) &&
               write_side(proxy, session.upstream, session.from_client);
    }
    good = write_side(proxy, session.client, session.to_client) && good;
    if (!good) {
        end_session(proxy, session);
        return;
    }
    sim_watch(node, session.client, static_cast<std::uint32_t>(session.client), !session.to_client.empty());
    if (session.upstream >= 0 && !session.connecting) {
        sim_watch(node, session.upstream, static_cast<std::uint32_t>(session.upstream), !session.from_client.empty());
    }
}

void run_proxy(void *object) {
    Sim_Proxy &proxy = *static_cast<Sim_Proxy *>(object);
    Sim_Node &node = node_of(proxy);
    for (int socket = sim_accept(node); socket >= 0; socket = sim_accept(node)) {
        proxy.sessions.emplace_back();
        proxy.sessions.back().client = socket;
    }
    std::array<Ready, 64> ready;
    const std::size_t count = sim_ready(node, ready);
    for (const Ready &one : std::span{ready}.first(count)) {
        const int socket = static_cast<int>(one.tag);
        for (Sim_Proxy_Session &session : proxy.sessions) {
            if (session.client == socket || session.upstream == socket) {
                serve(proxy, session, socket, one);
                break;
            }
        }
    }
    std::erase_if(proxy.sessions, [](const Sim_Proxy_Session &session) { return session.client < 0; });
}

} // namespace

void sim_proxy_start(Sim_Proxy &proxy, Sim_Network &net, Proxy_Type type, Family family) {
    proxy.net = &net;
    proxy.proxy.type = type;
    proxy.proxy.address = sim_new_address(net, family);
    proxy.node = sim_add_node(net, proxy.proxy.address);
    Sim_Node &node = node_of(proxy);
    node.object = &proxy;
    node.run = run_proxy;
}

} // namespace toxtcp
