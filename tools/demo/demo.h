// The state of the demo: its relays, two peers, a stream of packets in each direction, the faults and the events.
#pragma once

#include <array>
#include <string>
#include <vector>

#include <toxtcp/observe.h>

#include "tools/commands.h"
#include "tools/demo/relays.h"
#include "tools/demo/stream.h"
#include "tools/shared/clock.h"
#include "tools/shared/watched_host.h"

namespace toxtcp {

inline constexpr std::size_t DEMO_RELAYS = 3;
inline constexpr std::size_t DEMO_PEERS = 2;

/// A connection with a longer silence did not hold.
inline constexpr std::uint64_t MAX_SILENCE_US = 5'000'000;
/// A connection did not hold if its last packet came earlier than this time (plus the time between two packets) before
/// the end.
inline constexpr std::uint64_t ALIVE_WITHIN_US = 1'000'000;

struct Demo;

struct Demo_Peer {
    Demo *demo = nullptr;
    const char *name = "";
    Watched_Host watched; ///< closed by `kill_peers`
    Tcp_Connections *tcp = nullptr;
    Public_Key public_key{};
    int connection = -1;                   ///< handle of the connection to the other peer
    std::array<int, DEMO_RELAYS> relays{}; ///< handles of the relays
    std::array<bool, DEMO_RELAYS> down{};  ///< this relay was reported as down; failed retries are not reported again
    Stream incoming;                       ///< from the other peer
};

struct Demo_Event {
    std::uint64_t at_us; ///< us since the beginning
    std::string text;
};

/// A fault that the demo injected into a relay, or the end of a fault.
struct Demo_Fault {
    std::uint64_t at_us; ///< us since the beginning
    std::string text;
    std::array<std::uint64_t, DEMO_PEERS> silence{}; ///< us, longest silence until the next fault, by receiver
};

/// What is shown while the demo runs.
enum class Demo_View : std::uint8_t { table, lines, nothing };

struct Demo {
    Demo_Options options;
    Proxy proxy;
    Demo_View view = Demo_View::lines;
    std::array<Relay_Process, DEMO_RELAYS> relays;
    std::array<Demo_Peer, DEMO_PEERS> peers; ///< A and B
    std::vector<Demo_Event> events;
    std::vector<Demo_Fault> faults;
    std::uint64_t began = 0;  ///< us on the monotonic clock, when the first packet was sent; 0 before
    std::uint64_t ended = 0;  ///< the same, when sending ended; 0 before
    bool table_drawn = false; ///< the next drawing overwrites it
    bool relay_failed = false;
    bool snapshot_failed = false; ///< a snapshot could not be written, and that was reported
    int signals = -1; ///< descriptor of open_signals; signals stay unread, so that a signal also interrupts `print`
    bool interrupted = false;  ///< by a signal, or because printing failed
    bool print_failed = false; ///< printing failed, and that was reported
};

/// "A -> B": the direction that ends at this peer.
[[nodiscard]] std::string direction_name(const Demo &demo, std::size_t receiver);

/// The index of the relay that has this handle in the peer's library; DEMO_RELAYS if none has.
[[nodiscard]] std::size_t relay_index(const Demo_Peer &peer, int handle);

/// Records that the peer `receiver` heard nothing between these two times (us, monotonic clock), for each fault that
/// the silence falls into.
void demo_note_silence(Demo &demo, std::size_t receiver, std::uint64_t from, std::uint64_t to);

/// The reasons why the connection did not hold; empty if it held.
[[nodiscard]] std::vector<std::string> demo_failures(const Demo &demo);

/// Prints the text without a buffer. If that fails, the demo ends.
void demo_print(Demo &demo, const std::string &text);

// ---- display (show.cpp) ----------------------------------------------------------------------------------------

/// Records an event, and prints it if the view is `lines`.
void show_event(Demo &demo, const std::string &text);

/// Records a change that the library reported, as an event in words.
void show_change(Demo_Peer &peer, const Change &change);

/// Draws the table over the one drawn before, if the view is `table`.
void draw_table(Demo &demo);

[[nodiscard]] std::string summary_text(const Demo &demo);
[[nodiscard]] std::string summary_json(const Demo &demo);

} // namespace toxtcp
