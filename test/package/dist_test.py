#!/usr/bin/env python3
"""What `meson dist` makes is whole: unpacked elsewhere, it has every test, builds strictly, and passes its unit tests.

It is built with the other compiler (gcc's is clang, clang's is gcc) and without spdlog: that it can be is promised.
"""

import argparse
import os
import pathlib
import sys
import tarfile
import tempfile

from checkout import compiler_of, introspect, library_files, must_not_warn, new_repository, no_log_library, run

SUITE = "unit"


def names_of_tests(meson, build):
    return sorted(test["name"] for test in introspect(meson, build, "tests"))


def suite_programs(meson, build):
    """The targets that the tests of the suite run."""
    words = {
        word
        for test in introspect(meson, build, "tests")
        if any(suite.endswith(f":{SUITE}") for suite in test["suite"])
        for word in test["cmd"]
    }
    return [
        os.path.relpath(name, build)
        for target in introspect(meson, build, "targets")
        for name in target["filename"]
        if name in words
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--meson", required=True)
    parser.add_argument("--source", required=True, type=pathlib.Path)
    parser.add_argument("--build", required=True, help="of the source: its tests have to be the tarball's")
    parser.add_argument("--cc")
    parser.add_argument("--cxx")
    arguments = parser.parse_args()
    meson = arguments.meson
    environment = {**os.environ, "CFLAGS": "-O0 -g0", "CXXFLAGS": "-O0 -g0"}
    if arguments.cxx:
        environment |= {"CC": arguments.cc, "CXX": arguments.cxx}

    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder).resolve()
        repository = root / "repository"
        new_repository(arguments.source, repository)
        run(meson, "setup", "build", "-Dtests=disabled", "-Dtools=disabled", cwd=repository)
        run(meson, "dist", "-C", "build", "--no-tests", "--formats", "gztar", cwd=repository)
        tarballs = list((repository / "build" / "meson-dist").glob("*.tar.gz"))
        if len(tarballs) != 1:
            sys.exit(f"meson dist has made {tarballs}")
        with tarfile.open(tarballs[0]) as tarball:
            # Our own, made above.
            tarball.extractall(root / "unpacked")
        (unpacked,) = (root / "unpacked").iterdir()

        options = ["--buildtype=debug", "--werror", "-Dlog=none"]
        setup = run(meson, "setup", "build", *options, cwd=unpacked, env=environment)
        must_not_warn(setup, "meson setup")
        build = unpacked / "build"
        missing = set(names_of_tests(meson, arguments.build)) - set(names_of_tests(meson, build))
        if missing:
            sys.exit(f"the tarball has not all tests: {sorted(missing)}")

        programs = suite_programs(meson, build)
        if not programs:
            sys.exit("the tarball has no unit test")
        names = library_files(meson, build)
        must_not_warn(run("ninja", "-C", build, *names, *programs), "the build")
        no_log_library(build, names)
        run(meson, "test", "-C", build, "--no-rebuild", "--suite", SUITE)
        print(f"{unpacked.name}: built by {compiler_of(setup)} without spdlog, unit tests passed")


if __name__ == "__main__":
    main()
