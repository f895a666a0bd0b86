"""Interpreters that are named at run time by their path: hosts of one object a minor version, in whatever interpreter is there.

PYCOMPILED_INTERPRETERS   interpreters to compare with their own py_compile, separated by colons (default: those of pyenv and of
                          /usr/bin for which there is an object, one a release, and for the newest a moved copy and a
                          virtual environment)
PYCOMPILED_CASES          library files, and as many mutations of such, for each of them (default 20)"""
import contextlib
import glob
import os
import random
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
import unittest

import e2e_support as e2e
import mutations

CASES = int(os.environ.get("PYCOMPILED_CASES", "20"))
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


def old_version():
    """The newest version whose hosts have one worker each; None: no host of such a version was built."""
    return next((version for version in e2e.pythons() if e2e.version_tuple(version) < (3, 12)), None)


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

    def spoiled(self, python, version, change=lambda text: text.replace("_optimize=optimize", "_optimize=2")):
        """Gives a moved interpreter a library with another py_compile.py, by default one that writes other bytes; a copy of
        it to put in its place."""
        lib = os.path.join(os.path.dirname(os.path.dirname(python)), "lib")
        real = os.path.realpath(lib)
        name = "python" + version
        os.unlink(lib)
        os.makedirs(os.path.join(lib, name))
        for entry in set(os.listdir(real)) - {name}:
            os.symlink(os.path.join(real, entry), os.path.join(lib, entry))
        for entry in set(os.listdir(os.path.join(real, name))) - {"py_compile.py"}:
            os.symlink(os.path.join(real, name, entry), os.path.join(lib, name, entry))
        with open(os.path.join(real, name, "py_compile.py"), encoding="utf-8") as file:
            text = file.read()
        with open(os.path.join(lib, name, "py_compile.py"), "w", encoding="utf-8") as file:
            file.write(change(text))
        return shutil.copy2(python, python + ".new")

    def program(self, name, text, *arguments):
        source = os.path.join(self.scratch, name + ".c")
        with open(source, "w", encoding="utf-8") as file:
            file.write(text)
        path = os.path.join(self.scratch, name)
        subprocess.run(["cc", "-o", path, source, "-rdynamic", *arguments], check=True)
        return path

    def refusal(self, connection, python, **params):
        """The reason for which an interpreter is refused, for good."""
        error = connection.compile(self.source(), python=python, **params)["error"]
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

    @unittest.skipUnless(old_version(), "from 3.12 on the workers of an interpreter share a host")
    def test_second_host_of_another(self):
        """A host that starts beside a busy one, after the interpreter was replaced, compiles nothing before a trial."""
        version = old_version()
        python = self.moved(python=e2e.pythons()[version])
        daemon = self.daemon("--no-cache", "--workers", "2")
        broken, pipe = e2e.write_file(self.scratch, "broken.py", "return\n"), os.path.join(self.scratch, "pipe")
        os.mkfifo(pipe)
        with daemon.connect() as busy, daemon.connect() as connection:
            self.assertIn("result", connection.compile(self.source(), python=python))
            new = self.spoiled(python, version)
            busy.request("check", {"file": broken, "dfile": pipe, "python": python})
            with open(pipe, "wb"):  # which waits for the first host: it looks for the line to show
                os.replace(new, python)
                reason = self.refusal(connection, python, priority="interactive")  # which no busy worker gets ahead
                self.assertIn("a trial compile gave other bytes", reason)
                os.unlink(pipe)
            self.assertEqual(busy.receive()["error"]["code"], -32001)

    def test_second_kind_of_host(self):
        """The same for a pristine host, which search needs."""
        python = self.moved()
        daemon = self.daemon("--no-cache")
        with daemon.connect() as connection:
            self.assertIn("result", connection.compile(self.source(), python=python))
            os.replace(self.spoiled(python, self.version), python)
            answer = connection.call("search", {"pattern": "b", "strings": ["abc"], "python": python})
            self.assertIn("a trial compile gave other bytes", answer["error"]["message"])

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


    def test_one_client(self):
        """A connection that names more interpreters at once than it may is refused the rest; another is not."""
        daemon = self.daemon("--workers", "1")
        copies = [self.moved(str(i)) for i in range(10)]
        with daemon.connect() as greedy, daemon.connect() as modest:
            source = self.source()
            asked = {greedy.request("compile", {"file": source, "python": python}): python for python in copies[:9]}
            answers = [greedy.receive() for _ in asked]
            refused = [answer for answer in answers if "error" in answer]
            self.assertEqual(len(refused), 1)
            self.assertIs(refused[0]["error"]["data"]["retryable"], True)
            self.assertIn("as many interpreters as it may", refused[0]["error"]["message"])
            self.assertIn("result", modest.compile(source, python=copies[9]))
            self.assertIn("result", greedy.compile(source, python=asked[refused[0]["id"]]))


