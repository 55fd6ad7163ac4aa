// A Tox TCP relay (the server): it gets bytes and times, and returns bytes. It has no socket and no clock, so that
// `toxtcp relay` runs it on real sockets and tests run it on simulated ones. It has no DHT: it carries data over routes
// and OOB packets, and ignores onion and forwarding requests.
#pragma once

#include <functional>
#include <unordered_map>
#include <vector>

#include <toxtcp/wire.h>

namespace toxtcp {

// ---- limits ----------------------------------------------------------------------------------------------------

/// A client that has not sent its handshake request after this time is dropped (protocol: 10 s).
inline constexpr std::uint64_t RELAY_SERVER_HANDSHAKE_TIMEOUT_MS = 10'000;
/// Time from one ping of a client to the next (protocol: 30 s), and time for its answer (protocol: 10 s).
inline constexpr std::uint64_t RELAY_SERVER_PING_INTERVAL_MS = 30'000;
inline constexpr std::uint64_t RELAY_SERVER_PING_TIMEOUT_MS = 10'000;

inline constexpr std::size_t RELAY_SERVER_MAX_CLIENTS = 1'000;
/// Bytes in a client's queue above which data and OOB packets for this client are dropped. More than the 64 KiB that
/// the owner reads at once, so that a burst is not dropped before the client's socket was tried.
inline constexpr std::size_t RELAY_SERVER_DATA_QUEUE = std::size_t{128} * 1024;
/// Bytes in a client's queue above which the client is dropped. Only control packets can fill the queue this far, and
/// only if the client does not read. So a queue holds at most this and one frame.
inline constexpr std::size_t RELAY_SERVER_QUEUE = std::size_t{192} * 1024;

// ---- the server ------------------------------------------------------------------------------------------------

/// The settings of a server.
struct Relay_Server_Def {
    Secret_Key secret_key; ///< long-term
    Random random;         ///< with the same input and random bytes, the server does the same
    std::size_t max_clients = RELAY_SERVER_MAX_CLIENTS;
    std::size_t data_queue = RELAY_SERVER_DATA_QUEUE; ///< bytes
    std::size_t queue = RELAY_SERVER_QUEUE;           ///< bytes
};

/// Makes a relay misbehave. Each function decides over one event: on false, the event is dropped. With none set the
/// relay is honest. The functions must not call anything that changes the server.
struct Relay_Faults {
    /// A handshake request of this client came. If dropped, it is never answered.
    std::function<bool(int client)> handshake;
    /// A well-formed packet came from the client with this key. If dropped, it has no effect.
    std::function<bool(int client, const Public_Key &key, const Packet &packet)> receive;
    /// A packet is about to be sealed for the client with this key. If dropped, it is not sent, but the server
    /// continues as if it had been sent.
    std::function<bool(int client, const Public_Key &key, const Packet &packet)> send;
};

enum class Relay_Server_Phase : std::uint8_t {
    free,        ///< the handle is not in use
    handshake,   ///< waiting for the handshake request
    unconfirmed, ///< answered the request; it may be a replay, so the key is not trusted yet
    confirmed,   ///< a packet opened, so the client has the secret key
    dropped      ///< the server ignores it; the owner is to close the connection
};

/// The route for one peer that a client has requested. Its index in `routes` is the routing id minus FIRST_ROUTING_ID.
struct Relay_Server_Route {
    bool used = false;
    Public_Key peer{};
    int peer_client = -1;           ///< the peer's client handle while the route is online, else -1
    std::uint8_t peer_route_id = 0; ///< the routing id by which that peer names this client
};

/// The hash is the first 8 bytes. An attacker can choose keys that collide, and so slow down a table; but a table has
/// at most 240 routes or `max_clients` clients.
struct Relay_Server_Key_Hash {
    std::size_t operator()(const Public_Key &key) const noexcept;
};

struct Relay_Server_Client {
    Relay_Server_Phase phase = Relay_Server_Phase::free;
    Reason reason = Reason::none; ///< why the client was dropped
    bool changed = false;         ///< the client is in the server's `changed`

