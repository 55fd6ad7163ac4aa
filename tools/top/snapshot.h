// A host's relays and peers, read from the library's snapshot (the JSON of `tcp_connections_json`).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace toxtcp {

struct Snapshot_Relay {
    int handle = 0;
    std::string address;
    std::string public_key;
    std::string state;
    std::string last_end;
    std::optional<std::uint64_t> connected_ms; ///< how long it is connected; none: it is not
    std::uint64_t round_trip_ms = 0;           ///< 0: not known
    std::uint64_t connections = 0;
    std::uint64_t online = 0;
    std::uint64_t carries = 0;
    std::uint64_t times_stale = 0;
    std::uint64_t failures = 0;
    std::uint64_t packets_sent = 0;
    std::uint64_t packets_received = 0;
};

struct Snapshot_Route {
    int relay = 0;                          ///< handle of the relay
    std::string state;                      ///< the library's name of a Route_State
    std::string use;                        ///< the library's name of a Route_Use
    std::uint64_t echo_round_trip_ms = 0;   ///< end to end; 0: not known
    std::optional<std::uint64_t> proved_ms; ///< time since the last proof that it delivers; none: no proof
};

struct Snapshot_Peer {
    int handle = 0;
    std::string public_key;
    bool awake = true;
    std::optional<int> sending;   ///< handle of the relay that data is sent over
    std::optional<int> receiving; ///< handle of the relay that the peer was heard over last
    std::vector<Snapshot_Route> routes;
    std::size_t online = 0; ///< routes that are online
    std::uint64_t moves = 0;
    std::uint64_t failures = 0;
    std::uint64_t echoes_sent = 0;
    std::uint64_t echoes_answered = 0;
    std::optional<std::uint64_t> heard_ms; ///< time since the last packet proved to be the peer's; none: never
    std::uint64_t packets_sent = 0;
    std::uint64_t packets_received = 0;
};

struct Snapshot {
    std::uint64_t time_ms = 0; ///< on the host's clock
    std::string public_key;
    std::vector<Snapshot_Relay> relays;
    std::vector<Snapshot_Peer> peers;
};

/// Reads a snapshot. False, with `error` and `snapshot` unchanged, when the text is no snapshot or has an unknown
/// version. Unknown members are ignored. All texts are made printable.
[[nodiscard]] bool parse_snapshot(const std::string &json, Snapshot &snapshot, std::string &error);

} // namespace toxtcp