class Refused(Case):
    def setUp(self):
        super().setUp()
        self.server = self.daemon(environment={"TMPDIR": self.scratch})
        self.connection = self.server.connect()
        self.addCleanup(self.connection.close)

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

    def left_by_trials(self):
        return [name for name in os.listdir(self.scratch) if name.startswith("pycompile-trial-")]

    def test_other_bytes(self):
        """A library whose py_compile writes other bytes than the host fails the trial."""
        python = self.moved()
        self.spoiled(python, self.version)
        self.assertIn("a trial compile gave other bytes", self.refusal(self.connection, python))
        self.assertEqual(self.left_by_trials(), [])

    def test_killed_in_a_trial(self):
        """The folder goes with the host."""
        python, pipe = self.moved(), os.path.join(self.scratch, "pipe")
        os.mkfifo(pipe)
        self.spoiled(python, self.version, lambda text: "import io\nio.open_code(%r).read()\n" % pipe + text)
        self.connection.request("compile", {"file": self.source(), "python": python})
        with open(pipe, "wb"):  # which waits for one that imports py_compile
            folder, = self.left_by_trials()
            host, = [host["pid"] for item in self.server.status()["pythons"] if item["python"] == python for host in item["hosts"]]
            os.kill(host, signal.SIGKILL)
            end = time.monotonic() + e2e.DEADLINE
            while folder in self.left_by_trials() and time.monotonic() < end:
                time.sleep(0.01)
            self.assertNotIn(folder, self.left_by_trials())
            os.unlink(pipe)
        self.assertIn("error", self.connection.receive())

    def test_brief_trial_fails(self):
        """Only `python -m py_compile` can refuse: this one works with all that its modules import, and not with less."""
        python = self.moved()
        self.spoiled(python, self.version, lambda text: text + "\ntraceback.format_exception\n")
        self.assertIn("result", self.connection.compile(self.source(), python=python))
        self.assertEqual(self.left_by_trials(), [])


def build_date(python):
    """When that interpreter was built, as it stands in the executable of one without a shared libpython; else None."""
    script = "import platform; print(platform.python_build()[1][:11])"
    try:
        date = subprocess.run([python, "-I", "-S", "-c", script], check=True, capture_output=True, timeout=e2e.DEADLINE).stdout.strip()
        with open(python, "rb") as file:
            return date if date and date in file.read() else None
    except (OSError, subprocess.SubprocessError):
        return None


