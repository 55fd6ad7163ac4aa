#!/usr/bin/env python3
"""The installed files are enough for a C++ program: headers, libraries and the file for pkg-config, with and without CMake. Two
programs with an event loop of their own talk through the installed relay."""

import argparse
import json
import os
import pathlib
import subprocess
import sys

from checkout import must_not_warn, run, without_cache, work_folder
from host_test import running, wait_for

STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
USAGE_STATUS = 2


class Installed:
    def __init__(self, root, arguments):
        run(arguments.meson, "install", "-C", arguments.build, "--no-rebuild", "--destdir", root)
        self.prefix = root / arguments.prefix.lstrip("/")
        self.libraries = self.prefix / arguments.libdir
        path = f"{self.libraries / 'pkgconfig'}:{os.environ.get('PKG_CONFIG_PATH', '')}"
        self.environment = {**os.environ, "PKG_CONFIG_PATH": path}
        # The files are not at the prefix that they were configured for.
        self.moved = f"--define-variable=prefix={self.prefix}"

    def flags(self, *words):
        return run("pkg-config", self.moved, *words, "toxtcp", env=self.environment).split()


def must_start(program, libraries):
    """Checks that the program finds its libraries: it must start and print its usage."""
    environment = {**os.environ, "LD_LIBRARY_PATH": str(libraries)}
    done = subprocess.run([program], check=False, capture_output=True, text=True, env=environment)
    if done.returncode != USAGE_STATUS or "usage:" not in done.stderr:
        sys.exit(f"{program} ended with {done.returncode}: {done.stdout}{done.stderr}")


def must_talk(program, installed):
    """Two processes read the key of the other and a line to send. Each must print the line that the other has sent."""
    environment = {**os.environ, "LD_LIBRARY_PATH": str(installed.libraries)}
    with running(installed.prefix / "bin" / "toxtcp", "relay", "--address", "127.0.0.1", "--json", env=environment) as relay:
        said = json.loads(relay.stdout.readline())
        words = [program, said["address"], said["public_key"]]
        options = {"stdin": subprocess.PIPE, "env": environment}
        with running(*words, **options) as one, running(*words, **options) as other:
            keys = [wait_for(each, "I am ") for each in (one, other)]
            for each, key, line in ((one, keys[1], "hello"), (other, keys[0], "welcome")):
                each.stdin.write(f"{key}\n{line}\n")
                each.stdin.flush()
            wait_for(one, "welcome")
            wait_for(other, "hello")
            for each in (one, other):
                each.stdin.close()
                if each.wait() != 0:
                    sys.exit(f"{program} ended with {each.returncode}")


def check_headers(installed, source, compiler):
    """Checks that each header is installed, and compiles without another header before it."""
    include = installed.prefix / "include"
    for folder, languages in (("toxtcp", ("c++",)), ("toxcore", ("c", "c++"))):
        names = sorted(path.name for path in (source / "include" / folder).glob("*.h"))
        installed_names = sorted(path.name for path in (include / folder).iterdir())
        if names != installed_names or not names:
            sys.exit(f"{folder}: installed are {installed_names}, not {names}")
        for name in names:
            for language in languages:
                standard = "-std=c11" if language == "c" else "-std=c++20"
                words = [*compiler, "-x", language, standard, *STRICT, "-fsyntax-only", f"-I{include}", "-"]
                run(*words, input=f"#include <{folder}/{name}>\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--meson", required=True)
    parser.add_argument("--source", required=True, type=pathlib.Path)
    parser.add_argument("--build", required=True)
    parser.add_argument("--prefix", required=True)
    parser.add_argument("--libdir", required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--cmake")
    parser.add_argument("compiler", nargs="+", help="for C++")
    arguments = parser.parse_args()
    examples = arguments.source / "examples"

    with work_folder() as root:
        installed = Installed(root / "root", arguments)
        check_headers(installed, arguments.source, arguments.compiler)
        if installed.flags("--modversion") != [arguments.version]:
            sys.exit(f"pkg-config names the version {installed.flags('--modversion')}")
        strange = set(installed.flags("--cflags")) - {f"-I{installed.prefix / 'include'}"}
        if strange:
            sys.exit(f"pkg-config adds unexpected flags for the compiler: {strange}")

        compiler = [*arguments.compiler, "-std=c++20", *STRICT]
        talk, lines = (examples / name / "main.cpp" for name in ("talk", "event_loop"))
        shared = installed.libraries / "libtoxtcp.so"
        archive = installed.libraries / "libtoxtcp.a"
        if shared.exists():
            run(*compiler, talk, *installed.flags("--cflags", "--libs"), "-o", root / "shared")
            if f"{installed.libraries}/libtoxtcp.so." not in run(
                "ldd", root / "shared", env={**os.environ, "LD_LIBRARY_PATH": str(installed.libraries)}
            ):
                sys.exit("the program does not use the installed library")
            must_start(root / "shared", installed.libraries)
            run(*compiler, lines, *installed.flags("--cflags", "--libs"), "-o", root / "lines")
            if (installed.prefix / "bin" / "toxtcp").exists():
                must_talk(root / "lines", installed)
        if archive.exists():
            # The static library by its path, then the libraries that it needs.
            flags = installed.flags("--static", "--cflags", "--libs")
            flags = [str(archive) if flag == "-ltoxtcp" else flag for flag in flags]
            run(*compiler, talk, *flags, "-o", root / "static")
            must_start(root / "static", "")
        if not shared.exists() and not archive.exists():
            sys.exit("no library is installed")

        if arguments.cmake:
            project = root / "project"
            project.mkdir()
            for name in ("CMakeLists.txt", "main.cpp"):
                (project / name).write_text((examples / "talk" / name).read_text())
            # CMake would take a compiler cache for the compiler.
            output = run(
                arguments.cmake, "-B", "build", f"-DPKG_CONFIG_ARGN={installed.moved}",
                f"-DCMAKE_CXX_COMPILER={without_cache(arguments.compiler)[0]}", cwd=project, env=installed.environment,
            )
            output += run(arguments.cmake, "--build", "build", cwd=project)
            must_not_warn(output, "CMake")
            must_start(project / "build" / "talk", installed.libraries)
        by = ", by CMake too" if arguments.cmake else ""
        print(f"toxtcp {arguments.version}: built against what is installed{by}")


if __name__ == "__main__":
    main()
