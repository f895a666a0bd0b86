"""Faults with real hosts: hosts and servers killed at random under load, no space, no permission, no descriptors.
Every answer is compared with the bytes of a fresh `python -m py_compile`, and nothing may be left behind.

PYCOMPILED_FAULT_SECONDS sets how long hosts are killed (default 4 for each Python), PYCOMPILED_LEAK_COMPILES how many
compiles the leak test makes (default 1,000; it is meant for 50,000)."""
import concurrent.futures
import contextlib
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import e2e_support as e2e
from e2e_support import Daemon

SECONDS = float(os.environ.get("PYCOMPILED_FAULT_SECONDS", "4"))
COMPILES = int(os.environ.get("PYCOMPILED_LEAK_COMPILES", "1000"))
KILL_EVERY = 0.3
CLIENTS = 8
MODULES = ("abc argparse ast bisect codecs csv enum functools heapq inspect json/decoder keyword locale numbers os "
           "pickle random string tempfile textwrap this threading tokenize types weakref").split()
SOURCES = {
    "empty.py": "",
    "warn.py": "x = 1 is 1\ny = '\\d'\n",
    "exact.py": "# coding: utf-7\nx = 1 is 1\n",        # for a pristine host
    "exact2.py": "# coding: utf-7\nx = 1 is 1\n" * 200,
    "set.py": "def f(x):\n    return x in {'a', 'b'}\n",
    "large.py": "x = b'%s'\n" % ("y" * 3000000),       # long to write
    "many.py": "\n".join("def f%d(a, b=%d): return [a, b, '%d']" % (i, i, i) for i in range(300)),
}


def write_sources(folder, python):
    """Puts some files of the standard library, and some unusual ones, into the folder."""
    os.makedirs(folder, exist_ok=True)
    library = subprocess.check_output([python, "-c", "import os; print(os.path.dirname(os.__file__))"], text=True).strip()
    for name in MODULES:
        with contextlib.suppress(FileNotFoundError):
            shutil.copy(os.path.join(library, name + ".py"), os.path.join(folder, name.replace("/", "_") + ".py"))
    for name, text in SOURCES.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    return sorted(os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".py"))


def references(python, files):
    """The bytes that a fresh interpreter writes for each: {file: bytes}. The files are removed again."""
    tag = subprocess.check_output([python, "-c", "import sys; print(sys.implementation.cache_tag)"], text=True).strip()
    environment = dict(os.environ)
    for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"):
        environment.pop(name, None)

    def compile_one(file):
        subprocess.run([python, "-W", "ignore", "-m", "py_compile", file], check=True, env=environment)
        folder, name = os.path.split(file)
        with open(os.path.join(folder, "__pycache__", "%s.%s.pyc" % (name[:-3], tag)), "rb") as written:
            return file, written.read()
    try:
        with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            return dict(pool.map(compile_one, files))
    finally:
        shutil.rmtree(os.path.join(os.path.dirname(files[0]), "__pycache__"))


def leftovers(folder):
    """The files below a folder that are neither sources nor .pyc: temporary ones."""
    return [os.path.join(top, name) for top, _, names in os.walk(folder) for name in names
            if not name.endswith((".py", ".pyc"))]


def until(condition):
    """Waits for a condition that no event reports."""
    end = time.monotonic() + e2e.DEADLINE
    while not condition():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.005)


def descriptors(pid):
    return len(os.listdir("/proc/%d/fd" % pid))


