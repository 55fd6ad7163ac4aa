// Packets, packed addresses, and addresses and keys as text: what is read and printed again is the same, what is printed
// can be read, and what cannot be read leaves the result as it was.
#include <cstring>
#include <memory>
#include <string>

#include "fuzz/fuzz.h"

namespace toxtcp {

namespace {

/// Memory of exactly this size, so that a sanitizer sees what goes beyond.
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
    const Reason fault = parse_packet(sender, plain, packet);
    if (fault != Reason::none) {
        fuzz_check(packet.ping_id == 0x0123456789ABCDEFU && packet.public_key == nullptr && packet.data.empty(),
                   "a packet that is none was written");
        return;
    }
    const bool has_key = packet.type == Packet_Type::routing_request || packet.type == Packet_Type::routing_response ||
                         packet.type == Packet_Type::oob_send || packet.type == Packet_Type::oob_recv;
    fuzz_check(packet.data.empty() || inside(packet.data.data(), packet.data.size(), plain), "data inside the packet");
    fuzz_check(!has_key || inside(packet.public_key, KEY_SIZE, plain), "the key inside the packet");

    const Exactly printed(plain.size());
    fuzz_check(print_packet(packet, printed.bytes()) == plain.size(), "a packet that was read can be printed");
    fuzz_check(same(printed.bytes(), plain), "and is what was read");
    const Exactly tight(plain.size() - 1);
    fuzz_check(print_packet(packet, tight.bytes()) == 0, "a packet does not fit into less than its size");
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
    const std::size_t size = print_packet(packet, room.bytes());
    if (size == 0) {
        return;
    }
    fuzz_check(size <= MAX_PLAIN_SIZE, "a printed packet is within the limit");
    const Exactly plain(room.bytes().first(size));
    Packet read;
    fuzz_check(parse_packet(Sender::client, plain.bytes(), read) == Reason::none ||
                   parse_packet(Sender::relay, plain.bytes(), read) == Reason::none,
               "a packet that was printed can be read");
    fuzz_check(read.type == packet.type && same(read.data, packet.data), "and is what was printed");
    fuzz_check(read.type != Packet_Type::data || read.id == packet.id, "and so is its routing id");
    fuzz_check(read.public_key == nullptr || same({read.public_key, KEY_SIZE}, key), "and so is its key");
}

void check_address(Bytes bytes) {
    Ip_Port address;
    const std::size_t size = parse_packed_address(bytes, address);
    if (size == 0) {
        return;
    }
    const Exactly printed(size);
    fuzz_check(print_packed_address(address, printed.bytes()) == size, "an address that was read can be printed");
    fuzz_check(same(printed.bytes(), bytes.first(size)), "and is what was read");
    fuzz_check(print_packed_address(address, printed.bytes().first(size - 1)) == 0,
               "an address does not fit into less");

    Ip_Port again;
    if (address.family == Family::ipv4 || address.family == Family::ipv6) {
        fuzz_check(parse_ip_port(to_string(address), again) && again == address, "an address survives being text");
    }
}

void check_chain(Fuzz_Input input) {
    std::array<Public_Key, MAX_FORWARD_CHAIN_LENGTH + 1> keys{};
    const std::size_t count = input.below(keys.size() + 1);
    const Exactly out(input.byte());
    const std::size_t size = print_forward_chain(std::span{keys}.first(count), out.bytes());
    const bool fits = count <= MAX_FORWARD_CHAIN_LENGTH && count * (1 + KEY_SIZE) <= out.size;
    fuzz_check(size == (fits ? count * (1 + KEY_SIZE) : 0), "a chain is as long as its keys");
}

void check_text(Bytes bytes) {
    const std::string text(bytes.begin(), bytes.end());
    Ip_Port address;
    if (parse_ip_port(text, address)) {
        Ip_Port again;
        fuzz_check(parse_ip_port(to_string(address), again) && again == address, "an address survives being text");
    } else {
        fuzz_check(address == Ip_Port{}, "an address that is none was written");
    }
    Public_Key key{};
    if (parse_public_key(text, key)) {
        Public_Key again;
        fuzz_check(parse_public_key(to_string(key), again) && again == key, "a key survives being text");
    } else {
        fuzz_check(key == Public_Key{}, "a key that is none was written");
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
    return 0;
}
