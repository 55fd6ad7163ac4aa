#!/usr/bin/env python3
"""What the shared library shows: compared with the list in the repository, or written there (--renew).

A name that is missing breaks the programs that were linked with it. One that is new is promised from now on, so that it
has to be meant; `tools/dev symbols` takes it into the list.
"""

import argparse
import pathlib
import subprocess
import sys

VERSIONS = "TOXTCP_"


def shown(library):
    """Each name with its version, and whatever has none."""
    text = subprocess.run(
        ["nm", "-D", "-C", "--defined-only", "--with-symbol-versions", library], check=True, capture_output=True, text=True
    ).stdout
    names = []
    for line in text.splitlines():
        _, kind, name = line.split(" ", 2)
        if kind != "A":  # the versions themselves
            names.append(name.replace("@@", "@"))
    return sorted(names)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library")
    parser.add_argument("list", type=pathlib.Path)
    parser.add_argument("--renew", action="store_true")
    arguments = parser.parse_args()

    names = shown(arguments.library)
    strangers = [name for name in names if not name.startswith("toxtcp::") or f"@{VERSIONS}" not in name]
    if not names or strangers:
        sys.exit("shown, but not ours: " + "\n".join(strangers or ["nothing at all is ours"]))
    if arguments.renew:
        arguments.list.write_text("\n".join(names) + "\n", encoding="utf-8")
        print(f"{arguments.list}: {len(names)} names")
        return

    promised = arguments.list.read_text(encoding="utf-8").splitlines()
    missing = sorted(set(promised) - set(names))
    unknown = sorted(set(names) - set(promised))
    for name in missing:
        print(f"missing: {name}")
    for name in unknown:
        print(f"not in {arguments.list.name} (if it is meant to be shown: tools/dev symbols): {name}")
    print(f"{len(names)} names, {len(missing)} missing, {len(unknown)} unknown")
    sys.exit(1 if missing or unknown else 0)


if __name__ == "__main__":
    main()
