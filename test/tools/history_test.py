#!/usr/bin/env python3
"""`toxtcp probe --history` remembers earlier runs and loses nothing; `--on-change` runs its command when a relay's status
changes, and only then."""

import argparse
import collections
import json
import os
import signal
import subprocess
import time

from programs import Workshop, check, free_port, main, own_namespaces, run, until

HOUR = 3_600
NOBODYS_KEY = "10" * 32
FORMAT = '{"toxtcp_probe_history": 1}'
TELL = 'echo "$TOXTCP_STATUS_BEFORE $TOXTCP_STATUS $TOXTCP_RELAY $TOXTCP_ADDRESS $TOXTCP_PUBLIC_KEY" >>'


def probe(arguments, *options, **how):
    return run(arguments.program, "probe", "--seconds", "1", "--rate", "20", "--timeout", "2", *options, **how)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def lines_of(path):
    return read(path).splitlines() if os.path.exists(path) else []


def check_runs(arguments, workshop):
    """Each run adds a round; the page and the JSON show all of them."""
    process, relay = workshop.start_relay(arguments.program, "relay", "--address", "127.0.0.1", "--json")
    kept, page, told = (workshop.path(name) for name in ("kept", "page.html", "told"))
    options = ["--history", kept, "--html", page, "--json", "--on-change", f"{TELL} {told}", relay]
    for rounds in (1, 2):
        done = probe(arguments, *options)
        check(done.returncode == 0 and not done.stderr, f"exit status {done.returncode}: {done.stderr}")
        last = json.loads(done.stdout)["relays"][0]
        for span in ("last_day", "last_week"):
            check(last[span]["probes"] == last[span]["good"] == rounds, f"{span} after round {rounds}: {last[span]}")
            check(0 < last[span]["round_trip_median_ms"] <= last[span]["round_trip_worst_ms"], "round trips")
    check("day: 100.0 % of 2 good" in read(page), "the page does not show the day")
    check(not os.path.exists(told), "the command was run without a change")
    process.kill()
    process.wait()
    done = probe(arguments, *options)
    check(done.returncode == 1, f"exit status {done.returncode}")
    check("week: 66.7 % of 3 good" in read(page), "the page does not show the round that was not good")
    place, key = relay.rsplit(":", 1)
    check(lines_of(told) == [f"good dead {place} {place} {key}"], f"the command was told {lines_of(told)}")
    probe(arguments, *options)
    check(len(lines_of(told)) == 1, "the command was run again without a change")


def check_weeks(arguments, workshop):
    """A round older than a day counts for the week only, and a round older than a week is deleted."""
    now = int(time.time()) // HOUR * HOUR
    place = f"127.0.0.1:{free_port()}"
    relay = f"{place} {NOBODYS_KEY}"
    gone = f"192.0.2.1:1 {NOBODYS_KEY}"
    hours = [[now - 9 * 24 * HOUR, 60, 60, 9_000, 9_000], [now - 48 * HOUR, 60, 30, 50_000, 80_000]]
    written = [
        json.dumps({"relay": relay, "status": "good", "hours": hours}),
        json.dumps({"relay": gone, "status": "good", "hours": hours[:1]}),
    ]
    kept = write(workshop.path("weeks"), "\n".join([FORMAT, *written, ""]))
    page = workshop.path("weeks.html")
    done = probe(arguments, "--json", "--history", kept, "--html", page, f"{place}:{NOBODYS_KEY}")
    last = json.loads(done.stdout)["relays"][0]
    check(last["last_day"]["probes"] == 1 and last["last_day"]["good"] == 0, f"the day: {last['last_day']}")
    week = last["last_week"]
    check(week["probes"] == 61 and week["good"] == 30, f"the week: {week}")
    check(week["round_trip_median_ms"] == 50 and week["round_trip_worst_ms"] == 80, f"its round trips: {week}")
    check("last 49 hours; in 2 some probes were not good" in read(page), "no chart of the hours")
    check(NOBODYS_KEY in read(kept) and "192.0.2.1" not in read(kept), "a relay of last month is kept")


