#!/usr/bin/env python3
"""The default host in a network namespace of its own: an address that comes or goes is a network change, loopback is not.

Where no namespace can be made, the test is skipped and says so.
"""

import os
import re
import subprocess
import sys
import time

SKIPPED = 77
LIMIT_S = 60
PROGRAM = os.path.abspath(sys.argv[1])


def ip(*words):
    return subprocess.run(["ip", *words], check=True, stdout=subprocess.PIPE, text=True).stdout


def wait_for_state(device, wanted):
    """The kernel tells of a cable up to a second late, and not at all if it is plugged in again within that time."""
    deadline = time.monotonic() + LIMIT_S
    while re.search(r" state (\S+)", ip("-o", "link", "show", device))[1] != wanted:
        if time.monotonic() > deadline:
            sys.exit(f"{device} is not {wanted} after {LIMIT_S} s")
        time.sleep(0.01)


def inside():
    host = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def changed():
        host.stdin.write("\n")
        host.stdin.flush()
        return host.stdout.readline().strip()

    faults = []

    def expect(what, wanted):
        """What the kernel has to tell may come late. What it has not to tell is not waited for."""
        deadline = time.monotonic() + LIMIT_S
        got = changed()
        while got != wanted == "changed" and time.monotonic() < deadline:
            got = changed()
        if got != wanted:
            faults.append(f"{what}: {got}, not {wanted}")

    expect("at first", "same")
    ip("link", "set", "lo", "up")
    expect("loopback comes up", "same")
    ip("link", "add", "left", "type", "veth", "peer", "name", "right")
    ip("link", "set", "left", "up")
    ip("link", "set", "right", "up")
    wait_for_state("left", "UP")
    changed()  # the changes that the new links cause
    ip("address", "add", "192.0.2.1/24", "dev", "left")
    expect("an address comes", "changed")
    expect("nothing more", "same")
    ip("address", "change", "192.0.2.1/24", "dev", "left", "valid_lft", "600", "preferred_lft", "600")
    expect("its lifetime is renewed", "same")
    ip("route", "add", "default", "via", "192.0.2.9")
    expect("a default route comes", "changed")
    ip("link", "set", "right", "down")
    wait_for_state("left", "LOWERLAYERDOWN")
    expect("the cable is pulled", "same")
    ip("link", "set", "right", "up")
    wait_for_state("left", "UP")
    expect("it is plugged in again, and the address stayed", "changed")
    ip("link", "set", "left", "alias", "uplink")
    expect("the kernel tells of a device without news", "same")
    ip("address", "del", "192.0.2.1/24", "dev", "left")
    expect("the address goes", "changed")
    host.stdin.close()
    host.wait()
    for fault in faults:
        print(fault)
    return 1 if faults else 0


def main():
    if len(sys.argv) > 2:
        return inside()
    try:
        made = subprocess.run(["unshare", "--net", "true"], capture_output=True)
        tool = subprocess.run(["ip", "-V"], capture_output=True)
    except FileNotFoundError:
        made = tool = None
    if made is None or made.returncode != 0 or tool.returncode != 0:
        print("skipped: no network namespace can be made here, or there is no ip")
        return SKIPPED
    return subprocess.run(["unshare", "--net", sys.executable, __file__, PROGRAM, "inside"]).returncode


sys.exit(main())
