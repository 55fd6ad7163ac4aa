// Fuzz target: a snapshot of any bytes, as `toxtcp top` reads it from a file or a socket. It is read, or refused with a
// cause. Its texts have no control characters.
#include <string>

#include "fuzz/fuzz.h"
#include "tools/top/snapshot.h"

using namespace toxtcp;

namespace {

void check_text(const std::string &text) {
    fuzz_check(std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; }),
               "a text has no control character");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::string text{reinterpret_cast<const char *>(data), size};
    Snapshot snapshot;
    snapshot.time_ms = 7;
    snapshot.public_key = "kept";
    std::string error;
    if (!parse_snapshot(text, snapshot, error)) {
        fuzz_check(!error.empty(), "there is a cause");
        check_text(error);
        fuzz_check(snapshot.time_ms == 7 && snapshot.public_key == "kept" && snapshot.relays.empty(),
                   "a snapshot that is refused changes nothing");
        return 0;
    }
    fuzz_check(error.empty(), "there is no error where the snapshot is read");
    check_text(snapshot.public_key);
    for (const Snapshot_Relay &relay : snapshot.relays) {
        check_text(relay.address);
        check_text(relay.public_key);
        check_text(relay.state);
        check_text(relay.last_end);
    }
    for (const Snapshot_Peer &peer : snapshot.peers) {
        check_text(peer.public_key);
        fuzz_check(peer.online <= peer.routes.size(), "no more routes are online than there are");
        for (const Snapshot_Route &route : peer.routes) {
            check_text(route.state);
            check_text(route.use);
        }
    }
    return 0;
}
