"""The module pycompiled against py_compile, in the Python that runs this file. test_python_module.py runs it with each Python
that there is a host for. $PYCOMPILED_MODULE is the folder of the package."""
import contextlib
import enum
import importlib.util
import inspect
import io
import itertools
import marshal
import os
import pathlib
import py_compile
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import unittest
import warnings

import e2e_support as e2e
from test_client import BAD as CLIENT_BAD, SOURCES as GOOD

MODULE = os.environ["PYCOMPILED_MODULE"]
sys.path.insert(0, os.path.dirname(MODULE))
sys.dont_write_bytecode = True
import pycompiled  # noqa: E402
from pycompiled import _client, _exchange  # noqa: E402

VERSION = "%d.%d" % sys.version_info[:2]
WARN = b"x = 1 is 1\ny = '\\d'\nz = 2 is 2\n"
BAD = {
    **CLIENT_BAD,
    "idna.py": b"# coding: idna\nx = '\xff'\n",
    "hex.py": b"# coding: hex\nx = 1\n",
    "ascii.py": b"# coding: ascii\nx = '\xff'\n",
    "undefined.py": b"# coding: undefined\nx = 1\n",
    "bom_cookie.py": b"\xef\xbb\xbf# coding: latin-1\nx = 1\n",
    "braces.py": b"x = f'{a b}'\n",
    "digits.py": b"x = " + b"1" * 5000 + b"\n",
    "name.py": b"x = '\\N{no such name}'\n",
    "unterminated.py": b'"""abc\n',
    "minus.py": b"x = " + b"-" * 100000 + b"1\n",
    "future.py": b"from __future__ import no_such\n",
    "assign.py": b"f() = 1\n",
    "twice.py": b"def f(a, a): pass\n",
    "print.py": b"print 'a'\n",
}
# The temporary name that py_compile chose does not count.
TEMPORARY = re.compile(r"\.\d+\.\d+\.tmp\b|\.\d{8,}\b")


def shown(value):
    """A value, an exception or a path, in a form that can be compared."""
    if isinstance(value, BaseException):
        names = ("errno", "filename", "filename2", "exc_type_name", "file", "msg", "lineno", "offset", "text",
                 "end_lineno", "end_offset")
        members = {name: shown(getattr(value, name)) for name in names if hasattr(value, name)}
        if isinstance(value, py_compile.PyCompileError):
            members["exc_value"] = shown(value.exc_value)
            members["args"] = value.args[0], value.args[1], value.args[3]
        mro = [kind.__name__ for kind in type(value).__mro__]
        return [name for i, name in enumerate(mro) if name not in mro[:i]], TEMPORARY.sub(".tmp", str(value)), members
    return TEMPORARY.sub(".tmp", value) if isinstance(value, str) else value


def tree(folder):
    """Every file below a folder: its mode, and for a .pyc its header and code."""
    found = {}
    for top, folders, names in os.walk(folder):
        for name in folders + names:
            path = os.path.join(top, name)
            status = os.lstat(path)
            found[os.path.relpath(path, folder)] = [status.st_mode]
            if stat.S_ISREG(status.st_mode) and os.access(path, os.R_OK):
                with open(path, "rb") as file:
                    data = file.read()
                if data[:4] == importlib.util.MAGIC_NUMBER:
                    data = data[:16], marshal.loads(data[16:])
                found[os.path.relpath(path, folder)].append(data)
    return found


