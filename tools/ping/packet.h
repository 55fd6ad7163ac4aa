// The packets between `toxtcp ping --data` and `toxtcp ping --listen`.
#pragma once

#include <vector>

#include <toxtcp/types.h>

namespace toxtcp {

enum class Ping_Kind : std::uint8_t { hello = 'h', request = 'p', answer = 'a' };

struct Ping_Head {
    std::uint64_t run; ///< random; the pinging program ignores answers with another value
    std::uint64_t number;
    Ping_Kind kind;
};

inline constexpr std::size_t MIN_PING_SIZE = 20; ///< bytes: mark, kind, run and number

/// Makes a packet of this size, or of MIN_PING_SIZE if `size` is less.
[[nodiscard]] std::vector<std::uint8_t> encode_ping(const Ping_Head &head, std::size_t size);

/// False if this is not a packet of `toxtcp ping`.
[[nodiscard]] bool decode_ping(Bytes packet, Ping_Head &head);

} // namespace toxtcp
