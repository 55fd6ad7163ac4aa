"""What the tests of the program share: starting programs, waiting for their output, and ending them with the test."""

import concurrent.futures
import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from real_programs import (SKIPPED, START_TRIES, bootstrapd_command, bootstrapd_key,  # noqa: E402
                           die_with_the_test, free_port)

LIMIT_S = 60


class Fault(Exception):
    pass


def check(holds, what):
    if not holds:
        raise Fault(what)


def until(done, what, limit=LIMIT_S):
    """Calls `done` until its result is true, and returns the result. Fails after `limit` s."""
    end = time.monotonic() + limit
    while not (answer := done()):
        check(time.monotonic() < end, f"this did not happen within {limit} s: {what}")
        time.sleep(0.05)
    return answer


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


class Workshop(contextlib.ExitStack):
    """A folder, and the programs that were started. Both are gone at the end of the test."""

    def __init__(self):
        super().__init__()
        # A program that is being ended may still write to the folder.
        folder = tempfile.TemporaryDirectory(prefix="toxtcp-tools-", ignore_cleanup_errors=True)
        self.folder = self.enter_context(folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self, *command, **options):
        process = subprocess.Popen(
            command, text=True, preexec_fn=die_with_the_test, **{"stdout": subprocess.PIPE, **options}
        )

        def end():
            process.kill()
            process.communicate()

        self.callback(end)
        return process

    def start_at_free_port(self, command, **options):
        """Starts the program that `command` gives for a port, and waits until it answers there. If another program takes the
        port first, the program ends, and is started at another port. Returns the process and the port."""
        for _ in range(START_TRIES):
            port = free_port()
            words = command(port)
            process = self.start(*words, **options)
            until(lambda: process.poll() is not None or answers(port), f"{words[0]} answers")
            if process.poll() is None:
                return process, port
        raise Fault(f"{words[0]} ended before it answered, {START_TRIES} times")

    def start_relay(self, *command, **options):
        """Starts a relay of this project, which prints its address as JSON. Returns the process and HOST:PORT:KEY."""
        process = self.start(*command, **options)
        line = process.stdout.readline()
        check(line, f"{command[0]} did not start")
        ready = json.loads(line)
        return process, f"127.0.0.1:{ready['port']}:{ready['public_key']}"

    def start_stand_in(self, program, *commands):
        """Starts a stand-in relay (test/support/stand_in.cpp). It takes more commands as lines on its standard input."""
        return self.start_relay(program, *commands, stdin=subprocess.PIPE)

    def start_bootstrapd(self, program):
        """Starts Debian's relay. Returns the process and HOST:PORT:KEY."""
        def command(port):
            os.mkdir(self.path(f"bootstrapd-{port}"))
            return bootstrapd_command(program, pathlib.Path(self.path(f"bootstrapd-{port}")), port, free_port())

        process, port = self.start_at_free_port(command, stdout=subprocess.DEVNULL)
        return process, f"127.0.0.1:{port}:{bootstrapd_key(pathlib.Path(self.path(f'bootstrapd-{port}')))}"


def run(*command, limit=LIMIT_S, **options):
    return subprocess.run(
        command, capture_output=True, text=True, timeout=limit, preexec_fn=die_with_the_test, check=False, **options
    )


def own_namespaces(*kinds):
    """The beginning of a command that runs in namespaces of its own: `--net`, `--mount`. Empty where none can be made."""
    command = ["unshare", "--user", "--map-root-user", *kinds]
    with contextlib.suppress(FileNotFoundError):
        if run(*command, *(("ip", "link", "set", "lo", "up") if "--net" in kinds else ("true",))).returncode == 0:
            return command
    return []


def own_hosts(workshop, *lines):
    """The beginning of a command for which the system's list of hosts has these lines. Empty where none can be made."""
    command = own_namespaces("--mount")
    hosts = workshop.path("hosts")
    with open(hosts, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return command and [*command, "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', hosts]


def at_once(*checks):
    """Runs checks that mostly wait, each in a thread. Fails with the first fault when all have ended."""
    with concurrent.futures.ThreadPoolExecutor(len(checks)) as pool:
        for running in [pool.submit(check) for check in checks]:
            running.result()


def in_workshop(check_some, *arguments):
    """Runs a check with a workshop of its own, its last argument."""
    with Workshop() as workshop:
        check_some(*arguments, workshop)


def main(test):
    """Runs the test. A `Fault` is printed, and the exit status is then 1."""
    try:
        test()
    except Fault as fault:
        print(fault, file=sys.stderr)
        sys.exit(1)
