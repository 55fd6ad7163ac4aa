#!/usr/bin/env python3
"""Writes a copy of a file with one piece of text replaced, to plant a fault: plant.py FILE COPY OLD NEW"""
import pathlib
import sys


def main() -> int:
    file, copy, old, new = sys.argv[1:]
    text = pathlib.Path(file).read_text(encoding="utf-8")
    if text.count(old) != 1:
        # The library has changed, and the test would run without its fault.
        print(f"{file}: {text.count(old)} times, not once: {old}", file=sys.stderr)
        return 1
    path = pathlib.Path(copy)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.replace(old, new), encoding="utf-8")
    return 0


sys.exit(main())
