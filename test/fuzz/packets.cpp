// Fuzz target: packets, packed addresses, echoes, and addresses and keys as text. What is read and written again is the
// same. What is written can be read. What cannot be read leaves the result as it was.
#include <cstring>
#include <memory>
#include <string>

#include <sodium.h>

#include <toxtcp/echo.h>

#include "fuzz/fuzz.h"

namespace toxtcp {

namespace {

/// Memory of exactly this size, so that AddressSanitizer reports an access beyond it.
struct Exactly {
    explicit Exactly(std::size_t count) : size(count), data(new std::uint8_t[count]) {}
    explicit Exactly(Bytes bytes) : Exactly(bytes.size()) { std::copy(bytes.begin(), bytes.end(), data.get()); }

    [[nodiscard]] Mutable_Bytes bytes() const { return {data.get(), size}; }

    std::size_t size;
    std::unique_ptr<std::uint8_t[]> data;
};

bool same(Bytes a, Bytes b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

bool inside(const void *at, std::size_t size, Bytes whole) {
    const auto *const first = static_cast<const std::uint8_t *>(at);
    return first >= whole.data() && first + size <= whole.data() + whole.size();
}

void check_parsed(Sender sender, Bytes plain) {
    Packet packet;
    packet.ping_id = 0x0123456789ABCDEFU;
    const Reason fault = decode_packet(sender, plain, packet);
    if (fault != Reason::none) {
        fuzz_check(packet.ping_id == 0x0123456789ABCDEFU && packet.public_key == nullptr && packet.data.empty(),
                   "a packet that is refused leaves the result as it was");
        return;
    }
    const bool has_key = packet.type == Packet_Type::routing_request || packet.type == Packet_Type::routing_response ||
                         packet.type == Packet_Type::oob_send || packet.type == Packet_Type::oob_recv;
    fuzz_check(packet.data.empty() || inside(packet.data.data(), packet.data.size(), plain), "data lies in the packet");
    fuzz_check(!has_key || inside(packet.public_key, KEY_SIZE, plain), "the key lies in the packet");

    const Exactly printed(plain.size());
    fuzz_check(encode_packet(packet, printed.bytes()) == plain.size(), "a packet that was decoded can be encoded");
    fuzz_check(same(printed.bytes(), plain), "a packet is the same when encoded again");
    const Exactly tight(plain.size() - 1);
    fuzz_check(encode_packet(packet, tight.bytes()) == 0, "a packet does not fit into less than its size");
}

void check_printed(Fuzz_Input input) {
    Packet packet;
    packet.type = static_cast<Packet_Type>(input.byte());
    packet.id = input.byte();
    packet.ping_id = input.flag() ? input.word() : 0;
    Public_Key key{};
    key.front() = input.byte();
    packet.public_key = input.flag() ? key.data() : nullptr;
    const Exactly data(std::size_t{input.word()} % (MAX_PLAIN_SIZE + 2));
    std::fill(data.bytes().begin(), data.bytes().end(), packet.id);
    packet.data = data.bytes();

    const Exactly room(MAX_PLAIN_SIZE);
    const std::size_t size = encode_packet(packet, room.bytes());
    if (size == 0) {
        return;
    }
    fuzz_check(size <= MAX_PLAIN_SIZE, "a packet is within the limit");
    const Exactly plain(room.bytes().first(size));
    Packet read;
    fuzz_check(decode_packet(Sender::client, plain.bytes(), read) == Reason::none ||
                   decode_packet(Sender::relay, plain.bytes(), read) == Reason::none,
               "a packet that was encoded can be decoded");
    fuzz_check(read.type == packet.type && same(read.data, packet.data), "a packet is decoded as encoded");
    fuzz_check(read.type != Packet_Type::data || read.id == packet.id, "a routing id is decoded as encoded");
    fuzz_check(read.public_key == nullptr || same({read.public_key, KEY_SIZE}, key), "a key is decoded as encoded");
}

void check_address(Bytes bytes) {
    Ip_Port address;
    const std::size_t size = decode_packed_address(bytes, address);
    if (size == 0) {
        return;
    }
    const Exactly printed(size);
    fuzz_check(encode_packed_address(address, printed.bytes()) == size, "an address that was unpacked can be packed");
    fuzz_check(same(printed.bytes(), bytes.first(size)), "an address is the same when packed again");
    fuzz_check(encode_packed_address(address, printed.bytes().first(size - 1)) == 0,
               "an address does not fit into less");

    Ip_Port again;
    if (address.family == Family::ipv4 || address.family == Family::ipv6) {
        fuzz_check(parse_ip_port(to_string(address), again) && again == address, "an address is the same as text");
    }
}

void check_chain(Fuzz_Input input) {
    std::array<Public_Key, MAX_FORWARD_CHAIN_LENGTH + 1> keys{};
    const std::size_t count = input.below(keys.size() + 1);
    const Exactly out(input.byte());
    const std::size_t size = encode_forward_chain(std::span{keys}.first(count), out.bytes());
    const bool fits = count <= MAX_FORWARD_CHAIN_LENGTH && count * (1 + KEY_SIZE) <= out.size;
    fuzz_check(size == (fits ? count * (1 + KEY_SIZE) : 0), "a chain is as long as its keys");
}

/// The bytes as an echo. Nobody has sealed them with this key, so they must not open: their tag would be forged.
void check_echo_of_nobody(const Secret_Key &shared, Bytes bytes) {
    Echo echo;
    std::uint64_t number = 0;
    bool by_library = false;
    fuzz_check(!open_echo_request(shared, bytes, echo), "a request that nobody sealed does not open");
    fuzz_check(!open_echo_response(shared, bytes, number, by_library), "a response that nobody sealed does not open");
    if (is_echo_request(bytes)) {
        fuzz_check(same(echo_asker(bytes), bytes.subspan(1, KEY_SIZE)), "the asker is the key after the type");
    }
}

/// An echo with any plain bytes that the peer has sealed opens, and tells what they say.
void check_sealed_echo(const Secret_Key &shared, Fuzz_Input input) {
    const bool is_request = input.flag();
    const std::size_t plain_size =
        is_request ? 2 * KEY_SIZE + sizeof(std::uint64_t) : ECHO_COOKIE_SIZE + sizeof(std::uint64_t);
    const Exactly packet(is_request ? ECHO_REQUEST_SIZE : ECHO_RESPONSE_SIZE);
    std::fill(packet.bytes().begin(), packet.bytes().end(), std::uint8_t{0});
    packet.bytes()[0] = is_request ? ECHO_REQUEST : ECHO_RESPONSE;
    if (is_request) {
        const Bytes asker = input.bytes(KEY_SIZE);
        std::copy(asker.begin(), asker.end(), packet.bytes().begin() + 1);
    }
    const Exactly plain(plain_size);
    std::fill(plain.bytes().begin(), plain.bytes().end(), std::uint8_t{0});
    if (is_request && input.flag()) {
        std::copy_n(packet.bytes().begin() + 1, KEY_SIZE, plain.bytes().begin());
    }
    const Bytes chosen = input.bytes(plain_size);
    std::copy(chosen.begin(), chosen.end(), plain.bytes().begin());
    std::uint8_t *const box = packet.data.get() + packet.size - plain_size - MAC_SIZE;
    crypto_box_easy_afternm(box, plain.data.get(), plain_size, box - NONCE_SIZE, shared.bytes.data());

    std::uint64_t sealed_number = 0;
    std::memcpy(&sealed_number, plain.data.get() + plain_size - sizeof sealed_number, sizeof sealed_number);
    const auto is_null = [](std::uint8_t byte) { return byte == 0; };
    const auto is_inverted = [](std::uint8_t a, std::uint8_t b) { return (a ^ b) == UINT8_MAX; };
    std::uint64_t number = 0;
    if (is_request) {
        Echo echo;
        fuzz_check(open_echo_request(shared, packet.bytes(), echo), "a request that the peer sealed opens");
        number = echo.number;
        const Bytes key = Bytes{plain.bytes()}.first(KEY_SIZE);
        const Public_Key asker = echo_asker(packet.bytes());
        const bool is_time =
            std::equal(key.begin() + sizeof echo.unheard, key.end(), asker.begin() + sizeof echo.unheard, is_inverted);
        const bool is_asker = same(key, asker);
        fuzz_check(echo.kind == (is_time    ? Echo_Kind::unheard
                                 : is_asker ? Echo_Kind::echo
                                            : Echo_Kind::foreign),
                   "a request is of the kind that its key says");
        fuzz_check(is_time || echo.unheard == 0, "only this kind has a time");
    } else {
        bool by_library = false;
        fuzz_check(open_echo_response(shared, packet.bytes(), number, by_library),
                   "a response that the peer sealed opens");
        const Bytes cookie = Bytes{plain.bytes()}.first(ECHO_COOKIE_SIZE);
        fuzz_check(by_library == std::all_of(cookie.begin(), cookie.end(), is_null),
                   "a response is the library's if its cookie is null");
    }
    fuzz_check(number == sealed_number, "an echo has the number that was sealed");
}

/// An echo that this library makes opens as it was made.
void check_made_echo(const Secret_Key &shared, Fuzz_Input input) {
    Fuzz_Random draws{input.word()};
    const Random random = fuzz_random(draws);
    Public_Key asker{};
    asker[KEY_SIZE - 1] = 1; // a key that is not a time
    asker[0] = input.byte();
    Echo echo;
    echo.kind = input.flag() ? Echo_Kind::unheard : Echo_Kind::echo;
    echo.unheard = echo.kind == Echo_Kind::unheard ? std::uint32_t{input.word()} << 16 | input.word() : 0;
    const Bytes number = input.bytes(sizeof echo.number);
    std::copy(number.begin(), number.end(), reinterpret_cast<std::uint8_t *>(&echo.number));

    const Exactly request(ECHO_REQUEST_SIZE);
    make_echo_request(shared, random, asker, echo, request.bytes().first<ECHO_REQUEST_SIZE>());
    Echo opened;
    fuzz_check(is_echo_request(request.bytes()) && open_echo_request(shared, request.bytes(), opened),
               "a request that was made opens");
    fuzz_check(opened.kind == echo.kind && opened.unheard == echo.unheard && opened.number == echo.number &&
                   echo_asker(request.bytes()) == asker,
               "a request opens as it was made");

    const Exactly response(ECHO_RESPONSE_SIZE);
    make_echo_response(shared, random, echo.number, response.bytes().first<ECHO_RESPONSE_SIZE>());
    std::uint64_t answered = 0;
    bool by_library = false;
    fuzz_check(is_echo_response(response.bytes()) && open_echo_response(shared, response.bytes(), answered, by_library),
               "a response that was made opens");
    fuzz_check(by_library && answered == echo.number, "a response opens as it was made");
}

void check_echo(Bytes bytes) {
    const Secret_Key shared = fuzz_secret_key(1);
    check_echo_of_nobody(shared, bytes);
    check_sealed_echo(shared, {bytes});
    check_made_echo(shared, {bytes});
}

void check_key(Fuzz_Input input) {
    Public_Key key{};
    const Bytes bytes = input.bytes(KEY_SIZE);
    std::copy(bytes.begin(), bytes.end(), key.begin());
    const Public_Key canonical = canonical_key(key);
    fuzz_check(canonical_key(canonical) == canonical, "a canonical key is its own canonical form");
    Secret_Key shared;
    fuzz_check(echo_shared_key(fuzz_secret_key(2), key, shared) != is_weak_key(canonical),
               "a shared key is made unless the peer's key is weak");
}

void check_text(Bytes bytes) {
    const std::string text(bytes.begin(), bytes.end());
    Ip_Port address;
    if (parse_ip_port(text, address)) {
        Ip_Port again;
        fuzz_check(parse_ip_port(to_string(address), again) && again == address, "an address is the same as text");
    } else {
        fuzz_check(address == Ip_Port{}, "an address that is refused leaves the result as it was");
    }
    Public_Key key{};
    if (parse_public_key(text, key)) {
        Public_Key again;
        fuzz_check(parse_public_key(to_string(key), again) && again == key, "a key is the same as text");
    } else {
        fuzz_check(key == Public_Key{}, "a key that is refused leaves the result as it was");
    }
}

} // namespace

} // namespace toxtcp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    using namespace toxtcp;
    const Bytes bytes{data, size};
    check_parsed(Sender::client, bytes);
    check_parsed(Sender::relay, bytes);
    check_printed({bytes});
    check_address(bytes);
    check_chain({bytes});
    check_text(bytes);
    check_echo(bytes);
    check_key({bytes});
    return 0;
}
