#include "worlds/bounds.h"

#include <algorithm>

namespace toxtcp {

namespace {

constexpr std::uint64_t TALK_EVERY_MS = 40;
constexpr std::uint64_t ANSWER_EVERY_MS = 1'000;
constexpr std::uint64_t SELDOM_EVERY_MS = 700;

constexpr std::uint64_t PROMPT_MS = 600;
constexpr std::uint64_t ROUND_TRIPS = 4;
constexpr std::uint64_t AT_MOST_MS = 3'000;
constexpr std::uint64_t UNPROVED_MS = 9'000;       ///< echoes pass and data does not, or no echo is answered
constexpr std::uint64_t UNPROVED_MANY_MS = 20'000; ///< with more than two such relays
constexpr std::uint64_t PRUNED_MS = 20'000;        ///< the honest relay's route was pruned
constexpr std::uint64_t COLD_MS = 1'000;
constexpr std::uint64_t NOTICED_MS = 3'000;
constexpr std::uint64_t UNNOTICED_MS = 15'000;

template <class Is>
std::size_t count(const World_Case &world, Is is) {
    return static_cast<std::size_t>(std::count_if(world.relays.begin(), world.relays.end(), is));
}

/// Whether the peers come online at a relay of this kind, and it loses or delays packets.
bool is_up_and_bad(Relay_Kind kind) {
    switch (kind) {
    case Relay_Kind::hangs:
    case Relay_Kind::drops:
    case Relay_Kind::drops_one_way:
    case Relay_Kind::drops_big:
    case Relay_Kind::passes_echoes:
    case Relay_Kind::forges:
    case Relay_Kind::late:
        return true;
    default:
        return false;
    }
}

/// How many bad relays echoes do not detect.
std::size_t unproved(const World_Case &world) {
    return count(world, [&](Relay_Kind kind) {
        return world.peers == World_Peers::answer ? kind == Relay_Kind::passes_echoes : is_up_and_bad(kind);
    });
}

std::size_t dropping_big(const World_Case &world) {
    return count(world, [](Relay_Kind kind) { return kind == Relay_Kind::drops_big; });
}

/// How many pauses between packets a bound must allow: one, and one more for each relay that ends connections or hangs,
/// since a packet may be lost there.
std::size_t taken(const World_Case &world) {
    return 1 + count(world, [](Relay_Kind kind) { return kind == Relay_Kind::hangs || kind == Relay_Kind::flaps; });
}

} // namespace

std::uint64_t round_trip(const World_Case &world) {
    return 20 + 4 * world.latency;
}

std::uint64_t interval_of(const World_Case &world, bool of_b) {
    switch (world.traffic) {
    case World_Traffic::both:
        return TALK_EVERY_MS;
    case World_Traffic::one_way:
        return of_b ? ANSWER_EVERY_MS : TALK_EVERY_MS;
    default:
        return SELDOM_EVERY_MS;
    }
}

std::uint64_t silence_bound(const World_Case &world) {
    const std::uint64_t interval = interval_of(world, true);
    if (world.start == World_Start::pruned) {
        return PRUNED_MS + interval;
    }
    const std::size_t big = dropping_big(world);
    if (const std::size_t hidden = unproved(world); hidden != 0) {
        // Echoes are small, so a relay that drops big packets passes them too.
        return (hidden + (world.peers == World_Peers::answer ? big : 0) <= 2 ? UNPROVED_MS : UNPROVED_MANY_MS) +
               interval;
    }
    if (world.traffic != World_Traffic::both || big != 0) {
        // Echoes do not detect a relay that drops big packets. Two lost packets do.
        return std::max(AT_MOST_MS, 2 * big * interval) + taken(world) * interval;
    }
    return std::min(PROMPT_MS + ROUND_TRIPS * round_trip(world), AT_MOST_MS) + interval;
}

std::uint64_t first_packet_bound(const World_Case &world) {
    const std::uint64_t cold = COLD_MS + ROUND_TRIPS * round_trip(world) + taken(world) * interval_of(world, true);
    const bool is_hidden = unproved(world) != 0 || dropping_big(world) != 0;
    return world.start == World_Start::cold && is_hidden ? std::max(cold, silence_bound(world)) : cold;
}

std::uint64_t online_bound(const World_Case &world) {
    return NOTICED_MS + ROUND_TRIPS * round_trip(world);
}

std::uint64_t connected_bound(const World_Case &world) {
    return world.event == World_Event::unnoticed ? UNNOTICED_MS : NOTICED_MS;
}

std::size_t connects_bound(Relay_Kind kind) {
    return kind == Relay_Kind::flaps ? 60 : 40;
}

} // namespace toxtcp
