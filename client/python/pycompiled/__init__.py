"""py_compile and compileall through pycompiled, a daemon that keeps warm compilers. docs/python.md is the reference.

    pycompiled.compile("app.py")                             # the arguments of py_compile.compile
    pycompiled.compile_dir("src", quiet=1)                   # and of compileall's functions
    for result in pycompiled.compile_many(files): ...        # results as they finish
    pycompiled.check("x = (\\n", "app.py").diagnostics        # of a buffer: nothing is written

This package is a client: it starts the daemon where none runs, sends requests, and turns answers into return
values, exceptions and warnings. It compiles in this process in two cases: for a client with `fallback` that
has no daemon, and for arguments that no request can carry, which go to py_compile for its error message.
It needs the standard library alone, Linux, and CPython 3.9 or later.
"""
import atexit
import py_compile
import sys
import types
from py_compile import PyCompileError, PycInvalidationMode

from ._client import Client
from ._requests import OS_ERROR, PY_COMPILE_ERROR, UNAVAILABLE
from ._results import CompileWarning, DaemonError, Diagnostic, Result

__version__ = "0.1.0"
__all__ = ["compile", "compile_many", "check", "compile_dir", "compile_file", "compile_path", "main", "Client", "AsyncClient",
           "Result", "Diagnostic", "CompileWarning", "DaemonError", "PyCompileError", "PycInvalidationMode", "PY_COMPILE_ERROR",
           "OS_ERROR", "UNAVAILABLE"]

_default = Client()
atexit.register(_default.close)
# What is imported when it is first asked for: asyncio and compileall cost more than the rest together.
_LATER = {"AsyncClient": "aio", "compile_dir": "compileall", "compile_file": "compileall", "compile_path": "compileall"}


def __getattr__(name):
    if name not in _LATER:
        raise AttributeError("module %r has no attribute %r" % (__name__, name))
    import importlib
    value = globals()[name] = getattr(importlib.import_module("." + _LATER[name], __name__), name)
    return value


def __dir__():
    return sorted({*globals(), *__all__})


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
