"""Client and daemon where /proc is not mounted, as in a chroot in which a package is built."""
import functools
import os
import shutil
import subprocess
import tempfile
import unittest

import e2e_support as e2e
from e2e_support import CLIENT, COMPILEALL, CTL

VERSION, PYTHON = next(iter(e2e.pythons().items()))
SETUP = "mount -t tmpfs none /proc"


def unshared(*command):
    return ["unshare", "-m", "--propagation", "private", "sh", "-c", SETUP + ' && exec "$@"', "sh", *command]


@functools.lru_cache
def is_permitted():
    try:
        return subprocess.run(unshared("test", "!", "-e", "/proc/self"), stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


class NoProc(unittest.TestCase):
    def setUp(self):
        if not is_permitted():
            self.skipTest("mount namespaces are not permitted here")
        if e2e.is_sanitized():
            self.skipTest("the sanitizers need /proc themselves")
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="pycompiled-test-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.environment = dict(os.environ, PYCOMPILED_SOCKET=self.folder + "/run/socket",
                                PYCOMPILED_CACHE_DIR=self.folder + "/cache")
        self.addCleanup(self.run_program, CTL, "stop")
        self.work = self.folder + "/work"
        os.mkdir(self.work)
        self.write("a.py", "x = 1\ndef f(a): return a\n")
        self.write("sub/b.py", "x = [1, 2]\n")

    def write(self, name, text):
        path = os.path.join(self.work, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def run_program(self, *command):
        return subprocess.run(unshared(*command), cwd=self.work, env=self.environment, text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=e2e.DEADLINE)

    def written(self):
        found = {}
        for top, _, names in os.walk(self.work):
            for name in names:
                if name.endswith(".pyc"):
                    with open(os.path.join(top, name), "rb") as file:
                        found[name] = file.read()
                    os.remove(os.path.join(top, name))
        return found

    def expect(self, *command):
        done = self.run_program(*command)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def test_every_host(self):
        """The client starts the daemon, which finds its hosts; all bytes are Python's."""
        for version, python in e2e.pythons().items():
            self.run_program(python, "-m", "py_compile", "a.py", "sub/b.py")
            expected = self.written()
            self.assertEqual(len(expected), 2)
            self.expect(CLIENT, "--python", version, "a.py", "sub/b.py")
            self.assertEqual(self.written(), expected)
            self.assertIn("Compiling './a.py'", self.expect(COMPILEALL, "-f", "--python", version, "."))
            self.assertEqual(set(self.written()), set(expected))
        self.assertIn("pycompiled", self.expect(CTL, "status"))
        self.assertIn(VERSION, self.expect(CTL, "python"))
        self.assertIn("stopped", self.expect(CTL, "stop"))

    def test_relative_path(self):
        """A daemon that is started by a relative path leaves its working directory, and finds its hosts."""
        script = 'cd "$1" && ./pycompiled --background --no-cache && shift && exec "$@"'
        compiled = self.run_program("sh", "-c", script, "sh", os.path.dirname(e2e.DAEMON), CLIENT, "--python", VERSION,
                                    os.path.join(self.work, "a.py"))
        self.assertEqual((compiled.returncode, compiled.stderr), (0, ""))
        self.assertEqual(len(self.written()), 1)

    def test_named_pipe(self):
        results = []
        for command in ([PYTHON, "-m", "py_compile"], [CLIENT, "--python", VERSION]):
            os.mkfifo(self.work + "/pipe.py")
            os.utime(self.work + "/pipe.py", (1600000000, 1600000000))
            with subprocess.Popen(["sh", "-c", "printf 'x = 3\\n' > pipe.py"], cwd=self.work):
                done = self.run_program(*command, "pipe.py")
            os.remove(self.work + "/pipe.py")
            compiled = {name: data[16:] for name, data in self.written().items()}
            results.append((done.returncode, done.stdout, done.stderr, compiled))
        self.assertEqual(results[1], results[0])
        self.assertEqual(len(results[1][3]), 1)

    def test_what_needs_it_says_so(self):
        self.expect(CTL, "start")
        done = self.run_program(CTL, "stop", "--force")
        self.assertEqual(done.returncode, 1)
        self.assertIn("is not known without /proc, which is not mounted", done.stderr)
        done = self.run_program("sh", "-c", 'mkdir gone && cd gone && rmdir ../gone && exec "$@"', "sh", CLIENT, "a.py")
        self.assertEqual(done.returncode, 1)
        self.assertIn("'cwd' is needed where a path is relative", done.stderr)


if __name__ == "__main__":
    e2e.main()
