// Written by test/unit/vectors.py, which says how they come about. Bytes are in hexadecimal.
// clang-format off
#pragma once

#include <cstdint>
#include <string_view>

#include <toxtcp/echo.h>
#include <toxtcp/wire.h>

namespace vectors {

// What each side holds and draws, and what it sends.
inline constexpr std::string_view CLIENT_SECRET =
    "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
inline constexpr std::string_view CLIENT_PUBLIC =
    "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
inline constexpr std::string_view RELAY_SECRET =
    "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb";
inline constexpr std::string_view RELAY_PUBLIC =
    "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
inline constexpr std::string_view CLIENT_DRAWS =
    "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3fa0a1a2a3a4a5a6a7"
    "a8a9aaabacadaeafb0b1b2b3b400fffe606162636465666768696a6b6c6d6e6f7071727374757677";
inline constexpr std::string_view RELAY_DRAWS =
    "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5fc0c1c2c3c4c5c6c7"
    "c8c9cacbcccdcecffffffffffffffffe78797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f";
inline constexpr std::string_view LONG_TERM_KEY =
    "1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389";
inline constexpr std::string_view REQUEST =
    "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a6061626364656667"
    "68696a6b6c6d6e6f70717273747576778d07fd89afd6f9add4e193929cc8586272ad3801f85b4272"
    "797731670d3daea951134543551635fe8f36ab132c3173977130652d8690a651936a78bc3538b383"
    "bbfef8c9b17975db";
inline constexpr std::string_view RESPONSE =
    "78797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f5403e5adf203b4edfa6fa6296eb8cfbf"
    "65e985db8b5f37d669b908aea3e00fb882aa0b5b118f4fd8e69a69df007ba410fec10e28c0481585"
    "11c7db8f5ccbbddd402a9bd547d5ab66";
inline constexpr std::string_view SESSION_KEY =
    "fe65e85cfc1193f2ee4d48b49e6847e50276e5faf0968d8a0e189223271204b0";
inline constexpr std::string_view CLIENT_BASE =
    "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b400fffe";
inline constexpr std::string_view RELAY_BASE =
    "c0c1c2c3c4c5c6c7c8c9cacbcccdcecffffffffffffffffe";

// The packets of one direction in order, and the nonce after each.
struct Frame {
    std::string_view plain;
    std::string_view frame;
    std::string_view nonce_after;
};
inline constexpr Frame CLIENT_FRAMES[] = {
    {
        "04030a11181f262d34",
        "0019196d2a78be1f7aa49e349e9a086158b0521e6fd61314339e6b",
        "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b400ffff"},
    {"1000", "0012a5c7b4f409a3a13fd796b2b77831d43c73d7", "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4010000"},
    {
        "00de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
        "003111cff702e80cb90cae133d016430de6fb243554eb70ddc9817fab788061793994b7e240120a3"
        "dc6cb80ebeed79a0100a84",
        "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4010001"},
    {
        "2a030a11181f262d343b424950575e656c737a81888f969da4abb2b9c0c7ced5dce3eaf1f8ff060d"
        "141b222930373e454c535a61686f767d848b9299a0a7aeb5bcc3cad1d8dfe6edf4fb020910171e25"
        "2c",
        "0061081f775ac664be27c2135fe1296d1edc6b040c62f59d73a2512361f0bfcde34fe41c790e13f5"
        "ce4cc1ae6d4d51cea572ca4de214092dec449d2f80dd2ba5368b17d390f2d5eb5d02637688f7121f"
        "797d00dbf0d87bd540f15f81b401abe5e1976e",
        "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4010002"},
};
inline constexpr Frame RELAY_FRAMES[] = {
    {
        "05030a11181f262d34",
        "00198850bc69deedb4e130fb81a671b461b45f52df88549b890168",
        "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfffffffffffffffff"},
    {"02ff", "0012eb509ba6ea3489f4f25c5e79cc1a952a9dee", "c0c1c2c3c4c5c6c7c8c9cacbcccdced00000000000000000"},
    {
        "ff030a11181f262d343b424950575e656c737a81888f969da4abb2b9c0c7ced5dce3",
        "003279cffac7cce8af3561f6cc8265544721787323f6e354a940ed49a1bfb49df42c753ca9ce5a34"
        "bdffb7766b81dee74ae6dabc",
        "c0c1c2c3c4c5c6c7c8c9cacbcccdced00000000000000001"},
};

// The client's first frame, had its packet been 10, or the pattern at its longest.
inline constexpr std::string_view SHORTEST_FRAME =
    "00112663504aeb625a6acbec9da6e0fc5e0e46";
inline constexpr std::string_view LONGEST_FRAME_START =
    "0800f699e908685a2e48b6d3aef79f78ddca551774df142d38876469b5d931d8020f3ef71e091d1f";
inline constexpr std::string_view LONGEST_FRAME_SHA256 =
    "9a3614aed02a3d28c33294397324cb127564c5fa067955a23a0f4c37a0de66f7";

struct Nonce_Step {
    std::string_view before;
    std::uint32_t by;
    std::string_view after;
};
inline constexpr Nonce_Step NONCE_STEPS[] = {
    {
        "000000000000000000000000000000000000000000000000",
        1U,
        "000000000000000000000000000000000000000000000001"},
    {
        "000000000000000000000000000000000000000000000000",
        0U,
        "000000000000000000000000000000000000000000000000"},
    {
        "0000000000000000000000000000000000000000000000fe",
        1U,
        "0000000000000000000000000000000000000000000000ff"},
    {
        "0000000000000000000000000000000000000000000000ff",
        1U,
        "000000000000000000000000000000000000000000000100"},
    {
        "00000000000000000000000000000000000000000000ffff",
        1U,
        "000000000000000000000000000000000000000000010000"},
    {
        "00000000000000000000000000000000000000000000fffe",
        3U,
        "000000000000000000000000000000000000000000010001"},
    {
        "000000000000000000000000000000000000000000ffffff",
        1U,
        "000000000000000000000000000000000000000001000000"},
    {
        "0000000000000000000000000000000000000000ffffffff",
        4294967295U,
        "0000000000000000000000000000000000000001fffffffe"},
    {
        "0000000000000000000000000000000000000000ffffffff",
        1U,
        "000000000000000000000000000000000000000100000000"},
    {
        "00000000000000000000000000000000ffffffffffffffff",
        1U,
        "000000000000000000000000000000010000000000000000"},
    {
        "0000000000000000ffffffffffffffffffffffffffffffff",
        1U,
        "000000000000000100000000000000000000000000000000"},
    {
        "00ffffffffffffffffffffffffffffffffffffffffffffff",
        1U,
        "010000000000000000000000000000000000000000000000"},
    {
        "7fffffffffffffffffffffffffffffffffffffffffffffff",
        1U,
        "800000000000000000000000000000000000000000000000"},
    {
        "ffffffffffffffffffffffffffffffffffffffffffffffff",
        1U,
        "000000000000000000000000000000000000000000000000"},
    {
        "ffffffffffffffffffffffffffffffffffffffffffffffff",
        4294967295U,
        "0000000000000000000000000000000000000000fffffffe"},
    {
        "ffffffffffffffffffffffffffffffffffffffff00000000",
        4294967295U,
        "ffffffffffffffffffffffffffffffffffffffffffffffff"},
    {
        "fffffffffffffffffffffffffffffffffffffffffffffffe",
        2U,
        "000000000000000000000000000000000000000000000000"},
    {
        "030a11181f262d343b424950575e656c737a81888f969da4",
        1U,
        "030a11181f262d343b424950575e656c737a81888f969da5"},
    {
        "030a11181f262d343b424950575e656c737a81888f969da4",
        256U,
        "030a11181f262d343b424950575e656c737a81888f969ea4"},
    {
        "030a11181f262d343b424950575e656c737a81888f969da4",
        16909060U,
        "030a11181f262d343b424950575e656c737a81889098a0a8"},
    {
        "030a11181f262d343b424950575e656c737a81888f969da4",
        4294967295U,
        "030a11181f262d343b424950575e656c737a81898f969da3"},
};

struct Packet {
    std::string_view name;
    toxtcp::Packet_Type type;
    bool from_client;
    bool from_relay;
    std::uint8_t id;
    std::string_view ping_id;
    std::string_view key;
    std::string_view data;
    std::string_view plain;
};
inline constexpr Packet PACKETS[] = {
    {
        "routing request",
        toxtcp::Packet_Type::routing_request,
        true,
        false,
        0,
        "",
        "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
        "",
        "008520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"},
    {
        "routing response, refused",
        toxtcp::Packet_Type::routing_response,
        false,
        true,
        0,
        "",
        "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
        "",
        "01008520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"},
    {
        "routing response, of a reserved id",
        toxtcp::Packet_Type::routing_response,
        false,
        true,
        1,
        "",
        "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
        "",
        "01018520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"},
    {
        "routing response, of the first id",
        toxtcp::Packet_Type::routing_response,
        false,
        true,
        16,
        "",
        "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
        "",
        "01108520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"},
    {
        "routing response, of the last id",
        toxtcp::Packet_Type::routing_response,
        false,
        true,
        255,
        "",
        "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
        "",
        "01ff8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"},
    {
        "connect notification for 16",
        toxtcp::Packet_Type::connect_notification,
        false,
        true,
        16,
        "",
        "",
        "",
        "0210"},
    {
        "disconnect notification for 16",
        toxtcp::Packet_Type::disconnect_notification,
        true,
        true,
        16,
        "",
        "",
        "",
        "0310"},
    {
        "connect notification for 255",
        toxtcp::Packet_Type::connect_notification,
        false,
        true,
        255,
        "",
        "",
        "",
        "02ff"},
    {
        "disconnect notification for 255",
        toxtcp::Packet_Type::disconnect_notification,
        true,
        true,
        255,
        "",
        "",
        "",
        "03ff"},
    {"ping", toxtcp::Packet_Type::ping, true, true, 0, "0102030405060708", "", "", "040102030405060708"},
    {"pong", toxtcp::Packet_Type::pong, true, true, 0, "0102030405060708", "", "", "050102030405060708"},
    {
        "OOB send, 1 bytes",
        toxtcp::Packet_Type::oob_send,
        true,
        false,
        0,
        "",
        "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
        "00",
        "068520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a00"},
    {
        "OOB recv, 1 bytes",
        toxtcp::Packet_Type::oob_recv,
        false,
        true,
        0,
        "",
        "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
        "00",
        "078520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a00"},
    {
        "OOB send, 11 bytes",
        toxtcp::Packet_Type::oob_send,
        true,
        false,
        0,
        "",
        "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
        "6f7574206f662062616e64",
        "068520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a6f7574206f6620"
        "62616e64"},
    {
        "OOB recv, 11 bytes",
        toxtcp::Packet_Type::oob_recv,
        false,
        true,
        0,
        "",
        "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
        "6f7574206f662062616e64",
        "078520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a6f7574206f6620"
        "62616e64"},
    {
        "onion request",
        toxtcp::Packet_Type::onion_request,
        true,
        false,
        0,
        "",
        "",
        "030a11181f262d343b424950575e656c737a81888f969da4616e206f6e696f6e2773206c61796572"
        "73",
        "08030a11181f262d343b424950575e656c737a81888f969da4616e206f6e696f6e2773206c617965"
        "7273"},
    {
        "onion response",
        toxtcp::Packet_Type::onion_response,
        false,
        true,
        0,
        "",
        "",
        "7065656c6564",
        "097065656c6564"},
    {
        "forward request to family 2 by 0",
        toxtcp::Packet_Type::forward_request,
        true,
        false,
        0,
        "",
        "",
        "02c000020182a56f6e7761726473",
        "0a02c000020182a56f6e7761726473"},
    {
        "forward request to family 10 by 1",
        toxtcp::Packet_Type::forward_request,
        true,
        false,
        0,
        "",
        "",
        "0a20010db800000000000000000000000101bb900101010101010101010101010101010101010101"
        "0101010101010101010101016f6e7761726473",
        "0a0a20010db800000000000000000000000101bb9001010101010101010101010101010101010101"
        "010101010101010101010101016f6e7761726473"},
    {
        "forward request to family 130 by 4",
        toxtcp::Packet_Type::forward_request,
        true,
        false,
        0,
        "",
        "",
        "82c00002010d3d900101010101010101010101010101010101010101010101010101010101010101"
        "90020202020202020202020202020202020202020202020202020202020202020290030303030303"
        "03030303030303030303030303030303030303030303030303039004040404040404040404040404"
        "040404040404040404040404040404040404046f6e7761726473",
        "0a82c00002010d3d9001010101010101010101010101010101010101010101010101010101010101"
        "01900202020202020202020202020202020202020202020202020202020202020202900303030303"
        "03030303030303030303030303030303030303030303030303030390040404040404040404040404"
        "04040404040404040404040404040404040404046f6e7761726473"},
    {
        "forward request to family 138 by 2",
        toxtcp::Packet_Type::forward_request,
        true,
        false,
        0,
        "",
        "",
        "8a20010db800000000000000000000000100ff900101010101010101010101010101010101010101"
        "01010101010101010101010190020202020202020202020202020202020202020202020202020202"
        "02020202026f6e7761726473",
        "0a8a20010db800000000000000000000000100ff9001010101010101010101010101010101010101"
        "01010101010101010101010101900202020202020202020202020202020202020202020202020202"
        "0202020202026f6e7761726473"},
    {
        "forwarding",
        toxtcp::Packet_Type::forwarding,
        false,
        true,
        0,
        "",
        "",
        "6f6e7761726473",
        "0b6f6e7761726473"},
    {"data for 16", toxtcp::Packet_Type::data, true, true, 16, "", "", "00", "1000"},
    {"data for 17", toxtcp::Packet_Type::data, true, true, 17, "", "", "64617461", "1164617461"},
    {
        "data for 128",
        toxtcp::Packet_Type::data,
        true,
        true,
        128,
        "",
        "",
        "030a11181f262d343b424950575e656c737a81888f969da4abb2b9c0c7ced5dce3eaf1f8ff060d14",
        "80030a11181f262d343b424950575e656c737a81888f969da4abb2b9c0c7ced5dce3eaf1f8ff060d"
        "14"},
    {"data for 255", toxtcp::Packet_Type::data, true, true, 255, "", "", "ff", "ffff"},
};

struct Address {
    std::uint8_t family;
    std::string_view ip;
    std::uint16_t port;
    std::string_view packed;
};
inline constexpr Address ADDRESSES[] = {
    {2, "c0000201", 33445, "02c000020182a5"},
    {2, "00000000", 0, "02000000000000"},
    {2, "ffffffff", 65535, "02ffffffffffff"},
    {10, "20010db8000000000000000000000001", 443, "0a20010db800000000000000000000000101bb"},
    {10, "030a11181f262d343b424950575e656c", 258, "0a030a11181f262d343b424950575e656c0102"},
    {130, "c0000201", 3389, "82c00002010d3d"},
    {138, "20010db8000000000000000000000001", 255, "8a20010db800000000000000000000000100ff"},
};

// Of keys that are 01 32 times, 02 32 times and so on.
struct Chain {
    std::uint8_t length;
    std::string_view bytes;
};
inline constexpr Chain CHAINS[] = {
    {1, "900101010101010101010101010101010101010101010101010101010101010101"},
    {
        2,
        "90010101010101010101010101010101010101010101010101010101010101010190020202020202"
        "0202020202020202020202020202020202020202020202020202"},
    {
        3,
        "90010101010101010101010101010101010101010101010101010101010101010190020202020202"
        "02020202020202020202020202020202020202020202020202029003030303030303030303030303"
        "03030303030303030303030303030303030303"},
    {
        4,
        "90010101010101010101010101010101010101010101010101010101010101010190020202020202"
        "02020202020202020202020202020202020202020202020202029003030303030303030303030303"
        "03030303030303030303030303030303030303900404040404040404040404040404040404040404"
        "040404040404040404040404"},
};

// The client asks with this number (as it lies in memory), and the relay answers. With the nonces that are drawn.
inline constexpr std::string_view ECHO_NUMBER =
    "f0e1d2c3b4a59687";
inline constexpr std::string_view ECHO_REQUEST_NONCE =
    "303132333435363738393a3b3c3d3e3f4041424344454647";
inline constexpr std::string_view ECHO_RESPONSE_NONCE =
    "909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7";
struct Echo_Request {
    std::string_view name;
    toxtcp::Echo_Kind kind;
    std::uint32_t unheard;
    std::string_view packet;
};
inline constexpr Echo_Request ECHO_REQUESTS[] = {
    {
        "of this library",
        toxtcp::Echo_Kind::echo,
        0U,
        "188520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a30313233343536"
        "3738393a3b3c3d3e3f4041424344454647f8d617f0b6cf44ebe5519a18f7351d99c0403a9148149a"
        "0e5d204d181a76ec3dfd4d8be274d7f2fe1bcd10091d95b469928ec0d127fea3e6c6bca70ea31743"
        "c0a57c6005f1c9deca7f506265b83dc200a7e728d2ed410e2d"},
    {
        "of a peer that has heard nothing for 0 ms",
        toxtcp::Echo_Kind::unheard,
        0U,
        "188520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a30313233343536"
        "3738393a3b3c3d3e3f404142434445464734996672d16dd04b3f94df3e60073a134560ca98b7eb65"
        "f1a2dfb2e7e58913c202b2741d8b280d01e432eff6e26a4b96928ec0d127fea3e6c6bca70ea31743"
        "c0a57c6005f1c9deca7f506265b83dc200a7e728d2ed410e2d"},
    {
        "of a peer that has heard nothing for 1 ms",
        toxtcp::Echo_Kind::unheard,
        1U,
        "188520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a30313233343536"
        "3738393a3b3c3d3e3f40414243444546479d1c4c451b52100f128d56e679fdc2bc4560ca99b7eb65"
        "f1a2dfb2e7e58913c202b2741d8b280d01e432eff6e26a4b96928ec0d127fea3e6c6bca70ea31743"
        "c0a57c6005f1c9deca7f506265b83dc200a7e728d2ed410e2d"},
    {
        "of a peer that has heard nothing for 16909060 ms",
        toxtcp::Echo_Kind::unheard,
        16909060U,
        "188520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a30313233343536"
        "3738393a3b3c3d3e3f40414243444546474a1dd9fcd072b900d83551263956bfe64462c99cb7eb65"
        "f1a2dfb2e7e58913c202b2741d8b280d01e432eff6e26a4b96928ec0d127fea3e6c6bca70ea31743"
        "c0a57c6005f1c9deca7f506265b83dc200a7e728d2ed410e2d"},
    {
        "of a peer that has heard nothing for 4294967295 ms",
        toxtcp::Echo_Kind::unheard,
        4294967295U,
        "188520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a30313233343536"
        "3738393a3b3c3d3e3f40414243444546479380397ec6eb87dce5a46b6b6a2a5f51ba9f3567b7eb65"
        "f1a2dfb2e7e58913c202b2741d8b280d01e432eff6e26a4b96928ec0d127fea3e6c6bca70ea31743"
        "c0a57c6005f1c9deca7f506265b83dc200a7e728d2ed410e2d"},
    {
        "of net_crypto",
        toxtcp::Echo_Kind::foreign,
        0U,
        "188520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a30313233343536"
        "3738393a3b3c3d3e3f40414243444546470250ca8251c838784b58f1a88edf6d45466adb80de0210"
        "6e12e97994f9167e0b83883067dd7975ae5bdb004770c02fdf928ec0d127fea3e6c6bca70ea31743"
        "c0a57c6005f1c9deca7f506265b83dc200a7e728d2ed410e2d"},
    {
        "of net_crypto, its key but one bit ours",
        toxtcp::Echo_Kind::foreign,
        0U,
        "188520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a30313233343536"
        "3738393a3b3c3d3e3f4041424344454647c3172e634059f8542d36003484497edbc0403a9148149a"
        "0e5d204d181a76ec3dfd4d8be274d7f2fe1bcd10091d95b468928ec0d127fea3e6c6bca70ea31743"
        "c0a57c6005f1c9deca7f506265b83dc200a7e728d2ed410e2d"},
    {
        "of net_crypto, its key nearly a time",
        toxtcp::Echo_Kind::foreign,
        0U,
        "188520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a30313233343536"
        "3738393a3b3c3d3e3f404142434445464729fd4fadfa9a5fe0ccb4c80f2e774abe4560ca98b7eb65"
        "f1a2dfb2e7e58913c202b2741d8b280d01e432eff6e26a4b69928ec0d127fea3e6c6bca70ea31743"
        "c0a57c6005f1c9deca7f506265b83dc200a7e728d2ed410e2d"},
    {
        "of net_crypto, its key nearly null",
        toxtcp::Echo_Kind::foreign,
        0U,
        "188520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a30313233343536"
        "3738393a3b3c3d3e3f40414243444546478b6025151e4228cd4a8a7eddc1c9e7e64560ca98c1243d"
        "5a29ab30c4ae481b67f0f2b1ef52efe80af069b987b70efa02928ec0d127fea3e6c6bca70ea31743"
        "c0a57c6005f1c9deca7f506265b83dc200a7e728d2ed410e2d"},
};
struct Echo_Response {
    std::string_view name;
    bool by_library;
    std::string_view packet;
};
inline constexpr Echo_Response ECHO_RESPONSES[] = {
    {
        "of this library",
        true,
        "19909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a723851403db7e7a8af7d9cefada2a71"
        "fe966fd8e2695b8d17d0936d9f003c921d6e31b1f126e2d83b80abc1cd804e4e792231955de66a15"
        "e4e6d9fda03775d426e1b493e3f602fbb8ad0c4c50c6ed8398f59809d941a14d3cc21100ec9f3c43"
        "98ab5eab050701388e28449ef77e9ecedbd2c2721cde2aaee794f887483259dba57e3b7d3fb273fa"
        "d7"},
    {
        "of net_crypto",
        false,
        "19909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a85f3711f9d0b903c68ecd141d5e2b"
        "819565c9fa767da023ebd124cf5762f7711d4b3079a974459f2b19780d47809ba5c1db64a5196c18"
        "f0fdfbd490004b916ab2eef28b9974863c269ed5f0614336243652d8019e47a0c8391309fc882266"
        "b49864ea4d485765ea4336e777f9105b477168c3a461ec63334f1a6eb8c5a7dea97e3b7d3fb273fa"
        "d7"},
    {
        "of net_crypto, its cookie's last bit alone",
        false,
        "19909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7b277521c0dbc91d941c4fc0852ad91"
        "9e966fd8e2695b8d17d0936d9f003c921d6e31b1f126e2d83b80abc1cd804e4e792231955de66a15"
        "e4e6d9fda03775d426e1b493e3f602fbb8ad0c4c50c6ed8398f59809d941a14d3cc21100ec9f3c43"
        "98ab5eab050701388e28449ef77e9ecedbd2c2721cde2aaee794f887483259dba47e3b7d3fb273fa"
        "d7"},
    {
        "of net_crypto, its cookie's first bit alone",
        false,
        "19909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a709c6d956a4fe9b39f0974660864eb7"
        "61166fd8e2695b8d17d0936d9f003c921d6e31b1f126e2d83b80abc1cd804e4e792231955de66a15"
        "e4e6d9fda03775d426e1b493e3f602fbb8ad0c4c50c6ed8398f59809d941a14d3cc21100ec9f3c43"
        "98ab5eab050701388e28449ef77e9ecedbd2c2721cde2aaee794f887483259dba57e3b7d3fb273fa"
        "d7"},
};

// Every key of low order with the top bit clear.
inline constexpr std::string_view WEAK_KEYS[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

} // namespace vectors
