#!/usr/bin/env python3
"""What a packet, a tick and a peer cost: toxcore's own code, ours in its place, ours with its own API, and libsodium alone.

Figures are processor time of the client's process, not elapsed time. All sides use the same scripted relay, in another
process. They run one after the other, several times; a figure is the median. The ratios matter: all sides run on the same
machine.
"""

import argparse
import json
import os
import shutil
import sys

from programs import SIDES, Failed, Programs, add_build_option, complain, instructions, median, print_table, run_json
from programs import system_calls

SIZES = (1372, 100)
BATCHES = (16, 64)
IDLE_RELAYS = (3, 32, 128)
PEERS = (100, 10_000, 100_000)
PEER_FIGURES = {
    "add": "adding a peer",
    "find": "finding a peer",
    "kill": "killing a peer",
    "response": "a routing response",
    "oob": "an OOB packet",
}
PACKETS = 20_000
ROUND = 64 * 1024  # bytes in the socket at a time
SYSTEM_CALL_ROUND = 256 * 1024
IDLE_TICKS = {"toxcore": 1_000, "dropin": 50_000, "own": 50_000}
HEAP_RELAYS = 32
HEAP_PEERS = 2_000
MUCH_BYTES = 64_000_000
HELD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "instructions.json")
WORSE = 1.03


