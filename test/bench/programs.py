"""Shared by the benchmark scripts: where the programs are, how they are run, and how a table is printed."""

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile

SIDES = {"toxcore": "toxcore", "dropin": "ours, C ABI", "own": "ours, own API"}

MARK_BEGIN = "measured: begin"
MARK_END = "measured: end"

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Failed(Exception):
    """A program failed. The text names it and gives the reason."""


def add_build_option(parser):
    parser.add_argument(
        "--build",
        default=os.path.join(ROOT, "build", "release"),
        metavar="FOLDER",
        help="the build folder that has the programs (default: build/release)",
    )


class Programs:
    def __init__(self, build):
        self.build = build
        self.folder = os.path.join(build, "test", "bench")
        self.relay = self.path("bench-relay")

    @property
    def stand_in(self):
        """Looked up only when a benchmark needs it, since not every build has it."""
        return self.path("../support/stand-in-relay")

    def path(self, name):
        path = os.path.normpath(os.path.join(self.folder, name))
        if not os.path.exists(path):
            raise Failed(f"{path} is not there: build it first, or name another folder with --build")
        return path

    def options(self):
        """The options of the build, by name."""
        with open(os.path.join(self.build, "meson-info", "intro-buildoptions.json"), encoding="utf-8") as file:
            return {option["name"]: option["value"] for option in json.load(file)}


def run_json(command, timeout=600, error=None):
    """Runs the command and reads the one line of JSON that it prints."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout, text=True)
    except subprocess.TimeoutExpired as expired:
        raise Failed(f"{' '.join(command)}: not done after {timeout} s") from expired
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        raise Failed(f"{' '.join(command)}: {done.stderr.strip() or done.returncode}")
    return json.loads(lines[-1])


def system_calls(command):
    """What the command printed, and the number of system calls between its marks, without the queries of the clock."""
    with tempfile.NamedTemporaryFile("r", encoding="utf-8", errors="replace") as log:
        answer = run_json(["strace", "-o", log.name, *command])
        inside = False
        count = 0
        for line in log:
            if MARK_BEGIN in line:
                inside = True
            elif MARK_END in line:
                inside = False
            elif inside and "CLOCK_PROCESS_CPUTIME_ID" not in line:
                count += 1
    return answer, count


def instructions(command):
    """What the command printed, and the instructions inside `measured`, by object (the program or a library)."""
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "callgrind.out")
        answer = run_json(
            [
                "valgrind",
                "--quiet",
                "--tool=callgrind",
                "--collect-atstart=no",
                "--toggle-collect=measured",
                f"--callgrind-out-file={log}",
                *command,
            ]
        )
        return answer, read_callgrind(log)


def read_callgrind(path):
    """The own cost of each object. The file gives a name once, with a number, and later uses the number alone."""
    names = {}
    costs = {}
    current = None
    call = False
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            name = re.match(r"ob=\((\d+)\)(?: (.*))?$", line)
            if name:
                if name.group(2):
                    names[name.group(1)] = name.group(2)
                current = names[name.group(1)]
                continue
            other = re.match(r"cob=\((\d+)\) (.*)$", line)
            if other:
                names[other.group(1)] = other.group(2)
            if line.startswith("calls="):
                call = True  # the next line has the cost of the call, which is already counted in the callee
                continue
            cost = re.match(r"(?:\+|-|\*)?\d* (\d+)$", line)
            if cost and current is not None:
                if not call:
                    costs[current] = costs.get(current, 0) + int(cost.group(1))
                call = False
    return costs


def draw(script, path):
    """Draws a picture with gnuplot. The script need not set the output file."""
    script = f"set output '{path}'\n{script}"
    done = subprocess.run(["gnuplot"], input=script, text=True, stderr=subprocess.PIPE)
    if done.returncode != 0 or not os.path.exists(path):
        raise Failed(f"gnuplot: {done.stderr.strip()}")


def median(values):
    return statistics.median(values) if values else None


def print_table(head, rows):
    """Left-aligned names, right-aligned figures."""
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
    for number, row in enumerate([head, *rows]):
        cells = [str(row[0]).ljust(widths[0])] + [str(cell).rjust(width) for cell, width in zip(row[1:], widths[1:])]
        print("  ".join(cells).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))


def complain(error):
    print(f"{os.path.basename(sys.argv[0])}: {error}", file=sys.stderr)
