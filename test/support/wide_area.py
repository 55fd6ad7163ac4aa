"""Starts a wide-area network (wide_area_link.cpp), and puts processes and sockets into its two namespaces."""

import ctypes
import json
import os
import socket
import subprocess

from real_programs import SKIPPED, die_with_the_test

NEAR, FAR = "near", "far"


class Skipped(Exception):
    """The system does not permit namespaces or TUN devices; the text says which."""


def near_address(link):
    return f"198.18.{link}.1"


def far_address(link):
    return f"198.18.{link}.2"


def line(delay_ms, rate_mbit=0, queue=0, loss=0, seed=0):
    """The text of a line of a link, as wide-area-link takes it."""
    return f"delay_ms={delay_ms},rate_mbit={rate_mbit},queue={queue},loss={loss},seed={seed}"


class Wide_Area:
    def __init__(self, program, *lines):
        """`lines`: two for each link, there and back. Raises Skipped where the system does not permit a network."""
        self.process = subprocess.Popen(
            [program, *lines],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=die_with_the_test,
        )
        said = self.process.stdout.readline().strip()
        if not said.startswith("{"):
            status = self.process.wait()
            raise Skipped(said) if status == SKIPPED else RuntimeError(f"wide-area-link ended with {status}: {said}")
        self.files = json.loads(said)

    def end(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def counts(self):
        """For each link, for its lines there and back: how many packets `arrived`, were `dropped` and were `lost`."""
        self.process.stdin.write("counts\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def enter(self, where):
        enter(self.files, where)

    def socket(self, where, kind, address):
        """A socket in one of the namespaces, bound to this address and any port."""
        ours, theirs = socket.socketpair()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                self.enter(where)
                made = socket.socket(socket.AF_INET, kind)
                made.bind((address, 0))
                socket.send_fds(theirs, [b"1"], [made.fileno()])
                status = 0
            finally:
                os._exit(status)
        theirs.close()
        with ours:
            _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
        os.waitpid(child, 0)
        if not descriptors:
            raise RuntimeError(f"no socket in the {where} namespace")
        return socket.socket(fileno=descriptors[0])


def enter(files, where):
    """Moves the calling process, which must have one thread only, into one of the namespaces."""
    libc = ctypes.CDLL(None, use_errno=True)
    # A process cannot enter the user namespace that it is in.
    user = [] if os.path.samefile(files["user"], "/proc/self/ns/user") else ["user"]
    for name in [*user, where]:
        descriptor = os.open(files[name], os.O_RDONLY | os.O_CLOEXEC)
        if libc.setns(descriptor, 0) != 0:
            raise OSError(ctypes.get_errno(), f"setns {files[name]}")
        os.close(descriptor)
    # Entering a user namespace cancels the end with the parent, so that is set again.
    die_with_the_test()
