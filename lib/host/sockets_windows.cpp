#include "host/sockets.h"

#include <winsock2.h>
#include <ws2tcpip.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <climits>

#include "host/sockaddr.h"

namespace toxtcp {

namespace {

// A SOCKET is a handle. Windows uses only 32 bits of a handle, even where the type is wider.
SOCKET handle_of(int socket) {
    return static_cast<SOCKET>(socket);
}

ULONG length_of(std::size_t size) {
    return static_cast<ULONG>(std::min<std::size_t>(size, INT_MAX));
}

/// For a socket that is not connected: true if connecting has failed, false if it is still under way.
bool has_failed(SOCKET socket) {
    int error = 0;
    int size = sizeof error;
    return getsockopt(socket, SOL_SOCKET, SO_ERROR, reinterpret_cast<char *>(&error), &size) != 0 || error != 0;
}

std::ptrdiff_t why_none(SOCKET socket) {
    const int error = WSAGetLastError();
    const bool later = error == WSAEWOULDBLOCK || error == WSAEINTR || (error == WSAENOTCONN && !has_failed(socket));
    return later ? SOCKET_WOULD_BLOCK : SOCKET_FAILED;
}

WSABUF buffer_of(Mutable_Bytes bytes) {
    return {length_of(bytes.size()), reinterpret_cast<char *>(bytes.data())};
}

} // namespace

bool sockets_open() {
    WSADATA data;
    return WSAStartup(MAKEWORD(2, 2), &data) == 0;
}

void sockets_close() {
    WSACleanup();
}

int socket_connect(const Ip_Port &address) {
    sockaddr_storage to;
    const int size = to_sockaddr(address, to);
    const SOCKET handle = WSASocketW(to.ss_family, SOCK_STREAM, IPPROTO_TCP, nullptr, 0,
                                     WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    if (handle == INVALID_SOCKET) {
        return -1;
    }
    u_long non_blocking = 1;
    // Small packets are sent without delay.
    const BOOL on = TRUE;
    setsockopt(handle, IPPROTO_TCP, TCP_NODELAY, reinterpret_cast<const char *>(&on), sizeof on);
    if (handle > INT_MAX || ioctlsocket(handle, static_cast<long>(FIONBIO), &non_blocking) != 0 ||
        (connect(handle, reinterpret_cast<const sockaddr *>(&to), size) != 0 && WSAGetLastError() != WSAEWOULDBLOCK)) {
        closesocket(handle);
        return -1;
    }
    return static_cast<int>(handle);
}

std::ptrdiff_t socket_send(int socket, Bytes bytes) {
    const int sent = send(handle_of(socket), reinterpret_cast<const char *>(bytes.data()),
                          static_cast<int>(length_of(bytes.size())), 0);
    return sent >= 0 ? sent : why_none(handle_of(socket));
}

std::ptrdiff_t socket_receive(int socket, Mutable_Bytes first, Mutable_Bytes rest) {
    std::array<WSABUF, 2> parts{buffer_of(first), buffer_of(rest)};
    const std::size_t skipped = first.empty() ? 1 : 0;
    DWORD got = 0;
    DWORD flags = 0;
    if (WSARecv(handle_of(socket), parts.data() + skipped, static_cast<DWORD>(parts.size() - skipped), &got, &flags,
                nullptr, nullptr) != 0) {
        return why_none(handle_of(socket));
    }
    return static_cast<std::ptrdiff_t>(got);
}

std::uint64_t monotonic_ms() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

void socket_close(int socket) {
    closesocket(handle_of(socket));
}

int sockets_poll(std::span<Poll_Entry> entries, int milliseconds) {
    if (entries.empty()) { // WSAPoll fails without entries
        Sleep(milliseconds < 0 ? INFINITE : static_cast<DWORD>(milliseconds));
        return 0;
    }
    return WSAPoll(entries.data(), static_cast<ULONG>(entries.size()), milliseconds);
}

} // namespace toxtcp
