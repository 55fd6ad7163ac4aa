// Delivery: does the route in use carry our packets to the peer, and do the peer's packets reach us?
//
// Only the peer can prove it: by a packet that the layer above could open (then the peer is heard), or by the answer to
// an echo.
//
// Terms:
//   - Silence: begins with the first data that we send after the peer was heard, and ends when the peer is heard again.
//   - Complaint: an echo that says "I do not hear you". Only this library sends and understands it.
//   - Move: traffic goes to another route, because an echo has shown that the other route is better.
//   - Rotation: traffic goes to another route, though no echo has shown that the other route is better.
//   - Withdrawal: we leave a route, and the peer sees us offline there.
// Rule:
//   - Silence: when it has lasted for `complaint_delay` (300 ms, or twice the pauses that the peer is known to make, up
//     to 2 s), a complaint goes over all usable routes at once. We repeat it, less and less often, as long as we send
//     data and the peer is not heard.
//   - Another route answers an echo, and the route in use does not within two round trips: traffic moves to the fastest
//     route that answered. One round trip is enough where the peer complains too, over another route and not over the
//     route in use. A complaint is sent over all routes, so the route in use is then broken in both directions.
//   - The peer complains although we send: all routes are probed by echoes. If the echoes find no fault (they pass and
//     data does not, or the peer answers none) and the peer complains again, traffic rotates.
//   - A peer without this library never complains. So traffic also rotates after 3 s of silence, unless a peer with
//     this library answers over the route in use. It rotates through all usable routes, for ever. Each full round
//     doubles the wait, up to a minute. Such a rotation does not count against the route. When a route comes online
//     during a silence, the wait is 3 s again.
//   - A peer without this library also chooses its own route, and answers echoes over that route only. When it is
//     silent and answers nothing (1 s), or answers and is silent (3 s), it is made to choose another route: we withdraw
//     the route that it was heard over last, then all routes but one, for each route in turn. What helped is kept for
//     30 s, and twice as long each time. Then we request the withdrawn routes again.
//   - Cut off: when a silence reaches its first rotation, or traffic has rotated through all routes for complaints, no
//     route that is online counts as one that works, and all other routes and relays are requested (prune.h), until the
//     peer is heard and complains no more. Where a peer with this library answers over the route in use, it may have
//     nothing to say: then only after a minute of silence.
//   - Verification: a route that came online is probed once there is data to send. If the relay has reported the peer
//     online and offline within a minute for the second time in a row, it is probed after 2 s online, and after twice
//     as long each further time, up to 32 s. All routes are probed when the route in use is lost. While data flows, the
//     route in use is probed every 2 s, and all routes about every 30 s. A route that our own data loads is not: the
//     echo would wait in the queue and come late.
//   - Where the layer above cannot tell which packets are the peer's, we see no silence and send no complaint. The
//     route in use is verified by echoes alone. Only the peer's complaints show that a relay passes echoes and drops data.
//   - An idle connection sends no echo. With a single usable route, that route is not verified every 2 s. In a silence
//     we still complain, because the peer may have another route.
// Bound: with a route that works, both ends hear each other within 0.6 s + 4 round trips where traffic flows both ways,
//   at the latest after 3 s; 9 s with two routes that pass echoes and drop data, 20 s with five. A route that flaps is
//   probed twice at once, and then ever more seldom, down to once in 32 s.
#pragma once

#include <array>
#include <cstdint>

#include "policy/route_set.h"

