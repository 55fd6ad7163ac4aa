#!/usr/bin/env python3
"""What an idle client costs in an hour: toxcore's own code, whose host ticks every 50 ms, and ours in both profiles.

First a whole hour on a simulated clock: wake-ups, and packets and bytes in both directions. Then a shorter time on the real
clock, all runs at once, under strace: wake-ups and system calls, scaled to an hour. The relays are `toxtcp relay` processes.
A friend is online at each relay and sends nothing; each friend has three relays. In the first scene there are no friends, and
the saving profile keeps one relay.
"""

import argparse
import concurrent.futures
import contextlib
import json
import os
import subprocess
import sys

from programs import Failed, Programs, add_build_option, complain, print_table, system_calls

SIDES = ("toxcore", "responsive", "saver")
SCENES = ((3, False), (3, True), (8, True), (32, True))
MOST_WAKES = 130  # of the saving profile with 3 idle relays
HOUR_S = 3600


def simulated(programs):
    found = {}
    for name in ("idle-sim", "idle-sim-toxcore"):
        done = subprocess.run([programs.path(name)], stdout=subprocess.PIPE, text=True, timeout=600)
        if done.returncode != 0:
            raise Failed(f"{name}: exit status {done.returncode}")
        for line in done.stdout.splitlines():
            one = json.loads(line)
            found[one.pop("relays"), one.pop("in_use"), one.pop("side")] = one
    return found


@contextlib.contextmanager
def started_relays(programs, count):
    program = os.path.join(programs.build, "tools", "toxtcp")
    if not os.path.exists(program):
        raise Failed(f"{program} is not there: build it first")
    command = [program, "relay", "--address", "127.0.0.1", "--json"]
    relays = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(count)]
    try:
        ready = [json.loads(relay.stdout.readline() or "null") for relay in relays]
        if None in ready:
            raise Failed("a relay did not start")
        yield [f"{relay['port']}:{relay['public_key']}" for relay in ready]
    finally:
        for relay in relays:
            relay.kill()
            relay.wait()


def real(programs, seconds):
    def run(relays, in_use, side, addresses):
        program = programs.path("idle-toxcore" if side == "toxcore" else "idle-own")
        command = [program, str(seconds), str(int(in_use)), str(int(side == "saver")), *addresses[:relays]]
        answer, calls = system_calls(command)
        return {"held": answer["held"], "wakes": answer["wakes"] * HOUR_S / seconds, "calls": calls * HOUR_S / seconds}

    with started_relays(programs, max(relays for relays, _ in SCENES)) as addresses:
        with concurrent.futures.ThreadPoolExecutor(len(SCENES) * len(SIDES)) as pool:
            runs = {
                (*scene, side): pool.submit(run, *scene, side, addresses) for scene in SCENES for side in SIDES
            }
            return {key: made.result() for key, made in runs.items()}


def name_of(relays, in_use):
    return f"{relays} relays, {'a friend at each' if in_use else 'nobody there'}"


def table(found, figures):
    head = ["an hour of", "", *SIDES]
    rows = []
    for scene in SCENES:
        for figure in figures:
            name = name_of(*scene) if figure == figures[0] else ""
            rows.append([name, figure, *(f"{found[(*scene, side)][figure]:,.0f}" for side in SIDES)])
    print_table(head, rows)


def print_causes(found):
    print("\nwhat wakes ours, in simulation:")
    for scene in SCENES:
        for side in SIDES[1:]:
            causes = found[(*scene, side)]["causes"]
            text = ", ".join(f"{cause} {count:,}" for cause, count in causes.items() if count or cause == "none")
            print(f"  {name_of(*scene)}, {side}: {text}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_build_option(parser)
    parser.add_argument("--json", action="store_true", help="all figures as JSON")
    parser.add_argument("--seconds", type=int, default=120, help="on the real clock, 0 for not at all (default: 120)")
    options = parser.parse_args()
    programs = Programs(options.build)
    try:
        hour = simulated(programs)
        measured = real(programs, options.seconds) if options.seconds > 0 else {}
    except Failed as error:
        complain(error)
        return 1
    if options.json:
        lists = {
            name: [{"relays": key[0], "in_use": key[1], "side": key[2], **one} for key, one in found.items()]
            for name, found in (("simulated", hour), ("measured", measured))
        }
        print(json.dumps(lists, indent=2))
    else:
        print("on a simulated clock")
        table(hour, ("held", "wakes", "packets", "bytes"))
        print_causes(hour)
        if measured:
            print(f"\non the real clock, {options.seconds} s of it under strace, reckoned for an hour")
            table(measured, ("held", "wakes", "calls"))
    idle = hour[3, False, "saver"]
    spurious = [one["causes"]["none"] for one in hour.values() if "causes" in one]
    if idle["wakes"] > MOST_WAKES or any(spurious):
        complain(f"{idle['wakes']} wake-ups with 3 idle relays, of {MOST_WAKES} allowed; {sum(spurious)} without a cause, of 0")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