def resident_kb(pid):
    with open("/proc/%d/statm" % pid) as file:
        return int(file.read().split()[1]) * (os.sysconf("SC_PAGESIZE") // 1024)


def children(pid):
    with contextlib.suppress(OSError):
        with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
            return [int(word) for word in file.read().split()]
    return []


class Killer(threading.Thread):
    """Kills one of a daemon's hosts, or a process that a pristine host has forked, at intervals."""

    def __init__(self, daemon, seed):
        super().__init__()
        self.daemon_under_test = daemon
        self.random = random.Random(seed)
        # AddressSanitizer would report the other signal as a fault of the host.
        self.signals = [signal.SIGKILL, signal.SIGABRT] + ([] if e2e.is_sanitized() else [signal.SIGSEGV])
        self.stopping = threading.Event()
        self.killed = {"shared": 0, "pristine": 0, "solo": 0}
        self.error = None

    def kill_one(self, connection):
        status = connection.call("status")["result"]
        victims = [(host["pid"], host["kind"]) for python in status["pythons"] for host in python["hosts"]]
        victims += [(child, kind) for pid, kind in victims for child in children(pid)]
        if not victims:
            return
        pid, kind = self.random.choice(victims)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, self.random.choice(self.signals))
            self.killed[kind] += 1

    def run(self):
        try:
            with self.daemon_under_test.connect() as connection:
                while not self.stopping.wait(KILL_EVERY):
                    self.kill_one(connection)
        except Exception as error:  # told by stop()
            self.error = error

    def stop(self):
        self.stopping.set()
        self.join()
        if self.error is not None:
            raise self.error


class Client(threading.Thread):
    """Compiles files at random, several at once, into a folder of its own, and compares every byte."""
    AT_ONCE = 4

    def __init__(self, daemon, folder, expected, version, seed):
        super().__init__()
        self.daemon_under_test, self.folder, self.expected, self.version = daemon, folder, expected, version
        self.random = random.Random(seed)
        # AddressSanitizer would report the other signal as a fault of the host.
        self.signals = [signal.SIGKILL, signal.SIGABRT] + ([] if e2e.is_sanitized() else [signal.SIGSEGV])
        self.stopping = threading.Event()
        self.right, self.crashed, self.wrong = 0, [], []

    def ask(self, connection, waiting, file):
        cfile = os.path.join(self.folder, "%d-%s" % (connection.ids, "cache"), os.path.basename(file) + "c")
        params = {"file": file, "cfile": cfile, "python": self.version}
        waiting[connection.request("compile", params)] = file, cfile

    def check(self, connection, waiting, answer):
        file, cfile = waiting.pop(answer["id"])
        if answer.get("error", {}).get("code") == -32003:
            self.crashed.append((file, answer))
        elif "error" in answer:
            self.wrong.append((file, answer))
        else:
            with open(cfile, "rb") as written:
                if written.read() == self.expected[file]:
                    self.right += 1
                else:
                    self.wrong.append((file, "other bytes"))
        if os.path.exists(cfile):
            os.unlink(cfile)

    def run(self):
        try:
            files = sorted(self.expected)
            with self.daemon_under_test.connect() as connection:
                waiting = {}
                while waiting or not self.stopping.is_set():
                    while len(waiting) < self.AT_ONCE and not self.stopping.is_set():
                        self.ask(connection, waiting, self.random.choice(files))
                    self.check(connection, waiting, connection.receive())
        except Exception as error:
            self.wrong.append(("", repr(error)))


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="pycompiled-test-")
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, *names):
        return os.path.join(self.folder, *names)


class HostsKilled(Case):
    def run_under_fire(self, version, python):
        expected = references(python, write_sources(self.path("src"), python))
        seed = random.randrange(1 << 30)
        with self.subTest(seed=seed), Daemon("--workers", "2") as daemon:
            pid = daemon.process.pid
            with daemon.connect() as connection:
                for file in sorted(expected):
                    connection.compile(file, python=version, cfile=self.path("out", "warm.pyc"))
                before = descriptors(pid)
            clients = [Client(daemon, self.path("out", str(i)), expected, version, seed + i) for i in range(CLIENTS)]
            killer = Killer(daemon, seed)
            for thread in [*clients, killer]:
                thread.start()
            time.sleep(SECONDS)
            killer.stop()
            for client in clients:
                client.stopping.set()
            for client in clients:
                client.join()
            wrong = [item for client in clients for item in client.wrong]
            self.assertEqual(wrong, [])
            right, crashed = sum(client.right for client in clients), [item for client in clients for item in client.crashed]
            counters = daemon.status()["counters"]
            print("\n%s: %d right, %d given up, killed: %s, crashes counted: %d"
                  % (version, right, len(crashed), killer.killed, counters["crashes"]), file=sys.stderr)
            self.assertGreater(right, CLIENTS)
            self.assertGreater(sum(killer.killed.values()), SECONDS)
            # A sanitizer takes every signal for the program's own fault: then two of them end a job.
            self.assertLessEqual(len(crashed), killer.killed["solo"] if e2e.is_sanitized() else 0, (crashed, daemon.read_log()))
            until(lambda: daemon.status()["jobs"] == 0)
            self.assertEqual(leftovers(self.folder), [])
            self.assertEqual(daemon.process.pid, pid)
            self.assertIsNone(daemon.process.poll())
            # Hosts come and go; descriptors that they left open would be dozens by now.
            self.assertLess(descriptors(pid), before + 24)


