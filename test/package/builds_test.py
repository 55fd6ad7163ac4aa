#!/usr/bin/env python3
"""The library builds strictly by each compiler that is promised, with its log and without."""

import argparse
import os
import pathlib
import sys
import tempfile

from checkout import compiler_of, copy_checkout, library_files, must_not_warn, no_log_library, run


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--meson", required=True)
    parser.add_argument("--source", required=True, type=pathlib.Path)
    parser.add_argument("builds", nargs="+", metavar="CC,CXX,LOG")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        copy_checkout(arguments.source, root / "toxtcp")
        for number, build in enumerate(arguments.builds):
            cc, cxx, log = build.split(",")
            # Optimised, since that is when a compiler sees most of what it warns of.
            environment = {**os.environ, "CC": cc, "CXX": cxx}
            options = ["--werror", "--buildtype=release", f"-Dlog={log}", "-Dtests=disabled", "-Dtools=disabled"]
            where = root / str(number)
            setup = run(arguments.meson, "setup", where, root / "toxtcp", *options, env=environment)
            must_not_warn(setup, "meson setup")
            # No archive for toxcore: those are of the same objects.
            names = library_files(arguments.meson, where)
            must_not_warn(run("ninja", "-C", where, *names), "the build")
            if log == "none":
                no_log_library(where, names)
            elif "spdlog" not in run("ninja", "-C", where, "-t", "deps"):
                sys.exit("no file of spdlog was read")
            print(f"{compiler_of(setup)}, log {log}", flush=True)


if __name__ == "__main__":
    main()
