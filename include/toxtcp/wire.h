/// @file
/// The Tox TCP relay protocol as pure functions: sizes, packets, frames, the handshake. For both ends, so that a
/// relay can be written with it as well as a client. No state but the one handed in, no allocation.
#pragma once

#include <toxtcp/types.h>

namespace toxtcp {

// ---- sizes, in bytes -------------------------------------------------------------------------------------------

inline constexpr std::size_t NONCE_SIZE = 24;                ///< of a handshake, and of a sealed packet
inline constexpr std::size_t MAC_SIZE = 16;                  ///< what sealing adds
inline constexpr std::size_t FRAME_HEADER_SIZE = 2;          ///< big-endian length of the sealed packet that follows
inline constexpr std::size_t MAX_SEALED_SIZE = 2048;         ///< of a sealed packet, without the header
inline constexpr std::size_t MIN_SEALED_SIZE = MAC_SIZE + 1; ///< of the shortest packet, which is its type alone
inline constexpr std::size_t MAX_FRAME_SIZE = FRAME_HEADER_SIZE + MAX_SEALED_SIZE; ///< header included
inline constexpr std::size_t FRAME_OVERHEAD = FRAME_HEADER_SIZE + MAC_SIZE;        ///< what a frame adds to a packet
inline constexpr std::size_t MAX_PLAIN_SIZE = MAX_SEALED_SIZE - MAC_SIZE;          ///< of a packet before it is sealed

inline constexpr std::size_t MAX_DATA_SIZE = MAX_PLAIN_SIZE - 1;  ///< of one data packet
inline constexpr std::size_t MAX_OOB_DATA_SIZE = 1024;            ///< of one out-of-band packet
inline constexpr std::size_t MAX_ONION_SIZE = MAX_PLAIN_SIZE - 1; ///< of one onion request or response
inline constexpr std::size_t MAX_FORWARD_DATA_SIZE = 1792;        ///< chain included
inline constexpr std::size_t MAX_FORWARD_CHAIN_LENGTH = 4;        ///< keys in a forwarding chain

inline constexpr std::size_t HANDSHAKE_REQUEST_SIZE = 128; ///< client to relay
inline constexpr std::size_t HANDSHAKE_RESPONSE_SIZE = 96; ///< relay to client

inline constexpr std::uint8_t FIRST_ROUTING_ID = 16; ///< those below are packet types
inline constexpr std::size_t MAX_ROUTES = 240;       ///< routing ids 16..255 of one relay connection

// ---- randomness ------------------------------------------------------------------------------------------------

/// Where random bytes come from, so that a simulation can repeat itself.
struct Random {
    void *object = nullptr; ///< passed to `fill`
    /// Fills all of `bytes`.
    void (*fill)(void *object, Mutable_Bytes bytes) = nullptr;
};

/// libsodium's.
TOXTCP_API Random system_random();

// ---- packets ---------------------------------------------------------------------------------------------------

/// The first byte of a packet, and so what it is.
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
    data = 16 ///< on the wire: the routing id itself, 16..255
};

/// One packet, opened. Which members count depends on the type; spans and pointers look into the parsed buffer.
struct Packet {
    Packet_Type type = Packet_Type::ping;     ///< tells which of the others count
    std::uint8_t id = 0;                      ///< routing id: response, notifications, data
    std::uint64_t ping_id = 0;                ///< ping and pong: opaque, as it lies in memory
    const std::uint8_t *public_key = nullptr; ///< 32 bytes: routing request and response, OOB
    Bytes data;                               ///< OOB, onion, forwarding, data; a forward request's body whole
};

/// Who has sent a packet: some types, and some routing ids, only one side may send.
enum class Sender : std::uint8_t { client, relay };

/// Reads the plain bytes of one packet that `sender` sent. `Reason::none` when it is one, else why it is not;
/// `packet` is only written on success. A routing id that a type forbids is an error here; whether an id is in use
/// is for the caller to know.
[[nodiscard]] TOXTCP_API Reason decode_packet(Sender sender, Bytes plain, Packet &packet);

/// Writes the plain bytes of a packet to `plain`. How many, or 0 when they do not fit or the type's limits are broken.
[[nodiscard]] TOXTCP_API std::size_t encode_packet(const Packet &packet, Mutable_Bytes plain);

/// A packed address as forwarding requests carry it: family 1, address 4 or 16, port 2. Size written, 0 when the
/// family has no packed form or it does not fit.
[[nodiscard]] TOXTCP_API std::size_t print_packed_address(const Ip_Port &address, Mutable_Bytes out);

