"""The socket of the daemon: its path, the checks before it is trusted, and messages of one line each over it."""
import contextlib
import json
import os
import select
import socket
import stat
import struct
import time

from ._results import DaemonError

SOCKET_PATH_MAX = 107
ACCEPT_DEADLINE_S = 10
POLL_S = 0.01


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

    def has_queue(self):
        return bool(self._out)

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
