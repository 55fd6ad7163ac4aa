// Delivery: does the route in use carry our packets to the peer, and do the peer's reach us?
//
// Rule: only the peer can prove it: by a packet that the layer above could open, or by the answer to an echo.
//   - Silence: data was sent and the peer is not heard for `patience` (300 ms; twice the pauses that the peer is known to
//     make, up to 2 s). An echo goes over all usable routes at once and says "I do not hear you". It is repeated, ever
//     more rarely, while data is sent and the peer stays unheard.
//   - Another route answers and the route in use does not, within twice its round trip: traffic moves to the one that
//     answered first.
//   - The peer says that it does not hear us, though we send: the routes are checked by echoes. Where that shows nothing
//     (echoes pass and data does not, or the peer answers none) and the peer says so again, traffic rotates.
//   - A peer without this library never says so. When it is silent for 3 s traffic rotates too, through all usable
//     routes, for ever. Each full round doubles the patience, up to a minute. A rotation is no verdict.
//   - A route that came online is verified once there is something to send. While data flows, the route in use is verified
//     every 2 s and all of them every 30 s. A link that we load ourselves is not: its queue would only make an echo late.
//   - No echo is sent while the connection is idle, nor, after the first, where there is no other route to go to.
// Bound: with a route that works, both ends hear each other within 0.6 s + 4 round trips where traffic flows both ways,
//   at the latest after 3 s; 9 s with two routes that pass echoes and drop data, 20 s with five.
#pragma once

#include <array>
#include <cstdint>

#include "policy/route_set.h"

