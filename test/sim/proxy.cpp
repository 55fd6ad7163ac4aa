#include "sim/proxy.h"

#include <array>
#include <string>
#include <string_view>

namespace toxtcp {

namespace {

/// Enough for any request, and for what passes at a time.
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

/// The request is answered: granted, or not.
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

void read_http_request(Sim_Proxy &proxy, Sim_Proxy_Session &session) {
    const std::string text{session.from_client.begin(), session.from_client.end()};
    const std::size_t end = text.find("\r\n\r\n");
    if (end == std::string::npos) {
        return;
    }
    session.from_client.erase(session.from_client.begin(), session.from_client.begin() + static_cast<long>(end) + 4);
    const std::string_view method = "CONNECT ";
    const std::size_t space = text.find(" HTTP/1.1\r\n");
    Ip_Port address;
    if (!text.starts_with(method) || space == std::string::npos ||
        !parse_ip_port(text.substr(method.size(), space - method.size()), address) ||
        text.find("\r\nHost: " + to_string(address) + "\r\n") == std::string::npos) {
        answer(proxy, session, false);
        return;
    }
    call(proxy, session, address);
}

void read_socks5_request(Sim_Proxy &proxy, Sim_Proxy_Session &session) {
    std::vector<std::uint8_t> &in = session.from_client;
    if (!session.greeted) {
        if (in.size() < 3) {
            return;
        }
        session.greeted = true;
        say(session, {5, static_cast<std::uint8_t>(in[0] == 5 && in[1] == 1 && in[2] == 0 ? 0 : 0xFF)});
        in.erase(in.begin(), in.begin() + 3);
    }
    const std::size_t length = in.size() < 4 ? 0U : in[3] == 4 ? 16U : 4U;
    if (length == 0 || in.size() < 4 + length + 2) {
        return;
    }
    Ip_Port address;
    address.family = length == 16 ? Family::ipv6 : Family::ipv4;
    std::copy_n(in.begin() + 4, length, address.ip.begin());
    address.port = static_cast<std::uint16_t>(in[4 + length] << 8 | in[5 + length]);
    in.erase(in.begin(), in.begin() + static_cast<long>(4 + length + 2));
    call(proxy, session, address);
}

void end_session(Sim_Proxy &proxy, Sim_Proxy_Session &session) {
    for (int *socket : {&session.client, &session.upstream}) {
        if (*socket >= 0) {
            sim_close(node_of(proxy), *socket);
            *socket = -1;
        }
    }
}

/// Reads what there is room for. False at the end.
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
        // The first thing that becomes of a call: it is writable when it was taken.
        std::uint8_t byte = 0;
        const bool failed = ready.readable && sim_receive(node, socket, {&byte, 1}) != SOCKET_WOULD_BLOCK;
        answer(proxy, session, !failed && ready.writable);
    }
    bool good = true;
    if (socket == session.client && ready.readable) {
        good = read_side(proxy, session.client, session.from_client);
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

void run(void *object) {
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
    proxy.proxy = {type, sim_new_address(net, family)};
    proxy.node = sim_add_node(net, proxy.proxy.address);
    Sim_Node &node = node_of(proxy);
    node.object = &proxy;
    node.run = run;
}

} // namespace toxtcp
