// The kinds of relay in tests: one list for simulated relays (sim/relay_kinds.h) and for a relay on real sockets
// (stand_in.cpp). This file decides which packets a relay of a kind carries. What a kind does to connections (refuse,
// close, hang, delay) is done in those two.
#pragma once

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include <toxtcp/echo.h>
#include <toxtcp/wire.h>

namespace toxtcp {

enum class Relay_Kind : std::uint8_t {
    honest,
    refuses,       ///< nobody listens
    silent,        ///< accepts connections, and sends nothing
    shakes_hands,  ///< completes each handshake, then closes the connection
    hangs,         ///< works at first, then does nothing more
    drops,         ///< says that peers are online, and carries nothing
    drops_one_way, ///< carries nothing to one of the two peers
    drops_big,     ///< carries nothing of DROPPED_FROM bytes or more
    passes_echoes, ///< carries cookie requests and responses, and nothing else
    forges,        ///< carries nothing, forges packets of the peer, 20 a second, and sends each echo back (`reflected`)
    late,          ///< carries everything, LATE_MS later
    flaps,         ///< ends all connections every FLAP_MS
    moves,         ///< is honest, and gets another address
    count
};

inline constexpr std::size_t DROPPED_FROM = 400; ///< bytes of data
inline constexpr std::uint64_t LATE_MS = 2'000;
inline constexpr std::uint64_t FLAP_MS = 2'000;
inline constexpr std::uint64_t FORGE_EVERY_MS = 50;

inline constexpr const char *RELAY_KIND_NAMES[] = {"honest", "refuses",       "silent",    "shakes_hands",  "hangs",
                                                   "drops",  "drops_one_way", "drops_big", "passes_echoes", "forges",
                                                   "late",   "flaps",         "moves"};
static_assert(std::size(RELAY_KIND_NAMES) == static_cast<std::size_t>(Relay_Kind::count));

inline const char *to_string(Relay_Kind kind) {
    return RELAY_KIND_NAMES[static_cast<std::size_t>(kind)];
}

inline std::optional<Relay_Kind> parse_relay_kind(std::string_view name) {
    for (std::size_t i = 0; i < std::size(RELAY_KIND_NAMES); ++i) {
        if (name == RELAY_KIND_NAMES[i]) {
            return static_cast<Relay_Kind>(i);
        }
    }
    return std::nullopt;
}

/// What a relay that forges sends back for a cookie request or response: the same, with the other client as the asker.
/// Nothing for other packets.
inline std::vector<std::uint8_t> reflected(Bytes data, const std::uint8_t *other) {
    if (data.size() <= std::tuple_size_v<Public_Key> || (data[0] != ECHO_REQUEST && data[0] != ECHO_RESPONSE)) {
        return {};
    }
    std::vector<std::uint8_t> bytes{data.begin(), data.end()};
    if (data[0] == ECHO_REQUEST) {
        std::copy_n(other, std::tuple_size_v<Public_Key>, bytes.begin() + 1);
    }
    return bytes;
}

/// Whether a relay of this kind carries a data or OOB packet. `to_victim`: the packet is for the client to whom
/// `drops_one_way` carries nothing.
inline bool relay_carries(Relay_Kind kind, Bytes data, bool to_victim) {
    switch (kind) {
    case Relay_Kind::drops:
    case Relay_Kind::forges:
        return false;
    case Relay_Kind::drops_one_way:
        return !to_victim;
    case Relay_Kind::drops_big:
        return data.size() < DROPPED_FROM;
    case Relay_Kind::passes_echoes:
        return !data.empty() && (data[0] == ECHO_REQUEST || data[0] == ECHO_RESPONSE);
    default:
        return true;
    }
}

} // namespace toxtcp
