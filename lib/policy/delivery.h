// Delivery: does the route in use carry our packets to the peer, and do the peer's reach us?
//
// Rule: only the peer can prove it: by a packet that the layer above could open, or by the answer to an echo.
//   - Silence: data was sent and the peer is not heard for `patience` (300 ms; twice the pauses that the peer is known to
//     make, up to 2 s). An echo goes over all usable routes at once and says "I do not hear you". It is repeated, ever
//     more rarely, while data is sent and the peer stays unheard.
//   - Another route answers and the route in use does not, within twice its round trip: traffic moves to the one that
//     answered first. That takes one round trip where the peer, too, says that it does not hear us, over all its routes
//     at once: a route that carries this no more than the answer is broken both ways.
//   - The peer says that it does not hear us, though we send: the routes are checked by echoes. Where that shows nothing
//     (echoes pass and data does not, or the peer answers none) and the peer says so again, traffic rotates.
//   - A peer without this library never says so. When it is silent for 3 s traffic rotates too, through all usable
//     routes, for ever. Each full round doubles the patience, up to a minute. A rotation is no verdict. A route that comes
//     online in a silence begins the patience anew.
//   - Such a peer sends over a route of its own choice, and answers echoes over that one too. When it is silent and answers
//     nothing (1 s), or answers and is silent (3 s), it is made to choose another: the route that it was heard over is
//     withdrawn (the peer sees us offline there), then all but one, in turn. What helped holds for 30 s, and twice as long
//     each time; then all routes are taken back.
//   - A route that came online is verified once there is something to send, and all are when the route in use is lost.
//     While data flows, the route in use is verified every 2 s and all of them every 30 s. A link that we load ourselves
//     is not: its queue would only make an echo late.
//   - Where the layer above cannot open packets, nothing is ever heard: there is no silence, and no complaint. The route in
//     use is verified by echoes alone; a relay that lets them pass and drops data is not found.
//   - No echo is sent while the connection is idle. Where there is no other route to go to, only a silence asks for them:
//     the peer may have a choice.
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
inline constexpr std::uint32_t FIRST_REPEAT_MS = 450;  ///< from the first echo of a silence to the second
inline constexpr std::uint32_t SECOND_REPEAT_MS = 600; ///< and to the third; each later pause is a fifth longer
inline constexpr std::uint32_t MAX_REPEAT_MS = 8'000;
inline constexpr std::uint32_t ROTATE_MS = 3'000; ///< silence of a peer that cannot say "I do not hear you"
inline constexpr std::uint32_t MAX_ROTATE_MS = 60'000;
inline constexpr std::uint32_t WITHDRAW_MS = 700; ///< beyond the patience, of a peer that answers nothing
inline constexpr std::uint32_t HOLD_MS = 30'000;  ///< routes stay withdrawn so long
inline constexpr std::uint32_t MAX_HOLD_MS = 480'000;
inline constexpr std::uint32_t COMPLAINT_GAP_MS = 300; ///< two complaints that are closer say the same
inline constexpr std::uint32_t COMPLAINT_LASTS_MS = 10'000;
inline constexpr std::uint32_t STREAM_GAP_MS = 250;
inline constexpr std::uint32_t TALKING_MS = 1'500;         ///< data that was sent this recently should be heard
inline constexpr std::uint32_t ANSWERS_WITHIN_MS = 60'000; ///< an echo that is older counts no more
inline constexpr std::uint32_t FORGET_MS = 600'000;
inline constexpr std::uint32_t VERIFY_MS = 2'000;
inline constexpr std::uint8_t COMPARE_EVERY = 15;    ///< so many times the route in use alone, then all
inline constexpr std::uint32_t DISTRUST_MS = 60'000; ///< a route that traffic rotated away from is not chosen so long
inline constexpr std::uint8_t MAX_UNANSWERED = 3;    ///< bursts without any answer, after which the peer answers none

