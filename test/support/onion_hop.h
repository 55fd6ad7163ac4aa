// A TCP relay's part in Tox's onion: it passes a client's onion requests on to the first node of the path over UDP, and
// the answers back. So clients without UDP find each other through relays that have no DHT of their own; one
// tox-bootstrapd, as the only node there is, does the rest. For tests on loopback: whoever knows the port is believed.
#pragma once

#include <optional>

#include <toxtcp/wire.h>

namespace toxtcp {

/// A UDP socket of 127.0.0.1 that does not block, the caller's to close; -1 with errno set.
[[nodiscard]] int open_onion_hop();

/// Passes on the body of an onion request. `client`: any number, which comes back with the answer.
void pass_onion_request(int socket, Bytes body, std::uint64_t client);

struct Onion_Answer {
    std::uint64_t client;
    Bytes body; ///< of the onion response; a part of the buffer
};

/// The next answer that has come; none when there is none, or it is malformed. `buffer`: at least MAX_PLAIN_SIZE bytes.
[[nodiscard]] std::optional<Onion_Answer> next_onion_answer(int socket, Mutable_Bytes buffer);

} // namespace toxtcp
