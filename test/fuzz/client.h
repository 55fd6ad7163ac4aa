// A Relay_Client with both its sides in the fuzzer's hands: the relay that it talks to, and the owner that carries its
// bytes. Everything it does is compared with a second opinion of what it may do.
#pragma once

#include <vector>

#include "fuzz/fuzz.h"
#include "relay/relay_client.h"

namespace toxtcp {

struct Fuzz_Client {
    Relay_Client relay;
    Fuzz_Random random;
    std::uint64_t now = 1'000;
    std::vector<std::uint8_t> coming; ///< on its way to the client
    std::vector<std::uint8_t> sent;   ///< taken from it, and not read yet
    bool ended = false;               ///< it was seen to have

    // The relay's side.
    bool answered = false;
    Channel channel;
    std::uint64_t ping_id = 0; ///< of the client's last ping

    // What is known of the routing ids, by id less 16.
    std::bitset<MAX_ROUTES> given; ///< the client has told of it, and not left it
    std::bitset<MAX_ROUTES> online;
    std::array<std::uint32_t, MAX_ROUTES> references{};
};

/// Who the relay is.
[[nodiscard]] const Secret_Key &fuzz_relay_secret();

/// A client that has just begun. The same as though `relay_start` had been called, but only the first time costs what
/// that does.
void fuzz_client_start(Fuzz_Client &client, Proxy_Type proxy, bool with_user = false);

/// Begins anew with the same memory, as an owner may.
void fuzz_client_restart(Fuzz_Client &client, Proxy_Type proxy);

/// Draws the relay's answer to the last 128 bytes that the client has sent, and keeps the channel. False when these are
/// no handshake request, or it was answered.
[[nodiscard]] bool fuzz_client_answer(Fuzz_Client &client, std::array<std::uint8_t, HANDSHAKE_RESPONSE_SIZE> &response);

/// Lets the client be confirmed, if it is as far as that: once, ever after a copy of the first time.
void fuzz_client_confirmed(Fuzz_Client &client);

/// Lets that much arrive. With `missing`, as an owner reads that fills the client's own buffer first.
void fuzz_client_deliver(Fuzz_Client &client, std::size_t count, bool missing);

/// Lets time pass, and does what is due.
void fuzz_client_wait(Fuzz_Client &client, std::uint64_t ms);

/// Takes that much of what is pending, and as the relay reads the packets that are complete.
void fuzz_client_take(Fuzz_Client &client, std::size_t count);

/// Puts a sealed packet on its way to the client. False when the plain bytes are none or too many for one.
bool fuzz_client_seal(Fuzz_Client &client, Bytes plain);

void fuzz_client_leave(Fuzz_Client &client, std::uint8_t id);
void fuzz_client_reference(Fuzz_Client &client, std::uint8_t id, std::uint32_t reference);

/// Sends a data packet as an owner does whose socket takes `taken` bytes of it and then is full.
void fuzz_client_send(Fuzz_Client &client, std::uint8_t id, Bytes data, std::size_t taken);

/// Holds after anything at all.
void fuzz_client_check(Fuzz_Client &client);

} // namespace toxtcp
