// A host in memory and the relays behind it, small enough to be run a thousand times a second. The relays are honest
// until the fuzzer changes them. What the client sends is opened and checked. A payload that is sent to the client has
// a mark, so that its receiver can check where it comes from.
#pragma once

#include <bitset>
#include <deque>
#include <optional>
#include <vector>

#include <toxtcp/host.h>
#include <toxtcp/observe.h>

#include "fuzz/fuzz.h"

namespace toxtcp {

inline constexpr std::size_t FUZZ_RELAYS = 8;
/// The index of one more relay, whose key is weak.
inline constexpr std::size_t FUZZ_WEAK_RELAY = FUZZ_RELAYS;
inline constexpr std::size_t FUZZ_PEERS = 8;
inline constexpr std::uint8_t NO_PEER = 0xFF;
/// Size of the mark at the front of a payload: the peer that it is from (NO_PEER on a connection that is not honest),
/// the socket, and a count that shows when a payload comes twice.
inline constexpr std::size_t FUZZ_MARK = 7;

[[nodiscard]] const Secret_Key &fuzz_self_secret();
[[nodiscard]] const Public_Key &fuzz_self_key();
[[nodiscard]] const Public_Key &fuzz_relay_key(std::size_t relay);
[[nodiscard]] Ip_Port fuzz_relay_address(std::size_t relay);
[[nodiscard]] const Public_Key &fuzz_peer_key(std::size_t peer);

/// How a relay behaves. That may change at any time.
struct Fuzz_Relay {
    enum class Reach : std::uint8_t { open, silent, refused, no_socket };
    Reach reach = Reach::open; ///< how a connect to it ends
    bool answers_handshake = true;
    bool answers_routes = true;
    bool answers_pings = true;
    bool delivers = true;            ///< the client's data reaches the peers; those in `answers` answer
    std::bitset<FUZZ_PEERS> present; ///< peers that have requested the client here
};

/// One connection, both ends of it.
struct Fuzz_Socket {
    enum class Stage : std::uint8_t { http, socks5_greeting, socks5_request, handshake, up };

    bool open = true;                ///< the client has not closed it
    std::size_t relay = FUZZ_RELAYS; ///< FUZZ_RELAYS: not known, until the proxy is told
    Stage stage = Stage::handshake;
    bool honest = true; ///< the relay has sent only what an honest relay sends
    bool lost = false;  ///< what the relay sends does not open any more
    Channel channel;
    std::uint64_t ping_id = 0;
    std::array<std::uint8_t, MAX_ROUTES> peers; ///< requested, by routing id less 16; NO_PEER: none
    std::bitset<MAX_ROUTES> online;             ///< the client was told that the peer is online
    std::deque<std::uint8_t> unanswered;        ///< peers whose routing requests wait for an answer
    std::uint32_t sent = 0;                     ///< the count in the last payload sent
    std::uint32_t seen = 0;                     ///< the count in the last payload that arrived

    std::vector<std::uint8_t> coming; ///< bytes on their way to the client
    std::vector<std::uint8_t> came;   ///< bytes of the client that the relay has not read yet
    std::size_t room = SIZE_MAX;      ///< bytes that the socket still takes
    bool ended = false;               ///< the relay has closed the connection, after `coming`
    bool failed = false;

    std::uint32_t tag = 0;
    bool watched = false;
    bool writing = false;
};

struct Fuzz_World {
    Fuzz_Random random;
    std::uint64_t now = 1'000;
    Proxy_Type proxy = Proxy_Type::none;
    std::array<Fuzz_Relay, FUZZ_RELAYS> relays;
    std::bitset<FUZZ_PEERS> answers; ///< these peers answer all data that they get
    std::deque<Fuzz_Socket> sockets; ///< by number, which is never used again; they do not move
    std::uint32_t turn = 0;          ///< the socket with which `host_ready` begins
    std::uint32_t connects = 0;
    /// Called at the beginning and the end of each function of the host, in which the library does not run.
    void (*outside)(bool begins) = nullptr;

    [[nodiscard]] std::size_t open_sockets() const;
};

/// Borrows the world. Without `readiness` the host has no `watch`, `ready` and `descriptor`.
[[nodiscard]] Host fuzz_host(Fuzz_World &world, bool readiness);

/// The n-th open socket, counted from the newest and round again; null when there is none.
[[nodiscard]] Fuzz_Socket *fuzz_socket(Fuzz_World &world, std::size_t n);

// ---- what relays send. On a connection that has not come so far these functions do nothing.

/// Seals and sends any plain bytes. The caller changes `honest` where these are not honest.
void fuzz_say(Fuzz_Socket &socket, Bytes plain);
void fuzz_say(Fuzz_Socket &socket, const Packet &packet);
/// Sends bytes as they are.
void fuzz_say_raw(Fuzz_Socket &socket, Bytes bytes);
/// Answers the handshake request that waits.
void fuzz_answer_handshake(Fuzz_World &world, Fuzz_Socket &socket);
/// Answers the oldest routing request that waits.
void fuzz_answer_route(Fuzz_World &world, Fuzz_Socket &socket);
/// A peer comes or goes at a relay. The relay notifies the client on each of its connections.
void fuzz_set_present(Fuzz_World &world, std::size_t relay, std::size_t peer, bool present);
/// Sends data from the peer that has this routing id. False when no such peer is online.
bool fuzz_say_data(Fuzz_World &world, Fuzz_Socket &socket, std::uint8_t id, std::size_t size);
void fuzz_say_oob(Fuzz_World &world, Fuzz_Socket &socket, std::size_t peer, std::size_t size);

/// The client has received this payload. Checks that it has a mark, is from `peer`, and has not come before.
void fuzz_got(Fuzz_World &world, std::size_t peer, Bytes payload);

} // namespace toxtcp
