// Nothing on the packet path allocates.
#include "allocations.h"
#include "bytes.h"
#include "catch.h"
#include "vectors.h"

using namespace toxtcp;

namespace {

std::size_t allocations = 0;

} // namespace

TEST_CASE("a packet is written, sealed, opened and read without an allocation") {
    Channel client;
    Channel relay;
    const Blob data = pattern(1024);
    const Public_Key key = array_from<KEY_SIZE>(vectors::RELAY_PUBLIC);
    std::array<std::uint8_t, MAX_FRAME_SIZE> frame;
    std::size_t good = 0;

    may_allocate = []() noexcept { return ++allocations != 0; };
    const std::size_t before_all = allocations;
    operator delete(operator new(1));
    const bool counts = allocations > before_all;

    const std::size_t before = allocations;
    for (const Packet_Type type : {Packet_Type::data, Packet_Type::oob_send, Packet_Type::ping}) {
        Packet packet;
        packet.type = type;
        packet.id = 16;
        packet.ping_id = 1;
        packet.public_key = key.data();
        if (type != Packet_Type::ping) {
            packet.data = data;
        }
        const std::size_t size = encode_packet(packet, Mutable_Bytes{frame}.subspan(FRAME_OVERHEAD));
        seal_frame(client, Mutable_Bytes{frame}.first(FRAME_OVERHEAD + size));
        const Mutable_Bytes plain =
            open_sealed(relay, Mutable_Bytes{frame}.subspan(FRAME_HEADER_SIZE, frame_length(frame.data())));
        Packet read;
        good += decode_packet(Sender::client, plain, read) == Reason::none && read.type == type;
    }
    const std::size_t after = allocations;
    CHECK(counts);
    CHECK(good == 3);
    CHECK(after - before == 0);
}
