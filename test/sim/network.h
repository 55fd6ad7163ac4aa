// A TCP network in memory, on a simulated clock. A run depends on its seed alone: nothing in here uses the system's
// clock, its randomness or its sockets.
//
// Nodes are machines: clients (each served by a `Host`), relays and proxies (which use the calls below). A link is a
// TCP connection between two nodes. Everything that happens is an event in one queue, so a run costs time for its
// events only, and nothing for a minute without events.
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
#include <toxtcp/observe.h>

namespace toxtcp {

// ---- randomness ------------------------------------------------------------------------------------------------

/// The generator splitmix64: small, fast, and the same on every platform.
struct Sim_Random {
    std::uint64_t state = 0;
};

std::uint64_t sim_random(Sim_Random &random);
/// A random number below `limit`, which is not 0.
std::uint64_t sim_below(Sim_Random &random, std::uint64_t limit);
void sim_fill(Sim_Random &random, Mutable_Bytes bytes);
/// A source for the library's functions that draw keys and nonces. It keeps a pointer to `random`.
Random sim_random_source(Sim_Random &random);

// ---- nodes -----------------------------------------------------------------------------------------------------

struct Sim_Network;

/// How the connections of a process end.
enum class Sim_Ending : std::uint8_t {
    end_of_stream, ///< closed: the other end reads the end of the stream
    reset,
    silence ///< the machine is gone: the other end is not told
};

/// How often each function of a host was called. A real host makes a system call for each.
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

/// One end of a link, in the node that holds it. The next socket gets the number of a closed one, as on a real system.
struct Sim_Socket {
    std::uint32_t link = UINT32_MAX; ///< UINT32_MAX: closed
    std::uint8_t side = 0;           ///< 0: it connected, 1: it accepted
    bool watched = false;
    bool writing = false; ///< watched for writing as well
    bool listed = false;  ///< its number is in the node's `listed`
    std::uint32_t tag = 0;
};

struct Sim_Node {
    Sim_Network *net = nullptr;
    std::uint32_t number = 0;
    Ip_Port address; ///< where it listens; none for a client

    // The program that runs on it.
    void *object = nullptr;
    void (*run)(void *object) = nullptr;
    std::uint64_t (*deadline)(void *object) = nullptr; ///< when it must run next, ms, or NEVER; may be null
    std::uint64_t interval = 0; ///< ms between two runs, ready or not; 0: it runs when something is ready or due
    std::uint64_t rest = 0;     ///< ms after a run in which ready sockets do not wake it (a slow reader, with `piece`)

    // Its conditions. They may be changed at any time.
    std::uint64_t latency = 5;        ///< ms, one way; on a link the latencies of both nodes are added
    std::uint64_t lag = 0;            ///< ms, one way, added to `latency`: for a relay that is late on purpose
    std::uint64_t jitter = 0;         ///< ms; up to this is added to each arrival, at random
    std::size_t capacity = 64 * 1024; ///< the most bytes on one link that were sent to it and that it has not read
    /// The most bytes received at once on its links, in both directions. Each size is drawn, from 1 up. 0: no limit.
    std::size_t piece = 0;
    std::uint64_t spread = 0;           ///< ms between the arrivals of two pieces; 0: they come together
    std::size_t send_piece = 0;         ///< the most bytes that one send takes; 0: as many as fit
    std::size_t max_sockets = SIZE_MAX; ///< with so many sockets open, connecting fails
    bool unreachable = false;           ///< it has no network: connecting from it fails at once
    bool refusing = false;              ///< nobody listens
    bool blackhole = false;             ///< connection requests to it are lost, without an answer
    // Set by the functions below, which also change what is under way.
    bool stopped = false;
    bool cut = false;
    bool down = false;

    // What was observed.
    Sim_Calls calls;
    std::uint64_t runs = 0;
    std::uint64_t spins = 0; ///< runs that used no socket, and after which the node was due again at once
    std::vector<Sim_Line> log;
    Log_Level log_from = Log_Level::warning; ///< the lowest level that is kept

    // Internal state.
    std::vector<Sim_Socket> sockets;
    std::vector<int> free_sockets;
    std::deque<int> accepted; ///< sockets that the program has not taken yet
    std::vector<int> listed;  ///< sockets that may be ready
    std::uint64_t wake_at = NEVER;
    std::uint64_t deaf_until = 0;
    std::uint64_t progress = 0; ///< how often a connect, accept, send, receive or close had an effect
    Sim_Random random;

