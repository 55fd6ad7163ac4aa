// A Tox TCP relay, the server's side: bytes and time in, bytes out. No socket and no clock, so that `toxtcp relay`
// runs it on real sockets and tests run it on simulated ones. A relay without a DHT: it routes and carries OOB packets,
// and ignores onion and forwarding requests.
#pragma once

#include <functional>
#include <unordered_map>
#include <vector>

#include <toxtcp/wire.h>

namespace toxtcp {

// ---- limits ----------------------------------------------------------------------------------------------------

/// A client that has not finished its handshake after this long goes (protocol: 10 s).
inline constexpr std::uint64_t RELAY_SERVER_HANDSHAKE_TIMEOUT_MS = 10'000;
/// A client is pinged this often (protocol: 30 s), and has this long to answer (protocol: 10 s).
inline constexpr std::uint64_t RELAY_SERVER_PING_INTERVAL_MS = 30'000;
inline constexpr std::uint64_t RELAY_SERVER_PING_TIMEOUT_MS = 10'000;

inline constexpr std::size_t RELAY_SERVER_MAX_CLIENTS = 1'000;
/// With more than this waiting for a client, data and OOB packets for it are dropped. Above the 64 KiB that an owner
/// reads in one go, so that a burst which the client's socket could take is not lost before it is tried.
inline constexpr std::size_t RELAY_SERVER_DATA_QUEUE = std::size_t{128} * 1024;
/// With more than this waiting, which only control packets can bring about, the client does not read: it goes. So this
/// and one frame is the most memory that a client's queue takes.
inline constexpr std::size_t RELAY_SERVER_QUEUE = std::size_t{192} * 1024;

// ---- the server ------------------------------------------------------------------------------------------------

/// What a server is made of.
struct Relay_Server_Def {
    Secret_Key secret_key; ///< long-term
    Random random;         ///< the server's doings depend on nothing but its input and this
    std::size_t max_clients = RELAY_SERVER_MAX_CLIENTS;
    std::size_t data_queue = RELAY_SERVER_DATA_QUEUE; ///< bytes
    std::size_t queue = RELAY_SERVER_QUEUE;           ///< bytes
};

/// How a relay can be made to misbehave. Each decides over one event, false drops it; none set: an honest relay. They
/// must not call anything that changes the server.
struct Relay_Faults {
    /// A handshake request of this client came. Dropped: it is never answered.
    std::function<bool(int client)> handshake;
    /// A well-formed packet came from the client of this key. Dropped: it has no effect.
    std::function<bool(int client, const Public_Key &key, const Packet &packet)> receive;
    /// A packet is about to be sealed for the client of this key. Dropped: it is not, while the server believes it is.
    std::function<bool(int client, const Public_Key &key, const Packet &packet)> send;
};

enum class Relay_Server_Phase : std::uint8_t {
    free,        ///< the handle is nobody's
    handshake,   ///< waiting for the request
    unconfirmed, ///< answered; whoever sent the request may have replayed it, so the key is not believed yet
    confirmed,   ///< a packet opened: it is who it says
    dropped      ///< out of the server; its owner is to close the connection
};

/// One peer that a client has asked for; its place in `routes` is the routing id less FIRST_ROUTING_ID.
struct Relay_Server_Route {
    bool used = false;
    Public_Key peer{};
    int other = -1;            ///< the peer's client handle while the route is online, else -1
    std::uint8_t other_id = 0; ///< and its routing id for us
};

/// The 8 first bytes. Whoever picks keys that collide slows down a table of 240 routes or of `max_clients` clients.
struct Relay_Server_Key_Hash {
    std::size_t operator()(const Public_Key &key) const noexcept;
};

struct Relay_Server_Client {
    Relay_Server_Phase phase = Relay_Server_Phase::free;
    Reason reason = Reason::none; ///< why it was dropped
    bool changed = false;         ///< it is in the server's `changed`

    Public_Key key{};
    Channel channel;
    std::uint64_t started = 0; ///< ms, accepted
    std::uint64_t pinged = 0;  ///< ms, last ping; before the first: the handshake's end
    std::uint64_t ping_id = 0; ///< of the ping that is out, 0 for none

    std::vector<Relay_Server_Route> routes;
    std::unordered_map<Public_Key, std::uint8_t, Relay_Server_Key_Hash> routing_ids; ///< of `routes`

    std::size_t in_size = 0; ///< bytes of a handshake request or frame that is not complete
    std::array<std::uint8_t, MAX_FRAME_SIZE> in{};
    std::vector<std::uint8_t> out; ///< what is still to be sent begins at `out_begin`
    std::size_t out_begin = 0;
};

struct Relay_Server {
    Relay_Server_Def def;
    Public_Key public_key{};
    Relay_Faults faults; ///< set at any time

    std::vector<Relay_Server_Client> clients;                             ///< by handle
    std::unordered_map<Public_Key, int, Relay_Server_Key_Hash> confirmed; ///< key -> handle
    std::vector<int> free;                                                ///< handles to be used again
    std::vector<int> changed;                                             ///< handles, see relay_server_changed
    std::vector<int> leaving;                                             ///< just dropped, the others not told yet
    std::uint64_t deadline = UINT64_MAX;                                  ///< no client's is earlier
};

void relay_server_start(Relay_Server &server, const Relay_Server_Def &def);

/// A connection came. Its handle, the owner's until `relay_server_close`; -1 when there are too many.
[[nodiscard]] int relay_server_accept(Relay_Server &server, std::uint64_t now);

/// The connection has ended, or the owner ends it: the peers are told, the handle is free. A handle that is nobody's
/// is let be.
void relay_server_close(Relay_Server &server, int client);

/// Bytes came from the client. False when it has been dropped and must be closed.
[[nodiscard]] bool relay_server_receive(Relay_Server &server, int client, Bytes bytes, std::uint64_t now);

/// What is to be sent to the client; valid until the next call that changes the server. Nothing for a dropped one.
[[nodiscard]] Bytes relay_server_pending(const Relay_Server &server, int client);

/// That much of it was sent.
void relay_server_sent(Relay_Server &server, int client, std::size_t count);

/// The next client that the owner has something to do for: bytes are pending, or it has been dropped. Each once for
/// every time that this came about; -1 when there is none.
[[nodiscard]] int relay_server_changed(Relay_Server &server);

/// Whether the client is to be closed.
[[nodiscard]] bool relay_server_dropped(const Relay_Server &server, int client);

/// Does what is due: pings, and drops who has timed out.
void relay_server_tick(Relay_Server &server, std::uint64_t now);

/// When the tick has something to do, in ms; never too late, at times too early. UINT64_MAX for never.
[[nodiscard]] std::uint64_t relay_server_deadline(const Relay_Server &server);

// ---- for those who watch it, or make it misbehave --------------------------------------------------------------

/// The handle of the confirmed client with this key, or -1.
[[nodiscard]] int relay_server_find(const Relay_Server &server, const Public_Key &key);

/// How many clients are confirmed.
[[nodiscard]] std::size_t relay_server_clients(const Relay_Server &server);

/// Drops a client as though it had misbehaved.
void relay_server_drop(Relay_Server &server, int client, Reason reason);

/// Seals any 1 to MAX_PLAIN_SIZE plain bytes, of any type and sense, and queues them, with no limit. False when they
/// are too many, or the client's handshake is not done.
[[nodiscard]] bool relay_server_inject(Relay_Server &server, int client, Bytes plain);

/// Queues bytes as they are, between two frames. False when the client is dropped or free.
[[nodiscard]] bool relay_server_inject_raw(Relay_Server &server, int client, Bytes bytes);

} // namespace toxtcp
