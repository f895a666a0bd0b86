"""Builds that meet: an upgraded installation beside the daemon that runs, two installations on one socket, a host of another
build."""
import contextlib
import functools
import glob
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import e2e_support as e2e


class Installation:
    """A copy of the programs in one folder. `other`: of another build."""

    def __init__(self, folder, other=False):
        self.bin = folder
        os.makedirs(folder)
        version = next(iter(e2e.hosts()))
        for path in (e2e.DAEMON, e2e.CLIENT, e2e.COMPILEALL, e2e.CTL):
            shutil.copy(path, folder)
        e2e.copy_host(version, folder)
        if other:
            for path in glob.glob(folder + "/*"):
                self.change_build(path)

    @staticmethod
    def change_build(path):
        with open(path, "rb") as file:
            data = file.read()
        with open(path, "wb") as file:
            file.write(re.sub(rb"(\d+\.\d+\.\d+\+)[0-9a-f]{16}(?=\0)", rb"\g<1>0123456789abcdef", data))

    def program(self, name):
        return os.path.join(self.bin, name)

    def upgrade(self):
        """Replaces the daemon's program, as a package manager does it."""
        shutil.copy(self.program("pycompiled"), self.program("new"))
        os.rename(self.program("new"), self.program("pycompiled"))


class Builds(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="pycompiled-test-")
        self.socket = os.path.join(self.folder, "run", "socket")
        self.socket_of_other = self.socket + ".01234567"  # as change_build() has it
        self.environment = dict(os.environ, PYCOMPILED_SOCKET=self.socket, PYCOMPILED_CACHE_DIR=self.folder + "/cache")
        for name in ("PYCOMPILED_AUTOSTART", "PYCOMPILE_PYTHON", "VIRTUAL_ENV"):
            self.environment.pop(name, None)
        self.ours = Installation(self.folder + "/ours")
        os.mkdir(self.folder + "/run", 0o700)
        self.addCleanup(shutil.rmtree, self.folder)
        self.addCleanup(self.stop)

    def run_program(self, installation, name, *arguments, **variables):
        return subprocess.run([installation.program(name), *arguments], env=dict(self.environment, **variables),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=e2e.DEADLINE)

    def stop(self):
        self.run_program(self.ours, "pycompilectl", "stop", "--all")
        for path in (self.socket, self.socket_of_other):
            with contextlib.suppress(OSError), e2e.Connection(path):
                self.fail("a daemon is left")

    def status(self, path=None):
        with e2e.Connection(path or self.socket) as connection:
            return connection.call("status")["result"]

    def source(self, name="a.py", text="x = 1\n"):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def compile(self, installation, **variables):
        done = self.run_program(installation, "pycompile-client", self.source(), **variables)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))
        return self.status()["pid"]

    def expect_end(self, pid):
        end = time.monotonic() + e2e.DEADLINE
        while e2e.exists(pid):
            self.assertLess(time.monotonic(), end, "the old daemon does not end")
            time.sleep(0.01)

    def test_status_names_the_build(self):
        self.compile(self.ours)
        self.assertRegex(self.status()["build"], r"^\d+\.\d+\.\d+\+[0-9a-f]{16}$")

    def test_replaced_executable(self):
        old = self.compile(self.ours)
        self.assertEqual(self.compile(self.ours), old)
        self.ours.upgrade()
        new = self.compile(self.ours)
        self.assertNotEqual(new, old)
        self.assertEqual(self.compile(self.ours), new)
        self.expect_end(old)

    def test_two_installations_by_turns(self):
        """Each has a daemon of its own, and keeps it."""
        other = Installation(self.folder + "/other", other=True)
        pids = []
        for _ in range(3):
            ours = self.compile(self.ours)
            self.compile(other)
            pids.append((ours, self.status(self.socket_of_other)["pid"]))
        self.assertEqual(pids, pids[:1] * 3)
        self.assertNotEqual(*pids[0])
        for pid, installation in zip(pids[0], (self.ours, other)):
            self.assertEqual(os.readlink("/proc/%d/exe" % pid), installation.program("pycompiled"))
        for name in ("log", "socket.01234567.log"):
            with open(self.folder + "/run/" + name, encoding="utf-8") as log:
                self.assertEqual(log.read().count("listens on"), 1)

    def pid_of_ctl(self, installation, *arguments):
        done = self.run_program(installation, "pycompilectl", "status", "--json", *arguments)
        return [json.loads(line)["pid"] for line in done.stdout.splitlines()]

    def test_pycompilectl_finds_each_daemon(self):
        other = Installation(self.folder + "/other", other=True)
        ours = self.compile(self.ours)
        self.assertEqual(self.pid_of_ctl(other), [ours])  # while it has none of its own
        self.compile(other)
        theirs = self.status(self.socket_of_other)["pid"]
        self.assertEqual((self.pid_of_ctl(self.ours), self.pid_of_ctl(other)), ([ours], [theirs]))
        self.assertEqual(self.pid_of_ctl(other, "--all"), [ours, theirs])
        done = self.run_program(other, "pycompilectl", "start")
        self.assertEqual(done.stdout, "pycompiled is already running (pid %d)\n" % theirs)
        done = self.run_program(other, "pycompilectl", "stop")
        self.assertEqual(done.stdout, "pycompiled stopped (pid %d)\n" % theirs)
        self.assertEqual(self.pid_of_ctl(self.ours, "--all"), [ours])
        self.compile(other)
        theirs = self.status(self.socket_of_other)["pid"]
        done = self.run_program(self.ours, "pycompilectl", "stop", "--all")
        self.assertEqual(done.stdout, "pycompiled stopped (pid %d)\npycompiled stopped (pid %d)\n" % (ours, theirs))
        done = self.run_program(self.ours, "pycompilectl", "status", "--all")
        self.assertEqual((done.returncode, done.stdout), (3, "pycompiled is not running\n"))

    def test_a_daemon_of_its_own_is_found_when_the_shared_one_has_left(self):
        other = Installation(self.folder + "/other", other=True)
        self.compile(self.ours)
        self.compile(other)
        theirs = self.status(self.socket_of_other)["pid"]
        self.run_program(self.ours, "pycompilectl", "stop")
        done = self.run_program(other, "pycompile-client", self.source())
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(self.pid_of_ctl(other, "--all"), [theirs])

    @contextlib.contextmanager
    def started_by_a_person(self, *options):
        """A daemon of our build with options of its own. Yields the process id."""
        command = [self.ours.program("pycompiled"), "--no-cache", *options]
        if "--background" in options:
            subprocess.run(command, env=self.environment, check=True, timeout=e2e.DEADLINE)
            yield self.status()["pid"]
            return
        with subprocess.Popen(command, env=self.environment, stderr=subprocess.PIPE, text=True) as process:
            try:
                self.assertIn("listens on", process.stderr.readline())
                yield process.pid
            finally:
                process.terminate()
                process.stderr.read()

    def test_a_daemon_with_options_of_its_own_is_kept(self):
        """A client of another build says so once, and uses it."""
        other = Installation(self.folder + "/other", other=True)
        for options in ([], ["--background", "--workers", "1"]):
            with self.subTest(options=options), self.started_by_a_person(*options) as pid:
                self.assertIs(self.status()["replaceable"], False)
                for name, arguments in (("pycompile-client", [self.source(), self.source("b.py")]),
                                        ("pycompileall-client", ["-f", "-q", self.source("folder/c.py")])):
                    done = self.run_program(other, name, *arguments)
                    self.assertEqual((done.returncode, done.stdout), (0, ""))
                    self.assertRegex(done.stderr, r"^%s: the daemon \(pid %d\) is of build \S+, and this program of build "
                                     r"\S+\+0123456789abcdef: it was started with options of its own and is kept; restart "
                                     r"it to have this build\n$" % (name, pid))
                done = self.run_program(other, "pycompile-client", "-q", self.source())
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                done = self.run_program(self.ours, "pycompile-client", self.source())
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertEqual(self.pid_of_ctl(other, "--all"), [pid])
            self.stop()

    def test_a_daemon_with_options_of_its_own_survives_an_upgrade(self):
        with self.started_by_a_person() as pid:
            self.ours.upgrade()  # by a file of the same build
            self.assertEqual(self.compile(self.ours), pid)
            for name in os.listdir(self.ours.bin):
                path = self.ours.program(name)
                shutil.copy(path, path + ".new")
                Installation.change_build(path + ".new")
                os.rename(path + ".new", path)
            for _ in range(3):  # its new hosts are of another build
                done = self.run_program(self.ours, "pycompile-client", "--check", self.source("b.py"))
                self.assertIn("is kept; restart it", done.stderr)
                self.assertEqual(self.status()["pid"], pid)

    def test_same_build_elsewhere(self):
        """A copy of the same build shares the daemon."""
        copy = Installation(self.folder + "/copy")
        self.assertEqual(self.compile(self.ours), self.compile(copy))

    def test_daemon_of_others(self):
        """Where no daemon may be started, none is asked to leave."""
        other = Installation(self.folder + "/other", other=True)
        old = self.compile(self.ours)
        self.assertEqual(self.compile(other, PYCOMPILED_AUTOSTART="0"), old)
        self.ours.upgrade()
        self.assertEqual(self.compile(self.ours, PYCOMPILED_AUTOSTART="0"), old)

    def test_no_request_is_lost(self):
        """A run of many files goes on with the next daemon."""
        for i in range(300):
            self.source("many/m%d.py" % i, "".join("def f%d(x): return [x, %d]\n" % (k, k) for k in range(300)))
        old = self.compile(self.ours)
        done = []
        run = threading.Thread(target=lambda: done.append(
            self.run_program(self.ours, "pycompileall-client", "-q", "-j0", self.folder + "/many")))
        run.start()
        folder = self.folder + "/many/__pycache__"
        end = time.monotonic() + e2e.DEADLINE
        while not (os.path.isdir(folder) and len(os.listdir(folder)) > 5) and time.monotonic() < end:
            time.sleep(0.001)
        self.ours.upgrade()
        self.assertNotEqual(self.compile(self.ours), old)
        run.join()
        self.assertEqual((done[0].returncode, done[0].stdout + done[0].stderr), (0, ""))
        self.assertEqual(len([name for name in os.listdir(folder) if name.endswith(".pyc")]), 300)

    def test_upgrade_under_a_connection(self):
        """A daemon that no client may replace, as one of systemd's socket, makes way for the new build by itself."""
        old = self.compile(self.ours)
        for name in os.listdir(self.ours.bin):
            path = self.ours.program(name)
            if os.path.isfile(path):
                shutil.copy(path, path + ".new")
                Installation.change_build(path + ".new")
                os.rename(path + ".new", path)
        with e2e.Connection(self.socket) as connection:
            answer = connection.call("compile", {"file": self.source("b.py")})
        self.assertEqual((answer["error"]["code"], answer["error"]["data"]["retryable"]), (-32005, True), answer)
        self.expect_end(old)
        self.assertNotEqual(self.compile(self.ours), old)

    def test_many_clients_replace_one_daemon(self):
        """Of many clients that find an old daemon, none dismisses its successor, and none loses a request."""
        for _ in range(3):
            self.compile(self.ours)
            self.ours.upgrade()
            sources = [self.source("crowd/m%d.py" % i, "x = %d\n" % i) for i in range(24)]
            clients = [subprocess.Popen([self.ours.program("pycompile-client"), source], env=self.environment,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True) for source in sources]
            said = [(client.communicate(timeout=e2e.DEADLINE)[0], client.returncode) for client in clients]
            self.assertEqual(said, [("", 0)] * len(clients))
            shutil.rmtree(self.folder + "/crowd")
        with open(self.folder + "/run/log", encoding="utf-8") as log:
            self.assertEqual(log.read().count("leaving: "), 3)

    def watch(self, installation, name):
        """`pycompilectl watch`, once it follows a folder."""
        os.mkdir(self.folder + "/" + name)
        process = subprocess.Popen([installation.program("pycompilectl"), "watch", self.folder + "/" + name],
                                   env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                                   stderr=subprocess.STDOUT)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.expect_line(process, "following")
        return process

    def expect_line(self, process, text):
        timer = threading.Timer(e2e.DEADLINE, process.kill)
        timer.start()
        found = any(text in line for line in process.stdout)
        timer.cancel()
        self.assertTrue(found, "the watch has ended without: " + text)

    def test_watches_of_two_builds(self):
        """They do not replace each other's daemon."""
        watches = {"a": self.watch(self.ours, "a"), "b": self.watch(Installation(self.folder + "/other", other=True), "b")}
        for i in range(3):
            for name, watch in watches.items():
                self.source("%s/m%d.py" % (name, i))
                self.expect_line(watch, "%s/m%d.py" % (name, i))
        for name in ("log", "socket.01234567.log"):
            with open(self.folder + "/run/" + name, encoding="utf-8") as log:
                self.assertEqual(log.read().count("leaving: "), 0)

    def test_host_of_another_build(self):
        for path in glob.glob(self.ours.program("pycompile-host-*")):
            if not path.endswith(".json"):
                Installation.change_build(path)
        done = self.run_program(self.ours, "pycompile-client", self.source())
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"the host is of build \S+\+0123456789abcdef, and the daemon of build \S+: they must be")

    def compile_by_module(self, installation):
        """Returns what was written to standard error, and the process of the daemon that compiled."""
        script = ("import pycompiled, sys; client = pycompiled.Client(daemon=sys.argv[1])\n"
                  "client.compile(sys.argv[2], doraise=True); print(client.status()['pid'])")
        python = next(iter(e2e.pythons().values()))
        command = [python, "-c", script, installation.program("pycompiled"), self.source()]
        environment = dict(self.environment, PYTHONPATH=os.path.join(e2e.SOURCE, "..", "client", "python"))
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=e2e.DEADLINE)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stderr, int(done.stdout)

    def test_python_module(self):
        old = self.compile(self.ours)
        self.assertEqual(self.compile_by_module(self.ours), ("", old))
        self.ours.upgrade()
        said, new = self.compile_by_module(self.ours)
        self.assertEqual(said, "")
        self.assertNotEqual(new, old)

    def test_python_module_of_another_build(self):
        other = Installation(self.folder + "/other", other=True)
        old = self.compile(self.ours)
        said, theirs = self.compile_by_module(other)
        self.assertEqual((said, theirs), ("", self.status(self.socket_of_other)["pid"]))
        self.assertEqual(self.compile_by_module(other), ("", theirs))
        self.assertEqual(self.compile_by_module(self.ours), ("", old))
        self.run_program(self.ours, "pycompilectl", "stop")
        self.assertEqual(self.compile_by_module(other), ("", theirs))

    def test_python_module_and_a_daemon_with_options_of_its_own(self):
        other = Installation(self.folder + "/other", other=True)
        with self.started_by_a_person() as pid:
            said, used = self.compile_by_module(other)
            self.assertEqual(used, pid)
            self.assertEqual(said.count("is kept; restart it to have this build"), 1, said)
            self.assertEqual(self.compile_by_module(self.ours), ("", pid))

    def test_hung_daemon_of_another_build(self):
        """The run ends with the words for a daemon that hangs."""
        other = Installation(self.folder + "/other", other=True)
        old = self.compile(self.ours)
        os.kill(old, signal.SIGSTOP)
        try:
            done = self.run_program(other, "pycompile-client", self.source(), PYCOMPILED_PATIENCE="1")
            self.assertEqual(done.returncode, 1)
        finally:
            os.kill(old, signal.SIGCONT)


