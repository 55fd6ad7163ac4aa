// Fuzz target: a node list of any bytes is read, or refused with a place and a cause. Relays that are read can be used.
#include <string>

#include "fuzz/fuzz.h"
#include "tools/shared/node_list.h"
#include "tools/shared/values.h"

using namespace toxtcp;

namespace {

bool is_printable(const std::string &text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

void check_relay(const Named_Relay &relay) {
    Host_Name host;
    Public_Key key;
    std::string error;
    fuzz_check(relay.port != 0, "a port is not 0");
    fuzz_check(read_host(relay.host, host, error), "a host is valid");
    fuzz_check(host.family == Family::none || host.family == relay.family, "an address has its family");
    fuzz_check(read_key(to_string(relay.key), key, error) && key == relay.key, "a key is not weak");
    fuzz_check(relay.family == Family::ipv4 || relay.family == Family::ipv6, "an IP family is set");
}

struct List {
    bool ok = false;
    std::vector<Named_Relay> relays{};
    std::vector<std::string> warnings{};
    std::string error{};
};

List read(const std::string &text, bool all_ports) {
    List list;
    list.ok = parse_node_list(text, all_ports, list.relays, list.warnings, list.error);
    fuzz_check(list.ok == list.error.empty(), "a list is refused exactly if there is an error");
    fuzz_check(list.ok || (list.relays.empty() && list.warnings.empty()), "nothing is read of a list that is refused");
    fuzz_check(list.ok || list.error.starts_with("line "), "an error has a place");
    fuzz_check(is_printable(list.error), "an error has no control character");
    for (const std::string &warning : list.warnings) {
        fuzz_check(warning.starts_with("line ") && is_printable(warning),
                   "a warning has a place, and no control character");
    }
    for (const Named_Relay &relay : list.relays) {
        check_relay(relay);
    }
    return list;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::string text{reinterpret_cast<const char *>(data), size};
    const List first = read(text, false);
    const List all = read(text, true);
    fuzz_check(first.ok == all.ok && first.warnings == all.warnings, "the number of ports wanted changes no warning");
    fuzz_check(first.relays.size() <= all.relays.size(), "all ports give no fewer relays");
    const bool has_mark = text.starts_with("\xEF\xBB\xBF");
    if (first.ok && !has_mark) {
        const List marked = read("\xEF\xBB\xBF" + text, false);
        fuzz_check(marked.ok && marked.relays.size() == first.relays.size() && marked.warnings == first.warnings,
                   "a byte-order mark changes nothing");
    }
    // The same text as one entry among others.
    static_cast<void>(read("{\"nodes\": [" + text + ", {\"ipv4\": \"-\"}]}", true));
    return 0;
}
