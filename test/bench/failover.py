#!/usr/bin/env python3
"""Relays that fail: toxcore's own code and ours in its place, with the same relays and the same faults.

Two peers send each other a packet of 120 bytes every 20 ms over three relays. Then the relay in use and another relay fail.
All runs go on at the same time, on the real clock. Lost: packets that never came, including those that the sender's layer
refused. Late: packets that took more than a second. Silence: the longest time in which one of the two peers heard nothing.
"""

import argparse
import concurrent.futures
import json
import sys

from programs import SIDES, Failed, Programs, add_build_option, complain, print_table, run_json

FAULTS = {
    "killed": "killed: the process is gone",
    "hangs": "hung: is up, and does nothing more",
    "drops": "silent drop: says online, carries nothing",
    "drops_one_way": "one-way: carries nothing to one of the two",
    "late": "late: all takes 2 s more",
}
COMPARED = ("toxcore", "dropin")
OTHER_SECONDS = 60  # for connecting, and for late packets


def run(programs, side, fault, seconds):
    command = [programs.path(f"failover-{side}"), programs.stand_in, fault, str(seconds)]
    return run_json(command, timeout=seconds + OTHER_SECONDS)


def seconds_of(answer):
    return f"{answer['silence_ms'] / 1000:.2f} s"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_build_option(parser)
    parser.add_argument("--json", action="store_true", help="all figures as JSON")
    parser.add_argument("--seconds", type=int, default=60, help="how long they talk after the fault (default: 60)")
    options = parser.parse_args()
    programs = Programs(options.build)
    with concurrent.futures.ThreadPoolExecutor(len(FAULTS) * len(COMPARED)) as pool:
        runs = {
            (fault, side): pool.submit(run, programs, side, fault, options.seconds) for fault in FAULTS for side in COMPARED
        }
    try:
        answers = {key: made.result() for key, made in runs.items()}
    except Failed as error:
        complain(error)
        return 1
    if options.json:
        print(json.dumps({fault: {side: answers[fault, side] for side in COMPARED} for fault in FAULTS}, indent=2))
        return 0
    head = ["two relays of three"]
    for figure in ("lost", "late", "silence"):
        head += [f"{figure}: {SIDES[side]}" for side in COMPARED]
    rows = []
    for fault, text in FAULTS.items():
        pair = [answers[fault, side] for side in COMPARED]
        rows.append([text, *(a["lost"] for a in pair), *(a["late"] for a in pair), *map(seconds_of, pair)])
    print_table(head, rows)
    sent = {answer["sent"] for answer in answers.values()}
    print(f"\n{min(sent):,} to {max(sent):,} packets sent in each run, both ways, {options.seconds} s of them after the fault.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