@functools.lru_cache
def unshares():
    """Whether mount namespaces can be made here."""
    command = ["unshare", "-m", "sh", "-c", "mount --bind /usr /mnt"]
    try:
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


class UpgradedPython(unittest.TestCase):
    """A Python that is replaced while hosts have it loaded. A mount namespace keeps that from others."""

    SCRIPT = """
set -e
client=$1 source=$2 file=$3 copy=$4 status=$5
"$client" "$source"
"$status" >before
"$client" "$source"
"$status" >same
mount --bind "$copy" "$file"
"$client" "$source" "$source" "$source"
"$status" >after
"""

    def hosts_around(self, daemon, file):
        """The hosts' processes before a file is replaced, after another job, and after a job that comes after that."""
        copy = daemon.file("copy", open(file, "rb").read())
        shutil.copymode(file, copy)
        status = daemon.file("status", "#!/bin/sh\nexec %s status --json\n" % e2e.CTL)
        os.chmod(status, 0o755)
        done = subprocess.run(["sh", "-c", self.SCRIPT, "sh", e2e.CLIENT, daemon.file("a.py", "x = 1\n"), file, copy, status],
                              cwd=daemon.folder, env=daemon.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=e2e.DEADLINE)
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        found = []
        for name in ("before", "same", "after"):
            with open(os.path.join(daemon.folder, name), encoding="utf-8") as written:
                answer = json.load(written)
            found.append({host["pid"] for python in answer["pythons"] for host in python["hosts"] if not host["retiring"]})
            self.assertEqual(answer["counters"]["crashes"], 0)
        return found

    def test_replaced_files(self):
        if "PYCOMPILED_TEST_UNSHARED" not in os.environ:
            if not unshares():
                self.skipTest("mount namespaces are not permitted here")
            done = subprocess.run(["unshare", "-m", "--propagation", "private", sys.executable, __file__, "UpgradedPython"],
                                  env=dict(os.environ, PYCOMPILED_TEST_UNSHARED="1"), stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, timeout=e2e.DEADLINE)
            self.assertEqual(done.returncode, 0, done.stdout)
            return
        version, python = next(iter(e2e.pythons().items()))
        for file in (os.path.realpath(python), os.path.join(e2e.library_folder(python), "os.py")):
            with self.subTest(file=file), e2e.Daemon("--no-cache", "--python", version) as daemon:
                before, same, after = self.hosts_around(daemon, file)
                self.assertEqual(before, same)
                self.assertTrue(after)
                self.assertFalse(before & after)


