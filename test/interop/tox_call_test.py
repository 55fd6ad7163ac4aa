#!/usr/bin/env python3
"""Two Tox clients in a call over three relays (test/support/stand_in.cpp). The two relays in use turn bad at the same time.

The friends find each other through a tox-bootstrapd. For the friends it is a node of the DHT and no relay; the relays pass
their onion packets on to it. Each end sends a lossy packet of 100 bytes every 20 ms. Measured at each end: the longest time
without a packet, and how many packets were lost. All calls run at the same time, on the real clock.
"""

import argparse
import asyncio
import contextlib
import json
import sys

from tox_test import ROUND_TRIPS, Client, Fault, Relay, World, lateness, within

KINDS = ("hangs", "drops", "drops_one_way", "forges", "passes_echoes", "flaps")
OTHER_KINDS = ("refuses", "silent", "shakes_hands", "late", "drops_big")  # run only when named by --kinds
SIDES = {"ours": "toxtcp", "theirs": "toxcore", "mixed": "toxtcp with toxcore"}
PAIRS = {"ours": ("ours", "ours"), "theirs": ("theirs", "theirs"), "mixed": ("ours", "theirs")}

CALL_MS = 20
WARM_S = 3
COUNT_S = 1  # how long the packets that each relay carries are counted, to find the relays in use
MEASURED_S = 30
TURNING = 2  # so many of the three relays turn bad
READY_LIMIT_S = 240  # until friends have met, and have routes over all relays
ANSWER_LIMIT_S = 30
POLL_S = 0.2

# The longest silence that the library promises, ms: 0.6 s and 4 round trips. A round trip takes 40 ms at most, since each
# client looks for packets every 20 ms. The rest up to 1 s is a margin. For relays that let echoes pass: 9 s.
PROMISED_MS = {kind: 9000 if kind == "passes_echoes" else 1000 for kind in KINDS + OTHER_KINDS}
MIXED_MS = 9000  # where the other end is toxcore's own code, which does not check whether its route delivers


def allowed_ms(result):
    """The promised silence and the delay that the machine adds, ms.

    Other tests run at the same time on few processors. Each round trip passes both clients and a relay. Each client reports the
    longest time that it waited for a processor; a relay does not, and this test measures its own lateness instead."""
    promised = MIXED_MS if result["side"] == "mixed" else PROMISED_MS[result["kind"]]
    waited = sum(max(0, waited - CALL_MS) for waited in result["waited_ms"])
    return promised + ROUND_TRIPS * (waited + result["late_ms"])


class Stand_In:
    """A stand-in relay. It takes commands on its standard input."""

    @staticmethod
    async def start(world, *commands):
        self = Stand_In()
        pipe = asyncio.subprocess.PIPE
        self.process = await world.start(world.programs.stand_in, *commands, stdin=pipe, stdout=pipe)
        ready = json.loads((await self.process.stdout.readline()) or "{}")
        if not ready:
            raise Fault("a stand-in relay did not start")
        self.port, self.key = ready["port"], ready["public_key"]
        return self

    def tell(self, *words):
        self.process.stdin.write((" ".join(map(str, words)) + "\n").encode())

    async def stat(self):
        self.tell("stat")
        line = await within(ANSWER_LIMIT_S, "a relay's answer", self.process.stdout.readline())
        return json.loads(line[0])


async def until(relays, name, count):
    """Waits until the figure `name` of every relay is at least `count`."""
    while any([(await relay.stat())[name] < count for relay in relays]):
        await asyncio.sleep(POLL_S)


