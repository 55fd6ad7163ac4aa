// Fuzz target: a proxy's answer. The verdict is the same wherever the bytes are cut, and the same as that of a second,
// simple implementation. Every byte after an answer that grants the request is the relay's.
#include <cctype>
#include <string_view>

#include "fuzz/client.h"
#include "relay/proxy.h"

namespace toxtcp {

namespace {

/// The verdict on a whole answer: whether the proxy grants the request, and the size of the answer that does.
struct Opinion {
    bool granted = false;
    std::size_t size = 0;
};

/// The status code in an HTTP status line, without its line end; 0: it is no status line.
unsigned status_of(std::string_view line) {
    const auto is_digit = [&](std::size_t at) { return at < line.size() && line[at] >= '0' && line[at] <= '9'; };
    const auto is_space = [&](std::size_t at) { return at < line.size() && (line[at] == ' ' || line[at] == '\t'); };
    constexpr std::string_view name = "http/";
    for (std::size_t i = 0; i < name.size(); ++i) {
        if (i >= line.size() || (line[i] != name[i] && line[i] != std::toupper(name[i]))) {
            return 0;
        }
    }
    std::size_t at = name.size() + 1;
    if (!is_digit(at - 1)) {
        return 0;
    }
    while (is_digit(at) || (at < line.size() && line[at] == '.')) {
        ++at;
    }
    const std::size_t version = at;
    while (is_space(at)) {
        ++at;
    }
    if (at == version || !is_digit(at) || !is_digit(at + 1) || !is_digit(at + 2)) {
        return 0;
    }
    const bool ends = at + 3 == line.size() || is_space(at + 3) || line[at + 3] == '\r';
    const unsigned status =
        static_cast<unsigned>(100 * (line[at] - '0') + 10 * (line[at + 1] - '0') + line[at + 2] - '0');
    return ends && status >= 100 ? status : 0;
}

Opinion read_http(Bytes answer) {
    const std::string_view text{reinterpret_cast<const char *>(answer.data()),
                                std::min(answer.size(), MAX_PROXY_ANSWER)};
    std::size_t at = 0;
    const auto next_line = [&](std::string_view &line) {
        const std::size_t end = text.find('\n', at);
        line = text.substr(at, end == std::string_view::npos ? end : end - at);
        at = end == std::string_view::npos ? end : end + 1;
        return at != std::string_view::npos;
    };
    std::string_view line;
    while (next_line(line)) {
        const unsigned status = status_of(line);
        if (status == 0 || status >= 300) {
            return {};
        }
        bool is_there = false;
        while ((is_there = next_line(line)) && line.find_first_not_of('\r') != std::string_view::npos) {
        }
        if (!is_there) {
            return {};
        }
        if (status >= 200) {
            return {true, at};
        }
    }
    return {};
}

Opinion read_socks5(Bytes answer, bool with_user) {
    const bool by_password = with_user && answer.size() > 1 && answer[1] == 2;
    const std::size_t at = by_password ? 4 : 2;
    if (answer.size() < at + 5 || answer[0] != 5 || (answer[1] != 0 && !by_password) ||
        (by_password && answer[3] != 0) || answer[at] != 5 || answer[at + 1] != 0) {
        return {};
    }
    const std::uint8_t type = answer[at + 3];
    const std::size_t address = type == 0 || type == 1 ? 4 : type == 3 ? answer[at + 4] + 1U : type == 4 ? 16 : 0;
    const std::size_t size = at + 4 + address + 2;
    return {address != 0 && answer.size() >= size, size};
}

/// Starts a client and delivers `bytes` to it. The pieces have the sizes in `pattern`, plus 1; empty: one piece.
void run(Fuzz_Client &client, Proxy_Type proxy, bool with_user, Bytes bytes, Bytes pattern) {
    fuzz_client_start(client, proxy, with_user);
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
    fuzz_check(a.relay.in_size == b.relay.in_size, "as many bytes are left when cut");
    fuzz_check(a.relay.phase == Relay_Phase::ended ||
                   std::equal(a.relay.in.begin(), a.relay.in.begin() + a.relay.in_size, b.relay.in.begin()),
               "the same bytes are left when cut");
    // A client that has ended sends no more of what was pending.
    fuzz_check(a.relay.phase == Relay_Phase::ended || a.sent == b.sent, "the same is sent when cut");
}

void check_verdict(const Fuzz_Client &client, Bytes bytes, const Opinion &opinion) {
    const Relay_Phase phase = client.relay.phase;
    const Reason reason = client.relay.reason;
    const bool refused =
        reason == Reason::proxy_refused || reason == Reason::proxy_password || reason == Reason::proxy_malformed;
    if (!opinion.granted) {
        fuzz_check(phase < Relay_Phase::handshake || (phase == Relay_Phase::ended && refused),
                   "without a granting answer there is no handshake");
        return;
    }
    const std::size_t rest = bytes.size() - opinion.size;
    if (rest < HANDSHAKE_RESPONSE_SIZE) {
        fuzz_check(phase == Relay_Phase::handshake && client.relay.in_size == rest,
                   "after a granting answer the rest is the relay's");
        fuzz_check(std::equal(bytes.end() - static_cast<std::ptrdiff_t>(rest), bytes.end(), client.relay.in.begin()),
                   "the bytes after the answer are kept");
    } else {
        fuzz_check(phase == Relay_Phase::ended && reason == Reason::handshake_failed, "granted, but no handshake");
    }
}

} // namespace

} // namespace toxtcp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    using namespace toxtcp;
    Fuzz_Input input{{data, size}};
    const Proxy_Type proxy = input.flag() ? Proxy_Type::http : Proxy_Type::socks5;
    const bool with_user = input.flag();
    const Bytes pattern = input.bytes(1 + input.below(4));
    const Bytes bytes = input.left;

    Fuzz_Client whole;
    run(whole, proxy, with_user, bytes, {});
    check_verdict(whole, bytes, proxy == Proxy_Type::http ? read_http(bytes) : read_socks5(bytes, with_user));

    Fuzz_Client cut;
    run(cut, proxy, with_user, bytes, pattern);
    check_same(whole, cut);

    const std::uint8_t one_by_one = 0;
    run(cut, proxy, with_user, bytes, {&one_by_one, 1});
    check_same(whole, cut);
    return 0;
}
