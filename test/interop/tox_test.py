#!/usr/bin/env python3
"""Pairs of Tox clients (tox_pair.c), without UDP, over relays that are real tox-bootstrapd processes.

Each client is built with the library's TCP connections or with toxcore's own. A case says which of the two each end is.
"""

import argparse
import asyncio
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import sys
import tempfile
import time
import types

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from real_programs import (SKIPPED, START_TRIES, bootstrapd_command, bootstrapd_key,  # noqa: E402
                           die_with_the_test, free_port)

MESSAGES = 1000
FILE_SIZE = 20_000_000
CAREFUL_PACE = 500  # bytes a ms, at which no socket fills up; at 2,000 toxcore's own pair stalls for up to 50 s
CONFERENCE_MESSAGES = 100

STREAM_MS = 50
SILENCE_LIMIT_MS = 3000  # of the library; toxcore's own code needs about ten times as long
ROUND_TRIPS = 4  # in a silence; each may wait for a processor
NAP_MS = 20
AFTER_FAULT_S = 8  # longer than SILENCE_LIMIT_MS, and than it takes to lose a second relay
LONGEST_WATCH_S = 40  # toxcore's own code may still be silent then, which is reported
HEARD_MS = 1000  # the stream flows if its last message is no older
SETTLE_S = 8  # both ends know the relays, but need a moment to tell each other

START_LIMIT_S = 30
ONLINE_LIMIT_S = 150  # Tox peers find each other by chance, which may take long
WORK_LIMIT_S = 150

class Fault(Exception):
    pass


@contextlib.asynccontextmanager
async def lateness():
    """Sleeps again and again, and keeps in `most_ms` how late it woke at most: so long a process waits for a processor here."""
    seen = types.SimpleNamespace(most_ms=0)

    async def nap():
        while True:
            due = time.monotonic() + NAP_MS / 1000
            await asyncio.sleep(NAP_MS / 1000)
            seen.most_ms = max(seen.most_ms, round(1000 * (time.monotonic() - due)))

    task = asyncio.create_task(nap())
    try:
        yield seen
    finally:
        task.cancel()


class World:
    """The processes and the directory of one case. They end with the case."""

    def __init__(self, programs, stack):
        self.programs = programs
        self.stack = stack
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="toxtcp-tox-"))
        stack.callback(shutil.rmtree, self.directory, ignore_errors=True)

    async def start(self, *words, first=die_with_the_test, **options):
        """`first`: what the new process calls before it runs the program."""
        process = await asyncio.create_subprocess_exec(
            *map(str, words), preexec_fn=first, stderr=asyncio.subprocess.DEVNULL, **options
        )

        async def end():
            if process.returncode is None:
                process.kill()
                await process.wait()

        self.stack.push_async_callback(end)
        return process

    async def start_at_free_port(self, command, address="127.0.0.1", **options):
        """Starts the program that `command` gives for a port, and waits until it answers there. If another program takes the
        port first, the program ends, and is started at another port. Returns the process and the port."""
        for _ in range(START_TRIES):
            port = free_port()
            words = command(port)
            process = await self.start(*words, stdout=asyncio.subprocess.DEVNULL, **options)
            if await answers(process, port, address):
                return process, port
        raise Fault(f"{words[0]} ended before it answered, {START_TRIES} times")

    async def relays(self, count):
        relays = []
        for number in range(count):
            relays.append(await Relay.start(self, number, relays))
        return relays

    async def proxy(self, kind):
        def command(port):
            if kind == "socks5":
                return [self.programs.microsocks, "-i", "127.0.0.1", "-p", port]
            config = self.directory / "tinyproxy"
            config.write_text(
                f"Port {port}\nListen 127.0.0.1\nTimeout 600\nMaxClients 100\nAllow 127.0.0.1\nLogLevel Error\n"
            )
            return [self.programs.tinyproxy, "-d", "-c", config]

        _, port = await self.start_at_free_port(command)
        return [kind, port]

    async def pair(self, kinds, relays, proxy=()):
        clients = [await Client.start(self, kind, proxy) for kind in kinds]
        for client, other in (clients, reversed(clients)):
            for relay in relays:
                client.tell("relay", relay.tcp_port, relay.udp_port, relay.key)
            client.tell("friend", other.key)
        await within(ONLINE_LIMIT_S, "to come online", *(client.says("online") for client in clients))
        return clients


