#!/usr/bin/env python3
"""What a user notices: calls and files of pairs of Tox clients over wide-area networks, with toxcore's own code and with ours.

The two clients are at the near end of a link (test/support/wide_area_link.cpp). The relays are tox-bootstrapd processes at its
far end, and UDP is off. So a packet from one client to the other crosses the link twice. Every run has its own network,
relays and clients. Runs of the two sides alternate. Both runs of a pair have the same seed for loss.

Scenes:
  online   the time until both friends are online; measured in every run
  call     a packet of 100 bytes each 20 ms both ways
  file     a file as fast as toxcore asks for it: its mean rate, and the longest time without a part of it
  both     a call while a file has reached its rate
  beside   a file while another program uploads over the same line as fast as TCP lets it
  hang     a call; the relay that carries most of it stops working
  far      a call from the moment when both are online; there are two relays, one of them 150 ms farther away
  idle     two friends online over three relays, who send nothing: the processor time of both clients

Figures of a call: the time from sending a packet until the other client has it (median and 99th percentile of those that
came, both directions), the longest time in which one of the two heard nothing, and the packets that were lost. Near: the time
from the start of the call until the last half second in which the far relay acknowledged most of what one of the two had sent.
Moves: how often another relay carried most of the file than half a second before.
"""

import argparse
import asyncio
import concurrent.futures
import contextlib
import dataclasses
import functools
import json
import os
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import time
import types

from programs import ROOT, Failed, Programs, add_build_option, complain, draw, print_table

sys.path += [os.path.join(ROOT, "test", "interop"), os.path.join(ROOT, "test", "support")]
import wide_area  # noqa: E402
from tox_test import Client, Fault, Relay, World, within  # noqa: E402

SIDES = {"theirs": "toxcore", "ours": "ours"}
COLOURS = {"theirs": "#b03020", "ours": "#2060a0"}


@dataclasses.dataclass
class Network:
    text: str
    delay_ms: float = 0  # in one direction; all values hold for both directions
    rate_mbit: float = 0
    queue: int = 0  # bytes
    loss: float = 0
    wide: bool = True  # False: clients and relays are on one machine

    def lines(self, seed, more_ms=0):
        return [
            wide_area.line(self.delay_ms + more_ms, self.rate_mbit, self.queue, self.loss, 2 * seed + way) for way in (0, 1)
        ]


NETWORKS = {
    "5ms": Network("5 ms, 200 Mbit/s", 5, 200, 1_000_000),
    "25ms": Network("25 ms, 20 Mbit/s", 25, 20, 250_000),
    "100ms": Network("100 ms, 5 Mbit/s", 100, 5, 100_000),
    "150ms": Network("150 ms, 1 Mbit/s", 150, 1, 50_000),
    "lossy": Network("25 ms, 0.5 % loss", 25, 20, 250_000, 0.005),
    "loopback": Network("loopback", wide=False),
}
SCENES = ("online", "call", "file", "both", "beside", "hang", "far", "idle")
FARTHER_MS = 150

# toxcore tells a friend of its relays only if it has more than three.
RELAYS = 4
RELAYS_OF_SCENE = {"far": 2, "idle": 3}
CALL_MS = 20
SETTLE_S = 8  # time for the friends to tell each other of relays, and to get routes over them
WARM_S = 3
CALL_S = 30
IDLE_S = 60
FILE_SIZE = 4_000_000_000  # more than any run can send
FILE_S = 45
FILE_WARM_S = 20  # toxcore needs 15 s to reach its rate
SAMPLE_S = 0.5
MOVE_BYTES = 20_000  # of a file, in one sample; with fewer, no relay counts as the busiest
CALL_BYTES = 1_000  # the same for a call, which sends 4,500 in that time
FAR_RELAY = 1  # its number in the scene `far`
AFTER_HANG_S = 30
ONLINE_LIMIT_S = 240
ANSWER_LIMIT_S = 60
# A program at the far end that receives and discards the upload.
SINK = """
import socket, sys
listener = socket.create_server((sys.argv[1], 0))
print(listener.getsockname()[1], flush=True)
taken, _ = listener.accept()
while taken.recv(1 << 20):
    pass
"""
RUN_LIMIT_S = 600


@dataclasses.dataclass
class Figure:
    text: str
    scenes: tuple
    digits: int = 0
    scale: float = 1
    more_is_better: bool = False
    has_ratio: bool = True