class Case(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="pycompiled-test-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)

    def environ(self, **values):
        """Sets variables for the test; None removes one."""
        for name, value in values.items():
            old = os.environ.get(name)
            self.addCleanup(os.environ.__setitem__ if old is not None else os.environ.pop, name, old)
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

    def write(self, **files):
        for name, data in files.items():
            with open(os.path.join(self.folder, name + ".py"), "wb") as file:
                file.write(data)


class WithDaemon(Case):
    @classmethod
    def setUpClass(cls):
        cls.daemon = e2e.Daemon("--workers", "2")
        cls.daemon.__enter__()
        cls.old = os.environ.get("PYCOMPILED_SOCKET")
        os.environ.update(PYCOMPILED_SOCKET=cls.daemon.socket, PYCOMPILED_AUTOSTART="0")

    @classmethod
    def tearDownClass(cls):
        pycompiled._default.close()
        cls.daemon.__exit__(None)

    def tearDown(self):
        while self.daemon.status()["jobs"]:  # a job that was cancelled while it ran still writes
            pass

    def served(self):
        """How many requests the daemon has had, including this one."""
        return self.daemon.status()["counters"]["requests"]

    def outcome(self, function, *args, **kwargs):
        """The effects of a call: its value or exception, its output, its warnings."""
        stderr, raised, value = io.StringIO(), None, None
        with contextlib.redirect_stderr(stderr):
            try:
                value = function(*args, **kwargs)
            except Exception as error:
                raised = error
        return shown(value), shown(raised), stderr.getvalue()

    def compare(self, files, *args, prepare=None, through_daemon=True, folder="work", **kwargs):
        """Runs both compile() in equal folders: they must do, print and leave the same."""
        results = []
        before = self.served()
        for function in (py_compile.compile, pycompiled.compile):
            work = os.path.join(self.folder, folder)
            os.makedirs(work)
            for name, data in files.items():
                path = os.path.join(work, name)
                with open(path, "wb") as file:
                    file.write(data)
                os.utime(path, (1600000000, 1600000000))
            os.chdir(work)
            if prepare:
                prepare()
            warnings.onceregistry.clear()
            vars(sys.modules["_frozen_importlib"]).pop("__warningregistry__", None)
            outcome = self.outcome(function, *args, **kwargs)
            results.append((*outcome, tree(work)))
            os.chdir(self.folder)
            shutil.rmtree(work)
        for part, real, ours in zip(("value", "exception", "stderr", "files"), *results):
            self.assertEqual(real, ours, (part, args, kwargs))
        self.assertEqual(self.served() > before + 1, through_daemon, ("whether the daemon was asked", args, kwargs))


class LikePyCompile(WithDaemon):
    def test_signature(self):
        real = inspect.signature(py_compile.compile)
        self.assertEqual(inspect.signature(pycompiled.compile), real)
        bound = inspect.signature(pycompiled.Client(None).compile)
        self.assertEqual(bound, real)
        self.assertIs(pycompiled.PyCompileError, py_compile.PyCompileError)
        self.assertIs(pycompiled.PycInvalidationMode, py_compile.PycInvalidationMode)

    def test_good_sources(self):
        for name, data in GOOD.items():
            self.compare({name: data}, name)
            self.compare({name: data}, os.path.join(self.folder, "work", name), doraise=True)

    def test_bad_sources(self):
        for name, data in BAD.items():
            for doraise, quiet in itertools.product((False, True), (0, 1, 2)):
                self.compare({name: data}, name, doraise=doraise, quiet=quiet)
            self.compare({name: data}, os.path.join(self.folder, "work", name), None, "shown.py", True)
            self.compare({name: data}, pathlib.Path(name), dfile=pathlib.Path("shown.py"), doraise=True)

    def test_code_that_marshal_refuses(self):
        files = {"nested.py": WARN + b"lambda:" * 1500 + b"0\n"}
        self.compare(files, "nested.py")
        self.compare(files, "nested.py", "nested.py/a/b.pyc")

    def test_arguments(self):
        files = {"a.py": b'"""doc"""\nassert x\nif __debug__:\n    y = 1\n'}
        for kwargs in ({}, {"cfile": "a.pyc"}, {"cfile": "new/folder/a.pyc"}, {"cfile": pathlib.Path("p/a.pyc")},
                       {"dfile": "shown.py"}, {"dfile": ""}, {"dfile": pathlib.Path("shown.py")}, {"optimize": True},
                       {"cfile": "__pycache__"}, {"cfile": "odd\udcff.pyc"}):
            self.compare(files, "a.py", **kwargs)
            self.compare(files, pathlib.Path("a.py"), **kwargs)
            self.compare(files, "./a.py", **kwargs)
            self.compare(files, os.path.join(self.folder, "work", "a.py"), **kwargs)
        for optimize, mode in itertools.product((-1, 0, 1, 2), (None, *py_compile.PycInvalidationMode)):
            self.compare(files, "a.py", optimize=optimize, invalidation_mode=mode)

    def test_value_is_what_was_given(self):
        self.write(a=b"x = 1\n")
        given = pathlib.Path("b.pyc")
        self.assertIs(pycompiled.compile("a.py", given), given)

    def test_surroundings(self):
        files = {"a.py": b"x = 1\n"}
        for epoch in ("1", "", None):
            self.environ(SOURCE_DATE_EPOCH=epoch)
            self.compare(files, "a.py")
            self.compare(files, "a.py", invalidation_mode=py_compile.PycInvalidationMode.TIMESTAMP)
        self.environ(SOURCE_DATE_EPOCH=None)
        for prefix in ("cache", os.path.join(self.folder, "work", "c", "")):
            sys.pycache_prefix = prefix
            self.addCleanup(setattr, sys, "pycache_prefix", None)
            self.compare(files, "a.py")
            self.compare(files, os.path.join(self.folder, "work", "a.py"), optimize=2)
        sys.pycache_prefix = None
        for mask in (0, 0o077, 0o027):
            self.addCleanup(os.umask, os.umask(mask))
            self.compare(files, "a.py", "new/a.pyc")
        for mode in (0o400, 0o777, 0o640):
            self.compare(files, "a.py", prepare=lambda: os.chmod("a.py", mode))

    def test_os_errors(self):
        files = {"a.py": b"x = 1\n"}
        self.compare(files, "missing.py")
        self.compare(files, "missing.py", "a.pyc", quiet=2)
        self.compare(files, pathlib.Path("missing.py"))
        self.compare(files, "")
        self.compare(files, ".")
        self.compare(files, "a.py/b.py")
        self.compare(files, "m\udcff's.py")
        self.compare(files, "a" * 300 + ".py")
        self.compare(files, "a.py", "a.py/a.pyc")
        for cfile in ("a.py/b/a.pyc", "a.py/b/c/a.pyc", "new//a.pyc", "new/./a.pyc", "new/../a.pyc", "n" * 300 + "/a.pyc",
                      "new/" + "n" * 300 + "/a.pyc", "n" * 300 + ".pyc", "./a.pyc", "../work/a.pyc", "a.pyc/", ""):
            self.compare(files, "a.py", cfile)
        self.compare({"warn.py": WARN}, "warn.py", "warn.py/a.pyc")
        self.compare(files, "a.py", "link/a.pyc", prepare=lambda: os.symlink("nowhere", "link"))
        self.compare(files, "a.py", "link/new/a.pyc", prepare=lambda: os.symlink("nowhere", "link"))
        self.compare(files, "a.py", os.devnull)
        self.compare(files, "a.py", pathlib.Path("."))
        self.compare(files, "a.py", "link.pyc", prepare=lambda: os.symlink("nowhere", "link.pyc"))
        self.compare(files, "a.py", "link.pyc", prepare=lambda: os.symlink("a.py", "link.pyc"))

    def test_permissions(self):
        """Permissions do not bind root; the outcome must be the same all the same."""
        files = {"a.py": b"x = 1\n"}

        def folder(mode):
            os.mkdir("closed")
            os.chmod("closed", mode)
        for mode in (0o555, 0o444):
            for cfile in ("closed/a.pyc", "closed/new/a.pyc", "closed/new/more/a.pyc"):
                self.compare(files, "a.py", cfile, prepare=lambda: folder(mode))
        self.compare(files, "a.py", prepare=lambda: os.chmod("a.py", 0))

    def test_no_working_directory(self):
        def leave():
            os.mkdir("gone")
            os.chdir("gone")
            os.rmdir("../gone")
        files = {"a.py": b"x = 1\n"}
        self.compare(files, os.path.join(self.folder, "work", "a.py"), prepare=leave)
        self.compare(files, "a.py", prepare=leave, through_daemon=False)

    def test_arguments_that_only_py_compile_can_answer(self):
        class Other(enum.Enum):
            MODE = 1
        files = {"a.py": b"x = 1\n"}
        for args, kwargs in (((None,), {}), ((3,), {}), ((b"a.py",), {}), ((b"a.py", "a.pyc"), {}), (("a\0.py",), {}),
                             (("a\ud800.py",), {}), (("a.py", b"a.pyc"), {}), (("a.py", "a\0.pyc"), {}),
                             (("a.py", None, "\0"), {}), (("a.py", None, b"shown.py"), {}),
                             (("a.py",), {"optimize": 3}), (("a.py",), {"optimize": "1"}),
                             (("a.py",), {"invalidation_mode": Other.MODE})):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of names given as bytes
                self.compare(files, *args, through_daemon=False, **kwargs)
        with self.assertRaises(TypeError):
            pycompiled.compile()

    def test_interpreter_options(self):
        self.write(a=b"assert x\n")
        program = "import sys; sys.path.insert(0, %r); import pycompiled; print(pycompiled.compile('a.py'))"
        for option, tag in (("-O", ".opt-1"), ("-OO", ".opt-2"), ("-I", "")):
            run = subprocess.run([sys.executable, option, "-c", program % os.path.dirname(MODULE)],
                                 stdout=subprocess.PIPE, check=True, universal_newlines=True)
            self.assertIn(sys.implementation.cache_tag + tag + ".pyc", run.stdout)
            self.assertTrue(os.path.exists(run.stdout.strip()))


class Warnings(WithDaemon):
    """The compiler's warnings obey this process's own filters."""

    def filtered(self, *filters):
        """A context with only these filters; the last one takes precedence."""
        context = warnings.catch_warnings()
        context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        warnings.resetwarnings()
        for action, *rest in filters:
            warnings.filterwarnings(action, *rest)

    def test_filters(self):
        files = {"warn.py": WARN, "good.py": b"x = 1\n", "both.py": WARN + b"def f():\n    x = 1\n    nonlocal y\n"}
        for filters in ([], [("ignore",)], [("error",)], [("always",)], [("default",)], [("once",)], [("module",)],
                        [("error", "", SyntaxWarning)], [("error", "", DeprecationWarning)],
                        [("error",), ("ignore", ".*escape")], [("ignore",), ("error", "(?x) .* esc [a] pe")],
                        [("error", "", Warning, "warn", 3)], [("error", "", Warning, "w.rn$"), ("ignore", "", Warning, "", 1)],
                        [("error", "", ResourceWarning)], [("ignore", "", UserWarning), ("error", "no such")]):
            of_modules = any(len(each) > 3 or each[0] == "module" for each in filters)
            if of_modules and not e2e.warns_of_each_file(sys.executable):
                continue
            self.filtered(*filters)
            for name in files:
                self.compare(files, name)
                self.compare(files, name, doraise=True)
                self.compare(files, os.path.join(self.folder, "work", name), None, "warn.py", quiet=2)

    def test_start_up_filters(self):
        self.write(warn=WARN, good=b"x = 1\n")
        module = ["-W", "error::SyntaxWarning:warn:3"] if e2e.warns_of_each_file(sys.executable) else []
        for options in ([], ["-W", "error"], ["-W", "ignore"], module, ["-X", "dev"]):
            for name in ("warn.py", "good.py"):
                runs = []
                for command in (["-m", "py_compile"], [MODULE]):
                    shutil.rmtree("__pycache__", ignore_errors=True)
                    run = subprocess.run([sys.executable, *options, *command, name], stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE)
                    runs.append((run, os.path.isdir("__pycache__")))
                (real, real_made), (ours, ours_made) = runs
                self.assertEqual((real.returncode, real.stdout, real.stderr, real_made),
                                 (ours.returncode, ours.stdout, ours.stderr, ours_made), (options, name))

    def test_recorded(self):
        self.write(warn=WARN)
        recorded = []
        for function in (py_compile.compile, pycompiled.compile):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                function("warn.py")
            recorded.append([(item.category, str(item.message), item.filename, item.lineno, item.line, item.source)
                             for item in caught])
        self.assertEqual(*recorded)
        self.assertGreaterEqual(len(recorded[0]), 3)

    def test_handler_that_raises(self):
        def refuse(message, *_):
            raise LookupError(str(message))
        files = {"warn.py": WARN}
        self.filtered(("error", "never matches"), ("always",))  # they could raise, and do not
        warnings.showwarning = refuse
        self.compare(files, "warn.py")
        self.compare(files, "warn.py", doraise=True)

    def test_nothing_leaks(self):
        self.write(warn=WARN, good=b"x = 1\n")
        self.filtered(("error",))
        self.assertIsNone(self.outcome(pycompiled.compile, "warn.py")[0])
        self.filtered(("ignore",))
        self.assertEqual(self.outcome(pycompiled.compile, "warn.py")[1:], (None, ""))
        self.filtered(("always",))
        with warnings.catch_warnings(record=True) as caught:
            pycompiled.compile("good.py")
        self.assertEqual(caught, [])


class CommandLine(WithDaemon):
    def run_both(self, *args, stdin=None, environment=None):
        runs = []
        for command in (["py_compile"], ["pycompiled"]):
            shutil.rmtree("__pycache__", ignore_errors=True)
            run = subprocess.run([sys.executable, "-m", *command, *args], input=stdin, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, env=dict(os.environ, PYTHONPATH=os.path.dirname(MODULE),
                                                                  PYTHONHASHSEED="0", **(environment or {})))
            stdout, stderr = (data.replace(b"pycompiled", b"py_compile") for data in (run.stdout, run.stderr))
            stderr = re.sub(rb"Traceback.*\n( .*\n)+", b"", stderr)  # 3.9 ends with a traceback
            runs.append((run.returncode, stdout, stderr, tree(self.folder)))
        self.assertEqual(*runs)

    def test_like_py_compile(self):
        self.write(good=b"x = 1\n", other=b"x = 2\n", bad=b"x = (\n", warn=WARN)
        self.run_both("good.py")
        self.run_both("good.py", "bad.py", "other.py")
        self.run_both("good.py", "missing.py", "other.py")
        self.run_both("-q", "bad.py")
        self.run_both("warn.py")
        self.run_both("-", stdin=b"good.py\nother.py\n")
        self.run_both("-", stdin=b"bad.py\n")
        self.run_both("--help")
        self.run_both()
        self.run_both("good.py", environment={"PYTHONOPTIMIZE": "2"})
        self.run_both("good.py", environment={"SOURCE_DATE_EPOCH": "1"})

    def test_no_daemon(self):
        self.write(good=b"x = 1\n")
        run = subprocess.run([sys.executable, MODULE, "good.py"], stderr=subprocess.PIPE,
                             env=dict(os.environ, PYCOMPILED_SOCKET=os.path.join(self.folder, "socket")))
        self.assertEqual((run.returncode, run.stderr.count(b"\n")), (1, 1), run.stderr)
        self.assertTrue(run.stderr.startswith(b"pycompiled: no daemon listens on "), run.stderr)


class Many(WithDaemon):
    def test_all_of_them(self):
        files = {**GOOD, **BAD}
        for name, data in files.items():
            with open(name, "wb") as file:
                file.write(data)
        names = [*files, "missing.py", pathlib.Path("missing too.py"), "a\0b.py"]
        results = list(pycompiled.compile_many(iter(names), warnings=["always"]))
        self.assertCountEqual([result.file for result in results], names)
        for result in results:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                real = self.outcome(py_compile.compile, result.file, doraise=True)
            self.assertEqual((result.cfile, shown(result.error)), real[:2])
            self.assertIn(result.outcome, {"failed"} if result.error else {"compiled", "cached"})
            if result.error is None:
                self.assertEqual([(w.category, w.message, w.filename, w.lineno) for w in result.warnings],
                                 [(w.category.__name__, str(w.message), w.filename, w.lineno) for w in caught])

    def test_options(self):
        self.write(a=b"assert x\n", warn=WARN)

        def one(file, **options):
            result, = pycompiled.compile_many([file], **options)
            self.assertIsNone(result.error)
            self.assertTrue(os.path.exists(result.cfile), result)
            return result

        self.assertIn("opt-2", one("a.py", optimize=2).cfile)
        self.assertIn(one("a.py", force=False).outcome, {"compiled", "cached"})
        self.assertEqual(one("a.py", force=False).outcome, "up-to-date")
        result = one("a.py", cfile=lambda file: file + "c", dfile=lambda file: "/shown/" + file,
                     invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
        with open("a.pyc", "rb") as file:
            data = file.read()
        self.assertEqual((result.cfile, data[4], marshal.loads(data[16:]).co_filename), ("a.pyc", 1, "/shown/a.py"))
        self.assertEqual(one("warn.py", warnings=["ignore"]).warnings, [])
        self.assertEqual(len(one("warn.py", warnings=["always"]).warnings), 3)
        result, = pycompiled.compile_many(["warn.py"], warnings=["error"])
        self.assertIsInstance(result.error, py_compile.PyCompileError)
        for version in e2e.hosts():
            self.assertIn(version.replace(".", ""), one("a.py", python=version).cfile)

    def test_wrong_arguments(self):
        for options in ({"optimize": 3}, {"optimize": "1"}, {"invalidation_mode": "timestamp"}):
            with self.assertRaises(ValueError):
                pycompiled.compile_many([], **options)
        for files in ("a.py", b"a.py", pathlib.Path("a.py")):
            with self.assertRaises(TypeError):
                pycompiled.compile_many(files)
        with self.assertRaises(TypeError):
            list(pycompiled.compile_many([3]))

    def test_no_such_python(self):
        self.write(a=b"x = 1\n")
        result, = pycompiled.compile_many(["a.py"], python="2.7", fallback=True)
        self.assertIsInstance(result.error, pycompiled.DaemonError)
        self.assertEqual(result.error.code, pycompiled.UNAVAILABLE)
        self.assertIn("no host for Python 2.7", str(result.error))

    def test_lazy_and_bounded(self):
        self.write(a=b"x = 1\n")
        taken = itertools.count()
        window, done = 5, 0

        def endless():
            for number in taken:
                self.assertLessEqual(number - done, window)
                yield "a.py"

        for _ in (results := pycompiled.compile_many(endless(), window=window)):
            done += 1
            if done == 100:
                break
        results.close()
        self.assertLessEqual(next(taken), 100 + window)

    def test_results_come_before_the_next_file_is_there(self):
        """An iterable of names that waits for a result gets it."""
        self.write(a=b"x = 1\n")
        seen = []

        def names():
            for number in range(20):
                yield "a.py"
                while len(seen) < number:  # every file but the last one was answered
                    yield "a.py"
        count = 0
        for result in pycompiled.compile_many(names()):
            seen.append(result)
            count += 1
        self.assertGreaterEqual(count, 20)

    def test_an_exception_of_the_iterable_gets_through(self):
        def names():
            yield "a.py"
            raise ZeroDivisionError
        self.write(a=b"x = 1\n")
        with self.assertRaises(ZeroDivisionError):
            list(pycompiled.compile_many(names()))

    def test_another_request_in_between(self):
        self.write(a=b"x = 1\n")
        with pycompiled.Client() as client:
            for result in client.compile_many(["a.py"] * 20):
                self.assertIsNone(result.error)
                self.assertEqual(client.check("x = 1\n").outcome, "checked")
                self.assertTrue(client.compile("a.py"))

    def test_thousands(self):
        names = ["m%04d.py" % i for i in range(2000)]
        for i, name in enumerate(names):
            with open(name, "w") as file:
                file.write("x = %d\n" % i)
        results = list(pycompiled.compile_many(names))
        self.assertCountEqual([result.file for result in results], names)
        self.assertLessEqual({result.outcome for result in results}, {"compiled", "cached"})
        for result in results:
            self.assertEqual(result.cfile, importlib.util.cache_from_source(result.file))


class Check(WithDaemon):
    def test_buffers(self):
        before = set(os.listdir("."))
        result = pycompiled.check("x = 1\n")
        self.assertEqual(result, ("<string>", None, "checked", [], None))
        self.assertEqual(result.diagnostics, [])
        for text in ("x = (\n", "def f():\n    nonlocal x\n", "if 1:\nx\n", "x\0y\n", "x = '\ud800'\n", "é = = 1\n"):
            for data in (text, text.encode("utf-8", "surrogatepass"), "# coding: latin-1\nreturn 'é'".encode("latin-1")):
                result = pycompiled.check(data, "shown.py")
                with self.assertRaises(Exception) as real:
                    compile(data, "shown.py", "exec", dont_inherit=True)
                error = result.error
                self.assertIsInstance(error, py_compile.PyCompileError)
                self.assertEqual((error.exc_type_name, error.file), (type(real.exception).__name__, "shown.py"))
                self.assertEqual(str(error.exc_value), str(real.exception))
                only, = result.diagnostics
                self.assertEqual((only.severity, only.category, only.filename),
                                 ("error", error.exc_type_name, "shown.py"))
                self.assertEqual(only.lineno, getattr(real.exception, "lineno", None))
        self.assertEqual(set(os.listdir(".")), before)

    def test_warnings(self):
        result = pycompiled.check(WARN.decode(), "shown.py", warnings=["always"])
        self.assertEqual(result.outcome, "checked")
        self.assertEqual(sorted(w.lineno for w in result.warnings), [1, 2, 3])
        self.assertEqual({w.severity for w in result.diagnostics}, {"warning"})
        self.assertEqual([w.message for w in result.diagnostics], [w.message for w in result.warnings])
        self.assertIn("shown.py:1: SyntaxWarning: ", result.warnings[0].text + result.warnings[1].text)
        self.assertEqual(pycompiled.check(WARN.decode(), warnings=["ignore"]).diagnostics, [])

    def test_file(self):
        self.write(a=b"x = (\n")
        self.assertIn("a.py", pycompiled.check(None, "a.py").error.msg)
        self.assertEqual(pycompiled.check("x = 1\n", "a.py").outcome, "checked")
        self.assertIsInstance(pycompiled.check(None, "missing.py").error, FileNotFoundError)
        self.assertEqual(pycompiled.check(None, "missing.py").diagnostics[0].category, "FileNotFoundError")
        self.assertFalse(os.path.exists("__pycache__"))

    def test_cookie_of_text_does_not_count(self):
        self.assertEqual(pycompiled.check("# coding: ascii\nx = 'é'\n").outcome, "checked")
        self.assertEqual(pycompiled.check("# coding: latin-1\nx = 'é'\n".encode("latin-1")).outcome, "checked")
        self.assertEqual(pycompiled.check("\ufeffx = 1\n".encode()).outcome, "checked")


class Connections(WithDaemon):
    def test_one_is_reused(self):
        self.write(a=b"x = 1\n")
        with pycompiled.Client(self.daemon.socket) as client:
            for _ in range(20):
                client.compile("a.py")
            self.assertEqual(client.status()["connections"], 2 if pycompiled._default._idle else 1)
            self.assertEqual(len(client._idle), 1)
        self.assertEqual(len(client._idle), 0)
        self.assertTrue(client.compile("a.py"))  # opens one again
        client.close()

    def test_threads(self):
        client, wrong = pycompiled.Client(), []

        def work(number):
            name = "t%d.py" % number
            with open(name, "w") as file:
                file.write("x = %d\n" % number)
            for _ in range(30):
                if client.compile(name) != importlib.util.cache_from_source(name):
                    wrong.append(name)
        threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])
        self.assertEqual(len([name for name in os.listdir("__pycache__") if name.startswith("t")]), 12)
        self.assertLessEqual(len(client._idle), _client.IDLE_MAX)
        client.close()

    def test_fork(self):
        self.write(a=b"x = 1\n")
        pycompiled.compile("a.py")
        children = []
        for number in range(4):
            child = os.fork()
            if child == 0:
                os._exit(0 if all(pycompiled.compile("a.py", "c%d.pyc" % number) for _ in range(20)) else 1)
            children.append(child)
        for _ in range(50):
            self.assertTrue(pycompiled.compile("a.py"))
        self.assertEqual([os.waitpid(child, 0)[1] for child in children], [0] * 4)

    def test_leftovers(self):
        """Nothing stays open at the end of a process, nor after an iterator is dropped."""
        self.write(a=b"x = 1\n")
        program = ("import sys; sys.path.insert(0, %r); import pycompiled; pycompiled.compile('a.py')\n"
                   "next(pycompiled.compile_many(['a.py'] * 50))" % os.path.dirname(MODULE))
        run = subprocess.run([sys.executable, "-X", "dev", "-W", "error", "-c", program], stderr=subprocess.PIPE)
        self.assertEqual((run.returncode, run.stderr), (0, b""))


