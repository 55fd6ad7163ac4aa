// Fuzz target: calls of the API and acts of relays, in any order. The input is a program of both. It also says what the
// callbacks do, which sockets are full, how time passes, and which allocations fail. After every step all arrays and
// maps of the library must agree.
#include <memory>

#include "allocations.h"
#include "connections/peers.h"
#include "connections/relays.h"
#include "connections/validate.h"
#include "fuzz/world.h"

// ---- allocations that fail -------------------------------------------------------------------------------------

namespace {

/// Which of the library's next allocations fails: 1 is the next one. 0: none fails.
std::size_t fail_at = 0;
/// The library runs: it was called, and no callback runs.
bool inside = false;
/// A function of the host runs, called by the library. Its allocations do not fail.
bool in_host = false;

bool has_memory() noexcept {
    return !inside || in_host || fail_at == 0 || --fail_at != 0;
}

} // namespace

namespace toxtcp {

namespace {

// ---- one run ---------------------------------------------------------------------------------------------------

constexpr int MAX_STEPS = 400;
/// Limit of API calls from callbacks in one tick.
constexpr int MAX_NESTED = 16;
/// Limit of handles of each kind that are remembered, stale ones included.
constexpr std::size_t MAX_NUMBERS = 16;
/// The id of a connection is the index of its peer, plus a multiple of this number that no other connection has.
constexpr int ID_PEERS = 16;

struct Numbers {
    std::array<int, MAX_NUMBERS> known{};
    std::size_t count = 0;

    void add(int number) {
        const auto end = known.begin() + static_cast<std::ptrdiff_t>(std::min(count, MAX_NUMBERS));
        if (number >= 0 && std::find(known.begin(), end, number) == end) {
            known[count++ % MAX_NUMBERS] = number;
        }
    }

    /// A handle that was handed out; at times its next generation, or any number.
    int pick(Fuzz_Input &input) const {
        const std::uint8_t choice = input.byte();
        if (choice >= 240 || count == 0) {
            const std::uint32_t high = input.word();
            return static_cast<int>(high << 16 | input.word());
        }
        const int number = known[choice % std::min(count, MAX_NUMBERS)];
        // After the last generation comes the first, since a handle is not negative.
        const std::uint32_t other = (static_cast<std::uint32_t>(number) + MAX_SLOTS) & INT32_MAX;
        return choice < 224 ? number : static_cast<int>(other);
    }
};

struct Run {
    Fuzz_Input input;
    Fuzz_World world;
    Host host;
    Tcp_Connections_Def def;
    Tcp_Connections *c = nullptr;
    bool ticking = false;
    bool destroy_requested = false; ///< killed in a callback
    int nested = 0;                 ///< calls that callbacks may still make in this tick
    std::uint8_t armed = 0;         ///< so many of the next callbacks make a call of the API

