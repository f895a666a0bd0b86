"""pycompile-worker and the rules in bazel/ with a real Bazel, where one is installed (PYCOMPILED_BAZEL, else `bazel` in PATH)."""
import os
import re
import subprocess
import unittest

import e2e_support as e2e
from bazel_registry import Registry
from bazel_support import COUNT, RULES, Workspace, major_version, needs_bazel

MODULES_MAX = 60  # that Bazel's own tools need

# Ways to run the actions; what a version does not know is skipped there.
WAYS = {
    "multiplex": ["--strategy=PyCompile=worker"],
    "singleplex": ["--strategy=PyCompile=worker", "--noexperimental_worker_multiplex"],
    "sandboxed singleplex": ["--strategy=PyCompile=worker", "--noexperimental_worker_multiplex", "--worker_sandboxing"],
    "sandboxed multiplex": ["--strategy=PyCompile=worker", "--experimental_worker_multiplex_sandboxing"],
    "no worker": ["--strategy=PyCompile=local"],
}


@needs_bazel
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


@needs_bazel
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
