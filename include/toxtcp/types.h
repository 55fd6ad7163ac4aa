/// @file
/// Keys, addresses, errors and limits: the plain types that all other headers of toxtcp use.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <toxtcp/export.h>

namespace toxtcp {

/// Read-only bytes. Bytes that are passed to a function or a callback are borrowed for the time of the call, unless
/// the function's comment says otherwise.
using Bytes = std::span<const std::uint8_t>;
/// Bytes that are written to.
using Mutable_Bytes = std::span<std::uint8_t>;

inline constexpr std::size_t KEY_SIZE = 32; ///< size of a public, secret or shared key, in bytes

/// A public key: 32 bytes, X25519, as sent on the wire. The time of `==` depends on the bytes: use it only where timing
/// does not matter.
using Public_Key = std::array<std::uint8_t, KEY_SIZE>;

/// Overwrites memory in a way that the compiler cannot remove.
TOXTCP_API void wipe(void *data, std::size_t size) noexcept;

/// A secret key, or a key shared by two sides: 32 bytes. The destructor overwrites them.
struct Secret_Key {
    std::array<std::uint8_t, KEY_SIZE> bytes{}; ///< never log them; compare them in constant time only

    Secret_Key() = default;                              ///< all zero: no key yet
    Secret_Key(const Secret_Key &) = default;            ///< the copy has a destructor of its own, which overwrites it
    Secret_Key &operator=(const Secret_Key &) = default; ///< overwrites the old key
    /// Overwrites the key.
    ~Secret_Key() { wipe(bytes.data(), bytes.size()); }
};

/// The public key that belongs to a secret key.
TOXTCP_API Public_Key public_key_of(const Secret_Key &secret);

/// Makes a new key pair from the system's random numbers.
TOXTCP_API void new_key_pair(Public_Key &public_key, Secret_Key &secret_key);

/// Address families, with their values in a packed address (docs/protocol.md). A relay's address is `ipv4` or `ipv6`.
/// `tcp_ipv4` and `tcp_ipv6` occur only in forward requests and node lists.
enum class Family : std::uint8_t { none = 0, ipv4 = 2, ipv6 = 10, tcp_ipv4 = 130, tcp_ipv6 = 138 };

/// An IP address and a port.
struct Ip_Port {
    Family family = Family::none;      ///< `none`: there is no address
    std::array<std::uint8_t, 16> ip{}; ///< network byte order; IPv4 uses the first 4 bytes, and the others are zero
    std::uint16_t port = 0;            ///< host byte order

