"""Shared by the end-to-end tests: a daemon with its own folder, and a raw client."""
import atexit
import contextlib
import functools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

BUILD = os.path.abspath(os.environ.get("PYCOMPILED_BUILD") or os.path.join(os.path.dirname(__file__), "..", "build"))
SOURCE = os.path.dirname(os.path.abspath(__file__))
DAEMON = os.path.join(BUILD, "daemon", "pycompiled")
CLIENT = os.path.join(BUILD, "client", "pycompile-client")
COMPILEALL = os.path.join(BUILD, "client", "pycompileall-client")
CTL = os.path.join(BUILD, "client", "pycompilectl")
HOSTS = os.path.join(BUILD, "host")
WRAPPER = os.environ.get("PYCOMPILED_WRAPPER", "").split()  # such as: valgrind -q --error-exitcode=99
# Daemons that are not made by Daemon (clients start them) share a cache that no other test run sees.
SHARED_CACHE = tempfile.mkdtemp(prefix="pycompiled-test-cache-")
atexit.register(shutil.rmtree, SHARED_CACHE, ignore_errors=True)
os.environ["PYCOMPILED_CACHE_DIR"] = SHARED_CACHE
# They name a Python for the clients; pyenv's python3 sets one for all that it runs.
for _name in ("UV_PYTHON", "CONDA_PREFIX", "PYENV_VERSION"):
    os.environ.pop(_name, None)
DEADLINE = 120  # seconds; no test is judged by its time, and none may hang


def main():
    """Runs the tests. The last line is for tools/test, which adds up the cases of all suites."""
    program = unittest.main(exit=False, verbosity=1)
    result = program.result
    bad = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    print("cases: %d run, %d failed, %d skipped" % (result.testsRun, bad, len(result.skipped)))
    sys.exit(1 if bad else 0)


def hosts():
    """The hosts by version, newest first: {"3.13": path}."""
    names = [name for name in os.listdir(HOSTS) if name.startswith("pycompile-host-") and "." in name
             and os.access(os.path.join(HOSTS, name), os.X_OK) and os.path.isfile(os.path.join(HOSTS, name))]
    versions = [name[len("pycompile-host-"):] for name in names]
    versions = [v for v in versions if v.replace(".", "").isdigit()]
    versions.sort(key=lambda v: [int(part) for part in v.split(".")], reverse=True)
    return {version: os.path.join(HOSTS, "pycompile-host-" + version) for version in versions}


def pythons():
    """The interpreters that the hosts were built for, newest first: {"3.13": path}."""
    with open(os.path.join(HOSTS, "pythons.json"), encoding="utf-8") as file:
        return json.load(file)


@functools.lru_cache
def warns_of_each_file(python):
    """Whether it gives a second file the warning that the first one had in the same line. CPython 3.13.4 to 3.13.9 and
    3.14.0 do not (cpython issue 139640); they filter the compiler's warnings as those of the calling module."""
    code = "import io, sys; sys.stderr = io.StringIO(); [compile('1 is 1', n, 'exec') for n in 'ab']; " \
           "print(sys.stderr.getvalue().count('literal'))"
    return subprocess.run([python, "-c", code], stdout=subprocess.PIPE, check=True).stdout == b"2\n"


def version_tuple(version):
    return tuple(map(int, version.split(".")))


def bare_python(version, python, folder):
    """An interpreter whose py_compile is the measure of bytes. Up to 3.10 they depend on what `site` finds to import: there
    it is one without any package, and it wants PYTHONHASHSEED=0. Even so a name in a hundred files has another reference flag
    than with us (docs/exactness.md): such files must hold equal code, see code_of()."""
    return python if version_tuple(version) >= (3, 11) else empty_python(python, folder)


def empty_python(python, folder):
    """An interpreter in whose process no .pth file has imported anything."""
    subprocess.run([python, "-m", "venv", "--without-pip", os.path.join(folder, "venv")], check=True)
    return os.path.join(folder, "venv", "bin", "python")


