// The parts of `toxtcp probe`. One probe tests one relay at one address: two peers with new keys connect to the relay
// and send packets to each other through it. Both are in this process, so the time that a packet takes is a round trip,
// from this machine to the relay and back.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include <toxtcp/tcp_connections.h>

#include "tools/commands.h"
#include "tools/probe/history.h"
#include "tools/shared/diagnosis.h"
#include "tools/shared/relay_list.h"
#include "tools/shared/server_query.h"
#include "tools/shared/watched_host.h"

namespace toxtcp {

// ---- limits ----------------------------------------------------------------------------------------------------

inline constexpr std::size_t PROBE_PACKET_SIZE = 160;     ///< bytes, as large as a packet of voice
inline constexpr std::uint64_t PROBE_LATE_US = 2'000'000; ///< a packet that takes longer counts as lost
/// A relay that loses a larger part of the packets than this is `dropping`. At a few packets a second an honest relay
/// loses none.
inline constexpr double PROBE_LOSS_ALLOWED = 0.01;

// ---- results ---------------------------------------------------------------------------------------------------

/// The four streams of packets through a relay: data and OOB packets, each in both directions.
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
    std::uint64_t sent_at = 0;    ///< us since the first packet of the probe
    std::uint64_t round_trip = 0; ///< us; 0: the packet was not received
};

struct Probe_Stream {
    std::vector<Probe_Packet> packets; ///< by number
    std::uint64_t received = 0;
    std::uint64_t duplicates = 0; ///< packets that had been received before
    std::uint64_t damaged = 0;    ///< packets that differ from every packet that was sent
    std::uint64_t refused = 0; ///< packets that the library did not accept: the socket was full, or the route was gone
};

struct Probe_Result {
    Probe_Status status = Probe_Status::skipped;
    bool not_probed = false;        ///< skipped because of a fault here or of the proxy; counts as not well
    std::string why;                ///< the reason for the status, in words; empty if good
    std::uint64_t connect = 0;      ///< us until the TCP connection took bytes, of the slower peer; 0: it never did
    std::uint64_t handshake = 0;    ///< us from then until the handshake was done, of the slower peer; 0: never
    std::uint64_t routing = 0;      ///< us from both handshakes until both peers were online; 0: never
    std::uint64_t sending_time = 0; ///< us, how long packets were sent
    std::array<Probe_Stream, PROBE_STREAMS> streams;

    // Over all streams together.
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    std::uint64_t median = 0; ///< us, median round trip; 0: nothing came
    std::uint64_t worst = 0;  ///< us, longest round trip
};

[[nodiscard]] double probe_loss(const Probe_Result &result); ///< 0 to 1; 0 where nothing was sent
[[nodiscard]] double probe_rate(const Probe_Result &result); ///< packets delivered per second of `carried`

// ---- one probe (run.cpp, judge.cpp) ----------------------------------------------------------------------------

enum class Probe_Stage : std::uint8_t {
    waiting,
    connecting,    ///< until both handshakes are done
    routing,       ///< until each peer is online for the other
    sending,       ///< packets are sent and received
    awaiting_last, ///< nothing is sent any more; the last packets may still come
    querying,      ///< the peers could not connect: a query asks what answers at the address
    done
};

struct Probe;

struct Probe_Peer {
    Probe *probe = nullptr;
    std::size_t index = 0;
    Watched_Host watched;
    Tcp_Connections *tcp = nullptr;
    Public_Key public_key{};
    int connection = -1;         ///< handle of the connection to the other peer
    int relay = -1;              ///< handle of the relay
    std::uint64_t up_at = 0;     ///< us, when the handshake was done
    std::uint64_t online_at = 0; ///< us, when the relay said that the other peer is online
    /// When the last data packet was sent, us. The library pings the relay if it hears nothing after it.
    std::uint64_t data_sent_at = 0;
    bool ended = false; ///< its connection to the relay has ended
    Reason reason = Reason::none;
    std::uint16_t proxy_status = 0;
};

