#!/usr/bin/env python3
"""`toxtcp probe` gives each relay the right status: Debian's own, one that is stopped, one that does not exist, and stand-in
relays with faults. A stand-in relay (test/support/stand_in.cpp) counts the packets that are sent through it."""

import argparse
import json
import signal

from programs import Workshop, check, free_port, main, own_hosts, run

RATE = 10
SECONDS = 4
NOBODYS_KEY = "10" * 32
# The command for the stand-in relay, and the status that the program must give it.
FAULTS = {
    "kind honest": "good",
    "kind drops": "lying",
    "kind drops_one_way": "lying",
    "kind silent": "hung",
    "kind shakes_hands": "refusing",
    "kind forges": "lying",
    "flaw loses": "dropping",
    "flaw changes": "lying",
    "flaw no_oob": "dropping",
    "flaw no_routes": "refusing",
    "flaw no_answers": "hung",
}


def probe(arguments, *options):
    command = [arguments.program, "probe", "--rate", str(RATE), "--seconds", str(SECONDS), "--timeout", "5", *options]
    return run(*command)


def check_faults(arguments):
    with Workshop() as workshop:
        relays = {fault: workshop.start_stand_in(arguments.stand_in, fault) for fault in FAULTS}
        wanted = {address: FAULTS[fault] for fault, (_, address) in relays.items()}
        _, good = workshop.start_bootstrapd(arguments.bootstrapd)
        wanted[good] = "good"
        wanted[f"127.0.0.1:{free_port()}:{NOBODYS_KEY}"] = "dead"
        done = probe(arguments, "--json", "--html", workshop.path("page.html"), "--prometheus", workshop.path("prom"), *wanted)
        check(done.returncode == 1, f"exit status {done.returncode}: {done.stderr}")
        report = json.loads(done.stdout)
        check(not report["all_well"], "it reports that all relays are well")
        named = {f"{one['relay']}:{one['public_key']}": one for one in report["relays"]}
        check(named.keys() == wanted.keys(), "relays are missing, or too many")
        for address, status in wanted.items():
            one = named[address]
            check(one["status"] == status, f"{address} is {status}, not {one['status']}: {one['why']}")
            check((one["why"] == "") == (status == "good"), f"a relay that is {status} has the reason {one['why']!r}")
        check(0 < named[good]["round_trip_median_ms"] <= named[good]["round_trip_worst_ms"], "round-trip times")
        check(named[good]["loss"] == 0 and named[good]["sent"] >= RATE * (SECONDS - 1), "loss, or packets sent")
        for fault, (process, _) in relays.items():
            told = json.loads(process.communicate("stat\n", timeout=20)[0])
            # Of all data and OOB packets, those that the library sends itself are cookie requests and responses.
            sent = told["carried"] + told["dropped"] - told["cookie_requests"] - told["cookie_responses"]
            check(sent <= RATE * SECONDS + 1, f"{fault}: {sent} packets in {SECONDS} s")
            # After a pause of the machine, the packets that were due come together.
            check(told["most_in_a_second"] <= 2 * RATE, f"{fault}: {told['most_in_a_second']} packets in a second")
        check_files(workshop, wanted)


def check_files(workshop, wanted):
    with open(workshop.path("prom"), encoding="utf-8") as file:
        lines = file.read().splitlines()
    samples = [line for line in lines if line and not line.startswith("#")]
    families = {line.split()[2] for line in lines if line.startswith("# TYPE ")}
    check(families and all(line.partition("{")[0].split()[0] in families for line in samples), "a sample without a type")
    for address in wanted:
        check(any(address.rpartition(":")[0] in line for line in samples), f"no metrics of {address}")
    for line in samples:
        float(line.rpartition(" ")[2])
    with open(workshop.path("page.html"), encoding="utf-8") as file:
        page = file.read()
    check("<script" not in page and "http://" not in page.replace("http://www.w3.org", ""), "the page fetches something")


def check_hung(arguments):
    with Workshop() as workshop:
        process, address = workshop.start_bootstrapd(arguments.bootstrapd)
        process.send_signal(signal.SIGSTOP)
        done = probe(arguments, "--json", address)
        check(done.returncode == 1, f"exit status {done.returncode}")
        status = json.loads(done.stdout)["relays"][0]["status"]
        check(status == "hung", f"a stopped relay is hung, not {status}")


