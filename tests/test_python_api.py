"""The package pycompiled in the place of compileall, under each Python that there is a host for: its own cases
(python_api_cases.py), and the classes of CPython's Lib/test/test_compileall.py that are about the functions."""
import json
import os
import subprocess
import unittest

import e2e_support as e2e

MODULE = os.path.realpath(os.path.join(e2e.SOURCE, "..", "client", "python", "pycompiled"))
CASES = os.path.join(e2e.SOURCE, "python_api_cases.py")
# They replace ProcessPoolExecutor by a mock, and want it to be called: no process is started here.
ABOUT_PROCESSES = {"test_compile_pool_called", "test_compile_workers_cpu_count"}
# The Python in question runs this. It prints the outcome of each test, and how many files the daemon was given.
RUNNER = r"""
import json, os, sys, unittest
module, replace = sys.argv[1], sys.argv[2] == "replace"
try:
    import test.test_compileall
except ImportError as error:
    print(json.dumps({"missing": str(error)}))
    sys.exit()
sys.path.insert(0, os.path.dirname(module))
if replace:
    import compileall, py_compile, pycompiled.compileall
    sys.modules["compileall"] = pycompiled.compileall
    test.test_compileall.compileall = pycompiled.compileall
outcomes = {}

class Result(unittest.TestResult):
    def startTest(self, test):
        super().startTest(test)
        outcomes[test.id()] = "passed"
    def addSkip(self, test, why):
        outcomes[test.id()] = "skipped"
    def addError(self, test, error):
        outcomes[test.id()] = self._exc_info_to_string(error, test)
    addFailure = addError
    def addSubTest(self, test, subtest, error):
        if error is not None:
            self.addError(test, error)

tests, loader = test.test_compileall, unittest.TestLoader()
unittest.TestSuite(loader.loadTestsFromTestCase(getattr(tests, name)) for name in sorted(vars(tests))
                   if name in ("CompileallTestsWithSourceEpoch", "CompileallTestsWithoutSourceEpoch", "EncodingTest")).run(Result())
print()
print(json.dumps({"outcomes": outcomes}))
"""


class Cases(unittest.TestCase):
    """Its own."""


class TestCompileall(unittest.TestCase):
    """CPython's."""

    def outcomes(self, daemon, python, how):
        environment = dict(daemon.environment, PYCOMPILED_AUTOSTART="0", PYTHONDONTWRITEBYTECODE="")
        environment.pop("SOURCE_DATE_EPOCH", None)
        done = subprocess.run([python, "-c", RUNNER, MODULE, how], cwd=daemon.folder, env=environment,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=10 * e2e.DEADLINE)
        self.assertEqual(done.returncode, 0, done.stderr.decode(errors="replace"))
        return json.loads(done.stdout.splitlines()[-1])

    def compare(self, python):
        with e2e.Daemon() as daemon:
            ours = self.outcomes(daemon, python, "replace")
            if "missing" in ours:
                self.skipTest("%s has no test.test_compileall" % python)
            self.assertGreater(len(ours["outcomes"]), 50)
            counters = daemon.status()["counters"]
            self.assertGreater(counters["compiled"] + counters["cached"], 50)
            others = {name: text for name, text in ours["outcomes"].items()
                      if text != "passed" and name.rpartition(".")[2] not in ABOUT_PROCESSES}
            real = self.outcomes(daemon, python, "original")["outcomes"] if others else {}
            for name, text in others.items():
                self.assertEqual(text, real[name], name)


for _version, _python in e2e.pythons().items():
    _name = "test_" + _version.replace(".", "_")
    setattr(Cases, _name, e2e.own_cases(_python, CASES, MODULE))
    setattr(TestCompileall, _name, lambda self, python=_python: self.compare(python))

if __name__ == "__main__":
    e2e.main()
