// A TCP relay's part in Tox's onion: it passes a client's onion requests to the first node of the path over UDP, and
// passes the answers back. With this, clients without UDP find each other through relays that have no DHT of their own:
// a tox-bootstrapd is the only node of the DHT. For tests on loopback only, since answers of any sender are accepted.
#pragma once

#include <optional>

#include <toxtcp/wire.h>

namespace toxtcp {

/// Opens a UDP socket on 127.0.0.1 that does not block. The caller closes it. -1 on failure, with errno set.
[[nodiscard]] int open_onion_hop();

/// Passes on the body of an onion request. `client`: any number; it comes back with the answer.
void pass_onion_request(int socket, Bytes body, std::uint64_t client);

struct Onion_Answer {
    std::uint64_t client;
    Bytes body; ///< of the onion response; a part of the buffer
};

/// The next answer that has come. None when no answer has come, or when it is malformed. `buffer`: at least
/// MAX_PLAIN_SIZE bytes.
[[nodiscard]] std::optional<Onion_Answer> next_onion_answer(int socket, Mutable_Bytes buffer);

} // namespace toxtcp
