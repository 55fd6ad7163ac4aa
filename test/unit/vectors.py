"""Writes test/unit/vectors.h: bytes that the wire layer has to produce and to understand.

    python3 test/unit/vectors.py            writes vectors.h beside this file
    python3 test/unit/vectors.py --check    fails when vectors.h is not what would be written

Needs Python 3 and libsodium's shared library (libsodium.so.23, or the system's). It follows the protocol and shares
no code with lib/wire: a shared key is computed by X25519 and then HSalsa20, a box is one call of crypto_secretbox, a nonce
is a Python integer. Values published with NaCl check the script itself.
"""

import ctypes
import ctypes.util
import hashlib
import pathlib
import struct
import sys


def load_sodium():
    for name in ("libsodium.so.23", ctypes.util.find_library("sodium")):
        try:
            sodium = ctypes.CDLL(name) if name else None
        except OSError:
            continue
        if sodium and sodium.sodium_init() >= 0:
            return sodium
    print("no libsodium here", file=sys.stderr)
    sys.exit(77)  # to Meson, a test that was skipped


SODIUM = load_sodium()


def call(function, size, *arguments):
    out = ctypes.create_string_buffer(size)
    if getattr(SODIUM, function)(out, *arguments) != 0:
        raise ValueError(function)
    return out.raw


def public_key(secret):
    return call("crypto_scalarmult_base", 32, secret)


def shared_key(public, secret):
    point = call("crypto_scalarmult", 32, secret, public)
    return call("crypto_core_hsalsa20", 32, bytes(16), point, None)


def seal(plain, nonce, key):
    return call("crypto_secretbox_easy", len(plain) + 16, plain, ctypes.c_ulonglong(len(plain)), nonce, key)


def count(nonce, by=1):
    return ((int.from_bytes(nonce, "big") + by) % 2**192).to_bytes(24, "big")


def frame(plain, nonce, key):
    sealed = seal(plain, nonce, key)
    return struct.pack(">H", len(sealed)) + sealed


def pattern(size):
    """The same bytes as `pattern` in bytes.h."""
    return bytes((7 * i + 3) % 256 for i in range(size))


# ---- keys: those of NaCl's own tests -----------------------------------------------------------------------------

CLIENT_SECRET = bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
RELAY_SECRET = bytes.fromhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
CLIENT_PUBLIC = public_key(CLIENT_SECRET)
RELAY_PUBLIC = public_key(RELAY_SECRET)
LONG_TERM = shared_key(RELAY_PUBLIC, CLIENT_SECRET)


def check_against_nacl():
    published = (
        (CLIENT_PUBLIC, "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"),
        (RELAY_PUBLIC, "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"),
        (LONG_TERM, "1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389"),
        (
            seal(
                bytes.fromhex(
                    "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a"
                    "1ac728d45e6c61296cdc3c01233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057"
                    "e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc76897040"
                    "e082f937763848645e0705"
                ),
                bytes.fromhex("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37"),
                LONG_TERM,
            )[:16],
            "f3ffc7703f9400e52a7dfb4b3d3305d9",
        ),
    )
    for ours, theirs in published:
        if ours.hex() != theirs:
            raise ValueError(f"{ours.hex()} is not NaCl's {theirs}")


# ---- the handshake -----------------------------------------------------------------------------------------------

# What each side draws, in this order: session secret 32, base nonce 24, the message's own nonce 24. The base nonces
# are about to carry: the client's over two bytes, the relay's over eight.
CLIENT_DRAWS = (bytes(range(0x20, 0x40)), bytes(range(0xA0, 0xB5)) + bytes.fromhex("00fffe"), bytes(range(0x60, 0x78)))
RELAY_DRAWS = (bytes(range(0x40, 0x60)), bytes(range(0xC0, 0xD0)) + b"\xff" * 7 + b"\xfe", bytes(range(0x78, 0x90)))


