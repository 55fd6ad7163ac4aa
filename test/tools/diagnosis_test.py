#!/usr/bin/env python3
"""Whatever is wrong with a relay or a proxy, `toxtcp probe`, `ping` and `demo` print one sentence that tells the cause and
what to do. The manual page lists exactly these sentences. A machine without a route, or without a name server, is a network
namespace of the test's own."""

import argparse
import concurrent.futures
import contextlib
import functools
import http.server
import json
import os
import resource
import shutil
import socket
import ssl
import subprocess
import sys
import threading

from programs import Workshop, at_once, check, free_port, main, own_namespaces, run

KEY = "10" * 32
REFUSED = "the host refuses the connection"
NO_ROUTE = "this machine has no route"
NO_ANSWER = "nothing answers"
NO_DESCRIPTORS = "no file descriptor is left"
NO_NAME = "the host name is not found"
NO_NAME_SERVER = "the host name cannot be looked up"
NO_HOST = "no host answers at this address"
CLOSES = "the connection is closed in the handshake: the relay has another key, or is full"
OTHER_KEY = "the connection is closed in the handshake: the relay has another key, or this is no relay"
FULL = "the connection is closed before the handshake"
SILENT = "the host takes the connection and says nothing"
SERVERS = {
    "a TLS server answers": b"\x15\x03\x01\x00\x02\x02\x46",
    "an SSH server answers": b"SSH-2.0-OpenSSH_9.2p1\r\n",
    "an HTTP server answers": b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
    "something that is not a relay answers": b"220 mail.example ESMTP\r\n",
}


def sentences_of(manual):
    with open(manual, encoding="utf-8") as file:
        section = file.read().partition(".Sh DIAGNOSTICS\n")[2].partition("\n.Sh ")[0]
    return [line.removeprefix(".It ") for line in section.splitlines() if line.startswith(".It ")]


def serve(workshop, said, closes):
    """Starts a server that sends `said` to each client, and then closes or keeps the connection. Returns its port."""
    listener = workshop.enter_context(socket.create_server(("127.0.0.1", 0)))
    kept = []

    def work():
        with contextlib.suppress(OSError):
            while True:
                client = listener.accept()[0]
                client.sendall(said)
                if closes:
                    client.recv(4096)
                    client.close()
                else:
                    kept.append(client)

    threading.Thread(target=work, daemon=True).start()
    return listener.getsockname()[1]


def full_queue(workshop):
    """A port that answers no connection, since the queue of connections that wait to be accepted is full."""
    listener = workshop.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
    for _ in range(4):
        client = workshop.enter_context(socket.socket())
        client.setblocking(False)
        client.connect_ex(listener.getsockname())
    return listener.getsockname()[1]


class Sayings:
    """The sentences that the manual page lists, and those that were printed so far."""

    def __init__(self, manual):
        self.listed = sentences_of(manual)
        self.said = set()

    def excuse(self, *beginnings):
        """Counts sentences as printed whose fault cannot be made here."""
        self.said.update(sentence for sentence in self.listed if sentence.startswith(beginnings))

    def check(self, name, beginning, text):
        told = [sentence for sentence in self.listed if sentence in text]
        check(len(told) == 1 and told[0].startswith(beginning), f"{name}: expected only {beginning!r} in {text!r}")
        self.said.add(told[0])


def check_pings(arguments, workshop, sayings, cases):
    """Where no relay can be used, each mode of `ping` names the cause for each relay. `cases`: pairs of options and relays, each
    relay with the beginning of its sentence. All pings run at the same time, since each waits for a relay that may come up."""
    pings = []
    for options, relays in cases:
        named = [word for relay in relays for word in ("--relay", relay)]
        for mode in ([KEY], ["--data", KEY], ["--listen"]):
            words = ["ping", *options, *named, *mode]
            pings.append((words, relays, workshop.start(arguments.program, *words, stderr=subprocess.PIPE)))
    for words, relays, process in pings:
        stderr = process.communicate(timeout=120)[1]
        check(process.returncode == 1, f"{words}: exit status {process.returncode}")
        for relay, beginning in relays.items():
            told = [line for line in stderr.splitlines() if f" {relay.rpartition(':')[0]} is not connected: " in line]
            check(len(told) == 1, f"{words}: what of {relay}? {stderr}")
            sayings.check(str(words), beginning, told[0])