def check_bad_files(arguments, workshop):
    """A file that is no history is refused and stays as it is; a bad line loses one relay only."""
    place = f"127.0.0.1:{free_port()}"
    relay = f"{place}:{NOBODYS_KEY}"
    for name, text in {"notes": "my notes\n", "list": '{"nodes": []}', "later": '{"toxtcp_probe_history": 2}\n'}.items():
        path = write(workshop.path(name), text)
        done = probe(arguments, "--history", path, relay)
        check(done.returncode == 2 and path in done.stderr, f"{name}: exit status {done.returncode}: {done.stderr}")
        check(read(path) == text, f"{name} was overwritten")
    good = {"relay": f"192.0.2.7:443 {NOBODYS_KEY}", "status": "hung", "hours": [[int(time.time()) // HOUR * HOUR, 1, 0, 0, 0]]}
    bad = [
        "{", "7", "{}",
        json.dumps({**good, "status": "fine"}),
        json.dumps({**good, "hours": good["hours"] * 2}),
        json.dumps({**good, "hours": [[1, 1, 1, 1, 1]]}),
        json.dumps({**good, "hours": [[HOUR, 1, 2, 1, 1]]}),
        json.dumps({**good, "hours": [[HOUR, 1, -1, 1, 1]]}),
    ]
    path = write(workshop.path("bad"), "\n".join([FORMAT, *bad, json.dumps(good)]))
    done = probe(arguments, "--history", path, relay)
    for number in range(2, 2 + len(bad)):
        check(f"line {number} " in done.stderr, f"line {number} is taken: {done.stderr}")
    check(f"line {2 + len(bad)} " not in done.stderr, f"a good line is refused: {done.stderr}")
    check("192.0.2.7" in read(path) and place in read(path), "a good line is lost")
    empty = write(workshop.path("empty"), "")
    check(probe(arguments, "--history", empty, relay).returncode == 1, "an empty file is an empty history")
    check(place in read(empty), "nothing was written")
    nowhere = probe(arguments, "--history", workshop.path("no/such/folder"), relay)
    check(nowhere.returncode == 1 and "no/such/folder" in nowhere.stderr, f"no folder: {nowhere.stderr}")


def check_commands(arguments, workshop):
    """A command that fails is reported. It gets no signal mask, no input and no standard output of the program."""
    kept = workshop.path("commands")
    place = f"127.0.0.1:{free_port()}"
    line = {"relay": f"{place} {NOBODYS_KEY}", "status": "good", "hours": [[int(time.time()) // HOUR * HOUR, 1, 1, 1, 1]]}

    def changed(command):
        write(kept, FORMAT + "\n" + json.dumps(line) + "\n")
        return probe(arguments, "--json", "--history", kept, "--on-change", command, f"{place}:{NOBODYS_KEY}")

    done = changed("grep -E 'Sig(Blk|Ign)' /proc/self/status; readlink /proc/self/fd/0; echo \"$TOXTCP_WHY\"; exit 3")
    json.loads(done.stdout)
    check("SigBlk:\t0000000000000000" in done.stderr, f"signals are blocked in the command: {done.stderr}")
    ignored = int(done.stderr.partition("SigIgn:\t")[2].split()[0], 16)
    check(ignored & 0x7FFFFFFF == 0, f"signals are ignored in the command: {done.stderr}")  # others are the C library's
    check("/dev/null" in done.stderr, f"the command has an input: {done.stderr}")
    check("refuses the connection" in done.stderr, f"the command is not told why: {done.stderr}")
    check("exited with 3" in done.stderr, f"the failure of the command is not reported: {done.stderr}")
    check("killed by signal 9" in changed("kill -9 $$").stderr, "a command that was killed is not reported")
    os.environ["TOXTCP_PROXY_PASSWORD"] = "s3cret-passw0rd"
    done = changed("env")
    check("TOXTCP_STATUS=dead" in done.stderr and "passw0rd" not in done.stderr, f"the command's environment: {done.stderr}")
    for options in (["--on-change", "true"], ["--watch", "--on-change", ""]):
        done = probe(arguments, *options, f"{place}:{NOBODYS_KEY}")
        check(done.returncode == 2 and "--on-change" in done.stderr, f"{options}: {done.returncode}: {done.stderr}")


def write_good(path, place, keys):
    """Writes a history in which all these relays were good."""
    hours = [[int(time.time()) // HOUR * HOUR, 1, 1, 1, 1]]
    lines = [json.dumps({"relay": f"{place} {key.upper()}", "status": "good", "hours": hours}) for key in keys]
    return write(path, "\n".join([FORMAT, *lines, ""]))


def check_many(arguments, workshop):
    """However many relays change in one round, the command is run for each."""
    place, told = f"127.0.0.1:{free_port()}", workshop.path("many-told")
    keys = [f"{number:02x}" + NOBODYS_KEY[2:] for number in range(1, 81)]
    kept = write_good(workshop.path("many"), place, keys)
    done = probe(arguments, "--history", kept, "--on-change", f"sleep 0.2; {TELL} {told}", *(f"{place}:{key}" for key in keys))
    check(not done.stderr, f"said of {len(keys)} changes: {done.stderr}")
    check(sorted(line.split()[-1].lower() for line in lines_of(told)) == keys, f"told of {len(lines_of(told))} of {len(keys)} changes")


def check_waiting(arguments, workshop):
    """If a relay changes again while the command for its last change waits, the command is run once for both changes."""
    port = free_port()
    place, told, go = f"127.0.0.1:{port}", workshop.path("waiting-told"), workshop.path("go")
    keys = [f"{number:02x}" + NOBODYS_KEY[2:] for number in range(1, 41)]
    kept = write_good(workshop.path("waiting"), place, keys)
    workshop.start(
        arguments.program, "probe", "--watch", "--interval", "1", "--seconds", "1", "--history", kept,
        "--on-change", f"while [ -e {kept} ] && [ ! -e {go} ]; do sleep 0.1; done; {TELL} {told}", *(f"{place}:{key}" for key in keys),
        stdout=subprocess.DEVNULL,
    )
    until(lambda: [json.loads(line)["status"] for line in lines_of(kept)[1:]] == ["dead"] * 40, "all are dead")
    workshop.start_relay(arguments.program, "relay", "--address", "127.0.0.1", "--port", str(port), "--json")
    until(lambda: [json.loads(line)["status"] for line in lines_of(kept)[1:]] == ["refusing"] * 40, "all have another key")
    write(go, "")
    until(lambda: len(lines_of(told)) >= 72, "the commands of all changes")
    changes = collections.Counter(" ".join(line.split()[:2]) for line in lines_of(told))
    check(changes == {"good dead": 32, "dead refusing": 32, "good refusing": 8}, f"told of {changes}")


def check_names(arguments, workshop):
    """A relay whose name loses its address, or gets another, keeps its history, and the command is told of each change."""
    namespace = own_namespaces("--mount")
    if not namespace:
        print("no names of its own can be given to a host here: a name whose address changes was not tried")
        return
    hosts, services = workshop.path("hosts"), write(workshop.path("nsswitch.conf"), "hosts: files\n")
    kept, told = workshop.path("names"), workshop.path("names-told")
    script = 'mount --bind "$0" /etc/hosts && mount --bind "$1" /etc/nsswitch.conf && shift && exec "$@"'
    _, relay = workshop.start_relay(arguments.program, "relay", "--address", "127.0.0.1", "--json")
    named = relay.replace("127.0.0.1", "relay.example")
    wanted = []
    for addresses, change in (
        (["127.0.0.1"], None),
        ([], "good dead"),
        (["127.0.0.9"], None),
        (["127.0.0.1"], "dead good"),
        (["127.0.0.9"], "good dead"),
        (["127.0.0.8", "127.0.0.7"], None),
        ([], None),
        (["127.0.0.1"], "dead good"),
    ):
        write(hosts, "".join(f"{address} relay.example\n" for address in addresses))
        command = [arguments.program, "probe", "--seconds", "1", "--history", kept, "--on-change", f"{TELL} {told}", named]
        done = run(*namespace, "sh", "-c", script, hosts, services, *command)
        wanted += [change] if change else []
        changes = [" ".join(line.split()[:2]) for line in lines_of(told)]
        check(changes == wanted, f"told of {changes}, not {wanted}, with {addresses}: {done.stdout}{done.stderr}")
        check(len(lines_of(kept)) == 1 + max(len(addresses), 1), f"with {addresses}: {lines_of(kept)}")
    rounds = sum(hour[1] for line in lines_of(kept)[1:] for hour in json.loads(line)["hours"])
    check(rounds == 8, f"{rounds} of 8 rounds are in the history")


def status_in(path):
    """The status of the one relay in a history; nothing before the first round."""
    return "".join(json.loads(line)["status"] for line in lines_of(path)[1:])


def check_watch(arguments, workshop):
    """With --watch, a change in either direction runs the command, and a command that hangs delays nothing."""
    stand_in, relay = workshop.start_stand_in(arguments.stand_in, "kind honest")
    told, kept = workshop.path("watched"), workshop.path("watched-history")
    watcher = workshop.start(
        arguments.program, "probe", "--watch", "--interval", "1", "--seconds", "1", "--timeout", "5", "--history", kept,
        "--on-change", f"{TELL} {told}; sleep 15", relay, stderr=subprocess.DEVNULL,
    )
    until(lambda: status_in(kept) == "good", "a first good round")
    before = len(lines_of(told))  # on a slow machine a relay may become good only in a later round, which is told
    stand_in.stdin.write("kind shakes_hands\n")
    stand_in.stdin.flush()
    until(lambda: any(line.startswith("good ") for line in lines_of(told)[before:]), "the first change")
    stand_in.stdin.write("kind honest\n")
    stand_in.stdin.flush()
    until(lambda: lines_of(told) and lines_of(told)[-1].split()[1] == "good", "the change back")
    watcher.send_signal(signal.SIGTERM)
    until(lambda: watcher.poll() is not None, "its end")
    check(watcher.returncode == 0 or watcher.returncode == 1, f"exit status {watcher.returncode}")


def test():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--stand-in", required=True)
    arguments = parser.parse_args()
    for one in (check_runs, check_weeks, check_bad_files, check_commands, check_many, check_waiting, check_names, check_watch):
        with Workshop() as workshop:
            one(arguments, workshop)


main(test)