class ServerKilled(Case):
    FILES = 400

    def sources(self):
        names = ["m%04d.py" % i for i in range(self.FILES)]
        for i, name in enumerate(names):
            kind = "x = 1 is 1\n" if i % 8 == 0 else "large = b'%s'\n" % ("y" * 200000)
            with open(self.path(name), "w", encoding="utf-8") as file:
                file.write("x = [%d]\n" % i + kind + "def f(a, b): return a + b\n" * 100)
        return names

    def environment(self, **more):
        return dict(os.environ, PYCOMPILED_SOCKET=self.path("run", "socket"), **more)

    def ctl(self, *args):
        return subprocess.run([e2e.CTL, *args], env=self.environment(), capture_output=True, text=True)

    def start_batch(self, version, names, **more):
        """A client that has compiled some of the files, and the file that its errors go to."""
        errors = tempfile.TemporaryFile("w+")
        self.addCleanup(errors.close)
        client = subprocess.Popen([e2e.CLIENT, "--json", "-W", "ignore", "--python", version, *names], cwd=self.folder,
                                  env=self.environment(**more), stdout=subprocess.PIPE, stderr=errors, text=True)
        self.addCleanup(client.stdout.close)
        for _ in range(50):
            client.stdout.readline()
        return client, errors

    def kill_server(self):
        """Kills the daemon, and waits until its hosts, which may still finish a file, are gone."""
        status = e2e.json.loads(self.ctl("status", "--json").stdout)
        pids = [host["pid"] for python in status["pythons"] for host in python["hosts"]]
        os.kill(status["pid"], signal.SIGKILL)
        until(lambda: not any(e2e.exists(pid) for pid in pids))

    def check_files(self, version, python, complete):
        """Every .pyc is whole and belongs to its source; none is missing if the batch is complete."""
        script = ("import importlib.util, marshal, os, sys\n"
                  "count = 0\n"
                  "for name in sorted(os.listdir()):\n"
                  "    cfile = importlib.util.cache_from_source(name)\n"
                  "    if name.endswith('.py') and os.path.exists(cfile):\n"
                  "        data = open(cfile, 'rb').read()\n"
                  "        code = marshal.loads(data[16:])\n"
                  "        assert code.co_consts[0] == int(name[1:5]), name\n"
                  "        assert int.from_bytes(data[8:12], 'little') == int(os.stat(name).st_mtime), name\n"
                  "        count += 1\n"
                  "print(count)\n")
        run = subprocess.run([python, "-c", script], cwd=self.folder, capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)
        if complete:
            self.assertEqual(int(run.stdout), self.FILES)
        self.assertEqual(leftovers(self.path("__pycache__")), [])

    def kill_in_the_middle(self, version, python):
        names = self.sources()
        self.assertEqual(self.ctl("start").returncode, 0)
        self.addCleanup(self.ctl, "stop")
        client, errors = self.start_batch(version, names)
        self.kill_server()
        lines = client.stdout.readlines()
        self.assertEqual(client.wait(e2e.DEADLINE), 0, lines[-1:])
        errors.seek(0)
        self.assertEqual(errors.read(), "")
        done = [text for text in lines if '"outcome":"compiled"' in text or '"outcome":"cached"' in text]
        self.assertEqual(len(done), self.FILES - 50)
        self.check_files(version, python, True)

    def kill_for_good(self, version, python):
        names = self.sources()
        self.assertEqual(self.ctl("start").returncode, 0)
        self.addCleanup(self.ctl, "stop")
        client, errors = self.start_batch(version, names, PYCOMPILED_AUTOSTART="0")
        self.kill_server()
        client.stdout.read()
        self.assertEqual(client.wait(e2e.DEADLINE), 1)
        errors.seek(0)
        self.assertIn("PYCOMPILED_AUTOSTART=0 forbids", errors.read())
        self.check_files(version, python, False)