class Scripted(Case):
    """Against a daemon with a scripted host (fake-host)."""

    def daemon(self, *options):
        daemon = e2e.Daemon(*options, fake=True)
        self.environ(PYCOMPILED_SOCKET=daemon.socket, PYCOMPILED_AUTOSTART="0")
        return daemon

    def start_again(self, daemon):
        os.unlink(daemon.log)  # its first line says that it is up
        daemon.start()

    def many(self, *names, **options):
        return pycompiled.compile_many(["/" + name for name in names], python="9.9", **options)

    def test_as_they_finish(self):
        with self.daemon("--workers", "2"):
            given = ["slow:sleep=1", *["quick %d" % i for i in range(20)]]
            names = [result.file[1:] for result in self.many(*given)]
            self.assertCountEqual(names, given)
            self.assertNotEqual(names[0], given[0])

    def test_closing_cancels(self):
        with self.daemon("--workers", "1") as daemon:
            results = self.many("first", *["%d:sleep=0.05" % i for i in range(200)])
            self.assertEqual(next(results).file, "/first")
            results.close()
            while daemon.status()["jobs"]:
                pass
            self.assertLess(daemon.status()["counters"]["compiled"], 200)

    def test_what_is_neither(self):
        with self.daemon("--workers", "1"):
            crash, = self.many("a:crash=SIGSEGV")
            late, = self.many("a:sleep=60", timeout=0.05)
            self.assertIsInstance(crash.error, pycompiled.DaemonError)
            self.assertEqual((crash.outcome, crash.error.code, crash.error.data["signal"]),
                             ("failed", -32003, signal.SIGSEGV))
            self.assertEqual((late.error.code, late.error.data["timeout_ms"]), (-32004, 50))
            self.assertIn("/a:sleep=60: Timeout", str(late.error))

    def test_fallback_is_not_for_what_crashes(self):
        with self.daemon("--workers", "1"):
            result, = self.many("a:crash=SIGSEGV", fallback=True)
            self.assertEqual(result.error.code, -32003)

    def test_stopped(self):
        """A daemon that gives no sign of life is told of, and is an error in the end; with `fallback` the file is compiled here."""
        with open("a.py", "w") as file:
            file.write("x = 1\n")
        self.environ(PYCOMPILED_PATIENCE="0.5")
        with self.daemon("--workers", "1") as daemon, pycompiled.Client() as client, pycompiled.Client() as other:
            self.assertEqual(next(client.compile_many(["/a"], python="9.9")).error, None)
            daemon.process.send_signal(signal.SIGSTOP)
            try:
                said = io.StringIO()
                with contextlib.redirect_stderr(said), self.assertRaisesRegex(pycompiled.DaemonError,
                                                                              "no sign of life for 0.5 seconds"):
                    next(client.compile_many(["/a"], python="9.9"))
                self.assertEqual(said.getvalue(), "pycompiled: the daemon (pid %d) does not answer; waiting up to 0.5 seconds\n"
                                 % daemon.process.pid)
                with contextlib.redirect_stderr(said):
                    results = list(other.compile_many(["a.py", "a.py"], fallback=True))
                self.assertEqual([result.outcome for result in results], ["compiled"] * 2)
            finally:
                daemon.process.send_signal(signal.SIGCONT)

    def test_slow_is_not_stopped(self):
        self.environ(PYCOMPILED_PATIENCE="5")
        with self.daemon("--workers", "1"):
            result, = self.many("a:sleep=2")
            self.assertIsNone(result.error)

    def test_daemon_that_is_killed_and_comes_again(self):
        with self.daemon("--workers", "1") as daemon:
            results = self.many(*["%d:sleep=0.01" % i for i in range(100)])
            seen = [next(results)]
            daemon.process.kill()
            daemon.process.wait()
            self.start_again(daemon)
            seen += results
            self.assertEqual(sorted(result.file for result in seen), sorted("/%d:sleep=0.01" % i for i in range(100)))
            self.assertEqual([result.error for result in seen], [None] * 100)

    def test_kept_connection_that_was_lost(self):
        with self.daemon("--workers", "1") as daemon, pycompiled.Client() as client:
            for _ in range(3):
                result, = client.compile_many(["/a"], python="9.9")
                self.assertIn(result.outcome, {"compiled", "cached"})
                daemon.stop()
                self.start_again(daemon)


