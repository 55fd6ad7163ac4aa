#include "fuzz/world.h"

#include <cstring>
#include <map>
#include <string_view>

namespace toxtcp {

namespace {

constexpr std::uint64_t SELF_SEED = 1;
constexpr std::uint64_t RELAY_SEED = 100;
constexpr std::uint64_t PEER_SEED = 200;
constexpr std::uint16_t PORT = 33445;
/// Sessions (keys and nonces) that are used in turn. They are few, so that a relay's side of them is computed once for
/// all inputs.
constexpr std::uint32_t SESSIONS = 4;
constexpr std::size_t MAX_SOCKETS = 4'096;

using Stage = Fuzz_Socket::Stage;

constexpr std::size_t index_of(std::uint8_t id) {
    return static_cast<std::size_t>(id - FIRST_ROUTING_ID);
}

constexpr std::uint8_t id_of(std::size_t index) {
    return static_cast<std::uint8_t>(index + FIRST_ROUTING_ID);
}

struct Keys {
    Secret_Key self_secret = fuzz_secret_key(SELF_SEED);
    Public_Key self = public_key_of(self_secret);
    std::array<Secret_Key, FUZZ_RELAYS> relay_secrets;
    std::array<Public_Key, FUZZ_RELAYS + 1> relays{}; ///< the last one is zero, a weak key
    std::array<Public_Key, FUZZ_PEERS> peers;

