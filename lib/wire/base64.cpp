#include "wire/base64.h"

#include <sodium.h>

namespace toxtcp {

void encode_base64(Bytes bytes, std::span<char> out) {
    sodium_bin2base64(out.data(), out.size(), bytes.data(), bytes.size(), sodium_base64_VARIANT_ORIGINAL);
}

} // namespace toxtcp
