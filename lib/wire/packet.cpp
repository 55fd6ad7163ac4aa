// Decodes and encodes packets. A table says of each type who may send it, which fields it has, and how long it may be.
#include <algorithm>
#include <cstring>

#include <toxtcp/wire.h>

namespace toxtcp {

namespace {

/// Who may send a type, and which fields follow the type byte: id, key, ping id and data, in this order.
struct Layout {
    bool from_client;
    bool from_relay;
    bool has_id;
    bool has_key;
    bool has_ping_id;
    std::uint16_t min_data; ///< bytes; 0 with max_data 0: the type has no data
    std::uint16_t max_data;
};

constexpr std::size_t CONTROL_TYPES = FIRST_ROUTING_ID;
constexpr std::size_t MAX_BODY = MAX_PLAIN_SIZE - 1;
constexpr std::size_t MIN_PACKED_ADDRESS = 7;
constexpr std::size_t MAX_PACKED_ADDRESS = 19;
constexpr std::size_t MIN_FORWARD_BODY = MIN_PACKED_ADDRESS + 1;
constexpr std::size_t MAX_FORWARD_BODY = MAX_PACKED_ADDRESS + MAX_FORWARD_DATA_SIZE;

constexpr std::array<Layout, CONTROL_TYPES> LAYOUTS{{
    /* routing_request */ {true, false, false, true, false, 0, 0},
    /* routing_response */ {false, true, true, true, false, 0, 0},
    /* connect_notification */ {false, true, true, false, false, 0, 0},
    /* disconnect_notification */ {true, true, true, false, false, 0, 0},
    /* ping */ {true, true, false, false, true, 0, 0},
    /* pong */ {true, true, false, false, true, 0, 0},
    /* oob_send */ {true, false, false, true, false, 1, MAX_OOB_DATA_SIZE},
    /* oob_recv */ {false, true, false, true, false, 1, MAX_OOB_DATA_SIZE},
    /* onion_request */ {true, false, false, false, false, 1, MAX_BODY},
    /* onion_response */ {false, true, false, false, false, 1, MAX_BODY},
    /* forward_request */ {true, false, false, false, false, MIN_FORWARD_BODY, MAX_FORWARD_BODY},
    /* forwarding */ {false, true, false, false, false, 1, MAX_BODY},
    /* 12..15: reserved */ {},
    {},
    {},
    {},
}};

constexpr std::size_t head_size(const Layout &layout) {
    return std::size_t{1} + (layout.has_id ? 1U : 0U) + (layout.has_key ? KEY_SIZE : 0U) +
           (layout.has_ping_id ? sizeof(std::uint64_t) : 0U);
}

std::size_t address_size(Family family) {
    switch (family) {
    case Family::ipv4:
    case Family::tcp_ipv4:
        return 4;
    case Family::ipv6:
    case Family::tcp_ipv6:
        return 16;
    case Family::none:
        break;
    }
    return 0;
}

bool id_is_wrong(Packet_Type type, std::uint8_t id) {
    // In a routing response, an id below 16 means refused. A notification is always about a route.
    return type != Packet_Type::routing_response && id < FIRST_ROUTING_ID;
}

} // namespace

Reason decode_packet(Sender sender, Bytes plain, Packet &packet) {
    // One comparison for both limits, since every data packet passes here: sizes 0 and 1 wrap to above the upper limit.
    if (plain.size() - 2 > MAX_PLAIN_SIZE - 2) {
        return Reason::bad_packet_length;
    }
    const std::uint8_t type = plain[0];
    if (type >= FIRST_ROUTING_ID) {
        packet.type = Packet_Type::data;
        packet.id = type;
        packet.data = plain.subspan(1);
        return Reason::none;
    }
    const Layout &layout = LAYOUTS[type];
    if (sender == Sender::client ? !layout.from_client : !layout.from_relay) {
        return Reason::bad_packet_type;
    }
    const std::size_t head = head_size(layout);
    if (plain.size() < head + layout.min_data || plain.size() > head + layout.max_data) {
        return Reason::bad_packet_length;
    }
    Packet read;
    read.type = static_cast<Packet_Type>(type);
    std::size_t at = 1;
    if (layout.has_id) {
        read.id = plain[at++];
        if (id_is_wrong(read.type, read.id)) {
            return Reason::bad_routing_id;
        }
    }
    if (layout.has_key) {
        read.public_key = plain.data() + at;
        at += KEY_SIZE;
    }
    if (layout.has_ping_id) {
        std::memcpy(&read.ping_id, plain.data() + at, sizeof read.ping_id);
        at += sizeof read.ping_id;
        if (read.ping_id == 0 && read.type == Packet_Type::pong) {
            return Reason::bad_ping_id;
        }
    }
    read.data = plain.subspan(at);
    packet = read;
    return Reason::none;
}

std::size_t encode_packet(const Packet &packet, Mutable_Bytes plain) {
    std::size_t at = 1;
    if (packet.type == Packet_Type::data) {
        if (packet.id < FIRST_ROUTING_ID || packet.data.empty() || packet.data.size() > MAX_DATA_SIZE ||
            plain.size() < at + packet.data.size()) {
            return 0;
        }
        plain[0] = packet.id;
    } else {
        const auto type = static_cast<std::uint8_t>(packet.type);
        if (type >= CONTROL_TYPES) {
            return 0;
        }
        const Layout &layout = LAYOUTS[type];
        if ((!layout.from_client && !layout.from_relay) || packet.data.size() < layout.min_data ||
            packet.data.size() > layout.max_data || plain.size() < head_size(layout) + packet.data.size() ||
            (layout.has_id && id_is_wrong(packet.type, packet.id)) ||
            (layout.has_key && packet.public_key == nullptr) ||
            (type == static_cast<std::uint8_t>(Packet_Type::pong) && packet.ping_id == 0)) {
            return 0;
        }
        plain[0] = type;
        if (layout.has_id) {
            plain[at++] = packet.id;
        }
        if (layout.has_key) {
            std::memcpy(plain.data() + at, packet.public_key, KEY_SIZE);
            at += KEY_SIZE;
        }
        if (layout.has_ping_id) {
            std::memcpy(plain.data() + at, &packet.ping_id, sizeof packet.ping_id);
            at += sizeof packet.ping_id;
        }
    }
    if (!packet.data.empty()) {
        std::memcpy(plain.data() + at, packet.data.data(), packet.data.size());
    }
    return at + packet.data.size();
}

std::size_t encode_packed_address(const Ip_Port &address, Mutable_Bytes out) {
    const std::size_t size = address_size(address.family);
    if (size == 0 || out.size() < size + 3) {
        return 0;
    }
    out[0] = static_cast<std::uint8_t>(address.family);
    std::copy_n(address.ip.begin(), size, out.begin() + 1);
    out[size + 1] = static_cast<std::uint8_t>(address.port >> 8);
    out[size + 2] = static_cast<std::uint8_t>(address.port & 0xFF);
    return size + 3;
}

std::size_t decode_packed_address(Bytes bytes, Ip_Port &address) {
    const std::size_t size = bytes.empty() ? 0 : address_size(static_cast<Family>(bytes[0]));
    if (size == 0 || bytes.size() < size + 3) {
        return 0;
    }
    address = {};
    address.family = static_cast<Family>(bytes[0]);
    std::copy_n(bytes.begin() + 1, size, address.ip.begin());
    address.port = static_cast<std::uint16_t>(bytes[size + 1] << 8 | bytes[size + 2]);
    return size + 3;
}

std::size_t encode_forward_chain(std::span<const Public_Key> keys, Mutable_Bytes out) {
    constexpr std::uint8_t LINK = 0x90;
    constexpr std::size_t LINK_SIZE = 1 + KEY_SIZE;
    if (keys.size() > MAX_FORWARD_CHAIN_LENGTH || out.size() < keys.size() * LINK_SIZE) {
        return 0;
    }
    std::size_t at = 0;
    for (const Public_Key &key : keys) {
        out[at] = LINK;
        std::copy(key.begin(), key.end(), out.begin() + static_cast<std::ptrdiff_t>(at + 1));
        at += LINK_SIZE;
    }
    return at;
}

} // namespace toxtcp