struct Probe {
    Relay_Address target;
    Proxy proxy;
    std::uint32_t rate = 10;    ///< packets per second, all streams together
    std::uint64_t duration = 0; ///< us, how long packets are sent
    std::uint64_t timeout = 0;  ///< us, for connect and handshake; the same again for routing

    Probe_Stage stage = Probe_Stage::waiting;
    std::array<Probe_Peer, 2> peers;
    std::uint64_t salt = 0;           ///< random; all bytes of this probe's packets depend on it
    std::uint64_t stage_ends_at = 0;  ///< us
    std::uint64_t sending_since = 0;  ///< us, when the first packet was sent; 0: not yet
    std::uint64_t last_sent_at = 0;   ///< us
    std::uint64_t next_packet_at = 0; ///< us
    std::size_t next_stream = 0;
    std::string local_failure; ///< why this machine could not probe; empty: it could
    Probe_Result result;
    Trouble trouble = Trouble::none; ///< why the peers could not connect
    Server_Query query;              ///< asks what answers at the address, if that may tell more than `trouble`
};

/// Begins to connect, or finishes at once if that is impossible. The probe must not move from now on.
void probe_begin(Probe &probe, std::uint64_t now);

/// Receives packets, sends those that are due, and begins the next stage when its time has come. If the stage is `done`
/// afterwards, `result` is complete.
void probe_step(Probe &probe, std::uint64_t now);

/// When `probe_step` is to be called next, if no descriptor is ready before: us.
[[nodiscard]] std::uint64_t probe_wake_time(const Probe &probe, std::uint64_t now);

/// The connections that are open now; null: none.
[[nodiscard]] std::array<Tcp_Connections *, 3> probe_connections(const Probe &probe);

/// Frees the connections and hosts. May be called again.
void probe_close(Probe &probe);

/// Sets the status, the reason and the figures of the result, from the record of the probe.
void probe_judge(Probe &probe);

/// Corrects the result after the query.
void probe_judge_query(Probe &probe);

// ---- a round of probes, and its output -------------------------------------------------------------------------

struct Probed_Relay {
    Relay_Address target;
    Probe_Result result;
    Probe_Status status_before = Probe_Status::skipped; ///< in the last round that was not skipped; skipped: none
    Probe_History history;                              ///< includes this round's result
};

struct Probe_Report {
    std::int64_t time = 0;            ///< seconds since 1970, at the end of the round
    double took = 0;                  ///< s, length of the round
    std::uint32_t rate = 0;           ///< packets per second through each relay, at most
    std::vector<Probed_Relay> relays; ///< best first
};

/// Sorts the best first: by status, loss, median round trip, worst round trip, name.
void sort_by_quality(std::vector<Probed_Relay> &relays);

/// Whether this round found another status than the round before. Rounds that skipped the relay are ignored.
[[nodiscard]] bool has_changed(const Probed_Relay &probed);

/// Whether at least one relay is good, and every other is good, or was skipped because this machine has no route to it.
[[nodiscard]] bool all_well(const Probe_Report &report);

/// "IPv4", "IPv6", or "-" if it has no address.
[[nodiscard]] const char *family_name(const Relay_Address &target);

/// "4 relays: 2 good, 1 hung, 1 dead".
[[nodiscard]] std::string probe_summary(const Probe_Report &report);

[[nodiscard]] std::string probe_table(const Probe_Report &report);               ///< text for a terminal
[[nodiscard]] std::string probe_json(const Probe_Report &report, bool one_line); ///< ends in a newline
[[nodiscard]] std::string probe_page(const Probe_Report &report);                ///< HTML
[[nodiscard]] std::string probe_metrics(const Probe_Report &report);             ///< Prometheus' text format

/// A chart of the round trips as one `svg` element (chart.cpp); empty when there is nothing to draw.
[[nodiscard]] std::string probe_chart(const Probe_Result &result);
/// The same for the rounds of the last week, by the hour; empty when fewer than two hours are known.
[[nodiscard]] std::string probe_history_chart(const Probe_History &history);

} // namespace toxtcp