    Keys() {
        for (std::size_t i = 0; i < FUZZ_RELAYS; ++i) {
            relay_secrets[i] = fuzz_secret_key(RELAY_SEED + i);
            relays[i] = public_key_of(relay_secrets[i]);
        }
        for (std::size_t i = 0; i < FUZZ_PEERS; ++i) {
            peers[i] = public_key_of(fuzz_secret_key(PEER_SEED + i));
        }
    }
};

const Keys &keys() {
    static const Keys all;
    return all;
}

std::uint8_t find_peer(const std::uint8_t *key) {
    for (std::size_t i = 0; i < FUZZ_PEERS; ++i) {
        if (std::equal(keys().peers[i].begin(), keys().peers[i].end(), key)) {
            return static_cast<std::uint8_t>(i);
        }
    }
    return NO_PEER;
}

// ---- the relay's side ------------------------------------------------------------------------------------------

struct Answer {
    bool good = false;
    std::array<std::uint8_t, HANDSHAKE_RESPONSE_SIZE> response{};
    Public_Key client{};
    Channel channel;
};

/// The same request always has the same answer, so it is computed once: X25519 would take most of a run's time.
const Answer &answer_to(std::size_t relay, std::span<const std::uint8_t, HANDSHAKE_REQUEST_SIZE> request) {
    using Request = std::pair<std::size_t, std::array<std::uint8_t, HANDSHAKE_REQUEST_SIZE>>;
    constexpr std::size_t MOST = 1'024;
    static std::map<Request, Answer> known;
    Request key{relay, {}};
    std::copy(request.begin(), request.end(), key.second.begin());
    if (const auto found = known.find(key); found != known.end()) {
        return found->second;
    }
    if (known.size() >= MOST) {
        known.clear();
    }
    Answer &answer = known[key];
    Fuzz_Random random{relay};
    answer.good = answer_handshake(fuzz_random(random), keys().relay_secrets[relay], request, answer.response,
                                   answer.client, answer.channel);
    return answer;
}

void drop_front(std::vector<std::uint8_t> &bytes, std::size_t count) {
    bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
}

void say_id(Fuzz_Socket &socket, Packet_Type type, std::uint8_t id) {
    Packet packet;
    packet.type = type;
    packet.id = id;
    fuzz_say(socket, packet);
}

void say_routing_response(Fuzz_Socket &socket, std::uint8_t id, std::uint8_t peer) {
    Packet packet;
    packet.type = Packet_Type::routing_response;
    packet.id = id;
    packet.public_key = keys().peers[peer].data();
    fuzz_say(socket, packet);
}

void mark(const Fuzz_World &world, Fuzz_Socket &socket, std::uint8_t peer, Mutable_Bytes payload) {
    ++socket.sent;
    const auto number = static_cast<std::size_t>(std::find_if(world.sockets.begin(), world.sockets.end(),
                                                              [&](const Fuzz_Socket &one) { return &one == &socket; }) -
                                                 world.sockets.begin());
    payload[0] = peer;
    for (std::size_t i = 0; i < 2; ++i) {
        payload[1 + i] = static_cast<std::uint8_t>(number >> 8 * i);
    }
    for (std::size_t i = 0; i < 4; ++i) {
        payload[3 + i] = static_cast<std::uint8_t>(socket.sent >> 8 * i);
    }
}

void take_packet(Fuzz_World &world, Fuzz_Socket &socket, const Packet &packet) {
    const Fuzz_Relay &relay = world.relays[socket.relay];
    switch (packet.type) {
    case Packet_Type::routing_request: {
        const std::uint8_t peer = find_peer(packet.public_key);
        fuzz_check(peer != NO_PEER, "the client requests only peers that it was told of");
        socket.unanswered.push_back(peer);
        if (relay.answers_routes) {
            fuzz_answer_route(world, socket);
        }
        break;
    }
    case Packet_Type::disconnect_notification:
        socket.peers[index_of(packet.id)] = NO_PEER;
        socket.online.reset(index_of(packet.id));
        break;
    case Packet_Type::ping:
        socket.ping_id = packet.ping_id;
        if (relay.answers_pings) {
            Packet pong = packet;
            pong.type = Packet_Type::pong;
            fuzz_say(socket, pong);
        }
        break;
    case Packet_Type::data:
        fuzz_check(!socket.honest || socket.peers[index_of(packet.id)] != NO_PEER,
                   "data goes out on a route that was given");
        if (relay.delivers && socket.peers[index_of(packet.id)] != NO_PEER &&
            world.answers[socket.peers[index_of(packet.id)]]) {
            fuzz_say_data(world, socket, packet.id, packet.data.size());
        }
        break;
    default:
        break;
    }
}

void take_frames(Fuzz_World &world, Fuzz_Socket &socket) {
    std::size_t at = 0;
    while (socket.came.size() - at >= FRAME_HEADER_SIZE) {
        const std::size_t length = frame_length(socket.came.data() + at);
        fuzz_check(frame_length_is_valid(length), "the client's frames have a valid length");
        if (socket.came.size() - at < FRAME_HEADER_SIZE + length) {
            break;
        }
        const Mutable_Bytes plain =
            open_sealed(socket.channel, Mutable_Bytes{socket.came}.subspan(at + FRAME_HEADER_SIZE, length));
        fuzz_check(!plain.empty(), "the client's frames open, in the order in which they come");
        Packet packet;
        fuzz_check(decode_packet(Sender::client, plain, packet) == Reason::none, "the client sends only valid packets");
        take_packet(world, socket, packet);
        at += FRAME_HEADER_SIZE + length;
    }
    drop_front(socket.came, at);
}

void say_text(Fuzz_Socket &socket, std::string_view text) {
    fuzz_say_raw(socket, {reinterpret_cast<const std::uint8_t *>(text.data()), text.size()});
}

/// The proxy's side. The last byte of the address is the index of the relay plus 1.
void take_proxy_request(Fuzz_Socket &socket) {
    const std::string_view text{reinterpret_cast<const char *>(socket.came.data()), socket.came.size()};
    if (socket.stage == Stage::http) {
        const std::size_t end = text.find("\r\n\r\n");
        if (end == std::string_view::npos) {
            return;
        }
        Ip_Port address;
        fuzz_check(text.starts_with("CONNECT ") &&
                       parse_ip_port(std::string(text.substr(8, text.find(' ', 8) - 8)), address),
                   "an HTTP proxy is told an address");
        socket.relay = address.ip[address.family == Family::ipv6 ? 15 : 3] - 1U;
        drop_front(socket.came, end + 4);
        socket.stage = Stage::handshake;
        say_text(socket, "HTTP/1.1 200 fine\r\n\r\n");
    } else if (socket.stage == Stage::socks5_greeting && socket.came.size() >= 3) {
        fuzz_check(text.starts_with(std::string_view("\5\1\0", 3)), "a SOCKS5 proxy is greeted");
        drop_front(socket.came, 3);
        socket.stage = Stage::socks5_request;
        say_text(socket, {"\5\0", 2});
    } else if (socket.stage == Stage::socks5_request && socket.came.size() >= 4) {
        fuzz_check(text.starts_with(std::string_view("\5\1\0", 3)), "a SOCKS5 proxy is asked to connect");
        const std::size_t size = socket.came[3] == 4 ? 16 : 4;
        if (socket.came.size() < 4 + size + 2) {
            return;
        }
        socket.relay = socket.came[4 + size - 1] - 1U;
        drop_front(socket.came, 4 + size + 2);
        socket.stage = Stage::handshake;
        say_text(socket, {"\5\0\0\1\0\0\0\0\0\0", 10});
    }
}

void take_bytes(Fuzz_World &world, Fuzz_Socket &socket) {
    if (socket.stage < Stage::handshake) {
        take_proxy_request(socket);
        fuzz_check(socket.stage < Stage::handshake || socket.relay < FUZZ_RELAYS, "the proxy is told of a relay");
    }
    if (socket.stage == Stage::handshake && socket.relay < FUZZ_RELAYS &&
        world.relays[socket.relay].answers_handshake) {
        fuzz_answer_handshake(world, socket);
    }
    if (socket.stage == Stage::up) {
        take_frames(world, socket);
    }
}

// ---- the host --------------------------------------------------------------------------------------------------

/// While an object of this type exists, the host runs, and not the library.
struct Outside {
    explicit Outside(const Fuzz_World &of) : world(of) { tell(true); }
    ~Outside() { tell(false); }
    Outside(const Outside &) = delete;
    Outside &operator=(const Outside &) = delete;

