#!/usr/bin/env python3
"""Every command that reaches relays does so through real proxies: microsocks and tinyproxy, each with a user and a password,
relays by address and by name. A password comes from a file or from the environment, and is seen nowhere."""

import argparse
import json
import os
import shutil
import signal
import sys

from programs import SKIPPED, Workshop, answers, check, free_port, main, run, until

USER = "some one"
PASSWORD = "s3cret-passw0rd"
PROXIES = {"socks5": "microsocks", "http": "tinyproxy"}
QUOTED_USER = "some%20one"
ENVIRONMENT = "TOXTCP_PROXY_PASSWORD"


def start_proxy(workshop, scheme, user):
    """Its URL without a user."""
    port = free_port()
    if scheme == "socks5":
        command = ["microsocks", "-i", "127.0.0.1", "-p", str(port), "-u", user, "-P", PASSWORD]
    else:
        config = workshop.path(f"tinyproxy-{port}.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"Port {port}\nListen 127.0.0.1\nTimeout 600\nMaxClients 100\nBasicAuth {user} {PASSWORD}\n")
        command = ["tinyproxy", "-d", "-c", config]
    workshop.start(*command, stderr=open(workshop.path(f"proxy-{port}.log"), "w", encoding="utf-8"))
    until(lambda: answers(port), f"{command[0]} answers")
    return f"127.0.0.1:{port}"


def with_password(password):
    return {**os.environ, ENVIRONMENT: password}


def check_secret(done, *paths):
    texts = [done.stdout, done.stderr]
    for path in paths:
        with open(path, encoding="utf-8") as file:
            texts.append(file.read())
    check(all(PASSWORD not in text for text in texts), f"the password is seen: {texts}")


def check_probe(arguments, workshop, url, relay):
    page, metrics, secret = (workshop.path(name) for name in ("page.html", "metrics.prom", "secret"))
    with open(secret, "w", encoding="utf-8") as file:
        file.write(f"{PASSWORD}\r\nanother line\n")
    by_name = relay.replace("127.0.0.1", "localhost")
    command = [arguments.program, "probe", "--seconds", "1", "--json", "--proxy", url]
    outputs = ["--html", page, "--prometheus", metrics]
    done = run(*command, "--proxy-password-file", secret, *outputs, relay, by_name)
    relays = json.loads(done.stdout)["relays"]
    check(done.returncode == 0 and [one["status"] for one in relays] == ["good", "good"], f"{url}: {done.stdout}")
    host_port = by_name.rpartition(":")[0]
    check({one["address"] for one in relays} == {relay.rpartition(":")[0], host_port}, f"a name is left to the proxy: {relays}")
    check_secret(done, page, metrics)
    for environment in (with_password("another" + PASSWORD[:3]), {**os.environ}):
        done = run(*command, relay, env=environment)
        why = json.loads(done.stdout)["relays"][0]["why"]
        check(done.returncode == 1 and why.startswith("the proxy wants a user and a password"), f"{url}, a wrong one: {why}")
    gone = f"localhost:{free_port()}:{relay.rpartition(':')[2]}"
    done = run(*command, gone, env=with_password(PASSWORD))
    gone_relay = json.loads(done.stdout)["relays"][0]
    check(gone_relay["why"].startswith("the proxy refuses to connect"), f"a relay that is not there: {gone_relay}")
    check_secret(done)


def check_ping(arguments, workshop, url, relay):
    through = ["--proxy", url, "--relay", relay.replace("127.0.0.1", "localhost")]
    environment = with_password(PASSWORD)
    listener = workshop.start(arguments.program, "ping", "--listen", "--json", *through, env=environment)
    key = json.loads(listener.stdout.readline())["public_key"]
    with open(f"/proc/{listener.pid}/cmdline", encoding="utf-8") as file:
        check(PASSWORD not in file.read(), "the password is seen in the list of processes")
    for mode in ([], ["--data"]):
        done = run(arguments.program, "ping", "--count", "3", *mode, *through, key, env=environment)
        check(done.returncode == 0 and "localhost:" in done.stdout, f"{url}: {done.stdout}{done.stderr}")
        check_secret(done)
    listener.send_signal(signal.SIGTERM)
    check(listener.wait(timeout=60) == 0, "the listener ends well")


def check_demo(arguments, url):
    done = run(arguments.program, "demo", "--seconds", "5", "--json", "--proxy", url, env=with_password(PASSWORD))
    check(done.returncode == 0, f"demo through {url}: {done.stdout}{done.stderr}")
    check_secret(done)


def check_usage(arguments):
    relay = "relay.example:1:" + "10" * 32
    wrong = [
        "127.0.0.1:1080", "socks4://127.0.0.1", "https://127.0.0.1", f"socks5://user:{PASSWORD}@127.0.0.1",
        f"user:{PASSWORD}@127.0.0.1", "socks5://@127.0.0.1", "socks5://", "socks5://127.0.0.1:0", "socks5://127.0.0.1:65536",
        "socks5://::1:1080", "socks5://us%4er%zz@127.0.0.1", "http://a%3ab@127.0.0.1", "socks5://" + "u" * 256 + "@127.0.0.1",
        "socks5://a b", "",
    ]
    for url in wrong:
        for command in (["probe", relay], ["ping", "--relay", relay, "10" * 32], ["demo"]):
            done = run(arguments.program, *command, "--proxy", url)
            check(done.returncode == 2 and done.stderr, f"{command[0]} --proxy {url!r}: {done.returncode} {done.stderr}")
            check_secret(done)
    for words in (["--proxy-password-file", "/dev/null"], ["--proxy", "socks5://127.0.0.1", "--proxy-password-file", "/dev/null"],
                  ["--proxy", "socks5://user@127.0.0.1", "--proxy-password-file", "/no/such/file"],
                  ["--proxy", "socks5://no-such-host.invalid"]):
        done = run(arguments.program, "probe", relay, *words)
        check(done.returncode == 2 and done.stderr, f"probe {words}: {done.returncode} {done.stderr}")
    done = run(arguments.program, "probe", relay, "--proxy", "socks5://user@127.0.0.1", env=with_password("p" * 256))
    check(done.returncode == 2, f"a password that is too long: {done.stderr}")


def test():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    arguments = parser.parse_args()
    check_usage(arguments)
    missing = [program for program in PROXIES.values() if shutil.which(program) is None]
    if missing:
        print(f"skipped: {', '.join(missing)} not found")
        sys.exit(SKIPPED)
    with Workshop() as workshop:
        _, relay = workshop.start_relay(arguments.program, "relay", "--address", "127.0.0.1", "--json")
        for scheme in PROXIES:
            user, quoted = (USER, QUOTED_USER) if scheme == "socks5" else ("someone", "someone")
            url = f"{scheme}://{quoted}@{start_proxy(workshop, scheme, user)}"
            check_probe(arguments, workshop, url, relay)
            check_ping(arguments, workshop, url, relay)
            check_demo(arguments, url)


main(test)
