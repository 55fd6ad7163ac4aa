#!/usr/bin/env python3
"""Calls of whole Tox clients over three relays, of which the two in use fail: toxcore's own code and ours in its place.

All calls go on at the same time, on the real clock. test/interop/tox_call_test.py sets them up and describes them. Silence:
the longest time in which one of the two friends heard nothing, in the 30 s after the two relays failed. If one friend has
toxtcp and the other toxcore's own code: first the silence of the one, then of the other. Lost: packets of the call that never
came, in both directions.
"""

import argparse
import asyncio
import json
import os
import shutil
import sys
import types

from programs import ROOT, Failed, Programs, add_build_option, complain, print_table

sys.path.append(os.path.join(ROOT, "test", "interop"))
import tox_call_test as calls  # noqa: E402
from tox_test import Fault  # noqa: E402

TEXTS = {
    "hangs": "hung: is up, and does nothing more",
    "drops": "silent drop: says online, carries nothing",
    "drops_one_way": "one-way: carries nothing to one of the two",
    "forges": "forges: carries nothing, sends junk of its own",
    "passes_echoes": "carries cookie requests and responses only",
    "flaps": "flaps: ends all connections every 2 s",
}
SIDES = ("theirs", "ours", "mixed")
NEVER_MS = 2_000  # a silence at the end that counts as lasting


def silence_of(result):
    if result["side"] == "mixed":
        return " / ".join(f"{silence / 1000:.2f} s" for silence in result["silence_ms"])
    text = f"{max(result['silence_ms']) / 1000:.2f} s"
    return ("over " if max(result["silent_now_ms"]) > NEVER_MS else "") + text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_build_option(parser)
    parser.add_argument("--json", action="store_true", help="all figures as JSON")
    options = parser.parse_args()
    try:
        programs = Programs(options.build)
        used = types.SimpleNamespace(
            ours=programs.path("../interop/tox-pair-ours"),
            theirs=programs.path("../interop/tox-pair-theirs"),
            stand_in=programs.stand_in,
            bootstrapd=shutil.which("tox-bootstrapd", path=os.environ.get("PATH", "") + ":/usr/sbin"),
        )
        if used.bootstrapd is None:
            raise Failed("tox-bootstrapd is not there")
        results = asyncio.run(calls.run_calls(used, TEXTS, SIDES))
    except (Failed, Fault, TimeoutError) as error:
        complain(error)
        return 1
    if options.json:
        print(json.dumps(results, indent=2))
        return 0
    by_name = {(result["kind"], result["side"]): result for result in results}
    head = ["the two relays in use, of three"]
    for figure in ("silence", "lost"):
        head += [f"{figure}: {calls.SIDES[side]}" for side in SIDES]
    rows = []
    for kind, text in TEXTS.items():
        pair = [by_name[kind, side] for side in SIDES]
        rows.append([text, *map(silence_of, pair), *(sum(result["lost"]) for result in pair)])
    print_table(head, rows)
    sent = [sum(result["sent"]) for result in results]
    print(f"\n{min(sent):,} to {max(sent):,} packets in each call, both ways, in the {calls.MEASURED_S} s after two relays turned.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
