"""Clients in another mount namespace or root than the daemon's: paths may mean other files there. A client gets the result of
its own file or an error, never that of another file."""
import functools
import os
import subprocess
import sys
import unittest

import e2e_support as e2e
from e2e_support import CLIENT, COMPILEALL, Daemon

MODULE = os.path.join(e2e.SOURCE, "..", "client", "python")


@functools.lru_cache
def unshares():
    """Whether mount namespaces can be made here."""
    command = ["unshare", "-m", "sh", "-c", "mount --bind /usr /mnt && chroot / true"]
    try:
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


class Namespaces(unittest.TestCase):
    def setUp(self):
        if not unshares():
            self.skipTest("mount namespaces and chroot are not permitted here")
        self.daemon = self.enterContext(Daemon()) if hasattr(self, "enterContext") else self.enter(Daemon())
        self.inner = self.daemon.file("inner/a.py", "x = 'inner'\n")
        self.outer = self.daemon.file("src/a.py", "x = 'outer'\n")
        self.source = os.path.dirname(self.outer)

    def enter(self, context):
        value = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return value

    def run_unshared(self, setup, *command, cwd=None):
        """Runs the command in a mount namespace of its own, after a shell command there."""
        return subprocess.run(["unshare", "-m", "--propagation", "private", "sh", "-c", setup + ' && exec "$@"', "sh", *command],
                              cwd=cwd or "/", env=dict(self.daemon.environment, PYTHONPATH=MODULE, PYCOMPILED_AUTOSTART="0"),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=e2e.DEADLINE)

    def hide(self):
        """Another folder stands at the source's path."""
        return "mount --bind %s %s" % (os.path.dirname(self.inner), self.source)

    def expect_refusal(self, done, status=1):
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertIn("another mount namespace or root", done.stdout + done.stderr)
        for path in (self.inner, self.outer):
            self.assertFalse(os.path.exists(os.path.join(os.path.dirname(path), "__pycache__")), path)

    def test_same_files(self):
        """A namespace in which the paths mean the same shares the daemon."""
        done = self.run_unshared("true", CLIENT, self.outer)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(os.listdir(self.source + "/__pycache__"), ["a.cpython-%s.pyc" % self.tag()])

    @staticmethod
    def tag():
        return next(iter(e2e.hosts())).replace(".", "")

    def test_absolute_path(self):
        self.expect_refusal(self.run_unshared(self.hide(), CLIENT, self.outer))

    def test_relative_path(self):
        self.expect_refusal(self.run_unshared(self.hide() + " && cd " + self.source, CLIENT, "a.py"))

    def test_compileall(self):
        self.expect_refusal(self.run_unshared(self.hide(), COMPILEALL, "-q", self.source))

    def test_folder_that_the_daemon_does_not_have(self):
        """Not the words of py_compile for a file that is missing: for the client it is there."""
        setup = "mount -t tmpfs none /mnt && mkdir /mnt/src && echo x=1 >/mnt/src/a.py"
        done = self.run_unshared(setup, CLIENT, "/mnt/src/a.py")
        self.expect_refusal(done)
        self.assertNotIn("No such file", done.stderr)
        self.expect_refusal(self.run_unshared(setup + " && cd /mnt/src", CLIENT, "a.py"))

    def test_chroot(self):
        root = os.path.join(self.daemon.folder, "root")
        os.mkdir(root)
        setup = "mount --rbind / %s && mount --bind %s %s%s" % (root, os.path.dirname(self.inner), root, self.source)
        self.expect_refusal(self.run_unshared(setup, "chroot", root, CLIENT, self.outer))

    def test_pycache_prefix(self):
        """The place of the .pyc counts too."""
        prefix = os.path.join(self.daemon.folder, "prefix")
        os.mkdir(prefix)
        done = self.run_unshared("mount --bind %s %s && export PYTHONPYCACHEPREFIX=%s" % (os.path.dirname(self.inner), prefix,
                                                                                     prefix), CLIENT, self.outer)
        self.expect_refusal(done)
        self.assertEqual(os.listdir(prefix), [])

    def test_python_module(self):
        script = "import pycompiled, sys; pycompiled.Client(fallback=%s).compile(sys.argv[1], doraise=True)"
        done = self.run_unshared(self.hide(), sys.executable, "-c", script % False, self.outer)
        self.expect_refusal(done)
        self.assertIn("DaemonError", done.stderr)

    def test_python_module_falls_back(self):
        """Its own process compiles its own file."""
        script = "import pycompiled, sys; pycompiled.Client(fallback=True).compile(sys.argv[1], doraise=True)"
        version, python = next(iter(e2e.pythons().items()))
        done = self.run_unshared(self.hide(), python, "-c", script, self.outer)
        self.assertEqual(done.returncode, 0, done.stderr)
        pyc = os.path.join(os.path.dirname(self.inner), "__pycache__", "a.cpython-%s.pyc" % version.replace(".", ""))
        with open(pyc, "rb") as file:
            self.assertIn(b"inner", file.read())

    def test_bad_places(self):
        with self.daemon.connect() as connection:
            for places in (["x"], ["1:2"], ["1:2:" + self.source], [":" * 8]):
                error = connection.compile(self.outer, places=places)["error"]
                self.assertEqual((error["code"], error["data"]["retryable"]), (-32005, True), places)
            for places in ("x", [1], [""] * 17):
                self.assertEqual(connection.compile(self.outer, places=places)["error"]["code"], -32602, places)
            self.assertIn("result", connection.compile(self.outer, places=[]))


if __name__ == "__main__":
    e2e.main()
