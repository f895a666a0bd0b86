"""A workspace with sources and the rules in bazel/, and the Bazel that builds it (PYCOMPILED_BAZEL, else `bazel` in PATH)."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import e2e_support as e2e
from worker_support import WORKER

BAZEL = os.environ.get("PYCOMPILED_BAZEL") or shutil.which("bazel")
RULES = os.path.join(e2e.SOURCE, "..", "bazel")
COUNT = 24


def needs_bazel(case):
    """Marks a test case that needs the worker and a Bazel."""
    case = unittest.skipUnless(BAZEL, "there is no Bazel")(case)
    return unittest.skipUnless(os.path.exists(WORKER), "pycompile-worker was not built (protobuf-c is missing)")(case)


def major_version():
    """0 for a development version, which names no number (Debian's 4.2.3)."""
    said = subprocess.run([BAZEL, "--version"], stdout=subprocess.PIPE, text=True, check=True, timeout=20 * e2e.DEADLINE).stdout
    number = re.search(r"\d+", said)
    return int(number[0]) if number else 0


class Workspace(unittest.TestCase):
    """A workspace with sources, its Bazel, and what it builds."""

    @classmethod
    def setUpClass(cls):
        cls.major = major_version()
        cls.folder = os.path.realpath(tempfile.mkdtemp(prefix="pycompiled-bazel-"))
        cls.version, cls.python = next(iter(e2e.pythons().items()))
        cls.make_prefix()
        cls.make_workspace()

    @classmethod
    def tearDownClass(cls):
        cls.bazel("shutdown")
        subprocess.run(["chmod", "-R", "u+w", cls.folder], check=False)
        shutil.rmtree(cls.folder)

    @classmethod
    def make_prefix(cls):
        """An installation: links to the programs of the build."""
        os.makedirs(os.path.join(cls.folder, "prefix/bin"))
        os.makedirs(os.path.join(cls.folder, "prefix/libexec/pycompiled"))
        for program in (WORKER, e2e.DAEMON):
            os.symlink(program, os.path.join(cls.folder, "prefix/bin", os.path.basename(program)))
        for name in os.listdir(e2e.HOSTS):
            path = os.path.join(e2e.HOSTS, name)
            if name.startswith("pycompile-") and os.path.isfile(path):
                os.symlink(path, os.path.join(cls.folder, "prefix/libexec/pycompiled", name))

    @classmethod
    def write(cls, name, text):
        path = os.path.join(cls.folder, "workspace", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    @classmethod
    def make_workspace(cls):
        cls.write("WORKSPACE", """workspace(name = "w")
local_repository(name = "pycompiled", path = "%s")
load("@pycompiled//:repositories.bzl", "pycompiled_local")
pycompiled_local(name = "pycompiled_local", prefix = "%s/prefix")
""" % (os.path.realpath(RULES), cls.folder))
        if cls.major >= 7:  # which takes modules otherwise
            cls.write(".bazelrc", "build --noenable_bzlmod --enable_workspace\n")
        cls.make_packages()

    @classmethod
    def make_packages(cls):
        cls.write("pkg/BUILD.bazel", """load("@pycompiled//:defs.bzl", "pyc_library", "pycompile_binary")
pyc_library(name = "lib", srcs = glob(["good/**/*.py"]), python_version = "%(v)s")
pyc_library(name = "level", srcs = ["good/m0.py"], python_version = "%(v)s", optimize = 2)
pyc_library(name = "bad", srcs = ["bad.py"], python_version = "%(v)s")
pyc_library(name = "old", srcs = ["good/m0.py"], python_version = "3.8")
pycompile_binary(name = "precompiler")
""" % {"v": cls.version})
        cls.write("pkg/bad.py", "def f(:\n")
        for number in range(COUNT):
            name = "pkg/good/m%d.py" % number if number % 2 == 0 else "pkg/good/sub/m%d.py" % number
            cls.write(name, '"""Module %d."""\n\ndef f(x):\n    assert x\n    return x in {"a", "b", %d}\n' % (number, number))
        cls.write("pkg/good/warns.py", "x = 1 is 1\n")

    @classmethod
    def bazel(cls, *arguments):
        """Runs Bazel without the user's settings. Those of the system stay: Debian's Bazel needs them."""
        command = [BAZEL, "--output_user_root=" + os.path.join(cls.folder, "out"), "--nohome_rc", *arguments]
        environment = dict(os.environ, PYCOMPILED_PREFIX=os.path.join(cls.folder, "prefix"))
        return subprocess.run(command, cwd=os.path.join(cls.folder, "workspace"), env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=20 * e2e.DEADLINE)

    def build(self, *arguments):
        run = self.bazel("build", "--color=no", "--curses=no", *arguments)
        self.assertEqual(run.returncode, 0, run.stdout)
        return run.stdout

    def outputs(self):
        """The .pyc files below bazel-bin, by name."""
        top, found = os.path.join(self.folder, "workspace/bazel-bin"), {}
        for folder, _, names in os.walk(os.path.realpath(top)):
            for name in names:
                if name.endswith(".pyc"):
                    path = os.path.join(folder, name)
                    with open(path, "rb") as file:
                        found[os.path.relpath(path, os.path.realpath(top))] = file.read()
        return found

    def expected(self, source, mode="CHECKED_HASH", optimize=-1):
        out = os.path.join(self.folder, "expected.pyc")
        script = ("import py_compile, sys; py_compile.compile(sys.argv[1], sys.argv[2], sys.argv[1], doraise=True, "
                  "optimize=int(sys.argv[4]), invalidation_mode=py_compile.PycInvalidationMode[sys.argv[3]])")
        subprocess.run([self.python, "-c", script, source, out, mode, str(optimize)], check=True, stderr=subprocess.DEVNULL,
                       cwd=os.path.join(self.folder, "workspace"), timeout=e2e.DEADLINE)
        with open(out, "rb") as file:
            return file.read()

    def check_outputs(self, **how):
        outputs = self.outputs()
        self.assertEqual(len(outputs), COUNT + 1)
        tag = "cpython-" + self.version.replace(".", "")
        for number in (0, 1, COUNT - 1):
            folder, name = ("pkg/good" if number % 2 == 0 else "pkg/good/sub"), "m%d" % number
            self.assertEqual(outputs["%s/__pycache__/%s.%s.pyc" % (folder, name, tag)],
                             self.expected("%s/%s.py" % (folder, name), **how))
        return outputs
