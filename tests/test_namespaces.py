"""Clients in another mount namespace or root than the daemon's: paths may mean other files there. A client gets the result of
its own file or an error, never that of another file."""
import functools
import json
import os
import subprocess
import sys
import unittest

import e2e_support as e2e
from e2e_support import CLIENT, COMPILEALL, CTL, Daemon

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

    def run_unshared(self, setup, *command, cwd=None, autostart="0"):
        """Runs the command in a mount namespace of its own, after a shell command there."""
        return subprocess.run(["unshare", "-m", "--propagation", "private", "sh", "-c", setup + ' && exec "$@"', "sh", *command],
                              cwd=cwd or "/", env=dict(self.daemon.environment, PYTHONPATH=MODULE, PYCOMPILED_AUTOSTART=autostart),
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

    def expect_own_daemon(self, setup, *command, cwd=None):
        """The client's own files are compiled, by a daemon of its own namespace, which the next client uses, too."""
        self.addCleanup(subprocess.run, [CTL, "stop", "--all"], env=self.daemon.environment, stdout=subprocess.DEVNULL)
        script = 'for i in 1 2; do "$@" || exit; done; %s status --all --json >%s/status' % (CTL, self.daemon.folder)
        done = self.run_unshared(setup, "sh", "-c", script, "sh", *command, cwd=cwd, autostart="1")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        with open(self.daemon.folder + "/status", encoding="utf-8") as file:
            daemons = [json.loads(line) for line in file]
        self.assertEqual([daemon["pid"] == self.daemon.process.pid for daemon in daemons], [True, False])
        self.assertTrue(daemons[1]["socket"].startswith(self.daemon.socket + "."))
        self.assertFalse(os.path.exists(os.path.join(self.source, "__pycache__")))
        folder = os.path.join(os.path.dirname(self.inner), "__pycache__")
        (pyc,) = os.listdir(folder)
        with open(os.path.join(folder, pyc), "rb") as file:
            self.assertIn(b"inner", file.read())

    def test_own_daemon(self):
        self.expect_own_daemon(self.hide(), CLIENT, self.outer)

    def test_own_daemon_for_relative_names(self):
        self.expect_own_daemon(self.hide() + " && cd " + self.source, CLIENT, "a.py")

    def test_own_daemon_for_many_files(self):
        self.expect_own_daemon(self.hide(), COMPILEALL, "-q", "-f", self.source)

    def test_own_daemon_in_a_root(self):
        root = os.path.join(self.daemon.folder, "root")
        os.mkdir(root)
        setup = "mount --rbind / %s && mount --bind %s %s%s" % (root, os.path.dirname(self.inner), root, self.source)
        self.expect_own_daemon(setup, "chroot", root, CLIENT, self.outer)

    def test_own_daemon_of_the_python_module(self):
        script = "import pycompiled, sys; pycompiled.Client(daemon=sys.argv[1]).compile(sys.argv[2], doraise=True)"
        python = next(iter(e2e.pythons().values()))
        self.expect_own_daemon(self.hide(), python, "-c", script, e2e.DAEMON, self.outer)

    def test_check_of_a_file_by_the_python_module(self):
        script = "import pycompiled, sys; print(pycompiled.check(None, sys.argv[1]).error)"
        done = self.run_unshared(self.hide(), next(iter(e2e.pythons().values())), "-c", script, self.outer)
        self.assertIn("another mount namespace or root", done.stdout)

    def test_watch(self):
        """It is refused; where a daemon may be started, one of its own namespace follows the folder."""
        self.expect_refusal(self.run_unshared(self.hide(), CTL, "watch", self.source))
        command = ["unshare", "-m", "--propagation", "private", "sh", "-c", self.hide() + ' && exec "$@" 2>&1', "sh", CTL, "watch",
                   "--initial", self.source]
        self.addCleanup(subprocess.run, [CTL, "stop", "--all"], env=self.daemon.environment, stdout=subprocess.DEVNULL)
        with subprocess.Popen(command, env=self.daemon.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              text=True) as watch:
            lines = [watch.stdout.readline(), watch.stdout.readline()]
            watch.kill()
        self.assertEqual(lines, ["following 1 folders\n", "compiled %s\n" % self.outer])
        self.assertEqual(os.listdir(self.source), ["a.py"])
        self.assertEqual(len(os.listdir(os.path.dirname(self.inner) + "/__pycache__")), 1)

    def test_bad_places_of_a_watch(self):
        with self.daemon.connect() as connection:
            for places in ("x", [1], ["1:2:/", "1:2:/"]):
                error = connection.call("watch", {"paths": [self.source], "places": places})["error"]
                self.assertEqual(error["code"], -32602, places)
            error = connection.call("watch", {"paths": [self.source], "places": ["1:2:" + self.source]})["error"]
            self.assertEqual((error["code"], error["data"]["retryable"]), (-32005, True))
            self.assertRegex(error["data"]["namespace"], r"^\d+:\d+:\d+$")
            self.assertIn("result", connection.call("watch", {"paths": [self.source], "places": []}))

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
