#!/usr/bin/env python3
"""`toxtcp demo` and `toxtcp top` in a terminal of 80 columns and 24 rows (tmux): nothing wraps, the screen is not cleared
again and again, and Ctrl-C gives the terminal back as it was."""

import argparse
import json
import shutil
import subprocess
import sys

from programs import SKIPPED, Workshop, check, main, run, until

COLUMNS = 80
ROWS = 24
CLEARS = ("\033[2J", "\033[3J", "\033c")


class Terminal:
    def __init__(self, workshop, name):
        self.socket = workshop.path(f"{name}.tmux")
        self.log = workshop.path(f"{name}.log")
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(COLUMNS), "-y", str(ROWS), "env", "PS1=ready> ", "sh")
        workshop.callback(self.tmux, "kill-server", allowed=True)
        until(lambda: "ready>" in self.screen(), "the shell is there")
        self.settings = self.ask_settings("before")
        self.tmux("pipe-pane", f"cat >'{self.log}'")

    def tmux(self, *words, allowed=False):
        done = run("tmux", "-S", self.socket, *words)
        check(allowed or done.returncode == 0, f"tmux {words}: {done.stderr}")
        return done.stdout

    def type(self, text):
        self.tmux("send-keys", "-l", text)
        self.tmux("send-keys", "Enter")

    def screen(self, *options):
        return self.tmux("capture-pane", "-p", *options)

    def ask_settings(self, mark):
        self.type(f"clear; stty -g; echo {mark}-''told")
        text = until(lambda: f"{mark}-told" in self.screen() and self.screen(), "stty answers")
        return text.splitlines()[0]

    def check_screen(self, what):
        lines = self.screen().splitlines()
        check(len(lines) == len(self.screen("-J").splitlines()), f"{what}: a line wraps:\n{self.screen()}")
        check(all(len(line) <= COLUMNS for line in lines), f"{what}: a line is too long")

    def flag(self, name):
        return self.tmux("display-message", "-p", f"#{{{name}}}").strip()

    def is_at_prompt(self):
        return self.flag("alternate_on") == "0" and "ready>" in self.screen().rstrip().rpartition("\n")[2]

    def check_given_back(self, what):
        self.tmux("send-keys", "C-c")
        until(self.is_at_prompt, f"{what} ends by Ctrl-C")
        check(self.flag("cursor_flag") == "1", f"{what}: the cursor stays hidden")
        check(self.flag("wrap_flag") == "1", f"{what}: lines do not wrap any more")
        check(self.ask_settings("after") == self.settings, f"{what}: the terminal's settings are others")

    def check_log(self, what, most_clears):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            text = file.read()
        clears = sum(text.count(clear) for clear in CLEARS)
        check(clears <= most_clears, f"{what}: the screen was cleared {clears} times")


# Every use of a route that this library reports, and one that a later library might report.
USES = ["in use", "ready", "unverified", "failed", "avoided", "stale", "refused", "pruned", "withdrawn", "of tomorrow", "offline"]
RELAYS = [
    {"address": "[2001:db8:1111:2222:3333:4444:5555:6666]:33445", "state": "connecting", "connected_ms": None},
    {"address": "255.255.255.255:65535", "state": "connected", "connected_ms": 10**10},
    {"address": "192.0.2.1:443", "state": "waiting", "last_end": "the proxy's answer is malformed", "connected_ms": None},
    {"address": "192.0.2.2:443", "state": "sleeping", "connected_ms": None},
]


def widest_snapshot(snapshot):
    """As a host with large figures would write it: relays in several states, and over each of them a route of every use."""
    relay, peer = snapshot["relays"][0], snapshot["connections"][0]
    large = {"online": 99999, "carries": 9999, "times_stale": 999_000, "failures": 999, "round_trip_ms": 99_999}
    snapshot["relays"] = [{**relay, **large, **one, "handle": handle} for handle, one in enumerate(RELAYS)]
    route = {"state": "online", "echo_round_trip_ms": 65_535, "proved_ms": 10**9}
    routes = [{**route, "relay": relay, "use": use} for relay in range(len(RELAYS) + 1) for use in USES]
    peer.update(
        routes=routes, sending=1, heard_ms=10**9, echoes_sent=65_535, echoes_answered=65_535, moves=99_999, failures=65_535
    )
    return snapshot


