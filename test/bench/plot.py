#!/usr/bin/env python3
"""How the cost grows with relays, peers and packet sizes, as a table (CSV) and as a picture (SVG and PNG, by gnuplot)."""

import argparse
import csv
import itertools
import os
import shutil
import sys

from programs import ROOT, SIDES, Failed, Programs, add_build_option, complain, draw, median, run_json

RELAYS = (1, 3, 10, 32, 100)
PEERS = (10, 100, 1_000, 10_000)
SIZES = (50, 100, 250, 700, 1_372)
FIGURES = ("receive", "send", "idle")
COLUMNS = ("relays", "peers", "size", *(f"{side} {figure}" for side in SIDES for figure in FIGURES))

# Each panel varies one of these. The others keep the value given here.
FIXED = {"relays": 3, "peers": 100, "size": 1_372}
AXES = {"relays": "relays connected", "peers": "peers known", "size": "bytes a packet"}
COLOURS = {"toxcore": "#b03020", "dropin": "#2060a0", "own": "#208040"}


def sweep(programs, runs):
    """One row for each point, as wide as COLUMNS."""
    rows = []
    points = [point for point in itertools.product(RELAYS, PEERS, SIZES) if point[0] <= point[1]]
    for number, (relays, peers, size) in enumerate(points):
        print(f"\r{number + 1} of {len(points)}", end="", file=sys.stderr, flush=True)
        values = []
        for side in SIDES:
            command = [programs.path(f"packet-{side}"), programs.relay, "sweep", str(relays), str(peers), str(size)]
            answers = [run_json(command) for _ in range(runs)]
            values += [median([answer[figure] for answer in answers]) for figure in FIGURES]
        rows.append([relays, peers, size, *values])
    print(file=sys.stderr)
    return rows


def cut(rows, axis):
    """The rows along one axis, the two others fixed."""
    others = [name for name in FIXED if name != axis]
    return [row for row in rows if all(row[COLUMNS.index(name)] == FIXED[name] for name in others)]


def panel(rows, axis, figures, title):
    """gnuplot's commands for one panel: its data first, then its lines."""
    points = cut(rows, axis)
    place = COLUMNS.index(axis)
    data = [f"${axis}_{figures[0]} << END", *(" ".join(map(str, row)) for row in points), "END"]
    ticks = ", ".join(f"'{row[place]:,}' {row[place]}" for row in points)
    lines = []
    for side, name in SIDES.items():
        for figure in figures:
            column = COLUMNS.index(f"{side} {figure}") + 1
            dash = 2 if figure == "send" else 1
            label = name if len(figures) == 1 else f"{name}: {'sent' if figure == 'send' else 'received'}"
            lines.append(
                f"${axis}_{figures[0]} using {place + 1}:(${column}/1000) with linespoints "
                f"lc rgb '{COLOURS[side]}' dt {dash} pt 7 ps 0.5 title '{label}'"
            )
    counts = [name for name in FIXED if name != axis and (name != "size" or "idle" not in figures)]
    fixed = ", ".join(f"{FIXED[name]:,} {AXES[name].split()[0]}" for name in counts)
    return "\n".join(
        [
            *data,
            f"set title '{title} ({fixed})'",
            f"set xlabel '{AXES[axis]}'",
            f"set xtics ({ticks})",
            "plot " + ", \\\n    ".join(lines),
        ]
    )


def draw_sweep(rows, path, terminal):
    script = "\n".join(
        [
            f"set terminal {terminal}",
            "set multiplot layout 2,2",
            "set logscale xy",
            "set ylabel 'processor time, microseconds'",
            "set yrange [0.1:100]",
            "set autoscale xfix",
            "set offsets graph 0.03, graph 0.03, 0, 0",
            "set grid",
            "set key below maxcols 3 samplen 2 font ',9'",
            panel(rows, "size", ("receive", "send"), "a packet"),
            panel(rows, "relays", ("receive", "send"), "a packet"),
            panel(rows, "peers", ("receive", "send"), "a packet"),
            panel(rows, "relays", ("idle",), "an idle tick"),
            "unset multiplot",
        ]
    )
    draw(script, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_build_option(parser)
    parser.add_argument("--output", default=os.path.join(ROOT, "build", "plot"), metavar="FOLDER", help="default: build/plot")
    parser.add_argument("--runs", type=int, default=1, help="how often each point is measured (default: 1)")
    options = parser.parse_args()
    if shutil.which("gnuplot") is None:
        complain("gnuplot is not installed (Debian: gnuplot-nox)")
        return 1
    try:
        rows = sweep(Programs(options.build), options.runs)
        os.makedirs(options.output, exist_ok=True)
        base = os.path.join(options.output, "sweep")
        with open(base + ".csv", "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([*COLUMNS[:3], *(f"{column} (ns)" for column in COLUMNS[3:])])
            writer.writerows(rows)
        draw_sweep(rows, base + ".svg", "svg size 1200,900 background '#ffffff'")
        draw_sweep(rows, base + ".png", "pngcairo size 1200,900")
    except Failed as error:
        complain(error)
        return 1
    for ending in (".csv", ".svg", ".png"):
        print(base + ending)
    return 0


if __name__ == "__main__":
    sys.exit(main())
