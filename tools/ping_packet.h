// The packets that two `toxtcp ping` send each other.
#pragma once

#include <vector>

#include <toxtcp/types.h>

namespace toxtcp {

enum class Ping_Kind : std::uint8_t { hello = 'h', request = 'p', answer = 'a' };

struct Ping_Head {
    std::uint64_t run; ///< of the pinging program: answers to another one are not counted
    std::uint64_t number;
    Ping_Kind kind;
};

inline constexpr std::size_t MIN_PING_SIZE = 20; ///< bytes: mark, kind, run and number

/// A packet of this size, or the least that it takes.
[[nodiscard]] std::vector<std::uint8_t> print_ping(const Ping_Head &head, std::size_t size);

/// False when it is none.
[[nodiscard]] bool parse_ping(Bytes packet, Ping_Head &head);

} // namespace toxtcp