def check_top_width(arguments, workshop, snapshot):
    with open(snapshot, encoding="utf-8") as file:
        wide = widest_snapshot(json.load(file))
    path = workshop.path("wide.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(wide, file)
    shown = run(arguments.program, "top", "--once", path)
    check(shown.returncode == 0, f"a snapshot with large figures: {shown.stderr}")
    long_lines = [line for line in shown.stdout.splitlines() if len(line) > COLUMNS]
    check(not long_lines, f"top: longer than {COLUMNS} columns: {long_lines}")
    # Each use, each state of a relay that keeps a route from being used, and why a relay ended.
    for words in ("in use", "ready:", "unverified:", "failed:", "avoided:", "relay silent:", "refused:", "spare:", "left:",
                  "of tomorrow", "relay down: the proxy's answer", "connecting:", "asleep:"):
        check(words in shown.stdout, f"top does not say {words!r}:\n{shown.stdout}")


def check_top_many(arguments, workshop, snapshot):
    """More relays and peers than there are rows: both tables are there, and say how much they leave out."""
    with open(snapshot, encoding="utf-8") as file:
        many = json.load(file)
    relay, peer = many["relays"][0], many["connections"][0]
    many["relays"] = [{**relay, "handle": handle} for handle in range(100)]
    many["connections"] = [{**peer, "handle": handle, "public_key": f"{handle:064X}"} for handle in range(100)]
    path = workshop.path("many.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(many, file)
    terminal = Terminal(workshop, "many")
    terminal.type(f"clear; {arguments.program} top {path}")
    text = until(lambda: "more peers" in terminal.screen() and terminal.screen(), "top shows a part of many peers")
    check("PROVED AGO" in text and "more relays" in text and "ready" in text, f"a part of either:\n{text}")
    terminal.check_screen("top of many")
    with_routes = text.count("/3 ")
    terminal.tmux("send-keys", "r")
    until(lambda: terminal.screen().count("/3 ") > with_routes, "without routes there is room for more peers")
    terminal.check_given_back("top of many")


def check_demo(arguments):
    with Workshop() as workshop:
        terminal = Terminal(workshop, "demo")
        terminal.type(f"clear; {arguments.program} demo --seconds 60")
        until(lambda: "in use" in terminal.screen(), "the demo shows its relays and routes")
        until(lambda: "ready" in terminal.screen(), "the demo shows routes that were proved and are not used")
        check("echo proved" in terminal.screen() and "echoes answered" in terminal.screen(), "the demo shows echoes")
        for _ in range(10):
            terminal.check_screen("demo")
        terminal.check_log("demo", 1)
        terminal.check_given_back("demo")


def check_top(arguments):
    with Workshop() as workshop:
        snapshot = workshop.path("snapshot.json")
        host = workshop.start(
            arguments.program, "demo", "--seconds", "60", "--json", "--snapshot", snapshot, stdout=subprocess.DEVNULL
        )
        until(lambda: run(arguments.program, "top", "--once", snapshot).returncode == 0, "a snapshot is there")
        terminal = Terminal(workshop, "top")
        terminal.type(f"clear; {arguments.program} top --interval 1 {snapshot}")
        until(lambda: "connected" in terminal.screen() and terminal.flag("alternate_on") == "1", "top shows relays")
        until(lambda: "ready: another route is in use" in terminal.screen(), "top shows why a route is not used")
        check("PROVED AGO" in terminal.screen() and "ECHOES SENT" in terminal.screen(), "top shows echoes and proofs")
        for _ in range(20):
            terminal.check_screen("top")
        terminal.tmux("send-keys", "r")
        until(lambda: "PROVED AGO" not in terminal.screen(), "r hides the routes")
        terminal.tmux("send-keys", "r")
        until(lambda: "PROVED AGO" in terminal.screen(), "r shows the routes again")
        terminal.check_log("top", 2)  # one by the shell, and one when top begins
        terminal.check_given_back("top")
        check(host.poll() is None, "the host has ended meanwhile")
        once = run(arguments.program, "top", "--once", snapshot)
        check(once.returncode == 0 and "\033" not in once.stdout and "connected" in once.stdout, "top, once, as plain lines")
        check_top_width(arguments, workshop, snapshot)
        check_top_many(arguments, workshop, snapshot)
        missing = run(arguments.program, "top", "--once", workshop.path("nothing"))
        check(missing.returncode == 1 and missing.stderr.strip(), "a file that is not there is an error")


def test():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    arguments = parser.parse_args()
    if shutil.which("tmux") is None:
        print("no tmux here")
        sys.exit(SKIPPED)
    check_demo(arguments)
    check_top(arguments)


main(test)
