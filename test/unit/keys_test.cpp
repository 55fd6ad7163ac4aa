// Keys: made, wiped, written and read.
#include <sodium.h>

#include <new>

#include "bytes.h"
#include "catch.h"
#include "vectors.h"

using namespace toxtcp;

namespace {

const Public_Key RELAY_KEY = array_from<KEY_SIZE>(vectors::RELAY_PUBLIC);
const std::string RELAY_TEXT = "DE9EDB7D7B7DC1B4D35B61C2ECE435373F8343C85B78674DADFC7E146F882B4F";

} // namespace

TEST_CASE("the public key of a secret key is X25519's") {
    CHECK(to_hex(public_key_of(secret_key(vectors::CLIENT_SECRET))) == vectors::CLIENT_PUBLIC);
    CHECK(to_hex(public_key_of(secret_key(vectors::RELAY_SECRET))) == vectors::RELAY_PUBLIC);
}

TEST_CASE("a new key pair belongs together, and differs from the pair before") {
    Public_Key first{};
    Public_Key second{};
    Secret_Key first_secret;
    Secret_Key second_secret;
    new_key_pair(first, first_secret);
    new_key_pair(second, second_secret);
    CHECK(first == public_key_of(first_secret));
    CHECK(second == public_key_of(second_secret));
    CHECK(first != second);
    CHECK(first_secret.bytes != second_secret.bytes);
    CHECK_FALSE(sodium_is_zero(first_secret.bytes.data(), first_secret.bytes.size()));
}

TEST_CASE("the system's random bytes fill the whole buffer, differ each time, and touch nothing else") {
    const Random random = system_random();
    Fenced first(64);
    Fenced second(64);
    random.fill(random.object, first.bytes());
    random.fill(random.object, second.bytes());
    CHECK(first.intact());
    CHECK(to_hex(first.bytes()) != to_hex(second.bytes()));
    // A byte that is never written keeps its value in all 32 draws. A random byte does so with a probability of 2^-256.
    std::array<bool, 64> changed{};
    for (int i = 0; i < 32; ++i) {
        Fenced drawn(64);
        random.fill(random.object, drawn.bytes());
        for (std::size_t at = 0; at < changed.size(); ++at) {
            changed[at] = changed[at] || drawn.bytes()[at] != Fenced::EMPTY;
        }
    }
    CHECK(std::all_of(changed.begin(), changed.end(), [](bool one) { return one; }));
}

TEST_CASE("wiping clears exactly what it is told to") {
    Fenced bytes(pattern(33));
    wipe(bytes.bytes().data(), bytes.bytes().size());
    CHECK(bytes.intact());
    CHECK(sodium_is_zero(bytes.bytes().data(), bytes.bytes().size()));
}

TEST_CASE("a secret key is wiped when it is destroyed") {
    alignas(Secret_Key) unsigned char place[sizeof(Secret_Key)];
    Secret_Key *const key = new (place) Secret_Key(secret_key(vectors::CLIENT_SECRET));
    REQUIRE(to_hex(key->bytes) == vectors::CLIENT_SECRET);
    key->~Secret_Key();
    CHECK(to_hex({place, sizeof place}) == std::string(2 * sizeof place, '0'));
}

TEST_CASE("a key is written as 64 hexadecimal digits in upper case") {
    CHECK(to_string(RELAY_KEY) == RELAY_TEXT);
}

TEST_CASE("a key is read from digits of either case") {
    for (const std::string &text : {RELAY_TEXT, std::string{vectors::RELAY_PUBLIC}, "dE9" + RELAY_TEXT.substr(3)}) {
        Public_Key key{};
        INFO(text);
        CHECK(parse_public_key(text, key));
        CHECK(key == RELAY_KEY);
    }
}

TEST_CASE("a key comes back from its text, whatever its bytes are") {
    for (unsigned value = 0; value < 256; ++value) {
        Public_Key key;
        for (std::size_t i = 0; i < key.size(); ++i) {
            key[i] = static_cast<std::uint8_t>(value + i);
        }
        Public_Key read{};
        CHECK(parse_public_key(to_string(key), read));
        CHECK(read == key);
    }
}