class NoSpace(Case):
    """Writes that fail half-way: the answer is py_compile's, the old file stays, nothing else is left."""

    @contextlib.contextmanager
    def file_system(self, size):
        """A small file system, if this user may mount one."""
        where = self.path("small")
        os.mkdir(where)
        mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%d" % size, "tmpfs", where], capture_output=True) \
            if os.geteuid() == 0 else None
        if mount is None or mount.returncode != 0:
            self.skipTest("cannot mount a file system of a known size here")
        try:
            yield where
        finally:
            subprocess.run(["umount", where], check=True)

    def write(self, path, text):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def fails(self, connection, version, file, cfile, error):
        answer = connection.compile(file, cfile=cfile, python=version)
        self.assertEqual(answer.get("error", {}).get("code"), -32002, answer)
        self.assertEqual(answer["error"]["data"]["errno"], error, answer)

    def check_old_file(self, cfile, old):
        with open(cfile, "rb") as file:
            self.assertEqual(file.read(), old)
        self.assertEqual(os.listdir(os.path.dirname(cfile)), [os.path.basename(cfile)])

    def test_disk_full(self):
        with self.file_system(256 << 10) as where, Daemon("--workers", "2") as daemon, daemon.connect() as connection:
            source, cfile = self.path("a.py"), os.path.join(where, "out", "a.pyc")
            for version in e2e.hosts():
                self.write(source, "x = 1\n")
                self.assertIn("result", connection.compile(source, cfile=cfile, python=version))
                with open(cfile, "rb") as file:
                    old = file.read()
                self.write(source, "x = b'%s'\n" % ("y" * 500000))
                self.fails(connection, version, source, cfile, 28)
                self.check_old_file(cfile, old)
                self.write(source, "x = 2\n")
                self.assertIn("result", connection.compile(source, cfile=cfile, python=version))

    def test_read_only_file_system(self):
        with self.file_system(256 << 10) as where, Daemon("--workers", "1") as daemon, daemon.connect() as connection:
            source, cfile = self.write(self.path("a.py"), "x = 1\n"), os.path.join(where, "out", "a.pyc")
            connection.compile(source, cfile=cfile)
            with open(cfile, "rb") as file:
                old = file.read()
            subprocess.run(["mount", "-o", "remount,ro", where], check=True)
            for version in e2e.hosts():
                self.fails(connection, version, source, cfile, 30)
                self.fails(connection, version, source, os.path.join(where, "new", "a.pyc"), 30)
            self.check_old_file(cfile, old)

    def test_read_only_folder(self):
        if os.geteuid() == 0:
            self.skipTest("root may write everywhere")
        with Daemon("--workers", "1") as daemon, daemon.connect() as connection:
            source = self.write(self.path("a.py"), "x = 1\n")
            os.mkdir(self.path("out"), 0o555)
            for version in e2e.hosts():
                self.fails(connection, version, source, self.path("out", "a.pyc"), 13)

    def test_largest_file(self):
        """RLIMIT_FSIZE also cuts the logs of the server and its hosts short, and kills no process."""
        with Daemon("--workers", "2") as daemon, daemon.connect() as connection:
            limit = (200 << 10, resource.RLIM_INFINITY)
            resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, limit)
            source, cfile = self.path("a.py"), self.path("out", "a.pyc")
            for version in e2e.hosts():
                for pid in daemon.pids():
                    resource.prlimit(pid, resource.RLIMIT_FSIZE, limit)
                self.write(source, "x = 1\n")
                self.assertIn("result", connection.compile(source, cfile=cfile, python=version))
                with open(cfile, "rb") as file:
                    old = file.read()
                for text in ("x = b'%s'\n" % ("y" * 500000), "1 is 1\nx = b'%s'\n" % ("y" * 500000)):
                    self.write(source, text)
                    self.fails(connection, version, source, cfile, 27)
                    self.check_old_file(cfile, old)
            self.assertEqual(daemon.status()["counters"]["crashes"], 0)
            with open(daemon.log, "ab") as log:
                log.write(b"x" * (300 << 10))
            for pid in daemon.pids():
                os.kill(pid, signal.SIGKILL)  # which the server would log
            self.write(source, "x = 1\n")
            self.assertIn("result", connection.compile(source, cfile=cfile))

    def test_no_descriptors_in_a_host(self):
        with Daemon("--workers", "1") as daemon, daemon.connect() as connection:
            source, cfile = self.write(self.path("a.py"), "x = 1\n"), self.path("out", "a.pyc")
            for version in e2e.hosts():
                connection.compile(source, cfile=cfile, python=version)
                for pid in daemon.pids():
                    old = resource.prlimit(pid, resource.RLIMIT_NOFILE)
                    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, old[1]))
                self.fails(connection, version, source, cfile, 24)
                for pid in daemon.pids():
                    resource.prlimit(pid, resource.RLIMIT_NOFILE, old)
                self.assertIn("result", connection.compile(source, cfile=cfile, python=version))
            self.assertEqual(leftovers(self.folder), [])