def check_servers(arguments, sayings):
    with Workshop() as workshop:
        _, good = workshop.start_relay(arguments.program, "relay", "--address", "127.0.0.1", "--json")
        other_key = f"{good.rpartition(':')[0]}:{KEY}"
        wrong = {f"127.0.0.1:{free_port()}:{KEY[:-2]}40": REFUSED, other_key: CLOSES}
        for beginning, said in SERVERS.items():
            for closes in (True, False):
                wrong[f"127.0.0.1:{serve(workshop, said, closes)}:{KEY[:-2]}{len(wrong):02x}"] = beginning
        silent = workshop.enter_context(socket.create_server(("127.0.0.1", 0)))  # the server accepts nothing
        late = {
            f"127.0.0.1:{full_queue(workshop)}:{KEY[:-2]}{len(wrong):02x}": NO_ANSWER,
            f"127.0.0.1:{silent.getsockname()[1]}:{KEY[:-2]}{len(wrong) + 1:02x}": SILENT,
        }
        for options in ([], ["--parallel", "1"]):
            done = run(arguments.program, "probe", "--seconds", "1", "--timeout", "2", "--json", *options, *wrong, *late)
            relays = {f"{one['relay']}:{one['public_key'].lower()}": one for one in json.loads(done.stdout)["relays"]}
            for relay, beginning in (wrong | late | {other_key: OTHER_KEY}).items():
                sayings.check(f"probe {relay}", beginning, relays[relay.lower()]["why"])
        named = [word for relay in (good, *wrong) for word in ("--relay", relay)]
        done = run(arguments.program, "ping", "--count", "2", "--json", *named, KEY)
        relays = {f"{one['relay']}:{one['public_key'].lower()}": one for one in json.loads(done.stdout)["relays"]}
        for relay, beginning in wrong.items():
            sayings.check(f"ping {relay}", beginning, relays[relay.lower()]["why"])
        # Two addresses of one relay, which differ in the cause.
        several = {f"127.0.0.1:{free_port()}:{KEY}": REFUSED, f"127.0.0.1:{silent.getsockname()[1]}:{KEY}": SILENT}
        check_pings(arguments, workshop, sayings, [([], wrong | {other_key: OTHER_KEY}), ([], late), ([], several)])


class Quiet_Server(http.server.ThreadingHTTPServer):
    """Python's web server, for a folder. It answers a request and sends nothing before."""

    def handle_error(self, request, client_address):
        pass  # clients end connections early


class Quiet_Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format, *arguments):
        pass


def start_web_server(workshop, context=None):
    server = workshop.enter_context(Quiet_Server(("127.0.0.1", 0), Quiet_Handler))
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    workshop.callback(server.shutdown)
    return server.server_address[1]


def tls_contexts(workshop):
    """The settings of TLS servers: for all versions, and for the newest alone."""
    if shutil.which("openssl") is None:
        print("openssl, which makes a certificate, is not here: no TLS server was tried")
        return []
    key, certificate = workshop.path("key.pem"), workshop.path("certificate.pem")
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", key, "-out", certificate]
    check(run(*words).returncode == 0, "openssl makes no certificate")
    contexts = [ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) for _ in range(2)]
    contexts[1].minimum_version = ssl.TLSVersion.TLSv1_3
    for context in contexts:
        context.load_cert_chain(certificate, key)
    return contexts


