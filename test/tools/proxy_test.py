#!/usr/bin/env python3
"""Every command that reaches relays does so through real proxies: microsocks, Dante and tinyproxy, each with a user and a
password, relays by address and by name. A password comes from a file or from the environment, and is seen nowhere. Tor, which
has no network here, is named as the cause."""

import argparse
import functools
import json
import os
import shutil
import signal
import subprocess
import sys

from programs import SKIPPED, Fault, Workshop, answers, at_once, check, free_port, in_workshop, main, own_namespaces, run, until

USER = "some one"
PASSWORD = "s3cret-passw0rd"
QUOTED_USER = "some%20one"
ENVIRONMENT = "TOXTCP_PROXY_PASSWORD"
KEY = "10" * 32
LOG_END = 3_000  # characters


def write(path, *lines):
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return path


def start_microsocks(workshop, port):
    return ["microsocks", "-i", "127.0.0.1", "-p", str(port), "-u", USER, "-P", PASSWORD]


def start_tinyproxy(workshop, port):
    user = f"BasicAuth {USER.replace(' ', '')} {PASSWORD}"
    lines = [f"Port {port}", "Listen 127.0.0.1", "Timeout 600", "MaxClients 100", user]
    return ["tinyproxy", "-d", "-c", write(workshop.path("tinyproxy.conf"), *lines)]


def start_dante(workshop, port):
    """Dante takes the users of the system, so that it gets a user list of its own."""
    hashed = run("perl", "-e", "print crypt($ARGV[0], '$6$toxtcp')", PASSWORD).stdout
    users = write(workshop.path("passwd"), "root:x:0:0::/:/bin/false", f"{USER}:x:0:0::/:/bin/false")
    shadow = write(workshop.path("shadow"), "root:*:19000::::::", f"{USER}:{hashed}:19000::::::")
    config = write(
        workshop.path("dante.conf"), "logoutput: stderr", f"internal: 127.0.0.1 port = {port}", "external: lo",
        "clientmethod: none", "socksmethod: username", "user.privileged: root", "user.unprivileged: root",
        "client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }", "socks pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }",
    )
    script = 'mount --bind "$1" /etc/passwd && mount --bind "$2" /etc/shadow && exec danted -f "$3"'
    return [*own_namespaces("--mount"), "sh", "-c", script, "sh", users, shadow, config]


PROXIES = {
    "microsocks": ("socks5", QUOTED_USER, start_microsocks),
    "danted": ("socks5", QUOTED_USER, start_dante),
    "tinyproxy": ("http", QUOTED_USER.replace("%20", ""), start_tinyproxy),
}


def start_proxy(workshop, name):
    """Returns the proxy's URL."""
    scheme, user, start = PROXIES[name]
    log = open(workshop.path(f"{name}.log"), "w", encoding="utf-8")
    _, port = workshop.start_at_free_port(lambda port: start(workshop, port), stderr=log)
    return f"{scheme}://{user}@127.0.0.1:{port}"


def with_password(password):
    return {**os.environ, ENVIRONMENT: password}


def check_secret(done, *paths):
    texts = [done.stdout, done.stderr]
    for path in paths:
        with open(path, encoding="utf-8") as file:
            texts.append(file.read())
    check(all(PASSWORD not in text for text in texts), f"the password is seen: {texts}")


def check_probe(arguments, url, relay, workshop):
    page, metrics, secret = (workshop.path(name) for name in ("page.html", "metrics.prom", "secret"))
    with open(secret, "w", encoding="utf-8") as file:
        file.write(f"{PASSWORD}\r\nanother line\n")
    by_name = relay.replace("127.0.0.1", "localhost")
    command = [arguments.program, "probe", "--seconds", "1", "--json", "--proxy", url]
    outputs = ["--html", page, "--prometheus", metrics]
    os.chmod(secret, 0o600)
    done = run(*command, "--proxy-password-file", secret, *outputs, relay, by_name)
    check(not done.stderr, f"a password file that nobody else can read: {done.stderr}")
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


