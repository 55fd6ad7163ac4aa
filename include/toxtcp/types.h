/// @file
/// Keys, addresses, errors and limits: the plain values that every other header of toxtcp speaks in.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <toxtcp/export.h>

namespace toxtcp {

/// Bytes that are only read. What a function takes or hands over so is valid during the call, unless it says otherwise.
using Bytes = std::span<const std::uint8_t>;
/// Bytes that are written to.
using Mutable_Bytes = std::span<std::uint8_t>;

inline constexpr std::size_t KEY_SIZE = 32; ///< of a public, secret or shared key, in bytes

/// A public key as it travels: 32 bytes, X25519. Compare with `==` only where timing does not matter.
using Public_Key = std::array<std::uint8_t, KEY_SIZE>;

/// Overwrites memory in a way that the compiler cannot remove.
TOXTCP_API void wipe(void *data, std::size_t size) noexcept;

/// 32 secret bytes (a secret key, or a key shared by two) that wipe themselves when they go out of use.
struct Secret_Key {
    std::array<std::uint8_t, KEY_SIZE> bytes{}; ///< never to be logged, nor compared in a time that depends on them

    Secret_Key() = default;                              ///< all zero: no key yet
    Secret_Key(const Secret_Key &) = default;            ///< one more copy, which wipes itself as well
    Secret_Key &operator=(const Secret_Key &) = default; ///< what was there before is overwritten
    /// Wipes it.
    ~Secret_Key() { wipe(bytes.data(), bytes.size()); }
};

/// The public key that belongs to a secret key.
TOXTCP_API Public_Key public_key_of(const Secret_Key &secret);

/// A fresh key pair from the system's randomness.
TOXTCP_API void new_key_pair(Public_Key &public_key, Secret_Key &secret_key);

/// Address families, with the values they have in a packed address on the wire.
/// Relays are reached by `ipv4` and `ipv6`; the two others only occur in forwarding requests and node lists.
enum class Family : std::uint8_t { none = 0, ipv4 = 2, ipv6 = 10, tcp_ipv4 = 130, tcp_ipv6 = 138 };

/// An address and a port. Of `ip` the first 4 bytes count for IPv4, all 16 for IPv6, in network order;
/// `port` is in host order.
struct Ip_Port {
    Family family = Family::none;      ///< `none`: there is no address
    std::array<std::uint8_t, 16> ip{}; ///< network order; what does not count is zero
    std::uint16_t port = 0;            ///< host order

