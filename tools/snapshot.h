// A host's relays and peers, as the library's snapshot tells them (`tcp_connections_json`).
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
    std::optional<std::uint64_t> connected_ms; ///< for how long
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
    int relay = 0;                          ///< handle of a relay
    std::string state;                      ///< how far it has come
    std::string use;                        ///< whether it is used, or why not; empty: the library does not tell
    std::uint64_t echo_round_trip_ms = 0;   ///< end to end; 0: not known
    std::optional<std::uint64_t> proved_ms; ///< since the last proof that it delivers
};

struct Snapshot_Peer {
    int handle = 0;
    std::string public_key;
    bool awake = true;
    std::optional<int> sending;   ///< handle of a relay
    std::optional<int> receiving; ///< the same
    std::vector<Snapshot_Route> routes;
    std::size_t online = 0; ///< of these
    std::uint64_t moves = 0;
    std::uint64_t failures = 0;
    std::optional<std::uint64_t> echoes_sent;     ///< none: the library does not tell
    std::optional<std::uint64_t> echoes_answered; ///< the same
    std::optional<std::uint64_t> heard_ms;        ///< ago
    std::uint64_t packets_sent = 0;
    std::uint64_t packets_received = 0;
};

struct Snapshot {
    std::uint64_t time_ms = 0; ///< on the host's clock
    std::string public_key;
    std::vector<Snapshot_Relay> relays;
    std::vector<Snapshot_Peer> peers;
};

/// False, with `error`, when it is no snapshot, or one of a version that we do not know; `snapshot` is as it was then.
/// What only newer libraries tell may be missing. Texts come out printable.
[[nodiscard]] bool parse_snapshot(const std::string &json, Snapshot &snapshot, std::string &error);

} // namespace toxtcp
