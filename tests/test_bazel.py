"""pycompile-worker and the rules in bazel/ with a real Bazel, where one is installed (PYCOMPILED_BAZEL, else `bazel` in PATH)."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import e2e_support as e2e
from bazel_registry import Registry
from worker_support import WORKER

BAZEL = os.environ.get("PYCOMPILED_BAZEL") or shutil.which("bazel")
RULES = os.path.join(e2e.SOURCE, "..", "bazel")
COUNT = 24
MODULES_MAX = 60  # that Bazel's own tools need


def major_version():
    said = subprocess.run([BAZEL, "--version"], stdout=subprocess.PIPE, text=True, check=True, timeout=20 * e2e.DEADLINE).stdout
    return int(re.search(r"\d+", said)[0])

# Ways to run the actions; what a version does not know is skipped there.
WAYS = {
    "multiplex": ["--strategy=PyCompile=worker"],
    "singleplex": ["--strategy=PyCompile=worker", "--noexperimental_worker_multiplex"],
    "sandboxed singleplex": ["--strategy=PyCompile=worker", "--noexperimental_worker_multiplex", "--worker_sandboxing"],
    "sandboxed multiplex": ["--strategy=PyCompile=worker", "--experimental_worker_multiplex_sandboxing"],
    "no worker": ["--strategy=PyCompile=local"],
}


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
            if name.startswith("pycompile-host") and os.path.isfile(path):
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


@unittest.skipUnless(os.path.exists(WORKER), "pycompile-worker was not built (protobuf-c is missing)")
@unittest.skipUnless(BAZEL, "there is no Bazel")
class Bazel(Workspace):
    def test_each_way(self):
        first = None
        for way, options in WAYS.items():
            with self.subTest(way):
                self.bazel("clean")
                run = self.bazel("build", "--color=no", "--curses=no", "//pkg:lib", *options)
                if re.search("[Uu]nrecognized option", run.stdout):
                    continue
                self.assertEqual(run.returncode, 0, run.stdout)
                self.assertIn("pkg/good/warns.py:1: SyntaxWarning: ", run.stdout)
                self.assertIn("%d %s" % (COUNT + 1, "local" if way == "no worker" else "worker"), run.stdout)
                outputs = self.check_outputs()
                first = first or outputs
                self.assertEqual(outputs, first)

    def test_modes_and_levels(self):
        self.bazel("clean")
        self.build("-c", "opt", "//pkg:lib", *WAYS["multiplex"])
        self.check_outputs(mode="UNCHECKED_HASH")
        self.bazel("clean")
        self.build("//pkg:level", *WAYS["multiplex"])
        (name, data), = self.outputs().items()
        self.assertTrue(name.endswith(".opt-2.pyc"), name)
        self.assertEqual(data, self.expected("pkg/good/m0.py", optimize=2))

    def test_disk_cache(self):
        """A second output, and nothing is compiled for it."""
        cache = "--disk_cache=" + os.path.join(self.folder, "cache")
        self.bazel("clean")
        self.build("//pkg:lib", cache, *WAYS["multiplex"])
        outputs = self.check_outputs()
        self.bazel("clean")
        said = self.build("//pkg:lib", cache, *WAYS["multiplex"])
        self.assertRegex(said, r"\b%d (disk|remote) cache hit" % (COUNT + 1))  # by version
        self.assertEqual(self.outputs(), outputs)

    def test_failures(self):
        for way in ("multiplex", "no worker"):
            run = self.bazel("build", "--color=no", "--curses=no", "//pkg:bad", *WAYS[way])
            self.assertEqual(run.returncode, 1)
            self.assertIn('File "pkg/bad.py", line 1', run.stdout)
            self.assertNotIn("Traceback", run.stdout)
            run = self.bazel("build", "--color=no", "--curses=no", "//pkg:old", *WAYS[way])
            self.assertEqual(run.returncode, 1)
            self.assertIn("no host for Python 3.8", run.stdout)

    def test_precompiler(self):
        """The target that rules_python takes is a program."""
        self.build("//pkg:precompiler")
        program = os.path.join(self.folder, "workspace/bazel-bin/pkg/precompiler")
        run = subprocess.run([program, "--src", "pkg/good/m0.py", "--src_name", "pkg/good/m0.py", "--pyc", "m0.pyc"],
                             cwd=os.path.join(self.folder, "workspace"), timeout=e2e.DEADLINE, check=False)
        self.assertEqual(run.returncode, 0)
        with open(os.path.join(self.folder, "workspace/m0.pyc"), "rb") as file:
            self.assertEqual(file.read(), self.expected("pkg/good/m0.py"))


@unittest.skipUnless(os.path.exists(WORKER), "pycompile-worker was not built (protobuf-c is missing)")
@unittest.skipUnless(BAZEL, "there is no Bazel")
class Modules(Workspace):
    """The rules as a module: MODULE.bazel, and the installation that PYCOMPILED_PREFIX names."""

    @classmethod
    def setUpClass(cls):
        if major_version() < 7:
            raise unittest.SkipTest("this Bazel has no modules, or not yet all of them")
        super().setUpClass()

    @classmethod
    def make_workspace(cls):
        cls.registry = Registry(os.path.join(cls.folder, "registry"))
        cls.write("MODULE.bazel", """module(name = "w")
bazel_dep(name = "pycompiled", version = "0.1.0")
local_path_override(module_name = "pycompiled", path = "%s")
pycompiled = use_extension("@pycompiled//:extensions.bzl", "installation")
use_repo(pycompiled, "pycompiled_local")
""" % os.path.realpath(RULES))
        cls.write(".bazelrc", "build --registry=%s\n" % cls.registry.url())
        cls.make_packages()

    def test_module(self):
        for _ in range(MODULES_MAX):
            run = self.bazel("build", "--color=no", "--curses=no", "//pkg:lib", *WAYS["multiplex"])
            if not self.registry.add_missing(run.stdout):
                break
        self.assertEqual(run.returncode, 0, run.stdout)
        self.assertIn("%d worker" % (COUNT + 1), run.stdout)
        self.check_outputs()


if __name__ == "__main__":
    e2e.main()
