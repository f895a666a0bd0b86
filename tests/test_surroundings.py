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


class InAGroup(Daemon):
    """A daemon that is started in a control group."""

    def __init__(self, group, *options):
        super().__init__(*options, fake=True)
        self.group = group

    def start(self):
        def enter():
            with open(os.path.join(self.group, "cgroup.procs"), "w", encoding="ascii") as file:
                file.write("0")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([self.program(), *self.options], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=self.environment, preexec_fn=enter)
        self.wait_until_up()


def groups_with_cpu():
    """Mount points of control groups whose CPU quota can be set: (folder, whether it is version 2)."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            before, _, after = line.rstrip("\n").partition(" - ")
            kind, _, options = after.split(" ", 2)
            folder = before.split(" ")[4]
            if kind == "cgroup" and "cpu" in options.split(","):
                yield folder, False
            elif kind == "cgroup2" and os.path.exists(folder + "/cgroup.subtree_control"):
                with open(folder + "/cgroup.subtree_control", encoding="ascii") as control:
                    if "cpu" in control.read().split():
                        yield folder, True


class Quota(unittest.TestCase):
    """The default number of workers in a real control group."""

    def make_group(self, path):
        try:
            os.mkdir(path)
        except OSError as error:
            self.skipTest("no control group can be made: %s" % error)
        self.addCleanup(os.rmdir, path)
        return path

    def set_quota(self, group, version_2, cpus):
        """A quota of so many processors, or None."""
        files = {"cpu.max": "%s 100000" % ("max" if cpus is None else int(cpus * 100000))} if version_2 else \
                {"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "-1" if cpus is None else str(int(cpus * 100000))}
        for name, text in files.items():
            with open(os.path.join(group, name), "w", encoding="ascii") as file:
                file.write(text)

    def workers(self, group, *options):
        with InAGroup(group, *options) as daemon:
            status = daemon.status()
            shown = subprocess.run([e2e.CTL, "status"], env=daemon.environment, stdout=subprocess.PIPE, check=True, text=True).stdout
            return status["workers_max"], status["workers_by"], next(line for line in shown.splitlines() if line.startswith("workers"))

    def test_quota(self):
        cores = len(os.sched_getaffinity(0))
        found = list(groups_with_cpu()) if os.geteuid() == 0 else []
        if not found:
            self.skipTest("needs root and a mounted hierarchy of control groups with the CPU controller")
        top, version_2 = found[0]
        group = self.make_group(os.path.join(top, "pycompiled-test-%d" % os.getpid()))
        self.set_quota(group, version_2, None)
        if version_2:  # so that the inner group may have a quota, where the test gives it one
            inner = group
        else:
            inner = self.make_group(os.path.join(group, "inner"))
        before, by, shown = self.workers(inner)
        self.assertLessEqual(before, cores)
        if before == cores:
            self.assertEqual((by, shown), ("affinity", "workers  at most %d of each Python (by the affinity mask)" % cores))
        self.set_quota(group, version_2, cores + 1.5)
        self.assertEqual(self.workers(inner)[:2], (before, by))
        self.set_quota(group, version_2, 0.5)  # of the parent
        wanted = (1, "quota", "workers  at most 1 of each Python (by the CPU quota of the control group)")
        if cores > 1:
            self.assertEqual(self.workers(inner), wanted)
        if before > 2:
            self.set_quota(group, version_2, 1.1)
            self.assertEqual(self.workers(inner)[:2], (2, "quota"))
        self.assertEqual(self.workers(inner, "--workers", "3"), (3, "option", "workers  at most 3 of each Python (by --workers)"))


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


class BetterSurroundings(unittest.TestCase):
    """A daemon that a client has started under hard limits makes way for a client without these."""

    def setUp(self):
        if e2e.is_sanitized():
            self.skipTest("sanitizers do not work under these limits")
        self.folder = tempfile.mkdtemp(prefix="pycompiled-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.socket = os.path.join(self.folder, "run", "socket")
        self.environment = dict(os.environ, PYCOMPILED_SOCKET=self.socket)
        self.environment.pop("PYCOMPILED_AUTOSTART", None)
        os.mkdir(self.folder + "/run", 0o700)
        self.addCleanup(subprocess.run, [e2e.CTL, "stop", "--all"], env=self.environment, stdout=subprocess.DEVNULL)

    def source(self, name, text="x = 1\n"):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def status(self):
        with e2e.Connection(self.socket) as connection:
            return connection.call("status")["result"]

    def compile(self, *limits, command=None):
        """Compiles under hard limits, pairs of resource and value. Returns the process of the daemon that serves then."""
        def limit():
            for kind, value in limits:
                resource.setrlimit(kind, (value, value))
        done = subprocess.run(command or [e2e.CLIENT, self.source("a.py")], env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=e2e.DEADLINE,
                              preexec_fn=limit)
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        return self.status()["pid"]

    SMALL_FILES = (resource.RLIMIT_FSIZE, 512 * MIB)
    LITTLE_TIME = (resource.RLIMIT_CPU, 10000)

    def test_a_new_start(self):
        """And none back: the next client under limits uses the better daemon."""
        limited = self.compile(self.SMALL_FILES)
        self.assertEqual(self.status()["limits"]["file_size"], 512 * MIB)
        self.assertEqual(self.compile(self.SMALL_FILES), limited)
        free = self.compile()
        self.assertNotEqual(free, limited)
        self.assertIsNone(self.status()["limits"]["file_size"])
        for limits in ([], [self.SMALL_FILES], [], [self.LITTLE_TIME], []):
            self.assertEqual(self.compile(*limits), free)

    def test_clients_that_differ_do_not_replace_each_others_daemon(self):
        """Only surroundings that are better in one respect and worse in none count."""
        first = self.compile(self.SMALL_FILES)
        for limits in ([self.LITTLE_TIME], [self.SMALL_FILES], [self.LITTLE_TIME, self.SMALL_FILES]):
            self.assertEqual(self.compile(*limits), first)

    def test_limits_that_hurt_nobody(self):
        first = self.compile((resource.RLIMIT_NOFILE, 10000))
        self.assertEqual(self.compile(), first)

    def test_a_daemon_with_options_of_its_own_is_kept(self):
        def limit():
            resource.setrlimit(*self.SMALL_FILES[:1], (512 * MIB, 512 * MIB))
        subprocess.run([e2e.DAEMON, "--background", "--workers", "1"], env=self.environment, check=True, preexec_fn=limit)
        first = self.status()["pid"]
        self.assertEqual(self.compile(), first)

    def test_a_daemon_that_may_not_be_started_anew_is_kept(self):
        first = self.compile(self.SMALL_FILES)
        self.environment["PYCOMPILED_AUTOSTART"] = "0"
        self.assertEqual(self.compile(), first)

    def test_no_request_is_lost(self):
        """Many clients at once replace the daemon once."""
        self.compile(self.SMALL_FILES)
        sources = [self.source("m%d.py" % i, "x = %d\n" % i) for i in range(16)]
        clients = [subprocess.Popen([e2e.CLIENT, source], env=self.environment, stdin=subprocess.DEVNULL,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for source in sources]
        said = [(client.communicate(timeout=e2e.DEADLINE)[0], client.returncode) for client in clients]
        self.assertEqual(said, [("", 0)] * len(clients))
        with open(self.folder + "/run/log", encoding="utf-8") as log:
            self.assertEqual(log.read().count("leaving: "), 1)

    def test_nice_value(self):
        """Of a user who may not reset it."""
        if os.geteuid() == 0 and shutil.which("setpriv") is None:
            self.skipTest("the program setpriv is missing")
        drop = ["setpriv", "--bounding-set=-sys_nice", "--inh-caps=-sys_nice"] if os.geteuid() == 0 else []
        nice = self.compile(command=[*drop, "nice", "-n", "5", e2e.CLIENT, self.source("a.py")])
        if self.status()["nice"] <= os.getpriority(os.PRIO_PROCESS, 0):
            self.skipTest("the daemon may reset its nice value here")
        free = self.compile(command=[*drop, e2e.CLIENT, self.source("a.py")])
        self.assertNotEqual(free, nice)
        self.assertEqual(self.compile(command=["nice", "-n", "5", e2e.CLIENT, self.source("a.py")]), free)

    def test_python_module(self):
        script = "import pycompiled, sys; pycompiled.Client(daemon=sys.argv[1]).compile(sys.argv[2], doraise=True)"
        python = next(iter(e2e.pythons().values()))
        self.environment["PYTHONPATH"] = os.path.join(e2e.SOURCE, "..", "client", "python")
        command = [python, "-c", script, e2e.DAEMON, self.source("a.py")]
        limited = self.compile(self.SMALL_FILES, command=command)
        self.assertEqual(self.compile(self.LITTLE_TIME, command=command), limited)
        free = self.compile(command=command)
        self.assertNotEqual(free, limited)
        self.assertEqual(self.compile(self.SMALL_FILES, command=command), free)


if __name__ == "__main__":
    e2e.main()
