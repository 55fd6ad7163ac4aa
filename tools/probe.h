// What `toxtcp probe` is made of. One probe is of one relay at one address: two fresh identities connect to it, and
// packets go through it from each to the other. Both are here, so the time that a packet takes is a round trip: from us
// to the relay and back.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include <toxtcp/tcp_connections.h>

#include "commands.h"
#include "probe_history.h"
#include "relay_list.h"
#include "watched_host.h"

namespace toxtcp {

// ---- limits ----------------------------------------------------------------------------------------------------

inline constexpr std::size_t PROBE_PACKET_SIZE = 160;     ///< bytes, as large as a packet of voice
inline constexpr std::uint64_t PROBE_LATE_US = 2'000'000; ///< a packet that takes longer is lost
/// More than this part of the packets lost: the relay drops. At a few packets a second an honest one loses none.
inline constexpr double PROBE_LOSS_ALLOWED = 0.01;

// ---- what is found out -----------------------------------------------------------------------------------------

/// The four ways through a relay.
inline constexpr std::size_t PROBE_STREAMS = 4;
inline constexpr std::array<const char *, PROBE_STREAMS> PROBE_STREAM_NAMES{"data A>B", "data B>A", "OOB A>B",
                                                                            "OOB B>A"};
constexpr bool is_oob(std::size_t stream) {
    return stream >= 2;
}
constexpr std::size_t sender_of(std::size_t stream) {
    return stream % 2;
}

struct Probe_Packet {
    std::uint64_t sent = 0;       ///< us since the first packet of the probe
    std::uint64_t round_trip = 0; ///< us; 0: it has not come
};

struct Probe_Stream {
    std::vector<Probe_Packet> packets; ///< by number
    std::uint64_t received = 0;
    std::uint64_t twice = 0;
    std::uint64_t damaged = 0; ///< what was never sent so
    std::uint64_t refused = 0; ///< not taken by the library: the socket was full, or the route gone
};

struct Probe_Result {
    Probe_Status status = Probe_Status::skipped;
    bool not_probed = false;     ///< for want of something that this machine should have
    std::string why;             ///< in words, unless it is good
    std::uint64_t connect = 0;   ///< us until the TCP connection took bytes, the slower of the two; 0: it never did
    std::uint64_t handshake = 0; ///< us from then until the handshake was done; 0: it never was
    std::uint64_t routing = 0;   ///< us from then until both were online; 0: they never were
    std::uint64_t carried = 0;   ///< us during which packets were sent
    std::array<Probe_Stream, PROBE_STREAMS> streams;

    // Over all streams.
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    std::uint64_t median = 0; ///< us, of round trips; 0: nothing came
    std::uint64_t worst = 0;  ///< us
};

[[nodiscard]] double probe_loss(const Probe_Result &result); ///< 0 to 1; 0 where nothing was sent
[[nodiscard]] double probe_rate(const Probe_Result &result); ///< packets delivered per second of `carried`

// ---- one probe (probe_run.cpp, probe_judge.cpp) ------------------------------------------------------------------

enum class Probe_Stage : std::uint8_t { waiting, connecting, routing, carrying, settling, done };

struct Probe;

struct Probe_Peer {
    Probe *probe = nullptr;
    std::size_t index = 0;
    Watched_Host watched;
    Tcp_Connections *tcp = nullptr;
    Public_Key public_key{};
    int connection = -1; ///< to the other
    int relay = -1;
    std::uint64_t up = 0;     ///< us, the handshake was done
    std::uint64_t online = 0; ///< us, the relay said that the other is there
    std::uint64_t sent = 0;   ///< us, the last data that it sent: the library expects a sign of life after it
    bool ended = false;       ///< its connection to the relay ended
    Reason reason = Reason::none;
    std::uint16_t proxy_status = 0;
};

struct Probe {
    Relay_Address target;
    Proxy proxy;
    std::uint32_t rate = 10; ///< packets per second, all streams together
    std::uint64_t duration = 0;
    std::uint64_t patience = 0; ///< us, for connect and handshake, and again for routing

    Probe_Stage stage = Probe_Stage::waiting;
    std::array<Probe_Peer, 2> peers;
    std::uint64_t salt = 0;       ///< packets of this probe are full of it
    std::uint64_t stage_ends = 0; ///< us
    std::uint64_t began = 0;      ///< us, the first packet
    std::uint64_t last_sent = 0;  ///< us
    std::uint64_t next_packet = 0;
    std::size_t next_stream = 0;
    std::string cannot; ///< this machine's failure, not the relay's
    Probe_Result result;
};

/// Connects. The probe must not move from now on.
void probe_begin(Probe &probe, std::uint64_t now);

/// Does what is to be done; afterwards it may be `done`, with its result.
void probe_turn(Probe &probe, std::uint64_t now);

/// When it next has something to do by the clock: us.
[[nodiscard]] std::uint64_t probe_wake(const Probe &probe, std::uint64_t now);

/// Frees what it holds. Any number of times.
void probe_end(Probe &probe);

/// Sets status, words and figures by what was seen.
void probe_judge(Probe &probe);

// ---- many, and what is shown of them ---------------------------------------------------------------------------

struct Probed_Relay {
    Relay_Address target;
    Probe_Result result;
    Probe_Status status_before = Probe_Status::skipped; ///< of the last round that counted; skipped: there was none
    Probe_History history;                              ///< this round's result is in it
};

struct Probe_Report {
    std::int64_t time = 0; ///< seconds since 1970, at the end of the round
    double took = 0;       ///< s
    std::uint32_t rate = 0;
    std::vector<Probed_Relay> relays; ///< the best first
};

/// The best first: by status, loss, median and worst round trip, name.
void sort_by_quality(std::vector<Probed_Relay> &relays);

/// Whether this round found another status than the one before. A round that skipped the relay tells nothing.
[[nodiscard]] bool has_changed(const Probed_Relay &probed);

/// None is bad, none could not be probed, and at least one is good: a relay that this machine has no way to says nothing.
[[nodiscard]] bool all_well(const Probe_Report &report);

/// "IPv4", "IPv6", or "-" where it had no address.
[[nodiscard]] const char *family_name(const Relay_Address &target);

/// "4 relays: 2 good, 1 hung, 1 dead".
[[nodiscard]] std::string probe_summary(const Probe_Report &report);

[[nodiscard]] std::string probe_table(const Probe_Report &report);               ///< lines, for people
[[nodiscard]] std::string probe_json(const Probe_Report &report, bool one_line); ///< ends in a newline
[[nodiscard]] std::string probe_page(const Probe_Report &report);                ///< HTML
[[nodiscard]] std::string probe_metrics(const Probe_Report &report);             ///< Prometheus' text format

/// A chart of the round trips as one `svg` element (probe_chart.cpp); empty when there is nothing to draw.
[[nodiscard]] std::string probe_chart(const Probe_Result &result);
/// The same of a week's rounds, by the hour; empty where no more than one hour is known.
[[nodiscard]] std::string probe_history_chart(const Probe_History &history);

} // namespace toxtcp
