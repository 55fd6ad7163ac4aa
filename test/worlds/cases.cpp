#include <algorithm>
#include <sstream>

#include "worlds/bounds.h"

namespace toxtcp {

namespace {

constexpr const char *STARTS[] = {"cold", "warm", "pruned"};
constexpr const char *TRAFFIC[] = {"both", "one_way", "seldom"};
constexpr const char *PEERS[] = {"none_answer", "answers", "toxcore"};
constexpr const char *EVENTS[] = {"none", "noticed", "unnoticed", "changed", "full", "hour", "day"};

constexpr std::uint64_t LATENCIES[] = {0, 70};
constexpr std::size_t MOST_RELAYS = 4;
constexpr std::size_t MOST_RELAYS_FOR_ALL = 3;
constexpr std::size_t MOST_RELAYS_FOR_A_DAY = 2;
constexpr std::size_t KINDS = static_cast<std::size_t>(Relay_Kind::count);

template <std::size_t SIZE>
bool find_name(const char *const (&names)[SIZE], const std::string &text, std::size_t &index) {
    const auto found = std::find_if(std::begin(names), std::end(names), [&](const char *name) { return text == name; });
    index = static_cast<std::size_t>(found - std::begin(names));
    return found != std::end(names);
}

/// All lists of `count` kinds of relay, in every order, that contain an honest relay.
std::vector<std::vector<Relay_Kind>> relay_sets(std::size_t count) {
    std::size_t combinations = 1;
    for (std::size_t i = 0; i < count; ++i) {
        combinations *= KINDS;
    }
    std::vector<std::vector<Relay_Kind>> sets;
    for (std::size_t number = 0; number < combinations; ++number) {
        std::vector<Relay_Kind> set;
        for (std::size_t rest = number; set.size() < count; rest /= KINDS) {
            set.push_back(static_cast<Relay_Kind>(rest % KINDS));
        }
        if (std::find(set.begin(), set.end(), Relay_Kind::honest) != set.end()) {
            sets.push_back(set);
        }
    }
    return sets;
}

/// With up to three relays: all combinations of traffic, peers with this library, latency and the usual events.
/// With four relays: a single world.
void add_usual(std::vector<World_Case> &worlds, const std::vector<Relay_Kind> &relays, World_Start start) {
    if (relays.size() == MOST_RELAYS) {
        worlds.push_back({.start = start, .relays = relays});
        return;
    }
    for (const World_Traffic traffic : {World_Traffic::both, World_Traffic::one_way, World_Traffic::seldom}) {
        for (const World_Peers peers : {World_Peers::answer, World_Peers::none_answer}) {
            for (const std::uint64_t latency : LATENCIES) {
                for (const World_Event event : {World_Event::none, World_Event::noticed, World_Event::unnoticed}) {
                    worlds.push_back({start, traffic, peers, event, latency, relays});
                }
            }
        }
    }
}

/// Whether a relay of this kind carries at least some of the data. In a world with `drops_big` all packets are big.
bool carries_some(Relay_Kind kind) {
    switch (kind) {
    case Relay_Kind::honest:
    case Relay_Kind::drops_one_way:
    case Relay_Kind::flaps:
    case Relay_Kind::moves:
        return true;
    default:
        return false;
    }
}

/// Whether a can make b change its route in time, where b sends as toxcore does. It cannot in three cases:
/// - A relay hangs. Toxcore may need 40 s to leave such a relay, whatever a does.
/// - A relay passes echoes and drops data, and a hears b over another relay. Nothing shows then that b hears nothing,
///   since toxcore cannot complain.
/// - A relay is late by 2 s. Toxcore may use it because it is the first, and then it looks to a like one that carries
///   nothing.
bool can_help_toxcore(const std::vector<Relay_Kind> &relays) {
    const auto has = [&](Relay_Kind kind) { return std::find(relays.begin(), relays.end(), kind) != relays.end(); };
    const bool hides = has(Relay_Kind::passes_echoes) || has(Relay_Kind::drops_big);
    return relays.size() <= MOST_RELAYS_FOR_ALL && !has(Relay_Kind::hangs) && !has(Relay_Kind::late) &&
           (!hides || std::count_if(relays.begin(), relays.end(), carries_some) == 1);
}

void add_toxcore(std::vector<World_Case> &worlds, const std::vector<Relay_Kind> &relays, World_Start start) {
    if (!can_help_toxcore(relays)) {
        return;
    }
    for (const std::uint64_t latency : LATENCIES) {
        for (const World_Event event : {World_Event::none, World_Event::noticed}) {
            worlds.push_back(
                {.start = start, .peers = World_Peers::toxcore, .event = event, .latency = latency, .relays = relays});
        }
    }
}

void add_special(std::vector<World_Case> &worlds, const std::vector<Relay_Kind> &relays, World_Start start) {
    World_Case world{.start = start, .traffic = World_Traffic::seldom, .relays = relays};
    if (relays.size() <= MOST_RELAYS_FOR_ALL) {
        for (const World_Event event : {World_Event::changed, World_Event::full, World_Event::hour}) {
            world.event = event;
            worlds.push_back(world);
        }
    }
    if (relays.size() <= MOST_RELAYS_FOR_A_DAY) {
        world.event = World_Event::day;
        worlds.push_back(world);
    }
}

/// The relay whose route was pruned is honest, and the three others are not. Their order does not matter.
void add_pruned(std::vector<World_Case> &worlds, const std::vector<Relay_Kind> &relays) {
    const bool has_order = std::is_sorted(relays.begin(), relays.end());
    const bool is_one_honest = std::count(relays.begin(), relays.end(), Relay_Kind::honest) == 1;
    if (relays.size() != MOST_RELAYS || !has_order || !is_one_honest) {
        return;
    }
    for (const World_Traffic traffic : {World_Traffic::both, World_Traffic::one_way, World_Traffic::seldom}) {
        for (const World_Peers peers : {World_Peers::answer, World_Peers::none_answer}) {
            worlds.push_back({.start = World_Start::pruned, .traffic = traffic, .peers = peers, .relays = relays});
        }
    }
}

} // namespace

std::vector<World_Case> all_worlds() {
    std::vector<World_Case> worlds;
    for (std::size_t count = 1; count <= MOST_RELAYS; ++count) {
        for (const std::vector<Relay_Kind> &relays : relay_sets(count)) {
            for (const World_Start start : {World_Start::cold, World_Start::warm}) {
                add_usual(worlds, relays, start);
                add_special(worlds, relays, start);
                add_toxcore(worlds, relays, start);
            }
            add_pruned(worlds, relays);
        }
    }
    return worlds;
}

const char *to_string(World_Start start) {
    return STARTS[static_cast<std::size_t>(start)];
}

const char *to_string(World_Traffic traffic) {
    return TRAFFIC[static_cast<std::size_t>(traffic)];
}

const char *to_string(World_Peers peers) {
    return PEERS[static_cast<std::size_t>(peers)];
}

const char *to_string(World_Event event) {
    return EVENTS[static_cast<std::size_t>(event)];
}

std::string to_string(const World_Case &world) {
    std::string text = std::string{to_string(world.start)} + '/' + to_string(world.traffic) + '/' +
                       to_string(world.peers) + '/' + to_string(world.event) + '/' + std::to_string(round_trip(world)) +
                       '/';
    for (std::size_t i = 0; i < world.relays.size(); ++i) {
        if (i != 0) {
            text += ',';
        }
        text += to_string(world.relays[i]);
    }
    return text;
}

bool parse_world(const std::string &text, World_Case &world) {
    std::istringstream in{text};
    std::vector<std::string> parts;
    for (std::string part; std::getline(in, part, '/');) {
        parts.push_back(part);
    }
    std::size_t start = 0;
    std::size_t traffic = 0;
    std::size_t peer = 0;
    std::size_t event = 0;
    if (parts.size() != 6 || !find_name(STARTS, parts[0], start) || !find_name(TRAFFIC, parts[1], traffic) ||
        !find_name(PEERS, parts[2], peer) || !find_name(EVENTS, parts[3], event)) {
        return false;
    }
    world.start = static_cast<World_Start>(start);
    world.traffic = static_cast<World_Traffic>(traffic);
    world.peers = static_cast<World_Peers>(peer);
    world.event = static_cast<World_Event>(event);
    const auto latency = std::find_if(std::begin(LATENCIES), std::end(LATENCIES), [&](std::uint64_t one) {
        return std::to_string(round_trip({.latency = one, .relays = {}})) == parts[4];
    });
    if (latency == std::end(LATENCIES)) {
        return false;
    }
    world.latency = *latency;
    world.relays.clear();
    std::istringstream relays{parts[5]};
    for (std::string name; std::getline(relays, name, ',');) {
        const std::optional<Relay_Kind> kind = parse_relay_kind(name);
        if (!kind) {
            return false;
        }
        world.relays.push_back(*kind);
    }
    return !world.relays.empty() && world.relays.size() <= MOST_RELAYS;
}

} // namespace toxtcp