class Server(threading.Thread):
    """Listens, and does what the script says with each connection in turn."""

    def __init__(self, folder, *script):
        super().__init__()
        self.path = os.path.join(folder, "socket")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        self.script = script
        self.requests = 0

    def run(self):
        with self.listener:
            for answer in self.script:
                connected = self.listener.accept()[0]
                with connected, connected.makefile("rb") as file:
                    line = file.readline()
                    self.requests += bool(line)
                    if answer is not None:
                        connected.sendall(answer % {b"id": re.search(rb'"id": (\d+)', line).group(1)})
                        file.readline()  # until the client has gone


class Lost(Case):
    GOOD = (b'{"jsonrpc":"2.0","id":%(id)s,"result":{"cfile":"a.pyc","outcome":"compiled","python":"9.9.9",'
            b'"warnings":[],"elapsed_us":1}}\n')
    DRAINING = (b'{"jsonrpc":"2.0","id":%(id)s,"error":{"code":-32005,"message":"going",'
                b'"data":{"reason":"going","retryable":true}}}\n')

    def ask(self, *script):
        os.chmod(self.folder, 0o700)
        server = Server(self.folder, *script)
        server.start()
        try:
            client = pycompiled.Client(server.path, autostart=False)
            result, = client.compile_many(["/a.py"], python="9.9")
            client.close()
        finally:
            server.join()
            os.unlink(server.path)
        return result, server.requests

    def test_one_retry(self):
        _exchange.GHOSTS_MAX, old = 0, _exchange.GHOSTS_MAX  # one process stands for all the daemons
        self.addCleanup(setattr, _exchange, "GHOSTS_MAX", old)
        self.assertEqual(self.ask(None, self.GOOD)[0].outcome, "compiled")
        self.assertEqual(self.ask(self.DRAINING, self.GOOD)[0].outcome, "compiled")
        result, requests = self.ask(None, None)
        self.assertEqual((result.error.code, requests), (-32005, 2))
        self.assertIn("lost twice", str(result.error))
        result, requests = self.ask(self.DRAINING, self.DRAINING)
        self.assertEqual((result.error.code, result.error.data["reason"], requests), (-32005, "going", 2))

    def test_killed_daemon_that_still_accepts_is_no_attempt(self):
        result, requests = self.ask(None, None, None, self.GOOD)
        self.assertEqual((result.outcome, requests), ("compiled", 4))

    def test_nonsense(self):
        for answer in (b"nonsense\n", b"[1]\n", b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"what"}}\n'):
            with self.assertRaises(pycompiled.DaemonError):
                self.ask(answer)


