#include "worlds/stage.h"

namespace toxtcp {

namespace {

constexpr std::uint64_t HANG_AFTER_MS = 700; ///< after a cold start, so that its routes come online first

void name_again(Stage &s, World_Relay &relay) {
    for (World_Side *const side : {&s.a, &s.b}) {
        (void)add_tcp_relay_connection(side->peer.c, side->connection, relay.relay.address, relay.relay.key);
        sim_touch(s.net, side->peer.node);
    }
    relay.named_at = s.net.now;
}

} // namespace

void watch_relay(Stage &s, World_Relay &relay) {
    sim_relay_watch(relay.behaviour, relay.relay);
    relay.behaviour.is_victim = [&s](const Public_Key &to) { return to == s.b.peer.key; };
}

void turn_relay(Stage &s, World_Relay &relay) {
    sim_relay_turn(relay.behaviour, relay.kind, s.world.start == World_Start::cold ? HANG_AFTER_MS : 0);
    if (relay.kind == Relay_Kind::moves) {
        sim_at(s.net, s.net.now + MOVED_NAMED_AFTER_MS, [&s, &relay] { name_again(s, relay); });
    }
}

} // namespace toxtcp
