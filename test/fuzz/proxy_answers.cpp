// A proxy's answer: the verdict is the same wherever the bytes are cut, it is the one that a plain reading of the
// protocol gives, and every byte after a granting answer is the relay's.
#include <string_view>

#include "fuzz/client.h"
#include "relay/proxy.h"

namespace toxtcp {

namespace {

/// What a proxy's answer comes to, all of it at once: how many bytes granted, or that it did not.
struct Opinion {
    bool granted = false;
    std::size_t size = 0;
};

Opinion read_http(Bytes answer) {
    const std::string_view text{reinterpret_cast<const char *>(answer.data()), answer.size()};
    const std::size_t end = text.find("\r\n\r\n");
    if (end == std::string_view::npos || end + 4 > MAX_PROXY_ANSWER) {
        return {};
    }
    const auto is_digit = [&](std::size_t at) { return text[at] >= '0' && text[at] <= '9'; };
    const bool shaped = end >= 12 && text.starts_with("HTTP/1.") && is_digit(7) && text[8] == ' ' && text[9] == '2' &&
                        is_digit(10) && is_digit(11) && (text[12] == ' ' || text[12] == '\r');
    return {shaped, end + 4};
}

Opinion read_socks5(Bytes answer) {
    if (answer.size() < 7 || answer[0] != 5 || answer[1] != 0 || answer[2] != 5 || answer[3] != 0 || answer[4] != 0) {
        return {};
    }
    const std::size_t address = answer[5] == 1 ? 4 : answer[5] == 3 ? answer[6] + 1U : answer[5] == 4 ? 16 : 0;
    const std::size_t size = 2 + 4 + address + 2;
    return {address != 0 && answer.size() >= size, size};
}

/// Where it is after these bytes, which come in pieces as the pattern says.
void run(Fuzz_Client &client, Proxy_Type proxy, Bytes bytes, Bytes pattern) {
    fuzz_client_start(client, proxy);
    fuzz_client_take(client, SIZE_MAX);
    client.coming.assign(bytes.begin(), bytes.end());
    for (std::size_t i = 0; !client.coming.empty(); ++i) {
        const std::size_t piece = pattern.empty() ? client.coming.size() : pattern[i % pattern.size()] + std::size_t{1};
        fuzz_client_deliver(client, piece, false);
        fuzz_client_take(client, SIZE_MAX);
    }
}

void check_same(const Fuzz_Client &a, const Fuzz_Client &b) {
    fuzz_check(a.relay.phase == b.relay.phase && a.relay.reason == b.relay.reason, "the verdict is the same when cut");
    fuzz_check(a.relay.in_size == b.relay.in_size, "and so is what is left for the relay's answer");
    fuzz_check(a.relay.phase == Relay_Phase::ended ||
                   std::equal(a.relay.in.begin(), a.relay.in.begin() + a.relay.in_size, b.relay.in.begin()),
               "byte for byte");
    // What is to be said is not said any more once it has ended.
    fuzz_check(a.relay.phase == Relay_Phase::ended || a.sent == b.sent, "and what was said");
}

void check_verdict(const Fuzz_Client &client, Bytes bytes, const Opinion &opinion) {
    const Relay_Phase phase = client.relay.phase;
    const Reason reason = client.relay.reason;
    const bool refused = reason == Reason::proxy_refused || reason == Reason::proxy_malformed;
    if (!opinion.granted) {
        fuzz_check(phase < Relay_Phase::handshake || (phase == Relay_Phase::ended && refused),
                   "no answer, no handshake");
        return;
    }
    const std::size_t rest = bytes.size() - opinion.size;
    if (rest < HANDSHAKE_RESPONSE_SIZE) {
        fuzz_check(phase == Relay_Phase::handshake && client.relay.in_size == rest,
                   "granted, and the rest is the relay's");
        fuzz_check(std::equal(bytes.end() - static_cast<std::ptrdiff_t>(rest), bytes.end(), client.relay.in.begin()),
                   "byte for byte");
    } else {
        fuzz_check(phase == Relay_Phase::ended && reason == Reason::handshake_failed, "granted, but no relay");
    }
}

} // namespace

} // namespace toxtcp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    using namespace toxtcp;
    Fuzz_Input input{{data, size}};
    const Proxy_Type proxy = input.flag() ? Proxy_Type::http : Proxy_Type::socks5;
    const Bytes pattern = input.bytes(1 + input.below(4));
    const Bytes bytes = input.left;

    Fuzz_Client whole;
    run(whole, proxy, bytes, {});
    check_verdict(whole, bytes, proxy == Proxy_Type::http ? read_http(bytes) : read_socks5(bytes));

    Fuzz_Client cut;
    run(cut, proxy, bytes, pattern);
    check_same(whole, cut);

    const std::uint8_t one_by_one = 0;
    run(cut, proxy, bytes, {&one_by_one, 1});
    check_same(whole, cut);
    return 0;
}
