#!/usr/bin/env python3
"""Everything that the documents name must exist: files, links, commands, options, names in the code, and test vectors. Each
file that states the project's version states the same one."""

import argparse
import os
import pathlib
import re
import sys

CODE = ("include", "lib", "test", "tools")
TEXT = {".h", ".c", ".cpp", ".py", ".build", ".txt", ".1", ".ini", ".map", ".bash", ".yml"}
# Other projects' files, functions and types.
FOREIGN = {
    "TCP_client.c", "TCP_connection.c", "crypto_box", "crypto_box_beforenm", "do_TCP_connection", "kill_TCP_connection",
    "net_crypto", "sodium_increment", "tox.h",
}


def documents(source):
    paths = [*source.glob("*.md"), *source.glob("docs/*.md"), *source.glob("packages/*.md"), *source.glob("test/**/*.md")]
    return {path.relative_to(source): path.read_text(encoding="utf-8") for path in sorted(paths)}


def read_code(source):
    """All code as one text, and the names of all files."""
    texts, names = [], set()
    for top in (*CODE, "docs", ".github"):
        for folder, _, files in os.walk(source / top):
            for name in files:
                path = pathlib.Path(folder, name)
                names.add(name)
                if path.suffix in TEXT or path.parent.name == "tools" or name == "make_archive":
                    texts.append(path.read_text(encoding="utf-8", errors="replace"))
    for name in ("meson.build", "meson_options.txt", "CMakeLists.txt"):
        names.add(name)
        texts.append((source / name).read_text(encoding="utf-8"))
    return "\n".join(texts), names


def is_path(word):
    return re.match(r"(lib|test|tools|include|docs|examples|debian|packages|subprojects|\.github|\.ci)/[\w./-]*$", word)


def check_links(source, path, text, faults):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if "://" not in target and not (source / path.parent / target).exists():
            faults.append(f"{path}: the link {target} leads nowhere")


def check_words(source, path, text, code, names, faults):
    """Checks the words between backticks."""
    words = set(re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text))
    for word in sorted(words):
        if is_path(word) and "{" not in word:
            if not (source / word).exists():
                faults.append(f"{path}: there is no {word}")
        elif re.fullmatch(r"[\w-]+\.(h|cpp|c|py)", word):
            if word not in names | FOREIGN:
                faults.append(f"{path}: no file is called {word}")
        elif re.fullmatch(r"[A-Za-z]\w*_\w+", word) and word not in FOREIGN:
            if not re.search(rf"\b{re.escape(word)}\b", code):
                faults.append(f"{path}: nothing in the code is called {word}")
        elif re.match(r"[a-z ]+: \w", word):
            if f'TEST("{word}"' not in code and f'TEST_CASE("{word}"' not in code:
                faults.append(f"{path}: no test is called {word}")
        elif re.fullmatch(r"[0-9a-f]{18,}", word) and word not in code.replace('"\n    "', ""):
            faults.append(f"{path}: no test vector is {word}")


def check_commands(path, text, dev, main, benches, faults):
    commands = set(re.search(r"^case \$command in\n(.*?)\) ", dev, re.MULTILINE)[1].replace(" ", "").split("|")) | {"help"}
    own = set(re.findall(r'add_subcommand\("(\w+)"', main))
    for command, rest in re.findall(r"tools/dev (\w+)(?: (\w+))?", text):
        if command not in commands:
            faults.append(f"{path}: tools/dev has no command {command}")
        elif command == "bench" and rest and rest not in benches:
            faults.append(f"{path}: no benchmark is called {rest}")
    for command in re.findall(r"(?:`|^ {4}|/)toxtcp (\w+)", text, re.MULTILINE):
        if command not in own:
            faults.append(f"{path}: toxtcp has no command {command}")


def check_options(path, text, code, dev, faults):
    """Checks the options in lines that name the program or tools/dev."""
    for line in text.splitlines():
        if not re.search(r"toxtcp (probe|ping|top|relay|keygen|demo)|tools/dev|`--", line):
            continue
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", line):
            if not re.search(rf"{option}(?![a-z-])", code + dev):
                faults.append(f"{path}: there is no option {option}")


def check_version(source, faults):
    version = re.search(r"version: '([\d.]+)'", (source / "meson.build").read_text())[1]
    places = {
        "CMakeLists.txt": rf"project\(toxtcp VERSION {version} ",
        "CHANGELOG.md": rf"^## {version} ",
        "debian/changelog": rf"\Atoxtcp \({version}\) ",
        "packages/meson/toxtcp.wrap": rf"^directory = toxtcp-{version}\nsource_filename = toxtcp-{version}\.tar\.xz$",
        "packages/vcpkg/toxtcp/vcpkg.json": rf'"version": "{version}"',
    }
    for name, pattern in places.items():
        if not re.search(pattern, (source / name).read_text(), re.MULTILINE):
            faults.append(f"{name}: another version than {version}, the one in meson.build")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=pathlib.Path)
    source = parser.parse_args().source
    code, names = read_code(source)
    dev = (source / "tools" / "dev").read_text(encoding="utf-8")
    program = (source / "tools" / "main.cpp").read_text(encoding="utf-8")
    benches = set(" ".join(re.findall(r"^(?:long_)?benches=\((.*)\)$", dev, re.MULTILINE)).split())
    texts = documents(source)
    faults = []
    for path, text in texts.items():
        check_links(source, path, text, faults)
        check_words(source, path, text, code, names, faults)
        check_commands(path, text, dev, program, benches, faults)
        check_options(path, text, code, dev, faults)
    check_version(source, faults)
    for fault in faults:
        print(fault)
    if faults or len(texts) < 5:
        sys.exit(f"{len(faults)} faults in {len(texts)} documents")
    print(f"what {len(texts)} documents name is there")


main()
