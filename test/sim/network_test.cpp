// Tests of the simulated network itself, on which other tests rely.
#include "sim/network.h"

#include <array>

#include "catch.h"

using namespace toxtcp;

namespace {

/// A client and a server, 10 ms apart. The test uses their sockets directly.
struct Wire {
    Sim_Network net{1};
    Sim_Node &client = *net.nodes[sim_add_node(net, {})];
    Sim_Node &server = *net.nodes[sim_add_node(net, sim_new_address(net))];
    Host host = sim_host(net, client.number);
    int at_client = -1;
    int at_server = -1;

    void connect() {
        at_client = host.connect(host.object, server.address);
        sim_advance(net, 20);
        at_server = sim_accept(server);
        REQUIRE(at_client >= 0);
        REQUIRE(at_server >= 0);
    }

    std::ptrdiff_t send(const std::string &text) {
        return host.send(host.object, at_client, {reinterpret_cast<const std::uint8_t *>(text.data()), text.size()});
    }

    /// What the server reads now: "" for nothing, "end" at the end of the stream, "failed" for a broken connection.
    std::string read() {
        std::array<std::uint8_t, 100'000> buffer;
        const std::ptrdiff_t got = sim_receive(server, at_server, buffer);
        return got > 0                     ? std::string(buffer.begin(), buffer.begin() + got)
               : got == SOCKET_END         ? "end"
               : got == SOCKET_WOULD_BLOCK ? ""
                                           : "failed";
    }

    std::ptrdiff_t receive(std::size_t first, std::size_t rest) {
        std::array<std::uint8_t, 100> buffer;
        return host.receive(host.object, at_client, Mutable_Bytes{buffer}.first(first),
                            Mutable_Bytes{buffer}.subspan(first, rest));
    }

    std::vector<Ready> ready() {
        std::vector<Ready> found(8);
        found.resize(host.ready(host.object, found));
        return found;
    }
};

} // namespace

TEST_CASE("network: connecting takes a round trip, and bytes arrive after the latency") {
    Wire w;
    w.at_client = w.host.connect(w.host.object, w.server.address);
    CHECK(w.host.watch(w.host.object, w.at_client, 77, true));
    CHECK(w.send("early") == SOCKET_WOULD_BLOCK);
    sim_advance(w.net, 9);
    CHECK(sim_accept(w.server) == -1);
    sim_advance(w.net, 1);
    w.at_server = sim_accept(w.server);
    REQUIRE(w.at_server >= 0);
    CHECK(w.ready().empty());
    sim_advance(w.net, 10);
    REQUIRE(w.ready().size() == 1);
    CHECK(w.ready()[0].tag == 77);
    CHECK(w.ready()[0].writable);
    CHECK_FALSE(w.ready()[0].readable);
    CHECK(w.host.watch(w.host.object, w.at_client, 78, false));
    CHECK(w.ready().empty());
    CHECK(w.send("hello") == 5);
    sim_advance(w.net, 9);
    CHECK(w.read().empty());
    sim_advance(w.net, 1);
    CHECK(w.read() == "hello");
    CHECK(w.read().empty());
}

TEST_CASE("network: the host receives into two buffers in one call") {
    Wire w;
    w.connect();
    const std::string text = "0123456789";
    (void)sim_send(w.server, w.at_server, {reinterpret_cast<const std::uint8_t *>(text.data()), text.size()});
    sim_advance(w.net, 10);
    const std::uint64_t calls = w.client.calls.total();
    CHECK(w.receive(4, 3) == 7);
    CHECK(w.client.calls.total() == calls + 1);
    CHECK(w.receive(0, 2) == 2);
    CHECK(w.receive(5, 5) == 1);
    CHECK(w.receive(5, 5) == SOCKET_WOULD_BLOCK);
}

TEST_CASE("network: a full socket takes the bytes that fit, and is writable again once they are read") {
    Wire w;
    w.server.capacity = 8;
    w.connect();
    CHECK(w.host.watch(w.host.object, w.at_client, 1, true));
    CHECK(w.send("0123456789") == 8);
    CHECK(w.send("x") == SOCKET_WOULD_BLOCK);
    CHECK(w.ready().empty());
    sim_advance(w.net, 10);
    CHECK(w.read() == "01234567");
    CHECK(w.ready().size() == 1);
    CHECK(w.send("89") == 2);
}

