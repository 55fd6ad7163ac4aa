// A Relay_Client for fuzzing. The fuzzer is both the relay that the client talks to and the owner that carries its
// bytes. All that the client does is compared with a simple model of what it may do.
#pragma once

#include <vector>

#include "fuzz/fuzz.h"
#include "relay/relay_client.h"

namespace toxtcp {

struct Fuzz_Client {
    Relay_Client relay;
    Fuzz_Random random;
    std::uint64_t now = 1'000;
    std::vector<std::uint8_t> coming; ///< bytes on their way to the client
    std::vector<std::uint8_t> sent;   ///< bytes of the client that the relay has not read yet
    bool ended = false;               ///< the client was seen to have ended

    // The relay's side.
    bool answered = false;
    Channel channel;
    std::uint64_t ping_id = 0; ///< of the client's last ping

    // What is known of the routing ids, by id less 16.
    std::bitset<MAX_ROUTES> given; ///< the client has reported this id, and not left it
    std::bitset<MAX_ROUTES> online;
    std::array<std::uint32_t, MAX_ROUTES> references{};
};

/// The relay's secret key.
[[nodiscard]] const Secret_Key &fuzz_relay_secret();

/// A client that has just started. The first call for each kind of proxy calls `relay_start`. Later calls copy its
/// result, which is faster.
void fuzz_client_start(Fuzz_Client &client, Proxy_Type proxy, bool with_user = false);

/// Starts the client again in the same memory, as an owner may.
void fuzz_client_restart(Fuzz_Client &client, Proxy_Type proxy);

/// Makes the relay's answer to the last 128 bytes that the client has sent, and keeps the channel. False when these are
/// no handshake request, or a request was answered already.
[[nodiscard]] bool fuzz_client_answer(Fuzz_Client &client, std::array<std::uint8_t, HANDSHAKE_RESPONSE_SIZE> &response);

/// A client whose handshake is done. The first call does the handshake; later ones copy its result.
void fuzz_client_confirmed(Fuzz_Client &client);

/// Lets `count` bytes arrive. With `missing`, the owner first fills the client's own buffer (`relay_missing`).
void fuzz_client_deliver(Fuzz_Client &client, std::size_t count, bool missing);

/// Lets time pass, and does what is due.
void fuzz_client_wait(Fuzz_Client &client, std::uint64_t ms);

/// The owner sends up to `count` of the pending bytes, and the relay reads the packets that are complete.
void fuzz_client_take(Fuzz_Client &client, std::size_t count);

/// Puts a sealed packet on its way to the client. False before the handshake, and when `plain` is empty or too long.
bool fuzz_client_seal(Fuzz_Client &client, Bytes plain);

void fuzz_client_leave(Fuzz_Client &client, std::uint8_t id);
void fuzz_client_reference(Fuzz_Client &client, std::uint8_t id, std::uint32_t reference);

/// Sends a data packet as an owner does whose socket takes `taken` bytes of it and then is full.
void fuzz_client_send(Fuzz_Client &client, std::uint8_t id, Bytes data, std::size_t taken);

/// Checks what holds at any time.
void fuzz_client_check(Fuzz_Client &client);

} // namespace toxtcp
