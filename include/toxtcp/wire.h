/// @file
/// The Tox TCP relay protocol (docs/protocol.md) as pure functions: sizes, packets, frames, the handshake. It has both
/// sides, so that clients and relays can be written with it. The functions keep no state of their own and do not
/// allocate. To seal is to encrypt and authenticate, to open is to check and decrypt.
#pragma once

#include <toxtcp/types.h>

namespace toxtcp {

// ---- sizes, in bytes -------------------------------------------------------------------------------------------

inline constexpr std::size_t NONCE_SIZE = 24;                ///< nonce of a handshake, and of a sealed packet
inline constexpr std::size_t MAC_SIZE = 16;                  ///< what sealing adds to a packet
inline constexpr std::size_t FRAME_HEADER_SIZE = 2;          ///< big-endian length of the sealed packet that follows
inline constexpr std::size_t MAX_SEALED_SIZE = 2048;         ///< sealed packet, without the frame header
inline constexpr std::size_t MIN_SEALED_SIZE = MAC_SIZE + 1; ///< sealed packet that has a type and no more
inline constexpr std::size_t MAX_FRAME_SIZE = FRAME_HEADER_SIZE + MAX_SEALED_SIZE; ///< frame, with its header
inline constexpr std::size_t FRAME_OVERHEAD = FRAME_HEADER_SIZE + MAC_SIZE;        ///< what a frame adds to a packet
inline constexpr std::size_t MAX_PLAIN_SIZE = MAX_SEALED_SIZE - MAC_SIZE;          ///< packet before it is sealed

inline constexpr std::size_t MAX_DATA_SIZE = MAX_PLAIN_SIZE - 1;  ///< payload of one data packet
inline constexpr std::size_t MAX_OOB_DATA_SIZE = 1024;            ///< payload of one out-of-band packet
inline constexpr std::size_t MAX_ONION_SIZE = MAX_PLAIN_SIZE - 1; ///< body of an onion request (nonce too) or response
inline constexpr std::size_t MAX_FORWARD_DATA_SIZE = 1792;        ///< data of a forward request, chain included
inline constexpr std::size_t MAX_FORWARD_CHAIN_LENGTH = 4;        ///< number of keys in the chain of a forward request

inline constexpr std::size_t HANDSHAKE_REQUEST_SIZE = 128; ///< client to relay
inline constexpr std::size_t HANDSHAKE_RESPONSE_SIZE = 96; ///< relay to client

inline constexpr std::uint8_t FIRST_ROUTING_ID = 16; ///< a packet's first byte below 16 is its type
inline constexpr std::size_t MAX_ROUTES = 240;       ///< routing ids 16..255 of one relay connection

// ---- randomness ------------------------------------------------------------------------------------------------

/// A source of random bytes. A simulation passes a source of its own, so that it can be repeated.
struct Random {
    void *object = nullptr; ///< passed to `fill`
    /// Fills all of `bytes`.
    void (*fill)(void *object, Mutable_Bytes bytes) = nullptr;
};

/// The random bytes of libsodium.
TOXTCP_API Random system_random();

// ---- packets ---------------------------------------------------------------------------------------------------

/// The type of a packet: the first byte of its plain bytes (docs/protocol.md, Packets).
enum class Packet_Type : std::uint8_t {
    routing_request = 0,
    routing_response = 1,
    connect_notification = 2,
    disconnect_notification = 3,
    ping = 4,
    pong = 5,
    oob_send = 6,
    oob_recv = 7,
    onion_request = 8,
    onion_response = 9,
    forward_request = 10,
    forwarding = 11,
    data = 16 ///< on the wire: the routing id, 16..255
};

/// One packet that is not sealed. The type tells which other members are used. `public_key` and `data` are borrowed:
/// after `decode_packet` they lie in the bytes that were decoded.
struct Packet {
    Packet_Type type = Packet_Type::ping;     ///< tells which other members are used
    std::uint8_t id = 0;                      ///< routing response, notifications, data: the routing id
    std::uint64_t ping_id = 0;                ///< ping and pong: 8 opaque bytes, in the order of the wire
    const std::uint8_t *public_key = nullptr; ///< routing request and response, OOB: 32 bytes
    Bytes data;                               ///< OOB, onion, forwarding, data: the payload; forward request: the body
};

/// The side that sent a packet. Some types may come from one side only.
enum class Sender : std::uint8_t { client, relay };

/// Decodes the plain bytes of one packet that `sender` sent. Returns `Reason::none`, or why the bytes are no valid
/// packet; `packet` is then unchanged. A routing id that the type forbids is an error. Whether the id is in use is not
/// checked.
[[nodiscard]] TOXTCP_API Reason decode_packet(Sender sender, Bytes plain, Packet &packet);

/// Writes the plain bytes of a packet to `plain`. Returns their number, or 0 if they do not fit or the packet breaks a
/// limit of its type.
[[nodiscard]] TOXTCP_API std::size_t encode_packet(const Packet &packet, Mutable_Bytes plain);

/// Writes a packed address, as in a forward request: family (1 byte), address (4 or 16), big-endian port (2). Returns
/// the number of bytes, or 0 if the family has no packed form or `out` is too small.
[[nodiscard]] TOXTCP_API std::size_t encode_packed_address(const Ip_Port &address, Mutable_Bytes out);

/// Reads a packed address from the beginning of `bytes`. Returns its size, or 0 if there is none; `address` is then
/// unchanged.
[[nodiscard]] TOXTCP_API std::size_t decode_packed_address(Bytes bytes, Ip_Port &address);

/// Writes the chain that precedes forwarded data: the byte 0x90 and the key, for each of 0 to 4 keys. Returns the
/// number of bytes. It is 0 for no keys, for too many keys, and if `out` is too small.
[[nodiscard]] TOXTCP_API std::size_t encode_forward_chain(std::span<const Public_Key> keys, Mutable_Bytes out);

// ---- the secure channel ----------------------------------------------------------------------------------------

/// A nonce: a 24-byte big-endian number that grows by one with each packet.
struct Nonce {
    std::array<std::uint8_t, NONCE_SIZE> bytes{}; ///< the most significant byte first
};

/// Adds `by` to the nonce, modulo 2^192.
TOXTCP_API void increment_nonce(Nonce &nonce, std::uint32_t by = 1) noexcept;

/// A cached key for Salsa20. XSalsa20 first derives this key from the session key and the first 16 bytes of the nonce.
/// Those bytes change once in 2^64 packets, so the library keeps the derived key. This halves the cost of a small
/// packet.
struct Stream_Key {
    static constexpr std::size_t PREFIX_SIZE = 16;  ///< bytes of a nonce that the key is derived from
    Secret_Key key;                                 ///< the derived key
    std::array<std::uint8_t, PREFIX_SIZE> prefix{}; ///< the first bytes of the nonces that the key is for
    bool known = false;                             ///< false: not derived yet
};

/// One side's state of the secure channel after the handshake. The nonces may be set at any time. The key must not be
/// changed, since the stream keys depend on it: use a new Channel.
struct Channel {
    Secret_Key key;         ///< session key, shared by the two session key pairs
    Nonce send;             ///< nonce of the next packet to seal
    Nonce recv;             ///< nonce of the next packet to open
    Stream_Key send_stream; ///< derived from `key` and `send` when needed
    Stream_Key recv_stream; ///< derived from `key` and `recv` when needed
};

/// Seals a plain packet in place and makes it a frame. `frame` holds FRAME_OVERHEAD free bytes and the plain packet,
/// and no more; at most MAX_FRAME_SIZE. The header and the MAC are written to the free bytes. The nonce grows by one.
TOXTCP_API void seal_frame(Channel &channel, Mutable_Bytes frame) noexcept;

/// The length of the sealed packet that follows a frame header of FRAME_HEADER_SIZE bytes.
inline std::size_t frame_length(const std::uint8_t *header) {
    return static_cast<std::size_t>(header[0] << 8 | header[1]);
}

/// Whether a sealed packet can have this length. If not, end the connection.
inline bool frame_length_is_valid(std::size_t length) {
    return length >= MIN_SEALED_SIZE && length <= MAX_SEALED_SIZE;
}

/// Opens a sealed packet (without its frame header) in place, and adds one to the nonce. Returns the plain bytes, which
/// lie in `sealed`. Empty if the packet does not open: `sealed` and the nonce are then unchanged; end the connection.
[[nodiscard]] TOXTCP_API Mutable_Bytes open_sealed(Channel &channel, Mutable_Bytes sealed) noexcept;

// ---- the handshake ---------------------------------------------------------------------------------------------

/// What the client keeps between its request and the relay's answer.
struct Handshake {
    Secret_Key long_term;      ///< key shared by the two long-term key pairs
    Secret_Key session_secret; ///< secret key of the client's session key pair
    Nonce base;                ///< nonce of the first packet that the client will seal
};

/// The client's side, first part: draws a session key pair and nonces, and writes the request (docs/protocol.md,
/// Handshake). False if the relay's key is of low order, as no relay's key is.
[[nodiscard]] TOXTCP_API bool start_handshake(Handshake &handshake, const Random &random,
                                              const Public_Key &own_public_key, const Secret_Key &own_secret_key,
                                              const Public_Key &relay_public_key,
                                              std::span<std::uint8_t, HANDSHAKE_REQUEST_SIZE> request);

/// The client's side, second part: opens the relay's answer and makes the channel. `handshake` is wiped in any case.
/// False if the answer does not open, or if its session key is of low order.
[[nodiscard]] TOXTCP_API bool finish_handshake(Handshake &handshake,
                                               std::span<const std::uint8_t, HANDSHAKE_RESPONSE_SIZE> response,
                                               Channel &channel);

/// The relay's side: opens a request, writes the answer, and makes the channel. It also returns the client's long-term
/// public key. False if the request does not open, or if one of the client's keys is not valid.
[[nodiscard]] TOXTCP_API bool answer_handshake(const Random &random, const Secret_Key &relay_secret_key,
                                               std::span<const std::uint8_t, HANDSHAKE_REQUEST_SIZE> request,
                                               std::span<std::uint8_t, HANDSHAKE_RESPONSE_SIZE> response,
                                               Public_Key &client_public_key, Channel &channel);

} // namespace toxtcp