def code_of(python, pyc):
    """The content of a .pyc as text that can be compared, without marshal's references and the order of sets."""
    script = ("import marshal, sys\n"
              "def key(value):\n"
              "    if isinstance(value, frozenset): return sorted(map(repr, value))\n"
              "    if not hasattr(value, 'co_code'): return repr(value)\n"
              "    names = [n for n in sorted(dir(value)) if n.startswith('co_') and not callable(getattr(value, n))]\n"
              "    return [(n, getattr(value, n)) for n in names if n != 'co_consts'] + [key(c) for c in value.co_consts]\n"
              "print(ascii(key(marshal.loads(sys.stdin.buffer.read()[16:]))))\n")
    environment = dict(os.environ, PYTHONHASHSEED="0")  # sets stand in tuples too
    return subprocess.run([python, "-Wignore", "-c", script], input=pyc, stdout=subprocess.PIPE, check=True, env=environment).stdout


def copy_sources(folder):
    """Copies the tree without what builds and tests have left. The copy is no checkout."""
    top = os.path.dirname(SOURCE)
    shutil.copytree(top, folder, symlinks=True, ignore=lambda at, names: [
        name for name in names if name in (".git", "__pycache__") or (at == top and name.startswith(("build", "dist", ".mesonpy")))])
    return folder


def write_file(folder, name, data):
    """Writes bytes or text to a file below the folder, and makes the folders that it needs; returns its path."""
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())
    return path


def sources_below(folder, leave=()):
    """The .py files below a folder, in order."""
    found = []
    for top, folders, names in os.walk(folder):
        folders[:] = sorted(set(folders) - {"__pycache__", *leave})
        found += [os.path.join(top, name) for name in sorted(names) if name.endswith(".py")]
    return found


def without_stack(text):
    """A message without the size of the stack in use, which from 3.14 on stands in the error of a deep expression. The
    kernel puts the stack of a process at a random place, so the number differs from run to run of py_compile."""
    return re.sub(rb"\(used \d+ kB\)", b"(used N kB)", text)


def library_folder(python, kind="stdlib"):
    """A folder of an interpreter, by its name in sysconfig."""
    script = "import sys, sysconfig; print(sysconfig.get_path(sys.argv[1]))"
    return subprocess.check_output([python, "-I", "-c", script, kind], text=True).strip()


def library_sources(python):
    """The files of its standard library, tests included."""
    return sources_below(library_folder(python), ("site-packages", "dist-packages"))


