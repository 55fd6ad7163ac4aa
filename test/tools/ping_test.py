#!/usr/bin/env python3
"""`toxtcp ping` by echoes and by data: through relays of which one dies, through relays of which some addresses are dead, and
to a key that nobody has. Also what it needs: key files, and relays that are set up by a file of options."""

import argparse
import functools
import json
import os
import resource
import signal
import socket
import stat
import subprocess
import time

from programs import Workshop, at_once, check, free_port, in_workshop, main, own_hosts, run

COUNT = 15
STEADY_TRIES = 5
NOBODYS_KEY = "10" * 32


class Place:
    """Two relays, and a listener that is connected to both."""

    def __init__(self, arguments, workshop):
        self.program = arguments.program
        self.workshop = workshop
        self.relays = [workshop.start_relay(arguments.program, "relay", "--address", "127.0.0.1", "--json") for _ in range(2)]
        self.addresses = [address for _, address in self.relays]
        self.at_relays = [word for address in self.addresses for word in ("--relay", address)]
        self.listener = workshop.start(arguments.program, "ping", "--listen", "--json", *self.at_relays)
        self.key = json.loads(self.listener.stdout.readline())["public_key"]

    def ping(self, *options, key=None):
        return run(self.program, "ping", *self.at_relays, *options, key or self.key)

    def ping_until_relay_dies(self, *options):
        """Kills the relay that carried the first answer. Returns all lines, and HOST:PORT of that relay."""
        pinger = self.workshop.start(self.program, "ping", *self.at_relays, "--count", str(COUNT), "--interval", "0.2", *options, self.key)
        lines = []
        for line in pinger.stdout:
            lines.append(line)
            if "time=" in line:
                break
        used = [(process, where(address)) for process, address in self.relays if f"=1 via {where(address)}" in lines[-1]]
        check(used, f"which relay carried the packet? {lines[-1]}")
        used[0][0].kill()
        lines += pinger.communicate(timeout=60)[0].splitlines()
        check(pinger.returncode == 0, f"exit status {pinger.returncode}")
        return lines, used[0][1]


def where(address):
    """HOST:PORT of HOST:PORT:KEY."""
    return address.rpartition(":")[0]


