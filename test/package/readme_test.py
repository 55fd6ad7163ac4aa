#!/usr/bin/env python3
"""Follows the README word by word, as somebody would who has just cloned the repository.

What is indented by four spaces in the sections below is followed: a block whose first line is a comment that begins
with the name of a file is that file, any other is typed into a shell. A fenced block is only to look at. The section
`Try it` happens in the clone; each of the others in an empty folder beside it, where the clone is `../toxtcp`. What the
section for C++ programs has built is looked at: nothing of ours shows in it but the library, and it works.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

from checkout import must_not_warn, new_repository, run
from host_test import check_build, talk

# Where a section happens, and where the files that it shows are tested as well.
SECTIONS = {
    "Try it": ("toxtcp", None),
    "Under toxcore": ("client", "client"),
    "In a C++ program": ("program", "talk"),
    "The program": ("toxtcp", None),
}
FILE_NAME = re.compile(r"(?://|#) ((?:[\w.-]+/)*[\w-]+\.[\w.]+)(?::.*)?")
# What would take too long here is done shorter, or only looked up.
INSTEAD = {
    "tools/dev demo": "tools/dev demo --seconds 5",
    "tools/dev test": "tools/dev help | grep '^  test '",
}

# What only this machine, or the build that this test belongs to, has set.
UNWANTED = ["CC", "CFLAGS", "CXX", "CXXFLAGS", "DESTDIR", "LD_LIBRARY_PATH", "LDFLAGS", "PKG_CONFIG_PATH"]


def section(text, title):
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if not found:
        sys.exit(f"README.md has no section `{title}`")
    return found[1]


def blocks(text):
    """The indented blocks, without their indentation. Empty lines do not end one, a paragraph does."""
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
    """What to do, as one shell: what a block leaves behind is there for the next."""
    lines = ["set -euo pipefail"]
    files = 0
    for block in parts:
        first, _, _ = block.partition("\n")
        name = FILE_NAME.fullmatch(first)
        if name:
            files += 1
            tested = hosts / (host or "") / name[1]
            if host and (not tested.is_file() or tested.read_text() != block + "\n"):
                sys.exit(f"README.md, `{title}`: {name[1]} is not what examples/{host}/{name[1]} is")
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

    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        scripts = []
        for title, (place, host) in SECTIONS.items():
            parts = blocks(section(text, title))
            script, files = script_of(title, parts, arguments.source / "examples", host)
            if len(parts) == files:
                sys.exit(f"README.md, `{title}`: there is nothing to type")
            if host == "talk" and files == 0:
                sys.exit(f"README.md, `{title}`: there is no program")
            scripts.append((title, place, script))

        new_repository(arguments.source, root / "origin")
        run("git", "clone", "-q", root / "origin", root / "toxtcp")
        (root / "home").mkdir()
        environment = {name: value for name, value in os.environ.items() if name not in UNWANTED}
        # Unoptimised, so that it does not take longer than all other tests of the package.
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