    [[nodiscard]] std::size_t open_sockets() const { return sockets.size() - free_sockets.size(); }
};

// ---- the network -----------------------------------------------------------------------------------------------

/// What one side of a link has sent: bytes that have arrived and are not read, and what is under way.
struct Sim_Pipe {
    enum class What : std::uint8_t { bytes, end, reset };
    struct Segment {
        std::uint64_t at;
        std::size_t count;
        What what;
    };

    std::vector<std::uint8_t> bytes; ///< from `begin` on: those that have arrived, then those under way
    std::size_t begin = 0;
    std::size_t arrived = 0; ///< how many of these bytes have arrived
    std::deque<Segment> flight;
    std::uint64_t last_arrival = 0;
    std::uint64_t event_at = NEVER;
    bool held = false; ///< something is due, but the nodes are cut off
    bool ended = false;
    bool reset = false;

    [[nodiscard]] std::size_t size() const { return bytes.size() - begin; }
};

struct Sim_Link {
    enum class State : std::uint8_t { unused, calling, answered, refused, open, failed };

    State state = State::unused;
    std::uint32_t generation = 0;
    std::uint32_t node[2] = {};
    int socket[2] = {-1, -1}; ///< -1: closed, or not accepted yet
    Sim_Pipe pipe[2];         ///< by sender
    Ip_Port address;          ///< the address connected to
    std::uint64_t again = 0;  ///< ms, the last wait before a lost connection request was repeated
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

    std::uint64_t now = 1'000; ///< ms; does not begin at 0, which in places means "never" to the library
    std::uint64_t seed;
    Sim_Random random;
    std::vector<std::unique_ptr<Sim_Node>> nodes; ///< hosts keep pointers to them
    std::vector<std::string> misuse;              ///< calls that no host may get, such as a send to a closed socket

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

/// Adds a node that listens at `address`, or does not listen (family none). Returns its number.
std::uint32_t sim_add_node(Sim_Network &net, const Ip_Port &address);

/// An address that no node has yet. It stays the same until a node is added.
Ip_Port sim_new_address(Sim_Network &net, Family family = Family::ipv4);

/// Reads a node's deadline again. To be called when its program can run at first, and after each call to the program
/// from outside, which may have changed the deadline. `sim_advance` does this for all nodes.
void sim_touch(Sim_Network &net, std::uint32_t node);

/// The host by which the library uses this node. Without `readiness` it has no `watch`, no `ready`, no `descriptor`
/// and no `wait`.
Host sim_host(Sim_Network &net, std::uint32_t client, bool readiness = true);

// ---- time ------------------------------------------------------------------------------------------------------

/// Lets `ms` pass.
void sim_advance(Sim_Network &net, std::uint64_t ms);

/// Lets time pass until `done()` is true, for `ms` at most. Returns whether it became true. `done` is called each time
/// after something has happened.
template <class Done>
bool sim_until(Sim_Network &net, std::uint64_t ms, Done done);

/// Runs `action` at the time `at`, as an event of its own.
void sim_at(Sim_Network &net, std::uint64_t at, std::function<void()> action);

// ---- what can happen to a node ---------------------------------------------------------------------------------

/// Stops the node's process, or lets it go on. While it is stopped, its machine still accepts connections and bytes.
void sim_stop(Sim_Network &net, std::uint32_t node, bool stopped);

/// Cuts the node off, or ends the cut. While it is cut off, nothing reaches or leaves it, and what is under way waits.
/// When the cut ends, what waited arrives after its travel time and `resume_after` ms, since TCP sends again only after
/// a while. `resume_after` does not delay connection requests: they are repeated by a timer of their own.
void sim_cut(Sim_Network &net, std::uint32_t node, bool cut, std::uint64_t resume_after = 0);

/// Cuts off two nodes from each other, or ends this cut.
void sim_cut_between(Sim_Network &net, std::uint32_t a, std::uint32_t b, bool cut);

/// Ends the node's process and all its connections; nobody listens any more. The program must then forget its sockets.
void sim_kill(Sim_Network &net, std::uint32_t node, Sim_Ending ending);

/// The node listens again.
void sim_return(Sim_Network &net, std::uint32_t node);

// ---- sockets, for programs (a Host does the same) --------------------------------------------------------------

int sim_connect(Sim_Node &node, const Ip_Port &address);
/// Takes the next accepted connection: its socket, which is watched with its own number as the tag. -1: there is none.
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
/// Runs all events that are due by `until`, then sets the clock to `until`.
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
