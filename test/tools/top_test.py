#!/usr/bin/env python3
"""`toxtcp top` and its source: a host that sends its snapshot at once, in pieces, too slowly, or never. Whatever the source
does, one time limit holds for the whole snapshot, and q and signals end the command. Also: an output that takes nothing."""

import argparse
import contextlib
import os
import pty
import signal
import socket
import subprocess
import threading
import time

from programs import Workshop, check, main, run, until

# The program waits 5 s for a whole snapshot. The rest is for a slow machine.
LIMIT_S = 40
ENOUGH_FOR_A_SIGNAL_S = 4.5  # less than the program waits for its source


class Source:
    """A Unix socket that serves each client on a thread of its own."""

    def __init__(self, workshop, name, serve):
        self.path = workshop.path(name)
        self.serve = serve
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(self.path)
        self.listener.listen(8)
        self.accepted = 0
        workshop.callback(self.end)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                self.accepted += 1
                threading.Thread(target=self.run, args=(client,), daemon=True).start()

    def run(self, client):
        with contextlib.suppress(OSError), client:
            self.serve(client)

    def end(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def say_in_pieces(text):
    def serve(client):
        size = max(1, len(text) // 20)
        for start in range(0, len(text), size):
            client.sendall(text[start : start + size])
            time.sleep(0.01)

    return serve


def dribble(client):
    while True:
        client.sendall(b" ")
        time.sleep(0.02)


def flood(client):
    while True:
        client.sendall(b" " * 65_536)


def say_nothing(client):
    client.recv(1)


class Live:
    """`top` on a terminal of its own (a pty, of which the test reads the other end)."""

    def __init__(self, workshop, program, *arguments):
        self.end, terminal = pty.openpty()
        workshop.callback(os.close, self.end)
        self.process = workshop.start(
            program, "top", *arguments, stdin=terminal, stdout=terminal, stderr=subprocess.STDOUT,
            env={**os.environ, "TERM": "xterm"},
        )
        os.close(terminal)
        self.drawn = b""
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        with contextlib.suppress(OSError):
            while more := os.read(self.end, 65_536):
                self.drawn += more

    def press(self, key):
        os.write(self.end, key)

    def check_ends(self, what, end, status=0):
        began = time.monotonic()
        end()
        until(lambda: self.process.poll() is not None, f"top ends: {what}", LIMIT_S)
        check(self.process.returncode == status, f"{what}: status {self.process.returncode}")
        check(time.monotonic() - began < ENOUGH_FOR_A_SIGNAL_S, f"{what}: it took until the source was given up")


def make_snapshot(arguments, workshop):
    path = workshop.path("snapshot.json")
    host = workshop.start(
        arguments.program, "demo", "--seconds", "60", "--json", "--snapshot", path, stdout=subprocess.DEVNULL
    )
    until(lambda: run(arguments.program, "top", "--once", path).returncode == 0, "a snapshot is there")
    host.send_signal(signal.SIGINT)
    host.wait(LIMIT_S)
    with open(path, "rb") as file:
        return path, file.read()


def check_slow_sources(arguments, workshop, text):
    whole = Source(workshop, "whole", say_in_pieces(text))
    shown = run(arguments.program, "top", "--once", whole.path)
    check(shown.returncode == 0 and "connected" in shown.stdout, f"a snapshot in pieces: {shown.stderr}")
    fifo = workshop.path("fifo")
    os.mkfifo(fifo)
    writer = os.open(fifo, os.O_RDWR)  # open, but nothing is ever written
    workshop.callback(os.close, writer)
    paths = [Source(workshop, serve.__name__, serve).path for serve in (dribble, say_nothing, flood)] + [fifo, "/dev/zero"]
    onces = {
        path: workshop.start(arguments.program, "top", "--once", path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for path in paths
    }
    for path in paths:
        live = Live(workshop, arguments.program, path)
        until(lambda: b"waiting" in live.drawn, f"top is there, on {path}")
        live.check_ends(f"q, {path}", lambda: live.press(b"q"))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            live = Live(workshop, arguments.program, path)
            until(lambda: b"waiting" in live.drawn, f"top is there, on {path}")
            live.check_ends(f"{number.name}, {path}", lambda: live.process.send_signal(number))
    for path, once in onces.items():
        _, said = once.communicate(timeout=LIMIT_S)
        check(once.returncode == 1 and path in said, f"once, {path}: {once.returncode} {said}")


def check_source_that_turns_slow(arguments, workshop, text):
    """The last snapshot stays on the screen, with the reason why there is no newer one."""
    state = {"serve": say_in_pieces(text)}
    source = Source(workshop, "turning", lambda client: state["serve"](client))
    live = Live(workshop, arguments.program, "--interval", "0.2", source.path)
    until(lambda: b"connected" in live.drawn, "top shows the first snapshot")
    state["serve"] = dribble
    until(lambda: b"has not ended within" in live.drawn, "top says that the source does not end", LIMIT_S)
    state["serve"] = say_in_pieces(text)
    live.drawn = b""
    until(lambda: b"connected" in live.drawn and b"has not ended" not in live.drawn.rpartition(b"\033[H")[2], "it is well again")
    live.check_ends("q, after all that", lambda: live.press(b"q"))


def check_output_that_takes_nothing(arguments, snapshot):
    done = run("sh", "-c", f'"{arguments.program}" top --once "{snapshot}" >/dev/full')
    check(done.returncode == 1 and "No space left" in done.stderr, f"onto a full device: {done.returncode} {done.stderr}")
    closed = run("sh", "-c", f'"{arguments.program}" top --once "{snapshot}" >&-')
    check(closed.returncode == 1 and closed.stderr.strip(), f"with output closed: {closed.returncode} {closed.stderr}")


def check_old_file(arguments, workshop, snapshot):
    fresh = workshop.path("fresh.json")
    with open(snapshot, "rb") as old, open(fresh, "wb") as new:
        new.write(old.read())
    check("written nothing" not in run(arguments.program, "top", "--once", fresh).stdout, "a file that was just written")
    os.utime(fresh, (time.time() - 90, time.time() - 90))
    shown = run(arguments.program, "top", "--once", fresh)
    check("written nothing for 9" in shown.stdout, f"a file of 90 s ago looks like a live one: {shown.stdout}")


def test():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    arguments = parser.parse_args()
    with Workshop() as workshop:
        snapshot, text = make_snapshot(arguments, workshop)
        check_output_that_takes_nothing(arguments, snapshot)
        check_old_file(arguments, workshop, snapshot)
        check_slow_sources(arguments, workshop, text)
        check_source_that_turns_slow(arguments, workshop, text)


main(test)
