"""pycompilectl doctor: what it finds, what it says is wrong, and colours."""
import os
import pty
import shutil
import subprocess
import tempfile
import unittest

import e2e_support as e2e


class Doctor(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="pycompiled-test-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.environment = dict(os.environ, PYCOMPILED_SOCKET=self.folder + "/run/socket",
                                PYCOMPILED_CACHE_DIR=self.folder + "/cache")

    def run_it(self, environment=None, program=e2e.CTL):
        run = subprocess.run([program, "doctor"], env=environment or self.environment, stdin=subprocess.DEVNULL,
                             capture_output=True, text=True, timeout=e2e.DEADLINE)
        self.assertEqual(run.stderr, "")
        return run.returncode, run.stdout

    def test_without_a_daemon(self):
        status, text = self.run_it()
        self.assertEqual(status, 0, text)
        for version in e2e.hosts():
            self.assertRegex(text, r"(?m)^ok     Python %s: " % version)
        self.assertIn("no daemon runs on", text)
        self.assertIn("which is not there yet", text)
        self.assertEqual(os.listdir(self.folder), [])  # nothing was started or made
        self.assertIn("note   PYCOMPILED_AUTOSTART=0", self.run_it(dict(self.environment, PYCOMPILED_AUTOSTART="0"))[1])

    def test_with_a_daemon(self):
        with e2e.Daemon() as daemon:
            status, text = self.run_it(daemon.environment)
            self.assertEqual(status, 0, text)
            self.assertIn("daemon pid %d answers" % daemon.process.pid, text)

    def test_what_is_wrong(self):
        os.mkdir(self.folder + "/run")
        os.chmod(self.folder + "/run", 0o777)
        status, text = self.run_it()
        self.assertEqual(status, 1)
        self.assertRegex(text, r"(?m)^WRONG  .*/run may be written to by other users: set PYCOMPILED_SOCKET")
        alone = os.path.join(self.folder, "alone")
        os.mkdir(alone)
        status, text = self.run_it(program=shutil.copy(e2e.CTL, alone))
        self.assertEqual(status, 1)
        self.assertIn("the daemon's program pycompiled is not beside this one", text)
        self.assertIn("no pycompile-host-X.Y is found", text)

    def test_colours(self):
        for variables, coloured in (({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False),
                                    ({"TERM": "dumb"}, False)):
            with self.subTest(variables=variables):
                environment = {k: v for k, v in self.environment.items() if k not in ("NO_COLOR", "TERM")}
                pid, fd = pty.fork()
                if pid == 0:
                    os.execve(e2e.CTL, [e2e.CTL, "doctor"], dict(environment, **variables))
                text = b""
                try:
                    while data := os.read(fd, 1 << 16):
                        text += data
                except OSError:
                    pass
                os.close(fd)
                self.assertEqual(os.waitpid(pid, 0)[1], 0)
                self.assertIn(b"ok", text)
                self.assertEqual(b"\x1b[" in text, coloured)
        self.assertNotIn("\x1b", self.run_it()[1])


if __name__ == "__main__":
    e2e.main()
