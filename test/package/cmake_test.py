#!/usr/bin/env python3
"""CMake builds from the same sources the same as Meson: a static and a shared library, and the archives, with the same symbols.
A project can include toxtcp, or find it installed."""

import argparse
import json
import pathlib
import re
import subprocess
import sys

from checkout import copy_checkout, must_not_warn, run, work_folder

USAGE_STATUS = 2
ARCHIVES = [f"toxtcp-toxcore-{version}" for version in ("0.2.18", "0.2.20", "0.2.23")]
# Not optimised, to save time: the symbols do not depend on it.
FLAGS = "-DCMAKE_CXX_FLAGS=-O0 -Wall -Wextra -Wconversion -Wshadow -Werror"


def sources(build, root):
    """The files of the library that are compiled."""
    found = set()
    for command in json.loads((build / "compile_commands.json").read_text()):
        name = pathlib.Path(command["directory"], command["file"]).resolve()
        if name.is_relative_to(root / "lib"):
            found.add(str(name.relative_to(root)))
    return found


def shown(file, *options):
    """The symbols that a library exports. Weak ones are left out: the compiler decides which of them a file has."""
    lines = re.findall(r"^[0-9a-f]+ ([A-TX-Z]) (\S+)$", run("nm", "--defined-only", *options, file), re.MULTILINE)
    return {name for _, name in lines}


def must_be_same(what, ours, theirs):
    if ours != theirs or not ours:
        sys.exit(f"{what}: only CMake has {sorted(ours - theirs)}, only Meson has {sorted(theirs - ours)}, of {len(ours)}")
    print(f"{what}: the same, {len(ours)}", flush=True)


def must_start(program):
    done = subprocess.run([program], check=False, capture_output=True, text=True)
    if done.returncode != USAGE_STATUS or "usage:" not in done.stderr:
        sys.exit(f"{program} ended with {done.returncode}: {done.stdout}{done.stderr}")


def make_project(folder, source):
    for name in ("cmake/CMakeLists.txt", "talk/main.cpp"):
        (folder / name.rpartition("/")[2]).write_text((source / "examples" / name).read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cmake", required=True)
    parser.add_argument("--source", required=True, type=pathlib.Path)
    parser.add_argument("--build", required=True, type=pathlib.Path, help="Meson's")
    parser.add_argument("--log", required=True)
    parser.add_argument("--waiting", required=True)
    parser.add_argument("--version", required=True)
    arguments = parser.parse_args()
    if f"VERSION {arguments.version} " not in (arguments.source / "CMakeLists.txt").read_text():
        sys.exit(f"CMakeLists.txt has another version than {arguments.version}")
    options = [FLAGS, f"-DTOXTCP_LOG={arguments.log}", f"-DTOXTCP_WAITING={arguments.waiting}",
               "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON"]

    with work_folder() as root:
        project = root / "project"
        project.mkdir()
        make_project(project, arguments.source)
        copy_checkout(arguments.source, project / "toxtcp")

        build, prefix, tree = root / "build", root / "prefix", project / "toxtcp"
        # Many files at once, to save time.
        unity = ["-DCMAKE_UNITY_BUILD=ON", "-DCMAKE_UNITY_BUILD_BATCH_SIZE=20"]
        words = ["-DTOXTCP_ARCHIVES=ON", f"-DCMAKE_INSTALL_PREFIX={prefix}", *unity, *options]
        must_not_warn(run(arguments.cmake, "-S", project, "-B", build, *words), "CMake")
        must_not_warn(run(arguments.cmake, "--build", build, "-j2"), "CMake's build")
        must_start(build / "talk")
        run(arguments.cmake, "--install", build)
        for name in ARCHIVES:
            must_be_same(name, shown(build / "toxtcp" / f"lib{name}.a", "-g"),
                         shown(arguments.build / "lib" / "toxcore" / f"lib{name}.a", "-g"))

        # The shared library, from the same objects.
        must_not_warn(run(arguments.cmake, "-DBUILD_SHARED_LIBS=ON", build), "CMake, shared")
        must_not_warn(run(arguments.cmake, "--build", build, "-j2"), "CMake's build, shared")
        must_start(build / "talk")
        must_be_same("shared library", shown(build / "toxtcp" / "libtoxtcp.so", "-D"),
                     shown(arguments.build / "lib" / "libtoxtcp.so", "-D"))

        # With the defaults that apply when toxtcp is not part of another project.
        must_not_warn(run(arguments.cmake, "-S", tree, "-B", root / "alone", *options), "CMake, alone")
        meson_sources = sources(arguments.build, arguments.source.resolve())
        if arguments.waiting != "poll":
            meson_sources.discard("lib/host/epoll_none.cpp")  # only tests use this file and the next two
            meson_sources.discard("lib/host/acknowledged_none.cpp")
            meson_sources.discard("lib/host/network_watch_none.cpp")
        must_be_same("sources", sources(root / "alone", tree), meson_sources)

        text = (project / "CMakeLists.txt").read_text()
        (project / "CMakeLists.txt").write_text(
            text.replace("add_subdirectory(toxtcp)", f"find_package(toxtcp {arguments.version} REQUIRED)"))
        other = root / "other"
        must_not_warn(run(arguments.cmake, "-S", project, "-B", other, f"-DCMAKE_PREFIX_PATH={prefix}"), "CMake, installed")
        run(arguments.cmake, "--build", other)
        must_start(other / "talk")
        print("a project builds with ours in it, and with what is installed")


if __name__ == "__main__":
    main()
