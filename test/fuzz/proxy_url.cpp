// Fuzz target: the option --proxy with any bytes is read, or refused with a cause that shows no password. What is read
// is the same when it is written and read again.
#include <algorithm>
#include <string>

#include "fuzz/fuzz.h"
#include "tools/shared/proxy_option.h"

using namespace toxtcp;

namespace {

std::string print(const Proxy_Option &proxy) {
    std::string text = proxy.type == Proxy_Type::http ? "http://" : "socks5://";
    for (const char c : proxy.user) {
        constexpr char DIGITS[] = "0123456789abcdef";
        text += '%';
        text += DIGITS[static_cast<unsigned char>(c) >> 4];
        text += DIGITS[c & 15];
    }
    text += proxy.user.empty() ? "" : "@";
    const bool v6 = proxy.host.find(':') != std::string::npos;
    return text + (v6 ? '[' + proxy.host + ']' : proxy.host) + ':' + std::to_string(proxy.port);
}

/// Whether the error for another password, between `begin` and `end` of the text, has the same words: they are its own.
bool says_anyway(std::string text, std::size_t begin, std::size_t end, const std::string &password) {
    std::fill(text.begin() + static_cast<std::ptrdiff_t>(begin), text.begin() + static_cast<std::ptrdiff_t>(end), 'x');
    Proxy_Option proxy;
    std::string error;
    return !read_proxy(text, proxy, error) && error.find(password) != std::string::npos;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::string text{reinterpret_cast<const char *>(data), size};
    Proxy_Option proxy;
    proxy.password_file = "kept";
    std::string error;
    if (!read_proxy(text, proxy, error)) {
        fuzz_check(proxy.type == Proxy_Type::none && proxy.host.empty(), "an option that is refused changes nothing");
        fuzz_check(!error.empty() &&
                       std::all_of(error.begin(), error.end(), [](char c) { return c >= ' ' && c <= '~'; }),
                   "an error has no control character");
        const std::size_t scheme = text.find("://");
        const std::size_t at = std::min(text.rfind('@'), text.size()); // without an @, what follows may be a user, too
        const std::size_t colon = text.rfind(':', at);
        const bool has_password = colon != std::string::npos && scheme != std::string::npos && colon > scheme;
        const std::string password = has_password ? text.substr(colon + 1, at - colon - 1) : "";
        const bool is_ipv6 = at == text.size() && password.ends_with(']');
        const bool is_elsewhere = text.find(password) <= colon || text.find(password, colon + 2) != std::string::npos;
        const bool may_show = is_ipv6 || password.size() <= 8 || is_elsewhere;
        fuzz_check(may_show || error.find(password) == std::string::npos || says_anyway(text, colon + 1, at, password),
                   "an error shows no password");
        return 0;
    }
    fuzz_check(error.empty(), "there is no error where the option is read");
    fuzz_check(!proxy.host.empty() && proxy.port != 0 && proxy.user.size() <= 255, "a proxy has a host and a port");
    fuzz_check(proxy.password_file == "kept", "the file of the password stays as it was");
    Proxy_Option again;
    fuzz_check(read_proxy(print(proxy), again, error), "an option that is written can be read");
    fuzz_check(again.type == proxy.type && again.user == proxy.user && again.host == proxy.host &&
                   again.port == proxy.port,
               "an option is the same when read again");
    return 0;
}
