#!/usr/bin/env python3
"""What `toxtcp` reads: values on the command line and in a file of options, node lists, key files, from files and from
pipes. An error names the value, what is wrong and what is allowed, and the exit status is as the help says."""

import argparse
import json
import os
import signal
import subprocess
import threading
import time

from programs import Workshop, check, free_port, main, run

KEY = "10" * 32
NULL_KEY = "00" * 32
WRONG_NUMBERS = ["", "-1", "+1", "1 ", "0x10", "1e1", "1.5.1", "nan", "inf", "99999999999999999999", "12x"]
ALLOWED = "llowed is "


def check_usage(name, done, value):
    check(done.returncode == 2, f"{name} {value!r}: exit status {done.returncode}")
    check(not done.stdout, f"{name} {value!r}: an error is printed on standard output")
    check(value[:40] in done.stderr and ALLOWED in done.stderr, f"{name} {value!r}: {done.stderr}")


def check_options(program):
    """Each option that takes a number or a time refuses each text that is not one."""
    relay = f"127.0.0.1:9:{KEY}"
    needed = {"demo": [], "relay": [], "probe": [relay], "ping": ["--relay", relay, KEY], "top": ["/dev/null"]}
    options = {
        "demo": ["--seconds", "--rate"],
        "relay": ["--port", "--max-clients"],
        "probe": ["--seconds", "--rate", "--timeout", "--parallel", "--interval"],
        "ping": ["--count", "--interval", "--size"],
        "top": ["--interval"],
    }
    for command, names in options.items():
        for name in names:
            for value in WRONG_NUMBERS:
                words = ["--data"] if name == "--size" else []
                done = run(program, command, *words, name, value, *needed[command])
                check_usage(f"{command} {name}", done, value)
                check(name in done.stderr, f"{command} {name} {value!r}: the error does not name the option: {done.stderr}")
    for command, name in (("probe", "--html"), ("probe", "--prometheus"), ("probe", "--nodes"), ("relay", "--key-file"),
                          ("relay", "--config"), ("demo", "--snapshot")):
        check_usage(f"{command} {name}", run(program, command, name, "", *needed[command]), "")
    for value in ("localhost", "192.0.2.256", "fe80::1%lo", "fe80::1", "[::1", "0x7f000001"):
        check_usage("relay --address", run(program, "relay", "--address", value), value)
    for value in (NULL_KEY, "00" * 31 + "80", "01" + "00" * 31, KEY[1:], KEY + "0", KEY[1:] + "g", "A" * 76):
        check_usage("probe", run(program, "probe", f"127.0.0.1:9:{value}"), value)
        check_usage("ping", run(program, "ping", "--relay", relay, value), value)
        check_usage("ping --relay", run(program, "ping", "--relay", f"127.0.0.1:9:{value}", KEY), value)
    for host, port in (("127.0.0.1", "0"), ("127.0.0.1", "65536"), ("127.0.0.1", "0x1"), ("[fe80::1%lo]", "9"), ("a b", "9")):
        value = f"{host}:{port}:{KEY}"
        check_usage("probe", run(program, "probe", value), value)
        check_usage("ping --relay", run(program, "ping", "--relay", value, KEY), value)


def start_relay(workshop, program, *words):
    return workshop.start_relay(program, "relay", "--json", *words)


def write(path, content):
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())
    return path


def check_decimal(program):
    """Zeros in front do not make a number octal, on the command line and in a file."""
    with Workshop() as workshop:
        port = free_port()
        for words in (["--port", f"0{port}"], ["--config", write(workshop.path("conf"), f"port = 0{port}\n")]):
            process, address = start_relay(workshop, program, "--address", "127.0.0.1", *words)
            check(address.split(":")[1] == str(port), f"{words}: {address}")
            process.kill()
            process.wait()