class UpgradedRelease(unittest.TestCase):
    """A Python that is upgraded in place to another patch release: interpreter, libpython and library, file by file, while
    hosts compile. $PYCOMPILED_OTHER_RELEASE is the prefix of that release, which must be one of the first host's X.Y. A
    private mount namespace and a copy keep the installed Python as it is."""

    def setUp(self):
        self.version, python = next(iter(e2e.pythons().items()))
        self.python = os.path.join(os.path.dirname(os.path.realpath(python)), "python" + self.version)
        self.prefix = os.path.dirname(os.path.dirname(self.python))
        self.other = os.environ.get("PYCOMPILED_OTHER_RELEASE")
        if self.other is None:
            self.skipTest("PYCOMPILED_OTHER_RELEASE names no other patch release of Python " + self.version)
        if not unshares():
            self.skipTest("mount namespaces are not permitted here")

    def upgrade(self):
        """Replaces files by new ones, as a package manager does it."""
        libraries = glob.glob(self.other + "/lib/**/libpython%s.so.1.0" % self.version, recursive=True)
        names = ["bin/python" + self.version, *(os.path.relpath(path, self.other) for path in libraries)]
        library = "lib/python" + self.version
        for top, folders, files in os.walk(os.path.join(self.other, library)):
            folders[:] = sorted(set(folders) - {"__pycache__", "test"})
            names += [os.path.relpath(os.path.join(top, name), self.other) for name in sorted(files)]
        for name in sorted(set(names), reverse=True):
            target = os.path.join(self.prefix, "lib", os.path.basename(name)) if "libpython" in os.path.basename(name) \
                else os.path.join(self.prefix, name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(os.path.join(self.other, name), target + ".new")
            os.replace(target + ".new", target)

    def release(self):
        return subprocess.check_output([self.python, "-c", "import platform; print(platform.python_version())"], text=True).strip()

    def by_itself(self, source):
        """What the interpreter writes."""
        cfile = source + ".expected"
        subprocess.run([self.python, "-c", "import py_compile, sys; py_compile.compile(*sys.argv[1:], doraise=True)", source,
                        cfile], check=True)
        with open(cfile, "rb") as file:
            return file.read()

    def by_the_daemon(self, daemon, source):
        done = subprocess.run([e2e.CLIENT, "--python", self.version, "--no-cache", source],
                              env=daemon.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=e2e.DEADLINE)
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        with open(importlib.util.cache_from_source(source).replace(sys.implementation.cache_tag,
                                                                   "cpython-" + self.version.replace(".", "")), "rb") as file:
            return file.read()

    def expect_release(self, daemon, source):
        """The daemon compiles as the interpreter that is there now. Returns its hosts."""
        self.assertEqual(self.by_the_daemon(daemon, source), self.by_itself(source))
        python = daemon.status()["pythons"][0]
        self.assertEqual((python["python"], python["version"]), (self.version, self.release()))
        self.assertEqual(daemon.status()["counters"]["crashes"], 0)
        return {host["pid"] for host in python["hosts"] if not host["retiring"]}

    def try_upgrade(self):
        copy = tempfile.mkdtemp(prefix="pycompiled-test-")
        self.addCleanup(shutil.rmtree, copy, ignore_errors=True)
        shutil.copytree(self.prefix, copy, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns("test"))
        subprocess.run(["mount", "--bind", copy, self.prefix], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", self.prefix])
        with e2e.Daemon("--no-cache", "--python", self.version) as daemon:
            text = "".join("def f%d(a, *b, c=%d):\n    return [a, b, {c, %d}]\n" % (i, i, i) for i in range(200))
            source = daemon.file("a.py", text)
            many = [daemon.file("many/m%d.py" % i, text + "x = %d\n" % i) for i in range(300)]
            old, before = self.release(), self.expect_release(daemon, source)
            run = subprocess.Popen([e2e.COMPILEALL, "-q", "-f", "--python", self.version, os.path.dirname(many[0])],
                                   env=daemon.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            expected = {name: {self.by_itself(name)} for name in (many[0], many[-1])}
            self.upgrade()
            self.assertNotEqual(self.release(), old)
            after = self.expect_release(daemon, source)
            self.assertFalse(before & after)
            self.assertEqual((run.communicate(timeout=e2e.DEADLINE)[0], run.returncode), ("", 0))
            folder = os.path.join(os.path.dirname(many[0]), "__pycache__")
            self.assertEqual(len(os.listdir(folder)), len(many))
            for name, bytes_ in expected.items():
                pyc = os.path.join(folder, os.path.basename(name)[:-3] + ".cpython-%s.pyc" % self.version.replace(".", ""))
                with open(pyc, "rb") as file:
                    self.assertIn(file.read(), bytes_ | {self.by_itself(name)})
            print("upgraded from %s to %s" % (old, self.release()))

    def test_upgrade(self):
        if "PYCOMPILED_TEST_UNSHARED" in os.environ:
            self.try_upgrade()
            return
        done = subprocess.run(["unshare", "-m", "--propagation", "private", sys.executable, __file__, "UpgradedRelease"],
                              env=dict(os.environ, PYCOMPILED_TEST_UNSHARED="1"), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=10 * e2e.DEADLINE)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("upgraded from ", done.stdout)


if __name__ == "__main__":
    e2e.main()
