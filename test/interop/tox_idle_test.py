#!/usr/bin/env python3
"""Counts the system calls in an idle tick of a real Tox client (tox_idle.c) that is connected to three relays."""

import argparse
import asyncio
import collections
import re
import subprocess
import sys

import tox_test

ITERATIONS = 200
RELAYS = 3

# A tick asks once which sockets are ready. The rest is for packets that toxcore sends on its own, some a second.
MOST_CALLS = 2.0
MOST_READS = 0.5  # a tick that tries to read from each relay makes 3

# Not counted: the client's own pause, and toxcore's cryptography and memory, which have nothing to do with relays.
OTHER = {"nanosleep", "clock_nanosleep", "madvise", "mlock", "munlock", "mmap", "munmap", "brk", "getrandom"}
WAIT = {"epoll_wait", "epoll_pwait"}
READ = {"read", "readv", "recv", "recvfrom", "recvmsg", "ioctl"}


def count_calls(trace):
    """How often each system call was made between the two marks."""
    text = trace.read_text(errors="replace")
    begin, end = text.find("/idle-begins"), text.find("/idle-ends")
    if begin < 0 or end < 0:
        raise tox_test.Fault("the client came to no idle time")
    lines = text[begin:end].splitlines()[1:-1]
    names = (re.match(r"(?:\d+\s+)?(\w+)\(", line) for line in lines)
    return collections.Counter(name[1] for name in names if name and name[1] not in OTHER)


async def calls_of(programs, program):
    async with tox_test.new_world(programs) as world:
        relays = await world.relays(RELAYS)
        trace = world.directory / "trace"
        words = [word for relay in relays for word in (relay.tcp_port, relay.udp_port, relay.key)]
        client = await world.start(programs.strace, "-f", "-qq", "-o", trace, program, ITERATIONS, *words)
        await tox_test.within(tox_test.WORK_LIMIT_S, "the client", client.wait())
        return count_calls(trace)


async def compare(programs):
    ours, theirs = await asyncio.gather(*(calls_of(programs, each) for each in (programs.ours, programs.theirs)))
    for name, calls in (("toxtcp", ours), ("toxcore", theirs)):
        each = ", ".join(f"{call} {count / ITERATIONS:.2f}" for call, count in calls.most_common())
        print(f"{name}, calls a tick: {calls.total() / ITERATIONS:.2f} ({each})")
    waits = sum(ours[call] for call in WAIT)
    reads = sum(ours[call] for call in READ)
    if waits < ITERATIONS:
        raise tox_test.Fault(f"epoll is asked in {waits} of {ITERATIONS} ticks")
    if ours.total() > MOST_CALLS * ITERATIONS:
        raise tox_test.Fault(f"{ours.total()} system calls in {ITERATIONS} ticks")
    if reads > MOST_READS * ITERATIONS:
        raise tox_test.Fault(f"{reads} reads in {ITERATIONS} ticks: sockets are tried that have nothing")


def can_trace(strace):
    tried = subprocess.run([strace, "-o", "/dev/null", "true"], capture_output=True, text=True)
    return tried.returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for program in ("ours", "theirs", "bootstrapd", "strace"):
        parser.add_argument("--" + program, required=True)
    programs = parser.parse_args()
    if not can_trace(programs.strace):
        print("skipped: strace may not trace here")
        sys.exit(tox_test.SKIPPED)
    try:
        asyncio.run(compare(programs))
    except (tox_test.Fault, TimeoutError) as fault:
        print(f"failed: {fault}")
        sys.exit(1)


if __name__ == "__main__":
    main()