class Starting(Case):
    def setUp(self):
        super().setUp()
        self.socket = os.path.join(self.folder, "run", "socket")
        self.environ(PYCOMPILED_SOCKET=self.socket, PYCOMPILED_AUTOSTART=None,
                     PATH=os.path.dirname(e2e.DAEMON) + os.pathsep + os.environ["PATH"])
        self.write(a=b"x = 1\n")
        self.addCleanup(self.stop)
        self.addCleanup(pycompiled._default.close)

    def stop(self):
        subprocess.run([e2e.CTL, "stop"], env=dict(os.environ, PYCOMPILED_SOCKET=self.socket), check=True,
                       stdout=subprocess.DEVNULL)

    def refused(self, client, *words):
        with self.assertRaises(pycompiled.DaemonError) as caught:
            client.compile("a.py")
        for word in words:
            self.assertIn(word, str(caught.exception))
        with self.assertRaises(pycompiled.DaemonError):
            list(client.compile_many(["a.py"]))
        self.assertFalse(os.path.exists("__pycache__"))
        with pycompiled.Client(client.socket, daemon=client.daemon, autostart=client.autostart, fallback=True) as other:
            self.assertEqual(other.compile("a.py"), importlib.util.cache_from_source("a.py"))
            self.assertTrue(os.path.exists(other.compile("a.py")))
            results = list(other.compile_many(["a.py", "missing.py", "a.py"]))
            self.assertEqual(["failed" if result.error else "good" for result in results], ["good", "failed", "good"])
            self.assertIsInstance(results[1].error, FileNotFoundError)
            self.assertEqual(other.check("x = (\n").diagnostics[0].category, "SyntaxError")
            self.assertEqual(other.check("x = 1\n").outcome, "checked")
            self.assertEqual(len(other.check("1 is 1\n").warnings), 1)
        shutil.rmtree("__pycache__")

    def test_the_first_call_starts_it(self):
        self.assertTrue(os.path.exists(pycompiled.compile("a.py")))
        counters = pycompiled._default.status()["counters"]
        self.assertEqual(counters["compiled"] + counters["cached"], 1)

    def test_many_at_once_start_one(self):
        program = "import sys; sys.path.insert(0, %r); import pycompiled; pycompiled.compile('a.py', doraise=True)"
        runs = [subprocess.Popen([sys.executable, "-c", program % os.path.dirname(MODULE)]) for _ in range(8)]
        self.assertEqual([run.wait() for run in runs], [0] * 8)
        with open(os.path.join(self.folder, "run", "log")) as log:
            self.assertEqual(log.read().count("listens on"), 1)

    def test_of_the_installed_tree(self):
        """A tree that was moved: the module finds the daemon from its own place."""
        tree = os.path.join(self.folder, "moved")
        packages = os.path.join(tree, "lib", "python" + VERSION, "site-packages")
        for folder in (packages, os.path.join(tree, "bin"), os.path.join(tree, "libexec", "pycompiled")):
            os.makedirs(folder)
        shutil.copytree(MODULE, os.path.join(packages, "pycompiled"))
        shutil.copy(e2e.DAEMON, os.path.join(tree, "bin"))
        e2e.copy_host(VERSION, os.path.join(tree, "libexec", "pycompiled"))
        self.environ(PATH="/nonexistent")
        program = "import pycompiled; pycompiled.compile('a.py'); print(pycompiled._default.status()['pythons'])"
        run = subprocess.run([sys.executable, "-c", program], env=dict(os.environ, PYTHONPATH=packages),
                             stdout=subprocess.PIPE, universal_newlines=True, check=True)
        self.assertIn(tree, run.stdout)

    def test_it_can_be_turned_off(self):
        self.refused(pycompiled.Client(autostart=False), self.socket, "forbidden")
        self.environ(PYCOMPILED_AUTOSTART="0")
        self.refused(pycompiled.Client(), self.socket, "forbidden")
        with pycompiled.Client(autostart=True) as client:
            self.assertTrue(client.compile("a.py"))

    def test_no_program(self):
        self.environ(PATH="/nonexistent")
        self.refused(pycompiled.Client(), "is not found")
        self.refused(pycompiled.Client(daemon="/nonexistent/pycompiled"), "cannot run /nonexistent/pycompiled")

    def test_program_that_fails(self):
        os.mkdir("run")
        os.chmod("run", 0o700)
        with open("run/log", "w") as log:
            log.write("".join("line %d\n" % i for i in range(100)))
        with open("failing", "w") as program:
            program.write("#!/bin/sh\necho 'cannot, sorry' >&2\nexit 3\n")
        os.chmod("failing", 0o755)
        program = os.path.join(self.folder, "failing")
        self.refused(pycompiled.Client(daemon=program), "exit status 3", "cannot, sorry", "line 90\n", "line 99")

    def test_folders_that_are_not_safe(self):
        os.mkdir("run")
        os.chmod("run", 0o777)
        self.refused(pycompiled.Client(), "may be written to by other users")
        os.chmod("run", 0o700)
        with open(self.socket, "w"):
            pass
        self.refused(pycompiled.Client(), "is not a socket")
        os.unlink(self.socket)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(os.path.join(self.folder, "elsewhere"))
            os.symlink("../elsewhere", self.socket)
            self.refused(pycompiled.Client(), "is not a socket")
            os.unlink(self.socket)
            if os.geteuid() == 0:
                os.rename("elsewhere", self.socket)
                os.chown(self.socket, 12345, 12345)
                self.refused(pycompiled.Client(), "run/socket belongs to another user (uid 12345)")
                os.unlink(self.socket)
        os.rename("run", "real")
        os.symlink("real", "run")
        self.refused(pycompiled.Client(), "is not a folder")
        os.unlink("run")
        self.refused(pycompiled.Client(self.folder + "/" + "x" * 100), "longer than 107 bytes")
        if os.geteuid() == 0:
            os.mkdir("run")
            os.chmod("run", 0o700)
            os.chown("run", 12345, 12345)
            self.refused(pycompiled.Client(), "belongs to another user (uid 12345)")
            os.chown("run", 0, 0)

    def test_restart_in_the_middle(self):
        names = ["m%03d.py" % i for i in range(400)]
        for i, name in enumerate(names):
            with open(name, "w") as file:
                file.write("x = [%d]\n" % i + "def f(a, b): return a + b\n" * 200)
        seen = []
        for result in pycompiled.compile_many(names):
            seen.append(result)
            if len(seen) == 50:
                subprocess.run([e2e.CTL, "restart"], check=True, stdout=subprocess.DEVNULL)
        self.assertEqual(sorted(result.file for result in seen), names)
        self.assertLessEqual({(result.outcome, result.error) for result in seen}, {("compiled", None), ("cached", None)})


if __name__ == "__main__":
    e2e.main()
