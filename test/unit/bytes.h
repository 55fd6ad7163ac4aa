// Helpers for tests that handle bytes: hexadecimal text, recorded random bytes, and buffers that show an access outside
// of their bounds.
#pragma once

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <toxtcp/wire.h>

using Blob = std::vector<std::uint8_t>;

inline Blob from_hex(std::string_view text) {
    Blob bytes;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
        bytes.push_back(static_cast<std::uint8_t>(std::stoi(std::string{text.substr(i, 2)}, nullptr, 16)));
    }
    return bytes;
}

inline std::string to_hex(toxtcp::Bytes bytes) {
    static constexpr char DIGITS[] = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : bytes) {
        text += DIGITS[byte >> 4];
        text += DIGITS[byte & 15];
    }
    return text;
}

/// An array of N bytes (a key, a nonce) from exactly 2 * N hexadecimal digits.
template <std::size_t N>
std::array<std::uint8_t, N> array_from(std::string_view text) {
    const Blob bytes = from_hex(text);
    if (bytes.size() != N) {
        throw std::invalid_argument("hexadecimal text of another size");
    }
    std::array<std::uint8_t, N> array;
    std::copy(bytes.begin(), bytes.end(), array.begin());
    return array;
}

/// A secret or shared key from its hexadecimal digits.
inline toxtcp::Secret_Key secret_key(std::string_view text) {
    toxtcp::Secret_Key key;
    key.bytes = array_from<toxtcp::KEY_SIZE>(text);
    return key;
}

/// A source of random bytes that are known beforehand. Throws when more are drawn than there are.
struct Draws {
    Blob bytes;
    std::size_t at = 0;

    explicit Draws(std::string_view text) : bytes(from_hex(text)) {}
    toxtcp::Random random() {
        return {this, [](void *object, toxtcp::Mutable_Bytes out) {
                    Draws &draws = *static_cast<Draws *>(object);
                    if (out.size() > draws.bytes.size() - draws.at) {
                        throw std::out_of_range("more was drawn than was written down");
                    }
                    std::copy_n(draws.bytes.begin() + static_cast<std::ptrdiff_t>(draws.at), out.size(), out.begin());
                    draws.at += out.size();
                }};
    }
};

template <std::size_t N>
std::array<std::uint8_t, N> with_bit_changed(std::array<std::uint8_t, N> bytes, std::size_t bit) {
    bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ 1U << bit % 8);
    return bytes;
}

/// The byte pattern of the long test vectors. vectors.py makes the same.
inline Blob pattern(std::size_t size) {
    Blob bytes(size);
    for (std::size_t i = 0; i < size; ++i) {
        bytes[i] = static_cast<std::uint8_t>(7 * i + 3);
    }
    return bytes;
}

/// A buffer with a fence of known bytes on both sides. `intact` is false once a byte of the fence has changed. `offset`
/// shifts the buffer, so that a test can try every alignment.
class Fenced {
public:
    explicit Fenced(toxtcp::Bytes bytes, std::size_t offset = 0)
        : before_(FENCE + offset), size_(bytes.size()), all_(before_ + size_ + FENCE, POST) {
        std::copy(bytes.begin(), bytes.end(), all_.begin() + static_cast<std::ptrdiff_t>(before_));
    }
    explicit Fenced(std::size_t size, std::size_t offset = 0) : Fenced(Blob(size, EMPTY), offset) {}

    toxtcp::Mutable_Bytes bytes() { return toxtcp::Mutable_Bytes{all_}.subspan(before_, size_); }

    bool intact() const {
        const auto is_post = [](std::uint8_t byte) { return byte == POST; };
        const auto first = all_.begin() + static_cast<std::ptrdiff_t>(before_);
        return std::all_of(all_.begin(), first, is_post) &&
               std::all_of(first + static_cast<std::ptrdiff_t>(size_), all_.end(), is_post);
    }

    static constexpr std::uint8_t EMPTY = 0xEE;

private:
    static constexpr std::size_t FENCE = 64;
    static constexpr std::uint8_t POST = 0xA5;
    std::size_t before_;
    std::size_t size_;
    Blob all_;
};

/// A copy in an allocation of exactly its size, so that AddressSanitizer reports a read beyond its end.
class Exact {
public:
    explicit Exact(toxtcp::Bytes bytes) : size_(bytes.size()), bytes_(new std::uint8_t[bytes.size()]) {
        std::copy(bytes.begin(), bytes.end(), bytes_.get());
    }
    toxtcp::Mutable_Bytes bytes() { return {bytes_.get(), size_}; }

private:
    std::size_t size_;
    std::unique_ptr<std::uint8_t[]> bytes_;
};