    /// The same family, address and port.
    bool operator==(const Ip_Port &) const = default;
};

/// `192.0.2.1:33445` or `[2001:db8::1]:33445`; `none` for family none.
TOXTCP_API std::string to_string(const Ip_Port &address);

/// Reads what `to_string` writes (numeric addresses only). False, and `address` as it was, when it is no such text.
[[nodiscard]] TOXTCP_API bool parse_ip_port(const std::string &text, Ip_Port &address);

/// 64 hexadecimal digits, as Tox writes keys (upper case).
TOXTCP_API std::string to_string(const Public_Key &key);

/// The form of a key in which it is compared: X25519 ignores the top bit of the last byte, so that two keys that differ
/// in it are one and the same. It is cleared.
TOXTCP_API Public_Key canonical_key(const Public_Key &key);

/// Whether this is one of the few points of low order, the null key among them: with such a key everybody would share
/// the secret, so nobody has one. Of a canonical key.
[[nodiscard]] TOXTCP_API bool is_weak_key(const Public_Key &key);

/// Reads 64 hexadecimal digits of either case. False, and `key` as it was, for anything else.
[[nodiscard]] TOXTCP_API bool parse_public_key(const std::string &text, Public_Key &key);

/// How relays are reached: directly, by an HTTP proxy's CONNECT, or by a SOCKS5 proxy.
enum class Proxy_Type : std::uint8_t { none, http, socks5 };

/// The proxy that all relays are reached through. With a user it authenticates: SOCKS5 by RFC 1929, HTTP by Basic.
/// Tor gives each user name a circuit of its own, whatever the password: hosts that must not be seen to belong together
/// use different ones.
struct Proxy {
    Proxy_Type type = Proxy_Type::none; ///< `none`: no proxy, and nothing else counts
    Ip_Port address;                    ///< of the proxy; IPv4 or IPv6
    std::string user = {};              ///< at most 255 bytes, for HTTP without a colon; empty: no authentication
    std::string password = {};          ///< at most 255 bytes; sent as it is, never logged nor told
};

/// What an HTTP proxy's status, or the code of a SOCKS5 proxy's reply, means, in a few words. Static; empty for one that
/// has no meaning.
TOXTCP_API const char *proxy_status_text(Proxy_Type type, std::uint16_t status);

// ---- handles and times -----------------------------------------------------------------------------------------

/// A handle (the number of a connection or of a relay) is a slot's index in the low 20 bits and the slot's generation in
/// the 11 bits above, so that a stale handle is refused and never means the slot's next tenant. A slot's first handle is
/// its plain index. A slot whose generations are used up is not used again.
inline constexpr std::uint32_t MAX_SLOTS = 1U << 20;
inline constexpr std::uint32_t MAX_GENERATIONS = 1U << 11; ///< tenants that one slot has at most

inline constexpr std::uint64_t NEVER = UINT64_MAX; ///< a deadline that does not come

/// What a public function answers when it did not do what it was asked. Functions that hand out a number answer
/// the number (0 or more) or one of these, which are all negative.
enum class [[nodiscard]] Error : int{
    ok = 0,
    bad_handle = -1,  ///< no such connection or relay, or no longer: the number is stale
    bad_key = -2,     ///< a null key; where a peer's is wanted, our own
    bad_address = -3, ///< neither IPv4 nor IPv6, or port 0
    empty = -4,       ///< there is nothing to send
    too_long = -5,    ///< more than one packet of this kind can carry
    full = -6,        ///< the socket, or the path to the relay, takes nothing more for now; nothing was sent, try later
    not_online = -7,  ///< nothing is connected that could carry this
    already = -8,     ///< it is so already: the peer has a connection, the relay is tied or known
    limit = -9,       ///< a named limit is reached: routes of a connection, slots of an array
    no_memory = -10,  ///< an allocation failed, nothing has changed
    bad_argument = -11 ///< any other argument out of its range
};

/// In a few words, for a log or a user. Static.
TOXTCP_API const char *to_string(Error error);

/// Why a relay's connection ended, or what changed about it. `none`: it never ended.
enum class Reason : std::uint8_t {
    none,
    killed,            ///< the host asked for it
    unused,            ///< of no use: more relays than wanted and no peer online through it
    asleep,            ///< all who use it sleep
    connect_failed,    ///< no socket, or the connection was refused
    connect_timeout,   ///< connect, proxy and handshake took more than 10 s
    proxy_refused,     ///< the proxy answered, and said no
    proxy_password,    ///< the proxy wants a user and a password, or others than it was given
    proxy_closed,      ///< the proxy closed the connection before it granted or refused
    proxy_malformed,   ///< the proxy's answer is not one
    handshake_failed,  ///< the handshake's answer does not open: a wrong key, or not a relay
    end_of_stream,     ///< the relay closed the connection
    reset,             ///< the socket failed
    ping_timeout,      ///< a ping stayed unanswered for 10 s
    bad_frame_length,  ///< a frame that is empty, cannot hold a packet, or is above the limit
    bad_seal,          ///< a frame that does not open
    bad_packet_type,   ///< a reserved type, or one that only clients send
    bad_packet_length, ///< a length that this packet type cannot have
    bad_routing_id,    ///< a notification for an id below 16
    bad_ping_id,       ///< a pong of id 0
    not_delivering,    ///< it carries nothing to a peer or from it, and another relay does
    network_changed,   ///< the host said that the network has changed
    stuck              ///< its socket was full, and took nothing for 5 s
};

/// In a few words, for a log or a user. Static.
TOXTCP_API const char *to_string(Reason reason);

} // namespace toxtcp
