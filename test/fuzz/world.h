// A host in memory and the relays behind it, small enough to be run a thousand times a second. The relays do as a relay
// should, until they are told otherwise; the fuzzer does the telling. What the client sends is opened and read, and what
// is sent to it is marked, so that whoever gets it knows whether it was meant for him.
#pragma once

#include <bitset>
#include <deque>
#include <optional>
#include <vector>

#include <toxtcp/host.h>
#include <toxtcp/tcp_connections.h>

#include "fuzz/fuzz.h"

namespace toxtcp {

inline constexpr std::size_t FUZZ_RELAYS = 8;
/// One more has a key that no relay can have.
inline constexpr std::size_t FUZZ_WEAK_RELAY = FUZZ_RELAYS;
inline constexpr std::size_t FUZZ_PEERS = 8;
inline constexpr std::uint8_t NO_PEER = 0xFF;
/// The first bytes of a payload: the peer that it is from (NO_PEER on a connection that is not honest), the socket and a
/// count, so that nothing comes twice.
inline constexpr std::size_t FUZZ_MARK = 7;

[[nodiscard]] const Secret_Key &fuzz_self_secret();
[[nodiscard]] const Public_Key &fuzz_self_key();
[[nodiscard]] const Public_Key &fuzz_relay_key(std::size_t relay);
[[nodiscard]] Ip_Port fuzz_relay_address(std::size_t relay);
[[nodiscard]] const Public_Key &fuzz_peer_key(std::size_t peer);

/// How a relay is. It may change at any time.
struct Fuzz_Relay {
    enum class Reach : std::uint8_t { open, silent, refused, no_socket };
    Reach reach = Reach::open; ///< of a connect to it
    bool answers_handshake = true;
    bool answers_routes = true;
    bool answers_pings = true;
    bool delivers = true;            ///< what the client sends; a peer that answers, answers
    std::bitset<FUZZ_PEERS> present; ///< peers that have asked for the client here
};

/// One connection, both ends of it.
struct Fuzz_Socket {
    enum class Stage : std::uint8_t { http, socks5_greeting, socks5_request, handshake, up };

    bool open = true;                ///< the client has not closed it
    std::size_t relay = FUZZ_RELAYS; ///< not known as long as a proxy has not been told
    Stage stage = Stage::handshake;
    bool honest = true; ///< nothing was said on it that a relay would not say
    bool lost = false;  ///< what the relay sends does not open any more
    Channel channel;
    std::uint64_t ping_id = 0;
    std::array<std::uint8_t, MAX_ROUTES> peers; ///< asked for, by routing id
    std::bitset<MAX_ROUTES> online;             ///< and the client was told so
    std::deque<std::uint8_t> unanswered;        ///< requests that were not answered
    std::uint32_t sent = 0;                     ///< payloads
    std::uint32_t seen = 0;                     ///< the last that arrived

    std::vector<std::uint8_t> coming; ///< to the client
    std::vector<std::uint8_t> came;   ///< from it
    std::size_t room = SIZE_MAX;      ///< that it takes
    bool ended = false;               ///< after `coming`
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
    std::bitset<FUZZ_PEERS> answers; ///< these peers answer all that they get
    std::deque<Fuzz_Socket> sockets; ///< by number, which no other gets; they do not move
    std::uint32_t turn = 0;          ///< where readiness begins
    std::uint32_t connects = 0;
    /// Told before and after each call of the host, in which the library does not run.
    void (*outside)(bool begins) = nullptr;

    [[nodiscard]] std::size_t open_sockets() const;
};

/// Borrows the world. Without readiness, the host has none of the three functions for it.
[[nodiscard]] Host fuzz_host(Fuzz_World &world, bool readiness);

/// The n-th open socket, counted from the newest and round again; null when there is none.
[[nodiscard]] Fuzz_Socket *fuzz_socket(Fuzz_World &world, std::size_t n);

// ---- what relays say. All of it is nothing on a connection that is not as far.

/// Sealed plain bytes of any kind. It is for the caller to say whether this was honest.
void fuzz_say(Fuzz_Socket &socket, Bytes plain);
void fuzz_say(Fuzz_Socket &socket, const Packet &packet);
/// Bytes as they are.
void fuzz_say_raw(Fuzz_Socket &socket, Bytes bytes);
/// Answers the handshake that is waiting.
void fuzz_answer_handshake(Fuzz_World &world, Fuzz_Socket &socket);
/// Answers the oldest routing request that was not.
void fuzz_answer_route(Fuzz_World &world, Fuzz_Socket &socket);
/// A peer comes or goes at a relay, which tells the client everywhere.
void fuzz_set_present(Fuzz_World &world, std::size_t relay, std::size_t peer, bool present);
/// Data from whoever has this routing id, if he is online there. False when nobody is.
bool fuzz_say_data(Fuzz_World &world, Fuzz_Socket &socket, std::uint8_t id, std::size_t size);
void fuzz_say_oob(Fuzz_World &world, Fuzz_Socket &socket, std::size_t peer, std::size_t size);

/// The client has got this payload. Checks that it is one, that it is from `peer`, and that it was not here before.
void fuzz_got(Fuzz_World &world, std::size_t peer, Bytes payload);

} // namespace toxtcp
