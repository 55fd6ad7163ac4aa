#!/usr/bin/env python3
"""Compares the symbols that the shared library exports with the list in the repository, or writes the list (--renew).

The library must export the functions that the headers mark with TOXTCP_API, and nothing else.

A missing symbol breaks the programs that were linked with it. A new symbol must be kept from now on, so it must be intended;
`tools/dev symbols` adds it to the list.
"""

import argparse
import pathlib
import re
import subprocess
import sys

VERSIONS = "TOXTCP_"


def shown(library):
    """The exported symbols, each with its version if it has one."""
    words = ["nm", "-D", "-C", "--defined-only", "--with-symbol-versions", library]
    text = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    names = []
    for line in text.splitlines():
        _, kind, name = line.split(" ", 2)
        if kind != "A":  # a version itself
            names.append(name.replace("@@", "@"))
    return sorted(names)


def name_of(symbol):
    """The function's name alone."""
    return re.match(r"toxtcp::(\w+)", symbol)[1]


def declared(folder):
    """The functions that the headers mark as part of the library."""
    text = "".join(path.read_text() for path in sorted(folder.glob("*.h")) if path.name != "export.h")
    return set(re.findall(r"TOXTCP_API[^;({]*?(\w+)\(", re.sub(r"//.*", "", text)))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library")
    parser.add_argument("list", type=pathlib.Path)
    parser.add_argument("--include", required=True, type=pathlib.Path)
    parser.add_argument("--renew", action="store_true")
    arguments = parser.parse_args()

    names = shown(arguments.library)
    strangers = [name for name in names if not name.startswith("toxtcp::") or f"@{VERSIONS}" not in name]
    if not names or strangers:
        sys.exit("exported, but not versioned symbols of toxtcp: " + "\n".join(strangers or ["the library exports nothing"]))
    marked = declared(arguments.include)
    differ = sorted(marked ^ set(map(name_of, names)))
    for name in differ:
        print(f"{name}: " + ("marked with TOXTCP_API, but not exported" if name in marked else "exported, but not marked"))
    if differ:
        sys.exit("the library must export the functions that are marked, and no others")
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
        print(f"not in {arguments.list.name} (if it is meant to be exported, run tools/dev symbols): {name}")
    print(f"{len(names)} names, {len(missing)} missing, {len(unknown)} unknown")
    sys.exit(1 if missing or unknown else 0)


if __name__ == "__main__":
    main()
