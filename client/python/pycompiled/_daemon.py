"""Finding and starting the daemon; client/connect.c, client/autostart.c and client/daemon_check.c have the same rules."""
import contextlib
import functools
import os
import shutil
import sys
import time

from ._connection import POLL_S, _Absent, _connect, _Connection, _Lost, _peer
from ._results import DaemonError

START_DEADLINE_S = 30
# How long a daemon may take to say what it is.
ANSWER_DEADLINE_S = 5
LOG_TAIL = 8192
LOG_LINES = 10


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
