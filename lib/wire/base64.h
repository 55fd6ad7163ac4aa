// Base64 (RFC 4648), for HTTP's Basic authentication.
#pragma once

#include <toxtcp/types.h>

namespace toxtcp {

/// Size of the text for this number of bytes: the digits with their padding, and a terminating zero.
constexpr std::size_t base64_size(std::size_t bytes) {
    return (bytes + 2) / 3 * 4 + 1;
}

/// Writes the digits with their padding, and fills the rest of `out` with zeros. `out` has at least `base64_size`
/// characters.
void encode_base64(Bytes bytes, std::span<char> out);

} // namespace toxtcp
