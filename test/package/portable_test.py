#!/usr/bin/env python3
"""Checks for other machines that this machine can do. Each header compiles alone. The library compiles without a warning for
32 bits and, if the compiler is installed, for Windows. The program uses names that only Linux has in two files only, which
other systems can do without."""

import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys

from checkout import CCACHE, files_of, without_cache, work_folder

STRICT = ["-std=c++20", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror", "-O0"]
GENERATIONS = ("218", "220", "223")
# Headers that are not meant to compile alone.
FRAGMENTS = {"test/system/posix_only.h", *(f"lib/toxcore/generation_{one}.h" for one in GENERATIONS)}
# Files of the library that are for one kind of system only.
OF_LINUX = {"lib/host/acknowledged_linux.cpp", "lib/host/epoll.cpp", "lib/host/network_watch_netlink.cpp"}
OF_POSIX = {"lib/host/sockets_posix.cpp"}
OF_WINDOWS = {"lib/host/sockets_windows.cpp"}
# Files of the program that may use what only Linux has. A test compiles the first with posix_only.h. Other systems have
# another file in place of the second.
ASK_FOR_LINUX = {"tools/shared/whole_file.cpp", "tools/demo/relays.cpp"}
# The names that posix_only.h removes.
LINUX_ONLY = re.compile(
    r"\b(?:SOCK_NONBLOCK|SOCK_CLOEXEC|__linux__|accept4|pipe2)\b"
    r"|#include <(?:linux/|sys/(?:epoll|eventfd|signalfd|timerfd|prctl|vfs|xattr)\.h)"
)


def errors_of(words):
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"{' '.join(map(str, words))}\n{done.stderr[:2000]}"


def compile_all(folder, jobs):
    """Compiles each job: a compiler with its arguments, and a file or the text of one. Returns the errors. There is an output,
    which nobody needs, since ccache keeps no result without one."""
    folder.mkdir()
    commands = []
    for index, (words, source) in enumerate(jobs):
        if isinstance(source, str):
            (folder / f"{index}.cpp").write_text(source)
            source = folder / f"{index}.cpp"
        commands.append([*CCACHE, *words, "-c", source, "-o", folder / f"{index}.o"])
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return [fault for fault in pool.map(errors_of, commands) if fault]


def generations_of(name):
    of_one = re.search(r"lib/toxcore/generation_(\d+)", name)
    if of_one:
        return (of_one[1],)
    return GENERATIONS if "toxcore/" in name or name == "test/abi/abi_host.h" else GENERATIONS[:1]


def included_first(source):
    """The headers that some C++ file includes first. Each build already compiles these with nothing before them."""
    found = (re.search(r'^#include "(.+)"', (source / name).read_text(), re.MULTILINE)
             for name in files_of(source) if name.endswith(".cpp"))
    return tuple("/" + first[1] for first in found if first)


def check_headers(source, compiler, flags, folder):
    """Compiles each header with nothing before it."""
    includes = [f"-I{source / folder}" for folder in ("include", "lib", "test", ".", "tools", "test/abi", "test/bench")]
    jobs = []
    first = included_first(source)
    for name in files_of(source):
        if name.endswith(".h") and name not in FRAGMENTS and ("toxcore/" in name or not name.endswith(first)):
            language = "c" if name.startswith("include/toxcore/") else "c++"
            for generation in generations_of(name):
                for one in sorted({language, "c++"}):
                    strict = [flag for flag in STRICT if one == "c++" or flag != "-std=c++20"]
                    words = [*compiler, "-x", one, *strict, *flags, *includes, f"-DTOXTCP_TOXCORE_GENERATION={generation}"]
                    jobs.append((words, f'#include "{source / name}"\n'))
    print(f"{len(jobs)} headers alone")
    return compile_all(folder, jobs)


def compile_library(source, words, without, folder):
    """Compiles the library. Files that do not depend on the system are compiled together, as one file."""
    words = [*words, *STRICT, f"-I{source / 'include'}", f"-I{source / 'lib'}"]
    names = [name for name in files_of(source)
             if name.startswith("lib/") and name.endswith(".cpp") and name not in without and "spdlog" not in name]
    apart = [name for name in names if name.startswith(("lib/host/", "lib/toxcore/"))]
    whole = "".join(f'#include "{source / name}"\n' for name in names if name not in apart)
    jobs = [(words, whole)]
    for name in apart:
        for generation in generations_of(name):
            jobs.append(([*words, f"-DTOXTCP_TOXCORE_GENERATION={generation}"], source / name))
    return compile_all(folder, jobs)


def check_32_bits(source, folder):
    """Compiles with GCC, whose warnings are stricter, and with the headers of this machine."""
    if shutil.which("g++") is None or os.uname().machine != "x86_64":
        print("32 bits: skipped, that needs g++ on x86_64")
        return []
    listing = subprocess.run(
        ["g++", "-E", "-v", "-x", "c++", os.devnull], capture_output=True, text=True, check=True).stderr
    folders = re.search(r"search starts here:\n#include <.*?\n(.*?)End of search", listing, re.DOTALL)[1].split()
    extra = folder / "headers"
    (extra / "gnu").mkdir(parents=True)
    (extra / "gnu" / "stubs-32.h").touch()
    words = ["g++", "-m32", "-nostdinc", "-nostdinc++"]
    for searched in [extra, *folders]:
        words += ["-isystem", searched]
    probe = compile_all(folder / "probe", [([*words, *STRICT], "#include <string>\nstatic_assert(sizeof(void *) == 4);\n")])
    if probe:
        sys.exit(f"32 bits cannot be tried:\n{probe[0]}")
    faults = compile_library(source, words, OF_WINDOWS, folder / "library")
    print("32 bits: compiled")
    return faults


def check_program(source):
    found = {name for name in files_of(source)
             if name.startswith("tools/") and name.endswith((".cpp", ".h")) and LINUX_ONLY.search((source / name).read_text())}
    return [] if found == ASK_FOR_LINUX else [f"names of Linux only are in {sorted(found)}, expected: {sorted(ASK_FOR_LINUX)}"]


def check_windows(source, sodium, folder):
    compiler = shutil.which("x86_64-w64-mingw32-g++-posix") or shutil.which("x86_64-w64-mingw32-g++")
    if compiler is None:
        print("Windows: skipped, that needs g++-mingw-w64-x86-64-posix")
        return []
    # libsodium's headers are the same on every system. Links keep the other headers of their folder out of the search.
    extra = folder / "headers"
    extra.mkdir(parents=True)
    (extra / "sodium.h").symlink_to(sodium / "sodium.h")
    (extra / "sodium").symlink_to(sodium / "sodium")
    words = [compiler, "-isystem", extra, "-D_WIN32_WINNT=0x0600", "-DNOMINMAX", "-DWIN32_LEAN_AND_MEAN"]
    faults = compile_library(source, words, OF_LINUX | OF_POSIX, folder / "library")
    print("Windows: compiled")
    return faults


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", required=True, type=pathlib.Path)
    parser.add_argument("--sodium", type=pathlib.Path, help="the folder with sodium.h")
    parser.add_argument("compiler", nargs="+")
    arguments = parser.parse_args()
    sodium = ["-isystem", arguments.sodium] if arguments.sodium != pathlib.Path("/usr/include") else []
    with work_folder() as folder:
        faults = check_headers(arguments.source, without_cache(arguments.compiler), sodium, folder / "alone")
        faults += check_program(arguments.source)
        faults += check_32_bits(arguments.source, folder / "32-bits")
        faults += check_windows(arguments.source, arguments.sodium, folder / "windows")
    for fault in faults:
        print(fault)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