// Silence found, checked, left; one more route found bad by the other end meanwhile: the first row of the bounds.
static_assert(PATIENCE_MS + JUDGE_MARGIN_MS <= 600);
static_assert(MAX_PATIENCE_MS + JUDGE_MARGIN_MS < 3'000);
static_assert(2 * ROTATE_MS < 9'000 && 5 * ROTATE_MS < 20'000);
static_assert(COMPLAINT_LASTS_MS > MAX_REPEAT_MS); // or each would be the first

enum class Proof : std::uint8_t {
    none,     ///< not known yet
    verified, ///< its last echo was answered
    failed    ///< its last echo was not, while another route's was
};

// Times below that have 32 bits are the low ones of ms. They belong to a conversation that goes on: after
// FORGET_MS without data they are forgotten, long before they could wrap.

/// What is known of one route. Fresh whenever the peer comes online there.
struct Route_Delivery {
    std::uint32_t since = 0;      ///< the peer came online there; answers to echoes from before are repeated by a relay
    std::uint32_t answered = 0;   ///< when the newest echo that was answered had been sent; 0: none
    std::uint16_t round_trip = 0; ///< ms end to end, smoothed
    Proof proof = Proof::none;
};

/// Ordered by size: a host may have 100,000 connections.
struct Delivery {
    std::uint64_t waiting_since = 0; ///< ms, the first data sent since the peer was heard; 0: nothing is waited for
    std::uint64_t sent_at = 0;       ///< ms, the last data
    std::uint64_t heard_at = 0;      ///< ms, the last packet that opened; 0: never
    std::array<Route_Delivery, ROUTES> routes{};

    // What we send.
    std::uint32_t sending_since = 0; ///< the first data over the route in use; 0: none yet
    std::uint32_t stream_since = 0;  ///< since when data is sent without a pause of STREAM_GAP_MS
    std::uint32_t sent_before = 0;   ///< the last data before the last such pause

    // A silence.
    std::uint32_t repeat_at = 0; ///< the next echo
    std::uint32_t rotate_at = 0; ///< when traffic rotates

    // Routes that the peer is to leave.
    std::uint32_t withdraw_at = 0; ///< the next is withdrawn
    std::uint32_t hold_until = 0;  ///< all are taken back

    // Echoes that are out together.
    std::uint32_t probed_at = 0;
    std::uint32_t end_at = 0;     ///< when they are given up
    std::uint32_t judge_at = 0;   ///< when the route in use is judged; 0: no other has answered
    std::uint32_t left_until = 0; ///< when `left` has failed, unless it answers
    std::uint32_t verify_at = 0;  ///< the route in use is not verified before

    std::uint32_t distrust_until = 0; ///< routes in `distrusted` are not chosen before

    // What the peer says.
    std::uint32_t peer_clock = 0;    ///< of the peer's last echo: older ones are repeated by a relay
    std::uint32_t peer_offset = 0;   ///< of our clock to the peer's, by its quickest echoes
    std::uint32_t complained_at = 0; ///< the last complaint that counted; 0: none of late
    std::uint32_t missing_at = 0;    ///< the last complaint has not come over the route in use by then; 0: it has
    std::uint32_t second_complaint_due = 0; ///< another came too soon after it: traffic rotates then; 0: none

    std::uint16_t complaint = 0;  ///< ms for which the peer has just said that it does not hear us; 0: it has not
    std::uint16_t pause = 0;      ///< ms, the longest of the peer's late pauses
    std::uint16_t last_gap = 0;   ///< ms, from our data to the peer's, last time
    std::uint16_t gap_before = 0; ///< and the time before

    Route_Set ever_probed = 0;       ///< routes that were sent an echo
    Route_Set probed = 0;            ///< routes that were sent one of those that are out together; 0: none are
    Route_Set answered = 0;         ///< of these
    Route_Set probed_aside = 0;      ///< routes that had an echo of this silence since all had one
    Route_Set probed_last = 0;       ///< routes that had the last echo of this silence
    Route_Set tried = 0;            ///< routes that traffic rotated away from in this silence, or for complaints
    Route_Set distrusted = 0;       ///< routes that traffic rotated away from, since the peer heard nothing over them
    Route_Set withdrawn = 0;        ///< routes that the peer was made to leave
    Route_Set withdrawn_before = 0; ///< those that were taken back last: withdrawn first
    std::uint8_t offered = 0;       ///< the route that was offered last, alone
    std::uint8_t offers = 0;        ///< in this silence
    std::uint8_t holds = 0;         ///< silences that an offer has ended
    std::uint8_t left = NO_ROUTE;   ///< the route that traffic has left for another's answer
    std::uint8_t repeats = 0;       ///< echoes of this silence
    std::uint8_t rounds = 0;        ///< times that traffic went through all routes
    std::uint8_t unanswered = 0;    ///< times that no echo was answered, in a row
    std::uint8_t verified = 0;      ///< times that the route in use alone was verified, since all were
    std::uint8_t distrusts = 0;     ///< times that a route was distrusted

    bool check : 1 = false;       ///< something waits for `delivery_due`
    bool fresh : 1 = false;       ///< data was sent of late: the next echo of this silence is due by the clock
    bool taking_back : 1 = false; ///< the next route to be offered was withdrawn
    bool offer_heard : 1 = false; ///< the peer was heard since the last offer
    bool moved : 1 = false;       ///< traffic has moved in this silence: it was not a pause of the peer
    bool single : 1 = false;      ///< of the echoes that are out: only the route in use was asked
    bool library : 1 = false;     ///< the peer has this library: it says when it does not hear us
    bool answers : 1 = false;     ///< the peer has answered an echo
    bool proves : 1 = true;       ///< the layer above can tell which packets are the peer's
};

/// What is to be done.
struct Delivery_Action {
    Route_Set echo = 0;              ///< an echo over each of these
    bool unheard = false;            ///< the echoes say "I do not hear you"
    std::uint8_t move_to = NO_ROUTE; ///< traffic goes there: it delivers, and the route in use does not
    std::uint8_t failed = NO_ROUTE;  ///< traffic had left this one, and no answer has come over it since
    Route_Set withdraw = 0;          ///< routes to be left, so that the peer sends over another
    bool take_back = false;          ///< routes that were withdrawn are requested again
    bool rotate = false;             ///< traffic goes to the best route that is not in `avoid`, if there is one
    Route_Set avoid = 0;
};

/// The circumstances.
struct Delivery_View {
    Route_Set usable = 0;               ///< routes with the peer online
    std::uint8_t sending = NO_ROUTE;    ///< the route in use
    Route_Set stale = 0;                ///< usable routes whose relay does not answer its pings
    std::uint8_t heard = NO_ROUTE;      ///< the route of the peer's last packet
    std::uint32_t load = 0;             ///< ms, granted to the route in use for what we sent (load.h)
    std::uint32_t relay_round_trip = 0; ///< ms, of pings to the relay of the route in use; 0: not measured
};

// ---- evidence --------------------------------------------------------------------------------------------------

/// Data was sent. When `delivery_due` wants to be asked because of it, or UINT64_MAX.
[[nodiscard]] std::uint64_t delivery_sent(Delivery &d, std::uint64_t now);

/// The peer is heard again after data was sent. Whether something waits for `delivery_due` now.
bool delivery_silence_ends(Delivery &d, std::uint64_t now);

/// A packet of the peer opened. Whether something waits for `delivery_due` now. Each packet comes here.
inline bool delivery_heard(Delivery &d, std::uint64_t now) {
    d.heard_at = now;
    return d.waiting_since != 0 && delivery_silence_ends(d, now);
}

/// The peer answered the echo that was sent over this route at `stamp`. False when no such echo is out: it is repeated,
/// or none of ours.
[[nodiscard]] bool delivery_answered(Delivery &d, std::uint64_t now, std::uint8_t route, std::uint32_t stamp,
                                     bool by_library, std::uint8_t sending, std::uint32_t load);

/// An echo of the peer's library came over this route, sent by the peer's clock at `stamp`. `unheard`: ms for which it
/// says that it has not heard us; 0: it does not complain.
void delivery_peer_echo(Delivery &d, std::uint64_t now, std::uint32_t stamp, std::uint32_t unheard, std::uint8_t route,
                        std::uint8_t sending);

/// For how long the peer has not been heard, ms: what an echo of ours says in a silence. Not 0.
[[nodiscard]] std::uint32_t delivery_unheard(const Delivery &d, std::uint64_t now);

/// The peer went offline at this route.
void delivery_reset_route(Delivery &d, std::uint8_t route);

/// The peer came online at this route. In a silence it may be the first that delivers: patience begins anew. Changes
/// `delivery_deadline`.
void delivery_route_online(Delivery &d, std::uint64_t now, std::uint8_t route);

/// The route is another one from now on.
void delivery_untied(Delivery &d, std::uint8_t route);

/// Traffic goes over another route from now on, for whatever reason.
void delivery_moved(Delivery &d, std::uint64_t now);

/// The route in use is lost. Which of the others is the best is asked anew.
void delivery_lost(Delivery &d);

/// The time that goes into the number of an echo that is sent now.
[[nodiscard]] std::uint32_t delivery_stamp(std::uint64_t now);

// ---- decision --------------------------------------------------------------------------------------------------

[[nodiscard]] Delivery_Action delivery_due(Delivery &d, std::uint64_t now, const Delivery_View &view);

/// When `delivery_due` has something to decide by the clock; UINT64_MAX for never.
[[nodiscard]] std::uint64_t delivery_deadline(const Delivery &d);

/// When the newest echo that was answered over the route was sent, ms; 0: none was.
[[nodiscard]] std::uint64_t delivery_proved_at(const Delivery &d, std::uint8_t route);

/// Whether traffic goes from route to route, since what answers echoes does not deliver.
[[nodiscard]] inline bool delivery_rotates(const Delivery &d) {
    return d.tried != 0;
}

/// Whether traffic has rotated away from the route of late.
[[nodiscard]] bool delivery_distrusts(const Delivery &d, std::uint8_t route, std::uint64_t now);

} // namespace toxtcp