    Public_Key key{};
    Channel channel;
    std::uint64_t started = 0; ///< ms, when the connection was accepted
    std::uint64_t pinged = 0;  ///< ms, when the last ping was sent; before the first: when the handshake ended
    std::uint64_t ping_id = 0; ///< id of the ping that is not answered yet; 0: none

    std::vector<Relay_Server_Route> routes;
    std::unordered_map<Public_Key, std::uint8_t, Relay_Server_Key_Hash> routing_ids; ///< peer's key -> routing id

    std::size_t in_size = 0;                       ///< bytes in `in`
    std::array<std::uint8_t, MAX_FRAME_SIZE> in{}; ///< a handshake request or frame that is not complete yet
    std::vector<std::uint8_t> out;                 ///< the queue to the client; bytes before `out_begin` have been sent
    std::size_t out_begin = 0;
};

struct Relay_Server {
    Relay_Server_Def def;
    Public_Key public_key{};
    Relay_Faults faults; ///< may be set at any time

    std::vector<Relay_Server_Client> clients;                             ///< by handle
    std::unordered_map<Public_Key, int, Relay_Server_Key_Hash> confirmed; ///< key -> handle
    std::vector<int> free;                                                ///< handles that can be used again
    std::vector<int> changed;                                             ///< handles, see relay_server_changed
    std::vector<int> unannounced;        ///< dropped clients whose peers are not told yet
    std::uint64_t deadline = UINT64_MAX; ///< ms; no client's deadline is earlier
};

void relay_server_start(Relay_Server &server, const Relay_Server_Def &def);

/// Takes a new connection. Returns its handle, which is valid until `relay_server_close`; -1 when there are too many
/// clients.
[[nodiscard]] int relay_server_accept(Relay_Server &server, std::uint64_t now);

/// To be called when the connection has ended, or when the owner ends the connection. Tells the client's peers, and
/// frees the handle. A handle that is not in use is ignored.
void relay_server_close(Relay_Server &server, int client);

/// Takes bytes from the client. False when the client has been dropped, and its connection must be closed.
[[nodiscard]] bool relay_server_receive(Relay_Server &server, int client, Bytes bytes, std::uint64_t now);

/// The bytes to be sent to the client; valid until the next call that changes the server. Empty for a dropped client.
[[nodiscard]] Bytes relay_server_pending(const Relay_Server &server, int client);

/// Tells the server that `count` of the pending bytes were sent.
void relay_server_sent(Relay_Server &server, int client, std::size_t count);

/// Takes the next client from the list of those that the owner has to serve: a client with new pending bytes, or one
/// that has been dropped. -1 when the list is empty. A client is listed again after its next change.
[[nodiscard]] int relay_server_changed(Relay_Server &server);

/// Whether the client has been dropped, so that its connection is to be closed.
[[nodiscard]] bool relay_server_dropped(const Relay_Server &server, int client);

/// Does what is due: pings clients, and drops those that have timed out.
void relay_server_tick(Relay_Server &server, std::uint64_t now);

/// When the next tick is due, ms; UINT64_MAX: never. It may be too early, but never too late.
[[nodiscard]] std::uint64_t relay_server_deadline(const Relay_Server &server);

// ---- for tests: to observe it, or make it misbehave ------------------------------------------------------------

/// The handle of the confirmed client with this key, or -1.
[[nodiscard]] int relay_server_find(const Relay_Server &server, const Public_Key &key);

/// How many clients are confirmed.
[[nodiscard]] std::size_t relay_server_clients(const Relay_Server &server);

/// Drops a client as if it had misbehaved.
void relay_server_drop(Relay_Server &server, int client, Reason reason);

/// Seals 1 to MAX_PLAIN_SIZE plain bytes, which need not be a valid packet, and queues the frame. The queue's limits do
/// not apply. False when there are too many bytes or none, or when the client's handshake is not done.
[[nodiscard]] bool relay_server_inject(Relay_Server &server, int client, Bytes plain);

/// Queues bytes as they are, between two frames. False when the client is dropped or free.
[[nodiscard]] bool relay_server_inject_raw(Relay_Server &server, int client, Bytes bytes);

} // namespace toxtcp
