#!/usr/bin/env python3
"""What `toxtcp` writes. When standard output is full, closed or without a reader, the program ends and says why. A file that
it replaces keeps its owner and mode. Links, pipes and devices stay what they are. A page that is replaced is never seen in
part."""

import argparse
import contextlib
import json
import os
import resource
import signal
import stat
import subprocess
import threading
import time

from programs import Workshop, check, free_port, main, run, until

NOBODYS_KEY = "10" * 32
NOBODY = 65534
END_OF_PAGE = "</html>"


class Place:
    def __init__(self, arguments, workshop):
        self.program = arguments.program
        self.workshop = workshop
        _, self.relay = workshop.start_relay(self.program, "relay", "--address", "127.0.0.1", "--json")
        self.dead = f"127.0.0.1:{free_port()}:{NOBODYS_KEY}"
        self.short = ["--seconds", "1", "--timeout", "2"]

    def printing(self):
        """Commands that go on for long, or print late."""
        return {
            "probe": ["probe", *self.short, self.relay],
            "probe --json": ["probe", "--json", self.dead],
            "probe --watch": ["probe", "--watch", "--interval", "3600", "--json", self.dead],
            "ping": ["ping", "--relay", self.relay, NOBODYS_KEY],
            "ping --json": ["ping", "--count", "1", "--json", "--relay", self.relay, NOBODYS_KEY],
            "ping --data": ["ping", "--data", "--relay", self.relay, NOBODYS_KEY],
            "ping --listen": ["ping", "--listen", "--relay", self.relay],
            "demo": ["demo", "--seconds", "5"],
            "demo --json": ["demo", "--seconds", "5", "--json"],
        }

    def at_once(self):
        """Commands that print at once."""
        return {
            "relay": ["relay", "--address", "127.0.0.1"],
            "keygen": ["keygen", self.workshop.path("made-key")],
            "--help": ["--help"],
            "probe --help": ["probe", "--help"],
            "--version": ["--version"],
        }

    def page(self, path, *options, **how):
        """Writes the page of a dead relay, which takes no time to probe."""
        return run(self.program, "probe", "--html", path, *options, self.dead, **how)


def complains(name, done, word):
    check(done.returncode == 1, f"{name}: exit status {done.returncode}, {done.stderr}")
    check(word in done.stderr, f"{name}: it does not say why it ended: {done.stderr}")


def check_full(place):
    for name, words in (place.printing() | place.at_once()).items():
        with open("/dev/full", "w", encoding="utf-8") as full:
            process = place.workshop.start(place.program, *words, stdout=full, stderr=subprocess.PIPE)
            said = process.communicate(timeout=60)[1]
        check(process.returncode == 1, f"{name} >/dev/full: exit status {process.returncode}, {said}")
        check("standard output" in said, f"{name} >/dev/full: {said}")


def check_closed(place):
    with contextlib.suppress(FileNotFoundError):
        os.remove(place.workshop.path("made-key"))
    for name, words in (place.printing() | place.at_once()).items():
        done = subprocess.run(
            [place.program, *words], preexec_fn=lambda: os.close(1), stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )
        complains(f"{name} >&-", done, "standard output")
    check(not os.path.exists(place.workshop.path("made-key")), "a key file was made, though the key could not be printed")


def start_with_reader(place, *words):
    """The process, and the other end of its standard output."""
    reading, writing = os.pipe()
    process = place.workshop.start(place.program, *words, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    return process, os.fdopen(reading, encoding="utf-8")


def check_no_reader(place):
    """Without a reader the program ends, also while it has nothing to print for an hour."""
    for name, words in place.printing().items():
        process, reader = start_with_reader(place, *words)
        if name in ("probe --watch", "ping", "ping --listen", "demo"):
            check(reader.readline(), f"{name} prints nothing")
        reader.close()
        process.wait(timeout=60)
        said = process.stderr.read()
        check(process.returncode == 1, f"{name}: exit status {process.returncode} without a reader, {said}")
        check("nobody reads" in said, f"{name}: it does not say why it ended: {said}")


def check_nothing_more_to_print(place):
    """A relay, and a listener that prints JSON, print once. They go on when the reader has ended after that."""
    _, reader = start_with_reader(place, "relay", "--address", "127.0.0.1", "--json")
    with reader:
        ready = json.loads(reader.readline())
    address = f"{ready['address']}:{ready['public_key']}"
    _, reader = start_with_reader(place, "ping", "--listen", "--json", "--relay", address)
    with reader:
        key = json.loads(reader.readline())["public_key"]
    time.sleep(1.5)  # longer than the pause after which the program looks for its reader
    done = run(place.program, "ping", "--count", "2", "--interval", "0.2", "--relay", address, key)
    check(done.returncode == 0, f"a relay or a listener ended with its reader: {done.stderr}")


def check_stuck_reader(place):
    """The pipe is full and nobody reads it. A signal still ends the program."""
    reading, writing = os.pipe()
    place.workshop.callback(os.close, reading)
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b"x" * 4096)
    os.set_blocking(writing, True)
    for name in ("probe --json", "ping", "ping --listen", "demo", "demo --json"):
        process = place.workshop.start(place.program, *place.printing()[name], stdout=writing, stderr=subprocess.PIPE)
        time.sleep(1.5)
        check(process.poll() is None, f"{name}: ended, and its pipe is full: {process.returncode}")
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)
    os.close(writing)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text, mode=0o644):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