def measured(*command):
    """The time that a command takes, and the processor time that it uses, s."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    run(*command)
    after, took = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - began
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def check_waiting(arguments):
    """A command that waits for a relay sleeps: it takes little processor time, however fast the machine is."""
    _, start = measured(arguments.program, "--version")
    for command in ("ping", "--count", "1", NOBODYS_KEY), ("probe", "--timeout", "3"):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            relay = f"127.0.0.1:{silent.getsockname()[1]}:{NOBODYS_KEY}"
            options = ["--relay", relay] if command[0] == "ping" else [relay]
            took, used = measured(arguments.program, *command, *options)
            busy = used - start
            check(took >= 2 and busy < took / 4, f"{command[0]} waited for {took:.1f} s, and was busy for {busy:.1f} s")


def check_echo(arguments, workshop):
    place = Place(arguments, workshop)
    plain = place.ping("--count", "2", "--interval", "0.2")
    check(plain.returncode == 0, f"exit status {plain.returncode}: {plain.stderr}")
    for number in (1, 2):
        for address in place.addresses:
            line = f"seq={number} via {where(address)} time="
            check(line in plain.stdout, f"no `{line}`: {plain.stdout}")

    report = json.loads(place.ping("--count", "5", "--interval", "0.2", "--json").stdout)
    check(report["answered"] == report["sent"] == 5 and report["answered_twice"] == 0, f"the summary: {report}")
    check(report["mode"] == "echo" and report["answered_by"] == "toxtcp", f"who answered? {report}")
    check(sorted(one["relay"] for one in report["relays"]) == sorted(map(where, place.addresses)), f"the relays: {report}")
    for one in report["relays"]:
        check(one["connected"] and one["why"] == "" and one["answered"] == one["sent"] == 5, f"a relay: {one}")
        check(0 < one["round_trip_ms"]["min"] <= one["round_trip_ms"]["max"], f"round trips: {one}")
        check(isinstance(one["last_answer_ms"], int), f"the last proof that the relay delivers: {one}")

    only = run(arguments.program, "ping", "--count", "1", "--relay", place.addresses[0], place.key)
    check(only.returncode == 0, f"a key right behind the relay: {only.stderr}")

    nowhere = f"127.0.0.1:{free_port()}:{NOBODYS_KEY}"
    with_dead = run(arguments.program, "ping", "--json", "--count", "2", "--interval", "0.2", "--relay", nowhere, *place.at_relays, place.key)
    check(with_dead.returncode == 0, f"a dead relay among others: {with_dead.stderr}")
    dead = json.loads(with_dead.stdout)["relays"][0]
    check(not dead["connected"] and dead["sent"] == 0 and dead["why"], f"a dead relay: {dead}")
    check(dead["last_answer_ms"] is None, f"a dead relay has proved something: {dead}")

    lines, dead = place.ping_until_relay_dies()
    answers = {line.partition(" seq=")[2].split()[0] for line in lines if "time=" in line}
    check(len(answers) == COUNT, f"{len(answers)} of {COUNT} answered, when one of two relays died: {lines}")
    check(any(line.startswith(f"{dead} is not connected any more: ") for line in lines), f"no word of the dead relay: {lines}")

    nobody = place.ping("--count", "1", key=NOBODYS_KEY)
    check(nobody.returncode == 1 and "DHT key" in nobody.stderr, f"where nobody is: {nobody.returncode}, {nobody.stderr}")
    place.listener.send_signal(signal.SIGINT)
    check(place.listener.wait(timeout=20) in (0, 130), f"the listener ends with {place.listener.returncode}")


def unsteady(place):
    """Says where a route did not stay good during two pings by data. One echo that the machine delays is enough for that."""
    report = json.loads(place.ping("--data", "--count", "30", "--interval", "0.1", "--json").stdout)
    check(report["echoes_sent"] >= report["echoes_answered"] > 0, f"echoes: {report}")
    check(len(report["routes"]) == len(place.addresses), f"a route over each relay: {report}")
    uses = [route["use"] for route in report["routes"]]
    check(uses.count("in use") <= 1, f"one route is in use: {report}")
    good = [route for route in report["routes"] if route["use"] in ("in use", "ready")]
    for route in good:
        check(route["echo_round_trip_ms"] > 0 and isinstance(route["proved_ms"], int), f"a route's echoes: {route}")
    plainly = place.ping("--data", "--count", "60", "--interval", "0.05").stdout
    if len(good) < len(uses) or "in use" not in uses:
        return f"a route over a relay that is well: {report}"
    return f"traffic leaves a relay that delivers: {plainly}" if "no longer over" in plainly else ""


def check_data(arguments, workshop):
    place = Place(arguments, workshop)
    plain = place.ping("--data", "--count", "2", "--interval", "0.2", "--size", "300")
    check(plain.returncode == 0, f"exit status {plain.returncode}: {plain.stderr}")
    for _ in range(STEADY_TRIES):
        if not (fault := unsteady(place)):
            break
    check(not fault, f"in each of {STEADY_TRIES} tries: {fault}")

    check("300 bytes from " in plain.stdout and any(where(address) in plain.stdout for address in place.addresses),
          f"no size, or no relay: {plain.stdout}")

    lines, gone = place.ping_until_relay_dies("--data")
    check(any(line.startswith(f"route over {gone}: ") and "in use;" not in line for line in lines), f"why the dead relay is not used: {lines}")
    answers = sum("time=" in line for line in lines)
    check(answers >= COUNT - 3, f"{answers} answers to {COUNT} packets, when a relay died: {lines}")

    report = json.loads(place.ping("--data", "--count", "2", "--interval", "0.2", "--json").stdout)
    check(report["answered"] == report["sent"] == 2 and report["mode"] == "data", f"the summary: {report}")

    nobody = place.ping("--data", "--count", "1", key=NOBODYS_KEY)
    check(nobody.returncode == 1, f"exit status {nobody.returncode} where nobody is")


def dead_address(workshop):
    """HOST:PORT that refuses connections: the port is taken, and nobody listens."""
    taken = workshop.enter_context(socket.socket())
    taken.bind(("127.0.0.1", 0))
    return f"127.0.0.1:{taken.getsockname()[1]}"


def silent_address(workshop):
    """HOST:PORT that takes connections and says nothing."""
    return f"127.0.0.1:{workshop.enter_context(socket.create_server(('127.0.0.1', 0))).getsockname()[1]}"


def check_addresses(arguments, workshop):
    """Of a relay with several addresses, each mode finds the one that is alive, whichever it is, and names it."""
    _, relay = workshop.start_relay(arguments.program, "relay", "--address", "127.0.0.1", "--json")
    alive, _, key = relay.rpartition(":")
    port = alive.rpartition(":")[2]
    own_names = own_hosts(workshop, "::1 both.example", "127.0.0.1 both.example")
    cases = {
        "a dead address, then one that is alive": [dead_address(workshop), alive],
        "one that is alive, then a dead address": [alive, dead_address(workshop)],
        "three dead addresses, then one that is alive": [*(dead_address(workshop) for _ in range(3)), alive],
        "one that is alive, then eight dead addresses": [alive, *(dead_address(workshop) for _ in range(8))],
        "a silent address, then one that is alive": [silent_address(workshop), alive],
        "an IPv6 address that is dead, and an IPv4 address": [f"[::1]:{port}", alive],
    }
    if own_names:
        cases["a name with both"] = [f"both.example:{port}"]
    else:
        print("no names of its own can be given to a host here: one with several addresses was not tried")
    named = {name: [word for place in places for word in ("--relay", f"{place}:{key}")] for name, places in cases.items()}
    ping = [*own_names, arguments.program, "ping"]
    listeners = {name: workshop.start(*ping, "--listen", "--json", *words) for name, words in named.items()}
    pingers = {}
    for name, listener in listeners.items():
        line = listener.stdout.readline()
        check(line, f"{name}: the listener finds no relay")
        for mode in ([], ["--data"]):
            command = [*ping, *mode, "--count", "2", "--interval", "0.2", *named[name], json.loads(line)["public_key"]]
            pingers[name, *mode] = workshop.start(*command, stderr=subprocess.PIPE)
    for name, pinger in pingers.items():
        stdout, stderr = pinger.communicate(timeout=120)
        check(pinger.returncode == 0 and "over 1 relay:" in stdout, f"{name}: {stdout}{stderr}")
        for number in (1, 2):
            check(f"seq={number} via {alive} " in stdout, f"{name}: the address that is alive is not named: {stdout}")
        check(("left out" in stderr) == ("eight" in name[0]), f"{name}: only a ninth address is left out, with a word: {stderr}")


def check_usage(arguments):
    at_relay = ["--relay", f"127.0.0.1:{free_port()}:{NOBODYS_KEY}"]
    for words in (
        [*at_relay],
        [NOBODYS_KEY],
        [*at_relay, NOBODYS_KEY[1:]],
        [*at_relay, "00" * 32],
        [*at_relay, "00" * 31 + "80"],
        [*at_relay, "--interval", "nan", NOBODYS_KEY],
        [*at_relay, "--data", "--interval", "nan", NOBODYS_KEY],
        [*at_relay, "--interval", "0.19", NOBODYS_KEY],
        [*at_relay, "--size", "100", NOBODYS_KEY],
        [*at_relay, "--data", "--listen"],
    ):
        told = run(arguments.program, "ping", *words)
        check(told.returncode == 2 and told.stderr.strip(), f"{words}: exit status {told.returncode}, {told.stderr}")


def check_keygen(arguments, workshop):
    path = workshop.path("key")
    made = run(arguments.program, "keygen", "--json", path)
    check(made.returncode == 0, made.stderr)
    key = json.loads(made.stdout)["public_key"]
    check(len(bytes.fromhex(key)) == 32, key)
    check(stat.S_IMODE(os.stat(path).st_mode) == 0o600, "others can read the secret key")
    with open(path, encoding="utf-8") as file:
        before = file.read()
    again = run(arguments.program, "keygen", path)
    check(again.returncode == 1 and again.stderr.strip(), "a key file was made anew")
    with open(path, encoding="utf-8") as file:
        check(file.read() == before, "a key file was written over")

    port = free_port()
    config = workshop.path("relay.conf")
    with open(config, "w", encoding="utf-8") as file:
        file.write(f'# a relay\naddress = "127.0.0.1"\nport = {port}\nkey-file = "{path}"\n')
    _, address = workshop.start_relay(arguments.program, "relay", "--config", config, "--json")
    check(address == f"127.0.0.1:{port}:{key}", f"the file of options says otherwise: {address}")
    with open(config, "a", encoding="utf-8") as file:
        file.write("prot = 7\n")
    odd = run(arguments.program, "relay", "--config", config)
    check(odd.returncode == 2 and "prot" in odd.stderr, f"an option that there is not: {odd.returncode}, {odd.stderr}")


def check_help(arguments):
    version = run(arguments.program, "--version")
    check(version.returncode == 0 and arguments.version in version.stdout, f"--version says {version.stdout}")
    commands = ("demo", "probe", "ping", "top", "relay", "keygen")
    for command in commands:
        told = run(arguments.program, command, "--help")
        check(told.returncode == 0 and "Usage: " in told.stdout, f"{command} --help")
    script = f'. "{arguments.completion}"; COMP_WORDS=(toxtcp ""); COMP_CWORD=1; complete -p toxtcp >/dev/null || exit 1; '
    script += '$(complete -p toxtcp | sed "s/.*-F \\([^ ]*\\).*/\\1/") toxtcp "" toxtcp; echo "${COMPREPLY[@]}"'
    completed = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    check(set(commands) <= set(completed.stdout.split()), f"completion: {completed.stdout} {completed.stderr}")
    page = run("man", "-l", arguments.manual, env={**os.environ, "MANPAGER": "cat"}) if os.path.exists("/usr/bin/man") else None
    check(page is None or all(command in page.stdout for command in commands), "the manual page misses a command")


def test():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--completion", required=True)
    parser.add_argument("--manual", required=True)
    arguments = parser.parse_args()
    check_help(arguments)
    check_usage(arguments)
    check_waiting(arguments)  # before the others, since it measures processor time
    at_once(*(functools.partial(in_workshop, one, arguments) for one in (check_keygen, check_echo, check_data, check_addresses)))


main(test)
