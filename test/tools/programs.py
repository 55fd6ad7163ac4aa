"""What the tests of the program share: starting programs, waiting for their output, and ending them with the test."""

import contextlib
import ctypes
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time

SKIPPED = 77  # Meson's status of a test that could not run
LIMIT_S = 60
PR_SET_PDEATHSIG = 1
# Below the ports that the system gives to outgoing connections.
PORTS = range(20_000, 32_000)
START_TRIES = 5


class Fault(Exception):
    pass


def check(holds, what):
    if not holds:
        raise Fault(what)


def die_with_the_test():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def until(done, what, limit=LIMIT_S):
    """Calls `done` until its result is true, and returns the result. Fails after `limit` s."""
    end = time.monotonic() + limit
    while not (answer := done()):
        check(time.monotonic() < end, f"this did not happen within {limit} s: {what}")
        time.sleep(0.05)
    return answer


names_of_ports = []


def free_port():
    """A port that nothing uses. No other test gets it before this one ends, since a test keeps a socket named after each."""
    while True:
        port = random.choice(PORTS)
        name = socket.socket(socket.AF_UNIX)
        with contextlib.ExitStack() as stack:
            try:
                name.bind(f"\0toxtcp-test-{port}")
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    stack.enter_context(socket.socket(socket.AF_INET, kind)).bind(("127.0.0.1", port))
                names_of_ports.append(name)
                return port
            except OSError:
                name.close()


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
            config = self.path(f"bootstrapd-{port}.conf")
            # The first port is for UDP, and has to differ from the TCP port.
            settings = {
                "port": free_port(),
                "keys_file_path": f'"{self.path(f"keys-{port}")}"',
                "pid_file_path": f'"{self.path(f"pid-{port}")}"',
                "enable_ipv6": "false",
                "enable_lan_discovery": "false",
                "enable_tcp_relay": "true",
                "tcp_relay_ports": f"[{port}]",
                "enable_motd": "false",
            }
            with open(config, "w", encoding="utf-8") as file:
                file.writelines(f"{name} = {value}\n" for name, value in settings.items())
            return [program, "--foreground", "--log-backend", "stdout", "--config", config]

        process, port = self.start_at_free_port(command, stdout=subprocess.DEVNULL)
        with open(self.path(f"keys-{port}"), "rb") as file:
            key = file.read(32).hex().upper()  # the public key comes first
        return process, f"127.0.0.1:{port}:{key}"


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


def main(test):
    """Runs the test. A `Fault` is printed, and the exit status is then 1."""
    try:
        test()
    except Fault as fault:
        print(fault, file=sys.stderr)
        sys.exit(1)
