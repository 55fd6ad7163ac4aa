// `toxtcp relay` with a fault that its only argument names, for the tests of `toxtcp probe`. Prints the same line as
// JSON; and at its end, how many packets were to go through it, and how many of them within any one second.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "tools/clock.h"
#include "tools/commands.h"

namespace toxtcp {

namespace {

struct Seen {
    std::vector<std::uint64_t> packets; ///< us
    Public_Key first{};                 ///< the first key that sent one
};

bool is_payload(const Packet &packet) {
    return packet.type == Packet_Type::data || packet.type == Packet_Type::oob_send ||
           packet.type == Packet_Type::oob_recv;
}

std::size_t most_in_a_second(const std::vector<std::uint64_t> &times) {
    std::size_t most = 0;
    std::size_t first = 0;
    for (std::size_t i = 0; i < times.size(); ++i) {
        while (times[i] - times[first] >= SECOND_US) {
            ++first;
        }
        most = std::max(most, i - first + 1);
    }
    return most;
}

/// False for a name that is none.
bool make_faults(const std::string &kind, Seen &seen, Relay_Faults &faults) {
    if (kind == "lying") {
        faults.send = [](int, const Public_Key &, const Packet &packet) { return !is_payload(packet); };
    } else if (kind == "one-way") {
        faults.send = [&seen](int, const Public_Key &to, const Packet &packet) {
            return packet.type != Packet_Type::data || to == seen.first;
        };
    } else if (kind == "dropping") {
        faults.send = [&seen](int, const Public_Key &, const Packet &packet) {
            return !is_payload(packet) || seen.packets.size() % 5 != 0;
        };
    } else if (kind == "no-oob") {
        faults.send = [](int, const Public_Key &, const Packet &packet) {
            return packet.type != Packet_Type::oob_recv;
        };
    } else if (kind == "unrouted") {
        faults.send = [](int, const Public_Key &, const Packet &packet) {
            return packet.type != Packet_Type::connect_notification;
        };
    } else if (kind == "unanswering") {
        faults.send = [](int, const Public_Key &, const Packet &) { return false; };
    } else if (kind == "mute") {
        faults.handshake = [](int) { return false; };
    }
    faults.receive = [&seen, changes = kind == "changing"](int, const Public_Key &from, const Packet &packet) {
        if (is_payload(packet)) {
            seen.first = seen.packets.empty() ? from : seen.first;
            seen.packets.push_back(now_us());
            if (changes && seen.packets.size() % 5 == 0) {
                // The bytes lie in the server's buffer, which is no constant.
                const_cast<std::uint8_t &>(packet.data.back()) ^= 1;
            }
        }
        return true;
    };
    return kind == "honest" || kind == "changing" || faults.send || faults.handshake;
}

} // namespace

} // namespace toxtcp

int main(int argc, char **argv) {
    using namespace toxtcp;
    Seen seen;
    Relay_Faults faults;
    if (argc != 2 || !make_faults(argv[1], seen, faults)) {
        std::fprintf(stderr, "usage: bad-relay KIND (the kinds are in its source)\n");
        return EXIT_USAGE;
    }
    Relay_Options options;
    options.address = "127.0.0.1";
    options.json = true;
    options.max_clients = 100;
    const int result = run_relay(options, faults);
    std::printf("{\"packets\":%zu,\"most_in_a_second\":%zu}\n", seen.packets.size(), most_in_a_second(seen.packets));
    return result;
}