def start_open_proxies(workshop):
    """Starts those proxies that are here, without a password. Returns their URLs."""
    def tinyproxy(port):
        with open(workshop.path("tinyproxy.conf"), "w", encoding="utf-8") as file:
            file.write(f"Port {port}\nListen 127.0.0.1\nTimeout 600\nMaxClients 100\n")
        return ["tinyproxy", "-d", "-c", file.name]

    commands = {
        "microsocks": ("socks5", lambda port: ["microsocks", "-i", "127.0.0.1", "-p", str(port)]),
        "tinyproxy": ("http", tinyproxy),
    }
    urls = []
    for name, (scheme, command) in commands.items():
        if shutil.which(name) is None:
            print(f"{name} is not here: nothing was tried through it")
        else:
            _, port = workshop.start_at_free_port(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            urls.append(f"{scheme}://127.0.0.1:{port}")
    return urls


def check_real_servers(arguments, sayings):
    """Servers that wait for their clients to speak, and a relay with another key, named the same through a proxy as without."""
    with Workshop() as workshop:
        _, good = workshop.start_relay(arguments.program, "relay", "--address", "127.0.0.1", "--json")
        silent = workshop.enter_context(socket.create_server(("127.0.0.1", 0)))
        ports = {
            start_web_server(workshop): ("an HTTP server answers", "refusing"),
            serve(workshop, SERVERS["an SSH server answers"], False): ("an SSH server answers", "refusing"),
            silent.getsockname()[1]: (SILENT, "hung"),
            int(good.split(":")[1]): (OTHER_KEY, "refusing"),
        }
        for context in tls_contexts(workshop):
            ports[start_web_server(workshop, context)] = ("a TLS server answers", "refusing")
        relays = {f"127.0.0.1:{port}:{KEY}": wanted for port, wanted in ports.items()}

        def probe_all(proxy):
            done = run(arguments.program, "probe", "--json", *proxy, good, *relays)
            found = {f"{one['relay']}:{one['public_key'].lower()}": one for one in json.loads(done.stdout)["relays"]}
            check(found[good.lower()]["status"] == "good", f"{proxy}: {found[good.lower()]}")
            for relay, (beginning, status) in relays.items():
                sayings.check(f"probe {relay} {proxy}", beginning, found[relay]["why"])
                check(found[relay]["status"] == status, f"probe {relay} {proxy}: {found[relay]['status']}")

        def ping(proxy, relay):
            done = run(arguments.program, "ping", "--count", "1", *proxy, "--relay", relay, KEY)
            sayings.check(f"ping {relay} {proxy}", relays[relay][0], done.stderr)

        # The pings run at the same time, since each waits long for its relay.
        ways = [[], *(["--proxy", url] for url in start_open_proxies(workshop))]
        with concurrent.futures.ThreadPoolExecutor(len(ways) * (1 + len(relays))) as pool:
            tasks = [pool.submit(probe_all, proxy) for proxy in ways]
            tasks += [pool.submit(ping, proxy, relay) for proxy in ways for relay in relays]
            for task in tasks:
                task.result()


def check_full(arguments, sayings):
    """A relay with as many clients as it may have, and a relay without a file descriptor for one more."""
    with Workshop() as workshop:
        full = workshop.start_relay(arguments.program, "relay", "--address", "127.0.0.1", "--max-clients", "1", "--json")[1]
        client = workshop.start(arguments.program, "ping", "--listen", "--json", "--relay", full)
        check(client.stdout.readline(), "the relay's only client is not connected")
        relays = {full: FULL}
        if arguments.bootstrapd:
            process, address = workshop.start_bootstrapd(arguments.bootstrapd)
            taken = len(os.listdir(f"/proc/{process.pid}/fd"))
            resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (taken + 2, taken + 2))
            relays[address] = SILENT
            for _ in range(4):
                workshop.enter_context(socket.create_connection(("127.0.0.1", int(address.split(":")[1]))))
        for relay, beginning in relays.items():
            sayings.check(f"probe of full {relay}", beginning, run(arguments.program, "probe", "--timeout", "2", relay).stdout)
        check_pings(arguments, workshop, sayings, [([], relays)])


def serve_socks5(workshop, *answers):
    """Starts a SOCKS5 proxy that sends one of `answers` after each read, in order, and then closes. Returns its port."""
    listener = workshop.enter_context(socket.create_server(("127.0.0.1", 0)))

    def serve_one(client):
        with contextlib.suppress(OSError), client:
            for answer in answers:
                client.recv(4096)
                client.sendall(answer)

    def work():
        with contextlib.suppress(OSError):
            while True:
                serve_one(listener.accept()[0])

    threading.Thread(target=work, daemon=True).start()
    return listener.getsockname()[1]


