#!/usr/bin/env python3
"""The page of `toxtcp probe --html` in a browser, at a phone's width: it shows every relay, nothing is wider than the screen,
and the browser reports no error. A second page shows it in a frame and measures it, and the browser prints the result."""

import argparse
import functools
import html
import http.server
import json
import re
import shutil
import sys
import threading

from programs import SKIPPED, Workshop, check, free_port, main, run

WIDTH = 375
LOOKS = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><pre id="found"></pre>
<iframe id="page" src="page.html" style="width:%dpx;height:800px;border:0"></iframe>
<script>
document.getElementById("page").onload = event => {
    const page = event.target.contentDocument;
    const seen = [...page.querySelectorAll("body *")].filter(one => one.getClientRects().length);
    document.getElementById("found").textContent = JSON.stringify({
        text: page.body.innerText,
        width: page.documentElement.scrollWidth,
        letters: Math.min(...seen.filter(one => one.innerText && !one.children.length).map(
            one => parseFloat(page.defaultView.getComputedStyle(one).fontSize))),
        charts: page.querySelectorAll("svg").length,
        background: page.defaultView.getComputedStyle(page.body).backgroundColor,
    });
};
</script>
"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def look(arguments, workshop, port, *options):
    done = run(
        arguments.chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        f"--user-data-dir={workshop.path('profile')}", "--enable-logging=stderr", "--virtual-time-budget=10000",
        *options, "--dump-dom", f"http://127.0.0.1:{port}/looks.html",
        limit=300,
    )
    check(done.returncode == 0, f"the browser ended with {done.returncode}: {done.stderr[-1000:]}")
    complaints = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    check(not complaints, f"the browser complains: {complaints}")
    found = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    check(found and found[1], "the page was not loaded")
    return json.loads(html.unescape(found[1]))


def test():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--stand-in", required=True)
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    arguments = parser.parse_args()
    if arguments.chromium is None:
        print("no chromium here")
        sys.exit(SKIPPED)
    with Workshop() as workshop:
        relays = [
            workshop.start_stand_in(arguments.stand_in, fault)[1]
            for fault in ("kind honest", "flaw loses", "kind silent")
        ]
        relays.append(f"127.0.0.1:{free_port()}:{'10' * 32}")
        page = workshop.path("page.html")
        options = ["--timeout", "3", "--history", workshop.path("history"), "--html", page]
        for seconds in ("1", "3"):  # in the second round the history is not empty
            done = run(arguments.program, "probe", "--seconds", seconds, *options, *relays)
            check(done.returncode == 1, f"exit status {done.returncode}: {done.stderr}")
        with open(workshop.path("looks.html"), "w", encoding="utf-8") as file:
            file.write(LOOKS % WIDTH)
        with http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(Quiet, directory=workshop.folder)
        ) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            light = look(arguments, workshop, server.server_port)
            dark = look(arguments, workshop, server.server_port, "--blink-settings=preferredColorScheme=0")
            server.shutdown()
        for address in relays:
            check(address.rpartition(":")[0] in light["text"], f"{address} is not on the page")
        for status in ("good", "dropping", "hung", "dead"):
            check(status in light["text"], f"no relay is {status} on the page")
        for past in ("day: 100.0 % of 2 good", "week: 0.0 % of 2 good"):
            check(past in light["text"], f"the page does not show the past: {past}")
        check(light["width"] <= WIDTH, f"the page is {light['width']} pixels wide on a screen of {WIDTH}")
        check(light["letters"] >= 11, f"letters of {light['letters']} pixels")
        check(light["charts"] >= 2, "no charts")
        check(light["background"] != dark["background"], f"dark as light: {light['background']}")


main(test)