TEST_CASE("network: connecting fails when it is refused or impossible, and a lost request is repeated") {
    Wire w;
    w.server.refusing = true;
    w.at_client = w.host.connect(w.host.object, w.server.address);
    CHECK(w.host.watch(w.host.object, w.at_client, 1, true));
    sim_advance(w.net, 19);
    CHECK(w.ready().empty());
    sim_advance(w.net, 1);
    CHECK(w.ready().size() == 1);
    CHECK(w.receive(0, 1) == SOCKET_FAILED);
    CHECK(w.send("x") == SOCKET_FAILED);
    w.host.close(w.host.object, w.at_client);

    w.server.refusing = false;
    w.server.blackhole = true;
    w.at_client = w.host.connect(w.host.object, w.server.address);
    sim_advance(w.net, 2'000);
    CHECK(sim_accept(w.server) == -1);
    w.server.blackhole = false; // the request is repeated after 1 s, 3 s and 7 s
    sim_advance(w.net, 1'100);
    CHECK(sim_accept(w.server) >= 0);

    w.client.unreachable = true;
    CHECK(w.host.connect(w.host.object, w.server.address) == -1);
    w.client.unreachable = false;
    w.client.max_sockets = 1;
    CHECK(w.host.connect(w.host.object, w.server.address) == -1);
}

TEST_CASE("network: what a cut holds up arrives in order when the cut ends, after the given delay") {
    Wire w;
    w.connect();
    CHECK(w.send("a") == 1);
    sim_cut(w.net, w.server.number, true);
    sim_advance(w.net, 5);
    CHECK(w.send("b") == 1);
    sim_advance(w.net, 10'000);
    CHECK(w.send("c") == 1);
    w.host.close(w.host.object, w.at_client);
    CHECK(w.read().empty());
    sim_cut(w.net, w.server.number, false, 500);
    sim_advance(w.net, 509);
    CHECK(w.read().empty());
    sim_advance(w.net, 1);
    CHECK(w.read() == "abc");
    CHECK(w.read() == "end");
}

TEST_CASE("network: a process ends its connections by an end of stream, by a reset or silently") {
    Wire w;
    w.connect();
    const std::string text = "last words";
    (void)sim_send(w.server, w.at_server, {reinterpret_cast<const std::uint8_t *>(text.data()), text.size()});
    SECTION("in order") {
        sim_kill(w.net, w.server.number, Sim_Ending::end_of_stream);
        sim_advance(w.net, 10);
        CHECK(w.receive(0, 100) == 10);
        CHECK(w.receive(0, 100) == SOCKET_END);
        CHECK(w.send("to whom?") == 8);
        sim_advance(w.net, 20);
        CHECK(w.receive(0, 100) == SOCKET_FAILED);
    }
    SECTION("by a reset, which overtakes") {
        sim_kill(w.net, w.server.number, Sim_Ending::reset);
        sim_advance(w.net, 10);
        CHECK(w.receive(0, 100) == SOCKET_FAILED);
    }
    SECTION("without a word, until the machine is back") {
        sim_kill(w.net, w.server.number, Sim_Ending::silence);
        sim_advance(w.net, 100'000);
        CHECK(w.receive(0, 100) == SOCKET_WOULD_BLOCK);
        CHECK(w.send("anyone?") == 7);
        sim_advance(w.net, 100'000);
        sim_return(w.net, w.server.number);
        sim_advance(w.net, 100);
        CHECK(w.receive(0, 100) == SOCKET_FAILED);
    }
}

TEST_CASE("network: bytes arrive in pieces, with time between them if the node has a spread") {
    Wire w;
    w.server.piece = 1;
    w.connect();
    CHECK(w.send("abc") == 3);
    sim_advance(w.net, 10);
    CHECK(w.read() == "a");
    CHECK(w.read() == "b");
    w.server.spread = 7;
    CHECK(w.send("def") == 3);
    sim_advance(w.net, 10);
    CHECK(w.read() == "cd");
    sim_advance(w.net, 7);
    CHECK(w.read() == "e");
    CHECK(w.read().empty());
    sim_advance(w.net, 7);
    CHECK(w.read() == "f");
}

TEST_CASE("network: the number of a closed socket is used again at once, and misuse is recorded") {
    Wire w;
    w.connect();
    const int first = w.at_client;
    w.host.close(w.host.object, first);
    CHECK(w.net.misuse.empty());
    CHECK(w.send("x") == SOCKET_FAILED);
    w.host.close(w.host.object, first);
    CHECK(w.net.misuse.size() == 2);
    CHECK(w.host.connect(w.host.object, w.server.address) == first);
    sim_advance(w.net, 100);
    CHECK(w.client.open_sockets() == 1);
}

TEST_CASE("network: a node runs at an interval, or when something is ready or due") {
    struct Program {
        Sim_Network net{1};
        Sim_Node &node = *net.nodes[sim_add_node(net, {})];
        std::vector<std::uint64_t> runs;
        std::uint64_t due = NEVER;
    } p;
    p.node.object = &p;
    p.node.run = [](void *object) {
        Program &self = *static_cast<Program *>(object);
        self.runs.push_back(self.net.now);
        self.due = self.due == NEVER ? NEVER : self.due + 1'000'000;
    };
    p.node.deadline = [](void *object) { return static_cast<Program *>(object)->due; };
    sim_advance(p.net, 10'000);
    CHECK(p.runs.empty());
    p.due = p.net.now + 123;
    sim_advance(p.net, 1'000'000);
    REQUIRE(p.runs.size() == 1);
    CHECK(p.runs[0] == 11'123);
    p.node.interval = 50;
    p.runs.clear();
    sim_advance(p.net, 1'000); // the first run is at the deadline, 123 ms from now
    CHECK(p.runs.size() == 18);
    sim_stop(p.net, p.node.number, true);
    sim_advance(p.net, 1'000);
    CHECK(p.runs.size() == 18);
    sim_stop(p.net, p.node.number, false);
    sim_advance(p.net, 1'000);
    CHECK(p.runs.size() == 38);
}

TEST_CASE("network: actions run at their time, and sim_until ends when its condition is true or its time is over") {
    Sim_Network net{1};
    std::vector<std::uint64_t> seen;
    sim_at(net, 5'000, [&] { seen.push_back(net.now); });
    sim_at(net, 3'000, [&] {
        seen.push_back(net.now);
        sim_at(net, net.now + 1, [&] { seen.push_back(net.now); });
    });
    CHECK(sim_until(net, 100'000, [&] { return seen.size() == 2; }));
    CHECK(net.now == 3'001);
    CHECK_FALSE(sim_until(net, 1'000, [&] { return seen.size() == 3; }));
    CHECK(net.now == 4'001);
    sim_advance(net, 10'000);
    CHECK(seen == std::vector<std::uint64_t>{3'000, 3'001, 5'000});
}