TEST_CASE("a text that is no key is refused, and the key stays as it was") {
    std::vector<std::string> texts = {
        "",
        RELAY_TEXT.substr(1),
        RELAY_TEXT.substr(2),
        RELAY_TEXT + "0",
        RELAY_TEXT + "00",
        RELAY_TEXT + "\n",
        " " + RELAY_TEXT,
        "0x" + RELAY_TEXT.substr(2),
        RELAY_TEXT.substr(0, 63) + " ",
        RELAY_TEXT.substr(0, 62) + "\n\n",
        RELAY_TEXT.substr(0, 30) + "::" + RELAY_TEXT.substr(32),
        std::string(64, '\0'),
        std::string(64, ' '),
        RELAY_TEXT.substr(0, 63) + std::string(1, '\0'),
    };
    for (const char wrong : {'g', 'G', '/', ':', '@', '`', '-', '\x80', '\xFF'}) {
        for (const std::size_t at : {0U, 1U, 31U, 63U}) {
            texts.push_back(RELAY_TEXT);
            texts.back()[at] = wrong;
        }
    }
    for (const std::string &text : texts) {
        Public_Key key = RELAY_KEY;
        key[0] = 0;
        const Public_Key before = key;
        INFO(text);
        CHECK_FALSE(parse_public_key(text, key));
        CHECK(key == before);
    }
}

// ---- the canonical form of a key, and weak keys ----------------------------------------------------------------

namespace {

/// Whether libsodium computes a shared secret with this key.
bool gives_secret(const Public_Key &key) {
    std::array<std::uint8_t, KEY_SIZE> point;
    const Secret_Key secret = secret_key(vectors::CLIENT_SECRET);
    return crypto_scalarmult(point.data(), secret.bytes.data(), key.data()) == 0;
}

std::vector<Public_Key> weak_keys() {
    std::vector<Public_Key> keys;
    for (const std::string_view text : vectors::WEAK_KEYS) {
        keys.push_back(array_from<KEY_SIZE>(text));
    }
    return keys;
}

/// The same keys in every run.
std::vector<Public_Key> random_keys(std::size_t count) {
    const std::array<std::uint8_t, randombytes_SEEDBYTES> seed{1};
    std::vector<Public_Key> keys(count);
    randombytes_buf_deterministic(keys.data(), count * KEY_SIZE, seed.data());
    return keys;
}

} // namespace

TEST_CASE("a key of low order is weak, and libsodium computes no shared secret with it") {
    for (const Public_Key &key : weak_keys()) {
        INFO(to_string(key));
        CHECK(is_weak_key(key));
        CHECK_FALSE(gives_secret(key));
    }
}

TEST_CASE("a key of low order is weak in its canonical form, whatever its top bit was") {
    for (Public_Key key : weak_keys()) {
        key.back() |= 0x80;
        INFO(to_string(key));
        CHECK(is_weak_key(canonical_key(key)));
        CHECK_FALSE(gives_secret(key));
    }
}

TEST_CASE("a random key is not weak, and libsodium computes a shared secret with it") {
    std::size_t strong = 0;
    std::size_t with_secret = 0;
    for (const Public_Key &key : random_keys(1'000)) {
        strong += !is_weak_key(canonical_key(key));
        with_secret += gives_secret(key);
    }
    CHECK(strong == 1'000);
    CHECK(with_secret == 1'000);
}

TEST_CASE("a key that differs from a weak one in one bit is weak exactly if libsodium refuses it") {
    for (const Public_Key &weak : weak_keys()) {
        for (std::size_t bit = 0; bit < 8 * KEY_SIZE - 1; ++bit) {
            const Public_Key key = with_bit_changed(weak, bit);
            INFO(to_string(key));
            CHECK(is_weak_key(key) == !gives_secret(key));
        }
    }
}

TEST_CASE("the canonical form of a key has a clear top bit, and gives the same shared secret") {
    const Secret_Key secret = secret_key(vectors::CLIENT_SECRET);
    for (const Public_Key &key : random_keys(50)) {
        Public_Key low = key;
        low.back() &= 0x7F;
        Public_Key high = key;
        high.back() |= 0x80;
        INFO(to_string(key));
        CHECK(canonical_key(low) == low);
        CHECK(canonical_key(high) == low);
        std::array<std::uint8_t, KEY_SIZE> secret_of_low{};
        std::array<std::uint8_t, KEY_SIZE> secret_of_high{};
        REQUIRE(crypto_scalarmult(secret_of_low.data(), secret.bytes.data(), low.data()) == 0);
        REQUIRE(crypto_scalarmult(secret_of_high.data(), secret.bytes.data(), high.data()) == 0);
        CHECK(to_hex(secret_of_low) == to_hex(secret_of_high));
    }
}