def check_ping(arguments, url, relay, workshop):
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
    command = [arguments.program, "demo", "--seconds", "10", "--json", "--proxy", url]
    done = run(*command, env=with_password(PASSWORD))
    check(done.returncode == 0, f"demo through {url}: {done.stdout}{done.stderr}")
    check_secret(done)
    done = run(*command, env=with_password("another"))
    check(done.returncode == 1 and "the proxy wants a user and a password" in done.stderr, f"demo, a wrong one: {done.stderr}")


def check_exposed_password(arguments, workshop):
    """A password file that others can read is used, with a warning."""
    relay = f"127.0.0.1:{free_port()}:{KEY}"
    proxy = ["--proxy", f"socks5://user@127.0.0.1:{free_port()}", "--proxy-password-file"]
    secret = write(workshop.path("exposed"), PASSWORD)
    for words, modes in (
        (["probe", relay], (0o600, 0o640, 0o604)), (["ping", "--count", "1", "--relay", relay, KEY], (0o640,)), (["demo"], (0o640,)),
    ):
        for mode in modes:
            os.chmod(secret, mode)
            done = run(arguments.program, *words, *proxy, secret)
            check((f"chmod 600 '{secret}'" in done.stderr) == (mode != 0o600), f"{words[0]}, mode {mode:o}: {done.stderr}")
            check_secret(done)


def check_addresses(arguments, relay, workshop):
    """Of a proxy with several addresses, one that accepts connections is used. If none does, the proxy is at fault."""
    hosts = write(workshop.path("hosts"), "::1 proxy.example", "127.0.0.1 proxy.example", "127.0.0.1 localhost")
    script = 'mount --bind "$1" /etc/hosts && shift && exec "$@"'
    inside = [*own_namespaces("--mount"), "sh", "-c", script, "sh", hosts, arguments.program]
    _, port = workshop.start_at_free_port(lambda port: ["microsocks", "-i", "127.0.0.1", "-p", str(port)], stderr=subprocess.DEVNULL)
    for url, word in {
        f"socks5://proxy.example:{port}": None, f"socks5://proxy.example:{free_port()}": "the proxy cannot be connected to",
    }.items():
        for words, good in (
            (["probe", "--seconds", "1", relay], "1 good"), (["ping", "--count", "1", "--relay", relay, KEY], "answers no echo"),
            (["demo", "--seconds", "5"], "The connection held"),
        ):
            done = run(*inside, *words, "--proxy", url)
            check((word or good) in done.stdout + done.stderr, f"{words[0]} through {url}: {done.stdout}{done.stderr}")


def check_proxy(arguments, name, relay, workshop):
    url = start_proxy(workshop, name)
    check_probe(arguments, url, relay, workshop)
    check_ping(arguments, url, relay, workshop)
    check_demo(arguments, url)


def check_usage(arguments):
    relay = "relay.example:1:" + "10" * 32
    wrong = [
        "127.0.0.1:1080", "socks4://127.0.0.1", "https://127.0.0.1", f"socks5://user:{PASSWORD}@127.0.0.1",
        f"user:{PASSWORD}@127.0.0.1", "socks5://@127.0.0.1", "socks5://", "socks5://127.0.0.1:0", "socks5://127.0.0.1:65536",
        "socks5://::1:1080", "socks5://us%4er%zz@127.0.0.1", "http://a%3ab@127.0.0.1", "socks5://" + "u" * 256 + "@127.0.0.1",
        "socks5://a b", "", f"socks5://alice:{PASSWORD}", f"http://alice:{PASSWORD}/", f"socks5://alice:{PASSWORD}]",
        f"socks5://alice:{PASSWORD}:1080", f"http://alice:{PASSWORD}/:8080", f"socks5://[alice:{PASSWORD}",
    ]
    for url in wrong:
        for command in (["probe", relay], ["ping", "--relay", relay, "10" * 32], ["demo"]):
            done = run(arguments.program, *command, "--proxy", url)
            check(done.returncode == 2 and done.stderr, f"{command[0]} --proxy {url!r}: {done.returncode} {done.stderr}")
            check_secret(done)
    for words in (["--proxy-password-file", "/dev/null"], ["--proxy", "socks5://127.0.0.1", "--proxy-password-file", "/dev/null"],
                  ["--proxy", "socks5://user@127.0.0.1", "--proxy-password-file", "/no/such/file"]):
        done = run(arguments.program, "probe", relay, *words)
        check(done.returncode == 2 and done.stderr, f"probe {words}: {done.returncode} {done.stderr}")
    done = run(arguments.program, "probe", relay, "--proxy", "socks5://user@127.0.0.1", env=with_password("p" * 256))
    check(done.returncode == 2, f"a password that is too long: {done.stderr}")


