/// @file
/// Connections to Tox peers through TCP relays. Each peer is reached over several relays at once, so that the end of
/// one relay interrupts nothing. toxcore calls this layer TCP_connection; functions have toxcore's names where it has
/// them.
///
/// All work happens on the caller's thread: in `do_tcp_connections`, or at once in the function that was called.
/// Callbacks come from within `do_tcp_connections` only. A callback may call any function here, `kill_...` included.
///
/// This header has what a host calls. What a host can observe (states, counters, changes, a JSON snapshot) is in
/// observe.h.
#pragma once

#include <toxtcp/host.h>
#include <toxtcp/wire.h>

/// All of the library.
namespace toxtcp {

/// All relays, and all connections to peers through them. Opaque. `new_tcp_connections` makes it.
struct Tcp_Connections;

/// One change of a relay or of a connection. Defined in observe.h.
struct Change;

// ---- limits ----------------------------------------------------------------------------------------------------

inline constexpr std::size_t MAX_FRIEND_TCP_CONNECTIONS = 6;         ///< relays tied to one connection, at most
inline constexpr std::size_t RECOMMENDED_FRIEND_TCP_CONNECTIONS = 3; ///< relays that a connection uses, if it can
inline constexpr std::size_t NUM_ONION_TCP_CONNECTIONS = 3;          ///< relays that carry onion packets

// ---- making and ending -----------------------------------------------------------------------------------------

/// Functions that `do_tcp_connections` calls. Each may be null. Spans and keys are valid during the call only.
/// `object` is passed to every function, and so is the `userdata` that the tick was called with.
struct Callbacks {
    void *object = nullptr; ///< passed to each function; owned by the host
    /// A packet from the peer of the connection that was made with `id`: data, or OOB over a relay that is tied to
    /// the connection. The relay names the sender, and may lie. Return true only if the packet opened with a key that
    /// nobody but the peer has. Such packets prove that the relay delivers, and the library treats their absence as a
    /// fault. A host that cannot tell sets `proves_packets` of Tcp_Connections_Def to false.
    bool (*data)(void *object, int id, Bytes packet, void *userdata) = nullptr;
    /// An OOB packet from any other sender. `relay` is the handle of the relay that it came over, and can be given to
    /// `add_tcp_number_relay_connection`.
    void (*oob)(void *object, const Public_Key &sender, int relay, Bytes packet, void *userdata) = nullptr;
    /// An onion response.
    void (*onion)(void *object, Bytes packet, void *userdata) = nullptr;
    /// A forwarded packet.
    void (*forwarding)(void *object, Bytes packet, void *userdata) = nullptr;
    /// A relay or a connection changed (observe.h).
    void (*change)(void *object, const Change &change, void *userdata) = nullptr;
};

/// How much power is spent for a shorter interruption.
enum class Profile : std::uint8_t {
    responsive, ///< keeps 3 idle relays; traffic leaves a hung relay within 2 s
    saver ///< keeps 1 idle relay, closes an unused one after 5 s, not 10 s; traffic leaves a hung relay within 3 s
};

/// What `new_tcp_connections` needs.
struct Tcp_Connections_Def {
    Secret_Key secret_key;                 ///< the host's DHT secret key; peers and relays know its public key
    Proxy proxy;                           ///< all relays are reached through this proxy
    const Host *host = nullptr;            ///< borrowed; must outlive the object. Null: the library makes a system host
    Callbacks callbacks;                   ///< copied
    Profile profile = Profile::responsive; ///< power against length of an interruption
    bool answer_echoes = true;             ///< false: the host's own net_crypto answers the echoes of peers
    /// False: `data` never returns true, since the host cannot tell who made a packet. The library then relies on its
    /// echoes alone. It detects a relay that passes echoes and drops data only if the peer has this library and says so.
    bool proves_packets = true;
};

/// Null when memory or sockets cannot be had, when the proxy is invalid, or when the host lacks a function that it must
/// have.
[[nodiscard]] TOXTCP_API Tcp_Connections *new_tcp_connections(const Tcp_Connections_Def &def);

/// Closes all sockets without telling any peer, and wipes all keys. `c` may be null. From within a callback the
/// object is freed when the tick returns.
TOXTCP_API void kill_tcp_connections(Tcp_Connections *c);

/// Replaces all callbacks.
TOXTCP_API void set_callbacks(Tcp_Connections *c, const Callbacks &callbacks);

// ---- the tick --------------------------------------------------------------------------------------------------

/// Reads what has arrived, does what is due, and calls the callbacks with `userdata`. Costs one system call when
/// there is nothing to do. Call it when `tcp_connections_wait` returns; or when `tcp_connections_descriptor` is
/// readable and when the time of `tcp_connections_deadline` has come; or at fixed intervals, as toxcore does.
TOXTCP_API void do_tcp_connections(Tcp_Connections *c, void *userdata);

/// Waits until the tick has something to do (returns true), or until `milliseconds` have passed (returns false; -1:
/// no limit). Works on every system. A signal ends the wait early. Returns false at once from within a callback, and
/// when the host has no `wait`.
TOXTCP_API bool tcp_connections_wait(const Tcp_Connections *c, int milliseconds);

/// The time when the tick has something to do even if nothing arrives: ms on the host's clock, or NEVER.
[[nodiscard]] TOXTCP_API std::uint64_t tcp_connections_deadline(const Tcp_Connections *c);

/// The time until `tcp_connections_deadline`, in the form that `poll` takes: ms, 0 when it has come, -1 for never.
[[nodiscard]] TOXTCP_API int tcp_connections_timeout(const Tcp_Connections *c);

/// A file descriptor for the host's own `poll`: readable when the tick can read or write. -1 when the host has none.
/// The system's host has one on Linux only.
[[nodiscard]] TOXTCP_API int tcp_connections_descriptor(const Tcp_Connections *c);

/// The machine has changed its network (a phone left its Wi-Fi), or has woken from sleep. Every relay is checked or
/// connected again at once; first those that were in use, and among these those that most peers use.
TOXTCP_API void tcp_connections_network_changed(Tcp_Connections *c);

/// Whether relays stay connected that no peer uses, so that peers can find this client through them. True at first.
TOXTCP_API void tcp_connections_keep_idle_relays(Tcp_Connections *c, bool keep);

/// The public key of this client.
[[nodiscard]] TOXTCP_API const Public_Key &tcp_connections_public_key(const Tcp_Connections *c);

// ---- peers -----------------------------------------------------------------------------------------------------

/// Makes a connection to the peer with this DHT public key, and returns its handle. The callbacks get `id` with the
/// peer's packets. `already`: there is a connection to this peer. `bad_key`: a null key, or the key of this client.
[[nodiscard]] TOXTCP_API int new_tcp_connection_to(Tcp_Connections *c, const Public_Key &public_key, int id);

/// Ends a connection, and tells every relay that is tied to it.
TOXTCP_API Error kill_tcp_connection_to(Tcp_Connections *c, int connection);

/// `awake` false puts a connection to sleep: its relays are remembered, and those that only sleeping connections need
/// are disconnected. True wakes it. `already`: nothing to change.
TOXTCP_API Error set_tcp_connection_to_status(Tcp_Connections *c, int connection, bool awake);

/// The handle of the connection to this peer, or `bad_key`.
[[nodiscard]] TOXTCP_API int tcp_connection_to(const Tcp_Connections *c, const Public_Key &public_key);

/// How many relays of this connection the peer is online at. 0 for an invalid handle.
[[nodiscard]] TOXTCP_API std::uint32_t tcp_connection_to_online_tcp_relays(const Tcp_Connections *c, int connection);

// ---- relays ----------------------------------------------------------------------------------------------------

/// Ties a relay to a connection, and connects to the relay if it is new. `already`: it is tied. `limit`: six relays are
/// tied and none of them is away, or the relay is new and the peer is online at three others. While nothing gets through
/// to the peer, relays at which it is online do not count, and give way. If the relay sleeps and the connection needs
/// it, it is connected again.
/// A relay that is named again with another address keeps both, up to eight; with `limit` the address is not kept. If
/// the relay is not connected, the new address is tried at once, but only one in ten minutes, and the others in turn.
/// The address where the relay was connected last stays, and every second attempt goes there.
TOXTCP_API Error add_tcp_relay_connection(Tcp_Connections *c, int connection, const Ip_Port &address,
                                          const Public_Key &relay_key);

/// The same for a relay with a host name that the proxy resolves; with Tor this can be an onion address. `host` is
/// copied. `bad_address`: there is no proxy, or the name is not valid (1 to 255 letters, digits, hyphens, underscores
/// and dots).
TOXTCP_API Error add_tcp_relay_connection_by_name(Tcp_Connections *c, int connection, const std::string &host,
                                                  std::uint16_t port, const Public_Key &relay_key);

/// The same for a known relay, by its handle. OOB packets come with one.
TOXTCP_API Error add_tcp_number_relay_connection(Tcp_Connections *c, int connection, int relay);

/// Connects to a relay without tying it to a connection. `already`: the relay is known.
TOXTCP_API Error add_tcp_relay_global(Tcp_Connections *c, const Ip_Port &address, const Public_Key &relay_key);

/// The same for a relay with a host name (see `add_tcp_relay_connection_by_name`).
TOXTCP_API Error add_tcp_relay_global_by_name(Tcp_Connections *c, const std::string &host, std::uint16_t port,
                                              const Public_Key &relay_key);

/// Disconnects a relay, and unties it from every connection.
TOXTCP_API Error kill_tcp_relay_connection(Tcp_Connections *c, int relay);

/// The handle of the relay with this key, or `bad_key`.
[[nodiscard]] TOXTCP_API int tcp_relay(const Tcp_Connections *c, const Public_Key &relay_key);

/// Length of the array of relays, unused slots included.
[[nodiscard]] TOXTCP_API std::uint32_t tcp_connections_count(const Tcp_Connections *c);

/// How many relays are connected now.
[[nodiscard]] TOXTCP_API std::uint32_t tcp_connected_relays_count(const Tcp_Connections *c);

/// The handle of the relay in slot `index` (below `tcp_connections_count`), or `bad_handle` for an unused slot.
[[nodiscard]] TOXTCP_API int tcp_relay_at(const Tcp_Connections *c, std::uint32_t index);

/// A relay, in the form that other clients may be told of it.
struct Node {
    Public_Key public_key; ///< the relay's
    Ip_Port address;       ///< the address that this client is connected to
};

/// Copies connected relays into `nodes`, from a random slot on. Returns how many were copied.
TOXTCP_API std::size_t tcp_copy_connected_relays(const Tcp_Connections *c, std::span<Node> nodes);

/// The same from slot `index` on, modulo the length of the array.
TOXTCP_API std::size_t tcp_copy_connected_relays_index(const Tcp_Connections *c, std::span<Node> nodes,
                                                       std::uint32_t index);

/// The address of a random connected relay. False when there is none.
[[nodiscard]] TOXTCP_API bool tcp_get_random_conn_ip_port(const Tcp_Connections *c, Ip_Port &address);

// ---- sending ---------------------------------------------------------------------------------------------------

/// Sends 1 to MAX_DATA_SIZE bytes to the peer at once, over the route in use.
/// `full`: the socket to that relay takes nothing more now; or the packet has more than 512 bytes and the path to the
/// relay holds nothing more (Host::acknowledged). Nothing was sent, so that packets of a stream stay in order;
/// `tcp_connections_wait` returns when there may be room. When the socket has taken nothing for 250 ms, the next
/// packet goes over another route.
/// If the peer is online at no relay, the packet goes as OOB (MAX_OOB_DATA_SIZE bytes at most) over every relay that
/// was asked for a route to the peer.
TOXTCP_API Error send_packet_tcp_connection(Tcp_Connections *c, int connection, Bytes packet);

/// The same for many packets, with as few system calls as possible. Returns how many were sent, counted from the
/// first; if none was, an Error.
[[nodiscard]] TOXTCP_API int send_packets_tcp_connection(Tcp_Connections *c, int connection,
                                                         std::span<const Bytes> packets);

/// Sends 1 to MAX_OOB_DATA_SIZE bytes to any client that is connected to this relay. `bad_key`: a null key.
TOXTCP_API Error tcp_send_oob_packet(Tcp_Connections *c, int relay, const Public_Key &public_key, Bytes packet);
/// The same, with the relay named by its key.
TOXTCP_API Error tcp_send_oob_packet_using_relay(Tcp_Connections *c, const Public_Key &relay_key,
                                                 const Public_Key &public_key, Bytes packet);

// ---- onion and forwarding --------------------------------------------------------------------------------------

/// True keeps three relays connected for onion packets. False no longer does. `already`: nothing to change.
TOXTCP_API Error set_tcp_onion_status(Tcp_Connections *c, bool status);

/// The handle of a random relay that is kept for onion packets, or `not_online`.
[[nodiscard]] TOXTCP_API int get_random_tcp_onion_conn_number(const Tcp_Connections *c);

/// Sends an onion request (nonce and payload, 1 to MAX_ONION_SIZE bytes) over this relay.
TOXTCP_API Error tcp_send_onion_request(Tcp_Connections *c, int relay, Bytes packet);

/// Asks the relay to forward data to a DHT node. `chain`: 0 to 4 nodes, by key, that forward it in between.
TOXTCP_API Error tcp_send_forward_request(Tcp_Connections *c, int relay, const Ip_Port &dht_node,
                                          std::span<const Public_Key> chain, Bytes data);

} // namespace toxtcp