def handshake():
    (client_session, client_base, client_nonce) = CLIENT_DRAWS
    (relay_session, relay_base, relay_nonce) = RELAY_DRAWS
    request = CLIENT_PUBLIC + client_nonce + seal(public_key(client_session) + client_base, client_nonce, LONG_TERM)
    response = relay_nonce + seal(public_key(relay_session) + relay_base, relay_nonce, LONG_TERM)
    session = shared_key(public_key(relay_session), client_session)
    if session != shared_key(public_key(client_session), relay_session):
        raise ValueError("the two sides do not agree")
    assert len(request) == 128 and len(response) == 96
    return request, response, session


REQUEST, RESPONSE, SESSION = handshake()

# ---- frames ------------------------------------------------------------------------------------------------------


def frames(base, plains):
    return [(plain, frame(plain, count(base, i), SESSION), count(base, i + 1)) for i, plain in enumerate(plains)]


CLIENT_FRAMES = frames(CLIENT_DRAWS[1], (b"\x04" + pattern(8), b"\x10\x00", b"\x00" + RELAY_PUBLIC, b"\x2a" + pattern(80)))
RELAY_FRAMES = frames(RELAY_DRAWS[1], (b"\x05" + pattern(8), b"\x02\xff", b"\xff" + pattern(33)))
LONGEST = frame(pattern(2032), CLIENT_DRAWS[1], SESSION)
SHORTEST = frame(b"\x10", CLIENT_DRAWS[1], SESSION)

# ---- nonces ------------------------------------------------------------------------------------------------------


def nonces():
    steps = [(0, 1), (0, 0), (0xFE, 1), (0xFF, 1), (0xFFFF, 1), (0xFFFE, 3), (0xFFFFFF, 1), (2**32 - 1, 2**32 - 1)]
    steps += [(2**bits - 1, 1) for bits in (32, 64, 128, 184, 191)]
    steps += [(2**192 - 1, 1), (2**192 - 1, 2**32 - 1), (2**192 - 2**32, 2**32 - 1), (2**192 - 2, 2)]
    steps += [(int.from_bytes(pattern(24), "big"), by) for by in (1, 256, 0x01020304, 2**32 - 1)]
    befores = ((before.to_bytes(24, "big"), by) for before, by in steps)
    return [(before, by, count(before, by)) for before, by in befores]


# ---- packets -----------------------------------------------------------------------------------------------------

KEY = CLIENT_PUBLIC
PING = bytes.fromhex("0102030405060708")


def packed(family, ip, port):
    return bytes([family]) + ip + struct.pack(">H", port)


IPV4 = bytes([192, 0, 2, 1])
IPV6 = bytes.fromhex("20010db8000000000000000000000001")
ADDRESSES = [
    (family, ip, port, packed(family, ip, port))
    for family, ip, port in (
        (2, IPV4, 33445),
        (2, bytes(4), 0),
        (2, b"\xff" * 4, 65535),
        (10, IPV6, 443),
        (10, pattern(16), 0x0102),
        (130, IPV4, 3389),
        (138, IPV6, 255),
    )
]


def chain(keys):
    return b"".join(b"\x90" + key for key in keys)


CHAIN_KEYS = [bytes([i]) * 32 for i in range(1, 5)]
CHAINS = [(length, chain(CHAIN_KEYS[:length])) for length in range(1, 5)]

CLIENT, RELAY, BOTH = (True, False), (False, True), (True, True)