def check_tor(arguments, workshop):
    """In a network of its own, where Tor finds no network. It then keeps a request waiting, and refuses private addresses."""
    run("ip", "link", "set", "lo", "up")
    http = free_port()

    def command(socks):
        lines = [f"SocksPort 127.0.0.1:{socks}", f"HTTPTunnelPort 127.0.0.1:{http}", f"DataDirectory {workshop.path('tor')}"]
        return ["tor", "-f", write(workshop.path("torrc"), *lines)]

    _, socks = workshop.start_at_free_port(command, stdout=open(workshop.path("tor.log"), "w", encoding="utf-8"))
    until(lambda: answers(http), "tor answers")
    for url in (f"socks5://stream-of-one-peer@127.0.0.1:{socks}", f"http://127.0.0.1:{http}"):
        environment = with_password(PASSWORD) if "@" in url else None
        for relay, beginning in {
            "relay.example:33445": "the proxy has not connected to the relay in time",
            "127.0.0.1:33445": "the proxy refuses to connect to the relay",
        }.items():
            command = [arguments.program, "probe", "--timeout", "3", "--json", "--proxy", url, f"{relay}:{KEY}"]
            done = run(*command, env=environment)
            why = json.loads(done.stdout)["relays"][0]["why"]
            check(why.startswith(beginning), f"tor as {url}, {relay}: {why}")
            check_secret(done)


def check_tor_alone(arguments):
    """In a network of its own, this script checks Tor."""
    command = [sys.executable, __file__, "--program", arguments.program, "--tor-alone"]
    done = run(*own_namespaces("--net"), *command, limit=240)
    check(done.returncode == 0, f"{done.stdout}{done.stderr}")


def test():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--tor-alone", action="store_true")
    arguments = parser.parse_args()
    if arguments.tor_alone:
        with Workshop() as workshop:
            try:
                check_tor(arguments, workshop)
            except Fault as fault:
                with open(workshop.path("tor.log"), encoding="utf-8") as log:
                    raise Fault(f"{fault}\nThe end of tor's log:\n{log.read()[-LOG_END:]}") from None
        return
    own_mounts = own_namespaces("--mount")
    here = [name for name in PROXIES if shutil.which(name) and (name != "danted" or own_mounts)]
    checks = [functools.partial(check_usage, arguments), functools.partial(in_workshop, check_exposed_password, arguments)]
    with Workshop() as workshop:
        # It listens on all addresses, since a proxy may take any address of `localhost`.
        _, relay = workshop.start_relay(arguments.program, "relay", "--json")
        checks += [functools.partial(in_workshop, check_proxy, arguments, name, relay) for name in here]
        if "microsocks" in here and own_mounts:
            checks.append(functools.partial(in_workshop, check_addresses, arguments, relay))
        has_tor = shutil.which("tor") and own_namespaces("--net")
        if has_tor:
            checks.append(functools.partial(check_tor_alone, arguments))
        at_once(*checks)
    for name in [*(name for name in PROXIES if name not in here), *([] if has_tor else ["tor"])]:
        print(f"not tried, since it is not here: {name}")
    if not here:
        print("skipped: no proxy is here")
        sys.exit(SKIPPED)


main(test)
