#!/usr/bin/env python3
"""`toxtcp ping` of whole Tox clients that do not know the key of the asker: one with toxcore's own TCP connections, and one
with this library. The relays are tox-bootstrapd processes, and one stand-in that drops all packets."""

import argparse
import json
import subprocess

from programs import Workshop, check, main, run, until

COUNT = 20
LEAST_SENT = COUNT - 2  # over a relay; one that is connected a moment after the others misses the first echoes
INTERVAL_S = "0.2"


class Client:
    def __init__(self, workshop, program):
        self.process = workshop.start(program, stdin=subprocess.PIPE)
        said = dict(self.process.stdout.readline().split() for _ in range(2))
        self.key, self.dht_key = said["key"], said["dht_key"]

    def use(self, relays):
        for relay in relays:
            _, port, key = relay.split(":")
            self.process.stdin.write(f"tcp_relay {port} {key}\n")
        self.process.stdin.flush()


def ping(arguments, relays, key, *options):
    words = [word for relay in relays for word in ("--relay", relay)]
    return run(arguments.program, "ping", "--json", "--interval", INTERVAL_S, *options, *words, key)


def answered(done):
    """The number of answers through each relay, in order; none if the ping was not connected to any."""
    if not done.stdout:
        return []
    return [one["answered"] for one in json.loads(done.stdout)["relays"]]


def check_client(arguments, workshop, program):
    relays = [workshop.start_bootstrapd(arguments.bootstrapd)[1] for _ in range(3)]
    stand_in, dropping = workshop.start_stand_in(arguments.stand_in)
    # The client is connected to two of the three relays, and to the stand-in.
    client = Client(workshop, program)
    client.use([*relays[:2], dropping])
    until(lambda: answered(ping(arguments, [*relays[:2], dropping], client.dht_key, "--count", "1")) == [1] * 3,
          "the client answers over its relays")

    stand_in.stdin.write("kind drops\nstat\n")
    stand_in.stdin.flush()
    check(stand_in.stdout.readline(), "the relay that drops does not say that it does")
    done = ping(arguments, [*relays, dropping], client.dht_key, "--count", str(COUNT))
    check(done.returncode == 0, f"exit status {done.returncode}: {done.stderr}")
    report = json.loads(done.stdout)
    check(COUNT == report["sent"] >= report["answered"] >= LEAST_SENT, f"{report['answered']} of {report['sent']} answered")
    check(report["answered_by"] == "net_crypto", f"a Tox client was taken for {report['answered_by']}")
    check(all(one["connected"] and COUNT >= one["sent"] >= LEAST_SENT for one in report["relays"]), f"relays: {report['relays']}")
    sent = [one["sent"] for one in report["relays"]]
    check(answered(done) == [*sent[:2], 0, 0], f"answers by relay: {answered(done)} of {sent}")
    for one in report["relays"][:2]:
        check(len(one["round_trips_ms"]) == one["sent"] and one["round_trip_ms"]["min"] > 0, f"round trips: {one}")
    times = [f"{one['round_trip_ms']['avg']:.1f} ms" for one in report["relays"][:2]]
    print(f"all of {sent[0]} and {sent[1]} answered over two relays, on average in {' and '.join(times)}")

    # The key in a Tox ID is the long-term key, and not the DHT key.
    check(ping(arguments, relays, client.key, "--count", "1").returncode == 1, "a client answers to its long-term key")


def test():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--client", required=True, action="append")
    parser.add_argument("--bootstrapd", required=True)
    parser.add_argument("--stand-in", required=True)
    arguments = parser.parse_args()
    for program in arguments.client:
        with Workshop() as workshop:
            check_client(arguments, workshop, program)


main(test)
