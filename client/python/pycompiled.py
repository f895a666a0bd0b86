"""py_compile through pycompiled, a daemon that keeps warm compilers. docs/python.md is the reference.

    pycompiled.compile("app.py")                             # the arguments of py_compile.compile
    for result in pycompiled.compile_many(files): ...        # results as they finish
    pycompiled.check("x = (\\n", "app.py").diagnostics        # of a buffer: nothing is written

This module is a client: it starts the daemon where none runs, sends requests, and turns answers into return
values, exceptions and warnings. It compiles in this process in two cases: for a client with `fallback` that
has no daemon, and for arguments that no request can carry, which go to py_compile for its error message.
It needs the standard library alone, Linux, and CPython 3.9 or later.
"""
import atexit
import builtins
import collections
import contextlib
import functools
import importlib.util
import json
import os
import py_compile
import select
import shutil
import socket
import stat
import struct
import sys
import time
import types
import warnings
from py_compile import PyCompileError, PycInvalidationMode

__all__ = ["compile", "compile_many", "check", "main", "Client", "Result", "Diagnostic", "CompileWarning",
           "DaemonError", "PyCompileError", "PycInvalidationMode"]

# Error codes of the daemon (proto/openrpc.json.in).
PY_COMPILE_ERROR = -32001
OS_ERROR = -32002
UNAVAILABLE = -32005
# The daemon does not know the request, as one of another build may not: errors of JSON-RPC itself.
_REFUSALS = (-32700, -32600, -32601, -32602)

SOCKET_PATH_MAX = 107
START_DEADLINE_S = 30
ACCEPT_DEADLINE_S = 10
# How long a daemon may take to say what it is.
ANSWER_DEADLINE_S = 5
POLL_S = 0.01
LOG_TAIL = 8192
LOG_LINES = 10
# How often a request is sent in all, where its daemon exits before it answers.
ATTEMPTS_MAX = 2
# A daemon that was killed may accept connections for a moment after it closed the one in use. Reaching it again does
# not count as an attempt, at most so often.
GHOSTS_MAX = 100
# The largest number of connections that a client keeps open for its next requests; each thread uses one at a time.
IDLE_MAX = 8
# The longest silence of a daemon in seconds; $PYCOMPILED_PATIENCE is another. After a tenth of it the daemon is asked for
# a sign of life, and after a sixth the user is told (client/patience.h).
PATIENCE_S = 30
PATIENCE_ASK_PART = 10
PATIENCE_SAY_PART = 6
# The seconds for which a client with `fallback` does not try again after no daemon could be had.
FALLBACK_S = 30

_MODES = {
    PycInvalidationMode.TIMESTAMP: "timestamp",
    PycInvalidationMode.CHECKED_HASH: "checked-hash",
    PycInvalidationMode.UNCHECKED_HASH: "unchecked-hash",
}
# The version of the running interpreter, which is to import the files. For an interpreter that is not plain CPython,
# this name is one that the daemon has no host for.
_OWN_PYTHON = "%s%d.%d%s" % ("" if sys.implementation.name == "cpython" else sys.implementation.name,
                             *sys.version_info[:2], "t" if "t" in sys.abiflags else "")
# The categories of the compiler's warnings.
_CATEGORIES = (SyntaxWarning, DeprecationWarning)


class DaemonError(Exception):
    """The failure is not about the source or the file system: no daemon can be had, or it could not do this job
    (the source crashed a compiler or took too long, or there is no host of that version).

    code: the daemon's error code (proto/openrpc.json.in), or None where there was no answer.
    data: the error's data from the daemon, a dict.
    """

    def __init__(self, message, code=None, data=None):
        super().__init__(message)
        self.code = code
        self.data = data or {}


class CompileWarning(collections.namedtuple("CompileWarning", "category message filename lineno text")):
    """A warning of the compiler. category: the name of its class; text: as `python -m py_compile` prints it."""
    __slots__ = ()


class Diagnostic(collections.namedtuple("Diagnostic", "severity category message filename lineno offset "
                                                      "end_lineno end_offset")):
    """An error or a warning in one form. severity: "error" or "warning"; category: the name of the exception's
    class; lines and offsets as SyntaxError has them (from 1), None where not known."""
    __slots__ = ()


class Result(collections.namedtuple("Result", "file cfile outcome warnings error")):
    """The outcome for one file.

    file: the file, as it was given. cfile: the .pyc's path, None where there is none.
    outcome: "compiled", "up-to-date", "cached", "checked", or "failed".
    warnings: a list of CompileWarning. error: None, or an exception, not raised: PyCompileError, OSError (of the type
    and with the errno and filename that py_compile.compile raises), DaemonError, or ValueError (a path with a NUL,
    code that marshal refuses).
    """
    __slots__ = ()

    @property
    def diagnostics(self):
        """Warnings and error as a list of Diagnostic."""
        found = [Diagnostic("warning", w.category, w.message, w.filename, w.lineno, None, None, None)
                 for w in self.warnings]
        error = self.error
        if error is None:
            return found
        value = error.exc_value if isinstance(error, PyCompileError) else error
        place = [getattr(value, name, None) for name in ("lineno", "offset", "end_lineno", "end_offset")]
        message = value.msg if isinstance(value, SyntaxError) else str(value)
        filename = getattr(value, "filename", None) or self.file
        return found + [Diagnostic("error", type(value).__name__, message, filename, *place)]


# ---- finding and starting the daemon (client/connect.c and client/autostart.c have the same rules)

class _Absent(Exception):
    """No daemon listens: one may be started."""


class _Lost(Exception):
    """The connection is over."""