FIGURES = {
    "online_s": Figure("online after, s", ("online",), 1),
    "median_ms": Figure("median way, ms", ("call", "both")),
    "p99_ms": Figure("99 % way, ms", ("call", "both", "far")),
    "silence_ms": Figure("silence, ms", ("call", "both", "hang", "far")),
    "lost_percent": Figure("lost, %", ("call", "both", "hang", "far"), 1, has_ratio=False),
    "rate": Figure("rate, MB/s", ("file", "both", "beside"), 2, 1e-6, more_is_better=True),
    "upload": Figure("upload, MB/s", ("beside",), 2, 1e-6, more_is_better=True),
    "pause_ms": Figure("pause, ms", ("file", "both", "beside")),
    "moves": Figure("moves", ("file", "both", "beside"), has_ratio=False),
    "near_s": Figure("near after, s", ("far",), 1),
    "processor_ms": Figure("processor, ms a minute", ("idle",)),
}


# ---- one run, inside the near end of its network ---------------------------------------------------------------


class Run:
    def __init__(self, job, world):
        self.job = job
        self.world = world
        self.network = NETWORKS[job["network"]]
        self.result = {}
        # A process at the far end calls this first, to enter the network.
        self.far = functools.partial(enter_network, job["files"], wide_area.FAR, job["congestion"])

    async def start(self):
        """Starts relays and two clients, and tells the clients of the relays and of each other."""
        self.relays = []
        for number in range(RELAYS_OF_SCENE.get(self.job["scene"], RELAYS)):
            link = number if self.job["scene"] == "far" else 0
            place = {"address": wide_area.far_address(link), "first": self.far} if self.network.wide else {}
            self.relays.append(await Relay.start(self.world, number, self.relays, **place))
        self.pair = [await Client.start(self.world, self.job["side"], ()) for _ in range(2)]
        begin = time.monotonic()
        for client, other in (self.pair, reversed(self.pair)):
            for relay in self.relays:
                client.tell("at", relay.address)
                client.tell("relay", relay.tcp_port, relay.udp_port, relay.key)
            client.tell("friend", other.key)
        await within(ONLINE_LIMIT_S, "to come online", *(client.says("online") for client in self.pair))
        self.result["online_s"] = time.monotonic() - begin

    async def ask_both(self, word):
        return await within(ANSWER_LIMIT_S, "an answer", *(client.ask(word) for client in self.pair))

    async def sockets(self):
        """For each client and the number of each relay: the bytes sent, received, and waiting to be sent."""
        numbers = {relay.tcp_port: number for number, relay in enumerate(self.relays)}
        clients = []
        for said in await self.ask_both("sockets"):
            clients.append({})
            for part in said.split():
                port, *values = map(int, part.split(":"))
                if port in numbers:
                    clients[-1][numbers[port]] = values
        return clients

    def call(self):
        for client in self.pair:
            client.tell("call", CALL_MS)

    async def measure(self):
        for client in self.pair:
            client.tell("measure")
        return time.monotonic()

    async def ways(self, client):
        """For each packet that the client got: when it was sent, and how long it took, ms."""
        client.tell("ways")
        ways = []
        while True:
            line = (await client.process.stdout.readline()).decode().split()
            if not line or line[0] == "ways":
                return ways
            if line[0] == "way":
                ways.append((int(line[1]) / 1000, int(line[2]) / 1000))

    async def measured_call(self, began):
        """Ends the call, and computes its figures since `began`."""
        for client in self.pair:
            client.tell("call", 0)
        ended = time.monotonic()
        # Packets that are still on their way count.
        await asyncio.sleep(4 * (self.network.delay_ms + FARTHER_MS) / 1000)
        called = [list(map(int, line.split())) for line in await self.ask_both("called")]
        # One client after the other, since each answer is long.
        ways = [(await within(ANSWER_LIMIT_S, "the ways", self.ways(client)))[0] for client in self.pair]
        took = sorted(way[1] for end in ways for way in end)
        sent = sum(line[2] for line in called)
        self.result |= {
            "lost_percent": 100 * max(0, 1 - len(took) / sent),
            "silence_ms": max(longest_silence(end, 1000 * began, 1000 * ended) for end in ways),
            "held_up_ms": max(line[4] for line in called),
        }
        if took:
            self.result |= {"median_ms": statistics.median(took), "p99_ms": took[len(took) * 99 // 100]}

    async def watch_file(self, seconds):
        """Takes samples for so many seconds: the time, the bytes received, and the bytes that each relay has carried."""
        sender, receiver = self.pair
        begin = time.monotonic()
        samples = []
        while time.monotonic() < begin + seconds:
            got, pause = map(int, (await within(ANSWER_LIMIT_S, "an answer", receiver.ask("got")))[0].split())
            samples.append({"s": time.monotonic() - self.file_began, "got": got, "carried": await self.sockets()})
            self.result["pause_ms"] = pause
            await asyncio.sleep(SAMPLE_S)
        return samples

    def begin_file(self):
        self.pair[0].tell("file", FILE_SIZE, 0)
        self.file_began = time.monotonic()

    def measured_file(self, samples):
        """Computes the figures of the file, from its first byte on."""
        come = [sample for sample in samples if sample["got"] > 0]
        self.result |= {"rate": 0, "samples": samples}
        if len(come) > 1:
            first, last = come[0], come[-1]
            self.result["rate"] = (last["got"] - first["got"]) / (last["s"] - first["s"])
        self.result["moves"] = count_moves(samples)

    async def scene_online(self):
        pass

    async def scene_call(self):
        await asyncio.sleep(SETTLE_S)
        self.call()
        await asyncio.sleep(WARM_S)
        began = await self.measure()
        await asyncio.sleep(CALL_S)
        await self.measured_call(began)

    async def scene_file(self):
        await asyncio.sleep(SETTLE_S)
        self.begin_file()
        self.measured_file(await self.watch_file(FILE_S))

    async def scene_both(self):
        await asyncio.sleep(SETTLE_S)
        self.call()
        self.begin_file()
        samples = await self.watch_file(FILE_WARM_S)
        began = await self.measure()
        samples += await self.watch_file(CALL_S)
        self.measured_file(samples)
        await self.measured_call(began)

    async def scene_beside(self):
        await asyncio.sleep(SETTLE_S)
        address = wide_area.far_address(0)
        sink = await self.world.start(sys.executable, "-c", SINK, address, first=self.far, stdout=asyncio.subprocess.PIPE)
        port = int((await within(ANSWER_LIMIT_S, "a port", sink.stdout.readline()))[0])
        with socket.create_connection((address, port)) as upload:
            upload.setblocking(False)
            sending = asyncio.create_task(send_for_ever(upload))
            self.begin_file()
            begun, before = time.monotonic(), acknowledged(upload)
            self.measured_file(await self.watch_file(FILE_S))
            self.result["upload"] = (acknowledged(upload) - before) / (time.monotonic() - begun)
            sending.cancel()

    async def scene_hang(self):
        await asyncio.sleep(SETTLE_S)
        self.call()
        await asyncio.sleep(WARM_S)
        before = (await self.sockets())[0]
        await asyncio.sleep(1)
        after = (await self.sockets())[0]
        busiest = max(after, key=lambda number: after[number][0] - before.get(number, (0,))[0])
        began = await self.measure()
        self.relays[busiest].process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(AFTER_HANG_S)
        await self.measured_call(began)

    async def scene_far(self):
        self.call()
        began = await self.measure()
        samples = []
        while time.monotonic() < began + CALL_S:
            samples.append({"s": time.monotonic() - began, "carried": await self.sockets()})
            await asyncio.sleep(SAMPLE_S)
        await self.measured_call(began)
        self.result |= {"near_s": near_after(samples), "samples": samples}

    async def scene_idle(self):
        await asyncio.sleep(SETTLE_S)
        before = sum(processor_ms(client.process.pid) for client in self.pair)
        await asyncio.sleep(IDLE_S)
        after = sum(processor_ms(client.process.pid) for client in self.pair)
        self.result["processor_ms"] = (after - before) * 60 / IDLE_S


def processor_ms(process):
    """The processor time that a process with one thread has used so far."""
    with open(f"/proc/{process}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0]) / 1e6


async def send_for_ever(connected):
    while True:
        await asyncio.get_running_loop().sock_sendall(connected, bytes(1 << 16))


def acknowledged(connected):
    """Bytes: tcpi_bytes_acked of Linux's struct tcp_info."""
    return struct.unpack_from("Q", connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256), 120)[0]


def longest_silence(ways, began_ms, ended_ms):
    """The longest time in which one end got no packet, ms. A packet that comes after the call still ends the last silence."""
    heard = [began_ms] + sorted(sent + took for sent, took in ways) + ([ended_ms] if not ways else [])
    longest = max((late - early for early, late in zip(heard, heard[1:])), default=0)
    return max(longest, ended_ms - heard[-1])


def busiest_relay(earlier, later, client, least):
    """The relay that carried most of what this client sent between two samples; None when that was less than `least` bytes, or
    no relay carried half of it."""
    carried = {
        relay: values[0] - earlier["carried"][client].get(relay, (0,))[0]
        for relay, values in later["carried"][client].items()
    }
    busiest = max(carried, key=carried.get, default=None)
    if busiest is None or carried[busiest] < least or 2 * carried[busiest] < sum(carried.values()):
        return None
    return busiest


def near_after(samples):
    """The time after which the far relay was not the busiest of any client, s."""
    last = 0
    for earlier, later in zip(samples, samples[1:]):
        if any(busiest_relay(earlier, later, client, CALL_BYTES) == FAR_RELAY for client in (0, 1)):
            last = later["s"]
    return last


def count_moves(samples):
    """How often the busiest relay changed between two samples."""
    moves = 0
    last = None
    for earlier, later in zip(samples, samples[1:]):
        busiest = busiest_relay(earlier, later, 0, MOVE_BYTES)
        if busiest is not None:
            moves += last is not None and busiest != last
            last = busiest
    return moves


def enter_network(files, where, congestion):
    wide_area.enter(files, where)
    if congestion:
        with open("/proc/sys/net/ipv4/tcp_congestion_control", "w", encoding="ascii") as file:
            file.write(congestion)


async def run_here(job):
    async with contextlib.AsyncExitStack() as stack:
        run = Run(job, World(types.SimpleNamespace(**job["programs"]), stack))
        await run.start()
        await getattr(run, "scene_" + job["scene"])()
        return run.result


def main_of_run(text):
    """The process of one run. It is already inside the near end of the network."""
    try:
        print(json.dumps(asyncio.run(run_here(json.loads(text)))))
    except (Fault, TimeoutError) as fault:
        print(json.dumps({"failed": str(fault)}))


# ---- all runs --------------------------------------------------------------------------------------------------


class Bench:
    def __init__(self, options):
        programs = Programs(options.build)
        self.options = options
        self.link = programs.path("../support/wide-area-link")
        self.programs = {
            "ours": programs.path("../interop/tox-pair-ours"),
            "theirs": programs.path("../interop/tox-pair-theirs"),
            "bootstrapd": shutil.which("tox-bootstrapd", path=os.environ.get("PATH", "") + ":/usr/sbin"),
        }
        if self.programs["bootstrapd"] is None:
            raise Failed("tox-bootstrapd is not there")

    def run(self, network, scene, side, pair):
        lines = []
        if NETWORKS[network].wide:
            lines += NETWORKS[network].lines(2 * pair)
            if scene == "far":
                lines += NETWORKS[network].lines(2 * pair + 1, FARTHER_MS)
        link = wide_area.Wide_Area(self.link, *lines)
        try:
            job = {
                "network": network,
                "scene": scene,
                "side": side,
                "programs": self.programs,
                "files": link.files,
                "congestion": self.options.congestion,
            }
            done = subprocess.run(
                [sys.executable, __file__, "--run", json.dumps(job)],
                preexec_fn=functools.partial(enter_network, link.files, wide_area.NEAR, self.options.congestion),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                timeout=RUN_LIMIT_S,
                text=True,
            )
            if done.returncode != 0:
                raise Failed(done.stderr.strip())
            counts = link.counts()
            return {"network": network, "scene": scene, "side": side, "pair": pair, "link": counts} | json.loads(done.stdout)
        finally:
            link.end()

    def run_all(self, cells):
        # The sides take turns to be first.
        jobs = [
            (network, scene, side, pair)
            for network, scene in cells
            for pair in range(self.options.pairs)
            for side in (SIDES if pair % 2 == 0 else reversed(SIDES))
        ]
        runs = []
        begin = time.monotonic()
        with concurrent.futures.ProcessPoolExecutor(self.options.at_once) as pool:
            started = [pool.submit(self.run, *job) for job in jobs]
            try:
                for ended in concurrent.futures.as_completed(started):
                    run = ended.result()
                    runs.append(run)
                    done = f"{len(runs)} of {len(jobs)}, {time.monotonic() - begin:.0f} s"
                    text = f"{done}: {run['network']}/{run['scene']} {SIDES[run['side']]}: {describe(run)}"
                    print(text, file=sys.stderr, flush=True)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        return runs


def describe(run):
    if "failed" in run:
        return f"failed: {run['failed']}"
    return ", ".join(
        f"{figure.text} {run[name] * figure.scale:.{figure.digits}f}"
        for name, figure in FIGURES.items()
        if name in run and (run["scene"] in figure.scenes or figure.scenes == ("online",))
    )


def values_of(runs, network, scene, side, name):
    return [
        run[name] * FIGURES[name].scale
        for run in runs
        if run["network"] == network and run["side"] == side and scene in (run["scene"], "online") and name in run
    ]


def rows_of(runs):
    """For each network, scene and figure: the median, the worst and the best of each side."""
    rows = []
    for network in NETWORKS:
        for scene in SCENES:
            for name, figure in FIGURES.items():
                if scene not in figure.scenes:
                    continue
                values = {side: values_of(runs, network, scene, side, name) for side in SIDES}
                if not all(values.values()):
                    continue
                worst, best = (min, max) if figure.more_is_better else (max, min)
                row = {"network": network, "scene": scene, "figure": name}
                for side, of in values.items():
                    row[side] = {"median": statistics.median(of), "worst": worst(of), "best": best(of)}
                rows.append(row)
    return rows


def ratio(row):
    theirs, ours = row["theirs"]["median"], row["ours"]["median"]
    return ours / theirs if theirs > 0 and FIGURES[row["figure"]].has_ratio else None


def print_rows(rows):
    head = ["network and scene", "figure"]
    for text in SIDES.values():
        head += [text, "worst"]
    table = []
    for row in rows:
        figure = FIGURES[row["figure"]]
        cells = [f"{row[side][of]:.{figure.digits}f}" for side in SIDES for of in ("median", "worst")]
        of = ratio(row)
        table.append([f"{row['network']}/{row['scene']}", figure.text, *cells, "" if of is None else f"{of:.2f}"])
    print_table([*head, "ratio"], table)


AXIS_ZERO = 1e-3
NEXT_LINE = r"\n"
PANELS = (
    ("file", "rate", "a file: mean rate, MB/s"),
    ("both", "p99_ms", "a call during a file: 99 % of the packets within, ms"),
    ("hang", "silence_ms", "a call, and the relay in use hangs: silence, ms"),
    ("online", "online_s", "time until online, s"),
)


def panel(rows, scene, name, title):
    """gnuplot's commands for one panel: for each network and side the median, with a bar from the best run to the worst."""
    chosen = [row for row in rows if row["scene"] == scene and row["figure"] == name]
    if not chosen:
        return "set multiplot next"
    data = []
    for place, row in enumerate(chosen):
        for number, side in enumerate(SIDES):
            # A logarithmic axis has no zero.
            middle, *ends = (max(row[side][of], AXIS_ZERO) for of in ("median", "best", "worst"))
            data.append((number, place + (number - 0.5) / 4, middle, min(ends), max(ends)))
    low, high = min(of[3] for of in data) / 1.5, max(of[4] for of in data) * 1.5
    ticks = [digit * 10.0**power for power in range(-3, 7) for digit in (1, 2, 5)]
    labels = (f'"{NETWORKS[row["network"]].text.replace(", ", NEXT_LINE)}" {place}' for place, row in enumerate(chosen))
    lines = []
    for side, text in SIDES.items():
        lines.append(f"${scene}_{name}_{side} using 1:2:3:4 with yerrorbars lc rgb '{COLOURS[side]}' pt 7 title '{text}'")
    blocks = []
    for number, side in enumerate(SIDES):
        blocks += [f"${scene}_{name}_{side} << END"]
        blocks += [" ".join(f"{value:.5g}" for value in of[1:]) for of in data if of[0] == number]
        blocks += ["END"]
    return "\n".join(
        [
            *blocks,
            f"set title '{title}'",
            f"set xrange [-0.5:{len(chosen) - 0.5}]",
            f"set yrange [{low:.5g}:{high:.5g}]",
            f"set xtics ({', '.join(labels)})",
            f"set ytics ({', '.join(f'{tick:g}' for tick in ticks if low <= tick <= high)})",
            "plot " + ", ".join(lines),
        ]
    )


def draw_rows(rows, path):
    script = [
        "set terminal svg size 1200,900 background '#ffffff'",
        "set multiplot layout 2,2",
        "set logscale y",
        "set grid ytics",
        "set xtics font ',9'",
        "set key above samplen 2 font ',9'",
        *(panel(rows, *of) for of in PANELS),
        "unset multiplot",
    ]
    draw("\n".join(script), path)


def chosen_cells(only):
    """What the words select: each is NETWORK/SCENE, NETWORK, or /SCENE."""
    cells = []
    for word in only or list(NETWORKS):
        network, _, scene = word.partition("/")
        if network and network not in NETWORKS:
            raise Failed(f"no network is called {network}; there are {', '.join(NETWORKS)}")
        if scene and scene not in SCENES:
            raise Failed(f"no scene is called {scene}; there are {', '.join(SCENES)}")
        for one in [network] if network else NETWORKS:
            # Every run measures the time until online, so that scene needs no run. On one machine nothing is far.
            for other in [scene] if scene else SCENES[1:]:
                if NETWORKS[one].wide or other not in ("beside", "far"):
                    cells.append((one, other))
    if not cells:
        raise Failed("on one machine nothing is far, and there is no line to share")
    return list(dict.fromkeys(cells))


def congestion_control(wanted):
    """The congestion control of TCP in the runs."""

    def said_by_the_kernel(name):
        with open(f"/proc/sys/net/ipv4/{name}", encoding="ascii") as file:
            return file.read().split()

    allowed = said_by_the_kernel("tcp_allowed_congestion_control")
    if wanted and wanted not in allowed:
        raise Failed(
            f"a network namespace may not use {wanted}; as root: "
            f"sysctl net.ipv4.tcp_allowed_congestion_control='{' '.join([*allowed, wanted])}'"
        )
    return wanted or said_by_the_kernel("tcp_congestion_control")[0]


def read_runs(names):
    """What earlier calls have written with --json, as one."""
    all_of = []
    for name in names:
        with open(name, encoding="utf-8") as file:
            all_of.append(json.load(file))
    if len({one["congestion"] for one in all_of}) > 1:
        raise Failed("the files are of runs with different congestion controls")
    return {"congestion": all_of[0]["congestion"], "runs": [run for one in all_of for run in one["runs"]]}


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--run":
        return main_of_run(sys.argv[2])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_build_option(parser)
    parser.add_argument("--pairs", type=int, default=5, metavar="N", help="of runs, for each network and scene (default: 5)")
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="NETWORK/SCENE",
        help=f"or NETWORK, or /SCENE; networks: {', '.join(NETWORKS)}; scenes: {', '.join(SCENES)}",
    )
    parser.add_argument(
        "--at-once",
        type=int,
        default=1,
        metavar="N",
        help="runs at the same time, each in a network of its own (default: 1). With slow lines, two processors are enough for "
        "four. The last line of the output tells whether a client was held up",
    )
    parser.add_argument("--congestion", metavar="NAME", help="TCP's congestion control (default: the system's)")
    parser.add_argument("--json", metavar="FILE", help="writes all runs there")
    parser.add_argument("--svg", metavar="FILE", help="draws a picture, by gnuplot")
    parser.add_argument(
        "--from", dest="sources", nargs="+", metavar="FILE", help="reads the runs from these files, instead of measuring"
    )
    options = parser.parse_args()
    if options.svg and shutil.which("gnuplot") is None:
        complain("gnuplot is not installed (Debian: gnuplot-nox)")
        return 1
    try:
        if options.pairs < 1 or options.at_once < 1:
            raise Failed("--pairs and --at-once take a number from 1 on")
        if options.sources:
            measured = read_runs(options.sources)
        else:
            congestion = congestion_control(options.congestion)
            bench = Bench(options)
            measured = {
                "congestion": congestion,
                "runs": bench.run_all(chosen_cells(options.only)),
            }
        if options.json:
            with open(options.json, "w", encoding="utf-8") as file:
                json.dump(measured, file)
        rows = rows_of(measured["runs"])
        print_rows(rows)
        if options.svg:
            draw_rows(rows, options.svg)
    except wide_area.Skipped as reason:
        complain(reason)
        return wide_area.SKIPPED
    except (Failed, OSError, subprocess.TimeoutExpired) as error:
        complain(error)
        return 1
    failed = [run for run in measured["runs"] if "failed" in run]
    held_up = max((run.get("held_up_ms", 0) for run in measured["runs"]), default=0)
    print(f"\nTCP with {measured['congestion']}. In calls the machine has held a client up for {held_up} ms at most.")
    if failed:
        print(f"{len(failed)} runs failed, and do not count:")
        for run in failed:
            print(f"  {run['network']}/{run['scene']} {SIDES[run['side']]}: {run['failed']}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
