#!/usr/bin/env python3
"""The host in C that has us as its subproject: nothing of ours shows in its build but the archive, and it works. The one in
C++ is made by the test of the README, which looks at it in the same way.

The host is copied to an empty folder, and this checkout to where its wrap would fetch it.
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
import tempfile
import threading
import time

from checkout import copy_checkout, introspect, must_not_warn, run

LIMIT_S = 60
# What a dependency may add to the command that compiles a file which uses it.
OF_A_DEPENDENCY = ("-I", "-isystem", "-pthread", "-DTOXTCP_TOXCORE_GENERATION=")


def control_of(host):
    """The same host without us: what its build looks like is what ours may not change."""
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
    """How the host's own file is compiled, without the names of files."""
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
    """What is wrong with the build of a host that has us as its subproject: what shows of ours in it."""
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
        faults.append(f"our arguments leak into the host's: {added}")
    before, after = own_options(meson, control), own_options(meson, build)
    changed = sorted(name for name in before if before[name] != after.get(name))
    # The options of a language are there with the language.
    for name in sorted(set(after) - set(before)):
        if name.removeprefix("build.").split("_")[0] not in ("c", "cpp"):
            changed.append(name)
    if changed:
        faults.append(f"the host's options are changed: {changed}")
    tests = [test["name"] for test in introspect(meson, build, "tests")]
    if tests:
        faults.append(f"our tests are the host's: {tests}")
    # A program of ours would be a tool or a test.
    ours = [target for target in introspect(meson, build, "targets") if target["subproject"] == "toxtcp"]
    programs = [target["name"] for target in ours if target["type"] == "executable"]
    if not ours or programs:
        faults.append(f"of ours, the host has the programs {programs}, in {len(ours)} targets")
    return faults


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(process, beginning):
    """The rest of the next line that begins like this; the test ends when there is none in time."""
    timer = threading.Timer(LIMIT_S, process.kill)
    timer.start()
    try:
        for line in process.stdout:
            if line.startswith(beginning):
                return line[len(beginning) :].rstrip("\n")
    finally:
        timer.cancel()
    return sys.exit(f"`{beginning}` was awaited of {' '.join(process.args)}, which has ended or had to be ended")


@contextlib.contextmanager
def running(*words, **options):
    words = ["stdbuf", "-oL", *map(str, words)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def talk(build, relay_program, folder):
    """Two of the C++ host talk through a relay of ours that is not there yet when they try it first."""
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
    """The C host is toxcore with us in it, and comes online through a relay as Tox has them."""
    symbols = run("nm", "-C", build / "client")
    if " toxtcp::" not in symbols:
        sys.exit("the client is toxcore's alone")
    port = free_port()
    keys = folder / "keys"
    (folder / "config").write_text(
        f'port = {port}\nkeys_file_path = "{keys}"\npid_file_path = "{folder / "pid"}"\n'
        "enable_ipv6 = false\nenable_ipv4_fallback = false\nenable_lan_discovery = false\nenable_motd = false\n"
        f"enable_tcp_relay = true\ntcp_relay_ports = [{port}]\nbootstrap_nodes = ()\n"
    )
    words = [bootstrapd, "--config", folder / "config", "--foreground", "--log-backend", "stdout"]
    with subprocess.Popen(list(map(str, words)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as relay:
        try:
            deadline = time.monotonic() + LIMIT_S
            while True:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                if time.monotonic() > deadline:
                    sys.exit("tox-bootstrapd does not start")
                time.sleep(0.01)
            key = keys.read_bytes()[:32].hex()  # the public one comes first
            output = run(build / "client", "127.0.0.1", port, key, timeout=LIMIT_S)
        finally:
            relay.kill()
    print(output, end="")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--meson", required=True)
    parser.add_argument("--source", required=True, type=pathlib.Path)
    parser.add_argument("--bootstrapd", required=True, help="the host is a Tox client, and comes online through this")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        host = pathlib.Path(folder) / "host"
        shutil.copytree(arguments.source / "examples" / "client", host)
        copy_checkout(arguments.source, host / "subprojects" / "toxtcp")
        # Not optimised: what shows does not depend on it, the time does.
        environment = {**os.environ, "CFLAGS": "-O0 -g0", "CXXFLAGS": "-O0 -g0"}
        fallback = "--force-fallback-for=toxtcp,toxtcp-toxcore-0.2.18"
        must_not_warn(run(arguments.meson, "setup", "build", fallback, cwd=host, env=environment), "meson setup")
        must_not_warn(run("ninja", "-C", host / "build"), "the build")
        faults = check_build(arguments.meson, host, environment)
        connect(host / "build", arguments.bootstrapd, pathlib.Path(folder))
    for fault in faults:
        print(fault)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
