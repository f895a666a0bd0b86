"""--fallback: where no daemon can be had, the interpreter itself does the same work."""
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

import e2e_support as e2e

VERSION, PYTHON = next(iter(e2e.pythons().items()))
BAD = "def f(:\n    pass\n"


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="pycompiled-test-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.environment = dict(os.environ, PYCOMPILED_SOCKET=os.path.join(self.folder, "run", "socket"),
                                PYCOMPILED_AUTOSTART="0")
        self.work = os.path.join(self.folder, "work")
        os.mkdir(self.work)
        self.write("good.py", "x = 1\n")
        self.write("sub/warn.py", "x = 1 is 1\n")

    def write(self, name, text):
        path = os.path.join(self.work, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.utime(path, (1600000000, 1600000000))

    def run_program(self, *command, stdin="", **environment):
        return subprocess.run(command, cwd=self.work, env=dict(self.environment, **environment), text=True, input=stdin,
                              capture_output=True, timeout=e2e.DEADLINE)

    def written(self):
        """The compiled files, which are removed."""
        found = {}
        for top, _, names in os.walk(self.work):
            for name in names:
                if name.endswith(".pyc"):
                    path = os.path.join(top, name)
                    with open(path, "rb") as file:
                        found[os.path.relpath(path, self.work)] = file.read()
                    os.remove(path)
        return found

    def expect_same(self, client, module, *args, options=(), python=PYTHON, stdin="", **environment):
        """The client does what the interpreter does, after one line on standard error that says so."""
        theirs = self.run_program(python, *options, "-m", module, *args, stdin=stdin)
        expected = (theirs.returncode, theirs.stdout, theirs.stderr, self.written())
        environment = environment or {"PYCOMPILE_FALLBACK": "1"}
        ours = self.run_program(client, *options, *args, stdin=stdin, **environment)
        said, _, rest = ours.stderr.partition("\n")
        self.assertEqual((ours.returncode, ours.stdout, rest, self.written()), expected)
        self.assertTrue(said.startswith(os.path.basename(client) + ": "), said)
        self.assertTrue(said.endswith("; fallback: %s -m %s" % (python, module)), said)
        return said

    def refuse(self, client, *args, words, **environment):
        done = self.run_program(client, "--fallback", *args, **environment)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        for word in ("no fallback, since ", *words):
            self.assertIn(word, done.stderr)
        self.assertEqual(self.written(), {})


class PyCompile(Case):
    def same(self, *args, **options):
        return self.expect_same(e2e.CLIENT, "py_compile", *args, **options)

    def test_the_same(self):
        self.write("bad.py", BAD)
        self.write("-dash.py", "x = 1\n")
        self.assertIn("PYCOMPILED_AUTOSTART=0 forbids", self.same("good.py"))
        self.same("good.py", "bad.py", "sub/warn.py")
        self.same("-q", "bad.py", "missing.py")
        self.same("good.py", options=("-W", "error", "-OO"))
        self.same("sub/warn.py", options=("-W", "error"))
        self.same("--", "-dash.py")
        self.same("-", stdin="good.py\nsub/warn.py\n")

    def test_the_option(self):
        done = self.run_program(e2e.CLIENT, "--fallback", "--no-cache", "--priority", "background", "good.py")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(len(self.written()), 1)
        done = self.run_program(e2e.CLIENT, "good.py", PYCOMPILE_FALLBACK="0")
        self.assertEqual((done.returncode, self.written()), (1, {}))

    def test_options_that_it_does_not_have(self):
        for option in ("--json", "--check", "--keep-going", "--legacy", "--optimize=1", "--cfile=a", "--dfile=a",
                       "--invalidation-mode=timestamp", "--timeout=1000"):
            self.refuse(e2e.CLIENT, option, "good.py", words=("py_compile has no " + option.partition("=")[0], "forbids"))

    def test_which_python(self):
        oldest, python = list(e2e.pythons().items())[-1]
        self.write(".python-version", oldest + "\n")
        self.same("good.py", python=python)
        done = self.run_program(e2e.CLIENT, "--fallback", "--python", oldest, "good.py")
        self.assertIn("fallback: %s -m" % python, done.stderr)
        done = self.run_program(e2e.CLIENT, "--fallback", "--python", PYTHON, "good.py")
        self.assertIn("fallback: %s -m" % PYTHON, done.stderr)

    def test_without_a_host(self):
        """The interpreter is then that of PATH, if it runs."""
        bin = os.path.join(self.folder, "bin")
        os.mkdir(bin)
        with open(bin + "/python3.7", "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n[ \"$2\" = -S ] || echo \"$@\"\n")
        os.chmod(bin + "/python3.7", 0o755)
        path = bin + ":" + os.environ["PATH"]
        done = self.run_program(e2e.CLIENT, "--fallback", "--python", "3.7", "-W", "error", "good.py", PATH=path)
        self.assertEqual((done.returncode, done.stdout), (0, "-W error -m py_compile good.py\n"))
        self.assertIn("no host for Python 3.7", done.stderr)
        self.write(".python-version", "3.7.1\n")
        done = self.run_program(e2e.CLIENT, "--fallback", "good.py", PATH=path)
        self.assertEqual((done.returncode, done.stdout), (0, "-m py_compile good.py\n"))
        self.write(".python-version", "pypy3.10-7.3\n")
        self.refuse(e2e.CLIENT, "good.py", words=("not known which interpreter", "pypy3.10-7.3"), PATH=path)
        self.refuse(e2e.CLIENT, "--python", "3.6", "good.py", words=("PATH has no python3.6",), PATH=bin)


class CompileAll(Case):
    def same(self, *args, **options):
        return self.expect_same(e2e.COMPILEALL, "compileall", *args, **options)

    def test_the_same(self):
        self.write("bad.py", BAD)
        self.same(".")
        self.same("-q", "-f", "-r", "0", ".")
        self.same("-l", "-b", "-o", "0", "-o", "2", "--hardlink-dupes", ".")
        self.same("-x", "bad|good", "-s", "sub", "-p", "/srv", "-j", "2", "-q", "sub", ".")
        self.same("-x", "-", "--invalidation-mode", "checked-hash", "-e", ".", "-d", "/opt", "sub")
        self.same("-i", "-", stdin="good.py\nsub\n")
        self.same("-x", "(", "sub")

    def test_nothing_to_do(self):
        """Then the interpreter is not needed either."""
        subprocess.run([PYTHON, "-m", "compileall", "-q", "."], cwd=self.work, check=True, stderr=subprocess.DEVNULL)
        done = self.run_program(e2e.COMPILEALL, "--fallback", ".")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "Listing '.'...\nListing './sub'...\n", ""))

    def test_options_that_it_does_not_have(self):
        for option in ("--json", "--strict", "--verbose", "--timing=a", "--timeout=1000"):
            self.refuse(e2e.COMPILEALL, option, ".", words=("compileall has no " + option.partition("=")[0], "forbids"))


