// A relay connection with its socket. Carries bytes between the state machine (relay_client.h) and the host's socket.
#pragma once

#include <memory>

#include <toxtcp/host.h>

#include "relay/relay_client.h"

namespace toxtcp {

struct Relay_Link {
    Relay_Client client;
    int socket = -1;
    bool writing = false;             ///< the host watches the socket for writing, too
    std::uint64_t sent = 0;           ///< bytes that this socket has taken
    std::unique_ptr<Relay_Link> next; ///< the next link, for a link in a list
};

/// What all links of one owner share.
struct Link_Context {
    Host host;
    Identity self;
    Proxy proxy;
};

inline Random host_random(const Host &host) {
    return {host.object, host.random};
}

/// Begins to connect. The host reports readiness with `tag`. False: no socket, or a key of low order; the client has
/// the reason.
[[nodiscard]] bool link_open(Relay_Link &link, const Link_Context &context, const Relay_Endpoint &endpoint,
                             const Public_Key &key, std::uint32_t tag, std::uint64_t now);

/// Closes the socket. Ends the relay for this reason, unless the relay has ended already.
void link_close(Relay_Link &link, const Host &host, Reason reason);

/// Reads once. The bytes go to a frame that arrived in part, and then to `buffer`; `input` is the filled part of
/// `buffer`. Returns the number of bytes. 0: there is nothing to read, or the relay has ended; `input` is then
/// unchanged.
std::size_t link_receive(Relay_Link &link, const Host &host, Mutable_Bytes buffer, Mutable_Bytes &input);

/// Sends the pending bytes. If some are left, the host watches the socket for writing. Returns whether the socket took
/// any.
bool link_flush(Relay_Link &link, const Host &host, std::uint32_t tag);

/// Seals and sends one packet at once. `full`: nothing was sent. `too_long`: the packet breaks a limit. `not_online`:
/// the relay is not connected, or its socket has just failed.
Error link_send(Relay_Link &link, const Host &host, const Packet &packet, std::uint32_t tag);

/// Sends many data packets in few system calls. `scratch` has room for one frame at least. Returns how many packets
/// were sent: fewer than all if the socket is full, the relay has ended, or a packet breaks a limit.
std::size_t link_send_data(Relay_Link &link, const Host &host, std::uint8_t id, std::span<const Bytes> packets,
                           Mutable_Bytes scratch, std::uint32_t tag);

} // namespace toxtcp
