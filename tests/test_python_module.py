"""The Python module pycompiled, under each Python that there is a host for: its own cases (python_module_cases.py), and
CPython's Lib/test/test_py_compile.py with the module, or pycompile-client, in place of py_compile."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest

import e2e_support as e2e

MODULE = os.path.join(e2e.SOURCE, "..", "client", "python", "pycompiled")
CASES = os.path.join(e2e.SOURCE, "python_module_cases.py")
RUNNER = os.path.join(e2e.SOURCE, "run_test_py_compile.py")
NO_SUCH_TEST = 77


class Module(unittest.TestCase):
    """Its own cases."""


class TestPyCompile(unittest.TestCase):
    """CPython's."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="pycompiled-test-")
        self.addCleanup(shutil.rmtree, self.folder)

    def run_it(self, environment, command):
        run = subprocess.run(command, cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             universal_newlines=True)
        if run.returncode == NO_SUCH_TEST:
            self.skipTest("%s has no test.test_py_compile" % command[0])
        self.assertEqual(run.returncode, 0, run.stderr)
        return json.loads(run.stdout)

    def compare(self, python, *options):
        module = os.path.realpath(MODULE)
        with e2e.Daemon("--workers", "2") as daemon:
            environment = dict(daemon.environment, PYCOMPILED_AUTOSTART="0")
            real = self.run_it(environment, [python, *options, RUNNER, "real"])
            self.assertEqual(daemon.status()["counters"]["compiled"], 0)
            if not options:  # with -O some of it fails before 3.13
                self.assertEqual(real["failed"], [], real["text"])
            for kind, program, shown in (("module", module, os.path.join(module, "__init__.py")), ("client", e2e.CLIENT, real["module"])):
                with self.subTest(kind):
                    before = daemon.status()["counters"]
                    ours = self.run_it(environment, [python, *options, RUNNER, kind, program])
                    self.assertEqual(ours["failed"], real["failed"], ours["text"])
                    self.assertEqual((ours["run"], ours["skipped"]), (real["run"], real["skipped"]))
                    self.assertGreater(real["run"], 20)
                    self.assertEqual(ours["module"], shown)
                    after = daemon.status()["counters"]
                    self.assertGreater(after["compiled"], before["compiled"])
                    self.assertGreater(after["compile_errors"], before["compile_errors"])


for _version, _python in e2e.pythons().items():
    _name = "test_" + _version.replace(".", "_")
    setattr(Module, _name, e2e.own_cases(_python, CASES, MODULE))
    setattr(TestPyCompile, _name, lambda self, python=_python: self.compare(python))
    setattr(TestPyCompile, _name + "_optimized", lambda self, python=_python: self.compare(python, "-O"))

if __name__ == "__main__":
    e2e.main()