def _default_socket():
    given = os.environ.get("PYCOMPILED_SOCKET")
    if given:
        return given
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime.startswith("/") and os.path.isdir(runtime):
        return runtime + "/pycompiled/socket"
    return "/tmp/pycompiled-%d/socket" % os.geteuid()


def _check_path(path):
    """Refuses a socket that another user made, or could put there (docs/threat-model.md)."""
    folder = os.path.dirname(path) or "."
    try:
        status = os.lstat(folder)
        if not stat.S_ISDIR(status.st_mode):
            raise DaemonError("%s is not a folder" % folder)
        if status.st_uid not in (os.geteuid(), 0):
            raise DaemonError("%s belongs to another user (uid %d)" % (folder, status.st_uid))
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise DaemonError("%s may be written to by other users" % folder)
        status = os.lstat(path)
        if not stat.S_ISSOCK(status.st_mode):
            raise DaemonError("%s is not a socket" % path)
        if status.st_uid not in (os.geteuid(), 0):
            raise DaemonError("%s belongs to another user (uid %d)" % (path, status.st_uid))
    except FileNotFoundError as error:
        raise _Absent(str(error)) from None
    except OSError as error:
        raise DaemonError(str(error)) from None


def _peer(connected):
    """(pid, uid) of the process at the other end."""
    size = struct.calcsize("iII")
    return struct.unpack("iII", connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))[:2]


def _executable(pid, program):
    """How the daemon's executable, of process `pid`, relates to `program`: "ours", "replaced", "another" or "unknown"."""
    link = "/proc/%d/exe" % pid
    if program is None:
        return "unknown"  # no other daemon could be started
    try:
        if os.path.samefile(link, program):
            return "ours"
        path = os.readlink(link)
    except OSError:  # without /proc only the daemon knows
        return "unknown" if os.path.lexists("/proc/self") else "another"
    if path.endswith("/pycompiled (deleted)"):
        return "replaced"
    return "another" if path.endswith("/pycompiled") else "unknown"


