"""Shared by the tests of the package: their folders, copies of this checkout, and commands that must succeed."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

# The tests of the package mostly compile. They must not slow down other tests, some of which depend on time.
os.nice(10)

# What they compile seldom changes from one run to the next. Meson finds ccache by itself, CMake has to be told.
CCACHE = [shutil.which("ccache")] if shutil.which("ccache") else []
if CCACHE:
    for language in ("C", "CXX"):
        os.environ.setdefault(f"CMAKE_{language}_COMPILER_LAUNCHER", CCACHE[0])

# Names of the libraries for the log. A build with -Dlog=none must not need them.
LOG_LIBRARIES = ("spdlog", "libfmt", "/fmt/")

IDENTITY = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"]


def compilers(cc, cxx):
    """The environment variables that choose these compilers, and have their results kept."""
    return {"CC": " ".join([*CCACHE, cc]), "CXX": " ".join([*CCACHE, cxx])}


def without_cache(compiler):
    """Leaves out a compiler cache that Meson has put before the compiler."""
    is_cache = pathlib.Path(compiler[0]).name in ("ccache", "sccache")
    return compiler[1:] if is_cache and len(compiler) > 1 else compiler


@contextlib.contextmanager
def work_folder():
    """An empty folder in the current one, which is Meson's build folder. Its path is the same in each run, or ccache would know
    nothing in it again. It is left there if the test fails."""
    folder = pathlib.Path.cwd() / "package-tests" / pathlib.Path(sys.argv[0]).stem
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    yield folder
    shutil.rmtree(folder)


def run(*words, **options):
    """Runs a command and returns its output, with its errors. Ends the test if the command fails."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, **options}
    done = subprocess.run([str(word) for word in words], check=False, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))}\nended with {done.returncode}\n{done.stdout or ''}")
    return done.stdout


def files_of(source):
    """All files of the project, committed or not."""
    if (source / ".git").exists():
        words = ["git", "-C", source, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = run(*words, stderr=None).split("\0")
    else:
        names = []
        for folder, folders, files in os.walk(source):
            inside = pathlib.Path(folder).relative_to(source)
            # Build folders are left out.
            folders[:] = [name for name in folders if not (source / inside / name / "build.ninja").exists()]
            folders[:] = [name for name in folders if inside / name != pathlib.Path("build")]
            names += [str(inside / name) for name in files]
    return sorted(name for name in set(names) if name and (source / name).is_file())


def copy_checkout(source, target):
    for name in files_of(source):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / name, target / name)


def new_repository(source, target):
    """Makes a repository with one commit: the checkout as it is now."""
    copy_checkout(source, target)
    run("git", "init", "-q", "-b", "main", cwd=target)
    run("git", *IDENTITY, "add", "-A", cwd=target)
    run("git", *IDENTITY, "commit", "-q", "-m", "as it is", cwd=target)


# Make warns of files from the future after the machine's clock was set back.
OF_THE_CLOCK = ("Clock skew detected", "modification time")


def must_not_warn(output, what):
    lines = [line for line in output.splitlines() if "warning" in line.lower() or "deprecat" in line.lower()]
    lines = [line for line in lines if not any(words in line for words in OF_THE_CLOCK)]
    if lines:
        sys.exit(f"{what} warns:\n" + "\n".join(lines))


def introspect(meson, build, what):
    return json.loads(run(meson, "introspect", f"--{what}", build, stderr=None))


def compiler_of(output):
    """The name and version of the C++ compiler, as `meson setup` printed them."""
    found = re.search(r"^C\+\+ compiler for the host machine: .*? \((\S+ \S+)", output, re.MULTILINE)
    return found[1] if found else sys.exit(f"meson setup names no compiler:\n{output}")


def library_files(meson, build):
    """The static and the shared library, by the names of their targets in ninja."""
    names = [
        os.path.relpath(name, build)
        for target in introspect(meson, build, "targets")
        if target["name"] == "toxtcp" and "library" in target["type"]
        for name in target["filename"]
    ]
    if len(names) != 2:
        sys.exit(f"expected a static and a shared library, found {names}")
    return names


def no_log_library(build, names):
    """Checks that nothing was compiled or linked with a library for the log."""
    seen = run("ninja", "-C", build, "-t", "deps")
    if "system_host.cpp" not in seen:
        sys.exit("ninja does not list the files that were read")
    for name in names:
        if ".so" in name:
            seen += run("objdump", "-p", build / name)
    lines = [line.strip() for line in seen.splitlines() if any(library in line for library in LOG_LIBRARIES)]
    if lines:
        sys.exit("the build without a log still needs:\n" + "\n".join(sorted(set(lines))))
