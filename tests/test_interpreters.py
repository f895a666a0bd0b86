"""Interpreters that are named at run time by their path: hosts of one object a minor version, in whatever interpreter is there.

PYCOMPILED_INTERPRETERS   more interpreters to test with, separated by colons"""
import contextlib
import os
import re
import shutil
import stat
import subprocess
import tempfile
import unittest

import e2e_support as e2e

SYMBOLS = os.path.join(e2e.SOURCE, "python_symbols.txt")
LAUNCHER = os.path.join(e2e.HOSTS, "pycompile-host")


def object_of(version):
    return os.path.join(e2e.HOSTS, f"pycompile-host-{version}.so")


def version_of(python):
    """3.13.0 of an interpreter; None where it does not run."""
    try:
        return subprocess.run([python, "-I", "-S", "-c", "import platform; print(platform.python_version())"], check=True,
                              capture_output=True, text=True, timeout=e2e.DEADLINE).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def served(version):
    """Whether there is an object for that release."""
    return version is not None and os.path.exists(object_of(".".join(version.split(".")[:2])))


@unittest.skipUnless(os.path.exists(LAUNCHER), "hosts with sanitizers serve no interpreters that are named at run time")
class Case(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.mkdtemp(prefix="pycompiled-test-")
        self.addCleanup(shutil.rmtree, self.scratch)
        self.version, self.python = next(iter(e2e.pythons().items()))

    def daemon(self, *options, **keywords):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        return stack.enter_context(e2e.Daemon(*options, **keywords))

    def source(self, text="x = 1\n"):
        path = os.path.join(self.scratch, "source.py")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def moved(self, name="moved", python=None):
        """A copy of an interpreter in another folder, its library by a link; the executable's path."""
        python = python or self.python
        prefix = os.path.dirname(os.path.dirname(python))
        new = os.path.join(self.scratch, name)
        os.makedirs(os.path.join(new, "bin"))
        os.symlink(os.path.join(prefix, "lib"), os.path.join(new, "lib"))
        copy = os.path.join(new, "bin", os.path.basename(python))
        shutil.copy2(python, copy)
        return copy

    def refusal(self, connection, python):
        """The reason for which an interpreter is refused, for good."""
        error = connection.compile(self.source(), python=python)["error"]
        self.assertEqual(error["code"], -32005, error)
        self.assertIs(error["data"]["retryable"], False)
        return error["data"]["reason"]


class Objects(Case):
    def test_interface(self):
        """The objects are linked with no libpython, and use what X.Y.0 exports, of which the list has every name."""
        with open(SYMBOLS, encoding="utf-8") as file:
            allowed = set(file.read().split())
        for version in e2e.hosts():
            needed = subprocess.run(["readelf", "-d", object_of(version)], check=True, capture_output=True, text=True).stdout
            self.assertNotIn("libpython", needed)
            symbols = subprocess.run(["nm", "-D", "--undefined-only", object_of(version)], check=True, capture_output=True,
                                     text=True).stdout
            used = {name for name in re.findall(r" [Uw] (\w+)", symbols) if re.match("_?Py", name)}
            self.assertIn("Py_InitializeFromConfig", used)
            self.assertEqual(used - allowed, set(), f"names of CPython {version} that are not in python_symbols.txt")


class Served(Case):
    def test_itself(self):
        """The bytes are those of its own py_compile; the version is its own; the second request needs no look-up."""
        daemon = self.daemon()
        source = self.source("def f(a, *b, c='text'):\n    return f'{a}{b!r}', {1: 'text'}, [c for c in b]\n")
        with daemon.connect() as connection:
            for _ in range(2):
                result = connection.compile(source, python=self.python, cfile=os.path.join(self.scratch, "ours.pyc"))["result"]
                self.assertEqual(result["python"], version_of(self.python))
            subprocess.run([self.python, "-I", "-S", "-B", "-m", "py_compile", source], check=True, env={"PYTHONHASHSEED": "0"})
            theirs = os.path.join(self.scratch, "__pycache__")
            theirs = os.path.join(theirs, os.listdir(theirs)[0])
            with open(theirs, "rb") as a, open(os.path.join(self.scratch, "ours.pyc"), "rb") as b:
                self.assertEqual(a.read(), b.read())

    def test_pools_by_identity(self):
        """Two names of one interpreter share a pool; a copy of it has its own."""
        daemon = self.daemon()
        link = os.path.join(self.scratch, "link")
        os.symlink(self.python, link)
        subprocess.run([self.python, "-m", "venv", "--without-pip", os.path.join(self.scratch, "venv")], check=True)
        subprocess.run([self.python, "-m", "venv", "--copies", "--without-pip", os.path.join(self.scratch, "copies")], check=True)
        copy = self.moved()
        with daemon.connect() as connection:
            for python in (self.python, link, copy, os.path.join(self.scratch, "venv/bin/python"),
                           os.path.join(self.scratch, "copies/bin/python")):
                self.assertIn("result", connection.compile(self.source(), python=python))
        pools = [item for item in daemon.status()["pythons"] if item["python"].startswith("/")]
        self.assertEqual([item["python"] for item in pools], [os.path.realpath(self.python), copy])
        for item in pools:
            self.assertEqual((item["interpreter"], item["version"]), (item["python"], version_of(self.python)))
            self.assertIs(item["default"], False)

    def test_every_method(self):
        """check, search and watch name interpreters, too."""
        daemon = self.daemon()
        with daemon.connect() as connection:
            self.assertIn("result", connection.call("check", {"file": self.source(), "python": self.python}))
            found = connection.call("search", {"pattern": "b", "strings": ["abc", "x"], "python": self.python})
            self.assertEqual(found["result"]["found"], [0])
            folder = os.path.join(self.scratch, "watched")
            os.mkdir(folder)
            self.assertIn("result", connection.call("watch", {"paths": [folder], "python": self.python}))
            with open(os.path.join(folder, "a.py"), "w", encoding="utf-8") as file:
                file.write("x = 1\n")
            told = connection.receive()
            self.assertEqual(told["params"]["result"]["python"], version_of(self.python))

    def test_verdict_is_remembered(self):
        """The trial is made once for an interpreter, also by the next daemon with the same cache."""
        cache = os.path.join(self.scratch, "cache")

        def verdicts():
            return [name for name in os.listdir(cache) if name.startswith("trial-")]

        for _ in range(2):
            with e2e.Daemon("--cache-dir", cache) as daemon, daemon.connect() as connection:
                self.assertIn("result", connection.compile(self.source(), python=self.python))
            self.assertEqual(len(verdicts()), 1)
            before = os.stat(os.path.join(cache, verdicts()[0])).st_mtime_ns
        self.assertEqual(os.stat(os.path.join(cache, verdicts()[0])).st_mtime_ns, before)

    def test_replaced(self):
        """An interpreter that is replaced by another gets new hosts, which stand a trial."""
        daemon = self.daemon("--no-cache")
        python = self.moved()
        with daemon.connect() as connection:
            self.assertIn("result", connection.compile(self.source(), python=python))
            before = set(daemon.pids())
            shutil.copy2(self.python, python + ".new")
            os.replace(python + ".new", python)
            self.assertIn("result", connection.compile(self.source(), python=python))
            new = [host["pid"] for item in daemon.status()["pythons"] if item["python"] == python
                   for host in item["hosts"] if not host["retiring"]]
            self.assertTrue(new)
            self.assertFalse(before & set(new))

    def test_many(self):
        """There are no more pools than the limit: the one that was idle for longest gives its place."""
        daemon = self.daemon("--workers", "1")
        first = self.moved("0")
        others = [self.moved(str(i)) for i in range(1, 18)]
        with daemon.connect() as connection:
            for python in [first, *others, first]:
                self.assertIn("result", connection.compile(self.source(), python=python))
        pools = [item["python"] for item in daemon.status()["pythons"] if item["python"].startswith("/")]
        self.assertEqual(len(pools), 16)
        self.assertIn(first, pools)
        self.assertNotIn(others[0], pools)


class Refused(Case):
    def setUp(self):
        super().setUp()
        self.connection = self.daemon(environment={"TMPDIR": self.scratch}).connect()
        self.addCleanup(self.connection.close)

    def program(self, name, text, *arguments):
        source = os.path.join(self.scratch, name + ".c")
        with open(source, "w", encoding="utf-8") as file:
            file.write(text)
        path = os.path.join(self.scratch, name)
        subprocess.run(["cc", "-o", path, source, "-rdynamic", *arguments], check=True)
        return path

    def test_no_python(self):
        """Nothing of its main() runs."""
        trace = os.path.join(self.scratch, "trace")
        program = self.program("tool", '#include <fcntl.h>\nint main(void) { return creat("%s", 0600) < 0; }' % trace)
        self.assertIn("it is no Python", self.refusal(self.connection, program))
        self.assertFalse(os.path.exists(trace))

    def test_missing(self):
        self.assertIn("No such file", self.refusal(self.connection, "/no/such/python"))
        self.assertIn("no host for Python python3", self.refusal(self.connection, "python3"))

    def test_script(self):
        script = os.path.join(self.scratch, "python3")
        with open(script, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\nexec python3\n")
        os.chmod(script, 0o755)
        self.assertIn("is a script", self.refusal(self.connection, script))

    def test_static(self):
        self.assertIn("is linked statically", self.refusal(self.connection, self.program("s", "int main(void) {return 0;}",
                                                                                         "-static")))

    def test_pypy(self):
        program = self.program("pypy", "int pypy_main_startup(void) {return 0;} int main(void) {return 0;}")
        self.assertIn("it is PyPy", self.refusal(self.connection, program))

    def test_builds(self):
        """Free-threaded and debug builds, and versions without an object, by programs that say what those say."""
        code = 'const char *Py_GetVersion(void) {return "%s";} int main(void) {return 0;}'
        free = self.program("free", code % "3.14.0 free-threading build (main)")
        debug = self.program("debug", code % (self.version + ".0 (main)") + "int _Py_NegativeRefcount(void) {return 0;}")
        old = self.program("old", code % "3.7.1 (default)")
        self.assertIn("free-threaded build", self.refusal(self.connection, free))
        self.assertIn("it is a debug build", self.refusal(self.connection, debug))
        self.assertIn("has no pycompile-host-3.7.so", self.refusal(self.connection, old))

    def patched(self, name, *bytes_at):
        copy = os.path.join(self.scratch, name)
        with open(self.python, "rb") as file:
            data = bytearray(file.read())
        for offset, value in bytes_at:
            data[offset:offset + len(value)] = value
        with open(copy, "wb") as file:
            file.write(data)
        os.chmod(copy, 0o755)
        return copy

    def test_architecture_and_musl(self):
        other = self.patched("other", (18, b"\xf3\x00"))  # e_machine: RISC-V
        self.assertIn("another architecture", self.refusal(self.connection, other))
        with open(self.python, "rb") as file:
            data = file.read()
        linker = re.search(rb"/lib[^\0]*/ld-[^\0]*\0", data)
        musl = self.patched("musl", (linker.start(), b"/lib/ld-musl-x.so\0"))
        self.assertIn("musl", self.refusal(self.connection, musl))

    def test_writable(self):
        """By others: the file, a folder above it; a folder like /tmp is allowed."""
        python = self.moved()
        folder = os.path.dirname(python)
        os.chmod(python, 0o757)
        self.assertIn("may be written to by other users", self.refusal(self.connection, python))
        os.chmod(python, 0o755)
        os.chmod(folder, 0o775)
        self.assertIn(folder + " may be written to by other users", self.refusal(self.connection, python))
        os.chmod(folder, 0o1777)
        self.assertIn("result", self.connection.compile(self.source(), python=python))

    @unittest.skipUnless(os.geteuid() == 0, "root alone gives files away")
    def test_owner(self):
        python = self.moved()
        os.chown(python, 12345, 12345)
        self.assertIn("belongs to another user (uid 12345)", self.refusal(self.connection, python))
        os.chown(python, 0, 0)
        os.chmod(python, 0o755 | stat.S_ISUID)
        self.assertIn("set-user-ID", self.refusal(self.connection, python))

    def test_environment_without_base(self):
        folder = os.path.join(self.scratch, "venv")
        os.makedirs(folder + "/bin")
        os.symlink(self.python, folder + "/bin/python")
        with open(folder + "/pyvenv.cfg", "w", encoding="utf-8") as file:
            file.write("home = /no/such/folder\n")
        self.assertIn("base interpreter is gone", self.refusal(self.connection, folder + "/bin/python"))

    def test_other_bytes(self):
        """A library whose py_compile writes other bytes than the host fails the trial."""
        python = self.moved()
        lib = os.path.join(os.path.dirname(os.path.dirname(python)), "lib")
        real = os.path.realpath(lib)
        os.unlink(lib)
        os.mkdir(lib)
        name = "python" + self.version
        for entry in os.listdir(real):
            if entry != name:
                os.symlink(os.path.join(real, entry), os.path.join(lib, entry))
        os.mkdir(os.path.join(lib, name))
        for entry in os.listdir(os.path.join(real, name)):
            if entry != "py_compile.py":
                os.symlink(os.path.join(real, name, entry), os.path.join(lib, name, entry))
        with open(os.path.join(real, name, "py_compile.py"), encoding="utf-8") as file:
            text = file.read()
        with open(os.path.join(lib, name, "py_compile.py"), "w", encoding="utf-8") as file:
            file.write(text.replace("_optimize=optimize", "_optimize=2"))
        self.assertIn("a trial compile gave other bytes", self.refusal(self.connection, python))
        self.assertEqual([name for name in os.listdir(self.scratch) if name.startswith("pycompile-trial-")], [])


class Clients(Case):
    def run_client(self, program, *options, **environment):
        return subprocess.run([program, *options], cwd=self.scratch, env=dict(self.server.environment, **environment),
                              capture_output=True, text=True, timeout=e2e.DEADLINE)

    def setUp(self):
        super().setUp()
        self.server = self.daemon()
        self.source()

    def pools(self):
        return [item["python"] for item in self.server.status()["pythons"] if item["python"].startswith("/")]

    def test_path(self):
        """--python takes a path, absolute or not; so does the variable."""
        python = self.moved()
        for program in (e2e.CLIENT, e2e.COMPILEALL):
            for options, environment in ((("--python", python), {}), (("--python", "moved/bin/" + os.path.basename(python)), {}),
                                         ((), {"PYCOMPILE_PYTHON": python})):
                shutil.rmtree(os.path.join(self.scratch, "__pycache__"), ignore_errors=True)
                done = self.run_client(program, *options, "source.py", **environment)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertEqual(os.listdir(os.path.join(self.scratch, "__pycache__")),
                                 ["source.cpython-%s.pyc" % self.version.replace(".", "")])
        self.assertEqual(self.pools(), [python])
        self.assertEqual(self.run_client(e2e.COMPILEALL, "--python", python, "source.py").returncode, 0)  # up to date

    def test_refused(self):
        for program in (e2e.CLIENT, e2e.COMPILEALL):
            done = self.run_client(program, "--python", "/bin/sh", "source.py")
            self.assertEqual(done.returncode, 1)
            self.assertIn("it is no Python", done.stdout + done.stderr)

    def test_virtual_environment(self):
        """That of an interpreter which has no host of its own is served by it; that of another by its host."""
        own, other = os.path.join(self.scratch, "own"), os.path.join(self.scratch, "other")
        subprocess.run([self.python, "-m", "venv", "--without-pip", own], check=True)
        python = self.moved()
        subprocess.run([python, "-m", "venv", "--without-pip", other], check=True)
        self.assertEqual(self.run_client(e2e.CLIENT, "source.py", VIRTUAL_ENV=own).returncode, 0)
        self.assertEqual(self.pools(), [])
        for program in (e2e.CLIENT, e2e.COMPILEALL):
            which = self.run_client(program, "--which-python", VIRTUAL_ENV=other)
            self.assertEqual(which.stdout.splitlines()[:2][0], python)
            self.assertEqual(self.run_client(program, "source.py", VIRTUAL_ENV=other).returncode, 0)
        self.assertEqual(self.pools(), [python])


if __name__ == "__main__":
    e2e.main()
