// Fuzz target: the relay server of tools/, whose clients send anything. The input is a program of connections, of
// sealed packets, of other bytes, of cuts, of time, and of an owner that sends little or nothing. What honest clients
// receive is compared with what they have requested.
#include "tools/relay/server.h"

#include <bitset>
#include <memory>
#include <optional>

#include "fuzz/fuzz.h"

namespace toxtcp {

namespace {

constexpr int MAX_STEPS = 400;
/// A handshake costs several X25519 operations, which are slow.
constexpr int MAX_HANDSHAKES = 6;

constexpr std::size_t KEYS = 4;
/// More users than keys. Of users that share a key, the later takes the place of the earlier.
constexpr std::size_t USERS = 6;
constexpr std::size_t MAX_CLIENTS = 5;

constexpr std::size_t index_of(std::uint8_t id) {
    return static_cast<std::size_t>(id - FIRST_ROUTING_ID);
}

struct Keys {
    Secret_Key server = fuzz_secret_key(100);
    Public_Key server_public = public_key_of(server);
    std::array<Secret_Key, KEYS> secret;
    std::array<Public_Key, KEYS> open;

    Keys() {
        for (std::size_t i = 0; i < KEYS; ++i) {
            secret[i] = fuzz_secret_key(i);
            open[i] = public_key_of(secret[i]);
        }
    }
};

const Keys &keys() {
    static const Keys all;
    return all;
}

/// What the fuzzer keeps of one client.
struct User {
    int handle = -1;
    std::uint8_t key = 0;
    bool asked = false;   ///< its handshake request was sent
    bool up = false;      ///< the request was answered
    bool doubted = false; ///< packets were injected: what the server sends it is not checked
    bool lost = false;    ///< its request was changed, or raw bytes were injected: it reads no more
    Handshake handshake;
    Channel channel;
    std::vector<std::uint8_t> in;
    std::uint64_t ping_id = 0;
    std::array<std::optional<Public_Key>, MAX_ROUTES> peers; ///< by routing id
    std::bitset<MAX_ROUTES> online;
};

struct World {
    Fuzz_Random random;
    Relay_Server server;
    std::uint64_t now = 1'000;
    std::array<User, USERS> users;
    std::array<bool, MAX_CLIENTS> told{}; ///< the owner knows that it has something to do for this handle
    int handshakes = 0;
};

// ---- what a user sees ------------------------------------------------------------------------------------------

void see(User &user, const Packet &packet) {
    if (packet.type == Packet_Type::ping) {
        user.ping_id = packet.ping_id;
    }
    if (user.doubted) {
        return;
    }
    const std::size_t index = packet.id >= FIRST_ROUTING_ID ? index_of(packet.id) : 0;
    switch (packet.type) {
    case Packet_Type::routing_response:
        if (packet.id >= FIRST_ROUTING_ID) {
            Public_Key peer;
            std::copy_n(packet.public_key, KEY_SIZE, peer.begin());
            fuzz_check(!user.peers[index] || *user.peers[index] == peer, "a routing id stands for one peer");
            user.peers[index] = peer;
        }
        break;
    case Packet_Type::connect_notification:
        fuzz_check(user.peers[index] && !user.online[index], "a peer comes online once, on an id that was given");
        user.online.set(index);
        break;
    case Packet_Type::disconnect_notification:
        fuzz_check(user.online[index], "a peer goes offline that was online");
        user.online.reset(index);
        break;
    case Packet_Type::data:
        fuzz_check(user.online[index], "data comes from a peer that is online");
        fuzz_check(*user.peers[index] == keys().open[packet.data.front()], "data comes from the peer of its id");
        break;
    case Packet_Type::oob_recv:
        fuzz_check(std::equal(keys().open[packet.data.front()].begin(), keys().open[packet.data.front()].end(),
                              packet.public_key),
                   "an OOB packet names its sender");
        break;
    case Packet_Type::ping:
    case Packet_Type::pong:
        break;
    default:
        fuzz_check(false, "a relay without a DHT sends nothing else");
    }
}

void read(User &user) {
    std::size_t at = 0;
    if (user.asked && !user.up && user.in.size() >= HANDSHAKE_RESPONSE_SIZE) {
        const auto response = Bytes{user.in}.first<HANDSHAKE_RESPONSE_SIZE>();
        const bool agreed = finish_handshake(user.handshake, response, user.channel);
        fuzz_check(agreed || user.lost, "an honest request is answered");
        user.up = agreed;
        at = HANDSHAKE_RESPONSE_SIZE;
    }
    while (user.up && !user.lost && user.in.size() - at >= FRAME_HEADER_SIZE) {
        const std::size_t length = frame_length(user.in.data() + at);
        fuzz_check(frame_length_is_valid(length), "the server's frames have a valid length");
        if (user.in.size() - at < FRAME_HEADER_SIZE + length) {
            break;
        }
        const Mutable_Bytes plain =
            open_sealed(user.channel, Mutable_Bytes{user.in}.subspan(at + FRAME_HEADER_SIZE, length));
        fuzz_check(!plain.empty(), "the server's frames open, in the order in which they come");
        Packet packet;
        const Reason fault = decode_packet(Sender::relay, plain, packet);
        fuzz_check(fault == Reason::none || user.doubted, "the server sends only valid packets");
        if (fault == Reason::none) {
            see(user, packet);
        }
        at += FRAME_HEADER_SIZE + length;
    }
    user.in.erase(user.in.begin(), user.in.begin() + static_cast<std::ptrdiff_t>(at));
}

/// The owner sends up to `count` of the pending bytes.
void take(World &world, User &user, std::size_t count) {
    const Bytes pending = relay_server_pending(world.server, user.handle);
    const Bytes taken = pending.first(std::min(count, pending.size()));
    user.in.insert(user.in.end(), taken.begin(), taken.end());
    relay_server_sent(world.server, user.handle, taken.size());
    if (user.handle >= 0 && relay_server_pending(world.server, user.handle).empty() &&
        !relay_server_dropped(world.server, user.handle)) {
        world.told[static_cast<std::size_t>(user.handle)] = false;
    }
    read(user);
}

// ---- what a user does ------------------------------------------------------------------------------------------

void connect(World &world, User &user) {
    if (user.handle >= 0) {
        return;
    }
    const std::uint8_t key = user.key;
    user = {};
    user.key = key;
    user.handle = relay_server_accept(world.server, world.now);
    fuzz_check(user.handle >= 0 || world.server.clients.size() == MAX_CLIENTS, "a client is refused only at the limit");
    if (user.handle >= 0) {
        world.told[static_cast<std::size_t>(user.handle)] = false;
    }
}

void disconnect(World &world, User &user) {
    relay_server_close(world.server, user.handle);
    user.handle = -1;
}

void arrive(World &world, User &user, Bytes bytes) {
    if (user.handle < 0) {
        return;
    }
    const auto exact = std::make_unique<std::uint8_t[]>(bytes.size());
    std::copy(bytes.begin(), bytes.end(), exact.get());
    const bool goes_on = relay_server_receive(world.server, user.handle, {exact.get(), bytes.size()}, world.now);
    fuzz_check(goes_on != relay_server_dropped(world.server, user.handle), "a dropped client is reported");
}

void shake_hands(World &world, User &user, std::uint8_t change, std::size_t cut) {
    if (user.handle < 0 || user.asked || world.handshakes++ >= MAX_HANDSHAKES) {
        return;
    }
    std::array<std::uint8_t, HANDSHAKE_REQUEST_SIZE> request;
    fuzz_check(start_handshake(user.handshake, fuzz_random(world.random), keys().open[user.key],
                               keys().secret[user.key], keys().server_public, request),
               "a handshake begins");
    user.asked = true;
    if (change != 0) {
        request[cut % request.size()] ^= change;
        user.lost = true;
    }
    cut = std::min(cut, request.size());
    arrive(world, user, Bytes{request}.first(cut));
    arrive(world, user, Bytes{request}.subspan(cut));
}

/// Seals a packet and lets it arrive. The first byte of data names the sender.
void send(World &world, User &user, Mutable_Bytes plain, bool cut = false) {
    if (user.handle < 0 || !user.up || plain.empty() || plain.size() > MAX_PLAIN_SIZE) {
        return;
    }
    Packet packet;
    if (decode_packet(Sender::client, plain, packet) == Reason::none) {
        if (packet.type == Packet_Type::data || packet.type == Packet_Type::oob_send) {
            plain[static_cast<std::size_t>(packet.data.data() - plain.data())] = user.key;
        } else if (packet.type == Packet_Type::disconnect_notification) {
            // First the user reads what the server has sent: there the id still stands for its peer.
            take(world, user, SIZE_MAX);
            user.peers[index_of(packet.id)].reset();
            user.online.reset(index_of(packet.id));
        }
    }
    std::vector<std::uint8_t> frame(FRAME_OVERHEAD + plain.size());
    std::copy(plain.begin(), plain.end(), frame.begin() + FRAME_OVERHEAD);
    seal_frame(user.channel, frame);
    const std::size_t first = cut ? frame.size() / 2 : frame.size();
    arrive(world, user, Bytes{frame}.first(first));
    arrive(world, user, Bytes{frame}.subspan(first));
}

void send(World &world, User &user, const Packet &packet, bool cut = false) {
    std::array<std::uint8_t, MAX_PLAIN_SIZE> plain;
    send(world, user, Mutable_Bytes{plain}.first(encode_packet(packet, plain)), cut);
}

Public_Key some_key(Fuzz_Input &input) {
    const std::uint8_t which = input.byte();
    if (which < 192) {
        return keys().open[which % KEYS];
    }
    Public_Key key{};
    key.front() = which;
    return key;
}

void send_packet(World &world, User &user, Fuzz_Input &input) {
    static constexpr Packet_Type TYPES[] = {
        Packet_Type::routing_request,
        Packet_Type::routing_request,
        Packet_Type::disconnect_notification,
        Packet_Type::ping,
        Packet_Type::pong,
        Packet_Type::oob_send,
        Packet_Type::onion_request,
        Packet_Type::forward_request,
        Packet_Type::data,
        Packet_Type::data,
    };
    Packet packet;
    packet.type = TYPES[input.below(std::size(TYPES))];
    std::vector<std::uint8_t> data;
    Public_Key key{};
    switch (packet.type) {
    case Packet_Type::routing_request:
        key = some_key(input);
        break;
    case Packet_Type::ping:
        packet.ping_id = input.word();
        break;
    case Packet_Type::pong:
        packet.ping_id = user.ping_id ^ std::uint64_t{input.byte()} >> 6;
        break;
    case Packet_Type::disconnect_notification:
        packet.id = input.byte();
        break;
    case Packet_Type::oob_send:
        key = some_key(input);
        data.resize(input.size(MAX_OOB_DATA_SIZE));
        break;
    default:
        packet.id = input.byte();
        data.resize(input.size(MAX_DATA_SIZE));
        break;
    }
    packet.public_key = key.data();
    packet.data = data;
    const std::uint8_t times = input.byte();
    for (int i = 0; i < (times < 224 ? 1 : times - 222); ++i) {
        send(world, user, packet, times % 4 == 1);
    }
}

void ask_for_many(World &world, User &user, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        Public_Key key{};
        key.back() = static_cast<std::uint8_t>(i);
        Packet packet;
        packet.type = Packet_Type::routing_request;
        packet.public_key = key.data();
        send(world, user, packet);
    }
}

void inject(World &world, User &user, Fuzz_Input &input) {
    const Bytes bytes = input.bytes(input.size(64));
    if (input.flag()) {
        user.doubted = relay_server_inject(world.server, user.handle, bytes) || user.doubted;
    } else if (!bytes.empty()) {
        user.lost = relay_server_inject_raw(world.server, user.handle, bytes) || user.lost;
    }
}

void be_told(World &world) {
    for (int client = relay_server_changed(world.server); client >= 0; client = relay_server_changed(world.server)) {
        world.told[static_cast<std::size_t>(client)] = true;
    }
}

// ---- what holds after each step --------------------------------------------------------------------------------

void check_route(const Relay_Server &server, int handle, std::size_t index) {
    const Relay_Server_Client &client = server.clients[static_cast<std::size_t>(handle)];
    const Relay_Server_Route &route = client.routes[index];
    if (!route.used) {
        fuzz_check(route.peer_client < 0, "a route that is free leads nowhere");
        return;
    }
    const auto id = static_cast<std::uint8_t>(index + FIRST_ROUTING_ID);
    const auto found = client.routing_ids.find(route.peer);
    fuzz_check(found != client.routing_ids.end() && found->second == id, "a route is found by its peer");
    const int peer = relay_server_find(server, route.peer);
    if (route.peer_client >= 0) {
        fuzz_check(route.peer_client == peer, "a route leads to its peer");
        const Relay_Server_Route &back =
            server.clients[static_cast<std::size_t>(peer)].routes[index_of(route.peer_route_id)];
        fuzz_check(back.used && back.peer_client == handle && back.peer_route_id == id, "the peer's route leads back");
    } else if (peer >= 0 && client.phase == Relay_Server_Phase::confirmed) {
        fuzz_check(!server.clients[static_cast<std::size_t>(peer)].routing_ids.contains(client.key),
                   "two that have requested each other are online");
    }
}

void check_client(const World &world, int handle) {
    const Relay_Server &server = world.server;
    const Relay_Server_Client &client = server.clients[static_cast<std::size_t>(handle)];
    const bool confirmed = client.phase == Relay_Server_Phase::confirmed;
    fuzz_check(!confirmed || relay_server_find(server, client.key) == handle, "a client is found by its key");
    fuzz_check(client.in_size <= client.in.size(), "input is within its buffer");
    std::size_t used = 0;
    for (std::size_t i = 0; i < client.routes.size(); ++i) {
        check_route(server, handle, i);
        used += client.routes[i].used;
    }
    fuzz_check(used == client.routing_ids.size() && used <= MAX_ROUTES, "each used route is found by its peer");
    fuzz_check(confirmed || used == 0, "a client that is not confirmed has no routes");
    const bool dropped = relay_server_dropped(server, handle);
    const bool pending = !relay_server_pending(server, handle).empty();
    fuzz_check(!dropped || (!pending && client.reason != Reason::none),
               "a dropped client is sent nothing, and has a reason");
    fuzz_check((!pending && !dropped) || client.changed || world.told[static_cast<std::size_t>(handle)],
               "the owner is told when there is something to do");
}

void check(const World &world) {
    const Relay_Server &server = world.server;
    std::size_t confirmed = 0;
    for (std::size_t i = 0; i < server.clients.size(); ++i) {
        check_client(world, static_cast<int>(i));
        confirmed += server.clients[i].phase == Relay_Server_Phase::confirmed;
    }
    fuzz_check(confirmed == relay_server_clients(server), "the count of confirmed clients is right");
    fuzz_check(server.unannounced.empty(), "nobody still waits to hear who has left");
    fuzz_check(server.clients.size() <= MAX_CLIENTS, "clients are within their limit");
    for (const User &user : world.users) {
        const std::size_t limit = server.def.queue + MAX_FRAME_SIZE;
        fuzz_check(user.handle < 0 || user.doubted || user.lost ||
                       relay_server_pending(server, user.handle).size() <= limit,
                   "a queue is within its limit");
    }
}

void step(World &world, Fuzz_Input &input) {
    const std::uint8_t choice = input.byte();
    User &user = world.users[choice / 16 % USERS];
    switch (choice % 16) {
    case 0:
        connect(world, user);
        break;
    case 1:
        connect(world, user);
        shake_hands(world, user, 0, HANDSHAKE_REQUEST_SIZE);
        take(world, user, SIZE_MAX);
        break;
    case 2: {
        const std::uint8_t change = input.byte();
        shake_hands(world, user, change < 128 ? 0 : change, input.byte());
        break;
    }
    case 3:
    case 4:
    case 5:
    case 6:
        send_packet(world, user, input);
        break;
    case 7: {
        const Bytes bytes = input.bytes(input.size(64));
        std::vector<std::uint8_t> plain(bytes.begin(), bytes.end());
        send(world, user, plain);
        break;
    }
    case 8:
        arrive(world, user, input.bytes(input.size(256)));
        break;
    case 9:
        disconnect(world, user);
        break;
    case 10:
        take(world, user, SIZE_MAX);
        break;
    case 11:
        take(world, user, input.size(512));
        break;
    case 12:
        world.now += std::uint64_t{input.byte()} * 64;
        relay_server_tick(world.server, world.now);
        fuzz_check(relay_server_deadline(world.server) > world.now, "after a tick nothing is due");
        break;
    case 13:
        be_told(world);
        break;
    case 14:
        ask_for_many(world, user, input.byte());
        break;
    case 15:
        if (input.flag()) {
            inject(world, user, input);
        } else {
            relay_server_drop(world.server, user.handle, Reason::killed);
        }
        break;
    }
    check(world);
}

void start(World &world) {
    Relay_Server_Def def;
    def.secret_key = keys().server;
    def.random = fuzz_random(world.random);
    def.max_clients = MAX_CLIENTS;
    def.data_queue = std::size_t{4} * 1024; // small, so that few packets fill it
    def.queue = std::size_t{6} * 1024;
    relay_server_start(world.server, def);
    for (std::size_t i = 0; i < USERS; ++i) {
        world.users[i].key = static_cast<std::uint8_t>(i % KEYS);
    }
}

/// Three users who have all requested each other. They are made once, and then copied.
const World &three_online() {
    static const std::unique_ptr<World> made = [] {
        auto world = std::make_unique<World>();
        start(*world);
        for (std::size_t i = 0; i < 3; ++i) {
            connect(*world, world->users[i]);
            shake_hands(*world, world->users[i], 0, HANDSHAKE_REQUEST_SIZE);
            take(*world, world->users[i], SIZE_MAX);
            for (std::size_t peer = 0; peer < 3; ++peer) {
                Packet packet;
                packet.type = Packet_Type::routing_request;
                packet.public_key = keys().open[peer].data();
                send(*world, world->users[i], packet);
            }
        }
        world->handshakes = 0;
        fuzz_check(relay_server_clients(world->server) == 3, "three are confirmed");
        return world;
    }();
    return *made;
}

} // namespace

} // namespace toxtcp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    using namespace toxtcp;
    Fuzz_Input input{{data, size}};
    World world;
    if (input.flag()) {
        start(world);
    } else {
        world = three_online();
        world.server.def.random = fuzz_random(world.random);
    }
    for (int steps = 0; steps < MAX_STEPS && !input.done(); ++steps) {
        step(world, input);
    }
    for (User &user : world.users) {
        take(world, user, SIZE_MAX);
        disconnect(world, user);
        check(world);
    }
    fuzz_check(relay_server_clients(world.server) == 0, "no client is left when all have gone");
    return 0;
}
