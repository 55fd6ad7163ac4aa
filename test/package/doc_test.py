#!/usr/bin/env python3
"""The API reference is made without a warning, and its page on the structure of the library agrees with the code."""

import argparse
import os
import pathlib
import re
import sys
import tempfile

from checkout import run

PAGE = pathlib.Path("tools/doc/architecture.md")
SKIPPED = 77


def check_reference(source, doxygen, faults):
    """Doxygen ends with an error on any warning."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "TOXTCP_SOURCE": str(source), "TOXTCP_DOC": folder}
        output = run(doxygen, source / "tools" / "doc" / "Doxyfile", env=environment)
        if output:
            faults.append(f"doxygen says:\n{output}")
        index = pathlib.Path(folder, "index.html").read_text()
        drawings = re.findall(r"dot_inline_dotgraph_\d+\.svg", index)
        if len(set(drawings)) != 3 or not all(pathlib.Path(folder, name).stat().st_size for name in drawings):
            faults.append(f"the first page must have three drawings, but has {drawings}")
        if not pathlib.Path(folder, "namespacetoxtcp.html").exists():
            faults.append("there is no page for the namespace toxtcp")


def drawing(page, name):
    return re.search(rf"^digraph {name} \{{\n(.*?)^\}}$", page, re.MULTILINE | re.DOTALL)[1]


def drawn_edges(text):
    """The edges of a drawing: (from, to, attributes)."""
    return re.findall(r"^ *(\w+) -> (\w+)(?: \[(.*)\])?;$", text, re.MULTILINE)


def includes(source):
    """The pairs of layers of which the first includes a header of the second, by the code."""
    found = set()
    for file in sorted((source / "lib").glob("*/*")):
        if file.suffix not in (".h", ".cpp"):
            continue
        for opening, name in re.findall(r'^ *#include ([<"])(.*)[>"]', file.read_text(), re.MULTILINE):
            layer, _, rest = name.partition("/")
            if opening == "<" and name.startswith("toxtcp/"):
                found.add((file.parent.name, "public"))
            elif opening == "<" and name.startswith("toxcore/"):
                found.add((file.parent.name, "abi"))
            elif opening == "<" and layer == "sodium.h":
                found.add((file.parent.name, "sodium"))
            elif opening == "<" and layer == "spdlog":
                found.add((file.parent.name, "spdlog"))
            elif opening == '"' and rest and layer != file.parent.name:
                found.add((file.parent.name, layer))
    return found


def check_layers(source, page, faults):
    drawn = {(a, b) for a, b, style in drawn_edges(drawing(page, "layers")) if "dotted" not in style}
    real = includes(source)
    faults += [f"{a} includes {b}, which the page does not show" for a, b in sorted(real - drawn)]
    faults += [f"the page shows that {a} includes {b}, which is not so" for a, b in sorted(drawn - real)]
    layers = {path.name for path in (source / "lib").iterdir() if path.is_dir()}
    missing = layers - {end for edge in drawn for end in edge}
    if missing:
        faults.append(f"layers that the page does not show: {missing}")


def check_states(source, page, faults):
    header = (source / "include" / "toxtcp" / "observe.h").read_text()
    body = re.search(r"enum class Relay_State [^{]*\{(.*?)\}", header, re.DOTALL)[1]
    real = set(re.findall(r"^ *(\w+)", re.sub(r"///?<.*", "", body), re.MULTILINE))
    drawn = {end for a, b, _ in drawn_edges(drawing(page, "states")) for end in (a, b)} - {"added", "gone"}
    if real != drawn:
        faults.append(f"the code has the states {sorted(real)}, the page shows {sorted(drawn)}")


def check_names(source, page, faults):
    """Checks the functions that the page names, and the files and commands that it, CONTRIBUTING.md and README.md name."""
    files = [*(source / "include").rglob("*.h"), *(source / "lib").rglob("*.h"), *(source / "lib").rglob("*.cpp")]
    code = "".join(path.read_text() for path in files)
    for name in sorted(set(re.findall(r"\b(\w+)\(\)", page))):
        if not re.search(rf"\b{name}\(", code):
            faults.append(f"there is no function {name}")
    commands = re.search(r"^demo \| .*\)", (source / "tools" / "dev").read_text(), re.MULTILINE)[0]
    for name in (PAGE, "CONTRIBUTING.md", "README.md"):
        text = (source / name).read_text()
        for path in sorted(set(re.findall(r"(?<![\w./-])((?:lib|include|test|tools)/[\w/.-]*\w)", text))):
            if not (source / path).exists():
                faults.append(f"{name}: there is no {path}")
        for command in sorted(set(re.findall(r"tools/dev (\w+)", text))):
            if not re.search(rf"\b{command}\b", commands):
                faults.append(f"{name}: there is no tools/dev {command}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", required=True, type=pathlib.Path)
    parser.add_argument("--doxygen", help="without: only the page is looked at, and the test counts as skipped")
    arguments = parser.parse_args()
    source = arguments.source.resolve()

    faults = []
    page = (source / PAGE).read_text()
    check_layers(source, page, faults)
    check_states(source, page, faults)
    check_names(source, page, faults)
    if arguments.doxygen:
        check_reference(source, arguments.doxygen, faults)
    for fault in faults:
        print(fault)
    if faults:
        sys.exit(1)
    sys.exit(0 if arguments.doxygen else SKIPPED)


if __name__ == "__main__":
    main()