def is_page(text):
    return text.startswith("<!") and text.rstrip().endswith(END_OF_PAGE)


def check_new_file(place):
    path = place.workshop.path("new.html")
    check(place.page(path).returncode == 1 and is_page(read(path)), "a new page")
    done = place.page(place.workshop.path("no/folder/page.html"))
    check(done.returncode == 1 and "no/folder" in done.stderr, f"a folder that is not there: {done.stderr}")
    done = place.page(place.workshop.folder)
    check(done.returncode == 1 and "directory" in done.stderr, f"a folder: {done.stderr}")
    longest = place.workshop.path("a" * 250 + ".html")
    check(place.page(longest).returncode == 1 and is_page(read(longest)), "a name as long as names can be")


def check_snapshot(place):
    """A demo whose snapshot cannot be written says so once, and fails."""
    done = run(place.program, "demo", "--seconds", "5", "--snapshot", place.workshop.path("no/folder/snapshot"))
    complains("demo --snapshot", done, "no/folder/snapshot")
    check(done.stderr.count("no/folder") == 1, f"it complains of each snapshot: {done.stderr}")


def check_control_characters(place):
    """Errors show control characters as \\xNN, and letters of all languages as they are."""
    folder = place.workshop.path("no/")
    for name, shown in ((b"\x1b[31m\x7f\xc2\x9b\xc3\xa9\xe7\xaf\x80", r"\x1b[31m\x7f\xc2\x9bé節"), (b"\x9b31m\xff\xc3", r"\x9b31m\xff\xc3")):
        path = os.fsencode(folder) + name
        for words in (
            ["probe", "--nodes", path], ["probe", "--html", path, place.dead], ["demo", path], ["demo", b"--" + name],
            ["demo", "--proxy", "socks5://a@[::1]", "--proxy-password-file", path], ["relay", "--key-file", path],
            ["relay", "--config", path], ["keygen", path], ["top", "--once", path],
            ["ping", "--listen", "--relay", place.relay, "--key-file", path],
        ):
            done = subprocess.run([place.program, *words], capture_output=True, timeout=60, check=False)
            said = done.stderr.decode("utf-8")  # fails for a byte that is not UTF-8
            controls = [c for c in said if c != "\n" and (c < " " or "\x7f" <= c < "\xa0")]
            check(done.returncode != 0 and not controls and shown in said, f"{words}: {said!r}")


def check_links_and_modes(place):
    path, link, farther = (place.workshop.path(name) for name in ("page.html", "link.html", "sub/farther.html"))
    write(path, "old", 0o640)
    os.mkdir(place.workshop.path("sub"))
    os.symlink("page.html", link)
    os.symlink("../link.html", farther)
    place.page(farther)
    check(os.path.islink(farther) and os.path.islink(link), "a link became a file")
    check(is_page(read(path)), "what the links lead to was not written")
    check(stat.S_IMODE(os.stat(path).st_mode) == 0o640, f"another mode: {os.stat(path).st_mode:o}")
    check(not [name for name in os.listdir(place.workshop.folder) if "new-" in name], "a file was left over")

    os.symlink("not-yet.html", place.workshop.path("dangling.html"))
    place.page(place.workshop.path("dangling.html"))
    check(is_page(read(place.workshop.path("not-yet.html"))), "a link to what is not there yet")

    os.link(path, place.workshop.path("other-name.html"))
    write(path, "old", 0o640)
    place.page(path)
    check(is_page(read(place.workshop.path("other-name.html"))), "a file with two names is two files")