namespace toxtcp {

inline constexpr std::uint32_t COMPLAINT_DELAY_MS = 300;
inline constexpr std::uint32_t MAX_COMPLAINT_DELAY_MS = 2'000;
inline constexpr std::uint32_t ANSWER_MARGIN_MS = 50;  ///< granted to an answer beyond its round trips
inline constexpr std::uint32_t UNKNOWN_ECHO_MS = 200;  ///< assumed round trip of a route that no echo has measured
inline constexpr std::uint32_t BURST_LASTS_MS = 2'500; ///< an echo without an answer for this long counts as unanswered
inline constexpr std::uint32_t FIRST_COMPLAINT_PAUSE_MS = 450;  ///< from the first echo of a silence to the second
inline constexpr std::uint32_t SECOND_COMPLAINT_PAUSE_MS = 600; ///< to the third; then each pause is a fifth longer
inline constexpr std::uint32_t MAX_COMPLAINT_PAUSE_MS = 8'000;
inline constexpr std::uint32_t ROTATE_MS = 3'000; ///< silence after which traffic rotates without a complaint
inline constexpr std::uint32_t MAX_ROTATE_MS = 60'000;
inline constexpr std::uint32_t WITHDRAW_AFTER_MS = 700; ///< beyond the complaint delay, where the peer answers no echo
inline constexpr std::uint32_t WITHDRAWN_FOR_MS = 30'000; ///< routes stay withdrawn this long at first
inline constexpr std::uint32_t MAX_WITHDRAWN_FOR_MS = 480'000;
inline constexpr std::uint32_t COMPLAINT_GAP_MS = 300;      ///< complaints that are closer together count as one
inline constexpr std::uint32_t COMPLAINT_LASTS_MS = 10'000; ///< a complaint after this time is again a first one
inline constexpr std::uint32_t STREAM_GAP_MS = 250;         ///< data with no longer pause than this is a stream
inline constexpr std::uint32_t TALKING_MS = 1'500;          ///< we are talking: data was sent no longer ago than this
inline constexpr std::uint32_t ANSWERS_WITHIN_MS = 60'000;  ///< the answer to an older echo is ignored
inline constexpr std::uint32_t FORGET_MS = 600'000;         ///< a conversation ends after this time without data
inline constexpr std::uint32_t CUT_OFF_LASTS_MS = 60'000;   ///< without data, a connection counts as cut off this long
inline constexpr std::uint32_t VERIFY_MS = 2'000;           ///< between two verifications of the route in use
/// After so many verifications of the route in use alone, all routes are probed.
inline constexpr std::uint8_t PROBE_ALL_EVERY = 15;
/// For how long a route is avoided after complaints; doubled each further time.
inline constexpr std::uint32_t DISTRUST_MS = 60'000;
/// A flap: the peer goes offline at a route within this time. After more than FREE_FLAPS in a row the route flaps.
inline constexpr std::uint32_t FLAP_WITHIN_MS = 60'000;
inline constexpr std::uint8_t FREE_FLAPS = 1;
/// A route that flaps is probed when the peer was online there for this time; doubled with each further flap.
inline constexpr std::uint32_t FLAP_WAIT_MS = 2'000;
inline constexpr std::uint8_t MAX_FLAPS = 6; ///< more are not counted: up to 32 s
/// After so many bursts in a row without any answer, the peer counts as one that answers no echo.
inline constexpr std::uint8_t MAX_UNANSWERED = 3;

// The bounds above: 0.6 s beside the round trips; 3 s at the latest; one rotation for each bad route.
static_assert(COMPLAINT_DELAY_MS + ANSWER_MARGIN_MS <= 600);
static_assert(MAX_COMPLAINT_DELAY_MS + ANSWER_MARGIN_MS < 3'000);
static_assert(2 * ROTATE_MS < 9'000 && 5 * ROTATE_MS < 20'000);
static_assert(FLAP_WAIT_MS << (MAX_FLAPS - FREE_FLAPS - 1) == 32'000);
static_assert(COMPLAINT_LASTS_MS > MAX_COMPLAINT_PAUSE_MS); // otherwise no complaint could ever be the second

enum class Proof : std::uint8_t {
    none,     ///< not known yet
    verified, ///< the route's last echo was answered
    failed    ///< the route's last echo was not answered, and another route's echo was
};

// A time of 32 bits below is ms since a time that `period` tells. Times can be compared, and 0 is "not set". A time that
// is older than 12 days may be later than it was. peer_clock and peer_offset are of 32 bits too, but wrap.

/// What is known of one route. All but `flaps` is reset whenever the peer comes online there.
struct Route_Delivery {
    std::uint32_t since = 0;      ///< when the peer came online; the answer to an earlier echo is a repetition
    std::uint32_t answered = 0;   ///< when the newest echo that was answered was sent; 0: none was answered
    std::uint16_t round_trip = 0; ///< ms end to end, smoothed
    Proof proof = Proof::none;
    std::uint8_t flaps = 0; ///< times in a row that the peer went offline here within FLAP_WITHIN_MS
};

/// Members are ordered by size, to save memory: a host may have 100,000 connections.
struct Delivery {
    std::uint64_t silence_since = 0; ///< ms, when the silence began; 0: there is no silence
    std::uint64_t sent_at = 0;       ///< ms, of the last data
    std::uint64_t heard_at = 0;      ///< ms, of the last packet that opened; 0: never
    std::array<Route_Delivery, ROUTES> routes{};

    // What we send.
    std::uint32_t sending_since = 0; ///< the first data over the route in use, while we are talking; 0: none yet
    std::uint32_t stream_since = 0;  ///< start of the present stream: no pause since then was longer than STREAM_GAP_MS
    std::uint32_t sent_before = 0;   ///< the last data before this stream

    // A silence.
    std::uint32_t next_complaint_at = 0; ///< when the next complaint is sent
    std::uint32_t rotate_at = 0;         ///< when traffic rotates

    // Withdrawn routes. An offer leaves the peer fewer routes, mostly a single one.
    std::uint32_t withdraw_at = 0;     ///< when the next offer is made
    std::uint32_t withdrawn_until = 0; ///< when all withdrawn routes are requested again

    // A burst: the echoes that are out together.
    std::uint32_t probed_at = 0;     ///< when the first of them was sent
    std::uint32_t all_probed_at = 0; ///< when all usable routes were probed last; 0: never
    std::uint32_t end_at = 0;        ///< when the burst ends: an echo without an answer then counts as unanswered
    std::uint32_t answer_due_at = 0; ///< when the route in use must have answered; 0: no other route has answered first
    std::uint32_t moved_from_until = 0; ///< when `moved_from` counts as failed, unless it answers before
    std::uint32_t verify_at = 0;        ///< the route in use is not verified before this time

    std::uint32_t distrust_until = 0; ///< routes in `distrusted` are avoided until then

    // What the peer's library says.
    std::uint32_t peer_clock = 0;         ///< the peer's time in its newest echo; an older echo is a relay's repetition
    std::uint32_t peer_offset = 0;        ///< ms, our time minus the peer's, by those of its echoes that came fastest
    std::uint32_t peer_complained_at = 0; ///< the last complaint that counted; 0: none counts now
    /// By this time the last complaint should have come over the route in use too; 0: it has, or there is none.
    std::uint32_t complaint_missing_at = 0;
    /// When traffic rotates for a second complaint that came before an echo could be answered; 0: there is none.
    std::uint32_t second_complaint_due = 0;

    std::uint16_t complaint = 0;  ///< ms for which the peer says that it did not hear us, not dealt with yet; 0: none
    std::uint16_t pause = 0;      ///< ms, the pauses that the peer usually makes: a single long one does not count
    std::uint16_t last_gap = 0;   ///< ms, the last silence
    std::uint16_t gap_before = 0; ///< ms, the silence before the last
    std::uint16_t period = 0;     ///< times of 32 bits count from so many periods of 2^30 ms (12 days) on

    Route_Set ever_probed = 0;          ///< routes that were sent an echo; the others are still to be verified
    Route_Set probed = 0;               ///< routes that were sent an echo of this burst; 0: there is no burst
    Route_Set answered = 0;             ///< routes of `probed` that have answered
    Route_Set probed_in_turn = 0;       ///< routes that were sent a complaint in turn, since one went over all routes
    Route_Set probed_last = 0;          ///< routes that were sent the last complaint of this silence
    Route_Set tried = 0;                ///< routes that traffic rotated away from in this silence, or for complaints
    Route_Set distrusted = 0;           ///< routes that traffic rotated away from because the peer complained
    Route_Set withdrawn = 0;            ///< routes that we have left, so that the peer leaves them
    Route_Set withdrawn_before = 0;     ///< routes that were withdrawn the last time: withdrawn first next time
    std::uint8_t offered = 0;           ///< the route of the last offer; the next offer is the route after this
    std::uint8_t offers = 0;            ///< offers in this silence
    std::uint8_t successful_offers = 0; ///< silences that an offer has ended
    std::uint8_t moved_from = NO_ROUTE; ///< the route that traffic moved away from, while its answer may still come
    std::uint8_t complaints_sent = 0;   ///< complaints sent in this silence
    std::uint8_t rounds = 0;            ///< rounds of rotation through all routes
    std::uint8_t unanswered = 0;        ///< bursts without any answer, in a row
    std::uint8_t verifications = 0;     ///< verifications of the route in use alone, since all routes were probed
    std::uint8_t distrusts = 0;         ///< times that a route was distrusted

    bool due_now : 1 = false;             ///< `delivery_due` is to be called at once
    bool timers_armed : 1 = false;        ///< in a silence: data was sent recently, and the times of the silence count
    bool requested_withdrawn : 1 = false; ///< all withdrawn routes were requested again, to offer one of them next
    bool offer_heard : 1 = false;         ///< the peer was heard since the last offer
    bool moved : 1 = false;               ///< traffic has moved in this silence, so its length is no pause of the peer
    bool cut_off : 1 = false;             ///< no route works: see `delivery_is_cut_off`
    bool single : 1 = false;              ///< the burst is a single echo over the route in use
    bool peer_has_library : 1 = false;    ///< the peer has this library: it complains when it does not hear us
    bool peer_answers : 1 = false;        ///< true from the first answer until MAX_UNANSWERED bursts are unanswered
    bool proves_packets : 1 = true;       ///< the layer above can tell which packets are the peer's
};

/// What the caller has to do.
struct Delivery_Action {
    Route_Set echo = 0;              ///< send an echo over each of these routes
    Route_Set first_echo = 0;        ///< of `echo`: routes that were not sent an echo before
    Route_Set first_of_burst = 0;    ///< of `echo`: routes that were not sent an echo of the same burst before
    bool unheard = false;            ///< these echoes are complaints
    std::uint8_t move_to = NO_ROUTE; ///< send traffic over this route: it delivers, and the route in use does not
    std::uint8_t failed = NO_ROUTE;  ///< this route failed: traffic moved away, and no answer came since
    Route_Set withdraw = 0;          ///< leave these routes, so that the peer sends over another route
    bool request_withdrawn = false;  ///< request the routes again that were withdrawn
    bool cut_off = false;            ///< request all routes and relays: the connection is, or still is, cut off
    bool rotate = false;             ///< send traffic over the best route that is not in `avoid`, if there is one
    Route_Set avoid = 0;
};

/// What Delivery has to know of the connection.
struct Delivery_View {
    Route_Set usable = 0;               ///< routes where the peer is online
    std::uint8_t sending = NO_ROUTE;    ///< the route in use
    Route_Set stale = 0;                ///< usable routes whose relay does not answer its pings
    std::uint8_t heard = NO_ROUTE;      ///< the route that the peer was heard over last
    std::uint32_t load = 0;             ///< ms, how late our own data may make an answer over the route in use (load.h)
    std::uint32_t relay_round_trip = 0; ///< ms, of pings to the relay of the route in use; 0: not measured
};

// ---- evidence --------------------------------------------------------------------------------------------------

/// Data was sent. Returns when `delivery_due` is to be called because of it, or UINT64_MAX.
[[nodiscard]] std::uint64_t delivery_sent(Delivery &d, std::uint64_t now);

/// The peer is heard in a silence. Returns whether `delivery_due` is to be called now.
bool delivery_silence_ends(Delivery &d, std::uint64_t now);

/// A packet of the peer opened. Returns whether `delivery_due` is to be called now. Inline, for each packet.
inline bool delivery_heard(Delivery &d, std::uint64_t now) {
    d.heard_at = now;
    return d.silence_since != 0 && delivery_silence_ends(d, now);
}

/// The peer answered the echo that was sent over this route at `stamp`. False when the answer does not count: a relay
/// repeats it, it is too old, or no echo was sent over this route.
[[nodiscard]] bool delivery_answered(Delivery &d, std::uint64_t now, std::uint8_t route, std::uint32_t stamp,
                                     bool by_library, std::uint8_t sending, std::uint32_t load);

/// An echo came over this route from a peer with this library. `stamp`: the peer's time when the echo was sent.
/// `unheard`: ms for which the peer says that it has not heard us; 0: the echo is no complaint.
void delivery_peer_echo(Delivery &d, std::uint64_t now, std::uint32_t stamp, std::uint32_t unheard, std::uint8_t route,
                        std::uint8_t sending);

/// For how long we have not heard the peer, ms: our complaints say it. Never 0.
[[nodiscard]] std::uint32_t delivery_unheard(const Delivery &d, std::uint64_t now);

/// We left this route, or its relay's connection ended.
void delivery_reset_route(Delivery &d, std::uint8_t route);

/// The relay says that the peer went offline at this route.
void delivery_route_offline(Delivery &d, std::uint64_t now, std::uint8_t route);

/// The peer came online at this route, which may be the first that delivers. In a silence we complain often again, and
/// the wait for a rotation is short again. Changes `delivery_deadline`.
void delivery_route_online(Delivery &d, std::uint64_t now, std::uint8_t route);

/// The route's relay was untied: the place is free for another relay.
void delivery_untied(Delivery &d, std::uint8_t route);

/// Traffic goes over another route from now on, for whatever reason.
void delivery_moved(Delivery &d, std::uint64_t now);

/// The route in use was lost. All routes are to be probed, to find the best of them.
void delivery_lost(Delivery &d);

/// The time to be put into the number of an echo that is sent now. Never 0.
[[nodiscard]] std::uint32_t delivery_stamp(std::uint64_t now);

// ---- decision --------------------------------------------------------------------------------------------------

[[nodiscard]] Delivery_Action delivery_due(Delivery &d, std::uint64_t now, const Delivery_View &view);

/// Of the echoes of this action, those over the routes `unsent` could not be sent. They do not count as unanswered, and
/// are sent later if they still matter.
void delivery_unsent(Delivery &d, std::uint64_t now, const Delivery_Action &action, Route_Set unsent);

/// When `delivery_due` is to be called; UINT64_MAX: not before something happens.
[[nodiscard]] std::uint64_t delivery_deadline(const Delivery &d);

/// When the newest echo that was answered over the route was sent, ms; 0: none was answered.
[[nodiscard]] std::uint64_t delivery_proved_at(const Delivery &d, std::uint8_t route);

/// Whether traffic rotates: an answer to an echo then does not show that a route delivers.
[[nodiscard]] inline bool delivery_rotates(const Delivery &d) {
    return d.tried != 0;
}

/// Whether no route that is online counts as one that works: nothing gets through, in one direction at least.
[[nodiscard]] inline bool delivery_is_cut_off(const Delivery &d, std::uint64_t now) {
    return d.cut_off && now <= d.sent_at + CUT_OFF_LASTS_MS;
}

/// Whether traffic rotated away from the route recently because the peer complained.
[[nodiscard]] bool delivery_distrusts(const Delivery &d, std::uint8_t route, std::uint64_t now);

} // namespace toxtcp
