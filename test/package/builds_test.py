#!/usr/bin/env python3
"""The library builds without warnings with each supported compiler, with and without a log."""

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
            # Optimised, since compilers then find the most to warn of.
            environment = {**os.environ, "CC": cc, "CXX": cxx}
            options = ["--werror", "--buildtype=release", f"-Dlog={log}", "-Dtests=disabled", "-Dtools=disabled"]
            where = root / str(number)
            setup = run(arguments.meson, "setup", where, root / "toxtcp", *options, env=environment)
            must_not_warn(setup, "meson setup")
            # Not the archives for toxcore: they consist of the same objects.
            names = library_files(arguments.meson, where)
            must_not_warn(run("ninja", "-C", where, *names), "the build")
            if log == "none":
                no_log_library(where, names)
            elif "spdlog" not in run("ninja", "-C", where, "-t", "deps"):
                sys.exit("the build with spdlog has read no file of spdlog")
            print(f"{compiler_of(setup)}, log {log}", flush=True)


if __name__ == "__main__":
    main()