def check_proxies(arguments, sayings):
    with Workshop() as workshop:
        proxies = {
            f"socks5://127.0.0.1:{free_port()}": "the proxy cannot be connected to",
            f"http://127.0.0.1:{serve_socks5(workshop)}": "the proxy closes the connection",
            f"socks5://127.0.0.1:{serve_socks5(workshop)}": "the proxy closes the connection",
            f"socks5://127.0.0.1:{serve(workshop, SERVERS['an SSH server answers'], False)}": "what answers is no proxy",
            f"http://127.0.0.1:{serve(workshop, SERVERS['an SSH server answers'], False)}": "what answers is no proxy",
            f"socks5://127.0.0.1:{serve_socks5(workshop, bytes([5, 0xFF]))}": "the proxy wants a user",
            f"socks5://user@127.0.0.1:{serve_socks5(workshop, bytes([5, 2]), bytes([1, 1]))}": "the proxy wants a user",
            f"socks5://user@127.0.0.1:{serve_socks5(workshop, bytes([5, 0xFF]))}": "the proxy accepts neither",
            f"http://127.0.0.1:{serve(workshop, b'HTTP/1.1 407 Who are you' + bytes([13, 10]), False)}": "the proxy wants a user",
            f"socks5://127.0.0.1:{serve_socks5(workshop, bytes([5, 0]), bytes([5, 2, 0, 1]))}": "the proxy refuses",
            f"http://127.0.0.1:{serve(workshop, b'HTTP/1.1 403 No' + bytes([13, 10]), False)}": "the proxy refuses",
        }
        for proxy, beginning in proxies.items():
            done = run(arguments.program, "probe", "--seconds", "1", "--json", "--proxy", proxy, f"relay.example:33445:{KEY}")
            relay = json.loads(done.stdout)["relays"][0]
            sayings.check(f"probe through {proxy}", beginning, relay["why"])
            check((relay["status"], done.returncode) == ("skipped", 1), f"{proxy} is at fault, not the relay: {relay}")
        pings = [(["--proxy", proxy], {f"relay.example:33445:{KEY}": beginning}) for proxy, beginning in proxies.items()]
        for scheme in ("socks5", "http"):
            silent = f"{scheme}://127.0.0.1:{serve(workshop, b'', False)}"
            done = run(arguments.program, "probe", "--timeout", "2", "--json", "--proxy", silent, f"relay.example:33445:{KEY}")
            relay = json.loads(done.stdout)["relays"][0]
            sayings.check(f"probe through a silent {scheme} proxy", "the proxy has not connected", relay["why"])
            check(relay["status"] == "skipped", f"the proxy is silent, not the relay: {relay}")
            pings.append((["--proxy", silent], {f"relay.example:33445:{KEY}": "the proxy has not connected"}))
        check_pings(arguments, workshop, sayings, pings)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:  # `demo` waits for a while, too
            demos = {proxy: pool.submit(run, arguments.program, "demo", "--json", "--proxy", proxy) for proxy in list(proxies)[::2]}
        for proxy, demo in demos.items():
            check(demo.result().returncode == 1, f"demo through {proxy}: exit status {demo.result().returncode}")
            sayings.check(f"demo through {proxy}", proxies[proxy], demo.result().stderr)
        relay_is_dead = f"socks5://127.0.0.1:{serve_socks5(workshop, bytes([5, 0]), bytes([5, 5, 0, 1]))}"
        done = run(arguments.program, "probe", "--json", "--proxy", relay_is_dead, f"relay.example:33445:{KEY}")
        relay = json.loads(done.stdout)["relays"][0]
        check(relay["status"] == "dead" and "(it says: the relay refuses" in relay["why"], f"the proxy's word: {relay}")


def check_descriptors(arguments, sayings):
    """With few file descriptors, from just enough to start, the program ends with a whole result or the sentence about them."""
    with Workshop() as workshop:
        _, good = workshop.start_relay(arguments.program, "relay", "--address", "127.0.0.1", "--json")
        words = {
            "probe": ["probe", "--seconds", "1", "--json", good],
            "probe, a name": ["probe", "--seconds", "1", "--json", good.replace("127.0.0.1", "localhost"), "--ipv4"],
            "ping": ["ping", "--count", "1", "--relay", good, KEY],
            "demo": ["demo", "--seconds", "5"],
            "ping --data": ["ping", "--data", "--count", "1", "--relay", good, KEY],
            "ping --listen": ["ping", "--listen", "--relay", good],
        }
        # With 10, a listener has enough, and does not end.
        counts = {"ping": (6, 10), "ping --data": (6, 10), "ping --listen": (6,), "demo": (5, 10, 20, 33, 50, 64)}
        for name, command in words.items():
            for count in counts.get(name, (5, 6, 7, 8, 10, 12, 14)):
                done = subprocess.run(
                    [arguments.program, *command], capture_output=True, text=True, timeout=60, check=False,
                    preexec_fn=lambda count=count: resource.setrlimit(resource.RLIMIT_NOFILE, (count, count)),
                )
                is_whole = done.returncode == 0 or "answers no echo" in done.stderr or "does not answer through" in done.stderr
                if not is_whole:
                    check(done.returncode == 1, f"{name}, {count} descriptors: exit status {done.returncode}, {done.stderr}")
                    sayings.check(f"{name}, {count} descriptors", NO_DESCRIPTORS, done.stdout + done.stderr)


def say_all(program, beginning, host, sayings):
    relay = f"{host}:33445:{KEY}"
    sayings.check(f"probe {host}", beginning, run(program, "probe", "--seconds", "1", relay).stdout)
    sayings.check(f"ping {host}", beginning, run(program, "ping", "--count", "1", "--relay", relay, KEY).stderr)


