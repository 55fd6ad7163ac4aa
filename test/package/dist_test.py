#!/usr/bin/env python3
"""What `meson dist` makes is whole: unpacked elsewhere, it configures with all its tests, and the library builds.

With the other compiler (gcc's is clang, clang's is gcc), strictly, and without spdlog: that it builds so is a promise too.
"""

import argparse
import json
import os
import pathlib
import sys
import tarfile
import tempfile

from checkout import must_not_warn, new_repository, run

# A library of these is none of what -Dlog=none needs.
LOG_LIBRARIES = ("libspdlog", "libfmt")


def introspect(meson, build, what):
    return json.loads(run(meson, "introspect", f"--{what}", build, stderr=None))


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
    environment = {**os.environ, "CFLAGS": "-g0", "CXXFLAGS": "-g0"}
    if arguments.cxx:
        environment |= {"CC": arguments.cc, "CXX": arguments.cxx}

    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        new_repository(arguments.source, root / "repository")
        run(meson, "setup", "build", "-Dtests=disabled", "-Dtools=disabled", cwd=root / "repository")
        run(meson, "dist", "-C", "build", "--no-tests", "--allow-dirty", "--formats", "gztar", cwd=root / "repository")
        tarballs = list((root / "repository" / "build" / "meson-dist").glob("*.tar.gz"))
        if len(tarballs) != 1:
            sys.exit(f"meson dist has made {tarballs}")
        with tarfile.open(tarballs[0]) as tarball:
            # Our own, made above.
            tarball.extractall(root / "unpacked")
        (unpacked,) = (root / "unpacked").iterdir()

        options = ["--buildtype=debug", "--werror", "-Dlog=none"]
        must_not_warn(run(meson, "setup", "build", *options, cwd=unpacked, env=environment), "meson setup")
        build = unpacked / "build"
        missing = set(names_of_tests(meson, arguments.build)) - set(names_of_tests(meson, build))
        if missing:
            sys.exit(f"the tarball has not all tests: {sorted(missing)}")

        library = [
            os.path.relpath(name, build)
            for target in introspect(meson, build, "targets")
            for name in target["filename"]
            if name.startswith(str(build / "lib") + os.sep)
        ]
        if not library:
            sys.exit("the tarball has no library")
        must_not_warn(run("ninja", "-C", build, *library, env=environment), "the build")
        for name in library:
            if ".so" in name and any(log in run("objdump", "-p", build / name) for log in LOG_LIBRARIES):
                sys.exit(f"{name} needs a library for its log")
        compiler = introspect(meson, build, "compilers")["host"]["cpp"]
        print(f"{unpacked.name}: {len(library)} libraries built by {compiler['id']} {compiler['version']}, without spdlog")


if __name__ == "__main__":
    main()
