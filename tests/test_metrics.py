"""pycompilectl metrics, by a real parser of OpenMetrics, and pycompilectl top on a terminal of its own."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

import e2e_support as e2e

sys.path.append("/usr/lib/python3/dist-packages")  # the distribution's parser, where another Python runs this
try:
    from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
    from prometheus_client.parser import text_string_to_metric_families as parse_prometheus
except ImportError:
    parse_openmetrics = parse_prometheus = None

NAMES = {"pycompiled_up", "pycompiled_build_info", "pycompiled_jobs", "pycompiled_job_duration_seconds",
         "pycompiled_queue_wait_seconds", "pycompiled_queue_length", "pycompiled_workers", "pycompiled_host_restarts",
         "pycompiled_cache_bytes", "pycompiled_cache_lookups", "pycompiled_cache_hits", "pycompiled_exact",
         "pycompiled_connections"}
needs_parser = unittest.skipIf(parse_openmetrics is None, "python3-prometheus-client is not installed")


def metrics(daemon, *options):
    return subprocess.run([e2e.CTL, "metrics", *options], env=daemon.environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, check=True, text=True, timeout=e2e.DEADLINE).stdout


def samples(text):
    """The values by name and labels, as they are written."""
    return dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))


class Metrics(unittest.TestCase):
    @needs_parser
    def test_a_parser_takes_it(self):
        with e2e.Daemon() as daemon:
            good, bad = daemon.file("a.py", "x = 1\n"), daemon.file("b.py", "x = (\n")
            with daemon.connect() as connection:
                for file in (good, good, bad, daemon.folder + "/none.py"):
                    connection.compile(file)
                connection.call("check", {"file": good})
            text = metrics(daemon)
            families = {family.name: family for family in parse_openmetrics(text)}
            self.assertLessEqual(NAMES, set(families))
            jobs = {s.labels["outcome"]: s.value for s in families["pycompiled_jobs"].samples}
            self.assertEqual({name: count for name, count in jobs.items() if count},
                             {"compiled": 1, "cached": 1, "failed": 1, "oserror": 1, "checked": 1})
            for name in ("pycompiled_job_duration_seconds", "pycompiled_queue_wait_seconds"):
                counts = {s.labels["outcome"]: s.value for s in families[name].samples if s.name == name + "_count"}
                self.assertEqual(counts, jobs)
            took = [s.value for s in families["pycompiled_job_duration_seconds"].samples if s.name.endswith("_sum")]
            self.assertGreater(sum(took), 0)
            self.assertEqual(families["pycompiled_job_duration_seconds"].unit, "seconds")
            lookups = families["pycompiled_cache_lookups"].samples[0], families["pycompiled_cache_hits"].samples[0]
            self.assertEqual(lookups[1].labels, {"tier": "local"})
            self.assertGreaterEqual(lookups[0].value, 2)
            self.assertEqual(lookups[1].value, 1)
            # node_exporter's textfile collector reads the older format
            older = {family.name for family in parse_prometheus(text)}
            self.assertIn("pycompiled_jobs_total", older | {name + "_total" for name in older})

    def test_crash_and_timeout(self):
        with e2e.Daemon(fake=True) as daemon:
            with daemon.connect() as connection:
                connection.compile("/a:crash")
                connection.compile("/a:sleep=60", timeout_ms=50)
            found = samples(metrics(daemon))
            self.assertEqual(found['pycompiled_jobs_total{outcome="crashed"}'], "1")
            self.assertEqual(found['pycompiled_jobs_total{outcome="timeout"}'], "1")
            self.assertGreaterEqual(int(found['pycompiled_host_restarts_total{reason="crash"}']), 1)
            self.assertEqual(found['pycompiled_job_duration_seconds_count{outcome="timeout"}'], "1")
            self.assertGreater(float(found['pycompiled_job_duration_seconds_sum{outcome="timeout"}']), 0.04)

    def test_to_a_file(self):
        with e2e.Daemon(fake=True) as daemon:
            path = os.path.join(daemon.folder, "prom")
            self.assertEqual(metrics(daemon, "--output", path), "")
            with open(path, encoding="utf-8") as file:
                self.assertRegex(file.read(), r"(?m)^pycompiled_up 1\n(.*\n)*# EOF\n\Z")

    def test_no_daemon(self):
        with tempfile.TemporaryDirectory(prefix="pycompiled-test-") as folder:
            run = subprocess.run([e2e.CTL, "metrics"], env=dict(os.environ, PYCOMPILED_SOCKET=folder + "/s/socket"),
                                 stdout=subprocess.PIPE, text=True)
            self.assertEqual(run.returncode, 0)
            self.assertEqual(samples(run.stdout), {"pycompiled_up": "0"})
            if parse_openmetrics:
                self.assertEqual([family.name for family in parse_openmetrics(run.stdout)], ["pycompiled_up"])


class Activity(unittest.TestCase):
    def ask(self, daemon):
        with daemon.connect() as connection:
            return connection.call("activity")["result"]

    def await_running(self, daemon, name):
        """Waits for a running job of the file `name`."""
        end = time.monotonic() + e2e.DEADLINE
        while name not in (names := [item["file"] for item in self.ask(daemon)["running"]]):
            self.assertLess(time.monotonic(), end, names)

    def test_names_that_are_not_utf_8(self):
        with e2e.Daemon(fake=True) as daemon:
            name = os.fsdecode(b"/caf\xe9")
            running = daemon.file("running")
            with daemon.connect() as connection:
                connection.compile(name + ":crash")
                job = connection.request("compile", {"file": name + ":wait", "dfile": running})
                self.await_running(daemon, name + ":wait")
                os.unlink(running)
                self.assertEqual(connection.receive()["id"], job)
            found = self.ask(daemon)
            self.assertIn(name + ":wait", [item["file"] for item in found["slowest"]])
            self.assertEqual([item["file"] for item in found["errors"]], [name + ":crash"])

    def test_long_names(self):
        with e2e.Daemon(fake=True) as daemon:
            running = daemon.file("running")
            with daemon.connect() as connection:
                job = connection.request("compile", {"file": "/" + 5000 * "a" + ":wait", "dfile": running})
                self.await_running(daemon, "(too long)")
                os.unlink(running)
                self.assertEqual(connection.receive()["id"], job)

    def test_source_in_error(self):
        with e2e.Daemon() as daemon:
            with daemon.connect() as connection:
                error = connection.compile(daemon.file("b.py", "x = (\n"))["error"]
                self.assertEqual(error["message"], "PyCompileError")
            self.assertEqual(self.ask(daemon)["errors"][0]["message"], error["data"]["exc_value"]["msg"])


class Terminal:
    """A program on a terminal, and the screen that it draws: enough of a VT for what screen.c writes."""

    def __init__(self, command, environment, rows, columns):
        self.rows, self.columns, self.written = rows, columns, b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execve(command[0], command, environment)

    def resize(self, rows, columns):
        self.rows, self.columns = rows, columns
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self):
        """Reads on; returns whether the program goes on."""
        if select.select([self.fd], [], [], 30)[0]:
            try:
                data = os.read(self.fd, 1 << 16)
            except OSError:
                data = b""
            self.written += data
            return bool(data)
        raise AssertionError("nothing is drawn")

    def pictures(self):
        """What was drawn: the lines of each whole picture."""
        found = []
        for part in self.written.split(b"\x1b[H")[1:]:
            if b"\x1b[J" in part:
                text = re.sub(rb"\x1b\[[\d?]*[A-Za-z]", b"", part.partition(b"\x1b[J")[0])
                found.append(text.decode().replace("\r", "").split("\n"))
        return found

    def until(self, wanted):
        """Reads until the last picture is as wanted."""
        while not (self.pictures() and wanted("\n".join(self.pictures()[-1]))):
            assert self.read(), self.written

    def end(self):
        while self.read():
            pass
        os.close(self.fd)
        return os.waitpid(self.pid, 0)[1]


class Top(unittest.TestCase):
    def run_top(self, daemon, rows=30, columns=100):
        return Terminal([e2e.CTL, "top"], daemon.environment, rows, columns)

    def test_what_it_shows(self):
        with e2e.Daemon(fake=True) as daemon:
            running = daemon.file("running")
            with daemon.connect() as connection:
                connection.compile("/quick")
                connection.compile("/crashes\x1b[2J:crash")
                job = connection.request("compile", {"file": "/now:wait", "dfile": running})
                top = self.run_top(daemon)
                top.until(lambda text: "/now:wait" in text)
                os.unlink(running)
                self.assertEqual(connection.receive()["id"], job)
                top.until(lambda text: "nothing is being compiled" in text)
            shown = "\n".join(top.pictures()[-1])
            self.assertRegex(shown, r"(?m)^pycompiled .*pid %d " % daemon.process.pid)
            self.assertRegex(shown, r"(?m)^SLOWEST *\n( +[\d.]+ ms  .*\n)* +[\d.]+ ms  /now:wait")
            self.assertRegex(shown, r"(?m)^ERRORS *\n.*/crashes\?\[2J:crash: WorkerCrashed")
            self.assertRegex(shown, r"(?m)^queue +0: 0 interactive")
            self.assertRegex(shown, r"(?m)^files +\d+ done, [\d.]+ a second")
            os.write(top.fd, b"q")
            self.assertEqual(top.end(), 0)
            self.assertTrue(top.written.endswith(b"\x1b[?25h\x1b[?1049l"), top.written[-40:])
            self.assertEqual(top.written.count(b"\x1b[2J"), 1)  # nothing is cleared between pictures

    def test_size(self):
        with e2e.Daemon(fake=True) as daemon:
            with daemon.connect() as connection:
                connection.compile("/" + "long" * 100)
            top = self.run_top(daemon, 40, 120)
            top.until(lambda text: "SLOWEST" in text)
            top.resize(6, 20)
            top.until(lambda text: text.count("\n") < 6)
            for line in top.pictures()[-1]:
                self.assertLessEqual(len(line), 20)
            top.resize(40, 120)
            top.until(lambda text: "SLOWEST" in text)
            os.kill(top.pid, signal.SIGTERM)
            self.assertEqual(top.end(), 0)
            self.assertTrue(top.written.endswith(b"\x1b[?25h\x1b[?1049l"))

    def test_daemon_that_goes(self):
        with e2e.Daemon(fake=True) as daemon:
            top = self.run_top(daemon)
            top.until(lambda text: "clients" in text)
            daemon.stop()
            top.until(lambda text: "is not running" in text)
            os.write(top.fd, b"q")
            self.assertEqual(top.end(), 0)

    def test_no_terminal(self):
        run = subprocess.run([e2e.CTL, "top"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        self.assertEqual((run.returncode, run.stdout), (1, ""))
        self.assertIn("needs a terminal", run.stderr)


if __name__ == "__main__":
    e2e.main()