def check_config(program):
    with Workshop() as workshop:
        port = free_port()
        good = b'\xef\xbb\xbf# a relay\r\nport = %d\r\naddress = "127.0.0.1" # ours\r\nmax-clients = 7\r\n' % port
        process, address = start_relay(workshop, program, "--config", write(workshop.path("conf"), good))
        check(address.startswith(f"127.0.0.1:{port}:"), f"a file with a byte-order mark: {address}")
        process.kill()
        process.wait()
        other = free_port()
        _, address = start_relay(workshop, program, "--config", workshop.path("conf"), "--port", str(other))
        check(address.startswith(f"127.0.0.1:{other}:"), f"the command line does not win: {address}")
        wrong = {
            "port =": "line 2", "port": "line 2", 'key-file = ""': "line 2", "port = 0x1": "0x1", "port = 70000": "70000",
            "max-clients = 0": "max-clients", "json = maybe": "maybe", "json = ": "json", "[relay]": "section",
            "prot = 7": "prot", "help = true": "help", "config = x": "config", "address = localhost": "localhost",
            "port = 1\nport = 2": "twice", 'port = "443': "quotation", "port = 443 7": "443 7",
        }
        for text, word in wrong.items():
            path = write(workshop.path("conf"), f"# a relay\n{text}\n")
            done = run(program, "relay", "--config", path)
            check(done.returncode == 2, f"{text!r}: exit status {done.returncode}")
            check(path in done.stderr and "line " in done.stderr and word in done.stderr, f"{text!r}: {done.stderr}")
        for path in (workshop.path("nothing"), workshop.folder):
            done = run(program, "relay", "--config", path)
            check(done.returncode == 2 and path in done.stderr, f"{path}: {done.returncode}, {done.stderr}")


def node(address, **members):
    host, port, key = address.split(":")
    return {"ipv4": host, "ipv6": "-", "tcp_ports": [int(port)], "public_key": key, **members}


def probe_list(program, path, *options):
    return run(program, "probe", "--seconds", "1", "--timeout", "5", "--json", *options, "--nodes", path)


