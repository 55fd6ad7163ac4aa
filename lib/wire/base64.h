// Base64 (RFC 4648), as HTTP's Basic authentication wants it.
#pragma once

#include <toxtcp/types.h>

namespace toxtcp {

/// Digits for so many bytes, and the zero behind them.
constexpr std::size_t base64_size(std::size_t bytes) {
    return (bytes + 2) / 3 * 4 + 1;
}

/// Writes the digits with their padding, and zeros to the end; `out` has `base64_size` characters at least.
void print_base64(Bytes bytes, std::span<char> out);

} // namespace toxtcp