namespace toxtcp {

inline constexpr std::uint32_t PATIENCE_MS = 300;
inline constexpr std::uint32_t MAX_PATIENCE_MS = 2'000;
inline constexpr std::uint32_t JUDGE_MARGIN_MS = 50;   ///< beyond twice the round trip
inline constexpr std::uint32_t UNKNOWN_ECHO_MS = 200;  ///< round trip of a route that no echo has measured
inline constexpr std::uint32_t BURST_LASTS_MS = 2'500; ///< an echo that is later counts as unanswered
inline constexpr std::uint32_t FIRST_REPEAT_MS = 500;  ///< from the first echo of a silence to the second
inline constexpr std::uint32_t SECOND_REPEAT_MS = 800; ///< and to the third; each later pause is a fifth longer
inline constexpr std::uint32_t MAX_REPEAT_MS = 8'000;
inline constexpr std::uint32_t ROTATE_MS = 3'000; ///< silence of a peer that cannot say "I do not hear you"
inline constexpr std::uint32_t MAX_ROTATE_MS = 60'000;
inline constexpr std::uint32_t COMPLAINT_GAP_MS = 300; ///< two complaints that are closer say the same
inline constexpr std::uint32_t COMPLAINT_LASTS_MS = 6'000;
inline constexpr std::uint32_t TALKING_MS = 1'500;         ///< data that was sent this recently should be heard
inline constexpr std::uint32_t ANSWERS_WITHIN_MS = 60'000; ///< an echo that is older counts no more
inline constexpr std::uint32_t FORGET_MS = 600'000;
inline constexpr std::uint32_t VERIFY_MS = 2'000;
inline constexpr std::uint32_t COMPARE_MS = 30'000;
inline constexpr std::uint32_t DISTRUST_MS = 60'000; ///< a route that traffic rotated away from is not chosen so long
inline constexpr std::uint8_t MAX_UNANSWERED = 4;    ///< bursts without any answer, after which the peer answers none

// Silence found, checked, left; one more route found bad by the other end meanwhile: the first row of the bounds.
static_assert(PATIENCE_MS + JUDGE_MARGIN_MS <= 600);
static_assert(MAX_PATIENCE_MS + JUDGE_MARGIN_MS < 3'000);
static_assert(2 * ROTATE_MS < 9'000 && 5 * ROTATE_MS < 20'000);

enum class Proof : std::uint8_t {
    none,     ///< not known yet
    verified, ///< its last echo was answered
    failed    ///< its last echo was not, while another route's was
};

// Times below that have 32 bits are the low ones of ms. They belong to a conversation that goes on: after
// FORGET_MS without data they are forgotten, long before they could wrap.

/// What is known of one route. Fresh whenever the peer comes online there.
struct Route_Delivery {
    std::uint32_t answered = 0;   ///< when the newest echo that was answered had been sent; 0: none
    std::uint16_t round_trip = 0; ///< ms end to end, smoothed
    std::uint16_t distrust = 0;   ///< low bits of time in units of 1,024 ms: not chosen before; 0: trusted
    Proof proof = Proof::none;
    std::uint8_t distrusted = 0; ///< times that traffic rotated away from it
};

struct Delivery {
    std::array<Route_Delivery, ROUTES> routes{};

    std::uint64_t waiting_since = 0; ///< ms, the first data sent since the peer was heard; 0: nothing is waited for
    std::uint64_t sent_at = 0;       ///< ms, the last data
    std::uint64_t heard_at = 0;      ///< ms, the last packet that opened; 0: never
    std::uint32_t sending_since = 0; ///< since when data flows over the route in use
    Route_Set ever_asked = 0;        ///< routes that were sent an echo
    bool check = false;              ///< something waits for `delivery_due`

    // A silence.
    bool fresh = false;          ///< data was sent since the last echo of this silence
    bool moved = false;          ///< traffic has moved in this silence: it was not a pause of the peer
    std::uint32_t repeat_at = 0; ///< the next echo
    std::uint32_t rotate_at = 0; ///< when traffic rotates
    std::uint32_t pause = 0;     ///< ms, the longest of the peer's late pauses
    std::uint8_t repeats = 0;    ///< echoes so far
    std::uint8_t rounds = 0;     ///< times that traffic went through all routes
    Route_Set tried = 0;         ///< routes that traffic rotated away from

    // Echoes that are out together.
    Route_Set asked = 0;          ///< 0: none are out
    Route_Set answered = 0;       ///< of these
    std::uint8_t left = NO_ROUTE; ///< the route that traffic has left for another's answer
    bool single = false;          ///< only the route in use was asked
    bool replaced = false;        ///< the peer was heard since they were sent
    bool library = false;         ///< the peer has this library: it says when it does not hear us
    bool answers = false;         ///< the peer has answered an echo
    std::uint8_t unanswered = 0;  ///< times that none was, in a row
    bool complaint = false;       ///< the peer has just said that it does not hear us
    std::uint32_t asked_at = 0;
    std::uint32_t left_until = 0;    ///< when `left` has failed, unless it answers
    std::uint32_t end_at = 0;        ///< when they are given up
    std::uint32_t judge_at = 0;      ///< when the route in use is judged; 0: no other has answered
    std::uint32_t verify_at = 0;     ///< not before
    std::uint32_t compare_at = 0;    ///< not before
    std::uint32_t peer_clock = 0;    ///< of the peer's last echo: older ones are repeated by a relay
    std::uint32_t complained_at = 0; ///< the last complaint that counted; 0: none of late
};

/// What is to be done.
struct Delivery_Action {
    Route_Set echo = 0;              ///< an echo over each of these
    bool unheard = false;            ///< the echoes say "I do not hear you"
    std::uint8_t move_to = NO_ROUTE; ///< traffic goes there: it delivers, and the route in use does not
    std::uint8_t failed = NO_ROUTE;  ///< traffic had left this one, and no answer has come over it since
    bool rotate = false;             ///< traffic goes to the best route that is not in `avoid`, if there is one
    Route_Set avoid = 0;
};

/// The circumstances.
struct Delivery_View {
    Route_Set usable = 0;            ///< routes with the peer online
    std::uint8_t sending = NO_ROUTE; ///< the route in use
    std::uint32_t load = 0;          ///< ms, granted to the route in use for what we sent (load.h)
};

// ---- evidence --------------------------------------------------------------------------------------------------

/// Data was sent. When `delivery_due` wants to be asked because of it, or UINT64_MAX.
[[nodiscard]] std::uint64_t delivery_sent(Delivery &d, std::uint64_t now);

/// A packet of the peer opened.
void delivery_heard(Delivery &d, std::uint64_t now);

/// The peer answered the echo that was sent over this route at `stamp`. False when no such echo is out: it is repeated,
/// or none of ours.
[[nodiscard]] bool delivery_answered(Delivery &d, std::uint64_t now, std::uint8_t route, std::uint32_t stamp,
                                     bool by_library, std::uint8_t sending, std::uint32_t load);

/// An echo of the peer's library came, sent by the peer's clock at `stamp`. `unheard`: it says that it does not hear us.
void delivery_peer_echo(Delivery &d, std::uint64_t now, std::uint32_t stamp, bool unheard);

/// The peer came online at this route, or went offline.
void delivery_reset_route(Delivery &d, std::uint8_t route);

/// Traffic goes over another route from now on, for whatever reason.
void delivery_moved(Delivery &d, std::uint64_t now);

/// The time that goes into the number of an echo that is sent now.
[[nodiscard]] std::uint32_t delivery_stamp(std::uint64_t now);

// ---- decision --------------------------------------------------------------------------------------------------

[[nodiscard]] Delivery_Action delivery_due(Delivery &d, std::uint64_t now, const Delivery_View &view);

/// When `delivery_due` has something to decide by the clock; UINT64_MAX for never.
[[nodiscard]] std::uint64_t delivery_deadline(const Delivery &d);

/// Whether traffic has rotated away from the route of late.
[[nodiscard]] bool delivery_distrusts(const Route_Delivery &route, std::uint64_t now);

} // namespace toxtcp
