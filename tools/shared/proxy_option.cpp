#include "tools/shared/proxy_option.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <vector>

#include <poll.h>
#include <sys/socket.h>

#include <toxtcp/host.h>

#include "tools/commands.h"
#include "tools/shared/output.h"
#include "tools/shared/relay_list.h"
#include "tools/shared/values.h"
#include "tools/shared/whole_file.h"

namespace toxtcp {

namespace {

constexpr std::size_t MAX_WORD = 255; ///< bytes of a user or a password
constexpr const char *PROXY_FORM =
    ". A proxy is socks5://USER@HOST:PORT or http://USER@HOST:PORT, with or without USER@";

/// The text after a colon is not quoted: if the user has written USER:PASSWORD without @HOST, it is the password.
constexpr const char *ENDPOINT_IS_WRONG =
    "the port or the host is wrong. An IPv6 address stands in brackets, and a password is not given here";
constexpr int CONNECT_MS = 2'000; ///< for a connection to one of several addresses

/// The value of a hexadecimal digit; -1 if it is none.
int digit_of(char c) {
    const bool is_lower = c >= 'a' && c <= 'f';
    const bool is_upper = c >= 'A' && c <= 'F';
    return c >= '0' && c <= '9' ? c - '0' : is_lower ? c - 'a' + 10 : is_upper ? c - 'A' + 10 : -1;
}

/// Decodes %XX (%40 is an @) and appends to `decoded`. False for a percent sign without two digits.
bool decode(std::string_view text, std::string &decoded) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            decoded += text[i];
            continue;
        }
        const int high = i + 2 < text.size() ? digit_of(text[i + 1]) : -1;
        const int low = i + 2 < text.size() ? digit_of(text[i + 2]) : -1;
        if (high < 0 || low < 0) {
            return false;
        }
        decoded += static_cast<char>(16 * high + low);
        i += 2;
    }
    return true;
}

/// Reads the user. Returns what is wrong; empty if nothing.
std::string read_user(std::string_view text, Proxy_Option &read) {
    if (text.find(':') != std::string_view::npos) {
        return std::string{
                   "a password is not given here, where everybody could see it. Use --proxy-password-file or "} +
               PROXY_PASSWORD_VARIABLE;
    }
    if (!decode(text, read.user)) {
        return "a % in the user wants two hexadecimal digits behind it";
    }
    if (read.user.empty() || read.user.size() > MAX_WORD) {
        return "the user has 1 to " + std::to_string(MAX_WORD) + " bytes";
    }
    if (read.type == Proxy_Type::http && read.user.find(':') != std::string::npos) {
        return "the user of an HTTP proxy has no colon";
    }
    return "";
}

/// Reads the host and the port. Returns what is wrong; empty if nothing.
std::string read_endpoint(std::string_view text, Proxy_Option &read) {
    const std::size_t bracket = text.rfind(']');
    const std::size_t colon = text.rfind(':');
    const bool has_port = colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
    std::string fault;
    Host_Name host;
    const std::string_view word = has_port ? text.substr(0, colon) : text;
    const bool has_colon = word.find(':') != std::string_view::npos && !(word.starts_with('[') && word.ends_with(']'));
    if (has_port && !read_port(text.substr(colon + 1), read.port, fault)) {
        return ENDPOINT_IS_WRONG;
    }
    if (!read_host(word, host, fault)) {
        return has_colon ? ENDPOINT_IS_WRONG : "host " + fault;
    }
    if (host.family == Family::ipv6 && word.front() != '[') {
        return "the IPv6 address wants brackets around it: [" + host.text + ']';
    }
    read.host = host.text;
    return "";
}

bool take_scheme(std::string_view &text, std::string_view scheme) {
    const bool is_found = text.starts_with(scheme);
    text.remove_prefix(is_found ? scheme.size() : 0);
    return is_found;
}