@functools.lru_cache(maxsize=8)
def _build_of_file(program, *_identity):
    import subprocess
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run([program, "--build-id"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, timeout=START_DEADLINE_S)
        return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else None
    return None


def _build_of(program):
    """The build that a program pycompiled is of, or None."""
    try:
        status = os.stat(program)
    except OSError:
        return None
    return _build_of_file(program, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def _limits_of(pid):
    """What a process hands on to those that it starts: hard limits, and the nice value as a negative number. Values above
    what a daemon can need are cut (base/process_limits.c)."""
    import resource
    limits = []
    for kind, enough in ((resource.RLIMIT_FSIZE, 1 << 40), (resource.RLIMIT_CPU, 1 << 64), (resource.RLIMIT_AS, 1 << 40),
                         (resource.RLIMIT_DATA, 1 << 40), (resource.RLIMIT_NPROC, 4096), (resource.RLIMIT_NOFILE, 8192)):
        hard = resource.prlimit(pid, kind)[1]
        limits.append(enough if hard == resource.RLIM_INFINITY else min(hard, enough))
    return limits + [-max(os.getpriority(os.PRIO_PROCESS, pid), 0)]


def _is_hindered(pid):
    """Whether a daemon that this process starts would be no worse off than process `pid` in any respect, and better off in
    one."""
    with contextlib.suppress(OSError, ValueError):
        if pid > 0:
            ours, theirs = _limits_of(0), _limits_of(pid)
            return ours != theirs and all(a >= b for a, b in zip(ours, theirs))
    return False


def _connect_waiting(connecting, path):
    """connect(), waiting while the daemon's backlog is full."""
    deadline = time.monotonic() + ACCEPT_DEADLINE_S
    while True:
        try:
            return connecting.connect(path)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise DaemonError("the daemon on %s does not accept connections" % path) from None
            time.sleep(POLL_S)


def _connect(path):
    """A non-blocking socket, connected to a daemon of this user."""
    if len(os.fsencode(path)) > SOCKET_PATH_MAX:
        raise DaemonError("the socket's path is longer than %d bytes: %s" % (SOCKET_PATH_MAX, path))
    _check_path(path)
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connected.setblocking(False)
        _connect_waiting(connected, path)
        uid = _peer(connected)[1]
        if uid not in (os.geteuid(), 0):
            raise DaemonError("the process that listens on %s belongs to another user (uid %d)" % (path, uid))
        return connected
    except BaseException as error:
        connected.close()
        if isinstance(error, (FileNotFoundError, ConnectionRefusedError)):
            raise _Absent("%s: %s" % (path, error.strerror)) from None
        if isinstance(error, OSError):
            raise DaemonError("%s: %s" % (path, error)) from None
        raise


def _find_program():
    """The program pycompiled: in the tree that this file is installed in, which may have been moved; else on PATH."""
    folder = os.path.dirname(os.path.realpath(__file__))
    while folder != os.path.dirname(folder):
        folder, name = os.path.split(folder)
        program = os.path.join(folder, "bin", "pycompiled")
        if name in ("lib", "lib64", "share") and os.access(program, os.X_OK):
            return program
    return shutil.which("pycompiled")


def _log_tail(path):
    """The last lines of the daemon's log, as the end of a message."""
    log = os.path.join(os.path.dirname(path), "log") if os.path.basename(path) == "socket" else path + ".log"
    try:
        fd = os.open(log, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(fd, "rb") as file:
            file.seek(max(0, os.fstat(fd).st_size - LOG_TAIL))
            lines = file.read(LOG_TAIL).decode("utf-8", "backslashreplace").splitlines()[-LOG_LINES:]
    except OSError:
        return ""
    return "\nlast lines of %s:\n%s" % (log, "\n".join(lines)) if lines else ""


def _start(program, path):
    """Runs `pycompiled --background`, which exits when a daemon is reachable, even if another process started it."""
    import subprocess
    environment = dict(os.environ, PYCOMPILED_SOCKET=path)
    try:
        starter = subprocess.Popen([program, "--background"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, env=environment)
    except OSError as error:
        raise DaemonError("cannot run %s: %s" % (program, error.strerror)) from None
    try:
        said = starter.communicate(timeout=START_DEADLINE_S)[1].decode("utf-8", "backslashreplace").rstrip()
    except BaseException as error:
        starter.kill()
        starter.communicate()
        if isinstance(error, subprocess.TimeoutExpired):
            raise DaemonError("%s did not come up in %d seconds%s" % (program, START_DEADLINE_S, _log_tail(path))) \
                from None
        raise
    if starter.returncode:
        raise DaemonError("%s failed (exit status %d)%s%s" % (program, starter.returncode, said and ":\n" + said,
                                                              _log_tail(path)))


def _namespace():
    """The identity of this process's mount namespace and root, as base/place.c has it."""
    number, root = 0, os.stat("/")
    with contextlib.suppress(OSError, ValueError):
        number = int(os.readlink("/proc/self/ns/mnt")[len("mnt:["):-1])
    return "%d:%d:%d" % (number, root.st_dev, root.st_ino)


def _namespace_path(path):
    """The socket that programs of this process's mount namespace and root share (client/autostart.c)."""
    value = 2166136261  # FNV-1a
    for byte in _namespace().encode():
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return "%s.%08x" % (path, value)


class _Opening:
    """Connecting to a daemon of the build of `program`, which is started if none runs (client/autostart.c and
    client/daemon_check.c have the same rules)."""

    noticed = set()  # the daemons of another build that were spoken of

    def __init__(self, path, program):
        self.path = self.shared_path = path
        self.program = program
        self.dismissed = None  # the process of a daemon that was asked to leave

    def open(self):
        deadline = time.monotonic() + START_DEADLINE_S
        while True:
            with contextlib.suppress(_Absent):
                return self._try()
            if self.program is None:
                raise DaemonError("no daemon listens on %s, and the program pycompiled is not found" % self.path)
            if time.monotonic() > deadline:
                raise DaemonError("the daemon on %s does not leave" % self.path)
            _start(self.program, self.path)
            with contextlib.suppress(_Absent):
                return self._try()
            time.sleep(POLL_S)  # a daemon that exits still holds the socket

    def _own_path(self):
        """The socket of a daemon of this build that stands beside another installation's."""
        build = _build_of(self.program) if self.program else None
        return "%s.%s" % (self.shared_path, build.rpartition("+")[2][:8]) if build else None

    def _try(self):
        try:
            return self._judge(_connect(self.path))
        except _Absent:
            own = self._own_path() if self.path == self.shared_path and not self.dismissed else None
            if own is None or not os.path.exists(own):
                raise
            connected = _connect(own)
            self.path = own
            return self._judge(connected)

    def _judge(self, connected):
        """The connection, or one to this build's own daemon. Raises _Absent where the daemon leaves."""
        pid = _peer(connected)[0]
        verdict = "leaves" if pid == self.dismissed else self._verdict(pid)
        if verdict == "serves":
            return connected
        connected.close()
        if verdict == "apart":
            self.path = self._own_path()
            return self._try()
        if pid != self.dismissed:
            self.dismissed = pid
            self._ask(pid, "shutdown")
        raise _Absent("the daemon on %s was asked to leave, and does not" % self.path)

    def _verdict(self, pid):
        """Whether the daemon "serves", or "leaves", or this build's is to be "apart" from it."""
        executable = _executable(pid, self.program)
        if executable == "unknown" or executable == "ours" and not _is_hindered(pid):
            return "serves"
        status = self._ask(pid, "status")
        build = _build_of(self.program)
        if status is None or build is None:
            return "serves"
        if not status.get("replaceable", True):
            self._notice(pid, status, build)
            return "serves"
        if executable != "replaced" and status.get("build") != build:
            return "apart" if self.path == self.shared_path else "serves"
        if executable == "replaced" or _is_hindered(pid):
            return "leaves" if self.dismissed is None else "serves"
        return "serves"

    def _notice(self, pid, status, build):
        """Says once that a daemon with options of its own is of another build."""
        if status.get("build") == build or pid in self.noticed or sys.stderr is None:
            return
        self.noticed.add(pid)
        sys.stderr.write("pycompiled: the daemon (pid %d) is of build %s, and %s of build %s: it was started with options "
                         "of its own and is kept; restart it to have this build\n"
                         % (pid, status.get("build", "unknown"), self.program, build))

    def _ask(self, pid, method):
        """The result of a request on a separate connection; None if that process does not answer."""
        connection = None
        deadline = time.monotonic() + ANSWER_DEADLINE_S
        with contextlib.suppress(_Lost, _Absent, DaemonError):
            connection = _Connection(_connect(self.path), self.path)
            if connection.peer == pid:
                connection.queue({"jsonrpc": "2.0", "id": 0, "method": method})
                messages = []
                while not messages and time.monotonic() < deadline:
                    messages = connection.exchange(deadline - time.monotonic())
                connection.close()
                return messages[0].get("result") if messages else None
        if connection is not None:
            connection.close()
        return None


# ---- exchanging messages with the daemon

def _patience():
    try:
        seconds = float(os.environ.get("PYCOMPILED_PATIENCE", ""))
    except ValueError:
        return PATIENCE_S
    return seconds if 0 < seconds < (1 << 31) // 1000 else PATIENCE_S


def _lives(path, deadline):
    """Whether the daemon answers on another connection before the deadline. Also true if no daemon listens any more: one
    that leaves finishes its jobs and accepts no connection."""
    try:
        connection = _Connection(_connect(path), path)
    except _Absent:
        return True
    except DaemonError:
        return False
    try:
        connection.queue({"jsonrpc": "2.0", "id": 0, "method": "status"})
        messages = []
        while not messages and time.monotonic() < deadline:
            messages = connection.exchange(deadline - time.monotonic())
        return bool(messages)
    except _Lost:
        return True
    finally:
        connection.close()


class _Connection:
    """A connection to a daemon: messages of one line each, without blocking."""

    def __init__(self, connected, path):
        self.socket = connected
        self.path = path
        self.process = os.getpid()  # a forked child must not use it
        self.peer = _peer(connected)[0]
        self.reused = False  # has served an earlier exchange
        self.heard = False   # something was answered in this one
        self.active = time.monotonic()  # when something came, or was asked for, last
        self._out = bytearray()
        self._in = bytearray()
        self._over = False
        self._poll = select.poll()

    def close(self):
        self.socket.close()

    def is_usable(self, path):
        """Whether it is one to `path` of this process, and nothing has happened on it since its last exchange."""
        return self.path == path and self.process == os.getpid() and not self._wait(select.POLLIN, 0)

    def queue(self, message):
        self.active = time.monotonic()
        self._out += json.dumps(message).encode() + b"\n"

    def _wait(self, events, timeout):
        self._poll.register(self.socket, events)
        return self._poll.poll(timeout)

    def exchange(self, wait):
        """Writes the queue and reads what has come; waits until it can do one of them, `wait` seconds at most (None: for
        ever). Returns the messages. Raises _Lost when the connection is over and all its messages were returned."""
        if self._over:
            raise _Lost
        self._wait(select.POLLIN | (select.POLLOUT if self._out else 0), wait and max(wait, 0) * 1000)
        with contextlib.suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
            while self._out:  # the reader notices a failure, after the answers that came before it
                del self._out[:self.socket.send(self._out, socket.MSG_NOSIGNAL)]
        return self._read()

    def _read(self):
        messages = []
        while True:
            try:
                data = self.socket.recv(1 << 16)
            except BlockingIOError:
                return messages
            except OSError:
                data = b""
            if not data:
                self._over = True
                return messages
            self.active = time.monotonic()
            self._in += data
            if b"\n" in data:
                *lines, self._in = self._in.split(b"\n")
                messages += map(self._parse, lines)

    @staticmethod
    def _parse(line):
        with contextlib.suppress(ValueError):
            message = json.loads(line)
            if isinstance(message, dict):
                return message
        raise DaemonError("what listens there does not speak JSON-RPC 2.0")


class _Request:
    """A request and its answer.

    arguments: the arguments of the Python function, by name. method: None where no request can carry them.
    answer: the daemon's message; DaemonError where there is no daemon; None where this process is to do the work.
    """

    def __init__(self, method, arguments, params=None, cfile=None):
        self.method = method
        self.arguments = arguments
        self.params = params
        self.cfile = cfile
        self.attempts = 0
        self.answer = None

    @property
    def file(self):
        return self.arguments["file"]


class _Exchange:
    """Sends the requests of an iterable, at most `window` at once, and hands them out as their answers come. It connects
    again where a daemon exits. `tolerant`: where no daemon can be had, the DaemonError becomes the answer."""

    def __init__(self, client, requests, window=1, tolerant=False):
        self.client = client
        self.requests = iter(requests)
        self.window = window
        self.tolerant = tolerant
        self.ended = False
        self.waiting = collections.deque()
        self.sent = {}
        self.last_id = 0
        self.connection = None
        self.leaving = False  # the daemon drains: nothing more is sent on this connection
        self.lost_peer = None
        self.ghosts = 0
        self.patience = _patience()

    def run(self):
        """Generator of the answered requests. Closing it closes the connection: the daemon drops the queued ones."""
        whole = False
        try:
            while True:
                yield from self._take()
                if not self.waiting and not self.sent and self.ended:
                    break
                yield from self._send()
                if self.connection is not None:
                    yield from self._receive(wait=0 if self._has_room() else None)
            whole = not self.leaving
        finally:
            if self.connection is not None:
                self.client._give_back(self.connection, whole)

    def _has_room(self):
        return not self.ended and len(self.waiting) + len(self.sent) < self.window

    def _take(self):
        """Takes one more request, where there is room. Hands out one that is not for the daemon."""
        if not self._has_room():
            return
        request = next(self.requests, None)
        if request is None:
            self.ended = True
        elif request.method is None:
            yield request
        else:
            self.waiting.append(request)

    def _send(self):
        if self.leaving and not self.sent:
            self._disconnect()
        if not self.waiting or self.leaving:
            return
        if self.connection is None:
            try:
                self.connection = self.client._take_connection(self.tolerant)
            except DaemonError as error:
                if not self.tolerant:
                    raise
                while self.waiting:
                    request = self.waiting.popleft()
                    request.answer = error
                    yield request
                return
        while self.waiting:
            request = self.waiting.popleft()
            self.last_id += 1
            self.sent[self.last_id] = request
            request.attempts += 1
            message = {"jsonrpc": "2.0", "id": self.last_id, "method": request.method}
            if request.params is not None:
                message["params"] = request.params
            self.connection.queue(message)

    def _receive(self, wait):
        try:
            messages = self.connection.exchange(self.patience / PATIENCE_ASK_PART if wait is None else wait)
            if wait is None and not messages:
                self._check_life()
        except _Lost:
            yield from self._lose_connection()
            return
        except DaemonError as error:
            if not self.tolerant:
                raise
            yield from self._give_up(error)
            return
        for message in messages:
            request = self.sent.pop(message.get("id"), None)
            if request is None:
                if message.get("id") is None and "error" in message:
                    raise _daemon_error(message["error"], "the daemon refuses a request: ")
                continue
            self.connection.heard = True
            if _is_retryable(message) and request.attempts < ATTEMPTS_MAX:
                self.client._note_namespace(message["error"]["data"].get("namespace"))
                self.leaving = True
                self.waiting.append(request)
            else:
                request.answer = message
                yield request

    def _check_life(self):
        """Raises DaemonError where the daemon has given no sign of life for too long."""
        connection, patience = self.connection, self.patience
        if time.monotonic() - connection.active < patience / PATIENCE_ASK_PART:
            return
        if not _lives(connection.path, connection.active + patience / PATIENCE_SAY_PART):
            self.client._say_that_it_hangs(connection.peer, patience)
            if not _lives(connection.path, connection.active + patience):
                error = DaemonError("the daemon (pid %d) has given no sign of life for %g seconds: it hangs or is stopped "
                                    "(pycompilectl stop --force ends it)" % (connection.peer, patience))
                self.client._give_up(connection.path, error)
                raise error
        connection.active = time.monotonic()

    def _give_up(self, error):
        """The error becomes the answer to what the daemon was asked."""
        lost, self.sent = self.sent, {}
        self._disconnect()
        for request in lost.values():
            request.answer = error
            yield request

    def _lose_connection(self):
        """Queues the unanswered requests again: all of them are idempotent."""
        lost, self.sent = self.sent, {}
        innocent = not self.connection.heard and (self.connection.reused or self._is_ghost())
        self.lost_peer = self.connection.peer
        self._disconnect()
        for request in lost.values():
            request.attempts -= innocent
            if request.attempts < ATTEMPTS_MAX:
                self.waiting.append(request)
            else:
                text = "the connection to the daemon was lost twice"
                request.answer = {"error": {"code": UNAVAILABLE, "message": text, "data": {"reason": text}}}
                yield request

    def _is_ghost(self):
        """Whether the lost connection was one to the daemon of the connection that was lost before."""
        if self.connection.peer != self.lost_peer or self.ghosts >= GHOSTS_MAX:
            self.ghosts = 0
            return False
        self.ghosts += 1
        time.sleep(POLL_S)
        return True

    def _disconnect(self):
        self.connection.close()
        self.connection = None
        self.leaving = False


def _is_retryable(message):
    error = message.get("error")
    return bool(error) and error["code"] == UNAVAILABLE and (error.get("data") or {}).get("retryable") is True


# ---- from Python to the wire and back

def _wire(path):
    """The form of a path in a message: its bytes decoded as UTF-8 with surrogateescape. Raises TypeError or ValueError
    for an object that is no path."""
    text = os.fspath(path)
    if not isinstance(text, str):
        raise TypeError("a path must be str, not %s" % type(text).__name__)
    if "\0" in text:
        raise ValueError("embedded null byte")
    return os.fsencode(text).decode("utf-8", "surrogateescape")


def _unwire(text):
    return os.fsdecode(text.encode("utf-8", "surrogateescape"))


def _umask():
    with contextlib.suppress(OSError, ValueError):
        with open("/proc/self/status", "rb") as file:
            for line in file:
                if line.startswith(b"Umask:"):
                    return int(line[6:], 8)
    mask = os.umask(0o077)  # no /proc: other threads may make a file with this mask meanwhile
    os.umask(mask)
    return mask


def _surroundings():
    """The parameters that py_compile takes from its process: the working directory and the umask."""
    found = {"umask": _umask()}
    with contextlib.suppress(OSError):
        found["cwd"] = _wire(os.getcwd())
    return found


def _optimize(level):
    if not isinstance(level, int) or not -1 <= level <= 2:
        raise ValueError("no optimization level: %r" % (level,))
    return min(sys.flags.optimize, 2) if level < 0 else int(level)


def _mode(mode):
    if mode is None:
        mode = py_compile._get_default_invalidation_mode()
    if mode not in _MODES:
        raise ValueError("no invalidation mode: %r" % (mode,))
    return _MODES[mode]


def _cache_path(file, optimize):
    """The path that py_compile.compile writes to."""
    if optimize < 0:
        return importlib.util.cache_from_source(file)
    return importlib.util.cache_from_source(file, optimization=optimize if optimize >= 1 else "")


def _places(file, cfile, prefix):
    """The folders of a request as this process sees them: a daemon in another mount namespace or root refuses it."""
    found = []
    for path in (file and (os.path.dirname(file) or "."), cfile and (os.path.dirname(_unwire(cfile)) or "."), prefix):
        with contextlib.suppress(OSError, TypeError, ValueError):
            status = os.stat(path)
            if stat.S_ISDIR(status.st_mode):
                found.append("%d:%d:%s" % (status.st_dev, status.st_ino, _wire(path)))
    return found


def _compile_request(arguments, common):
    """The request for arguments of py_compile.compile. `common`: parameters that do not depend on them. Raises TypeError
    or ValueError, as _wire() does, where no request can carry the arguments."""
    file, cfile, optimize = arguments["file"], arguments["cfile"], arguments["optimize"]
    params = dict(common, file=_wire(file), optimize=_optimize(optimize), invalidation_mode=_mode(
        arguments["invalidation_mode"]))
    if cfile is None and common["python"] == _OWN_PYTHON:
        cfile = _cache_path(file, optimize)
    if cfile is not None:
        params["cfile"] = _wire(cfile)
    elif sys.pycache_prefix:
        params["pycache_prefix"] = _wire(sys.pycache_prefix)
    if arguments["dfile"]:
        params["dfile"] = _wire(arguments["dfile"])
    params["places"] = _places(file, params.get("cfile"), params.get("pycache_prefix"))
    if "cwd" not in common and not all(params.get(name, "/").startswith("/") for name in ("file", "cfile")):
        raise ValueError("a relative path, and no working directory")
    return _Request("compile", arguments, params, cfile)


def _check_request(arguments, common):
    source = arguments["source"]
    params = dict(common, file=_wire(arguments["file"]), optimize=_optimize(arguments["optimize"]))
    if source is None:
        params["places"] = _places(arguments["file"], None, None)
    params.pop("umask", None)
    try:
        if isinstance(source, (bytes, bytearray, memoryview)):
            source = importlib.util.decode_source(bytes(source))
        if source is not None:
            source.encode()
            params["source"] = source
    except (SyntaxError, UnicodeError):
        return _Request(None, arguments)
    if source is not None and "\0" in source:
        return _Request(None, arguments)
    return _Request("check", arguments, params)


def _common_params(python=None, warning_options=None, priority="normal", timeout=None, **more):
    """The parameters that do not differ from file to file."""
    options = sys.warnoptions if warning_options is None else warning_options
    params = dict(_surroundings(), python=python or _OWN_PYTHON, warnings=list(options), priority=priority, **more)
    if timeout is not None:
        params["timeout_ms"] = round(timeout * 1000)
    return params


def _stand_in(kind, text):
    """An exception with this text, of a class that cannot be made from a text alone or shows it in another way."""
    class StandIn(kind):
        def __init__(self):
            pass

        def __str__(self):
            return text
    StandIn.__name__ = StandIn.__qualname__ = kind.__name__
    StandIn.__module__ = kind.__module__
    return StandIn()


def _exc_value(name, value):
    """The exception that the compiler raised, from its description."""
    kind = getattr(builtins, name, None)
    if not isinstance(kind, type) or not issubclass(kind, Exception):
        kind = type(name, (Exception,), {})
    message = value.get("msg")
    if issubclass(kind, SyntaxError):
        details = [value.get(key) for key in ("filename", "lineno", "offset", "text", "end_lineno", "end_offset")]
        if details[4:] == [None, None] or sys.version_info < (3, 10):
            del details[4:]
        error = kind(message, tuple(details)) if any(item is not None for item in details) else kind(message)
        error.msg = message  # 3.9 replaces it where the text looks like a print statement
        return error
    with contextlib.suppress(TypeError):
        error = kind(message) if message else kind()
        if str(error) == (message or ""):
            return error
    return _stand_in(kind, message)


def _compile_error(data, file):
    value = _exc_value(data["exc_type_name"], data["exc_value"])
    return PyCompileError(type(value), value, file, data["msg"])


def _os_error(data):
    if data["errno"] is None:  # py_compile's own refusals
        kind = getattr(builtins, data["type"], OSError)
        return kind(data["msg"])
    names = [_unwire(name) if name is not None else None for name in (data["filename"], data.get("filename2"))]
    if names[0] is None:
        return OSError(data["errno"], data["strerror"])
    return OSError(data["errno"], data["strerror"], names[0], None, names[1])


def _daemon_error(error, prefix=""):
    data = error.get("data") or {}
    details = ["%s: %s" % item for item in data.items() if item[0] not in ("reason", "retryable")]
    return DaemonError(prefix + ", ".join([error["message"], *details]), error["code"], data)


def _result(request):
    """The Result for an answered request."""
    arguments, answer = request.arguments, request.answer
    if isinstance(answer, DaemonError):
        return Result(request.file, None, "failed", [], answer)
    error, done = answer.get("error"), answer.get("result")
    described = ((error.get("data") or {}) if error else done).get("warnings", ())
    # Warnings without a category are about -W options: this interpreter has printed them already.
    noted = [CompileWarning(*map(item.get, CompileWarning._fields)) for item in described if item["category"]]
    if error is None:
        cfile = request.cfile
        if cfile is None and done["cfile"] is not None:
            cfile = _unwire(done["cfile"])
        return Result(request.file, cfile, done["outcome"], noted, None)
    if error["code"] == PY_COMPILE_ERROR:
        failure = _compile_error(error["data"], arguments.get("dfile") or request.file)
    elif error["code"] == OS_ERROR:
        failure = _os_error(error["data"])
    elif "exc_type_name" in (error.get("data") or {}):  # py_compile.compile does not catch it
        failure = _exc_value(error["data"]["exc_type_name"], error["data"])
    else:
        failure = _daemon_error(error, "%s: " % (request.file,))
    return Result(request.file, None, "failed", noted, failure)


# ---- without the daemon

def _check_here(file, source, optimize):
    if source is None:
        with open(file, "rb") as opened:
            source = opened.read()
    try:
        builtins.compile(source, file, "exec", dont_inherit=True, optimize=optimize)
    except Exception as error:
        raise PyCompileError(type(error), error, file) from None


def _result_here(request):
    """The Result of doing the request in this process, with its warnings filters."""
    cfile, error = None, None
    checks = "source" in request.arguments
    with warnings.catch_warnings(record=True) as caught:
        try:
            if checks:
                _check_here(**request.arguments)
            else:
                cfile = py_compile.compile(**request.arguments, doraise=True)
        except Exception as raised:
            error = raised
    noted = [CompileWarning(item.category.__name__, str(item.message), item.filename, item.lineno,
                            warnings.formatwarning(item.message, item.category, item.filename, item.lineno, item.line))
             for item in caught]
    outcome = "failed" if error else "checked" if checks else "compiled"
    return Result(request.file, cfile, outcome, noted, error)


def _is_for_here(request):
    """Whether a client with `fallback` does the request in this process: there is no daemon, or one that cannot do the work
    at all (client/fallback.c:fallback_reason has the same codes)."""
    if request.params["python"] != _OWN_PYTHON:
        return False
    if isinstance(request.answer, DaemonError):
        return True
    return (request.answer.get("error") or {}).get("code") in (UNAVAILABLE, *_REFUSALS)


# ---- warnings as in py_compile

def _warnings_may_raise():
    """Whether this process turns some warning of the compiler into an error."""
    get_filters = getattr(warnings, "_get_filters", None)  # 3.14: those of the context come before those of the module
    filters = get_filters() if get_filters else warnings.filters
    return warnings.defaultaction == "error" or any(
        item[0] == "error" and any(issubclass(category, item[2]) for category in _CATEGORIES) for item in filters)


def _issue(noted):
    """Issues warnings as the compiler does, by this process's filters and showwarning(). Returns the warning that raised
    an exception, and the exception; else two Nones."""
    for item in noted:
        category = getattr(builtins, item.category, None)
        if not isinstance(category, type) or not issubclass(category, Warning):
            category = UserWarning
        try:
            warnings.warn_explicit(item.message, category, item.filename, item.lineno)
        except Exception as error:
            return item, error
    return None, None


def _error_option(noted):
    """The -W option that turns this warning into an error."""
    prefix = noted.message.partition(":")[0]  # a colon would end it
    return "error:%s:%s::%d" % (prefix, noted.category, noted.lineno)


def _failed_warning(request, error):
    """The Result where showing a warning raised an exception, as py_compile reports it."""
    name = request.arguments["dfile"] or request.file
    return Result(request.file, None, "failed", [], PyCompileError(type(error), error, name))


class Client:
    """A client of the daemon, and a context manager that closes its connections.

    socket: the path of the socket; default: as pycompile-client finds it, anew for each call.
    daemon: the program to start where no daemon runs; default: pycompiled of the tree that this module is installed
        in, else on PATH.
    autostart: whether to start it; default: unless $PYCOMPILED_AUTOSTART is 0.
    fallback: whether this process compiles, with py_compile, where no daemon can be had or it has no host for this
        Python. Otherwise that is a DaemonError.

    Several threads may use it at once: each exchange has a connection of its own, which is kept for the next one.
    """

    def __init__(self, socket=None, *, daemon=None, autostart=None, fallback=False):
        self.socket = socket
        self.daemon = daemon
        self.autostart = autostart
        self.fallback = fallback
        self._idle = []
        self._apart = set()  # sockets whose daemon sees other folders: a daemon of this process's namespace is used
        self._has_said = False  # that a daemon does not answer
        self._hopeless = None  # (path, until when, error): no daemon could be had

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Closes the kept connections; the next call opens a new one."""
        while self._idle:
            self._idle.pop().close()

    def compile(self, file, cfile=None, dfile=None, doraise=False, optimize=-1, invalidation_mode=None, quiet=0):
        """As py_compile.compile: arguments, return value, exceptions, warnings, messages on sys.stderr, and the file
        that it writes. Raises DaemonError where the daemon cannot be had or cannot do the work."""
        arguments = {"file": file, "cfile": cfile, "dfile": dfile, "optimize": optimize,
                     "invalidation_mode": invalidation_mode}
        try:
            request = _compile_request(arguments, _common_params(warning_options=["always"]))
        except (TypeError, ValueError):
            request = None  # py_compile raises the right exception
        result = self._compile_and_warn(request) if request else None
        if result is None:
            return py_compile.compile(**arguments, doraise=doraise, quiet=quiet)
        if isinstance(result.error, PyCompileError):
            if quiet < 2:
                if doraise:
                    raise result.error
                sys.stderr.write(result.error.msg + "\n")
        elif result.error is not None:
            raise result.error
        return result.cfile

    def compile_many(self, files, *, cfile=None, dfile=None, optimize=-1, invalidation_mode=None, python=None,
                     force=True, warnings=None, priority="normal", timeout=None, cache="use", window=256, fallback=None):
        """An iterator over the Results of files, in the order in which they finish.

        files: an iterable of paths, which may be endless; one is taken while fewer than `window` are under way.
        cfile, dfile: functions that return these two for a file (None: the default).
        optimize, invalidation_mode: as for compile(). python: "3.11" and the like; default: the running one.
        force: False leaves a .pyc that is up to date.
        warnings: -W options; default: those of this process, and PYTHONWARNINGS. Warnings that pass them are in
            the results, and are not shown.
        priority: "interactive", "normal" or "background". timeout: seconds for a file, 0 for no limit; default: the
            daemon's. cache: "bypass" neither reads nor writes the daemon's cache, "refresh" only writes it.
            fallback: default: the client's.

        Closing it cancels the files under way. Working directory, umask and options are those at the call. Raises
        DaemonError where no daemon can be had.
        """
        if isinstance(files, (str, bytes, os.PathLike)):
            raise TypeError("files must be an iterable of paths, not one path")
        if cache not in ("use", "bypass", "refresh"):
            raise ValueError("cache must be 'use', 'bypass' or 'refresh', not %r" % (cache,))
        fallback = self.fallback if fallback is None else fallback
        _optimize(optimize), _mode(invalidation_mode)  # wrong ones are refused here, once
        options = {"optimize": optimize, "invalidation_mode": invalidation_mode}
        common = _common_params(python, warnings, priority, timeout, force=bool(force), cache=cache)

        def requests():
            for file in files:
                arguments = dict(options, file=file, cfile=cfile and cfile(file), dfile=dfile and dfile(file))
                try:
                    yield _compile_request(arguments, common)
                except ValueError:  # no request can carry this path: py_compile raises the error
                    yield _Request(None, arguments)

        return self._results(requests(), window, fallback)

    def check(self, source, filename="<string>", *, optimize=-1, python=None, warnings=None, priority="interactive",
              timeout=None, fallback=None):
        """Compiles a buffer and writes nothing. Returns a Result with outcome "checked", or "failed" and the error.

        source: str, bytes (decoded as the bytes of a file), or None for the file's own text. filename: the name in
        messages, which need not exist. The other arguments are those of compile_many().
        """
        fallback = self.fallback if fallback is None else fallback
        arguments = {"file": filename, "source": source, "optimize": optimize}
        request = _check_request(arguments, _common_params(python, warnings, priority, timeout))
        return next(self._results([request], 1, fallback))

    def status(self):
        """The daemon's status, a dict, as `pycompilectl status --json` prints it."""
        request = self._ask(_Request("status", {"file": None}))
        if "error" in request.answer:
            raise _daemon_error(request.answer["error"])
        return request.answer["result"]

    def _ask(self, request, tolerant=False):
        """Returns the answered request."""
        for answered in _Exchange(self, [request], 1, tolerant).run():
            request = answered
        return request

    def _results(self, requests, window, fallback):
        with contextlib.closing(_Exchange(self, requests, window, fallback).run()) as answered:
            for request in answered:
                if request.answer is None or fallback and _is_for_here(request):
                    yield _result_here(request)
                else:
                    yield _result(request)

    def _serve(self, request):
        """Returns the Result; None where this process is to do the work."""
        self._ask(request, self.fallback)
        return None if self.fallback and _is_for_here(request) else _result(request)

    def _compile_and_warn(self, request):
        """Returns the Result after issuing its warnings; None where this process is to compile.

        The daemon reports all warnings, and this process's filters judge them. Where a filter may turn one into an
        error, the source is checked first, and then compiled with the -W option for that one warning: the daemon then
        writes no .pyc, and the error has its place in the source."""
        may_raise = _warnings_may_raise()
        if may_raise:
            look = self._serve(_Request("check", request.arguments, request.params))
            if look is None:
                return None
            culprit, error = _issue(look.warnings)
            if isinstance(error, Warning):
                request.params["warnings"].append(_error_option(culprit))
            elif error is not None:
                return _failed_warning(request, error)
        result = self._serve(request)
        if result is not None and not may_raise:
            error = _issue(result.warnings)[1]
            if error is not None:
                return _failed_warning(request, error)
        return result

    def _take_connection(self, remember):
        """Returns a kept or a new connection. `remember`: raises the last error again for FALLBACK_S seconds."""
        path = self._path()
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            if connection.is_usable(path):
                connection.reused, connection.heard = True, False
                return connection
            connection.close()
        if remember and self._hopeless and self._hopeless[0] == path and time.monotonic() < self._hopeless[1]:
            raise self._hopeless[2]
        try:
            return _Connection(self._open(path), path)
        except DaemonError as error:
            self._give_up(path, error)
            raise

    def _give_up(self, path, error):
        self._hopeless = (path, time.monotonic() + FALLBACK_S, error)

    def _say_that_it_hangs(self, pid, patience):
        """Says so once."""
        if not self._has_said and sys.stderr is not None:
            sys.stderr.write("pycompiled: the daemon (pid %d) does not answer; waiting up to %g seconds\n" % (pid, patience))
        self._has_said = True

    def _shared_path(self):
        return os.fspath(self.socket) if self.socket is not None else _default_socket()

    def _path(self):
        path = self._shared_path()
        return _namespace_path(path) if path in self._apart else path

    def _may_start(self):
        return os.environ.get("PYCOMPILED_AUTOSTART") != "0" if self.autostart is None else self.autostart

    def _note_namespace(self, theirs):
        """The daemon has refused a request, since it sees other folders from its namespace: from the next connection on,
        one of this process's namespace is used, if there can be one."""
        path = self._shared_path()
        if theirs is None or theirs == _namespace() or path in self._apart:
            return
        if self._may_start() and (self.daemon or _find_program()) or os.path.exists(_namespace_path(path)):
            self._apart.add(path)

    def _give_back(self, connection, whole):
        if whole and len(self._idle) < IDLE_MAX:
            self._idle.append(connection)
        else:
            connection.close()

    def _open(self, path):
        if self._may_start():
            return _Opening(path, self.daemon or _find_program()).open()
        try:
            return _connect(path)
        except _Absent:
            raise DaemonError("no daemon listens on %s, and starting one is forbidden" % path) from None


_default = Client()
atexit.register(_default.close)


def compile(file, cfile=None, dfile=None, doraise=False, optimize=-1, invalidation_mode=None, quiet=0):
    return _default.compile(file, cfile, dfile, doraise, optimize, invalidation_mode, quiet)


def compile_many(files, **options):
    return _default.compile_many(files, **options)


def check(source, filename="<string>", **options):
    return _default.check(source, filename, **options)


compile.__doc__, compile_many.__doc__, check.__doc__ = (
    Client.compile.__doc__, Client.compile_many.__doc__, Client.check.__doc__)


def main():
    """The command line of this Python's py_compile: its main(), in which `compile` is this module's."""
    names = dict(vars(py_compile), compile=compile)
    run = types.FunctionType(py_compile.main.__code__, names, "main", py_compile.main.__defaults__)
    try:
        return run()
    except DaemonError as error:
        sys.stderr.write("pycompiled: %s\n" % error)
        return 1


if __name__ == "__main__":
    sys.exit(main())
