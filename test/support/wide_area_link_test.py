#!/usr/bin/env python3
"""Tests the wide-area link on the real clock. A packet that comes too early, or a wrong count, fails the test at once. A packet
that comes too late may be the machine's fault, so the test repeats until one comes in time.

Where no namespace or no TUN device may be made, the test is skipped, and says so.
"""

import socket
import sys
import time

from wide_area import FAR, NEAR, SKIPPED, Skipped, Wide_Area, far_address, line, near_address

PROGRAM = sys.argv[1]
TRIES = 200
LATE_MS = 10  # a packet that is at most so late is in time
ANSWER_LIMIT_S = 60

HEADERS = 28  # bytes, of IPv4 and UDP
SIZE = 1000  # bytes, of a packet with its headers


class Failed(Exception):
    pass


def expect(holds, what):
    if not holds:
        raise Failed(what)


def some_time(what, attempt):
    """Repeats `attempt` until it succeeds, at most TRIES times."""
    results = []
    for _ in range(TRIES):
        good, result = attempt()
        if good:
            return
        results.append(result)
    raise Failed(f"{what}: never in {TRIES} tries: {results}")


class Ends:
    """A network of one link, and a UDP socket at each of its ends."""

    def __init__(self, there, back):
        self.network = Wide_Area(PROGRAM, there, back)
        self.near = self.network.socket(NEAR, socket.SOCK_DGRAM, near_address(0))
        self.far = self.network.socket(FAR, socket.SOCK_DGRAM, far_address(0))
        for end in (self.near, self.far):
            end.settimeout(ANSWER_LIMIT_S)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.near.close()
        self.far.close()
        self.network.end()

    def send(self, number):
        self.near.sendto(number.to_bytes(4, "big") + bytes(SIZE - HEADERS - 4), self.far.getsockname())

    def receive(self):
        return int.from_bytes(self.far.recv(SIZE)[:4], "big")

    def until(self, count):
        """Waits until `count` packets have arrived, were dropped or were lost on the line there. Returns its counts."""
        counts = None
        deadline = time.monotonic() + ANSWER_LIMIT_S
        while time.monotonic() < deadline:
            counts = self.network.counts()[0][0]
            if sum(counts.values()) >= count:
                expect(sum(counts.values()) == count, f"{count} packets were sent, and counted are {counts}")
                return counts
            time.sleep(0.005)
        raise Failed(f"{count} packets were sent, and counted are {counts}")


def check_delay():
    with Ends(line(20), line(30)) as ends:

        def round_trip():
            begin = time.monotonic()
            ends.near.sendto(b"?", ends.far.getsockname())
            ends.far.sendto(*ends.far.recvfrom(SIZE))
            ends.near.recv(SIZE)
            took = 1000 * (time.monotonic() - begin)
            expect(took >= 50, f"a round trip of 50 ms took {took} ms")
            return took <= 50 + LATE_MS, took

        some_time("a round trip in time, ms", round_trip)


def check_rate_and_queue():
    """Bursts of 60 packets into a queue that has room for 25. If they are sent slowly, all of them pass; the buffer of the
    receiver has room for about 90."""
    burst, room, byte_ms = 60, 25, 8 / 4_000
    with Ends(line(10, rate_mbit=4, queue=room * SIZE), line(0)) as ends:
        sent = 0
        before = 0

        def send_burst():
            nonlocal sent, before
            begin = time.monotonic()
            for number in range(burst):
                ends.send(number)
            sent += burst
            counts = ends.until(sent)
            arrived = counts["arrived"] - before
            before = counts["arrived"]
            numbers = [ends.receive() for _ in range(arrived)]
            took = 1000 * (time.monotonic() - begin)
            wanted = 10 + arrived * SIZE * byte_ms
            expect(numbers == sorted(set(numbers)), f"not in order: {numbers}")
            expect(numbers[:room] == list(range(room)), f"dropped while there was room: {numbers}")
            expect(took >= wanted, f"{arrived} packets took {took} ms, and not {wanted} ms")
            return arrived <= room + 1 and took <= wanted + LATE_MS, (arrived, took, wanted)

        some_time("a burst of which only what has room passes, in time (packets, ms, ms wanted)", send_burst)


def lost_of(seed, packets):
    """The numbers of the packets that were lost."""
    with Ends(line(1, loss=0.1, seed=seed), line(0)) as ends:
        got = []
        for number in range(packets):
            ends.send(number)
            if number % 20 == 19:
                arrived = ends.until(number + 1)["arrived"]
                got += [ends.receive() for _ in range(arrived - len(got))]
        lost = sorted(set(range(packets)) - set(got))
        counts = ends.network.counts()[0][0]
        expect(counts["lost"] == len(lost), f"{len(lost)} were lost, and {counts['lost']} counted")
        expect(counts["dropped"] == 0, f"dropped without a queue: {counts}")
        return lost


def check_loss():
    lost = lost_of(1, 1000)
    expect(50 < len(lost) < 150, f"{len(lost)} of 1000 were lost, and not about 100")
    expect(lost == lost_of(1, 1000), "the same seed loses others")
    expect(lost != lost_of(2, 1000), "another seed loses the same")


def main():
    try:
        check_delay()
        check_rate_and_queue()
        check_loss()
    except Skipped as reason:
        print(reason)
        return SKIPPED
    except Failed as fault:
        print(f"failed: {fault}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