    Numbers connections;
    Numbers relays;
    std::array<int, FUZZ_PEERS> alive{}; ///< the handle of each peer's connection; -1: none
    std::array<int, FUZZ_PEERS> ids{};   ///< the id of each peer's connection
    int made = 0;
    std::vector<std::uint8_t> data = std::vector<std::uint8_t>(MAX_DATA_SIZE + 1);
};

void outside(bool begins) {
    in_host = begins;
}

/// Runs a call of the library, which must not throw.
template <class Call>
auto call(Call of) {
    struct Inside {
        bool before = inside;
        Inside() { inside = true; }
        ~Inside() { inside = before; }
    } const now_inside;
    try {
        return of();
    } catch (...) {
        inside = false;
        fuzz_check(false, "no exception leaves the library");
        std::abort();
    }
}

std::size_t peer_of_id(int id) {
    return static_cast<std::size_t>(id % ID_PEERS);
}

void api_call(Run &run);

/// Makes a call of the API from a callback, if the program wants that.
void act(Run &run) {
    if (run.armed > 0 && run.nested > 0) {
        --run.armed;
        --run.nested;
        api_call(run);
    }
}

/// While an object of this type exists, a callback runs, and not the library.
struct Callback {
    bool before = inside;
    Callback() { inside = false; }
    ~Callback() { inside = before; }
    Callback(const Callback &) = delete;
    Callback &operator=(const Callback &) = delete;
};

bool on_data(void *object, int id, Bytes packet, void *userdata) {
    const Callback callback;
    Run &run = *static_cast<Run *>(object);
    fuzz_check(run.ticking && userdata == &run && !run.destroy_requested, "callbacks come only while a tick runs");
    fuzz_check(run.alive[peer_of_id(id)] >= 0 && run.ids[peer_of_id(id)] == id, "data is for a connection that exists");
    fuzz_got(run.world, peer_of_id(id), packet);
    act(run);
    return packet.empty() || packet[0] % 2 == 0; // at times the layer above could not open it
}

void on_oob(void *object, const Public_Key &sender, int relay, Bytes packet, void *userdata) {
    const Callback callback;
    Run &run = *static_cast<Run *>(object);
    fuzz_check(run.ticking && userdata == &run && !run.destroy_requested, "callbacks come only while a tick runs");
    std::size_t peer = 0;
    while (peer < FUZZ_PEERS && fuzz_peer_key(peer) != sender) {
        ++peer;
    }
    if (peer < FUZZ_PEERS) {
        fuzz_got(run.world, peer, packet);
    }
    Relay_Info info;
    fuzz_check(tcp_relay_info(run.c, relay, info), "an OOB packet names a relay that exists");
    run.relays.add(relay);
    act(run);
}

void on_other(void *object, Bytes packet, void *userdata) {
    const Callback callback;
    Run &run = *static_cast<Run *>(object);
    fuzz_check(run.ticking && userdata == &run && !run.destroy_requested, "callbacks come only while a tick runs");
    fuzz_check(!packet.empty(), "a packet that comes is not empty");
    act(run);
}

void on_change(void *object, const Change &change, void *userdata) {
    const Callback callback;
    Run &run = *static_cast<Run *>(object);
    fuzz_check(run.ticking && userdata == &run && !run.destroy_requested, "callbacks come only while a tick runs");
    fuzz_check(change.relay >= 0 && change.connection >= -1 && change.previous >= -1, "a change names its relay");
    run.relays.add(change.relay);
    act(run);
}

Callbacks callbacks(Run &run) {
    return {&run, on_data, on_oob, on_other, on_other, on_change};
}

// ---- calls of the API ------------------------------------------------------------------------------------------

void note_relay(Run &run, std::size_t relay) {
    run.relays.add(tcp_relay(run.c, fuzz_relay_key(relay)));
}

/// From 0 to `limit` + 1 bytes.
Bytes some_data(Run &run, std::size_t limit) {
    const std::size_t size = run.input.size(limit + 1);
    std::fill_n(run.data.begin(), std::min(size, FUZZ_MARK), std::uint8_t{1});
    return Bytes{run.data}.first(std::min(size, run.data.size()));
}

bool is_alive(const Run &run, int connection) {
    return connection >= 0 && std::find(run.alive.begin(), run.alive.end(), connection) != run.alive.end();
}

bool is_relay(const Run &run, int relay) {
    Relay_Info info;
    return tcp_relay_info(run.c, relay, info);
}

void expect(Error error, bool valid) {
    fuzz_check(valid != (error == Error::bad_handle), "a handle is refused exactly if it is stale or invalid");
}

void make_connection(Run &run, std::size_t peer) {
    const int id = run.made++ * ID_PEERS + static_cast<int>(peer);
    const bool may_fail = fail_at != 0;
    const int number = call([&] { return new_tcp_connection_to(run.c, fuzz_peer_key(peer), id); });
    if (run.alive[peer] >= 0) {
        fuzz_check(number == static_cast<int>(Error::already), "a peer has one connection");
        return;
    }
    fuzz_check(number >= 0 || (may_fail && number == static_cast<int>(Error::no_memory)) ||
                   number == static_cast<int>(Error::limit),
               "a peer gets its connection");
    if (number >= 0) {
        run.alive[peer] = number;
        run.ids[peer] = id;
        run.connections.add(number);
    }
}

void kill_connection(Run &run, int number) {
    const Error error = call([&] { return kill_tcp_connection_to(run.c, number); });
    expect(error, is_alive(run, number));
    for (int &alive : run.alive) {
        alive = alive == number ? -1 : alive;
    }
}

void tie(Run &run, int connection, std::size_t relay) {
    const bool alive = is_alive(run, connection);
    Ip_Port address = fuzz_relay_address(std::min(relay, FUZZ_RELAYS - 1));
    if (relay > FUZZ_WEAK_RELAY) {
        address.family = Family::tcp_ipv4;
    }
    const Public_Key &key = fuzz_relay_key(std::min(relay, FUZZ_WEAK_RELAY));
    expect(call([&] { return add_tcp_relay_connection(run.c, connection, address, key); }), alive);
    note_relay(run, std::min(relay, FUZZ_WEAK_RELAY));
}

void look(const Run &run) {
    Connection_Info connection;
    const int number = run.alive[0];
    fuzz_check(tcp_connection_info(run.c, number, connection) == (number >= 0),
               "a connection has an info exactly if it exists");
    if (number >= 0) {
        const auto used = std::span{connection.routes}.first(connection.routes_count);
        const auto online = std::count_if(used.begin(), used.end(),
                                          [](const Route_Info &route) { return route.state == Route_State::online; });
        fuzz_check(online == tcp_connection_to_online_tcp_relays(run.c, number), "the count of online routes is right");
        fuzz_check(tcp_connection_to(run.c, fuzz_peer_key(0)) == number, "a connection is found by its peer");
    }
    std::array<Node, 3> nodes;
    const std::size_t count = tcp_copy_connected_relays(run.c, nodes);
    fuzz_check(count == std::min<std::size_t>(nodes.size(), tcp_connected_relays_count(run.c)),
               "connected relays are copied");
    Ip_Port address;
    fuzz_check(tcp_get_random_conn_ip_port(run.c, address) == (count != 0), "the address of a connected relay is told");
    for (std::uint32_t i = 0; i <= tcp_connections_count(run.c); ++i) {
        const int relay = tcp_relay_at(run.c, i);
        fuzz_check((relay >= 0) == is_relay(run, relay), "a relay in the array has an info");
    }
    static_cast<void>(tcp_connections_timeout(run.c));
}

/// Uses one slot again and again, until its generations are used up.
void wear_out(Run &run, std::size_t peer) {
    if (run.ticking || fail_at != 0 || run.made > 2 * static_cast<int>(MAX_GENERATIONS)) {
        return; // once in an input is enough
    }
    for (std::uint32_t i = 0; i <= MAX_GENERATIONS; ++i) {
        make_connection(run, peer);
        kill_connection(run, run.alive[peer]);
    }
}

void send_many(Run &run, int connection) {
    std::array<Bytes, 40> packets;
    const std::size_t count = run.input.below(packets.size() + 1);
    for (std::size_t i = 0; i < count; ++i) {
        packets[i] = some_data(run, MAX_DATA_SIZE);
    }
    const bool alive = is_alive(run, connection);
    const int sent =
        call([&] { return send_packets_tcp_connection(run.c, connection, std::span{packets}.first(count)); });
    fuzz_check(sent != 0 && sent <= static_cast<int>(count), "some packets are sent, or an error is returned");
    expect(sent < 0 ? static_cast<Error>(sent) : Error::ok, alive);
}

void forward(Run &run, int relay) {
    std::array<Public_Key, MAX_FORWARD_CHAIN_LENGTH + 1> chain{};
    const std::size_t links = run.input.below(chain.size() + 1);
    Ip_Port node;
    node.family = static_cast<Family>(run.input.byte());
    const Bytes data = some_data(run, MAX_FORWARD_DATA_SIZE);
    expect(call([&] { return tcp_send_forward_request(run.c, relay, node, std::span{chain}.first(links), data); }),
           is_relay(run, relay));
}

void kill_all(Run &run) {
    call([&] { kill_tcp_connections(run.c); });
    run.alive.fill(-1);
    if (run.ticking) {
        run.destroy_requested = true;
    } else {
        run.c = nullptr;
    }
}

void api_call(Run &run) {
    if (run.c == nullptr || run.destroy_requested) {
        return;
    }
    Fuzz_Input &input = run.input;
    switch (input.below(24)) {
    case 0:
    case 1:
        make_connection(run, input.below(FUZZ_PEERS));
        break;
    case 2:
        kill_connection(run, run.connections.pick(input));
        break;
    case 3: {
        const int connection = run.connections.pick(input);
        const bool awake = input.flag();
        expect(call([&] { return set_tcp_connection_to_status(run.c, connection, awake); }), is_alive(run, connection));
        break;
    }
    case 4:
    case 5:
    case 6: {
        const int connection = run.connections.pick(input);
        tie(run, connection, input.below(FUZZ_WEAK_RELAY + 2));
        break;
    }
    case 7: {
        const int connection = run.connections.pick(input);
        const int relay = run.relays.pick(input);
        const bool valid = is_alive(run, connection) && is_relay(run, relay);
        expect(call([&] { return add_tcp_number_relay_connection(run.c, connection, relay); }), valid);
        break;
    }
    case 8: {
        const std::size_t relay = input.below(FUZZ_WEAK_RELAY + 1);
        const Ip_Port address = fuzz_relay_address(std::min(relay, FUZZ_RELAYS - 1));
        static_cast<void>(call([&] { return add_tcp_relay_global(run.c, address, fuzz_relay_key(relay)); }));
        note_relay(run, relay);
        break;
    }
    case 9: {
        const int relay = run.relays.pick(input);
        const bool valid = is_relay(run, relay);
        expect(call([&] { return kill_tcp_relay_connection(run.c, relay); }), valid);
        break;
    }
    case 10:
    case 11:
    case 12: {
        const int connection = run.connections.pick(input);
        const Bytes data = some_data(run, MAX_DATA_SIZE);
        expect(call([&] { return send_packet_tcp_connection(run.c, connection, data); }), is_alive(run, connection));
        break;
    }
    case 13:
        send_many(run, run.connections.pick(input));
        break;
    case 14: {
        const int relay = run.relays.pick(input);
        const Bytes data = some_data(run, MAX_OOB_DATA_SIZE);
        const Public_Key &to = fuzz_peer_key(input.below(FUZZ_PEERS));
        expect(call([&] { return tcp_send_oob_packet(run.c, relay, to, data); }), is_relay(run, relay));
        break;
    }
    case 15: {
        const std::size_t relay = input.below(FUZZ_WEAK_RELAY + 1);
        const Bytes data = some_data(run, MAX_OOB_DATA_SIZE);
        static_cast<void>(call(
            [&] { return tcp_send_oob_packet_using_relay(run.c, fuzz_relay_key(relay), fuzz_peer_key(0), data); }));
        break;
    }
    case 16: {
        const bool status = input.flag();
        static_cast<void>(call([&] { return set_tcp_onion_status(run.c, status); }));
        run.relays.add(get_random_tcp_onion_conn_number(run.c));
        break;
    }
    case 17: {
        const int relay = run.relays.pick(input);
        const Bytes data = some_data(run, MAX_ONION_SIZE);
        expect(call([&] { return tcp_send_onion_request(run.c, relay, data); }), is_relay(run, relay));
        break;
    }
    case 18:
        forward(run, run.relays.pick(input));
        break;
    case 19:
        look(run);
        break;
    case 20: {
        const bool keep = input.flag();
        call([&] { tcp_connections_keep_idle_relays(run.c, keep); });
        break;
    }
    case 21:
        call([&] { tcp_connections_network_changed(run.c); });
        break;
    case 22:
        fuzz_check(call([&] { return new_tcp_connection_to(run.c, fuzz_self_key(), 0); }) ==
                       static_cast<int>(Error::bad_key),
                   "no connection is made to the own key");
        if (run.ticking) {
            call([&] { do_tcp_connections(run.c, nullptr); }); // has no effect within a tick
        }
        break;
    case 23: {
        const std::uint8_t rare = input.byte();
        if (rare == 0xFF) {
            kill_all(run);
        } else if (rare == 0xFE) {
            wear_out(run, input.below(FUZZ_PEERS));
        } else if (rare >= 0xF0) {
            call([&] { set_callbacks(run.c, (rare & 1) != 0 ? Callbacks{} : callbacks(run)); });
        }
        break;
    }
    }
}

// ---- what relays do --------------------------------------------------------------------------------------------

void lie(Fuzz_Socket &socket, Fuzz_Input &input) {
    socket.honest = false;
    std::array<std::uint8_t, 2 + KEY_SIZE> plain{input.byte(), input.byte()};
    std::size_t size = 2;
    switch (static_cast<Packet_Type>(plain[0] % 16)) {
    case Packet_Type::routing_response: {
        const Public_Key &peer = fuzz_peer_key(input.below(FUZZ_PEERS));
        std::copy(peer.begin(), peer.end(), plain.begin() + 2);
        size += KEY_SIZE;
        break;
    }
    case Packet_Type::ping:
    case Packet_Type::pong:
        size = 9;
        break;
    case Packet_Type::oob_recv:
        return; // OOB packets have a mark: see fuzz_say_oob
    default:
        break;
    }
    plain[0] = static_cast<std::uint8_t>(plain[0] % 16);
    fuzz_say(socket, Bytes{plain}.first(size));
}

void flood(Fuzz_World &world, Fuzz_Socket &socket, Fuzz_Input &input) {
    const std::uint8_t of = input.byte();
    const std::size_t count = std::size_t{input.byte()} * (of >= 248 ? 16 : 1);
    const std::uint8_t id = input.byte();
    for (std::size_t i = 0; i < count; ++i) {
        switch (of % 4) {
        case 0:
            if (!fuzz_say_data(world, socket, id, 1'400)) {
                return;
            }
            break;
        case 1:
            fuzz_say_oob(world, socket, id % FUZZ_PEERS, 1'000);
            break;
        case 2: {
            const std::array<std::uint8_t, 9> ping{4, 1, id};
            fuzz_say(socket, ping);
            break;
        }
        default: {
            // Connect and disconnect notifications of this id, in turn.
            const std::array<std::uint8_t, 2> plain{static_cast<std::uint8_t>(2 + i % 2), id};
            socket.honest = false;
            fuzz_say(socket, plain);
            break;
        }
        }
    }
}

/// The first routing id whose peer is online, beginning with the index `from`; 0: no peer is online.
std::uint8_t online_id(const Fuzz_Socket &socket, std::size_t from) {
    for (std::size_t i = 0; i < MAX_ROUTES; ++i) {
        if (socket.online[(from + i) % MAX_ROUTES]) {
            return static_cast<std::uint8_t>((from + i) % MAX_ROUTES + FIRST_ROUTING_ID);
        }
    }
    return 0;
}

void relay_does(Run &run) {
    Fuzz_Input &input = run.input;
    Fuzz_Socket *const socket = fuzz_socket(run.world, input.byte());
    if (socket == nullptr) {
        return;
    }
    switch (input.below(16)) {
    case 0:
    case 1:
    case 2: {
        const std::uint8_t from = input.byte();
        fuzz_say_data(run.world, *socket, online_id(*socket, from), input.size(MAX_DATA_SIZE));
        break;
    }
    case 3: {
        const std::size_t peer = input.below(FUZZ_PEERS);
        fuzz_say_oob(run.world, *socket, peer, input.size(MAX_OOB_DATA_SIZE));
        break;
    }
    case 4:
        fuzz_answer_handshake(run.world, *socket);
        break;
    case 5:
        fuzz_answer_route(run.world, *socket);
        break;
    case 6:
        lie(*socket, input);
        break;
    case 7:
        flood(run.world, *socket, input);
        break;
    case 8:
        socket->ended = true;
        break;
    case 9:
        socket->failed = true;
        break;
    case 10:
        socket->room = 0;
        break;
    case 11:
        socket->room = input.size(MAX_FRAME_SIZE);
        break;
    case 12:
        socket->room = SIZE_MAX;
        break;
    case 13:
        fuzz_say_raw(*socket, input.bytes(input.size(200)));
        break;
    case 14: {
        const std::array<std::uint8_t, 3> plain{static_cast<std::uint8_t>(input.flag() ? 9 : 11), 1, 2};
        fuzz_say(*socket, plain);
        break;
    }
    case 15: {
        std::array<std::uint8_t, 9> pong{5};
        for (std::size_t i = 0; i < 8; ++i) {
            pong[1 + i] = static_cast<std::uint8_t>(socket->ping_id >> 8 * i);
        }
        if (socket->ping_id != 0) {
            fuzz_say(*socket, pong);
        }
        break;
    }
    }
}

void relay_becomes(Run &run) {
    const std::uint8_t what = run.input.byte();
    Fuzz_Relay &relay = run.world.relays[what / 16 % FUZZ_RELAYS];
    switch (what % 16) {
    case 0:
    case 1:
    case 2:
    case 3:
        relay.reach = static_cast<Fuzz_Relay::Reach>(what % 16);
        break;
    case 4:
        relay.answers_handshake = !relay.answers_handshake;
        break;
    case 5:
        relay.answers_routes = !relay.answers_routes;
        break;
    case 6:
        relay.answers_pings = !relay.answers_pings;
        break;
    case 7:
        relay.delivers = !relay.delivers;
        break;
    default: {
        const std::size_t peer = what % 16 - 8;
        fuzz_set_present(run.world, what / 16 % FUZZ_RELAYS, peer, !relay.present[peer]);
        break;
    }
    }
}

// ---- time ------------------------------------------------------------------------------------------------------

void check(const Run &run) {
    if (run.c == nullptr) {
        fuzz_check(run.world.open_sockets() == 0, "no socket is left open");
        return;
    }
    fuzz_check(run.c->changes.size() <= MAX_CHANGES, "waiting changes are within their limit");
    std::size_t linked = 0;
    for (std::uint32_t slot = 0; slot < run.c->relays.size(); ++slot) {
        linked += run.c->relays.used(slot) && run.c->relays[slot].link != nullptr;
    }
    fuzz_check(run.world.open_sockets() == linked, "every open socket belongs to a relay");
    if (const char *const fault = validate(*run.c); fault != nullptr) {
        fuzz_check(false, fault);
    }
}

void tick(Run &run) {
    if (run.c == nullptr) {
        return;
    }
    run.ticking = true;
    run.nested = MAX_NESTED;
    call([&] { do_tcp_connections(run.c, &run); });
    run.ticking = false;
    if (run.destroy_requested) {
        run.c = nullptr;
        run.destroy_requested = false;
    }
    check(run);
}

/// Ticks until nothing is due. That takes few ticks, since the clock stands still and no relay sends anything.
void settle(Run &run) {
    constexpr int MOST = 128;
    for (int i = 0; run.c != nullptr; ++i) {
        tick(run);
        if (run.c == nullptr || tcp_connections_deadline(run.c) > run.world.now) {
            return;
        }
        fuzz_check(i < MOST, "after some ticks nothing is due");
    }
}

void wait(Run &run) {
    static constexpr std::uint64_t TIMES[] = {1,     5,     50,    100,   200,    300,    800,     1'000,
                                              1'500, 2'000, 3'000, 6'000, 10'000, 31'000, 120'000, 700'000};
    const std::uint8_t choice = run.input.byte();
    if (choice < 128 && run.c != nullptr) {
        const std::uint64_t deadline = tcp_connections_deadline(run.c);
        if (deadline != NEVER) {
            run.world.now = std::max(run.world.now, deadline);
        }
    } else {
        run.world.now += TIMES[choice % std::size(TIMES)];
    }
}

void begin(Run &run) {
    run.alive.fill(-1);
    const bool may_fail = fail_at != 0;
    run.c = call([&] { return new_tcp_connections(run.def); });
    fuzz_check(run.c != nullptr || may_fail, "the library starts unless an allocation fails");
}

void step(Run &run) {
    const std::uint8_t choice = run.input.byte();
    switch (choice % 8) {
    case 0:
    case 1:
        api_call(run);
        break;
    case 2:
        relay_does(run);
        break;
    case 3:
        relay_becomes(run);
        break;
    case 4:
        tick(run);
        break;
    case 5:
        wait(run);
        tick(run);
        break;
    case 6:
        wait(run);
        settle(run);
        break;
    case 7:
        if (choice < 128) {
            run.armed = static_cast<std::uint8_t>(run.input.byte() % 32);
        } else if (choice < 192) {
            fail_at = std::size_t{1} + run.input.byte() % 32U;
        } else {
            run.world.answers = run.input.byte();
        }
        break;
    }
    if (run.c == nullptr) {
        fuzz_check(run.world.open_sockets() == 0, "no socket is left open");
        begin(run);
    } else {
        check(run);
    }
}

/// Makes connections to `peers` peers, each tied to four relays where the peer is present. Chance would take long.
void set_up(Run &run, std::size_t peers) {
    for (std::size_t peer = 0; peer < peers; ++peer) {
        make_connection(run, peer);
        for (std::size_t i = 0; i < 4; ++i) {
            const std::size_t relay = (peer + i) % FUZZ_RELAYS;
            run.world.relays[relay].present.set(peer);
            tie(run, run.alive[peer], relay);
        }
    }
    for (int i = 0; i < 4; ++i) {
        settle(run);
        run.world.now += 10;
    }
}

void run_program(Bytes bytes) {
    Run run;
    run.input = {bytes};
    const std::uint8_t how = run.input.byte();
    run.world.outside = outside;
    run.world.proxy = static_cast<Proxy_Type>(how / 4 % 4 == 3 ? 0 : how / 4 % 4);
    run.host = fuzz_host(run.world, (how & 1) == 0);
    run.def.secret_key = fuzz_self_secret();
    run.def.host = &run.host;
    run.def.callbacks = callbacks(run);
    run.def.profile = (how & 2) == 0 ? Profile::responsive : Profile::saver;
    run.def.proxy = {run.world.proxy, fuzz_relay_address(0)};
    may_allocate = has_memory;
    fail_at = 0;
    begin(run);
    set_up(run, how / 16 % 4);
    for (int steps = 0; steps < MAX_STEPS && !run.input.done(); ++steps) {
        step(run);
    }
    fail_at = 0;
    run.armed = 0;
    if (run.c != nullptr) {
        settle(run);
        kill_all(run);
    }
    fuzz_check(run.world.open_sockets() == 0, "no socket is left open");
}

} // namespace

} // namespace toxtcp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    toxtcp::run_program({data, size});
    return 0;
}
