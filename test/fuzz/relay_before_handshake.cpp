// Fuzz target: what a proxy or a relay may send before the handshake is done. The input is a program of raw bytes, of
// answers that are right or nearly right, of cuts, of time, and of restarts.
#include <string_view>

#include "fuzz/client.h"

namespace toxtcp {

namespace {

constexpr int MAX_STEPS = 200;
/// A handshake costs several X25519 operations, which are slow.
constexpr int MAX_HANDSHAKES = 4;

void send(Fuzz_Client &client, Bytes bytes) {
    client.coming.insert(client.coming.end(), bytes.begin(), bytes.end());
}

void send(Fuzz_Client &client, std::initializer_list<std::uint8_t> bytes) {
    send(client, Bytes{bytes.begin(), bytes.size()});
}

void send(Fuzz_Client &client, std::string_view text) {
    send(client, Bytes{reinterpret_cast<const std::uint8_t *>(text.data()), text.size()});
}

void answer(Fuzz_Client &client, Fuzz_Input &input) {
    std::array<std::uint8_t, HANDSHAKE_RESPONSE_SIZE> response;
    if (!fuzz_client_answer(client, response)) {
        return;
    }
    const std::uint8_t change = input.byte();
    if (change != 0) {
        response[input.below(response.size())] ^= change;
        client.answered = false; // the changed answer must not be accepted
    }
    send(client, response);
}

void speak(Fuzz_Client &client, Fuzz_Input &input) {
    switch (input.below(8)) {
    case 0:
        send(client, input.bytes(input.size(128)));
        break;
    case 1:
        send(client, std::vector<std::uint8_t>(input.size(MAX_FRAME_SIZE + 1), input.byte()));
        break;
    case 2:
        send(client, "HTTP/1.1 200 Connection established\r\n");
        break;
    case 3:
        send(client, "\r\n");
        break;
    case 4:
        send(client, {5, 0});
        break;
    case 5: {
        static constexpr std::uint8_t KINDS[] = {1, 3, 4, 2};
        send(client, {5, 0, 0, KINDS[input.below(4)]});
        break;
    }
    case 6:
        send(client, std::vector<std::uint8_t>(input.byte()));
        break;
    case 7:
        fuzz_client_seal(client, input.bytes(input.size(64)));
        break;
    }
}

} // namespace

} // namespace toxtcp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    using namespace toxtcp;
    Fuzz_Input input{{data, size}};
    Fuzz_Client client;
    fuzz_client_start(client, static_cast<Proxy_Type>(input.below(3)));
    int handshakes = 0;
    for (int steps = 0; steps < MAX_STEPS && !input.done(); ++steps) {
        const std::uint8_t choice = input.byte();
        switch (choice % 8) {
        case 0:
        case 1:
        case 2:
            speak(client, input);
            break;
        case 3:
            fuzz_client_deliver(client, choice < 128 ? SIZE_MAX : input.size(128), (choice & 16) != 0);
            break;
        case 4:
            fuzz_client_take(client, choice < 128 ? SIZE_MAX : input.size(128));
            break;
        case 5:
            fuzz_client_wait(client, std::uint64_t{input.byte()} * 64);
            break;
        case 6:
            if (handshakes++ < MAX_HANDSHAKES) {
                fuzz_client_take(client, SIZE_MAX);
                answer(client, input);
            }
            break;
        case 7:
            if (handshakes++ < MAX_HANDSHAKES) {
                fuzz_client_restart(client, static_cast<Proxy_Type>(input.below(3)));
            }
            break;
        }
    }
    fuzz_client_wait(client, PING_INTERVAL_MS);
    fuzz_client_wait(client, PING_TIMEOUT_MS);
    fuzz_check(client.ended, "a proxy or relay that has fallen silent is left");
    return 0;
}
