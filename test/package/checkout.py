"""What the tests of the package share: a copy of this checkout, and commands that have to succeed."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

# What the tests of the package do is mostly to compile. Tests beside them look at the clock.
os.nice(10)

# None of these is what -Dlog=none needs.
LOG_LIBRARIES = ("spdlog", "libfmt", "/fmt/")

IDENTITY = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"]


def run(*words, **options):
    """What the command printed, errors included; the test ends here when it fails."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, **options}
    done = subprocess.run([str(word) for word in words], check=False, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))}\nended with {done.returncode}\n{done.stdout or ''}")
    return done.stdout


def files_of(source):
    """All files that are part of the project, committed or not yet."""
    if (source / ".git").exists():
        words = ["git", "-C", source, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = run(*words, stderr=None).split("\0")
    else:
        names = []
        for folder, folders, files in os.walk(source):
            inside = pathlib.Path(folder).relative_to(source)
            # A folder that something was built in.
            folders[:] = [name for name in folders if not (source / inside / name / "build.ninja").exists()]
            folders[:] = [name for name in folders if inside / name != pathlib.Path("build")]
            names += [str(inside / name) for name in files]
    return sorted(name for name in set(names) if name and (source / name).is_file())


def copy_checkout(source, target):
    for name in files_of(source):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / name, target / name)


def new_repository(source, target):
    """A repository whose one commit is the checkout as it is now."""
    copy_checkout(source, target)
    run("git", "init", "-q", "-b", "main", cwd=target)
    run("git", *IDENTITY, "add", "-A", cwd=target)
    run("git", *IDENTITY, "commit", "-q", "-m", "as it is", cwd=target)


def must_not_warn(output, what):
    lines = [line for line in output.splitlines() if "warning" in line.lower() or "deprecat" in line.lower()]
    if lines:
        sys.exit(f"{what} warns:\n" + "\n".join(lines))


def introspect(meson, build, what):
    return json.loads(run(meson, "introspect", f"--{what}", build, stderr=None))


def compiler_of(output):
    """What `meson setup` said of the C++ compiler: its kind, version, and where that is from."""
    found = re.search(r"^C\+\+ compiler for the host machine: .*? \((\S+ \S+)", output, re.MULTILINE)
    return found[1] if found else sys.exit(f"meson setup does not tell the compiler:\n{output}")


def library_files(meson, build):
    """The library, static and shared, as ninja names it."""
    names = [
        os.path.relpath(name, build)
        for target in introspect(meson, build, "targets")
        if target["name"] == "toxtcp" and "library" in target["type"]
        for name in target["filename"]
    ]
    if len(names) != 2:
        sys.exit(f"the library is {names}")
    return names


def no_log_library(build, names):
    """Nothing was compiled with a library for the log, nor is anything linked with one."""
    seen = run("ninja", "-C", build, "-t", "deps")
    if "system_host.cpp" not in seen:
        sys.exit("ninja does not tell what files were read")
    for name in names:
        if ".so" in name:
            seen += run("objdump", "-p", build / name)
    lines = [line.strip() for line in seen.splitlines() if any(library in line for library in LOG_LIBRARIES)]
    if lines:
        sys.exit("without a log, it still needs:\n" + "\n".join(sorted(set(lines))))