def packets():
    """name, type, senders, id, ping id, key, data, the whole packet"""
    nothing = b""
    rows = [("routing request", "routing_request", CLIENT, 0, nothing, KEY, nothing, b"\x00" + KEY)]
    for what, number in (("refused", 0), ("of a reserved id", 1), ("of the first id", 16), ("of the last id", 255)):
        name = "routing response, " + what
        rows.append((name, "routing_response", RELAY, number, nothing, KEY, nothing, bytes([1, number]) + KEY))
    for number in (16, 255):
        name = f"connect notification for {number}"
        rows.append((name, "connect_notification", RELAY, number, nothing, nothing, nothing, bytes([2, number])))
        name = f"disconnect notification for {number}"
        rows.append((name, "disconnect_notification", BOTH, number, nothing, nothing, nothing, bytes([3, number])))
    rows.append(("ping", "ping", BOTH, 0, PING, nothing, nothing, b"\x04" + PING))
    rows.append(("pong", "pong", BOTH, 0, PING, nothing, nothing, b"\x05" + PING))
    for data in (b"\x00", b"out of band"):
        size = f"{len(data)} bytes"
        rows.append((f"OOB send, {size}", "oob_send", CLIENT, 0, nothing, KEY, data, b"\x06" + KEY + data))
        rows.append((f"OOB recv, {size}", "oob_recv", RELAY, 0, nothing, KEY, data, b"\x07" + KEY + data))
    onion = pattern(24) + b"an onion's layers"
    rows.append(("onion request", "onion_request", CLIENT, 0, nothing, nothing, onion, b"\x08" + onion))
    rows.append(("onion response", "onion_response", RELAY, 0, nothing, nothing, b"peeled", b"\x09peeled"))
    for length, (family, _, _, address) in zip((0, 1, 4, 2), (ADDRESSES[i] for i in (0, 3, 5, 6))):
        body = address + chain(CHAIN_KEYS[:length]) + b"onwards"
        name = f"forward request to family {family} by {length}"
        rows.append((name, "forward_request", CLIENT, 0, nothing, nothing, body, b"\x0a" + body))
    rows.append(("forwarding", "forwarding", RELAY, 0, nothing, nothing, b"onwards", b"\x0bonwards"))
    for number, data in ((16, b"\x00"), (17, b"data"), (128, pattern(40)), (255, b"\xff")):
        rows.append((f"data for {number}", "data", BOTH, number, nothing, nothing, data, bytes([number]) + data))
    return rows


# ---- the end-to-end echo -----------------------------------------------------------------------------------------

# The keys of the client stand for the peer that asks, those of the relay for the peer that answers.
ECHO_NUMBER = bytes.fromhex("f0e1d2c3b4a59687")
ECHO_REQUEST_NONCE = bytes(range(0x30, 0x48))
ECHO_RESPONSE_NONCE = bytes(range(0x90, 0xA8))


def echo_requests():
    """name, kind, ms unheard, the packet"""
    rows = [("of this library", "echo", 0, CLIENT_PUBLIC)]
    inverted = bytes(byte ^ 0xFF for byte in CLIENT_PUBLIC[4:])
    for time in (0, 1, 0x01020304, 2**32 - 1):
        rows.append((f"of a peer that has heard nothing for {time} ms", "unheard", time, struct.pack(">I", time) + inverted))
    for name, key in (
        ("of net_crypto", pattern(32)),
        ("of net_crypto, its key but one bit ours", CLIENT_PUBLIC[:31] + bytes([CLIENT_PUBLIC[31] ^ 1])),
        ("of net_crypto, its key nearly a time", bytes(4) + inverted[:27] + CLIENT_PUBLIC[31:]),
        ("of net_crypto, its key nearly null", bytes(31) + b"\x01"),
    ):
        rows.append((name, "foreign", 0, key))
    for name, kind, unheard, key in rows:
        box = seal(key + bytes(32) + ECHO_NUMBER, ECHO_REQUEST_NONCE, LONG_TERM)
        packet = b"\x18" + CLIENT_PUBLIC + ECHO_REQUEST_NONCE + box
        assert len(packet) == 145
        yield name, kind, unheard, packet


def echo_responses():
    """name, whether this library made it, the packet"""
    for name, by_library, cookie in (
        ("of this library", True, bytes(112)),
        ("of net_crypto", False, pattern(112)),
        ("of net_crypto, its cookie's last bit alone", False, bytes(111) + b"\x01"),
        ("of net_crypto, its cookie's first bit alone", False, b"\x80" + bytes(111)),
    ):
        packet = b"\x19" + ECHO_RESPONSE_NONCE + seal(cookie + ECHO_NUMBER, ECHO_RESPONSE_NONCE, LONG_TERM)
        assert len(packet) == 161
        yield name, by_library, packet


# ---- weak keys ---------------------------------------------------------------------------------------------------

