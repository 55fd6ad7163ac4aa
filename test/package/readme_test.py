#!/usr/bin/env python3
"""Follows the README step by step, as a person would who has just cloned the repository.

Blocks that are indented by four spaces in the sections below are used. If the first line of a block is a comment that begins
with a file name, the block is written to that file. Every other block is run in a shell. Fenced blocks are not used. Sections
run in the clone, or in a folder beside it, where the clone is `../toxtcp` (SECTIONS). The build of the section for C++
programs is checked in the end: apart from the library, toxtcp must not show in it, and its program must work.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

from checkout import must_not_warn, new_repository, run, work_folder
from host_test import check_build, talk

# For each section: the folder that it runs in, and the example that its files must be equal to.
SECTIONS = {
    "Try it": ("toxtcp", None),
    "Under toxcore": ("client", "client"),
    "In a C++ program": ("program", "talk"),
    "The program": ("toxtcp", None),
}
FILE_NAME = re.compile(r"(?://|#) ((?:[\w.-]+/)*[\w-]+\.[\w.]+)(?::.*)?")
# Commands that would take too long, and what is run instead. And a wait for a program that has begun to start: a longer one,
# since this test runs at low priority beside others.
INSTEAD = {
    "sleep 1": "sleep 10",
    "tools/dev demo": "tools/dev demo --seconds 5",
    "tools/dev test": "tools/dev help | grep '^  test '",
}

# Variables that this machine or the running build may have set, and a reader of the README has not.
UNWANTED = ["CC", "CFLAGS", "CXX", "CXXFLAGS", "DESTDIR", "LD_LIBRARY_PATH", "LDFLAGS", "PKG_CONFIG_PATH"]


def section(text, title):
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if not found:
        sys.exit(f"README.md has no section `{title}`")
    return found[1]


def blocks(text):
    """The indented blocks, without their indentation. An empty line does not end a block, a paragraph does."""
    found = []
    inside, before = False, ""
    for line in re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL).splitlines():
        if line.startswith("    ") and (inside or before == ""):
            if not inside:
                found.append([])
            inside = True
            found[-1].append(line[4:])
        elif line == "" and inside:
            found[-1].append("")
        else:
            inside = False
        before = line
    return ["\n".join(lines).rstrip("\n") for lines in found]


def script_of(title, parts, hosts, host):
    """One shell script of all blocks, so that a block can use what earlier blocks have set; and the number of files in it."""
    lines = ["set -euo pipefail"]
    files = 0
    for block in parts:
        first, _, _ = block.partition("\n")
        name = FILE_NAME.fullmatch(first)
        if name:
            files += 1
            tested = hosts / (host or "") / name[1]
            if host and (not tested.is_file() or tested.read_text() != block + "\n"):
                sys.exit(f"README.md, `{title}`: {name[1]} differs from examples/{host}/{name[1]}")
            lines += [f"mkdir -p {pathlib.Path(name[1]).parent}", f"cat >{name[1]} <<'END_OF_FILE'"]
            lines += [block, "END_OF_FILE"]
        else:
            for command in block.split("\n"):
                command = INSTEAD.get(command.strip(), command)
                lines += [command]
    return "\n".join(lines) + "\n", files


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", required=True, type=pathlib.Path)
    parser.add_argument("--readme", type=pathlib.Path, help="another one than the source's")
    arguments = parser.parse_args()
    text = (arguments.readme or arguments.source / "README.md").read_text()

    with work_folder() as root:
        scripts = []
        for title, (place, host) in SECTIONS.items():
            parts = blocks(section(text, title))
            script, files = script_of(title, parts, arguments.source / "examples", host)
            if len(parts) == files:
                sys.exit(f"README.md, `{title}`: there is no command")
            if host == "talk" and files == 0:
                sys.exit(f"README.md, `{title}`: there is no file")
            scripts.append((title, place, script))

        new_repository(arguments.source, root / "origin")
        run("git", "clone", "-q", root / "origin", root / "toxtcp")
        (root / "home").mkdir()
        environment = {name: value for name, value in os.environ.items() if name not in UNWANTED}
        # Not optimised, or this would be the longest test of the package.
        environment |= {"HOME": str(root / "home"), "CXXFLAGS": "-O0 -g0"}
        for title, place, script in scripts:
            (root / place).mkdir(exist_ok=True)
            print(f"--- {title}", flush=True)
            begun = time.monotonic()
            shell = {"input": script, "text": True, "cwd": root / place, "env": environment}
            output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
            done = subprocess.run(["bash", "-x"], check=False, **shell, **output)
            print(done.stdout, end="")
            if done.returncode != 0:
                sys.exit(f"README.md, `{title}`: a command ended with {done.returncode}")
            must_not_warn(done.stdout, f"README.md, `{title}`")
            print(f"--- {title}: {time.monotonic() - begun:.0f} s", flush=True)

        faults = check_build(shutil.which("meson"), root / "program", environment)
        if faults:
            sys.exit("\n".join(faults))
        talk(root / "program" / "build", root / "toxtcp" / "build" / "release" / "tools" / "toxtcp", root)
    print("the README was followed to its end")


if __name__ == "__main__":
    main()
