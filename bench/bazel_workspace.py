"""The workspace of bench/bazel: sources of the library, an installation of the build, and a target for each contestant. No measuring."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from bench_support import ROOT, Failure

TOOLS = """\
def _script_impl(ctx):
    script = ctx.actions.declare_file(ctx.label.name + ".sh")
    ctx.actions.write(script, ctx.attr.script, is_executable = True)
    return [DefaultInfo(executable = script)]

script = rule(implementation = _script_impl, executable = True, attrs = {"script": attr.string()})
"""

# Copies by a process of its own: the params file has an option a line, and the value in the next one.
COPY_PROCESS = """\
#!/bin/sh
while read -r option && read -r value; do
    case $option in --src) src=$value ;; --pyc) pyc=$value ;; esac
done <"${1#@}"
exec cp "$src" "$pyc"
"""

EXACT = ("import py_compile, sys; mode = py_compile.PycInvalidationMode.CHECKED_HASH; "
         "py_compile.compile(sys.argv[1], sys.argv[2], doraise=True, invalidation_mode=mode)")

# Those of these sources that compile, and do so without a warning.
FILTER = """\
import sys, warnings
warnings.simplefilter("error")
sys.setrecursionlimit(10000)
for path in sys.stdin.read().split("\\0"):
    try:
        with open(path, "rb") as file:
            compile(file.read(), path, "exec", dont_inherit=True)
    except Exception:
        continue
    sys.stdout.write(path + "\\0")
"""


def library_sources(python, count):
    """The first `count` sources of the library and its tests that compile, as paths from its folder; and the folder."""
    script = "import os; print(os.path.dirname(os.__file__))"
    folder = subprocess.run([python, "-I", "-c", script], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    paths = sorted(str(path) for path in Path(folder).rglob("*.py") if "site-packages" not in path.parts and path.name.isascii())
    kept = subprocess.run([python, "-I", "-c", FILTER], input="\0".join(paths), stdout=subprocess.PIPE, text=True, check=True).stdout
    return folder, [os.path.relpath(path, folder) for path in kept.split("\0")[:-1]][:count]


class Workspace:
    def __init__(self, folder, build, xy, bazel, count):
        self.folder, self.build, self.xy, self.bazel = Path(folder), build, xy, bazel
        self.python = build.pythons[xy]
        self.files = self.size = 0
        self.install()
        self.copy_sources(count)
        self.write("WORKSPACE", f"""workspace(name = "w")
local_repository(name = "pycompiled", path = "{ROOT}/bazel")
load("@pycompiled//:repositories.bzl", "pycompiled_local")
pycompiled_local(name = "pycompiled_local", prefix = "{self.prefix}")
""")
        self.write("tools/BUILD.bazel", "")
        self.write("tools/script.bzl", TOOLS)

    def write(self, name, text):
        path = self.folder / "workspace" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def install(self):
        destination = self.folder / "installed"
        subprocess.run(["meson", "install", "-C", self.build.folder, "--no-rebuild", "--quiet", "--destdir", destination], check=True,
                       stdout=subprocess.DEVNULL)
        self.prefix = f"{destination}{self.build.option('prefix', '/usr/local')}"
        if not os.path.exists(f"{self.prefix}/bin/pycompile-worker"):
            raise Failure("the build has no pycompile-worker (protobuf-c is missing)")

    def copy_sources(self, count):
        """Sources of the library; where it has fewer, all again in another folder."""
        folder, names = library_sources(self.python, count)
        if not names:
            raise Failure(f"{self.python} has no sources of its library")
        for number in range(count):
            name = names[number % len(names)]
            target = self.folder / "workspace/src" / f"part{number // len(names)}" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(f"{folder}/{name}", target)
            self.files += 1
            self.size += target.stat().st_size
        self.write("src/BUILD.bazel", 'filegroup(name = "src", srcs = glob(["**/*.py"]), visibility = ["//visibility:public"])\n')

    def add_target(self, name, script=None):
        """The target //NAME:pyc: all sources, compiled by the worker of the build, or by that script."""
        tool = f'script(name = "tool", script = {script!r})\n' if script else ""
        worker = ', worker = ":tool"' if script else ""
        self.write(f"{name}/BUILD.bazel", f"""load("@pycompiled//:defs.bzl", "pyc_library")
load("//tools:script.bzl", "script")
{tool}pyc_library(name = "pyc", srcs = ["//src"], python_version = "{self.xy}"{worker})
""")

    def run(self, *arguments):
        """Runs Bazel without the user's settings; those of the system stay, since Debian's Bazel needs them."""
        command = [self.bazel, f"--output_user_root={self.folder}/out", "--nohome_rc", *arguments]
        done = subprocess.run(command, cwd=self.folder / "workspace", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace")
        if done.returncode != 0:
            raise Failure(f"bazel {' '.join(arguments)} fails:\n{done.stdout[-3000:]}")
        return done.stdout

    def outputs(self, name):
        """The digests of the target's files, by path."""
        top = self.folder / "workspace/bazel-bin" / name
        return {os.path.relpath(path, top): hashlib.sha256(path.read_bytes()).digest() for path in top.rglob("*.pyc")}

    def exact(self, output):
        """The digest of what py_compile makes, in a process that does nothing else, in the place of that output."""
        source = re.sub(r"__pycache__/([^/]*)\.cpython-\d+\.pyc$", r"\1.py", output)
        exact = self.folder / "exact.pyc"
        subprocess.run([self.python, "-c", EXACT, source, exact], cwd=self.folder / "workspace", check=True)
        return hashlib.sha256(exact.read_bytes()).digest()

    def close(self):
        self.run("shutdown")
        subprocess.run(["chmod", "-R", "u+w", self.folder], check=False, stderr=subprocess.DEVNULL)


def own_script(python, *options):
    """A program that runs bench/one_gil_worker.py."""
    worker = ROOT / "bench/one_gil_worker.py"
    return f'#!/bin/sh\nexec {python} -I {worker} {" ".join(options)} "$@"\n'


if __name__ == "__main__":
    sys.exit("this is a part of bench/bazel")