def check_owners(place):
    if os.geteuid() != 0:
        print("owners not tried: that needs root")
        return
    path = place.workshop.path("another's.html")
    write(path, "old", 0o664)
    os.chown(path, NOBODY, NOBODY)
    place.page(path)
    status = os.stat(path)
    check(is_page(read(path)) and (status.st_uid, status.st_gid) == (NOBODY, NOBODY), "another owner")

    # A user who may write the file, but may neither write the folder nor change a file's owner.
    os.chmod(place.workshop.folder, 0o755)
    write(path, "old" * 100_000, 0o666)
    os.chown(path, 0, 0)
    before = os.stat(path).st_ino
    done = place.page(path, user=NOBODY, group=NOBODY, extra_groups=[])
    status = os.stat(path)
    check(is_page(read(path)), f"a file that may be written and not replaced: {done.stderr}")
    check((status.st_ino, status.st_uid, status.st_mode & 0o777) == (before, 0, 0o666), "it is another file")

    os.chmod(place.workshop.folder, 0o777)
    write(path, "old", 0o444)
    done = place.page(path, user=NOBODY, group=NOBODY, extra_groups=[])
    check(read(path) == "old" and "ermission" in done.stderr, f"a file that was made read-only: {done.stderr}")


def check_pipes(place):
    path = place.workshop.path("pipe")
    os.mkfifo(path)
    done = place.page(path)
    check(done.returncode == 1 and "no program reads" in done.stderr, f"a pipe that nobody reads: {done.stderr}")
    got = []
    reader = threading.Thread(target=lambda: got.append(read(path)))
    reader.start()
    # The pipe has no reader until the thread has opened it.
    until(lambda: "no program reads" not in place.page(path).stderr, "the page is in the pipe")
    reader.join(timeout=60)
    check(got and is_page(got[0]) and stat.S_ISFIFO(os.stat(path).st_mode), "a pipe")

    done = place.page("/dev/stdout", "--json")
    check(done.stdout.startswith("{") and is_page(done.stdout[done.stdout.index("<!"):]), "/dev/stdout, a pipe")
    with open(place.workshop.path("both"), "w+", encoding="utf-8") as file:
        process = place.workshop.start(
            place.program, "probe", "--json", "--html", "/dev/stdout", "--prometheus", "/dev/fd/1", place.dead, stdout=file
        )
        process.wait(timeout=60)
        file.seek(0)
        both = file.read()
    check(both.startswith("{") and "<!" in both and END_OF_PAGE in both and both.rstrip()[-1].isdigit(), "/dev/stdout, a file")


def check_devices(place):
    # Devices of the test's own, never those of the machine.
    devices = {"null": (1, 3), "full": (1, 7)}
    try:
        for name, number in devices.items():
            os.mknod(place.workshop.path(name), 0o666 | stat.S_IFCHR, os.makedev(*number))
        with open(place.workshop.path("null"), "w", encoding="utf-8") as null:
            null.write("x")
    except OSError:
        print("devices not tried: none can be made here")
        return
    null, full = (place.workshop.path(name) for name in devices)
    done = place.page(null, "--prometheus", full)
    check(stat.S_ISCHR(os.stat(null).st_mode) and stat.S_ISCHR(os.stat(full).st_mode), "a device became a file")
    check(done.returncode == 1 and full in done.stderr and null not in done.stderr, f"a full device: {done.stderr}")


def limit_files(size):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def check_no_room(place):
    for name, links in (("alone.html", 1), ("two-names.html", 2)):
        path = place.workshop.path(name)
        write(path, "old")
        if links == 2:
            os.link(path, path + ".link")
        done = subprocess.run(
            [place.program, "probe", "--html", path, place.dead], preexec_fn=lambda: limit_files(1000), restore_signals=False,
            capture_output=True, text=True, timeout=60, check=False,
        )
        check(done.returncode == 1 and path in done.stderr, f"no room: {done.returncode}, {done.stderr}")
        check(read(path) == "old", "a page that did not fit is there in part")
    check(not [name for name in os.listdir(place.workshop.folder) if "new-" in name], "a file was left over")


def check_never_half(place):
    """A page that is read at any time is whole."""
    path = place.workshop.path("watched.html")
    relays = [f"127.0.0.1:{free_port()}:{NOBODYS_KEY}" for _ in range(40)]
    watching = place.workshop.start(
        place.program, "probe", "--watch", "--interval", "1", "--html", path, *relays, stdout=subprocess.DEVNULL
    )
    until(lambda: os.path.exists(path), "the first page")
    seen = set()
    end = time.monotonic() + 60
    while len(seen) < 4 and time.monotonic() < end:
        text = read(path)
        check(is_page(text), f"a page of {len(text)} characters, half written")
        seen.add(text)
    check(len(seen) == 4, "the page is not written anew")
    watching.send_signal(signal.SIGTERM)
    watching.wait(timeout=20)


def test():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    arguments = parser.parse_args()
    with Workshop() as workshop:
        place = Place(arguments, workshop)
        for one in (check_full, check_closed, check_no_reader, check_nothing_more_to_print, check_stuck_reader, check_new_file,
                    check_snapshot, check_control_characters,
                    check_links_and_modes, check_owners, check_pipes, check_devices, check_no_room, check_never_half):
            one(place)


main(test)
