#!/usr/bin/env python3
"""Runs make_archive with every compiler and linker that is installed. The archive must export only the C functions, contain
code, and use its own copies of inline functions, not those of the program. With tools for another machine, make_archive must
fail and say so."""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

INLINE = """
#pragma once
struct Counter {{ int value = 0; virtual ~Counter() = default; virtual int next() {{ return value += {step}; }} }};
template <class T> inline T doubled(T value) {{ return 2 * value * {step}; }}
inline int shared_state() {{ static int state = 0; return state += {step}; }}
"""
PARTS = {
    "one.cpp": """#include "inline.h"
namespace inside { int other(); }
extern "C" int first_function() { Counter c; return c.next() + doubled(1) + shared_state() + inside::other(); }
""",
    "two.cpp": """#include "inline.h"
namespace inside { int other() { Counter c; return c.next() + doubled(1) + shared_state(); } }
extern "C" int second_function() { return inside::other(); }
""",
}
MAIN = """#include "inline.h"
extern "C" int first_function();
extern "C" int second_function();
int main() {
    Counter c;
    const int own = c.next() + doubled(1) + shared_state();
    const int theirs = first_function() + second_function();
    return own == 4000 && theirs == 15 ? 0 : 1;
}
"""
NAMES = ["first_function", "second_function"]
OPTIONS = ["-std=c++20", "-O1", "-fPIC", "-fno-gnu-unique"]


def run(*words, **options):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, **options)


def must(*words, **options):
    done = run(*words, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))}\n{done.stdout}{done.stderr}")
    return done.stdout


def toolchains():
    """Yields: compiler with its flags, flags to link the archive, prefix of the tools, whether its programs run here."""
    bfd, lld, clang = shutil.which("ld.bfd"), shutil.which("ld.lld"), shutil.which("clang++")
    for compiler in filter(shutil.which, ("g++", "clang++")):
        for linker in [name for name, found in (("bfd", bfd), ("lld", lld)) if found]:
            yield [compiler], [f"-fuse-ld={linker}"], "", True
    if shutil.which("g++"):
        yield ["g++", "-flto"], ["-O2", "-fPIC", "-flto", "-flinker-output=nolto-rel", "-fno-gnu-unique"], "", True
    if clang and lld:
        yield ["clang++", "-flto"], ["-O2", "-fPIC", "-flto", "-fuse-ld=lld"], "", True
    for path in os.environ["PATH"].split(":"):
        for cross in sorted(pathlib.Path(path).glob("*-linux-gnu*-g++")):
            if shutil.which(cross.name) != str(cross):
                continue
            if "x86_64" not in cross.name:
                yield [cross.name], [], cross.name.removesuffix("g++"), False


def tools(prefix):
    return [prefix + tool for tool in ("nm", "objcopy", "ar")]


def compile_parts(folder, compiler, prefix):
    (folder / "inline.h").write_text(INLINE.format(step=1))
    objects = []
    for name, text in PARTS.items():
        (folder / name).write_text(text)
        flags = [flag for flag in OPTIONS if flag != "-fno-gnu-unique" or "clang" not in compiler[0]]
        must(*compiler, *flags, "-c", name, "-o", f"{name}.o", cwd=folder)
        objects.append(f"{name}.o")
    must(f"{prefix}ar", "rcs", "parts.a", *objects, cwd=folder)


def check(make_archive, folder, toolchain):
    compiler, link, prefix, is_native = toolchain
    what = " ".join(compiler + link)
    compile_parts(folder, compiler, prefix)
    must(make_archive, *tools(prefix), "libmade.a", "parts.a", compiler[0], *link, cwd=folder)
    shown = must(f"{prefix}nm", "-g", "--defined-only", "libmade.a", cwd=folder)
    names = re.findall(r"^[0-9a-f]+ (\w) (\S+)$", shown, re.MULTILINE)
    if sorted(name for _, name in names) != NAMES or {kind for kind, _ in names} != {"T"}:
        sys.exit(f"{what}: the archive exports {names}")
    if "COMDAT" in must("readelf", "-g", "libmade.a", cwd=folder):
        sys.exit(f"{what}: the archive has section groups")
    if is_native:
        # The program has inline functions with the same names but other results.
        (folder / "inline.h").write_text(INLINE.format(step=1000))
        (folder / "main.cpp").write_text(MAIN)
        must(compiler[0], "-std=c++20", "-O0", "main.cpp", "libmade.a", "-o", "program", cwd=folder)
        if run("./program", cwd=folder).returncode != 0:
            sys.exit(f"{what}: the archive and the program share their inline functions")
    print(what)


def check_other_machine(make_archive, folder, toolchain):
    """The tools are not for the machine that the objects are for: make_archive must fail."""
    compiler, link, prefix, _ = toolchain
    compile_parts(folder, compiler, prefix)
    done = run(make_archive, *tools(""), "libmade.a", "parts.a", compiler[0], *link, cwd=folder)
    if done.returncode == 0 or "another machine's tools" not in done.stderr or (folder / "libmade.a").exists():
        sys.exit(f"{compiler[0]}, with this machine's tools: {done.returncode}, {done.stderr}")
    print(f"{compiler[0]}, with this machine's tools: refused")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("make_archive", type=pathlib.Path)
    arguments = parser.parse_args()
    checked = list(toolchains())
    if not checked:
        sys.exit("no compiler is installed")
    for toolchain in checked:
        with tempfile.TemporaryDirectory() as folder:
            check(arguments.make_archive, pathlib.Path(folder), toolchain)
        if not toolchain[3]:
            with tempfile.TemporaryDirectory() as folder:
                check_other_machine(arguments.make_archive, pathlib.Path(folder), toolchain)


if __name__ == "__main__":
    main()
