#include "interop/real_relay.h"

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace toxtcp {

namespace {

constexpr std::uint64_t START_LIMIT_MS = 20'000; ///< far more than a start takes where sanitizers load the machine
constexpr std::uint64_t STOP_LIMIT_MS = 10'000;
constexpr int LOOK_AGAIN_MS = 5;
constexpr int START_ATTEMPTS = 5; ///< another program may take a port between our check and the child's bind

/// Below the ports that the system gives to outgoing connections. So no such connection takes the port of a relay that
/// is down, and no connection to that port connects to itself.
constexpr std::uint16_t FIRST_PORT = 20'000;
constexpr std::uint16_t LAST_PORT = 32'000;

std::uint64_t now_ms() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000 + static_cast<std::uint64_t>(time.tv_nsec) / 1'000'000;
}

/// Waits until the condition holds; false when it does not within the limit.
template <typename Condition>
bool wait_until(std::uint64_t limit_ms, Condition holds) {
    const std::uint64_t end = now_ms() + limit_ms;
    while (!holds()) {
        if (now_ms() >= end) {
            return false;
        }
        poll(nullptr, 0, LOOK_AGAIN_MS);
    }
    return true;
}

// ---- directories ------------------------------------------------------------------------------------------------

std::vector<std::string> &directories() {
    static std::vector<std::string> list;
    return list;
}

void remove_directories() {
    for (const std::string &directory : directories()) {
        std::error_code ignored;
        std::filesystem::remove_all(directory, ignored);
    }
}

bool make_directory(std::string &directory) {
    if (directories().empty()) {
        std::atexit(remove_directories); // after the list was made, so that it runs before the list is destroyed
    }
    std::string name = std::filesystem::temp_directory_path() / "toxtcp-interop-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) {
        return false;
    }
    directory = name;
    directories().push_back(name);
    return true;
}

bool write_file(const std::string &path, const std::string &text) {
    std::ofstream file(path);
    file << text << std::flush;
    return file.good();
}

// ---- ports ------------------------------------------------------------------------------------------------------

socklen_t to_sockaddr(const Ip_Port &address, sockaddr_storage &out) {
    out = {};
    if (address.family == Family::ipv6) {
        sockaddr_in6 &v6 = reinterpret_cast<sockaddr_in6 &>(out);
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(address.port);
        std::copy_n(address.ip.begin(), 16, v6.sin6_addr.s6_addr);
        return sizeof v6;
    }
    sockaddr_in &v4 = reinterpret_cast<sockaddr_in &>(out);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(address.port);
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return sizeof v4;
}

/// Whether a socket can be bound to this address. The socket is closed again.
bool can_bind(int type, const Ip_Port &address) {
    sockaddr_storage to;
    const socklen_t size = to_sockaddr(address, to);
    const int fd = socket(to.ss_family, type | SOCK_CLOEXEC, 0);
    const bool bound = fd >= 0 && bind(fd, reinterpret_cast<sockaddr *>(&to), size) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return bound;
}

bool port_is_free(std::uint16_t port) {
    for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
        if (!can_bind(type, loopback(Family::ipv4, port)) ||
            (has_ipv6() && !can_bind(type, loopback(Family::ipv6, port)))) {
            return false;
        }
    }
    return true;
}

/// Keeps the port for this test until its process ends: each test has a socket named after each of its ports, the tests
/// in Python too (test/support/real_programs.py). False if another test has it.
bool reserve_port(std::uint16_t port) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    const std::string text = "toxtcp-test-" + std::to_string(port); // after a zero byte: no file has this name
    text.copy(name.sun_path + 1, text.size());
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + text.size());
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && bind(fd, reinterpret_cast<sockaddr *>(&name), size) == 0) {
        return true;
    }
    close(fd);
    return false;
}

std::uint16_t free_port() {
    static std::random_device random;
    std::uniform_int_distribution<unsigned int> any(FIRST_PORT, LAST_PORT);
    std::uint16_t port = 0;
    do {
        port = static_cast<std::uint16_t>(any(random));
    } while (!reserve_port(port) || !port_is_free(port));
    return port;
}

