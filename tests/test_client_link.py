"""The clients and the daemon between them: one connection a run, one question for its status at most; a daemon that hangs; a
run that needs none; none to be had."""
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import e2e_support as e2e


class Proxy:
    """Passes what clients and the daemon say on, and notes the connections and the methods that are asked."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.folder = tempfile.mkdtemp(prefix="pycompiled-test-")
        self.path = os.path.join(self.folder, "socket")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        self.connections = 0
        self.methods = []
        self.sockets = [self.listener]
        self.threads = [threading.Thread(target=self.accept)]
        self.threads[0].start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(self.daemon.socket)
                self.connections += 1
                self.sockets += [near, far]
                for arguments in ((near, far, True), (far, near, False)):
                    self.threads.append(threading.Thread(target=self.copy, args=arguments))
                    self.threads[-1].start()

    def copy(self, source, target, is_client):
        with contextlib.suppress(OSError), source.makefile("rb") as lines:
            for line in lines:
                if is_client:
                    self.methods.append(json.loads(line)["method"])
                target.sendall(line)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(e2e.DEADLINE)
        for end in self.sockets:
            end.close()
        shutil.rmtree(self.folder)


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = e2e.Daemon()
        cls.daemon.__enter__()
        cls.addClassCleanup(cls.daemon.__exit__, None, None, None)
        cls.default = cls.daemon.status()["pythons"][0]["python"]

    def setUp(self):
        self.work = os.path.realpath(tempfile.mkdtemp(prefix="pycompiled-test-"))
        self.addCleanup(shutil.rmtree, self.work)
        for i in range(3):
            self.write("m%d.py" % i, "x = %d\n" % i)

    def write(self, name, text):
        path = os.path.join(self.work, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def run_program(self, *command, **environment):
        return subprocess.run(command, cwd=self.work, env=dict(self.daemon.environment, **environment), text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=e2e.DEADLINE)


class OneConnection(Case):
    def expect(self, command, methods, status=0, **environment):
        """Runs it, and compares the methods that are asked on its one connection."""
        with Proxy(self.daemon) as proxy:
            done = self.run_program(*command, PYCOMPILED_SOCKET=proxy.path, **environment)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertEqual((proxy.connections, proxy.methods), (1, methods))
        return done

    def test_compile(self):
        self.expect([e2e.CLIENT, "m0.py"], ["compile"])
        self.expect([e2e.CLIENT, "m0.py", "m1.py", "m2.py"], ["compile"] * 3)

    def test_compile_with_all_that_is_asked_before(self):
        self.write(".python-version", self.default + "\n")
        self.expect([e2e.CLIENT, "-W", "bad", "m0.py"], ["status", "compile", "compile"])

    def test_warnings_that_need_no_check(self):
        self.expect([e2e.CLIENT, "-W", "error", "-W", "ignore", "m0.py"], ["compile"])

    def test_compileall(self):
        self.expect([e2e.COMPILEALL, "-q", "."], ["status"] + ["compile"] * 3)

    def test_compileall_with_all_that_is_asked_before(self):
        self.write(".python-version", self.default + "\n")
        done = self.expect([e2e.COMPILEALL, "-f", "-W", "bad", "-x", "m1", "."],
                           ["status", "search", "compile", "search", "compile", "compile"])
        self.assertEqual(done.stdout.count("Compiling"), 2)
        self.expect([e2e.COMPILEALL, "-x", "(", "."], ["status", "search"], status=1)

    def test_compileall_of_sys_path(self):
        empty = os.path.join(self.work, "empty")
        os.mkdir(empty)
        python = os.path.join(self.work, "environment/bin/python")
        self.write("environment/bin/python", "#!/bin/sh\nprintf '%s\\0%%s\\0%%s\\0' %s %s\n" % (self.default, self.work, empty))
        os.chmod(python, 0o755)
        self.expect([e2e.COMPILEALL, "-q"], ["status"] + ["compile"] * 3, VIRTUAL_ENV=os.path.dirname(os.path.dirname(python)))


class NothingToDo(Case):
    """Without anything to compile no daemon is needed, and none is started."""

    def test_compileall(self):
        self.assertEqual(self.run_program(e2e.COMPILEALL, "-q", ".").returncode, 0)
        socket_path = os.path.join(self.work, "run/socket")
        os.makedirs(self.work + "/run", mode=0o700)
        for more in ({}, {"PYCOMPILED_AUTOSTART": "0"}):
            done = self.run_program(e2e.COMPILEALL, ".", PYCOMPILED_SOCKET=socket_path, **more)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "Listing '.'...\nListing './run'...\n", ""))
            self.assertFalse(os.path.exists(socket_path))
        self.write("more.py", "x = 1\n")
        done = self.run_program(e2e.COMPILEALL, ".", PYCOMPILED_SOCKET=socket_path, PYCOMPILED_AUTOSTART="0")
        self.assertEqual(done.returncode, 1)
        self.assertIn("PYCOMPILED_AUTOSTART=0 forbids", done.stderr)

    def test_names_that_do_not_come(self):
        self.write(".python-version", self.default + "\n")
        socket_path = os.path.join(self.work, "socket")
        done = self.run_program(e2e.CLIENT, "-", PYCOMPILED_SOCKET=socket_path, PYCOMPILED_AUTOSTART="0")
        self.assertEqual((done.returncode, done.stderr), (0, ""))


class Surroundings(Case):
    def test_working_directory_that_was_removed(self):
        """py_compile's words."""
        python = e2e.pythons()[self.default]
        script = 'mkdir gone && cd gone && rmdir ../gone && exec "$@"'
        results = []
        for command in ([python, "-m", "py_compile"], [e2e.CLIENT, "--python", self.default]):
            done = self.run_program("sh", "-c", script, "sh", *command, "a.py")
            results.append((done.returncode, done.stderr.splitlines()[-1:]))
        self.assertEqual(results[1], results[0])

    def test_watch_of_a_file(self):
        path = os.path.join(self.work, "m0.py")
        done = self.run_program(e2e.CTL, "watch", path)
        self.assertEqual((done.returncode, done.stderr), (1, "pycompilectl: %s is not a folder\n" % path))


