// Invalid packets: of a wrong type, length or id, from either sender.
#include "bytes.h"
#include "catch.h"

using namespace toxtcp;

namespace {

/// Who may send packets of a type, and the sizes of the whole packet. Repeated here on purpose, so that the test does
/// not depend on the library's own table.
struct Rule {
    bool client;
    bool relay;
    std::size_t min;
    std::size_t max;
};

constexpr Rule RULES[16] = {
    {true, false, 33, 33},   // routing request
    {false, true, 34, 34},   // routing response
    {false, true, 2, 2},     // connect notification
    {true, true, 2, 2},      // disconnect notification
    {true, true, 9, 9},      // ping
    {true, true, 9, 9},      // pong
    {true, false, 34, 1057}, // OOB send
    {false, true, 34, 1057}, // OOB recv
    {true, false, 2, 2032},  // onion request
    {false, true, 2, 2032},  // onion response
    {true, false, 9, 1812},  // forward request
    {false, true, 2, 2032},  // forwarding
    {false, false, 0, 0},    // 12 to 15: reserved
    {false, false, 0, 0},    {false, false, 0, 0}, {false, false, 0, 0},
};

constexpr std::size_t LONGEST = 2032;

Reason expected(Sender sender, unsigned type, std::size_t size) {
    if (size < 2 || size > LONGEST) {
        return Reason::bad_packet_length;
    }
    if (type >= 16) {
        return Reason::none;
    }
    const Rule &rule = RULES[type];
    if (sender == Sender::client ? !rule.client : !rule.relay) {
        return Reason::bad_packet_type;
    }
    return size < rule.min || size > rule.max ? Reason::bad_packet_length : Reason::none;
}

/// A packet of this type and size. All other bytes are 0x77, an id that is valid for every type.
Blob plain_of(unsigned type, std::size_t size) {
    Blob plain(size, 0x77);
    if (size > 0) {
        plain[0] = static_cast<std::uint8_t>(type);
    }
    return plain;
}

Reason parse(Sender sender, Bytes plain) {
    Packet packet;
    return decode_packet(sender, plain, packet);
}

bool is_untouched(const Packet &packet, const Packet &before) {
    return packet.type == before.type && packet.id == before.id && packet.ping_id == before.ping_id &&
           packet.public_key == before.public_key && packet.data.data() == before.data.data() &&
           packet.data.size() == before.data.size();
}

} // namespace

TEST_CASE("every type is accepted with its own lengths from its own senders, and no others") {
    for (const Sender sender : {Sender::client, Sender::relay}) {
        for (unsigned type = 0; type < 256; ++type) {
            std::size_t wrong = 0;
            std::size_t first_wrong = 0;
            for (std::size_t size = 0; size <= LONGEST + 3; ++size) {
                // All types from 16 on are data. Between 18 and 254 a few sizes are enough.
                if (type > 18 && type < 254 && size > 3 && size < LONGEST - 3) {
                    continue;
                }
                Exact plain(plain_of(type, size));
                if (parse(sender, plain.bytes()) != expected(sender, type, size) && wrong++ == 0) {
                    first_wrong = size;
                }
            }
            INFO("type " << type << " of " << first_wrong << " bytes");
            CHECK(wrong == 0);
        }
    }
}

TEST_CASE("an empty packet and a packet of only a type are refused") {
    for (const Sender sender : {Sender::client, Sender::relay}) {
        CHECK(parse(sender, {}) == Reason::bad_packet_length);
        for (unsigned type = 0; type < 256; ++type) {
            CHECK(parse(sender, plain_of(type, 1)) == Reason::bad_packet_length);
        }
    }
}

TEST_CASE("the reserved types are refused at every length") {
    for (const Sender sender : {Sender::client, Sender::relay}) {
        for (const unsigned type : {12U, 13U, 14U, 15U}) {
            for (const std::size_t size : {2U, 3U, 9U, 33U, 34U, 2032U}) {
                CHECK(parse(sender, plain_of(type, size)) == Reason::bad_packet_type);
            }
        }
    }
}

TEST_CASE("a packet longer than a frame can carry is refused") {
    for (const unsigned type : {8U, 16U, 255U}) {
        CHECK(parse(Sender::client, plain_of(type, 2032)) == Reason::none);
        CHECK(parse(Sender::client, plain_of(type, 2033)) == Reason::bad_packet_length);
        CHECK(parse(Sender::client, plain_of(type, 65535)) == Reason::bad_packet_length);
    }
}

TEST_CASE("a notification for a reserved id is refused") {
    struct Notification {
        Sender sender;
        std::uint8_t type;
    };
    for (const Notification &one : {Notification{Sender::relay, 2}, {Sender::relay, 3}, {Sender::client, 3}}) {
        for (unsigned id = 0; id < 256; ++id) {
            const std::uint8_t plain[] = {one.type, static_cast<std::uint8_t>(id)};
            CHECK(parse(one.sender, plain) == (id < 16 ? Reason::bad_routing_id : Reason::none));
        }
    }
}

TEST_CASE("a routing response may carry any id, the reserved ones too") {
    for (unsigned id = 0; id < 256; ++id) {
        Blob plain = plain_of(1, 34);
        plain[1] = static_cast<std::uint8_t>(id);
        Packet packet;
        REQUIRE(decode_packet(Sender::relay, plain, packet) == Reason::none);
        CHECK(packet.id == id);
    }
}

TEST_CASE("a pong of id 0 is refused; a ping of any id, and any other pong, is not") {
    for (const Sender sender : {Sender::client, Sender::relay}) {
        for (const unsigned type : {4U, 5U}) {
            Blob plain = plain_of(type, 9);
            std::fill(plain.begin() + 1, plain.end(), std::uint8_t{0});
            CHECK(parse(sender, plain) == (type == 5 ? Reason::bad_ping_id : Reason::none));
            for (std::size_t at = 1; at < 9; ++at) {
                plain[at] = 1;
                CHECK(parse(sender, plain) == Reason::none);
                plain[at] = 0;
            }
        }
    }
}

TEST_CASE("a wrong length is reported before a wrong id") {
    const std::uint8_t notification[] = {3, 0, 0};
    CHECK(parse(Sender::relay, notification) == Reason::bad_packet_length);
    const Blob ping = {4, 0, 0, 0, 0, 0, 0, 0};
    CHECK(parse(Sender::relay, ping) == Reason::bad_packet_length);
}

TEST_CASE("a packet that is refused leaves the result as it was") {
    const Blob faulty[] = {
        {},
        {16},
        plain_of(16, 2033),
        plain_of(12, 2),
        plain_of(0, 32),
        plain_of(0, 34),
        plain_of(1, 34),
        plain_of(6, 1058),
        {3, 15},
        {5, 0, 0, 0, 0, 0, 0, 0, 0},
    };
    const Blob other = pattern(40);
    Packet before;
    before.type = Packet_Type::forwarding;
    before.id = 99;
    before.ping_id = 0x1234;
    before.public_key = other.data();
    before.data = other;
    for (const Blob &plain : faulty) {
        Packet packet = before;
        CHECK(decode_packet(Sender::client, plain, packet) != Reason::none);
        CHECK(is_untouched(packet, before));
    }
}
