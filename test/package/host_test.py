#!/usr/bin/env python3
"""Builds a host in C (examples/client) that has toxtcp as a subproject, and runs it. Apart from the archive, toxtcp must not
show in the host's build. readme_test.py builds a host in C++ and checks it in the same way.

The host is copied to an empty folder, and this checkout to the place where the wrap would fetch it.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import shlex
import shutil
import socket
import subprocess
import sys
import threading
import time

from checkout import copy_checkout, introspect, must_not_warn, run, work_folder

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from real_programs import bootstrapd_command, bootstrapd_key, free_port  # noqa: E402

LIMIT_S = 60
# Arguments that a dependency may add to the compiler's command line.
OF_A_DEPENDENCY = ("-I", "-isystem", "-pthread", "-DTOXTCP_TOXCORE_GENERATION=")


def control_of(host):
    """The same host without toxtcp. Its build shows what toxtcp must not change."""
    control = host.parent / "control"
    control.mkdir()
    for name in ("main.cpp", "main.c"):
        if (host / name).exists():
            shutil.copy(host / name, control)
            source = name
    project = re.search(r"^project\(.*\)$", (host / "meson.build").read_text(), re.MULTILINE)[0]
    (control / "meson.build").write_text(f"{project}\nexecutable('control', '{source}')\n")
    return control


def flags_of_main(build):
    """The compiler's arguments for the host's own file, without file names."""
    for command in json.loads((build / "compile_commands.json").read_text()):
        if pathlib.Path(command["file"]).parts[:2] in (("..", "main.cpp"), ("..", "main.c")):
            words = shlex.split(command["command"])
            return [word for word in words if not word.endswith((".o", ".o.d", ".c", ".cpp"))]
    return sys.exit("the host's own file is not compiled")


def own_options(meson, build):
    return {
        option["name"]: option["value"]
        for option in introspect(meson, build, "buildoptions")
        if not option["name"].startswith("toxtcp:") and option["name"] != "force_fallback_for"
    }


def check_build(meson, host, environment):
    """The faults in the build of a host that has toxtcp as a subproject: whatever of toxtcp shows in it."""
    faults = []
    build = host / "build"
    run(meson, "setup", "build", cwd=control_of(host), env=environment)
    control = host.parent / "control" / "build"

    added = [
        flag
        for flag in flags_of_main(build)
        if flag not in flags_of_main(control) and not flag.startswith(OF_A_DEPENDENCY)
    ]
    if added:
        faults.append(f"arguments of toxtcp are used for the host's file: {added}")
    before, after = own_options(meson, control), own_options(meson, build)
    changed = sorted(name for name in before if before[name] != after.get(name))
    # Each language that a subproject adds has options of its own.
    for name in sorted(set(after) - set(before)):
        if name.removeprefix("build.").split("_")[0] not in ("c", "cpp"):
            changed.append(name)
    if changed:
        faults.append(f"toxtcp changes options of the host: {changed}")
    tests = [test["name"] for test in introspect(meson, build, "tests")]
    if tests:
        faults.append(f"tests of toxtcp are tests of the host: {tests}")
    # A program of toxtcp would be a tool or a test, which the host must not build.
    ours = [target for target in introspect(meson, build, "targets") if target["subproject"] == "toxtcp"]
    programs = [target["name"] for target in ours if target["type"] == "executable"]
    if not ours or programs:
        faults.append(f"the host builds {len(ours)} targets of toxtcp, with the programs {programs}")
    return faults


def wait_for(process, beginning):
    """The rest of the next line that begins with `beginning`. Ends the test if there is none within LIMIT_S."""
    timer = threading.Timer(LIMIT_S, process.kill)
    timer.start()
    try:
        for line in process.stdout:
            if line.startswith(beginning):
                return line[len(beginning) :].rstrip("\n")
    finally:
        timer.cancel()
    return sys.exit(f"{' '.join(process.args)} ended, or was ended after {LIMIT_S} s, without a line `{beginning}...`")


@contextlib.contextmanager
def running(*words, **options):
    words = ["stdbuf", "-oL", *map(str, words)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def talk(build, relay_program, folder):
    """Two processes of the C++ host talk through a relay that starts only after their first attempt to connect."""
    port = free_port()
    relay_key = run(relay_program, "keygen", folder / "relay-key").strip()
    words = [build / "talk", f"127.0.0.1:{port}", relay_key]
    with running(*words) as listener:
        key = wait_for(listener, "I am ")
        with running(*words, key) as caller:
            time.sleep(2)
            if listener.poll() is not None or caller.poll() is not None:
                sys.exit("a host ended, since its relay was down at the first attempt")
            relay_words = ["relay", "--address", "127.0.0.1", "--port", port, "--key-file", folder / "relay-key"]
            with running(relay_program, *relay_words):
                wait_for(caller, "heard: welcome")
                if caller.wait(LIMIT_S) != 0:
                    sys.exit(f"the caller ended with {caller.returncode}")
                wait_for(listener, "heard: hello")
    print("two hosts have talked through a relay that came late")


def connect(build, bootstrapd, folder):
    """The C host is toxcore with toxtcp in it. It must come online through tox-bootstrapd."""
    symbols = run("nm", "-C", build / "client")
    if " toxtcp::" not in symbols:
        sys.exit("the client has no code of toxtcp in it")
    port = free_port()
    words = bootstrapd_command(bootstrapd, folder, port, port)  # the client takes one port for both UDP and TCP
    with subprocess.Popen(list(map(str, words)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as relay:
        try:
            deadline = time.monotonic() + LIMIT_S
            while True:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                if time.monotonic() > deadline:
                    sys.exit("tox-bootstrapd does not start")
                time.sleep(0.01)
            output = run(build / "client", "127.0.0.1", port, bootstrapd_key(folder), timeout=LIMIT_S)
        finally:
            relay.kill()
    print(output, end="")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--meson", required=True)
    parser.add_argument("--source", required=True, type=pathlib.Path)
    parser.add_argument("--bootstrapd", required=True, help="the host is a Tox client, and comes online through this")
    arguments = parser.parse_args()

    with work_folder() as folder:
        host = folder / "host"
        shutil.copytree(arguments.source / "examples" / "client", host)
        copy_checkout(arguments.source, host / "subprojects" / "toxtcp")
        # Not optimised, to save time: the checks do not depend on it.
        environment = {**os.environ, "CFLAGS": "-O0 -g0", "CXXFLAGS": "-O0 -g0"}
        fallback = "--force-fallback-for=toxtcp,toxtcp-toxcore-0.2.18"
        must_not_warn(run(arguments.meson, "setup", "build", fallback, cwd=host, env=environment), "meson setup")
        must_not_warn(run("ninja", "-C", host / "build"), "the build")
        faults = check_build(arguments.meson, host, environment)
        connect(host / "build", arguments.bootstrapd, folder)
    for fault in faults:
        print(fault)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