    /// The same family, address and port.
    bool operator==(const Ip_Port &) const = default;
};

/// An address as text: `192.0.2.1:33445` or `[2001:db8::1]:33445`, or `none` for Family::none.
TOXTCP_API std::string to_string(const Ip_Port &address);

/// Reads `192.0.2.1:33445` or `[2001:db8::1]:33445`. False for any other text, host names included; `address` is then
/// unchanged.
[[nodiscard]] TOXTCP_API bool parse_ip_port(const std::string &text, Ip_Port &address);

/// A key as text: 64 hexadecimal digits in upper case, as Tox writes keys.
TOXTCP_API std::string to_string(const Public_Key &key);

/// The key with the top bit of its last byte cleared. X25519 ignores this bit, so two keys that differ only in this bit
/// are the same key. The library clears the bit before it compares keys (docs/protocol.md, Cryptography).
TOXTCP_API Public_Key canonical_key(const Public_Key &key);

/// Whether the key is a point of low order, such as the null key. Everybody can compute the key shared with such a key,
/// so the library refuses it. Expects a canonical key.
[[nodiscard]] TOXTCP_API bool is_weak_key(const Public_Key &key);

/// Reads 64 hexadecimal digits in upper or lower case. False for any other text; `key` is then unchanged.
[[nodiscard]] TOXTCP_API bool parse_public_key(const std::string &text, Public_Key &key);

/// How relays are reached: directly, by an HTTP proxy's CONNECT, or by a SOCKS5 proxy.
enum class Proxy_Type : std::uint8_t { none, http, socks5 };

/// The proxy through which all relays are reached. With a user name, the library authenticates to the proxy: SOCKS5 by
/// RFC 1929, HTTP by Basic authentication (RFC 7617). Tor uses separate circuits for different user names, whatever the
/// passwords: programs that must not be linked to each other need different user names.
struct Proxy {
    Proxy_Type type = Proxy_Type::none; ///< `none`: no proxy, and the other members are ignored
    Ip_Port address;                    ///< of the proxy; IPv4 or IPv6, and a port other than 0
    std::string user = {};              ///< at most 255 bytes, for HTTP without a colon; empty: no authentication
    std::string password = {};          ///< at most 255 bytes, empty without a user; sent unencrypted, never logged
};

/// The meaning of an HTTP proxy's status code or of a SOCKS5 proxy's reply code, in a few words. The text is static. It
/// is empty for an unknown code.
TOXTCP_API const char *proxy_status_text(Proxy_Type type, std::uint16_t status);

// ---- handles and times -----------------------------------------------------------------------------------------

/// Limit of the slots in the array of connections. There are at most 16,384 relays. A handle names the relay or the
/// connection in a slot: its low 20 bits are the slot's index, the 11 bits above are the slot's generation. A later
/// relay or connection in the slot has another generation, so that a stale handle is refused. A slot's first handle is
/// its index. A slot whose generations are used up is not used again.
inline constexpr std::uint32_t MAX_SLOTS = 1U << 20;
inline constexpr std::uint32_t MAX_GENERATIONS = 1U << 11; ///< limit of the generations of one slot

inline constexpr std::uint64_t NEVER = UINT64_MAX; ///< as a deadline: nothing is due

/// Why a public function did not do its work. Functions that return a handle or a count return a number of 0 or more,
/// or one of these errors, which are negative.
enum class [[nodiscard]] Error : int{
    ok = 0,
    bad_handle = -1,  ///< no relay or connection has this handle; the handle may be stale
    bad_key = -2,     ///< a key of low order, the library's own key where a peer's is needed, or an unknown key
    bad_address = -3, ///< neither IPv4 nor IPv6, port 0, or a host name that cannot be used
    empty = -4,       ///< there is nothing to send
    too_long = -5,    ///< more bytes than one packet of this kind can carry
    full = -6,        ///< the socket, or the path to the relay, takes nothing more for now; nothing was sent, try later
    not_online = -7,  ///< no relay is connected that could carry the packet
    already = -8,     ///< nothing to do: the peer has a connection, the relay is tied or known, the status is set
    limit = -9,       ///< a limit is reached: routes of a connection, slots of an array
    no_memory = -10,  ///< an allocation failed, nothing has changed
    bad_argument = -11 ///< any other argument is out of its range
};

/// The error in a few words, for a log or a user. The text is static.
TOXTCP_API const char *to_string(Error error);

/// Why a relay's connection ended, or why something changed (see Change). `none`: no reason, or it never ended.
enum class Reason : std::uint8_t {
    none,
    killed,            ///< the program killed the relay
    unused,            ///< more relays than wanted, and no peer was online through this one
    asleep,            ///< every peer that was online through the relay was put to sleep
    connect_failed,    ///< no socket, or the socket failed before the handshake was done
    connect_timeout,   ///< connecting took too long: 10 s with the handshake, or less when an outage ended meanwhile
    proxy_refused,     ///< the proxy refused to connect to the relay
    proxy_password,    ///< the proxy asks for a user and a password, or refused those that it got
    proxy_closed,      ///< the proxy closed the connection before it granted or refused
    proxy_timeout,     ///< the proxy neither granted nor refused within 10 s
    proxy_malformed,   ///< the proxy's answer does not follow the protocol
    handshake_failed,  ///< the handshake's answer cannot be decrypted: a wrong key, or not a relay
    end_of_stream,     ///< the relay closed the connection
    reset,             ///< the socket failed after the handshake
    ping_timeout,      ///< a ping stayed unanswered for too long; the connection ends after 10 s
    bad_frame_length,  ///< a frame was too short for a packet, or above MAX_FRAME_SIZE
    bad_seal,          ///< a frame could not be decrypted
    bad_packet_type,   ///< a reserved type, or one that its sender must not send
    bad_packet_length, ///< a length that this packet type cannot have
    bad_routing_id,    ///< a notification for an id below 16
    bad_ping_id,       ///< a pong with id 0
    not_delivering,    ///< packets to or from a peer did not come through over the relay
    network_changed,   ///< the network changed, and the relay was being connected or did not answer a ping
    stuck              ///< the socket was full, and took nothing for 5 s
};

/// The reason in a few words, for a log or a user. The text is static.
TOXTCP_API const char *to_string(Reason reason);

} // namespace toxtcp