/// Reads one; how many bytes it took, or 0 when there is none.
[[nodiscard]] TOXTCP_API std::size_t parse_packed_address(Bytes bytes, Ip_Port &address);

/// Writes the chain before forwarded data: for each of 0..4 keys the byte 0x90 and the key. Size written, 0 when
/// there are too many or they do not fit (and for no keys).
[[nodiscard]] TOXTCP_API std::size_t print_forward_chain(std::span<const Public_Key> keys, Mutable_Bytes out);

// ---- the secure channel ----------------------------------------------------------------------------------------

/// A nonce that counts up, as a 24-byte big-endian number.
struct Nonce {
    std::array<std::uint8_t, NONCE_SIZE> bytes{}; ///< the most significant comes first
};

/// Adds `by` to it, modulo 2^192.
TOXTCP_API void increment_nonce(Nonce &nonce, std::uint32_t by = 1) noexcept;

/// XSalsa20's first step makes a key for Salsa20 out of the key and most of the nonce. A nonce that counts up changes
/// that part once in 2^64 packets, so the step is done once, and its result kept: half of what a small packet costs.
struct Stream_Key {
    static constexpr std::size_t PREFIX_SIZE = 16;  ///< bytes of a nonce that go into the key
    Secret_Key key;                                 ///< for Salsa20
    std::array<std::uint8_t, PREFIX_SIZE> prefix{}; ///< of the nonces that it is for
    bool known = false;                             ///< false: not made yet
};

/// What both ends hold once the handshake is over. Nonces may be set at any time; another key means another channel.
struct Channel {
    Secret_Key key;         ///< of the session, shared by the two session key pairs
    Nonce send;             ///< of the next packet that we seal
    Nonce recv;             ///< of the next packet that we open
    Stream_Key send_stream; ///< made of `key` and `send` when it is wanted
    Stream_Key recv_stream; ///< made of `key` and `recv` when it is wanted
};

/// Seals the plain packet that lies at `frame[FRAME_OVERHEAD ...]` where it lies, and writes header and MAC before
/// it. `frame` is exactly FRAME_OVERHEAD and the plain packet, at most MAX_FRAME_SIZE. Counts the nonce.
TOXTCP_API void seal_frame(Channel &channel, Mutable_Bytes frame) noexcept;

/// The length of the sealed packet that a frame header announces.
inline std::size_t frame_length(const std::uint8_t *header) {
    return static_cast<std::size_t>(header[0] << 8 | header[1]);
}

/// Whether a sealed packet can have this length. If not, the connection is worth nothing any more.
inline bool frame_length_is_valid(std::size_t length) {
    return length >= MIN_SEALED_SIZE && length <= MAX_SEALED_SIZE;
}

/// Opens a sealed packet (without its frame header) where it lies and counts the nonce. The plain bytes, or an empty
/// span when it does not open: then nothing has changed but that the connection is worth nothing any more.
[[nodiscard]] TOXTCP_API Mutable_Bytes open_sealed(Channel &channel, Mutable_Bytes sealed) noexcept;

// ---- the handshake ---------------------------------------------------------------------------------------------

/// What the client keeps between its request and the relay's answer.
struct Handshake {
    Secret_Key long_term;      ///< shared by the two long-term keys
    Secret_Key session_secret; ///< wiped once the answer has come
    Nonce base;                ///< the nonce that we shall seal with
};

/// Begins a handshake: draws session key and nonces, and writes the client's request. False when the relay's key is
/// a weak one that no relay can have.
[[nodiscard]] TOXTCP_API bool start_handshake(Handshake &handshake, const Random &random,
                                              const Public_Key &own_public_key, const Secret_Key &own_secret_key,
                                              const Public_Key &relay_public_key,
                                              std::span<std::uint8_t, HANDSHAKE_REQUEST_SIZE> request);

/// Ends the client's side with the relay's answer; session secrets are wiped. False when it does not open.
[[nodiscard]] TOXTCP_API bool finish_handshake(Handshake &handshake,
                                               std::span<const std::uint8_t, HANDSHAKE_RESPONSE_SIZE> response,
                                               Channel &channel);

/// The relay's side: opens a request, writes the answer, and gives the channel and the client's key. False when the
/// request does not open.
[[nodiscard]] TOXTCP_API bool answer_handshake(const Random &random, const Secret_Key &relay_secret_key,
                                               std::span<const std::uint8_t, HANDSHAKE_REQUEST_SIZE> request,
                                               std::span<std::uint8_t, HANDSHAKE_RESPONSE_SIZE> response,
                                               Public_Key &client_public_key, Channel &channel);

} // namespace toxtcp