class Hung(Case):
    """A daemon that is stopped by a signal answers nothing; its socket takes connections all the same."""

    def setUp(self):
        super().setUp()
        self.hung = e2e.Daemon()
        self.hung.__enter__()
        self.addCleanup(self.hung.__exit__, None, None, None)
        self.hung.process.send_signal(signal.SIGSTOP)
        self.addCleanup(self.go_on)

    def go_on(self):
        if self.hung.process.poll() is None:
            self.hung.process.send_signal(signal.SIGCONT)

    def environment(self, **more):
        return dict(self.daemon.environment, PYCOMPILED_SOCKET=self.hung.socket, **more)

    def test_given_up(self):
        pid = self.hung.process.pid
        waits = "the daemon (pid %d) does not answer; waiting up to 0.5 seconds\n" % pid
        ends = ("the daemon (pid %d) has given no sign of life for 0.5 seconds: it hangs or is stopped "
                "(pycompilectl stop --force ends it)\n" % pid)
        for program, options, quiet in ((e2e.CLIENT, ["m0.py"], False), (e2e.COMPILEALL, ["."], False),
                                        (e2e.CLIENT, ["-q", "m0.py"], True), (e2e.COMPILEALL, ["-qq", "."], True)):
            with self.subTest(program=program, options=options):
                done = self.run_program(program, *options, PYCOMPILED_SOCKET=self.hung.socket, PYCOMPILED_PATIENCE="0.5")
                self.assertEqual(done.returncode, 1)
                name = os.path.basename(program) + ": "
                self.assertEqual(done.stderr, ("" if quiet else name + waits) + name + ends)

    def test_goes_on(self):
        """One that wakes up in time does the work, and the client has said that it waited."""
        with subprocess.Popen([e2e.CLIENT, "m0.py"], cwd=self.work, env=self.environment(PYCOMPILED_PATIENCE="60"),
                              stderr=subprocess.PIPE, text=True) as process:
            said = process.stderr.readline()
            self.assertIn("does not answer; waiting up to 60 seconds", said)
            self.go_on()
            self.assertEqual((process.stderr.read(), process.wait(e2e.DEADLINE)), ("", 0))

    def test_interrupted(self):
        """Ctrl-C ends the waiting at once."""
        with subprocess.Popen([e2e.COMPILEALL, "."], cwd=self.work, env=self.environment(PYCOMPILED_PATIENCE="6"),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            process.stderr.readline()
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.communicate(timeout=e2e.DEADLINE), ("\n[interrupted]\n", ""))
            self.assertEqual(process.returncode, 1)

    def test_stop_by_force(self):
        """It is killed, and its hosts leave."""
        self.go_on()
        pids = self.hung.pids()
        self.hung.process.send_signal(signal.SIGSTOP)
        done = self.run_program(e2e.CTL, "stop", "--force", PYCOMPILED_SOCKET=self.hung.socket)
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (0, "pycompiled killed (pid %d)\n" % self.hung.process.pid, ""))
        self.assertEqual(self.hung.process.wait(e2e.DEADLINE), -signal.SIGKILL)
        end = time.monotonic() + e2e.DEADLINE
        while any(e2e.exists(pid) for pid in pids) and time.monotonic() < end:
            time.sleep(0.01)
        self.assertEqual([pid for pid in pids if e2e.exists(pid)], [])

    def test_stop_by_force_of_one_that_lives(self):
        self.go_on()
        done = self.run_program(e2e.CTL, "stop", "--force", PYCOMPILED_SOCKET=self.hung.socket)
        self.assertEqual(done.stdout, "pycompiled stopped (pid %d)\n" % self.hung.process.pid)

    def test_slow_is_not_hung(self):
        """A daemon that lives is waited for, however long a compile takes."""
        deep = self.write("slow.py", "f(" + ",".join("a%d=1" % i for i in range(11000)) + ")\n")
        began = time.monotonic()
        done = self.run_program(e2e.CLIENT, "--no-cache", "--python", self.default, deep, PYCOMPILED_PATIENCE="0.5")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertGreater(time.monotonic() - began, 0.5, "compiling takes too little time for this test")