class Builds(Case):
    """Two builds of one release: an interpreter, and its copy that was built on another day."""

    def other_build(self, python):
        copy = self.moved("other", python)
        with open(copy, "rb") as file:
            data = file.read()
        date = build_date(python)
        with open(copy, "wb") as file:
            file.write(data.replace(date, date[:-4] + b"1999"))
        return copy

    def test_cache_key(self):
        candidates = [*e2e.pythons().values(), *sorted(glob.glob("/usr/bin/python3.*[0-9]"))]
        python = next((path for path in candidates if served(version_of(path)) and build_date(path)), None)
        if python is None:
            self.skipTest("no interpreter has its build's date in its executable")
        other = self.other_build(python)
        for key, expected in (("build", "compiled"), ("release", "cached")):
            with self.subTest(key=key), e2e.Daemon("--cache-key", key) as daemon, daemon.connect() as connection:
                outcomes = [connection.compile(self.source(), python=path, cfile=os.path.join(self.scratch, "out.pyc"))
                            ["result"]["outcome"] for path in (python, other)]
                self.assertEqual(outcomes, ["compiled", expected])

    def test_refused(self):
        done = subprocess.run([e2e.DAEMON, "--cache-key=both"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual((done.returncode, done.stdout), (2, "pycompiled: --cache-key takes build or release, not 'both'\n"))


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

    def test_variable_of_uv(self):
        python = self.moved()
        for program in (e2e.CLIENT, e2e.COMPILEALL):
            self.assertEqual(self.run_client(program, "--which-python", UV_PYTHON=python).stdout.splitlines()[0], python)
            self.assertEqual(self.run_client(program, "source.py", UV_PYTHON=python).returncode, 0)
        self.assertEqual(self.pools(), [python])

    def test_without_names(self):
        """Its own sys.path is compiled."""
        folder = os.path.join(self.scratch, "on-path")
        os.makedirs(folder)
        shutil.copy(os.path.join(self.scratch, "source.py"), folder)
        done = self.run_client(e2e.COMPILEALL, "-q", "--python", self.moved(), PYTHONPATH=folder,
                               PYTHONPYCACHEPREFIX=os.path.join(self.scratch, "prefix"))
        self.assertNotIn("sys.path", done.stderr)
        written = os.path.join(self.scratch, "prefix") + folder
        self.assertEqual(os.listdir(written), ["source.cpython-%s.pyc" % self.version.replace(".", "")])

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


class Searched(Case):
    """A version that no host was built for: here the daemon's folder of hosts has the objects alone."""

    def setUp(self):
        super().setUp()
        self.hosts = os.path.join(self.scratch, "hosts")
        os.mkdir(self.hosts)
        for name in ("pycompile-host", "pycompile-preload.so", f"pycompile-host-{self.version}.so"):
            os.symlink(os.path.join(e2e.HOSTS, name), os.path.join(self.hosts, name))
        self.home = os.path.join(self.scratch, "home")
        os.mkdir(self.home)

    def copy_at(self, folder):
        """A copy of the interpreter as a manager of versions keeps it, with the library by a link; its path."""
        os.makedirs(os.path.join(self.home, folder, "bin"))
        prefix = os.path.dirname(os.path.dirname(self.python))
        os.symlink(os.path.join(prefix, "lib"), os.path.join(self.home, folder, "lib"))
        path = os.path.join(self.home, folder, "bin", "python" + self.version)
        shutil.copy2(self.python, path)
        return path

    def environment(self, **more):
        unset = dict.fromkeys(("PYENV_ROOT", "UV_PYTHON_INSTALL_DIR", "XDG_DATA_HOME", "CONDA_PREFIX", "XDG_CONFIG_HOME"), "")
        return {**unset, "HOME": self.home, "PATH": "/nowhere", **more}

    def daemon_with_objects(self, **more):
        """It has a scripted host as its default, and the objects."""
        daemon = self.daemon(fake=True, environment=self.environment(**more))
        daemon.stop()
        for name in os.listdir(self.hosts):
            shutil.copy(os.path.join(self.hosts, name), daemon.bin)
        with open(daemon.log, "w", encoding="utf-8"):
            daemon.start()
        return daemon

    def chosen(self, python, **more):
        """The interpreter that serves a version."""
        daemon = self.daemon_with_objects(**more)
        with daemon.connect() as connection:
            answer = connection.compile(self.source(), python=python)
            if "error" in answer:
                return answer["error"]["message"]
            self.assertEqual(answer["result"]["python"], version_of(self.python))
        return [item["python"] for item in daemon.status()["pythons"] if item["python"].startswith("/")]

    def test_usual_folders(self):
        release = version_of(self.python)
        self.assertIn("no interpreter of Python", self.chosen(release + "9"))
        for folder in (".pyenv/versions/x", ".local/share/uv/python/cpython-x", "miniconda3", "miniforge3/envs/x"):
            path = self.copy_at(folder)
            self.assertEqual(self.chosen(release), [path])
            self.assertEqual(self.chosen(self.version), [path])
            shutil.rmtree(os.path.join(self.home, folder.split("/")[0]))
        path = self.copy_at("in-path")
        self.assertEqual(self.chosen(release, PATH=os.path.dirname(path)), [path])

    def test_ended_while_it_searches(self):
        """SIGTERM ends the daemon while it waits for a candidate's version; no other candidate is asked then."""
        trace, pipe = os.path.join(self.scratch, "trace"), os.path.join(self.scratch, "pipe")
        os.mkfifo(pipe)
        first = self.program("hangs", '#include <fcntl.h>\n#include <unistd.h>\nint main(void) { '
                                      'return write(open("%s", O_WRONLY | O_CREAT | O_APPEND, 0600), ".", 1) != 1 || '
                                      'open("%s", O_WRONLY) < 0 || pause(); }' % (trace, pipe))
        folders = [os.path.join(self.scratch, str(number)) for number in range(3)]
        for folder in folders:
            os.mkdir(folder)
            shutil.copy2(first, os.path.join(folder, "python" + self.version))
        daemon = self.daemon_with_objects(PATH=":".join(folders))
        with daemon.connect() as connection:
            connection.request("compile", {"file": self.source(), "python": self.version + ".99"})
            with open(pipe, "rb"):  # which waits for the first candidate
                self.assertEqual(daemon.stop(), 0)
        self.assertEqual(os.path.getsize(trace), 1)

    def own_daemon(self, *options):
        """A daemon whose installation has objects and no host that was built for an interpreter."""
        daemon = e2e.Daemon(*options, environment=self.environment())
        if not os.path.exists(os.path.join(self.hosts, "pycompiled")):
            shutil.copy(e2e.DAEMON, self.hosts)
        daemon.program = lambda: os.path.join(self.hosts, "pycompiled")
        for name in os.listdir(self.hosts):
            if os.path.islink(os.path.join(self.hosts, name)):
                real = os.path.realpath(os.path.join(self.hosts, name))
                os.unlink(os.path.join(self.hosts, name))
                shutil.copy(real, os.path.join(self.hosts, name))
        return daemon

    def test_default(self):
        """The default is the interpreter that --python names; without a host it is the newest that is found."""
        path = self.copy_at(".pyenv/versions/x")
        other = self.moved()
        for options, expected in (((), path), (("--python", other), other)):
            daemon = self.own_daemon(*options)
            daemon.start()
            self.addCleanup(daemon.__exit__, None, None, None)
            with daemon.connect() as connection:
                self.assertEqual(connection.compile(self.source())["result"]["python"], version_of(self.python))
            self.assertEqual([(item["python"], item["default"]) for item in daemon.status()["pythons"]], [(expected, True)])
            for program in (e2e.CLIENT, e2e.COMPILEALL):
                done = subprocess.run([program, "source.py"], cwd=self.scratch, env=dict(daemon.environment), capture_output=True,
                                      text=True, timeout=e2e.DEADLINE)
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_no_object(self):
        self.assertIn("no host for Python 3.7; there is one for 9.9", self.chosen("3.7"))

    def run_ctl(self, *arguments):
        return subprocess.run([e2e.CTL, "python", *arguments], cwd=self.scratch, env=dict(os.environ, **self.environment()),
                              capture_output=True, text=True, timeout=e2e.DEADLINE)

    def test_list(self):
        """pycompilectl python add, list, remove; what is in the list is looked at first."""
        release, path = version_of(self.python), self.copy_at("anywhere")
        self.assertEqual(self.run_ctl("list").stdout, "no interpreter is in the list\n")
        for _ in range(2):
            done = self.run_ctl("add", "home/anywhere/bin/" + os.path.basename(path))
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, f"{path}: Python {release}\n", ""))
        self.assertEqual(self.run_ctl("list").stdout.split(), ["VERSION", "INTERPRETER", release, path])
        self.copy_at(".pyenv/versions/x")
        self.assertEqual(self.chosen(release), [path])
        self.assertEqual(self.run_ctl("add", "/bin/sh").returncode, 1)
        self.assertEqual(self.run_ctl("add").returncode, 2)
        self.assertEqual(self.run_ctl("remove", path).returncode, 0)
        self.assertIn("is not in the list", self.run_ctl("remove", path).stderr)
        self.assertEqual(self.run_ctl("list").stdout, "no interpreter is in the list\n")

    def test_client_finds_a_release(self):
        """--python X.Y.Z: the host if it is of that release, else an interpreter of it, if there is one."""
        server = self.daemon()
        self.source()
        own = version_of(self.python)
        other = next((path for path in glob.glob("/usr/bin/python3.*[0-9]") if served(version_of(path))
                      and version_of(path) not in map(version_of, e2e.pythons().values())), None)
        for release, pool in ((own, []), (version_of(other), [os.path.realpath(other)])) if other else ((own, []),):
            done = subprocess.run([e2e.CLIENT, "--python", release, "source.py"], cwd=self.scratch, env=server.environment,
                                  capture_output=True, text=True, timeout=e2e.DEADLINE)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual([item["python"] for item in server.status()["pythons"] if item["python"].startswith("/")], pool)


