#!/usr/bin/env python3
"""Installs the library into an empty folder, and builds programs with the flags that pkg-config gives for it.

There is a program for each generation: a C11 file that needs the installed headers. Where libtoxcore.a is of generation
0.2.18, a whole Tox client is linked as well.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

PEDANTIC = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]

SOURCE = """#include <toxcore/TCP_connection.h>
#if TOXTCP_TOXCORE_GENERATION != {generation}
#error "the flags are another generation's"
#endif
int main(void) {{
    TCP_Client_Status status = TCP_CLIENT_CONFIRMED;
    return sizeof(Node_format) == 64 && status == 6 ? 0 : 1;
}}
"""


def run(*words, **options):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))}\n{done.stdout}{done.stderr}")
    return done.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--meson", required=True)
    parser.add_argument("--build", required=True)
    parser.add_argument("--prefix", required=True)
    parser.add_argument("--libdir", required=True)
    parser.add_argument("--toxcore-program", help="source of a program of toxcore 0.2.18")
    parser.add_argument("compiler", nargs="+", help="with the flags that the archives need besides")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        run(arguments.meson, "install", "-C", arguments.build, "--no-rebuild", "--destdir", root / "root")
        prefix = root / "root" / arguments.prefix.lstrip("/")
        path = prefix / arguments.libdir / "pkgconfig"
        environment = {**os.environ, "PKG_CONFIG_PATH": f"{path}:{os.environ.get('PKG_CONFIG_PATH', '')}"}

        def flags(kind, package):
            words = ["pkg-config", kind, f"--define-variable=prefix={prefix}", package]
            return run(*words, env=environment).split()

        for version, generation in (("0.2.18", 218), ("0.2.20", 220), ("0.2.23", 223)):
            source = root / f"{generation}.c"
            source.write_text(SOURCE.format(generation=generation))
            program = root / str(generation)
            run(*arguments.compiler, *PEDANTIC, *flags("--cflags", f"toxtcp-toxcore-{version}"), source, "-o", program)
            run(program)

        if arguments.toxcore_program:
            program = root / "tox"
            run(
                *arguments.compiler, *PEDANTIC, arguments.toxcore_program, *flags("--libs", "toxtcp-toxcore-0.2.18"),
                "-l:libtoxcore.a", "-lsodium", "-lpthread", "-lm", "-o", program,
            )
            if not run(program, input="quit\n").startswith("key "):
                sys.exit("the client does not start")
            print("a Tox client was relinked, and starts")


if __name__ == "__main__":
    main()