bool answers(const Ip_Port &address) {
    sockaddr_storage to;
    const socklen_t size = to_sockaddr(address, to);
    const int fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool connected = fd >= 0 && connect(fd, reinterpret_cast<sockaddr *>(&to), size) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return connected;
}

/// Waits until the child answers at its port. False when the child has ended.
bool wait_for_answer(Child &child, const Ip_Port &address) {
    const bool settled = wait_until(START_LIMIT_MS, [&] { return !child_runs(child) || answers(address); });
    return settled && child_runs(child);
}

// ---- processes --------------------------------------------------------------------------------------------------

/// In the child, between fork and exec: nothing here may allocate.
[[noreturn]] void become(pid_t parent, int output, char *const *words) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int nothing = open("/dev/null", O_RDONLY);
    const bool ready = getppid() == parent && dup2(nothing, STDIN_FILENO) == STDIN_FILENO &&
                       dup2(output, STDOUT_FILENO) == STDOUT_FILENO && dup2(output, STDERR_FILENO) == STDERR_FILENO;
    if (ready) {
        execv(words[0], words);
    }
    _exit(127);
}

std::string output_path(const Child &child) {
    return child.directory + "/output";
}

// ---- the relay --------------------------------------------------------------------------------------------------

std::string keys_path(const Real_Relay &relay) {
    return relay.child.directory + "/keys";
}

std::string config_path(const Child &child) {
    return child.directory + "/config";
}

bool write_relay_config(const Real_Relay &relay) {
    std::ostringstream text;
    text << "port=" << relay.udp.port << "\n"
         << "keys_file_path=\"" << keys_path(relay) << "\"\n"
         << "pid_file_path=\"" << relay.child.directory << "/pid\"\n"
         << "enable_ipv6=" << (relay.address.family == Family::ipv6 ? "true" : "false") << "\n"
         << "enable_ipv4_fallback=false\n"
         << "enable_lan_discovery=false\n"
         << "enable_tcp_relay=true\n"
         << "tcp_relay_ports=[" << relay.address.port << "]\n"
         << "enable_motd=false\n";
    return write_file(config_path(relay.child), text.str());
}

/// The public key comes first in the keys file, which is there before the relay listens.
bool read_relay_key(Real_Relay &relay) {
    std::ifstream file(keys_path(relay), std::ios::binary);
    file.read(reinterpret_cast<char *>(relay.key.data()), static_cast<std::streamsize>(relay.key.size()));
    return file.gcount() == static_cast<std::streamsize>(relay.key.size());
}

bool run_relay(Real_Relay &relay) {
    const bool started = child_start(
        relay.child, {TOX_BOOTSTRAPD, "--config", config_path(relay.child), "--foreground", "--log-backend", "stdout"});
    return started && wait_for_answer(relay.child, relay.address) && read_relay_key(relay);
}

// ---- the proxies ------------------------------------------------------------------------------------------------

std::string proxy_program([[maybe_unused]] Proxy_Type type) {
#ifdef TINYPROXY
    if (type == Proxy_Type::http) {
        return TINYPROXY;
    }
#endif
#ifdef MICROSOCKS
    if (type == Proxy_Type::socks5) {
        return MICROSOCKS;
    }
#endif
    return "";
}

/// Without a line ConnectPort, tinyproxy lets CONNECT go to any port.
bool write_tinyproxy_config(const Real_Proxy &proxy) {
    std::ostringstream text;
    text << "Port " << proxy.proxy.address.port << "\n"
         << "Listen 127.0.0.1\n"
         << "Timeout 600\n"
         << "MaxClients 100\n";
    return write_file(config_path(proxy.child), text.str());
}