def own_cases(python, cases, module):
    """A test method: that interpreter runs a file of cases with our Python module, and none fails or is skipped."""
    def test(self):
        run = subprocess.run([python, cases], env=dict(os.environ, PYCOMPILED_MODULE=module, PYTHONHASHSEED="0"),
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
        self.assertEqual(run.returncode, 0, run.stdout)
        self.assertRegex(run.stdout, r"cases: \d\d+ run, 0 failed, 0 skipped")
    return test


def exists(pid):
    try:
        with open("/proc/%d/stat" % pid) as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def copy_host(version, folder):
    """The files of a host: the program, and the shared objects if it runs in the interpreter's executable."""
    for path in (hosts()[version], hosts()[version] + ".so", os.path.join(HOSTS, "pycompile-preload.so")):
        if os.path.exists(path):
            shutil.copy(path, folder)


def is_sanitized():
    """Whether the hosts are built with AddressSanitizer."""
    with open(next(iter(hosts().values())), "rb") as file:
        return b"__asan_init" in file.read()


class Connection:
    """A raw connection, in either framing."""

    def __init__(self, path, headers=False):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(DEADLINE)
        try:
            self.socket.connect(path)
        except OSError:
            self.socket.close()
            raise
        self.file = self.socket.makefile("rb")
        self.headers = headers
        self.ids = 0
        self.aside = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.file.close()
        self.socket.close()

    def send_bytes(self, data):
        self.socket.sendall(data)

    def send(self, message):
        data = json.dumps(message).encode()
        self.send_bytes(b"Content-Length: %d\r\n\r\n" % len(data) + data if self.headers else data + b"\n")

    def receive(self):
        """The next message, or None at the end. Messages that `call` set aside come first."""
        return self.aside.pop(0) if self.aside else self.read_message()

    def read_message(self):
        line = self.file.readline()
        if not line:
            return None
        if not self.headers:
            return json.loads(line)
        length = int(line.split(b":")[1])
        assert self.file.readline() == b"\r\n"
        return json.loads(self.file.read(length))

    def call_any(self, method):
        """The response to a request; responses that come before it are dropped."""
        wanted = self.request(method)
        while (answer := self.receive())["id"] != wanted:
            pass
        return answer

    def request(self, method, params=None):
        """Sends a request and returns its id."""
        self.ids += 1
        message = {"jsonrpc": "2.0", "id": self.ids, "method": method}
        if params is not None:
            message["params"] = params
        self.send(message)
        return self.ids

    def call(self, method, params=None):
        """The response to a request, with no other request open; notifications before it are set aside."""
        wanted = self.request(method, params)
        while "id" not in (answer := self.read_message()):
            self.aside.append(answer)
        assert answer["id"] == wanted, answer
        return answer

    def compile(self, file, **params):
        return self.call("compile", dict(params, file=file))


class Daemon:
    """A daemon in the foreground, on a socket in a new folder."""

    def __init__(self, *options, fake=False, environment=None, beside=None):
        """`beside`: files to put beside the fake host, {name: text}."""
        self.folder = tempfile.mkdtemp(prefix="pycompiled-test-")
        self.beside = beside or {}
        self.socket = os.path.join(self.folder, "run", "socket")
        self.log = os.path.join(self.folder, "log")
        self.fake = fake
        self.options = list(options)
        own = {"PYCOMPILED_SOCKET": self.socket, "PYCOMPILED_CACHE_DIR": os.path.join(self.folder, "cache")}
        self.environment = {**os.environ, **own, **(environment or {})}
        for name in ("PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "PYCOMPILE_PYTHON"):
            self.environment.pop(name, None)
        self.process = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        return self

    def program(self):
        """The daemon's program; with `fake`, a copy that finds no host but the scripted one."""
        if not self.fake:
            return DAEMON
        self.bin = os.path.join(self.folder, "bin")
        os.makedirs(self.bin, exist_ok=True)
        program = os.path.join(self.bin, "pycompiled")
        if not os.path.exists(program):
            shutil.copy(DAEMON, program)
            shutil.copy(os.path.join(SOURCE, "fake-host"), os.path.join(self.bin, "pycompile-host-9.9"))
            for name, text in self.beside.items():
                self.file("bin/" + name, text)
        return program

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([*WRAPPER, self.program(), *self.options], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, env=self.environment)
        self.wait_until_up()

    def wait_until_up(self):
        """Waits for the log line: the socket is bound before it is written."""
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            with open(self.log, "rb") as log:
                if b"listens on" in log.read():
                    return
            if self.process.poll() is not None:
                raise AssertionError("the daemon ended: " + self.read_log())
            time.sleep(0.005)
        raise AssertionError("the daemon does not come up")

    def read_log(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def connect(self, headers=False):
        return Connection(self.socket, headers)

    def status(self):
        with self.connect() as connection:
            return connection.call("status")["result"]

    def pids(self):
        return [host["pid"] for python in self.status()["pythons"] for host in python["hosts"]]

    def file(self, name, text=""):
        return write_file(self.folder, name, text)

    def stop(self):
        """Makes the daemon leave; returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE)

    def __exit__(self, kind, *_):
        try:
            pids = []
            with contextlib.suppress(OSError, AssertionError, TypeError):
                pids = self.pids()
            try:
                status = self.stop()
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError("the daemon does not leave: " + self.read_log()) from None
            if kind is None:
                log = self.read_log()
                assert status in (0, -signal.SIGKILL), (status, log)
                assert "ERROR: AddressSanitizer" not in log and "runtime error" not in log, log
                assert not [pid for pid in pids if exists(pid)], "hosts were left behind"
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