def check_nodes(program):
    with Workshop() as workshop:
        path = workshop.path("nodes.json")
        _, first = start_relay(workshop, program, "--address", "127.0.0.1")
        _, second = start_relay(workshop, program, "--address", "127.0.0.1")
        good = {"nodes": [node(first, ipv6="NONE", unknown={"a": [1]}), node(second, tcp_ports=second.split(":")[1])]}
        done = probe_list(program, write(path, b"\xef\xbb\xbf" + json.dumps(good).encode()))
        check(done.returncode == 0 and not done.stderr, f"a list that is clear enough: {done.returncode}, {done.stderr}")
        check(len(json.loads(done.stdout)["relays"]) == 2, "not both relays are probed")

        for bad in ('{"ipv4": "127.0.0.1", "tcp_ports": [0], "public_key": "%s"}' % KEY, '{"ipv4" "x"}', "7",
                    json.dumps(node(first, ipv4="fe80::1%lo")), json.dumps(node(first, public_key=NULL_KEY))):
            text = '{"nodes": [\n' + json.dumps(node(first)) + ",\n" + bad + ",\n" + json.dumps(node(second)) + "]}"
            done = probe_list(program, write(path, text))
            relays = json.loads(done.stdout)["relays"]
            check([one["status"] for one in relays] == ["good", "good"], f"{bad}: {relays}")
            check(done.returncode == 1, f"{bad} could not be probed: exit status {done.returncode}")
            check(f"{path} line 3, column " in done.stderr and "left out" in done.stderr, f"{bad}: {done.stderr}")

        whole = json.dumps(good)
        for name, content in (("cut off", whole[: len(whole) // 2]), ("UTF-16", whole.encode("utf-16")), ("empty", ""),
                              ("no node list", "<html>"), ("no node list", '{"nodes": {}}')):
            done = probe_list(program, write(path, content))
            check(done.returncode == 2, f"{name}: exit status {done.returncode}")
            check(f"{path} line " in done.stderr and name in done.stderr, f"{name}: {done.stderr}")


def write_slowly(path, content):
    """Writes to a pipe in two parts, on a thread. Returns the thread."""
    def work():
        with open(path, "w", encoding="utf-8") as pipe:
            time.sleep(2.5)  # the program has to wait for a pipe's writer without limit
            pipe.write(content[: len(content) // 2])
            pipe.flush()
            time.sleep(2.5)
            pipe.write(content[len(content) // 2:])

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def check_pipes(program):
    """A pipe is waited for, and its reader can be interrupted."""
    with Workshop() as workshop:
        pipe = workshop.path("pipe")
        os.mkfifo(pipe)
        _, address = start_relay(workshop, program, "--address", "127.0.0.1")
        writer = write_slowly(pipe, json.dumps({"nodes": [node(address)]}))
        done = probe_list(program, pipe)
        writer.join()
        check(done.returncode == 0, f"a node list that comes slowly: {done.stderr}")
        command = f"{program} probe --seconds 1 --nodes <(sleep 2.5; cat '{write(workshop.path('nodes'), json.dumps([node(address)]))}')"
        done = run("bash", "-c", command)
        check(done.returncode == 0, f"the output of a slow command: {done.stderr}")

        writer = write_slowly(pipe, "20" * 32 + "\n")
        process, with_key = start_relay(workshop, program, "--address", "127.0.0.1", "--key-file", pipe)
        writer.join()
        check(with_key.split(":")[2] != address.split(":")[2] and process.poll() is None, "a key that comes slowly")

        with_password = ["--proxy", "socks5://user@127.0.0.1", "--proxy-password-file", pipe]
        for words in (["relay", "--key-file", pipe], ["relay", "--config", pipe], ["probe", "--nodes", pipe],
                      ["ping", "--listen", "--key-file", pipe, "--relay", address],
                      ["ping", *with_password, "--relay", address, KEY],
                      ["ping", *with_password, "--data", "--relay", address, KEY],
                      ["ping", *with_password, "--listen", "--relay", address], ["probe", *with_password, address]):
            process = workshop.start(program, *words)
            time.sleep(0.5)
            check(process.poll() is None, f"{words} does not wait for the pipe")
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=20)


def check_key_files(program):
    with Workshop() as workshop:
        secret = "2" * 64
        link = workshop.path("link")
        os.symlink(workshop.path("behind-the-link"), link)
        _, address = start_relay(workshop, program, "--address", "127.0.0.1", "--key-file", link)
        check(os.path.islink(link) and os.path.isfile(workshop.path("behind-the-link")), "a link to a key that is to be made")
        _, again = start_relay(workshop, program, "--address", "127.0.0.1", "--key-file", link)
        check(address.split(":")[2] == again.split(":")[2], "the key that was made is not read")
        for name, content in (("empty", ""), ("longer", secret + secret), ("hexadecimal", secret[1:] + "x"), ("63", secret[1:])):
            path = write(workshop.path("key"), content)
            for words in (["relay"], ["ping", "--listen", "--relay", address]):
                done = run(program, *words, "--key-file", path)
                check(done.returncode == 1 and path in done.stderr and name in done.stderr, f"{name}: {done.stderr}")
                check(secret[1:] not in done.stderr, "an error shows a secret key")
        for path in (workshop.folder, workshop.path("no/folder/key")):
            done = run(program, "relay", "--key-file", path)
            check(done.returncode == 1 and path in done.stderr, f"{path}: {done.stderr}")


def check_relay_that_comes_later(program):
    """A relay that is down at the first attempt is tried again for as long as it is wanted."""
    with Workshop() as workshop:
        port = free_port()
        key_file = workshop.path("key")
        key = run(program, "keygen", key_file).stdout.strip()
        address = f"127.0.0.1:{port}:{key}"
        listener = workshop.start(program, "ping", "--listen", "--json", "--relay", address)
        pinger = workshop.start(program, "ping", "--count", "3", "--json", "--relay", address, KEY, stderr=subprocess.PIPE)
        time.sleep(3)
        check(listener.poll() is None and pinger.poll() is None, "a relay that is down at first is given up")
        start_relay(workshop, program, "--address", "127.0.0.1", "--port", str(port), "--key-file", key_file)
        check(json.loads(listener.stdout.readline())["public_key"], "the listener does not find the relay")
        report = json.loads(pinger.communicate(timeout=60)[0])
        check(report["relays"][0]["connected"] and report["relays"][0]["sent"] > 0, f"the relay is not used: {report}")


def test():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    program = parser.parse_args().program
    for one in (check_options, check_decimal, check_config, check_nodes, check_pipes, check_key_files, check_relay_that_comes_later):
        one(program)


main(test)