bool run_proxy(Real_Proxy &proxy) {
    const std::string program = proxy_program(proxy.proxy.type);
    if (proxy.proxy.type == Proxy_Type::http) {
        return write_tinyproxy_config(proxy) &&
               child_start(proxy.child, {program, "-d", "-c", config_path(proxy.child)});
    }
    return child_start(proxy.child, {program, "-i", "127.0.0.1", "-p", std::to_string(proxy.proxy.address.port)});
}

} // namespace

bool child_start(Child &child, const std::vector<std::string> &words) {
    if (child.directory.empty() && !make_directory(child.directory)) {
        return false;
    }
    const int output = open(output_path(child).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (output < 0) {
        return false;
    }
    std::vector<char *> pointers;
    for (const std::string &word : words) {
        pointers.push_back(const_cast<char *>(word.c_str())); // execv wants them without const, and writes nothing
    }
    pointers.push_back(nullptr);

    const pid_t parent = getpid();
    child.pid = fork();
    if (child.pid == 0) {
        become(parent, output, pointers.data());
    }
    close(output);
    return child.pid > 0;
}

bool child_runs(Child &child) {
    if (child.pid > 0 && waitpid(child.pid, nullptr, WNOHANG) == child.pid) {
        child.pid = -1;
    }
    return child.pid > 0;
}

void child_hang(Child &child) {
    if (child_runs(child)) {
        int status = 0;
        kill(child.pid, SIGSTOP);
        waitpid(child.pid, &status, WUNTRACED);
        if (!WIFSTOPPED(status)) {
            child.pid = -1;
        }
    }
}

void child_go_on(const Child &child) {
    if (child.pid > 0) {
        kill(child.pid, SIGCONT);
    }
}

void child_kill(Child &child) {
    if (child.pid > 0) {
        kill(child.pid, SIGKILL);
        waitpid(child.pid, nullptr, 0);
        child.pid = -1;
    }
}

int child_stop(Child &child) {
    if (child.pid <= 0) {
        return -1;
    }
    kill(child.pid, SIGTERM);
    int status = 0;
    const bool ended = wait_until(STOP_LIMIT_MS, [&] { return waitpid(child.pid, &status, WNOHANG) == child.pid; });
    if (!ended) {
        child_kill(child);
        return -1;
    }
    child.pid = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string child_output(const Child &child) {
    std::ifstream file(output_path(child));
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

bool real_relay_start(Real_Relay &relay, Family family) {
    for (int attempt = 0; attempt < START_ATTEMPTS; ++attempt) {
        relay = {};
        relay.address = loopback(family, free_port());
        relay.udp = loopback(family, free_port());
        if (make_directory(relay.child.directory) && write_relay_config(relay) && run_relay(relay)) {
            return true;
        }
        child_kill(relay.child);
    }
    return false;
}

bool real_relay_restart(Real_Relay &relay) {
    for (int attempt = 0; attempt < START_ATTEMPTS; ++attempt) {
        if (run_relay(relay)) {
            return true;
        }
        child_kill(relay.child);
    }
    return false;
}

bool real_proxy_exists(Proxy_Type type) {
    return !proxy_program(type).empty();
}

bool real_proxy_start(Real_Proxy &proxy, Proxy_Type type) {
    for (int attempt = 0; attempt < START_ATTEMPTS; ++attempt) {
        proxy = {};
        proxy.proxy = {type, loopback(Family::ipv4, free_port())};
        if (make_directory(proxy.child.directory) && run_proxy(proxy) &&
            wait_for_answer(proxy.child, proxy.proxy.address)) {
            return true;
        }
        child_kill(proxy.child);
    }
    return false;
}

bool has_ipv6() {
    static const bool has = can_bind(SOCK_STREAM, loopback(Family::ipv6, 0));
    return has;
}

Ip_Port loopback(Family family, std::uint16_t port) {
    Ip_Port address;
    address.family = family;
    address.port = port;
    if (family == Family::ipv6) {
        address.ip[15] = 1;
    } else {
        address.ip[0] = 127;
        address.ip[3] = 1;
    }
    return address;
}

} // namespace toxtcp
