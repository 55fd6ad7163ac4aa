// A TCP network in memory, on a simulated clock. One seed, one run: nothing in here asks the system for anything.
//
// Nodes are machines: clients (each served by a `Host`), relays and proxies (which use the calls below). Two nodes are
// joined by links, which are TCP connections. Everything that happens is an event in one queue, so a minute in which
// nothing happens costs nothing, and a thousand clients cost what they do.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <queue>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <toxtcp/host.h>
#include <toxtcp/tcp_connections.h>

namespace toxtcp {

// ---- randomness ------------------------------------------------------------------------------------------------

/// splitmix64: small, quick, and the same everywhere.
struct Sim_Random {
    std::uint64_t state = 0;
};

std::uint64_t sim_random(Sim_Random &random);
/// Below `limit`, which is not 0.
std::uint64_t sim_below(Sim_Random &random, std::uint64_t limit);
void sim_fill(Sim_Random &random, Mutable_Bytes bytes);
/// For the functions that draw keys and nonces; `random` is borrowed.
Random sim_random_source(Sim_Random &random);

// ---- nodes -----------------------------------------------------------------------------------------------------

struct Sim_Network;

/// How a process leaves its connections behind.
enum class Sim_Ending : std::uint8_t {
    end_of_stream, ///< closed in order
    reset,
    silence ///< the machine is gone: nobody is told
};

/// What a host was asked for; each is a system call of a real one.
struct Sim_Calls {
    std::uint64_t connect = 0;
    std::uint64_t send = 0;
    std::uint64_t receive = 0;
    std::uint64_t close = 0;
    std::uint64_t watch = 0;
    std::uint64_t ready = 0;

    [[nodiscard]] std::uint64_t total() const { return connect + send + receive + close + watch + ready; }
};

struct Sim_Line {
    std::uint64_t at;
    Log_Level level;
    std::string text;
};

/// One end of a link, as the node that holds it sees it. Numbers are used again at once, as a system does.
struct Sim_Socket {
    std::uint32_t link = UINT32_MAX; ///< UINT32_MAX: closed
    std::uint8_t side = 0;           ///< 0: it connected, 1: it accepted
    bool watched = false;
    bool writing = false; ///< watched for room as well
    bool listed = false;  ///< stands in the node's list of what may be ready
    std::uint32_t tag = 0;
};

struct Sim_Node {
    Sim_Network *net = nullptr;
    std::uint32_t number = 0;
    Ip_Port address; ///< where it listens; none for a client

    // The program that runs on it.
    void *object = nullptr;
    void (*run)(void *object) = nullptr;
    std::uint64_t (*deadline)(void *object) = nullptr; ///< when it wants to run by the clock, NEVER; may be null
    std::uint64_t interval = 0; ///< ms from run to run, whatever happens; 0: when something is ready or due
    std::uint64_t rest = 0;     ///< ms it stays deaf after a run (a slow reader, with `piece`)

    // Its circumstances. These may be changed at any time.
    std::uint64_t latency = 5;        ///< ms, one way, added to the other node's
    std::uint64_t lag = 0;            ///< ms, one way, added on top: of a relay that is late on purpose
    std::uint64_t jitter = 0;         ///< ms, at most, added to each arrival
    std::size_t capacity = 64 * 1024; ///< bytes sent to it that it has not read, on one link
    std::size_t piece = 0; ///< the most bytes that are received at once, on its links, either way; drawn from 1; 0: all
    std::uint64_t spread = 0;           ///< ms between the arrivals of two pieces; 0: they come together
    std::size_t send_piece = 0;         ///< the most that one of its sends takes; 0: what fits
    std::size_t max_sockets = SIZE_MAX; ///< connecting fails above
    bool unreachable = false;           ///< its connecting fails at once: it has no network
    bool refusing = false;              ///< nobody listens
    bool blackhole = false;             ///< connects to it are lost on the way
    // These change what is under way, by the functions below.
    bool stopped = false;
    bool cut = false;
    bool down = false;

    // What was seen of it.
    Sim_Calls calls;
    std::uint64_t runs = 0;
    std::uint64_t spins = 0; ///< runs after which it was due again, though it had moved nothing
    std::vector<Sim_Line> log;
    Log_Level log_from = Log_Level::warning; ///< what is kept

    // The inside.
    std::vector<Sim_Socket> sockets;
    std::vector<int> free_sockets;
    std::deque<int> accepted; ///< connections that the program has not taken yet
    std::vector<int> listed;  ///< sockets that may be ready
    std::uint64_t wake_at = NEVER;
    std::uint64_t deaf_until = 0;
    std::uint64_t progress = 0; ///< grows with all that a program does with a socket
    Sim_Random random;

    [[nodiscard]] std::size_t open_sockets() const { return sockets.size() - free_sockets.size(); }
};

// ---- the network -----------------------------------------------------------------------------------------------

/// What one side of a link has sent: bytes that arrived and were not read, and what is on its way.
struct Sim_Pipe {
    enum class What : std::uint8_t { bytes, end, reset };
    struct Segment {
        std::uint64_t at;
        std::size_t count;
        What what;
    };

    std::vector<std::uint8_t> bytes; ///< from `begin` on
    std::size_t begin = 0;
    std::size_t arrived = 0; ///< of these bytes
    std::deque<Segment> flight;
    std::uint64_t last_arrival = 0;
    std::uint64_t event_at = NEVER;
    bool held = false; ///< due, but the way is cut
    bool ended = false;
    bool reset = false;

