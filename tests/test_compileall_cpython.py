"""CPython's own tests of compileall's command line (Lib/test/test_compileall.py of each version there is a host for), run
with pycompileall-client in place of `python -m compileall`. Every test that passes with the original must pass."""
import json
import os
import subprocess
import unittest

import e2e_support as e2e

# The Python in question runs this with the client, the version, and whether to replace; it prints the outcome of each test.
RUNNER = r"""
import json, os, subprocess, sys, unittest
client, version, replace = sys.argv[1], sys.argv[2], sys.argv[3] == "replace"
try:
    from test import test_compileall
    from test.support import script_helper
except ImportError as error:
    print(json.dumps({"missing": str(error)}))
    sys.exit()

def translate(args, env):
    # The flags before -m, for the client's environment; None for what is no call of compileall.
    args = list(args)
    if "-m" not in args or args[args.index("-m") + 1] != "compileall":
        return None
    at = args.index("-m")
    calls.append(args)
    optimize = sum({"-O": 1, "-OO": 2}.get(flag, 0) for flag in args[:at])
    if optimize:
        env["PYTHONOPTIMIZE"] = str(optimize)
    return [client, "--python", version, *args[at + 2:]]

def run(args, env_vars):
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    env.update({k: v for k, v in env_vars.items() if not k.startswith("__")})
    command = translate(args, env)
    if command is None:
        return None
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, env=env)
    return done.returncode, done.stdout, done.stderr

def assert_python(original, succeeds):
    def call(*args, **env_vars):
        result = run(args, env_vars)
        if result is None:
            return original(*args, **env_vars)
        if (result[0] == 0) != succeeds:
            raise AssertionError("exit status %d\n%r\n%r" % result)
        return result
    return call

def spawn(original):
    def call(*args, **keywords):
        env = dict(os.environ)
        command = translate(args, env)
        if command is None:
            return original(*args, **keywords)
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env)
    return call

if replace:
    script_helper.assert_python_ok = assert_python(script_helper.assert_python_ok, True)
    script_helper.assert_python_failure = assert_python(script_helper.assert_python_failure, False)
    script_helper.spawn_python = spawn(script_helper.spawn_python)

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
            outcomes[test.id()] = self._exc_info_to_string(error, test)

outcomes, calls = {}, []
loader = unittest.TestLoader()
suite = unittest.TestSuite(loader.loadTestsFromTestCase(getattr(test_compileall, name))
                           for name in dir(test_compileall) if name.startswith("CommandLineTests") and not name.endswith("Base"))
suite.run(Result())
print(json.dumps({"outcomes": outcomes, "calls": len(calls)}))
"""


class OwnTests(unittest.TestCase):
    def outcomes(self, daemon, version, python, how):
        environment = {k: v for k, v in daemon.environment.items()
                       if not k.startswith("PYTHON") and k not in ("SOURCE_DATE_EPOCH", "VIRTUAL_ENV")}
        done = subprocess.run([python, "-c", RUNNER, os.path.abspath(e2e.COMPILEALL), version, how], cwd=daemon.folder,
                              env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=10 * e2e.DEADLINE)
        self.assertEqual(done.returncode, 0, done.stderr.decode(errors="replace"))
        return json.loads(done.stdout.splitlines()[-1])

    def test_command_line(self):
        tried = 0
        with e2e.Daemon() as daemon:
            for version, python in e2e.pythons().items():
                with self.subTest(version=version):
                    ours = self.outcomes(daemon, version, python, "replace")
                    if "missing" in ours:
                        continue
                    tried += 1
                    self.assertGreater(ours["calls"], 40)
                    others = {name: text for name, text in ours["outcomes"].items() if text != "passed"}
                    real = self.outcomes(daemon, version, python, "original")["outcomes"] if others else {}
                    for name, text in others.items():
                        if real[name] in ("passed", "skipped"):
                            self.assertEqual(text, real[name], name)
        if tried == 0:
            self.skipTest("no Python here has its tests installed")


if __name__ == "__main__":
    e2e.main()