/// Whether a connection to this address is accepted, within CONNECT_MS.
bool accepts_connection(const Host &host, const Ip_Port &address) {
    const int socket = host.connect(host.object, address);
    if (socket < 0) {
        return false;
    }
    pollfd polled{socket, POLLOUT, 0};
    int error = ETIMEDOUT;
    socklen_t size = sizeof error;
    if (poll(&polled, 1, CONNECT_MS) > 0) {
        getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size);
    }
    host.close(host.object, socket);
    return error == 0;
}

/// The first address that accepts a connection. If none does, the first address: the attempt to use it shows the cause.
Ip_Port choose_address(const std::vector<Relay_Address> &found) {
    Host *const host = found.size() > 1 ? new_system_host() : nullptr; // a single address needs no test
    Ip_Port chosen = found.front().address;
    if (host != nullptr) {
        const auto first = std::find_if(found.begin(), found.end(), [host](const Relay_Address &candidate) {
            return accepts_connection(*host, candidate.address);
        });
        chosen = first != found.end() ? first->address : chosen;
        kill_system_host(host);
    }
    return chosen;
}

bool find_address(const Proxy_Option &option, Ip_Port &address, std::string &error) {
    Named_Relay named;
    named.host = option.host;
    named.port = option.port;
    std::vector<Relay_Address> found;
    // No descriptor for signals: a signal still ends the program at this time.
    static_cast<void>(find_addresses({named}, Family::none, -1, found));
    if (found.empty() || !has_endpoint(found.front())) {
        error = "proxy " + in_quotes(option.host) + ": " + (found.empty() ? "the host has no address" : found[0].error);
        return false;
    }
    address = choose_address(found);
    return true;
}

bool find_password(const Proxy_Option &option, std::string &password, std::string &error) {
    const char *const variable = std::getenv(PROXY_PASSWORD_VARIABLE);
    if (!option.password_file.empty()) {
        if (!read_whole_file(option.password_file, password, error)) {
            return false;
        }
        password.resize(std::min(password.size(), password.find_first_of("\r\n")));
        error = exposure_warning(option.password_file, "password");
    } else if (variable != nullptr) {
        password = variable;
    }
    if (password.size() > MAX_WORD) {
        error = "the proxy's password has " + std::to_string(MAX_WORD) + " bytes at most";
        return false;
    }
    return true;
}

} // namespace

bool read_proxy(std::string_view text, Proxy_Option &proxy, std::string &error) {
    std::string_view rest = text;
    Proxy_Option read;
    if (take_scheme(rest, "socks5://")) {
        read.type = Proxy_Type::socks5;
        read.port = 1080;
    } else if (take_scheme(rest, "http://")) {
        read.type = Proxy_Type::http;
        read.port = 8080;
    } else {
        // The error does not quote the text, which may contain a password.
        error = std::string{"this is no proxy that is known"} + PROXY_FORM;
        return false;
    }
    if (rest.ends_with('/')) {
        rest.remove_suffix(1);
    }
    std::string fault;
    if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
        fault = read_user(rest.substr(0, at), read);
        rest.remove_prefix(at + 1);
    }
    if (fault.empty()) {
        fault = read_endpoint(rest, read);
    }
    if (!fault.empty()) {
        error = fault + PROXY_FORM;
        return false;
    }
    read.password_file = proxy.password_file;
    proxy = std::move(read);
    return true;
}

int find_proxy(const char *command, const Proxy_Option &option, Proxy &proxy) {
    Proxy found;
    std::string error;
    int result = EXIT_USAGE;
    if (option.type == Proxy_Type::none && !option.password_file.empty()) {
        error = "a proxy's password is given, and no --proxy";
    } else if (option.user.empty() && !option.password_file.empty()) {
        error = "a proxy's password is given, and no user in --proxy";
    } else if (option.user.empty() || find_password(option, found.password, error)) {
        result = EXIT_DONE;
    }
    if (!error.empty()) {
        print_error(command, error);
        error.clear();
    }
    if (result == EXIT_DONE && option.type != Proxy_Type::none && !find_address(option, found.address, error)) {
        print_error(command, error);
        result = EXIT_FAILED;
    }
    if (result == EXIT_DONE) {
        found.type = option.type;
        found.user = option.user;
        proxy = std::move(found);
    }
    return result;
}

} // namespace toxtcp
