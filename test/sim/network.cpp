#include "sim/network.h"

#include <cstring>

namespace toxtcp {

namespace {

using Kind = Sim_Event::Kind;
using State = Sim_Link::State;
using What = Sim_Pipe::What;

/// A lost connection request is repeated after this long, then after twice as long, and so on, as TCP does.
constexpr std::uint64_t CALL_AGAIN_MS = 1'000;

void schedule(Sim_Network &net, std::uint64_t at, Kind kind, std::uint32_t index, std::uint32_t generation) {
    net.events.push({std::max(at, net.now), net.order++, kind, index, generation});
}

bool address_less(const std::pair<Ip_Port, std::uint32_t> &a, const std::pair<Ip_Port, std::uint32_t> &b) {
    return std::tie(a.first.family, a.first.ip, a.first.port) < std::tie(b.first.family, b.first.ip, b.first.port);
}

Sim_Node *find_listener(Sim_Network &net, const Ip_Port &address) {
    const auto at = std::lower_bound(net.listeners.begin(), net.listeners.end(), std::pair{address, 0U}, address_less);
    return at != net.listeners.end() && at->first == address ? net.nodes[at->second].get() : nullptr;
}

std::pair<std::uint32_t, std::uint32_t> pair_of(std::uint32_t a, std::uint32_t b) {
    return {std::min(a, b), std::max(a, b)};
}

/// Whether nothing passes between the two.
bool is_cut(const Sim_Network &net, std::uint32_t a, std::uint32_t b) {
    const Sim_Node &x = *net.nodes[a];
    const Sim_Node &y = *net.nodes[b];
    return x.cut || y.cut || x.down || y.down || (!net.cuts.empty() && net.cuts.count(pair_of(a, b)) != 0);
}

std::uint64_t travel_time(Sim_Network &net, const Sim_Link &link) {
    const Sim_Node &a = *net.nodes[link.node[0]];
    const Sim_Node &b = *net.nodes[link.node[1]];
    const std::uint64_t jitter = a.jitter + b.jitter;
    return a.latency + a.lag + b.latency + b.lag + (jitter == 0 ? 0 : sim_below(net.random, jitter + 1));
}

/// The most bytes that arrive together on this link; 0: no limit.
std::size_t piece_limit(const Sim_Network &net, const Sim_Link &link) {
    const std::size_t a = net.nodes[link.node[0]]->piece;
    const std::size_t b = net.nodes[link.node[1]]->piece;
    return a == 0 || b == 0 ? std::max(a, b) : std::min(a, b);
}

std::size_t draw_piece(Sim_Network &net, const Sim_Link &link) {
    const std::size_t limit = piece_limit(net, link);
    return limit == 0 ? SIZE_MAX : 1 + sim_below(net.random, limit);
}

std::uint64_t spread_of(const Sim_Network &net, const Sim_Link &link) {
    return std::max(net.nodes[link.node[0]]->spread, net.nodes[link.node[1]]->spread);
}

// ---- readiness -------------------------------------------------------------------------------------------------

std::size_t room(const Sim_Network &net, const Sim_Link &link, int side) {
    const std::size_t capacity = net.nodes[link.node[1 - side]]->capacity;
    const std::size_t size = link.pipe[side].size();
    return size < capacity ? capacity - size : 0;
}

bool has_failed(const Sim_Link &link, int side) {
    return link.state == State::failed || link.pipe[1 - side].reset;
}

/// The side that accepted may use the link at once; the side that connected, when it has the answer.
bool is_usable(const Sim_Link &link, int side) {
    return link.state == State::open || side == 1;
}

bool is_readable(const Sim_Link &link, int side) {
    const Sim_Pipe &in = link.pipe[1 - side];
    return has_failed(link, side) || (is_usable(link, side) && (in.arrived > 0 || in.ended));
}

bool is_writable(const Sim_Network &net, const Sim_Link &link, int side) {
    return has_failed(link, side) || (is_usable(link, side) && room(net, link, side) > 0);
}

bool is_ready(const Sim_Node &node, const Sim_Socket &socket, Ready &ready) {
    if (socket.link == UINT32_MAX || !socket.watched) {
        return false;
    }
    const Sim_Link &link = node.net->links[socket.link];
    ready.tag = socket.tag;
    ready.readable = is_readable(link, socket.side);
    ready.writable = (socket.writing || has_failed(link, socket.side)) && is_writable(*node.net, link, socket.side);
    return ready.readable || ready.writable;
}

void wake(Sim_Node &node, std::uint64_t at) {
    at = std::max(at, node.net->now);
    if (at < node.wake_at && !node.stopped) {
        node.wake_at = at;
        schedule(*node.net, at, Kind::wake, node.number, 0);
    }
}

/// Lists the socket and wakes the node, if the socket has become ready.
void notice(Sim_Node &node, int number) {
    Sim_Socket &socket = node.sockets[static_cast<std::size_t>(number)];
    Ready ready{};
    if (socket.listed || !is_ready(node, socket, ready)) {
        return;
    }
    socket.listed = true;
    node.listed.push_back(number);
    if (node.interval == 0) {
        wake(node, node.deaf_until);
    }
}

/// Removes sockets from the list that are no longer ready. Whether a socket is ready or a connection can be accepted.
bool any_ready(Sim_Node &node) {
    std::erase_if(node.listed, [&](int number) {
        Sim_Socket &socket = node.sockets[static_cast<std::size_t>(number)];
        Ready ready{};
        socket.listed = is_ready(node, socket, ready);
        return !socket.listed;
    });
    return !node.listed.empty() || !node.accepted.empty();
}

void notice_side(Sim_Network &net, Sim_Link &link, int side) {
    if (link.socket[side] >= 0) {
        notice(*net.nodes[link.node[side]], link.socket[side]);
    }
}

// ---- sockets and links -----------------------------------------------------------------------------------------

int open_socket(Sim_Node &node, std::uint32_t link, std::uint8_t side) {
    int number = 0;
    if (node.free_sockets.empty()) {
        number = static_cast<int>(node.sockets.size());
        node.sockets.emplace_back();
    } else {
        number = node.free_sockets.back();
        node.free_sockets.pop_back();
    }
    Sim_Socket &socket = node.sockets[static_cast<std::size_t>(number)];
    const bool listed = socket.listed; // the number may still be in the list, for a closed socket
    socket = Sim_Socket{};
    socket.listed = listed;
    socket.link = link;
    socket.side = side;
    return number;
}

void release_socket(Sim_Node &node, int number) {
    Sim_Socket &socket = node.sockets[static_cast<std::size_t>(number)];
    socket.link = UINT32_MAX;
    node.free_sockets.push_back(number);
}

void free_link(Sim_Network &net, std::uint32_t index) {
    Sim_Link &link = net.links[index];
    const std::uint32_t generation = link.generation + 1;
    link = Sim_Link{};
    link.generation = generation;
    net.free_links.push_back(index);
}

void plan_pipe(Sim_Network &net, std::uint32_t index, int side) {
    Sim_Link &link = net.links[index];
    Sim_Pipe &pipe = link.pipe[side];
    if (!pipe.flight.empty() && !pipe.held && pipe.flight.front().at < pipe.event_at) {
        pipe.event_at = pipe.flight.front().at;
        schedule(net, pipe.event_at, Kind::pipe, index * 2 + static_cast<std::uint32_t>(side), link.generation);
    }
}

void put(Sim_Network &net, std::uint32_t index, int side, std::uint64_t at, std::size_t count, What what) {
    Sim_Pipe &pipe = net.links[index].pipe[side];
    at = std::max(at, pipe.last_arrival);
    pipe.last_arrival = at;
    if (what == What::bytes && !pipe.flight.empty() && pipe.flight.back().at == at &&
        pipe.flight.back().what == What::bytes) {
        pipe.flight.back().count += count;
    } else {
        pipe.flight.push_back({at, count, what});
    }
    plan_pipe(net, index, side);
}

/// A reset overtakes what is under way, which is lost.
void put_reset(Sim_Network &net, std::uint32_t index, int side) {
    Sim_Link &link = net.links[index];
    Sim_Pipe &pipe = link.pipe[side];
    if (!pipe.reset && (pipe.flight.empty() || pipe.flight.back().what != What::reset)) {
        pipe.last_arrival = 0;
        pipe.flight.clear();
        pipe.event_at = NEVER;
        put(net, index, side, net.now + travel_time(net, link), 0, What::reset);
    }
}

void close_side(Sim_Network &net, std::uint32_t index, int side, Sim_Ending ending) {
    Sim_Link &link = net.links[index];
    link.socket[side] = -1;
    if (link.socket[1 - side] < 0) {
        free_link(net, index);
    } else if (ending == Sim_Ending::end_of_stream) {
        put(net, index, side, net.now + travel_time(net, link), 0, What::end);
    } else if (ending == Sim_Ending::reset) {
        put_reset(net, index, side);
    }
}

/// A connection request arrives, or its answer comes back.
void step_link(Sim_Network &net, std::uint32_t index, std::uint32_t generation) {
    Sim_Link &link = net.links[index];
    if (link.generation != generation) {
        return;
    }
    Sim_Node *server = find_listener(net, link.address);
    const auto later = [&](std::uint64_t ms) { schedule(net, net.now + ms, Kind::link, index, generation); };
    const bool cut = is_cut(net, link.node[0], server == nullptr ? link.node[0] : server->number);
    if (cut || (server != nullptr && server->blackhole && link.state == State::calling)) {
        link.again = link.again == 0 ? CALL_AGAIN_MS : 2 * link.again;
        later(link.again);
        return;
    }
    switch (link.state) {
    case State::calling:
        if (server == nullptr || server->refusing) {
            link.state = State::refused;
            later(server == nullptr ? 2 * net.nodes[link.node[0]]->latency : travel_time(net, link));
            return;
        }
        link.node[1] = server->number;
        link.state = State::answered;
        link.socket[1] = open_socket(*server, index, 1);
        server->accepted.push_back(link.socket[1]);
        if (server->interval == 0) {
            wake(*server, server->deaf_until);
        }
        later(travel_time(net, link));
        break;
    case State::answered:
        link.state = State::open;
        notice_side(net, link, 0);
        break;
    case State::refused:
        link.state = State::failed;
        notice_side(net, link, 0);
        break;
    default:
        break;
    }
}

void step_pipe(Sim_Network &net, std::uint32_t number, std::uint32_t generation) {
    const std::uint32_t index = number / 2;
    const int side = static_cast<int>(number % 2);
    Sim_Link &link = net.links[index];
    Sim_Pipe &pipe = link.pipe[side];
    if (link.generation != generation || pipe.event_at > net.now) {
        return;
    }
    pipe.event_at = NEVER;
    if (is_cut(net, link.node[0], link.node[1])) {
        pipe.held = true;
        return;
    }
    while (!pipe.flight.empty() && pipe.flight.front().at <= net.now) {
        const Sim_Pipe::Segment segment = pipe.flight.front();
        pipe.flight.pop_front();
        if (link.socket[1 - side] < 0) {
            // The receiver has closed its socket. It answers everything but a reset with a reset.
            pipe.bytes.clear();
            pipe.begin = 0;
            if (segment.what != What::reset && link.socket[side] >= 0) {
                put_reset(net, index, 1 - side);
            }
            continue;
        }
        switch (segment.what) {
        case What::bytes:
            pipe.arrived += segment.count;
            break;
        case What::end:
            pipe.ended = true;
            break;
        case What::reset:
            pipe.reset = true;
            pipe.bytes.clear();
            pipe.begin = pipe.arrived = 0;
            pipe.flight.clear();
            break;
        }
    }
    notice_side(net, link, 1 - side);
    if (pipe.reset) {
        // The side that sent the reset has closed its socket, so nobody can read what is under way to it.
        link.pipe[1 - side].flight.clear();
    }
    plan_pipe(net, index, side);
}

/// Lets go on what a cut has held up, on all links that are no longer cut.
void release(Sim_Network &net, std::uint64_t resume_after) {
    for (std::uint32_t i = 0; i < net.links.size(); ++i) {
        Sim_Link &link = net.links[i];
        for (int side = 0; side < 2; ++side) {
            Sim_Pipe &pipe = link.pipe[side];
            if (link.state == State::unused || !pipe.held || is_cut(net, link.node[0], link.node[1])) {
                continue;
            }
            pipe.held = false;
            const std::uint64_t at = net.now + travel_time(net, link) + resume_after;
            for (Sim_Pipe::Segment &segment : pipe.flight) {
                segment.at = std::max(segment.at, at);
            }
            pipe.last_arrival = std::max(pipe.last_arrival, at);
            plan_pipe(net, i, side);
        }
    }
}

// ---- running ---------------------------------------------------------------------------------------------------

std::uint64_t deadline_of(const Sim_Node &node) {
    return node.deadline == nullptr ? NEVER : node.deadline(node.object);
}

void plan_run(Sim_Node &node) {
    if (node.run == nullptr || node.stopped) {
        return;
    }
    if (node.interval != 0) {
        if (node.wake_at == NEVER) {
            wake(node, node.net->now + node.interval);
        }
        return;
    }
    if (any_ready(node)) {
        wake(node, node.deaf_until);
    }
    const std::uint64_t deadline = deadline_of(node);
    if (deadline != NEVER) {
        wake(node, deadline);
    }
}

void run_node(Sim_Node &node) {
    if (node.run == nullptr) {
        return;
    }
    const std::uint64_t now = node.net->now;
    const std::uint64_t before = node.progress;
    ++node.runs;
    node.run(node.object);
    if (node.interval != 0) {
        wake(node, now + node.interval);
        return;
    }
    node.deaf_until = now + node.rest;
    if (node.progress == before && ((any_ready(node) && node.rest == 0) || deadline_of(node) <= now)) {
        // The program used no socket and is due again at once. It runs again 1 ms later, so that the clock goes on.
        ++node.spins;
        wake(node, now + 1);
        return;
    }
    plan_run(node);
}

void wake_node(Sim_Network &net, std::uint32_t number) {
    Sim_Node &node = *net.nodes[number];
    if (node.wake_at > net.now) {
        return; // this event is out of date: the node has run since, or was stopped
    }
    node.wake_at = NEVER;
    if (node.stopped) {
        return;
    }
    if (node.interval != 0 || (any_ready(node) && net.now >= node.deaf_until) || deadline_of(node) <= net.now) {
        run_node(node);
    } else {
        plan_run(node);
    }
}

void misused(Sim_Node &node, const char *what) {
    node.net->misuse.push_back("node " + std::to_string(node.number) + ": " + what);
}

Sim_Socket *find_socket(Sim_Node &node, int number, const char *call) {
    if (number < 0 || static_cast<std::size_t>(number) >= node.sockets.size() ||
        node.sockets[static_cast<std::size_t>(number)].link == UINT32_MAX) {
        misused(node, call);
        return nullptr;
    }
    return &node.sockets[static_cast<std::size_t>(number)];
}

} // namespace

// ---- randomness ------------------------------------------------------------------------------------------------

std::uint64_t sim_random(Sim_Random &random) {
    random.state += 0x9E3779B97F4A7C15U;
    std::uint64_t z = random.state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
}

std::uint64_t sim_below(Sim_Random &random, std::uint64_t limit) {
    return sim_random(random) % limit; // the bias does not matter for limits this small
}

void sim_fill(Sim_Random &random, Mutable_Bytes bytes) {
    while (!bytes.empty()) {
        std::uint64_t drawn = sim_random(random);
        const std::size_t count = std::min(bytes.size(), sizeof drawn);
        for (std::uint8_t &byte : bytes.first(count)) { // the same bytes on every machine
            byte = static_cast<std::uint8_t>(drawn);
            drawn >>= 8;
        }
        bytes = bytes.subspan(count);
    }
}

Random sim_random_source(Sim_Random &random) {
    return {&random, [](void *object, Mutable_Bytes bytes) { sim_fill(*static_cast<Sim_Random *>(object), bytes); }};
}

// ---- nodes -----------------------------------------------------------------------------------------------------

Sim_Network::Sim_Network(std::uint64_t seed_) : seed{seed_}, random{seed_} {}

std::uint32_t sim_add_node(Sim_Network &net, const Ip_Port &address) {
    const auto number = static_cast<std::uint32_t>(net.nodes.size());
    net.nodes.push_back(std::make_unique<Sim_Node>());
    Sim_Node &node = *net.nodes.back();
    node.net = &net;
    node.number = number;
    node.address = address;
    node.random.state = sim_random(net.random);
    if (address.family != Family::none) {
        const std::pair entry{address, number};
        net.listeners.insert(std::upper_bound(net.listeners.begin(), net.listeners.end(), entry, address_less), entry);
    }
    return number;
}

Ip_Port sim_new_address(Sim_Network &net, Family family) {
    const auto number = static_cast<std::uint32_t>(net.nodes.size() + 1);
    Ip_Port address;
    address.family = family;
    address.port = 33445;
    if (family == Family::ipv4) {
        address.ip = {10, static_cast<std::uint8_t>(number >> 16), static_cast<std::uint8_t>(number >> 8),
                      static_cast<std::uint8_t>(number)};
    } else {
        address.ip = {0x20, 0x01, 0x0D, 0xB8};
        address.ip[13] = static_cast<std::uint8_t>(number >> 16);
        address.ip[14] = static_cast<std::uint8_t>(number >> 8);
        address.ip[15] = static_cast<std::uint8_t>(number);
    }
    return address;
}

void sim_touch(Sim_Network &net, std::uint32_t node) {
    plan_run(*net.nodes[node]);
}

/// Host::wait: lets all other nodes run meanwhile.
static bool wait_in_network(Sim_Node &node, int milliseconds) {
    Sim_Network &net = *node.net;
    const std::uint64_t end = milliseconds < 0 ? NEVER : net.now + static_cast<std::uint64_t>(milliseconds);
    sim_touch_all(net);
    while (!any_ready(node) && net.now < end && std::min(end, sim_next(net)) != NEVER) {
        sim_run(net, std::min(end, std::max(sim_next(net), net.now)));
    }
    return any_ready(node);
}

Host sim_host(Sim_Network &net, std::uint32_t client, bool readiness) {
    Host host;
    host.object = net.nodes[client].get();
    host.connect = [](void *object, const Ip_Port &address) {
        return sim_connect(*static_cast<Sim_Node *>(object), address);
    };
    host.send = [](void *object, int socket, Bytes bytes) {
        return sim_send(*static_cast<Sim_Node *>(object), socket, bytes);
    };
    host.receive = [](void *object, int socket, Mutable_Bytes first, Mutable_Bytes rest) {
        Sim_Node &self = *static_cast<Sim_Node *>(object);
        // This counts as one call of the host, though it may take two receives here.
        const std::uint64_t calls = self.calls.receive + 1;
        std::ptrdiff_t got = SOCKET_WOULD_BLOCK;
        if (first.empty()) {
            got = sim_receive(self, socket, rest);
        } else {
            got = sim_receive(self, socket, first);
            if (got == static_cast<std::ptrdiff_t>(first.size()) && !rest.empty()) {
                const std::ptrdiff_t more = sim_receive(self, socket, rest);
                got += std::max<std::ptrdiff_t>(more, 0);
            }
        }
        self.calls.receive = calls;
        return got;
    };
    host.close = [](void *object, int socket) { sim_close(*static_cast<Sim_Node *>(object), socket); };
    host.now = [](void *object) { return static_cast<Sim_Node *>(object)->net->now; };
    host.random = [](void *object, Mutable_Bytes bytes) { sim_fill(static_cast<Sim_Node *>(object)->random, bytes); };
    host.log = [](void *object, Log_Level level, const char *message) {
        Sim_Node &self = *static_cast<Sim_Node *>(object);
        if (level >= self.log_from) {
            self.log.push_back({self.net->now, level, message});
        }
    };
    if (readiness) {
        host.watch = [](void *object, int socket, std::uint32_t tag, bool writing) {
            sim_watch(*static_cast<Sim_Node *>(object), socket, tag, writing);
            return true;
        };
        host.ready = [](void *object, std::span<Ready> ready) {
            return sim_ready(*static_cast<Sim_Node *>(object), ready);
        };
        host.descriptor = [](void *object) { return static_cast<int>(static_cast<Sim_Node *>(object)->number); };
        host.wait = [](void *object, int milliseconds) {
            return wait_in_network(*static_cast<Sim_Node *>(object), milliseconds);
        };
    }
    return host;
}

// ---- time ------------------------------------------------------------------------------------------------------

std::uint64_t sim_next(const Sim_Network &net) {
    return net.events.empty() ? NEVER : net.events.top().at;
}

void sim_touch_all(Sim_Network &net) {
    for (const auto &node : net.nodes) {
        plan_run(*node);
    }
}

void sim_run(Sim_Network &net, std::uint64_t until) {
    while (sim_next(net) <= until) {
        const Sim_Event event = net.events.top();
        net.events.pop();
        net.now = event.at;
        switch (event.kind) {
        case Kind::link:
            step_link(net, event.index, event.generation);
            break;
        case Kind::pipe:
            step_pipe(net, event.index, event.generation);
            break;
        case Kind::wake:
            wake_node(net, event.index);
            break;
        case Kind::action: {
            const std::function<void()> action = std::move(net.actions[event.index]);
            net.actions[event.index] = nullptr;
            net.free_actions.push_back(event.index);
            action();
            break;
        }
        }
    }
    net.now = until;
}

void sim_advance(Sim_Network &net, std::uint64_t ms) {
    sim_touch_all(net);
    sim_run(net, net.now + ms);
}

void sim_at(Sim_Network &net, std::uint64_t at, std::function<void()> action) {
    std::uint32_t index = 0;
    if (net.free_actions.empty()) {
        index = static_cast<std::uint32_t>(net.actions.size());
        net.actions.push_back(std::move(action));
    } else {
        index = net.free_actions.back();
        net.free_actions.pop_back();
        net.actions[index] = std::move(action);
    }
    schedule(net, at, Kind::action, index, 0);
}

// ---- what can happen to a node ---------------------------------------------------------------------------------

void sim_stop(Sim_Network &net, std::uint32_t number, bool stopped) {
    Sim_Node &node = *net.nodes[number];
    node.stopped = stopped;
    if (stopped) {
        node.wake_at = NEVER;
    } else {
        plan_run(node);
    }
}

void sim_cut(Sim_Network &net, std::uint32_t node, bool cut, std::uint64_t resume_after) {
    net.nodes[node]->cut = cut;
    if (!cut) {
        release(net, resume_after);
    }
}

void sim_cut_between(Sim_Network &net, std::uint32_t a, std::uint32_t b, bool cut) {
    if (cut) {
        net.cuts.insert(pair_of(a, b));
    } else {
        net.cuts.erase(pair_of(a, b));
        release(net, 0);
    }
}

void sim_kill(Sim_Network &net, std::uint32_t number, Sim_Ending ending) {
    Sim_Node &node = *net.nodes[number];
    for (std::size_t i = 0; i < node.sockets.size(); ++i) {
        const Sim_Socket socket = node.sockets[i];
        if (socket.link != UINT32_MAX) {
            release_socket(node, static_cast<int>(i));
            close_side(net, socket.link, socket.side, ending);
        }
    }
    node.accepted.clear();
    node.refusing = true;
    node.down = node.down || ending == Sim_Ending::silence;
}

void sim_return(Sim_Network &net, std::uint32_t number) {
    Sim_Node &node = *net.nodes[number];
    node.refusing = false;
    if (node.down) {
        node.down = false;
        release(net, 0);
    }
}

// ---- sockets ---------------------------------------------------------------------------------------------------

int sim_connect(Sim_Node &node, const Ip_Port &address) {
    Sim_Network &net = *node.net;
    ++node.calls.connect;
    if (node.unreachable || node.open_sockets() >= node.max_sockets) {
        return -1;
    }
    ++node.progress;
    std::uint32_t index = 0;
    if (net.free_links.empty()) {
        index = static_cast<std::uint32_t>(net.links.size());
        net.links.emplace_back();
    } else {
        index = net.free_links.back();
        net.free_links.pop_back();
    }
    ++net.links_made;
    const int number = open_socket(node, index, 0);
    Sim_Link &link = net.links[index];
    link.state = State::calling;
    link.address = address;
    link.node[0] = link.node[1] = node.number;
    link.socket[0] = number;
    std::uint64_t travel = node.latency;
    if (const Sim_Node *server = find_listener(net, address)) {
        link.node[1] = server->number;
        travel = travel_time(net, link);
    }
    schedule(net, net.now + travel, Kind::link, index, link.generation);
    return number;
}

int sim_accept(Sim_Node &node) {
    if (node.accepted.empty()) {
        return -1;
    }
    const int number = node.accepted.front();
    node.accepted.pop_front();
    ++node.progress;
    sim_watch(node, number, static_cast<std::uint32_t>(number), false);
    return number;
}

std::ptrdiff_t sim_send(Sim_Node &node, int number, Bytes bytes) {
    Sim_Network &net = *node.net;
    ++node.calls.send;
    Sim_Socket *socket = find_socket(node, number, "send to a socket that is not open");
    if (socket == nullptr) {
        return SOCKET_FAILED;
    }
    if (bytes.empty()) {
        misused(node, "send of nothing");
        return SOCKET_WOULD_BLOCK;
    }
    Sim_Link &link = net.links[socket->link];
    const int side = socket->side;
    if (has_failed(link, side)) {
        return SOCKET_FAILED;
    }
    if (!is_usable(link, side)) {
        return SOCKET_WOULD_BLOCK;
    }
    std::size_t count = std::min(bytes.size(), room(net, link, side));
    if (node.send_piece != 0) {
        count = std::min(count, node.send_piece);
    }
    if (count == 0) {
        return SOCKET_WOULD_BLOCK;
    }
    ++node.progress;
    Sim_Pipe &pipe = link.pipe[side];
    if (pipe.begin > 0 && pipe.begin + pipe.begin >= pipe.bytes.size()) {
        pipe.bytes.erase(pipe.bytes.begin(), pipe.bytes.begin() + static_cast<std::ptrdiff_t>(pipe.begin));
        pipe.begin = 0;
    }
    pipe.bytes.insert(pipe.bytes.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
    const std::uint64_t spread = spread_of(net, link);
    std::uint64_t at = net.now + travel_time(net, link);
    if (spread == 0) {
        put(net, socket->link, side, at, count, What::bytes);
    } else {
        at = std::max(at, pipe.flight.empty() ? 0 : pipe.last_arrival + spread);
        for (std::size_t left = count; left > 0; at += spread) {
            const std::size_t piece = std::min(left, draw_piece(net, link));
            put(net, socket->link, side, at, piece, What::bytes);
            left -= piece;
        }
    }
    return static_cast<std::ptrdiff_t>(count);
}

std::ptrdiff_t sim_receive(Sim_Node &node, int number, Mutable_Bytes bytes) {
    Sim_Network &net = *node.net;
    ++node.calls.receive;
    const Sim_Socket *socket = find_socket(node, number, "receive from a socket that is not open");
    if (socket == nullptr) {
        return SOCKET_FAILED;
    }
    if (bytes.empty()) {
        misused(node, "receive of nothing");
        return SOCKET_WOULD_BLOCK;
    }
    Sim_Link &link = net.links[socket->link];
    const int side = socket->side;
    Sim_Pipe &pipe = link.pipe[1 - side];
    if (has_failed(link, side)) {
        return SOCKET_FAILED;
    }
    if (pipe.arrived == 0 || !is_usable(link, side)) {
        return pipe.ended && is_usable(link, side) ? SOCKET_END : SOCKET_WOULD_BLOCK;
    }
    // With a spread the bytes have arrived in pieces already, and a late reader gets several pieces at once.
    const std::size_t piece = spread_of(net, link) == 0 ? draw_piece(net, link) : SIZE_MAX;
    const std::size_t count = std::min({bytes.size(), pipe.arrived, piece});
    std::memcpy(bytes.data(), pipe.bytes.data() + pipe.begin, count);
    pipe.begin += count;
    pipe.arrived -= count;
    if (pipe.begin == pipe.bytes.size()) {
        pipe.bytes.clear();
        pipe.begin = 0;
    }
    ++node.progress;
    notice_side(net, link, 1 - side);
    return static_cast<std::ptrdiff_t>(count);
}

void sim_close(Sim_Node &node, int number, bool reset) {
    ++node.calls.close;
    Sim_Socket *socket = find_socket(node, number, "close of a socket that is not open");
    if (socket != nullptr) {
        ++node.progress;
        const std::uint32_t link = socket->link;
        const int side = socket->side;
        release_socket(node, number);
        close_side(*node.net, link, side, reset ? Sim_Ending::reset : Sim_Ending::end_of_stream);
    }
}

void sim_watch(Sim_Node &node, int number, std::uint32_t tag, bool writing) {
    ++node.calls.watch;
    Sim_Socket *socket = find_socket(node, number, "watch of a socket that is not open");
    if (socket != nullptr) {
        socket->watched = true;
        socket->tag = tag;
        socket->writing = writing;
        notice(node, number);
    }
}

std::size_t sim_ready(Sim_Node &node, std::span<Ready> ready) {
    ++node.calls.ready;
    if (ready.empty()) {
        misused(node, "ready into nothing");
        return 0;
    }
    (void)any_ready(node);
    const std::size_t count = std::min(ready.size(), node.listed.size());
    for (std::size_t i = 0; i < count; ++i) {
        (void)is_ready(node, node.sockets[static_cast<std::size_t>(node.listed[i])], ready[i]);
    }
    // Sockets that were reported go to the end of the list, so that all have their turn.
    std::rotate(node.listed.begin(), node.listed.begin() + static_cast<std::ptrdiff_t>(count), node.listed.end());
    return count;
}

std::uint32_t sim_other_node(const Sim_Node &node, int number) {
    const Sim_Socket &socket = node.sockets[static_cast<std::size_t>(number)];
    return node.net->links[socket.link].node[1 - socket.side];
}

} // namespace toxtcp