def check_return(arguments):
    """A relay that refused comes back at the same address."""
    with Workshop() as workshop:
        process, address = workshop.start_stand_in(arguments.stand_in, "kind refuses")
        for status in ("dead", "good"):
            report = json.loads(probe(arguments, "--json", address).stdout)
            check(report["relays"][0]["status"] == status, f"{report['relays'][0]['status']}, not {status}")
            process.stdin.write("kind honest\n")
            process.stdin.flush()


def check_nodes(arguments):
    with Workshop() as workshop:
        _, first = workshop.start_relay(arguments.program, "relay", "--address", "127.0.0.1", "--json")
        _, second = workshop.start_relay(arguments.program, "relay", "--address", "127.0.0.1", "--json")
        nodes = []
        for number, address in enumerate((first, second)):
            host, port, key = address.split(":")
            nodes.append(
                {
                    "ipv4": host,
                    "ipv6": "-",
                    "port": 33445,
                    "tcp_ports": [int(port)],
                    "public_key": key,
                    "maintainer": f"Nobody <{number}> & \"sons\"",
                    "location": "XX",
                }
            )
        with open(workshop.path("nodes.json"), "w", encoding="utf-8") as file:
            json.dump({"last_scan": 0, "nodes": nodes}, file)
        done = probe(arguments, "--json", "--nodes", workshop.path("nodes.json"), "--html", workshop.path("page.html"))
        check(done.returncode == 0, f"exit status {done.returncode}: {done.stderr}")
        relays = json.loads(done.stdout)["relays"]
        check([one["status"] for one in relays] == ["good", "good"], "both are good")
        check({one["maintainer"] for one in relays} == {node["maintainer"] for node in nodes}, "maintainers")
        with open(workshop.path("page.html"), encoding="utf-8") as file:
            check("&lt;1&gt; &amp; " in file.read(), "what the node list says is not escaped in the page")


def check_addresses(arguments):
    """Every address of a host is tried, and has a status of its own."""
    with Workshop() as workshop:
        own_names = own_hosts(workshop, "127.0.0.3 relay.example", "127.0.0.2 relay.example", "127.0.0.1 relay.example")
        if not own_names:
            print("no names of its own can be given to a host here: one with several addresses was not tried")
            return
        _, relay = workshop.start_relay(arguments.program, "relay", "--address", "127.0.0.1", "--json")
        named = "relay.example" + relay.removeprefix("127.0.0.1")
        done = run(*own_names, arguments.program, "probe", "--seconds", "1", "--json", named)
        found = {one["address"].rpartition(":")[0]: one["status"] for one in json.loads(done.stdout)["relays"]}
        check(found == {"127.0.0.1": "good", "127.0.0.2": "dead", "127.0.0.3": "dead"}, f"of three addresses: {found}")
        table = run(*own_names, arguments.program, "probe", "--seconds", "1", named).stdout
        port = relay.split(":")[1]
        for address, status in found.items():
            line = [line for line in table.splitlines() if f"relay.example:{port} at {address}:{port}" in line]
            check(len(line) == 1 and line[0].startswith(status), f"{address} in the table: {table}")


def check_bad_input(arguments):
    with Workshop() as workshop:
        def written(name, text):
            with open(workshop.path(name), "w", encoding="utf-8") as file:
                file.write(text)
            return workshop.path(name)

        key = NOBODYS_KEY
        wrong = [
            [f"127.0.0.1:0:{key}"],
            [f"127.0.0.1:65536:{key}"],
            [f"127.0.0.1:33445:{key[1:]}"],
            [f"127.0.0.1:33445:{key[1:]}g"],
            ["127.0.0.1"],
            [],
            ["--nodes", workshop.path("nowhere.json")],
            ["--nodes", written("no.json", '{"nodes": [')],
            ["--nodes", written("list.json", "[1, 2]")],
            ["--nodes", written("odd.json", '{"nodes": [{"ipv4": 7, "tcp_ports": "x", "public_key": []}]}')],
            ["--seconds", "0", f"127.0.0.1:33445:{key}"],
            ["--no-such-option"],
        ]
        for options in wrong:
            done = run(arguments.program, "probe", *options)
            check(done.returncode in (1, 2), f"{options}: exit status {done.returncode}")
            check(done.stderr.strip() and not done.stdout, f"{options}: an error is to be on standard error only")


def test():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--stand-in", required=True)
    parser.add_argument("--bootstrapd", required=True)
    arguments = parser.parse_args()
    check_bad_input(arguments)
    check_nodes(arguments)
    check_addresses(arguments)
    check_hung(arguments)
    check_return(arguments)
    check_faults(arguments)


main(test)
