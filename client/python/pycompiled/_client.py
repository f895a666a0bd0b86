"""The client that blocks: py_compile.compile, many files, and buffers, over the daemon."""
import contextlib
import os
import py_compile
import sys
import time

from ._connection import _Absent, _connect, _Connection, _default_socket
from ._daemon import _find_program, _namespace, _namespace_path, _Opening
from ._exchange import _Exchange
from ._here import _is_for_here, _result_here
from ._requests import _check_request, _common_params, _daemon_error, _many_requests, _Request, _result
from ._results import DaemonError
from ._steps import HERE, _compile_steps

# The largest number of connections that a client keeps open for its next requests; each thread uses one at a time.
IDLE_MAX = 8
# The seconds for which a client with `fallback` does not try again after no daemon could be had.
FALLBACK_S = 30


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
        steps, answer = _compile_steps(arguments, doraise, quiet), None
        try:
            while True:
                answer = self._serve(steps.send(answer))
        except StopIteration as end:
            if end.value is not HERE:
                return end.value
        return py_compile.compile(**arguments, doraise=doraise, quiet=quiet)

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
        fallback = self.fallback if fallback is None else fallback
        request = _many_requests(files, cfile, dfile, optimize, invalidation_mode, python, force, warnings, priority, timeout,
                                 cache)
        return self._results(map(request, files), window, fallback)

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
