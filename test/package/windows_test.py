#!/usr/bin/env python3
"""Tests the Windows build under wine. The DLL must export the functions that the headers mark, and nothing else. Two processes
of the README's `talk` must talk through a relay of this machine, with the static library and with the DLL. For `tools/dev
windows`."""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from symbols import declared

SOURCE = pathlib.Path(__file__).resolve().parents[2]
LIMIT_S = 120


def shown(library, tools):
    """The functions that the DLL exports, demangled."""
    words = [tools + "objdump", "-p", library]
    text = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    table = text.partition("[Ordinal/Name Pointer] Table")[2].partition("\n\n")[0]
    mangled = "\n".join(line.split()[-1] for line in table.splitlines() if "[" in line)
    plain = subprocess.run(["c++filt"], input=mangled, check=True, capture_output=True, text=True).stdout
    return plain.splitlines()


def check_exports(library, tools):
    marked = declared(SOURCE / "include" / "toxtcp")
    names = shown(library, tools)
    strangers = [name for name in names if not name.startswith("toxtcp::")]
    if strangers:
        sys.exit(f"{library} exports symbols that are not toxtcp's: {strangers}")
    differ = marked ^ {re.match(r"toxtcp::(\w+)", name)[1] for name in names}
    if differ:
        sys.exit(f"the functions that {library} exports differ from those that the headers mark: {sorted(differ)}")
    print(f"{library.name} exports the {len(marked)} functions that the headers mark, and nothing else")


def build_talk(library, sodium, tools, folder):
    program = folder / "talk.exe"
    words = [
        tools + "g++-posix", "-std=c++20", *(["-static"] if library.suffixes == [".a"] else []),
        "-I", SOURCE / "include", SOURCE / "examples" / "talk" / "main.cpp",
        library, "-L", sodium / "lib", "-lsodium", "-lws2_32", "-o", program,
    ]
    subprocess.run(words, check=True)
    return program


def start(program, words, said):
    """Starts the program. Its output goes to a file, since wine leaves processes behind that would keep a pipe open."""
    with open(said, "w", encoding="utf-8") as file:
        return subprocess.Popen(["wine", program, *words], stdout=file)


def words_of(said):
    return said.read_text(encoding="utf-8").split()


def talk(program, relay, folder):
    first_said, second_said = folder / "first", folder / "second"
    first = start(program, relay, first_said)
    try:
        end = time.monotonic() + LIMIT_S
        while len(words_of(first_said)) < 3:  # I am KEY
            if time.monotonic() > end:
                sys.exit("the program under wine has printed no key")
            time.sleep(0.1)
        second = start(program, [*relay, words_of(first_said)[2]], second_said)
        try:
            if second.wait(LIMIT_S) != 0 or "welcome" not in words_of(second_said):
                sys.exit(f"the second program got no answer: {words_of(second_said)}")
        finally:
            second.kill()
        if "hello" not in words_of(first_said):
            sys.exit(f"the first program heard nothing: {words_of(first_said)}")
    finally:
        first.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--static", required=True, type=pathlib.Path, help="libtoxtcp.a")
    parser.add_argument("--dll", required=True, type=pathlib.Path, help="libtoxtcp-0.dll, beside its import library")
    parser.add_argument("--sodium", required=True, type=pathlib.Path, help="where libsodium for Windows is installed")
    parser.add_argument("--relay", required=True, help="the program toxtcp of this machine")
    parser.add_argument("--tools", default="x86_64-w64-mingw32-", help="what the names of the compiler and its tools begin with")
    arguments = parser.parse_args()
    check_exports(arguments.dll, arguments.tools)
    relay = subprocess.Popen(
        [arguments.relay, "relay", "--address", "127.0.0.1", "--json"], stdout=subprocess.PIPE, text=True
    )
    try:
        ready = json.loads(relay.stdout.readline())
        address = [f"127.0.0.1:{ready['port']}", ready["public_key"]]
        import_library = arguments.dll.with_name("libtoxtcp.dll.a")
        for library in (arguments.static, import_library):
            with tempfile.TemporaryDirectory(prefix="toxtcp-windows-") as folder:
                program = build_talk(library, arguments.sodium, arguments.tools, pathlib.Path(folder))
                if library == import_library:
                    os.symlink(arguments.dll.resolve(), pathlib.Path(folder) / arguments.dll.name)
                talk(program, address, pathlib.Path(folder))
            print(f"two programs with {library.name} have talked through a relay of this machine")
    finally:
        relay.kill()


main()