class Leaks(Case):
    def test_a_large_host_is_replaced_between_jobs(self):
        source = self.path("a.py")
        with open(source, "w", encoding="utf-8") as file:
            file.write("x = 1\n")
        with Daemon("--no-cache", "--workers", "1", "--host-memory", "1") as daemon, daemon.connect() as connection:
            for version in e2e.hosts():
                asked = [connection.request("compile", {"file": source, "python": version}) for _ in range(200)]
                self.assertTrue(all("result" in connection.receive() for _ in asked))
                self.assertGreaterEqual(daemon.read_log().count("a host of Python %s holds" % version), 2)
            self.assertEqual(daemon.status()["counters"]["crashes"], 0)

    def run_many(self, version, python):
        """After many compiles, with errors and warnings among them, memory and descriptors are as before."""
        files = write_sources(self.path("src"), python)
        files = [file for file in files if "large" not in file]
        bad = self.path("src", "bad.py")
        with open(bad, "w", encoding="utf-8") as file:
            file.write("x = (\n")
        pids = []
        with Daemon("--no-cache", "--workers", "1", "--shrink-after", "0", "--host-memory", "0") as daemon, \
                daemon.connect() as connection:
            def compile_so_many(count):
                chosen = random.Random(count)
                for start in range(0, count, 100):
                    asked = [connection.request("compile", {"file": chosen.choice(files) if i % 20 else bad,
                                                            "python": version, "cfile": self.path("out.pyc")})
                             for i in range(start, min(start + 100, count))]
                    answers = [connection.receive() for _ in asked]
                    assert all(answer.get("error", {}).get("code", -32001) == -32001 for answer in answers)
            compile_so_many(1200)  # caches fill; the collector runs every 512 jobs
            pids = [daemon.process.pid, *[host["pid"] for item in connection.call("status")["result"]["pythons"]
                                          for host in item["hosts"] if item["python"] == version]]
            before = [(resident_kb(pid), descriptors(pid)) for pid in pids]
            compile_so_many(COMPILES)
            after = [(resident_kb(pid), descriptors(pid)) for pid in pids]
            print("\n%s: (resident KiB, descriptors) of server and hosts before and after %d compiles: %s %s"
                  % (version, COMPILES, before, after), file=sys.stderr)
            self.assertEqual([item[1] for item in after], [item[1] for item in before])
            if e2e.is_sanitized():
                return  # it keeps freed memory
            self.assertLess(after[0][0], before[0][0] + 1024)
            for old, new in zip(before[1:], after[1:]):
                self.assertLess(new[0], old[0] + 6 * 1024 + COMPILES // 50)


def add_tests():
    for version, python in e2e.pythons().items():
        tag = version.replace(".", "_")
        for case, name, run in ((HostsKilled, "under_fire", HostsKilled.run_under_fire),
                                (ServerKilled, "in_the_middle", ServerKilled.kill_in_the_middle),
                                (ServerKilled, "for_good", ServerKilled.kill_for_good),
                                (Leaks, "many", Leaks.run_many)):
            if case is HostsKilled and version in ("3.9", "3.10"):
                continue  # a fresh process's bytes vary there: docs/exactness.md
            setattr(case, "test_%s_%s" % (name, tag),
                    lambda self, run=run, version=version, python=python: run(self, version, python))


add_tests()

if __name__ == "__main__":
    e2e.main()
