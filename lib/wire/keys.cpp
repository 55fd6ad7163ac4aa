// Keys, and where random bytes come from.
#include <sodium.h>

#include <toxtcp/wire.h>

namespace toxtcp {

void wipe(void *data, std::size_t size) noexcept {
    sodium_memzero(data, size);
}

Public_Key public_key_of(const Secret_Key &secret) {
    Public_Key key;
    crypto_scalarmult_base(key.data(), secret.bytes.data());
    return key;
}

void new_key_pair(Public_Key &public_key, Secret_Key &secret_key) {
    // Its answer is no condition: without randomness the next call ends the program, whereas a key that was never
    // written would be one that everybody knows.
    [[maybe_unused]] const int started = sodium_init();
    crypto_box_keypair(public_key.data(), secret_key.bytes.data());
}

Random system_random() {
    static const bool ready = sodium_init() >= 0;
    static_cast<void>(ready);
    return {nullptr, [](void *, Mutable_Bytes bytes) { randombytes_buf(bytes.data(), bytes.size()); }};
}

std::string to_string(const Public_Key &key) {
    static constexpr char DIGITS[] = "0123456789ABCDEF";
    std::string text;
    text.reserve(2 * key.size());
    for (const std::uint8_t byte : key) {
        text += DIGITS[byte >> 4];
        text += DIGITS[byte & 15];
    }
    return text;
}

bool parse_public_key(const std::string &text, Public_Key &key) {
    Public_Key read;
    std::size_t size = 0;
    if (text.size() != 2 * KEY_SIZE ||
        sodium_hex2bin(read.data(), read.size(), text.data(), text.size(), nullptr, &size, nullptr) != 0 ||
        size != KEY_SIZE) {
        return false;
    }
    key = read;
    return true;
}

} // namespace toxtcp
