#!/usr/bin/env python3
"""The tarball of `meson dist` is complete: unpacked elsewhere, it has every file and every test, and builds without warnings.

It is built without spdlog and with the other compiler: clang if this build is gcc's, gcc if it is clang's.
"""

import argparse
import os
import pathlib
import sys
import tarfile

from checkout import (compiler_of, compilers, files_of, introspect, library_files, must_not_warn, new_repository, no_log_library,
                      run, work_folder)


def names_of_tests(meson, build):
    return sorted(test["name"] for test in introspect(meson, build, "tests"))


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
        environment |= compilers(arguments.cc, arguments.cxx)

    with work_folder() as root:
        repository = root / "repository"
        new_repository(arguments.source, repository)
        run(meson, "setup", "build", "-Dtests=disabled", "-Dtools=disabled", cwd=repository)
        run(meson, "dist", "-C", "build", "--no-tests", "--formats", "gztar", cwd=repository)
        tarballs = list((repository / "build" / "meson-dist").glob("*.tar.gz"))
        if len(tarballs) != 1:
            sys.exit(f"expected one tarball of meson dist, found {tarballs}")
        with tarfile.open(tarballs[0]) as tarball:
            # Safe: it was made above.
            tarball.extractall(root / "unpacked")
        (unpacked,) = (root / "unpacked").iterdir()

        missing = set(files_of(arguments.source)) - set(files_of(unpacked))
        if missing:
            sys.exit(f"the tarball lacks files: {sorted(missing)}")
        options = ["--buildtype=debug", "--werror", "-Dlog=none"]
        setup = run(meson, "setup", "build", *options, cwd=unpacked, env=environment)
        must_not_warn(setup, "meson setup")
        build = unpacked / "build"
        missing = set(names_of_tests(meson, arguments.build)) - set(names_of_tests(meson, build))
        if missing:
            sys.exit(f"the tarball lacks tests: {sorted(missing)}")

        names = library_files(meson, build)
        must_not_warn(run("ninja", "-C", build, *names), "the build")
        no_log_library(build, names)
        print(f"{unpacked.name}: whole, and built by {compiler_of(setup)} without spdlog")


if __name__ == "__main__":
    main()