async def answers(process, port, address):
    """Waits until the process answers at its port. False when it has ended."""
    async with asyncio.timeout(START_LIMIT_S):
        while process.returncode is None:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(address, port)
                writer.close()
                return process.returncode is None
            await asyncio.sleep(0.01)
    return False


async def within(seconds, what, *awaitables):
    try:
        async with asyncio.timeout(seconds):
            return await asyncio.gather(*awaitables)
    except TimeoutError:
        raise Fault(f"{what} took more than {seconds} s") from None


class Relay:
    @staticmethod
    async def start(world, number, others, address="127.0.0.1", first=die_with_the_test):
        """With another address than 127.0.0.1, the relay is in the network namespace that `first` enters."""
        self = Relay()
        self.address = address
        self.name = f"relay {number}"
        directory = world.directory / f"relay{number}"
        directory.mkdir()
        nodes = ",".join(
            f'{{ address = "{other.address}"; port = {other.udp_port}; public_key = "{other.key}" }}' for other in others
        )

        def command(tcp_port):
            self.udp_port = free_port()
            return bootstrapd_command(world.programs.bootstrapd, directory, tcp_port, self.udp_port, nodes)

        self.process, self.tcp_port = await world.start_at_free_port(command, address, first=first)
        self.key = bootstrapd_key(directory)
        return self

    def connections(self):
        """How many clients are connected to the relay."""
        lines = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return sum(line[3] == "01" and int(line[1].split(":")[1], 16) == self.tcp_port for line in lines)

    def time_used(self):
        """Processor time that the relay has used, ns. The relay that carries the traffic uses most."""
        return int(pathlib.Path(f"/proc/{self.process.pid}/schedstat").read_text().split()[0])


# Answers with figures. They are asked for also when the friend is offline.
ANSWERS = ("silence", "called", "way", "ways", "got", "sockets")


