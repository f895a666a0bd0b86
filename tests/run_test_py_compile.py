"""Runs CPython's own Lib/test/test_py_compile.py, with the Python that runs this.

usage: run_test_py_compile.py real | module FOLDER | client PYCOMPILE-CLIENT

real: unchanged. module: with the module pycompiled in place of py_compile, also in the commands that it runs. client: with
pycompile-client in place of these commands. Prints one JSON object: how many tests ran, their names by outcome, and what was
refused to run. Exits with 77 if this Python has no such test.
"""
import io
import json
import os
import py_compile
import subprocess
import sys
import unittest

SKIP = 77


def load_module(path):
    """Puts the package in that folder in place of py_compile. From now on a compile in this process is a failure."""
    sys.path.insert(0, os.path.dirname(path))
    import pycompiled

    def refuse(*args, **kwargs):
        raise AssertionError("compiled in process: %r %r" % (args, kwargs))

    py_compile.compile = refuse
    sys.modules["py_compile"] = pycompiled


def redirect_commands(make):
    """`python [option ...] -m py_compile ARGUMENT ...` runs what `make` gives for the options and arguments."""
    class Popen(subprocess.Popen):
        def __init__(self, command, *args, **kwargs):
            command = list(command)
            if "py_compile" in command:
                at = command.index("py_compile")
                options = [option for option in command[1:at] if option not in ("-m", "-Om")]
                options += ["-O"] if "-Om" in command else []
                command = make(options, command[at + 1:])
            super().__init__(command, *args, **kwargs)

    subprocess.Popen = Popen


def main(kind, *paths):
    if kind == "module":
        load_module(paths[0])
        redirect_commands(lambda options, arguments: [sys.executable, *options, paths[0], *arguments])
    elif kind == "client":
        version = "%d.%d" % sys.version_info[:2]
        redirect_commands(lambda options, arguments: [paths[0], "--python", version,
                                                      *(["-O"] if "-O" in options else []), *arguments])
    try:
        import test.test_py_compile as tests
    except ImportError as error:
        print(error, file=sys.stderr)
        sys.exit(SKIP)
    stream = io.StringIO()
    suite = unittest.defaultTestLoader.loadTestsFromModule(tests)
    result = unittest.TextTestRunner(stream=stream, verbosity=2).run(suite)
    json.dump({
        "run": result.testsRun,
        "skipped": sorted(case.id() for case, _ in result.skipped),
        "failed": sorted(case.id() for case, _ in result.failures + result.errors),
        "text": stream.getvalue(),
        "module": sys.modules["py_compile"].__file__,
        "cwd": os.getcwd(),
    }, sys.stdout)


main(*sys.argv[1:])