class Call:
    """Two clients and three relays: one call of one side and one kind."""

    async def start(self, world, side, kind):
        self.side, self.kind = side, kind
        self.relays = [await Stand_In.start(world) for _ in range(3)]
        self.pair = [await Client.start(world, code, ()) for code in PAIRS[side]]
        self.dht_keys = [await client.says("dht_key") for client in self.pair]

    async def connect(self, bootstrapd, silent):
        """Waits until the friends are online and have a route over each of the relays."""
        for client in self.pair:
            client.tell("node", bootstrapd.udp_port, bootstrapd.key)
            for relay in self.relays:
                client.tell("tcp_relay", relay.port, relay.key)
        await until(self.relays, "clients", 2)
        naming = asyncio.create_task(self.keep_naming(silent))
        for client, other in (self.pair, reversed(self.pair)):
            client.tell("friend", other.key)
        await asyncio.gather(*(client.says("online") for client in self.pair))
        await until(self.relays, "online", 2)
        naming.cancel()

    async def keep_naming(self, silent):
        """Names a fourth relay to the clients again and again, where one of them is toxcore's own code.

        With three relays or fewer, toxcore's own code tells its friend none of them, so the friends would have routes over one or
        two of the three. With a fourth relay, which never answers and is soon forgotten, it tells the three."""
        while "theirs" in PAIRS[self.side]:
            for client in self.pair:
                client.tell("tcp_relay", silent.port, silent.key)
            await asyncio.sleep(1)

    async def turn_and_measure(self):
        """Turns two relays bad, and returns what each end has heard and lost from then on."""
        for client in self.pair:
            client.tell("call", CALL_MS)
        await asyncio.sleep(WARM_S)
        before = [(await relay.stat())["carried"] for relay in self.relays]
        await asyncio.sleep(COUNT_S)
        after = [(await relay.stat())["carried"] for relay in self.relays]
        order = sorted(range(3), key=lambda i: before[i] - after[i])
        async with lateness() as late:
            for client in self.pair:
                client.tell("measure")
            # A relay that drops one way cuts off one client: the same for both relays.
            for i in order[:TURNING]:
                self.relays[i].tell("one_way", self.dht_keys[1])
                self.relays[i].tell("kind", self.kind)
            await asyncio.sleep(MEASURED_S)
        said = await within(ANSWER_LIMIT_S, "the answer", *(client.ask("called") for client in self.pair))
        a, b = (dict(zip(("longest", "now", "sent", "got", "waited"), map(int, line.split()))) for line in said)
        stats = [await self.relays[i].stat() for i in order]
        return {
            "kind": self.kind,
            "side": self.side,
            "silence_ms": [a["longest"], b["longest"]],
            "silent_now_ms": [a["now"], b["now"]],
            # A packet that was on its way when the counting began or ended is counted at one end only.
            "lost": [max(0, b["sent"] - a["got"]), max(0, a["sent"] - b["got"])],
            "sent": [a["sent"], b["sent"]],
            "waited_ms": [a["waited"], b["waited"]],
            "late_ms": late.most_ms,
            "carried_before": [after[i] - before[i] for i in order],
            "relays": stats,
        }


async def run_calls(programs, kinds, sides):
    """Runs all calls at the same time, and returns what each has measured."""
    async with contextlib.AsyncExitStack() as stack:
        world = World(programs, stack)
        bootstrapd = await Relay.start(world, 0, [])
        silent = await Stand_In.start(world, "kind silent")
        calls = []
        for kind in kinds:
            for side in sides:
                calls.append(Call())
                await calls[-1].start(world, side, kind)
        await within(READY_LIMIT_S, "to come online over all relays", *(call.connect(bootstrapd, silent) for call in calls))
        return await asyncio.gather(*(call.turn_and_measure() for call in calls))


def describe(result):
    """The longest silence and the losses of both ends. The end that is cut off comes second."""
    ends = []
    for silence, now, lost in zip(result["silence_ms"], result["silent_now_ms"], result["lost"]):
        lasts = ", to the end" if now == silence and now >= 1000 else ""
        ends.append(f"{silence / 1000:.2f} s{lasts} ({lost} lost)")
    return " / ".join(ends)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", nargs="+", choices=KINDS + OTHER_KINDS, default=KINDS)
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=["ours", "mixed"])
    parser.add_argument("--json", action="store_true", help="all figures as JSON")
    for program in ("ours", "theirs", "bootstrapd", "stand-in"):
        parser.add_argument("--" + program, required=True)
    programs = parser.parse_args()
    try:
        results = asyncio.run(run_calls(programs, programs.kinds, programs.sides))
    except (Fault, TimeoutError) as fault:
        print(f"failed: {fault}")
        sys.exit(1)
    too_long = 0
    for result in results:
        kind, side = result["kind"], result["side"]
        limit = allowed_ms(result)
        silences = result["silence_ms"]
        if side == "mixed" and kind == "hangs":
            silences = silences[1:]  # toxcore sends over a hanging relay until its own pings fail, after 30 s or so
        failed = side != "theirs" and max(silences) > limit
        too_long += failed
        print(json.dumps(result) if programs.json else
              f"{kind:14} {SIDES[side]}: {describe(result)}" + (f"  FAILED: {limit} ms are allowed" if failed else ""))
    sys.exit(1 if too_long else 0)


if __name__ == "__main__":
    main()
