// Nonces count up as one 24-byte big-endian number.
#include <sodium.h>

#include "bytes.h"
#include "catch.h"
#include "vectors.h"

using namespace toxtcp;

namespace {

Nonce nonce_from(std::string_view text) {
    return {array_from<NONCE_SIZE>(text)};
}

} // namespace

TEST_CASE("a nonce counts up as a big-endian number and carries through its bytes") {
    for (const vectors::Nonce_Step &step : vectors::NONCE_STEPS) {
        Nonce nonce = nonce_from(step.before);
        increment_nonce(nonce, step.by);
        INFO(step.before << " + " << step.by);
        CHECK(to_hex(nonce.bytes) == step.after);
    }
}

TEST_CASE("a nonce counts up by one by default") {
    Nonce nonce = nonce_from(vectors::CLIENT_BASE);
    increment_nonce(nonce);
    CHECK(to_hex(nonce.bytes) == vectors::CLIENT_FRAMES[0].nonce_after);
}

TEST_CASE("a nonce counts like libsodium's little-endian number with its bytes reversed") {
    Nonce ours = nonce_from(vectors::RELAY_BASE);
    std::array<std::uint8_t, NONCE_SIZE> theirs;
    std::reverse_copy(ours.bytes.begin(), ours.bytes.end(), theirs.begin());
    bool same = true;
    for (int i = 0; i < 70'000; ++i) {
        increment_nonce(ours);
        sodium_increment(theirs.data(), theirs.size());
        same = same && std::equal(ours.bytes.begin(), ours.bytes.end(), theirs.rbegin());
    }
    CHECK(same);
    Nonce leapt = nonce_from(vectors::RELAY_BASE);
    increment_nonce(leapt, 70'000);
    CHECK(to_hex(leapt.bytes) == to_hex(ours.bytes));
}
