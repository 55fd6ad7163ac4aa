// A relay and its socket: carries bytes between the state machine in lib/relay and the host.
#pragma once

#include <memory>

#include <toxtcp/host.h>

#include "relay/relay_client.h"

namespace toxtcp {

struct Relay_Link {
    Relay_Client client;
    int socket = -1;
    bool writing = false;             ///< the host watches for room to write
    std::uint64_t sent = 0;           ///< bytes that the socket has taken
    std::unique_ptr<Relay_Link> next; ///< when it is kept in a list
};

/// What every link of one owner shares.
struct Link_Context {
    Host host;
    Identity self;
    Proxy proxy;
};

inline Random host_random(const Host &host) {
    return {host.object, host.random};
}

/// Begins to connect; `tag` is what readiness comes with. False: no socket.
[[nodiscard]] bool link_open(Relay_Link &link, const Link_Context &context, const Relay_Place &place,
                             const Public_Key &key, std::uint32_t tag, std::uint64_t now);

/// Closes the socket and ends the relay for this reason, unless it has ended already.
void link_close(Relay_Link &link, const Host &host, Reason reason);

/// One read. How many bytes came: to the frame already begun first, the others to `buffer`, of which `input` is what
/// is filled. 0: nothing is there, or the relay has ended.
std::size_t link_receive(Relay_Link &link, const Host &host, Mutable_Bytes buffer, Mutable_Bytes &input);

/// Sends what is pending, and has the host watch for room if that was not all of it. Whether the socket took any.
bool link_flush(Relay_Link &link, const Host &host, std::uint32_t tag);

/// Seals and sends one packet at once. `full`: it was not sent. `not_online`: the relay is not up, or ended by this.
Error link_send(Relay_Link &link, const Host &host, const Packet &packet, std::uint32_t tag);

/// The same for data packets in few calls; `scratch` holds at least one frame. How many of them went; fewer than all
/// when the socket is full, when the relay ended, or when one breaks a limit.
std::size_t link_send_data(Relay_Link &link, const Host &host, std::uint8_t id, std::span<const Bytes> packets,
                           Mutable_Bytes scratch, std::uint32_t tag);

} // namespace toxtcp