class Reasons(Case):
    """Why there is no daemon."""

    def setUp(self):
        super().setUp()
        self.environment.update(PYCOMPILED_AUTOSTART="1", PYCOMPILE_FALLBACK="1")

    def both(self, word, build=None):
        for client, args in ((e2e.CLIENT, ["good.py"]), (e2e.COMPILEALL, ["-q", "-f", "good.py"])):
            client = os.path.join(build, os.path.basename(client)) if build else client
            done = self.run_program(client, *args)
            self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (0, "", 1), done.stderr)
            self.assertIn(word, done.stderr)
            self.assertEqual(len(self.written()), 1)

    def test_folder_of_the_socket_is_refused(self):
        os.mkdir(self.folder + "/run")
        os.chmod(self.folder + "/run", 0o777)
        self.both("other users")

    def test_program_and_hosts_are_missing(self):
        build = os.path.join(self.folder, "build")
        os.mkdir(build)
        for client in (e2e.CLIENT, e2e.COMPILEALL):
            shutil.copy(client, build)
        os.mkdir(self.folder + "/bin")
        os.symlink(PYTHON, self.folder + "/bin/python3")
        self.environment["PATH"] = self.folder + "/bin"
        self.both("the program pycompiled is not found", build)

    def test_daemon_does_not_come_up(self):
        build = os.path.join(self.folder, "build")
        os.mkdir(build)
        for client in (e2e.CLIENT, e2e.COMPILEALL):
            shutil.copy(client, build)
        with open(build + "/pycompiled", "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\necho no luck >&2\nexit 3\n")
        os.chmod(build + "/pycompiled", 0o755)
        os.mkdir(self.folder + "/bin")
        os.symlink(PYTHON, self.folder + "/bin/python3")
        self.environment["PATH"] = self.folder + "/bin:/usr/bin:/bin"
        self.both("failed (exit status 3)", build)

    def test_daemon_hangs(self):
        with e2e.Daemon() as daemon:
            self.environment.update(PYCOMPILED_SOCKET=daemon.socket, PYCOMPILED_PATIENCE="0.5")
            daemon.process.send_signal(signal.SIGSTOP)
            try:
                for client, args in ((e2e.CLIENT, ["-q", "good.py"]), (e2e.COMPILEALL, ["-qq", "-f", "good.py"]),
                                     (e2e.COMPILEALL, ["-qq", "-f", "-x", "bad", "good.py"])):
                    done = self.run_program(client, *args)
                    self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (0, "", 1), done.stderr)
                    self.assertIn("has given no sign of life for 0.5 seconds", done.stderr)
                    self.assertEqual(len(self.written()), 1)
                done = self.run_program(e2e.CLIENT, "-", stdin="good.py\nsub/warn.py\n")
                self.assertEqual((done.returncode, len(self.written())), (0, 2), done.stderr)
            finally:
                daemon.process.send_signal(signal.SIGCONT)

    @contextlib.contextmanager
    def answering(self, *answers):
        """What gives these answers to requests but `status`, the last one again and again, and has a host for our Python."""
        os.mkdir(self.folder + "/run", 0o700)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.environment["PYCOMPILED_SOCKET"])
        listener.listen()
        status = {"pythons": [{"python": VERSION, "path": e2e.hosts()[VERSION], "default": True}]}

        def serve():
            answers_left = list(answers)
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, connection.makefile("rb") as lines:
                        for line in lines:
                            request = json.loads(line)
                            if request["method"] == "status":
                                said = {"result": status}
                            else:
                                said = answers_left.pop(0) if len(answers_left) > 1 else answers_left[0]
                            connection.sendall(json.dumps(dict(said, jsonrpc="2.0", id=request["id"])).encode() + b"\n")

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(e2e.DEADLINE)
            listener.close()
            shutil.rmtree(self.folder + "/run")

    def test_daemon_that_refuses_requests(self):
        for code, message in ((-32602, "Invalid params: there is no 'places'"), (-32601, "Method not found: 'compile'"),
                              (-32005, "no host for Python: it died of signal 11 while it started")):
            data = {"reason": message, "retryable": False}
            with self.subTest(code=code), self.answering({"error": {"code": code, "message": message, "data": data}}):
                self.both(message)

    def test_what_is_the_sources_fault(self):
        for code, message in ((-32003, "WorkerCrashed: the compiler died of signal 11"), (-32004, "Timeout"),
                              (-32603, "InternalError")):
            with self.subTest(code=code), self.answering({"error": {"code": code, "message": message}}):
                for client in (e2e.CLIENT, e2e.COMPILEALL):
                    done = self.run_program(client, "good.py")
                    self.assertEqual((done.returncode, self.written()), (1, {}))
                    self.assertNotIn("fallback", done.stderr)
                    self.assertIn(message, done.stdout + done.stderr)

    def test_hosts_that_do_not_start(self):
        """The daemon is there, and has a host, which dies."""
        build = os.path.join(self.folder, "build")
        os.mkdir(build)
        for program in (e2e.CLIENT, e2e.COMPILEALL, e2e.DAEMON, e2e.CTL):
            shutil.copy(program, build)
        host = os.path.join(build, "pycompile-host-" + VERSION)
        with open(host, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\nexit 3\n")
        os.chmod(host, 0o755)
        os.mkdir(self.folder + "/bin")
        os.symlink(PYTHON, self.folder + "/bin/python" + VERSION)
        os.symlink(PYTHON, self.folder + "/bin/python3")
        self.environment["PATH"] = self.folder + "/bin:/usr/bin:/bin"
        self.addCleanup(self.run_program, build + "/pycompilectl", "stop")
        self.both("exited with status 3 while it started", build)

    def test_names_that_are_left(self):
        """A daemon that is lost in the middle: the interpreter compiles what is not yet done."""
        self.write("other.py", "x = 2\n")
        done = {"cfile": None, "outcome": "compiled", "python": VERSION, "warnings": [], "elapsed_us": 1}
        refusal = {"code": -32005, "message": "no more hosts", "data": {"reason": "", "retryable": False}}
        with self.answering({"result": done}, {"error": refusal}):
            done = self.run_program(e2e.CLIENT, "good.py", "other.py", "sub/warn.py")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("no more hosts; fallback", done.stderr)
        self.assertEqual({name.partition("/__py")[0].partition("__py")[0] + os.path.basename(name).partition(".")[0]
                          for name in self.written()}, {"other", "subwarn"})

    def test_a_daemon_that_is_there_is_used(self):
        with e2e.Daemon() as daemon:
            for client in (e2e.CLIENT, e2e.COMPILEALL):
                done = self.run_program(client, "--fallback", "--json", "good.py",
                                        PYCOMPILED_SOCKET=daemon.environment["PYCOMPILED_SOCKET"])
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertIn('"result"', done.stdout)


if __name__ == "__main__":
    e2e.main()