class Bench:
    def __init__(self, programs, runs):
        self.programs = programs
        self.runs = runs
        self.values = {}  # figure -> side -> all values
        self.limits = {}  # name -> all values

    def client(self, side, *arguments):
        return [self.programs.path(f"packet-{side}"), self.programs.relay, *map(str, arguments)]

    def limit(self, kind, size):
        value = run_json([self.programs.path("packet-limit"), self.programs.relay, kind, str(size), str(PACKETS)])["ns"]
        self.limits.setdefault(f"{kind} {size}", []).append(value)

    def add(self, figure, side, value):
        self.values.setdefault(figure, {}).setdefault(side, []).append(value)

    def once_around(self):
        for size in SIZES:
            for kind in ("open", "seal", "bare"):
                self.limit(kind, size)
            for side in SIDES:
                answer = run_json(self.client(side, "receive", size, PACKETS, ROUND))
                self.add(f"receive {size}", side, None if answer["stalled"] else answer["ns"])
                self.add(f"send {size}", side, run_json(self.client(side, "send", size, PACKETS))["ns"])
            for together in BATCHES:
                self.add(f"batch {together} {size}", "own", run_json(self.client("own", "batch", size, PACKETS, together))["ns"])
            for kind in ("open", "seal", "bare"):
                self.limit(kind, size)
        for relays in IDLE_RELAYS:
            for side in SIDES:
                self.add(f"idle {relays}", side, run_json(self.client(side, "idle", relays, IDLE_TICKS[side]))["ns"])

    def peers(self, counts):
        for side in SIDES:
            # toxcore searches all its peers. With very many, one run takes a minute, so one run is enough.
            for _ in range(1 if side == "toxcore" else self.runs):
                for count, figures in run_json(self.client(side, "peers", *counts), timeout=3_600).items():
                    for figure, value in figures.items():
                        self.add(f"{figure} {count}", side, value)

    def heap(self):
        for side in SIDES:
            for figure, value in run_json(self.client(side, "heap", HEAP_RELAYS, HEAP_PEERS)).items():
                self.add(f"heap {figure}", side, value)

    def stall(self):
        for side in SIDES:
            answer = run_json(self.client(side, "much", SIZES[0], MUCH_BYTES))
            self.add("much", side, f"{answer['received']} of {answer['sent']}" + (", stalls" if answer["stalled"] else ""))

    def system_calls(self):
        for side in SIDES:
            for size in SIZES:
                answer, count = system_calls(self.client(side, "receive", size, PACKETS // 4, SYSTEM_CALL_ROUND))
                # The warm-up lies between marks too: an eighth more packets.
                self.add(f"calls receive {size}", side, count / (answer["packets"] * 9 / 8))
            for relays in IDLE_RELAYS:
                answer, count = system_calls(self.client(side, "idle", relays, 200))
                self.add(f"calls idle {relays}", side, count / answer["ticks"])

    def instructions(self):
        for side in SIDES:
            for scenario in ("receive", "send"):
                for size in SIZES:
                    arguments = (size, 2_000, ROUND) if scenario == "receive" else (size, 2_000)
                    command = self.client(side, scenario, *arguments)
                    answer, costs = instructions(command)
                    packets = answer["packets"] * 9 / 8
                    name = f"instructions {scenario} {size}"
                    self.add(name, side, sum(costs.values()) / packets)
                    self.add("own " + name, side, costs.get(command[0], 0) / packets)
            command = self.client(side, "idle", 32, 200)
            answer, costs = instructions(command)
            self.add("instructions idle 32", side, sum(costs.values()) / answer["ticks"])
            self.add("own instructions idle 32", side, costs.get(command[0], 0) / answer["ticks"])

    # ---- results

    def value(self, figure, side):
        values = [value for value in self.values.get(figure, {}).get(side, []) if value is not None]
        if not values:
            return None
        return values[-1] if isinstance(values[-1], str) else median(values)

    def limit_value(self, *names):
        values = [median(self.limits.get(name, [])) for name in names]
        return None if None in values else sum(values)


def show(value, unit=""):
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return (f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}") + unit


def figures(bench, counts):
    """Rows of (name, key, unit, limit, target). A target is (how it is judged, bound), or None."""
    rows = []
    for size in SIZES:
        rows.append((f"received packet, {size:,} bytes", f"receive {size}", " ns", bench.limit_value(f"open {size}"), ("limit", 1.25)))
    for size in SIZES:
        limit = bench.limit_value(f"seal {size}", f"bare {size}")
        rows.append((f"sent packet, {size:,} bytes", f"send {size}", " ns", limit, ("limit", 1.25)))
    for size in SIZES:
        for together in BATCHES:
            limit = bench.limit_value(f"seal {size}")
            rows.append((f"sent {together} at once, {size:,} bytes", f"batch {together} {size}", " ns", limit, ("limit", 1.3)))
    for relays in IDLE_RELAYS:
        judged = ("times less", 30) if relays == IDLE_RELAYS[-1] else ("flat", f"idle {IDLE_RELAYS[0]}")
        rows.append((f"idle tick, {relays} relays", f"idle {relays}", " ns", None, judged))
    for figure, name in PEER_FIGURES.items():
        for count in counts:
            rows.append((f"{name}, {count:,} peers", f"{figure} {count}", " ns", None, ("flat", f"{figure} {counts[0]}")))
    rows.append(("heap of a connected relay", "heap relay", " B", None, ("most", 6 * 1024 + 512)))
    rows.append(("heap of a peer with 3 routes", "heap peer", " B", None, ("most", 256)))
    for size in SIZES:
        rows.append((f"system calls a received packet, {size:,}", f"calls receive {size}", "", None, ("most", 0.1)))
    for relays in IDLE_RELAYS:
        rows.append((f"system calls a tick, {relays} relays", f"calls idle {relays}", "", None, ("most", 1)))
    for scenario in ("receive", "send"):
        for size in SIZES:
            name = "received" if scenario == "receive" else "sent"
            rows.append((f"instructions a {name} packet, {size:,}", f"instructions {scenario} {size}", "", None, None))
            rows.append(("  outside of libraries", f"own instructions {scenario} {size}", "", None, None))
    rows.append(("instructions an idle tick, 32 relays", "instructions idle 32", "", None, None))
    rows.append((f"{MUCH_BYTES // 1_000_000} MB in large segments: packets", "much", "", None, None))
    return [row for row in rows if row[1] in bench.values]


def judge(bench, key, limit, judged, side):
    """Whether a side reaches its target; None if that is not known."""
    value = bench.value(key, side)
    if judged is None or value is None:
        return None
    how, bound = judged
    if how == "limit":
        return None if limit is None else value <= bound * limit
    if how == "most":
        return value <= bound
    if how == "flat":
        base = bench.value(bound, side)
        return None if base is None else value <= 2 * base
    theirs = bench.value(key, "toxcore")
    return None if theirs is None else theirs >= bound * value


def target(judged):
    if judged is None:
        return ""
    how, bound = judged
    if how == "limit":
        return f"{bound} x limit"
    if how == "most":
        return f"{bound:,}"
    return "2 x the first" if how == "flat" else f"{bound} x less"


def report(bench, counts, as_json):
    rows = []
    result = []
    for name, key, unit, limit, judged in figures(bench, counts):
        values = {side: bench.value(key, side) for side in SIDES}
        ours = values["dropin"] if values["dropin"] is not None else values["own"]
        numbers = isinstance(ours, (int, float)) and isinstance(values["toxcore"], (int, float)) and ours > 0
        ratio = values["toxcore"] / ours if numbers else None
        to_limit = {side: values[side] / limit for side in ("dropin", "own") if limit and values[side] is not None}
        reached = {side: judge(bench, key, limit, judged, side) for side in ("dropin", "own")}
        known = [reached[side] for side in reached if reached[side] is not None]
        verdict = "" if not known else "yes" if all(known) else "no" if not any(known) else "partly"
        rows.append(
            [
                name,
                *(show(values[side], unit) for side in SIDES),
                "" if ratio is None else f"{ratio:.1f}",
                show(limit, unit),
                " / ".join(f"{value:.2f}" for value in to_limit.values()),
                target(judged),
                verdict,
            ]
        )
        result.append(
            {
                "figure": name,
                "unit": unit.strip(),
                **values,
                "ratio": ratio,
                "limit": limit,
                "to_limit": to_limit,
                "target": target(judged),
                "reached": reached,
            }
        )
    if as_json:
        print(json.dumps(result, indent=2))
    else:
        print_table(["figure", *SIDES.values(), "ratio", "limit", "to the limit", "must be", "reached"], rows)
        print("\nratio: toxcore to ours by the C ABI (where it has no such call, by our own API); to the limit: C ABI / own API.")
        print("limit: what libsodium needs to open or to seal, for sent packets plus one bare send().")
        print("fairness: a tick reads at most 1 MiB from one relay, in 4 turns of 4 reads of 64 KiB (READ_SIZE,")
        print("READS_PER_TURN and TURNS_PER_TICK in lib/connections); between two turns every other ready relay has its own.")


# ---- instruction counts in the repository ------------------------------------------------------------------------


def build_name(bench):
    options = bench.programs.options()
    compiler = run_json([bench.programs.path("packet-own"), bench.programs.relay, "compiler"])["compiler"]
    return f"{compiler}, -O{options['optimization']}"


def hold_instructions(bench, update):
    """Compares with the counts in the repository. True: none is worse. None: there are none of this compiler to compare with."""
    name = build_name(bench)
    with open(HELD, encoding="utf-8") as file:
        held = json.load(file)
    now = {
        f"{side}: {figure.removeprefix('own ')}": round(bench.value(figure, side), 1)
        for figure in bench.values
        if figure.startswith("own instructions")
        for side in ("dropin", "own")
        if bench.value(figure, side) is not None
    }
    if update:
        held[name] = now
        with open(HELD, "w", encoding="utf-8") as file:
            json.dump(held, file, indent=4, sort_keys=True)
            file.write("\n")
        return True
    if name not in held:
        complain(f"the repository has no instruction counts for {name}; --update-instructions writes these")
        return None
    worse = [figure for figure, value in now.items() if figure in held[name] and value > WORSE * held[name][figure]]
    for figure in worse:
        complain(f"more instructions than recorded: {figure}: {now[figure]}, recorded: {held[name][figure]}")
    return not worse


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_build_option(parser)
    parser.add_argument("--json", action="store_true", help="all figures as JSON")
    parser.add_argument("--runs", type=int, default=5, help="how often around (default: 5)")
    parser.add_argument("--peers", default=",".join(map(str, PEERS)), help="with how many peers (default: %(default)s)")
    parser.add_argument("--only", choices=("time", "peers", "heap", "calls", "instructions", "stall"), action="append")
    parser.add_argument("--update-instructions", action="store_true", help="hold the instructions counted now")
    parser.add_argument("--skip-code", type=int, default=0, help="exit status when nothing can be compared")
    options = parser.parse_args()
    counts = [int(count) for count in options.peers.split(",")]
    parts = options.only or ["time", "peers", "heap", "stall", "calls", "instructions"]
    try:
        bench = Bench(Programs(options.build), options.runs)
        if "time" in parts:
            for _ in range(options.runs):
                bench.once_around()
        if "peers" in parts:
            bench.peers(counts)
        if "heap" in parts:
            bench.heap()
        if "stall" in parts:
            bench.stall()
        for part, tool, measure in (("calls", "strace", bench.system_calls), ("instructions", "valgrind", bench.instructions)):
            if part in parts and shutil.which(tool):
                measure()
            elif part in parts:
                complain(f"not measured, for {tool} is not installed: {part}")
        report(bench, counts, options.json)
        if any(figure.startswith("own instructions") for figure in bench.values):
            held = hold_instructions(bench, options.update_instructions)
            if held is False:
                return 1
            if held is None:
                return options.skip_code
        elif options.only == ["instructions"]:
            return options.skip_code
    except Failed as error:
        complain(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
