// Allocations that fail inside the archive: the call fails, nothing is thrown, and existing connections go on.
#include "abi_world.h"

using namespace toxtcp;

namespace {

/// Does what a host does in its first seconds, and goes on when a call fails. Returns whether a message came through.
bool live(Abi_World &world, Abi_Peer &a, Abi_Peer &b, Sim_Relay &relay, int &a_to_b, int &b_to_a) {
    for (int ticks = 0; ticks < 60; ++ticks) {
        if (a_to_b < 0) {
            a_to_b = ::new_tcp_connection_to(a.c, b.key.data(), 10);
        }
        if (b_to_a < 0) {
            b_to_a = ::new_tcp_connection_to(b.c, a.key.data(), 20);
        }
        tie(a, a_to_b, relay); // -1 from the second time on, and when it fails
        tie(b, b_to_a, relay);
        std::array<Node_format, 2> nodes;
        ::tcp_copy_connected_relays(a.c, nodes.data(), 2);
        send(a, a_to_b, "message");
        abi_tick(a);
        abi_tick(b);
        const Abi_Outside outside;
        if (heard(b.data, "message")) {
            return true;
        }
        sim_advance(world.net, ABI_TICK_MS);
    }
    return false;
}

} // namespace

TEST_CASE("when one allocation fails, or all from then on, the call fails, and works once there is memory again") {
    const bool once = GENERATE(true, false);
    std::uint64_t failures = 0;
    std::uint64_t refused = 0;
    for (std::uint64_t number = 0;; ++number) {
        INFO("allocation " << number);
        Abi_World world;
        Sim_Relay &relay = world.add_relay();
        Abi_Peer &a = world.add_host();
        Abi_Peer &b = world.add_host();
        b.c = abi_new_connections(b, parts_of(b));
        REQUIRE(b.c != nullptr);
        abi_set_callbacks(b);
        int a_to_b = -1;
        int b_to_a = -1;
        bool failed = false;
        {
            const Abi_Failing failing{number, once ? number + 1 : UINT64_MAX};
            a.c = abi_new_connections(a, parts_of(a));
            if (a.c != nullptr) {
                abi_set_callbacks(a);
                const bool came = live(world, a, b, relay, a_to_b, b_to_a);
                failed = abi_memory.counted > number;
                const Abi_Outside outside;
                // One failure only delays: a host that calls again gets what it asks for.
                CHECK((came || !once));
            } else {
                ++refused;
                failed = true;
            }
        }
        if (a.c == nullptr) {
            CHECK(abi_open_sockets(a.network) == 0);
            a.c = abi_new_connections(a, parts_of(a));
            REQUIRE(a.c != nullptr);
            abi_set_callbacks(a);
        }
        b.data.clear();
        CHECK(live(world, a, b, relay, a_to_b, b_to_a));
        failures += failed ? 1 : 0;
        if (!failed) {
            break;
        }
    }
    CHECK(refused > 3);
    CHECK(failures > refused + 10);
}

TEST_CASE("packets are sent and received without an allocation") {
    Abi_Two_Peers f{3};
    const std::string longest(MAX_DATA_SIZE, 'x');
    std::size_t sent = 0;
    const auto talk = [&] {
        for (int i = 0; i < 100; ++i) {
            sent += send(f.a, f.a_to_b, "short") == 0 && send(f.a, f.a_to_b, longest) == 0 ? 1 : 0;
            abi_tick(f.b);
            const Abi_Outside outside;
            sim_advance(f.world.net, ABI_TICK_MS);
        }
    };
    talk(); // after this, the memory that is kept for reuse is there
    {
        const Abi_Failing none_fails{UINT64_MAX, UINT64_MAX};
        talk();
        CHECK(abi_memory.counted == 0);
    }
    f.world.pass(1'000);
    CHECK(sent == 200);
    CHECK(f.b.data.size() == 400);
}

TEST_CASE("a TCP_Client_Connection whose allocations fail is null, and leaves no socket open") {
    Abi_World world;
    Sim_Relay &relay = world.add_relay();
    Abi_Peer &host = world.add_host();
    TCP_Client_Connection *client = nullptr;
    std::uint64_t number = 0;
    for (; client == nullptr; ++number) {
        CHECK(abi_open_sockets(host.network) == 0);
        const Abi_Failing failing{number, UINT64_MAX};
        client = abi_new_client(host, abi_address(relay.address), relay.key);
    }
    CHECK(number > 1);
    for (int ticks = 0; ticks < 40; ++ticks) {
        const Abi_Failing failing{0, UINT64_MAX};
        abi_do_client(host, client);
        Abi_Outside outside;
        sim_advance(world.net, ABI_TICK_MS);
    }
    CHECK(::tcp_con_status(client) == TCP_CLIENT_CONFIRMED);
    abi_kill_client(client);
}