def say_of_proxy(program, beginning, host, sayings):
    relay = f"192.0.2.1:33445:{KEY}"
    for words in (["probe", relay], ["ping", "--relay", relay, KEY], ["demo"]):
        done = run(program, *words, "--proxy", f"socks5://{host}")
        check(done.returncode == 1, f"{words[0]}, a proxy without an address: exit status {done.returncode}")
        sayings.check(f"{words[0]}, a proxy without an address", beginning, done.stderr)


def check_local_network(program, sayings):
    """An address of the local network that no host has, and addresses of many hosts."""
    network = (
        ["link", "add", "toxtcp0", "type", "veth", "peer", "name", "toxtcp1"],
        ["address", "add", "10.9.9.1/24", "dev", "toxtcp0"],
        ["link", "set", "toxtcp0", "up"],
        ["link", "set", "toxtcp1", "up"],
        ["route", "add", "default", "via", "10.9.9.2"],
    )
    if any(run("ip", *words).returncode != 0 for words in network):
        print("no device can be made here: a host that is not there was not tried", file=sys.stderr)
        sayings.excuse(NO_HOST)
        return
    say_all(program, NO_HOST, "10.9.9.2", sayings)
    done = run(program, "probe", "--json", *(f"{host}:33445:{KEY}" for host in ("10.9.9.2", "224.0.0.1", "10.9.9.255")))
    relays = {one["relay"].partition(":")[0]: one for one in json.loads(done.stdout)["relays"]}
    check(relays["10.9.9.2"]["status"] == "dead", f"a host that is not there: {relays['10.9.9.2']}")
    for many in ("224.0.0.1", "10.9.9.255"):
        check(relays[many]["status"] == "skipped", f"not an address of one host: {relays[many]}")
        sayings.check(f"probe {many}", NO_ROUTE, relays[many]["why"])


def inside(program, manual, folder):
    """What is tried in a network namespace that has no route to anywhere."""
    sayings = Sayings(manual)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    say_all(program, NO_ROUTE, "192.0.2.1", sayings)
    say_all(program, NO_ROUTE, "[2001:db8::1]", sayings)
    for name, text in (("resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"), ("nsswitch.conf", "hosts: files\n")):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
        subprocess.run(["mount", "--bind", os.path.join(folder, name), f"/etc/{name}"], check=True)
    say_all(program, NO_NAME, "no-such-host.example", sayings)
    say_of_proxy(program, NO_NAME, "no-such-host.example", sayings)
    with open(os.path.join(folder, "nsswitch.conf"), "w", encoding="utf-8") as file:
        file.write("hosts: dns\n")
    say_all(program, NO_NAME_SERVER, "no-such-host.example", sayings)
    say_of_proxy(program, NO_NAME_SERVER, "no-such-host.example", sayings)
    check_local_network(program, sayings)
    print(json.dumps(sorted(sayings.said)))


def check_own_network(arguments, sayings):
    own_network = own_namespaces("--net", "--mount")
    if not own_network:
        print("no network of its own can be made here: no route and no name were not tried")
        sayings.excuse(NO_ROUTE, NO_HOST, NO_NAME, NO_NAME_SERVER)
        return
    with Workshop() as workshop:
        me = [sys.executable, __file__, "--program", arguments.program, "--manual", arguments.manual]
        done = run(*own_network, *me, "--inside", workshop.folder, limit=300)
        check(done.returncode == 0, f"in a network of its own: {done.stderr}")
        sayings.said.update(json.loads(done.stdout))


def test():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--manual", required=True)
    parser.add_argument("--bootstrapd", help="Debian's relay; without it, none that is out of descriptors is tried")
    parser.add_argument("--sanitized", action="store_true", help="the program takes file descriptors of its own to check itself")
    parser.add_argument("--inside")
    arguments = parser.parse_args()
    if arguments.inside:
        inside(arguments.program, arguments.manual, arguments.inside)
        return
    sayings = Sayings(arguments.manual)
    checks = [check_servers, check_full, check_real_servers, check_proxies, check_own_network]
    if arguments.sanitized:
        sayings.excuse(NO_DESCRIPTORS)
    else:
        checks.append(check_descriptors)
    at_once(*(functools.partial(check_some, arguments, sayings) for check_some in checks))
    never = [sentence for sentence in sayings.listed if sentence not in sayings.said]
    check(not never, f"the manual page lists what is never said: {never}")


main(test)