P = 2**255 - 19
A = 486662  # Curve25519 is y^2 = x^3 + A x^2 + x; its twist has the same doubling in x


def square_roots(value):
    """Of `value` modulo P. The method works since P is 5 modulo 8."""
    value %= P
    root = pow(value, (P + 3) // 8, P)
    if root * root % P != value:
        root = root * pow(2, (P - 1) // 4, P) % P
    return {root, P - root} if root * root % P == value else set()


def doubled(x):
    """The x of twice the point; None: the point at infinity."""
    below = 4 * x * (x * x + A * x + 1) % P
    return (x * x - 1) ** 2 * pow(below, -1, P) % P if below else None


def weak_keys():
    """Every key with the top bit clear whose point is of low order (a divisor of 8). The points are found by halving the
    point at infinity three times. Each is written in every form that fits into 255 bits."""
    halves = {0}  # of infinity: 0, and the roots of x^2 + A x + 1
    halves |= {(root - A) * pow(2, -1, P) % P for root in square_roots(A * A - 4)}
    quarters = {1, P - 1}  # twice such a point is 0 only if x^2 = 1
    # Twice such a point is c = 1 or -1: (x^2 - 1)^2 = 4 c x (x^2 + A x + 1). Divided by x^2, with t = x + 1/x, that is
    # t^2 - 4 = 4 c (t + A), so t = 2 c + or - 2 sqrt(2 + c A), since c^2 = 1.
    eighths = set()
    for c in (1, -1):
        for root in square_roots(2 + c * A):
            t = 2 * c + 2 * root
            eighths |= {(t + other) * pow(2, -1, P) % P for other in square_roots(t * t - 4)}
    for x in halves:
        assert doubled(x) is None
    for x in quarters:
        assert doubled(x) in halves
    for x in eighths:
        assert doubled(x) in quarters
    forms = {x + more for x in halves | quarters | eighths for more in (0, P) if x + more < 2**255}
    return [form.to_bytes(32, "little") for form in sorted(forms)]


# ---- the header --------------------------------------------------------------------------------------------------


def text(value):
    """A string literal; long ones are cut at 80 digits, a line each."""
    digits = value.hex()
    return "\n".join(f'"{digits[i:i + 80]}"' for i in range(0, len(digits), 80)) or '""'


def indented(lines, depth):
    return "\n".join(" " * depth + line for line in lines.split("\n"))


def constant(name, value):
    return f"inline constexpr std::string_view {name} =\n{indented(text(value), 4)};"


def table(kind, name, rows):
    lines = [f"inline constexpr {kind} {name}[] = {{"]
    for row in rows:
        line = "    {" + ", ".join(row) + "},"
        if "\n" in line or len(line) > 110:
            line = "    {\n" + ",\n".join(indented(field, 8) for field in row) + "},"
        lines.append(line)
    return "\n".join(lines + ["};"])


def boolean(value):
    return "true" if value else "false"


def header():
    def frame_rows(rows):
        return [[text(part) for part in row] for row in rows]

    parts = [
        "// Written by test/unit/vectors.py, which says how they come about. Bytes are in hexadecimal.\n"
        "// clang-format off\n"
        "#pragma once\n\n"
        "#include <cstdint>\n"
        "#include <string_view>\n\n"
        "#include <toxtcp/echo.h>\n"
        "#include <toxtcp/wire.h>\n\n"
        "namespace vectors {\n",
        "// What each side holds and draws, and what it sends.",
        constant("CLIENT_SECRET", CLIENT_SECRET),
        constant("CLIENT_PUBLIC", CLIENT_PUBLIC),
        constant("RELAY_SECRET", RELAY_SECRET),
        constant("RELAY_PUBLIC", RELAY_PUBLIC),
        constant("CLIENT_DRAWS", b"".join(CLIENT_DRAWS)),
        constant("RELAY_DRAWS", b"".join(RELAY_DRAWS)),
        constant("LONG_TERM_KEY", LONG_TERM),
        constant("REQUEST", REQUEST),
        constant("RESPONSE", RESPONSE),
        constant("SESSION_KEY", SESSION),
        constant("CLIENT_BASE", CLIENT_DRAWS[1]),
        constant("RELAY_BASE", RELAY_DRAWS[1]),
        "\n// The packets of one direction in order, and the nonce after each.\n"
        "struct Frame {\n    std::string_view plain;\n    std::string_view frame;\n    std::string_view nonce_after;\n};",
        table("Frame", "CLIENT_FRAMES", frame_rows(CLIENT_FRAMES)),
        table("Frame", "RELAY_FRAMES", frame_rows(RELAY_FRAMES)),
        "\n// The client's first frame, had its packet been 10, or the pattern at its longest.",
        constant("SHORTEST_FRAME", SHORTEST),
        constant("LONGEST_FRAME_START", LONGEST[:40]),
        constant("LONGEST_FRAME_SHA256", hashlib.sha256(LONGEST).digest()),
        "\nstruct Nonce_Step {\n    std::string_view before;\n    std::uint32_t by;\n    std::string_view after;\n};",
        table("Nonce_Step", "NONCE_STEPS", [[text(b), f"{by}U", text(a)] for b, by, a in nonces()]),
        "\nstruct Packet {\n    std::string_view name;\n    toxtcp::Packet_Type type;\n    bool from_client;\n"
        "    bool from_relay;\n    std::uint8_t id;\n    std::string_view ping_id;\n    std::string_view key;\n"
        "    std::string_view data;\n    std::string_view plain;\n};",
        table(
            "Packet",
            "PACKETS",
            [
                [f'"{name}"', f"toxtcp::Packet_Type::{kind}", boolean(senders[0]), boolean(senders[1]), str(number)]
                + [text(part) for part in rest]
                for name, kind, senders, number, *rest in packets()
            ],
        ),
        "\nstruct Address {\n    std::uint8_t family;\n    std::string_view ip;\n    std::uint16_t port;\n"
        "    std::string_view packed;\n};",
        table("Address", "ADDRESSES", [[str(f), text(i), str(p), text(w)] for f, i, p, w in ADDRESSES]),
        "\n// Of keys that are 01 32 times, 02 32 times and so on.\n"
        "struct Chain {\n    std::uint8_t length;\n    std::string_view bytes;\n};",
        table("Chain", "CHAINS", [[str(length), text(links)] for length, links in CHAINS]),
        "\n// The client asks with this number (as it lies in memory), and the relay answers. With the nonces that are drawn.",
        constant("ECHO_NUMBER", ECHO_NUMBER),
        constant("ECHO_REQUEST_NONCE", ECHO_REQUEST_NONCE),
        constant("ECHO_RESPONSE_NONCE", ECHO_RESPONSE_NONCE),
        "struct Echo_Request {\n    std::string_view name;\n    toxtcp::Echo_Kind kind;\n    std::uint32_t unheard;\n"
        "    std::string_view packet;\n};",
        table(
            "Echo_Request",
            "ECHO_REQUESTS",
            [[f'"{n}"', f"toxtcp::Echo_Kind::{k}", f"{u}U", text(p)] for n, k, u, p in echo_requests()],
        ),
        "struct Echo_Response {\n    std::string_view name;\n    bool by_library;\n    std::string_view packet;\n};",
        table("Echo_Response", "ECHO_RESPONSES", [[f'"{n}"', boolean(b), text(p)] for n, b, p in echo_responses()]),
        "\n// Every key of low order with the top bit clear.",
        "inline constexpr std::string_view WEAK_KEYS[] = {\n"
        + "\n".join(f"    {text(key)}," for key in weak_keys())
        + "\n};",
        "\n} // namespace vectors",
    ]
    return "\n".join(parts) + "\n"


def main():
    check_against_nacl()
    path = pathlib.Path(__file__).with_name("vectors.h")
    if "--check" in sys.argv[1:]:
        if not path.exists() or path.read_text(encoding="utf-8") != header():
            sys.exit("vectors.h is not what vectors.py writes")
        return
    path.write_text(header(), encoding="utf-8")


if __name__ == "__main__":
    main()