    void tell(bool begins) const {
        if (world.outside != nullptr) {
            world.outside(begins);
        }
    }

    const Fuzz_World &world;
};

Fuzz_World &world_of(void *object) {
    return *static_cast<Fuzz_World *>(object);
}

Fuzz_Socket &socket_of(Fuzz_World &world, int number) {
    fuzz_check(number >= 0 && static_cast<std::size_t>(number) < world.sockets.size(), "a socket is one of the host's");
    Fuzz_Socket &socket = world.sockets[static_cast<std::size_t>(number)];
    fuzz_check(socket.open, "a socket is used while it is open");
    return socket;
}

int host_connect(void *object, const Ip_Port &address) {
    Fuzz_World &world = world_of(object);
    const Outside outside(world);
    if (world.sockets.size() >= MAX_SOCKETS) {
        return -1;
    }
    Fuzz_Socket made;
    made.peers.fill(NO_PEER);
    Fuzz_Relay::Reach reach = Fuzz_Relay::Reach::open;
    if (world.proxy == Proxy_Type::none) {
        made.relay = address.ip[address.family == Family::ipv6 ? 15 : 3] - 1U;
        fuzz_check(made.relay < FUZZ_RELAYS, "a connect goes to the address of a relay");
        reach = world.relays[made.relay].reach;
    } else {
        made.stage = world.proxy == Proxy_Type::http ? Stage::http : Stage::socks5_greeting;
    }
    if (reach == Fuzz_Relay::Reach::no_socket) {
        return -1;
    }
    if (reach == Fuzz_Relay::Reach::silent) {
        made.room = 0;
    }
    made.failed = reach == Fuzz_Relay::Reach::refused;
    world.sockets.push_back(std::move(made));
    return static_cast<int>(world.sockets.size() - 1);
}

std::ptrdiff_t host_send(void *object, int number, Bytes bytes) {
    Fuzz_World &world = world_of(object);
    const Outside outside(world);
    Fuzz_Socket &socket = socket_of(world, number);
    fuzz_check(!bytes.empty(), "a send has bytes");
    if (socket.failed) {
        return SOCKET_FAILED;
    }
    const std::size_t count = std::min(bytes.size(), socket.room);
    if (count == 0) {
        return SOCKET_WOULD_BLOCK;
    }
    socket.room -= socket.room == SIZE_MAX ? 0 : count;
    socket.came.insert(socket.came.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
    take_bytes(world, socket);
    return static_cast<std::ptrdiff_t>(count);
}

std::ptrdiff_t host_receive(void *object, int number, Mutable_Bytes first, Mutable_Bytes rest) {
    Fuzz_World &world = world_of(object);
    const Outside outside(world);
    Fuzz_Socket &socket = socket_of(world, number);
    fuzz_check(!rest.empty(), "there is a buffer to read to");
    if (socket.coming.empty()) {
        return socket.failed ? SOCKET_FAILED : socket.ended ? SOCKET_END : SOCKET_WOULD_BLOCK;
    }
    const std::size_t count = std::min(socket.coming.size(), first.size() + rest.size());
    const std::size_t to_first = std::min(count, first.size());
    std::copy_n(socket.coming.begin(), to_first, first.begin());
    std::copy_n(socket.coming.begin() + static_cast<std::ptrdiff_t>(to_first), count - to_first, rest.begin());
    drop_front(socket.coming, count);
    return static_cast<std::ptrdiff_t>(count);
}

void host_close(void *object, int number) {
    Fuzz_World &world = world_of(object);
    const Outside outside(world);
    Fuzz_Socket &socket = socket_of(world, number);
    const std::uint32_t seen = socket.seen;
    const std::uint32_t sent = socket.sent;
    socket = {};
    socket.open = false;
    socket.seen = seen; // a callback may still have a payload that came over this socket
    socket.sent = sent;
}

bool host_watch(void *object, int number, std::uint32_t tag, bool writing) {
    Fuzz_World &world = world_of(object);
    const Outside outside(world);
    Fuzz_Socket &socket = socket_of(world, number);
    fuzz_check(!socket.watched || socket.tag == tag, "a socket keeps its tag");
    socket.watched = true;
    socket.tag = tag;
    socket.writing = writing;
    return true;
}

std::size_t host_ready(void *object, std::span<Ready> ready) {
    Fuzz_World &world = world_of(object);
    const Outside outside(world);
    std::size_t count = 0;
    for (std::size_t i = 0; i < world.sockets.size() && count < ready.size(); ++i) {
        const Fuzz_Socket &socket = world.sockets[(world.turn + i) % world.sockets.size()];
        const bool readable = !socket.coming.empty() || socket.ended || socket.failed;
        const bool writable = socket.writing && (socket.room != 0 || socket.failed);
        if (socket.open && socket.watched && (readable || writable)) {
            ready[count++] = {socket.tag, readable, writable};
        }
    }
    ++world.turn;
    return count;
}

int host_descriptor(void *) {
    return -1;
}

std::uint64_t host_now(void *object) {
    return world_of(object).now;
}

void host_random(void *object, Mutable_Bytes bytes) {
    Fuzz_World &world = world_of(object);
    const Outside outside(world);
    if (bytes.size() != KEY_SIZE && bytes.size() != NONCE_SIZE) {
        world.random.fill(bytes);
        return;
    }
    // Keys and nonces of a session: one key and two nonces are drawn for each.
    Fuzz_Random session{world.connects / 3 % SESSIONS * 3 + world.connects % 3};
    ++world.connects;
    session.fill(bytes);
}

} // namespace

const Secret_Key &fuzz_self_secret() {
    return keys().self_secret;
}

const Public_Key &fuzz_self_key() {
    return keys().self;
}

const Public_Key &fuzz_relay_key(std::size_t relay) {
    return keys().relays[relay];
}

Ip_Port fuzz_relay_address(std::size_t relay) {
    Ip_Port address{relay % 4 == 3 ? Family::ipv6 : Family::ipv4, {10}, PORT};
    address.ip[relay % 4 == 3 ? 15 : 3] = static_cast<std::uint8_t>(relay + 1);
    return address;
}

const Public_Key &fuzz_peer_key(std::size_t peer) {
    return keys().peers[peer];
}

std::size_t Fuzz_World::open_sockets() const {
    return static_cast<std::size_t>(
        std::count_if(sockets.begin(), sockets.end(), [](const Fuzz_Socket &socket) { return socket.open; }));
}

Host fuzz_host(Fuzz_World &world, bool readiness) {
    Host host;
    host.object = &world;
    host.connect = host_connect;
    host.send = host_send;
    host.receive = host_receive;
    host.close = host_close;
    if (readiness) {
        host.watch = host_watch;
        host.ready = host_ready;
        host.descriptor = host_descriptor;
    }
    host.now = host_now;
    host.random = host_random;
    return host;
}

Fuzz_Socket *fuzz_socket(Fuzz_World &world, std::size_t n) {
    const std::size_t count = world.open_sockets();
    if (count == 0) {
        return nullptr;
    }
    n %= count;
    for (std::size_t i = world.sockets.size(); i-- > 0;) {
        if (world.sockets[i].open && n-- == 0) {
            return &world.sockets[i];
        }
    }
    return nullptr;
}

void fuzz_say(Fuzz_Socket &socket, Bytes plain) {
    if (!socket.open || socket.stage != Stage::up || plain.empty() || plain.size() > MAX_PLAIN_SIZE) {
        return;
    }
    const std::size_t at = socket.coming.size();
    socket.coming.resize(at + FRAME_OVERHEAD + plain.size());
    const Mutable_Bytes frame = Mutable_Bytes{socket.coming}.subspan(at);
    std::copy(plain.begin(), plain.end(), frame.begin() + FRAME_OVERHEAD);
    seal_frame(socket.channel, frame);
}

void fuzz_say(Fuzz_Socket &socket, const Packet &packet) {
    std::array<std::uint8_t, MAX_PLAIN_SIZE> plain;
    fuzz_say(socket, Bytes{plain}.first(encode_packet(packet, plain)));
}

void fuzz_say_raw(Fuzz_Socket &socket, Bytes bytes) {
    if (socket.open) {
        socket.coming.insert(socket.coming.end(), bytes.begin(), bytes.end());
    }
}

void fuzz_answer_handshake(Fuzz_World &world, Fuzz_Socket &socket) {
    if (!socket.open || socket.stage != Stage::handshake || socket.relay >= FUZZ_RELAYS ||
        socket.came.size() < HANDSHAKE_REQUEST_SIZE) {
        return;
    }
    const auto request = std::span<const std::uint8_t>{socket.came}.first<HANDSHAKE_REQUEST_SIZE>();
    const Answer &answer = answer_to(socket.relay, request);
    fuzz_check(answer.good && answer.client == keys().self, "the client's request opens, and names its key");
    drop_front(socket.came, HANDSHAKE_REQUEST_SIZE);
    fuzz_say_raw(socket, answer.response);
    socket.channel = answer.channel;
    socket.stage = Stage::up;
    take_frames(world, socket);
}

void fuzz_answer_route(Fuzz_World &world, Fuzz_Socket &socket) {
    if (!socket.open || socket.stage != Stage::up || socket.unanswered.empty()) {
        return;
    }
    const std::uint8_t peer = socket.unanswered.front();
    socket.unanswered.pop_front();
    const auto known = std::find(socket.peers.begin(), socket.peers.end(), peer);
    const auto place =
        known != socket.peers.end() ? known : std::find(socket.peers.begin(), socket.peers.end(), NO_PEER);
    if (place == socket.peers.end()) {
        say_routing_response(socket, 0, peer);
        return;
    }
    const std::uint8_t id = id_of(static_cast<std::size_t>(place - socket.peers.begin()));
    // A client that has just left this id, and whose notification is still on its way, takes the answer for a new id.
    // The client cannot know better, so the connection counts as honest no more.
    socket.honest = socket.honest && known == socket.peers.end();
    *place = peer;
    say_routing_response(socket, id, peer);
    if (world.relays[socket.relay].present[peer] && !socket.online[index_of(id)]) {
        socket.online.set(index_of(id));
        say_id(socket, Packet_Type::connect_notification, id);
    }
}

void fuzz_set_present(Fuzz_World &world, std::size_t relay, std::size_t peer, bool present) {
    if (world.relays[relay].present[peer] == present) {
        return;
    }
    world.relays[relay].present[peer] = present;
    for (Fuzz_Socket &socket : world.sockets) {
        for (std::size_t i = 0; socket.open && socket.relay == relay && i < MAX_ROUTES; ++i) {
            if (socket.peers[i] == peer && socket.online[i] != present) {
                socket.online[i] = present;
                say_id(socket, present ? Packet_Type::connect_notification : Packet_Type::disconnect_notification,
                       id_of(i));
            }
        }
    }
}

bool fuzz_say_data(Fuzz_World &world, Fuzz_Socket &socket, std::uint8_t id, std::size_t size) {
    if (!socket.open || socket.stage != Stage::up || id < FIRST_ROUTING_ID || socket.peers[index_of(id)] == NO_PEER ||
        !socket.online[index_of(id)]) {
        return false;
    }
    std::array<std::uint8_t, MAX_DATA_SIZE> payload{};
    mark(world, socket, socket.honest ? socket.peers[index_of(id)] : NO_PEER, payload);
    Packet packet;
    packet.type = Packet_Type::data;
    packet.id = id;
    packet.data = Bytes{payload}.first(std::clamp(size, FUZZ_MARK, MAX_DATA_SIZE));
    fuzz_say(socket, packet);
    return true;
}

void fuzz_say_oob(Fuzz_World &world, Fuzz_Socket &socket, std::size_t peer, std::size_t size) {
    if (!socket.open || socket.stage != Stage::up) {
        return;
    }
    std::array<std::uint8_t, MAX_OOB_DATA_SIZE> payload{};
    mark(world, socket, static_cast<std::uint8_t>(peer), payload);
    Packet packet;
    packet.type = Packet_Type::oob_recv;
    packet.public_key = keys().peers[peer].data();
    packet.data = Bytes{payload}.first(std::clamp(size, FUZZ_MARK, MAX_OOB_DATA_SIZE));
    fuzz_say(socket, packet);
}

void fuzz_got(Fuzz_World &world, std::size_t peer, Bytes payload) {
    fuzz_check(payload.size() >= FUZZ_MARK, "a payload that arrives has a whole mark");
    fuzz_check(payload[0] == peer || payload[0] == NO_PEER, "a payload is from the peer that it is said to be from");
    const std::size_t number = payload[1] | static_cast<std::size_t>(payload[2]) << 8;
    fuzz_check(number < world.sockets.size(), "a payload came over a socket");
    std::uint32_t count = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        count |= static_cast<std::uint32_t>(payload[3 + i]) << 8 * i;
    }
    Fuzz_Socket &socket = world.sockets[number];
    fuzz_check(count > socket.seen && count <= socket.sent, "nothing arrives twice, nor out of order on one relay");
    socket.seen = count;
}

} // namespace toxtcp