    [[nodiscard]] std::size_t size() const { return bytes.size() - begin; }
};

struct Sim_Link {
    enum class State : std::uint8_t { unused, calling, answered, refused, open, failed };

    State state = State::unused;
    std::uint32_t generation = 0;
    std::uint32_t node[2] = {};
    int socket[2] = {-1, -1}; ///< -1: closed, or not there yet
    Sim_Pipe pipe[2];         ///< by sender
    Ip_Port address;          ///< that was called
    std::uint64_t again = 0;  ///< ms until a lost call is sent again
};

struct Sim_Event {
    enum class Kind : std::uint8_t { link, pipe, wake, action };

    std::uint64_t at;
    std::uint64_t order;
    Kind kind;
    std::uint32_t index;
    std::uint32_t generation;

    bool operator>(const Sim_Event &other) const { return at != other.at ? at > other.at : order > other.order; }
};

struct Sim_Network {
    explicit Sim_Network(std::uint64_t seed = 1);
    Sim_Network(const Sim_Network &) = delete;
    Sim_Network &operator=(const Sim_Network &) = delete;

    std::uint64_t now = 1'000; ///< ms; not 0, which means "never" to the library in places
    std::uint64_t seed;
    Sim_Random random;
    std::vector<std::unique_ptr<Sim_Node>> nodes; ///< their addresses are kept by hosts
    std::vector<std::string> misuse;              ///< calls that a real host would not forgive

    std::vector<Sim_Link> links;
    std::vector<std::uint32_t> free_links;
    std::vector<std::pair<Ip_Port, std::uint32_t>> listeners; ///< sorted by address
    std::set<std::pair<std::uint32_t, std::uint32_t>> cuts;   ///< pairs of nodes, lower first
    std::priority_queue<Sim_Event, std::vector<Sim_Event>, std::greater<>> events;
    std::vector<std::function<void()>> actions;
    std::vector<std::uint32_t> free_actions;
    std::uint64_t order = 0;
    std::uint64_t links_made = 0;
};

/// A machine that listens at `address`, or does not (family none). Its number.
std::uint32_t sim_add_node(Sim_Network &net, const Ip_Port &address);

/// A fresh address that nobody has.
Ip_Port sim_new_address(Sim_Network &net, Family family = Family::ipv4);

/// What a program says once it is ready to run, and after it was called from outside: its deadline may have changed.
/// `sim_advance` does it for all.
void sim_touch(Sim_Network &net, std::uint32_t node);

/// The node as the library sees it. Without readiness the host has none of the three functions for it.
Host sim_host(Sim_Network &net, std::uint32_t client, bool readiness = true);

// ---- time ------------------------------------------------------------------------------------------------------

/// Lets `ms` pass.
void sim_advance(Sim_Network &net, std::uint64_t ms);

/// Lets time pass until `done()` or for `ms` at most. Whether it was done. Asked whenever something has happened.
template <class Done>
bool sim_until(Sim_Network &net, std::uint64_t ms, Done done);

/// Does something at a time, between other events.
void sim_at(Sim_Network &net, std::uint64_t at, std::function<void()> action);

// ---- what can happen to a node ---------------------------------------------------------------------------------

/// Its process does nothing any more (its machine still takes connections and bytes), or goes on.
void sim_stop(Sim_Network &net, std::uint32_t node, bool stopped);

/// Nothing reaches it nor leaves it; what is under way waits. Healed: what waited arrives `resume_after` ms later than it
/// would, since TCP sends again only after a while; new connections are not concerned.
void sim_cut(Sim_Network &net, std::uint32_t node, bool cut, std::uint64_t resume_after = 0);

/// The same between two nodes only.
void sim_cut_between(Sim_Network &net, std::uint32_t a, std::uint32_t b, bool cut);

/// Its process ends and with it all its connections; nobody listens any more. The program is to forget its sockets.
void sim_kill(Sim_Network &net, std::uint32_t node, Sim_Ending ending);

/// It listens again.
void sim_return(Sim_Network &net, std::uint32_t node);

// ---- sockets, for programs (a Host does the same) --------------------------------------------------------------

int sim_connect(Sim_Node &node, const Ip_Port &address);
/// The next connection that was accepted, watched with its own number; -1 when there is none.
int sim_accept(Sim_Node &node);
std::ptrdiff_t sim_send(Sim_Node &node, int socket, Bytes bytes);
std::ptrdiff_t sim_receive(Sim_Node &node, int socket, Mutable_Bytes bytes);
void sim_close(Sim_Node &node, int socket, bool reset = false);
void sim_watch(Sim_Node &node, int socket, std::uint32_t tag, bool writing);
std::size_t sim_ready(Sim_Node &node, std::span<Ready> ready);
/// The node at the other end of a socket.
std::uint32_t sim_other_node(const Sim_Node &node, int socket);

// ---- the inside of sim_until -----------------------------------------------------------------------------------

/// When the next event is due, NEVER for none.
std::uint64_t sim_next(const Sim_Network &net);
/// Touches every node.
void sim_touch_all(Sim_Network &net);
/// Lets all happen that is due by `until`, and moves the clock there.
void sim_run(Sim_Network &net, std::uint64_t until);

template <class Done>
bool sim_until(Sim_Network &net, std::uint64_t ms, Done done) {
    const std::uint64_t end = net.now + ms;
    sim_touch_all(net);
    while (!done()) {
        if (net.now >= end) {
            return false;
        }
        sim_run(net, std::min(end, std::max(sim_next(net), net.now)));
    }
    return true;
}

} // namespace toxtcp