class Client:
    @staticmethod
    async def start(world, kind, proxy):
        self = Client()
        self.kind = kind
        self.process = await world.start(
            getattr(world.programs, kind), *proxy, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        self.key = (await within(START_LIMIT_S, "to start", self.says("key")))[0]
        return self

    def tell(self, *words):
        self.process.stdin.write((" ".join(map(str, words)) + "\n").encode())

    async def says(self, word):
        """Waits for a line that begins with this word, and returns the rest of it."""
        while True:
            line = (await self.process.stdout.readline()).decode().strip()
            if not line:
                raise Fault(f"the client ({self.kind}) ended while `{word}` was awaited")
            if line.startswith("failed"):
                raise Fault(f"the client ({self.kind}) says: {line}")
            if line == "offline" and word not in ANSWERS:
                raise Fault(f"the client ({self.kind}) lost its friend while `{word}` was awaited")
            if line.split()[0] == word:
                return line[len(word) :].strip()

    async def ask(self, word):
        self.tell(word)
        return await self.says(word)

    async def end(self):
        self.tell("quit")
        if await asyncio.wait_for(self.process.wait(), START_LIMIT_S) != 0:
            raise Fault(f"the client ({self.kind}) ended with {self.process.returncode}")


def expect(what, got, wanted):
    if str(got) != str(wanted):
        raise Fault(f"{what}: {got} instead of {wanted}")


async def exchange_messages(a, b):
    for client in (a, b):
        client.tell("messages", MESSAGES)
    for got in await within(WORK_LIMIT_S, "the messages", a.says("messages"), b.says("messages")):
        expect("messages", got, MESSAGES)


async def send_file(a, b):
    # toxcore's own code, also in the relay, stops reading a socket once a part of a packet has filled it. So no socket
    # may fill up where toxcore's own code sends or receives.
    a.tell("file", FILE_SIZE, 0 if a.kind == b.kind == "ours" else CAREFUL_PACE)
    expect("bytes of the file", *await within(WORK_LIMIT_S, f"a file of {a.kind}", b.says("file")), FILE_SIZE)


async def hold_conference(a, b):
    a.tell("conference")
    await within(WORK_LIMIT_S, "to join the conference", a.says("joined"), b.says("joined"))
    for client in (a, b):
        client.tell("say", CONFERENCE_MESSAGES)
    for got in await within(WORK_LIMIT_S, "the conference", a.says("said"), b.says("said")):
        expect("messages of the conference", got, CONFERENCE_MESSAGES)


@contextlib.asynccontextmanager
async def new_world(programs):
    async with contextlib.AsyncExitStack() as stack:
        yield World(programs, stack)


# ---- cases -----------------------------------------------------------------------------------------------------


async def case_everything(programs, first, second):
    """Messages both ways; from the first to the second, a file and the invitation to a conference."""
    async with new_world(programs) as world:
        a, b = await world.pair([first, second], await world.relays(3))
        await exchange_messages(a, b)
        await send_file(a, b)
        await hold_conference(a, b)
        await within(START_LIMIT_S, "to end", a.end(), b.end())


async def case_mixed(programs):
    """Two pairs at the same time: the library sends to toxcore's own code, and the other way round."""
    await asyncio.gather(case_everything(programs, "ours", "theirs"), case_everything(programs, "theirs", "ours"))


async def proxied(programs, kind):
    async with new_world(programs) as world:
        relays = await world.relays(1)
        a, b = await world.pair(["ours", "ours"], relays, await world.proxy(kind))
        await exchange_messages(a, b)
        await hold_conference(a, b)
        await within(START_LIMIT_S, "to end", a.end(), b.end())


async def case_proxies(programs):
    """Messages and a conference through each kind of proxy that is there."""
    kinds = [kind for kind, program in (("http", programs.tinyproxy), ("socks5", programs.microsocks)) if program]
    print("proxies:", ", ".join(kinds) or "none here")
    if not kinds:
        sys.exit(SKIPPED)
    await asyncio.gather(*(proxied(programs, kind) for kind in kinds))


async def listen(pair):
    """The longest silence of the two ends, and the longest that still lasts, ms."""
    said = await within(START_LIMIT_S, "the answer", *(client.ask("silence") for client in pair))
    return [max(column) for column in zip(*(map(int, line.split()) for line in said))]


async def silence_of(programs, kind, fault):
    """Sends the signal to the two busiest of three relays. Returns the longest silence, ms, whether it still lasts, and how late
    this machine was meanwhile, ms."""
    async with new_world(programs) as world:
        relays = await world.relays(3)
        pair = await world.pair([kind, kind], relays)
        async with asyncio.timeout(START_LIMIT_S):
            while any(relay.connections() < len(pair) for relay in relays):
                await asyncio.sleep(0.1)
        await asyncio.sleep(SETTLE_S)
        for client in pair:
            client.tell("stream", STREAM_MS)
        await asyncio.sleep(2)
        before = {relay.name: relay.time_used() for relay in relays}
        async with lateness() as late:
            for client in pair:
                client.tell("listen")
            await asyncio.sleep(3)
            relays.sort(key=lambda relay: before[relay.name] - relay.time_used())
            for relay in relays[:2]:
                relay.process.send_signal(fault)
            await asyncio.sleep(AFTER_FAULT_S)
            for _ in range(AFTER_FAULT_S, LONGEST_WATCH_S):
                longest, now = await listen(pair)
                if now < HEARD_MS:
                    break
                await asyncio.sleep(1)
        return longest, now >= HEARD_MS, late.most_ms


async def case_silence(programs, fault):
    results = await asyncio.gather(*(silence_of(programs, kind, fault) for kind in ("ours", "theirs")))
    what = "die" if fault == signal.SIGKILL else "hang"
    said = [f"{longest} ms" + (" and longer" if lasts else "") for longest, lasts, _ in results]
    print(f"two of three relays {what}, longest silence: toxtcp {said[0]}, toxcore {said[1]}")
    longest, lasts, late_ms = results[0]
    allowed_ms = SILENCE_LIMIT_MS + ROUND_TRIPS * late_ms
    if longest > allowed_ms or lasts:
        raise Fault(f"silent for {longest} ms; {allowed_ms} ms are allowed, as the machine was late by {late_ms} ms")


CASES = {
    "ours": lambda programs: case_everything(programs, "ours", "ours"),
    "mixed": case_mixed,
    "die": lambda programs: case_silence(programs, signal.SIGKILL),
    "hang": lambda programs: case_silence(programs, signal.SIGSTOP),
    "proxies": case_proxies,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=CASES)
    for program in ("ours", "theirs", "bootstrapd", "tinyproxy", "microsocks"):
        parser.add_argument("--" + program)
    programs = parser.parse_args()
    try:
        asyncio.run(CASES[programs.case](programs))
    except (Fault, TimeoutError) as fault:
        print(f"failed: {fault}")
        sys.exit(1)


if __name__ == "__main__":
    main()