class Slow(unittest.TestCase):
    """Programs that a client starts and that do nothing: each has half a minute."""

    def test_given_up(self):
        with tempfile.TemporaryDirectory(prefix="pycompiled-test-") as folder:
            def program(name, text):
                with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                    file.write("#!/bin/sh\n" + text)
                os.chmod(os.path.join(folder, name), 0o755)
            client = shutil.copy(e2e.CLIENT, folder)
            program("pycompiled", "exec sleep 1000\n")
            program("python3.7", "exec sleep 1000\n")
            environment = dict(os.environ, PYCOMPILED_SOCKET=os.path.join(folder, "socket"), PATH=folder + ":" + os.environ["PATH"])
            environment.pop("PYCOMPILE_PYTHON", None)
            start = time.monotonic()
            runs = [subprocess.Popen([client, *options, "x.py"], cwd=folder, env=dict(environment, **more), text=True, stderr=subprocess.PIPE)
                    for options, more in (((), {}), (("--fallback", "--python", "3.7"), {"PYCOMPILED_AUTOSTART": "0"}))]
            said = [run.communicate(timeout=e2e.DEADLINE)[1] for run in runs]
            self.assertIn("pycompiled did not come up in 30 seconds", said[0])
            self.assertIn("PATH has no python3.7", said[1])
            self.assertEqual([run.returncode for run in runs], [1, 1])
            self.assertTrue(29 < time.monotonic() - start < 100)


if __name__ == "__main__":
    e2e.main()