def compared():
    """The interpreters of the exactness test: {title: path}."""
    named = [path for path in os.environ.get("PYCOMPILED_INTERPRETERS", "").split(":") if path]
    usual = sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/3.*/bin/python3"))) + glob.glob("/usr/bin/python3.*[0-9]")
    found = {}
    for path in named or usual:
        version = version_of(path)
        if served(version) and e2e.version_tuple(".".join(version.split(".")[:2])) >= (3, 11):
            found.setdefault(path if named else version, path)
    return found


class Exact(Case):
    def compare(self, python, base=None):
        base = os.path.realpath(base or python)
        version = version_of(base)
        rng = random.Random(version)
        library = [path for path in e2e.library_sources(base) if os.path.getsize(path) < 60000]
        files = rng.sample(library, min(CASES, len(library)))
        sources = [path for path in library if os.path.getsize(path) < 20000]
        texts = []
        for path in files:
            with open(path, "rb") as file:
                texts.append(file.read())
        texts += [mutations.make("%s %d" % (version, number), sources)[0] for number in range(CASES)]
        folder = tempfile.mkdtemp(dir=self.scratch)
        names = []
        for number, text in enumerate(texts):
            names.append("case%d.py" % number)
            with open(os.path.join(folder, names[-1]), "wb") as file:
                file.write(text)
        environment = {name: value for name, value in self.server.environment.items() if not name.startswith("PYTHON")}
        cache = os.path.join(folder, "__pycache__")

        def outcome(name, status, said):
            path = os.path.join(cache, name[:-3] + ".cpython-%s.pyc" % "".join(version.split(".")[:2]))
            data = None
            if os.path.exists(path):
                with open(path, "rb") as file:
                    data = file.read()
                os.unlink(path)
            return status, said, data

        differ = []
        compiled = 0
        for name in names:
            real = subprocess.run([base, "-I", "-S", "-B", "-m", "py_compile", name], cwd=folder, env=environment,
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=e2e.DEADLINE)
            real = outcome(name, real.returncode, real.stdout + real.stderr)
            ours = subprocess.run([e2e.CLIENT, "--python", python, "--no-cache", name], cwd=folder, env=environment,
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=e2e.DEADLINE)
            ours = outcome(name, ours.returncode, ours.stdout + ours.stderr)
            compiled += real[0] == 0
            if real != ours:
                differ.append((name, [a == b for a, b in zip(real, ours)], real[:2], ours[:2]))
        print("%s (%s): %d compared, %d compiled, %d differ" % (python, version, len(names), compiled, len(differ)), flush=True)
        self.assertEqual(differ, [])
        self.assertIn(version, [item["version"] for item in self.server.status()["pythons"]
                                if item["interpreter"] == base and item["python"] == base])

    def test_own_py_compile(self):
        """Bytes, words and status of each interpreter, none of which the hosts were built for by that path, are those of its own
        `python -m py_compile`; also of a copy that was moved, and of a virtual environment."""
        found = compared()
        if not found:
            self.skipTest("no interpreter has an object")
        self.server = self.daemon()
        for title, python in found.items():
            with self.subTest(title):
                self.compare(python)
        newest = max(found.values(), key=lambda path: [int(part) for part in re.findall(r"\d+", version_of(path))])
        with self.subTest("moved"):
            self.compare(self.moved(python=os.path.realpath(newest)))
        with self.subTest("virtual environment"):
            copy = self.moved("base", os.path.realpath(newest))
            subprocess.run([copy, "-m", "venv", "--without-pip", os.path.join(self.scratch, "venv")], check=True)
            self.compare(os.path.join(self.scratch, "venv/bin/python"), copy)


if __name__ == "__main__":
    e2e.main()
