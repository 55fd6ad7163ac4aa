// What a forward request is made of: a packed address, a chain of keys, the data.
#include "bytes.h"
#include "catch.h"
#include "vectors.h"

using namespace toxtcp;

namespace {

Ip_Port address_from(const vectors::Address &vector) {
    Ip_Port address;
    address.family = static_cast<Family>(vector.family);
    address.port = vector.port;
    const Blob ip = from_hex(vector.ip);
    std::copy(ip.begin(), ip.end(), address.ip.begin());
    return address;
}

std::vector<Public_Key> chain_of(std::size_t length) {
    std::vector<Public_Key> keys(length);
    for (std::size_t i = 0; i < length; ++i) {
        keys[i].fill(static_cast<std::uint8_t>(i + 1));
    }
    return keys;
}

} // namespace

TEST_CASE("addresses of every family are packed byte for byte") {
    for (const vectors::Address &vector : vectors::ADDRESSES) {
        Fenced out(40);
        const std::size_t size = encode_packed_address(address_from(vector), out.bytes());
        CHECK(to_hex(out.bytes().first(size)) == vector.packed);
        CHECK(to_hex(out.bytes().subspan(size)) == to_hex(Blob(40 - size, Fenced::EMPTY)));
        CHECK(out.intact());
    }
}

TEST_CASE("addresses of every family are unpacked, and bytes behind them are ignored") {
    for (const vectors::Address &vector : vectors::ADDRESSES) {
        const Blob packed = from_hex(vector.packed);
        Blob longer = packed;
        longer.insert(longer.end(), {0xFF, 0xFF, 0xFF});
        for (const Blob &bytes : {packed, longer}) {
            Exact exact(bytes);
            // The old value must not show in the result.
            Ip_Port address{Family::ipv6, {}, 1};
            address.ip.fill(0xDD);
            CHECK(decode_packed_address(exact.bytes(), address) == packed.size());
            CHECK(address == address_from(vector));
        }
    }
}

TEST_CASE("of an IPv4 address only the first 4 bytes are packed") {
    Ip_Port address = address_from(vectors::ADDRESSES[0]);
    std::fill(address.ip.begin() + 4, address.ip.end(), std::uint8_t{0xDD});
    std::array<std::uint8_t, 19> out;
    const std::size_t size = encode_packed_address(address, out);
    CHECK(to_hex(Bytes{out}.first(size)) == vectors::ADDRESSES[0].packed);
}

TEST_CASE("a cut packed address is refused, and no address is packed into too small a buffer") {
    for (const vectors::Address &vector : vectors::ADDRESSES) {
        const Blob packed = from_hex(vector.packed);
        const Ip_Port before{Family::ipv4, {1, 2, 3, 4}, 5};
        for (std::size_t size = 0; size < packed.size(); ++size) {
            Exact cut(Bytes{packed}.first(size));
            Ip_Port address = before;
            CHECK(decode_packed_address(cut.bytes(), address) == 0);
            CHECK(address == before);

            Exact small(Blob(size, Fenced::EMPTY));
            CHECK(encode_packed_address(address_from(vector), small.bytes()) == 0);
            CHECK(to_hex(small.bytes()) == to_hex(Blob(size, Fenced::EMPTY)));
        }
        Fenced exact(packed.size());
        CHECK(encode_packed_address(address_from(vector), exact.bytes()) == packed.size());
        CHECK(exact.intact());
    }
}

TEST_CASE("an address of no known family is neither packed nor unpacked") {
    for (unsigned family = 0; family < 256; ++family) {
        const bool known = family == 2 || family == 10 || family == 130 || family == 138;
        Blob bytes(32, 0x11);
        bytes[0] = static_cast<std::uint8_t>(family);
        Ip_Port address;
        CHECK((decode_packed_address(bytes, address) != 0) == known);
        Ip_Port stranger;
        stranger.family = static_cast<Family>(family);
        CHECK((encode_packed_address(stranger, bytes) != 0) == known);
    }
}

TEST_CASE("a chain of one to four keys is written byte for byte") {
    for (const vectors::Chain &vector : vectors::CHAINS) {
        Fenced out(4 * 33);
        const std::size_t size = encode_forward_chain(chain_of(vector.length), out.bytes());
        CHECK(to_hex(out.bytes().first(size)) == vector.bytes);
        CHECK(out.intact());
    }
}

TEST_CASE("a chain of no keys has no bytes, and a chain of five keys is refused") {
    Blob out(8 * 33, 0);
    CHECK(encode_forward_chain({}, out) == 0);
    CHECK(encode_forward_chain({}, {}) == 0);
    CHECK(encode_forward_chain(chain_of(4), out) == 132);
    std::fill(out.begin(), out.end(), std::uint8_t{0});
    CHECK(encode_forward_chain(chain_of(5), out) == 0);
    CHECK(out == Blob(8 * 33, 0));
}

TEST_CASE("a chain is written to a buffer of exactly its size, and not to a smaller one") {
    for (std::size_t length = 1; length <= MAX_FORWARD_CHAIN_LENGTH; ++length) {
        Fenced exact(33 * length);
        CHECK(encode_forward_chain(chain_of(length), exact.bytes()) == 33 * length);
        CHECK(exact.intact());
        for (const std::size_t missing : {std::size_t{1}, std::size_t{33}, 33 * length}) {
            Exact small(Blob(33 * length - missing, Fenced::EMPTY));
            CHECK(encode_forward_chain(chain_of(length), small.bytes()) == 0);
            CHECK(to_hex(small.bytes()) == to_hex(Blob(33 * length - missing, Fenced::EMPTY)));
        }
    }
}

TEST_CASE("a forward request put together from its parts is byte for byte what the protocol says") {
    struct Request {
        std::string_view name;
        std::size_t address;
        std::size_t chain;
    };
    const Request requests[] = {
        {"forward request to family 2 by 0", 0, 0},
        {"forward request to family 10 by 1", 3, 1},
        {"forward request to family 130 by 4", 5, 4},
        {"forward request to family 138 by 2", 6, 2},
    };
    for (const Request &request : requests) {
        const auto *const vector = std::find_if(std::begin(vectors::PACKETS), std::end(vectors::PACKETS),
                                                [&](const auto &one) { return one.name == request.name; });
        REQUIRE(vector != std::end(vectors::PACKETS));
        Blob body(256);
        std::size_t size = encode_packed_address(address_from(vectors::ADDRESSES[request.address]), body);
        size += encode_forward_chain(chain_of(request.chain), Mutable_Bytes{body}.subspan(size));
        body.resize(size);
        for (const char letter : std::string_view{"onwards"}) {
            body.push_back(static_cast<std::uint8_t>(letter));
        }
        Packet packet;
        packet.type = Packet_Type::forward_request;
        packet.data = body;
        std::array<std::uint8_t, MAX_PLAIN_SIZE> plain;
        CHECK(to_hex(Bytes{plain}.first(encode_packet(packet, plain))) == vector->plain);
    }
}
