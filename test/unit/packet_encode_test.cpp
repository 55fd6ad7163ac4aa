// Packets that are not written: those that break a limit of their type, and those that do not fit.
#include "bytes.h"
#include "catch.h"
#include "vectors.h"

using namespace toxtcp;

namespace {

const Public_Key KEY = array_from<KEY_SIZE>(vectors::RELAY_PUBLIC);

/// A packet that can be written, with `size` bytes of data.
struct Sample {
    Blob data;
    Packet packet;

    Sample(Packet_Type type, std::size_t size) : data(pattern(size)) {
        packet.type = type;
        packet.id = 16;
        packet.ping_id = 1;
        packet.public_key = KEY.data();
        packet.data = data;
    }
};

std::size_t size_of(const Packet &packet) {
    Blob plain(4096);
    return encode_packet(packet, plain);
}

} // namespace

TEST_CASE("data of every type is written up to its limits, and not beyond") {
    struct Limit {
        Packet_Type type;
        std::size_t head;
        std::size_t min;
        std::size_t max;
    };
    const Limit limits[] = {
        {Packet_Type::routing_request, 33, 0, 0},
        {Packet_Type::routing_response, 34, 0, 0},
        {Packet_Type::connect_notification, 2, 0, 0},
        {Packet_Type::disconnect_notification, 2, 0, 0},
        {Packet_Type::ping, 9, 0, 0},
        {Packet_Type::pong, 9, 0, 0},
        {Packet_Type::oob_send, 33, 1, 1024},
        {Packet_Type::oob_recv, 33, 1, 1024},
        {Packet_Type::onion_request, 1, 1, 2031},
        {Packet_Type::onion_response, 1, 1, 2031},
        {Packet_Type::forward_request, 1, 8, 1811},
        {Packet_Type::forwarding, 1, 1, 2031},
        {Packet_Type::data, 1, 1, 2031},
    };
    for (const Limit &limit : limits) {
        std::size_t wrong = 0;
        for (std::size_t size = 0; size <= 2100; ++size) {
            const bool allowed = size >= limit.min && size <= limit.max;
            wrong += size_of(Sample(limit.type, size).packet) != (allowed ? limit.head + size : 0);
        }
        INFO("type " << static_cast<int>(limit.type));
        CHECK(wrong == 0);
    }
    CHECK(size_of(Sample(Packet_Type::data, 70'000).packet) == 0);
}

TEST_CASE("a packet is written to a buffer of exactly its size, and not to a smaller one") {
    for (const vectors::Packet &vector : vectors::PACKETS) {
        const Sample sample(vector.type, from_hex(vector.data).size());
        const std::size_t size = size_of(sample.packet);
        REQUIRE(size == from_hex(vector.plain).size());
        INFO(vector.name);
        Fenced exact(size);
        CHECK(encode_packet(sample.packet, exact.bytes()) == size);
        CHECK(exact.intact());
        for (std::size_t room = 0; room < size; ++room) {
            Exact small(Blob(room, Fenced::EMPTY));
            CHECK(encode_packet(sample.packet, small.bytes()) == 0);
            CHECK(to_hex(small.bytes()) == to_hex(Blob(room, Fenced::EMPTY)));
        }
    }
}

TEST_CASE("a reserved id is written only in a routing response") {
    for (unsigned id = 0; id < 256; ++id) {
        for (const Packet_Type type : {Packet_Type::connect_notification, Packet_Type::disconnect_notification}) {
            Sample notification(type, 0);
            notification.packet.id = static_cast<std::uint8_t>(id);
            CHECK(size_of(notification.packet) == (id < 16 ? 0 : 2));
        }
        Sample data(Packet_Type::data, 1);
        data.packet.id = static_cast<std::uint8_t>(id);
        CHECK(size_of(data.packet) == (id < 16 ? 0 : 2));
        Sample response(Packet_Type::routing_response, 0);
        response.packet.id = static_cast<std::uint8_t>(id);
        CHECK(size_of(response.packet) == 34);
    }
}

TEST_CASE("a pong of id 0 is not written") {
    Sample sample(Packet_Type::pong, 0);
    CHECK(size_of(sample.packet) == 9);
    sample.packet.ping_id = 0;
    CHECK(size_of(sample.packet) == 0);
}

TEST_CASE("a packet that lacks its key is not written") {
    for (const Packet_Type type : {Packet_Type::routing_request, Packet_Type::routing_response}) {
        Sample sample(type, 0);
        sample.packet.public_key = nullptr;
        CHECK(size_of(sample.packet) == 0);
    }
    for (const Packet_Type type : {Packet_Type::oob_send, Packet_Type::oob_recv}) {
        Sample sample(type, 1);
        sample.packet.public_key = nullptr;
        CHECK(size_of(sample.packet) == 0);
    }
}

TEST_CASE("a packet of an unknown type is not written") {
    for (unsigned type = 12; type < 256; ++type) {
        if (type == static_cast<unsigned>(Packet_Type::data)) {
            continue;
        }
        for (const std::size_t size : {0U, 1U, 8U}) {
            CHECK(size_of(Sample(static_cast<Packet_Type>(type), size).packet) == 0);
        }
    }
}
