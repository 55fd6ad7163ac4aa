#!/usr/bin/env python3
"""`toxtcp ping` through relays of which one dies, to nobody, and what it needs: keys in files, relays by a file of options."""

import argparse
import json
import os
import signal
import stat
import subprocess

from programs import Workshop, check, free_port, main, run, until

COUNT = 15


def check_ping(arguments, workshop):
    relays = [
        workshop.start_relay(arguments.program, "relay", "--address", "127.0.0.1", "--json") for _ in range(2)
    ]
    at_relays = [word for _, address in relays for word in ("--relay", address)]
    listener = workshop.start(arguments.program, "ping", "--listen", "--json", *at_relays)
    key = json.loads(listener.stdout.readline())["public_key"]

    plain = run(arguments.program, "ping", *at_relays, "--count", "2", "--interval", "0.2", key)
    check(plain.returncode == 0, f"exit status {plain.returncode}: {plain.stderr}")
    check("time=" in plain.stdout and any(address.rpartition(":")[0] in plain.stdout for _, address in relays),
          f"no time, or no relay: {plain.stdout}")

    pinger = workshop.start(
        arguments.program, "ping", *at_relays, "--count", str(COUNT), "--interval", "0.2", key,
    )
    lines = []
    for line in pinger.stdout:
        lines.append(line)
        if "time=" in line:
            break
    seq = len([line for line in lines if "time=" in line])
    used = [process for process, address in relays if f"={seq} via {address.rpartition(':')[0]}" in lines[-1]]
    check(used, f"which relay carried the packet? {lines[-1]}")
    used[0].kill()
    rest = pinger.communicate(timeout=60)[0]
    check(pinger.returncode == 0, f"exit status {pinger.returncode}")
    answers = sum("time=" in line for line in lines + rest.splitlines())
    check(answers >= COUNT - 3, f"{answers} answers to {COUNT} packets, when a relay died: {rest}")

    summary = run(arguments.program, "ping", *at_relays, "--count", "2", "--interval", "0.2", "--json", key)
    report = json.loads(summary.stdout)
    check(report["answered"] == report["sent"] == 2, f"the summary: {report}")

    nobody = run(arguments.program, "ping", *at_relays, "--count", "1", "10" * 32)
    check(nobody.returncode == 1, f"exit status {nobody.returncode} where nobody is")
    listener.send_signal(signal.SIGINT)
    check(listener.wait(timeout=20) in (0, 130), f"the listener ends with {listener.returncode}")


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
    with Workshop() as workshop:
        check_keygen(arguments, workshop)
        check_ping(arguments, workshop)


main(test)
