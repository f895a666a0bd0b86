"""A daemon is the same whoever started it: working directory, limits, nice value. With a scripted host."""
import os
import resource
import shutil
import subprocess
import tempfile
import time
import unittest

import e2e_support as e2e
from e2e_support import Daemon

MIB = 1 << 20


class StartedInBadSurroundings(Daemon):
    """A daemon that somebody starts in some folder, by a relative socket name, under limits and with a nice value."""

    def start(self):
        os.makedirs(os.path.join(self.folder, "run"), mode=0o700, exist_ok=True)
        self.environment["PYCOMPILED_SOCKET"] = "run/socket"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([self.program(), *self.options], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=self.environment, cwd=self.folder, preexec_fn=self.limit)
        self.wait_until_up()

    @staticmethod
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, 512 * MIB))
        resource.setrlimit(resource.RLIMIT_CPU, (100, resource.RLIM_INFINITY))
        if not e2e.is_sanitized():  # sanitizers map terabytes
            resource.setrlimit(resource.RLIMIT_DATA, (4096 * MIB, resource.RLIM_INFINITY))
        os.nice(5)


class Surroundings(unittest.TestCase):
    def test_folder_limits_and_nice_value(self):
        with StartedInBadSurroundings(fake=True) as daemon:
            pid = daemon.process.pid
            self.assertEqual(os.readlink("/proc/%d/cwd" % pid), "/")
            with daemon.connect() as connection:
                self.assertIn("result", connection.compile("/a"))
            for process in [pid, *daemon.pids()]:
                self.assertEqual(resource.prlimit(process, resource.RLIMIT_FSIZE), (512 * MIB, 512 * MIB))
                self.assertEqual(resource.prlimit(process, resource.RLIMIT_CPU)[0], resource.RLIM_INFINITY)
                self.assertEqual(resource.prlimit(process, resource.RLIMIT_DATA)[0], resource.RLIM_INFINITY)
            status = daemon.status()
            self.assertEqual(status["nice"], os.getpriority(os.PRIO_PROCESS, 0) + 5)
            self.assertEqual((status["limits"]["file_size"], status["limits"]["cpu_s"]), (512 * MIB, None))
            self.assertEqual(status["socket"], daemon.socket)
            self.assertEqual(daemon.stop(), 0)
            self.assertFalse(os.path.exists(daemon.socket))

    def test_a_nice_value_is_reset_in_the_background(self):
        if os.geteuid() != 0:
            self.skipTest("only root may")
        folder = tempfile.mkdtemp(prefix="pycompiled-test-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        socket = os.path.join(folder, "socket")
        environment = dict(os.environ, PYCOMPILED_SOCKET=socket)
        subprocess.run(["nice", "-n", "5", e2e.DAEMON, "--background", "--no-cache"], env=environment, check=True, cwd=folder)
        with e2e.Connection(socket) as connection:
            status = connection.call("status")["result"]
            self.assertEqual(status["nice"], 0)
            connection.call("shutdown")
            self.assertIsNone(connection.receive())
        end = time.monotonic() + e2e.DEADLINE
        while e2e.exists(status["pid"]):  # no event reports the end of a process that is not a child
            self.assertLess(time.monotonic(), end)
            time.sleep(0.005)

    def test_status_shows_the_memory_of_every_host(self):
        with Daemon("--workers", "1") as daemon, daemon.connect() as connection:
            for version in e2e.hosts():
                connection.compile(daemon.file("a.py", "x = 1\n"), python=version, umask=0o22)
            hosts = [host for python in daemon.status()["pythons"] for host in python["hosts"]]
            self.assertGreaterEqual(len(hosts), len(e2e.hosts()))
            for host in hosts:
                self.assertGreater(host["rss_kb"], 1000)


if __name__ == "__main__":
    e2e.main()
