"""compileall's functions through the daemon. `python -m pycompiled.compileall` is its command line.

The functions are the standard library's own, of the interpreter that runs, with pycompiled in the place of py_compile:
arguments, messages and return values are those of that version. compile_dir() sends several files at a time, and prints
what belongs to them in the order of the walk.
"""
import builtins
import collections
import compileall
import concurrent.futures
import contextlib
import contextvars
import functools
import io
import os
import sys
import threading
import types

from . import _default
from ._client import IDLE_MAX
from ._results import DaemonError

__all__ = ["compile_dir", "compile_file", "compile_path"]

# The text that a thread prints, where another one prints it in its turn.
_held = threading.local()


class _FileFailed(DaemonError, OSError):
    """The daemon could not do this one file: compileall reports it as an error of the file, and goes on."""


_FileFailed.__name__ = _FileFailed.__qualname__ = DaemonError.__name__


def _compile(*args, **options):
    """py_compile.compile for compileall. An answer of the daemon is about the file, no answer is about all of them."""
    try:
        return _default.compile(*args, **options)
    except DaemonError as error:
        if error.code is None:
            raise
        raise _FileFailed(str(error), error.code, error.data) from None


def _print(*args, **options):
    text = getattr(_held, "text", None)
    builtins.print(*args, **options, **({} if text is None else {"file": text}))


def _here(function, **names):
    """A function of compileall, which finds `names` in the place of its module's."""
    known = dict(vars(compileall), print=_print, **names)
    made = types.FunctionType(function.__code__, known, function.__name__, function.__defaults__, function.__closure__)
    made.__kwdefaults__, made.__doc__ = function.__kwdefaults__, function.__doc__
    made.__module__ = __name__
    return made


compile_file = _here(compileall.compile_file, py_compile=types.SimpleNamespace(
    **{**vars(compileall.py_compile), "compile": _compile}))
_walk_dir = _here(compileall._walk_dir)
_walk_dir.__globals__["_walk_dir"] = _walk_dir  # it calls itself


@contextlib.contextmanager
def _holding():
    """Holds what this thread prints; the value is the text."""
    _held.text = text = io.StringIO()
    try:
        yield text
    finally:
        _held.text = None


def _one(function, *args, **options):
    """Returns the value of a call, and what it has printed."""
    with _holding() as text:
        value = function(*args, **options)
    return value, text.getvalue()


def _say(text):
    if text:
        sys.stdout.write(text)


def _steps_of_walk(files):
    """The walk's files with what it prints on its way to each; at its end None with the rest."""
    while True:
        file, text = _one(next, files, None)
        yield file, text
        if file is None:
            return


def _at_once():
    """How many files are sent before the first is answered: two for each CPU, but no more than connections are kept."""
    return min(IDLE_MAX, 2 * len(os.sched_getaffinity(0)))


def _compile_all(files, compile_one):
    """Calls compile_one(file) for the files of a walk, several at a time. Returns whether all have returned true."""
    success, queued, limit = True, collections.deque(), _at_once()

    def finish():
        walked, future = queued.popleft()
        _say(walked)
        value, text = future.result()
        _say(text)
        return bool(value)

    with concurrent.futures.ThreadPoolExecutor(limit) as threads:
        try:
            for file, walked in _steps_of_walk(files):
                if file is None:
                    while queued:
                        success &= finish()
                    _say(walked)
                    break
                context = contextvars.copy_context()
                queued.append((walked, threads.submit(context.run, _one, compile_one, file)))
                if len(queued) > 4 * limit:
                    success &= finish()
        finally:
            for _, future in queued:
                future.cancel()
    return success


def compile_dir(dir, maxlevels=None, ddir=None, force=False, rx=None, quiet=0, legacy=False, optimize=-1, workers=1,
                invalidation_mode=None, *, stripdir=None, prependdir=None, limit_sl_dest=None, hardlink_dupes=False):
    if ddir is not None:
        if stripdir is not None or prependdir is not None:
            raise ValueError("Destination dir (ddir) cannot be used in combination with stripdir or prependdir")
        stripdir, prependdir = dir, ddir
    if workers < 0:
        raise ValueError("workers must be greater or equal to 0")
    maxlevels = sys.getrecursionlimit() if maxlevels is None else maxlevels
    return _compile_all(_walk_dir(dir, quiet=quiet, maxlevels=maxlevels), functools.partial(
        compile_file, force=force, rx=rx, quiet=quiet, legacy=legacy, optimize=optimize,
        invalidation_mode=invalidation_mode, stripdir=stripdir, prependdir=prependdir, limit_sl_dest=limit_sl_dest,
        hardlink_dupes=hardlink_dupes))


compile_dir.__doc__ = compileall.compile_dir.__doc__
compile_path = _here(compileall.compile_path, compile_dir=compile_dir)


def main():
    """The command line of this Python's compileall, with these functions. Returns whether all went well."""
    return _here(compileall.main, compile_dir=compile_dir, compile_file=compile_file, compile_path=compile_path)()


if __name__ == "__main__":
    from ._program import run_program
    run_program("pycompileall-client")
    try:
        sys.exit(int(not main()))
    except DaemonError as error:
        sys.stderr.write("pycompiled: %s\n" % error)
        sys.exit(1)
