#!/usr/bin/env python3
"""Checks which symbols an archive defines and needs, and which archive members a program linked with it contains."""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

MEMBERS = ["TCP_client.c.o", "TCP_connection.c.o"]

# The functions of toxcore that an archive needs: in every generation, and in some.
HOST = """logger_write current_time_monotonic random_bytes sock_valid net_socket set_socket_nonblock
          set_socket_nosigpipe net_recv kill_sock net_connect net_send""".split()
HOST_OF = {
    "218": ["system_network"],
    "220": ["os_network"],
    "223": ["os_network", "netprof_record_packet"],
}

# The only libraries that an archive may need, and the sanitizers' own.
LIBRARIES = ("libsodium", "libstdc++", "libc++", "libc.", "libm.", "libgcc_s", "ld-linux", "libasan", "libubsan")

faults = []


def output(*words):
    return subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True).stdout


def compare(what, got, wanted):
    for name in sorted(set(got) - set(wanted)):
        faults.append(f"{what}: {name} is too much")
    for name in sorted(set(wanted) - set(got)):
        faults.append(f"{what}: {name} is missing")


def symbols(file, *options):
    """The names that nm lists. A symbol is a line of `nm -P` with its name, its type and more."""
    return {line.split()[0] for line in output("nm", "-P", *options, file).splitlines() if len(line.split()) > 1}


def declared(compiler, include, generation):
    """The functions that the headers declare for a generation."""
    source = "#include <toxcore/TCP_connection.h>\n"
    text = subprocess.run(
        [*compiler, "-E", "-x", "c", f"-I{include}", f"-DTOXTCP_TOXCORE_GENERATION={generation}", "-"],
        check=True, capture_output=True, text=True, input=source,
    ).stdout
    ours = False
    lines = []
    for line in text.splitlines():
        marker = re.match(r'# \d+ "([^"]*)"', line)
        if marker:
            ours = "/toxcore/TCP_" in marker[1]
        elif ours:
            lines.append(line)
    declarations = "\n".join(lines).split(";")
    return {
        found[1]
        for declaration in declarations
        if not declaration.strip().startswith("typedef") and (found := re.search(r"(\w+)\s*\(", declaration))
    }


def members_of(archive, names):
    """The symbols that these members of an archive define."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["ar", "x", pathlib.Path(archive).resolve(), *names], check=True, cwd=folder)
        return set().union(*(symbols(pathlib.Path(folder, name), "-g", "--defined-only") for name in names))


def linked_members(link_map):
    """For each archive, the members that the linker took code from, read from its map."""
    taken = {}
    for line in pathlib.Path(link_map).read_text().splitlines():
        found = re.match(r"\s*(?:\.text\S*)?\s+0x[0-9a-f]+\s+0x[0-9a-f]+\s+(\S+)\((\S+)\)$", line)
        if found:
            taken.setdefault(pathlib.Path(found[1]), set()).add(found[2])
    return taken


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--archive", required=True)
    parser.add_argument("--generation", required=True, choices=HOST_OF)
    parser.add_argument("--include", required=True)
    parser.add_argument("--program", required=True, help="linked with the archive: tells where libraries are")
    parser.add_argument("--map", help="the linker's, of a program of the archive and libtoxcore.a of its generation")
    parser.add_argument("compiler", nargs="+")
    arguments = parser.parse_args()

    defined = symbols(arguments.archive, "-g", "--defined-only")
    compare("defined, by the headers", defined, declared(arguments.compiler, arguments.include, arguments.generation))

    libraries = re.findall(r"(/\S+)", output("ldd", arguments.program))
    offered = set()
    for library in libraries:
        if pathlib.Path(library).name.startswith(LIBRARIES):
            names = symbols(library, "-D", "--defined-only")
            offered |= {name.partition("@")[0] for name in names}
    borrowed = symbols(arguments.archive, "-u") - offered - {"_GLOBAL_OFFSET_TABLE_"}
    compare("borrowed of the host", borrowed, HOST + HOST_OF[arguments.generation])

    if arguments.map:
        taken = linked_members(arguments.map)
        toxcore = [archive for archive in taken if archive.name == "libtoxcore.a"]
        if not toxcore:
            sys.exit("the program is not made of libtoxcore.a")
        compare("defined, by toxcore's two members", defined, members_of(toxcore[0], MEMBERS))
        for name in MEMBERS:
            if name in taken[toxcore[0]]:
                faults.append(f"the program has toxcore's {name}")
        for name in ("Messenger.c.o", "TCP_common.c.o", "TCP_server.c.o"):
            if name not in taken[toxcore[0]]:
                faults.append(f"the program has not toxcore's {name}")
        if not any(archive.name == pathlib.Path(arguments.archive).name for archive in taken):
            faults.append("the program has nothing of the archive")

    for fault in faults:
        print(fault)
    print(f"{arguments.archive}: {len(defined)} functions, {len(faults)} faults")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
