// Valid packets of every type: written byte for byte, read, and written and then read.
#include <cstring>

#include "bytes.h"
#include "catch.h"
#include "vectors.h"

using namespace toxtcp;

namespace {

std::uint64_t ping_id_of(const Blob &bytes) {
    std::uint64_t id = 0;
    if (bytes.size() == sizeof id) {
        std::memcpy(&id, bytes.data(), sizeof id);
    }
    return id;
}

std::vector<Sender> senders_of(bool client, bool relay) {
    std::vector<Sender> senders;
    if (client) {
        senders.push_back(Sender::client);
    }
    if (relay) {
        senders.push_back(Sender::relay);
    }
    return senders;
}

bool lies_in(Bytes part, Bytes whole) {
    return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

/// A packet, and the bytes that it points to.
struct Whole {
    Blob key;
    Blob data;
    Packet packet;
};

Whole whole_from(const vectors::Packet &vector) {
    Whole whole{from_hex(vector.key), from_hex(vector.data), {}};
    whole.packet.type = vector.type;
    whole.packet.id = vector.id;
    whole.packet.ping_id = ping_id_of(from_hex(vector.ping_id));
    whole.packet.public_key = whole.key.empty() ? nullptr : whole.key.data();
    whole.packet.data = whole.data;
    return whole;
}

} // namespace

TEST_CASE("packets of every type are written byte for byte") {
    for (const vectors::Packet &vector : vectors::PACKETS) {
        const Whole whole = whole_from(vector);
        Fenced out(MAX_PLAIN_SIZE);
        const std::size_t size = encode_packet(whole.packet, out.bytes());
        INFO(vector.name);
        CHECK(to_hex(out.bytes().first(size)) == vector.plain);
        CHECK(out.intact());
        // Nothing behind the packet is touched, though there is room.
        CHECK(to_hex(out.bytes().subspan(size)) == to_hex(Blob(MAX_PLAIN_SIZE - size, Fenced::EMPTY)));
    }
}

TEST_CASE("packets of every type are read from a sender that may send them, without a copy") {
    for (const vectors::Packet &vector : vectors::PACKETS) {
        for (const Sender sender : senders_of(vector.from_client, vector.from_relay)) {
            Exact plain(from_hex(vector.plain));
            Packet packet;
            INFO(vector.name);
            REQUIRE(decode_packet(sender, plain.bytes(), packet) == Reason::none);
            CHECK(packet.type == vector.type);
            CHECK(to_hex(packet.data) == vector.data);
            if (!packet.data.empty()) {
                CHECK(lies_in(packet.data, plain.bytes()));
            }
            if (vector.id != 0 || vector.type == Packet_Type::routing_response) {
                CHECK(packet.id == vector.id);
            }
            if (!vector.ping_id.empty()) {
                CHECK(packet.ping_id == ping_id_of(from_hex(vector.ping_id)));
            }
            if (!vector.key.empty()) {
                REQUIRE(packet.public_key != nullptr);
                REQUIRE(lies_in({packet.public_key, KEY_SIZE}, plain.bytes()));
                CHECK(to_hex({packet.public_key, KEY_SIZE}) == vector.key);
            }
        }
    }
}

TEST_CASE("packets of every type are refused from a sender that may not send them") {
    std::size_t refused = 0;
    for (const vectors::Packet &vector : vectors::PACKETS) {
        for (const Sender sender : senders_of(!vector.from_client, !vector.from_relay)) {
            Packet packet;
            INFO(vector.name);
            CHECK(decode_packet(sender, from_hex(vector.plain), packet) == Reason::bad_packet_type);
            ++refused;
        }
    }
    CHECK(refused > 0);
}

TEST_CASE("a packet of every type and size is read as it was written") {
    struct Kind {
        Packet_Type type;
        Sender sender;
        std::size_t min_data;
        std::size_t max_data;
    };
    const Kind kinds[] = {
        {Packet_Type::routing_request, Sender::client, 0, 0},
        {Packet_Type::routing_response, Sender::relay, 0, 0},
        {Packet_Type::connect_notification, Sender::relay, 0, 0},
        {Packet_Type::disconnect_notification, Sender::client, 0, 0},
        {Packet_Type::disconnect_notification, Sender::relay, 0, 0},
        {Packet_Type::ping, Sender::client, 0, 0},
        {Packet_Type::ping, Sender::relay, 0, 0},
        {Packet_Type::pong, Sender::client, 0, 0},
        {Packet_Type::pong, Sender::relay, 0, 0},
        {Packet_Type::oob_send, Sender::client, 1, 1024},
        {Packet_Type::oob_recv, Sender::relay, 1, 1024},
        {Packet_Type::onion_request, Sender::client, 1, 2031},
        {Packet_Type::onion_response, Sender::relay, 1, 2031},
        {Packet_Type::forward_request, Sender::client, 8, 1811},
        {Packet_Type::forwarding, Sender::relay, 1, 2031},
        {Packet_Type::data, Sender::client, 1, 2031},
        {Packet_Type::data, Sender::relay, 1, 2031},
    };
    const Public_Key key = array_from<KEY_SIZE>(vectors::RELAY_PUBLIC);
    for (const Kind &kind : kinds) {
        std::size_t same = 0;
        for (std::size_t size = kind.min_data; size <= kind.max_data; ++size) {
            const Blob data = pattern(size);
            Packet wrote;
            wrote.type = kind.type;
            wrote.id = static_cast<std::uint8_t>(FIRST_ROUTING_ID + size % MAX_ROUTES);
            wrote.ping_id = 0x8000000000000000U + size;
            wrote.public_key = key.data();
            wrote.data = data;
            std::array<std::uint8_t, MAX_PLAIN_SIZE> plain;
            const std::size_t length = encode_packet(wrote, plain);
            Packet read;
            read.id = wrote.id;
            read.ping_id = wrote.ping_id;
            if (length == 0 || decode_packet(kind.sender, Bytes{plain}.first(length), read) != Reason::none) {
                continue;
            }
            // A member that the type does not have reads as 0.
            same += read.type == wrote.type && (read.id == wrote.id || read.id == 0) &&
                    (read.ping_id == wrote.ping_id || read.ping_id == 0) &&
                    (read.public_key == nullptr || std::equal(key.begin(), key.end(), read.public_key)) &&
                    std::equal(read.data.begin(), read.data.end(), data.begin(), data.end());
        }
        INFO("type " << static_cast<int>(kind.type));
        CHECK(same == kind.max_data - kind.min_data + 1);
    }
}

TEST_CASE("data goes on every routing id from 16 to 255, both ways") {
    for (unsigned id = 16; id < 256; ++id) {
        const std::uint8_t byte = 0x5A;
        Packet wrote;
        wrote.type = Packet_Type::data;
        wrote.id = static_cast<std::uint8_t>(id);
        wrote.data = {&byte, 1};
        std::array<std::uint8_t, 2> plain;
        REQUIRE(encode_packet(wrote, plain) == 2);
        CHECK(plain[0] == id);
        CHECK(plain[1] == byte);
        for (const Sender sender : {Sender::client, Sender::relay}) {
            Packet read;
            REQUIRE(decode_packet(sender, plain, read) == Reason::none);
            CHECK(read.type == Packet_Type::data);
            CHECK(read.id == id);
            CHECK(read.data.data() == plain.data() + 1);
            CHECK(read.data.size() == 1);
        }
    }
}
