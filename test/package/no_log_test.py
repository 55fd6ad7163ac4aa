#!/usr/bin/env python3
"""The library builds without warnings, optimised, without a log: it then needs nothing of the libraries for the log."""

import argparse
import os
import pathlib

from checkout import compiler_of, compilers, copy_checkout, library_files, must_not_warn, no_log_library, run, work_folder


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--meson", required=True)
    parser.add_argument("--source", required=True, type=pathlib.Path)
    parser.add_argument("--cc", required=True)
    parser.add_argument("--cxx", required=True)
    arguments = parser.parse_args()
    with work_folder() as root:
        copy_checkout(arguments.source, root / "toxtcp")
        environment = os.environ | compilers(arguments.cc, arguments.cxx)
        # Optimised, since compilers then find the most to warn of.
        options = ["--werror", "--buildtype=release", "-Dlog=none", "-Dtests=disabled", "-Dtools=disabled"]
        build = root / "build"
        setup = run(arguments.meson, "setup", build, root / "toxtcp", *options, env=environment)
        must_not_warn(setup, "meson setup")
        # Not the archives for toxcore: they consist of the same objects.
        names = library_files(arguments.meson, build)
        must_not_warn(run("ninja", "-C", build, *names), "the build")
        no_log_library(build, names)
        print(f"built by {compiler_of(setup)}")


if __name__ == "__main__":
    main()
