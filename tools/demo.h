// What the demo is made of: relays, two peers, a stream each way, and what happened.
#pragma once

#include <array>
#include <string>
#include <vector>

#include <toxtcp/tcp_connections.h>

#include "clock.h"
#include "commands.h"
#include "demo_relays.h"
#include "demo_stream.h"

namespace toxtcp {

inline constexpr std::size_t DEMO_RELAYS = 3;
inline constexpr std::size_t DEMO_PEERS = 2;

/// A connection holds when no silence is longer than this...
inline constexpr std::uint64_t MAX_SILENCE_US = 5'000'000;
/// ...and the last packet came no earlier than this, and the time between two packets, before the end.
inline constexpr std::uint64_t ALIVE_WITHIN_US = 1'000'000;

struct Demo;

struct Demo_Peer {
    Demo *demo = nullptr;
    const char *name = "";
    Host *system_host = nullptr; ///< ours to free
    Host host;                   ///< the same with a log of our own
    Tcp_Connections *tcp = nullptr;
    Public_Key public_key{};
    int connection = -1;                   ///< to the other
    std::array<int, DEMO_RELAYS> relays{}; ///< numbers of the relays
    std::array<bool, DEMO_RELAYS> down{};  ///< and it was said that this one is, so that each try is not told
    Stream incoming;                       ///< from the other
};

struct Demo_Event {
    std::uint64_t at; ///< us since the beginning
    std::string text;
};

/// Something done to a relay.
struct Demo_Fault {
    std::uint64_t at; ///< us since the beginning
    std::string text;
    std::array<std::uint64_t, DEMO_PEERS> silence{}; ///< us, longest from then to the next fault, by receiver
};

/// How what happens is shown while it happens.
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
    bool table_drawn = false; ///< so that the next drawing goes over it
    bool relay_failed = false;
    bool snapshot_failed = false; ///< which was said
    int signals = -1;             ///< descriptor that signals come from
    bool interrupted = false;     ///< by a signal
};

/// "A -> B": the direction that ends at this peer.
[[nodiscard]] std::string direction_name(const Demo &demo, std::size_t receiver);

/// The relay that has this number for the peer, DEMO_RELAYS when none has.
[[nodiscard]] std::size_t relay_index(const Demo_Peer &peer, int number);

/// The peer `receiver` heard nothing between these two times (us, monotonic clock): what that says of the faults.
void demo_note_silence(Demo &demo, std::size_t receiver, std::uint64_t from, std::uint64_t to);

/// Whether the connection held: why not, nothing when it did.
[[nodiscard]] std::vector<std::string> demo_faults_found(const Demo &demo);

// ---- showing it (demo_show.cpp) --------------------------------------------------------------------------------

/// Records what happened, and prints it where the view is lines.
void show_event(Demo &demo, const std::string &text);

/// The library's change, in words.
void show_change(Demo_Peer &peer, const Change &change);

/// Draws the table over its last state, where the view is one.
void draw_table(Demo &demo);

void print_summary(const Demo &demo);
void print_json(const Demo &demo);

} // namespace toxtcp
